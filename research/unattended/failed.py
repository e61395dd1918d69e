"""Keeps the notebook of a report that failed, for the analyst: the cell that failed comes first.

It lies in the folder `failed` beside the reports and has their name. Folders, host and user of
this machine are struck out, as such a folder may be on a web server; with a key in it, it is not
kept.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from research.errors import RenderError
from research.report import facts, guard
from research.report.files import publish
from research.report.places import Place

if TYPE_CHECKING:
    from research.report.progress import Halted

FOLDER = "failed"
TRIES = 20  # to write a notebook while other workers remove the folder
STRUCK = "…"
SECRET = "a key or password"  # noqa: S105 - what the guard calls one
PAPERMILL = {"injected-parameters"}  # tags
COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")  # also keeps a folder from being found


def place(page: Place) -> Place:
    """Return where the notebook of the report at `page` is kept if it fails."""
    return page.parent / FOLDER / f"{page.stem}.ipynb"


def forget(page: Place) -> None:
    """Remove what was kept of an earlier failure, and the folder with the last of them."""
    kept = place(page)
    if kept.is_file():
        kept.unlink(missing_ok=True)
        with suppress(OSError):  # others lie in it, or another worker has removed it
            kept.parent.rmdir()


def keep(halted: Halted, page: Place, reason: str, *, store: str | None) -> Place:
    """Write the notebook with its outputs so far, and return where.

    Parameters
    ----------
    page : where the report would have been
    reason : why it failed, in a sentence
    store : that the notebook reads

    Raises
    ------
    RenderError
        if it tells a key or password; nothing is kept then
    """
    private = guard.private(store)
    notebook = arranged(halted, reason)
    struck = [thing for thing in private if thing.kind != SECRET]

    def strike(text: str) -> str:
        text = COLOUR.sub("", text)
        for thing in struck:
            text = thing.pattern.sub(STRUCK, text)
        return text

    notebook = _mapped(notebook, strike)
    secrets = [thing for thing in private if thing.kind == SECRET]
    if guard.leaks("\n".join(_texts(notebook)), secrets):
        raise RenderError(f"its notebook was not kept, as it tells {SECRET}")
    _publish(_written(notebook), place(page))
    return place(page)


def _publish(notebook: bytes, destination: Place) -> None:
    """Write a notebook, again if another worker has removed the empty folder meanwhile."""
    for _ in range(TRIES - 1):
        with suppress(FileNotFoundError, FileExistsError):  # the latter from `mkdir`
            publish(notebook, destination)
            return
    publish(notebook, destination)


def arranged(halted: Halted, reason: str) -> dict[str, Any]:
    """Return the notebook with a note and the cell that failed before all others."""
    notebook: dict[str, Any] = copy.deepcopy(dict(halted.notebook))
    cells = [_bare(cell) for cell in notebook["cells"]]
    first = cells.pop(halted.at)
    before = f"cell {halted.cell - 1}" if halted.cell > 1 else "the top"
    note = {
        "cell_type": "markdown",
        "metadata": {},
        "source": (
            f"**This report failed.** {reason}\n\nThe next cell is the one that failed, cell "
            f"{halted.cell}; it was moved up from its place after {before}. The others follow in "
            "their order, with what they showed until then."
        ),
    }
    if "id" in first:
        note["id"] = "what-failed"
    rest = [cell for cell in cells if not _is_ours(cell)]
    metadata = {key: each for key, each in notebook["metadata"].items() if key != "papermill"}
    return {**notebook, "metadata": metadata, "cells": [note, first, *rest]}


def _bare(cell: dict[str, Any]) -> dict[str, Any]:
    """Return a cell without what papermill wrote beside it."""
    metadata = {key: each for key, each in cell["metadata"].items() if key != "papermill"}
    if "tags" in metadata:
        metadata["tags"] = [tag for tag in metadata["tags"] if tag not in PAPERMILL]
    return {**cell, "metadata": metadata}


def _is_ours(cell: dict[str, Any]) -> bool:
    return str(cell["source"]).startswith(facts.QUESTION)


def _written(notebook: dict[str, Any]) -> bytes:
    import nbformat

    node = nbformat.from_dict(notebook)  # type: ignore[no-untyped-call]  # half typed
    return str(nbformat.writes(node)).encode()  # type: ignore[no-untyped-call]


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    """Return a value of JSON with each text in it changed, keys apart."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _mapped(each, change) for key, each in value.items()}
    return [_mapped(each, change) for each in value] if isinstance(value, list) else value


def _texts(value: Any) -> Iterator[str]:
    """Yield each text in a value of JSON, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
