"""One dollar held: a token bought and kept, or cash at the risk-free rate."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def hold(growth: Array, *, trade_cost: float) -> Array:
    """Return the wealth of one dollar put into a token, as if sold at each month's end.

    A price return in USD is already net of dilution: inflation of the supply is not subtracted
    a second time.

    Parameters
    ----------
    growth : (n_months + 1, n_paths), price over today's price
    trade_cost : fraction lost when buying, and again when selling (fee and half the spread)
    """
    return np.asarray(growth * (1 - trade_cost) ** 2)


def hold_cash(n_months: int, *, yield_per_year: float) -> Array:
    """Return the wealth of one dollar in T-bills, (n_months + 1, 1): no path differs."""
    return np.asarray((1 + yield_per_year) ** (np.arange(n_months + 1) / 12))[:, None]
