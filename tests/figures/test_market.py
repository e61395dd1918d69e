"""The market's figures and tables say what is held, how old it is, and what is missing."""

from __future__ import annotations

import datetime as dt
import html
import re
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from research.figures import doubts, market, network
from research.figures.theme import Markup
from research.origin import Origin
from research.overview import NETWORK_COLUMNS
from research.quality import Finding

DAY = dt.date(2026, 3, 11)
ORIGIN = Origin.said("a test; last day 2026-03-01")
SIMULATED = Origin.said("simulated market", simulated=True)


def text(markup: object) -> str:
    assert isinstance(markup, Markup)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup.html)).split())


@pytest.fixture
def networks() -> pd.DataFrame:
    one = {
        "id": "akash",
        "name": "Akash Network",
        "symbol": "AKT",
        "status": "listed",
        "chain": "Cosmos",
        "primary_use": "An open market",
        "price_usd": 0.5,
        "price_change": -0.25,
        "price_last": dt.date(2026, 3, 1),
        "drawdown": -0.9,
        "demand": 9_000.0,
        "demand_unit": "GPU-hours a day",
        "demand_change": 0.1,
        "demand_last": dt.date(2026, 3, 1),
        "market_cap_usd": 1.25e8,
        "market_cap_last": dt.date(2026, 3, 9),
        "multiple": 40.2,
        "multiple_last": dt.date(2026, 3, 1),
    }
    none = {
        "id": "kazam",
        "name": "Kazam Chain",
        "symbol": "KZM",
        "status": "no-public-data",
        "as_of": dt.date(2026, 3, 2),
    }
    return pd.DataFrame([one, none], columns=NETWORK_COLUMNS, dtype=object).set_index("id")


@pytest.fixture
def measures() -> pd.DataFrame:
    lines = [
        ("price_usd", "USD", "market", None, True, 0.5, 0.6, -0.2),
        ("gpu_hours", "GPU-hours a day", "demand", "physical", True, 24.0, 20.0, 0.25),
        (
            "spend_token",
            "tokens a day",
            "demand",
            "moved by the token's price",
            True,
            3.0,
            3.0,
            None,
        ),
        ("spend_usd", "USD", "demand", "in USD", False, None, None, None),
    ]
    names = "measure unit group demand_class held last_value level change"
    frame = pd.DataFrame(lines, columns=names.split(" "))
    last = dt.date(2026, 3, 1)
    return frame.assign(definition="A definition.", first=last, last=last, age_days=10, source="me")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (market.share(0.0123), "1.2 %"),
        (market.share(-0.96), "-96 %"),
        (market.signed(0.2), "+20 %"),
        (market.signed(-0.2), "-20 %"),
        (market.amount(72_003.9), "72,004"),
        (market.amount(0.01234), "0.0123"),
        (market.large(1.25e8), "125 m"),
        (market.large(1.46e10), "14.6 bn"),
        (market.label("gpus_active"), "GPUs active"),
        (market.label("spend_usd"), "Spend USD"),
    ],
)
def test_a_figure_is_written_to_be_read(said: str, expected: str) -> None:
    assert said == expected


def test_the_answer_counts_what_rose_and_says_how_old_it_is(networks: pd.DataFrame) -> None:
    said = text(market.show_overview_answer(networks, day=DAY, origin=ORIGIN))

    assert said.startswith("1 of 2 networks has a price here, the use of 1 is held.")
    assert "rose on 0 and fell on 1 of 1" in said
    assert "use grew on 1 and shrank on 0 of 1" in said
    assert "last day 2026-03-01. Looked at on 2026-03-11" in said


def test_a_network_without_public_data_says_so_and_has_dashes(networks: pd.DataFrame) -> None:
    assert "Kazam Chain KZM – no public data found as of 2026-03-02" in text(
        market.show_networks(networks)
    )
    assert "Kazam Chain KZM – – – – – – –" in text(
        market.show_tokens(networks, day=DAY, origin=ORIGIN)
    )


