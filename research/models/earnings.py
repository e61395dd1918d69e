"""What one card earns a day: the gross rent, and what is left of it after each kind of cost.

A day as it is now: rate, utilization and tariff stand still and nothing is simulated. Each level is
a straight line in the utilization, the rate and the tariff, so every break-even has a closed form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from research.errors import DataError
from research.models.rig import DAYS_PER_MONTH, Rig

Array = NDArray[Any]
Level = Literal["gross", "after_fee", "after_power", "after_upkeep", "after_capital"]

LEVELS: tuple[Level, ...] = get_args(Level)  # each counts one more kind of cost
HOURS_PER_DAY = 24
MONTHS_PER_YEAR = 12


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a day costs beside the hours that are rented; one card and its share of the rig."""

    rig: Rig
    platform_fee: float  # fraction of gross
    repairs_per_year: float  # repairable failures of one card
    capital_usd_per_day: float  # of one card: see `capital_charge`

    def __post_init__(self) -> None:
        _require_fraction("platform fee", self.platform_fee)

    @property
    def upkeep_usd_per_day(self) -> float:
        """Internet, maintenance and repairs of one card."""
        fixed = self.rig.fixed_usd_per_month / self.rig.gpu_count
        repairs = self.repairs_per_year / MONTHS_PER_YEAR * self.rig.repair_usd
        return (fixed + repairs) / DAYS_PER_MONTH


@dataclass(frozen=True, kw_only=True, eq=False)
class DailyEarnings:
    """One card's day in USD; the shape is that of rate, utilization and tariff, broadcast."""

    gross_usd: Array  # what customers pay
    fee_usd: Array  # what the platform keeps
    power_usd: Array  # electricity, under rent and idle, card and host
    upkeep_usd: Array  # internet, maintenance, repairs
    capital_usd: Array  # what the money in the hardware costs

    def at(self, level: Level) -> Array:
        """Return what is left at a level: less all costs up to it."""
        costs = (self.fee_usd, self.power_usd, self.upkeep_usd, self.capital_usd)
        left = self.gross_usd.copy()
        for cost in costs[: LEVELS.index(level)]:
            left = left - cost
        return np.asarray(left)


@dataclass(frozen=True, kw_only=True)
class UtilizationRange:
    """The utilizations at which a day leaves an amount between two others.

    A low end above 1 cannot be had. None: no utilization would do, since an hour under rent costs
    more power than it brings.
    """

    level: Level
    low: float | None  # fraction of the available hours; may be above 1
    high: float | None

    @property
    def is_possible(self) -> bool:
        """Whether some utilization from 0 to 1 does it."""
        return self.low is not None and self.low <= 1


@dataclass(frozen=True, kw_only=True)
class BreakEven:
    """Where nothing is left at a level, one input changed and the others as they are.

    A utilization above 1 or a tariff below 0 cannot be had; None: no value of the input would do.
    """

    level: Level
    utilization: float | None
    rate_usd_per_hour: float | None
    tariff_usd_per_kwh: float | None


def capital_charge(
    rig: Rig,
    *,
    n_months: int,
    discount_rate_per_year: float,
    resale_drift_per_year: float,
    replacements_per_year: float = 0.0,
) -> float:
    """Return what the money in one card and its host costs a day, USD.

    The level payment over the horizon whose present value is that of the purchase, and of the cards
    bought for those that die, less that of the resale (an annuity): (C - R v^N + dead) / a_N.

    Parameters
    ----------
    n_months : until the card is sold
    discount_rate_per_year : what the money could earn elsewhere
    resale_drift_per_year : change of the resale value, -0.20 is 20 % less a year
    replacements_per_year : of one card, each at the resale price of its month
    """
    if n_months < 1:
        raise DataError(f"a horizon of {n_months} months; at least 1 is needed")
    months = np.arange(1, n_months + 1) / MONTHS_PER_YEAR
    factors = (1 + discount_rate_per_year) ** -months
    resale = rig.resale_usd * (1 + resale_drift_per_year) ** months
    replaced = replacements_per_year / MONTHS_PER_YEAR * float(resale @ factors)
    sold = resale[-1] * (1 - rig.selling_cost) * factors[-1]
    cost = rig.cost_usd / rig.gpu_count + replaced - sold
    return float(cost / factors.sum() / DAYS_PER_MONTH)


def power_kwh(rig: Rig, utilization: ArrayLike) -> Array:
    """Return what one card and its share of the host draw in a day at a utilization, kWh."""
    rented = np.asarray(utilization) * rig.availability
    idle_w = rig.idle_w + rig.host_idle_w
    watts = idle_w + rented * (rig.load_w + rig.host_load_w - idle_w)
    return np.asarray(HOURS_PER_DAY * watts * rig.kwh_per_watt_hour)


