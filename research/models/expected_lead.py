"""What renting leads holding by, on average, for many settings of the figures in doubt at once.

The mean over paths of a rig's wealth is linear in a few monthly means: hours rented, what a rented
hour brings at a rate of one, what a card's resale value has become. Those are taken once, over 500
paths and a grid of utilizations; thousands of settings are then a matter of multiplying. It is the
same number as averaging `rental.rent` over those paths with all tokens sold on receipt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from research.errors import InfeasibleError, UsageError
from research.models.dynamics import Dynamics
from research.models.futures import Question, draw, hold_wealth
from research.models.levers import GROWTH
from research.models.rental import SELL_ALL, Ledger
from research.models.rig import known_price
from research.models.sensitivity import Uncertain

Array = NDArray[Any]
Setting = Callable[[str], Array]  # from the name of a lever to its values, (n_rows, 1)

N_PATHS = 500
UTILIZATIONS = np.linspace(0.0, 1.0, 26)  # of the grid: between its points wealth is near linear
SPLIT = (  # levers that can be moved for thousands of settings at once
    "processes.utilization_mean",
    "processes.rate_usd_per_hour",
    "processes.rate_drift_per_year",
    "processes.resale_drift_per_year",
    "rig.availability",
    "rig.host_usd",
    "rig.load_w",
    "rig.pue",
    "rig.resale_usd",
    "rig.tariff_usd_per_kwh",
    "rig.tariff_escalation_per_year",
    "venue.platform_fee",
    "venue.tokens_per_week",
    GROWTH,
)


@dataclass(frozen=True, kw_only=True)
class _Means:
    """Means over paths by month, of a rig whose levers of `_at_one` are 1 or do not drift."""

    rented_hours: Array  # (n_grid, n_months), GPU-hours of a rig that is always online
    rented_usd: Array  # (n_grid, n_months), what they bring at 1 USD an hour or 1 token a week
    online_usd: Array  # (n_months,), what is paid in tokens for being online, rented or not
    idle_kwh: Array  # (n_months,), as if nothing was ever rented, at a PUE of 1
    fixed_usd: Array  # (n_months,), fixed costs and repairs
    replaced: Array  # (n_months,), dead cards times the growth of the resale value
    released_usd: Array  # (n_months,), collateral of cards that left
    hardware: float  # at the horizon, after the cost of selling, over today's resale of a card
    collateral_usd: float  # at the horizon
    locked_usd: float  # today
    held: float  # wealth at the horizon of a dollar in the token, else in T-bills


class ExpectedLead:
    """Mean wealth per dollar of renting less that of holding, for many settings at once.

    Settings have shape (n_rows, n_inputs), in the order of `inputs`; a lever that is not among them
    is as in the question. Against T-bills where there is no token.

    Raises
    ------
    UsageError : if an input is none of SPLIT
    InfeasibleError : if income is taxed, which is not linear: losses are not paid back
    """

    def __init__(self, question: Question, dynamics: Dynamics, inputs: Sequence[Uncertain]) -> None:
        self.question, self.names = question, [each.name for each in inputs]
        if unknown := [name for name in self.names if name not in SPLIT]:
            raise UsageError(
                f"expected lead: {', '.join(unknown)} cannot be moved for many settings at once; "
                f"accepted are {', '.join(SPLIT)}"
            )
        if question.taxes.income:
            raise InfeasibleError(
                "expected lead: a tax on income bends what is linear here; leave the tax out, or "
                "move one figure at a time"
            )
        self.means = _means(_at_one(question), dynamics)

    def __call__(self, rows: Array) -> Array:
        """Return the mean lead of each row of settings, (n_rows,)."""
        q, n_months = self.question, self.question.n_months
        columns = dict(zip(self.names, np.asarray(rows, dtype=float).T, strict=True))

        def at(name: str) -> Array:
            column = columns.get(name, np.full(len(rows), _stated(q, name)))
            return np.asarray(column[:, None])

        flows = self._income(at) - self._power(at) - self._upkeep(at)
        months_left = n_months - 1 - np.arange(n_months)
        wealth = (flows * (1 + q.cash_yield_per_year) ** (months_left / 12)).sum(axis=1)
        wealth = wealth + (self._start(at) + self._owned(at))[:, 0]
        more = 1.0 if q.token is None else _grown(at(GROWTH), n_months)[:, 0]
        return np.asarray(wealth / q.capital_usd - self.means.held * more)

    def _income(self, at: Setting) -> Array:
        """Return what the venue pays, after its fee and the cost of selling tokens."""
        q = self.question
        months = np.arange(q.n_months)
        dearer = _grown(at(GROWTH), months + 1)  # tokens are paid at a month's end
        rented = _read(self.means.rented_usd, at("processes.utilization_mean")[:, 0])
        if q.venue.payout == "token-quoted":
            rented = rented * at("venue.tokens_per_week") * dearer
        else:  # the first month earns today's rate
            rate = at("processes.rate_usd_per_hour")
            rented = rented * rate * _grown(at("processes.rate_drift_per_year"), months)
        gross = (rented + self.means.online_usd * dearer) * at("rig.availability")
        sold = 1 - q.venue.token_trade_cost if q.venue.pays_tokens else 1.0
        return np.asarray(gross * (1 - at("venue.platform_fee")) * sold)

    def _power(self, at: Setting) -> Array:
        """Return the power bill."""
        rig = self.question.rig
        more_w = at("rig.load_w") + (rig.host_load_w - rig.idle_w - rig.host_idle_w)
        hours = _read(self.means.rented_hours, at("processes.utilization_mean")[:, 0])
        rented_kwh = hours * at("rig.availability") * more_w / (1000 * rig.psu_efficiency)
        kwh = (rented_kwh + self.means.idle_kwh) * at("rig.pue")
        months = np.arange(self.question.n_months)
        tariff = at("rig.tariff_usd_per_kwh") * _grown(at("rig.tariff_escalation_per_year"), months)
        return np.asarray(kwh * tariff)

    def _upkeep(self, at: Setting) -> Array:
        """Return fixed costs, repairs and replacements, less collateral that is set free."""
        months = np.arange(1, self.question.n_months + 1)
        card = at("rig.resale_usd") * _grown(at("processes.resale_drift_per_year"), months)
        released = self.means.released_usd * _grown(at(GROWTH), months)
        return np.asarray(self.means.fixed_usd + self.means.replaced * card - released)

    def _start(self, at: Setting) -> Array:
        """Return what the capital left after the purchase is at the horizon, a loan paid back."""
        q = self.question
        interest = (1 + q.cash_yield_per_year) ** (np.arange(q.n_months, -1, -1) / 12)
        a_dollar = interest[0]  # that the rig cost, at the horizon
        if q.loan is not None:
            debt, paid = q.loan.debt(q.n_months)[-1, 0], q.loan.payments(q.n_months)[:, 0]
            a_dollar += q.loan.share_of_cost * (debt + paid @ interest[1:] - interest[0])
        cost = q.rig.gpu_count * (q.rig.gpu_usd + at("rig.host_usd"))
        return np.asarray((q.capital_usd - self.means.locked_usd) * interest[0] - cost * a_dollar)

    def _owned(self, at: Setting) -> Array:
        """Return what hardware and collateral fetch at the horizon."""
        n_months = self.question.n_months
        card = at("rig.resale_usd") * _grown(at("processes.resale_drift_per_year"), n_months)
        collateral = self.means.collateral_usd * _grown(at(GROWTH), n_months)
        return np.asarray(self.means.hardware * card + collateral)


def splittable(inputs: Sequence[Uncertain]) -> list[Uncertain]:
    """Return those figures in doubt that can be moved for thousands of settings at once."""
    return [each for each in inputs if each.name in SPLIT]


def _stated(q: Question, name: str) -> float:
    """Return a lever's value in the question; the mean of one that differs by path."""
    part, _, field = name.rpartition(".")
    return float(np.mean(getattr(getattr(q, part) if part else q, field)))


