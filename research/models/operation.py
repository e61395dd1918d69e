"""What a rig of GPUs does and owns, month by month, whatever its owner makes of the income.

Arrays are time-major, (n_months, n_paths).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from research.errors import DataError
from research.models.rig import (
    DAYS_PER_MONTH,
    HOURS_PER_MONTH,
    HOURS_PER_WEEK,
    Policy,
    Rig,
    Venue,
    known_price,
)
from research.models.scenarios import Paths

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What a rig does and owns along paths, whatever its owner does with the income.

    Flows have shape (n_months, n_paths), what is owned (n_months + 1, n_paths); one column
    instead of n_paths where no path differs.
    """

    rig: Rig
    venue: Venue
    rented_hours: Array  # GPU-hours a month
    energy_kwh: Array  # a month
    gross_usd: Array  # a month, at the price of the month's end where tokens are paid
    fixed_usd: Array
    repairs_usd: Array  # repairs and replacements
    released_usd: Array  # collateral of cards that left
    price_usd: Array  # of a token; 0 where none is ever held
    hardware_usd: Array  # at resale, after the cost of selling
    collateral_usd: Array  # what it fetches, after the cost of selling

    @property
    def fee_usd(self) -> Array:
        """What the platform keeps, a month."""
        return np.asarray(self.gross_usd * self.venue.platform_fee)

    @property
    def electricity_usd(self) -> Array:
        """The power bill, a month."""
        return np.asarray(self.energy_kwh * self.rig.tariffs_usd_per_kwh(len(self.energy_kwh)))

    @property
    def net_usd(self) -> Array:
        """Gross less fee, power, fixed costs and repairs, a month."""
        net = self.gross_usd * (1 - self.venue.platform_fee)
        for cost in (self.electricity_usd, self.fixed_usd, self.repairs_usd):
            net -= cost
        return np.asarray(net)

    @property
    def token_price_usd(self) -> Array:
        """What a token fetches, after the cost of selling it."""
        return np.asarray(self.price_usd * (1 - self.venue.token_trade_cost))


def operate(
    rig: Rig,
    venue: Venue,
    paths: Paths,
    *,
    token_price_usd: float | None,
    policy: Policy,
) -> Operation:
    """Run the rig along `paths`: hours, energy, income and costs, hardware and collateral."""
    keeps = venue.pays_tokens and policy.sell_share < 1
    needed = keeps or venue.token_amounts or venue.collateral_tokens
    known = token_price_usd is not None and paths.token is not None
    if needed or (venue.pays_tokens and known):
        price = known_price(token_price_usd) * _growth(paths)
    else:
        price = np.zeros((paths.n_months + 1, 1))
    left = _share_left(rig, paths)
    cards = rig.gpu_count * left[1:]  # a card that dies for good earns nothing from that month on
    online = cards * rig.availability * (1 - _downtime(rig, paths))
    running = np.True_ if not policy.switch_off else _worth_running(rig, venue, paths, price)
    online = online * running
    rented_hours = HOURS_PER_MONTH * online * paths.utilization
    rented_w, idle_w = rig.load_w + rig.host_load_w, rig.idle_w + rig.host_idle_w
    energy_kwh = rented_hours * (rented_w - idle_w)
    energy_kwh += HOURS_PER_MONTH * idle_w * (cards * running)
    energy_kwh *= rig.kwh_per_watt_hour
    repairs = paths.repairs * np.where(cards > 0, float(rig.repair_usd), 0.0)
    if rig.replace_dead:
        repairs += paths.deaths * (rig.resale_usd * paths.resale[1:])
    collateral, released = _collateral(venue, paths, price, left)
    return Operation(
        rig=rig,
        venue=venue,
        rented_hours=rented_hours,
        energy_kwh=energy_kwh,
        gross_usd=_gross(rig, venue, paths, price, rented_hours, online),
        fixed_usd=rig.fixed_usd_per_month * (cards > 0),
        repairs_usd=repairs,
        released_usd=released,
        price_usd=price,
        hardware_usd=(rig.gpu_count * rig.resale_usd * (1 - rig.selling_cost))
        * (left * paths.resale),
        collateral_usd=collateral,
    )


def _gross(
    rig: Rig, venue: Venue, paths: Paths, price: Array, rented_hours: Array, online: Array
) -> Array:
    """Return what the venue owes for each month, before its fee."""
    if venue.payout == "token-quoted":
        tokens = rented_hours * (venue.tokens_per_week * rig.speed / HOURS_PER_WEEK)
        if venue.availability_tokens_per_week:
            per_month = venue.availability_tokens_per_week * HOURS_PER_MONTH / HOURS_PER_WEEK
            tokens += online * per_month
        tokens *= price[1:]
        return tokens
    gross = rented_hours * paths.rate_usd_per_hour
    if rig.speed != 1:
        gross *= rig.speed
    if venue.payout == "emission-share":
        gross += online * (rig.speed * venue.emission_tokens(paths.n_months)) * price[1:]
    return np.asarray(gross)


def _worth_running(rig: Rig, venue: Venue, paths: Paths, price: Array) -> Array:
    """Return whether each month is worth its power, judged by the month before; the first runs.

    The rule needs no look ahead: rented share, rate and price of the month before decide.
    """
    idle_w = rig.idle_w + rig.host_idle_w
    more_w = rig.load_w + rig.host_load_w - idle_w
    power = rig.kwh_per_watt_hour * rig.tariffs_usd_per_kwh(paths.n_months)
    online = np.full((1, 1), rig.availability)
    hours = HOURS_PER_MONTH * rig.availability * paths.utilization
    income = _gross(rig, venue, paths, price, hours, online) * (1 - venue.platform_fee)
    if venue.pays_tokens:
        income = income * (1 - venue.token_trade_cost)
    margin = income - (hours * more_w + HOURS_PER_MONTH * idle_w) * power
    return np.concatenate([np.ones((1, margin.shape[1]), dtype=bool), margin[:-1] > 0])


def _collateral(venue: Venue, paths: Paths, price: Array, left: Array) -> tuple[Array, Array]:
    """Return what is locked, (n_months + 1, n_paths), and what dead cards set free a month."""
    nothing = np.zeros((paths.n_months, 1))
    if not venue.collateral_tokens:
        return np.zeros((paths.n_months + 1, 1)), nothing
    locked = (venue.collateral_tokens * (1 - venue.token_trade_cost)) * price
    if venue.slash_fraction:
        times = np.cumsum(paths.slashes, axis=0, dtype=float)
        locked[1:] *= (1 - venue.slash_fraction) ** times
    if (left == 1).all():
        return locked, nothing
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
