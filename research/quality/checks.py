"""What may be wrong with what one source says of one series: the checks that need no second one.

A check gets the rows of one source and returns findings. Its thresholds stand above; each is where
ordinary data of ours, prices of small tokens among them, stop to look like that.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research.catalogue import Catalogue, Measure
from research.counting import counted
from research.errors import DataError
from research.frames import KINDS, weakest

Level = Literal["note", "warn", "fail"]
LEVEL_NOUNS = {"fail": "failure", "warn": "warning", "note": "note"}
Days = NDArray[np.datetime64]
Values = NDArray[np.float64]
Mask = NDArray[np.bool_]

UNOBSERVED = ("assumed", "simulated")
FRESH_DAYS, OLD_DAYS = 3, 30  # age of the last day, beyond the period that it covers
LONG_GAP_DAYS, MUCH_MISSING = 7, 0.1
HOLIDAYS = 2  # weekdays in a row on which a market that closes may well be closed
JUMP = 10.0  # times the neighbour
OUTLIER_SD, OUTLIER = 10.0, np.log(1.5)  # robust standard deviations, and at least so large
MOST = 700.0  # log ratio of the largest numbers
NEIGHBOURS_DAYS = 7  # values farther apart are no neighbours
ZERO_RUN = 3
FROZEN_PRICE, FROZEN = 5, 21  # times in a row the very same value
SLIPS = np.array([2.0, 3.0, 6.0])  # powers of ten between a unit and another: cents, milli, micro
SLIP_TOLERANCE = 0.3  # powers of ten, for what a flow changes by itself
SLIP_ROWS = 7  # on each side, whose medians must differ as much


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A doubt about a series as a source tells it."""

    level: Level
    check: str  # its name, such as `stale`
    series: str
    source: str
    text: str  # a sentence with the figures
    first: dt.date | None  # days that it is about
    last: dt.date | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Told:
    """What one source says of one series, by day."""

    series: str
    source: str
    measure: Measure
    is_gpu: bool  # markets differ in what they ask for a card; a token has one price
    is_session: bool  # of a market that closes
    days: Days  # ascending
    numbers: Values
    periods: NDArray[np.int64]
    units: tuple[str, ...]  # in order of their first day
    kinds: tuple[str, ...]
    at: NDArray[np.intp]  # where its rows stand in the table

    @property
    def is_observed(self) -> bool:
        """Whether somebody saw it happen."""
        return weakest(self.kinds) not in UNOBSERVED

    @property
    def is_price(self) -> bool:
        """Whether it is the price of what is traded, which is never twice the same for long."""
        return self.measure.nature == "price" and not self.is_gpu

    @property
    def first(self) -> dt.date:
        """Its first day."""
        return _date(self.days[0])

    @property
    def last(self) -> dt.date:
        """Its last day."""
        return _date(self.days[-1])

    def finding(
        self, level: Level, check: str, text: str, first: np.datetime64, last: np.datetime64
    ) -> Finding:
        """Return a finding about this series and source."""
        return Finding(
            level=level,
            check=check,
            series=self.series,
            source=self.source,
            text=text,
            first=_date(first),
            last=_date(last),
        )


