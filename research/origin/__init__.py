"""Where a figure or table comes from: its series, of what kind they are, and what is doubtful.

One `Origin` goes with all that is shown, so that each number can be followed to what was stored.
How it is written on a page is in `markup`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from research import catalogue
from research.frames import weakest
from research.quality import Finding, concerning

SIMULATED, STALE = "Simulated data", "Stale data"
PARTIAL, FAILED = "Partial data", "Failed check"
NAMED = 4  # series that the one line names before it only counts


class Traced(Protocol):
    """A series as it was read; `load.Provenance` is one."""

    @property
    def series(self) -> str:
        """Subject and measure, such as akash.price_usd."""

    @property
    def unit(self) -> str:
        """Of its values."""

    @property
    def source(self) -> str:
        """That was read."""

    @property
    def kind(self) -> str:
        """The weakest among its rows."""

    @property
    def first(self) -> dt.date:
        """Its first day."""

    @property
    def last(self) -> dt.date:
        """Its last day."""

    @property
    def known_at(self) -> dt.datetime:
        """When the last of its rows came to be known."""


@dataclass(frozen=True, kw_only=True)
class Series:
    """One series that something rests on, as the source told it that was read."""

    name: str
    unit: str
    source: str
    attribution: str  # what the source wants said; empty if nothing
    kind: str
    first: dt.date
    last: dt.date
    known_at: dt.datetime

    def record(self) -> dict[str, str]:
        """Return it as JSON knows it, the time to the minute."""
        return {
            "name": self.name,
            "unit": self.unit,
            "source": self.source,
            "attribution": self.attribution,
            "kind": self.kind,
            "first": f"{self.first}",
            "last": f"{self.last}",
            "retrieved": f"{self.known_at:%Y-%m-%d %H:%M}",
        }


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What a figure or table rests on."""

    series: tuple[Series, ...] = ()
    note: str = ""  # further words, such as "own model"
    doubts: tuple[Finding, ...] = ()  # about these series, of the levels warn and fail
    left_out: tuple[str, ...] = ()  # series that belong to it and were refused
    invented: bool = False  # simulated, where no series says so

    @classmethod
    def said(cls, note: str, *, simulated: bool = False) -> Origin:
        """Return an origin in words alone, such as "by hand".

        Parameters
        ----------
        note : what is written as the source; empty if what is shown says so itself
        simulated : whether any of it is
        """
        return cls(note=note, invented=simulated)

    @classmethod
    def of(
        cls,
        traced: Iterable[Traced],
        findings: Iterable[Finding] = (),
        *,
        note: str = "",
        left_out: Iterable[str] = (),
    ) -> Origin:
        """Return the origin of what rests on series that were read.

        Parameters
        ----------
        traced : the series
        findings : of the checks, about whatever; those about these series become doubts
        note : further words
        left_out : names of series that belong to it and were refused
        """
        series = tuple(
            Series(
                name=each.series,
                unit=each.unit,
                source=each.source,
                attribution=_attribution(each.source),
                kind=each.kind,
                first=each.first,
                last=each.last,
                known_at=each.known_at,
            )
            for each in traced
        )
        read = {each.name: each.source for each in series}
        return cls(
            series=series,
            note=note,
            doubts=tuple(concerning(findings, read)),
            left_out=tuple(left_out),
        )

    @property
    def simulated(self) -> bool:
        """Whether any of it was made up on purpose."""
        return self.invented or self.kind == "simulated"

    @property
    def kind(self) -> str | None:
        """The weakest kind among the series; None where there are none."""
        return weakest(each.kind for each in self.series) if self.series else None

    @property
    def marks(self) -> tuple[str, ...]:
        """The words that are shown as badges."""
        found = {
            SIMULATED: self.simulated,
            STALE: any(one.check == "stale" for one in self.doubts),
            PARTIAL: bool(self.left_out) or any(one.check == "gap" for one in self.doubts),
            FAILED: any(one.level == "fail" and one.check != "stale" for one in self.doubts),
        }
        return tuple(mark for mark, is_found in found.items() if is_found)

    @property
    def records(self) -> list[dict[str, str]]:
        """The series as JSON knows them."""
        return [each.record() for each in self.series]

    @property
    def text(self) -> str:
        """The one line that is written as the source; days and times are UTC."""
        without = [f"without {', '.join(self.left_out)}"] if self.left_out else []
        return "; ".join([*self._told(), *without, *([self.note] if self.note else [])])

    def without_series(self) -> Origin:
        """Return the origin of what only belongs to the same question, such as facts of a contract.

        Each of its rows says its own source; whether the question is simulated stays.
        """
        return Origin.said("", simulated=self.simulated)

    def _told(self) -> Sequence[str]:
        """Return what there is to say of the series: names, last days, retrieval time and kind."""
        if not self.series:
            return []
        first, last = min(each.last for each in self.series), max(each.last for each in self.series)
        several = len({each.kind for each in self.series}) > 1
        return [
            _named(self.series),
            f"to {last}" if first == last else f"last days {first} to {last}",
            f"retrieved by {max(each.known_at for each in self.series):%Y-%m-%d %H:%M}",
            f"{'weakest kind' if several else 'kind'}: {self.kind}",
        ]


def _attribution(source: str) -> str:
    """Return what a source wants said, if that is more than its name."""
    upstream = catalogue.load().sources.get(source)
    return "" if upstream is None or upstream.attribution == source else upstream.attribution


def _named(series: Sequence[Series]) -> str:
    """Return the first series by source, and how many more there are."""
    by_source: dict[str, list[str]] = {}
    for each in series[:NAMED]:
        by_source.setdefault(each.source, []).append(each.name)
    named = ", ".join(f"{', '.join(names)} ({source})" for source, names in by_source.items())
    more = len(series) - NAMED
    return f"{named} and {more} more" if more > 0 else named
