"""RunPod: two markets that are kept apart, and what is out of stock."""

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
from research.sources.runpod import RunPod, parse_gpu_types
from tests.sources.conftest import MakeWeb
from tests.sources.mutations import answers
from tests.sources.rates import check_each

NOW = dt.datetime(2026, 8, 20, 9, 30, tzinfo=dt.UTC)
SERIES = "h100-sxm.rate_usd_per_hour"
COMMUNITY = Wanted(series=SERIES, key="NVIDIA H100 80GB HBM3", since=None)
SECURE = Wanted(series=SERIES, key="H100 SXM/secure", since=None)


def parse(answer: Any, wanted: Wanted = COMMUNITY) -> pd.DataFrame:
    return parse_gpu_types(answer, wanted=wanted, now=NOW)


PARSERS: list[tuple[str, Callable[[Any], pd.DataFrame]]] = [
    ("runpod gpuTypes community", parse),
    ("runpod gpuTypes secure", lambda answer: parse(answer, SECURE)),
]


def card(**fields: Any) -> dict[str, Any]:
    """An invented card in the documented shape."""
    usual = {
        "id": "NVIDIA H100 80GB HBM3",
        "displayName": "H100 SXM",
        "memoryInGb": 80,
        "securePrice": 3.29,
        "communityPrice": 2.69,
        "lowestPrice": {
            "minimumBidPrice": 2.69,
            "uninterruptablePrice": 2.69,
            "stockStatus": "High",
        },
    }
    return usual | fields


def answer_of(*cards: dict[str, Any]) -> dict[str, Any]:
    return {"data": {"gpuTypes": [*cards]}}


def test_the_two_markets_have_two_prices_and_community_is_meant_without_a_word() -> None:
    assert parse(answer_of(card()))["value"].to_list() == [2.69]
    assert parse(answer_of(card()), SECURE)["value"].to_list() == [3.29]
    named = Wanted(series=SERIES, key="H100 SXM/community", since=None)
    assert parse(answer_of(card()), named)["value"].to_list() == [2.69]


def test_it_is_the_state_of_the_last_complete_day() -> None:
    frame = parse(answer_of(card()))
    assert frame["series"].to_list() == [SERIES]
    assert frame["date"].to_list() == [pd.Timestamp("2026-08-19")]


def test_an_id_is_preferred_to_a_display_name() -> None:
    other = card(id="another", displayName="NVIDIA H100 80GB HBM3", communityPrice=9.0)
    assert parse(answer_of(other, card()))["value"].to_list() == [2.69]


NOTHING = {"minimumBidPrice": None, "uninterruptablePrice": None, "stockStatus": None}


@pytest.mark.parametrize("lowest", [NOTHING, None])
def test_a_lowest_price_that_is_all_null_is_out_of_stock_and_no_fault(lowest: Any) -> None:
    with pytest.raises(EmptyError, match="out of stock"):
        parse(answer_of(card(lowestPrice=lowest)))


@pytest.mark.parametrize("price", [None, 0])
def test_a_market_without_a_price_has_none_and_borrows_none(price: float | None) -> None:
    with pytest.raises(EmptyError, match="communityPrice is"):
        parse(answer_of(card(communityPrice=price)))


def test_a_card_that_is_called_otherwise_is_a_changed_schema_and_not_out_of_stock() -> None:
    with pytest.raises(SchemaChangedError, match="1 cards, none of this name"):
        parse(answer_of(card(id="x", displayName="y")))


def test_errors_of_graphql_come_with_status_200() -> None:
    with pytest.raises(UnavailableError, match="Cannot query field"):
        parse({"errors": [{"message": "Cannot query field"}], "data": None})
    with pytest.raises(UnavailableError, match="Cannot query field"):
        parse(answer_of(card()) | {"errors": [{"message": "Cannot query field"}]})


def test_no_cards_at_all_are_an_error() -> None:
    with pytest.raises(EmptyError):
        parse(answer_of())
    with pytest.raises(SchemaChangedError):
        parse({"data": {}})


def test_all_cards_of_a_market_are_one_request(httpserver: HTTPServer, web: MakeWeb) -> None:
    httpserver.expect_request("/graphql", method="POST").respond_with_json(
        answer_of(card(), card(id="NVIDIA L40S", displayName="L40S", communityPrice=0.79))
    )
    source, line = RunPod(), web("runpod")
    first = source.fetch(COMMUNITY, line, NOW)
    wanted = Wanted(series="l40s.rate_usd_per_hour", key="NVIDIA L40S", since=None)
    assert source.fetch(wanted, line, NOW)["value"].to_list() == [0.79]
    assert first["value"].to_list() == [2.69]
    assert line.requests == 1
    source.fetch(SECURE, line, NOW)
    asked = [request.get_json()["query"] for request, _ in httpserver.log]
    assert ["secureCloud: true" in query for query in asked] == [False, True]


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"data": {', b"[]", b"\x1f\x8b\x08broken"])
def test_what_is_no_list_of_cards_is_an_error_of_ours(
    httpserver: HTTPServer, web: MakeWeb, body: bytes
) -> None:
    httpserver.expect_request("/graphql").respond_with_data(body)
    with pytest.raises(SourceError):
        RunPod().fetch(COMMUNITY, web("runpod"), NOW)


@settings(max_examples=500, deadline=None)
@given(answers(answer_of(card(), card(id="NVIDIA L40S", displayName="L40S"))))
def test_any_answer_gives_a_checked_table_or_an_error_of_ours(answer: Any) -> None:
    for _, parser in PARSERS:
        check_each(parser, answer, NOW)
