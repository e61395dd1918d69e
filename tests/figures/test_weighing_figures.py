"""Pictures and tables that weigh a choice show its numbers, and say what they lack."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from research.figures import weighing, weighing_tables
from research.figures.theme import Markup
from research.models.dominance import dominance_table
from research.models.grades import Grade, grade, grade_liquidity
from research.models.mixes import Frontier, frontier
from research.models.regret import regret
from research.models.resampling import Interval
from research.models.sensitivity import Sobol, Tornado, Uncertain, sobol, tornado
from research.origin import Origin

ORIGIN = Origin.said("a test")
SIMULATED = Origin.said("a test", simulated=True)

NAMES = {"hold": "holding AKT", "rent": "renting out one RTX 4090", "t-bill": "T-bills"}
HOLD = np.concatenate([np.full(40, 0.5), np.full(60, 1.5)])
RENT = np.tile([0.9, 1.0, 1.1, 1.2], 25)


def inputs(count: int = 3) -> list[Uncertain]:
    fixed = [
        Uncertain(name="use", label="Utilization", unit="fraction", value=0.6, low=0.3, high=0.9,
                  grade="B"),
        Uncertain(name="rate", label="Rental rate of an RTX 4090 on the open market",
                  unit="USD per rented GPU-hour", value=0.4, low=None, high=None, grade="C"),
        Uncertain(name="resale", label="Resale value", unit="USD", value=1_400.0, low=None,
                  high=None, grade="D"),
    ]  # fmt: skip
    more = [
        Uncertain(name=f"x{at}", label=f"Figure {at}", unit="ratio", value=1.0, low=None,
                  high=None, grade="A") for at in range(count - 3)
    ]  # fmt: skip
    return fixed + more


@pytest.fixture(scope="module")
def mixed() -> Frontier:
    return frontier(HOLD, RENT)


@pytest.fixture(scope="module")
def bars() -> Tornado:
    return tornado(inputs(), lambda at: at["use"] * at["rate"] * 10 + at["resale"] / 2_000 - 2.5)


@pytest.fixture(scope="module")
def shares() -> Sobol:
    return sobol(
        inputs(), lambda x: np.asarray(x[:, 0] * x[:, 1] * 10 + x[:, 2] / 2_000), n=64, seed=1
    )


@pytest.fixture(scope="module")
def no_shares() -> Sobol:
    return sobol(inputs(), lambda x: np.ones(len(x)), n=64, seed=1)


@pytest.fixture(scope="module")
def hold_grades() -> list[Grade]:
    return [grade("market", 0.93, Interval(0.9, 0.95)), grade("drawdown", 0.72)]


@pytest.fixture(scope="module")
def rent_grades() -> list[Grade]:
    return [
        grade("market", 0.33, Interval(0.30, 0.37)),
        grade("income", None),
        grade_liquidity(14, 0.10),
        grade("operations", 0.052),
        grade("concentration", None),
    ]


@pytest.fixture(scope="module")
def figures(mixed: Frontier, bars: Tornado, shares: Sobol) -> list[go.Figure]:
    drawn = weighing.plot_sobol(shares, origin=SIMULATED)
    assert isinstance(drawn, go.Figure)
    return [
        weighing.plot_frontier(mixed, symbol="AKT", origin=SIMULATED),
        weighing.plot_tornado(bars, outcome="Gain (USD per USD)", origin=SIMULATED),
        drawn,
    ]


def test_every_figure_has_axis_titles_its_source_a_sentence_with_numbers_and_the_mark(
    figures: list[go.Figure],
) -> None:
    for figure in figures:
        assert figure.layout.xaxis.title.text
        assert figure.layout.yaxis.title.text
        assert figure.layout.meta["source"] == "a test"
        assert any(character.isdigit() for character in figure.layout.meta["alt"])
        assert "SIMULATED DATA" in [note.text for note in figure.layout.annotations]


def test_the_frontier_has_a_labelled_point_a_mix_at_its_shortfall_and_median(
    mixed: Frontier, figures: list[go.Figure]
) -> None:
    labelled = [trace for trace in figures[0].data if trace.text is not None]
    points = {
        label: (x, y)
        for trace in labelled
        for label, x, y in zip(trace.text, trace.x, trace.y, strict=True)
    }
    assert len(points) == 11
    assert points["0"] == (pytest.approx(10.0), mixed.mixes[0].median)
    assert points["100"] == (pytest.approx(50.0), 1.5)
    assert all("in AKT<br>" in trace.hovertemplate for trace in labelled)
    assert "0 % in AKT: median 1.05, loss 10 %" in figures[0].layout.meta["alt"]


def test_a_tornado_s_bars_reach_from_the_base_to_the_outcome_at_each_end(
    bars: Tornado, figures: list[go.Figure]
) -> None:
    low, high = figures[1].data
    for trace, ends in (
        (low, [bar.at_low for bar in bars.bars]),
        (high, [bar.at_high for bar in bars.bars]),
    ):
        assert trace.base == bars.base
        assert np.asarray(trace.x) + bars.base == pytest.approx(ends)
    assert low.y[0].startswith("Utilization<br>43 to 77 %")
    assert "changes its sign" in figures[1].layout.meta["alt"]


def test_labels_leave_room_on_a_phone(figures: list[go.Figure]) -> None:
    lines = [line for label in figures[1].data[0].y for line in label.split("<br>")]
    assert max(map(len, lines)) <= weighing.LABEL_WIDTH
    assert "USD/h" in " ".join(lines)


def test_more_figures_than_can_be_read_are_counted_not_drawn() -> None:
    many = tornado(inputs(20), lambda at: sum(at.values()))
    figure = weighing.plot_tornado(many, outcome="Gain (USD)", origin=ORIGIN)
    assert len(figure.data[0].y) == weighing.BARS_SHOWN
    assert "12 of 20" in figure.layout.yaxis.title.text


def test_the_source_stays_below_an_axis_title_of_several_lines(bars: Tornado) -> None:
    def source_of(outcome: str) -> float:
        figure = weighing.plot_tornado(bars, outcome=outcome, origin=ORIGIN)
        shift = next(note.yshift for note in figure.layout.annotations if note.name == "source")
        return float(shift)

    assert source_of("Gain of renting over holding (USD per USD put in)") < source_of("Gain (USD)")


def test_shares_are_drawn_in_percent_with_their_intervals(
    shares: Sobol, figures: list[go.Figure]
) -> None:
    alone, together = figures[2].data
    assert list(alone.x) == pytest.approx([100 * (s.first or 0) for s in shares.shares], abs=0.01)
    first = shares.shares[0].total_interval
    assert first is not None
    assert together.x[0] + together.error_x.array[0] == pytest.approx(100 * first.high, abs=0.02)


def test_without_shares_the_reason_stands_in_place_of_figure_and_table(no_shares: Sobol) -> None:
    for shown in (
        weighing.plot_sobol(no_shares, origin=Origin.said("")),
        weighing_tables.show_sobol(no_shares, origin=Origin.said("")),
    ):
        assert isinstance(shown, Markup)
        assert "the outcome does not vary" in shown.html


def test_the_table_of_dominance_says_who_would_take_the_row_over_the_column() -> None:
    terminal = {"hold": RENT - 0.2, "rent": RENT, "t-bill": np.full(100, 1.05)}
    found = dominance_table(terminal, draws=20, seed=1)
    html = weighing_tables.show_dominance(found, names=NAMES, origin=ORIGIN).html
    rows = {row.split("</th>")[0]: row for row in html.split('<th scope="row"')[1:]}
    renting = next(row for head, row in rows.items() if "Renting out" in head)
    bills = next(row for head, row in rows.items() if "T-bills" in head)
    assert "everybody (100 %)" in renting
    assert "risk-averse" in bills
    assert ">nan<" not in html.lower()


@pytest.mark.parametrize(("share", "said"), [(0.51, "everybody (51 %)"), (0.46, ">no<")])
def test_an_order_that_most_resampled_futures_do_not_have_is_not_called_one(
    share: float, said: str
) -> None:
    terminal = {"hold": RENT - 0.2, "rent": RENT}
    found = dominance_table(terminal, draws=20, seed=1)
    found.loc[("rent", "hold"), ["first_order_share", "second_order_share"]] = share, 0.4
    html = weighing_tables.show_dominance(found, names=NAMES, origin=ORIGIN).html
    assert said in html.split("Renting out one RTX 4090</th>")[-1]


def test_the_table_of_mixes_marks_the_best_and_names_the_token(mixed: Frontier) -> None:
    html = weighing_tables.show_mixes(mixed, symbol="AKT", origin=SIMULATED).html
    assert f"{100 * mixed.best.weight:.0f} % *" in html
    assert "In AKT" in html
    assert "Simulated data" in html


def test_the_table_of_shares_has_each_figure_with_both_shares(shares: Sobol) -> None:
    html = weighing_tables.show_sobol(shares, origin=ORIGIN).html
    assert all(share.label in html for share in shares.shares)
    assert "Together with others" in html
    assert "320 evaluations" in html


def test_the_table_of_regret_names_the_choice_and_each_scenario_s_best() -> None:
    wealth = pd.DataFrame(
        {"hold": [2.0, 0.4], "rent": [1.2, 0.9], "t-bill": [1.0, 1.0]},
        index=["as assumed", "2022 again"],
    )
    html = weighing_tables.show_regret(regret(wealth), names=NAMES, origin=ORIGIN).html
    assert "Smallest largest regret: holding AKT" in html  # 0.60, renting 0.80, bills 1.00
    assert html.count(">best<") == 2
    assert ">0.80<" in html


def test_a_grade_is_shown_with_axis_statistic_interval_and_thresholds(
    hold_grades: list[Grade], rent_grades: list[Grade]
) -> None:
    html = weighing_tables.show_grades(
        {"hold": hold_grades, "rent": rent_grades}, names=NAMES, origin=ORIGIN
    ).html
    for words in (
        "Loss of value", "93 % (90 % to 95 %)", "medium-high", "very high above 60 %",
        "Mean loss in the worst 5 % of futures", "14 days, 10 %", "unknown", "not above zero",
    ):  # fmt: skip
        assert words in html


def test_the_usual_words_stand_beside_what_was_measured(
    hold_grades: list[Grade], rent_grades: list[Grade]
) -> None:
    html = weighing_tables.show_usual_words(
        {"hold": hold_grades, "rent": rent_grades}, names=NAMES, origin=ORIGIN
    ).html
    for words in (
        "high: market volatility", "very high: loss of value 93 %", "nothing is operated",
        "medium: hardware and operations", "very high: unsteady income", "medium: 5.2 %",
    ):  # fmt: skip
        assert words in html
