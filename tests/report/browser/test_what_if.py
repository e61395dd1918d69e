"""The what-if of a report, as a reader moves it: with mouse, keyboard, paper, or no JavaScript."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nbformat import reads
from playwright.sync_api import Page, expect

from research.figures.what_if import WhatIf, show_what_if
from research.origin import Origin
from research.report import html
from tests.surfaces import surface, without_token

Open = Callable[..., Any]

SLIDERS = ("Utilization", "Growth of AKT a year", "Electricity")
SENTENCE = ".what-if-sentence"
HOSTILE = """</script><img src=x onerror="alert('ran')">'"&amp;{tariff}"""


def made(**changes: Any) -> WhatIf:
    usual: dict[str, Any] = {
        "surface": surface(),
        "token": "AKT",
        "drift": "zero",
        "rig": "one RTX 4090",
        "capital_usd": 2_200,
        "origin": Origin.said("by hand"),
    }
    return show_what_if(**usual | changes)


def write(path: Path, *what_ifs: WhatIf) -> Path:
    """Write the page of a notebook that shows `what_ifs`, as a kernel with widgets leaves it."""
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": "", "execution_count": 1}
    shown = [
        {"output_type": "display_data", "metadata": {}, "data": each._repr_mimebundle_()}
        for each in what_ifs
    ]
    widgets = {"application/vnd.jupyter.widget-state+json": {"state": {"left": "LEAKED"}}}
    notebook = {
        "cells": [{**cell, "outputs": shown}],
        "metadata": {"widgets": widgets},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    page = html.page(
        reads(json.dumps(notebook), as_version=4),  # type: ignore[no-untyped-call]  # half typed
        name="what-if",
        parameters=[],
        simulated=False,
        rendered_at=dt.datetime(2026, 11, 25, tzinfo=dt.UTC),
    )
    path.write_bytes(page)
    return path


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("page") / "page.html", made())


def sentence(page: Page) -> str:
    return page.locator(SENTENCE).inner_text()


def test_at_every_setting_the_page_says_what_python_says(visit: Open, path: Path) -> None:
    page, wanted = visit(path).page, made()
    sliders = [page.get_by_role("slider", name=name) for name in SLIDERS]

    said = {}
    for place in np.ndindex(wanted.surface.shape):
        for slider, at in zip(sliders, place, strict=True):
            slider.fill(str(at))
        said[place] = sentence(page)

    assert said == {place: wanted.sentence(*place) for place in said}
    assert len(set(said.values())) == 18


def test_arrow_keys_move_a_slider_which_says_its_value_with_its_unit(
    visit: Open, path: Path
) -> None:
    page = visit(path).page
    page.keyboard.press("Tab")  # the link that skips to the report
    page.keyboard.press("Tab")
    utilization = page.get_by_role("slider", name="Utilization")
    expect(utilization).to_be_focused()

    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    page.keyboard.press("Home")

    expect(utilization).to_have_attribute("aria-valuetext", "90 %")
    expect(page.locator(SENTENCE)).to_have_role("status")  # a screen reader says what changed
    assert page.locator(".control output").all_inner_texts() == ["90 %", "-50 %", "0.150 USD/kWh"]
    assert sentence(page) == made().sentence(2, 0, 1)


def test_the_button_goes_back_to_what_is_assumed(visit: Open, path: Path) -> None:
    page = visit(path).page
    assert sentence(page) == repr(made())
    for name in SLIDERS:
        page.get_by_role("slider", name=name).press("Home")
    assert sentence(page) == made().sentence(0, 0, 0)

    page.get_by_role("button", name="Back to what is assumed").click()

    assert sentence(page) == repr(made())
    values = page.get_by_role("slider").evaluate_all("all => all.map(x => x.valueAsNumber)")
    assert values == [1, 1, 1]


def test_without_a_token_there_is_no_slider_for_its_growth(visit: Open, tmp_path: Path) -> None:
    alone = made(surface=without_token(), token=None)
    page = visit(write(tmp_path / "page.html", alone)).page

    page.get_by_role("slider", name="Utilization").press("End")

    assert page.get_by_role("slider").count() == 2
    assert sentence(page) == alone.sentence(2, 0, 1)


