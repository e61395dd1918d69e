"""The section of what changed, as a reader meets it: on a phone, in the dark, by its link."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from research.report import render
from tests.hostile_pages import settings_with
from tests.report.browser.test_paper import MARGIN, SPARE, printed

Open = Callable[..., Any]
ALWAYS_RENTED = """
[assumptions.utilization_mean]
figure = { value = 0.99, low = 0.8, high = 1.0, source = "test", date = 2026-11-22, grade = "D" }
"""


@pytest.fixture(scope="module")
def flipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report whose verdict flipped because an assumption was edited."""
    folder = tmp_path_factory.mktemp("flipped")
    with settings_with(RESEARCH_CATALOGUE=str(folder)):
        render.report("daily-earnings", {}, store="sample", out=folder / "out")
        (folder / "mine.toml").write_text(ALWAYS_RENTED, encoding="utf-8")
        return render.report("daily-earnings", {}, store="sample", out=folder / "out")


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_core_finds_no_violation_and_nothing_is_cut(
    visit: Open, flipped: Path, scheme: str, width: int
) -> None:
    page = visit(flipped, width=width, color_scheme=scheme).page
    page.evaluate("document.body.classList.remove('simulated')")

    for part in (".flips", ".changes"):
        assert Axe().run(page, part).response["violations"] == []
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_the_flip_is_seen_at_once_and_leads_to_how_far_each_figure_moved(
    visit: Open, flipped: Path
) -> None:
    opened = visit(flipped, width=390)
    flip = opened.page.locator(".flips")

    expect(flip).to_be_in_viewport()
    expect(flip).to_contain_text("It turned with changed assumptions.")
    flip.get_by_role("link").click()
    expect(opened.page.locator(".changes h2")).to_be_in_viewport()
    expect(opened.page.locator("nav a", has_text="What changed since")).to_have_count(1)
    assert opened.complaints == []


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_on_paper_no_column_is_cut(visit: Open, flipped: Path, script: bool) -> None:
    sheets = printed(visit(flipped, java_script_enabled=script).page)

    assert min(each.right for each in sheets) > MARGIN - SPARE
    assert "Theanswerchanged:" in sheets[0].letters
    assert any("Fromcode" in each.letters for each in sheets)
