"""What is held, how old and how doubtful it is, in tables and sentences."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from research.counting import counted
from research.figures.market import share, show_sentences
from research.figures.theme import Markup, answer, table
from research.headline import Figure, Headline
from research.origin import Origin
from research.quality.checks import LEVEL_NOUNS

SHOWN = 60  # rows of a table that can grow without end; the rest are counted
LEVELS = {
    "fail": "which make results wrong",
    "warn": "which belong beside every result",
    "note": "worth knowing",
}


def show_quality_answer(
    held: pd.DataFrame, findings: pd.DataFrame, *, day: dt.date, origin: Origin
) -> Markup:
    """Return how much is held, how old and how doubtful it is."""
    counts = findings["level"].value_counts()
    doubted = findings.loc[findings["level"] == "fail", "series"].nunique()
    trust = (
        f"{doubted} of them {'fails' if doubted == 1 else 'fail'} a check"
        if doubted
        else "no check fails on any of them"
    )
    said = [
        f"{counted(counts.get(level, 0), LEVEL_NOUNS[level])} ({words})"
        for level, words in LEVELS.items()
    ]
    old = int((held["age_days"] > 3).sum())
    middle_age = round(held["age_days"].median())
    return answer(
        f"{len(held)} series {'is' if len(held) == 1 else 'are'} held; {trust}.",
        f"Doubts found by the checks: {', '.join(said)}.",
        f"{old} of {len(held)} series {'ends' if old == 1 else 'end'} more than 3 days before "
        f"{day}; the middle one is {counted(middle_age, 'day')} old, the oldest "
        f"{held['age_days'].max():,}.",
        f"Data: {origin.text}.",
        origin=origin,
        told=Headline(
            verdicts={"": "a check fails" if doubted else "no check fails"},
            figures=(
                Figure(name="Series held", value=len(held)),
                Figure(name="Series that fail a check", value=doubted),
                *(
                    Figure(name=f"Doubts of the level {level}", value=int(counts.get(level, 0)))
                    for level in LEVELS
                ),
            ),
        ),
    )


def show_held(held: pd.DataFrame, *, origin: Origin) -> Markup:
    """Return one row a series."""
    shown = pd.DataFrame(
        {
            "Series": held["series"],
            "Age, days": held["age_days"],
            "Doubts": held["doubts"],
            "First day": held["first"].astype(str),
            "Last day": held["last"].astype(str),
            "Values": held["nobs"],
            "Days missing": held["missing_days"],
            "Unit": held["unit"],
            "Source": held["source"] + ", " + held["kind"],
        }
    ).set_index("Series")
    return table(
        shown,
        caption="What is held, from the source that is read",
        origin=origin,
    )


def show_findings(findings: pd.DataFrame, *, level: str, origin: Origin) -> Markup:
    """Return the doubts of one level: fail, warn or note."""
    mine = findings[findings["level"] == level]
    if mine.empty:
        return show_sentences(f"There are no doubts of the level {level}, {LEVELS[level]}.")
    shown = pd.DataFrame(
        {
            "Series": mine["series"],
            "Doubt": mine["check"],
            "What was found": mine["text"],
            "From": mine["first"].astype(str),
            "To": mine["last"].astype(str),
            "Source": mine["source"],
        }
    ).set_index("Series")
    return table(
        shown.head(SHOWN),
        caption=f"Level {level}, {LEVELS[level]}: {_counted(len(mine))}",
        origin=origin,
    )


def _counted(n_rows: int) -> str:
    return f"{n_rows} found" + (f", the first {SHOWN} shown" if n_rows > SHOWN else "")


def show_reconciliation(sources: pd.DataFrame, *, origin: Origin) -> Markup:
    """Return how the sources of one series agree, and which is read."""
    if sources.empty:
        return show_sentences(
            "No series is told by more than one source here, so nothing can be compared."
        )
    others = sources["is_chosen"].eq(False)  # the one read does not differ from itself
    shown = pd.DataFrame(
        {
            "Series": sources["series"],
            "Source": sources["source"],
            "Read": sources["is_chosen"].astype(bool),
            "Median difference": sources["median_difference"].where(others),
            "Days off by 5 % or more": sources["share_beyond"].where(others),
            "Days in common": sources["common_days"],
            "Return correlation, same day": sources["correlation_same_day"].where(others),
            "A day earlier": sources["correlation_day_earlier"].where(others),
            "A day later": sources["correlation_day_later"].where(others),
            "Last day": sources["last"].astype(str),
            "Why": sources["why"],
        }
    ).set_index("Series")
    percents = dict.fromkeys(("Median difference", "Days off by 5 % or more"), _fine)
    correlations = ("Return correlation, same day", "A day earlier", "A day later")
    return table(
        shown,
        caption="The same quantity from several sources, each compared with the one that is read",
        origin=origin,
        formats=percents | dict.fromkeys(correlations, ".3f"),
    )


def _fine(value: float) -> str:
    return f"{100 * value:.2f} %" if value < 0.1 else share(value)


def show_revisions(revised: pd.DataFrame, *, origin: Origin) -> Markup:
    """Return which days were told otherwise later."""
    if revised.empty:
        return show_sentences(
            "Nothing that is held was told differently before: no history was rewritten."
        )
    shown = pd.DataFrame(
        {
            "Series": revised["series"],
            "Day": revised["date"],
            "Was": revised["was"],
            "Now": revised["now"],
            "Change": revised["change"],
            "Known before": revised["was_known_at"].dt.strftime("%Y-%m-%d %H:%M"),
            "Known since": revised["known_at"].dt.strftime("%Y-%m-%d %H:%M"),
            "Source": revised["source"],
        }
    ).set_index("Series")
    return table(
        shown.head(SHOWN),
        caption=f"History that was rewritten, the latest rewriting first: {_counted(len(revised))} "
        "(times in UTC)",
        origin=origin,
        formats={"Change": lambda value: f"{'+' if value >= 0 else '-'}{_fine(abs(value))}"},
    )
