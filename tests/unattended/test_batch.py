"""Many reports side by side: each by itself, and whatever becomes of one, the others go on."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from research.report.files import TWIN, publish
from research.unattended import batch
from research.unattended.batch import render_all
from research.unattended.jobs import Job, Outcome
from tests.unattended.runs import job

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux alone")

Write = Callable[..., Path]

KEY = "a-key-that-nobody-may-see"
MEGABYTES = 700  # that a notebook may take; a kernel with its imports has some 400
AS_OF = "2026-03-01T00:00:00Z"
PROJECT = sorted(path.stem for path in Path("notebooks").glob("*.ipynb"))
OUT = "from research.parameters import StoreLocation\nstore: StoreLocation = 'own'  # a folder\n"

FAULTS = {
    "good": ("print('Went well.')",),
    "raises": (
        "import sys; print('so far', sys.prefix)",
        "def f():\n    import json\n    json.loads('{')\nf()",
        "print(2)",
    ),
    "refuses": ("from research.errors import QualityError\nraise QualityError('a gap of 9 days')",),
    "hangs": ("print('so far')", "import time\ntime.sleep(600)"),
    "deaf": (
        "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass",
    ),
    "exits": ("print('so far')", "import os\nos._exit(3)"),
    "leaves": ("import sys\nsys.exit('no')",),
    "killed": ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",),
    "kills its minder": ("import os, signal, time\nos.kill(os.getppid(), 9)\ntime.sleep(600)",),
    "eats": ("import numpy, time\nheld = numpy.ones(150_000_000)\ntime.sleep(600)",),
    "deletes": (OUT, "import shutil\nshutil.rmtree(store, ignore_errors=True)\nprint('gone')"),
    "leaves another running": (
        "import subprocess, sys\nsleep = [sys.executable, '-c', 'import time; time.sleep(600)']\n"
        "print(subprocess.Popen(sleep, start_new_session=True).pid > 0)",
    ),
    "tells a key": (f"print({KEY!r}[:6] + {KEY!r}[6:])", "1 / 0"),
}


@pytest.fixture(scope="module")
def room() -> Iterator[Path]:
    """A folder with a short path, as the kernels' sockets need, for temporary files, too."""
    folder = Path(tempfile.mkdtemp(prefix="b-", dir="/tmp"))
    (folder / "tmp").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder / "tmp"))
        patch.setenv("SOME_API_KEY", KEY)
        patch.setattr(tempfile, "tempdir", str(folder / "tmp"))
        yield folder
    shutil.rmtree(folder)


def running_below() -> list[psutil.Process]:
    """What runs below this process with its temporary folder, unlike others"""
    found = []
    for each in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if each.environ().get("TMPDIR") == tempfile.gettempdir():
                found.append(each)
    return found


def left_below() -> list[str]:
    """What still runs that this process started, and what lies in its temporary folder."""
    running = [" ".join(each.cmdline()[:4]) for each in running_below()]
    return [*running, *os.listdir(tempfile.gettempdir())]


@pytest.fixture(scope="module")
def faults(room: Path, write: Write) -> dict[str, Outcome]:
    """What came of one run of notebooks with every fault, two at a time."""
    out = room / "out"
    jobs = []
    for name, cells in FAULTS.items():
        path = write(room / "notebooks" / f"{name.replace(' ', '-')}.ipynb", "# T", *cells)
        jobs.append(
            job(path, out, name=name, cell_seconds=1.5 if name in {"hangs", "deaf"} else 30)
        )
    slow = room / "notebooks" / "hangs.ipynb"
    jobs.append(job(slow, room / "slow", name="slow", seconds=2))
    jobs = [
        replace(each, store=str(room / "gone"), out=room / "gone")
        if each.name == "deletes"
        else each
        for each in jobs
    ]
    publish(b"the last good report", out / "raises.html")
    (room / "gone").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "memory_of_each", lambda _: MEGABYTES)
        told: list[Outcome] = []
        outcomes = render_all(jobs, workers=2, on_done=told.append)
    assert [each.job.name for each in outcomes] == [each.name for each in jobs]
    assert sorted(each.job.name for each in told) == sorted(each.name for each in jobs)
    return {each.job.name: each for each in outcomes}


