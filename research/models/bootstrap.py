"""Months resampled from the weeks that happened: the stationary block bootstrap of joint returns.

One row of weekly returns is drawn for all columns at once, which keeps what fell together
together; consecutive rows come in blocks, which keeps persistence of volatility and trend.

References
----------
Politis and Romano (1994), Journal of the American Statistical Association 89, 1303-1313.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from research.errors import DataError, InsufficientDataError

Drift = Literal["zero", "historical", "shrunk"]
Array = NDArray[Any]

WEEKS_PER_YEAR = 365 / 7
MIN_WEEKS = 52  # a shorter regime is "too short" to be simulated from alone
MIN_DISTINCT = 10  # a series with fewer different returns is a placeholder, not a market
MIN_BLOCK_WEEKS, MAX_BLOCK_WEEKS = 4.0, 26.0
SHRINKAGE_TAU = 0.25  # prior standard deviation of a year's drift
SCORE_KNOTS = 4_096  # of a table of normal scores: finer than the ranks of a history are


@dataclass(frozen=True, kw_only=True)
class History:
    """Joint weekly log returns of one regime, and what it took to get enough of them."""

    returns: pd.DataFrame  # (n_weeks, n_columns), columns among token, market, demand
    pooled: tuple[dt.date, ...] = ()  # regime breaks inside the weeks used

    @property
    def nobs(self) -> int:
        """Joint weekly returns."""
        return len(self.returns)


@dataclass(frozen=True, kw_only=True)
class Resampler:
    """The weeks to draw from and the drift to draw them with: computed once a simulation."""

    weeks: dict[
        str, Array
    ]  # log returns by column, each of shape (n_weeks,) or (n_worlds, n_weeks)
    shift: dict[str, Array]  # added to the sum of log returns: the drift; weeks ahead come last
    month_ends: Array  # (n_months,), weeks that have passed by then
    block_weeks: float | None  # mean length of a block; None if there is nothing to resample
    demand_token_correlation: float  # of normal scores; 0 where demand is not in the history

    def draw(
        self, size: int, rng: np.random.Generator
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """Draw `size` paths; with several worlds, each lives an equal share of them, in order.

        Returns
        -------
        growth : by column but demand, (n_months + 1, size), growth of the price, starts at 1
        scores : token and demand, (n_months, size), the month's return as a standard normal score
        """
        if not self.weeks:
            return {}, {}
        worlds = {name: np.atleast_2d(x) for name, x in self.weeks.items()}
        n_worlds, n_history = next(iter(worlds.values())).shape
        world = np.arange(size) * n_worlds // size
        cumulated = self._months(worlds, (world * n_history).astype(np.int32), n_history, rng)
        lengths = np.diff(self.month_ends, prepend=0)
        scores = {
            name: _month_scores(np.diff(total, axis=0), worlds[name], lengths)
            for name, total in cumulated.items()
            if name in ("token", "demand")
        }
        growth: dict[str, Array] = {}
        for name, shift in self.shift.items():
            drift = np.atleast_2d(shift)[:, self.month_ends - 1]
            cumulated[name][1:] += drift.T[:, world] if n_worlds > 1 else drift.T
            growth[name] = np.exp(cumulated[name])
        return growth, scores

    def log_expected_growth(self) -> dict[str, float]:
        """Return the log of the expected growth of each price until the horizon, by column."""
        n_weeks = int(self.month_ends[-1])
        return {
            name: float(
                shift[-1] + log_expected_growth(self.weeks[name], n_weeks, self.block_weeks)[-1]
            )
            for name, shift in self.shift.items()
            if self.block_weeks is not None
        }

    def _months(
        self, worlds: dict[str, Array], offset: Array, n_history: int, rng: np.random.Generator
    ) -> dict[str, Array]:
        """Return log returns cumulated to the month ends, (n_months + 1, size), by column."""
        size, n_weeks = len(offset), int(self.month_ends[-1])
        cumulated = {name: np.zeros((len(self.month_ends) + 1, size)) for name in worlds}
        running = {name: np.zeros(size) for name in worlds}
        month_of = {int(week): month for month, week in enumerate(self.month_ends, start=1)}
        row, at = np.zeros(size, dtype=np.int32), np.zeros(size, dtype=np.int32)
        taken, leaving = np.empty(size), np.float32(1 / (self.block_weeks or 1.0))
        for week in range(1, n_weeks + 1):
            draw = rng.random(size, dtype=np.float32)
            row += 1
            np.copyto(row, 0, where=row == n_history)
            # a draw that leaves the block is uniform below `leaving`, so it also says where to go
            leaves = draw < leaving if week > 1 else np.True_
            draw *= np.float32(n_history / (leaving if week > 1 else 1.0))
            np.copyto(row, np.minimum(draw, n_history - 1).astype(np.int32), where=leaves)
            np.add(row, offset, out=at)
            for name, x in worlds.items():
                np.take(x.reshape(-1), at, out=taken, mode="clip")  # never outside, and unbuffered
                running[name] += taken
            if (month := month_of.get(week)) is not None:
                for name, total in running.items():
                    cumulated[name][month] = total
        return cumulated


def weekly_log_returns(prices: pd.DataFrame) -> pd.DataFrame:
    """Return joint log returns of weeks that end on Sunday.

    A week counts only if every column has a price on its Sunday and on the Sunday before:
    gaps are neither filled nor bridged.

    Parameters
    ----------
    prices : frame of shape (n_days, n_columns), closes in USD, gaps as NaN

    Raises
    ------
    DataError : if a price is zero or negative
    """
    if (prices <= 0).any(axis=None):
        raise DataError("weekly returns: a price is zero or negative; import the file again")
    daily = prices.asfreq("D")
    sundays = daily[pd.DatetimeIndex(daily.index).day_of_week == 6]
    return sundays.apply(np.log).diff().dropna()


def latest_regime(
    returns: pd.DataFrame, regimes: tuple[dt.date, ...], *, min_weeks: int = MIN_WEEKS
) -> History:
    """Return the weeks since the latest break, or since an earlier one if they are too few.

    Breaks after the last week play no part. Breaks that had to be pooled over are named in the
    result, so that a report can say so.
    """
    if returns.empty:
        return History(returns=returns)
    index = pd.DatetimeIndex(returns.index)
    crossed: list[dt.date] = []
    for start in sorted(regimes, reverse=True):
        # a week belongs to the new regime if it began on or after the break
        recent = returns[index - pd.Timedelta(days=7) >= pd.Timestamp(start, tz=index.tz)]
        if len(recent) >= min_weeks:
            return History(returns=recent, pooled=tuple(reversed(crossed)))
        if index[0].date() - dt.timedelta(days=7) < start <= index[-1].date():
            crossed.append(start)
    return History(returns=returns, pooled=tuple(reversed(crossed)))


def block_weeks(returns: pd.DataFrame) -> float:
    """Return the mean block length in weeks: the longest that a column asks for, 4 to 26.

    References
    ----------
    Politis and White (2004), Econometric Reviews 23, 53-70; Patton, Politis and White (2009),
    Econometric Reviews 28, 372-375.
    """
    from arch.bootstrap import optimal_block_length

    longest = float(optimal_block_length(returns)["stationary"].max())
    return float(np.clip(longest, MIN_BLOCK_WEEKS, MAX_BLOCK_WEEKS))


def fit_resampler(
    returns: pd.DataFrame, *, n_months: int, drift: Drift, risk_free_per_year: float
) -> Resampler:
    """Work out block length, drift and month ends.

    Parameters
    ----------
    returns : weekly log returns, columns among `token`, `market`, `demand`; may have no column
    drift : `zero` (expected price = today's price, exactly), `historical` (as resampled), or
        `shrunk` (between the historical and the risk-free growth, by how well it is known)

    Raises
    ------
    InsufficientDataError : if there are columns but fewer than 52 joint weeks, or if a column
        hardly ever changes
    """
    names = [str(name) for name in returns.columns]
    if names and len(returns) < MIN_WEEKS:
        model = f"simulation of {' and '.join(names)}"
        raise InsufficientDataError(
            model, nobs=len(returns), required=MIN_WEEKS, unit="joint weeks"
        )
    for name in names:
        if (distinct := returns[name].nunique()) < MIN_DISTINCT:
            raise InsufficientDataError(
                f"simulation of {name}",
                nobs=distinct,
                required=MIN_DISTINCT,
                unit="distinct weekly returns",
            )
    block = block_weeks(returns) if names else None
    month_ends = np.rint(np.arange(1, n_months + 1) * WEEKS_PER_YEAR / 12).astype(np.int64)
    weeks: dict[str, Array] = {name: returns[name].to_numpy(dtype=float) for name in names}
    shift = {
        name: _drift_shift(x, int(month_ends[-1]), block, drift, risk_free_per_year)
        for name, x in weeks.items()
        if name != "demand" and block is not None
    }
    correlation = 0.0
    if {"token", "demand"} <= weeks.keys():
        token, demand = (
            _normal_score(_windows(weeks[name], 4), weeks[name], 4) for name in ("token", "demand")
        )
        correlation = float(np.corrcoef(token, demand)[0, 1])
    return Resampler(
        weeks=weeks,
        shift=shift,
        month_ends=month_ends,
        block_weeks=block,
        demand_token_correlation=correlation,
    )


def _drift_shift(
    x: Array, n_weeks: int, block: float, drift: Drift, risk_free_per_year: float
) -> Array:
    """Return what to add to cumulated log returns so that the expected growth is as asked."""
    if drift == "historical":
        return np.zeros(n_weeks)
    per_year = 0.0 if drift == "zero" else shrunk_drift(x, risk_free_per_year)
    return per_year / WEEKS_PER_YEAR * np.arange(1, n_weeks + 1) - log_expected_growth(
        x, n_weeks, block
    )


def log_expected_growth(x: Array, n_weeks: int, block: float) -> Array:
    """Return the log of the expected growth after each week of resampling, (..., n_weeks).

    The expectation of a product of resampled weeks is taken exactly, dependence within blocks
    included: a week continues its block with probability 1 - 1/block, else starts anywhere.

    Parameters
    ----------
    x : weekly log returns, (..., n_history)
    """
    growth = np.exp(x)
    ahead, log_expected = np.ones_like(x), np.empty((*x.shape[:-1], n_weeks))
    for week in range(n_weeks):
        anywhere = ahead.mean(axis=-1, keepdims=True) / block
        ahead = growth * ((1 - 1 / block) * np.roll(ahead, -1, axis=-1) + anywhere)
        log_expected[..., week] = np.log(ahead.mean(axis=-1))
    return log_expected


def shrunk_drift(x: Array, risk_free_per_year: float) -> float:
    """Return a year's log growth of the expected price, shrunk towards the risk-free growth.

    Parameters
    ----------
    x : weekly log returns of shape (n_weeks,)

    References
    ----------
    Jorion (1986), Journal of Financial and Quantitative Analysis 21, 279-292: shrinking a mean
    by how well it is known.
    """
    std_error = float(x.std(ddof=1)) * WEEKS_PER_YEAR / np.sqrt(len(x))
    weight = SHRINKAGE_TAU**2 / (SHRINKAGE_TAU**2 + std_error**2)
    historical = float(np.log(np.exp(x).mean())) * WEEKS_PER_YEAR
    return float(weight * historical + (1 - weight) * np.log1p(risk_free_per_year))


def _month_scores(sums: Array, worlds: Array, lengths: Array) -> Array:
    """Return the months' returns, (n_months, size), as standard normal scores off a fine table."""
    tables: dict[int, tuple[float, float, Array]] = {}
    for length in {int(each) for each in lengths}:
        windows = np.concatenate([_windows(x, length) for x in worlds])
        knots = np.linspace(windows.min(), windows.max(), SCORE_KNOTS)
        step = float(knots[1] - knots[0])
        tables[length] = float(knots[0]), step, _score_among(np.sort(windows), knots)
    scores = np.empty_like(sums)
    for month, length in enumerate(lengths):
        lowest, step, table = tables[int(length)]
        knot = (sums[month] - lowest) * (1 / step) + 0.5
        np.clip(knot, 0, SCORE_KNOTS - 1, out=knot)
        np.take(table, knot.astype(np.int32), out=scores[month], mode="clip")
    return scores


def _windows(x: Array, length: int) -> Array:
    """Return sums of `length` consecutive weeks, the end joined to the beginning."""
    cumulated = np.concatenate([[0.0], np.cumsum(np.concatenate([x, x[: length - 1]]))])
    return np.asarray(cumulated[length:] - cumulated[:-length])


def _normal_score(sums: Array, x: Array, length: int) -> Array:
    """Return where sums of `length` weeks lie among those of the history, as standard normals."""
    return _score_among(np.sort(_windows(x, length)), sums)


def _score_among(reference: Array, sums: Array) -> Array:
    """Return the ranks of `sums` among the sorted `reference` as standard normals."""
    n = len(reference)
    below = np.searchsorted(reference, sums, side="left")
    rank = (below + np.searchsorted(reference, sums, side="right")) / (2 * n)
    return np.asarray(ndtri(np.clip(rank, 0.5 / n, 1 - 0.5 / n)))
