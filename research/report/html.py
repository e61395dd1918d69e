"""Turns a notebook that ran into one HTML file that needs nothing else: no code, no network.

The page is laid out by `template/page.html.j2`. What may be in it is decided here: headings and
text, tables, figures and images; never a cell's source, a prompt, a warning or a traceback.
"""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import hashlib
import importlib.metadata
import importlib.resources
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bs4 import BeautifulSoup
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from mistune import BlockParser, InlineParser
from nbconvert.exporters import TemplateExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode, from_dict

from research.origin import FAILED, SIMULATED, markup
from research.report import figure_data, figure_marks
from research.report.harmless import as_text, passive, readable

TEMPLATE = Path(__file__).with_name("template")
PLOTLY = "application/vnd.plotly.v1+json"
FIGURE_HEIGHT = 420  # pixels, where a figure does not say
MARGIN_TOP = 28  # pixels, once a figure's title is text above it
ROWS_SHOWN = 60  # of a figure's data; the file beside them has all
CHANGES = "what-changed"  # where that section is found; no heading of a notebook is
HEADINGS_LISTED = 4  # a page with fewer needs no list of contents
TABLE_BOX = {"class": "scroll", "role": "region", "tabindex": "0", "aria-label": "Table"}


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A parameter as the page lists it."""

    name: str
    value: str
    description: str
    changed: bool  # from the notebook's own value


@dataclass(frozen=True, kw_only=True)
class Block:
    """One thing on the page, from top to bottom: either HTML or a figure."""

    html: Markup = Markup()  # noqa: RUF009 - a string, immutable
    figure: Markup = Markup()  # noqa: RUF009 - JSON for Plotly.newPlot, safe inside a script tag
    title: str = ""
    alt: str = ""
    source: Markup = Markup()  # noqa: RUF009 - the line below a figure, with its series behind it
    height: int = FIGURE_HEIGHT
    marks: tuple[str, ...] = ()  # such as "Simulated data"
    data: Data | None = None  # what the figure draws, where that can be told

    @property
    def simulated(self) -> bool:
        """Whether anything of it was made up on purpose."""
        return SIMULATED in self.marks


@dataclass(frozen=True, kw_only=True)
class Data:
    """The numbers of a figure, as its page shows and hands them out."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]  # as text, at most `ROWS_SHOWN`
    n_rows: int  # in the file
    csv: Markup  # a data: address


def page(
    notebook: NotebookNode,
    *,
    name: str,
    parameters: Sequence[Shown],
    simulated: bool,
    failed_checks: Sequence[str] = (),
    rendered_at: dt.datetime,
    changes: Mapping[str, Any] | None = None,
    shown: Sequence[Block] | None = None,
    known_by: dt.datetime | None = None,
    twin_sha256: str = "",
) -> bytes:
    """Return the page of `notebook`, whose cells have run.

    Parameters
    ----------
    name : what the page is called if no heading says
    parameters : what the notebook ran with
    simulated : whether its input is known to be; else any mark on a figure or table decides
    failed_checks : of quality, in what results rest on, one sentence each
    rendered_at : the time to print, UTC
    changes : what changed since the report that this one replaces, see `changes`
    shown : `blocks_of` the notebook, if they were made already
    known_by : the time, UTC, after which nothing was read, if one was chosen
    twin_sha256 : of the twin that belongs to it, if there is one
    """
    listed, contents = _listed(blocks_of(notebook) if shown is None else shown)
    if changes and changes["title"]:
        contents[CHANGES] = changes["title"]
    packed, digest = plotly_js()
    script = (TEMPLATE / "page.js").read_text(encoding="utf-8")
    html, _ = _exporter().from_notebook_node(
        from_dict({"cells": [], "metadata": {}}),  # type: ignore[no-untyped-call]  # all is listed
        resources={
            "title": _title(listed) or name,
            "name": _slug(name),
            "blocks": listed,
            "changes": changes,
            "changes_anchor": CHANGES,
            "contents": contents if len(contents) >= HEADINGS_LISTED else {},
            "parameters": parameters,
            "simulated": simulated or any(block.simulated for block in listed),
            "doubts": _doubts(listed, told=bool(failed_checks)),
            "failed_checks": failed_checks,
            "rendered_at": rendered_at,
            "known_by": known_by,
            "twin_sha256": twin_sha256,
            "version": importlib.metadata.version("gpu-depin-research"),
            "style": Markup((TEMPLATE / "page.css").read_text(encoding="utf-8")),  # noqa: S704 - ours
            "script": Markup(script),  # noqa: S704 - ours
            "plotly_js": packed if any(block.figure for block in listed) else "",
            "may_run": f"'sha256-{_digest(script.encode())}' 'sha256-{digest}'",
        },
    )
    return readable(html).encode()