@pytest.mark.parametrize(
    ("name", "state", "reason"),
    [
        ("good", "done", ""),
        ("raises", "failed", "raises, cell 3: JSONDecodeError: Expecting property name"),
        ("refuses", "gate", "refuses, cell 2: a gap of 9 days; nothing was published"),
        ("hangs", "timed out", "hangs, cell 3: it took longer than 1.5 s; nothing was published"),
        ("deaf", "timed out", "deaf, cell 2: it took longer than 1.5 s; nothing was published"),
        ("slow", "timed out", "hangs, cell 3: the report took longer than 2 s in all; nothing was"),
        ("exits", "failed", "exits: the kernel died in cell 3"),
        ("leaves", "failed", "leaves, cell 2: SystemExit: no; nothing was published"),
        ("killed", "failed", "killed: the kernel died in cell 2"),
        ("kills its minder", "failed", "the process that minded the report was killed"),
        ("eats", "failed", "the notebook took more than 700 MB of memory"),
        ("deletes", "done", ""),
        ("leaves another running", "done", ""),
    ],
)
def test_each_fault_has_an_outcome_that_says_what_it_was(
    faults: dict[str, Outcome], name: str, state: str, reason: str
) -> None:
    outcome = faults[name]
    assert (outcome.state, outcome.reason[: len(reason)]) == (state, reason)
    assert bool(outcome.reason) is (state != "done")
    assert (outcome.page is not None and outcome.page.is_file()) is (state == "done")
    assert outcome.attempts == 1


def test_nothing_is_left_of_any_of_them(faults: dict[str, Outcome]) -> None:
    assert left_below() == []
    every = [each.info["cmdline"] or [] for each in psutil.process_iter(["cmdline"])]
    sleeping = [command for command in every if "import time; time.sleep(600)" in command]
    assert sleeping == []


def test_time_and_memory_of_a_report_are_measured(faults: dict[str, Outcome]) -> None:
    assert 0 < faults["good"].seconds < 30
    assert 100 < faults["good"].peak_megabytes < MEGABYTES
    assert faults["eats"].peak_megabytes > MEGABYTES
    assert 2 <= faults["slow"].seconds < 2 + 10


def test_a_failed_report_leaves_the_last_good_one(faults: dict[str, Outcome], room: Path) -> None:
    assert (room / "out" / "raises.html").read_bytes() == b"the last good report"


def test_a_failed_notebook_is_kept_with_the_cell_that_failed_first(
    faults: dict[str, Outcome],
) -> None:
    executed = faults["raises"].executed
    assert executed is not None
    assert (executed.parent.name, executed.name) == ("failed", "raises.ipynb")
    cells = json.loads(executed.read_text(encoding="utf-8"))["cells"]
    text = "".join(cells[0]["source"])
    assert text.startswith("**This report failed.** raises, cell 3: JSONDecodeError")
    assert "moved up from its place after cell 2" in text
    assert cells[1]["source"][0] == "def f():\n"
    assert cells[1]["outputs"][0]["ename"] == "JSONDecodeError"
    assert [each["source"][0][:6] for each in cells[2:]] == ["# T", "import", "print("]
    (printed,) = cells[3]["outputs"][0]["text"]
    assert printed in ("so far …\n", "so far …/.venv\n")  # within the project's folder, or not
    assert cells[4]["outputs"] == []


def test_a_kept_notebook_tells_no_folder_of_this_machine(faults: dict[str, Outcome]) -> None:
    executed = faults["raises"].executed
    assert executed is not None
    text = executed.read_text(encoding="utf-8")
    for folder in (sys.prefix, tempfile.gettempdir(), str(Path(batch.__file__).parents[2])):
        assert folder not in text
    assert "papermill" not in text


@pytest.mark.parametrize("name", ["hangs", "slow", "exits", "refuses", "eats"])
def test_a_notebook_that_was_stopped_is_kept_too(faults: dict[str, Outcome], name: str) -> None:
    executed = faults[name].executed
    assert executed is not None
    cells = json.loads(executed.read_text(encoding="utf-8"))["cells"]
    assert cells[1]["source"] == FAULTS["hangs" if name == "slow" else name][-1].splitlines(True)


def test_a_notebook_that_tells_a_key_is_not_kept(faults: dict[str, Outcome], room: Path) -> None:
    outcome = faults["tells a key"]
    assert outcome.state == "failed"
    assert outcome.executed is None
    assert outcome.reason.endswith("its notebook was not kept, as it tells a key or password")
    assert not (room / "out" / "failed" / "tells-a-key.ipynb").exists()


