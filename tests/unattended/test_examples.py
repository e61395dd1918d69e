"""The examples of what calls the command unattended are what cron, systemd and the others read."""

from __future__ import annotations

import ast
import configparser
import re
import shlex
import shutil
import subprocess
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # no stubs
from cronsim import CronSim

EXAMPLES = Path(__file__).parents[2] / "reports" / "examples"
COMMAND = "research run reports/schedule.toml"
NOW = datetime(2026, 11, 25, 6, 30, tzinfo=UTC)
HOURS = [datetime(2026, 11, 25, hour, 7, tzinfo=UTC) for hour in (7, 8, 9)]


def text(name: str) -> str:
    return (EXAMPLES / name).read_text(encoding="utf-8")


def starts(cron: str) -> list[datetime]:
    return list(islice(CronSim(cron, NOW), 3))


def unit(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=True, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # case counts
    parser.read_string(text(name))
    return parser


@pytest.mark.parametrize("path", sorted(EXAMPLES.iterdir()), ids=lambda path: path.name)
def test_each_example_calls_the_one_command_or_starts_what_does(path: Path) -> None:
    content = path.read_text(encoding="utf-8")
    plain = content.replace('", "', " ")  # an argument list
    assert COMMAND in plain or path.suffix == ".timer"
    assert not re.search(r"://(?!user:password@example\.org|\.\.\.)[a-z]+\.", content)  # no host


def test_the_crontab_is_variables_and_one_line_that_cron_reads() -> None:
    lines = [line for line in text("crontab").splitlines() if line and not line.startswith("#")]
    variables = [line for line in lines if re.fullmatch(r"[A-Z_]+=\S+", line)]
    (line,) = [line for line in lines if line not in variables]
    *when, command = line.split(maxsplit=5)

    assert starts(" ".join(when)) == HOURS
    assert "%" not in command  # cron would read a line's end
    assert {"$PROJECT", "$ENVIRONMENT", "$LOG"} <= set(shlex.split(command.replace(">", "")))
    known = {variable.partition("=")[0] for variable in variables}
    assert {"PROJECT", "ENVIRONMENT", "LOG", "MAILTO", "SHELL"} <= known


@pytest.mark.parametrize("code", [0, 1])
def test_the_crontabs_command_is_silent_unless_the_exit_code_is_not_zero(
    code: int, tmp_path: Path
) -> None:
    command = text("crontab").splitlines()[-1].split(maxsplit=5)[-1]
    fake = tmp_path / ".venv" / "bin" / "research"
    fake.parent.mkdir(parents=True)
    fake.write_text(f'#!/bin/sh\necho "$RESEARCH_ALERTS__DESK" "$@"\nexit {code}\n')
    fake.chmod(0o755)
    secrets = tmp_path / "secrets"
    secrets.write_text("RESEARCH_ALERTS__DESK='json://host/?a=1&b=2'\n")
    named = {"PROJECT": tmp_path, "ENVIRONMENT": secrets, "LOG": tmp_path / "log"}

    done = subprocess.run(
        ["/bin/sh", "-c", command],
        env={"PATH": "/usr/bin:/bin"} | {name: str(path) for name, path in named.items()},
        capture_output=True,
        text=True,
        check=True,
    )

    said = "json://host/?a=1&b=2 run reports/schedule.toml --out reports/rendered\n"
    assert done.stdout == (said if code else "")
    assert done.stderr == ""


def test_the_timer_starts_the_service_every_hour_and_makes_up_for_what_was_missed() -> None:
    timer, service = unit("research.timer"), unit("research.service")
    assert dict(timer["Timer"]) == {
        "OnCalendar": "*-*-* *:07:00 UTC",
        "Persistent": "true",
        "RandomizedDelaySec": "60",
    }
    assert timer["Install"]["WantedBy"] == "timers.target"
    assert service["Service"]["Type"] == "oneshot"
    assert service["Service"]["ExecStart"].startswith("/srv/research/.venv/bin/" + COMMAND)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    program = tmp_path / ".venv" / "bin" / "research"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    units = [tmp_path / "research.service", tmp_path / "research.timer"]
    for path in units:
        path.write_text(text(path.name).replace("/srv/research", str(tmp_path)))

    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, units)],  # noqa: S607 - wherever it is
        capture_output=True,
        text=True,
        check=False,
    )

    about_ours = [line for line in done.stderr.splitlines() if "research" in line]
    assert (done.returncode, about_ours) == (0, [])


def workflow() -> dict[Any, Any]:
    read: dict[Any, Any] = yaml.safe_load(text("github-actions.yml"))
    return read


def test_the_workflow_has_the_keys_that_github_documents_and_no_other() -> None:
    read = workflow()
    on = read.pop(True)  # YAML 1.1 reads `on` as true
    (job,) = read["jobs"].values()

    assert set(read) == {"name", "permissions", "concurrency", "jobs"}
    assert set(on) == {"schedule", "workflow_dispatch"}
    assert [starts(each["cron"]) for each in on["schedule"]] == [HOURS]
    assert read["permissions"] == {"contents": "read"}
    assert set(read["concurrency"]) == {"group", "cancel-in-progress"}
    assert set(job) == {"runs-on", "timeout-minutes", "env", "steps"}
    for step in job["steps"]:
        assert set(step) <= {"name", "id", "if", "uses", "with", "run"}
        assert ("uses" in step) != ("run" in step)


def test_the_workflow_uploads_the_shelf_though_a_report_failed_and_no_command_has_secrets() -> None:
    (job,) = workflow()["jobs"].values()
    *_, save, upload = job["steps"]
    assert upload["uses"].startswith("actions/upload-artifact@")
    assert upload["with"]["path"] == "state/shelf"
    assert save["if"] == upload["if"] == "${{ !cancelled() }}"
    assert job["env"]["RESEARCH_ALERTS__DESK"] == "${{ secrets.RESEARCH_ALERTS__DESK }}"
    assert not any("${{" in step.get("run", "") for step in job["steps"])


@pytest.mark.parametrize("name", ["airflow_dag.py", "prefect_flow.py"])
def test_the_python_examples_are_python_whose_imports_are_their_frameworks(name: str) -> None:
    tree = ast.parse(text(name))
    imported = {
        module.split(".")[0]
        for node in ast.walk(tree)
        for module in (
            [each.name for each in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    frameworks = {"airflow"} if name == "airflow_dag.py" else {"prefect", "prefect_jupyter"}
    assert imported - {"__future__", "datetime", "os", "subprocess", "pathlib"} == frameworks
    crons = re.findall(r'(?:schedule|cron)="([^"]+)"', text(name))
    assert [starts(cron)[0] for cron in crons] == [
        HOURS[0],
        datetime(2026, 11, 30, 7, 0, tzinfo=UTC),  # the next Monday
    ]


@pytest.mark.parametrize("name", ["airflow_dag.py", "prefect_flow.py"])
def test_the_notebook_that_papermill_runs_is_there_with_its_parameter(name: str) -> None:
    root = EXAMPLES.parents[1]
    assert (root / "notebooks" / "market-overview.ipynb").is_file()
    assert "market-overview.ipynb" in text(name)
    assert 'parameters={"store": "sample"}' in text(name)
