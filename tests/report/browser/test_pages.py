"""The pages of real notebooks as a reader meets them: phone, tablet, screen, and without a script.

They are made from the simulated market, with few futures, and opened without a network.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from research.report import render
from tests.report.browser.waiting import wait_until

Open = Callable[..., Any]

FIGURES = {"token-or-hardware": 8, "daily-earnings": 2}  # to be drawn on each page
WIDTHS = (360, 768, 1280)  # pixels
UNSAID = r"\b(nan|NaN|NaT|None|inf|Traceback|Warning|undefined)\b"  # left over by a program
SENTENCE = ".what-if-sentence"


def lines(notebook: str, kind: str) -> list[str]:
    """Return the lines of a notebook's cells of a kind."""
    content = json.loads(render.find(notebook).read_text(encoding="utf-8"))
    sources = ["".join(cell["source"]) for cell in content["cells"] if cell["cell_type"] == kind]
    return [line.strip() for source in sources for line in source.splitlines()]


def wait_until_drawn(page: Page, notebook: str) -> None:
    """Every figure of the page is there, and each is drawn."""
    expect(page.locator(".canvas")).to_have_count(FIGURES[notebook])
    expect(page.locator(".canvas:has(svg.main-svg)")).to_have_count(FIGURES[notebook])


def open_details(page: Page) -> None:
    page.locator("details").evaluate_all("all => all.forEach(x => { x.open = true; })")


@pytest.mark.parametrize("notebook", FIGURES)
def test_every_figure_is_drawn_from_the_file_alone_and_nothing_is_wider_than_the_window(
    visit: Open, pages: Mapping[str, Path], notebook: str
) -> None:
    opened = visit(pages[notebook], width=WIDTHS[0])
    page = opened.page
    wait_until_drawn(page, notebook)
    open_details(page)

    for width in WIDTHS:  # a phone that is turned, a window that is made larger
        page.set_viewport_size({"width": width, "height": 800})
        wait_until(  # the figures have the new width
            page,
            "[...document.querySelectorAll('.canvas')].every("
            "x => Math.abs(x.querySelector('svg.main-svg').clientWidth - x.clientWidth) < 2)",
        )
        assert page.evaluate("document.documentElement.scrollWidth") == width

    assert (opened.requests, opened.complaints) == ([], [])


@pytest.mark.parametrize("notebook", FIGURES)
def test_no_code_and_no_leftover_of_a_program_is_on_the_page(
    visit: Open, pages: Mapping[str, Path], notebook: str
) -> None:
    page = visit(pages[notebook]).page
    wait_until_drawn(page, notebook)
    open_details(page)

    text = page.locator("body").inner_text()

    assert re.findall(UNSAID, text) == []
    code = [line for line in lines(notebook, "code") if re.search(r"\w[=(]|import |: \w+ =", line)]
    assert len(code) > 20
    assert [line for line in code if line in text] == []


@pytest.mark.parametrize("notebook", FIGURES)
def test_every_figure_and_table_made_from_the_simulated_market_says_so(
    visit: Open, pages: Mapping[str, Path], notebook: str
) -> None:
    page = visit(pages[notebook], java_script_enabled=False).page

    badges = page.locator("figure").evaluate_all(
        "all => all.map(x => x.querySelectorAll('figcaption .badge').length)"
    )

    assert len(badges) > 2 * FIGURES[notebook]
    assert set(badges) == {1}


@pytest.mark.parametrize("notebook", FIGURES)
def test_without_javascript_every_heading_and_table_is_there_and_figures_are_put_in_words(
    visit: Open, pages: Mapping[str, Path], notebook: str
) -> None:
    opened = visit(pages[notebook], java_script_enabled=False, width=360)
    page = opened.page

    headings = page.locator("h1, h2, h3").all_inner_texts()
    written = [line.lstrip("# ") for line in lines(notebook, "markdown") if line.startswith("#")]
    assert headings[1:] == written  # the first is the question, which a cell of code puts
    hidden = page.locator("figure.table table").evaluate_all(
        "all => all.filter(x => !x.checkVisibility()).length"
    )
    assert hidden == 0
    assert page.locator("figure.table table").count() > FIGURES[notebook]
    words = page.locator(".canvas").all_inner_texts()
    assert min(len(each) for each in words) > 60
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert (opened.requests, opened.complaints) == ([], [])


def test_without_javascript_the_what_if_is_its_sentence_and_its_tables(
    visit: Open, pages: Mapping[str, Path]
) -> None:
    page = visit(pages["token-or-hardware"], java_script_enabled=False).page

    sentence = page.locator(SENTENCE).inner_text()
    assert re.match(r"At [\d.]+ % utilization, with AKT .* Answer: [a-z ]+\.$", sentence)
    assert page.get_by_role("slider").count() == 0
    captions = page.locator(".what-if figcaption").all_inner_texts()
    assert [caption.split(",")[0] for caption in captions] == [
        "Chance that renting ends ahead of holding AKT",
        "Chance that renting ends ahead of T-bills",
    ]
    assert page.locator(".what-if tbody tr").count() > 2 * len(captions)


def test_the_what_if_of_the_report_moves_and_its_sentence_follows(
    visit: Open, pages: Mapping[str, Path]
) -> None:
    page = visit(pages["token-or-hardware"]).page
    said = [page.locator(SENTENCE).inner_text()]
    for name in ("Utilization", "Growth of AKT a year", "Electricity"):
        slider = page.get_by_role("slider", name=name)
        slider.press("End")
        value = slider.get_attribute("aria-valuetext")
        said.append(page.locator(SENTENCE).inner_text())
        assert value is not None
        assert value.lstrip("+") in said[-1]

    assert len(set(said)) == len(said)
    page.get_by_role("button", name="Back to what is assumed").click()
    assert page.locator(SENTENCE).inner_text() == said[0]
