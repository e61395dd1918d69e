"""What an owner may do with tokens and with a rig that loses money: sell, keep, stake, stop."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.models.rig import Policy, Rig, Venue
from tests.rentals import (
    HOURS,
    N_MONTHS,
    N_PATHS,
    amounts,
    books,
    one_path,
    policies,
    rigs,
    venues,
    wild_paths,
)

CASH = Venue(payout="usd")
QUOTED = Venue(payout="usd-quoted")
OFF = Policy(switch_off=True)
SELL = Policy(sell_rig=True)


# switched off


def test_whether_a_month_runs_is_decided_by_the_month_before_and_the_first_runs(
    rig: Rig,
) -> None:
    # a full month costs 66.97 USD of power: months 1, 2 and 4 lose, 3 and 5 pay
    paths = one_path(rate=[0.0, 0.0, 0.2, 0.05, 0.2, 0.2])
    ledger = books(rig, CASH, paths, OFF)
    assert (ledger.rented_hours[:, 0] > 0).tolist() == [True, False, False, True, False, True]


def test_a_month_off_has_no_hours_no_energy_and_no_income_but_its_fixed_costs(rig: Rig) -> None:
    ledger = books(rig, CASH, one_path(rate=[0.05] * 3), OFF)
    for flow in (ledger.rented_hours, ledger.energy_kwh, ledger.gross_usd, ledger.electricity_usd):
        assert (flow[0] > 0).all()
        assert (flow[1:] == 0).all()
    assert ledger.net_usd[1:, 0] == pytest.approx([-12, -12])


def test_idle_power_is_reason_enough_to_switch_off(rig: Rig) -> None:
    # rented 1 hour in 10 at 0.20 USD: above the 0.078 USD that it costs more than an idle hour,
    # below what the idle hours cost beside it: 73.05 x (0.2 - 0.078) < 730.5 x 0.082 / 0.9 x 0.15
    seldom = one_path(rate=[0.2] * 2, utilization=0.1)
    assert 73.05 * (0.2 - 0.078) < 730.5 * 0.082 / 0.9 * 0.15
    assert books(rig, CASH, seldom, OFF).energy_kwh[1, 0] == 0
    frugal = replace(rig, idle_w=0.0, host_load_w=40.0, host_idle_w=0.0)
    assert books(frugal, CASH, seldom, OFF).energy_kwh[1, 0] > 0


def test_fee_and_trade_cost_count_before_a_month_is_worth_its_power(rig: Rig) -> None:
    power = HOURS * 0.55 / 0.9 * 0.15
    rate = power / HOURS / (0.9 * 0.95)  # what just pays after a fee of 10 % and a cost of 5 %
    venue = Venue(payout="usd-quoted", platform_fee=0.1, token_trade_cost=0.05)
    for factor, runs in ((1.001, True), (0.999, False)):
        ledger = books(rig, venue, one_path(rate=[rate * factor] * 2, token=1.0), OFF)
        assert (ledger.energy_kwh[1, 0] > 0) == runs


def test_a_token_that_fell_switches_off_a_rig_that_is_paid_a_number_of_tokens(rig: Rig) -> None:
    venue = Venue(payout="token-quoted", tokens_per_week=25)
    paths = one_path(rate=[0.0] * 3, token=[1, 1, 0.1, 1])
    runs = books(rig, venue, paths, OFF, token_price_usd=1.0).energy_kwh[:, 0] > 0
    assert runs.tolist() == [True, True, False]


@settings(max_examples=60, deadline=None)
@given(rigs, venues, policies, st.integers(0, 10_000))
def test_where_months_stay_as_they_are_switching_off_never_costs_anything(
    rig: Rig, venue: Venue, policy: Policy, seed: int
) -> None:
    wild = wild_paths(seed)
    still = replace(
        wild,
        token=np.ones((N_MONTHS + 1, N_PATHS)),
        rate_usd_per_hour=np.repeat(wild.rate_usd_per_hour[:1], N_MONTHS, axis=0),
        utilization=np.repeat(wild.utilization[:1], N_MONTHS, axis=0),
    )
    same_bill = replace(rig, tariff_escalation_per_year=0.0)
    # a pool that shrinks makes months worse, never better: off stays the right answer
    shrinks = replace(venue, network_growth_per_year=abs(venue.network_growth_per_year))
    sells = replace(policy, sell_share=1.0, sell_rig=False)
    always, may_stop = (
        books(same_bill, shrinks, still, replace(sells, switch_off=off)).wealth_usd
        for off in (False, True)
    )
    assert (may_stop >= always - 1e-6).all()


@settings(max_examples=40, deadline=None)
@given(rigs, venues, st.integers(0, 10_000))
def test_what_happens_in_a_month_and_after_it_cannot_switch_it_off(
    rig: Rig, venue: Venue, seed: int
) -> None:
    paths, other = wild_paths(seed), wild_paths(seed + 1)
    assert paths.token is not None
    assert other.token is not None
    at = N_MONTHS // 2
    changed = replace(
        paths,
        token=np.vstack([paths.token[: at + 1], other.token[at + 1 :]]),
        rate_usd_per_hour=np.vstack([paths.rate_usd_per_hour[:at], other.rate_usd_per_hour[at:]]),
    )
    one, two = (books(rig, venue, each, OFF).energy_kwh for each in (paths, changed))
    np.testing.assert_array_equal(one[: at + 1], two[: at + 1])


# sold


def test_a_rig_is_sold_at_the_end_of_the_third_month_of_losses_on_the_whole(rig: Rig) -> None:
    # after 12 USD and 66.97 USD of power: -78.97 x 2, then +67.13: below 0 over three months
    venue = Venue(payout="usd", collateral_tokens=100)
    resale = [1, 0.95, 0.9, 0.85, 0.8, 0.75]
    paths = one_path(rate=[0.0, 0.0, 0.2, 9.0, 9.0], resale=resale, token=[1, 1, 1, 3, 5, 9])
    ledger = books(rig, venue, paths, SELL, capital_usd=3_000)
    kept = books(rig, venue, paths, capital_usd=3_000)
    assert kept.net_usd[:3, 0] == pytest.approx([-78.9625, -78.9625, 67.1375])
    assert ledger.released_usd[:, 0] == pytest.approx([0, 0, 1_400 * 0.85 * 0.9 + 600, 0, 0])
    for flow in (ledger.rented_hours, ledger.energy_kwh, ledger.gross_usd, ledger.fixed_usd):
        assert (flow[:3] > 0).any()
        assert (flow[3:] == 0).all()
    for owned in (ledger.hardware_usd, ledger.collateral_usd):
        assert (owned[:3] > 0).all()
        assert (owned[3:] == 0).all()
    # at that month's end it fetches what it was worth; from then on there is only cash
    assert ledger.wealth_usd[:4, 0] == pytest.approx(kept.wealth_usd[:4, 0])
    assert ledger.wealth_usd[3:, 0] == pytest.approx(ledger.cash_usd[3, 0])


def test_three_months_that_just_pay_on_the_whole_keep_the_rig(rig: Rig) -> None:
    # 3 x 78.9625 USD of power and fixed costs are 730.5 hours at 0.324282 USD
    losing = one_path(rate=[0.0, 0.0, 0.3242, 0.4, 0.4])
    enough = one_path(rate=[0.0, 0.0, 0.3243, 0.4, 0.4])
    assert books(rig, CASH, losing, SELL).hardware_usd[-1, 0] == 0
    assert books(rig, CASH, enough, SELL).hardware_usd[-1, 0] == pytest.approx(1_260)


@pytest.mark.parametrize("n_months", [1, 2, 3])
def test_fewer_than_three_bad_months_or_the_last_of_all_sell_nothing(
    rig: Rig, n_months: int
) -> None:
    # at the horizon everything is marked at what it would fetch anyway
    paths = one_path(rate=[0.0] * n_months)
    may_sell, keeps = books(rig, CASH, paths, SELL), books(rig, CASH, paths)
    np.testing.assert_array_equal(may_sell.hardware_usd, keeps.hardware_usd)
    np.testing.assert_array_equal(may_sell.wealth_usd, keeps.wealth_usd)


def test_each_path_sells_at_a_time_of_its_own_or_never(rig: Rig) -> None:
    rates = np.array([[0.0, 0.4, 0.4]] * 3 + [[9.0, 0.0, 0.4]] * 6)
    paths = replace(
        wild_paths(0, n_months=9, n_paths=3),
        rate_usd_per_hour=rates,
        utilization=np.ones((9, 3)),
        repairs=np.zeros((9, 3)),
        deaths=np.zeros((9, 3)),
    )
    owned = (books(rig, CASH, paths, SELL).hardware_usd > 0).sum(axis=0)
    # month 0 to 2; path 2 earned 3 x 213 USD, so two months of 79 USD lost outweigh one of them
    # only in the third: 0 to 5; never
    assert owned.tolist() == [3, 6, 10]


# tokens


@settings(max_examples=40, deadline=None)
@given(rigs, venues, st.integers(0, 10_000), amounts(0, 1), st.booleans(), st.booleans())
def test_with_a_flat_token_and_no_trade_cost_selling_and_keeping_come_to_the_same(
    rig: Rig, venue: Venue, seed: int, share: float, off: bool, sell: bool
) -> None:
    flat = replace(wild_paths(seed), token=np.ones((N_MONTHS + 1, N_PATHS)))
    free = replace(venue, token_trade_cost=0.0)
    sold, some, kept = (
        books(rig, free, flat, Policy(sell_share=each, switch_off=off, sell_rig=sell)).wealth_usd
        for each in (1.0, share, 0.0)
    )
    np.testing.assert_allclose(some, sold, atol=1e-6)
    np.testing.assert_allclose(kept, sold, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(rigs, st.integers(0, 10_000), amounts(0.01, 100), st.booleans(), st.booleans())
def test_paid_in_usd_worth_of_tokens_and_sold_at_once_no_option_depends_on_the_price(
    rig: Rig, seed: int, price: float, off: bool, sell: bool
) -> None:
    paths = wild_paths(seed)
    assert paths.token is not None
    policy = Policy(switch_off=off, sell_rig=sell)
    venue = Venue(payout="usd-quoted", platform_fee=0.1, token_trade_cost=0.02)
    one = books(rig, venue, paths, policy, token_price_usd=price)
    other = books(rig, venue, replace(paths, token=1 / paths.token), policy)
    np.testing.assert_array_equal(one.wealth_usd, other.wealth_usd)


def test_staked_tokens_earn_their_yield_from_the_month_after_they_came_in(rig: Rig) -> None:
    paths = one_path(rate=[0.4, 0.4, 0.4], token=[1, 1, 2, 2])
    keep = Policy(sell_share=0.0)
    kept = books(rig, QUOTED, paths, keep).tokens[:, 0]
    staked = books(rig, QUOTED, paths, replace(keep, staking_yield_per_year=0.12)).tokens[:, 0]
    paid = HOURS * 0.4 / 2.0 * np.array([1, 0.5, 0.5])  # tokens a month
    month = 1.12 ** (1 / 12)
    assert kept == pytest.approx([0, *np.cumsum(paid)])
    assert staked == pytest.approx(
        [0, paid[0], paid[0] * month + paid[1], paid[0] * month**2 + paid[1] * month + paid[2]]
    )


def test_tokens_that_were_kept_stay_when_the_rig_is_sold(rig: Rig) -> None:
    paths = one_path(rate=[0.05] * 5, token=[1, 1, 1, 1, 1, 3])
    policy = Policy(sell_share=0.0, sell_rig=True, staking_yield_per_year=0.12)
    ledger = books(rig, QUOTED, paths, policy)
    assert ledger.hardware_usd[3:, 0] == pytest.approx([0, 0, 0])
    assert ledger.tokens[5, 0] == pytest.approx(ledger.tokens[3, 0] * 1.12 ** (2 / 12))
    assert ledger.wealth_usd[5, 0] == pytest.approx(
        ledger.cash_usd[5, 0] + ledger.tokens[5, 0] * 6.0
    )


# a share of what a network issues


def test_an_emission_share_is_pool_times_share_less_decline_and_dilution(rig: Rig) -> None:
    venue = Venue(
        payout="emission-share",
        platform_fee=0.1,
        pool_tokens_per_month=1_000_000,
        pool_decline_per_month=0.02,
        pool_share=1e-4,
        network_growth_per_year=1.0,
    )
    two = replace(rig, gpu_count=2, availability=0.5, speed=0.8)
    paths = one_path(rate=[0.0] * 13, token=[1, *[3] * 13])
    ledger = books(two, venue, paths)
    # 100 tokens a month for a card; two cards, online half of the time, at 0.8 of full speed: 80
    first = 100 * 2 * 0.5 * 0.8
    assert ledger.gross_usd[0, 0] == pytest.approx(first * 6.0)
    assert ledger.gross_usd[1, 0] == pytest.approx(first * 0.98 * 2 ** (-1 / 12) * 6.0)
    assert ledger.gross_usd[12, 0] == pytest.approx(first * 0.98**12 / 2 * 6.0)
    assert ledger.fee_usd[0, 0] == pytest.approx(first * 0.6)


def test_a_network_one_percent_larger_issues_a_card_one_percent_less(rig: Rig) -> None:
    venue = Venue(payout="emission-share", pool_tokens_per_month=1e6, pool_share=1e-4)
    paths = one_path(rate=[0.0] * 13, token=1.0)
    alone = books(rig, venue, paths).gross_usd
    crowded = books(rig, replace(venue, pool_share=1e-4 / 1.01), paths).gross_usd
    assert np.log(crowded / alone) / np.log(1.01) == pytest.approx(-1)
    grows = books(rig, replace(venue, network_growth_per_year=0.01), paths).gross_usd
    assert np.log(grows[12, 0] / alone[12, 0]) / np.log(1.01) == pytest.approx(-1)


def test_an_emission_share_comes_beside_the_rate_and_without_a_renter_too(rig: Rig) -> None:
    venue = Venue(payout="emission-share", pool_tokens_per_month=1e6, pool_share=1e-5)
    rented, idle = (
        books(rig, venue, one_path(rate=[0.4], utilization=u, token=1.0)).gross_usd[0, 0]
        for u in (1.0, 0.0)
    )
    assert idle == pytest.approx(10 * 2.0)
    assert rented == pytest.approx(10 * 2.0 + HOURS * 0.4)
