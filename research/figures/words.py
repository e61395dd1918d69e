"""A decision in words: what things are called, the answer, and what a reader must know first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from html import escape

from research.counting import counted
from research.figures.theme import Markup, answer
from research.headline import Figure, Headline
from research.models.comparison import Comparison, Probability
from research.models.decision import CHIEF, Decision
from research.models.flips import Flip
from research.models.futures import Question
from research.models.resampling import Interval
from research.models.uncertainty import Uncertainty
from research.origin import Origin

NO_CERTAINTY = 1e-6  # chance: as near to none, or to all, as matters to nobody
DRIFTS = {
    "zero": "a token is expected neither to rise nor to fall, since past growth says next to "
    "nothing about future growth",
    "historical": "a token is expected to grow as it did in the weeks drawn from, which is a "
    "strong assumption",
    "shrunk": "a token's past growth counts as far as it is known, which is little",
}
DRIFT_NAMES = {
    "zero": "none",
    "historical": "as in the past",
    "shrunk": "as in the past, as far as known",
}


def usd(amount: float) -> str:
    """Return an amount rounded to what it means: 3,010 USD, 145 USD, 0.34 USD."""
    sign, size = ("-" if amount < 0 else ""), abs(amount)
    if size >= 10_000:
        return f"{sign}{round(size, -2):,.0f} USD"
    if size >= 1_000:
        return f"{sign}{round(size, -1):,.0f} USD"
    return f"{sign}{size:,.0f} USD" if size >= 10 else f"{sign}{size:.2f} USD"


def usd_figure(name: str, amount: float) -> Figure:
    """Return an amount as a headline's figure, rounded as `usd` does."""
    size = abs(amount)
    digits = -2 if size >= 10_000 else -1 if size >= 1_000 else 0 if size >= 10 else 2
    return Figure(name=name, value=amount, unit="USD", digits=digits)


def per_usd(wealth: float) -> str:
    """Return wealth per dollar put in, rounded to what it means: 0.34, 12.60, 4,542, 82,410."""
    return ratio(wealth)


def ratio(value: float) -> str:
    """Return a number to the cent, or a large one to four digits; no minus before nothing."""
    if abs(value) < 100:
        return f"{round(value, 2) + 0.0:.2f}"
    return f"{_four_digits(value):,.0f}"


def _four_digits(value: float) -> float:
    return float(f"{value:.4g}")


def percent(share: float) -> str:
    """Return a share as a percentage that never rounds a chance to a certainty."""
    if 0 < share < 0.01:
        return "under 1 %"
    if 0.99 < share < 1:
        return "over 99 %"
    return f"{round(_four_digits(100 * share), 0) + 0.0:,.0f} %"  # no -0 %


def with_error(probability: Probability) -> str:
    """Return a probability with its 95 % Monte Carlo error in points."""
    points = 196 * probability.std_error
    error = "under 0.1" if 0 < points < 0.05 else f"{points:.1f}"
    return f"{percent(probability.value)} (± {error} points)"


def nine_worlds_in_ten(worlds: Interval, over: Probability) -> str:
    """Return between which chances nine worlds in ten lie.

    The futures of one world are few: that all of them end well is no certainty where not all do.

    Parameters
    ----------
    over : the chance over the futures of all worlds
    """
    room = 0.0 if over.value in (0, 1) else NO_CERTAINTY
    low, high = (percent(min(max(end, room), 1 - room)) for end in worlds)
    return low if low == high else f"{low} to {high}"


def error_at_most(n_paths: int) -> str:
    """Return the largest 95 % Monte Carlo error that a share of so many futures can have."""
    return f"± {98 / n_paths**0.5:.1f} points at most"


def alternative_name(name: str, question: Question) -> str:
    """Return what an alternative is called in a sentence or a legend."""
    return {
        "hold": f"holding {question.token}",
        "hold-staked": f"holding {question.token} staked",
        "basket": "a basket of tokens",
        "rent": f"renting out {rig_name(question)}",
        "rent-half": "renting, half of the tokens kept",
        "rent-hold": "renting, all tokens kept",
        "rent-stake": "renting, tokens kept and staked",
        "rent-options": "renting, switched off or sold when it loses money",
        "btc": "holding Bitcoin",
        "t-bill": "T-bills",
    }[name]


def short_name(name: str, question: Question) -> str:
    """Return what an alternative is called at the head of a column, in two or three words."""
    return {
        "hold": f"Hold {question.token}",
        "hold-staked": f"Stake {question.token}",
        "basket": "Token basket",
        "rent": f"Rent out {question.gpu}",
        "rent-half": "Rent, keep half",
        "rent-hold": "Rent, keep all",
        "rent-stake": "Rent, stake all",
        "rent-options": "Rent, free to stop",
        "btc": "Hold Bitcoin",
        "t-bill": "T-bills",
    }[name]


def names_of(question: Question, comparison: Comparison) -> dict[str, str]:
    """Return what each alternative that was compared is called in a sentence, in its order."""
    return {name: alternative_name(name, question) for name in comparison.outcomes}


def chief_names_of(question: Question, comparison: Comparison) -> dict[str, str]:
    """Return what the chief alternatives are called, by name: one for each use of the money."""
    return {name: short_name(name, question) for name in CHIEF if name in comparison.outcomes}


def rig_name(question: Question) -> str:
    """Return what is rented out, such as "one GeForce RTX 4090"."""
    count = question.rig.gpu_count
    return f"one {question.gpu}" if count == 1 else f"{count} {question.gpu} cards"


def lead_title(question: Question) -> str:
    """Return the title of an axis: how far renting leads, and what it leads."""
    other = "T-bills" if question.token is None else question.token
    return f"Futures in which renting beats {other}, points above half"


