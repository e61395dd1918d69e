"""What is new in a week: orders, values and tests against two independent programs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

from research.errors import InsufficientDataError
from research.models.demand.innovations import hc3_slope, partial_out, pre_whiten, rank


@pytest.fixture(scope="module")
def growth() -> pd.DataFrame:
    """100 times the log differences of US output and investment, 202 quarters."""
    levels = sm.datasets.macrodata.load_pandas().data[["realgdp", "realinv"]]
    growth = pd.DataFrame(100 * np.log(levels)).diff()
    return growth.iloc[1:].reset_index(drop=True)


def test_the_primary_test_on_us_output_and_investment_gives_the_digits_of_r(growth: Any) -> None:
    output, investment = (pre_whiten(growth[name]) for name in growth)
    assert (output.order, investment.order, output.nobs) == (2, 1, 198)
    a, b = (x.series.dropna().to_numpy() for x in (output, investment))
    pearson, spearman = hc3_slope(a, b), hc3_slope(rank(a), rank(b))
    assert pearson.slope == pytest.approx(0.77223338, abs=1e-8)
    assert pearson.tstat == pytest.approx(11.24292816, abs=1e-7)
    assert spearman.slope == pytest.approx(0.72243930, abs=1e-8)
    assert spearman.tstat == pytest.approx(17.10467200, abs=1e-7)


def test_the_slope_test_is_that_of_statsmodels() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.standard_normal((2, 60))
    x, y = ((v - v.mean()) / v.std() for v in (a, b))
    theirs = sm.OLS(y, sm.add_constant(x)).fit(cov_type="HC3", use_t=True)
    ours = hc3_slope(a, b)
    assert ours.slope == pytest.approx(theirs.params[1], rel=1e-12)
    assert ours.tstat == pytest.approx(theirs.tvalues[1], rel=1e-10)
    assert ours.pvalue == pytest.approx(theirs.pvalues[1], rel=1e-9)


def test_a_missing_week_costs_itself_and_the_four_after_it(growth: Any) -> None:
    output = growth["realgdp"].copy()
    output.iloc[100] = np.nan
    missing = pre_whiten(output).series.isna()
    assert list(missing[missing].index) == [0, 1, 2, 3, 100, 101, 102, 103, 104]


def test_what_a_factor_explains_is_gone() -> None:
    rng = np.random.default_rng(4)
    factors = pd.DataFrame(rng.standard_normal((80, 2)), columns=["btc", "nvda"])
    x = 2 + factors["btc"] * 3 - factors["nvda"]
    assert partial_out(x.rename("x"), factors).abs().max() < 1e-12


def test_too_many_factors_for_the_weeks_are_refused() -> None:
    frame = pd.DataFrame(np.random.default_rng(5).standard_normal((44, 4)), columns=list("xabc"))
    with pytest.raises(InsufficientDataError, match="44 weeks, 45 needed"):
        partial_out(frame["x"], frame[["a", "b", "c"]])


def test_a_constant_series_is_refused_by_name() -> None:
    with pytest.raises(InsufficientDataError, match="leases: 1 different value, 10 needed"):
        pre_whiten(pd.Series(np.ones(90), name="leases"))


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 10), st.floats(-5, 5))
def test_the_correlation_does_not_change_with_units(seed: Any, scale: Any, shift: Any) -> None:
    a, b = np.random.default_rng(seed).standard_normal((2, 40))
    assert hc3_slope(scale * a + shift, b).slope == pytest.approx(hc3_slope(a, b).slope, abs=1e-9)
