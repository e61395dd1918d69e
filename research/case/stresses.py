"""The catalogue's named scenarios, as they bear on one network's token and rule of payment."""

from __future__ import annotations

from research.case.inputs import Inputs
from research.catalogue import Figure, Network
from research.catalogue import Stress as Told
from research.models.rig import Venue
from research.models.stresses import Stress


def find_stresses(inputs: Inputs, network: Network, venue: Venue) -> tuple[Stress, ...]:
    """Return every stress of the catalogue; its figures are remembered by the catalogue alone."""
    open_market_fee = inputs.known.assumptions["marketplace_fee"].figure.value
    return tuple(
        _stress(told, network, venue, open_market_fee) for told in inputs.known.stresses.values()
    )


def _stress(told: Told, network: Network, venue: Venue, open_market_fee: float) -> Stress:
    fee = _value(told.payout_fee)
    return Stress(
        id=told.id,
        name=told.name,
        token_change=_value(told.token_change_of(network.id)),
        market_change=_value(told.market_change),
        rate_change=_value(told.rate_change),
        utilization_change=_value(told.utilization_change),
        resale_change=_value(told.resale_change),
        reward_change=_value(told.reward_change),
        # a fee that is dearer already is not lowered by a rule that is called worse
        platform_fee=None if fee is None else max(fee, venue.platform_fee),
        reached_after_months=told.reached_after_months or 0,
        recovers=told.recovers,
        shutdown_month=told.shutdown_month,
        after_shutdown=told.after_shutdown or "nothing",
        open_market_fee=open_market_fee,
    )


def _value(figure: Figure | None) -> float | None:
    return None if figure is None else figure.value
