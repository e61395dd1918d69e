from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research import catalogue
from research.errors import DataError
from research.models.rental import Ledger, rent
from research.models.rig import HOURS_PER_MONTH, PayoutKind, Policy, Rig, Venue, capital_needed_usd
from research.models.scenarios import Paths, Processes, expected
from tests.rentals import N_MONTHS, N_PATHS, Floats, one_path, rigs, venues, wild_paths

CASH = Venue(payout="usd")
QUOTED = Venue(payout="usd-quoted")


# the books


@settings(max_examples=30, deadline=None)
@given(rigs, st.integers(0, 10_000), st.floats(0, 0.2))
def test_cash_at_the_end_is_what_was_left_at_the_start_and_all_flows_with_interest(
    rig: Rig, seed: int, interest: float
) -> None:
    venue = Venue(payout="usd", platform_fee=0.1, collateral_tokens=100, slash_fraction=0.5)
    ledger = rent(
        rig,
        venue,
        wild_paths(seed),
        capital_usd=9_000,
        token_price_usd=2.0,
        cash_yield_per_year=interest,
    )
    years_left = np.arange(N_MONTHS - 1, -1, -1)[:, None] / 12
    flows = (ledger.net_usd + ledger.released_usd) * (1 + interest) ** years_left
    start = (9_000 - rig.cost_usd - 200) * (1 + interest) ** (N_MONTHS / 12)
    np.testing.assert_allclose(ledger.cash_usd[-1], start + flows.sum(axis=0), atol=0.005)


def test_the_power_bill_of_case_g_is_44_17_a_month(rig: Rig, processes: Processes) -> None:
    ledger = rent(
        rig,
        replace(CASH, platform_fee=0.10),
        expected(processes, n_months=36),
        capital_usd=0,
        token_price_usd=None,
    )
    assert ledger.rented_hours[0, 0] == pytest.approx(438.3)
    assert ledger.energy_kwh[0, 0] == pytest.approx(294.472667, abs=5e-7)
    assert ledger.electricity_usd[0, 0] == pytest.approx(44.1709, abs=5e-5)
    assert ledger.gross_usd[0, 0] == pytest.approx(175.32)
    assert ledger.fee_usd[0, 0] == pytest.approx(17.532)
    assert ledger.net_usd[[0, 11], 0] == pytest.approx([100.3671, 71.178752], abs=5e-7)


def test_an_hour_under_rent_costs_the_difference_of_the_two_power_draws(rig: Rig) -> None:
    # 468 W more, at 90 % efficiency and 0.15 USD per kWh
    assert rig.marginal_energy_usd_per_hour == pytest.approx(0.078)
    assert replace(rig, pue=1.3).marginal_energy_usd_per_hour == pytest.approx(0.1014)


@pytest.mark.parametrize(
    ("utilization", "per_day"), [(0.3, 0.99), (0.5, 1.38), (0.7, 1.77), (0.9, 2.16)]
)
def test_a_day_of_power_in_an_american_home_costs_what_was_published(
    rig: Rig, utilization: float, per_day: float
) -> None:
    home = replace(rig, load_w=0.85 * 450, psu_efficiency=0.92, tariff_usd_per_kwh=0.187)
    ledger = rent(
        home,
        CASH,
        one_path(rate=[0.35], utilization=utilization),
        capital_usd=0,
        token_price_usd=None,
    )
    assert ledger.electricity_usd[0, 0] / HOURS_PER_MONTH * 24 == pytest.approx(per_day, abs=0.005)


def test_wealth_on_day_0_is_below_the_capital_by_what_a_sale_would_cost(rig: Rig) -> None:
    ledger = rent(rig, CASH, one_path(rate=[0.4]), capital_usd=2_500, token_price_usd=None)
    assert ledger.wealth_usd[0, 0] == pytest.approx(500 + 1_400 * 0.9)


