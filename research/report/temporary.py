"""Temporary folders of reports: each is removed at its end, or days later if its machine died."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

PREFIX = "gpu-depin-"  # what is called so in the system's temporary folder is ours to remove
OLD_SECONDS = 2 * 86_400.0  # that no report takes


def sweep() -> int:
    """Remove the folders of processes that were killed before they could; return how many."""
    removed = 0
    for folder in _old():
        shutil.rmtree(folder, ignore_errors=True)
        removed += not folder.exists()
    return removed


def _old() -> Iterator[Path]:
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            age = time.time() - folder.lstat().st_mtime
        except FileNotFoundError:  # its report has ended meanwhile
            continue
        if age > OLD_SECONDS and folder.is_dir() and not folder.is_symlink():
            yield folder
