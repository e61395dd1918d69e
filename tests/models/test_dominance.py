"""Dominance of lotteries whose order is known, and of those that only luck tells apart."""

from __future__ import annotations

import time
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from research.errors import DataError, UsageError
from research.models.dominance import dominance, dominance_table

Floats = NDArray[np.float64]
N_PATHS = 2_000


@pytest.fixture(scope="module")
def normals() -> Floats:
    return np.random.Generator(np.random.SFC64(7)).standard_normal((2, N_PATHS))


def test_what_is_better_on_every_path_dominates_at_first_order_in_every_draw(
    normals: Floats,
) -> None:
    wealth = np.exp(normals[0])
    found = dominance(wealth + 0.05, wealth, draws=50, seed=1)
    back = dominance(wealth, wealth + 0.05, draws=50, seed=1)
    assert (found.first_order, found.second_order) == (True, True)
    assert (found.first_order_share, found.second_order_share) == (1, 1)
    assert (back.first_order, back.second_order) == (False, False)
    assert (back.first_order_share, back.second_order_share) == (0, 0)


def test_a_higher_mean_of_normals_of_one_spread_dominates_though_no_path_is_paired(
    normals: Floats,
) -> None:
    found = dominance(1.5 + 0.2 * normals[0], 1 + 0.2 * normals[1], draws=20, seed=1)
    assert found.first_order


def test_more_spread_around_one_mean_is_dominated_at_second_order_only(normals: Floats) -> None:
    calm, wild = 1 + 0.1 * normals[0], 1 + 0.5 * normals[0]
    found = dominance(calm, wild, draws=50, seed=1)
    assert (found.first_order, found.second_order) == (False, True)
    assert found.second_order_share > 0.9
    assert not dominance(wild, calm, draws=50, seed=1).second_order


def test_a_sure_dollar_dominates_an_unfair_lottery_for_whoever_dislikes_risk() -> None:
    lottery = np.tile([0.0, 1.9], 500)  # mean 0.95
    found = dominance(np.ones(1_000), lottery, draws=20, seed=1)
    assert (found.first_order, found.second_order) == (False, True)
    # the sure dollar is certain to end at or below 1.00, the lottery in half of the paths
    assert (found.worst_wealth, found.worst_excess) == (1.0, 0.5)


def test_a_fair_enough_prize_ends_dominance() -> None:
    lottery = np.tile([0.0, 2.5], 500)  # mean 1.25: the less timid may take it
    assert not dominance(np.ones(1_000), lottery, draws=20, seed=1).second_order
    assert not dominance(lottery, np.ones(1_000), draws=20, seed=1).second_order


def test_identical_alternatives_do_not_dominate_each_other(normals: Floats) -> None:
    found = dominance(normals[0], normals[0], draws=20, seed=1)
    assert (found.first_order, found.second_order, found.first_order_share) == (False, False, 0)
    assert found.worst_wealth is None


def test_a_violation_that_luck_could_have_made_counts_as_none_and_a_larger_one_counts() -> None:
    better = np.full(1_000, 2.0)
    worse = np.ones(1_000)
    for n_ruined, holds in ((3, True), (4, False)):  # 3 / sqrt(3) < 1.96 < 4 / sqrt(4)
        better[:n_ruined] = 0.0
        assert dominance(better, worse, draws=20, seed=1).first_order is holds


def test_a_dominance_that_hangs_on_few_paths_holds_in_a_part_of_the_draws() -> None:
    better = np.full(1_000, 2.0)
    better[:3] = 0.0  # within the tolerance as drawn, beyond it if one is drawn once more
    found = dominance(better, np.ones(1_000), draws=400, seed=1)
    # at most 3 of Poisson(3) ruins: 0.6472
    assert found.first_order_share == pytest.approx(0.6472, abs=4 * np.sqrt(0.65 * 0.35 / 400))


def test_the_same_seed_gives_the_same_shares(normals: Floats) -> None:
    one, other = 1.01 + 0.3 * normals[0], 1 + 0.3 * normals[1]
    assert dominance(one, other, seed=3) == dominance(one, other, seed=3)


@settings(max_examples=60, deadline=None)
@given(
    arrays(float, 12, elements=st.floats(-1, 3)),
    arrays(float, 12, elements=st.floats(-1, 3)),
)
def test_the_first_order_implies_the_second_and_both_sides_never_win(
    one: Floats, other: Floats
) -> None:
    found = dominance(one, other, draws=5, seed=0)
    back = dominance(other, one, draws=5, seed=0)
    assert found.second_order or not found.first_order
    assert found.second_order_share >= found.first_order_share
    assert not (found.second_order and back.second_order)


def test_a_table_has_a_row_an_ordered_pair_and_agrees_with_the_pairs(normals: Floats) -> None:
    terminal = {
        "hold": np.exp(normals[0] - 0.5),
        "rent": 1.1 + 0.1 * normals[1],
        "t-bill": np.full(N_PATHS, 1.04),
    }
    table = dominance_table(terminal, draws=30, seed=1)
    assert len(table) == 6
    for one, other in permutations(terminal, 2):
        found = dominance(terminal[one], terminal[other], draws=30, seed=1)
        assert table["first_order"][one, other] == found.first_order
        assert table["second_order"][one, other] == found.second_order
    assert table.loc[("t-bill", "hold"), "second_order"]


def test_the_summary_says_who_would_take_it(normals: Floats) -> None:
    wealth = np.exp(normals[0])
    better = dominance(wealth + 0.05, wealth, draws=10, seed=1)
    assert better.summary("renting", "holding") == (
        "renting dominates holding: whoever prefers more to less would take it (100 % of draws)."
    )
    calmer = dominance(1 + 0.1 * normals[0], 1 + 0.5 * normals[0], draws=10, seed=1)
    assert "for whoever dislikes risk" in calmer.summary()
    sure = dominance(np.ones(1_000), np.tile([0.0, 2.5], 500), draws=10, seed=1)
    assert "at or below 1.00 per dollar more often, by 50.0 points" in sure.summary()
    assert "too alike to tell" in dominance(wealth, wealth, draws=2, seed=1).summary()


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        (np.ones(3), np.ones(4), "same paths"),
        (np.ones(1), np.ones(1), "at least 2"),
        (np.array([1, np.nan]), np.ones(2), "not a number"),
    ],
)
def test_paths_that_do_not_pair_are_refused(one: Floats, other: Floats, words: str) -> None:
    with pytest.raises(DataError, match=words):
        dominance(one, other, seed=1)


def test_one_alternative_and_no_draws_are_refused() -> None:
    with pytest.raises(DataError, match="found 1"):
        dominance_table({"rent": np.ones(5)}, seed=1)
    with pytest.raises(UsageError, match="0 draws"):
        dominance(np.ones(5), np.ones(5), draws=0, seed=1)


def test_twenty_thousand_paths_take_less_than_a_second_on_a_busy_machine() -> None:
    normals = np.random.default_rng(0).standard_normal((2, 20_000))
    start = time.process_time()
    dominance(normals[0], normals[1], seed=1)
    assert time.process_time() - start < 1  # 0.05 s when idle
