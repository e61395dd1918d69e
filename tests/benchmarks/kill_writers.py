"""Kill writers at random moments: `python tests/benchmarks/kill_writers.py KILLS FOLDER`.

Each writer appends batches of 500 rows without pause until SIGKILL ends it. Every second one begins
a store of its own and dies in or soon after its first append, in which the table is made; the
others share one store. After each kill the store must be readable and hold whole batches only, and
the next writer goes on in it. Prints what was found as JSON.
"""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from research.store import Store

ROWS = 500
MOST_APPENDS = 4  # of a writer before the one in which it may be killed

WRITER = f"""
import sys, itertools
import pandas as pd
import deltalake, pyarrow, research.frames
from research.store import Store

store, writer = Store(sys.argv[1]), sys.argv[2]
days = pd.date_range("2020-01-01", periods={ROWS})
print("ready", flush=True)
sys.stdin.readline()
for batch in itertools.count():
    store.append(pd.DataFrame({{
        "series": "akash.price_usd", "date": days, "value": 1.0, "unit": "USD", "kind": "vendor",
        "source": f"{{writer}}-{{batch}}", "known_at": pd.Timestamp("2025-01-01", tz="UTC"),
        "period_days": 1,
    }}))
    print("stored", flush=True)
"""


def start(location: str, writer: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", WRITER, location, writer],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def kill(writer: "subprocess.Popen[str]", appends: int, after_s: float) -> float:
    """Kill a writer `after_s` seconds into the append that follows `appends`.

    Return how long its first append took, or 0 if it was to die within it.
    """
    assert writer.stdout is not None
    assert writer.stdin is not None
    assert writer.stdout.readline() == "ready\n"
    began = time.perf_counter()
    writer.stdin.write("go\n")
    writer.stdin.flush()
    first_s = 0.0
    for _ in range(appends):
        assert writer.stdout.readline() == "stored\n"
        first_s = first_s or time.perf_counter() - began
    time.sleep(after_s)
    assert writer.poll() is None, "the writer ended by itself"
    writer.kill()
    assert writer.wait() == -signal.SIGKILL
    writer.stdout.close()
    writer.stdin.close()
    return first_s


def check(store: Store) -> tuple[int, int]:
    """Return how many batches the store holds, and how many of them are not whole."""
    if not store.exists():
        return 0, 0
    rows = store.read()
    batches = rows.groupby("fetch_id")["source"].agg(["count", "nunique"])
    assert store.version() == len(batches) - 1, "a commit without its batch"
    return len(batches), int(((batches["count"] != ROWS) | (batches["nunique"] != 1)).sum())


def main(kills: int, folder: Path) -> dict[str, int]:
    moments = random.Random(kills)  # the moment within an append is up to the machine anyway
    shared = Store(str(folder / "shared"))
    stores = [shared if n % 2 else Store(str(folder / f"own-{n}")) for n in range(kills)]
    writers = [start(stores[0].location, "0")]
    found = {"kills": kills, "batches": 0, "torn": 0, "unmade": 0}
    first_s = 0.2  # a first append, which also warms up the libraries
    for n, store in enumerate(stores):
        if n + 1 < kills:  # the next one imports its libraries meanwhile
            writers.append(start(stores[n + 1].location, str(n + 1)))
        appends = moments.randint(1, MOST_APPENDS) if store is shared else 0
        longest_s = first_s if appends else 3 * first_s
        first_s = kill(writers[n], appends, moments.uniform(0, longest_s)) or first_s
        batches, torn = check(store)
        found["torn"] += torn
        found["unmade"] += batches == 0
        found["batches"] += batches if store is not shared else 0
    found["batches"] += check(shared)[0]
    return found


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), Path(sys.argv[2]))))  # noqa: T201 - its one output