def test_each_figure_has_its_age(networks: pd.DataFrame) -> None:
    tokens = text(market.show_tokens(networks, day=DAY, origin=ORIGIN))
    use = text(market.show_use(networks, day=DAY, origin=ORIGIN))

    assert "0.5 -25 % -90 % – 2026-03-01 10 125 m (2 d)" in tokens
    assert "9,000 (10 d) GPU-hours a day +10 % – 40 (10 d) – –" in use


def test_changes_are_bars_of_use_and_price_in_percent(networks: pd.DataFrame) -> None:
    figure = market.plot_changes(networks, origin=SIMULATED)

    assert isinstance(figure, go.Figure)
    assert {bar.name: list(bar.x) for bar in figure.data} == {"Use": [10.0], "Price": [-25.0]}
    assert figure.layout.meta["simulated"]
    assert "Akash Network price -25 % and use +10 %" in figure.layout.meta["alt"]
    nothing = market.plot_changes(networks.loc[["kazam"]], origin=ORIGIN)
    assert "No network has 60 days" in text(nothing)


def test_the_sector_is_drawn_in_billions_or_said_to_be_missing() -> None:
    columns = pd.MultiIndex.from_tuples([("DePIN", "market_cap_usd")])
    held = pd.DataFrame([[4e9], [5e9]], pd.date_range("2026-02-28", periods=2), columns)

    figure = market.plot_sector(held, origin=ORIGIN)

    assert isinstance(figure, go.Figure)
    assert list(figure.data[0].y) == [4.0, 5.0]
    assert "has no capitalisation" in text(market.plot_sector(pd.DataFrame(), origin=ORIGIN))


def test_a_card_stands_beside_the_cloud_only_where_the_cloud_is_held() -> None:
    card = {"card": "RTX 4090", "rate": 0.3, "rate_last": dt.date(2026, 3, 1), "source": "me"}
    columns = [*card, "cloud", "aws", "azure", "cloud_last", "discount"]
    cloud = {"cloud": 0.6, "cloud_last": dt.date(2026, 3, 10), "discount": 0.5}
    shown: dict[str, Any] = {"day": DAY, "where": "here", "origin": ORIGIN}

    alone = text(market.show_cards(pd.DataFrame([card], columns=columns), **shown))
    both = text(market.show_cards(pd.DataFrame([card | cloud], columns=columns), **shown))

    assert "no price of the cloud is held" in alone
    assert "RTX 4090 0.30 10 0.60 50 % 1 me" in both
    assert "No rental rate" in text(market.show_cards(pd.DataFrame(columns=columns), **shown))


def test_what_was_left_out_is_said_first() -> None:
    finding = Finding(
        level="fail", check="shifted day", series="akash.price_usd", source="x", text="a day off",
        first=DAY, last=DAY,
    )  # fmt: skip

    said = text(market.show_notes([finding], "A sentence.", None, origin=ORIGIN))

    assert "Left out: akash.price_usd, for shifted day: a day off." in said
    assert said.endswith("A sentence.")
    # series with many days missing may still be shown, so that is all that can be said
    assert text(market.show_notes([], origin=ORIGIN)) == "No series was refused."


def test_ages_in_brackets_are_promised_only_where_there_are_some(networks: pd.DataFrame) -> None:
    without = networks.drop(columns=["market_cap_usd", "market_cap_last", "demand", "multiple"])
    without = without.reindex(columns=NETWORK_COLUMNS[1:])

    for show in (market.show_tokens, market.show_use):
        assert "in brackets" in text(show(networks, day=DAY, origin=ORIGIN))
        assert "in brackets" not in text(show(without, day=DAY, origin=ORIGIN))


