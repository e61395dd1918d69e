"""A day's rent and costs: reference values by hand, closed forms, and the monthly books."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.errors import DataError
from research.models.earnings import (
    LEVELS,
    Terms,
    break_evens,
    capital_charge,
    daily,
    grid,
    power_kwh,
    utilization_ranges,
)
from research.models.rig import DAYS_PER_MONTH, Rig

# Case G of the reference values: the card at 85 % of its 450 W, a better power supply.
RIG = Rig(
    gpu_count=1, gpu_usd=1_600, host_usd=400, resale_usd=1_400, selling_cost=0.1,
    load_w=0.85 * 450, idle_w=22, host_load_w=100, host_idle_w=60, psu_efficiency=0.92, pue=1.0,
    tariff_usd_per_kwh=0.187, fixed_usd_per_month=12, availability=1.0, repair_usd=300,
    failure_downtime_days=0,
)  # fmt: skip


def terms(**changes: Any) -> Terms:
    given: dict[str, Any] = {
        "rig": RIG, "platform_fee": 0.25, "repairs_per_year": 0.05, "capital_usd_per_day": 2.0,
    }  # fmt: skip
    return Terms(**given | changes)


@pytest.mark.parametrize(
    ("rate", "utilization", "gross"),
    [(0.20, 0.3, 1.44), (0.20, 1.0, 4.80), (0.35, 0.3, 2.52), (0.35, 1.0, 8.40),
     (0.60, 0.3, 4.32), (0.60, 1.0, 14.40)],
)  # fmt: skip
def test_gross_is_24_hours_times_rate_times_utilization(
    rate: float, utilization: float, gross: float
) -> None:
    assert daily(rate, utilization, terms()).gross_usd == pytest.approx(gross)


@pytest.mark.parametrize(
    ("tariff", "bills"),
    [(0.060, [0.32, 0.44, 0.57, 0.69]), (0.146, [0.77, 1.08, 1.38, 1.69]),
     (0.187, [0.99, 1.38, 1.77, 2.16]), (0.300, [1.58, 2.21, 2.84, 3.46])],
)  # fmt: skip
def test_electricity_of_a_day_is_the_reference_at_every_tariff(
    tariff: float, bills: list[float]
) -> None:
    day = daily(0.35, [0.3, 0.5, 0.7, 0.9], terms(), tariff_usd_per_kwh=tariff)

    assert day.power_usd == pytest.approx(bills, abs=0.006)


def test_three_to_seven_dollars_of_rent_leave_1_15_to_3_22_after_fee_and_power() -> None:
    found = utilization_ranges(3, 7, 0.35, terms())[0]
    assert found.low is not None
    assert found.high is not None
    day = daily(0.35, [found.low, found.high], terms())

    assert (found.low, found.high) == pytest.approx((0.357, 0.833), abs=5e-4)
    assert day.at("after_power") == pytest.approx([1.15, 3.22], abs=0.01)


def test_each_level_counts_one_more_cost() -> None:
    day = daily(0.35, 0.5, terms())

    costs = [day.fee_usd, day.power_usd, day.upkeep_usd, day.capital_usd]
    steps = -np.diff([float(day.at(level)) for level in LEVELS])
    assert steps == pytest.approx([float(cost) for cost in costs])


def test_a_day_without_customers_still_pays_idle_power_and_upkeep() -> None:
    day = daily(0.35, 0.0, terms())

    assert day.power_usd == pytest.approx(24 * 82 / 920 * 0.187)
    assert day.upkeep_usd == pytest.approx((12 + 0.05 / 12 * 300) / 30.4375)


def test_offline_hours_bring_no_rent_and_draw_idle_power() -> None:
    half = terms(rig=replace(RIG, availability=0.5))

    assert daily(0.35, 1.0, half).gross_usd == pytest.approx(daily(0.35, 0.5, terms()).gross_usd)
    assert power_kwh(half.rig, 1.0) == pytest.approx(float(power_kwh(RIG, 0.5)))


def test_a_slower_card_is_paid_less_by_the_hour() -> None:
    capped = terms(rig=replace(RIG, speed=0.9))

    assert daily(0.35, 0.5, capped).gross_usd == pytest.approx(0.9 * 24 * 0.5 * 0.35)


def test_capital_costs_what_an_annuity_of_its_present_value_pays() -> None:
    charge = capital_charge(
        RIG, n_months=36, discount_rate_per_year=0.15, resale_drift_per_year=-0.25
    )

    v = 1.15 ** (-1 / 12)
    annuity = (1 - v**36) / (1.15 ** (1 / 12) - 1)
    present = 2_000 - 1_400 * 0.75**3 * 0.9 * v**36
    assert charge == pytest.approx(present / annuity / DAYS_PER_MONTH)


def test_free_money_makes_capital_cost_its_loss_in_value() -> None:
    charge = capital_charge(RIG, n_months=1, discount_rate_per_year=0, resale_drift_per_year=0)

    assert charge * DAYS_PER_MONTH == pytest.approx(2_000 - 1_400 * 0.9)


def test_what_is_left_of_a_day_is_the_present_value_of_case_g_at_a_rate_that_stands_still() -> None:
    """Month by month: net of fee, power, fixed costs and repairs, then the card is sold."""
    rig = replace(RIG, load_w=450, psu_efficiency=0.9, tariff_usd_per_kwh=0.15)
    charge = capital_charge(
        rig, n_months=36, discount_rate_per_year=0.15, resale_drift_per_year=-0.25
    )
    case = terms(rig=rig, platform_fee=0.1, capital_usd_per_day=charge)
    left = float(daily(0.40, 0.6, case).at("after_capital"))

    npv, monthly = -2_000.0, 730.5 * 0.6 * 0.40 * 0.9 - 44.1709 - 12 - 300 * 0.05 / 12
    npv += sum(monthly * 1.15 ** (-month / 12) for month in range(1, 37))
    npv += 531.5625 * 1.15**-3
    annuity = sum(1.15 ** (-month / 12) for month in range(1, 37))
    assert left * DAYS_PER_MONTH * annuity == pytest.approx(npv, abs=0.01)


def test_dead_cards_are_bought_again_at_the_resale_price_of_their_month() -> None:
    plain, replaced = (
        capital_charge(
            RIG, n_months=2, discount_rate_per_year=0, resale_drift_per_year=0,
            replacements_per_year=times,
        )
        for times in (0.0, 0.6)
    )  # fmt: skip

    assert (replaced - plain) * DAYS_PER_MONTH == pytest.approx(0.05 * 1_400)


def test_a_grid_has_every_combination_in_its_own_cell() -> None:
    left = grid([0.3, 0.9], [0.2, 0.35, 0.6], [0.06, 0.3], terms()).at("after_power")

    assert left.shape == (2, 3, 2)
    alone = daily(0.35, 0.9, terms(), tariff_usd_per_kwh=0.3).at("after_power")
    assert left[1, 1, 1] == pytest.approx(float(alone))


@given(rate=st.floats(0.2, 3.0), fee=st.floats(0, 0.4), tariff=st.floats(0, 0.25))
def test_at_a_break_even_nothing_is_left(rate: float, fee: float, tariff: float) -> None:
    case = terms(rig=replace(RIG, tariff_usd_per_kwh=tariff), platform_fee=fee)

    for found in break_evens(rate, 0.5, case):
        assert found.rate_usd_per_hour is not None
        assert found.tariff_usd_per_kwh is not None
        paid = daily(found.rate_usd_per_hour, 0.5, case)
        assert paid.at(found.level) == pytest.approx(0, abs=1e-9)
        if found.tariff_usd_per_kwh >= 0:
            billed = daily(rate, 0.5, case, tariff_usd_per_kwh=found.tariff_usd_per_kwh)
            assert billed.at(found.level) == pytest.approx(0, abs=1e-9)
        if found.utilization is not None and found.utilization <= 1:
            rented = daily(rate, found.utilization, case)
            assert rented.at(found.level) == pytest.approx(0, abs=1e-9)


def test_no_utilization_helps_where_an_hour_brings_less_than_its_power_costs() -> None:
    gross, *_, after_capital = utilization_ranges(3, 7, 0.05, terms())

    assert after_capital.low is None
    assert not after_capital.is_possible
    assert gross.low == pytest.approx(2.5)
    assert not gross.is_possible


@given(utilization=st.floats(0, 1), cost=st.floats(0, 1))
def test_more_costs_never_leave_more(utilization: float, cost: float) -> None:
    dearer = terms(rig=replace(RIG, tariff_usd_per_kwh=0.187 + cost), platform_fee=0.25 + cost / 2)

    for level in LEVELS:
        left = daily(0.35, utilization, terms()).at(level)
        assert daily(0.35, utilization, dearer).at(level) <= left + 1e-12


@pytest.mark.parametrize(
    ("rate", "utilization", "tariff", "said"),
    [(0.35, 60, 0.1, "60 % is 0.60"), (0.35, -0.1, 0.1, "a fraction from 0 to 1"),
     (0.35, float("nan"), 0.1, "a fraction"), (-0.35, 0.6, 0.1, "a rate of -0.35"),
     (0.35, 0.6, -0.1, "a tariff of -0.1")],
)  # fmt: skip
def test_what_cannot_be_is_refused(
    rate: float, utilization: float, tariff: float, said: str
) -> None:
    with pytest.raises(DataError, match=said):
        daily(rate, utilization, terms(), tariff_usd_per_kwh=tariff)


def test_a_fee_in_percent_and_a_claim_upside_down_and_no_horizon_are_refused() -> None:
    with pytest.raises(DataError, match="platform fee of 25"):
        terms(platform_fee=25)
    with pytest.raises(DataError, match="not above"):
        utilization_ranges(7, 3, 0.35, terms())
    with pytest.raises(DataError, match="at least 1"):
        capital_charge(RIG, n_months=0, discount_rate_per_year=0, resale_drift_per_year=0)
