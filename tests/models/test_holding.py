from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from research.errors import DataError, UsageError
from research.models.holding import basket, hold, hold_cash, real_yield, staked


def test_a_dollar_held_grows_with_the_price_less_the_cost_of_two_trades() -> None:
    growth = np.array([[1.0, 1.0], [2.0, 0.5], [3.0, 0.1]])
    wealth = hold(growth, trade_cost=0.01)
    np.testing.assert_allclose(wealth, growth * 0.9801)


def test_on_day_0_a_token_is_worth_what_it_would_fetch() -> None:
    assert hold(np.ones((1, 1)), trade_cost=0.0025)[0, 0] == pytest.approx(0.99500625)


def test_without_a_cost_wealth_is_the_price_and_nothing_is_taken_off_for_dilution() -> None:
    growth = np.array([[1.0], [1.5], [0.0]])
    np.testing.assert_array_equal(hold(growth, trade_cost=0.0), growth)


def test_t_bills_pay_their_yield_by_the_year_on_every_path() -> None:
    wealth = hold_cash(24, yield_per_year=0.04)
    assert wealth.shape == (25, 1)
    assert wealth[[0, 6, 12, 24], 0] == pytest.approx([1, 1.04**0.5, 1.04, 1.04**2])


def test_a_yield_of_0_keeps_the_dollar() -> None:
    assert (hold_cash(3, yield_per_year=0.0) == 1).all()


def test_a_staked_token_earns_a_365th_of_its_yield_each_day_on_what_it_has_become() -> None:
    tokens = staked(12, yield_per_year=0.2, commission=0.05)
    assert tokens.shape == (13, 1)
    assert tokens[0, 0] == 1
    assert tokens[12, 0] == pytest.approx((1 + 0.19 / 365) ** 365)
    assert tokens[6, 0] == pytest.approx(tokens[12, 0] ** 0.5)


def test_staking_without_a_yield_or_with_all_of_it_kept_leaves_the_tokens_as_they_were() -> None:
    assert (staked(3, yield_per_year=0.0, commission=0.1) == 1).all()
    assert (staked(3, yield_per_year=0.2, commission=1.0) == 1).all()


def test_a_staked_dollar_is_ahead_of_a_held_one_by_its_rewards_on_every_path() -> None:
    growth = np.array([[1.0, 1.0], [2.0, 0.5], [3.0, 0.1]])
    tokens = staked(2, yield_per_year=0.1, commission=0.0)
    ahead = hold(growth * tokens, trade_cost=0.01) / hold(growth, trade_cost=0.01)
    np.testing.assert_allclose(ahead, np.repeat(tokens, 2, axis=1))


@pytest.mark.parametrize(
    ("yield_per_year", "commission"), [(-0.1, 0.0), (0.1, -0.1), (0.1, 5.0), (float("nan"), 0.0)]
)
def test_a_yield_below_0_and_a_commission_in_percent_are_refused(
    yield_per_year: float, commission: float
) -> None:
    with pytest.raises(UsageError, match="staking: yield"):
        staked(1, yield_per_year=yield_per_year, commission=commission)


def test_the_real_yield_of_akash_in_june_2024_was_under_1_percent() -> None:
    # 20 % of rewards at 19 % of inflation: 1.20 / 1.19 - 1
    assert real_yield(0.20, 0.0, 0.19) == pytest.approx(0.00840336)


@given(st.floats(0, 3), st.floats(0, 1))
def test_a_staker_stands_still_where_inflation_is_the_net_yield(
    yield_per_year: float, commission: float
) -> None:
    inflation = yield_per_year * (1 - commission)
    assert real_yield(yield_per_year, commission, inflation) == pytest.approx(0)


def test_an_inflation_that_leaves_no_supply_is_refused() -> None:
    with pytest.raises(UsageError, match="leaves no supply"):
        real_yield(0.1, 0.0, -1.0)


def test_a_basket_is_bought_once_so_its_winner_comes_to_weigh_most() -> None:
    one, other = np.array([[1.0], [2.0], [4.0]]), np.array([[1.0], [0.5], [0.0]])
    # rebalanced each month it would be 1, 1.25, 1.25 * (2 + 0) / 2
    np.testing.assert_allclose(basket([one, other]), [[1.0], [1.25], [2.0]])


@given(arrays(np.float64, (3, 4, 5), elements=st.floats(0, 10)))
def test_a_basket_lies_between_its_best_and_its_worst_token_on_every_path(
    growths: NDArray[np.float64],
) -> None:
    mixed = basket(list(growths))
    assert (mixed <= growths.max(axis=0) + 1e-12).all()
    assert (mixed >= growths.min(axis=0) - 1e-12).all()


def test_a_basket_of_one_token_is_that_token() -> None:
    growth = np.array([[1.0, 1.0], [2.0, 0.5]])
    np.testing.assert_array_equal(basket([growth]), growth)


def test_a_basket_of_nothing_or_of_unlike_months_is_refused() -> None:
    with pytest.raises(DataError, match=r"found shapes \[\]"):
        basket([])
    with pytest.raises(DataError, match=r"\(2, 1\), \(3, 1\)"):
        basket([np.ones((3, 1)), np.ones((2, 1))])
