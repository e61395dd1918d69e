"""`research run` and `research status` as one types them, with real notebooks."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from research.__main__ import app

pytestmark = pytest.mark.usefixtures("restored_handler")
Write = Callable[..., Path]
PARAMETERS = (
    "from research.parameters import Count, StoreLocation\n\n"
    "count: Count = 1  # how many\n"
    'store: StoreLocation = "own"  # where\n'
)
ANSWER = """
from research.figures import theme
from research.origin import Origin
theme.answer("Rent it out.", "It pays more.", origin=Origin.said("by hand"))
"""
SCHEDULE = """
[[report]]
name = "broken"
notebook = "broken.ipynb"
cron = "0 * * * *"

[[report]]
name = "good"
notebook = "good.ipynb"
cron = "0 6 * * *"
timezone = "Europe/Berlin"
grid = { count = [1, 2] }
"""


@pytest.fixture
def folder(write: Write, tmp_path: Path) -> Path:
    write(tmp_path / "good.ipynb", "# T", PARAMETERS, ANSWER)
    write(tmp_path / "broken.ipynb", "# T", PARAMETERS, "1 / 0")
    (tmp_path / "schedule.toml").write_text(SCHEDULE)
    return tmp_path


def typed(folder: Path, command: str, *more: str) -> Result:
    schedule = str(folder / "schedule.toml")
    where = ["--out", str(folder / "out"), "--store", str(folder / "store"), *more]
    given = [schedule] if command == "run" else ["--schedule", schedule]
    return CliRunner().invoke(app, [command, *given, *where])


def test_a_dry_run_shows_what_is_due_and_touches_nothing(folder: Path) -> None:
    before = {*folder.rglob("*")}
    result = typed(folder, "run", "--dry-run", "--name", "good*")
    assert result.exit_code == 0
    assert "good/1" in result.stdout
    assert "broken" not in result.stdout
    due = json.loads(typed(folder, "run", "--dry-run", "--json").stdout)["due"]
    assert [row["report"] for row in due] == ["broken", "good/1", "good/2"]
    assert due[2]["parameters"] == {"count": "2"}
    assert {*folder.rglob("*")} == before


def test_a_dry_run_refuses_what_the_run_would_as_nobody_could_be_told(folder: Path) -> None:
    (folder / "schedule.toml").write_text(f'{SCHEDULE}alerts = {{ tell = ["nobody"] }}\n')
    result = typed(folder, "run", "--dry-run")
    assert result.exit_code == 2
    assert "set RESEARCH_ALERTS__NOBODY in the environment" in result.stderr


def test_two_pages_are_made_beside_one_that_fails_and_the_status_tells(folder: Path) -> None:
    result = typed(folder, "run", "--no-update")
    assert result.exit_code == 1
    pages = [Path(line) for line in result.stdout.splitlines()]
    assert len(pages) == 2
    assert all("Rent it out." in page.read_text() for page in pages)
    assert "ZeroDivisionError" in result.stderr
    index = (folder / "out" / "index.html").read_text()
    assert all(page.name in index for page in pages)

    again = typed(folder, "run", "--no-update", "--name", "good", "--json")
    assert again.exit_code == 0
    assert json.loads(again.stdout)["reports"] == []
    assert "nothing is due" in again.stderr

    told = typed(folder, "status", "--json")
    reports = {each["name"]: each for each in json.loads(told.stdout)["reports"]}
    assert reports["good/1"]["page"] in [page.name for page in pages]
    assert reports["good/1"]["failure"] is None
    assert not reports["broken"]["is_overdue"]
    assert "ZeroDivisionError" in reports["broken"]["failure"]["reason"]
    assert "no store there" in told.stderr  # and how the reports stand is told all the same
    assert told.exit_code == 1


def test_a_wrong_parameter_in_the_schedule_runs_nothing(folder: Path) -> None:
    (folder / "schedule.toml").write_text(SCHEDULE.replace("[1, 2]", "[1, 0]"))
    result = typed(folder, "run", "--no-update")
    assert result.exit_code == 2
    assert "report 'good', good: count=0: accepted is a whole number, 1 to 1000" in result.stderr
    assert not (folder / "out").exists()


def test_an_overdue_report_makes_the_status_exit_with_1(folder: Path) -> None:
    (folder / "closes.csv").write_text("date,AKT\n2025-01-01,2.5\n2025-01-02,2.6\n")
    store = ["--store", str(folder / "store")]
    CliRunner().invoke(
        app, ["import", str(folder / "closes.csv"), "--measure", "price_usd", *store]
    )
    rare = SCHEDULE.split("\n\n")[1].replace("0 6 * * *", "0 6 1 1 *")
    (folder / "schedule.toml").write_text(rare)
    result = typed(folder, "status")
    assert result.exit_code == 1
    assert "akash.price_usd" in result.stdout
    assert "never" in result.stdout
    assert "since 20" in result.stdout


def test_a_schedule_that_was_never_run_is_not_in_the_status_unasked(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "reports").mkdir()
    (folder / "schedule.toml").rename(folder / "reports" / "schedule.toml")
    monkeypatch.chdir(folder)
    result = CliRunner().invoke(app, ["status", "--store", "sample", "--json"])
    assert result.exit_code == 0
    assert [*json.loads(result.stdout)] == ["store", "as_of", "series"]


def test_a_run_with_nothing_to_do_imports_nothing_that_makes_a_report() -> None:
    asked = (
        "import sys, research.unattended.run\n"
        "print({'papermill', 'nbconvert', 'pandas', 'plotly', 'apprise'} & set(sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", asked], check=True, capture_output=True)
    assert told.stdout == b"set()\n"
