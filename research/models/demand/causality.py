"""Does the past of one help to predict the other? Granger's question, both ways.

The textbook F test gives a false alarm in 32 to 57 % of samples that share their volatility. Ours
uses an HC3 covariance; in small samples a wild bootstrap stands beside it. Levels that wander are
tested by Toda and Yamamoto's extra lag.

References
----------
Granger (1969), Econometrica 37, 424-438. Toda and Yamamoto (1995), Journal of Econometrics 66,
225-250. Long and Ervin (2000), The American Statistician 54, 217-224.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2, f

from research.errors import InfeasibleError
from research.models.demand._shown import Shown
from research.models.demand.power import FEWEST, require

Array = NDArray[Any]
Method = Literal["HC3 Wald", "Toda-Yamamoto"]

MAX_LAGS = 8
SERIAL_LAGS = 4  # of the residuals' serial correlation
CLEAN = 0.05  # p-value from which on the residuals count as free of it
WILD_BELOW = 120  # observations: with fewer, a wild bootstrap is run beside the F test
WILD_DRAWS = 999


@dataclass(frozen=True, kw_only=True, eq=False)
class Granger(Shown):
    """Whether the past of `cause` helps to predict `effect`, given its own past."""

    cause: str
    effect: str
    method: Method
    lag_order: int  # weeks of the past
    fstat: float  # HC3
    pvalue: float
    nobs: int
    r2_increment: float  # share of variance that the cause's past adds
    sum_effect: float  # of the cause's coefficients
    sum_std_error: float  # HC3
    textbook_fstat: float | None  # equal variance assumed; for comparison only
    textbook_pvalue: float | None
    wild_pvalue: float | None  # Rademacher, in small samples
    serial_correlation_pvalue: float  # Breusch and Godfrey's, of the residuals


def granger(
    cause: pd.Series[float],
    effect: pd.Series[float],
    *,
    lags: int | None = None,
    seed: int = 0,
    names: tuple[str, str] = ("demand", "price"),
) -> Granger:
    """Test growth for growth; without `lags`, BIC chooses, raised until residuals are clean.

    Raises
    ------
    InsufficientDataError : fewer than 80 weeks, or fewer than 10 for every coefficient
    InfeasibleError : the two series determine each other exactly
    """
    return _tested(cause, effect, lags, 0, "HC3 Wald", names, seed)


def toda_yamamoto(
    cause: pd.Series[float],
    effect: pd.Series[float],
    *,
    lags: int | None = None,
    d_max: int = 1,
    seed: int = 0,
    names: tuple[str, str] = ("demand", "price"),
) -> Granger:
    """Test levels, with `d_max` lags more than are tested: valid whether or not they wander."""
    return _tested(cause, effect, lags, d_max, "Toda-Yamamoto", names, seed)


def _tested(
    cause: pd.Series[float],
    effect: pd.Series[float],
    lags: int | None,
    extra: int,
    method: Method,
    names: tuple[str, str],
    seed: int,
) -> Granger:
    order = lags or _order(cause, effect, extra)
    y, x, tested = _design(cause, effect, order, extra)
    require(f"Granger, {names[0]} before {names[1]}", len(y), needed(order, lags is not None))
    if np.linalg.matrix_rank(x) < x.shape[1]:
        raise InfeasibleError(
            f"Granger, {names[0]} before {names[1]}: one series is a copy of the other or of its "
            "own past; give two different figures"
        )
    beta, residuals, covariance = _hc3(y, x)
    if residuals @ residuals < 1e-20 * (y @ y):
        raise InfeasibleError(
            f"Granger, {names[0]} before {names[1]}: one determines the other exactly; give two "
            "different figures"
        )
    nobs, n_coefficients = x.shape
    fstat = _wald(beta, covariance, tested) / len(tested)
    own = np.delete(x, tested, axis=1)
    restricted = y - own @ np.linalg.lstsq(own, y, rcond=None)[0]
    rss, rss_restricted = residuals @ residuals, restricted @ restricted
    df = nobs - n_coefficients
    textbook = ((rss_restricted - rss) / len(tested)) / (rss / df)
    pick = np.zeros(n_coefficients)
    pick[tested] = 1
    return Granger(
        cause=names[0],
        effect=names[1],
        method=method,
        lag_order=order,
        fstat=float(fstat),
        pvalue=float(f.sf(fstat, len(tested), df)),
        nobs=nobs,
        r2_increment=float((rss_restricted - rss) / ((y - y.mean()) @ (y - y.mean()))),
        sum_effect=float(pick @ beta),
        sum_std_error=float(np.sqrt(pick @ covariance @ pick)),
        textbook_fstat=float(textbook),
        textbook_pvalue=float(f.sf(textbook, len(tested), df)),
        wild_pvalue=_wild(y, x, tested, restricted, fstat, seed) if nobs < WILD_BELOW else None,
        serial_correlation_pvalue=_serial(residuals, x),
    )


def needed(order: int, stated: bool) -> int:
    """Return the fewest weeks for that many lags; 10 a coefficient if lags are stated."""
    return 10 * (2 * order + 1) if stated else max(FEWEST["granger"], 10 * (2 * order + 1))


def _design(
    cause: pd.Series[float], effect: pd.Series[float], order: int, extra: int, common: int = 0
) -> tuple[Array, Array, list[int]]:
    """Return the effect, its regressors, and the columns of the cause's past that are tested."""
    longest = order + extra
    y, x = (series.to_numpy(dtype=float) for series in (effect, cause))
    columns = [y, *(_earlier(each, k) for each in (y, x) for k in range(1, longest + 1))]
    # Orders are compared on the same weeks: those that the longest of them has.
    columns += [_earlier(each, k) for each in (x, y) for k in (0, common)] if common else []
    rows = np.column_stack(columns)
    kept = rows[np.isfinite(rows).all(axis=1), : 1 + 2 * longest]
    design = np.column_stack([kept[:, 1:], np.ones(len(kept))])
    return kept[:, 0], design, list(range(longest, longest + order))


