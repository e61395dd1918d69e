"""Regret: how much worse an alternative does than the one that would have been best.

Scenarios carry no probabilities here. Whoever minds being wrong most takes the alternative whose
largest regret is the smallest (minimax regret).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from research.errors import DataError


def regret(wealth: pd.DataFrame) -> pd.DataFrame:
    """Return wealth less that of the best alternative of each scenario: 0 at best, else negative.

    Parameters
    ----------
    wealth : one row a scenario, one column an alternative, wealth at the horizon per dollar put in

    Raises
    ------
    DataError : if there is no scenario, fewer than two alternatives, a name used twice, or a
        wealth that is missing or not a number

    References
    ----------
    Savage (1951), Journal of the American Statistical Association 46, 55-67.
    """
    n_scenarios, n_alternatives = wealth.shape
    if n_scenarios < 1 or n_alternatives < 2:
        raise DataError(
            f"regret: {n_scenarios} scenarios of {n_alternatives} alternatives; at least one "
            "scenario of two is needed"
        )
    for names in (wealth.index, wealth.columns):
        if not names.is_unique:
            raise DataError(f"regret: a name is used twice among {list(names)}")
    values = wealth.to_numpy(dtype=float)
    if not np.isfinite(values).all():
        row, column = np.argwhere(~np.isfinite(values))[0]
        raise DataError(
            f"regret: {wealth.columns[column]} has no wealth in the scenario {wealth.index[row]}; "
            "leave out one of the two"
        )
    return wealth.astype(float).sub(values.max(axis=1), axis=0)


def max_regret(regrets: pd.DataFrame) -> pd.Series[float]:
    """Return each alternative's largest regret over the scenarios, wealth per dollar, positive.

    Parameters
    ----------
    regrets : as `regret` returns them
    """
    return (regrets.min() * -1 + 0.0).rename("max_regret")  # + 0.0: no -0


def minimax(regrets: pd.DataFrame) -> list[str]:
    """Return the alternatives whose largest regret is the smallest: one, or all that tie.

    Parameters
    ----------
    regrets : as `regret` returns them
    """
    largest = max_regret(regrets)
    return [str(name) for name in largest.index[largest == largest.min()]]
