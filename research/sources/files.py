"""One's own CSV and Parquet files as observations: checked whole before anything is stored."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import pandas as pd

from research.catalogue import Catalogue, Measure, UnknownSubjectError
from research.errors import UsageError
from research.frames import KINDS, ONE_DAY, Observations, conform
from research.sources import _cells
from research.sources._cells import Problems
from research.sources._shapes import Reading, unfold
from research.sources._sheets import read_sheet

__all__ = ["Checked", "Reading", "read_files"]

EARLIEST = pd.Timestamp("1970-01-01")  # a day before this is a slip of the pen
AT_AN_INSTANT = ("price", "stock", "cumulative")  # can be looked up at 00:00; a day's flow cannot
HIGHEST_PRICE_USD = 1e9
HIGHEST = 1e15  # no measure of ours comes near


@dataclass(frozen=True, kw_only=True, eq=False)
class Checked:
    """Files of which every cell was understood."""

    observations: pd.DataFrame  # of `frames.Observations`
    blanks: Mapping[str, int]  # by series: days whose cell is empty; gaps, of which nothing is kept


def read_files(
    paths: Sequence[Path], reading: Reading, *, catalogue: Catalogue, now: dt.datetime
) -> Checked:
    """Read all `paths`, or refuse them all and say what is wrong in which row.

    Raises
    ------
    RefusedFileError
        At least one cell of one file cannot be what it should be.
    UsageError
        `reading` itself cannot be.
    """
    _check(reading, catalogue, now)
    problems = Problems()
    sheets = [sheet for path in paths if (sheet := read_sheet(path, problems)) is not None]
    unfolded = [unfold(sheet, reading, catalogue, problems) for sheet in sheets]
    tables = [table for table in unfolded if table is not None]
    if not tables:
        problems.refuse()
    rows = pd.concat(tables, ignore_index=True)
    if (rows["text"] == "").all():
        problems.add(", ".join(rows["file"].unique()), "no values: every cell is empty")
    rows = _subjects(_measures(rows, catalogue, problems), catalogue, problems)
    if not rows.empty:
        rows = _values(
            _statements(_days(rows, reading, now, problems), reading, problems), problems
        )
        rows = _knowledge(rows, reading, now, problems)
    problems.refuse()
    values = rows[rows["text"] != ""]
    names = [name for name in Observations.to_schema().columns if name != "fetch_id"]
    of_day = rows.assign(is_blank=rows["text"] == "").groupby(["series", "date"])["is_blank"].all()
    return Checked(
        observations=conform(values[names].reset_index(drop=True), Observations),
        blanks={str(name): int(days.sum()) for name, days in of_day.groupby("series")},
    )


def _check(reading: Reading, catalogue: Catalogue, now: dt.datetime) -> None:
    if reading.measure is not None and reading.measure not in catalogue.measures:
        raise UsageError(_unknown("measure", reading.measure, [*catalogue.measures]))
    if reading.subject is not None:
        catalogue.subject(reading.subject)
    elif reading.column is not None:
        raise UsageError("a column alone does not say whose it is; add --subject")
    if reading.kind and reading.kind not in KINDS:
        raise UsageError(_unknown("kind", reading.kind, KINDS))
    if reading.known_at not in ("", "day-end"):
        try:
            _cells.to_instant(reading.known_at, now)
        except ValueError as refused:
            raise UsageError(f"known at {refused}") from refused


def _unknown(what: str, name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name.casefold(), known, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"unknown {what} {name!r}; {hint}known: {', '.join(known)}"


def _measures(rows: pd.DataFrame, catalogue: Catalogue, problems: Problems) -> pd.DataFrame:
    """Add what the vocabulary says of each row's measure; leave out rows of none."""
    measures: Mapping[str, Measure] = catalogue.measures
    is_known = rows["measure"].isin([*measures])
    problems.add_rows(
        rows,
        ~is_known & ~rows["measure"].duplicated(),  # once is enough
        "measure",
        lambda row: _unknown("measure", row["measure"], [*measures]),
    )
    rows = rows[is_known].copy()

    def say(what: Callable[[Measure], object]) -> pd.Series:
        return rows["measure"].map({name: what(measure) for name, measure in measures.items()})

    rows["nature"] = say(lambda m: m.nature)
    rows["low"] = say(lambda m: m.low).astype(float)
    rows["high"] = say(lambda m: m.high).astype(float)
    rows["exclusive_low"] = say(lambda m: m.exclusive_low).astype(bool)
    unit = say(lambda m: m.unit)
    problems.add_rows(
        rows.assign(right=unit),
        (rows["unit"] != "") & (rows["unit"].str.casefold() != unit.str.casefold()),
        "unit",
        lambda row: f"{row['measure']} is counted in {row['right']}, not {row['unit']!r}",
    )
    return rows.assign(unit=unit)


