"""Whether two sources of one series agree: on each value, and on which day it is.

Two right sources of a price have daily returns that correlate above 0.99 on the same day. Where
one of them labels its days wrongly, they correlate about zero, and as highly with those of the
neighbouring day: the trap of a price stamped 00:00 UTC, which is the close of the day before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from research.quality.checks import SLIPS, Days, Finding, Level, Told, Values

MIN_COMMON_DAYS = 5
DIFFERENCE_WARN, DIFFERENCE_FAIL = 0.01, 0.05  # of the one that is read
SHARE_BEYOND = 0.05  # of the common days may differ by more than DIFFERENCE_FAIL
RATIO_TOLERANCE = 0.1  # powers of ten: two sources that count in different units
LAGS = (-1, 0, 1)  # days by which the other source is later
MIN_RETURNS = 20  # common days without which a correlation says nothing
SAME = 0.99  # correlation of the daily returns of two right sources, or more
SHIFTED = 0.5  # the least at the wrong lag that a shift may show
STANDARD_ERRORS = 4.0  # by which the wrong lag must beat the right one
CLIP_SD = 6.0  # a return beyond so many robust standard deviations counts as so many
BLOCK_DAYS = 30  # so that a source that was shifted for a month is found in years that were not


@dataclass(frozen=True, kw_only=True, eq=False)
class Differences:
    """How far another source is from the one that is read, on the days that both tell of."""

    days: Days
    median: float  # absolute, as a fraction of the one that is read
    ratio: float  # median
    beyond: Days  # on which it is more than DIFFERENCE_FAIL

    @property
    def share_beyond(self) -> float:
        """Share of the common days; NaN if there are none."""
        return len(self.beyond) / len(self.days) if len(self.days) else np.nan


def differences(chosen: Told, other: Told) -> Differences:
    """Compare the values of the days, and periods, that both tell of."""
    days, here, there = np.intersect1d(chosen.days, other.days, return_indices=True)
    same_span = chosen.periods[here] == other.periods[there]
    days, one, two = (
        days[same_span],
        chosen.numbers[here][same_span],
        other.numbers[there][same_span],
    )
    if not len(days):
        return Differences(days=days, median=np.nan, ratio=np.nan, beyond=days)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        relative = np.where(one == two, 0.0, np.abs(two - one) / np.abs(one))
        ratios = np.where(one == two, 1.0, two / one)
    return Differences(
        days=days,
        median=float(np.median(relative)),
        ratio=float(np.median(ratios)),
        beyond=days[relative > DIFFERENCE_FAIL],
    )


def _is_one_quantity(said: Told) -> bool:
    """Return whether two sources must say the same: not where each speaks of its own market."""
    return not said.is_gpu and said.measure.id != "volume_usd"


def disagreement(chosen: Told, other: Told) -> Iterator[Finding]:
    """Find values too far apart for two sources of one quantity, or in two units."""
    found = differences(chosen, other)
    days = found.days
    if len(days) < MIN_COMMON_DAYS:
        return
    power = np.log10(found.ratio) if 0 < found.ratio < np.inf else 0.0
    nearest = SLIPS[np.abs(SLIPS - abs(power)).argmin()]
    if abs(abs(power) - nearest) < RATIO_TOLERANCE:
        text = (
            f"{found.ratio:.4g} times what {chosen.source} says, about 10^{nearest:g} apart: "
            "one of the two counts in another unit"
        )
        yield other.finding("fail", "unit slip", text, days[0], days[-1])
        return
    text = (
        f"differs from {chosen.source} by {found.median:.2%} in the median of {len(days)} "
        f"common days, by more than {DIFFERENCE_FAIL:.0%} on {found.share_beyond:.1%} of them"
    )
    span = found.beyond if found.share_beyond <= 0.5 else days
    if not _is_one_quantity(chosen):
        if found.median > DIFFERENCE_FAIL:
            yield other.finding("note", "disagreement", text, days[0], days[-1])
    elif found.median > DIFFERENCE_FAIL:
        yield other.finding("fail", "disagreement", text, span[0], span[-1])
    elif found.median > DIFFERENCE_WARN or found.share_beyond > SHARE_BEYOND:
        span = span if len(span) else days
        yield other.finding("warn", "disagreement", text, span[0], span[-1])


@dataclass(frozen=True, kw_only=True, eq=False)
class Lags:
    """Correlations of daily log returns, with the other source a day earlier, now, a day later."""

    whole: Values  # NaN where too few days can be paired
    shifted: int  # the lag that is clearly larger than 0 somewhere, else 0
    first: np.datetime64 | None
    last: np.datetime64 | None
    at_shift: Values  # the correlations there


def lag_correlations(chosen: Told, other: Told) -> Lags:
    """Correlate daily log returns over all common days, and month by month in search of a shift."""
    first = max(chosen.days[0], other.days[0])
    last = min(chosen.days[-1], other.days[-1])
    nothing = np.full(len(LAGS), np.nan)
    n_days = int((last - first).astype(int)) + 1
    if n_days < MIN_RETURNS:
        return Lags(whole=nothing, shifted=0, first=None, last=None, at_shift=nothing)
    one, two = (_returns(said, first, n_days) for said in (chosen, other))
    blocks = np.minimum(np.arange(n_days) // BLOCK_DAYS, max(n_days // BLOCK_DAYS - 1, 0))
    # The whole is looked at too, for series of which no month is full enough.
    for ids in (np.zeros(n_days, dtype=int), blocks):
        by_lag = [_correlations(one, two, lag, ids) for lag in LAGS]
        r, n = (np.array(part) for part in zip(*by_lag, strict=True))
        if ids is not blocks:
            whole = r[:, 0]
        larger = np.array([_is_clearly_larger(r, n, at) for at in (0, 2)])
        if larger.any():
            lag, found = (0, larger[0]) if larger[0].sum() >= larger[1].sum() else (2, larger[1])
            days = np.flatnonzero(np.isin(ids, np.flatnonzero(found)))
            worst = int(np.flatnonzero(found)[np.argmax(r[lag, found])])
            return Lags(
                whole=whole,
                shifted=LAGS[lag],
                first=first + days[0],
                last=first + days[-1],
                at_shift=r[:, worst],
            )
    return Lags(whole=whole, shifted=0, first=None, last=None, at_shift=nothing)


def _returns(said: Told, first: np.datetime64, n_days: int) -> Values:
    """Return the log return of each day from `first` on, NaN where it has no two closes.

    A return far out counts as one at the edge, so that no single day decides a correlation.
    """
    at = (said.days - first).astype(int) + 1  # the first return needs the close before it
    used = (at >= 0) & (at <= n_days) & (said.periods == 1) & (said.numbers > 0)
    closes = np.full(n_days + 1, np.nan)
    closes[at[used]] = np.log(said.numbers[used])
    returns = np.diff(closes)
    moved = returns[np.isfinite(returns) & (returns != 0)]
    if not len(moved):
        return returns
    edge = CLIP_SD * 1.4826 * float(np.median(np.abs(moved)))
    return np.clip(returns, -edge, edge)


def _correlations(
    one: Values, two: Values, lag: int, blocks: NDArray[np.int64]
) -> tuple[Values, Values]:
    """Return for each block the correlation of `one` with `two` `lag` days later, and the days."""
    n = len(one)
    here = slice(max(-lag, 0), n - max(lag, 0))
    x, y, ids = one[here], two[max(lag, 0) : n - max(-lag, 0)], blocks[here]
    paired = np.isfinite(x) & np.isfinite(y)
    x, y, ids = x[paired], y[paired], ids[paired]
    size = int(blocks[-1]) + 1
    count = np.bincount(ids, minlength=size).astype(float)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        x = x - (np.bincount(ids, x, size) / count)[ids]
        y = y - (np.bincount(ids, y, size) / count)[ids]
        spread = np.sqrt(np.bincount(ids, x * x, size) * np.bincount(ids, y * y, size))
        r = np.where(count >= MIN_RETURNS, np.bincount(ids, x * y, size) / spread, np.nan)
    return r, count


def _is_clearly_larger(r: Values, n: Values, lag: int) -> NDArray[np.bool_]:
    """Return in which blocks the correlation at a wrong lag beats that at lag 0, by Fisher's z."""
    z = np.arctanh(np.clip(r, -1 + 1e-9, 1 - 1e-9))
    std_error = np.sqrt(1 / np.maximum(n[1] - 3, 1) + 1 / np.maximum(n[lag] - 3, 1))
    is_clear = z[lag] - z[1] > STANDARD_ERRORS * std_error
    return np.asarray((r[lag] >= SHIFTED) & (r[1] < SAME) & is_clear, dtype=np.bool_)


