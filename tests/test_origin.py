"""Whatever is shown can be followed to its series, and bears the marks of what is doubtful."""

from __future__ import annotations

import dataclasses
import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest
from bs4 import BeautifulSoup

from research.origin import Origin, markup
from research.quality import Finding

MORNING = dt.datetime(2026, 3, 20, 6, 0, 41, tzinfo=dt.UTC)
PRICE, USE = "akash.price_usd", "akash.gpus_active"


def read(series: str, source: str = "exchange", **changes: Any) -> Any:
    """Return a series as it was read, three days of it."""
    usual: dict[str, Any] = {
        "series": series,
        "unit": "USD",
        "source": source,
        "kind": "vendor",
        "first": dt.date(2026, 3, 17),
        "last": dt.date(2026, 3, 19),
        "known_at": MORNING,
    }
    return SimpleNamespace(**usual | changes)


def doubt(
    check: str, level: Any = "warn", series: str = PRICE, source: str = "exchange"
) -> Finding:
    return Finding(
        level=level, check=check, series=series, source=source, text="x", first=None, last=None
    )


def test_the_line_names_series_by_source_then_last_day_retrieval_kind_and_note() -> None:
    use = read(USE, "akash", kind="self-reported", known_at=MORNING.replace(hour=5))
    origin = Origin.of([read(PRICE), read("btc.price_usd"), use], note="own model")

    assert origin.text == (
        "akash.price_usd, btc.price_usd (exchange), akash.gpus_active (akash); to 2026-03-19; "
        "retrieved by 2026-03-20 06:00; weakest kind: self-reported; own model"
    )


def test_of_many_series_four_are_named_and_the_rest_counted() -> None:
    origin = Origin.of([read(f"n{at}.price_usd") for at in range(13)])

    assert origin.text.startswith(
        "n0.price_usd, n1.price_usd, n2.price_usd, n3.price_usd (exchange) and 9 more; to "
    )
    assert len(origin.records) == 13


def test_series_that_end_on_different_days_have_the_first_and_the_last_of_them() -> None:
    origin = Origin.of([read(PRICE), read(USE, last=dt.date(2026, 3, 1))])

    assert "; last days 2026-03-01 to 2026-03-19; " in origin.text


@pytest.mark.parametrize(
    ("kinds", "weakest"),
    [
        (["vendor"], "vendor"),
        (["on-chain", "vendor"], "vendor"),
        (["self-reported", "derived"], "self-reported"),
        (["simulated", "assumed"], "simulated"),
    ],
)
def test_what_rests_on_several_series_is_of_the_weakest_kind(
    kinds: list[str], weakest: str
) -> None:
    origin = Origin.of([read(f"n{at}.price_usd", kind=kind) for at, kind in enumerate(kinds)])

    assert origin.kind == weakest
    assert origin.simulated == ("simulated" in kinds)


def test_an_origin_in_words_has_no_kind_and_is_simulated_only_if_it_says_so() -> None:
    said, made_up = Origin.said("by hand"), Origin.said("by hand", simulated=True)

    assert (said.text, said.kind, said.marks, said.records) == ("by hand", None, (), [])
    assert (made_up.text, made_up.marks) == ("by hand", ("Simulated data",))


@pytest.mark.parametrize(
    ("check", "level", "marks"),
    [
        ("stale", "note", ()),
        ("stale", "warn", ("Stale data",)),
        ("stale", "fail", ("Stale data",)),
        ("gap", "note", ()),
        ("gap", "warn", ("Partial data",)),
        ("jump", "warn", ()),
        ("jump", "fail", ("Failed check",)),
        ("schema drift", "fail", ("Failed check",)),
    ],
)
def test_a_doubt_about_a_series_marks_what_rests_on_it(
    check: str, level: str, marks: tuple[str, ...]
) -> None:
    found = [doubt(check, level)]

    assert Origin.of([read(PRICE)], found).marks == marks
    assert Origin.of([read(USE)], found).marks == ()


