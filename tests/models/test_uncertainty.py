"""Worlds that differ in what is not known spread the answer, and leave its middle where it was."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from research.models import uncertainty
from research.models.bootstrap import History, fit_resampler, log_expected_growth
from research.models.futures import Question, alternatives, fit, live
from research.models.operation import Operation
from research.models.rig import Venue
from research.models.scenarios import Paths
from research.models.sensitivity import Uncertain
from research.models.uncertainty import (
    BAND,
    PATHS_PER_WORLD,
    WORLDS,
    Uncertainty,
    drift_std_error,
    with_parameters,
)
from tests.questions import question, weeks

Floats = NDArray[np.float64]


def uncertain(name: str, low: float, value: float, high: float) -> Uncertain:
    return Uncertain(name=name, label=name, unit="", value=value, low=low, high=high, grade="D")


BY_PATH = (  # every figure that a case holds in doubt and that differs by path
    uncertain("processes.rate_usd_per_hour", 0.22, 0.4, 0.6),
    uncertain("processes.rate_drift_per_year", -0.5, -0.15, 0.3),
    uncertain("processes.rate_volatility_per_year", 0.2, 0.35, 0.6),
    uncertain("processes.utilization_mean", 0.3, 0.6, 0.9),
    uncertain("processes.utilization_persistence_per_month", 0.5, 0.8, 0.95),
    uncertain("processes.resale_drift_per_year", -0.48, -0.2, -0.12),
    uncertain("processes.resale_volatility_per_year", 0.2, 0.25, 0.28),
    uncertain("processes.new_generation_shock", -0.4, -0.15, 0.0),
    uncertain("failures", 0.02, 0.05, 0.09),
)


def spread(band: pd.Series[float]) -> float:
    """Return how far apart the outer quantiles of wealth are, in logs."""
    outer = band.to_numpy()[[0, -1]]
    return float(np.diff(np.log(outer))[0])


def noise_alone(q: Question, name: str) -> pd.Series[float]:
    """Return the quantiles of the paths of the world as stated."""
    terminal = live(q, fit(q)).comparison.outcomes[name].terminal
    return pd.Series(np.quantile(terminal, BAND), index=list(BAND))


@pytest.fixture(scope="module")
def usual() -> Uncertainty:
    return with_parameters(question(), BY_PATH)


@pytest.fixture(scope="module")
def without_doubt() -> Uncertainty:
    return with_parameters(question(), [])


def test_a_long_history_and_no_doubt_about_figures_leave_noise_alone() -> None:
    long = question(history=History(returns=weeks(3_000)), n_paths=20_000)
    found = with_parameters(long, [])
    for name in ("hold", "rent"):
        noise = noise_alone(long, name)
        np.testing.assert_allclose(found.band[name], noise, rtol=0.06)
        assert spread(found.band[name]) > 0.97 * spread(noise)


def test_the_band_is_wider_than_noise_where_figures_and_history_are_in_doubt(
    usual: Uncertainty,
) -> None:
    q = question(n_paths=20_000)
    assert spread(usual.band["hold"]) > spread(noise_alone(q, "hold"))
    assert spread(usual.band["rent"]) > 1.2 * spread(noise_alone(q, "rent"))


def test_the_stated_world_is_among_the_worlds(without_doubt: Uncertainty) -> None:
    q = question(n_paths=20_000)
    comparison = live(q, fit(q)).comparison
    beats_hold = without_doubt.rent_beats_hold_worlds
    assert beats_hold is not None
    assert beats_hold.low <= comparison.beats("rent", "hold").value <= beats_hold.high
    beats_cash = without_doubt.rent_beats_cash_worlds
    assert beats_cash.low <= comparison.beats("rent", "t-bill").value <= beats_cash.high


def test_the_chance_over_all_worlds_lies_within_those_of_the_worlds(usual: Uncertainty) -> None:
    assert usual.rent_beats_hold is not None
    assert usual.rent_beats_hold_worlds is not None
    low, high = usual.rent_beats_hold_worlds
    assert low < usual.rent_beats_hold.value < high
    assert usual.rent_beats_hold.nobs == usual.n_worlds == WORLDS
    # worlds that differ, not paths, make the error
    by_paths = np.sqrt(0.25 / (WORLDS * PATHS_PER_WORLD))
    assert usual.rent_beats_cash.std_error > 3 * by_paths


def test_doubt_about_the_rate_is_doubt_about_renting_not_about_holding(
    without_doubt: Uncertainty,
) -> None:
    found = with_parameters(question(), [uncertain("processes.rate_usd_per_hour", 0.1, 0.4, 0.7)])
    assert spread(found.band["rent"]) > 1.2 * spread(without_doubt.band["rent"])
    assert spread(found.band["hold"]) == pytest.approx(spread(without_doubt.band["hold"]), rel=0.1)
    widths = [
        each.rent_beats_cash_worlds.high - each.rent_beats_cash_worlds.low
        for each in (found, without_doubt)
    ]
    assert widths[0] > 2 * widths[1]


def test_figures_of_the_rig_are_left_to_the_tornado(without_doubt: Uncertainty) -> None:
    found = with_parameters(question(), [uncertain("rig.tariff_usd_per_kwh", 0.05, 0.15, 0.5)])
    pd.testing.assert_frame_equal(found.by_world, without_doubt.by_world)


def test_the_same_seed_makes_the_same_worlds(usual: Uncertainty) -> None:
    again = with_parameters(question(), BY_PATH)
    pd.testing.assert_frame_equal(again.by_world, usual.by_world)
    other = with_parameters(question(seed=4), BY_PATH)
    assert not other.by_world.equals(usual.by_world)


def test_each_world_is_graded(usual: Uncertainty) -> None:
    assert list(usual.by_world) == [
        "hold_shortfall",
        "hold_drawdown",
        "rent_shortfall",
        "rent_drawdown",
        "income",
    ]
    assert len(usual.by_world) == WORLDS
    of_holding = usual.by_world[["hold_shortfall", "hold_drawdown"]].to_numpy()
    assert ((of_holding > 0) & (of_holding < 1)).all()


def test_below_a_year_no_world_is_graded() -> None:
    found = with_parameters(question(n_months=6), BY_PATH)
    assert found.by_world.shape == (WORLDS, 0)
    assert set(found.band) == {"hold", "rent"}


def test_without_a_token_renting_is_weighed_against_t_bills_alone() -> None:
    alone = question(
        token=None,
        token_price_usd=None,
        venue=Venue(payout="usd"),
        history=History(returns=weeks(columns=("market",))),
    )
    found = with_parameters(alone, BY_PATH)
    assert found.rent_beats_hold is None
    assert found.rent_beats_hold_worlds is None
    assert list(found.band) == ["rent"]
    assert found.drift_std_error is None
    assert 0 < found.rent_beats_cash.value < 1


def test_without_any_history_only_the_figures_are_in_doubt() -> None:
    bare = question(
        token=None,
        token_price_usd=None,
        venue=Venue(payout="usd"),
        history=History(returns=pd.DataFrame()),
    )
    assert spread(with_parameters(bare, BY_PATH).band["rent"]) > spread(
        with_parameters(bare, []).band["rent"]
    )


def test_the_drift_is_doubted_by_its_standard_error_or_less_as_a_prior_holds_it() -> None:
    x = weeks()["token"]
    std_error = x.std(ddof=1) * (365 / 7) / np.sqrt(len(x))
    assert drift_std_error(question(drift="historical")) == pytest.approx(std_error)
    posterior = 1 / np.sqrt(1 / 0.25**2 + 1 / std_error**2)
    assert drift_std_error(question(drift="zero")) == pytest.approx(posterior)


@pytest.mark.parametrize("drift", ["zero", "historical"])
def test_over_all_worlds_the_expected_price_is_as_stated(
    drift: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    means: list[Floats] = []

    def remembered(q: Question, paths: Paths, operation: Operation) -> Any:
        assert paths.token is not None
        means.append(paths.token[-1].reshape(-1, PATHS_PER_WORLD).mean(axis=1))
        return alternatives(q, paths, operation)

    monkeypatch.setattr(uncertainty, "alternatives", remembered)
    rng = np.random.default_rng(2)
    x = rng.normal(0, 0.4 / np.sqrt(365 / 7), 200)
    # a history whose own drift is exactly zero, in expected price
    history = pd.DataFrame({"token": x - np.log(np.exp(x).mean())})
    with_parameters(question(history=History(returns=history), drift=drift), [])
    by_world = np.concatenate(means)
    error = by_world.std(ddof=1) / np.sqrt(len(by_world))
    # what a resampled history's own mean adds in expectation, e^(s^2 / 2), is one part in fifty
    slack = 0.0 if drift == "zero" else 0.03
    assert abs(by_world.mean() - 1) < 4 * error + slack
    assert by_world.std() > 0.1  # though no world need expect that


def test_at_every_month_the_expected_price_over_all_worlds_is_as_stated() -> None:
    q = question(history=History(returns=weeks(60)), n_months=36)
    base = fit_resampler(
        q.history.returns, n_months=36, drift="zero", risk_free_per_year=q.cash_yield_per_year
    )
    assert base.block_weeks is not None
    rng = np.random.default_rng(1)
    expected = []
    for _ in range(60):
        worlds = uncertainty._histories(q, base, drift_std_error(q), rng)
        n_weeks = int(base.month_ends[-1])
        own = log_expected_growth(worlds.weeks["token"], n_weeks, base.block_weeks)
        expected.append(np.exp(worlds.shift["token"] + own)[:, base.month_ends[11::12] - 1])
    over_all = np.concatenate(expected)
    error = over_all.std(axis=0) / np.sqrt(len(over_all))
    assert (np.abs(over_all.mean(axis=0) - 1) < 4 * error).all()


def test_growth_that_the_question_adds_is_there_in_every_world(without_doubt: Uncertainty) -> None:
    growing = with_parameters(question(token_growth_per_year=0.5), [])
    np.testing.assert_allclose(growing.band["hold"], 1.5 * without_doubt.band["hold"])


def test_figures_in_doubt_leave_the_question_s_other_terms_as_they_are(
    usual: Uncertainty,
) -> None:
    dearer = replace(question(), trade_cost=0.1)
    found = with_parameters(dearer, BY_PATH)
    np.testing.assert_allclose(
        found.band["hold"] / (1 - 0.1) ** 2, usual.band["hold"] / (1 - 0.0025) ** 2
    )
