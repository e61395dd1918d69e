"""Renders a report again from what was known then, and says which numbers differ and why.

What the report said of the one before it is carried over: that one is not among what a manifest
names. Everything else is rendered anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from research.errors import ParameterError, RenderError, UsageError
from research.report import changes, facts, render
from research.report import manifest as manifests
from research.report.files import TWIN, publish
from research.report.places import Place

SHOWN = 20  # differences before they are only counted
BRIEF = 100  # characters of a value that a line shows
NO_CAUSE = (
    "notebook, parameters, packages, code, catalogue and series are as they were then; a result "
    "that rests on neither (the machine's own arithmetic, an unseeded draw) would explain it"
)
ABSENT = "nothing"  # in place of a value that one of the two does not have


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One value of a twin that is not what it was."""

    path: str  # such as blocks[3].rows[0][2]
    then: Any
    now: Any

    def __str__(self) -> str:
        return f"{self.path}: {_brief(self.then)}, now {_brief(self.now)}"


@dataclass(frozen=True, kw_only=True)
class Rebuilt:
    """What came of rendering a report again."""

    report: str
    equal: bool  # the twins, byte by byte
    differences: tuple[Difference, ...]
    causes: tuple[str, ...]  # what is not as it was then, whether or not it had an effect
    page: Place | None  # where the new page was written, if anywhere


def rebuild(
    path: Place,
    *,
    store: str | None = None,
    notebook: str | None = None,
    out: Place | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Rebuilt:
    """Render the report of the manifest at `path` again and compare its twin with the one there.

    Parameters
    ----------
    store : where the store of then is now; without one, the simulated market if it was that, else
        the store of the settings
    notebook : where the notebook is now, if it is none of the project's
    out : folder for the new page, twin and manifest; without one, nothing is written
    tell : told what is being done, in a few words

    Raises
    ------
    UsageError
        if there is no such manifest, twin or notebook, or `out` is where the old report is
    RenderError
        if the notebook does not take these parameters any more, or a cell failed
    """
    then = manifests.read(path)
    name = path.name.removesuffix(manifests.SUFFIX)  # and no path that a manifest may tell
    old = path.with_name(name + TWIN)
    if not old.is_file():
        raise UsageError(f"{old}: no twin beside the manifest, so nothing to compare with")
    if out is not None and out.resolve() == path.parent.resolve():
        raise UsageError(f"{out}: holds the report to compare with; name another folder")
    written = old.read_bytes()
    asked = replace(_order(then, store, notebook), file=f"{name}.html")
    held = _twin(old, written)
    compared = changes.Compared(told=changes.carried(held), record=then.get("compared"))
    made = render.make(asked, tell, compare=lambda _: compared)
    is_edited = hashlib.sha256(written).hexdigest() != then["twin_sha256"]
    causes = ["the twin is not the one that was written with this manifest"] * is_edited
    page = None
    if out is not None:
        page = out / asked.file
        publish(made.page, page, beside=made.beside)
    return Rebuilt(
        report=name,
        equal=written == made.twin,
        differences=tuple(compare(held, json.loads(made.twin))),
        causes=(*causes, *manifests.causes(then, made.manifest)),
        page=page,
    )


def _order(then: dict[str, Any], store: str | None, notebook: str | None) -> render.Order:
    """Return the order of then; what the page calls chosen, and its store, are as they were."""
    name, held = then["notebook"]["name"], then["store"]
    if notebook is None and Path(name).name != name:
        raise UsageError(f"{name}: a manifest names a notebook without its folder; give --notebook")
    try:
        render.find(notebook or name)
    except UsageError as error:
        if notebook is not None:
            raise
        raise UsageError(
            f"{name}: none of the project's notebooks; say where it is by --notebook PATH"
        ) from error
    parameters = {key: value for key, value in then["parameters"].items() if key != "store"}
    if store is None and held is not None and held["kind"] == facts.SIMULATED:
        store = held["name"]
    try:
        asked = render.order(notebook or name, parameters, store=store)
    except ParameterError as error:
        raise RenderError(
            f"{name} does not take the parameters of then; was it edited since? {error}"
        ) from error
    return replace(
        asked,
        chosen=frozenset(then["chosen"]),
        store_name=then["parameters"].get("store"),
    )


def _twin(path: Place, written: bytes) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(written)
    except ValueError as error:
        raise UsageError(f"{path}: not a twin that can be read ({error})") from error
    return found


def compare(then: Any, now: Any, path: str = "") -> Iterator[Difference]:
    """Yield each value that differs; what was put between two blocks does not move the others."""
    if isinstance(then, dict) and isinstance(now, dict):
        for key in sorted({*then, *now}):
            inner = f"{path}.{key}" if path else key
            yield from compare(then.get(key, ABSENT), now.get(key, ABSENT), inner)
    elif isinstance(then, list) and isinstance(now, list):
        for at, one, other in _pairs(then, now):
            yield from compare(one, other, f"{path}[{at}]")
    elif then != now or type(then) is not type(now):
        yield Difference(path=path, then=then, now=now)


def _pairs(then: list[Any], now: list[Any]) -> Iterator[tuple[int, Any, Any]]:
    """Yield what belongs together in two lists, with its place in the first."""
    if len(then) == len(now):
        yield from zip(range(len(then)), then, now, strict=True)
        return
    before, after = ([json.dumps(each, sort_keys=True) for each in side] for side in (then, now))
    for change, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if change == "equal":
            continue
        for at in range(max(b - a, d - c)):
            one = then[a + at] if a + at < b else ABSENT
            other = now[c + at] if c + at < d else ABSENT
            yield a + at, one, other


def to_dict(found: Rebuilt) -> dict[str, Any]:
    """Return what came of it, for machines."""
    return asdict(found) | {"page": None if found.page is None else str(found.page)}


def in_words(found: Rebuilt) -> str:
    """Return what came of it, a line for each difference and each possible cause."""
    count = len(found.differences)
    lines = [f"{found.report}: " + ("the same, byte by byte" if found.equal else _many(count))]
    lines += [f"  {each}" for each in found.differences[:SHOWN]]
    lines += [f"  and {count - SHOWN} more; --json lists them all"] * (count > SHOWN)
    if found.causes:
        lines.append("not as it was then" + (", but without effect:" if found.equal else ":"))
        lines += [f"  {each}" for each in found.causes]
    elif not found.equal:
        lines.append(NO_CAUSE)
    lines += [str(found.page)] * (found.page is not None)
    return "\n".join(_printable(line) for line in lines)


def _many(count: int) -> str:
    if count == 0:
        return "differs only in how the twin is spelled"
    return f"{count:,} {'value differs' if count == 1 else 'values differ'}"


def _brief(value: Any) -> str:
    text = ABSENT if value is ABSENT else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= BRIEF else f"{text[: BRIEF - 1]}…"


def _printable(text: str) -> str:
    """Return a text of somebody's file without what would command a terminal."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)
