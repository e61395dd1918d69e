"""Akash's daily graphs, of the chain and of its providers, with the odd forms of each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from pytest_httpserver import HTTPServer

from research.errors import (
    EmptyError,
    SchemaChangedError,
    SourceError,
    UnavailableError,
)
from research.sources import Wanted
from research.sources.akash import (
    GRAPHS,
    Akash,
    parse_gpu_hours,
    parse_graph,
    parse_provider_graph,
)
from tests.sources.conftest import MakeWeb
from tests.sources.mutations import answers, check

NOW = dt.datetime(2026, 8, 22, 10, tzinfo=dt.UTC)
# composed from the shapes in the console's source; the numbers are invented
GRAPH = {
    "currentValue": 301,
    "compareValue": 297,
    "snapshots": [
        {"date": "2026-08-19T00:00:00.000Z", "value": 291},
        {"date": "2026-08-20T00:00:00.000Z", "value": 295},
        {"date": "2026-08-21T00:00:00.000Z", "value": 297},
    ],
}


def said(frame: pd.DataFrame) -> list[tuple[str, float]]:
    return [(f"{day:%m-%d}", value) for day, value in zip(frame.date, frame.value, strict=True)]


def graph(name: str, *points: tuple[str, Any], now: dt.datetime = NOW) -> list[tuple[str, float]]:
    snapshots = [{"date": date, "value": value} for date, value in points]
    return said(parse_graph({"snapshots": snapshots}, name=name, now=now))


def wanted(key: str, series: str = "akash.gpus_active") -> Wanted:
    return Wanted(series=series, key=key, since=None)


def test_a_graph_is_asked_for_by_its_name_and_is_one_row_a_day(
    httpserver: HTTPServer, web: MakeWeb
) -> None:
    httpserver.expect_oneshot_request("/v1/graph-data/activeGPU").respond_with_json(GRAPH)
    frame = Akash().fetch(wanted("activeGPU"), web(), NOW)
    assert said(frame) == [("08-19", 291), ("08-20", 295), ("08-21", 297)]


def test_days_that_are_held_already_are_told_again_for_the_indexer_rewrites_them(
    httpserver: HTTPServer, web: MakeWeb
) -> None:
    httpserver.expect_oneshot_request("/v1/graph-data/totalUUsdSpent").respond_with_json(GRAPH)
    since = Wanted(series="akash.spend_usd", key="totalUUsdSpent", since=dt.date(2026, 8, 21))
    assert len(Akash().fetch(since, web(), NOW)) == 3


def test_the_last_point_at_midday_is_the_running_day_and_left_out() -> None:
    points = [("2026-08-20T00:00:00.000Z", 295), ("2026-08-21T00:00:00.000Z", 297)]
    assert graph("activeGPU", *points, ("2026-08-22T09:58:12.000Z", 301))[-1] == ("08-21", 297)
    assert graph("activeGPU", *points, ("2026-08-22T00:00:00.000Z", 301))[-1] == ("08-21", 297)
    assert graph("activeGPU", *points[:1], ("2026-08-21T17:00:00.000Z", 1)) == [("08-20", 295)]


def test_the_live_value_beside_the_graph_is_no_day() -> None:
    assert 301 not in parse_graph(GRAPH, name="activeGPU", now=NOW)["value"].tolist()


def test_the_first_point_of_a_difference_is_the_sum_of_all_before_and_left_out() -> None:
    points = [
        ("2026-08-19T00:00:00.000Z", 1_630_332_054_313),
        ("2026-08-20T00:00:00.000Z", 7_012_500_000),
        ("2026-08-21T00:00:00.000Z", 7_120_100_000),
    ]
    daily = [("08-20", 7012.5), ("08-21", 7120.1)]
    assert graph("dailyUUsdSpent", *points) == daily
    assert graph("dailyUUsdSpent", *reversed(points)) == daily
    assert len(graph("totalUUsdSpent", *points)) == 3


def test_a_difference_with_its_first_point_alone_has_no_day() -> None:
    with pytest.raises(EmptyError, match="no rows"):
        graph("dailyUUsdSpent", ("2026-08-20T00:00:00.000Z", 1e12))


@pytest.mark.parametrize(
    ("name", "theirs", "ours"),
    [
        ("totalUAktSpent", 582_497_577_931.1163, 582_497.5779311163),
        ("totalUUsdcSpent", 1_000_000, 1.0),
        ("totalUUsdSpent", 1_000_000, 1.0),
        ("totalAktBurnedForAct", 2_500_000, 2.5),
        ("netAktBurned", -2_500_000, -2.5),
        ("vaultAkt", 1_000_000, 1.0),
        ("outstandingAct", 1_000_000, 1.0),
        ("collateralRatio", 1.1, 1.1),
        ("activeCPU", 4_089_450, 4089.45),
        ("gpuUtilization", 78.5, 0.785),
        ("activeGPU", 639, 639),
        ("activeLeaseCount", 1131, 1131),
        ("totalLeaseCount", 270205, 270205),
    ],
)
def test_micro_units_thousandths_and_percent_become_units_and_fractions(
    name: str, theirs: float, ours: float
) -> None:
    [(_, value)] = graph(name, ("2026-08-21T00:00:00.000Z", theirs))
    assert value == pytest.approx(ours, rel=1e-12)


def test_series_that_begin_on_different_days_meet_on_their_dates() -> None:
    gpus = graph("activeGPU", ("2026-08-20T00:00:00.000Z", 1), ("2026-08-21T00:00:00.000Z", 2))
    leases = graph(
        "activeLeaseCount",
        ("2026-08-19T00:00:00.000Z", 9),
        ("2026-08-20T00:00:00.000Z", 10),
        ("2026-08-21T00:00:00.000Z", 20),
    )
    assert [(day, dict(leases)[day] / value) for day, value in gpus] == [
        ("08-20", 10),
        ("08-21", 10),
    ]


def test_a_missing_day_and_a_null_stay_gaps() -> None:
    points = [
        ("2026-08-17T00:00:00.000Z", 5),
        ("2026-08-19T00:00:00.000Z", None),
        ("2026-08-20T00:00:00.000Z", 0),
        ("2026-08-21T00:00:00.000Z", "7"),
    ]
    assert graph("activeGPU", *points) == [("08-17", 5), ("08-20", 0), ("08-21", 7)]


def test_a_day_said_twice_differently_is_refused() -> None:
    twice = [("2026-08-21T00:00:00.000Z", 5), ("2026-08-21T00:00:00.000Z", 6)]
    with pytest.raises(SchemaChangedError, match="two different values for 2026-08-21"):
        graph("activeGPU", *twice)
    assert graph("activeGPU", twice[0], twice[0]) == [("08-21", 5)]


@pytest.mark.parametrize("key", ["dailyUActSpent", "totalUActSpent"])
def test_usdc_and_act_are_one_series_and_cannot_both_be_had(web: MakeWeb, key: str) -> None:
    line = web()
    with pytest.raises(SourceError, match=f"never be added; ask for {key.replace('Act', 'Usdc')}"):
        Akash().fetch(wanted(key), line, NOW)
    assert line.requests == 0
    assert not [name for name in GRAPHS if "UAct" in name]


def test_a_404_in_plain_text_means_unavailable(httpserver: HTTPServer, web: MakeWeb) -> None:
    httpserver.expect_request("/v1/graph-data/activeGPU").respond_with_data(
        "Invalid graph data type: activeGPU", status=404, content_type="text/plain"
    )
    line = web()
    with pytest.raises(UnavailableError, match="HTTP 404"):
        Akash().fetch(wanted("activeGPU"), line, NOW)
    assert line.requests == 1


@pytest.mark.parametrize("content_type", ["text/html", "application/json"])
def test_a_page_instead_of_json_means_a_changed_schema(
    httpserver: HTTPServer, web: MakeWeb, content_type: str
) -> None:
    httpserver.expect_request("/v1/graph-data/activeGPU").respond_with_data(
        "<html><body>Just a moment</body></html>", content_type=content_type
    )
    with pytest.raises(SchemaChangedError):
        Akash().fetch(wanted("activeGPU"), web(), NOW)


def test_an_error_in_json_names_the_keys_found() -> None:
    answer = {"error": "InternalServerError", "message": "x", "code": "y", "type": "server_error"}
    with pytest.raises(SchemaChangedError, match="lacks 'snapshots'; it has 'error', 'message'"):
        parse_graph(answer, name="activeGPU", now=NOW)


def test_hours_are_estimated_from_two_days_in_a_row() -> None:
    frame = parse_gpu_hours(
        {
            "snapshots": [
                {"date": "2026-08-17T00:00:00.000Z", "value": 10},
                {"date": "2026-08-18T00:00:00.000Z", "value": 20},
                {"date": "2026-08-20T00:00:00.000Z", "value": 40},
                {"date": "2026-08-21T00:00:00.000Z", "value": 60},
            ]
        },
        now=NOW,
    )
    assert said(frame) == [("08-18", 360), ("08-21", 1200)]
    assert set(frame["kind"]) == {"derived"}


def test_the_providers_graph_is_gpus_offered_or_providers_online(
    httpserver: HTTPServer, web: MakeWeb
) -> None:
    both = GRAPH | {"now": {"count": 61, "gpu": 392}, "compare": {"count": 60, "gpu": 390}}
    for name in ("gpu", "count"):
        httpserver.expect_oneshot_request(f"/v1/provider-graph-data/{name}").respond_with_json(both)
        assert said(Akash().fetch(wanted(f"provider/{name}"), web(), NOW))[-1] == ("08-21", 297)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"currentValue": 0, "compareValue": 0, "snapshots": [], "now": {}, "compare": {}},
    ],
)
def test_an_all_empty_provider_graph_is_no_zero(answer: Any) -> None:
    with pytest.raises(EmptyError):
        parse_provider_graph(answer, name="gpu", now=NOW)


def test_the_providers_graph_may_end_the_day_before_yesterday_just_after_midnight() -> None:
    just_after = dt.datetime(2026, 8, 22, 0, 5, tzinfo=dt.UTC)
    answer = {"snapshots": GRAPH["snapshots"][:2]}  # type: ignore[index]  # a list
    assert said(parse_provider_graph(answer, name="gpu", now=just_after))[-1] == ("08-20", 295)


@pytest.mark.parametrize("key", ["", "gpu", "provider/tpu", "gpu-breakdown/", "market-data/akt"])
def test_an_unknown_key_is_refused_unasked(web: MakeWeb, key: str) -> None:
    line = web()
    with pytest.raises(SourceError, match="no such feed"):
        Akash().fetch(wanted(key), line, NOW)
    assert line.requests == 0


PARSERS: list[tuple[str, Callable[[Any], pd.DataFrame]]] = [
    ("akash activeGPU", partial(parse_graph, name="activeGPU", now=NOW)),
    ("akash dailyUUsdSpent", partial(parse_graph, name="dailyUUsdSpent", now=NOW)),
    ("akash activeGPU/hours", partial(parse_gpu_hours, now=NOW)),
    ("akash provider/gpu", partial(parse_provider_graph, name="gpu", now=NOW)),
]
RIGHT: list[Any] = [GRAPH, GRAPH, GRAPH, GRAPH]


@pytest.mark.parametrize("at", range(len(PARSERS)), ids=[name for name, _ in PARSERS])
def test_any_answer_makes_a_frame_or_one_of_our_errors(at: int) -> None:
    @settings(max_examples=500, deadline=None)
    @given(answer=answers(RIGHT[at]))
    def of_any_answer(answer: Any) -> None:
        check(PARSERS[at][1], answer, pd.Timestamp(NOW.date()))

    of_any_answer()
