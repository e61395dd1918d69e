"""What Akash tells of now: stored as the state at the end of yesterday, or missing."""

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

from research.errors import EmptyError, SchemaChangedError, SourceError
from research.sources import Wanted
from research.sources._akash_now import parse_bme, parse_capacity, parse_dashboard
from research.sources.akash import Akash
from tests.sources.conftest import MakeWeb
from tests.sources.mutations import answers, check

NOW = dt.datetime(2026, 8, 22, 10, tzinfo=dt.UTC)
# composed from the shapes in the console's source; the numbers are invented
BME = {
    "now": {"date": "2026-08-22T09:00:00.000Z", "outstandingAct": 2_500_000, "vaultAkt": 7_000_000,
            "collateralRatio": 1.1, "netAktBurned": -3_000_000, "dailyAktBurnedForAct": 5},
    "compare": {},
}  # fmt: skip
CAPACITY = {
    "activeProviderCount": 61,
    "resources": {"gpu": {"active": 300, "pending": 2, "available": 90, "total": 392}},
}
DASHBOARD = {
    "chainStats": {"height": 1000, "transactionCount": 9, "bondedTokens": 119_000_000_000,
                   "totalSupply": 260_000_000_000, "communityPool": 1.5, "inflation": 0.13,
                   "stakingAPR": 0.17},
    "now": {"date": "2026-08-22T09:59:00.000Z", "height": 1000, "activeLeaseCount": 1131,
            "totalLeaseCount": 270205, "dailyLeaseCount": 847, "totalUAktSpent": 582_497_577_931.1,
            "totalUUsdcSpent": 293_031_941_506.6, "totalUUsdSpent": 1_630_332_054_313.6,
            "dailyUUsdSpent": 11_331_975_809.5, "activeGPU": 639},
    "networkCapacity": {"activeProviderCount": 70, "activeGPU": 579, "pendingGPU": 6,
                        "availableGPU": 158, "totalGPU": 743},
}  # fmt: skip


def said(frame: pd.DataFrame) -> list[tuple[str, float]]:
    return [(f"{day:%m-%d}", value) for day, value in zip(frame.date, frame.value, strict=True)]


def wanted(key: str, series: str = "akash.gpus_active") -> Wanted:
    return Wanted(series=series, key=key, since=None)


def now(parse: Callable[..., pd.DataFrame], answer: Any, name: str) -> float:
    [(day, value)] = said(parse(answer, name=name, now=NOW))
    assert day == "08-21"  # the state at the end of the last complete day
    return value


@pytest.mark.parametrize(
    ("key", "path", "answer", "value"),
    [
        ("bme/vaultAkt", "/v1/bme/dashboard-data", BME, 7),
        ("bme/netAktBurned", "/v1/bme/dashboard-data", BME, -3),
        ("bme/collateralRatio", "/v1/bme/dashboard-data", BME, 1.1),
        ("network-capacity/totalGPU", "/v1/network-capacity", CAPACITY, 392),
        ("network-capacity/activeProviderCount", "/v1/network-capacity", CAPACITY, 61),
        ("network-capacity/gpuUtilization", "/v1/network-capacity", CAPACITY, 302 / 392),
        ("dashboard/activeGPU", "/v1/dashboard-data", DASHBOARD, 639),
        ("dashboard/totalUUsdSpent", "/v1/dashboard-data", DASHBOARD, 1_630_332.0543136),
        ("dashboard/totalSupply", "/v1/dashboard-data", DASHBOARD, 260_000),
        ("dashboard/stakingAPR", "/v1/dashboard-data", DASHBOARD, 0.17),
    ],
)
def test_a_snapshot_is_the_state_at_the_end_of_yesterday(
    httpserver: HTTPServer, web: MakeWeb, key: str, path: str, answer: Any, value: float
) -> None:
    httpserver.expect_oneshot_request(path).respond_with_json(answer)
    [(day, found)] = said(Akash().fetch(wanted(key), web(), NOW))
    assert day == "08-21"
    assert found == pytest.approx(value)


def test_the_two_utilizations_of_the_dashboard_differ() -> None:
    reported = now(parse_dashboard, DASHBOARD, "gpuUtilization")
    assert reported == pytest.approx((579 + 6) / 743)
    leased = now(parse_dashboard, DASHBOARD, "activeGPU")
    assert leased / now(parse_dashboard, DASHBOARD, "totalGPU") == pytest.approx(639 / 743)


@pytest.mark.parametrize(
    ("part", "key"), [("chainStats", "height"), ("chainStats", "bondedTokens"), ("now", "height")]
)
def test_a_zeroed_dashboard_is_missing(part: str, key: str) -> None:
    answer: Any = copy.deepcopy(DASHBOARD)
    answer[part][key] = 0
    for name in ("activeGPU", "stakingAPR"):
        with pytest.raises(EmptyError, match=f"{key} is 0"):
            now(parse_dashboard, answer, name)


def test_no_provider_online_is_missing() -> None:
    nobody = {"activeProviderCount": 0, "resources": {"gpu": dict.fromkeys(
        ("active", "pending", "available", "total"), 0)}}  # fmt: skip
    with pytest.raises(EmptyError, match="no provider"):
        now(parse_capacity, nobody, "totalGPU")


def test_a_staking_yield_that_is_left_out_is_named() -> None:
    answer: Any = copy.deepcopy(DASHBOARD)
    del answer["chainStats"]["stakingAPR"]
    with pytest.raises(SchemaChangedError, match="lacks 'stakingAPR'"):
        now(parse_dashboard, answer, "stakingAPR")


def test_a_state_that_stands_still_is_not_yesterdays() -> None:
    answer: Any = copy.deepcopy(BME)
    answer["now"]["date"] = "2026-08-19T10:00:00.000Z"
    with pytest.raises(EmptyError, match="stands still since 2026-08-19"):
        now(parse_bme, answer, "vaultAkt")


@pytest.mark.parametrize("key", ["bme/dailyAktBurnedForAct", "dashboard/dailyUUsdSpent"])
def test_the_last_24_hours_are_no_day(web: MakeWeb, key: str) -> None:
    with pytest.raises(SourceError, match=f"no UTC day; ask for {key.partition('/')[2]}"):
        Akash().fetch(wanted(key), web(), NOW)


PARSERS: list[tuple[str, Callable[[Any], pd.DataFrame]]] = [
    ("akash bme", partial(parse_bme, name="vaultAkt", now=NOW)),
    ("akash network-capacity", partial(parse_capacity, name="gpuUtilization", now=NOW)),
    ("akash dashboard", partial(parse_dashboard, name="gpuUtilization", now=NOW)),
]
RIGHT: list[Any] = [BME, CAPACITY, DASHBOARD]


@pytest.mark.parametrize("at", range(len(PARSERS)), ids=[name for name, _ in PARSERS])
def test_any_answer_makes_a_frame_or_one_of_our_errors(at: int) -> None:
    @settings(max_examples=500, deadline=None)
    @given(answer=answers(RIGHT[at]))
    def of_any_answer(answer: Any) -> None:
        check(PARSERS[at][1], answer, pd.Timestamp(NOW.date()))

    of_any_answer()
