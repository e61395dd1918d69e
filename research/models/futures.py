"""Every alternative lived through the same simulated months, block by block of paths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research.models.bootstrap import Drift, History, Resampler, fit_resampler
from research.models.comparison import KEPT_PATHS, Comparison, Part, Wealth, combine, reduce
from research.models.dynamics import Dynamics
from research.models.flips import Line, rental_lines
from research.models.holding import hold, hold_cash, staked
from research.models.operation import Operation, operate
from research.models.rental import SELL_ALL, Ledger, rent, settle
from research.models.rig import NO_TAXES, Loan, Policy, Rig, Taxes, Venue
from research.models.scenarios import BLOCK_OF_PATHS, Paths, Processes, draw_block

Array = NDArray[Any]

FANNED = ("hold", "rent")  # alternatives of which every month is looked at
MIN_PATHS = 10_000  # before a simulation may stop for being precise enough


@dataclass(frozen=True, kw_only=True)
class Question:
    """Everything that the answer depends on."""

    network: str  # name
    token: str | None  # symbol; None where there is no price
    gpu: str  # name
    rig: Rig
    venue: Venue
    processes: Processes
    history: History  # columns among token, market, demand, basket; none where there is no price
    daily: pd.DataFrame = field(
        default_factory=pd.DataFrame
    )  # joint daily log returns, same regime
    capital_usd: float  # put to work either way
    token_price_usd: float | None
    policy: Policy = SELL_ALL  # of "rent"; "rent-hold" and the like change it
    staking_yield_per_year: float = 0.0  # of the token, in tokens, net of commission
    trade_cost: float  # fraction of a purchase or sale of tokens
    cash_yield_per_year: float  # T-bill
    discount_rate_per_year: float  # what the rig's cash flows must earn
    token_growth_per_year: float = 0.0  # expected, on top of what `drift` says
    n_months: int
    drift: Drift
    n_paths: int  # at most
    max_std_error: float = 0.0  # of the chance that renting wins: where met, no more are drawn
    seed: int
    taxes: Taxes = NO_TAXES
    loan: Loan | None = None

    def books(self, rig: Rig, paths: Paths) -> Ledger:
        """Keep the books of a rig along paths, all else as the question has it."""
        return rent(
            rig,
            self.venue,
            paths,
            capital_usd=self.capital_usd,
            token_price_usd=self.token_price_usd,
            policy=self.policy,
            cash_yield_per_year=self.cash_yield_per_year,
            taxes=self.taxes,
            loan=self.loan,
        )


@dataclass(frozen=True, kw_only=True)
class Futures:
    """What the simulated months made of every alternative."""

    comparison: Comparison
    net_usd: Array  # (n_months, n_kept), of the rig a month
    lines: Mapping[str, Line]  # the rig's wealth at the horizon against one input, by input
    block_weeks: float | None


@dataclass(frozen=True, kw_only=True)
class _Block:
    part: Part
    net_usd: Array
    lines: Mapping[str, Line]


def fit(question: Question, drift: Drift | None = None) -> Resampler:
    """Return the usual law of prices: joint weeks resampled in blocks.

    Raises
    ------
    InsufficientDataError : if a price history is too short to draw from
    """
    return fit_resampler(
        question.history.returns,
        n_months=question.n_months,
        drift=drift or question.drift,
        risk_free_per_year=question.cash_yield_per_year,
    )


def live(question: Question, dynamics: Dynamics, *, workers: int = 1) -> Futures:
    """Live every alternative through as many paths as the question asks for, or its error needs.

    The result is the same for any number of workers: blocks are counted in their order.
    """
    q = question
    n_blocks = -(-q.n_paths // BLOCK_OF_PATHS)

    def one(block: int) -> _Block:
        start = block * BLOCK_OF_PATHS
        size, kept = min(BLOCK_OF_PATHS, q.n_paths - start), max(KEPT_PATHS - start, 0)
        paths = draw(q, dynamics, block).first(size)
        return _live(q, paths, min(kept, size))

    done: list[_Block] = []
    for each in _in_order(one, n_blocks, workers):
        done.append(each)
        if q.max_std_error and _precise(q, [block.part for block in done]):
            break
    first = [block for block in done if block.lines]
    return Futures(
        comparison=combine([block.part for block in done]),
        net_usd=np.concatenate([block.net_usd for block in first], axis=1),
        lines={
            name: line.joined([block.lines[name] for block in first])
            for name, line in first[0].lines.items()
        },
        block_weeks=dynamics.block_weeks,
    )


def draw(question: Question, dynamics: Dynamics, block: int) -> Paths:
    """Draw one block of paths, with the growth of the token that the question adds."""
    q = question
    paths = draw_block(dynamics, q.processes, q.n_months, q.seed, block)
    return grown(paths, q.token_growth_per_year)


def grown(paths: Paths, per_year: float | Array) -> Paths:
    """Return the paths with a token that grows by so much more a year."""
    if paths.token is None or not np.any(per_year):
        return paths
    months = np.arange(paths.n_months + 1)[:, None] / 12
    return replace(paths, token=paths.token * (1 + per_year) ** months)


def hold_wealth(question: Question, paths: Paths) -> Array:
    """Return the wealth of a dollar in the token, or in T-bills where there is none."""
    if paths.token is None:
        return hold_cash(question.n_months, yield_per_year=question.cash_yield_per_year)
    return hold(paths.token, trade_cost=question.trade_cost)


def alternatives(question: Question, paths: Paths, operation: Operation) -> dict[str, Wealth]:
    """Return the wealth of every alternative, per dollar put in.

    Parameters
    ----------
    operation : of the rig along `paths`, under the question's own policy
    """
    return dict(_each_alternative(question, paths, operation, held=True))


def _each_alternative(
    q: Question, paths: Paths, operation: Operation, *, held: bool
) -> Iterator[tuple[str, Wealth]]:
    """Yield one alternative after the other: all at once are as large as everything else.

    Parameters
    ----------
    held : whether wealth before any cost of selling is asked for too; else it is that after it
    """

    def bought(growth: Array) -> Wealth:
        sold = hold(growth, trade_cost=q.trade_cost)
        return Wealth(liquidated=sold, held=sold / (1 - q.trade_cost) if held else sold)

    if paths.token is not None:
        yield "hold", bought(paths.token)
        if q.staking_yield_per_year:
            tokens = staked(q.n_months, yield_per_year=q.staking_yield_per_year, commission=0.0)
            yield "hold-staked", bought(paths.token * tokens)
    if paths.basket is not None:
        yield "basket", bought(paths.basket)
    for name, policy in policies(q).items():
        ran = operation
        if policy.switch_off != q.policy.switch_off:
            ran = operate(q.rig, q.venue, paths, token_price_usd=q.token_price_usd, policy=policy)
        ledger = _settle(q, ran, policy)
        liquidated = ledger.wealth_usd
        liquidated /= q.capital_usd
        kept = ledger.held_usd / q.capital_usd if held else liquidated
        yield name, Wealth(liquidated=liquidated, held=kept)
    if paths.market is not None:
        yield "btc", bought(paths.market)
    cash = hold_cash(q.n_months, yield_per_year=q.cash_yield_per_year)
    yield "t-bill", Wealth(liquidated=cash, held=cash)


def policies(question: Question) -> dict[str, Policy]:
    """Return the ways to rent that are compared: the question's own first."""
    q = question
    ways = {"rent": q.policy}
    if q.venue.pays_tokens and q.token_price_usd is not None:
        ways["rent-half"] = replace(q.policy, sell_share=0.5, staking_yield_per_year=0.0)
        ways["rent-hold"] = replace(q.policy, sell_share=0.0, staking_yield_per_year=0.0)
        if q.staking_yield_per_year:
            ways["rent-stake"] = replace(
                q.policy,
                sell_share=0.0,
                staking_yield_per_year=(1 + q.staking_yield_per_year / 365) ** 365 - 1,
            )
    ways["rent-options"] = replace(q.policy, switch_off=True, sell_rig=True)
    return {name: way for name, way in ways.items() if name == "rent" or way != q.policy}


