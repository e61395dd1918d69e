"""All tests of a report as one family: the more one looks, the more chance finds.

References
----------
Benjamini and Hochberg (1995), Journal of the Royal Statistical Society B 57, 289-300.
Benjamini and Yekutieli (2001), The Annals of Statistics 29, 1165-1188: dependent tests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests

from research.models.demand._shown import Shown


@dataclass(frozen=True, kw_only=True, eq=False)
class Test(Shown):
    """One test of a report."""

    __test__ = False  # not one of pytest's

    question: str
    name: str
    effect: float | None
    low: float | None  # 95 % interval, same unit
    high: float | None
    unit: str  # of the effect
    nobs: int
    pvalue: float
    primary: bool = False  # declared before the data were seen, so not corrected for the search


COLUMNS = ["question", "name", "effect", "low", "high", "unit", "nobs", "pvalue", "primary"]


def family(tests: Sequence[Test]) -> pd.DataFrame:
    """Return one row a test with its q-value by Benjamini and Yekutieli.

    The primary test was declared beforehand and stands alone: its q-value is its p-value.
    """
    table = pd.DataFrame([asdict(test) for test in tests], columns=COLUMNS)
    table["qvalue"] = table["pvalue"].astype(float)
    others = ~table["primary"].astype(bool)
    if others.any():
        table.loc[others, "qvalue"] = by_qvalues(table.loc[others, "pvalue"].to_numpy(dtype=float))
    return table


def by_qvalues(pvalues: np.ndarray) -> np.ndarray:
    """Return Benjamini-Yekutieli q-values."""
    return np.asarray(multipletests(pvalues, method="fdr_by")[1], dtype=float)


def across_networks(pvalues: Mapping[str, float]) -> dict[str, float]:
    """Return Benjamini-Hochberg q-values of the primary hypothesis over all networks."""
    if not pvalues:
        return {}
    qvalues = multipletests(list(pvalues.values()), method="fdr_bh")[1]
    return dict(zip(pvalues, map(float, qvalues), strict=True))
