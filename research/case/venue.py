"""How a network pays who rents a card out on it: by its rule in force, or as asked."""

from __future__ import annotations

from dataclasses import replace

from research.case.inputs import Inputs, one
from research.catalogue import Figure, Gpu, Network, Payout
from research.errors import InfeasibleError
from research.models.rig import PayoutKind, Venue


def find_venue(inputs: Inputs, network: Network, gpu: Gpu, *, has_price: bool) -> Venue:
    """Return how the network pays, by its rule in force or as asked.

    An earlier rule of the network may be asked for by its kind; else a kind that the network has
    never paid by is paid as a marketplace would.
    """
    kind = inputs.run.payout
    rule = network.payout
    if kind is not None and rule is not None and kind != rule.kind:
        rule = next((each for each in network.payouts if each.kind == kind), None)
    cost = trade_cost(inputs)
    if rule is None:
        return _marketplace(inputs, network, kind or "usd", cost)
    _say_if_later(inputs, network, rule)
    venue = Venue(
        payout=rule.kind,
        platform_fee=inputs.figure(
            "Platform fee", "fraction", rule.platform_fee, moves="venue.platform_fee"
        ),
        token_trade_cost=cost,
    )
    if rule.kind == "emission-share":
        venue = _emission(inputs, network, rule, venue)
    if rule.kind == "token-quoted":
        venue = _quoted_in_tokens(inputs, network, gpu, rule, venue)
    locked = rule.collateral_tokens.get(gpu.id)
    if locked is None or has_price:
        return venue if locked is None else _locked(inputs, network, locked, venue)
    inputs.notes.append(f"The collateral in {network.symbol} is left out: it has no price.")
    return venue


def trade_cost(inputs: Inputs) -> float:
    """Return what a trade of tokens costs whatever its size: the fee and half the spread."""
    known = inputs.known.assumptions
    return known["token_fee"].figure.value + known["token_half_spread"].figure.value


def _marketplace(inputs: Inputs, network: Network, kind: PayoutKind, cost: float) -> Venue:
    fee = inputs.assumption("marketplace_fee", moves="venue.platform_fee")
    if kind in ("token-quoted", "emission-share"):
        raise InfeasibleError(
            f"{network.name} has published no rule of payout={kind}; accepted here: usd, usd-quoted"
        )
    if network.payout is None:
        inputs.notes.append(
            f"How {network.name} pays its providers is not known; payment in USD, less the fee "
            "of a marketplace, is assumed."
        )
    return Venue(payout=kind, platform_fee=fee, token_trade_cost=cost)


def _quoted_in_tokens(
    inputs: Inputs, network: Network, gpu: Gpu, rule: Payout, venue: Venue
) -> Venue:
    if gpu.id not in rule.tokens_per_week:
        raise InfeasibleError(
            f"{network.name} publishes no reward for {gpu.name}; accepted here: "
            f"-p gpu={'|'.join(rule.tokens_per_week)}, or -p payout=usd with a rate"
        )
    unit, bonus = f"{network.symbol} per week", rule.availability_tokens_per_week
    return replace(
        venue,
        tokens_per_week=inputs.figure(
            f"Reward for {one(gpu)} rented all week",
            unit,
            rule.tokens_per_week[gpu.id],
            moves="venue.tokens_per_week",
        ),
        availability_tokens_per_week=0.0
        if bonus is None
        else inputs.figure("Reward for being online", unit, bonus),
    )


def _emission(inputs: Inputs, network: Network, rule: Payout, venue: Venue) -> Venue:
    """Return a share of what the network issues; the share itself must be given, as none is public.

    With it comes the rent that customers pay by the hour, in tokens at the price of the moment.
    """
    share, pool = inputs.run.pool_share, rule.pool_tokens_per_month
    if share is None or pool is None:
        raise InfeasibleError(
            f"{network.name} paid a share of its emission, and what share one card had is not "
            "public; give it: -p pool_share=0.00001 (one card's weight over the network's), or "
            "take -p payout=usd-quoted"
        )
    return replace(
        venue,
        pool_tokens_per_month=inputs.figure(
            "Tokens issued to providers", f"{network.symbol} per month", pool
        ),
        pool_decline_per_month=0.0
        if rule.pool_decline_per_month is None
        else inputs.figure(
            "Decline of what is issued", "fraction a month", rule.pool_decline_per_month
        ),
        pool_share=inputs.given("Share of a card in what is issued", "fraction", share),
        network_growth_per_year=inputs.assumption("network_growth"),
    )


def _locked(inputs: Inputs, network: Network, locked: Figure, venue: Venue) -> Venue:
    return replace(
        venue,
        collateral_tokens=inputs.run.gpu_count
        * inputs.figure("Collateral, a card", network.symbol, locked),
        slash_fraction=inputs.assumption("slash_fraction"),
    )


def _say_if_later(inputs: Inputs, network: Network, rule: Payout) -> None:
    until = inputs.run.until
    if until is not None and rule.since > until:
        inputs.notes.append(
            f"{network.name} pays by the rule in force since {rule.since}, which is after the last "
            f"day of prices used ({until})."
        )
