"""Renders many reports side by side, each in processes of its own.

On Linux a report is forked from a warm process that has all imports done, see `warm` and `minder`;
anywhere else, or if that fails, it is rendered by plain papermill in a new interpreter, which says
the same and takes longer.
"""

from __future__ import annotations

import logging
import os
import pickle
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from research.report import temporary
from research.unattended.jobs import Job, Outcome

if TYPE_CHECKING:
    from research.unattended.worker import Minded

WORKERS = 2  # reports at once
MEMORY_SHARE = 0.8  # of the machine's memory, for all notebooks together
START_SECONDS = 120.0  # until the warm process has its imports done
END_SECONDS = 15.0  # until it and all below it are gone
NOTICE_SECONDS = 0.5  # in which a process that closed its end is gone
GRACE = 5.0  # seconds that a plain process may take beyond its limit
Running = socket.socket | subprocess.Popen[bytes]  # a report, as it can be ended
log = logging.getLogger(__name__)


def render_all(
    jobs: Sequence[Job],
    *,
    workers: int = WORKERS,
    on_done: Callable[[Outcome], None] = lambda _: None,
) -> list[Outcome]:
    """Render reports and return what came of each, in the order of `jobs`.

    Whatever a notebook does, the others go on: one that fails, hangs, ends its process or takes
    more memory than its share has an outcome that says so, and its last good report is left.

    Parameters
    ----------
    workers : how many are rendered at the same time
    on_done : called with each outcome, in the order in which they come, from this thread
    """
    outcomes: dict[int, Outcome] = {}
    pool = Pool(megabytes=memory_of_each(workers))
    threads = ThreadPoolExecutor(workers)
    try:
        if jobs:
            pool.start()
        futures: dict[Future[Outcome], int] = {
            threads.submit(pool.render, job): at for at, job in enumerate(jobs)
        }
        for future in as_completed(futures):
            outcomes[futures[future]] = future.result()
            on_done(future.result())
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
        pool.end()
        threads.shutdown()
    return [outcomes[at] for at in range(len(jobs))]


def memory_of_each(workers: int) -> float:
    """Return the megabytes that a notebook may take, beside the other workers'."""
    total = psutil.virtual_memory().total
    with suppress(OSError, ValueError):  # of a container; "max" where there is no limit
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")
        total = min(total, int(limit))
    return MEMORY_SHARE * total / workers / 1e6


