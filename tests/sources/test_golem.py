"""Golem's providers: an empty cache, a last point that is no day, a cache that went stale."""

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
from research.sources.golem import Golem, parse_computing, parse_stats
from tests.sources.conftest import MakeWeb
from tests.sources.mutations import answers, check

NOW = dt.datetime(2026, 8, 21, 10, tzinfo=dt.UTC)
STATS, COMPUTING = "/v2/network/historical/stats", "/v2/network/historical/computing"


def at(text: str) -> float:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp()


def point(text: str, online: Any, gpus: Any = 0) -> dict[str, Any]:
    return {
        "date": at(text),
        "online": online,
        "cores": 9,
        "memory": 1.5,
        "disk": 2.5,
        "gpus": gpus,
    }


# composed from the shapes in the backend's source; the numbers are invented
VM = [
    point("2026-08-18", 450),
    point("2026-08-19", 452),
    point("2026-08-20", 455),
    point("2026-08-21", 460),  # the running day
    point("2026-08-21T09:59:59.999999", 461),  # the latest reading, as if it were a day
]
DEAD = [point("2026-08-18", 3, 4), point("2026-08-21T09:59:59.999999", 2, 2)]
RIGHT: dict[str, Any] = {
    "vm": {"1d": [point("2026-08-21T09:00:00", 1)], "7d": [], "1m": [], "1y": [], "All": VM},
    "vm-nvidia": {"1d": [], "7d": [], "1m": [], "1y": [], "All": DEAD},
}
RIGHT_COMPUTING: dict[str, Any] = {
    "7d": [],
    "All": [
        {"truncated_date": "2026-08-18T00:00:00Z", "total": 340},
        {"truncated_date": "2026-08-19T00:00:00Z", "total": 361},
        {"truncated_date": "2026-08-20T00:00:00Z", "total": 355},
        {"truncated_date": "2026-08-21T00:00:00Z", "total": 12},
    ],
}
PARSERS: list[tuple[str, Callable[[Any], pd.DataFrame]]] = [
    ("golem online/vm", partial(parse_stats, field="online", runtime="vm", now=NOW)),
    ("golem computing", partial(parse_computing, now=NOW)),
]


def said(frame: pd.DataFrame) -> list[tuple[str, float]]:
    return [(f"{day:%m-%d}", value) for day, value in zip(frame.date, frame.value, strict=True)]


def fetch(key: str, line: Any) -> list[tuple[str, float]]:
    return said(Golem().fetch(Wanted(series="golem.x", key=key, since=None), line, NOW))


def test_days_are_daily_means_without_the_running_day_and_the_latest_reading(
    httpserver: HTTPServer, web: MakeWeb
) -> None:
    httpserver.expect_request(STATS).respond_with_json(RIGHT)
    assert fetch("online/vm", web("golem")) == [("08-18", 450), ("08-19", 452), ("08-20", 455)]


def test_the_last_reading_of_a_dead_runtime_is_no_day(httpserver: HTTPServer, web: MakeWeb) -> None:
    httpserver.expect_request(STATS).respond_with_json(RIGHT)
    assert fetch("gpus/vm-nvidia", web("golem")) == [("08-18", 4)]


def test_the_day_that_ran_when_a_stale_answer_was_made_is_left_out() -> None:
    stale = [*VM[:2], point("2026-08-20", 300), point("2026-08-20T07:00:00", 301)]
    frame = parse_stats({"vm": {"All": stale}}, field="online", runtime="vm", now=NOW)
    assert said(frame) == [("08-18", 450), ("08-19", 452)]


def test_computing_is_the_daily_maximum_without_the_last_day(
    httpserver: HTTPServer, web: MakeWeb
) -> None:
    httpserver.expect_request(COMPUTING).respond_with_json(RIGHT_COMPUTING)
    assert fetch("computing", web("golem")) == [("08-18", 340), ("08-19", 361), ("08-20", 355)]


