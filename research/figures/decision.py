"""Pictures of a decision: what both choices may become, and what the rig earns month by month."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from research.counting import counted
from research.figures.theme import COLOURS, fade, finish
from research.figures.words import alternative_name, per_usd, percent, sentence_case, usd
from research.models.comparison import Outcome
from research.models.decision import CHIEF, Decision
from research.origin import Origin

FAN_LEVELS = ((0.05, 0.95, 0.18), (0.25, 0.75, 0.32))  # from, to, opacity
HORIZON_POINTS = 240  # a line of so many points looks smooth and weighs little
HORIZON_SHOWN = 0.97  # of the futures: the rest would stretch the axis
FLOW_COLOURS = {
    "gross_usd": COLOURS["btc"],
    "fee_usd": "#8a8a8a",
    "electricity_usd": "#b07c00",
    "fixed_usd": "#9a6aa8",
    "repairs_usd": "#c2410c",
}
FLOW_NAMES = {
    "gross_usd": "Rent received",
    "fee_usd": "Platform fee",
    "electricity_usd": "Electricity",
    "fixed_usd": "Internet, upkeep",
    "repairs_usd": "Repairs, replacement",
}


def plot_wealth_fans(decision: Decision, *, origin: Origin) -> go.Figure:
    """Wealth per dollar over time, one panel a choice: middle future, half of all, nine in ten."""
    shown = [name for name in ("hold", "rent") if name in decision.comparison.outcomes]
    figure = make_subplots(
        rows=len(shown),
        shared_xaxes=True,
        vertical_spacing=0.12,
        subplot_titles=[sentence_case(alternative_name(name, decision.question)) for name in shown],
    )
    for row, name in enumerate(shown, start=1):
        figure.add_traces(_fan(decision.comparison.outcomes[name], name), rows=row, cols=1)
        figure.add_hline(y=1, line_dash="dot", line_width=1, line_color="#808080", row=row)
        figure.update_yaxes(title="USD per USD put in", rangemode="tozero", row=row)
    figure.update_xaxes(title="Months from now", row=len(shown))
    figure.update_layout(height=330 * len(shown), showlegend=False)
    middle = " and ".join(
        f"{per_usd(decision.comparison.outcomes[name].median)} for "
        f"{alternative_name(name, decision.question)}"
        for name in shown
    )
    finished = finish(
        figure,
        origin=origin,
        alt=f"Simulated wealth per dollar over {counted(decision.comparison.n_months, 'month')}; "
        f"the middle future ends at {middle}.",
    )
    # in the middle of the whole it would lie on the second panel's title
    return finished.update_annotations(selector={"name": "simulated"}, y=1 - 0.5 / len(shown))


def _fan(outcome: Outcome, name: str) -> Sequence[go.Scatter]:
    quantiles = outcome.quantiles
    months = quantiles.index.to_numpy()
    bands = [
        go.Scatter(
            x=np.concatenate([months, months[::-1]]),
            y=np.round(np.concatenate([quantiles[high], quantiles[low][::-1]]), 4),
            fill="toself",
            fillcolor=fade(name, opacity),
            line={"width": 0},
            hoverinfo="skip",
            name=f"{round(100 * (high - low))} % of futures",
        )
        for low, high, opacity in FAN_LEVELS
    ]
    middle = go.Scatter(
        x=months,
        y=np.round(quantiles[0.50], 4),
        line={"color": COLOURS[name], "width": 2.5},
        name="middle future",
        hovertemplate="%{y:.2f}",
    )
    return [*bands, middle]


def plot_horizon(decision: Decision, *, origin: Origin) -> go.Figure:
    """Share of futures that end below each wealth, one line an alternative of `CHIEF`."""
    comparison = decision.comparison
    drawn = {name: comparison.outcomes[name] for name in CHIEF if name in comparison.outcomes}
    spread = [x for x in drawn.values() if np.ptp(x.terminal) > 0]
    highest = max(float(np.quantile(x.terminal, HORIZON_SHOWN)) for x in spread)
    lowest = min(0.0, *(float(np.quantile(x.terminal, 1 - HORIZON_SHOWN)) for x in spread))
    shown = np.linspace(lowest, min(max(highest, 1.5), 6.0), HORIZON_POINTS)
    wealth = np.sort(np.append(shown, 1.0))  # at 1 a line shows the chance of a loss itself
    figure = go.Figure()
    for name, outcome in drawn.items():
        below = np.searchsorted(np.sort(outcome.terminal), wealth, side="left")
        figure.add_scatter(
            x=np.round(wealth, 3),
            y=np.round(100 * below / len(outcome.terminal), 2),
            line={"color": COLOURS[name], "width": 2.5},
            name=sentence_case(alternative_name(name, decision.question)),
            hovertemplate="%{y:.0f} %",
        )
    figure.add_vline(x=1, line_dash="dot", line_width=1, line_color="#808080")
    figure.update_layout(
        xaxis_title=f"USD per USD put in, after {counted(comparison.n_months, 'month')}",
        yaxis={"title": "Futures that end below (%)", "range": [0, 101]},
        height=430,
    )
    losses = ", ".join(
        f"{percent(x.p_loss.value)} of futures for {alternative_name(name, decision.question)}"
        for name, x in drawn.items()
    )
    return finish(
        figure,
        origin=origin,
        alt=f"Share of simulated futures that end below each wealth. Below what was put in: "
        f"{losses}.",
    )


def plot_months(decision: Decision, *, origin: Origin) -> go.Figure:
    """Monthly income and costs as expected, and where the simulated net lies."""
    months = decision.months
    figure = go.Figure()
    for name, label in FLOW_NAMES.items():
        if not months[name].any():
            continue
        sign = 1 if name == "gross_usd" else -1
        figure.add_bar(
            x=months.index,
            y=np.round(sign * months[name], 2),
            name=label,
            marker={"color": FLOW_COLOURS[name], "line": {"width": 0}},
            hovertemplate="%{y:.0f} USD",
        )
    x = np.concatenate([months.index, months.index[::-1]])
    y = np.concatenate([months["net_q95_usd"], months["net_q05_usd"][::-1]])
    figure.add_scatter(
        x=x,
        y=np.round(y, 2),
        fill="toself",
        fillcolor="rgba(61, 111, 224, 0.16)",
        line={"width": 0},
        hoverinfo="skip",
        name="Net, nine in ten futures",
    )
    figure.add_scatter(
        x=months.index,
        y=np.round(months["net_usd"], 2),
        line={"color": COLOURS["hold"], "width": 2.5},
        name="Net, as expected",
        hovertemplate="%{y:.0f} USD",
    )
    figure.update_layout(
        barmode="relative",
        bargap=0.25,
        xaxis_title="Month",
        yaxis_title="USD a month",
        height=460,
    )
    first, last = months["net_usd"].iloc[0], months["net_usd"].iloc[-1]
    return finish(
        figure,
        origin=origin,
        alt=f"Monthly income and costs of the rig. As expected, {usd(first)} are left in the first "
        f"month and {usd(last)} in the last.",
    )
