"""Does one alternative suit everybody better? Stochastic dominance of wealth at the horizon.

First order: whoever prefers more to less would take the one. Second order: whoever also dislikes
risk would. Both are asked of simulated paths, so what Monte Carlo error could have made does not
count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research.errors import DataError, UsageError
from research.models.resampling import Seed, generator

Array = NDArray[Any]

POINTS = 200  # quantiles of each alternative: two of them are compared at up to 400 wealths
STD_ERRORS = 1.96  # of the paired difference at one wealth, within which it counts as none
ROUNDING = 1e-12  # of the widest wealth: what floating point alone may leave


@dataclass(frozen=True, kw_only=True)
class Dominance:
    """Whether one alternative dominates another, by what is seen at the wealths compared.

    The tolerance is that of one wealth at a time, so across all of them dominance is refused
    somewhat too often, never claimed too often.
    """

    first_order: bool  # never likelier to end below any wealth, and at some less likely
    second_order: bool  # never a larger mean shortfall below any wealth, and at some a smaller
    first_order_share: float  # of bootstrap draws of the paths, in which it holds as well
    second_order_share: float
    worst_wealth: float | None  # per dollar, at or below which the one ends too often by most
    worst_excess: float  # by how much, in probability; 0 where `worst_wealth` is None
    nobs: int  # paths
    draws: int
    seed: int | None  # None: the caller's own generator was used

    def summary(self, one: str = "the one", other: str = "the other") -> str:
        """Return what was found in plain words, the alternatives called as given."""
        if self.first_order:
            return (
                f"{one} dominates {other}: whoever prefers more to less would take it "
                f"({_share(self.first_order_share)} of draws)."
            )
        if self.second_order:
            return (
                f"{one} dominates {other} for whoever dislikes risk, not for everybody "
                f"({_share(self.second_order_share)} of draws)."
            )
        if self.worst_wealth is None:
            return f"{one} does not dominate {other}: the two are too alike to tell."
        return (
            f"{one} does not dominate {other}: it ends at or below {self.worst_wealth:.2f} per "
            f"dollar more often, by {100 * self.worst_excess:.1f} points."
        )


def dominance(one: Array, other: Array, *, draws: int = 200, seed: Seed) -> Dominance:
    """Say whether `one` dominates `other`, at first and second order.

    With F the share of paths that end at or below a wealth x, the first order asks that F of the
    one is nowhere above F of the other; the second asks the same of the mean shortfall
    E max(x - W, 0), which is the integral of F up to x. Both are exact at the wealths compared:
    200 quantiles of each alternative, its least and largest included. Differences within 1.96
    standard errors of the paired difference at that wealth count as none. As the first order
    implies the second, it is granted only where the second does not fail.

    Parameters
    ----------
    one, other : (n_paths,) wealth at the horizon per dollar, on the same paths
    draws : resamples of the paths, pairs kept together; the tolerance stays that of the sample

    Raises
    ------
    DataError : if the paths do not pair, are fewer than two, or hold what is not a number
    UsageError : if there are no draws, or the seed is none

    References
    ----------
    Hadar and Russell (1969), American Economic Review 59, 25-34.
    """
    return _all({"one": one, "other": other}, draws, seed)["one", "other"]


def dominance_table(terminal: Mapping[str, Array], *, draws: int = 200, seed: Seed) -> pd.DataFrame:
    """Return one row an ordered pair of alternatives: whether the first dominates the second.

    Parameters
    ----------
    terminal : by name, (n_paths,) wealth at the horizon per dollar, all on the same paths
    draws : resamples of the paths, the same for all pairs

    Raises
    ------
    DataError, UsageError : as `dominance`
    """
    found = _all(terminal, draws, seed)
    return pd.DataFrame(
        [
            {
                "one": one,
                "other": other,
                "first_order": each.first_order,
                "second_order": each.second_order,
                "first_order_share": each.first_order_share,
                "second_order_share": each.second_order_share,
                "worst_wealth": each.worst_wealth,
                "worst_excess": each.worst_excess,
                "summary": each.summary(one, other),
            }
            for (one, other), each in found.items()
        ]
    ).set_index(["one", "other"])


def _all(terminal: Mapping[str, Array], draws: int, seed: Seed) -> dict[tuple[str, str], Dominance]:
    wealth = _checked(terminal)
    if draws < 1:
        raise UsageError(f"dominance: {draws} draws asked for; at least 1 is needed")
    rng, stated = generator(seed)
    n_paths = wealth.shape[1]
    levels = np.linspace(0, 1, POINTS)
    grid = np.unique(np.quantile(wealth, levels, axis=1, method="inverted_cdf"))
    bins = np.searchsorted(grid, wealth, side="left")  # of the first wealth not below the path's
    once = _curves(wealth, bins, grid, np.ones(n_paths))
    pairs = list(permutations(range(len(wealth)), 2))
    errors = {
        pair: _tolerance(wealth[list(pair)], bins[list(pair)], grid, once[:, pair])
        for pair in pairs
        if pair[0] < pair[1]
    }
    errors |= {(b, a): error for (a, b), error in errors.items()}
    counts = np.zeros((len(pairs), 2))
    for _ in range(draws):
        weights = np.bincount(rng.integers(n_paths, size=n_paths), minlength=n_paths)
        again = _curves(wealth, bins, grid, weights.astype(float))
        counts += [_holds(again[:, a] - again[:, b], errors[a, b]) for a, b in pairs]
    names = list(terminal)
    found = {}
    for (a, b), shares in zip(pairs, counts / draws, strict=True):
        excess = once[:, a] - once[:, b]
        first, second = _holds(excess, errors[a, b])
        worst = int(np.argmax(excess[0] - errors[a, b][0]))
        beyond = bool(excess[0, worst] > errors[a, b][0, worst])
        found[names[a], names[b]] = Dominance(
            first_order=first,
            second_order=second,
            first_order_share=float(shares[0]),
            second_order_share=float(shares[1]),
            worst_wealth=float(grid[worst]) if beyond else None,
            worst_excess=float(excess[0, worst]) if beyond else 0.0,
            nobs=n_paths,
            draws=draws,
            seed=stated,
        )
    return found


def _curves(wealth: Array, bins: Array, grid: Array, weights: Array) -> Array:
    """Return F and its integral at each wealth of the grid, (2, n_alternatives, n_points)."""
    n_paths, n_points = wealth.shape[1], len(grid)
    curves = np.empty((2, len(wealth), n_points))
    for at, (ends, place) in enumerate(zip(wealth, bins, strict=True)):
        below = np.bincount(place, weights=weights, minlength=n_points).cumsum()
        total = np.bincount(place, weights=weights * ends, minlength=n_points).cumsum()
        curves[:, at] = below, grid * below - total
    return np.asarray(curves / n_paths)


def _tolerance(pair: Array, bins: Array, grid: Array, curves: Array) -> Array:
    """Return 1.96 standard errors of the paired differences of `curves`, (2, n_points)."""
    n_paths = pair.shape[1]

    def upto(place: Array, weights: Array) -> Array:
        counts = np.bincount(place, weights=weights, minlength=len(grid))
        return np.asarray(counts.cumsum() / n_paths)

    (one, other), ones = pair, np.ones(n_paths)
    both = bins.max(axis=0)  # from here on a path lies below in both
    unlike = upto(bins.min(axis=0), ones) - upto(both, ones)  # below in one of the two only
    squares = sum(
        grid**2 * upto(place, ones) - 2 * grid * upto(place, ends) + upto(place, ends**2)
        for ends, place in zip(pair, bins, strict=True)
    )
    product = grid**2 * upto(both, ones) - grid * upto(both, one + other) + upto(both, one * other)
    moments = np.stack([unlike, squares - 2 * product])
    variance = np.maximum(moments - (curves[:, 0] - curves[:, 1]) ** 2, 0)
    return np.asarray(
        STD_ERRORS * np.sqrt(variance / n_paths) + ROUNDING * max(1.0, float(np.abs(grid).max()))
    )


def _holds(excess: Array, tolerance: Array) -> tuple[bool, bool]:
    """Say whether the one dominates at first and second order; `excess` is the one's less."""
    no_likelier, no_deeper = np.all(excess <= tolerance, axis=1).tolist()
    less_likely, less_deep = np.any(excess < -tolerance, axis=1).tolist()
    first = no_likelier and no_deeper and less_likely
    return first, first or (no_deeper and less_deep)


def _checked(terminal: Mapping[str, Array]) -> Array:
    shapes = {np.shape(wealth) for wealth in terminal.values()}
    if len(terminal) < 2 or len(shapes) != 1 or any(len(s) != 1 or s[0] < 2 for s in shapes):
        raise DataError(
            "dominance: two alternatives or more on the same paths, at least 2, are needed; found "
            f"{len(terminal)} of shapes {sorted(shapes)}"
        )
    wealth = np.array(list(terminal.values()), dtype=float)
    if not np.isfinite(wealth).all():
        raise DataError("dominance: a wealth is not a number; find the path that made it")
    return wealth


def _share(share: float) -> str:
    return f"{100 * share:.0f} %"
