from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy_financial
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from research.models.appraisal import Appraisal, _mirr, appraise, irr, npv, payback_month
from research.models.rental import rent
from research.models.rig import Rig, Venue
from research.models.scenarios import Processes, expected

Floats = NDArray[np.float64]
HOURS = 730.5
CASE_G = Venue(payout="usd", platform_fee=0.10)
CASE_2026 = Venue(payout="usd", platform_fee=0.25)


def flows(*values: float) -> Floats:
    return np.array(values, dtype=float)


def judge(
    rig: Rig,
    venue: Venue,
    processes: Processes,
    *,
    n_months: int = 36,
    token_price_usd: float | None = None,
    discount_rate_per_year: float = 0.15,
) -> Appraisal:
    return appraise(
        rig,
        venue,
        processes,
        n_months=n_months,
        token_price_usd=token_price_usd,
        discount_rate_per_year=discount_rate_per_year,
    )


@pytest.fixture(scope="module")
def rig_2026(rig: Rig) -> Rig:
    return replace(rig, gpu_usd=3_200.0, resale_usd=3_000.0)


@pytest.fixture(scope="module")
def processes_2026(processes: Processes) -> Processes:
    return replace(
        processes,
        rate_usd_per_hour=0.37,
        rate_drift_per_year=-0.15,
        resale_drift_per_year=-0.20,
    )


@dataclass(frozen=True, kw_only=True)
class ClosedForm:
    """Case G by the annuity formulas alone: no ledger, no loop over months."""

    rate: float = 0.40
    utilization: float = 0.60
    tariff: float = 0.15
    n_months: int = 36
    cost: float = 2_000.0
    decline: float = 0.20
    fee: float = 0.10
    resale: float = 1_400 * 0.75**3 * 0.9
    discount_per_month: float = 1.15 ** (1 / 12) - 1

    @property
    def annuity(self) -> float:
        v = 1 / (1 + self.discount_per_month)
        return float((1 - v**self.n_months) / self.discount_per_month)

    @property
    def hours_factor(self) -> float:
        """PV of one USD an hour that declines, over a fully rented rig."""
        v, q = 1 / (1 + self.discount_per_month), (1 - self.decline) ** (1 / 12)
        return float(HOURS * v * (1 - (q * v) ** self.n_months) / (1 - q * v))

    @property
    def revenue(self) -> float:
        return self.rate * (1 - self.fee) * self.hours_factor

    @property
    def energy(self) -> float:
        """PV of what full use costs in power beyond idling."""
        return HOURS * 0.468 / 0.9 * self.tariff * self.annuity

    @property
    def net_cost(self) -> float:
        idle = HOURS * 0.082 / 0.9 * self.tariff
        fixed = 12 + 300 * 0.05 / 12
        back = self.resale / (1 + self.discount_per_month) ** self.n_months
        return self.cost + (idle + fixed) * self.annuity - back

    @property
    def npv(self) -> float:
        return self.utilization * (self.revenue - self.energy) - self.net_cost

    @property
    def kwh_per_month(self) -> float:
        return HOURS * (0.082 + self.utilization * 0.468) / 0.9

    @property
    def monthly_rate_of_return(self) -> float:
        return float(
            brentq(lambda d: replace(self, discount_per_month=d).npv, 1e-4, 0.1, xtol=1e-15)
        )


# case G


@pytest.fixture(scope="module")
def case_g(rig: Rig, processes: Processes) -> Appraisal:
    return judge(rig, CASE_G, processes)


def test_case_g_agrees_with_its_closed_forms(case_g: Appraisal) -> None:
    g = ClosedForm()
    by_formula = {
        "npv_usd": g.npv,
        "irr_per_year": (1 + g.monthly_rate_of_return) ** 12 - 1,
        "break_even_utilization": g.net_cost / (g.revenue - g.energy),
        "break_even_rate_usd_per_hour": g.rate
        - g.npv / (g.utilization * (1 - g.fee) * g.hours_factor),
        "break_even_tariff_usd_per_kwh": g.tariff + g.npv / (g.kwh_per_month * g.annuity),
        "cost_usd_per_rented_hour": (g.net_cost + g.utilization * g.energy)
        / (g.utilization * HOURS * g.annuity),
    }
    for name, value in by_formula.items():
        assert getattr(case_g, name) == pytest.approx(value, rel=1e-9), name


