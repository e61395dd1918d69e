"""The far end of the losses: what a fitted law says beyond the returns that were seen."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd

from research.errors import DataError, InfeasibleError, UsageError
from research.models.resampling import (
    Array,
    Figures,
    Resampled,
    Seed,
    defined,
    generator,
    mean_block_of,
    name_of,
    number,
    percent,
    percentile_intervals,
    require,
    stationary_bootstrap,
)

MIN_DISTINCT = 10  # a series with fewer different values is a placeholder, not a market
MIN_NOBS_CORNISH_FISHER = 250
MIN_EXCEEDANCES = 50
THRESHOLD = 0.90  # quantile of the losses beyond which a generalized Pareto law is fitted
MIN_SHAPE = -0.5  # at and below it maximum likelihood is not regular: Smith (1985)
MAX_SHAPE_FOR_SHORTFALL = 0.5  # from there on excesses have no variance


@dataclass(frozen=True, kw_only=True)
class Tail(Resampled):
    """The far tail of a series' losses by the generalized Pareto law, written as returns."""

    name: str
    nobs: int  # returns
    level: float  # probability of a worse return than the value at risk
    threshold: float  # return; losses beyond it are fitted
    exceedances: int
    shape: float  # xi; 0 is an exponential tail, larger is heavier
    scale: float  # beta, in units of return
    value_at_risk: float  # return
    expected_shortfall: float | None  # return; None where the shape is 0.5 or more, or below -1

    def summary(self) -> pd.Series[str]:
        """Return one labelled line a figure, with its 95 % interval, to be read."""
        level, heavy = f"{100 * self.level:g} %", "not printed: the tail is too heavy"
        lines = {
            "Losses fitted": f"{self.exceedances:,} of {self.nobs:,} returns, "
            f"below {percent(self.threshold)}",
            "Shape": self.line("shape", number),
            f"{level} value at risk": self.line("value_at_risk", percent),
            f"{level} expected shortfall": self.line("expected_shortfall", percent, heavy),
            "Intervals": self.method(),
        }
        return pd.Series(lines, name=self.name)


def cornish_fisher_quantile(
    skew: float, excess_kurtosis: float, level: float, *, nobs: int
) -> float:
    """Return a quantile in standard deviations from the mean, corrected for skew and kurtosis.

    Parameters
    ----------
    skew, excess_kurtosis : moment estimates
    level : probability of a lower value
    nobs : observations that the moments were estimated from

    Raises
    ------
    InsufficientDataError : if the moments rest on fewer than 250 observations
    InfeasibleError : if the expansion falls anywhere in [-3, 3]: it is then no quantile function

    References
    ----------
    Cornish and Fisher (1938), Revue de l'Institut International de Statistique 5, 307-320.
    """
    require("Cornish-Fisher quantile", nobs, MIN_NOBS_CORNISH_FISHER, "returns")
    s, k = skew, excess_kurtosis
    # the slope of the expansion below is a parabola: it is lowest at its turn or at an end
    constant, linear, square = 1 - k / 8 + 5 * s**2 / 36, s / 3, k / 8 - s**2 / 6
    turn = min(max(-linear / (2 * square), -3.0), 3.0) if square > 0 else 0.0
    slopes = [constant + linear * z + square * z**2 for z in (-3.0, turn, 3.0)]
    if not np.isfinite(slopes).all() or min(slopes) <= 0:
        raise InfeasibleError(
            f"Cornish-Fisher quantile: skew {s:.2f} and excess kurtosis {k:.2f} are too far from "
            "the normal law; use the empirical quantile"
        )
    z = NormalDist().inv_cdf(level)
    return float(z + (z**2 - 1) * s / 6 + (z**3 - 3 * z) * k / 24 - (2 * z**3 - 5 * z) * s**2 / 36)