def _earlier(x: Array, lag: int) -> Array:
    out = np.full(len(x), np.nan)
    out[lag:] = x[: len(x) - lag]
    return out


def _order(cause: pd.Series[float], effect: pd.Series[float], extra: int) -> int:
    """Return the lags that BIC of the pair chooses, raised while residuals are correlated."""
    whole = len(pd.concat([cause, effect], axis=1).dropna())
    most = max(1, min(MAX_LAGS, (whole // 10 - 1) // 2))
    criteria = []
    for order in range(1, most + 1):
        fits = [_design(a, b, order, 0, most)[:2] for a, b in ((cause, effect), (effect, cause))]
        residuals = np.column_stack([y - x @ np.linalg.lstsq(x, y, rcond=None)[0] for y, x in fits])
        n = len(residuals)
        _, log_det = np.linalg.slogdet(residuals.T @ residuals / max(n, 1))
        criteria.append(log_det + np.log(max(n, 2)) * 2 * (2 * order + 1) / max(n, 1))
    order = 1 + int(np.argmin(criteria))
    while order < most:
        y, x, _ = _design(cause, effect, order, extra)
        if len(y) < 2 * x.shape[1]:
            break
        if _serial(y - x @ np.linalg.lstsq(x, y, rcond=None)[0], x) > CLEAN:
            break
        order += 1
    return order


def _hc3(y: Array, x: Array) -> tuple[Array, Array, Array]:
    inverse = np.linalg.pinv(x.T @ x)
    beta = inverse @ x.T @ y
    residuals = y - x @ beta
    leverage = np.einsum("ij,jk,ik->i", x, inverse, x)
    scaled = x * (residuals / np.maximum(1 - leverage, 1e-12))[:, None]
    return beta, residuals, inverse @ (scaled.T @ scaled) @ inverse


def _wald(beta: Array, covariance: Array, tested: list[int]) -> float:
    chosen = beta[tested]
    return float(chosen @ np.linalg.solve(covariance[np.ix_(tested, tested)], chosen))


def _wild(
    y: Array, x: Array, tested: list[int], restricted: Array, fstat: float, seed: int
) -> float:
    """Return the share of worlds without the link whose statistic is as large, all at once."""
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(WILD_DRAWS, len(y)))
    worlds = (y - restricted) + signs * restricted
    inverse = np.linalg.pinv(x.T @ x)
    projection = inverse @ x.T
    betas = worlds @ projection.T
    residuals = worlds - betas @ x.T
    leverage = np.einsum("ij,jk,ik->i", x, inverse, x)
    weights = (residuals / np.maximum(1 - leverage, 1e-12)) ** 2
    rows = projection[tested]
    covariances = np.einsum("ri,bi,si->brs", rows, weights, rows)
    chosen = betas[:, tested]
    solved = np.linalg.solve(covariances, chosen[:, :, None])[:, :, 0]
    stats = np.einsum("br,br->b", chosen, solved) / len(tested)
    return float((1 + (stats >= fstat).sum()) / (1 + WILD_DRAWS))


def _serial(residuals: Array, x: Array) -> float:
    """Return Breusch and Godfrey's p-value for the residuals' first four lags."""
    n = len(residuals)
    lagged = np.zeros((n, SERIAL_LAGS))
    for lag in range(1, SERIAL_LAGS + 1):
        lagged[lag:, lag - 1] = residuals[:-lag]
    design = np.column_stack([x, lagged])
    rest = residuals - design @ np.linalg.lstsq(design, residuals, rcond=None)[0]
    r2 = 1 - (rest @ rest) / (residuals @ residuals)
    return float(chi2.sf(n * r2, SERIAL_LAGS))
