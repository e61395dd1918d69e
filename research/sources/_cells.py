"""What the cells of a file say: days, numbers and instants, or in words why they say nothing."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import pandas as pd

from research.errors import RefusedFileError
from research.frames import ONE_DAY

LISTED = 10  # problems that a refusal spells out before it only counts

ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]00:00(?::00(?:\.0+)?)?)?(?: ?(?:Z|UTC|\+00:?00))?")
NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


@dataclass
class Problems:
    """What is wrong with the files of one import, gathered so that all is said at once."""

    found: list[tuple[str, int, str]] = field(default_factory=list)  # file, row, text
    count: int = 0

    def add(self, file: str, reason: str, *, row: int = 0, column: str = "") -> None:
        """Note one problem; `row` is the one that a spreadsheet shows, the header being row 1."""
        where = [file] + [f"row {row}"] * bool(row) + [f"column {column!r}"] * bool(column)
        self.found.append((file, row, f"{', '.join(where)}: {reason}"))
        self.count += 1

    def add_rows(
        self,
        rows: pd.DataFrame,
        wrong: pd.Series[bool],
        column: str,
        reason: Callable[[pd.Series], str],
    ) -> None:
        """Note each of `rows` that is `wrong`; in a tidy file the culprit is in `column`."""
        for _, one in rows[wrong].head(LISTED).iterrows():
            where = column if one["is_tidy"] else one["column"]
            self.add(one["file"], reason(one), row=one["row"], column=where)
        self.count += max(int(wrong.sum()) - LISTED, 0)

    def refuse(self) -> None:
        """Raise if anything was wrong."""
        if not self.count:
            return
        files = list(dict.fromkeys(file for file, _, _ in self.found))
        listed = sorted(self.found, key=lambda found: (files.index(found[0]), found[1]))[:LISTED]
        more = [f"and {self.count - len(listed)} more"] if self.count > len(listed) else []
        lines = ["nothing was imported:", *(text for _, _, text in listed), *more]
        raise RefusedFileError("\n  ".join(lines))


def to_days(texts: pd.Series[str]) -> pd.Series[pd.Timestamp]:
    """Return the days that are written as ISO dates, or as midnights in UTC; NaT for others."""
    is_iso = texts.str.fullmatch(ISO_DAY)
    return pd.to_datetime(texts.str[:10].where(is_iso), format="%Y-%m-%d", errors="coerce")


def why_no_day(text: str) -> str:
    """Say what is wrong with a date."""
    if not text:
        return "no date"
    if ISO_DAY.fullmatch(text):
        return f"{text!r}: there is no such day"
    if re.fullmatch(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*", text):
        return f"{text!r} has a time of day or a zone; write the UTC day alone, {text[:10]}"
    if re.fullmatch(r"\d{1,2}([/.-])\d{1,2}\1(\d\d|\d{4})", text):
        return f"{text!r} may be day first or month first; write year-month-day, such as 2024-12-31"
    return f"{text!r} is not a date; write year-month-day, such as 2024-12-31"


def to_numbers(texts: pd.Series[str]) -> pd.Series[float]:
    """Return the numbers that are written plainly; NaN for others."""
    return texts.where(texts.str.fullmatch(NUMBER), "nan").astype(float)


def why_no_number(text: str) -> str:
    """Say what is wrong with a number."""
    bare = re.sub(r"[$€£%\s]", "", text)
    if re.fullmatch(r"(?i)nan|n/?a|null|none|nil|-+|#.*|\?", bare):
        return f"{text!r} is not a number; leave the cell empty where there is a gap"
    if re.fullmatch(r"(?i)[+-]?inf(inity)?", bare) or NUMBER.fullmatch(text):
        return f"{text!r} is not a finite number"
    if text.endswith("%") and NUMBER.fullmatch(bare):
        return f"{text!r} is a percent; write the fraction, {float(bare) / 100:g}"
    if re.fullmatch(r"[+-]?\d{1,3}([, '_ ]\d{3})+(\.\d+)?", text):
        plain = re.sub(r"[, '_ ]", "", text)
        return f"{text!r} has thousands separators; write {plain}"
    if re.fullmatch(r"[+-]?[\d.]*,\d+", text):
        return f"{text!r} has a decimal comma; write a point"
    return f"{text!r} is text where a number belongs"


def to_instant(text: str, now: dt.datetime) -> dt.datetime:
    """Return the instant that `text` means; a date alone is that day's end, today's is now.

    Raises
    ------
    ValueError
        It is no ISO date or instant, or has not come yet.
    """
    try:
        instant = dt.datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is neither `day-end` nor an instant such as 2025-01-31 or "
            "2025-01-31T18:00+00:00"
        ) from None
    instant = instant.replace(tzinfo=instant.tzinfo or dt.UTC).astimezone(dt.UTC)
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        is_today = instant.date() == now.date()
        instant = now if is_today else instant + dt.timedelta(days=1)
    if instant > now:
        raise ValueError(f"{text!r} is in the future; it is {now:%Y-%m-%dT%H:%M}+00:00 now")
    return instant


def known_at(
    stated: pd.Series[str], days: pd.Series[pd.Timestamp], now: dt.datetime
) -> tuple[pd.Series[pd.Timestamp], dict[str, str]]:
    """Return when each row was known, NaT where that is not said, and why not by what was stated.

    An empty statement means now, `day-end` the end of the row's own day.
    """
    wrong: dict[str, str] = {}
    instants: dict[str, dt.datetime | None] = {"": now, "day-end": None}
    for text in stated.unique():
        if text in instants:
            continue
        try:
            instants[text] = to_instant(text, now)
        except ValueError as refused:
            instants[text] = None
            wrong[text] = str(refused)
    known = stated.map(instants).astype("datetime64[us, UTC]")
    ends = (days + ONE_DAY).dt.tz_localize("UTC").astype("datetime64[us, UTC]")
    return known.mask(stated == "day-end", ends), wrong
