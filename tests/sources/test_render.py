"""Render's weekly epochs: placeholders, texts for numbers, two forms of one answer, two hosts."""

from __future__ import annotations

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
from research.sources.render import (
    Render,
    parse_epochs,
    parse_frames,
    parse_liabilities,
    parse_supply,
)
from tests.sources.conftest import MakeWeb
from tests.sources.mutations import answers, check

NOW = dt.datetime(2026, 7, 22, 10, tzinfo=dt.UTC)
# composed from the shapes that callers describe; the numbers are invented
ROWS: list[dict[str, Any]] = [
    {"id": 134, "startDate": "2026-07-06T00:00:00.000Z", "endDate": "2026-07-13T00:00:00.000Z",
     "burnedRender": 9000.5, "burnedRenderUSDCAmt": 21000.0, "totalRenderUsed": 9500.1},
    {"id": 135, "startDate": "2026-07-13T00:00:00.000Z", "endDate": "2026-07-20T00:00:00.000Z",
     "burnedRender": "8700.0", "burnedRenderUSDCAmt": "20100", "totalRenderUsed": "9200.0"},
]  # fmt: skip
EPOCHS: dict[str, Any] = {"data": ROWS}
DUE: dict[str, Any] = {
    "data": [
        {"epochId": 134, "walletAddress": "a", "channel": "node_operator", "amountDue": 10.5},
        {"epochId": 134, "walletAddress": "b", "channel": "node_operator", "amountDue": "4.5"},
        {"epochId": 134, "walletAddress": "c", "channel": "artist", "amountDue": 99},
        {"epochId": 99999, "walletAddress": "a", "channel": "node_operator", "amountDue": 1},
    ]
}
SUPPLY = {"circulatingSupply": "518000000.5", "maxSupply": 644245094, "leftoverEmissions": 1}
PARSERS: list[tuple[str, Callable[[Any], pd.DataFrame]]] = [
    ("render burnedRender", partial(parse_epochs, name="burnedRender", now=NOW)),
    ("render amountDue", partial(parse_liabilities, channel="node_operator", now=NOW)),
    ("render frames", partial(parse_frames, now=NOW)),
    ("render circulatingSupply", partial(parse_supply, now=NOW)),
]
RIGHT: list[Any] = [
    EPOCHS,
    {"epochs": EPOCHS, "liabilities": DUE, "units": 1},
    {"frames": 70_000_000, "nodes": 9000},
    SUPPLY,
]


@pytest.fixture
def backend() -> Iterator[HTTPServer]:
    """Return the Foundation's other host."""
    with HTTPServer() as server:
        yield server


def said(frame: pd.DataFrame) -> list[tuple[str, float]]:
    return [(f"{day:%m-%d}", value) for day, value in zip(frame.date, frame.value, strict=True)]


def wanted(key: str) -> Wanted:
    return Wanted(series="render.tokens_burned", key=key, since=None)


def burned(*rows: dict[str, Any], now: dt.datetime = NOW) -> list[tuple[str, float]]:
    return said(parse_epochs({"data": [*rows]}, name="burnedRender", now=now))


def test_an_epoch_is_dated_by_its_last_complete_day_and_speaks_of_a_week(
    httpserver: HTTPServer, web: MakeWeb
) -> None:
    httpserver.expect_request("/epoch-burn-stats-data.json").respond_with_json(EPOCHS)
    render, line = Render(), web("render")
    frame = render.fetch(wanted("burnedRender"), line, NOW)
    assert said(frame) == [("07-12", 9000.5), ("07-19", 8700)]
    assert frame["period_days"].tolist() == [7, 7]
    usd = render.fetch(wanted("burnedRenderUSDCAmt"), line, NOW)
    assert usd["value"].tolist() == [21000, 20100]
    used = render.fetch(wanted("totalRenderUsed"), line, NOW)
    assert used["value"].tolist() == [9500.1, 9200]
    assert line.requests == 1  # of one answer


def test_the_list_may_stand_alone_or_in_an_object() -> None:
    forms: list[Any] = [ROWS, {"data": ROWS}, {"epochs": ROWS}]
    for form in forms:
        assert len(parse_epochs(form, name="burnedRender", now=NOW)) == 2


def test_placeholders_are_left_out_and_the_rest_is_sorted() -> None:
    placeholder = {"id": 99999, "startDate": "", "endDate": None, "burnedRender": 0}
    tenthousand = ROWS[0] | {"id": "10000", "burnedRender": 1}
    assert burned(placeholder, ROWS[1], tenthousand, ROWS[0]) == [
        ("07-12", 9000.5),
        ("07-19", 8700),
    ]
    with pytest.raises(EmptyError):
        burned(placeholder)


def test_the_running_epoch_is_left_out() -> None:
    now = dt.datetime(2026, 7, 19, 23, 59, tzinfo=dt.UTC)
    assert burned(*ROWS, now=now) == [("07-12", 9000.5)]
    at_its_end = dt.datetime(2026, 7, 20, tzinfo=dt.UTC)
    assert len(burned(*ROWS, now=at_its_end)) == 2


def test_an_epoch_that_ends_within_a_day_waits_for_its_end() -> None:
    row = ROWS[0] | {"startDate": "2026-07-06T17:00:00Z", "endDate": "2026-07-13T17:00:00Z"}
    assert burned(row) == [("07-12", 9000.5)]
    with pytest.raises(EmptyError):
        burned(row, now=dt.datetime(2026, 7, 13, 16, tzinfo=dt.UTC))


