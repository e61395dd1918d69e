from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from research.errors import DataError, InfeasibleError, InsufficientDataError, UsageError
from research.models.returns import (
    Risk,
    drawdown,
    risk,
    simple_returns,
)
from research.models.tails import Tail, cornish_fisher_quantile, tail


def closes(values: Sequence[float] | NDArray[np.float64], start: str = "2024-01-01") -> pd.Series:
    days = pd.date_range(start, periods=len(values), freq="D", tz="UTC")
    return pd.Series(np.asarray(values, dtype=float), index=days, name="akash")


def prices_of(returns: NDArray[np.float64]) -> pd.Series:
    """Prices from 100 whose returns are these."""
    return closes(100 * np.concatenate([[1.0], np.cumprod(1 + returns)]))


def law(quantile: NDArray[np.float64], seed: int = 1) -> NDArray[np.float64]:
    """The quantiles of a law in random order: a sample without sampling error."""
    return np.random.default_rng(seed).permutation(quantile)


def probabilities(n: int) -> NDArray[np.float64]:
    return (np.arange(n) + 0.5) / n


def clustered(nobs: int, seed: int = 7) -> NDArray[np.float64]:
    """Returns without autocorrelation whose volatility comes in calm and wild months."""
    rng = np.random.default_rng(seed)
    wild = np.repeat(rng.random(nobs // 30 + 1) < 0.4, 30)[:nobs]
    return rng.standard_normal(nobs) * np.where(wild, 0.06, 0.01)


def figures_of(result: Risk | Tail) -> list[float]:
    """Every number in a result, those of its intervals too."""
    values = [getattr(result, field.name) for field in fields(result)]
    numbers = [value for value in values if isinstance(value, float)]
    return numbers + [bound for interval in result.intervals.values() for bound in interval]


# Reference values


def test_sp500_agrees_with_empyrical_and_quantstats() -> None:
    from arch.data import sp500

    measured = risk(sp500.load()["Adj Close"], periods_per_year=252, replications=1)
    assert measured.cagr == pytest.approx(0.03639554, abs=5e-9)
    assert measured.volatility == pytest.approx(0.19098207, abs=5e-9)
    assert measured.sharpe == pytest.approx(0.28273923, abs=5e-9)
    assert measured.sortino == pytest.approx(0.39861403, abs=5e-9)
    assert measured.max_drawdown == pytest.approx(-0.56775388, abs=5e-9)
    assert measured.calmar == pytest.approx(0.06410444, abs=5e-9)
    assert measured.value_at_risk == pytest.approx(-0.01864333, abs=5e-9)
    assert measured.expected_shortfall == pytest.approx(-0.02860927, abs=5e-9)
    assert (measured.peak_day, measured.trough_day) == (dt.date(2007, 10, 9), dt.date(2009, 3, 9))


def test_tail_of_the_normal_law_is_its_closed_form() -> None:
    measured = risk(prices_of(0.01 * law(ndtri(probabilities(4_000)))), replications=1)
    assert measured.value_at_risk == pytest.approx(-0.01644853627, rel=1e-3)
    assert measured.expected_shortfall == pytest.approx(-0.02062712808, rel=1e-3)
    assert measured.volatility == pytest.approx(0.01 * 365**0.5, rel=1e-3)
    assert measured.skew == pytest.approx(0, abs=1e-9)
    assert measured.excess_kurtosis == pytest.approx(0, abs=0.02)  # the grid stops at 3.7 sigma
    assert measured.cornish_fisher_value_at_risk == pytest.approx(-0.01644853627, rel=2e-3)


def test_tail_of_student_t_with_four_degrees_is_its_closed_form() -> None:
    measured = risk(prices_of(0.01 * law(stdtrit(4, probabilities(4_000)))), replications=1)
    assert measured.value_at_risk == pytest.approx(-0.02131846786, rel=2e-3)
    assert measured.expected_shortfall == pytest.approx(-0.03202870402, rel=5e-3)


def test_lognormal_wealth_has_its_closed_form_mean_deviation_and_tail() -> None:
    # drift 0.2, sigma 0.9, one year a period; 2,000 of them stay above the smallest number
    wealth = np.exp(0.2 - 0.9**2 / 2 + 0.9 * law(ndtri(probabilities(2_000))))
    measured = risk(prices_of(wealth - 1), periods_per_year=1, replications=1)
    assert measured.annual_mean_return == pytest.approx(0.22140276, rel=5e-3)
    assert measured.volatility == pytest.approx(1.36442660, rel=0.03)  # the grid cuts the far tail
    assert measured.cagr == pytest.approx(0.81464732 - 1, abs=1e-6)  # the median year
    assert measured.log_volatility == pytest.approx(0.9, rel=1e-3)
    assert 1 + measured.value_at_risk == pytest.approx(0.18537615, rel=2e-3)
    assert 1 + measured.expected_shortfall == pytest.approx(0.13352809, rel=2e-3)


@pytest.mark.parametrize(
    ("skew", "excess_kurtosis", "quantile"),
    [(0, 0, -1.644853627), (-0.5, 3, -1.721744329), (-1, 6, -1.789243673)],
)
def test_cornish_fisher_agrees_with_its_closed_form(
    skew: float, excess_kurtosis: float, quantile: float
) -> None:
    measured = cornish_fisher_quantile(skew, excess_kurtosis, 0.05, nobs=250)
    assert measured == pytest.approx(quantile, abs=5e-10)


def test_monthly_marks_with_a_sharpe_ratio_of_one_over_36_months_have_a_std_error_of_0_589() -> (
    None
):
    noise = law(ndtri(probabilities(36)), seed=3)
    noise = (noise - noise.mean()) / noise.std(ddof=1)
    wealth = prices_of(0.02 * (noise + 12**-0.5))
    wealth.index = pd.date_range("2021-12-31", periods=37, freq="ME")
    measured = risk(wealth, periods_per_year=12, replications=1)
    assert measured.sharpe == pytest.approx(1)
    assert not measured.sharpe_autocorrelated
    assert measured.sharpe_std_error == pytest.approx(0.589, abs=5e-4)


# Drawdown


def test_drawdown_of_a_path_by_hand() -> None:
    losses = drawdown(closes([100, 120, 90, 60, 80, 150]))
    assert losses.tolist() == pytest.approx([0, 0, -0.25, -0.5, -1 / 3, 0])


def test_worst_drawdown_runs_from_its_peak_over_its_trough_to_recovery() -> None:
    path = [100, 120, 90, 60, 80, 150, 149, *range(151, 180)]
    measured = risk(closes(path), replications=1)
    assert measured.max_drawdown == -0.5
    assert measured.peak_day == dt.date(2024, 1, 2)
    assert measured.trough_day == dt.date(2024, 1, 4)
    assert measured.recovery_day == dt.date(2024, 1, 6)


def test_drawdown_counts_the_first_price_and_may_have_no_end() -> None:
    measured = risk(closes([200, *range(100, 130)]), replications=1)
    assert measured.max_drawdown == -0.5
    assert measured.peak_day == dt.date(2024, 1, 1)
    assert measured.recovery_day is None
    assert "not recovered" in measured.summary()["Maximum drawdown"]


def test_a_path_that_never_falls_has_no_drawdown_and_no_ratio_to_it() -> None:
    measured = risk(closes(np.arange(100.0, 140.0)), replications=1)
    assert (measured.max_drawdown, measured.peak_day, measured.trough_day) == (0, None, None)
    assert (measured.calmar, measured.sortino) == (None, None)


def test_drawdown_has_no_interval() -> None:
    assert {"max_drawdown", "calmar"}.isdisjoint(risk(prices_of(clustered(300))).intervals)


def test_expected_drawdown_of_brownian_motion_without_drift() -> None:
    # sqrt(pi / 2) in continuous time; 1.1811 (0.0005) when looked at 252 times
    steps = np.random.default_rng(0).standard_normal((1_000, 252)) / 252**0.5
    walks = np.concatenate([np.zeros((1_000, 1)), steps.cumsum(axis=1)], axis=1)
    worst = [-np.log1p(drawdown(closes(np.exp(walk)))).min() for walk in walks]
    monte_carlo_error = float(np.std(worst)) / 1_000**0.5
    assert np.mean(worst) == pytest.approx(1.1811, abs=3 * monte_carlo_error)


# Gaps and calendars


def test_a_gap_gives_no_return_and_its_loss_stays_in_growth_and_drawdown() -> None:
    prices = closes([*np.arange(100.0, 120.0), *np.arange(50.0, 70.0)])
    days = prices.index + pd.to_timedelta(np.repeat([0, 3], 20), unit="D")
    prices.index = pd.DatetimeIndex(days)
    returns = simple_returns(prices)
    assert len(returns) == 38
    assert returns.index.difference(days).empty
    assert returns.min() > 0
    measured = risk(prices, replications=50)
    assert measured.nobs == 38
    assert measured.missing_days == 3
    assert measured.cagr == pytest.approx((69 / 100) ** (365 / 42) - 1)
    assert measured.max_drawdown == pytest.approx(50 / 119 - 1)
    assert measured.intervals["cagr"].low < measured.cagr < measured.intervals["cagr"].high


def test_a_day_without_a_price_is_the_same_gap_as_a_missing_row() -> None:
    prices = prices_of(clustered(100))
    prices.iloc[40:43] = np.nan
    assert risk(prices, replications=20) == risk(prices.dropna(), replications=20)


def test_sessions_follow_each_other_over_weekends() -> None:
    sessions = pd.bdate_range("2024-01-01", periods=40)
    prices = pd.Series(np.arange(100.0, 140.0), index=sessions)
    assert len(simple_returns(prices)) == 32  # as UTC days: no weekend is bridged
    measured = risk(prices, periods_per_year=252, replications=1)
    assert (measured.nobs, measured.missing_days) == (39, 0)
    assert measured.cagr == pytest.approx(1.39 ** (252 / 39) - 1)


def test_autocorrelation_is_taken_at_calendar_positions() -> None:
    # a return every second day only: nothing is adjacent, so nothing is autocorrelated
    returns = np.repeat(0.02 * law(ndtri(probabilities(300))), 2)
    together = risk(prices_of(returns), replications=1)
    prices = prices_of(returns)
    days = prices.index + pd.to_timedelta(np.arange(len(prices)) // 2 * 30, unit="D")
    prices.index = pd.DatetimeIndex(days)
    apart = risk(prices, replications=1)
    assert together.sharpe_autocorrelated
    assert not apart.sharpe_autocorrelated


# Standard error and intervals


def test_sharpe_std_error_of_autocorrelated_returns_is_that_of_their_long_run_variance() -> None:
    shocks = np.random.default_rng(4).standard_normal(20_000)
    returns = np.empty_like(shocks)
    returns[0] = shocks[0]
    for day in range(1, len(shocks)):
        returns[day] = 0.3 * returns[day - 1] + shocks[day]
    measured = risk(prices_of(0.01 * (returns - returns.mean())), replications=1)
    assert measured.sharpe_autocorrelated
    closed_form = (1.3 / 0.7) ** 0.5 / 20_000**0.5 * 365**0.5
    assert measured.sharpe_std_error == pytest.approx(closed_form, rel=0.05)


@pytest.mark.parametrize("persistence", [0.0, 0.3])
def test_intervals_of_104_returns_cover_the_truth_in_88_of_100_samples(persistence: float) -> None:
    rng = np.random.default_rng(11)
    n_samples, covered = 200, {"annual_mean_return": 0, "volatility": 0}
    truth = {"annual_mean_return": 0.0, "volatility": 0.01 * 365**0.5}
    for _ in range(n_samples):
        x = rng.standard_normal(104)
        for day in range(1, 104):
            x[day] = persistence * x[day - 1] + (1 - persistence**2) ** 0.5 * x[day]
        intervals = risk(prices_of(0.01 * x), replications=300, seed=rng).intervals
        for field, value in truth.items():
            covered[field] += intervals[field].low <= value <= intervals[field].high
    assert min(covered.values()) >= 0.88 * n_samples, covered


def test_expected_shortfall_of_few_returns_has_no_interval() -> None:
    prices = prices_of(clustered(500))
    assert "expected_shortfall" in risk(prices, replications=10).intervals
    assert "expected_shortfall" not in risk(prices.iloc[1:], replications=10).intervals


def test_blocks_are_longer_where_volatility_clusters() -> None:
    wild, calm = clustered(1_500), 0.02 * law(ndtri(probabilities(1_500)))
    assert risk(prices_of(calm), replications=1).mean_block == pytest.approx(1_500 ** (1 / 3))
    assert risk(prices_of(wild), replications=1).mean_block > 20


def test_a_figure_that_some_resamples_lack_has_no_interval() -> None:
    returns = np.linspace(0.01, 0.02, 40)
    returns[20] = -0.01  # the only loss: a third of the resamples miss it
    measured = risk(prices_of(returns), replications=200)
    assert measured.sortino is not None
    assert "sortino" not in measured.intervals
    assert "sharpe" in measured.intervals


# Seeds


def test_the_same_seed_gives_the_same_result() -> None:
    prices = prices_of(clustered(300))
    assert risk(prices, seed=3) == risk(prices, seed=3)
    assert risk(prices, seed=3) != risk(prices, seed=4)


def test_a_generator_of_the_same_seed_draws_the_same() -> None:
    prices = prices_of(clustered(300))
    own = np.random.Generator(np.random.SFC64(np.random.SeedSequence(3)))
    measured = risk(prices, seed=own)
    assert measured.intervals == risk(prices, seed=3).intervals
    assert measured.seed is None


def test_a_seed_that_was_not_given_is_stated_and_repeats_the_result() -> None:
    prices = prices_of(clustered(300))
    measured = risk(prices, seed=None)
    assert measured.seed is not None
    assert risk(prices, seed=measured.seed) == measured


def test_draws_are_the_same_on_every_platform() -> None:
    prices = prices_of(law(np.linspace(-0.05, 0.06, 111)))
    measured = risk(prices, seed=0)
    assert measured.intervals["value_at_risk"] == pytest.approx((-0.0475, -0.0385))


@pytest.mark.parametrize("seed", [-1, 0.5, "x"])
def test_anything_else_is_no_seed(seed: Any) -> None:
    with pytest.raises(UsageError, match="whole numbers from 0"):
        risk(prices_of(clustered(300)), seed=seed)


# Refusals and edges


def test_a_constant_series_is_refused_by_name() -> None:
    with pytest.raises(InsufficientDataError, match="akash: 1 different price, 10 needed"):
        risk(closes(np.full(100, 2.5)))


def test_a_series_of_few_values_is_refused() -> None:
    with pytest.raises(InsufficientDataError, match="akash: 9 different prices"):
        risk(closes(np.arange(1.0, 10.0).repeat(20)))


@pytest.mark.parametrize("price", [0.0, -1.0, np.inf])
def test_a_price_that_cannot_be_is_refused_with_its_day(price: float) -> None:
    prices = prices_of(clustered(50))
    prices.iloc[3] = price
    for model in (risk, drawdown, simple_returns):
        with pytest.raises(DataError, match="akash: the price of 2024-01-04 is"):
            model(prices)


def test_a_price_a_thousand_million_times_the_one_before_is_refused() -> None:
    with pytest.raises(DataError, match=r"price of 2024-01-03 is beyond .* check its unit"):
        simple_returns(closes([1, 2, 2e-10, 1]))


def test_too_few_days_are_refused() -> None:
    with pytest.raises(InsufficientDataError, match="19 returns between adjacent periods"):
        risk(closes(np.arange(100.0, 120.0)))
    with pytest.raises(InsufficientDataError, match="0 prices"):
        drawdown(closes([np.nan]))


def test_weekly_closes_have_no_daily_return() -> None:
    weekly = pd.Series(
        np.arange(100.0, 150.0), index=pd.date_range("2024-01-07", periods=50, freq="7D")
    )
    with pytest.raises(InsufficientDataError, match="0 returns between adjacent periods"):
        risk(weekly)


def test_growth_too_large_for_a_number_is_refused() -> None:
    with pytest.raises(DataError, match="too large for a number"):
        risk(closes(1e7 ** np.arange(30.0)))


@pytest.mark.parametrize(
    "index",
    [
        pd.RangeIndex(30),
        pd.date_range("2024-01-01", periods=30)[::-1],
        pd.DatetimeIndex(["2024-01-01"] * 30),
        pd.date_range("2024-01-01 12:00", periods=30),
        pd.date_range("2024-01-01", periods=30, tz="America/New_York"),
    ],
    ids=["no days", "descending", "repeated", "noon", "New York midnight"],
)
def test_rows_that_are_not_utc_days_in_order_are_refused(index: pd.Index) -> None:
    with pytest.raises(DataError, match=r"UTC day|ascending days"):
        simple_returns(pd.Series(np.arange(100.0, 130.0), index=index))


@pytest.mark.parametrize("wrong", [{"replications": 0}, {"rf_annual": -1}, {"periods_per_year": 0}])
def test_arguments_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="accepted are"):
        risk(prices_of(clustered(100)), **wrong)


def test_steady_growth_has_no_volatility_and_no_ratio_to_it() -> None:
    measured = risk(closes(1.04 ** (np.arange(400) / 365)), rf_annual=0.04, replications=100)
    assert measured.cagr == pytest.approx(0.04)
    assert (measured.volatility, measured.log_volatility, measured.max_drawdown) == (0, 0, 0)
    absent = (measured.sharpe, measured.sharpe_std_error, measured.sortino, measured.calmar)
    assert absent == (None,) * 4
    assert (measured.skew, measured.excess_kurtosis) == (None, None)
    assert measured.cornish_fisher_value_at_risk is None
    assert np.isfinite(figures_of(measured)).all()
    assert measured.summary()["Sharpe ratio"] == "not defined"


def test_the_risk_free_yield_is_what_sharpe_and_sortino_are_measured_against() -> None:
    prices = prices_of(clustered(400))
    plain, measured = (risk(prices, rf_annual=y, replications=1) for y in (0.0, 0.05))
    daily = 1.05 ** (1 / 365) - 1
    excess = simple_returns(prices) - daily
    assert measured.sharpe == pytest.approx(excess.mean() / excess.std() * 365**0.5)
    downside = (excess.clip(upper=0) ** 2).mean() ** 0.5
    assert measured.sortino == pytest.approx(excess.mean() / downside * 365**0.5)
    assert measured.volatility == plain.volatility


def test_cornish_fisher_is_refused_where_it_is_no_quantile_function() -> None:
    with pytest.raises(InfeasibleError, match=r"excess kurtosis 11\.00"):
        cornish_fisher_quantile(0, 11, 0.05, nobs=2_000)
    with pytest.raises(InfeasibleError, match=r"skew 2\.00"):
        cornish_fisher_quantile(2, 0, 0.05, nobs=2_000)
    with pytest.raises(InsufficientDataError, match="249 returns, 250 needed"):
        cornish_fisher_quantile(0, 0, 0.05, nobs=249)
    assert risk(prices_of(clustered(249)), replications=1).cornish_fisher_value_at_risk is None


def test_a_summary_is_read_without_the_code() -> None:
    lines = risk(prices_of(clustered(400)), replications=100).summary()
    assert lines.name == "akash"
    assert lines["Span"] == "2024-01-01 to 2025-02-04, 0 days missing"
    assert lines["Returns"] == "400, one a day"
    assert lines["Volatility a year"].count("%") == 3
    assert "SE" in lines["Sharpe ratio"]
    assert lines["Intervals"].startswith("95 %, stationary bootstrap, 100 resamples")


# The far tail


def heavy(shape: float, scale: float = 0.02, nobs: int = 5_000) -> pd.Series:
    """Returns whose losses beyond 5 % follow a generalized Pareto law, one day in ten."""
    beyond = 0.05 + scale * (probabilities(nobs // 10) ** -shape - 1) / shape
    calm = np.linspace(-0.0499, 0.06, nobs - nobs // 10)
    return closes(law(np.concatenate([-beyond, calm])))


def test_tail_recovers_the_law_that_made_the_losses() -> None:
    fitted = tail(heavy(0.3), replications=20)
    assert fitted.exceedances == 500
    assert fitted.threshold == pytest.approx(-0.05, abs=2e-4)
    assert fitted.shape == pytest.approx(0.3, abs=0.02)
    assert fitted.scale == pytest.approx(0.02, rel=0.02)
    value_at_risk = 0.05 + 0.02 / 0.3 * (10**0.3 - 1)
    assert fitted.value_at_risk == pytest.approx(-value_at_risk, rel=0.01)
    shortfall = (value_at_risk + 0.02 - 0.3 * 0.05) / 0.7
    assert fitted.expected_shortfall == pytest.approx(-shortfall, rel=0.02)
    assert fitted.intervals["shape"].low < 0.3 < fitted.intervals["shape"].high


def test_expected_shortfall_is_not_printed_where_excesses_have_no_variance() -> None:
    fitted = tail(heavy(0.7, scale=0.002), replications=5)
    assert fitted.shape > 0.5
    assert fitted.expected_shortfall is None
    assert "expected_shortfall" not in fitted.intervals
    assert "not printed" in fitted.summary()["1 % expected shortfall"]


def test_tail_needs_fifty_losses_beyond_the_threshold() -> None:
    with pytest.raises(InsufficientDataError, match=r"akash: 49 losses .* 50 needed"):
        tail(heavy(0.3, nobs=490))
    assert tail(heavy(0.3, nobs=500), replications=2).exceedances == 50


def test_tail_is_refused_where_no_generalized_pareto_law_can_be_fitted() -> None:
    with pytest.raises(InfeasibleError, match=r"shape -1\.\d+ is not above -0\.5"):
        tail(closes(law(np.linspace(-0.1, 0.1, 1_000))))  # uniform: the true shape is -1


def test_tail_is_refused_where_its_value_at_risk_is_more_than_all() -> None:
    with pytest.raises(InfeasibleError, match=r"0\.001 % value at risk is more than all"):
        tail(heavy(0.7, scale=0.002), level=1e-5)


def test_tail_refuses_what_is_no_return() -> None:
    for wrong in (-1.0, np.nan, np.inf):
        returns = heavy(0.3)
        returns.iloc[0] = wrong
        with pytest.raises(DataError, match="akash: a return is not a finite number above -1"):
            tail(returns)
    with pytest.raises(InsufficientDataError, match="1 different return,"):
        tail(closes(np.zeros(1_000)))
    with pytest.raises(UsageError, match=r"0 < level < 0\.1"):
        tail(heavy(0.3), level=0.2)


# What holds for any prices

some_prices = st.lists(st.floats(0.01, 100), min_size=30, max_size=60, unique=True).map(closes)


@given(prices=some_prices, power=st.integers(-20, 20))
@settings(deadline=None, max_examples=25)
def test_the_unit_of_price_changes_nothing(prices: pd.Series, power: int) -> None:
    # a power of two, so that not even a rounding differs
    assert risk(prices * 2.0**power, replications=5) == risk(prices, replications=5)


@given(prices=some_prices)
def test_a_drawdown_is_a_share_of_the_peak(prices: pd.Series) -> None:
    losses = drawdown(prices)
    assert losses.between(-1, 0).all()
    assert losses.iloc[0] == 0


@given(prices=some_prices)
def test_returns_compound_to_the_ratio_of_the_prices(prices: pd.Series) -> None:
    grown = (1 + simple_returns(prices)).prod()
    assert grown == pytest.approx(prices.iloc[-1] / prices.iloc[0], rel=1e-9)


@given(prices=some_prices)
@settings(deadline=None, max_examples=25)
def test_no_figure_is_missing_without_saying_so(prices: pd.Series) -> None:
    measured = risk(prices, replications=5)
    assert np.isfinite(figures_of(measured)).all()
    assert measured.expected_shortfall <= measured.value_at_risk
    assert measured.volatility >= 0
    assert "nan" not in " ".join(measured.summary())
