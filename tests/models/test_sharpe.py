from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from research.errors import DataError, InsufficientDataError, UsageError
from research.models.sharpe import (
    deflated_sharpe,
    luck_of_the_best,
    minimum_track_record,
    probabilistic_sharpe,
    probability_above,
)

NORMAL = {"skew": 0.0, "kurtosis": 3.0}


def returns_of(values: NDArray[np.float64]) -> pd.Series[float]:
    days = pd.date_range("2024-01-01", periods=len(values), freq="D", tz="UTC")
    return pd.Series(values, index=days, name="AKT")


def normal_returns(nobs: int, ratio: float, seed: int = 1) -> pd.Series[float]:
    """Returns of the normal law without sampling error, of this ratio a period."""
    quantiles = ndtri((np.arange(nobs) + 0.5) / nobs)
    z = np.random.default_rng(seed).permutation(quantiles / quantiles.std(ddof=1))
    return returns_of(0.01 * (z + ratio))


# The figures of the papers


def test_the_hedge_fund_of_the_paper_is_less_sure_than_the_normal_law_says() -> None:
    # Bailey and Lopez de Prado (2012): 24 months, ratio 0.458 a month
    fund = probability_above(0.458, 0, nobs=24, skew=-2.448, kurtosis=10.164)
    assert fund == pytest.approx(0.913, abs=5e-4)
    normal = probability_above(0.458, 0, nobs=24, **NORMAL)
    assert normal == pytest.approx(0.982, abs=5e-4)


@pytest.mark.parametrize(
    ("per_year", "skew", "kurtosis", "years"),
    [(252, 0, 3, 2.73), (52, 0, 3, 2.83), (12, 0, 3, 3.24), (12, -0.72, 5.78, 4.99)],
)
def test_the_records_needed_in_the_paper(
    per_year: int, skew: float, kurtosis: float, years: float
) -> None:
    # a ratio of 2 a year above 1 a year, by day, week and month, and with a hedge fund's moments
    root = per_year**0.5
    needed = minimum_track_record(2 / root, 1 / root, skew=skew, kurtosis=kurtosis)
    assert needed is not None
    assert needed / per_year == pytest.approx(years, abs=5e-3)


@pytest.mark.parametrize(("n_trials", "probability"), [(100, 0.9004), (46, 0.9505)])
def test_the_deflated_ratio_of_the_paper(n_trials: int, probability: float) -> None:
    # Bailey and Lopez de Prado (2014): 2.5 a year over 1,250 days, variance of trials 0.5 a year
    luck = luck_of_the_best(n_trials, 0.5 / 250)
    found = probability_above(2.5 / 250**0.5, luck, nobs=1250, skew=-3, kurtosis=10)
    assert found == pytest.approx(probability, abs=5e-5)


def test_the_luck_of_100_trials_in_the_paper() -> None:
    assert luck_of_the_best(100, 0.5 / 250) == pytest.approx(0.1132, abs=5e-5)


# Closed forms and properties


def test_for_the_normal_law_the_probability_is_that_of_los_standard_error() -> None:
    std_error = ((1 + 0.1**2 / 2) / 99) ** 0.5
    found = probability_above(0.1, 0.03, nobs=100, **NORMAL)
    assert found == pytest.approx(ndtr(0.07 / std_error))


def test_at_its_own_benchmark_a_ratio_is_as_likely_above_as_below() -> None:
    assert probability_above(0.2, 0.2, nobs=50, skew=-1, kurtosis=6) == 0.5


@given(st.floats(0.01, 1), st.floats(-2, 2), st.floats(6, 20))
def test_after_the_record_needed_the_probability_is_95_percent(
    sharpe: float, skew: float, kurtosis: float
) -> None:
    needed = minimum_track_record(sharpe, 0, skew=skew, kurtosis=kurtosis)
    assert needed is not None
    nobs = int(np.ceil(needed)) + 1
    assert probability_above(sharpe, 0, nobs=nobs, skew=skew, kurtosis=kurtosis) > 0.95
    if needed > 3:
        fewer = int(needed) - 1
        assert probability_above(sharpe, 0, nobs=fewer, skew=skew, kurtosis=kurtosis) < 0.95


