"""The networks side by side, and the sector: one row each, whatever is known of them."""

from __future__ import annotations

from statistics import median
from typing import Any

import pandas as pd

from research import catalogue
from research.catalogue import Catalogue
from research.holdings import WINDOW_DAYS, Market, cards, flow, level_and_change, unit
from research.models.returns import DAYS_PER_YEAR, drawdown, simple_returns

MIN_RETURNS = 90  # of the last year, for a volatility
PHYSICAL = (  # measures of work done, the most telling first; utilization has supply in it
    "gpu_hours",
    "gpus_active",
    "job_hours",
    "jobs_completed",
    "frames_rendered",
    "leases_active",
    "providers_computing",
    "compute_hours_cumulative",
    "frames_cumulative",
)
SPENDING = ("spend_usd", "fees_usd")  # what a capitalisation is a multiple of, the better first
TOLD = ("utilization", "market_cap_usd", "staking_yield", *PHYSICAL, *SPENDING)


def series(*measures: str) -> list[str]:
    """Return these measures of all networks, as `Market.origin` takes them."""
    return [f"{network}.{name}" for network in catalogue.load().networks for name in measures]


def sectors() -> list[str]:
    """Return the ids of the sectors."""
    return [*catalogue.load().sectors]


def _work(market: Market, network: str, known: Catalogue) -> dict[str, Any]:
    """Return the most telling physical measure that is held, and how it moves."""
    for name in PHYSICAL:
        values = market.get(f"{network}.{name}")
        if values is None:
            continue
        measure, said = known.measures[name], market.read_from(f"{network}.{name}")
        level, change = level_and_change(flow(values, measure))
        if level is not None:
            return {
                "demand_measure": name,
                "demand": level,
                "demand_unit": unit(
                    measure, int(market.read_from(f"{network}.{name}").periods[-1])
                ),
                "demand_change": change,
                "demand_last": said.last,
            }
    return {}


def networks(market: Market) -> pd.DataFrame:
    """Return one row a network of the catalogue, whatever is known of it."""
    known = catalogue.load()
    lines = [
        {
            "id": network.id,
            "name": network.name,
            "symbol": network.symbol,
            "chain": network.chain,
            "primary_use": network.primary_use,
            "status": network.status,
            "as_of": network.date,
            **_token(market, network.id),
            **_work(market, network.id, known),
            **_latest(market, network.id),
            **_multiple(market, network.id),
            **_discount(market, network.id),
        }
        for network in known.networks.values()
    ]
    return pd.DataFrame(lines, columns=NETWORK_COLUMNS, dtype=object).set_index("id")


NETWORK_COLUMNS = [
    "id",
    "name",
    "symbol",
    "chain",
    "primary_use",
    "status",
    "as_of",
    "price_usd",
    "price_change",
    "price_last",
    "drawdown",
    "volatility",
    "market_cap_usd",
    "market_cap_last",
    "demand_measure",
    "demand",
    "demand_unit",
    "demand_change",
    "demand_last",
    "utilization",
    "utilization_last",
    "multiple",
    "multiple_of",
    "multiple_last",
    "staking_yield",
    "staking_yield_last",
    "discount",
    "discount_cards",
    "discount_last",
]  # fmt: skip


def _token(market: Market, network: str) -> dict[str, Any]:
    closes = market.get(f"{network}.price_usd")
    if closes is None:
        return {}
    end = closes.index[-1]
    earlier = closes.get(end - pd.Timedelta(days=WINDOW_DAYS))
    year = closes[closes.index > end - pd.Timedelta(days=DAYS_PER_YEAR)]
    returns = simple_returns(year)
    enough = len(returns) >= MIN_RETURNS
    return {
        "price_usd": float(closes.iloc[-1]),
        "price_change": None if earlier is None else float(closes.iloc[-1] / earlier - 1),
        "price_last": end.date(),
        "drawdown": float(drawdown(closes).iloc[-1]),
        "volatility": float(returns.std() * DAYS_PER_YEAR**0.5) if enough else None,
    }


def _latest(market: Market, network: str) -> dict[str, Any]:
    """Return the last value of what is a state, and for utilization its mean of 30 days."""
    found: dict[str, Any] = {}
    for name in ("market_cap_usd", "staking_yield", "utilization"):
        values = market.get(f"{network}.{name}")
        if values is not None:
            is_mean = name == "utilization"
            found[name] = level_and_change(values)[0] if is_mean else float(values.iloc[-1])
            found[f"{name.removesuffix('_usd')}_last"] = values.index[-1].date()
    return found


def _multiple(market: Market, network: str) -> dict[str, Any]:
    """Return the capitalisation in years of what is spent, at the pace of the last 30 days."""
    capital = market.get(f"{network}.market_cap_usd")
    for name in SPENDING if capital is not None else ():
        values = market.get(f"{network}.{name}")
        level = None if values is None else level_and_change(values)[0]
        if capital is not None and values is not None and level is not None and level > 0:
            a_year = level * DAYS_PER_YEAR / int(market.read_from(f"{network}.{name}").periods[-1])
            last = min(capital.index[-1], values.index[-1]).date()
            multiple = float(capital.iloc[-1]) / a_year
            return {"multiple": multiple, "multiple_of": name, "multiple_last": last}
    return {}


def _discount(market: Market, network: str) -> dict[str, Any]:
    """Return the middle discount to the cloud over the cards that both have."""
    compared = cards(market, network).dropna(subset=["discount"])
    if compared.empty:
        return {}
    last = min(compared["rate_last"].min(), compared["cloud_last"].min())
    discount = median(compared["discount"])
    return {"discount": discount, "discount_cards": len(compared), "discount_last": last}


def sector(market: Market) -> pd.DataFrame:
    """Return capitalisation and volume of each sector by day, USD; no column where none is held."""
    found = {
        (entry.name, name): market.panel[f"{entry.id}.{name}"]
        for entry in catalogue.load().sectors.values()
        for name in ("market_cap_usd", "volume_usd")
        if f"{entry.id}.{name}" in market.panel
    }
    return pd.DataFrame(found).dropna(how="all")
