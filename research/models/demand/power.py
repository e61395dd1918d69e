"""How much the sample can show: effective size, smallest detectable correlation, fewest weeks.

References
----------
Bartlett (1935), Journal of the Royal Statistical Society 98, 536-543: effective sample size.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from research.errors import InsufficientDataError

Z_SUM = 2.8016  # normal quantiles of 97.5 % and 80 %: a two-sided test at 5 % with power 80 %
SHARED_VOLATILITY = 1.35  # by how much shared volatility inflates it for ranks, from simulation
FEWEST = {"association": 52, "granger": 80, "long run": 100, "forecast": 104, "breaks": 80,
          "dcc": 250}  # fmt: skip


def minimum_detectable_effect(n: int, *, shared_volatility: bool = True) -> float:
    """Return the smallest correlation that a 5 % test sees in 80 % of samples of `n` pairs.

    Raises
    ------
    InsufficientDataError : fewer than 5 pairs
    """
    require("smallest detectable correlation", n, 5)
    gaussian = math.tanh(Z_SUM / math.sqrt(n - 3))
    return min(1.0, gaussian * (SHARED_VOLATILITY if shared_volatility else 1.0))


def effective_sample(x: pd.Series[float], y: pd.Series[float]) -> float:
    """Return how many independent pairs the joint weeks of two series are worth, at most n."""
    joint = pd.concat([x, y], axis=1).dropna().to_numpy()
    n = len(joint)
    require("effective sample", n, 10)
    last = int(min(n / 4, 10 * math.log10(n)))
    centred = joint - joint.mean(axis=0)
    total = sum(
        (1 - lag / n) * float(np.prod(_autocorrelation(centred, lag))) for lag in range(1, last + 1)
    )
    return float(min(n, n / (1 + 2 * total))) if 1 + 2 * total > 0 else float(n)


def require(question: str, nobs: int, required: int) -> None:
    """Raise InsufficientDataError, naming the question, if there are fewer weeks than required."""
    if nobs < required:
        raise InsufficientDataError(question, nobs=nobs, required=required, unit="weeks")


def _autocorrelation(centred: np.ndarray, lag: int) -> np.ndarray:
    return np.asarray(
        (centred[lag:] * centred[:-lag]).sum(axis=0) / (centred**2).sum(axis=0), dtype=float
    )
