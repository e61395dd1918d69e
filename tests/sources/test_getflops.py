"""getflops: several looks a day, several providers, and spot offers in between."""

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
from research.sources.getflops import GetFlops, parse_history
from tests.sources.conftest import MakeWeb
from tests.sources.mutations import answers
from tests.sources.rates import check_each

NOW = dt.datetime(2026, 8, 20, 9, 30, tzinfo=dt.UTC)
SERIES = "rtx-4090.rate_usd_per_hour"
WANTED = Wanted(series=SERIES, key="RTX 4090", since=None)
AT_VAST = Wanted(series=SERIES, key="RTX 4090/vast.ai", since=None)


def parse(answer: Any, wanted: Wanted = WANTED) -> pd.DataFrame:
    return parse_history(answer, wanted=wanted, now=NOW)


PARSERS: list[tuple[str, Callable[[Any], pd.DataFrame]]] = [
    ("getflops history", parse),
    ("getflops history of a provider", lambda answer: parse(answer, AT_VAST)),
]


def row(fetched_at: str = "2026-08-19T06:00:00", **fields: Any) -> dict[str, Any]:
    """An invented look in the documented shape."""
    usual = {
        "fetched_at": fetched_at,
        "num_offers": 38,
        "min": 0.2,
        "median": 0.3,
        "mean": 0.3,
        "max": 0.6,
        "provider": "vast.ai",
        "pricing_type": "on-demand",
    }
    return usual | fields


def answer_of(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"gpu_name": "RTX 4090", "history": [*rows]}


def values(frame: pd.DataFrame) -> dict[str, float]:
    return {
        str(series).removeprefix("rtx-4090."): float(value)
        for series, value in zip(frame["series"], frame["value"], strict=True)
    }


def test_a_look_gives_median_minimum_maximum_and_count() -> None:
    frame = parse(answer_of(row()))
    assert values(frame) == {
        "rate_usd_per_hour": 0.3,
        "rate_min_usd_per_hour": 0.2,
        "rate_max_usd_per_hour": 0.6,
        "offers_count": 38,
    }
    assert set(frame["date"]) == {pd.Timestamp("2026-08-19")}


def test_of_several_looks_a_day_the_last_counts_and_the_running_day_does_not() -> None:
    rows = [
        row("2026-08-20T06:00:00", median=0.9),
        row("2026-08-19T18:00:00", median=0.4),
        row("2026-08-19T06:00:00", median=0.3),
    ]
    assert values(parse(answer_of(*rows)))["rate_usd_per_hour"] == 0.4


def test_offers_that_may_be_interrupted_are_another_market() -> None:
    rows = [row(), row("2026-08-19T18:00:00", pricing_type="interruptible", median=0.1)]
    assert values(parse(answer_of(*rows)))["rate_usd_per_hour"] == 0.3
    with pytest.raises(EmptyError, match="no offers on demand"):
        parse(answer_of(rows[1]))
    assert values(parse(answer_of(row(pricing_type=None))))["rate_usd_per_hour"] == 0.3


def test_a_provider_in_the_key_is_the_only_one_that_counts() -> None:
    rows = [row(), row("2026-08-19T18:00:00", provider="other", median=0.5)]
    assert values(parse(answer_of(*rows), AT_VAST))["rate_usd_per_hour"] == 0.3


def test_without_a_provider_in_the_key_it_is_the_median_of_their_medians() -> None:
    rows = [
        row(median=0.3, min=0.2, num_offers=38),
        row("2026-08-19T18:00:00", provider="b", median=0.5, min=0.1, num_offers=2),
        row("2026-08-19T19:00:00", provider="c", median=0.7, min=0.4, num_offers=None),
    ]
    found = values(parse(answer_of(*rows)))
    assert found["rate_usd_per_hour"] == pytest.approx(0.5)
    assert found["rate_min_usd_per_hour"] == pytest.approx(0.1)
    assert found["offers_count"] == 40


def test_a_look_without_a_median_is_no_look_and_a_null_is_no_zero() -> None:
    rows = [row(), row("2026-08-19T18:00:00", median=None)]
    assert values(parse(answer_of(*rows)))["rate_usd_per_hour"] == 0.3
    assert set(values(parse(answer_of(row(min=None, max=None, num_offers=None))))) == {
        "rate_usd_per_hour"
    }


def test_another_card_or_another_shape_is_a_changed_schema() -> None:
    with pytest.raises(SchemaChangedError, match="the answer is of 'RTX 3090'"):
        parse(answer_of(row()) | {"gpu_name": "RTX 3090"})
    with pytest.raises(SchemaChangedError, match="'median'"):
        parse(answer_of({name: value for name, value in row().items() if name != "median"}))
    with pytest.raises(SchemaChangedError, match="fetched_at of row 1"):
        parse(answer_of(row("1705298400")))


def test_a_card_it_does_not_know_is_a_refusal_and_an_empty_history_is_empty() -> None:
    with pytest.raises(UnavailableError, match="Unknown GPU"):
        parse({"detail": "Unknown GPU"})
    with pytest.raises(EmptyError):
        parse(answer_of())


@pytest.mark.parametrize(("wanted", "query"), [(WANTED, {}), (AT_VAST, {"provider": "vast.ai"})])
def test_it_asks_for_the_card_at_the_provider(
    httpserver: HTTPServer, web: MakeWeb, wanted: Wanted, query: dict[str, str]
) -> None:
    path = "/api/history/RTX 4090"
    httpserver.expect_oneshot_request(path).respond_with_json(answer_of(row()))
    frame = GetFlops().fetch(wanted, web("getflops", base_path="/api"), NOW)
    request, _ = httpserver.log[0]
    assert values(frame)["rate_usd_per_hour"] == 0.3
    assert dict(request.args) == query


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"history": [', b"[]", b"\x1f\x8b\x08broken"])
def test_what_is_no_history_is_an_error_of_ours(
    httpserver: HTTPServer, web: MakeWeb, body: bytes
) -> None:
    httpserver.expect_request("/history/RTX 4090").respond_with_data(body)
    with pytest.raises(SourceError):
        GetFlops().fetch(WANTED, web("getflops"), NOW)


@settings(max_examples=500, deadline=None)
@given(answers(answer_of(row("2026-08-18T06:00:00"), row(), row(provider="b", median=0.5))))
def test_any_answer_gives_a_checked_table_or_an_error_of_ours(answer: Any) -> None:
    for _, parser in PARSERS:
        check_each(parser, answer, NOW)
