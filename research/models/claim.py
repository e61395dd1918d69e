"""Is it true that a card earns so much a day: of the rent, or of what is left of it.

One question, judged at the rate, utilization and tariff that are assumed, and then at every other
that is known: what makes the claim true is a range of utilizations at each level of costs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from research.errors import UsageError
from research.models.earnings import (
    LEVELS,
    BreakEven,
    DailyEarnings,
    Level,
    Terms,
    UtilizationRange,
    break_evens,
    daily,
    grid,
    power_kwh,
    utilization_ranges,
)

Place = Literal["below", "within", "above"]
RateName = Literal["low", "assumed", "high"]

UTILIZATIONS = (0.3, 0.5, 0.7, 0.9)  # shown side by side
CURVE_POINTS = 21  # of utilization, from 0 to 1


@dataclass(frozen=True, kw_only=True)
class VenueRate:
    """What a venue asks, pays or has paid for an hour of a card."""

    venue: str
    rate_usd_per_hour: float
    platform_fee: float  # fraction of gross that the owner does not get
    is_after_fee: bool = False  # the rate is already what the owner gets


@dataclass(frozen=True, kw_only=True)
class ClaimQuestion:
    """A claim about one card, and the day that it is judged by."""

    gpu: str
    low_usd_per_day: float  # claimed
    high_usd_per_day: float
    rate_usd_per_hour: float  # assumed, as are utilization and terms
    rate_low_usd_per_hour: float  # the lowest seen
    rate_high_usd_per_hour: float  # the highest seen
    utilization: float
    terms: Terms
    n_months: int  # over which the hardware is paid off
    venues: tuple[VenueRate, ...]
    tariffs: Mapping[str, float]  # USD per kWh by place

    def __post_init__(self) -> None:
        if self.low_usd_per_day > self.high_usd_per_day:
            raise UsageError(
                f"claimed are {self.low_usd_per_day:g} to {self.high_usd_per_day:g} USD a day; "
                "the lower amount comes first"
            )

    @property
    def rates(self) -> dict[RateName, float]:
        """The rates that the claim is judged at."""
        return {
            "low": self.rate_low_usd_per_hour,
            "assumed": self.rate_usd_per_hour,
            "high": self.rate_high_usd_per_hour,
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class Verdict:
    """What makes the claim true, and what a day leaves otherwise; amounts in USD a day."""

    question: ClaimQuestion
    day: DailyEarnings  # as assumed
    ranges: Mapping[RateName, tuple[UtilizationRange, ...]]  # what makes the claim true
    break_evens: tuple[BreakEven, ...]
    after_power: pd.DataFrame  # (n_utilizations, 3): what is left, by the rates' names
    by_venue: pd.DataFrame  # (n_venues * n_utilizations, venue, rate, utilization and levels)
    by_tariff: pd.DataFrame  # (n_tariffs * 3 rates, n_utilizations): what is left after power
    power: pd.DataFrame  # (n_tariffs, n_utilizations): the bill
    bills: Mapping[str, float]  # the bill of the assumed utilization, by tariff
    gross_by_rate: Mapping[RateName, float]  # the rent of the assumed utilization

    def left(self, level: Level) -> float:
        """Return what the assumed day leaves at a level."""
        return float(self.day.at(level))

    def place(self, level: Level) -> Place:
        """Return where the assumed day stands at a level, beside what is claimed."""
        left = self.left(level)
        if left < self.question.low_usd_per_day:
            return "below"
        return "above" if left > self.question.high_usd_per_day else "within"

    def range(self, level: Level, rate: RateName = "assumed") -> UtilizationRange:
        """Return the utilizations that make the claim true at a level and a rate."""
        return self.ranges[rate][LEVELS.index(level)]


def judge(question: ClaimQuestion) -> Verdict:
    """Judge a claim at the assumed day and at every rate, utilization and tariff that is shown."""
    q = question
    shown = np.linspace(0, 1, CURVE_POINTS)
    rates, tariffs = list(q.rates.values()), list(q.tariffs.values())
    curves = daily(rates, shown[:, None], q.terms).at("after_power")
    kwh = float(power_kwh(q.terms.rig, q.utilization))
    left = grid(UTILIZATIONS, rates, tariffs, q.terms).at("after_power")
    rows = pd.MultiIndex.from_product([q.tariffs, q.rates], names=["tariff", "rate"])
    return Verdict(
        question=q,
        day=daily(q.rate_usd_per_hour, q.utilization, q.terms),
        ranges={
            name: utilization_ranges(q.low_usd_per_day, q.high_usd_per_day, rate, q.terms)
            for name, rate in q.rates.items()
        },
        break_evens=break_evens(q.rate_usd_per_hour, q.utilization, q.terms),
        after_power=pd.DataFrame(curves, index=shown, columns=[*q.rates]),
        by_venue=pd.concat([_venue(q, venue) for venue in q.venues], ignore_index=True)
        if q.venues
        else pd.DataFrame(columns=["venue", "rate", "utilization", *LEVELS]),
        by_tariff=pd.DataFrame(
            left.transpose(2, 1, 0).reshape(len(rows), len(UTILIZATIONS)),
            index=rows,
            columns=[*UTILIZATIONS],
        ),
        power=pd.DataFrame(
            np.outer(tariffs, power_kwh(q.terms.rig, UTILIZATIONS)),
            index=[*q.tariffs],
            columns=[*UTILIZATIONS],
        ),
        bills={place: tariff * kwh for place, tariff in q.tariffs.items()},
        gross_by_rate={
            name: float(daily(rate, q.utilization, q.terms).gross_usd)
            for name, rate in q.rates.items()
        },
    )


def _venue(question: ClaimQuestion, venue: VenueRate) -> pd.DataFrame:
    """Return a venue's day at each utilization, one row each."""
    fee = 0.0 if venue.is_after_fee else venue.platform_fee
    terms = replace(question.terms, platform_fee=fee)
    day = daily(venue.rate_usd_per_hour, UTILIZATIONS, terms)
    columns = {str(level): day.at(level) for level in LEVELS}
    if venue.is_after_fee:
        columns["gross"] = np.full(len(UTILIZATIONS), np.nan)  # what customers paid is not told
    rate = venue.rate_usd_per_hour
    return pd.DataFrame({"venue": venue.venue, "rate": rate, "utilization": UTILIZATIONS} | columns)
