"""Figures looked up for one question: each is remembered, with why anyone should believe it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Protocol

import pandas as pd

import research.load as load
from research import catalogue
from research.catalogue import Catalogue, Figure, Gpu
from research.errors import NoDataError
from research.load import Loaded
from research.models.bootstrap import Drift
from research.models.rig import PayoutKind
from research.models.sensitivity import Uncertain
from research.origin import Origin
from research.quality import Finding

SAID_ELSEWHERE = ("stale",)  # checks whose finding a case words itself
CATALOGUE_TOO = "catalogue figures and assumptions; own model"
CATALOGUE_ONLY = "catalogue figures and assumptions only; own model"
SPOKEN_WITH_A_VOWEL = "AEFHILMNORSX"  # letters at the head of a card's name that want "an"


class Run(Protocol):
    """The parameters of a report, checked; None means: take what is known."""

    network: str
    gpu: str
    gpu_count: int
    with_gpu: str | None
    with_gpu_count: int
    gpu_usd: float | None
    owned: bool
    power_cap: float
    pool_share: float | None
    token_growth_per_year: float
    capital_usd: float | None
    horizon_months: int
    tariff: str
    tariff_usd_per_kwh: float | None
    utilization: float | None
    rate_usd_per_hour: float | None
    payout: PayoutKind | None
    sell_share: float
    drift: Drift
    paths: int
    seed: int
    until: dt.date | None
    as_of: dt.datetime | None
    store: str


@dataclass(frozen=True, kw_only=True)
class Assumed:
    """One figure that went in, and why anyone should believe it."""

    name: str
    value: float
    unit: str
    low: float | None
    high: float | None
    source: str
    date: dt.date | None  # None: given for this run
    grade: str  # A to D as in the catalogue; "given" or "store" otherwise


@dataclass(frozen=True, kw_only=True)
class Grounds:
    """What a case rests on."""

    provenance: tuple[load.Provenance, ...]
    assumptions: tuple[Assumed, ...]
    doubts: tuple[Finding, ...] = ()  # whatever the checks found in these series

    @property
    def origin(self) -> Origin:
        """What its figures and tables rest on."""
        return self.origin_of(*(each.series for each in self.provenance))

    def origin_of(self, *measures: str) -> Origin:
        """Return what rests on these series, or measures of any subject, such as price_usd."""
        shown = [
            each
            for each in self.provenance
            if {each.series, each.series.partition(".")[2]} & {*measures}
        ]
        return Origin.of(shown, self.doubts, note=CATALOGUE_TOO if shown else CATALOGUE_ONLY)

    def assumption_table(self) -> pd.DataFrame:
        """Return one row a figure that went in."""
        return pd.DataFrame([asdict(each) for each in self.assumptions])

    def provenance_table(self) -> pd.DataFrame:
        """Return one row a series that went in, with what its source wants said."""
        upstreams = catalogue.load().sources
        rows = [
            asdict(each)
            | {"attribution": x.attribution if (x := upstreams.get(each.source)) else ""}
            for each in self.provenance
        ]
        return pd.DataFrame(rows)


def one(gpu: Gpu) -> str:
    """Return a card's name with its article: an H100, a GeForce RTX 4090."""
    return f"{'an' if gpu.name[0] in SPOKEN_WITH_A_VOWEL else 'a'} {gpu.name}"


class Inputs:
    """Looks figures up and remembers each one for the table of assumptions."""

    def __init__(self, run: Run, known: Catalogue) -> None:
        self.run, self.known = run, known
        self.assumed: list[Assumed] = []
        self.uncertain: list[Uncertain] = []  # of them, those whose doubt is weighed
        self.provenance: list[load.Provenance] = []
        self.doubts: list[Finding] = []
        self.notes: list[str] = []

    def figure(
        self, name: str, unit: str, figure: Figure, *, moves: str = "", scale: float = 1.0
    ) -> float:
        """Take a figure of the catalogue.

        Parameters
        ----------
        moves : the field of a question that its doubt moves, see `research.models.levers`
        scale : what the field is of the figure
        """
        if moves:
            low, high = figure.low, figure.high
            self.varies(
                moves,
                name,
                unit,
                scale * figure.value,
                None if low is None else scale * low,
                None if high is None else scale * high,
                figure.grade,
            )
        taken = Assumed(
            name=name,
            value=figure.value,
            unit=unit,
            low=figure.low,
            high=figure.high,
            source=figure.source,
            date=figure.date,
            grade=figure.grade,
        )
        if taken not in self.assumed:
            self.assumed.append(taken)
        return figure.value

    def varies(
        self,
        moves: str,
        label: str,
        unit: str,
        value: float,
        low: float | None,
        high: float | None,
        grade: str,
    ) -> None:
        """Remember that a figure is in doubt, and what it moves."""
        both = low is not None and high is not None
        self.uncertain.append(
            Uncertain(
                name=moves,
                label=label,
                unit=unit,
                value=value,
                low=low if both else None,
                high=high if both else None,
                grade=grade,
            )
        )

    def given(self, name: str, unit: str, value: float, *, moves: str = "") -> float:
        """Take a parameter of this run."""
        if moves:
            self.varies(moves, name, unit, value, None, None, "given")
        self._plain(name, unit, value, "given for this report", None, "given")
        return value

    def assumption(self, key: str, *, moves: str = "", scale: float = 1.0) -> float:
        """Take an assumption of the catalogue by its id."""
        entry = self.known.assumptions[key]
        return self.figure(entry.name, entry.unit, entry.figure, moves=moves, scale=scale)

    def stored(
        self,
        name: str,
        series: str,
        days: int,
        summary: Callable[[pd.Series[float]], float],
        *,
        moves: str = "",
    ) -> float | None:
        """Summarise the last `days` of a series, or return None where the store has none."""
        loaded = self.load(load.series, series)
        if loaded is None:
            return None
        values = loaded.frame[series].dropna()
        last = values.index[-1]
        recent = values[values.index > last - pd.Timedelta(days=days)]
        result = float(summary(recent))
        origin = loaded.provenance[0]
        source = f"{origin.source}, {len(recent)} of the last {days} days"
        self._plain(name, origin.unit, result, source, last.date(), "store")
        if moves:
            self.varies(moves, name, origin.unit, result, None, None, "store")
        return result

    def load(self, loader: Callable[..., load.Loaded], name: str) -> load.Loaded | None:
        """Ask the store, remembering what answered; None where it holds nothing."""
        run = self.run
        try:
            loaded = loader([name], store=run.store, until=run.until, as_of=run.as_of)
        except NoDataError:
            return None
        self.remember(loaded)
        return loaded

    def remember(self, loaded: Loaded) -> None:
        """Keep where a table comes from, and what the checks doubt in it."""
        self.cite(loaded)
        self.notes.extend(
            f"{doubt.series}: {doubt.text}."
            for doubt in loaded.findings
            if doubt.level != "note" and doubt.check not in SAID_ELSEWHERE
        )

    def cite(self, loaded: Loaded) -> None:
        """Keep where a table comes from and what is doubtful, once."""
        self.provenance.extend(each for each in loaded.provenance if each not in self.provenance)
        self.doubts.extend(each for each in loaded.findings if each not in self.doubts)

    def _plain(
        self, name: str, unit: str, value: float, source: str, date: dt.date | None, grade: str
    ) -> None:
        self.assumed.append(
            Assumed(
                name=name,
                value=value,
                unit=unit,
                low=None,
                high=None,
                source=source,
                date=date,
                grade=grade,
            )
        )
