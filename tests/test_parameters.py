"""A notebook's parameters are checked by their types, wherever the notebook runs."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from research.errors import ParameterError
from research.parameters import Fraction, NetworkId, Usd, check, schema

CELL = """\
from research.parameters import *

network: NetworkId = "akash"  # whose token
gpu: GpuId = "rtx-4090"
tariff: TariffId = "us-residential"
capital_usd: Usd | None = None  # put to work either way
count: Count = 2
months: Months = 36
rate: UsdPerHour | None = 0.35
power: UsdPerKwh = 0.17
utilization: Fraction = 0.6  # share of hours # that are rented
paths: Paths = 2_000
seed: Seed = 0
drift: Drift = "zero"
payout: PayoutKind | None = None
until: Day | None = None
as_of: Instant | None = None
store: StoreLocation = "sample"
strict: bool = False
label: str = "a"
level: float = -1.5
"""

Write = Callable[[str], Path]


@pytest.fixture
def notebook(tmp_path: Path) -> Write:
    """Write a notebook whose second cell is a parameters cell."""

    def write(cell: str) -> Path:
        tagged = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": cell}
        title = {"cell_type": "markdown", "metadata": {}, "source": ["# T"]}
        path = tmp_path / "question.ipynb"
        path.write_text(json.dumps({"cells": [title, tagged]}), encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("network", "render", "render"),
        ("capital_usd", "2_000", 2000.0),
        ("capital_usd", "1e4", 10_000.0),
        ("capital_usd", "None", None),
        ("capital_usd", " none ", None),
        ("count", "1000", 1000),
        ("paths", "20_000", 20_000),
        ("power", "0", 0.0),
        ("utilization", "1", 1.0),
        ("payout", "usd-quoted", "usd-quoted"),
        ("until", "2026-03-19", dt.date(2026, 3, 19)),
        ("as_of", "2026-03-19", dt.datetime(2026, 3, 19, tzinfo=dt.UTC)),
        ("as_of", "2026-03-19T02:00+02:00", dt.datetime(2026, 3, 19, tzinfo=dt.UTC)),
        ("as_of", "2026-03-19T12:00:00Z", dt.datetime(2026, 3, 19, 12, tzinfo=dt.UTC)),
        ("store", "s3://bucket/store", "s3://bucket/store"),
        ("store", "here", str(Path.cwd() / "here")),
        ("strict", "true", True),
        ("label", "none", "none"),
        ("level", "-2", -2.0),
    ],
)
def test_text_from_a_command_line_becomes_the_type(
    notebook: Write, name: str, text: str, value: object
) -> None:
    checked = schema(notebook(CELL)).check({name: text})[name]
    assert checked == value
    assert type(checked) is type(value)


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("capital_usd", "-5", "US dollars above 0"),
        ("capital_usd", "0", "US dollars above 0"),
        ("capital_usd", "nan", "US dollars above 0"),
        ("capital_usd", "inf", "or none"),
        ("capital_usd", "1e999", "US dollars above 0"),
        ("capital_usd", "$2,000", "write 2000"),
        ("capital_usd", "", "US dollars above 0"),
        ("capital_usd", True, "US dollars above 0"),
        ("utilization", "60", "a fraction between 0 and 1; 0.6 for 60 %"),
        ("utilization", "60%", "0.6 for 60 %"),
        ("utilization", "-0.1", "a fraction between 0 and 1"),
        ("utilization", "none", "a fraction between 0 and 1"),
        ("count", "1.5", "a whole number, 1 to 1000"),
        ("count", True, "a whole number, 1 to 1000"),
        ("months", "121", "1 to 120"),
        ("months", "three", "1 to 120"),
        ("paths", "99", "100 to 1000000"),
        ("seed", "-1", "0 or above"),
        ("network", "akahs", "did you mean akash?"),
        ("network", "AKT", "akash, kazam"),
        ("network", "btc", "one of io-net, render, akash"),
        ("gpu", "RTX 4090", "did you mean rtx-4090?"),
        ("tariff", "moon", "us-residential"),
        ("drift", "Zero", "one of zero, historical, shrunk; did you mean zero?"),
        ("payout", "barter", "one of usd, usd-quoted, token-quoted, emission-share or none"),
        ("until", "20260319", "a UTC day such as 2026-03-19"),
        ("until", "2026-02-30", "a UTC day such as 2026-03-19"),
        ("until", dt.datetime(2026, 3, 19, tzinfo=dt.UTC), "a UTC day"),
        ("as_of", "yesterday", "a UTC time"),
        ("as_of", "0001-01-01T00:00+05:00", "a UTC time"),
        ("store", " ", "the word sample"),
        ("strict", "perhaps", "true or false"),
        ("level", "1,5", "a number"),
    ],
)
def test_a_wrong_value_is_refused_with_what_is_accepted(
    notebook: Write, name: str, value: object, accepted: str
) -> None:
    with pytest.raises(ParameterError) as refusal:
        schema(notebook(CELL)).check({name: value})
    assert str(refusal.value).startswith(f"question: {name}=")
    assert accepted in str(refusal.value)
    assert refusal.value.exit_code == 2


def test_an_unknown_name_is_refused_with_the_names_there_are(notebook: Write) -> None:
    with pytest.raises(ParameterError) as refusal:
        schema(notebook(CELL)).check({"gpuu": "x"})
    assert "no parameter gpuu; did you mean gpu?; accepted are network, gpu, " in str(refusal.value)


def test_everything_wrong_is_said_at_once(notebook: Write) -> None:
    with pytest.raises(ParameterError) as refusal:
        schema(notebook(CELL)).check({"gpuu": "x", "utilization": "60", "capital_usd": "-5"})
    assert [line.split()[1] for line in str(refusal.value).splitlines()] == [
        "no",
        "utilization=60:",
        "capital_usd=-5:",
    ]


def test_what_is_not_given_keeps_the_notebooks_own_value(notebook: Write) -> None:
    accepted = schema(notebook(CELL))
    checked = accepted.check({"count": "3", "months": "36"})
    assert (checked["count"], checked["paths"], checked["capital_usd"]) == (3, 2000, None)
    assert accepted.changed(checked) == {"count": 3}


def test_the_comment_beside_a_parameter_describes_it(notebook: Write) -> None:
    network, gpu, *_ = schema(notebook(CELL)).parameters
    assert (network.description, network.spelled) == ("whose token", "NetworkId")
    assert gpu.description == ""


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("utilization: Fraction = 60", "0.6 for 60 %"),
        ("count: Count = None", "a whole number, 1 to 1000"),
        ("count: Dollars = 1", "Dollars is not a parameter type; those are"),
        ("count = 1", "a parameter is written `name: Type = value`"),
        ("count: Count", "a parameter is written `name: Type = value`"),
        ("count: Count = len('a')", "malformed"),
        ("count: Count = ", "invalid syntax"),
    ],
)
def test_a_parameters_cell_at_odds_with_itself_is_refused_by_notebook_and_line(
    notebook: Write, line: str, reason: str
) -> None:
    path = notebook(f"from research.parameters import Count\n\n{line}\n")
    with pytest.raises(ParameterError) as refusal:
        schema(path)
    assert f"{path}, parameters cell, line 3: " in str(refusal.value)
    assert reason in str(refusal.value)


def test_a_notebook_without_a_parameters_cell_accepts_none(tmp_path: Path) -> None:
    path = tmp_path / "plain.ipynb"
    path.write_text(json.dumps({"cells": []}), encoding="utf-8")
    assert schema(path).check({}) == {}
    with pytest.raises(ParameterError, match="no parameter gpu; it accepts none"):
        schema(path).check({"gpu": "x"})


@pytest.mark.parametrize("content", ["", "[]", '{"cells": [{}]}', "not json"])
def test_a_file_that_is_no_notebook_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "odd.ipynb"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ParameterError, match="not a notebook that can be read"):
        schema(path)


def test_inside_a_notebook_the_same_types_give_a_frozen_result() -> None:
    namespace: dict[str, Any] = {"utilization": 0.5, "network": "render", "n": 3, "unrelated": "x"}
    namespace["__annotations__"] = {
        "utilization": Fraction,
        "network": NetworkId | None,
        "n": int | None,
    }
    checked = check(namespace)
    assert checked._asdict() == {"utilization": 0.5, "network": "render", "n": 3}
    with pytest.raises(AttributeError):
        checked.utilization = 0.7


def test_inside_a_notebook_a_wrong_value_is_refused() -> None:
    namespace = {"__annotations__": {"capital_usd": Usd, "n": int}, "capital_usd": -5, "n": True}
    with pytest.raises(ParameterError) as refusal:
        check(namespace)
    assert "capital_usd=-5: accepted is US dollars above 0" in str(refusal.value)
    assert "n=True: accepted is a whole number" in str(refusal.value)


def test_annotations_kept_as_text_are_understood() -> None:
    namespace = {"__annotations__": {"capital_usd": "Usd | None"}, "capital_usd": "none"}
    assert check(namespace).capital_usd is None


def test_python_that_keeps_no_annotations_has_them_read_from_the_cells() -> None:
    cells = ["", "%matplotlib inline", "from research.parameters import Count\nn: Count = 1  # how"]
    assert check({"In": cells, "n": 5}).n == 5
    with pytest.raises(ParameterError, match="n=0: accepted is"):
        check({"In": cells, "n": 0})


@pytest.mark.parametrize("namespace", [{}, {"__annotations__": {}}])
def test_a_check_before_any_parameter_is_a_mistake_that_is_said(namespace: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match="no annotated parameter above this cell"):
        check(namespace)


def test_a_refusal_needs_no_notebook_machinery(notebook: Write) -> None:
    source = (
        "import sys; from pathlib import Path; from research.report import render\n"
        "try: render.report(sys.argv[1], {'gpuu': 'x'}, out=Path('never'))\n"
        "except ValueError as error: print(error)\n"
        "print({'papermill', 'nbconvert', 'jupyter_client', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", source, str(notebook(CELL))],
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    assert "no parameter gpuu" in done.stdout
    assert done.stdout.endswith("set()\n")
