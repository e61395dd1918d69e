"""Read TOML files as one tree, and remember which file and line each value came from.

`tomllib` tells no positions. An error names its line all the same: `lines_of` walks a document
that `tomllib` has already accepted, and is run only when there is an error to report.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeGuard

from research.errors import CatalogueError

KeyPath = tuple[str | int, ...]  # ("networks", "akash", "payouts", 0, "kind")

_BLANK = re.compile(r"(?:\s|#[^\n]*)*")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:[^,\]}\s#]+|[^,\]}\s#]+"
)  # a date and time may hold a blank
_AT_LINE = re.compile(r"\(at line (\d+), column \d+\)")


@dataclass(frozen=True)
class File:
    """One TOML file as it was read."""

    name: str  # as an error names it
    text: str


@dataclass
class Tree:
    """Several TOML files laid over one another; the later file wins, key by key."""

    data: dict[str, Any] = field(default_factory=dict)
    files: list[File] = field(default_factory=list)
    _set_by: dict[KeyPath, int] = field(default_factory=dict)  # what a file gave whole
    _touched_by: dict[KeyPath, int] = field(default_factory=dict)  # the last file that names it

    def add(self, file: File) -> None:
        """Lay a file over the ones before it."""
        self.files.append(file)
        self._merge(self.data, parse(file), ())

    def _merge(self, into: dict[str, Any], new: dict[str, Any], path: KeyPath) -> None:
        index = len(self.files) - 1
        for key, value in new.items():
            here = (*path, key)
            self._touched_by[here] = index
            old = into.get(key)
            if _is_table(old) and _is_table(value):
                self._merge(old, value, here)
            else:
                into[key] = value
                self._set_by[here] = index

    def place(self, path: KeyPath) -> tuple[int, int]:
        """Return (number of the file, line) of a value, or of the nearest table around it."""
        index = self._touched_by.get(path)
        if index is None:
            around = (path[:length] for length in range(len(path), 0, -1))
            index = next((self._set_by[p] for p in around if p in self._set_by), 0)
        lines = lines_of(self.files[index].text)
        around = (path[:length] for length in range(len(path), 0, -1))
        return index, next((lines[p] for p in around if p in lines), 1)


def _is_table(value: object) -> TypeGuard[dict[str, Any]]:
    """Tell a table that is updated key by key from a figure, whose source goes with its value."""
    return isinstance(value, dict) and "value" not in value


def read_files(paths: Iterable[Path], *, shown: bool) -> list[File]:
    """Read files; `shown` says that errors name the whole path and not only the file."""
    files = []
    for path in paths:
        name = str(path) if shown else path.name
        try:
            content = path.read_bytes()
        except OSError as error:
            raise CatalogueError(f"{name}: cannot be read: {error.strerror}") from error
        try:
            files.append(File(name, content.decode("utf-8")))
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise CatalogueError(f"{name}:{line}: not UTF-8; accepted: TOML 1.0") from error
    return files


def parse(file: File) -> dict[str, Any]:
    """Return what a TOML file says, or refuse it with the line that is no TOML."""
    try:
        return tomllib.loads(file.text)
    except RecursionError as error:
        raise CatalogueError(f"{file.name}:1: nested too deeply; accepted: TOML 1.0") from error
    except ValueError as error:  # TOMLDecodeError, or a number of thousands of digits
        found = _AT_LINE.search(str(error))
        line = int(found[1]) if found else file.text.rstrip("\n").count("\n") + 1
        reason = _AT_LINE.sub("", str(error)).replace("(at end of document)", "").strip()
        raise CatalogueError(f"{file.name}:{line}: {reason}; accepted: TOML 1.0") from error


@lru_cache(maxsize=32)
def lines_of(text: str) -> dict[KeyPath, int]:
    """Return the line of each table, key and array item of a valid TOML document."""
    return _Scanner(text).lines


class _Scanner:
    """A walk through a document that is known to be valid, noting where keys stand."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines: dict[KeyPath, int] = {}
        self._breaks = [match.start() for match in re.finditer("\n", text)]
        self._counts: dict[KeyPath, int] = {}  # arrays of tables: index of the current table
        table: KeyPath = ()
        at = self._skip(0)
        while at < len(text):
            table, at = self._statement(at, table)
            at = self._skip(at)

    def _line(self, at: int) -> int:
        return bisect_right(self._breaks, at - 1) + 1

    def _skip(self, at: int) -> int:
        found = _BLANK.match(self.text, at)
        return found.end() if found else at

    def _statement(self, at: int, table: KeyPath) -> tuple[KeyPath, int]:
        if self.text[at] != "[":
            return table, self._pair(at, table)
        brackets = 2 if self.text.startswith("[[", at) else 1
        keys, end = self._keys(at + brackets)
        path: KeyPath = ()
        for number, key in enumerate(keys, start=1):
            path = (*path, key)
            self.lines.setdefault(path, self._line(at))
            if brackets == 2 and number == len(keys):
                self._counts[path] = self._counts.get(path, -1) + 1
            if path in self._counts:
                path = (*path, self._counts[path])
        self.lines[path] = self._line(at)
        return path, end + brackets

    def _pair(self, at: int, table: KeyPath) -> int:
        start, path = at, table
        keys, at = self._keys(at)
        for key in keys:
            path = (*path, key)
            self.lines.setdefault(path, self._line(start))
        return self._value(at + 1, path)  # + 1: the equals sign

    def _keys(self, at: int) -> tuple[list[str], int]:
        keys = []
        while True:
            at = self._skip(at)
            if found := _STRING.match(self.text, at):
                keys.append(str(tomllib.loads(f"key = {found[0]}")["key"]))
            else:
                found = _BARE_KEY.match(self.text, at)
                if found is None:
                    return keys, at
                keys.append(found[0])
            at = self._skip(found.end())
            if self.text[at] != ".":
                return keys, at
            at += 1

    def _value(self, at: int, path: KeyPath) -> int:
        at = self._skip(at)
        if self.text[at] in "[{":
            return self._group(at, path)
        found = _STRING.match(self.text, at) or _SCALAR.match(self.text, at)
        return found.end() if found else at + 1

    def _group(self, at: int, path: KeyPath) -> int:
        """Walk through an array or an inline table."""
        closing, index = ("]" if self.text[at] == "[" else "}"), 0
        at = self._skip(at + 1)
        while self.text[at] != closing:
            if closing == "]":
                self.lines[*path, index] = self._line(at)
                at = self._value(at, (*path, index))
            else:
                at = self._pair(at, path)
            index += 1
            at = self._skip(at)
            if self.text[at] == ",":
                at = self._skip(at + 1)
        return at + 1
