"""An answer's verdicts and figures are read back as they were told, or not at all."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.headline import MOST, Figure, Headline, in_words, moved, read, significant, written

texts = st.text(st.characters(exclude_categories=["C"]), max_size=20)
numbers = st.floats(allow_nan=False, allow_infinity=False, width=32)
figures = st.builds(
    Figure,
    name=texts,
    value=numbers,
    unit=texts,
    digits=st.integers(-3, 6),
    error=st.none() | numbers,
)
headlines = st.builds(
    Headline,
    verdicts=st.dictionaries(texts, texts, max_size=3),
    figures=st.lists(figures, max_size=5, unique_by=lambda each: each.name).map(tuple),
)


@given(headlines)
def test_what_is_written_is_read_again(headline: Headline) -> None:
    assert read(json.loads(written(headline))) == headline


def test_a_figure_that_is_no_number_is_left_out() -> None:
    told = Headline(verdicts={}, figures=(Figure(name="a", value=math.nan),))
    assert read(json.loads(written(told))) == Headline(verdicts={}, figures=())


GOOD: dict[str, Any] = {"name": "a", "value": 1, "unit": "", "digits": 0, "error": None}


@pytest.mark.parametrize(
    "told",
    [
        None,
        [],
        {},
        {"verdicts": {}, "figures": {}} | {"verdicts": []},
        {"verdicts": {"": 1}, "figures": []},
        {"verdicts": {"": "x" * 121}, "figures": []},
        {"verdicts": {}, "figures": [GOOD, GOOD]},
        {"verdicts": {}, "figures": [GOOD | {"name": f"{at}"} for at in range(MOST + 1)]},
        *(
            {"verdicts": {}, "figures": [GOOD | wrong]}
            for wrong in (
                {"value": "1"},
                {"value": True},
                {"value": math.inf},
                {"digits": 99},
                {"digits": 1.0},
                {"name": None},
                {"error": "x"},
            )
        ),
    ],
)
def test_what_nobody_of_ours_wrote_is_no_headline(told: Any) -> None:
    assert read(told) is None


def test_what_turns_a_sentence_round_is_not_read() -> None:
    told = read({"verdicts": {"": "a\u202eb\x00\ud800"}, "figures": []})
    assert told is not None
    assert told.verdicts == {"": "a\ufffdb\ufffd\ufffd"}


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        (Figure(name="", value=1234.5, unit="USD", digits=-1), "1,230 USD"),
        (Figure(name="", value=0.336, unit="USD", digits=2), "0.34 USD"),
        (Figure(name="", value=-0.001, digits=2), "0.00"),
        (Figure(name="", value=36.24, unit="%", digits=1, error=0.66), "36.2 ± 0.7 %"),
        (Figure(name="", value=7), "7"),
    ],
)
def test_a_figure_is_rounded_to_what_it_means(figure: Figure, words: str) -> None:
    assert in_words(figure) == words


@pytest.mark.parametrize(
    ("change", "unit", "digits", "words"),
    [
        (0, "USD", 0, "0"),
        (0.4, "USD", 0, "≈ 0"),
        (1.6, "USD", 0, "+2 USD"),
        (-1234, "USD", -2, "-1,200 USD"),
        (-3.14, "%", 1, "-3.1 points"),
        (0.015, "", 2, "+0.01"),
    ],
)
def test_a_change_has_its_sign_and_a_percentage_moves_by_points(
    change: float, unit: str, digits: int, words: str
) -> None:
    figure = Figure(name="", value=1, unit=unit, digits=digits)
    assert moved(change, figure, figure) == words


def test_three_digits_are_left() -> None:
    assert [significant(value) for value in (12345, 123, 1.23, 0.0123, 0)] == [-2, 0, 2, 4, 0]
