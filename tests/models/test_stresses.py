"""A stress changes what it names, on the same luck, and nothing else."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from research.errors import DataError
from research.models.dynamics import Dynamics
from research.models.futures import Question, draw, fit, live
from research.models.rental import SELL_ALL
from research.models.rig import Policy, Rig, Venue
from research.models.scenarios import Paths
from research.models.stresses import AS_ASSUMED, Stress, shaken, under_stress
from tests.questions import RIG, question

Floats = NDArray[np.float64]
N_MONTHS = 6
CASH = Venue(payout="usd")
RIG_BY_HAND: Rig = replace(  # nothing but income: no power, no cost, no loss on the card
    RIG, availability=1.0, tariff_usd_per_kwh=0.0, fixed_usd_per_month=0.0, selling_cost=0.0
)


class Still:
    """A law by which no price ever moves."""

    demand_token_correlation = 0.0
    block_weeks = None

    def __init__(self, n_months: int = N_MONTHS) -> None:
        self.n_months = n_months

    def draw(
        self, size: int, rng: np.random.Generator
    ) -> tuple[dict[str, Floats], dict[str, Floats]]:
        del rng  # nothing is left to chance
        ones = np.ones((self.n_months + 1, size))
        return {"token": ones, "market": ones.copy()}, {"token": np.zeros((self.n_months, size))}


def by_hand(**changes: Any) -> Question:
    """Return a question in which every path is the same: half rented at 0.40 USD an hour."""
    q = question(rig=RIG_BY_HAND, venue=CASH, cash_yield_per_year=0.0, n_months=N_MONTHS)
    certain = replace(
        q.processes,
        rate_drift_per_year=0.0,
        rate_volatility_per_year=0.0,
        resale_drift_per_year=0.0,
        resale_volatility_per_year=0.0,
        new_generation_rate_per_year=0.0,
        utilization_mean=1.0,
        repairs_per_year=0.0,
        deaths_per_year=0.0,
    )
    return replace(q, processes=certain, **changes)


MONTH = 730.5 * 0.4  # gross of a month by hand, USD
LEFT = 2_200 - 2_000 + 1_400  # cash after the purchase and the card, USD


def flat(n_months: int = N_MONTHS) -> Paths:
    """Return one path on which everything is one."""
    owned, flows = np.ones((n_months + 1, 1)), np.ones((n_months, 1))
    return Paths(
        token=owned,
        market=owned,
        basket=owned,
        resale=owned,
        rate_usd_per_hour=flows,
        utilization=0.8 * flows,
        repairs=flows,
        deaths=flows,
        slashes=flows,
        block_weeks=None,
    )


def rent_of(q: Question, stress: Stress, name: str = "rent") -> float:
    """Return the middle wealth of an alternative under a stress, USD."""
    table = under_stress(q, Still(q.n_months), [stress]).median
    return cell(table, stress.id, name) * q.capital_usd


def cell(table: pd.DataFrame, row: str, column: str) -> float:
    return float(table.loc[[row], column].to_numpy()[0])


@pytest.fixture(scope="module")
def dynamics() -> Dynamics:
    return fit(question())


def test_without_a_change_the_paths_are_as_they_were() -> None:
    there = shaken(flat(), Stress(id="nothing", name="Nothing"))
    for each in fields(Paths):
        np.testing.assert_array_equal(getattr(there, each.name), getattr(flat(), each.name))


def test_a_change_comes_month_by_month_and_then_stays() -> None:
    stress = Stress(id="a", name="A", token_change=-0.8, rate_change=-0.4, reached_after_months=4)
    there = shaken(flat(), stress)
    assert there.token is not None
    assert there.token[:, 0] == pytest.approx([1, 0.8, 0.6, 0.4, 0.2, 0.2, 0.2])
    assert there.rate_usd_per_hour[:, 0] == pytest.approx([0.9, 0.8, 0.7, 0.6, 0.6, 0.6])


def test_a_change_that_recovers_goes_as_fast_as_it_came() -> None:
    stress = Stress(id="a", name="A", token_change=-0.8, reached_after_months=2, recovers=True)
    there = shaken(flat(), stress)
    assert there.token is not None
    assert there.token[:, 0] == pytest.approx([1, 0.6, 0.2, 0.6, 1, 1, 1])


def test_a_change_at_once_spares_today_alone() -> None:
    there = shaken(flat(), Stress(id="a", name="A", resale_change=-0.5, rate_change=-0.5))
    assert there.resale[:, 0] == pytest.approx([1, *N_MONTHS * [0.5]])
    assert there.rate_usd_per_hour[:, 0] == pytest.approx(N_MONTHS * [0.5])


def test_each_change_moves_its_own_factor_and_a_basket_falls_with_the_token() -> None:
    stress = Stress(
        id="a", name="A", token_change=-0.5, market_change=-0.25, utilization_change=-0.5
    )
    there = shaken(flat(), stress)
    assert there.token is not None
    assert there.basket is not None
    assert there.market is not None
    ends = [there.token[-1, 0], there.basket[-1, 0], there.market[-1, 0], there.utilization[-1, 0]]
    assert ends == pytest.approx([0.5, 0.5, 0.75, 0.4])
    assert (there.resale == 1).all()


def test_no_card_is_rented_more_than_always() -> None:
    there = shaken(flat(), Stress(id="a", name="A", utilization_change=0.5))
    assert (there.utilization == 1).all()


def test_as_assumed_is_the_comparison_on_the_same_paths(dynamics: Dynamics) -> None:
    q = question()
    found = under_stress(q, dynamics, [])
    usual = live(replace(q, n_paths=found.n_paths), dynamics).comparison
    assert list(found.median.columns) == list(usual.outcomes)
    for name, outcome in usual.outcomes.items():
        assert cell(found.median, AS_ASSUMED, name) == pytest.approx(outcome.median, rel=1e-6)
    assert found.rent_beats_hold[AS_ASSUMED] == pytest.approx(usual.beats("rent", "hold").value)
    assert found.rent_beats_cash[AS_ASSUMED] == pytest.approx(usual.beats("rent", "t-bill").value)


def test_half_the_rate_is_half_the_gross_where_cash_is_paid(dynamics: Dynamics) -> None:
    q = question(venue=CASH)
    paths = draw(q, dynamics, 0)
    usual = q.books(q.rig, paths)
    halved = q.books(q.rig, shaken(paths, Stress(id="a", name="A", rate_change=-0.5)))
    np.testing.assert_allclose(halved.gross_usd, usual.gross_usd / 2)
    np.testing.assert_array_equal(halved.energy_kwh, usual.energy_kwh)


def test_half_the_rate_by_hand() -> None:
    usual = rent_of(by_hand(), Stress(id="a", name="A"))
    assert usual == pytest.approx(LEFT + N_MONTHS * MONTH)
    halved = rent_of(by_hand(), Stress(id="a", name="A", rate_change=-0.5))
    assert halved == pytest.approx(LEFT + N_MONTHS * MONTH / 2)


def test_a_token_that_loses_nearly_all_ruins_who_holds_it_and_not_who_is_paid_and_sells(
    dynamics: Dynamics,
) -> None:
    crash = Stress(id="crash", name="Crash", token_change=-0.99)
    table = under_stress(question(), dynamics, [crash]).median
    assert cell(table, "crash", "hold") == pytest.approx(0.01 * cell(table, AS_ASSUMED, "hold"))
    assert cell(table, "crash", "rent") == pytest.approx(cell(table, AS_ASSUMED, "rent"))
    assert cell(table, "crash", "btc") == cell(table, AS_ASSUMED, "btc")


def test_a_rig_paid_a_number_of_tokens_falls_with_them() -> None:
    paid = Venue(payout="token-quoted", tokens_per_week=168)  # a token an hour, of 0.50 USD
    crash = Stress(id="crash", name="Crash", token_change=-0.9)
    q = by_hand(venue=paid)
    assert rent_of(q, Stress(id="a", name="A")) == pytest.approx(LEFT + N_MONTHS * 730.5 * 0.5)
    assert rent_of(q, crash) == pytest.approx(LEFT + N_MONTHS * 730.5 * 0.05)


def test_a_reward_is_cut_and_a_fee_replaced() -> None:
    paid = Venue(payout="token-quoted", platform_fee=0.1, tokens_per_week=168)
    cut = Stress(id="cut", name="Cut", reward_change=-0.6, platform_fee=0.2)
    income = N_MONTHS * 730.5 * 0.5
    assert rent_of(by_hand(venue=paid), cut) == pytest.approx(LEFT + income * 0.4 * 0.8)
    assert rent_of(by_hand(), cut) == pytest.approx(LEFT + N_MONTHS * MONTH * 0.8)


def test_after_a_shutdown_nothing_is_paid_from_its_month_on() -> None:
    shut = Stress(id="shut", name="Shut", shutdown_month=3)
    assert rent_of(by_hand(), shut) == pytest.approx(LEFT + 2 * MONTH)


def test_a_shutdown_after_the_horizon_changes_nothing() -> None:
    never = Stress(id="never", name="Never", shutdown_month=N_MONTHS + 1)
    assert rent_of(by_hand(), never) == pytest.approx(LEFT + N_MONTHS * MONTH)


@pytest.mark.parametrize("sell_share", [1.0, 0.5, 0.0])
def test_after_a_shutdown_the_open_market_pays_cash_whatever_is_done_with_tokens(
    sell_share: float,
) -> None:
    venue = Venue(payout="usd-quoted", platform_fee=0.1, token_trade_cost=0.02)
    q = by_hand(venue=venue, policy=Policy(sell_share=sell_share))
    shut = Stress(
        id="shut",
        name="Shut",
        token_change=-0.5,
        reached_after_months=6,
        shutdown_month=3,
        after_shutdown="open-market",
        open_market_fee=0.25,
    )
    paid = MONTH * 0.9 * 0.98  # tokens of a month, sold at the price at which they were paid
    worth = [0.5 / (1 - 0.5 * month / 6) for month in (1, 2)]  # kept to the horizon instead
    tokens = sum(sell_share * paid + (1 - sell_share) * paid * each for each in worth)
    assert rent_of(q, shut) == pytest.approx(LEFT + tokens + 4 * MONTH * 0.75)


def test_a_rig_with_options_is_left_out_where_a_shutdown_leaves_no_rule_to_judge_by() -> None:
    shut = Stress(id="shut", name="Shut", shutdown_month=3)
    table = under_stress(by_hand(), Still(), [shut]).median
    assert np.isnan(cell(table, "shut", "rent-options"))
    assert np.isfinite(cell(table, AS_ASSUMED, "rent-options"))


def test_stresses_are_lived_through_in_the_order_given() -> None:
    stresses = [Stress(id=name, name=name, rate_change=-0.1) for name in ("b", "a")]
    found = under_stress(by_hand(), Still(), stresses)
    assert list(found.median.index) == [AS_ASSUMED, "b", "a"]
    assert list(found.rent_beats_cash.index) == [AS_ASSUMED, "b", "a"]


def test_without_a_token_there_is_no_holding_to_beat() -> None:
    class NoToken(Still):
        def draw(
            self, size: int, rng: np.random.Generator
        ) -> tuple[dict[str, Floats], dict[str, Floats]]:
            growth, _ = super().draw(size, rng)
            return {"market": growth["market"]}, {}

    q = by_hand(token=None, token_price_usd=None, policy=SELL_ALL)
    found = under_stress(q, NoToken(), [Stress(id="a", name="A", token_change=-0.5)])
    assert found.rent_beats_hold.isna().all()
    assert "hold" not in found.median
    assert (found.rent_beats_cash == 1).all()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"token_change": -0.5, "recovers": True}, "reached_after_months"),
        ({"token_change": -1.0}, "leaves no price"),
    ],
)
def test_a_stress_that_no_path_could_live_is_refused(changes: Any, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        Stress(id="a", name="A", **changes)
