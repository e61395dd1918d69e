from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from research.errors import InfeasibleError, InsufficientDataError
from research.models.jumps import Jumps, fit_jumps

N_DAYS, N_JUMPS = 1_500, 30


@cache
def truth() -> pd.DataFrame:
    """Normal days, volatilities 0.04 and 0.02, correlation 0.5, and a crash every 50 days."""
    rng = np.random.default_rng(9)
    market, own = rng.standard_normal((2, N_DAYS)).clip(-3, 3)
    returns = pd.DataFrame(
        {"token": 0.04 * (0.5 * market + 0.75**0.5 * own), "market": 0.02 * market}
    )
    sizes = np.where(np.arange(N_JUMPS) % 3 == 0, 0.3, -0.4)  # a third of the jumps are rises
    returns.iloc[25::50] = np.column_stack([sizes, sizes / 2])
    return returns


def fitted(returns: pd.DataFrame, n_months: int = 3) -> Jumps:
    return fit_jumps(returns, n_months=n_months, drift="zero", risk_free_per_year=0.0)


def generator() -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(1)))


def crashes(per_day: float, days: int = 30) -> Jumps:
    """A token and a market that stand still but for crashes, by 0.5 and 0.25."""
    return Jumps(
        columns=("token", "market"),
        covariance=np.eye(2) * 1e-12,
        sizes=np.array([[-0.5, -0.25]]),
        jumps_per_day=per_day,
        log_growth_per_day={"token": 0.0, "market": 0.0},
        month_ends=np.array([days, 2 * days]),
        demand_token_correlation=0.0,
    )


def test_the_days_that_jumped_are_told_from_the_others() -> None:
    law = fitted(truth())
    assert law.jumps_per_day == N_JUMPS / N_DAYS
    assert np.sort(law.sizes[:, 0]) == pytest.approx([-0.4] * 20 + [0.3] * 10, abs=0.005)
    assert np.sqrt(np.diag(law.covariance)) == pytest.approx([0.04, 0.02], rel=0.05)
    assert law.covariance[0, 1] / np.sqrt(np.prod(np.diag(law.covariance))) == pytest.approx(
        0.5, abs=0.05
    )


def test_jumps_come_as_often_as_they_came() -> None:
    law = crashes(0.02)
    growth, _ = law.draw(20_000, generator())
    standing = -law.compensation_per_day[0] * 30  # log growth of a month without a jump
    jumps = (np.diff(np.log(growth["token"]), axis=0) - standing) / -0.5
    assert jumps == pytest.approx(np.rint(jumps), abs=1e-3)
    counts = np.rint(jumps)
    assert counts.mean(axis=1) == pytest.approx(0.6, abs=0.025)
    assert counts.var(axis=1) == pytest.approx(0.6, abs=0.04)  # Poisson: as large as the mean
    assert (counts == 0).mean() == pytest.approx(np.exp(-0.6), abs=0.01)


def test_a_crash_takes_both_columns_on_the_same_day() -> None:
    law = crashes(0.02)
    growth, _ = law.draw(2_000, generator())
    days = law.month_ends[:, None]
    token, market = (
        np.log(growth[name][1:]) + law.compensation_per_day[column] * days
        for column, name in enumerate(("token", "market"))
    )
    assert token == pytest.approx(2 * market, abs=1e-3)
    assert token.min() < -0.99  # two crashes in two months are not rare


def test_what_makes_a_day_fair_is_merton_s_compensation() -> None:
    law = replace(crashes(0.02), covariance=np.diag([0.04**2, 0.02**2]))
    expected = [
        0.98 * 0.04**2 / 2 + 0.02 * (np.exp(-0.5) - 1),
        0.98 * 0.02**2 / 2 + 0.02 * (np.exp(-0.25) - 1),
    ]
    assert law.compensation_per_day == pytest.approx(expected)


def test_a_day_that_jumps_is_not_a_normal_day_as_well() -> None:
    # half of the days jump by nothing, so that only the others move
    law = replace(crashes(0.5), covariance=np.eye(2) * 0.01, sizes=np.zeros((1, 2)))
    growth, _ = law.draw(20_000, generator())
    assert np.log(growth["token"][1]).var() == pytest.approx(0.5 * 30 * 0.01, rel=0.04)


def test_the_variance_of_a_month_is_that_of_its_days_in_the_data() -> None:
    growth, _ = fitted(truth()).draw(20_000, generator())
    seen = truth()["token"]
    about_zero = (seen**2).mean()  # Poisson's variance is the jumps' second moment
    assert np.log(growth["token"][1]).var() == pytest.approx(30 * about_zero, rel=0.05)


def test_jumps_give_a_month_the_skew_that_they_have() -> None:
    growth, _ = fitted(truth()).draw(20_000, generator())
    month = np.log(growth["token"][1])
    third = ((month - month.mean()) ** 3).mean()
    law = fitted(truth())
    assert third == pytest.approx(30 * law.jumps_per_day * (law.sizes[:, 0] ** 3).mean(), rel=0.15)


def test_a_wild_month_says_nothing_about_the_next() -> None:
    growth, _ = fitted(truth()).draw(20_000, generator())
    size = np.abs(np.diff(np.log(growth["token"]), axis=0))
    assert np.corrcoef(size[0], size[1])[0, 1] == pytest.approx(0, abs=4 / np.sqrt(20_000))


def test_columns_that_are_one_and_the_same_stay_so() -> None:
    twins = truth().assign(market=truth()["token"])
    growth, _ = fitted(twins).draw(10, generator())
    assert growth["market"] == pytest.approx(growth["token"])


def test_nine_jumps_are_too_few() -> None:
    returns = truth().iloc[: 50 * 9 + 10]
    with pytest.raises(InsufficientDataError, match="9 jump days, 10 needed"):
        fitted(returns)


def test_a_price_that_stands_still_on_most_days_has_no_scale() -> None:
    returns = truth()[["token"]].copy()
    returns.iloc[::5] *= 2
    returns[np.arange(N_DAYS) % 5 < 3] = 0.0
    with pytest.raises(InfeasibleError, match="stands still on half of the 1,500 days"):
        fitted(returns)
