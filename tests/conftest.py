"""Options of the whole test run, and what tests of many folders need."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.buckets import ObjectStore

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
    """Write a notebook; a cell that starts with # is text, one with `: ` types parameters."""

    def cell(at: int, source: str) -> dict[str, Any]:
        base: dict[str, Any] = {"id": f"cell-{at}", "metadata": {}, "source": source}
        if source.startswith("# "):
            return base | {"cell_type": "markdown"}
        if source.startswith("from research.parameters"):
            base["metadata"] = {"tags": ["parameters"]}
        return base | {"cell_type": "code", "execution_count": None, "outputs": []}

    def notebook(path: Path, *sources: str) -> Path:
        kernel = {"name": "from-another-machine", "display_name": "R", "language": "python"}
        content = {
            "cells": [cell(at, source) for at, source in enumerate(sources)],
            "metadata": {"kernelspec": kernel},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
        return path

    return notebook


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
