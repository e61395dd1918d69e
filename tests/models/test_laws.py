"""The same luck under other laws of prices: only the law may differ."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from research.models.bootstrap import Drift, History
from research.models.futures import Question, fit
from research.models.laws import GARCH_DAYS, LAWS, PATHS, Line, under_other_laws
from research.models.rig import Venue
from tests.questions import PROCESSES, question

N_DAYS = 1_050
TRADE_COST = 0.0025


def days(n_days: int = N_DAYS, *, n_jumps: int = 14) -> pd.DataFrame:
    """Return daily log returns of a token with jumps and of a market, calm and wild in turn.

    The volatility of both is 0.25 a year for half a year, then 0.7 for half a year.
    """
    rng = np.random.default_rng(4)
    volatility = np.where(np.arange(n_days) // 182 % 2, 0.7, 0.25) / np.sqrt(365)
    token, market = volatility * rng.normal(size=(2, n_days))
    token[:: n_days // n_jumps] += 0.2  # some eight standard deviations
    return pd.DataFrame(
        {"token": token, "market": market},
        index=pd.date_range("2022-01-03", periods=n_days, freq="D"),
    )


def asked(**changes: Any) -> Question:
    """Return a question whose weeks and days are the same history."""
    daily = days()
    weekly = daily.resample("W-SUN").sum()
    return question(
        history=History(returns=weekly),
        daily=daily,
        venue=Venue(payout="usd"),
        processes=replace(PROCESSES, rate_token_correlation=0.0),
        n_paths=2 * PATHS,
        **changes,
    )


@pytest.fixture(scope="module")
def lines() -> tuple[Line, ...]:
    return under_other_laws(asked())


def test_each_law_answers_at_the_stated_drift_and_the_usual_one_at_the_other_drifts(
    lines: tuple[Line, ...],
) -> None:
    assert [(line.law, line.drift) for line in lines] == [
        *((law, "zero") for law in LAWS),
        ("bootstrap", "historical"),
        ("bootstrap", "shrunk"),
    ]
    assert [line.refusal for line in lines] == len(lines) * [""]
    assert all(line.comparison and line.comparison.n_paths == PATHS for line in lines)


def test_at_zero_drift_the_token_is_expected_to_stay_where_it_is_under_each_law(
    lines: tuple[Line, ...],
) -> None:
    for line in lines[: len(LAWS)]:
        assert line.comparison is not None
        hold = line.comparison.outcomes["hold"]
        error = hold.terminal.std() / np.sqrt(len(hold.terminal))
        assert abs(hold.mean / (1 - TRADE_COST) ** 2 - 1) < 4 * error, line.law
        assert 0.005 < error < 0.03, line.law


@pytest.mark.parametrize("drift", ["historical", "shrunk"])
def test_each_law_expects_what_the_usual_one_does_whatever_days_it_is_fitted_to(
    drift: Drift,
) -> None:
    fallen = asked(drift=drift)
    daily = fallen.daily.copy()
    daily.iloc[-GARCH_DAYS:, 0] -= 0.004  # the latest days alone say that the token falls
    q = replace(fallen, daily=daily, history=History(returns=daily.resample("W-SUN").sum()))

    found = under_other_laws(q)[: len(LAWS)]

    expected = np.exp(fit(q).log_expected_growth()["token"])
    for line in found:
        assert line.comparison is not None, line.refusal
        hold = line.comparison.outcomes["hold"]
        error = hold.terminal.std() / np.sqrt(len(hold.terminal))
        assert abs(hold.mean / (1 - TRADE_COST) ** 2 - expected) < 4 * error, line.law


def test_a_rig_that_no_price_touches_lives_through_the_same_months_under_each_law(
    lines: tuple[Line, ...],
) -> None:
    ends = [line.comparison.outcomes["rent"].terminal for line in lines if line.comparison]
    for each in ends[1:]:
        np.testing.assert_array_equal(each, ends[0])
    hold = [line.comparison.outcomes["hold"].terminal for line in lines if line.comparison]
    assert not np.array_equal(hold[0], hold[1])


def test_a_history_that_rose_is_expected_to_rise_on_by_its_own_drift_alone(
    lines: tuple[Line, ...],
) -> None:
    means = {
        line.drift: line.comparison.outcomes["hold"].mean
        for line in lines
        if line.comparison and line.law == "bootstrap"
    }
    assert means["historical"] > means["shrunk"] > means["zero"]


def test_a_law_that_the_history_does_not_support_says_why_and_is_not_replaced() -> None:
    found = under_other_laws(replace(asked(), daily=days().iloc[:60]))
    by_law = {line.law: line for line in found if line.drift == "zero"}
    for law in ("garch", "jumps"):
        assert by_law[law].comparison is None
        assert "needed" in by_law[law].refusal
    for law in ("bootstrap", "regimes"):
        assert by_law[law].comparison is not None


def test_without_daily_prices_the_laws_of_days_are_refused_and_the_others_answer() -> None:
    found = under_other_laws(replace(asked(), daily=pd.DataFrame()))
    by_law = {line.law: line for line in found if line.drift == "zero"}
    assert by_law["garch"].refusal
    assert by_law["jumps"].refusal
    assert by_law["bootstrap"].comparison is not None
    assert by_law["regimes"].comparison is not None


def test_a_question_without_a_token_has_no_other_laws() -> None:
    assert under_other_laws(asked(token=None, token_price_usd=None)) == ()


def test_volatility_that_clusters_is_fitted_to_the_latest_days_alone(
    lines: tuple[Line, ...],
) -> None:
    shorter = asked()
    shorter = replace(shorter, daily=shorter.daily.iloc[-GARCH_DAYS:])
    again = next(line for line in under_other_laws(shorter) if line.law == "garch")
    first = next(line for line in lines if line.law == "garch")
    assert first.comparison is not None
    assert again.comparison is not None
    np.testing.assert_array_equal(
        first.comparison.outcomes["hold"].terminal, again.comparison.outcomes["hold"].terminal
    )
