"""Runs a notebook with checked parameters and publishes its page, all of it or nothing."""

from __future__ import annotations

import datetime as dt
import difflib
import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import research
from research.config import settings
from research.errors import QualityError, RenderError, UsageError
from research.headline import read as read_headline
from research.parameters import Schema, schema
from research.report import changes, earlier, facts, guard, shelf
from research.report import manifest as manifests
from research.report.counterfactual import Now
from research.report.execute import execute
from research.report.files import TWIN, publish
from research.report.naming import file_name, written
from research.report.places import P, Place, within
from research.report.surroundings import given

SIZE_LIMIT = 3_000_000  # bytes of a page


@dataclass(frozen=True, kw_only=True)
class Order:
    """A report that can be made: a notebook and checked parameters."""

    path: Path
    accepted: Schema
    values: dict[str, Any]  # every parameter
    chosen: frozenset[str]  # those that the page marks as chosen
    file: str  # name of the page's file
    store_name: str | None  # as the page tells it, None for a notebook without that parameter


@dataclass(frozen=True, kw_only=True)
class Made:
    """A report that was made and is not published yet."""

    page: bytes
    twin: bytes  # see `twin.build`
    manifest: dict[str, Any]

    @property
    def beside(self) -> dict[str, bytes]:
        """What is published beside the page, by suffix."""
        return {TWIN: self.twin, manifests.SUFFIX: manifests.to_bytes(self.manifest)}


def report(
    notebook: str,
    parameters: Mapping[str, str],
    *,
    store: str | None = None,
    as_of: str | None = None,
    strict: bool = False,
    out: P,
    tell: Callable[[str], None] = lambda _: None,
) -> P:
    """Run `notebook` and return the HTML file written to `out`, its twin and manifest beside it.

    Parameters
    ----------
    notebook : the name of one of the project's notebooks, or a path to any
    parameters : by name, as typed on a command line
    store : where the observations are, for a notebook with a parameter of that name; without one,
        the store of the settings
    as_of : what was known then is used, for a notebook with a parameter of that name; without one,
        what is known at the start
    strict : publish nothing if a check of quality fails on what a result rests on; else the page
        names what failed
    out : folder, made if needed; the same parameters write the same file
    tell : told what is being done, in a few words

    Raises
    ------
    UsageError
        if the notebook or a parameter does not exist or cannot be; no kernel was started
    QualityError
        if a check failed and `strict` says that none may, or a cell refused its data
    RenderError
        if a cell failed or the page tells a secret

    Whichever it is, what was at the destination is still there.
    """
    asked = order(notebook, parameters, store=store, as_of=as_of)
    _refuse_future(asked.values.get("as_of"))
    destination = within(out, asked.file)
    _check_writable(out)
    replaced = earlier.find(destination)  # before it can be replaced while this one is made
    made = make(asked, tell, compare=lambda now: changes.since(replaced, now, tell))
    if strict:
        _refuse_failed(made.manifest["failed_checks"], asked.path.stem)
    if len(made.page) > SIZE_LIMIT:
        sys.stderr.write(f"{asked.path.stem}: {len(made.page):,} bytes, more than {SIZE_LIMIT:,}\n")
    files = made.beside
    for contents in (made.page, *files.values()):
        guard.check(contents, asked.path.stem, store=asked.values.get("store"))
    given().check()
    shelf.keep_earlier(destination, made.manifest)
    try:
        publish(made.page, destination, beside=files)
    except OSError as error:
        raise RenderError(
            f"{asked.path.stem}: the report could not be written to {destination} "
            f"({error.strerror or error}); the last one was left in place. Make room or give us "
            "the right to write there, and run again"
        ) from error
    return destination


def order(
    notebook: str,
    parameters: Mapping[str, Any],
    *,
    store: str | None = None,
    as_of: str | None = None,
) -> Order:
    """Return what is asked for, checked; see `report` for the parameters and errors."""
    path = find(notebook)
    settings()  # so that what is wrong with them is not said of the notebook
    accepted = schema(path)
    usual = _usual_store(accepted)
    values = accepted.check(
        usual
        | dict(parameters)
        | ({} if store is None else {"store": store})
        | ({} if as_of is None else {"as_of": as_of})
    )
    unasked = accepted.check(usual)
    named = {name: value for name, value in values.items() if value != unasked[name]}
    chosen = frozenset(accepted.changed(values))
    if values.get("as_of", "") is None:
        values = accepted.check(values | {"as_of": _this_second().isoformat()})
    return Order(
        path=path,
        accepted=accepted,
        values=values,
        chosen=chosen,
        file=file_name(path.stem, named),
        store_name=facts.last_folder(values["store"]) if "store" in values else None,
    )


def _refuse_future(as_of: object) -> None:
    """Refuse a time by which more may be known than there is now."""
    if isinstance(as_of, dt.datetime) and as_of > _this_second():
        raise UsageError(
            f"as_of {as_of:%Y-%m-%d %H:%M:%S} UTC: that time has not come, so more may be known by "
            "then; give an earlier one, or none for what is known now"
        )


