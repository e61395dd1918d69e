from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from research.errors import InfeasibleError
from research.models.regimes import Regimes, _require_told_apart, fit_regimes

CALM, TURBULENT = 0.05, 0.20  # weekly volatilities of the token
STAY = 0.95, 0.90  # a week's probability of staying: 20 and 10 weeks are expected
WITH_MARKET = 0.2, 0.9  # correlation with the market in each regime


@cache
def truth(n_weeks: int = 800) -> tuple[pd.DataFrame, int]:
    """Weekly returns of two regimes, and the regime of the last week."""
    rng = np.random.default_rng(7)
    regime, regimes = 0, np.empty(n_weeks, dtype=int)
    for week in range(n_weeks):
        regime ^= int(rng.random() >= STAY[regime])
        regimes[week] = regime
    z, own = rng.standard_normal((2, n_weeks))
    tie = np.array(WITH_MARKET)[regimes]
    token = np.array([CALM, TURBULENT])[regimes] * z
    market = np.array([0.04, 0.10])[regimes] * (tie * z + np.sqrt(1 - tie**2) * own)
    return pd.DataFrame({"token": token, "market": market}), regime


def regimes(n_months: int = 3) -> Regimes:
    return fit_regimes(truth()[0], n_months=n_months, drift="zero", risk_free_per_year=0.0)


@cache
def fitted() -> Regimes:
    return regimes()


def generator() -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(1)))


def chain(
    stay: tuple[float, float], turbulent_now: float, n_weeks: int, volatility: float = 0.2
) -> Regimes:
    """A token whose months are weeks and whose calm weeks hardly move."""
    return Regimes(
        columns=("token",),
        covariance=np.array([[[1e-12]], [[volatility**2]]]),
        stay=np.array(stay),
        weight=np.array([0.5, 0.5]),
        turbulent_now=turbulent_now,
        log_growth_per_week={"token": 0.0},
        month_ends=np.arange(1, n_weeks + 1),
        demand_token_correlation=0.0,
    )


def turbulent_weeks(law: Regimes, size: int = 20_000) -> np.ndarray:
    """Which weeks moved, (n_weeks, size)."""
    growth, _ = law.draw(size, generator())
    return np.asarray(np.abs(np.diff(np.log(growth["token"]), axis=0)) > 1e-4)


def test_known_regimes_are_found_again_calm_first() -> None:
    law = fitted()
    assert np.sqrt(law.covariance[:, 0, 0]) == pytest.approx([CALM, TURBULENT], rel=0.1)
    assert law.stay == pytest.approx(STAY, abs=0.04)
    assert law.stay_weeks == pytest.approx(1 / (1 - law.stay))
    assert law.weight == pytest.approx([2 / 3, 1 / 3], abs=0.1)


def test_each_regime_has_a_covariance_of_its_own() -> None:
    covariance = fitted().covariance
    correlation = covariance[:, 0, 1] / np.sqrt(covariance[:, 0, 0] * covariance[:, 1, 1])
    assert correlation == pytest.approx(WITH_MARKET, abs=0.1)
    assert np.sqrt(covariance[:, 1, 1]) == pytest.approx([0.04, 0.10], rel=0.1)


def test_the_last_week_s_regime_is_known() -> None:
    _, last = truth()
    assert fitted().turbulent_now == pytest.approx(last, abs=0.2)


@pytest.mark.parametrize("turbulent_now", [0.0, 0.3, 1.0])
def test_the_first_week_is_a_step_on_from_the_last_week_seen(turbulent_now: float) -> None:
    first = turbulent_weeks(chain((0.9, 0.6), turbulent_now, 1))[0]
    expected = turbulent_now * 0.6 + (1 - turbulent_now) * 0.1
    assert first.mean() == pytest.approx(expected, abs=0.015)


def test_far_ahead_the_regimes_have_their_stationary_shares() -> None:
    weeks = turbulent_weeks(chain((0.9, 0.6), 1.0, 40), 5_000)
    assert weeks[-1].mean() == pytest.approx(0.1 / (0.1 + 0.4), abs=0.03)


