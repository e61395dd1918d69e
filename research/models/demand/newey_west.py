"""The bandwidth of a standard error that allows for serial correlation.

References
----------
Newey and West (1994), Review of Economic Studies 61, 631-653: automatic bandwidth.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def bandwidth(scores: Array) -> float:
    """Return Newey and West's automatic bandwidth for the Bartlett kernel, in periods.

    Parameters
    ----------
    scores : array of shape (n,) or (n, k), regressors times residuals, without the constant's
    """
    total = scores.reshape(len(scores), -1).sum(axis=1)
    n = len(total)
    last = int(np.floor(4 * (n / 100) ** (2 / 9)))
    covariances = np.array([total[lag:] @ total[: n - lag] / n for lag in range(last + 1)])
    lags = np.arange(1, last + 1)
    s0 = covariances[0] + 2 * covariances[1:].sum()
    s1 = 2 * (lags * covariances[1:]).sum()
    return float(1.1447 * ((s1 / s0) ** 2) ** (1 / 3) * n ** (1 / 3))
