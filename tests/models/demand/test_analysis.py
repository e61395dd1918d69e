"""The simulated market's truth is found by the whole analysis, from store to verdict."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from research.evidence import market_findings, null_grades
from research.models.demand.analysis import Happening, Subject, analyse
from research.models.demand.events import event_study
from research.models.demand.loop import reflexivity_loop
from research.models.demand.pairs import align

SUBJECT = Subject(network="N", symbol="N", measure="h", measure_label="hours", demand_class="A")


@pytest.fixture(scope="module")
def findings() -> dict[str, Any]:
    return {network: rest for network, *rest in market_findings(2026)}


def test_use_that_leads_the_price_is_graded_with_its_lag_and_elasticity(findings: Any) -> None:
    grades, lag, covered = findings["akash"]
    assert grades[1] in ("moderate", "strong")
    assert lag == 2
    assert covered


def test_a_network_that_shares_the_market_alone_is_not_graded_up(findings: Any) -> None:
    assert not {*findings["render"][0]} & {"moderate", "strong"}


def test_a_figure_that_contains_the_price_is_untestable(findings: Any) -> None:
    assert findings["io-net"][0] == ("untestable",) * 3


def test_a_world_without_a_link_is_hardly_ever_graded_up() -> None:
    grades = [null_grades(seed) for seed in range(12)]
    assert sum(bool({*each} & {"moderate", "strong"}) for each in grades) <= 1


def daily(n: int) -> tuple[pd.Series[float], pd.Series[float]]:
    days = pd.date_range("2020-01-06", periods=n)
    steps = 0.03 * np.random.default_rng(1).standard_normal((2, n)).cumsum(axis=1)
    price, demand = (pd.Series(np.exp(x), days) for x in steps)
    return price.rename("p"), demand.rename("d")


def test_thirty_weeks_are_untestable_and_say_so() -> None:
    found = analyse(align(*daily(210), nature="stock"), SUBJECT)
    assert {verdict.grade for verdict in found.verdicts} == {"untestable"}
    assert "needs 52 weeks" in found.verdicts[0].reason


def test_a_refusal_is_a_sentence_without_terms_of_the_trade() -> None:
    found = analyse(align(*daily(84), nature="stock"), SUBJECT)
    reason = found.verdicts[0].reason
    assert "freed of its own past needs 10 weeks right after 4 whole weeks and has" in reason
    assert "innovations" not in reason


def test_a_price_passed_as_demand_is_untestable() -> None:
    price, _ = daily(900)
    found = analyse(align(price, 3 * price, nature="stock"), SUBJECT)
    assert {verdict.grade for verdict in found.verdicts} == {"untestable"}
    assert "Mechanical" in found.verdicts[0].reason


def test_the_latest_regime_is_used_if_it_is_long_enough_and_pooled_openly_if_not() -> None:
    pairs = align(*daily(1400), nature="stock")
    early, late = (Happening("rules", "payout-rule", day, True) for day in (
        pd.Timestamp("2021-06-01").date(), pd.Timestamp("2023-09-01").date()))  # fmt: skip
    subject = {**vars(SUBJECT)}
    latest = analyse(pairs, Subject(**{**subject, "events": (early,)}), n_replications=99)
    pooled = analyse(pairs, Subject(**{**subject, "events": (late,)}), n_replications=99)
    assert latest.first >= early.date
    assert latest.regimes == ()
    assert pooled.regimes == (late.date,)


def test_a_jump_beyond_the_market_is_seen_around_its_event() -> None:
    weeks = pd.date_range("2020-01-05", periods=160, freq="W-SUN")
    market, own = (pd.Series(x, weeks) for x in np.random.default_rng(2).normal(0, 0.05, (2, 160)))
    own.iloc[120] += 1.0
    found = event_study(
        0.9 * market + own, market.to_frame("btc"), name="e", kind="listing",
        date=weeks[120].date(),
    )  # fmt: skip
    assert found.low > 0.3
    assert found.pvalue < 0.02


def test_the_loop_finds_the_link_there_is_and_does_not_test_identities() -> None:
    weeks = pd.date_range("2020-01-05", periods=300, freq="W-SUN")
    rng = np.random.default_rng(3)
    use = pd.Series(0.05 * rng.standard_normal(300), weeks)
    price = 0.8 * use.shift(1).fillna(0) + 0.02 * rng.standard_normal(300)
    levels = pd.DataFrame({"gpu_hours": np.exp(use.cumsum()), "price_usd": np.exp(price.cumsum())})
    grades = {link.name: link.grade for link in reflexivity_loop(levels).links}
    assert grades["use -> price"] == "supported"
    assert grades["velocity"] == "identity"
    assert grades["price -> supply"] == "not enough data"
