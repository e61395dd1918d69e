"""CoinGecko through the real pycoingecko, against a local server."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from research.errors import (
    CatalogueError,
    EmptyError,
    NeedsKeyError,
    RateLimitedError,
    SchemaChangedError,
    SourceError,
    UnavailableError,
)
from research.sources.coingecko import (
    CoinGecko,
    parse_categories,
    parse_market_chart,
    parse_markets,
)
from research.sources.web import Web
from tests.sources.prices import (
    ANY_JSON,
    NOW,
    by_day,
    spoilt,
    stamp,
    understands_or_refuses,
    want,
)

CHART = "/api/v3/coins/akash-network/market_chart"
KEY = "CG-a-secret-key"
MARKET_CHART = {
    "prices": [
        [stamp("2026-11-20"), 1.0],
        [stamp("2026-11-21"), 2.0],
        [stamp("2026-11-22"), 3.0],
        [stamp("2026-11-22 01:29:12"), 9.0],
    ],
    "market_caps": [
        [stamp("2026-11-20"), 100],
        [stamp("2026-11-21"), None],
        [stamp("2026-11-22"), 0.0],
        [stamp("2026-11-22 01:29:14"), 900],
    ],
    "total_volumes": [
        [stamp("2026-11-20"), 10.0],
        [stamp("2026-11-21"), 0],
        [stamp("2026-11-22"), 30.0],
        [stamp("2026-11-22 01:29:14"), 90.0],
    ],
}
MARKETS = [
    {"id": "akash-network", "circulating_supply": 2.5e8, "total_supply": None}
    | {"last_updated": "2026-11-22T01:28:00.123Z"}
]
CATEGORIES = [
    {"id": "ai-agents", "name": "DePIN", "market_cap": 7.0, "volume_24h": 7.0}
    | {"updated_at": "2026-11-22T01:20:00.000Z"},
    {"id": "depin", "name": "DePIN", "market_cap": 2e10, "volume_24h": 1e9}
    | {"updated_at": "2026-11-22T01:20:00.000Z"},
]
PARSERS: list[tuple[str, Callable[[Any], pd.DataFrame]]] = [
    (
        f"coingecko market_chart {measure}",
        partial(parse_market_chart, key="akash-network", measure=measure, now=NOW),
    )
    for measure in ("price_usd", "market_cap_usd", "volume_usd")
]
PARSERS += [
    (
        "coingecko markets",
        partial(parse_markets, key="akash-network", measure="supply_circulating", now=NOW),
    ),
    (
        "coingecko categories",
        partial(parse_categories, key="category:depin", measure="market_cap_usd", now=NOW),
    ),
]


@pytest.fixture
def line(web: Callable[..., Web]) -> Callable[..., Web]:
    """A maker of lines as the catalogue describes CoinGecko's."""
    return partial(web, "coingecko", base_path="/api/v3/", takes_key="optional")


def fetch(web: Web, series: str = "akash.price_usd", since: str | None = None) -> dict[str, float]:
    return by_day(CoinGecko().fetch(want(series, "akash-network", since), web, NOW))


def test_a_row_at_midnight_is_the_close_of_the_day_before_and_the_running_one_is_dropped(
    httpserver: HTTPServer, line: Callable[..., Web]
) -> None:
    httpserver.expect_request(CHART).respond_with_json(MARKET_CHART)
    assert fetch(line()) == {"2026-11-19": 1.0, "2026-11-20": 2.0, "2026-11-21": 3.0}


def test_an_unknown_capitalisation_is_a_gap_and_no_zero(
    httpserver: HTTPServer, line: Callable[..., Web]
) -> None:
    httpserver.expect_request(CHART).respond_with_json(MARKET_CHART)
    assert fetch(line(), "akash.market_cap_usd") == {"2026-11-19": 100.0}


