"""A batch of reports on a Dask cluster of two workers, against the local pool of two.

Run as a script. Both make the same reports in turn, and in turn go first, so that both have the
same machine. Exits with 1 beyond the limit.
"""

from __future__ import annotations

import importlib
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from research.unattended import cluster
from research.unattended.batch import render_all
from research.unattended.run import RenderAll

sys.path.append(str(Path(__file__).parents[1] / "unattended"))
batches: Any = importlib.import_module("bench_batch")  # beside this script
clusters: Any = importlib.import_module("clusters")

WORKERS = batches.WORKERS
ROUNDS = 4
MAX_RATIO = 1.2  # of the time on the cluster to that of the local pool


def seconds_of(render: RenderAll, out: Path) -> float:
    """Return the seconds a report that a batch takes, with its start and its end."""
    started = time.perf_counter()
    jobs = [batches.job(*one, out, "sample") for one in batches.reports()]
    outcomes = render(jobs, workers=WORKERS, on_done=lambda _: None)
    taken = time.perf_counter() - started
    assert all(each.state == "done" for each in outcomes), [each.reason for each in outcomes]
    return taken / len(jobs)


def on_cluster(address: str, out: Path) -> float:
    """Return the same on a cluster, connecting and comparing the workers included."""
    started = time.perf_counter()
    with cluster.at(address, out=out, store="sample") as there:
        jobs = [batches.job(*one, out, "sample") for one in batches.reports()]
        there.check(jobs)
        before = time.perf_counter() - started
        return seconds_of(there.render_all, out) + before / len(jobs)


def compare(folder: Path, address: str) -> bool:
    """Make the reports here and there, in turn."""
    ratios = []
    for at in range(ROUNDS):
        taken = {}
        for where in ("here", "there") if at % 2 else ("there", "here"):
            out = folder / f"{where}-{at}"
            taken[where] = (
                seconds_of(render_all, out) if where == "here" else on_cluster(address, out)
            )
        ratios.append(taken["there"] / taken["here"])
        sys.stdout.write(
            f"  round {at + 1}: {taken['here']:.2f} s a report by the local pool, "
            f"{taken['there']:.2f} s on the cluster ({ratios[-1]:.2f} times; "
            f"load {os.getloadavg()[0]:.1f})\n"
        )
        sys.stdout.flush()
    ratio = statistics.median(ratios)
    is_kept = ratio <= MAX_RATIO
    batches.told("times the local pool's seconds", ratio, MAX_RATIO, is_kept=is_kept)
    return is_kept


def main() -> int:
    """Start a cluster of this machine and measure."""
    sys.stdout.write(f"{os.cpu_count()} cores, {WORKERS} workers of a thread each\n")
    with tempfile.TemporaryDirectory(prefix="bench-") as name, batches.own_temporary_folder():
        room = Path(name)
        with (
            clusters.scheduler(room) as address,
            clusters.workers(address, room, number=WORKERS),
        ):
            return 0 if compare(room, address) else 1


if __name__ == "__main__":
    raise SystemExit(main())