def tail(
    returns: pd.Series[float],
    *,
    level: float = 0.01,
    replications: int = 200,
    seed: Seed = 0,
) -> Tail:
    """Fit a generalized Pareto law to the losses beyond their 90 % quantile.

    Parameters
    ----------
    returns : simple returns, as `simple_returns` gives them
    level : probability of a worse return, below 0.1
    replications : bootstrap resamples, each of which is fitted anew, threshold included
    seed : None draws one, which the result states

    Raises
    ------
    DataError : if a return is not a finite number above -1
    InsufficientDataError : if fewer than 50 losses lie beyond the threshold
    InfeasibleError : if no such law fits, or its value at risk is more than all there is to lose

    References
    ----------
    McNeil and Frey (2000), Journal of Empirical Finance 7, 271-300.
    """
    if replications < 1 or not 0 < level < 1 - THRESHOLD:
        raise UsageError("tail: accepted are replications >= 1 and 0 < level < 0.1")
    name, values = name_of(returns), np.asarray(returns, dtype=np.float64)
    if not (np.isfinite(values) & (values > -1)).all():
        raise DataError(f"{name}: a return is not a finite number above -1; leave gaps out")
    require(f"tail of {name}", len(np.unique(values)), MIN_DISTINCT, "different returns")
    beyond = int((-values > np.quantile(-values, THRESHOLD)).sum())
    require(f"tail of {name}", beyond, MIN_EXCEEDANCES, "losses beyond the threshold")

    fitted = _pareto_tail(values, level)
    point = {field: float(value) for field, value in fitted.items()}
    if point["shape"] <= MIN_SHAPE or np.isnan(point["value_at_risk"]):
        raise InfeasibleError(
            f"tail of {name}: the fitted shape {point['shape']:.2f} is not above {MIN_SHAPE}, or "
            f"the {100 * level:g} % value at risk is more than all; use the empirical quantile"
        )
    if point["shape"] >= MAX_SHAPE_FOR_SHORTFALL:
        point["expected_shortfall"] = np.nan
    rng, stated_seed = generator(seed)
    mean_block = mean_block_of(values)
    intervals = percentile_intervals(
        [
            _pareto_tail(row, level, start=fitted)
            for rows in stationary_bootstrap(len(values), mean_block, replications, rng)
            for row in values[rows]
        ]
    )
    if np.isnan(point["expected_shortfall"]):
        intervals.pop("expected_shortfall", None)
    return Tail(
        name=name,
        nobs=len(values),
        level=level,
        threshold=point["threshold"],
        exceedances=beyond,
        shape=point["shape"],
        scale=point["scale"],
        value_at_risk=point["value_at_risk"],
        expected_shortfall=defined(point["expected_shortfall"]),
        intervals=intervals,
        mean_block=mean_block,
        replications=replications,
        seed=stated_seed,
    )


def _pareto_tail(returns: Array, level: float, start: Figures | None = None) -> Figures:
    """Return shape, scale, value at risk and expected shortfall beyond the threshold.

    What lies beyond the loss of everything does not exist and is NaN.
    """
    from scipy.stats import genpareto

    losses = -returns
    threshold = np.quantile(losses, THRESHOLD)
    excesses = losses[losses > threshold] - threshold
    if start is None:  # near the exponential law, whose scale is the mean
        start = {"shape": np.asarray(0.1), "scale": 0.9 * excesses.mean()}
    shape, _, scale = genpareto.fit(excesses, start["shape"], floc=0, scale=start["scale"])
    log_odds = np.log(len(excesses) / (len(losses) * level))
    reach = log_odds if shape == 0 else np.expm1(shape * log_odds) / shape
    value_at_risk = threshold + scale * reach
    shortfall = (value_at_risk + scale - shape * threshold) / (1 - shape) if shape < 1 else np.inf
    return {
        "threshold": np.asarray(-threshold),
        "shape": np.asarray(shape),
        "scale": np.asarray(scale),
        "value_at_risk": np.where(value_at_risk <= 1, -value_at_risk, np.nan),
        "expected_shortfall": np.where(shortfall <= 1, -shortfall, np.nan),
    }
