"""The fast mean lead is the mean of the real ledgers, setting by setting."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from research.errors import InfeasibleError, UsageError
from research.models.bootstrap import History
from research.models.dynamics import Dynamics
from research.models.expected_lead import N_PATHS, SPLIT, UTILIZATIONS, ExpectedLead, splittable
from research.models.futures import Question, draw, fit, hold_wealth
from research.models.levers import GROWTH, levers_of, moved
from research.models.rental import SELL_ALL
from research.models.rig import Loan, Taxes, Venue
from research.models.sensitivity import Uncertain, sobol
from tests.questions import PROCESSES, RIG, question, weeks

ON_THE_GRID = float(UTILIZATIONS[15])  # 0.6, as in the question

VENUES = {
    "usd": Venue(payout="usd", platform_fee=0.1),
    "usd-quoted": Venue(payout="usd-quoted", platform_fee=0.1, token_trade_cost=0.0025),
    "collateral": Venue(
        payout="usd-quoted", token_trade_cost=0.01, collateral_tokens=200, slash_fraction=0.25
    ),
    "token-quoted": Venue(
        payout="token-quoted",
        platform_fee=0.05,
        token_trade_cost=0.0025,
        tokens_per_week=40,
        availability_tokens_per_week=2,
    ),
    "emission-share": Venue(
        payout="emission-share",
        token_trade_cost=0.0025,
        pool_tokens_per_month=1e6,
        pool_decline_per_month=0.01,
        pool_share=1e-4,
        network_growth_per_year=0.2,
    ),
}
MOVED = {
    "processes.utilization_mean": float(UTILIZATIONS[8]),
    "processes.rate_usd_per_hour": 0.7,
    "processes.rate_drift_per_year": 0.25,
    "processes.resale_drift_per_year": -0.5,
    "rig.availability": 0.85,
    "rig.host_usd": 150.0,
    "rig.load_w": 300.0,
    "rig.pue": 1.3,
    "rig.resale_usd": 2_000.0,
    "rig.tariff_usd_per_kwh": 0.4,
    "rig.tariff_escalation_per_year": 0.1,
    "venue.platform_fee": 0.3,
    "venue.tokens_per_week": 10.0,
    GROWTH: 0.5,
}


def asked(venue: str, **changes: Any) -> Question:
    """Return a question with slashing, some deaths and a tariff that rises."""
    return question(
        venue=VENUES[venue],
        rig=replace(RIG, tariff_escalation_per_year=0.04, **changes.pop("rig", {})),
        processes=replace(PROCESSES, slashes_per_year=0.3, deaths_per_year=0.4),
        **changes,
    )


@cache
def law_of(columns: tuple[str, ...]) -> Dynamics:
    return fit(question(history=History(returns=weeks(columns=columns))))


def law(q: Question) -> Dynamics:
    """Return the law of the question's prices, fitted once."""
    return law_of(tuple(str(name) for name in q.history.returns))


def by_ledgers(q: Question, values: dict[str, float]) -> float:
    """Return the mean lead over the first 500 paths, lived through by the real ledger."""
    there = replace(moved(q, values), policy=SELL_ALL)
    paths = draw(there, law(q), 0).first(N_PATHS)
    wealth = there.books(there.rig, paths).wealth_usd[-1] / q.capital_usd
    return float(np.mean(wealth - hold_wealth(there, paths)[-1]))


def stated_in(q: Question, name: str) -> float:
    """Return what the question says of a lever."""
    part, _, field = name.rpartition(".")
    return float(getattr(getattr(q, part) if part else q, field))


def uncertain(name: str, value: float = 0.5) -> Uncertain:
    return Uncertain(
        name=name, label=name, unit="", value=value, low=value - 0.1, high=value + 0.1, grade="D"
    )


def lead(q: Question, values: dict[str, float]) -> float:
    """Return the mean lead of one setting."""
    inputs = [uncertain(name) for name in values]
    return float(ExpectedLead(q, law(q), inputs)(np.array([[*values.values()]]))[0])


def test_every_lever_that_can_be_split_is_tried_here() -> None:
    assert set(MOVED) == set(SPLIT)


@pytest.mark.parametrize("venue", VENUES)
def test_no_lever_each_alone_and_all_together_do_what_they_do_to_the_ledgers(venue: str) -> None:
    q = asked(venue)
    stated = {name: stated_in(q, name) for name in SPLIT}
    stated["processes.utilization_mean"] = ON_THE_GRID
    settings = [stated, *(stated | {name: value} for name, value in MOVED.items()), MOVED]
    expected_lead = ExpectedLead(q, law(q), [uncertain(name) for name in SPLIT])
    found = expected_lead(np.array([[each[name] for name in SPLIT] for each in settings]))
    for one, values in zip(found, settings, strict=True):
        assert one == pytest.approx(by_ledgers(q, values), abs=1e-6), values


