"""Joint monthly paths of token, market, rental rate, utilization, resale and failures.

Token and market are drawn together from their own weeks by the stationary block bootstrap, so
that a crash of both stays a crash of both. Rate, utilization and resale have no long joint
history anywhere; they follow stated processes, tied to the token and to demand by correlations.
Arrays are time-major, (n_months, n_paths); a path's draws do not depend on how many there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import betaincinv, ndtr

from research.errors import DataError
from research.models.bootstrap import Drift, Resampler, fit_resampler, resample

Array = NDArray[Any]

BLOCK_OF_PATHS = 5_000  # paths are drawn in blocks, each with streams of its own
STREAMS = (
    "history",
    "demand",
    "rate",
    "utilization",
    "resale",
    "generation",
    "repair",
    "death",
    "slash",
)


@dataclass(frozen=True, kw_only=True)
class Processes:
    """What rental income is made of, as stated processes; one rig, months as steps."""

    rate_usd_per_hour: float  # per rented GPU-hour, today
    rate_drift_per_year: float  # change of the expected rate, -0.15 is 15 % less a year
    rate_volatility_per_year: float  # of log changes
    rate_demand_correlation: float
    rate_token_correlation: float
    utilization_mean: float  # fraction of available hours that are rented
    utilization_concentration: float  # a + b of the Beta marginal; larger is steadier
    utilization_persistence_per_month: float  # autocorrelation of one month
    utilization_demand_correlation: float
    resale_drift_per_year: float  # change of the expected resale value
    resale_volatility_per_year: float
    new_generation_rate_per_year: float
    new_generation_shock: float  # -0.15: resale falls by 15 % when a new generation arrives
    repairs_per_year: float  # repairable failures, all cards together
    deaths_per_year: float  # failures that end a card, all cards together
    slashes_per_year: float

    def __post_init__(self) -> None:
        if not 0 <= self.utilization_mean <= 1:
            raise DataError(
                f"a utilization of {self.utilization_mean:g}: a fraction from 0 to 1 is needed, "
                "60 % is 0.60"
            )


@dataclass(frozen=True, kw_only=True)
class Paths:
    """Simulated months. Growth factors have shape (n_months + 1, n_paths) and start at 1."""

    token: Array | None  # growth of the token's price in USD
    market: Array | None  # growth of the market factor's price in USD
    resale: Array  # growth of a card's resale value
    rate_usd_per_hour: Array  # (n_months, n_paths)
    utilization: Array  # (n_months, n_paths), fraction
    repairs: Array  # (n_months, n_paths), events in the month
    deaths: Array
    slashes: Array
    block_weeks: float | None  # mean block of the bootstrap; None if nothing was resampled

    @property
    def n_months(self) -> int:
        """Months simulated."""
        return int(self.utilization.shape[0])

    @property
    def n_paths(self) -> int:
        """Paths simulated."""
        return int(self.utilization.shape[1])


def expected(processes: Processes, *, n_months: int) -> Paths:
    """Return the one path on which everything goes as expected and prices stand still."""
    months = np.arange(n_months + 1)[:, None] / 12
    ones = np.ones((n_months + 1, 1))
    flat = np.ones((n_months, 1))
    return Paths(
        token=ones,
        market=ones,
        resale=(1 + processes.resale_drift_per_year) ** months,
        rate_usd_per_hour=processes.rate_usd_per_hour
        * (1 + processes.rate_drift_per_year) ** months[:-1],
        utilization=processes.utilization_mean * flat,
        repairs=processes.repairs_per_year / 12 * flat,
        deaths=processes.deaths_per_year / 12 * flat,
        slashes=processes.slashes_per_year / 12 * flat,
        block_weeks=None,
    )


def simulate(
    history: pd.DataFrame,
    processes: Processes,
    *,
    n_months: int,
    drift: Drift,
    risk_free_per_year: float,
    n_paths: int,
    seed: int,
) -> Paths:
    """Simulate all factors together.

    Parameters
    ----------
    history : weekly log returns, columns among `token`, `market`, `demand`; may have no column
    processes : the stated processes of rate, utilization, resale and failures
    n_months : horizon
    drift : `zero` (expected price = today's price, exactly), `historical` (as resampled), or
        `shrunk` (between the historical and the risk-free growth, by how well it is known)
    risk_free_per_year : what `shrunk` shrinks towards
    n_paths, seed : the first k paths are the same for any n_paths >= k

    Raises
    ------
    InsufficientDataError : if there are prices but fewer than 52 joint weeks
    """
    resampler = fit_resampler(
        history, n_months=n_months, drift=drift, risk_free_per_year=risk_free_per_year
    )
    growth: dict[str, Array] = {
        name: np.empty((n_months + 1, n_paths)) for name in (*resampler.shift, "resale")
    }
    monthly: dict[str, Array] = {
        name: np.empty((n_months, n_paths)) for name in ("rate_usd_per_hour", "utilization")
    }
    events: dict[str, Array] = {
        name: np.empty((n_months, n_paths), dtype=np.uint16)
        for name in ("repairs", "deaths", "slashes")
    }
    outputs = growth | monthly | events
    for block, start in enumerate(range(0, n_paths, BLOCK_OF_PATHS)):
        paths = slice(start, min(start + BLOCK_OF_PATHS, n_paths))
        seeds = np.random.SeedSequence(seed, spawn_key=(block,)).spawn(len(STREAMS))
        rng = {
            name: np.random.Generator(np.random.SFC64(stream))
            for name, stream in zip(STREAMS, seeds, strict=True)
        }
        for name, drawn in _draw(resampler, processes, n_months, paths.stop - start, rng):
            outputs[name][:, paths] = drawn
    return Paths(
        token=growth.get("token"),
        market=growth.get("market"),
        resale=growth["resale"],
        **monthly,
        **events,
        block_weeks=resampler.block_weeks if resampler.weeks else None,
    )


def _draw(
    resampler: Resampler,
    p: Processes,
    n_months: int,
    size: int,
    rng: dict[str, np.random.Generator],
) -> Iterator[tuple[str, Array]]:
    """Draw one block of paths, factor by factor; each has a stream of its own."""

    def normals(stream: str) -> Array:  # path after path, so that more paths change none before
        return np.ascontiguousarray(rng[stream].standard_normal((size, n_months)).T)

    def events(stream: str, per_year: float) -> Array:
        return np.asarray(rng[stream].poisson(per_year / 12, (size, n_months)).T)

    growth, scores = resample(resampler, size, rng["history"])
    yield from growth.items()
    demand, token = scores.get("demand"), scores.get("token")
    if demand is None:
        demand = normals("demand")
    yield "utilization", _utilization(p, demand, normals("utilization"))
    together = resampler.demand_token_correlation
    yield "rate_usd_per_hour", _rate(p, together, demand, token, normals("rate"))
    arrivals = events("generation", p.new_generation_rate_per_year)
    yield "resale", _resale(p, normals("resale"), arrivals)
    yield "repairs", events("repair", p.repairs_per_year)
    yield "deaths", events("death", p.deaths_per_year)
    yield "slashes", events("slash", p.slashes_per_year)


def _rate(
    p: Processes, demand_with_token: float, demand: Array, token: Array | None, own: Array
) -> Array:
    """Return rates whose mean follows the stated drift, tied to demand and token."""
    with_token = 0.0 if token is None else p.rate_token_correlation
    on_demand, on_token, on_own = _loadings(
        p.rate_demand_correlation, with_token, demand_with_token
    )
    shock = on_demand * demand + on_own * own
    if token is not None:
        shock += on_token * token
    months = np.arange(1, len(shock) + 1)[:, None] / 12
    rate: Array = p.rate_usd_per_hour * np.exp(
        np.log1p(p.rate_drift_per_year) * (months - 1 / 12)  # the first month earns today's rate
        - p.rate_volatility_per_year**2 / 2 * months
        + p.rate_volatility_per_year / np.sqrt(12) * np.cumsum(shock, axis=0)
    )
    return rate


def _resale(p: Processes, own: Array, arrivals: Array) -> Array:
    """Return growth of resale value, which starts at 1 and falls when a new card comes out."""
    months = np.arange(1, len(own) + 1)[:, None] / 12
    growth = np.exp(
        np.log1p(p.resale_drift_per_year) * months
        - p.resale_volatility_per_year**2 / 2 * months
        + p.resale_volatility_per_year / np.sqrt(12) * np.cumsum(own, axis=0)
        # the jumps spread the outcomes; their mean is taken out, since the drift holds it already
        + np.log1p(p.new_generation_shock) * np.cumsum(arrivals, axis=0)
        - p.new_generation_rate_per_year * p.new_generation_shock * months
    )
    return np.concatenate([np.ones((1, growth.shape[1])), growth])


def _loadings(with_demand: float, with_token: float, between: float) -> tuple[float, float, float]:
    """Return the weights of demand, token and own noise that give the stated correlations."""
    if abs(between) > 0.99:  # one and the same shock: the token then adds nothing
        on_demand, on_token = with_demand, 0.0
    else:
        on_demand = (with_demand - between * with_token) / (1 - between**2)
        on_token = (with_token - between * with_demand) / (1 - between**2)
    own = 1 - on_demand * with_demand - on_token * with_token
    if own < 0:
        raise DataError(
            f"rate correlations of {with_demand} with demand and {with_token} with the token are "
            f"impossible when these two correlate at {between:.2f}; lower one of them"
        )
    return on_demand, on_token, float(np.sqrt(own))


def _utilization(p: Processes, demand: Array, own: Array) -> Array:
    """Return a persistent utilization with an exact Beta marginal (a Gaussian copula AR(1))."""
    mean = p.utilization_mean
    if mean in (0.0, 1.0):
        return np.full_like(demand, mean)
    tie, keep = p.utilization_demand_correlation, p.utilization_persistence_per_month
    shock = tie * demand + np.sqrt(1 - tie**2) * own
    z = np.empty_like(shock)
    z[0] = shock[0]
    for month in range(1, len(z)):
        z[month] = keep * z[month - 1] + np.sqrt(1 - keep**2) * shock[month]
    knots = np.linspace(-6, 6, 2_049)  # the Beta quantile is smooth in z: read it off a table
    a = mean * p.utilization_concentration
    table = betaincinv(a, p.utilization_concentration - a, ndtr(knots))
    return np.asarray(np.interp(z, knots, table))
