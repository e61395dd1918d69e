"""Hands jobs out to the workers of a Dask cluster, and takes what came of each."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from research.unattended import lent, likeness
from research.unattended.jobs import Job, Outcome
from research.unattended.likeness import Terms

if TYPE_CHECKING:
    from distributed import Client, Future

LOOK_SECONDS = 1.0  # between two looks at the cluster
ANSWER_SECONDS = 10.0  # until the scheduler tells of its workers, or gives what came of a job
ALONE_SECONDS = 60.0  # without a worker, after which none is waited for
END_SECONDS = 30.0  # until what is left on the workers has ended
log = logging.getLogger(__name__)


@dataclass(kw_only=True)
class Handing:
    """The jobs of one run.

    Dask gives what a lost worker had to another one, and gives up what it blames for too many: that
    is all that they had, be it only next in turn. So no more is handed out than the workers have
    threads, and what was given up is tried once more at the end, alone.
    """

    client: Client
    address: str
    jobs: Sequence[Job]
    terms: Terms
    running: dict[Future[Outcome], int] = field(default_factory=dict, init=False)
    waiting: deque[int] = field(init=False)
    suspects: deque[int] = field(default_factory=deque, init=False)
    losses: dict[int, int] = field(default_factory=dict, init=False)  # workers, by job
    alone_since: float | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.waiting = deque(range(len(self.jobs)))
        self.expected = likeness.known(self.terms)

    def outcomes(self) -> Iterator[tuple[int, Outcome]]:
        """Yield the number of each job and what came of it, in the order in which they come."""
        while left := [*self.running.values(), *self.waiting, *self.suspects]:
            self.terms.mark.touch()  # or another run may take it for one that was left
            try:
                threads = self._threads()
            except (OSError, RuntimeError) as error:
                reason = f"the scheduler at {self.address} is gone ({told(error)})"
                yield from ((number, _failed(self.jobs[number], reason)) for number in left)
                return
            if self._is_deserted(threads):
                reason = f"the cluster at {self.address} had no worker for {ALONE_SECONDS:g} s"
                yield from ((number, _failed(self.jobs[number], reason)) for number in left)
                return
            if self.suspects and not self.waiting and not self.running:
                self.waiting.append(self.suspects.popleft())
            self._hand_out(threads)
            yield from self._taken(threads)

    def _is_deserted(self, threads: int) -> bool:
        """Say whether there is nobody to wait for; a worker that is started anew takes a while."""
        now = time.monotonic()
        self.alone_since = None if threads else self.alone_since or now
        return self.alone_since is not None and now - self.alone_since > ALONE_SECONDS

    def _hand_out(self, threads: int) -> None:
        """Give each free thread a job."""
        while self.waiting and len(self.running) < threads:
            number = self.waiting.popleft()
            future = self.client.submit(
                lent.render,
                self.jobs[number],
                self.terms,
                self.expected,
                key=f"report-{self.terms.run}-{number}-{self.losses.get(number, 0)}",
                pure=False,
            )
            self.running[future] = number

    def _threads(self) -> int:
        """Return how many reports the workers can make at once."""
        threads = self.client.sync(self.client.nthreads, callback_timeout=ANSWER_SECONDS)
        return sum(threads.values())

    def _taken(self, threads: int) -> Iterator[tuple[int, Outcome]]:
        """Wait a moment for jobs to be done, and yield what came of them.

        Who has done one gets the next before anybody looks at what came of the last.
        """
        from distributed import CancelledError, wait

        if not self.running:
            time.sleep(LOOK_SECONDS)
        with suppress(TimeoutError, CancelledError):  # of one that is cancelled, it is told below
            wait([*self.running], timeout=LOOK_SECONDS, return_when="FIRST_COMPLETED")
        ready = [future for future in self.running if future.done()]
        done = {future: self.running.pop(future) for future in ready}
        self._hand_out(threads)
        for future, number in done.items():
            try:
                outcome = self._outcome(number, future)
            except TimeoutError:  # it is lost with its worker, and made again
                self.running[future] = number
                continue
            future.release()  # or it is made again if the worker that has it is lost later
            if outcome is None:
                self.suspects.append(number)
            else:
                yield number, outcome

    def _outcome(self, number: int, future: Future[Outcome]) -> Outcome | None:
        """Return what came of a job; None if it was given up, and is to be tried alone."""
        from distributed import KilledWorker

        if future.status == "finished":
            outcome: Outcome = future.result(timeout=ANSWER_SECONDS)
            return outcome
        if future.cancelled():
            reason = f"the scheduler at {self.address} was lost, or has dropped it"
            return _failed(self.jobs[number], reason)
        error = future.exception(timeout=ANSWER_SECONDS)
        if not isinstance(error, KilledWorker):
            return _failed(self.jobs[number], told(error))
        is_first = number not in self.losses
        self.losses[number] = self.losses.get(number, 0) + error.allowed_failures + 1
        if is_first:
            return None
        reason = (
            f"{self.losses[number]} workers were lost while they made it, the last at "
            f"{error.last_worker.address}; out of memory? their logs may tell"
        )
        return _failed(self.jobs[number], reason, attempts=self.losses[number])

    def end(self) -> None:
        """End what is not done, and what is kept on the workers for the run."""
        try:
            if self.running:
                self.client.cancel([*self.running], force=True)
            self.client.sync(
                self.client.run,
                lent.end,
                self.terms.run,
                on_error="ignore",
                callback_timeout=END_SECONDS,
            )
        except (OSError, RuntimeError) as error:
            log.warning("what is left on the workers ends by itself (%s)", told(error))


def told(error: BaseException | None) -> str:
    """Return an error in a line."""
    text = " ".join(str(error).split())
    return text or type(error).__name__


def _failed(job: Job, reason: str, attempts: int = 1) -> Outcome:
    return Outcome(
        job=job,
        state="failed",
        page=None,
        reason=reason,
        attempts=attempts,
        seconds=0.0,
        peak_megabytes=0.0,
    )
