"""The tables of wealth and risk show what the comparison found, and nothing that is not there."""

from __future__ import annotations

import re

import numpy as np
import pytest
from bs4 import BeautifulSoup

from research.figures import decision, outcomes, places
from research.figures.theme import MISSING, Markup
from research.models.decision import Decision, decide
from research.origin import Origin
from tests.questions import question

ORIGIN = Origin.said("a test")

Cells = dict[str, dict[str, str]]


def tables_of(shown: Markup) -> list[Cells]:
    """Return each table as its cells by row and column."""
    found = []
    for each in BeautifulSoup(shown.html, "html.parser")("table"):
        heads = [cell.text for cell in each("th", scope="col")]
        rows = [[cell.text for cell in row(["th", "td"])] for row in each("tr")[1:]]
        keys = len(each("tr")[1]("th"))
        found.append(
            {" ".join(row[:keys]): dict(zip(heads[keys:], row[keys:], strict=True)) for row in rows}
        )
    return found


@pytest.fixture(scope="module")
def made() -> Decision:
    return decide(question(n_months=24))


def test_a_ratio_of_one_over_three_years_is_known_to_0_589() -> None:
    assert outcomes.ratio_std_error(1.0, 36) == pytest.approx(0.589, abs=5e-4)


def test_the_std_error_of_a_ratio_is_that_of_many_histories() -> None:
    # 20,000 histories of 36 normal months whose true ratio is 1 a year
    months = np.random.default_rng(5).normal(1 / 12**0.5, 1, (36, 20_000))
    ratios = 12**0.5 * months.mean(axis=0) / months.std(axis=0, ddof=1)

    assert outcomes.ratio_std_error(1.0, 36) == pytest.approx(ratios.std(), rel=0.04)


def test_every_alternative_has_a_row_in_both_tables(made: Decision) -> None:
    wealth, risk = tables_of(outcomes.show_outcomes(made, origin=ORIGIN))

    assert len(wealth) == len(risk) == len(made.comparison.outcomes)
    assert list(wealth) == list(risk)


def test_wealth_is_that_of_the_comparison(made: Decision) -> None:
    wealth, _ = tables_of(outcomes.show_outcomes(made, origin=ORIGIN))
    rent = made.comparison.outcomes["rent"]

    row = wealth["Renting out one RTX 4090"]

    assert row["Middle"] == f"{rent.median:.2f}"
    assert row["Mean"] == f"{rent.mean:.2f}"
    assert row["Worst 5 % below"] == f"{rent.quantiles[0.05].iloc[-1]:.2f}"
    assert row["Sure, cautious"].split()[0] == f"{rent.certainty_equivalents[5.0]:.2f}"
    places = [each["Place"] for each in wealth.values()]
    assert sorted(places, key=int) == [str(at + 1) for at in range(len(wealth))]
    best = made.comparison.ranking()[0]
    assert places[list(made.comparison.outcomes).index(best)] == "1"


def test_what_never_moves_has_no_ratio_and_no_doubtful_chance_of_loss(made: Decision) -> None:
    _, risk = tables_of(outcomes.show_outcomes(made, origin=ORIGIN))

    assert risk["T-bills"]["Sharpe ratio"] == MISSING
    assert risk["T-bills"]["Sortino ratio"] == MISSING
    assert risk["T-bills"]["Chance of loss"] == "0 %"


def test_the_rigs_smooth_marks_are_said_to_flatter_it(made: Decision) -> None:
    shown = outcomes.show_outcomes(made, origin=ORIGIN).html

    assert "flatters its Sharpe and Sortino ratios" in shown


def test_a_star_is_explained_where_there_is_one_and_only_there(made: Decision) -> None:
    ruined = any(each.ruined for each in made.comparison.outcomes.values())
    shown = outcomes.show_outcomes(made, origin=ORIGIN).html

    assert (" *<" in shown) == ruined
    assert ("counts as 0.001" in shown) == ruined


def test_there_is_a_column_for_each_year_up_to_the_horizon(made: Decision) -> None:
    (found,) = tables_of(outcomes.show_horizons(made, origin=ORIGIN))

    assert list(found["Middle future Holding AKT"]) == ["12 months", "24 months"]


def test_an_earlier_end_shows_what_the_same_futures_were_worth_then(made: Decision) -> None:
    (found,) = tables_of(outcomes.show_horizons(made, origin=ORIGIN))
    hold = made.comparison.outcomes["hold"]
    chance = made.comparison.beats("rent", "hold", 12).value

    assert found["Middle future Holding AKT"]["12 months"] == f"{hold.quantiles[0.5][12]:.2f}"
    said = found["Renting ends ahead of Holding AKT"]["12 months"]
    assert said.startswith(f"{100 * chance:.0f} %")


def test_tables_are_marked_where_they_are_simulated(made: Decision) -> None:
    for show, count in ((outcomes.show_outcomes, 2), (outcomes.show_horizons, 1)):
        assert (
            show(made, origin=Origin.said("a test", simulated=True)).html.count("Simulated data")
            == count
        )


def test_one_month_is_one_month_in_every_caption_head_and_picture() -> None:
    made = decide(question(n_months=1))
    shown = outcomes.show_outcomes(made, origin=ORIGIN).html
    shown += outcomes.show_horizons(made, origin=ORIGIN).html
    shown += places.show_options(made, origin=ORIGIN).html
    shown += places.show_policies(made, origin=ORIGIN).html
    fans, horizon = (
        plot(made, origin=ORIGIN) for plot in (decision.plot_wealth_fans, decision.plot_horizon)
    )
    said = f"{shown} {fans.layout.meta['alt']} {horizon.layout.xaxis.title.text}"

    assert said.count("1 month") >= 5
    assert not re.search(r"\b1 months", said)
