"""Hostile strings in a browser: nothing runs, nothing is asked for, and no element is added."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Page, expect

from tests.hostile import CALL, strings
from tests.hostile_pages import render_page

Open = Callable[..., Any]

NOTEBOOKS = ("market-overview", "network-profile", "token-or-hardware")  # names, events, all kinds
# a figure's numbers are handed out as a file, by a link that the page itself writes
HANDLERS = """() => [...document.querySelectorAll("*:not(details.data a[download])")]
    .flatMap(x => [...x.attributes]
    .filter(a => a.name.startsWith("on") || /^\\s*(javascript|vbscript|data:text)/i.test(a.value))
    .map(a => `${x.tagName} ${a.name}=${a.value}`))"""
FOREIGN = (
    "iframe, object, embed, base, form, link, main img, "
    "main a:not(details.data a[download]):not(nav a[href^='#']), "
    "main script:not([type='application/json'])"
)
TURNING = "\u202a\u202b\u202d\u202e\u2066\u2067\u2068\x00"


def elements(page: Page) -> Any:
    return page.evaluate(
        "() => [...document.querySelectorAll('*')].map(x => x.tagName.toLowerCase())"
    )


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_hostile_strings_run_nothing_ask_for_nothing_and_break_no_page(
    notebook: str, visit: Open, tmp_path: Path
) -> None:
    path = render_page(notebook, strings(), tmp_path)
    opened = visit(path, width=360)
    page = opened.page
    page.on("dialog", lambda dialog: opened.complaints.append(dialog.message))
    drawn = page.locator(".canvas:has(svg.main-svg)")
    expect(drawn).to_have_count(page.locator(".canvas").count())
    page.locator("details").evaluate_all("all => all.forEach(x => { x.open = true; })")
    for canvas in page.locator(".canvas").all():  # hover labels are made of names, too
        canvas.hover()
    page.keyboard.press("Tab")

    assert page.evaluate("window.hostile") is None
    assert page.evaluate(HANDLERS) == []
    assert page.locator(FOREIGN).count() == 0
    assert (opened.requests, opened.complaints) == ([], [])

    assert page.evaluate("document.documentElement.scrollWidth") == 360  # long words are broken
    text = page.locator("body").inner_text()
    assert CALL in text
    assert [mark for mark in TURNING if mark in text] == []

    written = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    bare = visit(path, java_script_enabled=False).page
    assert elements(bare) == [element.name for element in written(True)]


def test_the_page_would_notice_a_string_that_runs(visit: Open, tmp_path: Path) -> None:
    path = tmp_path / "unescaped.html"
    script, image = strings()[0], strings()[12]
    path.write_text(f"<main><p>{script}<p>{image}</main>", encoding="utf-8")

    opened = visit(path)

    assert opened.page.evaluate("window.hostile") is not None
    assert opened.page.evaluate(HANDLERS) == [f"IMG onerror={CALL}012"]
    assert opened.page.locator(FOREIGN).count() == 2
    assert opened.requests != []
