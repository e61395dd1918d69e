"""Options of the whole test run, and what tests of many folders need."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings as hypothesis_settings

from tests import notebook_files

if TYPE_CHECKING:
    from tests.buckets import ObjectStore

Write = Callable[..., Path]
# the same examples at each run, so that what fails is of the change that is tested; new ones are
# looked for by `pytest --hypothesis-profile=default`
hypothesis_settings.register_profile("same", derandomize=True)
hypothesis_settings.load_profile("same")


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


@pytest.fixture(scope="session")
def _server() -> Iterator[ObjectStore]:
    from tests.buckets import serving  # its imports take a second

    with serving() as store:
        yield store


@pytest.fixture
def objects(_server: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    """A new bucket of an object store on this machine, as the environment names it."""
    from research.config import settings

    for name, value in _server.environment.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    _server.new_bucket()
    yield _server
    settings.cache_clear()


@pytest.fixture
def restored_handler() -> Iterator[None]:
    """Have SIGTERM do what it did, after a command that sets it was called in this process."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)
