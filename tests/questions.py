"""A small question, complete and plausible, for the tests that need one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from research.models.bootstrap import History
from research.models.futures import Question
from research.models.rig import Rig, Venue
from research.models.scenarios import Processes

RIG = Rig(
    gpu_count=1,
    gpu_usd=1_600,
    host_usd=400,
    resale_usd=1_400,
    selling_cost=0.1,
    load_w=450,
    idle_w=22,
    host_load_w=100,
    host_idle_w=60,
    psu_efficiency=0.9,
    pue=1.0,
    tariff_usd_per_kwh=0.15,
    fixed_usd_per_month=12,
    availability=0.97,
    repair_usd=300,
    failure_downtime_days=14,
)
PROCESSES = Processes(
    rate_usd_per_hour=0.4,
    rate_drift_per_year=-0.15,
    rate_volatility_per_year=0.35,
    rate_demand_correlation=0.5,
    rate_token_correlation=0.2,
    utilization_mean=0.6,
    utilization_concentration=8,
    utilization_persistence_per_month=0.8,
    utilization_demand_correlation=0.5,
    resale_drift_per_year=-0.2,
    resale_volatility_per_year=0.25,
    new_generation_rate_per_year=0.45,
    new_generation_shock=-0.15,
    repairs_per_year=0.025,
    deaths_per_year=0.025,
    slashes_per_year=0.0,
)


def weeks(n_weeks: int = 150, *, columns: tuple[str, ...] = ("token", "market")) -> pd.DataFrame:
    """Return joint weekly log returns of a token at 1.2 a year and a market at 0.6."""
    rng = np.random.default_rng(11)
    volatility = {"token": 1.2, "market": 0.6, "demand": 0.4}
    return pd.DataFrame(
        {name: rng.normal(0, volatility[name] / np.sqrt(365 / 7), n_weeks) for name in columns},
        index=pd.date_range("2023-01-01", periods=n_weeks, freq="W-SUN"),
    )


def question(**changes: Any) -> Question:
    """Return one RTX 4090 on Akash over a year, with `changes`."""
    asked = Question(
        network="Akash",
        token="AKT",  # noqa: S106 - a symbol, no secret
        gpu="RTX 4090",
        rig=RIG,
        venue=Venue(payout="usd-quoted", platform_fee=0.1, token_trade_cost=0.0025),
        processes=PROCESSES,
        history=History(returns=weeks()),
        capital_usd=2_200,
        token_price_usd=0.5,
        trade_cost=0.0025,
        cash_yield_per_year=0.04,
        discount_rate_per_year=0.15,
        n_months=12,
        drift="zero",
        n_paths=2_000,
        seed=3,
    )
    return replace(asked, **changes)
