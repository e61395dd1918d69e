from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.special import betainc, ndtri
from scipy.stats import beta, kstest, rankdata

from research.errors import DataError, InsufficientDataError
from research.models.bootstrap import Drift, fit_resampler
from research.models.scenarios import (
    BLOCK_OF_PATHS,
    STREAMS,
    Paths,
    Processes,
    _loadings,
    expected,
    simulate,
)

NOTHING = pd.DataFrame()


def drawn(
    processes: Processes,
    history: pd.DataFrame = NOTHING,
    *,
    n_months: int = 24,
    n_paths: int = 20_000,
    drift: Drift = "zero",
    seed: int = 7,
) -> Paths:
    dynamics = fit_resampler(history, n_months=n_months, drift=drift, risk_free_per_year=0.04)
    return simulate(dynamics, processes, n_months=n_months, n_paths=n_paths, seed=seed)


def arrays(paths: Paths) -> dict[str, NDArray[np.float64]]:
    return {name: value for name, value in vars(paths).items() if isinstance(value, np.ndarray)}


def utilization_scores(paths: Paths, processes: Processes) -> NDArray[np.float64]:
    a = float(np.mean(processes.utilization_mean)) * processes.utilization_concentration
    below = betainc(a, processes.utilization_concentration - a, paths.utilization)
    return np.asarray(ndtri(below))


def rate_shocks(paths: Paths) -> NDArray[np.float64]:
    """Monthly changes of the rate from the second month on, (n_months - 1, n_paths)."""
    return np.diff(np.log(paths.rate_usd_per_hour), axis=0)


