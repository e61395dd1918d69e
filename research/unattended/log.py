"""The log of runs: one line of JSON an event for machines, and the same in words on stderr."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from research.report.guard import scrub, secrets


@dataclass
class Log:
    """What happens in a run; no key or password gets into it."""

    path: Path
    run: str  # its id, in every line
    now: Callable[[], dt.datetime]
    tell: Callable[[str], None]  # told each event in words
    _hidden: tuple[str, ...] = field(default_factory=secrets, init=False, repr=False)
    _is_full: bool = field(default=False, init=False)

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
            with self.path.open("ab+") as file:
                written = json.dumps(line, ensure_ascii=False).encode() + b"\n"
                file.write(b"\n" + written if _is_cut(file) else written)
        except OSError as error:
            if not self._is_full:  # a full disk must not end a run, and is told once
                self._is_full = True
                self.tell(f"{self.path}: the log cannot be written ({error.strerror or error})")

    def _plain(self, value: Any) -> Any:
        if isinstance(value, dt.datetime):
            return f"{value:%Y-%m-%dT%H:%M:%SZ}"
        return scrub(value, self._hidden) if isinstance(value, str) else value


def _is_cut(file: BinaryIO) -> bool:
    """Say whether the last line has no end, as a full disk leaves it."""
    if file.seek(0, os.SEEK_END) == 0:
        return False
    file.seek(-1, os.SEEK_END)
    return file.read() != b"\n"
