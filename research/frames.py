"""The tables that travel between modules: what their columns are called, and what may be in them.

A day is a UTC day; its label is a midnight without a zone (`datetime64[ns]`), since it names a
day and not an instant. An instant, such as `known_at`, carries UTC.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal, get_args

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors
from pandera.typing import Index, Series

from research.errors import DataError
from research.imports import without

# If it is installed pandera imports dask's tables, which takes 0.7 s; on a worker of a cluster dask
# itself is there by now. Whoever asks pandera for its types later finds this module made already.
with without("dask"), without("dask.dataframe"):
    import pandera.typing.dask  # noqa: F401

Kind = Literal["on-chain", "vendor", "derived", "self-reported", "assumed", "simulated"]
KINDS: tuple[str, ...] = get_args(Kind)  # from the strongest evidence to the weakest

ONE_DAY = pd.Timedelta(days=1)
SUBJECT = r"[a-z0-9][a-z0-9-]*"
SERIES = rf"{SUBJECT}\.[a-z][a-z0-9_]*"  # subject.measure, such as akash.price_usd
SHOWN = 5  # problems that an error lists before it only counts

UtcDay = pd.Timestamp
Instant = Annotated[pd.DatetimeTZDtype, "us", "UTC"]


def weakest(kinds: Iterable[str]) -> str:
    """Return the weakest of `kinds`: what a figure made from all of them is worth."""
    return max(kinds, key=KINDS.index)


class Observations(pa.DataFrameModel):
    """One row an observation: what was said of a series on a day, by whom, known since when."""

    series: Series[str] = pa.Field(str_matches=rf"^{SERIES}$")
    date: Series[UtcDay]  # the last day that the value speaks of
    value: Series[float] = pa.Field(gt=-np.inf, lt=np.inf)  # a gap has no row
    unit: Series[str] = pa.Field(str_length={"min_value": 1})
    kind: Series[str] = pa.Field(isin=KINDS)
    source: Series[str] = pa.Field(str_length={"min_value": 1})
    known_at: Series[Instant]
    period_days: Series[int] = pa.Field(ge=1)  # 7 where the value speaks of a week up to `date`
    fetch_id: Series[str] | None = pa.Field()  # given by the store, one for each append

    class Config:
        """No column but these; each statement about a day once."""

        coerce = True
        strict = True
        unique = ("series", "source", "date", "known_at")

    @pa.check("date", error="a day is a midnight without a time")
    @classmethod
    def _is_midnight(cls, date: pd.Series[pd.Timestamp]) -> pd.Series[bool]:
        return date == date.dt.normalize()

    @pa.dataframe_check(error="known before its day was over", ignore_na=False)
    @classmethod
    def _is_known_after_its_day(cls, frame: pd.DataFrame) -> pd.Series[bool]:
        return frame["known_at"] >= (frame["date"] + ONE_DAY).dt.tz_localize("UTC")


class Wide(pa.DataFrameModel):
    """Days down, a quantity across; a day without a value is NaN."""

    date: Index[UtcDay] = pa.Field(unique=True, check_name=True)

    class Config:
        """Every column is of the one kind that the subclass names."""

        coerce = True
        strict = True

    @pa.check("date", error="days are midnights in ascending order")
    @classmethod
    def _is_calendar(cls, date: pd.Series[pd.Timestamp]) -> bool:
        return date.is_monotonic_increasing and bool((date == date.dt.normalize()).all())


class Prices(Wide):
    """Closes in USD at 24:00 UTC, one column a subject."""

    price_usd: Series[float] = pa.Field(
        alias=rf"^{SUBJECT}$", regex=True, gt=0, lt=np.inf, nullable=True
    )


class Panel(Wide):
    """Any measures side by side, one column a series."""

    value: Series[float] = pa.Field(
        alias=rf"^{SERIES}$", regex=True, gt=-np.inf, lt=np.inf, nullable=True
    )


def conform(frame: pd.DataFrame, schema: type[pa.DataFrameModel]) -> pd.DataFrame:
    """Return `frame` as `schema` describes it, or say what is wrong with it.

    Whole numbers become floats and days lose their zone, if that zone is UTC; nothing else changes.

    Raises
    ------
    DataError
        A column is missing or unknown, or a value cannot be.
    """
    try:
        return schema.validate(_without_zone(frame), lazy=True)
    except SchemaErrors as refused:
        raise DataError(_in_words(refused, schema.__name__)) from refused


def _without_zone(frame: pd.DataFrame) -> pd.DataFrame:
    index = frame.index
    if isinstance(index, pd.DatetimeIndex) and str(index.tz) == "UTC":
        return frame.set_axis(index.tz_localize(None))
    if "date" in frame and str(getattr(frame["date"].dtype, "tz", None)) == "UTC":
        return frame.assign(date=frame["date"].dt.tz_localize(None))
    return frame


def _in_words(refused: SchemaErrors, name: str) -> str:
    cases = refused.failure_cases
    of_columns = cases["check"].isin(["column_in_dataframe", "column_in_schema"])
    if of_columns.any():  # what else fails follows from it
        absent = cases["check"] == "column_in_dataframe"
        problems = [f"column {column!r} is missing" for column in cases["failure_case"][absent]]
        problems += [
            f"column {column!r} does not belong there"
            for column in cases["failure_case"][of_columns & ~absent]
        ]
    else:
        cases = cases.drop_duplicates(["check", "index"])  # one of a row's columns is enough
        problems = [
            f"{case.column}: {case.check}, found {case.failure_case!r}"
            + ("" if pd.isna(case.at) else f" at {case.at}")
            for case in cases.rename(columns={"index": "at"}).itertuples(index=False)
        ]
    more = [f"{len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
    return f"not a table of {name}: " + "; ".join(problems[:SHOWN] + more)
