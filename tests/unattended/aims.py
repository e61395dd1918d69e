"""Instants of a run that can be seen from outside, by what appears in its folders."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from research.report import temporary
from tests.unattended.worlds import World, below, signal_all

BEGUN = re.compile(rb'"event": "started", "reports": (\d+)')
PAUSE = 0.0003  # seconds between two looks
SLICE = 30e-6  # seconds that a process gets between two looks that must miss nothing
KNOWN_SECONDS = 0.2  # after which it is found out anew which processes are part of a run
LONGEST = 120.0  # of a run


class Run:
    """A run in the middle, as far as its folders tell."""

    def __init__(self, world: World, *more: str) -> None:
        self.world = world
        self.log = world.out / ".state" / "log.jsonl"
        self._logged = self.log.stat().st_size if self.log.exists() else 0
        self._commits = self.commits()
        self._files = self._inodes()
        self.process: subprocess.Popen[str] = world.start(*more)
        self.has_forked = False
        self.known: list[int] = []  # processes that are part of it

    def is_over(self) -> bool:
        """Say whether it has ended."""
        return self.process.poll() is not None

    def logged(self) -> bytes:
        """Return what it has written into the log."""
        if not self.log.exists():
            return b""
        with self.log.open("rb") as file:
            file.seek(self._logged)
            return file.read()

    def told(self, event: str) -> int:
        """Return how often its log has an event."""
        return self.logged().count(f'"event": "{event}"'.encode())

    def left_to_make(self) -> int | None:
        """Return how many reports are not made yet; None before it has begun."""
        begun = BEGUN.search(self.logged())
        return None if begun is None else int(begun[1]) - self.made()

    def made(self) -> int:
        """Return how many reports are made."""
        return self.told("done") + self.told("failed")

    def commits(self) -> int:
        """Return how many commits the store has."""
        return len([*(self.world.store / "_delta_log").glob("*[0-9].json")])

    def has_stored(self) -> bool:
        """Say whether it has stored something."""
        return self.commits() > self._commits

    def forks(self) -> bool:
        """Say whether it has begun to render."""
        self.has_forked = self.has_forked or any(self.world.tmp.glob(f"{temporary.PREFIX}*"))
        return self.has_forked

    def is_writing(self, *within: str) -> bool:
        """Say whether a file is half written, in a folder of the reports."""
        folder = self.world.out.joinpath(*within)
        return folder.is_dir() and any(
            name.endswith((".part", ".going")) for name in _names(folder)
        )

    def _inodes(self) -> dict[str, int]:
        out = self.world.out
        if not out.is_dir():
            return {}
        with os.scandir(out) as found:
            return {each.name: each.inode() for each in found if not each.name.startswith(".")}

    def is_between_moves(self) -> bool:
        """Say whether a twin or a manifest is in place and its page is not."""
        now = self._inodes()
        for name, inode in now.items():
            if name.endswith(".json") and inode != self._files.get(name):
                page = f"{name.removesuffix('.json').removesuffix('.manifest')}.html"
                if now.get(page) == self._files.get(page):
                    return True
        return False

    def published(self) -> int:
        """Return how many pages are in place."""
        new = self._inodes().items() - self._files.items()
        return sum(name.endswith(".html") and name != "index.html" for name, _ in new)

    def step_between_moves(self) -> bool:
        """Once it publishes, go on in small steps until it is between two moves; stop it there."""
        if not self.is_writing():
            return False
        pids = self.known  # there is no time to look for them
        signal_all(pids, signal.SIGSTOP)
        while self.is_writing():
            if self.is_between_moves():
                return True
            signal_all(pids, signal.SIGCONT)
            until = time.perf_counter() + SLICE
            while time.perf_counter() < until:
                pass
            signal_all(pids, signal.SIGSTOP)
        signal_all(pids, signal.SIGCONT)
        return False


def _names(folder: Path) -> list[str]:
    with os.scandir(folder) as found:
        return [each.name for each in found]


# By name: what is waited for, and the seconds after it in which the kill comes.
AIMS: dict[str, tuple[Callable[[Run], bool], float]] = {
    "stores": (Run.has_stored, 0.05),
    "updated": (lambda run: run.told("updated") > 0, 0.05),
    "forks": (Run.forks, 1.0),
    "publishes": (lambda run: bool(run.left_to_make()) and run.is_writing(), 0.004),
    "between moves": (Run.step_between_moves, 0.0),
    "archives": (lambda run: run.is_writing("archive"), 0.004),
    "notes": (lambda run: run.forks() and run.is_writing(".state"), 0.003),
    "done": (lambda run: run.made() > 0, 0.005),
    "all done": (lambda run: run.left_to_make() == 0, 0.05),
    "lists": (lambda run: run.left_to_make() == 0 and run.is_writing(), 0.004),
}


def wait(run: Run, has_come: Callable[[Run], bool]) -> bool:
    """Wait until an instant has come; say whether it came before the run was over."""
    until, looked = time.monotonic() + LONGEST, 0.0
    while not has_come(run):
        if run.is_over():
            return False
        if run.forks() and time.monotonic() > looked + KNOWN_SECONDS:
            run.known, looked = below(run.process.pid), time.monotonic()
        assert time.monotonic() < until, f"the run has taken longer than {LONGEST:g} s"
        time.sleep(PAUSE)
    return True
