"""CoinGecko through pycoingecko: prices, capitalisation, volume, supply, and the sector's.

Daily rows are stamped 00:00 UTC: they are the close of the day before, and volume is that of the
24 hours before the stamp. Without a paid plan it answers for the past year only, and to a longer
range with code 10012 and nothing else.
https://docs.coingecko.com/reference/coins-id-market-chart
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd
from pycoingecko import CoinGeckoAPI

from research import catalogue
from research.errors import (
    CatalogueError,
    NeedsKeyError,
    RateLimitedError,
    SourceError,
    UnavailableError,
)
from research.sources import Wanted
from research.sources._answers import Question, measure, midnight
from research.sources._points import closes, fetched, points

if TYPE_CHECKING:
    from research.sources.web import Web

NAME = "coingecko"
FIRST_DAY = pd.Timestamp(2013, 4, 28)  # of the vendor's archive
MARGIN_DAYS = 2  # the range is counted back from now, not from midnight
OLDEST = dt.timedelta(days=1)  # that a state may be and still be called that of now
CATEGORY = "category:"
PARTS: Mapping[str, str] = {  # measure -> what `market_chart` calls it
    "price_usd": "prices",
    "market_cap_usd": "market_caps",
    "volume_usd": "total_volumes",
}
COIN_FIELDS: Mapping[str, str] = {
    "supply_circulating": "circulating_supply",
    "supply_total": "total_supply",
}
CATEGORY_FIELDS: Mapping[str, str] = {"market_cap_usd": "market_cap", "volume_usd": "volume_24h"}


class CoinGecko:
    """Keys: a coin's id such as `akash-network`, or `category:depin`."""

    def __init__(self) -> None:
        self._charts: dict[str, tuple[dt.datetime, int, Any]] = {}  # one answer has three measures
        self._readings: dict[str, tuple[dt.datetime, Any]] = {}  # and one two

    def fetch(self, wanted: Wanted, web: Web, now: dt.datetime) -> pd.DataFrame:
        """Return a history (price, capitalisation, volume of a coin) or one row (all else)."""
        key, of = wanted.key, measure(wanted.series)
        if key.startswith(CATEGORY):
            answer = self._reading(key, web, now, connect(web).get_coins_categories)
            return parse_categories(answer, key, measure=of, now=now)
        if of in COIN_FIELDS:
            ask = partial(connect(web).get_coins_markets, "usd", ids=[key])
            answer = self._reading(key, web, now, ask)
            return parse_markets(answer, key, measure=of, now=now)
        if of not in PARTS:
            raise CatalogueError(
                f"coingecko has no {of}; it has {', '.join([*PARTS, *COIN_FIELDS])} of a coin"
            )
        return parse_market_chart(self._chart(wanted, web, now), key, measure=of, now=now)

    def _reading(self, key: str, web: Web, now: dt.datetime, ask: Callable[[], Any]) -> Any:
        """Return what `ask` is told; a run asks for it once."""
        asked_at, answer = self._readings.get(key, (None, None))
        if asked_at != now:
            answer = web.call(key, ask)
            self._readings[key] = (now, answer)
        return answer

    def _chart(self, wanted: Wanted, web: Web, now: dt.datetime) -> Any:
        """Return `market_chart` of a coin; a run asks for it once if the range is the same."""
        since = FIRST_DAY if wanted.since is None else pd.Timestamp(wanted.since)
        days = max((midnight(now) - since).days, 0) + MARGIN_DAYS
        longest = catalogue.load().sources[NAME].history_days
        days = days if longest is None or _is_paid(web) else min(days, longest)
        asked_at, held_days, answer = self._charts.get(wanted.key, (None, 0, None))
        if asked_at == now and held_days >= days:
            return answer
        answer = web.call(
            wanted.key,
            lambda: connect(web).get_coin_market_chart_by_id(
                wanted.key, "usd", days, interval="daily", precision="full"
            ),
        )
        self._charts[wanted.key] = (now, days, answer)
        return answer


