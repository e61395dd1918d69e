"""Every rate that is known of a card, each with who says so, and the one that a claim is judged at.

What was made up counts only where nothing was seen. A parameter of the run goes before the store,
the store before the catalogue; each figure that goes in is remembered.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

import research.load as load
from research import quality
from research.case.inputs import Inputs
from research.catalogue import Figure, Gpu
from research.counting import counted
from research.errors import InfeasibleError
from research.frames import weakest
from research.models.rig import HOURS_PER_WEEK
from research.quality.checks import Told
from research.store import Store
from research.used import noted

RECENT_DAYS = 30  # a stored rate is the median of so many days up to its last one
YEAR_DAYS = 365  # its range is the quartiles of so many
ASKED, PAID, EARNED = "asked", "paid", "earned, after fee"
MEASURES = {
    "rate_usd_per_hour": ASKED,
    "rate_paid_usd_per_hour": PAID,
    "earning_usd_per_hour": EARNED,
}


QUARTILES = ("rate_q25_usd_per_hour", "rate_q75_usd_per_hour")  # of the offers of a day
OPEN_MARKET = "open-market"  # no venue of its own: a marketplace's fee


@dataclass(frozen=True, kw_only=True)
class RateSeen:
    """What an hour of the card costs or brings somewhere, and who says so."""

    venue: str
    place: str  # id of the source, network or venue
    what: str  # asked, paid or earned
    rate_usd_per_hour: float
    low_usd_per_hour: float | None
    high_usd_per_hour: float | None
    platform_fee: float  # fraction of gross
    last: dt.date  # the day that it is of
    nobs: int | None  # days in the store; None: a figure of the catalogue
    source: str

    @property
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest of it."""
        known = [self.rate_usd_per_hour, self.low_usd_per_hour, self.high_usd_per_hour]
        values = [each for each in known if each is not None]
        return min(values), max(values)


def find_rates(inputs: Inputs, gpu: Gpu) -> tuple[RateSeen, ...]:
    """Return every rate that is known, the stored ones first and that which is read above all.

    Of a venue that the store knows as late as the catalogue does, the catalogue's figure is left
    out.
    """
    told = tuple(_told(inputs, gpu))
    stored = {each.place: each.last for each in told if each.what == ASKED}
    catalogued = [
        each
        for each in _catalogued(inputs, gpu)
        if each.place not in stored or stored[each.place] < each.last
    ]
    return (*told, *catalogued, *_in_tokens(inputs, gpu))


def find_stored_rate(inputs: Inputs, gpu: Gpu) -> float | None:
    """Return the stored rate of the card, and say so where it is old."""
    series = f"{gpu.id}.rate_usd_per_hour"
    rate = inputs.stored(_rate_name(gpu), series, RECENT_DAYS, pd.Series.median)
    if rate is None:
        return None
    origin, run = inputs.provenance[-1], inputs.run
    age = ((run.as_of or dt.datetime.now(dt.UTC)).date() - origin.last).days
    if run.until is None and origin.kind != "simulated" and age > RECENT_DAYS:
        inputs.notes.append(
            f"The newest stored rate is of {origin.last}, {counted(age, 'day')} before this report."
        )
    return rate


def _told(inputs: Inputs, gpu: Gpu) -> Iterator[RateSeen]:
    """Return what each source told the store; what was made up only where there is nothing else."""
    run = inputs.run
    names = [f"{gpu.id}.{measure}" for measure in (*MEASURES, *QUARTILES)]
    rows = noted(Store(load.locate(run.store)).read(names, until=run.until, as_of=run.as_of))
    told = quality.tell(rows, inputs.known)
    for measure, what in MEASURES.items():
        sources = told.get(f"{gpu.id}.{measure}", [])
        if sources and not any(each.series == sources[0].series for each in inputs.provenance):
            inputs.load(load.series, sources[0].series)
        observed = [each for each in sources if each.is_observed]
        for said in observed or sources:
            quartiles = [
                quartile
                for name in (QUARTILES if what == ASKED else ())
                for quartile in told.get(f"{gpu.id}.{name}", [])
                if quartile.source == said.source
            ]
            yield _rate_seen(inputs, said, what, quartiles)


def _rate_seen(inputs: Inputs, said: Told, what: str, quartiles: list[Told]) -> RateSeen:
    """Return what one source told of late, with the spread of its offers or of its days."""
    upstream = inputs.known.sources.get(said.source)
    year = _recent(said, YEAR_DAYS)
    if len(quartiles) == len(QUARTILES):
        low, high = (float(np.median(_recent(each, RECENT_DAYS))) for each in quartiles)
        range_of = "middle half of the offers"
    else:
        low, high = (float(each) for each in np.quantile(year, (0.25, 0.75)))
        range_of = f"middle half of the last {counted(len(year), 'day')}"
    return RateSeen(
        venue=upstream.name if upstream else said.source,
        place=said.source,
        what=what,
        rate_usd_per_hour=float(np.median(_recent(said, RECENT_DAYS))),
        low_usd_per_hour=low,
        high_usd_per_hour=high,
        platform_fee=0.0 if what == EARNED else _fee(inputs, said.source),
        last=said.last,
        nobs=len(said.days),
        source=f"store: {said.source}, {counted(len(said.days), 'day')}, {weakest(said.kinds)}; "
        f"median of the last {RECENT_DAYS} days, range: {range_of}",
    )


