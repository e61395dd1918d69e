"""The statistics behind the grades, on paths whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from research.errors import DataError, InsufficientDataError, UsageError
from research.models.risk_statistics import (
    drawdown_risk,
    income_risk,
    market_risk,
    operations_risk,
    path_interval,
    payout_token_interval,
    payout_token_risk,
    worlds_interval,
)

Floats = NDArray[np.float64]


def rng() -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(11))


def test_market_risk_is_the_mean_loss_of_the_worst_paths_after_a_year_not_at_the_end() -> None:
    wealth = np.ones((25, 100))
    wealth[12] = np.arange(1, 101) / 100  # worst: 0.01 .. 0.05
    assert market_risk(wealth) == pytest.approx(1 - 0.03)


def test_drawdown_risk_is_the_middle_path_s_deepest_fall_within_a_year() -> None:
    wealth = np.ones((25, 3))
    wealth[6] = [0.9, 0.7, 0.2]
    wealth[20] = 0.01  # after the year
    assert drawdown_risk(wealth) == pytest.approx(0.3)
    assert str(drawdown_risk(np.ones((13, 2)))) == "0.0"


def test_income_risk_is_the_spread_of_a_year_s_income_over_its_mean() -> None:
    net = np.zeros((24, 2))
    net[0], net[13] = [100, 300], 1e6  # the second year does not count
    assert income_risk(net) == pytest.approx(0.5)


@pytest.mark.parametrize("net", [-1.0, 0.0])
def test_an_income_that_is_not_above_zero_has_no_such_ratio(net: float) -> None:
    assert income_risk(np.full((12, 5), net)) is None


def test_operations_risk_adds_downtime_and_permanent_failure() -> None:
    downtime, failed = np.array([0.02, 0.04]), np.array([False, True])
    assert operations_risk(downtime, failed) == pytest.approx(0.53)


def test_less_than_a_year_of_paths_is_refused() -> None:
    for statistic in (market_risk, drawdown_risk):
        with pytest.raises(DataError, match="12 months"):
            statistic(np.ones((12, 5)))
    with pytest.raises(DataError, match="12 months"):
        income_risk(np.ones((11, 5)))


# how much of a rig's wealth goes with the token


@pytest.mark.parametrize("volatility", [0.3, 1.2])
def test_a_wealth_that_is_the_token_owes_all_of_its_variance_to_it(volatility: float) -> None:
    token = np.exp(volatility * rng().standard_normal(2_000))
    assert payout_token_risk(0.4 + 3 * token, token) == pytest.approx(1)


def test_the_share_of_normals_is_the_square_of_their_correlation() -> None:
    token, other = rng().standard_normal((2, 50_000))
    wealth = 0.6 * token + 0.8 * other
    assert payout_token_risk(wealth, token) == pytest.approx(0.36, abs=0.015)


def test_a_bent_relation_counts_as_much_as_a_straight_one() -> None:
    token, other = rng().standard_normal((2, 50_000))
    bent = (token**2 - 1) / np.sqrt(2)  # uncorrelated with the token, of variance 1
    assert payout_token_risk(0.6 * bent + 0.8 * other, token) == pytest.approx(0.36, abs=0.03)


def test_a_wealth_that_has_nothing_to_do_with_the_token_has_no_share_on_average() -> None:
    random = rng()
    shares = [payout_token_risk(*random.standard_normal((2, 200))) for _ in range(200)]
    assert np.mean(shares) < 0.05  # uncorrected, 40 coefficients of 200 paths make 0.2
    assert np.mean(np.equal(shares, 0)) > 0.3


def test_a_constant_wealth_or_token_has_no_share() -> None:
    varying = rng().standard_normal(200)
    assert payout_token_risk(np.ones(200), varying) == 0
    assert payout_token_risk(varying, np.ones(200)) == 0


def test_a_token_of_two_values_splits_the_variance_exactly() -> None:
    token = np.tile([1.0, 2.0], 5_000)
    noise = np.repeat([-1.0, 1.0], 5_000)  # unrelated: both values have as many of each
    assert payout_token_risk(2 * token + noise, token) == pytest.approx(0.5, abs=1e-3)


def test_too_few_paths_are_refused() -> None:
    with pytest.raises(InsufficientDataError, match="99 paths, 100 needed"):
        payout_token_risk(np.arange(99.0), np.arange(99.0))


# intervals


def test_the_interval_over_paths_is_that_of_the_mean_s_standard_error() -> None:
    sample = rng().standard_normal(400)
    found = path_interval(lambda x: float(np.mean(x)), sample, draws=2_000, seed=1)
    half = 1.96 * sample.std() / 20
    assert found.low == pytest.approx(sample.mean() - half, abs=0.1 * half)
    assert found.high == pytest.approx(sample.mean() + half, abs=0.1 * half)


def test_arrays_are_resampled_together_along_their_paths() -> None:
    token = rng().standard_normal(300)
    found = path_interval(payout_token_risk, 2 * token, token, draws=20, seed=1)
    assert found == pytest.approx((1, 1))
    year = np.broadcast_to(np.arange(13.0)[:, None], (13, 7))
    assert path_interval(lambda w: float(w[-1].mean()), year, draws=5, seed=1) == (12, 12)


def test_worlds_without_an_income_leave_the_interval_without_an_upper_end() -> None:
    assert worlds_interval([0.3] * 99 + [None]) == (0.3, 0.3)
    assert worlds_interval([0.3] * 90 + [None] * 10) == (0.3, math.inf)
    assert worlds_interval([None] * 10) == (math.inf, math.inf)


def test_worlds_give_their_middle_95_percent() -> None:
    assert worlds_interval(list(np.arange(1001) / 1000)) == pytest.approx((0.025, 0.975))


def test_one_draw_makes_no_interval() -> None:
    with pytest.raises(UsageError, match="1 draws"):
        path_interval(market_risk, np.ones((13, 5)), draws=1, seed=1)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    share=st.sampled_from([0.0, 0.002, 0.01, 0.05, 0.3, 0.9, 1.0]),
    n_paths=st.integers(1_000, 6_000),
)
def test_the_interval_of_the_token_s_share_holds_the_share_itself(
    seed: int, share: float, n_paths: int
) -> None:
    token, other = np.random.default_rng(seed).standard_normal((2, n_paths))
    wealth = share**0.5 * token + (1 - share) ** 0.5 * other

    low, high = payout_token_interval(wealth, token)

    assert 0 <= low <= payout_token_risk(wealth, token) <= high <= 1


def test_the_interval_of_the_token_s_share_is_as_wide_as_the_share_varies() -> None:
    def drawn(seed: int) -> tuple[Floats, Floats]:
        token, other = np.random.default_rng(seed).standard_normal((2, 5_000))
        return 0.3**0.5 * token + 0.7**0.5 * other, token

    covered = [
        low <= 0.3 <= high for low, high in (payout_token_interval(*drawn(s)) for s in range(200))
    ]
    assert 0.88 <= np.mean(covered) <= 0.99
