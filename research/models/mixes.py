"""A part in the token, the rest in a rig: what each mix of the two makes of one dollar.

A mix is bought once and never rebalanced, so on each path its wealth is the weighted sum of both.
A rig is taken to be divisible; where it is not, only the mixes that leave a whole card can be had.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research.errors import DataError, UsageError
from research.models.comparison import Comparison, Probability, probability_of
from research.models.wealth import certainty_equivalent, expected_shortfall

Array = NDArray[Any]

WEIGHTS = tuple(tenths / 10 for tenths in range(11))
RISK_AVERSIONS = (1.0, 2.0, 5.0)
CHOSEN_BY = 2.0  # the risk aversion by which the best mix is named


@dataclass(frozen=True, kw_only=True)
class Mix:
    """One mix at the horizon, per dollar put in."""

    weight: float  # part of the capital in the token, in [0, 1]; the rest is in the rig
    median: float  # wealth
    mean: float  # wealth
    expected_shortfall: float  # mean loss of the worst 5 % of paths, positive is a loss
    p_loss: Probability  # of ending with less than was put in
    certainty_equivalents: Mapping[float, float]  # sure wealth worth as much, by risk aversion
    efficient: bool  # no other mix is as good in median and shortfall and better in one


@dataclass(frozen=True, kw_only=True)
class Frontier:
    """Mixes from all in the rig to all in the token."""

    mixes: tuple[Mix, ...]  # by weight
    nobs: int  # paths

    @property
    def best(self) -> Mix:
        """The mix of the highest certainty equivalent at risk aversion 2; the first of equals."""
        return max(self.mixes, key=lambda mix: mix.certainty_equivalents[CHOSEN_BY])

    def summary(self) -> pd.DataFrame:
        """Return one row a mix, by the part in the token."""
        return pd.DataFrame(
            [
                {
                    "weight": mix.weight,
                    "median": mix.median,
                    "mean": mix.mean,
                    "expected_shortfall": mix.expected_shortfall,
                    "p_loss": mix.p_loss.value,
                    "p_loss_std_error": mix.p_loss.std_error,
                    **{
                        f"certainty_equivalent_{risk_aversion:g}": worth
                        for risk_aversion, worth in mix.certainty_equivalents.items()
                    },
                    "efficient": mix.efficient,
                }
                for mix in self.mixes
            ]
        ).set_index("weight")


def frontier(hold: Array, rent: Array, *, weights: Sequence[float] = WEIGHTS) -> Frontier:
    """Return what mixes of holding and renting come to, and which of them are efficient.

    Parameters
    ----------
    hold, rent : (n_paths,) wealth at the horizon per dollar, on the same paths
    weights : parts of the capital in the token, in [0, 1]

    Raises
    ------
    DataError : if the paths do not pair or hold what is not a number
    UsageError : if there is no weight, or one is not in [0, 1]

    References
    ----------
    Markowitz (1952), Journal of Finance 7, 77-91, with expected shortfall in place of variance:
    Rockafellar and Uryasev (2000), Journal of Risk 2, 21-41.
    """
    hold, rent = np.asarray(hold, dtype=float), np.asarray(rent, dtype=float)
    if hold.ndim != 1 or hold.shape != rent.shape or hold.size == 0:
        raise DataError(
            f"mixes: holding and renting on the same paths are needed, found shapes {hold.shape} "
            f"and {rent.shape}"
        )
    if not (np.isfinite(hold).all() and np.isfinite(rent).all()):
        raise DataError("mixes: a wealth is not a number; find the path that made it")
    if not weights or not all(0 <= weight <= 1 for weight in weights):
        raise UsageError(f"mixes: weights {list(weights)}; accepted are parts from 0 to 1")
    wealth = [weight * hold + (1 - weight) * rent for weight in sorted(weights)]
    medians = np.array([np.median(ends) for ends in wealth])
    shortfalls = np.array([expected_shortfall(ends) for ends in wealth])
    efficient = _efficient(medians, shortfalls)
    return Frontier(
        mixes=tuple(
            Mix(
                weight=float(weight),
                median=float(median),
                mean=float(ends.mean()),
                expected_shortfall=float(shortfall),
                p_loss=probability_of(float((ends < 1).mean()), ends.size),
                certainty_equivalents={g: certainty_equivalent(ends, g) for g in RISK_AVERSIONS},
                efficient=bool(best),
            )
            for weight, ends, median, shortfall, best in zip(
                sorted(weights), wealth, medians, shortfalls, efficient, strict=True
            )
        ),
        nobs=hold.size,
    )


def _efficient(medians: Array, shortfalls: Array) -> Array:
    """Return which mixes no other beats, (n_mixes,)."""
    no_lower = medians[:, None] >= medians
    no_riskier = shortfalls[:, None] <= shortfalls
    better = (medians[:, None] > medians) | (shortfalls[:, None] < shortfalls)
    return np.asarray(~(no_lower & no_riskier & better).any(axis=0))


def mixes_of(comparison: Comparison) -> Frontier | None:
    """Return the mixes of token and rig in a comparison; None where there is no token."""
    outcomes = comparison.outcomes
    if "hold" not in outcomes:
        return None
    return frontier(outcomes["hold"].terminal, outcomes["rent"].terminal)
