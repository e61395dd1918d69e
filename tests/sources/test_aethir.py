"""Aethir's revenue: days with a year, and a service that ended."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from pytest_httpserver import HTTPServer

from research.errors import EmptyError, SchemaChangedError, SourceError, UnavailableError
from research.sources import Wanted
from research.sources.aethir import Aethir, parse_revenue
from tests.sources.conftest import MakeWeb
from tests.sources.mutations import answers, check

NOW = dt.datetime(2026, 3, 6, 10, tzinfo=dt.UTC)
PATH = "/protocol/demand-metrics/historical-network-revenue"
# composed from the shape that DefiLlama's adapter reads; the numbers are invented
RIGHT: dict[str, Any] = {
    "dailyRevenue": [
        {"date": "2026-03-04", "usdValue": 300_000.5},
        {"date": "2026-03-05", "usdValue": "310000.25"},
        {"date": "2026-03-06", "usdValue": 12.0},
    ],
    "weeklyRevenue": [{"date": "Mar 2", "usdValue": 1.0}],
}
PARSERS: list[tuple[str, Callable[[Any], pd.DataFrame]]] = [
    ("aethir dailyRevenue", partial(parse_revenue, now=NOW))
]


def said(frame: pd.DataFrame) -> list[tuple[str, float]]:
    return [(f"{day:%m-%d}", value) for day, value in zip(frame.date, frame.value, strict=True)]


def revenue(*rows: tuple[Any, Any]) -> list[tuple[str, float]]:
    days = [{"date": date, "usdValue": value} for date, value in rows]
    return said(parse_revenue({"dailyRevenue": days}, now=NOW))


def fetch(line: Any, key: str = "dailyRevenue") -> pd.DataFrame:
    return Aethir().fetch(Wanted(series="aethir.fees_usd", key=key, since=None), line, NOW)


def test_daily_revenue_without_the_running_day(httpserver: HTTPServer, web: MakeWeb) -> None:
    httpserver.expect_request(PATH).respond_with_json(RIGHT)
    assert said(fetch(web("aethir"))) == [("03-04", 300_000.5), ("03-05", 310_000.25)]


def test_a_service_that_ended_is_unavailable(httpserver: HTTPServer, web: MakeWeb) -> None:
    httpserver.expect_request(PATH).respond_with_data("Not Found", status=404)
    with pytest.raises(UnavailableError, match="HTTP 404"):
        fetch(web("aethir"))


def test_a_label_without_its_year_is_refused() -> None:
    with pytest.raises(SchemaChangedError, match="date of row 1 is 'Mar 2', not a date"):
        revenue(("Mar 2", 1.0))


def test_null_is_a_gap_and_a_list_without_rows_is_empty() -> None:
    assert revenue(("2026-03-04", None), ("2026-03-05", 2)) == [("03-05", 2)]
    with pytest.raises(EmptyError, match="dailyRevenue is an empty list"):
        revenue()


def test_the_page_instead_of_the_table_is_refused() -> None:
    with pytest.raises(SchemaChangedError, match="lacks 'dailyRevenue'; it has 'error'"):
        parse_revenue({"error": "moved"}, now=NOW)


def test_an_unknown_key_is_refused_unasked(web: MakeWeb) -> None:
    line = web("aethir")
    with pytest.raises(SourceError, match="no such feed; it has dailyRevenue"):
        fetch(line, "weeklyRevenue")
    assert line.requests == 0


@settings(max_examples=500, deadline=None)
@given(answer=answers(RIGHT))
def test_any_answer_makes_a_frame_or_one_of_our_errors(answer: Any) -> None:
    check(PARSERS[0][1], answer, pd.Timestamp(NOW.date()))
