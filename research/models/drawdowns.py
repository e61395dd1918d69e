"""The falls of one price, one by one: from a peak, down, and back to it.

Episodes do not overlap: one begins on the last day at a peak and ends on the first day back at
it, so a fall and a second fall before the price is back are one episode. They are facts of the
path that was and have no interval: see `returns`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from research.errors import UsageError
from research.models.resampling import name_of, percent
from research.models.returns import drawdown


@dataclass(frozen=True, kw_only=True)
class Episode:
    """One fall, and the way back."""

    peak_day: dt.date  # last day at the peak
    trough_day: dt.date  # of the deepest close
    recovery_day: dt.date | None  # first day back at the peak; None while below it
    last_day: dt.date  # recovery day, or the last day there is
    depth: float  # in [-1, 0), share of the peak

    @property
    def days_down(self) -> int:
        """Days from peak to trough."""
        return (self.trough_day - self.peak_day).days

    @property
    def days_back(self) -> int | None:
        """Days from trough to recovery; None while below the peak."""
        return None if self.recovery_day is None else (self.recovery_day - self.trough_day).days

    @property
    def days_under_water(self) -> int:
        """Days from the peak to the recovery, or to the last day there is."""
        return (self.last_day - self.peak_day).days


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawdowns:
    """The falls of one series, the deepest first."""

    name: str
    episodes: tuple[Episode, ...]  # the deepest
    n_episodes: int  # of all, whatever their depth
    nobs: int  # days with a price
    under_water: float  # share of those days that closed below an earlier price
    losses: pd.Series[float]  # (nobs,) by UTC day, since the highest price so far, in [-1, 0]

    @property
    def now(self) -> float:
        """The loss since the highest price, on the last day, in [-1, 0]."""
        return float(self.losses.iloc[-1])

    def summary(self) -> pd.DataFrame:
        """Return one row an episode, to be read."""
        rows = [
            {
                "Peak": str(one.peak_day),
                "Trough": str(one.trough_day),
                "Back at the peak": str(one.recovery_day or "not yet"),
                "Depth": percent(one.depth),
                "Days down": f"{one.days_down:,}",
                "Days back": "–" if one.days_back is None else f"{one.days_back:,}",
            }
            for one in self.episodes
        ]
        columns = ["Peak", "Trough", "Back at the peak", "Depth", "Days down", "Days back"]
        return pd.DataFrame(rows, columns=columns).rename_axis(columns=self.name)


def drawdowns(prices: pd.Series[float], *, deepest: int = 5) -> Drawdowns:
    """Find the falls of a series of prices, and describe the deepest of them.

    Parameters
    ----------
    prices : closes labelled by UTC day, above zero, gaps allowed (NaN or no row)
    deepest : episodes to describe, fewer if there are fewer; of equal ones the earlier first

    Raises
    ------
    DataError : if a price is not above zero or the days are not ascending
    InsufficientDataError : if there is no price
    """
    if deepest < 1:
        raise UsageError(f"drawdowns: deepest is {deepest!r}; accepted are whole numbers from 1")
    losses = drawdown(prices)
    values = losses.to_numpy()
    below = values < 0
    edges = np.diff(below.astype(np.int8), prepend=0, append=0)  # the first day is never below
    begins, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    # from one fall's begin to the next's; days back at the peak, in between, are never the lowest
    depths = np.minimum.reduceat(values, begins)
    order = np.argsort(depths, kind="stable")[:deepest]
    days = [day.date() for day in pd.DatetimeIndex(losses.index)]

    def episode(begin: int, end: int) -> Episode:
        trough = begin + int(values[begin:end].argmin())
        recovered = end < len(values)
        return Episode(
            peak_day=days[begin - 1],
            trough_day=days[trough],
            recovery_day=days[end] if recovered else None,
            last_day=days[end if recovered else -1],
            depth=float(values[trough]),
        )

    return Drawdowns(
        name=name_of(prices),
        episodes=tuple(episode(int(begins[at]), int(ends[at])) for at in order),
        n_episodes=len(begins),
        nobs=len(values),
        under_water=float(below.mean()),
        losses=losses,
    )
