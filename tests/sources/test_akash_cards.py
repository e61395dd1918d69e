"""Akash card by card: what is leased of each model, and what is asked for it."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from pytest_httpserver import HTTPServer

from research.errors import DataError, EmptyError, SchemaChangedError, UnavailableError
from research.sources import Wanted
from research.sources.akash import Akash, parse_breakdown, parse_prices
from tests.sources.conftest import MakeWeb
from tests.sources.mutations import answers, check
from tests.sources.rates import check_each

NOW = dt.datetime(2026, 8, 22, 10, tzinfo=dt.UTC)
# composed from the shapes in the console's source; the numbers are invented
BREAKDOWN = [
    {"date": "2026-08-21", "vendor": "nvidia", "model": "rtx4090", "providerCount": 5,
     "nodeCount": 9, "totalGpus": 31, "leasedGpus": 20, "gpuUtilization": 64.52},
    {"date": "2026-08-21", "vendor": "nvidia", "model": "h100", "providerCount": 4,
     "nodeCount": 6, "totalGpus": 48, "leasedGpus": 40, "gpuUtilization": 83.33},
    {"date": "2026-08-21", "vendor": "Unknown", "model": "Unknown", "providerCount": 1,
     "nodeCount": 1, "totalGpus": 1, "leasedGpus": 0, "gpuUtilization": 0},
]  # fmt: skip
PRICES = {
    "availability": {"total": 392, "available": 92},
    "models": [
        {"vendor": "nvidia", "model": "rtx4090", "ram": "24Gi", "interface": "PCIe",
         "availability": {"total": 31, "available": 11},
         "providerAvailability": {"total": 5, "available": 3},
         "price": {"currency": "USD", "min": 0.2, "max": 0.6, "avg": 0.4,
                   "weightedAverage": 0.38, "med": 0.39},
         "priceUakt": None},
        {"vendor": "nvidia", "model": "a100", "ram": "80Gi", "interface": "SXM4",
         "availability": {"total": 8, "available": 1},
         "providerAvailability": {"total": 2, "available": 1},
         "price": {"currency": "USD", "min": 0.7, "max": 0.9, "med": 0.8}},
        {"vendor": "nvidia", "model": "a100", "ram": "80Gi", "interface": "PCIe",
         "availability": {"total": 8, "available": 1},
         "providerAvailability": {"total": 2, "available": 1},
         "price": {"currency": "USD", "min": 0.6, "max": 0.8, "med": 0.7}},
        {"vendor": "nvidia", "model": "h100", "ram": "80Gi", "interface": "SXM5",
         "availability": {"total": 48, "available": 0},
         "providerAvailability": {"total": 4, "available": 0}, "price": None},
    ],
}  # fmt: skip


def said(frame: pd.DataFrame) -> list[tuple[str, float]]:
    return [(f"{day:%m-%d}", value) for day, value in zip(frame.date, frame.value, strict=True)]


def wanted(key: str, series: str = "akash.gpus_active") -> Wanted:
    return Wanted(series=series, key=key, since=None)


def breakdown(model: str, figure: str, rows: Any = BREAKDOWN) -> list[tuple[str, float]]:
    return said(parse_breakdown(rows, model=model, figure=figure, now=NOW))


def test_a_models_utilization_is_leased_by_total(httpserver: HTTPServer, web: MakeWeb) -> None:
    httpserver.expect_request(
        "/v1/gpu-breakdown", query_string={"model": "rtx4090"}
    ).respond_with_json(BREAKDOWN)
    akash, line = Akash(), web()
    frame = akash.fetch(wanted("gpu-breakdown/rtx4090", "rtx-4090.utilization"), line, NOW)
    assert frame["value"].tolist() == pytest.approx([20 / 31])
    akash.fetch(wanted("gpu-breakdown/rtx4090/totalGpus", "rtx-4090.gpus_total"), line, NOW)
    assert line.requests == 1  # of one answer


def test_unknown_models_count_in_the_total_only() -> None:
    assert breakdown("all", "totalGpus") == [("08-21", 80)]
    assert breakdown("all", "leasedGpus") == [("08-21", 60)]
    assert breakdown("all", "leasedHours") == [("08-21", 1440)]
    assert breakdown("RTX4090", "totalGpus") == [("08-21", 31)]
    assert breakdown("rtx4090", "providerCount") == [("08-21", 5)]
    with pytest.raises(EmptyError):  # a provider may offer several models
        breakdown("all", "providerCount")


def test_hours_of_leases_are_marked_as_derived() -> None:
    frame = parse_breakdown(BREAKDOWN, model="all", figure="leasedHours", now=NOW)
    assert set(frame["kind"]) == {"derived"}


def test_more_leased_than_there_is_counts_as_full_and_nothing_there_as_unknown() -> None:
    row = BREAKDOWN[0]
    rows = [
        row | {"date": "2026-08-19", "leasedGpus": 40},
        row | {"date": "2026-08-20", "totalGpus": 0, "leasedGpus": 0},
        row | {"date": "2026-08-21", "vendor": "amd"},
        row | {"date": "2026-08-21"},
        row | {"date": "2026-08-22"},
    ]
    shares = dict(breakdown("rtx4090", "gpuUtilization", rows))
    assert shares == pytest.approx({"08-19": 1, "08-21": 20 / 31})
    assert breakdown("rtx4090", "totalGpus", rows) == [("08-19", 31), ("08-20", 0), ("08-21", 62)]


def test_a_null_among_a_days_models_leaves_its_total_unknown() -> None:
    rows = [
        BREAKDOWN[0] | {"date": "2026-08-20"},
        BREAKDOWN[1] | {"date": "2026-08-20", "totalGpus": None},
        *BREAKDOWN,
    ]
    assert breakdown("all", "totalGpus", rows) == [("08-21", 80)]


def test_a_model_that_has_two_rows_on_a_day_is_refused() -> None:
    twice = [BREAKDOWN[0], BREAKDOWN[0] | {"totalGpus": 30}]
    with pytest.raises(SchemaChangedError, match="two rows on a day"):
        breakdown("rtx4090", "totalGpus", twice)
    assert breakdown("rtx4090", "totalGpus", [BREAKDOWN[0]] * 2) == [("08-21", 31)]


def test_a_model_that_is_not_there_is_empty() -> None:
    with pytest.raises(EmptyError, match="not among"):
        breakdown("rtx5090", "totalGpus")


def prices(card: str, answer: Any = PRICES) -> dict[str, float]:
    frame = parse_prices(answer, card=card, series="rtx-4090.rate_usd_per_hour", now=NOW)
    assert set(frame["date"]) == {pd.Timestamp("2026-08-21")}
    return dict(zip(frame["series"], frame["value"], strict=True))


def test_a_cards_price_is_the_median_bid_with_its_range_and_who_has_one_free() -> None:
    assert prices("rtx4090") == {
        "rtx-4090.rate_usd_per_hour": 0.39,
        "rtx-4090.rate_min_usd_per_hour": 0.2,
        "rtx-4090.rate_max_usd_per_hour": 0.6,
        "rtx-4090.offers_count": 3,
    }


def test_all_cards_are_one_request(httpserver: HTTPServer, web: MakeWeb) -> None:
    httpserver.expect_request("/v1/gpu-prices").respond_with_json(PRICES)
    akash, line = Akash(), web()
    for key, rate in (
        ("rtx4090", 0.39),
        ("a100/80Gi/sxm", 0.8),
        ("A100/80gi/SXM5", 0.8),
        ("a100/80Gi/PCIe", 0.7),
    ):
        series = "rtx-4090.rate_usd_per_hour"
        frame = akash.fetch(wanted(f"gpu-prices/{key}", series), line, NOW)
        assert frame.set_index("series")["value"][series] == rate
    assert line.requests == 1


def test_a_failure_is_not_asked_for_again_with_each_card(
    httpserver: HTTPServer, web: MakeWeb
) -> None:
    httpserver.expect_request("/v1/gpu-prices").respond_with_data("no", status=404)
    akash, line = Akash(), web()
    for _ in range(3):
        with pytest.raises(UnavailableError, match="404"):
            akash.fetch(wanted("gpu-prices/rtx4090", "rtx-4090.rate_usd_per_hour"), line, NOW)
    assert line.requests == 1


def test_a_price_of_null_is_no_price() -> None:
    with pytest.raises(EmptyError, match="no bids"):
        prices("h100")


def test_a_median_of_null_or_zero_is_no_price() -> None:
    for median in (None, 0):
        answer = copy.deepcopy(PRICES)
        answer["models"][0]["price"]["med"] = median  # type: ignore[index]  # a list
        with pytest.raises(EmptyError, match="no median"):
            prices("rtx4090", answer)


def test_a_model_with_several_forms_must_be_named_in_full() -> None:
    with pytest.raises(SchemaChangedError, match="several: a100/80Gi/SXM4, a100/80Gi/PCIe"):
        prices("a100")


def test_a_price_in_another_currency_is_refused() -> None:
    answer = copy.deepcopy(PRICES)
    answer["models"][0]["price"]["currency"] = "uakt"  # type: ignore[index]  # a list
    with pytest.raises(SchemaChangedError, match="not in USD"):
        prices("rtx4090", answer)


PARSERS: list[tuple[str, Callable[[Any], pd.DataFrame]]] = [
    ("akash gpu-breakdown/all", partial(parse_breakdown, model="all", figure="totalGpus", now=NOW)),
    (
        "akash gpu-breakdown/rtx4090",
        partial(parse_breakdown, model="rtx4090", figure="gpuUtilization", now=NOW),
    ),
    (
        "akash gpu-prices",
        partial(parse_prices, card="rtx4090", series="rtx-4090.rate_usd_per_hour", now=NOW),
    ),
]
RIGHT: list[Any] = [BREAKDOWN, BREAKDOWN, PRICES]


@pytest.mark.parametrize("at", range(len(PARSERS)), ids=[name for name, _ in PARSERS])
def test_any_answer_makes_a_frame_or_one_of_our_errors(at: int) -> None:
    @settings(max_examples=500, deadline=None)
    @given(answer=answers(RIGHT[at]))
    def of_any_answer(answer: Any) -> None:
        if PARSERS[at][0] == "akash gpu-prices":  # of several series
            check_each(PARSERS[at][1], answer, NOW)
        else:
            check(PARSERS[at][1], answer, pd.Timestamp(NOW.date()))

    of_any_answer()


def test_fewer_than_no_providers_is_a_shape_that_we_do_not_know() -> None:
    answer: Any = copy.deepcopy(PRICES)
    for row in answer["models"]:
        row["providerAvailability"]["available"] = -1

    with pytest.raises(SchemaChangedError, match="-1 providers"):
        parse_prices(answer, card="rtx4090", series="rtx-4090.rate_usd_per_hour", now=NOW)


def test_counts_too_large_to_be_added_up_are_refused_without_a_warning() -> None:
    answer: Any = copy.deepcopy(BREAKDOWN)
    for row in answer:
        row["totalGpus"] = row["leasedGpus"] = 1e308
    with pytest.raises(DataError):
        parse_breakdown(answer, model="all", figure="totalGpus", now=NOW)