def _this_second() -> dt.datetime:
    """Return the end of the running second, UTC: what was stored a moment ago is known by then."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(seconds=1)


def _usual_store(accepted: Schema) -> dict[str, Any]:
    """Return the parameter `store` as it is without being asked for: the settings' own."""
    return {
        parameter.name: parameter.convert(settings().store)
        for parameter in accepted.parameters
        if parameter.name == "store"
    }


def find(notebook: str) -> Path:
    """Return the path of a notebook given by name or path."""
    if notebook.endswith(".ipynb") or os.sep in notebook:
        path = Path(notebook)
        if not path.is_file():
            raise UsageError(f"{notebook}: no such notebook")
        return path
    available = {path.stem: path for folder in _folders() for path in folder.glob("*.ipynb")}
    if notebook not in available:
        near = difflib.get_close_matches(notebook, available, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UsageError(
            f"no notebook {notebook}; {hint}available are {', '.join(sorted(available)) or 'none'},"
            " or give the path of an .ipynb file"
        )
    return available[notebook]


def _folders() -> Iterator[Path]:
    """Yield where notebooks are looked for, the one that wins last."""
    yield Path(str(research.__file__)).parents[1] / "notebooks"  # beside the package, in a clone
    yield Path.cwd() / "notebooks"


def _check_writable(folder: Place) -> None:
    """Refuse a destination before minutes are spent on what could not be written there."""
    if not isinstance(folder, Path):
        folder.check_writable()
        return
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise UsageError(f"{folder}: cannot be written to")


def make(
    asked: Order,
    tell: Callable[[str], None],
    *,
    compare: Callable[[Callable[[], Now | None]], changes.Compared],
) -> Made:
    """Run the notebook in a kernel of its own and return its report.

    Parameters
    ----------
    compare : tells what changed since an earlier report, once the answer of this one is known
    """
    tell("starting")
    began, started_at = time.perf_counter(), dt.datetime.now(dt.UTC)
    values = asked.values
    source = asked.path.read_bytes()
    changed = {name: _plain(value) for name, value in asked.accepted.changed(values).items()}
    run = execute(
        source,
        asked.accepted,
        changed,
        store=values.get("store"),
        beside=_prepare_page,
        tell=tell,
    )
    told = {name: asked.store_name if name == "store" else values[name] for name in values}
    html, twin = run.beside
    parameters = [
        html.Shown(
            name=parameter.name,
            value=written(told[parameter.name]),
            description=parameter.description,
            changed=parameter.name in asked.chosen,
        )
        for parameter in asked.accepted.parameters
    ]
    known = {
        "shown": html.blocks_of(run.notebook),
        "name": asked.path.stem,
        "parameters": parameters,
        "simulated": values.get("store") == "sample",
        "failed_checks": [_named(one) for one in run.read["failed_checks"]],
    }
    as_of = _plain(values["as_of"]) if values.get("as_of") is not None else None
    shown_again = twin.build(run.notebook, as_of=as_of, **known)
    manifest = {
        "schema_version": manifests.VERSION,
        "report": asked.file.removesuffix(".html"),
        "notebook": {"name": asked.path.stem, "sha256": hashlib.sha256(source).hexdigest()},
        "parameters": {name: _plain(value) for name, value in told.items()},
        "chosen": sorted(asked.chosen),
        "seed": values.get("seed"),
        "as_of": as_of,
        **run.read,
        **manifests.environment(values.get("store")),
        "started_at": f"{started_at:%Y-%m-%dT%H:%M:%SZ}",
    }

    def now() -> Now | None:
        told = read_headline(shown_again["headline"])
        if told is None:
            return None
        return Now(asked=asked, source=source, manifest=manifest, headline=told)

    comparing_since = time.perf_counter()
    compared = compare(now)
    comparing = time.perf_counter() - comparing_since
    shown_again["changes"] = compared.told
    twin_bytes = manifests.to_bytes(shown_again)
    twin_sha256 = hashlib.sha256(twin_bytes).hexdigest()
    page = html.page(
        run.notebook,
        rendered_at=dt.datetime.now(dt.UTC),
        changes=compared.told,
        known_by=values["as_of"] if "as_of" in asked.chosen else None,
        twin_sha256=twin_sha256,
        **known,
    )
    manifest |= {
        "compared": compared.record,
        "twin_sha256": twin_sha256,
        "seconds": {
            "notebook": round(run.seconds, 3),
            "page": round(time.perf_counter() - began - run.seconds - comparing, 3),
        },
    }
    return Made(page=page, twin=twin_bytes, manifest=manifest)


def _refuse_failed(checks: Sequence[Mapping[str, str]], name: str) -> None:
    if checks:
        raise QualityError(
            f"{name}: nothing was published, as a strict report may rest on no failed check:\n"
            + "".join(f"  {_named(one)}\n" for one in checks)
            + "Update or correct these series, or render without --strict to have them marked"
        )


def _named(check: Mapping[str, str]) -> str:
    return f"{check['series']} of {check['source']}, {check['check']}: {check['text']}"


def _prepare_page() -> Any:
    """Import and compute what does not depend on the notebook, which takes a second together."""
    from research.report import html, twin

    html.plotly_js()
    manifests.environment()
    return html, twin


def _plain(value: object) -> object:
    """Return a parameter as papermill can write it into a cell."""
    return value.isoformat() if isinstance(value, dt.date) else value
