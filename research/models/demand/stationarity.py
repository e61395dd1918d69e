"""Does a series wander? Two tests with opposite null hypotheses, read together.

References
----------
Dickey and Fuller (1979); Kwiatkowski, Phillips, Schmidt and Shin (1992), Journal of Econometrics
54, 159-178; Zivot and Andrews (1992); Dickey and Pantula (1987): differences are tested first.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from statsmodels.regression.linear_model import OLS
from statsmodels.tools.sm_exceptions import InterpolationWarning
from statsmodels.tsa.stattools import adfuller, kpss, zivot_andrews

from research.models.demand._shown import Shown
from research.models.demand.innovations import name_of, require_variation
from research.models.demand.power import require

Trend = Literal["c", "ct"]
LEVEL = 0.05
TREND_T = 2.0  # t-value of the drift from which on a level is tested around a trend
KPSS_BOUNDS = {0.01: "< 0.01", 0.10: "> 0.10"}  # the table of p-values ends there


@dataclass(frozen=True, kw_only=True, eq=False)
class Stationarity(Shown):
    """Of which order a series is integrated, and how the tests read."""

    name: str
    trend: Trend
    adf: float  # of the level
    adf_pvalue: float
    kpss: float
    kpss_pvalue: str  # as text: the table is cut at 0.01 and 0.10
    adf_growth: float  # of the difference
    adf_growth_pvalue: float
    zivot_andrews: float | None  # where the two tests disagree about a break
    order: Literal[0, 1, 2] | None  # None: the tests cannot tell
    reading: str
    nobs: int


def order_of_integration(level: pd.Series[float]) -> Stationarity:
    """Test the difference first, then the level, and read both tests together.

    Raises
    ------
    InsufficientDataError : fewer than 52 weeks without a gap, or a series that hardly varies
    """
    require_variation(level)
    x = level.dropna().to_numpy(dtype=float)
    require(f"stationarity of {name_of(level)}", len(x), 52)
    growth = np.diff(x)
    drift = OLS(growth, np.ones(len(growth))).fit().tvalues[0]
    trend: Trend = "ct" if abs(drift) > TREND_T else "c"
    adf_growth, adf_growth_p = adf(growth, "c")
    adf_level, adf_level_p = adf(x, trend)
    kpss_level, kpss_p = kpss_test(x, trend)
    rejects_unit_root, rejects_stationary = adf_level_p < LEVEL, kpss_p < LEVEL
    broken = None
    order: Literal[0, 1, 2] | None
    if adf_growth_p >= LEVEL:
        order, reading = 2, "even its growth wanders: difference twice"
    elif rejects_unit_root and not rejects_stationary:
        order, reading = 0, "stationary"
    elif rejects_stationary and not rejects_unit_root:
        order, reading = 1, "wanders: only its growth may be compared"
    elif rejects_unit_root:
        broken = float(zivot_andrews(x, trim=0.15, regression=trend)[0])
        order, reading = 0, "stationary with a break, or with changing variance"
    else:
        order, reading = None, "order unclear, the tests lack power: growth is compared"
    return Stationarity(
        name=name_of(level), trend=trend, adf=adf_level, adf_pvalue=adf_level_p, kpss=kpss_level,
        kpss_pvalue=KPSS_BOUNDS.get(round(kpss_p, 10), f"{kpss_p:.3f}"), adf_growth=adf_growth,
        adf_growth_pvalue=adf_growth_p, zivot_andrews=broken, order=order, reading=reading,
        nobs=len(x),
    )  # fmt: skip


def adf(x: np.ndarray, trend: Trend, lags: int | None = None) -> tuple[float, float]:
    """Return the augmented Dickey-Fuller statistic and p-value; BIC chooses lags not given."""
    most = int(12 * (len(x) / 100) ** 0.25) if lags is None else lags
    found = adfuller(
        x, maxlag=most, regression=trend, autolag="BIC" if lags is None else None,
        result_object=True,
    )  # fmt: skip
    return float(found.statistic), float(found.pvalue)


def kpss_test(x: np.ndarray, trend: Trend, lags: int | None = None) -> tuple[float, float]:
    """Return the KPSS statistic and its p-value, which is cut at 0.01 and 0.10."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InterpolationWarning)  # told by the text of the p-value
        found = kpss(x, regression=trend, nlags="auto" if lags is None else lags,
                     result_object=True)  # fmt: skip
    return float(found.statistic), float(found.pvalue)
