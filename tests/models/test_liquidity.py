from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.errors import DataError, InfeasibleError, InsufficientDataError, UsageError
from research.models.liquidity import Liquidity, liquidity, trade_cost

MARKET = {"fee": 0.001, "half_spread": 0.0015}


def days(values: Any, start: str = "2024-01-01") -> pd.Series[float]:
    index = pd.date_range(start, periods=len(values), freq="D", tz="UTC")
    return pd.Series(np.asarray(values, dtype=float), index=index, name="AKT")


def closes(n_days: int = 61, seed: int = 3, volatility: float = 0.05) -> pd.Series[float]:
    moves = np.random.default_rng(seed).normal(0, volatility, n_days - 1)
    return days(2 * np.exp(np.concatenate([[0], np.cumsum(moves)])))


def measured(
    prices: pd.Series[float] | None = None,
    volumes: pd.Series[float] | None = None,
    position_usd: float = 10_000,
    **others: float,
) -> Liquidity:
    return liquidity(
        closes() if prices is None else prices,
        days(np.full(61, 1e6)) if volumes is None else volumes,
        position_usd=position_usd,
        **MARKET | others,
    )


# The square-root law


def test_a_trade_costs_half_the_spread_the_fee_and_volatility_times_the_root_of_its_share() -> None:
    # 10,000 USD in a market of 1,000,000 a day that moves 6 % a day: 0.15 + 0.10 + 6 * 0.1 %
    cost = trade_cost(10_000, daily_volume_usd=1e6, daily_volatility=0.06, **MARKET)
    assert cost == pytest.approx(0.0085)


def test_four_times_the_position_moves_the_price_twice_as_far() -> None:
    once, fourfold = (
        trade_cost(size, daily_volume_usd=1e6, daily_volatility=0.06, fee=0, half_spread=0)
        for size in (1_000, 4_000)
    )
    assert fourfold == pytest.approx(2 * once)


def test_a_trade_of_nothing_moves_nothing() -> None:
    cost = trade_cost(0, daily_volume_usd=1e6, daily_volatility=0.06, **MARKET)
    assert cost == pytest.approx(0.0025)


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(1e5, 1e9), st.floats(0, 0.2))
def test_a_larger_trade_never_costs_a_smaller_share(
    one: float, other: float, volume: float, volatility: float
) -> None:
    small, large = (
        trade_cost(size, daily_volume_usd=volume, daily_volatility=volatility, **MARKET)
        for size in sorted((one, other))
    )
    assert small <= large


def test_a_trade_that_the_law_would_take_whole_is_refused() -> None:
    with pytest.raises(InfeasibleError, match="would cost all of it"):
        trade_cost(1e6, daily_volume_usd=100, daily_volatility=0.05, **MARKET)


@pytest.mark.parametrize(
    "wrong",
    [
        {"position_usd": -1.0},
        {"position_usd": float("inf")},
        {"daily_volume_usd": 0.0},
        {"daily_volatility": -0.1},
        {"daily_volatility": float("nan")},
        {"fee": 10.0},
        {"half_spread": -0.001},
        {"impact": -1.0},
    ],
)
def test_what_cannot_be_a_size_a_fee_or_a_market_is_refused(wrong: dict[str, float]) -> None:
    right = {"position_usd": 1e4, "daily_volume_usd": 1e6, "daily_volatility": 0.06, **MARKET}
    with pytest.raises(UsageError, match=r"trade cost: .*accepted"):
        trade_cost(**right | wrong)


# Measured on a market


def test_cost_and_exit_follow_from_the_last_30_days_of_prices_and_volumes() -> None:
    prices = closes()
    volumes = days(np.concatenate([np.full(31, 1e9), np.arange(1, 31) * 1e5]))
    found = measured(prices, volumes, unbonding_days=21)

    returns = (prices / prices.shift() - 1).iloc[-30:]
    assert found.daily_volume_usd == 1.55e6  # median of 0.1, 0.2 ... 3.0 million
    assert found.daily_volatility == pytest.approx(returns.std())
    assert found.impact == pytest.approx(returns.std() * (1e4 / 1.55e6) ** 0.5)
    assert found.trade_cost == pytest.approx(0.0025 + found.impact)
    assert found.exit_days == pytest.approx(1e4 / 1.55e5)
    assert found.days_to_cash == pytest.approx(21 + 1e4 / 1.55e5)
    assert (found.first, found.last) == (dt.date(2024, 2, 1), dt.date(2024, 3, 1))


