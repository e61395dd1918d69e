"""What the catalogue is made of: frozen dataclasses whose annotations are their file format."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import AfterValidator

from research.catalogue._feeds import Feeds
from research.catalogue._words import Day, Flag, Grade, Number, Strictly, Text

Unit = Literal[
    "fraction",
    "fraction per year",
    "correlation",
    "change",
    "change per year",
    "volatility per year",
    "events per year",
    "ratio",
    "W",
    "USD",
    "USD per month",
    "USD per hour",
    "hours per month",
    "days",
    "months",
]
BOUNDS: Mapping[str, tuple[float, float]] = {
    "fraction": (0, 1),
    "fraction per year": (0, 1),
    "correlation": (-1, 1),
    "change": (-1, math.inf),  # -0.15 is 15 % less
    "change per year": (-1, math.inf),
}  # of an assumption, by unit; any other unit is zero or more


@dataclass(frozen=True, kw_only=True)
class Figure(Strictly):
    """A number, and why anyone should believe it."""

    value: Number
    source: Text
    date: Day  # for which it held; a month alone is its first day
    grade: Grade
    low: Number | None = None  # range seen or thought possible; what it means is in `source`
    high: Number | None = None

    def __post_init__(self) -> None:
        """Refuse a range that does not hold the value."""
        if self.low is not None and self.low > self.value:
            raise ValueError(f"low {self.low:g} is above the value {self.value:g}")
        if self.high is not None and self.high < self.value:
            raise ValueError(f"high {self.high:g} is below the value {self.value:g}")


@dataclass(frozen=True)
class Within:
    """A bound on a figure: value, low and high."""

    low: float
    high: float
    accepted: str
    exclusive: bool = False

    def __call__(self, figure: Figure) -> Figure:
        """Return the figure, or say which of its numbers is out of bounds."""
        for name in ("value", "low", "high"):
            number = getattr(figure, name)
            if number is None:
                continue
            if not self.low <= number <= self.high or (self.exclusive and number == self.low):
                raise ValueError(f"{name} {number:g} is out of bounds")
        return figure


Positive = Annotated[
    Figure, AfterValidator(Within(0, math.inf, "a figure above 0", exclusive=True))
]
NotNegative = Annotated[Figure, AfterValidator(Within(0, math.inf, "a figure of 0 or more"))]
Fraction = Annotated[Figure, AfterValidator(Within(0, 1, "a fraction from 0 to 1, no percent"))]


@dataclass(frozen=True, kw_only=True)
class Token(Strictly):
    """A symbol, and from when to when it meant the network's token."""

    symbol: Text
    valid_from: Day | None = None  # first day, None: since the beginning
    valid_to: Day | None = None  # last day, None: until today

    def __post_init__(self) -> None:
        """Refuse a span that ends before it begins."""
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValueError(f"valid_to {self.valid_to} is before valid_from {self.valid_from}")


@dataclass(frozen=True, kw_only=True)
class YahooSymbol(Token):
    """A symbol at Yahoo Finance: never derived, and not always continued after a rename."""


@dataclass(frozen=True, kw_only=True)
class Identifiers(Strictly):
    """What a subject is called at each source; None or empty: not there, or not known to us."""

    coingecko: Text | None = None  # API id
    yahoo: tuple[YahooSymbol, ...] = ()
    defillama: Text | None = None  # slug of its fees
    binance: Text | None = None  # USDT perpetual
    bybit: Text | None = None  # USDT perpetual


@dataclass(frozen=True, kw_only=True)
class Payout(Strictly):
    """How a network pays who rents a GPU out on it, from a day on."""

    kind: Literal["usd", "usd-quoted", "token-quoted", "emission-share"]
    since: Day
    platform_fee: Fraction  # of gross income
    summary: Text
    source: Text
    date: Day
    grade: Grade
    tokens_per_week: Mapping[str, Positive] = field(default_factory=dict)  # one card, rented 100 %
    availability_tokens_per_week: NotNegative | None = None  # one card, online 100 %
    collateral_tokens: Mapping[str, NotNegative] = field(default_factory=dict)  # locked per card
    pool_tokens_per_month: Positive | None = None  # emission-share: to all providers, as of `date`
    pool_decline_per_month: Fraction | None = None  # emission-share