def test_hours_are_rented_only_while_the_rig_is_online(rig: Rig) -> None:
    ledger = rent(
        replace(rig, availability=0.5, gpu_count=2),
        CASH,
        one_path(rate=[0.4], utilization=0.6),
        capital_usd=0,
        token_price_usd=None,
    )
    assert ledger.rented_hours[0, 0] == pytest.approx(2 * 730.5 * 0.3)


# what a venue pays


@settings(max_examples=30, deadline=None)
@given(rigs, st.integers(0, 10_000), st.floats(0.01, 100))
def test_paid_in_usd_worth_of_tokens_and_sold_at_once_the_token_price_does_not_matter(
    rig: Rig, seed: int, price: float
) -> None:
    paths = wild_paths(seed)
    assert paths.token is not None
    other = replace(paths, token=1 / paths.token)
    in_tokens = rent(rig, QUOTED, paths, capital_usd=9_000, token_price_usd=price)
    elsewhere = rent(rig, QUOTED, other, capital_usd=9_000, token_price_usd=1.0)
    in_cash = rent(rig, CASH, paths, capital_usd=9_000, token_price_usd=None)
    np.testing.assert_array_equal(in_tokens.wealth_usd, elsewhere.wealth_usd)
    np.testing.assert_array_equal(in_tokens.wealth_usd, in_cash.wealth_usd)


def test_selling_on_receipt_costs_the_trade(rig: Rig) -> None:
    paths = one_path(rate=[0.4, 0.4], token=[1, 2, 3])
    free = rent(rig, QUOTED, paths, capital_usd=2_000, token_price_usd=5.0)
    costly = replace(QUOTED, token_trade_cost=0.01)
    charged = rent(rig, costly, paths, capital_usd=2_000, token_price_usd=5.0)
    lost = free.wealth_usd[-1, 0] - charged.wealth_usd[-1, 0]
    assert lost == pytest.approx(0.01 * free.gross_usd.sum())


def test_tokens_that_are_kept_are_bought_at_each_month_s_price_and_marked_at_the_last(
    rig: Rig,
) -> None:
    paths = one_path(rate=[0.4, 0.4], token=[1, 2, 4])
    ledger = rent(
        rig,
        replace(QUOTED, platform_fee=0.5),
        paths,
        capital_usd=2_000,
        token_price_usd=5.0,
        policy=Policy(sell_share=0.25),
    )
    paid = 730.5 * 0.4 * 0.5  # USD a month, after the fee
    assert ledger.tokens[:, 0] == pytest.approx(
        [0, 0.75 * paid / 10, 0.75 * paid * (1 / 10 + 1 / 20)]
    )
    running = ledger.electricity_usd[0, 0] + 12
    assert ledger.cash_usd[-1, 0] == pytest.approx(2 * (0.25 * paid - running))
    owned = ledger.cash_usd[-1, 0] + 1_400 * 0.9 + ledger.tokens[-1, 0] * 20
    assert ledger.wealth_usd[-1, 0] == pytest.approx(owned)


@pytest.mark.parametrize(
    ("per_week", "score", "rounded", "exact"),
    [(10, 1.8098, 10.77, 10.7726), (25, 5, 74.40, 74.4048)],
)
def test_render_pays_tokens_by_score_and_by_hours_out_of_168(
    rig: Rig, per_week: float, score: float, rounded: float, exact: float
) -> None:
    venue = Venue(payout="token-quoted", tokens_per_week=per_week * score)
    hundred_hours = one_path(rate=[0.0], utilization=100 / HOURS_PER_MONTH, token=1.0)
    ledger = rent(rig, venue, hundred_hours, capital_usd=0, token_price_usd=1.0)
    assert ledger.gross_usd[0, 0] == pytest.approx(exact, abs=5e-5)
    assert ledger.gross_usd[0, 0] == pytest.approx(rounded, abs=5e-3)


