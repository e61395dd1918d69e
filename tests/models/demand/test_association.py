"""The headline test, its interval, its lags and its elasticity."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from arch.bootstrap import StationaryBootstrap
from statsmodels.regression.linear_model import OLS

from research.errors import InsufficientDataError
from research.evidence import rejection_rate, world
from research.models.demand.association import associate
from research.models.demand.block_bootstrap import correlation_interval
from research.models.demand.elasticity import fit_elasticity
from research.models.demand.lead_lag import lead_lag
from research.models.demand.newey_west import bandwidth


def test_the_interval_is_that_of_a_second_library_within_monte_carlo_error() -> None:
    rng = np.random.default_rng(1)
    a = rng.standard_normal(150)
    b = 0.4 * a + rng.standard_normal(150)
    ours = correlation_interval(a, b, kind="pearson", n_replications=20_000, block_weeks=5)
    theirs = StationaryBootstrap(5, a, b, seed=np.random.default_rng(2)).conf_int(
        lambda x, y: np.arctanh(np.corrcoef(x, y)[0, 1]), 3_000, method="percentile"
    )
    assert [ours.low, ours.high] == pytest.approx(np.tanh(theirs).ravel(), abs=0.02)


def test_the_same_seed_gives_the_same_interval() -> None:
    a, b = np.random.default_rng(3).standard_normal((2, 80))
    assert correlation_interval(a, b, seed=5) == correlation_interval(a, b, seed=5)


def test_the_interval_covers_the_truth_in_88_of_100_samples_or_more() -> None:
    covered = []
    for seed in range(150):
        price, demand = world(np.random.default_rng(seed), 104, volatility="none", rho=0.4)
        low, high, _ = correlation_interval(
            demand.to_numpy(), price.to_numpy(), kind="pearson", n_replications=499, seed=seed
        )
        covered.append(low <= 0.4 <= high)
    assert np.mean(covered) >= 0.88


@pytest.mark.parametrize(("volatility", "ar"), [("none", 0.8), ("shared", 0.0), ("shared", 0.8)])
def test_the_headline_test_keeps_its_false_alarm_rate(volatility: Any, ar: Any) -> None:
    assert 0.01 <= rejection_rate(200, 104, volatility, ar, 0.0) <= 0.10


def test_the_headline_test_has_its_stated_power() -> None:
    assert rejection_rate(200, 104, "shared", 0.0, 0.3) == pytest.approx(0.60, abs=0.1)


def test_too_few_weeks_are_refused() -> None:
    a, b = (pd.Series(x) for x in np.random.default_rng(5).standard_normal((2, 55)))
    with pytest.raises(InsufficientDataError, match="51 weeks, 52 needed"):
        associate(a, b)


def test_one_wild_week_moves_the_rank_correlation_little_and_is_flagged() -> None:
    price, demand = world(np.random.default_rng(6), 150, volatility="none", rho=0.4)
    usual = associate(price, demand, n_replications=0)
    price.iloc[80], demand.iloc[80] = 15.0, -15.0
    wild = associate(price, demand, n_replications=0)
    assert abs(wild.spearman.rho - usual.spearman.rho) < 0.1
    assert wild.pearson.leverage_max is not None
    assert wild.pearson.leverage_max > 0.2


def test_demand_that_leads_by_three_weeks_peaks_at_three() -> None:
    rng = np.random.default_rng(7)
    demand, noise = (pd.Series(x) for x in rng.standard_normal((2, 200)))
    found = lead_lag(demand.shift(3) + noise, demand)
    assert found.peak_lag == 3


def test_the_bandwidth_and_its_error_have_the_digits_of_r(growths: Any) -> None:
    frame = growths.dropna()
    fit = OLS(frame["lc"], frame[["lg"]].assign(const=1.0)).fit()
    assert bandwidth((frame["lg"] * fit.resid).to_numpy()) == pytest.approx(2.6370578224, abs=1e-9)
    hac = OLS(frame["lc"], frame[["lg"]].assign(const=1.0)).fit(
        cov_type="HAC", cov_kwds={"maxlags": 4, "use_correction": True}
    )
    assert hac.bse["lg"] == pytest.approx(0.0536445651542, abs=1e-12)


def test_a_known_elasticity_is_recovered_beside_a_factor() -> None:
    rng = np.random.default_rng(8)
    demand, factor, noise = (pd.Series(x) for x in rng.standard_normal((3, 300)))
    price = 1.5 * demand.shift(2) + 0.8 * factor + 0.5 * noise
    found = fit_elasticity(price, demand, factor.to_frame("btc"), lag=2)
    assert found.low < 1.5 < found.high
    assert found.std_error < 0.06
