from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.errors import DataError, InsufficientDataError, UsageError
from research.models.drawdowns import drawdowns
from research.models.returns import drawdown, risk

prices_of_days = st.lists(st.floats(0.01, 1_000), min_size=1, max_size=60)


def closes(values: Sequence[float]) -> pd.Series[float]:
    days = pd.date_range("2024-01-01", periods=len(values), freq="D", tz="UTC")
    return pd.Series(np.asarray(values, dtype=float), index=days, name="AKT")


def january(day: int) -> dt.date:
    return dt.date(2024, 1, day)


def test_a_fall_runs_from_the_peak_down_to_the_trough_and_back_to_the_peak() -> None:
    (one,) = drawdowns(closes([100, 120, 90, 60, 80, 150])).episodes
    assert (one.peak_day, one.trough_day, one.recovery_day) == (january(2), january(4), january(6))
    assert one.depth == -0.5
    assert (one.days_down, one.days_back, one.days_under_water) == (2, 2, 4)


def test_a_fall_that_has_not_recovered_has_no_recovery_day() -> None:
    (one,) = drawdowns(closes([100, 80, 60, 70])).episodes
    assert (one.peak_day, one.trough_day, one.recovery_day) == (january(1), january(3), None)
    assert one.days_back is None
    assert one.days_under_water == 3
    assert drawdowns(closes([100, 80, 60, 70])).now == pytest.approx(-0.3)


def test_a_second_fall_before_the_price_is_back_belongs_to_the_first() -> None:
    found = drawdowns(closes([100, 50, 99, 40, 100, 90]))
    assert found.n_episodes == 2
    assert [one.depth for one in found.episodes] == pytest.approx([-0.6, -0.1])


def test_the_deepest_come_first_and_of_equal_ones_the_earlier() -> None:
    found = drawdowns(closes([100, 90, 100, 50, 100, 90, 100]), deepest=2)
    assert [one.trough_day for one in found.episodes] == [january(4), january(2)]
    assert found.n_episodes == 3


def test_many_equal_falls_keep_their_order() -> None:
    found = drawdowns(closes([100, 75] * 60), deepest=3)
    assert [one.trough_day for one in found.episodes] == [january(2), january(4), january(6)]


def test_the_last_of_several_days_at_the_peak_begins_the_fall() -> None:
    (one,) = drawdowns(closes([100, 100, 80, 100, 100])).episodes
    assert (one.peak_day, one.recovery_day) == (january(2), january(4))


def test_days_are_counted_on_the_calendar_across_a_gap() -> None:
    prices = closes([100, 50, 60, 70, 100]).drop(pd.Timestamp("2024-01-03", tz="UTC"))
    (one,) = drawdowns(prices).episodes
    assert (one.days_down, one.days_back) == (1, 3)


def test_a_price_that_only_rises_has_no_fall() -> None:
    found = drawdowns(closes([1, 2, 3]))
    assert (found.episodes, found.n_episodes, found.under_water, found.now) == ((), 0, 0, 0)
    assert found.summary().empty


def test_one_price_has_no_fall() -> None:
    assert drawdowns(closes([1])).episodes == ()


@given(prices_of_days)
def test_falls_do_not_overlap_and_cover_every_day_below_a_high(values: list[float]) -> None:
    prices = closes(values)
    found = drawdowns(prices, deepest=100)
    in_time = sorted(found.episodes, key=lambda one: one.peak_day)
    assert all(
        one.recovery_day is not None and one.recovery_day <= other.peak_day
        for one, other in pairwise(in_time)
    )
    inside = sum(
        one.days_under_water - (one.recovery_day is not None) for one in found.episodes
    )  # days after the peak and before the recovery
    assert inside == (drawdown(prices) < 0).sum() == round(found.under_water * len(values))


@given(prices_of_days)
def test_the_deepest_fall_is_the_maximum_drawdown(values: list[float]) -> None:
    found = drawdowns(closes(values))
    deepest = found.episodes[0].depth if found.episodes else 0
    assert deepest == drawdown(closes(values)).min()


def test_the_deepest_fall_of_the_sp500_is_that_of_risk_with_its_days() -> None:
    from arch.data import sp500

    prices = sp500.load()["Adj Close"]
    worst, dotcom = drawdowns(prices, deepest=2).episodes
    measured = risk(prices, periods_per_year=252, replications=1)
    assert worst.depth == measured.max_drawdown
    assert (worst.peak_day, worst.trough_day, worst.recovery_day) == (
        measured.peak_day,
        measured.trough_day,
        measured.recovery_day,
    )
    assert (dotcom.peak_day, dotcom.trough_day) == (dt.date(2000, 3, 24), dt.date(2002, 10, 9))


def test_the_summary_is_a_row_a_fall() -> None:
    rows = drawdowns(closes([100, 120, 90, 60, 80, 150, 120])).summary()
    assert rows.to_dict("records") == [
        {
            "Peak": "2024-01-02",
            "Trough": "2024-01-04",
            "Back at the peak": "2024-01-06",
            "Depth": "-50.0 %",
            "Days down": "2",
            "Days back": "2",
        },
        {
            "Peak": "2024-01-06",
            "Trough": "2024-01-07",
            "Back at the peak": "not yet",
            "Depth": "-20.0 %",
            "Days down": "1",
            "Days back": "–",
        },
    ]


def test_what_is_no_series_of_prices_is_refused() -> None:
    with pytest.raises(DataError, match="AKT: the price of 2024-01-02 is -1"):
        drawdowns(closes([1, -1]))
    with pytest.raises(InsufficientDataError, match="prices of AKT: 0 prices"):
        drawdowns(closes([]))
    with pytest.raises(UsageError, match="deepest is 0"):
        drawdowns(closes([1, 2]), deepest=0)
