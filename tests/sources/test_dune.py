"""Dune through its client: pages, runs that are over or are not, and never an execution."""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from research.errors import (
    EmptyError,
    NeedsKeyError,
    RateLimitedError,
    SchemaChangedError,
    SourceError,
    UnavailableError,
)
from research.sources import Wanted
from research.sources.dune import Dune, parse_rows
from tests.sources.conftest import MakeWeb
from tests.sources.mutations import answers, check

NOW = dt.datetime(2026, 8, 21, 10, tzinfo=dt.UTC)
KEY = "very-secret-key"
FEED = "1234:block_date:burned"
LATEST, RESULTS = "/api/v1/query/1234/results", "/api/v1/execution/01HK/results"
# composed from the shape of the documentation; the numbers are invented
RIGHT: list[dict[str, Any]] = [
    {"block_date": "2026-08-18 00:00:00.000 UTC", "burned": 10.5},
    {"block_date": "2026-08-19", "burned": "11000000000000000000"},
    {"block_date": "2026-08-20T00:00:00Z", "burned": 12},
]
PARSERS: list[tuple[str, Callable[[Any], pd.DataFrame]]] = [
    ("dune rows", partial(parse_rows, date="block_date", value="burned", now=NOW))
]


def result(rows: list[dict[str, Any]], **changed: Any) -> dict[str, Any]:
    metadata = {
        "column_names": ["block_date", "burned"],
        "column_types": ["timestamp(3) with time zone", "double"],
        "row_count": len(rows),
        "total_row_count": len(rows),
        "result_set_bytes": 1000,
        "total_result_set_bytes": 1000,
        "datapoint_count": 2 * len(rows),
        "pending_time_millis": 10,
        "execution_time_millis": 1000,
    } | changed.pop("metadata", {})
    return {
        "execution_id": "01HK",
        "query_id": 1234,
        "is_execution_finished": True,
        "state": "QUERY_STATE_COMPLETED",
        "submitted_at": "2026-08-21T08:59:58.724658237Z",
        "expires_at": "2026-11-19T09:00:10.724658237Z",
        "execution_started_at": "2026-08-21T09:00:00.724658237Z",
        "execution_ended_at": "2026-08-21T09:00:10.724658237Z",
        "result": {"rows": rows, "metadata": metadata},
    } | changed


def serve(httpserver: HTTPServer, answer: Any, *, status: int = 200) -> None:
    for path in (LATEST, RESULTS):
        httpserver.expect_request(path, method="GET").respond_with_json(answer, status=status)


@pytest.fixture
def dune(web: MakeWeb) -> Callable[..., pd.DataFrame]:
    def fetch(key: str | None = KEY, feed: str = FEED, **fields: Any) -> pd.DataFrame:
        line = web("dune", base_path="/api/v1", key=key, takes_key="required", **fields)
        return Dune().fetch(Wanted(series="render.tokens_burned", key=feed, since=None), line, NOW)

    return fetch


def said(frame: pd.DataFrame) -> list[tuple[str, float]]:
    return [(f"{day:%m-%d}", value) for day, value in zip(frame.date, frame.value, strict=True)]


def asked(httpserver: HTTPServer) -> list[str]:
    return [f"{request.method} {request.path}" for request, _ in httpserver.log]


def test_the_last_result_is_read_with_the_key_in_the_header_and_nothing_is_executed(
    httpserver: HTTPServer, dune: Callable[..., pd.DataFrame]
) -> None:
    serve(httpserver, result(RIGHT))
    assert said(dune()) == [("08-18", 10.5), ("08-19", 1.1e19), ("08-20", 12)]
    assert asked(httpserver) == [f"GET {LATEST}", f"GET {RESULTS}"]
    for request, _ in httpserver.log:
        assert request.headers["x-dune-api-key"] == KEY
        assert request.headers["User-Agent"].startswith("gpu-depin-research/")
        assert KEY not in request.url
    rows_asked = httpserver.log[1][0].args
    assert rows_asked["columns"] == "block_date,burned"
    assert rows_asked["limit"] == "32000"


