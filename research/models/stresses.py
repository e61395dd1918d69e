"""Named scenarios: what the alternatives come to if something known to happen does happen.

A stress is a change laid over the same simulated months, so that beside it all luck is equal. What
a stress does not name stays as simulated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research.errors import DataError
from research.models.dynamics import Dynamics
from research.models.futures import Question, alternatives, draw
from research.models.operation import operate
from research.models.scenarios import Paths

Array = NDArray[Any]

AS_ASSUMED = "as-assumed"


@dataclass(frozen=True, kw_only=True)
class Stress:
    """One scenario. A change of None leaves its factor as simulated."""

    id: str
    name: str
    token_change: float | None = None  # of the price path: -0.9 takes nine tenths of each price
    market_change: float | None = None
    rate_change: float | None = None
    utilization_change: float | None = None
    resale_change: float | None = None
    reward_change: float | None = None  # of a reward that is a number of tokens
    platform_fee: float | None = None  # in place of the venue's
    reached_after_months: int = 0  # a change is whole by then; before, it grows month by month
    recovers: bool = False  # as fast as it came, once it was whole
    shutdown_month: int | None = None  # the network pays nothing from this month on
    after_shutdown: Literal["open-market", "nothing"] = "nothing"
    open_market_fee: float = 0.0  # of what the open market then pays in cash

    def __post_init__(self) -> None:
        """Refuse what no path could be scaled by."""
        if self.recovers and not self.reached_after_months:
            raise DataError(
                f"stress {self.id}: a change that is whole at once would recover at once; give "
                "reached_after_months"
            )
        if self.token_change is not None and self.token_change <= -1:
            raise DataError(
                f"stress {self.id}: a token_change of {self.token_change:g} leaves no price, and "
                "no number of tokens is worth a dollar then; take -0.9999"
            )


@dataclass(frozen=True, kw_only=True)
class Stressed:
    """Middle wealth at the horizon per dollar, a row a stress and a column an alternative."""

    median: pd.DataFrame
    rent_beats_hold: pd.Series[float]  # share of paths; NaN without a token
    rent_beats_cash: pd.Series[float]
    n_paths: int


def under_stress(question: Question, dynamics: Dynamics, stresses: Sequence[Stress]) -> Stressed:
    """Live the alternatives through each stress, and through none, on one block of paths."""
    paths = draw(question, dynamics, 0)
    rows, hold, cash = {}, {}, {}
    for stress in (Stress(id=AS_ASSUMED, name="As assumed"), *stresses):
        wealth = _wealth(question, paths, stress)
        rows[stress.id] = {name: float(np.median(each)) for name, each in wealth.items()}
        hold[stress.id] = _ahead(wealth["rent"], wealth["hold"]) if "hold" in wealth else np.nan
        cash[stress.id] = _ahead(wealth["rent"], wealth["t-bill"])
    return Stressed(
        median=pd.DataFrame.from_dict(rows, orient="index").rename_axis("stress"),
        rent_beats_hold=pd.Series(hold),
        rent_beats_cash=pd.Series(cash),
        n_paths=paths.n_paths,
    )


def _wealth(q: Question, paths: Paths, stress: Stress) -> dict[str, Array]:
    """Return wealth at the horizon by alternative, (n_paths,) or (1,)."""
    venue = replace(
        q.venue,
        platform_fee=q.venue.platform_fee if stress.platform_fee is None else stress.platform_fee,
        tokens_per_week=q.venue.tokens_per_week * (1 + (stress.reward_change or 0.0)),
    )
    stressed = replace(q, venue=venue)
    shocked = shaken(paths, stress)
    operation = operate(q.rig, venue, shocked, token_price_usd=q.token_price_usd, policy=q.policy)
    if stress.shutdown_month is None:
        found = alternatives(stressed, shocked, operation)
        return {name: each.liquidated[-1] for name, each in found.items()}
    # from that month on the rig earns what the open market pays in cash, or nothing
    before = np.arange(1, q.n_months + 1)[:, None] < stress.shutdown_month
    elsewhere = np.zeros((q.n_months, 1))
    if stress.after_shutdown == "open-market":
        elsewhere = operation.rented_hours * shocked.rate_usd_per_hour
        elsewhere = elsewhere * (q.rig.speed * (1 - stress.open_market_fee))
    shut = replace(
        operation,
        gross_usd=np.where(before, operation.gross_usd, 0.0),
        # booked as a cost below zero: cash under every policy, and no fee of the network is due
        fixed_usd=operation.fixed_usd - np.where(before, 0.0, elsewhere),
    )
    found = alternatives(stressed, shocked, shut)
    return {name: each.liquidated[-1] for name, each in found.items() if name != "rent-options"}


def shaken(paths: Paths, stress: Stress) -> Paths:
    """Return the paths with the stress laid over them."""
    n_months = paths.n_months

    def scaled(array: Array, change: float | None) -> Array:
        if change is None:
            return array
        whole = _progress(n_months, stress)
        steps = whole if len(array) == n_months + 1 else whole[1:]
        return np.asarray(array * (1 + change * steps))

    def price(array: Array | None, change: float | None) -> Array | None:
        return None if array is None else scaled(array, change)

    utilization = scaled(paths.utilization, stress.utilization_change)
    return replace(
        paths,
        token=price(paths.token, stress.token_change),
        basket=price(paths.basket, stress.token_change),
        market=price(paths.market, stress.market_change),
        rate_usd_per_hour=scaled(paths.rate_usd_per_hour, stress.rate_change),
        utilization=np.minimum(utilization, 1.0),
        resale=scaled(paths.resale, stress.resale_change),
    )


def _progress(n_months: int, stress: Stress) -> Array:
    """Return how much of a change is there at each month's end, (n_months + 1, 1), today none."""
    months = np.arange(n_months + 1)[:, None].astype(float)
    after = stress.reached_after_months
    there = np.minimum(months / after, 1.0) if after else (months > 0).astype(float)
    if stress.recovers and after:
        there = np.where(months > after, np.maximum(2 - months / after, 0.0), there)
    return np.asarray(there)


def _ahead(one: Array, other: Array) -> float:
    return float(np.mean((one > other) + 0.5 * (one == other)))
