"""The answer when its own inputs are in doubt: many worlds, each with figures of its own.

A world has a history that might have happened instead (the weeks resampled in blocks), a token
drift that such a history cannot rule out, and a draw of every assumption from its range. Each
world is lived through by a few hundred paths; noise alone is what the paths of the world as stated
spread over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research.models.bootstrap import (
    SHRINKAGE_TAU,
    WEEKS_PER_YEAR,
    Resampler,
    fit_resampler,
    log_expected_growth,
)
from research.models.comparison import MARKS, Probability
from research.models.futures import Question, alternatives, draw
from research.models.levers import moved
from research.models.operation import operate
from research.models.resampling import Interval, stationary_bootstrap
from research.models.risk_statistics import income_risk
from research.models.scenarios import BLOCK_OF_PATHS
from research.models.sensitivity import Uncertain
from research.models.wealth import expected_shortfall, max_drawdown

Array = NDArray[Any]

WORLDS, PATHS_PER_WORLD = 200, 500
WORLDS_PER_BLOCK = BLOCK_OF_PATHS // PATHS_PER_WORLD
BAND = (0.05, 0.25, 0.50, 0.75, 0.95)
SHOWN = ("hold", "rent")
MONTHS_GRADED = MARKS[0]
LEVERS_OF_WORLDS = ("processes.", "failures")  # what differs by path; a rig's own figures do not


@dataclass(frozen=True, kw_only=True)
class Uncertainty:
    """What the alternatives come to with the doubt about the inputs, beside noise alone."""

    band: Mapping[str, pd.Series[float]]  # wealth at the horizon by quantile, all worlds together
    rent_beats_hold: Probability | None  # over all worlds; None without a token
    rent_beats_hold_worlds: Interval | None  # of a world's own chance: nine worlds in ten
    rent_beats_cash: Probability
    rent_beats_cash_worlds: Interval
    by_world: pd.DataFrame  # a row a world: shortfall, drawdown after 12 months; income risk
    n_worlds: int
    drift_std_error: float | None  # of the token's drift a year, that the worlds drew from


def with_parameters(question: Question, uncertain: Sequence[Uncertain]) -> Uncertainty:
    """Live through worlds that differ in their history, their drift and their assumptions.

    Only what differs by path can differ by world here: the processes of income, resale and
    failures. What a rig costs and draws is known better, and the tornado moves it.
    """
    q = question
    base = fit_resampler(
        q.history.returns,
        n_months=q.n_months,
        drift=q.drift,
        risk_free_per_year=q.cash_yield_per_year,
    )
    doubted = [each for each in uncertain if each.name.startswith(LEVERS_OF_WORLDS)]
    terminal: dict[str, list[Array]] = {}
    rows: list[pd.DataFrame] = []
    std_error = drift_std_error(q)
    for block in range(WORLDS // WORLDS_PER_BLOCK):
        rng = np.random.Generator(
            np.random.SFC64(np.random.SeedSequence(q.seed, spawn_key=(block, WORLDS)))
        )
        world = moved(q, _figures(doubted, rng))
        dynamics = _histories(q, base, std_error, rng)
        paths = draw(world, dynamics, WORLDS + block)
        operation = operate(
            q.rig, q.venue, paths, token_price_usd=q.token_price_usd, policy=q.policy
        )
        wealth = {
            name: np.broadcast_to(each.liquidated, (q.n_months + 1, paths.n_paths))
            for name, each in alternatives(world, paths, operation).items()
        }
        for name, each in wealth.items():
            terminal.setdefault(name, []).append(each[-1].copy())
        rows.append(_graded(wealth, operation.net_usd))
    ends = {name: np.concatenate(each) for name, each in terminal.items()}
    cash = _chances(ends["rent"], ends["t-bill"])
    hold = _chances(ends["rent"], ends["hold"]) if "hold" in ends else None
    return Uncertainty(
        band={
            name: pd.Series(np.quantile(ends[name], BAND), index=list(BAND))
            for name in SHOWN
            if name in ends
        },
        rent_beats_hold=None if hold is None else _over_worlds(hold),
        rent_beats_hold_worlds=None if hold is None else _middle(hold),
        rent_beats_cash=_over_worlds(cash),
        rent_beats_cash_worlds=_middle(cash),
        by_world=pd.concat(rows, ignore_index=True),
        n_worlds=WORLDS,
        drift_std_error=std_error,
    )


def drift_std_error(question: Question) -> float | None:
    """Return how well a year's drift of the token is known; None without a token.

    With historical drift it is the standard error of the mean, and the resampled histories spread
    by it themselves. A stated drift of zero is doubted as far as a reader who expects it within
    25 % a year still may after seeing the history: the posterior standard deviation.
    """
    if "token" not in question.history.returns:
        return None
    x = question.history.returns["token"]
    std_error = float(x.std(ddof=1) * WEEKS_PER_YEAR / np.sqrt(len(x)))
    if question.drift == "historical":
        return std_error
    return float(SHRINKAGE_TAU * std_error / np.hypot(SHRINKAGE_TAU, std_error))


def _figures(doubted: Sequence[Uncertain], rng: np.random.Generator) -> dict[str, Array]:
    """Return a value of each figure for every path, one for each world."""
    drawn = {each.name: each.quantile(rng.random(WORLDS_PER_BLOCK)) for each in doubted}
    return {name: np.repeat(values, PATHS_PER_WORLD) for name, values in drawn.items()}


def _histories(
    q: Question, base: Resampler, std_error: float | None, rng: np.random.Generator
) -> Resampler:
    """Return a law that draws each world's paths from a history of its own."""
    if not base.weeks or base.block_weeks is None:
        return base
    n_weeks, n_ahead = len(q.history.returns), int(base.month_ends[-1])
    rows = np.concatenate(
        list(stationary_bootstrap(n_weeks, base.block_weeks, WORLDS_PER_BLOCK, rng))
    )
    weeks = {name: np.asarray(x)[rows] for name, x in base.weeks.items()}
    years = np.arange(1, n_ahead + 1) / WEEKS_PER_YEAR
    shift = {}
    for name, stated in base.shift.items():
        if q.drift == "historical":  # each history brings a drift of its own
            shift[name] = np.zeros((WORLDS_PER_BLOCK, n_ahead))
            continue
        target = stated + log_expected_growth(base.weeks[name], n_ahead, base.block_weeks)
        expected = log_expected_growth(weeks[name], n_ahead, base.block_weeks)
        shift[name] = target - expected
        if name == "token" and std_error is not None:
            # half the variance off: over all worlds the expected price is as stated, every week
            drawn = std_error * rng.standard_normal((WORLDS_PER_BLOCK, 1))
            shift[name] += drawn * years - (std_error * years) ** 2 / 2
    return replace(base, weeks=weeks, shift=shift)


