"""Several uses of the same capital on the same simulated months: one table of risk and return.

Paths may come in blocks, each of which is reduced to what is needed of it (`reduce`), so that
memory does not grow with their number. Chances, means and certainty equivalents count all paths;
quantiles, shortfalls and drawdowns are read off the first 20,000.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research.errors import DataError, UsageError
from research.models.wealth import (
    WEALTH_FLOOR,
    expected_shortfall,
    max_drawdown,
    monthly_ratios,
    sure_wealth,
    utility_term,
)

Array = NDArray[Any]

LEVELS = (0.05, 0.25, 0.50, 0.75, 0.95)
RISK_AVERSIONS = (1.0, 2.0, 5.0)  # bold, middling and cautious
RISK_AVERSION = 2.0  # the middle one of these tempers, and the one we rank by
KEPT_PATHS = 20_000  # of which every month is kept
MARKS = (12, 24, 36)  # months at which figures are given, beside the horizon


@dataclass(frozen=True, kw_only=True)
class Probability:
    """A share of simulated paths, with the error that comes from their number."""

    value: float
    std_error: float  # Monte Carlo error alone: not that of the assumptions
    nobs: int  # paths


@dataclass(frozen=True, kw_only=True)
class Wealth:
    """One alternative's wealth per dollar put in, (n_months + 1, n_paths) or (n_months + 1, 1)."""

    liquidated: Array  # at what it would fetch: row 0 is after the purchase
    held: Array  # before any cost of selling


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one alternative made of one dollar. Fractions of the capital at the start."""

    name: str
    quantiles: pd.DataFrame  # (n_months_kept, 5), wealth at 5, 25, 50, 75, 95 %, by month
    terminal: Array  # (n_kept,), wealth at the horizon
    marks: pd.DataFrame  # a row at 12, 24, 36 months and the horizon: mean, p_loss, shortfall
    p_loss: Probability  # of ending with less than was put in
    max_drawdown: float  # median over paths of the deepest fall of month-end wealth, in [-1, 0]
    max_drawdown_held: float  # the same before any cost of selling
    held_median: float  # wealth at the horizon before any cost of selling
    sharpe: float | None  # median over paths, monthly marks, a year; None where nothing moves
    sortino: float | None  # the same
    certainty_equivalents: Mapping[float, float]  # CRRA, by risk aversion: the sure wealth worth it
    ruined: float  # share of paths in which wealth was floored for the certainty equivalent

    @property
    def median(self) -> float:
        """Wealth at the horizon in the middle path."""
        return float(np.median(self.terminal))

    @property
    def mean(self) -> float:
        """Mean wealth at the horizon."""
        return float(self.marks["mean"].iloc[-1])

    @property
    def expected_shortfall(self) -> float:
        """Mean loss of the worst 5 % of paths; positive is a loss."""
        return float(self.marks["expected_shortfall"].iloc[-1])

    @property
    def certainty_equivalent(self) -> float:
        """The sure wealth worth as much to a middling temper, by which we rank."""
        return self.certainty_equivalents[RISK_AVERSION]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Alternatives side by side, in the order given."""

    outcomes: Mapping[str, Outcome]
    wins: Mapping[int, pd.DataFrame]  # by month: share of paths in which the row beats the column
    n_months: int
    n_paths: int

    def beats(self, one: str, other: str, month: int | None = None) -> Probability:
        """Return how often `one` is ahead of `other` on the same path; ties are split.

        Raises
        ------
        UsageError : if `month` is none of those at which figures are given
        """
        at = self.n_months if month is None else month
        if at not in self.wins:
            raise UsageError(f"month {at} was not kept; accepted are {list(self.wins)}")
        wins = self.wins[at]
        share = wins.to_numpy()[list(wins.index).index(one), list(wins.columns).index(other)]
        return probability_of(float(share), self.n_paths)

    def ranking(self) -> list[str]:
        """Return the alternatives by certainty equivalent, best first."""
        worth = {name: each.certainty_equivalent for name, each in self.outcomes.items()}
        return sorted(worth, key=lambda name: -worth[name])

    def summary(self) -> pd.DataFrame:
        """Return one row an alternative, wealth per dollar put in."""
        return pd.DataFrame(
            {
                name: {
                    **{f"q{100 * level:02.0f}": each.quantiles[level].iloc[-1] for level in LEVELS},
                    "mean": each.mean,
                    "p_loss": each.p_loss.value,
                    "p_loss_std_error": each.p_loss.std_error,
                    "expected_shortfall": each.expected_shortfall,
                    "max_drawdown": each.max_drawdown,
                    "certainty_equivalent": each.certainty_equivalent,
                }
                for name, each in self.outcomes.items()
            }
        ).T


