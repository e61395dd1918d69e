"""Weeks without a look ahead: what is summed, taken, missing and refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from research.errors import DataError, InsufficientDataError
from research.models.demand.pairs import align

DAYS = pd.date_range("2024-01-01", periods=140)  # a Monday; 20 whole weeks


@pytest.fixture
def price() -> pd.Series[float]:
    return pd.Series(np.exp(0.03 * np.random.default_rng(1).standard_normal(140).cumsum()), DAYS)


@pytest.fixture
def hours() -> pd.Series[float]:
    return pd.Series(np.arange(140.0) + 100, DAYS, name="hours")


def test_a_flow_is_the_sum_of_its_week_and_a_price_its_last_close(price: Any, hours: Any) -> None:
    pairs = align(price, hours, nature="flow")
    assert pairs.demand.iloc[0] == sum(range(100, 107))
    assert pairs.price.iloc[0] == price.iloc[6]
    assert len(pairs.price) == 20
    assert pairs.nobs == 19


def test_six_of_seven_days_are_rescaled_and_five_are_missing(price: Any, hours: Any) -> None:
    hours.iloc[10] = np.nan
    hours.iloc[[15, 16]] = np.nan
    demand = align(price, hours, nature="flow").demand
    assert demand.iloc[1] == pytest.approx((sum(range(107, 114)) - 110) * 7 / 6)
    assert np.isnan(demand.iloc[2])


def test_a_missing_week_stays_missing_and_is_counted(price: Any, hours: Any) -> None:
    hours.iloc[14:21] = np.nan
    pairs = align(price, hours, nature="flow")
    assert len(pairs.price) == 20
    assert pairs.lost == 2
    assert pairs.demand_growth.isna().sum() == 3


def test_a_share_without_activity_is_differenced_on_the_logit(price: Any) -> None:
    use = pd.Series(np.linspace(0, 1, 140), DAYS, name="utilization")
    level = align(price, use, nature="ratio").demand_level
    assert level.iloc[-1] == pytest.approx(np.log(0.995 / 0.005))


def test_percent_given_for_a_share_is_refused(price: Any) -> None:
    with pytest.raises(DataError, match="a fraction and not a percent"):
        align(price, pd.Series(np.linspace(1, 80, 140), DAYS, name="use"), nature="ratio")


def test_a_price_of_zero_and_a_negative_demand_are_refused(price: Any, hours: Any) -> None:
    with pytest.raises(DataError, match="negative demand"):
        align(price, hours - 150, nature="flow")
    price.iloc[5] = 0
    with pytest.raises(DataError, match="zero or negative"):
        align(price, hours, nature="flow")


def test_too_many_zeros_are_refused(price: Any, hours: Any) -> None:
    hours.iloc[:21] = 0
    with pytest.raises(InsufficientDataError, match="periods above zero"):
        align(price, hours, nature="flow")


def test_what_is_known_a_day_later_forecasts_two_weeks_ahead(price: Any, hours: Any) -> None:
    assert align(price, hours, nature="flow").forecast_lag == 2
    assert align(price, hours, nature="flow", publication_lag_days=0).forecast_lag == 1
    assert align(price, hours, nature="flow", publication_lag_days=45).forecast_lag == 8


def test_a_session_on_friday_counts_for_the_sunday_after(price: Any, hours: Any) -> None:
    sessions = pd.Series(np.arange(1.0, 141), DAYS)[DAYS.day_of_week < 5]
    pairs = align(price, hours, nature="flow", factors=sessions.to_frame("nvda"),
                  sessions=("nvda",))  # fmt: skip
    assert pairs.factors["nvda"].iloc[1] == pytest.approx(np.log(12 / 5))


def test_a_count_since_the_beginning_becomes_a_flow(price: Any, hours: Any) -> None:
    pairs = align(price, hours.cumsum(), nature="cumulative")
    assert pairs.demand.iloc[1] == sum(range(107, 114))
