"""Time and memory of one answer: 20,000 paths by 36 months with all alternatives.

Run as a script. Each part has a fresh process, so that its peak of memory is its own; its time is
the median of several runs after the imports. Exits with 1 beyond a limit.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from research.models.bootstrap import History, block_weeks
from research.models.comparison import Comparison, compare
from research.models.decision import Decision, Question, decide
from research.models.holding import hold, hold_cash
from research.models.rental import Rig, Venue, rent
from research.models.scenarios import Processes, simulate

MAX_SECONDS, MAX_MEGABYTES = 1.0, 300.0
RUNS = 7
N_WEEKS = 280  # as many as there are of AKT and BTC in March 2026


def market() -> pd.DataFrame:
    """Weekly returns of a token and the market, normal and correlated."""
    market, own = np.random.default_rng(0).standard_normal((2, N_WEEKS))
    return pd.DataFrame({"token": 0.1 * market + 0.13 * own, "market": 0.085 * market})


QUESTION = Question(
    network="Akash",
    token="AKT",  # noqa: S106 - a symbol, no secret
    gpu="RTX 4090",
    rig=Rig(
        gpu_count=1,
        gpu_usd=3_200,
        host_usd=400,
        resale_usd=3_000,
        selling_cost=0.1,
        load_w=450,
        idle_w=22,
        host_load_w=100,
        host_idle_w=60,
        psu_efficiency=0.9,
        pue=1,
        tariff_usd_per_kwh=0.15,
        fixed_usd_per_month=12,
        availability=0.97,
        repair_usd=300,
        failure_downtime_days=14,
    ),
    venue=Venue(payout="usd-quoted", platform_fee=0.1, token_trade_cost=0.0025),
    processes=Processes(
        rate_usd_per_hour=0.35,
        rate_drift_per_year=-0.15,
        rate_volatility_per_year=0.35,
        rate_demand_correlation=0.5,
        rate_token_correlation=0.2,
        utilization_mean=0.5,
        utilization_concentration=4,
        utilization_persistence_per_month=0.8,
        utilization_demand_correlation=0.5,
        resale_drift_per_year=-0.2,
        resale_volatility_per_year=0.25,
        new_generation_rate_per_year=0.45,
        new_generation_shock=-0.15,
        repairs_per_year=0.025,
        deaths_per_year=0.025,
        slashes_per_year=0.02,
    ),
    history=History(returns=market()),
    capital_usd=4_000,
    token_price_usd=0.5,
    sell_share=1.0,
    trade_cost=0.0025,
    cash_yield_per_year=0.04,
    discount_rate_per_year=0.15,
    n_months=36,
    drift="zero",
    n_paths=20_000,
    seed=7,
)


def all_alternatives() -> Comparison:
    """Simulate, rent, hold, compare: what the target of one second speaks of."""
    q = QUESTION
    paths = simulate(
        q.history.returns,
        q.processes,
        n_months=q.n_months,
        drift=q.drift,
        risk_free_per_year=q.cash_yield_per_year,
        n_paths=q.n_paths,
        seed=q.seed,
    )
    if paths.token is None or paths.market is None:
        raise ValueError("the benchmark's market has no token")
    ledger = rent(
        q.rig,
        q.venue,
        paths,
        capital_usd=q.capital_usd,
        token_price_usd=q.token_price_usd,
        cash_yield_per_year=q.cash_yield_per_year,
    )
    return compare(
        {
            "hold": hold(paths.token, trade_cost=q.trade_cost),
            "rent": ledger.wealth_usd / q.capital_usd,
            "btc": hold(paths.market, trade_cost=q.trade_cost),
            "t-bill": hold_cash(q.n_months, yield_per_year=q.cash_yield_per_year),
        }
    )


def whole_answer() -> Decision:
    """The same with the appraisal, the flips and the cash flow by month."""
    return decide(QUESTION)


PARTS: dict[str, Callable[[], object]] = {
    "all alternatives": all_alternatives,
    "whole answer": whole_answer,
}


def measure(part: str) -> None:
    """Print the seconds and the peak of memory of one part, in this process."""
    block_weeks(QUESTION.history.returns)  # imports arch
    before = megabytes()
    seconds, of_processor = [], []
    for _ in range(RUNS):
        started, worked = time.perf_counter(), time.process_time()
        PARTS[part]()
        seconds.append(time.perf_counter() - started)
        of_processor.append(time.process_time() - worked)
    figures = statistics.median(seconds), statistics.median(of_processor), megabytes(), before
    sys.stdout.write(" ".join(str(figure) for figure in figures) + "\n")


def megabytes() -> float:
    """Return the peak of resident memory so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1_024 / 1e6


def main() -> int:
    """Measure every part in a process of its own and compare it with the limits."""
    kept = True
    for part in PARTS:
        done = subprocess.run(
            [sys.executable, __file__, part], check=True, capture_output=True, text=True
        )
        seconds, processor, peak, imports = (float(figure) for figure in done.stdout.split())
        within = seconds < MAX_SECONDS and peak < MAX_MEGABYTES
        kept = kept and within
        sys.stdout.write(
            f"{part}: {seconds:.2f} s, {processor:.2f} s of them of the processor (limit "
            f"{MAX_SECONDS:g}), peak {peak:.0f} MB, {imports:.0f} "
            f"of them imports (limit {MAX_MEGABYTES:g}): {'kept' if within else 'NOT KEPT'}\n"
        )
    return 0 if kept else 1


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(sys.argv[1])
    else:
        raise SystemExit(main())
