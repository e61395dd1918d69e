"""The numbers behind a figure, as a table for who cannot see it and as a file for who reckons on.

Everything is read from the figure's JSON, so nothing here knows a model.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from research.report import figure_marks
from research.report.figure_marks import Cell, Mark, is_day, plain

EDGE = 1e-6  # of the paper, within which a heading stands on a panel
FORMULA = ("=", "+", "-", "@", "\t")  # what a spreadsheet would run
MISSING = "–"
SPARSE = 1.5  # rows for one of the longest series, above which each series gets rows of its own


@dataclass(frozen=True)
class Table:
    """What a figure draws: columns named with their units, one row a point."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def csv(self) -> str:
        """Return all of it as CSV, ten significant digits, a missing number empty."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(map(_harmless, self.columns))
        writer.writerows([[_harmless(cell) for cell in row] for row in self.rows])
        return out.getvalue()

    def thinned(self, limit: int) -> Table:
        """Return at most `limit` rows, evenly spaced, the first and the last among them."""
        n = len(self.rows)
        if n <= limit:
            return self
        kept = (round(at * (n - 1) / (limit - 1)) for at in range(limit))
        return replace(self, rows=tuple(self.rows[at] for at in kept))


def table(figure: Mapping[str, Any]) -> Table | None:
    """Return what `figure` draws, or None if it has nothing with an x and a y.

    Parameters
    ----------
    figure : Plotly's JSON: `data` and `layout`; numbers may be lists or base64 typed arrays
    """
    layout = figure["layout"]
    marks = figure_marks.read(figure["data"])
    if not marks:
        return None
    points = {key for mark in marks for key in mark.keys}
    longest = max(len(mark.keys) for mark in marks)
    unique = all(len(set(mark.keys)) == len(mark.keys) for mark in marks)
    wide = unique and len({mark.upright for mark in marks}) == 1 and len(points) <= SPARSE * longest
    return _side_by_side(marks, layout) if wide else _one_below_the_other(marks, layout)


def text(cell: Cell) -> str:
    """Return a cell for a reader: four significant digits."""
    if cell is None:
        return MISSING
    if isinstance(cell, str):
        return cell
    return f"{cell:,.0f}" if abs(cell) >= 1000 else f"{cell + 0.0:.4g}"  # no -0


def _harmless(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return f"'{cell}" if cell.startswith(FORMULA) else cell
    return f"{cell:.10g}"


def _side_by_side(marks: Sequence[Mark], layout: Mapping[str, Any]) -> Table:
    """One row a key, one column a series."""
    keys = list(dict.fromkeys(key for mark in marks for key in mark.keys))
    if not any(isinstance(key, str) for key in keys) or all(map(is_day, keys)):
        keys.sort(key=lambda key: (key is None, key))
    names, columns = [_key_title(marks, layout)], [keys]
    for mark in marks:
        for kind, drawn in [
            *mark.values.items(),
            *([("label", mark.labels)] if mark.labels else []),
        ]:
            unit = "" if kind == "label" else _title(layout, mark.axes[mark.upright])
            parts = [part for part in (_series(mark, marks, layout), kind) if part]
            name = ": ".join(part for part in (", ".join(parts), unit) if part) or "Value"
            names.append(name[0].upper() + name[1:])
            found = dict(zip(mark.keys, drawn, strict=True))
            columns.append([found.get(key) for key in keys])
    return Table(_distinct(names), tuple(zip(*columns, strict=True)))


def _one_below_the_other(marks: Sequence[Mark], layout: Mapping[str, Any]) -> Table:
    """One row a point, its series named."""
    kinds = list(dict.fromkeys(kind for mark in marks for kind in mark.values))
    titles = dict.fromkeys(_title(layout, mark.axes[mark.upright]) for mark in marks)
    unit = " or ".join(filter(None, titles)) or "Value"
    named = len(marks) > 1
    labelled = any(mark.labels for mark in marks)
    names = [
        *(["Series"] if named else []),
        _key_title(marks, layout),
        *[f"{kind.capitalize()}: {unit}" if kind else unit for kind in kinds],
        *(["Label"] if labelled else []),
    ]
    rows = []
    for mark in marks:
        missing: Sequence[Cell] = [None] * len(mark.keys)
        parts = [mark.values.get(kind, missing) for kind in kinds]
        columns = [mark.keys, *parts, *([mark.labels or missing] if labelled else [])]
        name = [_series(mark, marks, layout) or MISSING] if named else []
        rows += [(*name, *row) for row in zip(*columns, strict=True)]
    return Table(_distinct(names), tuple(rows))


def _series(mark: Mark, marks: Sequence[Mark], layout: Mapping[str, Any]) -> str:
    """Return what a series is called, with its panel where there are several."""
    if len({other.axes for other in marks}) == 1:
        return mark.series
    panel = _panel(layout, mark.axes)
    alone = sum(other.axes == mark.axes for other in marks) == 1
    return panel if panel and alone else ", ".join(part for part in (panel, mark.series) if part)


def _panel(layout: Mapping[str, Any], axes: tuple[str, str]) -> str:
    """Return the heading above a panel: a note of the paper that stands on its upper edge."""
    left, right = _axis(layout, axes[0]).get("domain", (0, 1))
    top = _axis(layout, axes[1]).get("domain", (0, 1))[1]
    for note in layout.get("annotations", ()):
        where = (note.get("xref"), note.get("yref"), note.get("yanchor"))
        above = where == ("paper", "paper", "bottom") and not note.get("name")
        if above and left <= note["x"] <= right and abs(note["y"] - top) < EDGE:
            return plain(note.get("text"))
    return ""


def _key_title(marks: Sequence[Mark], layout: Mapping[str, Any]) -> str:
    titles = dict.fromkeys(_title(layout, mark.axes[not mark.upright]) for mark in marks)
    if found := " or ".join(filter(None, titles)):
        return found
    return "Day (UTC)" if all(is_day(key) for mark in marks for key in mark.keys) else "Item"


def _title(layout: Mapping[str, Any], axis: str) -> str:
    """Return an axis's title, or that of the axis it moves with."""
    own = _axis(layout, axis)
    titled = own if own.get("title") else _axis(layout, own.get("matches", axis))
    title = titled.get("title") or {}
    return plain(title.get("text") if isinstance(title, Mapping) else title)


def _axis(layout: Mapping[str, Any], axis: str) -> Mapping[str, Any]:
    """Return the layout of an axis by its id: "x2" is `xaxis2`."""
    found: Mapping[str, Any] = layout.get(f"{axis[:1]}axis{axis[1:]}") or {}
    return found


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Return column names, a repeated one numbered."""
    return tuple(
        f"{name} ({names[:at].count(name) + 1})" if name in names[:at] else name
        for at, name in enumerate(names)
    )
