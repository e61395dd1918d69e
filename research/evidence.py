"""Made worlds with a known truth: pairs of series that are unrelated, or related by so much."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]
Volatility = Literal["none", "separate", "shared"]

BURN_IN = 100
PERSISTENCE, DISPERSION = 0.9, 0.35  # of the log of volatility


def world(
    rng: np.random.Generator, n: int, *, volatility: Volatility, ar: float = 0.0, rho: float = 0.0
) -> tuple[pd.Series, pd.Series]:
    """Return price and demand growth of `n` weeks.

    Two autoregressions with coefficient `ar`, whose innovations are correlated by `rho` and have
    volatility of their own, or share it, or a constant one.
    """
    total = n + BURN_IN
    shocks = rng.standard_normal((2, total))
    shocks[1] = rho * shocks[0] + np.sqrt(1 - rho**2) * shocks[1]
    own = rng.standard_normal((2, total))
    if volatility == "shared":
        own[1] = own[0]
    if volatility != "none":
        shocks = shocks * np.exp(recursion(DISPERSION * own, PERSISTENCE))
    series = recursion(shocks, ar)[:, BURN_IN:]
    weeks = pd.date_range("2019-01-06", periods=n, freq="W-SUN")
    return pd.Series(series[0], weeks, name="price"), pd.Series(series[1], weeks, name="demand")


def recursion(shocks: Array, coefficient: float) -> Array:
    """Return first-order autoregressions of the rows."""
    out = np.empty_like(shocks)
    state = np.zeros(len(shocks))
    for week in range(shocks.shape[1]):
        state = coefficient * state + shocks[:, week]
        out[:, week] = state
    return out
