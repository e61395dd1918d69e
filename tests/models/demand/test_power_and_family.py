"""What a sample can show, what a measure can prove, and many tests at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from research.errors import InsufficientDataError
from research.models.demand.measure import guard, mechanical_correlation
from research.models.demand.multiplicity import Test, across_networks, by_qvalues, family
from research.models.demand.power import effective_sample, minimum_detectable_effect
from research.models.demand.stationarity import adf, kpss_test, order_of_integration


@pytest.mark.parametrize(
    ("n", "gaussian", "printed"),
    [(26, 0.526, 0.71), (52, 0.380, 0.51), (104, 0.272, 0.37), (156, 0.223, 0.30),
     (365, 0.146, 0.20)],
)  # fmt: skip
def test_the_smallest_detectable_correlation_is_the_published_one(
    n: Any, gaussian: Any, printed: Any
) -> None:
    assert minimum_detectable_effect(n, shared_volatility=False) == pytest.approx(
        gaussian, abs=6e-4
    )
    assert minimum_detectable_effect(n) == pytest.approx(printed, abs=6e-3)


@pytest.mark.parametrize(("rho", "share"), [(0.5, 0.6), (0.8, 0.2195)])
def test_the_effective_sample_tends_to_its_closed_form(rho: Any, share: Any) -> None:
    from scipy.signal import lfilter

    shocks = np.random.default_rng(1).standard_normal((2, 40_000))
    x, y = (pd.Series(lfilter([1], [1, -rho], each)) for each in shocks)
    assert effective_sample(x, y) / 40_000 == pytest.approx(share, abs=0.05)


def test_arithmetic_alone_correlates_as_the_closed_form_says() -> None:
    assert mechanical_correlation(0.06, 0.06) == pytest.approx(0.7071, abs=1e-4)
    assert mechanical_correlation(0.06, 0.12) == pytest.approx(0.4472, abs=1e-4)
    assert mechanical_correlation(0.06, 0.06, divided=True) == pytest.approx(-0.7071, abs=1e-4)
    tokens, returns = 0.06 * np.random.default_rng(2).standard_normal((2, 200_000))
    left = np.cov(tokens + returns, returns)[0, 1]
    assert left == pytest.approx(np.cov(tokens, returns)[0, 1] + returns.var(ddof=1), abs=1e-12)
    assert np.corrcoef(tokens + returns, returns)[0, 1] == pytest.approx(0.7071, abs=0.01)


def test_demand_that_is_the_price_times_a_constant_is_class_c() -> None:
    x = pd.Series(np.random.default_rng(3).standard_normal(60))
    assert guard(x, x.copy(), "A").demand_class == "C"
    assert guard(x, x + np.arange(60), "A").demand_class == "A"


def test_fifteen_published_pvalues_are_rejected_as_often_as_published() -> None:
    pvalues = np.array(
        [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262,
         0.5719, 0.6528, 0.7590, 1.0000]
    )  # fmt: skip
    assert (by_qvalues(pvalues) < 0.05).sum() == 3
    across = across_networks({str(k): p for k, p in enumerate(pvalues)})
    assert sum(q < 0.05 for q in across.values()) == 4


def test_the_test_declared_beforehand_is_not_corrected_for_the_search() -> None:
    tests = [
        Test(question="q", name=str(k), effect=None, low=None, high=None, unit="", nobs=60,
             pvalue=0.04, primary=k == 0)
        for k in range(5)
    ]  # fmt: skip
    qvalues = family(tests)["qvalue"]
    assert qvalues[0] == 0.04
    assert (qvalues[1:] > 0.04).all()


@pytest.mark.parametrize(
    ("lags", "trend", "statistic", "pvalue"),
    [(2, "c", -1.7953507663, 0.3827723399), (2, "ct", -2.3828718387, 0.3887635444),
     (4, "c", -1.6084800050, 0.4793324578), (4, "ct", -2.2596414183, 0.4563888217)],
)  # fmt: skip
def test_the_unit_root_test_has_the_digits_of_r(
    levels: Any, lags: Any, trend: Any, statistic: Any, pvalue: Any
) -> None:
    found = adf(levels["lg"].to_numpy(), trend, lags)
    assert found == pytest.approx((statistic, pvalue), abs=1e-9)


@pytest.mark.parametrize(("trend", "statistic"), [("c", 4.1122740254), ("ct", 0.3546882710)])
def test_the_stationarity_test_has_the_digits_of_r(levels: Any, trend: Any, statistic: Any) -> None:
    assert kpss_test(levels["lg"].to_numpy(), trend, 4)[0] == pytest.approx(statistic, abs=1e-9)


def test_a_random_walk_is_found_to_wander_and_its_growth_not() -> None:
    walk = pd.Series(np.random.default_rng(5).standard_normal(300).cumsum(), name="walk")
    found = order_of_integration(walk)
    assert found.order == 1
    assert order_of_integration(walk.diff().rename("steps")).order == 0


def test_a_constant_level_is_refused_by_name() -> None:
    with pytest.raises(InsufficientDataError, match="leases"):
        order_of_integration(pd.Series(np.ones(100), name="leases"))
