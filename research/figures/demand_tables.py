"""The verdicts on demand and price in words, and every number behind them in tables."""

from __future__ import annotations

from typing import Any

import pandas as pd

from research import catalogue
from research.counting import counted
from research.figures.market import show_sentences
from research.figures.theme import Markup, answer, table
from research.headline import Figure, Headline
from research.models.demand.analysis import Analysis
from research.models.demand.verdict import Verdict
from research.origin import Origin

MEANING = {
    "strong": "Yes: the evidence is strong.",
    "moderate": "Probably: the evidence is moderate.",
    "weak": "Perhaps: the evidence is weak.",
    "none": "No.",
    "untestable": "Not enough data to tell.",
}
QUESTIONS = {
    "co-movement": "Do they move together in the same period?",
    "prediction": "Does demand go before the price?",
    "long run": "Do they keep together in the long run?",
}


def show_verdict(analysis: Analysis, *, origin: Origin) -> Markup:
    """Return the answer that can be read alone."""
    grades = {verdict.question: verdict for verdict in analysis.verdicts}
    best = min(analysis.verdicts, key=lambda verdict: list(MEANING).index(verdict.grade))
    headline = {
        "strong": "is strong evidence of a link between",
        "moderate": "is moderate evidence of a link between",
        "weak": "is at most weak evidence of a link between",
        "none": "is no evidence of a link between",
        "untestable": "is not enough data to judge a link between",
    }[best.grade]
    headline = f"There {headline} demand for {analysis.network} and the price of {analysis.symbol}"
    if analysis.is_mechanical:
        headline = (
            f"The figure of demand for {analysis.network} contains the price of {analysis.symbol}, "
            "so it can prove no link between them"
        )
    sentences = [
        f"{QUESTIONS[name]} {_meaning(analysis, verdict)} {verdict.reason}"
        for name, verdict in grades.items()
    ]
    if analysis.nobs:
        sentences.append(
            f"Demand is measured by {analysis.measure_label}; "
            f"{counted(analysis.nobs, analysis.frequency)}, "
            f"{analysis.first} to {analysis.last}. The market's part taken out: "
            f"{_factors(analysis) or 'none'}. An association is not a cause."
        )
    if analysis.regimes:
        days = ", ".join(map(str, analysis.regimes))
        sentences.append(f"The sample spans new rules ({days}), with a step allowed for each.")
    return answer(
        headline, *sentences, f"Data: {origin.text}.", origin=origin, told=_told(analysis),
    )  # fmt: skip


def _meaning(analysis: Analysis, verdict: Verdict) -> str:
    is_moot = analysis.is_mechanical and verdict.grade == "untestable"
    return "This figure cannot tell." if is_moot else MEANING[verdict.grade]


def _factors(analysis: Analysis) -> str:
    """Return the markets whose part was taken out; steps of new rules are told with the rules."""
    known = catalogue.load().factors
    return ", ".join(known[name].name for name in analysis.factors if name in known)


def _told(analysis: Analysis) -> Headline:
    """Return the three grades, each effect, and the interval of the first."""
    by_question = {verdict.question: verdict for verdict in analysis.verdicts}
    first = by_question["co-movement"]
    values = {
        "Correlation in the same period": first.effect,
        "its 95 % interval, low end": first.low,
        "its 95 % interval, high end": first.high,
        "Correlation, demand first": by_question["prediction"].effect,
        "Long run, % of price per 1 % of demand": by_question["long run"].effect,
    }
    return Headline(
        verdicts={QUESTIONS[name]: verdict.grade for name, verdict in by_question.items()},
        figures=tuple(
            Figure(name=name, value=float(value), digits=2)
            for name, value in values.items()
            if value is not None
        ),
    )


def show_verdicts(analysis: Analysis, *, origin: Origin) -> Markup:
    """Return the three verdicts with effect, interval, size of sample and what it could show."""
    rows = [
        {
            "Question": QUESTIONS[x.question], "Verdict": x.grade,
            "Effect": _signed(x.effect), "95 % interval": _interval(x.low, x.high),
            "Demand leads by": counted(x.lag, analysis.frequency) if x.lag else "–",
            "n": x.nobs, "q": _p(x.qvalue), "Smallest visible": _signed(x.mde),
        }
        for x in analysis.verdicts
    ]  # fmt: skip
    return table(
        pd.DataFrame(rows),
        caption="Three verdicts. Effect: rank correlation, in the long run % of price for 1 % of "
        "demand; q: p-value corrected for the number of tests; smallest visible: the correlation "
        "that four of five such samples would show",
        origin=origin,
    )  # fmt: skip


