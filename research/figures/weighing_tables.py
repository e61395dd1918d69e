"""Tables that weigh a choice: dominance, mixes, shares of variance, regret and risk grades."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from research.figures.market import show_sentences
from research.figures.theme import Markup, table
from research.figures.words import per_usd, percent, sentence_case, with_error
from research.models.grades import AXES, Grade, Overall, overall
from research.models.mixes import Frontier
from research.models.regret import max_regret, minimax
from research.models.resampling import Interval
from research.models.sensitivity import Sobol
from research.origin import Origin

# What articles that compare tokens with hardware usually print, without a measurement.
USUAL_WORDS = {"hold": "high: market volatility", "rent": "medium: hardware and operations"}


def show_dominance(dominance: pd.DataFrame, *, names: Mapping[str, str], origin: Origin) -> Markup:
    """Return who dominates whom: the row's alternative over the column's.

    Parameters
    ----------
    dominance : as `models.dominance.dominance_table` returns it
    names : what each alternative is called
    """
    order = list(dict.fromkeys(dominance.index.get_level_values("one")))
    said = {
        pair: _preferred(row)
        for pair, row in zip(dominance.index, dominance.to_dict("records"), strict=True)
    }
    shown = pd.DataFrame(
        {sentence_case(names[other]): [said.get((one, other)) for one in order] for other in order},
        index=pd.Index([sentence_case(names[one]) for one in order], name="Preferred over"),
    )
    return table(
        shown,
        caption="Who would take the row's alternative over the column's, whatever their taste: "
        "everybody who prefers more to less (first-order dominance), or all who dislike risk "
        "(second order). In brackets the part of resampled futures in which it holds too, shown "
        "where that is more than half; differences within Monte Carlo error count as none",
        origin=origin,
    )


def _preferred(row: Mapping[Hashable, Any]) -> str:
    """Return who prefers the row; an order that most resampled futures do not have is no order."""
    for order, who in (("first_order", "everybody"), ("second_order", "risk-averse")):
        share = row[f"{order}_share"]
        if row[order] and share > 0.5:
            return f"{who} ({percent(share)})"
    return "no"


def show_mixes(frontier: Frontier | None, *, symbol: str | None, origin: Origin) -> Markup:
    """Return what each mix of token and rig comes to, USD per USD put in; nothing without any."""
    if frontier is None or symbol is None:
        return Markup("")
    rows = [
        {
            f"In {symbol}": f"{100 * mix.weight:.0f} %" + (" *" if mix is frontier.best else ""),
            "Median": per_usd(mix.median),
            "Mean": per_usd(mix.mean),
            "Mean loss in the worst 5 %": percent(mix.expected_shortfall),
            "Chance of loss": with_error(mix.p_loss),
            **{
                f"Sure amount, risk aversion {risk_aversion:g}": per_usd(worth)
                for risk_aversion, worth in mix.certainty_equivalents.items()
            },
            "Efficient": mix.efficient,
        }
        for mix in frontier.mixes
    ]
    return table(
        pd.DataFrame(rows).set_index(f"In {symbol}"),
        caption=f"Mixes of {symbol} and a rig, bought once and never rebalanced, USD per USD put "
        "in. Efficient: no other mix has as high a median and as small a loss and is better in "
        "one. * worth most at risk aversion 2",
        origin=origin,
    )


def show_sobol(sobol: Sobol, *, origin: Origin) -> Markup:
    """Return how much of the outcome's variance each figure makes; why not, where none."""
    if sobol.reason is not None:
        return show_sentences(f"Shares of variance are not shown: {sobol.reason}.")
    rows = {
        share.label: {
            "Alone": _share(share.first, share.first_interval),
            "Together with others": _share(share.total, share.total_interval),
        }
        for share in sobol.shares
    }
    return table(
        pd.DataFrame(rows).T.rename_axis("Uncertain figure"),
        caption="Part of the outcome's variance that each figure makes when all vary over their "
        f"ranges, 95 % intervals in brackets ({sobol.nobs:,} evaluations)",
        origin=origin,
    )


