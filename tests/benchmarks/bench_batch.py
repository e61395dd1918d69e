"""Throughput and memory of many reports at once, against plain papermill and nbconvert.

Run as a script. Slices of the same reports are made by the plain commands, one after another,
between the batches, so that both have the same machine. Then 200 small reports tell whether
anything grows or is left. Exits with 1 beyond a limit.
"""

from __future__ import annotations

import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from research.report.render import find
from research.unattended.batch import render_all
from research.unattended.jobs import Job, Outcome

AS_OF = "2026-03-01T00:00:00Z"
WORKERS = 2
ROUNDS = 3
SLICE = 3  # reports that the plain commands make in a round: one of each notebook
MIN_RATIO = 8.0  # of the throughput to the plain commands'
SMALL = 200  # reports
EDGE = 50  # of them, at the begin and at the end
MAX_GROWTH = 5.0  # MB of this process, from the first reports to the last
NETWORKS = ("akash", "render", "io-net", "nosana", "aethir", "golem", "livepeer", "theta")
CARDS = (
    "rtx-3090",
    "rtx-4090",
    "rtx-5090",
    "rtx-a6000",
    "l40s",
    "h100-pcie",
    "h100-sxm",
    "h200-sxm",
)
UNTIL = tuple(f"2025-{month:02}-15" for month in range(5, 13))


def reports() -> list[tuple[str, dict[str, str]]]:
    """Return notebooks and parameters, one of each notebook in turn."""
    asked = []
    for until, network, gpu in zip(UNTIL, NETWORKS, CARDS, strict=True):
        asked += [
            ("market-overview", {"until": until}),
            ("network-profile", {"network": network}),
            ("daily-earnings", {"gpu": gpu, "gpu_usd": "2500"}),  # not each has a price of its own
        ]
    return asked


def job(notebook: str, parameters: Mapping[str, str], out: Path, store: str | None) -> Job:
    return Job(
        name=notebook,
        notebook=notebook,
        parameters=parameters,
        store=store,
        as_of=None if store is None else AS_OF,
        out=out,
        strict=False,
        seconds=300,
        cell_seconds=120,
        period=None,
    )


def plain(asked: Sequence[tuple[str, Mapping[str, str]]], out: Path) -> float:
    """Return the seconds that the plain commands take for reports, one after another."""
    out.mkdir(parents=True)
    started = time.perf_counter()
    for at, (notebook, parameters) in enumerate(asked):
        executed = out / f"{at}.ipynb"
        given = [part for name, value in parameters.items() for part in ("-r", name, value)]
        for command in (
            [
                "papermill",
                str(find(notebook)),
                str(executed),
                "-k",
                "python3",
                "-r",
                "as_of",
                AS_OF,
                *given,
            ],
            ["nbconvert", "--to", "html", str(executed)],
        ):
            subprocess.run([sys.executable, "-m", *command], check=True, capture_output=True)
    return time.perf_counter() - started


class Memory:
    """The most that all processes below this one took together, shared pages counted once."""

    def __enter__(self) -> Memory:
        self.peak, self._over = 0.0, threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.5):
            total = 0.0
            for each in psutil.Process().children(recursive=True):
                with suppress(psutil.Error):
                    total += each.memory_full_info().pss / 1e6
            self.peak = max(self.peak, total)


def told(what: str, value: float, limit: float, *, is_kept: bool) -> bool:
    """Print a measure beside its limit."""
    word = "KEPT" if is_kept else "NOT KEPT"
    sys.stdout.write(f"  {what}: {value:.2f} (limit {limit:g}): {word}\n")
    return is_kept