def show_tests(analysis: Analysis, *, origin: Origin) -> Markup:
    """Return every test of the report, as one family."""
    if analysis.tests.empty:
        return show_sentences("No test could be run.")
    tests = analysis.tests
    shown = pd.DataFrame(
        {
            "Question": tests["question"], "Test": tests["name"],
            "Effect": [_signed(x) for x in tests["effect"]],
            "95 % interval": [_interval(*x) for x in zip(tests["low"], tests["high"], strict=True)],
            "Unit": tests["unit"], "n": tests["nobs"],
            "p": [_p(x) for x in tests["pvalue"]], "q": [_p(x) for x in tests["qvalue"]],
        }
    )  # fmt: skip
    return table(
        shown,
        caption=f"All {counted(len(shown), 'test')} of this report as one family: q is p corrected "
        "by Benjamini and Yekutieli, except for the first, which was declared beforehand",
        origin=origin,
    )  # fmt: skip


def show_fooled(analysis: Analysis, *, origin: Origin) -> Markup:
    """Return the usual calculations beside ours, with the reason they differ."""
    if analysis.fooled.empty:
        return show_sentences("There are too few data even for a naive calculation.")
    return table(
        analysis.fooled.rename(
            columns={"what": "Usual calculation", "naive": "It says", "ours": "We say",
                     "why": "Why they differ"}
        ),
        caption="What would have fooled you", origin=origin,
    )  # fmt: skip


def show_loop(analysis: Analysis, *, origin: Origin) -> Markup:
    """Return the links of the story "more GPUs, more use, higher price, more GPUs"."""
    if analysis.loop is None:
        return show_sentences("Too few series of this network are held to test the loop.")
    rows = [
        {
            "Link": x.name, "Expected": x.expected_sign, "Effect (% for 1 %)": _signed(x.effect),
            "95 % interval": _interval(x.low, x.high), "n": x.nobs, "p": _p(x.pvalue),
            "Verdict": x.grade,
        }
        for x in analysis.loop.links
    ]  # fmt: skip
    return table(
        pd.DataFrame(rows), caption=f"The loop, link by link. {analysis.loop.reading}",
        origin=origin,
    )  # fmt: skip


def show_events(analysis: Analysis, *, origin: Origin) -> Markup:
    """Return what the token did around each event, beyond the market."""
    if not analysis.events:
        return show_sentences("No event has 52 weeks before it and 8 weeks after it in the data.")
    rows = [
        {
            "Event": x.event, "Day": str(x.date), "Kind": x.kind,
            "Beyond the market": f"{x.car:+.2f}", "95 % interval": _interval(x.low, x.high),
            "p": _p(x.pvalue), "Weeks before": x.estimation_nobs,
        }
        for x in analysis.events
    ]  # fmt: skip
    return table(
        pd.DataFrame(rows),
        caption="Return in log points from 4 weeks before to 8 weeks after, beyond what Bitcoin's "
        "move implies; the interval is that of windows without an event",
        origin=origin,
    )  # fmt: skip


def show_side_by_side(rows: pd.DataFrame, *, origin: Origin) -> Markup:
    """Return one row a network."""
    shown = pd.DataFrame(
        {
            "Network": rows["network"], "Demand measured by": rows["measure"], "n": rows["nobs"],
            "Together": rows["co-movement"], "Demand first": rows["prediction"],
            "Long run": rows["long run"], "Rank correlation": [_signed(x) for x in rows["effect"]],
            "95 % interval": [_interval(*x) for x in zip(rows["low"], rows["high"], strict=True)],
            "q": [_p(x) for x in rows["qvalue"]],
        }
    )  # fmt: skip
    return table(
        shown,
        caption="All networks, each by its purest measure of demand; q: corrected across networks",
        origin=origin,
    )  # fmt: skip


def show_skipped(analysis: Analysis) -> Markup:
    """Return which questions could not be asked, and why."""
    if not analysis.skipped:
        return show_sentences("Every question could be asked.")
    return show_sentences("Not asked: " + "; ".join(analysis.skipped) + ".")


def _signed(value: Any) -> str:
    return "–" if value is None or pd.isna(value) else f"{value:+.2f}"


def _interval(low: Any, high: Any) -> str:
    return "–" if low is None or pd.isna(low) else f"{low:+.2f} to {high:+.2f}"


def _p(value: Any) -> str:
    if value is None or pd.isna(value):
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
