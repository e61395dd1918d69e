"""What may go wrong around a run, and what comes of it: one table.

Each row is a real fault of a real run: the exit code, what became of the report, what is told, that
the last good page is whole, and what the next run does when the fault is gone.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from research import config, sources
from research.store import Store
from research.unattended import batch
from research.unattended.refresh import update_store
from research.unattended.schedule import read
from research.unattended.state import Ledger
from tests.notebook_files import write
from tests.report.shelves import put
from tests.unattended.accounts import files_of, is_whole
from tests.unattended.disks import FULL, READ_ONLY, limited, mounted, mounts
from tests.unattended.runs import Desk
from tests.unattended.worlds import World, upstreams

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and mounts of Linux")

BUDGET = 2.0  # seconds of an update
LARGEST = 300_000  # bytes of a file where the disk is as good as full
MEGABYTES = 700  # that a notebook may take; a kernel with its imports has some 400
GOOD = (
    "from research.figures import theme\nfrom research.origin import Origin\n"
    "theme.answer('Rent it out.', origin=Origin.said('by hand'))",
)
PICTURE = "import plotly.graph_objects as go\ngo.Figure(go.Bar(y=[1, 2]))"  # 2 MB of a page
NOTEBOOKS = {
    "hangs": ("import time\ntime.sleep(600)",),
    "raises": ("1 / 0",),
    "exits": ("import os\nos._exit(3)",),
    "eats": ("import numpy, time\nheld = numpy.ones(150_000_000)\ntime.sleep(600)",),
    "full-while-rendering": (f"open('much', 'wb').write(bytes({2 * LARGEST}))",),
    "full-while-publishing": (PICTURE,),
}
ENTRY = """
[[report]]
name = "{name}"
notebook = "{name}.ipynb"
cron = "{cron}"
cell_time_limit_minutes = {minutes}
"""
YEARLY = "0 0 1 1 *"
HELD = """
import os, sys
from pathlib import Path
from research.unattended.state import Ledger
with Ledger(Path(sys.argv[1])).lock("question").held(run="theirs"):
    os.kill(os.getpid(), 9)