def _share(share: float | None, interval: Interval | None) -> str | None:
    if share is None or interval is None:
        return None
    return f"{_whole(share)} % ({_whole(interval.low)} to {_whole(interval.high)})"


def _whole(share: float) -> str:
    return f"{round(100 * share)}"  # a whole number: no -0


def show_regret(regrets: pd.DataFrame, *, names: Mapping[str, str], origin: Origin) -> Markup:
    """Return how far each alternative ends behind the best of each scenario.

    Parameters
    ----------
    regrets : as `models.regret.regret` returns them
    names : what each alternative is called
    """
    behind = pd.concat([-regrets, max_regret(regrets).rename("Largest regret").to_frame().T])
    shown = behind.rename(columns={name: sentence_case(names[name]) for name in regrets.columns})
    chosen = " and ".join(names[name] for name in minimax(regrets))
    return table(
        shown.rename_axis("Scenario"),
        caption="Regret: USD per USD put in by which an alternative ends behind the best one of "
        f"that scenario. Smallest largest regret: {chosen}",
        origin=origin,
        formats={str(name): _regret for name in shown.columns},
    )


def _regret(value: float) -> str:
    return "best" if value == 0 else per_usd(value)


def show_grades(
    grades: Mapping[str, Sequence[Grade]],
    *,
    names: Mapping[str, str],
    origin: Origin,
) -> Markup:
    """Return each grade with its statistic, interval and thresholds.

    Parameters
    ----------
    grades : by alternative
    names : what each alternative is called
    """
    if not grades:
        return Markup("")
    by_axis = {name: {grade.axis: grade for grade in each} for name, each in grades.items()}
    axes = [key for key in AXES if any(key in each for each in by_axis.values())]
    rows = {
        AXES[key].label: {
            sentence_case(names[name]): f"{each[key].grade}: {each[key].measured}"
            if key in each
            else None
            for name, each in by_axis.items()
        }
        | {
            "What is measured, and where grades begin": next(
                f"{sentence_case(AXES[key].statistic)}; {each[key].scale}"
                for each in by_axis.values()
                if key in each
            )
        }
        for key in axes
    }
    return table(
        pd.DataFrame.from_dict(rows, orient="index").rename_axis("Risk"),
        caption="Risk grades, 95 % intervals in brackets. Two grades: the interval crosses from "
        "one into the other. The thresholds are our convention",
        origin=origin,
    )


def show_usual_words(
    graded: Mapping[str, Sequence[Grade]],
    *,
    names: Mapping[str, str],
    origin: Origin,
) -> Markup:
    """Return the adjectives that articles use, beside what was measured instead.

    Parameters
    ----------
    graded : by alternative, those of renting and, where there is a token, of holding
    names : what each alternative is called
    """
    if not graded:
        return Markup("<p>Grades are over 12 months, which this horizon does not reach.</p>")
    rows = [
        {
            "": sentence_case(names[name]),
            "Usual words": USUAL_WORDS[name],
            "Measured return risk": _because(overall(grades), grades),
            "Measured operations": _operations(grades),
        }
        for name, grades in graded.items()
    ]
    return table(
        pd.DataFrame(rows).set_index(""),
        caption="The adjectives of the usual article, and what was measured instead",
        origin=origin,
    )


def _because(found: Overall, grades: Sequence[Grade]) -> str:
    reasons = [
        f"{AXES[grade.axis].label.lower()} {grade.measured}"
        for grade in grades
        if grade.axis in found.because_of
    ]
    return f"{found.return_risk}: {'; '.join(reasons)}"


def _operations(grades: Sequence[Grade]) -> str:
    measured = [f"{each.grade}: {each.measured}" for each in grades if each.axis == "operations"]
    return measured[0] if measured else "nothing is operated"
