"""The store as of a time, as checked tables: what the notebooks read.

A series comes from one source, never from several at once. If more than one speaks of it, that is
the one whose last day is the latest, then the one with the most days, then the first by name;
simulated and assumed figures only where there are no others. The rest are named in the provenance.
Whatever is loaded is checked: the findings say how doubtful it is; what is a day off is refused.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import pandas as pd

from research import catalogue, quality
from research.errors import NoDataError, QualityError, UsageError
from research.frames import Panel, Prices, conform, weakest
from research.origin import Origin
from research.quality import Finding
from research.store import Store
from research.used import doubted, noted

SAMPLE = "sample"  # the word for the simulated market, wherever a store is named
SHOWN = 12  # series that an error names before it only counts
STATUS = [
    "series",
    "unit",
    "kind",
    "source",
    "first",
    "last",
    "nobs",
    "missing_days",
    "age_days",
    "known_at",
]


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where one column of a table comes from."""

    series: str
    unit: str
    source: str
    kind: str  # the weakest among its rows
    first: dt.date
    last: dt.date
    nobs: int  # days with a value
    missing_days: int  # days between the first and the last without one; see `status`
    known_at: dt.datetime  # when the last of its rows came to be known
    other_sources: tuple[str, ...]  # that speak of the same series and were not used


@dataclass(frozen=True, kw_only=True, eq=False)
class Loaded:
    """A table, one row for every day from its first to its last, and where it comes from."""

    frame: pd.DataFrame
    provenance: tuple[Provenance, ...]  # of each column, in order
    findings: tuple[Finding, ...] = ()  # what is doubtful about the series, whoever tells them

    @property
    def kind(self) -> str:
        """The weakest kind among the columns."""
        return weakest(column.kind for column in self.provenance)

    @property
    def origin(self) -> Origin:
        """What a figure or table made of it names as its origin."""
        return Origin.of(self.provenance, self.findings)


def locate(store: str) -> str:
    """Return the location of a store; the word `sample` is the simulated market."""
    if store != SAMPLE:
        return store
    from research import sample

    return sample.store()


def prices(
    subjects: Sequence[str],
    *,
    store: str,
    until: dt.date | None = None,
    as_of: dt.datetime | None = None,
    strict: bool = False,
) -> Loaded:
    """Return daily closes in USD, one column a subject.

    Parameters
    ----------
    subjects : ids or symbols of networks and factors
    store : a folder, an address, or the word `sample`
    until : the last day used
    as_of : leave out what was not known by then
    strict : refuse whatever fails a check, and not only a shifted day

    Raises
    ------
    NoDataError
        The store has no price of one of them; the text says what it has, and what to do.
    QualityError
        Two sources of one of them are a day apart, so that one of them is wrong about every day.
    """
    known = catalogue.load()
    names = [f"{known.subject(subject)}.price_usd" for subject in subjects]
    frame, provenance, findings = _read(names, store, until, as_of, strict=strict)
    frame = frame.rename(columns=lambda name: name.removesuffix(".price_usd"))
    return Loaded(frame=conform(frame, Prices), provenance=provenance, findings=findings)


def series(
    names: Sequence[str],
    *,
    store: str,
    until: dt.date | None = None,
    as_of: dt.datetime | None = None,
    strict: bool = False,
) -> Loaded:
    """Return any series side by side, one column each; see `prices` for the parameters.

    Parameters
    ----------
    names : such as `akash.gpus_active`
    """
    frame, provenance, findings = _read(names, store, until, as_of, strict=strict)
    return Loaded(frame=conform(frame, Panel), provenance=provenance, findings=findings)


def findings(store: str, *, as_of: dt.datetime | None = None) -> tuple[Finding, ...]:
    """Return what is doubtful about everything that a store holds; nothing is refused."""
    rows = noted(Store(locate(store)).read(as_of=as_of))
    return tuple(quality.check(rows, catalogue.load(), _today(as_of, None)))


def reconcile(name: str, *, store: str, as_of: dt.datetime | None = None) -> pd.DataFrame:
    """Return what each source says of a series beside the one read: see `quality.reconcile`."""
    known = catalogue.load()
    name = _name(name, known)
    rows = noted(Store(locate(store)).read([name], as_of=as_of))
    return quality.reconcile(rows, name, known)


def revisions(store: str, *, as_of: dt.datetime | None = None) -> pd.DataFrame:
    """Return which values of a store were rewritten later, the latest rewriting first."""
    return quality.revisions(noted(Store(locate(store)).history(as_of=as_of)))


def status(store: str, *, as_of: dt.datetime | None = None) -> pd.DataFrame:
    """Return what a store holds, one row a series and source.

    `missing_days` counts the calendar days between the first and the last of which nothing is
    said; of markets that close, only weekdays, so that their holidays count. `age_days` is the
    number of days from the last to `as_of`, or to now.

    Parameters
    ----------
    store : a folder, an address, or the word `sample`
    as_of : leave out what was not known by then
    """
    known = catalogue.load()
    rows = Store(locate(store)).read(as_of=as_of)
    today = (as_of or dt.datetime.now(dt.UTC)).astimezone(dt.UTC).date()
    found = [
        _provenance(of_source, known, ()) for _, of_source in rows.groupby(["series", "source"])
    ]
    table = pd.DataFrame([vars(one) for one in found], columns=[*Provenance.__annotations__])
    return table.assign(age_days=[(today - one.last).days for one in found])[STATUS]


