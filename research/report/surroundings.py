"""What a process that renders one of many reports is given; by hand, there is nothing of it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from research.report import temporary


def nothing() -> None:
    """Do nothing."""


class Start(Protocol):
    """Starts a kernel in a process of its own, and returns what `subprocess.Popen` would."""

    def __call__(self, arguments: Sequence[str], env: Mapping[str, str], cwd: str) -> Any:
        """Start it with the arguments of `python -m research.report.kernel`."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long a report may take."""

    cell_seconds: float
    seconds: float
    began: float = 0.0  # on the monotonic clock

    def left(self) -> float:
        """Return the seconds that the next cell may take; never none, as that means no limit."""
        return max(min(self.cell_seconds, self.began + self.seconds - time.monotonic()), 0.01)

    def broken(self) -> str:
        """Say which limit a cell has just broken."""
        if time.monotonic() - self.began >= self.seconds:
            return f"the report took longer than {self.seconds:g} s in all"
        return f"it took longer than {self.cell_seconds:g} s"


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What is otherwise as usual."""

    folder: Path | None = None  # for temporary files, in place of the system's
    start: Start | None = None  # of a kernel, in place of a new interpreter
    limits: Limits | None = None
    check: Callable[[], None] = nothing  # raises if this process may not write the report any more


NOTHING = Surroundings()
_given: ContextVar[Surroundings] = ContextVar("surroundings", default=NOTHING)


def given() -> Surroundings:
    """Return what this process was given."""
    return _given.get()


@contextmanager
def within(surroundings: Surroundings) -> Iterator[None]:
    """Give it to what is called in this block."""
    token = _given.set(surroundings)
    try:
        yield
    finally:
        _given.reset(token)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Give a new folder that is removed at the end of the block."""
    with tempfile.TemporaryDirectory(prefix=temporary.PREFIX, dir=given().folder) as folder:
        yield Path(folder)
