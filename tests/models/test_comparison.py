from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from research.errors import DataError
from research.models.comparison import LEVELS, Comparison, compare, probability_of_beating
from research.models.wealth import certainty_equivalent, expected_shortfall, max_drawdown

Floats = NDArray[np.float64]


def paths_to(terminal: ArrayLike, n_months: int = 1) -> Floats:
    """Wealth that stands at 1 until the last month."""
    ends = np.asarray(terminal, dtype=float)
    return np.vstack([np.ones((n_months, ends.size)), ends])


@pytest.fixture(scope="module")
def lognormal() -> Floats:
    """The quantiles of exp(N(0.2 - 0.9^2 / 2, 0.9^2)), a sample without sampling error."""
    z = ndtri((np.arange(2_000_000) + 0.5) / 2_000_000)
    return np.asarray(np.exp(0.2 - 0.405 + 0.9 * z))


# one lottery, known in closed form


def test_the_outcome_of_a_lognormal_dollar_is_the_textbook_s(lognormal: Floats) -> None:
    comparison = compare({"token": paths_to(lognormal)})
    outcome = comparison.outcomes["token"]
    assert outcome.mean == pytest.approx(1.22140276, abs=1e-4)
    assert outcome.median == pytest.approx(0.81464732, abs=1e-6)
    assert outcome.terminal.std() == pytest.approx(1.36442660, abs=1e-3)
    assert outcome.p_loss.value == pytest.approx(0.59009050, abs=1e-6)
    assert outcome.quantiles[0.05].iloc[1] == pytest.approx(0.18537615, abs=1e-6)
    assert outcome.expected_shortfall == pytest.approx(1 - 0.13352809, abs=1e-5)
    assert outcome.certainty_equivalent == pytest.approx(0.54335087, abs=1e-4)
    assert outcome.ruined == 0


@pytest.mark.parametrize(
    ("risk_aversion", "value", "tolerance"),
    [(1, 0.81464732, 1e-6), (2, 0.54335087, 1e-4), (5, 0.16121764, 3e-3)],
)
def test_the_certainty_equivalent_of_a_lognormal_dollar(
    lognormal: Floats, risk_aversion: float, value: float, tolerance: float
) -> None:
    # at 5 a tenth of the expectation lies in paths rarer than one in two million
    assert certainty_equivalent(lognormal, risk_aversion) == pytest.approx(value, abs=tolerance)


@pytest.mark.parametrize(
    ("risk_aversion", "value"),
    [(0, 1.25), (1, 1.0), (2, 0.8), (5, (0.5 * (0.5**-4 + 2**-4)) ** -0.25)],
)
def test_half_or_double_is_worth_what_risk_aversion_says(
    risk_aversion: float, value: float
) -> None:
    assert certainty_equivalent(np.array([0.5, 2.0]), risk_aversion) == pytest.approx(value)


def test_a_sure_dollar_is_worth_a_dollar() -> None:
    for risk_aversion in (1, 2, 5):
        assert certainty_equivalent(np.ones(7), risk_aversion) == pytest.approx(1)


def test_ruin_is_kept_in_the_quantiles_and_floored_and_flagged_in_the_certainty_equivalent() -> (
    None
):
    outcome = compare({"rent": paths_to([-0.5, 0.0, 1.0, 1.0])}).outcomes["rent"]
    assert outcome.terminal.min() == -0.5
    assert outcome.quantiles[0.05].iloc[1] == pytest.approx(-0.5 + 0.15 * 0.5)
    assert outcome.ruined == 0.5
    assert outcome.certainty_equivalent == pytest.approx(1 / np.mean([1_000, 1_000, 1, 1]))
    assert outcome.expected_shortfall == pytest.approx(1.5)


def test_what_is_left_of_a_dollar_below_a_tenth_of_a_cent_counts_as_ruin() -> None:
    outcome = compare({"rent": paths_to([0.0009, 0.001, 1.0, 1.0])}).outcomes["rent"]
    assert outcome.ruined == 0.25
    assert outcome.certainty_equivalent == pytest.approx(1 / np.mean([1_000, 1_000, 1, 1]))


