"""What an owner of a rig can choose: the place, a power cap, when to stop, and what to keep."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from research.counting import counted
from research.figures.market import show_sentences
from research.figures.theme import COLOURS, Markup, finish, table
from research.figures.words import (
    alternative_name,
    error_at_most,
    per_usd,
    percent,
    sentence_case,
    usd,
    with_error,
)
from research.models.comparison import Outcome
from research.models.decision import Decision
from research.models.futures import Question, policies
from research.models.mixed import Mixed
from research.models.scenarios import BLOCK_OF_PATHS
from research.origin import Origin

PAYOUTS = {
    "usd": "USD",
    "usd-quoted": "tokens, by USD",
    "token-quoted": "tokens, fixed",
    "emission-share": "token share",
}
OPTIONS = "rent-options"
TOKEN_POLICIES = ("rent", "rent-half", "rent-hold", "rent-stake")


def show_venues(frame: pd.DataFrame, *, unpriced: Sequence[str] = (), origin: Origin) -> Markup:
    """Return the same card at other places, and which could not be compared.

    Parameters
    ----------
    frame : as `models.venues.side_by_side` returns it
    unpriced : places at which no rate of the card is known
    """
    shown = pd.DataFrame(
        {
            "Paid in": [PAYOUTS[str(kind)] for kind in frame["payout"]],
            "Rate an hour": frame["rate_usd_per_hour"].to_numpy(),
            "Fee": frame["platform_fee"].to_numpy(),
            "Gross a day": frame["gross_usd_per_day"].to_numpy(),
            "Net a day": frame["net_usd_per_day"].to_numpy(),
            "Present value": frame["npv_usd"].to_numpy(),
            "Break-even utilization": frame["break_even_utilization"].to_numpy(dtype=float),
            "Ends ahead of T-bills": frame["beats_cash"].to_numpy(),
        },
        index=pd.Index(list(frame.index), name="Place"),
    )
    compared = table(
        shown,
        caption="The same card at other places, with the same utilization and the same luck; "
        "tokens are sold on receipt. Amounts in USD: gross and net are of the first month, the "
        "present value is of the expected path, and the break-even utilization makes it zero. By "
        "USD: an amount of USD in tokens; fixed: a number of tokens; share: of the tokens issued. "
        "– where a figure does not exist or cannot be told; the last column is of "
        f"{BLOCK_OF_PATHS:,} futures ({error_at_most(BLOCK_OF_PATHS)})",
        origin=origin,
        formats={
            "Rate an hour": ".2f",
            "Fee": percent,
            "Gross a day": ",.2f",
            "Net a day": per_usd,
            "Present value": _whole_usd,
            "Break-even utilization": _reachable,
            "Ends ahead of T-bills": percent,
        },
    )
    if not unpriced:
        return compared
    places = f"No rate of this card is known to us at {', '.join(unpriced)}, so these are left out."
    return Markup(compared.html + show_sentences(places).html)


def _whole_usd(value: float) -> str:
    return f"{round(value, -1):,.0f}" if abs(value) >= 1000 else f"{round(value):,}"


def _reachable(utilization: float) -> str:
    if utilization < 0:
        return "any"
    return "impossible" if utilization > 1 else f"{100 * utilization:.0f} %"


def show_power(frame: pd.DataFrame, *, origin: Origin) -> Markup:
    """Return what a card earns above its power at each cap, the best marked.

    Parameters
    ----------
    frame : as `models.power.power_curve` returns it
    """
    best = frame["margin_usd"].idxmax()
    ordered = frame.sort_index(ascending=False)
    shown = pd.DataFrame(
        {
            "Speed left": [f"{100 * speed:.0f} %" for speed in ordered["speed"]],
            "Power of the card (W)": [f"{watts:.0f}" for watts in ordered["load_w"]],
            "Income (USD/month)": [f"{x:,.1f}" for x in ordered["income_usd"]],
            "Electricity (USD/month)": [f"{x:,.1f}" for x in ordered["electricity_usd"]],
            "Left over (USD/month)": [f"{x:,.1f}" for x in ordered["margin_usd"]],
        },
        index=pd.Index(
            [f"{100 * cap:.0f} %{' (best)' if cap == best else ''}" for cap in ordered.index],
            name="Cap, of board power",
        ),
    )
    return table(
        shown,
        caption="A limit on a card's power, and what is left of a month's income after fees and "
        "electricity, for one card",
        origin=origin,
    )


def plot_power(frame: pd.DataFrame, *, origin: Origin) -> go.Figure:
    """Draw what a card earns above its power against the cap, with the best cap marked."""
    ordered = frame.sort_index()
    caps = np.round(100 * ordered.index.to_numpy(dtype=float), 1)
    margins = ordered["margin_usd"].to_numpy(dtype=float)
    best = int(margins.argmax())
    figure = go.Figure()
    for column, name, colour, dash in (
        ("income_usd", "Income after fees", COLOURS["btc"], "dot"),
        ("electricity_usd", "Electricity", COLOURS["rent"], "dash"),
        ("margin_usd", "Left over", COLOURS["hold"], "solid"),
    ):
        figure.add_scatter(
            x=caps,
            y=np.round(ordered[column], 2),
            name=name,
            mode="lines",
            line={"color": colour, "width": 2.5, "dash": dash},
            hovertemplate="%{y:.1f} USD",
        )
    figure.add_scatter(
        x=[caps[best]],
        y=[round(margins[best], 2)],
        name="Best cap",
        mode="markers",
        marker={
            "color": COLOURS["hold"],
            "size": 15,
            "symbol": "circle-open",
            "line": {"width": 3},
        },
        hoverinfo="skip",
        cliponaxis=False,
    )
    figure.update_layout(
        xaxis_title="Power cap (% of board power)",
        yaxis={"title": "USD a month, one card", "rangemode": "tozero"},
        height=430,
    )
    return finish(
        figure,
        origin=origin,
        alt=f"What one card leaves a month after fees and electricity, by power cap. Best at "
        f"{caps[best]:.0f} % of board power with {usd(margins[best])}; {usd(margins[-1])} at "
        f"{caps[-1]:.0f} %.",
    )


def show_options(decision: Decision, *, origin: Origin) -> Markup:
    """Return what it is worth to switch the rig off, or sell it, when it loses money."""
    q, outcomes = decision.question, decision.comparison.outcomes
    if OPTIONS not in outcomes:
        return show_sentences(
            "The rig is switched off and sold when it loses money already, so there is no such "
            "choice to be valued."
        )
    plain, free = outcomes["rent"], outcomes[OPTIONS]
    rows = {
        label: {
            "Run to the end": usd(one * q.capital_usd),
            "Free to stop": usd(other * q.capital_usd),
            "Worth of the choice": usd((other - one) * q.capital_usd),
        }
        for label, one, other in (
            ("Worst 5 % end below", _at(plain, 0.05), _at(free, 0.05)),
            ("Middle future", plain.median, free.median),
            ("Mean", plain.mean, free.mean),
            ("Best 5 % end above", _at(plain, 0.95), _at(free, 0.95)),
        )
    }
    return table(
        pd.DataFrame(rows).T.rename_axis("Wealth at the end"),
        caption="What it is worth to switch the rig off for a month when the month before would "
        "not have paid its power, and to sell it once three months together lost money: wealth "
        f"after {counted(q.n_months, 'month')} on the same futures, from {usd(q.capital_usd)}. "
        "Both rules look back only; a worth below nothing means that they stopped too early",
        origin=origin,
    )


def _at(outcome: Outcome, share: float) -> float:
    return float(outcome.quantiles[share].iloc[-1])


def show_policies(decision: Decision, *, origin: Origin) -> Markup:
    """Return what becomes of tokens that are sold, half sold, kept, or kept and staked."""
    q, comparison = decision.question, decision.comparison
    names = [name for name in TOKEN_POLICIES if name in comparison.outcomes]
    if len(names) < 2:
        return show_sentences(
            "Income arrives in USD here, so there are no tokens to keep."
            if not q.venue.pays_tokens
            else "Tokens that come in can only be sold here, for they have no price to be kept at."
        )
    rows = {
        _policy(name, q): {
            "Worst 5 % end below": per_usd(_at(outcome, 0.05)),
            "Middle future": per_usd(outcome.median),
            "Best 5 % end above": per_usd(_at(outcome, 0.95)),
            "Mean": per_usd(outcome.mean),
            "Chance of loss": with_error(outcome.p_loss),
            f"Ahead of {alternative_name('hold', q)}": with_error(comparison.beats(name, "hold")),
            "Sure amount worth the same": per_usd(outcome.certainty_equivalent),
        }
        for name, outcome in ((name, comparison.outcomes[name]) for name in names)
    }
    return table(
        pd.DataFrame(rows).T.rename_axis("Tokens that come in"),
        caption="What is done with the tokens that come in, USD per USD put in after "
        f"{counted(q.n_months, 'month')}. The sure amount is that of a middling temper (risk "
        "aversion 2)",
        origin=origin,
    )


def _policy(name: str, question: Question) -> str:
    policy = policies(question)[name]
    if name == "rent-stake":
        return f"Kept and staked at {100 * question.staking_yield_per_year:.1f} % a year"
    sold = f"{100 * policy.sell_share:.0f} %"
    return {"100 %": "All sold on receipt", "50 %": "Half sold, half kept", "0 %": "All kept"}.get(
        sold, sentence_case(f"{sold} sold, the rest kept")
    )


def show_mixed(found: Mixed | None, *, origin: Origin) -> Markup:
    """Return what two cards do alone and in one rig; how to ask for it, where none was."""
    if found is None:
        return show_sentences(
            "No second card was asked for. Name one (with_gpu, with_gpu_count) to see both alone "
            "and in one rig, where they share the connection and the place but not their failures."
        )
    rows = {
        ("Both in one rig" if name == "together" else f"{name} alone"): {
            "Capital (USD)": f"{row['capital_usd']:,.0f}",
            "Worst 5 % end below": per_usd(row["q05"]),
            "Middle future": per_usd(row["median"]),
            "Best 5 % end above": per_usd(row["q95"]),
            "Mean loss in the worst 5 %": percent(row["expected_shortfall"]),
            "Ahead of T-bills": with_error(found.beats_cash[str(name)]),
        }
        for name, row in found.outcomes.iterrows()
    }
    return table(
        pd.DataFrame.from_dict(rows, orient="index").rename_axis("Rig"),
        caption=f"Two kinds of card after {counted(found.n_months, 'month')}, USD per USD put in",
        origin=origin,
    )
