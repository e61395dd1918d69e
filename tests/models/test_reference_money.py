"""Reference values of holding, renting and comparing that no other file pins down.

Known in closed form, published, or simulated to a stated error.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtrit, zeta

from research import catalogue
from research.models.appraisal import Appraisal, appraise
from research.models.bootstrap import fit_resampler
from research.models.comparison import compare
from research.models.grades import grade
from research.models.holding import hold
from research.models.regimes import Regimes
from research.models.rig import DAYS_PER_MONTH, HOURS_PER_MONTH, Policy, Rig, Venue
from research.models.risk_statistics import market_risk
from research.models.scenarios import Processes, simulate
from research.models.valuation import emission_schedule_tokens
from research.models.wealth import expected_shortfall, max_drawdown, sure_wealth
from tests.rentals import amounts, books, one_path, rigs

Floats = NDArray[np.float64]
CASH = Venue(payout="usd")
CASE_G = Venue(payout="usd", platform_fee=0.10)


def generator(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed)))


def probabilities(n: int) -> Floats:
    return np.asarray((np.arange(n) + 0.5) / n)


def judge(
    rig: Rig,
    processes: Processes,
    venue: Venue = CASE_G,
    *,
    n_months: int = 36,
    discount_rate_per_year: float = 0.15,
) -> Appraisal:
    return appraise(
        rig,
        venue,
        processes,
        n_months=n_months,
        token_price_usd=None,
        discount_rate_per_year=discount_rate_per_year,
    )


# holding


def test_the_expected_drawdown_of_brownian_motion_nears_the_root_of_half_pi() -> None:
    """Seen n times, twice 0.5826 / sqrt(n) is missed: once of the peak, once of the trough.

    References
    ----------
    Broadie, Glasserman and Kou (1997), Mathematical Finance 7, 325-349: 0.5826 is
    -zeta(1/2) / sqrt(2 pi). A million paths of 252 steps have 1.1811 with an error of 0.0005.
    """
    rng, often, seldom = generator(), [], []
    for _ in range(4):  # by quarters, for memory
        walk = np.zeros((2_521, 2_000))
        np.cumsum(rng.standard_normal((2_520, 2_000)) / np.sqrt(2_520), axis=0, out=walk[1:])
        wealth = np.exp(walk)
        often.append(-np.log1p(max_drawdown(wealth)))
        seldom.append(-np.log1p(max_drawdown(wealth[::10])))
    daily, ten_a_day = np.concatenate(seldom), np.concatenate(often)
    std_error = float(ten_a_day.std() / np.sqrt(ten_a_day.size))
    assert ten_a_day.mean() == pytest.approx(1.2300, abs=3 * std_error)
    assert daily.mean() == pytest.approx(1.1811, abs=3 * std_error)
    paired = ten_a_day - daily
    assert paired.mean() == pytest.approx(0.0489, abs=3 * paired.std() / np.sqrt(paired.size))
    missed = 2 * -float(zeta(0.5)) / np.sqrt(2 * np.pi * 2_520)
    assert ten_a_day.mean() + missed == pytest.approx(np.sqrt(np.pi / 2), abs=3 * std_error)
    assert missed > 2 * std_error  # so that the test can tell 2,520 looks from all of them


@pytest.mark.parametrize(
    ("level", "normal", "student"), [(0.05, 2.062712808, 3.202870402), (0.01, 2.665214220, None)]
)
def test_the_shortfall_of_the_normal_and_of_students_law_is_its_closed_form(
    level: float, normal: float, student: float | None
) -> None:
    p = probabilities(1_000_000)
    assert expected_shortfall(1 + ndtri(p), level) == pytest.approx(normal, rel=1e-5)
    if student is not None:
        assert expected_shortfall(1 + stdtrit(4, p), level) == pytest.approx(student, rel=1e-4)


def test_a_year_of_akash_without_drift_by_the_lognormal_law_is_a_very_high_risk() -> None:
    """Volatility 1.2: median exp(-0.72), P(loss) = Phi(0.6), 5 % quantile exp(-0.72 - 1.974)."""
    growth = np.ones((13, 100_000))
    growth[12] = np.exp(-0.72 + 1.2 * ndtri(probabilities(100_000)))
    held = hold(growth, trade_cost=0.0)
    outcome = compare({"hold": held}).outcomes["hold"]
    assert outcome.median == pytest.approx(0.487, abs=5e-4)
    assert outcome.p_loss.value == pytest.approx(0.726, abs=5e-4)
    assert outcome.quantiles[0.05].iloc[-1] == pytest.approx(0.068, abs=5e-4)
    lost = market_risk(held)
    assert lost == pytest.approx(1 - ndtr(ndtri(0.05) - 1.2) / 0.05, rel=1e-4)
    assert grade("market", lost).grade == "very high"


def test_two_regimes_of_one_volatility_lose_as_often_as_the_lognormal_law() -> None:
    law = Regimes(
        columns=("token",),
        covariance=np.full((2, 1, 1), 1.2**2 / 52),
        stay=np.array([0.9, 0.8]),
        weight=np.array([0.5, 0.5]),
        turbulent_now=0.5,
        log_growth_per_week={"token": 0.0},
        month_ends=np.array([52]),
        demand_token_correlation=0.0,
    )
    year = law.draw(20_000, generator())[0]["token"][-1]
    assert np.median(year) == pytest.approx(np.exp(-0.72), abs=0.02)
    assert (year < 1).mean() == pytest.approx(ndtr(0.6), abs=4 * np.sqrt(0.726 * 0.274 / 20_000))


# comparing


@pytest.mark.parametrize(
    ("aversion", "worth"), [(1.0, 0.81464732), (2.0, 0.54335087), (5.0, 0.16121764)]
)
def test_the_certainty_equivalent_of_the_lognormal_law_has_all_its_digits(
    aversion: float, worth: float
) -> None:
    mean, spread = 0.2 - 0.9**2 / 2, 0.9  # of the logarithm
    power = 1 - aversion
    term = mean if aversion == 1 else np.exp(power * mean + (power * spread) ** 2 / 2)
    assert sure_wealth(float(term), aversion) == pytest.approx(worth, abs=5e-9)


def test_a_table_of_who_beats_whom_has_the_closed_form_of_two_lognormals() -> None:
    n_paths = 100_000
    first, second = generator(3).standard_normal((2, n_paths))
    wealth = {
        "rent": np.exp(0.1 + 0.9 * first),
        "hold": np.exp(0.05 + 0.6 * (0.6 * first + 0.8 * second)),
    }
    beats = compare({name: np.stack([np.ones(n_paths), x]) for name, x in wealth.items()}).beats(
        "rent", "hold"
    )
    assert beats.value == pytest.approx(0.52758661, abs=3 * beats.std_error)
    assert beats.std_error == pytest.approx(np.sqrt(0.5276 * 0.4724 / n_paths), rel=1e-3)


# renting: closed forms of the appraisal


def closed_forms(
    rig: Rig, venue: Venue, processes: Processes, n_months: int, discount: float
) -> dict[str, float]:
    """The break-evens by annuities: no ledger, no months. Rate declines, utilization stands."""
    p, u, tariff = processes, float(processes.utilization_mean), rig.tariff_usd_per_kwh
    rate, repairs = float(p.rate_usd_per_hour), float(p.repairs_per_year) / 12
    v, q = (1 + discount) ** (-1 / 12), (1 + float(p.rate_drift_per_year)) ** (1 / 12)
    annuity = (1 - v**n_months) / (1 / v - 1)
    declining = v * (1 - (q * v) ** n_months) / (1 - q * v)
    days_down = repairs * rig.failure_downtime_days / rig.gpu_count
    hours = HOURS_PER_MONTH * rig.gpu_count * rig.availability * (1 - days_down / DAYS_PER_MONTH)
    kwh = rig.pue / (1_000 * rig.psu_efficiency)
    idle_w = rig.idle_w + rig.host_idle_w
    idle_kwh = HOURS_PER_MONTH * rig.gpu_count * idle_w * kwh
    more_kwh = hours * (rig.load_w + rig.host_load_w - idle_w) * kwh
    fixed = rig.fixed_usd_per_month + repairs * rig.repair_usd
    left = (1 + float(p.resale_drift_per_year)) ** (n_months / 12) * (1 - rig.selling_cost)
    resale = rig.gpu_count * rig.resale_usd * left * v**n_months
    per_usd = hours * (1 - venue.platform_fee) * declining  # PV of a dollar an hour, fully rented
    net_cost = rig.cost_usd + (idle_kwh * tariff + fixed) * annuity - resale
    energy = more_kwh * tariff * annuity
    npv = u * (rate * per_usd - energy) - net_cost
    return {
        "npv_usd": npv,
        "break_even_utilization": net_cost / (rate * per_usd - energy),
        "break_even_rate_usd_per_hour": rate - npv / (u * per_usd),
        "break_even_tariff_usd_per_kwh": tariff + npv / ((idle_kwh + u * more_kwh) * annuity),
        "cost_usd_per_rented_hour": (net_cost + u * energy) / (u * hours * annuity),
    }


@settings(max_examples=40, deadline=None)
@given(
    rigs,
    amounts(0.3, 1),
    amounts(0, 14),
    amounts(0.05, 1),
    amounts(0.2, 2),
    amounts(-0.5, 0),
    st.integers(1, 60),
    amounts(0.01, 0.4),
)
def test_whatever_the_rig_its_break_evens_are_those_of_the_annuities(
    processes: Processes,
    rig: Rig,
    availability: float,
    days_down: float,
    utilization: float,
    rate: float,
    drift: float,
    n_months: int,
    discount: float,
) -> None:
    rig = replace(
        rig,
        availability=availability,
        failure_downtime_days=days_down,
        speed=1.0,
        tariff_escalation_per_year=0.0,
    )
    stated = replace(
        processes,
        utilization_mean=utilization,
        rate_usd_per_hour=rate,
        rate_drift_per_year=drift,
        repairs_per_year=0.5,
    )
    formula = closed_forms(rig, CASE_G, stated, n_months, discount)
    assume(abs(formula["break_even_utilization"]) < 1_000)  # beyond, rent and power cancel out
    case = judge(rig, stated, n_months=n_months, discount_rate_per_year=discount)
    assume(case.break_even_utilization is not None)  # else no hours would do: tested below
    for name, value in formula.items():
        assert getattr(case, name) == pytest.approx(value, rel=1e-6, abs=1e-6), name


@pytest.mark.parametrize("fee", [0.0, 0.10, 0.25])
def test_where_the_rate_stands_still_the_break_even_rate_less_the_fee_is_the_cost_of_an_hour(
    rig: Rig, processes: Processes, fee: float
) -> None:
    steady = replace(processes, rate_drift_per_year=0.0)
    case = judge(rig, steady, Venue(payout="usd", platform_fee=fee))
    assert case.break_even_rate_usd_per_hour is not None
    less_fee = case.break_even_rate_usd_per_hour * (1 - fee)
    assert less_fee == pytest.approx(case.cost_usd_per_rented_hour)


@pytest.mark.parametrize("fee", [0.0, 0.10, 0.25])
def test_an_hour_pays_from_where_its_rate_less_the_fee_is_above_its_power(
    rig: Rig, processes: Processes, fee: float
) -> None:
    # 468 W more under rent, at an efficiency of 90 % and 0.15 USD a kWh: 0.078 USD an hour
    assert rig.marginal_energy_usd_per_hour == pytest.approx(0.078)
    venue = Venue(payout="usd", platform_fee=fee)
    for more, pays in ((-1e-6, False), (1e-6, True)):
        rate = 0.078 / (1 - fee) + more
        steady = replace(processes, rate_usd_per_hour=rate, rate_drift_per_year=0.0)
        assert (judge(rig, steady, venue).break_even_utilization is not None) == pays


def test_the_break_even_tariff_of_case_g_is_the_same_where_power_is_free(
    rig: Rig, processes: Processes
) -> None:
    case = judge(replace(rig, tariff_usd_per_kwh=0.0), processes)
    assert case.break_even_tariff_usd_per_kwh == pytest.approx(0.16669955, abs=5e-9)
    month = 1.15 ** (1 / 12) - 1
    saved = 44.1709 * (1 - (1 + month) ** -36) / month
    assert case.npv_usd == pytest.approx(143.764117 + saved, abs=1e-4)


def test_a_rig_that_cost_nothing_is_paid_back_in_its_first_month_and_has_no_rate(
    rig: Rig, processes: Processes
) -> None:
    given_away = replace(rig, gpu_usd=0.0, host_usd=0.0, resale_usd=0.0)
    case = judge(given_away, processes, n_months=12)
    assert case.payback_month == 1
    assert (case.irr_per_year, case.mirr_per_year) == (None, None)
    assert case.notes["irr_per_year"] == "the flows never change sign"
    by_hand = sum(
        (730.5 * 0.6 * 0.36 * 0.8 ** (month / 12) - 44.1709 - 13.25) * 1.15 ** (-(month + 1) / 12)
        for month in range(12)
    )
    assert case.npv_usd == pytest.approx(by_hand)


# renting: what is issued, what fails


def test_the_legacy_emission_of_io_net_is_298_893_million_of_300_in_20_years() -> None:
    first, decline = 500e6 * 0.08 / 12, 0.0102  # 8 % of 500 million in the first year
    venue = Venue(
        payout="emission-share",
        pool_tokens_per_month=first,
        pool_decline_per_month=decline,
        pool_share=1.0,
    )
    issued = venue.emission_tokens(240)
    assert issued.sum() / 1e6 == pytest.approx(298.893, abs=5e-4)
    assert emission_schedule_tokens(first, decline, 240) == pytest.approx(issued.sum())


def test_the_catalogue_has_io_net_s_pool_as_far_as_the_schedule_had_come_by_november_2026() -> None:
    payouts = catalogue.load().networks["io-net"].payouts
    pool = next(each for each in payouts if each.kind == "emission-share")
    assert pool.pool_decline_per_month is not None
    assert pool.pool_tokens_per_month is not None
    assert pool.pool_decline_per_month.value == 0.0102
    by_then = 500e6 * 0.08 / 12 * 0.9898**29 * 0.95  # of which enterprise cards have 95 %
    assert pool.pool_tokens_per_month.value == pytest.approx(by_then, rel=2e-3)


def test_a_card_survives_with_the_probability_of_the_exponential_law(
    rig: Rig, processes: Processes
) -> None:
    hazard, n_paths = 0.3, 20_000
    law = fit_resampler(pd.DataFrame(), n_months=24, drift="zero", risk_free_per_year=0.0)
    mortal = replace(processes, deaths_per_year=hazard)
    paths = simulate(law, mortal, n_months=24, n_paths=n_paths, seed=5)
    ledger = books(replace(rig, replace_dead=False), CASH, paths)
    alive = (ledger.hardware_usd > 0).mean(axis=1)
    for month in (0, 1, 12, 24):
        survives = np.exp(-hazard * month / 12)
        error = np.sqrt(survives * (1 - survives) / n_paths)
        assert alive[month] == pytest.approx(survives, abs=4 * error)


@pytest.mark.parametrize("replace_dead", [True, False])
def test_what_fails_after_the_rig_was_sold_costs_and_releases_nothing(
    rig: Rig, replace_dead: bool
) -> None:
    fragile = replace(rig, replace_dead=replace_dead, failure_downtime_days=14)
    venue = Venue(payout="usd", collateral_tokens=100, slash_fraction=0.5)
    sold, sold_and_failed = (
        books(
            fragile,
            venue,
            one_path(
                rate=[0.0, 0.0, 0.0, 0.4, 0.4],
                token=[1, 1, 1, 1, 2, 3],
                repairs=[0, 0, 0, late, 0],
                deaths=[0, 0, 0, late, late],
                slashes=[0, 0, 0, late, 0],
            ),
            Policy(sell_rig=True),
        )
        for late in (0, 1)
    )
    assert sold.hardware_usd[:, 0] == pytest.approx([1_260, 1_260, 1_260, 0, 0, 0])
    assert sold.released_usd[:, 0] == pytest.approx([0, 0, 1_260 + 200, 0, 0])
    np.testing.assert_array_equal(sold_and_failed.wealth_usd, sold.wealth_usd)
    for flow in (sold_and_failed.repairs_usd, sold_and_failed.energy_kwh):
        assert (flow[3:] == 0).all()


def test_a_card_that_dies_in_month_1_and_is_replaced_costs_a_card_and_its_days_down(
    rig: Rig,
) -> None:
    fragile = replace(rig, failure_downtime_days=14)
    venue = Venue(payout="usd", collateral_tokens=100)
    dies, lives = (
        books(
            fragile,
            venue,
            one_path(rate=[0.4] * 3, token=1.0, resale=[1, 0.9, 0.8, 0.7], deaths=[died, 0, 0]),
        )
        for died in (1, 0)
    )
    days = 14 * 24 * (0.4 - rig.marginal_energy_usd_per_hour)  # rent less the power it saves
    lost = lives.wealth_usd[:, 0] - dies.wealth_usd[:, 0]
    assert lost == pytest.approx([0, *[1_400 * 0.9 + days] * 3])
    np.testing.assert_array_equal(dies.collateral_usd, lives.collateral_usd)
