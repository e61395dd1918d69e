"""Graphics cards, and what the power for them costs."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from research.catalogue._feeds import Feeds
from research.catalogue._types import Fraction, NotNegative, Positive
from research.catalogue._words import Day, Number, Strictly, Text


@dataclass(frozen=True, kw_only=True)
class PowerCap(Strictly):
    """What is left of a card's speed when its power is limited."""

    power: Number  # the limit, as a share of the board power
    speed: Fraction  # of its speed without a limit

    def __post_init__(self) -> None:
        """Refuse watts or a percent for a share."""
        if not 0 < self.power < 1:
            raise ValueError(f"power {self.power:g} is no share of the board power below 1")


@dataclass(frozen=True, kw_only=True)
class Gpu(Strictly):
    """A graphics card."""

    id: str
    name: Text
    vram_gb: Positive
    tdp_w: Positive
    idle_w: NotNegative  # the card alone
    announced: Day
    launch_usd: Positive | None = None
    purchase_usd: Positive | None = None  # new, an asking price
    used_usd: Positive | None = None
    rate_usd_per_hour: Positive | None = None  # per GPU-hour rented; low, high: 10, 90 % quantile
    venue_rate_usd_per_hour: Mapping[str, Positive] = field(
        default_factory=dict
    )  # by network or venue
    power_caps: tuple[PowerCap, ...] = ()  # measured, the highest first
    feeds: Feeds = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a curve that is not in order: less power, less speed."""
        points = [(cap.power, cap.speed.value) for cap in self.power_caps]
        if any(a <= c or b < d for (a, b), (c, d) in itertools.pairwise(points)):
            raise ValueError("power_caps do not fall in power and speed")


@dataclass(frozen=True, kw_only=True)
class Tariff(Strictly):
    """A price of electricity."""

    id: str
    name: Text
    place: Text
    sector: Literal["residential", "commercial", "industrial"]
    usd_per_kwh: NotNegative
