from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from research.errors import DataError, InfeasibleError, InsufficientDataError
from research.models.bootstrap import History
from research.models.comparison import compare
from research.models.decision import Choice, Decision, decide
from research.models.futures import Question
from research.models.rig import Policy, Rig, Venue
from research.models.scenarios import Processes


@pytest.fixture(scope="module")
def question(rig: Rig, processes: Processes, weeks: pd.DataFrame) -> Question:
    return Question(
        network="Akash",
        token="AKT",  # noqa: S106 - a symbol, no secret
        gpu="RTX 4090",
        rig=rig,
        venue=Venue(payout="usd-quoted", platform_fee=0.1, token_trade_cost=0.0025),
        processes=processes,
        history=History(returns=weeks),
        capital_usd=2_200.0,
        token_price_usd=0.5,
        trade_cost=0.0025,
        cash_yield_per_year=0.04,
        discount_rate_per_year=0.15,
        n_months=24,
        drift="zero",
        n_paths=2_000,
        seed=11,
    )


@pytest.fixture(scope="module")
def decision(question: Question) -> Decision:
    return decide(question)


def test_every_alternative_lives_through_the_same_paths(decision: Decision) -> None:
    comparison = decision.comparison
    rents = {"rent", "rent-half", "rent-hold", "rent-options"}
    assert set(comparison.outcomes) == {*rents, "hold", "btc", "t-bill"}
    assert (comparison.n_months, comparison.n_paths) == (24, 2_000)
    token, market = (comparison.outcomes[name].terminal for name in ("hold", "btc"))
    assert np.corrcoef(np.log(token), np.log(market))[0, 1] > 0.3
    rent = comparison.outcomes["rent"].terminal
    assert np.corrcoef(rent, np.log(token))[0, 1] > 0.05  # rates move with the token


def test_all_start_from_the_same_dollar_less_what_getting_out_at_once_would_cost(
    decision: Decision,
) -> None:
    start = {
        name: outcome.quantiles[0.5].iloc[0]
        for name, outcome in decision.comparison.outcomes.items()
    }
    assert start == pytest.approx(
        {
            **dict.fromkeys(
                ("rent", "rent-half", "rent-hold", "rent-options"), (200 + 1_260) / 2_200
            ),
            "hold": 0.9975**2,
            "btc": 0.9975**2,
            "t-bill": 1.0,
        }
    )


def test_the_same_seed_gives_the_same_answer(question: Question, decision: Decision) -> None:
    again = decide(question)
    pd.testing.assert_frame_equal(again.comparison.summary(), decision.comparison.summary())
    pd.testing.assert_frame_equal(again.months, decision.months)
    assert again.flips == decision.flips
    assert again.block_weeks == decision.block_weeks


def test_paid_in_usd_and_sold_at_once_the_token_s_drift_moves_holding_only(
    question: Question, decision: Decision
) -> None:
    other = decide(replace(question, drift="historical")).comparison
    zero = decision.comparison
    np.testing.assert_array_equal(other.outcomes["rent"].terminal, zero.outcomes["rent"].terminal)
    assert not np.array_equal(other.outcomes["hold"].terminal, zero.outcomes["hold"].terminal)


def test_the_error_of_the_headline_shrinks_with_the_number_of_paths(decision: Decision) -> None:
    ahead = decision.rent_beats_hold
    assert ahead is not None
    assert ahead.std_error == pytest.approx(np.sqrt(ahead.value * (1 - ahead.value) / 2_000))


def choice_between(decision: Decision, **ends: list[float]) -> Choice:
    wealth = {
        name.replace("_", "-"): np.array([[1.0, 1.0, 1.0], each]) for name, each in ends.items()
    }
    return replace(decision, comparison=compare(wealth)).choice


@pytest.mark.parametrize(
    ("rent", "hold", "choice"),
    [
        ([2, 2, 0], [0, 0, 9], "rent"),
        ([0, 0, 9], [2, 2, 0], "hold"),
        ([0, 0, 9], [0, 0, 9], "neither"),
        ([2, 2, 2], [3, 3, 0], "hold"),
        ([3, 3, 0], [2, 2, 2], "rent"),
        ([1, 1, 1], [1, 1, 1], "neither"),
    ],
)
def test_the_choice_is_what_ends_ahead_of_t_bills_and_of_the_other_in_most_paths(
    decision: Decision, rent: list[float], hold: list[float], choice: Choice
) -> None:
    assert choice_between(decision, rent=rent, hold=hold, t_bill=[1, 1, 1]) == choice