"""


@dataclass(frozen=True, kw_only=True)
class Came:
    """What came of a run."""

    code: int
    reports: dict[str, tuple[str, str]]  # state and reason
    said: str  # on stderr, and what it was told beside the reports

    def states(self) -> set[str]:
        return {state for state, _ in self.reports.values()}


def came_of(process: subprocess.Popen[str], world: World) -> Came:
    """Wait for a run and return what came of it."""
    answer, _ = process.communicate(timeout=120)
    told: dict[str, Any] = json.loads(answer) if answer else {"reports": []}
    reports = {one["report"]: (one["state"], one["reason"]) for one in told["reports"]}
    return Came(code=process.returncode, reports=reports, said=world.said())


@contextmanager
def world_of(*names: str) -> Iterator[World]:
    """Give a world with good notebooks of these names, each with a last good page."""
    folder = Path(tempfile.mkdtemp(prefix="f-", dir="/tmp"))  # short, as the kernels' sockets need
    with upstreams() as of:
        world = World(folder / "w", of("faults"))
        world.asked = ("livepeer",)  # one question is enough
        world.schedule.write_text(
            "".join(
                ENTRY.format(name=name, cron=YEARLY, minutes=0.05 if name == "hangs" else 1)
                for name in names
            )
        )
        for name in names:
            write(world.folder / f"{name}.ipynb", "# T", *GOOD)
            put(world.out, name)
        yield world
    shutil.rmtree(folder)


@dataclass(frozen=True, kw_only=True)
class Told:
    """A fault, a run under it, and the run after it."""

    under: Came
    pages: dict[str, bool]  # by report: the last good page is as it was, and whole
    after: Came
    whole: dict[str, bool]  # by report: there is a new page then, and it is whole


def both(world: World, under: Came, then: Callable[[], Came], before: dict[str, bytes]) -> Told:
    """Return what came of a run under a fault and of the one after it."""
    now = files_of(world.out)
    names = [name.removesuffix(".html") for name in before if name.endswith(".html")]
    kept = {x: now[f"{x}.html"] == before[f"{x}.html"] and is_whole(now, x) for x in names}
    after = then()
    new = files_of(world.out)
    whole = {x: new[f"{x}.html"] != before[f"{x}.html"] and is_whole(new, x) for x in names}
    return Told(under=under, pages=kept, after=after, whole=whole)


@pytest.fixture(scope="module")
def notebooks() -> Iterator[Told]:
    """One run of notebooks that go wrong, on a disk that is as good as full, and the next one."""
    with world_of(*NOTEBOOKS) as world:
        before = files_of(world.out)
        for name, cells in NOTEBOOKS.items():
            write(world.folder / f"{name}.ipynb", "# T", *cells)
        workers = max(1, int(batch.memory_of_each(1) / MEGABYTES))
        bad = world.start("--no-update", "--workers", str(workers), before=limited(LARGEST))
        under = came_of(bad, world)
        for name in NOTEBOOKS:
            write(world.folder / f"{name}.ipynb", "# T", *GOOD)
        yield both(world, under, lambda: came_of(world.start("--no-update"), world), before)


@pytest.mark.parametrize(
    ("name", "state", "reason"),
    [
        ("hangs", "timed out", "hangs, cell 2: it took longer than 3 s; nothing was published"),
        ("raises", "failed", "raises, cell 2: ZeroDivisionError: division by zero"),
        ("exits", "failed", "exits: the kernel died in cell 2"),
        ("eats", "failed", "the notebook took more than "),
        ("full-while-rendering", "failed", "full-while-rendering, cell 2: OSError: [Errno 27]"),
        ("full-while-publishing", "failed", "full-while-publishing: the report could not be writ"),
    ],
)
def test_a_notebook_that_goes_wrong_leaves_its_last_good_page_and_is_made_by_the_next_run(
    notebooks: Told, name: str, state: str, reason: str
) -> None:
    assert notebooks.under.code == 1
    assert notebooks.under.reports[name][0] == state
    assert notebooks.under.reports[name][1].startswith(reason)
    assert notebooks.pages[name]
    assert (notebooks.after.code, notebooks.after.reports[name]) == (0, ("done", ""))
    assert notebooks.whole[name]


def due(world: World) -> list[str]:
    """Return what the next run will make."""
    answer, _ = world.start("--dry-run").communicate(timeout=60)
    return [each["report"] for each in json.loads(answer)["due"] if each["period"]]


def test_a_notebook_that_deletes_the_folder_of_all_reports_has_its_page_all_the_same() -> None:
    with world_of("deletes", "other") as world:
        deletes = f"import shutil\nshutil.rmtree({str(world.out)!r})"
        write(world.folder / "deletes.ipynb", "# T", deletes, *GOOD)
        came = came_of(world.start("--no-update", "--name", "deletes"), world)
        assert (came.code, came.reports) == (0, {"deletes": ("done", "")})
        assert is_whole(files_of(world.out), "deletes")
        assert due(world) == ["other"]  # its page is gone, and made anew


def test_of_two_runs_at_once_one_makes_the_report_and_the_other_says_who_has_it() -> None:
    with world_of("question") as world:
        write(world.folder / "question.ipynb", "# T", "import time\ntime.sleep(6)", *GOOD)
        maker = world.start("--no-update")
        until = time.monotonic() + 30
        while not (world.out / ".state" / "locks" / "question.holder.json").exists():
            assert time.monotonic() < until
            time.sleep(0.01)
        other = came_of(world.start("--no-update"), world)
        assert (other.code, other.reports) == (0, {})
        assert f"question: left to another run, held by process {maker.pid}, run " in other.said
        made = came_of(maker, world)
        assert (made.code, made.reports) == (0, {"question": ("done", "")})
        assert is_whole(files_of(world.out), "question")
        [done] = Ledger(world.out).read().reports["question"].done
        assert done.month == 1


@mounts
@pytest.mark.parametrize(
    ("of", "before", "states", "says"),
    [
        ("out", READ_ONLY, set(), "the state cannot be written (Read-only file system)"),
        ("out", FULL, set(), "the lock cannot be written (No space left on device)"),
        ("store", READ_ONLY, {"done"}, "the store was not updated: "),
    ],
    ids=["reports read-only", "reports full", "store read-only"],
)
def test_where_nothing_can_be_written_nothing_is_lost_and_what_is_not_done_is_due(
    of: str, before: str, states: set[str], says: str
) -> None:
    with world_of("question") as world:
        at = getattr(world, of)
        at.mkdir(exist_ok=True)
        pages = files_of(world.out)
        more = ["--no-update"] * (of == "out")
        under = came_of(world.start(*more, before=mounted(before, at)), world)
        assert (under.code, under.states()) == (1, states)
        assert says in under.said
        seen = files_of(world.out.with_suffix(".after") if before == FULL else world.out)
        assert is_whole(seen, "question")
        assert (seen["question.html"] == pages["question.html"]) is (states != {"done"})
        assert due(world) == ["question"] * (states != {"done"})


def test_what_was_not_written_on_a_full_disk_is_written_by_the_next_run() -> None:
    with world_of("question") as world:
        under = came_of(world.start(before=limited(1500)), world)
        assert (under.code, under.states()) == (1, {"failed"})
        assert "the store was not updated" in under.said
        after = came_of(world.start(), world)
        assert (after.code, after.reports) == (0, {"question": ("done", "")})
        assert is_whole(files_of(world.out), "question")
        assert Store(str(world.store)).version() >= 0


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """One daily report, rendered without a kernel; all else is real, and one upstream is asked."""
    write(tmp_path / "question.ipynb", "# T")
    path = tmp_path / "schedule.toml"
    path.write_text(ENTRY.format(name="question", cron="0 6 * * *", minutes=1))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # what lies in it is removed
    monkeypatch.setenv("RESEARCH_CACHE", str(tmp_path / "cache"))
    for source in sources.SOURCES:
        monkeypatch.setenv(f"RESEARCH_SWITCHED_ON__{source.upper()}", str(int(source == "golem")))
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it takes a question, never answers
        monkeypatch.setenv("RESEARCH_URLS__GOLEM", address(silent))
        config.settings.cache_clear()
        yield Desk(read(path), tmp_path / "out")
    config.settings.cache_clear()


def address(server: socket.socket) -> str:
    return f"http://127.0.0.1:{server.getsockname()[1]}"


def hanging(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    pass  # as it is


def unreachable(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        monkeypatch.setenv("RESEARCH_URLS__GOLEM", address(closed))
    config.settings.cache_clear()


def cut_short(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Ledger(desk.out).path
    path.write_bytes(path.read_bytes()[:-40])


def held_by_a_killed_one(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run([sys.executable, "-c", HELD, str(desk.out)], check=False)
    assert (desk.out / ".state" / "locks" / "question.holder.json").exists()


@pytest.mark.parametrize(
    ("fault", "at", "made", "says"),
    [
        (unreachable, "2026-06-11T06:05", True, "series are wanting"),
        (hanging, "2026-06-11T06:05", True, "series are wanting"),
        (cut_short, "2026-06-11T06:05", True, "could not be read, and was moved to broken-"),
        (cut_short, "2026-06-10T06:10", False, "made anew from the 1 reports that are there"),
        (held_by_a_killed_one, "2026-06-11T06:05", True, "1 done, 0 failed"),
        (hanging, "2026-06-09T06:05", False, "what is done is not done again"),  # a clock put back
    ],
)
def test_what_a_run_gets_along_with(
    desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
    fault: Callable[[Desk, pytest.MonkeyPatch], None],
    at: str,
    made: bool,
    says: str,
) -> None:
    assert desk.run("2026-06-10T06:05").exit_code == 0
    fault(desk, monkeypatch)
    desk.told.clear()
    began = time.monotonic()
    summary = desk.run(at, update=update_store, budget_seconds=BUDGET)
    assert time.monotonic() - began < BUDGET + 10
    assert (summary.exit_code, desk.made()) == (0, ["question"] * made)
    assert any(says in sentence for sentence in desk.told)
    assert desk.run("2026-06-11T06:10").exit_code == 0
    assert desk.made() == ["question"] * (not made)
    assert desk.run("2026-06-11T06:15").repaired == []
