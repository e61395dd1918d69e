"""What was done of a schedule: one file in the folder of its reports, written last and atomically.

Runs side by side lose nothing of each other, see `keeping`. What a run is about to make is noted
before, so that the next one finds out what a killed run published.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from filelock import Timeout
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from research.errors import ResearchError
from research.report.places import Place
from research.unattended.generations import Generations
from research.unattended.keeping import InFile, Kept, Numbered
from research.unattended.leases import Lease, lock
from research.unattended.locks import Lock

FOLDER = ".state"  # within the folder of the reports; nothing in it is published
TRIES = 20  # of writing, where another run may be quicker


class StateError(ResearchError):
    """The state cannot be written; nothing is begun then."""


class BrokenStateError(StateError):
    """The state is not what we wrote, such as a file cut short."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Started(_Part):
    """A report that a run is about to make."""

    period: AwareDatetime
    at: AwareDatetime
    file: str  # name of its page


class Failure(_Part):
    """Why the last try of a report came to nothing."""

    period: AwareDatetime | None = None  # of one asked for by hand, none is written
    at: AwareDatetime
    state: str
    reason: str
    attempts: int


class Record(_Part):
    """What is known of one report."""

    settled: AwareDatetime | None = None  # see `periods.due`
    done: tuple[AwareDatetime, ...] = ()  # periods
    period: AwareDatetime | None = None  # the last that was done
    finished_at: AwareDatetime | None = None  # of the last success
    page: str | None = None  # of the last success, a name
    failure: Failure | None = None  # since the last success
    started: tuple[Started, ...] = ()  # and not known to be finished


class State(_Part):
    """All of a schedule's reports."""

    version: Literal[1] = 1
    reports: dict[str, Record] = {}


@dataclass(frozen=True)
class Ledger:
    """The state in a folder of reports."""

    out: Place

    @property
    def folder(self) -> Place:
        """Where it is kept, with the locks and the log."""
        return self.out / FOLDER

    @property
    def path(self) -> Place:
        """The file; on an object store the folder of its numbers."""
        return self.folder / ("state.json" if isinstance(self.folder, Path) else "state")

    @property
    def kept(self) -> Kept:
        """How it is kept."""
        path = self.path
        return InFile(path) if isinstance(path, Path) else Numbered(Generations(path))

    @property
    def locks(self) -> Place:
        """Where the locks are, and who holds them."""
        return self.folder / "locks"

    def lock(self, entry: str) -> Lock | Lease:
        """Return the lock of an entry of the schedule."""
        return lock(self.locks, entry)

    def read(self) -> State:
        """Return what is known; nothing, if there is no file.

        Raises
        ------
        BrokenStateError : if it is not what we wrote
        """
        return self._read(self.kept)

    def _read(self, kept: Kept) -> State:
        try:
            content = kept.read()
        except OSError as error:
            raise StateError(f"{self.path}: cannot be read ({error.strerror})") from error
        if content is None:
            return State()
        try:
            return State.model_validate_json(content)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"]))
            reason = f"{place}: {first['msg']}" if place else first["msg"]
            raise BrokenStateError(
                f"{self.path}: cannot be read ({reason}); `research run` makes it anew from the "
                "reports that are there"
            ) from error

    def change(self, name: str, changed: Callable[[Record], Record]) -> None:
        """Write what is known of a report anew."""
        self.change_all({name: changed})

    def change_all(self, changes: dict[str, Callable[[Record], Record]]) -> None:
        """Write what is known of several reports anew, all of it or nothing.

        Raises
        ------
        StateError : if that is not possible; what was written before is still there
        """
        for _ in range(TRIES):
            with self.alone() as kept:
                known = self._read(kept).reports
                anew = {name: change(known.get(name, Record())) for name, change in changes.items()}
                if self.write(State(reports=known | anew), kept):
                    return
        raise StateError(f"{self.path}: other runs write it all the time; run it again")

    def prepare(self) -> None:
        """Make the folder, for nobody else to look into: it tells who works here."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise self._unwritable(error) from error

    @contextmanager
    def alone(self) -> Iterator[Kept]:
        """Keep all other runs from writing, and say in our words why nothing can be written."""
        try:
            self.prepare()
            with (kept := self.kept).alone():
                yield kept
        except Timeout as error:
            raise StateError(f"{self.path}: another run has been writing it for long") from error
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> StateError:
        return StateError(
            f"{self.path}: the state cannot be written ({error.strerror or error}); the last one "
            "is as it was. Make room or give us the right to write there, and run again"
        )

    def write(self, state: State, kept: Kept) -> bool:
        """Write it; False: another run did first, which only an object store lets happen."""
        return kept.write(state.model_dump_json(indent=1, exclude_none=True).encode())
