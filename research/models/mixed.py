"""Cards of two kinds in one rig: what each does alone, and what both do together.

They share the place, its luck and the connection, each fails for itself; so a mixed rig is steadier
than either card only as far as rates and failures of the two do not move together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from research.models.comparison import Probability, probability_of_beating
from research.models.dynamics import Dynamics
from research.models.futures import Question, draw, grown
from research.models.rental import together
from research.models.scenarios import draw_block
from research.models.wealth import expected_shortfall


@dataclass(frozen=True, kw_only=True)
class Mixed:
    """Two cards, alone and together, at the horizon."""

    outcomes: pd.DataFrame  # a row each: capital_usd, and wealth per dollar: q05, median, q95 ...
    beats_cash: dict[str, Probability]  # by row
    n_months: int


def mixed_of(question: Question, partner: Question | None, dynamics: Dynamics) -> Mixed | None:
    """Return `mixed`, or None where there is no other card."""
    return None if partner is None else mixed(question, partner, dynamics)


def mixed(question: Question, partner: Question, dynamics: Dynamics) -> Mixed:
    """Live a card, another one, and both in one rig through the same block of paths.

    Parameters
    ----------
    partner : the same question of the other card; its fixed costs are paid once in a shared rig

    Returns
    -------
    Rows: the name of each card, and `together`. Wealth is per dollar put in.
    """
    paths = draw(question, dynamics, 0)
    other = grown(
        draw_block(dynamics, partner.processes, partner.n_months, partner.seed, 0, card=1),
        partner.token_growth_per_year,
    )
    one, two = question.books(question.rig, paths), partner.books(partner.rig, other)
    beside = replace(partner, rig=replace(partner.rig, fixed_usd_per_month=0.0))
    both = together([one, beside.books(beside.rig, other)])
    capital = question.capital_usd + partner.capital_usd
    wealth = {
        question.gpu: (one.wealth_usd[-1], question.capital_usd),
        partner.gpu: (two.wealth_usd[-1], partner.capital_usd),
        "together": (both.wealth_usd[-1], capital),
    }
    cash = np.full(paths.n_paths, (1 + question.cash_yield_per_year) ** (question.n_months / 12))
    rows, chances = {}, {}
    for name, (usd, put_in) in wealth.items():
        per_dollar = usd / put_in
        low, middle, high = np.quantile(per_dollar, [0.05, 0.50, 0.95])
        rows[name] = {
            "capital_usd": put_in,
            "q05": low,
            "median": middle,
            "q95": high,
            "mean": per_dollar.mean(),
            "expected_shortfall": expected_shortfall(per_dollar),
        }
        chances[name] = probability_of_beating(per_dollar, cash)
    return Mixed(
        outcomes=pd.DataFrame.from_dict(rows, orient="index").rename_axis("rig"),
        beats_cash=chances,
        n_months=question.n_months,
    )
