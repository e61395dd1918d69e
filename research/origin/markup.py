"""An origin as HTML: the badges, the source line, and behind it every series; and how to read it.

Without series the line is a paragraph. With them it is the summary of a `details` element, which
opens without a script.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from research.origin import FAILED, PARTIAL, SIMULATED, STALE

if TYPE_CHECKING:
    from bs4 import Tag

CLASSES = {  # of an element that bears the mark
    SIMULATED: "simulated",
    STALE: "stale-data",
    PARTIAL: "partial-data",
    FAILED: "failed-check",
}
MEANING = {  # what a page that bears it says at its top
    STALE: "Some of what this page shows rests on data that ended days before the report.",
    PARTIAL: "Some of what this page shows rests on series with many days missing, or had to do "
    "without a series that was refused.",
    FAILED: "Some of what this page shows rests on data that failed a check of their quality.",
}
FIELDS = ("name", "unit", "source", "attribution", "kind", "first", "last", "retrieved")
SAID = re.compile(r"(?P<name>\S+) \((?P<unit>.*)\), (?P<first>\S+) to (?P<last>\S+)", re.DOTALL)
WHEN = re.compile(r"\d{4}-\d\d-\d\d(?: \d\d:\d\d)?")  # is not broken at the end of a line


def classes(marks: Iterable[str]) -> str:
    """Return the classes of an element that bears `marks`, each after a space."""
    return "".join(f" {CLASSES[mark]}" for mark in marks)


def badges(marks: Iterable[str]) -> str:
    """Return a badge for each mark, each after a space."""
    return "".join(f' <span class="badge">{escape(mark)}</span>' for mark in marks)


def source_line(text: str, series: Sequence[Mapping[str, str]] = ()) -> str:
    """Return the line below a figure or table; empty where there is nothing to say.

    Parameters
    ----------
    text : of the line, without "Source:"
    series : records as `Origin.records` gives them
    """
    if not series:
        return f'<p class="source">Source: {escape(text)}</p>' if text else ""
    groups: dict[tuple[str, ...], list[Mapping[str, str]]] = {}
    for one in sorted(series, key=lambda one: (*_group(one), one["name"])):
        groups.setdefault(_group(one), []).append(one)
    listed = "".join(
        _heading(*group)
        + "".join(
            "<dd>{name} ({unit}), <span>{first} to {last}</span></dd>".format(**_escaped(one))
            for one in ones
        )
        for group, ones in groups.items()
    )
    return (
        f'<details class="source"><summary>Source: {WHEN.sub(_in_one, escape(text))}</summary>'
        f"<dl>{listed}</dl></details>"
    )


def _escaped(one: Mapping[str, str]) -> dict[str, str]:
    return {name: escape(value) for name, value in one.items()}


def _in_one(when: re.Match[str]) -> str:
    return f"<time>{when[0]}</time>"


def _group(one: Mapping[str, str]) -> tuple[str, str, str, str]:
    return one["source"], one["kind"], one["retrieved"], one["attribution"]


def _heading(source: str, kind: str, retrieved: str, attribution: str) -> str:
    said = f" (<cite>{escape(attribution)}</cite>)" if attribution else ""
    return (
        f"<dt><b>{escape(source)}</b>, <i>{escape(kind)}</i>, retrieved "
        f"<time>{escape(retrieved)}</time>{said}</dt>"
    )


def records(value: Any) -> list[dict[str, str]]:
    """Return a figure's `meta` series, those that are no records of ours left out."""
    found = value if isinstance(value, list) else []
    return [
        {field: one[field] for field in FIELDS}
        for one in found
        if isinstance(one, dict) and all(isinstance(one.get(field), str) for field in FIELDS)
    ]


def read_line(element: Tag | None) -> str:
    """Return the text of a source line, without "Source:"."""
    if element is None:
        return ""
    line = element.find("summary")
    said = element.get_text(" ") if line is None else line.get_text()
    return " ".join(said.split()).removeprefix("Source:").strip()


def read_series(element: Tag | None) -> list[dict[str, str]]:
    """Return the records that a source line shows."""
    found: list[dict[str, str]] = []
    group: dict[str, str] = {}
    for line in [] if element is None else element.select("dl > dt, dl > dd"):
        if line.name == "dt":
            parts = {name: line.find(name) for name in ("b", "i", "time", "cite")}
            said = {name: part.get_text() if part else "" for name, part in parts.items()}
            group = {
                "source": said["b"],
                "attribution": said["cite"],
                "kind": said["i"],
                "retrieved": said["time"],
            }
        elif told := SAID.fullmatch(line.get_text()):
            found.append(told.groupdict() | group)
    return found


def read_marks(soup: Tag) -> tuple[str, ...]:
    """Return the marks that anything in a piece of HTML bears."""
    return tuple(mark for mark, name in CLASSES.items() if soup.find(class_=name))
