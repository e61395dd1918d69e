"""What a notebook's outputs become on the page, without running one."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from nbformat import reads
from plotly import graph_objects as go

from research.figures import theme
from research.origin import Origin
from research.quality import Finding
from research.report import html

Show = Callable[[Origin], dict[str, Any]]
NOW = dt.datetime(2026, 11, 22, 21, 39, tzinfo=dt.UTC)


def page(
    *outputs: dict[str, Any],
    text: str = "# T",
    simulated: bool = False,
    known_by: dt.datetime | None = None,
) -> BeautifulSoup:
    code = {"cell_type": "code", "metadata": {}, "source": "code = 1", "execution_count": 1}
    cells = [
        {"id": "a", "cell_type": "markdown", "metadata": {}, "source": text},
        {"id": "b", **code, "outputs": list(outputs)},
    ]
    content = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    rendered = html.page(
        reads(json.dumps(content), as_version=4),  # type: ignore[no-untyped-call]  # half typed
        name="a-question",
        parameters=[],
        simulated=simulated,
        rendered_at=NOW,
        known_by=known_by,
    )
    return BeautifulSoup(rendered, "html.parser")


def shown(**data: Any) -> dict[str, Any]:
    kinds = {kind.replace("__", "/"): value for kind, value in data.items()}
    return {"output_type": "display_data", "metadata": {}, "data": kinds}


def printed(name: str, text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def figure(*, simulated: bool) -> dict[str, Any]:
    drawn = theme.finish(
        go.Figure(), origin=Origin.said("none", simulated=simulated), alt="Nothing."
    )
    return shown(**{html.PLOTLY: json.loads(drawn.to_json())})


def banner(soup: BeautifulSoup) -> bool:
    return soup.select_one("body.simulated > .banner") is not None


def test_one_simulated_figure_marks_the_whole_page() -> None:
    soup = page(figure(simulated=False), figure(simulated=True))
    assert banner(soup)
    badges = [len(each.select(".badge")) for each in soup.select("figure.plot")]
    assert badges == [0, 1]


@pytest.mark.parametrize("kind", ["table", "answer"])
@pytest.mark.parametrize("simulated", [True, False])
def test_a_simulated_table_or_answer_marks_the_whole_page(kind: str, simulated: bool) -> None:
    made = (
        theme.answer("Rent.", origin=Origin.said("a test", simulated=simulated))
        if kind == "answer"
        else theme.table(
            pd.DataFrame({"a": [1]}), caption="c", origin=Origin.said("s", simulated=simulated)
        )
    )
    assert banner(page(shown(text__html=made.html))) == simulated


def test_a_page_from_simulated_input_is_marked_even_if_nothing_on_it_is() -> None:
    assert banner(page(simulated=True))
    assert not banner(page(figure(simulated=False)))


def resting(*doubts: str, kind: str = "vendor") -> Origin:
    """Return the origin of one price of which some checks found a doubt."""
    price = SimpleNamespace(
        series="akash.price_usd",
        unit="USD",
        source="exchange",
        kind=kind,
        first=dt.date(2025, 1, 1),
        last=dt.date(2025, 3, 19),
        known_at=dt.datetime(2025, 3, 20, 6, tzinfo=dt.UTC),
    )
    found = [
        Finding(level="fail", check=check, series="akash.price_usd", source="exchange", text="x",
                first=None, last=None)
        for check in doubts
    ]  # fmt: skip
    return Origin.of([price], found)


def drawn(origin: Origin) -> dict[str, Any]:
    made = theme.finish(go.Figure(layout={"title": "A & B"}), origin=origin, alt="Nothing.")
    return shown(**{html.PLOTLY: json.loads(made.to_json())})


def told(origin: Origin) -> dict[str, Any]:
    made = theme.table(pd.DataFrame({"a": [1]}), caption="c", origin=origin)
    return shown(text__html=made.html)


@pytest.mark.parametrize("show", [drawn, told])
def test_behind_the_source_line_of_a_figure_and_a_table_is_every_series(show: Show) -> None:
    line = page(show(resting())).select_one("figure > details.source")

    assert line is not None
    assert line.summary is not None
    assert line.summary.text == (
        "Source: akash.price_usd (exchange); to 2025-03-19; retrieved by 2025-03-20 06:00; "
        "kind: vendor"
    )
    assert [each.text for each in line(["dt", "dd"])] == [
        "exchange, vendor, retrieved 2025-03-20 06:00",
        "akash.price_usd (USD), 2025-01-01 to 2025-03-19",
    ]


@pytest.mark.parametrize("show", [drawn, told])
def test_without_series_the_source_is_a_line_that_does_not_open(show: Show) -> None:
    soup = page(show(Origin.said("by hand")))

    assert soup.select_one("details.source") is None
    line = soup.select_one("p.source")
    assert line is not None
    assert line.text == "Source: by hand"


def test_the_series_of_a_figure_are_on_the_page_once() -> None:
    assert str(page(drawn(resting()))).count("2025-01-01") == 1


@pytest.mark.parametrize("show", [drawn, told])
def test_marks_are_badges_beside_the_title_and_a_sentence_at_the_top(show: Show) -> None:
    soup = page(show(resting("stale", "gap", "jump")), drawn(resting()))

    badges = [[badge.text for badge in each.select("figcaption .badge")] for each in soup("figure")]
    assert badges == [["Stale data", "Partial data", "Failed check"], []]
    top = soup.select_one("body > aside.banner.doubts")
    assert top is not None
    assert [each.text.split(".")[0] for each in top("p")] == badges[0]
    assert all(each.text.count(".") == 2 for each in top("p"))


def test_failed_checks_that_are_listed_need_no_second_sentence() -> None:
    blocks = [html._figure(drawn(resting("stale", "jump"))["data"][html.PLOTLY])]

    assert list(html._doubts(blocks, told=False)) == ["Stale data", "Failed check"]
    assert list(html._doubts(blocks, told=True)) == ["Stale data"]


def test_an_answers_marks_are_at_the_top_too() -> None:
    soup = page(shown(text__html=theme.answer("Rent.", origin=resting("stale")).html))

    top = soup.select_one("aside.doubts")
    assert top is not None
    assert top.text.strip().startswith("Stale data. Some of what this page shows")


def test_a_page_as_of_an_earlier_time_says_so_at_its_top() -> None:
    soup = page(known_by=dt.datetime(2026, 3, 3, 6, tzinfo=dt.UTC))
    [top] = soup.select("body > aside.banner")
    assert top.text.strip().startswith("As known by 2026-03-03 06:00. Prices and measures that")


def test_an_answer_says_of_which_day_the_newest_data_behind_it_are() -> None:
    said = theme.answer("Rent.", "Why.", origin=resting()).html

    assert "<p>Why.</p><p>The newest data behind this are of 2025-03-19.</p>" in said
    assert "newest data" not in theme.answer("Rent.", origin=Origin.said("by hand")).html


def test_a_page_without_doubts_has_no_second_banner() -> None:
    soup = page(figure(simulated=True), drawn(resting()))

    assert len(soup.select(".banner")) == 1


@pytest.mark.parametrize("meta", [{"source": "s", "series": "text", "marks": "Stale"}, {}])
def test_a_figures_own_meta_is_no_list_of_ours(meta: dict[str, Any]) -> None:
    made = go.Figure(layout={"meta": meta})

    assert page(shown(**{html.PLOTLY: json.loads(made.to_json())})).select("details.source") == []


def test_text_that_speaks_of_the_mark_does_not_set_it() -> None:
    soup = page(printed("stdout", '<p class="simulated">'))
    assert not banner(soup)
    assert soup.pre is not None
    assert soup.pre.text == '<p class="simulated">'


def test_only_what_a_reader_should_see_is_on_the_page() -> None:
    soup = page(
        printed("stderr", "a warning"),
        {"output_type": "error", "ename": "E", "evalue": "allowed", "traceback": ["a traceback"]},
        shown(text__plain="<Axes>", text__html="<p>rich</p>"),
    )
    assert soup.main is not None
    assert soup.main.get_text(" ", strip=True) == "T rich"


@pytest.mark.parametrize(
    "markup",
    [
        "<script>run()</script>",
        "<p onclick='run()'>",
        "<svg onload='run()'><image href='//example.org'/></svg>",
        "<p style='background: url(//example.org)'>",
        "<img src=https://example.org/a.png>",
        "<img srcset=//example.org/a.png onerror=run()>",
        "<iframe src=//example.org></iframe>",
        "<link rel=stylesheet href=//example.org>",
        "<style>@import '//example.org'</style>",
        "<form action=//example.org><input formaction=//example.org></form>",
        "<object data=//example.org></object>",
        "<meta http-equiv=refresh content='0;//example.org'>",
    ],
)
def test_nothing_in_a_notebooks_html_runs_or_loads(markup: str) -> None:
    for soup in (page(text=f"# T\n\n{markup}"), page(shown(text__html=markup))):
        assert soup.main is not None
        assert "run()" not in str(soup.main)
        assert "example.org" not in str(soup.main)


@pytest.mark.parametrize("markup", ["</div></main></body>", "<div><div>", "<!--", "<table><tr>"])
def test_unbalanced_html_stays_in_its_place(markup: str) -> None:
    soup = page(shown(text__html=markup), shown(text__html="<p id='after'>after</p>"))
    after = soup.find(id="after")
    assert after is not None
    assert after.parent is not None
    assert after.parent["class"] == ["block"]
    assert after.parent.parent is soup.main
    assert soup.footer is not None


def test_a_plain_table_is_put_into_a_box_that_scrolls() -> None:
    soup = page(shown(text__html="<table><tr><td>1</td></tr></table>"))
    assert soup.select_one("div.scroll > table") is not None


def test_markdown_is_rendered_and_a_dollar_is_money() -> None:
    soup = page(shown(text__markdown="From **$5** to $9.\n\n| a | b |\n|---|--:|\n| 1 | 2 |"))
    assert soup.strong is not None
    assert soup.strong.text == "$5"
    assert soup.select_one(".scroll > table td") is not None


def test_images_travel_in_the_page() -> None:
    soup = page(shown(image__png="aGk=\n"), shown(**{"image__svg+xml": "<svg></svg>"}))
    assert [image["src"] for image in soup("img")] == [
        "data:image/png;base64,aGk=",
        "data:image/svg+xml;base64,PHN2Zz48L3N2Zz4=",
    ]


def test_a_page_without_figures_carries_no_plotly_js() -> None:
    soup = page()
    assert soup.find(id="plotly-js") is None
    assert len(str(soup)) < 21_000


def test_a_page_without_a_heading_is_called_by_its_notebook() -> None:
    soup = page(text="only text")
    assert soup.title is not None
    assert soup.title.text == "a-question"


def test_a_figure_that_our_theme_did_not_make_keeps_its_margins() -> None:
    bare = go.Figure(layout={"margin": {"t": 7}, "width": 900, "title": "Its title"})
    block = html._figure(bare.to_plotly_json())
    assert '"margin":{"t":7}' in block.figure
    assert "900" not in block.figure
    assert (block.title, block.alt) == ("Its title", "Its title")


def plotted(*points: float, simulated: bool = False) -> dict[str, Any]:
    line = go.Scatter(x=list(range(len(points))), y=points, name="A & B")
    drawn = theme.finish(
        go.Figure(line, layout={"yaxis_title": "Price (USD)", "title": "Prices"}),
        origin=Origin.said("none", simulated=simulated),
        alt="It rises.",
    )
    return shown(**{html.PLOTLY: json.loads(drawn.to_json())})


def test_a_figures_data_are_a_table_and_a_file_behind_it() -> None:
    soup = page(plotted(1.5, 2, 3, simulated=True))
    data = soup.select_one("figure.plot > details.data")
    assert data is not None
    assert [head.text for head in data.select("thead th")] == ["Item", "A & B: Price (USD)"]
    assert [cell.text for cell in data.select("tbody td")] == ["1.5", "2", "3"]
    assert data.caption is not None
    assert data.caption.text == "Data of Prices"
    link = data.a
    assert link is not None
    assert link["download"] == "a-question-figure-1-simulated.csv"
    kind, content = str(link["href"]).split(",", 1)
    assert kind == "data:text/csv;charset=utf-8"
    assert unquote(content) == "Item,A & B: Price (USD)\n0,1.5\n1,2\n2,3\n"


def test_a_long_figures_table_is_thinned_and_says_so_while_its_file_has_all() -> None:
    soup = page(plotted(*range(1_000)))
    assert len(soup.select(".data tbody tr")) == html.ROWS_SHOWN
    note = soup.select_one(".data .note")
    assert note is not None
    assert note.text.startswith("60 of 1,000 rows, evenly spaced; the file has them all.")
    link = soup.select_one(".data a")
    assert link is not None
    assert unquote(str(link["href"])).count("\n") == 1_001


def test_a_figure_without_points_has_no_table_behind_it() -> None:
    assert page(figure(simulated=False)).select_one(".data") is None


def test_midnights_of_a_figure_are_written_short() -> None:
    days = pd.date_range("2026-07-01", periods=2)
    block = html._figure(json.loads(go.Figure(go.Scatter(x=days, y=[1, 2])).to_json()))
    assert '"x":["2026-07-01","2026-07-02"]' in block.figure


def test_four_headings_are_listed_before_the_first_of_them_and_three_are_not() -> None:
    few, many = (page(text="# T\n\nAnswer.\n" + "\n\n## One & <b>two</b>" * n) for n in (3, 4))
    assert few.nav is None
    assert many.nav is not None
    targets = [str(link["href"])[1:] for link in many.nav("a")]
    assert len(set(targets)) == 4
    assert [heading["id"] for heading in many("h2")] == targets
    assert {link.text for link in many.nav("a")} == {"One & two"}


def test_the_list_of_contents_stands_after_the_answer() -> None:
    answer = theme.answer("Rent.", origin=Origin.said("a test")).html
    soup = page(
        shown(text__html=answer),
        *[shown(text__markdown=f"## Why {at}") for at in range(4)],
    )
    assert soup.main is not None
    order = [each.name for each in soup.main.find_all(["section", "nav", "h2"])]
    assert order == ["section", "nav", "h2", "h2", "h2", "h2"]


def test_the_first_link_skips_to_the_report() -> None:
    soup = page()
    first = soup.body and soup.body.find("a")
    assert first
    assert soup.select_one(f"main{first['href']}") is not None


def test_a_plain_tables_heads_and_box_are_named_for_who_hears_them() -> None:
    soup = page(text="# T\n\n| a | b |\n|---|--:|\n| 1 | 2 |")
    assert [head["scope"] for head in soup("th")] == ["col", "col"]
    box = soup.select_one(".scroll")
    assert box is not None
    assert (box["role"], box["aria-label"]) == ("region", "Table")
