"""What the alternatives come to under named scenarios, and the risks that a contract carries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from research.catalogue import GRADED, Risk, graded_kinds
from research.catalogue import Stress as Scenario
from research.counting import counted
from research.figures.market import show_sentences
from research.figures.theme import Markup, table
from research.figures.words import error_at_most, per_usd, percent, sentence_case
from research.models.stresses import AS_ASSUMED, Stress, Stressed
from research.origin import Origin

KINDS = {
    "no-sla": "No promise of uptime",
    "unvetted-nodes": "Nodes that nobody vets",
    "slashing": "A stake that can be taken",
    "payout-rule": "A payout rule that changes",
    "oracle": "A price that an oracle tells",
    "circuit-breaker": "A switch that can stop payment",
    "pending-migration": "A move to another chain ahead",
    "concentration": "A few that hold most",
    "unpublished-terms": "Terms that are not published",
}


def show_stresses(
    stressed: Stressed,
    stresses: Sequence[Stress],
    names: Mapping[str, str],
    *,
    origin: Origin,
) -> Markup:
    """Return the middle future by scenario and alternative, and how often renting ends ahead.

    Parameters
    ----------
    stresses : whose figures `stressed` holds
    names : what each alternative to be shown is called, in the order of the columns
    """
    called = stress_names(stresses)
    order = [name for name in names if name in stressed.median]
    shown = stressed.median[order].rename(
        columns={name: sentence_case(names[name]) for name in order},
        index=called,
    )
    shown.columns.name = None
    wealth = list(shown.columns)
    chances = {"Renting ahead of T-bills": stressed.rent_beats_cash}
    if stressed.rent_beats_hold.notna().all():
        chances = {"Renting ahead of holding": stressed.rent_beats_hold, **chances}
    shown = shown.assign(**{head: each.rename(called) for head, each in chances.items()})
    return table(
        shown.rename_axis("Scenario"),
        caption="The middle future under scenarios with a name, USD per USD put in, and the share "
        f"of {stressed.n_paths:,} futures in which renting ends ahead "
        f"({error_at_most(stressed.n_paths)}). Each is laid over the same "
        "futures; what it does not name stays as assumed",
        origin=origin,
        formats={**dict.fromkeys(wealth, per_usd), **dict.fromkeys(chances, percent)},
    )


def show_scenarios(scenarios: Sequence[Scenario], *, origin: Origin) -> Markup:
    """Return what happens in each scenario, and who says so."""
    return table(
        pd.DataFrame(
            {
                "Scenario": [each.name for each in scenarios],
                "What happens": [each.summary for each in scenarios],
                "Source": [each.source for each in scenarios],
                "Date": [each.date.isoformat() for each in scenarios],
                "Grade": [each.grade for each in scenarios],
            }
        ),
        caption="What happens in each scenario. A change that a venue does not know changes "
        "nothing: half the rental rate where a number of tokens is paid, a fee where more is taken "
        "already. After a shutdown the rig earns what the open market pays in USD, which may be "
        "more than the tokens were worth",
        origin=origin.without_series(),
    )


def chief_medians(
    stressed: Stressed, stresses: Sequence[Stress], names: Mapping[str, str]
) -> pd.DataFrame:
    """Return the middle futures that regret is taken of: scenarios by their names, no gaps.

    Parameters
    ----------
    stresses : whose figures `stressed` holds
    names : of the alternatives to be compared; one that some scenario does not have is left out
    """
    whole = stressed.median.dropna(axis="columns")
    kept = [name for name in names if name in whole]
    return whole[kept].rename(index=stress_names(stresses))


def stress_names(stresses: Sequence[Stress]) -> dict[str, str]:
    """Return what each scenario is called, that of no stress among them."""
    return {AS_ASSUMED: "As assumed"} | {stress.id: stress.name for stress in stresses}


def show_facts(facts: Sequence[Risk], *, network: str, origin: Origin) -> Markup:
    """Return the facts that a contract with the network carries, and which its grade counts.

    Parameters
    ----------
    facts : as `Catalogue.counted_risks` returns them
    network : its name
    """
    if not facts:
        return show_sentences(
            f"None is on record for {network}: the catalogue holds no fact on uptime, slashing, "
            "payout rules, oracles or migrations of it. That is not a proof that there is none, so "
            "the grade of the contract is unknown, which counts as the worst."
        )
    ordered = sorted(facts, key=lambda fact: (list(KINDS).index(fact.kind), fact.date))
    return table(
        pd.DataFrame(
            {
                "Kind": [KINDS[fact.kind] for fact in ordered],
                "Fact": [fact.summary for fact in ordered],
                "Source": [fact.source for fact in ordered],
                "Date": [fact.date.isoformat() for fact in ordered],
                "Grade": [fact.grade for fact in ordered],
            }
        ),
        caption=f"What a contract with {network} carries: {counted(len(facts), 'fact')}. "
        f"{_grading(facts)}",
        origin=origin.without_series(),
    )


def _grading(facts: Sequence[Risk]) -> str:
    """Return how many kinds the grade of the contract counts, and which it leaves out."""
    kinds = {fact.kind for fact in facts}
    if (number := graded_kinds(facts)) is None:
        return "What the grade counts is not known, and what is unknown counts as the worst"
    said = f"The grade of the contract counts {counted(number, 'kind')} of them"
    if {"oracle", "circuit-breaker"} <= kinds:
        said += ", an oracle and a switch that can stop payment as one"
    left_out = [words for kind, words in KINDS.items() if kind in kinds and kind not in GRADED]
    return said + (f". It does not count: {'; '.join(left_out)}" if left_out else "")
