"""The terms of a rental: rig and income processes, each figure looked up and remembered.

A parameter of the run goes before the store, the store before the catalogue, and a figure that is
known nowhere is asked for by name.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from research.case.inputs import Inputs, one
from research.catalogue import Gpu, Network
from research.errors import InfeasibleError
from research.models.power import speed_at
from research.models.rig import Rig, Venue
from research.models.scenarios import Processes

RECENT_DAYS = 30  # a rental rate is the median of so many days up to the last one
YEAR_DAYS = 365  # a utilization is the mean of so many
UTILIZATION = "processes.utilization_mean"  # the field that its doubt moves


def find_rig(inputs: Inputs, gpu: Gpu) -> Rig:
    """Return the rig, per card, from the catalogue and the parameters."""
    run, known = inputs.run, inputs.known
    price = _price(inputs, gpu)
    resale = price * (1 - inputs.assumption("resale_discount_to_purchase"))
    inputs.varies("rig.resale_usd", f"Resale of {one(gpu)} today", "USD", resale, None, None, "C")
    selling_cost = inputs.assumption("resale_selling_cost")
    host = 0.0 if run.owned else inputs.assumption("host_usd", moves="rig.host_usd")
    if run.owned:  # what it would fetch is what keeping it costs
        price = resale * (1 - selling_cost)
        inputs.notes.append(
            f"The {gpu.name} is owned already: it counts at the {price:,.0f} USD that selling it "
            "today would leave, and its host as paid."
        )
    tdp = inputs.figure(f"Power of {one(gpu)}", "W", gpu.tdp_w)
    load, speed = inputs.assumption("load_share_of_tdp"), 1.0
    if run.power_cap == 1:
        doubt = known.assumptions["load_share_of_tdp"].figure
        low, high = (None if end is None else tdp * end for end in (doubt.low, doubt.high))
        inputs.varies("rig.load_w", "Power under load", "W", tdp * load, low, high, doubt.grade)
    else:
        cap = inputs.given("Power cap", "share of board power", run.power_cap)
        if cap < load:  # else it does not bind
            load, speed = cap, speed_at(cap, power_caps(inputs, gpu))
    tariff = known.tariffs[run.tariff]
    return Rig(
        gpu_count=run.gpu_count,
        gpu_usd=price,
        host_usd=host,
        resale_usd=resale,
        selling_cost=selling_cost,
        load_w=tdp * load,
        idle_w=inputs.figure(f"Idle power of {one(gpu)}", "W", gpu.idle_w),
        host_load_w=inputs.assumption("host_load_w"),
        host_idle_w=inputs.assumption("host_idle_w"),
        psu_efficiency=inputs.assumption("psu_efficiency"),
        pue=inputs.assumption("pue", moves="rig.pue"),
        tariff_usd_per_kwh=inputs.given(
            "Tariff", "USD/kWh", run.tariff_usd_per_kwh, moves="rig.tariff_usd_per_kwh"
        )
        if run.tariff_usd_per_kwh is not None
        else inputs.figure(
            f"Tariff: {tariff.name}",
            "USD/kWh",
            tariff.usd_per_kwh,
            moves="rig.tariff_usd_per_kwh",
        ),
        tariff_escalation_per_year=inputs.assumption(
            "tariff_escalation", moves="rig.tariff_escalation_per_year"
        ),
        fixed_usd_per_month=inputs.assumption("internet_usd_per_month")
        + inputs.assumption("maintenance_usd_per_month")
        + inputs.assumption("labour_hours_per_month") * inputs.assumption("labour_usd_per_hour"),
        availability=inputs.assumption("availability", moves="rig.availability"),
        repair_usd=inputs.assumption("repair_usd"),
        failure_downtime_days=inputs.assumption("failure_downtime_days"),
        speed=speed,
    )


def _price(inputs: Inputs, gpu: Gpu) -> float:
    if inputs.run.gpu_usd is not None:
        return inputs.given(f"Price of {one(gpu)}", "USD", inputs.run.gpu_usd)
    if gpu.purchase_usd is not None:
        return inputs.figure(f"Price of {one(gpu)}", "USD", gpu.purchase_usd)
    raise InfeasibleError(f"the catalogue knows no price of {one(gpu)}; give one: -p gpu_usd=...")


def power_caps(inputs: Inputs, gpu: Gpu) -> Mapping[float, float]:
    """Return speed by power cap, as measured for the card, else as assumed for any."""
    if gpu.power_caps:
        return {
            cap.power: inputs.figure(f"Speed at {cap.power:.0%} of power", "fraction", cap.speed)
            for cap in gpu.power_caps
        }
    return {
        0.8: inputs.assumption("power_cap_speed_at_80"),
        0.6: inputs.assumption("power_cap_speed_at_60"),
    }


def find_processes(inputs: Inputs, network: Network, gpu: Gpu, venue: Venue) -> Processes:
    """Return the stated processes of income, resale and failures."""
    count = inputs.run.gpu_count
    failures = count * inputs.assumption("failure_rate_per_year", moves="failures", scale=count)
    repaired = inputs.assumption("repair_probability")
    return Processes(
        rate_usd_per_hour=_rate(inputs, network, gpu, venue),
        rate_drift_per_year=inputs.assumption("rate_drift", moves="processes.rate_drift_per_year"),
        rate_volatility_per_year=inputs.assumption(
            "rate_volatility", moves="processes.rate_volatility_per_year"
        ),
        rate_demand_correlation=inputs.assumption("rate_demand_correlation"),
        rate_token_correlation=inputs.assumption("rate_token_correlation"),
        utilization_mean=_utilization(inputs, network),
        utilization_concentration=inputs.assumption("utilization_concentration"),
        utilization_persistence_per_month=inputs.assumption(
            "utilization_persistence", moves="processes.utilization_persistence_per_month"
        ),
        utilization_demand_correlation=inputs.assumption("utilization_demand_correlation"),
        resale_drift_per_year=inputs.assumption(
            "resale_drift", moves="processes.resale_drift_per_year"
        ),
        resale_volatility_per_year=inputs.assumption(
            "resale_volatility", moves="processes.resale_volatility_per_year"
        ),
        new_generation_rate_per_year=inputs.assumption("new_generation_rate_per_year"),
        new_generation_shock=inputs.assumption(
            "new_generation_shock", moves="processes.new_generation_shock"
        ),
        repairs_per_year=failures * repaired,
        deaths_per_year=failures * (1 - repaired),
        slashes_per_year=inputs.assumption("slash_rate_per_year")
        if venue.collateral_tokens
        else 0.0,
    )


def _rate(inputs: Inputs, network: Network, gpu: Gpu, venue: Venue) -> float:
    """Return the rental rate: as given, as stored, as seen at the venue, or on the open market."""
    name, unit = f"Rental rate of {one(gpu)}", "USD per rented GPU-hour"
    moves = "" if venue.payout == "token-quoted" else "processes.rate_usd_per_hour"
    if inputs.run.rate_usd_per_hour is not None:
        return inputs.given(name, unit, inputs.run.rate_usd_per_hour, moves=moves)
    series = f"{gpu.id}.rate_usd_per_hour"
    stored = inputs.stored(name, series, RECENT_DAYS, pd.Series.median, moves=moves)
    if stored is not None:
        return stored
    if (seen := gpu.venue_rate_usd_per_hour.get(network.id)) is not None:
        return inputs.figure(f"{name} on {network.name}", unit, seen, moves=moves)
    if gpu.rate_usd_per_hour is not None:
        if venue.payout != "token-quoted":
            inputs.notes.append(
                f"No rental rate of {one(gpu)} on {network.name} is known; the rate of the open "
                "market is used: what clouds and marketplaces ask of a customer. A provider may "
                "not get as much."
            )
        return inputs.figure(f"{name}, open market", unit, gpu.rate_usd_per_hour, moves=moves)
    raise InfeasibleError(
        f"no rental rate of {one(gpu)} is known; give one: -p rate_usd_per_hour=..."
    )


def _utilization(inputs: Inputs, network: Network) -> float:
    """Return the share of hours that are rented: as given, as measured, or as assumed."""
    if inputs.run.utilization is not None:
        return inputs.given("Utilization", "fraction", inputs.run.utilization, moves=UTILIZATION)
    measured = inputs.stored(
        f"Utilization of {network.name}",
        f"{network.id}.utilization",
        YEAR_DAYS,
        pd.Series.mean,
        moves=UTILIZATION,
    )
    if measured is not None:
        return measured
    return inputs.assumption("utilization_mean", moves=UTILIZATION)


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
