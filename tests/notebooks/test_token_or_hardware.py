"""The main notebook answers first, and runs by the command and by papermill alike."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from research.report import render

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "token-or-hardware.ipynb"
QUICK = {"paths": "500", "horizon_months": "12"}


def test_the_page_of_the_simulated_market_answers_first_and_says_what_it_is(
    tmp_path: Path,
) -> None:
    page = render.report("token-or-hardware", QUICK, store="sample", out=tmp_path).read_text()

    assert page.index('class="answer') < page.index("What each choice may become")
    assert "Simulated data" in page
    for text in ("The ring is the mix", "another growth of the token", "beliefs about the token"):
        assert text in page
    assert len(page) < 3_000_000
    assert "Traceback" not in page


def test_a_network_without_public_data_is_said_so_and_its_hardware_answered(
    tmp_path: Path,
) -> None:
    page = render.report(
        "token-or-hardware", {**QUICK, "network": "kazam"}, store="sample", out=tmp_path
    ).read_text()

    assert "No public data for Kazam Chain (KZM)" in page
    assert "the rig alone ends" in page


def test_without_a_token_nothing_explains_what_only_a_token_has(tmp_path: Path) -> None:
    page = render.report(
        "token-or-hardware", {**QUICK, "network": "kazam"}, store="sample", out=tmp_path
    ).read_text()

    assert "There is no token here to be mixed with a rig" in page
    for text in ("The ring is the mix", "another growth of the token", "beliefs about the token"):
        assert text not in page
    assert "There is no price of Kazam Chain's token here, and so no record of it" in page


def test_plain_papermill_runs_it_unchanged(tmp_path: Path) -> None:
    out = tmp_path / "out.ipynb"
    command = [
        sys.executable,
        "-m",
        "papermill",
        str(NOTEBOOK),
        str(out),
        "-p",
        "network",
        "render",
    ]
    subprocess.run(
        [*command, "-p", "paths", "500", "-p", "horizon_months", "12", "--no-progress-bar"],
        check=True,
        capture_output=True,
        cwd=tmp_path,
    )

    ran = json.loads(out.read_text())
    shown = json.dumps(ran["cells"])
    assert "rent out one GeForce RTX 4090 on Render Network" in shown


def test_plain_papermill_is_checked_by_the_same_types(tmp_path: Path) -> None:
    out = tmp_path / "out.ipynb"
    command = [
        sys.executable,
        "-m",
        "papermill",
        str(NOTEBOOK),
        str(out),
        "-p",
        "utilization",
        "60",
    ]
    failed = subprocess.run(
        [*command, "--no-progress-bar"], check=False, capture_output=True, cwd=tmp_path, text=True
    )

    assert failed.returncode != 0
    assert "a fraction between 0 and 1" in failed.stderr