def test_case_g_has_the_printed_digits(case_g: Appraisal) -> None:
    assert case_g.flows_usd[0] == -2_000
    printed = {1: 100.3671, 12: 71.178752, 36: 556.445377}
    for month, value in printed.items():
        assert case_g.flows_usd[month] == pytest.approx(value, abs=5e-7)
    assert case_g.npv_usd == pytest.approx(143.764117, abs=5e-7)
    assert case_g.irr_per_year is not None
    assert (1 + case_g.irr_per_year) ** (1 / 12) - 1 == pytest.approx(0.015890674, abs=5e-10)
    assert case_g.irr_per_year == pytest.approx(0.20826913, abs=5e-9)
    assert case_g.payback_month == 32
    assert case_g.cost_usd_per_rented_hour == pytest.approx(0.25981549, abs=5e-9)
    assert case_g.break_even_utilization == pytest.approx(0.56512669, abs=5e-9)
    assert case_g.break_even_tariff_usd_per_kwh == pytest.approx(0.16669955, abs=5e-9)
    assert case_g.break_even_rate_usd_per_hour == pytest.approx(0.38344182, abs=5e-9)


def test_two_libraries_agree_on_case_g(case_g: Appraisal) -> None:
    monthly = numpy_financial.irr(case_g.flows_usd)
    assert case_g.irr_per_year == pytest.approx((1 + monthly) ** 12 - 1, rel=1e-9)
    rate = 1.15 ** (1 / 12) - 1
    assert case_g.npv_usd == pytest.approx(numpy_financial.npv(rate, case_g.flows_usd), rel=1e-9)
    modified = numpy_financial.mirr(case_g.flows_usd, rate, rate)
    assert case_g.mirr_per_year == pytest.approx((1 + modified) ** 12 - 1, rel=1e-9)


def test_the_summary_holds_every_figure_but_the_flows(case_g: Appraisal) -> None:
    summary = case_g.summary()
    assert summary["npv_usd"] == case_g.npv_usd
    assert not {"flows_usd", "notes"} & set(summary.index)


# case 2026


def test_case_2026_loses_1488_37(rig_2026: Rig, processes_2026: Processes) -> None:
    case = judge(rig_2026, CASE_2026, processes_2026)
    assert case.npv_usd == pytest.approx(-1_488.37, abs=0.005)
    assert case.irr_per_year == pytest.approx(-0.109, abs=5e-4)
    assert case.break_even_utilization == pytest.approx(1.075, abs=5e-4)
    assert case.break_even_rate_usd_per_hour == pytest.approx(0.561, abs=5e-4)
    assert case.payback_month is None


@pytest.mark.parametrize(("utilization", "per_day"), [(0.6, 5.33), (0.9, 7.99)])
def test_case_2026_grosses_5_33_and_7_99_a_day(
    rig_2026: Rig, processes_2026: Processes, utilization: float, per_day: float
) -> None:
    paths = expected(replace(processes_2026, utilization_mean=utilization), n_months=1)
    ledger = rent(rig_2026, CASE_2026, paths, capital_usd=0, token_price_usd=None)
    assert ledger.gross_usd[0, 0] / HOURS * 24 == pytest.approx(per_day, abs=0.005)


def test_case_2026_rented_9_hours_of_10_loses_547_41(
    rig_2026: Rig, processes_2026: Processes
) -> None:
    busy = replace(processes_2026, utilization_mean=0.9)
    case = judge(rig_2026, CASE_2026, busy)
    assert case.npv_usd == pytest.approx(-547.41, abs=0.005)
    same = judge(rig_2026, CASE_2026, processes_2026)
    assert case.break_even_utilization == pytest.approx(same.break_even_utilization)


def test_a_card_that_is_already_owned_costs_what_it_would_fetch(
    rig_2026: Rig, processes_2026: Processes
) -> None:
    owned = replace(rig_2026, gpu_usd=2_400.0, host_usd=0.0, resale_usd=2_400.0)
    case = judge(owned, CASE_2026, processes_2026)
    assert case.npv_usd == pytest.approx(-470.16, abs=0.005)
    assert case.break_even_utilization == pytest.approx(0.75, abs=5e-4)


# break-evens


