"""Bybit: daily candles of perpetual futures or of the spot market.

A candle is stamped with its opening; the last one is running. Prices are in USDT and not
in dollars, and those of a perpetual are not quite the spot price: they say whether another source
is wrong, not by how many basis points.
https://bybit-exchange.github.io/docs/v5/market/kline
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from research.errors import CatalogueError, RateLimitedError, UnavailableError
from research.frames import ONE_DAY
from research.sources import Wanted
from research.sources._answers import Question, measure
from research.sources._points import fetched, gather, opened, points, unix_ms, windows

if TYPE_CHECKING:
    from research.sources.web import Web

NAME = "bybit"
CANDLES = 1000  # of one answer
FIRST_DAY = pd.Timestamp(2020, 3, 25)  # of its perpetuals in USDT
FIELDS: Mapping[str, int] = {"price_usd": 4, "volume_usd": 6}  # close, and turnover in USDT
MARKETS = ("linear", "spot")
WRONG_PARAMETER, TOO_OFTEN = 10001, 10006  # of `retCode`


class Bybit:
    """Keys: a perpetual such as `AKTUSDT`, or `spot/BTCUSDT`."""

    def fetch(self, wanted: Wanted, web: Web, now: dt.datetime) -> pd.DataFrame:
        """Return closes, or what was traded within each day."""
        of, (market, _, pair) = measure(wanted.series), wanted.key.rpartition("/")
        market = market or MARKETS[0]
        if of not in FIELDS or market not in MARKETS:
            raise CatalogueError(
                f"bybit has no {of} under {wanted.key!r}; it has {', '.join(FIELDS)} of a "
                f"perpetual such as AKTUSDT, or of spot/BTCUSDT"
            )
        return gather(
            partial(self._page, market, pair, of, web, now, first, days)
            for first, days in windows(wanted.since, FIRST_DAY, CANDLES, now)
        )

    def _page(
        self,
        market: str,
        pair: str,
        of: str,
        web: Web,
        now: dt.datetime,
        first: pd.Timestamp,
        days: int,
    ) -> pd.DataFrame:
        params = {
            "category": market,
            "symbol": pair,
            "interval": "D",
            "start": unix_ms(first),
            "end": unix_ms(first + days * ONE_DAY) - 1,
            "limit": CANDLES,
        }
        answer = web.json("/v5/market/kline", params=params, what=pair)
        return parse_kline(answer, pair, measure=of, now=now)


def parse_kline(answer: Any, pair: str, *, measure: str, now: dt.datetime) -> pd.DataFrame:
    """Read candles, the newest first, stamped with the milliseconds of their opening.

    A refusal comes with HTTP 200 and says so in `retCode`.
    """
    question = Question(NAME, pair)
    answer = question.record(answer, "retCode", "result")
    code, said = answer["retCode"], f"code {answer['retCode']!s:.20}: {answer.get('retMsg')!s:.80}"
    if code == WRONG_PARAMETER:
        raise question.empty(f"{said}; no such pair?")
    if code == TOO_OFTEN:
        raise RateLimitedError(NAME, pair, said)
    if code != 0:
        raise UnavailableError(NAME, pair, said)
    rows = question.record(answer["result"], "list", of="result")["list"]
    values = points(rows, question, unit="ms", stamp=0, value=FIELDS[measure])
    return fetched(opened(values, question, now), question)
