"""Days with volatility that clusters: filtered historical simulation.

A GJR-GARCH law says how volatile tomorrow is, given today; the shocks are those that were seen,
divided by the volatility of their day. One day's shocks are drawn for all columns at once, which
keeps what fell together together.

The expected price is as stated, whatever the volatility. But where shocks are wild, part of it
lies on paths too rare to be drawn, and the mean of any sample of paths falls short of it; medians
and probabilities do not suffer.

References
----------
Glosten, Jagannathan and Runkle (1993), Journal of Finance 48, 1779-1801: the variance.
Hansen (1994), International Economic Review 35, 705-730: the skewed t of the likelihood.
Barone-Adesi, Giannopoulos and Vosper (1999), Journal of Futures Markets 19, 583-602: filtered
historical simulation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research.errors import InfeasibleError
from research.models.bootstrap import Drift
from research.models.dynamics import (
    DAYS_PER_YEAR,
    growth_from,
    joint_returns,
    log_growths,
    month_ends,
)

Array = NDArray[Any]

MIN_DAYS = 500  # with fewer the variance's memory is not estimable
KNOTS = 2_048  # of the table of log E[exp(sigma z)]
REACH = 8.0  # the table ends at this multiple of the highest volatility seen
KNOTS_AT_ONCE = 64  # bounds the memory that building the table takes


@dataclass(frozen=True, kw_only=True)
class Volatility:
    """One column's GJR-GARCH(1,1).

    Tomorrow's variance = omega + (alpha + gamma [shock < 0]) shock^2 + beta variance.
    """

    omega: float  # squared log return a day
    alpha: float  # weight of yesterday's squared shock
    gamma: float  # added to alpha if yesterday's shock was a fall
    beta: float  # weight of yesterday's variance
    ahead: float  # standard deviation of the first day's log return
    highest: float  # the highest of the days seen, same unit
    shocks: Array  # (n_days,), standardised: mean 0, variance 1

    @property
    def factors(self) -> Array:
        """What each shock makes of a day's variance: the next one is omega + factor * variance."""
        z = self.shocks
        return np.asarray(self.beta + (self.alpha + self.gamma * (z < 0)) * z**2)

    @property
    def persistence(self) -> float:
        """Share of a deviation from the long-run variance that is left a day later."""
        return float(self.factors.mean())