def test_a_result_of_years_ago_is_read_and_not_executed_again(
    httpserver: HTTPServer, dune: Callable[..., pd.DataFrame]
) -> None:
    run = dict.fromkeys(("submitted_at", "execution_started_at"), "2020-03-01T09:00:00Z")
    old = [{"block_date": "2020-02-28", "burned": 1}, {"block_date": "2020-02-29", "burned": 2}]
    serve(httpserver, result(old, execution_ended_at="2020-03-01T09:10:00Z", **run))
    assert said(dune()) == [("02-28", 1), ("02-29", 2)]
    assert all(line.startswith("GET") for line in asked(httpserver))


def test_the_day_on_which_the_query_ran_is_left_out(
    httpserver: HTTPServer, dune: Callable[..., pd.DataFrame]
) -> None:
    run_yesterday = "2026-08-20T09:00:00Z"
    serve(httpserver, result(RIGHT, execution_started_at=run_yesterday))
    assert [day for day, _ in said(dune())] == ["08-18", "08-19"]


def test_all_pages_are_read(httpserver: HTTPServer, dune: Callable[..., pd.DataFrame]) -> None:
    def answer(request: Request) -> Response:
        offset = int(request.args.get("offset", 0))
        more = {"next_uri": httpserver.url_for(f"{RESULTS}?offset={offset + 1}"),
                "next_offset": offset + 1} if offset < 2 else {}  # fmt: skip
        page = result(RIGHT[offset : offset + 1], metadata={"total_row_count": 3}, **more)
        return Response(json.dumps(page), mimetype="application/json")

    httpserver.expect_request(LATEST).respond_with_json(result(RIGHT[:1]))
    httpserver.expect_request(RESULTS).respond_with_handler(answer)
    assert [day for day, _ in said(dune())] == ["08-18", "08-19", "08-20"]
    assert len(httpserver.log) == 4


def test_a_result_with_a_page_missing_is_refused(
    httpserver: HTTPServer, dune: Callable[..., pd.DataFrame]
) -> None:
    serve(httpserver, result(RIGHT, metadata={"total_row_count": 64_000}))
    with pytest.raises(SchemaChangedError, match="3 rows of 64000"):
        dune()


def test_a_page_that_leads_back_to_itself_ends(
    httpserver: HTTPServer, dune: Callable[..., pd.DataFrame]
) -> None:
    serve(httpserver, result(RIGHT, next_uri=httpserver.url_for(f"{RESULTS}?offset=3")))
    with pytest.raises(SchemaChangedError, match="a page leads back to itself"):
        dune()
    assert len(httpserver.log) == 3


def test_a_page_on_another_host_is_not_asked_for(
    httpserver: HTTPServer, dune: Callable[..., pd.DataFrame]
) -> None:
    serve(httpserver, result(RIGHT, next_uri="https://dune.example/steal"))
    with pytest.raises(SchemaChangedError, match="not a result"):
        dune()


@pytest.mark.parametrize("state", ["PENDING", "EXECUTING", "FAILED", "CANCELLED", "EXPIRED"])
def test_a_run_without_a_result_is_unavailable(
    httpserver: HTTPServer, dune: Callable[..., pd.DataFrame], state: str
) -> None:
    answer = result(RIGHT, state=f"QUERY_STATE_{state}")
    del answer["result"], answer["execution_ended_at"]
    serve(httpserver, answer)
    with pytest.raises(UnavailableError, match=f"last run is QUERY_STATE_{state}"):
        dune()
    assert all(line.startswith("GET") for line in asked(httpserver))


def test_a_result_that_was_cut_for_its_size_is_refused(
    httpserver: HTTPServer, dune: Callable[..., pd.DataFrame]
) -> None:
    serve(httpserver, result(RIGHT, state="QUERY_STATE_COMPLETED_PARTIAL"))
    with pytest.raises(UnavailableError, match="COMPLETED_PARTIAL"):
        dune()


