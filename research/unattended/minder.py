"""Minds one report: forks who renders it and the kernels, keeps the limits, ends all that is left.

A minder is forked from the warm process, with everything imported and nothing done, so that what
it forks is as fresh as a new interpreter. Linux alone: whoever a notebook started becomes a child
of the minder when its own parent is gone, and is ended with the rest.
"""

from __future__ import annotations

import ctypes
import gc
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import psutil

from research.report import kernel, temporary
from research.unattended.jobs import Job
from research.unattended.worker import Answer, Minded, too_long, work

GRACE = 3.0  # seconds beyond its limit in which a report may still end by itself
TICK = 0.05  # seconds between two looks at those that are minded
MEGABYTE = 1e6
DIE_WITH_PARENT, ADOPT_ORPHANS = 1, 36  # Linux: PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER


@dataclass(kw_only=True)
class Minder:
    """The processes of one report."""

    job: Job
    folder: Path  # for its temporary files, removed at the end
    megabytes: float  # that a kernel may take
    parent: Connection  # closed if nobody wants the report any more
    began: float = field(default_factory=time.monotonic)
    worker: int = 0
    kernels: set[int] = field(default_factory=set)
    answer: Answer | None = None
    too_much: bool = False
    peak: float = 0.0  # bytes of the largest kernel

    def run(self) -> Minded:
        """Render the report and return what came of it."""
        ours, theirs = Pipe()
        self.worker = fork(lambda: _render(self.job, self.folder, theirs), keep=[theirs.fileno()])
        theirs.close()
        interrupted = False
        while self.worker:
            if self.parent in wait([ours, self.parent], TICK):  # it has nothing to say but its end
                break
            self._serve(ours)
            self._reap(ours)
            self._watch_memory()
            over = time.monotonic() - self.began - self.job.seconds
            if over > GRACE and not interrupted:
                os.kill(self.worker, signal.SIGINT)
                interrupted = True
            if over > 2 * GRACE:
                self.answer = Answer(state="timed out", reason=too_long(self.job))
                break
        end_all()
        seconds = time.monotonic() - self.began
        return Minded(answer=self._told(), seconds=seconds, peak_megabytes=self.peak / MEGABYTE)

    def _told(self) -> Answer:
        """Return the answer, and in our words if it was us who ended the notebook."""
        if self.answer is None:
            return Answer(
                state="failed",
                reason="the process that rendered the report was killed; out of memory?",
            )
        if self.too_much and self.answer.state == "failed":
            reason = f"the notebook took more than {self.megabytes:,.0f} MB of memory"
            return replace(self.answer, reason=f"{reason}; {self.answer.reason}")
        return self.answer

    def _serve(self, worker: Connection) -> None:
        """Do what the process that renders asks for."""
        with suppress(EOFError, OSError):  # it is gone, and reaped next
            while worker.poll(0):
                match worker.recv():
                    case Answer() as answer:
                        self.answer = answer
                    case ("start", arguments, env, cwd):
                        pid = fork(lambda: _serve_kernel(arguments, env, cwd))
                        self.kernels.add(pid)
                        worker.send(("started", pid, None))
                    case ("signal", pid, number) if pid in self.kernels:
                        os.kill(pid, number)
                        if number == signal.SIGKILL:
                            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # at once
                            self._reap(worker)

    def _reap(self, worker: Connection) -> None:
        """Take note of who has ended."""
        while True:
            try:
                pid, status, used = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            if pid == self.worker:
                self._serve(worker)  # what it said last
                self.worker = 0
            if pid in self.kernels:
                self.kernels.remove(pid)
                self.peak = max(self.peak, used.ru_maxrss * 1024)
                with suppress(OSError):
                    worker.send(("ended", pid, os.waitstatus_to_exitcode(status)))

    def _watch_memory(self) -> None:
        for pid in self.kernels:
            with suppress(psutil.Error):
                if psutil.Process(pid).memory_info().rss > self.megabytes * MEGABYTE:
                    self.too_much = True
                    os.kill(pid, signal.SIGKILL)


