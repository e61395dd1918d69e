"""Weeks around an event, beyond what the market did.

One event is one observation: the interval comes from the same window laid over the weeks before
the event, which keeps the dependence between weeks. It says how unusual the weeks were, not why.

References
----------
MacKinlay (1997), Journal of Economic Literature 35, 13-39: the market model.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from research.errors import InsufficientDataError
from research.models.demand._shown import Shown
from research.models.demand.power import FEWEST, require


@dataclass(frozen=True, kw_only=True, eq=False)
class EventStudy(Shown):
    """Cumulative abnormal return of a token around an event."""

    event: str
    kind: str
    date: dt.date
    car: float  # log points, from `window[0]` to `window[1]`
    low: float  # 95 %: the abnormal return minus what such windows vary by without an event
    high: float
    pvalue: float  # share of placebo windows at least as far from their mean
    estimation_nobs: int  # weeks before the event
    window: tuple[int, int]  # weeks relative to that of the event
    path: pd.DataFrame  # index week; car, low, high: the band is that of placebo windows


def event_study(
    price_growth: pd.Series[float],
    factors: pd.DataFrame,
    *,
    name: str,
    kind: str,
    date: dt.date,
    before: int = 4,
    after: int = 8,
) -> EventStudy:
    """Compare the weeks around an event with the market model of the weeks before.

    Parameters
    ----------
    factors : frame of shape (n_weeks, n_factors), log returns on the same weeks
    before, after : weeks of the window on each side of the event's week

    Raises
    ------
    InsufficientDataError : fewer than 52 weeks before the window, or the window is not whole
    """
    frame = pd.concat([price_growth.rename("y"), factors], axis=1).assign(const=1.0)
    ends = pd.DatetimeIndex(frame.index)
    week = int(ends.searchsorted(pd.Timestamp(date)))
    first, last = week - before, week + after
    inside = frame.iloc[max(first, 0) : last + 1].dropna()
    length = before + after + 1
    if len(inside) < length or first < 0:
        raise InsufficientDataError(
            f"event study of {name}: weeks around {date}", nobs=len(inside), required=length,
            unit="weeks",
        )  # fmt: skip
    past = frame.iloc[:first].dropna()
    require(f"event study of {name}", len(past), FEWEST["association"])
    design = past.drop(columns="y").to_numpy()
    beta = np.linalg.lstsq(design, past["y"].to_numpy(), rcond=None)[0]
    usual = past["y"].to_numpy() - design @ beta
    abnormal = inside["y"].to_numpy() - inside.drop(columns="y").to_numpy() @ beta
    windows = np.lib.stride_tricks.sliding_window_view(usual, length)
    paths = np.cumsum(windows, axis=1)
    car = np.cumsum(abnormal)
    low, high = np.quantile(paths, [0.025, 0.975], axis=0)
    centre = paths[:, -1].mean()
    as_far = np.sum(np.abs(paths[:, -1] - centre) >= abs(car[-1] - centre))
    return EventStudy(
        event=name,
        kind=kind,
        date=date,
        car=float(car[-1]),
        low=float(car[-1] - high[-1]),
        high=float(car[-1] - low[-1]),
        pvalue=float((1 + as_far) / (1 + len(paths))),
        estimation_nobs=len(past),
        window=(-before, after),
        path=pd.DataFrame(
            {"car": car, "low": low, "high": high},
            index=pd.RangeIndex(-before, after + 1, name="week"),
        ),
    )
