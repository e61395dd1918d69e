"""Keeps a library from importing another one that it could use, which we have no use for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(module: str) -> Iterator[None]:
    """Import in this block as if `module` were not installed, unless it is imported already."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]  # Python's own sign for "cannot be found"
    try:
        yield
    finally:
        del sys.modules[module]
