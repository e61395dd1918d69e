"""Risk in grades that can be checked: eight axes, each with a statistic and three thresholds.

The thresholds are our convention; `risk_statistics` computes what they are applied to. A grade says
how large a measured risk is, not whether it is worth taking. Where the interval of a statistic
crosses a threshold, the grade names both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np

from research.errors import DataError, UsageError
from research.models.resampling import Interval

Unit = Literal["fraction", "ratio", "days", "count"]

LEVELS = ("low", "medium", "high", "very high")
RETURN_AXES = ("market", "drawdown", "income")


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One kind of risk: what is measured, and where the grade changes."""

    key: str
    label: str
    statistic: str  # in words
    unit: Unit
    thresholds: tuple[float, float, float]  # medium, high and very high begin here, in `unit`
    included: tuple[bool, bool, bool]  # whether a threshold itself counts as the riskier side
    missing: str | None = None  # why a statistic that does not exist is a very high risk

    def level(self, statistic: float) -> int:
        """Return the place of a statistic in LEVELS."""
        return sum(
            statistic >= threshold if included else statistic > threshold
            for threshold, included in zip(self.thresholds, self.included, strict=True)
        )

    def write(self, statistic: float) -> str:
        """Return a statistic as text with its unit."""
        return _written(statistic, self.unit)

    def scale(self) -> str:
        """Return where each grade but the lowest begins, as text."""
        parts = [
            f"{level} {'from' if included else 'above'} {self.write(threshold)}"
            for level, threshold, included in zip(
                LEVELS[1:], self.thresholds, self.included, strict=True
            )
        ]
        return ", ".join(parts)


_SHARES = (True, True, False)
_AXES = (
    Axis(key="market", label="Loss of value", unit="fraction", thresholds=(0.15, 0.35, 0.60),
         included=_SHARES, statistic="mean loss in the worst 5 % of futures after 12 months"),
    Axis(key="drawdown", label="Fall on the way", unit="fraction", thresholds=(0.10, 0.30, 0.60),
         included=_SHARES, statistic="deepest fall within 12 months in the middle future"),
    Axis(key="income", label="Unsteady income", unit="ratio", thresholds=(0.2, 0.5, 1.0),
         included=_SHARES, statistic="spread of 12 months' net income over its mean",
         missing="the mean net income is not above zero"),
    Axis(key="liquidity", label="Getting out", unit="days", thresholds=(1, 7, 30),
         included=(True, False, False),
         statistic="days to sell everything, price given up to do so"),
    Axis(key="operations", label="Outage and failure", unit="fraction",
         thresholds=(0.02, 0.06, 0.15), included=_SHARES,
         statistic="expected share of the year down plus chance of permanent failure"),
    Axis(key="payout-token", label="Token paid out", unit="fraction",
         thresholds=(0.05, 0.25, 0.60), included=_SHARES,
         statistic="share of the variance of wealth that goes with the token's price"),
    Axis(key="concentration", label="Concentration", unit="fraction",
         thresholds=(0.10, 0.25, 0.50), included=_SHARES,
         statistic="share of the largest provider or customer",
         missing="unknown"),
    Axis(key="contract", label="Contract and protocol", unit="count", thresholds=(1, 2, 3),
         included=(True, True, True),
         statistic="count of: no service agreement, slashing, payout rule changed within 12 "
         "months, oracle or circuit breaker, pending chain migration",
         missing="unknown"),
)  # fmt: skip
AXES = MappingProxyType({axis.key: axis for axis in _AXES})
HAIRCUT = Axis(key="haircut", label="Getting out", unit="fraction", thresholds=(0.01, 0.05, 0.20),
               included=(True, False, False), statistic="price given up to sell")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Grade:
    """How large one kind of risk is."""

    axis: str  # key of AXES
    statistic: float | None  # None where it does not exist, which grades very high
    unit: Unit
    interval: Interval | None  # 95 %, in the same unit
    levels: tuple[int, int]  # places in LEVELS of the interval's two ends
    measured: str  # statistic and interval as text, with units; of liquidity both statistics
    scale: str  # where each grade but the lowest begins, as text

    @property
    def words(self) -> str:
        """What is measured, what was found and where the grades begin, in a sentence."""
        what = AXES[self.axis].statistic
        return f"{what[:1].upper()}{what[1:]}: {self.measured}; {self.scale}."

    @property
    def grade(self) -> str:
        """The grade, or both where the interval crosses a threshold: "medium-high"."""
        return _named(self.levels)


@dataclass(frozen=True, kw_only=True)
class Overall:
    """Grades taken together: return risk by the worst of its axes, operations apart."""

    return_risk: str  # a grade, or two
    because_of: tuple[str, ...]  # axes that are as bad as that, of those measured
    operations: str | None  # None where nothing is operated


