"""What a report says in a nutshell: its verdicts, and the few figures that its answer tells.

The box of the answer carries them for machines. The next report of the same name reads them back
and says how far each has moved.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

MOST = 12  # verdicts, and figures, that one headline may have
LONGEST = 120  # characters of a name, a word or a unit
FINEST = 9  # decimals
UNREADABLE = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One number that the answer tells in words."""

    name: str
    value: float
    unit: str = ""  # written behind the number; what is in % changes by points
    digits: int = 0  # decimals that mean something; -2 is hundreds
    error: float | None = None  # 95 %, of the number of draws alone; unit of the value


@dataclass(frozen=True, kw_only=True)
class Headline:
    """The answer of a report."""

    verdicts: Mapping[str, str]  # a word by question; the report's own question is ""
    figures: tuple[Figure, ...]


def significant(value: float, count: int = 3) -> int:
    """Return the decimals that leave a number so many significant digits."""
    if value == 0 or not math.isfinite(value):
        return 0
    return max(-FINEST, min(FINEST, count - 1 - math.floor(math.log10(abs(value)))))


def to_json(headline: Headline) -> dict[str, Any]:
    """Return what `read` reads; a figure that is no number is left out, as it is missing."""
    known = [figure for figure in headline.figures if math.isfinite(figure.value)]
    return {
        "verdicts": dict(headline.verdicts),
        "figures": [asdict(figure) | {"value": float(figure.value)} for figure in known],
    }


def written(headline: Headline) -> str:
    """Return a headline as the text of an attribute, not yet escaped."""
    return json.dumps(to_json(headline), allow_nan=False)


def read(told: Any) -> Headline | None:
    """Return the headline that JSON tells, None if it tells none: anybody can write HTML."""
    try:
        verdicts = {_text(key): _text(value) for key, value in told["verdicts"].items()}
        figures = tuple(_figure(each) for each in told["figures"])
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    names = {figure.name for figure in figures}
    if len(names) != len(figures) or max(len(figures), len(verdicts)) > MOST:
        return None
    return Headline(verdicts=verdicts, figures=figures)


def _figure(told: Mapping[str, Any]) -> Figure:
    digits, error = told["digits"], told["error"]
    if type(digits) is not int or abs(digits) > FINEST:
        raise ValueError("digits: a small whole number is accepted")
    return Figure(
        name=_text(told["name"]),
        value=_number(told["value"]),
        unit=_text(told["unit"]),
        digits=digits,
        error=None if error is None else _number(error),
    )


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > LONGEST:
        raise ValueError(f"a text of at most {LONGEST} characters is accepted")
    return UNREADABLE.sub("\ufffd", value)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("a number is accepted")
    return float(value)


def number(value: float, digits: int) -> str:
    """Return a number rounded to what it means, thousands set apart and without -0."""
    return f"{round(value, digits) + 0.0:,.{max(digits, 0)}f}"


def in_words(figure: Figure) -> str:
    """Return a figure with its unit, and with the error of its draws if it has one."""
    error = f" ± {number(figure.error, max(figure.digits, 1))}" if figure.error else ""
    return f"{number(figure.value, figure.digits)}{error} {figure.unit}".rstrip()


def moved(change: float, then: Figure, now: Figure) -> str:
    """Return by how much a figure changed; what rounds to nothing is not called nothing."""
    if change == 0:
        return "0"
    digits = max(then.digits, now.digits)
    if round(change, digits) == 0:
        return "≈ 0"
    sign = "+" if change > 0 else ""
    return f"{sign}{number(change, digits)} {'points' if now.unit == '%' else now.unit}".rstrip()
