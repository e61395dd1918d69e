"""What Akash's console tells of now: snapshots, stored as the state at the end of yesterday."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pandas as pd

from research.frames import ONE_DAY
from research.sources._answers import Question, midnight

NAME = "akash"
MICRO = 1e6  # uAKT, uACT, uUSDC and uUSD in one AKT, ACT, USDC and USD

# how many of theirs are one of ours
BME_NOW: Mapping[str, float] = {
    "outstandingAct": MICRO,
    "vaultAkt": MICRO,
    "netAktBurned": MICRO,
    "totalAktBurnedForAct": MICRO,
    "totalActMinted": MICRO,
    "totalActBurnedForAkt": MICRO,
    "totalAktReminted": MICRO,
    "collateralRatio": 1.0,
}
CHAIN: Mapping[str, float] = {
    "stakingAPR": 1.0,  # a fraction a year, before commission
    "inflation": 1.0,
    "bondedTokens": MICRO,
    "totalSupply": MICRO,
}
LEASES: Mapping[str, float] = {
    "activeLeaseCount": 1.0,
    "totalLeaseCount": 1.0,
    "activeGPU": 1.0,
    "totalUAktSpent": MICRO,
    "totalUUsdcSpent": MICRO,
    "totalUUsdSpent": MICRO,
}
REPORTED = ("activeProviderCount", "activeGPU", "pendingGPU", "availableGPU", "totalGPU")
SHARE = "gpuUtilization"
CAPACITY_NOW = (*REPORTED, SHARE)
DASHBOARD_NOW = (*CHAIN, *LEASES, "activeProviderCount", "totalGPU", SHARE)


def parse_bme(answer: Any, *, name: str, now: dt.datetime) -> pd.DataFrame:
    """Read a stock of the burn-mint equilibrium as it stands."""
    asked = Question(NAME, f"bme/{name}")
    state = asked.record(asked.record(answer, "now")["now"], "date", name, of="now")
    _check_age(asked, state["date"], now)
    return asked.reading({None: asked.known(state[name], name) / BME_NOW[name]}, now)


def parse_capacity(answer: Any, *, name: str, now: dt.datetime) -> pd.DataFrame:
    """Read what providers report now: their number, their GPUs, or the share in use.

    `gpuUtilization` is (active + pending) / (active + pending + available).
    """
    asked = Question(NAME, f"network-capacity/{name}")
    return asked.reading({None: _capacity(asked, answer, name)}, now)


def parse_dashboard(answer: Any, *, name: str, now: dt.datetime) -> pd.DataFrame:
    """Read one figure of the dashboard as it stands.

    `activeGPU` is the chain's count of leased GPUs, `gpuUtilization` the providers' (see
    `parse_capacity`). A part that failed is zeros, so a height of 0 or no bonded tokens mean that
    it is missing. Of the sums of the last 24 hours nothing is taken: they are of no UTC day.
    """
    asked = Question(NAME, f"dashboard/{name}")
    parts = asked.record(answer, "chainStats", "now", "networkCapacity")
    chain = asked.record(parts["chainStats"], "height", "bondedTokens", of="chainStats")
    state = asked.record(parts["now"], "date", "height", *LEASES, of="now")
    for part, key in ((chain, "height"), (chain, "bondedTokens"), (state, "height")):
        if asked.known(part[key], key) <= 0:
            raise asked.empty(f"{key} is 0, so a part of the dashboard failed")
    _check_age(asked, state["date"], now)
    if name in CHAIN:
        said = asked.record(chain, name, of="chainStats")[name]
        value = asked.known(said, name) / CHAIN[name]
    elif name in LEASES:
        value = asked.known(state[name], name) / LEASES[name]
    else:
        value = _capacity(asked, parts["networkCapacity"], name)
    return asked.reading({None: value}, now)


def _capacity(asked: Question, answer: Any, name: str) -> float:
    """Return a figure of the capacity, which comes nested, or flat as the dashboard's in 2025."""
    flat = asked.record(answer, "activeProviderCount", of="the capacity")
    if "resources" in flat:
        resources = asked.record(flat["resources"], "gpu", of="resources")
        gpus = asked.record(resources["gpu"], of="gpu")
        flat = flat | {f"{key}GPU": value for key, value in gpus.items()}
    asked.record(flat, *REPORTED, of="the capacity")
    said = {key: asked.known(flat[key], key) for key in REPORTED}
    if said["activeProviderCount"] <= 0:
        raise asked.empty("no provider is online, so the capacity failed")
    if name != SHARE:
        return said[name]
    used = said["activeGPU"] + said["pendingGPU"]
    if (offered := used + said["availableGPU"]) <= 0:
        raise asked.empty("no GPUs are offered")
    return used / offered


def _check_age(asked: Question, date: Any, now: dt.datetime) -> None:
    """Refuse a state that is older than the day under which it would be stored."""
    at = asked.instant(date, "date")
    if at < (midnight(now) - ONE_DAY).tz_localize("UTC"):
        raise asked.empty(f"it stands still since {at:%Y-%m-%d}")
