"""What is new in a week: growth without its own past and without the market's part.

Two series that are persistent or share their volatility look related when they are not. The
tests of this package therefore run on innovations, with standard errors that allow for unequal
variance.

References
----------
Haugh (1976), Journal of the American Statistical Association 71, 378-385: pre-whitening.
Long and Ervin (2000), The American Statistician 54, 217-224: HC3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata, t

from research.errors import InsufficientDataError
from research.models.demand._shown import Shown

Array = NDArray[Any]

MAX_LAG = 4  # weeks: the longest autoregression that is tried
MIN_DISTINCT = 10  # fewer different values are a placeholder, not a measurement
WEEKS_PER_FACTOR = 15  # at least this many weeks for every factor taken out


@dataclass(frozen=True, kw_only=True, eq=False)
class Innovations(Shown):
    """What an autoregression of a series leaves unexplained."""

    series: pd.Series[float]  # on the series' own weeks; NaN where a lag is missing
    order: int  # lags of the autoregression, 0 to the longest tried
    nobs: int  # weeks with an innovation


class SlopeTest(NamedTuple):
    """A slope between two standardised series: their correlation, with an HC3 test of zero."""

    slope: float
    tstat: float
    pvalue: float
    leverage_max: float  # largest weight that one week has on its own fit, 0 to 1


def pre_whiten(x: pd.Series[float], max_lag: int = MAX_LAG) -> Innovations:
    """Return the innovations of the autoregression that BIC chooses, order 0 to `max_lag`.

    All orders are fitted on the same weeks, those whose `max_lag` predecessors all exist.

    Parameters
    ----------
    x : Series of shape (n_weeks,) on a complete weekly grid, gaps as NaN

    Raises
    ------
    InsufficientDataError : fewer than 10 usable weeks or fewer than 10 different values
    """
    require_variation(x)
    values = x.to_numpy(dtype=float)
    demeaned = values - np.nanmean(values)
    lags = np.column_stack([_shifted(demeaned, lag) for lag in range(max_lag + 1)])
    is_whole = np.isfinite(lags).all(axis=1)
    rows = lags[is_whole]
    nobs = len(rows)
    if nobs < max(MIN_DISTINCT, 2 * max_lag + 2):
        raise InsufficientDataError(
            f"{name_of(x)} freed of its own past",
            nobs=nobs,
            required=max(MIN_DISTINCT, 2 * max_lag + 2),
            unit=f"weeks right after {max_lag} whole weeks",
        )
    residuals = [_residuals(rows[:, 0], rows[:, 1 : order + 1]) for order in range(max_lag + 1)]
    criteria = [
        nobs * math.log(max(float(np.mean(e**2)), np.finfo(float).tiny)) + p * math.log(nobs)
        for p, e in enumerate(residuals)
    ]
    order = int(np.argmin(criteria))
    innovations = np.full(len(values), np.nan)
    innovations[is_whole] = residuals[order]
    return Innovations(
        series=pd.Series(innovations, index=x.index, name=x.name), order=order, nobs=nobs
    )


def partial_out(x: pd.Series[float], factors: pd.DataFrame) -> pd.Series[float]:
    """Return what the factors do not explain of `x`: residuals of least squares with a constant.

    Parameters
    ----------
    x : Series of shape (n_weeks,), growth
    factors : frame of shape (n_weeks, n_factors), log returns on the same weeks

    Raises
    ------
    InsufficientDataError : fewer than 15 weeks for every factor

    References
    ----------
    Frisch and Waugh (1933), Econometrica 1, 387-401; Lovell (1963).
    """
    if factors.shape[1] == 0:
        return x
    joint = pd.concat([x.rename("x"), factors], axis=1).reindex(x.index)
    rows = joint.dropna()
    required = WEEKS_PER_FACTOR * factors.shape[1]
    if len(rows) < required:
        raise InsufficientDataError(
            f"factor control of {name_of(x)} on {', '.join(map(str, factors.columns))}",
            nobs=len(rows),
            required=required,
            unit="weeks",
        )
    design = np.column_stack([np.ones(len(rows)), rows.iloc[:, 1:].to_numpy()])
    residuals = pd.Series(_residuals(rows["x"].to_numpy(), design), index=rows.index, name=x.name)
    return residuals.reindex(x.index)


def orthogonal(factors: pd.DataFrame, base: str) -> pd.DataFrame:
    """Return the factors with the others' co-movement with `base` taken out of eth and sol alike.

    Columns named in `ORTHOGONALISED` are replaced by their residuals on `base`; others stay.
    """
    out = factors.copy()
    for column in factors.columns:
        if column in ORTHOGONALISED and column != base and base in factors.columns:
            out[column] = partial_out(factors[column], factors[[base]])
    return out


ORTHOGONALISED = ("eth", "sol")  # they follow Bitcoin so closely that the rest is what they add


def hc3_slope(a: Array, b: Array) -> SlopeTest:
    """Regress standardised `b` on standardised `a` and a constant, with the HC3 standard error.

    The slope is the correlation; the test allows the variance to differ between weeks.

    Parameters
    ----------
    a, b : arrays of shape (n,), finite

    Raises
    ------
    InsufficientDataError : fewer than 10 pairs, or one of the two does not vary
    """
    n = len(a)
    if n < MIN_DISTINCT or np.ptp(a) == 0 or np.ptp(b) == 0:
        raise InsufficientDataError(
            "correlation: pairs that vary",
            nobs=n if n < MIN_DISTINCT else 1,
            required=MIN_DISTINCT,
            unit="weeks",
        )
    x, y = ((v - v.mean()) / v.std() for v in (a, b))
    slope = float(np.mean(x * y))
    leverage = (1 + x**2) / n
    scaled = (y - slope * x) / np.maximum(1 - leverage, np.finfo(float).eps)
    std_error = math.sqrt(float(np.sum((x * scaled) ** 2))) / n
    tstat = slope / std_error if std_error > 0 else math.copysign(math.inf, slope)
    return SlopeTest(slope, tstat, float(2 * t.sf(abs(tstat), n - 2)), float(leverage.max()))


def rank(x: Array) -> Array:
    """Return average ranks, 1 for the smallest."""
    return np.asarray(rankdata(x), dtype=float)


def require_variation(x: pd.Series[Any]) -> None:
    """Refuse a series that is constant or nearly so.

    Raises
    ------
    InsufficientDataError : fewer than 10 different values
    """
    if (n_distinct := x.nunique()) < MIN_DISTINCT:
        raise InsufficientDataError(
            f"{name_of(x)}", nobs=n_distinct, required=MIN_DISTINCT, unit="different values"
        )


def name_of(x: pd.Series[Any]) -> str:
    """Return the name of a series, for a sentence."""
    return "an unnamed series" if x.name is None else str(x.name)


def _shifted(values: Array, lag: int) -> Array:
    out = np.full(len(values), np.nan)
    out[lag:] = values[: len(values) - lag]
    return out


def _residuals(y: Array, design: Array) -> Array:
    if design.shape[1] == 0:
        return y
    coefficients, *_ = np.linalg.lstsq(design, y, rcond=None)
    return np.asarray(y - design @ coefficients, dtype=float)
