"""What an upstream's answer says: numbers, days and instants, or an error that says why not."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from research.errors import EmptyError, SchemaChangedError
from research.frames import KINDS, ONE_DAY, SERIES, UtcDay, conform

SHOWN = 12  # keys that an error lists
NUMBER = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*", re.ASCII)
INSTANT = re.compile(
    r"(?:20|21)\d\d-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?", re.ASCII
)


class Fetched(pa.DataFrameModel):
    """What an upstream said: one row a day of a series."""

    date: Series[UtcDay]
    value: Series[float] = pa.Field(gt=-np.inf, lt=np.inf)
    series: Series[str] | None = pa.Field(str_matches=rf"^{SERIES}$")
    period_days: Series[int] | None = pa.Field(ge=1)
    kind: Series[str] | None = pa.Field(isin=KINDS)

    class Config:
        """No column but these."""

        coerce = True
        strict = True

    @pa.check("date", error="a day is a midnight without a time")
    @classmethod
    def _is_midnight(cls, date: pd.Series[pd.Timestamp]) -> pd.Series[bool]:
        return date == date.dt.normalize()


@dataclass(frozen=True)
class Question:
    """What was asked of whom; reads the parts of the answer, and says so if they are odd."""

    source: str
    what: str

    def changed(self, reason: str) -> SchemaChangedError:
        """Return the error for a shape that we do not know."""
        return SchemaChangedError(self.source, self.what, reason)

    def empty(self, reason: str) -> EmptyError:
        """Return the error for an answer that has nothing."""
        return EmptyError(self.source, self.what, reason)

    def record(self, value: Any, *keys: str, of: str = "the answer") -> dict[str, Any]:
        """Return a JSON object that has all of `keys`."""
        if not isinstance(value, dict):
            raise self.changed(f"{of} is {_name(value)}, not an object")
        if absent := [key for key in keys if key not in value]:
            found = ", ".join(repr(key[:40]) for key in [*value][:SHOWN]) or "no keys"
            raise self.changed(f"{of} lacks {', '.join(map(repr, absent))}; it has {found}")
        return value

    def records(self, value: Any, *keys: str, of: str = "the answer") -> list[dict[str, Any]]:
        """Return a JSON list of objects that have all of `keys` each; an empty one is an error."""
        if not isinstance(value, list):
            raise self.changed(f"{of} is {_name(value)}, not a list")
        if not value:
            raise self.empty(f"{of} is an empty list")
        return [self.record(row, *keys, of=f"row {nr} of {of}") for nr, row in enumerate(value, 1)]

    def number(self, value: Any, of: str) -> float:
        """Return a number, which may be written as a text; NaN for null."""
        if value is None:
            return math.nan
        is_text = isinstance(value, str) and NUMBER.fullmatch(value) is not None
        if is_text or (isinstance(value, int | float) and not isinstance(value, bool)):
            try:
                number = float(value)
            except OverflowError:
                number = math.inf
            if math.isfinite(number):
                return number
        raise self.changed(f"{of} is {_show(value)}, not a number")

    def known(self, value: Any, of: str) -> float:
        """Return a number; null is an error, for without it there is nothing to say."""
        if math.isnan(number := self.number(value, of)):
            raise self.empty(f"{of} is null")
        return number

    def instant(self, value: Any, of: str) -> dt.datetime:
        """Return an instant that is written as an ISO date or time, in UTC unless it says so."""
        if (instant := to_instant(value)) is None:
            raise self.changed(f"{of} is {_show(value)}, not a date")
        return instant

    def days(self, rows: Iterable[Mapping[str, Hashable]], now: dt.datetime) -> pd.DataFrame:
        """Return rows of `at` (an instant), `value` and other columns as `Fetched`.

        What has no value, what is not stamped at a midnight, as a running day's last reading, and
        what is not over at `now` is left out. A day that is said twice must be said alike.
        """
        frame = pd.DataFrame([*rows])
        if frame.empty:
            raise self.empty("no rows")
        at = pd.to_datetime(frame.pop("at"), utc=True).dt.tz_localize(None)
        is_whole = (at == at.dt.normalize()) & (at + ONE_DAY <= midnight(now))
        frame.insert(0, "date", at)
        frame = frame[is_whole & frame["value"].notna()].drop_duplicates()
        if frame.empty:
            raise self.empty("no value of a complete day")
        keys = [name for name in ("series", "date") if name in frame]
        if (twice := frame.duplicated(keys)).any():
            day = frame["date"][twice].iloc[0]
            raise self.changed(f"two different values for {day:%Y-%m-%d}")
        return conform(frame.sort_values(keys, ignore_index=True), Fetched)

    def reading(self, values: Mapping[str | None, float], now: dt.datetime) -> pd.DataFrame:
        """Return what was read at `now` as the state at the end of the last complete day.

        Parameters
        ----------
        values : by series; None: the one that was asked for
        """
        rows: list[dict[str, Hashable]] = [
            {"at": midnight(now) - ONE_DAY, "value": value}
            | ({} if series is None else {"series": series})
            for series, value in values.items()
        ]
        return self.days(rows, now)


def to_instant(value: Any) -> dt.datetime | None:
    """Return the instant that a text means; None if it is no ISO date or time of this century."""
    if not isinstance(value, str) or INSTANT.fullmatch(value) is None:
        return None
    try:
        instant = dt.datetime.fromisoformat(value)
        return instant.replace(tzinfo=instant.tzinfo or dt.UTC).astimezone(dt.UTC)
    except ValueError:  # there is no such day or hour
        return None


def midnight(now: dt.datetime) -> pd.Timestamp:
    """Return the beginning of the running day."""
    return pd.Timestamp(now.astimezone(dt.UTC).date())


def measure(series: str) -> str:
    """Return the second half of a series' name."""
    return series.partition(".")[2]


def _name(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", type(None): "null", bool: "a bool"}
    return names.get(type(value), "a number")


def _show(value: Any) -> str:
    is_short = isinstance(value, bool | float | type(None)) or (
        isinstance(value, str) and len(value) <= 40
    )
    return repr(value) if is_short else _name(value)
