"""Yahoo Finance through yfinance: closes of coins, shares and indices.

A row is labelled with the day of the exchange's own calendar: UTC for coins, New York for shares
and indices, whose close is at 20:00 or 21:00 UTC. Closes are adjusted for splits and not for
dividends, since each dividend would rewrite the past. Yahoo is for personal use, by its terms.

Only charts are asked for, under our own name, and each once: one for the time zone, which is then
kept, and one for the prices. The cookie and crumb that yfinance looks for are not needed for them,
by its own comments, and after a refusal it would ask eight more times.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import warnings
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pandas as pd
import requests
import yfinance
from yfinance.data import YfData

from research import catalogue
from research.config import settings
from research.errors import CatalogueError, ResearchError, UnavailableError
from research.frames import ONE_DAY
from research.sources import Wanted
from research.sources._answers import Question, measure, midnight
from research.sources._points import complete, fetched

if TYPE_CHECKING:
    from research.sources.web import Web

NAME = "yahoo"
CHART = "/v8/finance/chart/"
FOR_THE_CRUMB = ("", "/", "/v1/test/getcrumb")
META = ("longName", "shortName", "currency")
OLDEST_DAYS = 14  # a symbol whose last price is older was renamed or delisted
SAYS_NOTHING = {
    "usd",
    "coin",
    "token",
    "network",
    "protocol",
    "chain",
    "inc",
    "corp",
    "corporation",
}


class Yahoo:
    """Keys: Yahoo's symbols, such as `AKT-USD`, `TAO22974-USD`, `NVDA` or `^GSPC`."""

    def fetch(self, wanted: Wanted, web: Web, now: dt.datetime) -> pd.DataFrame:
        """Return closes, if what the symbol stands for has the subject's name."""
        subject, of, symbol = wanted.series.partition(".")[0], measure(wanted.series), wanted.key
        if of != "price_usd":
            raise CatalogueError(f"yahoo is asked for price_usd only, not for {of}")
        prepare(str(settings().cache / "yfinance"))
        hush()
        web.tries = 1  # it refuses an address for hours: the next source is better than a wait
        span = {"period": "max"} if wanted.since is None else {"start": str(wanted.since)}
        try:
            with web.asking(symbol):
                YfData.cache_get.cache_clear()  # it repeats old refusals without asking
                ticker = yfinance.Ticker(symbol, session=Charts(web))
                history = ticker.history(
                    **span, end=str(midnight(now).date()), actions=False, auto_adjust=False
                )
                told = ticker.get_history_metadata()  # to list it all would ask once more
                meta = {name: told.get(name) for name in META}
        except ResearchError:
            raise
        except Exception as odd:  # such as a cache that another run is writing
            reason = f"yfinance failed with {type(odd).__name__}: {odd!s:.80}"
            raise UnavailableError(NAME, symbol, reason) from odd
        return parse_history(history, meta, symbol, names=names_of(subject), now=now)


class Charts(requests.Session):
    """The session of yfinance: our line, charts only, and the first refusal ends it."""

    def __init__(self, web: Web) -> None:
        super().__init__()
        self._web = web

    def get(self, url: str | bytes, **rest: Any) -> requests.Response:
        """Ask for a chart; answer what is not needed for it with nothing, without asking."""
        path = urlsplit(str(url)).path
        asked = Question(NAME, path.rpartition("/")[2])
        if path in FOR_THE_CRUMB:
            nothing = requests.Response()
            nothing.status_code, nothing.url, nothing.raw = 200, str(url), io.BytesIO()
            return nothing
        if not path.startswith(CHART):  # it looks elsewhere for what the chart did not tell
            raise asked.empty("no such symbol, or no time zone of it")
        params = {k: v for k, v in (rest.get("params") or {}).items() if k != "crumb"}
        answer = self._web.session.get(self._web.base_url.rstrip("/") + path, params=params)
        if answer.status_code == 404:
            raise asked.empty("no such symbol; was it renamed or delisted?")
        answer.raise_for_status()
        return answer


@cache
def prepare(folder: str) -> None:
    """Make yfinance say what went wrong, and keep its tables of time zones in our cache."""
    yfinance.config.debug.hide_exceptions = False
    yfinance.set_tz_cache_location(folder)


def hush() -> None:
    """Silence what pandas 3 says of yfinance's own code; yfinance turns it on when imported."""
    if warning := getattr(pd.errors, "Pandas4Warning", None):
        warnings.filterwarnings("ignore", category=warning, module=r"yfinance(\.|$)")


def names_of(subject: str) -> tuple[str, ...]:
    """Return what a subject of the catalogue is called.

    CoinGecko's id is another way to write it, unless it only repeats the symbol, which is what a
    namesake has in common.
    """
    known = catalogue.load()
    entry = known.networks.get(subject) or known.factors.get(subject)
    if entry is None:
        return (subject,)
    ids = [entry.identifiers.coingecko or "", entry.id]
    symbol = _words(entry.symbol)
    return (entry.name, *(id_ for id_ in ids if _words(id_) - symbol))


def parse_history(
    history: Any, meta: Any, symbol: str, *, names: tuple[str, ...], now: dt.datetime
) -> pd.DataFrame:
    """Read a frame of `Ticker.history` and its metadata: the closes of complete days.

    Parameters
    ----------
    names : what the symbol may stand for
    """
    question = Question(NAME, symbol)
    if not isinstance(history, pd.DataFrame) or not isinstance(meta, Mapping):
        raise question.changed("no table of prices")
    if history.empty:
        raise question.empty("no prices")
    if not isinstance(history.index, pd.DatetimeIndex) or "Close" not in history:
        raise question.changed("no closes by day")
    check_name(meta, question, names)
    if meta.get("currency") != "USD":
        raise question.changed(f"prices in {meta.get('currency')!s:.20}, not in USD")
    days = history.index.tz_localize(None).normalize()  # of the exchange, as they come
    closes = pd.to_numeric(history["Close"], errors="coerce").set_axis(days).dropna()
    closes = complete(closes, now)
    if len(closes) and midnight(now) - closes.index.max() > OLDEST_DAYS * ONE_DAY:
        raise question.empty(
            f"nothing after {closes.index.max():%Y-%m-%d}; was the symbol renamed or delisted?"
        )
    return fetched(closes, question)


def check_name(meta: Mapping[str, Any], question: Question, names: tuple[str, ...]) -> None:
    """Raise unless the answer is about what it should be: other coins have the same symbol."""
    said = [name for key in ("longName", "shortName") if (name := meta.get(key))]
    if not said:
        raise question.changed("it does not say whose prices these are")
    wanted = [_words(name) for name in names]
    if not any(_words(str(name)) in wanted for name in said):
        raise question.empty(f"these are prices of {said[0]!s:.60}, not of {names[0]}")


def _words(name: str) -> set[str]:
    words = (re.sub(r"[^0-9a-z]", "", word) for word in re.split(r"[\s_-]+", name.casefold()))
    return {word for word in words if word} - SAYS_NOTHING
