"""The page of a claim says of what it is true, and its pictures add up."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import plotly.graph_objects as go
import pytest

from research.figures import earnings as figures
from research.figures import earnings_tables as tables
from research.figures.theme import Markup
from research.models.claim import ClaimQuestion, VenueRate, Verdict, judge
from research.models.earnings import Terms, UtilizationRange
from research.origin import Origin
from tests.questions import RIG

ORIGIN = Origin.said("a test")
PLOTS = [figures.plot_steps, figures.plot_after_power]
TABLES = [
    tables.show_ranges,
    tables.show_break_evens,
    tables.show_venues,
    tables.show_grid,
    tables.show_power,
]


def verdict(**changes: Any) -> Verdict:
    terms = Terms(
        rig=RIG, platform_fee=0.25, repairs_per_year=0.025, capital_usd_per_day=3.0
    )  # fmt: skip
    asked = ClaimQuestion(
        gpu="RTX 4090", low_usd_per_day=3, high_usd_per_day=7, rate_usd_per_hour=0.35,
        rate_low_usd_per_hour=0.22, rate_high_usd_per_hour=0.62, utilization=0.5, terms=terms,
        n_months=36,
        venues=(VenueRate(venue="Akash", rate_usd_per_hour=0.3, platform_fee=0.0),),
        tariffs={"Texas": 0.15, "Hawaii": 0.39},
    )  # fmt: skip
    return judge(replace(asked, **changes))


def text(markup: Markup) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup.html)).split())


@pytest.mark.parametrize(
    ("rate", "capital", "said"),
    [
        (0.35, 3.0, "True of the rent, not of the profit"),
        (0.20, 3.0, "No, not even before any cost"),
        (0.55, 0.0, "Yes, and even after all costs"),
        (1.20, 9.0, "No: the rent is more, the profit less"),
        (1.20, 3.0, "Yes, of what is left after all costs"),
        (3.00, 3.0, "It is more, even after all costs"),
    ],
)
def test_the_headline_says_of_what_the_claim_is_true(
    rate: float, capital: float, said: str
) -> None:
    terms = replace(verdict().question.terms, capital_usd_per_day=capital)
    changed = verdict(rate_usd_per_hour=rate, rate_high_usd_per_hour=3.0, terms=terms)

    assert text(figures.show_answer(changed, origin=ORIGIN)).startswith(said)


def test_the_answer_names_rent_costs_and_what_is_missing() -> None:
    said = text(figures.show_answer(verdict(), origin=ORIGIN))

    assert "rented 50 % of the time at 0.35 USD an hour, takes in 4.07 USD a day" in said
    # 4.074 - fee 1.0185 - power 24 x 308.98 W / 0.9 x 0.15 = 1.236 - upkeep 0.415 - capital 3
    assert "1.60 USD are missing after all costs" in said
    assert "gross rent: 37 % to 86 %" in said
    assert "Electricity changes what is left, not the rent" in said


def test_with_one_tariff_nothing_is_said_of_others() -> None:
    said = text(figures.show_answer(verdict(tariffs={"Texas": 0.15}), origin=ORIGIN))

    assert "lowest tariff shown" not in said


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.36, 0.83, "36 % to 83 %"),
        (0.52, 1.20, "52 % or more"),
        (1.05, 2.0, "at none (105 %)"),
        (None, None, "at none"),
    ],
)
def test_a_range_of_utilizations_in_words(low: float | None, high: float | None, said: str) -> None:
    found = UtilizationRange(level="gross", low=low, high=high)

    assert figures.utilization_words(found) == said


def test_the_bars_go_from_the_rent_down_to_what_is_left() -> None:
    made = verdict()
    [bars] = figures.plot_steps(made, origin=ORIGIN).data

    assert sum(bars.x[:-1]) == pytest.approx(made.left("after_capital"), abs=1e-3)
    ends = [base + length for base, length in zip(bars.base, bars.x, strict=True)]
    assert ends[:-2] == pytest.approx(bars.base[1:-1])  # each starts where the last one ends
    assert bars.x[-1] == pytest.approx(ends[-2], abs=1e-3)


def test_a_line_passes_through_the_assumed_day() -> None:
    made = verdict()
    lines = figures.plot_after_power(made, origin=ORIGIN).data
    assumed = next(line for line in lines if "assumed" in line.name)

    at_half = dict(zip(assumed.x, assumed.y, strict=True))[50.0]
    assert at_half == pytest.approx(made.left("after_power"), abs=1e-3)


def test_a_rate_that_is_the_only_one_has_the_only_line_and_column() -> None:
    alone = verdict(rate_low_usd_per_hour=0.35, rate_high_usd_per_hour=0.35)

    assert len(figures.plot_after_power(alone, origin=ORIGIN).data) == 1
    assert "lowest seen" not in text(tables.show_ranges(alone, origin=ORIGIN))


@pytest.mark.parametrize("plot", PLOTS)
def test_a_picture_has_titles_the_claim_and_a_sentence_for_the_blind(
    plot: Callable[..., go.Figure],
) -> None:
    figure = plot(verdict(), origin=ORIGIN)
    layout = figure.to_dict()["layout"]

    assert layout["xaxis"]["title"]["text"]
    assert "claimed: 3 to 7" in [note.text for note in figure.layout.annotations]
    assert "Claimed are 3 to 7" in figure.layout.meta["alt"]


@pytest.mark.parametrize("show", TABLES)
def test_what_is_simulated_is_marked_on_every_table(show: Callable[..., Markup]) -> None:
    assert "Simulated data" in show(verdict(), origin=Origin.said("a test", simulated=True)).html
    assert "Simulated data" not in show(verdict(), origin=ORIGIN).html


def test_break_evens_that_cannot_be_had_say_so() -> None:
    said = text(tables.show_break_evens(verdict(), origin=ORIGIN))

    assert "not even for free" in said
    assert re.search(r"impossible \(\d+ %\)|\d+ %", said)


@pytest.mark.parametrize(("utilization", "anchor"), [(0.5, "left"), (0.99, "right")])
def test_the_label_of_the_assumed_line_stands_on_the_side_with_room(
    utilization: float, anchor: str
) -> None:
    layout = figures.plot_after_power(verdict(utilization=utilization), origin=ORIGIN).layout
    (label,) = (note for note in layout.annotations if note.text == "assumed")
    assert label.xanchor == anchor
