"""The twin holds everything that the page shows, and is the same for the same report."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from nbformat import reads
from plotly import graph_objects as go

from research.figures import theme
from research.origin import Origin, markup
from research.quality import Finding
from research.report import html, manifest, render, twin

QUICK = {"token-or-hardware": {"paths": "500", "horizon_months": "12"}}
RECORD = {
    "name": "akash.price_usd",
    "unit": "USD",
    "source": "coingecko",
    "attribution": "Data provided by CoinGecko",
    "kind": "vendor",
    "first": "2025-01-01",
    "last": "2025-03-19",
    "retrieved": "2025-03-20 06:00",
}
NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


def built(*outputs: dict[str, Any], text: str = "# T") -> dict[str, Any]:
    """Return the twin of a notebook that shows a text and then `outputs`."""
    code = {"cell_type": "code", "metadata": {}, "source": "code = 1", "execution_count": 1}
    cells = [
        {"id": "a", "cell_type": "markdown", "metadata": {}, "source": text},
        {"id": "b", **code, "outputs": list(outputs)},
    ]
    content = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return twin.build(
        reads(json.dumps(content), as_version=4),  # type: ignore[no-untyped-call]  # half typed
        name="a-question",
        parameters=[html.Shown(name="count", value="2", description="cards", changed=True)],
        simulated=False,
        as_of="2026-11-25T12:00:00+00:00",
    )


def shown(kind: str, value: Any) -> dict[str, Any]:
    return {"output_type": "display_data", "metadata": {}, "data": {kind: value}}


def table() -> dict[str, Any]:
    frame = pd.DataFrame({"Value": [1235.7, 7.25]}, index=pd.Index(["AKT", "<b>"], name="Token"))
    made = theme.table(frame, caption="What it is worth, USD", origin=Origin.said("by hand"))
    return shown("text/html", made.html)


def figure(*traces: go.Scatter) -> dict[str, Any]:
    drawn = go.Figure([*traces], layout={"title": "Wealth <b>by</b> month", "xaxis_title": "Month"})
    made = theme.finish(
        drawn, origin=Origin.said("akash.price_usd", simulated=True), alt="It rises to 4."
    )
    return shown(html.PLOTLY, json.loads(made.to_json()))


def test_a_table_is_kept_as_shown_with_its_caption_columns_and_source() -> None:
    block = built(table())["blocks"][1]

    assert block["kind"] == "table"
    assert block["caption"] == "What it is worth, USD"
    assert block["columns"] == [["Token", "Value"]]
    assert block["rows"] == [["AKT", "1,236"], ["<b>", "7.25"]]
    assert block["source"] == "by hand"


def test_a_figure_is_kept_with_its_numbers_even_where_plotly_packed_them() -> None:
    grid = np.array([[1.5, 2.0], [np.nan, 4.0]])
    packed = figure(
        go.Scatter(x=np.arange(3), y=np.array([3, np.nan, 4.25]), name="Held"),
        go.Heatmap(z=grid),
        go.Scatter(x=[1], y=[2], error_y={"array": [0.5]}),
    )
    assert "bdata" in json.dumps(packed)

    block = built(packed)["blocks"][1]

    assert block["title"] == "Wealth by month"
    assert (block["alt"], block["source"]) == ("It rises to 4.", "akash.price_usd")
    assert block["simulated"]
    assert block["axes"]["xaxis"]["title"] == "Month"
    held, heat, point = block["traces"]
    assert (held["name"], held["x"], held["y"]) == ("Held", [0, 1, 2], [3.0, None, 4.25])
    assert heat["z"] == [[1.5, 2.0], [None, 4.0]]
    assert point["error_y.array"] == [0.5]


def test_a_figure_and_a_table_are_kept_with_their_marks_and_each_series() -> None:
    price = SimpleNamespace(
        series="akash.price_usd",
        unit="USD",
        source="coingecko",
        kind="vendor",
        first=dt.date(2025, 1, 1),
        last=dt.date(2025, 3, 19),
        known_at=dt.datetime(2025, 3, 20, 6, tzinfo=dt.UTC),
    )
    old = Finding(
        level="warn", check="stale", series="akash.price_usd", source="coingecko", text="x",
        first=None, last=None,
    )  # fmt: skip
    origin = Origin.of([price], [old])
    line = theme.finish(go.Figure(go.Scatter(x=[1], y=[2])), origin=origin, alt="It rises.")
    rows = theme.table(pd.DataFrame({"a": [1]}), caption="c", origin=origin)

    told = built(shown(html.PLOTLY, json.loads(line.to_json())), shown("text/html", rows.html))

    assert told["marks"] == ["Stale data"]
    for block in told["blocks"][1:]:
        assert block["marks"] == ["Stale data"]
        assert block["source"] == origin.text
        assert block["series"] == [RECORD]


def test_blocks_stand_in_the_order_of_the_page() -> None:
    around = f"<p>before 1</p>{table()['data']['text/html']}<p>after 2</p>"
    blocks = built(shown("text/html", around), figure())["blocks"]

    assert [block["kind"] for block in blocks] == ["text", "text", "table", "text", "figure"]
    assert [block["text"] for block in blocks if block["kind"] == "text"] == [
        "T",
        "before 1",
        "after 2",
    ]


def test_what_a_reader_may_set_is_kept_with_all_that_it_may_say() -> None:
    grid = json.dumps({"parts": ["renting returns 5 %"]}).replace('"', "&quot;")
    blocks = built(shown("text/html", f'<div data-grid="{grid}"><p>It returns 4 %.</p></div>'))[
        "blocks"
    ]

    assert blocks[1] == {"kind": "what-if", "grid": {"parts": ["renting returns 5 %"]}}
    assert blocks[2] == {"kind": "text", "text": "It returns 4 %."}


def test_a_source_below_what_is_no_table_is_kept_with_its_series() -> None:
    line = markup.source_line("akash.price_usd (x); to 2025-03-19", [RECORD])
    blocks = built(shown("text/html", f"<div><p>It returns 4 %.</p>{line}</div>"))["blocks"]

    assert blocks[1:] == [
        {"kind": "text", "text": "It returns 4 %."},
        {
            "kind": "source",
            "source": "akash.price_usd (x); to 2025-03-19",
            "series": [RECORD],
        },
    ]


def test_title_time_parameters_mark_and_sources_are_told() -> None:
    told = built(table(), figure(), text="# Does it pay?")

    assert told["title"] == "Does it pay?"
    assert told["as_of"] == "2026-11-25T12:00:00+00:00"
    assert told["simulated"]  # by the mark on the figure
    assert told["marks"] == ["Simulated data"]
    assert told["sources"] == ["akash.price_usd", "by hand"]
    assert told["parameters"] == [
        {"name": "count", "value": "2", "description": "cards", "chosen": True}
    ]


def test_the_same_notebook_gives_the_same_bytes() -> None:
    one, other = (built(table(), figure(go.Scatter(y=[1, 2]))) for _ in range(2))

    assert manifest.to_bytes(one) == manifest.to_bytes(other)


def test_an_image_is_kept_by_its_hash_and_what_is_printed_as_text() -> None:
    printed = {"output_type": "stream", "name": "stdout", "text": "it took <5> days\n"}
    image, text = built(shown("image/png", "aGk="), printed)["blocks"][1:]

    assert image.keys() == {"kind", "alt", "sha256"}
    assert text == {"kind": "text", "text": "it took <5> days"}


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each of the project's reports on the simulated market."""
    name = request.param.stem
    out = tmp_path_factory.mktemp("pages")
    return render.report(name, QUICK.get(name, {}), store="sample", out=out)


