"""All questions about one network's demand and price, in order, and what follows from them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np
import pandas as pd

from research.errors import InfeasibleError, InsufficientDataError
from research.models.demand._shown import Shown
from research.models.demand.association import Association, associate
from research.models.demand.causality import Granger, granger, toda_yamamoto
from research.models.demand.elasticity import Elasticity, fit_elasticity
from research.models.demand.events import EventStudy, event_study
from research.models.demand.fooled import COLUMNS, naive_lines
from research.models.demand.forecast import OutOfSample, predict
from research.models.demand.impulse import ImpulseResponse, impulse_response
from research.models.demand.innovations import (
    WEEKS_PER_FACTOR,
    hc3_slope,
    orthogonal,
    partial_out,
    pre_whiten,
    rank,
)
from research.models.demand.lead_lag import LeadLag, lead_lag
from research.models.demand.listed import lead_name, tests_of
from research.models.demand.long_run import LongRun, long_run
from research.models.demand.loop import Loop, reflexivity_loop
from research.models.demand.measure import guard
from research.models.demand.multiplicity import family
from research.models.demand.pairs import Pairs
from research.models.demand.power import minimum_detectable_effect
from research.models.demand.stability import Stability, constancy, stability
from research.models.demand.stationarity import Stationarity, order_of_integration
from research.models.demand.verdict import MIN_WEEKS, Evidence, Verdict, judge, judge_long_run

Found = TypeVar("Found")
DemandClass = Literal["A", "B", "C"]

MIN_REGIME = 10  # periods on each side of a regime break before it can be told from chance
COVERED = 0.9  # of the periods: a factor younger than that is left out, not the periods
MAX_LAG = 8  # periods of lead and lag
PRIMARY: Literal["co-movement"] = "co-movement"


class Happening(NamedTuple):
    """A day on which a network changed its rules or markets."""

    name: str  # what happened, in words
    kind: str
    date: dt.date
    regime: bool  # True: nothing is pooled across it silently


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Which link is asked about, declared before any data are seen."""

    network: str  # its name, as a reader knows it
    symbol: str
    measure: str
    measure_label: str
    demand_class: DemandClass
    events: tuple[Happening, ...] = ()
    flagged: str | None = None  # why a loader doubts the data


@dataclass(frozen=True, kw_only=True, eq=False)
class Analysis(Shown):
    """Everything found about one network's demand and price."""

    network: str
    symbol: str
    measure: str
    measure_label: str
    demand_class: DemandClass
    frequency: str
    verdicts: tuple[Verdict, ...]  # co-movement, prediction, long run
    first: dt.date  # of the sample that the verdicts rest on
    last: dt.date
    nobs: int
    lost_weeks: int  # periods between first and last that are not whole
    regimes: tuple[dt.date, ...]  # breaks inside the sample: pooled with a dummy each
    happenings: tuple[Happening, ...]
    factors: tuple[str, ...]  # taken out of both sides
    raw: Association | None
    partial: Association | None
    elasticity: Elasticity | None  # at the lag of the prediction verdict
    stationarity: tuple[Stationarity, ...]  # price, demand
    lead_lag: LeadLag | None
    granger: tuple[Granger, ...]
    long_run: LongRun | None
    impulse: ImpulseResponse | None
    stability: Stability | None
    forecast: OutOfSample | None
    events: tuple[EventStudy, ...]
    loop: Loop | None
    tests: pd.DataFrame  # the whole family, one row a test
    fooled: pd.DataFrame  # what a naive study would have said, and why it is wrong
    price: pd.Series[float]  # USD, all periods
    demand: pd.Series[float]  # in its own unit, all periods
    price_residual: pd.Series[float]  # innovations of the partial test
    demand_residual: pd.Series[float]
    skipped: tuple[str, ...]  # why a question was not asked

    @property
    def is_mechanical(self) -> bool:
        """Whether the demand contains the price, so that no number of periods could tell."""
        return self.demand_class == "C"

    @property
    def primary_pvalue(self) -> float | None:
        """Of the hypothesis declared beforehand, for the correction across networks."""
        return None if self.partial is None else self.partial.spearman.pvalue


