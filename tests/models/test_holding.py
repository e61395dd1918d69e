from __future__ import annotations

import numpy as np
import pytest

from research.models.holding import hold, hold_cash


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
