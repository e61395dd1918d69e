"""What would flip the answer where the rig's wealth is no straight line in its inputs.

A rig that is switched off or sold when it loses money, and a tax on income that spares losses,
bend the line; a flip must put renting level with the alternative all the same.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from research.models.comparison import probability_of_beating
from research.models.decision import decide
from research.models.flips import Flip
from research.models.futures import Question, draw, fit
from research.models.rig import Policy, Taxes
from tests.questions import question

BENT = {
    "switched off": question(n_months=24, policy=Policy(switch_off=True)),
    "sold": question(n_months=24, policy=Policy(sell_rig=True)),
    "taxed": question(n_months=24, taxes=Taxes(income=0.3)),
}


def chance_with(asked: Question, flip: Flip) -> float:
    """How often the rig ends ahead with the flip's value put back, all else the same."""
    assert flip.value is not None
    rig, paths = asked.rig, draw(asked, fit(asked), 0).first(asked.n_paths)
    assert paths.token is not None
    against = {
        "hold": paths.token[-1] * (1 - asked.trade_cost) ** 2,
        "t-bill": np.full(paths.n_paths, (1 + asked.cash_yield_per_year) ** 2),
    }[flip.against]
    if flip.input == "utilization":
        ratio = flip.value / asked.processes.utilization_mean
        paths = replace(paths, utilization=paths.utilization * ratio)
    elif flip.input == "rate_usd_per_hour":
        ratio = flip.value / asked.processes.rate_usd_per_hour
        paths = replace(paths, rate_usd_per_hour=paths.rate_usd_per_hour * ratio)
    else:
        rig = replace(rig, tariff_usd_per_kwh=flip.value)
    ends = asked.books(rig, paths).wealth_usd[-1] / asked.capital_usd
    return probability_of_beating(ends, against).value


@pytest.mark.parametrize("bent", list(BENT))
def test_a_flip_put_back_puts_a_rig_that_may_stop_or_is_taxed_level_too(bent: str) -> None:
    asked = BENT[bent]
    there = {
        (flip.input, flip.against): chance_with(asked, flip)
        for flip in decide(asked).flips
        if flip.value is not None and flip.input != "token"
    }
    assert there
    assert there == pytest.approx(dict.fromkeys(there, 0.5), abs=0.005)
