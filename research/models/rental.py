"""One rig of GPUs rented out: the ledger of its cash, tokens and hardware, month by month.

The same ledger serves one expected path (`scenarios.expected`) and thousands of simulated ones;
arrays are time-major, (n_months, n_paths). It is kept in two steps: what the rig does
(`operation.operate`) and what its owner makes of it (`settle`), so that one run of the rig serves
every policy on what to do with tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from research.errors import InfeasibleError
from research.models.operation import Operation, operate
from research.models.rig import NO_TAXES, Loan, Policy, Rig, Taxes, Venue
from research.models.scenarios import Paths

Array = NDArray[Any]

LOSING_MONTHS = 3  # of losses on average, after which a rig is sold where the policy says so
SELL_ALL = Policy()


@dataclass(frozen=True, kw_only=True)
class Ledger(Operation):
    """What came in, what went out and what is owned, under one policy."""

    cash_usd: Array
    tokens: Array
    tax_usd: Array  # a month
    loan_usd: Array  # paid to the lender, a month
    debt_usd: Array  # still owed

    @property
    def wealth_usd(self) -> Array:
        """Everything that is owned, less what is owed; illiquid things at resale."""
        held = self.tokens * self.token_price_usd + self.collateral_usd
        return np.asarray(self.cash_usd + self.hardware_usd + held - self.debt_usd)

    @property
    def held_usd(self) -> Array:
        """The same as wealth, before any cost of selling: what it is worth to who keeps it."""
        hardware = self.hardware_usd / (1 - self.rig.selling_cost)
        collateral = self.collateral_usd / (1 - self.venue.token_trade_cost)
        held = self.tokens * self.price_usd + collateral
        return np.asarray(self.cash_usd + hardware + held - self.debt_usd)


def rent(
    rig: Rig,
    venue: Venue,
    paths: Paths,
    *,
    capital_usd: float,
    token_price_usd: float | None,
    policy: Policy = SELL_ALL,
    cash_yield_per_year: float = 0.0,
    taxes: Taxes = NO_TAXES,
    loan: Loan | None = None,
) -> Ledger:
    """Rent the rig out along `paths` and keep the books.

    Parameters
    ----------
    capital_usd : starts as cash; pays for rig and collateral at once
    token_price_usd : today; may be None where no token is ever held
    policy : what is done with tokens, and with a rig that loses money
    cash_yield_per_year : what idle cash earns, and what overdrawn cash costs

    Raises
    ------
    DataError : if tokens are held on the way and there is no price
    """
    operation = operate(rig, venue, paths, token_price_usd=token_price_usd, policy=policy)
    return settle(
        operation,
        capital_usd=capital_usd,
        policy=policy,
        cash_yield_per_year=cash_yield_per_year,
        taxes=taxes,
        loan=loan,
    )


def settle(
    operation: Operation,
    *,
    capital_usd: float,
    policy: Policy = SELL_ALL,
    cash_yield_per_year: float = 0.0,
    taxes: Taxes = NO_TAXES,
    loan: Loan | None = None,
) -> Ledger:
    """Pay for the rig, sell or keep what comes in, and carry the cash forward."""
    if policy.sell_rig:
        operation = _sold_when_losing(operation)
    o, n_months = operation, len(operation.gross_usd)
    flows, tokens = o.net_usd, np.zeros((n_months + 1, 1))
    tax = _income_tax(o, flows, taxes)
    flows += o.released_usd
    cost_basis: Array | float = 0.0
    if o.venue.pays_tokens:  # what is sold costs a trade, what is kept is no cash
        income_share, sold = 1 - o.venue.platform_fee, policy.sell_share
        flows -= o.gross_usd * (income_share * (1 - sold * (1 - o.venue.token_trade_cost)))
        if sold < 1:
            kept_usd = o.gross_usd * (income_share * (1 - sold))
            tokens, cost_basis = _kept(kept_usd / o.price_usd[1:], policy), kept_usd.sum(axis=0)
    if taxes.gains:
        gain = tokens[-1] * o.token_price_usd[-1] - cost_basis
        tax = tax + np.zeros_like(flows)
        tax[-1] += taxes.gains * np.maximum(gain, 0)
    if np.any(tax):
        flows -= tax
    borrowed = 0.0 if loan is None else loan.share_of_cost * o.rig.cost_usd
    payments, debt = np.zeros((n_months, 1)), np.zeros((n_months + 1, 1))
    if loan is not None:
        payments, debt = borrowed * loan.payments(n_months), borrowed * loan.debt(n_months)
        flows -= payments
    first_price = float(o.price_usd[0, 0])
    locked = o.venue.collateral_tokens * first_price / (1 - o.venue.token_trade_cost)
    start = capital_usd - o.rig.cost_usd - locked + borrowed
    return Ledger(
        **{field.name: getattr(o, field.name) for field in fields(Operation)},
        cash_usd=_accumulate(start, flows, cash_yield_per_year),
        tokens=tokens,
        tax_usd=tax,
        loan_usd=payments,
        debt_usd=debt,
    )


def together(ledgers: Sequence[Ledger]) -> Ledger:
    """Return the books of several rigs as one: cards of different kinds that share a venue.

    Parameters
    ----------
    ledgers : on the same paths but for their failures (`scenarios.draw_block`, `card`); the
        capital starts in the first, the others start with none

    Raises
    ------
    InfeasibleError : if they are paid by different venues, or differ in tariff or cost of selling
    """
    first = ledgers[0]
    if any(replace(each.venue, **_per_card(first.venue)) != first.venue for each in ledgers):
        raise InfeasibleError("cards of one rig are rented out at one venue; give one ledger each")
    shared = ("tariff_usd_per_kwh", "tariff_escalation_per_year", "selling_cost")
    if any(
        getattr(each.rig, name) != getattr(first.rig, name) for each in ledgers for name in shared
    ):
        raise InfeasibleError(
            "cards of one rig share its tariff, its escalation and the cost of selling; give one "
            "ledger each"
        )
    added = (
        field.name for field in fields(Ledger) if field.name not in ("rig", "venue", "price_usd")
    )
    return replace(first, **{name: sum(getattr(each, name) for each in ledgers) for name in added})


def _per_card(venue: Venue) -> dict[str, Any]:
    """Return what a venue states card by card, which may differ within one rig."""
    names = ("tokens_per_week", "collateral_tokens", "pool_share")
    return {name: getattr(venue, name) for name in names}


def _kept(tokens: Array, policy: Policy) -> Array:
    """Return the tokens kept so far, (n_months + 1, n_paths), with what they earn if staked."""
    return _accumulate(0.0, tokens, policy.staking_yield_per_year)


def _income_tax(operation: Operation, net: Array, taxes: Taxes) -> Array:
    """Return the tax on each month's income less depreciation, (n_months, n_paths)."""
    if not taxes.income:
        return np.zeros((len(net), 1))
    months = np.arange(len(net))[:, None] < taxes.depreciation_months
    depreciation = operation.rig.cost_usd / taxes.depreciation_months * months
    return np.asarray(taxes.income * np.maximum(net - depreciation, 0))


