"""Prefect: what is due every hour, and one notebook through Prefect's own papermill task.

`python reports/examples/prefect_flow.py` serves both from a clone until it is ended; a Prefect
server must run and be named by PREFECT_API_URL. Alerts and keys are RESEARCH_* variables of the
environment.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from prefect import flow, serve, task
from prefect.client.schemas.objects import State
from prefect.states import Completed
from prefect_jupyter import notebook

PROJECT = Path(os.environ.get("RESEARCH_PROJECT", Path(__file__).resolve().parents[2]))
HELD_BACK = 3  # exit code: a strict report was held back by a check of quality


@task(retries=1, retry_delay_seconds=600)
def run(out: str = "reports/rendered") -> int:
    """Render what is due; return the exit code, and fail if it says that a report failed."""
    command = [".venv/bin/research", "run", "reports/schedule.toml", "--out", out]
    code = subprocess.run(command, cwd=PROJECT, check=False).returncode  # noqa: S603 - ours
    if code not in (0, HELD_BACK):
        raise RuntimeError(f"research run: exit code {code}")
    return code


@flow(name="research-reports", timeout_seconds=3 * 3600)
def reports() -> State:
    """Render the research reports that are due."""
    code = run()
    return Completed(message="held back by a check of quality" if code == HELD_BACK else "done")


@flow(name="research-notebook")
def market_overview(output: str = "market-overview.ipynb") -> str:
    """Run one notebook by papermill: the notebook with its outputs, not a report.

    Prefect's own Python runs it, so it must have the toolkit: pip install RESEARCH_PROJECT.
    """
    ran = notebook.execute_notebook(
        str(PROJECT / "notebooks" / "market-overview.ipynb"), parameters={"store": "sample"}
    )
    Path(output).write_text(notebook.export_notebook(ran), encoding="utf-8")
    return output


if __name__ == "__main__":
    serve(
        reports.to_deployment(name="hourly", cron="7 * * * *", concurrency_limit=1),
        market_overview.to_deployment(name="weekly", cron="0 7 * * 1"),
    )
