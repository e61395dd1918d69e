"""What is known and typed in: networks, venues, hardware, tariffs, events, risks, sources.

Each figure carries its source, its date and a grade of confidence. The TOML files beside this
one are the built-in catalogue; a folder of one's own TOML files adds to it and updates it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property, lru_cache
from pathlib import Path

from research.catalogue._across import SUBJECTS, Label, Sections, labels
from research.catalogue._check import SECTIONS, check
from research.catalogue._feeds import Feed, Upstream
from research.catalogue._hardware import Gpu, PowerCap, Tariff
from research.catalogue._toml import Tree, read_files
from research.catalogue._types import (
    Assumption,
    Event,
    Factor,
    Figure,
    Identifiers,
    Measure,
    Network,
    Payout,
    Sector,
    Staking,
    Token,
    YahooSymbol,
)
from research.catalogue._venues import GRADED, RentalVenue, Risk, RiskKind, Stress, graded_kinds
from research.catalogue._words import Grade
from research.config import settings
from research.errors import CatalogueError, UsageError

__all__ = [
    "GRADED",
    "Assumption",
    "Catalogue",
    "Event",
    "Factor",
    "Feed",
    "Figure",
    "Gpu",
    "Grade",
    "Identifiers",
    "Measure",
    "Network",
    "Payout",
    "PowerCap",
    "RentalVenue",
    "Risk",
    "RiskKind",
    "Sector",
    "Staking",
    "Stress",
    "Tariff",
    "Token",
    "UnknownSubjectError",
    "Upstream",
    "YahooSymbol",
    "graded_kinds",
    "load",
]

BUILT_IN = (
    "sources.toml",
    "networks.toml",
    "hardware.toml",
    "venues.toml",
    "tariffs.toml",
    "events.toml",
    "risks.toml",
    "stresses.toml",
    "measures.toml",
    "assumptions.toml",
)
_BESIDE = tuple(Path(__file__).parent / name for name in BUILT_IN)
_A_YEAR = dt.timedelta(days=365)


class UnknownSubjectError(UsageError):
    """A symbol or id that no network, factor, sector or GPU of the catalogue has."""


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """All entries by id, in the order of the files."""

    networks: Mapping[str, Network]
    factors: Mapping[str, Factor]
    sectors: Mapping[str, Sector]
    gpus: Mapping[str, Gpu]
    venues: Mapping[str, RentalVenue]
    sources: Mapping[str, Upstream]
    tariffs: Mapping[str, Tariff]
    events: Mapping[str, Event]
    risks: Mapping[str, Risk]
    stresses: Mapping[str, Stress]
    measures: Mapping[str, Measure]
    assumptions: Mapping[str, Assumption]

    def kind_of(self, subject: str) -> str | None:
        """Return what a subject is, as measures call it: network, factor, sector or gpu."""
        return next(
            (kind for name, kind in SUBJECTS.items() if subject in getattr(self, name)), None
        )

    @cached_property
    def subjects(self) -> Mapping[str, Network | Factor | Sector | Gpu]:
        """Everything that a series can be about."""
        return {**self.networks, **self.factors, **self.sectors, **self.gpus}

    @cached_property
    def _labels(self) -> list[Label]:
        sections: Sections = {section: dict(getattr(self, section)) for section in SECTIONS}
        return labels(sections)

    def subject(self, symbol_or_id: str, day: dt.date | None = None) -> str:
        """Return the id of the network, factor, sector or GPU that a name means.

        Parameters
        ----------
        symbol_or_id : an id, a name, a symbol or an alias, in small or capital letters
        day : on which the name was used: RNDR meant Render until 2024-07-21. Without one, any
            name that a subject ever had will do, unless two subjects had it at different times.
        """
        if isinstance(day, dt.datetime):
            day = day.date()
        wanted = symbol_or_id.strip().casefold()
        spellings = {wanted, wanted.replace(" ", "-")}  # RTX 4090
        named = [label for label in self._labels if label.text.casefold() in spellings]
        right = [x for x in named if day is None or x.first <= day <= x.last]
        subjects = sorted({label.subject for label in right})
        if len(subjects) == 1:
            return subjects[0]
        raise UnknownSubjectError(self._refusal(symbol_or_id, day, named, subjects))

    def _refusal(
        self, asked: str, day: dt.date | None, named: list[Label], subjects: list[str]
    ) -> str:
        if subjects:
            return f"{asked} meant {' and '.join(subjects)} at different times; give the day"
        if named:
            spans = ", ".join(f"{x.subject} from {x.first} to {x.last}" for x in named)
            return f"{asked} means nothing on {day}; it meant {spans}"
        texts = {label.text.casefold(): label for label in self._labels}
        near = [texts[key] for key in get_close_matches(asked.strip().casefold(), texts, n=3)]
        known = ", ".join([*self.networks, *self.factors, *self.sectors, *self.gpus])
        hint = ", ".join(f"{x.text} ({x.subject})" for x in near)
        meant = f"did you mean {hint}? " if near else ""
        return f"unknown subject {asked!r}; {meant}Known ids: {known}"

    def regime_dates(self, network_id: str) -> tuple[dt.date, ...]:
        """Return the days across which nothing about a network is pooled, the oldest first."""
        network = self.subject(network_id)
        return tuple(
            sorted(x.date for x in self.events.values() if x.subject == network and x.regime)
        )

    def counted_risks(self, subject: str, day: dt.date) -> tuple[Risk, ...]:
        """Return the facts that count against a contract with a network or venue on a day.

        These are its risks; its changes of the payout rule in the year up to `day`; and its
        migrations that are announced for later. What was published after `day` does not count.
        The grade of a contract counts kinds of them, see `graded_kinds`.

        Parameters
        ----------
        subject : a network by any of its names, or the id of a venue
        """
        day = day.date() if isinstance(day, dt.datetime) else day
        place = subject if subject in self.venues else self.subject(subject, day)
        if place not in self.venues and place not in self.networks:
            known = ", ".join([*self.networks, *self.venues])
            raise UnknownSubjectError(f"{subject} is no network and no venue; accepted: {known}")
        events = (
            Risk(
                id=event.id,
                subject=place,
                kind=kind,
                summary=event.summary,
                source=event.source,
                date=event.published,
                grade=event.grade,
            )
            for event in self.events.values()
            if event.subject == place and (kind := _counted_as(event, day)) is not None
        )
        facts = [risk for risk in self.risks.values() if risk.subject == place] + list(events)
        return tuple(risk for risk in facts if risk.date <= day)


def _counted_as(event: Event, day: dt.date) -> RiskKind | None:
    """Return as which risk an event counts on a day, None if it does not."""
    if event.kind == "migration":
        return "pending-migration" if event.date > day else None
    if event.kind not in {"payout-rule", "burn-mint", "emission"}:
        return None
    return "payout-rule" if dt.timedelta(0) <= day - event.date <= _A_YEAR else None


def load(own: Path | None = None) -> Catalogue:
    """Return the built-in catalogue with one's own files laid over it.

    Parameters
    ----------
    own : folder of TOML files, read in the order of their names. Without one, the folder of the
        settings, where it exists. Its tables add entries; a table whose id exists updates that
        entry key by key, a figure and an array always as a whole.
    """
    if own is not None and not own.is_dir():
        raise CatalogueError(f"{own}: no such folder; accepted: a folder of TOML files")
    files = own_files(own)
    state = tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in files)
    return _load(built_in_files(), state)


def own_files(folder: Path | None = None) -> tuple[Path, ...]:
    """Return one's own files in the order in which they are read; see `load`."""
    folder = settings().catalogue if folder is None else folder
    return tuple(sorted(folder.glob("*.toml"))) if folder.is_dir() else ()


def built_in_files() -> tuple[Path, ...]:
    """Return the files of the built-in catalogue, in the order in which they are read.

    The folder that the settings name in place of them may be of an earlier version: it need not
    have every file, and may have others.
    """
    folder = settings().built_in
    if folder is None:
        return _BESIDE
    there = {path.name: path for path in sorted(folder.glob("*.toml"))}
    known = [there.pop(name) for name in BUILT_IN if name in there]
    return (*known, *there.values())


@lru_cache(maxsize=8)
def _load(built_in: tuple[Path, ...], own: tuple[tuple[Path, int, int], ...]) -> Catalogue:
    """Read and check; an edited file has another time or size, so it is read again."""
    tree = Tree()
    for file in read_files(built_in, shown=False):
        tree.add(file)
    for file in read_files((path for path, _, _ in own), shown=True):
        tree.add(file)
    return Catalogue(**check(tree))
