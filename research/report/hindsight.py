"""What a store says today of the days that an earlier report could see.

A day is old if the earlier report had a value of that day, or a later one, from the same source;
a source that it did not have at all is measured by the last day of the same series, else of any.
Whatever a store has learnt since of old days is revised history: restated, or filled in. The rest
is news.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from research import load
from research.revisions import KEY, STATEMENT
from research.store import Store
from research.used import Used, digest

Source = tuple[str, str]  # series, and who speaks of it


@dataclass(frozen=True, kw_only=True)
class View:
    """Where the observations are, and between which instants we look back."""

    store: str
    until: dt.date | None
    then: dt.datetime
    now: dt.datetime
    version: int | None  # of the store, that the earlier report read; None if it read nothing
    read: Sequence[Used]  # by the earlier report


@dataclass(frozen=True, kw_only=True)
class Hindsight:
    """How what is known of old days differs from what was known then."""

    lost: bool  # the store, at its version of then, says other than it did then
    backdated: bool  # it has learnt what is said to have been known by then
    revised: Mapping[str, int]  # days restated or filled in since, by series


NOTHING_LEARNT = Hindsight(lost=False, backdated=False, revised={})


def look_back(view: View, series: Collection[str]) -> Hindsight:
    """Compare what was known then with what is known now, of the days that were old then.

    Parameters
    ----------
    series : that the earlier report or this one read
    """
    if not series:
        return NOTHING_LEARNT
    names = sorted(series)
    now = Store(load.locate(view.store)).history(names, as_of=view.now, until=view.until)
    then = _then(view, names)
    lasts = _last_days(view, then)
    before, after = (_old(rows, lasts).set_index(KEY)[STATEMENT] for rows in (then, now))
    same = before.reindex(after.index)
    days = after[(after != same).any(axis=1)].reset_index()
    counts = days.groupby("series")[["date"]].nunique()["date"]
    return Hindsight(
        lost=not all(_is_held(one, then) for one in view.read),
        backdated=len(then) != (now["known_at"] <= view.then).sum(),
        revised={str(name): int(count) for name, count in counts.items()},
    )


def write_then(view: View, folder: str) -> None:
    """Write a store into `folder` that knows what was known then, and nothing else."""
    Store(folder).append(_then(view))


def write_known_now(view: View, folder: str) -> None:
    """Write a store into `folder` that knew then what is known now of the days that were old then.

    A report as of then can be made from it: the same day of the calendar, with other history.
    """
    now = Store(load.locate(view.store)).history(as_of=view.now, until=view.until)
    rows = _old(now, _last_days(view, _then(view)))
    by_then = rows["known_at"].where(rows["known_at"] <= view.then, view.then)
    Store(folder).append(rows.assign(known_at=by_then))


def _then(view: View, series: Sequence[str] | None = None) -> pd.DataFrame:
    """Return what the earlier report could read; nothing if the store has no such version."""
    held = Store(load.locate(view.store))
    if view.version is not None and view.version > held.version():
        return held.history([])
    return held.history(series, as_of=view.then, until=view.until, version=view.version)


def _is_held(read: Used, rows: pd.DataFrame) -> bool:
    """Say whether rows still hold what was read, either the last of each day or every row."""
    mine = rows[
        (rows["series"] == read.series)
        & (rows["source"] == read.source)
        & (rows["date"] <= pd.Timestamp(read.last))
    ]
    return read.sha256 in {digest(mine), digest(mine.drop_duplicates(KEY, keep="last"))}


def _last_days(view: View, then: pd.DataFrame) -> Mapping[Source, pd.Timestamp]:
    """Return the last day that was there then, by series and source."""
    found: dict[Source, pd.Timestamp] = {}
    for one in view.read:  # it counts even if the store does not hold it any more
        key = (one.series, one.source)
        found[key] = max(found.get(key, pd.Timestamp(one.last)), pd.Timestamp(one.last))
    for (series, source), days in then.groupby(["series", "source"])["date"]:
        found[str(series), str(source)] = days.max()
    return found


def _old(rows: pd.DataFrame, lasts: Mapping[Source, pd.Timestamp]) -> pd.DataFrame:
    """Return the row known last of each day that is old."""
    by_series: dict[str, pd.Timestamp] = {}
    for (name, _), day in lasts.items():
        by_series[name] = max(by_series.get(name, day), day)
    latest = max(by_series.values(), default=pd.Timestamp.min)
    kept = []
    for (series, source), said in rows.groupby(["series", "source"], sort=False):
        of_series = by_series.get(str(series), latest)
        kept.append(said[said["date"] <= lasts.get((str(series), str(source)), of_series)])
    old = pd.concat(kept) if kept else rows
    return old.drop_duplicates(KEY, keep="last")
