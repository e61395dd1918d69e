"""A doubt about the inputs made by hand, for the tests that need one."""

from __future__ import annotations

import pandas as pd

from research.models.comparison import Probability
from research.models.decision import Decision
from research.models.resampling import Interval
from research.models.uncertainty import BAND, SHOWN, Uncertainty


def uncertainty(decision: Decision) -> Uncertainty:
    """Return quantiles around those of `decision`, twice as far from the middle, and chances.

    Renting ends ahead of holding in 81 % of futures, in 60 to 95 % over worlds; ahead of T-bills
    in 30 %, in 5 to 62 %.
    """
    outcomes = decision.comparison.outcomes
    band = {
        name: pd.Series(
            2 * outcomes[name].quantiles.iloc[-1].to_numpy() - outcomes[name].median,
            index=list(BAND),
        )
        for name in SHOWN
        if name in outcomes
    }
    token = "hold" in outcomes
    return Uncertainty(
        band=band,
        rent_beats_hold=Probability(value=0.81, std_error=0.01, nobs=200) if token else None,
        rent_beats_hold_worlds=Interval(0.60, 0.95) if token else None,
        rent_beats_cash=Probability(value=0.30, std_error=0.02, nobs=200),
        rent_beats_cash_worlds=Interval(0.05, 0.62),
        by_world=pd.DataFrame(),
        n_worlds=200,
        drift_std_error=0.3 if token else None,
    )
