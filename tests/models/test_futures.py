"""Every alternative on the same months: which there are, how they start, how many paths."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from research.models.bootstrap import History
from research.models.comparison import KEPT_PATHS
from research.models.futures import (
    MIN_PATHS,
    Futures,
    Question,
    alternatives,
    draw,
    fit,
    grown,
    live,
    policies,
)
from research.models.operation import operate
from research.models.rig import Loan, Policy, Venue
from research.models.scenarios import BLOCK_OF_PATHS, Paths
from tests.questions import PROCESSES, RIG, question, weeks

ALL = ("token", "market", "demand", "basket")


def short(**changes: Any) -> Question:
    """A question of three months, so that many paths take little time."""
    return question(**({"n_months": 3} | changes))


def lived(asked: Question, *, workers: int = 1) -> Futures:
    return live(asked, fit(asked), workers=workers)


def blocks(asked: Question) -> list[Paths]:
    law = fit(asked)
    return [draw(asked, law, block) for block in range(-(-asked.n_paths // BLOCK_OF_PATHS))]


def wealth_of(asked: Question, paths: Paths) -> dict[str, Any]:
    ran = operate(
        asked.rig,
        asked.venue,
        paths,
        token_price_usd=asked.token_price_usd,
        policy=asked.policy,
    )
    return alternatives(asked, paths, ran)


def assert_same(one: Futures, other: Futures) -> None:
    """Down to the last bit."""
    pd.testing.assert_frame_equal(
        one.comparison.summary(), other.comparison.summary(), check_exact=True
    )
    for name, outcome in one.comparison.outcomes.items():
        same = other.comparison.outcomes[name]
        np.testing.assert_array_equal(outcome.terminal, same.terminal)
        pd.testing.assert_frame_equal(outcome.quantiles, same.quantiles, check_exact=True)
        pd.testing.assert_frame_equal(outcome.marks, same.marks, check_exact=True)
    for month, wins in one.comparison.wins.items():
        pd.testing.assert_frame_equal(wins, other.comparison.wins[month], check_exact=True)
    np.testing.assert_array_equal(one.net_usd, other.net_usd)
    for name, line in one.lines.items():
        np.testing.assert_array_equal(line.at_zero, other.lines[name].at_zero)
        np.testing.assert_array_equal(line.slope, other.lines[name].slope)


# the same seed, the same numbers


@pytest.mark.parametrize("max_std_error", [0.0, 0.0045])
def test_one_worker_and_two_give_the_same_numbers_stopped_early_or_not(
    max_std_error: float,
) -> None:
    asked = short(n_paths=27_000, max_std_error=max_std_error)
    one = lived(asked)
    assert_same(one, lived(asked, workers=2))
    assert_same(one, lived(asked, workers=5))
    assert (one.comparison.n_paths < asked.n_paths) == (max_std_error > 0)


@pytest.mark.parametrize("n_paths", [1, 700, 5_000, 5_001, 12_000])
def test_the_first_paths_are_the_same_however_many_are_asked_for(n_paths: int) -> None:
    few, many = lived(short(n_paths=n_paths)), lived(short(n_paths=12_000))
    for name, outcome in few.comparison.outcomes.items():
        np.testing.assert_array_equal(
            outcome.terminal, many.comparison.outcomes[name].terminal[:n_paths]
        )
    np.testing.assert_array_equal(few.net_usd, many.net_usd[:, :n_paths])


def test_another_seed_gives_other_numbers() -> None:
    one, other = (lived(short(n_paths=50, seed=seed)).comparison for seed in (1, 2))
    assert (one.outcomes["rent"].terminal != other.outcomes["rent"].terminal).any()


def test_what_is_lived_is_what_is_drawn() -> None:
    asked = short(n_paths=7_000)
    wealth = [wealth_of(asked, paths) for paths in blocks(asked)]
    comparison = lived(asked).comparison
    for name, outcome in comparison.outcomes.items():
        ends = [np.broadcast_to(each[name].liquidated[-1], BLOCK_OF_PATHS) for each in wealth]
        np.testing.assert_array_equal(outcome.terminal, np.concatenate(ends)[:7_000])


# how many paths


@pytest.mark.parametrize(
    ("max_std_error", "n_paths"),
    # sqrt(0.25 / n): 0.00500 of 10,000, 0.00408 of 15,000, 0.00354 of 20,000 at most
    [(0.5, 10_000), (0.00499, 10_000), (0.0042, 15_000), (0.0036, 20_000), (0.001, 22_000)],
)
def test_it_stops_at_the_first_block_that_is_precise_enough_but_not_before_10_000_paths(
    max_std_error: float, n_paths: int
) -> None:
    comparison = lived(short(n_paths=22_000, max_std_error=max_std_error)).comparison
    assert comparison.n_paths == n_paths
    assert comparison.beats("rent", "hold").nobs == n_paths
    if n_paths < 22_000:
        assert comparison.beats("rent", "hold").std_error < max_std_error
    if n_paths > MIN_PATHS:  # a block fewer would not have done
        before = lived(short(n_paths=n_paths - BLOCK_OF_PATHS)).comparison
        assert before.beats("rent", "hold").std_error >= max_std_error


def test_a_question_of_fewer_paths_than_10_000_asks_for_all_of_them() -> None:
    assert lived(short(n_paths=6_000, max_std_error=0.5)).comparison.n_paths == 6_000


def test_without_a_token_precision_is_that_of_the_chance_to_beat_t_bills() -> None:
    listless = {"history": History(returns=pd.DataFrame()), "token": None, "token_price_usd": None}
    asked = short(n_paths=30_000, max_std_error=0.0042, venue=Venue(payout="usd"), **listless)
    comparison = lived(asked).comparison
    assert comparison.n_paths < 30_000
    assert comparison.beats("rent", "t-bill").std_error < 0.0042


def test_chances_count_all_paths_and_quantiles_the_first_20_000() -> None:
    asked = short(n_paths=25_000)
    futures = lived(asked)
    outcome = futures.comparison.outcomes["hold"]
    ends = np.concatenate(
        [wealth_of(asked, paths)["hold"].liquidated[-1] for paths in blocks(asked)]
    )
    assert (len(ends), KEPT_PATHS, len(outcome.terminal)) == (25_000, 20_000, 20_000)
    assert (outcome.p_loss.value, outcome.p_loss.nobs) == ((ends < 1).mean(), 25_000)
    assert outcome.p_loss.value != (ends[:20_000] < 1).mean()
    assert outcome.mean == pytest.approx(ends.mean(), rel=1e-12)
    assert outcome.certainty_equivalents[1.0] == pytest.approx(np.exp(np.log(ends).mean()))
    np.testing.assert_array_equal(outcome.terminal, ends[:20_000])
    assert outcome.quantiles.iloc[-1].to_numpy() == pytest.approx(
        np.quantile(ends[:20_000], [0.05, 0.25, 0.5, 0.75, 0.95]), rel=1e-6
    )
    worst = np.sort(ends[:20_000])[:1_000]
    assert outcome.expected_shortfall == pytest.approx(1 - worst.mean(), rel=1e-6)
    assert futures.net_usd.shape == (3, 20_000)
    assert {len(line.slope) for line in futures.lines.values()} == {20_000}


# which alternatives there are


@pytest.mark.parametrize(
    ("columns", "there"),
    [
        (("token",), {"hold"}),
        (("token", "market"), {"hold", "btc"}),
        (("token", "basket"), {"hold", "basket"}),
        (ALL, {"hold", "basket", "btc"}),
    ],
)
def test_basket_and_bitcoin_are_compared_where_the_history_has_them(
    columns: tuple[str, ...], there: set[str]
) -> None:
    asked = short(n_paths=20, history=History(returns=history(columns)))
    found = set(lived(asked).comparison.outcomes)
    assert found & {"hold", "hold-staked", "basket", "btc"} == there
    assert "t-bill" in found


def history(columns: tuple[str, ...]) -> pd.DataFrame:
    """Joint weeks; the basket's are the market's in reverse."""
    known = weeks(columns=("token", "market", "demand"))
    return known.assign(basket=known["market"].to_numpy()[::-1])[list(columns)]


def test_tokens_may_be_sold_halved_held_or_staked_only_where_they_are_paid() -> None:
    staked = short(staking_yield_per_year=0.1)
    assert list(policies(staked)) == [
        "rent",
        "rent-half",
        "rent-hold",
        "rent-stake",
        "rent-options",
    ]
    assert list(policies(short())) == ["rent", "rent-half", "rent-hold", "rent-options"]
    assert list(policies(short(venue=Venue(payout="usd")))) == ["rent", "rent-options"]
    assert list(policies(short(token_price_usd=None))) == ["rent", "rent-options"]


def test_a_way_to_rent_that_is_the_question_s_own_is_not_listed_twice() -> None:
    assert list(policies(short(policy=Policy(sell_share=0.5)))) == [
        "rent",
        "rent-hold",
        "rent-options",
    ]
    options = Policy(switch_off=True, sell_rig=True)
    ways = policies(short(policy=options))
    assert list(ways) == ["rent", "rent-half", "rent-hold"]
    assert all(way.switch_off and way.sell_rig for way in ways.values())


def test_a_staker_s_daily_rewards_are_the_same_for_bought_and_for_earned_tokens() -> None:
    stake = policies(short(staking_yield_per_year=0.1))["rent-stake"]
    assert 1 + stake.staking_yield_per_year == pytest.approx((1 + 0.1 / 365) ** 365)


# what they are worth


def test_every_alternative_starts_at_what_getting_out_at_once_would_leave() -> None:
    asked = short(
        n_paths=30,
        history=History(returns=history(ALL)),
        staking_yield_per_year=0.1,
        trade_cost=0.01,
        venue=Venue(payout="usd-quoted", token_trade_cost=0.01, collateral_tokens=100),
    )
    start = {
        name: sorted(set(outcome.quantiles.loc[0]))
        for name, outcome in lived(asked).comparison.outcomes.items()
    }
    locked = 100 * 0.5  # bought at 1 / 0.99 and sold at 0.99
    rig = (2_200 - 2_000 - locked / 0.99 + 1_400 * 0.9 + locked * 0.99) / 2_200
    ways = ("rent", "rent-half", "rent-hold", "rent-stake", "rent-options")
    assert start == {
        **{name: [pytest.approx(0.99**2)] for name in ("hold", "hold-staked", "basket", "btc")},
        **{name: [pytest.approx(rig)] for name in ways},
        "t-bill": [1.0],
    }


def test_wealth_held_is_wealth_before_any_cost_of_selling() -> None:
    asked = short(n_paths=30, loan=Loan(share_of_cost=0.5, rate_per_year=0.1, n_months=12))
    wealth = wealth_of(asked, blocks(asked)[0])
    for name in ("hold", "btc"):
        np.testing.assert_allclose(wealth[name].held * 0.9975, wealth[name].liquidated)
    np.testing.assert_array_equal(wealth["t-bill"].held, wealth["t-bill"].liquidated)
    rent = wealth["rent"]
    paths = blocks(asked)[0]
    selling = 1_400 * 0.1 * paths.resale / 2_200  # sold at once, so no token is ever held
    np.testing.assert_allclose(rent.held - rent.liquidated, selling)


def test_staking_multiplies_what_is_held_by_the_tokens_it_became() -> None:
    asked = question(n_paths=30, staking_yield_per_year=0.1)
    wealth = wealth_of(asked, blocks(asked)[0])
    tokens = (1 + 0.1 / 365) ** (365 / 12 * np.arange(13))[:, None]
    np.testing.assert_allclose(wealth["hold-staked"].liquidated, wealth["hold"].liquidated * tokens)


def test_alternatives_that_are_the_same_are_level() -> None:
    # with free power, no fixed cost and no failure there is never a reason to stop or to sell
    free = replace(RIG, tariff_usd_per_kwh=0.0, fixed_usd_per_month=0.0)
    sturdy = replace(PROCESSES, repairs_per_year=0.0, deaths_per_year=0.0)
    asked = question(rig=free, processes=sturdy, n_paths=500)
    comparison = lived(asked).comparison
    options, rent = comparison.outcomes["rent-options"], comparison.outcomes["rent"]
    np.testing.assert_array_equal(options.terminal, rent.terminal)
    assert comparison.beats("rent-options", "rent").value == 0.5
    assert all(comparison.beats(name, name).value == 0.5 for name in comparison.outcomes)


def test_growth_of_the_token_moves_the_token_alone() -> None:
    usual, risen = short(n_paths=40), short(n_paths=40, token_growth_per_year=0.5)
    one, other = (blocks(each)[0] for each in (usual, risen))
    assert one.token is not None
    assert other.token is not None
    months = np.arange(4)[:, None] / 12
    np.testing.assert_allclose(other.token, one.token * 1.5**months)
    for name, array in vars(one).items():
        if name != "token" and isinstance(array, np.ndarray):
            np.testing.assert_array_equal(getattr(other, name), array, err_msg=name)
    ends = [lived(each).comparison.outcomes for each in (usual, risen)]
    for name in ("rent", "btc", "t-bill"):  # paid in USD's worth and sold at once
        np.testing.assert_array_equal(ends[0][name].terminal, ends[1][name].terminal)
    np.testing.assert_allclose(ends[1]["hold"].terminal, ends[0]["hold"].terminal * 1.5**0.25)


def test_a_growth_may_differ_by_path_and_needs_a_token() -> None:
    paths = blocks(short(n_paths=10))[0].first(2)
    raised = grown(paths, np.array([0.0, 1.0])).token
    assert paths.token is not None
    assert raised is not None
    np.testing.assert_allclose(
        raised, paths.token * np.array([1, 2]) ** (np.arange(4)[:, None] / 12)
    )
    alone = replace(paths, token=None)
    assert grown(alone, 0.5) is alone
