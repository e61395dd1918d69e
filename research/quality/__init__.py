"""What may be wrong with what the store holds: findings, each with a level.

`note` is worth knowing, `warn` belongs beside every result made from it, `fail` means that results
made from it are wrong. What shows in one source alone is in `checks`, what two of them disagree on
in `agreement`; here is the rest, and all of it together. Nothing here reads a clock or a disk: the
day of today is a parameter.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from research.catalogue import Catalogue
from research.counting import counted
from research.errors import NoDataError
from research.frames import weakest
from research.quality import agreement, checks
from research.quality.agreement import DIFFERENCE_FAIL, DIFFERENCE_WARN, MIN_RETURNS, SHARE_BEYOND
from research.quality.checks import Days, Finding, Told, Values, days_missing, rank, tell
from research.used import Failed

__all__ = [
    "FATAL", "Finding", "check", "concerning", "days_missing", "examine", "failed", "reconcile",
    "revisions", "tell",
]  # fmt: skip

FATAL = frozenset({"shifted day"})  # nothing can be estimated from it, not even roughly
BETWEEN = ("disagreement", "shifted day", "unit slip")  # told of the source that is not read
EQUAL, EQUAL_SHARE = 1e-6, 0.95  # two series that are one

KEY = ["series", "source", "date"]


def check(rows: pd.DataFrame, known: Catalogue, today: dt.date) -> list[Finding]:
    """Return every doubt about `rows`, by series, the gravest first.

    Parameters
    ----------
    rows : table of `frames.Observations`, of any series and sources
    known : what units the measures have, and which markets close
    today : the running day, from which ages are counted
    """
    return examine(tell(rows, known), today)


def examine(series: Mapping[str, list[Told]], today: dt.date) -> list[Finding]:
    """Return every doubt about what is told of each series, as `tell` orders it: see `check`."""
    found = [
        finding for all_told in series.values() for finding in _findings_of_series(all_told, today)
    ]
    found += _sum_mismatches(series)
    found += _double_counts([all_told[0] for all_told in series.values()])
    gravest_first = {"fail": 0, "warn": 1, "note": 2}
    return sorted(found, key=lambda one: (one.series, gravest_first[one.level]))


def concerning(findings: Iterable[Finding], read: Mapping[str, str]) -> list[Finding]:
    """Return the findings, of the levels warn and fail, that doubt what is read.

    Parameters
    ----------
    read : the source that is read, by series; what is wrong with another source alone is left out
    """
    return [
        one
        for one in findings
        if one.level != "note"
        and one.series in read
        and (one.source == read[one.series] or one.check in BETWEEN)
    ]


def failed(findings: Iterable[Finding]) -> list[Failed]:
    """Return what makes results wrong, as a report is told of it."""
    return [
        Failed(series=one.series, source=one.source, check=one.check, text=one.text)
        for one in findings
        if one.level == "fail"
    ]


def reconcile(rows: pd.DataFrame, series: str, known: Catalogue) -> pd.DataFrame:
    """Return what each source says of one series beside what is read, one row a source.

    `median_difference` is the median absolute difference to the source that is read, as a fraction
    of it; `share_beyond` the share of the common days on which that is above 5 %. The correlations
    are of daily log returns, with the other source that many days later; two right sources have
    more than 0.99 at lag 0.

    Raises
    ------
    NoDataError
        The rows hold nothing of `series`.
    """
    all_told = tell(rows[rows["series"] == series], known).get(series, [])
    if not all_told:
        raise NoDataError(f"{series}: nothing to reconcile; no source says anything of it")
    chosen = all_told[0]
    table = []
    for other in all_told:
        difference = agreement.differences(chosen, other)
        lags = agreement.lag_correlations(chosen, other)
        table.append(
            {
                "source": other.source,
                "kind": weakest(other.kinds),
                "nobs": len(other.days),
                "first": other.first,
                "last": other.last,
                "common_days": len(difference.days),
                "median_difference": difference.median,
                "share_beyond": difference.share_beyond,
                "correlation_day_earlier": lags.whole[0],
                "correlation_same_day": lags.whole[1],
                "correlation_day_later": lags.whole[2],
                "is_chosen": other is chosen,
                "why": _why(rank(chosen), rank(other), len(all_told)),
            }
        )
    return pd.DataFrame(table)


def revisions(history: pd.DataFrame) -> pd.DataFrame:
    """Return which values were rewritten later, the latest rewriting first.

    Parameters
    ----------
    history : every row held of some series, such as `Store.history` returns, not only the latest
    """
    columns = [*KEY, "was", "now", "change", "was_known_at", "known_at"]
    rows = history.sort_values([*KEY, "known_at", "fetch_id"], ignore_index=True)
    before = rows.groupby(KEY)[["value", "known_at"]].shift()
    is_rewritten = before["value"].notna() & (before["value"] != rows["value"])
    table = rows.assign(
        was=before["value"],
        now=rows["value"],
        change=rows["value"] / before["value"].where(before["value"] != 0) - 1,
        was_known_at=before["known_at"],
    )
    latest_first = table[is_rewritten].sort_values(
        ["known_at", *KEY], ascending=[False] + [True] * 3
    )
    return latest_first[columns].reset_index(drop=True)


def _why(
    chosen: tuple[bool, int, int, str], other: tuple[bool, int, int, str], n_sources: int
) -> str:
    if n_sources == 1:
        return "read: the only source"
    if other == chosen:
        return "read: observed, then the latest last day, then the most days, then the name"
    if other[0] and not chosen[0]:
        return "not read: nobody observed it"
    if other[1] > chosen[1]:
        return f"not read: ends {counted(other[1] - chosen[1], 'day')} earlier"
    if other[2] > chosen[2]:
        return f"not read: has {counted(other[2] - chosen[2], 'day')} fewer"
    return "not read: as long and as recent, later by name"


def _findings_of_series(all_told: list[Told], today: dt.date) -> Iterator[Finding]:
    chosen, *others = all_told
    for said in all_told:
        for finding in checks.stale(said, today):
            yield finding if said is chosen else _as_note(finding)
        for one in (checks.gap, checks.duplicate, checks.unit_slip):
            yield from one(said)
        yield from checks.jump(
            said, _confirming([other for other in all_told if other is not said])
        )
        for one in (checks.zero_run, checks.frozen, checks.drift):
            yield from one(said)
    for other in others:
        if chosen.is_observed == other.is_observed:  # what nobody observed need not agree
            yield from agreement.shifted_day(chosen, other)
            yield from agreement.disagreement(chosen, other)


def _as_note(finding: Finding) -> Finding:
    return Finding(**(vars(finding) | {"level": "note"}))


def _confirming(others: Iterable[Told]) -> Callable[[np.datetime64, float], bool]:
    """Return a function that tells whether one of `others` moves half as far on a day, or more."""
    moves: dict[np.datetime64, list[float]] | None = None

    def confirmed(day: np.datetime64, ratio: float) -> bool:
        nonlocal moves
        if moves is None:  # few series have anything to confirm
            moves = {}
            for other in others:
                days, _, ratios = checks.steps(other)
                for moved, by in zip(days[1:], ratios, strict=True):
                    moves.setdefault(moved, []).append(float(by))
        return any(by / ratio >= 0.5 for by in moves.get(day, []))

    return confirmed


Parts = tuple[Values, ...]


@dataclass(frozen=True)
class _Identity:
    """What a total must be, from its parts; `scale` is what a difference is measured in."""

    total: str
    parts: tuple[str, ...]
    says: str
    expected: Callable[[Parts], Values]
    scale: Callable[[Parts], Values]


def _product(parts: Parts) -> Values:
    return parts[0] * parts[1]


def _ratio(parts: Parts) -> Values:
    return parts[0] / parts[1]


IDENTITIES = (
    _Identity(
        "net_burn",
        ("tokens_burned", "tokens_minted"),
        "tokens_burned - tokens_minted",
        lambda parts: parts[0] - parts[1],
        lambda parts: parts[0] + parts[1],
    ),
    _Identity(
        "market_cap_usd",
        ("price_usd", "supply_circulating"),
        "price_usd x supply_circulating",
        _product,
        _product,
    ),
    _Identity(
        "utilization", ("gpus_active", "gpus_total"), "gpus_active / gpus_total", _ratio, _ratio
    ),
)
NOT_ABOVE = (
    ("gpus_active", "gpus_total"),
    ("supply_circulating", "supply_total"),
    ("rate_q25_usd_per_hour", "rate_usd_per_hour"),
    ("rate_usd_per_hour", "rate_q75_usd_per_hour"),
)


def _sum_mismatches(series: Mapping[str, list[Told]]) -> Iterator[Finding]:
    """Compare each total with its parts, as one and the same source tells them."""
    held = {(name, said.source): said for name, all_told in series.items() for said in all_told}
    subjects = {(name.partition(".")[0], source) for name, source in held}
    for subject, source in sorted(subjects):

        def of(measure: str, key: tuple[str, str] = (subject, source)) -> Told | None:
            return held.get((f"{key[0]}.{measure}", key[1]))

        for identity in IDENTITIES:
            total, parts = of(identity.total), [of(part) for part in identity.parts]
            if (
                total is not None
                and (whole := [part for part in parts if part is not None]) == parts
            ):
                yield from _identity(identity, total, whole)
        for part, total_measure in NOT_ABOVE:
            small, large = of(part), of(total_measure)
            if small is not None and large is not None:
                yield from _not_above(small, large)


def _identity(identity: _Identity, total: Told, parts: list[Told]) -> Iterator[Finding]:
    days, stated, values = _common(total, parts)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        off = np.abs(stated - identity.expected(values)) / identity.scale(values)
    used = np.isfinite(off)
    days, off = days[used], off[used]
    if not len(days):
        return
    median, beyond = float(np.median(off)), days[off > DIFFERENCE_FAIL]
    share = len(beyond) / len(days)
    if median > DIFFERENCE_WARN or share > SHARE_BEYOND:
        text = (
            f"{identity.total} differs from {identity.says} by {median:.2%} in the median of "
            f"{len(days)} days, by more than {DIFFERENCE_FAIL:.0%} on {share:.1%} of them"
        )
        level: checks.Level = "fail" if median > DIFFERENCE_FAIL else "warn"
        span = beyond if len(beyond) else days
        yield total.finding(level, "sum mismatch", text, span[0], span[-1])


def _not_above(small: Told, large: Told) -> Iterator[Finding]:
    days, values, (limits,) = _common(small, [large])
    above = days[values > limits * (1 + DIFFERENCE_WARN)]
    if len(above):
        text = f"{small.measure.id} is above {large.measure.id} on {len(above)} of {len(days)} days"
        yield small.finding("warn", "sum mismatch", text, above[0], above[-1])


def _common(one: Told, others: list[Told]) -> tuple[Days, Values, Parts]:
    """Return the days that all tell of, and the values of each then."""
    days = one.days
    for other in others:
        days = np.intersect1d(days, other.days)
    values = [each.numbers[np.searchsorted(each.days, days)] for each in (one, *others)]
    return days, values[0], tuple(values[1:])


def _double_counts(chosen: Iterable[Told]) -> Iterator[Finding]:
    """Find two flows in one unit that are the same figures under two names."""
    flows = sorted(
        (said for said in chosen if said.measure.nature == "flow"), key=lambda said: said.units[-1]
    )
    for _, of_unit in itertools.groupby(flows, key=lambda said: said.units[-1]):
        for one, two in itertools.combinations(of_unit, 2):
            days, here, (there,) = _common(one, [two])
            told = (here != 0) | (there != 0)
            days, here, there = days[told], here[told], there[told]
            if len(days) < MIN_RETURNS or len(np.unique(here)) < MIN_RETURNS:
                continue
            share = float(np.isclose(here, there, rtol=EQUAL, atol=0).mean())
            if share >= EQUAL_SHARE:
                text = (
                    f"equal to {two.series} on {share:.1%} of {len(days)} days; a sum of the two "
                    "counts the same thing twice"
                )
                yield one.finding("warn", "double count", text, days[0], days[-1])
