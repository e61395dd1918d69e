"""Reads what a figure draws from its JSON as Plotly writes it: bars, lines, bands and points."""

from __future__ import annotations

import base64
import html
import math
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

Cell: TypeAlias = str | float | None  # None: missing

DRAWN = ("bar", "scatter", "scattergl")  # traces that are an x and a y a point
MIDNIGHT = re.compile(r"T00:00(:00(\.0+)?)?Z?$")
PLOTLY_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
TYPES = {  # Plotly's typed arrays, as `struct` calls them
    "f8": "d", "f4": "f", "i1": "b", "u1": "B", "i2": "h", "u2": "H", "i4": "i", "u4": "I",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One bar series, line, band or cloud of points: a key a point and its values."""

    series: str
    axes: tuple[str, str]  # ids of its x axis and its y axis
    upright: bool  # keys along x; else along y
    keys: Sequence[Cell]
    values: Mapping[str, Sequence[Cell]]  # by what they are: "", "lower", "upper", "from", "to"
    labels: Sequence[Cell] = field(default=())
    joins: bool = False  # a nameless line


def read(traces: Sequence[Mapping[str, Any]]) -> list[Mark]:
    """Return what the traces that are seen draw; a band's two lines are one mark."""
    marks: list[Mark] = []
    for trace in traces:
        mark = _mark(trace) if trace.get("visible", True) is True else None
        if mark is None or not mark.keys:
            continue
        if trace.get("fill") == "tonexty" and marks and _is_edge(marks[-1], mark):
            bounds = list(zip(marks.pop().values[""], mark.values[""], strict=True))
            mark = replace(mark, values=_bounds(bounds), joins=False)
        elif trace.get("fill") == "toself" and (folded := _folded(mark)):
            mark = folded
        marks.append(mark)
    return _without_repeats(marks)


def _is_edge(before: Mark, mark: Mark) -> bool:
    return "" in before.values and (before.axes, before.keys) == (mark.axes, mark.keys)


def _mark(trace: Mapping[str, Any]) -> Mark | None:
    if trace.get("type", "scatter") not in DRAWN:
        return None
    across, up = values(trace.get("x")), values(trace.get("y"))
    if len(across) != len(up):
        return None
    named = any(isinstance(value, str) for value in up) and not any(
        isinstance(value, str) for value in across
    )
    upright = trace.get("orientation") != "h" and not named and not _wide_errors(trace)
    keys, drawn = (across, up) if upright else (up, across)
    labels = values(trace.get("text")) if trace.get("type") != "bar" else []
    return Mark(
        series=plain(trace.get("name")),
        axes=(trace.get("xaxis", "x"), trace.get("yaxis", "y")),
        upright=upright,
        keys=keys,
        values=_ends(trace, drawn, trace.get("error_y" if upright else "error_x")),
        labels=labels if len(labels) == len(keys) else (),
        joins=trace.get("mode") == "lines" and not trace.get("name"),
    )


def _wide_errors(trace: Mapping[str, Any]) -> bool:
    return "error_x" in trace and "error_y" not in trace


def _ends(
    trace: Mapping[str, Any], drawn: Sequence[Cell], error: Mapping[str, Any] | None
) -> dict[str, Sequence[Cell]]:
    """Return the values of a trace: the ends of a floating bar, or a point with its interval."""
    base = trace.get("base")
    if base is not None:
        starts = [base] * len(drawn) if isinstance(base, int | float) else values(base)
        if any(starts):
            return {
                "from": starts,
                "to": [_plus(*pair) for pair in zip(starts, drawn, strict=True)],
            }
    above = values((error or {}).get("array"))
    if len(above) != len(drawn):
        return {"": drawn}
    below = values((error or {}).get("arrayminus")) or above
    return {
        "": drawn,
        "lower": [_plus(at, by, -1) for at, by in zip(drawn, below, strict=True)],
        "upper": [_plus(at, by) for at, by in zip(drawn, above, strict=True)],
    }


def _plus(start: Cell, by: Cell, sign: int = 1) -> Cell:
    if isinstance(start, str) or isinstance(by, str) or start is None or by is None:
        return None
    return start + sign * by


def _folded(mark: Mark) -> Mark | None:
    """Return a closed outline as its lower and upper bound, if it goes there and back."""
    half = len(mark.keys) // 2
    there, back = mark.keys[:half], list(reversed(mark.keys[half:]))
    if list(there) != back:
        return None
    drawn = mark.values[""]
    pairs = list(zip(drawn[:half], reversed(drawn[half:]), strict=True))
    return replace(mark, keys=there, values=_bounds(pairs), labels=())


def _bounds(pairs: Sequence[tuple[Cell, Cell]]) -> dict[str, Sequence[Cell]]:
    ordered = [
        (min(pair), max(pair)) if None not in pair else (None, None)  # type: ignore[type-var]
        for pair in pairs
    ]
    return {"lower": [low for low, _ in ordered], "upper": [high for _, high in ordered]}


def _without_repeats(marks: list[Mark]) -> list[Mark]:
    """Leave out nameless lines that only join points which others show."""

    def points(mark: Mark) -> set[tuple[Any, ...]]:
        return set(
            zip([mark.axes] * len(mark.keys), mark.keys, mark.values.get("", ()), strict=False)
        )

    shown: set[tuple[Any, ...]] = set().union(*(points(mark) for mark in marks if not mark.joins))
    return [mark for mark in marks if not (mark.joins and points(mark) <= shown)]


def values(array: object) -> list[Cell]:
    """Return a trace's x or y as texts and numbers, whether a list or a typed array.

    A day at midnight is written as a day; what is not a number is missing.
    """
    if isinstance(array, Mapping):
        code, content = TYPES[array["dtype"]], base64.b64decode(array["bdata"])
        count = len(content) // struct.calcsize(f"<{code}")
        array = struct.unpack(f"<{count}{code}", content)
    return [_cell(value) for value in array] if isinstance(array, list | tuple) else []


def with_short_days(trace: dict[str, Any]) -> dict[str, Any]:
    """Return a trace whose midnights are written as days, the same to Plotly and shorter."""
    days = {
        axis: [MIDNIGHT.sub("", value) for value in trace[axis]]
        for axis in ("x", "y")
        if isinstance(trace.get(axis), list)
        and all(isinstance(value, str) and MIDNIGHT.search(value) for value in trace[axis])
    }
    return trace | days


def plain(markup: object) -> str:
    """Return Plotly's little HTML as one line of text; what is nothing but tags stays as it is."""
    source = str(markup or "")
    bare = html.unescape(PLOTLY_TAG.sub(" ", source))
    return " ".join(bare.split()) or source


def is_day(key: Cell) -> bool:
    """Say whether a cell is a day or a time of one, written 2026-07-01 and on."""
    return isinstance(key, str) and re.match(r"\d{4}-\d\d-\d\d", key) is not None


def _cell(value: object) -> Cell:
    if isinstance(value, str):
        return MIDNIGHT.sub("", value) if is_day(value) else plain(value)
    return value if isinstance(value, int | float) and math.isfinite(value) else None