def test_the_last_maximum_of_a_stale_answer_may_have_risen_and_is_left_out() -> None:
    stale = {"All": RIGHT_COMPUTING["All"][:3]}
    assert said(parse_computing(stale, now=NOW)) == [("08-18", 340), ("08-19", 361)]


def test_one_answer_serves_all_its_series(httpserver: HTTPServer, web: MakeWeb) -> None:
    httpserver.expect_request(STATS).respond_with_json(RIGHT)
    golem, line = Golem(), web("golem")
    for key in ("online/vm", "gpus/vm", "online/vm-nvidia"):
        golem.fetch(Wanted(series="golem.x", key=key, since=None), line, NOW)
    assert line.requests == 1


@pytest.mark.parametrize(("key", "path"), [("online/vm", STATS), ("computing", COMPUTING)])
def test_an_empty_cache_is_empty_and_a_missing_one_unavailable(
    httpserver: HTTPServer, web: MakeWeb, key: str, path: str
) -> None:
    httpserver.expect_ordered_request(path).respond_with_json({})
    with pytest.raises(EmptyError, match="its cache is empty"):
        fetch(key, web("golem"))
    httpserver.clear()
    httpserver.expect_request(path).respond_with_json({"error": "not available"}, status=503)
    with pytest.raises(UnavailableError, match="HTTP 503 after 3 tries"):
        fetch(key, web("golem"))


def test_a_runtime_that_is_gone_is_named_with_those_found() -> None:
    with pytest.raises(SchemaChangedError, match=r"lacks 'wasm'; it has 'vm', 'vm-nvidia'"):
        parse_stats(RIGHT, field="online", runtime="wasm", now=NOW)


def test_a_window_without_points_is_empty() -> None:
    with pytest.raises(EmptyError, match="All is an empty list"):
        parse_stats({"vm": {"All": []}}, field="online", runtime="vm", now=NOW)
    with pytest.raises(EmptyError, match="no rows"):  # one reading is no day
        parse_stats({"vm": {"All": VM[-1:]}}, field="online", runtime="vm", now=NOW)


def test_null_is_a_gap() -> None:
    points = [VM[0], point("2026-08-19", None), *VM[2:]]
    frame = parse_stats({"vm": {"All": points}}, field="online", runtime="vm", now=NOW)
    assert said(frame) == [("08-18", 450), ("08-20", 455)]


def test_milliseconds_and_hours_are_not_taken_for_days() -> None:
    late = [{**VM[0], "date": VM[0]["date"] * 1000}, VM[-1]]
    with pytest.raises(SchemaChangedError, match="not in seconds since 1970"):
        parse_stats({"vm": {"All": late}}, field="online", runtime="vm", now=NOW)
    hourly = [point("2026-08-20T09:00:00", 1), VM[-1]]
    with pytest.raises(SchemaChangedError, match="2026-08-20 09:00 UTC, not the beginning"):
        parse_stats({"vm": {"All": hourly}}, field="online", runtime="vm", now=NOW)


@pytest.mark.parametrize("key", ["online", "online/", "memory/vm", "total", ""])
def test_an_unknown_key_is_refused_unasked(web: MakeWeb, key: str) -> None:
    line = web("golem")
    with pytest.raises(SourceError, match="no such feed; it has computing, online/RUNTIME"):
        fetch(key, line)
    assert line.requests == 0


@settings(max_examples=500, deadline=None)
@given(answer=answers(RIGHT))
def test_any_answer_about_providers_makes_a_frame_or_one_of_our_errors(answer: Any) -> None:
    check(PARSERS[0][1], answer, pd.Timestamp(NOW.date()))


@settings(max_examples=500, deadline=None)
@given(answer=answers(RIGHT_COMPUTING))
def test_any_answer_about_computing_makes_a_frame_or_one_of_our_errors(answer: Any) -> None:
    check(PARSERS[1][1], answer, pd.Timestamp(NOW.date()))
