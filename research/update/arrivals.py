"""What an upstream told, row by row: an observation, or refused with the reason why."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from research.catalogue import Catalogue, Upstream
from research.frames import ONE_DAY, Observations, conform

REFUSED = ["series", "source", "date", "value", "reason"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Arrived:
    """Observations to store, and the rows that cannot be true (columns `REFUSED`)."""

    rows: pd.DataFrame
    refused: pd.DataFrame


def arrive(
    told: pd.DataFrame, *, series: str, upstream: Upstream, known: Catalogue, now: dt.datetime
) -> Arrived:
    """Make observations of what an upstream told.

    Parameters
    ----------
    told : `date` and `value`; `series`, `period_days` and `kind` where they are not as usual
    series : what the rows are of, unless they say otherwise
    now : since when they are known
    """
    rows = told.reset_index(drop=True).assign(source=upstream.id)
    usual: dict[str, str | int] = {"series": series, "period_days": 1, "kind": upstream.kind}
    for column, value in usual.items():
        if column not in rows:
            rows[column] = value
    reasons = pd.Series("", index=rows.index, dtype="object")
    units = pd.Series("", index=rows.index, dtype="object")
    for name, of_series in rows.groupby("series"):
        place = of_series.index
        units[place], reasons[place] = _judge(of_series["value"], str(name), known)
    today = pd.Timestamp(now.astimezone(dt.UTC).date())
    reasons[(reasons == "") & (rows["date"] + ONE_DAY > today)] = "its day is not over"
    is_right = reasons == ""
    right = rows[is_right].assign(unit=units[is_right], known_at=pd.Timestamp(now).as_unit("us"))
    if not right.empty:
        right = conform(right, Observations)
    return Arrived(rows=right, refused=rows.assign(reason=reasons).loc[~is_right, REFUSED])


def _judge(values: pd.Series, series: str, known: Catalogue) -> tuple[str, np.ndarray]:
    """Return the unit of a series, and of each value why it cannot be true: empty if it can."""
    subject, _, name = series.partition(".")
    measure = known.measures.get(name)
    if measure is None or known.kind_of(subject) not in measure.applies_to:
        return "", np.full(len(values), "no such series in the catalogue", dtype=object)
    low = -np.inf if measure.low is None else measure.low
    high = np.inf if measure.high is None else measure.high
    is_low = (values <= low) if measure.exclusive_low else (values < low)
    is_true = np.isfinite(values) & ~is_low & (values <= high)
    above = f"above {low:g}" if measure.exclusive_low else f"{low:g} or more"
    accepted = above if np.isinf(high) else f"{above}, {high:g} or less"
    reason = f"out of bounds, {accepted} {measure.unit}"
    return measure.unit, np.where(is_true, "", reason).astype(object)