def _live(q: Question, paths: Paths, kept: int) -> _Block:
    operation = operate(q.rig, q.venue, paths, token_price_usd=q.token_price_usd, policy=q.policy)
    part = reduce(
        _each_alternative(q, paths, operation, held=kept > 0),
        n_paths=paths.n_paths,
        kept=kept,
        every_month=FANNED,
        cash_yield_per_year=q.cash_yield_per_year,
    )
    if not kept:
        return _Block(part=part, net_usd=np.empty((q.n_months, 0)), lines={})
    lines = rental_lines(
        q.books,
        q.rig,
        paths.first(kept),
        capital_usd=q.capital_usd,
        utilization=float(np.mean(q.processes.utilization_mean)),
        rate_usd_per_hour=float(np.mean(q.processes.rate_usd_per_hour)),
    )
    net = np.broadcast_to(operation.net_usd, (q.n_months, paths.n_paths))[:, :kept]
    return _Block(part=part, net_usd=net.astype(np.float32), lines=lines)


def _settle(q: Question, operation: Operation, policy: Policy) -> Ledger:
    return settle(
        operation,
        capital_usd=q.capital_usd,
        policy=policy,
        cash_yield_per_year=q.cash_yield_per_year,
        taxes=q.taxes,
        loan=q.loan,
    )


def _precise(q: Question, parts: list[Part]) -> bool:
    """Say whether enough paths were drawn for the chance that renting wins."""
    if sum(part.n_paths for part in parts) < MIN_PATHS:
        return False
    names = list(parts[0].terminal)
    against = names.index("hold" if "hold" in names else "t-bill")
    n_paths = sum(part.n_paths for part in parts)
    share = sum(part.wins[-1, names.index("rent"), against] for part in parts) / n_paths
    return bool(np.sqrt(share * (1 - share) / n_paths) < q.max_std_error)


def _in_order(one: Any, n_blocks: int, workers: int) -> Iterator[_Block]:
    """Yield the blocks in their order, a few at a time side by side."""
    if workers == 1:
        yield from map(one, range(n_blocks))
        return
    blocks = iter(range(n_blocks))
    with ThreadPoolExecutor(workers) as pool:  # NumPy lets others work while it does
        while wave := list(islice(blocks, workers)):
            yield from pool.map(one, wave)
