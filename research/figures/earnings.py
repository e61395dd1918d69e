"""A claim about a card's day in sentences, pictures and tables: of the rent, or of what is left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go

from research.counting import counted
from research.figures.theme import COLOURS, Markup, answer, finish
from research.figures.words import percent, usd, usd_figure
from research.headline import Headline
from research.models.claim import ClaimQuestion, RateName, Verdict
from research.models.earnings import LEVELS, Level, UtilizationRange
from research.origin import Origin

TOLD_LEVELS: tuple[Level, ...] = ("gross", "after_fee", "after_power", "after_capital")
LEVEL_WORDS: Mapping[Level, str] = {
    "gross": "gross rent",
    "after_fee": "left after the platform's fee",
    "after_power": "left after fee and electricity",
    "after_upkeep": "left after fee, electricity and upkeep",
    "after_capital": "left after all costs, the hardware's too",
}
STEP_WORDS = (
    "Gross rent",
    "Platform's fee",
    "Electricity",
    "Upkeep",
    "Hardware",
    "Left",
)
STEP_COLOURS = (
    COLOURS["btc"], "#8a8a8a", "#b07c00", COLOURS["t-bill"], COLOURS["rent"], COLOURS["hold"]
)  # fmt: skip
HALF = 0.5  # of the width of a picture: beyond it a label stands to the left of its line
RATE_ROLES: Mapping[RateName, str] = {"high": "btc", "assumed": "hold", "low": "rent"}
RATE_WORDS: Mapping[RateName, str] = {
    "low": "lowest seen",
    "assumed": "assumed",
    "high": "highest seen",
}
CLAIMED = "rgba(128, 128, 128, 0.2)"


def show_title(question: ClaimQuestion) -> Markup:
    """Return the claim as a question, the page's title."""
    return Markup(
        f"<h1>Does one {escape(question.gpu)} earn {claim_words(question)} USD a day?</h1>"
    )


def claim_words(question: ClaimQuestion) -> str:
    """Return the amounts that are claimed, such as 3 to 7."""
    low, high = question.low_usd_per_day, question.high_usd_per_day
    return f"{low:,g}" if low == high else f"{low:,g} to {high:,g}"


def show_answer(verdict: Verdict, *, origin: Origin) -> Markup:
    """Return whether the claim is true, of what, and at which utilizations."""
    q, day = verdict.question, verdict.day
    rented = f"rented {percent(q.utilization)} of the time at {q.rate_usd_per_hour:.2f} USD an hour"
    gross, left = verdict.left("gross"), verdict.left("after_capital")
    kept = f"{usd(left)} are left" if left >= 0 else f"{usd(-left)} are missing"
    verdicts = {
        ("below", "below"): "No, not even before any cost",
        ("within", "below"): "True of the rent, not of the profit",
        ("within", "within"): "Yes, and even after all costs",
        ("above", "below"): "No: the rent is more, the profit less",
        ("above", "within"): "Yes, of what is left after all costs",
        ("above", "above"): "It is more, even after all costs",
    }
    headline = (
        f"{verdicts[verdict.place('gross'), verdict.place('after_capital')]}: one {q.gpu}, "
        f"{rented}, takes in {usd(gross)} a day, and {kept} after all costs."
    )
    costs = (
        f"Of the rent {usd(float(day.fee_usd))} go to the platform, {usd(float(day.power_usd))} to "
        f"electricity and {usd(float(day.upkeep_usd))} to upkeep; the hardware costs "
        f"{usd(float(day.capital_usd))} a day over {counted(q.n_months, 'month')}, counting what "
        "it fetches in the end."
    )
    ranges = "; ".join(
        f"{LEVEL_WORDS[level]}: {utilization_words(verdict.range(level))}" for level in TOLD_LEVELS
    )
    bills = [*verdict.bills.items()]
    (cheap, low), (dear, high) = bills[0], bills[-1]
    electricity = (
        f"Electricity changes what is left, not the rent: at the same utilization it costs "
        f"{usd(low)} a day at the lowest tariff shown ({cheap}) and {usd(high)} at the highest "
        f"({dear}). A claim that names demand and electricity together mixes the two."
    )
    spread = verdict.gross_by_rate
    sure = (
        f"How sure: rates from {q.rate_low_usd_per_hour:.2f} to {q.rate_high_usd_per_hour:.2f} USD "
        f"an hour have been seen, which is {usd(spread['low'])} to {usd(spread['high'])} of rent a "
        "day at the same utilization. The day is one of now: what rate, utilization and resale may "
        "become is another question, with a report of its own, token-or-hardware."
    )
    return answer(
        headline,
        costs,
        f"When {claim_words(q)} USD a day are true, by the share of the time that the card is "
        f"rented: {ranges}. More than 100 % cannot be had.",
        *([electricity] if len(bills) > 1 else []),
        sure,
        origin=origin,
        told=Headline(
            verdicts={"": verdicts[verdict.place("gross"), verdict.place("after_capital")]},
            figures=(
                usd_figure("Rent a day", gross),
                usd_figure("Left a day after all costs", left),
                usd_figure("Platform's fee a day", float(day.fee_usd)),
                usd_figure("Electricity a day", float(day.power_usd)),
                usd_figure("Upkeep a day", float(day.upkeep_usd)),
                usd_figure("Hardware a day", float(day.capital_usd)),
            ),
        ),
    )


