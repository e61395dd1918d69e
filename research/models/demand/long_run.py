"""Whether price and demand keep together, and which of the two closes the gap.

Three tests, because each has its blind side. Who adjusts is read from the error correction: if
demand closes the gap, the price leads.

References
----------
Engle and Granger (1987), Econometrica 55, 251-276. Johansen (1991), Econometrica 59, 1551-1580,
with the small-sample factor of Reinsel and Ahn (1992). Pesaran, Shin and Smith (2001), Journal of
Applied Econometrics 16, 289-326. Stock and Watson (1993), Econometrica 61, 783-820: the slope.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from arch.unitroot.cointegration import DynamicOLS
from statsmodels.tsa.ardl import UECM
from statsmodels.tsa.stattools import coint
from statsmodels.tsa.vector_ar.var_model import VAR
from statsmodels.tsa.vector_ar.vecm import VECM, coint_johansen

from research.errors import InfeasibleError
from research.models.demand._shown import Shown
from research.models.demand.power import FEWEST, require

LEVEL = 0.05
N_NEEDED = 2  # of the three tests
ADJUSTS_T = 2.0  # t-value from which on one is said to adjust
MAX_LAGS = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class LongRun(Shown):
    """Cointegration of the levels of price and demand, and who adjusts."""

    engle_granger_price: float  # t, price explained by demand
    engle_granger_price_pvalue: float
    engle_granger_demand: float  # t, demand explained by price
    engle_granger_demand_pvalue: float
    johansen_trace: float  # of no common trend, with the small-sample factor
    johansen_critical: float  # at 5 %
    bounds_price: float  # F, price dependent
    bounds_price_pvalues: tuple[float, float]  # if both are I(0), if both are I(1)
    bounds_demand: float  # F, demand dependent
    bounds_demand_pvalues: tuple[float, float]
    n_agreeing: int  # of the three tests, at 5 %
    cointegrated: bool  # at least two of them, and a slope above zero
    beta: float  # % of price per 1 % of demand, in the long run
    beta_std_error: float
    alpha_price: float  # share of the gap that the price closes in a period; negative corrects
    alpha_price_t: float
    alpha_demand: float  # of demand; positive corrects if beta is
    alpha_demand_t: float
    who_adjusts: Literal["price", "demand", "both", "neither"]
    lags: int  # differences in the error correction model
    nobs: int


def long_run(
    price_level: pd.Series[float],
    demand_level: pd.Series[float],
    *,
    required: int = FEWEST["long run"],
    lags: int | None = None,
) -> LongRun:
    """Test for a common trend of two wandering levels; gaps are not bridged but cut off.

    Parameters
    ----------
    price_level, demand_level : Series of shape (n_weeks,), logs
    required : fewest consecutive weeks
    lags : differences in Johansen's and the error correction model; by default BIC chooses

    Raises
    ------
    InsufficientDataError : fewer consecutive weeks than required
    InfeasibleError : one level is an exact function of the other
    """
    both = _unbroken(pd.DataFrame({"price": price_level, "demand": demand_level}))
    require("long run", len(both), required)
    if np.linalg.matrix_rank(both.to_numpy() - both.to_numpy().mean(axis=0)) < both.shape[1]:
        raise InfeasibleError("long run: one series is an exact function of the other")
    price, demand = both["price"].to_numpy(), both["demand"].to_numpy()
    eg = [coint(y, x, trend="c", autolag="bic") for y, x in ((price, demand), (demand, price))]
    k = lags if lags is not None else _differences(both)
    trace, critical = johansen_trace(both, k)
    bounds = [_bounds(both, name, k) for name in ("price", "demand")]
    agreeing = sum(
        [
            min(eg[0][1], eg[1][1]) < LEVEL,
            trace > critical,
            min(bounds[0][1][1], bounds[1][1][1]) < LEVEL,
        ]
    )
    slope = DynamicOLS(both["price"], both[["demand"]], trend="c").fit()
    fit = VECM(both.to_numpy(), k_ar_diff=k, coint_rank=1, deterministic="ci").fit()
    alpha, tvalues = fit.alpha[:, 0], fit.tvalues_alpha[:, 0]
    beta = float(slope.params["demand"])
    price_corrects = tvalues[0] < -ADJUSTS_T
    demand_corrects = abs(tvalues[1]) > ADJUSTS_T
    return LongRun(
        engle_granger_price=float(eg[0][0]),
        engle_granger_price_pvalue=float(eg[0][1]),
        engle_granger_demand=float(eg[1][0]),
        engle_granger_demand_pvalue=float(eg[1][1]),
        johansen_trace=trace,
        johansen_critical=critical,
        bounds_price=bounds[0][0],
        bounds_price_pvalues=bounds[0][1],
        bounds_demand=bounds[1][0],
        bounds_demand_pvalues=bounds[1][1],
        n_agreeing=agreeing,
        cointegrated=agreeing >= N_NEEDED and beta > 0,
        beta=beta,
        beta_std_error=float(slope.std_errors["demand"]),
        alpha_price=float(alpha[0]),
        alpha_price_t=float(tvalues[0]),
        alpha_demand=float(alpha[1]),
        alpha_demand_t=float(tvalues[1]),
        who_adjusts=_who(bool(price_corrects), bool(demand_corrects)),
        lags=k,
        nobs=len(both),
    )


def johansen_trace(both: pd.DataFrame, lags: int) -> tuple[float, float]:
    """Return the trace of no common trend, made smaller for small samples, and its bound."""
    found = coint_johansen(both, det_order=0, k_ar_diff=lags)
    n = len(both) - lags - 1
    factor = (n - both.shape[1] * (lags + 1)) / n
    return float(found.lr1[0] * factor), float(found.cvt[0, 1])


def _who(price: bool, demand: bool) -> Literal["price", "demand", "both", "neither"]:
    if price and demand:
        return "both"
    if price:
        return "price"
    return "demand" if demand else "neither"


def _unbroken(both: pd.DataFrame) -> pd.DataFrame:
    """Return the longest stretch without a gap, the later of equals."""
    is_whole = both.notna().all(axis=1)
    stretch = (~is_whole).cumsum()[is_whole]
    if stretch.empty:
        return both.iloc[:0]
    lengths = stretch.value_counts()
    best = max(lengths[lengths == lengths.max()].index)
    return both.reindex(stretch[stretch == best].index)


def _differences(both: pd.DataFrame) -> int:
    """Return the lagged differences that BIC of the levels chooses, at least one."""
    criteria = VAR(both.to_numpy()).select_order(MAX_LAGS + 1).selected_orders
    return max(1, int(criteria["bic"]) - 1)


def _bounds(both: pd.DataFrame, dependent: str, k: int) -> tuple[float, tuple[float, float]]:
    other = next(name for name in both if name != dependent)
    rows = both.reset_index(drop=True)
    model = UECM(rows[dependent], k, rows[[other]], k)
    found = model.fit().bounds_test(case=3)
    bounds = found.pvalue
    return float(found.statistic), (float(bounds["lower"]), float(bounds["upper"]))
