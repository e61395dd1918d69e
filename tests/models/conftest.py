"""The rig of case G, processes around it, and a market made of normal weeks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri

from research.models.rig import Rig
from research.models.scenarios import Processes


@pytest.fixture(scope="session")
def rig() -> Rig:
    return Rig(
        gpu_count=1,
        gpu_usd=1600.0,
        host_usd=400.0,
        resale_usd=1400.0,
        selling_cost=0.10,
        load_w=450.0,
        idle_w=22.0,
        host_load_w=100.0,
        host_idle_w=60.0,
        psu_efficiency=0.90,
        pue=1.0,
        tariff_usd_per_kwh=0.15,
        fixed_usd_per_month=12.0,
        availability=1.0,
        repair_usd=300.0,
        failure_downtime_days=0.0,
    )


@pytest.fixture(scope="session")
def processes() -> Processes:
    return Processes(
        rate_usd_per_hour=0.40,
        rate_drift_per_year=-0.20,
        rate_volatility_per_year=0.35,
        rate_demand_correlation=0.5,
        rate_token_correlation=0.2,
        utilization_mean=0.60,
        utilization_concentration=4.0,
        utilization_persistence_per_month=0.8,
        utilization_demand_correlation=0.5,
        resale_drift_per_year=-0.25,
        resale_volatility_per_year=0.25,
        new_generation_rate_per_year=0.45,
        new_generation_shock=-0.15,
        repairs_per_year=0.05,
        deaths_per_year=0.0,
        slashes_per_year=0.0,
    )


@pytest.fixture(scope="session")
def weeks() -> pd.DataFrame:
    """400 weeks of token, market and demand: normal, volatilities 1.2, 0.6 and 0.4 a year.

    The token correlates with the market at 0.5 and with demand at 0.3.
    """
    n_weeks = 400
    rng = np.random.default_rng(5)
    quantiles = ndtri((np.arange(n_weeks) + 0.5) / n_weeks)
    market, demand, own = (rng.permutation(quantiles) for _ in range(3))
    token = 0.5 * market + 0.3 * demand + np.sqrt(1 - 0.5**2 - 0.3**2) * own
    volatility = {"token": (token, 1.2), "market": (market, 0.6), "demand": (demand, 0.4)}
    return pd.DataFrame(
        {
            name: x / x.std() * per_year / np.sqrt(365 / 7)
            for name, (x, per_year) in volatility.items()
        },
        index=pd.date_range("2018-01-07", periods=n_weeks, freq="W-SUN", tz="UTC", name="date"),
    )
