"""The terms of a rental: rig, venue and income processes, each figure looked up and remembered.

A parameter of the run goes before the store, the store before the catalogue, and a figure that is
known nowhere is asked for by name.
"""

from __future__ import annotations

import pandas as pd

from research.case.inputs import Inputs
from research.catalogue import Gpu, Network, Payout
from research.errors import InfeasibleError
from research.models.rental import Rig, Venue
from research.models.scenarios import Processes

RECENT_DAYS = 30  # a rental rate is the median of so many days up to the last one
YEAR_DAYS = 365  # a utilization is the mean of so many


def find_venue(inputs: Inputs, network: Network, gpu: Gpu, *, has_price: bool) -> Venue:
    """Return how the network pays, by its rule in force or as asked."""
    rule, kind = network.payout, inputs.run.payout
    trade_cost = inputs.known.assumptions
    cost = trade_cost["token_fee"].figure.value + trade_cost["token_half_spread"].figure.value
    if rule is None or (kind is not None and kind != rule.kind):
        fee = inputs.assumption("marketplace_fee")
        kind = kind or "usd"
        if kind == "token-quoted":
            raise InfeasibleError(
                f"{network.name} publishes no reward in tokens; accepted here: usd, usd-quoted"
            )
        if rule is None:
            inputs.notes.append(
                f"How {network.name} pays its providers is not known; payment in USD, less the fee "
                "of a marketplace, is assumed."
            )
        return Venue(payout=kind, platform_fee=fee, token_trade_cost=cost)
    if rule.kind == "emission-share":
        raise InfeasibleError(
            f"{network.name} pays a share of its emission, which is not modelled; "
            "accepted here: -p payout=usd, -p payout=usd-quoted"
        )
    _say_if_later(inputs, network, rule)
    tokens = 0.0
    if rule.kind == "token-quoted":
        if gpu.id not in rule.tokens_per_week:
            raise InfeasibleError(
                f"{network.name} publishes no reward for {gpu.name}; accepted here: "
                f"-p gpu={'|'.join(rule.tokens_per_week)}, or -p payout=usd with a rate"
            )
        name = f"Reward for a {gpu.name} rented all week"
        tokens = inputs.figure(name, f"{network.symbol} per week", rule.tokens_per_week[gpu.id])
    bonus = rule.availability_tokens_per_week
    locked = rule.collateral_tokens.get(gpu.id)
    if locked is not None and not has_price:
        inputs.notes.append(f"The collateral in {network.symbol} is left out: it has no price.")
        locked = None
    return Venue(
        payout=rule.kind,
        platform_fee=inputs.figure("Platform fee", "fraction", rule.platform_fee),
        token_trade_cost=cost,
        tokens_per_week=tokens,
        availability_tokens_per_week=0.0
        if bonus is None
        else inputs.figure("Reward for being online", f"{network.symbol} per week", bonus),
        collateral_tokens=0.0
        if locked is None
        else inputs.run.gpu_count * inputs.figure("Collateral, a card", network.symbol, locked),
        slash_fraction=0.0 if locked is None else inputs.assumption("slash_fraction"),
    )


def _say_if_later(inputs: Inputs, network: Network, rule: Payout) -> None:
    until = inputs.run.until
    if until is not None and rule.since > until:
        inputs.notes.append(
            f"{network.name} pays by the rule in force since {rule.since}, which is after the last "
            f"day of prices used ({until})."
        )


def find_rig(inputs: Inputs, gpu: Gpu) -> Rig:
    """Return the rig, per card, from the catalogue and the parameters."""
    run, known = inputs.run, inputs.known
    if run.gpu_usd is not None:
        price = inputs.given(f"Price of a {gpu.name}", "USD", run.gpu_usd)
    elif gpu.purchase_usd is not None:
        price = inputs.figure(f"Price of a {gpu.name}", "USD", gpu.purchase_usd)
    else:
        raise InfeasibleError(
            f"the catalogue knows no price of a {gpu.name}; give one: -p gpu_usd=..."
        )
    tdp = inputs.figure(f"Power of a {gpu.name}", "W", gpu.tdp_w)
    tariff = known.tariffs[run.tariff]
    return Rig(
        gpu_count=run.gpu_count,
        gpu_usd=price,
        host_usd=inputs.assumption("host_usd"),
        resale_usd=price * (1 - inputs.assumption("resale_discount_to_purchase")),
        selling_cost=inputs.assumption("resale_selling_cost"),
        load_w=tdp * inputs.assumption("load_share_of_tdp"),
        idle_w=inputs.figure(f"Idle power of a {gpu.name}", "W", gpu.idle_w),
        host_load_w=inputs.assumption("host_load_w"),
        host_idle_w=inputs.assumption("host_idle_w"),
        psu_efficiency=inputs.assumption("psu_efficiency"),
        pue=inputs.assumption("pue"),
        tariff_usd_per_kwh=inputs.given("Tariff", "USD/kWh", run.tariff_usd_per_kwh)
        if run.tariff_usd_per_kwh is not None
        else inputs.figure(f"Tariff: {tariff.name}", "USD/kWh", tariff.usd_per_kwh),
        fixed_usd_per_month=inputs.assumption("internet_usd_per_month")
        + inputs.assumption("maintenance_usd_per_month"),
        availability=inputs.assumption("availability"),
        repair_usd=inputs.assumption("repair_usd"),
        failure_downtime_days=inputs.assumption("failure_downtime_days"),
    )