class _Steps:
    """Runs the steps, and keeps why one could not be run."""

    def __init__(self, periods: str) -> None:
        self.skipped: list[str] = []
        self._periods = periods  # weeks or months

    def run(self, call: Callable[[], Found]) -> Found | None:
        """Return what a step finds; a step without enough data is skipped and says so."""
        try:
            return call()
        except (InsufficientDataError, InfeasibleError) as refused:
            said = refused.clause if isinstance(refused, InsufficientDataError) else str(refused)
            text = said.replace("weeks", self._periods)
            if text not in self.skipped:
                self.skipped.append(text)
            return None


def analyse(
    pairs: Pairs,
    subject: Subject,
    *,
    levels: pd.DataFrame | None = None,
    seed: int = 0,
    n_replications: int = 9_999,
    long_run_weeks: int | None = None,
) -> Analysis:
    """Ask every question of `pairs`, in order, whatever the answers so far.

    The sample is the latest regime if it has 52 periods; otherwise all, with a dummy for each
    break, and no verdict then rests on the latest regime.

    Parameters
    ----------
    pairs : price, demand and factors on one grid
    subject : what was declared before loading
    levels : frame of shape (n_periods, n_series) for the reflexivity loop
    seed : of all bootstraps
    n_replications : of the headline interval
    long_run_weeks : fewest periods for the long run; the default is that of its model
    """
    if subject.demand_class != "C":
        copy = guard(pairs.price_growth, pairs.demand_growth, subject.demand_class)
        if copy.mechanical:
            return untestable(replace(subject, demand_class="C"), copy.reason)
    steps = _Steps(f"{pairs.frequency}s")
    sample, breaks, is_latest = _sample(pairs, subject.events)
    control = _control(sample, breaks)
    whole = pd.concat([sample.price_growth, sample.demand_growth, control], axis=1)
    is_whole = whole.notna().all(axis=1)
    price, demand = (x.where(is_whole) for x in (sample.price_growth, sample.demand_growth))
    residuals = steps.run(lambda: (partial_out(price, control), partial_out(demand, control)))
    raw = steps.run(lambda: associate(price, demand, seed=seed, n_replications=0))
    partial = leads = look = None
    granger_found: list[Granger | None] = []
    price_rest, demand_rest = residuals or (price, demand)
    if residuals is not None:
        partial = steps.run(
            lambda: associate(price_rest, demand_rest, seed=seed, n_replications=n_replications)
        )
        leads = steps.run(lambda: lead_lag(price_rest, demand_rest, max_lag=MAX_LAG))
        granger_found = [
            steps.run(lambda: granger(demand_rest, price_rest, names=("demand", "price"))),
            steps.run(lambda: granger(price_rest, demand_rest, names=("price", "demand"))),
        ]
    whitened = steps.run(lambda: (pre_whiten(price_rest).series, pre_whiten(demand_rest).series))
    orders = [
        steps.run(lambda x=x: order_of_integration(x))  # type: ignore[misc]
        for x in (sample.price_level.rename("price"), sample.demand_level.rename("demand"))
    ]
    granger_found += [
        steps.run(
            lambda: toda_yamamoto(
                sample.demand_level, sample.price_level, names=("demand", "price")
            )
        ),
        steps.run(
            lambda: toda_yamamoto(
                sample.price_level, sample.demand_level, names=("price", "demand")
            )
        ),
    ]
    causality = tuple(x for x in granger_found if x is not None)
    limit = {} if long_run_weeks is None else {"required": long_run_weeks}
    lasting = steps.run(lambda: long_run(sample.price_level, sample.demand_level, **limit))
    impulse = steps.run(lambda: impulse_response(price, demand, method="local projection"))
    if whitened is not None:
        look = steps.run(lambda: stability(*whitened, seed=seed))
    forecast = steps.run(lambda: predict(price, demand, lag=sample.forecast_lag))
    lag = _peak(leads)
    beta = steps.run(
        lambda: fit_elasticity(price, demand, control if len(control.columns) else None, lag=lag)
    )
    studies = _studies(pairs, subject.events, steps)
    loop = None if levels is None else steps.run(lambda: reflexivity_loop(levels))
    tests = family(tests_of(partial, raw, leads, causality, lasting, forecast, studies, beta))
    common: dict[str, Any] = {
        "demand_class": subject.demand_class,
        "unit": f"{sample.frequency}s",
        "flagged": subject.flagged,
        "is_latest_regime": is_latest,
        "price_corrects": lasting is not None
        and lasting.cointegrated
        and lasting.alpha_price_t < -2,
    }
    short_run = (
        judge(PRIMARY, _of_comovement(partial, raw, look, steps, common)),
        judge(
            "prediction",
            _of_prediction(leads, tests, whitened, price, demand, forecast, steps, common),
        ),
    )
    verdicts = (
        *short_run,
        judge_long_run(
            demand_class=subject.demand_class,
            nobs=sample.nobs if lasting is None else lasting.nobs,
            **_lasting(lasting),
            short_run_qvalue=min(
                (x.qvalue for x in short_run if x.qvalue is not None), default=None
            ),
            refused=_refusal(steps, "long run") if lasting is None else None,
            is_latest_regime=is_latest,
            unit=f"{sample.frequency}s",
        ),
    )
    empty = pd.Series(np.nan, index=sample.price.index)
    return Analysis(
        network=subject.network,
        symbol=subject.symbol,
        measure=subject.measure,
        measure_label=subject.measure_label,
        demand_class=subject.demand_class,
        frequency=sample.frequency,
        verdicts=verdicts,
        first=sample.first,
        last=sample.last,
        nobs=0 if partial is None else partial.nobs,
        lost_weeks=sample.lost,
        regimes=breaks,
        happenings=subject.events,
        factors=tuple(map(str, control.columns)),
        raw=raw,
        partial=partial,
        elasticity=beta,
        stationarity=tuple(x for x in orders if x is not None),
        lead_lag=leads,
        granger=causality,
        long_run=lasting,
        impulse=impulse,
        stability=look,
        forecast=forecast,
        events=studies,
        loop=loop,
        tests=tests,
        fooled=naive_lines(sample, partial, raw, causality),
        price=pairs.price,
        demand=pairs.demand,
        price_residual=empty if whitened is None else whitened[0],
        demand_residual=empty if whitened is None else whitened[1],
        skipped=tuple(steps.skipped),
    )


