"""What a measure of demand can prove: its class, and the guard against mechanical correlation.

What is paid in tokens and valued at the price, or paid in dollars and counted in tokens, moves
with the price by arithmetic: cov(D ln(tau P), r) = cov(D ln tau, r) + var(r).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from research.models.demand._shown import Shown

DemandClass = Literal["A", "B", "C"]
IDENTICAL = 1 - 1e-9  # a correlation from which on two columns are the same figure


@dataclass(frozen=True, kw_only=True, eq=False)
class Guard(Shown):
    """Whether a figure of demand may be evidence."""

    demand_class: DemandClass  # A physical, B in USD, C contains the token's price
    mechanical: bool
    reason: str


def mechanical_correlation(sigma_price: float, sigma_own: float, *, divided: bool = False) -> float:
    """Return the correlation with the price that arithmetic alone creates.

    Parameters
    ----------
    sigma_price, sigma_own : standard deviations of growth of the price and of the figure itself
    divided : dollars divided by the price (tokens burned), instead of tokens times the price
    """
    share = sigma_price / math.hypot(sigma_price, sigma_own)
    return -share if divided else share


def guard(
    price_growth: pd.Series[float], demand_growth: pd.Series[float], demand_class: DemandClass
) -> Guard:
    """Decide the class: as stated, or C where demand is the price in disguise."""
    joint = pd.concat([price_growth, demand_growth], axis=1).dropna().to_numpy()
    if demand_class == "C":
        return Guard(demand_class="C", mechanical=True, reason="demand contains the token's price")
    varies = len(joint) > 2 and bool((np.ptp(joint, axis=0) > 0).all())
    if varies and abs(np.corrcoef(joint.T)[0, 1]) >= IDENTICAL:
        return Guard(
            demand_class="C", mechanical=True, reason="demand is the price times a constant"
        )
    return Guard(
        demand_class=demand_class, mechanical=False, reason="demand owes nothing to the price"
    )
