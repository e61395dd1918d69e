"""DefiLlama: prices of any age without a key, and the daily fees of a protocol.

Its coins are CoinGecko's, so its prices add days and no second opinion.
https://api-docs.defillama.com
"""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pandas as pd

from research.errors import CatalogueError
from research.frames import ONE_DAY
from research.sources import Wanted
from research.sources._answers import Question, measure
from research.sources._points import (
    fetched,
    gather,
    nearest_closes,
    opened,
    points,
    unix_ms,
    windows,
)

if TYPE_CHECKING:
    from research.sources.web import Web

NAME = "defillama"
COINS_HOST, FEES_HOST = "https://coins.llama.fi", "https://api.llama.fi"
POINTS = 500  # of one answer
FIRST_DAY = pd.Timestamp(2013, 4, 28)  # of CoinGecko's archive
FEES = "fees/"


class DefiLlama:
    """Keys: `coingecko:akash-network` for a price, `fees/render-network-bme` for daily fees."""

    def fetch(self, wanted: Wanted, web: Web, now: dt.datetime) -> pd.DataFrame:
        """Return closes, or fees in USD of each day; fees come with all their past."""
        if ":" not in wanted.key:
            slug = wanted.key.removeprefix(FEES)
            return parse_fees(ask_fees(slug, web), slug, now=now)
        if measure(wanted.series) != "price_usd":
            raise CatalogueError(f"defillama has no {wanted.series} under {wanted.key!r}")
        return gather(
            partial(self._page, wanted.key, web, now, first, days)
            for first, days in windows(wanted.since, FIRST_DAY, POINTS, now)
        )

    def _page(
        self, coin: str, web: Web, now: dt.datetime, first: pd.Timestamp, days: int
    ) -> pd.DataFrame:
        params = {
            "start": unix_ms(first + ONE_DAY) // 1000,  # where the first day closes
            "span": days,
            "period": "1d",
            "searchWidth": "6h",
        }
        return parse_chart(web.json(f"/chart/{coin}", params=params, what=coin), coin, now=now)


def ask_fees(slug: str, web: Web) -> Any:
    """Ask for the fees of a protocol, which are at another host than prices."""
    base = web.base_url.rstrip("/")
    url = f"{FEES_HOST if base == COINS_HOST else base}/summary/fees/{quote(slug, safe='')}"
    question = Question(NAME, FEES + slug)

    def ask() -> Any:
        answer = web.session.get(url, params={"dataType": "dailyFees"})
        if answer.status_code == 400:  # its way of saying that it does not know the name
            raise question.empty(f"no fees of {slug!r}; `overview/fees` lists the names")
        answer.raise_for_status()
        return answer.json()

    return web.call(question.what, ask)


def parse_chart(answer: Any, coin: str, *, now: dt.datetime) -> pd.DataFrame:
    """Read a `chart` answer: of each complete day the price nearest to 24:00, at most 6 h off."""
    question = Question(NAME, coin)
    coins = question.record(question.record(answer, "coins")["coins"], of="coins")
    if coin not in coins:
        raise question.empty("no such coin, or none at that time")
    rows = question.record(coins[coin], "prices", of="the coin")["prices"]
    values = points(rows, question, unit="s", stamp="timestamp", value="price")
    return fetched(nearest_closes(values, now), question)


def parse_fees(answer: Any, slug: str, *, now: dt.datetime) -> pd.DataFrame:
    """Read a `summary/fees` answer: USD within each complete day; refunds make it negative."""
    question = Question(NAME, FEES + slug)
    rows = question.record(answer, "totalDataChart")["totalDataChart"]
    values = points(rows, question, unit="s", stamp=0, value=1)
    return fetched(opened(values, question, now), question)
