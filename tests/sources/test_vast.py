"""Vast.ai: from offers of any shape to what one GPU-hour is asked for."""

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
from research.sources.vast import MOST, Vast, offers_of, parse_bundles
from tests.sources.conftest import MakeWeb
from tests.sources.mutations import answers
from tests.sources.rates import check_each

NOW = dt.datetime(2026, 8, 20, 9, 30, tzinfo=dt.UTC)
WANTED = Wanted(series="rtx-4090.rate_usd_per_hour", key="RTX 4090", since=None)


def parse(answer: Any, wanted: Wanted = WANTED) -> pd.DataFrame:
    return parse_bundles(answer, wanted=wanted, now=NOW)


PARSERS: list[tuple[str, Callable[[Any], pd.DataFrame]]] = [("vast bundles", parse)]


def offer(**fields: Any) -> dict[str, Any]:
    """An invented offer in the documented shape."""
    usual = {
        "id": 1,
        "machine_id": 1,
        "gpu_name": "RTX 4090",
        "num_gpus": 1,
        "dph_base": 0.3,
        "dph_total": 0.31,
        "min_bid": 0.2,
        "storage_cost": 0.1,
        "gpu_ram": 24564,
        "reliability2": 0.99,
        "verification": "verified",
        "rented": False,
        "geolocation": "Texas, US",
    }
    return usual | fields


def at_prices(*prices: float) -> list[dict[str, Any]]:
    return [offer(dph_total=price) for price in prices]


def values(frame: pd.DataFrame) -> dict[str, float]:
    return {
        str(series).removeprefix("rtx-4090."): float(value)
        for series, value in zip(frame["series"], frame["value"], strict=True)
    }


def test_nine_offers_give_median_quartiles_minimum_and_count() -> None:
    prices = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    assert values(parse({"offers": at_prices(*prices)})) == pytest.approx(
        {
            "rate_usd_per_hour": 0.5,
            "rate_q25_usd_per_hour": 0.3,
            "rate_q75_usd_per_hour": 0.7,
            "rate_min_usd_per_hour": 0.1,
            "offers_count": 9,
        }
    )


def test_fewer_than_eight_offers_give_the_minimum_and_no_median() -> None:
    seven = values(parse({"offers": at_prices(*[0.3] * 6, 0.2)}))
    assert seven == {"rate_min_usd_per_hour": 0.2, "offers_count": 7}
    assert "rate_usd_per_hour" in values(parse({"offers": at_prices(*[0.3] * 8)}))


def test_the_price_of_an_offer_is_divided_by_its_cards() -> None:
    frame = parse({"offers": [offer(num_gpus=4, dph_total=1.6)]})
    assert values(frame)["rate_min_usd_per_hour"] == pytest.approx(0.4)


@pytest.mark.parametrize(
    "fields",
    [
        {"reliability2": 0.89},
        {"reliability2": None},
        {"verification": "deverified"},
        {"verification": None},
        {"rented": True},
        {"is_bid": True},
        {"dph_total": None},
        {"dph_total": 0},
        {"num_gpus": 0},
    ],
)
def test_an_offer_that_one_would_not_take_does_not_count(fields: dict[str, Any]) -> None:
    frame = parse({"offers": [offer(**({"dph_total": 0.01} | fields)), offer(dph_total=0.3)]})
    assert values(frame) == {"rate_min_usd_per_hour": 0.3, "offers_count": 1}


def test_only_unusable_offers_are_nothing() -> None:
    with pytest.raises(EmptyError, match="1 offers, none of them usable"):
        parse({"offers": [offer(reliability2=0.5)]})


def test_offers_of_another_card_do_not_count() -> None:
    frame = parse({"offers": [offer(dph_total=0.3), offer(gpu_name="RTX 4090D", dph_total=0.1)]})
    assert values(frame)["offers_count"] == 1


def test_a_filter_that_was_not_understood_is_a_changed_schema() -> None:
    with pytest.raises(SchemaChangedError, match="1 offers, the first of 'RTX 3060'"):
        parse({"offers": [offer(gpu_name="RTX 3060")]})


