"""The log of runs: one line of JSON an event for machines, and the same in words on stderr."""

from __future__ import annotations

import datetime as dt
import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from filelock import FileLock, Timeout

from research.report.bucket import Bucket, PlaceError
from research.report.guard import scrub, secrets
from research.report.places import Place

RUNS = "log"  # folder of logs where each run has one
MOST_BYTES = 5_000_000  # of a file, beyond which the next run begins another
PAUSE = 60.0  # seconds before an object store that did not answer is asked again


def place_of(folder: Place, run: str) -> Place:
    """Return where the log of a run is: one file for all, but objects cannot grow."""
    return folder / "log.jsonl" if isinstance(folder, Path) else folder / RUNS / f"{run}.jsonl"


@dataclass
class Log:
    """What happens in a run; no key or password gets into it."""

    path: Place
    run: str  # its id, in every line
    now: Callable[[], dt.datetime]
    tell: Callable[[str], None]  # told each event in words
    _hidden: tuple[str, ...] = field(default_factory=secrets, init=False, repr=False)
    _is_full: bool = field(default=False, init=False)
    _lines: list[bytes] = field(default_factory=list, init=False, repr=False)  # on an object store
    _waits_until: float = field(default=0.0, init=False)  # as it does not answer

    def __post_init__(self) -> None:
        """Begin the file anew if it is large."""
        if isinstance(self.path, Path):
            _turn(self.path)

    def __call__(self, event: str, text: str, **known: Any) -> None:
        """Write an event: what it is called, a sentence, and what else is known of it."""
        line = {
            "at": f"{self.now():%Y-%m-%dT%H:%M:%SZ}",
            "run": self.run,
            "event": event,
            **{name: self._plain(value) for name, value in known.items()},
            "text": scrub(text, self._hidden),
        }
        self.tell(line["text"])
        try:
            self._append(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        except (OSError, PlaceError) as error:
            if not self._is_full:  # a full disk must not end a run, and is told once
                self._is_full = True
                reason = getattr(error, "strerror", None) or error
                self.tell(f"{self.path}: the log cannot be written ({reason})")

    def _append(self, line: bytes) -> None:
        """Write a line; an object cannot grow, so each run has one, which is written anew."""
        if isinstance(self.path, Bucket):
            self._lines.append(line)
            if time.monotonic() >= self._waits_until:
                self._waits_until = time.monotonic() + PAUSE
                self.path.write_bytes(b"".join(self._lines))
                self._waits_until = 0.0
            return
        with self.path.open("ab+") as file:
            file.write(b"\n" + line if _is_cut(file) else line)

    def _plain(self, value: Any) -> Any:
        if isinstance(value, dt.datetime):
            return f"{value:%Y-%m-%dT%H:%M:%SZ}"
        return scrub(value, self._hidden) if isinstance(value, str) else value


def _turn(path: Path) -> None:
    """Have a file that is too large be the older one, instead of the older one before it.

    Only one run does so, or a second one would put the new file in place of what was just kept.
    """
    with suppress(OSError, Timeout):  # there is none, or another run does so; if it stays, it grows
        if path.stat().st_size > MOST_BYTES:
            with FileLock(path.with_suffix(".lock"), timeout=0):
                if path.stat().st_size > MOST_BYTES:
                    path.replace(path.with_suffix(".1.jsonl"))


def _is_cut(file: BinaryIO) -> bool:
    """Say whether the last line has no end, as a full disk leaves it."""
    if file.seek(0, os.SEEK_END) == 0:
        return False
    file.seek(-1, os.SEEK_END)
    return file.read() != b"\n"
