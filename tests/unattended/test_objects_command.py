"""The commands with store and reports on an object store, as one types them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from research.__main__ import app
from tests.buckets import SECRET, ObjectStore, Request
from tests.conftest import Write
from tests.unattended.test_run_command import ANSWER, PARAMETERS

pytestmark = pytest.mark.usefixtures("restored_handler")
READS = """
from research import load
load.prices(["AKT"], store=store)
"""
SCHEDULE = """
[[report]]
name = "good"
notebook = "good.ipynb"
cron = "0 6 * * *"
"""
CLOSES = "date,AKT\n" + "".join(f"2026-01-{day:02},2.5\n" for day in range(1, 29))


@pytest.fixture
def folder(write: Write, tmp_path: Path) -> Path:
    write(tmp_path / "good.ipynb", "# T", PARAMETERS, READS, ANSWER)
    (tmp_path / "schedule.toml").write_text(SCHEDULE)
    (tmp_path / "closes.csv").write_text(CLOSES)
    return tmp_path


def typed(*words: str) -> Result:
    return CliRunner().invoke(app, [*words])


def test_store_and_reports_lie_in_a_bucket_and_every_command_works_there(
    folder: Path, objects: ObjectStore
) -> None:
    store, out = objects.address("store"), objects.address("reports")
    closes, schedule = str(folder / "closes.csv"), str(folder / "schedule.toml")
    known = ["--known-at", "2026-02-01"]
    for place in (store, str(folder / "store")):
        added = typed("import", closes, "--measure", "price_usd", *known, "--store", place)
        assert added.exit_code == 0, added.stderr
    at = [schedule, "--no-update", "--store"]

    made = typed("run", *at, store, "--out", out)
    assert made.exit_code == 0, made.stderr
    [page] = made.stdout.split()
    name = page.removeprefix(f"{out}/").removesuffix(".html")
    assert "nothing is due" in typed("run", *at, store, "--out", out).stderr
    assert b"Rent it out." in objects.read(f"reports/{name}.html")
    assert name.encode() in objects.read("reports/index.html")

    told = typed("status", "--schedule", schedule, "--store", store, "--out", out, "--json")
    [report] = json.loads(told.stdout)["reports"]
    assert (report["page"], report["is_overdue"]) == (f"{name}.html", False)
    assert [row["series"] for row in json.loads(told.stdout)["series"]] == ["akash.price_usd"]

    again = typed(  # from the store in a folder, and into a folder
        *("rebuild", f"{out}/{name}.manifest.json", "--store", str(folder / "store")),
        *("--notebook", str(folder / "good.ipynb"), "--out", str(folder / "out")),
    )
    assert "the same, byte by byte" in again.stdout, again.stderr
    assert (folder / "out" / f"{name}.json").read_bytes() == objects.read(f"reports/{name}.json")

    assert typed("site", out).stdout.split() == [f"{out}/index.html"]
    everything = b"".join(objects.read(each) for each in objects.names())
    assert SECRET.encode() not in everything


def test_a_store_that_fails_as_a_page_is_written_fails_the_run_in_our_words(
    folder: Path, objects: ObjectStore
) -> None:
    run = ["run", str(folder / "schedule.toml"), "--store", "sample"]
    run += ["--out", objects.address("reports")]

    def no_page(asked: Request) -> int | None:
        return 503 if asked.method == "PUT" and asked.path.endswith(".html") else None

    objects.fault = no_page
    failed = typed(*run)
    assert failed.exit_code == 1
    assert "the object store does not answer" in failed.stderr
    assert SECRET not in failed.stderr


def test_a_worker_whose_lease_is_taken_while_it_publishes_writes_no_page(
    folder: Path, objects: ObjectStore
) -> None:
    def take(asked: Request) -> None:
        if asked.method == "PUT" and asked.path.endswith(".manifest.json"):
            taken = json.dumps({"run": "theirs", "until": time.time() + 60}).encode()
            objects.put("reports/.state/locks/good/000000000002.json", taken)

    objects.fault = take
    run = ["run", str(folder / "schedule.toml"), "--store", "sample"]
    failed = typed(*run, "--out", objects.address("reports"))
    assert failed.exit_code == 1
    assert "the lease of good was lost, it is now held by process None, run theirs" in failed.stderr
    assert not [key for key in objects.names() if key.endswith(".html")]


def test_what_cannot_be_a_place_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    told = typed("run", "--out", "memory://reports")
    assert told.exit_code == 2
    assert "not a place that several processes share" in told.stderr
    assert "names no bucket" in typed("site", "s3://").stderr
    monkeypatch.setattr("research.report.places.find_spec", lambda _: None)
    told = typed("report", "market-overview", "--out", "s3://mine/reports")
    assert told.exit_code == 2
    assert "pip install 'gpu-depin-research[s3]'" in told.stderr


def test_without_an_object_store_no_client_of_one_is_imported() -> None:
    code = (
        "import sys, research.unattended.run, research.unattended.worker, research.report.site\n"
        "assert not {'fsspec', 's3fs', 'aiobotocore'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ)


def test_a_killed_run_is_taken_over_once_its_lease_is_over(
    folder: Path, objects: ObjectStore
) -> None:
    run = ["run", str(folder / "schedule.toml"), "--store", "sample", "--no-update"]
    run += ["--out", objects.address("reports")]
    short = os.environ | {"RESEARCH_LEASE_SECONDS": "2"}
    command = [sys.executable, "-m", "research", *run]
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=short) as one:
        while not objects.names("reports/.state/state/"):
            time.sleep(0.05)
        one.kill()
    again = typed(*run)
    assert "left to another run, held by process" in again.stderr
    while "left to another run" in (again := typed(*run)).stderr:
        time.sleep(0.2)
    assert again.exit_code == 0, again.stderr
    assert "a run was killed while it made this" in again.stderr