def _sold_when_losing(operation: Operation) -> Operation:
    """Return the operation of a rig that is sold after three losing months, on each path.

    What is sold is paid at that month's end, as what is released; from then on nothing runs.
    """
    net = operation.net_usd
    losing = np.zeros(net.shape, dtype=bool)
    for month in range(LOSING_MONTHS, len(net)):  # at the horizon everything is sold anyway
        np.less(net[month - LOSING_MONTHS : month].sum(axis=0), 0, out=losing[month - 1])
    if not losing.any():
        return operation
    gone = np.logical_or.accumulate(losing, axis=0)  # sold at the end of this month or before
    still = np.ones((len(net) + 1, net.shape[1]))  # a number: multiplying by truths is slow
    still[1:] -= gone
    runs = still[:-1]
    owned = operation.hardware_usd[1:] + operation.collateral_usd[1:]
    flows = ("rented_hours", "energy_kwh", "gross_usd", "fixed_usd", "repairs_usd")
    return replace(
        operation,
        **{name: getattr(operation, name) * runs for name in flows},
        released_usd=operation.released_usd * runs + (runs - still[1:]) * owned,
        hardware_usd=operation.hardware_usd * still,
        collateral_usd=operation.collateral_usd * still,
    )


def _accumulate(start: float, flows: Array, yield_per_year: float) -> Array:
    """Return a balance at the start and after each month, with interest."""
    growth = (1 + yield_per_year) ** (1 / 12)
    balance = np.empty((len(flows) + 1, flows.shape[1]))
    balance[0] = start
    for month, flow in enumerate(flows, start=1):
        if growth == 1:
            np.add(balance[month - 1], flow, out=balance[month])
        else:
            np.multiply(balance[month - 1], growth, out=balance[month])
            balance[month] += flow
    return balance
