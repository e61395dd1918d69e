"""Golem: providers online, providers computing and offers with a GPU, each day.

From 2026-08-08 on, a provider with an open agreement counts as computing: the level before and
after that day is not the same measure.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pandas as pd

from research.errors import SourceError
from research.sources import Wanted
from research.sources._answers import Question
from research.sources._daily import Row, Tables, day_of, from_seconds, from_text, without_last

if TYPE_CHECKING:
    from research.sources.web import Web

COMPUTING, STATS = "computing", "stats"
FIELDS = ("online", "gpus")
WINDOW = "All"  # daily means of all years; shorter windows are the end of it, or hourly


class Golem(Tables):
    """The network statistics of https://stats.golem.network, behind api2.stats.golem.network."""

    def fetch(self, wanted: Wanted, web: Web, now: dt.datetime) -> pd.DataFrame:
        """Return one row a day; Golem always answers with all years."""
        if wanted.key == COMPUTING:
            answer = self.ask(web, now, f"/v2/network/historical/{COMPUTING}")
            return parse_computing(answer, now=now)
        field, _, runtime = wanted.key.partition("/")
        if field not in FIELDS or not runtime:
            known = "computing, online/RUNTIME and gpus/RUNTIME, such as online/vm"
            raise SourceError("golem", wanted.key, f"no such feed; it has {known}")
        answer = self.ask(web, now, f"/v2/network/historical/{STATS}")
        return parse_stats(answer, field=field, runtime=runtime, now=now)


def parse_stats(answer: Any, *, field: str, runtime: str, now: dt.datetime) -> pd.DataFrame:
    """Read the daily means of a `historical/stats` answer as `Fetched`.

    Its last point is the latest reading, stamped with the moment when the answer was made. The
    days of an answer that lay in a cache since then are complete up to that moment, not up to
    `now`; and where a runtime has died, that reading is its last one, shown again and again.
    """
    question = Question("golem", f"historical/stats {field}/{runtime}")
    _refuse_empty_cache(answer, question)
    windows = question.record(question.record(answer, runtime)[runtime], WINDOW, of=runtime)
    *points, reading = question.records(windows[WINDOW], "date", field, of=WINDOW)
    made = from_seconds(reading["date"], "date of the last point", question)
    rows: list[Row] = []
    for nr, point in enumerate(points, 1):
        of = f"date of point {nr}"
        at = day_of(from_seconds(point["date"], of, question), of, question)
        rows.append({"at": at, "value": question.number(point[field], f"{field} of point {nr}")})
    return question.days(rows, min(made, now))


def parse_computing(answer: Any, *, now: dt.datetime) -> pd.DataFrame:
    """Read the daily maxima of a `historical/computing` answer as `Fetched`.

    The last one is left out: it may still rise, and the answer does not say when it was made.
    """
    question = Question("golem", "historical/computing")
    _refuse_empty_cache(answer, question)
    points = question.records(
        question.record(answer, WINDOW)[WINDOW], "truncated_date", "total", of=WINDOW
    )
    rows: list[Row] = []
    for nr, point in enumerate(points, 1):
        of = f"truncated_date of point {nr}"
        at = day_of(from_text(point["truncated_date"], of, question), of, question)
        rows.append({"at": at, "value": question.number(point["total"], f"total of point {nr}")})
    return question.days(without_last(rows), now)


def _refuse_empty_cache(answer: Any, question: Question) -> None:
    if answer == {}:
        raise question.empty("its cache is empty")