rigs = st.builds(
    Rig,
    gpu_count=st.integers(1, 8),
    gpu_usd=st.floats(500, 5_000),
    host_usd=st.floats(0, 1_000),
    resale_usd=st.floats(0, 4_000),
    selling_cost=st.floats(0, 0.3),
    load_w=st.floats(200, 700),
    idle_w=st.floats(10, 60),
    host_load_w=st.floats(60, 200),
    host_idle_w=st.floats(0, 60),
    psu_efficiency=st.floats(0.8, 1),
    pue=st.floats(1, 1.4),
    tariff_usd_per_kwh=st.floats(0.02, 0.5),
    fixed_usd_per_month=st.floats(0, 60),
    availability=st.floats(0.5, 1),
    repair_usd=st.floats(0, 500),
    failure_downtime_days=st.floats(0, 30),
    replace_dead=st.booleans(),
)
venues = st.builds(
    Venue,
    payout=st.sampled_from(["usd", "usd-quoted", "token-quoted"]),
    platform_fee=st.floats(0, 0.4),
    token_trade_cost=st.floats(0, 0.02),
    tokens_per_week=st.floats(5, 100),
    availability_tokens_per_week=st.floats(0, 10),
    collateral_tokens=st.floats(0, 500),
    slash_fraction=st.floats(0, 0.5),
)


@settings(max_examples=50, deadline=None)
@given(rigs, venues, st.floats(0.05, 0.95), st.integers(2, 60), st.floats(0, 0.4))
def test_a_break_even_put_back_makes_the_net_present_value_zero(
    processes: Processes,
    rig: Rig,
    venue: Venue,
    utilization: float,
    n_months: int,
    discount: float,
) -> None:
    stated = replace(
        processes, utilization_mean=utilization, deaths_per_year=0.1, slashes_per_year=0.05
    )

    def value(rig: Rig, processes: Processes, price: float) -> float:
        return judge(
            rig,
            venue,
            processes,
            n_months=n_months,
            token_price_usd=price,
            discount_rate_per_year=discount,
        ).npv_usd

    case = judge(
        rig,
        venue,
        stated,
        n_months=n_months,
        token_price_usd=1.5,
        discount_rate_per_year=discount,
    )
    if (level := case.break_even_utilization) is not None and 0 <= level <= 1:
        assert value(rig, replace(stated, utilization_mean=level), 1.5) == pytest.approx(
            0, abs=1e-6
        )
    if (level := case.break_even_rate_usd_per_hour) is not None:
        at_level = value(rig, replace(stated, rate_usd_per_hour=level), 1.5)
        assert at_level == pytest.approx(0, abs=1e-6)
    if (level := case.break_even_tariff_usd_per_kwh) is not None:
        at_level = value(replace(rig, tariff_usd_per_kwh=level), stated, 1.5)
        assert at_level == pytest.approx(0, abs=1e-6)
    if (level := case.break_even_token_price_usd) is not None:
        assert value(rig, stated, level) == pytest.approx(0, abs=1e-6)
    missing = {
        name
        for name, figure in vars(case).items()
        if name.startswith("break_even") and figure is None
    }
    assert missing == {name for name in case.notes if name.startswith("break_even")}


def test_the_token_price_matters_only_where_tokens_are_the_quote(
    rig: Rig, processes: Processes
) -> None:
    render = Venue(payout="token-quoted", tokens_per_week=25, availability_tokens_per_week=2)
    case = judge(rig, render, processes, token_price_usd=1.62)
    per_token = HOURS / 168 * (0.6 * 25 + 2)
    g = ClosedForm()
    npv_per_usd = per_token * g.annuity
    assert case.npv_usd == pytest.approx(1.62 * npv_per_usd - g.net_cost - 0.6 * g.energy)
    assert case.break_even_token_price_usd == pytest.approx(1.62 - case.npv_usd / npv_per_usd)
    assert case.break_even_rate_usd_per_hour is None
    quoted = judge(rig, Venue(payout="usd-quoted"), processes, token_price_usd=1.62)
    assert quoted.break_even_token_price_usd is None
    for none in (
        case.notes["break_even_rate_usd_per_hour"],
        quoted.notes["break_even_token_price_usd"],
    ):
        assert none == "plays no part in what this venue pays"


@pytest.mark.parametrize("rate", [0.0, 0.078, 0.05])
def test_a_rate_below_the_power_of_an_hour_never_pays_even_when_rented(
    rig: Rig, processes: Processes, rate: float
) -> None:
    steady = replace(processes, rate_usd_per_hour=rate, rate_drift_per_year=0.0)
    case = judge(rig, Venue(payout="usd"), steady)
    assert case.break_even_utilization is None
    assert case.notes["break_even_utilization"].startswith("never pays, even when rented")


def test_a_break_even_above_1_is_reported_as_it_is(rig: Rig, processes: Processes) -> None:
    dear = replace(rig, gpu_usd=9_000.0)
    utilization = judge(dear, CASE_G, processes).break_even_utilization
    assert utilization is not None
    assert utilization > 1


