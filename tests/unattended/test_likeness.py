"""What is not the same on two machines is found, and said of each."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from research.__main__ import app
from research.unattended.likeness import Terms, differences, known


@pytest.fixture
def terms(tmp_path: Path) -> Terms:
    """Those of a run in a folder with a notebook, and with a store of two commits."""
    (tmp_path / "one.ipynb").write_text("{}")
    (tmp_path / "out").mkdir()
    terms = Terms(
        run="run",
        folder=tmp_path,
        notebooks=frozenset([str(tmp_path / "one.ipynb")]),
        store="store",
        usual_store="store",
        version=1,
        out=Path("out"),
    )
    terms.mark.touch()
    commit(tmp_path, "store", 1)
    shutil.copytree(tmp_path / "store", tmp_path / "copy")
    commit(tmp_path, "store", 2)
    return terms


def commit(folder: Path, store: str, day: int) -> None:
    (folder / "closes.csv").write_text(f"date,AKT\n2025-01-0{day},2.5\n")
    asked = ["import", str(folder / "closes.csv"), "--measure", "price_usd"]
    result = CliRunner().invoke(app, [*asked, "--store", str(folder / store)])
    assert result.exit_code == 0


def elsewhere(terms: Terms, **changed: object) -> list[str]:
    """What differs on a machine where something else lies under the same paths."""
    there = known(replace(terms, **changed))  # type: ignore[arg-type]
    same_names = dict(zip(known(terms), there.values(), strict=True))
    return differences(same_names, known(terms))


def test_the_same_machine_is_like_itself(terms: Terms) -> None:
    assert elsewhere(terms) == []
    assert [*(terms.folder / "out").iterdir()] == [terms.mark]  # nothing is left of the look


def test_another_notebook_is_found(terms: Terms, tmp_path: Path) -> None:
    (tmp_path / "two.ipynb").write_text("[]")
    (edited,) = elsewhere(terms, notebooks=frozenset([str(tmp_path / "two.ipynb")]))
    (absent,) = elsewhere(terms, notebooks=frozenset([str(tmp_path / "none.ipynb")]))
    assert edited.startswith(f"the notebook {tmp_path}/one.ipynb is 4f53cda18c2b, and ")
    assert absent.startswith(f"the notebook {tmp_path}/one.ipynb is not there, and ")


def test_another_store_an_old_copy_and_none_are_found(terms: Terms, tmp_path: Path) -> None:
    commit(tmp_path, "other", 1)
    commit(tmp_path, "other", 2)
    for store, told in (
        ("other", "is "),
        ("copy", "is an old copy, of version 0, and "),
        ("none", "is not there, and "),
    ):
        (found,) = elsewhere(terms, store=store)
        assert found.startswith(f"the store store {told}")


def test_a_folder_of_reports_that_is_not_the_run_s_is_found(terms: Terms, tmp_path: Path) -> None:
    (tmp_path / "local").mkdir()
    (other,) = elsewhere(terms, out=Path("local"))
    (absent,) = elsewhere(terms, out=Path("none"))
    assert other == "the reports' folder out is another folder, and there here"
    assert absent == "the reports' folder out is not there, and there here"


def test_a_package_is_told_with_both_versions() -> None:
    assert differences({"package numpy": "2.3.0"}, {"package numpy": "2.4.0", "our code": "a"}) == [
        "package numpy is 2.3.0, and 2.4.0 here",
        "our code is not there, and a here",
    ]
