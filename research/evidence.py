"""Is the toolkit right? False alarms, power and truth found, in worlds whose truth is known.

`make evidence` prints the tables; nothing here reads a store.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research import catalogue, market
from research.models.demand.analysis import Analysis, Subject, analyse
from research.models.demand.association import headline_test
from research.models.demand.pairs import Pairs, align

Array = NDArray[np.float64]
Volatility = Literal["none", "separate", "shared"]

BURN_IN = 100  # weeks
PERSISTENCE, DISPERSION = 0.9, 0.35  # of the log of volatility
CELLS: tuple[tuple[Volatility, int], ...] = (
    ("none", 104),
    ("separate", 104),
    ("shared", 104),
    ("shared", 365),
)
AUTOREGRESSIONS = (0.0, 0.8)
POWER_WEEKS = {26: 0.20, 52: 0.32, 104: 0.60, 156: 0.80, 365: 0.99}  # published beside the models
POWER_RHO = 0.3
NULL_WEEKS = 156
REPLICATIONS = 499  # of the headline interval: the grades hardly need more
MARKET = ("akash.gpu_hours", "render.gpu_hours", "io-net.spend_token_valued_usd")
SUBJECT = Subject(
    network="a made world", symbol="X", measure="hours", measure_label="hours", demand_class="A"
)


def world(
    rng: np.random.Generator, n: int, *, volatility: Volatility, ar: float = 0.0, rho: float = 0.0
) -> tuple[pd.Series[float], pd.Series[float]]:
    """Return price and demand growth of `n` weeks.

    Two autoregressions with coefficient `ar`, whose innovations are correlated by `rho` and have
    a volatility of their own, or share it, or a constant one.
    """
    total = n + BURN_IN
    shocks = rng.standard_normal((2, total))
    shocks[1] = rho * shocks[0] + np.sqrt(1 - rho**2) * shocks[1]
    own = rng.standard_normal((2, total))
    if volatility == "shared":
        own[1] = own[0]
    if volatility != "none":
        shocks = shocks * np.exp(_recursion(DISPERSION * own, PERSISTENCE))
    series = _recursion(shocks, ar)[:, BURN_IN:]
    weeks = pd.date_range("2015-01-04", periods=n, freq="W-SUN")
    return pd.Series(series[0], weeks, name="price"), pd.Series(series[1], weeks, name="demand")


def rejection_rate(
    n_worlds: int, n: int, volatility: Volatility, ar: float, rho: float, seed: int = 1
) -> float:
    """Return how often the headline test rejects at 5 %."""
    rng = np.random.default_rng([seed, n, int(10 * ar), int(10 * rho)])
    worlds = (world(rng, n, volatility=volatility, ar=ar, rho=rho) for _ in range(n_worlds))
    pvalues = [headline_test(price, demand).pvalue or 0.0 for price, demand in worlds]
    return float(np.mean(np.array(pvalues) < 0.05))


def null_grades(seed: int) -> tuple[str, ...]:
    """Return the verdicts on a world without any link, volatility shared."""
    price, demand = world(np.random.default_rng([7, seed]), NULL_WEEKS, volatility="shared")
    daily = pd.date_range(price.index[0] - pd.Timedelta(days=6), price.index[-1])
    levels = [
        (0.05 * x.cumsum()).apply(np.exp).reindex(daily, method="bfill").rename(str(x.name))
        for x in (price, demand)
    ]
    pairs = align(*levels, nature="stock")
    return _grades(analyse(pairs, SUBJECT, seed=seed, n_replications=REPLICATIONS))


def market_findings(seed: int) -> list[tuple[str, tuple[str, ...], int, bool]]:
    """Return for each network its grades, the lag found, and whether the interval has the truth."""
    rows = market.observations(seed)
    wide = rows.pivot_table(index="date", columns="series", values="value")
    truth = market.truth(seed)
    found = []
    for series in MARKET:
        network, measure = series.split(".")
        facts = catalogue.load().measures[measure]
        pairs = _market_pairs(wide, network, measure, facts.nature)
        subject = Subject(
            network=network, symbol=network, measure=measure, measure_label=measure,
            demand_class="C" if facts.demand_class == "C" else "A",
        )  # fmt: skip
        one = analyse(pairs, subject, seed=seed, n_replications=REPLICATIONS)
        beta, true = one.elasticity, truth.prices[network].elasticity
        found.append(
            (network, _grades(one), one.verdicts[1].lag,
             beta is not None and beta.low <= true <= beta.high)
        )  # fmt: skip
    return found


def _market_pairs(wide: pd.DataFrame, network: str, measure: str, nature: str) -> Pairs:
    factors = wide[[f"{name}.price_usd" for name in ("btc", "nvda", "eth", "sol")]]
    return align(
        wide[f"{network}.price_usd"], wide[f"{network}.{measure}"],
        nature=nature,  # type: ignore[arg-type]  # the catalogue has checked it
        factors=factors.rename(columns=lambda name: str(name).split(".")[0]), sessions=("nvda",),
    )  # fmt: skip


def _grades(analysis: Analysis) -> tuple[str, ...]:
    return tuple(verdict.grade for verdict in analysis.verdicts)


def _recursion(shocks: Array, coefficient: float) -> Array:
    """Return first-order autoregressions of the rows."""
    out = np.empty_like(shocks)
    state = np.zeros(len(shocks))
    for week in range(shocks.shape[1]):
        state = coefficient * state + shocks[:, week]
        out[:, week] = state
    return out


def _lines(n_worlds: int, n_null: int, n_seeds: int, workers: int) -> Iterator[str]:
    with ProcessPoolExecutor(workers) as pool:
        yield f"False alarms of the headline test at 5 %, {n_worlds} worlds a cell"
        cells = [(h, n, ar) for h, n in CELLS for ar in AUTOREGRESSIONS]
        rates = pool.map(_rate, [(n_worlds, n, h, ar, 0.0) for h, n, ar in cells])
        for (h, n, ar), rate in zip(cells, rates, strict=True):
            yield f"  volatility {h:<9} n {n:<4} ar {ar:.1f}  {rate:6.1%}"
        yield f"Power at a correlation of {POWER_RHO}, volatility shared (expected)"
        jobs = [(n_worlds, n, "shared", 0.0, POWER_RHO) for n in POWER_WEEKS]
        for (n, expected), rate in zip(POWER_WEEKS.items(), pool.map(_rate, jobs), strict=True):
            yield f"  n {n:<4} {rate:6.1%} ({expected:.0%})"
        yield f"Verdicts in {n_null} worlds without a link, {NULL_WEEKS} weeks, volatility shared"
        yield from _table(pool.map(null_grades, range(n_null), chunksize=5))
        yield f"The simulated market, {n_seeds} seeds"
        found = [x for each in pool.map(market_findings, range(n_seeds)) for x in each]
    for series in MARKET:
        network = series.split(".")[0]
        own = [x for x in found if x[0] == network]
        yield f"  {series}"
        yield from _table(x[1] for x in own)
        if network == "akash":
            yield f"    lag of 2 weeks found: {np.mean([x[2] == 2 for x in own]):.1%}"
            yield f"    95 % interval holds the true elasticity: {np.mean([x[3] for x in own]):.1%}"


def _rate(job: tuple[int, int, Volatility, float, float]) -> float:
    return rejection_rate(*job)


def _table(grades: Iterator[tuple[str, ...]]) -> Iterator[str]:
    for question, found in zip(
        ("co-movement", "prediction", "long run"), zip(*grades, strict=True), strict=True
    ):
        counts = Counter(found)
        shares = ", ".join(f"{name} {n / len(found):.1%}" for name, n in counts.most_common())
        yield f"    {question:<12} {shares}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="research.evidence", description=__doc__)
    parser.add_argument("--worlds", type=int, default=1000, help="a cell of size and power")
    parser.add_argument("--null", type=int, default=500, help="worlds without a link")
    parser.add_argument("--seeds", type=int, default=200, help="simulated markets")
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args(arguments)
    for line in _lines(asked.worlds, asked.null, asked.seeds, asked.workers):
        print(line, flush=True)  # noqa: T201 - what it is for


if __name__ == "__main__":
    main()
