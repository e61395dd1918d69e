"""Price and demand side by side, week by week, without a look ahead.

References
----------
Working (1960), Econometrica 28, 916-918: why prices are never averaged over the week.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from research.errors import DataError, InsufficientDataError
from research.models.demand._shown import Shown
from research.models.demand.innovations import name_of, require_variation

Frequency = Literal["week", "month"]
Nature = Literal["flow", "stock", "ratio", "cumulative"]

RULE = {"week": "W-SUN", "month": "ME"}
PERIOD_DAYS = {"week": 7, "month": 28}  # fewest days that the period has
COVERED = 6 / 7  # of a period's days: with fewer of them a flow is missing
STALE_DAYS = 1  # how old the last value of a period may be on its last day
STALE_SESSION_DAYS = 4  # the same for what has no price on weekends and holidays
ZERO_SHARE = 0.05  # with more periods of zero demand there is no growth to speak of
CLIP = 0.005  # utilization is kept this far from 0 and 1 before the logit


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairs(Shown):
    """One network's price and demand on a common, complete grid of weeks (or months)."""

    frequency: Frequency
    price: pd.Series[float]  # USD, last close of the period
    demand: pd.Series[float]  # in its own unit: sum of a flow, last value of a stock
    price_level: pd.Series[float]  # ln of the price
    demand_level: pd.Series[float]  # transformed demand
    price_growth: pd.Series[float]  # log return
    demand_growth: pd.Series[float]  # difference of the transformed demand
    factors: pd.DataFrame  # (n_periods, n_factors), log returns
    transform: str  # of demand
    publication_lag_days: int  # after the end of a day until its figure is known
    lost: int  # periods between first and last without a pair of growths
    nobs: int  # periods with both growths and all factors

    @property
    def first(self) -> dt.date:
        """First period, by its last day."""
        return self.price.index[0].date()  # type: ignore[no-any-return]

    @property
    def last(self) -> dt.date:
        """Last period, by its last day."""
        return self.price.index[-1].date()  # type: ignore[no-any-return]

    @property
    def forecast_lag(self) -> int:
        """Periods from the demand of one to the first return that begins after it is known."""
        return 1 + math.ceil(self.publication_lag_days / PERIOD_DAYS[self.frequency])

    def since(self, day: dt.date) -> Pairs:
        """Return the pairs whose growth lies wholly after `day`."""
        return self.between(day, None)

    def between(self, first: dt.date | None, last: dt.date | None) -> Pairs:
        """Return the pairs of periods that begin after `first` and end before `last`."""
        ends = pd.DatetimeIndex(self.price.index)
        begins = ends.shift(-1)
        kept = np.ones(len(ends), dtype=bool)
        if first is not None:
            kept &= begins >= pd.Timestamp(first) - pd.Timedelta(days=1)
        if last is not None:
            kept &= ends < pd.Timestamp(last)
        series = {
            name: getattr(self, name)[kept]
            for name in ("price", "demand", "price_level", "demand_level", "price_growth",
                         "demand_growth", "factors")
        }  # fmt: skip
        whole = pd.concat(
            [series["price_growth"], series["demand_growth"], series["factors"]], axis=1
        )
        nobs = int(whole.notna().all(axis=1).sum())
        return Pairs(
            frequency=self.frequency, transform=self.transform, nobs=nobs,
            publication_lag_days=self.publication_lag_days, lost=len(whole) - nobs, **series,
        )  # fmt: skip


