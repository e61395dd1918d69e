"""Yahoo through the real yfinance, against a local server."""

from __future__ import annotations

import json
import re
import sqlite3
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import requests
import yfinance
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from yfinance.data import YfData

from research import config
from research.errors import (
    CatalogueError,
    DataError,
    EmptyError,
    RateLimitedError,
    SchemaChangedError,
    SourceError,
    UnavailableError,
)
from research.sources import yahoo
from research.sources.web import Web
from research.sources.yahoo import Yahoo, parse_history
from tests.sources.prices import ANY_JSON, NOW, by_day, spoilt, stamp, understands_or_refuses, want

AKT = re.compile("^/v8/finance/chart/AKT-USD$")
FOUND_NOTHING = {
    "chart": {"result": None, "error": {"code": "Not Found", "description": "No data"}}
}
PARSERS: list[tuple[str, Callable[[Any], pd.DataFrame]]] = [
    (
        "yahoo history",
        lambda answer: parse_history(answer, {}, "AKT-USD", names=("Akash Network",), now=NOW),
    ),
    (
        "yahoo meta",
        lambda answer: parse_history(
            pd.DataFrame({"Close": [1.5]}, pd.DatetimeIndex(["2026-11-20"], tz="UTC")),
            answer,
            "AKT-USD",
            names=("Akash Network",),
            now=NOW,
        ),
    ),
]


def chart(
    days: list[str], closes: list[float | None], *, at: str = "00:00", **meta: Any
) -> dict[str, Any]:
    """Return an answer of Yahoo's with a candle a day, stamped `at` UTC."""
    meta = {
        "currency": "USD",
        "symbol": "AKT-USD",
        "instrumentType": "CRYPTOCURRENCY",
        "exchangeTimezoneName": "UTC",
        "validRanges": ["1d", "1y", "max"],
        "longName": "Akash Network USD",
        "shortName": "Akash Network USD",
    } | meta
    quote = dict.fromkeys(("open", "high", "low", "close"), closes)
    volume = [None if close is None else 1 for close in closes]
    result = {
        "meta": meta,
        "timestamp": [stamp(f"{day} {at}", 1) for day in days],
        "indicators": {
            "quote": [quote | {"volume": volume}],
            "adjclose": [{"adjclose": [close and close / 2 for close in closes]}],
        },
    }
    return {"chart": {"result": [result], "error": None}}


