"""By how much: percent of price for one percent of demand."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.diagnostic import acorr_breusch_godfrey

from research.models.demand._shown import Shown
from research.models.demand.newey_west import bandwidth
from research.models.demand.power import FEWEST, require

MAX_AR = 4  # weeks of the price's own past that may be added
CLEAN = 0.10  # p-value from which on residuals count as free of serial correlation


@dataclass(frozen=True, kw_only=True, eq=False)
class Elasticity(Shown):
    """Of a token's price to demand, on the transformed scale of demand."""

    beta: float  # % of price per 1 % of demand
    std_error: float  # HAC, same unit
    low: float  # 95 % interval
    high: float
    pvalue: float
    nobs: int
    lag: int  # periods by which demand leads
    bandwidth: int  # of the HAC standard error, periods
    ar_lags: int  # own lags of the price that were needed


def fit_elasticity(
    price_growth: pd.Series[float],
    demand_growth: pd.Series[float],
    factors: pd.DataFrame | None = None,
    *,
    lag: int = 0,
) -> Elasticity:
    """Regress log returns on the growth of demand `lag` periods earlier, beside the factors.

    Own lags are added until Breusch and Godfrey find no serial correlation at 10 %.

    Raises
    ------
    InsufficientDataError : fewer than 52 periods
    """
    own = {f"lag {k}": price_growth.shift(k) for k in range(1, MAX_AR + 1)}
    frame = pd.concat({"price": price_growth, "demand": demand_growth.shift(lag), **own}, axis=1)
    names = [] if factors is None else list(map(str, factors.columns))
    if factors is not None:
        frame = pd.concat([frame, factors], axis=1)
    frame = frame.dropna().assign(const=1.0)
    require("elasticity", len(frame), FEWEST["association"])
    for ar_lags in range(MAX_AR + 1):
        columns = ["demand", *names, *list(own)[:ar_lags], "const"]
        model = OLS(frame["price"], frame[columns])
        plain = model.fit()
        if (
            ar_lags == MAX_AR
            or acorr_breusch_godfrey(plain, nlags=MAX_AR, result_object=True)[1] > CLEAN
        ):
            break
    scores = frame[columns[:-1]].mul(plain.resid, axis=0).to_numpy()
    lags = min(math.ceil(bandwidth(scores)), len(frame) // 4)
    fit = model.fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True}, use_t=True)
    beta, error = float(fit.params["demand"]), float(fit.bse["demand"])
    half = float(t.ppf(0.975, fit.df_resid)) * error
    return Elasticity(
        beta=beta, std_error=error, low=beta - half, high=beta + half,
        pvalue=float(np.asarray(fit.pvalues["demand"])), nobs=len(frame), lag=lag,
        bandwidth=lags, ar_lags=ar_lags,
    )  # fmt: skip
