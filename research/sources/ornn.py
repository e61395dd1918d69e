"""Ornn, an index of what compute trades at: USD per GPU-hour, one value a day.

https://dashboard.ornnai.com/docs: `GET /api/gpu/{card}/index-history`, without a key the last 92
days or so, settled a day late. The key of a feed is the card as Ornn writes it, such as `H100 SXM`
or `RTX 5090`; which are free is in `/api/gpu-types-free`, and changes.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pandas as pd

from research.sources import Wanted
from research.sources._answers import Question
from research.sources._rates import check_complaint, last_of_days

if TYPE_CHECKING:
    from research.sources.web import Web


class Ornn:
    """The rolling history of an index; what has left its window stays in the store."""

    def fetch(self, wanted: Wanted, web: Web, now: dt.datetime) -> pd.DataFrame:
        """Return the complete days of a card's index."""
        params = {"startDate": wanted.since.isoformat()} if wanted.since else None
        answer = web.json(f"/gpu/{quote(wanted.key, safe='')}/index-history", params=params)
        return parse_index_history(answer, wanted=wanted, now=now)


def parse_index_history(answer: Any, *, wanted: Wanted, now: dt.datetime) -> pd.DataFrame:
    """Read the last value of each complete day; a day that has none is left out."""
    question = Question("ornn", f"index-history {wanted.key}")
    check_complaint(question, answer, "data")
    answer = question.record(answer, "success", "gpu_type", "data")
    if answer["success"] is not True or answer["gpu_type"] != wanted.key:
        raise question.changed(f"the answer is of {str(answer['gpu_type'])[:40]!r}")
    looks = []
    for nr, row in enumerate(
        question.records(answer["data"], "timestamp", "index_value", of="data"), 1
    ):
        value = question.number(row["index_value"], f"index_value of row {nr}")
        at = question.instant(row["timestamp"], f"timestamp of row {nr}")
        if value > 0:
            looks.append((at, value))
    days = last_of_days(looks)
    return question.days(
        [{"at": day, "value": value, "series": wanted.series} for day, value in days.items()], now
    )