def tell(rows: pd.DataFrame, known: Catalogue) -> dict[str, list[Told]]:
    """Return what the sources say of each series, in the order in which they are read.

    That is observed before assumed and simulated, then the latest last day, then the most days,
    then the name.
    """
    # By codes in one pass: a group-by for each series takes ten times as long.
    coded = {name: pd.factorize(rows[name]) for name in ("series", "source", "unit", "kind")}
    days = rows["date"].to_numpy().astype("datetime64[D]")
    order = np.lexsort((days, coded["source"][0], coded["series"][0]))
    codes = {name: code[order] for name, (code, _) in coded.items()}
    names = {name: [str(one) for one in uniques] for name, (_, uniques) in coded.items()}
    days, numbers = days[order], rows["value"].to_numpy(dtype=float)[order]
    periods = rows["period_days"].to_numpy(dtype=np.int64)[order]
    begins = (np.diff(codes["series"]) != 0) | (np.diff(codes["source"]) != 0)
    edges = [0, *(np.flatnonzero(begins) + 1).tolist(), len(days)] if len(days) else []
    found: dict[str, list[Told]] = {}
    for begin, end in itertools.pairwise(edges):
        part = slice(begin, end)
        series = names["series"][codes["series"][begin]]
        subject, _, measure = series.partition(".")
        if measure not in known.measures:
            raise DataError(f"{series}: the catalogue has no measure {measure!r} to judge it by")
        factor = known.factors.get(subject)
        said = Told(
            series=series,
            source=names["source"][codes["source"][begin]],
            measure=known.measures[measure],
            is_gpu=subject in known.gpus,
            is_session=factor is not None and factor.calendar == "exchange-sessions",
            days=days[part],
            numbers=numbers[part],
            periods=periods[part],
            units=_distinct(codes["unit"][part], names["unit"]),
            kinds=_distinct(codes["kind"][part], names["kind"]),
            at=order[part],
        )
        found.setdefault(series, []).append(said)
    return {series: sorted(found[series], key=rank) for series in sorted(found)}


def rank(said: Told) -> tuple[bool, int, int, str]:
    """Return what sources are sorted by: the first of them is read."""
    return not said.is_observed, -said.last.toordinal(), -len(said.days), said.source


def _distinct(codes: NDArray[np.intp], names: list[str]) -> tuple[str, ...]:
    """Return the names that the codes stand for, in order of their first use."""
    if (codes == codes[0]).all():
        return (names[codes[0]],)
    return tuple(names[code] for code in dict.fromkeys(codes.tolist()))


def days_missing(
    days: Days, periods: NDArray[np.int64], *, weekdays_only: bool
) -> NDArray[np.int64]:
    """Return for each row but the first how many days before it no row's period covers."""
    before, begins = days[:-1] + 1, days[1:] - (periods[1:] - 1)
    if weekdays_only:
        counted = np.busday_count(before, begins)
    else:
        counted = (begins - before).astype(np.int64)
    return np.asarray(np.maximum(counted, 0), dtype=np.int64)


def stale(said: Told, today: dt.date) -> Iterator[Finding]:
    """Find a last day that is long ago."""
    last = said.days[-1]
    is_simulated = said.kinds == ("simulated",)  # whose time stands still
    if said.is_session:
        age = int(np.busday_count(last, np.datetime64(today)))
    else:
        age = int((np.datetime64(today) - last).astype(int))
    spare = age - (int(said.periods[-1]) - 1)
    if not is_simulated and spare > FRESH_DAYS:
        kind = "weekdays" if said.is_session else "days"
        level: Level = "fail" if spare > OLD_DAYS else "warn"
        yield said.finding(level, "stale", f"ends on {last}, {age} {kind} ago", last, last)


def gap(said: Told) -> Iterator[Finding]:
    """Days between its first and its last have no value."""
    missing = days_missing(said.days, said.periods, weekdays_only=said.is_session)
    if said.is_session:
        missing = np.where(missing <= HOLIDAYS, 0, missing)
    if not (total := int(missing.sum())):
        return
    longest = int(missing.argmax())
    first, last = said.days[longest] + 1, said.days[longest + 1] - said.periods[longest + 1]
    share = total / ((said.days[-1] - said.days[0]).astype(int) + 1)
    is_much = share > MUCH_MISSING or missing[longest] > LONG_GAP_DAYS
    text = f"{counted(total, 'day')} missing ({share:.1%}); the longest gap has {missing[longest]}"
    yield said.finding("warn" if is_much else "note", "gap", text, first, last)


