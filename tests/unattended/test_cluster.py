"""Reports of a run on a Dask cluster: the same as here, and whatever is lost, the others go on."""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from distributed import Client
from distributed.core import Status
from typer.testing import CliRunner

import research
from research import config
from research.__main__ import app
from research.errors import UsageError
from research.report import temporary
from research.report.files import TWIN
from research.unattended import batch, cluster, lent
from research.unattended.jobs import Job, Outcome
from research.unattended.schedule import read
from research.unattended.state import Ledger
from tests.unattended import clusters
from tests.unattended.runs import Desk, job

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux alone")

Write = Callable[..., Path]
AS_OF = "2026-03-01T00:00:00Z"
ALLOWED = "allowed_failures"  # of Dask: more lost workers than these, and it gives up a report
KILL = "    import psutil, time\n    psutil.Process().parents()[2].kill()\n    time.sleep(600)"
ONCE = "import os\nif not os.path.exists('MARK'):\n    os.mknod('MARK')\n"
PARAMETERS = "from research.parameters import Count\n\ncount: Count = 1  # how many\n"

FAULTS = {
    "good": "print('Went well.')",
    "raises": "1 / 0",
    "refuses": "from research.errors import QualityError\nraise QualityError('a gap of 9 days')",
    "hangs": "import time\ntime.sleep(600)",
    "exits": "import os\nos._exit(3)",
    "eats": "import numpy, time\nheld = numpy.ones(150_000_000)\ntime.sleep(600)",
    "loses its worker": f"{ONCE}{KILL}",
    "loses each worker": f"if True:\n{KILL}",
}


@pytest.fixture(scope="module")
def room() -> Iterator[Path]:
    """A folder with a short path, as the kernels' sockets need, for temporary files, too."""
    folder = Path(tempfile.mkdtemp(prefix="c-", dir="/tmp"))
    (folder / "tmp").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder / "tmp"))
        patch.setattr(tempfile, "tempdir", str(folder / "tmp"))
        yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def address(room: Path) -> Iterator[str]:
    """Two workers of a thread, each with 720 MB for its reports."""
    failures = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    with (
        clusters.scheduler(room, **failures) as address,
        clusters.workers(address, room, number=2, memory="900MB"),
    ):
        yield address


def of_the_project(out: Path) -> Job:
    return job("network-profile", out, store="sample", as_of=AS_OF)


@pytest.fixture(scope="module")
def outcomes(address: str, room: Path, write: Write) -> dict[str, Outcome]:
    """What came of one run of notebooks with every fault, with one of the project's."""
    jobs = []
    for name, cell in FAULTS.items():
        path = room / "notebooks" / f"{name.replace(' ', '-')}.ipynb"
        write(path, "# T", cell.replace("MARK", str(room / "lost-once")))
        seconds = 1.5 if name == "hangs" else 30
        jobs.append(job(path, room / "out", name=name, cell_seconds=seconds))
    jobs = [*jobs[-2:], of_the_project(room / "out"), *jobs[:-2]]
    told: list[Outcome] = []
    with cluster.at(address, out=room / "out", store="sample") as there:
        there.check(jobs)
        outcomes = there.render_all(jobs, on_done=told.append)
    assert [each.job for each in outcomes] == jobs
    assert sorted(each.job.name for each in told) == sorted(each.name for each in jobs)
    return {each.job.name: each for each in outcomes}


@pytest.mark.parametrize(
    ("name", "state", "reason"),
    [
        ("good", "done", ""),
        ("raises", "failed", "raises, cell 2: ZeroDivisionError: division by zero"),
        ("refuses", "gate", "refuses, cell 2: a gap of 9 days; nothing was published"),
        ("hangs", "timed out", "hangs, cell 2: it took longer than 1.5 s; nothing was published"),
        ("exits", "failed", "exits: the kernel died in cell 2"),
        ("eats", "failed", "the notebook took more than 720 MB of memory"),
        ("loses its worker", "done", ""),
        ("loses each worker", "failed", "2 workers were lost while they made it, the last at tcp:"),
        ("network-profile", "done", ""),
    ],
)
def test_each_fault_has_an_outcome_that_says_what_it_was(
    outcomes: dict[str, Outcome], name: str, state: str, reason: str
) -> None:
    outcome = outcomes[name]
    assert (outcome.state, outcome.reason[: len(reason)]) == (state, reason), outcome.reason
    assert bool(outcome.reason) is (state != "done")
    assert (outcome.page is not None and outcome.page.is_file()) is (state == "done")
    assert outcome.attempts == (2 if name == "loses each worker" else 1)


