"""The manifest names all that a report was made from, and nothing of whose machine it was."""

from __future__ import annotations

import copy
import datetime as dt
import hashlib
import importlib.metadata
import json
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from research import load, used
from research.errors import RenderError, UsageError
from research.report import manifest, render
from research.report.files import TWIN
from research.store import Store

Write = Callable[..., Path]
PARAMETERS = (
    "from research.parameters import Instant, Seed, StoreLocation\n\n"
    "seed: Seed = 5  # of the draws\n"
    "as_of: Instant | None = None  # what was known by then\n"
    'store: StoreLocation = "sample"  # where\n'
)
READING = (
    "from research import load\n"
    'load.prices(["akash"], store=store, as_of=as_of and __import__("datetime").datetime'
    ".fromisoformat(as_of)).frame"
)


def closes(*values: float, known: str = "2026-01-04") -> pd.DataFrame:
    """Return closes of one token from 2026-01-01 on, known from `known` on."""
    return pd.DataFrame(
        {
            "series": "akash.price_usd",
            "date": pd.date_range("2026-01-01", periods=len(values)),
            "value": values,
            "unit": "USD",
            "kind": "vendor",
            "source": "a file of mine",
            "known_at": pd.Timestamp(known, tz="UTC").as_unit("us"),
            "period_days": 1,
        }
    )


def digest(*values: float) -> str:
    """Return the SHA-256 of days from 2026-01-01 on and of values, made by hand."""
    first = (dt.date(2026, 1, 1) - dt.date(1970, 1, 1)).days
    days = struct.pack(f"<{len(values)}q", *range(first, first + len(values)))
    return hashlib.sha256(days + struct.pack(f"<{len(values)}d", *values)).hexdigest()