# rates of return


def test_the_textbook_rate_of_return() -> None:
    rate, reason = irr(flows(-100, 39, 59, 55, 20))
    assert rate == pytest.approx(1.2809484212**12 - 1, rel=1e-9)
    assert not reason


def test_the_textbook_net_present_value_at_8_percent_a_period() -> None:
    value = npv(flows(-40_000, 5_000, 8_000, 12_000, 30_000), 1.08**12 - 1)
    assert value == pytest.approx(3_065.2226681795, abs=1e-9)


def test_the_textbook_modified_rate_with_one_rate_for_both_ends() -> None:
    invested = flows(-120_000, 39_000, 30_000, 21_000, 37_000, 46_000)
    # reinvested at 12 %: 39,000 x 1.12^4 + ... + 46,000; nothing is financed later
    ends_as = sum(flow * 1.12 ** (5 - n) for n, flow in enumerate(invested) if n)
    modified = (ends_as / 120_000) ** (1 / 5) - 1
    assert modified == pytest.approx(0.1260941304, abs=1e-10)
    assert _mirr(invested, 1.12**12 - 1) == pytest.approx((1 + modified) ** 12 - 1, rel=1e-9)


def test_two_libraries_give_two_roots_so_flows_that_turn_twice_get_none() -> None:
    twice = flows(-1_600, 10_000, -10_000)
    for root in (0.25, 4.0):
        assert npv(twice, (1 + root) ** 12 - 1) == pytest.approx(0, abs=1e-9)
    rate, reason = irr(twice)
    assert rate is None
    assert reason == "the flows change sign more than once, so the rate is not unique"
    assert _mirr(twice, 0.1) is not None


@pytest.mark.parametrize("never", [(-1, -2, -3), (0, 1, 2), (0, 0, 0), (-5,)])
def test_flows_of_one_sign_have_no_rate_of_return(never: tuple[float, ...]) -> None:
    assert irr(flows(*never)) == (None, "the flows never change sign")
    assert _mirr(flows(*never), 0.1) is None


def test_a_loss_beyond_what_a_rate_can_say_has_a_reason() -> None:
    rate, reason = irr(np.concatenate([np.full(104, -30.0), [1e-6]]))
    assert rate is None
    assert "nearly everything is lost" in reason


@settings(max_examples=60, deadline=None)
@given(
    st.floats(100, 5_000),
    st.lists(st.floats(1, 300), min_size=1, max_size=60),
    st.floats(0.3, 3),
)
def test_the_rate_of_return_makes_the_present_value_zero(
    paid: float, received: list[float], scale: float
) -> None:
    back = np.array(received) * scale * paid / sum(received)  # 30 % to 300 % comes back
    money = np.concatenate([[-paid], back])
    rate, _ = irr(money)
    assert rate is not None
    if rate > -0.999:  # below, a year's rate has too few digits left to say it
        assert npv(money, rate) == pytest.approx(0, abs=1e-4 * paid)


# payback


@pytest.mark.parametrize(
    ("money", "month"),
    [
        ((-100, 60, 40, 1), 3),
        ((-100, 60, 60), 2),
        ((-100, 50, 50), None),
        ((-100, -1, -1), None),
        ((0, 5), 1),
        ((-10, 20, -30, 40), 1),
    ],
)
def test_payback_is_the_first_month_with_more_back_than_was_paid(
    money: ArrayLike, month: int | None
) -> None:
    assert payback_month(np.asarray(money, dtype=float)) == month


# edges


@pytest.mark.parametrize(
    "change",
    [
        {"tariff_usd_per_kwh": 0.0},
        {"gpu_usd": 0.0, "host_usd": 0.0},
        {"fixed_usd_per_month": 5_000.0},
        {"resale_usd": 0.0},
        {"availability": 0.0},
        {"gpu_usd": 0.0, "host_usd": 0.0, "resale_usd": 0.0, "availability": 0.0},
    ],
)
@pytest.mark.parametrize("n_months", [1, 36])
def test_whatever_the_rig_the_value_is_finite_and_what_is_missing_has_a_reason(
    rig: Rig, processes: Processes, change: dict[str, Any], n_months: int
) -> None:
    case = judge(replace(rig, **change), CASE_G, processes, n_months=n_months)
    assert len(case.flows_usd) == n_months + 1
    assert np.isfinite(case.npv_usd)
    assert (case.irr_per_year is None) == bool(case.notes.get("irr_per_year"))
    for name in ("break_even_utilization", "break_even_rate_usd_per_hour"):
        assert (getattr(case, name) is None) == bool(case.notes.get(name))


