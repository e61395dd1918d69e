"""How far the answer hangs on the law of prices and on inputs that nobody knows exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from research.counting import counted
from research.figures.market import show_sentences
from research.figures.theme import COLOURS, Markup, fade, finish, table
from research.figures.words import (
    DRIFT_NAMES,
    alternative_name,
    nine_worlds_in_ten,
    per_usd,
    sentence_case,
    with_error,
)
from research.models.comparison import Probability
from research.models.decision import Decision
from research.models.laws import LAWS, Line
from research.models.resampling import Interval
from research.models.uncertainty import BAND, Uncertainty
from research.origin import Origin

HEADS = {
    0.05: "Worst 5 % end below",
    0.25: "Worst quarter ends below",
    0.50: "Middle future",
    0.75: "Best quarter ends above",
    0.95: "Best 5 % end above",
}
GAP = 0.34  # between two panels, as a part of the height: an axis, its title, the next title
KNOWN, DOUBTED = "inputs as assumed", "inputs in doubt"


def show_laws(lines: Sequence[Line], *, origin: Origin) -> Markup:
    """Return the answer under each law of prices and each drift; why not, where one could not be.

    Parameters
    ----------
    lines : as `models.laws.under_other_laws` returns them; none where there is no token
    """
    if not lines:
        return show_sentences("Without a price of the token there are no laws of it to compare.")
    rows = [
        {
            "Law of prices": LAWS[line.law],
            "Growth expected of the token": DRIFT_NAMES[line.drift],
            **_line(line),
        }
        for line in lines
    ]
    shown = pd.DataFrame(rows).set_index(["Law of prices", "Growth expected of the token"])
    refused = [
        f"{LAWS[line.law]}: no answer. {sentence_case(line.refusal)}."
        for line in lines
        if line.comparison is None
    ]
    made = table(
        shown,
        caption="The same question under other laws of prices and other expected growth. Middle "
        "future in USD per USD put in; all else, and all luck but that of prices, is the same",
        origin=origin,
    )
    return Markup(made.html + (show_sentences(*refused).html if refused else ""))


def _line(line: Line) -> dict[str, str | None]:
    comparison = line.comparison
    if comparison is None:
        return {}
    return {
        "Middle, holding": per_usd(comparison.outcomes["hold"].median),
        "Middle, renting": per_usd(comparison.outcomes["rent"].median),
        "Renting ahead of holding": with_error(comparison.beats("rent", "hold")),
        "Renting ahead of T-bills": with_error(comparison.beats("rent", "t-bill")),
    }


def show_uncertainty(decision: Decision, uncertainty: Uncertainty, *, origin: Origin) -> Markup:
    """Return both bands of each choice, and both chances: luck alone, and with doubtful inputs."""
    q, n_worlds = decision.question, uncertainty.n_worlds
    rows = [
        {
            "Alternative": sentence_case(alternative_name(name, q)),
            "Futures": kind,
            **{HEADS[share]: per_usd(band[share]) for share in BAND},
        }
        for name, bands in _bands(decision, uncertainty).items()
        for kind, band in bands.items()
    ]
    spread = table(
        pd.DataFrame(rows).set_index(["Alternative", "Futures"]),
        caption=f"Where the choices end after {counted(q.n_months, 'month')}, USD per USD put in: "
        "with the inputs as assumed, where luck alone spreads them, and over "
        f"{n_worlds} worlds, each with inputs and a past of its own that could as well be true",
        origin=origin,
    )
    chances = {
        "T-bills": _chances(
            decision.beats_cash("rent"),
            uncertainty.rent_beats_cash,
            uncertainty.rent_beats_cash_worlds,
        )
    }
    alone = decision.rent_beats_hold
    over, worlds = uncertainty.rent_beats_hold, uncertainty.rent_beats_hold_worlds
    if alone is not None and over is not None and worlds is not None:
        holding = sentence_case(alternative_name("hold", q))
        chances = {holding: _chances(alone, over, worlds), **chances}
    ahead = table(
        pd.DataFrame(chances).T.rename_axis("Renting ends ahead of"),
        caption="The chance that renting ends ahead. In brackets the 95 % error of the number of "
        "futures or worlds",
        origin=origin,
    )
    return Markup(spread.html + ahead.html)


def _chances(alone: Probability, over: Probability, worlds: Interval) -> dict[str, str]:
    return {
        sentence_case(KNOWN): with_error(alone),
        sentence_case(DOUBTED): with_error(over),
        "Nine worlds in ten": nine_worlds_in_ten(worlds, over),
    }


def _bands(decision: Decision, uncertainty: Uncertainty) -> dict[str, dict[str, pd.Series[float]]]:
    """Return by alternative the quantiles of wealth at the horizon, without and with doubt."""
    return {
        name: {
            KNOWN: decision.comparison.outcomes[name].quantiles.iloc[-1],
            DOUBTED: doubted,
        }
        for name, doubted in uncertainty.band.items()
    }


def plot_bands(decision: Decision, uncertainty: Uncertainty, *, origin: Origin) -> go.Figure:
    """Draw where each choice ends, with the inputs as assumed and with the inputs in doubt."""
    q, bands = decision.question, _bands(decision, uncertainty)
    figure = make_subplots(
        rows=len(bands),
        vertical_spacing=GAP,  # an axis of its own each: a token may spread a hundred times as far
        subplot_titles=[sentence_case(alternative_name(name, q)) for name in bands],
    )
    for row, (name, pair) in enumerate(bands.items(), start=1):
        figure.add_traces(_bars(name, pair), rows=row, cols=1)
        figure.add_vline(x=1, line_dash="dot", line_width=1, line_color="#808080", row=row)
    figure.update_yaxes(title="Inputs", autorange="reversed", showgrid=False, tickfont={"size": 12})
    title = f"USD per USD put in, after {counted(q.n_months, 'month')}"
    figure.update_xaxes(title=title, rangemode="tozero", showgrid=True, nticks=7)
    figure.update_layout(
        barmode="overlay", showlegend=False, hovermode="closest", height=90 + 260 * len(bands)
    )
    told = "; ".join(
        f"{alternative_name(name, q)}, {kind}: {per_usd(band[0.05])} to {per_usd(band[0.95])}, "
        f"middle {per_usd(band[0.50])}"
        for name, pair in bands.items()
        for kind, band in pair.items()
    )
    finished = finish(
        figure,
        origin=origin,
        alt="Nine futures in ten end between, in USD per USD put in after "
        f"{counted(q.n_months, 'month')}: {told}.",
    )
    # in the middle of the whole it would lie on the first panel's axis
    first = (1 - GAP * (len(bands) - 1)) / len(bands)
    return finished.update_annotations(selector={"name": "simulated"}, y=1 - first / 2)


def _bars(name: str, pair: Mapping[str, pd.Series[float]]) -> list[go.Bar | go.Scatter]:
    """Return nine futures in ten, half of them, and the middle one, a line for each kind."""
    quantiles = np.round([list(band[list(BAND)]) for band in pair.values()], 3)
    labels = [kind.removeprefix("inputs ") for kind in pair]
    spans: list[go.Bar | go.Scatter] = [
        go.Bar(
            x=quantiles[:, high] - quantiles[:, low],
            base=quantiles[:, low],
            y=labels,
            width=0.6,
            orientation="h",
            marker={"color": fade(name, opacity), "line": {"width": 0}},
            hoverinfo="skip",
        )
        for low, high, opacity in ((0, 4, 0.22), (1, 3, 0.45))
    ]
    middle = go.Scatter(
        x=quantiles[:, 2],
        y=labels,
        mode="markers",
        marker={
            "symbol": "line-ns",
            "size": 34,
            "line": {"color": COLOURS[name], "width": 3.5},
        },
        customdata=quantiles,
        hovertemplate="middle %{x:.2f}<br>half of futures %{customdata[1]:.2f} to "
        "%{customdata[3]:.2f}<br>nine in ten %{customdata[0]:.2f} to %{customdata[4]:.2f}"
        "<extra></extra>",
    )
    return [*spans, middle]
