"""Vast.ai, a market where hosts rent out cards: what they ask for those that are free now.

https://docs.vast.ai/api-reference: `POST /api/v0/bundles/`, without a key. The key of a feed is the
card as Vast writes it, such as `RTX 4090`, and where needed its memory in GB: `A100 PCIE:80`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from research.errors import UnavailableError
from research.sources import Wanted
from research.sources._answers import Question
from research.sources._rates import card_and_memory, check_complaint, known, spread

if TYPE_CHECKING:
    from research.sources.web import Web

PATH = "/bundles/"
FEWEST = 8  # offers; of fewer a quantile is noise, and only the minimum is told
RELIABLE = 0.9  # share of time online; below it nobody rents, and what is asked is no price
MOST = 3000  # offers that are asked for; cheapest first, so a list cut off there has no median
ROUNDING = 0.07  # by which cards tell less or more memory than they have
FIELDS = ("gpu_name", "num_gpus", "dph_total", "reliability2", "verification")


class Vast:
    """Asking prices on Vast.ai, USD per GPU-hour with disk, one snapshot a run.

    Cards that are rented do not appear: this is what is asked, not what is paid. Counts depend on
    the query, which is therefore always the same: one card an offer, on demand.
    """

    def fetch(self, wanted: Wanted, web: Web, now: dt.datetime) -> pd.DataFrame:
        """Return count, minimum, median and quartiles of the asking prices of a card."""
        answer = web.json(PATH, json=offers_of(wanted.key), method="POST")
        return known(parse_bundles(answer, wanted=wanted, now=now))


def offers_of(key: str) -> dict[str, Any]:
    """Return the query for all offers of one card."""
    card, memory = card_and_memory(key)
    return {
        "gpu_name": {"eq": card},
        "rentable": {"eq": True},
        "num_gpus": {"eq": 1},
        "type": "on-demand",
        "order": [["dph_total", "asc"]],
        "limit": MOST,
    } | ({} if memory is None else {"gpu_ram": dict(zip(("gte", "lte"), _mb(memory), strict=True))})


def _mb(memory: float) -> tuple[float, float]:
    """Return the least and the most MB that a card with so many GB tells."""
    return memory * 1024 * (1 - ROUNDING), memory * 1024 * (1 + ROUNDING)


def parse_bundles(answer: Any, *, wanted: Wanted, now: dt.datetime) -> pd.DataFrame:
    """Read the offers of a card; with fewer than `FEWEST` usable ones there is no median."""
    question = Question("vast", f"bundles {wanted.key}")
    check_complaint(question, answer, "offers")
    found = question.record(answer, "offers")["offers"]
    offers = question.records(found, *FIELDS, of="offers")
    if len(offers) >= MOST:
        reason = f"it lists the cheapest {len(offers)} offers only"
        raise UnavailableError(question.source, question.what, reason)
    card, memory = card_and_memory(wanted.key)
    of_card = [offer for offer in offers if offer["gpu_name"] == card]
    if memory is not None:
        least, most = _mb(memory)
        of_card = [
            offer
            for offer in of_card
            if least <= question.number(offer.get("gpu_ram"), "gpu_ram") <= most
        ]
    if not of_card:  # the filter was not understood, or the card is called otherwise by now
        other = str(offers[0]["gpu_name"])[:40]
        raise question.changed(f"{len(offers)} offers, the first of {other!r}")
    rates = [rate for offer in of_card if (rate := _rate(offer, question)) is not None]
    if not rates:
        raise question.empty(f"{len(of_card)} offers, none of them usable")
    return question.reading(spread(rates, wanted.series, fewest=FEWEST), now)


def _rate(offer: Mapping[str, Any], question: Question) -> float | None:
    """Return USD per GPU-hour of an offer that one would take; `dph_total` is of all its cards."""
    price, cards, reliability = (
        question.number(offer[name], name) for name in ("dph_total", "num_gpus", "reliability2")
    )
    is_usable = (
        reliability >= RELIABLE  # not known: not usable
        and offer["verification"] in ("verified", "unverified")  # else deverified
        and offer.get("rented") is not True
        and offer.get("is_bid") is not True  # may be interrupted, which is another market
    )
    return price / cards if is_usable and price > 0 and cards >= 1 else None