def _at_one(q: Question) -> Question:
    """Return the question with its linear levers at 1 and its drifts at 0, sold on receipt."""
    return replace(
        q,
        rig=replace(q.rig, availability=1.0, resale_usd=1.0, pue=1.0),
        venue=replace(q.venue, tokens_per_week=1.0),
        processes=replace(
            q.processes, rate_usd_per_hour=1.0, rate_drift_per_year=0.0, resale_drift_per_year=0.0
        ),
        policy=SELL_ALL,
        token_growth_per_year=0.0,
    )


def _means(q: Question, dynamics: Dynamics) -> _Means:
    def live(utilization: float) -> tuple[Ledger, float, Array]:
        processes = replace(q.processes, utilization_mean=utilization)
        paths = draw(replace(q, processes=processes), dynamics, 0).first(N_PATHS)
        replaced = _by_month(paths.deaths * paths.resale[1:]) * q.rig.replace_dead
        return q.books(q.rig, paths), float(hold_wealth(q, paths)[-1].mean()), replaced

    idle, held, replaced = live(0.0)
    online = _by_month(idle.gross_usd)
    ledgers = [live(float(utilization))[0] for utilization in UTILIZATIONS]
    return _Means(
        rented_hours=np.stack([_by_month(each.rented_hours) for each in ledgers]),
        rented_usd=np.stack([_by_month(each.gross_usd) - online for each in ledgers]),
        online_usd=online,
        idle_kwh=_by_month(idle.energy_kwh),
        fixed_usd=_by_month(idle.fixed_usd) + _by_month(idle.repairs_usd) - replaced,
        replaced=replaced,
        released_usd=_by_month(idle.released_usd),
        hardware=float(idle.hardware_usd[-1].mean()),
        collateral_usd=float(idle.collateral_usd[-1].mean()),
        locked_usd=_locked_usd(q),
        held=held,
    )


def _locked_usd(q: Question) -> float:
    """Return what the collateral costs today."""
    if not q.venue.collateral_tokens:
        return 0.0
    price = known_price(q.token_price_usd) / (1 - q.venue.token_trade_cost)
    return q.venue.collateral_tokens * price


def _by_month(flows: Array) -> Array:
    """Return the mean over paths, (n_months,)."""
    return np.asarray(flows.mean(axis=1))


def _grown(per_year: Array, months: Array | int) -> Array:
    """Return what one becomes at a change per year, (n_rows, n_months) or (n_rows, 1)."""
    return np.asarray((1 + per_year) ** (months / 12))


def _read(grid: Array, utilization: Array) -> Array:
    """Return rows of the grid, (n_rows, n_months), linear in between."""
    place = np.clip(utilization, 0, 1) * (len(UTILIZATIONS) - 1)
    below = np.minimum(place.astype(int), len(UTILIZATIONS) - 2)
    part = (place - below)[:, None]
    return np.asarray(grid[below] * (1 - part) + grid[below + 1] * part)