# shortfall and drawdown


def test_the_expected_shortfall_is_the_mean_loss_of_the_worst_twentieth() -> None:
    wealth = np.arange(100, 0, -1) / 100  # worst: 0.01 .. 0.05; the quantile lies above 0.05
    assert expected_shortfall(wealth) == pytest.approx(1 - 0.03)


def test_a_gain_on_the_worst_paths_is_a_negative_shortfall() -> None:
    assert expected_shortfall(np.full(5, 1.1)) == pytest.approx(-0.1)


def test_the_drawdown_is_the_deepest_fall_from_the_highest_month_end() -> None:
    wealth = np.array([100, 120, 90, 60, 80, 150])[:, None] / 100
    assert max_drawdown(wealth) == pytest.approx([-0.5])


def test_each_path_has_a_drawdown_of_its_own() -> None:
    wealth = np.array([[1.0, 1.0, 1.0], [2.0, 0.9, 1.1], [1.5, 0.7, 1.2], [1.8, 0.8, 1.3]])
    assert max_drawdown(wealth) == pytest.approx([-0.25, -0.3, 0])


def test_the_dollar_put_in_is_the_first_high_so_that_buying_costs_a_fall() -> None:
    assert max_drawdown(np.array([[0.9], [0.95]])) == pytest.approx([-0.1])


def test_wealth_below_zero_is_a_fall_of_everything() -> None:
    assert max_drawdown(np.array([[1.0], [-3.0], [2.0]])) == pytest.approx([-1])


def test_the_drawdown_of_an_outcome_is_that_of_the_middle_path() -> None:
    wealth = np.array([[1.0, 1.0, 1.0], [0.9, 0.5, 0.1], [1.0, 1.0, 1.0]])
    assert compare({"hold": wealth}).outcomes["hold"].max_drawdown == pytest.approx(-0.5)


# who beats whom


def test_the_probability_of_beating_is_the_closed_form_of_two_lognormals() -> None:
    n_paths = 400_000
    first, second = np.random.Generator(np.random.SFC64(3)).standard_normal((2, n_paths))
    one = np.exp(0.1 + 0.9 * first)
    other = np.exp(0.05 + 0.6 * (0.6 * first + 0.8 * second))
    spread = np.sqrt(0.9**2 + 0.6**2 - 2 * 0.6 * 0.9 * 0.6)
    assert ndtr(0.05 / spread) == pytest.approx(0.52758661, abs=5e-9)
    found = probability_of_beating(one, other)
    assert found.value == pytest.approx(0.52758661, abs=4 * found.std_error)
    assert found.std_error == pytest.approx(np.sqrt(0.5276 * 0.4724 / n_paths), rel=1e-3)
    assert found.nobs == n_paths


def test_equal_alternatives_beat_each_other_half_of_the_time() -> None:
    wealth = paths_to([0.3, 0.3, 2.0])
    comparison = compare({"rent": wealth, "hold": wealth})
    assert comparison.beats("rent", "hold").value == 0.5
    assert comparison.beats("hold", "hold").value == 0.5


@settings(max_examples=50, deadline=None)
@given(
    arrays(float, 9, elements=st.floats(-1, 3)),
    arrays(float, 9, elements=st.floats(-1, 3)),
)
def test_what_one_wins_the_other_loses(one: Floats, other: Floats) -> None:
    comparison = compare({"rent": paths_to(one), "hold": paths_to(other)})
    wins, losses = comparison.beats("rent", "hold"), comparison.beats("hold", "rent")
    assert wins.value + losses.value == pytest.approx(1)


