"""Pictures that weigh a choice: mixes of both, and which uncertain figure matters most."""

from __future__ import annotations

import textwrap

import numpy as np
import plotly.graph_objects as go

from research.figures.market import show_sentences
from research.figures.theme import COLOURS, Markup, finish
from research.figures.words import per_usd, percent
from research.models.mixes import Frontier, Mix
from research.models.sensitivity import Bar, Sobol, Tornado
from research.origin import Origin

BARS_SHOWN = 12  # figures in one picture; further down they hardly matter
LABEL_WIDTH = 22  # characters of a label's line: a third of a phone's width
LINE_HEIGHT = 17  # pixels
TITLE_HEIGHT = 22  # pixels a line
PERCENT = {  # units that read as percentages, and what follows the sign
    "fraction": "",
    "change": "",
    "fraction per year": " a year",
    "change per year": " a year",
    "volatility per year": " a year",
}
SHORT_UNITS = {"USD per rented GPU-hour": "USD/h", "events per year": "a year"}
NO_UNIT = ("ratio", "correlation")
NO_MIX = Markup("<p>There is no token here to be mixed with a rig.</p>")
LOW, HIGH = COLOURS["hold"], COLOURS["rent"]


def plot_frontier(
    frontier: Frontier | None, *, symbol: str | None, origin: Origin
) -> go.Figure | Markup:
    """Median wealth against the mean loss of the worst 5 %, one point a mix.

    Parameters
    ----------
    frontier, symbol : of the token; None where there is none to mix with
    """
    if frontier is None or symbol is None:
        return NO_MIX
    figure = go.Figure()
    figure.add_scatter(
        x=[_points(mix.expected_shortfall) for mix in frontier.mixes],
        y=[round(mix.median, 4) for mix in frontier.mixes],
        mode="lines",
        line={"color": "#808080", "width": 1, "dash": "dot"},
        hoverinfo="skip",
        showlegend=False,
    )
    for efficient, name, marker in (
        (True, "Efficient", "circle"),
        (False, "Beaten", "circle-open"),
    ):
        shown = [mix for mix in frontier.mixes if mix.efficient is efficient]
        figure.add_scatter(
            x=[_points(mix.expected_shortfall) for mix in shown],
            y=[round(mix.median, 4) for mix in shown],
            mode="markers+text",
            marker={"color": LOW, "size": 10, "symbol": marker, "line": {"width": 2}},
            text=[f"{100 * mix.weight:.0f}" for mix in shown],
            textposition=[_side(mix, frontier) for mix in shown],
            textfont={"size": 12},
            name=name,
            cliponaxis=False,
            hovertemplate=f"%{{text}} % in {symbol}<br>worst 5 % lose %{{x:.0f}} %"
            "<br>median %{y:.2f}<extra></extra>",
        )
    best = frontier.best
    figure.add_scatter(
        x=[_points(best.expected_shortfall)],
        y=[round(best.median, 4)],
        mode="markers",
        marker={"color": HIGH, "size": 18, "symbol": "circle-open", "line": {"width": 3}},
        name="Best if losses hurt",
        hoverinfo="skip",
    )
    figure.update_layout(
        xaxis={"title": "Mean loss in the worst 5 % (%)", "nticks": 6},
        yaxis_title="Median, USD per USD put in",
        legend_title_text=f"Labels: % in {symbol}",
        hovermode="closest",
        height=430,
    )
    ends = [
        f"{_part(mix)} in {symbol}: median {per_usd(mix.median)}, "
        f"loss {percent(mix.expected_shortfall)}"
        for mix in (frontier.mixes[0], frontier.mixes[-1])
    ]
    return finish(
        figure,
        origin=origin,
        alt=f"Median wealth per dollar against the mean loss in the worst 5 % of futures, for "
        f"mixes of {symbol} and a rig, labelled by the part in {symbol}. {'; '.join(ends)}. The "
        f"best mix at risk aversion 2 has {_part(best)} in {symbol}.",
    )


def _points(share: float) -> float:
    return round(100 * share, 2)


def _part(mix: Mix) -> str:
    return f"{100 * mix.weight:.0f} %"


def _side(mix: Mix, frontier: Frontier) -> str:
    """Return on which side of its point a label stands: neighbours take turns."""
    return "top center" if frontier.mixes.index(mix) % 2 == 0 else "bottom center"


