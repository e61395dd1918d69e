"""DefiLlama's prices and fees, against a local server."""

from __future__ import annotations

import json
from collections.abc import Callable
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
    RateLimitedError,
    SchemaChangedError,
    SourceError,
    UnavailableError,
)
from research.sources import defillama
from research.sources.defillama import DefiLlama, parse_chart, parse_fees
from research.sources.web import Web
from tests.sources.prices import ANY_JSON, NOW, by_day, spoilt, stamp, understands_or_refuses, want

COIN = "coingecko:akash-network"
FEES = "/summary/fees/render-network-bme"


def coins(*points: tuple[str, float | None]) -> dict[str, Any]:
    prices = [{"timestamp": stamp(at, 1), "price": price} for at, price in points]
    return {"coins": {COIN: {"symbol": "AKT", "confidence": 0.99, "prices": prices}}}


CHART = coins(
    ("2026-11-18 23:59:57", 1.0),
    ("2026-11-20 00:00:03", 2.0),
    ("2026-11-20 05:00:00", 2.5),
    ("2026-11-21 09:00:00", 8.0),
    ("2026-11-21 23:58:00", 3.0),
    ("2026-11-22 01:29:00", 9.0),
)
SUMMARY = {
    "name": "Render Network BME",
    "totalDataChart": [
        [stamp("2026-11-18", 1), 3500],
        [stamp("2026-11-19", 1), None],
        [stamp("2026-11-20", 1), -120.5],
        [stamp("2026-11-21", 1), 0],
        [stamp("2026-11-22", 1), 40],
    ],
}
PARSERS: list[tuple[str, Callable[[Any], pd.DataFrame]]] = [
    ("defillama chart", partial(parse_chart, coin=COIN, now=NOW)),
    ("defillama fees", partial(parse_fees, slug="render-network-bme", now=NOW)),
]


@pytest.fixture
def line(web: Callable[..., Web]) -> Callable[..., Web]:
    return partial(web, "defillama")


def prices(web: Web, since: str | None = "2026-11-18") -> dict[str, float]:
    return by_day(DefiLlama().fetch(want("akash.price_usd", COIN, since), web, NOW))


def fees(web: Web, key: str = "fees/render-network-bme") -> dict[str, float]:
    return by_day(DefiLlama().fetch(want("render.spend_usd", key), web, NOW))


def test_the_price_nearest_to_midnight_within_six_hours_is_the_close(
    httpserver: HTTPServer, line: Callable[..., Web]
) -> None:
    httpserver.expect_request(f"/chart/{COIN}").respond_with_json(CHART)
    assert prices(line()) == {"2026-11-18": 1.0, "2026-11-19": 2.0, "2026-11-21": 3.0}


def test_a_price_before_a_midnight_that_is_still_to_come_is_not_its_close() -> None:
    now = NOW.replace(hour=23, minute=58)
    with pytest.raises(EmptyError):
        parse_chart(coins(("2026-11-22 23:57", 9.0)), COIN, now=now)


def test_older_days_come_in_pages_of_500_until_there_are_none(
    httpserver: HTTPServer, line: Callable[..., Web]
) -> None:
    """The coin is 700 days old: the third page does not know it."""
    first = stamp("2026-11-22", 1) - 700 * 86_400

    def answer(request: Request) -> Response:
        start, span = int(request.args["start"]), int(request.args["span"])
        assert span <= 500
        assert request.args["period"] == "1d"
        stamps = [start + 86_400 * nr for nr in range(span)]
        points = [{"timestamp": at, "price": at / 1e9} for at in stamps if at >= first]
        found = {COIN: {"symbol": "AKT", "prices": points}} if points else {}
        return Response(json.dumps({"coins": found}))

    httpserver.expect_request(f"/chart/{COIN}").respond_with_handler(answer)
    web = line()
    values = prices(web, None)
    assert web.requests == 3
    assert len(values) == 701
    assert [*values][-1] == "2026-11-21"
    assert values["2026-11-21"] == pytest.approx(stamp("2026-11-22", 1) / 1e9)
    assert len(prices(line(), "2026-11-02")) == 20


