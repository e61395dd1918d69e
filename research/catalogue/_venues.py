"""Where a card can be rented out beside the networks, what can go wrong there, and what if it does.

A figure of a stress says what changes relative to the assumptions of a run; a key that is absent
changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import AfterValidator

from research.catalogue._types import Figure, Fraction, Within
from research.catalogue._words import Count, Day, Flag, Grade, Strictly, Text

Change = Annotated[
    Figure, AfterValidator(Within(-1, math.inf, "a change of -1 or more, -0.5 for half of it"))
]
RiskKind = Literal[
    "no-sla",
    "unvetted-nodes",
    "slashing",
    "payout-rule",
    "oracle",
    "circuit-breaker",
    "pending-migration",
    "concentration",
    "unpublished-terms",
]
# What the grade of a contract counts each kind as; a kind that is not here does not count.
GRADED: Mapping[RiskKind, RiskKind] = MappingProxyType(
    {
        "no-sla": "no-sla",
        "slashing": "slashing",
        "payout-rule": "payout-rule",
        "oracle": "oracle",
        "circuit-breaker": "oracle",  # one kind: what the oracle tells trips the breaker
        "pending-migration": "pending-migration",
    }
)


@dataclass(frozen=True, kw_only=True)
class RentalVenue(Strictly):
    """A place that is no network of the catalogue, where the owner of a card rents it out."""

    id: str
    name: Text
    payout: Literal["usd"]  # dollars, no token
    platform_fee: Fraction  # of what the renter pays
    sla: Flag | None = None  # True: an uptime can be agreed with the renter; None: not known
    summary: Text
    source: Text
    date: Day
    grade: Grade


@dataclass(frozen=True, kw_only=True)
class Risk(Strictly):
    """One fact about a network or a venue that a contract with it carries."""

    id: str
    subject: Text  # a network or a venue
    kind: RiskKind
    summary: Text
    source: Text
    date: Day  # of the source: before that day nobody could know
    grade: Grade


def graded_kinds(facts: Iterable[Risk]) -> int | None:
    """Return how many kinds of facts the grade of a contract counts.

    None where nothing is on record, or only that terms are not published: that is not known, which
    is something else than none.
    """
    kinds = {fact.kind for fact in facts}
    if kinds <= {"unpublished-terms"}:
        return None
    return len({GRADED[kind] for kind in kinds if kind in GRADED})


@dataclass(frozen=True, kw_only=True)
class Stress(Strictly):
    """A scenario with a name: a case from the past, or one that has been thought up."""

    id: str
    name: Text
    summary: Text
    token_change: Change | None = None  # of a token that is not named below
    token_change_by_network: Mapping[str, Change] = field(default_factory=dict)
    market_change: Change | None = None  # of Bitcoin
    rate_change: Change | None = None  # of the rental rate
    utilization_change: Change | None = None
    resale_change: Change | None = None  # of what a used card sells for
    reward_change: Change | None = None  # of a reward that is a number of tokens
    payout_fee: Fraction | None = None  # of gross income, in place of the network's fee
    reached_after_months: Count | None = None  # all changes are whole by then; None: at once
    recovers: Flag = False  # True: afterwards they are undone
    shutdown_month: Count | None = None  # the first month without pay, from 1
    after_shutdown: Literal["open-market", "nothing"] | None = None  # what the rig then earns
    source: Text
    date: Day
    grade: Grade

    def __post_init__(self) -> None:
        """Refuse a stress that changes nothing, and months that cannot be."""
        if not any(getattr(self, name) is not None for name in _CHANGES):
            raise ValueError("a stress that changes nothing")
        if self.token_change_by_network and self.token_change is None:
            raise ValueError("token_change_by_network without token_change, for the other tokens")
        for name in ("reached_after_months", "shutdown_month"):
            if (months := getattr(self, name)) is not None and months < 1:
                raise ValueError(f"{name} {months} is below 1")
        if (self.shutdown_month is None) != (self.after_shutdown is None):
            raise ValueError("shutdown_month and after_shutdown need each other")

    def token_change_of(self, network: str) -> Figure | None:
        """Return the change of a network's token; None if this stress leaves tokens alone."""
        return self.token_change_by_network.get(network, self.token_change)


_CHANGES = (
    "token_change",
    "market_change",
    "rate_change",
    "utilization_change",
    "resale_change",
    "reward_change",
    "payout_fee",
    "shutdown_month",
)