@pytest.mark.parametrize("venue", ["usd", "collateral"])
def test_cards_that_are_not_replaced_take_their_collateral_with_them(venue: str) -> None:
    q = asked(venue, rig={"replace_dead": False, "gpu_count": 2}, capital_usd=4_500)
    assert lead(q, MOVED) == pytest.approx(by_ledgers(q, MOVED), abs=1e-6)


def test_a_loan_is_paid_back() -> None:
    q = asked("usd-quoted", loan=Loan(share_of_cost=0.5, rate_per_year=0.1, n_months=24))
    assert lead(q, MOVED) == pytest.approx(by_ledgers(q, MOVED), abs=1e-6)


def test_a_growth_that_the_question_states_counts_where_no_setting_moves_it() -> None:
    q = asked("token-quoted", token_growth_per_year=0.4)
    values = {"processes.utilization_mean": ON_THE_GRID}
    assert lead(q, values) == pytest.approx(by_ledgers(q, values), abs=1e-9)


def test_a_rate_of_zero_earns_nothing_and_can_still_be_moved() -> None:
    q = asked("usd")
    q = replace(q, processes=replace(q.processes, rate_usd_per_hour=0.0))
    for rate in (0.0, 0.4):
        values = {
            "processes.utilization_mean": ON_THE_GRID,
            "processes.rate_usd_per_hour": rate,
        }
        assert lead(q, values) == pytest.approx(by_ledgers(q, values), abs=1e-6)


def test_between_the_points_of_the_grid_it_is_off_by_less_than_two_thousandths() -> None:
    q, name = asked("usd-quoted"), "processes.utilization_mean"
    between = np.array([[0.01], [0.37], [0.58], [0.99]])
    found = ExpectedLead(q, law(q), [uncertain(name)])(between)
    assert found == pytest.approx([by_ledgers(q, {name: u}) for u in between[:, 0]], abs=2e-3)


def test_a_card_that_is_never_or_always_rented_is_on_the_grid() -> None:
    q, name = asked("usd-quoted"), "processes.utilization_mean"
    found = ExpectedLead(q, law(q), [uncertain(name)])(np.array([[0.0], [1.0]]))
    assert found == pytest.approx([by_ledgers(q, {name: u}) for u in (0.0, 1.0)], abs=1e-9)


def test_without_a_token_it_leads_t_bills() -> None:
    q = asked(
        "usd", token=None, token_price_usd=None, history=History(returns=weeks(columns=("market",)))
    )
    values = {"processes.utilization_mean": ON_THE_GRID, "rig.pue": 1.2}
    assert lead(q, values) == pytest.approx(by_ledgers(q, values), abs=1e-9)


def test_a_lever_that_cannot_be_split_is_refused_by_name() -> None:
    q = asked("usd")
    with pytest.raises(UsageError, match=r"failures cannot be moved.*rig\.pue"):
        ExpectedLead(q, law(q), [uncertain("failures")])


def test_a_tax_on_income_is_refused_for_it_is_not_linear() -> None:
    q = asked("usd", taxes=Taxes(income=0.3))
    with pytest.raises(InfeasibleError, match="tax on income"):
        ExpectedLead(q, law(q), [])


def test_only_what_can_be_split_is_kept_for_the_shares() -> None:
    inputs = [uncertain(name) for name in ("failures", "rig.pue", "processes.new_generation_shock")]
    assert [each.name for each in splittable(inputs)] == ["rig.pue"]


def test_the_shares_of_a_thousand_settings_come_without_a_thousand_simulations() -> None:
    q = asked("usd-quoted")
    inputs = levers_of(
        q,
        [
            Uncertain(name=name, label=name, unit="", value=value, low=None, high=None, grade="C")
            for name, value in (
                ("processes.rate_usd_per_hour", 0.4),
                ("rig.tariff_usd_per_kwh", 0.15),
                ("venue.tokens_per_week", 25.0),
            )
        ],
    )
    shares = sobol(inputs, ExpectedLead(q, law(q), splittable(inputs)), n=256, seed=1)
    total = {share.name: share.total for share in shares.shares}
    assert total["venue.tokens_per_week"] == 0  # plays no part where USD are paid
    # growth moves what holding makes by its own range, and renting not at all
    assert max(total, key=lambda name: total[name] or 0.0) == GROWTH
    assert sum(share.first or 0.0 for share in shares.shares) == pytest.approx(1, abs=0.05)
