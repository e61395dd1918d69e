"""Granger tests against R and gretl, and what cannot be tested."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from research.errors import InfeasibleError, InsufficientDataError
from research.models.demand.causality import granger, toda_yamamoto


@pytest.mark.parametrize(
    ("lags", "cons_first", "output_first"),
    [(1, 28.9969708642, 2.8807907648), (2, 19.0353175694, 0.2430969780),
     (4, 11.0070211993, 1.3208256802)],
)  # fmt: skip
def test_the_textbook_line_has_the_digits_of_r(
    growths: Any, lags: Any, cons_first: Any, output_first: Any
) -> None:
    there = granger(growths["lc"], growths["lg"], lags=lags)
    back = granger(growths["lg"], growths["lc"], lags=lags)
    assert there.textbook_fstat == pytest.approx(cons_first, abs=1e-8)
    assert back.textbook_fstat == pytest.approx(output_first, abs=1e-8)


def test_toda_and_yamamoto_have_the_digits_of_gretl(levels: Any) -> None:
    there, back = (
        toda_yamamoto(levels[a], levels[b], lags=2) for a, b in (("lc", "lg"), ("lg", "lc"))
    )
    assert there.textbook_fstat == pytest.approx(21.4988719574, rel=1e-6)
    assert back.textbook_fstat == pytest.approx(0.1610135823, rel=1e-6)


def test_the_hc3_wald_test_is_that_of_statsmodels(growths: Any) -> None:
    from statsmodels.regression.linear_model import OLS

    frame = pd.concat(
        {"y": growths["lg"], "y1": growths["lg"].shift(1), "x1": growths["lc"].shift(1)}, axis=1
    ).dropna()
    fit = OLS(frame["y"], frame[["y1", "x1"]].assign(const=1.0)).fit(cov_type="HC3", use_t=True)
    theirs = fit.f_test("x1 = 0")
    ours = granger(growths["lc"], growths["lg"], lags=1)
    assert ours.fstat == pytest.approx(float(theirs.fvalue), rel=1e-9)
    assert ours.pvalue == pytest.approx(float(theirs.pvalue), rel=1e-6)


def test_a_copy_of_the_price_is_refused_and_not_tested() -> None:
    x = pd.Series(np.random.default_rng(1).standard_normal(120))
    with pytest.raises(InfeasibleError, match="copy of the other"):
        granger(x, x, lags=2)


def test_too_few_weeks_are_refused() -> None:
    a, b = (pd.Series(x) for x in np.random.default_rng(2).standard_normal((2, 70)))
    with pytest.raises(InsufficientDataError, match="Granger, demand before price"):
        granger(a, b)


def test_a_gap_removes_the_weeks_whose_past_it_cuts() -> None:
    a, b = (pd.Series(x) for x in np.random.default_rng(3).standard_normal((2, 150)))
    a.iloc[70] = np.nan
    assert granger(a, b, lags=2).nobs == 150 - 2 - 2


def test_the_wild_bootstrap_agrees_with_the_f_test_where_that_is_exact() -> None:
    rng = np.random.default_rng(4)
    a, b = (pd.Series(x) for x in rng.standard_normal((2, 100)))
    found = granger(a, b, lags=1)
    assert found.wild_pvalue == pytest.approx(found.pvalue, abs=0.1)