def connect(web: Web) -> CoinGeckoAPI:
    """Return pycoingecko on our own line.

    Its own session retries without bound, and it would put a key into the URL.
    """
    client = CoinGeckoAPI()
    client.session = web.session
    client.api_base_url = web.base_url.rstrip("/") + "/"
    if web.key:
        header = "x-cg-pro-api-key" if _is_paid(web) else "x-cg-demo-api-key"
        client.session.headers[header] = web.key
    return client


def parse_market_chart(answer: Any, key: str, *, measure: str, now: dt.datetime) -> pd.DataFrame:
    """Read one measure of a `market_chart` answer: its value at 24:00 of each complete day.

    A capitalisation of 0 means that the supply is not known, so it is a gap.
    """
    question, part = Question(NAME, f"market_chart of {key}"), PARTS[measure]
    refuse(answer, question)
    if answer == {}:
        raise question.empty("an empty object; was the coin retired or given another id?")
    rows = question.record(answer, part)[part]
    values = points(rows, question, unit="ms", stamp=0, value=1)
    if measure == "market_cap_usd":
        values = values[values != 0]
    if values.empty:
        raise question.empty(f"no {part}; was the coin retired or given another id?")
    return fetched(closes(values, now), question)


def parse_markets(answer: Any, key: str, *, measure: str, now: dt.datetime) -> pd.DataFrame:
    """Read the supply of one coin from a `coins/markets` answer."""
    question = Question(NAME, f"coins/markets of {key}")
    field = COIN_FIELDS[measure]
    return _state(answer, key, (field, "last_updated"), question, now)


def parse_categories(answer: Any, key: str, *, measure: str, now: dt.datetime) -> pd.DataFrame:
    """Read the capitalisation of a category, or its volume of the last 24 hours.

    It is found by its id, for names change.
    """
    question = Question(NAME, f"coins/categories, {key}")
    if measure not in CATEGORY_FIELDS:
        raise CatalogueError(f"coingecko has no {measure} of a category")
    fields = (CATEGORY_FIELDS[measure], "updated_at")
    return _state(answer, key.removeprefix(CATEGORY), fields, question, now)


def refuse(answer: Any, question: Question) -> None:
    """Raise if an answer is one of the three shapes in which the vendor writes errors."""
    error = answer.get("error") if isinstance(answer, dict) else None
    status = error.get("status") if isinstance(error, dict) else None
    status = status or (answer.get("status") if isinstance(answer, dict) else None)
    if error is None and status is None:
        return
    if not isinstance(status, dict):
        raise UnavailableError(question.source, question.what, f"{error or status!s:.80}")
    code, text = status.get("error_code"), status.get("error_message")
    kind: type[SourceError] = UnavailableError
    if code in (10002, 10005, 10010, 10011, 10012):  # the plan, or the key and host do not fit
        kind = NeedsKeyError
    elif code == 429:
        kind = RateLimitedError
    raise kind(question.source, question.what, f"code {code!s:.20}: {text!s:.80}")


def _state(
    answer: Any, id_: str, fields: tuple[str, str], question: Question, now: dt.datetime
) -> pd.DataFrame:
    """Return what a list says of `id_` now, unless it said so long ago."""
    refuse(answer, question)
    if answer == []:
        raise question.empty(f"no {id_!r}; was it retired or renamed?")
    rows = [row for row in question.records(answer, "id") if row["id"] == id_]
    if not rows:
        raise question.empty(f"no {id_!r} in it; was it retired or renamed?")
    field, updated = fields
    row = question.record(rows[0], field, updated, of=f"row {id_!r}")
    if row[updated] is None:
        raise question.empty(f"{updated} is null; was it retired?")
    if now - (at := question.instant(row[updated], updated)) > OLDEST:
        raise question.empty(f"not updated since {at:%Y-%m-%d}; was it retired or renamed?")
    value = question.known(row[field], field)
    if value == 0:
        raise question.empty(f"{field} is 0, which means that it is not known")
    return question.reading({None: value}, now)


def _is_paid(web: Web) -> bool:
    return "//pro-api." in web.base_url