def test_a_net_loss_every_month_has_no_payback_and_a_rate_that_is_very_negative(
    rig: Rig, processes: Processes
) -> None:
    case = judge(rig, CASE_G, replace(processes, rate_usd_per_hour=0.0))
    assert (case.flows_usd[1:-1] < 0).all()
    assert case.payback_month is None
    assert case.irr_per_year is not None  # the hardware is sold: one change of sign
    assert case.irr_per_year < -0.5


def test_a_loss_every_month_and_nothing_to_sell_has_no_rate_of_return(
    rig: Rig, processes: Processes
) -> None:
    worthless = replace(rig, resale_usd=0.0)
    case = judge(worthless, CASE_G, replace(processes, rate_usd_per_hour=0.0))
    assert (case.irr_per_year, case.mirr_per_year, case.payback_month) == (None, None, None)
    assert case.notes["irr_per_year"] == "the flows never change sign"


def test_a_rig_that_earns_then_loses_then_is_sold_has_a_modified_rate_only(
    rig: Rig, processes: Processes
) -> None:
    falling = replace(processes, rate_drift_per_year=-0.8)
    case = judge(rig, CASE_G, falling)
    signs = np.sign(case.flows_usd)
    assert (np.diff(signs) != 0).sum() == 3
    assert case.irr_per_year is None
    assert "more than once" in case.notes["irr_per_year"]
    assert case.mirr_per_year is not None


def test_one_month_is_bought_rented_and_sold(rig: Rig, processes: Processes) -> None:
    case = judge(rig, CASE_G, processes, n_months=1)
    resale = 1_400 * 0.75 ** (1 / 12) * 0.9
    assert case.flows_usd == pytest.approx([-2_000, 100.3671 + resale], abs=1e-6)
    assert case.npv_usd == pytest.approx(-2_000 + (100.3671 + resale) / 1.15 ** (1 / 12))


def test_a_rig_that_is_never_rented_has_no_cost_per_rented_hour(
    rig: Rig, processes: Processes
) -> None:
    case = judge(rig, CASE_G, replace(processes, utilization_mean=0.0))
    assert case.cost_usd_per_rented_hour is None
    assert case.break_even_rate_usd_per_hour is None
    assert case.npv_usd == pytest.approx(-ClosedForm().net_cost)


def test_collateral_is_paid_on_day_0_and_comes_back_at_the_end(
    rig: Rig, processes: Processes
) -> None:
    locked = replace(CASE_G, collateral_tokens=200)
    with_it = judge(rig, locked, processes, token_price_usd=1.5)
    without = judge(rig, CASE_G, processes)
    assert with_it.flows_usd[0] == without.flows_usd[0] - 300
    assert with_it.flows_usd[-1] == pytest.approx(without.flows_usd[-1] + 300)
    assert with_it.npv_usd == pytest.approx(without.npv_usd - 300 * (1 - 1.15**-3))


def test_collateral_that_dead_cards_set_free_is_no_cost_of_an_hour(
    rig: Rig, processes: Processes
) -> None:
    mortal = replace(
        rig, replace_dead=False, resale_usd=0.0, tariff_usd_per_kwh=0.0, fixed_usd_per_month=0.0
    )
    failing = replace(processes, deaths_per_year=1.2, repairs_per_year=0.0, utilization_mean=1.0)
    venue = Venue(payout="usd", collateral_tokens=100)
    case = judge(mortal, venue, failing, n_months=2, token_price_usd=2.0)
    v = 1.15 ** (-1 / 12)  # a month's discount; a tenth of the card dies each month
    back = 20 * v + 20 * v**2 + 160 * v**2
    hours = HOURS * (0.9 * v + 0.8 * v**2)
    assert case.cost_usd_per_rented_hour == pytest.approx((2_200 - back) / hours)


def test_the_profile_of_the_present_value_is_that_value_at_each_rate(
    rig: Rig, processes: Processes
) -> None:
    judged = appraise(
        rig,
        Venue(payout="usd", platform_fee=0.10),
        processes,
        n_months=36,
        token_price_usd=None,
        discount_rate_per_year=0.15,
    )
    assert judged.npv_profile_usd[0.0] == pytest.approx(judged.flows_usd.sum())
    worth = list(judged.npv_profile_usd.values())
    assert worth == sorted(worth, reverse=True)  # one sign change: the dearer money, the less
    assert "npv_profile_usd" not in judged.summary()
