"""A library that is hidden from another one."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from research.imports import without

UNUSED = "xmlrpc.client"


def test_a_hidden_module_cannot_be_found_and_can_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, UNUSED, raising=False)
    with without(UNUSED), pytest.raises(ModuleNotFoundError):
        importlib.import_module(UNUSED)
    assert importlib.import_module(UNUSED).__name__ == UNUSED


def test_what_is_imported_already_stays_in_use() -> None:
    with without("json"):
        assert importlib.import_module("json") is sys.modules["json"]
    assert sys.modules["json"] is not None


def test_tables_are_checked_without_the_libraries_for_clusters_and_tests() -> None:
    checked = (
        "import sys; from research import frames\n"
        "frames.conform(frames.Observations.empty(), frames.Observations)\n"
        "print({'dask', 'distributed'} & set(sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", checked], check=True, capture_output=True)
    assert told.stdout == b"set()\n"


def test_tables_are_checked_on_a_worker_of_a_cluster_without_those_of_dask() -> None:
    checked = (
        "import sys, distributed; from research import frames\n"
        "frames.conform(frames.Observations.empty(), frames.Observations)\n"
        "print('dask' in sys.modules, 'dask.dataframe' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", checked], check=True, capture_output=True)
    assert told.stdout == b"True False\n"
