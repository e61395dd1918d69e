"""Time from the command to a finished page: ours, plain papermill with nbconvert, a bare script.

Run as a script. The three are run in turn, several times over, so that each has the same machine.
What our way adds to the bare calculation is limited; how many times faster than the plain tools it
is depends on how long the notebook computes, so the most that could be reached is printed beside
it. Where jupyterlab is installed, the plain tools take several seconds longer and ours do not.
Exits with 1 beyond a limit.
"""

from __future__ import annotations

import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from research.report.manifest import SUFFIX
from research.report.render import find

NOTEBOOKS = ("token-or-hardware", "market-overview")
RUNS = 3
MAX_SECONDS_ABOVE = 2.5  # of the bare calculation
CELLS = Path(__file__).with_name("report_cells.py")


def run(*command: str | Path) -> float:
    """Return the seconds of a command, from its start to its end."""
    started = time.perf_counter()
    subprocess.run([sys.executable, *command], check=True, capture_output=True)
    return time.perf_counter() - started


def once(notebook: str, out: Path) -> dict[str, float]:
    """Make the page of a notebook in each way, seconds."""
    executed = out / "executed.ipynb"
    found = {
        "ours": run("-m", "research", "report", notebook, "--store", "sample", "--out", out),
        "bare": run(CELLS, notebook),
        "papermill": run("-m", "papermill", find(notebook), executed, "-k", "python3"),
        "nbconvert": run("-m", "nbconvert", "--to", "html", executed),
    }
    (manifest,) = out.glob(f"*{SUFFIX}")
    told = json.loads(manifest.read_text(encoding="utf-8"))["seconds"]
    return found | {"cells and kernel": told["notebook"], "page": told["page"]}


def measure(notebook: str) -> bool:
    """Print what each way takes, and say whether ours is within its limit."""
    with tempfile.TemporaryDirectory() as folder:
        runs = [once(notebook, Path(folder) / str(at)) for at in range(RUNS)]
    middle = {way: statistics.median(one[way] for one in runs) for way in runs[0]}
    above = statistics.median(one["ours"] - one["bare"] for one in runs)
    plain = [one["papermill"] + one["nbconvert"] for one in runs]
    ratio = statistics.median(p / one["ours"] for p, one in zip(plain, runs, strict=True))
    most = statistics.median(p / one["bare"] for p, one in zip(plain, runs, strict=True))
    sys.stdout.write(
        f"{notebook}: {', '.join(f'{way} {seconds:.1f} s' for way, seconds in middle.items())}\n"
        f"  {ratio:.1f} times as fast as papermill and nbconvert; {most:.1f} without any overhead\n"
    )
    kept = above < MAX_SECONDS_ABOVE
    sys.stdout.write(
        f"  {above:.1f} s above the bare script (limit {MAX_SECONDS_ABOVE:g}): "
        f"{'kept' if kept else 'NOT KEPT'}\n"
    )
    return kept


def main() -> int:
    """Measure each notebook."""
    lab = "with" if importlib.util.find_spec("jupyterlab") else "without"
    sys.stdout.write(f"{lab} jupyterlab installed\n")
    kept = [measure(notebook) for notebook in NOTEBOOKS]  # each is told, whatever came before
    return 0 if all(kept) else 1


if __name__ == "__main__":
    raise SystemExit(main())