@dataclass(frozen=True, kw_only=True)
class Part:
    """What is kept of one block of paths: sums over all of them, and months of the first ones."""

    n_paths: int
    sums: Mapping[str, Array]  # (2, n_marks): wealth, and paths that lost
    utility: Mapping[str, Array]  # (4,): CRRA terms of the three tempers, and ruined paths
    wins: Array  # (n_marks, n_alternatives, n_alternatives), paths in which the row is ahead
    n_months: int
    months: Mapping[str, tuple[list[int], Array]]  # those kept, (n_months_kept, n_kept), float32
    terminal: Mapping[str, Array]  # (n_kept,)
    by_path: Mapping[str, Array]  # (5, n_kept): two drawdowns, held wealth, Sharpe, Sortino


def compare(alternatives: Mapping[str, Array]) -> Comparison:
    """Compare wealth paths that start from the same dollar on the same day.

    Parameters
    ----------
    alternatives : by name, (n_months + 1, n_paths) or (n_months + 1, 1) where no path differs;
        wealth per dollar put in, marked at what it would fetch: row 0 is after the purchase

    Raises
    ------
    DataError : if there is nothing to compare, or shapes or numbers do not fit
    """
    shapes = [np.shape(wealth) for wealth in alternatives.values()]
    n_paths = max((shape[1] for shape in shapes), default=0)
    wealth = ((name, Wealth(liquidated=x, held=x)) for name, x in alternatives.items())
    return combine([reduce(wealth, n_paths=n_paths, kept=n_paths)])


def reduce(
    alternatives: Iterable[tuple[str, Wealth]],
    *,
    n_paths: int,
    kept: int = KEPT_PATHS,
    every_month: Collection[str] | None = None,
    cash_yield_per_year: float = 0.0,
) -> Part:
    """Reduce one block of paths to what the comparison needs of it.

    Parameters
    ----------
    alternatives : names and wealth, on the same paths and of the same length; taken one by one, so
        that not all of them need be in memory
    n_paths : paths in the block
    kept : paths of which months are kept
    every_month : alternatives of which every month is kept, of others just the marks; None: of all
    cash_yield_per_year : what Sharpe and Sortino ratios count as no return

    Raises
    ------
    DataError : if there is nothing to compare, or shapes or numbers do not fit
    """
    if n_paths < 1:
        raise DataError("compare: alternatives of equal length are needed, found not one path")
    n_months, kept = -1, min(kept, n_paths)
    at_marks: dict[str, Array] = {}
    months: dict[str, tuple[list[int], Array]] = {}
    by_path: dict[str, Array] = {}
    for name, each in alternatives:
        n_rows, n_columns = np.shape(each.liquidated)
        if n_months not in (-1, n_rows - 1) or n_columns not in (1, n_paths):
            raise DataError(
                f"compare: alternatives of equal length on the same paths are needed; {name} has "
                f"{n_rows - 1} months and {n_columns} paths, not {n_months} and {n_paths}"
            )
        if not np.isfinite(each.liquidated).all():
            raise DataError(f"compare: {name} has a wealth that is not a number")
        n_months = n_rows - 1
        marks = marks_of(n_months)
        shown = range(n_rows) if every_month is None or name in every_month else [0, *marks]
        rows = np.broadcast_to(each.liquidated[list(shown), :kept], (len(shown), kept))
        months[name] = list(shown), np.array(rows, dtype=np.float32)
        at_marks[name] = np.array(np.broadcast_to(each.liquidated[marks], (len(marks), n_paths)))
        by_path[name] = _by_path(each, kept, cash_yield_per_year)
    if not at_marks:
        raise DataError("compare: alternatives of equal length are needed, found none")
    stacked = np.stack(list(at_marks.values()), axis=1)  # (n_marks, n_alternatives, n_paths)
    ahead = (stacked[:, :, None] > stacked[:, None, :]).sum(axis=-1)
    tied = n_paths - ahead - ahead.swapaxes(1, 2)
    return Part(
        n_paths=n_paths,
        n_months=n_months,
        sums={name: np.stack([x.sum(axis=1), (x < 1).sum(axis=1)]) for name, x in at_marks.items()},
        utility={name: _utility(x[-1]) for name, x in at_marks.items()},
        wins=ahead + tied / 2,
        months=months,
        terminal={name: x[-1, :kept].copy() for name, x in at_marks.items()},
        by_path=by_path,
    )


