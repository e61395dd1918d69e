"""Who can be asked for what: the upstreams, and which of them serves which series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from research.catalogue._words import Count, Day, Flag, Grade, Number, Strictly, Text

Kind = Literal["on-chain", "vendor", "derived", "self-reported", "assumed", "simulated"]
"""What an observation is worth, as `frames.Kind`, which costs an import of pandas."""


@dataclass(frozen=True, kw_only=True)
class Feed(Strictly):
    """An upstream that has a series, and what it calls it there."""

    source: Text  # an upstream
    key: Text
    referee: Flag = False  # asked even when an earlier feed answered


Feeds = Mapping[str, tuple[Feed, ...]]  # by measure, in order of preference


@dataclass(frozen=True, kw_only=True)
class Upstream(Strictly):
    """A service that is asked, and on what terms."""

    id: str
    name: Text
    url: Text  # base of what is asked; the settings may name another
    terms: Text
    attribution: Text  # as a report prints it
    documented: Flag  # by its owner, be it in its own open source
    switched_on: Flag  # unless the settings say otherwise
    key: Literal["none", "optional", "required"]
    requests_per_minute: Number
    requests_per_minute_with_key: Number | None = None  # None: the same
    revision_days: Count  # how far back it rewrites its history
    history_days: Count | None = None  # the longest it answers without a key; None: all there is
    snapshot: Flag = False  # it tells the state of now and keeps no history
    kind: Kind
    source: Text
    date: Day
    grade: Grade

    def __post_init__(self) -> None:
        """Refuse a rate, a window or a limit that cannot be."""
        rates = (self.requests_per_minute, self.requests_per_minute_with_key)
        if any(rate is not None and rate <= 0 for rate in rates):
            raise ValueError("requests_per_minute is not above 0")
        if self.revision_days < 0 or (self.history_days is not None and self.history_days < 1):
            raise ValueError("revision_days is below 0, or history_days below 1")
        if not self.url.startswith(("https://", "http://")):
            raise ValueError(f"url {self.url} is no web address")
