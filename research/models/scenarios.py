"""Joint monthly paths of token, market, rental rate, utilization, resale and failures.

Token and market are drawn together from their own weeks by the stationary block bootstrap, so
that a crash of both stays a crash of both. Rate, utilization and resale have no long joint
history anywhere; they follow stated processes, tied to the token and to demand by correlations.
Arrays are time-major, (n_months, n_paths); a path's draws do not depend on how many there are,
nor on how many blocks of them are drawn at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, ndtr

from research.errors import DataError
from research.models.dynamics import Dynamics

Array = NDArray[Any]
Level = float | Array  # one figure for all paths, or (n_paths,)

BLOCK_OF_PATHS = 5_000  # paths are drawn in blocks, each whole and with streams of its own
Z_RANGE, Z_KNOTS = 6.0, 1_025  # of the table of Beta quantiles: standard normal scores
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
    """What rental income is made of, as stated processes; one rig, months as steps.

    A level may differ by path, (n_paths,), where the uncertainty of the figures is simulated too.
    """

    rate_usd_per_hour: Level  # per rented GPU-hour, today
    rate_drift_per_year: Level  # change of the expected rate, -0.15 is 15 % less a year
    rate_volatility_per_year: Level  # of log changes
    rate_demand_correlation: float
    rate_token_correlation: float
    utilization_mean: Level  # fraction of available hours that are rented
    utilization_concentration: float  # a + b of the Beta marginal; larger is steadier
    utilization_persistence_per_month: float  # autocorrelation of one month
    utilization_demand_correlation: float
    resale_drift_per_year: Level  # change of the expected resale value
    resale_volatility_per_year: Level
    new_generation_rate_per_year: Level
    new_generation_shock: Level  # -0.15: resale falls by 15 % when a new generation arrives
    repairs_per_year: Level  # repairable failures, all cards together
    deaths_per_year: Level  # failures that end a card, all cards together
    slashes_per_year: Level

    def __post_init__(self) -> None:
        if np.min(self.utilization_mean) < 0 or np.max(self.utilization_mean) > 1:
            stated = np.max(np.abs(self.utilization_mean))
            raise DataError(
                f"a utilization of {stated:g}: a fraction from 0 to 1 is needed, 60 % is 0.60"
            )


@dataclass(frozen=True, kw_only=True)
class Paths:
    """Simulated months. Growth factors have shape (n_months + 1, n_paths) and start at 1."""

    token: Array | None  # growth of the token's price in USD
    market: Array | None  # growth of the market factor's price in USD
    basket: Array | None = None  # growth of an equal-weight basket of tokens
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

    def first(self, n_paths: int) -> Paths:
        """Return the first paths alone."""
        if n_paths >= self.n_paths:
            return self
        arrays: dict[str, Any] = {
            field.name: array[:, :n_paths]
            for field in fields(Paths)
            if isinstance(array := getattr(self, field.name), np.ndarray)
        }
        return replace(self, **arrays)


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
    dynamics: Dynamics, processes: Processes, *, n_months: int, n_paths: int, seed: int
) -> Paths:
    """Simulate all factors together, all paths at once.

    Parameters
    ----------
    dynamics : the law of token, market and demand, fitted for `n_months`
    processes : the stated processes of rate, utilization, resale and failures
    n_paths, seed : the first k paths are the same for any n_paths >= k
    """
    n_blocks = -(-n_paths // BLOCK_OF_PATHS)
    drawn = [draw_block(dynamics, processes, n_months, seed, block) for block in range(n_blocks)]
    arrays: dict[str, Any] = {
        field.name: np.concatenate([getattr(each, field.name) for each in drawn], axis=1)
        for field in fields(Paths)
        if isinstance(getattr(drawn[0], field.name), np.ndarray)
    }
    return replace(drawn[0], **arrays).first(n_paths)


def draw_block(
    dynamics: Dynamics, processes: Processes, n_months: int, seed: int, block: int, *, card: int = 0
) -> Paths:
    """Draw block number `block` of `BLOCK_OF_PATHS` paths; a factor has a stream of its own.

    Parameters
    ----------
    processes : a figure may differ by path, (BLOCK_OF_PATHS,)
    card : cards of one rig share everything but their failures, which differ by this number
    """
    p, size = processes, BLOCK_OF_PATHS
    seeds = np.random.SeedSequence(seed, spawn_key=(block,)).spawn(len(STREAMS))
    rng = {
        name: np.random.Generator(np.random.SFC64(stream))
        for name, stream in zip(STREAMS, seeds, strict=True)
    }
    if card:
        own = np.random.SeedSequence(seed, spawn_key=(block, card)).spawn(2)
        for name, stream in zip(("repair", "death"), own, strict=True):
            rng[name] = np.random.Generator(np.random.SFC64(stream))

    def normals(stream: str) -> Array:
        return rng[stream].standard_normal((n_months, size))

    def events(stream: str, per_year: Level) -> Array:
        return _events(per_year, n_months, size, rng[stream])

    growth, scores = dynamics.draw(size, rng["history"])
    token, together = scores.get("token"), dynamics.demand_token_correlation
    demand = scores.get("demand")
    if demand is None:
        demand = normals("demand")
        if token is not None and together:
            demand = together * token + np.sqrt(1 - together**2) * demand
    return Paths(
        token=growth.get("token"),
        market=growth.get("market"),
        basket=growth.get("basket"),
        utilization=_utilization(p, demand, normals("utilization")),
        rate_usd_per_hour=_rate(p, together, demand, token, normals("rate")),
        resale=_resale(p, normals("resale"), events("generation", p.new_generation_rate_per_year)),
        repairs=events("repair", p.repairs_per_year),
        deaths=events("death", p.deaths_per_year),
        slashes=events("slash", p.slashes_per_year),
        block_weeks=dynamics.block_weeks,
    )


def _events(per_year: Level, n_months: int, size: int, rng: np.random.Generator) -> Array:
    """Return Poisson counts a month, (n_months, size): rare, so the arrivals are drawn, not cells.

    All arrivals of the block at the highest rate, each in a month and a path of its own; where a
    path has a lower rate, just that share of them counts.
    """
    highest = float(np.max(per_year)) / 12
    n_arrivals = int(rng.poisson(highest * n_months * size))
    cells, kept = rng.integers(n_months * size, size=n_arrivals), rng.random(n_arrivals)
    if np.ndim(per_year):
        cells = cells[kept * highest * 12 < np.asarray(per_year)[cells % size]]
    counts = np.bincount(cells, minlength=n_months * size)
    return counts.reshape(n_months, size).astype(np.uint16)


def _rate(
    p: Processes, demand_with_token: float, demand: Array, token: Array | None, own: Array
) -> Array:
    """Return rates whose mean follows the stated drift, tied to demand and token."""
    with_token = 0.0 if token is None else p.rate_token_correlation
    on_demand, on_token, on_own = _loadings(
        p.rate_demand_correlation, with_token, demand_with_token
    )
    shock = on_demand * demand
    shock += on_own * own
    if token is not None:
        shock += on_token * token
    months = np.arange(1, len(shock) + 1)[:, None] / 12
    _add_up(shock)
    shock *= p.rate_volatility_per_year / np.sqrt(12)
    # the first month earns today's rate
    shock += np.log1p(p.rate_drift_per_year) * (months - 1 / 12)
    shock -= np.square(p.rate_volatility_per_year) / 2 * months
    np.exp(shock, out=shock)
    shock *= p.rate_usd_per_hour
    return shock


def _add_up(months: Array) -> None:
    """Turn the changes of months into their running sums, in place: five times NumPy's speed."""
    for month in range(1, len(months)):
        months[month] += months[month - 1]