def test_render_pays_for_being_online_even_without_a_renter(rig: Rig) -> None:
    venue = Venue(payout="token-quoted", tokens_per_week=25, availability_tokens_per_week=2)
    idle = one_path(rate=[0.0], utilization=0.0, token=[1, 1.62])
    ledger = rent(rig, venue, idle, capital_usd=0, token_price_usd=1.0)
    assert ledger.gross_usd[0, 0] == pytest.approx(2 * 730.5 / 168 * 1.62)


def test_25_render_a_week_at_1_62_usd_are_24_cents_an_hour(rig: Rig) -> None:
    venue = Venue(payout="token-quoted", tokens_per_week=25)
    ledger = rent(rig, venue, one_path(rate=[0.0], token=1.0), capital_usd=0, token_price_usd=1.62)
    assert ledger.gross_usd[0, 0] / ledger.rented_hours[0, 0] == pytest.approx(0.241, abs=5e-4)


@pytest.mark.parametrize(
    ("venue", "sell_share"),
    [
        (QUOTED, 0.5),
        (Venue(payout="token-quoted", tokens_per_week=25), 1.0),
        (Venue(payout="usd", collateral_tokens=200), 1.0),
    ],
)
def test_tokens_without_a_price_are_refused(rig: Rig, venue: Venue, sell_share: float) -> None:
    with pytest.raises(DataError, match="there is no price of the token"):
        rent(
            rig,
            venue,
            one_path(rate=[0.4]),
            capital_usd=0,
            token_price_usd=None,
            policy=Policy(sell_share=sell_share),
        )


# collateral


@pytest.mark.parametrize(("count", "multiplier", "locked"), [(8, 10, 16_000), (4, 0.25, 800)])
def test_io_net_locks_200_io_times_the_multiplier_but_no_less_than_200(
    rig: Rig, count: int, multiplier: float, locked: float
) -> None:
    venue = Venue(payout="usd-quoted", collateral_tokens=count * 200 * max(1, multiplier))
    rack = replace(rig, gpu_count=count)
    needed = capital_needed_usd(rack, venue, token_price_usd=0.2, working_cash_months=0)
    assert needed == pytest.approx(count * 2_000 + locked * 0.2)


def test_the_catalogue_locks_16_000_io_for_8_h100() -> None:
    payout = catalogue.load().networks["io-net"].payout
    assert payout is not None
    assert 8 * payout.collateral_tokens["h100-sxm"].value == 16_000


def test_collateral_is_locked_at_today_s_price_and_comes_back_at_the_last(rig: Rig) -> None:
    paths = one_path(rate=[0.4, 0.4], token=[1, 1, 3])
    without = rent(rig, CASH, paths, capital_usd=3_000, token_price_usd=None)
    ledger = rent(
        rig, replace(CASH, collateral_tokens=100), paths, capital_usd=3_000, token_price_usd=2.0
    )
    assert ledger.cash_usd[0, 0] == pytest.approx(without.cash_usd[0, 0] - 200)
    assert ledger.wealth_usd[:, 0] - without.wealth_usd[:, 0] == pytest.approx([0, 0, 400])


def test_each_slash_takes_its_fraction_of_what_is_left(rig: Rig) -> None:
    venue = Venue(payout="usd", collateral_tokens=100, slash_fraction=0.25)
    paths = one_path(rate=[0.4, 0.4, 0.4], token=1.0, slashes=[0, 1, 2])
    ledger = rent(rig, venue, paths, capital_usd=3_000, token_price_usd=2.0)
    assert ledger.collateral_usd[:, 0] == pytest.approx([200, 200, 150, 200 * 0.75**3])


def test_a_slash_of_everything_leaves_nothing(rig: Rig) -> None:
    venue = Venue(payout="usd", collateral_tokens=100, slash_fraction=1.0)
    paths = one_path(rate=[0.4, 0.4], token=1.0, slashes=[0, 1])
    ledger = rent(rig, venue, paths, capital_usd=3_000, token_price_usd=2.0)
    assert ledger.collateral_usd[:, 0] == pytest.approx([200, 200, 0])


