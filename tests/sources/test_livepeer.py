"""Livepeer: seconds, zeros that mean that nothing is known, a null that is an error."""

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
from research.sources.livepeer import Livepeer, parse_day_data
from tests.sources.conftest import MakeWeb
from tests.sources.mutations import answers, check

NOW = dt.datetime(2026, 8, 21, 10, tzinfo=dt.UTC)
FEES, USAGE = "/api/protocol-day-data", "/api/usage"


def row(day: int, usd: Any, minutes: Any = 9.5) -> dict[str, Any]:
    """A row of a day in August 2026."""
    return {
        "dateS": int(dt.datetime(2026, 8, day, tzinfo=dt.UTC).timestamp()),
        "volumeEth": 0.5, "volumeUsd": usd, "feeDerivedMinutes": minutes,
        "participationRate": 0.5, "inflation": 400000, "activeTranscoderCount": 99,
        "delegatorsCount": 3000,
    }  # fmt: skip


# composed from the shape in the explorer's source; the numbers are invented
RIGHT: dict[str, Any] = {
    "dayData": [row(18, 1500.25), row(19, 0, 0), row(20, 1700.5), row(21, 3.0)],
    "weeklyData": [{"date": 1787184000, "weeklyVolumeUsd": 1.0}],
}
PARSERS: list[tuple[str, Callable[[Any], pd.DataFrame]]] = [
    (f"livepeer {field}", partial(parse_day_data, field=field, now=NOW))
    for field in ("volumeUsd", "feeDerivedMinutes")
]


def said(frame: pd.DataFrame) -> list[tuple[str, float]]:
    return [(f"{day:%m-%d}", value) for day, value in zip(frame.date, frame.value, strict=True)]


def fetch(key: str, line: Any) -> pd.DataFrame:
    return Livepeer().fetch(Wanted(series="livepeer.x", key=key, since=None), line, NOW)


def test_fees_in_usd_with_days_that_had_none(httpserver: HTTPServer, web: MakeWeb) -> None:
    httpserver.expect_request(FEES).respond_with_json(RIGHT)
    frame = fetch("volumeUsd", web("livepeer"))
    assert said(frame) == [("08-18", 1500.25), ("08-19", 0), ("08-20", 1700.5)]


def test_minutes_are_derived_and_their_zeros_are_gaps(httpserver: HTTPServer, web: MakeWeb) -> None:
    httpserver.expect_request(USAGE).respond_with_json(RIGHT)
    frame = fetch("feeDerivedMinutes", web("livepeer"))
    assert said(frame) == [("08-18", 9.5), ("08-20", 9.5)]
    assert set(frame["kind"]) == {"derived"}


def test_each_route_is_asked_once(httpserver: HTTPServer, web: MakeWeb) -> None:
    httpserver.expect_request(FEES).respond_with_json(RIGHT)
    httpserver.expect_request(USAGE).respond_with_json(RIGHT)
    livepeer, line = Livepeer(), web("livepeer")
    for key in ("volumeUsd", "activeTranscoderCount", "volumeEth", "feeDerivedMinutes"):
        livepeer.fetch(Wanted(series="livepeer.x", key=key, since=None), line, NOW)
    assert line.requests == 2


def test_the_day_that_ran_when_a_cached_answer_was_made_is_left_out() -> None:
    yesterday = {"dayData": [row(18, 1.0), row(19, 2.0), row(20, 0.1)]}
    assert said(parse_day_data(yesterday, field="volumeUsd", now=NOW)) == [
        ("08-18", 1),
        ("08-19", 2),
    ]


def test_null_is_a_gap_and_the_order_does_not_matter() -> None:
    answer = {"dayData": [row(21, 1.0), row(20, None), row(19, "2.5"), row(18, 1.0)]}
    frame = parse_day_data(answer, field="volumeUsd", now=NOW)
    assert said(frame) == [("08-18", 1), ("08-19", 2.5)]


def test_a_null_with_502_is_unavailable(httpserver: HTTPServer, web: MakeWeb) -> None:
    httpserver.expect_request(FEES).respond_with_json(None, status=502)
    with pytest.raises(UnavailableError, match="HTTP 502 after 3 tries"):
        fetch("volumeUsd", web("livepeer"))


def test_a_null_with_200_is_not_understood() -> None:
    with pytest.raises(SchemaChangedError, match="null, not an object"):
        parse_day_data(None, field="volumeUsd", now=NOW)


def test_a_table_without_a_complete_day_is_empty() -> None:
    with pytest.raises(EmptyError, match="dayData is an empty list"):
        parse_day_data({"dayData": []}, field="volumeUsd", now=NOW)
    with pytest.raises(EmptyError, match="no rows"):
        parse_day_data({"dayData": [row(21, 1.0)]}, field="volumeUsd", now=NOW)


def test_milliseconds_are_not_taken_for_seconds() -> None:
    days = [{**row(18, 1.0), "dateS": 1787011200000}, row(19, 1.0)]
    with pytest.raises(SchemaChangedError, match="not in seconds since 1970"):
        parse_day_data({"dayData": days}, field="volumeUsd", now=NOW)


def test_two_statements_about_a_day_that_differ_are_refused() -> None:
    days = [row(18, 1.0), row(18, 2.0), row(19, 1.0)]
    with pytest.raises(SchemaChangedError, match="two different values for 2026-08-18"):
        parse_day_data({"dayData": days}, field="volumeUsd", now=NOW)


def test_an_unknown_key_is_refused_unasked(web: MakeWeb) -> None:
    line = web("livepeer")
    with pytest.raises(SourceError, match="no such feed; it has volumeUsd"):
        fetch("weeklyVolumeUsd", line)
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