def short_names_of(question: Question, comparison: Comparison) -> dict[str, str]:
    """Return what each alternative that was compared is called at the head of a column."""
    return {name: short_name(name, question) for name in comparison.outcomes}


def show_answer(
    decision: Decision, *, origin: Origin, uncertainty: Uncertainty | None = None
) -> Markup:
    """Return the answer in two sentences, then how sure it is.

    Parameters
    ----------
    uncertainty : what the same question comes to if its inputs are in doubt, too
    """
    q, outcomes = decision.question, decision.comparison.outcomes
    years = counted(q.n_months, "month")
    sure = [
        f"How sure: the percentages count {decision.comparison.n_paths:,} simulated futures, and ± "
        "is the error that their number leaves (95 %). They hold under assumptions listed below"
        f"{_expected_growth(decision)}. What if an assumption is wrong is a question of its own: "
        "see what would flip the answer.",
        *([] if uncertainty is None else [_doubted(uncertainty, q)]),
    ]
    rig = f"{alternative_name('rent', q)} on {q.network}"
    if "hold" not in outcomes:
        ahead = decision.beats_cash("rent")
        verdict, share = ("ahead of", ahead) if ahead.value > 0.5 else ("behind", _other(ahead))
        return answer(
            f"{q.network}'s token cannot be judged, for lack of public data; the rig alone ends "
            f"{verdict} T-bills in {percent(share.value)} of simulated futures over {years}.",
            _middle(decision, ["rent", "t-bill"])[:-1]
            + f"; renting ends ahead of T-bills in {with_error(ahead)} of futures.",
            *sure,
            origin=origin,
            told=_told(decision),
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
        *sure,
        origin=origin,
        told=_told(decision),
    )


def _told(decision: Decision) -> Headline:
    """Return the choice, the chances it rests on, and the middle results."""
    q, outcomes = decision.question, decision.comparison.outcomes
    names = {"hold": f"holding {q.token}"} if "hold" in outcomes else {}
    names["rent"] = "renting"
    chances = {f"{names[name]} beats T-bills": decision.beats_cash(name) for name in names}
    if decision.rent_beats_hold is not None:
        chances[f"{names['rent']} beats {names['hold']}"] = decision.rent_beats_hold
    shares = [
        Figure(
            name=sentence_case(name),
            value=100 * chance.value,
            unit="%",
            digits=1,
            error=196 * chance.std_error,
        )
        for name, chance in chances.items()
    ]
    middle = [
        usd_figure(f"Middle result, {words}", outcomes[name].median * q.capital_usd)
        for name, words in (names | {"t-bill": "T-bills"}).items()
    ]
    return Headline(verdicts={"": decision.choice}, figures=(*shares, *middle))


def _expected_growth(decision: Decision) -> str:
    """Return what is expected of the token, as the end of a sentence; nothing without a token."""
    q, outcomes = decision.question, decision.comparison.outcomes
    if "hold" not in outcomes:
        return ""
    said = f"; the first is that {DRIFTS[q.drift]}"
    if q.token_growth_per_year:
        said += (
            f", and that {q.token} grows by {100 * q.token_growth_per_year:.0f} % a year on top of "
            "that, as this report was asked to assume"
        )
    if q.drift != "historical" and q.token_growth_per_year >= 0 and outcomes["hold"].median < 1:
        said += (
            ". Expected means on average: a few futures in which the token multiplies make up for "
            "the many in which it falls, so the middle future is a fall"
        )
    return said


def _other(probability: Probability) -> Probability:
    return replace(probability, value=1 - probability.value)


def _doubted(uncertainty: Uncertainty, question: Question) -> str:
    """Return the chance that renting ends ahead when the inputs are in doubt, as a sentence."""
    chance, worlds = uncertainty.rent_beats_hold, uncertainty.rent_beats_hold_worlds
    other = f"holding {question.token}"
    if chance is None or worlds is None:
        chance, worlds = uncertainty.rent_beats_cash, uncertainty.rent_beats_cash_worlds
        other = "T-bills"
    return (
        f"With the doubt about the inputs, too, the chance that renting ends ahead of {other} is "
        f"{percent(chance.value)} (nine worlds in ten: {nine_worlds_in_ten(worlds, chance)}). "
        "A world is one guess at what the inputs truly are; "
        f"{uncertainty.n_worlds} were drawn."
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


def show_notes(notes: Sequence[str], *, origin: Origin) -> Markup:
    """Return what a reader must know before she believes the figures."""
    if origin.simulated:
        notes = ["Every price here is simulated, to show how the report works.", *notes]
    items = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return Markup(f"<ul>{items}</ul>" if items else "<p>No series was refused.</p>")


def sentence_case(text: str) -> str:
    """Return text that begins with a capital letter and is otherwise as it was."""
    return text[:1].upper() + text[1:]


def level(key: str, value: float) -> str:
    """Return the value of an input that can flip the answer, with its unit."""
    if key == "utilization":
        return f"{100 * value:.0f} %"
    return f"{value:,.2f} USD/h" if key == "rate_usd_per_hour" else f"{value:.3f} USD/kWh"


def any_value(flip: Flip) -> str:
    """Return at which values an input flips nothing: all there are, or all that were tried."""
    low, high = flip.tried
    return {
        "utilization": "any value",
        "rate_usd_per_hour": f"any rate up to {high:,.6g} USD/h",
        "tariff_usd_per_kwh": f"any price up to {high:,.6g} USD/kWh",
        "token": f"any price from {low:,.6g} to {high:,.0f} times what is assumed",
    }[flip.input]