class Pool:
    """The warm process, and plain ones where it cannot be."""

    def __init__(
        self,
        *,
        megabytes: float,
        folder: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._megabytes = megabytes  # that a notebook may take
        self._folder = folder  # that they work in; None: ours
        self._env = os.environ if env is None else env
        self._warm: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._lock = threading.Lock()
        self._open: set[Running] = set()
        self._left: list[Path] = []  # folders whose minder did not say that it is done
        self._is_ended = False

    def start(self) -> None:
        """Start the warm process and wait until it is; without it, say so and why."""
        if sys.platform != "linux":
            log.warning("reports are not forked on %s, so each starts anew", sys.platform)
            return
        from research.unattended import warm

        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._warm = subprocess.Popen(  # noqa: S603 - this interpreter
                    [sys.executable, "-m", "research.unattended.warm", str(theirs.fileno())],
                    cwd=self._folder,
                    env={**self._env, **warm.environment()},
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=2,
                    start_new_session=True,  # what a terminal sends comes to us alone
                )
        except OSError as error:  # no memory, or no right to run it
            ours.close()
            log.warning("the warm process could not be started (%s), so each starts anew", error)
            return
        try:
            ours.settimeout(START_SECONDS)
            is_ready = ours.recv(len(warm.READY)) == warm.READY
        except OSError:  # too slow
            is_ready = False
        self._control = ours
        if not is_ready:
            log.warning("the warm process did not start, so each report starts anew")
            _end_process(self._warm)
            self._stop_warm()

    def render(self, job: Job) -> Outcome:
        """Render one report; called in a thread of its own."""
        began = time.monotonic()
        told = self._forked(job)
        if isinstance(told, str) and not self._is_ended and self._is_cold():
            log.warning("%s: the warm process is gone, so it starts anew", job.name)
            told = None
        if told is None:
            told = self._plain(job)
        if isinstance(told, str):
            return Outcome(
                job=job,
                state="failed",
                page=None,
                reason=told,
                attempts=1,
                seconds=time.monotonic() - began,
                peak_megabytes=0.0,
            )
        fields: dict[str, Any] = {name: getattr(told.answer, name) for name in asdict(told.answer)}
        return Outcome(
            job=job,
            seconds=told.seconds,
            peak_megabytes=told.peak_megabytes,
            **fields,
        )

    def _is_cold(self) -> bool:
        """Say whether the warm process has ended, which it does not by itself."""
        with suppress(subprocess.TimeoutExpired):
            return self._warm is not None and self._warm.wait(NOTICE_SECONDS) is not None
        return False

    def _forked(self, job: Job) -> Minded | str | None:
        """Return what its minder tells, why there is nothing, or None without a warm process."""
        if self._control is None:
            return None
        folder: Path | None = None
        ours, theirs = socket.socketpair()
        with ours, Connection(os.dup(ours.fileno())) as minder:
            try:
                with theirs, self._held(ours):
                    socket.send_fds(self._control, [b"1"], [theirs.fileno()])
                    theirs.close()
                    minder.send((job, self._megabytes))
                    folder = minder.recv()
                    minded: Minded = minder.recv()
            except (EOFError, OSError):
                if folder is not None:
                    self._left.append(folder)
                return "the process that minded the report was killed; out of memory?"
        return minded

    @contextmanager
    def _held(self, one: Running) -> Iterator[None]:
        """Have one ended with all others, during this block."""
        with self._lock:
            if self._is_ended:
                raise ConnectionAbortedError("the run was ended")
            self._open.add(one)
        try:
            yield
        finally:
            with self._lock:
                self._open.discard(one)

    def _plain(self, job: Job) -> Minded | str:
        """Render a report in a new interpreter; return what it tells, or why there is nothing."""
        try:
            return self._anew(job)
        except OSError as error:  # no memory, no right to run it, or no room for its folder
            return f"a process for the report could not be started ({error.strerror or error})"

    def _anew(self, job: Job) -> Minded | str:
        """Do so, where one can be started."""
        from research.unattended.worker import Minded  # papermill with it, for a run with work

        began = time.monotonic()
        with tempfile.TemporaryDirectory(
            prefix=temporary.PREFIX, ignore_cleanup_errors=True
        ) as folder:
            process = subprocess.Popen(
                [sys.executable, "-c", "from research.unattended.worker import main; main()"],
                cwd=self._folder,
                env=dict(self._env),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=sys.platform != "win32",
            )
            try:
                with self._held(process):
                    said = _heard(process, pickle.dumps((job, Path(folder))), job.seconds)
            except OSError:  # it is gone before it was asked, or the run was ended
                said = b""
            finally:
                _end_process(process)
        if not said:
            return "the process that rendered the report was killed; out of memory?"
        answer, peak = pickle.loads(said)  # noqa: S301 - of the process that we started
        return Minded(answer=answer, seconds=time.monotonic() - began, peak_megabytes=peak)

    def end(self) -> None:
        """End every report that is not done, and the warm process."""
        with self._lock:
            self._is_ended = True
            for each in self._open:
                if isinstance(each, socket.socket):
                    each.shutdown(socket.SHUT_RDWR)
                else:
                    _end_process(each)
        self._stop_warm()
        for folder in self._left:  # not before: a kernel that finds it gone makes another elsewhere
            shutil.rmtree(folder, ignore_errors=True)

    def _stop_warm(self) -> None:
        """Wait for the warm process to end, which it does when nobody can ask it any more."""
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._warm is None:
            return
        try:
            self._warm.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            _end_process(self._warm)


def _heard(process: subprocess.Popen[bytes], asked: bytes, seconds: float) -> bytes:
    """Return what a plain process tells; after its time it is interrupted, then given up."""
    for patience in (seconds + GRACE, GRACE):
        try:
            return process.communicate(asked, timeout=patience)[0]
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT if sys.platform != "win32" else signal.SIGTERM)
    return b""


def _end_process(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all below it, if it still runs."""
    with suppress(psutil.NoSuchProcess):
        below = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        for each in below:
            with suppress(psutil.NoSuchProcess):
                each.kill()
    process.wait()
