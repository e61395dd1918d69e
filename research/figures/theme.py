"""One visual language for all figures, tables and answers, in a notebook and in a report.

Whatever is finished here carries its origin: the series, sources and kinds that it rests on, and
whether they are simulated, stale, partial or failed a check, so a report can write that beside it
and put its banners up: see `research.report.html`.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from numbers import Integral, Real
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from research.headline import Headline, written
from research.origin import SIMULATED, Origin
from research.origin.markup import badges, classes, source_line

# Told apart with any colour vision (CIE76 distance of at least 18 between any two, under the model
# of Viénot et al. 1999) and at 3:1 contrast or more on a report's light and dark ground.
COLOURS = {
    "hold": "#3d6fe0",
    "rent": "#c9590a",
    "btc": "#0aa37c",
    "t-bill": "#9a6aa8",
    "basket": "#be3232",
    "hold-staked": "#828ce6",
    "rent-half": "#fa5a78",
    "rent-hold": "#825a78",
    "rent-stake": "#8250aa",
    "rent-options": "#288246",
}

INK = "#767676"  # 4.5:1 on white, 4:1 on a dark ground; a report puts its own ink in its place
GRID = "rgba(128, 128, 128, 0.25)"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif"
SOURCE_LINE = 110  # characters; Plotly does not wrap text
MISSING = "–"
WORD, BRIEF = 12, 26  # characters that a cell keeps on one line, everywhere and off paper

_AXIS = {
    "automargin": True,
    "gridcolor": GRID,
    "linecolor": GRID,
    "zerolinecolor": "rgba(128, 128, 128, 0.6)",
    "zerolinewidth": 1,
    "ticks": "outside",  # an invisible mark keeps the labels off the line
    "ticklen": 5,
    "tickcolor": "rgba(0, 0, 0, 0)",
    "title": {"standoff": 12},
}

TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": FONT, "size": 14, "color": INK},
        "paper_bgcolor": "rgba(0, 0, 0, 0)",
        "plot_bgcolor": "rgba(0, 0, 0, 0)",
        "colorway": ["#3d6fe0", "#c9590a", "#0aa37c", "#9a6aa8", "#767676", "#b07c00"],
        "title": {
            "font": {"size": 17},
            "x": 0,
            "xref": "paper",
            "xanchor": "left",
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "pad": {"t": 12},
        },
        "xaxis": {**_AXIS, "showgrid": False},
        "yaxis": _AXIS,
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "margin": {"l": 8, "r": 8, "t": 72, "b": 8},
        "hovermode": "x unified",
        "hoverlabel": {"font": {"family": FONT, "size": 13}},
        "annotationdefaults": {"showarrow": False},
        "shapedefaults": {"line": {"color": INK, "width": 1.5}},
    }
)


def fade(role: str, opacity: float) -> str:
    """Return the colour of `role` at an opacity in [0, 1], for the bands of a fan."""
    red, green, blue = (int(COLOURS[role][at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity})"


def finish(figure: go.Figure, *, origin: Origin, alt: str) -> go.Figure:
    """Return `figure` in our theme, with its source below and, if simulated, marked across it.

    Parameters
    ----------
    origin : of what is shown; other marks than that of simulated data stand before the source
    alt : what the figure shows, in a sentence with its main numbers, for who cannot see it
    """
    meta = {
        "source": origin.text,
        "simulated": origin.simulated,
        "marks": [*origin.marks],
        "series": origin.records,
        "alt": alt,
    }
    figure.update_layout(template=TEMPLATE, meta=meta)
    marks = [mark for mark in origin.marks if mark != SIMULATED]
    lines = textwrap.wrap(f"Source: {origin.text}", SOURCE_LINE, break_on_hyphens=False)
    written = [f"<b>{escape(', '.join(marks))}</b>"] if marks else []
    written += [escape(line) for line in lines]
    figure.add_annotation(
        name="source",  # a report writes it as text instead
        text="<br>".join(written),
        font={"size": 11},
        align="left",
        showarrow=False,
        xref="paper",
        x=0,
        xanchor="left",
        yref="paper",
        y=0,
        yanchor="top",
        yshift=-56,
    )
    figure.update_layout(margin={"b": 64 + 15 * len(written)})
    if origin.simulated:
        figure.add_annotation(
            name="simulated",
            text=SIMULATED.upper(),
            font={"size": 30, "color": "rgba(128, 128, 128, 0.4)"},
            textangle=-15,
            showarrow=False,
            xref="paper",
            x=0.5,
            yref="paper",
            y=0.5,
        )
    return figure


@dataclass(frozen=True)
class Markup:
    """HTML to be displayed as the value of a notebook's cell."""

    html: str

    def _repr_html_(self) -> str:
        return self.html


