"""Forecasts out of sample, against R and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from statsmodels.regression.linear_model import OLS

from research.errors import InsufficientDataError
from research.models.demand.forecast import clark_west, expanding, predict, r2_out_of_sample


def test_the_autoregression_of_us_output_has_the_digits_of_r(growths: Any) -> None:
    output = 100 * growths["lg"].dropna().to_numpy()
    y, x = output[1:], output[:-1]
    model, _ = expanding(y, x, 79)
    mean = np.array([output[: 80 + k].mean() for k in range(len(y) - 79)])
    assert r2_out_of_sample(y[79:], model, mean) == pytest.approx(0.1573871035, abs=1e-9)
    assert clark_west(y[79:], model, mean) == pytest.approx(3.3210604267, abs=1e-9)


def test_a_forecast_knows_nothing_of_what_comes_after_it() -> None:
    rng = np.random.default_rng(1)
    y, x = rng.standard_normal((2, 60))
    before, _ = expanding(y, x, 40)
    y[50:] += 100
    after, _ = expanding(y, x, 40)
    assert before[:11] == pytest.approx(after[:11], abs=1e-12)


def test_an_expanding_regression_is_that_of_statsmodels() -> None:
    rng = np.random.default_rng(2)
    y, x = rng.standard_normal((2, 60))
    fit = OLS(y[:45], np.column_stack([np.ones(45), x[:45]])).fit()
    model, mean = expanding(y, x, 40)
    assert model[5] == pytest.approx(fit.predict([1, x[45]])[0], abs=1e-12)
    assert mean[5] == pytest.approx(y[:45].mean(), abs=1e-12)


def test_demand_that_leads_improves_the_forecasts() -> None:
    rng = np.random.default_rng(3)
    demand, noise = (pd.Series(x) for x in rng.standard_normal((2, 250)))
    found = predict(0.6 * demand.shift(2) + noise, demand, lag=2)
    assert found.r2_mean > 0.1
    assert found.clark_west_pvalue < 0.001


def test_too_few_weeks_are_refused() -> None:
    a, b = (pd.Series(x) for x in np.random.default_rng(4).standard_normal((2, 104)))
    with pytest.raises(InsufficientDataError, match="103 weeks, 104 needed"):
        predict(a, b, lag=1)
