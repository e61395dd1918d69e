"""What must hold of the books of any rig at any venue, under any policy, taxes and loan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.models.rig import Loan, Policy, Rig, Taxes, Venue
from tests.rentals import (
    N_MONTHS,
    N_PATHS,
    amounts,
    books,
    loans,
    one_path,
    policies,
    rigs,
    taxes,
    venues,
    wealth_by_hand,
    wild_paths,
)

ROUNDING_USD = 1e-6


@settings(max_examples=150, deadline=None)
@given(rigs, venues, policies, taxes, loans, st.integers(0, 10_000), amounts(0, 0.1))
def test_no_money_appears_or_vanishes_whatever_the_policy_the_taxes_and_the_loan(
    rig: Rig,
    venue: Venue,
    policy: Policy,
    taxes: Taxes,
    loan: Loan | None,
    seed: int,
    interest: float,
) -> None:
    paths = wild_paths(seed)
    ledger = books(rig, venue, paths, policy, cash_yield_per_year=interest, taxes=taxes, loan=loan)
    wealth = np.broadcast_to(ledger.wealth_usd, (N_MONTHS + 1, N_PATHS))
    for path in range(N_PATHS):
        by_hand = wealth_by_hand(
            rig,
            venue,
            paths,
            path,
            capital=10_000,
            price=2.0,
            policy=policy,
            interest=interest,
            taxes=taxes,
            loan=loan,
        )
        np.testing.assert_allclose(wealth[:, path], list(by_hand), rtol=0, atol=0.005)


@settings(max_examples=60, deadline=None)
@given(rigs, venues, policies, taxes, loans, st.integers(0, 10_000), amounts(0, 0.1))
def test_cash_at_the_end_is_the_start_and_every_flow_on_the_books_with_interest(
    rig: Rig,
    venue: Venue,
    policy: Policy,
    taxes: Taxes,
    loan: Loan | None,
    seed: int,
    interest: float,
) -> None:
    ledger = books(
        rig, venue, wild_paths(seed), policy, cash_yield_per_year=interest, taxes=taxes, loan=loan
    )
    flows = ledger.net_usd + ledger.released_usd - ledger.tax_usd - ledger.loan_usd
    if venue.pays_tokens:  # what is kept is no cash, and what is sold costs a trade
        paid = ledger.gross_usd - ledger.fee_usd
        flows -= paid * (1 - policy.sell_share * (1 - venue.token_trade_cost))
    growth = (1 + interest) ** (np.arange(N_MONTHS, -1, -1)[:, None] / 12)
    ends = ledger.cash_usd[0] * growth[0] + (flows * growth[1:]).sum(axis=0)
    np.testing.assert_allclose(np.broadcast_to(ledger.cash_usd[-1], N_PATHS), ends, atol=0.005)


@settings(max_examples=60, deadline=None)
@given(rigs, venues, policies, taxes, loans, st.integers(0, 10_000))
def test_what_is_owned_is_worth_no_less_to_who_keeps_it_than_to_who_sells(
    rig: Rig, venue: Venue, policy: Policy, taxes: Taxes, loan: Loan | None, seed: int
) -> None:
    ledger = books(rig, venue, wild_paths(seed), policy, taxes=taxes, loan=loan)
    assert (ledger.held_usd >= ledger.wealth_usd - ROUNDING_USD).all()
    free = books(
        replace(rig, selling_cost=0.0),
        replace(venue, token_trade_cost=0.0),
        wild_paths(seed),
        policy,
        taxes=taxes,
        loan=loan,
    )
    np.testing.assert_allclose(free.held_usd, free.wealth_usd, atol=ROUNDING_USD)


def test_what_is_held_is_marked_before_any_cost_of_selling(rig: Rig) -> None:
    venue = Venue(payout="usd-quoted", token_trade_cost=0.2, collateral_tokens=10)
    paths = one_path(rate=[0.4, 0.4], token=[1, 2, 3], resale=[1, 0.9, 0.8])
    ledger = books(rig, venue, paths, Policy(sell_share=0.0))
    tokens = 730.5 * 0.4 / 4 + 730.5 * 0.4 / 6  # a month's rent at 4 USD, another at 6 USD
    owned = ledger.cash_usd[-1, 0] + 1_400 * 0.8 + (tokens + 10) * 6
    assert ledger.held_usd[-1, 0] == pytest.approx(owned)
    assert ledger.wealth_usd[-1, 0] == pytest.approx(owned - 0.2 * (tokens + 10) * 6 - 112)


# what never helps

COSTS = {
    "rig": ("tariff_usd_per_kwh", "fixed_usd_per_month", "repair_usd", "host_usd", "pue"),
    "venue": ("platform_fee", "token_trade_cost", "slash_fraction"),
    "taxes": ("income", "gains"),
    "loan": ("rate_per_year",),
}


@pytest.mark.parametrize(("part", "name"), [(part, n) for part, ns in COSTS.items() for n in ns])
@settings(max_examples=15, deadline=None)
@given(st.data())
def test_no_cost_tax_or_interest_leaves_more_when_it_is_higher(
    part: str, name: str, data: st.DataObject
) -> None:
    """The options are left out: a rig that is sold or switched off sooner may end better."""
    drawn: dict[str, Any] = {
        "rig": data.draw(rigs),
        "venue": data.draw(venues),
        "taxes": replace(data.draw(taxes), depreciation_months=36),
        "loan": data.draw(loans.filter(lambda loan: loan is not None)),
    }
    policy = replace(data.draw(policies), switch_off=False, sell_rig=False)
    paths = wild_paths(data.draw(st.integers(0, 10_000)))
    step = 20.0 if name.endswith(("usd", "month")) else 0.03
    raised = getattr(drawn[part], name) + step
    if name == "slash_fraction":
        raised = min(raised, 1.0)
    dearer = drawn | {part: replace(drawn[part], **{name: raised})}

    def wealth(of: dict[str, Any]) -> Any:
        return books(
            of["rig"], of["venue"], paths, policy, taxes=of["taxes"], loan=of["loan"]
        ).wealth_usd

    assert (wealth(dearer) <= wealth(drawn) + ROUNDING_USD).all()


@settings(max_examples=40, deadline=None)
@given(rigs, venues, policies, st.integers(0, 10_000), amounts(0, 30), amounts(0, 30))
def test_a_longer_outage_never_helps_where_power_is_free(
    rig: Rig, venue: Venue, policy: Policy, seed: int, days: float, more: float
) -> None:
    # a rig that may be sold is left out: an outage can bring forward a sale that pays
    keeps, paths = replace(policy, sell_rig=False), wild_paths(seed)
    short, long = (
        books(
            replace(rig, tariff_usd_per_kwh=0.0, failure_downtime_days=downtime),
            venue,
            paths,
            keeps,
        )
        for downtime in (days, days + more)
    )
    assert (long.wealth_usd <= short.wealth_usd + ROUNDING_USD).all()


@settings(max_examples=40, deadline=None)
@given(rigs, venues, policies, st.integers(0, 10_000), amounts(0.1, 1))
def test_less_time_online_never_helps_where_power_is_free(
    rig: Rig, venue: Venue, policy: Policy, seed: int, kept: float
) -> None:
    free, paths = replace(rig, tariff_usd_per_kwh=0.0), wild_paths(seed)
    keeps = replace(policy, sell_rig=False)
    seldom = replace(free, availability=free.availability * kept)
    less = books(seldom, venue, paths, keeps).wealth_usd
    assert (less <= books(free, venue, paths, keeps).wealth_usd + ROUNDING_USD).all()


@settings(max_examples=40, deadline=None)
@given(rigs, venues, policies, taxes, loans, st.integers(0, 10_000))
def test_one_failure_more_never_helps_where_power_is_free(
    rig: Rig, venue: Venue, policy: Policy, taxes: Taxes, loan: Loan | None, seed: int
) -> None:
    free, paths = replace(rig, tariff_usd_per_kwh=0.0), wild_paths(seed)
    keeps = replace(policy, sell_rig=False)
    repairs = paths.repairs.copy()
    repairs[N_MONTHS // 2] += 1
    more = books(free, venue, replace(paths, repairs=repairs), keeps, taxes=taxes, loan=loan)
    usual = books(free, venue, paths, keeps, taxes=taxes, loan=loan)
    assert (more.wealth_usd <= usual.wealth_usd + ROUNDING_USD).all()
