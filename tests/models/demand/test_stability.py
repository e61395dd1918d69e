"""Breaks and rolling windows, against a textbook case and made worlds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from research.errors import InsufficientDataError
from research.models.demand.stability import find_breaks, rolling_correlation, stability


def test_the_nile_breaks_once_in_1898() -> None:
    volume = sm.datasets.nile.load_pandas().data["volume"].to_numpy(float)
    assert find_breaks(volume) == [28]
    rss = sum(float(np.sum((part - part.mean()) ** 2)) for part in (volume[:28], volume[28:]))
    assert rss == pytest.approx(1597457.1944, abs=1e-3)


def test_a_constant_mean_has_no_break() -> None:
    assert find_breaks(np.random.default_rng(1).standard_normal(150)) == []


def test_moving_correlations_are_those_of_pandas() -> None:
    a, b = np.random.default_rng(2).standard_normal((2, 90))
    theirs = pd.Series(a).rolling(52).corr(pd.Series(b)).dropna().to_numpy()
    assert rolling_correlation(a, b[None, :], 52)[0] == pytest.approx(theirs, abs=1e-10)


def test_a_link_that_turned_around_is_seen_in_its_halves() -> None:
    rng = np.random.default_rng(3)
    a, noise = rng.standard_normal((2, 200))
    b = np.where(np.arange(200) < 100, a, -a) + 0.5 * noise
    weeks = pd.date_range("2018-01-07", periods=200, freq="W-SUN")
    found = stability(pd.Series(b, weeks), pd.Series(a, weeks))
    assert found.halves[0] > 0.7
    assert found.halves[1] < -0.7
    assert len(found.breaks) == 1


def test_the_null_band_holds_most_windows_of_unrelated_series() -> None:
    weeks = pd.date_range("2018-01-07", periods=300, freq="W-SUN")
    a, b = (pd.Series(x, weeks) for x in np.random.default_rng(4).standard_normal((2, 300)))
    rolling = stability(a, b).rolling
    assert rolling["rho"].between(rolling["null_low"], rolling["null_high"]).mean() > 0.8


def test_too_few_weeks_are_refused() -> None:
    a, b = (pd.Series(x) for x in np.random.default_rng(5).standard_normal((2, 79)))
    with pytest.raises(InsufficientDataError, match="79 weeks, 80 needed"):
        stability(a, b)
