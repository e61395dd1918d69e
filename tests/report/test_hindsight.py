"""What a store has learnt since is told apart: of days that were there then, and of new ones."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from research import used
from research.report import hindsight
from research.report.hindsight import View
from research.store import Store

THEN = dt.datetime(2026, 2, 1, tzinfo=dt.UTC)
NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
BEFORE, AFTER = "2026-01-10", "2026-02-10"


def said(
    *values: float,
    known: str,
    first: str = "2026-01-01",
    source: str = "mine",
    series: str = "akash.price_usd",
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "series": series,
            "date": pd.date_range(first, periods=len(values)),
            "value": values,
            "unit": "USD",
            "kind": "vendor",
            "source": source,
            "known_at": pd.Timestamp(known, tz="UTC").as_unit("us"),
            "period_days": 1,
        }
    )


@pytest.fixture
def view(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> View:
    """A store that held three days of one series, which a report read."""
    monkeypatch.setattr(used, "_seen", set())
    store = Store(str(tmp_path / "store"))
    store.append(said(1, 2, 3, known=BEFORE))
    used.noted(store.read(as_of=THEN))
    return View(store=store.location, until=None, then=THEN, now=NOW, version=0, read=used.used())


def look_back(view: View) -> hindsight.Hindsight:
    return hindsight.look_back(view, {"akash.price_usd", "btc.price_usd"})


def values(folder: Path) -> list[tuple[str, int, float]]:
    """Return source, day of January and value of what a written store knew then."""
    rows = Store(str(folder)).read(as_of=THEN)
    return [
        (source, date.day, value)
        for source, date, value in zip(rows["source"], rows["date"], rows["value"], strict=True)
    ]


def test_new_days_are_not_revised_history(view: View, tmp_path: Path) -> None:
    Store(view.store).append(said(4, 5, first="2026-01-04", known=AFTER))

    assert look_back(view) == hindsight.NOTHING_LEARNT


def test_days_restated_and_filled_in_are_counted_by_series(view: View, tmp_path: Path) -> None:
    Store(view.store).append(said(1, 9, known=AFTER))
    Store(view.store).append(said(7, first="2025-12-30", known=AFTER))
    Store(view.store).append(said(5, 6, series="btc.price_usd", first="2026-01-03", known=AFTER))

    assert look_back(view).revised == {"akash.price_usd": 2, "btc.price_usd": 1}

    hindsight.write_known_now(view, str(tmp_path / "known-now"))
    assert values(tmp_path / "known-now") == [
        *[("mine", 30, 7), ("mine", 1, 1), ("mine", 2, 9), ("mine", 3, 3)],
        ("mine", 3, 5),  # of the other series, whose 4 January is news
    ]


def test_another_source_of_old_days_fills_them_in(view: View, tmp_path: Path) -> None:
    Store(view.store).append(said(1, 2, 3, 4, source="theirs", known=AFTER))

    assert look_back(view).revised == {"akash.price_usd": 3}


def test_a_value_that_was_restated_and_put_back_is_no_revision(view: View) -> None:
    Store(view.store).append(said(8, known=AFTER))
    Store(view.store).append(said(1, known="2026-02-11"))

    assert look_back(view) == hindsight.NOTHING_LEARNT


def test_what_is_said_to_have_been_known_by_then_is_backdated(view: View, tmp_path: Path) -> None:
    Store(view.store).append(said(1, 2, 3.5, 4, known="2026-01-11"))

    found = look_back(view)

    assert (found.lost, found.backdated) == (False, True)
    assert found.revised == {"akash.price_usd": 1}
    hindsight.write_then(view, str(tmp_path / "then"))
    assert [value for _, _, value in values(tmp_path / "then")] == [1, 2, 3]


@pytest.mark.parametrize("version", [0, 7])
def test_a_store_that_says_other_of_then_has_lost_it(tmp_path: Path, version: int) -> None:
    store = Store(str(tmp_path / "store"))
    store.append(said(1, 2.5, 3, known=BEFORE))
    rows = said(1, 2, 3, known=BEFORE)
    read = used.Used(
        series="akash.price_usd",
        source="mine",
        rows=3,
        first=dt.date(2026, 1, 1),
        last=dt.date(2026, 1, 3),
        sha256=used.digest(rows),
    )
    view = View(store=store.location, until=None, then=THEN, now=NOW, version=version, read=(read,))

    assert look_back(view).lost


def test_a_report_that_read_nothing_has_nothing_to_look_back_on(view: View) -> None:
    assert hindsight.look_back(view, set()) == hindsight.NOTHING_LEARNT
