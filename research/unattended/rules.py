"""Who is told of a report, of what, and when not: the table `alerts` of a schedule."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

Kind = Literal["failure", "recovery", "overdue", "flip", "threshold", "report"]
USUAL: frozenset[Kind] = frozenset({"failure", "recovery", "overdue", "flip", "threshold"})
# of an address in the environment: desk for RESEARCH_ALERTS__DESK, where two underscores end a name
Target = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*_?$")]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Threshold(_Table):
    """A figure of the answer that is worth an alert when it comes to lie above or below a value."""

    figure: str  # as the answer names it, such as `Renting beats T-bills`
    above: FiniteFloat | None = None
    below: FiniteFloat | None = None

    @model_validator(mode="after")
    def _is_one_side(self) -> Threshold:
        if (self.above is None) == (self.below is None):
            raise ValueError("give above or below, one of them")
        return self

    @property
    def side(self) -> str:
        """What is told of a figure that has passed it."""
        word, limit = ("below", self.below) if self.above is None else ("above", self.above)
        return f"{word} {_plain(limit or 0.0)}"

    def is_passed(self, value: float) -> bool:
        """Say whether a value lies beyond it."""
        if self.above is not None:
            return value > self.above
        return self.below is not None and value < self.below


class Move(_Table):
    """A figure of the answer, and by how much it must have moved since it was last told."""

    figure: str
    by: Annotated[FiniteFloat, Field(gt=0)]  # in the figure's unit: 5 is 5 points of what is in %


class Rules(_Table):
    """Who is told of a report, of what, and when not: the table `alerts` of a schedule.

    The two gates hold for flip, threshold and report. What a gate holds back is not lost: it is
    told as soon as the gate is open, if it is still so.
    """

    tell: Annotated[tuple[Target, ...], Field(min_length=1)]
    on: frozenset[Kind] = USUAL
    thresholds: tuple[Threshold, ...] = ()
    only_if_new: bool = False  # only if the data have newer days than when it was last told
    only_if_moved: tuple[Move, ...] = ()  # only if one of these has moved since it was last told


def _plain(value: float) -> str:
    """Return a number as somebody would type it."""
    return f"{value:,.9f}".rstrip("0").rstrip(".")
