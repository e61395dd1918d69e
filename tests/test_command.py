"""The `research` command as one types it: what it prints where, and its exit code."""

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from research.__main__ import app


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "closes.csv"
    path.write_text("date,AKT,BTC\n2025-01-01,2.5,9\n2025-01-02,,9.5\n2025-01-03,2.6,9.6\n")
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def import_(file: Path, *more: str) -> Result:
    return run("import", file, "--measure", "price_usd", "--store", file.parent / "store", *more)


def test_an_import_says_what_it_stored(file: Path) -> None:
    result = import_(file)
    assert result.exit_code == 0
    assert "5 new, 0 unchanged, 0 revised, 1 blank" in result.stdout
    assert "akash.price_usd" in result.stdout
    assert "checking 1 file" in result.stderr
    assert "checking" not in result.stdout


def test_the_same_import_again_adds_nothing(file: Path) -> None:
    import_(file)
    assert "0 new, 5 unchanged, 0 revised" in import_(file).stdout


def test_a_changed_past_is_listed(file: Path) -> None:
    import_(file)
    file.write_text(file.read_text().replace("2.6", "2.7"))
    result = import_(file)
    assert "0 new, 4 unchanged, 1 revised" in result.stdout
    assert "2025-01-03" in result.stdout
    assert "2.7" in result.stdout


def test_an_import_can_be_read_by_a_machine(file: Path) -> None:
    import_(file)
    file.write_text(file.read_text().replace("2.6", "2.7"))
    answer = json.loads(import_(file, "--json").stdout)
    assert (answer["new"], answer["unchanged"], answer["blank"]) == (0, 4, 1)
    assert answer["revised"] == [
        {
            "series": "akash.price_usd",
            "source": "closes",
            "date": "2025-01-03",
            "was": 2.6,
            "now": 2.7,
            "kind_was": "vendor",
            "kind_now": "vendor",
        }
    ]
    assert answer["series"][0] == {
        "series": "akash.price_usd",
        "source": "closes",
        "rows": 2,
        "first": "2025-01-01",
        "last": "2025-01-03",
        "blank": 1,
    }


def test_a_refused_file_stores_nothing_and_exits_2(file: Path) -> None:
    file.write_text(file.read_text().replace("9.6", "0"))
    result = import_(file)
    assert result.exit_code == 2
    assert "closes.csv, row 4, column 'BTC': 0 is out of bounds" in result.stderr
    assert "Traceback" not in result.output
    assert not (file.parent / "store").exists()


def test_a_second_source_of_a_series_is_pointed_out(file: Path) -> None:
    import_(file)
    result = import_(file, "--source", "another")
    assert "akash.price_usd is read from another; also held, and not mixed in: closes" in (
        result.stderr
    )


def test_the_simulated_market_cannot_be_added_to(file: Path) -> None:
    result = run("import", file, "--measure", "price_usd", "--store", "sample")
    assert result.exit_code == 2
    assert "simulated market" in result.stderr


@pytest.mark.parametrize(
    "arguments", [["import"], ["status", "--colour"], ["imprt"], ["status", "--as-of", "soon"]]
)
def test_wrong_usage_exits_2(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_status_shows_what_is_held(file: Path) -> None:
    import_(file)
    result = run("status", "--store", file.parent / "store")
    assert result.exit_code == 0
    [akash] = [line for line in result.stdout.splitlines() if "akash.price_usd" in line]
    cells = [cell.strip() for cell in akash.strip("│").split("│")]
    assert cells[:8] == [
        "akash.price_usd",
        "USD",
        "vendor",
        "closes",
        "2025-01-01",
        "2025-01-03",
        "2",
        "1",
    ]


def test_status_can_be_read_by_a_machine(file: Path) -> None:
    import_(file, "--known-at", "2025-02-01T06:00")
    store = str(file.parent / "store")
    answer = json.loads(run("status", "--store", store, "--as-of", "2025-02-03", "--json").stdout)
    assert answer["store"] == store
    assert answer["series"][0] == {
        "series": "akash.price_usd",
        "unit": "USD",
        "kind": "vendor",
        "source": "closes",
        "first": "2025-01-01",
        "last": "2025-01-03",
        "nobs": 2,
        "missing_days": 1,
        "age_days": 31,
        "known_at": "2025-02-01T06:00:00+00:00",
    }


def test_status_before_anything_was_known_says_so(file: Path) -> None:
    import_(file)
    yesterday = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    result = run("status", "--store", file.parent / "store", "--as-of", yesterday)
    assert result.exit_code == 0
    assert f"nothing was known by {yesterday}" in result.stdout


def test_status_of_a_missing_store_says_how_to_make_one(tmp_path: Path) -> None:
    result = run("status", "--store", tmp_path / "nowhere")
    assert result.exit_code == 1
    assert "no store there; `research import FILE" in result.stderr
    assert "Traceback" not in result.output


def test_help_explains_what_a_days_label_means() -> None:
    text = " ".join(run("import", "--help").stdout.split())
    assert "`open`: the value at 00:00 UTC of that day" in text
    assert "the close of the day before" in text


def test_help_needs_none_of_the_heavy_libraries() -> None:
    heavy = "pandas, deltalake, pyarrow, pandera, arch, statsmodels, papermill, nbconvert, plotly"
    code = (
        "import sys; from typer.testing import CliRunner; from research.__main__ import app;"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0;"
        f"print([name for name in '{heavy}'.split(', ') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
