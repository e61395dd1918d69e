"""Ranges by grade, one figure at a time, and the variance of functions split in closed form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import triang

from research.errors import DataError, UsageError
from research.models.sensitivity import Uncertain, sobol, tornado

Floats = NDArray[np.float64]


def figure(name: str = "x", **given: Any) -> Uncertain:
    stated: dict[str, Any] = {"unit": "USD", "value": 1.0, "low": None, "high": None, "grade": "A"}
    return Uncertain(name=name, label=f"Figure {name}", **(stated | given))


# ranges


@pytest.mark.parametrize(
    ("grade", "half_width"),
    [("A", 0.05), ("B", 0.10), ("C", 0.25), ("D", 0.50), ("store", 0.05), ("given", 0.25)],
)
def test_without_a_stated_range_the_grade_gives_one(grade: str, half_width: float) -> None:
    wide = 200 * half_width
    assert figure(value=200.0, grade=grade).range == pytest.approx((200 - wide, 200 + wide))
    assert figure(value=-200.0, grade=grade).range == pytest.approx((-200 - wide, -200 + wide))


def test_a_stated_range_counts_only_if_both_ends_are_stated() -> None:
    assert figure(value=10.0, low=7.0, high=11.0, grade="D").range == (7, 11)
    assert figure(value=10.0, low=9.9, grade="D").range == (5, 15)


def test_a_range_never_leaves_the_bounds_of_its_unit() -> None:
    assert figure(unit="fraction", value=0.9, grade="D").range == (0.45, 1)
    assert figure(unit="correlation", value=-0.8, grade="D").range == pytest.approx((-1, -0.4))
    assert figure(unit="fraction", value=0.9, low=-0.1, high=1.2).range == (0, 1)


@given(st.floats(-5, 0), st.floats(0, 5), st.floats(0, 1), st.floats(0.001, 0.999))
@settings(max_examples=60, deadline=None)
def test_the_quantiles_are_those_of_two_half_triangles_that_meet_at_the_figure(
    low: float, width: float, mode: float, u: float
) -> None:
    width += 0.1
    value = min(max(low + mode * width, low), low + width)
    made = figure(value=value, low=low, high=low + width)
    # below the figure the law is a triangle rising to it, above one that falls from it
    rising, falling = triang(1, loc=low, scale=1e-9 + value - low), triang(0, loc=value,
                                                     scale=1e-9 + low + width - value)  # fmt: skip
    expected = rising.ppf(2 * u) if u < 0.5 else falling.ppf(2 * u - 1)
    assert float(made.quantile(u)) == pytest.approx(expected, abs=1e-6)
    assert float(made.quantile(0.5)) == pytest.approx(value)


def test_a_range_that_reaches_further_up_adds_doubt_and_no_optimism() -> None:
    lopsided = figure(value=1.0, low=0.9, high=5.0).quantile(np.linspace(0.0005, 0.9995, 1_000))
    assert float(np.median(lopsided)) == pytest.approx(1.0, abs=0.01)


def test_a_figure_without_width_is_the_same_at_every_percentile() -> None:
    sure = figure(value=0.0, grade="D")
    assert sure.quantile(np.array([0, 0.3, 1])) == pytest.approx([0, 0, 0])


def test_figures_that_cannot_be_are_refused() -> None:
    with pytest.raises(DataError, match="was a percentage passed"):
        figure(unit="fraction", value=60.0)
    with pytest.raises(DataError, match="outside of its range 2 to 3"):
        figure(value=1.0, low=2.0, high=3.0)
    with pytest.raises(DataError, match="nan"):
        figure(value=float("nan"))
    with pytest.raises(UsageError, match="grade 'E' has no width; accepted are A, B, C, D"):
        figure(grade="E")


# one at a time


def test_a_tornado_moves_each_figure_alone_to_both_percentiles_of_its_law() -> None:
    x = figure("x", value=1.0, low=0.0, high=2.0)
    y = figure("y", value=3.0, low=3.0, high=5.0)

    def outcome(at: Mapping[str, float]) -> float:
        return at["x"] + 10 * at["y"]

    found = tornado([x, y], outcome)
    assert found.base == 31
    by_name = {bar.name: bar for bar in found.bars}
    # 0 + 1 * sqrt(2 * 0.1); nothing below the figure, above it 5 - 2 * sqrt(2 * (1 - u))
    assert by_name["x"].at_low - 31 == pytest.approx(np.sqrt(0.2) - 1)
    assert by_name["x"].at_high - 31 == pytest.approx(1 - np.sqrt(0.2))
    assert by_name["y"].low == 3
    assert by_name["y"].at_high == pytest.approx(1 + 10 * (5 - 2 * np.sqrt(0.2)))
    assert [bar.name for bar in found.bars] == ["y", "x"]


def test_the_bar_says_at_which_end_the_outcome_changes_its_sign() -> None:
    tariff = figure("tariff", value=0.2, low=0.0, high=0.8)
    rate = figure("rate", value=0.3, low=0.25, high=0.35)

    def gain(at: Mapping[str, float]) -> float:
        return at["rate"] - at["tariff"]

    flips = {bar.name: bar.flips for bar in tornado([tariff, rate], gain).bars}
    assert flips == {"tariff": ("high",), "rate": ()}


def test_an_outcome_of_zero_has_no_sign_to_change() -> None:
    found = tornado([figure("x", value=1.0, grade="D")], lambda at: at["x"] - 1)
    assert found.bars[0].flips == ()
    assert found.bars[0].swing > 0


def test_a_figure_that_plays_no_part_has_no_swing_and_comes_last() -> None:
    found = tornado([figure("idle", grade="D"), figure("x")], lambda at: at["x"])
    assert [bar.name for bar in found.bars] == ["x", "idle"]
    assert found.bars[1].swing == 0


def test_the_summary_of_a_tornado_has_a_row_a_figure() -> None:
    summary = tornado([figure("x", grade="D"), figure("y")], lambda at: at["x"] - 0.8).summary()
    assert list(summary.index) == ["x", "y"]
    assert list(summary["flips"]) == ["low", "neither"]
    assert summary.notna().all(axis=None)


def test_a_tornado_needs_named_figures_and_an_outcome_that_is_a_number() -> None:
    with pytest.raises(UsageError, match="different names"):
        tornado([figure("x"), figure("x")], lambda at: at["x"])
    with pytest.raises(UsageError, match="different names"):
        tornado([], lambda at: at["x"])
    with pytest.raises(DataError, match="nan with x at"):
        tornado([figure("x")], lambda at: float("nan") if at["x"] < 1 else 1.0)


# all at once


def uniform(x: Floats) -> Floats:
    """Return the probabilities of the symmetric triangular law on [-1, 1]."""
    return np.asarray(np.where(x < 0, (x + 1) ** 2 / 2, 1 - (1 - x) ** 2 / 2))


def ishigami(rows: Floats) -> Floats:
    x = np.pi * (2 * uniform(rows) - 1)
    return np.asarray(
        np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])
    )


def test_the_shares_of_the_ishigami_function_are_those_of_its_closed_form() -> None:
    inputs = [figure(name, value=0.0, low=-1.0, high=1.0) for name in ("x1", "x2", "x3")]
    found = sobol(inputs, ishigami, n=16_384, seed=0)  # errors of 0.0012 at most, one deviation
    by_name = {share.name: share for share in found.shares}
    closed = {
        "x1": (0.31390519, 0.55758886),
        "x2": (0.44241114, 0.44241114),
        "x3": (0.0, 0.24368366),
    }
    for name, (first, total) in closed.items():
        assert by_name[name].first == pytest.approx(first, abs=0.005)
        assert by_name[name].total == pytest.approx(total, abs=0.005)
        for interval, truth in (
            (by_name[name].first_interval, first),
            (by_name[name].total_interval, total),
        ):
            assert interval is not None
            assert interval.low <= truth <= interval.high
    assert [share.name for share in found.shares] == ["x1", "x2", "x3"]
    assert found.mean == pytest.approx(3.5, abs=0.005)
    assert found.std**2 == pytest.approx(13.844588, rel=0.01)
    assert found.nobs == 16_384 * 5


def test_a_sum_is_split_by_the_variances_of_the_laws() -> None:
    # symmetric ranges, where the law is the triangular one
    a, b = figure("a", value=1.5, low=0.0, high=3.0), figure("b", value=1.0, low=0.0, high=2.0)
    found = sobol([a, b], lambda rows: np.asarray(rows @ np.array([1.0, 2.0])), n=512, seed=3)
    variances = np.array([triang(0.5, scale=3).var(), 4 * triang(0.5, scale=2).var()])
    by_name = {share.name: share for share in found.shares}
    for name, truth in zip("ab", variances / variances.sum(), strict=True):
        assert by_name[name].first == pytest.approx(truth, abs=0.02)
        assert by_name[name].total == pytest.approx(truth, abs=0.02)


def test_a_figure_without_width_has_a_share_of_zero() -> None:
    found = sobol([figure("x", grade="D"), figure("sure", value=0.0)],
                  lambda rows: np.asarray(rows.sum(axis=1)), n=64, seed=1)  # fmt: skip
    sure = found.shares[-1]
    assert (sure.name, sure.first, sure.total) == ("sure", 0, 0)


def test_an_outcome_that_never_varies_has_no_shares_and_says_why() -> None:
    found = sobol([figure("x"), figure("y")], lambda rows: np.full(len(rows), 0.1), n=64, seed=1)
    assert found.reason == "the outcome does not vary with any of the figures"
    assert {(share.first, share.total, share.first_interval) for share in found.shares} == {
        (None, None, None)
    }
    assert found.summary()[["first", "total_low"]].isna().all(axis=None)


def test_an_outcome_that_varies_in_too_few_draws_has_no_shares_and_says_why() -> None:
    def rare(rows: Floats) -> Floats:
        found = np.zeros(len(rows))
        found[1] = 1.0  # a row that mixes both samples: neither of them varies
        return found

    found = sobol([figure("x"), figure("y")], rare, n=64, seed=1)
    assert found.reason is not None
    assert "too few draws" in found.reason


@pytest.mark.parametrize("seed", [0, 7])
def test_the_same_seed_gives_the_same_shares_and_intervals(seed: int) -> None:
    inputs = [figure("x", grade="D"), figure("y", grade="C")]

    def product(rows: Floats) -> Floats:
        return np.asarray(rows[:, 0] * rows[:, 1])

    assert sobol(inputs, product, n=64, seed=seed) == sobol(inputs, product, n=64, seed=seed)


def test_sobol_refuses_what_it_cannot_answer() -> None:
    inputs = [figure("x")]
    with pytest.raises(UsageError, match="powers of 2"):
        sobol(inputs, lambda rows: np.asarray(rows[:, 0]), n=1000, seed=1)
    with pytest.raises(DataError, match="192 outcomes were asked for"):
        sobol(inputs, lambda rows: np.asarray(rows[:3, 0]), n=64, seed=1)
    with pytest.raises(DataError, match=r"not a number at \{'x':"):
        sobol(inputs, lambda rows: np.full(len(rows), np.nan), n=64, seed=1)
    with pytest.raises(UsageError, match="seed"):
        sobol(inputs, lambda rows: np.asarray(rows[:, 0]), n=64, seed=-1)
