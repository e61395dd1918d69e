"""Salad: what hosts earn and how busy their cards are, from its demand monitor."""

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
from research.sources.salad import Salad, parse_demand_monitor
from tests.sources.conftest import MakeWeb
from tests.sources.mutations import answers
from tests.sources.rates import check_each

NOW = dt.datetime(2026, 8, 20, 9, 30, tzinfo=dt.UTC)
WANTED = Wanted(series="rtx-4090.earning_usd_per_hour", key="RTX 4090", since=None)


def parse(answer: Any, wanted: Wanted = WANTED) -> pd.DataFrame:
    return parse_demand_monitor(answer, wanted=wanted, now=NOW)


PARSERS: list[tuple[str, Callable[[Any], pd.DataFrame]]] = [("salad demand-monitor", parse)]


def card(**fields: Any) -> dict[str, Any]:
    """An invented card in the shape that the clients read."""
    usual = {
        "name": "NVIDIA GeForce RTX 4090",
        "displayName": "RTX 4090",
        "variantNames": ["NVIDIA GeForce RTX 4090 D"],
        "demandTier": "high",
        "demandTierName": "High",
        "utilizationPct": 62.5,
        "earningRates": {
            "avgEarningRate": 0.15,
            "minEarningRate": 0.05,
            "maxEarningRate": 0.3,
            "top25PctEarningRate": 0.2,
        },
        "recommendedSpecs": {"ramGb": 32},
    }
    return usual | fields


LAPTOP = card(
    name="NVIDIA GeForce RTX 4090 Laptop GPU", displayName="RTX 4090 Laptop", utilizationPct=1.0
)


def values(frame: pd.DataFrame) -> dict[str, float]:
    return dict(zip(frame["series"], frame["value"], strict=True))


def test_a_host_earns_usd_per_hour_and_utilization_is_a_fraction() -> None:
    frame = parse([card()])
    assert values(frame) == {
        "rtx-4090.earning_usd_per_hour": 0.15,
        "rtx-4090.utilization": 0.625,
    }
    assert set(frame["date"]) == {pd.Timestamp("2026-08-19")}


@pytest.mark.parametrize("measure", ["utilization", "earning_usd_per_hour"])
def test_both_measures_give_both(measure: str) -> None:
    wanted = Wanted(series=f"rtx-4090.{measure}", key="RTX 4090", since=None)
    assert set(values(parse([card()], wanted))) == {
        "rtx-4090.earning_usd_per_hour",
        "rtx-4090.utilization",
    }


def test_the_maker_in_a_name_does_not_matter_and_a_laptop_is_another_card() -> None:
    assert values(parse([LAPTOP, card()]))["rtx-4090.utilization"] == 0.625


def test_a_variant_is_found_where_no_card_has_that_name() -> None:
    wanted = Wanted(series="rtx-4090.utilization", key="RTX 4090 D", since=None)
    assert values(parse([LAPTOP | {"variantNames": None}, card()], wanted))


def test_two_cards_of_one_name_are_not_chosen_between() -> None:
    with pytest.raises(SchemaChangedError, match="2 cards of this name"):
        parse([card(), card()])


@pytest.mark.parametrize("rates", [None, {"avgEarningRate": None}, {"avgEarningRate": 0}])
def test_without_earnings_there_is_utilization_alone_and_no_zero(rates: Any) -> None:
    assert values(parse([card(earningRates=rates)])) == {"rtx-4090.utilization": 0.625}


def test_without_utilization_there_are_earnings_alone() -> None:
    frame = parse([card(utilizationPct=None)])
    assert values(frame) == {"rtx-4090.earning_usd_per_hour": 0.15}


def test_an_idle_card_is_known_to_be_idle() -> None:
    assert values(parse([card(utilizationPct=0)]))["rtx-4090.utilization"] == 0


def test_neither_is_nothing() -> None:
    with pytest.raises(EmptyError):
        parse([card(utilizationPct=None, earningRates=None)])


@pytest.mark.parametrize("percent", [-1, 100.5, 6250])
def test_a_utilization_beyond_100_percent_is_a_changed_schema(percent: float) -> None:
    with pytest.raises(SchemaChangedError, match="no percent"):
        parse([card(utilizationPct=percent)])


def test_a_card_that_is_not_there_and_a_field_that_is_gone_are_changed_schemas() -> None:
    with pytest.raises(SchemaChangedError, match="1 cards, none of this name"):
        parse([LAPTOP])
    with pytest.raises(SchemaChangedError, match="avgEarningRate"):
        parse([card(earningRates={"average": 0.1})])
    with pytest.raises(SchemaChangedError, match="earningRates"):
        parse([{"name": "RTX 4090", "displayName": "RTX 4090", "utilizationPct": 1}])


def test_an_error_in_the_answer_is_repeated() -> None:
    with pytest.raises(UnavailableError, match="maintenance"):
        parse({"error": "maintenance"})


def test_all_cards_are_one_request(httpserver: HTTPServer, web: MakeWeb) -> None:
    path = "/api/v2/demand-monitor/gpu"
    httpserver.expect_request(path).respond_with_json([card(), LAPTOP])
    source, line = Salad(), web("salad", base_path="/api/v2")
    assert values(source.fetch(WANTED, line, NOW))["rtx-4090.utilization"] == 0.625
    source.fetch(WANTED, line, NOW)
    assert line.requests == 1


@pytest.mark.parametrize("body", [b"", b"<html>", b'[{"name": ', b"[]", b"\x1f\x8b\x08broken"])
def test_what_is_no_list_of_cards_is_an_error_of_ours(
    httpserver: HTTPServer, web: MakeWeb, body: bytes
) -> None:
    httpserver.expect_request("/demand-monitor/gpu").respond_with_data(body)
    with pytest.raises(SourceError):
        Salad().fetch(WANTED, web("salad"), NOW)


@settings(max_examples=500, deadline=None)
@given(answers([card(), LAPTOP]))
def test_any_answer_gives_a_checked_table_or_an_error_of_ours(answer: Any) -> None:
    for _, parser in PARSERS:
        check_each(parser, answer, NOW)