def plot_tornado(tornado: Tornado, *, outcome: str, origin: Origin) -> go.Figure:
    """Draw the outcome with one figure at a time at the 10th and 90th percentile of its range.

    Parameters
    ----------
    outcome : the axis title, with its unit
    """
    bars = tornado.bars[:BARS_SHOWN]
    labels = [_label(bar) for bar in bars]
    figure = go.Figure()
    for name, colour, at, value in (
        ("Figure low", LOW, [bar.at_low for bar in bars], [bar.low for bar in bars]),
        ("Figure high", HIGH, [bar.at_high for bar in bars], [bar.high for bar in bars]),
    ):
        figure.add_bar(
            x=np.array(at) - tornado.base,
            base=tornado.base,
            y=labels,
            orientation="h",
            name=name,
            marker={"color": colour, "line": {"width": 0}},
            customdata=[
                [_valued(each, bar.unit), end]
                for each, bar, end in zip(value, bars, at, strict=True)
            ],
            hovertemplate="%{customdata[0]}: %{customdata[1]:.3g}<extra></extra>",
        )
    figure.add_vline(x=tornado.base, line_width=1.5, line_color="#808080")
    ends = [at for bar in bars for at in (bar.at_low, bar.at_high)]
    if min(ends, default=0) < 0 < max(ends, default=0):
        figure.add_vline(x=0, line_width=1, line_dash="dot", line_color="#808080")
    lines = sum(label.count("<br>") + 2 for label in labels)
    figure.update_layout(
        barmode="overlay",
        bargap=0.35,
        xaxis={"title": _wrapped(outcome), "nticks": 6, "showgrid": True},
        yaxis={
            "title": _axis_title(len(bars), len(tornado.bars)),
            "autorange": "reversed",  # the largest swing on top
            "showgrid": False,
            "tickfont": {"size": 12},
        },
        hovermode="closest",
        height=190 + LINE_HEIGHT * lines,
    )
    told = [
        f"{bar.label} from {bar.at_low:.3g} to {bar.at_high:.3g}"
        + (" and changes its sign" if bar.flips else "")
        for bar in bars[:3]
    ]
    finished = finish(
        figure,
        origin=origin,
        alt=f"{outcome}: {tornado.base:.3g} as assumed. One figure at a time moves it most: "
        f"{'; '.join(told)}.",
    )
    # an axis title of several lines pushes the source down
    pushed = TITLE_HEIGHT * _wrapped(outcome).count("<br>")
    finished.update_annotations(selector={"name": "source"}, yshift=-56 - pushed)
    return finished.update_layout(margin={"b": finished.layout.margin.b + pushed})


def plot_sobol(sobol: Sobol, *, origin: Origin) -> go.Figure | Markup:
    """How much of the outcome's variance each figure makes; why not, where there are no shares."""
    if sobol.reason is not None:
        return show_sentences(f"Shares of variance are not shown: {sobol.reason}.")
    shares = sobol.shares[:BARS_SHOWN]
    labels = [_wrapped(share.label) for share in shares]
    figure = go.Figure()
    for name, colour, values, intervals in (
        (
            "Alone",
            LOW,
            [share.first for share in shares],
            [share.first_interval for share in shares],
        ),
        (
            "With others",
            HIGH,
            [share.total for share in shares],
            [share.total_interval for share in shares],
        ),
    ):
        figure.add_bar(
            x=[_points(value or 0.0) for value in values],
            y=labels,
            orientation="h",
            name=name,
            marker={"color": colour, "line": {"width": 0}},
            error_x={
                "array": [
                    _points(interval.high - (value or 0.0)) if interval else 0.0
                    for value, interval in zip(values, intervals, strict=True)
                ],
                "thickness": 1.2,
                "width": 3,
                "color": "#808080",
            },
            hovertemplate=f"{name.lower()}: %{{x:.0f}} %<extra></extra>",
        )
    figure.update_layout(
        barmode="group",
        bargap=0.3,
        xaxis={"title": "Part of the variance (%)", "nticks": 6, "showgrid": True},
        yaxis={
            "title": _axis_title(len(shares), len(sobol.shares)),
            "autorange": "reversed",
            "showgrid": False,
            "tickfont": {"size": 12},
        },
        hovermode="closest",
        height=190
        + 2 * LINE_HEIGHT * max(len(labels), 2)
        + LINE_HEIGHT * "".join(labels).count("<br>"),
    )
    told = [f"{share.label} {percent(max(share.total or 0.0, 0.0))}" for share in shares[:3]]
    return finish(
        figure,
        origin=origin,
        alt="Parts of the outcome's variance, alone and together with other figures, 95 % "
        f"intervals. The largest, together with others: {', '.join(told)}.",
    )


def _axis_title(n_shown: int, n_all: int) -> str:
    return "Uncertain figure" if n_shown == n_all else f"Uncertain figure ({n_shown} of {n_all})"


def _label(bar: Bar) -> str:
    low, high = _number(bar.low, bar.unit), _valued(bar.high, bar.unit)
    return f"{_wrapped(bar.label)}<br>{_wrapped(f'{low} to {high}')}"


def _wrapped(text: str) -> str:
    return "<br>".join(textwrap.wrap(text, LABEL_WIDTH))


def _valued(value: float, unit: str) -> str:
    number = _number(value, unit)
    if unit in PERCENT:
        return f"{number} %{PERCENT[unit]}"
    return number if unit in NO_UNIT else f"{number} {SHORT_UNITS.get(unit, unit)}"


def _number(value: float, unit: str) -> str:
    shown = 100 * value if unit in PERCENT else value
    digits = 2 if unit in PERCENT else 3
    return f"{shown:,.0f}" if abs(shown) >= 10**digits else f"{shown:.{digits}g}"
