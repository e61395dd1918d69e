"""A claim about a card's day in tables: when it is true, where a day breaks even, what is paid."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from research.figures.earnings import LEVEL_WORDS, RATE_WORDS, claim_words, utilization_words
from research.figures.theme import Markup, table
from research.figures.words import percent, sentence_case
from research.models.claim import UTILIZATIONS, ClaimQuestion, Verdict
from research.models.earnings import LEVELS, Level
from research.origin import Origin

SHORT_WORDS: Mapping[Level, str] = {
    "gross": "Gross",
    "after_fee": "After fee",
    "after_power": "And power",
    "after_upkeep": "And upkeep",
    "after_capital": "And hardware",
}


def show_ranges(verdict: Verdict, *, origin: Origin) -> Markup:
    """Return which utilizations make the claim true, one column a rate."""
    q = verdict.question
    columns = {
        f"{rate:.2f} USD/h, {RATE_WORDS[name]}": [
            sentence_case(utilization_words(verdict.range(level, name))) for level in LEVELS
        ]
        for name, rate in q.rates.items()
        if name == "assumed" or rate != q.rate_usd_per_hour
    }
    frame = pd.DataFrame(columns, index=[sentence_case(LEVEL_WORDS[level]) for level in LEVELS])
    return table(
        frame.rename_axis("USD a day of"),
        caption=f"When {claim_words(q)} USD a day are true: the share of the time that the card "
        "must be rented. At none: in brackets what it would take",
        origin=origin,
    )


def show_break_evens(verdict: Verdict, *, origin: Origin) -> Markup:
    """Return where nothing is left, one input changed at a time."""
    q = verdict.question
    rows = {
        sentence_case(LEVEL_WORDS[found.level]): {
            f"Utilization, assumed {percent(q.utilization)}": _utilization(found.utilization),
            f"Rate, assumed {q.rate_usd_per_hour:.2f} USD/h": _or_none(
                found.rate_usd_per_hour, ".2f", " USD/h"
            ),
            f"Tariff, assumed {q.terms.rig.tariff_usd_per_kwh:.3f} USD/kWh": _tariff(
                found.tariff_usd_per_kwh
            ),
        }
        for found in verdict.break_evens
    }
    return table(
        pd.DataFrame(rows).T.rename_axis("Nothing is"),
        caption="Where a day breaks even: one input changed, the others as assumed",
        origin=origin,
    )


def _or_none(value: float | None, form: str, unit: str) -> str:
    return "at no value" if value is None else f"{value:{form}}{unit}"


def _utilization(value: float | None) -> str:
    if value is not None and value > 1:
        return f"impossible ({percent(value)})"
    return "at no value" if value is None else percent(value)


def _tariff(value: float | None) -> str:
    return (
        "not even for free"
        if value is not None and value < 0
        else _or_none(value, ".3f", " USD/kWh")
    )


def show_venues(verdict: Verdict, *, origin: Origin) -> Markup:
    """Return a day at each venue's own rate and fee, by utilization."""
    rows = verdict.by_venue
    shown = pd.DataFrame(
        {
            "Venue": rows["venue"],
            "USD/h": rows["rate"],
            "Rented": [percent(each) for each in rows["utilization"]],
            **{words: rows[level] for level, words in SHORT_WORDS.items()},
        }
    )
    return table(
        shown.set_index(["Venue", "Rented"]),
        caption="USD a day at each venue's own rate and fee; each column counts one more cost",
        origin=origin,
        formats=dict.fromkeys(["USD/h", *SHORT_WORDS.values()], ".2f"),
    )


def show_grid(verdict: Verdict, *, origin: Origin) -> Markup:
    """Return what is left after fee and power by tariff, rate and utilization."""
    q = verdict.question
    names = {name: f"{rate:.2f} USD/h, {RATE_WORDS[name]}" for name, rate in q.rates.items()}
    shown = verdict.by_tariff.rename(index=_places(q), level=0).rename(index=names, level=1)
    return table(
        shown.rename(columns=percent).rename_axis(index=["Tariff", "Rate"]),
        caption="USD a day left after fee and electricity, by tariff, rate and utilization",
        origin=origin,
        formats=dict.fromkeys([percent(each) for each in UTILIZATIONS], ".2f"),
    )


def show_power(verdict: Verdict, *, origin: Origin) -> Markup:
    """Return the electricity bill of a day by tariff and utilization."""
    shown = verdict.power.rename(index=_places(verdict.question), columns=percent)
    return table(
        shown.rename_axis("Tariff"),
        caption="Electricity, USD a day, by tariff and utilization",
        origin=origin,
        formats=dict.fromkeys(shown.columns, ".2f"),
    )


def _places(question: ClaimQuestion) -> dict[str, str]:
    return {place: f"{place}, {tariff:.3f} USD/kWh" for place, tariff in question.tariffs.items()}


def show_rates(rates: pd.DataFrame, *, origin: Origin) -> Markup:
    """Return what an hour of the card costs or brings, wherever that is known."""
    shown = pd.DataFrame(
        {
            "Venue": rates["venue"],
            "USD an hour": [
                f"{rate:.2f}"
                if pd.isna(low) or pd.isna(high)
                else f"{rate:.2f} ({low:.2f} to {high:.2f})"
                for rate, low, high in zip(
                    rates["rate_usd_per_hour"],
                    rates["low_usd_per_hour"],
                    rates["high_usd_per_hour"],
                    strict=True,
                )
            ],
            "What": rates["what"],
            "Fee": [percent(fee) for fee in rates["platform_fee"]],
            "Day": rates["last"].astype(str),
            "Source": rates["source"],
        }
    )
    return table(
        shown.set_index("Venue"),
        caption="What an hour of the card costs or brings, USD per GPU-hour, with its range in "
        "brackets",
        origin=origin,
        names_source=False,
    )
