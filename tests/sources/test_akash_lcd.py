"""The staking yield of AKT from the chain's public nodes: numbers as texts, hosts that fail."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from pytest_httpserver import HTTPServer

from research.errors import EmptyError, SchemaChangedError, SourceError, UnavailableError
from research.sources import Wanted
from research.sources.akash_lcd import AkashLcd, parse_staking_yield
from tests.sources.conftest import MakeWeb
from tests.sources.mutations import answers, check

NOW = dt.datetime(2026, 8, 22, 10, tzinfo=dt.UTC)
WANTED = Wanted(series="akash.staking_yield", key="uakt", since=None)
# composed from the shapes of the Cosmos SDK; the numbers are invented
INFLATION = {"inflation": "0.130000000000000000"}
POOL = {"pool": {"bonded_tokens": "100000000", "not_bonded_tokens": "1"}}
SUPPLY = {"amount": {"denom": "uakt", "amount": "250000000"}}
PARAMS = {"params": {"community_tax": "0.400000000000000000", "withdraw_addr_enabled": True}}
RIGHT: dict[str, Any] = {
    "inflation": INFLATION,
    "pool": POOL,
    "amount": SUPPLY,
    "params": PARAMS,
}
YIELD = 0.13 * 0.6 * 2.5
PARSERS: list[tuple[str, Callable[[Any], pd.DataFrame]]] = [
    ("akash_lcd", partial(parse_staking_yield, now=NOW))
]


@pytest.fixture
def second() -> Iterator[HTTPServer]:
    """Return another node."""
    with HTTPServer() as server:
        yield server


def serve(server: HTTPServer) -> None:
    for path, query, answer in (
        ("/cosmos/mint/v1beta1/inflation", "", INFLATION),
        ("/cosmos/staking/v1beta1/pool", "", POOL),
        ("/cosmos/bank/v1beta1/supply/by_denom", "denom=uakt", SUPPLY),
        ("/cosmos/distribution/v1beta1/params", "", PARAMS),
    ):
        server.expect_request(path, query_string=query).respond_with_json(answer)


def with_(part: str, **values: Any) -> dict[str, Any]:
    answer = copy.deepcopy(RIGHT)
    inner = answer[part] if part == "inflation" else answer[part][part]
    inner.update(values)
    return answer


def test_the_yield_is_inflation_after_the_community_tax_by_the_share_bonded(
    httpserver: HTTPServer, web: MakeWeb
) -> None:
    serve(httpserver)
    line = web("akash_lcd")
    frame = AkashLcd().fetch(WANTED, line, NOW)
    assert frame["date"].tolist() == [pd.Timestamp("2026-08-21")]
    assert frame["value"].tolist() == pytest.approx([YIELD])
    assert line.requests == 4


def test_the_next_node_is_asked_where_one_fails(
    httpserver: HTTPServer, second: HTTPServer, web: MakeWeb
) -> None:
    httpserver.expect_request("/cosmos/mint/v1beta1/inflation").respond_with_json(INFLATION)
    httpserver.expect_request("/cosmos/staking/v1beta1/pool").respond_with_json(
        {"code": 12, "message": "Not Implemented", "details": []}, status=501
    )
    serve(second)
    line = web("akash_lcd", base_url=f"{httpserver.url_for('')} {second.url_for('')}")
    assert AkashLcd().fetch(WANTED, line, NOW)["value"].tolist() == pytest.approx([YIELD])
    assert len(second.log) == 4  # all figures are of one node
    assert line.requests == len(httpserver.log) + len(second.log)


def test_if_no_node_answers_the_reasons_of_all_are_given(
    httpserver: HTTPServer, second: HTTPServer, web: MakeWeb
) -> None:
    httpserver.expect_request("/cosmos/mint/v1beta1/inflation").respond_with_data("", status=403)
    second.expect_request("/cosmos/mint/v1beta1/inflation").respond_with_data("", status=404)
    line = web("akash_lcd", base_url=f"{httpserver.url_for('')} {second.url_for('')}")
    with pytest.raises(UnavailableError, match=r"HTTP 403.*; HTTP 404") as failed:
        AkashLcd().fetch(WANTED, line, NOW)
    assert "127.0.0.1" not in str(failed.value)


def test_no_node_is_asked_offline(web: MakeWeb) -> None:
    line = web("akash_lcd", base_url="http://127.0.0.1:1 http://127.0.0.1:2", offline=True)
    with pytest.raises(UnavailableError, match="offline"):
        AkashLcd().fetch(WANTED, line, NOW)
    assert line.requests == 0


@pytest.mark.parametrize(
    "answer",
    [
        with_("pool", bonded_tokens="0"),
        with_("amount", amount="0"),
        with_("inflation", inflation=None),
    ],
)
def test_nothing_bonded_or_nothing_said_is_missing(answer: Any) -> None:
    with pytest.raises(EmptyError):
        parse_staking_yield(answer, now=NOW)


@pytest.mark.parametrize(
    "answer",
    [
        with_("inflation", inflation="13.0"),  # percent
        with_("inflation", inflation="130000000000000000"),  # without its decimal point
        with_("params", community_tax="40"),
        with_("pool", bonded_tokens="250000001"),  # more than there is
        with_("amount", denom="uact"),
        with_("amount", amount="2.5e8 uakt"),
        RIGHT | {"pool": {"code": 5, "message": "not found", "details": []}},
        [],
    ],
)
def test_what_cannot_be_a_yield_is_a_changed_schema(answer: Any) -> None:
    with pytest.raises(SchemaChangedError):
        parse_staking_yield(answer, now=NOW)


def test_an_unknown_key_is_refused_unasked(web: MakeWeb) -> None:
    line = web("akash_lcd")
    with pytest.raises(SourceError, match="no such feed; it has uakt"):
        AkashLcd().fetch(Wanted(series="akash.staking_yield", key="uact", since=None), line, NOW)
    assert line.requests == 0


@settings(max_examples=500, deadline=None)
@given(answer=answers(RIGHT))
def test_any_answer_makes_a_frame_or_one_of_our_errors(answer: Any) -> None:
    for _, parse in PARSERS:
        check(parse, answer, pd.Timestamp(NOW.date()))
