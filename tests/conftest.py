"""Options of the whole test run, and what tests of many folders need."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import notebook_files

Write = Callable[..., Path]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what a run may ask for."""
    parser.addoption(
        "--all-faults",
        action="store_true",
        help="each upstream with each fault, some 230 updates, and not only a part of them",
    )


@pytest.fixture(scope="session")
def write() -> Write:
    """Write a notebook; see `notebook_files.write`."""
    return notebook_files.write
