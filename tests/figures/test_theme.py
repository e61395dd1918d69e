"""Everything shown carries its source, its meaning, and whether it is simulated."""

from __future__ import annotations

import datetime as dt
import json
from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from plotly import graph_objects as go

from research.figures import theme
from research.origin import Origin
from research.quality import Finding


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2."""
    parts = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("ground", ["#ffffff", "#14171b"])
@pytest.mark.parametrize("role", theme.COLOURS)
def test_a_line_is_seen_on_light_and_dark(role: str, ground: str) -> None:
    assert contrast(theme.COLOURS[role], ground) >= 3


# Viénot, Brettel and Mollon (1999): linear RGB as a protanope and a deuteranope see it.
PROTAN = np.array([[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]])
DEUTAN = np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]])


@pytest.mark.parametrize("vision", [np.eye(3), PROTAN, DEUTAN])
def test_any_two_roles_are_told_apart_with_any_colour_vision(vision: np.ndarray) -> None:
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )

    def lab(colour: str) -> np.ndarray:
        parts = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        xyz = to_xyz @ np.clip(vision @ linear, 0, 1) / [0.9505, 1, 1.089]
        x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
        return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])

    for one, other in combinations(theme.COLOURS.values(), 2):
        assert np.linalg.norm(lab(one) - lab(other)) > 15


def test_a_faded_colour_is_the_roles_colour() -> None:
    assert theme.COLOURS["hold"] == "#3d6fe0"
    assert theme.fade("hold", 0.2) == "rgba(61, 111, 224, 0.2)"


def test_a_finished_figure_says_where_it_comes_from() -> None:
    source = "akash.price_usd from a <b>file</b> " + "and more " * 20
    figure = theme.finish(go.Figure(), origin=Origin.said(source), alt="It falls.")
    (note,) = figure.layout.annotations
    assert note.text.startswith("Source: akash.price_usd from a &lt;b&gt;file&lt;/b&gt;")
    assert max(map(len, note.text.split("<br>"))) < theme.SOURCE_LINE + 20
    assert figure.layout.meta == {
        "source": source,
        "simulated": False,
        "marks": [],
        "series": [],
        "alt": "It falls.",
    }
    assert figure.layout.template == theme.TEMPLATE


def test_a_simulated_figure_is_marked_across_the_plot() -> None:
    figure = theme.finish(go.Figure(), origin=Origin.said("s", simulated=True), alt="a")
    assert [note.text for note in figure.layout.annotations] == ["Source: s", "SIMULATED DATA"]
    assert figure.layout.meta["simulated"] is True


def doubted(kind: str = "vendor") -> Origin:
    """Return the origin of a price that ended long ago and failed a check."""
    price = SimpleNamespace(
        series="akash.price_usd",
        unit="USD",
        source="exchange",
        kind=kind,
        first=dt.date(2025, 1, 1),
        last=dt.date(2025, 3, 19),
        known_at=dt.datetime(2025, 3, 20, 6, tzinfo=dt.UTC),
    )
    doubts = [
        Finding(level="fail", check=check, series="akash.price_usd", source="exchange", text="x",
                first=None, last=None)
        for check in ("stale", "jump")
    ]  # fmt: skip
    return Origin.of([price], doubts)


def test_a_figure_carries_its_series_and_marks_as_json_that_a_report_can_write() -> None:
    figure = theme.finish(go.Figure(), origin=doubted(), alt="a")
    meta = json.loads(figure.to_json())["layout"]["meta"]

    assert meta["marks"] == ["Stale data", "Failed check"]
    assert meta["series"] == [
        {
            "name": "akash.price_usd",
            "unit": "USD",
            "source": "exchange",
            "attribution": "",
            "kind": "vendor",
            "first": "2025-01-01",
            "last": "2025-03-19",
            "retrieved": "2025-03-20 06:00",
        }
    ]


def test_a_doubtful_figure_says_so_before_its_source() -> None:
    [note] = theme.finish(go.Figure(), origin=doubted(), alt="a").layout.annotations

    assert note.text.startswith("<b>Stale data, Failed check</b><br>Source: akash.price_usd (exch")


def test_a_table_and_an_answer_bear_every_mark(frame: pd.DataFrame) -> None:
    table = theme.table(frame, caption="c", origin=doubted("simulated"))
    answer = theme.answer("Rent.", origin=doubted("simulated"))

    for made in (table, answer):
        soup = BeautifulSoup(made.html, "html.parser")
        marks = ["Simulated data", "Stale data", "Failed check"]
        assert [badge.text for badge in soup.select(".badge")] == marks
        assert soup.select_one(".simulated.stale-data.failed-check") is not None


def test_a_table_whose_rows_say_their_sources_has_its_marks_and_no_line(
    frame: pd.DataFrame,
) -> None:
    made = theme.table(frame, caption="c", origin=doubted(), names_source=False)

    assert "Stale data" in made.html
    assert "Source:" not in made.html


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Choice": ["<script>alert(1)</script>", "Rent & repair"],
            "Wealth (USD)": [1234567.891, np.nan],
            "P(loss)": [0.625, 1.0],
            "Since": [pd.Timestamp("2026-03-19"), pd.Timestamp("2026-03-20 12:30")],
            "Paths": [20_000, 7],
            "Why": ["a reason that needs more than a line of its own", ""],
            "Sold": [True, False],
        }
    )


def cells(frame: pd.DataFrame, **options: dict[str, object]) -> list[list[str]]:
    table = theme.table(frame, caption="c", origin=Origin.said("s"), **options)  # type: ignore[arg-type]  # as a caller would
    soup = BeautifulSoup(table._repr_html_(), "html.parser")
    return [[cell.text for cell in row(["td", "th"])] for row in soup("tr")]


def test_numbers_are_rounded_to_what_they_mean_and_gaps_are_seen(frame: pd.DataFrame) -> None:
    head, first, second = cells(frame, formats={"P(loss)": ".1%", "Paths": lambda n: f"{n} paths"})
    assert head == list(frame.columns)
    assert first[1:5] == ["1,234,568", "62.5%", "2026-03-19", "20000 paths"]
    assert second[1:5] == ["–", "100.0%", "2026-03-20 12:30", "7 paths"]
    assert (first[6], second[6]) == ("yes", "no")


def test_text_in_a_table_is_text(frame: pd.DataFrame) -> None:
    frame = frame.rename(columns={"Why": "<i>Why</i>"}).set_index("Choice")
    made = theme.table(frame, caption="<b>", origin=Origin.said("<u>"))
    assert cells(frame)[1][0] == "<script>alert(1)</script>"
    assert cells(frame)[0][-2] == "<i>Why</i>"
    for tag in ("<script", "<i>", "<b>", "<u>"):
        assert tag not in made.html


def test_numbers_align_right_and_short_words_stay_on_a_line(frame: pd.DataFrame) -> None:
    soup = BeautifulSoup(
        theme.table(frame, caption="c", origin=Origin.said("s")).html, "html.parser"
    )
    styles = {th.text: (th.get("class") or [""])[0] for th in soup("th")}
    assert styles == {
        "Choice": "brief",
        "Wealth (USD)": "number",
        "P(loss)": "number",
        "Since": "brief",
        "Paths": "number",
        "Why": "prose",
        "Sold": "word",
    }


@pytest.mark.parametrize("text", ["1,234.5", "-3 %", "−3.1", "$0.35", "1.2e-05", "36 months", "–"])
def test_a_cell_that_starts_as_a_number_is_one(text: str) -> None:
    assert theme._is_number(text)


@pytest.mark.parametrize("text", ["2026-03-19", "akash", "", "RTX 4090", "3 of them failed"])
def test_a_cell_that_only_has_digits_in_it_is_none(text: str) -> None:
    assert not theme._is_number(text)


def test_an_index_with_a_meaning_heads_its_row(frame: pd.DataFrame) -> None:
    by_choice = frame.set_index(["Choice", "Paths"])
    soup = BeautifulSoup(
        theme.table(by_choice, caption="c", origin=Origin.said("s")).html, "html.parser"
    )
    assert [th.text for th in soup.select("tbody th")][2:] == ["Rent & repair", "7"]
    assert [th.text for th in soup.select("thead th")][:2] == ["Choice", "Paths"]


@pytest.mark.parametrize("simulated", [True, False])
def test_a_table_has_caption_source_and_badge(frame: pd.DataFrame, simulated: bool) -> None:
    made = theme.table(
        frame, caption="Risk, USD", origin=Origin.said("20,000 paths", simulated=simulated)
    )
    soup = BeautifulSoup(made.html, "html.parser")
    assert soup.figure is not None
    assert soup.figcaption is not None
    assert soup.figcaption.text.split(" Sim")[0] == "Risk, USD"
    assert "Source: 20,000 paths" in soup.figure.text
    assert (soup.select_one(".badge") is not None) == simulated
    assert ("simulated" in soup.figure["class"]) == simulated


def test_an_empty_table_still_has_its_head() -> None:
    assert cells(pd.DataFrame({"a": [], "b": []})) == [["a", "b"]]


def test_an_answer_is_escaped_and_marked() -> None:
    made = theme.answer(
        "Rent <b>it</b>.", "At $0.35 & up.", origin=Origin.said("a test", simulated=True)
    )
    assert made.html.startswith('<section class="answer simulated"')
    assert "Rent &lt;b&gt;it&lt;/b&gt;." in made.html
    assert "At $0.35 &amp; up." in made.html
    assert "Simulated data" in made.html