def test_starting_takes_rig_collateral_and_some_months_of_full_power(rig: Rig) -> None:
    venue = Venue(payout="usd-quoted", collateral_tokens=200)
    needed = capital_needed_usd(
        replace(rig, gpu_count=2), venue, token_price_usd=1.5, working_cash_months=3
    )
    power = 3 * 730.5 * 2 * 0.550 / 0.9 * 0.15
    assert needed == pytest.approx(2 * 2_000 + 300 + power)


# failures


def test_a_card_that_dies_in_month_1_for_good_stops_earning_and_costing(rig: Rig) -> None:
    venue = Venue(payout="usd", collateral_tokens=100)
    paths = one_path(rate=[0.4] * 3, token=[1, 2, 3, 4], deaths=[1, 0, 0], repairs=[0, 1, 0])
    ledger = rent(
        replace(rig, replace_dead=False), venue, paths, capital_usd=3_000, token_price_usd=1.0
    )
    for flow in (ledger.gross_usd, ledger.energy_kwh, ledger.fixed_usd, ledger.repairs_usd):
        assert (flow == 0).all()
    assert ledger.released_usd[:, 0] == pytest.approx([200, 0, 0])  # at the price of that month
    assert ledger.hardware_usd[1:, 0] == pytest.approx([0, 0, 0])
    assert ledger.wealth_usd[1:, 0] == pytest.approx(3_000 - 2_000 - 100 + 200)


def test_after_two_deaths_of_three_cards_a_third_is_left_of_everything(rig: Rig) -> None:
    venue = Venue(payout="usd", collateral_tokens=300)
    three = replace(rig, gpu_count=3, replace_dead=False)
    paths = one_path(rate=[0.4] * 3, token=1.0, deaths=[1, 1, 0])
    ledger = rent(three, venue, paths, capital_usd=9_000, token_price_usd=1.0)
    healthy = rent(
        replace(rig, replace_dead=False),
        CASH,
        one_path(rate=[0.4]),
        capital_usd=0,
        token_price_usd=None,
    )
    one_card = healthy.gross_usd[0, 0], healthy.energy_kwh[0, 0]
    assert ledger.gross_usd[:, 0] == pytest.approx([2 * one_card[0], one_card[0], one_card[0]])
    assert ledger.energy_kwh[:, 0] == pytest.approx([2 * one_card[1], one_card[1], one_card[1]])
    assert ledger.released_usd[:, 0] == pytest.approx([100, 100, 0])
    assert ledger.collateral_usd[:, 0] == pytest.approx([300, 200, 100, 100])
    assert ledger.hardware_usd[:, 0] == pytest.approx(np.array([3, 2, 1, 1]) * 1_260)
    assert ledger.fixed_usd[:, 0] == pytest.approx([12, 12, 12])


def test_more_deaths_than_cards_change_nothing_more(rig: Rig) -> None:
    mortal = replace(rig, replace_dead=False)
    once, twice = (
        rent(
            mortal,
            CASH,
            one_path(rate=[0.4] * 3, deaths=deaths),
            capital_usd=3_000,
            token_price_usd=None,
        )
        for deaths in ([1, 0, 0], [1, 2, 1])
    )
    np.testing.assert_array_equal(once.wealth_usd, twice.wealth_usd)


def test_a_dead_card_is_replaced_at_the_resale_price_of_the_month(rig: Rig) -> None:
    paths = one_path(rate=[0.4, 0.4], resale=[1, 0.9, 0.8], deaths=[0, 2])
    ledger = rent(rig, CASH, paths, capital_usd=3_000, token_price_usd=None)
    assert ledger.repairs_usd[:, 0] == pytest.approx([0, 2 * 1_400 * 0.8])
    assert ledger.hardware_usd[-1, 0] == pytest.approx(1_400 * 0.8 * 0.9)


