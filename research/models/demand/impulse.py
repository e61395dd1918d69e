"""What follows a surprise in demand: the price's path in the weeks after.

References
----------
Jorda (2005), American Economic Review 95, 161-182: local projections.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.stats import norm
from statsmodels.regression.linear_model import OLS

from research.models.demand._shown import Shown
from research.models.demand.power import FEWEST, require

LAGS = 2  # weeks of both series' past that are held constant


@dataclass(frozen=True, kw_only=True, eq=False)
class ImpulseResponse(Shown):
    """Cumulative response of the price to growth of demand that its past does not explain."""

    table: (
        pd.DataFrame
    )  # index horizon [periods]; response, low, high: % of price per 1 % of demand
    shock: str
    method: Literal["local projection"]
    price_last: bool  # True: the price may answer within the same period
    nobs: int  # periods at the longest horizon


def impulse_response(
    price_growth: pd.Series[float],
    demand_growth: pd.Series[float],
    *,
    method: Literal["local projection"] = "local projection",
    horizon: int = 12,
    price_last: bool = True,
) -> ImpulseResponse:
    """Regress the return over the next h periods on demand's growth, both pasts held constant.

    Parameters
    ----------
    horizon : longest, periods
    price_last : False holds this period's return constant too, so that only later ones answer

    Raises
    ------
    InsufficientDataError : fewer than 80 periods at the longest horizon
    """
    rows = []
    for h in range(horizon + 1):
        ahead = pd.concat([price_growth.shift(-k) for k in range(h + 1)], axis=1).sum(
            axis=1, min_count=h + 1
        )
        past = {
            f"{name} {k}": series.shift(k)
            for name, series in (("price", price_growth), ("demand", demand_growth))
            for k in range(1, LAGS + 1)
        }
        if not price_last:
            past["price 0"] = price_growth
        frame = pd.concat({"ahead": ahead, "demand": demand_growth, **past}, axis=1)
        frame = frame.dropna().assign(const=1.0)
        require("impulse response", len(frame), FEWEST["granger"])
        fit = OLS(frame["ahead"], frame.drop(columns="ahead")).fit(
            cov_type="HAC", cov_kwds={"maxlags": h + 1, "use_correction": True}
        )
        half = float(norm.ppf(0.975)) * float(fit.bse["demand"])
        response = float(fit.params["demand"])
        rows.append((response, response - half, response + half))
    table = pd.DataFrame(rows, columns=["response", "low", "high"])
    return ImpulseResponse(
        table=table.rename_axis("horizon"),
        shock="demand",
        method=method,
        price_last=price_last,
        nobs=int(np.min([len(frame)])),
    )
