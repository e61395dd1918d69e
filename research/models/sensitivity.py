"""Which uncertain figure moves the result most: one at a time, and all at once.

Each figure has a range and, within it, a law that rises to the figure on a straight line and falls
from it on another, with half of its mass on each side: the figure stays the median, so that a
range that reaches further up than down adds doubt and no optimism. The tornado moves one figure
from the 10th to the 90th percentile of its law, all others as they are. Sobol shares let all of
them vary together and split the variance of the result among them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research.errors import DataError, UsageError
from research.models.resampling import Interval, generator

Array = NDArray[Any]
End = Literal["low", "high"]

# Half widths where no range is stated, as parts of the figure: our convention. A figure out of the
# store is measured, as grade A is; one given for a report is one person's word, as grade C is.
HALF_WIDTHS = {"A": 0.05, "B": 0.10, "C": 0.25, "D": 0.50, "store": 0.05, "given": 0.25}
BOUNDS = {"fraction": (0.0, 1.0), "correlation": (-1.0, 1.0)}  # by unit: no range goes beyond
PERCENTILES = (0.10, 0.90)  # of its law, between which the tornado moves a figure
CONSTANT = 1e-9  # a result that varies by less, as a part of its size, does not vary


@dataclass(frozen=True, kw_only=True)
class Uncertain:
    """One figure that is not known exactly.

    A figure of zero has no width by its grade: it varies only if a range is stated.
    """

    name: str  # what the outcome calls it
    label: str  # what a reader calls it
    unit: str  # "fraction" and "correlation" have bounds of their own
    value: float
    low: float | None  # the range stated with the figure; both ends, or it does not count
    high: float | None
    grade: str  # A to D as in the catalogue, "store" or "given"

    def __post_init__(self) -> None:
        least, most = BOUNDS.get(self.unit, (-np.inf, np.inf))
        if not np.isfinite(self.value) or not least <= self.value <= most:
            raise DataError(
                f"{self.name}: {self.value} {self.unit}, which lies in {least:g} to {most:g}; was "
                "a percentage passed?"
            )
        if not self.has_range and self.grade not in HALF_WIDTHS:
            raise UsageError(
                f"{self.name}: grade {self.grade!r} has no width; accepted are "
                f"{', '.join(HALF_WIDTHS)}, or a stated low and high"
            )
        low, high = self.range
        if not low <= self.value <= high:
            raise DataError(
                f"{self.name}: {self.value:g} lies outside of its range {low:g} to {high:g}"
            )

    @property
    def has_range(self) -> bool:
        """Whether both ends were stated with the figure."""
        return self.low is not None and self.high is not None

    @property
    def range(self) -> tuple[float, float]:
        """The ends of its law: as stated, else by grade; never beyond the bounds of its unit."""
        least, most = BOUNDS.get(self.unit, (-np.inf, np.inf))
        if self.low is not None and self.high is not None:
            low, high = self.low, self.high
        else:
            half = HALF_WIDTHS[self.grade] * abs(self.value)
            low, high = self.value - half, self.value + half
        return float(max(low, least)), float(min(high, most))

    def quantile(self, probability: Array | float) -> Array:
        """Return quantiles of the law: two half triangles that meet at the figure, its median."""
        u = np.asarray(probability, dtype=float)
        low, high = self.range
        below = low + (self.value - low) * np.sqrt(np.minimum(2 * u, 1.0))
        above = high - (high - self.value) * np.sqrt(np.minimum(2 * (1 - u), 1.0))
        return np.asarray(np.where(u < 0.5, below, above))


@dataclass(frozen=True, kw_only=True)
class Bar:
    """What one figure does to the outcome, all others as they are."""

    name: str
    label: str
    unit: str  # of the figure
    low: float  # the figure at the 10th percentile of its law
    high: float  # at the 90th
    at_low: float  # outcome, in its unit
    at_high: float
    flips: tuple[End, ...]  # ends at which the outcome has the other sign

    @property
    def swing(self) -> float:
        """By how much the outcome differs between the two ends, in its unit."""
        return abs(self.at_high - self.at_low)


@dataclass(frozen=True, kw_only=True)
class Tornado:
    """One bar a figure, the one that matters most first."""

    base: float  # outcome with every figure as it is, in its unit
    bars: tuple[Bar, ...]  # by swing

    def summary(self) -> pd.DataFrame:
        """Return one row a figure."""
        rows = [
            {
                "label": bar.label,
                "unit": bar.unit,
                "low": bar.low,
                "high": bar.high,
                "at_low": bar.at_low,
                "at_high": bar.at_high,
                "swing": bar.swing,
                "flips": " and ".join(bar.flips) or "neither",
            }
            for bar in self.bars
        ]
        return pd.DataFrame(rows, index=pd.Index([bar.name for bar in self.bars], name="name"))


@dataclass(frozen=True, kw_only=True)
class Share:
    """How much of the outcome's variance is one figure's. An estimate may fall below 0 by chance.

    None where the outcome does not vary.
    """

    name: str
    label: str
    first: float | None  # part of the variance that it makes alone
    first_interval: Interval | None  # 95 %
    total: float | None  # part that it makes alone or together with others
    total_interval: Interval | None  # 95 %


@dataclass(frozen=True, kw_only=True)
class Sobol:
    """The variance of an outcome, split among the figures; the largest total share first."""

    shares: tuple[Share, ...]
    mean: float  # of the outcome, in its unit
    std: float  # of the outcome, in its unit
    nobs: int  # evaluations of the outcome
    seed: int
    reason: str | None  # why there are no shares; None where there are

    def summary(self) -> pd.DataFrame:
        """Return one row a figure; without shares the columns are empty."""
        rows = [
            {
                "label": share.label,
                "first": share.first,
                "first_low": share.first_interval and share.first_interval.low,
                "first_high": share.first_interval and share.first_interval.high,
                "total": share.total,
                "total_low": share.total_interval and share.total_interval.low,
                "total_high": share.total_interval and share.total_interval.high,
            }
            for share in self.shares
        ]
        names = pd.Index([share.name for share in self.shares], name="name")
        return pd.DataFrame(rows, index=names)


def tornado(
    inputs: Sequence[Uncertain], outcome: Callable[[Mapping[str, float]], float]
) -> Tornado:
    """Return what each figure alone does to the outcome, from its 10th to its 90th percentile.

    Parameters
    ----------
    outcome : from the value of every figure by name; one that draws at random must draw the same
        numbers at every call, or luck is taken for a figure's doing

    Raises
    ------
    UsageError : if there is no figure, or two of one name
    DataError : if the outcome is not a number somewhere
    """
    _named(inputs)
    values = {each.name: each.value for each in inputs}
    base = _number(outcome(values), "every figure as it is")
    bars = []
    for each in inputs:
        low, high = (float(x) for x in each.quantile(np.array(PERCENTILES)))
        at_low, at_high = (
            _number(outcome(values | {each.name: end}), f"{each.name} at {end:g}")
            for end in (low, high)
        )
        ends: tuple[tuple[End, float], ...] = (("low", at_low), ("high", at_high))
        bars.append(
            Bar(
                name=each.name,
                label=each.label,
                unit=each.unit,
                low=low,
                high=high,
                at_low=at_low,
                at_high=at_high,
                flips=tuple(end for end, at in ends if at * base < 0),
            )
        )
    return Tornado(base=base, bars=tuple(sorted(bars, key=lambda bar: -bar.swing)))


def sobol(
    inputs: Sequence[Uncertain], outcome: Callable[[Array], Array], *, n: int = 1024, seed: int
) -> Sobol:
    """Return how the variance of the outcome splits among the figures.

    All figures are drawn from their laws, independently of each other. The intervals
    treat the Sobol sequence as random draws, so they are wider than the error they stand for: of
    the Ishigami function, n = 1024, by a factor of 3 to 8.

    Parameters
    ----------
    outcome : from figures of shape (n_rows, n_inputs), in the order of `inputs`, to (n_rows,)
    n : base samples, a power of 2; the outcome is asked for n (n_inputs + 2) rows

    Raises
    ------
    UsageError : if `n` is no power of 2, the seed is none, there is no figure, or two share a name
    DataError : if the outcome has another shape or is not a number somewhere

    References
    ----------
    Saltelli et al. (2010), Computer Physics Communications 181, 259-270, as SALib computes it.
    """
    from SALib.analyze import sobol as analysis
    from SALib.sample import sobol as design

    _named(inputs)
    if n < 2 or n & (n - 1):
        raise UsageError(f"Sobol shares: n = {n}; accepted are powers of 2, 1024 is usual")
    names = [each.name for each in inputs]
    problem = {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}
    rng, _ = generator(seed)
    uniform = design.sample(problem, n, calc_second_order=False, seed=rng)
    rows = np.column_stack([each.quantile(u) for each, u in zip(inputs, uniform.T, strict=True)])
    found = np.asarray(outcome(rows), dtype=float)
    if found.shape != (len(rows),):
        raise DataError(f"Sobol shares: {len(rows)} outcomes were asked for, shape {found.shape}")
    if not np.isfinite(found).all():
        at = dict(zip(names, rows[np.argmin(np.isfinite(found))], strict=True))
        raise DataError(f"Sobol shares: the outcome is not a number at {at}")
    reason = _why_not(found.reshape(n, len(names) + 2))
    shares = [Share(name=each.name, label=each.label, first=None, first_interval=None, total=None,
                    total_interval=None) for each in inputs]  # fmt: skip
    if reason is None:
        # the library takes a seed of 0 for none, so it gets one that is never 0
        answer = analysis.analyze(problem, found, calc_second_order=False, seed=seed + 1)
        shares = [
            Share(
                name=each.name,
                label=each.label,
                first=float(answer["S1"][at]),
                first_interval=_around(answer["S1"][at], answer["S1_conf"][at]),
                total=float(answer["ST"][at]),
                total_interval=_around(answer["ST"][at], answer["ST_conf"][at]),
            )
            for at, each in enumerate(inputs)
        ]
        shares.sort(key=lambda share: -(share.total or 0.0))
    return Sobol(
        shares=tuple(shares),
        mean=float(found.mean()),
        std=float(found.std()),
        nobs=found.size,
        seed=seed,
        reason=reason,
    )


def _why_not(found: Array) -> str | None:
    """Return why an outcome of shape (n, n_inputs + 2) has no shares; None where it has."""
    smallest = CONSTANT * max(float(np.abs(found).max()), np.finfo(float).tiny)
    if np.ptp(found) <= smallest:
        return "the outcome does not vary with any of the figures"
    if np.ptp(found[:, [0, -1]]) <= smallest:  # what the library takes the variance from
        return "the outcome varies in too few draws to be split; ask for more of them"
    return None


def _around(share: float, half_width: float) -> Interval:
    return Interval(low=float(share - half_width), high=float(share + half_width))


def _named(inputs: Sequence[Uncertain]) -> None:
    names = [each.name for each in inputs]
    if not names or len(set(names)) < len(names):
        raise UsageError(f"sensitivity: figures of different names are needed, found {names}")


def _number(value: float, where: str) -> float:
    if not np.isfinite(value):
        raise DataError(f"tornado: the outcome is {value} with {where}")
    return float(value)
