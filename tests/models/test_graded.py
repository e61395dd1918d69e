"""The grades of a question: each axis has its statistic, and an interval where it is simulated."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from research.models.comparison import Probability
from research.models.dynamics import Dynamics
from research.models.futures import draw, fit
from research.models.graded import Known, grades
from research.models.grades import AXES, Grade
from research.models.resampling import Interval
from research.models.rig import Venue
from research.models.uncertainty import Uncertainty
from tests.questions import PROCESSES, RIG, question

N_WORLDS = 40
SIMULATED = ("market", "drawdown", "income", "operations", "payout-token")


def known(**changes: Any) -> Known:
    stated: dict[str, Any] = {
        "token_exit_days": 3.0,
        "token_exit_cost": 0.004,
        "rig_exit_days": 14.0,
        "rig_exit_cost": 0.1,
        "largest_share": None,
        "contract_facts": 4,
    }
    return Known(**stated | changes)


def uncertainty(**columns: Any) -> Uncertainty:
    """Return worlds whose shortfalls go evenly from 0.40 to 0.79, unless told otherwise."""
    evenly = 0.40 + np.arange(N_WORLDS) / 100
    names = ("hold_shortfall", "hold_drawdown", "rent_shortfall", "rent_drawdown", "income")
    chance = Probability(value=0.5, std_error=0.01, nobs=N_WORLDS)
    return Uncertainty(
        band={},
        rent_beats_hold=chance,
        rent_beats_hold_worlds=Interval(0.4, 0.6),
        rent_beats_cash=chance,
        rent_beats_cash_worlds=Interval(0.4, 0.6),
        by_world=pd.DataFrame({name: columns.get(name, evenly) for name in names}),
        n_worlds=N_WORLDS,
        drift_std_error=0.2,
    )


@pytest.fixture(scope="module")
def dynamics() -> Dynamics:
    return fit(question())


def by_axis(found: tuple[Grade, ...]) -> dict[str, Grade]:
    return {each.axis: each for each in found}


def test_each_axis_of_renting_is_graded_with_statistic_and_interval(dynamics: Dynamics) -> None:
    found = by_axis(grades(question(), dynamics, uncertainty(), known())["rent"])
    assert set(found) == set(AXES)
    for axis in SIMULATED:
        statistic, interval = found[axis].statistic, found[axis].interval
        assert statistic is not None
        assert interval is not None
        assert interval.low <= statistic <= interval.high, axis


def test_holding_has_no_rig_to_fail_and_no_income(dynamics: Dynamics) -> None:
    found = by_axis(grades(question(), dynamics, uncertainty(), known())["hold"])
    assert set(found) == set(AXES) - {"income", "operations", "payout-token"}


def test_the_middle_world_is_graded_with_the_middle_95_percent_of_worlds(
    dynamics: Dynamics,
) -> None:
    market = by_axis(grades(question(), dynamics, uncertainty(), known())["hold"])["market"]
    assert market.statistic == pytest.approx(0.595)
    # of 40 worlds the interval leaves out none below and none above
    assert market.interval == pytest.approx((0.40, 0.79))
    assert market.grade == "high-very high"


def test_worlds_without_an_income_make_the_upper_end_endless(dynamics: Dynamics) -> None:
    income = np.where(np.arange(N_WORLDS) < 30, 0.3, np.nan)
    found = by_axis(grades(question(), dynamics, uncertainty(income=income), known())["rent"])
    assert found["income"].statistic == pytest.approx(0.3)
    assert found["income"].interval == pytest.approx((0.3, np.inf))


def test_an_income_that_most_worlds_lack_is_a_very_high_risk(dynamics: Dynamics) -> None:
    income = np.where(np.arange(N_WORLDS) < 10, 0.3, np.nan)
    found = by_axis(grades(question(), dynamics, uncertainty(income=income), known())["rent"])
    assert found["income"].statistic is None
    assert found["income"].grade.endswith("very high")


def test_operations_by_hand_are_downtime_and_the_chance_of_a_death(dynamics: Dynamics) -> None:
    never = replace(PROCESSES, repairs_per_year=0.0, deaths_per_year=0.0)
    found = by_axis(grades(question(processes=never), dynamics, uncertainty(), known())["rent"])
    assert found["operations"].statistic == pytest.approx(0.03)  # online 97 % of the time

    often = replace(PROCESSES, repairs_per_year=0.0, deaths_per_year=0.5)
    found = by_axis(grades(question(processes=often), dynamics, uncertainty(), known())["rent"])
    down = 1 - 0.97 * (1 - 0.5 / 12 * 14 / 30.4375)
    died = 1 - np.exp(-0.5)
    assert found["operations"].statistic == pytest.approx(down + died, abs=0.015)


def test_two_cards_are_down_half_as_long_each(dynamics: Dynamics) -> None:
    processes = replace(PROCESSES, repairs_per_year=1.0, deaths_per_year=0.0)
    two = question(processes=processes, rig=replace(RIG, gpu_count=2), capital_usd=4_400)
    found = by_axis(grades(two, dynamics, uncertainty(), known())["rent"])
    down = 1 - 0.97 * (1 - 1 / 12 * 14 / 30.4375 / 2)
    assert found["operations"].statistic == pytest.approx(down, abs=0.003)


def test_a_rig_paid_a_number_of_tokens_hangs_on_the_token_and_one_paid_cash_does_not(
    dynamics: Dynamics,
) -> None:
    alone = replace(PROCESSES, rate_token_correlation=0.0)

    def share(venue: Venue) -> float:
        q = question(venue=venue, processes=alone)
        found = by_axis(grades(q, dynamics, uncertainty(), known())["rent"])["payout-token"]
        assert found.statistic is not None
        return found.statistic

    assert share(Venue(payout="usd")) < 0.05
    assert share(Venue(payout="token-quoted", tokens_per_week=40)) > 0.25


def test_liquidity_is_what_is_known_of_the_market_and_of_used_cards(dynamics: Dynamics) -> None:
    found = grades(question(), dynamics, uncertainty(), known())
    hold, rent = (by_axis(found[name])["liquidity"] for name in ("hold", "rent"))
    assert (hold.statistic, hold.grade) == (3.0, "medium")
    assert (rent.statistic, rent.grade) == (14.0, "high")


def test_facts_of_the_contract_are_counted_alike_for_both(dynamics: Dynamics) -> None:
    found = grades(question(), dynamics, uncertainty(), known(contract_facts=2))
    assert [by_axis(each)["contract"].grade for each in found.values()] == ["high", "high"]
    assert [by_axis(each)["contract"].statistic for each in found.values()] == [2, 2]


def test_a_contract_of_which_nothing_is_known_is_unknown_not_low(dynamics: Dynamics) -> None:
    found = grades(question(), dynamics, uncertainty(), known(contract_facts=None))
    contracts = [by_axis(each)["contract"] for each in found.values()]
    assert [(each.grade, each.measured) for each in contracts] == [("very high", "unknown")] * 2


def test_a_largest_share_that_nobody_publishes_is_unknown_not_low(dynamics: Dynamics) -> None:
    found = by_axis(grades(question(), dynamics, uncertainty(), known())["hold"])
    assert found["concentration"].statistic is None
    assert found["concentration"].grade == "very high"


def test_without_holding_renting_is_graded_alone(dynamics: Dynamics) -> None:
    worlds = uncertainty()
    alone = replace(
        worlds, by_world=worlds.by_world.drop(columns=["hold_shortfall", "hold_drawdown"])
    )
    assert list(grades(question(), dynamics, alone, known())) == ["rent"]


def test_nothing_is_graded_below_a_year() -> None:
    q = question(n_months=11)
    assert grades(q, fit(q), uncertainty(), known()) == {}


def test_a_longer_horizon_is_graded_by_its_first_year() -> None:
    year = question(processes=replace(PROCESSES, repairs_per_year=0.0, deaths_per_year=0.0))
    two = replace(year, n_months=24)
    both = [
        by_axis(grades(q, fit(q), uncertainty(), known())["rent"])["operations"].statistic
        for q in (year, two)
    ]
    assert both[0] == pytest.approx(both[1])
    assert draw(two, fit(two), 0).n_months == 24


def test_a_token_without_stored_volumes_has_no_grade_of_getting_out(dynamics: Dynamics) -> None:
    found = grades(question(), dynamics, uncertainty(), known(token_exit_days=None))
    assert "liquidity" not in by_axis(found["hold"])
    assert "liquidity" in by_axis(found["rent"])
