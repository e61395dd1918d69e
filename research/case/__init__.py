"""One investor's question, put together from parameters, catalogue and store.

Everything that the models need is looked up here, once, and each figure keeps where it came from;
what had to be assumed, pooled or left out becomes a sentence in `Case.notes`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass

import pandas as pd

import research.load as load
from research import catalogue
from research.case.inputs import Assumed, Inputs, Run
from research.case.terms import find_capital, find_processes, find_rig, find_venue
from research.catalogue import Gpu, Network
from research.models.bootstrap import MIN_WEEKS, History, latest_regime, weekly_log_returns
from research.models.decision import Question
from research.models.rental import capital_needed_usd
from research.models.returns import Risk, risk

MARKET = "btc"  # the factor that is drawn together with the token, and an alternative of its own
FRESH_DAYS = 3  # an older price is pointed out
MIN_DEMAND_SHARE = 0.8  # of the weeks with prices: less, and demand would cost too many of them


@dataclass(frozen=True, kw_only=True)
class Case:
    """The question with all its inputs, and where each came from."""

    network: Network
    gpu: Gpu
    question: Question
    prices: pd.DataFrame  # (n_days, n_subjects), closes in USD: token and market, what there is
    provenance: tuple[load.Provenance, ...]
    assumptions: tuple[Assumed, ...]
    notes: tuple[str, ...]  # what a reader must know before she believes the figures

    @property
    def simulated(self) -> bool:
        """Whether anything that went in was made up on purpose."""
        return any(each.kind == "simulated" for each in self.provenance)

    @property
    def last_day(self) -> dt.date | None:
        """The last day of the token's prices, or of the market's where there is no token."""
        return None if self.prices.empty else self.prices.iloc[:, 0].dropna().index[-1].date()

    @property
    def source(self) -> str:
        """What the figures were made from, in one line."""
        if not self.provenance:
            return "catalogue figures and assumptions only"
        sources = dict.fromkeys(each.source for each in self.provenance)
        return f"{', '.join(sources)}; prices to {self.last_day}; own model"

    def assumption_table(self) -> pd.DataFrame:
        """Return one row a figure that went in."""
        return pd.DataFrame([asdict(each) for each in self.assumptions])

    def provenance_table(self) -> pd.DataFrame:
        """Return one row a series that went in, with what its source wants said."""
        upstreams = catalogue.load().sources
        rows = [
            asdict(each)
            | {"attribution": x.attribution if (x := upstreams.get(each.source)) else ""}
            for each in self.provenance
        ]
        return pd.DataFrame(rows)


def risks(case: Case, *, seed: int) -> tuple[Risk, ...]:
    """Return the record of the token and of the market, as far as there are prices."""
    symbols = {case.network.id: case.network.symbol, MARKET: MARKET.upper()}
    return tuple(
        risk(
            case.prices[subject].rename(symbols[str(subject)]),
            rf_annual=case.question.cash_yield_per_year,
            seed=seed,
        )
        for subject in case.prices
    )


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
    trade_cost = inputs.assumption("token_fee") + inputs.assumption("token_half_spread")
    question = Question(
        network=network.name,
        token=network.symbol if token_price is not None else None,
        gpu=gpu.name,
        rig=rig,
        venue=venue,
        processes=processes,
        history=_history(inputs, network, prices),
        capital_usd=find_capital(inputs, needed),
        token_price_usd=token_price,
        sell_share=run.sell_share,
        trade_cost=trade_cost,
        cash_yield_per_year=inputs.assumption("t_bill_yield"),
        discount_rate_per_year=inputs.assumption("discount_rate"),
        n_months=run.horizon_months,
        drift=run.drift,
        n_paths=run.paths,
        seed=run.seed,
    )
    return Case(
        network=network,
        gpu=gpu,
        question=question,
        prices=prices,
        provenance=tuple(inputs.provenance),
        assumptions=tuple(inputs.assumed),
        notes=tuple(inputs.notes),
    )


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
        inputs.notes.append(f"The newest price is of {last}, {age} days before this report.")


def _history(inputs: Inputs, network: Network, prices: pd.DataFrame) -> History:
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
                f"{n_weeks} weeks."
            )
    regimes = inputs.known.regime_dates(network.id) if "token" in joint else ()
    history = latest_regime(weekly_log_returns(joint), regimes)
    if history.pooled:
        days = " and ".join(day.isoformat() for day in history.pooled)
        inputs.notes.append(
            f"The rules of {network.name} changed on {days}; too few weeks have passed since, so "
            f"weeks from before are drawn as well."
        )
    return history
