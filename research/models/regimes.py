"""Weeks in two regimes, a calm and a turbulent one: normal within each, with its own covariance.

The token says which regime reigns (the market, where there is no token), and both columns are in
the same one: what makes the token turbulent comes with the market's covariance of such weeks.

References
----------
Hamilton (1989), Econometrica 57, 357-384; Kim (1994), Journal of Econometrics 60, 1-22: the
smoothed probabilities.
Akaike (1974), IEEE Transactions on Automatic Control 19, 716-723: what a parameter must earn.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research.errors import InfeasibleError
from research.models.bootstrap import WEEKS_PER_YEAR, Drift
from research.models.dynamics import (
    growth_from,
    joint_returns,
    loadings,
    log_growths,
    month_ends,
)

Array = NDArray[Any]

MIN_WEEKS = 104  # in a year a regime of 5 % would be less than three weeks
MIN_VARIANCE_RATIO = 1.5  # turbulent to calm
MIN_STAY_WEEKS = 2.0  # shorter, and it is single weeks that are unlike the rest: see `jumps`
MIN_WEIGHT = 0.05  # share of the weeks
# log likelihood over one normal law, which has three parameters less: Akaike's criterion. Without
# it a third of all series of normal weeks pass for two regimes, with it 1 in 50
MIN_GAIN = 3.0
# the likelihood has several peaks: where to start, as probability of staying and calm variance
STARTS = ((0.95, 0.2), (0.95, 0.6), (0.8, 0.4))


@dataclass(frozen=True, kw_only=True)
class Regimes:
    """The calm and the turbulent regime, in this order: satisfies `Dynamics`."""

    columns: tuple[str, ...]
    covariance: Array  # (2, n_columns, n_columns), of weekly log returns
    stay: Array  # (2,), probability that the next week is in the same regime
    weight: Array  # (2,), share of the weeks seen, by smoothed probability
    turbulent_now: float  # probability that the last week seen was, by what was known then
    log_growth_per_week: dict[str, float]  # of the expected price, by column
    month_ends: Array  # (n_months,), weeks that have passed by then
    demand_token_correlation: float  # of normal scores

    @property
    def block_weeks(self) -> None:
        """None: nothing is resampled."""

    @property
    def stay_weeks(self) -> Array:
        """Expected length of a stay in each regime, in weeks; infinite if none is ever left."""
        with np.errstate(divide="ignore"):
            return np.asarray(1 / (1 - self.stay))

    def draw(
        self, size: int, rng: np.random.Generator
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """Draw `size` paths, which start in the regime that the last week seen was in.

        Returns
        -------
        growth : by column, (n_months + 1, size), growth of the price, starts at 1
        scores : token, (n_months, size), the month's shocks summed: standard normal
        """
        n_weeks, n_months = int(self.month_ends[-1]), len(self.month_ends)
        for_regimes, for_shocks = rng.spawn(2)
        # path after path, so that a path's draws do not depend on how many paths follow
        chance = np.ascontiguousarray(for_regimes.random((size, n_weeks + 1)).T)
        shocks = np.ascontiguousarray(
            for_shocks.standard_normal((size, n_weeks, len(self.columns))).transpose(1, 2, 0)
        )
        load = np.stack([loadings(matrix) for matrix in self.covariance])
        fair = -np.diagonal(self.covariance, axis1=1, axis2=2) / 2  # (2, n_columns)
        monthly = {name: np.zeros((n_months, size)) for name in self.columns}
        scores = {"token": np.zeros((n_months, size))} if "token" in self.columns else {}
        regime = (chance[0] < self.turbulent_now).astype(np.intp)
        start = 0
        for month, end in enumerate(self.month_ends):
            for week in range(start, end):
                regime ^= chance[week + 1] >= self.stay[regime]
                for column, name in enumerate(self.columns):
                    total = monthly[name][month]
                    total += fair[regime, column]
                    for factor in range(column + 1):
                        total += load[regime, column, factor] * shocks[week, factor]
            for name in self.columns:
                monthly[name][month] += self.log_growth_per_week[name] * (end - start)
            if scores:  # the token is the first column, so that the first shock is its own
                scores["token"][month] = shocks[start:end, 0].sum(axis=0) / np.sqrt(end - start)
            start = end
        return {name: growth_from(x, name) for name, x in monthly.items()}, scores


def fit_regimes(
    weekly: pd.DataFrame,
    *,
    n_months: int,
    drift: Drift | Mapping[str, float],
    risk_free_per_year: float,
    demand_token_correlation: float = 0.0,
) -> Regimes:
    """Fit two regimes to weekly log returns: a common mean, a variance each.

    Simulation starts from the filtered probabilities of the last week: what was known at its
    end. The mean of the fit is replaced by the drift.

    Parameters
    ----------
    weekly : weekly log returns, columns among `token` and `market`; rows with a gap are left out
    n_months : horizon
    drift : `zero`, `historical`, `shrunk` or the growth itself, see `dynamics.log_growths`
    risk_free_per_year : what `shrunk` shrinks towards
    demand_token_correlation : of normal scores, for whoever draws demand

    Raises
    ------
    InsufficientDataError : if there are fewer than 104 joint weeks, or a column hardly changes
    InfeasibleError : if no maximum of the likelihood is found, or if the regimes it finds are
        not told apart: variances within a factor of 1.5, an expected stay below two weeks, or
        less than 5 % of the weeks, or no better than one normal law by Akaike's criterion
    """
    joint = joint_returns(weekly, "two regimes", required=MIN_WEEKS, unit="joint weeks")
    x = joint.to_numpy()
    stay, smoothed, turbulent_now, gain = _switching(x[:, 0], joint.columns[0])
    centred = x - x.mean(axis=0)
    weight = smoothed.mean(axis=0)
    covariance = np.einsum("tr,ti,tj->rij", smoothed, centred, centred)
    covariance /= smoothed.sum(axis=0)[:, None, None]
    ends = month_ends(n_months, steps_per_year=WEEKS_PER_YEAR)
    fitted = Regimes(
        columns=tuple(joint.columns),
        covariance=covariance,
        stay=stay,
        weight=weight,
        turbulent_now=turbulent_now,
        log_growth_per_week=log_growths(
            joint,
            drift=drift,
            risk_free_per_year=risk_free_per_year,
            days_per_step=7,
            n_steps=int(ends[-1]),
        ),
        month_ends=ends,
        demand_token_correlation=demand_token_correlation,
    )
    _require_told_apart(fitted, gain, len(x))
    return fitted


def _switching(x: Array, name: str) -> tuple[Array, Array, float, float]:
    """Return probabilities of staying, smoothed probabilities, the last filtered one, and gain.

    Regimes are ordered by variance, calm first; the filtered probability is the turbulent one's.
    The gain is that of log likelihood over one normal law.
    """
    from statsmodels.tools.sm_exceptions import ConvergenceWarning, EstimationWarning
    from statsmodels.tsa.regime_switching.markov_regression import MarkovRegression

    model = MarkovRegression(
        (x - x.mean()) / x.std(),
        k_regimes=2,
        trend="c",
        switching_trend=False,
        switching_variance=True,
    )
    # order: stay in 0, leave 1 for 0, mean, variances; the calm variance is below the sample's 1
    starts = [np.array([stay, 1 - stay, 0.0, calm, 2.0]) for stay, calm in STARTS]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # told by `converged` as well
        warnings.simplefilter("ignore", EstimationWarning)  # of a step on the way, put right by it
        fits = [model.fit(start_params=start, disp=False) for start in starts]
    converged = [fit for fit in fits if fit.mle_retvals["converged"] and np.isfinite(fit.llf)]
    if not converged:
        raise InfeasibleError(
            f"two regimes of {name}: the fit to {len(x):,} weeks does not converge; simulate with "
            "the block bootstrap instead"
        )
    best = max(converged, key=lambda fit: float(fit.llf))
    calm_first = np.argsort(best.params[-2:])
    stay = np.diag(best.regime_transition[:, :, 0])[calm_first]
    smoothed = best.smoothed_marginal_probabilities[:, calm_first]
    turbulent_now = float(best.filtered_marginal_probabilities[-1, calm_first[1]])
    one_normal_law = -len(x) / 2 * (np.log(2 * np.pi) + 1)  # of standardised weeks
    return stay, smoothed, turbulent_now, float(best.llf - one_normal_law)


def _require_told_apart(fitted: Regimes, gain: float, nobs: int) -> None:
    """Refuse regimes that are one and the same, single weeks, or chance."""
    ratio = fitted.covariance[1, 0, 0] / fitted.covariance[0, 0, 0]
    stay, weight = float(fitted.stay_weeks.min()), float(fitted.weight.min())
    enough = (
        ratio >= MIN_VARIANCE_RATIO
        and stay >= MIN_STAY_WEEKS
        and weight >= MIN_WEIGHT
        and gain >= MIN_GAIN
    )
    if enough:
        return
    raise InfeasibleError(
        f"two regimes of {fitted.columns[0]}: {nobs:,} weeks do not tell them apart: variance "
        f"ratio {ratio:.2f} ({MIN_VARIANCE_RATIO:g} needed), shortest expected stay {stay:.1f} "
        f"weeks ({MIN_STAY_WEEKS:g} needed), smaller share of the weeks {weight:.1%} "
        f"({MIN_WEIGHT:.0%} needed), log likelihood over one normal law {gain:+.1f} "
        f"({MIN_GAIN:+g} needed); widen the window, or use the block bootstrap instead"
    )
