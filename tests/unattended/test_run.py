"""A run makes what is due and not done, once, and says what it found broken."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import stamina

from research import config
from research.errors import RenderError, StoreError, UsageError
from research.report import render
from research.unattended import locks, repair, worker
from research.unattended.jobs import Job, Outcome
from research.unattended.schedule import read
from research.unattended.standing import standings
from research.unattended.state import Ledger, StateError
from tests.unattended.runs import Desk, job, publish, utc

Write = Callable[..., Path]
PARAMETERS = (
    "from research.parameters import Instant, NetworkId\n\n"
    'network: NetworkId = "akash"  # whose\n'
    "as_of: Instant | None = None  # what was known by then\n"
)
SCHEDULE = """
[[report]]
name = "daily"
notebook = "question.ipynb"
cron = "0 6 * * *"
strict = true

[[report]]
name = "weekly"
notebook = "another.ipynb"
cron = "0 6 * * 3"
catch_up = "each"
grid = { network = ["akash", "render"] }
"""
ALL = ["daily", "weekly/akash", "weekly/render"]


@pytest.fixture
def desk(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # what lies in it is removed
    monkeypatch.setenv("RESEARCH_CACHE", str(tmp_path / "cache"))
    config.settings.cache_clear()
    for name in ("question", "another"):
        write(tmp_path / f"{name}.ipynb", "# T", PARAMETERS)
    path = tmp_path / "schedule.toml"
    path.write_text(SCHEDULE)
    yield Desk(read(path), tmp_path / "out")
    config.settings.cache_clear()


def test_what_is_due_is_made_once_and_the_data_are_updated_before_once(desk: Desk) -> None:
    assert desk.run("2026-06-10T06:05", budget_seconds=40.0).exit_code == 0
    assert desk.made() == ALL
    [(store, seconds)] = desk.updates
    assert store == str(desk.out / "store")
    assert seconds == pytest.approx(40.0, abs=5.0)
    assert desk.run("2026-06-10T07:05").outcomes == []
    assert desk.run("2026-06-11T05:59").outcomes == []
    assert len(desk.updates) == 1  # nothing is asked for if nothing is due
    desk.run("2026-06-11T06:00")
    assert desk.made() == ["daily"]


def test_a_job_says_what_its_entry_says(desk: Desk) -> None:
    desk.run("2026-06-10T06:05")
    daily, akash, _ = desk.jobs
    assert (daily.strict, daily.seconds, daily.cell_seconds) == (True, 3600, 1200)
    assert daily.period == utc("2026-06-10T06:00")
    assert (daily.as_of, daily.store) == (None, None)  # its notebook reads no store
    assert (akash.strict, akash.parameters) == (False, {"network": "akash"})


def test_missed_periods_are_one_as_of_now_or_each_as_of_then(desk: Desk) -> None:
    desk.run("2026-06-10T06:05")
    desk.run("2026-06-25T09:00")
    assert [(job.name, f"{job.period:%d}", job.as_of) for job in desk.jobs] == [
        ("daily", "25", None),
        ("weekly/akash", "17", "2026-06-17T06:00:00+00:00"),
        ("weekly/akash", "24", None),
        ("weekly/render", "17", "2026-06-17T06:00:00+00:00"),
        ("weekly/render", "24", None),
    ]


def test_a_period_that_cannot_be_made_any_more_is_let_go_by_one_run_for_the_latest(
    desk: Desk, tmp_path: Path
) -> None:
    desk.states["weekly/akash"] = "failed"  # such as one of before anything was known
    desk.run("2026-06-10T06:05")
    desk.states.clear()
    path = tmp_path / "schedule.toml"
    path.write_text(SCHEDULE.replace("each", "latest"))
    desk.schedule = read(path)
    desk.run("2026-06-17T06:05", names=["weekly/akash"])
    assert [f"{job.period:%d}" for job in desk.jobs] == ["17"]
    path.write_text(SCHEDULE)
    desk.schedule = read(path)
    desk.run("2026-06-17T07:05", names=["weekly/akash"])
    assert desk.made() == []


def test_a_report_that_is_asked_otherwise_is_made_for_its_latest_time_once_more(
    desk: Desk, tmp_path: Path
) -> None:
    desk.run("2026-06-10T06:05")
    path = tmp_path / "schedule.toml"
    path.write_text(SCHEDULE.replace("strict = true", 'parameters = { network = "golem" }'))
    desk.schedule = read(path)
    desk.run("2026-06-10T07:05")
    [job] = desk.jobs
    assert (job.name, job.period) == ("daily", utc("2026-06-10T06:00"))
    desk.run("2026-06-10T08:05")
    assert desk.made() == []


def test_all_makes_what_is_not_due_too_and_names_choose(desk: Desk) -> None:
    desk.run("2026-06-10T06:05", names=["weekly/a*"])
    assert desk.made() == ["weekly/akash"]
    desk.run("2026-06-10T06:10", everything=True, names=["weekly"])
    assert [(job.name, job.period is None) for job in desk.jobs] == [
        *(("weekly/akash", True), ("weekly/render", False))
    ]
    desk.run("2026-06-10T07:00")
    assert desk.made() == ["daily"]
    with pytest.raises(UsageError, match=r"--name monthly: no report of .* is called so"):
        desk.run(names=["monthly"])


def test_one_that_fails_stops_no_other_and_is_due_again(desk: Desk) -> None:
    desk.states["weekly/akash"] = "failed"
    assert desk.run("2026-06-10T06:05").exit_code == 1
    assert desk.made() == ALL
    record = Ledger(desk.out).read().reports["weekly/akash"]
    assert record.failure is not None
    assert (record.failure.reason, record.page) == ("a cell failed", None)
    desk.states.clear()
    assert desk.run("2026-06-10T07:05").exit_code == 0
    assert desk.made() == ["weekly/akash"]
    assert Ledger(desk.out).read().reports["weekly/akash"].failure is None


def test_the_failure_of_a_report_asked_for_by_hand_is_read_again(desk: Desk) -> None:
    desk.run("2026-06-10T06:05")
    desk.states["daily"] = "failed"
    assert desk.run("2026-06-10T06:10", everything=True).trouble == []
    failure = Ledger(desk.out).read().reports["daily"].failure
    assert failure is not None
    assert failure.period is None
    assert desk.run("2026-06-10T06:15").repaired == []


def test_failed_checks_alone_exit_with_3(desk: Desk) -> None:
    desk.states["daily"] = "gate"
    assert desk.run().exit_code == 3
    desk.states["weekly/akash"] = "timed out"
    assert desk.run("2026-06-17T06:05").exit_code == 1


def test_reports_go_on_if_the_update_fails_and_the_run_says_so(desk: Desk) -> None:
    def update(store: str, budget_seconds: float) -> list[str]:
        raise StoreError("s3://mine: no answer")

    with stamina.set_testing(True, attempts=3):
        summary = desk.run(update=update)
    assert desk.made() == ALL
    assert summary.trouble == ["the store was not updated: s3://mine: no answer"]
    assert summary.exit_code == 1


def test_the_simulated_market_is_not_updated(desk: Desk) -> None:
    assert desk.run(store="sample").exit_code == 0
    assert desk.updates == []


def test_an_update_waits_for_that_of_another_run_and_then_goes_on_without(desk: Desk) -> None:
    store = str(desk.out / "store")
    with locks.of_store(store).held(run="another"):
        summary = desk.run(store=store, budget_seconds=0.2)
    assert desk.made() == ALL
    [told] = summary.trouble
    assert f"held by process {os.getpid()}, run another, since 20" in told


HOLD = """
import sys, time
from pathlib import Path
from research.unattended.state import Ledger
with Ledger(Path(sys.argv[1])).lock("weekly").held(run="theirs"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_report_that_another_process_makes_is_left_to_it_until_that_is_gone(desk: Desk) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(desk.out)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        summary = desk.run("2026-06-10T06:05")
        assert desk.made() == ["daily"]
        assert summary.exit_code == 0
        assert f"held by process {other.pid}, run theirs, since 20" in summary.left["weekly"]
        other.kill()  # as a crash does: it cleans up nothing
        other.wait()
    desk.run("2026-06-10T06:10")
    assert desk.made() == ["weekly/akash", "weekly/render"]


def test_two_runs_at_once_double_nothing(desk: Desk) -> None:
    made: list[str] = []
    both = threading.Barrier(2)

    def slowly(
        jobs: Sequence[Job], *, workers: int, on_done: Callable[[Outcome], None]
    ) -> list[Outcome]:
        made.extend(job.name for job in jobs)
        time.sleep(0.1)
        return desk.render_all(jobs, workers=workers, on_done=on_done)

    def one() -> None:
        both.wait()
        desk.run(render_all=slowly)

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == ALL
    assert {*Ledger(desk.out).read().reports} == {*ALL}


def killed(desk: Desk, *, is_cut: bool) -> Callable[..., list[Outcome]]:
    """Return what publishes the first report, or half of it, and is killed."""

    def render_all(jobs: Sequence[Job], **_: object) -> list[Outcome]:
        publish(desk.out / desk.schedule.reports[0].file, desk.now, is_cut=is_cut)
        raise KeyboardInterrupt

    return render_all


@pytest.mark.parametrize(("is_cut", "again"), [(False, ALL[1:]), (True, ALL)])
def test_what_a_killed_run_published_is_done_and_what_it_did_not_is_due(
    desk: Desk, is_cut: bool, again: list[str]
) -> None:
    with pytest.raises(KeyboardInterrupt):
        desk.run("2026-06-10T06:05", render_all=killed(desk, is_cut=is_cut))
    summary = desk.run("2026-06-10T07:05")
    assert desk.made() == again
    what = "published nothing of it" if is_cut else "published 1 of 1, which count as done"
    assert summary.repaired[0] == f"daily: a run was killed while it made this; it had {what}"
    assert len(summary.repaired) == 3
    assert desk.run("2026-06-10T08:05").repaired == []


@pytest.mark.parametrize("tells", [True, False])  # which twin it belongs to, as pages once did not
def test_a_page_beside_a_newer_manifest_is_not_taken_for_the_newer_report(
    tmp_path: Path, tells: bool
) -> None:
    first = utc("2026-06-10T06:00:10") if tells else utc("2026-06-10T05:59:50")
    page = publish(tmp_path / "daily.html", first)
    if not tells:
        page.write_bytes(page.read_bytes().partition(b"> ")[2])
    assert repair.published_at(page) == first
    publish(page, utc("2026-06-10T06:00:40"), is_cut=True)  # in the same minute, if it tells
    assert repair.published_at(page) is None


@pytest.mark.parametrize("left", [b"", b'{"version": 1, "repo', b'{"version": 9}', b"\xff\x00"])
def test_a_broken_state_is_made_anew_from_the_reports(desk: Desk, left: bytes) -> None:
    desk.run("2026-06-10T06:05")
    (desk.out / ".state" / "state.json").write_bytes(left)
    summary = desk.run("2026-06-10T07:05")
    assert desk.made() == []
    [told] = summary.repaired
    assert "state.json: could not be read, and was moved to broken-20260610T070500Z.json" in told
    assert told.endswith("made anew from the 3 reports that are there")
    assert (desk.out / ".state" / "broken-20260610T070500Z.json").read_bytes() == left
    desk.run("2026-06-11T06:05")
    assert desk.made() == ["daily"]


def test_a_lost_state_is_made_anew_but_a_first_run_makes_all(desk: Desk) -> None:
    desk.out.mkdir()
    publish(desk.out / desk.schedule.reports[0].file, utc("2026-06-10T06:01"))  # made by hand
    assert desk.run("2026-06-10T06:05").repaired == []
    assert desk.made() == ALL
    (desk.out / ".state" / "state.json").unlink()
    [told] = desk.run("2026-06-10T07:05").repaired
    assert "state.json: lost; made anew from the 3 reports" in told
    assert desk.made() == []


def test_unfinished_files_are_removed_once_they_are_old(desk: Desk) -> None:
    folders = [desk.out / name for name in ("", "archive", "failed", ".state", ".state/locks")]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        for name in (".old.part", ".new.part"):
            (folder / name).write_text("half a page")
        os.utime(folder / ".old.part", (0, 0))
    [told] = desk.run().repaired
    assert told == "removed 5 unfinished files of a run that was killed"
    assert {path.name for path in desk.out.rglob(".*.part")} == {".new.part"}
    assert all((folder / ".new.part").exists() for folder in folders)


def test_temporary_folders_of_killed_reports_are_removed_after_days(
    desk: Desk, tmp_path: Path
) -> None:
    for name, is_old in (("gpu-depin-a", True), ("gpu-depin-b", False), ("somebodys", True)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "executed.ipynb").touch()
        if is_old:
            os.utime(tmp_path / name, (0, 0))
    (tmp_path / "gpu-depin-file").touch()
    os.utime(tmp_path / "gpu-depin-file", (0, 0))
    (tmp_path / "gpu-depin-link").symlink_to(tmp_path / "somebodys")
    os.utime(tmp_path / "gpu-depin-link", (0, 0), follow_symlinks=False)
    [told] = desk.run().repaired
    assert told == "removed 1 temporary folder of reports that were killed days ago"
    left = {path.name for path in tmp_path.iterdir()}
    assert left >= {"gpu-depin-b", "gpu-depin-file", "gpu-depin-link", "somebodys"}
    assert "gpu-depin-a" not in left
    assert (tmp_path / "somebodys" / "executed.ipynb").exists()


def test_a_full_disk_begins_nothing_and_leaves_the_state_as_it_was(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.run("2026-06-10T06:05")
    before = Ledger(desk.out).path.read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(StateError, match="No space left on device"):
            desk.run("2026-06-11T06:05")
    assert desk.jobs == []
    assert Ledger(desk.out).path.read_bytes() == before
    assert [*Ledger(desk.out).folder.glob(".*.part")] == []


def test_a_disk_that_fills_up_meanwhile_is_told_and_the_page_is_not_made_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    synchronise = os.fsync

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def fills_up(
        jobs: Sequence[Job], *, workers: int, on_done: Callable[[Outcome], None]
    ) -> list[Outcome]:
        monkeypatch.setattr(os, "fsync", full)
        return desk.render_all(jobs, workers=workers, on_done=on_done)

    summary = desk.run("2026-06-10T06:05", render_all=fills_up)
    monkeypatch.setattr(os, "fsync", synchronise)
    assert summary.exit_code == 1
    assert "No space left on device" in summary.trouble[0]
    assert len(desk.run("2026-06-10T07:05").repaired) == 3
    assert desk.made() == []


def test_a_clock_put_back_is_told_and_makes_nothing_again(desk: Desk) -> None:
    desk.run("2026-06-10T06:05")
    desk.told.clear()
    for at in ("2026-06-09T12:00", "2026-06-01T06:00", "1970-01-02T00:00"):
        assert desk.run(at).outcomes == []
    assert "daily: done for 2026-06-10 06:00, and the clock says 2026-06-09 12:00" in (
        desk.told[0].replace(" UTC", "")
    )
    assert desk.run("2026-06-10T06:30").outcomes == []


def test_a_report_of_which_nothing_is_heard_failed(desk: Desk) -> None:
    summary = desk.run(render_all=lambda *_, **__: [])
    assert [one.state for one in summary.outcomes] == ["failed"] * 3
    assert summary.exit_code == 1


def test_the_log_has_a_line_an_event_and_no_secret(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_API_KEY", "correct-horse-battery")
    desk.states["daily"] = "failed"
    desk.reason = "https://me:hunter2@example.org/?key=correct-horse-battery refused"
    desk.run("2026-06-10T06:05")
    events = desk.log()
    assert [event["event"] for event in events] == [
        *("started", "updated", "failed", "done", "done", "ended")
    ]
    assert len({event["run"] for event in events}) == 1
    assert events[2] | {"run": ""} == {
        "at": "2026-06-10T06:05:00Z",
        "run": "",
        "event": "failed",
        "report": "daily",
        "period": "2026-06-10T06:00:00Z",
        "state": "failed",
        "attempts": 1,
        "seconds": 1.0,
        "text": "daily: https://***@example.org/?key=*** refused",
    }
    for path in (desk.out / ".state").rglob("*"):
        assert path.is_dir() or b"horse" not in path.read_bytes()
    assert "horse" not in "\n".join(desk.told)


def test_a_line_that_a_full_disk_has_cut_short_spoils_no_other(desk: Desk) -> None:
    desk.run("2026-06-10T06:05")
    path = desk.out / ".state" / "log.jsonl"
    before = path.read_bytes()
    path.write_bytes(before[:-20])
    desk.run("2026-06-11T06:05")
    lines = path.read_text().splitlines()
    assert lines[: len(before.splitlines()) - 1] == before.decode().splitlines()[:-1]
    assert json.loads(lines[len(before.splitlines())])["event"] == "started"


def test_nobody_else_can_look_into_the_state(desk: Desk) -> None:
    desk.run()
    assert oct((desk.out / ".state").stat().st_mode)[-3:] == "700"


def test_a_report_is_overdue_once_its_time_is_past_for_long(desk: Desk) -> None:
    desk.run("2026-06-10T06:05")

    def overdue(at: str) -> list[str]:
        found = standings(desk.schedule.path, desk.out, utc(at))
        return [one.name for one in found or () if one.is_overdue]

    assert overdue("2026-06-11T07:59") == []
    assert overdue("2026-06-11T08:01") == ["daily"]
    assert overdue("2026-06-17T09:00") == ALL
    found = standings(desk.schedule.path, desk.out, utc("2026-06-11T08:01"))
    assert found is not None
    daily = found[0]
    assert daily.next_due == utc("2026-06-12T06:00")
    assert daily.owed_since == utc("2026-06-11T06:00")


@pytest.mark.parametrize(
    ("error", "attempts"), [(StoreError("locked"), 3), (RenderError("cell 3"), 1)]
)
def test_what_can_pass_is_tried_again_and_what_cannot_is_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception, attempts: int
) -> None:
    def fail(*_: object, **__: object) -> Path:
        raise error

    monkeypatch.setattr(render, "report", fail)
    with stamina.set_testing(True, attempts=3):
        failed = worker.work(job("question", tmp_path), tmp_path)
    assert (failed.state, failed.reason, failed.attempts) == ("failed", str(error), attempts)
