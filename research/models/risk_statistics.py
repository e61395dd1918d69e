"""What the risk grades are given for: one number an axis, from simulated paths.

Each is measured over 12 months, so that alternatives of any horizon are graded alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from research.errors import DataError, InsufficientDataError, UsageError
from research.models.resampling import CONFIDENCE, Interval, Seed, generator
from research.models.wealth import expected_shortfall, max_drawdown

Array = NDArray[Any]

MONTHS = 12
BINS = 20  # of the token's growth, equally full
MIN_PATHS = 5 * BINS
GROUPS = 10  # of paths, each large enough for the token's share of the variance


def market_risk(wealth: Array) -> float:
    """Return the mean loss in the worst 5 % of paths after 12 months.

    Parameters
    ----------
    wealth : (n_months + 1, n_paths) per dollar put in, at least 12 months

    Raises
    ------
    DataError : if there are fewer months
    """
    return expected_shortfall(_year(wealth, MONTHS + 1)[-1])


def drawdown_risk(wealth: Array) -> float:
    """Return the deepest fall within 12 months in the middle path, a positive number.

    Parameters
    ----------
    wealth : (n_months + 1, n_paths) per dollar put in, at least 12 months

    Raises
    ------
    DataError : if there are fewer months
    """
    return float(-np.median(max_drawdown(_year(wealth, MONTHS + 1)))) + 0.0  # no -0


def income_risk(net_usd: Array) -> float | None:
    """Return the standard deviation of 12 months' net income over its mean.

    None if the mean is zero or less: the ratio then says nothing.

    Parameters
    ----------
    net_usd : (n_months, n_paths) a month, at least 12 months

    Raises
    ------
    DataError : if there are fewer months
    """
    income = _year(net_usd, MONTHS).sum(axis=0)
    return float(income.std() / income.mean()) if income.mean() > 0 else None


def operations_risk(downtime: Array, failed: Array) -> float:
    """Return the mean share of the year down plus the chance of permanent failure.

    Parameters
    ----------
    downtime : (n_paths,) share of 12 months in which the rig could not be rented, in [0, 1]
    failed : (n_paths,) whether it failed for good within them
    """
    return float(np.mean(downtime) + np.mean(failed))


def payout_token_risk(wealth: Array, token: Array) -> float:
    """Return the share of the variance of a rig's wealth that goes with the token's price.

    The explained variance of a regression of wealth on the token's growth: a straight line of its
    own in each of 20 equally full bins, less what so many lines would explain of pure noise. Means
    of bins alone would miss most of it, for the growth of a token varies most within its top bin.
    What moves with the token, such as demand, is counted with it. A wealth or a token that does
    not vary has a share of 0.

    Parameters
    ----------
    wealth, token : (n_paths,) at the same month, on the same paths

    Raises
    ------
    InsufficientDataError : if there are fewer than 100 paths

    References
    ----------
    Kelley (1935), Proceedings of the National Academy of Sciences 21, 554-559: the correction.
    """
    if (n_paths := len(wealth)) < MIN_PATHS:
        raise InsufficientDataError("payout token", nobs=n_paths, required=MIN_PATHS, unit="paths")
    if np.ptp(token) == 0 or np.ptp(wealth) == 0:
        return 0.0
    edges = np.unique(np.quantile(token, np.linspace(0, 1, BINS + 1)[1:-1]))
    # equal growths share a bin; numbers without gaps, so that no bin is empty
    _, bins = np.unique(np.searchsorted(edges, token, side="left"), return_inverse=True)

    def mean(of: Array) -> Array:
        return np.asarray(np.bincount(bins, weights=of) / np.bincount(bins))

    centred = wealth - np.mean(wealth)
    within = token - mean(token)[bins]
    spread, shared = mean(within**2), mean(within * centred)
    sloped = spread > np.finfo(float).eps * float(np.mean(np.square(token)))
    lines = mean(centred) ** 2
    lines[sloped] += shared[sloped] ** 2 / spread[sloped]
    explained = float(lines @ np.bincount(bins) / n_paths / np.var(wealth))
    n_coefficients = len(lines) + int(sloped.sum())
    left = (1 - explained) * (n_paths - 1) / (n_paths - n_coefficients)
    return float(np.clip(1 - left, 0.0, 1.0))


def payout_token_interval(wealth: Array, token: Array) -> Interval:
    """Return the 95 % interval of `payout_token_risk`: Monte Carlo error alone.

    Its centre is the share over all paths, its width the spread of the shares of ten groups of
    them: a share of few paths is biased upwards by its bound at 0. Resampling paths with
    replacement would repeat some, which a fit within bins takes for signal.

    Parameters
    ----------
    wealth, token : (n_paths,) as of `payout_token_risk`; what ten groups leave over is in no group

    Raises
    ------
    InsufficientDataError : if there are fewer than 1,000 paths
    """
    n_grouped = len(wealth) // GROUPS * GROUPS
    groups = zip(*(np.split(each[:n_grouped], GROUPS) for each in (wealth, token)), strict=True)
    shares = [payout_token_risk(*group) for group in groups]
    centre, error = payout_token_risk(wealth, token), 1.96 * np.std(shares, ddof=1) / GROUPS**0.5
    return Interval(low=max(centre - float(error), 0.0), high=min(centre + float(error), 1.0))


def path_interval(
    statistic: Callable[..., float | None], *arrays: Array, draws: int = 200, seed: Seed
) -> Interval:
    """Return the 95 % bootstrap interval of a statistic over paths: Monte Carlo error alone.

    Parameters
    ----------
    statistic : of `arrays`, such as `market_risk`
    arrays : paths along the last axis, resampled together
    draws : resamples; the cost is so many times that of the statistic

    Raises
    ------
    UsageError : if there are fewer than two draws, or the seed is none
    """
    if draws < 2:
        raise UsageError(f"interval over paths: {draws} draws asked for; at least 2 are needed")
    rng, _ = generator(seed)
    n_paths = arrays[0].shape[-1]
    found = []
    for _ in range(draws):
        drawn = rng.integers(n_paths, size=n_paths)
        found.append(statistic(*(np.take(array, drawn, axis=-1) for array in arrays)))
    return worlds_interval(found)


def worlds_interval(statistics: Sequence[float | None]) -> Interval:
    """Return the middle 95 % of a statistic over worlds of different parameters.

    Parameters
    ----------
    statistics : one a world; None, as of an income that is not above zero, is infinitely risky, so
        the upper end may be infinite
    """
    found = np.sort([np.inf if value is None else value for value in statistics])
    # values that occurred: between a number and infinity there is nothing to interpolate
    low = np.quantile(found, (1 - CONFIDENCE) / 2, method="lower")
    high = np.quantile(found, (1 + CONFIDENCE) / 2, method="higher")
    return Interval(low=float(low), high=float(high))


def _year(array: Array, rows: int) -> Array:
    if array.ndim != 2 or len(array) < rows:
        raise DataError(f"risk statistics: 12 months of paths are needed, found {array.shape}")
    return array[:rows]
