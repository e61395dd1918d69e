"""The log of a folder stays bounded, and loses no line that was just kept."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from filelock import FileLock

from research.unattended import log
from tests.unattended.runs import utc

OLD = b"{}\n" * 1000


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "MOST_BYTES", len(OLD) - 1)


def now() -> dt.datetime:
    return utc("2026-06-10T06:05")


def begin(folder: Path, run: str = "one") -> None:
    log.Log(folder / "log.jsonl", run=run, now=now, tell=lambda _: None)("started", "a report")


def test_a_log_that_is_large_takes_the_place_of_the_older_one(tmp_path: Path) -> None:
    (tmp_path / "log.1.jsonl").write_bytes(b"older")
    (tmp_path / "log.jsonl").write_bytes(OLD)
    begin(tmp_path)
    assert (tmp_path / "log.1.jsonl").read_bytes() == OLD
    assert (tmp_path / "log.jsonl").read_text().count("\n") == 1


def test_a_run_that_another_overtakes_leaves_what_that_has_just_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(path: Path, timeout: float) -> FileLock:
        monkeypatch.setattr(log, "FileLock", FileLock)
        begin(tmp_path, "another")
        return FileLock(path, timeout=timeout)

    (tmp_path / "log.jsonl").write_bytes(OLD)
    monkeypatch.setattr(log, "FileLock", overtaken)
    begin(tmp_path)
    assert (tmp_path / "log.1.jsonl").read_bytes() == OLD
    assert (tmp_path / "log.jsonl").read_text().count("\n") == 2


def test_a_log_that_another_run_is_keeping_is_written_on(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_bytes(OLD)
    with FileLock(tmp_path / "log.lock"):
        begin(tmp_path)
    assert (tmp_path / "log.jsonl").read_text().count("\n") == 1001
