"""The interval of a correlation against a second library, and the whole analysis of a market."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
from arch.bootstrap import StationaryBootstrap

from research import market
from research.evidence import SUBJECT, _market_pairs
from research.models.demand.analysis import analyse
from research.models.demand.block_bootstrap import Kind, correlation_interval
from research.models.demand.innovations import rank
from research.models.demand.pairs import Pairs

CASES: tuple[tuple[Kind, int, int, float], ...] = (
    ("spearman", 300, 9_999, 10.0),
    ("pearson", 1_500, 10_000, 12.0),
)
MAX_SECONDS = 20.0
CORES = 2
NETWORKS = ("akash", "render", "nosana", "golem", "livepeer")
MEASURES = ("gpu_hours", "gpus_active", "utilization")


def seconds(call: Callable[[], object]) -> float:
    """Return the time of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def interval_ratio(kind: Kind, n: int, n_replications: int) -> float:
    """Return how many times as fast ours is; the two take turns in one process."""
    rng = np.random.default_rng(0)
    a = rng.standard_normal(n)
    b = 0.3 * a + rng.standard_normal(n)
    block = n ** (1 / 3)

    def statistic(x: Any, y: Any) -> Any:
        if kind == "spearman":
            x, y = rank(x), rank(y)
        return np.arctanh(np.corrcoef(x, y)[0, 1])

    def theirs() -> object:
        bootstrap = StationaryBootstrap(block, a, b, seed=np.random.default_rng(1))
        return bootstrap.conf_int(statistic, n_replications, method="percentile")

    def ours() -> object:
        return correlation_interval(
            a, b, kind=kind, n_replications=n_replications, block_weeks=block
        )

    ours()
    return seconds(theirs) / min(seconds(ours) for _ in range(3))


def whole_market() -> float:
    """Return the seconds for ten networks, three measures each: five networks, twice."""
    rows = market.observations()
    wide = rows.pivot_table(index="date", columns="series", values="value")
    natures = {"gpu_hours": "flow", "gpus_active": "stock", "utilization": "ratio"}
    pairs = [
        _market_pairs(wide, network, measure, natures[measure])
        for network in NETWORKS
        for measure in MEASURES
    ]
    with ProcessPoolExecutor(CORES, initializer=one_thread) as pool:
        list(pool.map(one, pairs[:CORES]))  # imports are not counted
        return seconds(lambda: list(pool.map(one, (*pairs, *pairs))))


def one(pairs: Pairs) -> str:
    """Analyse one pair in a worker."""
    return analyse(pairs, SUBJECT).verdicts[0].grade


def one_thread() -> None:
    """Keep two workers from fighting for the same cores."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"


def main() -> int:
    """Print the figures; 1 if a limit is broken."""
    is_broken = False
    for kind, n, n_replications, required in CASES:
        ratio = interval_ratio(kind, n, n_replications)
        is_broken |= ratio < required
        print(  # noqa: T201
            f"{kind}, n {n}, {n_replications}: {ratio:.0f} times as fast ({required:.0f} needed)"
        )
    total = whole_market()
    is_broken |= total > MAX_SECONDS
    print(f"30 analyses on two cores: {total:.1f} s (at most {MAX_SECONDS:.0f})")  # noqa: T201
    return int(is_broken)


if __name__ == "__main__":
    sys.exit(main())
