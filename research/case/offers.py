"""Where else the same card could be rented out: networks and marketplaces whose rate is known."""

from __future__ import annotations

from collections.abc import Iterator

import research.load as load
from research.case.inputs import Inputs, one
from research.case.venue import trade_cost
from research.catalogue import Figure, Gpu, Network, Payout
from research.errors import NoDataError
from research.models.futures import Question
from research.models.rig import Venue
from research.models.venues import Offer


def find_offers(
    inputs: Inputs, network: Network, gpu: Gpu, question: Question
) -> tuple[Offer, ...]:
    """Return the question's own place first, then every other whose rate or reward is known."""
    own = Offer(
        name=network.name,
        venue=question.venue,
        rate_usd_per_hour=_level(question),
        token_price_usd=question.token_price_usd,
        same_token=True,
    )
    return (own, *_networks(inputs, network, gpu), *_marketplaces(inputs, gpu))


def unpriced(inputs: Inputs, offers: tuple[Offer, ...]) -> tuple[str, ...]:
    """Return the listed networks and places at which no rate or reward of the card is known."""
    told = {offer.name for offer in offers}
    places = [each.name for each in inputs.known.networks.values() if each.status == "listed"]
    places += [each.name for each in inputs.known.venues.values()]
    return tuple(name for name in places if name not in told)


def _level(question: Question) -> float:
    rate = question.processes.rate_usd_per_hour
    if not isinstance(rate, float | int):
        raise TypeError("offers: the question has one rate for each path")
    return float(rate)


def _networks(inputs: Inputs, own: Network, gpu: Gpu) -> Iterator[Offer]:
    for network in inputs.known.networks.values():
        rule = network.payout
        if network.id == own.id or rule is None:
            continue
        reward = rule.tokens_per_week.get(gpu.id)
        rate = gpu.venue_rate_usd_per_hour.get(network.id)
        if rule.kind == "token-quoted" and reward is not None:
            price = _price(inputs, network)
            if price is not None:  # the rate plays no part, but must be one
                yield Offer(name=network.name, venue=_venue(inputs, network, rule, reward),
                            rate_usd_per_hour=1.0, token_price_usd=price,
                            same_token=False)  # fmt: skip
        elif rule.kind == "usd-quoted" and rate is not None:
            yield Offer(name=network.name, venue=_venue(inputs, network, rule, reward),
                        rate_usd_per_hour=_rate(inputs, gpu, network.name, rate),
                        token_price_usd=None, same_token=False)  # fmt: skip


def _venue(inputs: Inputs, network: Network, rule: Payout, reward: Figure | None) -> Venue:
    available = rule.availability_tokens_per_week
    return Venue(
        payout=rule.kind,
        platform_fee=_fee(inputs, network.name, rule.platform_fee),
        token_trade_cost=trade_cost(inputs),
        tokens_per_week=0.0
        if reward is None
        else inputs.figure(f"Reward on {network.name}", "tokens per week", reward),
        availability_tokens_per_week=0.0
        if available is None
        else inputs.figure(f"Availability reward on {network.name}", "tokens per week", available),
    )


def _marketplaces(inputs: Inputs, gpu: Gpu) -> Iterator[Offer]:
    for place in inputs.known.venues.values():
        rate = gpu.venue_rate_usd_per_hour.get(place.id)
        if rate is not None:
            yield Offer(
                name=place.name,
                venue=Venue(
                    payout=place.payout,
                    platform_fee=_fee(inputs, place.name, place.platform_fee),
                ),
                rate_usd_per_hour=_rate(inputs, gpu, place.name, rate),
                token_price_usd=None,
                same_token=False,
            )


def _rate(inputs: Inputs, gpu: Gpu, place: str, rate: Figure) -> float:
    return inputs.figure(f"Rental rate of {one(gpu)} on {place}", "USD per rented GPU-hour", rate)


def _fee(inputs: Inputs, place: str, fee: Figure) -> float:
    return inputs.figure(f"Platform fee on {place}", "fraction", fee)


def _price(inputs: Inputs, network: Network) -> float | None:
    """Return the last close of another network's token, None where the store has none."""
    run = inputs.run
    try:
        loaded = load.prices([network.id], store=run.store, until=run.until, as_of=run.as_of)
    except NoDataError:
        return None
    inputs.cite(loaded)
    return float(loaded.frame[network.id].dropna().iloc[-1])