def test_the_expected_months_add_up(question: Question, decision: Decision) -> None:
    months = decision.months
    assert list(months.index) == list(range(1, 25))
    costs = months[["fee_usd", "electricity_usd", "fixed_usd", "repairs_usd"]].sum(axis=1)
    np.testing.assert_allclose(months["net_usd"], months["gross_usd"] - costs)
    assert months["gross_usd"].iloc[0] == pytest.approx(438.3 * 0.40)
    assert (months["net_q05_usd"] < months["net_q50_usd"]).all()
    assert (months["net_q50_usd"] < months["net_q95_usd"]).all()


def test_the_expected_months_are_those_of_the_appraisal_but_for_the_cost_of_selling_tokens(
    decision: Decision,
) -> None:
    income = decision.months["gross_usd"] - decision.months["fee_usd"]
    net = decision.months["net_usd"] - 0.0025 * income
    np.testing.assert_allclose(decision.appraisal.flows_usd[1:-1], net.iloc[:-1])


def test_the_flips_are_asked_against_holding_and_against_t_bills(decision: Decision) -> None:
    assert [(flip.input, flip.against) for flip in decision.flips] == [
        (name, against)
        for name in ("utilization", "rate_usd_per_hour", "tariff_usd_per_kwh")
        for against in ("hold", "t-bill")
    ] + [("token", "hold")]


def test_the_flips_agree_with_the_headline(question: Question, decision: Decision) -> None:
    ahead = decision.beats_cash("rent").value > 0.5
    levels = {flip.input: flip for flip in decision.flips if flip.against == "t-bill"}
    rate, tariff = levels["rate_usd_per_hour"].value, levels["tariff_usd_per_kwh"].value
    assert rate is not None
    assert (question.processes.rate_usd_per_hour > rate) == ahead
    if tariff is not None:
        assert (question.rig.tariff_usd_per_kwh < tariff) == ahead


def test_without_prices_only_the_hardware_and_t_bills_are_left(question: Question) -> None:
    unlisted = replace(
        question,
        token=None,
        venue=Venue(payout="usd", platform_fee=0.25),
        history=History(returns=pd.DataFrame()),
        token_price_usd=None,
    )
    decision = decide(unlisted)
    assert set(decision.comparison.outcomes) == {"rent", "rent-options", "t-bill"}
    assert decision.rent_beats_hold is None
    assert decision.block_weeks is None
    assert {flip.against for flip in decision.flips} == {"t-bill"}
    assert decision.choice in ("rent", "neither")


def test_without_a_market_bitcoin_is_left_out(question: Question, weeks: pd.DataFrame) -> None:
    alone = replace(question, history=History(returns=weeks[["token"]]), n_paths=200)
    outcomes = decide(alone).comparison.outcomes
    assert set(outcomes) & {"rent", "hold", "btc", "basket", "t-bill"} == {"rent", "hold", "t-bill"}


def test_capital_that_does_not_buy_the_rig_is_refused(question: Question) -> None:
    with pytest.raises(InfeasibleError, match=r"1,999 USD does not buy the rig .* 2,000 USD"):
        decide(replace(question, capital_usd=1_999.0))


def test_capital_that_does_not_buy_the_collateral_is_refused(question: Question) -> None:
    locked = replace(question, venue=replace(question.venue, collateral_tokens=1_000))
    with pytest.raises(InfeasibleError, match=r"2,200 USD does not buy .* 2,501 USD"):
        decide(locked)
    assert decide(replace(locked, capital_usd=2_502.0, n_paths=100)).choice


def test_tokens_that_are_kept_need_a_price(question: Question) -> None:
    with pytest.raises(DataError, match="no price of the token"):
        decide(replace(question, token_price_usd=None, policy=Policy(sell_share=0.5)))


def test_a_history_that_is_too_short_is_refused(question: Question, weeks: pd.DataFrame) -> None:
    with pytest.raises(InsufficientDataError, match="token and market and demand: 51 joint weeks"):
        decide(replace(question, history=History(returns=weeks.iloc[:51])))


def test_one_path_of_one_month_gives_an_answer_too(question: Question) -> None:
    decision = decide(replace(question, n_paths=1, n_months=1))
    assert decision.comparison.n_paths == 1
    assert decision.comparison.summary().notna().all(axis=None)
    assert decision.choice in ("rent", "hold", "neither")
