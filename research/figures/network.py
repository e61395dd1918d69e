"""One network in figures and tables: price with its events, every measure, and what is missing."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from research.figures.market import amount, label, share, show_sentences, signed
from research.figures.theme import COLOURS, Markup, answer, finish, table
from research.headline import Figure, Headline, significant
from research.origin import Origin

CLASS_COLOURS = {
    "physical": COLOURS["hold"],
    "in USD": COLOURS["btc"],
    "moved by the token's price": COLOURS["rent"],
}
PANEL_HEIGHT = 190  # pixels of one of several panels
FEW = 30  # values that are drawn as points too, for a line alone would hide how few they are


def show_profile_answer(
    name: str, measures: pd.DataFrame, *, day: dt.date, origin: Origin
) -> Markup:
    """Return where price and use of a network stand."""
    if not measures["held"].any():
        return answer(
            f"Nothing is held of {name}: no price and no use.",
            f"Looked at on {day}. Below is what the catalogue knows of it.",
            origin=origin,
            told=Headline(verdicts={}, figures=(Figure(name="Measures held", value=0),)),
        )
    held: dict[str, dict[str, Any]] = {
        str(row["measure"]): row for row in _records(measures[measures["held"]])
    }
    physical = [
        row
        for row in held.values()
        if row["demand_class"] == "physical" and row["group"] == "demand"
    ]
    price, utilization = held.get("price_usd"), held.get("utilization")
    sentences = []
    figures = [Figure(name="Measures held", value=len(held))]
    if price is None:
        headline = f"No price of {name} is held"
    else:
        headline = f"{name}'s token closed at {amount(price['last_value'])} USD on {price['last']}"
        figures.append(_figure("Last close", price["last_value"], "USD"))
    if told := [row for row in physical if pd.notna(row["level"])]:
        first = next((row for row in told if row["measure"] == "gpu_hours"), told[0])
        moved = "" if pd.isna(first["change"]) else f" ({signed(first['change'])} in 30 days)"
        headline += f"; its use is {amount(first['level'])} {first['unit']}{moved}"
        figures.append(_figure("Use", first["level"], str(first["unit"])))
        if moved:
            figures.append(_figure("Use against 30 days before", 100 * first["change"], "%"))
    else:
        headline += "; no physical measure of its use is held"
    if utilization is not None and pd.notna(utilization["level"]):
        sentences.append(
            f"Of the GPUs offered, {share(utilization['level'])} were rented, in the mean of 30 "
            "days."
        )
        figures.append(_figure("GPUs rented, of those offered", 100 * utilization["level"], "%"))
    contaminated = sum(row["demand_class"] == "moved by the token's price" for row in held.values())
    words = "a physical measure" if len(physical) == 1 else "physical measures"
    sentences.append(
        f"{len(held)} {'measure is' if len(held) == 1 else 'measures are'} held, "
        f"{len(physical)} of them {words} of use; {contaminated} "
        f"{'moves' if contaminated == 1 else 'move'} with the token's price by arithmetic alone, "
        "which is no evidence of demand."
    )
    sentences.append(f"Data: {origin.text}.")
    nutshell = Headline(verdicts={}, figures=tuple(figures))
    return answer(f"{headline}.", *sentences, origin=origin, told=nutshell)


def _figure(name: str, value: float, unit: str) -> Figure:
    """Return a headline's figure, with a decimal of a percentage and else three digits."""
    digits = 1 if unit == "%" else significant(float(value))
    return Figure(name=name, value=float(value), unit=unit, digits=digits)


def plot_price(
    price: pd.Series[float], events: pd.DataFrame, *, name: str, origin: Origin
) -> go.Figure | Markup:
    """Daily closes on a log scale, with the days marked on which the network changed its rules."""
    if price.empty:
        return show_sentences(f"No price of {name} is held.")
    figure = go.Figure()
    figure.add_scatter(
        x=price.index,
        y=price,
        line={"color": COLOURS["hold"], "width": 1.8},
        mode="lines+markers" if len(price) < FEW else "lines",
        name="Close",
        hovertemplate="%{y:.4g} USD",
    )
    shown = events[
        [price.index[0].date() <= day <= price.index[-1].date() for day in events["date"]]
    ]
    for number, event in shown.iterrows():
        figure.add_vline(
            x=str(event["date"]), line_dash="dot", line_width=1.2, line_color="#808080"
        )
        figure.add_annotation(
            x=str(event["date"]),
            y=1,
            yref="paper",
            yanchor="bottom",
            text=f"{int(str(number)) + 1}",
            showarrow=False,
        )
    figure.update_layout(
        yaxis={"title": "USD, log scale", "type": "log", "dtick": "D2"},
        showlegend=False,
        height=430,
    )
    marked = "; ".join(f"{event.date} {event.kind}" for event in shown.itertuples())
    return finish(
        figure,
        origin=origin,
        alt=f"Price of {name}: {amount(price.iloc[0])} USD on {price.index[0]:%Y-%m-%d}, "
        f"{amount(price.iloc[-1])} USD on {price.index[-1]:%Y-%m-%d}; the highest close was "
        f"{amount(price.max())}. Marked: {marked or 'nothing'}.",
    )


