"""Runs a notebook with checked parameters and publishes its page, all of it or nothing."""

from __future__ import annotations

import datetime as dt
import difflib
import hashlib
import json
import logging
import os
import re
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import research
from research.config import settings
from research.errors import RenderError, ResearchError, UsageError
from research.parameters import NO_VALUE, Schema, schema
from research.report import kernel

if TYPE_CHECKING:
    from papermill import PapermillExecutionError

NAME_LIMIT = 140  # characters; file systems allow 255 bytes
SIZE_LIMIT = 3_000_000  # bytes of a page


def report(
    notebook: str,
    parameters: Mapping[str, str],
    *,
    store: str | None = None,
    as_of: str | None = None,
    out: Path,
    tell: Callable[[str], None] = lambda _: None,
) -> Path:
    """Run `notebook` and return the HTML file written to `out`.

    Parameters
    ----------
    notebook : the name of one of the project's notebooks, or a path to any
    parameters : by name, as typed on a command line
    store : where the observations are, for a notebook with a parameter of that name; without one,
        the store of the settings
    as_of : what was known then is used, for a notebook with a parameter of that name
    out : folder, made if needed; the same parameters write the same file
    tell : told what is being done, in a few words

    Raises
    ------
    UsageError
        if the notebook or a parameter does not exist or cannot be; no kernel was started
    RenderError
        if a cell failed; what was at the destination is still there
    """
    path = find(notebook)
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
    destination = out / file_name(path.stem, named)
    _check_writable(out)
    page = _render(path, accepted, values, tell)
    if len(page) > SIZE_LIMIT:
        sys.stderr.write(f"{path.stem}: {len(page):,} bytes, more than {SIZE_LIMIT:,}\n")
    publish(page, destination)
    return destination


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


def file_name(notebook: str, changed: Mapping[str, Any]) -> str:
    """Return the name of a report's file, which says what differs from what is usual.

    A value that cannot be spelled in a file name, or a name too long, is told apart by a hash.
    """
    written = {name: _written(value) for name, value in changed.items()}
    spelled = {  # of a store only the last folder, as the rest is the user's own affair
        name: _spelled(Path(text).name if name == "store" else text)
        for name, text in written.items()
    }
    parts = [f"{name.replace('_', '-')}-{text}" for name, text in spelled.items()]
    full = "--".join([notebook, *parts])
    if spelled == written and len(full) <= NAME_LIMIT:
        return f"{full}.html"
    digest = hashlib.sha256(json.dumps(written).encode()).hexdigest()[:10]
    return f"{full[: NAME_LIMIT - len(digest) - 2]}--{digest}.html"


def _written(value: object) -> str:
    """Return a parameter's value as one would type it."""
    if value is None:
        return NO_VALUE
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%dT%H%M%SZ}"
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _spelled(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-.")


def publish(page: bytes, destination: Path) -> None:
    """Write `page` at `destination`, so that a reader sees the old page or the new one."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    unfinished = destination.with_name(f".{uuid.uuid4().hex}.part")
    try:
        unfinished.write_bytes(page)
        unfinished.replace(destination)
    finally:
        unfinished.unlink(missing_ok=True)


def _check_writable(folder: Path) -> None:
    """Refuse a destination before minutes are spent on what could not be written there."""
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise UsageError(f"{folder}: cannot be written to")


def _render(
    path: Path, accepted: Schema, values: dict[str, Any], tell: Callable[[str], None]
) -> bytes:
    """Run the notebook in a kernel of its own and return its page."""
    tell("starting")
    with (
        tempfile.TemporaryDirectory(prefix="research-") as name,
        ThreadPoolExecutor(1) as beside,
        kernel.started(folder := Path(name)) as manager,
    ):
        with kernel.without_iri_grammar():  # while the kernel starts
            import papermill
        # it warns of each parameter with a union for a type, which it cannot read; ours are checked
        logging.getLogger("papermill").setLevel(logging.ERROR)
        notebook = folder / "notebook.ipynb"  # papermill reads braces in a path as parameters
        notebook.write_bytes(path.read_bytes())
        preparing = beside.submit(_prepare_page)  # while the cells run
        changed = {name: _plain(value) for name, value in accepted.changed(values).items()}
        try:
            run = papermill.execute_notebook(
                str(notebook),
                None,
                changed,
                kernel_name="python3",
                language="python",
                progress_bar=False,
                request_save_on_cell_execute=False,
                autosave_cell_every=0,
                iopub_timeout=60,  # seconds; its 4 are too few for a machine under load
                stderr_file=sys.stderr,
                km=manager,
                on_cell_start=lambda cell_index, **_: tell(f"cell {cell_index + 1}"),
            )
        except papermill.PapermillExecutionError as error:
            raise RenderError(_failure(path, accepted, changed, error)) from error
        except (RuntimeError, TimeoutError) as error:  # nbclient's, of a kernel that is gone
            raise RenderError(f"{path.stem}: the kernel died ({error}); out of memory?") from error
        tell("writing the page")
        html = preparing.result()
    shown = [
        html.Shown(
            name=parameter.name,
            value=_shown(parameter.name, values[parameter.name]),
            description=parameter.description,
            changed=parameter.name in changed,
        )
        for parameter in accepted.parameters
    ]
    page: bytes = html.page(
        run,
        name=path.stem,
        parameters=shown,
        simulated=values.get("store") == "sample",
        rendered_at=dt.datetime.now(dt.UTC),
    )
    return page


def _prepare_page() -> Any:
    """Import what writes the page and compress plotly.js, which take a second together."""
    from research.report import html

    html.plotly_js()
    return html


def _plain(value: object) -> object:
    """Return a parameter as papermill can write it into a cell."""
    return value.isoformat() if isinstance(value, dt.date) else value


def _failure(
    path: Path, accepted: Schema, injected: Mapping[str, object], error: PapermillExecutionError
) -> str:
    """Say in one line which cell failed and why."""
    position = error.cell_index + 1
    if injected and position > accepted.cell:
        position -= 1  # papermill puts the changed parameters into a cell of their own
    ours = {cls.__name__ for cls in _family(ResearchError)}
    kind = "" if error.ename in ours else f"{error.ename}: "
    reason = " ".join(str(error.evalue).split()) or "no reason given"
    return f"{path.stem}, cell {position}: {kind}{reason:.500}; nothing was published"


def _family(cls: type[Exception]) -> Iterator[type[Exception]]:
    yield cls
    for child in cls.__subclasses__():
        yield from _family(child)


def _shown(name: str, value: object) -> str:
    """Return a parameter's value for the page, which does not tell where our folders are."""
    text = _written(value)
    return Path(text).name if name == "store" else text
