"""What must hold under every law: GARCH, regimes and jumps alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from research.errors import DataError, InfeasibleError, InsufficientDataError, UsageError
from research.models.bootstrap import WEEKS_PER_YEAR, Drift, shrunk_drift
from research.models.dynamics import (
    Dynamics,
    growth_from,
    joint_returns,
    loadings,
    log_growth_per_step,
    month_ends,
)
from research.models.garch import fit_garch
from research.models.jumps import fit_jumps
from research.models.regimes import fit_regimes

Floats = NDArray[np.float64]
Fit = Callable[..., Dynamics]
LAWS = ["garch", "regimes", "jumps"]
N_PATHS, N_MONTHS = 20_000, 6


def steps(n_steps: int, seed: int) -> tuple[NDArray[Any], Floats, Floats]:
    """Which steps are wild, and two standard normal shocks that correlate at 0.6."""
    rng = np.random.default_rng(seed)
    market, own = rng.standard_normal((2, n_steps))
    return rng.random(n_steps) < 0.05, market, 0.6 * market + 0.8 * own


def days(n_days: int = 1_500) -> pd.DataFrame:
    """Daily returns: volatilities 0.05 and 0.025, 5 % of days five times as wild; they drift."""
    wild, market, token = steps(n_days, seed=3)
    scale = np.where(wild, 4.0, 1.0)
    return pd.DataFrame(
        {"token": 0.001 + 0.04 * scale * token, "market": 0.0005 + 0.02 * scale * market}
    )


def weeks(n_weeks: int = 400) -> pd.DataFrame:
    """Weekly returns that are 20 weeks calm, then 20 weeks three times as wild."""
    _, market, token = steps(n_weeks, seed=4)
    scale = np.where(np.arange(n_weeks) // 20 % 2 == 0, 0.05, 0.15)
    return pd.DataFrame({"token": 0.01 + scale * token, "market": 0.004 + scale / 2 * market})


FITS: dict[str, tuple[Fit, Callable[..., pd.DataFrame]]] = {
    "garch": (fit_garch, days),
    "regimes": (fit_regimes, weeks),
    "jumps": (fit_jumps, days),
}


def fitted(law: str, drift: Drift = "zero", n_months: int = N_MONTHS) -> Dynamics:
    fit, data = FITS[law]
    return fit(
        data(),
        n_months=n_months,
        drift=drift,
        risk_free_per_year=0.04,
        demand_token_correlation=0.3,
    )


def generator(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed)))


@pytest.fixture(scope="module", params=LAWS)
def drawn(request: pytest.FixtureRequest) -> tuple[dict[str, Floats], dict[str, Floats]]:
    return fitted(request.param).draw(N_PATHS, generator())


Drawn = tuple[dict[str, Floats], dict[str, Floats]]


# what is drawn


def test_growth_starts_at_one_and_has_a_row_a_month_end(drawn: Drawn) -> None:
    growth, scores = drawn
    assert set(growth) == {"token", "market"}
    assert set(scores) == {"token"}
    for path in growth.values():
        assert path.shape == (N_MONTHS + 1, N_PATHS)
        assert path.dtype == np.float64
        assert (path[0] == 1).all()
    assert scores["token"].shape == (N_MONTHS, N_PATHS)


def test_at_zero_drift_the_expected_price_is_today_s(drawn: Drawn) -> None:
    growth, _ = drawn
    for path in growth.values():
        std_error = path[1:].std(axis=1) / np.sqrt(N_PATHS)
        assert (np.abs(path[1:].mean(axis=1) - 1) < 4 * std_error).all()
        assert (std_error < 0.01).all()  # so that the test can fail


def test_what_fell_together_falls_together(drawn: Drawn) -> None:
    growth, _ = drawn
    returns = [np.log(growth[name][-1]) for name in ("token", "market")]
    assert np.corrcoef(*returns)[0, 1] == pytest.approx(0.6, abs=0.06)


def test_a_score_has_mean_zero_and_variance_one_and_no_memory(drawn: Drawn) -> None:
    _, scores = drawn
    score = scores["token"]
    assert score.mean(axis=1) == pytest.approx(0, abs=4 / np.sqrt(N_PATHS))
    assert score.std(axis=1) == pytest.approx(1, abs=0.04)
    assert np.corrcoef(score[0], score[1])[0, 1] == pytest.approx(0, abs=4 / np.sqrt(N_PATHS))


def test_a_score_is_high_in_a_month_in_which_the_token_rose(drawn: Drawn) -> None:
    growth, scores = drawn
    rise = np.diff(np.log(growth["token"]), axis=0)
    for month in range(N_MONTHS):
        assert np.corrcoef(scores["token"][month], rise[month])[0, 1] > 0.85


@pytest.mark.parametrize("law", LAWS)
def test_the_same_seed_draws_the_same_paths_and_more_of_them_change_none(law: str) -> None:
    dynamics = fitted(law)
    few, many = dynamics.draw(7, generator()), dynamics.draw(100, generator())
    other = dynamics.draw(7, generator(2))
    for of_few, of_many, of_other in zip(few, many, other, strict=True):
        for name in of_few:
            np.testing.assert_array_equal(of_few[name], of_many[name][:, :7])
            assert not np.allclose(of_few[name], of_other[name])


@pytest.mark.parametrize("law", LAWS)
def test_one_path_of_one_month_can_be_drawn(law: str) -> None:
    growth, scores = fitted(law, n_months=1).draw(1, generator())
    assert growth["token"].shape == (2, 1)
    assert growth["token"][1, 0] != 1
    assert scores["token"].shape == (1, 1)


@pytest.mark.parametrize("law", LAWS)
def test_what_the_caller_needs_for_demand_and_for_the_report_is_handed_on(law: str) -> None:
    dynamics = fitted(law)
    assert dynamics.demand_token_correlation == 0.3
    assert dynamics.block_weeks is None


@pytest.mark.parametrize("law", LAWS)
def test_a_market_alone_has_growth_and_no_score(law: str) -> None:
    fit, data = FITS[law]
    alone = fit(data()[["market"]], n_months=2, drift="zero", risk_free_per_year=0.04)
    growth, scores = alone.draw(5, generator())
    assert list(growth) == ["market"]
    assert scores == {}


# drift


@pytest.mark.parametrize("law", LAWS)
def test_a_drift_multiplies_every_path_by_the_same_growth(law: str) -> None:
    _, data = FITS[law]
    still, _ = fitted(law, "zero").draw(50, generator())
    steps_ahead = month_ends(N_MONTHS, steps_per_year=WEEKS_PER_YEAR if law == "regimes" else 365)
    for name in ("token", "market"):
        x = data()[name].to_numpy()
        historical, _ = fitted(law, "historical").draw(50, generator())
        expected = np.exp(x).mean() ** steps_ahead
        assert historical[name][1:] / still[name][1:] == pytest.approx(
            np.repeat(expected[:, None], 50, axis=1), rel=1e-5
        )


def test_shrunk_days_are_shrunk_weeks_of_seven_counted_from_the_latest() -> None:
    x = days()["token"].to_numpy()[:702]
    whole_weeks = np.array([x[start : start + 7].sum() for start in range(2, 702, 7)])
    a_day = log_growth_per_step(x, drift="shrunk", risk_free_per_year=0.04, days_per_step=1)
    assert a_day == pytest.approx(shrunk_drift(whole_weeks, 0.04) / 365)
    a_week = log_growth_per_step(
        whole_weeks, drift="shrunk", risk_free_per_year=0.04, days_per_step=7
    )
    assert a_week == pytest.approx(shrunk_drift(whole_weeks, 0.04) * 7 / 365)
    assert a_week == pytest.approx(7 * a_day)


# what all laws share


def test_three_years_of_months_end_after_1095_days_or_156_weeks() -> None:
    assert month_ends(36, steps_per_year=365)[[0, 11, 35]].tolist() == [30, 365, 1095]
    assert month_ends(36, steps_per_year=WEEKS_PER_YEAR)[[0, 11, 35]].tolist() == [4, 52, 156]


@pytest.mark.parametrize("correlation", [-1.0, 0.0, 0.6, 1.0])
def test_loadings_multiply_to_the_covariance_even_where_columns_move_as_one(
    correlation: float,
) -> None:
    covariance = np.array([[0.04, 0.02 * correlation], [0.02 * correlation, 0.01]])
    load = loadings(covariance)
    assert load @ load.T == pytest.approx(covariance)
    assert load[0, 1] == 0


@pytest.mark.parametrize("log_return", [-1_000.0, 1_000.0])
def test_a_price_that_no_number_can_hold_is_refused(log_return: float) -> None:
    with pytest.raises(InfeasibleError, match="leaves what a number can hold"):
        growth_from(np.array([[0.1], [log_return]]), "token")


def test_rows_with_a_gap_are_left_out_and_other_columns_play_no_part() -> None:
    returns = days(20).assign(demand=np.nan)
    returns.iloc[3, 1] = np.nan
    joint = joint_returns(returns, "model", required=5, unit="joint days")
    assert list(joint.columns) == ["token", "market"]
    assert joint.index.to_list() == [*range(3), *range(4, 20)]


def test_the_token_comes_first_whatever_the_order_of_the_columns() -> None:
    returns = days(20)[["market", "token"]]
    joint = joint_returns(returns, "model", required=5, unit="joint days")
    assert list(joint.columns) == ["token", "market"]


@pytest.mark.parametrize(("law", "required"), [("garch", 500), ("regimes", 104), ("jumps", 250)])
def test_too_few_joint_rows_are_refused(law: str, required: int) -> None:
    fit, data = FITS[law]
    returns = data(required)
    returns.iloc[0, 0] = np.nan
    with pytest.raises(InsufficientDataError, match=rf"{required - 1} joint .* {required} needed"):
        fit(returns, n_months=1, drift="zero", risk_free_per_year=0.04)


@pytest.mark.parametrize("law", LAWS)
def test_a_price_that_hardly_changes_is_refused_by_name(law: str) -> None:
    fit, data = FITS[law]
    with pytest.raises(InsufficientDataError, match=r"of market: 1 distinct return, 10 needed"):
        fit(data().assign(market=0.0), n_months=1, drift="zero", risk_free_per_year=0.04)


@pytest.mark.parametrize("law", LAWS)
def test_an_infinite_return_is_refused(law: str) -> None:
    fit, data = FITS[law]
    returns = data()
    returns.iloc[5, 1] = -np.inf
    with pytest.raises(DataError, match="price of zero"):
        fit(returns, n_months=1, drift="zero", risk_free_per_year=0.04)


@pytest.mark.parametrize("law", LAWS)
def test_without_a_token_and_a_market_there_is_nothing_to_fit(law: str) -> None:
    fit, data = FITS[law]
    with pytest.raises(UsageError, match="neither token nor market"):
        fit(data()[[]], n_months=1, drift="zero", risk_free_per_year=0.04)


@pytest.mark.parametrize("law", LAWS)
def test_a_horizon_without_a_month_is_refused(law: str) -> None:
    with pytest.raises(UsageError, match="at least 1"):
        fitted(law, n_months=0)
