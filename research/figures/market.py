"""The market in figures, tables and sentences: the networks side by side, and one in depth."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from research.figures.theme import COLOURS, MISSING, Markup, answer, finish, table
from research.figures.words import sentence_case
from research.headline import Figure, Headline
from research.origin import Origin
from research.quality import Finding

SHORT = {"gpu": "GPU", "gpus": "GPUs", "usd": "USD"}


def share(value: float) -> str:
    """Return a share as a percentage, small ones with a decimal."""
    points = 100 * value
    return f"{points:.1f} %" if abs(points) < 10 else f"{points:,.0f} %"


def signed(value: float) -> str:
    """Return a change as a percentage with its sign."""
    return f"{'+' if value >= 0 else ''}{share(value)}"


def amount(value: float) -> str:
    """Return a number with three significant digits, thousands set apart."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def large(value: float) -> str:
    """Return an amount of USD in millions or billions."""
    billions = abs(value) >= 1e9
    return f"{value / (1e9 if billions else 1e6):,.3g} {'bn' if billions else 'm'}"


def label(measure: str) -> str:
    """Return a measure's name as words."""
    words = [SHORT.get(word, word) for word in measure.split("_")]
    return sentence_case(" ".join(words))


def show_title(text: str) -> Markup:
    """Return the page's title."""
    return Markup(f"<h1>{escape(text)}</h1>")


def show_notes(refused: Sequence[Finding], *others: str | None, origin: Origin) -> Markup:
    """Return what a reader must know before she believes the figures.

    Parameters
    ----------
    refused : why series were left out
    others : sentences; None is no sentence
    origin : of what is shown
    """
    made_up = "What is shown here is simulated, to show how the report works."
    said = [made_up] if origin.simulated else []
    said += [f"Left out: {one.series}, for {one.check}: {one.text}." for one in refused]
    said += [text for text in others if text is not None]
    return show_sentences(*said or ["No series was refused."])


def show_sentences(*sentences: str) -> Markup:
    """Return a list of what a reader must know."""
    return Markup("<ul>" + "".join(f"<li>{escape(each)}</li>" for each in sentences) + "</ul>")


def _dated(
    value: float | None, last: dt.date | None, day: dt.date, words: Callable[..., str]
) -> str:
    """Return a cell with the age of its figure in days."""
    if value is None or pd.isna(value):
        return MISSING
    return f"{words(value)} ({(day - last).days} d)" if last is not None else words(value)


def show_overview_answer(networks: pd.DataFrame, *, day: dt.date, origin: Origin) -> Markup:
    """Return how many networks grow in use and in price, and how old that is."""
    price, use = networks["price_change"].dropna(), networks["demand_change"].dropna()
    n_priced, n_used = networks["price_usd"].notna().sum(), networks["demand"].notna().sum()
    have = "has" if n_priced == 1 else "have"
    headline = f"{n_priced} of {len(networks)} networks {have} a price here, "
    headline += f"the use of {n_used} is held" if n_used else "none says how much it is used"
    sentences = []
    if len(price):
        sentences.append(
            f"Over 30 days the price rose on {(price > 0).sum()} and fell on {(price <= 0).sum()} "
            f"of {len(price)}; the middle token stands {share(-networks['drawdown'].median())} "
            "below its high."
        )
    if len(use):
        sentences.append(
            f"Over 30 days use grew on {(use > 0).sum()} and shrank on {(use <= 0).sum()} of "
            f"{len(use)}. Whether that moves a price is another question, with a report of its own."
        )
    sentences.append(f"Data: {origin.text}. Looked at on {day}.")
    moves = [("price", price, "rose", "fell"), ("use", use, "grew", "shrank")]
    counts = {
        f"Networks whose {what} {way}": int(count)
        for what, changes, up, down in moves
        if len(changes)
        for way, count in ((up, (changes > 0).sum()), (down, (changes <= 0).sum()))
    }
    told = Headline(
        verdicts={},
        figures=(
            Figure(name="Networks with a price", value=int(n_priced)),
            *(Figure(name=name, value=value) for name, value in counts.items()),
            Figure(
                name="Middle token below its high",
                value=-100 * float(networks["drawdown"].median()),
                unit="%",
            ),
        ),
    )
    return answer(f"{headline}.", *sentences, origin=origin, told=told)


def show_networks(networks: pd.DataFrame) -> Markup:
    """Return what each network is."""
    no_data = "no public data found as of "
    shown = pd.DataFrame(
        {
            "Network": networks["name"],
            "Token": networks["symbol"],
            "Chain": networks["chain"],
            "Primary use": [
                no_data + str(row.as_of) if row.status == "no-public-data" else row.primary_use
                for row in networks.itertuples()
            ],
        }
    ).set_index("Network")
    return table(
        shown,
        caption="What each network is",
        origin=Origin.said("catalogue, whose entries carry their own sources"),
    )


def show_tokens(networks: pd.DataFrame, *, day: dt.date, origin: Origin) -> Markup:
    """Return price, fall and volatility of each token, with the age of each figure."""
    has_ages = networks[["market_cap_usd", "market_cap_last"]].notna().all(axis=1).any()
    bracketed = "; in brackets the age of the capitalisation in days" if has_ages else ""
    shown = pd.DataFrame(
        {
            "Network": networks["name"],
            "Token": networks["symbol"],
            "Price, USD": networks["price_usd"],
            "30 days": networks["price_change"],
            "From its high": networks["drawdown"],
            "Volatility a year": networks["volatility"],
            "Last close": networks["price_last"],
            "Age, days": _ages(networks["price_last"], day),
            "Capitalisation, USD": [
                _dated(value, last, day, large)
                for value, last in zip(
                    networks["market_cap_usd"], networks["market_cap_last"], strict=True
                )
            ],
        }
    ).set_index("Network")
    return table(
        shown,
        caption="Tokens: price, its change over 30 days, its distance from the highest close held, "
        f"and volatility over the last year{bracketed}",
        origin=origin,
        formats={
            "Price, USD": amount,
            "30 days": signed,
            "From its high": share,
            "Volatility a year": share,
            "Last close": str,
        },
    )