def test_nothing_is_left_of_any_of_them(outcomes: dict[str, Outcome], room: Path) -> None:
    assert clusters.left(room / "tmp", seconds=10) == []
    assert [*(room / "tmp").glob(f"{temporary.PREFIX}*")] == []
    assert [*(room / "out").glob(".*")] == []


def test_time_and_memory_of_a_report_are_measured(outcomes: dict[str, Outcome]) -> None:
    assert 1.5 <= outcomes["hangs"].seconds < 1.5 + 10
    assert outcomes["eats"].peak_megabytes > 720


def test_a_report_is_that_of_this_machine_byte_by_byte(
    outcomes: dict[str, Outcome], room: Path
) -> None:
    (here,) = batch.render_all([of_the_project(room / "here")])
    there = outcomes[here.job.name]
    assert here.page is not None
    assert there.page is not None
    assert there.page.name == here.page.name
    assert there.page.with_suffix(TWIN).read_bytes() == here.page.with_suffix(TWIN).read_bytes()


def test_dask_by_itself_gives_the_report_of_a_lost_worker_to_another(
    address: str, room: Path, write: Write
) -> None:
    path, mark = room / "notebooks" / "once.ipynb", room / "lost-again"
    write(path, "# T", f"{ONCE}{KILL}".replace("MARK", str(mark)))
    with Client(address) as client, cluster.at(address, out=room / "out") as there:
        client.run_on_scheduler(lambda dask_scheduler: setattr(dask_scheduler, ALLOWED, 3))
        (outcome,) = there.render_all([job(path, room / "out")])
    assert (outcome.state, mark.exists()) == ("done", True)
    assert clusters.left(room / "tmp", seconds=10) == []


SCHEDULE = """
[[report]]
name = "question"
notebook = "question.ipynb"
cron = "0 6 * * *"
grid = { count = [1, 2, 3] }
"""


def test_it_may_be_called_from_a_notebook_whose_thread_has_a_loop(address: str, room: Path) -> None:
    async def rendered() -> Outcome:
        with cluster.at(address, out=room / "notebook", store="sample") as there:
            jobs = [of_the_project(room / "notebook")]
            there.check(jobs)
            return there.render_all(jobs)[0]

    with ThreadPoolExecutor(1) as other:  # this one may have a loop, after tests with a browser
        assert other.submit(lambda: asyncio.run(rendered())).result().state == "done"


@pytest.fixture
def folder(write: Write, room: Path) -> Iterator[Path]:
    """A schedule of three reports that hang, unless there is a file `go`."""
    folder = Path(tempfile.mkdtemp(prefix="f-", dir=room))
    hang = f"import time\nfrom pathlib import Path\nwhile not Path({str(folder)!r}, 'go').exists():"
    write(folder / "question.ipynb", "# T", PARAMETERS, f"{hang}\n    time.sleep(0.1)")
    (folder / "schedule.toml").write_text(SCHEDULE)
    yield folder
    shutil.rmtree(folder)


def typed(folder: Path, address: str) -> list[str]:
    where = ["--out", str(folder / "out"), "--store", str(folder / "store"), "--no-update"]
    return ["run", str(folder / "schedule.toml"), "--dask", address, *where]


def ended(folder: Path, address: str, room: Path, number: signal.Signals) -> list[str]:
    """Send a signal to a run in the middle; return its command, once nothing is left of it."""
    command = [sys.executable, "-m", "research", *typed(folder, address)]
    run = subprocess.Popen(command, stderr=subprocess.PIPE)
    until = time.monotonic() + 60
    while len(clusters.below(room / "tmp")) < 8 and time.monotonic() < until:
        time.sleep(0.1)  # on two workers: the warm process, a minder, a worker and a kernel
    assert len(clusters.below(room / "tmp")) == 8
    run.send_signal(number)
    _, said = run.communicate(timeout=30)
    assert run.returncode != 0
    assert clusters.left(room / "tmp", seconds=15) == []
    assert [*(room / "tmp").glob(f"{temporary.PREFIX}*")] == []
    assert b"distributed" not in said
    return command


def test_an_interrupted_run_leaves_nothing_on_the_workers(
    folder: Path, address: str, room: Path
) -> None:
    ended(folder, address, room, signal.SIGTERM)
    assert [*(folder / "out").glob(".*.part")] == []