@given(st.floats(0.01, 0.5), st.floats(0.1, 2))
def test_losses_that_are_rare_and_large_make_a_good_ratio_less_sure(
    sharpe: float, skew: float
) -> None:
    lost, won = (probability_above(sharpe, 0, nobs=50, skew=s, kurtosis=9) for s in (-skew, skew))
    assert lost < won


def test_no_record_is_long_enough_for_a_ratio_that_is_not_above_its_benchmark() -> None:
    assert minimum_track_record(0.1, 0.1, **NORMAL) is None
    assert minimum_track_record(-0.1, 0.0, **NORMAL) is None


@pytest.mark.parametrize("n_trials", [10, 100, 1_000])
def test_the_luck_of_the_best_is_the_mean_maximum_of_so_many_normal_draws(n_trials: int) -> None:
    draws = np.random.default_rng(4).standard_normal((2_000, n_trials))
    assert luck_of_the_best(n_trials, 4.0) == pytest.approx(2 * draws.max(axis=1).mean(), rel=0.03)


def test_one_trial_has_no_luck_of_the_best() -> None:
    assert luck_of_the_best(1, 9.0) == 0


@given(st.floats(1, 1e4), st.floats(1, 1e4), st.floats(0, 10))
def test_more_trials_never_need_less_luck(one: float, other: float, variance: float) -> None:
    few, many = sorted((one, other))
    assert 0 <= luck_of_the_best(few, variance) <= luck_of_the_best(many, variance) + 1e-12


# From returns


def test_the_ratio_of_returns_is_annual_and_its_moments_are_those_of_the_normal_law() -> None:
    found = probabilistic_sharpe(normal_returns(2_000, ratio=0.05), periods_per_year=365)
    assert found.sharpe == pytest.approx(0.05 * 365**0.5)
    assert found.skew == pytest.approx(0, abs=1e-9)
    assert found.kurtosis == pytest.approx(3, abs=0.05)
    expected = probability_above(0.05, 0, nobs=2_000, **NORMAL)
    assert found.probability == pytest.approx(expected, abs=1e-4)
    assert found.record_needed == pytest.approx(
        1 + (1 + 0.05**2 / 2) * (1.644854 / 0.05) ** 2, 1e-4
    )


def test_the_benchmark_and_the_risk_free_yield_are_annual() -> None:
    returns = normal_returns(500, ratio=0.05)
    found = probabilistic_sharpe(returns, benchmark=0.5, rf_annual=0.04)
    excess = returns - (1.04 ** (1 / 365) - 1)
    sharpe = excess.mean() / excess.std()
    assert found.sharpe == pytest.approx(sharpe * 365**0.5)
    assert found.probability == pytest.approx(
        probability_above(
            sharpe, 0.5 / 365**0.5, nobs=500, skew=found.skew, kurtosis=found.kurtosis
        )
    )


def test_in_normal_worlds_without_growth_the_probability_is_spread_evenly() -> None:
    # what a probability that is right must do: below 5 % in one world in 20
    rng = np.random.default_rng(8)
    found = np.array(
        [
            probabilistic_sharpe(returns_of(0.05 * rng.standard_normal(200))).probability
            for _ in range(1_000)
        ]
    )
    assert np.mean(found < 0.05) == pytest.approx(0.05, abs=0.02)
    assert np.mean(found < 0.5) == pytest.approx(0.5, abs=0.05)


def test_the_best_of_20_tokens_without_growth_looks_sure_alone_and_not_among_its_trials() -> None:
    rng = np.random.default_rng(9)
    alone, among = [], []
    for _ in range(100):
        worlds = 0.05 * rng.standard_normal((20, 365))
        ratios = worlds.mean(axis=1) / worlds.std(axis=1, ddof=1) * 365**0.5
        best = returns_of(worlds[ratios.argmax()])
        alone.append(probabilistic_sharpe(best).probability)
        among.append(deflated_sharpe(best, trial_sharpes=ratios.tolist()).probability)
    assert np.mean(np.array(alone) > 0.95) > 0.5  # two thirds of worlds would be fooled
    assert np.mean(np.array(among) > 0.95) < 0.05


