"""A power cap trades speed for power; both are known between measured points only."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from research.errors import InfeasibleError
from research.models.power import power_curve, speed_at
from research.models.scenarios import expected
from tests.questions import PROCESSES, RIG, question

SPEEDS = {0.8: 0.95, 0.6: 0.82}


@pytest.mark.parametrize(
    ("cap", "speed"), [(1.0, 1.0), (0.8, 0.95), (0.6, 0.82), (0.9, 0.975), (0.7, 0.885)]
)
def test_speed_is_linear_between_the_points_that_are_known(cap: float, speed: float) -> None:
    assert speed_at(cap, SPEEDS) == pytest.approx(speed)


def test_the_points_may_come_in_any_order() -> None:
    assert speed_at(0.7, dict(sorted(SPEEDS.items()))) == speed_at(0.7, SPEEDS)


@pytest.mark.parametrize("cap", [0.59, 1.01, 0.0])
def test_beyond_the_points_the_speed_is_not_made_up(cap: float) -> None:
    with pytest.raises(InfeasibleError, match="known from 60% of the board power up"):
        speed_at(cap, SPEEDS)


def test_a_card_that_was_never_capped_has_no_speed_under_a_cap() -> None:
    assert speed_at(1.0, {}) == 1
    with pytest.raises(InfeasibleError, match="from 100%"):
        speed_at(0.9, {})


def test_the_margin_by_hand() -> None:
    rig = replace(RIG, availability=1.0)
    curve = power_curve(
        rig,
        board_w=500,
        speeds=SPEEDS,
        caps=[1.0, 0.8, 0.6],
        utilization=0.5,
        income_usd_per_hour=0.36,
    )
    hours = 730.5 * 0.5
    # 450 W are drawn without a cap, 400 and 300 W of 500 under one
    assert curve["load_w"].to_list() == [450, 400, 300]
    assert curve["income_usd"].to_list() == pytest.approx(
        [hours * 0.36 * each for each in (1, 0.95, 0.82)]
    )
    power = [0.15 / 900 * 730.5 * (0.5 * (watts + 100) + 0.5 * 82) for watts in (450, 400, 300)]
    assert curve["electricity_usd"].to_list() == pytest.approx(power)
    np.testing.assert_allclose(curve["margin_usd"], curve["income_usd"] - curve["electricity_usd"])


def test_the_margin_is_that_of_the_ledger_of_a_capped_rig() -> None:
    certain = replace(PROCESSES, repairs_per_year=0.0, deaths_per_year=0.0)
    q = question(processes=certain)
    curve = power_curve(
        RIG,
        board_w=450,
        speeds=SPEEDS,
        caps=[0.6],
        utilization=0.6,
        income_usd_per_hour=0.4 * (1 - q.venue.platform_fee),
    )
    capped = replace(RIG, load_w=0.6 * 450, speed=0.82)
    month = q.books(capped, expected(certain, n_months=1))
    assert curve["electricity_usd"].to_list() == pytest.approx([month.electricity_usd[0, 0]])
    net = month.net_usd[0, 0] + month.fixed_usd[0, 0]
    assert curve["margin_usd"].to_list() == pytest.approx([net])


def test_where_power_is_dear_enough_a_cap_pays() -> None:
    def best(tariff: float) -> float:
        rig = replace(RIG, tariff_usd_per_kwh=tariff)
        curve = power_curve(
            rig,
            board_w=450,
            speeds=SPEEDS,
            caps=[1.0, 0.8, 0.6],
            utilization=0.6,
            income_usd_per_hour=0.36,
        )
        return float(curve.index.to_numpy()[curve["margin_usd"].to_numpy().argmax()])

    assert best(0.0) == 1.0
    assert best(0.3) == 0.8
    assert best(1.0) == 0.6
