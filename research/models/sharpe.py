"""How far a Sharpe ratio can be believed: its probability, its record, and the luck of the best.

A ratio from a short record of skewed, fat-tailed returns is uncertain, and the best of several
ratios is high by luck alone. All figures here take returns as independent of each other. Where
they are not (returns that follow their predecessors, weeks of high volatility), the doubt is
larger than stated: see the HAC standard error of `returns.risk`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd

from research.errors import DataError, InsufficientDataError, UsageError
from research.models.resampling import Array, name_of, number, require
from research.models.returns import DAYS_PER_YEAR, FLAT, MIN_NOBS
from research.models.tails import MIN_DISTINCT

CONFIDENCE = 0.95  # that a record has to reach
INDEPENDENCE = "returns taken as independent; if they are not, the doubt is larger"


@dataclass(frozen=True, kw_only=True)
class ProbabilisticSharpe:
    """How sure it is that the true Sharpe ratio is above a benchmark."""

    name: str
    nobs: int  # returns
    periods_per_year: int
    sharpe: float  # a year, of excess returns
    benchmark: float  # a year
    skew: float  # moment estimate
    kurtosis: float  # moment estimate, 3 for the normal law
    probability: float  # that the true ratio is above the benchmark
    record_needed: float | None  # returns until 95 %; None where the ratio is not above it

    def summary(self) -> pd.Series[str]:
        """Return one labelled line a figure, to be read."""
        years = self.nobs / self.periods_per_year
        needed = (
            "none: it is not above"
            if self.record_needed is None
            else f"{self.record_needed / self.periods_per_year:,.1f} years"
        )
        lines = {
            "Sharpe ratio a year": number(self.sharpe),
            f"Chance that the true ratio is above {self.benchmark:g}": _chance(self.probability),
            "Record there is": f"{years:,.1f} years, {self.nobs:,} returns",
            f"Record needed for {100 * CONFIDENCE:.0f} %": needed,
            "Skew, kurtosis": f"{number(self.skew)}, {number(self.kurtosis)}",
            "Assumed": INDEPENDENCE,
        }
        return pd.Series(lines, name=self.name)


@dataclass(frozen=True, kw_only=True)
class DeflatedSharpe:
    """How sure it is that a ratio chosen from several trials is more than the luck of the best."""

    name: str
    nobs: int  # returns
    periods_per_year: int
    sharpe: float  # a year, of excess returns
    n_trials: float  # independent ones that the ratio was chosen from
    trials_std: float  # standard deviation of the trials' ratios, a year
    luck: float  # a year: best ratio to be expected of such trials if all true ratios are 0
    probability: float  # that the true ratio is above that

    def summary(self) -> pd.Series[str]:
        """Return one labelled line a figure, to be read."""
        lines = {
            "Sharpe ratio a year": number(self.sharpe),
            "Chosen from": f"{self.n_trials:g} trials, deviation {number(self.trials_std)}",
            "Best of them by luck alone": number(self.luck),
            "Chance that the true ratio is above that": _chance(self.probability),
            "Assumed": INDEPENDENCE,
        }
        return pd.Series(lines, name=self.name)


def probability_above(
    sharpe: float, benchmark: float, *, nobs: int, skew: float, kurtosis: float
) -> float:
    """Return the probability that the true Sharpe ratio is above a benchmark.

    Phi((SR - SR*) sqrt(n - 1) / sqrt(1 - S SR + (K - 1) SR^2 / 4))

    Parameters
    ----------
    sharpe, benchmark : SR, SR*, of one period: not annual
    nobs : returns, at least 2
    skew, kurtosis : S, K of the returns; K is 3 for the normal law

    References
    ----------
    Bailey and Lopez de Prado (2012), Journal of Risk 15(2), 3-44: the probabilistic Sharpe ratio.
    """
    if nobs < 2:
        raise InsufficientDataError("Sharpe ratio", nobs=nobs, required=2, unit="returns")
    doubt = _variance(sharpe, skew, kurtosis) ** 0.5
    return NormalDist().cdf((sharpe - benchmark) * (nobs - 1) ** 0.5 / doubt)


def minimum_track_record(
    sharpe: float,
    benchmark: float,
    *,
    skew: float,
    kurtosis: float,
    confidence: float = CONFIDENCE,
) -> float | None:
    """Return how many returns it takes until the ratio is above the benchmark at a confidence.

    1 + (1 - S SR + (K - 1) SR^2 / 4) (z / (SR - SR*))^2; None where SR is not above SR*, for then
    no record is long enough.

    Parameters
    ----------
    sharpe, benchmark : SR, SR*, of one period: not annual
    skew, kurtosis : S, K of the returns; K is 3 for the normal law
    confidence : probability to be reached, above 0.5 and below 1

    References
    ----------
    Bailey and Lopez de Prado (2012), Journal of Risk 15(2), 3-44.
    """
    if not 0.5 < confidence < 1:
        raise UsageError(f"track record: confidence {confidence!r}; accepted: above 0.5, below 1")
    if sharpe <= benchmark:
        return None
    z = NormalDist().inv_cdf(confidence)
    return float(1 + _variance(sharpe, skew, kurtosis) * (z / (sharpe - benchmark)) ** 2)


def luck_of_the_best(n_trials: float, variance: float) -> float:
    """Return the highest Sharpe ratio to be expected of trials whose true ratios are all 0.

    sqrt(V) ((1 - g) Phi^-1(1 - 1/N) + g Phi^-1(1 - 1/(N e))), g the Euler-Mascheroni constant:
    the expected maximum of N normal draws, for many. It is 0 for one trial, which chose nothing.

    Parameters
    ----------
    n_trials : N, independent trials, from 1
    variance : V of the trials' ratios, whose unit squared it has

    References
    ----------
    Bailey and Lopez de Prado (2014), Journal of Portfolio Management 40(5), 94-107.
    """
    if not (n_trials >= 1 and variance >= 0):
        raise UsageError(
            f"luck of the best: {n_trials!r} trials of variance {variance!r}; accepted are trials "
            "from 1 and variances from 0"
        )
    if n_trials == 1:
        return 0.0
    normal, gamma = NormalDist(), float(np.euler_gamma)
    typical = normal.inv_cdf(1 - 1 / n_trials)
    rarer = normal.inv_cdf(1 - 1 / (n_trials * math.e))
    # the approximation falls below 0 between one trial and two, where a maximum does not
    return max(0.0, float(variance**0.5 * ((1 - gamma) * typical + gamma * rarer)))


def probabilistic_sharpe(
    returns: pd.Series[float],
    *,
    benchmark: float = 0.0,
    rf_annual: float = 0.0,
    periods_per_year: int = DAYS_PER_YEAR,
) -> ProbabilisticSharpe:
    """Measure how sure it is that the true Sharpe ratio of these returns is above a benchmark.

    Parameters
    ----------
    returns : simple returns, as `simple_returns` gives them
    benchmark : Sharpe ratio a year to be above of
    rf_annual : risk-free yield a year; (1 + y)^(1 / periods_per_year) - 1 a period
    periods_per_year : returns in a year

    Raises
    ------
    DataError : if a return is not a finite number above -1
    InsufficientDataError : if there are fewer than 20 returns or 10 different ones
    """
    name = name_of(returns)
    sharpe, skew, kurtosis = _moments(_excess(returns, rf_annual, periods_per_year, name))
    root = periods_per_year**0.5
    return ProbabilisticSharpe(
        name=name,
        nobs=len(returns),
        periods_per_year=periods_per_year,
        sharpe=sharpe * root,
        benchmark=benchmark,
        skew=skew,
        kurtosis=kurtosis,
        probability=probability_above(
            sharpe, benchmark / root, nobs=len(returns), skew=skew, kurtosis=kurtosis
        ),
        record_needed=minimum_track_record(sharpe, benchmark / root, skew=skew, kurtosis=kurtosis),
    )


def deflated_sharpe(
    returns: pd.Series[float],
    *,
    trial_sharpes: Sequence[float],
    n_independent: float | None = None,
    rf_annual: float = 0.0,
    periods_per_year: int = DAYS_PER_YEAR,
) -> DeflatedSharpe:
    """Measure how sure it is that a Sharpe ratio chosen from several is more than luck.

    Parameters
    ----------
    returns : simple returns of what was chosen, as `simple_returns` gives them
    trial_sharpes : ratios a year of everything it was chosen from, its own among them
    n_independent : how many independent trials those amount to, fewer than listed where they move
        together; None counts each
    rf_annual : risk-free yield a year; (1 + y)^(1 / periods_per_year) - 1 a period
    periods_per_year : returns in a year

    Raises
    ------
    DataError : if a return is not a finite number above -1
    InsufficientDataError : if there are fewer than 20 returns, 10 different ones, or 2 trials

    References
    ----------
    Bailey and Lopez de Prado (2014), Journal of Portfolio Management 40(5), 94-107.
    """
    name, root = name_of(returns), periods_per_year**0.5
    require(f"deflated Sharpe ratio of {name}", len(trial_sharpes), 2, "trials")
    n_trials = len(trial_sharpes) if n_independent is None else n_independent
    if not 1 <= n_trials <= len(trial_sharpes):
        raise UsageError(
            f"deflated Sharpe ratio of {name}: {n_trials!r} independent trials; accepted are 1 to "
            f"the {len(trial_sharpes)} listed"
        )
    sharpe, skew, kurtosis = _moments(_excess(returns, rf_annual, periods_per_year, name))
    trials_std = float(np.std(trial_sharpes, ddof=1))
    luck = luck_of_the_best(n_trials, trials_std**2)
    return DeflatedSharpe(
        name=name,
        nobs=len(returns),
        periods_per_year=periods_per_year,
        sharpe=sharpe * root,
        n_trials=n_trials,
        trials_std=trials_std,
        luck=luck,
        probability=probability_above(
            sharpe, luck / root, nobs=len(returns), skew=skew, kurtosis=kurtosis
        ),
    )


def _variance(sharpe: float, skew: float, kurtosis: float) -> float:
    """Return n - 1 times the variance of an estimated ratio of one period."""
    variance = 1 - skew * sharpe + (kurtosis - 1) / 4 * sharpe**2
    if not variance > 0:  # moments of real returns obey kurtosis >= 1 + skew^2
        raise UsageError(
            f"Sharpe ratio: no returns have skew {skew:g} and kurtosis {kurtosis:g}; kurtosis is 3 "
            "for the normal law, not an excess over it"
        )
    return variance


def _excess(returns: pd.Series[float], rf_annual: float, periods_per_year: int, name: str) -> Array:
    """Return the returns above the risk-free one, checked."""
    if periods_per_year < 1 or rf_annual <= -1:
        raise UsageError("Sharpe ratio: accepted are periods_per_year >= 1 and rf_annual > -1")
    values = np.asarray(returns, dtype=np.float64)
    if not (np.isfinite(values) & (values > -1)).all():
        raise DataError(f"{name}: a return is not a finite number above -1; leave gaps out")
    require(f"Sharpe ratio of {name}", len(values), MIN_NOBS, "returns")
    different = len(np.unique(values)) if len(values) and np.std(values) > FLAT else 1
    require(f"Sharpe ratio of {name}", different, MIN_DISTINCT, "different returns")
    return np.asarray(values - ((1 + rf_annual) ** (1 / periods_per_year) - 1))


def _moments(excess: Array) -> tuple[float, float, float]:
    """Return the ratio of one period, skew, and kurtosis (3 for the normal law)."""
    centred = excess - excess.mean()
    deviation = np.mean(centred**2) ** 0.5
    return (
        float(excess.mean() / excess.std(ddof=1)),
        float(np.mean(centred**3) / deviation**3),
        float(np.mean(centred**4) / deviation**4),
    )


def _chance(probability: float) -> str:
    """Return a probability as a percentage that never rounds to a certainty."""
    if probability < 0.01:
        return "under 1 %"
    return "over 99 %" if probability > 0.99 else f"{100 * probability:.0f} %"
