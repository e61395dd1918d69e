"""The libraries we lean on give the digits of R and gretl: a change of theirs must not pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from arch.bootstrap import optimal_block_length
from arch.data import crude
from statsmodels.regression.linear_model import OLS
from statsmodels.tsa.stattools import coint, zivot_andrews
from statsmodels.tsa.vector_ar.var_model import VAR

from research.models.demand.stationarity import kpss_test


def test_engle_and_granger_have_the_value_of_two_libraries(levels: Any) -> None:
    found = coint(levels["lc"], levels["lg"], trend="c", maxlag=4, autolag=None)
    assert found[0] == pytest.approx(-3.0119174163, abs=1e-8)
    assert found[1] == pytest.approx(0.1073998, abs=1e-6)


def test_oil_prices_are_cointegrated() -> None:
    oil = np.log(crude.load())
    found = coint(oil["WTI"], oil["Brent"], trend="c", maxlag=2, autolag=None)
    assert found[0] == pytest.approx(-4.8886590608, abs=1e-8)


def test_the_test_with_a_break_has_the_digits_of_r(levels: Any) -> None:
    x = levels["lg"].to_numpy()
    found = zivot_andrews(x, trim=0.05, maxlag=2, autolag=None, regression="c")
    assert found[0] == pytest.approx(-3.7770352551, abs=1e-8)
    assert found[4] == 23
    wide = zivot_andrews(x, trim=0.15, maxlag=2, autolag=None, regression="c")
    assert wide[0] == pytest.approx(-2.7067089052, abs=1e-8)


@pytest.mark.parametrize(("trend", "statistic"), [("c", 0.5646680941), ("ct", 0.0891289531)])
def test_sunspots_have_the_digits_of_r(trend: Any, statistic: float) -> None:
    spots = sm.datasets.sunspots.load_pandas().data["SUNACTIVITY"].to_numpy()
    assert kpss_test(spots, trend, 4)[0] == pytest.approx(statistic, abs=1e-8)


def test_the_vector_autoregression_has_the_digits_of_gretl(growths: Any) -> None:
    fit = VAR(100 * growths.dropna()[["lg", "lc", "li"]].to_numpy()).fit(2)
    one = fit.test_causality(0, [1], kind="f").test_statistic
    two = fit.test_causality(0, [1, 2], kind="f").test_statistic
    assert one == pytest.approx(16.9719387291, abs=1e-7)
    assert two == pytest.approx(9.9048411457, abs=1e-7)
    shares = fit.fevd(8).decomp[0, 7]
    assert shares == pytest.approx([0.80091314, 0.18699993, 0.01208693], abs=1e-7)


def test_hc3_errors_have_the_digits_of_r(growths: Any) -> None:
    rows = 100 * growths.dropna()
    fit = OLS(rows["lg"], rows[["lc"]].assign(const=1.0)).fit(cov_type="HC3")
    assert fit.bse.to_numpy() == pytest.approx([0.0681153965312, 0.0702141005655], abs=1e-10)


def test_the_length_of_blocks_is_that_of_politis_and_white(growths: Any) -> None:
    found = optimal_block_length(100 * growths["lg"].dropna().to_numpy())
    assert found["stationary"].iloc[0] == pytest.approx(5.90550755, rel=0.1)