def test_what_a_report_read_is_in_its_manifest(page: Path) -> None:
    read = manifest.read(page.with_suffix(manifest.SUFFIX))["series"]

    assert {each["source"] for each in read} == {"simulated market, seed 2026"}


def test_each_report_names_the_few_figures_that_its_answer_rests_on(page: Path) -> None:
    told = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))["headline"]

    assert 2 <= len(told["figures"]) <= 6
    assert told["sentence"]
    asks = page.stem.partition("--")[0] not in ("market-overview", "network-profile")
    assert bool(told["verdicts"]) == asks


def test_every_number_of_a_page_is_in_its_twin(page: Path) -> None:
    body = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser").body
    assert body is not None
    for unseen in body.select("script, style, footer"):  # the footer tells the time of writing
        unseen.decompose()

    seen = numbers(body.get_text(" "))
    held = {
        number
        for text in texts(json.loads(page.with_suffix(".json").read_text(encoding="utf-8")))
        for number in numbers(text)
    }

    assert len(seen) > 20
    assert not seen - held


def numbers(text: str) -> set[str]:
    """Return the numbers of a text as they are written, without what ends a sentence."""
    return {found.rstrip(".,") for found in re.findall(r"\d[\d.,]*", text)}


def texts(value: Any) -> Iterator[str]:
    """Yield every value of a twin, as text."""
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from texts(each)
    else:
        yield str(value)
