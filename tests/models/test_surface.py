"""Every point of the what-if grid is what the real ledger says there, on the same paths."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from research.models.bootstrap import History
from research.models.dynamics import Dynamics
from research.models.futures import Question, draw, fit, hold_wealth
from research.models.rig import Policy, Venue
from research.models.what_if import GROWTHS, UTILIZATIONS, Surface, surface
from tests.questions import PROCESSES, RIG, question, weeks

Floats = NDArray[np.float64]
TARIFFS = (0.05, 0.35)
TOKENS = Venue(
    payout="token-quoted", platform_fee=0.05, token_trade_cost=0.0025, tokens_per_week=60
)
QUESTIONS = {
    "usd-quoted": question(),
    "token-quoted": question(venue=TOKENS),
    "half kept": question(policy=Policy(sell_share=0.5)),
    "rising tariff": question(rig=replace(RIG, tariff_escalation_per_year=0.2)),
    "growing token": question(token_growth_per_year=0.3),
}


@pytest.fixture(scope="module")
def dynamics() -> Dynamics:
    return fit(question())


@pytest.fixture(scope="module")
def usual(dynamics: Dynamics) -> Surface:
    return surface(question(), dynamics, tariff_range=TARIFFS)


def lived(q: Question, dynamics: Dynamics, at: tuple[float, float, float]) -> dict[str, float]:
    """Return what the ledger makes of a point: utilization, growth, tariff."""
    there = replace(
        q,
        processes=replace(q.processes, utilization_mean=at[0]),
        token_growth_per_year=at[1],
        rig=replace(q.rig, tariff_usd_per_kwh=at[2]),
    )
    paths = draw(there, dynamics, 0)
    rent: Floats = there.books(there.rig, paths).wealth_usd[-1] / q.capital_usd
    hold: Floats = hold_wealth(there, paths)[-1]
    cash = (1 + q.cash_yield_per_year) ** (q.n_months / 12)
    return {
        "rent_median": float(np.median(rent)),
        "beats_hold": float((rent > hold).mean()),
        "beats_cash": float((rent > cash).mean()),
        "hold_median": float(np.median(hold)),
        "hold_beats_cash": float((hold > cash).mean()),
    }


def read(found: Surface, at: tuple[int, int, int]) -> dict[str, float]:
    assert found.beats_hold is not None
    assert found.hold_median is not None
    assert found.hold_beats_cash is not None
    return {
        "rent_median": float(found.rent_median[at]),
        "beats_hold": float(found.beats_hold[at]),
        "beats_cash": float(found.beats_cash[at]),
        "hold_median": float(found.hold_median[at[1]]),
        "hold_beats_cash": float(found.hold_beats_cash[at[1]]),
    }


@pytest.mark.parametrize("name", QUESTIONS)
def test_any_point_is_what_the_ledger_says_there(name: str, dynamics: Dynamics) -> None:
    q = QUESTIONS[name]
    found = surface(q, dynamics, tariff_range=TARIFFS)
    n_u, n_g, n_t = found.shape
    for at in [found.assumed_at, (0, 0, 0), (n_u - 1, n_g - 1, n_t - 1), (2, n_g - 2, 1)]:
        values = (
            float(found.utilizations[at[0]]),
            float(found.token_growths[at[1]]),
            float(found.tariffs_usd_per_kwh[at[2]]),
        )
        # a share may differ by a path that ties
        assert read(found, at) == pytest.approx(lived(q, dynamics, values), abs=2 / 5_000), values


def test_a_column_of_tariffs_is_running_it_again_at_each(
    usual: Surface, dynamics: Dynamics
) -> None:
    u, g, _ = usual.assumed_at
    for t, tariff in enumerate(usual.tariffs_usd_per_kwh):
        values = (usual.assumed[0], usual.assumed[1], float(tariff))
        again = lived(question(), dynamics, values)["rent_median"]
        assert usual.rent_median[u, g, t] == pytest.approx(again, rel=1e-9)


def test_dearer_power_never_helps_and_more_hours_never_hurt(usual: Surface) -> None:
    assert usual.beats_hold is not None
    for table in (usual.beats_hold, usual.beats_cash, usual.rent_median):
        assert (np.diff(table, axis=2) <= 0).all()
    # at 0.40 USD an hour a rented hour pays its power at every tariff of the grid
    assert (np.diff(usual.rent_median, axis=0) > 0).all()


def test_growth_of_the_token_helps_who_holds_it(usual: Surface) -> None:
    assert usual.beats_hold is not None
    assert usual.hold_median is not None
    assert usual.hold_beats_cash is not None
    assert (np.diff(usual.hold_median) > 0).all()
    assert (np.diff(usual.hold_beats_cash) >= 0).all()
    assert (np.diff(usual.beats_hold, axis=1) <= 0).all()
    # paid in USD and sold at once, the rig does not see the price
    assert np.ptp(usual.rent_median, axis=1) == pytest.approx(0)


def test_held_medians_scale_with_growth(usual: Surface) -> None:
    assert usual.hold_median is not None
    at_zero = usual.hold_median[list(usual.token_growths).index(0.0)]
    np.testing.assert_allclose(usual.hold_median, at_zero * (1 + usual.token_growths))


@pytest.mark.parametrize(
    ("utilization", "expected"),
    [(0.6, UTILIZATIONS), (0.61, [*UTILIZATIONS[:5], 0.61, *UTILIZATIONS[6:]])],
)
def test_what_is_assumed_takes_the_place_of_a_neighbour_as_good(
    utilization: float, expected: Floats, dynamics: Dynamics
) -> None:
    q = question(processes=replace(PROCESSES, utilization_mean=utilization))
    found = surface(q, dynamics, tariff_range=TARIFFS)
    assert found.utilizations == pytest.approx(expected)
    assert found.assumed == (utilization, 0.0, 0.15)


def test_a_tariff_beyond_the_range_joins_the_grid(dynamics: Dynamics) -> None:
    q = question(rig=replace(RIG, tariff_usd_per_kwh=0.6))
    found = surface(q, dynamics, tariff_range=TARIFFS)
    assert found.tariffs_usd_per_kwh[-1] == 0.6
    assert found.assumed_at[2] == len(found.tariffs_usd_per_kwh) - 1


def test_the_grid_of_growths_holds_the_assumed_one(dynamics: Dynamics) -> None:
    found = surface(question(token_growth_per_year=0.1), dynamics, tariff_range=TARIFFS)
    assert found.token_growths == pytest.approx(np.sort([*GROWTHS, 0.1]))


def test_without_a_token_there_is_one_growth_and_nothing_held() -> None:
    changes: dict[str, Any] = {"token": None, "token_price_usd": None}
    q = question(
        venue=Venue(payout="usd"), history=History(returns=weeks(columns=("market",))), **changes
    )
    found = surface(q, fit(q), tariff_range=TARIFFS)
    assert list(found.token_growths) == [0.0]
    assert (found.beats_hold, found.hold_median, found.hold_beats_cash) == (None, None, None)
    assert found.verdict(0, 0, 0) == "neither"
    assert found.verdict(len(UTILIZATIONS) - 1, 0, 0) == "rent"


def test_the_grid_says_how_many_paths_and_months_it_was_lived_through(usual: Surface) -> None:
    assert (usual.n_paths, usual.n_months) == (5_000, 12)
    assert usual.cash == pytest.approx(1.04)
