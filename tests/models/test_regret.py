"""Regret by hand, after Savage (1951)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from research.errors import DataError
from research.models.regret import max_regret, minimax, regret


@pytest.fixture
def wealth() -> pd.DataFrame:
    return pd.DataFrame(
        {"hold": [2.0, 0.4, 0.0], "rent": [1.2, 0.9, 0.5], "t-bill": [1.0, 1.0, 1.0]},
        index=["as assumed", "2022 again", "network shuts down"],
    )


def test_regret_is_wealth_less_the_best_of_the_scenario(wealth: pd.DataFrame) -> None:
    found = regret(wealth)
    assert found.to_numpy() == pytest.approx(
        np.array([[0, -0.8, -1.0], [-0.6, -0.1, 0], [-1.0, -0.5, 0]])
    )
    assert list(found.columns) == ["hold", "rent", "t-bill"]


def test_the_choice_has_the_smallest_largest_regret(wealth: pd.DataFrame) -> None:
    found = regret(wealth)
    assert max_regret(found).to_dict() == pytest.approx({"hold": 1.0, "rent": 0.8, "t-bill": 1.0})
    assert minimax(found) == ["rent"]


def test_alternatives_that_tie_are_all_named(wealth: pd.DataFrame) -> None:
    assert minimax(regret(wealth[["hold", "t-bill"]])) == ["hold", "t-bill"]


def test_an_alternative_that_is_always_best_has_no_regret(wealth: pd.DataFrame) -> None:
    found = regret(wealth.assign(perfect=5.0))
    assert max_regret(found)["perfect"] == 0
    assert minimax(found) == ["perfect"]


def test_what_cannot_be_compared_is_refused(wealth: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="hold has no wealth in the scenario 2022 again"):
        regret(wealth.assign(hold=[2.0, np.nan, 0.0]))
    with pytest.raises(DataError, match="at least one scenario of two"):
        regret(wealth[["hold"]])
    with pytest.raises(DataError, match="at least one scenario of two"):
        regret(wealth.iloc[:0])
    with pytest.raises(DataError, match="used twice"):
        regret(wealth.rename(columns={"rent": "hold"}))
