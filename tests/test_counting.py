"""A number and what it counts agree."""

from __future__ import annotations

import pytest

from research.counting import counted
from research.errors import InsufficientDataError


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 months"), (1, "1 month"), (2, "2 months"), (2500, "2,500 months")]
)
def test_a_noun_is_singular_of_one_alone(number: int, said: str) -> None:
    assert counted(number, "month") == said


def test_a_plural_of_its_own_can_be_named() -> None:
    assert [counted(n, "series", "series") for n in (1, 2)] == ["1 series", "2 series"]


@pytest.mark.parametrize(
    ("unit", "said"),
    [
        ("jump days", "1 jump day, 10 needed"),
        ("different values", "1 different value, 10 needed"),
        ("weeks right after 4 whole weeks", "1 week right after 4 whole weeks, 10 needed"),
    ],
)
def test_an_error_counts_one_as_one(unit: str, said: str) -> None:
    assert said in str(InsufficientDataError("x", nobs=1, required=10, unit=unit))
