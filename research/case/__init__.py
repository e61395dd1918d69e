"""One investor's question, put together from parameters, catalogue and store.

Everything that the models need is looked up here, once, and each figure keeps where it came from;
what had to be assumed, pooled or left out becomes a sentence in `Case.notes`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace

import pandas as pd

import research.load as load
from research import catalogue
from research.case.holding import (
    basket_returns,
    daily_returns,
    find_liquidity,
    find_staking,
    find_trade_cost,
    other_tokens,
)
from research.case.inputs import Grounds, Inputs, Run
from research.case.offers import find_offers, unpriced
from research.case.stresses import find_stresses
from research.case.terms import find_capital, find_processes, find_rig, power_caps
from research.case.venue import find_venue
from research.catalogue import Gpu, Network
from research.catalogue import Risk as CatalogueRisk
from research.catalogue import Stress as Scenario
from research.counting import counted
from research.models.bootstrap import MIN_WEEKS, History, latest_regime, weekly_log_returns
from research.models.futures import Question
from research.models.graded import Known
from research.models.holding import StakingTerms
from research.models.liquidity import Liquidity
from research.models.rig import Policy, capital_needed_usd
from research.models.sensitivity import Uncertain
from research.models.stresses import Stress
from research.models.venues import Offer

MARKET = "btc"  # the factor that is drawn together with the token, and an alternative of its own
FRESH_DAYS = 3  # an older price is pointed out
MAX_STD_ERROR = 0.005  # of the chance that renting wins: where met, no more futures are drawn
MIN_DEMAND_SHARE = 0.8  # of the weeks with prices: less, and demand would cost too many of them


@dataclass(frozen=True, kw_only=True)
class Case(Grounds):
    """The question with all its inputs, and where each came from."""

    network: Network
    gpu: Gpu
    question: Question
    prices: pd.DataFrame  # (n_days, n_subjects), closes in USD: token and market, what there is
    others: pd.DataFrame  # (n_days, n_tokens), closes of the other subjects' tokens
    uncertain: tuple[Uncertain, ...]  # figures whose doubt is weighed, by what they move
    known: Known  # what no simulation tells, for the risk grades
    facts: tuple[CatalogueRisk, ...]  # of the contract with the network, counted on that day
    staking: StakingTerms | None
    liquidity: Liquidity | None  # of the position; None where no volumes are stored
    stresses: tuple[Stress, ...]
    partner: Question | None  # of another card in the same rig, where one is asked for
    offers: tuple[Offer, ...]  # the same card here and elsewhere
    full_load_w: float  # of a card under rent without a power cap
    unpriced: tuple[str, ...]  # places at which no rate of the card is known
    power_caps: Mapping[float, float]  # share of full speed by share of the board power
    tariff_range_usd_per_kwh: tuple[float, float]  # lowest and highest place of the catalogue
    notes: tuple[str, ...]  # what a reader must know before she believes the figures

    @property
    def last_day(self) -> dt.date | None:
        """The last day of the token's prices, or of the market's where there is no token."""
        return None if self.prices.empty else self.prices.iloc[:, 0].dropna().index[-1].date()

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        """What each stress stands for, in words, and who says so."""
        return tuple(catalogue.load().stresses.values())


def build(run: Run) -> Case:
    """Put the question together.

    Raises
    ------
    NoDataError : if the network has a token and the store has no price of it
    InfeasibleError : if a figure that is needed is known nowhere, or the capital is too small
    """
    known = catalogue.load()
    inputs = Inputs(run, known)
    network, gpu = known.networks[run.network], known.gpus[run.gpu]
    prices = _prices(inputs, network)
    token_price = float(prices[network.id].dropna().iloc[-1]) if network.id in prices else None
    _say_if_old(inputs, prices)
    venue = find_venue(inputs, network, gpu, has_price=token_price is not None)
    rig = find_rig(inputs, gpu)
    processes = find_processes(inputs, network, gpu, venue)
    needed = capital_needed_usd(
        rig,
        venue,
        token_price_usd=token_price,
        working_cash_months=inputs.assumption("working_cash_months"),
    )
    capital = find_capital(inputs, needed)
    others = other_tokens(inputs, network)
    history = _history(inputs, network, prices, others)
    position = find_liquidity(inputs, network, prices, capital)
    staking = None if token_price is None else find_staking(inputs, network)
    question = Question(
        network=network.name,
        token=network.symbol if token_price is not None else None,
        gpu=gpu.name,
        rig=rig,
        venue=venue,
        processes=processes,
        history=history,
        daily=daily_returns(prices, network.id, MARKET, history),
        capital_usd=capital,
        token_price_usd=token_price,
        policy=Policy(sell_share=run.sell_share),
        staking_yield_per_year=0.0 if staking is None else staking.net_yield_per_year,
        trade_cost=find_trade_cost(inputs, position),
        cash_yield_per_year=inputs.assumption("t_bill_yield"),
        discount_rate_per_year=inputs.assumption("discount_rate"),
        token_growth_per_year=run.token_growth_per_year,
        n_months=run.horizon_months,
        drift=run.drift,
        n_paths=run.paths,
        max_std_error=MAX_STD_ERROR,
        seed=run.seed,
    )
    facts = known.counted_risks(network.id, day_of(run))
    tariffs = [each.usd_per_kwh.value for each in known.tariffs.values()]
    offers = find_offers(inputs, network, gpu, question)
    partner = _partner(inputs)
    return Case(
        network=network,
        gpu=gpu,
        question=question,
        prices=prices,
        others=others,
        uncertain=tuple(inputs.uncertain),
        known=Known(
            token_exit_days=None if position is None else position.days_to_cash,
            token_exit_cost=question.trade_cost,
            rig_exit_days=inputs.assumption("selling_days"),
            rig_exit_cost=rig.selling_cost,
            largest_share=None,  # no catalogue has it; a series of one's own may, some day
            contract_facts=catalogue.graded_kinds(facts),
        ),
        facts=facts,
        staking=staking,
        liquidity=position,
        stresses=find_stresses(inputs, network, venue),
        partner=partner,
        offers=offers,
        unpriced=unpriced(inputs, offers),
        full_load_w=gpu.tdp_w.value * known.assumptions["load_share_of_tdp"].figure.value,
        power_caps=power_caps(inputs, gpu),
        tariff_range_usd_per_kwh=(min(tariffs), max(tariffs)),
        provenance=tuple(inputs.provenance),
        doubts=tuple(inputs.doubts),
        assumptions=tuple(inputs.assumed),
        notes=tuple(inputs.notes),
    )


def _partner(inputs: Inputs) -> Question | None:
    """Return the question of the card that is to share the rig, its own figures remembered."""
    run = inputs.run
    if run.with_gpu is None:
        return None
    own = {name: getattr(run, name) for name in Run.__annotations__}
    other = {"gpu": run.with_gpu, "gpu_count": run.with_gpu_count, "with_gpu": None}
    usual = {"gpu_usd": None, "capital_usd": None, "rate_usd_per_hour": None}  # those of the first
    made = build(SimpleNamespace(**own | other | usual))
    inputs.assumed.extend(each for each in made.assumptions if each not in inputs.assumed)
    inputs.provenance.extend(each for each in made.provenance if each not in inputs.provenance)
    inputs.doubts.extend(each for each in made.doubts if each not in inputs.doubts)
    return made.question


def day_of(run: Run) -> dt.date:
    """Return the day on which the question is asked: nothing published later is known."""
    if run.until is not None:
        return run.until
    return (run.as_of or dt.datetime.now(dt.UTC)).date()


def _prices(inputs: Inputs, network: Network) -> pd.DataFrame:
    """Return closes of the token and the market, as far as the store has them."""
    run, columns = inputs.run, {}
    if (market := inputs.load(load.prices, MARKET)) is not None:
        columns[MARKET] = market.frame[MARKET]
    else:
        inputs.notes.append("The store has no Bitcoin price, so Bitcoin is not compared.")
    if network.status == "no-public-data":
        if (token := inputs.load(load.prices, network.id)) is not None:
            columns[network.id] = token.frame[network.id]
        else:
            inputs.notes.append(
                f"No public data for {network.name} ({network.symbol}) could be found as of "
                f"{network.date}: no price and no use of the network. Holding the token cannot be "
                "judged; what is left is the hardware, rented out at the price of the open market. "
                "Import a file of your own and this report will use it."
            )
    else:
        token = load.prices([network.id], store=run.store, until=run.until, as_of=run.as_of)
        inputs.remember(token)
        columns[network.id] = token.frame[network.id]
    frame = pd.DataFrame(columns).sort_index()
    return frame[[name for name in (network.id, MARKET) if name in columns]]


def _say_if_old(inputs: Inputs, prices: pd.DataFrame) -> None:
    """Say the age of the newest price, unless the run asks for prices up to a day of its own."""
    run = inputs.run
    if (
        prices.empty
        or run.until is not None
        or any(x.kind == "simulated" for x in inputs.provenance)
    ):
        return
    last = prices.iloc[:, 0].dropna().index[-1].date()
    age = ((run.as_of or dt.datetime.now(dt.UTC)).date() - last).days
    if age > FRESH_DAYS:
        inputs.notes.append(
            f"The newest price is of {last}, {counted(age, 'day')} before this report."
        )


def _history(
    inputs: Inputs, network: Network, prices: pd.DataFrame, others: pd.DataFrame
) -> History:
    """Return the joint weeks that months are drawn from."""
    if prices.empty:
        return History(returns=pd.DataFrame())
    names = {network.id: "token", MARKET: "market"}
    joint = prices.rename(columns=names)
    demand = f"{network.id}.gpus_active"  # physical, a stock: its Sunday value is the week's
    if "token" in joint and (loaded := inputs.load(load.series, demand)) is not None:
        with_demand = joint.join(loaded.frame[demand].rename("demand"))
        n_weeks, n_joint = (len(weekly_log_returns(frame)) for frame in (joint, with_demand))
        if n_joint >= max(MIN_WEEKS, MIN_DEMAND_SHARE * n_weeks):
            joint = with_demand
        else:
            inputs.notes.append(
                f"Demand ({demand}) is not drawn with the price: it covers {n_joint} of "
                f"{counted(n_weeks, 'week')}."
            )
    regimes = inputs.known.regime_dates(network.id) if "token" in joint else ()
    weeks = weekly_log_returns(joint)
    if "token" in joint:
        basket = basket_returns(inputs, prices[[network.id]].join(others, how="outer"))
        weeks = weeks if basket.empty else weeks.join(basket).dropna()
    history = latest_regime(weeks, regimes)
    if history.pooled:
        days = " and ".join(day.isoformat() for day in history.pooled)
        inputs.notes.append(
            f"The rules of {network.name} changed on {days}; too few weeks have passed since, so "
            f"weeks from before are drawn as well."
        )
    return history
