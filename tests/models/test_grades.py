"""Each grade begins where its table says, and names both sides where its interval crosses."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.errors import DataError, UsageError
from research.models.grades import AXES, LEVELS, grade, grade_liquidity, overall
from research.models.resampling import Interval


@pytest.mark.parametrize(
    ("axis", "statistics"),
    [  # one of each grade, low to very high; then both sides of each threshold
        ("market", (0.149, 0.15, 0.349, 0.35, 0.60, 0.601)),
        ("drawdown", (0.099, 0.10, 0.299, 0.30, 0.60, 0.601)),
        ("income", (0.19, 0.2, 0.49, 0.5, 1.0, 1.01)),
        ("operations", (0.019, 0.02, 0.059, 0.06, 0.15, 0.151)),
        ("payout-token", (0.049, 0.05, 0.249, 0.25, 0.60, 0.601)),
        ("concentration", (0.099, 0.10, 0.249, 0.25, 0.50, 0.501)),
        ("contract", (0, 1, 1, 2, 2, 3)),
    ],
)
def test_each_grade_begins_at_its_threshold(axis: str, statistics: tuple[float, ...]) -> None:
    found = [grade(axis, statistic).grade for statistic in statistics]
    assert found == ["low", "medium", "medium", "high", "high", "very high"]


@pytest.mark.parametrize(
    ("days", "haircut", "expected"),
    [
        (0.5, 0.001, "low"),
        (0.5, 0.04, "medium"),  # quick, at a price
        (7, 0.05, "medium"),
        (8, 0.0, "high"),  # at full price, slowly
        (0.5, 0.20, "high"),
        (31, 0.0, "very high"),
        (0.5, 0.21, "very high"),
    ],
)
def test_getting_out_is_graded_by_the_worse_of_time_and_price(
    days: float, haircut: float, expected: str
) -> None:
    assert grade_liquidity(days, haircut).grade == expected


def test_there_are_the_eight_axes_of_the_convention() -> None:
    assert list(AXES) == [
        "market", "drawdown", "income", "liquidity", "operations", "payout-token",
        "concentration", "contract",
    ]  # fmt: skip


def test_an_interval_that_crosses_a_threshold_gives_both_grades() -> None:
    assert grade("market", 0.33, Interval(0.30, 0.37)).grade == "medium-high"
    assert grade("market", 0.33, Interval(0.30, 0.34)).grade == "medium"
    assert grade("market", 0.55, Interval(0.30, 0.70)).grade == "medium-very high"


def test_the_interval_of_either_statistic_of_liquidity_may_cross() -> None:
    found = grade_liquidity(14, 0.10, Interval(5, 20), Interval(0.08, 0.30))
    assert found.grade == "high-very high"  # the price alone is that, the time medium-high


def test_an_unknown_concentration_is_very_high_because_it_is_unknown() -> None:
    found = grade("concentration", None)
    assert (found.grade, found.statistic, found.measured) == ("very high", None, "unknown")


def test_an_income_whose_mean_is_not_above_zero_is_very_high() -> None:
    found = grade("income", None)
    assert found.grade == "very high"
    assert "not above zero" in found.words


def test_an_income_that_is_negative_in_some_worlds_has_an_interval_without_end() -> None:
    found = grade("income", 0.7, Interval(0.4, math.inf))
    assert found.grade == "medium-very high"
    assert found.measured == "0.7 (0.4 to no end)"


def test_a_gain_in_the_worst_futures_is_a_low_risk() -> None:
    assert grade("market", -0.02).grade == "low"


def test_a_grade_says_statistic_interval_and_thresholds_with_their_units() -> None:
    found = grade("market", 0.93, Interval(0.9, 0.95))
    assert found.words == (
        "Mean loss in the worst 5 % of futures after 12 months: 93 % (90 % to 95 %); medium from "
        "15 %, high from 35 %, very high above 60 %."
    )
    assert "medium from 1 day, high above 7 days" in grade_liquidity(14, 0.1).words
    assert grade("contract", 3).measured == "3"


@given(st.sampled_from([key for key in AXES if key != "liquidity"]), st.floats(0, 5),
       st.floats(0, 5))  # fmt: skip
def test_a_larger_statistic_never_has_a_lower_grade(axis: str, one: float, other: float) -> None:
    low, high = sorted([one, other])
    assert LEVELS.index(grade(axis, low).grade) <= LEVELS.index(grade(axis, high).grade)


def test_return_risk_is_the_worst_of_three_axes_and_operations_stand_apart() -> None:
    found = overall(
        [
            grade("market", 0.40),
            grade("drawdown", 0.20),
            grade("income", 0.3),
            grade("operations", 0.20),
            grade("concentration", None),
        ]
    )
    assert (found.return_risk, found.because_of) == ("high", ("market",))
    assert found.operations == "very high"


def test_the_worst_of_grades_that_cross_takes_the_worse_end_of_each() -> None:
    crossing = grade("market", 0.36, Interval(0.30, 0.40))  # medium-high
    assert overall([crossing, grade("drawdown", 0.2)]).return_risk == "medium-high"
    found = overall([crossing, grade("drawdown", 0.4)])
    assert (found.return_risk, found.because_of) == ("high", ("market", "drawdown"))


def test_what_is_only_held_has_neither_income_nor_operations() -> None:
    found = overall([grade("market", 0.9), grade("drawdown", 0.7)])
    assert (found.return_risk, found.operations) == ("very high", None)


def test_what_cannot_be_graded_is_refused() -> None:
    with pytest.raises(UsageError, match="no axis 'weather'"):
        grade("weather", 1.0)
    with pytest.raises(UsageError, match="accepted are market"):
        grade("liquidity", 3.0)
    with pytest.raises(UsageError, match="market has no statistic"):
        grade("market", None)
    with pytest.raises(DataError, match=r"drawdown cannot be -0\.1"):
        grade("drawdown", -0.1)
    with pytest.raises(DataError, match="market cannot be nan"):
        grade("market", math.nan)
    with pytest.raises(DataError, match=r"market cannot be 0\.5"):
        grade("market", 0.5, Interval(0.4, math.inf))
    with pytest.raises(DataError, match="reversed"):
        grade("market", 0.5, Interval(0.6, 0.4))
    with pytest.raises(UsageError, match="graded twice"):
        overall([grade("market", 0.5), grade("market", 0.6)])
    with pytest.raises(UsageError, match="one of market, drawdown, income is needed"):
        overall([grade("contract", 1)])
