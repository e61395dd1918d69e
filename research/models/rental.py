"""One rig of GPUs rented out: the ledger of its cash, tokens and hardware, month by month.

The same ledger serves one expected path (`scenarios.expected`) and thousands of simulated ones
(`scenarios.simulate`); arrays are time-major, (n_months, n_paths).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from research.errors import DataError
from research.models.scenarios import Paths

PayoutKind = Literal["usd", "usd-quoted", "token-quoted"]
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
    tariff_usd_per_kwh: float
    fixed_usd_per_month: float  # internet, maintenance, labour of the whole rig
    availability: float  # fraction of hours that the rig is online
    repair_usd: float  # one repair
    failure_downtime_days: float  # of one card, after each failure
    replace_dead: bool = True  # a dead card is replaced at resale price; else it is not

    @property
    def cost_usd(self) -> float:
        """All cards and hosts."""
        return self.gpu_count * (self.gpu_usd + self.host_usd)

    @property
    def marginal_energy_usd_per_hour(self) -> float:
        """What an hour under rent costs more than an idle hour, per card."""
        watts = self.load_w - self.idle_w + self.host_load_w - self.host_idle_w
        return watts * self.usd_per_watt_hour

    @property
    def usd_per_watt_hour(self) -> float:
        """What a watt drawn by a card for an hour costs at the meter."""
        return self.pue * self.tariff_usd_per_kwh / (1000 * self.psu_efficiency)


@dataclass(frozen=True, kw_only=True)
class Venue:
    """How a network pays its providers.

    `usd`: cash. `usd-quoted`: an amount of USD, in tokens at the price of the moment.
    `token-quoted`: a number of tokens a week, whatever the token is worth; the rate plays no part.
    """

    payout: PayoutKind
    platform_fee: float = 0.0  # fraction of gross
    token_trade_cost: float = 0.0  # fraction lost when tokens are sold
    tokens_per_week: float = 0.0  # token-quoted: for one card rented all week
    availability_tokens_per_week: float = 0.0  # token-quoted: for one card online all week
    collateral_tokens: float = 0.0  # locked while renting, whole rig
    slash_fraction: float = 0.0  # of the collateral, each time


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """What came in, what went out and what is owned.

    Flows have shape (n_months, n_paths), what is owned (n_months + 1, n_paths); one column
    instead of n_paths where no path differs.
    """

    rented_hours: Array  # GPU-hours a month
    energy_kwh: Array  # a month
    gross_usd: Array  # a month, at the price of the month's end where tokens are paid
    fixed_usd: Array
    repairs_usd: Array  # repairs and replacements
    released_usd: Array  # collateral of cards that left
    cash_usd: Array
    tokens: Array
    token_price_usd: Array  # what one fetches, after the cost of selling; 0 where none is held
    hardware_usd: Array  # at resale, after the cost of selling
    collateral_usd: Array  # what it fetches, after the cost of selling
    platform_fee: float
    tariff_usd_per_kwh: float

    @property
    def fee_usd(self) -> Array:
        """What the platform keeps, a month."""
        return np.asarray(self.gross_usd * self.platform_fee)

    @property
    def electricity_usd(self) -> Array:
        """The power bill, a month."""
        return np.asarray(self.energy_kwh * self.tariff_usd_per_kwh)

    @property
    def net_usd(self) -> Array:
        """Gross less fee, power, fixed costs and repairs, a month."""
        net = self.gross_usd * (1 - self.platform_fee)
        for cost in (self.electricity_usd, self.fixed_usd, self.repairs_usd):
            net -= cost
        return np.asarray(net)

    @property
    def wealth_usd(self) -> Array:
        """Everything that is owned; illiquid things at resale."""
        held = self.tokens * self.token_price_usd + self.collateral_usd
        return np.asarray(self.cash_usd + self.hardware_usd + held)


def capital_needed_usd(
    rig: Rig, venue: Venue, *, token_price_usd: float | None, working_cash_months: float
) -> float:
    """Return what it takes to start: rig, collateral, and some months of full power."""
    locked = 0.0
    if venue.collateral_tokens:  # bought at half the spread and a fee, as any token
        price = _known(token_price_usd) / (1 - venue.token_trade_cost)
        locked = venue.collateral_tokens * price
    watts = rig.gpu_count * (rig.load_w + rig.host_load_w)
    power = working_cash_months * HOURS_PER_MONTH * watts * rig.usd_per_watt_hour
    return rig.cost_usd + locked + power


def _known(token_price_usd: float | None) -> float:
    if token_price_usd is None:
        raise DataError(
            "tokens are paid, kept or locked here, and there is no price of the token; import one, "
            "or take payout=usd"
        )
    return token_price_usd


def rent(
    rig: Rig,
    venue: Venue,
    paths: Paths,
    *,
    capital_usd: float,
    token_price_usd: float | None,
    sell_share: float = 1.0,
    cash_yield_per_year: float = 0.0,
) -> Ledger:
    """Rent the rig out along `paths` and keep the books.

    Parameters
    ----------
    capital_usd : starts as cash; pays for rig and collateral at once
    token_price_usd : today; may be None where no token is ever held
    sell_share : fraction of token income that is sold on receipt, the rest is held
    cash_yield_per_year : what idle cash earns, and what overdrawn cash costs

    Raises
    ------
    DataError : if tokens are held on the way and there is no price
    """
    keeps = venue.payout != "usd" and sell_share < 1
    if keeps or venue.payout == "token-quoted" or venue.collateral_tokens:
        price = _known(token_price_usd) * _growth(paths)
    else:
        price = np.zeros((paths.n_months + 1, 1))
    left = _share_left(rig, paths)
    cards = rig.gpu_count * left[1:]  # a card that dies for good earns nothing from that month on
    online = cards * rig.availability * (1 - _downtime(rig, paths))
    rented_hours = HOURS_PER_MONTH * online * paths.utilization
    rented_w, idle_w = rig.load_w + rig.host_load_w, rig.idle_w + rig.host_idle_w
    energy_kwh = rented_hours * (rented_w - idle_w)
    energy_kwh += HOURS_PER_MONTH * cards * idle_w
    energy_kwh *= rig.pue / (1000 * rig.psu_efficiency)
    gross: Array
    if venue.payout == "token-quoted":
        tokens = rented_hours * venue.tokens_per_week
        tokens += HOURS_PER_MONTH * online * venue.availability_tokens_per_week
        gross = tokens / HOURS_PER_WEEK * price[1:]
    else:
        gross = rented_hours * paths.rate_usd_per_hour
    del online  # as large as any flow, and there are many
    repairs = paths.repairs.astype(float) * (cards > 0) * rig.repair_usd
    if rig.replace_dead:
        repairs += paths.deaths * (rig.resale_usd * paths.resale[1:])
    fetched = price * (1 - venue.token_trade_cost)
    collateral, released = _collateral(venue, paths, fetched, left)
    ledger = Ledger(
        rented_hours=rented_hours,
        energy_kwh=energy_kwh,
        gross_usd=gross,
        fixed_usd=rig.fixed_usd_per_month * (cards > 0),
        repairs_usd=repairs,
        released_usd=released,
        cash_usd=np.empty((0, 0)),
        tokens=np.zeros((paths.n_months + 1, 1)),
        token_price_usd=fetched,
        hardware_usd=(rig.gpu_count * rig.resale_usd * (1 - rig.selling_cost))
        * (left * paths.resale),
        collateral_usd=collateral,
        platform_fee=venue.platform_fee,
        tariff_usd_per_kwh=rig.tariff_usd_per_kwh,
    )
    flows = ledger.net_usd
    flows += ledger.released_usd
    if venue.payout != "usd":  # paid in tokens: what is sold costs a trade, what is kept is no cash
        income_share = 1 - venue.platform_fee
        flows -= gross * (income_share * (1 - sell_share * (1 - venue.token_trade_cost)))
        if keeps:
            kept = np.cumsum(gross * (income_share * (1 - sell_share)) / price[1:], axis=0)
            ledger = replace(ledger, tokens=np.insert(kept, 0, 0.0, axis=0))
    bought = venue.collateral_tokens * float(price[0, 0]) / (1 - venue.token_trade_cost)
    start = capital_usd - rig.cost_usd - bought
    return replace(ledger, cash_usd=_accumulate(start, flows, cash_yield_per_year))


def _collateral(venue: Venue, paths: Paths, price: Array, left: Array) -> tuple[Array, Array]:
    """Return what is locked, (n_months + 1, n_paths), and what dead cards set free a month."""
    locked = venue.collateral_tokens * price
    if venue.collateral_tokens and venue.slash_fraction:
        times = np.cumsum(paths.slashes, axis=0, dtype=float)
        locked = locked * (1 - venue.slash_fraction) ** np.insert(times, 0, 0.0, axis=0)
    if (left == 1).all():
        return locked, np.zeros((paths.n_months, 1))
    return locked * left, locked[1:] * (left[:-1] - left[1:])


def _growth(paths: Paths) -> Array:
    if paths.token is None:
        raise DataError(
            "tokens are paid, kept or locked here, and the paths have no token; import its history"
        )
    return paths.token


def _share_left(rig: Rig, paths: Paths) -> Array:
    """Return the fraction of cards alive, (n_months + 1, n_paths)."""
    if rig.replace_dead:
        return np.ones((paths.n_months + 1, 1))
    died = np.cumsum(paths.deaths, axis=0, dtype=float) / rig.gpu_count
    return np.insert(np.maximum(1 - died, 0.0), 0, 1.0, axis=0)


def _downtime(rig: Rig, paths: Paths) -> Array:
    """Return the fraction of card-hours lost in a month to repairs and replacements."""
    failures = paths.repairs + paths.deaths if rig.replace_dead else paths.repairs
    lost = failures * (rig.failure_downtime_days / (DAYS_PER_MONTH * rig.gpu_count))
    return np.minimum(lost, 1.0)


def _accumulate(start: float, flows: Array, yield_per_year: float) -> Array:
    """Return cash at the start and after each month, with interest."""
    growth = (1 + yield_per_year) ** (1 / 12)
    cash = np.empty((len(flows) + 1, flows.shape[1]))
    cash[0] = start
    for month, flow in enumerate(flows, start=1):
        cash[month] = cash[month - 1] * growth + flow
    return cash