def _subjects(rows: pd.DataFrame, catalogue: Catalogue, problems: Problems) -> pd.DataFrame:
    """Name each row's series; leave out rows of none."""
    group_of = {subject: catalogue.kind_of(subject) for subject in catalogue.subjects}
    subjects = pd.Series(None, index=rows.index, dtype="str")
    reasons = subjects.copy()
    for name, part in rows.groupby("subject", sort=False):
        days = part["day"].where(part["text"] != "")  # an empty cell says nothing of its day
        for day, cells in days.groupby(_uses(str(name), days, catalogue), dropna=False):
            try:
                of_cells = catalogue.subject(str(name), None if pd.isna(day) else day.date())
            except UnknownSubjectError as refused:
                reasons[cells.index] = str(refused)
            else:
                subjects[cells.index] = of_cells
    for (subject, measure), part in rows.groupby([subjects, "measure"]):
        allowed = catalogue.measures[str(measure)].applies_to
        if group_of[str(subject)] not in allowed:
            reasons[part.index] = (
                f"{measure} is a measure of a {' or a '.join(allowed)}; {subject} is a "
                f"{group_of[str(subject)]}"
            )
    problems.add_rows(
        rows.assign(reason=reasons),
        reasons.notna() & ~(rows["subject"] + reasons).duplicated(),  # once is enough
        "subject",
        lambda row: str(row["reason"]),
    )
    series = subjects + "." + rows["measure"]
    return rows.assign(series=series)[reasons.isna() & rows["day"].notna()].copy()


def _uses(
    name: str, days: pd.Series[pd.Timestamp], catalogue: Catalogue
) -> pd.Series[pd.Timestamp]:
    """Return on which day to look up what `name` meant on each of `days`.

    That is the first of them, if it meant the same on the last: to look up each takes a second.
    """
    first, last = days.min(), days.max()
    if pd.isna(first):
        return days
    try:
        meant = {catalogue.subject(name, day.date()) for day in (first, last)}
    except UnknownSubjectError:
        return days
    return days.mask(days.notna(), first) if len(meant) == 1 else days


def _days(
    rows: pd.DataFrame, reading: Reading, now: dt.datetime, problems: Problems
) -> pd.DataFrame:
    """Add the UTC day that each value speaks of, which must be over."""
    dates = rows["day"]
    if reading.stamp == "open":
        has_none = ~rows["nature"].isin(AT_AN_INSTANT) & ~rows["series"].duplicated()
        problems.add_rows(
            rows,
            has_none,
            "measure",
            lambda row: (
                f"{row['measure']} is a {row['nature']} over a day, which has no value at "
                "00:00 that could be the day before's; import it with --stamp close"
            ),
        )
        dates = dates - ONE_DAY
    today, filled = pd.Timestamp(now.date()), rows["text"] != ""
    problems.add_rows(
        rows,
        filled & (dates >= today),
        "date",
        lambda row: (
            f"{row['day']:%Y-%m-%d} is not over (it is {now:%Y-%m-%d %H:%M} UTC); only "
            "days that are over have a close"
        ),
    )
    problems.add_rows(
        rows,
        dates < EARLIEST,
        "date",
        lambda row: f"{row['day'].date()} is before {EARLIEST.date()}; is the year right?",
    )
    return rows.assign(date=dates)


