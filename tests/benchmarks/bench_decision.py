"""Time and memory of the decision: every alternative on 100,000 paths, and the whole report.

Run as a script. Each part has a fresh process, so that its peak of memory is its own; its time is
the median of several runs after the imports. What may be asked of any machine is a ratio: to the
time of drawing as many normal numbers as there are factors, months and paths, in the same process
just before. Exits with 1 beyond a limit.
"""

from __future__ import annotations

import os
import resource
import runpy
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from research.models.bootstrap import History
from research.models.futures import Question, fit, live
from research.models.scenarios import BLOCK_OF_PATHS

N_MONTHS, N_FACTORS = 36, 6  # token, market, rate, utilization, resale, demand
N_WEEKS = 280  # as many as there are of AKT and BTC in March 2026
MAX_SECONDS, MAX_MEGABYTES, MAX_RATIO = 2.0, 300.0, 6.0
MAX_REPORT_SECONDS = 10.0
MAX_GROWTH = 12.0  # of the time, from 100,000 to a million paths
MAX_MORE_MEGABYTES = 20.0  # for ten times the paths
RUNS = 5


def question(n_paths: int) -> Question:
    """Return the tests' question over three years, with as many weeks as there really are."""
    rng = np.random.default_rng(0)
    market, own = rng.standard_normal((2, N_WEEKS))
    weeks = pd.DataFrame({"token": 0.1 * market + 0.13 * own, "market": 0.085 * market})
    asked = runpy.run_path(str(Path(__file__).parents[1] / "questions.py"))["question"]
    made: Question = asked(n_months=N_MONTHS, n_paths=n_paths, history=History(returns=weeks))
    return made


def normals(n_paths: int) -> None:
    """Draw what the factors take, in the same blocks, and nothing else."""
    rng = np.random.Generator(np.random.SFC64(1))
    for _ in range(N_FACTORS * n_paths // BLOCK_OF_PATHS):
        rng.standard_normal((N_MONTHS, BLOCK_OF_PATHS))


def timed(work: Callable[[], object]) -> float:
    """Return the seconds of one run."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def measure(n_paths: int, runs: int) -> None:
    """Print seconds, ratio to the normals, and memory of living through `n_paths`."""
    q = question(n_paths)
    dynamics = fit(q)
    live(replace(q, n_paths=BLOCK_OF_PATHS), dynamics)  # what is imported on the way
    pairs = [
        (timed(lambda: normals(n_paths)), timed(lambda: live(q, dynamics))) for _ in range(runs)
    ]
    seconds = statistics.median(each for _, each in pairs)
    ratio = statistics.median(each / alone for alone, each in pairs)
    sys.stdout.write(f"{seconds} {ratio} {megabytes()}\n")


def megabytes() -> float:
    """Return the peak of resident memory so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1_024 / 1e6


def measured(n_paths: int, runs: int) -> tuple[float, float, float]:
    """Measure in a process of its own, on one core."""
    one_core = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, __file__, str(n_paths), str(runs)],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | one_core,
    )
    seconds, ratio, peak = (float(figure) for figure in done.stdout.split())
    return seconds, ratio, peak


def said(what: str, kept: bool) -> bool:
    """Print a line with its verdict, and return the verdict."""
    sys.stdout.write(f"{what}: {'kept' if kept else 'NOT KEPT'}\n")
    return kept


def main() -> int:
    """Measure every part and compare it with the limits."""
    names = len(live(question(100), fit(question(100))).comparison.outcomes)
    seconds, ratio, peak = measured(100_000, RUNS)
    many_seconds, _, many_peak = measured(1_000_000, 1)
    report = computation()
    kept = [
        said(
            f"{names} alternatives, 100,000 paths x {N_MONTHS} months: {seconds:.2f} s (limit "
            f"{MAX_SECONDS:g})",
            seconds < MAX_SECONDS,
        ),
        said(f"  to its normals alone: {ratio:.1f} times (limit {MAX_RATIO:g})", ratio < MAX_RATIO),
        said(f"  peak {peak:.0f} MB (limit {MAX_MEGABYTES:g})", peak < MAX_MEGABYTES),
        said(
            f"a million paths: {many_seconds / seconds:.1f} times as long (limit {MAX_GROWTH:g})",
            many_seconds / seconds < MAX_GROWTH,
        ),
        said(
            f"  {many_peak - peak:.0f} MB more (limit {MAX_MORE_MEGABYTES:g})",
            many_peak - peak < MAX_MORE_MEGABYTES,
        ),
        said(
            f"the report's whole computation: {report:.1f} s (limit {MAX_REPORT_SECONDS:g})",
            report < MAX_REPORT_SECONDS,
        ),
    ]
    return 0 if all(kept) else 1


def computation() -> float:
    """Return the seconds of the cells of token-or-hardware, imports and figures included."""
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("report_cells.py"), "token-or-hardware"],
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(int(sys.argv[1]), int(sys.argv[2]))
    else:
        raise SystemExit(main())