def test_a_deflated_ratio_is_measured_against_the_luck_of_its_trials() -> None:
    returns = normal_returns(500, ratio=0.1)
    trials = [0.5, 1.0, 1.5, 0.1 * 365**0.5]
    found = deflated_sharpe(returns, trial_sharpes=trials)
    luck = luck_of_the_best(4, float(np.var(trials, ddof=1)))
    against = probabilistic_sharpe(returns, benchmark=luck)
    assert found.luck == pytest.approx(luck)
    assert found.probability == pytest.approx(against.probability)


def test_trials_that_are_all_one_in_truth_leave_the_ratio_as_it_was() -> None:
    returns = normal_returns(500, ratio=0.1)
    alone = probabilistic_sharpe(returns).probability
    found = deflated_sharpe(returns, trial_sharpes=[1.9, 1.0, 0.5], n_independent=1)
    assert found.probability == alone


@pytest.mark.parametrize(
    ("values", "what"),
    [
        (np.full(100, 0.01), "1 different return, 10 needed"),
        (np.tile([0.01, -0.01], 50), "2 different returns, 10 needed"),
        (np.linspace(-0.1, 0.1, 19), "19 returns, 20 needed"),
        (np.empty(0), "0 returns, 20 needed"),
    ],
)
def test_too_few_returns_have_no_ratio(values: NDArray[np.float64], what: str) -> None:
    with pytest.raises(InsufficientDataError, match=f"Sharpe ratio of AKT: {what}"):
        probabilistic_sharpe(returns_of(values))


def test_a_gap_among_returns_is_refused() -> None:
    with pytest.raises(DataError, match="AKT: a return is not a finite number"):
        probabilistic_sharpe(returns_of(np.append(np.linspace(-0.1, 0.1, 30), np.nan)))


def test_an_excess_kurtosis_passed_as_kurtosis_is_refused_where_no_law_has_it() -> None:
    with pytest.raises(UsageError, match="not an excess over it"):
        probability_above(2.0, 0, nobs=50, skew=0.9, kurtosis=0.0)


def test_what_cannot_be_trials_is_refused() -> None:
    returns = normal_returns(100, ratio=0.1)
    with pytest.raises(InsufficientDataError, match="1 trial, 2 needed"):
        deflated_sharpe(returns, trial_sharpes=[1.0])
    with pytest.raises(UsageError, match="accepted are 1 to the 2 listed"):
        deflated_sharpe(returns, trial_sharpes=[1.0, 2.0], n_independent=3)
    with pytest.raises(UsageError, match="luck of the best"):
        luck_of_the_best(0.5, 1.0)
    with pytest.raises(UsageError, match="confidence 95"):
        minimum_track_record(0.1, 0, **NORMAL, confidence=95)
    with pytest.raises(InsufficientDataError, match="1 return, 2 needed"):
        probability_above(0.1, 0, nobs=1, **NORMAL)
    with pytest.raises(UsageError, match="accepted are periods_per_year"):
        probabilistic_sharpe(returns, periods_per_year=0)


def test_the_summaries_say_that_returns_are_taken_as_independent() -> None:
    returns = normal_returns(730, ratio=0.02)
    plain = probabilistic_sharpe(returns).summary()
    deflated = deflated_sharpe(returns, trial_sharpes=[0.38, 0.1]).summary()
    assert plain["Sharpe ratio a year"] == "0.38"
    assert plain["Record there is"] == "2.0 years, 730 returns"
    assert plain["Record needed for 95 %"] == "18.5 years"
    assert "independent" in plain["Assumed"]
    assert "independent" in deflated["Assumed"]
    falling = probabilistic_sharpe(normal_returns(100, ratio=-0.1)).summary()
    assert falling["Record needed for 95 %"] == "none: it is not above"
