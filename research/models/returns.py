"""The risk and return vocabulary of one series of prices or wealth.

Returns are simple and a loss is a negative return, here and in every table. A price series may
have gaps. A return exists only between two adjacent UTC days, so a gap gives none and is never
filled; drawdown and compound growth use the levels on both of its sides. Autocorrelation is taken
at calendar positions. Series of exchange sessions or month ends have no gaps by definition: their
rows follow each other, and `periods_per_year` (252, 12) says that they do.

Intervals: see `resampling`. A drawdown has none: it is a fact of the one path that was,
resampling breaks the long runs that make it deep, and drawdowns that may come are the business of
simulated paths. Nor has Calmar, which divides by it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from research.errors import DataError, InfeasibleError, InsufficientDataError, UsageError
from research.models.resampling import (
    Array,
    Figures,
    Positions,
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
from research.models.tails import MIN_DISTINCT, cornish_fisher_quantile

DAYS_PER_YEAR = 365
TAIL = 0.05  # probability of the losses that value at risk and expected shortfall speak of
MIN_NOBS = 20  # below it the 5 % quantile is the worst return, whatever the data
MIN_NOBS_SHORTFALL_INTERVAL = 500  # with 100 returns a nominal 95 % interval covers 71 to 76 %
LJUNG_BOX_LAGS, LJUNG_BOX_SIZE = 10, 0.05
MAX_MULTIPLE = 1e9  # between two prices; beyond it a unit is wrong
FLAT = 1e-12  # a deviation per period below it is rounding, not risk


@dataclass(frozen=True, kw_only=True)
class Risk(Resampled):
    """What one series earned and what it put at stake; None where a figure does not exist."""

    name: str
    nobs: int  # returns
    missing_days: int  # UTC days of the span without a price
    first: dt.date  # of the first price
    last: dt.date  # of the last price
    periods_per_year: int
    rf_annual: float  # risk-free yield a year, the target of Sharpe and Sortino
    annual_mean_return: float  # arithmetic: mean return times periods a year
    cagr: float  # compound growth a year
    volatility: float  # standard deviation of returns a year
    log_volatility: float  # standard deviation of log returns a year, as models of prices use it
    sharpe: float | None  # a year
    sharpe_std_error: float | None  # Lo (2002), same unit
    sharpe_autocorrelated: bool  # the standard error is then HAC
    sortino: float | None  # a year, downside deviation over all returns
    max_drawdown: float  # in [-1, 0], share of the peak
    peak_day: dt.date | None
    trough_day: dt.date | None
    recovery_day: dt.date | None  # first day back at the peak; None while below it
    calmar: float | None
    value_at_risk: float  # 5 % quantile of one period's return
    expected_shortfall: float  # mean of the returns at or below that quantile
    cornish_fisher_value_at_risk: float | None  # None where the expansion is refused
    skew: float | None  # moment estimate
    excess_kurtosis: float | None  # moment estimate, 0 for the normal law

    def summary(self) -> pd.Series[str]:
        """Return one labelled line a figure, with its 95 % interval, to be read."""
        period = {365: "day", 252: "session", 12: "month"}.get(self.periods_per_year, "period")
        drawdown = percent(self.max_drawdown)
        if self.peak_day is not None:
            back = f"back on {self.recovery_day}" if self.recovery_day else "not recovered"
            drawdown += f", {self.peak_day} to {self.trough_day}, {back}"
        sharpe = self.line("sharpe", number)
        if self.sharpe_std_error is not None:
            error = "HAC SE" if self.sharpe_autocorrelated else "Lo SE"
            sharpe += f", {error} {self.sharpe_std_error:.2f}"
        refused = "refused: too few returns or too far from normal"
        lines = {
            "Span": f"{self.first} to {self.last}, {self.missing_days:,} days missing",
            "Returns": f"{self.nobs:,}, one a {period}",
            "Mean return a year": self.line("annual_mean_return", percent),
            "Compound growth a year": self.line("cagr", percent),
            "Volatility a year": self.line("volatility", percent),
            "Volatility a year, log returns": self.line("log_volatility", percent),
            "Sharpe ratio": sharpe,
            "Sortino ratio": self.line("sortino", number),
            "Maximum drawdown": drawdown,
            "Calmar ratio": self.line("calmar", number),
            f"5 % value at risk, one {period}": self.line("value_at_risk", percent),
            f"5 % expected shortfall, one {period}": self.line("expected_shortfall", percent),
            f"5 % value at risk, one {period}, Cornish-Fisher": self.line(
                "cornish_fisher_value_at_risk", percent, refused
            ),
            "Skew": self.line("skew", number),
            "Excess kurtosis": self.line("excess_kurtosis", number),
            "Intervals": self.method(),
        }
        return pd.Series(lines, name=self.name)


def simple_returns(
    prices: pd.Series[float], *, periods_per_year: int = DAYS_PER_YEAR
) -> pd.Series[float]:
    """Return P[D] / P[D-1] - 1 for each day D that has both prices.

    Parameters
    ----------
    prices : closes labelled by UTC day, above zero, gaps allowed (NaN or no row)
    periods_per_year : 365 for UTC days; any other number says that the rows follow each other
        (252 exchange sessions, 12 month ends), whatever the days between them
    """
    levels = _levels(prices)
    growth = np.abs(np.diff(np.log(np.asarray(levels, dtype=np.float64))))
    if (growth > np.log(MAX_MULTIPLE)).any():
        day = levels.index[1 + int(growth.argmax())].date()
        raise DataError(
            f"{name_of(prices)}: the price of {day} is beyond {MAX_MULTIPLE:g} times or parts of "
            "the one before it; check its unit"
        )
    adjacent = np.diff(_positions(levels, periods_per_year), prepend=-2) == 1
    returns: pd.Series[float] = (levels / levels.shift() - 1).loc[adjacent]
    return returns


def drawdown(prices: pd.Series[float]) -> pd.Series[float]:
    """Return the loss since the highest price so far, in [-1, 0], on each day with a price."""
    levels = _levels(prices)
    return levels / levels.cummax() - 1


def risk(
    prices: pd.Series[float],
    *,
    rf_annual: float = 0.0,
    periods_per_year: int = DAYS_PER_YEAR,
    replications: int = 2_000,
    seed: Seed = 0,
) -> Risk:
    """Measure return and risk of a series of prices, or of wealth.

    Parameters
    ----------
    prices : closes labelled by UTC day, above zero, gaps allowed (NaN or no row)
    rf_annual : risk-free yield a year; (1 + y)^(1 / periods_per_year) - 1 a period
    periods_per_year : 365 for UTC days; any other number says that the rows follow each other
        (252 exchange sessions, 12 month ends), whatever the days between them
    replications : bootstrap resamples
    seed : None draws one, which the result states

    Raises
    ------
    DataError : if a price is not above zero or the days are not ascending
    InsufficientDataError : if there are fewer than 20 returns or 10 different prices

    References
    ----------
    Lo (2002), Financial Analysts Journal 58(4), 36-52: the standard error of the Sharpe ratio.
    It holds for independent returns; where Ljung-Box rejects that at 5 % it is replaced by the
    Newey-West error of the ratio's influence function, as in the same paper.
    """
    if replications < 1 or periods_per_year < 1 or rf_annual <= -1:
        raise UsageError(
            "risk: accepted are replications >= 1, periods_per_year >= 1, rf_annual > -1"
        )
    name, levels = name_of(prices), _levels(prices)
    require(f"risk of {name}", levels.nunique(), MIN_DISTINCT, "different prices")
    returns = simple_returns(levels, periods_per_year=periods_per_year)
    nobs = len(returns)
    require(f"risk of {name}", nobs, MIN_NOBS, "returns between adjacent periods")

    positions, closes = _positions(levels, periods_per_year), np.asarray(levels, dtype=np.float64)
    span, adjacent = int(positions[-1]), np.diff(positions) == 1
    growth = np.log(closes[1:] / closes[:-1])
    values, log_returns = np.asarray(returns, dtype=np.float64), growth[adjacent]
    over_gaps = float(growth[~adjacent].sum())  # growth that no return holds
    rf = (1 + rf_annual) ** (1 / periods_per_year) - 1

    def figures(values: Array, log_returns: Array) -> Figures:
        log_growth = (log_returns.sum(axis=-1) + over_gaps) * (periods_per_year / span)
        with np.errstate(over="ignore"):  # an infinite growth is refused below
            cagr = np.expm1(log_growth)
        log_volatility = _risky(log_returns.std(axis=-1, ddof=1)) * periods_per_year**0.5
        of_logs = {"cagr": cagr, "log_volatility": np.nan_to_num(log_volatility)}
        return of_logs | _figures(values, rf, periods_per_year)

    point = {field: float(value) for field, value in figures(values, log_returns).items()}
    if not np.isfinite(point["cagr"]):
        raise DataError(f"{name}: growth over {span} periods, a year, is too large for a number")
    rng, stated_seed = generator(seed)
    mean_block = mean_block_of(values)
    resampled = [
        figures(values[rows], log_returns[rows])
        for rows in stationary_bootstrap(nobs, mean_block, replications, rng)
    ]
    intervals = percentile_intervals(resampled)
    if nobs < MIN_NOBS_SHORTFALL_INTERVAL:
        del intervals["expected_shortfall"]
    sharpe_std_error, autocorrelated = None, False
    if (sharpe := defined(point["sharpe"])) is not None:
        on_calendar = np.full(span, np.nan)
        on_calendar[positions[:-1][adjacent]] = values
        std_error, autocorrelated = _sharpe_std_error(on_calendar, rf)
        sharpe_std_error = std_error * periods_per_year**0.5
    max_drawdown, peak_day, trough_day, recovery_day = _worst_drawdown(levels)
    return Risk(
        name=name,
        nobs=nobs,
        missing_days=span + 1 - len(levels),
        first=levels.index[0].date(),
        last=levels.index[-1].date(),
        periods_per_year=periods_per_year,
        rf_annual=rf_annual,
        annual_mean_return=point["annual_mean_return"],
        cagr=point["cagr"],
        volatility=point["volatility"],
        log_volatility=point["log_volatility"],
        sharpe=sharpe,
        sharpe_std_error=sharpe_std_error,
        sharpe_autocorrelated=autocorrelated,
        sortino=defined(point["sortino"]),
        max_drawdown=max_drawdown,
        peak_day=peak_day,
        trough_day=trough_day,
        recovery_day=recovery_day,
        calmar=point["cagr"] / -max_drawdown if max_drawdown < 0 else None,
        value_at_risk=point["value_at_risk"],
        expected_shortfall=point["expected_shortfall"],
        cornish_fisher_value_at_risk=_cornish_fisher_value_at_risk(point, nobs, periods_per_year),
        skew=defined(point["skew"]),
        excess_kurtosis=defined(point["excess_kurtosis"]),
        intervals=intervals,
        mean_block=mean_block,
        replications=replications,
        seed=stated_seed,
    )


def _levels(prices: pd.Series[float]) -> pd.Series[float]:
    """Return the prices there are, checked."""
    name, index = name_of(prices), prices.index
    if not isinstance(index, pd.DatetimeIndex) or not (
        index.is_monotonic_increasing and index.is_unique
    ):
        raise DataError(f"{name}: the rows are not labelled by ascending days, each once")
    if index.tz is not None:
        index = index.tz_convert("UTC")
    if not (index == index.normalize()).all():
        raise DataError(f"{name}: a label is not a UTC day but a time within one")
    levels = pd.Series(prices.to_numpy(dtype=float, na_value=np.nan), index=index, name=prices.name)
    levels = levels.dropna()
    wrong = levels[~(np.isfinite(levels) & (levels > 0))]
    if len(wrong):
        raise DataError(
            f"{name}: the price of {wrong.index[0].date()} is {wrong.iloc[0]:g}, "
            "but a price is finite and above zero"
        )
    require(f"prices of {name}", len(levels), 1, "prices")
    return levels


def _positions(levels: pd.Series[float], periods_per_year: int) -> Positions:
    """Return the period of each row, from 0: calendar days, or just the row's number."""
    if periods_per_year != DAYS_PER_YEAR:
        return np.arange(len(levels))
    index = pd.DatetimeIndex(levels.index)
    return (index - index[0]).days.to_numpy(dtype=np.int64)


