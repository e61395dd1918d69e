"""A run tells whom it concerns, once, and clears the archive; what fails there hides nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from research import config
from research.errors import RenderError, UsageError
from research.unattended.schedule import read
from tests.report.shelves import put
from tests.unattended.runs import Desk

Write = Callable[..., Path]
SCHEDULE = """
[[report]]
name = "daily"
notebook = "question.ipynb"
cron = "0 6 * * *"
keep = {keep}
[report.alerts]
tell = ["chat"]
"""


@pytest.fixture
def desk(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer
) -> Iterator[Desk]:
    monkeypatch.setenv("RESEARCH_CACHE", str(tmp_path / "cache"))
    address = f"json://127.0.0.1:{httpserver.port}/hook"
    monkeypatch.setenv("RESEARCH_ALERTS__CHAT", address)
    httpserver.expect_request("/hook", method="POST").respond_with_data("ok")
    config.settings.cache_clear()
    write(tmp_path / "question.ipynb", "# T")
    path = tmp_path / "schedule.toml"
    path.write_text(SCHEDULE.format(keep=1))
    yield Desk(read(path), tmp_path / "out")
    config.settings.cache_clear()


def titles(server: HTTPServer) -> list[str]:
    """Return what the chat was told so far."""
    return [str(request.get_json()["title"]) for request, _ in server.log]


def test_a_report_that_fails_is_told_once_and_so_is_its_recovery(
    desk: Desk, httpserver: HTTPServer
) -> None:
    desk.states["daily"] = "failed"
    for at in ("2026-06-10T06:05", "2026-06-10T07:05"):
        desk.run(at)
    assert len(titles(httpserver)) == 1

    desk.states.clear()
    for at in ("2026-06-10T07:35", "2026-06-10T07:55"):
        desk.run(at)

    told = [line["text"] for line in desk.log() if line["event"] == "told"]
    assert told == ["daily: chat was told of failure", "daily: chat was told of recovery"]
    assert len(titles(httpserver)) == len(told)


def test_a_report_that_is_late_is_told_before_it_is_made(
    desk: Desk, httpserver: HTTPServer
) -> None:
    desk.run("2026-06-10T06:05")
    desk.run("2026-06-11T12:00")  # the machine was off at six

    told = [line["text"] for line in desk.log() if line["event"] == "told"]
    assert told == ["daily: chat was told of overdue", "daily: chat was told of recovery"]
    assert len(titles(httpserver)) == len(told)


def test_the_archive_keeps_what_the_entry_says(desk: Desk) -> None:
    archive = desk.out / "archive"
    archive.mkdir(parents=True)
    for day in (7, 8, 9):
        made = dt.datetime(2026, 6, day, 6, tzinfo=dt.UTC)
        put(archive, f"question--2026-06-0{day}", made=made)

    desk.run("2026-06-10T06:05")

    assert sorted(path.name for path in archive.glob("*.html")) == ["question--2026-06-09.html"]


def test_an_index_that_cannot_be_written_is_trouble_beside_the_reports(desk: Desk) -> None:
    def fails(_: Path) -> None:
        raise RenderError("no room")

    summary = desk.run(build_site=fails)

    assert [outcome.state for outcome in summary.outcomes] == ["done"]
    assert summary.trouble == ["the index was not written: no room"]
    assert summary.exit_code == 1


def test_nothing_is_made_while_nobody_knows_whom_to_tell(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RESEARCH_ALERTS__CHAT")
    config.settings.cache_clear()

    with pytest.raises(UsageError, match="RESEARCH_ALERTS__CHAT"):
        desk.run()

    assert desk.made() == []
