"""A decision in words and tables: the answer first, then what would flip it, then the figures."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from research.figures.theme import Markup, answer
from research.models.comparison import Probability
from research.models.decision import Decision, Question

DRIFTS = {
    "zero": "a token is expected neither to rise nor to fall, since past growth says next to "
    "nothing about future growth",
    "historical": "a token is expected to grow as it did in the weeks drawn from, which is a "
    "strong assumption",
    "shrunk": "a token's past growth counts as far as it is known, which is little",
}


def usd(amount: float) -> str:
    """Return an amount rounded to what it means: 3,010 USD, 145 USD, 0.34 USD."""
    sign, size = ("-" if amount < 0 else ""), abs(amount)
    if size >= 10_000:
        return f"{sign}{round(size, -2):,.0f} USD"
    if size >= 1_000:
        return f"{sign}{round(size, -1):,.0f} USD"
    return f"{sign}{size:,.0f} USD" if size >= 10 else f"{sign}{size:.2f} USD"


def percent(share: float) -> str:
    """Return a share as a percentage that never rounds a chance to a certainty."""
    if 0 < share < 0.01:
        return "under 1 %"
    return "over 99 %" if 0.99 < share < 1 else f"{100 * share + 0.0:.0f} %"  # no -0 %


def with_error(probability: Probability) -> str:
    """Return a probability with its 95 % Monte Carlo error in points."""
    return f"{percent(probability.value)} (± {196 * probability.std_error:.1f} points)"


def alternative_name(name: str, question: Question) -> str:
    """Return what an alternative is called in a sentence or a legend."""
    count = question.rig.gpu_count
    cards = f"one {question.gpu}" if count == 1 else f"{count} {question.gpu} cards"
    return {
        "hold": f"holding {question.token}",
        "rent": f"renting out {cards}",
        "btc": "holding Bitcoin",
        "t-bill": "T-bills",
    }[name]


def show_answer(decision: Decision, *, simulated: bool) -> Markup:
    """Return the answer in two sentences, then how sure it is."""
    q, outcomes = decision.question, decision.comparison.outcomes
    years = f"{q.n_months} months"
    sure = (
        f"How sure: the percentages count {q.n_paths:,} simulated futures. They hold under "
        f"assumptions listed below; the first is that {DRIFTS[q.drift]}. What if an "
        "assumption is wrong is a question of its own: see what would flip the answer."
    )
    rig = f"{alternative_name('rent', q)} on {q.network}"
    if "hold" not in outcomes:
        ahead = decision.beats_cash("rent")
        verdict = "ahead of" if ahead.value > 0.5 else "behind"
        return answer(
            f"{q.network}'s token cannot be judged, for lack of public data; the rig alone ends "
            f"{verdict} T-bills in {percent(max(ahead.value, 1 - ahead.value))} of simulated "
            f"futures over {years}.",
            _middle(decision, ["rent", "t-bill"]),
            sure,
            simulated=simulated,
        )
    headline = {
        "neither": f"Neither: over {years}, {alternative_name('hold', q)} and {rig} both end "
        "behind T-bills in most simulated futures.",
        "rent": f"Rent: over {years}, {rig} ends ahead of T-bills in "
        f"{percent(decision.beats_cash('rent').value)} of simulated futures.",
        "hold": f"Hold: over {years}, {alternative_name('hold', q)} ends ahead of T-bills in "
        f"{percent(decision.beats_cash('hold').value)} of simulated futures.",
    }[decision.choice]
    ahead = decision.comparison.beats("rent", "hold")
    return answer(
        headline,
        _middle(decision, ["hold", "rent", "t-bill"])[:-1]
        + f"; of the two, renting ends ahead of holding in {with_error(ahead)} of futures.",
        sure,
        simulated=simulated,
    )


def _middle(decision: Decision, names: list[str]) -> str:
    """Return what the middle future makes of the capital, as a sentence."""
    q = decision.question
    amounts = [
        f"{usd(decision.comparison.outcomes[name].median * q.capital_usd)} by "
        f"{alternative_name(name, q)}"
        if name != "t-bill"
        else f"{usd(decision.comparison.outcomes[name].median * q.capital_usd)} in T-bills"
        for name in names
    ]
    listed = f"{', '.join(amounts[:-1])} and {amounts[-1]}"
    return f"Of {usd(q.capital_usd)} put in, the middle future leaves {listed}."


def show_title(question: Question) -> Markup:
    """Return the question as the page's title."""
    rent = alternative_name("rent", question)
    token = f"Hold {question.token} or" if question.token else "No token to hold:"
    return Markup(
        f"<h1>{escape(token)} rent out {escape(rent[12:])} on {escape(question.network)}?</h1>"
    )


def show_notes(notes: Sequence[str], *, simulated: bool) -> Markup:
    """Return what a reader must know before she believes the figures."""
    if simulated:
        notes = ["Every price here is simulated, to show how the report works.", *notes]
    items = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return Markup(f"<ul>{items}</ul>" if items else "<p>Nothing had to be left out.</p>")


def sentence_case(text: str) -> str:
    """Return text that begins with a capital letter and is otherwise as it was."""
    return text[:1].upper() + text[1:]
