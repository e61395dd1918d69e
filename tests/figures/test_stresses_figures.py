"""Scenarios show what they do to each alternative; facts of a contract are listed with a source."""

from __future__ import annotations

import datetime as dt
import html
import re
from typing import get_args

import numpy as np
import pandas as pd
import pytest

from research import catalogue
from research.catalogue import Risk, RiskKind
from research.figures import stresses
from research.figures.theme import Markup
from research.models.regret import regret
from research.models.stresses import AS_ASSUMED, Stress, Stressed
from research.origin import Origin

ORIGIN = Origin.said("a test")

NAMES = {"hold": "hold AKT", "rent": "rent out RTX 4090", "rent-options": "rent, free to stop"}
TOLD = (
    Stress(id="crash", name="After a listing", token_change=-0.8),
    Stress(id="shutdown", name="The network shuts down", shutdown_month=12),
)


def text(markup: Markup) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", markup.html).split())


def stressed(*, token: bool = True) -> Stressed:
    rows = [AS_ASSUMED, "crash", "shutdown"]
    median = pd.DataFrame(
        {
            "hold": [0.4, 0.08, 0.0],
            "rent": [0.9, 0.88, 0.6],
            "rent-options": [0.95, 0.91, np.nan],
            "t-bill": 1.04,
        },
        index=rows,
    )
    ahead = pd.Series([0.84, 0.994, 1.0] if token else np.nan, index=rows)
    return Stressed(
        median=median if token else median.drop(columns="hold"),
        rent_beats_hold=ahead,
        rent_beats_cash=pd.Series([0.3, 0.25, 0.001], index=rows),
        n_paths=5_000,
    )


def fact(kind: RiskKind, summary: str) -> Risk:
    return Risk(
        id=f"akash-{kind}",
        subject="akash",
        kind=kind,
        summary=summary,
        source="AEP <76>",
        date=dt.date(2026, 3, 23),
        grade="A",
    )


def test_a_scenario_has_a_row_with_its_name_its_wealth_and_both_chances() -> None:
    said = text(stresses.show_stresses(stressed(), TOLD, NAMES, origin=ORIGIN))

    assert "As assumed 0.40 0.90 0.95 84 % 30 %" in said
    assert "After a listing 0.08 0.88 0.91 over 99 % 25 %" in said
    assert "5,000 futures" in said


def test_an_alternative_that_a_scenario_does_not_have_is_a_dash() -> None:
    said = text(stresses.show_stresses(stressed(), TOLD, NAMES, origin=ORIGIN))

    assert "The network shuts down 0.00 0.60 – 100 % under 1 %" in said
    assert "nan" not in said.lower()


def test_only_alternatives_with_a_name_are_shown_in_the_order_of_the_names() -> None:
    names = {"t-bill": "T-bills", "rent": "rent"}

    said = text(stresses.show_stresses(stressed(), TOLD, names, origin=ORIGIN))

    assert "Scenario T-bills Rent Renting ahead of holding" in said
    assert "As assumed 1.04 0.90 84 %" in said


def test_without_a_token_nothing_is_said_of_holding() -> None:
    without = stressed(token=False)

    said = text(stresses.show_stresses(without, TOLD, NAMES, origin=ORIGIN))

    assert "holding" not in said
    assert "As assumed 0.90 0.95 30 %" in said


def test_regret_is_taken_of_what_every_scenario_has() -> None:
    medians = stresses.chief_medians(stressed(), TOLD, NAMES)

    assert list(medians) == ["hold", "rent"]
    assert list(medians.index) == ["As assumed", "After a listing", "The network shuts down"]
    assert regret(medians).loc["After a listing", "hold"] == pytest.approx(0.08 - 0.88)


def test_each_scenario_says_what_happens_in_it_and_who_says_so() -> None:
    told = catalogue.load().stresses.values()

    said = text(stresses.show_scenarios(list(told), origin=ORIGIN))

    assert "Half the rental rate What an hour of the card rents for halves in ten months" in said
    assert "cnbeta 1449972 2024-11-01 C" in said
    assert all(html.escape(each.summary) in said for each in told)


def test_every_kind_of_risk_has_plain_words() -> None:
    assert set(stresses.KINDS) == set(get_args(RiskKind))


def test_facts_are_counted_by_kind_and_shown_with_source_date_and_grade() -> None:
    facts = [
        fact("oracle", "A price from outside"),
        fact("no-sla", "No promise"),
        fact("oracle", "A second one"),
    ]

    said = text(stresses.show_facts(facts, network="Akash", origin=ORIGIN))

    assert "3 facts. The grade of the contract counts 2 kinds of them" in said
    assert "No promise of uptime No promise AEP &lt;76&gt; 2026-03-23 A" in said
    assert said.index("No promise of uptime") < said.index("A price that an oracle tells")


def test_one_fact_is_one_fact() -> None:
    said = text(stresses.show_facts([fact("slashing", "x")], network="Akash", origin=ORIGIN))

    assert "1 fact. The grade of the contract counts 1 kind of them" in said


def test_the_caption_counts_what_the_grade_counts_and_names_what_it_leaves_out() -> None:
    known = catalogue.load()
    for network in ("akash", "render", "io-net"):
        facts = known.counted_risks(network, dt.date(2026, 11, 26))
        said = text(stresses.show_facts(facts, network=network, origin=ORIGIN))
        assert f"counts {catalogue.graded_kinds(facts)} kinds of them" in said
        assert said.partition("It does not count: ")[2].startswith(
            ("Terms that are not published", "Nodes that nobody vets; Terms that are not published")
        )


def test_terms_that_are_not_published_are_said_to_leave_the_grade_unknown() -> None:
    facts = [fact("unpublished-terms", "Nothing is public")]

    said = text(stresses.show_facts(facts, network="Kazam Chain", origin=ORIGIN))

    assert "1 fact. What the grade counts is not known" in said


def test_where_no_fact_is_known_that_is_said() -> None:
    said = text(stresses.show_facts([], network="Kazam Chain", origin=ORIGIN))

    assert said.startswith("None is on record for Kazam Chain")
