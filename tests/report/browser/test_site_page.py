"""The index of reports as a reader meets it: found, filtered, aged, on a phone, in the dark."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from research.report import site
from research.report.manifest import SUFFIX
from tests.hostile import CALL, strings
from tests.report.browser.test_injection_page import HANDLERS
from tests.report.browser.test_reading import violations
from tests.report.shelves import DAY, put

Open = Callable[..., Any]

TITLES = [
    "Is akash cheap?",
    "Is render cheap?",
    "One RTX 3090?",
    "Side by side",
    "Akash in depth",
]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five reports of three questions, one with two earlier versions, one broken."""
    folder = tmp_path_factory.mktemp("shelf")
    long = "Neither: over 36 months, holding it and renting one out both end behind T-bills. " * 2
    pay = [("a", "akash", "rtx-4090"), ("b", "render", "rtx-4090"), ("c", "render", "rtx-3090")]
    for (name, network, card), title in zip(pay, TITLES, strict=False):
        options: dict[str, Any] = {"network": network, "gpu": card, "title": title, "answer": long}
        put(folder, f"pay--{name}", simulated=name == "c", **options)
    for days in (2, 40):
        made = DAY - dt.timedelta(days=days)
        put(folder / "archive", f"pay--a--{made:%Y-%m-%d}", made=made, answer=f"Hold, {days} ago.")
    put(
        folder,
        "overview",
        title=TITLES[3],
        network="",
        gpu="",
        capital_usd=77,
        chosen=["capital_usd"],
    )
    put(folder, "profile", title=TITLES[4], gpu="").with_suffix(SUFFIX).write_text("{")
    return site.build(folder)


def shown(page: Page) -> list[str]:
    return page.locator(".report:visible h3").all_inner_texts()


@pytest.mark.parametrize("width", [360, 768, 1280, 1920])
def test_it_opens_from_the_folder_asks_for_nothing_and_fits_every_width(
    visit: Open, index: Path, width: int
) -> None:
    opened = visit(index, width=width)
    page = opened.page
    page.locator("details").evaluate_all("all => all.forEach(x => { x.open = true; })")

    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert shown(page) == TITLES[3:4] + TITLES[:3] + TITLES[4:]
    assert (opened.requests, opened.complaints) == ([], [])


def test_a_report_is_one_click_away_and_so_is_an_earlier_version(visit: Open, index: Path) -> None:
    page = visit(index).page
    page.get_by_role("link", name=TITLES[0]).click()
    expect(page).to_have_title(TITLES[0])
    page.go_back()
    page.locator("summary").click()
    page.locator(".earlier a").last.click()
    expect(page.get_by_text("Hold, 40 ago.")).to_be_visible()


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("AKASH", [TITLES[0], TITLES[4]]),
        ("render 3090", [TITLES[2]]),
        ("capital 77", [TITLES[3]]),
        ("overview", [TITLES[3]]),  # its question
        ("simulated", [TITLES[2]]),
        ("cannot be read", [TITLES[4]]),
        ("<script>", []),
    ],
)
def test_the_search_finds_words_of_all_that_is_told(
    visit: Open, index: Path, words: str, found: list[str]
) -> None:
    page = visit(index).page
    page.get_by_role("searchbox", name="Search").fill(words)
    assert shown(page) == found
    said = f"{len(found)} of 5 shown" if found else "None of 5 fits"
    expect(page.get_by_role("status")).to_have_text(said)
    headings = page.locator("h2:visible").count()
    assert headings == len({title in TITLES[:3] or title for title in found})

    page.get_by_role("button", name="Show all").click()
    assert len(shown(page)) == 5
    expect(page.get_by_role("searchbox")).to_be_focused()
    expect(page.get_by_role("button", name="Show all")).to_be_hidden()


def test_words_of_an_earlier_version_alone_open_the_earlier_versions(
    visit: Open, index: Path
) -> None:
    page = visit(index).page
    page.get_by_role("searchbox").fill("hold, 40")
    assert shown(page) == TITLES[:1]
    expect(page.get_by_text("Hold, 40 ago.")).to_be_visible()


