"""What a figure draws, told again as a table and a file."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from plotly import graph_objects as go
from plotly.subplots import make_subplots

from research.report import figure_data
from research.report.figure_data import Table


def told(figure: go.Figure) -> Table:
    found = figure_data.table(json.loads(figure.to_json()))
    assert found is not None
    return found


def titled(*traces: Any, x: str = "Month", y: str = "USD a month", **layout: Any) -> go.Figure:
    return go.Figure(traces, layout={"xaxis_title": x, "yaxis_title": y, **layout})


def test_series_with_the_same_keys_stand_side_by_side_under_name_and_unit() -> None:
    rent = go.Bar(name="Rent", x=[1, 2], y=np.array([3.5, 4.5]))
    power = go.Scatter(name="Power", x=np.array([2, 3], dtype="i1"), y=[-1, np.nan])
    assert told(titled(rent, power)) == Table(
        ("Month", "Rent: USD a month", "Power: USD a month"),
        ((1, 3.5, None), (2, 4.5, -1), (3, None, None)),
    )


@pytest.mark.parametrize("dtype", ["f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4"])
def test_every_typed_array_of_plotly_is_read(dtype: str) -> None:
    numbers = np.array([0, 1, 100], dtype=dtype)
    trace = json.loads(go.Figure(go.Scatter(x=numbers, y=numbers)).to_json())["data"][0]
    assert trace["x"]["dtype"] == dtype
    assert figure_data.table({"data": [trace], "layout": {}}) == Table(
        ("Item", "Value"), ((0, 0), (1, 1), (100, 100))
    )


def test_days_are_written_without_their_midnight_and_times_with_their_minute() -> None:
    days = pd.to_datetime(["2026-07-01", "2026-07-02"])
    assert [row[0] for row in told(titled(go.Scatter(x=days, y=[1, 2]))).rows] == [
        "2026-07-01",
        "2026-07-02",
    ]
    assert told(titled(go.Scatter(x=days, y=[1, 2]), x="")).columns[0] == "Day (UTC)"
    noon = [pd.Timestamp("2026-07-01 12:30")]
    assert told(titled(go.Scatter(x=noon, y=[1]))).rows[0][0] == "2026-07-01T12:30:00"


def test_the_two_lines_of_a_band_are_its_bounds() -> None:
    low = go.Scatter(x=[1, 2], y=[5, 6], mode="lines")
    high = go.Scatter(x=[1, 2], y=[7, 4], mode="lines", fill="tonexty", name="Range")
    assert told(titled(low, high)) == Table(
        ("Month", "Range, lower: USD a month", "Range, upper: USD a month"),
        ((1, 5, 7), (2, 4, 6)),
    )


def test_an_outline_that_goes_there_and_back_is_a_band_and_any_other_is_its_points() -> None:
    fan = go.Scatter(x=[1, 2, 2, 1], y=[3, 4, 9, 8], fill="toself", name="Fan")
    assert told(titled(fan)).rows == ((1, 3, 8), (2, 4, 9))
    triangle = go.Scatter(x=[1, 2, 1, 1], y=[0, 1, 2, 0], fill="toself")
    assert told(titled(triangle)).rows == ((1, 0), (2, 1), (1, 2), (1, 0))


def test_an_interval_is_two_columns_more() -> None:
    error = {"array": [1, 2], "arrayminus": [0.5, 0.25]}
    assert told(titled(go.Scatter(x=[1, 2], y=[10, 20], error_y=error, name="Mean"))) == Table(
        (
            "Month",
            "Mean: USD a month",
            "Mean, lower: USD a month",
            "Mean, upper: USD a month",
        ),
        ((1, 10, 9.5, 11), (2, 20, 19.75, 22)),
    )


def test_a_floating_bar_says_where_it_begins_and_ends() -> None:
    bar = go.Bar(x=[-1, 2], y=["Fee<br>10 %", "R&amp;D"], base=[4, 3], orientation="h")
    assert told(titled(bar, x="USD", y="")) == Table(
        ("Item", "From: USD", "To: USD"), (("Fee 10 %", 4, 3), ("R&D", 3, 5))
    )


def test_points_over_named_places_are_listed_by_place() -> None:
    dots = go.Scatter(x=[0.25], y=["as assumed"], mode="markers", name="Median")
    assert told(titled(dots, y="Inputs")).rows == (("as assumed", 0.25),)


def test_curves_with_points_of_their_own_stand_one_below_the_other() -> None:
    one = go.Scatter(x=[1, 2], y=[3, 4], name="AKT")
    other = go.Scatter(x=[1.5, 2.5], y=[5, 6], name="BTC")
    assert told(titled(one, other, x="USD", y="Share (%)")) == Table(
        ("Series", "USD", "Share (%)"),
        (("AKT", 1, 3), ("AKT", 2, 4), ("BTC", 1.5, 5), ("BTC", 2.5, 6)),
    )


def test_a_key_that_comes_twice_keeps_both_its_points() -> None:
    assert told(titled(go.Scatter(x=[1, 1], y=[3, 4], text=["a", "b"]))) == Table(
        ("Month", "USD a month", "Label"), ((1, 3, "a"), (1, 4, "b"))
    )


def test_a_line_that_only_joins_shown_points_is_not_told_again() -> None:
    line = go.Scatter(x=[1, 2], y=[3, 4], mode="lines")
    dots = go.Scatter(x=[1, 2], y=[3, 4], mode="markers", name="Mixes")
    assert told(titled(line, dots)).columns == ("Month", "Mixes: USD a month")
    assert told(titled(line)).columns == ("Month", "USD a month")


def test_panels_are_told_apart_by_their_headings() -> None:
    figure = make_subplots(rows=2, shared_xaxes=True, subplot_titles=["Hold", "Rent"])
    for row in (1, 2):
        figure.add_scatter(x=[1, 2], y=[row, row], name="middle", row=row, col=1)
    figure.update_yaxes(title="USD").update_xaxes(title="Month", row=2)
    assert told(figure) == Table(("Month", "Hold: USD", "Rent: USD"), ((1, 1, 2), (2, 1, 2)))


def test_a_repeated_name_is_numbered() -> None:
    same = go.Scatter(x=[1], y=[3], name="Rent")
    assert told(titled(same, same)).columns[2] == "Rent: USD a month (2)"


@pytest.mark.parametrize(
    "trace", [go.Pie(values=[1]), go.Heatmap(x=[1], y=[1], z=[[1]]), go.Scatter(), None]
)
def test_what_has_no_points_with_an_x_and_a_y_has_no_table(trace: Any) -> None:
    figure = json.loads(go.Figure(trace).to_json())
    assert figure_data.table(figure) is None


def test_a_long_table_is_thinned_evenly_and_keeps_its_ends() -> None:
    long = Table(("n",), tuple((at,) for at in range(1_000)))
    thin = [int(str(row[0])) for row in long.thinned(60).rows]
    assert (len(thin), thin[0], thin[-1]) == (60, 0, 999)
    assert {later - now for now, later in pairwise(thin)} == {16, 17}
    assert long.thinned(1_000) is long


def test_a_file_keeps_ten_digits_and_nothing_in_it_is_a_formula() -> None:
    table = Table(("=1+1", "USD"), (("@cmd", 1 / 3), ('a "b", c', None), ("-5 °C", -2.0)))
    assert table.csv() == ('\'=1+1,USD\n\'@cmd,0.3333333333\n"a ""b"", c",\n\'-5 °C,-2\n')


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        (None, "–"),
        ("a", "a"),
        (1234567.8, "1,234,568"),
        (0.123456, "0.1235"),
        (3, "3"),
        (-0.0, "0"),
    ],
)
def test_a_cell_is_shown_with_four_significant_digits(cell: Any, shown: str) -> None:
    assert figure_data.text(cell) == shown


def test_a_name_that_is_only_a_tag_stays_to_be_read() -> None:
    named = told(titled(go.Scatter(x=[1], y=[1], name="<script>")))
    assert named.columns[1] == "<script>: USD a month"