WEEK = chart(
    ["2026-11-18", "2026-11-19", "2026-11-21", "2026-11-22"], [1.0, 6.707269191741943, 3.0, 9.0]
)


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Let each test begin as a process does: nothing cached, its own folder."""
    monkeypatch.setenv("RESEARCH_CACHE", str(tmp_path))
    config.settings.cache_clear()
    yahoo.prepare.cache_clear()
    monkeypatch.setattr(yfinance.base, "_tz_info_fetch_ctr", 0)
    monkeypatch.setattr(yfinance.cache._TzCacheManager, "_tz_cache", None)
    monkeypatch.setattr(yfinance.cache._CookieCacheManager, "_Cookie_cache", None)
    YfData.cache_get.cache_clear()
    yield
    YfData.cache_get.cache_clear()
    config.settings.cache_clear()
    yahoo.prepare.cache_clear()


@pytest.fixture
def line(web: Callable[..., Web]) -> Callable[..., Web]:
    return partial(web, "yahoo")


def fetch(
    web: Web, since: str | None = None, series: str = "akash.price_usd", key: str = "AKT-USD"
) -> dict[str, float]:
    return by_day(Yahoo().fetch(want(series, key, since), web, NOW))


@pytest.mark.parametrize("since", [None, "2026-11-18"])
def test_a_close_keeps_its_day_a_gap_stays_and_the_running_candle_is_dropped(
    httpserver: HTTPServer, line: Callable[..., Web], since: str | None
) -> None:
    httpserver.expect_request(AKT).respond_with_json(WEEK)
    closes = fetch(line(), since)
    assert closes == pytest.approx(
        {"2026-11-18": 1.0, "2026-11-19": 6.7072692, "2026-11-21": 3.0}, rel=1e-6
    )


def test_only_the_chart_is_asked_twice_at_first_and_once_when_the_zone_is_known(
    httpserver: HTTPServer, line: Callable[..., Web], tmp_path: Path
) -> None:
    httpserver.expect_request(AKT).respond_with_json(WEEK)
    web = line()
    fetch(web, "2026-11-18")
    assert web.requests == 2
    fetch(web, "2026-11-18")
    assert web.requests == 3
    assert (tmp_path / "yfinance" / "tkr-tz.db").is_file()
    request = httpserver.log[1][0]
    assert set(request.args) >= {"period1", "period2"}
    assert "crumb" not in request.args
    assert request.headers["User-Agent"].startswith("gpu-depin-research/")


@pytest.mark.parametrize(
    ("series", "key", "name"),
    [("nvda.price_usd", "NVDA", "NVIDIA Corporation"), ("sp500.price_usd", "^GSPC", "S&P 500")],
)
def test_a_session_in_new_york_keeps_its_own_date(
    httpserver: HTTPServer, line: Callable[..., Web], series: str, key: str, name: str
) -> None:
    answer = chart(
        ["2026-11-18", "2026-11-19", "2026-11-20"],
        [10.0, 11.0, 12.0],
        at="14:30",
        exchangeTimezoneName="America/New_York",
        instrumentType="EQUITY",
        symbol=key,
        longName=name,
        shortName=name,
    )
    httpserver.expect_request(f"/v8/finance/chart/{key}").respond_with_json(answer)
    closes = fetch(line(), "2026-11-10", series, key)
    assert closes == {"2026-11-18": 10.0, "2026-11-19": 11.0, "2026-11-20": 12.0}  # not adjusted


@pytest.mark.parametrize(
    ("series", "key", "name", "is_right"),
    [
        ("akash.price_usd", "AKT-USD", "Akash Network USD", True),
        ("eth.price_usd", "ETH-USD", "Ethereum USD", True),
        ("render.price_usd", "RENDER-USD", "Render USD", True),
        ("io-net.price_usd", "IO29835-USD", "io.net USD", True),
        ("io-net.price_usd", "IO-USD", "IO USD", False),
        ("akash.price_usd", "AKT-USD", "Akita Inu USD", False),
        ("btc.price_usd", "BTC-USD", "Bitcoin Cash USD", False),
    ],
)
def test_a_namesake_is_refused(
    httpserver: HTTPServer,
    line: Callable[..., Web],
    series: str,
    key: str,
    name: str,
    is_right: bool,
) -> None:
    answer = chart(["2026-11-20"], [1.0], longName=name, shortName=name)
    httpserver.expect_request(f"/v8/finance/chart/{key}").respond_with_json(answer)
    if is_right:
        assert fetch(line(), "2026-11-18", series, key) == {"2026-11-20": 1.0}
    else:
        with pytest.raises(EmptyError, match=f"prices of '?{name}"):
            fetch(line(), "2026-11-18", series, key)


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (chart(["2024-07-20", "2024-07-21"], [7.0, 7.0]), EmptyError, "2024-07-21.*renamed"),
        (chart(["2026-11-20", "2026-11-21"], [None, None]), EmptyError, ""),
        (chart(["2026-11-22"], [1.0]), EmptyError, "no prices"),
        (chart(["2026-11-20"], [1.0], longName=None, shortName=None), SchemaChangedError, "whose"),
        (chart(["2026-11-20"], [1.0], currency="EUR"), SchemaChangedError, "EUR"),
        ({"chart": {"result": [{"meta": {}, "indicators": {"quote": [{}]}}]}}, SourceError, ""),
        ({"chart": {"result": [], "error": None}}, SourceError, ""),
        (FOUND_NOTHING, EmptyError, ""),
        ({"finance": {"error": "x"}}, SchemaChangedError, ""),
        ({}, SchemaChangedError, ""),
        ([], SchemaChangedError, ""),
    ],
)
@pytest.mark.parametrize("since", [None, "2024-01-01"])
def test_what_is_no_fresh_price_is_an_error(
    httpserver: HTTPServer,
    line: Callable[..., Web],
    answer: Any,
    error: type[SourceError],
    text: str,
    since: str | None,
) -> None:
    httpserver.expect_request(AKT).respond_with_json(answer)
    with pytest.raises(error) as raised:
        fetch(line(), since)
    assert re.search(text, str(raised.value))
    assert "yahoo, AKT-USD" in str(raised.value)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (404, json.dumps(FOUND_NOTHING), EmptyError),
        (401, '{"chart":{"result":null,"error":{"code":"Unauthorized"}}}', UnavailableError),
        (429, "Too Many Requests", RateLimitedError),
        (500, "<html>", UnavailableError),
        (503, '{"chart": {"result": null, "error": {"description": "x"}}}', UnavailableError),
        (200, "<html>Will be right back</html>", SourceError),
        (200, "<html><title>Consent</title></html>", SchemaChangedError),
        (200, '{"chart": {"result": [{"me', UnavailableError),
        (200, "", UnavailableError),
    ],
)
def test_a_refusal_is_one_request_and_the_same_error_each_time(
    httpserver: HTTPServer,
    line: Callable[..., Web],
    clock: Any,
    status: int,
    body: str,
    error: type[SourceError],
) -> None:
    httpserver.expect_request(re.compile("^/v8")).respond_with_data(body, status)
    for asked in (1, 2, 3, 4):  # yfinance treats the first two unknown symbols differently
        web = line()
        with pytest.raises(error):
            fetch(web, "2026-11-01")
        assert web.requests == 1
        assert len(httpserver.log) == asked
    assert clock.slept == []


def test_a_refusal_is_not_remembered(httpserver: HTTPServer, line: Callable[..., Web]) -> None:
    httpserver.expect_ordered_request(AKT).respond_with_data("", 503)
    httpserver.expect_ordered_request(AKT).respond_with_data("<html>", 200)
    for _ in range(2):
        httpserver.expect_ordered_request(AKT).respond_with_json(WEEK)
    for error in (UnavailableError, SchemaChangedError):
        with pytest.raises(error):
            fetch(line(), "2026-11-01")
    assert "2026-11-21" in fetch(line(), "2026-11-01")


def test_a_refused_connection_is_unavailable(line: Callable[..., Web]) -> None:
    with pytest.raises(UnavailableError, match="connection refused"):
        fetch(line(base_url="http://127.0.0.1:9"))


def test_offline_nothing_is_asked(httpserver: HTTPServer, line: Callable[..., Web]) -> None:
    with pytest.raises(UnavailableError, match="offline"):
        fetch(line(offline=True))
    assert httpserver.log == []


def test_a_cache_that_cannot_be_written_is_no_obstacle(
    httpserver: HTTPServer, line: Callable[..., Web], tmp_path: Path
) -> None:
    (tmp_path / "yfinance").write_text("a file where a folder should be")
    httpserver.expect_request(AKT).respond_with_json(WEEK)
    assert "2026-11-21" in fetch(line(), "2026-11-01")


def test_a_cache_that_another_run_never_lets_go_of_is_an_error_of_ours(
    httpserver: HTTPServer, line: Callable[..., Web], tmp_path: Path
) -> None:
    httpserver.expect_request(AKT).respond_with_json(WEEK)
    other = chart(["2026-11-20"], [1.0], longName="Bitcoin USD")
    httpserver.expect_request("/v8/finance/chart/BTC-USD").respond_with_json(other)
    fetch(line(), "2026-11-01")
    with closing(sqlite3.connect(tmp_path / "yfinance" / "tkr-tz.db")) as database:
        database.execute("BEGIN EXCLUSIVE")
        assert "2026-11-21" in fetch(line(), "2026-11-01")
        with pytest.raises(UnavailableError, match="database is locked"):
            fetch(line(), "2026-11-01", "btc.price_usd", "BTC-USD")
    assert fetch(line(), "2026-11-01", "btc.price_usd", "BTC-USD") == {"2026-11-20": 1.0}


def test_no_warning_of_yfinance_reaches_a_report(
    httpserver: HTTPServer, line: Callable[..., Web]
) -> None:
    httpserver.expect_request(AKT).respond_with_json(WEEK)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        fetch(line(), "2026-11-01")
    assert [str(warning.message) for warning in heard] == []


def test_a_measure_it_is_not_asked_for_is_an_error_of_the_catalogue(
    line: Callable[..., Web],
) -> None:
    with pytest.raises(CatalogueError, match="volume_usd"):
        fetch(line(), series="akash.volume_usd")


@settings(max_examples=500, deadline=None)
@given(st.one_of(ANY_JSON, spoilt(WEEK)))
def test_whatever_yahoo_says_yfinance_gives_a_checked_frame_or_our_error(answer: Any) -> None:
    class Local(requests.Session):
        """A session that answers by itself, so that thousands of answers take seconds."""

        def get(self, url: str | bytes, **_: Any) -> requests.Response:
            response = requests.Response()
            response.status_code, response.url = 200, str(url)
            response._content = json.dumps(answer).encode()
            return response

    web = Web(source="yahoo", base_url="http://127.0.0.1:9", requests_per_minute=1e9)
    web.session = Local()  # type: ignore[assignment]  # has what is used of it
    try:
        frame = Yahoo().fetch(want("akash.price_usd", "AKT-USD", "2026-11-01"), web, NOW)
    except (SourceError, DataError):
        return
    understands_or_refuses(lambda _: frame, answer)


@pytest.mark.parametrize(("name", "parse"), PARSERS)
@settings(max_examples=500, deadline=None)
@given(answer=st.one_of(ANY_JSON, spoilt(WEEK["chart"]["result"][0]["meta"])))
def test_whatever_comes_a_parser_gives_a_checked_frame_or_our_error(
    name: str, parse: Callable[[Any], pd.DataFrame], answer: Any
) -> None:
    understands_or_refuses(parse, answer)
