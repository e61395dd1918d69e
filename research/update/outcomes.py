"""What an update did: one row for each series and source, and what is still wanting."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

ANSWERED, CURRENT, NO_SOURCE = "answered", "current", "no source"
REFUSED, OUR_FAULT = "refused", "fault of ours"
SHOWN = 3  # reasons that a line of progress gives


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What came of asking one source for one series."""

    series: str  # the subject alone, where there is nobody to ask
    source: str | None
    outcome: str  # answered; current: nothing newer can exist, so it was not asked; or why not
    reason: str = ""
    new: int = 0
    revised: int = 0
    unchanged: int = 0
    refused: int = 0
    requests: int = 0
    age_days: int | None = None  # of the newest day that is held from this source
    next_source: str | None = None  # that has the series, where this one failed


@dataclass(frozen=True, kw_only=True)
class Wanting:
    """A required series that the store lacks, or of which it has nothing recent."""

    series: str
    last: dt.date | None
    age_days: int | None

    def __str__(self) -> str:
        if self.last is None:
            return f"{self.series} is required, and the store has nothing of it"
        return (
            f"{self.series} is required, and its last day, {self.last}, is {self.age_days} days old"
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Updated:
    """What an update did."""

    store: str
    asked: tuple[Asked, ...]  # one a series and source
    revised: pd.DataFrame  # series, source, date, was, now, kind_was, kind_now
    refused: pd.DataFrame  # series, source, date, value, reason: rows that cannot be true
    wanting: tuple[Wanting, ...]
    seconds: float


def has(row: Asked) -> bool:
    """Return whether the store has what the source can tell."""
    return row.outcome in (ANSWERED, CURRENT)


def progress(source: str, rows: Sequence[Asked]) -> str:
    """Return the line that says what came of asking one source."""
    told = [row for row in rows if row.outcome == ANSWERED]
    others = Counter(
        f"{row.outcome} ({row.reason})" if row.reason else row.outcome
        for row in rows
        if row.outcome != ANSWERED
    )
    requests = sum(row.requests for row in rows)
    parts = [
        f"{len(told)} of {len(rows)} series answered",
        f"{sum(row.new for row in told):,} new",
        f"{sum(row.revised for row in told):,} revised",
        f"{sum(row.refused for row in rows):,} refused",
        f"{requests} request{'s' * (requests != 1)}",
        *(f"{count} {why}" for why, count in others.most_common(SHOWN)),
    ]
    parts += [f"{len(others) - SHOWN} other reasons"] * (len(others) > SHOWN)
    return f"{source}: {', '.join(parts)}"
