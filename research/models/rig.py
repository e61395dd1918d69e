"""What a rental is made of: the rig, how the venue pays, and what the owner does about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from research.errors import DataError, UsageError

PayoutKind = Literal["usd", "usd-quoted", "token-quoted", "emission-share"]
Array = NDArray[Any]

HOURS_PER_MONTH = 730.5
HOURS_PER_WEEK = 168
DAYS_PER_MONTH = HOURS_PER_MONTH / 24


@dataclass(frozen=True, kw_only=True)
class Rig:
    """Cards of one kind and the host that they sit in. Watts are those of one card."""

    gpu_count: int
    gpu_usd: float  # price of a card
    host_usd: float  # a card's share of board, power supply, case, shipping
    resale_usd: float  # what a card fetches today, before the cost of selling it
    selling_cost: float  # fraction of the resale value
    load_w: float  # a card under rent
    idle_w: float  # a card without rent
    host_load_w: float  # a card's share of the host's power
    host_idle_w: float
    psu_efficiency: float  # (0, 1]
    pue: float  # power usage effectiveness, >= 1: what the room adds
    tariff_usd_per_kwh: float  # of the first month
    tariff_escalation_per_year: float = 0.0  # change of the tariff, month by month
    fixed_usd_per_month: float  # internet, maintenance, labour of the whole rig
    availability: float  # fraction of hours that the rig is online
    repair_usd: float  # one repair
    failure_downtime_days: float  # of one card, after each failure
    replace_dead: bool = True  # a dead card is replaced at resale price; else it is not
    speed: float = 1.0  # of full speed, under a power cap: what is paid by the hour scales with it

    @property
    def cost_usd(self) -> float:
        """All cards and hosts."""
        return self.gpu_count * (self.gpu_usd + self.host_usd)

    @property
    def marginal_energy_usd_per_hour(self) -> float:
        """What an hour under rent costs more than an idle hour, per card, in the first month."""
        watts = self.load_w - self.idle_w + self.host_load_w - self.host_idle_w
        return watts * self.usd_per_watt_hour

    @property
    def usd_per_watt_hour(self) -> float:
        """What a watt drawn by a card for an hour costs at the meter, in the first month."""
        return self.kwh_per_watt_hour * self.tariff_usd_per_kwh

    @property
    def kwh_per_watt_hour(self) -> float:
        """What the meter counts for a watt drawn by a card for an hour."""
        return self.pue / (1000 * self.psu_efficiency)

    def tariffs_usd_per_kwh(self, n_months: int) -> Array:
        """Return the tariff of each month, (n_months, 1)."""
        years = np.arange(n_months)[:, None] / 12
        return np.asarray(self.tariff_usd_per_kwh * (1 + self.tariff_escalation_per_year) ** years)


@dataclass(frozen=True, kw_only=True)
class Venue:
    """How a network or a marketplace pays its providers.

    `usd`: cash. `usd-quoted`: an amount of USD, in tokens at the price of the moment.
    `token-quoted`: a number of tokens a week, whatever the token is worth; the rate plays no part.
    `emission-share`: a share of the tokens that the network issues, beside the rate if it is not 0;
    the share shrinks as others join.
    """

    payout: PayoutKind
    platform_fee: float = 0.0  # fraction of gross
    token_trade_cost: float = 0.0  # fraction lost when tokens are sold
    tokens_per_week: float = 0.0  # token-quoted: for one card rented all week
    availability_tokens_per_week: float = 0.0  # token-quoted: for one card online all week
    pool_tokens_per_month: float = 0.0  # emission-share: issued to all providers, first month
    pool_decline_per_month: float = 0.0  # emission-share: fraction by which that falls
    pool_share: float = 0.0  # emission-share: one card's weight over the network's, first month
    network_growth_per_year: float = 0.0  # emission-share: of the network's weight
    collateral_tokens: float = 0.0  # locked while renting, whole rig
    slash_fraction: float = 0.0  # of the collateral, each time

    @property
    def pays_tokens(self) -> bool:
        """Whether income arrives in tokens."""
        return self.payout != "usd"

    @property
    def token_amounts(self) -> bool:
        """Whether a number of tokens is owed, so that their price decides what it is worth."""
        return self.payout in ("token-quoted", "emission-share")

    def emission_tokens(self, n_months: int) -> Array:
        """Return what a card that is always online is issued each month, (n_months, 1)."""
        months = np.arange(n_months)[:, None]
        issued = self.pool_tokens_per_month * (1 - self.pool_decline_per_month) ** months
        return np.asarray(
            issued * self.pool_share * (1 + self.network_growth_per_year) ** (-months / 12)
        )


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What the owner does with tokens that come in, and with a rig that loses money."""

    sell_share: float = 1.0  # of token income, on receipt; the rest is kept
    staking_yield_per_year: float = 0.0  # on kept tokens, in tokens, net of commission
    switch_off: bool = False  # off for a month when the month before would not have paid its power
    sell_rig: bool = False  # sold once it has lost money over three months


