"""Figures and tables on demand and price say what was found, and what could not be asked."""

from __future__ import annotations

import html as html_module
import re
from dataclasses import replace

import plotly.graph_objects as go
import pytest

from research.evidence import SUBJECT, world
from research.figures import demand, demand_tables
from research.figures.theme import Markup
from research.models.demand.analysis import Analysis, Subject, analyse, untestable
from research.models.demand.pairs import align
from research.origin import Origin

ORIGIN = Origin.said("a made world", simulated=True)
PLOTS = [
    demand.plot_levels,
    demand.plot_partial_scatter,
    demand.plot_lead_lag,
    demand.plot_rolling,
    demand.plot_impulse,
    demand.plot_forecast_record,
]
TABLES = [
    demand_tables.show_verdict,
    demand_tables.show_verdicts,
    demand_tables.show_tests,
    demand_tables.show_fooled,
    demand_tables.show_loop,
    demand_tables.show_events,
]


@pytest.fixture(scope="module")
def found() -> Analysis:
    import numpy as np
    import pandas as pd

    growth = world(np.random.default_rng(1), 200, volatility="none", rho=0.6)
    days = pd.date_range(growth[0].index[0] - pd.Timedelta(days=6), growth[0].index[-1])
    levels = [
        (0.05 * x.cumsum()).apply(np.exp).reindex(days, method="bfill").rename(str(x.name))
        for x in growth
    ]
    return analyse(align(*levels, nature="stock"), SUBJECT, n_replications=199)


@pytest.mark.parametrize("plot", PLOTS)
def test_a_figure_has_axis_titles_its_source_and_a_sentence(plot, found) -> None:  # type: ignore[no-untyped-def]
    figure = plot(found, origin=ORIGIN)
    assert isinstance(figure, go.Figure)
    assert figure.layout.yaxis.title.text
    assert figure.layout.meta["source"] == "a made world"
    assert any(character.isdigit() for character in figure.layout.meta["alt"])


@pytest.mark.parametrize("plot", PLOTS)
def test_what_could_not_be_asked_is_said_in_place_of_the_figure(plot) -> None:  # type: ignore[no-untyped-def]
    shown = plot(untestable(SUBJECT, "no price is held"), origin=Origin.said(""))
    assert isinstance(shown, Markup)
    assert "no price is held" in shown.html


@pytest.mark.parametrize("show", TABLES)
def test_a_table_of_a_simulated_world_is_marked_or_says_what_lacks(show, found) -> None:  # type: ignore[no-untyped-def]
    html = show(found, origin=ORIGIN).html
    assert "Simulated data" in html or "No event" in html or "Too few series" in html
    assert "nan" not in html.lower()


def test_the_market_is_told_by_its_names_and_new_rules_are_no_part_of_it(found: Analysis) -> None:
    shown = replace(found, factors=("btc", "nvda", "since 2026-03-23"))
    html = demand_tables.show_verdict(shown, origin=ORIGIN).html
    assert "The market's part taken out: Bitcoin, NVIDIA. An" in html_module.unescape(html)


def test_what_is_mechanical_is_not_said_to_lack_data() -> None:
    subject = Subject(**{**vars(SUBJECT), "demand_class": "C"})
    shown = untestable(subject, "demand is the price times a constant")
    said = demand_tables.show_verdict(shown, origin=ORIGIN).html
    said += "".join(plot(shown, origin=ORIGIN).html for plot in PLOTS)
    assert "contains the price of" in said
    assert "Not drawn: demand is the price times a constant." in said
    assert "not enough data" not in said.lower()


def test_a_space_stands_before_every_percent_sign(found: Analysis) -> None:
    figures = [plot(found, origin=ORIGIN) for plot in PLOTS]
    told = [each.layout.meta["alt"] for each in figures if isinstance(each, go.Figure)]
    assert any("%" in each for each in told)
    assert not [each for each in told if re.search(r"\d%", each)]


def test_no_causal_word_stands_in_the_answer(found: Analysis) -> None:
    html = demand_tables.show_verdict(found, origin=ORIGIN).html.lower()
    assert not any(word in html for word in (" drives ", " causes ", " because of "))
