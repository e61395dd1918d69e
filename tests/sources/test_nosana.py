"""Job hours of Nosana: texts for numbers, days that rise later, pay that was not recorded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from pytest_httpserver import HTTPServer

from research.errors import EmptyError, RateLimitedError, SchemaChangedError, SourceError
from research.sources import Wanted
from research.sources.nosana import Nosana, parse_stats
from tests.sources.conftest import MakeWeb
from tests.sources.mutations import answers, check

NOW = dt.datetime(2026, 8, 21, 10, tzinfo=dt.UTC)
# composed from the shape in the indexer's source; the numbers are invented
RIGHT = {
    "retrieved": 1787306400,
    "series": [
        {"time": "2026-08-19T00:00:00.000Z", "completed": 3800, "duration": 36_000_000,
         "price": 9000.5, "usdReward": 2100.2},
        {"time": "2026-08-20T00:00:00.000Z", "completed": "3900", "duration": "39600000",
         "price": "9100.1", "usdReward": "2150.8"},
        {"time": "2026-08-21T00:00:00.000Z", "completed": 90, "duration": 3600,
         "price": 1.0, "usdReward": 1.0},
    ],
}  # fmt: skip
PARSERS: list[tuple[str, Callable[[Any], pd.DataFrame]]] = [
    (f"nosana {key}", partial(parse_stats, key=key, now=NOW)) for key in ("hours", "usd")
]


def said(frame: pd.DataFrame) -> list[tuple[str, float]]:
    return [(f"{day:%m-%d}", value) for day, value in zip(frame.date, frame.value, strict=True)]


def stats(*rows: tuple[str, Any, Any], key: str = "hours") -> list[tuple[str, float]]:
    series = [
        {"time": time, "duration": duration, "usdReward": usd} for time, duration, usd in rows
    ]
    return said(parse_stats({"retrieved": 0, "series": series}, key=key, now=NOW))


def test_asks_for_days_from_the_first_midnight_that_is_wanted(
    httpserver: HTTPServer, web: MakeWeb
) -> None:
    since = dt.date(2026, 8, 19)
    httpserver.expect_oneshot_request(
        "/jobs/stats", query_string={"timeSeriesInterval": "day", "timeStart": "1787097600"}
    ).respond_with_json(RIGHT)
    wanted = Wanted(series="nosana.job_hours", key="hours", since=since)
    frame = Nosana().fetch(wanted, web("nosana"), NOW)
    assert said(frame) == [("08-19", 10_000), ("08-20", 11_000)]
    httpserver.check_assertions()


def test_asks_for_all_there_is_once_for_all_keys(httpserver: HTTPServer, web: MakeWeb) -> None:
    httpserver.expect_oneshot_request(
        "/jobs/stats", query_string={"timeSeriesInterval": "day"}
    ).respond_with_json(RIGHT)
    nosana, line = Nosana(), web("nosana")
    found = {
        key: said(nosana.fetch(Wanted(series="nosana.x", key=key, since=None), line, NOW))[-1][1]
        for key in ("hours", "jobs", "usd", "nos")
    }
    assert found == {"hours": 11_000, "jobs": 3900, "usd": 2150.8, "nos": 9100.1}
    httpserver.check_assertions()


def test_the_running_day_is_left_out_and_the_order_does_not_matter() -> None:
    rows = [("2026-08-21", 3600, 1), ("2026-08-20", 7200, 1), ("2026-08-19", 3600, 1)]
    assert stats(*rows) == [("08-19", 1), ("08-20", 2)]


def test_a_day_is_read_as_postgres_writes_it() -> None:
    assert stats(("2026-08-20 00:00:00+00", "3600", 1)) == [("08-20", 1)]


def test_null_is_a_gap_and_never_zero() -> None:
    rows = [("2026-08-18", 3600, 1), ("2026-08-19", None, 1), ("2026-08-20", 0, 1)]
    assert stats(*rows) == [("08-18", 1), ("08-20", 0)]


def test_pay_of_zero_for_work_that_was_done_is_a_gap() -> None:
    rows = [("2026-08-18", 3600, 0), ("2026-08-19", 0, 0), ("2026-08-20", 3600, "2.5")]
    assert stats(*rows, key="usd") == [("08-19", 0), ("08-20", 2.5)]
    with pytest.raises(EmptyError, match="no rows"):
        stats(("2026-08-18", 3600, "0.000000"), key="usd")


def test_days_of_another_zone_are_refused() -> None:
    with pytest.raises(
        SchemaChangedError, match="2026-08-19 22:00 UTC, not the beginning of a day"
    ):
        stats(("2026-08-19T22:00:00.000Z", 3600, 1))


def test_a_renamed_column_is_named_with_those_found() -> None:
    with pytest.raises(SchemaChangedError, match=r"lacks 'duration'; it has 'time', 'seconds'"):
        parse_stats({"series": [{"time": "2026-08-20", "seconds": 1}]}, key="hours", now=NOW)


def test_totals_instead_of_a_series_are_refused() -> None:
    totals = {"completed": 1, "duration": "1", "price": "1", "usdReward": "1", "retrieved": 0}
    with pytest.raises(SchemaChangedError, match="lacks 'series'; it has 'completed'"):
        parse_stats(totals, key="hours", now=NOW)


def test_too_many_requests_is_said_so(httpserver: HTTPServer, web: MakeWeb) -> None:
    httpserver.expect_request("/jobs/stats").respond_with_json(
        {"error": "Rate limit exceeded", "message": "Too many requests"}, status=429
    )
    with pytest.raises(RateLimitedError, match="HTTP 429"):
        Nosana().fetch(Wanted(series="nosana.x", key="hours", since=None), web("nosana"), NOW)


def test_an_unknown_key_is_refused_unasked(web: MakeWeb) -> None:
    line = web("nosana")
    with pytest.raises(SourceError, match="no such feed; it has hours, jobs, nos, usd"):
        Nosana().fetch(Wanted(series="nosana.x", key="duration", since=None), line, NOW)
    assert line.requests == 0


@pytest.mark.parametrize(
    "parse", [parse for _, parse in PARSERS], ids=[name for name, _ in PARSERS]
)
@settings(max_examples=500, deadline=None)
@given(answer=answers(RIGHT))
def test_any_answer_makes_a_frame_or_one_of_our_errors(
    parse: Callable[[Any], pd.DataFrame], answer: Any
) -> None:
    check(parse, answer, pd.Timestamp(NOW.date()))
