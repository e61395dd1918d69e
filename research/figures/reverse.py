"""The answer turned round, in words: what would have to be true for renting to win, or holding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from operator import itemgetter

import numpy as np

from research.figures.theme import Markup
from research.figures.words import alternative_name, any_value, level, percent
from research.models.decision import Choice, Decision
from research.models.flips import HIGHEST_RATE
from research.models.what_if import Surface

INPUTS = {
    "utilization": "Utilization",
    "rate_usd_per_hour": "Rental rate",
    "tariff_usd_per_kwh": "Price of electricity",
}
AT_BEST = {
    "utilization": "even rented out every hour",
    "rate_usd_per_hour": f"even at {HIGHEST_RATE:.0f} times the rate",
    "tariff_usd_per_kwh": "even with free power",
}


def reverse_stress(decision: Decision, surface: Surface) -> Markup:
    """Return what would have to be true for renting to win, and for holding: nearest first.

    To win is to end ahead of T-bills in most futures, and of the other choice if that does too:
    the rule of `Decision.choice`. One input is moved at a time, all else stays as assumed.

    Parameters
    ----------
    surface : the what-if, off which the token's growths are read at which the answer changes
    """
    q, wins = decision.question, decision.choice == "rent"
    holding_wins_over_cash = q.token is not None and decision.beats_cash("hold").value > 0.5
    hurdles = ["t-bill", "hold"] if holding_wins_over_cash else ["t-bill"]
    edges = [
        (far, f"Growth of {q.token} {text}{_on_top(decision)}")
        for far, text in _growths(surface, "rent")
    ]
    found = [
        *_conditions(decision, hurdles, wins=wins),
        *(edges if wins else edges[:1]),
        *_untold(decision),
    ]
    ahead = f"T-bills and of holding {q.token}" if holding_wins_over_cash else "T-bills"
    opening = (
        "Renting wins only as long as each of these is true, the others being as assumed"
        if wins
        else "Renting wins only if one of these comes true, all else being as assumed"
    )
    items = "".join(f"<li>{escape(text)}</li>" for _, text in sorted(found, key=itemgetter(0)))
    return Markup(
        f"<p>{escape(opening)}; the nearest to what is assumed comes first. To win is to end ahead "
        f"of {escape(ahead)} in more than half of the futures.</p><ul>{items}</ul>"
        + (f"<p>{escape(_holding_wins(decision, surface))}</p>" if q.token else "")
    )


def _conditions(
    decision: Decision, hurdles: Sequence[str], *, wins: bool
) -> Iterator[tuple[float, str]]:
    """Yield each condition's distance, as a part of what is assumed, and its text."""
    q, appraisal = decision.question, decision.appraisal
    found = {(str(flip.input), flip.against): flip for flip in decision.flips}
    for key, label in INPUTS.items():
        flips = [found[key, other] for other in hurdles if (key, other) in found]
        if not flips:
            continue
        assumed = float(getattr(appraisal, key))
        beaten = [flip.against for flip in flips if flip.otherwise == "behind"]
        ties = {flip.against: flip.value for flip in flips if flip.value is not None}
        if beaten:
            other = alternative_name(beaten[-1], q)
            yield np.inf, f"{label}: impossible; {AT_BEST[key]} the rig ends behind {other}"
        elif not ties:
            yield np.inf, f"{label}: {any_value(flips[0])} will do"
        else:
            above = _better_above(decision, ties, assumed)
            value = max(ties.values()) if above else min(ties.values())
            far = abs(value - assumed) / assumed if assumed else np.inf
            yield (
                far,
                (
                    f"{label} {'above' if above else 'below'} {level(key, value)} (assumed: "
                    f"{level(key, assumed)}{_moves(value, assumed, wins=wins)})"
                ),
            )


def _untold(decision: Decision) -> Iterator[tuple[float, str]]:
    """Yield which inputs have no condition because nothing is assumed to be rented, and say so."""
    if decision.appraisal.utilization:
        return
    labels = "Utilization"
    if not decision.question.venue.token_amounts:  # else no rate plays a part
        labels += " and rental rate"
    yield (
        np.inf,
        (
            f"{labels}: not told, as nothing is assumed to be rented; the what-if shows other "
            "utilizations"
        ),
    )


def _better_above(decision: Decision, ties: Mapping[str, float], assumed: float) -> bool:
    """Say whether renting does better the higher an input is, by where it is level and where not.

    Parameters
    ----------
    ties : value of the input at which renting is level, by alternative
    """
    other = max(ties, key=lambda name: abs(ties[name] - assumed))  # the clearest of them
    ahead = decision.comparison.beats("rent", other).value > 0.5
    return (ties[other] < assumed) == ahead


def _moves(value: float, assumed: float, *, wins: bool) -> str:
    if not assumed:
        return ""
    way = "rise" if value > assumed else "fall"
    return f"; it {'may' if wins else 'would have to'} {way} by {percent(abs(value / assumed - 1))}"


def _growths(surface: Surface, choice: Choice) -> list[tuple[float, str]]:
    """Return where along the token's growth the answer turns to a choice or from it, nearest first.

    The grid of the what-if has few growths, so each place is told as two of them, with its distance
    from what is assumed.
    """
    u, assumed, t = surface.assumed_at
    growths = surface.token_growths
    chosen = [surface.verdict(u, at, t) == choice for at in range(len(growths))]
    return sorted(
        (
            float(abs((low + high) / 2 - growths[assumed])),
            f"{'above' if begins else 'below'} a value that lies between {100 * low + 0.0:.0f} % "
            f"and {100 * high + 0.0:.0f} % a year (assumed: {100 * growths[assumed] + 0.0:.0f} %)",
        )
        for low, high, before, begins in zip(growths, growths[1:], chosen, chosen[1:], strict=False)
        if before != begins
    )


def _holding_wins(decision: Decision, surface: Surface) -> str:
    """Return what holding needs to win, as a sentence."""
    holding = f"Holding {decision.question.token} wins"
    if decision.beats_cash("hold").value > 0.5:
        return f"{holding} wherever renting does not, for as assumed it ends ahead of T-bills."
    beside = _on_top(decision)
    if edges := _growths(surface, "hold"):
        return f"{holding} only with an expected growth {edges[0][1]}{beside}."
    if surface.verdict(*surface.assumed_at) == "hold":
        return f"{holding} or loses by a hair: as assumed it is level with T-bills."
    most = f"{100 * surface.token_growths[-1]:.0f} % a year"
    return f"{holding} only with an expected growth above {most}, the most that was tried{beside}."


def _on_top(decision: Decision) -> str:
    """Return what a growth comes on top of, as the end of a sentence."""
    return "" if decision.question.drift == "zero" else ", on top of what its past counts for"
