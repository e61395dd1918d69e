"""US output, consumption and investment, whose test values other programs agree on."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm


@pytest.fixture(scope="session")
def levels() -> pd.DataFrame:
    """Logs of output, consumption and investment, 203 quarters on a grid of weeks."""
    data = sm.datasets.macrodata.load_pandas().data[["realgdp", "realcons", "realinv"]]
    frame = pd.DataFrame(np.log(data))
    frame.columns = ["lg", "lc", "li"]
    frame.index = pd.date_range("2010-01-03", periods=len(frame), freq="W-SUN")
    return frame


@pytest.fixture(scope="session")
def growths(levels: pd.DataFrame) -> pd.DataFrame:
    """Their differences, the first missing."""
    return levels.diff()
