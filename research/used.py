"""What this process read from a store: the memory from which a report's manifest is written.

Whoever reads a store for a notebook passes the rows through `noted`, and what is doubtful about
those that results are made from through `doubted`; `used` and `failed` tell afterwards.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True, order=True)
class Used:
    """What one source said of one series, as it was read."""

    series: str
    source: str
    rows: int
    first: dt.date
    last: dt.date
    sha256: str  # of the days and the values, in the order of the days


@dataclass(frozen=True, kw_only=True, order=True)
class Failed:
    """A check of quality that what one source says of one series did not pass."""

    series: str
    source: str
    check: str
    text: str


_seen: set[Used] = set()
_failed: set[Failed] = set()


def noted(rows: pd.DataFrame) -> pd.DataFrame:
    """Return `rows`, remembered as read.

    Parameters
    ----------
    rows : table of `frames.Observations`, the days of a series and source in order
    """
    for (series, source), said in rows.groupby(["series", "source"], sort=False):
        days = said["date"].to_numpy().astype("datetime64[D]")
        _seen.add(
            Used(
                series=str(series),
                source=str(source),
                rows=len(said),
                first=days.min().item(),
                last=days.max().item(),
                sha256=digest(said),
            )
        )
    return rows


def digest(rows: pd.DataFrame) -> str:
    """Return the SHA-256 of the days and values of a series, in the order of the rows."""
    days = rows["date"].to_numpy().astype("datetime64[D]").astype("<i8")
    values = rows["value"].to_numpy().astype("<f8")
    return hashlib.sha256(days.tobytes() + values.tobytes()).hexdigest()


def used() -> tuple[Used, ...]:
    """Return what was read so far, by series and source; what was read twice counts once."""
    return tuple(sorted(_seen))


def doubted(checks: Iterable[Failed]) -> None:
    """Remember which checks fail on what a result is made from."""
    _failed.update(checks)


def failed() -> tuple[Failed, ...]:
    """Return the failed checks remembered so far, each once."""
    return tuple(sorted(_failed))