def marks(blocks: Sequence[Block]) -> list[str]:
    """Return the marks that any of `blocks` bears, in the order in which they are shown."""
    return [mark for mark in markup.CLASSES if any(mark in block.marks for block in blocks)]


def _doubts(blocks: Sequence[Block], *, told: bool) -> dict[str, str]:
    """Return what the marks mean that the page has no banner for; `told` if it lists failures."""
    shown = {SIMULATED, FAILED} if told else {SIMULATED}
    return {mark: markup.MEANING[mark] for mark in marks(blocks) if mark not in shown}


@cache
def plotly_js() -> tuple[str, str]:
    """Return plotly.js, compressed and as base64, and its SHA-256, which the page lets run."""
    source = importlib.resources.files("plotly").joinpath("package_data/plotly.min.js").read_bytes()
    return base64.b64encode(gzip.compress(source, mtime=0)).decode(), _digest(source)


def _digest(text: bytes) -> str:
    return base64.b64encode(hashlib.sha256(text).digest()).decode()


class _Exporter(TemplateExporter):
    """nbconvert's exporter, with text escaped unless the template is given `Markup`."""

    # The ignore is for nbconvert's own method, which has no types.
    def _create_environment(self) -> Environment:
        environment: Environment = super()._create_environment()  # type: ignore[no-untyped-call]
        environment.autoescape = True
        return environment


@cache
def _exporter() -> _Exporter:
    """Return the exporter, which has read its template after the first page."""
    return _Exporter(  # type: ignore[no-untyped-call]  # nbconvert is half typed
        extra_loaders=[FileSystemLoader(TEMPLATE)],
        template_paths=[],
        template_file="page.html.j2",
        default_preprocessors=[],
    )


def blocks_of(notebook: NotebookNode) -> list[Block]:
    """Return what a notebook shows, from top to bottom."""
    return [block for cell in notebook.cells for block in _blocks(cell)]


def _blocks(cell: NotebookNode) -> Iterator[Block]:
    """Yield what a cell shows."""
    if cell.cell_type == "markdown":
        yield _html(_markdown(cell.source, cell.get("attachments")))
    for output in cell.get("outputs", []):
        if output.output_type == "stream" and output.name == "stdout":
            yield Block(html=Markup("<pre>{}</pre>").format(output.text))
        elif output.output_type in ("display_data", "execute_result"):
            yield _block(output.data)


def _block(data: NotebookNode) -> Block:
    """Return the richest form of an output that the page can show."""
    if PLOTLY in data:
        return _figure(data[PLOTLY])
    if "text/html" in data:
        return _html(data["text/html"])
    if "text/markdown" in data:
        return _html(_markdown(data["text/markdown"]))
    for kind in ("image/svg+xml", "image/png", "image/jpeg"):
        if kind in data:
            content = data[kind].encode()
            encoded = base64.b64encode(content) if "svg" in kind else content.replace(b"\n", b"")
            image = Markup('<img alt="" src="data:{};base64,{}">')
            return Block(html=image.format(kind, encoded.decode()))
    return Block(html=Markup("<pre>{}</pre>").format(data.get("text/plain", "")))


def _markdown(source: str, attachments: dict[str, Any] | None = None) -> str:
    """Return Markdown as HTML; a dollar sign is money, not the start of a formula."""
    renderer = IPythonRenderer(escape=False, exclude_anchor_links=True, attachments=attachments)
    text = MarkdownWithMath(renderer, BlockParser(), InlineParser(hard_wrap=False)).render(source)
    return str(text)


