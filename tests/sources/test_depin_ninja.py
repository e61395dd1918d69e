"""DePIN Ninja: a key in the header, pages, and revenue that a project reports itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from pytest_httpserver import HTTPServer

from research.errors import EmptyError, NeedsKeyError, RateLimitedError, SchemaChangedError
from research.sources import Wanted
from research.sources.depin_ninja import DepinNinja, parse_revenue
from tests.sources.conftest import MakeWeb
from tests.sources.mutations import answers, check

NOW = dt.datetime(2026, 8, 22, 10, tzinfo=dt.UTC)
KEY = "s3cret-key"
WANTED = Wanted(series="io-net.earnings_usd", key="IO.Net", since=None)
PATH = "/external-access/revenue"
# composed from the documented shape; the numbers are invented
OTHER: dict[str, Any] = {"name": "Other", "revenueData": [{"date": "2026-08-21", "revenue": 1}]}
IO_NET: dict[str, Any] = {
    "projectId": "x", "name": "IO.Net", "category": "Compute", "chain": "Solana", "arr": 0,
    "revenueData": [
        {"date": "2026-08-20", "revenue": 10_400.0},
        {"date": "2026-08-21", "revenue": "10550.5"},
        {"date": "2026-08-22", "revenue": 3.0},
    ],
}  # fmt: skip
RIGHT: dict[str, Any] = {"page": 1, "totalPages": 1, "limit": 100, "data": [OTHER, IO_NET]}
PARSERS: list[tuple[str, Callable[[Any], pd.DataFrame]]] = [
    ("depin_ninja", partial(parse_revenue, project="IO.Net", now=NOW))
]


def said(frame: pd.DataFrame) -> list[tuple[str, float]]:
    return [(f"{day:%m-%d}", value) for day, value in zip(frame.date, frame.value, strict=True)]


def with_key(web: MakeWeb) -> Any:
    return web("depin_ninja", base_path="/external-access", key=KEY, takes_key="required")


def test_revenue_is_asked_for_with_the_key_in_the_header_alone(
    httpserver: HTTPServer, web: MakeWeb
) -> None:
    httpserver.expect_request(PATH, headers={"x-api-key": KEY}).respond_with_json(RIGHT)
    frame = DepinNinja().fetch(WANTED, with_key(web), NOW)
    assert said(frame) == [("08-20", 10_400), ("08-21", 10_550.5)]
    [(request, _)] = httpserver.log
    assert request.args["projectName"] == "IO.Net"
    assert request.args["getRevenueHistoricalData"] == "true"
    assert KEY not in request.url


def test_without_a_key_nothing_is_asked(web: MakeWeb) -> None:
    line = web("depin_ninja", base_path="/external-access")
    with pytest.raises(NeedsKeyError):
        DepinNinja().fetch(WANTED, line, NOW)
    assert line.requests == 0


def test_a_key_that_is_not_accepted_is_not_told(httpserver: HTTPServer, web: MakeWeb) -> None:
    httpserver.expect_request(PATH).respond_with_json(
        {"status": "error", "code": "http-401", "message": f"invalid {KEY}"}, status=401
    )
    with pytest.raises(NeedsKeyError) as refused:
        DepinNinja().fetch(WANTED, with_key(web), NOW)
    assert KEY not in str(refused.value)


def test_the_pages_are_read_until_the_project_is_there(
    httpserver: HTTPServer, web: MakeWeb
) -> None:
    for page, data in ((1, [OTHER]), (2, [IO_NET])):
        httpserver.expect_request(PATH, query_string=_page(page)).respond_with_json(
            RIGHT | {"page": page, "totalPages": 3, "data": data}
        )
    line = with_key(web)
    assert len(DepinNinja().fetch(WANTED, line, NOW)) == 2
    assert line.requests == 2


def _page(page: int) -> dict[str, str]:
    return {
        "projectName": "IO.Net",
        "getRevenueHistoricalData": "true",
        "limit": "100",
        "page": f"{page}",
    }


def test_pages_without_end_are_not_read_without_end(httpserver: HTTPServer, web: MakeWeb) -> None:
    httpserver.expect_request(PATH).respond_with_json(RIGHT | {"totalPages": 1e9, "data": [OTHER]})
    line = with_key(web)
    with pytest.raises(EmptyError, match="not on the first 20 pages"):
        DepinNinja().fetch(WANTED, line, NOW)
    assert line.requests == 20


def test_a_rate_limit_is_said_so(httpserver: HTTPServer, web: MakeWeb) -> None:
    httpserver.expect_request(PATH).respond_with_json({"status": "error"}, status=429)
    with pytest.raises(RateLimitedError):
        DepinNinja().fetch(WANTED, with_key(web), NOW)


def test_a_project_that_is_absent_or_has_no_history_is_empty() -> None:
    with pytest.raises(EmptyError, match="not among"):
        parse_revenue(RIGHT, project="Kazam", now=NOW)
    with pytest.raises(EmptyError):
        parse_revenue({"data": [IO_NET | {"revenueData": []}]}, project="IO.Net", now=NOW)
    with pytest.raises(EmptyError):
        parse_revenue(RIGHT | {"data": []}, project="IO.Net", now=NOW)


def test_a_null_is_a_gap_and_no_zero() -> None:
    days = [{"date": "2026-08-20", "revenue": None}, {"date": "2026-08-21", "revenue": 5}]
    frame = parse_revenue({"data": [IO_NET | {"revenueData": days}]}, project="io.net", now=NOW)
    assert said(frame) == [("08-21", 5)]


def test_two_projects_of_one_name_and_an_unknown_shape_are_refused() -> None:
    with pytest.raises(SchemaChangedError, match="2 projects"):
        parse_revenue({"data": [IO_NET, IO_NET]}, project="IO.Net", now=NOW)
    with pytest.raises(SchemaChangedError, match="lacks 'data'; it has 'status', 'code'"):
        parse_revenue({"status": "error", "code": "http-500"}, project="IO.Net", now=NOW)


@settings(max_examples=500, deadline=None)
@given(answer=answers(RIGHT))
def test_any_answer_makes_a_frame_or_one_of_our_errors(answer: Any) -> None:
    for _, parse in PARSERS:
        check(parse, answer, pd.Timestamp(NOW.date()))
