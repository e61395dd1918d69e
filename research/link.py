"""The demand-price link of networks, from what a store holds to the models' questions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from research import catalogue
from research.catalogue import Measure
from research.errors import DataError, InsufficientDataError
from research.holdings import Market
from research.models.demand.analysis import Analysis, Happening, Subject, analyse, untestable
from research.models.demand.multiplicity import across_networks
from research.models.demand.pairs import Frequency, Pairs, align

FACTORS = ("btc", "nvda", "eth", "sol")  # in the order in which they are given up when weeks lack
CLASSES: dict[str | None, Literal["A", "B", "C"]] = {"A": "A", "AB": "B", "C": "C", None: "A"}
# In the order of preference: work done, what is rented, what is paid in dollars; what contains the
# token's price comes last and is never evidence. Supply is no demand: it is analysed if named.
MEASURES = (
    "gpu_hours", "job_hours", "frames_rendered", "gpus_active", "leases_active", "jobs_completed",
    "compute_hours_cumulative", "frames_cumulative", "leases_new", "utilization", "spend_usd",
    "earnings_usd", "providers_computing", "fees_usd", "spend_token_valued_usd", "spend_token",
    "tokens_burned",
)  # fmt: skip
LOOP = ("price_usd", "gpus_total", "gpu_hours", "utilization", "spend_usd", "tokens_burned")
MONTH_DAYS = 28
NO_MEASURE = "none"  # where none is held


def analyse_network(
    market: Market, network: str, measure: str | None = None, *, seed: int = 0,
    n_replications: int = 9_999, publication_lag_days: int = 1,
) -> Analysis:  # fmt: skip
    """Ask every question about one network's demand and price.

    Parameters
    ----------
    network : an id of the catalogue
    measure : of demand; without one, the first held in the order of `MEASURES`
    """
    measure = measure or primary_measure(market, network)
    subject = _subject(market, network, measure)
    pairs = _pairs(market, network, measure, publication_lag_days)
    if isinstance(pairs, str):
        return untestable(subject, pairs)
    return analyse(
        pairs, subject, levels=_levels(market, network), seed=seed, n_replications=n_replications
    )


def primary_measure(market: Market, network: str) -> str | None:
    """Return the measure of demand that is asked first: the purest that is held."""
    held = (name for name in MEASURES if market.get(f"{network}.{name}") is not None)
    return next(held, None)


def side_by_side(analyses: list[Analysis]) -> pd.DataFrame:
    """Return one row a network, with p-values corrected across networks."""
    pvalues = {x.network: x.primary_pvalue for x in analyses if x.primary_pvalue is not None}
    qvalues = across_networks(pvalues) if pvalues else {}
    rows: list[dict[str, Any]] = []
    for one in analyses:
        row: dict[str, Any] = {
            "network": one.network, "measure": one.measure_label, "class": one.demand_class,
            "nobs": one.nobs,
        }  # fmt: skip
        headline = one.verdicts[0]
        row |= {
            "effect": headline.effect, "low": headline.low, "high": headline.high,
            "mde": headline.mde, "qvalue": qvalues.get(one.network),
        }  # fmt: skip
        row |= {verdict.question: verdict.grade for verdict in one.verdicts}
        row |= {"reason": headline.reason}
        rows.append(row)
    return pd.DataFrame(rows)


def analyse_all(
    market: Market, *, done: Sequence[Analysis] = (), seed: int = 0, n_replications: int = 999
) -> list[Analysis]:
    """Analyse every network of the catalogue by its purest measure.

    Parameters
    ----------
    done : analyses already made; one by the purest measure of its network is taken as it is, so
        that a page tells one interval of one statistic
    """
    made = {(one.network, one.measure): one for one in done}
    return [
        made.get((facts.name, primary_measure(market, network) or NO_MEASURE))
        or analyse_network(market, network, seed=seed, n_replications=n_replications)
        for network, facts in catalogue.load().networks.items()
    ]


def _subject(market: Market, network: str, measure: str | None) -> Subject:
    known = catalogue.load()
    facts = known.networks[network]
    found = None if measure is None else known.measures[measure]
    events = sorted(
        (x for x in known.events.values() if x.subject == network and x.published <= market.day),
        key=lambda x: x.date,
    )
    return Subject(
        network=facts.name,
        symbol=facts.symbol,
        measure=measure or NO_MEASURE,
        measure_label="no measure of demand" if found is None else _label(found),
        demand_class=CLASSES[None if found is None else found.demand_class],
        events=tuple(Happening(x.summary, x.kind, x.date, x.regime) for x in events),
    )


def _label(measure: Measure) -> str:
    words = measure.id.replace("_", " ").replace("gpu", "GPU").replace("usd", "USD")
    supply = "" if measure.demand_class is not None else ", supply and not demand"
    return f"{words} ({measure.unit}{supply})"


def _pairs(
    market: Market, network: str, measure: str | None, publication_lag_days: int
) -> Pairs | str:
    """Return aligned pairs, or why there are none."""
    facts = catalogue.load().networks[network]
    price = market.get(f"{network}.price_usd")
    if measure is None or price is None:
        lacking = "price" if price is None else "measure of demand"
        return f"no {lacking} of {facts.name} ({facts.symbol}) is held as of {market.day}"
    demand = market.get(f"{network}.{measure}")
    if demand is None:
        return f"no {measure} of {facts.name} is held as of {market.day}"
    known = catalogue.load()
    periods = market.read_from(f"{network}.{measure}").periods
    frequency: Frequency = "month" if np.median(periods) >= MONTH_DAYS else "week"
    held = {name: market.get(f"{name}.price_usd") for name in FACTORS if name in known.factors}
    factors = pd.DataFrame({name: x for name, x in held.items() if x is not None})
    sessions = tuple(
        name for name in factors if known.factors[str(name)].calendar == "exchange-sessions"
    )
    nature = known.measures[measure].nature
    if nature == "price":
        return f"{measure} is a price and no measure of demand"
    try:
        return align(
            price.rename("price"), demand.rename(measure), nature=nature, factors=factors,
            sessions=tuple(map(str, sessions)), frequency=frequency,
            publication_lag_days=publication_lag_days,
        )  # fmt: skip
    except (InsufficientDataError, DataError) as refused:
        return str(refused)


def _levels(market: Market, network: str) -> pd.DataFrame | None:
    """Return weekly levels for the reflexivity loop; None with fewer than two series."""
    known = catalogue.load()
    columns = {}
    for name in LOOP:
        values = market.get(f"{network}.{name}")
        if values is None:
            continue
        weekly = values.asfreq("D").resample("W-SUN")
        is_flow = known.measures[name].nature == "flow"
        columns[name] = weekly.sum(min_count=7) if is_flow else weekly.last()
    return pd.DataFrame(columns) if len(columns) > 1 else None
