"""The referees, Binance and Bybit, against a local server; and all five price sources agree."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from research import config
from research.errors import (
    CatalogueError,
    EmptyError,
    RateLimitedError,
    SchemaChangedError,
    SourceError,
    UnavailableError,
)
from research.sources import source
from research.sources.binance import parse_klines
from research.sources.bybit import parse_kline
from research.sources.web import Web
from tests.sources.prices import ANY_JSON, NOW, by_day, spoilt, stamp, understands_or_refuses, want

DAY_MS = 86_400_000
ROUTES = {"binance": "/api/v3/klines", "bybit": "/v5/market/kline"}
BINANCE: list[list[Any]] = [
    [
        stamp(day),
        "1.0",
        "9.0",
        "0.5",
        close,
        "100",
        stamp(day) + DAY_MS - 1,
        quote,
        42,
        "50",
        "60",
        "0",
    ]
    for day, close, quote in (
        ("2026-11-19", "1.5", "150.25"),
        ("2026-11-21", "3.5", "350"),
        ("2026-11-22", "9.0", "9"),
    )
]
BYBIT: dict[str, Any] = {
    "retCode": 0,
    "retMsg": "OK",
    "result": {
        "symbol": "AKTUSDT",
        "category": "linear",
        "list": [
            [str(row[0]), "1.0", "9.0", "0.5", row[4], "100", row[7]] for row in reversed(BINANCE)
        ],
    },
    "retExtInfo": {},
    "time": stamp("2026-11-22 01:30"),
}
ANSWERS: dict[str, Any] = {"binance": BINANCE, "bybit": BYBIT}
PARSERS: list[tuple[str, Callable[[Any], pd.DataFrame]]] = [
    (f"{name} {measure}", partial(parse, pair="AKTUSDT", measure=measure, now=NOW))
    for name, parse in (("binance", parse_klines), ("bybit", parse_kline))
    for measure in ("price_usd", "volume_usd")
]


def fetch(
    web: Web, series: str = "akash.price_usd", since: str | None = "2026-11-19", key: str = ""
) -> dict[str, float]:
    return by_day(source(web.source).fetch(want(series, key or "AKTUSDT", since), web, NOW))


@pytest.mark.parametrize("name", ANSWERS)
def test_a_candle_is_labelled_with_its_opening_and_the_running_one_is_dropped(
    httpserver: HTTPServer, web: Callable[..., Web], name: str
) -> None:
    httpserver.expect_request(ROUTES[name]).respond_with_json(ANSWERS[name])
    assert fetch(web(name)) == {"2026-11-19": 1.5, "2026-11-21": 3.5}
    assert fetch(web(name), "akash.volume_usd") == {"2026-11-19": 150.25, "2026-11-21": 350.0}


def test_bybit_is_asked_for_the_perpetual_unless_the_key_says_spot(
    httpserver: HTTPServer, web: Callable[..., Web]
) -> None:
    httpserver.expect_request(ROUTES["bybit"]).respond_with_json(BYBIT)
    fetch(web("bybit"))
    fetch(web("bybit"), key="spot/AKTUSDT")
    asked = [request.args for request, _ in httpserver.log]
    assert [(args["category"], args["symbol"]) for args in asked] == [
        ("linear", "AKTUSDT"),
        ("spot", "AKTUSDT"),
    ]


@pytest.mark.parametrize(
    ("name", "first", "last"), [("binance", "startTime", "endTime"), ("bybit", "start", "end")]
)
def test_a_long_history_comes_in_pages_of_1000(
    httpserver: HTTPServer, web: Callable[..., Web], name: str, first: str, last: str
) -> None:
    """The pair is 1500 days old: the third page is empty."""
    listed = stamp("2026-11-22") - 1500 * DAY_MS

    def answer(request: Request) -> Response:
        begin, end = int(request.args[first]), int(request.args[last])
        assert request.args["limit"] == "1000"
        assert (end + 1 - begin) <= 1000 * DAY_MS
        opens = [at for at in range(begin, end, DAY_MS) if at >= listed]
        rows = [[at, "0", "0", "0", str(at // DAY_MS), "0", "0", "0"] for at in opens]
        body = {"retCode": 0, "result": {"list": rows[::-1]}} if name == "bybit" else rows
        return Response(json.dumps(body))

    httpserver.expect_request(ROUTES[name]).respond_with_handler(answer)
    line = web(name)
    closes = fetch(line, since=None)
    assert line.requests == 3
    assert len(closes) == 1500
    assert closes["2026-11-21"] == stamp("2026-11-21") / DAY_MS


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, '{"code":-1121,"msg":"Invalid symbol."}', UnavailableError),
        (403, "<html>CloudFront", UnavailableError),
        (404, "", UnavailableError),
        (418, '{"code":-1003,"msg":"banned"}', RateLimitedError),
        (429, "", RateLimitedError),
        (451, '{"code":0,"msg":"Service unavailable from a restricted location"}', SourceError),
        (500, "", UnavailableError),
        (200, "<html>", SchemaChangedError),
        (200, "[[17952192", UnavailableError),
        (200, "", UnavailableError),
        (200, "{}", SchemaChangedError),
        (200, "null", SchemaChangedError),
    ],
)
def test_a_refusal_is_one_of_our_errors(
    httpserver: HTTPServer,
    web: Callable[..., Web],
    name: str,
    status: int,
    body: str,
    error: type[SourceError],
) -> None:
    httpserver.expect_request(ROUTES[name]).respond_with_data(body, status)
    with pytest.raises(error, match=f"^{name}, AKTUSDT: "):
        fetch(web(name))


def test_a_location_that_is_not_served_is_named(
    httpserver: HTTPServer, web: Callable[..., Web]
) -> None:
    body = {"code": 0, "msg": "Service unavailable from a restricted location"}
    httpserver.expect_request(ROUTES["binance"]).respond_with_json(body, 451)
    with pytest.raises(UnavailableError, match=r"HTTP 451.*restricted location"):
        fetch(web("binance"))
    assert len(httpserver.log) == 1


@pytest.mark.parametrize(("name", "nothing"), [("binance", []), ("bybit", {"list": []})])
def test_no_candle_is_empty(
    httpserver: HTTPServer, web: Callable[..., Web], name: str, nothing: Any
) -> None:
    body = {"retCode": 0, "result": nothing} if name == "bybit" else nothing
    httpserver.expect_request(ROUTES[name]).respond_with_json(body)
    with pytest.raises(EmptyError):
        fetch(web(name))


@pytest.mark.parametrize(
    ("code", "error"),
    [(10001, EmptyError), (10006, RateLimitedError), (10024, UnavailableError)],
)
def test_bybit_says_its_refusals_with_http_200(
    httpserver: HTTPServer, web: Callable[..., Web], code: int, error: type[SourceError]
) -> None:
    body = {"retCode": code, "retMsg": "no", "result": {}}
    httpserver.expect_request(ROUTES["bybit"]).respond_with_json(body)
    with pytest.raises(error, match=str(code)):
        fetch(web("bybit"))


@pytest.mark.parametrize("name", ANSWERS)
def test_a_candle_that_does_not_begin_at_midnight_is_a_changed_shape(
    httpserver: HTTPServer, web: Callable[..., Web], name: str
) -> None:
    """Some exchanges cut their days in Hong Kong."""
    row = [stamp("2026-11-20 16:00"), "1", "1", "1", "1", "1", "1", "1"]
    body = {"retCode": 0, "result": {"list": [row]}} if name == "bybit" else [row]
    httpserver.expect_request(ROUTES[name]).respond_with_json(body)
    with pytest.raises(SchemaChangedError, match="00:00"):
        fetch(web(name))


@pytest.mark.parametrize("name", ANSWERS)
def test_a_measure_it_does_not_have_is_an_error_of_the_catalogue(
    web: Callable[..., Web], name: str
) -> None:
    with pytest.raises(CatalogueError, match="market_cap_usd"):
        fetch(web(name), "akash.market_cap_usd")


def test_all_five_sources_say_the_same_close_of_the_same_day(
    httpserver: HTTPServer,
    web: Callable[..., Web],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two stamp a close with the midnight after it, three with the one before."""
    monkeypatch.setenv("RESEARCH_CACHE", str(tmp_path))
    config.settings.cache_clear()
    days = [f"2026-11-{day}" for day in range(10, 22)]
    closes = [1 + 0.1 * (nr % 5) for nr in range(len(days))]
    opens, ends = [stamp(day) for day in days], [stamp(day) + DAY_MS for day in days]
    prices = [{"timestamp": at // 1000 + 2, "price": p} for at, p in zip(ends, closes, strict=True)]
    rows = [[at, "", "", "", str(p), "", "", ""] for at, p in zip(opens, closes, strict=True)]
    quote = dict.fromkeys(("open", "high", "low", "close", "volume"), closes)
    chart = {
        "meta": {"currency": "USD", "instrumentType": "CRYPTOCURRENCY", "longName": "Akash USD"}
        | {"exchangeTimezoneName": "UTC", "validRanges": ["max"], "symbol": "AKT-USD"},
        "timestamp": [at // 1000 for at in opens],
        "indicators": {"quote": [quote]},
    }
    coin = "coingecko:akash-network"
    for path, body in {
        "/coins/akash-network/market_chart": {
            "prices": [[at, p] for at, p in zip(ends, closes, strict=True)]
        },
        "/v8/finance/chart/AKT-USD": {"chart": {"result": [chart], "error": None}},
        f"/chart/{coin}": {"coins": {coin: {"prices": prices}}},
        "/api/v3/klines": rows,
        "/v5/market/kline": {"retCode": 0, "result": {"list": rows}},
    }.items():
        httpserver.expect_request(path).respond_with_json(body)
    keys = {
        "coingecko": "akash-network",
        "yahoo": "AKT-USD",
        "defillama": coin,
        "binance": "AKTUSDT",
        "bybit": "AKTUSDT",
    }
    for name, key in keys.items():
        found = fetch(web(name), since="2026-11-10", key=key)
        assert found == pytest.approx(dict(zip(days, closes, strict=True))), name
    config.settings.cache_clear()


@pytest.mark.parametrize(("name", "parse"), PARSERS)
@settings(max_examples=500, deadline=None)
@given(answer=st.one_of(ANY_JSON, spoilt(BINANCE), spoilt(BYBIT)))
def test_whatever_comes_a_parser_gives_a_checked_frame_or_our_error(
    name: str, parse: Callable[[Any], pd.DataFrame], answer: Any
) -> None:
    understands_or_refuses(parse, answer)
