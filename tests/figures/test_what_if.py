"""The what-if says the same in its sentence, its tables, its grid and its widget."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from bs4 import BeautifulSoup

from research.errors import DataError
from research.figures import what_if
from research.figures.what_if import WIDGET_VIEW, WhatIf, show_what_if
from research.models.bootstrap import Drift
from research.models.what_if import Surface
from research.origin import Origin
from tests.surfaces import surface, without_token


def made(
    grid: Surface,
    token: str | None = "AKT",  # noqa: S107 - a symbol, no secret
    drift: Drift = "zero",
) -> WhatIf:
    return show_what_if(
        grid,
        token=token,
        drift=drift,
        rig="one RTX 4090",
        capital_usd=2_200,
        origin=Origin.said("made <by> hand"),
    )


def soup(shown: WhatIf) -> BeautifulSoup:
    return BeautifulSoup(shown._repr_html_(), "html.parser")


def texts(shown: WhatIf, selector: str) -> list[str]:
    found = soup(shown).select(selector)
    return [element.text.replace("\N{NO-BREAK SPACE}", " ") for element in found]


def test_the_sentence_says_what_the_grid_holds_and_the_answer() -> None:
    assert made(surface()).sentence(2, 0, 1) == (
        "At 90 % utilization, with AKT expected to fall 50 % a year and power at 0.150 USD/kWh, "
        "renting out one RTX 4090 ends ahead of holding AKT in 47 % of futures and ahead of "
        "T-bills in 73 %. In the middle future 2,200 USD become 3,300 USD by renting, 220 USD by "
        "holding and 2,290 USD in T-bills. Answer: rent."
    )


@pytest.mark.parametrize(
    ("drift", "past"),
    [("historical", "as in the past"), ("shrunk", "as in the past, as far as known")],
)
def test_a_growth_on_top_of_the_past_is_said_to_be_so_wherever_it_is_told(
    drift: Drift, past: str
) -> None:
    shown = made(surface(), drift=drift)

    for at, beside in enumerate(["50 % a year taken off", "nothing on top", "100 % a year on top"]):
        told = f"with AKT expected to grow {past}, with {beside}, and power at 0.150 USD/kWh"
        assert told in shown.sentence(1, at, 1)
    assert shown.sliders()[1].label == "Growth of AKT a year on top of its past"
    first, second = (table.text for table in soup(shown).select("figure"))
    assert "expected growth of AKT a year on top of its past" in first
    assert f"with AKT expected to grow {past}, with nothing on top: a line" in second


def test_without_a_token_the_sentence_speaks_of_renting_alone() -> None:
    assert made(without_token(), token=None).sentence(0, 0, 0) == (
        "At 25 % utilization and power at 0.050 USD/kWh, renting out one RTX 4090 ends ahead of "
        "T-bills in 18 % of futures. In the middle future 2,200 USD become 1,440 USD by renting "
        "and 2,290 USD in T-bills. Answer: neither."
    )


def test_as_text_it_is_the_sentence_at_what_is_assumed() -> None:
    shown = made(surface())
    (sentence,) = soup(shown).select(".what-if-sentence")
    assert repr(shown) == shown.sentence(1, 1, 1) == sentence.text


def test_a_table_is_the_slice_of_the_grid_through_what_is_assumed() -> None:
    shown = made(surface())
    first, second = soup(shown).select("table")

    rows = [[cell.text for cell in row.select("td")] for row in first.select("tbody tr")]
    assert rows == [["95 %", "87 %", "79 %"], ["71 %", "63 %", "55 %"], ["47 %", "39 %", "31 %"]]
    rows = [[cell.text for cell in row.select("td")] for row in second.select("tbody tr")]
    assert rows == [["18 %", "23 %"], ["48 %", "53 %"], ["78 %", "83 %"]]


def test_tables_mark_what_is_assumed() -> None:
    assert texts(made(surface()), "thead th") == [
        *["Utilization", "-50 %", "0 % (assumed)", "+100 %"],
        *["Utilization", "0.050", "0.150 (assumed)"],
    ]
    assert texts(made(surface()), "tbody th") == 2 * ["25 %", "57.3 % (assumed)", "90 %"]


def test_without_a_token_there_is_one_table() -> None:
    assert len(texts(made(without_token(), token=None), "table")) == 1


def test_the_grid_of_the_page_rebuilds_the_sentence_of_every_setting() -> None:
    shown = made(surface())
    root = soup(shown).select_one(".what-if")
    assert root is not None
    grid = json.loads(str(root["data-grid"]))

    def words(part: Any, place: tuple[int, ...]) -> str:
        found = part if isinstance(part, str) else part["words"]
        for axis in () if isinstance(part, str) else part["along"]:
            found = found[place[axis]]
        return str(found)

    for place in np.ndindex(shown.surface.shape):
        u, g, t = place
        assert "".join(words(part, place) for part in grid["parts"]) == shown.sentence(u, g, t)


def test_what_is_simulated_is_marked_so_that_a_page_is_too() -> None:
    shown = replace(made(surface()), origin=Origin.said("by hand", simulated=True))
    assert soup(shown).find(class_="simulated") is not None
    assert soup(made(surface())).find(class_="simulated") is None


def test_a_chance_is_never_rounded_to_a_certainty() -> None:
    almost = surface(beats_cash=np.full((3, 3, 2), 0.9996))
    assert "ahead of T-bills in over 99 %" in repr(made(almost))


@pytest.mark.parametrize(
    ("beats_hold", "rent_beats_cash", "hold_beats_cash", "answer"),
    [
        (0.9, 0.4, 0.3, "neither"),
        (0.9, 0.5, 0.5, "neither"),  # half of the futures are not most
        (0.4, 0.6, 0.3, "rent"),
        (0.9, 0.4, 0.6, "hold"),
        (0.6, 0.7, 0.6, "rent"),
        (0.5, 0.7, 0.6, "hold"),
    ],
)
def test_the_answer_is_what_beats_t_bills_and_the_better_if_both_do(
    beats_hold: float, rent_beats_cash: float, hold_beats_cash: float, answer: str
) -> None:
    grid = surface(
        beats_hold=np.full((3, 3, 2), beats_hold),
        beats_cash=np.full((3, 3, 2), rent_beats_cash),
        hold_beats_cash=np.full(3, hold_beats_cash),
    )
    assert grid.verdict(0, 2, 1) == answer


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"assumed": (0.5, 0.0, 0.15)}, "the assumed utilization, 0.5, is not in its grid"),
        ({"hold_median": np.ones(2)}, r"hold_median has shape \(2,\), its grid has \(3,\)"),
        ({"hold_beats_cash": None}, "are all given, or none is"),
        ({"tariffs_usd_per_kwh": np.array([0.15, 0.05])}, "not in ascending order"),
    ],
)
def test_a_grid_that_does_not_fit_together_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        surface(**changes)


def test_in_jupyterlab_moving_a_slider_changes_the_sentence() -> None:
    ipywidgets = pytest.importorskip("ipywidgets")
    shown = made(surface())
    box = shown.widget()
    utilization, growth, tariff = box.children[:3]
    sentence, notes = (child for child in box.children if type(child) is ipywidgets.HTML)
    assert "simulated futures over" in notes.value

    utilization.index, growth.index, tariff.index = 2, 0, 0

    assert BeautifulSoup(sentence.value, "html.parser").text == shown.sentence(2, 0, 0)
    (button,) = [child for child in box.children if isinstance(child, ipywidgets.Button)]
    button.click()
    assert BeautifulSoup(sentence.value, "html.parser").text == repr(shown)
    assert (utilization.value, growth.value, tariff.value) == (1, 1, 1)


def test_in_jupyterlab_there_is_no_slider_without_a_choice() -> None:
    pytest.importorskip("ipywidgets")
    labels = [child.description for child in made(without_token(), None).widget().children[:2]]
    assert labels == ["Utilization", "Electricity"]


def test_it_is_displayed_as_a_widget_beside_the_html() -> None:
    pytest.importorskip("ipywidgets")
    assert list(made(surface())._repr_mimebundle_()) == ["text/plain", "text/html", WIDGET_VIEW]


def test_without_ipywidgets_the_html_is_all_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(what_if, "find_spec", lambda _: None)
    assert list(made(surface())._repr_mimebundle_()) == ["text/plain", "text/html"]
