"""A small world for real processes of `research run`: notebooks, a schedule, upstreams, a store.

Each update finds new values: `turn` counts the runs, and every value tells the turn in which it was
told, so that what the store holds can be checked without asking who wrote it.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from pytest_httpserver import HTTPServer
from werkzeug import Request

from research import sources
from tests.notebook_files import write
from tests.upstreams import Upstreams, stamp

PROJECT = Path(__file__).parents[2]
ASKED = ("bybit", "golem", "livepeer", "nosana")  # the others are switched off
N_DAYS = 5  # that an upstream tells, the last one complete
STEP = 1 / 1024  # of a price from one turn to the next
MARK = "RESEARCH_TEST_WORLD"  # in the environment of every process of a world

PARAMETERS = (
    "from research.parameters import Count, Instant, NetworkId, StoreLocation\n\n"
    'network: NetworkId = "akash"  # whose\n'
    "days: Count = 3  # the last ones that are shown\n"
    "as_of: Instant | None = None  # what was known by then\n"
    'store: StoreLocation = "sample"  # where\n'
)
READING = """
from research import load, parameters
from research.errors import ResearchError
from research.figures import theme
from research.headline import Figure, Headline
from research.origin import Origin
asked = parameters.check(globals())
"""
PICTURE = """
closes = load.prices([asked.network], store=asked.store, as_of=asked.as_of)
last = closes.frame[asked.network].dropna().tail(asked.days)
import plotly.graph_objects as go
figure = go.Figure(go.Scatter(x=last.index, y=last))
figure.update_layout(xaxis_title="Day", yaxis_title="USD")
theme.finish(figure, origin=closes.origin, alt="Closes.")
"""
ANSWER = """
theme.answer(f"It costs {last.iloc[-1]:.6f} USD.", origin=closes.origin)
"""
COMPARED = """
try:
    closes = load.prices([asked.network], store=asked.store, as_of=asked.as_of)
    cost = float(closes.frame[asked.network].dropna().iloc[-1])
    told = Headline(verdicts={}, figures=(Figure(name="Close", value=cost, unit="USD", digits=6),))
    shown = theme.answer(f"It costs {cost:.6f} USD.", origin=closes.origin, told=told)
except ResearchError:  # as of a time before the first update
    shown = theme.answer("Nothing was known.", origin=Origin.said("by hand"))
shown
"""
SCHEDULE = """
[[report]]
name = "picture"
notebook = "picture.ipynb"
cron = "* * * * *"
keep = 3
grid = { network = ["akash", "render"] }

