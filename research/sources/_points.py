"""Prices as upstreams write them: pairs of a stamp and a number, in whatever order and grid."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal

import pandas as pd

from research.errors import EmptyError
from research.frames import ONE_DAY, conform
from research.sources._answers import Fetched, Question, midnight

Unit = Literal["ms", "s"]

TICK = pd.Timedelta(milliseconds=1)
NEAR = pd.Timedelta(hours=6)  # how far from 24:00 a price may be and still be called the close
MS_OF: Mapping[Unit, int] = {"ms": 1, "s": 1000}
FIRST_MS, END_MS = (
    int(dt.datetime(year, 1, 1, tzinfo=dt.UTC).timestamp() * 1000) for year in (2009, 2100)
)


def points(rows: Any, question: Question, *, unit: Unit, stamp: Any, value: Any) -> pd.Series:
    """Return the values of `rows` by their UTC instants in ascending order, without nulls.

    Parameters
    ----------
    unit : what the stamps count since 1970
    stamp, value : where a row holds them: positions in a list, or keys of an object
    """
    if not isinstance(rows, list):
        raise question.changed("no list of points")
    kind = dict if isinstance(stamp, str) else list
    stamps, values = [], []
    for nr, row in enumerate(rows, 1):
        if not isinstance(row, kind):
            raise question.changed(f"point {nr} is no {kind.__name__}")
        try:
            at, found = row[stamp], row[value]
        except LookupError:
            raise question.changed(f"point {nr} lacks {stamp!r} or {value!r}") from None
        ms = question.known(at, f"the stamp of point {nr}") * MS_OF[unit]
        if not FIRST_MS <= ms < END_MS:
            raise question.changed(f"point {nr} is stamped {at!s:.40}, which is no time in {unit}")
        stamps.append(round(ms))
        values.append(question.number(found, f"point {nr}"))
    index = pd.to_datetime(stamps, unit="ms", utc=True)
    return pd.Series(values, index, dtype=float).dropna().sort_index(kind="stable")


def closes(values: pd.Series, now: dt.datetime) -> pd.Series:
    """Return what held at 24:00 of each complete day, by day.

    A point stamped 00:00 is the close of the day before. Where the points are daily, only those
    count, for the one more at the end is the running price. Where they are finer, the last one of
    the day counts, up to 24:00 and not more than 6 hours earlier.
    """
    stamps = pd.DatetimeIndex(values.index)
    at_midnight = stamps == stamps.normalize()
    if not at_midnight[:-1].all():
        at_midnight = (stamps - TICK).normalize() + ONE_DAY - stamps <= NEAR
    values = values[at_midnight]
    days = (pd.DatetimeIndex(values.index) - TICK).normalize().tz_localize(None)
    return complete(values.set_axis(days).groupby(level=0).last(), now)


def nearest_closes(values: pd.Series, now: dt.datetime) -> pd.Series:
    """Return the value nearest to 24:00 of each complete day, at most 6 hours off, by day."""
    stamps = pd.DatetimeIndex(values.index)
    midnights = stamps.round("D")
    near = pd.DataFrame(
        {
            "day": (midnights - ONE_DAY).tz_localize(None),
            "off": pd.Series(stamps - midnights).abs(),
            "value": values.to_numpy(),
        }
    )
    near = near[near["off"] <= NEAR].sort_values("off", ascending=False, kind="stable")
    return complete(near.groupby("day")["value"].last(), now)


def opened(values: pd.Series, question: Question, now: dt.datetime) -> pd.Series:
    """Return the values of complete days that are stamped with their beginning, by day."""
    stamps = pd.DatetimeIndex(values.index)
    if (stamps != stamps.normalize()).any():
        raise question.changed("a day does not begin at 00:00 UTC")
    return complete(values.set_axis(stamps.tz_localize(None)), now)


def complete(values: pd.Series, now: dt.datetime) -> pd.Series:
    """Return the days that are over at `now`."""
    return values[values.index < midnight(now)]


def fetched(values: pd.Series, question: Question) -> pd.DataFrame:
    """Return values by day as `Fetched`; of a day that is said twice, what was said last."""
    values = values[~values.index.duplicated(keep="last")].sort_index()
    if values.empty:
        raise question.empty("no value of a complete day")
    days = pd.DatetimeIndex(values.index).as_unit("ns")
    return conform(pd.DataFrame({"date": days, "value": values.to_numpy()}), Fetched)


def windows(
    since: dt.date | None, first: pd.Timestamp, days: int, now: dt.datetime
) -> Iterator[tuple[pd.Timestamp, int]]:
    """Cut the complete days from `since` into spans of at most `days`: first day and length.

    The newest comes first, so that one may stop where there is nothing older. Without `since`, or
    before it, they begin at `first`.
    """
    begin = max(first, pd.Timestamp(since)) if since else first
    end = midnight(now)  # exclusive
    begin = min(begin, end - ONE_DAY)
    while end > begin:
        length = min(days, (end - begin).days)
        end -= length * ONE_DAY
        yield end, length


def gather(pages: Iterable[Callable[[], pd.DataFrame]]) -> pd.DataFrame:
    """Ask for page after page, the newest first, until one is empty; return them as one frame."""
    frames: list[pd.DataFrame] = []
    for ask in pages:
        try:
            frames.append(ask())
        except EmptyError:
            if not frames:
                raise
            break
    gathered = pd.concat(frames).drop_duplicates("date", keep="first")
    return gathered.sort_values("date", ignore_index=True)


def unix_ms(day: pd.Timestamp) -> int:
    """Return the milliseconds from 1970 to 00:00 UTC of a day."""
    return int(day.tz_localize("UTC").timestamp() * 1000)
