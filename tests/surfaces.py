"""A small what-if made by hand, for the tests that need one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from research.models.what_if import Surface


def surface(**changes: Any) -> Surface:
    """Return a grid of 3 x 3 x 2 whose numbers all differ, with `changes`.

    Renting beats T-bills where `beats_cash` is above a half, which is at the highest utilization
    and part of the middle one; holding beats them only where the token is expected to grow.
    """
    shape = (3, 3, 2)
    steps = np.arange(18).reshape(shape)
    made = Surface(
        utilizations=np.array([0.25, 0.573, 0.9]),
        token_growths=np.array([-0.5, 0.0, 1.0]),
        tariffs_usd_per_kwh=np.array([0.05, 0.15]),
        beats_hold=0.99 - steps / 25,
        beats_cash=0.08 + steps / 20,
        rent_median=0.5 + steps / 13,
        hold_median=np.array([0.1, 0.4, 1.9]),
        hold_beats_cash=np.array([0.02, 0.2, 0.7]),
        cash=1.04,
        assumed=(0.573, 0.0, 0.15),
        n_paths=1_000,
        n_months=12,
    )
    return replace(made, **changes)


def without_token() -> Surface:
    """Return a grid of 3 x 1 x 2 of a network whose token has no price."""
    whole = surface()
    return replace(
        whole,
        token_growths=np.array([0.0]),
        beats_hold=None,
        beats_cash=whole.beats_cash[:, 1:2],
        rent_median=whole.rent_median[:, 1:2],
        hold_median=None,
        hold_beats_cash=None,
    )
