"""io.net's explorer: rows without a date, totals that disagree, and a market of now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from pytest_httpserver import HTTPServer

from research.errors import EmptyError, SchemaChangedError, SourceError
from research.sources import Wanted
from research.sources.ionet import IoNet, parse_card, parse_clusters, parse_earnings, parse_market
from tests.sources.conftest import MakeWeb
from tests.sources.mutations import answers, check
from tests.sources.rates import check_each

NOW = dt.datetime(2026, 8, 22, 10, tzinfo=dt.UTC)
EARNINGS_PATH = "/v1/io-explorer/network/info/cluster/total-earnings-summary"
MARKET_PATH = "/v1/io-explorer/network/market-snapshot"
# composed from the shapes that callers describe; the numbers are invented
EARNINGS: dict[str, Any] = {
    "status": "succeeded",
    "data": [
        {"date": "2026-08-19", "daily_earnings": 10_000.0, "total_earnings": 27_099_600.0},
        {"date": "2026-08-20", "daily_earnings": 10_400.0, "total_earnings": 27_110_000.0},
        {"date": "2026-08-21", "daily_earnings": 10_550.0, "total_earnings": 27_120_550.0},
    ],
}
MARKET: dict[str, Any] = {
    "status": "succeeded",
    "data": [
        {"hardware_name": "RTX 4090", "price": 0.25, "total": 400, "idle": 300, "hired": 100},
        {"hardware_name": "H100 PCIe", "price": "1.9", "total": "50", "idle": 10, "hired": "40"},
    ],
}
CLUSTERS: dict[str, Any] = {
    "status": "succeeded",
    "data": {"running_clusters": 9, "total_compute_hours_served": "1234567.5"},
}
PARSERS: list[tuple[str, Callable[[Any], pd.DataFrame]]] = [
    ("ionet earnings", partial(parse_earnings, now=NOW)),
    ("ionet hired", partial(parse_market, count="hired", now=NOW)),
    ("ionet clusters", partial(parse_clusters, now=NOW)),
    ("ionet card", partial(parse_card, card="RTX 4090", series="rtx-4090.utilization", now=NOW)),
]
RIGHT: list[Any] = [EARNINGS, MARKET, CLUSTERS, MARKET]


def said(frame: pd.DataFrame) -> list[tuple[str, float]]:
    return [(f"{day:%m-%d}", value) for day, value in zip(frame.date, frame.value, strict=True)]


def wanted(key: str, series: str = "io-net.earnings_usd") -> Wanted:
    return Wanted(series=series, key=key, since=None)


def earnings(*rows: tuple[str | None, Any, Any]) -> pd.DataFrame:
    data = [
        {"daily_earnings": daily, "total_earnings": total} | ({} if date is None else {"day": date})
        for date, daily, total in rows
    ]
    return parse_earnings({"data": data}, now=NOW)


def test_earnings_are_one_row_a_day(httpserver: HTTPServer, web: MakeWeb) -> None:
    httpserver.expect_oneshot_request(EARNINGS_PATH).respond_with_json(EARNINGS)
    frame = IoNet().fetch(wanted("total-earnings-summary"), web("ionet"), NOW)
    assert said(frame) == [("08-19", 10_000), ("08-20", 10_400), ("08-21", 10_550)]
    assert "kind" not in frame


def test_rows_without_a_date_end_yesterday_and_are_derived() -> None:
    frame = earnings((None, 10, 100), (None, "20", "120"), (None, 30, 150))
    assert said(frame) == [("08-19", 10), ("08-20", 20), ("08-21", 30)]
    assert set(frame["kind"]) == {"derived"}


def test_the_date_is_found_under_whatever_name() -> None:
    rows = [("2026-08-20T00:00:00Z", 10, 100), ("2026-08-21T00:00:00Z", 20, 120)]
    assert said(earnings(*rows)) == [("08-20", 10), ("08-21", 20)]


def test_a_stamp_that_all_rows_share_is_not_their_date() -> None:
    stamp = "2026-08-22T09:00:00Z"
    frame = earnings((stamp, 10, 100), (stamp, 20, 120))
    assert said(frame) == [("08-20", 10), ("08-21", 20)]
    assert set(frame["kind"]) == {"derived"}


def test_the_running_day_is_left_out_and_judges_nothing() -> None:
    frame = earnings(("2026-08-20", 10, 100), ("2026-08-21", 20, 120), ("2026-08-22", 20, 125))
    assert said(frame) == [("08-20", 10), ("08-21", 20)]
    assert "kind" not in frame


def test_where_the_totals_disagree_their_differences_count() -> None:
    rows = [("2026-08-18", 10, 100), ("2026-08-19", 20, 125), ("2026-08-20", 30, 155)]
    frame = earnings(*rows, ("2026-08-21", 5, 150))  # a negative difference is no earning
    assert said(frame) == [("08-19", 25), ("08-20", 30)]
    assert set(frame["kind"]) == {"derived"}


def test_cents_of_rounding_are_no_disagreement() -> None:
    frame = earnings(("2026-08-20", 10, 100), ("2026-08-21", 20, 120.1))
    assert frame["value"].tolist() == [10, 20]


def test_a_total_after_missing_days_is_not_held_against_one_day() -> None:
    rows = [("2026-08-17", 10, 100), ("2026-08-20", 30, 200), ("2026-08-21", 20, 220)]
    assert said(earnings(*rows)) == [("08-17", 10), ("08-20", 30), ("08-21", 20)]


def test_a_null_is_a_gap_and_no_zero() -> None:
    frame = earnings(("2026-08-20", None, 100), ("2026-08-21", 20, 120))
    assert said(frame) == [("08-21", 20)]


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_is_said_so_and_not_repeated(
    httpserver: HTTPServer, web: MakeWeb, status: int
) -> None:
    httpserver.expect_request(MARKET_PATH).respond_with_json({"detail": "no"}, status=status)
    line, ionet = web("ionet"), IoNet()
    for key in ("hired", "total"):
        with pytest.raises(SourceError, match=f"HTTP {status}"):
            ionet.fetch(wanted(key), line, NOW)
    assert line.requests == 1


def test_the_market_now_is_one_request_for_all_that_is_in_it(
    httpserver: HTTPServer, web: MakeWeb
) -> None:
    httpserver.expect_request(MARKET_PATH).respond_with_json(MARKET)
    line, ionet = web("ionet"), IoNet()
    assert said(ionet.fetch(wanted("hired"), line, NOW)) == [("08-21", 140)]
    assert said(ionet.fetch(wanted("total"), line, NOW)) == [("08-21", 450)]
    frame = ionet.fetch(wanted("market-snapshot/rtx 4090", "rtx-4090.utilization"), line, NOW)
    assert dict(zip(frame["series"], frame["value"], strict=True)) == {
        "rtx-4090.rate_usd_per_hour": 0.25,
        "rtx-4090.utilization": 0.25,
    }
    assert line.requests == 1


def test_a_card_without_a_price_keeps_its_utilization() -> None:
    for price in (None, 0):
        market = {"data": [MARKET["data"][0] | {"price": price}]}
        frame = parse_card(market, card="RTX 4090", series="rtx-4090.utilization", now=NOW)
        assert frame["series"].tolist() == ["rtx-4090.utilization"]


def test_a_card_that_is_absent_or_there_twice_is_no_price() -> None:
    with pytest.raises(EmptyError, match="not among"):
        parse_card(MARKET, card="RTX 5090", series="rtx-5090.utilization", now=NOW)
    twice = {"data": MARKET["data"] * 2}
    with pytest.raises(SchemaChangedError, match="2 rows"):
        parse_card(twice, card="RTX 4090", series="rtx-4090.utilization", now=NOW)


def test_a_count_that_is_not_told_leaves_the_sum_unknown() -> None:
    market = {"data": [MARKET["data"][0], MARKET["data"][1] | {"hired": None}]}
    with pytest.raises(EmptyError):
        parse_market(market, count="hired", now=NOW)


def test_compute_hours_are_a_snapshot(httpserver: HTTPServer, web: MakeWeb) -> None:
    httpserver.expect_oneshot_request("/v1/io-explorer/network/info/clusters").respond_with_json(
        CLUSTERS
    )
    frame = IoNet().fetch(wanted("total_compute_hours_served"), web("ionet"), NOW)
    assert said(frame) == [("08-21", 1_234_567.5)]


def test_a_failure_in_the_envelope_names_the_keys_found() -> None:
    with pytest.raises(SchemaChangedError, match="lacks 'data'; it has 'status', 'error'"):
        parse_earnings({"status": "failed", "error": "x"}, now=NOW)


def test_the_counters_of_all_devices_are_not_offered(web: MakeWeb) -> None:
    line = web("ionet")
    with pytest.raises(SourceError, match="no such feed; it has total-earnings-summary"):
        IoNet().fetch(wanted("info"), line, NOW)
    assert line.requests == 0


@pytest.mark.parametrize("at", range(len(PARSERS)), ids=[name for name, _ in PARSERS])
def test_any_answer_makes_a_frame_or_one_of_our_errors(at: int) -> None:
    @settings(max_examples=500, deadline=None)
    @given(answer=answers(RIGHT[at]))
    def of_any_answer(answer: Any) -> None:
        if at == 3:  # of several series
            check_each(PARSERS[at][1], answer, NOW)
        else:
            check(PARSERS[at][1], answer, pd.Timestamp(NOW.date()))

    of_any_answer()