def test_a_source_that_is_not_read_marks_nothing_unless_the_two_disagree() -> None:
    alone = [doubt("gap", source="other"), doubt("zero run", "fail", source="other")]
    between = [doubt("disagreement", "fail", source="other")]

    assert Origin.of([read(PRICE)], alone).marks == ()
    assert Origin.of([read(PRICE)], between).marks == ("Failed check",)


def test_a_series_that_was_refused_makes_the_rest_partial_and_is_named() -> None:
    origin = Origin.of([read(PRICE)], left_out=[USE], note="own model")

    assert origin.marks == ("Partial data",)
    assert origin.text.endswith("; kind: vendor; without akash.gpus_active; own model")


def test_all_marks_stand_in_one_order() -> None:
    doubts = [doubt("jump", "fail"), doubt("gap"), doubt("stale")]

    assert Origin.of([read(PRICE, kind="simulated")], doubts).marks == (
        "Simulated data",
        "Stale data",
        "Partial data",
        "Failed check",
    )


def test_what_only_belongs_to_the_question_keeps_that_it_is_simulated_and_no_doubt() -> None:
    real = Origin.of([read(PRICE)], [doubt("stale")], note="own model").without_series()
    made_up = Origin.of([read(PRICE, kind="simulated")]).without_series()

    assert (real.text, real.marks, real.records) == ("", (), [])
    assert made_up.marks == ("Simulated data",)


def test_an_origin_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Origin.said("by hand").note = "another"  # type: ignore[misc]  # that is what is tested


def test_a_source_that_wants_more_said_than_its_name_has_it_in_the_record() -> None:
    [asked, silent] = Origin.of([read(PRICE, "coingecko"), read(USE, "a file of mine")]).records

    assert asked["attribution"] == "Data provided by CoinGecko"
    assert silent == {
        "name": "akash.gpus_active",
        "unit": "USD",
        "source": "a file of mine",
        "attribution": "",
        "kind": "vendor",
        "first": "2026-03-17",
        "last": "2026-03-19",
        "retrieved": "2026-03-20 06:00",
    }


# As HTML


def line(origin: Origin) -> BeautifulSoup:
    return BeautifulSoup(markup.source_line(origin.text, origin.records), "html.parser")


def test_the_source_line_opens_to_every_series_grouped_by_source_kind_and_retrieval() -> None:
    names = [f"n{at}.price_usd" for at in range(6)]
    soup = line(Origin.of([*map(read, names), read(PRICE, "coingecko")]))

    assert soup.details is not None
    assert soup.details.summary is not None
    assert soup.details.summary.text.startswith("Source: n0.price_usd, n1.price_usd")
    assert "open" not in soup.details.attrs
    assert [each.get_text() for each in soup("dt")] == [
        "coingecko, vendor, retrieved 2026-03-20 06:00 (Data provided by CoinGecko)",
        "exchange, vendor, retrieved 2026-03-20 06:00",
    ]
    assert soup.dd is not None
    assert soup.dd.text == "akash.price_usd (USD), 2026-03-17 to 2026-03-19"
    assert len(soup("dd")) == 7


def test_without_series_the_source_is_a_plain_line_and_without_words_none() -> None:
    assert str(line(Origin.said("by <hand>"))) == ('<p class="source">Source: by &lt;hand&gt;</p>')
    assert str(line(Origin.said(""))) == ""


def test_what_a_line_shows_is_read_back_whole() -> None:
    hostile = read(PRICE, "<b>x</b>, y", unit="USD (of \n <2>)")
    origin = Origin.of([read(USE, "coingecko"), hostile])
    shown = line(origin).details

    assert markup.read_line(shown) == origin.text
    assert sorted(markup.read_series(shown), key=str) == sorted(origin.records, key=str)


def test_a_figures_records_are_taken_only_if_they_are_ours() -> None:
    [record] = Origin.of([read(PRICE)]).records

    assert markup.records([record, "text", {"name": "x"}, record | {"unit": 5}]) == [record]
    assert markup.records("text") == markup.records(None) == []