def throughput(folder: Path) -> bool:
    """Compare a batch with the plain commands."""
    asked = reports()
    ratios, seconds, outcomes = [], [], list[Outcome]()
    peaks = []
    for at in range(ROUNDS):
        by_hand = plain(asked[at * SLICE : (at + 1) * SLICE], folder / f"plain-{at}")
        load = os.getloadavg()[0]
        with Memory() as memory:
            started = time.perf_counter()
            jobs = [job(*one, folder / f"batch-{at}", "sample") for one in asked]
            outcomes = render_all(jobs, workers=WORKERS)
            batch = time.perf_counter() - started
        assert all(each.state == "done" for each in outcomes), [each.reason for each in outcomes]
        peaks.append(memory.peak)
        ratios.append(by_hand / SLICE * len(asked) / batch)
        seconds.append(batch / len(asked))
        sys.stdout.write(
            f"  round {at + 1}: {by_hand / SLICE:.2f} s a report by plain commands, "
            f"{batch / len(asked):.2f} s in a batch of {len(asked)} with its start "
            f"({ratios[-1]:.1f} times; load {load:.1f})\n"
        )
    each = [one.seconds for one in outcomes]
    sys.stdout.write(
        f"  from start to page {statistics.median(each):.2f} s a report (slowest {max(each):.2f}); "
        f"its kernel at most {max(one.peak_megabytes for one in outcomes):.0f} MB, shared pages "
        f"with it; all processes together {max(peaks):.0f} MB\n"
    )
    ratio = statistics.median(ratios)
    return told("times the throughput", ratio, MIN_RATIO, is_kept=ratio >= MIN_RATIO)


def small(path: Path) -> Path:
    """Write a notebook of a figure and a sentence."""
    source = "import plotly.graph_objects as go\nprint('Went well.')\ngo.Figure(go.Bar(y=[1, 2]))"
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": source, "outputs": []}
    content = {
        "cells": [cell | {"execution_count": None}],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def growth(folder: Path) -> bool:
    """Render many small reports and see what grows and what is left."""
    ours, below = [], []

    def measure(_: Outcome) -> None:
        ours.append(psutil.Process().memory_info().rss / 1e6)
        children = psutil.Process().children()
        below.append(sum(each.memory_info().rss for each in children) / 1e6)

    temporary = Path(tempfile.gettempdir())
    notebook = str(small(folder / "small.ipynb"))
    before = psutil.Process().num_fds(), set(os.listdir(temporary))
    started = time.perf_counter()
    jobs = [job(notebook, {}, folder / "small" / str(at), None) for at in range(SMALL)]
    outcomes = render_all(jobs, workers=WORKERS, on_done=measure)
    seconds = time.perf_counter() - started
    done = sum(each.state == "done" for each in outcomes)
    sys.stdout.write(
        f"{SMALL} small reports: {done} done, {seconds / SMALL:.2f} s each, "
        f"load {os.getloadavg()[0]:.1f}\n"
    )
    kept = [told("not done", SMALL - done, 0, is_kept=done == SMALL)]
    for what, sizes in (("this process", ours), ("the warm process", below)):
        grown = statistics.mean(sizes[-EDGE:]) - statistics.mean(sizes[:EDGE])
        size = statistics.mean(sizes[:EDGE])
        kept.append(
            told(
                f"MB by which {what} grew, of {size:.0f}",
                grown,
                MAX_GROWTH,
                is_kept=grown < MAX_GROWTH,
            )
        )
    left = {
        "processes left": len(psutil.Process().children(recursive=True)),
        "files and sockets left open": psutil.Process().num_fds() - before[0],
        "ports left open": len(psutil.Process().net_connections("inet")),
        "temporary files left": len(set(os.listdir(temporary)) - before[1]),
        "locks and parts left": len([*folder.rglob("*.lock"), *folder.rglob("*.part")]),
    }
    return all([*kept, *(told(what, n, 0, is_kept=n == 0) for what, n in left.items())])


@contextmanager
def own_temporary_folder() -> Iterator[None]:
    """Have this process and all below it use a temporary folder that nobody else uses."""
    before = tempfile.gettempdir()
    with tempfile.TemporaryDirectory(prefix="t-") as name:
        os.environ["TMPDIR"] = tempfile.tempdir = name
        yield
        os.environ["TMPDIR"] = tempfile.tempdir = before


def main() -> int:
    """Measure both."""
    lab = "with" if importlib.util.find_spec("jupyterlab") else "without"
    sys.stdout.write(f"{lab} jupyterlab installed, {os.cpu_count()} cores, {WORKERS} workers\n")
    with tempfile.TemporaryDirectory(prefix="bench-") as name, own_temporary_folder():
        kept = [throughput(Path(name)), growth(Path(name))]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    raise SystemExit(main())
