"""The parts of a change add up to it, whatever the answers in between."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.headline import Figure, Headline
from research.report import changes, counterfactual, kept
from research.report.counterfactual import STEPS, Course, Now, UnsplitError
from research.report.earlier import Earlier

MANIFEST = {
    "notebook": {"name": "question", "sha256": "a"},
    "packages": {},
    "code": {"version": "1", "commit": None, "sha256": "b"},
}
numbers = st.floats(-1e12, 1e12)


def stage(value: float, verdict: str = "", **others: float) -> Headline:
    figures = {"Worth": value} | others
    return Headline(
        verdicts={"": verdict},
        figures=tuple(Figure(name=name, value=each) for name, each in figures.items()),
    )


def compared(monkeypatch: pytest.MonkeyPatch, *stages: Headline, **revised: int) -> dict[str, Any]:
    """Return what is told of a change whose answers on the way are given, not rendered."""
    then = Earlier(
        headline=stages[0],
        manifest=MANIFEST,
        twin_sha256="c",
        written_at=dt.datetime(2026, 3, 12, 7, 30, tzinfo=dt.UTC),
        as_of=None,
        read=(),
    )
    now = Now(asked=Mock(), source=b"", manifest=MANIFEST, headline=stages[-1])

    def split(*_: object) -> Course:
        if len(stages) <= len(STEPS):
            raise UnsplitError("it is a test")
        return Course(stages=stages, revised=revised)

    with monkeypatch.context() as patch:
        patch.setattr(changes, "split", split)
        told = changes.since(then, lambda: now, lambda _: None).told
    assert told is not None
    return told


@given(st.lists(numbers, min_size=5, max_size=5))
def test_parts_add_up_to_the_change(values: list[float]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        (move,) = compared(patch, *map(stage, values))["figures"]

    assert move["change"] == values[-1] - values[0]
    if move["change"]:  # else nothing was rendered
        total, size = math.fsum(move["parts"].values()), max(map(abs, values))
        assert math.isclose(total, move["change"], rel_tol=1e-12, abs_tol=8e-16 * size)


def test_a_step_without_effect_is_exactly_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    (move,) = compared(monkeypatch, *map(stage, (0.1, 0.1, 0.3, 0.3, 0.7)))["figures"]

    assert (move["parts"]["code"], move["parts"]["history"]) == (0, 0)


@pytest.mark.parametrize(
    ("verdicts", "sentence"),
    [
        ("aaaab", "It turned with new market data."),
        ("abbbb", "It turned with changed code."),
        (
            "abbbc",
            "It turned more than once: to “b” with changed code, then to “c” with new market data.",
        ),
        ("ab", "What turned it cannot be told."),
    ],
)
def test_a_flip_says_what_turned_the_verdict(
    monkeypatch: pytest.MonkeyPatch, verdicts: str, sentence: str
) -> None:
    (flip,) = compared(monkeypatch, *(stage(1, verdict) for verdict in verdicts))["flips"]

    assert flip["text"] == (
        f"The answer changed: from “a” (the report of 2026-03-12 07:30) to “{verdicts[-1]}”. "
        f"{sentence}"
    )


def test_a_figure_that_a_stage_does_not_tell_is_not_split(monkeypatch: pytest.MonkeyPatch) -> None:
    stages = [stage(value, Other=value) for value in range(5)]
    stages[2] = stage(2)

    rows = compared(monkeypatch, *stages)["table"]["rows"]

    assert rows == [
        ["Worth", "0", "4", "+4", "+1", "+1", "+1", "+1"],
        ["Other", "0", "4", "+4", "–", "–", "–", "–"],
    ]


@pytest.mark.parametrize("packed", [None, 7, "x", kept.pack({}), kept.pack({"own/a.toml": "b"})])
def test_a_catalogue_that_was_not_kept_is_not_taken_for_that_of_then(
    packed: object, tmp_path: Path
) -> None:
    held = {"catalogue": kept.digest({"own/a.toml": "a"}), "catalogue_files": packed}
    then = Earlier(
        headline=stage(1),
        manifest=held,
        twin_sha256="c",
        written_at=dt.datetime(2026, 3, 12, tzinfo=dt.UTC),
        as_of=None,
        read=(),
    )

    with pytest.raises(UnsplitError, match="the catalogue of then was not kept with it"):
        counterfactual._restored(then, tmp_path)
    assert not [*tmp_path.iterdir()]


def test_revised_series_are_named_and_many_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    stages = [stage(value) for value in range(5)]

    few = compared(monkeypatch, *stages, a=1, b=2000)["notes"][-1]
    many = compared(monkeypatch, *stages, **{f"s{at}": 11 for at in range(8)})["notes"][-1]

    assert few == "Revised history: 1 day of a, 2,000 days of b."
    assert many.endswith("11 days of s4, 3 more series.")