def test_a_failure_costs_its_repair_and_its_days_without_income_but_not_idle_power(
    rig: Rig,
) -> None:
    fragile = replace(rig, failure_downtime_days=14, gpu_count=2)
    healthy, broken = (
        rent(
            fragile,
            CASH,
            one_path(rate=[0.4], repairs=repairs),
            capital_usd=0,
            token_price_usd=None,
        )
        for repairs in (0, 1)
    )
    hours = 14 * 24
    assert healthy.rented_hours[0, 0] - broken.rented_hours[0, 0] == pytest.approx(hours)
    assert healthy.energy_kwh[0, 0] - broken.energy_kwh[0, 0] == pytest.approx(hours * 0.468 / 0.9)
    assert broken.repairs_usd[0, 0] == 300


def test_a_month_cannot_lose_more_hours_than_it_has(rig: Rig) -> None:
    ledger = rent(
        replace(rig, failure_downtime_days=20),
        CASH,
        one_path(rate=[0.4], repairs=[5]),
        capital_usd=0,
        token_price_usd=None,
    )
    assert ledger.rented_hours[0, 0] == 0
    assert ledger.repairs_usd[0, 0] == 1_500


# what must never happen


@settings(max_examples=40, deadline=None)
@given(
    rigs,
    venues,
    st.integers(0, 10_000),
    st.sampled_from(
        [
            "tariff_usd_per_kwh",
            "fixed_usd_per_month",
            "repair_usd",
            "idle_w",
            "host_idle_w",
            "load_w",
            "pue",
            "gpu_usd",
            "platform_fee",
            "token_trade_cost",
        ]
    ),
)
def test_a_higher_cost_never_leaves_more(rig: Rig, venue: Venue, seed: int, cost: str) -> None:
    paths = wild_paths(seed)
    changed = rig if hasattr(rig, cost) else venue
    raised: Any = replace(changed, **{cost: getattr(changed, cost) * 1.2 + 0.01})
    cheap, dear = (
        rent(
            each_rig,
            each_venue,
            paths,
            capital_usd=9_000,
            token_price_usd=1.0,
            policy=Policy(sell_share=0.5),
        )
        for each_rig, each_venue in (
            (rig, venue),
            (raised, venue) if changed is rig else (rig, raised),
        )
    )
    assert (dear.wealth_usd <= cheap.wealth_usd + 1e-6).all()


@settings(max_examples=40, deadline=None)
@given(rigs, st.integers(0, 10_000), st.floats(0, 30), st.floats(0, 30))
def test_longer_downtime_never_helps_where_an_hour_pays_for_its_power(
    rig: Rig, seed: int, days: float, more: float
) -> None:
    paths = wild_paths(seed)
    rig = replace(rig, speed=1.0, tariff_escalation_per_year=0.0)
    paying = replace(
        paths, rate_usd_per_hour=paths.rate_usd_per_hour + rig.marginal_energy_usd_per_hour
    )
    short, long = (
        rent(
            replace(rig, failure_downtime_days=downtime),
            CASH,
            paying,
            capital_usd=9_000,
            token_price_usd=None,
        )
        for downtime in (days, days + more)
    )
    assert (long.wealth_usd <= short.wealth_usd + 1e-6).all()


