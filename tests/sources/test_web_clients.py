"""The errors of client libraries, raised by the real ones against a server on this machine."""

from __future__ import annotations

import importlib
import json
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from pycoingecko import CoinGeckoAPI
from pytest_httpserver import HTTPServer
from werkzeug import Response

from research.errors import (
    DataError,
    EmptyError,
    NeedsKeyError,
    RateLimitedError,
    SchemaChangedError,
    SourceError,
    UnavailableError,
)
from research.sources.web import Web
from tests.sources.conftest import Hurried, MakeWeb

WHAT = "akash-network"
CHART = "/api/v3/coins/akash-network/market_chart"
PAGE = b"<html><title>Attention</title></html>"
TOO_LONG = {"error": {"status": {"error_code": 10012, "error_message": "past 365 days only"}}}


def coingecko(line: Web) -> Callable[[], Any]:
    client = CoinGeckoAPI()
    client.session = line.session
    client.api_base_url = line.base_url.rstrip("/") + "/"
    if line.key:
        client.session.headers["x-cg-demo-api-key"] = line.key
    return lambda: client.get_coin_market_chart_by_id(WHAT, "usd", 365, interval="daily")


def within(line: Web, function: Callable[[], Any]) -> Any:
    with line.asking(WHAT):
        return function()


