"""Has the link been the same all along? Halves, rolling windows with their null band, breaks.

References
----------
Bai and Perron (1998), Econometrica 66, 47-78. Ploberger and Kraemer (1992), Econometrica 60,
271-285: the CUSUM of least-squares residuals.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
import ruptures
from numpy.typing import NDArray
from statsmodels.stats.diagnostic import breaks_cusumolsresid

from research.models.demand._shown import Shown
from research.models.demand.innovations import rank
from research.models.demand.power import FEWEST, require

Array = NDArray[np.float64]

WINDOW = 52  # weeks
N_NULL = 400  # shuffled worlds for the null band
MAX_BREAKS = 3
MIN_SEGMENT, MIN_SEGMENT_SHARE = 15, 0.15


@dataclass(frozen=True, kw_only=True, eq=False)
class Stability(Shown):
    """How constant the association has been."""

    share_same_sign: float | None  # of rolling windows that have the sign of the whole
    halves: tuple[float, float]  # rank correlation in the first and second half
    rolling: pd.DataFrame  # index last day; rho, null_low, null_high
    breaks: tuple[dt.date, ...]  # first day after each break in the mean product, by BIC
    cusum: float  # largest deviation of the running sum of residuals
    cusum_pvalue: float
    nobs: int


def stability(
    price_innovations: pd.Series[float],
    demand_innovations: pd.Series[float],
    *,
    window: int = WINDOW,
    seed: int = 0,
) -> Stability:
    """Look at the association in parts of the sample.

    The null band holds, at each date, 95 % of the rolling correlations of weeks paired at random:
    a window outside it would be remarkable by itself, a line of windows inside is not.

    Raises
    ------
    InsufficientDataError : fewer than 80 pairs
    """
    both = pd.concat([demand_innovations, price_innovations], axis=1).dropna()
    require("stability", len(both), FEWEST["breaks"])
    a, b = (rank(x) for x in both.to_numpy().T)
    rho, share, halves = _constancy(a, b, window)
    rng = np.random.default_rng(seed)
    shuffled = rng.permuted(np.tile(b, (N_NULL, 1)), axis=1)
    low, high = np.quantile(rolling_correlation(a, shuffled, window), [0.025, 0.975], axis=0)
    x, y = ((v - v.mean()) / v.std() for v in (a, b))
    residuals = y - np.mean(x * y) * x
    cusum, cusum_pvalue, _ = breaks_cusumolsresid(residuals * x, ddof=1)
    days = both.index[find_breaks(x * y)]
    return Stability(
        share_same_sign=share,
        halves=halves,
        rolling=pd.DataFrame(
            {"rho": rho, "null_low": low, "null_high": high}, index=both.index[window - 1 :]
        ),
        breaks=tuple(day.date() for day in pd.DatetimeIndex(days)),
        cusum=float(cusum),
        cusum_pvalue=float(cusum_pvalue),
        nobs=len(both),
    )


def constancy(
    price_innovations: pd.Series[float], demand_innovations: pd.Series[float]
) -> tuple[float, tuple[float, float]]:
    """Return the share of rolling windows with the sign of the whole, and both halves.

    Raises
    ------
    InsufficientDataError : fewer than 80 pairs
    """
    both = pd.concat([demand_innovations, price_innovations], axis=1).dropna()
    require("stability", len(both), FEWEST["breaks"])
    a, b = (rank(x) for x in both.to_numpy().T)
    _, share, halves = _constancy(a, b, WINDOW)
    return share, halves


def _constancy(a: Array, b: Array, window: int) -> tuple[Array, float, tuple[float, float]]:
    rho = rolling_correlation(a, b[None, :], window)[0]
    sign = np.sign(np.corrcoef(a, b)[0, 1])
    middle = len(a) // 2
    halves = (_correlation(a[:middle], b[:middle]), _correlation(a[middle:], b[middle:]))
    return rho, float(np.mean(np.sign(rho) == sign)), halves


class _Squares(ruptures.base.BaseCost):  # type: ignore[misc]
    """Sum of squares around the mean, from running sums: seven times as fast as the library's."""

    model = ""
    min_size = 1

    def fit(self, signal: Array) -> _Squares:
        """Take running sums of the signal, shape (n, 1)."""
        self.signal = signal
        x = signal[:, 0]
        self._sums = np.concatenate([[0.0], np.cumsum(x)]).tolist()
        self._squares = np.concatenate([[0.0], np.cumsum(x * x)]).tolist()
        return self

    def error(self, start: int, end: int) -> float:
        """Return the sum of squares of positions start to end - 1."""
        total = self._sums[end] - self._sums[start]
        squares: float = self._squares[end] - self._squares[start]
        return float(squares - total * total / (end - start))


def find_breaks(x: Array) -> list[int]:
    """Return the first position after each break in the mean; BIC chooses how many, at most 3."""
    n = len(x)
    shortest = max(MIN_SEGMENT, int(MIN_SEGMENT_SHARE * n))
    search = ruptures.Dynp(custom_cost=_Squares(), min_size=shortest, jump=1)
    search.fit(x.reshape(-1, 1))
    best: tuple[float, list[int]] = (math.inf, [])
    for n_breaks in range(min(MAX_BREAKS, n // shortest - 1) + 1):
        ends = search.predict(n_bkps=n_breaks) if n_breaks else [n]
        rss = sum(
            float(np.sum((x[i:j] - x[i:j].mean()) ** 2))
            for i, j in zip([0, *ends[:-1]], ends, strict=True)
        )
        criterion = n * math.log(max(rss, 1e-300) / n) + (2 * n_breaks + 1) * math.log(n)
        if criterion < best[0]:
            best = (criterion, ends[:-1])
    return best[1]


def rolling_correlation(a: Array, worlds: Array, window: int) -> Array:
    """Return moving correlations of `a` with rows of `worlds`, shape (n_rows, n_windows)."""
    a = a - a.mean()
    worlds = worlds - worlds.mean(axis=1, keepdims=True)

    def means(x: Array) -> Array:
        running = np.cumsum(np.concatenate([np.zeros((*x.shape[:-1], 1)), x], axis=-1), axis=-1)
        return np.asarray((running[..., window:] - running[..., :-window]) / window)

    ma, mb = means(a), means(worlds)
    covariance = means(a * worlds) - ma * mb
    variance = (means(a * a) - ma**2) * (means(worlds**2) - mb**2)
    return np.asarray(covariance / np.sqrt(np.maximum(variance, 1e-300)))


def _correlation(a: Array, b: Array) -> float:
    return float(np.corrcoef(rank(a), rank(b))[0, 1])
