"""Where observations come from: the only code that opens a socket, one file an upstream.

An upstream asks and understands apart: `fetch` goes through `web.Web`, which has the one policy of
time limits, retries and rates, and pure functions parse what came back. A new upstream is one file
and one line in `SOURCES`, and its facts are a table in `catalogue/sources.toml`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

import pandas as pd

from research.errors import UsageError

if TYPE_CHECKING:
    from research.sources.web import Web

SOURCES: Mapping[str, str] = {  # imported when asked for
    "coingecko": "research.sources.coingecko:CoinGecko",
    "yahoo": "research.sources.yahoo:Yahoo",
    "defillama": "research.sources.defillama:DefiLlama",
    "binance": "research.sources.binance:Binance",
    "bybit": "research.sources.bybit:Bybit",
    "akash": "research.sources.akash:Akash",
    "akash_lcd": "research.sources.akash_lcd:AkashLcd",
    "render": "research.sources.render:Render",
    "ionet": "research.sources.ionet:IoNet",
    "depin_ninja": "research.sources.depin_ninja:DepinNinja",
    "nosana": "research.sources.nosana:Nosana",
    "golem": "research.sources.golem:Golem",
    "livepeer": "research.sources.livepeer:Livepeer",
    "aethir": "research.sources.aethir:Aethir",
    "dune": "research.sources.dune:Dune",
    "gpuhunt": "research.sources.cloud:Cloud",
    "vast": "research.sources.vast:Vast",
    "runpod": "research.sources.runpod:RunPod",
    "salad": "research.sources.salad:Salad",
    "ornn": "research.sources.ornn:Ornn",
    "getflops": "research.sources.getflops:GetFlops",
}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One series that an upstream is asked for."""

    series: str  # such as akash.gpus_active
    key: str  # what the upstream calls it
    since: dt.date | None  # the first day that is needed; None: all there is


class Source(Protocol):
    """An upstream."""

    def fetch(self, wanted: Wanted, web: Web, now: dt.datetime) -> pd.DataFrame:
        """Ask for a series and return its complete days.

        Returns
        -------
        frame with `date` (UTC day; a price is the close of that day), `value`, and where they
        differ from the usual `series` (the one wanted), `period_days` (1), `kind` (the upstream's)

        Raises
        ------
        SourceError
            It cannot be had. An empty frame is never returned, nor a zero for what is missing.
        """
        ...


def source(name: str) -> Source:
    """Return the upstream of a name in `SOURCES`."""
    if name not in SOURCES:
        raise UsageError(f"unknown source {name!r}; known are {', '.join(SOURCES)}")
    module, _, cls = SOURCES[name].partition(":")
    made: Source = getattr(import_module(module), cls)()
    return made