def _statements(rows: pd.DataFrame, reading: Reading, problems: Problems) -> pd.DataFrame:
    """Fill in kind, source and period where neither the row nor the caller gave them."""
    kinds = _or(_or(rows["kind"], reading.kind), "self-reported")
    is_vendors = (rows["kind"] == "") & (rows["nature"] == "price") & (not reading.kind)
    kinds = kinds.mask(is_vendors, "vendor")
    problems.add_rows(
        rows, ~kinds.isin(KINDS), "kind", lambda row: _unknown("kind", row["kind"], KINDS)
    )
    stems = rows["file"].map({name: Path(name).stem for name in rows["file"].unique()})
    sources = _or(rows["source"], reading.source)
    periods = _or(rows["period_days"], "1")
    is_period = periods.str.fullmatch(r"[1-9]\d{0,2}")
    problems.add_rows(
        rows,
        ~is_period,
        "period_days",
        lambda row: f"{row['period_days']!r} is not a number of days from 1 to 999",
    )
    return rows.assign(
        kind=kinds,
        source=sources.mask(sources == "", stems),
        period_days=periods.where(is_period, "1").astype(int),
    )


def _or(texts: pd.Series[str], otherwise: str) -> pd.Series[str]:
    return texts.mask(texts == "", otherwise)


def _values(rows: pd.DataFrame, problems: Problems) -> pd.DataFrame:
    """Add the number that each cell holds, which its measure must allow; NaN for an empty one."""
    values, filled = _cells.to_numbers(rows["text"]), rows["text"] != ""
    rows = rows.assign(value=values)
    is_number = values.abs() < float("inf")  # also false for NaN
    problems.add_rows(
        rows, filled & ~is_number, "value", lambda row: _cells.why_no_number(row["text"])
    )
    too_low = (values < rows["low"]) | (rows["exclusive_low"] & (values == rows["low"]))
    too_high = values > rows["high"]
    problems.add_rows(rows, is_number & (too_low | too_high), "value", _why_out_of_bounds)
    highest = pd.Series(HIGHEST, rows.index).mask(rows["nature"] == "price", HIGHEST_PRICE_USD)
    problems.add_rows(
        rows,
        is_number & (values.abs() > highest),
        "value",
        lambda row: f"{row['text']} {row['unit']} is absurd for {row['measure']}",
    )
    return rows


def _why_out_of_bounds(row: pd.Series) -> str:
    low, high, text = row["low"], row["high"], row["text"]
    if row["unit"] == "fraction" and 1 < row["value"] <= 100:
        return (
            f"{text} is out of bounds: a fraction from 0 to 1; {text} % is {row['value'] / 100:g}"
        )
    lowest = f"above {low:g}" if row["exclusive_low"] else f"at least {low:g}"
    accepted = [lowest] if pd.notna(low) else []
    accepted += [f"at most {high:g}"] if pd.notna(high) else []
    return f"{text} is out of bounds: {row['measure']} is {' and '.join(accepted)}"


def _knowledge(
    rows: pd.DataFrame, reading: Reading, now: dt.datetime, problems: Problems
) -> pd.DataFrame:
    """Add when each value was known, and refuse two that were stated at once of the same day."""
    stated = _or(rows["known_at"], reading.known_at)
    known, wrong = _cells.known_at(stated, rows["date"], now)
    rows = rows.assign(stated=stated, known_at=known)
    problems.add_rows(rows, stated.isin([*wrong]), "known_at", lambda row: wrong[row["stated"]])
    ends = (rows["date"] + ONE_DAY).dt.tz_localize("UTC")
    is_over = rows["date"] < pd.Timestamp(now.date())  # else the day itself was refused
    problems.add_rows(
        rows,
        (rows["text"] != "") & is_over & (known < ends),
        "known_at",
        lambda row: (
            f"{row['stated']}: nobody knew {row['series']} of {row['date']:%Y-%m-%d} "
            "before that day was over"
        ),
    )
    key = ["series", "source", "date", "known_at"]
    values = rows[rows["text"] != ""]
    again = values.duplicated(key)
    first = values.drop_duplicates(key).set_index(key)[["file", "row", "column"]]
    problems.add_rows(
        values,
        again,
        "date",
        lambda row: (
            f"a second value of {row['series']} for {row['date']:%Y-%m-%d}; the first is "
            "in {file}, row {row}, column {column!r}".format(**first.loc[tuple(row[key])])
        ),
    )
    return rows
