"""The terms of holding: what a trade costs at the position's size, staking, and daily returns."""

from __future__ import annotations

import numpy as np
import pandas as pd

import research.load as load
from research.case.inputs import Inputs
from research.catalogue import Network
from research.errors import InfeasibleError, InsufficientDataError
from research.models.bootstrap import History
from research.models.holding import StakingTerms
from research.models.liquidity import Liquidity, liquidity


def find_trade_cost(inputs: Inputs, position: Liquidity | None) -> float:
    """Return the cost of a trade: fee, half the spread and, where volumes are stored, impact."""
    fee, half_spread = inputs.assumption("token_fee"), inputs.assumption("token_half_spread")
    return fee + half_spread if position is None else position.trade_cost


def find_liquidity(
    inputs: Inputs, network: Network, prices: pd.DataFrame, position_usd: float
) -> Liquidity | None:
    """Return how liquid the position is, or None where too few volumes are stored, and say so."""
    if network.id not in prices:
        return None
    known = inputs.known.assumptions
    series = f"{network.id}.volume_usd"
    loaded = inputs.load(load.series, series)
    if loaded is None:
        inputs.notes.append(
            f"The store has no trading volume of {network.symbol}, so a trade is taken to cost its "
            "fee and half the spread whatever its size, and the days to sell are not known."
        )
        return None
    staking = network.staking
    try:
        return liquidity(
            prices[network.id].rename(network.symbol),
            loaded.frame[series].rename(network.symbol),
            position_usd=position_usd,
            fee=known["token_fee"].figure.value,
            half_spread=known["token_half_spread"].figure.value,
            unbonding_days=0 if staking is None else staking.unbonding_days.value,
            impact=known["impact_coefficient"].figure.value,
        )
    except (InsufficientDataError, InfeasibleError) as error:
        inputs.notes.append(f"What trading {network.symbol} costs is not known: {error}.")
        return None


def other_tokens(inputs: Inputs, network: Network) -> pd.DataFrame:
    """Return closes of the other subjects' tokens, (n_days, n_tokens), as far as stored."""
    subjects = [each.id for each in inputs.known.networks.values() if each.role == "subject"]
    columns = {
        other: loaded.frame[other]
        for other in subjects
        if other != network.id and (loaded := inputs.load(load.prices, other)) is not None
    }
    return pd.DataFrame(columns)


def basket_returns(inputs: Inputs, tokens: pd.DataFrame) -> pd.Series[float]:
    """Return weekly log returns of a basket: equal parts of every token given, set anew weekly.

    A week counts the tokens that have a price on its Sunday and on the one before. The result is
    empty where there are fewer than two tokens.
    """
    if tokens.shape[1] < 2:
        return pd.Series(dtype=float)
    daily = tokens.asfreq("D")
    sundays = daily[pd.DatetimeIndex(daily.index).day_of_week == 6]
    names = [inputs.known.networks[str(subject)].symbol for subject in tokens]
    inputs.notes.append(
        f"The basket holds {', '.join(names[:-1])} and {names[-1]} in equal parts, as far as each "
        "was traded in a week; they are the networks of today's catalogue, chosen knowing that "
        "they are still here."
    )
    growth = (sundays / sundays.shift()).mean(axis=1)
    return pd.Series(np.log(growth), name="basket")


def find_staking(inputs: Inputs, network: Network) -> StakingTerms | None:
    """Return what staking the token pays and asks, None where nothing is known of it."""
    if (terms := network.staking) is None:
        return None
    inflation = terms.inflation_per_year
    return StakingTerms(
        symbol=network.symbol,
        yield_per_year=inputs.figure("Staking yield", "fraction per year", terms.yield_per_year),
        commission=inputs.figure("Commission of a validator", "fraction", terms.commission),
        inflation_per_year=None
        if inflation is None
        else inputs.figure("Growth of the token's supply", "fraction per year", inflation),
        unbonding_days=inputs.figure("Days to unstake", "days", terms.unbonding_days),
    )


def daily_returns(prices: pd.DataFrame, token: str, market: str, history: History) -> pd.DataFrame:
    """Return joint daily log returns of token and market over the days of the weeks used.

    A day counts only if every column has a price on it and on the day before.
    """
    if history.returns.empty:
        return pd.DataFrame()
    index = pd.DatetimeIndex(history.returns.index)
    names = {
        name: label for name, label in ((token, "token"), (market, "market")) if name in prices
    }
    first = index[0] - pd.Timedelta(days=7)
    used = prices[list(names)].rename(columns=names).loc[first : index[-1]]
    return used.asfreq("D").apply(np.log).diff().dropna()