def duplicate(said: Told) -> Iterator[Finding]:
    """Days that are told of twice, by one label or by periods that overlap."""
    again = np.flatnonzero(said.days[1:] == said.days[:-1])
    if again.size:
        have = "has" if again.size == 1 else "have"
        text = f"{counted(again.size, 'day')} {have} more than one value"
        spans = said.days[again]
        yield said.finding("fail", "duplicate label", text, spans[0], spans[-1])
    begins = said.days[1:] - (said.periods[1:] - 1)
    overlap = np.flatnonzero((begins <= said.days[:-1]) & (said.days[1:] > said.days[:-1]))
    if overlap.size and said.measure.nature == "flow":
        begin = "begins" if overlap.size == 1 else "begin"
        text = (
            f"{counted(overlap.size, 'period')} {begin} before the one before is over: a sum "
            "counts twice"
        )
        yield said.finding(
            "fail", "duplicate label", text, said.days[overlap[0]], said.days[overlap[-1] + 1]
        )


def steps(said: Told) -> tuple[Days, Values, Values]:
    """Return the days and sizes of values not zero, and the log ratio of each to the one before.

    It is NaN where the one before is too long ago or of the other sign.
    """
    filled = said.numbers != 0
    days, values = said.days[filled], said.numbers[filled]
    if len(days) < 2:
        return days, np.abs(values), np.full(max(len(days) - 1, 0), np.nan)
    near = (days[1:] - days[:-1]).astype(int) <= NEIGHBOURS_DAYS + said.periods[filled][1:] - 1
    usable = near & (np.sign(values[1:]) == np.sign(values[:-1]))
    logs = np.where(usable, np.diff(np.log(np.abs(values))), np.nan)
    return days, np.abs(values), logs


def unit_slip(said: Told) -> Iterator[Finding]:
    """From a day on it is a hundred, a thousand or a million times what it was, or a part of it."""
    days, values, ratios = steps(said)
    for at in slips(values, ratios):
        power = ratios[at] / np.log(10)
        nearest = SLIPS[np.abs(SLIPS - abs(power)).argmin()]
        text = (
            f"{values[at + 1]:.6g} {said.units[-1]} after {values[at]:.6g}, and stays there: "
            f"about {'' if power > 0 else '1/'}{10**nearest:,.0f} of before; is the unit the same?"
        )
        yield said.finding("fail", "unit slip", text, days[at + 1], days[-1])


def slips(values: Values, ratios: Values) -> list[int]:
    """Return after which values the level becomes that of another unit."""
    tens = ratios / np.log(10)
    found = []
    for at in np.flatnonzero(np.abs(tens) > SLIPS[0] - SLIP_TOLERANCE):
        before, after = values[max(at + 1 - SLIP_ROWS, 0) : at + 1], values[at + 1 :][:SLIP_ROWS]
        level = np.log10(np.median(after)) - np.log10(np.median(before))
        distances = [np.abs(SLIPS - abs(step)) for step in (tens[at], level)]
        nearest = distances[0].argmin()
        is_unit = all(distance[nearest] <= SLIP_TOLERANCE for distance in distances)
        if is_unit and level * tens[at] > 0:
            found.append(int(at))
    return found


def jump(said: Told, confirmed: Callable[[np.datetime64, float], bool]) -> Iterator[Finding]:
    """Many times its neighbour, or far out of what the series usually does.

    `confirmed(day, log ratio)` tells whether another source moves as much on that day.
    """
    days, values, ratios = steps(said)
    large = np.abs(ratios) > np.log(JUMP)
    large[slips(values, ratios)] = False
    for at in np.flatnonzero(large):
        is_real = confirmed(days[at + 1], float(ratios[at]))
        doubt = "another source has it too" if is_real else "no other source confirms it"
        times = f"{np.exp(min(ratios[at], MOST)):.3g} times its neighbour"
        text = f"{values[at + 1]:.6g} {said.units[-1]} after {values[at]:.6g}, {times}; {doubt}"
        suspicion: Level = "fail" if said.is_price else "warn"
        level: Level = "note" if is_real else suspicion
        yield said.finding(level, "jump", text, days[at], days[at + 1])
    usual = ratios[np.isfinite(ratios)]
    if len(usual) < 2 * SLIP_ROWS or not (robust_sd := _robust_sd(usual)):
        return
    far = np.abs(ratios - np.median(usual)) > max(OUTLIER_SD * robust_sd, OUTLIER)
    far &= np.abs(ratios) <= np.log(JUMP)
    moves = [(at, confirmed(days[at + 1], float(ratios[at]))) for at in np.flatnonzero(far)]
    alone = [at for at, is_real in moves if not is_real]
    if moves:
        most = max((at for at, _ in moves), key=lambda at: float(abs(ratios[at])))
        text = (
            f"{counted(len(moves), 'change')} beyond {OUTLIER_SD:g} robust standard deviations, "
            f"the largest {np.expm1(ratios[most]):+.0%} on {days[most + 1]}; {len(alone)} of "
            "them in no other source"
        )
        yield said.finding("note", "jump", text, days[moves[0][0] + 1], days[moves[-1][0] + 1])


