"""Answers that no upstream should give: any JSON at all, and right ones with parts replaced."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from research.errors import DataError, SourceError
from research.frames import conform
from research.sources._answers import Fetched

ODD = ["", "2026-08-20", "2026-13-40", "20 Aug", "1e999", "nan", "0x10", "1,5", "١", 1787184000,
       1787184000000, -1, 10**400, 1e308]  # fmt: skip
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(ODD),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@st.composite
def answers(draw: st.DrawFn, right: Any) -> Any:
    """Return any JSON, or a copy of `right` with up to three of its parts replaced or dropped."""
    if draw(st.integers(0, 3)) == 0:
        return draw(JSON)
    answer = copy.deepcopy(right)
    for _ in range(draw(st.integers(1, 3))):
        holder: Any = None
        part, name = answer, None
        while isinstance(part, dict | list) and part and (holder is None or draw(st.booleans())):
            names = [*part] if isinstance(part, dict) else range(len(part))
            holder, name = part, draw(st.sampled_from(names))
            part = holder[name]
        if holder is None:
            return draw(JSON)
        if draw(st.integers(0, 4)) == 0:
            del holder[name]
        else:
            holder[name] = draw(JSON)
    return answer


def check(parse: Callable[[Any], pd.DataFrame], answer: Any, now: pd.Timestamp) -> None:
    """Check that `answer` makes a frame of complete days, or one of our errors."""
    try:
        frame = parse(answer)
    except (SourceError, DataError):
        return
    assert not frame.empty
    assert np.isfinite(frame["value"]).all()
    assert (frame["date"] < now.normalize()).all()
    assert not frame["date"].duplicated().any()
    assert frame["date"].is_monotonic_increasing
    conform(frame, Fetched)