def grade(axis: str, statistic: float | None, interval: Interval | None = None) -> Grade:
    """Grade one statistic of one axis; liquidity has two, see `grade_liquidity`.

    Parameters
    ----------
    axis : a key of AXES
    statistic : in the unit of the axis; None for an income whose mean is not above zero, and for a
        concentration or a contract of which nothing is known: these are very high
    interval : 95 %; over worlds of different parameters if the grade is to say how sure it is, for
        that of the paths alone says only how many were drawn. Its upper end may be infinite where
        the statistic may be missing

    Raises
    ------
    UsageError : if there is no such axis, or a statistic is missing where none may be
    DataError : if a number is none, is negative where it cannot be, or the interval is reversed
    """
    if axis not in AXES or axis == "liquidity":
        raise UsageError(
            f"grade: no axis {axis!r} of one statistic; accepted are "
            f"{', '.join(key for key in AXES if key != 'liquidity')}"
        )
    return _grade(AXES[axis], statistic, interval)


def grade_liquidity(
    days: float,
    haircut: float,
    days_interval: Interval | None = None,
    haircut_interval: Interval | None = None,
) -> Grade:
    """Grade how hard it is to get out, by the worse of the time and the price it takes.

    Parameters
    ----------
    days : to sell everything; of a token at 10 % of its daily volume
    haircut : price given up to sell, in [0, 1]

    Raises
    ------
    DataError : as `grade`
    """
    time = _grade(AXES["liquidity"], days, days_interval)
    price = _grade(HAIRCUT, haircut, haircut_interval)
    return Grade(
        axis="liquidity",
        statistic=days,
        unit="days",
        interval=days_interval,
        levels=_worst([time, price]),
        measured=f"{time.measured}, {price.measured}",
        scale=f"{time.scale}; by price: {price.scale}",
    )


def overall(grades: Sequence[Grade]) -> Overall:
    """Return return risk, the worst of market, drawdown and income, and operations apart.

    Raises
    ------
    UsageError : if none of the three was graded, or an axis was graded twice
    """
    by_axis = {each.axis: each for each in grades}
    if len(by_axis) < len(grades):
        raise UsageError(f"overall: an axis is graded twice: {[each.axis for each in grades]}")
    measured = [by_axis[axis] for axis in RETURN_AXES if axis in by_axis]
    if not measured:
        raise UsageError(f"overall: one of {', '.join(RETURN_AXES)} is needed, found {[*by_axis]}")
    worst = _worst(measured)
    operations = by_axis.get("operations")
    return Overall(
        return_risk=_named(worst),
        because_of=tuple(each.axis for each in measured if each.levels[1] == worst[1]),
        operations=operations.grade if operations else None,
    )


def _grade(axis: Axis, statistic: float | None, interval: Interval | None) -> Grade:
    if statistic is None and axis.missing is None:
        raise UsageError(f"grade: {axis.key} has no statistic; measure it or leave the axis out")
    numbers = [x for x in (statistic, *(interval or ())) if x is not None]
    may_be = np.isfinite(numbers) | (np.isposinf(numbers) & (axis.missing is not None))
    # only a mean loss may be below zero: then it is a gain
    if not np.all(may_be) or (axis.key != "market" and min(numbers, default=0.0) < 0):
        raise DataError(f"grade: {axis.key} cannot be {statistic} with interval {interval}")
    if interval is not None and interval.low > interval.high:
        raise DataError(f"grade: the interval of {axis.key} is reversed: {interval}")
    levels = [axis.level(x) for x in numbers]
    if statistic is None:
        levels.append(len(LEVELS) - 1)
        measured = axis.missing or ""
    else:
        measured = axis.write(statistic)
    if interval is not None:
        measured += f" ({axis.write(interval.low)} to {axis.write(interval.high)})"
    return Grade(
        axis=axis.key,
        statistic=statistic,
        unit=axis.unit,
        interval=interval,
        levels=(min(levels), max(levels)),
        measured=measured,
        scale=axis.scale(),
    )


def _worst(grades: Sequence[Grade]) -> tuple[int, int]:
    return max(each.levels[0] for each in grades), max(each.levels[1] for each in grades)


def _named(levels: tuple[int, int]) -> str:
    low, high = levels
    return LEVELS[low] if low == high else f"{LEVELS[low]}-{LEVELS[high]}"


def _written(statistic: float, unit: Unit) -> str:
    if np.isinf(statistic):
        return "no end"
    if unit == "fraction":
        return f"{100 * statistic + 0.0:.3g} %"
    if unit == "days":
        return f"{statistic:.3g} {'day' if statistic == 1 else 'days'}"
    return f"{statistic:.2g}" if unit == "ratio" else f"{statistic:g}"
