"""Options of the whole test run."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what a run may ask for."""
    parser.addoption(
        "--all-faults",
        action="store_true",
        help="each upstream with each fault, some 230 updates, and not only a part of them",
    )