def test_a_day_without_trade_has_a_volume_of_zero(
    httpserver: HTTPServer, line: Callable[..., Web]
) -> None:
    httpserver.expect_request(CHART).respond_with_json(MARKET_CHART)
    volumes = {"2026-11-19": 10.0, "2026-11-20": 0.0, "2026-11-21": 30.0}
    assert fetch(line(), "akash.volume_usd") == volumes


def test_three_measures_of_a_coin_take_one_request(
    httpserver: HTTPServer, line: Callable[..., Web]
) -> None:
    httpserver.expect_request(CHART).respond_with_json(MARKET_CHART)
    source, web = CoinGecko(), line()
    for series in ("akash.price_usd", "akash.market_cap_usd", "akash.volume_usd"):
        source.fetch(want(series, "akash-network", "2026-11-01"), web, NOW)
    assert web.requests == 1


@pytest.mark.parametrize(
    ("since", "days"), [(None, "365"), ("2020-01-01", "365"), ("2026-11-19", "5")]
)
def test_no_more_than_a_year_is_asked_for_without_a_plan(
    httpserver: HTTPServer, line: Callable[..., Web], since: str | None, days: str
) -> None:
    httpserver.expect_request(CHART).respond_with_json(MARKET_CHART)
    fetch(line(), since=since)
    asked = httpserver.log[0][0].args
    assert asked["days"] == days
    assert asked["interval"] == "daily"


def test_an_hourly_answer_is_reduced_to_the_last_price_before_midnight() -> None:
    hours = [
        [stamp("2026-11-20 18:00:03") + 3_600_000 * nr, float(nr)]
        for nr in range(32)  # to 01:00:03 of the running day
    ]
    frame = parse_market_chart({"prices": hours}, "x", measure="price_usd", now=NOW)
    assert by_day(frame) == {"2026-11-20": 5.0, "2026-11-21": 29.0}


def test_a_day_whose_last_price_is_of_the_afternoon_has_no_close() -> None:
    rows = [("2026-11-20 12:00:03", 1), ("2026-11-20 17:30", 2), ("2026-11-21 23:02", 3)]
    answer = {"prices": [[stamp(at), value] for at, value in rows]}
    frame = parse_market_chart(answer, "x", measure="price_usd", now=NOW)
    assert by_day(frame) == {"2026-11-21": 3.0}


def test_a_missing_day_stays_a_gap_and_a_young_token_is_no_error() -> None:
    days = ["2026-11-16", "2026-11-17", "2026-11-20", "2026-11-21"]
    answer = {"prices": [[stamp(day), 1.5] for day in days]}
    frame = parse_market_chart(answer, "x", measure="price_usd", now=NOW)
    assert [*by_day(frame)] == ["2026-11-15", "2026-11-16", "2026-11-19", "2026-11-20"]


def test_five_past_midnight_yesterday_is_not_there_yet() -> None:
    answer = {"prices": [[stamp("2026-11-21"), 2.0], [stamp("2026-11-22 00:04"), 9.0]]}
    now = NOW.replace(hour=0, minute=5)
    assert by_day(parse_market_chart(answer, "x", measure="price_usd", now=now)) == {
        "2026-11-20": 2.0
    }


def test_a_price_kept_in_a_cache_since_before_midnight_is_no_close() -> None:
    answer = {"prices": [[stamp("2026-11-21"), 2.0], [stamp("2026-11-21 23:50"), 9.0]]}
    now = NOW.replace(hour=0, minute=5)
    assert by_day(parse_market_chart(answer, "x", measure="price_usd", now=now)) == {
        "2026-11-20": 2.0
    }


def test_seconds_taken_for_milliseconds_are_a_changed_shape() -> None:
    answer = {"prices": [[stamp("2026-11-21", 1), 2.0]]}
    with pytest.raises(SchemaChangedError, match="no time in ms"):
        parse_market_chart(answer, "x", measure="price_usd", now=NOW)


