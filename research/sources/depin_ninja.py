"""DePIN Ninja: revenue of networks as they report it or as it is scraped, the last 90 days.

https://docs.depin.ninja: `/external-access/revenue`, with a free key in the header `x-api-key`. A
feed's key is the project's name, such as `IO.Net`. How it is counted differs from one to another.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pandas as pd

from research.errors import NeedsKeyError
from research.sources import Wanted
from research.sources._answers import Question

if TYPE_CHECKING:
    from research.sources.web import Web

NAME = "depin_ninja"
MAX_PAGES = 20
ROWS = 100  # of a page, the most there may be


class DepinNinja:
    """Daily revenue in USD."""

    def fetch(self, wanted: Wanted, web: Web, now: dt.datetime) -> pd.DataFrame:
        """Ask for the revenue of one project, page by page until it is there."""
        asked = Question(NAME, wanted.key)
        if web.key is None:
            raise NeedsKeyError(NAME, wanted.key, "it answers only with a key")
        params = {
            "projectName": wanted.key,
            "getRevenueHistoricalData": "true",
            "limit": ROWS,
        }
        for page in range(1, MAX_PAGES + 1):
            answer = web.json(
                "revenue", params=params | {"page": page}, headers={"x-api-key": web.key}
            )
            is_last = page >= _pages(asked, answer)
            if is_last or _find(asked, answer, wanted.key):
                return parse_revenue(answer, project=wanted.key, now=now)
        raise asked.empty(f"the project is not on the first {MAX_PAGES} pages")


def parse_revenue(answer: Any, *, project: str, now: dt.datetime) -> pd.DataFrame:
    """Read the daily revenue of one project from a page."""
    asked = Question(NAME, project)
    if not (found := _find(asked, answer, project)):
        raise asked.empty("the project is not among the answer's")
    if len(found) > 1:
        raise asked.changed(f"{len(found)} projects of this name")
    history = asked.record(found[0], "revenueData", of="the project")["revenueData"]
    days = asked.records(history, "date", "revenue", of="revenueData")
    return asked.days(
        (
            {
                "at": asked.instant(day["date"], "date"),
                "value": asked.number(day["revenue"], "revenue"),
            }
            for day in days
        ),
        now,
    )


def _pages(asked: Question, answer: Any) -> float:
    return asked.known(asked.record(answer, "totalPages")["totalPages"], "totalPages")


def _find(asked: Question, answer: Any, project: str) -> list[dict[str, Any]]:
    """Return the projects of a page that have this name."""
    projects = asked.records(asked.record(answer, "data")["data"], "name", of="data")
    return [one for one in projects if str(one["name"]).casefold() == project.casefold()]