def _figures(returns: Array, rf: float, periods_per_year: int) -> Figures:
    """Return each figure along the last axis, by field name; NaN where it does not exist."""
    nobs, root = returns.shape[-1], periods_per_year**0.5
    mean = returns.mean(axis=-1)
    centred = returns - mean[..., None]
    squares = centred * centred
    deviation = _risky(squares.mean(axis=-1) ** 0.5)
    sample_deviation = deviation * (nobs / (nobs - 1)) ** 0.5
    shortfalls = np.minimum(returns - rf, 0)
    quantile = np.quantile(returns, TAIL, axis=-1)
    beyond = returns <= quantile[..., None]
    return {
        "annual_mean_return": mean * periods_per_year,
        "volatility": np.nan_to_num(sample_deviation) * root,
        "sharpe": (mean - rf) / sample_deviation * root,
        "sortino": (mean - rf) / _risky((shortfalls**2).mean(axis=-1) ** 0.5) * root,
        "value_at_risk": quantile,
        "expected_shortfall": (returns * beyond).sum(axis=-1) / beyond.sum(axis=-1),
        "skew": (squares * centred).mean(axis=-1) / deviation**3,
        "excess_kurtosis": (squares * squares).mean(axis=-1) / deviation**4 - 3,
    }


def _risky(deviation: Array) -> Array:
    return np.where(deviation > FLAT, deviation, np.nan)


