"""Strings of catalogue, imported files and parameters are shown as text, or refused in words.

A page made with two hundred hostile strings has, element by element, the structure of the same page
made with plain words.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from bs4 import BeautifulSoup, Tag

from research import catalogue
from research.errors import ParameterError, RefusedFileError, UsageError
from research.parameters import schema
from research.report import html, naming, render
from research.report.harmless import LINK, LOADING, readable
from research.sources.files import Reading, read_files
from research.store import Store
from tests.hostile import CALL, harmless, strings
from tests.hostile_pages import render_page

Write = Callable[..., Path]

HOSTILE, PLAIN = strings(), harmless(strings())
NOTEBOOKS = sorted(path.stem for path in (Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
SHOWING_ALL = ("network-profile", "token-or-hardware")  # events, risks: one line a string
NOW = dt.datetime(2026, 11, 25, tzinfo=dt.UTC)


def read(page: Path) -> BeautifulSoup:
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


def structure(soup: BeautifulSoup) -> list[tuple[str, ...]]:
    """Return each element with the names of its attributes, from top to bottom."""
    return [(element.name, *sorted(element.attrs)) for element in soup(True)]


def squeezed(text: str) -> str:
    return " ".join(text.split())


def cells(soup: BeautifulSoup) -> set[str]:
    return {squeezed(cell.get_text()) for cell in soup(["td", "th", "pre"])}


def missing(soup: BeautifulSoup, texts: list[str] = HOSTILE) -> list[str]:
    """Return the hostile strings that are not on a page, whole and as text."""
    shown = cells(soup)
    return [text for text in texts if squeezed(readable(text)) not in shown]


def dangers(soup: BeautifulSoup) -> list[str]:
    """Return what could run or load something, our own script and data left out."""
    found = [str(each) for each in soup(["iframe", "object", "embed", "base", "form", "link"])]
    found += [f"<script>{each.text:.80}" for each in soup("script") if not is_ours(each.text)]
    for element in soup(True):
        for name, value in element.attrs.items():
            leads = LINK.match(str(value)) or is_file(element)
            runs = name.startswith("on") or (name.endswith("href") and not leads)
            if runs or (name in LOADING and not str(value).startswith("data:")):
                found.append(f"<{element.name} {name}={value}")
    return found


def is_file(link: Tag) -> bool:
    """Say whether a link hands out a figure's numbers: a text to be saved, which nothing runs."""
    behind = link.find_parent("details", class_="data") is not None
    return behind and link.has_attr("download") and str(link["href"]).startswith("data:text/csv;")


def is_ours(script: str) -> bool:
    """Say whether a script is the page's, or data that nothing runs and that holds no tag."""
    return CALL not in script or (script.lstrip().startswith("{") and "<" not in script)


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_a_catalogue_of_hostile_strings_changes_no_element_of_a_page(
    notebook: str, tmp_path: Path
) -> None:
    hostile = read(render_page(notebook, HOSTILE, tmp_path / "hostile"))
    plain = read(render_page(notebook, PLAIN, tmp_path / "plain"))

    assert len(set(HOSTILE)) == 200
    assert (CALL in hostile.get_text()) == (notebook != "data-quality")  # which shows ids alone
    assert structure(hostile) == structure(plain)
    assert dangers(hostile) == []
    if notebook in SHOWING_ALL:
        assert missing(hostile) == []


def test_each_text_parameter_is_shown_as_text_or_refused(write: Write, tmp_path: Path) -> None:
    names = [f"text_{at:03}" for at in range(len(HOSTILE))]
    typed = "".join(f'{name}: str = "usual"  # any\n' for name in names)
    notebook = write(
        tmp_path / "texts.ipynb",
        "# Texts\n",
        f"from research.parameters import Count\n\n{typed}",
        "import pandas as pd\nfrom research.figures import theme\n"
        "from research.origin import Origin\n"
        f"texts = [{', '.join(names)}]\n"
        "for text in texts:\n    print(text)\n"
        "theme.answer(*texts, origin=Origin.said(texts[1]))\n",
        "theme.table(pd.DataFrame({'Text': texts}), caption=texts[0],"
        " origin=Origin.said(texts[1]))",
    )

    def made(texts: list[str]) -> BeautifulSoup:
        asked = dict(zip(names, texts, strict=True))
        return read(render.report(str(notebook), asked, out=tmp_path / texts[2][:1].strip("<")))

    hostile, plain = made(HOSTILE), made(PLAIN)

    assert structure(hostile) == structure(plain)
    assert dangers(hostile) == []
    assert missing(hostile) == []


@pytest.mark.parametrize("broken", ["\ud83d", "a\udcffb", "\ud83d\ude00"])
def test_broken_utf_16_is_refused_as_a_parameter_before_a_kernel_starts(
    broken: str, write: Write, tmp_path: Path
) -> None:
    notebook = write(
        tmp_path / "texts.ipynb", "from research.parameters import Count\nlabel: str = 'a'\n"
    )

    with pytest.raises(ParameterError, match=r"label=.*accepted is text in whole characters"):
        schema(notebook).check({"label": broken})


