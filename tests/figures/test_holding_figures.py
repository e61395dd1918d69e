"""The holding side's tables say what the results hold, and its picture keeps every trough."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from research.figures import holding as figures
from research.figures.theme import Markup
from research.models.drawdowns import Drawdowns, drawdowns
from research.models.liquidity import Liquidity, liquidity
from research.models.returns import simple_returns
from research.models.sharpe import deflated_sharpe, probabilistic_sharpe
from research.models.tails import Tail, tail
from research.origin import Origin

FALLING = [100.0, 120, 90, 60, 80, 150, 120]


def closes(values: object, name: str = "AKT") -> pd.Series[float]:
    prices = np.asarray(values, dtype=float)
    days = pd.date_range("2020-01-01", periods=len(prices), freq="D", tz="UTC")
    return pd.Series(prices, index=days, name=name)


def walk(n_days: int, name: str = "AKT", seed: int = 1) -> pd.Series[float]:
    moves = np.random.default_rng(seed).standard_t(4, n_days) * 0.03
    return closes(np.exp(np.cumsum(moves)), name)


def market(name: str = "AKT", unbonding_days: float = 0) -> Liquidity:
    return liquidity(
        walk(60, name),
        closes(np.full(60, 1e6)),
        position_usd=10_000,
        fee=0.001,
        half_spread=0.0015,
        unbonding_days=unbonding_days,
    )


@pytest.fixture(scope="module")
def akash_tail() -> Tail:
    return tail(simple_returns(walk(700)), replications=5)


def drawn(results: list[Drawdowns], *, simulated: bool = False) -> go.Figure:
    figure = figures.plot_drawdowns(results, origin=Origin.said("a test", simulated=simulated))
    assert isinstance(figure, go.Figure)
    return figure


# Tables

TABLES: list[Callable[[bool], Markup]] = [
    lambda simulated: figures.show_liquidity(
        [market()], origin=Origin.said("a test", simulated=simulated)
    ),
    lambda simulated: figures.show_sharpe_doubts(
        [probabilistic_sharpe(simple_returns(walk(100)))],
        origin=Origin.said("a test", simulated=simulated),
    ),
    lambda simulated: figures.show_drawdowns(
        [drawdowns(closes(FALLING))], origin=Origin.said("a test", simulated=simulated)
    ),
]


@pytest.mark.parametrize("show", TABLES)
def test_every_table_names_its_source_and_is_marked_where_simulated(
    show: Callable[[bool], Markup],
) -> None:
    assert "Source: a test" in show(False).html
    assert "Simulated data" in show(True).html
    assert "Simulated data" not in show(False).html


def test_liquidity_has_a_column_a_token_and_unbonding_only_where_there_is_any() -> None:
    plain = figures.show_liquidity([market(), market("IO")], origin=Origin.said("")).html
    staked = figures.show_liquidity([market("IO", 14)], origin=Origin.said("")).html
    assert ">AKT</th>" in plain
    assert ">IO</th>" in plain
    assert ">1,000,000 USD</td>" in plain
    assert "unstaked" not in plain
    assert "unstaked" in staked


def test_sharpe_doubts_give_the_chance_the_record_and_the_luck_where_one_was_chosen() -> None:
    returns = {
        name: simple_returns(walk(400, name, seed)) for name, seed in (("AKT", 1), ("IO", 2))
    }
    plain = [probabilistic_sharpe(each) for each in returns.values()]
    best = deflated_sharpe(returns["AKT"], trial_sharpes=[each.sharpe for each in plain])

    html = figures.show_sharpe_doubts(plain, [best], origin=Origin.said("")).html

    luck = html.split("by luck alone</th>")[1].split("</tr>")[0]
    assert f">{best.luck:.2f}</td>" in luck
    assert luck.count("–") == 1  # IO was not chosen from others
    assert html.count("Chance that the true ratio is above 0<") == 1
    assert "Assumed" not in html  # it stands in the caption, once
    assert "independent" in html


def test_falls_are_rows_of_their_token_and_a_sentence_says_where_it_stands() -> None:
    results = [drawdowns(closes(FALLING)), drawdowns(closes([1, 2, 3], "IO"))]

    html = figures.show_drawdowns(results, origin=Origin.said("")).html

    assert html.count('<th scope="row" class="word">AKT</th>') == 2
    assert ">-50.0 %</td>" in html
    assert (
        "AKT: 2 falls in 7 days, below an earlier high on 57 % of them; on the last day 20 %"
        in (html)
    )
    assert "IO: never closed below an earlier price in 3 days." in html


def test_tokens_that_never_fell_have_a_sentence_and_no_empty_table() -> None:
    html = figures.show_drawdowns([drawdowns(closes([1, 2, 3]))], origin=Origin.said("")).html
    assert "<table>" not in html


def test_the_tail_is_a_column_and_where_it_may_not_be_used_a_sentence(akash_tail: Tail) -> None:
    refused = {"IO": "tail of IO: 21 losses beyond the threshold, 50 needed; widen the window"}

    html = figures.show_tail(
        [akash_tail], refused, origin=Origin.said("a test", simulated=True)
    ).html

    assert f">{akash_tail.summary()['1 % value at risk']}</td>" in html
    assert "IO: extreme value theory may not be used here. Tail of IO: 21 losses" in html
    assert "Simulated data" in html
    assert "bootstrap" not in html


def test_without_any_tail_there_are_the_sentences_alone() -> None:
    html = figures.show_tail([], {"IO": "too few losses"}, origin=Origin.said("")).html
    assert "Too few losses." in html
    assert "<table>" not in html


# The picture


def test_the_picture_has_titles_with_units_and_says_its_numbers_to_the_blind() -> None:
    layout = drawn([drawdowns(closes(FALLING))], simulated=True).layout
    assert layout.xaxis.title.text == "Day (UTC)"
    assert layout.yaxis.title.text == "Below the highest close so far (%)"
    assert "AKT fell by up to 50 % and stands 20 % below on 2020-01-07" in layout.meta["alt"]
    assert "SIMULATED DATA" in [note.text for note in layout.annotations]


def test_a_line_is_the_loss_since_the_high_in_percent() -> None:
    (line,) = drawn([drawdowns(closes(FALLING))]).data
    assert line.name == "AKT"
    assert list(line.y) == [0, 0, -25, -50, -33.3, 0, -20]


@pytest.mark.parametrize("n_days", [1, 2, 399, 400, 401, 402, 797, 1_000, 2_269, 3_001])
def test_a_line_has_at_most_400_points_and_keeps_its_first_last_and_deepest(n_days: int) -> None:
    result = drawdowns(walk(n_days, seed=n_days))
    (line,) = drawn([result]).data
    assert len(line.x) <= 400
    assert (line.x[0], line.x[-1]) == (result.losses.index[0], result.losses.index[-1])
    assert min(line.y) == pytest.approx(100 * result.losses.min(), abs=0.06)
    assert line.y[-1] == pytest.approx(100 * result.now, abs=0.06)
    assert pd.DatetimeIndex(line.x).is_monotonic_increasing


def test_many_tokens_are_told_apart_by_their_dashes_once_colours_repeat() -> None:
    lines = drawn([drawdowns(closes(FALLING, f"T{number}")) for number in range(8)]).data
    assert [line.line.dash for line in lines] == ["solid"] * 6 + ["dash"] * 2


def test_without_a_token_the_picture_is_a_sentence() -> None:
    said = figures.plot_drawdowns([], origin=Origin.said("a test"))
    assert isinstance(said, Markup)
    assert "No token has a price" in said.html