def mind(parent: Connection) -> NoReturn:
    """Mind the report that `parent` asks for, and tell it what came of it; the process ends."""
    os.setsid()
    adopt_orphans()
    job, megabytes = parent.recv()
    folder = Path(tempfile.mkdtemp(prefix=temporary.PREFIX))
    try:
        parent.send(folder)  # to be removed if this process is killed
        minded = Minder(job=job, folder=folder, megabytes=megabytes, parent=parent).run()
    finally:
        end_all()
        shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # nobody waits for it any more
        parent.send(minded)
    os._exit(0)


def fork(do: Callable[[], object], keep: Sequence[int] = ()) -> int:
    """Return a process that does something and ends; it has no file of ours open but `keep`."""
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        _prctl(DIE_WITH_PARENT, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _close_all_but(keep)
        random.seed()
        np.random.seed()  # noqa: NPY002 - the old generator, which all forked ones would share
        do()
        status = 0
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else 1
    except BaseException:  # noqa: BLE001 - the end of a process, and nobody above to tell
        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stderr.flush()
        os._exit(status)


def _close_all_but(keep: Sequence[int]) -> None:
    last = 2
    for number in sorted(keep):
        os.closerange(last + 1, number)
        last = number
    os.closerange(last + 1, min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 65_536))


def _render(job: Job, folder: Path, minder: Connection) -> None:
    """Render a report, its kernels forked by the minder."""
    gc.disable()  # it ends soon
    minder.send(work(job, folder, start=Starter(minder)))


def _serve_kernel(arguments: Sequence[str], env: Mapping[str, str], cwd: str) -> None:
    """Be a kernel, as if started by `python -m research.report.kernel`."""
    from research.config import settings

    os.setsid()
    with suppress(OSError):  # rather this process than another if the machine has no memory left
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    settings.cache_clear()  # those of its own environment
    sys.path[0] = cwd
    sys.argv = ["kernel", *arguments]
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)  # our stdout is the answer of the command
    kernel.serve([*arguments, f"--IPKernelApp.parent_handle={os.getppid()}"])


class Starter:
    """Has kernels forked by the minder; a `surroundings.Start`."""

    def __init__(self, minder: Connection) -> None:
        self._minder = minder
        self._ended: dict[int, int] = {}

    def __call__(self, arguments: Sequence[str], env: Mapping[str, str], cwd: str) -> Any:
        """Return a kernel that has just been forked."""
        self._minder.send(("start", list(arguments), dict(env), cwd))
        while (message := self._hear())[0] != "started":
            continue
        return Forked(self, message[1])

    def _hear(self) -> Any:
        message = self._minder.recv()
        if message[0] == "ended":
            self._ended[message[1]] = message[2]
        return message

    def ended(self, pid: int) -> int | None:
        """Return the exit status of a kernel, None while it runs."""
        while self._minder.poll(0):
            self._hear()
        return self._ended.get(pid)

    def send_signal(self, pid: int, number: int) -> None:
        """Send a signal to a kernel, unless it has ended; one that is killed has when we return."""
        self._minder.send(("signal", pid, int(number)))
        while number == signal.SIGKILL and pid not in self._ended:
            self._hear()


class Forked:
    """A forked kernel, as far as jupyter_client looks at a `subprocess.Popen`."""

    stdin = stdout = stderr = None

    def __init__(self, starter: Starter, pid: int) -> None:
        self._starter, self.pid = starter, pid

    def poll(self) -> int | None:
        """Return its exit status, None while it runs."""
        return self._starter.ended(self.pid)

    def wait(self) -> int:
        """Return its exit status, once it has ended."""
        while (status := self.poll()) is None:
            time.sleep(TICK)
        return status

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        self._starter.send_signal(self.pid, number)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    terminate = kill


def end_all() -> None:
    """Kill whatever runs below this process, and whatever that had started, until none is left."""
    while True:
        for child in psutil.Process().children():
            with suppress(psutil.Error):
                child.kill()
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                continue
        except ChildProcessError:
            return
        time.sleep(0.002)


def adopt_orphans() -> None:
    """Become the parent of each process below this one whose own parent is gone."""
    _prctl(ADOPT_ORPHANS, 1)


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, value)
