"""How the state of a folder of reports is kept, so that runs side by side lose nothing of it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from filelock import FileLock

from research.unattended.generations import Generations
from research.unattended.locks import SUFFIX

LOCK_SECONDS = 30.0  # to wait for another's writing, which takes milliseconds
LEFT = 20  # numbers that stay, the newest


@dataclass(frozen=True)
class InFile:
    """Kept in a file, and written under a lock."""

    path: Path

    def exists(self) -> bool:
        """Say whether there is any."""
        return self.path.exists()

    def read(self) -> bytes | None:
        """Return it, None if there is none."""
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep all other processes from writing."""
        with FileLock(self.path.with_suffix(SUFFIX), timeout=LOCK_SECONDS):
            yield

    def write(self, content: bytes) -> bool:
        """Write it, so that a reader or a machine without power has the old or the new."""
        part = self.path.with_name(f".{uuid.uuid4().hex}.part")
        try:
            with part.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.path)
            _sync_folder(self.path.parent)
        finally:
            part.unlink(missing_ok=True)
        return True

    def put_aside(self, name: str) -> None:
        """Give it another name."""
        self.path.replace(self.path.with_name(name))


@dataclass
class Numbered:
    """Kept on an object store: whoever writes the number after the one that it read was alone."""

    generations: Generations
    number: int = 0  # of what was read last

    def exists(self) -> bool:
        """Say whether there is any."""
        return self.generations.last() > 0

    def read(self) -> bytes | None:
        """Return it, None if there is none."""
        while last := self.generations.last():
            with suppress(FileNotFoundError):  # others have written many since
                content = self.generations.place(last).read_bytes()
                self.number = last
                return content
        self.number = 0
        return None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Do nothing: what another process writes meanwhile is noticed by `write`."""
        yield

    def write(self, content: bytes) -> bool:
        """Write it; False: another process did first, and it is to be read again."""
        number = self.number + 1
        if not self.generations.create(number, content):
            return False
        if self.number and not self.generations.place(self.number).is_file():
            # others have written so many since that this number was cleared away before: void
            self.generations.place(number).unlink(missing_ok=True)
            return False
        self.generations.forget(number - LEFT)
        return True

    def put_aside(self, name: str) -> None:
        """Copy it; the next number takes its place."""
        content = self.generations.place(self.number).read_bytes()
        (self.generations.folder.parent / name).write_bytes(content)


Kept: TypeAlias = InFile | Numbered


def _sync_folder(folder: Path) -> None:
    """Make a move last, where folders can be synchronised at all."""
    if os.name != "posix":
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