def answer(headline: str, *sentences: str, origin: Origin, told: Headline | None = None) -> Markup:
    """Return the box that answers the report's question and can be read alone.

    Parameters
    ----------
    told : what the next report of the same name is compared by: the verdicts and figures that the
        sentences tell
    """
    lasts = [one.last for one in origin.series]
    dated = [f"The newest data behind this are of {max(lasts)}."] if lasts else []
    details = "".join(f"<p>{escape(sentence)}</p>" for sentence in (*sentences, *dated))
    return Markup(
        f'<section class="answer{classes(origin.marks)}" aria-label="Answer"{_told(told)}>'
        f'<p class="headline">{escape(headline)}</p>{details}{badges(origin.marks)}</section>'
    )


def table(
    frame: pd.DataFrame,
    *,
    caption: str,
    origin: Origin,
    formats: Mapping[str, str | Callable[[Any], str]] | None = None,
    names_source: bool = True,
) -> Markup:
    """Return `frame` as a table that reads well on a phone, in print and aloud.

    Parameters
    ----------
    frame : one row a line; an index without meaning (0, 1, 2 ...) is left out
    caption : what the table shows, with the unit that its numbers share
    origin : where they come from
    formats : by column, a format specification such as ",.0f" or a function of one cell
    names_source : whether to write the source below; not where the rows say it themselves
    """
    headed = not (isinstance(frame.index, pd.RangeIndex) and frame.index.name is None)
    names = [str(name or "") for name in frame.index.names] if headed else []
    heads = [[_cell(part) for part in _parts(label)] if headed else [] for label in frame.index]
    levels = [_style([head[at] for head in heads]) for at in range(len(names))]
    columns = [
        [_cell(value, (formats or {}).get(name)) for value in frame.iloc[:, at]]
        for at, name in enumerate(frame.columns)
    ]
    styles = [_style(column) for column in columns]

    head = "".join(
        f'<th scope="col"{style}>{escape(name)}</th>'
        for name, style in zip(names, levels, strict=True)
    ) + "".join(
        f'<th scope="col"{style}>{escape(_label(name))}</th>'
        for name, style in zip(frame.columns, styles, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f'<th scope="row"{style}>{escape(part)}</th>'
            for part, style in zip(heads[row], levels, strict=True)
        )
        + "".join(
            f"<td{style}>{escape(column[row])}</td>"
            for column, style in zip(columns, styles, strict=True)
        )
        + "</tr>"
        for row in range(len(frame))
    )
    source = source_line(origin.text, origin.records) if names_source else ""
    return Markup(
        f'<figure class="table{classes(origin.marks)}">'
        f"<figcaption>{escape(caption)}{badges(origin.marks)}</figcaption>"
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(caption)}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{source}</figure>"
    )


def _told(headline: Headline | None) -> str:
    return "" if headline is None else f' data-headline="{escape(written(headline))}"'


def _style(cells: Sequence[str]) -> str:
    """Return the class of a column: numbers, a word, a few words, or prose, which wraps."""
    if all(map(_is_number, cells)):
        return ' class="number"'
    longest = max(map(len, cells), default=0)
    name = "word" if longest <= WORD else "brief" if longest <= BRIEF else "prose"
    return f' class="{name}"'


def _label(name: object) -> str:
    return " · ".join(str(part) for part in _parts(name))


def _parts(label: object) -> tuple[object, ...]:
    return label if isinstance(label, tuple) else (label,)


def _cell(value: Any, form: str | Callable[[Any], str] | None = None) -> str:
    """Return one cell as text; four significant digits where no format is given."""
    if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)):
        return MISSING
    if callable(form):
        return form(value)
    if form is not None:
        return format(value, form)
    if pd.api.types.is_bool(value):
        return "yes" if value else "no"
    if isinstance(value, pd.Timestamp):
        midnight = value == value.normalize()
        return f"{value:%Y-%m-%d}" if midnight else f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, Integral):
        return f"{value:,}"
    if isinstance(value, Real):
        number = float(value)
        return f"{number:,.0f}" if abs(number) >= 1000 else f"{number + 0.0:.4g}"  # no -0
    return str(value)


def _is_number(text: str) -> bool:
    """Say whether a cell is to be read as a number: 1,234.5, -3 %, $0.35, or missing."""
    number = r"[-+−±]?[$€]?\d[\d.,]*(e[-+]?\d+)?"
    unit = r"\s?[^\s\d-]\S{0,5}"
    return text == MISSING or bool(re.fullmatch(f"{number}({unit})?", text))