def _resale(p: Processes, own: Array, arrivals: Array) -> Array:
    """Return growth of resale value, which starts at 1 and falls when a new card comes out."""
    months = np.arange(1, len(own) + 1)[:, None] / 12
    growth = np.ones((len(own) + 1, own.shape[1]))
    logs = growth[1:]
    logs[:] = own
    _add_up(logs)
    logs *= p.resale_volatility_per_year / np.sqrt(12)
    if arrivals.any():
        logs += np.log1p(p.new_generation_shock) * np.cumsum(arrivals, axis=0, dtype=float)
    # the jumps spread the outcomes; their mean is taken out, since the drift holds it already
    drift = np.log1p(p.resale_drift_per_year) - np.square(p.resale_volatility_per_year) / 2
    logs += (drift - p.new_generation_rate_per_year * p.new_generation_shock) * months
    np.exp(logs, out=logs)
    return growth


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
    tie, keep = p.utilization_demand_correlation, p.utilization_persistence_per_month
    shock = tie * demand
    shock += np.sqrt(1 - tie**2) * own
    z = shock
    for month in range(1, len(z)):
        z[month] *= np.sqrt(1 - keep**2)
        z[month] += keep * z[month - 1]
    means, mean_of = np.unique(p.utilization_mean, return_inverse=True)
    # the Beta quantile is smooth in z: it is read off a table, a row of it for each mean
    table = np.stack([_beta_quantiles(mean, p.utilization_concentration) for mean in means])
    step = 2 * Z_RANGE / (Z_KNOTS - 1)
    z += Z_RANGE
    z *= 1 / step
    np.clip(z, 0, Z_KNOTS - 1.000001, out=z)
    knot = z.astype(np.int32)
    z -= knot  # what is left is the way to the next knot
    if len(means) > 1:
        knot += (mean_of * Z_KNOTS).astype(np.int32)
    flat, slope = table.reshape(-1), np.diff(table, axis=1, append=table[:, -1:]).reshape(-1)
    z *= slope[knot]
    z += flat[knot]
    return z


def _beta_quantiles(mean: float, concentration: float) -> Array:
    """Return the Beta law's quantiles at equally spaced standard normal scores."""
    if mean in (0.0, 1.0):
        return np.full(Z_KNOTS, mean)
    a = mean * concentration
    scores = np.linspace(-Z_RANGE, Z_RANGE, Z_KNOTS)
    return np.asarray(betaincinv(a, concentration - a, ndtr(scores)))