def _ages(last: pd.Series[Any], day: dt.date) -> list[int | None]:
    return [None if pd.isna(each) else (day - each).days for each in last]


def show_use(networks: pd.DataFrame, *, day: dt.date, origin: Origin) -> Markup:
    """Return how much each network is used and what that costs, with the age of each figure."""

    def dated(name: str, words: Callable[[float], str], last: str = "") -> list[str]:
        ends = networks[last or f"{name}_last"]
        return [
            _dated(value, end, day, words) for value, end in zip(networks[name], ends, strict=True)
        ]

    shown = pd.DataFrame(
        {
            "Network": networks["name"],
            "Use": dated("demand", amount),
            "Measured in": networks["demand_unit"],
            "30 days": networks["demand_change"],
            "Utilization": dated("utilization", share),
            "Years of spending": dated("multiple", lambda value: f"{value:,.0f}"),
            "Staking yield": dated("staking_yield", share),
            "Below the cloud": dated("discount", share),
        }
    ).set_index("Network")
    has_ages = shown.map(lambda cell: str(cell).endswith(" d)")).any(axis=None)
    return table(
        shown,
        caption="Use: mean of the last 30 days and its change from the 30 days before"
        + ("; in brackets the age of each figure in days" if has_ages else ""),
        origin=origin,
        formats={"30 days": signed},
    )


def plot_changes(networks: pd.DataFrame, *, origin: Origin) -> go.Figure | Markup:
    """Price and use over 30 days, a pair of bars a network."""
    some = networks.dropna(subset=["price_change", "demand_change"], how="all")
    if some.empty:
        return show_sentences("No network has 60 days of price or use in this store.")
    some = some.iloc[::-1]  # the first on top
    figure = go.Figure()
    bars = (("demand_change", "Use", "hold"), ("price_change", "Price", "rent"))
    for name, words, role in bars:
        if some[name].notna().any():
            figure.add_bar(
                y=some["name"],
                x=[None if pd.isna(each) else round(100 * each, 1) for each in some[name]],
                orientation="h",
                name=words,
                marker={"color": COLOURS[role], "line": {"width": 0}},
                hovertemplate="%{x:+.0f} %",
            )
    figure.update_layout(
        barmode="group",
        bargap=0.35,
        hovermode="y unified",
        xaxis={"title": "Change over 30 days (%)", "showgrid": True},
        yaxis={"showgrid": False},
        legend={"traceorder": "reversed"},
        showlegend=True,  # of one kind of bars too
        height=170 + 42 * len(some),
    )
    said = "; ".join(
        f"{row.name} " + " and ".join(
            f"{words.lower()} {signed(getattr(row, name))}"
            for name, words, _ in reversed(bars)
            if pd.notna(getattr(row, name))
        )
        for row in some.iloc[::-1].itertuples(index=False)
    )  # fmt: skip
    return finish(figure, origin=origin, alt=f"Changes over 30 days: {said}.")


def plot_sector(sector: pd.DataFrame, *, origin: Origin) -> go.Figure | Markup:
    """Capitalisation and volume of the sector by day."""
    if sector.empty:
        return show_sentences(
            "The store has no capitalisation or volume of the sector; research update asks "
            "CoinGecko for those of its DePIN category."
        )
    figure = go.Figure()
    names = {"market_cap_usd": "capitalisation", "volume_usd": "volume a day"}
    said = []
    roles = ("hold", "btc", "rent", "t-bill")
    for column, role in zip(sector.columns.tolist(), roles, strict=False):
        name, measure = map(str, tuple(column))
        values = sector[column].dropna()
        words = f"{name}, {names[measure]}"
        figure.add_scatter(
            x=values.index,
            y=values / 1e9,
            name=words,
            line={"color": COLOURS[role], "width": 2},
            mode="lines+markers" if len(values) < 10 else "lines",
            hovertemplate="%{y:.3g} bn",
        )
        said.append(f"{words} {large(values.iloc[-1])} USD on {values.index[-1]:%Y-%m-%d}")
    figure.update_layout(yaxis={"title": "USD, billions", "rangemode": "tozero"}, height=400)
    return finish(figure, origin=origin, alt="; ".join(said) + ".")


def show_cards(cards: pd.DataFrame, *, day: dt.date, where: str, origin: Origin) -> Markup:
    """Return what an hour of each card costs, and in the cloud."""
    if cards.empty:
        return show_sentences(f"No rental rate of a card {where} is held or catalogued.")
    names = {"cloud": "Cloud", "aws": "AWS", "azure": "Azure"}
    shown = pd.DataFrame(
        {
            "Card": cards["card"],
            "USD an hour": [f"{value:.2f}" for value in cards["rate"]],
            "Age, days": _ages(cards["rate_last"], day),
            **{words: cards[name] for name, words in names.items() if cards[name].notna().any()},
        }
    )
    if cards["discount"].notna().any():
        shown["Below the cloud"] = cards["discount"]
        shown["Age of the cloud's, days"] = _ages(cards["cloud_last"], day)
    shown["Source"] = cards["source"]
    without = "" if cards["cloud"].notna().any() else "; no price of the cloud is held"
    return table(
        shown.set_index("Card"),
        caption=f"What a rented GPU-hour costs {where}, USD{without}",
        origin=origin,
        formats={**dict.fromkeys(names.values(), ".2f"), "Below the cloud": share},
    )
