"""The risk grades of holding and of renting: each axis with what was measured for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from research.models.comparison import MARKS
from research.models.dynamics import Dynamics
from research.models.futures import Question, draw
from research.models.grades import Grade, grade, grade_liquidity
from research.models.resampling import Interval
from research.models.rig import DAYS_PER_MONTH
from research.models.risk_statistics import (
    operations_risk,
    path_interval,
    payout_token_interval,
    payout_token_risk,
    worlds_interval,
)
from research.models.uncertainty import Uncertainty

MONTHS = MARKS[0]  # a year: alternatives of any horizon are graded alike


@dataclass(frozen=True, kw_only=True)
class Known:
    """What no simulation tells: facts of the market, the rig and the contract."""

    token_exit_days: float | None  # to sell the position; None where no volume is stored
    token_exit_cost: float  # fraction given up
    rig_exit_days: float
    rig_exit_cost: float  # fraction given up
    largest_share: float | None  # of the largest provider or customer; None: not known
    contract_facts: int | None  # kinds of facts: oracle, changed payout rule ...; None: not known


def grades(
    question: Question, dynamics: Dynamics, uncertainty: Uncertainty, known: Known
) -> Mapping[str, tuple[Grade, ...]]:
    """Return the grades by alternative; none where the horizon is shorter than a year.

    Market, drawdown and income are those of the worlds of `uncertainty`: the middle world, with
    the middle 95 % of worlds as the interval.
    """
    if question.n_months < MONTHS:
        return {}
    found = {"rent": _rent(question, dynamics, uncertainty, known)}
    if "hold_shortfall" in uncertainty.by_world:
        found = {"hold": _hold(uncertainty, known), **found}
    return found


def _hold(uncertainty: Uncertainty, known: Known) -> tuple[Grade, ...]:
    days = known.token_exit_days  # without volumes there is nothing to grade
    liquidity = [] if days is None else [grade_liquidity(days, known.token_exit_cost)]
    return (
        _of_worlds(uncertainty, "market", "hold_shortfall"),
        _of_worlds(uncertainty, "drawdown", "hold_drawdown"),
        *liquidity,
        grade("concentration", known.largest_share),
        grade("contract", known.contract_facts),
    )


def _rent(
    q: Question, dynamics: Dynamics, uncertainty: Uncertainty, known: Known
) -> tuple[Grade, ...]:
    paths = draw(q, dynamics, 0)
    failures = paths.repairs[:MONTHS] + paths.deaths[:MONTHS]
    days = q.rig.failure_downtime_days / (DAYS_PER_MONTH * q.rig.gpu_count)
    online = q.rig.availability * (1 - np.minimum(failures * days, 1.0))
    down = 1 - online.mean(axis=0)
    failed = np.asarray((paths.deaths[:MONTHS] > 0).any(axis=0))
    found = [
        _of_worlds(uncertainty, "market", "rent_shortfall"),
        _of_worlds(uncertainty, "drawdown", "rent_drawdown"),
        _of_worlds(uncertainty, "income", "income"),
        grade_liquidity(known.rig_exit_days, known.rig_exit_cost),
        grade(
            "operations",
            operations_risk(down, failed),
            path_interval(operations_risk, down, failed, seed=q.seed),
        ),
    ]
    if paths.token is not None:
        wealth, token = q.books(q.rig, paths).wealth_usd[MONTHS], paths.token[MONTHS]
        found.append(
            grade(
                "payout-token",
                payout_token_risk(wealth, token),
                payout_token_interval(wealth, token),
            )
        )
    return (
        *found,
        grade("concentration", known.largest_share),
        grade("contract", known.contract_facts),
    )


def _of_worlds(uncertainty: Uncertainty, axis: str, column: str) -> Grade:
    """Return a grade of the middle world; a world without the statistic is of endless risk."""
    worlds = uncertainty.by_world[column]
    statistic = float(worlds.fillna(np.inf).median())
    interval: Interval = worlds_interval([None if np.isnan(x) else float(x) for x in worlds])
    return grade(axis, None if np.isinf(statistic) else statistic, interval)
