"""The twin of a page: everything that the page shows, for machines, the same bytes each time.

It is made from the notebook that ran, block by block as the page is; neither the time of writing
nor where anything lies is in it, so that two renderings of the same report can be compared. Whoever
renders it adds what changed since the report before, see `changes`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from bs4 import BeautifulSoup, Tag

from research import headline
from research.origin import SIMULATED, markup
from research.report.harmless import readable
from research.report.html import Block, Shown, _title, blocks_of, marks

VERSION = 1  # of what a twin holds
# What a trace says in numbers and words; the rest is how it looks.
SAID = ("name", "type", "x", "y", "z", "base", "text", "values", "labels", "customdata")
ERRORS = ("error_x", "error_y")
MARK = "\0"  # stands for what was taken out of a text; HTML cannot hold it


def build(
    notebook: Any,
    *,
    name: str,
    parameters: Sequence[Shown],
    simulated: bool,
    failed_checks: Sequence[str] = (),
    as_of: str | None,
    shown: Sequence[Block] | None = None,
) -> dict[str, Any]:
    """Return what the page of `notebook` shows, as JSON knows it.

    Parameters
    ----------
    notebook : of nbformat, whose cells have run
    name : what the page is called if no heading says
    parameters : what the notebook ran with, as the page lists them
    simulated : whether its input is known to be; else any mark on a figure or table decides
    failed_checks : of quality, in what results rest on, one sentence each
    as_of : what was known then was used, ISO 8601; None for a notebook that reads no store
    shown : `html.blocks_of` the notebook, if they were made already
    """
    shown = blocks_of(notebook) if shown is None else shown
    blocks = [part for block in shown for part in _parts(block)]
    found = {SIMULATED} if simulated else set()
    found.update(marks(shown))
    return {
        "schema_version": VERSION,
        "title": _title(shown) or name,
        "as_of": as_of,
        "simulated": SIMULATED in found,
        "marks": [mark for mark in markup.CLASSES if mark in found],
        "failed_checks": list(failed_checks),
        "parameters": [
            {
                "name": one.name,
                "value": one.value,
                "description": one.description,
                "chosen": one.changed,
            }
            for one in parameters
        ],
        "headline": _headline(shown),
        "blocks": blocks,
        "sources": sorted({one["source"] for one in blocks if one.get("source")}),
    }


def headline_of(notebook: Any) -> dict[str, Any] | None:
    """Return the first headline that a box of the notebook carries, None if none does."""
    return _headline(blocks_of(notebook))


def _headline(shown: Iterable[Block]) -> dict[str, Any] | None:
    for block in shown:
        if "data-headline" not in block.html:
            continue
        for box in BeautifulSoup(block.html, "html.parser").select("[data-headline]"):
            try:
                told = headline.read(json.loads(str(box["data-headline"])))
            except (ValueError, RecursionError):  # no JSON: written by hand
                continue
            if told is not None:
                sentence = box.find(class_="headline")
                return {"sentence": readable(_text(sentence)), **headline.to_json(told)}
    return None


def _parts(block: Block) -> Iterator[dict[str, Any]]:
    """Yield what a block of the page shows, from top to bottom."""
    if block.figure:
        yield _figure(block)
        return
    # a page shows U+FFFD for what is no text, and so does its twin
    soup = BeautifulSoup(block.html.replace(MARK, "\ufffd"), "html.parser")
    taken = []
    for element in soup.select("[data-grid], figure.table, table, img, details.source"):
        if not any(outer is soup for outer in element.parents):  # it went with its figure
            continue
        if element.has_attr("data-grid"):  # what a reader can set, and all that it may then say
            taken.append({"kind": "what-if", "grid": json.loads(str(element["data-grid"]))})
            element.insert(0, MARK)
        else:
            element.replace_with(MARK)
            taken.append(PARTS.get(element.name, _table)(element))
    for at, text in enumerate(soup.get_text(" ").split(MARK)):
        if at:
            yield taken[at - 1]
        if words := " ".join(text.split()):
            yield {"kind": "text", "text": words}


def _table(element: Tag) -> dict[str, Any]:
    """Return a table as shown, the text of each cell, and whatever is written around it."""
    caption = element.find(["figcaption", "caption"])
    source = element.find(class_="source")
    badges = [badge.extract() for badge in element.select(".badge")]
    table = element if element.name == "table" else element.find("table")
    lines = [line.find_all(["th", "td"]) for line in table("tr")] if table else []
    rows = [[_text(cell) for cell in cells] for cells in lines]
    heads = [at for at, cells in enumerate(lines) if all(each.name == "th" for each in cells)]
    found = {
        "kind": "table",
        "caption": _text(caption),
        "columns": [rows[at] for at in heads],
        "rows": [row for at, row in enumerate(rows) if at not in heads],
        "source": markup.read_line(source),
        "series": markup.read_series(source),
        "marks": [_text(badge) for badge in badges],
    }
    if element is table:
        return found
    for each in (caption, source, table):
        if each is not None:
            each.extract()
    rest = _text(element)
    return found | ({"text": rest} if rest else {})


def _image(element: Tag) -> dict[str, Any]:
    content = str(element.get("src", "")).encode()
    return {
        "kind": "image",
        "alt": str(element.get("alt", "")),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def _origin(element: Tag) -> dict[str, Any]:
    """Return the source of what stands before it and is no table."""
    return {
        "kind": "source",
        "source": markup.read_line(element),
        "series": markup.read_series(element),
    }


PARTS = {"img": _image, "details": _origin}  # by the name of the element; else it is a table


def _text(element: Any) -> str:
    return "" if element is None else " ".join(element.get_text(" ").split())


def _figure(block: Block) -> dict[str, Any]:
    drawn = json.loads(block.figure)
    layout = drawn["layout"]
    source = BeautifulSoup(block.source, "html.parser").find(class_="source")
    return {
        "kind": "figure",
        "title": " ".join(block.title.split()),
        "alt": block.alt,
        "source": markup.read_line(source),
        "series": markup.read_series(source),
        "simulated": block.simulated,
        "marks": [*block.marks],
        "axes": {
            axis: _axis(value)
            for axis, value in layout.items()
            if re.fullmatch(r"[xyz]axis\d*", axis)
        },
        "notes": [note["text"] for note in layout.get("annotations", []) if note.get("text")],
        "traces": [_trace(trace) for trace in drawn["data"]],
        **_data(block),
    }


def _data(block: Block) -> dict[str, Any]:
    """Return the numbers that the page shows behind a figure, as it shows them."""
    if block.data is None:
        return {}
    rows = [list(row) for row in block.data.rows]
    told = f"{len(rows)} of {block.data.n_rows:,} rows"
    return {"data": {"columns": list(block.data.columns), "rows": rows, "shown": told}}


def _axis(axis: dict[str, Any]) -> dict[str, Any]:
    """Return what is written along an axis."""
    title = (axis.get("title") or {}).get("text", "")
    labels = {"labels": _numbers(axis["ticktext"])} if "ticktext" in axis else {}
    return {"title": title, **labels}


def _trace(trace: dict[str, Any]) -> dict[str, Any]:
    said = {key: _numbers(trace[key]) for key in SAID if trace.get(key) is not None}
    errors = {
        f"{key}.{side}": _numbers(trace[key][side])
        for key in ERRORS
        for side in ("array", "arrayminus")
        if side in (trace.get(key) or {})
    }
    return said | errors


def _numbers(value: Any) -> Any:
    """Return what Plotly packed as bytes as lists, and what is no number as null."""
    if isinstance(value, dict) and "bdata" in value:
        packed = np.frombuffer(base64.b64decode(value["bdata"]), dtype=value["dtype"])
        shape = [int(side) for side in str(value.get("shape", packed.size)).split(",")]
        return _numbers(packed.reshape(shape).tolist())
    if isinstance(value, list):
        return [_numbers(each) for each in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
