"""The holding side in tables and one picture: trading, doubts, falls and the far tail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from research.counting import counted
from research.figures.market import share, show_sentences
from research.figures.theme import Markup, finish, table
from research.figures.words import percent
from research.models.drawdowns import Drawdowns
from research.models.holding import StakingTerms
from research.models.liquidity import Liquidity
from research.models.sharpe import DeflatedSharpe, ProbabilisticSharpe
from research.models.tails import Tail
from research.origin import Origin

POINTS = 400  # of a line: more are not seen and weigh a report down
DASHES = ("solid", "dash", "dot")  # after each run through the colours


def show_liquidity(results: Sequence[Liquidity], *, origin: Origin) -> Markup:
    """Return what a trade costs and how long an exit takes, one column a token."""
    frame = pd.DataFrame({result.name: result.summary() for result in results})
    if not any(result.unbonding_days for result in results):
        frame = frame.drop(index="Days until unstaked")
    return table(
        frame,
        caption="What one trade costs and how long selling takes at a tenth of the volume. Volume "
        "is the median of the last 30 days known, volatility that of the last 30 days; the price "
        "moved by the order is the square-root law's, which holds for orders that are small beside "
        "the volume",
        origin=origin,
    )


def show_sharpe_doubts(
    probabilistic: Sequence[ProbabilisticSharpe],
    deflated: Sequence[DeflatedSharpe] = (),
    *,
    origin: Origin,
) -> Markup:
    """Return how far each Sharpe ratio can be believed, one column a token.

    Parameters
    ----------
    probabilistic : one a token, all against the same benchmark
    deflated : of the tokens that were chosen as the best of several
    origin : where the returns come from
    """
    chosen = {result.name: result.summary() for result in deflated}
    columns = {
        result.name: result.summary().combine_first(chosen.get(result.name, pd.Series(dtype=str)))
        for result in probabilistic
    }
    order = [*probabilistic[0].summary().index]
    order += [line for result in deflated[:1] for line in result.summary().index]
    lines = [line for line in dict.fromkeys(order) if line != "Assumed"]
    return table(
        pd.DataFrame(columns).reindex(lines),
        caption="How far the Sharpe ratio can be believed, if each return is independent of those "
        "before it; where returns or their volatility follow each other, the doubt is larger. "
        "Skew is 0 and kurtosis 3 for the normal law",
        origin=origin,
    )


def show_drawdowns(results: Sequence[Drawdowns], *, origin: Origin) -> Markup:
    """Return the deepest falls of each token, and where it stands now."""
    falls = [
        result.summary().assign(Token=result.name).set_index("Token")
        for result in results
        if result.episodes
    ]
    said = show_sentences(*(_standing(result) for result in results))
    if not falls:
        return said
    shown = table(
        pd.concat(falls),
        caption="The deepest falls, from the last day at a high to the first day back at it; they "
        "do not overlap",
        origin=origin,
    )
    return Markup(shown.html + said.html)


def _standing(result: Drawdowns) -> str:
    if not result.n_episodes:
        return (
            f"{result.name}: never closed below an earlier price in {counted(result.nobs, 'day')}."
        )
    now = "at its high" if result.now == 0 else f"{share(-result.now)} below its high"
    return (
        f"{result.name}: {counted(result.n_episodes, 'fall')} in {counted(result.nobs, 'day')}, "
        f"below an earlier high on {percent(result.under_water)} of them; on the last day {now}."
    )


def show_tail(tails: Sequence[Tail], refused: Mapping[str, str], *, origin: Origin) -> Markup:
    """Return the far tail of each token's losses, and why it is not told of the others.

    Parameters
    ----------
    tails : one a token to whose losses a law could be fitted, all at the same level
    refused : by token, the sentence of the error that says why none could be
    origin : where the returns come from
    """
    said = [
        f"{name}: extreme value theory may not be used here. {reason[:1].upper()}{reason[1:]}."
        for name, reason in refused.items()
    ]
    reasons = show_sentences(*said) if said else Markup("")
    if not tails:
        return reasons
    shown = table(
        pd.DataFrame({tail.name: tail.summary().drop("Intervals") for tail in tails}),
        caption="The far tail of one day's return by extreme value theory, 95 % intervals in "
        "brackets. A shape of 0 is an exponential tail, larger is heavier",
        origin=origin,
    )
    return Markup(shown.html + reasons.html)


def plot_drawdowns(results: Sequence[Drawdowns], *, origin: Origin) -> go.Figure | Markup:
    """Distance of each token below its highest close so far, by day."""
    if not results:
        return show_sentences("No token has a price here, so no fall can be shown.")
    figure = go.Figure()
    for number, result in enumerate(results):
        shown = _thinned(100 * result.losses)
        figure.add_scatter(
            x=shown.index,
            y=np.round(shown, 1),
            name=result.name,
            line={"width": 1.8, "dash": DASHES[number // 6 % len(DASHES)]},
            mode="lines",
            hovertemplate="%{y:.0f} %",
        )
    figure.update_layout(
        xaxis_title="Day (UTC)",
        yaxis={"title": "Below the highest close so far (%)", "range": [-101, 1]},
        height=430,
        showlegend=True,
    )
    said = "; ".join(
        f"{result.name} fell by up to {share(-float(result.losses.min()))} and stands "
        f"{share(-result.now)} below on {result.losses.index[-1]:%Y-%m-%d}"
        for result in results
    )
    return finish(
        figure,
        origin=origin,
        alt=f"Distance below the highest close so far: {said}.",
    )


def _thinned(losses: pd.Series[float]) -> pd.Series[float]:
    """Return at most 400 of the points: of each stretch of days the deepest and the shallowest."""
    if len(losses) <= POINTS:
        return losses
    stretch = np.arange(len(losses)) * (POINTS // 2 - 1) // len(losses)
    by_stretch = losses.reset_index(drop=True).groupby(stretch)
    kept = {0, len(losses) - 1, *by_stretch.idxmin(), *by_stretch.idxmax()}
    return losses.iloc[sorted(kept)]


def show_position(
    liquidity: Liquidity | None, staking: StakingTerms | None, *, origin: Origin
) -> Markup:
    """Return what selling the position takes and what staking it pays, as far as known."""
    shown = "" if liquidity is None else show_liquidity([liquidity], origin=origin).html
    if staking is None:
        return Markup(shown)
    real = staking.real_yield_per_year
    rows = {
        "Yield a year, in tokens": _percent(staking.yield_per_year),
        "Validator's commission, of the yield": _percent(staking.commission),
        "Left for the staker": _percent(staking.net_yield_per_year),
        "Growth of the supply a year": "not known"
        if staking.inflation_per_year is None
        else _percent(staking.inflation_per_year),
        "Growth of a staker's share of the supply": "not known" if real is None else _percent(real),
        "Days until staked tokens can be sold": f"{staking.unbonding_days:.0f}",
    }
    terms = table(
        pd.DataFrame({staking.symbol: rows}),
        caption=f"Staking {staking.symbol}. The growth of a share of the supply says how a staker "
        "fares against who does not stake; a price in USD holds the new tokens already, so it is "
        "added to no return",
        origin=origin,
    )
    return Markup(shown + terms.html)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
