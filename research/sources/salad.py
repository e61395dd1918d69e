"""Salad, a network of gamers' cards: what their owners earn, and how many of the cards work.

`GET /api/v2/demand-monitor/gpu`, without a key, is what https://salad.com/earn/demand shows. The
key of a feed is the card's name, display name or a variant's name there, such as `RTX 4090`.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from research.sources import Wanted
from research.sources._answers import Question
from research.sources._rates import check_complaint

if TYPE_CHECKING:
    from research.sources.web import Web

PATH = "/demand-monitor/gpu"
UTILIZATION, EARNINGS = "utilization", "earning_usd_per_hour"
NAMES = ("name", "displayName", "variantNames")  # a variant, such as a laptop's, comes last


@dataclass
class Salad:
    """What Salad pays hosts, USD per hour after its fee, and utilization, one snapshot a run.

    Earnings are the mean over all hosts with the card; single ones earn far less and far more.
    """

    answers: dict[tuple[str, dt.datetime], Any] = field(default_factory=dict)

    def fetch(self, wanted: Wanted, web: Web, now: dt.datetime) -> pd.DataFrame:
        """Return earnings and utilization of a card; all cards are one request."""
        asked = (web.base_url, now)
        if asked not in self.answers:
            self.answers[asked] = web.json(PATH)
        return parse_demand_monitor(self.answers[asked], wanted=wanted, now=now)


def parse_demand_monitor(answer: Any, *, wanted: Wanted, now: dt.datetime) -> pd.DataFrame:
    """Read what a card earns its host and the share of such cards at work."""
    question = Question("salad", f"demand-monitor {wanted.key}")
    check_complaint(question, answer, "gpu")
    cards = question.records(answer, "name", "displayName", "utilizationPct", "earningRates")
    card = _find(cards, wanted.key, question)
    percent = question.number(card["utilizationPct"], "utilizationPct")
    if not (0 <= percent <= 100 or math.isnan(percent)):
        raise question.changed(f"utilizationPct is {percent:g}, no percent")
    subject, _, measure = wanted.series.partition(".")
    earnings = EARNINGS if measure == UTILIZATION else measure
    values: dict[str | None, float] = {f"{subject}.{UTILIZATION}": percent / 100}
    if card["earningRates"] is not None:
        rates = question.record(card["earningRates"], "avgEarningRate", of="earningRates")
        earned = question.number(rates["avgEarningRate"], "avgEarningRate")
        if earned > 0:  # nobody was paid: there is no rate, and 0 would be one
            values[f"{subject}.{earnings}"] = earned
    return question.reading(values, now)


def _find(cards: Sequence[Mapping[str, Any]], key: str, question: Question) -> Mapping[str, Any]:
    """Return the one card of this name."""
    for level in NAMES:
        found = [card for card in cards if _bare(key) in _bares(card.get(level))]
        if len(found) > 1:
            raise question.changed(f"{len(found)} cards of this {level}")
        if found:
            return found[0]
    raise question.changed(f"{len(cards)} cards, none of this name")


def _bares(value: Any) -> list[str]:
    """Return the names that a field holds, one or several."""
    values = value if isinstance(value, list) else [value]
    return [_bare(name) for name in values if isinstance(name, str)]


def _bare(name: str) -> str:
    """Return a card's name without its makers, in small letters."""
    return " ".join(re.sub(r"\b(?:nvidia|geforce)\b", " ", name.casefold()).split())