def test_a_stay_is_as_long_as_expected() -> None:
    weeks = turbulent_weeks(chain((0.9, 0.6), 1.0, 40), 5_000)
    stayed = weeks[1:][weeks[:-1]].mean()
    assert stayed == pytest.approx(0.6, abs=0.01)


def test_a_regime_that_never_changes_is_a_normal_law() -> None:
    growth, scores = chain((1.0, 1.0), 1.0, 1, volatility=0.2).draw(20_000, generator())
    assert (chain((1.0, 1.0), 1.0, 1).stay_weeks == np.inf).all()
    z = (np.log(growth["token"][1]) + 0.2**2 / 2) / 0.2
    assert z == pytest.approx(scores["token"][0])
    quantiles = np.quantile(z, [0.05, 0.5, 0.95])
    assert quantiles == pytest.approx([-1.645, 0, 1.645], abs=0.05)


def test_a_wild_month_is_followed_by_a_wild_month() -> None:
    growth, _ = fitted().draw(20_000, generator())
    size = np.abs(np.diff(np.log(growth["token"]), axis=0))
    assert np.corrcoef(size[0], size[1])[0, 1] > 0.1


def test_columns_that_are_one_and_the_same_stay_so() -> None:
    returns, _ = truth()
    twins = returns.assign(market=returns["token"])
    law = fit_regimes(twins, n_months=2, drift="zero", risk_free_per_year=0.0)
    growth, _ = law.draw(10, generator())
    assert growth["market"] == pytest.approx(growth["token"])


def refused(x: np.ndarray) -> str:
    with pytest.raises(InfeasibleError) as error:
        fit_regimes(pd.DataFrame({"token": x}), n_months=1, drift="zero", risk_free_per_year=0.0)
    return str(error.value)


@pytest.mark.parametrize(
    ("ratio", "stay", "weight", "gain"),
    [
        (1.49, (0.9, 0.9), 0.5, 10.0),  # variances too close
        (4.0, (0.9, 0.49), 0.5, 10.0),  # turbulence of 1.96 weeks
        (4.0, (0.9, 0.9), 0.049, 10.0),  # too few weeks
        (4.0, (0.9, 0.9), 0.5, 2.9),  # chance
        (4.0, (np.nan, np.nan), 0.5, 10.0),  # not a number
    ],
)
def test_each_criterion_refuses_by_itself(
    ratio: float, stay: tuple[float, float], weight: float, gain: float
) -> None:
    fine = replace(
        chain((0.9, 0.51), 0.0, 1),
        covariance=np.array([[[1.0]], [[1.51]]]),
        weight=np.array([0.94, 0.06]),
    )
    _require_told_apart(fine, 3.1, 200)
    law = replace(
        fine,
        covariance=np.array([[[1.0]], [[ratio]]]),
        stay=np.array(stay),
        weight=np.array([1 - weight, weight]),
    )
    with pytest.raises(InfeasibleError, match="200 weeks do not tell them apart"):
        _require_told_apart(law, gain, 200)


@pytest.mark.parametrize("seed", range(6))
def test_normal_weeks_have_no_two_regimes(seed: int) -> None:
    assert "do not tell them apart" in refused(np.random.default_rng(seed).normal(0, 0.1, 156))


def test_regimes_that_are_chance_are_refused_however_different_they_look() -> None:
    # normal weeks that pass for regimes by variance (2.9), stay (4.9 weeks) and weight (22 %)
    assert "over one normal law +2." in refused(np.random.default_rng(1).normal(0, 0.1, 156))


def test_single_wild_weeks_are_no_regime() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(0, 0.05, 400)
    x[5::10] *= 8
    assert "shortest expected stay 1." in refused(x)


def test_a_regime_of_a_few_weeks_is_no_regime() -> None:
    x = np.random.default_rng(6).normal(0, 0.05, 400)
    x[200:212] *= 6
    assert "smaller share of the weeks 3" in refused(x)


def test_a_fit_that_does_not_converge_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from statsmodels.tsa.regime_switching.markov_regression import MarkovRegression

    fit = MarkovRegression.fit
    monkeypatch.setattr(
        MarkovRegression, "fit", lambda self, **keywords: fit(self, maxiter=1, **keywords)
    )
    assert "does not converge" in refused(truth()[0]["token"].to_numpy())
