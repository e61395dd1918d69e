"""What simulated wealth is worth and what it risks: one number a distribution or a path."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

FLAT = 1e-12  # a spread of monthly returns below this is rounding
WEALTH_FLOOR = 0.001  # of the capital: what ruin counts as where utility needs a positive number


def certainty_equivalent(wealth: Array, risk_aversion: float) -> float:
    """Return the sure wealth that a CRRA investor would take for the lottery `wealth`.

    Parameters
    ----------
    wealth : (n_paths,), below 0.001 counted as 0.001
    risk_aversion : 1 is logarithmic utility; larger fears losses more

    References
    ----------
    Pratt (1964), Econometrica 32, 122-136.
    """
    floored = np.maximum(wealth, WEALTH_FLOOR)
    return sure_wealth(float(utility_term(floored, risk_aversion).mean()), risk_aversion)


def expected_shortfall(wealth: Array, level: float = 0.05) -> float:
    """Return the mean loss per dollar in the worst `level` of paths; a loss is positive."""
    worst = wealth[wealth <= np.quantile(wealth, level)]
    return float(1 - worst.mean())


def max_drawdown(wealth: Array) -> Array:
    """Return each path's deepest fall from its highest month-end, in [-1, 0], (n_paths,).

    The dollar put in counts as the first high, so that the cost of buying is a fall too.
    Wealth below zero is a fall of everything.
    """
    high = np.ones(wealth.shape[1])
    deepest = np.zeros(wealth.shape[1])
    for month in wealth:  # months, not paths: nothing of the size of `wealth` is made
        np.maximum(high, month, out=high)
        np.minimum(deepest, month / high - 1, out=deepest)
    return np.maximum(deepest, -1.0)


def monthly_ratios(wealth: Array, *, cash_yield_per_year: float) -> tuple[Array, Array]:
    """Return each path's Sharpe and Sortino ratio a year from month-end wealth, (n_paths,) each.

    The first month starts from the dollar put in, so it bears the cost of buying. A ratio is NaN
    where it does not exist: wealth that is not positive, or nothing that moves.
    Hardware is marked by a smooth resale value, so the ratios of a rig flatter it.
    """
    nothing = np.full(wealth.shape[1], np.nan)
    if len(wealth) < 4:  # of two returns or fewer no spread can be told
        return nothing, nothing
    alive = (wealth > 0).all(axis=0)
    safe = np.where(alive, wealth, 1.0)
    safe[0] = 1.0
    excess = safe[1:] / safe[:-1]
    excess -= (1 + cash_yield_per_year) ** (1 / 12)
    mean = excess.mean(axis=0)
    spread = excess.std(axis=0, ddof=1)
    np.minimum(excess, 0, out=excess)
    below = np.sqrt(np.einsum("ij,ij->j", excess, excess) / len(excess))
    with np.errstate(divide="ignore", invalid="ignore"):  # what never moves has no ratio
        sharpe, sortino = (
            np.where(alive & (risk > FLAT), mean / risk * np.sqrt(12), np.nan)
            for risk in (spread, below)
        )
    return sharpe, sortino


def utility_term(wealth: Array, aversion: float) -> Array:
    """Return what utility averages, but for a constant: log wealth, or its power 1 - aversion."""
    return np.asarray(np.log(wealth) if aversion == 1 else wealth ** (1 - aversion))


def sure_wealth(mean_term: float, aversion: float) -> float:
    """Return the sure wealth whose term is the mean of the lottery's."""
    return float(np.exp(mean_term) if aversion == 1 else mean_term ** (1 / (1 - aversion)))