def daily(
    rate_usd_per_hour: ArrayLike,
    utilization: ArrayLike,
    terms: Terms,
    *,
    tariff_usd_per_kwh: ArrayLike | None = None,
) -> DailyEarnings:
    """Return what a day brings and costs; arrays are broadcast, so axes of a grid are welcome.

    Parameters
    ----------
    rate_usd_per_hour : what a customer pays for an hour of one GPU
    utilization : share of the available hours that are rented
    tariff_usd_per_kwh : price of electricity; without one, the rig's

    Raises
    ------
    DataError : if a utilization is no fraction, or a rate or a tariff is negative
    """
    rate, rented = np.asarray(rate_usd_per_hour, float), np.asarray(utilization, float)
    tariff = np.asarray(
        terms.rig.tariff_usd_per_kwh if tariff_usd_per_kwh is None else tariff_usd_per_kwh, float
    )
    _require_fraction("utilization", rented)
    for name, values in (("rate", rate), ("tariff", tariff)):
        if not (values >= 0).all():
            raise DataError(f"a {name} of {np.min(values):g}: 0 or more is needed")
    gross = _paid_hours(terms.rig, rented) * rate
    power = power_kwh(terms.rig, rented) * tariff
    gross, power = np.broadcast_arrays(gross, power)
    return DailyEarnings(
        gross_usd=gross,
        fee_usd=np.asarray(gross * terms.platform_fee),
        power_usd=power,
        upkeep_usd=np.full_like(gross, terms.upkeep_usd_per_day),
        capital_usd=np.full_like(gross, terms.capital_usd_per_day),
    )


def grid(
    utilization: ArrayLike, rate_usd_per_hour: ArrayLike, tariff_usd_per_kwh: ArrayLike,
    terms: Terms,
) -> DailyEarnings:  # fmt: skip
    """Return a day of every combination, shape (n_utilizations, n_rates, n_tariffs)."""
    rented, rate, tariff = np.ix_(
        np.atleast_1d(utilization), np.atleast_1d(rate_usd_per_hour),
        np.atleast_1d(tariff_usd_per_kwh),
    )  # fmt: skip
    return daily(rate, rented, terms, tariff_usd_per_kwh=tariff)


def utilization_ranges(
    low_usd: float, high_usd: float, rate_usd_per_hour: float, terms: Terms
) -> tuple[UtilizationRange, ...]:
    """Return at which utilizations a day leaves from `low_usd` to `high_usd`, level by level."""
    if not 0 < low_usd <= high_usd:
        raise DataError(
            f"a day of {low_usd:g} to {high_usd:g} USD: the first must be above 0, and not above "
            "the second"
        )
    ends = daily(rate_usd_per_hour, [0.0, 1.0], terms)
    return tuple(
        UtilizationRange(
            level=level, low=_crossing(ends.at(level), low_usd),
            high=_crossing(ends.at(level), high_usd),
        )
        for level in LEVELS
    )  # fmt: skip


def break_evens(
    rate_usd_per_hour: float, utilization: float, terms: Terms
) -> tuple[BreakEven, ...]:
    """Return where nothing is left, for each level that counts costs of one's own."""
    today = daily(rate_usd_per_hour, utilization, terms)
    kwh = float(power_kwh(terms.rig, utilization))
    hours = float(_paid_hours(terms.rig, utilization)) * (1 - terms.platform_fee)
    ends = daily(rate_usd_per_hour, [0.0, 1.0], terms)
    income, found = float(today.at("after_fee")), []
    for level in LEVELS[2:]:
        left = float(today.at(level))
        found.append(
            BreakEven(
                level=level,
                utilization=_crossing(ends.at(level), 0.0),
                rate_usd_per_hour=(income - left) / hours if hours > 0 else None,
                tariff_usd_per_kwh=terms.rig.tariff_usd_per_kwh + left / kwh if kwh > 0 else None,
            )
        )
    return tuple(found)


def _paid_hours(rig: Rig, utilization: ArrayLike) -> Array:
    """Return the hours of a day that are paid for, at full speed."""
    hours = HOURS_PER_DAY * np.asarray(utilization, float) * rig.availability
    return np.asarray(hours * rig.speed)


def _crossing(ends: Array, amount_usd: float) -> float | None:
    """Return where the line from `ends[0]` at 0 to `ends[1]` at 1 reaches an amount, rising."""
    slope = float(ends[1] - ends[0])
    return (amount_usd - float(ends[0])) / slope if slope > 0 else None


def _require_fraction(name: str, values: ArrayLike) -> None:
    given = np.asarray(values, float)
    if not ((given >= 0) & (given <= 1)).all():
        raise DataError(f"a {name} of {given.max():g}: a fraction from 0 to 1, 60 % is 0.60")
