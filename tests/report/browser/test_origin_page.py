"""Where a figure comes from, and what is doubtful about it: by keyboard, on a phone, on paper."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from research.origin import FAILED, PARTIAL, STALE
from research.report import render
from research.store import Store

Open = Callable[..., Any]

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
MARKS = [STALE, PARTIAL, FAILED]
TARGET = 24  # pixels, the least height of what is to be hit (WCAG 2.2, 2.5.8)


@pytest.fixture(scope="module")
def doubtful(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a network whose price ended long ago, lacks a month and jumps once."""
    folder = tmp_path_factory.mktemp("doubtful")
    days = pd.date_range("2025-01-01", "2025-06-30")
    price = 2 + 0.1 * np.sin(np.arange(len(days)))
    price[150] = 200.0
    rows = pd.DataFrame(
        {
            "series": "akash.price_usd",
            "date": days,
            "value": price,
            "unit": "USD",
            "kind": "vendor",
            "source": "coingecko",
            "known_at": pd.Timestamp("2025-07-01 06:00", tz="UTC").as_unit("us"),
            "period_days": 1,
        }
    )
    Store(str(folder / "store")).append(rows.drop(index=range(40, 70)))
    return render.report("network-profile", {}, store=str(folder / "store"), out=folder)


def lines(page: Page) -> Any:
    return page.locator("details.source")


def test_marks_stand_at_the_top_beside_the_answer_and_beside_each_title(
    visit: Open, doubtful: Path
) -> None:
    page = visit(doubtful, java_script_enabled=False).page

    banner = page.get_by_role("complementary", name="Doubts about the data")
    told = banner.locator("strong").all_inner_texts()
    assert told == [f"{mark}." for mark in MARKS if mark != FAILED]
    failed = page.get_by_role("complementary", name="Failed checks").locator("li")
    assert [text.split(": ")[0] for text in failed.all_inner_texts()] == [
        *["akash.price_usd of coingecko, jump"] * 2,  # up and down
        "akash.price_usd of coingecko, stale",
    ]
    held = "figure.table figcaption:has-text('Measures held')"
    for place in (".answer", "figure.plot figcaption", held):
        assert page.locator(place).locator(".badge").all_inner_texts() == MARKS
    rules = page.locator("figure.table figcaption:has-text('Events')")
    assert rules.locator(".badge").count() == 0  # of the catalogue
    assert page.get_by_text("Simulated data").count() == 0


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_core_finds_nothing_wrong_with_marks_and_sources(
    visit: Open, doubtful: Path, scheme: str, width: int
) -> None:
    page = visit(doubtful, width=width, color_scheme=scheme).page
    expect(page.locator(".canvas:has(svg.main-svg)")).to_have_count(1)
    lines(page).evaluate_all("all => all.forEach(x => { x.open = true; })")

    found = Axe().run(page, options={"runOnly": RULES, "resultTypes": ["violations"]})

    assert found.response["violations"] == []
    assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("scripts", [True, False])
def test_a_source_opens_by_keyboard_to_its_series(
    visit: Open, doubtful: Path, scripts: bool
) -> None:
    page = visit(doubtful, width=360, java_script_enabled=scripts).page
    line = lines(page).first
    expect(line.locator("dl")).to_be_hidden()
    summary = line.locator("summary")
    assert summary.bounding_box()["height"] >= TARGET

    summary.focus()
    page.keyboard.press("Enter")

    expect(line.locator("dd")).to_have_text("akash.price_usd (USD), 2025-01-01 to 2025-06-30")
    expect(line.locator("dl")).to_be_visible()


def test_paper_has_the_marks_and_the_one_line_of_each_source(visit: Open, doubtful: Path) -> None:
    page = visit(doubtful, width=718).page
    lines(page).first.locator("summary").click()
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")

    assert lines(page).count() > 1
    for at in range(lines(page).count()):
        expect(lines(page).nth(at).locator("summary")).to_be_visible()
        expect(lines(page).nth(at).locator("dl")).to_be_hidden()
    expect(page.locator(".banner")).to_be_visible()
    expect(page.locator("figure.plot .badge").first).to_be_visible()


def test_after_printing_what_was_folded_is_folded(visit: Open, doubtful: Path) -> None:
    page = visit(doubtful).page
    for event in ("beforeprint", "afterprint"):
        page.evaluate(f"dispatchEvent(new Event('{event}'))")

    assert lines(page).evaluate_all("all => all.filter(x => x.open).length") == 0
