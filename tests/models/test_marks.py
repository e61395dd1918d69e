"""What a comparison says at 12, 24 and 36 months, of a path's ratios, and of held and sold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.special import ndtri

from research.errors import UsageError
from research.models.comparison import Comparison, Part, Wealth, combine, compare, marks_of, reduce
from research.models.wealth import max_drawdown, monthly_ratios

Floats = NDArray[np.float64]


def reduced(alternatives: dict[str, Wealth], **options: Any) -> Part:
    """One block, whose paths are those of the widest alternative."""
    n_paths = max(each.liquidated.shape[1] for each in alternatives.values())
    return reduce(alternatives.items(), n_paths=n_paths, **options)


def walks(seed: int, n_months: int, n_paths: int, volatility: float = 0.1) -> Floats:
    """Wealth that starts at the dollar and moves by normal log returns."""
    steps = np.random.default_rng(seed).normal(0, volatility, (n_months, n_paths))
    return np.exp(np.vstack([np.zeros((1, n_paths)), np.cumsum(steps, axis=0)]))


def of(wealth: Floats, held: Floats | None = None) -> Wealth:
    return Wealth(liquidated=wealth, held=wealth if held is None else held)


# the marks


@pytest.mark.parametrize(
    ("n_months", "marks"),
    [
        (1, [1]),
        (12, [12]),
        (13, [12, 13]),
        (24, [12, 24]),
        (30, [12, 24, 30]),
        (36, [12, 24, 36]),
        (60, [12, 24, 36, 60]),
    ],
)
def test_figures_are_given_after_each_of_three_years_and_at_the_horizon(
    n_months: int, marks: list[int]
) -> None:
    assert marks_of(n_months) == marks
    comparison = compare({"hold": walks(1, n_months, 9)})
    assert list(comparison.outcomes["hold"].marks.index) == marks
    assert list(comparison.wins) == marks


@pytest.fixture(scope="module")
def three_years() -> tuple[dict[str, Floats], Comparison]:
    wealth = {"rent": walks(3, 36, 400), "hold": walks(4, 36, 400, 0.3)}
    return wealth, compare(wealth)


@pytest.mark.parametrize("month", [12, 24, 36])
@pytest.mark.parametrize("name", ["rent", "hold"])
def test_each_mark_is_a_horizon_of_its_own(
    three_years: tuple[dict[str, Floats], Comparison], name: str, month: int
) -> None:
    wealth, comparison = three_years
    at = wealth[name][month]
    mark = comparison.outcomes[name].marks.loc[month]
    assert mark["mean"] == pytest.approx(at.mean())
    assert mark["p_loss"] == (at < 1).mean()
    assert mark["expected_shortfall"] == pytest.approx(1 - np.sort(at)[:20].mean(), rel=1e-6)
    shorter = compare({name: wealth[name][: month + 1]}).outcomes[name]
    assert mark["mean"] == pytest.approx(shorter.mean)
    assert mark["expected_shortfall"] == pytest.approx(shorter.expected_shortfall)


@pytest.mark.parametrize("month", [12, 24, 36])
def test_who_beats_whom_is_told_at_each_mark(
    three_years: tuple[dict[str, Floats], Comparison], month: int
) -> None:
    wealth, comparison = three_years
    ahead = (wealth["rent"][month] > wealth["hold"][month]).mean()
    assert comparison.beats("rent", "hold", month).value == ahead
    assert comparison.beats("hold", "rent", month).value == pytest.approx(1 - ahead)
    assert comparison.beats("rent", "hold", month).std_error == pytest.approx(
        np.sqrt(ahead * (1 - ahead) / 400)
    )


def test_without_a_month_the_horizon_is_meant(
    three_years: tuple[dict[str, Floats], Comparison],
) -> None:
    _, comparison = three_years
    assert comparison.beats("rent", "hold") == comparison.beats("rent", "hold", 36)


def test_who_is_ahead_after_a_year_may_be_behind_at_the_end() -> None:
    first = np.concatenate([np.linspace(1, 2, 13), np.linspace(2, 0.5, 12)])[:, None]
    comparison = compare({"first": first, "last": np.ones((25, 1))})
    assert comparison.beats("first", "last", 12).value == 1
    assert comparison.beats("first", "last", 24).value == 0


def test_ties_at_a_mark_are_split() -> None:
    level = np.ones((25, 4))
    parted = level.copy()
    parted[24] = [0.9, 1.1, 1.2, 1.0]
    comparison = compare({"one": parted, "other": level})
    assert comparison.beats("one", "other", 12).value == 0.5
    assert comparison.beats("one", "other", 24).value == 0.625  # two ahead, one level


# blocks


@settings(max_examples=30, deadline=None)
@given(arrays(float, (14, 9), elements=st.floats(1 / 64, 3, width=32)), st.integers(1, 8))
def test_blocks_put_together_are_the_whole(wealth: Floats, cut: int) -> None:
    other = wealth[:, ::-1].copy()

    def part(start: int, stop: int) -> dict[str, Wealth]:
        return {"one": of(wealth[:, start:stop]), "other": of(other[:, start:stop])}

    whole = combine([reduced(part(0, 9))])
    halves = combine([reduced(part(0, cut)), reduced(part(cut, 9))])
    np.testing.assert_allclose(halves.summary(), whole.summary(), rtol=1e-12, atol=1e-12)
    assert halves.n_paths == whole.n_paths
    for month in (12, 13):
        np.testing.assert_array_equal(halves.wins[month], whole.wins[month])
    for name in ("one", "other"):
        np.testing.assert_array_equal(halves.outcomes[name].terminal, whole.outcomes[name].terminal)
        np.testing.assert_allclose(halves.outcomes[name].marks, whole.outcomes[name].marks)


def test_paths_of_which_no_month_is_kept_still_count_in_chances_means_and_tempers() -> None:
    wealth = walks(5, 3, 100)
    both = combine(
        [
            reduced({"hold": of(wealth[:, :40])}, kept=40),
            reduced({"hold": of(wealth[:, 40:])}, kept=0),
        ]
    )
    outcome, all_of_them = both.outcomes["hold"], compare({"hold": wealth}).outcomes["hold"]
    assert len(outcome.terminal) == 40
    assert outcome.p_loss == all_of_them.p_loss
    assert outcome.mean == pytest.approx(all_of_them.mean)
    assert outcome.certainty_equivalents == pytest.approx(all_of_them.certainty_equivalents)
    first = compare({"hold": wealth[:, :40]}).outcomes["hold"]
    np.testing.assert_array_equal(outcome.quantiles, first.quantiles)
    assert outcome.max_drawdown == first.max_drawdown


# ratios of monthly marks


def test_sharpe_and_sortino_of_four_months_by_hand() -> None:
    # returns 10 %, -10 %, 20 %, 0: mean 0.05, spread sqrt(0.05 / 3), downside sqrt(0.01 / 4)
    wealth = np.array([1, 1.1, 0.99, 1.188, 1.188])[:, None]
    sharpe, sortino = monthly_ratios(wealth, cash_yield_per_year=0.0)
    assert sharpe == pytest.approx([0.05 / np.sqrt(0.05 / 3) * np.sqrt(12)])
    assert sortino == pytest.approx([0.05 / 0.05 * np.sqrt(12)])


def test_what_cash_earns_is_no_return() -> None:
    # 1 % a month is 12.68 % a year: returns of 3 %, -1 % and 1 % are 2 %, -2 % and 0 above it
    wealth = np.cumprod([1, 1.03, 0.99, 1.01])[:, None]
    sharpe, sortino = monthly_ratios(wealth, cash_yield_per_year=1.01**12 - 1)
    assert sharpe == pytest.approx([0.0], abs=1e-12)
    assert sortino == pytest.approx([0.0], abs=1e-12)
    sharpe, _ = monthly_ratios(wealth, cash_yield_per_year=0.0)
    assert sharpe == pytest.approx([0.01 / 0.02 * np.sqrt(12)])


def test_a_path_that_never_moves_or_is_ruined_has_no_ratio() -> None:
    rising = 1.01 ** np.arange(5)
    ruined = np.array([1, 0.5, -0.1, 0.2, 0.3])
    sharpe, sortino = monthly_ratios(np.stack([rising, ruined], 1), cash_yield_per_year=0.04)
    assert np.isnan(sharpe).all()
    assert np.isnan(sortino).all()


def test_a_path_without_a_month_behind_cash_has_a_sharpe_ratio_and_no_sortino_ratio() -> None:
    wealth = np.cumprod([1, 1.05, 1.02, 1.08])[:, None]
    sharpe, sortino = monthly_ratios(wealth, cash_yield_per_year=0.0)
    assert sharpe[0] > 0
    assert np.isnan(sortino[0])


def test_two_returns_are_too_few_to_tell_a_spread() -> None:
    wealth = np.array([1, 1.1, 0.9])[:, None]
    assert all(np.isnan(each).all() for each in monthly_ratios(wealth, cash_yield_per_year=0.0))
    outcome = compare({"hold": wealth}).outcomes["hold"]
    assert (outcome.sharpe, outcome.sortino) == (None, None)


def test_the_ratio_of_an_outcome_is_that_of_the_middle_path_that_has_one() -> None:
    wealth = np.hstack([walks(6, 12, 5), np.ones((13, 1))])  # the sixth path stands still
    ratios = monthly_ratios(wealth, cash_yield_per_year=0.03)
    outcome = combine([reduced({"hold": of(wealth)}, cash_yield_per_year=0.03)]).outcomes["hold"]
    assert np.isfinite(ratios[0]).tolist() == [True] * 5 + [False]
    assert outcome.sharpe == np.median(ratios[0][:5])
    assert outcome.sortino == np.nanmedian(ratios[1])


# what sure wealth it is worth


@pytest.mark.parametrize("spread", [0.1, 0.3, 0.4])
def test_the_certainty_equivalents_of_three_tempers_are_those_of_the_lognormal_law(
    spread: float,
) -> None:
    # E W^(1-g) of exp(N(m, s^2)) is exp((1-g) m + (1-g)^2 s^2 / 2), so CE = exp(m + (1-g) s^2 / 2)
    z = ndtri((np.arange(400_000) + 0.5) / 400_000)
    wealth = np.vstack([np.ones_like(z), np.exp(0.05 + spread * z)])
    worth = compare({"hold": wealth}).outcomes["hold"].certainty_equivalents
    closed = {g: np.exp(0.05 + (1 - g) * spread**2 / 2) for g in (1.0, 2.0, 5.0)}
    assert worth == pytest.approx(closed, rel=2e-4)
    assert worth[1.0] > worth[2.0] > worth[5.0]


@settings(max_examples=30, deadline=None)
@given(arrays(float, 9, elements=st.floats(0.01, 3)))
def test_who_fears_more_takes_no_more_and_nobody_takes_more_than_the_mean(ends: Floats) -> None:
    outcome = compare({"hold": np.vstack([np.ones(9), ends])}).outcomes["hold"]
    bold, middling, cautious = outcome.certainty_equivalents.values()
    assert ends.min() - 1e-9 <= cautious <= middling + 1e-9
    assert middling <= bold + 1e-9
    assert bold <= ends.mean() + 1e-9
    assert outcome.certainty_equivalent == middling


# held and sold


def test_what_selling_would_cost_is_no_fall_of_what_is_held() -> None:
    held = np.array([[1.0, 1.0, 1.0], [1.2, 1.1, 0.9], [0.9, 1.0, 0.6]])
    sold = 0.8 * held
    outcome = combine([reduced({"rent": of(sold, held)})]).outcomes["rent"]
    assert outcome.max_drawdown_held == pytest.approx(np.median([0.25, 1 / 11, 0.4]) * -1)
    assert outcome.max_drawdown == pytest.approx(np.median(max_drawdown(sold)))
    assert outcome.max_drawdown == pytest.approx(-0.28)  # 1 - 0.72, from the dollar put in
    assert outcome.held_median == 0.9
    assert outcome.median == pytest.approx(0.72)


def test_every_other_figure_is_of_wealth_as_sold() -> None:
    sold = walks(8, 12, 50)
    one, other = (
        combine([reduced({"rent": of(sold, held)})]).outcomes["rent"] for held in (sold, 3 * sold)
    )
    np.testing.assert_array_equal(one.quantiles, other.quantiles)
    np.testing.assert_array_equal(one.marks, other.marks)
    assert one.certainty_equivalents == other.certainty_equivalents
    assert (one.sharpe, one.sortino, one.p_loss) == (other.sharpe, other.sortino, other.p_loss)
    assert other.held_median == pytest.approx(3 * one.held_median)


def test_an_alternative_without_risk_may_be_held_in_one_column() -> None:
    cash = 1.04 ** (np.arange(13) / 12)[:, None]
    comparison = combine([reduced({"t-bill": of(cash), "rent": of(walks(1, 12, 7))})])
    outcome = comparison.outcomes["t-bill"]
    assert outcome.held_median == pytest.approx(1.04)
    assert outcome.max_drawdown_held == 0


def test_a_month_that_is_no_mark_is_refused_by_name() -> None:
    flat = np.ones((25, 3))
    with pytest.raises(UsageError, match=r"month 7 was not kept; accepted are \[12, 24\]"):
        compare({"rent": flat, "hold": flat}).beats("rent", "hold", 7)


def test_the_first_month_bears_the_cost_of_buying() -> None:
    bought = np.array([[0.8], [0.8], [0.8], [0.8]])  # a fifth is lost at once, then nothing moves
    sharpe, sortino = monthly_ratios(bought, cash_yield_per_year=0.0)
    # months of -20 %, 0 and 0: mean -1/15, sd 0.2/sqrt(3)
    assert sharpe[0] == pytest.approx(-(1 / 15) / (0.2 / 3**0.5) * 12**0.5)
    assert sortino[0] == pytest.approx(-(1 / 15) / (0.2 / 3**0.5) * 12**0.5)
