"""`research report` prints a path and nothing else, or says what is accepted and exits 2."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from research.__main__ import app
from research.report import kernel, render

pytestmark = pytest.mark.usefixtures("restored_handler")
Write = Callable[..., Path]
PARAMETERS = (
    "from research.parameters import Fraction, NetworkId, Usd\n\n"
    'network: NetworkId = "akash"\n'
    "capital_usd: Usd | None = None\n"
    "utilization: Fraction = 0.6\n"
)


@pytest.fixture
def notebook(write: Write, tmp_path: Path) -> Path:
    return write(tmp_path / "question.ipynb", "# T", PARAMETERS)


@pytest.mark.parametrize(
    ("typed", "accepted"),
    [
        ("utilization=60", "a fraction between 0 and 1; 0.6 for 60 %"),
        ("capital_usd=-5", "US dollars above 0"),
        ("networkk=akash", "did you mean network?; accepted are network, capital_usd"),
        ("network=nowhere", "one of io-net, render, akash, kazam"),
        ("network", "write NAME=VALUE"),
    ],
)
def test_a_wrong_parameter_exits_2_before_a_kernel_starts(
    notebook: Path, monkeypatch: pytest.MonkeyPatch, typed: str, accepted: str
) -> None:
    monkeypatch.delattr(kernel, "started")
    result = CliRunner().invoke(app, ["report", str(notebook), "-p", typed])
    assert result.exit_code == 2
    assert accepted in result.stderr
    assert result.stdout == ""


def test_a_parameter_typed_twice_is_refused(notebook: Path) -> None:
    typed = ["-p", "network=akash", "-p", "network=render"]
    result = CliRunner().invoke(app, ["report", str(notebook), *typed])
    assert result.exit_code == 2
    assert "-p network=render: given twice" in result.stderr


def test_the_path_is_all_that_goes_to_stdout(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: dict[str, Any] = {}

    def report(notebook: str, parameters: dict[str, str], **options: Any) -> Path:
        asked.update(options, notebook=notebook, parameters=parameters)
        options["tell"]("working")
        return tmp_path / "page.html"

    monkeypatch.setattr(render, "report", report)
    arguments = ["-p", "label=a=b", "--store", "sample", "--as-of", "2026-03-19", "--out", "here"]
    result = CliRunner().invoke(app, ["report", "question", *arguments, "--strict"])
    assert result.exit_code == 0
    assert result.stdout == f"{tmp_path / 'page.html'}\n"
    assert result.stderr == ""
    assert asked.pop("tell")
    assert asked == {
        "notebook": "question",
        "parameters": {"label": "a=b"},
        "store": "sample",
        "as_of": "2026-03-19",
        "strict": True,
        "out": Path("here"),
    }
