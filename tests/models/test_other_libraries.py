"""Our measures beside those of empyrical-reloaded and quantstats, on series that packages ship.

First where the definitions agree, then, one test each, where a library is wrong or means something
else. A test of the second kind that fails after an upgrade is good news: the library has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NamedTuple

import empyrical
import numpy as np
import pandas as pd
import pytest
from arch.data import frenchdata, nasdaq, sp500, wti

from research.models.drawdowns import drawdowns
from research.models.returns import Risk, drawdown, risk, simple_returns
from research.models.sharpe import probabilistic_sharpe
from research.models.tails import tail

quantstats: Any = import_module("quantstats.stats")  # of whose functions half have no types

RF_ANNUAL = 0.02


class Series(NamedTuple):
    """A real series, measured by us, and its returns for the libraries."""

    returns: pd.Series[float]
    periods: int  # a year
    risk: Risk
    with_rf: Risk  # against a risk-free yield of 2 % a year

    @property
    def rf(self) -> float:
        """The risk-free return of one period."""
        return float((1 + RF_ANNUAL) ** (1 / self.periods) - 1)


def us_stock_market() -> pd.Series[float]:
    """Month-end wealth since 1926 of a dollar in all US stocks, from French's monthly returns."""
    factors = frenchdata.load()
    growth = (1 + (factors["Mkt-RF"] + factors["RF"]) / 100).cumprod().to_numpy()
    months = pd.date_range("1926-06-30", periods=len(growth) + 1, freq="ME")
    return pd.Series(np.concatenate([[1.0], growth]), index=months, name="US stocks")


LOADERS: Mapping[str, tuple[Callable[[], pd.Series[float]], int]] = {
    "S&P 500": (lambda: sp500.load()["Adj Close"], 252),
    "Nasdaq": (lambda: nasdaq.load()["Adj Close"], 252),
    "WTI oil": (lambda: wti.load()["DCOILWTICO"], 252),
    "US stocks by month": (us_stock_market, 12),
}


@pytest.fixture(scope="module", params=LOADERS)
def series(request: pytest.FixtureRequest) -> Series:
    loader, periods = LOADERS[request.param]
    prices = loader()
    return Series(
        returns=simple_returns(prices, periods_per_year=periods),
        periods=periods,
        risk=risk(prices, periods_per_year=periods, replications=1),
        with_rf=risk(prices, periods_per_year=periods, rf_annual=RF_ANNUAL, replications=1),
    )


