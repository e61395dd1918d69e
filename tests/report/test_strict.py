"""A strict report rests on no failed check; a lenient one names what failed, on page and beside."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from typer.testing import CliRunner, Result

from research.__main__ import app
from research.report.manifest import SUFFIX
from research.store import Store

pytestmark = pytest.mark.usefixtures("restored_handler")
Write = Callable[..., Path]
TODAY = pd.Timestamp("2026-03-20")
PARAMETERS = (
    "from research.parameters import Instant, StoreLocation\n\n"
    "as_of: Instant | None = None  # what was known by then\n"
    'store: StoreLocation = "sample"  # where\n'
)
READING = """
from research import load, parameters
asked = parameters.check(globals())
closes = load.prices(["akash"], store=asked.store, as_of=asked.as_of)
closes.frame["akash"].iloc[-1]
"""
OLD = "akash.price_usd of a <b>file</b>, stale: ends on 2026-01-10, 69 days ago"


@pytest.fixture
def notebook(write: Write, tmp_path: Path) -> Path:
    return write(tmp_path / "question.ipynb", "# What does it cost?", PARAMETERS, READING)


def closes(
    last: str, *, n_days: int = 10, source: str = "a <b>file</b>", label: int = 0
) -> pd.DataFrame:
    """Return daily closes of one token up to `last`, each labelled `label` days later."""
    days = pd.date_range(end=last, periods=n_days)
    return pd.DataFrame(
        {
            "series": "akash.price_usd",
            "date": days + pd.Timedelta(days=label),
            "value": [1 + 0.01 * (day.toordinal() ** 2 % 17) for day in days],
            "unit": "USD",
            "kind": "vendor",
            "source": source,
            "known_at": TODAY.tz_localize("UTC").as_unit("us"),
            "period_days": 1,
        }
    )


def report(folder: Path, *options: str) -> Result:
    """Render the question in `folder` from the store there, as of the day that we call today."""
    where = ["--store", str(folder / "store"), "--out", str(folder / "out")]
    as_of = ["--as-of", f"{TODAY:%Y-%m-%d}"]
    return CliRunner().invoke(
        app, ["report", str(folder / "question.ipynb"), *where, *as_of, *options]
    )


def page(folder: Path) -> Path:
    (found,) = (folder / "out").glob("*.html")
    return found


@pytest.mark.usefixtures("notebook")
def test_a_strict_report_that_rests_on_old_prices_exits_3_and_the_last_good_one_stays(
    tmp_path: Path,
) -> None:
    store = Store(str(tmp_path / "store"))
    store.append(closes("2026-03-19"))
    good = report(tmp_path, "--strict")
    assert good.exit_code == 0, good.stderr
    before = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    Store(str(tmp_path / "old")).append(closes("2026-01-10"))
    (tmp_path / "store").rename(tmp_path / "new")
    (tmp_path / "old").rename(tmp_path / "store")

    refused = report(tmp_path, "--strict")

    assert refused.exit_code == 3
    assert refused.stdout == ""
    assert OLD in refused.stderr
    assert "nothing was published" in refused.stderr
    assert "without --strict" in refused.stderr
    assert {path: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


@pytest.mark.usefixtures("notebook")
def test_a_lenient_report_names_what_failed_on_page_twin_and_manifest(tmp_path: Path) -> None:
    Store(str(tmp_path / "store")).append(closes("2026-01-10"))

    assert report(tmp_path).exit_code == 0

    soup = BeautifulSoup(page(tmp_path).read_bytes(), "html.parser")
    assert [each.text for each in soup.select("aside.failed li")] == [OLD]
    twin = json.loads(page(tmp_path).with_suffix(".json").read_bytes())
    assert twin["failed_checks"] == [OLD]
    manifest = json.loads(page(tmp_path).with_suffix(SUFFIX).read_bytes())
    assert manifest["failed_checks"] == [
        {
            "series": "akash.price_usd",
            "source": "a <b>file</b>",
            "check": "stale",
            "text": "ends on 2026-01-10, 69 days ago",
        }
    ]


@pytest.mark.usefixtures("notebook")
def test_a_report_of_good_data_says_nothing_of_checks(tmp_path: Path) -> None:
    Store(str(tmp_path / "store")).append(closes("2026-03-19"))

    assert report(tmp_path).exit_code == 0

    assert not BeautifulSoup(page(tmp_path).read_bytes(), "html.parser").select("aside.failed")
    assert json.loads(page(tmp_path).with_suffix(".json").read_bytes())["failed_checks"] == []


@pytest.mark.usefixtures("notebook")
@pytest.mark.parametrize("options", [[], ["--strict"]])
def test_prices_that_are_a_day_off_exit_3_even_where_doubts_are_allowed(
    tmp_path: Path, options: list[str]
) -> None:
    store = Store(str(tmp_path / "store"))
    store.append(closes("2026-03-19", n_days=400, source="exchange"))
    store.append(closes("2026-03-18", n_days=400, source="opens", label=1))

    refused = report(tmp_path, *options)

    assert refused.exit_code == 3
    assert "akash.price_usd, shifted day" in refused.stderr
    assert not (tmp_path / "out").exists()


def of_the_market(folder: Path, notebook: str, *options: str) -> Result:
    """Render one of the project's notebooks from the store in `folder`."""
    where = ["--store", str(folder / "store"), "--out", str(folder / "out")]
    as_of = ["--as-of", f"{TODAY:%Y-%m-%d}"]
    return CliRunner().invoke(app, ["report", notebook, *where, *as_of, *options])


def test_a_strict_profile_of_one_network_does_not_mind_the_old_prices_of_another(
    tmp_path: Path,
) -> None:
    store = Store(str(tmp_path / "store"))
    store.append(closes("2026-03-19"))
    store.append(closes("2026-01-10").assign(series="render.price_usd"))

    akash = of_the_market(tmp_path, "network-profile", "--strict", "-p", "network=akash")
    render = of_the_market(tmp_path, "network-profile", "--strict", "-p", "network=render")

    assert akash.exit_code == 0, akash.stderr
    assert render.exit_code == 3
    assert "render.price_usd of a <b>file</b>, stale" in render.stderr
    assert "akash" not in render.stderr


def test_a_strict_report_on_the_doubts_themselves_is_published(tmp_path: Path) -> None:
    Store(str(tmp_path / "store")).append(closes("2026-01-10"))

    shown = of_the_market(tmp_path, "data-quality", "--strict")

    assert shown.exit_code == 0, shown.stderr
    soup = BeautifulSoup(page(tmp_path).read_bytes(), "html.parser")
    assert "ends on 2026-01-10, 69 days ago" in soup.text
    assert not soup.select("aside.failed, .badge")


def test_a_strict_report_does_not_leave_out_what_is_a_day_off(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "store"))
    store.append(closes("2026-03-19", n_days=400, source="exchange"))
    store.append(closes("2026-03-18", n_days=400, source="opens", label=1))
    store.append(closes("2026-03-19").assign(series="render.price_usd"))

    refused = of_the_market(tmp_path, "market-overview", "--strict")
    lenient = of_the_market(tmp_path, "market-overview")

    assert refused.exit_code == 3
    assert "akash.price_usd of opens, shifted day" in refused.stderr
    assert lenient.exit_code == 0, lenient.stderr
