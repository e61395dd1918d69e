"""Every notebook is stripped, free of logic, and runs on any store, be it next to empty."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from research.parameters import schema
from research.report import render
from research.store import Store

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
OF_THE_MARKET = ("market-overview", "network-profile", "data-quality", "demand-and-price")
OF_A_CARD = "daily-earnings"

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
every_view = pytest.mark.parametrize("notebook", [*OF_THE_MARKET, OF_A_CARD])
of_the_market = pytest.mark.parametrize("notebook", OF_THE_MARKET)


def cells(path: Path) -> list[Any]:
    found: list[Any] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    for cell in found:
        cell["source"] = "".join(cell["source"])
    return found


def code(path: Path) -> list[Any]:
    return [cell for cell in cells(path) if cell["cell_type"] == "code"]


@pytest.fixture(scope="module")
def prices_only(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Three closes of one token: less than any statistic needs."""
    folder = str(tmp_path_factory.mktemp("views") / "store")
    Store(folder).append(
        pd.DataFrame(
            {
                "series": "akash.price_usd",
                "date": pd.date_range("2026-01-01", periods=3),
                "value": [0.5, 0.6, 0.55],
                "unit": "USD",
                "kind": "vendor",
                "source": "a file of mine",
                "known_at": pd.Timestamp("2026-01-04", tz="UTC").as_unit("us"),
                "period_days": 1,
            }
        )
    )
    return folder


@every_notebook
def test_it_is_stored_without_outputs_and_counts(path: Path) -> None:
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code(path))


@every_notebook
def test_its_cells_hold_calls_and_no_logic(path: Path) -> None:
    logic = (ast.FunctionDef, ast.For, ast.While, ast.If, ast.Lambda, ast.ListComp, ast.DictComp)
    trees = [ast.parse(cell["source"]) for cell in code(path)]

    assert not [node for tree in trees for node in ast.walk(tree) if isinstance(node, logic)]


@every_notebook
def test_its_numbers_stand_in_the_parameters_alone(path: Path) -> None:
    free = [cell for cell in code(path) if "parameters" not in cell["metadata"].get("tags", [])]
    trees = [ast.parse(cell["source"]) for cell in free]
    constants = [
        node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)
    ]

    assert not [node for node in constants if isinstance(node.value, int | float)]


@every_notebook
def test_its_parameters_are_typed_and_checked(path: Path) -> None:
    parameters = schema(path).parameters

    assert {"until", "as_of", "store"} <= {each.name for each in parameters}
    assert "parameters.check(globals())" in code(path)[2]["source"]


@every_view
def test_each_parameter_of_a_view_is_explained_beside_it(notebook: str) -> None:
    assert all(each.description for each in schema(FOLDER / f"{notebook}.ipynb").parameters)


@every_view
def test_a_view_of_the_simulated_market_answers_first_and_says_what_it_is(
    notebook: str, tmp_path: Path
) -> None:
    page = render.report(notebook, {}, store="sample", out=tmp_path).read_text()

    assert page.index('class="answer') < page.index("<h2")
    assert "Simulated data" in page
    assert "Traceback" not in page
    assert len(page) < 3_000_000


@of_the_market
def test_a_view_of_three_prices_says_what_it_lacks_and_does_not_fail(
    notebook: str, prices_only: str, tmp_path: Path
) -> None:
    page = render.report(notebook, {}, store=prices_only, out=tmp_path).read_text()

    assert "akash.price_usd (a file of mine); to 2026-01-03; retrieved by 2026-01-04" in page
    assert "Simulated data" not in page


def test_an_overview_rests_on_what_it_shows_and_not_on_all_that_is_held(
    prices_only: str, tmp_path: Path
) -> None:
    page = render.report("market-overview", {}, store=prices_only, out=tmp_path / "first")
    failed = json.loads(page.with_suffix(".json").read_bytes())["failed_checks"]
    store = Store(str(tmp_path / "store"))
    rows = Store(prices_only).read().drop(columns="fetch_id")
    store.append(rows)
    store.append(rows.assign(series="nvda.price_usd", source="another file"))

    page = render.report("market-overview", {}, store=str(tmp_path / "store"), out=tmp_path)

    assert json.loads(page.with_suffix(".json").read_bytes())["failed_checks"] == failed
    assert "nvda" not in page.read_text().lower()


def test_a_network_without_public_data_keeps_its_row_and_has_a_profile(tmp_path: Path) -> None:
    overview = render.report("market-overview", {}, store="sample", out=tmp_path).read_text()
    profile = render.report(
        "network-profile", {"network": "kazam"}, store="sample", out=tmp_path
    ).read_text()

    assert "no public data found as of 2026-11-22" in overview
    assert "No public data found for Kazam Chain (KZM) as of 2026-11-22" in profile


def test_a_claim_about_a_card_needs_no_stored_rate(prices_only: str, tmp_path: Path) -> None:
    page = render.report(OF_A_CARD, {}, store=prices_only, out=tmp_path).read_text()

    assert "catalogue figures and assumptions only" in page
    assert "Does one GeForce RTX 4090 earn 3 to 7 USD a day?" in page
    assert "Simulated data" not in page


def test_a_claim_about_another_card_is_judged_by_its_own_rates(tmp_path: Path) -> None:
    page = render.report(
        OF_A_CARD,
        {"gpu": "h100-sxm", "claim_low_usd_per_day": "30", "claim_high_usd_per_day": "60"},
        store="sample",
        out=tmp_path,
    ).read_text()

    assert "Does one H100 SXM5 80 GB earn 30 to 60 USD a day?" in page