def test_amihud_is_the_mean_move_per_dollar_over_the_days_that_have_both() -> None:
    prices = closes(40)
    volumes = days(np.arange(1, 41) * 1e5).drop(pd.Timestamp("2024-01-05", tz="UTC"))
    moves = (prices / prices.shift() - 1).abs()
    each = [moves.iloc[at] / ((at + 1) * 1e5) for at in range(1, 40) if at != 4]

    found = measured(prices, volumes)

    assert found.amihud_nobs == 38  # no return on the first day, no volume on the fifth
    assert found.amihud_per_usd == pytest.approx(np.mean(each))


def test_a_day_without_a_trade_counts_in_the_volume_and_not_in_amihud() -> None:
    volumes = days(np.full(61, 1e6))
    volumes.iloc[-10:] = 0
    found = measured(volumes=volumes)
    assert found.daily_volume_usd == 1e6
    assert found.amihud_nobs == 50


def test_missing_volumes_are_left_out_and_never_zero() -> None:
    volumes = days(np.full(61, 1e6))
    volumes.iloc[-20:] = np.nan
    found = measured(volumes=volumes)
    assert found.daily_volume_usd == 1e6
    assert found.last == dt.date(2024, 2, 10)


@given(st.floats(0.01, 100))
def test_twice_the_volume_halves_exit_and_amihud_whatever_the_scale(scale: float) -> None:
    one, twice = (measured(volumes=days(np.full(61, 1e6 * scale * k))) for k in (1, 2))
    assert twice.exit_days == pytest.approx(one.exit_days / 2)
    assert twice.amihud_per_usd == pytest.approx(one.amihud_per_usd / 2)


def test_29_days_of_volume_are_too_few_and_30_are_enough() -> None:
    assert measured(volumes=days(np.full(30, 1e6))).daily_volume_usd == 1e6
    with pytest.raises(InsufficientDataError, match="liquidity of AKT: 29 days of volume, 30"):
        measured(volumes=days(np.full(29, 1e6)))


def test_29_returns_are_too_few_too() -> None:
    with pytest.raises(InsufficientDataError, match="29 daily returns, 30 needed"):
        measured(closes(30))


def test_a_price_that_never_moves_is_a_placeholder_and_has_no_volatility() -> None:
    with pytest.raises(InsufficientDataError, match="liquidity of AKT: 1 different return"):
        measured(days(np.full(61, 2.0)))


def test_a_token_that_hardly_trades_cannot_be_sold() -> None:
    volumes = days(np.zeros(61))
    volumes.iloc[::3] = 1e6
    with pytest.raises(InfeasibleError, match="nothing was traded"):
        measured(volumes=volumes)


@pytest.mark.parametrize("wrong", [-1.0, float("inf")])
def test_a_volume_that_cannot_be_true_is_refused(wrong: float) -> None:
    volumes = days(np.full(61, 1e6))
    volumes.iloc[7] = wrong
    with pytest.raises(DataError, match=r"volume of AKT: .* on 2024-01-08"):
        measured(volumes=volumes)


def test_volumes_of_other_days_than_the_prices_are_refused() -> None:
    with pytest.raises(DataError, match="no day has both"):
        measured(volumes=days(np.full(61, 1e6), start="2020-01-01"))


def test_volumes_out_of_order_are_refused() -> None:
    with pytest.raises(DataError, match="volume of AKT: the rows are not labelled by ascending"):
        measured(volumes=days(np.full(61, 1e6)).iloc[::-1])


def test_negative_days_of_unbonding_are_refused() -> None:
    with pytest.raises(UsageError, match="unbonding days"):
        measured(unbonding_days=-1)


def test_the_summary_says_each_figure_with_its_unit() -> None:
    lines = measured(volumes=days(np.full(61, 1.234e6)), unbonding_days=21).summary()
    assert lines.name == "AKT"
    assert lines["Position"] == "10,000 USD"
    assert lines["Volume a day"] == "1,200,000 USD"
    assert lines["Fee"] == "0.10 %"
    assert lines["Days to sell"] == "under 0.1"
    assert lines["Days until unstaked"] == "21"


def test_what_is_tiny_is_not_written_as_a_power_of_ten_or_as_nothing() -> None:
    lines = measured(volumes=days(np.full(61, 1.9e10)), position_usd=200).summary()
    assert lines["Position in a day's volume"] == "0.0000011 %"
    assert lines["Price moved by the order"] == "under 0.01 %"
