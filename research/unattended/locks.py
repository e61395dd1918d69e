"""Locks between processes: the system frees them when their holder is gone, however it went."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from research.config import settings
from research.errors import ResearchError
from research.report.files import publish

SUFFIX = ".lock"
HOLDER = ".holder.json"  # beside it; the lock's own file is emptied by whoever asks for it


class LockedError(ResearchError):
    """Another process holds a lock; the text says which one."""


class LockError(ResearchError):
    """A lock cannot be written at all, so nothing is begun."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(
            f"{path}: the lock cannot be written ({error.strerror or error}), so nothing was "
            "begun; make room or give us the right to write there, and run again"
        )


@dataclass(frozen=True)
class Lock:
    """One lock, a file; only the machine's own users can read who holds it."""

    path: Path

    @contextmanager
    def held(self, *, run: str, seconds: float = 0.0) -> Iterator[None]:
        """Hold it.

        Parameters
        ----------
        run : who asks for it, as the next one is told
        seconds : to wait at most

        Raises
        ------
        LockedError : if another has it, with what is known of it
        LockError : if it cannot be written
        """
        lock = FileLock(self.path, thread_local=False)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=seconds)
        except Timeout as error:
            raise LockedError(self._holder()) from error
        except OSError as error:
            raise LockError(self.path, error) from error
        since = dt.datetime.now(dt.UTC)
        known = {"pid": os.getpid(), "run": run, "since": f"{since:%Y-%m-%dT%H:%M:%SZ}"}
        beside = self.path.with_suffix(HOLDER)
        try:
            self._tell_holder(known, beside)
            yield
        finally:
            beside.unlink(missing_ok=True)
            lock.release()

    def _tell_holder(self, known: Mapping[str, Any], beside: Path) -> None:
        """Write who has it."""
        try:
            publish(json.dumps(known).encode(), beside)
        except OSError as error:
            raise LockError(self.path, error) from error

    def _holder(self) -> str:
        """Say who has it."""
        try:
            told: Any = json.loads(self.path.with_suffix(HOLDER).read_text(encoding="utf-8"))
            return f"held by process {told['pid']}, run {told['run']}, since {told['since']}"
        except (OSError, ValueError, KeyError, TypeError):
            return "held by another process, which has not said which"


def of_store(location: str) -> Lock:
    """Return the lock of a store, which all runs of this user on this machine share."""
    place = location if "://" in location else str(Path(location).expanduser().resolve())
    digest = hashlib.sha256(place.encode()).hexdigest()[:16]
    return Lock(settings().cache / "locks" / f"store-{digest}{SUFFIX}")
