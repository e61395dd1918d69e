"""The page for everybody: by keyboard, aloud, in the dark, on a phone, on paper, as a file."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from playwright.sync_api import Page, expect

from tests.report.browser.waiting import wait_until

Open = Callable[..., Any]

REPORTS = {  # of the simulated market, small, and how many figures each has
    "token-or-hardware": 8,
    "daily-earnings": 2,
    "demand-and-price": 6,
    "market-overview": 1,
    "network-profile": 4,
    "data-quality": 0,
}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
PAGE_LIMIT, TEXT_LIMIT = 3_000_000, 300_000  # bytes

every_report = pytest.mark.parametrize("report", REPORTS)
with_figures = pytest.mark.parametrize("report", [name for name, n in REPORTS.items() if n])


def wait_until_drawn(page: Page, report: str) -> None:
    expect(page.locator(".canvas:has(svg.main-svg)")).to_have_count(REPORTS[report])


def violations(page: Page) -> list[tuple[str, str]]:
    """Return what axe-core holds against the page as it is."""
    found = Axe().run(page, options={"runOnly": RULES, "resultTypes": ["violations"]})
    return [
        (broken["id"], node["html"][:200])
        for broken in found.response["violations"]
        for node in broken["nodes"]
    ]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@every_report
def test_axe_core_finds_no_violation_of_wcag_2_2_a_and_aa(
    visit: Open, pages: Mapping[str, Path], report: str, scheme: str, width: int
) -> None:
    page = visit(pages[report], width=width, color_scheme=scheme).page
    wait_until_drawn(page, report)
    assert violations(page) == []  # as it opens

    page.locator("details").evaluate_all("all => all.forEach(x => { x.open = true; })")
    # axe-core cannot tell the contrast of what lies below the words across the page
    page.evaluate("document.body.classList.remove('simulated')")
    assert violations(page) == []


def test_axe_core_would_find_what_is_wrong(visit: Open, pages: Mapping[str, Path]) -> None:
    page = visit(pages["data-quality"]).page
    page.evaluate("document.body.classList.remove('simulated')")
    page.evaluate("document.querySelector('main p').style.color = '#bbb'")
    page.evaluate("document.querySelector('main').append(document.createElement('button'))")
    assert {name for name, _ in violations(page)} == {"color-contrast", "button-name"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@with_figures
def test_the_words_of_a_figure_stand_out_from_the_page(
    visit: Open, pages: Mapping[str, Path], report: str, scheme: str
) -> None:
    page = visit(pages[report], color_scheme=scheme).page
    wait_until_drawn(page, report)

    fills = page.locator(".canvas svg text").evaluate_all(
        """all => [...new Set(all.filter(x => x.textContent !== "SIMULATED DATA")
             .map(x => getComputedStyle(x).fill))]"""
    )
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")

    assert {fill: contrast(fill, ground) for fill in fills if contrast(fill, ground) < 4.5} == {}


def contrast(one: str, other: str) -> float:
    """Contrast of two CSS colours by WCAG 2."""

    def luminance(colour: str) -> float:
        parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
        return sum(x * by for x, by in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))

    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@every_report
def test_a_page_fits_a_mail_and_its_words_and_tables_are_light(
    pages: Mapping[str, Path], report: str
) -> None:
    content = pages[report].read_bytes()
    soup = BeautifulSoup(content, "html.parser")
    for part in soup.select("#plotly-js, figure.plot > script, details.data"):
        part.decompose()
    assert len(content) <= PAGE_LIMIT
    assert len(str(soup).encode()) < TEXT_LIMIT


@every_report
def test_the_list_of_contents_is_open_where_there_is_room_and_folded_on_a_phone(
    visit: Open, pages: Mapping[str, Path], report: str
) -> None:
    wide = visit(pages[report], java_script_enabled=False).page
    links = wide.get_by_role("navigation", name="Contents").get_by_role("link")
    assert links.all_inner_texts() == wide.locator("main h2").all_inner_texts()
    links.last.click()
    expect(wide.locator("h2").last).to_be_in_viewport()

    narrow = visit(pages[report], java_script_enabled=False, width=390).page
    link = narrow.get_by_role("navigation", name="Contents").get_by_role("link").first
    expect(link).to_be_hidden()
    narrow.locator(".contents summary").click()
    expect(link).to_be_visible()


def test_the_keyboard_skips_to_the_report_and_sees_where_it_is(
    visit: Open, pages: Mapping[str, Path]
) -> None:
    page = visit(pages["token-or-hardware"]).page
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the report")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()

    for _ in range(40):  # each stop on the way is outlined
        page.keyboard.press("Tab")
        seen = page.evaluate(
            "() => { const style = getComputedStyle(document.activeElement);"
            " return [style.outlineStyle, parseFloat(style.outlineWidth)]; }"
        )
        assert seen[0] != "none"
        assert seen[1] >= 1


@with_figures
def test_a_drawn_figure_is_an_image_told_in_a_sentence(
    visit: Open, pages: Mapping[str, Path], report: str
) -> None:
    page = visit(pages[report]).page
    wait_until_drawn(page, report)
    names = page.locator("svg[role=img]").evaluate_all("all => all.map(x => x.ariaLabel)")
    assert len(names) == REPORTS[report]
    assert min(map(len, names)) > 30
    assert all(re.search(r"\d", name) for name in names)


@pytest.mark.parametrize("scripts", [True, False])
def test_the_data_of_a_figure_are_read_and_kept(
    visit: Open, pages: Mapping[str, Path], scripts: bool
) -> None:
    opened = visit(pages["network-profile"], java_script_enabled=scripts)
    page, data = opened.page, opened.page.locator("details.data").nth(1)
    table = data.get_by_role("table", name="Data of Demand")
    expect(data.locator("table")).to_be_hidden()
    data.locator("summary").click()
    expect(data.locator("table")).to_be_visible()
    assert data.locator("tbody tr").count() == 60
    assert table.count() <= 1

    with page.expect_download() as download:
        data.locator("a").click()
    assert download.value.suggested_filename == "network-profile-figure-2-simulated.csv"
    kept = pd.read_csv(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8")))

    shown = data.locator("thead th").all_inner_texts()
    assert list(kept.columns) == shown
    assert len(kept) > 1_000
    assert f"{len(kept):,} rows" in data.locator(".note").inner_text()
    assert opened.complaints == []


@with_figures
def test_paper_has_every_figure_even_before_a_reader_came_near_it(
    visit: Open, pages: Mapping[str, Path], report: str
) -> None:
    page = visit(pages[report]).page
    wait_until(page, "window.Plotly")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator(".canvas:has(svg.main-svg)").count() == REPORTS[report]


@every_report
def test_no_table_is_cut_on_paper(visit: Open, pages: Mapping[str, Path], report: str) -> None:
    page = visit(pages[report], width=718).page  # A4 less its margins
    wait_until_drawn(page, report)
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")

    cut = page.locator("main table").evaluate_all(
        """all => all.filter(x => x.checkVisibility()
             && x.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
             .map(x => x.innerText.slice(0, 80))"""
    )

    assert cut == []
    expect(page.locator("details.data").first).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 718