def test_a_profile_answers_with_price_use_and_what_proves_nothing(measures: pd.DataFrame) -> None:
    said = text(network.show_profile_answer("Akash", measures, day=DAY, origin=ORIGIN))

    assert said.startswith(
        "Akash's token closed at 0.5 USD on 2026-03-01; its use is 20 GPU-hours a day "
        "(+25 % in 30 days)."
    )
    assert "3 measures are held, 1 of them a physical measure of use" in said
    assert "1 moves with the token's price" in said
    nothing = network.show_profile_answer("K", measures.assign(held=False), day=DAY, origin=ORIGIN)
    assert "Nothing is held of K" in text(nothing)


def test_an_event_is_marked_on_its_day_and_numbered_as_in_its_table() -> None:
    price = pd.Series(np.arange(1.0, 61.0), pd.date_range("2026-01-01", periods=60))
    events = pd.DataFrame(
        {
            "date": [dt.date(2020, 1, 1), dt.date(2026, 2, 1)],
            "kind": ["listing", "burn-mint"],
            "regime": [False, True],
            "summary": ["First day", "Burned"],
            "source": ["me", "me"],
        }
    )

    figure = network.plot_price(price, events, name="Akash", origin=ORIGIN)

    assert isinstance(figure, go.Figure)
    assert [line.x0 for line in figure.layout.shapes] == ["2026-02-01"]
    assert "2" in [note.text for note in figure.layout.annotations]
    assert "2 2026-02-01 burn-mint Burned yes me" in text(network.show_events(events))
    assert "no event" in text(network.show_events(events.head(0)))


def test_a_measure_has_a_panel_of_its_own_named_with_its_class(measures: pd.DataFrame) -> None:
    days = pd.date_range("2026-02-27", periods=3)
    panel = pd.DataFrame({"gpu_hours": [1.0, 2.0, 3.0], "spend_token": [3.0, 2.0, 1.0]}, days)
    demand = measures[measures["held"] & (measures["group"] == "demand")]

    figure = network.plot_measures(panel, demand, what="demand", origin=ORIGIN)

    assert isinstance(figure, go.Figure)
    titles = [note.text for note in figure.layout.annotations]
    assert "GPU hours (physical)" in titles
    assert "Spend token (moved by the token's price)" in titles
    assert [list(line.y) for line in figure.data] == [[1, 2, 3], [3, 2, 1]]
    nothing = network.plot_measures(panel, demand.head(0), what="supply", origin=ORIGIN)
    assert "No measure of supply is held" in text(nothing)


def test_measures_not_held_are_named(measures: pd.DataFrame) -> None:
    assert "Of demand: Spend USD. Not held is not zero" in text(
        network.show_missing("Akash", measures)
    )
    assert "A definition." in text(network.show_definitions(measures))
    assert "20 GPU-hours a day +25 %" in text(network.show_measures(measures, origin=ORIGIN))


def test_the_doubts_are_counted_by_level_and_shown_one_level_at_a_time() -> None:
    held = pd.DataFrame({"series": ["a.price_usd", "b.price_usd"], "age_days": [1, 9]})
    findings = pd.DataFrame(
        {
            "level": ["fail", "note"],
            "check": ["jump", "gap"],
            "series": ["a.price_usd", "b.price_usd"],
            "source": "x",
            "first": DAY,
            "last": DAY,
            "text": ["ten times", "2 days missing"],
        }
    )

    said = text(doubts.show_quality_answer(held, findings, day=DAY, origin=ORIGIN))

    assert said.startswith("2 series are held; 1 of them fails a check.")
    assert "1 of 2 series ends more than 3 days before" in said
    assert "1 failure (which make results wrong), 0 warnings (which" in said
    assert "ten times" in text(doubts.show_findings(findings, level="fail", origin=ORIGIN))
    assert "no doubts of the level warn" in text(
        doubts.show_findings(findings, level="warn", origin=ORIGIN)
    )
    assert "no history was rewritten" in text(doubts.show_revisions(pd.DataFrame(), origin=ORIGIN))
    assert "more than one source" in text(doubts.show_reconciliation(pd.DataFrame(), origin=ORIGIN))
