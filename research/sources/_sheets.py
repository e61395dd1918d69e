"""A file as a table of texts: CSV and Parquet read alike, each row with its spreadsheet number."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from research.sources._cells import Problems

FIRST_ROW = 2  # a spreadsheet's row 1 is the header
PARQUET = (".parquet", ".pq")


class UnreadableError(ValueError):
    """A file is not what its name says, or is empty."""


@dataclass(frozen=True, eq=False)
class Sheet:
    """The cells of one file; an empty cell is an empty text."""

    name: str
    cells: pd.DataFrame  # index: the row's number; columns: the header


def read_sheet(path: Path, problems: Problems) -> Sheet | None:
    """Return the cells of a CSV or Parquet file, or note why it has none."""
    try:
        data = path.read_bytes()
        is_parquet = path.suffix.lower() in PARQUET
        header, rows = _parquet(data) if is_parquet else _csv(data)
    except UnreadableError as refused:
        problems.add(str(path), str(refused))
        return None
    except IsADirectoryError:
        problems.add(str(path), "a folder; name the files in it")
        return None
    except OSError as refused:
        problems.add(str(path), refused.strerror or str(refused))
        return None
    before = problems.count
    for name, count in Counter(name.casefold() for name in header).items():
        if not name:
            problems.add(str(path), f"{count} column without a name; name it or take it out", row=1)
        elif count > 1:
            problems.add(str(path), f"{count} columns of this name", row=1, column=name)
    numbered = {}
    for number, row in enumerate(rows, FIRST_ROW):
        if not any(row):
            continue
        if len(row) != len(header):
            problems.add(
                str(path), f"{len(row)} cells, but the header has {len(header)}", row=number
            )
        numbered[number] = row
    if not numbered:
        problems.add(str(path), "no rows under the header")
    if problems.count > before:
        return None
    cells = pd.DataFrame.from_dict(numbered, orient="index", columns=header, dtype="str")
    return Sheet(str(path), cells)


def _csv(data: bytes) -> tuple[list[str], list[list[str]]]:
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise UnreadableError("an Excel workbook; save it as CSV (UTF-8)")
    if data.startswith(b"PAR1"):
        raise UnreadableError("a Parquet file; give it a name that ends in .parquet")
    try:
        text = data.decode("utf-8-sig")  # Excel puts a mark before the first column's name
    except UnicodeDecodeError as refused:
        raise UnreadableError(
            f"not UTF-8 text (byte {data[refused.start]:#04x} at {refused.start}); "
            "save it as CSV (UTF-8)"
        ) from refused
    if "\0" in text:
        raise UnreadableError("not a text file; CSV (UTF-8) or Parquet is needed")
    if not text.strip():
        raise UnreadableError("the file is empty")
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        stripped = [[cell.strip() for cell in row] for row in rows]
    except csv.Error as refused:
        raise UnreadableError(f"not CSV, line {rows.line_num}: {refused}") from refused
    header = stripped[0]
    if len(header) == 1 and (found := [mark for mark in ";\t|" if mark in header[0]]):
        raise UnreadableError(f"separated by {found[0]!r}; a comma is needed")
    return header, stripped[1:]


def _parquet(data: bytes) -> tuple[list[str], list[list[str]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not data:
        raise UnreadableError("the file is empty")
    try:
        table = pq.read_table(io.BytesIO(data))
    except (pa.ArrowException, OSError) as refused:
        raise UnreadableError(f"not a Parquet file ({refused})") from refused
    columns = [[_text(value) for value in column.to_pylist()] for column in table.columns]
    rows: Iterator[tuple[str, ...]] = zip(*columns, strict=True)
    return [name.strip() for name in table.column_names], [list(row) for row in rows]


def _text(value: object) -> str:
    """Write a cell as CSV would: a float with all its digits, a day or instant as ISO."""
    if value is None:
        return ""
    isoformat = getattr(value, "isoformat", None)
    return str(isoformat() if isoformat else value).strip()