def _sharpe_std_error(on_calendar: Array, rf: float) -> tuple[float, bool]:
    """Return the standard error of the ratio of one period, and whether it had to be HAC.

    A day without a return enters as zero deviation, so it belongs to no autocovariance.
    """
    from statsmodels.api import OLS
    from statsmodels.stats.diagnostic import acorr_ljungbox

    there = np.isfinite(on_calendar)
    nobs = int(there.sum())
    excess = on_calendar - rf
    centred = np.where(there, excess - excess[there].mean(), 0.0)
    deviation = excess[there].std(ddof=1)
    ratio = excess[there].mean() / deviation
    lags = min(LJUNG_BOX_LAGS, nobs // 5)
    pvalue = acorr_ljungbox(centred, lags=[lags])["lb_pvalue"].iloc[0]
    if pvalue >= LJUNG_BOX_SIZE:
        return float(((1 + ratio**2 / 2) / nobs) ** 0.5), False
    z = centred / deviation
    influence = np.where(there, z - ratio / 2 * (z**2 - 1), 0.0)
    newey_west = {"maxlags": int(4 * (nobs / 100) ** (2 / 9))}
    fit = OLS(influence, there.astype(float)).fit(cov_type="HAC", cov_kwds=newey_west)
    return float(fit.bse[0]), True


def _worst_drawdown(
    levels: pd.Series[float],
) -> tuple[float, dt.date | None, dt.date | None, dt.date | None]:
    """Return the deepest loss since a peak, and the days of peak, trough and recovery."""
    values = np.asarray(levels, dtype=np.float64)
    days = [day.date() for day in pd.DatetimeIndex(levels.index)]
    peaks = np.maximum.accumulate(values)
    losses = values / peaks - 1
    trough = int(losses.argmin())
    if losses[trough] == 0:
        return 0.0, None, None, None
    peak = int(np.flatnonzero(values[:trough] == peaks[trough])[-1])
    back = np.flatnonzero(values[trough:] >= peaks[trough])
    recovery = days[trough + int(back[0])] if len(back) else None
    return float(losses[trough]), days[peak], days[trough], recovery


def _cornish_fisher_value_at_risk(
    point: Mapping[str, float], nobs: int, periods_per_year: int
) -> float | None:
    try:
        z = cornish_fisher_quantile(point["skew"], point["excess_kurtosis"], TAIL, nobs=nobs)
    except (InfeasibleError, InsufficientDataError):
        return None  # the summary says that it was refused
    deviation = point["volatility"] / periods_per_year**0.5
    return float(point["annual_mean_return"] / periods_per_year + z * deviation)
