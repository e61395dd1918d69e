"""Airflow: what is due every hour, and one notebook a week through Airflow's own papermill task.

Copy to the folder of DAGs of Airflow 3. RESEARCH_PROJECT names the clone, whose .venv has the
toolkit. Alerts and keys are RESEARCH_* variables of the worker's environment.
"""

from __future__ import annotations

import datetime as dt
import os

from airflow.providers.papermill.operators.papermill import PapermillOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

PROJECT = os.environ.get("RESEARCH_PROJECT", "/srv/research")
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

with DAG(
    dag_id="research_reports",
    description="Render the research reports that are due",
    schedule="7 * * * *",
    start_date=START,
    catchup=False,  # the command makes up for what was missed
    max_active_runs=1,
    dagrun_timeout=dt.timedelta(hours=3),
    tags=["research"],
) as reports:
    BashOperator(
        task_id="run",
        bash_command=".venv/bin/research run reports/schedule.toml --out reports/rendered",
        cwd=PROJECT,
        append_env=True,
        skip_on_exit_code=3,  # a strict report was held back by a check of quality
        retries=1,
        retry_delay=dt.timedelta(minutes=10),
    )

with DAG(
    dag_id="research_notebook",
    description="Run one notebook by papermill: the notebook with its outputs, not a report",
    schedule="0 7 * * 1",
    start_date=START,
    catchup=False,
    max_active_runs=1,
    tags=["research"],
) as notebook:
    # the worker's own Python runs it, so it must have the toolkit: pip install RESEARCH_PROJECT
    PapermillOperator(
        task_id="market_overview",
        input_nb=f"{PROJECT}/notebooks/market-overview.ipynb",
        output_nb=f"{PROJECT}/reports/market-overview-{{{{ ds }}}}.ipynb",
        parameters={"store": "sample"},
        kernel_name="python3",
    )
