"""The long run against R, gretl and a made world."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from statsmodels.tsa.vector_ar.vecm import VECM, coint_johansen

from research.errors import InsufficientDataError
from research.models.demand.long_run import johansen_trace, long_run


def test_the_trace_has_the_digits_of_r_before_the_small_sample_factor(levels: Any) -> None:
    raw = coint_johansen(levels, 0, 2)
    assert raw.lr1 == pytest.approx([30.64106627, 10.55079091, 2.9578287], abs=1e-6)
    trace, _ = johansen_trace(levels, 2)
    assert trace == pytest.approx(30.64106627 * (200 - 3 * 3) / 200, abs=1e-6)


def test_the_error_correction_has_the_digits_of_r(levels: Any) -> None:
    fit = VECM(levels.to_numpy(), k_ar_diff=2, coint_rank=1, deterministic="co").fit()
    assert fit.alpha[:, 0] == pytest.approx([-0.0245008, -0.0039066, -0.1991026], abs=1e-6)
    assert fit.beta[:, 0] == pytest.approx([1, -1.7070730, 0.6487989], abs=1e-6)


def made(
    seed: int, *, price_corrects: bool, n: int = 300
) -> tuple[pd.Series[float], pd.Series[float]]:
    """Two levels that share a trend; one of them closes a fifth of the gap each week."""
    rng = np.random.default_rng(seed)
    leader, follower = np.zeros(n), np.zeros(n)
    for week in range(1, n):
        leader[week] = leader[week - 1] + rng.normal(0, 0.05)
        gap = leader[week - 1] - follower[week - 1]
        follower[week] = follower[week - 1] + 0.2 * gap + rng.normal(0, 0.05)
    weeks = pd.date_range("2015-01-04", periods=n, freq="W-SUN")
    series = [pd.Series(x, weeks) for x in (follower, leader)]
    return (series[0], series[1]) if price_corrects else (series[1], series[0])


@pytest.mark.parametrize("price_corrects", [True, False])
def test_who_closes_the_gap_is_found(price_corrects: Any) -> None:
    found = long_run(*made(5, price_corrects=price_corrects))
    assert found.cointegrated
    assert found.who_adjusts == ("price" if price_corrects else "demand")
    assert found.beta == pytest.approx(1, abs=4 * found.beta_std_error)


def test_too_few_weeks_in_a_row_are_refused() -> None:
    price, demand = made(6, price_corrects=True, n=150)
    demand.iloc[75] = np.nan
    with pytest.raises(InsufficientDataError, match="75 weeks, 100 needed"):
        long_run(price, demand)