def scores(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks within each month as standard normals."""
    return np.asarray(ndtri((rankdata(values, axis=1) - 0.5) / values.shape[1]))


def correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


# the expected path


def test_on_the_expected_path_rate_and_resale_decline_as_stated_and_prices_stand_still(
    processes: Processes,
) -> None:
    paths = expected(replace(processes, deaths_per_year=0.12, slashes_per_year=0.24), n_months=36)
    assert (paths.n_months, paths.n_paths) == (36, 1)
    assert paths.rate_usd_per_hour[[0, 11, 12], 0] == pytest.approx(
        [0.40, 0.40 * 0.8 ** (11 / 12), 0.32]
    )
    assert paths.resale[[0, 12, 36], 0] == pytest.approx([1, 0.75, 0.75**3])
    assert paths.token is not None
    assert paths.market is not None
    assert (paths.token == 1).all()
    assert (paths.market == 1).all()
    assert (paths.utilization == 0.60).all()
    assert [float(x[5, 0]) for x in (paths.repairs, paths.deaths, paths.slashes)] == pytest.approx(
        [0.05 / 12, 0.01, 0.02]
    )


@pytest.mark.parametrize("percent", [60, -0.1, 1.0001])
def test_a_utilization_in_percent_is_refused(processes: Processes, percent: float) -> None:
    with pytest.raises(DataError, match="a fraction from 0 to 1 is needed"):
        replace(processes, utilization_mean=percent)


# randomness


def test_the_same_seed_gives_the_same_paths_and_another_seed_others(
    processes: Processes, weeks: pd.DataFrame
) -> None:
    busy = replace(processes, repairs_per_year=9.0, deaths_per_year=9.0, slashes_per_year=9.0)
    one, again = (arrays(drawn(busy, weeks, n_paths=50)) for _ in range(2))
    other = arrays(drawn(busy, weeks, n_paths=50, seed=8))
    for name, values in one.items():
        np.testing.assert_array_equal(values, again[name])
        assert not np.array_equal(values, other[name])


@pytest.mark.parametrize("n_paths", [1, 7, 4_999, 5_000, 5_001])
def test_the_first_paths_are_the_same_however_many_follow(
    processes: Processes, weeks: pd.DataFrame, n_paths: int
) -> None:
    busy = replace(processes, repairs_per_year=9.0, deaths_per_year=9.0, slashes_per_year=9.0)
    many = arrays(drawn(busy, weeks, n_months=3, n_paths=10_001))
    for name, values in arrays(drawn(busy, weeks, n_months=3, n_paths=n_paths)).items():
        np.testing.assert_array_equal(values, many[name][:, :n_paths])


def test_paths_of_different_blocks_are_different(processes: Processes, weeks: pd.DataFrame) -> None:
    paths = drawn(processes, weeks, n_months=3, n_paths=10_000)
    assert not np.array_equal(paths.resale[:, :5_000], paths.resale[:, 5_000:])


def test_each_factor_has_a_documented_stream_of_its_own(processes: Processes) -> None:
    streams = np.random.SeedSequence(7, spawn_key=(0,)).spawn(9)
    shocks = np.random.Generator(np.random.SFC64(streams[STREAMS.index("resale")]))
    total = np.cumsum(shocks.standard_normal((24, BLOCK_OF_PATHS))[:, :30], axis=0)
    years = np.arange(1, 25)[:, None] / 12
    growth = 0.75**years * np.exp(-(0.25**2) / 2 * years + 0.25 / np.sqrt(12) * total)
    paths = drawn(replace(processes, new_generation_rate_per_year=0.0), n_paths=30)
    np.testing.assert_allclose(paths.resale[1:], growth)


@pytest.mark.parametrize(
    ("change", "moved"),
    [
        ({"rate_volatility_per_year": 0.9}, {"rate_usd_per_hour"}),
        ({"resale_volatility_per_year": 0.9}, {"resale"}),
        ({"utilization_mean": 0.3}, {"utilization"}),
        ({"repairs_per_year": 4.0}, {"repairs"}),
        ({"deaths_per_year": 4.0}, {"deaths"}),
        ({"slashes_per_year": 4.0}, {"slashes"}),
    ],
)
def test_changing_one_process_leaves_the_draws_of_all_others(
    processes: Processes, weeks: pd.DataFrame, change: dict[str, float], moved: set[str]
) -> None:
    before = arrays(drawn(processes, weeks, n_paths=100))
    after = arrays(drawn(replace(processes, **change), weeks, n_paths=100))
    assert {name for name in before if not np.array_equal(before[name], after[name])} == moved


# utilization


@pytest.mark.parametrize(("mean", "concentration"), [(0.6, 4.0), (0.2, 10.0), (0.9, 2.0)])
def test_utilization_of_any_month_has_the_beta_law(
    processes: Processes, mean: float, concentration: float
) -> None:
    stated = replace(processes, utilization_mean=mean, utilization_concentration=concentration)
    paths = drawn(stated)
    law = beta(mean * concentration, (1 - mean) * concentration)
    for month in (0, 23):
        assert kstest(paths.utilization[month], law.cdf).pvalue > 1e-3
    assert paths.utilization.min() >= 0
    assert paths.utilization.max() <= 1


@pytest.mark.parametrize("persistence", [0.0, 0.8, 0.95])
def test_the_autocorrelation_of_utilization_is_the_persistence(
    processes: Processes, persistence: float
) -> None:
    stated = replace(processes, utilization_persistence_per_month=persistence)
    z = utilization_scores(drawn(stated), stated)
    assert correlation(z[:-1], z[1:]) == pytest.approx(persistence, abs=0.01)
    assert correlation(z[:-3], z[3:]) == pytest.approx(persistence**3, abs=0.015)


@pytest.mark.parametrize("certain", [0.0, 1.0])
def test_a_utilization_of_exactly_0_or_1_stays_there(processes: Processes, certain: float) -> None:
    paths = drawn(replace(processes, utilization_mean=certain), n_paths=10)
    assert (paths.utilization == certain).all()


def test_a_full_correlation_with_demand_leaves_no_noise_of_its_own(
    processes: Processes, weeks: pd.DataFrame
) -> None:
    stated = replace(
        processes,
        utilization_demand_correlation=1.0,
        utilization_persistence_per_month=0.0,
        rate_demand_correlation=1.0,
        rate_token_correlation=0.0,
    )
    paths = drawn(stated)
    z = utilization_scores(paths, stated)[1:]
    assert correlation(rate_shocks(paths), z) == pytest.approx(1, abs=1e-3)


# the rental rate


def test_the_first_month_earns_the_rate_of_today_and_the_mean_declines_as_stated(
    processes: Processes, weeks: pd.DataFrame
) -> None:
    rate = drawn(processes, weeks).rate_usd_per_hour
    for month in (0, 11, 23):
        std_error = rate[month].std() / np.sqrt(rate.shape[1])
        stated = 0.40 * 0.8 ** (month / 12)
        assert rate[month].mean() == pytest.approx(stated, abs=4 * std_error + 0.005 * stated)


def test_the_rate_has_the_stated_volatility(processes: Processes, weeks: pd.DataFrame) -> None:
    for history in (NOTHING, weeks):
        spread = rate_shocks(drawn(processes, history)).std() * np.sqrt(12)
        assert spread == pytest.approx(0.35, rel=0.01)


def test_the_rate_moves_with_token_and_demand_as_stated(
    processes: Processes, weeks: pd.DataFrame
) -> None:
    stated = replace(processes, utilization_demand_correlation=1.0)
    paths = drawn(stated, weeks)
    assert paths.token is not None
    shock, z = rate_shocks(paths), utilization_scores(paths, stated)
    demand = (z[1:] - 0.8 * z[:-1]) / 0.6  # what utilization learned in the month
    token = scores(np.diff(np.log(paths.token), axis=0)[1:])
    assert correlation(shock, token) == pytest.approx(0.2, abs=0.02)
    assert correlation(shock, demand) == pytest.approx(0.5, abs=0.02)
    history = fit_resampler(weeks, n_months=1, drift="zero", risk_free_per_year=0.0)
    assert correlation(token, demand) == pytest.approx(history.demand_token_correlation, abs=0.06)


def test_without_demand_in_the_history_rate_and_utilization_still_share_it(
    processes: Processes, weeks: pd.DataFrame
) -> None:
    paths = drawn(processes, weeks[["token", "market"]])
    z = utilization_scores(paths, processes)
    news = (z[1:] - 0.8 * z[:-1]) / 0.6
    assert paths.token is not None
    token = scores(np.diff(np.log(paths.token), axis=0)[1:])
    assert correlation(rate_shocks(paths), news) == pytest.approx(0.5 * 0.5, abs=0.01)
    assert correlation(rate_shocks(paths), token) == pytest.approx(0.2, abs=0.01)
    assert correlation(news, token) == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("between", [-0.6, 0.0, 0.3, 0.9])
def test_the_weights_of_the_shocks_give_the_stated_correlations(between: float) -> None:
    on_demand, on_token, own = _loadings(0.5, 0.2, between)
    assert on_demand + on_token * between == pytest.approx(0.5)
    assert on_token + on_demand * between == pytest.approx(0.2)
    total = on_demand**2 + on_token**2 + 2 * on_demand * on_token * between + own**2
    assert total == pytest.approx(1)


def test_correlations_that_cannot_be_are_refused(processes: Processes, weeks: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="lower one of them"):
        _loadings(0.9, -0.9, 0.5)
    with pytest.raises(DataError, match="impossible"):
        drawn(replace(processes, rate_token_correlation=-0.8), weeks, n_paths=10)


# resale and failures


def test_resale_starts_at_1_and_its_mean_declines_as_stated_jumps_included(
    processes: Processes,
) -> None:
    resale = drawn(processes).resale
    assert (resale[0] == 1).all()
    for month in (6, 24):
        std_error = resale[month].std() / np.sqrt(resale.shape[1])
        assert resale[month].mean() == pytest.approx(0.75 ** (month / 12), abs=4 * std_error)


def test_resale_spreads_by_its_volatility_and_by_the_jumps(processes: Processes) -> None:
    logs = np.log(drawn(processes).resale[24])
    variance = 2 * (0.25**2 + 0.45 * np.log(0.85) ** 2)
    assert logs.var() == pytest.approx(variance, rel=0.05)


def test_failures_arrive_as_often_as_stated(processes: Processes) -> None:
    stated = replace(processes, repairs_per_year=0.6, deaths_per_year=0.3, slashes_per_year=1.2)
    paths = drawn(stated)
    counts = [float(x.mean()) * 12 for x in (paths.repairs, paths.deaths, paths.slashes)]
    assert counts == pytest.approx([0.6, 0.3, 1.2], abs=4 * np.sqrt(12 * 1.2 / paths.repairs.size))


# the token


def test_token_and_market_fall_together_as_they_did(
    processes: Processes, weeks: pd.DataFrame
) -> None:
    paths = drawn(processes, weeks)
    assert paths.token is not None
    assert paths.market is not None
    token, market = (np.diff(np.log(x), axis=0) for x in (paths.token, paths.market))
    history = np.corrcoef(weeks["token"], weeks["market"])[0, 1]
    assert correlation(token, market) == pytest.approx(history, abs=0.06)
    assert (paths.token[0] == 1).all()
    assert paths.block_weeks == pytest.approx(4, abs=4)


def test_without_a_history_there_is_no_token_and_no_market(processes: Processes) -> None:
    paths = drawn(processes, n_paths=3)
    assert (paths.token, paths.market, paths.block_weeks) == (None, None, None)


def test_a_history_of_less_than_a_year_is_refused(
    processes: Processes, weeks: pd.DataFrame
) -> None:
    with pytest.raises(InsufficientDataError, match="51 joint weeks, 52 needed"):
        drawn(processes, weeks.iloc[:51], n_paths=3)


def test_one_path_of_one_month_is_enough(processes: Processes, weeks: pd.DataFrame) -> None:
    paths = drawn(processes, weeks, n_months=1, n_paths=1)
    assert (paths.n_months, paths.n_paths) == (1, 1)
    assert all(np.isfinite(values).all() for values in arrays(paths).values())
