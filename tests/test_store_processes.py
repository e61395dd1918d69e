"""What the store promises to several processes at once, and after one was killed."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd

from research.store import Store

KILL_WRITERS = Path(__file__).parent / "benchmarks" / "kill_writers.py"
WRITERS, BATCHES, ROWS = 8, 50, 10

WRITER = f"""
import sys
import pandas as pd
from research.store import Store

store, writer = Store(sys.argv[1]), sys.argv[2]
days = pd.date_range("2020-01-01", periods={ROWS})
import deltalake, pyarrow
print("ready", flush=True)
sys.stdin.readline()
for batch in range(int(sys.argv[3])):
    store.append(pd.DataFrame({{
        "series": "akash.price_usd", "date": days, "value": 1.0 + batch, "unit": "USD",
        "kind": "vendor", "source": f"{{writer}}-{{batch}}", "period_days": 1,
        "known_at": pd.Timestamp("2025-01-01", tz="UTC"),
    }}))
"""


def run_at_once(location: str, writers: list[str], batches: int) -> None:
    """Let all `writers` append at the same moment, each in a process of its own."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", WRITER, location, writer, str(batches)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for writer in writers
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate()
    assert [process.returncode for process in processes] == [0] * len(writers)


def test_eight_processes_append_fifty_batches_each_and_none_is_lost(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "store"))
    run_at_once(store.location, [f"w{n}" for n in range(WRITERS)], BATCHES)
    rows = store.read()
    assert store.version() == WRITERS * BATCHES - 1
    assert rows["fetch_id"].nunique() == WRITERS * BATCHES
    expected = {f"w{n}-{batch}" for n in range(WRITERS) for batch in range(BATCHES)}
    assert set(rows["source"]) == expected
    assert len(rows) == WRITERS * BATCHES * ROWS


def test_the_same_rows_appended_at_once_are_read_once(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "store"))
    run_at_once(store.location, ["same"] * 3, 3)
    rows = store.read()
    assert len(rows) == 3 * ROWS
    pd.testing.assert_series_equal(
        rows.groupby("source")["value"].unique().str[0],
        pd.Series({"same-0": 1.0, "same-1": 2.0, "same-2": 3.0}, name="value"),
        check_names=False,
        check_index_type=False,
    )


def test_a_killed_writer_leaves_a_readable_store_of_whole_batches(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, KILL_WRITERS, "8", tmp_path], capture_output=True, text=True, check=True
    )
    found = json.loads(run.stdout)
    assert found["kills"] == 8
    assert found["batches"] > 0
    assert found["torn"] == 0