def test_a_price_that_is_no_number_refuses_the_answer() -> None:
    answer = {"prices": [[stamp("2026-11-21"), float("nan")]]}
    with pytest.raises(SchemaChangedError, match="not a number"):
        parse_market_chart(answer, "x", measure="price_usd", now=NOW)


def test_a_price_of_zero_is_handed_on_for_the_bounds_of_its_measure_to_refuse() -> None:
    answer = {"prices": [[stamp("2026-11-20"), 0], [stamp("2026-11-21"), 2.0]]}
    frame = parse_market_chart(answer, "x", measure="price_usd", now=NOW)
    assert by_day(frame)["2026-11-19"] == 0


LIMITED = {"status": {"error_code": 429, "error_message": "You've exceeded the Rate Limit."}}
TOO_LONG = {"error": {"status": {"error_code": 10012, "error_message": "past 365 days"}}}


@pytest.mark.parametrize(
    ("body", "error", "text"),
    [
        (json.dumps({"error": "coin not found"}), UnavailableError, "coin not found"),
        (json.dumps(LIMITED), RateLimitedError, "429"),
        (json.dumps(TOO_LONG), NeedsKeyError, "10012"),
        (json.dumps({"prices": [], "market_caps": [], "total_volumes": []}), EmptyError, "retired"),
        ("{}", EmptyError, "retired"),
        ("[]", SchemaChangedError, "not an object"),
        ('{"market_caps": []}', SchemaChangedError, "prices"),
        ("<html><title>Attention</title></html>", SchemaChangedError, "Attention"),
        ('{"prices": [[17952', UnavailableError, "cut off"),
        ("", UnavailableError, "empty answer"),
        ("\ufffd".encode("utf-16").decode("latin-1"), SchemaChangedError, "UTF-8"),
    ],
)
def test_a_200_with_anything_else_is_an_error(
    httpserver: HTTPServer,
    line: Callable[..., Web],
    body: str,
    error: type[SourceError],
    text: str,
) -> None:
    httpserver.expect_request(CHART).respond_with_data(body.encode("latin-1"))
    with pytest.raises(error, match=text):
        fetch(line(key=KEY))


@pytest.mark.parametrize(
    ("status", "body", "headers", "error"),
    [
        (401, json.dumps(TOO_LONG), {}, NeedsKeyError),
        (404, '{"error":"coin not found"}', {}, UnavailableError),
        (429, json.dumps(LIMITED), {}, RateLimitedError),
        (429, "<html>Too many</html>", {}, RateLimitedError),
        (429, json.dumps(LIMITED), {"Retry-After": "119"}, RateLimitedError),
        (429, json.dumps(LIMITED), {"Retry-After": "21600"}, RateLimitedError),
        (500, "<html>oops</html>", {}, UnavailableError),
        (502, '{"error":"bad gateway"}', {}, UnavailableError),
    ],
)
def test_a_refusal_is_one_of_our_errors_within_the_budget_and_without_the_key(
    httpserver: HTTPServer,
    line: Callable[..., Web],
    clock: Any,
    status: int,
    body: str,
    headers: Mapping[str, str],
    error: type[SourceError],
) -> None:
    httpserver.expect_request(CHART).respond_with_data(body, status, headers)
    with pytest.raises(error) as raised:
        fetch(line(key=KEY))
    assert "coingecko, akash-network" in str(raised.value)
    assert KEY not in "".join(traceback.format_exception(raised.value))
    assert sum(clock.slept) < 300
    assert len(httpserver.log) <= 3


def test_retry_after_is_waited_for(
    httpserver: HTTPServer, line: Callable[..., Web], clock: Any
) -> None:
    limited = Response(json.dumps(LIMITED), 429, {"Retry-After": "7"})
    httpserver.expect_ordered_request(CHART).respond_with_response(limited)
    httpserver.expect_ordered_request(CHART).respond_with_json(MARKET_CHART)
    assert fetch(line())["2026-11-21"] == 3.0
    assert sum(clock.slept) == pytest.approx(7, abs=0.5)


