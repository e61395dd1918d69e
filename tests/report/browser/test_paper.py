"""A report printed to PDF: no table is cut off, and a long one repeats its head on each sheet."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from playwright.sync_api import Page

from research.report import render

Open = Callable[..., Any]

NOTEBOOKS = sorted(path.stem for path in render.find("token-or-hardware").parent.glob("*.ipynb"))
MARGIN = 14 / 25.4 * 72  # points, left and right of what is printed
SPARE = 1.0  # points, for a glyph that leans out of its box
WATERMARK = 40  # points: no other glyph is as tall; it lies across the margins on purpose


@dataclass(frozen=True)
class Sheet:
    """A sheet of paper, as a reader of it finds it."""

    letters: str  # without spaces, in the order of the lines
    left: float  # points, of the leftmost glyph
    right: float  # points from the right edge of the sheet to the rightmost glyph


def printed(page: Page) -> list[Sheet]:
    """Print `page` as a browser's dialog does, and read the sheets."""
    document = pypdfium2.PdfDocument(page.pdf(prefer_css_page_size=True, print_background=True))
    return [sheet(document[at]) for at in range(len(document))]


def sheet(page: Any) -> Sheet:
    text, width = page.get_textpage(), page.get_width()
    boxes = {at: text.get_charbox(at) for at in range(text.count_chars())}
    # the watermark's own letters stand between others, where they happen to lie
    own = {at: box for at, box in boxes.items() if box[3] - box[1] < WATERMARK}
    inked = [box for box in own.values() if box[2] > box[0]]
    return Sheet(
        letters=letters("".join(text.get_text_range(at, 1) for at in own)),
        left=min(left for left, *_ in inked),
        right=width - max(right for _, _, right, _ in inked),
    )


def cells(page: Page) -> list[str]:
    """Return the text of each cell of the tables that go to paper, as the browser has it."""
    found: list[str] = page.locator("table").evaluate_all(
        "all => all.filter(x => !x.closest('.data')).flatMap("
        "x => [...x.querySelectorAll('th, td')].map(cell => cell.textContent))"
    )
    return found


def letters(text: str) -> str:
    """Return a text without spaces and hyphens, which are set anew at the end of a line."""
    return re.sub(r"[\s\u00ad\ufffe-]+", "", text)


@pytest.mark.parametrize("notebook", NOTEBOOKS)
@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_every_cell_of_every_table_is_on_paper_and_within_its_margins(
    visit: Open, pages: Mapping[str, Path], notebook: str, script: bool
) -> None:
    page = visit(pages[notebook], java_script_enabled=script).page
    said = Counter(cells(page))

    sheets = printed(page)

    assert min(each.left for each in sheets) > MARGIN - SPARE
    assert min(each.right for each in sheets) > MARGIN - SPARE
    paper = "".join(each.letters for each in sheets)
    lost = [word for text in said for word in text.split() if letters(word) not in paper]
    assert said
    assert lost == []


def test_a_table_longer_than_a_sheet_repeats_its_head_on_the_next(
    visit: Open, pages: Mapping[str, Path]
) -> None:
    page = visit(pages["token-or-hardware"], java_script_enabled=False).page
    assumptions = page.get_by_role("region", name="Figures that went in").locator("table")
    rows = assumptions.locator("tbody tr").all_text_contents()
    assert len(rows) > 40

    heads = [each for each in printed(page) if "FigureValueSourceDateGrade" in each.letters]

    assert len(heads) > 1
