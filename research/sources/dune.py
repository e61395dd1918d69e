"""Dune: any daily column of a query that someone keeps there.

A feed's key is QUERY_ID:DATE_COLUMN:VALUE_COLUMN. Only the query's last result is read: nothing is
executed, which would cost credits. Reading costs credits too, by size, so only the two columns are
asked for.
"""

from __future__ import annotations

import datetime as dt
import logging
import re
import sys
from typing import TYPE_CHECKING, Any

import pandas as pd
import requests
from dune_client.client import DuneClient
from dune_client.models import DuneError, ExecutionState, ResultsResponse

from research.errors import NeedsKeyError, SchemaChangedError, SourceError, UnavailableError
from research.sources import Wanted
from research.sources._answers import Question
from research.sources._daily import Row, day_of, from_text
from research.sources._faults import SHORT, read_json, said_by

if TYPE_CHECKING:
    from research.sources.web import Web

KEY = re.compile(r"(?P<query>\d+):(?P<date>[^:]+):(?P<value>[^:]+)", re.ASCII)
API = "/api/v1"  # the client adds it
NEVER_HOURS = sys.maxsize  # a result that is older would be executed again
TIMEOUT_SECONDS = 60.0  # its own is 10, too little for a page of 32,000 rows
# what the client raises of an answer that it cannot read, and `web.call` does not know
UNREADABLE = (DuneError, ArithmeticError, AssertionError)

# it logs, or prints to stderr, what it cannot read, which may repeat a key
logging.getLogger("dune_client").setLevel(logging.CRITICAL)


class Client(DuneClient):
    """A client that has our session, and so our limits, and tries once."""

    def __init__(self, web: Web, key: str) -> None:
        base_url = web.base_url.rstrip("/").removesuffix(API)
        super().__init__(key, base_url=base_url, request_timeout=TIMEOUT_SECONDS)
        self.http.close()
        self.http = web.session
        self._read: set[str] = set()

    def _handle_response(self, response: requests.Response) -> Any:
        response.raise_for_status()
        return read_json(response.content)

    def default_headers(self) -> dict[str, str]:
        """Return the key; the session says who we are."""
        return {"x-dune-api-key": self.token}

    def _get_execution_results_by_url(
        self, url: str, params: dict[str, Any] | None = None
    ) -> ResultsResponse:
        if url in self._read:  # or it would go on until the budget ends
            raise ValueError("a page leads back to itself")
        self._read.add(url)
        return super()._get_execution_results_by_url(url, params)


class Dune:
    """The last results of queries, https://docs.dune.com/api-reference/executions."""

    def fetch(self, wanted: Wanted, web: Web, now: dt.datetime) -> pd.DataFrame:
        """Return one row a day, those days that were over when the query was run."""
        if (named := KEY.fullmatch(wanted.key)) is None:
            reason = "no such feed; a key is QUERY_ID:DATE_COLUMN:VALUE_COLUMN"
            raise SourceError("dune", wanted.key, reason)
        query, columns = int(named["query"]), [named["date"], named["value"]]
        result = web.call(wanted.key, lambda: _latest(web, query, columns, what=wanted.key))
        return parse_rows(
            _rows(result, wanted.key),
            date=named["date"],
            value=named["value"],
            now=min(now, _run_at(result)),
        )


def parse_rows(answer: Any, *, date: str, value: str, now: dt.datetime) -> pd.DataFrame:
    """Read the rows of a result, all pages of it, as `Fetched`.

    Parameters
    ----------
    date, value : the columns to read; large whole numbers come as texts
    now : when the query was run; the day that ran then is a part, and left out
    """
    question = Question("dune", f"{date}:{value}")
    rows: list[Row] = []
    for nr, row in enumerate(question.records(answer, date, value, of="the result"), 1):
        of = f"{date} of row {nr}"
        at = day_of(from_text(row[date], of, question), of, question)
        rows.append({"at": at, "value": question.number(row[value], f"{value} of row {nr}")})
    return question.days(rows, now)


def _latest(web: Web, query: int, columns: list[str], what: str) -> ResultsResponse:
    """Return the last result of a query; two requests, and one for each further page."""
    if web.key is None:
        raise NeedsKeyError("dune", what, "a free one is at https://dune.com/settings/api")
    client = Client(web, web.key)
    try:
        return client.get_latest_result(query, max_age_hours=NEVER_HOURS, columns=columns)
    except requests.HTTPError as refused:
        if refused.response is not None and refused.response.status_code == 400:
            said = web.scrub(said_by(refused.response.content, SHORT))
            reason = f"it refuses the columns {' and '.join(columns)}: {said}"
            raise SchemaChangedError("dune", what, reason) from None
        raise
    except UNREADABLE as odd:
        raise SchemaChangedError("dune", what, f"not a result: {type(odd).__name__}") from None


def _rows(result: ResultsResponse, what: str) -> list[dict[str, Any]]:
    if result.state is not ExecutionState.COMPLETED:
        reason = f"the query's last run is {result.state.value}; run it at https://dune.com"
        raise UnavailableError("dune", what, reason)
    if result.result is None:
        raise SchemaChangedError("dune", what, "a completed run without a result")
    rows, expected = result.result.rows, result.result.metadata.total_row_count
    if len(rows) != expected:
        raise SchemaChangedError("dune", what, f"{len(rows)} rows of {expected}")
    return rows


def _run_at(result: ResultsResponse) -> dt.datetime:
    """Return when a query was run: what happened later is not in its result."""
    at = result.times.execution_started_at or result.times.submitted_at
    return at if at.tzinfo else at.replace(tzinfo=dt.UTC)
