"""Mixes of two assets with a known frontier."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.special import ndtri

from research.errors import DataError, UsageError
from research.models.mixes import WEIGHTS, frontier
from research.models.wealth import certainty_equivalent, expected_shortfall

Floats = NDArray[np.float64]


def test_the_ends_are_the_rig_and_the_token_alone() -> None:
    hold, rent = np.array([0.2, 0.5, 3.0]), np.array([0.9, 1.1, 1.2])
    mixes = frontier(hold, rent).mixes
    assert [mix.weight for mix in mixes] == list(WEIGHTS)
    for mix, alone in ((mixes[0], rent), (mixes[-1], hold)):
        assert mix.median == np.median(alone)
        assert mix.mean == pytest.approx(alone.mean())
        assert mix.expected_shortfall == pytest.approx(expected_shortfall(alone))
        assert mix.certainty_equivalents[2] == pytest.approx(certainty_equivalent(alone, 2))


def test_a_mix_is_the_weighted_sum_on_each_path() -> None:
    hold, rent = np.array([0.0, 4.0]), np.array([1.0, 1.0])
    (mix,) = frontier(hold, rent, weights=[0.25]).mixes  # ends at 0.75 or 1.75
    assert (mix.mean, mix.median, mix.p_loss.value) == (1.25, 1.25, 0.5)
    assert mix.expected_shortfall == pytest.approx(0.25)
    assert mix.certainty_equivalents[1] == pytest.approx(np.sqrt(0.75 * 1.75))
    assert mix.certainty_equivalents[2] == pytest.approx(2 / (1 / 0.75 + 1 / 1.75))
    assert mix.p_loss.std_error == pytest.approx(np.sqrt(0.25 / 2))


def test_two_independent_normals_of_one_law_are_best_mixed_half_and_half() -> None:
    # the variance of a mix is w^2 + (1 - w)^2 of theirs: least at one half, and ES with it
    z = ndtri((np.arange(300) + 0.5) / 300)
    hold, rent = (1 + 0.15 * x.ravel() for x in np.meshgrid(z, z))
    found = frontier(hold, rent)
    assert found.best.weight == 0.5
    shortfalls = [mix.expected_shortfall for mix in found.mixes]
    assert min(shortfalls) == shortfalls[5]
    # closed form: 0.15 * sqrt(1/2) * phi(z_5%) / 5 %
    assert shortfalls[5] == pytest.approx(0.15 * np.sqrt(0.5) * 2.062713, rel=0.01)


def test_only_mixes_that_no_other_beats_are_efficient() -> None:
    hold = np.array([0.5, 0.5, 0.5])
    rent = np.array([1.0, 1.0, 1.0])
    assert [mix.efficient for mix in frontier(hold, rent).mixes] == [True] + 10 * [False]


def test_a_token_of_more_loss_and_more_gain_leaves_all_mixes_efficient() -> None:
    hold = np.concatenate([np.full(40, 0.5), np.full(60, 1.5)])  # median 1.5, shortfall 0.5
    assert all(mix.efficient for mix in frontier(hold, np.ones(100)).mixes)


def test_identical_alternatives_are_all_efficient_and_the_first_is_best() -> None:
    wealth = np.full(50, 1.25)
    found = frontier(wealth, wealth, weights=[0, 0.5, 1])
    assert all(mix.efficient for mix in found.mixes)
    assert found.best.weight == 0


@settings(max_examples=50, deadline=None)
@given(arrays(float, 20, elements=st.floats(0.1, 3)), arrays(float, 20, elements=st.floats(0.1, 3)))
def test_mixing_never_makes_the_mean_or_the_worst_of_both_worse(hold: Floats, rent: Floats) -> None:
    mixes = frontier(hold, rent).mixes
    assert any(mix.efficient for mix in mixes)
    low, high = sorted([hold.mean(), rent.mean()])
    assert all(low - 1e-9 <= mix.mean <= high + 1e-9 for mix in mixes)
    # the certainty equivalent is concave in what is owned, so it is no lower than the worse end
    ends = [mixes[0].certainty_equivalents[2], mixes[-1].certainty_equivalents[2]]
    assert all(mix.certainty_equivalents[2] >= min(ends) - 1e-9 for mix in mixes)


def test_the_summary_has_a_row_a_mix_and_no_missing_figure() -> None:
    summary = frontier(np.array([0.2, 2.0]), np.array([0.9, 1.2])).summary()
    assert list(summary.index) == list(WEIGHTS)
    assert summary.notna().all(axis=None)
    assert "certainty_equivalent_5" in summary


def test_paths_that_do_not_pair_and_weights_that_are_no_parts_are_refused() -> None:
    with pytest.raises(DataError, match="same paths"):
        frontier(np.ones(3), np.ones(4))
    with pytest.raises(DataError, match="not a number"):
        frontier(np.array([np.inf, 1]), np.ones(2))
    with pytest.raises(UsageError, match="parts from 0 to 1"):
        frontier(np.ones(3), np.ones(3), weights=[0, 50])
    with pytest.raises(UsageError, match="parts from 0 to 1"):
        frontier(np.ones(3), np.ones(3), weights=[])
