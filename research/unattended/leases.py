"""Locks on an object store: a lease, which runs out unless its holder goes on renewing it.

Each lease is an object with a number. The next number may be taken once the last one is given back
or has run out, and only one process can create it. A holder that is killed, or is cut off, cannot
renew it; by its own clock it has lost it before anybody else may take it.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from research.config import settings
from research.report.bucket import PlaceError
from research.report.places import Place
from research.unattended.generations import Generations
from research.unattended.locks import SUFFIX, Lock, LockedError

PAUSE = 0.5  # seconds between two looks, for whoever waits
log = logging.getLogger(__name__)


class LeaseLostError(LockedError):
    """A lease has run out, or another process has the next one; nothing more may be written."""


@dataclass(frozen=True, kw_only=True)
class Fence:
    """What a process must ask before it writes; any process can, on any machine."""

    generations: Generations
    number: int
    key: str  # of the holder, which nobody else has
    seconds: float

    @property
    def name(self) -> str:
        """What it is for, such as an entry of a schedule."""
        return self.generations.folder.name

    def check(self) -> None:
        """Raise unless the lease is held, and for long enough to write one object more.

        Raises
        ------
        LeaseLostError : says who has it now, if anybody has
        """
        last = self.generations.last()
        told = _read(self.generations, last)
        if last != self.number or told.get("key") != self.key:
            raise LeaseLostError(f"the lease of {self.name} was lost, it is now {_holder(told)}")
        if told.get("is_released") or _until(told) - time.time() < self.seconds / 4:
            raise LeaseLostError(
                f"the lease of {self.name} ran out, as it could not be renewed in time"
            )


@dataclass(frozen=True)
class Lease:
    """One lock on an object store; with the interface of `locks.Lock`."""

    generations: Generations
    seconds: float = field(kw_only=True)  # that it lasts without being renewed

    @contextmanager
    def held(self, *, run: str, seconds: float = 0.0) -> Iterator[Fence]:
        """Hold it, and renew it from a thread; gives what must be asked before each writing.

        Parameters
        ----------
        run : who asks for it, as the next one is told
        seconds : to wait at most

        Raises
        ------
        LockedError : if another has it, with what is known of it
        """
        ends = time.monotonic() + seconds
        while (fence := self._taken(run)) is None:
            if time.monotonic() >= ends:
                told = _read(self.generations, self.generations.last())
                raise LockedError(_holder(told))
            time.sleep(min(PAUSE, seconds))
        is_over = threading.Event()
        thread = threading.Thread(target=self._renew, args=(fence, is_over), daemon=True)
        thread.start()
        try:
            yield fence
        finally:
            is_over.set()
            thread.join()
            self._give_back(fence)

    def _taken(self, run: str) -> Fence | None:
        """Return the next lease if it could be taken."""
        last = self.generations.last()
        told = _read(self.generations, last)
        apart = float(told.get("seconds", 0.0)) / 4  # what the clocks of two machines may differ by
        if told and not told.get("is_released") and time.time() < _until(told) + apart:
            return None
        fence = Fence(
            generations=self.generations,
            number=last + 1,
            key=uuid.uuid4().hex,
            seconds=self.seconds,
        )
        since = f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
        known = {"key": fence.key, "run": run, "pid": os.getpid(), "since": since}
        known |= {"seconds": self.seconds}
        content = _written(known | {"until": time.time() + self.seconds})
        if not self.generations.create(fence.number, content):
            return None
        if self.generations.last() != fence.number:
            # others were quicker by more than one, and have cleared away this number's first holder
            self.generations.place(fence.number).unlink(missing_ok=True)
            return None
        self.generations.forget(fence.number)
        return fence

    def _renew(self, fence: Fence, is_over: threading.Event) -> None:
        """Renew a lease until it is given back, or lost."""
        place = fence.generations.place(fence.number)
        until = time.time() + self.seconds * 3 / 4
        lasts = time.monotonic() + self.seconds * 3 / 4  # a clock that is put back renews nothing
        while not is_over.wait(self.seconds / 4):
            if time.time() > until or time.monotonic() > lasts:
                return
            began, began_at = time.time(), time.monotonic()
            try:
                fence.check()
                told = _read(fence.generations, fence.number)
                place.write_bytes(_written(told | {"until": began + self.seconds}))
            except LeaseLostError:
                return
            except PlaceError as error:  # there is time for another try
                log.warning("%s: the lease was not renewed: %s", place.parent.name, error)
                continue
            if time.time() > until or time.monotonic() > lasts:
                return  # whoever asked meanwhile was told that it is lost, and it stays so
            until = began + self.seconds * 3 / 4
            lasts = began_at + self.seconds * 3 / 4

    def _give_back(self, fence: Fence) -> None:
        """Let the next one have it at once; if that fails it runs out by itself."""
        place = fence.generations.place(fence.number)
        try:
            if fence.generations.last() == fence.number:
                told = _read(fence.generations, fence.number)
                place.write_bytes(_written(told | {"is_released": True}))
        except PlaceError as error:
            log.warning("%s: the lease is left to run out: %s", place.parent.name, error)


def lock(folder: Place, name: str) -> Lock | Lease:
    """Return a lock of a name in a folder: a file, or a lease on an object store."""
    if isinstance(folder, Path):
        return Lock(folder / f"{name}{SUFFIX}")
    return Lease(Generations(folder / name), seconds=settings().lease_seconds)


def _read(generations: Generations, number: int) -> dict[str, Any]:
    """Return what a lease says; one that says nothing is nobody's."""
    try:
        told: Any = json.loads(generations.place(number).read_bytes()) if number else {}
    except (FileNotFoundError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _written(told: dict[str, Any]) -> bytes:
    return json.dumps(told).encode()


def _until(told: dict[str, Any]) -> float:
    return float(told.get("until", 0.0))


def _holder(told: dict[str, Any]) -> str:
    """Say who has it."""
    if not told or told.get("is_released"):
        return "held by nobody"
    until = dt.datetime.fromtimestamp(_until(told), dt.UTC)
    return (
        f"held by process {told.get('pid')}, run {told.get('run')}, since {told.get('since')}, "
        f"until {until:%Y-%m-%dT%H:%M:%SZ} unless it is renewed"
    )
