"""What must be the same on all machines that make reports of a run, so that the reports are.

A machine is known by what a report tells that it was made by, packages, our code and the catalogue,
and by what it sees under the paths of the run: its folder, its notebooks, the store, the reports.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from research.errors import ResearchError
from research.report import manifest
from research.report.bucket import PlaceError
from research.report.places import Place
from research.store import Store

BESIDE = ("distributed", "cloudpickle")  # packages that no report rests on, and their talk does
HASH_SHOWN = 12  # digits
ABSENT = "not there"
SAMPLE = "sample"  # the simulated market, which each machine makes for itself


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a run asks of every machine that makes reports of it."""

    run: str
    folder: Path  # that the run was started in, to which its other paths are relative
    notebooks: frozenset[str]  # absolute paths
    store: str  # that is read, as given
    usual_store: str  # that of the run's settings, after which reports are named
    version: int = 0  # of the store, which none may be behind
    out: Place  # of the reports

    @property
    def kept(self) -> Store | None:
        """The store, from whatever folder one asks; None: the simulated market."""
        if self.store == SAMPLE:
            return None
        if "://" in self.store:
            return Store(self.store)
        return Store(str(self.folder / Path(self.store).expanduser()))

    @property
    def mark(self) -> Place:
        """A file of the run among the reports, by which their folder is told from another."""
        out = self.folder / self.out if isinstance(self.out, Path) else self.out
        return out / f".{self.run}.part"


def known(terms: Terms) -> dict[str, str]:
    """Return what there is of each on this machine."""
    told = manifest.environment()
    packages = dict(told["packages"])
    for name in BESIDE:
        with suppress(importlib.metadata.PackageNotFoundError):
            packages[name] = importlib.metadata.version(name)
    return {
        **{f"package {name}": version for name, version in packages.items()},
        "our code": told["code"]["sha256"][:HASH_SHOWN],
        "the catalogue": told["catalogue"][:HASH_SHOWN],
        f"the folder {terms.folder}": "there" if terms.folder.is_dir() else ABSENT,
        **{f"the notebook {path}": _digest(Path(path)) for path in sorted(terms.notebooks)},
        f"the store {terms.store}": _seen_store(terms),
        f"the reports' folder {terms.out}": _seen_mark(terms.mark),
    }


def differences(there: Mapping[str, str], here: Mapping[str, str]) -> list[str]:
    """Return in words what is not the same there as it is here."""
    return [
        f"{what} is {there.get(what, ABSENT)}, and {here.get(what, ABSENT)} here"
        for what in dict.fromkeys([*here, *there])
        if there.get(what) != here.get(what)
    ]


def _digest(path: Path) -> str:
    """Return what tells a file from one of other content."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:HASH_SHOWN]
    except OSError:
        return ABSENT


def _seen_store(terms: Terms) -> str:
    """Return what tells the store from any other, and from an old copy."""
    store = terms.kept
    if store is None:
        return "the simulated market"
    try:
        if not store.exists():
            return ABSENT
        version = store.version()
        return store.id() if version >= terms.version else f"an old copy, of version {version}"
    except ResearchError as error:
        return f"none that can be read ({error})"


def _seen_mark(mark: Place) -> str:
    """Say whether the folder of a mark is that of the run, and may be written to."""
    own = mark.with_name(f".{uuid.uuid4().hex}.part")
    try:
        if not mark.is_file():
            return "another folder" if mark.parent.is_dir() else ABSENT
        own.write_bytes(b"")
        own.unlink()
    except (OSError, PlaceError) as error:
        return f"not to be written to ({getattr(error, 'strerror', None) or error})"
    return "there"