def align(
    price: pd.Series[float],
    demand: pd.Series[float],
    *,
    nature: Nature,
    factors: pd.DataFrame | None = None,
    sessions: tuple[str, ...] = (),
    frequency: Frequency = "week",
    publication_lag_days: int = 1,
) -> Pairs:
    """Bring daily price, demand and factors to weeks that end on Sunday, and take growth.

    Parameters
    ----------
    price : Series of shape (n_days,), closes in USD on UTC days, gaps allowed
    demand : Series of shape (m_days,), in its own unit; a figure of several days stands on the
        last of them
    nature : a flow is summed (with 6 of 7 days, rescaled), the others are taken at the end
    factors : frame of shape (k_days, n_factors), closes in USD
    sessions : the factors that trade on weekdays only
    frequency : of the result; demand known by the month needs "month"
    publication_lag_days : from the end of a day until its figure is known

    Raises
    ------
    DataError : a price is not positive, a demand is negative, or a share lies outside 0 to 1
    InsufficientDataError : price and demand share no two periods, or demand is zero too often
    """
    if (price <= 0).any() or (factors is not None and (factors <= 0).any(axis=None)):
        raise DataError("a price is zero or negative; import the file again")
    if nature == "cumulative":
        steps = demand.dropna().diff()
        demand = steps.where(steps.index.to_series().diff() == pd.Timedelta(days=1)).dropna()
        nature = "flow"
    if (demand < 0).any():
        raise DataError(f"{name_of(demand)}: a negative demand; import the file again")
    columns = {"price": _at_end(price, frequency, STALE_DAYS)}
    columns["demand"] = (
        _summed(demand, frequency) if nature == "flow" else _at_end(demand, frequency, STALE_DAYS)
    )
    frame = pd.DataFrame(columns)
    pairs_exist = frame.dropna()
    if len(pairs_exist) < 2:
        raise InsufficientDataError(
            f"{name_of(demand)} against {name_of(price)}",
            nobs=len(pairs_exist), required=2, unit=f"{frequency}s in common",
        )  # fmt: skip
    frame = frame.loc[pairs_exist.index[0] : pairs_exist.index[-1]].asfreq(RULE[frequency])
    returns = pd.DataFrame(
        {
            name: _ln(
                _at_end(series, frequency, STALE_SESSION_DAYS if name in sessions else STALE_DAYS)
            ).diff()
            for name, series in ({} if factors is None else factors).items()
        },
        index=frame.index,
    )
    demand_level, transform = _transformed(frame["demand"], nature, str(demand.name))
    price_level = _ln(frame["price"]).rename(str(price.name))
    price_growth, demand_growth = price_level.diff(), demand_level.diff()
    whole = pd.concat([price_growth, demand_growth, returns], axis=1).iloc[1:]
    nobs = int(whole.notna().all(axis=1).sum())
    return Pairs(
        frequency=frequency,
        price=frame["price"],
        demand=frame["demand"],
        price_level=price_level,
        demand_level=demand_level,
        price_growth=price_growth,
        demand_growth=demand_growth,
        factors=returns,
        transform=transform,
        publication_lag_days=publication_lag_days,
        lost=len(whole) - nobs,
        nobs=nobs,
    )


def _at_end(daily: pd.Series[float], frequency: Frequency, stale_days: int) -> pd.Series[float]:
    """Return the last value of each period if it is no older than that on its last day."""
    known = daily.dropna()
    if known.empty:
        return known
    last = known.groupby(pd.Grouper(freq=RULE[frequency]))
    values, days = last.last(), known.index.to_series().groupby(
        pd.Grouper(freq=RULE[frequency])
    ).last()  # fmt: skip
    age = (values.index.to_series() - days).dt.days
    return values.where(age <= stale_days)


def _summed(daily: pd.Series[float], frequency: Frequency) -> pd.Series[float]:
    """Return the sum of each period; a few missing days are made up for, more are not."""
    known = daily.dropna()
    if known.empty:
        return known
    steps = known.index.to_series().diff().dt.days
    step = 1.0 if steps.empty or pd.isna(steps.median()) else float(steps.median())
    periods = known.groupby(pd.Grouper(freq=RULE[frequency]))
    days = pd.DatetimeIndex(periods.sum().index)
    length = np.asarray(days.days_in_month if frequency == "month" else np.full(len(days), 7))
    expected = np.maximum(length / step, 1.0) if step < length.min() - 1 else np.ones(len(days))
    count = periods.count()
    return (periods.sum() * expected / count).where(count >= COVERED * expected - 1e-9)


def _transformed(
    demand: pd.Series[float], nature: Nature, name: str
) -> tuple[pd.Series[float], str]:
    """Return demand on the scale whose differences are growth, and that scale's name."""
    known = demand.dropna()
    require_variation(known.rename(name))
    if nature == "ratio":
        if (known > 1).any():
            raise DataError(f"{name}: a share above 1; give a fraction and not a percent")
        clipped = demand.clip(CLIP, 1 - CLIP)
        return _ln(clipped / (1 - clipped)), "logit"
    zeros = float((known == 0).mean())
    if zeros == 0:
        return _ln(demand), "ln"
    if zeros < ZERO_SHARE:
        scaled = demand / known[known > 0].median()
        return pd.Series(np.arcsinh(scaled), index=demand.index), "asinh of the ratio to its median"
    raise InsufficientDataError(
        f"{name}: growth",
        nobs=int((known > 0).sum()),
        required=math.ceil((1 - ZERO_SHARE) * len(known)),
        unit="periods above zero",
    )


def _ln(x: pd.Series[float]) -> pd.Series[float]:
    return pd.Series(np.log(x), index=x.index)