def utilization_words(found: UtilizationRange) -> str:
    """Return a range of utilizations in words."""
    if found.low is None or found.high is None:
        return "at none"
    if not found.is_possible:
        return f"at none ({percent(found.low)})"
    if found.high >= 1:
        return f"{percent(found.low)} or more"
    return f"{percent(found.low)} to {percent(found.high)}"


def plot_steps(verdict: Verdict, *, origin: Origin) -> go.Figure:
    """From the gross rent down to what is left, a bar each, with the claimed amounts behind."""
    q, day = verdict.question, verdict.day
    costs = (day.fee_usd, day.power_usd, day.upkeep_usd, day.capital_usd)
    lengths = [verdict.left("gross"), *(-float(cost) for cost in costs)]
    lengths.append(verdict.left("after_capital"))
    starts = [0.0, *(verdict.left(level) for level in LEVELS[:-1]), 0.0]
    figure = go.Figure(
        go.Bar(
            x=np.round(lengths, 4),
            base=np.round(starts, 4),
            y=[*STEP_WORDS],
            orientation="h",
            marker={"color": [*STEP_COLOURS], "line": {"width": 0}},
            text=[f"{length:+.2f}" if 0 < at < 5 else f"{length:.2f}"
                  for at, length in enumerate(lengths)],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{text} USD",
            name="",
        )
    )  # fmt: skip
    _mark_claimed(figure.add_vrect, q, "x", "bottom right")
    reach = [*starts, *(start + length for start, length in zip(starts, lengths, strict=True))]
    reach += [q.high_usd_per_day]
    margin = 0.14 * (max(reach) - min(reach))
    figure.update_layout(
        xaxis={
            "title": "USD a day",
            "showgrid": True,
            "range": [min(reach) - margin * (min(reach) < 0), max(reach) + margin],
        },
        yaxis={"autorange": "reversed", "showgrid": False},
        hovermode="closest",
        showlegend=False,
        height=420,
    )
    steps = ", ".join(
        f"{words.lower()} {length:.2f}" for words, length in zip(STEP_WORDS, lengths, strict=True)
    )
    return finish(
        figure,
        origin=origin,
        alt=f"A day of one {q.gpu} in USD: {steps}. Claimed are {claim_words(q)}.",
    )


def _mark_claimed(
    add: Callable[..., Any], question: ClaimQuestion, axis: str, position: str
) -> None:
    """Shade what is claimed, across the axis of the amounts."""
    low, high = question.low_usd_per_day, question.high_usd_per_day
    add(
        **{f"{axis}0": low, f"{axis}1": high},
        fillcolor=CLAIMED,
        line_width=0,
        layer="below",
        annotation_text=f"claimed: {claim_words(question)}",
        annotation_position=position,
        annotation_font_size=12,
    )


def plot_after_power(verdict: Verdict, *, origin: Origin) -> go.Figure:
    """Amounts left after fee and electricity by utilization, one line a rate."""
    q, curves = verdict.question, verdict.after_power
    figure = go.Figure()
    for name, role in RATE_ROLES.items():
        if name != "assumed" and q.rates[name] == q.rate_usd_per_hour:
            continue  # nothing lower, or nothing higher, has been seen
        figure.add_scatter(
            x=np.round(100 * curves.index, 1),
            y=np.round(curves[name], 3),
            line={"color": COLOURS[role], "width": 3 if name == "assumed" else 2},
            mode="lines",
            name=f"{q.rates[name]:.2f} USD an hour, {RATE_WORDS[name]}",
            hovertemplate="%{y:.2f} USD",
        )
    _mark_claimed(figure.add_hrect, q, "y", "top left")
    figure.add_vline(
        x=100 * q.utilization,
        line_dash="dot",
        line_width=1,
        annotation_text="assumed",
        annotation_position="bottom left" if q.utilization > HALF else "bottom right",
        annotation_font_size=12,
    )
    figure.update_layout(
        margin_r=24,  # room for half of the last label, which is left out otherwise
        xaxis={
            "title": "Share of the time that the card is rented (%)",
            "range": [0, 100],
            "dtick": 25,
        },
        yaxis={"title": "Left after fee and power (USD a day)"},
        showlegend=True,
        height=460,
    )
    ends = ", ".join(
        f"{verdict.after_power[name].iloc[-1]:.2f} at {rate:.2f} USD an hour"
        for name, rate in q.rates.items()
    )
    return finish(
        figure,
        origin=origin,
        alt=f"USD a day left after fee and electricity against utilization. Rented all the time: "
        f"{ends}. Claimed are {claim_words(q)}.",
    )
