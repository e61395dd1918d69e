"""One figure of a question moved, all else as it is: what tornado, Sobol shares and grids turn.

A lever is named by the field that it moves, such as `rig.tariff_usd_per_kwh`; `failures` moves
repairs and replacements together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from research.models.comparison import probability_of_beating
from research.models.dynamics import Dynamics
from research.models.futures import Question, draw, hold_wealth
from research.models.scenarios import BLOCK_OF_PATHS, Processes
from research.models.sensitivity import Uncertain

Array = NDArray[Any]

FAILURES = "failures"
GROWTH = "token_growth_per_year"
GROWTH_RANGE = 0.5  # a year: about one standard error of a token's mean growth over six years


def moved(question: Question, values: Mapping[str, Any]) -> Question:
    """Return the question with each lever at its value; those not named stay."""
    q = question
    parts: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        if name == FAILURES:
            parts.setdefault("processes", {}).update(_failures(q.processes, value))
            continue
        part, _, field = name.rpartition(".")
        parts.setdefault(part, {})[field] = value
    own = parts.pop("", {})
    changed = {name: replace(getattr(q, name), **fields) for name, fields in parts.items()}
    return replace(q, **changed, **own)


def _failures(processes: Processes, per_year: Any) -> dict[str, Any]:
    """Return repairs and replacements of so many failures a year, in the share they had."""
    p = processes
    total = float(np.mean(p.repairs_per_year) + np.mean(p.deaths_per_year))
    repaired = 0.5 if total == 0 else float(np.mean(p.repairs_per_year)) / total
    return {"repairs_per_year": per_year * repaired, "deaths_per_year": per_year * (1 - repaired)}


def lead_of_renting(
    question: Question, dynamics: Dynamics
) -> Callable[[Mapping[str, float]], float]:
    """Return how far renting leads, in points above an even chance, as a function of the levers.

    Against holding the token, or T-bills where there is no token; on one block of paths, the same
    random numbers at every call.
    """

    def lead(values: Mapping[str, float]) -> float:
        q = replace(moved(question, values), n_paths=BLOCK_OF_PATHS)
        paths = draw(q, dynamics, 0)
        rent = q.books(q.rig, paths).wealth_usd[-1] / q.capital_usd
        other = hold_wealth(q, paths)[-1]
        return 100 * probability_of_beating(rent, np.broadcast_to(other, rent.shape)).value - 50

    return lead


def levers_of(question: Question, uncertain: Sequence[Uncertain]) -> list[Uncertain]:
    """Return the figures in doubt that play a part in the question, one for each lever.

    The token's expected growth joins them where there is a token.
    """
    q = question
    kept = {each.name: each for each in uncertain if each.range[0] < each.range[1]}
    if q.venue.payout == "token-quoted":
        for name in list(kept):
            if name.startswith("processes.rate_"):
                del kept[name]
    if q.token is not None:
        kept[GROWTH] = Uncertain(
            name=GROWTH,
            label=f"Expected growth of {q.token} a year",
            unit="change per year",
            value=q.token_growth_per_year,
            # never beyond half of the way to a price of zero
            low=max(q.token_growth_per_year - GROWTH_RANGE, (q.token_growth_per_year - 1) / 2),
            high=q.token_growth_per_year + GROWTH_RANGE,
            grade="D",
        )
    return list(kept.values())
