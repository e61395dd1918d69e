"""One dollar held: a token bought and kept, staked or not, several at once, or cash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from research.errors import DataError, UsageError

Array = NDArray[Any]

DAYS_PER_YEAR = 365
DAYS_PER_MONTH = DAYS_PER_YEAR / 12


def hold(growth: Array, *, trade_cost: float) -> Array:
    """Return the wealth of one dollar put into a token, as if sold at each month's end.

    A price return in USD is already net of dilution: inflation of the supply is not subtracted
    a second time.

    Parameters
    ----------
    growth : (n_months + 1, n_paths), price over today's price
    trade_cost : fraction lost when buying, and again when selling (fee and half the spread)
    """
    return np.asarray(growth * (1 - trade_cost) ** 2)


def hold_cash(n_months: int, *, yield_per_year: float) -> Array:
    """Return the wealth of one dollar in T-bills, (n_months + 1, 1): no path differs."""
    return np.asarray((1 + yield_per_year) ** (np.arange(n_months + 1) / 12))[:, None]


def staked(n_months: int, *, yield_per_year: float, commission: float) -> Array:
    """Return the tokens that one staked token has become, (n_months + 1, 1), rewards restaked.

    Rewards are counted in tokens, so the wealth of a dollar staked is
    `hold(growth * staked(...), trade_cost=...)`. The days that unstaking takes cost no wealth
    here: the price may move while one waits, which is a matter of `liquidity`.

    Parameters
    ----------
    n_months : months of 365 / 12 days
    yield_per_year : rewards per token staked, before the validator's commission, as a simple
        yearly rate (APR); each day pays a 365th of it
    commission : share of the rewards that the validator keeps, in [0, 1]

    Raises
    ------
    UsageError : if the yield is negative or the commission is not in [0, 1]
    """
    daily = _net_yield(yield_per_year, commission) / DAYS_PER_YEAR
    return np.asarray((1 + daily) ** (DAYS_PER_MONTH * np.arange(n_months + 1)))[:, None]


@dataclass(frozen=True, kw_only=True)
class StakingTerms:
    """What staking a token pays, and what it asks."""

    symbol: str
    yield_per_year: float  # simple rate in tokens, before commission
    commission: float  # fraction of the rewards
    inflation_per_year: float | None  # growth of the supply; None: not known
    unbonding_days: float  # before a staked token can be sold

    @property
    def net_yield_per_year(self) -> float:
        """What is left after the validator's commission, a simple rate in tokens."""
        return self.yield_per_year * (1 - self.commission)

    @property
    def real_yield_per_year(self) -> float | None:
        """Growth of a staker's share of the supply: shown, never charged to a return in USD."""
        if self.inflation_per_year is None:
            return None
        return real_yield(self.yield_per_year, self.commission, self.inflation_per_year)


def real_yield(yield_per_year: float, commission: float, inflation_per_year: float) -> float:
    """Return how much the share of the supply that a staker owns grows in a year.

    A fundamental of the token, to be shown beside returns and never charged to one: a return in
    USD is already net of dilution. At an inflation equal to its net yield a staker stands still.

    Parameters
    ----------
    yield_per_year : simple yearly rate of rewards per token staked, before commission
    commission : share of the rewards that the validator keeps, in [0, 1]
    inflation_per_year : growth of the supply, above -1

    Raises
    ------
    UsageError : if the yield is negative, the commission not in [0, 1] or no supply is left
    """
    if not inflation_per_year > -1:
        raise UsageError(
            f"real yield: inflation {inflation_per_year!r} a year leaves no supply; accepted are "
            "fractions above -1"
        )
    return (1 + _net_yield(yield_per_year, commission)) / (1 + inflation_per_year) - 1


def basket(growths: Sequence[Array]) -> Array:
    """Return the growth of a dollar spread evenly over several tokens, never rebalanced.

    The winners' weight grows, so a basket is worth the mean of what its tokens are worth.

    Parameters
    ----------
    growths : one (n_months + 1, n_paths) a token, price over today's price, on the same paths

    Raises
    ------
    DataError : if there is no token, or the shapes differ
    """
    shapes = {np.shape(growth) for growth in growths}
    if len(shapes) != 1:
        raise DataError(
            "basket: one or more tokens on the same months and paths are needed, found shapes "
            f"{sorted(shapes)}"
        )
    return np.asarray(np.mean(np.stack(growths), axis=0))


def _net_yield(yield_per_year: float, commission: float) -> float:
    """Return the yearly yield after commission, both checked."""
    if not (yield_per_year >= 0 and 0 <= commission <= 1):
        raise UsageError(
            f"staking: yield {yield_per_year!r} a year, commission {commission!r}; accepted are "
            "fractions, the yield from 0 and the commission in [0, 1]"
        )
    return yield_per_year * (1 - commission)
