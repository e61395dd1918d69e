"""What a Dask worker does for a run: it keeps a warm process, from which reports are forked.

A run that is gone tells nobody. Dask cancels its tasks then, which ends no thread, so we look
whether it did, and end all that is done for the run. A warm process that makes nothing ends too.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import psutil

from research.errors import ResearchError
from research.report import temporary
from research.report.guard import scrub
from research.unattended import likeness
from research.unattended.batch import MEMORY_SHARE, Pool
from research.unattended.jobs import Job, Outcome
from research.unattended.likeness import Terms

if TYPE_CHECKING:
    from distributed import Worker

TICK = 0.2  # seconds between two looks at whether a report is still wanted
IDLE_SECONDS = 30.0  # after which a warm process that makes nothing ends
CLOSING = {"closing", "closed", "failed"}  # states of a worker, such as of one without a scheduler
log = logging.getLogger(__name__)


class UnlikeError(ResearchError):
    """A worker would not make the same report; the text says why."""


@dataclass(eq=False, kw_only=True)
class Keeper:
    """The processes of one run on this worker."""

    run: str
    worker: Worker
    pool: Pool
    tasks: set[str] = field(default_factory=set)
    last: float = field(default_factory=time.monotonic)  # when there was work, on this clock
    is_over: bool = False
    is_ready: bool = False
    starting: threading.Lock = field(default_factory=threading.Lock)
    watch: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        # a daemon: a worker that is told to end waits for no report
        self.watch = threading.Thread(target=self._watch, daemon=True)
        self.watch.start()

    def make_ready(self, terms: Terms, expected: Mapping[str, str]) -> None:
        """Compare this machine with what the run expects, and start the warm process; once."""
        with self.starting:
            if self.is_ready or self.is_over:
                return
            found = likeness.differences(likeness.known(terms), expected)
            if found:
                raise UnlikeError(f"{self.worker.address}: {'; '.join(found)}")
            if n_folders := temporary.sweep():
                log.info("removed %d temporary folders of reports that were killed", n_folders)
            self.pool.start()
            self.is_ready = True

    def _watch(self) -> None:
        while not self._is_over():
            time.sleep(TICK)
        with self.starting:  # what has not started cannot be ended
            self.pool.end()

    def _is_over(self) -> bool:
        with _lock:
            is_idle = not self.tasks and time.monotonic() - self.last > IDLE_SECONDS
            is_closing = self.worker.status.name in CLOSING
            self.is_over |= is_idle or is_closing or not all(map(self._is_wanted, self.tasks))
            if self.is_over and _keepers.get(self.run) is self:
                del _keepers[self.run]
            return self.is_over

    def _is_wanted(self, key: str) -> bool:
        task = self.worker.state.tasks.get(key)
        return task is not None and task.state == "executing"


_keepers: dict[str, Keeper] = {}
_lock = threading.Lock()


def render(job: Job, terms: Terms, expected: Mapping[str, str]) -> Outcome:
    """Render one report of a run, as a task of Dask.

    Parameters
    ----------
    expected : what is known of the machine of the run, which this one must be like
    """
    from distributed import get_worker

    worker = get_worker()
    with _kept(worker, terms, str(worker.get_current_task())) as keeper:
        keeper.make_ready(terms, expected)
        outcome = keeper.pool.render(job)
    return replace(outcome, reason=scrub(outcome.reason))  # the keys of this machine, too


async def end(run: str) -> None:
    """End all that is done for a run here, and return once it has ended."""
    with _lock:
        keeper = _keepers.pop(run, None)
        if keeper is not None:
            keeper.is_over = True
    if keeper is not None:
        await asyncio.to_thread(keeper.watch.join)


@contextmanager
def _kept(worker: Worker, terms: Terms, task: str) -> Iterator[Keeper]:
    """Have a run's processes kept for a task, during this block and somewhat longer."""
    with _lock:
        keeper = _keepers.get(terms.run)
        if keeper is None:
            keeper = _keepers[terms.run] = Keeper(
                run=terms.run,
                worker=worker,
                pool=Pool(
                    megabytes=_memory_of_each(worker),
                    folder=terms.folder,
                    env=os.environ | {"RESEARCH_STORE": terms.usual_store},
                ),
            )
        keeper.tasks.add(task)
    try:
        yield keeper
    finally:
        with _lock:
            keeper.tasks.discard(task)
            keeper.last = time.monotonic()


def _memory_of_each(worker: Worker) -> float:
    """Return the megabytes that a notebook may take: a part of what this worker may."""
    total = worker.memory_manager.memory_limit or psutil.virtual_memory().total
    return MEMORY_SHARE * total / worker.state.nthreads / 1e6
