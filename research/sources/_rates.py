"""What the sources of rental rates have in common: cards, offers, days, and complaints."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from research import catalogue
from research.errors import UnavailableError
from research.sources._answers import Question

T = TypeVar("T")

COMPLAINTS = ("error", "errors", "detail", "message", "msg")
RATE = re.compile(
    r"rate(?P<market>(?:_[a-z]+)*?)(?:_(?:q25|q75|min|max))?_usd_per_hour"
    r"|offers(?P<counted>(?:_[a-z]+)*)_count"
)


def check_complaint(question: Question, answer: Any, expected: str) -> None:
    """Raise if `answer` is the upstream's word that something is wrong.

    Parameters
    ----------
    expected : the field that an answer proper has; with it, a message is no complaint
    """
    if not isinstance(answer, dict):
        return
    said = next((answer[name] for name in COMPLAINTS if answer.get(name)), None)
    is_refused = answer.get("success") is False or answer.get("errors")
    if is_refused or (said is not None and answer.get(expected) is None):
        reason = f"it says {str(said)[:120]!r}" if said else "it says success: false"
        raise UnavailableError(question.source, question.what, reason)


def card_and_memory(key: str) -> tuple[str, float | None]:
    """Return the card that a key names and its memory in GB: `A100 PCIE:80`, or `H100 SXM`."""
    card, colon, memory = key.rpartition(":")
    return (card, float(memory)) if colon and memory.isdecimal() else (key, None)


def known(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of which the catalogue has the measure; the others have no meaning yet."""
    measures = frame["series"].str.partition(".")[2]
    return frame[measures.isin([*catalogue.load().measures])].reset_index(drop=True)


def market_of(series: str) -> str:
    """Return the market of a rate: `cloud` of rate_cloud_usd_per_hour, nothing of the open one."""
    found = RATE.fullmatch(series.partition(".")[2])
    return (found["market"] or found["counted"] or "").removeprefix("_") if found else ""


def named(series: str, statistic: str) -> str:
    """Return the series of a statistic of the same card in the same market as `series`.

    The market is what stands between `rate` and the unit: `rate_usd_per_hour` is the open market,
    `rate_cloud_usd_per_hour` another; their counts are `offers_count` and `offers_cloud_count`.
    """
    subject = series.partition(".")[0]
    market = f"_{found}" if (found := market_of(series)) else ""
    if statistic == "count":
        return f"{subject}.offers{market}_count"
    suffix = "" if statistic == "median" else f"_{statistic}"
    return f"{subject}.rate{market}{suffix}_usd_per_hour"


def spread(rates: Sequence[float], series: str, *, fewest: int = 1) -> dict[str | None, float]:
    """Return the count and minimum of `rates`, and with `fewest` of them median and quartiles."""
    values = {"count": float(len(rates)), "min": min(rates)}
    if len(rates) >= fewest:
        q25, median, q75 = np.quantile(rates, [0.25, 0.5, 0.75])
        values |= {"median": float(median), "q25": float(q25), "q75": float(q75)}
    return {named(series, statistic): value for statistic, value in values.items()}


def last_of_days(looks: Iterable[tuple[dt.datetime, T]]) -> dict[dt.datetime, T]:
    """Return the last look of each UTC day, by the midnight at which the day begins."""
    ends: dict[dt.datetime, tuple[dt.datetime, T]] = {}
    for at, look in looks:
        day = dt.datetime.combine(at.date(), dt.time.min, dt.UTC)
        if day not in ends or at >= ends[day][0]:
            ends[day] = (at, look)
    return {day: look for day, (_, look) in ends.items()}