@pytest.fixture(scope="module")
def page(write: Write, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("of-somebody")
    store = folder / "prices"
    Store(str(store)).append(closes(0.5, 0.6))
    Store(str(store)).append(closes(0.5, 0.65, 0.7, known="2026-01-05"))
    notebook = write(folder / "question.ipynb", "# T", PARAMETERS, READING)
    return render.report(str(notebook), {"seed": "9"}, store=str(store), out=folder / "out")


@pytest.fixture(scope="module")
def written(page: Path) -> dict[str, Any]:
    return manifest.read(page.with_suffix(manifest.SUFFIX))


def test_each_series_read_is_named_with_the_hash_of_its_days_and_values(
    written: dict[str, Any],
) -> None:
    assert written["series"] == [
        {
            "series": "akash.price_usd",
            "source": "a file of mine",
            "rows": 3,
            "first": "2026-01-01",
            "last": "2026-01-03",
            "sha256": digest(0.5, 0.65, 0.7),
        }
    ]


def test_store_notebook_seed_and_parameters_are_named(page: Path, written: dict[str, Any]) -> None:
    notebook = page.parents[1] / "question.ipynb"
    assert written["store"] == {"kind": "delta", "name": "prices", "version": 1}
    assert written["notebook"] == {
        "name": "question",
        "sha256": hashlib.sha256(notebook.read_bytes()).hexdigest(),
    }
    assert written["seed"] == 9
    assert written["chosen"] == ["seed", "store"]
    assert written["parameters"] == {"seed": 9, "as_of": written["as_of"], "store": "prices"}
    assert written["seconds"].keys() == {"notebook", "page"}
    assert min(written["seconds"].values()) > 0


def test_packages_and_code_are_those_that_ran(written: dict[str, Any]) -> None:
    for name in ("pandas", "plotly", "papermill", "statsmodels"):
        assert written["packages"][name] == importlib.metadata.version(name)
    assert written["code"]["version"] == importlib.metadata.version(manifest.DISTRIBUTION)
    assert len(written["code"]["sha256"]) == len(written["catalogue"]) == 64


def test_neither_folder_nor_machine_is_in_manifest_or_twin(page: Path) -> None:
    for suffix in (manifest.SUFFIX, TWIN):
        content = json.loads(page.with_suffix(suffix).read_text(encoding="utf-8"))
        content.pop("catalogue_files", None)  # base64, in which any two letters stand together
        text = json.dumps(content)
        for private in (page.parents[1].name, str(Path.cwd()), str(Path.home()) + "/"):
            assert private not in text
        assert socket.gethostname() not in text


def test_the_twins_hash_is_that_of_the_file_beside_it(page: Path, written: dict[str, Any]) -> None:
    twin = page.with_suffix(TWIN).read_bytes()
    assert hashlib.sha256(twin).hexdigest() == written["twin_sha256"]


def test_a_time_that_nobody_chose_is_stated_but_not_called_chosen(
    page: Path, written: dict[str, Any]
) -> None:
    soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    rows = [row.get_text(" ", strip=True) for row in soup.select("table.parameters tbody tr")]
    as_of = dt.datetime.fromisoformat(written["as_of"])
    assert rows[0].startswith("seed 9 chosen")
    assert rows[1] == f"as_of {as_of:%Y-%m-%dT%H%M%SZ} what was known by then"
    assert as_of.microsecond == 0
    assert abs(dt.datetime.now(dt.UTC) - as_of) < dt.timedelta(minutes=5)
    assert "as-of" not in page.name


def test_the_simulated_market_is_named_by_its_seed(write: Write, tmp_path: Path) -> None:
    notebook = write(tmp_path / "question.ipynb", "# T", PARAMETERS, READING)
    page = render.report(str(notebook), {}, store="sample", out=tmp_path)

    store = manifest.read(page.with_suffix(manifest.SUFFIX))["store"]

    assert (store["kind"], store["name"], store["seed"]) == ("simulated", "sample", 2026)
    assert store["version"].startswith("sample-")


def test_a_notebook_that_hides_what_it_read_is_not_published(write: Write, tmp_path: Path) -> None:
    hiding = "from research.report import facts\nfacts.show = lambda store: None"
    notebook = write(tmp_path / "question.ipynb", "# T", hiding)
    with pytest.raises(RenderError, match="did not tell what it read"):
        render.report(str(notebook), {}, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_read_twice_counts_once_and_a_revision_counts_as_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(used, "_seen", set())
    store = str(tmp_path / "store")
    Store(store).append(closes(0.5, 0.6))
    for _ in range(2):
        load.series(["akash.price_usd"], store=store)
    Store(store).append(closes(0.5, 0.65, known="2026-01-05"))
    load.series(["akash.price_usd"], store=store)

    assert {one.sha256 for one in used.used()} == {digest(0.5, 0.6), digest(0.5, 0.65)}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("notebook", "sha256"), "the notebook question was edited"),
        (("packages", "pandas"), "package pandas: faked, now "),
        (("parameters", "seed"), "parameter seed: faked, now 9"),
        (("code", "sha256"), ", edited"),
        (("code", "version"), "our code: faked ("),
        (("catalogue",), "the catalogue was edited"),
        (("store", "kind"), "the store is another: faked prices of version 1, now delta prices"),
    ],
)
def test_whatever_is_not_as_it_was_is_named(
    written: dict[str, Any], change: tuple[str, ...], told: str
) -> None:
    then = copy.deepcopy(written)
    *outer, last = change
    (then[outer[0]] if outer else then)[last] = "faked"
    if change == ("code", "version"):
        then["code"]["sha256"] = "faked"

    (cause,) = manifest.causes(then, written)

    assert told in cause


def test_a_series_that_differs_is_named_with_what_was_read(written: dict[str, Any]) -> None:
    then = copy.deepcopy(written)
    then["series"][0]["sha256"] = "faked"
    (values,) = manifest.causes(then, written)
    then["series"] = []
    (added,) = manifest.causes(then, written)

    name = "series akash.price_usd of a file of mine: "
    assert values == f"{name}3 rows to 2026-01-03, now 3 rows to 2026-01-03, other values"
    assert added == f"{name}not read, now 3 rows to 2026-01-03"
    assert manifest.causes(written, written) == []


def test_what_is_no_manifest_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.manifest.json"
    for text in ("{", "[]", "{}", "", '{"schema_version": 1}'):
        path.write_text(text)
        with pytest.raises(UsageError, match="not a manifest that can be read"):
            manifest.read(path)
    path.write_text(json.dumps({"schema_version": 99, "code": {"version": "7.0"}}))
    with pytest.raises(UsageError, match=r"version 99, and version 1 .* gpu-depin-research 7\.0"):
        manifest.read(path)