def test_an_absent_coin_is_empty(httpserver: HTTPServer, line: Callable[..., Web]) -> None:
    httpserver.expect_request(f"/chart/{COIN}").respond_with_json({"coins": {}})
    with pytest.raises(EmptyError, match="defillama, coingecko:akash-network"):
        prices(line())


def test_a_failing_older_page_fails_the_whole(
    httpserver: HTTPServer, line: Callable[..., Web]
) -> None:
    httpserver.expect_oneshot_request(f"/chart/{COIN}").respond_with_json(CHART)
    httpserver.expect_request(f"/chart/{COIN}").respond_with_data("Bad Gateway", 502)
    with pytest.raises(UnavailableError, match="502"):
        prices(line(), None)


def test_fees_are_those_of_complete_days_with_gaps_zeros_and_refunds_as_they_are(
    httpserver: HTTPServer, line: Callable[..., Web]
) -> None:
    httpserver.expect_request(FEES, query_string={"dataType": "dailyFees"}).respond_with_json(
        SUMMARY
    )
    right = {"2026-11-18": 3500.0, "2026-11-20": -120.5, "2026-11-21": 0.0}
    assert fees(line()) == right
    assert fees(line(), "render-network-bme") == right


def test_an_unknown_name_is_empty_and_named(
    httpserver: HTTPServer, line: Callable[..., Web]
) -> None:
    httpserver.expect_request(FEES).respond_with_data("Fees for x not found", 400)
    with pytest.raises(EmptyError, match="no fees of 'render-network-bme'"):
        fees(line())


def test_fees_are_asked_of_their_own_host(
    httpserver: HTTPServer, line: Callable[..., Web], monkeypatch: pytest.MonkeyPatch
) -> None:
    httpserver.expect_request("/api" + FEES).respond_with_json(SUMMARY)
    monkeypatch.setattr(defillama, "COINS_HOST", httpserver.url_for("/coins"))
    monkeypatch.setattr(defillama, "FEES_HOST", httpserver.url_for("/api"))
    assert len(fees(line(base_path="/coins/"))) == 3


@pytest.mark.parametrize("ask", [prices, fees])
@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (404, "", UnavailableError),
        (429, "slow down", RateLimitedError),
        (500, "Internal", UnavailableError),
        (502, "<html>", UnavailableError),
        (200, "<html>", SchemaChangedError),
        (200, '{"coins": {"coingecko', UnavailableError),
        (200, "", UnavailableError),
        (200, "[]", SchemaChangedError),
        (200, "{}", SchemaChangedError),
        (200, '{"coins": {}, "totalDataChart": []}', EmptyError),
    ],
)
def test_a_refusal_is_one_of_our_errors(
    httpserver: HTTPServer,
    line: Callable[..., Web],
    ask: Callable[[Web], dict[str, float]],
    status: int,
    body: str,
    error: type[SourceError],
) -> None:
    httpserver.expect_request(f"/chart/{COIN}").respond_with_data(body, status)
    httpserver.expect_request(FEES).respond_with_data(body, status)
    with pytest.raises(error, match=r"^defillama, "):
        ask(line())


def test_a_coin_has_no_volume(line: Callable[..., Web]) -> None:
    with pytest.raises(CatalogueError, match=r"akash\.volume_usd"):
        DefiLlama().fetch(want("akash.volume_usd", COIN), line(), NOW)


@pytest.mark.parametrize(("name", "parse"), PARSERS)
@settings(max_examples=500, deadline=None)
@given(answer=st.one_of(ANY_JSON, spoilt(CHART), spoilt(SUMMARY)))
def test_whatever_comes_a_parser_gives_a_checked_frame_or_our_error(
    name: str, parse: Callable[[Any], pd.DataFrame], answer: Any
) -> None:
    understands_or_refuses(parse, answer)
