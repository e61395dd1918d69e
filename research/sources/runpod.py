"""RunPod, a cloud of two markets: its own data centres (secure) and others' cards (community).

https://docs.runpod.io/references/gpu-types: `POST /graphql`, without a key. The key of a feed is
the card's id or display name and, unless it is the community, the market: `NVIDIA H100 PCIe`,
`RTX 4090/secure`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from research.sources import Wanted
from research.sources._answers import Question
from research.sources._rates import check_complaint

if TYPE_CHECKING:
    from research.sources.web import Web

PATH = "/graphql"
PRICES = {"secure": "securePrice", "community": "communityPrice"}
STOCK = ("minimumBidPrice", "uninterruptablePrice", "stockStatus")  # all null: out of stock
QUERY = """query {
  gpuTypes {
    id displayName memoryInGb securePrice communityPrice
    lowestPrice(input: {gpuCount: 1, secureCloud: %s}) {
      minimumBidPrice uninterruptablePrice stockStatus
    }
  }
}"""


@dataclass
class RunPod:
    """List prices of cards in stock on RunPod, USD per GPU-hour on demand, one snapshot a run.

    `minimumBidPrice` mostly repeats the price on demand, so no price of interruptible pods is told.
    """

    answers: dict[tuple[str, str, dt.datetime], Any] = field(default_factory=dict)

    def fetch(self, wanted: Wanted, web: Web, now: dt.datetime) -> pd.DataFrame:
        """Return the price of a card in a market; all cards of a market are one request."""
        _, market = market_of(wanted.key)
        asked = (web.base_url, market, now)
        if asked not in self.answers:
            query = QUERY % ("true" if market == "secure" else "false")
            self.answers[asked] = web.json(PATH, json={"query": query}, method="POST")
        return parse_gpu_types(self.answers[asked], wanted=wanted, now=now)


def market_of(key: str) -> tuple[str, str]:
    """Return the card and the market that a key names."""
    card, _, market = key.rpartition("/")
    return (card, market) if card and market in PRICES else (key, "community")


def parse_gpu_types(answer: Any, *, wanted: Wanted, now: dt.datetime) -> pd.DataFrame:
    """Read the price of a card in the market of the key; out of stock there is none."""
    card, market = market_of(wanted.key)
    question = Question("runpod", f"gpuTypes {wanted.key}")
    check_complaint(question, answer, "data")
    data = question.record(question.record(answer, "data")["data"], "gpuTypes", of="data")
    fields = ("id", "displayName", "lowestPrice", PRICES[market])
    types = question.records(data["gpuTypes"], *fields, of="gpuTypes")
    found = [kind for name in ("id", "displayName") for kind in types if kind[name] == card]
    if not found:  # what is called otherwise by now must not look like what nobody has
        raise question.changed(f"{len(types)} cards, none of this name")
    stock = found[0]["lowestPrice"]
    stock = {} if stock is None else question.record(stock, *STOCK, of="lowestPrice")
    if all(stock.get(name) is None for name in STOCK):
        raise question.empty("out of stock")
    price = question.known(found[0][PRICES[market]], PRICES[market])
    if price <= 0:
        raise question.empty(f"{PRICES[market]} is {price:g}")
    return question.reading({wanted.series: price}, now)
