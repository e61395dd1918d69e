"""Two kinds of card, alone and in one rig."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from research.models.futures import draw, fit
from research.models.mixed import mixed, mixed_of
from tests.questions import question


def test_a_card_alone_is_the_question_s_own_rig() -> None:
    asked = question()
    dynamics = fit(asked)
    found = mixed(asked, replace(asked, gpu="RTX 3090"), dynamics)
    paths = draw(asked, dynamics, 0)
    alone = asked.books(asked.rig, paths).wealth_usd[-1] / asked.capital_usd
    assert found.outcomes.loc["RTX 4090", "median"] == pytest.approx(float(np.median(alone)))
    assert list(found.outcomes.index) == ["RTX 4090", "RTX 3090", "together"]


def test_two_rigs_without_luck_of_their_own_do_together_what_each_does_alone() -> None:
    free = replace(question().rig, fixed_usd_per_month=0.0)
    calm = replace(question().processes, repairs_per_year=0.0, deaths_per_year=0.0)
    asked = question(rig=free, processes=calm)
    found = mixed(asked, replace(asked, gpu="RTX 3090"), fit(asked)).outcomes
    for figure in ("q05", "median", "q95", "mean", "expected_shortfall"):
        assert found.loc["together", figure] == pytest.approx(found.loc["RTX 4090", figure])
    assert found.loc["together", "capital_usd"] == 2 * asked.capital_usd


def test_the_connection_is_paid_once() -> None:
    calm = replace(question().processes, repairs_per_year=0.0, deaths_per_year=0.0)
    asked = question(processes=calm, cash_yield_per_year=0.0)
    found = mixed(asked, replace(asked, gpu="RTX 3090"), fit(asked)).outcomes
    saved = asked.rig.fixed_usd_per_month * asked.n_months
    more = saved / (2 * asked.capital_usd)
    assert float(found["mean"].loc["together"]) == pytest.approx(
        float(found["mean"].loc["RTX 4090"]) + more
    )


def test_failures_of_its_own_make_a_mixed_rig_steadier_than_either_card() -> None:
    frail = replace(question().processes, repairs_per_year=0.0, deaths_per_year=1.0)
    asked = question(processes=frail)
    found = mixed(asked, replace(asked, gpu="RTX 3090"), fit(asked)).outcomes
    assert float(found["q05"].loc["together"]) > float(found["q05"].loc["RTX 4090"])


def test_without_another_card_there_is_nothing_to_mix() -> None:
    assert mixed_of(question(), None, fit(question())) is None