def test_two_what_ifs_on_a_page_do_not_move_each_other(visit: Open, tmp_path: Path) -> None:
    other = made(rig="two A100 cards", capital_usd=40_000)
    page = visit(write(tmp_path / "page.html", made(), other)).page

    page.get_by_role("slider", name="Electricity").last.press("Home")

    said = page.locator(SENTENCE).all_inner_texts()
    assert said == [repr(made()), other.sentence(1, 1, 0)]


def test_without_javascript_the_sentence_and_the_tables_are_read(visit: Open, path: Path) -> None:
    page = visit(path, java_script_enabled=False).page

    assert sentence(page) == repr(made())
    assert page.get_by_role("slider").count() == 0
    for table in page.locator(".what-if table").all():
        expect(table).to_be_visible()
    row = page.locator(".what-if tbody tr").first.locator("td")
    assert row.all_inner_texts() == ["95 %", "87 %", "79 %"]


def test_nothing_is_asked_for_and_nothing_complains(visit: Open, path: Path) -> None:
    opened = visit(path)
    opened.page.get_by_role("slider", name="Utilization").press("End")

    assert (opened.requests, opened.complaints) == ([], [])
    assert not re.search(r"LEAKED|widget-view|model_id", path.read_text(encoding="utf-8"))


def test_a_label_that_is_markup_stays_text(visit: Open, tmp_path: Path) -> None:
    hostile = made(token=HOSTILE, rig=HOSTILE, origin=Origin.said(HOSTILE))
    opened = visit(write(tmp_path / "page.html", hostile))
    page = opened.page

    page.get_by_role("slider").first.press("End")

    assert page.locator(SENTENCE).text_content() == hostile.sentence(2, 1, 1)
    assert page.locator("img").count() == 0
    assert (opened.requests, opened.complaints) == ([], [])


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_is_wider_than_the_window(visit: Open, tmp_path: Path, width: int) -> None:
    many = np.linspace(-0.9, 4, 50)
    wide = surface(
        token_growths=many,
        beats_hold=np.full((3, 50, 2), 0.995),
        beats_cash=np.full((3, 50, 2), 0.005),
        rent_median=np.ones((3, 50, 2)),
        hold_median=np.ones(50),
        hold_beats_cash=np.zeros(50),
        assumed=(0.573, many[0], 0.15),
    )
    page = visit(write(tmp_path / "page.html", made(surface=wide)), width=width).page

    page.locator(".what-if summary").click()

    expect(page.locator(".what-if table").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_what_is_touched_is_at_least_44_pixels_high(visit: Open, path: Path) -> None:
    page = visit(path, width=360, has_touch=True, is_mobile=True).page

    sizes = page.locator(".what-if :is(input, button, summary)").evaluate_all(
        "all => all.map(x => x.getBoundingClientRect().height)"
    )

    assert len(sizes) == 5
    assert min(sizes) >= 44


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(visit: Open, path: Path, scheme: str) -> None:
    page = visit(path, color_scheme=scheme).page
    grounds = page.locator(".what-if :is(label, output, .assumed, button, p, summary)")

    pairs = grounds.evaluate_all(
        """all => all.map(element => {
          const ground = (behind) => getComputedStyle(behind).backgroundColor;
          let behind = element;
          while (ground(behind) === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
          return [getComputedStyle(element).color, ground(behind)];
        })"""
    )

    assert len(pairs) == 3 * 3 + 1 + 3 + 1
    assert min(contrast(*pair) for pair in pairs) >= 4.5


def contrast(one: str, other: str) -> float:
    """Contrast of two CSS colours by WCAG 2."""

    def luminance(colour: str) -> float:
        parts = np.array([int(part) / 255 for part in re.findall(r"\d+", colour)[:3]])
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def test_paper_shows_the_tables_and_no_slider(visit: Open, path: Path) -> None:
    page = visit(path).page
    slider, table = page.get_by_role("slider").first, page.locator(".what-if table").first
    expect(slider).to_be_visible()
    expect(table).to_be_hidden()

    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")

    expect(page.locator(".what-if .controls")).to_be_hidden()
    expect(table).to_be_visible()
    assert sentence(page) == repr(made())

    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(table).to_be_hidden()


def test_tables_that_a_reader_opened_stay_open_after_printing(visit: Open, path: Path) -> None:
    page = visit(path).page
    page.locator(".what-if summary").click()

    for event in ("beforeprint", "afterprint"):
        page.evaluate(f"dispatchEvent(new Event('{event}'))")

    expect(page.locator(".what-if table").first).to_be_visible()