def _graded(wealth: Mapping[str, Array], net_usd: Array) -> pd.DataFrame:
    """Return what the risk grades need of each world, (n_worlds, n_figures)."""
    rows = []
    for world in range(WORLDS_PER_BLOCK):
        paths = slice(world * PATHS_PER_WORLD, (world + 1) * PATHS_PER_WORLD)
        row: dict[str, float | None] = {}
        for name in SHOWN:
            if name not in wealth or len(wealth[name]) <= MONTHS_GRADED:
                continue
            year = wealth[name][: MONTHS_GRADED + 1, paths]
            row[f"{name}_shortfall"] = expected_shortfall(year[-1])
            row[f"{name}_drawdown"] = float(-np.median(max_drawdown(year)))
        if len(net_usd) >= MONTHS_GRADED:
            row["income"] = income_risk(net_usd[:, paths])
        rows.append(row)
    return pd.DataFrame(rows, dtype=float)


def _chances(one: Array, other: Array) -> Array:
    """Return each world's share of paths in which `one` ends ahead, (n_worlds,)."""
    ahead = (one > other) + 0.5 * (one == other)
    return np.asarray(ahead.reshape(-1, PATHS_PER_WORLD).mean(axis=1))


def _over_worlds(chances: Array) -> Probability:
    """Return the chance over all worlds; worlds are few, so their number makes the error."""
    std_error = float(chances.std(ddof=1) / np.sqrt(len(chances)))
    return Probability(value=float(chances.mean()), std_error=std_error, nobs=len(chances))


def _middle(chances: Array) -> Interval:
    low, high = np.quantile(chances, [BAND[0], BAND[-1]])
    return Interval(low=float(low), high=float(high))