@pytest.fixture
def numpy_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give numpy back the name that empyrical 0.5.9 still asks it for."""
    monkeypatch.setattr(np, "NINF", -np.inf, raising=False)


def days(values: Any) -> pd.Series[float]:
    index = pd.date_range("2024-01-01", periods=len(values), freq="D")
    return pd.Series(np.asarray(values, dtype=float), index=index, name="token")


def prices_of(returns: pd.Series[float]) -> pd.Series[float]:
    return days(np.concatenate([[1.0], (1 + returns).cumprod()]))


# Where definitions agree


def test_empyrical_agrees_on_every_real_series(series: Series) -> None:
    returns, ours, a_year = series.returns, series.risk, {"annualization": series.periods}
    theirs = {
        "volatility": empyrical.annual_volatility(returns, **a_year),
        "sharpe": empyrical.sharpe_ratio(returns, **a_year),
        "cagr": empyrical.cagr(returns, **a_year),
        "max_drawdown": empyrical.max_drawdown(returns),
        "calmar": empyrical.calmar_ratio(returns, **a_year),
        "value_at_risk": empyrical.value_at_risk(returns),
        "expected_shortfall": empyrical.conditional_value_at_risk(returns),
    }
    assert {field: getattr(ours, field) for field in theirs} == pytest.approx(theirs, rel=1e-9)
    theirs_with_rf = empyrical.sharpe_ratio(returns, series.rf, **a_year)
    assert series.with_rf.sharpe == pytest.approx(theirs_with_rf, rel=1e-9)


@pytest.mark.usefixtures("numpy_1")
def test_empyricals_sortino_agrees_where_numpy_lets_it_run(series: Series) -> None:
    returns, a_year = series.returns, {"annualization": series.periods}
    plain = empyrical.sortino_ratio(returns, **a_year)
    with_rf = empyrical.sortino_ratio(returns, series.rf, **a_year)
    assert series.risk.sortino == pytest.approx(plain, rel=1e-9)
    assert series.with_rf.sortino == pytest.approx(with_rf, rel=1e-9)


def test_quantstats_agrees_on_every_real_series(series: Series) -> None:
    returns, ours, periods = series.returns, series.risk, series.periods
    theirs = {
        "volatility": quantstats.volatility(returns, periods=periods),
        "sharpe": quantstats.sharpe(returns, periods=periods),
        "sortino": quantstats.sortino(returns, periods=periods),
        "cagr": quantstats.cagr(returns, periods=periods),
        "max_drawdown": quantstats.max_drawdown(returns),
        "calmar": quantstats.calmar(returns, periods=periods),
        "expected_shortfall": quantstats.cvar(returns, method="historical"),
    }
    assert {field: getattr(ours, field) for field in theirs} == pytest.approx(theirs, rel=1e-9)
    with_rf = {
        "sharpe": quantstats.sharpe(returns, rf=RF_ANNUAL, periods=periods),
        "sortino": quantstats.sortino(returns, rf=RF_ANNUAL, periods=periods),
    }
    measured = {field: getattr(series.with_rf, field) for field in with_rf}
    assert measured == pytest.approx(with_rf, rel=1e-9)


def test_quantstats_has_the_same_probability_of_a_true_sharpe_ratio_above_zero(
    series: Series,
) -> None:
    # its skew and kurtosis are corrected for the sample, ours are the paper's plain moments
    ours = probabilistic_sharpe(series.returns, periods_per_year=series.periods).probability
    theirs = quantstats.probabilistic_sharpe_ratio(series.returns, periods=series.periods)
    assert ours == pytest.approx(theirs, abs=1e-5)


def test_all_three_count_a_fall_on_the_first_day_from_the_dollar_put_in() -> None:
    returns = days([-0.5, 0.1, 0.1])
    ours = drawdown(prices_of(returns)).min()
    assert ours == -0.5
    assert empyrical.max_drawdown(returns) == pytest.approx(ours)
    assert quantstats.max_drawdown(returns) == pytest.approx(ours)


def test_quantstats_finds_the_same_falls_of_the_sp500() -> None:
    prices = sp500.load()["Adj Close"]
    ours = drawdowns(prices, deepest=10)
    theirs = quantstats.drawdown_details(drawdown(prices))
    deepest = theirs.nsmallest(10, "max drawdown")
    assert ours.n_episodes == len(theirs) == 129
    assert [100 * one.depth for one in ours.episodes] == pytest.approx(deepest["max drawdown"])
    assert [str(one.trough_day) for one in ours.episodes] == deepest["valley"].tolist()


# Where a library is wrong, or means something else: empyrical


def test_empyricals_sortino_and_downside_risk_do_not_run_on_numpy_2(series: Series) -> None:
    with pytest.raises(AttributeError, match="NINF"):
        empyrical.sortino_ratio(series.returns)


def test_empyricals_risk_free_rate_is_that_of_one_period_and_nothing_says_no_to_an_annual_one(
    series: Series,
) -> None:
    wrong = empyrical.sharpe_ratio(series.returns, RF_ANNUAL, annualization=series.periods)
    assert series.with_rf.sharpe is not None
    assert wrong < series.with_rf.sharpe - 1


def test_empyrical_counts_worst_returns_and_not_how_often_the_worst_but_one_happened() -> None:
    # 41 returns: it takes the 3 lowest; we take all at or below the 5 % quantile, here 21 of them
    returns = days([-0.05, *[-0.01] * 20, *[0.01] * 20])
    quantile = np.quantile(returns, 0.05)
    ours = returns[returns <= quantile].mean()
    assert ours == pytest.approx((-0.05 - 20 * 0.01) / 21)
    assert empyrical.conditional_value_at_risk(returns) == pytest.approx((-0.05 - 2 * 0.01) / 3)
    assert quantstats.cvar(returns, method="historical") == pytest.approx(ours)


def test_empyricals_value_at_risk_is_lost_to_one_missing_return() -> None:
    returns = days([0.01, -0.02, np.nan, 0.03, -0.04] * 10)
    assert np.isnan(empyrical.value_at_risk(returns))


def test_empyricals_growth_counts_a_missing_return_as_a_day_that_passed_and_earned_nothing() -> (
    None
):
    # 40 returns and 10 gaps: the same gains spread over 50 days; quantstats over 40
    returns = days([0.01, -0.02, np.nan, 0.03, -0.01] * 10)
    gains = np.prod(1 + returns.dropna())
    assert empyrical.cagr(returns, annualization=365) == pytest.approx(gains ** (365 / 50) - 1)
    assert quantstats.cagr(returns, periods=365) == pytest.approx(gains ** (365 / 40) - 1)


def test_empyricals_extreme_value_fit_takes_losses_for_excesses_over_its_threshold() -> None:
    # it fits the law to the losses themselves, adds the threshold again, and counts losing days
    # instead of all, so its 1 % value at risk of the S&P 500 is half the one that was
    prices = sp500.load()["Adj Close"]
    returns = simple_returns(prices, periods_per_year=252)
    happened = np.quantile(returns, 0.01)
    _, _, _, theirs, _ = empyrical.gpd_risk_estimates_aligned(returns.to_numpy(), 0.01)
    ours = tail(returns, level=0.01, replications=1).value_at_risk
    assert happened == pytest.approx(-0.0331, abs=5e-5)
    assert ours == pytest.approx(happened, rel=0.05)
    assert -theirs == pytest.approx(-0.0157, abs=5e-4)


def test_empyricals_extreme_value_fit_does_not_run_on_a_series() -> None:
    with pytest.raises(AttributeError, match="ndim"):
        empyrical.gpd_risk_estimates(days([-0.1, 0.1] * 20))


# quantstats


def test_quantstats_value_at_risk_is_always_that_of_the_normal_law(series: Series) -> None:
    # mean - 1.645 deviations, where ours and empyrical's is the return that was
    returns = series.returns
    theirs = quantstats.value_at_risk(returns)
    assert theirs == pytest.approx(returns.mean() - 1.6448536 * returns.std())
    assert theirs != pytest.approx(series.risk.value_at_risk, rel=0.01)


def test_quantstats_expected_shortfall_of_the_normal_law_is_too_mild_for_stocks() -> None:
    returns = simple_returns(sp500.load()["Adj Close"], periods_per_year=252)
    normal, happened = quantstats.cvar(returns), quantstats.cvar(returns, method="historical")
    assert (normal, happened) == pytest.approx((-0.02460, -0.02861), abs=5e-6)


def test_quantstats_takes_the_prices_of_a_token_below_1_usd_for_returns() -> None:
    prices = days([0.5, 0.8, 0.2, 0.4])
    assert drawdown(prices).min() == -0.75
    assert quantstats.max_drawdown(prices) == 0
    assert quantstats.max_drawdown(2 * prices) == pytest.approx(-0.75)  # up to 1.60 USD


def test_quantstats_takes_returns_without_a_loss_for_prices_where_one_is_above_100_percent() -> (
    None
):
    returns = days([0.1, 1.5, 0.1, 0.2, 0.3])
    theirs = quantstats.volatility(returns, annualize=False)
    assert theirs == pytest.approx(returns.pct_change().std())
    assert theirs > 10 * returns.std()


def test_quantstats_sees_no_fall_in_a_token_that_has_fallen_since_its_first_return() -> None:
    # its list of falls looks for a day at the high before each, and here there is none
    returns = days([-0.1, 0.05, -0.2])
    assert quantstats.drawdown_details(quantstats.to_drawdown_series(returns)).empty
    (one,) = drawdowns(prices_of(returns)).episodes
    assert one.depth == pytest.approx(0.9 * 1.05 * 0.8 - 1)


def test_quantstats_counts_a_falls_days_below_the_high_and_we_from_the_high_back_to_it() -> None:
    prices = days([100, 120, 90, 60, 80, 150])
    theirs = quantstats.drawdown_details(drawdown(prices)).iloc[0]
    (ours,) = drawdowns(prices).episodes
    assert (theirs["start"], theirs["end"], theirs["days"]) == ("2024-01-03", "2024-01-05", 3)
    assert (str(ours.peak_day), str(ours.recovery_day)) == ("2024-01-02", "2024-01-06")
    assert ours.days_under_water == 4


def test_quantstats_cannot_divide_by_a_drawdown_that_never_was() -> None:
    growing = days([0.01, 0.02] * 20)
    with pytest.raises(ZeroDivisionError):
        quantstats.calmar(growing)
    assert risk(prices_of(growing), replications=1).calmar is None


def test_quantstats_skew_and_kurtosis_are_corrected_for_the_sample(series: Series) -> None:
    nobs, skew, excess = len(series.returns), series.risk.skew, series.risk.excess_kurtosis
    assert skew is not None
    assert excess is not None
    corrected = (nobs - 1) / ((nobs - 2) * (nobs - 3)) * ((nobs + 1) * excess + 6)
    assert quantstats.skew(series.returns) == pytest.approx(
        skew * (nobs * (nobs - 1)) ** 0.5 / (nobs - 2)
    )
    assert quantstats.kurtosis(series.returns) == pytest.approx(corrected)


# Both


def test_both_give_a_series_that_never_varies_a_sharpe_ratio_of_quadrillions() -> None:
    steady = days([0.01] * 50)
    assert empyrical.sharpe_ratio(steady) > 1e15
    assert quantstats.sharpe(steady) > 1e15
    assert risk(prices_of(steady), replications=1).sharpe is None


def test_both_count_252_days_a_year_unless_told_though_a_token_trades_on_365() -> None:
    returns = days(np.random.default_rng(2).normal(0, 0.05, 100))
    ours = risk(prices_of(returns), replications=1).volatility
    for theirs in (empyrical.annual_volatility(returns), quantstats.volatility(returns)):
        assert theirs == pytest.approx(ours * (252 / 365) ** 0.5)


def test_neither_has_the_growth_over_a_gap_for_neither_sees_the_calendar() -> None:
    # a token doubles while three days are missing: our growth is that of its prices
    prices = days(np.exp(np.random.default_rng(3).normal(0, 0.02, 100).cumsum()))
    prices.iloc[53:] *= 2
    gapped = prices.drop(prices.index[50:53])
    returns = simple_returns(gapped)
    ours = risk(gapped, replications=1).cagr
    assert len(returns) == 95
    assert ours == pytest.approx((prices.iloc[-1] / prices.iloc[0]) ** (365 / 99) - 1)
    for theirs in (
        empyrical.cagr(returns, annualization=365),
        quantstats.cagr(returns, periods=365),
    ):
        assert theirs == pytest.approx(np.prod(1 + returns) ** (365 / 95) - 1)
        assert theirs < ours
