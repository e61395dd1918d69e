"""Who goes first? Correlation of innovations at every lead and lag, with honest bands.

The usual bands of +-1.96 / sqrt(n) are wrong where volatility is shared, and among many lags
chance always finds one; each lag has its HC3 p-value, corrected for all of them together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from research.models.demand._shown import Shown
from research.models.demand.association import paired
from research.models.demand.innovations import hc3_slope, pre_whiten, rank
from research.models.demand.multiplicity import by_qvalues
from research.models.demand.power import FEWEST, require

SIGNIFICANT = 0.05


@dataclass(frozen=True, kw_only=True, eq=False)
class LeadLag(Shown):
    """Rank correlations of innovations; a positive lag: demand leads the price."""

    table: pd.DataFrame  # index lag [weeks]; rho, tstat, pvalue, qvalue, low, high, nobs
    peak_lag: int | None  # smallest q among those below 0.05
    naive_band: float  # 1.96 / sqrt(n), for comparison


def lead_lag(
    price_growth: pd.Series[float], demand_growth: pd.Series[float], *, max_lag: int = 8
) -> LeadLag:
    """Correlate the price's innovations with demand's `lag` weeks before, -max_lag to max_lag.

    Raises
    ------
    InsufficientDataError : fewer than 52 pairs at some lag
    """
    price, demand = pre_whiten(price_growth), pre_whiten(demand_growth)
    z = norm.ppf(0.975)
    rows = []
    for lag in range(-max_lag, max_lag + 1):
        a, b = paired(price, demand, lag)
        require(f"lead and lag at {lag} weeks", len(a), FEWEST["association"])
        test = hc3_slope(rank(a), rank(b))
        half = z * abs(test.slope / test.tstat) if test.tstat else math.nan
        rows.append(
            {
                "lag": lag, "rho": test.slope, "tstat": test.tstat, "pvalue": test.pvalue,
                "low": max(-1.0, test.slope - half), "high": min(1.0, test.slope + half),
                "nobs": len(a),
            }
        )  # fmt: skip
    table = pd.DataFrame(rows).set_index("lag")
    table["qvalue"] = by_qvalues(table["pvalue"].to_numpy())
    found = table[table["qvalue"] < SIGNIFICANT]
    return LeadLag(
        table=table,
        peak_lag=None if found.empty else int(str(found["pvalue"].idxmin())),
        naive_band=float(z / np.sqrt(table["nobs"].max())),
    )