def test_a_later_success_removes_the_notebook_that_failed(room: Path, write: Write) -> None:
    path = write(room / "mended.ipynb", "# T", "1 / 0")
    (first,) = render_all([job(path, room / "mended")])
    write(path, "# T", "1 / 1")
    (second,) = render_all([job(path, room / "mended")])
    assert (first.state, second.state) == ("failed", "done")
    assert first.executed is not None
    assert not first.executed.parent.exists()


def test_a_report_is_done_though_its_older_notebook_cannot_be_removed(
    room: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    from research.unattended import failed
    from research.unattended.worker import work

    def refuses(page: Path) -> None:
        raise PermissionError(13, "Permission denied", str(failed.place(page)))

    monkeypatch.setattr(failed, "forget", refuses)
    answer = work(job(write(room / "kept.ipynb", "# T", "1 / 1"), room / "kept"), room)
    assert (answer.state, answer.page) == ("done", room / "kept" / "kept.html")


def test_notebooks_that_failed_come_and_go_while_other_workers_do_the_same(room: Path) -> None:
    from research.unattended import failed

    def come_and_go(name: str) -> None:
        for _ in range(500):
            failed._publish(b"", failed.place(room / name))
            failed.forget(room / name)

    with ThreadPoolExecutor(4) as threads:
        assert [*threads.map(come_and_go, ["a.html", "b.html", "c.html", "d.html"])] == [None] * 4
    assert not (room / failed.FOLDER).exists()


CHANGES = """
import builtins, datetime, os, random, numpy
from research import load, used
builtins.mark = load.mark = os.environ["MARK"] = "seen"
random.seed(1)
numpy.random.seed(1)
day = datetime.date(2026, 1, 1)
used._seen.add(used.Used(series="a.b", source="c", rows=1, first=day, last=day, sha256="d"))
os.chdir("/")

"""
LOOKS = """
import builtins, os, random, numpy
from research import load, used
marks = [hasattr(builtins, "mark"), hasattr(load, "mark"), "MARK" in os.environ]
print(marks, used._seen, os.getcwd() != "/")
"""
DRAWS = "import random, numpy\nprint(random.random(), numpy.random.random(), id(object()))"


def test_what_one_notebook_changes_is_not_seen_by_the_next(room: Path, write: Write) -> None:
    jobs = [
        job(write(room / f"{name}.ipynb", "# T", cell), room / "alone")
        for name, cell in (("a", CHANGES), ("b", LOOKS), ("c", DRAWS), ("d", DRAWS))
    ]
    _, looked, *drew = [twin(each) for each in render_all(jobs, workers=1)]
    assert "[False, False, False] set() True" in looked
    first, second = (json.loads(each)["blocks"][-1] for each in drew)
    assert first != second  # no two share the state of a random generator


def twin(outcome: Outcome) -> str:
    assert outcome.page is not None, outcome.reason
    return outcome.page.with_suffix(TWIN).read_text(encoding="utf-8")


def test_a_forked_report_is_the_plain_one_byte_by_byte_in_any_order(
    room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def jobs(out: str) -> list[Job]:
        few = {"token-or-hardware": {"paths": "1000"}}  # or it takes half a minute
        return [
            job(each, room / out, parameters=few.get(each, {}), store="sample", as_of=AS_OF)
            for each in PROJECT
        ]

    forked = render_all(jobs("forked"), workers=2)
    alone = render_all(jobs("alone")[-3:1:-1], workers=1)[::-1]
    monkeypatch.setattr(batch.Pool, "start", lambda _: None)
    plain = render_all(jobs("plain"), workers=2)
    assert [twin(each) for each in forked] == [twin(each) for each in plain]
    assert [twin(each) for each in alone] == [twin(each) for each in forked[2:-2]]


def test_without_a_warm_process_reports_are_rendered_plainly_and_it_is_said(
    room: Path, write: Write, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    names = ("good", "raises", "hangs")
    paths = [write(room / f"{name}.ipynb", "# T", *FAULTS[name]) for name in names]
    monkeypatch.setattr(batch, "START_SECONDS", 0.01)
    with caplog.at_level(logging.WARNING):
        outcomes = render_all([job(path, room / "cold", cell_seconds=3) for path in paths])
    assert "the warm process did not start" in caplog.text
    assert [each.state for each in outcomes] == ["done", "failed", "timed out"]
    assert outcomes[1].executed is not None
    assert outcomes[0].peak_megabytes > 20
    assert left_below() == []


def test_a_process_that_cannot_be_started_is_an_outcome_in_words(
    room: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "executable", str(room))  # a folder, which nobody may execute
    with caplog.at_level(logging.WARNING):
        outcomes = render_all([job("a", room), job("b", room)])
    assert "the warm process could not be started" in caplog.text
    told = "a process for the report could not be started (Permission denied)"
    assert [(each.state, each.reason) for each in outcomes] == [("failed", told)] * 2


def test_reports_go_on_plainly_if_the_warm_process_cannot_be_started(
    room: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, popen = write(room / "alone.ipynb", "# T", *FAULTS["good"]), subprocess.Popen

    def refuses_the_first(*given: Any, **more: Any) -> Any:
        monkeypatch.setattr(subprocess, "Popen", popen)
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refuses_the_first)
    (outcome,) = render_all([job(path, room / "alone")])
    assert outcome.state == "done"


def test_reports_go_on_plainly_if_the_warm_process_is_killed(
    room: Path, write: Write, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(room / "two.ipynb", "# T", "import time; time.sleep(1)")

    def kill(outcome: Outcome) -> None:
        for each in running_below() if outcome.job.out.name == "0" else ():
            each.kill()

    with caplog.at_level(logging.WARNING):
        outcomes = render_all(
            [job(path, room / "two" / str(at)) for at in range(3)], workers=1, on_done=kill
        )
    assert [each.state for each in outcomes] == ["done"] * 3
    assert "the warm process is gone" in caplog.text


SCRIPT = """
import signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored below nohup
from research.unattended.batch import render_all
from research.unattended.jobs import Job
jobs = [Job(name="n", notebook=sys.argv[1], parameters={}, store=None, as_of=None,
            out=Path(sys.argv[2]), strict=False, seconds=60, cell_seconds=60, period=None)] * 3
render_all(jobs)
"""


def started_run(room: Path, write: Write) -> tuple[subprocess.Popen[bytes], list[psutil.Process]]:
    path = write(room / "long.ipynb", "# T", *FAULTS["hangs"])
    run = subprocess.Popen([sys.executable, "-c", SCRIPT, str(path), str(room / "long")])
    below = psutil.Process(run.pid)
    until = time.monotonic() + 30
    while len(below.children(recursive=True)) < 7 and time.monotonic() < until:
        time.sleep(0.05)  # the warm process, then a minder, a worker and a kernel of two reports
    started = below.children(recursive=True)
    assert len(started) == 7
    return run, started


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_run_ends_everything_below_it(
    room: Path, write: Write, number: signal.Signals
) -> None:
    run, started = started_run(room, write)
    run.send_signal(number)
    assert run.wait(20) != 0
    gone, alive = psutil.wait_procs(started, timeout=20)
    until = time.monotonic() + 10
    while left_below() and time.monotonic() < until:
        time.sleep(0.1)  # what was forked after we looked takes its own files along
    assert (len(gone), alive, left_below()) == (7, [], [])


def test_a_folder_stays_until_nobody_is_left_who_may_use_it(room: Path, write: Write) -> None:
    run, started = started_run(room, write)
    minders = started[0].children()
    before = left_below()
    for minder in minders:
        minder.suspend()  # as a busy machine may
    run.send_signal(signal.SIGINT)
    time.sleep(1)
    during = left_below()
    for minder in minders:
        minder.resume()
    assert run.wait(20) != 0
    assert (len(minders), during, left_below()) == (2, before, [])


def test_a_verdict_that_turned_is_told_in_a_sentence(room: Path) -> None:
    page = room / "turned.html"
    told = {"changes": {"flips": [{"text": "The answer changed."}]}}
    publish(b"", page, beside={TWIN: json.dumps(told).encode()})
    from research.unattended import worker

    assert worker._flips(page) == ("The answer changed.",)
    publish(b"", page, beside={TWIN: json.dumps({"changes": None}).encode()})
    assert worker._flips(page) == ()


def test_no_job_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(batch.Pool, "start")
    assert render_all([]) == []


def test_the_memory_of_the_machine_is_shared_between_the_workers() -> None:
    assert batch.memory_of_each(2) == pytest.approx(batch.memory_of_each(1) / 2)
    assert 0 < batch.memory_of_each(1) * 1e6 < psutil.virtual_memory().total


def test_a_notebook_that_cannot_be_found_is_an_outcome(room: Path) -> None:
    from research.unattended.worker import work

    answer = work(job("none-of-ours", room), room)
    assert answer.state == "failed"
    assert answer.reason.startswith("no notebook none-of-ours")
