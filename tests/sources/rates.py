"""What the tests of rental rates share: the check of tables that hold several series."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from research.errors import DataError, SourceError
from research.frames import conform
from research.sources._answers import Fetched


def check_each(parse: Callable[[Any], pd.DataFrame], answer: Any, now: dt.datetime) -> None:
    """Check that `answer` makes series of complete days above or at zero, or one of our errors."""
    try:
        frame = parse(answer)
    except (SourceError, DataError):
        return
    assert not frame.empty
    assert np.isfinite(frame["value"]).all()
    assert (frame["value"] >= 0).all()
    assert (frame["date"] < pd.Timestamp(now.date())).all()
    assert not frame.duplicated(["series", "date"]).any()
    conform(frame, Fetched)
