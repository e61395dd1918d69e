"""What it costs to trade a token, and how long it takes to be out of it.

A market that trades little makes a large order pay twice: it moves the price, and it has to wait.
The first is the square-root law, under which the price moves by the day's volatility times the
square root of the order's share of the day's volume; it is an empirical law of orders that are
small beside the volume. The second counts the days of trading with a tenth of the volume.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from research.errors import DataError, InfeasibleError, UsageError
from research.models.resampling import name_of, percent, require
from research.models.returns import simple_returns
from research.models.tails import MIN_DISTINCT

WINDOW_DAYS = 30  # known days that today's volume and volatility are taken from
EXIT_SHARE = 0.1  # of a day's volume, that can be sold without being the market


@dataclass(frozen=True, kw_only=True)
class Liquidity:
    """What a position costs to buy or sell, and how long it takes to sell it."""

    name: str
    position_usd: float
    daily_volume_usd: float  # median of the last 30 days known
    daily_volatility: float  # standard deviation of the last 30 daily returns, a fraction
    first: dt.date  # of the volumes that the median is of
    last: dt.date
    fee: float  # fraction of what is traded
    half_spread: float  # fraction of what is traded
    impact: float  # fraction of what is traded, by which the order moves the price against itself
    trade_cost: float  # fraction of what is traded, one way: the three together
    exit_days: float  # days of selling a tenth of the volume
    unbonding_days: float  # days before a staked token can be sold
    amihud_per_usd: float  # mean of |return| over USD traded, of all days with both
    amihud_nobs: int  # days with both

    @property
    def days_to_cash(self) -> float:
        """Days until all of the position is sold: unbonding, then selling."""
        return self.unbonding_days + self.exit_days

    @property
    def share_of_volume(self) -> float:
        """The position over the volume of a day."""
        return self.position_usd / self.daily_volume_usd

    def summary(self) -> pd.Series[str]:
        """Return one labelled line a figure, to be read."""
        lines = {
            "Position": f"{self.position_usd:,.0f} USD",
            "Volume a day": f"{_significant(self.daily_volume_usd)} USD",
            "Volume known": f"{self.first} to {self.last}",
            "Position in a day's volume": f"{_significant(100 * self.share_of_volume)} %",
            "Volatility a day": percent(self.daily_volatility),
            "Fee": _cost(self.fee),
            "Half the spread": _cost(self.half_spread),
            "Price moved by the order": _cost(self.impact),
            "Cost of one trade": _cost(self.trade_cost),
            "Days to sell": _days(self.exit_days),
            "Days until unstaked": _days(self.unbonding_days),
            "Amihud, move per million USD": f"{_significant(100e6 * self.amihud_per_usd)} %",
        }
        return pd.Series(lines, name=self.name)


def trade_cost(
    position_usd: float,
    *,
    daily_volume_usd: float,
    daily_volatility: float,
    fee: float,
    half_spread: float,
    impact: float = 1.0,
) -> float:
    """Return what one trade costs, as a fraction of it, by the square-root law.

    half_spread + fee + impact * daily_volatility * sqrt(position_usd / daily_volume_usd)

    Parameters
    ----------
    position_usd : what is bought or sold, from 0
    daily_volume_usd : what the market trades in a day, above 0
    daily_volatility : standard deviation of daily returns, a fraction
    fee, half_spread : fractions of what is traded
    impact : the law's constant, of order 1 in every market that was measured

    Raises
    ------
    UsageError : if an amount, a fraction or the constant is out of range
    InfeasibleError : if the law would take all of the position

    References
    ----------
    Toth and others (2011), Physical Review X 1, 021006: the square root and its constant.
    """
    if not (position_usd >= 0 and daily_volume_usd > 0 and np.isfinite(position_usd)):
        raise UsageError(
            f"trade cost: position {position_usd!r} USD, volume {daily_volume_usd!r} USD a day; "
            "accepted are a position from 0 and a volume above 0"
        )
    if not (0 <= fee < 1 and 0 <= half_spread < 1 and impact >= 0 and daily_volatility >= 0):
        raise UsageError(
            f"trade cost: fee {fee!r}, half spread {half_spread!r}, impact {impact!r}, volatility "
            f"{daily_volatility!r}; accepted are fractions below 1 for the first two and 0 or more "
            "for the others"
        )
    moved = impact * daily_volatility * (position_usd / daily_volume_usd) ** 0.5
    cost = half_spread + fee + moved
    if cost >= 1:
        raise InfeasibleError(
            f"trade cost: {position_usd:,.0f} USD in a market of {daily_volume_usd:,.0f} USD a day "
            "would cost all of it, where the square-root law no longer holds; take a smaller "
            "position"
        )
    return float(cost)


def liquidity(
    prices: pd.Series[float],
    volumes_usd: pd.Series[float],
    *,
    position_usd: float,
    fee: float,
    half_spread: float,
    unbonding_days: float = 0,
    impact: float = 1.0,
) -> Liquidity:
    """Measure what a position of this size costs to trade and how long it takes to sell.

    Volume and volatility are those of the last 30 days known of each series: markets dry up, and
    the cost is that of today.

    Parameters
    ----------
    prices : closes labelled by UTC day, above zero, gaps allowed (NaN or no row)
    volumes_usd : USD traded within each UTC day, from zero, gaps allowed
    position_usd : what is to be bought or sold
    fee, half_spread : fractions of what is traded
    unbonding_days : days before a staked token can be sold
    impact : constant of the square-root law

    Raises
    ------
    DataError : if a price or a volume cannot be true, or no day has both
    InsufficientDataError : if there are fewer than 30 days of volume, 30 returns, or 10 different
        returns among the last 30
    InfeasibleError : if most days have no trade at all, or the position is too large for the law

    References
    ----------
    Amihud (2002), Journal of Financial Markets 5, 31-56: the mean of |return| over volume; days
    without a trade are left out, as there.
    """
    name = name_of(prices)
    if not unbonding_days >= 0:
        raise UsageError(f"liquidity of {name}: {unbonding_days!r} unbonding days; accepted: >= 0")
    traded = _known_volumes(volumes_usd, name)
    require(f"liquidity of {name}", len(traded), WINDOW_DAYS, "days of volume")
    returns = simple_returns(prices)
    require(f"liquidity of {name}", len(returns), WINDOW_DAYS, "daily returns")

    recent = traded.iloc[-WINDOW_DAYS:]
    volume = float(recent.median())
    if volume == 0:
        raise InfeasibleError(
            f"liquidity of {name}: on most of the last {WINDOW_DAYS} days known nothing was "
            "traded, so the token cannot be sold at a price"
        )
    moves = returns.iloc[-WINDOW_DAYS:]
    require(f"liquidity of {name}", moves.nunique(), MIN_DISTINCT, "different returns")
    volatility = float(moves.std(ddof=1))
    costs = {"fee": fee, "half_spread": half_spread}
    cost = trade_cost(
        position_usd,
        daily_volume_usd=volume,
        daily_volatility=volatility,
        impact=impact,
        **costs,
    )
    both = pd.concat(
        [returns.abs(), traded[traded > 0]], axis=1, join="inner", keys=["move", "usd"]
    )
    if both.empty:
        raise DataError(f"liquidity of {name}: no day has both a return and a volume")
    return Liquidity(
        name=name,
        position_usd=float(position_usd),
        daily_volume_usd=volume,
        daily_volatility=volatility,
        first=recent.index[0].date(),
        last=recent.index[-1].date(),
        impact=cost - fee - half_spread,
        trade_cost=cost,
        exit_days=position_usd / (EXIT_SHARE * volume),
        unbonding_days=unbonding_days,
        amihud_per_usd=float((both["move"] / both["usd"]).mean()),
        amihud_nobs=len(both),
        **costs,
    )


def _known_volumes(volumes_usd: pd.Series[float], name: str) -> pd.Series[float]:
    """Return the volumes there are, checked, labelled by UTC day."""
    index = volumes_usd.index
    if not isinstance(index, pd.DatetimeIndex) or not (
        index.is_monotonic_increasing and index.is_unique
    ):
        raise DataError(f"volume of {name}: the rows are not labelled by ascending days, each once")
    if index.tz is not None:
        index = index.tz_convert("UTC")
    known = volumes_usd.set_axis(index).dropna()
    wrong = known[~(np.isfinite(known) & (known >= 0))]
    if len(wrong):
        raise DataError(
            f"volume of {name}: {wrong.iloc[0]:g} USD on {wrong.index[0].date()}, but a volume is "
            "finite and not below zero"
        )
    return known


def _significant(value: float) -> str:
    """Return a number with two significant digits, never as a power of ten."""
    rounded = float(f"{value:.2g}")
    digits = np.format_float_positional(rounded, trim="-")
    return f"{rounded:,.0f}" if rounded >= 100 else str(digits)


def _cost(fraction: float) -> str:
    return "under 0.01 %" if 0 < fraction < 1e-4 else f"{100 * fraction:.2f} %"


def _days(days: float) -> str:
    if 0 < days < 0.1:
        return "under 0.1"
    return f"{days:.1f}" if days < 10 and days % 1 else f"{days:,.0f}"
