"""What each alternative comes to and what it risks: at the horizon, and had it ended earlier."""

from __future__ import annotations

import pandas as pd

from research.counting import counted
from research.figures.market import show_sentences
from research.figures.theme import Markup, table
from research.figures.words import (
    alternative_name,
    names_of,
    per_usd,
    percent,
    ratio,
    sentence_case,
    with_error,
)
from research.models.comparison import Outcome, Probability
from research.models.decision import CHIEF, Decision
from research.origin import Origin

QUANTILE_HEADS = {
    0.05: "Worst 5 % below",
    0.25: "Worst quarter below",
    0.50: "Middle",
    0.75: "Best quarter above",
    0.95: "Best 5 % above",
}
TEMPERS = {1.0: "bold", 2.0: "middling", 5.0: "cautious"}  # by risk aversion
RATIO_NOTES = (
    "± beside a Sharpe ratio is the standard error that such a ratio has when it is measured over "
    "this horizon: one history tells little.",
    "A rig is marked at a smooth resale value, which hides how prices of used cards jump. That "
    "flatters its Sharpe and Sortino ratios and its deepest fall.",
)
HORIZON_PARTS = ("Middle future", "Mean loss in the worst 5 %", "Renting ends ahead of")


def show_outcomes(decision: Decision, *, origin: Origin) -> Markup:
    """Return what each alternative comes to at the horizon, and what it risks: two tables."""
    q, comparison = decision.question, decision.comparison
    names = names_of(q, comparison)
    place = {name: at for at, name in enumerate(comparison.ranking(), start=1)}
    wealth = {
        sentence_case(names[name]): _wealth_line(outcome) | {"Place": str(place[name])}
        for name, outcome in comparison.outcomes.items()
    }
    risk = {
        sentence_case(names[name]): _risk_line(outcome, comparison.n_months)
        for name, outcome in comparison.outcomes.items()
    }
    floored = any(outcome.ruined for outcome in comparison.outcomes.values())
    ruin = (
        "; * in some futures nothing or less is left, which counts as 0.001 there"
        if floored
        else ""
    )
    first = table(
        pd.DataFrame(wealth).T.rename_axis("Alternative"),
        caption=f"Wealth after {counted(q.n_months, 'month')}, USD per USD put in. The sure "
        "amounts are worth as much as the whole spread to an investor who is bold, middling or "
        f"cautious (risk aversion 1, 2, 5{ruin}); the place is by the middling one",
        origin=origin,
    )
    second = table(
        pd.DataFrame(risk).T.rename_axis("Alternative"),
        caption=f"Risk over {counted(q.n_months, 'month')}. A fall is the deepest of month-end "
        "wealth in the middle future: as it would be for who keeps everything, and at what "
        "everything would fetch. Sharpe and Sortino ratios are a year's, from monthly marks, of "
        "the middle future",
        origin=origin,
    )
    return Markup(first.html + second.html + show_sentences(*RATIO_NOTES).html)


def _wealth_line(outcome: Outcome) -> dict[str, str]:
    last = outcome.quantiles.iloc[-1]
    star = " *" if outcome.ruined else ""
    return {
        **{head: per_usd(last[share]) for share, head in QUANTILE_HEADS.items()},
        "Mean": per_usd(outcome.mean),
        **{
            f"Sure, {temper}": f"{per_usd(outcome.certainty_equivalents[aversion])}{star}"
            for aversion, temper in TEMPERS.items()
        },
    }


def _risk_line(outcome: Outcome, n_months: int) -> dict[str, str | None]:
    return {
        "Chance of loss": _chance(outcome.p_loss),
        "Mean loss in the worst 5 %": percent(outcome.expected_shortfall),
        "Deepest fall, kept": percent(-outcome.max_drawdown_held),
        "Deepest fall, sold": percent(-outcome.max_drawdown),
        "Sharpe ratio": None
        if outcome.sharpe is None
        else f"{ratio(outcome.sharpe)} (± {ratio(ratio_std_error(outcome.sharpe, n_months))})",
        "Sortino ratio": None if outcome.sortino is None else ratio(outcome.sortino),
    }


def _chance(probability: Probability) -> str:
    """Return a probability with its error, or alone where every future agrees."""
    return with_error(probability) if probability.std_error else percent(probability.value)


def ratio_std_error(sharpe: float, n_months: int) -> float:
    """Return the standard error of a yearly Sharpe ratio that was measured over so many months.

    Parameters
    ----------
    sharpe : a year's; that of a month is smaller by the root of twelve

    References
    ----------
    Lo (2002), Financial Analysts Journal 58(4), 36-52, for returns that do not depend on those
    before: sqrt((1 + SR^2 / 2) / n) of a month's ratio SR.
    """
    a_month = sharpe / 12**0.5
    return float((12 * (1 + a_month**2 / 2) / n_months) ** 0.5)


def show_horizons(decision: Decision, *, origin: Origin) -> Markup:
    """Return the middle future, the mean loss and the chances at 12, 24, 36 months and the end."""
    q, comparison = decision.question, decision.comparison
    shown = {name: comparison.outcomes[name] for name in CHIEF if name in comparison.outcomes}
    months = list(comparison.wins)
    rows: dict[tuple[str, str], list[str]] = {}
    for name, outcome in shown.items():
        called = sentence_case(alternative_name(name, q))
        at = outcome.marks["expected_shortfall"]
        rows["Middle future", called] = [per_usd(outcome.quantiles[0.50][m]) for m in months]
        rows["Mean loss in the worst 5 %", called] = [percent(float(at[m])) for m in months]
    for other in ("hold", "t-bill"):
        if other in shown:
            called = sentence_case(alternative_name(other, q))
            chances = [_chance(comparison.beats("rent", other, month)) for month in months]
            rows["Renting ends ahead of", called] = chances
    frame = pd.DataFrame(
        [rows[key] for key in sorted(rows, key=lambda key: HORIZON_PARTS.index(key[0]))],
        columns=[counted(month, "month") for month in months],
        index=pd.MultiIndex.from_tuples(
            sorted(rows, key=lambda key: HORIZON_PARTS.index(key[0])), names=["", "Alternative"]
        ),
    )
    return table(
        frame,
        caption="The same futures, had everything been sold earlier. Wealth in USD per USD put in",
        origin=origin,
    )
