"""Aethir: what customers paid for GPUs each day, as its dashboard stated it until March 2026."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pandas as pd

from research.errors import SourceError
from research.sources import Wanted
from research.sources._answers import Question
from research.sources._daily import Row, day_of, from_text

if TYPE_CHECKING:
    from research.sources.web import Web

PATH = "/protocol/demand-metrics/historical-network-revenue"
KEY = "dailyRevenue"


class Aethir:
    """The revenue of https://dashboard.aethir.com, behind dashboard-api.aethir.com."""

    def fetch(self, wanted: Wanted, web: Web, now: dt.datetime) -> pd.DataFrame:
        """Return one row a day; Aethir always answers with all it has."""
        if wanted.key != KEY:
            raise SourceError("aethir", wanted.key, f"no such feed; it has {KEY}")
        return parse_revenue(web.json(PATH), now=now)


def parse_revenue(answer: Any, *, now: dt.datetime) -> pd.DataFrame:
    """Read the daily part of a `historical-network-revenue` answer as `Fetched`."""
    question = Question("aethir", KEY)
    table = question.record(answer, KEY)[KEY]
    rows: list[Row] = []
    for nr, row in enumerate(question.records(table, "date", "usdValue", of=KEY), 1):
        of = f"date of row {nr}"
        at = day_of(from_text(row["date"], of, question), of, question)
        rows.append({"at": at, "value": question.number(row["usdValue"], f"usdValue of row {nr}")})
    return question.days(rows, now)
