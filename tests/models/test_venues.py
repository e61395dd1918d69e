"""The same card elsewhere: each row is what the ledger says of that venue."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from research.models.dynamics import Dynamics
from research.models.futures import Question, draw, fit
from research.models.rig import Policy, Venue
from research.models.venues import Offer, side_by_side
from tests.questions import PROCESSES, RIG, question

RENDER = Venue(
    payout="token-quoted",
    platform_fee=0.05,
    token_trade_cost=0.0025,
    tokens_per_week=25,
    availability_tokens_per_week=2,
)


def offer(name: str = "Elsewhere", **changes: Any) -> Offer:
    stated: dict[str, Any] = {
        "venue": Venue(payout="usd", platform_fee=0.25),
        "rate_usd_per_hour": 0.4,
        "token_price_usd": None,
        "same_token": False,
    }
    return Offer(name=name, **stated | changes)


def own(q: Question) -> Offer:
    return offer(q.network, venue=q.venue, token_price_usd=q.token_price_usd, same_token=True)


@pytest.fixture(scope="module")
def dynamics() -> Dynamics:
    return fit(question())


def figure(table: pd.DataFrame, row: str, column: str) -> float:
    return float(table.loc[[row], column].to_numpy()[0])


def test_a_row_by_hand(dynamics: Dynamics) -> None:
    certain = replace(PROCESSES, repairs_per_year=0.0, deaths_per_year=0.0)
    q = question(processes=certain)
    table = side_by_side(q, dynamics, [offer(rate_usd_per_hour=0.5)])
    gross = 24 * 0.97 * 0.6 * 0.5
    assert figure(table, "Elsewhere", "gross_usd_per_day") == pytest.approx(gross)
    watts = 0.97 * 0.6 * (550 - 82) + 82
    power = 24 * watts / 1000 / 0.9 * 0.15
    fixed = 12 / (730.5 / 24)
    assert figure(table, "Elsewhere", "net_usd_per_day") == pytest.approx(
        gross * 0.75 - power - fixed
    )
    assert table.loc["Elsewhere", "payout"] == "usd"
    assert figure(table, "Elsewhere", "rate_usd_per_hour") == 0.5
    assert figure(table, "Elsewhere", "platform_fee") == 0.25


def test_tokens_owed_are_counted_at_today_s_price_and_no_rate_is_shown(dynamics: Dynamics) -> None:
    certain = replace(PROCESSES, repairs_per_year=0.0, deaths_per_year=0.0)
    q = question(processes=certain)
    table = side_by_side(q, dynamics, [offer(venue=RENDER, token_price_usd=1.6)])
    a_day = (25 * 0.97 * 0.6 + 2 * 0.97) / 7 * 1.6
    assert figure(table, "Elsewhere", "gross_usd_per_day") == pytest.approx(a_day)
    assert np.isnan(figure(table, "Elsewhere", "rate_usd_per_hour"))
    assert np.isnan(figure(table, "Elsewhere", "beats_cash"))  # its token is not simulated


def test_the_own_place_is_as_likely_ahead_as_in_the_question(dynamics: Dynamics) -> None:
    q = question()
    table = side_by_side(q, dynamics, [own(q)])
    wealth = q.books(q.rig, draw(q, dynamics, 0)).wealth_usd[-1] / q.capital_usd
    assert figure(table, "Akash", "beats_cash") == pytest.approx(float((wealth > 1.04).mean()))


def test_the_own_token_is_simulated_where_it_is_owed(dynamics: Dynamics) -> None:
    q = question(venue=RENDER)
    assert 0 < figure(side_by_side(q, dynamics, [own(q)]), "Akash", "beats_cash") < 1


def test_a_better_rate_is_ahead_more_often_and_worth_more(dynamics: Dynamics) -> None:
    offers = [offer(str(rate), rate_usd_per_hour=rate) for rate in (0.3, 0.5, 0.9)]
    table = side_by_side(question(), dynamics, offers)
    assert table["beats_cash"].is_monotonic_increasing
    assert table["npv_usd"].is_monotonic_increasing
    assert table["break_even_utilization"].is_monotonic_decreasing


def test_a_simulated_rate_is_the_one_that_was_drawn_with_it(dynamics: Dynamics) -> None:
    q = question(venue=Venue(payout="usd"))
    table = side_by_side(q, dynamics, [offer(venue=q.venue, rate_usd_per_hour=0.8)])
    there = replace(q, processes=replace(q.processes, rate_usd_per_hour=0.8))
    wealth = there.books(q.rig, draw(there, dynamics, 0)).wealth_usd[-1] / q.capital_usd
    assert figure(table, "Elsewhere", "beats_cash") == pytest.approx(float((wealth > 1.04).mean()))


def test_tokens_are_sold_on_receipt_whatever_the_question_does_with_its_own(
    dynamics: Dynamics,
) -> None:
    quoted = offer(venue=Venue(payout="usd-quoted", token_trade_cost=0.0025))
    keeps = question(policy=Policy(sell_share=0.0))
    pd.testing.assert_frame_equal(
        side_by_side(keeps, dynamics, [quoted, own(keeps)]),
        side_by_side(question(), dynamics, [quoted, own(keeps)]),
    )


def test_places_stand_in_the_order_given(dynamics: Dynamics) -> None:
    table = side_by_side(question(), dynamics, [offer("b"), offer("a")])
    assert list(table.index) == ["b", "a"]
    assert table.index.name == "venue"
    assert RIG.gpu_count == 1