def test_a_key_with_memory_tells_cards_of_one_name_apart() -> None:
    wanted = Wanted(series="a100-pcie-80.rate_usd_per_hour", key="A100 PCIE:80", since=None)
    offers = [
        offer(gpu_name="A100 PCIE", gpu_ram=40960, dph_total=0.5),
        offer(gpu_name="A100 PCIE", gpu_ram=81251, dph_total=0.9),
    ]
    frame = parse({"offers": offers}, wanted)
    assert dict(zip(frame["series"], frame["value"], strict=True)) == {
        "a100-pcie-80.rate_min_usd_per_hour": 0.9,
        "a100-pcie-80.offers_count": 1,
    }
    asked = offers_of("A100 PCIE:80")
    assert asked["gpu_name"] == {"eq": "A100 PCIE"}
    assert asked["gpu_ram"]["gte"] < 81251 < asked["gpu_ram"]["lte"]
    assert "gpu_ram" not in offers_of("RTX 4090")


def test_numbers_may_be_texts() -> None:
    frame = parse({"offers": [offer(dph_total="0.25", num_gpus="1", reliability2="0.95")]})
    assert values(frame)["rate_min_usd_per_hour"] == 0.25


def test_no_offers_are_nothing_and_no_zero() -> None:
    with pytest.raises(EmptyError, match="empty list"):
        parse({"offers": []})


def test_a_list_that_was_cut_off_has_no_median() -> None:
    with pytest.raises(UnavailableError, match="the cheapest 3000 offers only"):
        parse({"offers": at_prices(*[0.3] * MOST)})


def test_an_error_in_the_answer_is_repeated() -> None:
    with pytest.raises(UnavailableError, match="it says 'no such user'"):
        parse({"success": False, "msg": "no such user"})


def test_a_field_that_is_gone_is_a_changed_schema() -> None:
    renamed = offer(dph=0.3)
    del renamed["dph_total"]
    with pytest.raises(SchemaChangedError, match="'dph_total'"):
        parse({"offers": [renamed]})


def test_it_asks_for_one_card_on_demand_and_books_the_state_on_the_last_complete_day(
    httpserver: HTTPServer, web: MakeWeb
) -> None:
    httpserver.expect_oneshot_request(
        "/api/v0/bundles/",
        method="POST",
        json={
            "gpu_name": {"eq": "RTX 4090"},
            "rentable": {"eq": True},
            "num_gpus": {"eq": 1},
            "type": "on-demand",
            "order": [["dph_total", "asc"]],
            "limit": 3000,
        },
    ).respond_with_json({"offers": at_prices(*[0.3] * 8)})
    frame = Vast().fetch(WANTED, web("vast", base_path="/api/v0"), NOW)
    httpserver.check_assertions()
    assert set(frame["date"]) == {pd.Timestamp("2026-08-19")}
    assert values(frame)["rate_usd_per_hour"] == 0.3
    assert values(frame)["offers_count"] == 8


def test_a_key_for_vast_does_not_change_the_question(httpserver: HTTPServer, web: MakeWeb) -> None:
    httpserver.expect_request("/bundles/").respond_with_json({"offers": [offer()]})
    Vast().fetch(WANTED, web("vast", key="a-secret", takes_key="optional"), NOW)
    request, _ = httpserver.log[0]
    assert "Authorization" not in request.headers


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"offers": [', b"null", b"\x1f\x8b\x08broken"])
def test_what_is_no_list_of_offers_is_an_error_of_ours(
    httpserver: HTTPServer, web: MakeWeb, body: bytes
) -> None:
    httpserver.expect_request("/bundles/").respond_with_data(body)
    with pytest.raises(SourceError):
        Vast().fetch(WANTED, web("vast"), NOW)


@settings(max_examples=500, deadline=None)
@given(answers({"offers": at_prices(*[0.3] * 9)}))
def test_any_answer_gives_a_checked_table_or_an_error_of_ours(answer: Any) -> None:
    for _, parser in PARSERS:
        check_each(parser, answer, NOW)
