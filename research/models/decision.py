"""Hold the token, rent a rig out, or neither: one question, one set of paths, one answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research.errors import InfeasibleError
from research.models.appraisal import Appraisal, appraise
from research.models.comparison import Comparison, Probability
from research.models.flips import Flip, bent_flips, flips
from research.models.futures import Futures, Question, draw, fit, live
from research.models.rental import Ledger
from research.models.rig import capital_needed_usd
from research.models.scenarios import expected

Choice = Literal["hold", "rent", "neither"]
Array = NDArray[Any]

CHIEF = ("hold", "rent", "basket", "btc", "t-bill")  # one alternative for each use of the money
NET_LEVELS = (0.05, 0.50, 0.95)


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
        beside = self.rent_beats_hold
        return choose(
            rent_beats_cash=self.beats_cash("rent").value,
            hold_beats_cash=0.0 if beside is None else self.beats_cash("hold").value,
            rent_beats_hold=1.0 if beside is None else beside.value,
        )

    @property
    def chief_terminals(self) -> dict[str, Array]:
        """Wealth at the horizon, (n_kept,), of one alternative for each use of the money."""
        outcomes = self.comparison.outcomes
        return {name: outcomes[name].terminal for name in CHIEF if name in outcomes}

    def beats_cash(self, name: str) -> Probability:
        """Return how often an alternative ends ahead of T-bills."""
        return self.comparison.beats(name, "t-bill")

    @property
    def rent_beats_hold(self) -> Probability | None:
        """How often renting ends ahead of holding on the same path; None without a token."""
        if "hold" not in self.comparison.outcomes:
            return None
        return self.comparison.beats("rent", "hold")


def choose(*, rent_beats_cash: float, hold_beats_cash: float, rent_beats_hold: float) -> Choice:
    """Return what ends ahead of T-bills in most futures, and ahead of the other if both do.

    Parameters
    ----------
    rent_beats_cash, hold_beats_cash, rent_beats_hold : shares of futures
    """
    if rent_beats_cash > 0.5 and hold_beats_cash > 0.5:
        return "rent" if rent_beats_hold > 0.5 else "hold"
    if rent_beats_cash > 0.5:
        return "rent"
    return "hold" if hold_beats_cash > 0.5 else "neither"


def decide(question: Question, *, workers: int = 1) -> Decision:
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
    if q.capital_usd + borrowed_usd(q) < needed:
        raise InfeasibleError(
            f"{q.capital_usd:,.0f} USD does not buy the rig and its collateral, which cost "
            f"{needed:,.0f} USD"
        )
    futures = live(q, fit(q), workers=workers)
    outcomes = futures.comparison.outcomes
    targets = {name: outcomes[name].terminal for name in ("hold", "t-bill") if name in outcomes}
    return Decision(
        question=q,
        comparison=futures.comparison,
        appraisal=appraise(
            q.rig,
            q.venue,
            q.processes,
            n_months=q.n_months,
            token_price_usd=q.token_price_usd,
            discount_rate_per_year=q.discount_rate_per_year,
        ),
        flips=tuple(_flips(q, futures, targets)),
        months=_months(q.books(q.rig, expected(q.processes, n_months=q.n_months)), futures.net_usd),
        block_weeks=futures.block_weeks,
    )


def _flips(q: Question, futures: Futures, targets: dict[str, Array]) -> list[Flip]:
    """Return what flips the answer: off straight lines where wealth is one, else by new books."""
    if not (q.policy.switch_off or q.policy.sell_rig or q.taxes.income or q.taxes.gains):
        return flips(futures.lines, targets)
    paths = draw(q, fit(q), 0).first(q.n_paths)
    return bent_flips(
        q.books,
        q.rig,
        paths,
        {name: target[: paths.n_paths] for name, target in targets.items()},
        capital_usd=q.capital_usd,
        utilization=float(np.mean(q.processes.utilization_mean)),
        rate_usd_per_hour=float(np.mean(q.processes.rate_usd_per_hour)),
    )


def borrowed_usd(question: Question) -> float:
    """Return what a loan, if there is one, adds to the capital on the first day."""
    loan = question.loan
    return 0.0 if loan is None else loan.share_of_cost * question.rig.cost_usd


def _months(as_expected: Ledger, net_usd: Array) -> pd.DataFrame:
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
    quantiles = np.quantile(net_usd, NET_LEVELS, axis=1)
    simulated_net = {
        f"net_q{100 * level:02.0f}_usd": quantile
        for level, quantile in zip(NET_LEVELS, quantiles, strict=True)
    }
    index = pd.RangeIndex(1, len(as_expected.gross_usd) + 1, name="month")
    return pd.DataFrame(flows | simulated_net, index=index)
