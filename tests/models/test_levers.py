"""A lever moves one figure of a question and leaves all others as they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from research.models.bootstrap import History
from research.models.comparison import probability_of_beating
from research.models.futures import draw, fit, hold_wealth
from research.models.levers import GROWTH, lead_of_renting, levers_of, moved
from research.models.rig import Venue
from research.models.sensitivity import Uncertain, tornado
from tests.questions import PROCESSES, question, weeks


def uncertain(name: str, value: float, **changes: Any) -> Uncertain:
    stated: dict[str, Any] = {"unit": "", "low": None, "high": None, "grade": "C"}
    return Uncertain(name=name, label=name, value=value, **stated | changes)


def test_levers_that_are_not_named_stay() -> None:
    q = question()
    there = moved(q, {"rig.pue": 1.3, "processes.rate_usd_per_hour": 0.9, GROWTH: 0.2})
    assert there == replace(
        q,
        rig=replace(q.rig, pue=1.3),
        processes=replace(q.processes, rate_usd_per_hour=0.9),
        token_growth_per_year=0.2,
    )
    assert moved(q, {}) == q


def test_failures_keep_their_share_of_repairs() -> None:
    q = question(processes=replace(PROCESSES, repairs_per_year=0.03, deaths_per_year=0.01))
    there = moved(q, {"failures": 0.2}).processes
    assert there.repairs_per_year == pytest.approx(0.15)
    assert there.deaths_per_year == pytest.approx(0.05)


def test_failures_that_never_happened_are_split_evenly_when_they_do() -> None:
    q = question(processes=replace(PROCESSES, repairs_per_year=0.0, deaths_per_year=0.0))
    there = moved(q, {"failures": 0.2}).processes
    assert (there.repairs_per_year, there.deaths_per_year) == (0.1, 0.1)


def test_failures_and_another_process_move_together() -> None:
    there = moved(question(), {"failures": 0.2, "processes.utilization_mean": 0.3}).processes
    assert there.utilization_mean == 0.3
    assert there.repairs_per_year == pytest.approx(0.1)


def test_a_lever_may_differ_by_path() -> None:
    by_path = np.array([0.1, 0.2])
    there = moved(question(), {"failures": by_path}).processes
    np.testing.assert_allclose(there.deaths_per_year, by_path / 2)


def test_a_lever_that_no_question_has_is_an_error() -> None:
    with pytest.raises(TypeError, match="no_such_field"):
        moved(question(), {"rig.no_such_field": 1.0})


def test_unmoved_the_lead_is_the_chance_of_renting_beyond_an_even_one() -> None:
    q = question()
    dynamics = fit(q)
    paths = draw(q, dynamics, 0)
    rent = q.books(q.rig, paths).wealth_usd[-1] / q.capital_usd
    chance = probability_of_beating(rent, hold_wealth(q, paths)[-1]).value
    assert lead_of_renting(q, dynamics)({}) == pytest.approx(100 * chance - 50)


def test_without_a_token_the_lead_is_over_t_bills() -> None:
    q = question(
        token=None,
        token_price_usd=None,
        venue=Venue(payout="usd"),
        history=History(returns=weeks(columns=("market",))),
    )
    lead = lead_of_renting(q, fit(q))
    assert lead({"processes.rate_usd_per_hour": 0.0}) == -50
    assert lead({"processes.rate_usd_per_hour": 50.0}) == 50


def test_dearer_power_a_lower_rate_and_a_rising_token_all_speak_against_renting() -> None:
    q = question()
    lead = lead_of_renting(q, fit(q))
    for name, values in {
        "rig.tariff_usd_per_kwh": [0.0, 0.15, 0.5],
        "processes.rate_usd_per_hour": [1.0, 0.4, 0.2],
        GROWTH: [-0.5, 0.0, 0.5],
    }.items():
        leads = [lead({name: value}) for value in values]
        assert leads == sorted(leads, reverse=True), name
        assert leads[0] > leads[-1], name


def test_one_question_asked_twice_is_answered_by_the_same_luck() -> None:
    q = question()
    lead = lead_of_renting(q, fit(q))
    assert lead({"rig.pue": 1.2}) == lead({"rig.pue": 1.2})


def test_a_tornado_of_the_levers_starts_from_the_question_as_it_is() -> None:
    q = question()
    lead = lead_of_renting(q, fit(q))
    inputs = levers_of(q, [uncertain("rig.tariff_usd_per_kwh", 0.15), uncertain("failures", 0.05)])
    found = tornado(inputs, lead)
    assert found.base == pytest.approx(lead({}))
    assert {bar.name for bar in found.bars} == {"rig.tariff_usd_per_kwh", "failures", GROWTH}


def test_a_figure_without_a_width_is_no_lever() -> None:
    sure = uncertain("rig.pue", 1.0, low=1.0, high=1.0)
    nothing = uncertain("rig.tariff_escalation_per_year", 0.0)
    assert [each.name for each in levers_of(question(), [sure, nothing])] == [GROWTH]


def test_a_figure_remembered_twice_is_one_lever() -> None:
    twice = [uncertain("rig.pue", 1.1), uncertain("rig.pue", 1.2)]
    assert [(each.name, each.value) for each in levers_of(question(), twice)] == [
        ("rig.pue", 1.2),
        (GROWTH, 0.0),
    ]


def test_where_tokens_are_owed_the_rate_is_no_lever() -> None:
    q = question(venue=Venue(payout="token-quoted", tokens_per_week=25))
    inputs = [
        uncertain("processes.rate_usd_per_hour", 0.4),
        uncertain("processes.rate_drift_per_year", -0.1),
        uncertain("venue.tokens_per_week", 25.0),
    ]
    assert [each.name for each in levers_of(q, inputs)] == ["venue.tokens_per_week", GROWTH]


def test_without_a_token_its_growth_is_no_lever() -> None:
    q = question(token=None, token_price_usd=None)
    assert levers_of(q, [uncertain("rig.pue", 1.2)])[0].name == "rig.pue"
    assert len(levers_of(q, [uncertain("rig.pue", 1.2)])) == 1


@pytest.mark.parametrize(("growth", "low"), [(0.0, -0.5), (0.5, 0.0), (-0.6, -0.8), (-0.9, -0.95)])
def test_the_growth_in_doubt_never_reaches_a_price_of_zero(growth: float, low: float) -> None:
    (lever,) = levers_of(question(token_growth_per_year=growth), [])
    assert lever.range == pytest.approx((low, growth + 0.5))
    assert lever.value == growth
