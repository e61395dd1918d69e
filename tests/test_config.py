"""A variable of the environment that is wrong is named, and nobody reads what it holds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from research import config
from research.__main__ import app
from research.errors import UsageError

KEY = "topsecret123"


@pytest.fixture(autouse=True)
def _afresh() -> Iterator[None]:
    config.settings.cache_clear()
    yield
    config.settings.cache_clear()


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("KEYS__DEPIN__NINJA", KEY, "`__` stands before a name only; set RESEARCH_KEYS__DEPIN_"),
        ("KEYS", json.dumps({"dune": {KEY: KEY}}), "Input should be a valid string"),
        ("KEYS", json.dumps([KEY]), "Input should be a valid dictionary"),
        ("ALERTS", f"mailto://me:{KEY}@x", "not understood; set RESEARCH_ALERTS__NAME, one a"),
        ("LEASE_SECONDS", KEY, "Input should be a valid number"),
        ("LEASE_SECONDS", "-1", "Input should be greater than 0"),
        ("SWITCHED_ON__IONET", KEY, "Input should be a valid boolean"),
    ],
)
def test_a_wrong_variable_is_named_without_what_it_holds(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: str
) -> None:
    monkeypatch.setenv(f"RESEARCH_{variable}", value)
    with pytest.raises(UsageError) as error:
        config.settings()
    assert str(error.value).startswith(f"RESEARCH_{variable}: {told}")
    assert KEY not in str(error.value)
    assert (error.value.__cause__, error.value.__context__) == (None, None)


@pytest.mark.parametrize("value", ["2m", "0"])
@pytest.mark.parametrize(
    "command",
    [
        "report question.ipynb",
        "run schedule.toml",
        "run schedule.toml --dry-run",
        "status --schedule schedule.toml",
        "update --offline",
        "import prices.csv --measure price_usd",
    ],
)
def test_a_command_blames_the_variable_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    write: Callable[..., Path],
    restored_handler: None,
    command: str,
    value: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RESEARCH_LEASE_SECONDS", value)
    network = 'from research.parameters import NetworkId\nnetwork: NetworkId = "akash"  # whose'
    write(tmp_path / "question.ipynb", "# T", network)
    (tmp_path / "prices.csv").write_text("date,AKT\n2026-01-01,1.0\n")
    (tmp_path / "schedule.toml").write_text(
        '[[report]]\nname = "toy"\nnotebook = "question.ipynb"\ncron = "0 0 * * *"\n'
    )
    done = CliRunner().invoke(app, command.split())
    assert done.exit_code == 2
    assert done.stderr.startswith("research: RESEARCH_LEASE_SECONDS: Input should be ")
    assert len(done.stderr.splitlines()) == 1
