"""Would demand have helped to forecast the price? Only what was known then is used.

References
----------
Campbell and Thompson (2008), Review of Financial Studies 21, 1509-1531: R2 out of sample.
Clark and West (2007), Journal of Econometrics 138, 291-311: nested forecasts.
Pesaran and Timmermann (1992), Journal of Business and Economic Statistics 10, 461-465.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm, t

from research.models.demand._shown import Shown
from research.models.demand.power import FEWEST, require

Array = NDArray[np.float64]

FIRST_SHARE, FIRST_WEEKS = 0.6, 52  # of the sample that is learned from before the first forecast


@dataclass(frozen=True, kw_only=True, eq=False)
class OutOfSample(Shown):
    """The record of one-step forecasts, expanding window, against naive ones."""

    r2_mean: float  # share of squared error saved against the mean so far; negative: worse
    r2_zero: float  # against no change
    clark_west: float  # t; above 1.64 demand helps
    clark_west_pvalue: float  # one-sided
    direction_stat: float | None  # Pesaran and Timmermann's; None if all forecasts have one sign
    direction_pvalue: float | None  # one-sided
    nobs: int  # forecasts
    lag: int  # periods by which the demand that was used is older
    first_origin: dt.date
    record: pd.DataFrame  # index date; actual, model, mean: log returns


def predict(
    price_growth: pd.Series[float], demand_growth: pd.Series[float], *, lag: int = 1
) -> OutOfSample:
    """Forecast each return from demand's growth `lag` periods before, fitted on the past alone.

    Parameters
    ----------
    lag : at least the periods until demand is known

    Raises
    ------
    InsufficientDataError : fewer than 104 pairs
    """
    both = pd.concat([price_growth, demand_growth.shift(lag)], axis=1).dropna()
    n = len(both)
    require("out of sample", n, FEWEST["forecast"])
    y, x = both.to_numpy(dtype=float).T
    first = max(math.ceil(FIRST_SHARE * n), FIRST_WEEKS)
    model, mean = expanding(y, x, first)
    actual = y[first:]
    stat = clark_west(actual, model, mean)
    direction = pesaran_timmermann(actual, model)
    return OutOfSample(
        r2_mean=r2_out_of_sample(actual, model, mean),
        r2_zero=r2_out_of_sample(actual, model, np.zeros_like(actual)),
        clark_west=stat,
        clark_west_pvalue=float(t.sf(stat, len(actual) - 1)),
        direction_stat=direction,
        direction_pvalue=None if direction is None else float(norm.sf(direction)),
        nobs=len(actual),
        lag=lag,
        first_origin=pd.Timestamp(both.index[first]).date(),
        record=pd.DataFrame(
            {"actual": actual, "model": model, "mean": mean}, index=both.index[first:]
        ),
    )


def expanding(y: Array, x: Array, first: int) -> tuple[Array, Array]:
    """Return forecasts of y[first:] by regression on x and by the mean, each on rows before it."""
    counts = np.arange(1, len(y) + 1)
    sx, sy, sxx, sxy = (np.cumsum(v) for v in (x, y, x * x, x * y))
    past = slice(first - 1, -1)
    n, sx, sy, sxx, sxy = counts[past], sx[past], sy[past], sxx[past], sxy[past]
    slope = (sxy - sx * sy / n) / np.maximum(sxx - sx**2 / n, 1e-300)
    mean = sy / n
    return np.asarray(mean + slope * (x[first:] - sx / n)), np.asarray(mean)


def r2_out_of_sample(actual: Array, model: Array, benchmark: Array) -> float:
    """Return 1 - squared errors of the model over those of the benchmark."""
    return float(1 - np.sum((actual - model) ** 2) / np.sum((actual - benchmark) ** 2))


def clark_west(actual: Array, model: Array, benchmark: Array) -> float:
    """Return Clark and West's t for one-step forecasts of nested models."""
    adjusted = (actual - benchmark) ** 2 - ((actual - model) ** 2 - (benchmark - model) ** 2)
    return float(adjusted.mean() / (adjusted.std(ddof=1) / math.sqrt(len(adjusted))))


def pesaran_timmermann(actual: Array, model: Array) -> float | None:
    """Return the normal statistic of hitting the direction; None if one side has only one sign."""
    up, said = actual > 0, model > 0
    n, p, q = len(up), float(up.mean()), float(said.mean())
    if min(p, q) in (0.0, 1.0) or max(p, q) == 1.0:
        return None
    hit = float((up == said).mean())
    star = p * q + (1 - p) * (1 - q)
    variance = star * (1 - star) / n - (
        (2 * p - 1) ** 2 * q * (1 - q) / n
        + (2 * q - 1) ** 2 * p * (1 - p) / n
        + 4 * p * q * (1 - p) * (1 - q) / n**2
    )
    return (hit - star) / math.sqrt(variance) if variance > 0 else None
