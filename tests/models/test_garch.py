from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from research.errors import InfeasibleError
from research.models.garch import (
    Compensator,
    Garch,
    _Walk,
    fit_garch,
    fit_volatility,
    log_mean_exp,
)

OMEGA, ALPHA, GAMMA, BETA = 0.00005, 0.06, 0.08, 0.86  # persistence 0.96, volatility 0.035 a day


@cache
def truth(n_days: int = 4_000) -> NDArray[np.float64]:
    """Daily returns of a GJR-GARCH law with normal shocks, mean 0.001."""
    rng = np.random.default_rng(11)
    variance, returns = OMEGA / 0.04, np.empty(n_days)
    for day, z in enumerate(rng.standard_normal(n_days)):
        shock = np.sqrt(variance) * z
        returns[day] = 0.001 + shock
        variance = OMEGA + (ALPHA + GAMMA * (shock < 0)) * shock**2 + BETA * variance
    return returns


def generator() -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(1))


@cache
def garch(n_months: int = 4) -> Garch:
    return fit_garch(
        pd.DataFrame({"token": truth()}), n_months=n_months, drift="zero", risk_free_per_year=0.0
    )


def arch_fit(x: NDArray[np.float64]) -> Any:
    from arch import arch_model

    model = arch_model(100 * x, mean="Constant", p=1, o=1, q=1, dist="skewt", rescale=False)
    return model.fit(disp="off")


def test_a_known_law_is_found_again() -> None:
    law = garch().volatility["token"]
    assert law.omega == pytest.approx(OMEGA, rel=0.4)
    assert law.alpha == pytest.approx(ALPHA, abs=0.03)
    assert law.gamma == pytest.approx(GAMMA, abs=0.04)
    assert law.beta == pytest.approx(BETA, abs=0.04)
    assert law.persistence == pytest.approx(0.96, abs=0.02)


def test_shocks_have_mean_zero_and_variance_one() -> None:
    shocks = garch().volatility["token"].shocks
    assert shocks.mean() == pytest.approx(0, abs=1e-12)
    assert shocks.var() == pytest.approx(1)


def test_persistence_weighs_the_fall_by_what_falls_have_of_the_variance() -> None:
    law = garch().volatility["token"]
    falls = np.where(law.shocks < 0, law.shocks**2, 0).mean()
    assert law.persistence == pytest.approx(law.alpha + law.gamma * falls + law.beta)


def test_the_first_day_s_volatility_is_arch_s_own_forecast() -> None:
    forecast = arch_fit(truth()).forecast(horizon=1, reindex=False).variance.to_numpy()[-1, 0]
    assert garch().volatility["token"].ahead == pytest.approx(np.sqrt(forecast) / 100)


def test_volatility_goes_from_day_to_day_as_in_arch() -> None:
    fit = arch_fit(truth())
    sigma = fit.conditional_volatility / 100
    law = garch().volatility["token"]
    law = replace(law, shocks=fit.resid / 100 / sigma, ahead=float(sigma[100]))
    walk = _Walk(law, Compensator.tabulate(law.shocks, highest=1.0), 1)
    for day in range(100, 400):  # live through the days as they were
        assert np.sqrt(walk.variance[0]) == pytest.approx(sigma[day], rel=1e-4)
        walk.step(np.array([day]))


def test_a_day_s_return_is_the_shock_seen_at_today_s_volatility_less_what_makes_it_fair() -> None:
    law = garch().volatility["token"]
    walk = _Walk(law, Compensator.tabulate(law.shocks, highest=1.0), 3)
    walk.step(np.array([5, 6, 7]))
    fair = np.log(np.exp(law.ahead * law.shocks).mean())
    assert walk.log_return == pytest.approx(law.ahead * law.shocks[5:8] - fair, abs=1e-7)


@pytest.mark.parametrize("tail", [0.0, 12.0])
def test_the_table_of_compensations_is_the_mean_that_it_stands_for(tail: float) -> None:
    shocks = np.append(np.random.default_rng(0).standard_normal(800), [tail, -tail])
    shocks = (shocks - shocks.mean()) / shocks.std()
    law = replace(garch().volatility["token"], shocks=shocks)
    sigma = np.array([0.0, 1e-3, 0.0312, 0.05, 0.17, 0.499, 0.5, 0.9, 3.0])  # two thirds in table
    walk = _Walk(law, Compensator.tabulate(shocks, highest=0.5), len(sigma))
    walk.variance[:] = sigma**2
    np.sqrt(walk.variance, out=walk._sigma)
    direct = np.log(np.exp(sigma[:, None] * shocks).mean(axis=1))
    assert walk._compensation() == pytest.approx(direct, rel=2e-5, abs=1e-8)


def test_the_log_of_a_mean_of_exponentials_does_not_overflow() -> None:
    shocks = np.array([-1.0, 1.0])
    assert log_mean_exp(np.array([2_000.0]), shocks) == pytest.approx(2_000 - np.log(2))


def test_the_compensation_of_normal_shocks_is_half_the_variance() -> None:
    from scipy.special import ndtri

    shocks = ndtri((np.arange(20_000) + 0.5) / 20_000)
    assert log_mean_exp(np.array([0.1]), shocks) == pytest.approx(0.1**2 / 2, rel=1e-3)


def test_the_variance_of_a_month_is_the_sum_of_the_days_expected_variances() -> None:
    law = garch().volatility["token"]
    growth, _ = garch().draw(20_000, generator())
    long_run = law.omega / (1 - law.persistence)
    expected = sum(long_run + law.persistence**day * (law.ahead**2 - long_run) for day in range(30))
    assert np.log(growth["token"][1]).var() == pytest.approx(expected, rel=0.06)


def test_a_wild_month_is_followed_by_a_wild_month() -> None:
    growth, _ = garch().draw(20_000, generator())
    size = np.abs(np.diff(np.log(growth["token"]), axis=0))
    assert np.corrcoef(size[0], size[1])[0, 1] > 0.05  # standard error 0.007


def test_a_variance_that_explodes_is_refused() -> None:
    rng = np.random.default_rng(2)
    volatility = np.exp(np.linspace(-6, 0, 800))  # it only ever rises
    with pytest.raises(InfeasibleError, match="explosive variance, persistence 1"):
        fit_volatility(volatility * rng.standard_t(4, 800), "token")


def test_a_fit_that_does_not_converge_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from arch.univariate.base import ARCHModelResult

    monkeypatch.setattr(ARCHModelResult, "convergence_flag", 9)
    with pytest.raises(InfeasibleError, match="does not converge"):
        fit_volatility(truth(), "token")


def test_volatility_is_that_of_log_returns_a_day() -> None:
    law = garch().volatility["token"]
    assert np.sqrt(law.omega / (1 - law.persistence)) == pytest.approx(truth().std(), rel=0.1)
    assert law.highest >= law.ahead
