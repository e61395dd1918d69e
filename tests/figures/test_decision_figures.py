"""The pictures of a decision show its numbers, with titles, units and a sentence for the blind."""

from __future__ import annotations

from collections.abc import Callable

import plotly.graph_objects as go
import pytest

from research.figures import decision as figures
from research.models.bootstrap import History
from research.models.decision import Decision, decide
from research.origin import Origin
from tests.questions import question, weeks

ORIGIN = Origin.said("a test")

Plot = Callable[..., go.Figure]
PLOTS = [figures.plot_wealth_fans, figures.plot_horizon, figures.plot_months]


@pytest.fixture(scope="module")
def made() -> Decision:
    return decide(question())


@pytest.mark.parametrize("plot", PLOTS)
def test_every_axis_has_a_title(plot: Plot, made: Decision) -> None:
    layout = plot(made, origin=ORIGIN).to_dict()["layout"]
    bottom = [name for name in layout if name.startswith("xaxis")][-1]
    sides = [name for name in layout if name.startswith("yaxis")]

    assert all(layout[name]["title"]["text"] for name in [bottom, *sides])


@pytest.mark.parametrize("plot", PLOTS)
def test_what_is_simulated_is_marked_across_the_figure(plot: Plot, made: Decision) -> None:
    marked = plot(made, origin=Origin.said("a test", simulated=True))
    plain = plot(made, origin=ORIGIN)

    assert "SIMULATED DATA" in [note.text for note in marked.layout.annotations]
    assert "SIMULATED DATA" not in [note.text for note in plain.layout.annotations]


def test_the_fan_ends_at_the_quantiles_of_the_comparison(made: Decision) -> None:
    figure = figures.plot_wealth_fans(made, origin=ORIGIN)
    middle = [trace for trace in figure.data if trace.name == "middle future"]

    ends = [trace.y[-1] for trace in middle]

    assert ends == pytest.approx(
        [made.comparison.outcomes[x].median for x in ("hold", "rent")], abs=1e-4
    )


def test_the_height_of_a_line_at_one_is_the_chance_of_a_loss(made: Decision) -> None:
    figure = figures.plot_horizon(made, origin=ORIGIN)
    rent = next(trace for trace in figure.data if trace.name.startswith("Renting"))
    below = dict(zip(rent.x, rent.y, strict=True))[1.0]

    assert below == pytest.approx(100 * made.comparison.outcomes["rent"].p_loss.value)


def test_bars_of_a_month_add_up_to_its_net(made: Decision) -> None:
    figure = figures.plot_months(made, origin=ORIGIN)
    bars = sum(trace.y[0] for trace in figure.data if trace.type == "bar")

    assert bars == pytest.approx(made.months["net_usd"].iloc[0], abs=0.05)


def test_without_a_token_there_is_one_fan() -> None:
    history = History(returns=weeks(columns=("market",)))
    alone = decide(question(token=None, token_price_usd=None, history=history))

    figure = figures.plot_wealth_fans(alone, origin=ORIGIN)

    assert [trace.name for trace in figure.data].count("middle future") == 1


def test_the_picture_of_ends_draws_one_line_for_each_use_of_the_money(made: Decision) -> None:
    figure = figures.plot_horizon(made, origin=ORIGIN)

    assert len(made.comparison.outcomes) > len(figure.data)
    assert [trace.name for trace in figure.data] == [
        "Holding AKT",
        "Renting out one RTX 4090",
        "Holding Bitcoin",
        "T-bills",
    ]