def marks_of(n_months: int) -> list[int]:
    """Return the months at which figures are given, the horizon last."""
    return [*(month for month in MARKS if month < n_months), n_months]


def combine(parts: Sequence[Part]) -> Comparison:
    """Put the blocks together, in the order given."""
    names = list(parts[0].months)
    n_months = parts[0].n_months
    n_paths = sum(part.n_paths for part in parts)
    wins = np.sum([part.wins for part in parts], axis=0) / n_paths
    marks = marks_of(n_months)
    return Comparison(
        outcomes={name: _outcome(name, parts, n_paths, marks) for name in names},
        wins={
            month: pd.DataFrame(wins[at], index=names, columns=names)
            for at, month in enumerate(marks)
        },
        n_months=n_months,
        n_paths=n_paths,
    )


def _outcome(name: str, parts: Sequence[Part], n_paths: int, marks: list[int]) -> Outcome:
    # sorted month by month: quantiles and shortfalls are then looked up
    index = parts[0].months[name][0]
    months = np.sort(np.concatenate([part.months[name][1] for part in parts], axis=1), axis=1)
    by_path = np.concatenate([part.by_path[name] for part in parts], axis=1)
    total, lost = np.sum([part.sums[name] for part in parts], axis=0) / n_paths
    utility = np.sum([part.utility[name] for part in parts], axis=0) / n_paths
    ratios = [
        float(np.median(known)) if len(known := row[np.isfinite(row)]) else None
        for row in by_path[3:]
    ]
    return Outcome(
        name=name,
        quantiles=pd.DataFrame(
            _quantiles(months),
            columns=list(LEVELS),
            index=pd.Index(index, name="month"),
        ),
        terminal=np.concatenate([part.terminal[name] for part in parts]),
        marks=pd.DataFrame(
            {
                "mean": total,
                "p_loss": lost,
                "expected_shortfall": [
                    expected_shortfall(months[index.index(month)]) for month in marks
                ],
            },
            index=pd.Index(marks, name="month"),
        ),
        p_loss=probability_of(float(lost[-1]), n_paths),
        max_drawdown=float(np.median(by_path[0])),
        max_drawdown_held=float(np.median(by_path[1])),
        held_median=float(np.median(by_path[2])),
        sharpe=ratios[0],
        sortino=ratios[1],
        certainty_equivalents={
            aversion: sure_wealth(term, aversion)
            for aversion, term in zip(RISK_AVERSIONS, utility, strict=False)
        },
        ruined=float(utility[-1]),
    )


def _quantiles(months: Array) -> Array:
    """Return quantiles of each sorted row, (n_rows, n_levels), interpolated linearly."""
    places = np.array(LEVELS) * (months.shape[1] - 1)
    below = np.floor(places).astype(int)
    above = np.minimum(below + 1, months.shape[1] - 1)
    low, high = months[:, below].astype(float), months[:, above].astype(float)
    return np.asarray(low + (high - low) * (places - below))


def _by_path(wealth: Wealth, kept: int, cash_yield_per_year: float) -> Array:
    """Return drawdowns, held wealth, and monthly Sharpe and Sortino ratios, (5, n_kept)."""
    liquidated, held = wealth.liquidated[:, :kept], wealth.held[:, :kept]
    figures = (
        max_drawdown(liquidated),
        max_drawdown(held),
        held[-1],
        *monthly_ratios(liquidated, cash_yield_per_year=cash_yield_per_year),
    )
    return np.stack([np.broadcast_to(each, kept) for each in figures])


def _utility(terminal: Array) -> Array:
    """Return sums of CRRA terms over paths for the three tempers, and the ruined, (4,)."""
    floored = np.maximum(terminal, WEALTH_FLOOR)
    terms = [utility_term(floored, aversion).sum() for aversion in RISK_AVERSIONS]
    return np.array([*terms, (terminal < WEALTH_FLOOR).sum()])


def probability_of_beating(one: Array, other: Array) -> Probability:
    """Return the share of paths in which `one` ends above `other`, ties counted as half.

    Parameters
    ----------
    one, other : (n_paths,) wealth at the horizon, on the same paths
    """
    share = float(np.mean((one > other) + 0.5 * (one == other)))
    return probability_of(share, len(one))


def probability_of(share: float, n_paths: int) -> Probability:
    """Return a share of paths with the error that comes from their number."""
    return Probability(
        value=share, std_error=float(np.sqrt(share * (1 - share) / n_paths)), nobs=n_paths
    )