@dataclass(frozen=True, kw_only=True)
class Taxes:
    """Hooks for taxes; none by default. Monthly, without carrying losses forward."""

    income: float = 0.0  # fraction of net income less depreciation, where that is positive
    gains: float = 0.0  # fraction of the gain on tokens kept, at the horizon
    depreciation_months: int = 36  # straight line, of what the rig cost

    def __post_init__(self) -> None:
        """Refuse a depreciation over no time."""
        if self.depreciation_months < 1:
            raise UsageError(
                f"depreciation over {self.depreciation_months} months: at least 1 is needed"
            )


@dataclass(frozen=True, kw_only=True)
class Loan:
    """A hook for financing; none by default. An annuity paid at each month's end."""

    share_of_cost: float  # fraction of what the rig costs
    rate_per_year: float
    n_months: int  # until it is paid back

    def __post_init__(self) -> None:
        """Refuse a loan that is never paid back."""
        if self.n_months < 1:
            raise UsageError(f"a loan over {self.n_months} months: at least 1 is needed")

    def debt(self, n_months: int) -> Array:
        """Return what is owed after each month per dollar borrowed, (n_months + 1, 1)."""
        left = np.clip(self.n_months - np.arange(n_months + 1), 0, None)[:, None]
        rate = (1 + self.rate_per_year) ** (1 / 12) - 1
        if rate == 0:
            return np.asarray(left / self.n_months)
        return np.asarray((1 - (1 + rate) ** -left) / (1 - (1 + rate) ** -self.n_months))

    def payments(self, n_months: int) -> Array:
        """Return what is paid each month per dollar borrowed, (n_months, 1)."""
        debt, rate = self.debt(n_months), (1 + self.rate_per_year) ** (1 / 12)
        return np.asarray(debt[:-1] * rate - debt[1:])


NO_TAXES = Taxes()


def capital_needed_usd(
    rig: Rig, venue: Venue, *, token_price_usd: float | None, working_cash_months: float
) -> float:
    """Return what it takes to start: rig, collateral, and some months of full power."""
    locked = 0.0
    if venue.collateral_tokens:  # bought at half the spread and a fee, as any token
        price = known_price(token_price_usd) / (1 - venue.token_trade_cost)
        locked = venue.collateral_tokens * price
    watts = rig.gpu_count * (rig.load_w + rig.host_load_w)
    power = working_cash_months * HOURS_PER_MONTH * watts * rig.usd_per_watt_hour
    return rig.cost_usd + locked + power


def known_price(token_price_usd: float | None) -> float:
    """Return the token's price, or say that there must be one."""
    if token_price_usd is None:
        raise DataError(
            "tokens are paid, kept or locked here, and there is no price of the token; import one, "
            "or take payout=usd"
        )
    return token_price_usd
