"""A run whose reports, state and locks lie on an object store does as one in a folder does."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import json
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from research import config
from research.errors import ResearchError
from research.report.bucket import Bucket
from research.report.files import publish as write_report
from research.report.manifest import KEYS, VERSION
from research.report.places import place
from research.report.surroundings import Surroundings, nothing, within
from research.unattended import telling, worker
from research.unattended.jobs import Job, Outcome
from research.unattended.rules import Rules
from research.unattended.schedule import read
from research.unattended.standing import standings
from research.unattended.state import Ledger, Record
from tests.buckets import Fault, ObjectStore, Request, fine
from tests.unattended.alarms import NAME, NOW, came
from tests.unattended.runs import Desk, outcome
from tests.unattended.test_run import ALL, PARAMETERS, SCHEDULE, killed

Write = Callable[..., Path]
SHORT = "2"  # seconds of a lease that nobody gives back


@pytest.fixture
def desk(
    write: Write, tmp_path: Path, objects: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # what lies in it is removed
    monkeypatch.setenv("RESEARCH_CACHE", str(tmp_path / "cache"))
    config.settings.cache_clear()
    for name in ("question", "another"):
        write(tmp_path / f"{name}.ipynb", "# T", PARAMETERS)
    path = tmp_path / "schedule.toml"
    path.write_text(SCHEDULE)
    yield Desk(read(path), place(objects.address("reports")))
    config.settings.cache_clear()


@contextmanager
def short_leases(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    with monkeypatch.context() as patch:
        patch.setenv("RESEARCH_LEASE_SECONDS", SHORT)
        config.settings.cache_clear()
        yield patch
    config.settings.cache_clear()


def records(desk: Desk) -> dict[str, Record]:
    return Ledger(desk.out).read().reports


def test_what_is_due_is_made_once_and_everything_lies_in_the_bucket(
    desk: Desk, objects: ObjectStore, tmp_path: Path
) -> None:
    before = {*tmp_path.rglob("*")}
    assert desk.run("2026-06-10T06:05", update=None).exit_code == 0
    assert desk.made() == ALL
    assert desk.run("2026-06-10T07:05", update=None).outcomes == []
    assert {*tmp_path.rglob("*")} == before
    kinds = {key.split("/")[2] for key in objects.names("reports/.state/")}
    assert kinds == {"locks", "log", "state"}
    assert not [key for key in objects.names() if key.endswith((".part", ".lock"))]
    log = [
        json.loads(line)
        for key in objects.names("reports/.state/log/")
        for line in objects.read(key).decode().splitlines()
    ]
    assert [each["event"] for each in log] == [
        *("started", "done", "done", "done", "ended"),
        "nothing-due",
    ]
    assert {each.name for each in standings(tmp_path / "schedule.toml", desk.out) or ()} == {*ALL}


def test_of_the_logs_of_runs_the_newest_are_kept(
    desk: Desk, objects: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("research.unattended.retention.MOST_LOGS", 2)
    for hour in range(4):
        desk.run(f"2026-06-10T{6 + hour:02}:05", everything=True)
    kept = [key.rpartition("/")[2][:11] for key in objects.names("reports/.state/log/")]
    assert kept == ["20260610T08", "20260610T09"]


def test_two_runs_at_once_double_nothing_and_lose_nothing(desk: Desk) -> None:
    made: list[str] = []
    both = threading.Barrier(2)

    def slowly(
        jobs: Sequence[Job], *, workers: int, on_done: Callable[[Outcome], None]
    ) -> list[Outcome]:
        made.extend(job.name for job in jobs)
        return desk.render_all(jobs, workers=workers, on_done=on_done)

    def one() -> None:
        both.wait()
        desk.run(render_all=slowly)

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    desk.run(render_all=slowly)  # what both left to the other
    assert sorted(made) == ALL
    assert {*records(desk)} == {*ALL}


def test_states_written_at_once_all_stay(desk: Desk) -> None:
    def one(name: str) -> None:
        for page in range(4):
            Ledger(desk.out).change(f"{name}{page}", lambda record: record)

    threads = [threading.Thread(target=one, args=[name]) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {*records(desk)} == {f"{name}{page}" for name in "abc" for page in range(4)}


@pytest.mark.parametrize(("is_cut", "again"), [(False, ALL[1:]), (True, ALL)])
def test_what_a_killed_run_published_is_done_once_its_lease_is_over(
    desk: Desk, is_cut: bool, again: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with short_leases(monkeypatch) as patch:  # a killed process gives nothing back
        patch.setattr("research.unattended.leases.Lease._give_back", lambda *_: None)
        with pytest.raises(KeyboardInterrupt):
            desk.run("2026-06-10T06:05", render_all=killed(desk, is_cut=is_cut))
    left = desk.run("2026-06-10T07:05")
    assert desk.made() == []
    assert {*left.left} == {"daily", "weekly"}
    wait_for_leases(desk)
    summary = desk.run("2026-06-10T07:05")
    assert desk.made() == again
    assert len(summary.repaired) == 3
    assert desk.run("2026-06-10T08:05").repaired == []


def test_a_broken_or_lost_state_is_made_anew_from_the_reports(
    desk: Desk, objects: ObjectStore
) -> None:
    desk.run("2026-06-10T06:05")
    objects.put(objects.names("reports/.state/state/")[-1], b'{"version": 1, "repo')
    [told] = desk.run("2026-06-10T07:05").repaired
    assert "could not be read, and was moved to broken-20260610T070500Z.json" in told
    assert objects.read("reports/.state/broken-20260610T070500Z.json") == b'{"version": 1, "repo'
    for key in objects.names("reports/.state/state/"):
        objects.client.delete_object(Bucket=objects.bucket, Key=key)
    [told] = desk.run("2026-06-10T08:05").repaired
    assert told.endswith("lost; made anew from the 3 reports that are there")
    assert desk.made() == []


def report_of(day: dt.datetime) -> tuple[bytes, dict[str, bytes]]:
    """Return a page of a day, and what lies beside it."""
    twin = f'{{"day": "{day:%Y-%m-%d}"}}'.encode()
    manifest = dict.fromkeys(KEYS) | {
        "schema_version": VERSION,
        "started_at": day.isoformat(),
        "twin_sha256": hashlib.sha256(twin).hexdigest(),
    }
    page = f"Written {day:%Y-%m-%d %H:%M} by gpu-depin-research 0.1".encode()
    return page, {".json": twin, ".manifest.json": json.dumps(manifest).encode()}


def writes(
    desk: Desk, before: Callable[[Job], None] = lambda _: None
) -> Callable[..., list[Outcome]]:
    """Return what writes each report as a worker does, without running its notebook."""
    files = {report.name: report.file for report in desk.schedule.reports}

    def one(job: Job) -> Outcome:
        page = job.out / files[job.name]
        check = nothing if job.fence is None else job.fence.check
        try:
            before(job)
            with within(Surroundings(check=check)):
                content, beside = report_of(desk.now)
                write_report(content, page, beside=beside)
        except ResearchError as error:
            return outcome(job, "failed", reason=str(error))
        return outcome(job, page=page)

    def render_all(
        jobs: Sequence[Job], *, workers: int, on_done: Callable[[Outcome], None]
    ) -> list[Outcome]:
        desk.jobs += jobs
        for job in jobs:
            on_done(one(job))
        return []

    return render_all


def test_a_run_whose_lease_is_lost_publishes_and_notes_nothing(
    desk: Desk, objects: ObjectStore
) -> None:
    def stolen(job: Job) -> None:
        assert job.fence is not None
        generations, number = job.fence.generations, job.fence.number + 1
        if generations.last() < number:
            until = time.time() + 60
            generations.create(number, json.dumps({"until": until, "run": "theirs"}).encode())

    summary = desk.run("2026-06-10T06:05", render_all=writes(desk, before=stolen))
    assert summary.exit_code == 1
    assert {one.state for one in summary.outcomes} == {"failed"}
    assert all("was lost, it is now held by" in one.reason for one in summary.outcomes)
    assert all("run theirs" in each for each in summary.trouble)
    assert not [key for key in objects.names() if key.endswith(".html")]
    assert all(record.failure is None for record in records(desk).values())


def wait_for_leases(desk: Desk) -> None:
    """Return once those that nobody gave back have run out."""
    for entry in ("daily", "weekly"):
        with Ledger(desk.out).lock(entry).held(run="a test", seconds=30.0):
            pass


def shelf(desk: Desk, objects: ObjectStore) -> Iterator[list[bytes]]:
    """Yield the page, the twin and the manifest of each report."""
    for report in desk.schedule.reports:
        stem = f"reports/{report.file.removesuffix('.html')}"
        yield [objects.read(stem + suffix) for suffix in (".html", ".json", ".manifest.json")]


def days_of(files: Sequence[bytes]) -> Iterator[str]:
    """Yield the day that each file tells."""
    for content in files:
        yield re.findall(rb"2026-06-\d\d", content)[0].decode()


def first(statuses: Iterator[int], *places: str) -> Fault:
    """Fail the first request for each of some kinds of object, which is then repeated."""
    left = [*places]

    def fault(asked: Request) -> int | None:
        found = next((each for each in left if each in asked.path), None)
        if found is None:
            return None
        left.remove(found)
        return next(statuses)

    return fault


def at(place: str, status: int, method: str = "PUT") -> Fault:
    """Fail what is asked for a kind of object, for ever."""
    return lambda asked: status if asked.method == method and place in asked.path else None


def since(place: str, status: int) -> Fault:
    """Fail everything, from the moment on at which such an object is written."""
    begun: list[Request] = []

    def fault(asked: Request) -> int | None:
        if at(place, status)(asked):
            begun.append(asked)
        return status if begun else None

    return fault


SOME = (".state/state/", "/locks/daily/", "question.json", "question.html")
OUTCOMES = {  # of a fault: the exit code of the run; or it raises an error of ours
    "some requests fail once": (first(itertools.cycle([500, 503]), *SOME), 0),
    "nothing is answered": (lambda _: 503, "raises"),
    "the keys are refused": (lambda _: 403, "raises"),
    "locks cannot be written": (at("/locks/", 503), "raises"),
    "the state cannot be written": (at("/state/", 500), "raises"),
    "the log cannot be written": (at("/log/", 503), 0),
    "a page cannot be written": (at("question.html", 503), 1),
    "from the first page on nothing is answered": (since(".html", 500), 1),
}


def test_what_is_done_though_its_answer_is_lost_is_done_once(
    desk: Desk, objects: ObjectStore
) -> None:
    objects.lost = first(itertools.cycle([500, 503]), *SOME, "/locks/weekly/")
    assert desk.run("2026-06-10T06:05", render_all=writes(desk)).exit_code == 0
    assert objects.lost(Request("PUT", "/locks/weekly/")) is None  # it was lost
    assert {*records(desk)} == {*ALL}
    assert desk.run("2026-06-10T07:05").left == {}
    assert desk.made() == []


def test_a_store_that_goes_away_once_a_report_is_published_does_not_undo_it(
    desk: Desk, objects: ObjectStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def publish_and_fail(*_: object, out: Bucket, **__: object) -> Bucket:
        objects.fault = lambda _: 503
        return out / "question.html"

    monkeypatch.setattr("research.report.render.report", publish_and_fail)
    desk.run("2026-06-10T06:05")
    answer = worker.work(desk.jobs[0], tmp_path)
    assert (answer.state, str(answer.page)) == ("done", f"{desk.out}/question.html")


def test_people_are_told_once_by_two_runs_at_once(
    desk: Desk, objects: ObjectStore, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESEARCH_ALERTS__CHAT", f"json://127.0.0.1:{httpserver.port}/hook")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    config.settings.cache_clear()
    httpserver.expect_request("/hook").respond_with_data("ok")
    rules, failed = {NAME: Rules(tell=("chat",))}, came("failed", reason="a cell failed")

    def one() -> None:
        telling.tell([failed], rules, out=desk.out, now=NOW)

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(httpserver.log) == 1
    objects.put("reports/.state/alerts.json", b"{")
    assert (
        telling.tell([failed], rules, out=desk.out, now=NOW).problems[0].startswith("alerts.json")
    )
    assert objects.read("reports/.state/alerts.broken.json") == b"{"


OLD, NEW = ("2026-06-10",) * 3, ("2026-06-17",) * 3  # the days of a page, its twin, its manifest
WHOLE = {OLD, NEW}
DAYS_AFTER = {  # when nothing can be put back, the page at least is the last good one
    "from the first page on nothing is answered": {OLD, ("2026-06-10", "2026-06-17", "2026-06-17")}
}


@pytest.mark.parametrize("name", OUTCOMES)
def test_a_fault_fails_a_run_in_our_words_and_the_next_one_makes_the_rest(
    desk: Desk, objects: ObjectStore, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert desk.run("2026-06-10T06:05", render_all=writes(desk)).exit_code == 0
    objects.fault, expected = OUTCOMES[name]
    began = time.monotonic()
    raises = pytest.raises(ResearchError, match="s3://") if expected == "raises" else nullcontext()
    with nullcontext() if expected == 0 else short_leases(monkeypatch), raises:
        assert desk.run("2026-06-17T06:05", render_all=writes(desk)).exit_code == expected
    assert time.monotonic() - began < 20
    objects.fault = fine
    days = {tuple(days_of(files)) for files in shelf(desk, objects)}
    assert days <= DAYS_AFTER.get(name, WHOLE if expected else {NEW})
    wait_for_leases(desk)
    assert desk.run("2026-06-17T07:05", render_all=writes(desk)).exit_code == 0
    assert {tuple(days_of(files)) for files in shelf(desk, objects)} == {NEW}
    assert desk.run("2026-06-17T08:05", render_all=writes(desk)).outcomes == []