def show_events(events: pd.DataFrame) -> Markup:
    """Return what happened, numbered as in the figure."""
    if events.empty:
        return show_sentences("The catalogue has no event of this network.")
    shown = pd.DataFrame(
        {
            "No.": [str(number + 1) for number in range(len(events))],
            "Day": events["date"].astype(str),
            "What": events["kind"],
            "In a sentence": events["summary"],
            "New rules": events["regime"].astype(bool),
            "Source": events["source"],
        }
    ).set_index("No.")
    return table(
        shown,
        caption="Events, numbered as in the figure; nothing is pooled across new rules",
        origin=Origin.said(""),
    )


def plot_measures(
    panel: pd.DataFrame, measures: pd.DataFrame, *, what: str, origin: Origin
) -> go.Figure | Markup:
    """Draw a panel a measure, each in its own unit and from zero.

    Parameters
    ----------
    panel : (n_days, n_measures)
    measures : rows of the profile's measures that are to be shown
    what : the measures in a word, such as "demand"
    origin : of what is shown
    """
    if measures.empty:
        return show_sentences(f"No measure of {what} is held.")
    rows = _records(measures)
    titles = [
        label(row["measure"])
        + (f" ({row['demand_class']})" if pd.notna(row["demand_class"]) else "")
        for row in rows
    ]
    n = len(rows)
    height = PANEL_HEIGHT * n + 60
    figure = make_subplots(
        rows=n, shared_xaxes=True, vertical_spacing=56 / height if n > 1 else 0,
        subplot_titles=titles,
    )  # fmt: skip
    said = []
    for at, row in enumerate(rows, start=1):
        values = panel[row["measure"]].dropna()
        figure.add_scatter(
            x=values.index,
            y=values,
            row=at,
            col=1,
            line={"color": CLASS_COLOURS.get(str(row["demand_class"]), "#8a8a8a"), "width": 1.5},
            mode="lines+markers" if len(values) < FEW else "lines",
            name=label(row["measure"]),
            hovertemplate="%{y:,.4g}",
        )
        figure.update_yaxes(title=_wrapped(row["unit"]), rangemode="tozero", row=at)
        said.append(
            f"{label(row['measure'])} {amount(values.iloc[-1])} {row['unit']} on "
            f"{values.index[-1]:%Y-%m-%d}"
        )
    figure.update_layout(showlegend=False, height=height)
    return finish(figure, origin=origin, alt="; ".join(said) + ".")


def _records(measures: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(name): value for name, value in row.items()} for row in measures.to_dict("records")
    ]


def _wrapped(unit: str) -> str:
    return unit.replace(" a day", "<br>a day").replace(" in ", "<br>in ")


def show_measures(measures: pd.DataFrame, *, origin: Origin) -> Markup:
    """Return the level of each measure that is held, how it moved, and how old it is."""
    if measures.empty:
        return show_sentences("No measure of this network is held.")
    shown = pd.DataFrame(
        {
            "Measure": [label(name) for name in measures["measure"]],
            "Mean of 30 days": measures["level"],
            "Unit": measures["unit"],
            "Change": measures["change"],
            "First day": measures["first"].astype(str),
            "Last day": measures["last"].astype(str),
            "Age, days": measures["age_days"],
            "Source": measures["source"],
        }
    ).set_index("Measure")
    return table(
        shown,
        caption="Measures held: mean of the last 30 days and its change from the 30 days before, "
        "as a share of it",
        origin=origin,
        formats={"Mean of 30 days": amount, "Change": signed, "Age, days": ".0f"},
    )


def show_definitions(measures: pd.DataFrame) -> Markup:
    """Return what each measure counts, and what it can prove about demand."""
    if measures.empty:
        return show_sentences("No measure of this network is held.")
    shown = pd.DataFrame(
        {
            "Measure": [label(name) for name in measures["measure"]],
            "Class": measures["demand_class"].fillna("no demand"),
            "What it counts": measures["definition"],
        }
    ).set_index("Measure")
    return table(
        shown, caption="What each measure means", origin=Origin.said("catalogue of measures")
    )


def show_missing(name: str, measures: pd.DataFrame) -> Markup:
    """Return which measures of a network are not held, in sentences."""
    missing = measures[~measures["held"]]
    groups = {
        "demand": "Of demand",
        "utilization": "Of utilization",
        "supply": "Of supply",
        "market": "Of the market",
    }
    sentences = [
        f"{words}: {', '.join(map(label, names))}."
        for group, words in groups.items()
        if (names := missing.loc[missing["group"] == group, "measure"].tolist())
    ]
    if not sentences:
        return show_sentences(f"Every measure of the vocabulary is held of {name}.")
    return show_sentences(
        *sentences,
        "Not held is not zero: it was not asked for, or nobody publishes it. What you have "
        "yourself is added by research import FILE.",
    )
