"""Nosana: hours, number and pay of the jobs that ran on its network.

Jobs are booked on the day on which they began, once they are completed: a day rises for as long as
the longest of its jobs runs, so the last two weeks are asked for again each time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from research.errors import SourceError
from research.sources import Wanted
from research.sources._answers import Question
from research.sources._daily import Row, Tables, day_of, from_text

if TYPE_CHECKING:
    from research.sources.web import Web

PATH = "/jobs/stats"
# by key of a feed: what Nosana calls it, and how many of its units make one of ours
FIELDS: Mapping[str, tuple[str, float]] = {
    "hours": ("duration", 3600.0),  # of jobs; one GPU each is usual, and not proven
    "jobs": ("completed", 1.0),
    "nos": ("price", 1.0),  # the same pay in tokens
    "usd": ("usdReward", 1.0),  # what hosts earn; customers pay the network's fee on top
}


class Nosana(Tables):
    """The job statistics of Nosana's indexer, https://github.com/nosana-ci/indexer."""

    def fetch(self, wanted: Wanted, web: Web, now: dt.datetime) -> pd.DataFrame:
        """Return one row a day from `wanted.since` on."""
        if wanted.key not in FIELDS:
            raise SourceError("nosana", wanted.key, f"no such feed; it has {', '.join(FIELDS)}")
        params: dict[str, str | int] = {"timeSeriesInterval": "day"}
        if wanted.since is not None:  # from midnight on, or the first day would be a part
            midnight = dt.datetime.combine(wanted.since, dt.time.min, dt.UTC)
            params["timeStart"] = int(midnight.timestamp())
        return parse_stats(self.ask(web, now, PATH, params), key=wanted.key, now=now)


def parse_stats(answer: Any, *, key: str, now: dt.datetime) -> pd.DataFrame:
    """Read a `jobs/stats` answer, whose numbers may be texts, as `Fetched`."""
    question = Question("nosana", f"jobs/stats {key}")
    field, units = FIELDS[key]
    series = question.record(answer, "series")["series"]
    rows: list[Row] = []
    for nr, row in enumerate(question.records(series, "time", field, of="series"), 1):
        value = question.number(row[field], f"{field} of row {nr}") / units
        if key == "usd" and value == 0 and question.number(row.get("duration"), "duration") > 0:
            continue  # the pay of older jobs was not recorded, and Nosana adds it up as 0
        of = f"time of row {nr}"
        at = day_of(from_text(row["time"], of, question), of, question)
        rows.append({"at": at, "value": value})
    return question.days(rows, now)