def zero_run(said: Told) -> Iterator[Finding]:
    """Zero for several rows, once it had begun: nothing happened, or nothing was told."""
    is_zero = said.numbers == 0
    if not is_zero.any() or is_zero.all():
        return
    start = int((~is_zero).argmax())
    runs = [run for run in _runs(is_zero) if run[0] > start and run[1] - run[0] >= ZERO_RUN]
    if runs:
        count = sum(end - begin for begin, end in runs)
        is_rule = is_zero[start:].mean() > 0.5
        begin, end = max(runs, key=lambda run: run[1] - run[0])
        zeros = f"{counted(count, 'zero')} in {counted(len(runs), 'run')}"
        text = f"{zeros}; the longest has {end - begin}"
        level: Level = "note" if is_rule else "warn"
        yield said.finding(level, "zero run", text, said.days[begin], said.days[end - 1])


def frozen(said: Told) -> Iterator[Finding]:
    """Stays the very same for too long to be looked at anew each day."""
    least = FROZEN_PRICE if said.is_price else FROZEN
    is_same = np.r_[False, (said.numbers[1:] == said.numbers[:-1]) & (said.numbers[1:] != 0)]
    runs = [(begin - 1, end) for begin, end in _runs(is_same) if end - begin + 1 >= least]
    if runs and "assumed" not in said.kinds:
        begin, end = max(runs, key=lambda run: run[1] - run[0])
        value = f"{said.numbers[begin]:.6g} {said.units[-1]}"
        such = counted(len(runs), "such run")
        text = f"{value} {end - begin} times in a row; {such}"
        level: Level = "warn" if said.is_price else "note"
        yield said.finding(level, "frozen value", text, said.days[begin], said.days[end - 1])


def drift(said: Told) -> Iterator[Finding]:
    """Find changes of unit, kind or period on the way, or a unit that is not the measure's."""
    right, first, last = said.measure.unit, said.days[0], said.days[-1]
    if wrong := [unit for unit in said.units if unit != right]:
        text = f"counted in {' and '.join(wrong)}, where {said.measure.id} is in {right}"
        yield said.finding("fail", "schema drift", text, first, last)
    if len(said.kinds) > 1:
        kinds = ", ".join(sorted(said.kinds, key=KINDS.index))
        yield said.finding("warn", "schema drift", f"of several kinds: {kinds}", first, last)
    if len(lengths := np.unique(said.periods)) > 1:
        text = f"values of {', '.join(map(str, lengths))} days each, in one series"
        level: Level = "warn" if said.measure.nature == "flow" else "note"
        yield said.finding(level, "schema drift", text, first, last)


def _date(day: np.datetime64) -> dt.date:
    return dt.date.fromisoformat(str(day))


def _robust_sd(values: Values) -> float:
    """Return the standard deviation of a normal sample with the same median deviation."""
    return float(1.4826 * np.median(np.abs(values - np.median(values))))


def _runs(mask: Mask) -> list[tuple[int, int]]:
    """Return where `mask` is true without a break: begin, and end after the last."""
    edges = np.flatnonzero(np.diff(np.r_[False, mask, False].astype(int)))
    return [(int(begin), int(end)) for begin, end in edges.reshape(-1, 2)]