@pytest.mark.parametrize("name", ["network", "gpu", "tariff", "payout", "drift", "until", "paths"])
def test_a_parameter_that_names_something_refuses_every_hostile_string(name: str) -> None:
    accepted = schema(render.find("token-or-hardware"))

    for text in HOSTILE:
        with pytest.raises(ParameterError, match=f"{name}="):
            accepted.check({name: text})


def test_no_hostile_string_makes_a_report_leave_its_folder() -> None:
    for text in HOSTILE:
        name = naming.file_name("question", {"label": text, "store": text})
        assert Path(name).name == name
        assert name.isascii()
        assert len(name) < 200
        assert name.startswith("question--")


def imported(texts: list[str], folder: Path) -> str:
    """Import a file whose values have sources called `texts`; return the store."""
    folder.mkdir()
    frame = pd.DataFrame(
        {
            "date": "2026-01-01",
            "subject": "akash",
            "measure": "gpus_active",
            "value": [str(100 + at) for at in range(len(texts))],
            "source": texts,
        }
    )
    frame.to_parquet(folder / "mine.parquet")
    found = read_files(
        [folder / "mine.parquet"], Reading(), catalogue=catalogue.load(), now=NOW
    ).observations
    Store(str(folder / "store")).append(found)
    return str(folder / "store")


@pytest.mark.parametrize("notebook", ["data-quality", "network-profile"])
def test_sources_of_an_imported_file_are_shown_as_text(notebook: str, tmp_path: Path) -> None:
    pages = [
        read(
            render.report(
                notebook, {}, store=imported(texts, tmp_path / name), out=tmp_path / f"{name}-out"
            )
        )
        for texts, name in ((HOSTILE, "hostile"), (PLAIN, "plain"))
    ]

    assert structure(pages[0]) == structure(pages[1])
    assert dangers(pages[0]) == []
    if notebook == "data-quality":  # one line a source; the other reads one of them
        assert missing(pages[0], [text.strip() for text in HOSTILE]) == []  # as cells are read


@pytest.mark.parametrize("column", ["subject", "measure", "kind", "unit", "known_at", "value"])
def test_a_cell_that_names_something_refuses_a_hostile_string_and_the_row_is_named(
    column: str, tmp_path: Path
) -> None:
    row = {"date": "2026-01-01", "subject": "akash", "measure": "gpus_active", "value": "1"}
    row |= {"unit": "GPUs", "kind": "vendor", "known_at": "2026-01-05"}
    path = tmp_path / "mine.parquet"
    texts = [text for text in HOSTILE if text.strip()]
    pd.DataFrame([row | {column: text} for text in texts]).to_parquet(path)

    with pytest.raises((RefusedFileError, UsageError)) as refused:
        read_files([path], Reading(), catalogue=catalogue.load(), now=NOW)

    assert f"mine.parquet, row 2, column {column!r}" in str(refused.value)


def test_a_notebook_cannot_be_named_by_a_hostile_string() -> None:
    for text in HOSTILE:
        with pytest.raises(UsageError):
            render.find(text)


def test_figures_keep_their_line_breaks_and_show_every_other_tag(
    write: Write, tmp_path: Path
) -> None:
    path = write(
        tmp_path / "figure.ipynb",
        "# A figure\n",
        "import plotly.graph_objects as go\nfrom research.figures import theme\n"
        "from research.origin import Origin\n"
        "figure = go.Figure(go.Scatter(x=['one<br>two'], y=[1], name='<a href=\"//x\">y</a>',"
        " hovertemplate='%{y}<extra></extra>'))\n"
        "theme.finish(figure, origin=Origin.said('none'), alt='One.')",
    )

    script = read(render.report(str(path), {}, out=tmp_path)).select_one("figure script")

    assert script is not None
    trace = json.loads(script.text)["data"][0]
    assert trace["x"] == ["one<br>two"]
    assert trace["name"] == '&lt;a href="//x">y&lt;/a>'
    assert trace["hovertemplate"] == "%{y}<extra></extra>"


@pytest.mark.parametrize(
    ("source", "harmless"),
    [
        ("<a href=' JavaScript:x()'>y</a>", "<a>y</a>"),
        ("<a href='java\tscript:x()'>y</a>", "<a>y</a>"),
        ("<a href='data:text/html,x'>y</a>", "<a>y</a>"),
        ("<svg><a xlink:href='javascript:x()'></a></svg>", "<svg><a></a></svg>"),
        (
            "<svg><a><animate attributename='href' to='javascript:x()'/></a></svg>",
            "<svg><a></a></svg>",
        ),
        ("<a href='https://akash.network'>y</a>", '<a href="https://akash.network">y</a>'),
        ("<a href='#sources'>y</a>", '<a href="#sources">y</a>'),
    ],
)
def test_a_link_of_a_notebooks_own_html_leads_to_the_web_or_nowhere(
    source: str, harmless: str
) -> None:
    assert str(html._html(source).html) == harmless
