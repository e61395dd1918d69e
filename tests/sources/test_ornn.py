"""Ornn: a rolling index, settled a day late."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from pytest_httpserver import HTTPServer

from research.errors import EmptyError, SchemaChangedError, SourceError, UnavailableError
from research.sources import Wanted
from research.sources.ornn import Ornn, parse_index_history
from tests.sources.conftest import MakeWeb
from tests.sources.mutations import answers
from tests.sources.rates import check_each

NOW = dt.datetime(2026, 8, 20, 9, 30, tzinfo=dt.UTC)
SERIES = "h100-sxm.rate_index_usd_per_hour"
WANTED = Wanted(series=SERIES, key="H100 SXM", since=None)


def parse(answer: Any) -> pd.DataFrame:
    return parse_index_history(answer, wanted=WANTED, now=NOW)


PARSERS: list[tuple[str, Callable[[Any], pd.DataFrame]]] = [("ornn index-history", parse)]


def row(timestamp: str, value: Any) -> dict[str, Any]:
    return {"timestamp": timestamp, "index_value": value}


def answer_of(*rows: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """An invented answer in the documented shape."""
    return {"success": True, "gpu_type": "H100 SXM", "data": [*rows]} | fields


def test_a_value_is_of_the_utc_day_of_its_stamp() -> None:
    frame = parse(
        answer_of(
            row("2026-08-19T21:00:00.000Z", 1.9),
            row("2026-08-18T21:00:00.000Z", 1.85),
            row("2026-08-17T23:59:59.999Z", 1.8),
        )
    )
    assert dict(zip(frame["date"].dt.strftime("%d"), frame["value"], strict=True)) == {
        "17": 1.8,
        "18": 1.85,
        "19": 1.9,
    }
    assert set(frame["series"]) == {SERIES}


def test_the_running_day_is_left_out() -> None:
    frame = parse(answer_of(row("2026-08-19T21:00:00Z", 1.9), row("2026-08-20T08:00:00Z", 2.0)))
    assert frame["value"].to_list() == [1.9]


def test_of_several_values_of_a_day_the_last_counts_in_any_order() -> None:
    rows = [row("2026-08-19T21:00:00Z", 1.9), row("2026-08-19T09:00:00Z", 1.7)]
    assert parse(answer_of(*rows))["value"].to_list() == [1.9]
    assert parse(answer_of(*rows[::-1]))["value"].to_list() == [1.9]


@pytest.mark.parametrize("value", [None, 0])
def test_a_day_without_a_value_is_a_gap(value: Any) -> None:
    frame = parse(answer_of(row("2026-08-18T21:00:00Z", value), row("2026-08-19T21:00:00Z", "2")))
    assert frame["value"].to_list() == [2.0]
    with pytest.raises(EmptyError):
        parse(answer_of(row("2026-08-18T21:00:00Z", value)))


def test_an_envelope_that_says_no_success_is_a_refusal() -> None:
    with pytest.raises(UnavailableError, match="not in the free tier"):
        parse({"success": False, "error": "not in the free tier"})
    with pytest.raises(UnavailableError, match="success: false"):
        parse(answer_of(row("2026-08-19T21:00:00Z", 1.9), success=False))


@pytest.mark.parametrize(
    "fields",
    [{"gpu_type": "H200"}, {"success": "yes"}, {"data": {}}, {"data": [1]}],
)
def test_another_card_or_another_shape_is_a_changed_schema(fields: dict[str, Any]) -> None:
    with pytest.raises(SchemaChangedError):
        parse(answer_of(row("2026-08-19T21:00:00Z", 1.9)) | fields)


def test_a_stamp_that_is_none_is_a_changed_schema() -> None:
    with pytest.raises(SchemaChangedError, match="timestamp of row 1"):
        parse(answer_of(row("yesterday", 1.9)))


def test_an_empty_history_is_an_error() -> None:
    with pytest.raises(EmptyError):
        parse(answer_of())


@pytest.mark.parametrize(
    ("since", "query"), [(None, {}), (dt.date(2026, 8, 1), {"startDate": "2026-08-01"})]
)
def test_it_asks_for_what_is_missing_and_the_space_in_a_name_is_encoded(
    httpserver: HTTPServer, web: MakeWeb, since: dt.date | None, query: dict[str, str]
) -> None:
    answer = answer_of(row("2026-08-19T21:00:00Z", 1.9))
    httpserver.expect_oneshot_request("/api/gpu/H100 SXM/index-history").respond_with_json(answer)
    wanted = Wanted(series=SERIES, key="H100 SXM", since=since)
    frame = Ornn().fetch(wanted, web("ornn", base_path="/api"), NOW)
    request, _ = httpserver.log[0]
    assert frame["value"].to_list() == [1.9]
    assert dict(request.args) == query
    assert "%20" in request.environ["RAW_URI"]


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"data": [', b"[]", b"\x1f\x8b\x08broken"])
def test_what_is_no_history_is_an_error_of_ours(
    httpserver: HTTPServer, web: MakeWeb, body: bytes
) -> None:
    httpserver.expect_request("/gpu/H100 SXM/index-history").respond_with_data(body)
    with pytest.raises(SourceError):
        Ornn().fetch(WANTED, web("ornn"), NOW)


@settings(max_examples=500, deadline=None)
@given(
    answers(answer_of(row("2026-08-18T21:00:00.000Z", 1.85), row("2026-08-19T21:00:00.000Z", 1.9)))
)
def test_any_answer_gives_a_checked_table_or_an_error_of_ours(answer: Any) -> None:
    for _, parser in PARSERS:
        check_each(parser, answer, NOW)