[[report]]
name = "number"
notebook = "number.ipynb"
cron = "* * * * *"
catch_up = "each"
keep = { latest = 3 }
parameters = { network = "golem" }
"""
QUICK = """
[sources.bybit]
requests_per_minute = 60000
revision_days = 9
[sources.golem]
revision_days = 9
[sources.livepeer]
revision_days = 9
"""


class Moving(Upstreams):
    """Four of the upstreams with the days up to yesterday, and other values at each turn."""

    turn = 0

    def days(self) -> list[str]:
        """Return the days that are told: complete ones, and today."""
        today = dt.datetime.now(dt.UTC).date()
        return [f"{today - dt.timedelta(days=back)}" for back in range(N_DAYS, -1, -1)]

    def _candles(self, request: Request, first: str, last: str) -> list[list[Any]]:
        price = 2 + self.turn * STEP
        return [
            [stamp(day), "1", "9", "0.5", str(price), "100", 0, "150.25"]
            for day in self.days()
            if int(request.args[first]) <= stamp(day) <= int(request.args[last])
        ]

    def _nosana(self, *_: object) -> Any:
        found = {"duration": 3600 * self.turn, "completed": self.turn, "usdReward": self.turn}
        rows = [{"time": f"{day}T00:00:00.000Z", "price": 1.0, **found} for day in self.days()]
        return {"retrieved": 1, "series": rows}

    def _golem(self, path: str, _: Request) -> Any:
        if path.endswith("computing"):
            days = [{"truncated_date": f"{d}T00:00:00Z", "total": self.turn} for d in self.days()]
            return {"All": days}
        points = [
            {"date": float(stamp(day, 1)), "online": self.turn, "gpus": self.turn}
            for day in self.days()
        ]
        return {runtime: {"1d": [], "All": points} for runtime in ("vm", "vm-nvidia")}

    def _livepeer(self, *_: object) -> Any:
        return {"dayData": [{"dateS": stamp(d, 1), "volumeUsd": self.turn} for d in self.days()]}


def turn_of(source: str, value: float) -> float:
    """Return the turn in which a value was told."""
    return (value - 2) / STEP if source == "bybit" else value


class World:
    """Folders of one schedule, and its runs."""

    def __init__(self, folder: Path, upstreams: Moving) -> None:
        self.folder, self.upstreams = folder, upstreams
        self.mark = uuid.uuid4().hex
        self.asked: tuple[str, ...] = ASKED
        self.out, self.store, self.tmp = folder / "out", folder / "store", folder / "tmp"
        self.schedule = folder / "schedule.toml"
        for name in ("tmp", "cache", "catalogue"):
            (folder / name).mkdir(parents=True)
        (folder / "catalogue" / "quick.toml").write_text(QUICK, encoding="utf-8")
        self.schedule.write_text(SCHEDULE, encoding="utf-8")
        write(
            folder / "picture.ipynb", "# What does it cost?", PARAMETERS, READING, PICTURE, ANSWER
        )
        write(folder / "number.ipynb", "# What did it cost?", PARAMETERS, READING, COMPARED)

    def environment(self) -> dict[str, str]:
        """Return the variables of a run: the upstreams are here, and all folders within ours."""
        here = self.upstreams.environment() | {
            f"RESEARCH_SWITCHED_ON__{source.upper()}": str(int(source in self.asked))
            for source in sources.SOURCES
        }
        return (
            os.environ
            | here
            | {
                MARK: self.mark,
                "RESEARCH_CACHE": str(self.folder / "cache"),
                "RESEARCH_CATALOGUE": str(self.folder / "catalogue"),
                "TMPDIR": str(self.tmp),
                "PYTHONPATH": str(PROJECT),
            }
        )

    def start(self, *more: str, before: Sequence[str] = ()) -> subprocess.Popen[str]:
        """Start a run of all reports, due or not; its upstreams tell new values.

        Parameters
        ----------
        more : options
        before : a command that starts the run as its own last part
        """
        self.upstreams.turn += 1
        typed = ["run", str(self.schedule), "--out", str(self.out), "--store", str(self.store)]
        said_to = self.folder / f"said-{self.upstreams.turn}.txt"
        with said_to.open("w", encoding="utf-8") as said:
            return subprocess.Popen(
                [*before, sys.executable, "-m", "research", *typed, "--all", "--json", *more],
                cwd=self.folder,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                start_new_session=True,
            )

    def processes(self) -> list[psutil.Process]:
        """Return every process that was started by a run of this world, whoever its parent is."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.environ().get(MARK) == self.mark and process.status() != "zombie":
                    found.append(process)
        return found

    def said(self) -> str:
        """Return what the last run told on stderr."""
        return (self.folder / f"said-{self.upstreams.turn}.txt").read_text(encoding="utf-8")

    def half_written(self) -> list[Path]:
        """Return the files that were not moved into place."""
        return [*self.out.rglob(".*.part")]

    def let_an_hour_pass(self) -> None:
        """Make what is half written old enough to be nobody's any more."""
        for path in self.half_written():
            os.utime(path, (0, 0))

    def is_quiet(self, seconds: float) -> bool:
        """Wait until none of its processes runs; say whether that came in time."""
        until = time.monotonic() + seconds
        while self.processes():
            if time.monotonic() > until:
                return False
            time.sleep(0.05)
        return True


def below(pid: int) -> list[int]:
    """Return a process and all below it, parents first; quicker than to look at all processes."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            with suppress(OSError):
                found += [*map(int, task.read_text().split())]
    return found


def signal_all(pids: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to those of the processes that are still there."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def kill_all(pid: int, known: Iterable[int] = ()) -> None:
    """Let a process and all below it die at once, so that none can act on the end of another.

    Parameters
    ----------
    known : some of them, which saves the time to look for them
    """
    signal_all(known, signal.SIGSTOP)
    signal_all(reversed(below(pid)), signal.SIGSTOP)
    signal_all(below(pid), signal.SIGKILL)


def kill_alone(pid: int, known: Iterable[int] = ()) -> None:
    """Let a process die; those below it, some of which are known, notice."""
    signal_all([pid], signal.SIGKILL)  # which may just have ended
    signal_all(known, signal.SIGCONT)  # if an aim has stopped them


@contextmanager
def upstreams() -> Iterator[Callable[[str], Moving]]:
    """Give what makes upstreams of a name, on a server of this process."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with HTTPServer(port=0, threaded=True) as server:
        yield lambda name: Moving(server, name)
