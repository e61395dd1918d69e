"""Days that are normal but for some that jump: Merton's law, with the jumps that were seen.

A day of the past is a jump day if the token (the market, where there is no token) moved by more
than four robust standard deviations. Its return is all jump; the other days are jointly normal.
A jump is drawn for all columns at once, which keeps what fell together together.

References
----------
Merton (1976), Journal of Financial Economics 3, 125-144.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research.errors import InfeasibleError, InsufficientDataError
from research.models.bootstrap import Drift
from research.models.dynamics import (
    DAYS_PER_YEAR,
    growth_from,
    joint_returns,
    loadings,
    log_growths,
    month_ends,
)

Array = NDArray[Any]

MIN_DAYS = 250
MIN_JUMPS = 10
THRESHOLD = 4.0  # robust standard deviations from the median; a normal day in 16,000 is as far
MAD_TO_SD = 1.4826  # standard deviation of a normal law over its median absolute deviation


@dataclass(frozen=True, kw_only=True)
class Jumps:
    """Normal days and the jumps seen between them: satisfies `Dynamics`."""

    columns: tuple[str, ...]
    covariance: Array  # (n_columns, n_columns), of the log returns of a day without a jump
    sizes: Array  # (n_jumps, n_columns), log returns of jump days less the other days' mean
    jumps_per_day: float  # share of the days seen that jumped
    log_growth_per_day: dict[str, float]  # of the expected price, by column
    month_ends: Array  # (n_months,), days that have passed by then
    demand_token_correlation: float  # of normal scores

    @property
    def block_weeks(self) -> None:
        """None: jump days are drawn one by one."""

    @property
    def compensation_per_day(self) -> Array:
        """Log E[exp(return)] of a day before drift, (n_columns,): what it must lose to be fair."""
        normal = (1 - self.jumps_per_day) * np.diag(self.covariance) / 2
        return np.asarray(normal + self.jumps_per_day * np.expm1(self.sizes).mean(axis=0))

    def draw(
        self, size: int, rng: np.random.Generator
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """Draw `size` paths; months are the steps.

        Returns
        -------
        growth : by column, (n_months + 1, size), growth of the price, starts at 1
        scores : token, (n_months, size), the month's shock with mean 0 and variance 1
        """
        days = np.diff(self.month_ends, prepend=0)
        shape = size, len(days)  # path after path: see `Dynamics.draw`
        for_normals, for_counts, for_rows = rng.spawn(3)
        normals = for_normals.standard_normal((*shape, len(self.columns))).transpose(2, 1, 0)
        # a day that jumps is not a normal day as well: the normal part has the other days' share
        load = loadings(self.covariance * (1 - self.jumps_per_day))
        shocks = np.einsum("cf,fmp->cmp", load, normals) * np.sqrt(days)[:, None]
        counts = for_counts.poisson(self.jumps_per_day * days, shape).T
        for jump in range(int(counts.max())):
            # a stream for each month's first jump, second ...: how many there are moves no other
            rows = for_rows.spawn(1)[0].integers(len(self.sizes), size=shape, dtype=np.int32).T
            there = counts > jump
            shocks[:, there] += self.sizes[rows[there]].T
        growth: dict[str, Array] = {}
        for column, name in enumerate(self.columns):
            per_day = self.log_growth_per_day[name] - self.compensation_per_day[column]
            growth[name] = growth_from(shocks[column] + per_day * days[:, None], name)
        if "token" not in self.columns:
            return growth, {}
        mean = self.jumps_per_day * self.sizes[:, 0].mean()
        variance = (1 - self.jumps_per_day) * self.covariance[0, 0]
        variance += self.jumps_per_day * (self.sizes[:, 0] ** 2).mean()
        in_month = days[:, None]
        return growth, {"token": (shocks[0] - mean * in_month) / np.sqrt(variance * in_month)}


def fit_jumps(
    daily: pd.DataFrame,
    *,
    n_months: int,
    drift: Drift | Mapping[str, float],
    risk_free_per_year: float,
    demand_token_correlation: float = 0.0,
) -> Jumps:
    """Tell jump days from the others, and fit a joint normal law to the others.

    Parameters
    ----------
    daily : daily log returns, columns among `token` and `market`; rows with a gap are left out
    n_months : horizon
    drift : `zero`, `historical`, `shrunk` or the growth itself, see `dynamics.log_growths`
    risk_free_per_year : what `shrunk` shrinks towards
    demand_token_correlation : of normal scores, for whoever draws demand

    Raises
    ------
    InsufficientDataError : if there are fewer than 250 joint days or 10 jumps, or a column hardly
        changes
    InfeasibleError : if on half of the days the price stands still, so that nothing is a jump
    """
    joint = joint_returns(daily, "jumps", required=MIN_DAYS, unit="joint days")
    x, first = joint.to_numpy(), joint.columns[0]
    distance = np.abs(x[:, 0] - np.median(x[:, 0]))
    scale = MAD_TO_SD * np.median(distance)
    if scale == 0:
        raise InfeasibleError(
            f"jumps of {first}: its price stands still on half of the {len(x):,} days, so there is "
            "no scale to measure a jump by; use the block bootstrap instead"
        )
    jumped = distance > THRESHOLD * scale
    if (n_jumps := int(jumped.sum())) < MIN_JUMPS:
        raise InsufficientDataError(
            f"jumps of {first}", nobs=n_jumps, required=MIN_JUMPS, unit="jump days"
        )
    others = x[~jumped]
    ends = month_ends(n_months, steps_per_year=DAYS_PER_YEAR)
    return Jumps(
        columns=tuple(joint.columns),
        covariance=np.cov(others, rowvar=False, ddof=0).reshape(x.shape[1], x.shape[1]),
        sizes=x[jumped] - others.mean(axis=0),
        jumps_per_day=n_jumps / len(x),
        log_growth_per_day=log_growths(
            joint,
            drift=drift,
            risk_free_per_year=risk_free_per_year,
            days_per_step=1,
            n_steps=int(ends[-1]),
        ),
        month_ends=ends,
        demand_token_correlation=demand_token_correlation,
    )
