"""Several uses of the same capital on the same simulated months: one table of risk and return."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research.errors import DataError

Array = NDArray[Any]

LEVELS = (0.05, 0.25, 0.50, 0.75, 0.95)
RISK_AVERSION = 2.0  # the middle one of the usual three tempers, and the one we rank by
WEALTH_FLOOR = 0.001  # of the capital: what ruin counts as where utility needs a positive number


@dataclass(frozen=True, kw_only=True)
class Probability:
    """A share of simulated paths, with the error that comes from their number."""

    value: float
    std_error: float  # Monte Carlo error alone: not that of the assumptions
    nobs: int  # paths


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one alternative made of one dollar. Fractions of the capital at the start."""

    name: str
    quantiles: pd.DataFrame  # (n_months + 1, 5), wealth at 5, 25, 50, 75, 95 %
    terminal: Array  # (n_paths,), wealth at the horizon
    mean: float
    p_loss: Probability  # of ending with less than was put in
    expected_shortfall: float  # mean loss of the worst 5 % of paths, positive is a loss
    max_drawdown: float  # median over paths of the deepest fall of month-end wealth, in [-1, 0]
    certainty_equivalent: float  # CRRA, risk aversion 2: the sure wealth worth as much
    ruined: float  # share of paths in which wealth was floored for the certainty equivalent

    @property
    def median(self) -> float:
        """Wealth at the horizon in the middle path."""
        return float(np.median(self.terminal))


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Alternatives side by side, in the order given."""

    outcomes: Mapping[str, Outcome]
    n_months: int
    n_paths: int

    def beats(self, one: str, other: str) -> Probability:
        """Return how often `one` ends ahead of `other` on the same path; ties are split."""
        return probability_of_beating(self.outcomes[one].terminal, self.outcomes[other].terminal)

    def ranking(self) -> list[str]:
        """Return the alternatives by certainty equivalent, best first."""
        worth = {name: each.certainty_equivalent for name, each in self.outcomes.items()}
        return sorted(worth, key=lambda name: -worth[name])

    def summary(self) -> pd.DataFrame:
        """Return one row an alternative, wealth per dollar put in."""
        return pd.DataFrame(
            {
                name: {
                    **{f"q{100 * level:02.0f}": each.quantiles[level].iloc[-1] for level in LEVELS},
                    "mean": each.mean,
                    "p_loss": each.p_loss.value,
                    "p_loss_std_error": each.p_loss.std_error,
                    "expected_shortfall": each.expected_shortfall,
                    "max_drawdown": each.max_drawdown,
                    "certainty_equivalent": each.certainty_equivalent,
                }
                for name, each in self.outcomes.items()
            }
        ).T


def compare(alternatives: Mapping[str, Array]) -> Comparison:
    """Compare wealth paths that start from the same dollar on the same day.

    Parameters
    ----------
    alternatives : by name, (n_months + 1, n_paths) or (n_months + 1, 1) where no path differs;
        wealth per dollar put in, marked at what it would fetch: row 0 is after the purchase

    Raises
    ------
    DataError : if there is nothing to compare, or shapes or numbers do not fit
    """
    shapes = {np.shape(wealth) for wealth in alternatives.values()}
    n_paths = max((shape[1] for shape in shapes), default=0)
    if n_paths == 0 or len({shape[0] for shape in shapes}) != 1:
        raise DataError(f"compare: alternatives of equal length are needed, found {shapes}")
    if any(shape[1] not in (1, n_paths) for shape in shapes):
        raise DataError(f"compare: alternatives need the same paths, found {shapes}")
    outcomes = {
        name: _outcome(name, np.asarray(wealth, dtype=float), n_paths)
        for name, wealth in alternatives.items()
    }
    return Comparison(outcomes=outcomes, n_months=shapes.pop()[0] - 1, n_paths=n_paths)


def probability_of_beating(one: Array, other: Array) -> Probability:
    """Return the share of paths in which `one` ends above `other`, ties counted as half.

    Parameters
    ----------
    one, other : (n_paths,) wealth at the horizon, on the same paths
    """
    share = float(np.mean((one > other) + 0.5 * (one == other)))
    return _probability(share, len(one))


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
    if risk_aversion == 1:
        return float(np.exp(np.log(floored).mean()))
    power = 1 - risk_aversion
    return float((floored**power).mean() ** (1 / power))


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


def _outcome(name: str, wealth: Array, n_paths: int) -> Outcome:
    if not np.isfinite(wealth).all():
        raise DataError(f"compare: {name} has a wealth that is not a number")
    quantiles = np.stack([np.quantile(month, LEVELS) for month in wealth])
    # a copy: a view of the last month would keep all months in memory
    terminal = np.array(np.broadcast_to(wealth[-1], n_paths))
    return Outcome(
        name=name,
        quantiles=pd.DataFrame(
            quantiles, columns=list(LEVELS), index=pd.RangeIndex(len(wealth), name="month")
        ),
        terminal=terminal,
        mean=float(terminal.mean()),
        p_loss=_probability(float((terminal < 1).mean()), n_paths),
        expected_shortfall=expected_shortfall(terminal),
        max_drawdown=float(np.median(max_drawdown(wealth))),
        certainty_equivalent=certainty_equivalent(terminal, RISK_AVERSION),
        ruined=float((terminal < WEALTH_FLOOR).mean()),
    )


def _probability(share: float, n_paths: int) -> Probability:
    return Probability(
        value=share, std_error=float(np.sqrt(share * (1 - share) / n_paths)), nobs=n_paths
    )
