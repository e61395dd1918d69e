"""Do demand and price move together in the same week? The headline test.

Ranks of pre-whitened innovations, regressed on each other with HC3 standard errors. On data that
share their volatility, as all tokens do, this keeps its false-alarm rate; the usual tests do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.stats import kendalltau

from research.models.demand._shown import Shown
from research.models.demand.block_bootstrap import correlation_interval
from research.models.demand.innovations import Innovations, hc3_slope, pre_whiten, rank
from research.models.demand.power import (
    FEWEST,
    effective_sample,
    minimum_detectable_effect,
    require,
)

Kind = Literal["spearman", "pearson", "kendall"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Correlation(Shown):
    """One correlation of innovations."""

    kind: Kind
    rho: float  # -1 to 1
    nobs: int  # pairs of weeks
    low: float | None = None  # 95 % stationary-bootstrap interval
    high: float | None = None
    tstat: float | None = None  # HC3; None for Kendall's tau, which is descriptive
    pvalue: float | None = None
    leverage_max: float | None = None  # above 0.2 one week weighs too much


@dataclass(frozen=True, kw_only=True, eq=False)
class Association(Shown):
    """Contemporaneous association of price and demand growth."""

    spearman: Correlation  # the headline
    pearson: Correlation
    kendall: Correlation
    order_price: int  # autoregression taken out before the test
    order_demand: int
    nobs: int
    block_weeks: float | None  # mean block of the interval
    effective_nobs: float  # independent weeks that the growth rates are worth
    mde: float  # smallest correlation seen in 80 % of such samples


def associate(
    price_growth: pd.Series[float],
    demand_growth: pd.Series[float],
    *,
    seed: int = 0,
    n_replications: int = 9_999,
) -> Association:
    """Correlate the innovations of price and demand in the same week.

    Parameters
    ----------
    price_growth, demand_growth : Series of shape (n_weeks,) on one complete grid, gaps as NaN
    n_replications : of the bootstrap; 0 leaves the intervals out

    Raises
    ------
    InsufficientDataError : fewer than 52 pairs, or a series that hardly varies
    """
    price, demand = pre_whiten(price_growth), pre_whiten(demand_growth)
    a, b = paired(price, demand)
    require("association", len(a), FEWEST["association"])
    intervals = {
        kind: correlation_interval(a, b, kind=kind, n_replications=n_replications, seed=seed)
        for kind in ("spearman", "pearson")
        if n_replications
    }
    return Association(
        spearman=_tested("spearman", rank(a), rank(b), intervals),
        pearson=_tested("pearson", a, b, intervals),
        kendall=Correlation(kind="kendall", rho=float(kendalltau(a, b).statistic), nobs=len(a)),
        order_price=price.order,
        order_demand=demand.order,
        nobs=len(a),
        block_weeks=intervals["spearman"].block_weeks if intervals else None,
        effective_nobs=effective_sample(price_growth, demand_growth),
        mde=minimum_detectable_effect(len(a)),
    )


def headline_test(price_growth: pd.Series[float], demand_growth: pd.Series[float]) -> Correlation:
    """Return the headline test alone, without its interval: for simulations of its size."""
    a, b = paired(pre_whiten(price_growth), pre_whiten(demand_growth))
    return _tested("spearman", rank(a), rank(b), {})


def paired(price: Innovations, demand: Innovations, lag: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return demand's innovations `lag` weeks earlier and the price's, where both exist."""
    joint = np.column_stack([demand.series.shift(lag).to_numpy(), price.series.to_numpy()])
    joint = joint[np.isfinite(joint).all(axis=1)]
    return joint[:, 0], joint[:, 1]


def _tested(kind: Kind, a: np.ndarray, b: np.ndarray, intervals: dict) -> Correlation:  # type: ignore[type-arg]
    test = hc3_slope(a, b)
    interval = intervals.get(kind)
    return Correlation(
        kind=kind, rho=test.slope, nobs=len(a), tstat=test.tstat, pvalue=test.pvalue,
        leverage_max=test.leverage_max,
        low=None if interval is None else interval.low,
        high=None if interval is None else interval.high,
    )  # fmt: skip