@settings(max_examples=30, deadline=None)
@given(rigs, venues, st.integers(0, 10_000), st.integers(2, 20))
def test_many_rigs_with_as_much_capital_each_do_as_well_per_dollar_as_one(
    rig: Rig, venue: Venue, seed: int, times: int
) -> None:
    sturdy = replace(
        wild_paths(seed),
        repairs=np.zeros((N_MONTHS, N_PATHS)),
        deaths=np.zeros((N_MONTHS, N_PATHS)),
    )

    def per_dollar(rig: Rig, venue: Venue, capital: float) -> Ledger:
        return rent(
            rig,
            venue,
            sturdy,
            capital_usd=capital,
            token_price_usd=1.0,
            policy=Policy(sell_share=0.3),
        )

    one = per_dollar(rig, venue, 9_000).wealth_usd / 9_000
    many = per_dollar(
        replace(
            rig,
            gpu_count=times * rig.gpu_count,
            fixed_usd_per_month=times * rig.fixed_usd_per_month,
        ),
        replace(venue, collateral_tokens=times * venue.collateral_tokens),
        times * 9_000,
    ).wealth_usd / (times * 9_000)
    np.testing.assert_allclose(many, one, atol=1e-9)


def test_a_dollar_more_of_capital_ends_as_a_dollar_with_interest(rig: Rig) -> None:
    paths = wild_paths(3)
    less, more = (
        rent(
            rig,
            QUOTED,
            paths,
            capital_usd=capital,
            token_price_usd=1.0,
            cash_yield_per_year=0.04,
        )
        for capital in (2_000, 2_001)
    )
    gained = more.wealth_usd[-1] - less.wealth_usd[-1]
    assert gained == pytest.approx(1.04 ** (N_MONTHS / 12))


# edges


def test_with_a_rate_of_0_only_costs_are_left(rig: Rig) -> None:
    ledger = rent(rig, CASH, one_path(rate=[0.0]), capital_usd=2_000, token_price_usd=None)
    assert ledger.net_usd[0, 0] == pytest.approx(-(730.5 * 0.55 / 0.9 * 0.15) - 12)


def test_with_a_tariff_of_0_power_is_free_but_still_counted(rig: Rig) -> None:
    free = replace(rig, tariff_usd_per_kwh=0.0)
    ledger = rent(free, CASH, one_path(rate=[0.4]), capital_usd=2_000, token_price_usd=None)
    assert ledger.electricity_usd[0, 0] == 0
    assert ledger.energy_kwh[0, 0] == pytest.approx(730.5 * 0.55 / 0.9)


@pytest.mark.parametrize(("utilization", "hours"), [(0.0, 0.0), (1.0, 730.5)])
def test_a_rig_is_never_or_always_rented_at_the_ends(
    rig: Rig, utilization: float, hours: float
) -> None:
    paths = one_path(rate=[0.4], utilization=utilization)
    ledger = rent(rig, CASH, paths, capital_usd=2_000, token_price_usd=None)
    assert ledger.rented_hours[0, 0] == hours


def test_overdrawn_cash_costs_interest_and_wealth_may_fall_below_zero(rig: Rig) -> None:
    paths = one_path(rate=[0.0, 0.0], resale=[1, 0, 0])
    ledger = rent(
        replace(rig, fixed_usd_per_month=1_000),
        CASH,
        paths,
        capital_usd=2_000,
        token_price_usd=None,
        cash_yield_per_year=0.12,
    )
    month = -ledger.net_usd[0, 0]
    assert ledger.wealth_usd[-1, 0] == pytest.approx(-month * (1 + 1.12 ** (1 / 12)))


@pytest.mark.parametrize("payout", ["usd", "usd-quoted", "token-quoted"])
def test_the_same_books_serve_one_path_and_many(rig: Rig, payout: PayoutKind) -> None:
    paths = wild_paths(11)
    assert paths.token is not None
    venue = Venue(payout=payout, tokens_per_week=25, collateral_tokens=10, slash_fraction=0.1)

    def wealth(paths: Paths) -> Floats:
        ledger = rent(
            rig, venue, paths, capital_usd=0, token_price_usd=2.0, policy=Policy(sell_share=0.4)
        )
        return ledger.wealth_usd

    third: Any = {
        name: value[:, 2:3] for name, value in vars(paths).items() if isinstance(value, np.ndarray)
    }
    np.testing.assert_allclose(wealth(replace(paths, **third))[:, 0], wealth(paths)[:, 2])
