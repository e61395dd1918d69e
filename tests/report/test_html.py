"""What a notebook's outputs become on the page, without running one."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from nbformat import reads
from plotly import graph_objects as go

from research.figures import theme
from research.report import html

NOW = dt.datetime(2026, 11, 22, 21, 39, tzinfo=dt.UTC)


def page(*outputs: dict[str, Any], text: str = "# T", simulated: bool = False) -> BeautifulSoup:
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
    )
    return BeautifulSoup(rendered, "html.parser")


def shown(**data: Any) -> dict[str, Any]:
    kinds = {kind.replace("__", "/"): value for kind, value in data.items()}
    return {"output_type": "display_data", "metadata": {}, "data": kinds}


def printed(name: str, text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def figure(*, simulated: bool) -> dict[str, Any]:
    drawn = theme.finish(go.Figure(), source="none", simulated=simulated, alt="Nothing.")
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
        theme.answer("Rent.", simulated=simulated)
        if kind == "answer"
        else theme.table(pd.DataFrame({"a": [1]}), caption="c", source="s", simulated=simulated)
    )
    assert banner(page(shown(text__html=made.html))) == simulated


def test_a_page_from_simulated_input_is_marked_even_if_nothing_on_it_is() -> None:
    assert banner(page(simulated=True))
    assert not banner(page(figure(simulated=False)))


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
    assert len(str(soup)) < 20_000


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
