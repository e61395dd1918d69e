"""Livepeer: fees, minutes of video and active orchestrators, each day.

Fees are paid in ETH and valued in US dollars by Livepeer at the time of payment; they are booked
when a winning ticket is cashed in, which comes in lumps.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from research.errors import SourceError
from research.sources import Wanted
from research.sources._answers import Question
from research.sources._daily import Row, Tables, day_of, from_seconds, without_last

if TYPE_CHECKING:
    from research.sources.web import Web

FEES, USAGE = "protocol-day-data", "usage"  # routes of the explorer
# by field, the key of a feed: the route it is taken from, though it may be in the other one too
ROUTES: Mapping[str, str] = {
    "volumeUsd": FEES,  # without payments that Livepeer holds to be no demand
    "activeTranscoderCount": FEES,
    "volumeEth": USAGE,
    "feeDerivedMinutes": USAGE,
}
DERIVED = ("feeDerivedMinutes",)  # by Livepeer from the fees, not counted


class Livepeer(Tables):
    """The explorer's own tables, https://explorer.livepeer.org."""

    def fetch(self, wanted: Wanted, web: Web, now: dt.datetime) -> pd.DataFrame:
        """Return one row a day; the explorer always answers with all years."""
        if wanted.key not in ROUTES:
            reason = f"no such feed; it has {', '.join(ROUTES)}"
            raise SourceError("livepeer", wanted.key, reason)
        answer = self.ask(web, now, f"/api/{ROUTES[wanted.key]}")
        return parse_day_data(answer, field=wanted.key, now=now)


def parse_day_data(answer: Any, *, field: str, now: dt.datetime) -> pd.DataFrame:
    """Read the `dayData` of an answer as `Fetched`.

    The last day is left out: the answer may come from a cache that keeps it for a day, so that the
    day which ran when it was made may be over by `now`, with a part of its fees.
    """
    question = Question("livepeer", f"{ROUTES[field]} {field}")
    table = question.record(answer, "dayData")["dayData"]
    rows: list[Row] = []
    for nr, row in enumerate(question.records(table, "dateS", field, of="dayData"), 1):
        value = question.number(row[field], f"{field} of row {nr}")
        is_unknown = ROUTES[field] == USAGE and value == 0  # it writes 0 for null
        of = f"dateS of row {nr}"
        at = day_of(from_seconds(row["dateS"], of, question), of, question)
        rows.append({"at": at, "value": math.nan if is_unknown else value})
        if field in DERIVED:
            rows[-1]["kind"] = "derived"
    return question.days(without_last(rows), now)