@settings(max_examples=50, deadline=None)
@given(arrays(float, 9, elements=st.floats(-1, 3)), st.floats(0, 1))
def test_what_is_never_behind_is_no_worse_in_any_figure(wealth: Floats, more: float) -> None:
    comparison = compare({"less": paths_to(wealth), "more": paths_to(wealth + more)})
    less, better = comparison.outcomes["less"], comparison.outcomes["more"]
    assert comparison.beats("more", "less").value >= 0.5
    assert (better.quantiles >= less.quantiles).all(axis=None)
    assert better.certainty_equivalent >= less.certainty_equivalent - 1e-12
    assert better.expected_shortfall <= less.expected_shortfall + 1e-12
    assert better.p_loss.value <= less.p_loss.value
    assert better.max_drawdown >= less.max_drawdown


def test_the_ranking_is_by_certainty_equivalent_best_first() -> None:
    comparison = compare(
        {
            "gamble": paths_to([0.01, 5.0]),
            "cash": np.array([[1.0], [1.04]]),
            "rent": paths_to([0.9, 1.3]),
        }
    )
    assert comparison.ranking() == ["rent", "cash", "gamble"]


# the table


@pytest.fixture(scope="module")
def three() -> Comparison:
    rng = np.random.default_rng(0)
    return compare(
        {
            "rent": paths_to(rng.normal(1, 0.2, 200), n_months=3),
            "hold": paths_to(rng.lognormal(0, 1, 200), n_months=3),
            "t-bill": np.array([[1.0], [1.01], [1.02], [1.03]]),
        }
    )


def test_an_alternative_without_risk_needs_one_column_only(three: Comparison) -> None:
    cash = three.outcomes["t-bill"]
    assert (three.n_months, three.n_paths) == (3, 200)
    assert cash.terminal.shape == (200,)
    assert list(cash.quantiles.loc[2]) == pytest.approx([1.02] * 5)
    assert (cash.p_loss.value, cash.p_loss.std_error) == (0, 0)
    assert cash.certainty_equivalent == pytest.approx(1.03)


def test_the_summary_has_a_row_an_alternative_and_no_missing_figure(three: Comparison) -> None:
    summary = three.summary()
    assert list(summary.index) == ["rent", "hold", "t-bill"]
    assert summary.notna().all(axis=None)
    terminal = three.outcomes["hold"].terminal
    assert summary.loc["hold", "q05"] == pytest.approx(np.quantile(terminal, 0.05))
    assert summary.loc["hold", "mean"] == pytest.approx(terminal.mean())
    assert summary.loc["hold", "p_loss"] == (terminal < 1).mean()


def test_quantiles_are_taken_month_by_month(three: Comparison) -> None:
    quantiles = three.outcomes["rent"].quantiles
    assert quantiles.columns.to_numpy() == pytest.approx(LEVELS)
    assert list(quantiles.index) == [0, 1, 2, 3]
    assert (quantiles.loc[:2] == 1).all(axis=None)


def test_one_path_is_compared_too() -> None:
    comparison = compare({"rent": paths_to([0.8]), "t-bill": np.array([[1.0], [1.04]])})
    rent = comparison.outcomes["rent"]
    assert (rent.mean, rent.median, rent.expected_shortfall) == pytest.approx((0.8, 0.8, 0.2))
    assert (rent.p_loss.value, rent.p_loss.std_error, rent.p_loss.nobs) == (1, 0, 1)
    assert comparison.beats("rent", "t-bill").value == 0


def test_exactly_the_dollar_put_in_is_not_a_loss() -> None:
    assert compare({"cash": paths_to([1.0, 1.0])}).outcomes["cash"].p_loss.value == 0


@pytest.mark.parametrize(
    ("alternatives", "reason"),
    [
        ({}, "equal length"),
        ({"a": np.ones((3, 2)), "b": np.ones((4, 2))}, "equal length"),
        ({"a": np.ones((3, 2)), "b": np.ones((3, 4))}, "the same paths"),
        ({"a": np.ones((3, 0))}, "equal length"),
        ({"a": np.full((3, 2), np.nan)}, "a has a wealth that is not a number"),
        ({"a": np.full((3, 2), np.inf)}, "a has a wealth that is not a number"),
    ],
)
def test_what_cannot_be_compared_is_refused(alternatives: dict[str, Floats], reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        compare(alternatives)
