"""The shapes that a file may have, each unfolded to one row a value.

Wide: `date`, then one column a subject. Tidy: `date, subject, measure, value` and more. One
subject: `date` and one column that was named.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from research.catalogue import Catalogue, UnknownSubjectError
from research.sources._cells import Problems, to_days, why_no_day
from research.sources._sheets import Sheet

TIDY = ("date", "subject", "measure", "value")
OPTIONAL = ("unit", "kind", "source", "known_at", "period_days")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a file does not say about itself.

    `stamp` tells what a day's label means. `close`: the value at the end of that day, or within
    it. `open`: the value at 00:00 UTC of that day, which is the close of the day before.
    """

    measure: str | None = None  # unless the rows name theirs
    subject: str | None = None  # of a file about one subject
    column: str | None = None  # that holds its values; needed where there are several
    stamp: Literal["open", "close"] = "close"
    known_at: str = ""  # an ISO date or instant, `day-end`, or empty: now
    source: str = ""  # empty: the file's name without its ending
    kind: str = ""  # empty: vendor for prices, else self-reported


def unfold(
    sheet: Sheet, reading: Reading, catalogue: Catalogue, problems: Problems
) -> pd.DataFrame | None:
    """Return one row a value: its place in the file, its day, its text and what is said of it.

    The columns are file, row, column, is_tidy, day, subject, measure, text and the optional ones
    of a tidy file; all are texts but the first four. Without a usable header: None.
    """
    cells, before = sheet.cells.rename(columns=_field), problems.count
    columns = [name for name in cells.columns if name != "date"]
    is_tidy = reading.subject is None and bool({"subject", "value"} & set(columns))
    if "date" not in cells.columns:
        problems.add(sheet.name, f"no column 'date'; there are {', '.join(columns)}", row=1)
    elif is_tidy:
        _check_tidy(sheet.name, columns, reading, problems)
    elif reading.measure is None:
        problems.add(sheet.name, "the file does not say of what; add --measure", row=1)
    elif reading.subject is not None:
        columns = _check_one(sheet.name, columns, reading, problems)
    else:
        _check_wide(sheet.name, columns, catalogue, problems)
    if problems.count > before:
        return None
    if is_tidy:
        rows = cells.reindex(columns=[*TIDY, *OPTIONAL], fill_value="").assign(column="value")
        rows = rows.rename(columns={"value": "text"}).reset_index(names="row")
    else:
        rows = cells[["date", *columns]].reset_index(names="row")
        rows = rows.melt(["row", "date"], var_name="column", value_name="text")
        rows = rows.assign(subject=reading.subject or rows["column"], measure=reading.measure)
        rows[list(OPTIONAL)] = ""
    days = to_days(cells["date"])
    for row, text in cells["date"][days.isna()].items():
        problems.add(sheet.name, why_no_day(text), row=int(str(row)), column="date")
    return rows.assign(file=sheet.name, is_tidy=is_tidy, day=rows["row"].map(days))


def _field(name: str) -> str:
    """Return the name of a tidy file's column, or of `date`, in small letters."""
    return name.casefold() if name.casefold() in (*TIDY, *OPTIONAL) else name


def _check_tidy(file: str, columns: list[str], reading: Reading, problems: Problems) -> None:
    accepted = f"a tidy file has {', '.join(TIDY)} and, if wanted, {', '.join(OPTIONAL)}"
    for name in sorted({*TIDY} - {*columns, "date"}):
        problems.add(file, f"missing; {accepted}", row=1, column=name)
    for name in columns:
        if name not in (*TIDY, *OPTIONAL):
            problems.add(file, f"unknown; {accepted}", row=1, column=name)
    if reading.measure is not None:
        problems.add(file, "each row names its measure; leave out --measure", row=1)


def _check_one(file: str, columns: list[str], reading: Reading, problems: Problems) -> list[str]:
    """Return the one column that holds the values."""
    wanted = columns
    if reading.column is not None:
        wanted = [name for name in columns if name.casefold() == reading.column.casefold()]
        if not wanted:
            problems.add(
                file, f"no column {reading.column!r}; there are {', '.join(columns)}", row=1
            )
    elif len(wanted) != 1:
        problems.add(file, f"which column? add --column, one of {', '.join(columns)}", row=1)
    return wanted


def _check_wide(file: str, columns: list[str], catalogue: Catalogue, problems: Problems) -> None:
    unknown = {}
    for name in columns:
        try:
            catalogue.subject(name)
        except UnknownSubjectError as refused:
            unknown[name] = str(refused)
    if len(unknown) == 1:
        [(name, reason)] = unknown.items()
        hint = "" if columns[1:] else "; if the file is about one of them, add --subject"
        problems.add(file, reason + hint, row=1, column=name)
    elif unknown:
        problems.add(
            file,
            f"columns {', '.join(unknown)}: no network, factor or GPU has such a name; if the file "
            "is about one of them, add --subject and --column, such as --subject AKT --column "
            f"{'close' if 'close' in unknown else next(iter(unknown))}",
            row=1,
        )
    if not columns:
        problems.add(file, "no column beside 'date'", row=1)