def test_the_key_travels_in_a_header_only(httpserver: HTTPServer, line: Callable[..., Web]) -> None:
    seen: list[Request] = []

    def answer(request: Request) -> Response:
        seen.append(request)
        return Response(json.dumps(MARKET_CHART))

    httpserver.expect_request(CHART).respond_with_handler(answer)
    fetch(line(key=KEY))
    assert seen[0].headers["x-cg-demo-api-key"] == KEY
    assert KEY not in seen[0].url


def test_a_server_that_is_silent_or_gone_ends_in_time(
    httpserver: HTTPServer, line: Callable[..., Web]
) -> None:
    def keep_silent(_: Request) -> Response:
        time.sleep(0.5)
        return Response("{}")

    httpserver.expect_request(CHART).respond_with_handler(keep_silent)
    began = time.monotonic()
    with pytest.raises(UnavailableError, match="no answer in time"):
        fetch(line(read_seconds=0.1))
    with pytest.raises(UnavailableError, match="connection refused"):
        fetch(line(base_url="http://127.0.0.1:9/api/v3/"))
    assert time.monotonic() - began < 5


def test_supply_is_a_state_of_the_last_complete_day(
    httpserver: HTTPServer, line: Callable[..., Web]
) -> None:
    httpserver.expect_request(
        "/api/v3/coins/markets", query_string={"vs_currency": "usd", "ids": "akash-network"}
    ).respond_with_json(MARKETS)
    assert fetch(line(), "akash.supply_circulating") == {"2026-11-21": 2.5e8}


def test_a_category_is_found_by_its_id_and_not_by_its_name(
    httpserver: HTTPServer, line: Callable[..., Web]
) -> None:
    httpserver.expect_request("/api/v3/coins/categories").respond_with_json(CATEGORIES)
    for measure, value in (("market_cap_usd", 2e10), ("volume_usd", 1e9)):
        asked = want(f"depin.{measure}", "category:depin")
        assert by_day(CoinGecko().fetch(asked, line(), NOW)) == {"2026-11-21": value}


@pytest.mark.parametrize(
    "changed",
    [
        {"circulating_supply": None},
        {"circulating_supply": 0},
        {"last_updated": "2026-10-01T00:00:00.000Z"},
        {"last_updated": None},
        {"id": "akash-network-2"},
    ],
)
def test_a_retired_coin_has_no_supply(changed: dict[str, Any]) -> None:
    with pytest.raises(EmptyError):
        parse_markets(
            [MARKETS[0] | changed], "akash-network", measure="supply_circulating", now=NOW
        )


def test_a_measure_it_does_not_have_is_an_error_of_the_catalogue(line: Callable[..., Web]) -> None:
    with pytest.raises(CatalogueError, match="gpus_active"):
        fetch(line(), "akash.gpus_active")


@pytest.mark.parametrize(("name", "parse"), PARSERS)
def test_whatever_comes_a_parser_gives_a_checked_frame_or_our_error(
    name: str, parse: Callable[[Any], pd.DataFrame]
) -> None:
    right = {"markets": MARKETS, "categories": CATEGORIES}.get(name.split()[1], MARKET_CHART)

    @settings(max_examples=500, deadline=None)
    @given(st.one_of(ANY_JSON, spoilt(right)))
    def check(answer: Any) -> None:
        understands_or_refuses(parse, answer)

    check()


def test_one_answer_about_a_category_serves_both_of_its_measures(
    httpserver: HTTPServer, line: Callable[..., Web]
) -> None:
    httpserver.expect_request("/api/v3/coins/categories").respond_with_json(CATEGORIES)
    source, web = CoinGecko(), line()
    series = ("depin.market_cap_usd", "depin.volume_usd")

    values = [
        source.fetch(want(name, "category:depin"), web, NOW)["value"].iloc[0] for name in series
    ]

    assert values == [2e10, 1e9]
    assert len(httpserver.log) == 1