def find_processes(inputs: Inputs, network: Network, gpu: Gpu, venue: Venue) -> Processes:
    """Return the stated processes of income, resale and failures."""
    failures = inputs.assumption("failure_rate_per_year") * inputs.run.gpu_count
    repaired = inputs.assumption("repair_probability")
    return Processes(
        rate_usd_per_hour=_rate(inputs, network, gpu, venue),
        rate_drift_per_year=inputs.assumption("rate_drift"),
        rate_volatility_per_year=inputs.assumption("rate_volatility"),
        rate_demand_correlation=inputs.assumption("rate_demand_correlation"),
        rate_token_correlation=inputs.assumption("rate_token_correlation"),
        utilization_mean=_utilization(inputs, network),
        utilization_concentration=inputs.assumption("utilization_concentration"),
        utilization_persistence_per_month=inputs.assumption("utilization_persistence"),
        utilization_demand_correlation=inputs.assumption("utilization_demand_correlation"),
        resale_drift_per_year=inputs.assumption("resale_drift"),
        resale_volatility_per_year=inputs.assumption("resale_volatility"),
        new_generation_rate_per_year=inputs.assumption("new_generation_rate_per_year"),
        new_generation_shock=inputs.assumption("new_generation_shock"),
        repairs_per_year=failures * repaired,
        deaths_per_year=failures * (1 - repaired),
        slashes_per_year=inputs.assumption("slash_rate_per_year")
        if venue.collateral_tokens
        else 0.0,
    )


def _rate(inputs: Inputs, network: Network, gpu: Gpu, venue: Venue) -> float:
    """Return the rental rate: as given, as stored, as seen at the venue, or on the open market."""
    name, unit = f"Rental rate of a {gpu.name}", "USD per rented GPU-hour"
    if inputs.run.rate_usd_per_hour is not None:
        return inputs.given(name, unit, inputs.run.rate_usd_per_hour)
    stored = inputs.stored(name, f"{gpu.id}.rate_usd_per_hour", RECENT_DAYS, pd.Series.median)
    if stored is not None:
        return stored
    if (seen := gpu.venue_rate_usd_per_hour.get(network.id)) is not None:
        return inputs.figure(f"{name} on {network.name}", unit, seen)
    if gpu.rate_usd_per_hour is not None:
        if venue.payout != "token-quoted":
            inputs.notes.append(
                f"No rental rate of a {gpu.name} on {network.name} is known; the rate of the open "
                "market is used."
            )
        return inputs.figure(f"{name}, open market", unit, gpu.rate_usd_per_hour)
    raise InfeasibleError(
        f"no rental rate of a {gpu.name} is known; give one: -p rate_usd_per_hour=..."
    )


def _utilization(inputs: Inputs, network: Network) -> float:
    """Return the share of hours that are rented: as given, as measured, or as assumed."""
    if inputs.run.utilization is not None:
        return inputs.given("Utilization", "fraction", inputs.run.utilization)
    measured = inputs.stored(
        f"Utilization of {network.name}", f"{network.id}.utilization", YEAR_DAYS, pd.Series.mean
    )
    return inputs.assumption("utilization_mean") if measured is None else measured


def find_capital(inputs: Inputs, needed: float) -> float:
    """Return the capital: as given if it buys the rig, else just what the rig takes."""
    given = inputs.run.capital_usd
    if given is None:
        return needed
    if given < needed:
        raise InfeasibleError(
            f"capital_usd={given:,.0f} does not start this rig: {needed:,.0f} USD are needed for "
            "cards, host, collateral and the first months of power; raise capital_usd or lower "
            "gpu_count"
        )
    return inputs.given("Capital", "USD", given)
