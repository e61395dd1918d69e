"""Several cards at one venue: one set of books, failures of their own."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.errors import InfeasibleError
from research.models.bootstrap import fit_resampler
from research.models.rental import Ledger, together
from research.models.rig import Loan, Policy, Rig, Taxes, Venue
from research.models.scenarios import Paths, Processes, draw_block
from tests.rentals import (
    HOURS,
    amounts,
    books,
    loans,
    one_path,
    policies,
    rigs,
    taxes,
    venues,
    wild_paths,
)

CASH = Venue(payout="usd")


@settings(max_examples=60, deadline=None)
@given(rigs, venues, policies, taxes, loans, st.integers(0, 10_000), amounts(0, 0.1))
def test_two_halves_of_a_rig_come_to_the_whole(
    rig: Rig,
    venue: Venue,
    policy: Policy,
    taxes: Taxes,
    loan: Loan | None,
    seed: int,
    interest: float,
) -> None:
    """The halves do the same; a half that fails alone is of another test."""
    whole_rig = replace(rig, gpu_count=2 * rig.gpu_count)
    half_fixed = replace(rig, fixed_usd_per_month=rig.fixed_usd_per_month / 2)
    half_venue = replace(venue, collateral_tokens=venue.collateral_tokens / 2)
    paths = wild_paths(seed)
    twice = replace(paths, repairs=2 * paths.repairs, deaths=2 * paths.deaths)

    def kept(rig: Rig, venue: Venue, paths: Paths, capital: float) -> Ledger:
        return books(
            rig,
            venue,
            paths,
            policy,
            capital_usd=capital,
            cash_yield_per_year=interest,
            taxes=taxes,
            loan=loan,
        )

    whole = kept(whole_rig, venue, twice, 10_000)
    halves = together([kept(half_fixed, half_venue, paths, capital) for capital in (10_000, 0)])
    same = {field.name for field in fields(Ledger)} - {"rig", "venue", "price_usd"}
    for name in [*same, "wealth_usd", "held_usd", "net_usd", "fee_usd", "electricity_usd"]:
        np.testing.assert_allclose(
            getattr(halves, name), getattr(whole, name), rtol=1e-9, atol=1e-6, err_msg=name
        )


def test_cards_of_two_kinds_earn_side_by_side_and_share_the_cash(rig: Rig) -> None:
    small = replace(rig, gpu_usd=700.0, resale_usd=600.0, load_w=350.0, fixed_usd_per_month=0.0)
    four = replace(small, gpu_count=4)
    paths = one_path(rate=[0.4, 0.3])
    cheaper = replace(paths, rate_usd_per_hour=paths.rate_usd_per_hour / 2)
    both = together([books(rig, CASH, paths), books(four, CASH, cheaper, capital_usd=0)])
    assert both.cash_usd[0, 0] == pytest.approx(10_000 - 2_000 - 4 * 1_100)
    assert both.rented_hours[:, 0] == pytest.approx([5 * HOURS] * 2)
    assert both.gross_usd[:, 0] == pytest.approx([HOURS * (0.4 + 4 * 0.2), HOURS * (0.3 + 0.6)])
    assert both.energy_kwh[0, 0] == pytest.approx(HOURS * (0.55 + 4 * 0.45) / 0.9)
    assert both.hardware_usd[0, 0] == pytest.approx((1_400 + 4 * 600) * 0.9)
    assert both.wealth_usd[-1, 0] == pytest.approx(
        3_600 + both.net_usd.sum() + (1_400 + 4 * 600) * 0.9
    )


def test_cards_of_two_kinds_lock_and_are_paid_amounts_of_their_own(rig: Rig) -> None:
    h100 = Venue(payout="token-quoted", tokens_per_week=80, collateral_tokens=200)
    small = replace(h100, tokens_per_week=25, collateral_tokens=50)
    paths = one_path(rate=[0.0], token=[1, 2])
    both = together([books(rig, each, paths, Policy(sell_share=0.0)) for each in (h100, small)])
    assert both.collateral_usd[:, 0] == pytest.approx([250 * 2, 250 * 4])
    assert both.tokens[-1, 0] == pytest.approx((80 + 25) * HOURS / 168)


@pytest.mark.parametrize(
    "other",
    [
        Venue(payout="usd-quoted"),
        Venue(payout="usd", platform_fee=0.2),
        Venue(payout="usd", slash_fraction=0.5),
    ],
)
def test_cards_at_different_venues_are_no_one_rig(rig: Rig, other: Venue) -> None:
    paths = one_path(rate=[0.4], token=1.0)
    with pytest.raises(InfeasibleError, match="rented out at one venue; give one ledger each"):
        together([books(rig, CASH, paths), books(rig, other, paths)])


def test_one_ledger_alone_stays_as_it_is(rig: Rig) -> None:
    alone = books(rig, CASH, wild_paths(1))
    np.testing.assert_array_equal(together([alone]).wealth_usd, alone.wealth_usd)


@pytest.mark.parametrize(
    "change",
    [{"tariff_usd_per_kwh": 0.30}, {"tariff_escalation_per_year": 0.5}, {"selling_cost": 0.3}],
)
def test_cards_at_different_tariffs_or_costs_of_selling_are_no_one_rig(
    rig: Rig, change: dict[str, Any]
) -> None:
    # one set of books has one tariff to price its power with, and one cost to undo when it is held
    paths = one_path(rate=[0.4] * 13)
    with pytest.raises(InfeasibleError, match="tariff"):
        together([books(each, CASH, paths) for each in (rig, replace(rig, **change))])


# failures


def blocks(processes: Processes, cards: tuple[int, ...]) -> list[Paths]:
    weeks = pd.DataFrame(
        {"token": np.random.default_rng(2).normal(0, 0.1, 60)},
        index=pd.date_range("2024-01-07", periods=60, freq="W-SUN"),
    )
    law = fit_resampler(weeks, n_months=6, drift="zero", risk_free_per_year=0.04)
    return [draw_block(law, processes, 6, seed=7, block=1, card=card) for card in cards]


def test_cards_of_one_rig_share_everything_but_their_failures(processes: Processes) -> None:
    mortal = replace(processes, repairs_per_year=3.0, deaths_per_year=3.0, slashes_per_year=3.0)
    first, second = blocks(mortal, (0, 1))
    for field in fields(Paths):
        one, other = getattr(first, field.name), getattr(second, field.name)
        if field.name in ("repairs", "deaths"):
            assert (one != other).any()
        elif isinstance(one, np.ndarray):
            np.testing.assert_array_equal(one, other, err_msg=field.name)


def test_failures_of_the_cards_are_independent_and_as_frequent_as_stated(
    processes: Processes,
) -> None:
    mortal = replace(processes, repairs_per_year=3.0, deaths_per_year=6.0)
    drawn = [
        events.astype(float).ravel()
        for each in blocks(mortal, (0, 1, 2))
        for events in (each.repairs, each.deaths)
    ]
    n_cells = drawn[0].size
    assert np.mean(drawn, axis=1) == pytest.approx([0.25, 0.5] * 3, abs=4 * np.sqrt(0.5 / n_cells))
    between = np.corrcoef(drawn)[np.triu_indices(6, k=1)]
    assert between == pytest.approx(0, abs=4 / np.sqrt(n_cells))


def test_a_card_fails_the_same_way_each_time_it_is_drawn(processes: Processes) -> None:
    mortal = replace(processes, deaths_per_year=3.0)
    one, again = (blocks(mortal, (3,))[0].deaths for _ in range(2))
    np.testing.assert_array_equal(one, again)
    assert one.any()
