"""Binance: daily candles of its spot market, from the host for data that wants no key.

A candle is stamped with its opening; the last one is running. Prices are in USDT and not
in dollars, so they say whether another source is wrong, not by how many basis points. What is
traded as a perpetual future only is not here.
https://developers.binance.com/docs/binance-spot-api-docs/rest-api/market-data-endpoints
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from research.errors import CatalogueError
from research.frames import ONE_DAY
from research.sources import Wanted
from research.sources._answers import Question, measure
from research.sources._points import fetched, gather, opened, points, unix_ms, windows

if TYPE_CHECKING:
    from research.sources.web import Web

NAME = "binance"
CANDLES = 1000  # of one answer
FIRST_DAY = pd.Timestamp(2017, 7, 14)  # of the exchange
FIELDS: Mapping[str, int] = {"price_usd": 4, "volume_usd": 7}  # close, and volume in USDT


class Binance:
    """Keys: a spot pair such as `BTCUSDT`."""

    def fetch(self, wanted: Wanted, web: Web, now: dt.datetime) -> pd.DataFrame:
        """Return closes, or what was traded within each day."""
        of = measure(wanted.series)
        if of not in FIELDS:
            raise CatalogueError(f"binance has no {of}; it has {', '.join(FIELDS)}")
        return gather(
            partial(self._page, wanted.key, of, web, now, first, days)
            for first, days in windows(wanted.since, FIRST_DAY, CANDLES, now)
        )

    def _page(
        self, pair: str, of: str, web: Web, now: dt.datetime, first: pd.Timestamp, days: int
    ) -> pd.DataFrame:
        params = {
            "symbol": pair,
            "interval": "1d",
            "startTime": unix_ms(first),
            "endTime": unix_ms(first + days * ONE_DAY) - 1,
            "limit": CANDLES,
        }
        answer = web.json("/api/v3/klines", params=params, what=pair)
        return parse_klines(answer, pair, measure=of, now=now)


def parse_klines(answer: Any, pair: str, *, measure: str, now: dt.datetime) -> pd.DataFrame:
    """Read candles, which are stamped with the milliseconds of their opening."""
    question = Question(NAME, pair)
    values = points(answer, question, unit="ms", stamp=0, value=FIELDS[measure])
    return fetched(opened(values, question, now), question)