def _recent(said: Told, days: int) -> Any:
    return said.numbers[said.days > said.days[-1] - np.timedelta64(days, "D")]


def _catalogued(inputs: Inputs, gpu: Gpu) -> Iterator[RateSeen]:
    """Return what the catalogue has of the open market and of each venue."""
    if gpu.rate_usd_per_hour is not None:
        yield _of_catalogue(inputs, "Open market", gpu.rate_usd_per_hour, OPEN_MARKET)
    for place, figure in gpu.venue_rate_usd_per_hour.items():
        network = inputs.known.networks.get(place)
        name = network.name if network is not None else inputs.known.venues[place].name
        yield _of_catalogue(inputs, name, figure, place)


def _of_catalogue(inputs: Inputs, name: str, figure: Figure, place: str) -> RateSeen:
    return RateSeen(
        venue=name,
        place=place,
        what=ASKED,
        rate_usd_per_hour=figure.value,
        low_usd_per_hour=figure.low,
        high_usd_per_hour=figure.high,
        platform_fee=_fee(inputs, place),
        last=figure.date,
        nobs=None,
        source=f"catalogue: {figure.source}",
    )


def _in_tokens(inputs: Inputs, gpu: Gpu) -> Iterator[RateSeen]:
    """Return what networks pay that pay a number of tokens, where the token's price is stored."""
    for network in inputs.known.networks.values():
        rule = network.payout
        if rule is None or rule.kind != "token-quoted" or gpu.id not in rule.tokens_per_week:
            continue
        closes = inputs.load(load.prices, network.id)
        if closes is None:
            continue
        reward = rule.tokens_per_week[gpu.id]
        name = f"Reward of {network.name} for a {gpu.name} rented all week"
        tokens = inputs.figure(name, f"{network.symbol} per week", reward)
        price = closes.frame[network.id].dropna()
        yield RateSeen(
            venue=network.name,
            place=network.id,
            what=EARNED,
            rate_usd_per_hour=tokens * float(price.iloc[-1]) / HOURS_PER_WEEK,
            low_usd_per_hour=None,
            high_usd_per_hour=None,
            platform_fee=0.0,
            last=price.index[-1].date(),
            nobs=None,
            source=f"catalogue: {tokens:g} {network.symbol} a week, at {price.iloc[-1]:.3g} USD "
            f"({closes.provenance[0].source})",
        )


def _fee(inputs: Inputs, place: str) -> float:
    """Return what a place keeps of gross, remembered once; a marketplace's where it is not told."""
    known = inputs.known
    network, venue = known.networks.get(place), known.venues.get(place)
    if network is not None and network.payout is not None:
        name, figure = f"Platform fee of {network.name}", network.payout.platform_fee
    elif venue is not None:
        name, figure = f"Platform fee of {venue.name}", venue.platform_fee
    else:
        entry = known.assumptions["marketplace_fee"]
        name, figure = entry.name, entry.figure
    if all(each.name != name for each in inputs.assumed):
        inputs.figure(name, "fraction", figure)
    return figure.value


def choose_rate(
    inputs: Inputs,
    gpu: Gpu,
    stored: float | None,
    rates: tuple[RateSeen, ...],
    given: float | None,
) -> tuple[float, float]:
    """Return rate and fee of the day that is judged: given, stored, open market, or any venue's."""
    unit = "USD per rented GPU-hour"
    if given is not None:
        inputs.assumed = [each for each in inputs.assumed if each.name != _rate_name(gpu)]
        return inputs.given(_rate_name(gpu), unit, given), _fee(inputs, OPEN_MARKET)
    asked = [each for each in rates if each.what == ASKED]
    if stored is not None:
        return stored, asked[0].platform_fee
    figures = [gpu.rate_usd_per_hour, *gpu.venue_rate_usd_per_hour.values()]
    for figure, seen in zip(filter(None, figures), asked, strict=False):
        return inputs.figure(f"{_rate_name(gpu)}: {seen.venue}", unit, figure), seen.platform_fee
    raise InfeasibleError(
        f"no rental rate of a {gpu.name} is known; give one: -p rate_usd_per_hour=..."
    )


def _rate_name(gpu: Gpu) -> str:
    return f"Rental rate of a {gpu.name}"
