"""What every law of joint token and market prices offers, and what all of them share.

A law says how prices move from step to step; it never says where they are expected to go, which
the stated drift does. Each law takes the expected growth of its own steps out exactly, shock by
shock, and puts the stated growth in; how many paths are drawn plays no part in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research.errors import DataError, InfeasibleError, InsufficientDataError, UsageError
from research.models.bootstrap import MIN_DISTINCT, Drift, shrunk_drift

Array = NDArray[Any]

DAYS_PER_YEAR = 365
PRICES = ("token", "market")  # columns that a law may be fitted to; others play no part


class Dynamics(Protocol):
    """A law of joint prices, fitted for a number of months and a drift."""

    @property
    def demand_token_correlation(self) -> float:
        """Correlation of normal scores, stated when fitted: demand is drawn by the caller."""

    @property
    def block_weeks(self) -> float | None:
        """Mean length of a resampled block; None where nothing is resampled in blocks."""

    def draw(
        self, size: int, rng: np.random.Generator
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """Draw `size` paths; the first k of them are the same for any size >= k.

        Returns
        -------
        growth : by column fitted, (n_months + 1, size), growth of the price, starts at 1
        scores : token if fitted, (n_months, size), the month's shock with mean 0, variance 1
        """


def joint_returns(returns: pd.DataFrame, model: str, *, required: int, unit: str) -> pd.DataFrame:
    """Return the token's and the market's joint log returns; rows that lack one are left out.

    Parameters
    ----------
    returns : log returns of shape (n_steps, n_columns), gaps as NaN
    model : what is being fitted, for the text of an error
    required : rows that the model needs
    unit : what a row is, such as `joint days`

    Raises
    ------
    UsageError : if there is neither a token nor a market
    DataError : if a return is infinite
    InsufficientDataError : if there are too few rows, or a column hardly ever changes
    """
    names = [name for name in PRICES if name in returns.columns]
    if not names:
        raise UsageError(f"{model}: neither token nor market is among the columns; give one")
    joint = returns[names].astype(float).dropna()
    if np.isinf(joint.to_numpy()).any():
        raise DataError(f"{model}: a log return is infinite; look for a price of zero")
    of = f"{model} of {' and '.join(names)}"
    if len(joint) < required:
        raise InsufficientDataError(of, nobs=len(joint), required=required, unit=unit)
    for name in names:
        if (distinct := joint[name].nunique()) < MIN_DISTINCT:
            raise InsufficientDataError(
                f"{model} of {name}", nobs=distinct, required=MIN_DISTINCT, unit="distinct returns"
            )
    return joint


def month_ends(n_months: int, *, steps_per_year: float) -> Array:
    """Return the steps (days, weeks) that have passed at the end of each month, (n_months,)."""
    if n_months < 1:
        raise UsageError(f"a horizon of {n_months} months: at least 1 is needed")
    return np.rint(np.arange(1, n_months + 1) * steps_per_year / 12).astype(np.int64)


def log_growth_per_step(
    x: Array, *, drift: Drift, risk_free_per_year: float, days_per_step: int
) -> float:
    """Return the log growth of the expected price that the stated drift asks of one step.

    Parameters
    ----------
    x : log returns of shape (n_steps,)
    drift : `zero` (0), `historical` (log of the mean of exp(x)), or `shrunk` (between the
        historical and the risk-free growth, by how well it is known)
    days_per_step : 7 for weeks, 1 for days, whose sums of seven in a row, counted from the
        latest, are the weeks that `shrunk` is worked out from
    """
    if drift == "zero":
        return 0.0
    if drift == "historical":
        return float(np.log(np.exp(x).mean()))
    length = 7 // days_per_step
    weeks = x[len(x) % length :].reshape(-1, length).sum(axis=1)
    return shrunk_drift(weeks, risk_free_per_year) * days_per_step / DAYS_PER_YEAR


def log_growths(
    joint: pd.DataFrame,
    *,
    drift: Drift | Mapping[str, float],
    risk_free_per_year: float,
    days_per_step: int,
    n_steps: int,
) -> dict[str, float]:
    """Return the log growth of the expected price in one step, by column of joint returns.

    Parameters
    ----------
    joint : log returns of shape (n_steps, n_columns)
    drift : as of `log_growth_per_step`; or, where the returns are not to be asked, the log growth
        of the expected price until the horizon, by column
    n_steps : until the horizon
    """
    if not isinstance(drift, str):
        return {str(name): drift[str(name)] / n_steps for name in joint.columns}
    return {
        str(name): log_growth_per_step(
            joint[name].to_numpy(),
            drift=drift,
            risk_free_per_year=risk_free_per_year,
            days_per_step=days_per_step,
        )
        for name in joint.columns
    }


def loadings(covariance: Array) -> Array:
    """Return the lower triangular L with L L' = covariance, of one column or two.

    Columns that move as one have no other factor left; Cholesky's own algorithm stops there.
    """
    scale = np.sqrt(np.diag(covariance))
    if len(scale) == 1:
        return np.asarray(scale[:, None])
    correlation = np.clip(covariance[0, 1] / (scale[0] * scale[1]), -1, 1)
    own = np.sqrt(1 - correlation**2)
    return np.array([[scale[0], 0.0], [correlation * scale[1], own * scale[1]]])


def growth_from(monthly: Array, name: str) -> Array:
    """Return growth that starts at 1 from the log returns of months, (n_months, size).

    Raises
    ------
    InfeasibleError : if a price leaves what a number can hold
    """
    growth = np.zeros((len(monthly) + 1, monthly.shape[1]))
    np.cumsum(monthly, axis=0, out=growth[1:])
    with np.errstate(over="ignore"):  # an infinite growth is refused below
        np.exp(growth, out=growth)
    if not (growth.min() > 0 and growth.max() < np.inf):
        raise InfeasibleError(
            f"simulation of {name}: on some path its price leaves what a number can hold, so the "
            "fitted volatility is too wild for this horizon; use the block bootstrap instead"
        )
    return growth
