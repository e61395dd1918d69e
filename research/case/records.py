"""What holding has done so far: the record of the token, of its peers and of the market."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from research import catalogue
from research.case import MARKET, Case
from research.errors import InfeasibleError, InsufficientDataError
from research.models.drawdowns import Drawdowns, drawdowns
from research.models.returns import Risk, risk, simple_returns
from research.models.sharpe import (
    DeflatedSharpe,
    ProbabilisticSharpe,
    deflated_sharpe,
    probabilistic_sharpe,
)
from research.models.tails import Tail, tail

TAIL_RESAMPLES = 100  # each is a fit of its own, four tokens of them a third of a report's time


@dataclass(frozen=True, kw_only=True)
class Record:
    """The past of each token for which there are enough prices, the question's own first."""

    risks: tuple[Risk, ...]
    drawdowns: tuple[Drawdowns, ...]
    probabilistic: tuple[ProbabilisticSharpe, ...]
    deflated: tuple[DeflatedSharpe, ...]  # empty where fewer than two could have been chosen from
    tails: tuple[Tail, ...]
    refused: Mapping[str, str]  # by symbol, why no law of the far tail may be used


def record(case: Case, *, seed: int) -> Record:
    """Return the record of the token, the other subjects' tokens and the market.

    The deflated Sharpe ratio asks how good the best of these tokens would look by luck alone: who
    picks a network by its past has picked from them.
    """
    closes = _closes(case)
    rf = case.question.cash_yield_per_year
    risks = [risk(each, rf_annual=rf, seed=seed) for each in closes]
    returns = [simple_returns(each) for each in closes]
    known = [(each, found) for each, found in zip(returns, risks, strict=True) if found.sharpe]
    trials = [found.sharpe for _, found in known if found.sharpe and found.name != MARKET.upper()]
    tails, refused = [], {}
    for each in returns:
        try:
            tails.append(tail(each, replications=TAIL_RESAMPLES, seed=seed))
        except (InsufficientDataError, InfeasibleError) as error:
            refused[str(each.name)] = str(error)
    return Record(
        risks=tuple(risks),
        drawdowns=tuple(drawdowns(each) for each in closes),
        probabilistic=tuple(probabilistic_sharpe(each, rf_annual=rf) for each, _ in known),
        deflated=tuple(
            deflated_sharpe(each, trial_sharpes=trials, rf_annual=rf)
            for each, found in known
            if len(trials) > 1 and found.name != MARKET.upper()
        ),
        tails=tuple(tails),
        refused=refused,
    )


def _closes(case: Case) -> list[pd.Series[float]]:
    """Return the closes there are, named by symbol."""
    own, others = case.network.id, case.others
    frames = [case.prices[[own]]] if own in case.prices else []
    frames += [others[[name]] for name in others]
    frames += [case.prices[[MARKET]]] if MARKET in case.prices else []
    return [frame.iloc[:, 0].dropna().rename(_symbol(str(frame.columns[0]))) for frame in frames]


def _symbol(subject: str) -> str:
    network = catalogue.load().networks.get(subject)
    return subject.upper() if network is None else network.symbol
