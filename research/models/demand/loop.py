"""The story "more GPUs, more use, higher price, more GPUs", link by link.

Identities are named and not tested: tokens burned are spending over price, and velocity contains
the price. The loop holds only if every link that can be tested holds with its sign.

References
----------
Jorda (2005), American Economic Review 95, 161-182: local projections.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd
from statsmodels.regression.linear_model import OLS

from research.models.demand._shown import Shown
from research.models.demand.power import FEWEST

Grade = Literal["supported", "against", "unclear", "identity", "not enough data"]

HORIZONS = {"price -> supply": 26, "supply -> use": 4, "use -> price": 4, "price -> hardware": 26}
SIGNIFICANT = 0.05


@dataclass(frozen=True, kw_only=True, eq=False)
class Link(Shown):
    """One link of the loop."""

    name: str
    expected_sign: str  # of the effect if the story holds
    effect: float | None  # % after `horizon_weeks` for 1 %
    low: float | None  # 95 % interval, HAC
    high: float | None
    pvalue: float | None
    nobs: int  # weeks
    horizon_weeks: int | None
    grade: Grade
    reading: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Loop(Shown):
    """All links."""

    links: tuple[Link, ...]
    supported: bool  # every link that can be tested has its sign
    reading: str


TESTED = (
    ("price -> supply", "price_usd", "gpus_total"),
    ("supply -> use", "gpus_total", "gpu_hours"),
    ("use -> price", "gpu_hours", "price_usd"),
    ("price -> hardware", "margin_usd_per_hour", "gpus_total"),
)
IDENTITIES = (
    ("use -> tokens burned", "by design: tokens burned are spending over price"),
    ("velocity", "by definition: it contains the price, so regressing on it proves nothing"),
)


def reflexivity_loop(levels: pd.DataFrame) -> Loop:
    """Estimate each link on weekly growth: what follows one per cent more of its cause.

    Parameters
    ----------
    levels : frame of shape (n_weeks, n_series), positive, columns among price_usd, gpus_total,
        gpu_hours and margin_usd_per_hour
    """
    growth = levels.where(levels > 0).apply(np.log).diff()
    links = [_link(growth, *each) for each in TESTED]
    links += [
        Link(name=name, expected_sign="identity", effect=None, low=None, high=None, pvalue=None,
             nobs=0, horizon_weeks=None, grade="identity", reading=reading)
        for name, reading in IDENTITIES
    ]  # fmt: skip
    grades = [x.grade for x in links if x.grade != "identity"]
    supported = all(grade == "supported" for grade in grades)
    reading = (
        "Every link has its sign." if supported
        else f"{grades.count('supported')} of {len(grades)} links have their sign; the loop as a "
        "whole is not supported."
    )  # fmt: skip
    return Loop(links=tuple(links), supported=supported, reading=reading)


def _link(growth: pd.DataFrame, name: str, cause: str, effect: str) -> Link:
    horizon = HORIZONS[name]
    nothing = partial(Link, name=name, expected_sign="+", horizon_weeks=horizon)
    if not {cause, effect} <= {*growth.columns}:
        lacking = ", ".join(sorted({cause, effect} - {*growth.columns}))
        return nothing( effect=None, low=None, high=None, pvalue=None, nobs=0,
                    grade="not enough data", reading=f"no {lacking} is held")  # fmt: skip
    ahead = pd.concat([growth[effect].shift(-h) for h in range(1, horizon + 1)], axis=1).sum(
        axis=1, min_count=horizon
    )
    frame = pd.concat(
        {"ahead": ahead, "cause": growth[cause], "past": growth[effect]}, axis=1
    ).dropna()
    required = max(FEWEST["granger"], 4 * horizon)
    if len(frame) < required:
        return nothing(
            effect=None, low=None, high=None, pvalue=None, nobs=len(frame),
            grade="not enough data", reading=f"{len(frame)} weeks, {required} needed",
        )  # fmt: skip
    fit = OLS(frame["ahead"], frame[["cause", "past"]].assign(const=1.0)).fit(
        cov_type="HAC", cov_kwds={"maxlags": horizon, "use_correction": True}, use_t=True
    )
    slope, error, pvalue = (float(x["cause"]) for x in (fit.params, fit.bse, fit.pvalues))
    grade: Grade = "unclear"
    if pvalue < SIGNIFICANT:
        grade = "supported" if slope > 0 else "against"
    return nothing( effect=slope, low=slope - 1.96 * error, high=slope + 1.96 * error,
        pvalue=pvalue, nobs=len(frame), grade=grade,
        reading=f"{horizon} weeks after 1 % more: {slope:+.2f} %",
    )  # fmt: skip