def shifted_day(chosen: Told, other: Told) -> Iterator[Finding]:
    """Find two sources of which one labels days wrongly, be it for a month."""
    if not _is_one_quantity(chosen):
        return
    lags = lag_correlations(chosen, other)
    if lags.shifted and lags.first is not None and lags.last is not None:
        late, early = (other, chosen) if lags.shifted > 0 else (chosen, other)
        text = (
            f"daily returns of {chosen.source} and {other.source} correlate "
            f"{lags.at_shift[1]:.3f} on the same day, but {lags.at_shift[lags.shifted + 1]:.3f} "
            f"with those of {late.source} a day later: one of them is a day off. A price stamped "
            f"00:00 UTC is the close of the day before; if {late.source} stamps so, import it "
            f"again as source {late.source!r} with --stamp open; else {early.source} is too early"
        )
        level: Level = "fail" if chosen.is_price else "warn"
        yield other.finding(level, "shifted day", text, lags.first, lags.last)
    elif np.isfinite(lags.whole).all() and lags.whole[1] < min(SAME, lags.whole.max()):
        text = (
            f"daily returns correlate {lags.whole[1]:.3f} with those of {chosen.source} on the "
            f"same day, which is not the most among the neighbours ({lags.whole.max():.3f})"
        )
        yield other.finding(
            "warn",
            "shifted day",
            text,
            max(chosen.days[0], other.days[0]),
            min(chosen.days[-1], other.days[-1]),
        )
