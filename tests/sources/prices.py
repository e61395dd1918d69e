"""What the tests of price sources share: a moment, stamps, and answers with something wrong."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Callable
from typing import Any

import pandas as pd
from hypothesis import strategies as st

from research.errors import DataError, SourceError
from research.sources import Wanted
from research.sources._answers import Fetched

NOW = dt.datetime(2026, 11, 22, 1, 30, tzinfo=dt.UTC)
TODAY = dt.date(2026, 11, 22)

ODD: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["", "0", "-1", "1e999", "NaN", "2026-11-21", "1795219200"])
)
ANY_JSON = st.recursive(
    ODD,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=12,
)

Parser = Callable[[Any], pd.DataFrame]


def stamp(day: str, unit: int = 1000) -> int:
    """Return a UTC instant as the count since 1970 of milliseconds, or of seconds for 1."""
    return int(pd.Timestamp(day, tz="UTC").timestamp() * unit)


def want(series: str, key: str, since: str | None = None) -> Wanted:
    return Wanted(series=series, key=key, since=dt.date.fromisoformat(since) if since else None)


def by_day(frame: pd.DataFrame) -> dict[str, float]:
    """Return the values of a fetched frame by day."""
    return dict(zip(frame["date"].dt.strftime("%Y-%m-%d"), frame["value"], strict=True))


@st.composite
def spoilt(draw: st.DrawFn, answer: Any) -> Any:
    """Draw an answer of which up to three parts were replaced, taken out or repeated."""
    answer = copy.deepcopy(answer)
    for _ in range(draw(st.integers(0, 3))):
        node, parents = answer, []
        while isinstance(node, list | dict) and node and draw(st.booleans()):
            key = draw(st.sampled_from([*node] if isinstance(node, dict) else range(len(node))))
            parents.append((node, key))
            node = node[key]
        odd = draw(ANY_JSON)
        if not parents:
            answer = odd if draw(st.booleans()) else answer
            continue
        parent, key = parents[-1]
        what = draw(st.sampled_from(["replace", "remove", "repeat"]))
        if what == "replace":
            parent[key] = odd
        elif what == "remove":
            del parent[key]
        elif isinstance(parent, list):
            parent.append(copy.deepcopy(parent[key]))
    return answer


def understands_or_refuses(parse: Parser, answer: Any) -> None:
    """Fail unless a parser gives a checked frame with rows, or one of our errors."""
    try:
        frame = parse(answer)
    except (SourceError, DataError):
        return
    assert len(frame) > 0
    pd.testing.assert_frame_equal(Fetched.validate(frame), frame)