def _sample(pairs: Pairs, events: Sequence[Happening]) -> tuple[Pairs, tuple[dt.date, ...], bool]:
    """Return the periods used, the breaks inside them, and whether they are the latest regime."""
    breaks = sorted(x.date for x in events if x.regime and pairs.first < x.date <= pairs.last)
    if not breaks:
        return pairs, (), True
    latest = pairs.since(breaks[-1])
    if latest.nobs >= MIN_WEEKS:
        return latest, (), True
    return pairs, tuple(breaks), False


def _control(sample: Pairs, breaks: Sequence[dt.date]) -> pd.DataFrame:
    """Return what is taken out of both sides: market factors, and a step for each regime."""
    both = sample.price_growth.notna() & sample.demand_growth.notna()
    covered = sample.factors[both].notna().mean() >= COVERED
    usable = [name for name in sample.factors if bool(covered[str(name)])][
        : int(both.sum()) // WEEKS_PER_FACTOR
    ]
    factors = orthogonal(sample.factors[usable], "btc")
    index = pd.DatetimeIndex(factors.index)
    for day in breaks:
        after = index >= pd.Timestamp(day)
        if min(after.sum(), (~after).sum()) >= MIN_REGIME:
            factors[f"since {day}"] = after.astype(float)
    return factors.iloc[:, : int(both.sum()) // WEEKS_PER_FACTOR]


def _peak(leads: LeadLag | None) -> int:
    """Return the lead at which demand goes before the price most clearly; 0 without one."""
    if leads is None:
        return 0
    ahead = leads.table[(leads.table.index > 0) & (leads.table["qvalue"] < 0.05)]
    return 0 if ahead.empty else int(str(ahead["pvalue"].idxmin()))


def _studies(pairs: Pairs, events: Sequence[Happening], steps: _Steps) -> tuple[EventStudy, ...]:
    found = [
        steps.run(
            lambda event=event: event_study(  # type: ignore[misc]
                pairs.price_growth, pairs.factors[[c for c in pairs.factors if c == "btc"]],
                name=event.name, kind=event.kind, date=event.date,
            )
        )
        for event in events
        if pairs.first < event.date <= pairs.last
    ]  # fmt: skip
    return tuple(x for x in found if x is not None)


def _refusal(steps: _Steps, word: str) -> str:
    """Return why a question could not be asked; the text names it, or is the first there is."""
    return next((x for x in steps.skipped if word in x), (*steps.skipped, "no pairs")[0])


def _of_comovement(
    partial: Association | None,
    raw: Association | None,
    look: Stability | None,
    steps: _Steps,
    common: dict[str, Any],
) -> Evidence:
    if partial is None:
        return Evidence(nobs=0, refused=_refusal(steps, "association"), **common)
    headline = partial.spearman
    return Evidence(
        nobs=partial.nobs, rho=headline.rho, low=headline.low, high=headline.high,
        qvalue=headline.pvalue, mde=partial.mde,
        same_sign_share=None if look is None else look.share_same_sign,
        halves=None if look is None else look.halves,
        raw_rho=None if raw is None else raw.spearman.rho,
        **common,
    )  # fmt: skip


def _of_prediction(
    leads: LeadLag | None,
    tests: pd.DataFrame,
    whitened: tuple[pd.Series[float], pd.Series[float]] | None,
    price: pd.Series[float],
    demand: pd.Series[float],
    forecast: OutOfSample | None,
    steps: _Steps,
    common: dict[str, Any],
) -> Evidence:
    """Weigh the clearest lead of demand; the correction for having searched is in its q-value."""
    if leads is None or whitened is None:
        return Evidence(nobs=0, refused=_refusal(steps, "association"), **common)
    ahead = leads.table[leads.table.index > 0]
    lag = int(str(ahead["pvalue"].idxmin()))
    row = ahead[ahead.index == lag].iloc[0]
    look = steps.run(lambda: constancy(whitened[0], whitened[1].shift(lag)))
    qvalue = tests.loc[tests["name"] == lead_name(lag), "qvalue"].iloc[0]
    return Evidence(
        nobs=int(row["nobs"]), rho=row["rho"], low=row["low"], high=row["high"],
        qvalue=float(qvalue), mde=minimum_detectable_effect(int(row["nobs"])),
        same_sign_share=None if look is None else look[0],
        halves=None if look is None else look[1],
        raw_rho=_rank_correlation(price, demand, lag),
        clark_west_pvalue=None if forecast is None else forecast.clark_west_pvalue,
        r2_out_of_sample=None if forecast is None else forecast.r2_mean,
        lag=lag, **common,
    )  # fmt: skip


def _rank_correlation(price: pd.Series[float], demand: pd.Series[float], lag: int) -> float:
    """Return the Spearman correlation of innovations, demand `lag` periods earlier."""
    both = pd.concat(
        [pre_whiten(demand).series.shift(lag), pre_whiten(price).series], axis=1
    ).dropna()
    return hc3_slope(*(rank(x) for x in both.to_numpy().T)).slope


def _lasting(found: LongRun | None) -> dict[str, Any]:
    if found is None:
        return {}
    return {
        "cointegrated": found.cointegrated, "n_agreeing": found.n_agreeing, "beta": found.beta,
        "beta_std_error": found.beta_std_error, "alpha_price_t": found.alpha_price_t,
        "alpha_demand_t": found.alpha_demand_t,
    }  # fmt: skip


def untestable(subject: Subject, reason: str) -> Analysis:
    """Return the analysis of a network of which there is nothing to analyse, with the reason.

    Parameters
    ----------
    reason : a clause, such as "no price is held"
    """
    evidence = Evidence(demand_class=subject.demand_class, nobs=0, refused=reason)
    nothing = pd.Series(dtype=float, index=pd.DatetimeIndex([]))
    return Analysis(
        network=subject.network,
        symbol=subject.symbol,
        measure=subject.measure,
        measure_label=subject.measure_label,
        demand_class=subject.demand_class,
        frequency="week",
        verdicts=(
            judge("co-movement", evidence),
            judge("prediction", evidence),
            judge_long_run(demand_class=subject.demand_class, nobs=0, refused=reason),
        ),
        first=dt.date.min,
        last=dt.date.min,
        nobs=0,
        lost_weeks=0,
        regimes=(),
        happenings=subject.events,
        factors=(),
        raw=None,
        partial=None,
        elasticity=None,
        stationarity=(),
        lead_lag=None,
        granger=(),
        long_run=None,
        impulse=None,
        stability=None,
        forecast=None,
        events=(),
        loop=None,
        tests=family([]),
        fooled=pd.DataFrame(columns=COLUMNS),
        price=nothing,
        demand=nothing,
        price_residual=nothing,
        demand_residual=nothing,
        skipped=(reason,),
    )