@pytest.mark.parametrize("end", ["2026-07-12T23:59:59.999Z", "2026-07-12T23:59:59Z", "2026-07-13"])
def test_an_end_a_moment_before_midnight_is_that_midnight(end: str) -> None:
    frame = parse_epochs([ROWS[0] | {"endDate": end}], name="burnedRender", now=NOW)
    assert said(frame) == [("07-12", 9000.5)]
    assert frame["period_days"].tolist() == [7]


def test_a_null_is_a_gap_and_no_zero() -> None:
    assert burned(ROWS[0] | {"burnedRender": None}, ROWS[1]) == [("07-19", 8700)]


@pytest.mark.parametrize("end", ["2026-07-05T00:00:00Z", "2027-07-13T00:00:00Z", "July 13"])
def test_an_epoch_that_cannot_be_is_refused(end: str) -> None:
    with pytest.raises(SchemaChangedError):
        burned(ROWS[0] | {"endDate": end})


def test_a_renamed_column_is_named_with_those_found() -> None:
    row = {"id": 1, "startDate": "2026-07-06", "endDate": "2026-07-13", "burned": 1}
    with pytest.raises(SchemaChangedError, match=r"lacks 'burnedRender'; it has 'id'.*'burned'"):
        burned(row)


def test_a_page_instead_of_json_means_that_it_is_gone(httpserver: HTTPServer, web: MakeWeb) -> None:
    httpserver.expect_request("/epoch-burn-stats-data.json").respond_with_data(
        "<!doctype html><p>total frames rendered</p>", content_type="text/html"
    )
    line, render = web("render"), Render()
    for key in ("burnedRender", "totalRenderUsed"):
        with pytest.raises(SchemaChangedError):
            render.fetch(wanted(key), line, NOW)
    assert line.requests == 1


def test_the_back_end_is_asked_where_the_statistics_fail(
    httpserver: HTTPServer, backend: HTTPServer, web: MakeWeb
) -> None:
    httpserver.expect_request("/epoch-burn-stats-data.json").respond_with_data("", status=404)
    httpserver.expect_request("/liability-epochs-data.json").respond_with_data("", status=404)
    backend.expect_request(
        "/api/v1/epochBurnStats", method="POST", json={"start": 0}
    ).respond_with_json(ROWS)
    due = [row | {"amountDue": float(row["amountDue"]) * 1e8} for row in DUE["data"]]
    backend.expect_request("/api/v1/liabilityEpochs").respond_with_json({"epochs": due})
    backend.expect_request("/api/v1/supplyInfo").respond_with_json(SUPPLY)
    line = web("render", base_url=f"{httpserver.url_for('')} {backend.url_for('')}")
    render = Render()
    assert len(render.fetch(wanted("burnedRender"), line, NOW)) == 2
    assert said(render.fetch(wanted("amountDue"), line, NOW)) == [("07-12", 15)]
    assert said(render.fetch(wanted("circulatingSupply"), line, NOW)) == [("07-21", 518_000_000.5)]


def test_rewards_are_summed_over_the_wallets_of_a_channel(
    httpserver: HTTPServer, web: MakeWeb
) -> None:
    httpserver.expect_request("/epoch-burn-stats-data.json").respond_with_json(EPOCHS)
    httpserver.expect_request("/liability-epochs-data.json").respond_with_json(DUE)
    frame = Render().fetch(wanted("amountDue"), web("render"), NOW)
    assert said(frame) == [("07-12", 15)]
    assert frame["period_days"].tolist() == [7]
    assert said(Render().fetch(wanted("amountDue/artist"), web("render"), NOW)) == [("07-12", 99)]


def test_frames_are_a_snapshot(httpserver: HTTPServer, web: MakeWeb) -> None:
    httpserver.expect_oneshot_request("/api/nodes_and_frames").respond_with_json(
        {"frames": "70000000", "nodes": 9000}
    )
    assert said(Render().fetch(wanted("frames"), web("render"), NOW)) == [("07-21", 70_000_000)]


@pytest.mark.parametrize("nothing", [0, None, -1])
def test_no_frames_and_no_supply_are_missing(nothing: Any) -> None:
    with pytest.raises(EmptyError):
        parse_frames({"frames": nothing}, now=NOW)
    with pytest.raises(EmptyError):
        parse_supply({"circulatingSupply": nothing}, now=NOW)


def test_a_refusal_is_not_repeated(httpserver: HTTPServer, web: MakeWeb) -> None:
    httpserver.expect_request("/epoch-burn-stats-data.json").respond_with_data("", status=403)
    line = web("render")
    with pytest.raises(UnavailableError, match="403"):
        Render().fetch(wanted("burnedRender"), line, NOW)
    assert line.requests == 1


def test_an_unknown_key_is_refused_unasked(web: MakeWeb) -> None:
    line = web("render")
    with pytest.raises(SourceError, match="no such feed; it has burnedRender"):
        Render().fetch(wanted("jobs"), line, NOW)
    assert line.requests == 0


@pytest.mark.parametrize("at", range(len(PARSERS)), ids=[name for name, _ in PARSERS])
def test_any_answer_makes_a_frame_or_one_of_our_errors(at: int) -> None:
    @settings(max_examples=500, deadline=None)
    @given(answer=answers(RIGHT[at]))
    def of_any_answer(answer: Any) -> None:
        check(PARSERS[at][1], answer, pd.Timestamp(NOW.date()))

    of_any_answer()
