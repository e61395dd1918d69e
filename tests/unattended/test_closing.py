"""A run tells whom it concerns, once, and clears the archive; what fails there hides nothing."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from research import config
from research.errors import RenderError, UsageError
from research.unattended import closing
from research.unattended.jobs import Job, Outcome
from research.unattended.schedule import read
from tests.notebook_files import write
from tests.report.shelves import put
from tests.unattended.runs import Desk, publish

Write = Callable[..., Path]
AS_OF = "from research.parameters import Instant\n\nas_of: Instant | None = None  # by then\n"
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


def test_what_a_killed_run_had_no_time_to_tell_is_told_by_the_next_once(
    desk: Desk, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.states["daily"] = "failed"
    desk.run("2026-06-10T06:05")
    desk.states.clear()

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    real = closing.tell_people
    first = iter([real])

    def at_the_end_killed(*given: Any, **named: Any) -> None:
        next(first, killed)(*given, **named)

    monkeypatch.setattr(closing, "tell_people", at_the_end_killed)
    with pytest.raises(KeyboardInterrupt):
        desk.run("2026-06-10T07:05")  # it is made, and noted
    assert desk.made() == ["daily"]
    monkeypatch.setattr(closing, "tell_people", real)
    assert titles(httpserver) == ["Failed: daily"]
    for at in ("2026-06-10T08:05", "2026-06-10T09:05"):
        desk.run(at)
        assert desk.made() == []
    assert titles(httpserver) == ["Failed: daily", "Made again: daily"]
    desk.states["daily"] = "failed"
    desk.run("2026-06-11T06:05")
    assert titles(httpserver)[2:] == ["Failed: daily"]


def test_what_a_killed_run_had_published_is_told_by_the_next(
    desk: Desk, httpserver: HTTPServer
) -> None:
    desk.states["daily"] = "failed"
    desk.run("2026-06-10T06:05")

    def killed(jobs: Sequence[Job], **_: object) -> list[Outcome]:
        publish(desk.out / desk.schedule.reports[0].file, desk.now)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        desk.run("2026-06-10T07:05", render_all=killed)
    desk.run("2026-06-10T08:05")
    assert desk.made() == []
    assert titles(httpserver) == ["Failed: daily", "Made again: daily"]


def test_a_new_report_is_not_late(desk: Desk, httpserver: HTTPServer) -> None:
    desk.run("2026-06-10T23:05")  # seventeen hours after the time before it was known
    assert titles(httpserver) == []


def test_of_several_times_at_once_one_that_fails_is_told_once_and_no_recovery(
    desk: Desk, httpserver: HTTPServer, tmp_path: Path
) -> None:
    path = tmp_path / "schedule.toml"
    path.write_text(SCHEDULE.format(keep='1\ncatch_up = "each"'))
    write(tmp_path / "question.ipynb", "# T", AS_OF)
    desk.schedule = read(path)
    desk.run("2026-06-10T06:05")

    def only_the_latest(jobs: Sequence[Job], **given: Any) -> list[Outcome]:
        for each in jobs:
            desk.states["daily"] = "failed" if each.as_of else "done"
            desk.render_all([each], **given)
        return []

    for at in ("2026-06-12T06:05", "2026-06-13T06:05", "2026-06-14T06:05"):
        desk.run(at, render_all=only_the_latest)
    assert titles(httpserver).count("Failed: daily") == 1
    assert "Made again: daily" not in titles(httpserver)[1:]


def test_pages_of_missed_times_are_kept_like_earlier_ones_and_others_stay(
    desk: Desk, tmp_path: Path
) -> None:
    path = tmp_path / "schedule.toml"
    path.write_text(SCHEDULE.format(keep='2\ncatch_up = "each"'))
    write(tmp_path / "question.ipynb", "# T", AS_OF)
    desk.schedule = read(path)
    [report] = desk.schedule.reports
    desk.out.mkdir()
    missed = [dt.datetime(2026, 6, day, 6, tzinfo=dt.UTC) for day in (3, 4, 5)]
    by_hand = dt.datetime(2026, 6, 2, 7, tzinfo=dt.UTC)
    for time in (*missed, by_hand):
        put(desk.out, Path(report.file_as_of(time)).stem, made=time)

    desk.run("2026-06-10T06:05")

    left = {page.name for page in desk.out.glob("*--as-of-*.html")}
    assert left == {report.file_as_of(time) for time in (*missed[1:], by_hand)}
    assert not [*desk.out.glob(f"{Path(report.file_as_of(missed[0])).stem}*")]


def test_an_index_that_a_killed_run_left_old_is_written_by_the_next(desk: Desk) -> None:
    listed: list[Path] = []
    real_now = dt.datetime.now(dt.UTC)
    index = desk.out / "index.html"
    desk.run("2026-06-10T06:05")
    index.write_text("of a run before")
    os.utime(index, (0, 0))
    desk.run("2026-06-10T07:05", build_site=lambda out, _: listed.append(out))
    assert listed == [desk.out]
    os.utime(index, (real_now.timestamp(),) * 2)
    desk.run("2026-06-10T08:05", build_site=lambda out, _: listed.append(out))
    assert listed == [desk.out]


def test_the_index_of_a_run_that_fails_says_since_when_a_report_is_overdue(desk: Desk) -> None:
    told: list[Mapping[str, dt.datetime]] = []
    desk.run("2026-06-10T06:05")
    (desk.out / "index.html").touch()
    desk.states["daily"] = "failed"
    desk.run("2026-06-11T12:05", build_site=lambda _, late: told.append(late))
    assert told == [{desk.schedule.reports[0].file: dt.datetime(2026, 6, 11, 6, tzinfo=dt.UTC)}]


def test_the_archive_keeps_what_the_entry_says(desk: Desk) -> None:
    archive = desk.out / "archive"
    archive.mkdir(parents=True)
    for day in (7, 8, 9):
        made = dt.datetime(2026, 6, day, 6, tzinfo=dt.UTC)
        put(archive, f"question--2026-06-0{day}", made=made)

    desk.run("2026-06-10T06:05")

    assert sorted(path.name for path in archive.glob("*.html")) == ["question--2026-06-09.html"]


def test_an_index_that_cannot_be_written_is_trouble_beside_the_reports(desk: Desk) -> None:
    def fails(*_: object) -> None:
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
