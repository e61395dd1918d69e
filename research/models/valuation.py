"""Multiples, velocity, burn and mint, discount to the cloud: context for a reader, no verdict.

None of these is regressed on a price: each contains it.
"""

from __future__ import annotations

from dataclasses import dataclass

from research.errors import DataError

DAYS_PER_YEAR = 365
HOURS_PER_WEEK = 168


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """What one payment burns, mints and changes under burn and mint."""

    burned_tokens: float  # when the customer pays
    minted_tokens: float  # when the provider is paid
    net_tokens: float  # minted - burned: positive, supply grows


def price_to_fees(value_usd: float, fees_usd: float, *, days: float = 30) -> float:
    """Return market value over fees a year, from the fees of the last `days` days.

    Give circulating or fully diluted value, and fees of one definition: all that customers pay
    (price to sales) or what reaches holders (price to fees).
    """
    return _positive("market value", value_usd) / (
        _positive("fees", fees_usd) * DAYS_PER_YEAR / _positive("days", days)
    )


def network_value_to_transactions(value_usd: float, settled_usd_per_day: float) -> float:
    """Return market value over the median day's settled dollars, annualised."""
    return _positive("market value", value_usd) / (
        _positive("settled dollars", settled_usd_per_day) * DAYS_PER_YEAR
    )


def velocity(spend_usd_per_year: float, price_usd: float, circulating_tokens: float) -> float:
    """Return how often a year the circulating value is spent: V = S / (P M)."""
    return _positive("spending", spend_usd_per_year) / (
        _positive("price", price_usd) * _positive("supply", circulating_tokens)
    )


def settle(spend_usd: float, *, paid_at_usd: float, settled_at_usd: float) -> Settlement:
    """Return what a payment burns at one price and mints at another.

    References
    ----------
    Akash AEP-76 (2026): burned when the lease is paid, minted when it settles.
    """
    burned = _positive("spending", spend_usd) / _positive("price paid at", paid_at_usd)
    minted = spend_usd / _positive("price settled at", settled_at_usd)
    return Settlement(burned_tokens=burned, minted_tokens=minted, net_tokens=minted - burned)


def equilibrium_price(
    spend_usd: float, minted_tokens: float, *, burned_share: float = 0.95
) -> float:
    """Return the price in USD at which an epoch burns what it mints; above it supply grows."""
    return burned_share * _positive("spending", spend_usd) / _positive("mint", minted_tokens)


def vault_ratio(vault_tokens: float, price_usd: float, credits_usd: float) -> float:
    """Return the collateral behind credits outstanding; Akash halts minting below 0.90."""
    return vault_tokens * _positive("price", price_usd) / _positive("credits", credits_usd)


def issuance_coverage(burned_usd: float, emitted_usd: float) -> float:
    """Return the share of emission that burning takes back."""
    return burned_usd / _positive("emission", emitted_usd)


def cloud_discount(
    rate_usd_per_hour: float, cloud_usd_per_hour: float, *, availability: float = 1.0
) -> float:
    """Return 1 - rate / cloud rate, the rate divided by availability first.

    Compare the same card, commitment, memory and region.
    """
    if not 0 < availability <= 1:
        raise DataError(f"availability {availability}: a fraction above 0 and at most 1")
    rate = _positive("rate", rate_usd_per_hour) / availability
    return 1 - rate / _positive("cloud rate", cloud_usd_per_hour)


def weekly_reward_tokens(
    base_tokens: float, *, multiplier: float = 1.0, hours: float = HOURS_PER_WEEK
) -> float:
    """Return a node's weekly reward: base x multiplier x share of the week worked (Render)."""
    if not 0 <= hours <= HOURS_PER_WEEK:
        raise DataError(f"{hours} hours worked: a week has {HOURS_PER_WEEK}")
    return base_tokens * multiplier * hours / HOURS_PER_WEEK


def emission_schedule_tokens(first_month: float, monthly_decline: float, months: int) -> float:
    """Return the sum of an emission that shrinks by a share each month (io.net before 2026)."""
    kept = 1 - monthly_decline
    return (
        first_month * (1 - kept**months) / (1 - kept) if monthly_decline else first_month * months
    )


def _positive(name: str, value: float) -> float:
    if not value > 0:
        raise DataError(f"{name} {value}: not above zero, so the measure has no meaning")
    return value