@pytest.mark.parametrize(
    ("status", "said_by_dune", "error", "reason"),
    [
        (401, "invalid API Key", NeedsKeyError, "HTTP 401: invalid API Key"),
        (402, "credits exhausted", NeedsKeyError, "HTTP 402: credits exhausted"),
        (404, "Query not found", UnavailableError, "HTTP 404"),
        (400, "column not found", SchemaChangedError, "block_date and burned: column not found"),
        (429, "too many requests", RateLimitedError, "HTTP 429"),
        (500, "An internal error occured", UnavailableError, "HTTP 500 after 3 tries"),
        (200, "An internal error occured", SchemaChangedError, "not a result: DuneError"),
    ],
)
def test_refusals_are_told_apart(
    httpserver: HTTPServer,
    dune: Callable[..., pd.DataFrame],
    status: int,
    said_by_dune: str,
    error: type[SourceError],
    reason: str,
) -> None:
    serve(httpserver, {"error": said_by_dune}, status=status)
    with pytest.raises(error, match=reason) as raised:
        dune()
    assert KEY not in str(raised.value)


@pytest.mark.parametrize(
    ("body", "error", "reason"),
    [
        ("<html><title>Oops</title></html>", SchemaChangedError, "HTML page 'Oops', not JSON"),
        ('{"execution_id": "01HK", "sta', UnavailableError, "JSON that is cut off"),
        ("[]", SchemaChangedError, "TypeError"),
        ("null", SchemaChangedError, "TypeError"),
        ('{"execution_id": 1}', SchemaChangedError, "not a result: AssertionError"),
    ],
)
def test_what_is_no_result_is_named(
    httpserver: HTTPServer,
    dune: Callable[..., pd.DataFrame],
    body: str,
    error: type[SourceError],
    reason: str,
) -> None:
    httpserver.expect_request(LATEST).respond_with_data(body, content_type="application/json")
    with pytest.raises(error, match=reason):
        dune()


def test_no_key_reaches_a_log_even_if_dune_repeats_it(
    httpserver: HTTPServer,
    dune: Callable[..., pd.DataFrame],
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    serve(httpserver, {"error": f"invalid API Key {KEY}"})
    with caplog.at_level(logging.DEBUG), pytest.raises(SchemaChangedError) as raised:
        dune()
    assert KEY not in str(raised.value) + caplog.text + capsys.readouterr().err


def test_without_a_key_or_a_network_nothing_is_asked(
    httpserver: HTTPServer, dune: Callable[..., pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUNE_API_KEY", "of-another-program")
    with pytest.raises(NeedsKeyError, match="RESEARCH_KEYS__DUNE"):
        dune(key=None)
    with pytest.raises(UnavailableError, match="offline"):
        dune(offline=True)
    assert not httpserver.log


@pytest.mark.parametrize("feed", ["1234", "1234:block_date", "x:a:b", "1:a:b:c", ":a:b", "1::b"])
def test_a_key_of_another_form_is_refused_unasked(
    httpserver: HTTPServer, dune: Callable[..., pd.DataFrame], feed: str
) -> None:
    with pytest.raises(SourceError, match="a key is QUERY_ID:DATE_COLUMN:VALUE_COLUMN"):
        dune(feed=feed)
    assert not httpserver.log


def rows(*pairs: tuple[Any, Any], value: str = "burned") -> list[tuple[str, float]]:
    answer = [{"block_date": day, "burned": burned} for day, burned in pairs]
    return said(parse_rows(answer, date="block_date", value=value, now=NOW))


def test_a_renamed_column_is_named_with_those_found() -> None:
    with pytest.raises(SchemaChangedError, match="lacks 'minted'; it has 'block_date', 'burned'"):
        rows(("2026-08-18", 1), value="minted")


def test_hours_and_two_rows_a_day_are_refused() -> None:
    with pytest.raises(SchemaChangedError, match="2026-08-18 13:00 UTC, not the beginning"):
        rows(("2026-08-18 13:00:00.000 UTC", 1))
    with pytest.raises(SchemaChangedError, match="two different values for 2026-08-18"):
        rows(("2026-08-18", 1), ("2026-08-18 00:00:00.000 UTC", 2))


def test_null_is_a_gap_and_no_rows_are_empty() -> None:
    assert rows(("2026-08-18", None), ("2026-08-19", 0)) == [("08-19", 0)]
    with pytest.raises(EmptyError, match="empty list"):
        rows()


@settings(max_examples=500, deadline=None)
@given(answer=answers(RIGHT))
def test_any_rows_make_a_frame_or_one_of_our_errors(answer: Any) -> None:
    check(PARSERS[0][1], answer, pd.Timestamp(NOW.date()))
