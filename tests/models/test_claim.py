"""A claim is judged at the assumed day, and at every rate, utilization and tariff shown."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from research.errors import UsageError
from research.models.claim import ClaimQuestion, VenueRate, Verdict, judge
from research.models.earnings import LEVELS, Terms, daily
from tests.questions import RIG

TERMS = Terms(rig=RIG, platform_fee=0.25, repairs_per_year=0.025, capital_usd_per_day=3.0)
QUESTION = ClaimQuestion(
    gpu="RTX 4090", low_usd_per_day=3, high_usd_per_day=7, rate_usd_per_hour=0.35,
    rate_low_usd_per_hour=0.22, rate_high_usd_per_hour=0.62, utilization=0.5, terms=TERMS,
    n_months=36,
    venues=(
        VenueRate(venue="Open market", rate_usd_per_hour=0.35, platform_fee=0.25),
        VenueRate(venue="Akash", rate_usd_per_hour=0.30, platform_fee=0.0),
        VenueRate(venue="Render", rate_usd_per_hour=0.24, platform_fee=0.0, is_after_fee=True),
    ),
    tariffs={"Texas": 0.15, "Hawaii": 0.39},
)  # fmt: skip


def cell(verdict: Verdict, venue: str, utilization: float, level: str) -> float:
    rows = verdict.by_venue
    [value] = rows.loc[rows["venue"].eq(venue) & rows["utilization"].eq(utilization), level]
    return float(value)


def question(**changes: Any) -> ClaimQuestion:
    return replace(QUESTION, **changes)


def test_the_claim_is_true_of_the_rent_and_not_of_what_is_left() -> None:
    verdict = judge(QUESTION)

    assert verdict.place("gross") == "within"
    assert verdict.place("after_capital") == "below"
    assert verdict.left("gross") == pytest.approx(24 * 0.5 * RIG.availability * 0.35)


def test_a_dearer_card_brings_more_than_is_claimed() -> None:
    assert judge(question(rate_usd_per_hour=3.0, rate_high_usd_per_hour=3.0)).place("gross") == (
        "above"
    )


def test_the_ends_of_a_range_leave_just_what_is_claimed() -> None:
    found = judge(QUESTION).range("after_fee")
    assert found.low is not None

    assert daily(0.35, found.low, TERMS).at("after_fee") == pytest.approx(3)


def test_every_venue_is_judged_at_its_own_rate_and_fee() -> None:
    verdict = judge(QUESTION)

    own = daily(0.30, 0.7, replace(TERMS, platform_fee=0.0))
    assert cell(verdict, "Akash", 0.7, "after_power") == pytest.approx(float(own.at("after_power")))
    assert len(verdict.by_venue) == 12


def test_of_what_is_earned_after_the_fee_the_rent_is_not_known() -> None:
    verdict = judge(QUESTION)

    assert math.isnan(cell(verdict, "Render", 0.5, "gross"))
    expected = 24 * 0.5 * RIG.availability * 0.24
    assert cell(verdict, "Render", 0.5, "after_fee") == pytest.approx(expected)


def test_each_cell_of_the_tariff_table_is_the_day_of_its_row_and_column() -> None:
    verdict = judge(QUESTION)

    day = daily(0.62, 0.9, TERMS, tariff_usd_per_kwh=0.39)
    shown = verdict.by_tariff[0.9]["Hawaii", "high"]
    assert shown == pytest.approx(float(day.at("after_power")))
    assert verdict.power[0.9]["Hawaii"] == pytest.approx(float(day.power_usd))


def test_the_bill_changes_with_the_tariff_and_the_rent_with_the_rate() -> None:
    verdict = judge(QUESTION)

    assert verdict.bills["Hawaii"] / verdict.bills["Texas"] == pytest.approx(0.39 / 0.15)
    assert verdict.gross_by_rate["high"] / verdict.gross_by_rate["low"] == pytest.approx(62 / 22)


def test_without_any_venue_the_table_is_empty_and_keeps_its_columns() -> None:
    table = judge(question(venues=())).by_venue

    assert table.empty
    assert {"venue", "utilization", *LEVELS} <= {*table.columns}


def test_a_claim_whose_amounts_are_in_the_wrong_order_is_refused() -> None:
    with pytest.raises(UsageError, match="the lower amount comes first"):
        question(low_usd_per_day=7, high_usd_per_day=3)