def _read(
    names: Sequence[str],
    store: str,
    until: dt.date | None,
    as_of: dt.datetime | None,
    *,
    strict: bool,
) -> tuple[pd.DataFrame, tuple[Provenance, ...], tuple[Finding, ...]]:
    """Return one column a series from the source preferred, on every day from first to last."""
    known = catalogue.load()
    wanted = list(dict.fromkeys(_name(name, known) for name in names))
    if not wanted:
        raise UsageError("name at least one series, such as akash.price_usd")
    held = Store(locate(store))
    rows = noted(held.read(wanted, until=until, as_of=as_of))
    if absent := sorted({*wanted} - {*rows["series"].unique()}, key=wanted.index):
        raise NoDataError("\n".join(_why_absent(absent, held, store, known, until, as_of)))
    told = quality.tell(rows, known)
    found = quality.examine(told, _today(as_of, until))
    fatal = [one for one in found if one.level == "fail" and (strict or one.check in quality.FATAL)]
    if fatal:
        raise QualityError("\n".join(f"{one.series}, {one.check}: {one.text}" for one in fatal))
    columns, provenance = {}, []
    for name in wanted:
        chosen, *others = told[name]
        of_source = rows.iloc[chosen.at]
        columns[name] = of_source.set_index("date")["value"]
        provenance.append(_provenance(of_source, known, tuple(one.source for one in others)))
    read = {each.series: each.source for each in provenance}
    doubted(quality.failed(quality.concerning(found, read)))
    frame = pd.DataFrame(columns).rename_axis("date")
    every_day = pd.date_range(frame.index.min(), frame.index.max(), name="date")
    return frame.reindex(index=every_day, columns=wanted), tuple(provenance), tuple(found)


def _today(as_of: dt.datetime | None, until: dt.date | None) -> dt.date:
    """Return the running day: that of `as_of`, or the one after `until` if that is earlier."""
    today = (as_of or dt.datetime.now(dt.UTC)).astimezone(dt.UTC).date()
    return today if until is None else min(today, until + dt.timedelta(days=1))


def _name(name: str, known: catalogue.Catalogue) -> str:
    subject, _, measure = name.partition(".")
    if measure not in known.measures:
        near = get_close_matches(measure, [*known.measures], n=1)
        hint = f"did you mean {subject}.{near[0]}? " if near else ""
        raise UsageError(
            f"unknown series {name!r}; {hint}a series is subject.measure, and the measures are "
            f"{', '.join(known.measures)}"
        )
    return f"{known.subject(subject)}.{measure}"


def _provenance(
    rows: pd.DataFrame, known: catalogue.Catalogue, other_sources: tuple[str, ...]
) -> Provenance:
    name, last = rows["series"].iloc[0], rows.iloc[-1]
    factor = known.factors.get(name.partition(".")[0])
    is_session = factor is not None and factor.calendar == "exchange-sessions"
    missing = quality.days_missing(
        rows["date"].to_numpy().astype("datetime64[D]"),
        rows["period_days"].to_numpy(),
        weekdays_only=is_session,
    )
    return Provenance(
        series=name,
        unit=last["unit"],
        source=last["source"],
        kind=weakest(rows["kind"].unique()),
        first=rows["date"].iloc[0].date(),
        last=last["date"].date(),
        nobs=len(rows),
        missing_days=int(missing.sum()),
        known_at=rows["known_at"].max().to_pydatetime(),
        other_sources=other_sources,
    )


def _why_absent(
    names: Iterable[str],
    held: Store,
    store: str,
    known: catalogue.Catalogue,
    until: dt.date | None,
    as_of: dt.datetime | None,
) -> list[str]:
    everything = held.read()
    holds = sorted(set(everything["series"]))
    texts = []
    for name in names:
        subject, _, measure = name.partition(".")
        network = known.networks.get(subject)
        import_it = f"`research import FILE --measure {measure} --store {store}`"
        if name in holds:
            rows = everything[everything["series"] == name]
            limits = [f"until {until}"] * (until is not None)
            limits += [f"as of {as_of}"] * (as_of is not None)
            texts.append(
                f"{name}: the store {store} has nothing of it {' and '.join(limits)}; it has days "
                f"from {rows['date'].min().date()}, known from {rows['known_at'].min()} on"
            )
        elif network is not None and network.status == "no-public-data":
            texts.append(
                f"{name}: no public data found as of {network.date} for {network.name} "
                f"({network.symbol}); if you have some, import a file: {import_it}"
            )
        else:
            more = f" and {len(holds) - SHOWN} more" if len(holds) > SHOWN else ""
            texts.append(
                f"{name}: the store {store} has nothing of it; it has "
                f"{', '.join(holds[:SHOWN]) or 'no series at all'}{more}; {import_it} adds it"
            )
    return texts