def _html(source: str) -> Block:
    """Return a notebook's HTML, with nothing active and wide tables in a box."""
    soup = passive(source)
    for head in soup.select("thead th:not([scope])"):
        head["scope"] = "col"
    for table in soup("table"):
        if not table.find_parent(class_="scroll"):
            table.wrap(soup.new_tag("div", attrs=TABLE_BOX))
    return Block(
        html=Markup(str(soup)),  # noqa: S704 - made harmless above
        marks=markup.read_marks(soup),
    )


def _figure(figure: dict[str, Any]) -> Block:
    """Return a Plotly figure, its title and source taken out, as only text wraps on a phone."""
    layout = dict(figure["layout"])
    meta = layout.get("meta") or {}
    told = [*(meta.get("marks") or []), *([SIMULATED] if meta.get("simulated") else [])]
    notes = [note for note in layout.get("annotations", []) if note.get("name") != "source"]
    title = (layout.pop("title", None) or {}).get("text", "")
    height = layout.pop("height", None) or FIGURE_HEIGHT
    layout.pop("width", None)
    if "source" in meta:
        layout["margin"] = {**layout.get("margin", {}), "t": MARGIN_TOP, "b": 8}
        above = {"yref": "container", "y": 1, "yanchor": "top"}  # where the title was
        layout["legend"] = above | layout.get("legend", {})
    traces = [figure_marks.with_short_days(trace) for trace in figure["data"]]
    if "series" in meta:  # it stands below the figure
        layout["meta"] = {name: value for name, value in meta.items() if name != "series"}
    drawn = as_text({"data": traces, "layout": {**layout, "annotations": notes}})
    text = json.dumps(drawn, ensure_ascii=False, separators=(",", ":"))
    return Block(
        figure=Markup(text.replace("<", "\\u003c")),  # noqa: S704 - cannot end its script tag
        title=BeautifulSoup(title, "html.parser").get_text(" "),
        alt=meta.get("alt", "") or title or "Figure",
        source=Markup(  # noqa: S704 - escapes what it is given
            markup.source_line(meta.get("source", ""), markup.records(meta.get("series")))
        ),
        height=int(height),
        marks=tuple(mark for mark in markup.CLASSES if mark in told),
        data=_data(drawn),
    )


def _data(figure: dict[str, Any]) -> Data | None:
    """Return a figure's numbers for the page, or None if they cannot be told."""
    table = figure_data.table(figure)
    if table is None:
        return None
    return Data(
        columns=table.columns,
        rows=[list(map(figure_data.text, row)) for row in table.thinned(ROWS_SHOWN).rows],
        n_rows=len(table.rows),
        csv=Markup("data:text/csv;charset=utf-8,") + quote(table.csv(), safe=",:"),
    )


def _listed(blocks: Sequence[Block]) -> tuple[list[Block], dict[str, str]]:
    """Return blocks whose second-level headings have anchors, and the headings by anchor."""
    contents: dict[str, str] = {}
    return [_anchored(block, contents) for block in blocks], contents


def _anchored(block: Block, contents: dict[str, str]) -> Block:
    """Return a block whose headings can be linked to; adds them to `contents`."""
    if "<h2" not in block.html:
        return block
    soup = BeautifulSoup(block.html, "html.parser")
    for heading in soup("h2"):
        title = heading.get_text(" ", strip=True)
        anchor = base = f"section-{_slug(title)}"
        while anchor in contents:
            anchor = f"{base}-{len(contents)}"
        heading["id"] = anchor
        contents[anchor] = title
    return replace(block, html=Markup(str(soup)))  # noqa: S704 - was harmless, and text is escaped


def _slug(text: str) -> str:
    return "-".join(re.findall(r"[a-z0-9]+", text.lower())) or "report"


def _title(blocks: Sequence[Block]) -> str:
    headings = (BeautifulSoup(block.html, "html.parser").find("h1") for block in blocks)
    return next((heading.get_text(" ", strip=True) for heading in headings if heading), "")