@dataclass(frozen=True, kw_only=True)
class Garch:
    """Days to draw from and the law of their volatility: satisfies `Dynamics`."""

    volatility: dict[str, Volatility]  # by column
    compensators: dict[str, Compensator]  # by column
    log_growth_per_day: dict[str, float]  # of the expected price, by column
    month_ends: Array  # (n_months,), days that have passed by then
    demand_token_correlation: float  # of normal scores

    @property
    def block_weeks(self) -> None:
        """None: days are drawn one by one."""

    def draw(
        self, size: int, rng: np.random.Generator
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """Draw `size` paths.

        Returns
        -------
        growth : by column, (n_months + 1, size), growth of the price, starts at 1
        scores : token, (n_months, size), the month's shocks summed, with mean 0 and variance 1
        """
        n_days, n_months = int(self.month_ends[-1]), len(self.month_ends)
        n_shocks = len(next(iter(self.volatility.values())).shocks)
        # path after path, so that a path's draws do not depend on how many paths follow
        drawn = rng.integers(n_shocks, size=(size, n_days), dtype=np.int32)
        rows = np.ascontiguousarray(drawn.T)
        del drawn
        walks = {
            name: _Walk(law, self.compensators[name], size) for name, law in self.volatility.items()
        }
        monthly = {name: np.empty((n_months, size)) for name in walks}
        scores = {"token": np.empty((n_months, size))} if "token" in walks else {}
        row, start = np.empty(size, dtype=np.intp), 0
        for month, end in enumerate(self.month_ends):
            for walk in walks.values():
                walk.begin_month()
            for day in range(start, end):
                np.copyto(row, rows[day])
                for walk in walks.values():
                    walk.step(row)
            for name, walk in walks.items():
                expected = self.log_growth_per_day[name] * (end - start)
                np.add(walk.log_return, expected, out=monthly[name][month])
            if scores:
                scores["token"][month] = walks["token"].shock_sum / np.sqrt(end - start)
            start = end
        return {name: growth_from(x, name) for name, x in monthly.items()}, scores


@dataclass(frozen=True, kw_only=True)
class Compensator:
    """log E[exp(sigma z)] of a shock z drawn from those seen: what a day must lose to be fair.

    Tabulated over sigma squared, which leaves a function so smooth that a line between knots will
    do; beyond the table it is computed.
    """

    shocks: Array  # (n_days,)
    knots_per_sigma: float
    values: Array  # (KNOTS,), log E[exp(sigma z)] / sigma^2
    slopes: Array  # (KNOTS,), to the next knot

    @classmethod
    def tabulate(cls, shocks: Array, *, highest: float) -> Compensator:
        """Tabulate volatilities from 0 to `highest`."""
        sigma = np.linspace(0, highest, KNOTS)
        values = np.full(KNOTS, shocks.var() / 2)  # the limit at 0
        values[1:] = log_mean_exp(sigma[1:], shocks) / sigma[1:] ** 2
        return cls(
            shocks=shocks,
            knots_per_sigma=(KNOTS - 1) / highest,
            values=values.astype(np.float32),
            slopes=np.diff(values, append=values[-1]).astype(np.float32),
        )


def log_mean_exp(sigma: Array, shocks: Array) -> Array:
    """Return log of the mean of exp(sigma z) over the shocks z, for each sigma."""
    result = np.empty(len(sigma))
    for start in range(0, len(sigma), KNOTS_AT_ONCE):
        some = slice(start, start + KNOTS_AT_ONCE)
        exponents = sigma[some, None] * shocks
        top = exponents.max(axis=1, keepdims=True)  # taken out, so that nothing overflows
        result[some] = np.log(np.exp(exponents - top).mean(axis=1)) + top[:, 0]
    return result


class _Walk:
    """One column's volatility and log price along all paths, a day at a time, in place.

    Single precision within a month, double from month to month.
    """

    def __init__(self, law: Volatility, compensator: Compensator, size: int) -> None:
        self.variance = np.full(size, law.ahead**2, dtype=np.float32)
        self.log_return, self.shock_sum = (np.zeros(size, dtype=np.float32) for _ in range(2))
        self._omega = np.float32(law.omega)
        self._shocks = law.shocks.astype(np.float32)
        self._factors = law.factors.astype(np.float32)
        self._compensator = compensator
        self._scale = np.float32(compensator.knots_per_sigma)
        self._sigma, self._a, self._b, self._c = (
            np.empty(size, dtype=np.float32) for _ in range(4)
        )
        self._knot = np.empty(size, dtype=np.intp)

    def begin_month(self) -> None:
        """Start the month's sums at nothing."""
        self.log_return[:] = 0
        self.shock_sum[:] = 0

    def step(self, row: Array) -> None:
        """Live through the day of the past that each path has drawn."""
        z, sigma = self._a, self._sigma
        np.sqrt(self.variance, out=sigma)
        np.take(self._shocks, row, out=z, mode="clip")  # "clip" alone writes without a copy
        self.shock_sum += z
        z *= sigma
        self.log_return += z
        self.log_return -= self._compensation()
        np.take(self._factors, row, out=z, mode="clip")
        self.variance *= z
        self.variance += self._omega

    def _compensation(self) -> Array:
        """Return log E[exp(sigma z)] at today's volatility: in a buffer that is used again."""
        between, whole, value, table = self._a, self._b, self._c, self._compensator
        np.multiply(self._sigma, self._scale, out=value)
        beyond = value.max() >= KNOTS - 1
        np.modf(value, out=(between, whole))
        np.copyto(self._knot, whole, casting="unsafe")
        np.take(table.slopes, self._knot, out=value, mode="clip")
        value *= between
        np.take(table.values, self._knot, out=whole, mode="clip")
        value += whole
        value *= self.variance
        if beyond:
            far = self._sigma >= (KNOTS - 1) / self._scale
            value[far] = log_mean_exp(self._sigma[far].astype(float), table.shocks)
        return value


def fit_garch(
    daily: pd.DataFrame,
    *,
    n_months: int,
    drift: Drift | Mapping[str, float],
    risk_free_per_year: float,
    demand_token_correlation: float = 0.0,
) -> Garch:
    """Fit the volatility of each column and keep the shocks that are left.

    Volatility starts where the last day leaves it; the constant of the fit is replaced by the
    drift.

    Parameters
    ----------
    daily : daily log returns, columns among `token` and `market`; rows with a gap are left out
    n_months : horizon
    drift : `zero`, `historical`, `shrunk` or the growth itself, see `dynamics.log_growths`
    risk_free_per_year : what `shrunk` shrinks towards
    demand_token_correlation : of normal scores, for whoever draws demand

    Raises
    ------
    InsufficientDataError : if there are fewer than 500 joint days, or a column hardly changes
    InfeasibleError : if the likelihood has no maximum that is found, or the variance it finds
        explodes
    """
    joint = joint_returns(daily, "GARCH", required=MIN_DAYS, unit="joint days")
    returns = {str(name): joint[name].to_numpy() for name in joint.columns}
    volatility = {name: fit_volatility(x, name) for name, x in returns.items()}
    ends = month_ends(n_months, steps_per_year=DAYS_PER_YEAR)
    return Garch(
        volatility=volatility,
        compensators={
            name: Compensator.tabulate(law.shocks, highest=REACH * law.highest)
            for name, law in volatility.items()
        },
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


def fit_volatility(x: Array, name: str) -> Volatility:
    """Fit GJR-GARCH(1,1) with skewed t shocks and a constant mean to daily log returns.

    Parameters
    ----------
    x : log returns of shape (n_days,), one row after the other
    name : for the text of an error

    Raises
    ------
    InfeasibleError : if the fit does not converge, or persistence is 1 or more
    """
    from arch import arch_model

    model = arch_model(100 * x, mean="Constant", p=1, o=1, q=1, dist="skewt", rescale=False)
    fit = model.fit(disp="off", show_warning=False)
    if fit.convergence_flag != 0:
        raise InfeasibleError(
            f"GARCH of {name}: the fit to {len(x):,} days does not converge; simulate with the "
            "block bootstrap instead"
        )
    omega, alpha, gamma, beta = (
        float(fit.params[key]) for key in ("omega", "alpha[1]", "gamma[1]", "beta[1]")
    )
    sigma, shock = np.asarray(fit.conditional_volatility), np.asarray(fit.resid)
    ahead = omega + (alpha + gamma * (shock[-1] < 0)) * shock[-1] ** 2 + beta * sigma[-1] ** 2
    shocks = shock / sigma
    law = Volatility(
        omega=omega / 100**2,
        alpha=alpha,
        gamma=gamma,
        beta=beta,
        ahead=float(np.sqrt(ahead)) / 100,
        highest=float(max(sigma.max(), np.sqrt(ahead))) / 100,
        shocks=(shocks - shocks.mean()) / shocks.std(),
    )
    if law.persistence >= 1:
        raise InfeasibleError(
            f"GARCH of {name}: explosive variance, persistence {law.persistence:.3f} is not below "
            "1; simulate with the block bootstrap instead"
        )
    return law