FAULTS: dict[str, tuple[Response, type[SourceError], str, int]] = {
    "401 in JSON": (
        Response(json.dumps(TOO_LONG), 401),
        NeedsKeyError,
        "HTTP 401: past 365 days only; the key is not accepted",
        1,
    ),
    "404 in JSON": (Response('{"error": "coin not found"}', 404), UnavailableError, "HTTP 404", 1),
    "404 in HTML": (Response(PAGE, 404), UnavailableError, "HTTP 404", 1),
    "429 in JSON": (Response('{"status": 1}', 429), RateLimitedError, "HTTP 429 after 3 tries", 3),
    "429 in HTML": (Response(PAGE, 429), RateLimitedError, "HTTP 429 after 3 tries", 3),
    "429, a day": (
        Response("{}", 429, {"Retry-After": "86400"}),
        RateLimitedError,
        "HTTP 429, asks to wait 86400 s",
        1,
    ),
    "502": (Response("{}", 502), UnavailableError, "HTTP 502 after 3 tries", 3),
    "HTML": (Response(PAGE), SchemaChangedError, "HTML page 'Attention', not JSON", 1),
    "cut off": (Response('{"prices": ['), UnavailableError, "JSON that is cut off", 1),
    "not UTF-8": (Response(b'"\xff"'), SchemaChangedError, "a text that is not UTF-8", 1),
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_of_pycoingecko_has_a_name(
    name: str, httpserver: HTTPServer, web: MakeWeb
) -> None:
    answer, expected, reason, asked = FAULTS[name]
    httpserver.expect_request(CHART).respond_with_response(answer)
    line = web("coingecko", base_path="/api/v3", key="CG-very-secret")
    with pytest.raises(SourceError) as caught:
        within(line, coingecko(line))
    assert type(caught.value) is expected
    assert caught.value.reason == reason
    assert str(caught.value).startswith("coingecko, akash-network: ")
    assert line.requests == asked
    assert "CG-very-secret" not in "".join(traceback.format_exception(caught.value))


def test_pycoingecko_is_tried_again_and_in_its_turn(
    httpserver: HTTPServer, web: MakeWeb, clock: Hurried
) -> None:
    for answer in (Response("{}", 429, {"Retry-After": "9"}), Response('{"prices": []}')):
        httpserver.expect_ordered_request(CHART).respond_with_response(answer)
    line = web("coingecko", base_path="/api/v3")
    assert within(line, coingecko(line)) == {"prices": []}
    assert clock.slept == [pytest.approx(9, abs=0.1)]


def test_a_call_tries_a_cut_off_answer_again(httpserver: HTTPServer, web: MakeWeb) -> None:
    for answer in (Response('{"prices": ['), Response('{"prices": []}')):
        httpserver.expect_ordered_request(CHART).respond_with_response(answer)
    line = web("coingecko", base_path="/api/v3")
    assert line.call(WHAT, coingecko(line)) == {"prices": []}


def test_within_a_call_the_session_does_not_try_again_too(
    httpserver: HTTPServer, web: MakeWeb
) -> None:
    httpserver.expect_request(CHART).respond_with_data("", 500)
    line = web("coingecko", base_path="/api/v3")
    with pytest.raises(UnavailableError, match="HTTP 500 after 3 tries"):
        line.call(WHAT, coingecko(line))
    assert line.requests == 3


def by_curl(line: Web, **rest: Any) -> Callable[[], Any]:
    """Ask as yfinance does: by curl, on a line of its own."""
    curl: Any = importlib.import_module("curl_cffi.requests")

    def ask() -> Any:
        line.turn()
        answer = curl.get(line.base_url, timeout=min(0.2, line.left()), **rest)
        answer.raise_for_status()
        return answer.json()

    return ask


@pytest.mark.parametrize(
    ("answer", "expected", "reason"),
    [
        (Response("", 404), UnavailableError, "HTTP 404"),
        (Response("", 429), RateLimitedError, "HTTP 429 after 3 tries"),
        (Response("", 503), UnavailableError, "HTTP 503 after 3 tries"),
        (Response(PAGE), SchemaChangedError, "HTML page 'Attention', not JSON"),
    ],
)
def test_each_fault_of_curl_has_a_name(
    answer: Response,
    expected: type[SourceError],
    reason: str,
    httpserver: HTTPServer,
    web: MakeWeb,
) -> None:
    httpserver.expect_request("/").respond_with_response(answer)
    line = web("yahoo")
    with pytest.raises(expected) as caught:
        line.call(WHAT, by_curl(line))
    assert caught.value.reason == reason


def test_a_refused_or_silent_line_of_curl_has_a_name(httpserver: HTTPServer, web: MakeWeb) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes calls, never answers
        line = web("yahoo", base_url=f"http://127.0.0.1:{silent.getsockname()[1]}", tries=1)
        with pytest.raises(UnavailableError, match="no answer in time"):
            line.call(WHAT, by_curl(line))
    line = web("yahoo", base_url=line.base_url)
    with pytest.raises(UnavailableError, match="connection broken after 3 tries"):
        line.call(WHAT, by_curl(line))
    with pytest.raises(UnavailableError, match="not asked again"):
        line.call(WHAT, by_curl(line))
    assert line.requests == 3


def test_each_error_of_yfinance_has_a_name(web: MakeWeb) -> None:
    from yfinance import exceptions as yf

    for error, expected in (
        (yf.YFRateLimitError(), RateLimitedError),
        (yf.YFPricesMissingError("AKT-USD", "(1d)"), EmptyError),
        (yf.YFTzMissingError("AKT-USD"), EmptyError),
        (yf.YFDataException("down"), UnavailableError),
        (KeyError("currency"), SchemaChangedError),
    ):
        line = web("yahoo")

        def fail(error: Exception = error) -> None:
            raise error

        with pytest.raises(expected):
            line.call(WHAT, fail)
        with pytest.raises(expected):
            within(line, fail)


def test_our_own_errors_pass_unchanged(web: MakeWeb) -> None:
    ours = DataError("a price of 0")

    def fail() -> None:
        raise ours

    line = web()
    for ask in (lambda: within(line, fail), lambda: line.call(WHAT, fail)):
        with pytest.raises(DataError) as caught:
            ask()
        assert caught.value is ours


def test_a_mistake_of_ours_is_not_taken_for_theirs(web: MakeWeb) -> None:
    def fail() -> None:
        raise AssertionError("mine")

    line = web()
    with pytest.raises(AssertionError, match="mine"):
        within(line, fail)
    with pytest.raises(AssertionError, match="mine"):
        line.call(WHAT, fail)


def test_an_error_met_while_another_was_handled_is_told_by_itself(
    httpserver: HTTPServer, web: MakeWeb
) -> None:
    httpserver.expect_request("/a").respond_with_data("", 404)
    httpserver.expect_request("/b").respond_with_data("<html>")
    line = web()
    try:
        line.json("a")
    except UnavailableError:
        with pytest.raises(SchemaChangedError, match="HTML page"):
            line.json("b")


def test_no_client_library_is_imported_for_its_errors() -> None:
    code = "import sys, research.sources.web; print([*sys.modules])"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    for name in ("yfinance", "curl_cffi", "pycoingecko", "deltalake"):
        assert repr(name) not in loaded.stdout


def test_a_retry_prints_nothing(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/a").respond_with_data("", 500)
    code = (
        "from research.sources.web import Web\n"
        f"line = Web(source='akash', base_url={httpserver.url_for('')!r}, sleep=lambda _: None)\n"
        "try: line.json('a')\n"
        "except Exception as error: print(error)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "akash, a: unavailable (HTTP 500 after 3 tries)\n"
    assert ran.stderr == ""
