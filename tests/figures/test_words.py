"""The answer in words says what the decision found, and nothing is rounded into a certainty."""

from __future__ import annotations

import re
from dataclasses import replace

import pandas as pd
import pytest

from research.figures import tables, words
from research.figures.theme import Markup
from research.models.bootstrap import History
from research.models.comparison import Probability
from research.models.decision import decide
from tests.questions import PROCESSES, RIG, question, weeks


def text(markup: Markup) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", markup.html).split())


@pytest.mark.parametrize(
    ("amount", "said"),
    [(0.344, "0.34 USD"), (-12.6, "-13 USD"), (3_014, "3,010 USD"), (45_678, "45,700 USD")],
)
def test_an_amount_is_rounded_to_what_it_means(amount: float, said: str) -> None:
    assert words.usd(amount) == said


@pytest.mark.parametrize(
    ("share", "said"),
    [(0.0, "0 %"), (-0.0, "0 %"), (0.004, "under 1 %"), (0.996, "over 99 %"), (1.0, "100 %")],
)
def test_a_chance_is_never_rounded_to_a_certainty(share: float, said: str) -> None:
    assert words.percent(share) == said


def test_a_probability_carries_its_monte_carlo_error() -> None:
    half = Probability(value=0.5, std_error=0.005, nobs=10_000)

    assert words.with_error(half) == "50 % (± 1.0 points)"


def test_a_rig_that_earns_nothing_and_a_token_without_drift_give_neither() -> None:
    poor = decide(question(processes=replace(PROCESSES, rate_usd_per_hour=0.01)))

    said = text(words.show_answer(poor, simulated=False))

    assert poor.choice == "neither"
    assert said.startswith("Neither: over 12 months, holding AKT and renting out one RTX 4090")


def test_a_rig_that_earns_its_price_in_months_is_to_be_rented_out() -> None:
    rich = decide(question(processes=replace(PROCESSES, rate_usd_per_hour=2.0)))

    assert rich.choice == "rent"
    assert text(words.show_answer(rich, simulated=False)).startswith("Rent: over 12 months")


def test_a_network_without_a_price_is_said_to_be_beyond_judgement() -> None:
    alone = decide(
        question(
            token=None, token_price_usd=None, history=History(returns=weeks(columns=("market",)))
        )
    )

    said = text(words.show_answer(alone, simulated=False))

    assert "token cannot be judged, for lack of public data" in said
    assert "holding AKT" not in said
    assert alone.rent_beats_hold is None


def test_an_impossible_break_even_is_called_impossible() -> None:
    dear = decide(question(rig=replace(RIG, gpu_usd=8_000), capital_usd=9_000))

    said = text(tables.show_flips(dear, source="a test", simulated=False))

    assert re.search(r"Utilization 60 % impossible \(\d+ %\)", said)


def test_a_payout_in_tokens_has_no_rate_to_flip() -> None:
    venue = replace(question().venue, payout="token-quoted", tokens_per_week=50.0)

    said = text(tables.show_flips(decide(question(venue=venue)), source="", simulated=False))

    assert "Rental rate" not in said
    assert re.search(r"Price of AKT 0.5 USD [\d.]+ USD", said)


def test_hostile_names_stay_text() -> None:
    hostile = question(network="<script>alert(1)</script>", gpu="<img src=x>")

    shown = words.show_title(hostile).html + words.show_answer(decide(hostile), simulated=True).html

    assert "<script" not in shown
    assert "<img" not in shown


def test_the_table_of_months_has_a_line_a_month() -> None:
    shown = tables.show_months(decide(question()), source="a test", simulated=False).html

    assert shown.count("<tr>") == 1 + 12


def test_every_simulated_table_says_so() -> None:
    decision = decide(question())
    empty = pd.DataFrame()

    shown = [
        words.show_answer(decision, simulated=True),
        tables.show_outcomes(decision, source="", simulated=True),
        tables.show_flips(decision, source="", simulated=True),
        tables.show_appraisal(decision, source="", simulated=True),
        tables.show_months(decision, source="", simulated=True),
        tables.show_provenance(empty, simulated=True),
    ]

    assert all("Simulated data" in each.html for each in shown)
