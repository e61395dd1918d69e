"""The same question under other laws of prices and other drifts, to see what hangs on the model.

All laws expect the price at the horizon that the usual one expects there, whatever days or weeks
each of them is fitted to: a mean of the past depends on which past it is. They share the
draws of rate, utilization, resale and failures, too, so what differs between two lines is the law,
not luck.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import get_args

import pandas as pd

from research.errors import InfeasibleError, InsufficientDataError, UsageError
from research.models.bootstrap import Drift
from research.models.comparison import Comparison
from research.models.dynamics import Dynamics
from research.models.futures import Question, fit, live

PATHS = 5_000  # of each law: a difference of three points between two laws is then no luck
GARCH_DAYS = 600  # the latest: over longer spans the fitted variance tends to explode
LAWS = {
    "bootstrap": "Weeks resampled in blocks",
    "garch": "Volatility that clusters (GJR-GARCH, filtered history)",
    "regimes": "Calm and turbulent regimes",
    "jumps": "Normal days and rare jumps (Merton)",
}


@dataclass(frozen=True, kw_only=True)
class Line:
    """The answer under one law and one drift."""

    law: str  # a key of LAWS
    drift: Drift
    comparison: Comparison | None  # None where the law could not be fitted or drawn
    refusal: str  # why not; empty where it could


def under_other_laws(question: Question) -> tuple[Line, ...]:
    """Return the answer under each law at the stated drift, and under each other drift.

    A law that the history does not support says so in its line, and is not replaced by another.
    """
    q = replace(question, n_paths=min(question.n_paths, PATHS))
    if q.token is None:
        return ()
    lines = [_line(q, law, q.drift) for law in LAWS]
    others: tuple[Drift, ...] = tuple(each for each in get_args(Drift) if each != q.drift)
    return (*lines, *(_line(q, "bootstrap", drift) for drift in others))


def _line(q: Question, law: str, drift: Drift) -> Line:
    try:
        comparison = live(q, _fitted(q, law, drift)).comparison
    except (InfeasibleError, InsufficientDataError, UsageError) as error:
        return Line(law=law, drift=drift, comparison=None, refusal=str(error))
    return Line(law=law, drift=drift, comparison=comparison, refusal="")


def _fitted(q: Question, law: str, drift: Drift) -> Dynamics:
    usual = fit(q, drift)
    if law == "bootstrap":
        return usual
    fitted, history = _fit_of(q, law)
    return fitted(
        history,
        n_months=q.n_months,
        drift=usual.log_expected_growth(),
        risk_free_per_year=q.cash_yield_per_year,
        demand_token_correlation=usual.demand_token_correlation,
    )


def _fit_of(q: Question, law: str) -> tuple[Callable[..., Dynamics], pd.DataFrame]:
    """Return what fits a law, imported where it is asked for, and the returns it is for."""
    if law == "garch":
        from research.models.garch import fit_garch

        return fit_garch, q.daily.iloc[-GARCH_DAYS:]
    if law == "regimes":
        from research.models.regimes import fit_regimes

        return fit_regimes, q.history.returns
    from research.models.jumps import fit_jumps

    return fit_jumps, q.daily