def test_a_killed_run_leaves_nothing_on_the_workers_and_the_next_makes_each_report_once(
    folder: Path, address: str, room: Path
) -> None:
    command = ended(folder, address, room, signal.SIGKILL)
    (folder / "go").touch()
    again = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert again.returncode == 0, again.stderr
    pages = [Path(line).name for line in again.stdout.splitlines()]
    assert len(pages) == 3
    records = Ledger(folder / "out").read().reports
    assert {name: len(each.done) for name, each in records.items()} == {
        f"question/{count}": 1 for count in (1, 2, 3)
    }
    assert {line for line in again.stderr.splitlines() if "distributed" in line} == set()
    assert clusters.left(room / "tmp", seconds=5) == []


@pytest.fixture
def desk(folder: Path) -> Desk:
    return Desk(read(folder / "schedule.toml"), folder / "out")


def refused(desk: Desk, address: str) -> str:
    """Run on a cluster that is refused; return why, once it is clear that nothing was begun."""
    with (
        cluster.at(address, out=desk.out) as there,
        pytest.raises(cluster.ClusterError) as error,
    ):
        desk.run(check=there.check)
    assert desk.updates == []
    assert Ledger(desk.out).read().reports == {}
    assert [*desk.out.glob(".*.part")] == []
    return str(error.value)


def test_a_scheduler_that_does_not_answer_is_refused_before_anything_is_begun(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]
        assert "no Dask scheduler answers there" in refused(desk, f"tcp://127.0.0.1:{port}")
    assert "no Dask scheduler answers there" in refused(desk, f"tcp://127.0.0.1:{port}")
    assert "no Dask scheduler answers there" in refused(desk, f"tls://127.0.0.1:{port}")


def test_a_cluster_without_workers_or_with_other_code_is_refused_before_anything_is_begun(
    desk: Desk, room: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = shutil.copytree(Path(research.__file__).parent, folder / "other" / "research")
    with (other / "load.py").open("a") as file:
        file.write("ONE_LINE = 'more'\n")
    with clusters.scheduler(folder) as address:
        with monkeypatch.context() as patch:
            patch.setattr(cluster, "CONNECT_SECONDS", 0.5)
            assert f"has no worker; start some, such as by `dask worker {address}`" in refused(
                desk, address
            )
        with clusters.workers(address, folder, number=1, PYTHONPATH=str(other.parent)):
            told = refused(desk, address)
    assert "some workers would not make the same reports:\n  tcp://127.0.0.1:" in told
    assert ": our code is " in told
    assert told.count(" is ") == 1  # and nothing else differs


def test_a_catalogue_that_the_workers_do_not_have_is_refused(
    desk: Desk, address: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "own").mkdir()
    (folder / "own" / "mine.toml").write_text('[networks.akash]\nname = "Akash, as I call it"\n')
    monkeypatch.setenv("RESEARCH_CATALOGUE", str(folder / "own"))
    config.settings.cache_clear()
    told = refused(desk, address)
    monkeypatch.undo()
    config.settings.cache_clear()
    assert told.count("the catalogue is ") == 2  # on either worker


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1:8786", "tpc://10.0.0.1:8786", "tcp://10.0.0.1", "tcp://:8786", "tcp://a:port", ""],
)
def test_what_is_no_address_is_wrong_usage(folder: Path, address: str) -> None:
    with pytest.raises(UsageError, match="not the address of a Dask scheduler"):
        cluster._checked(address)


def test_the_command_refuses_workers_of_its_own_beside_a_cluster(folder: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    asked = typed(folder, "tcp://127.0.0.1:8786")
    result = CliRunner().invoke(app, [*asked, "--workers", "2"])
    wrong = CliRunner().invoke(app, typed(folder, "127.0.0.1:8786"))
    signal.signal(signal.SIGTERM, before)
    assert (result.exit_code, wrong.exit_code) == (2, 2)
    assert "with --dask the cluster's workers decide" in result.stderr
    assert not (folder / "out").exists()


def test_a_warm_process_that_makes_nothing_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lent, "IDLE_SECONDS", 0.1)
    worker: Any = SimpleNamespace(status=Status.running)
    pool = batch.Pool(megabytes=500)
    pool.start()
    assert pool._warm is not None
    lent.Keeper(run="one", worker=worker, pool=pool)
    assert pool._warm.wait(10) == 0


def test_dask_is_imported_by_a_run_on_a_cluster_alone() -> None:
    code = "import sys; from research.unattended import cluster, warm; print('distributed' in "
    done = subprocess.run(
        [sys.executable, "-c", code + "sys.modules, 'dask' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False False\n"
