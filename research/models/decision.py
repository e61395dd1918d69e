"""Hold the token, rent a rig out, or neither: one question, one set of paths, one answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research.errors import InfeasibleError
from research.models.appraisal import Appraisal, appraise
from research.models.bootstrap import Drift, History
from research.models.comparison import Comparison, Probability, compare
from research.models.flips import Flip, flip_token, flips
from research.models.holding import hold, hold_cash
from research.models.rental import Ledger, Rig, Venue, capital_needed_usd, rent
from research.models.scenarios import Paths, Processes, expected, simulate

Choice = Literal["hold", "rent", "neither"]
Array = NDArray[Any]

NET_LEVELS = (0.05, 0.50, 0.95)


@dataclass(frozen=True, kw_only=True)
class Question:
    """Everything that the answer depends on."""

    network: str  # name
    token: str | None  # symbol; None where there is no price
    gpu: str  # name
    rig: Rig
    venue: Venue
    processes: Processes
    history: History  # columns among token, market, demand; none where there is no price at all
    capital_usd: float  # put to work either way
    token_price_usd: float | None
    sell_share: float  # of token income, on receipt
    trade_cost: float  # fraction of a purchase or sale of tokens
    cash_yield_per_year: float  # T-bill
    discount_rate_per_year: float  # what the rig's cash flows must earn
    n_months: int
    drift: Drift
    n_paths: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The answer and what it rests on."""

    question: Question
    comparison: Comparison
    appraisal: Appraisal
    flips: tuple[Flip, ...]
    months: pd.DataFrame  # the expected path: a column a flow in USD; net_q05 .. net_q95 simulated
    block_weeks: float | None

    @property
    def choice(self) -> Choice:
        """What ends ahead of T-bills in most paths, and ahead of the other if both do."""
        worthwhile = [
            name
            for name in ("hold", "rent")
            if name in self.comparison.outcomes and self.beats_cash(name).value > 0.5
        ]
        if len(worthwhile) == 2:
            return "rent" if self.comparison.beats("rent", "hold").value > 0.5 else "hold"
        if worthwhile:
            return "rent" if worthwhile == ["rent"] else "hold"
        return "neither"

    def beats_cash(self, name: str) -> Probability:
        """Return how often an alternative ends ahead of T-bills."""
        return self.comparison.beats(name, "t-bill")

    @property
    def rent_beats_hold(self) -> Probability | None:
        """How often renting ends ahead of holding on the same path; None without a token."""
        if "hold" not in self.comparison.outcomes:
            return None
        return self.comparison.beats("rent", "hold")


def decide(question: Question) -> Decision:
    """Simulate once, live every alternative through the same paths, and weigh them.

    Raises
    ------
    InfeasibleError : if the capital does not buy the rig and the tokens that it must lock
    InsufficientDataError : if a price history is too short to draw from
    """
    q = question
    needed = capital_needed_usd(
        q.rig, q.venue, token_price_usd=q.token_price_usd, working_cash_months=0
    )
    if q.capital_usd < needed:
        raise InfeasibleError(
            f"{q.capital_usd:,.0f} USD does not buy the rig and its collateral, which cost "
            f"{needed:,.0f} USD"
        )
    paths = simulate(
        q.history.returns,
        q.processes,
        n_months=q.n_months,
        drift=q.drift,
        risk_free_per_year=q.cash_yield_per_year,
        n_paths=q.n_paths,
        seed=q.seed,
    )

    def books(rig: Rig, paths: Paths) -> Ledger:
        return rent(
            rig,
            q.venue,
            paths,
            capital_usd=q.capital_usd,
            token_price_usd=q.token_price_usd,
            sell_share=q.sell_share,
            cash_yield_per_year=q.cash_yield_per_year,
        )

    ledger = books(q.rig, paths)
    months = _months(books(q.rig, expected(q.processes, n_months=q.n_months)), ledger)
    comparison = compare(_alternatives(q, paths, ledger))
    del ledger  # as large as the paths; the flips keep books of their own
    targets = {
        name: comparison.outcomes[name].terminal
        for name in ("hold", "t-bill")
        if name in comparison.outcomes
    }
    found = flips(
        books,
        q.rig,
        paths,
        targets,
        capital_usd=q.capital_usd,
        utilization=q.processes.utilization_mean,
        rate_usd_per_hour=q.processes.rate_usd_per_hour,
    )
    if "hold" in targets:
        found.append(flip_token(books, q.rig, paths, targets["hold"], capital_usd=q.capital_usd))
    return Decision(
        question=q,
        comparison=comparison,
        appraisal=appraise(
            q.rig,
            q.venue,
            q.processes,
            n_months=q.n_months,
            token_price_usd=q.token_price_usd,
            discount_rate_per_year=q.discount_rate_per_year,
        ),
        flips=tuple(found),
        months=months,
        block_weeks=paths.block_weeks,
    )


def _alternatives(q: Question, paths: Paths, ledger: Ledger) -> dict[str, Array]:
    """Return the wealth of every alternative, per dollar put in."""
    wealth: dict[str, Array] = {}
    if paths.token is not None:
        wealth["hold"] = hold(paths.token, trade_cost=q.trade_cost)
    wealth["rent"] = ledger.wealth_usd / q.capital_usd
    if paths.market is not None:
        wealth["btc"] = hold(paths.market, trade_cost=q.trade_cost)
    wealth["t-bill"] = hold_cash(q.n_months, yield_per_year=q.cash_yield_per_year)
    return wealth


def _months(as_expected: Ledger, simulated: Ledger) -> pd.DataFrame:
    """Return the flows of the expected path, and where the simulated net income lies."""
    flows = {
        name: np.broadcast_to(getattr(as_expected, name)[:, 0], len(as_expected.gross_usd))
        for name in (
            "gross_usd",
            "fee_usd",
            "electricity_usd",
            "fixed_usd",
            "repairs_usd",
            "net_usd",
        )
    }
    quantiles = np.quantile(simulated.net_usd, NET_LEVELS, axis=1)
    simulated_net = {
        f"net_q{100 * level:02.0f}_usd": quantile
        for level, quantile in zip(NET_LEVELS, quantiles, strict=True)
    }
    index = pd.RangeIndex(1, len(as_expected.gross_usd) + 1, name="month")
    return pd.DataFrame(flows | simulated_net, index=index)
