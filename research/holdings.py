"""All that a store holds, as of a time: the series that are read, and how each of them moves.

A level is the mean of the last 30 days that a series has, and a change compares it with the mean of
the 30 days before; both count from the last day of that series, which stands beside them. What is
not held is missing (None), never zero.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Protocol

import pandas as pd

import research.load as load
from research import catalogue, quality
from research.catalogue import Catalogue, Measure
from research.counting import counted
from research.errors import NoDataError
from research.frames import weakest
from research.origin import Origin, Traced
from research.quality import Finding
from research.quality.checks import Told
from research.store import Store
from research.used import doubted, noted

WINDOW_DAYS = 30
COVERED = 0.6  # of the values that a window should have: with fewer its mean is not told
CLOUDS = ("rate_cloud_usd_per_hour", "rate_aws_usd_per_hour", "rate_azure_usd_per_hour")
RATES = ("rate_usd_per_hour", *CLOUDS)


class Run(Protocol):
    """The parameters of a report, checked."""

    until: dt.date | None
    as_of: dt.datetime | None
    store: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Market:
    """All that a store holds, as of a time."""

    rows: pd.DataFrame  # `frames.Observations` of every source
    told: Mapping[str, list[Told]]  # the same by series; the first is the source that is read
    panel: pd.DataFrame  # (n_days, n_series): what is read; a series that is a day off is left out
    findings: tuple[Finding, ...]  # what is doubtful, by series
    day: dt.date  # on which the report looks at it; ages are counted to it

    @property
    def refused(self) -> tuple[Finding, ...]:
        """Why series were left out."""
        return tuple(one for one in self.findings if _is_fatal(one))

    def get(self, series: str) -> pd.Series[float] | None:
        """Return the values there are, None where the series is not held."""
        return self.panel[series].dropna() if series in self.panel else None

    def read_from(self, series: str) -> Told:
        """Return what the source said that is read."""
        return self.told[series][0]

    def age_days(self, series: str) -> int:
        """Return the days from the last value to the day of the report."""
        return (self.day - self.read_from(series).last).days

    def origin(self, *measures: str) -> Origin:
        """Return where what is shown comes from; which checks it fails is told to the report.

        Parameters
        ----------
        measures : that are shown, or whole series, or subjects; none where none is held
        """
        doubted(quality.failed(quality.concerning(self.findings, self._read(measures))))
        return self.rests_on(*measures)

    def rests_on(self, *measures: str) -> Origin:
        """Return the same of what results are not made from, such as a list of doubts."""
        read = self._read(measures)
        shown = [self._traced(name) for name in read if name in self.panel]
        left_out = [name for name in read if name not in self.panel]
        if not shown:
            note = f"catalogue; nothing of it held on {self.day}"
        else:
            days = (self.day - max(each.last for each in shown)).days
            note = f"the newest {counted(days, 'day')} before this report of {self.day}"
        return Origin.of(shown, self.findings, note=note, left_out=left_out)

    def _read(self, measures: Sequence[str]) -> dict[str, str]:
        """Return the source of each series that belongs to `measures`, left out or not."""
        return {
            name: said.source
            for name, (said, *_) in self.told.items()
            if _is_one_of(name, measures)
        }

    def _traced(self, name: str) -> Traced:
        """Return a series as it is read."""
        said = self.read_from(name)
        return SimpleNamespace(
            series=name,
            unit=said.units[-1],
            source=said.source,
            kind=weakest(said.kinds),
            first=said.first,
            last=said.last,
            known_at=self.rows["known_at"].iloc[said.at].max().to_pydatetime(),
        )


def _is_one_of(series: str, measures: Sequence[str]) -> bool:
    return bool({series, *series.split(".")} & {*measures})


def read(run: Run) -> Market:
    """Take everything that the store holds.

    Raises
    ------
    NoDataError : if the store has nothing by then
    """
    known = catalogue.load()
    rows = noted(Store(load.locate(run.store)).read(until=run.until, as_of=run.as_of))
    names = [name for name in rows["series"].unique() if _is_known(name, known)]
    rows = rows[rows["series"].isin(names)]
    if rows.empty:
        raise NoDataError(f"the store {run.store} holds nothing that could be shown")
    today = (run.as_of or dt.datetime.now(dt.UTC)).astimezone(dt.UTC).date()
    running = today if run.until is None else min(today, run.until + dt.timedelta(days=1))
    told = quality.tell(rows, known)
    findings = tuple(quality.examine(told, running))
    refused = {one.series for one in findings if _is_fatal(one)}
    columns = {
        name: pd.Series(sources[0].numbers, index=sources[0].days.astype("datetime64[ns]"))
        for name, sources in told.items()
        if name not in refused
    }
    panel = pd.DataFrame(columns).rename_axis("date")
    return Market(rows=rows, told=told, panel=panel, findings=findings, day=today)


def _is_fatal(finding: Finding) -> bool:
    return finding.level == "fail" and finding.check in quality.FATAL


def _is_known(series: str, known: Catalogue) -> bool:
    subject, _, measure = series.partition(".")
    return subject in known.subjects and measure in known.measures


def level_and_change(values: pd.Series[float]) -> tuple[float | None, float | None]:
    """Return the mean of the last 30 days and how much it is above the 30 days before, a share.

    None where a window has too few values for how often the series speaks.
    """
    if values.empty:
        return None, None
    steps = values.index.to_series().diff().dt.days.tail(2 * WINDOW_DAYS).median()
    step = 1.0 if pd.isna(steps) else float(steps)
    end, window = values.index[-1], pd.Timedelta(days=WINDOW_DAYS)
    recent = values[values.index > end - window]
    before = values[(values.index > end - 2 * window) & (values.index <= end - window)]
    needed = max(1.0, COVERED * WINDOW_DAYS / step)
    if len(recent) < needed:
        return None, None
    level = float(recent.mean())
    if len(before) < needed or before.mean() <= 0:
        return level, None
    return level, level / float(before.mean()) - 1


def flow(values: pd.Series[float], measure: Measure) -> pd.Series[float]:
    """Return a count since the beginning as what was added a day; all else as it is."""
    if measure.nature != "cumulative":
        return values
    days = values.index.to_series().diff().dt.days
    a_day: pd.Series[float] = (values.diff() / days).dropna()
    return a_day


def unit(measure: Measure, period_days: int) -> str:
    """Return the unit with the time that a flow is counted over."""
    if measure.nature == "cumulative":
        return f"{measure.unit} a day"
    if measure.nature != "flow":
        return measure.unit
    return f"{measure.unit} a day" if period_days == 1 else f"{measure.unit} in {period_days} days"


def cards(market: Market, network: str | None = None) -> pd.DataFrame:
    """Return what a GPU-hour costs, one row a card that has a rate.

    Parameters
    ----------
    network : whose rates; without one, those of the open market. A network's own rate is what it
        told itself, else what the catalogue has of it.
    """
    found = []
    for gpu in catalogue.load().gpus.values():
        series = f"{gpu.id}.rate_usd_per_hour"
        rate, last, source = None, None, None
        read = [f"{gpu.id}.{name}" for name in CLOUDS if market.get(f"{gpu.id}.{name}") is not None]
        if network is None and (values := market.get(series)) is not None:
            rate, last = float(values.iloc[-1]), values.index[-1].date()
            source = market.read_from(series).source
            read.insert(0, series)
        elif network is not None:
            own = [said for said in market.told.get(series, ()) if said.source == network]
            stated = gpu.venue_rate_usd_per_hour.get(network)
            if own:
                rate, last, source = float(own[0].numbers[-1]), own[0].last, network
                read.insert(0, series)
            elif stated is not None and stated.date <= market.day:
                rate, last, source = stated.value, stated.date, f"catalogue: {stated.source}"
        if rate is None:
            continue
        line = {"card": gpu.name, "rate": rate, "rate_last": last, "source": source, "series": read}
        found.append(line | dict(_clouds(market, gpu.id, rate)))
    return pd.DataFrame(found, columns=CARD_COLUMNS, dtype=object)


CARD_COLUMNS = [
    *("card", "rate", "rate_last", "cloud", "aws", "azure", "cloud_last", "discount", "source"),
    "series",  # names of those of the store that the row is made from
]


def shown(cards: pd.DataFrame) -> list[str]:
    """Return the names of the series that a table of `cards` is made from."""
    return [name for names in cards["series"] for name in names]


def _clouds(market: Market, gpu: str, rate: float) -> Iterator[tuple[str, Any]]:
    for name in CLOUDS:
        values = market.get(f"{gpu}.{name}")
        if values is not None:
            yield name.split("_")[1], float(values.iloc[-1])
            if name == CLOUDS[0]:
                yield "discount", 1 - rate / float(values.iloc[-1])
                yield "cloud_last", values.index[-1].date()