@dataclass(frozen=True, kw_only=True)
class Staking(Strictly):
    """What a holder earns who locks tokens to secure a chain, in tokens."""

    yield_per_year: Fraction  # simple, of what is staked, before commission
    commission: Fraction  # of the yield, to the validator
    inflation_per_year: Fraction | None = None  # of the supply; None: not known
    unbonding_days: NotNegative  # between asking for the tokens and having them
    summary: Text
    source: Text
    date: Day
    grade: Grade


@dataclass(frozen=True, kw_only=True)
class Network(Strictly):
    """A decentralised compute network and its token."""

    id: str
    name: Text
    symbol: Text  # of today
    tokens: tuple[Token, ...]
    status: Literal["listed", "no-public-data"]
    role: Literal["subject", "reference"]
    chain: Text | None = None  # None only where nothing is public
    primary_use: Text | None = None
    identifiers: Identifiers = field(default_factory=Identifiers)
    payouts: tuple[Payout, ...] = ()  # the oldest first
    staking: Staking | None = None  # None: there is none, or nothing is known of it
    feeds: Feeds = field(default_factory=dict)
    required: tuple[Text, ...] = ()  # measures without which an update is not good enough
    source: Text
    date: Day
    grade: Grade
    note: Text | None = None

    @property
    def payout(self) -> Payout | None:
        """The rule in force, None if none is known."""
        return self.payouts[-1] if self.payouts else None


@dataclass(frozen=True, kw_only=True)
class Factor(Strictly):
    """A market that tokens may move with."""

    id: str
    name: Text
    symbol: Text
    aliases: tuple[Text, ...] = ()
    calendar: Literal["utc-days", "exchange-sessions"]
    identifiers: Identifiers
    feeds: Feeds = field(default_factory=dict)
    required: tuple[Text, ...] = ("price_usd",)
    source: Text
    date: Day
    grade: Grade


@dataclass(frozen=True, kw_only=True)
class Sector(Strictly):
    """All tokens of a kind together, as an upstream counts them; its members are not ours."""

    id: str
    name: Text
    feeds: Feeds
    source: Text
    date: Day
    grade: Grade


@dataclass(frozen=True, kw_only=True)
class Event(Strictly):
    """A day on which a network changed its rules."""

    id: str
    subject: Text  # a network
    date: Day
    kind: Literal["burn-mint", "emission", "payout-rule", "migration", "listing", "rename"]
    regime: Flag  # True: nothing is pooled across this day
    summary: Text
    source: Text
    published: Day
    grade: Grade


@dataclass(frozen=True, kw_only=True)
class Measure(Strictly):
    """A kind of observation: the second half of a series' name."""

    id: str
    unit: Text
    nature: Literal["flow", "stock", "cumulative", "price", "ratio"]
    demand_class: Literal["A", "AB", "C"] | None = None  # A physical, B in USD, C moved by price
    low: Number | None = None  # smallest value that can be true
    high: Number | None = None
    exclusive_low: Flag = False  # True: `low` itself cannot be true
    definition: Text
    applies_to: tuple[Literal["network", "factor", "sector", "gpu"], ...]

    def __post_init__(self) -> None:
        """Refuse bounds that nothing can satisfy."""
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"low {self.low:g} is not below high {self.high:g}")


@dataclass(frozen=True, kw_only=True)
class Assumption(Strictly):
    """A number that a model needs and that nobody can look up."""

    id: str
    name: Text
    unit: Unit
    meaning: Text
    figure: Figure

    def __post_init__(self) -> None:
        """Refuse a number that its unit does not allow, such as a percent for a fraction."""
        low, high = BOUNDS.get(self.unit, (0, math.inf))
        Within(low, high, self.unit)(self.figure)