def test_filters_offer_what_there_is_and_hold_together(visit: Open, index: Path) -> None:
    page = visit(index).page
    offered = {
        name: page.get_by_label(name, exact=True).locator("option").all_inner_texts()
        for name in ("Question", "Network", "Card")
    }
    assert offered == {
        "Question": ["All", "Overview", "Pay", "Profile"],
        "Network": ["All", "Akash Network", "Render Network"],
        "Card": ["All", "GeForce RTX 3090", "GeForce RTX 4090"],
    }
    page.get_by_label("Network").select_option("Render Network")
    assert shown(page) == TITLES[1:3]
    page.get_by_label("Card").select_option("GeForce RTX 3090")
    assert shown(page) == TITLES[2:3]
    expect(page.get_by_role("status")).to_have_text("1 of 5 shown")
    page.get_by_label("Question").select_option("Overview")
    assert shown(page) == []


@pytest.mark.parametrize(
    ("later", "age"),
    [
        (dt.timedelta(seconds=20), "(just now)"),
        (dt.timedelta(minutes=59), "(59 minutes ago)"),
        (dt.timedelta(hours=23), "(23 hours ago)"),
        (dt.timedelta(days=3), "(3 days ago)"),
        (dt.timedelta(days=59), "(59 days ago)"),
        (dt.timedelta(days=365), "(11 months ago)"),
        (dt.timedelta(days=800), "(2 years ago)"),
        (-dt.timedelta(hours=2), ""),  # a clock that is wrong makes no age
    ],
)
def test_a_reports_age_is_that_of_the_moment_it_is_looked_at(
    chromium: Any, index: Path, later: dt.timedelta, age: str
) -> None:
    page = chromium.new_page()
    page.clock.set_fixed_time(DAY + later)
    page.goto(index.as_uri())
    told = page.locator(".report .latest", has_text=TITLES[0]).locator("li", has_text="written")
    assert told.inner_text() == f"written 2026-11-20 06:30 UTC {age}".strip()
    page.emulate_media(media="print")  # where an age would soon be wrong
    assert told.inner_text().strip() == "written 2026-11-20 06:30 UTC"
    page.close()


def test_without_javascript_all_is_listed_and_nothing_is_offered_that_cannot_work(
    visit: Open, index: Path
) -> None:
    page = visit(index, java_script_enabled=False, width=360).page
    assert len(shown(page)) == 5
    assert page.locator("h2").all_inner_texts() == ["Overview", "Pay", "Profile"]
    expect(page.get_by_role("searchbox")).to_have_count(0)
    assert page.locator("select:visible, button:visible").count() == 0
    assert "ago)" not in page.locator("main").inner_text()
    page.locator("summary").click()
    expect(page.locator(".earlier a")).to_have_count(2)
    expect(page.get_by_text("Hold, 40 ago.")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_core_finds_no_violation_in_the_index(
    visit: Open, index: Path, scheme: str, width: int
) -> None:
    page = visit(index, width=width, color_scheme=scheme).page
    page.locator("details").evaluate_all("all => all.forEach(x => { x.open = true; })")
    page.get_by_role("searchbox").fill("cheap")
    assert violations(page) == []
    page.get_by_role("button").click()
    assert violations(page) == []


def test_the_keyboard_reaches_search_filters_and_reports_in_order(visit: Open, index: Path) -> None:
    page = visit(index).page
    stops = []
    for _ in range(7):
        page.keyboard.press("Tab")
        stops.append(page.evaluate("document.activeElement.id || document.activeElement.text"))
    assert stops == [
        "Skip to the reports",
        "feed",
        "words",
        "question",
        "network",
        "card",
        TITLES[3],
    ]


def test_paper_has_the_reports_and_no_controls(visit: Open, index: Path) -> None:
    page = visit(index, width=718).page  # A4 less its margins
    page.emulate_media(media="print")
    assert len(shown(page)) == 5
    expect(page.locator(".find")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") == 718


def test_hostile_strings_run_nothing_and_are_filtered_like_others(
    visit: Open, tmp_path: Path
) -> None:
    for at in range(0, 200, 5):
        title, answer, network, card, value = strings()[at : at + 5]
        told: dict[str, Any] = {"title": title, "answer": answer, "network": network, "gpu": card}
        put(tmp_path, f"pay--{at}", chosen=["label"], label=value, **told)

    opened = visit(site.build(tmp_path), width=360)
    page = opened.page
    names = page.get_by_label("Network").locator("option").all()
    page.get_by_label("Network").select_option(index=len(names) // 2)
    page.get_by_role("searchbox").fill(CALL)

    assert len(names) > 30
    assert page.evaluate("window.hostile") is None
    # the value of an option is what a filter is called, which nothing follows
    assert [x for x in page.evaluate(HANDLERS) if not x.startswith("OPTION value=")] == []
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert (opened.requests, opened.complaints) == ([], [])
