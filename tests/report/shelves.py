"""Reports written for a test of the shelf, with pages and twins of ours but without a kernel."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from nbformat import NotebookNode, reads

from research.figures import theme
from research.origin import Origin
from research.report import html, manifest, twin
from research.report.files import TWIN, publish

DAY = dt.datetime(2026, 11, 20, 6, 30, 15, tzinfo=dt.UTC)
PARAMETERS = {"network": "akash", "gpu": "rtx-4090", "store": "own", "as_of": None}


def put(
    folder: Path,
    name: str = "question",
    *,
    made: dt.datetime = DAY,
    title: str = "Does it pay?",
    answer: str = "Rent it out.",
    simulated: bool = False,
    chosen: Sequence[str] = (),
    sources: Sequence[str] = (),
    **parameters: Any,
) -> Path:
    """Write a report named `name`, page and twin and manifest; return the path of its page."""
    values = PARAMETERS | parameters
    notebook = name.split("--")[0]
    box = theme.answer(answer, "More of it.", origin=Origin.said("", simulated=simulated)).html
    shown = [
        html.Shown(name=key, value=str(value), description="", changed=key in chosen)
        for key, value in values.items()
    ]
    ran = notebook_showing(f"<h1>{escape(title)}</h1>", box)
    known: dict[str, Any] = {"name": notebook, "parameters": shown, "simulated": simulated}
    said = manifest.to_bytes(twin.build(ran, as_of=None, **known) | {"sources": [*sources]})
    digest = hashlib.sha256(said).hexdigest()
    page = html.page(ran, rendered_at=made, twin_sha256=digest, **known)
    told = {
        "schema_version": manifest.VERSION,
        "report": name,
        "notebook": {"name": notebook, "sha256": ""},
        "parameters": values,
        "chosen": list(chosen),
        "as_of": values["as_of"],
        "store": {"kind": "delta", "name": "own", "version": 1},
        "series": [{"series": "akash.price_usd", "last": "2026-11-18"}],
        "packages": {},
        "code": {"version": "0.1.0", "commit": None, "sha256": ""},
        "catalogue": "",
        "started_at": f"{made:%Y-%m-%dT%H:%M:%SZ}",
        "twin_sha256": digest,
    }
    path = folder / f"{name}.html"
    publish(page, path, beside={TWIN: said, manifest.SUFFIX: manifest.to_bytes(told)})
    return path


def notebook_showing(*parts: str) -> NotebookNode:
    """Return a notebook that ran and showed these, as HTML."""
    cells: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "id": f"cell-{at}",
            "metadata": {},
            "execution_count": None,
            "source": "",
            "outputs": [
                {"output_type": "display_data", "metadata": {}, "data": {"text/html": part}}
            ],
        }
        for at, part in enumerate(parts)
    ]
    content = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    ran: NotebookNode = reads(json.dumps(content), as_version=4)  # type: ignore[no-untyped-call]  # half typed
    return ran


def contents(folder: Path, name: str) -> dict[str, bytes]:
    """Return the bytes of a report's files, by suffix; those that there are."""
    paths = {each: folder / f"{name}{each}" for each in (".html", TWIN, manifest.SUFFIX)}
    return {suffix: path.read_bytes() for suffix, path in paths.items() if path.is_file()}
