"""A claim about what one card earns a day, put together from parameters, catalogue and store.

Every rate that is known of the card is kept with who says so: what the store was told by each
source, what the catalogue has of the open market and of each venue, and what a network that pays in
tokens pays at their price.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from types import SimpleNamespace
from typing import Any, Protocol

import pandas as pd

from research import catalogue
from research.case.inputs import Grounds, Inputs
from research.case.terms import find_rig
from research.catalogue import Gpu
from research.earnings.rates import EARNED, RateSeen, choose_rate, find_rates, find_stored_rate
from research.models.claim import ClaimQuestion, VenueRate
from research.models.earnings import Terms, capital_charge


class Run(Protocol):
    """The parameters of a report, checked; None means: take what is known."""

    gpu: str
    claim_low_usd_per_day: float
    claim_high_usd_per_day: float
    utilization: float | None
    rate_usd_per_hour: float | None
    platform_fee: float | None
    tariff: str
    tariff_usd_per_kwh: float | None
    gpu_usd: float | None
    owned: bool
    power_cap: float
    horizon_months: int
    until: dt.date | None
    as_of: dt.datetime | None
    store: str


@dataclass(frozen=True, kw_only=True, eq=False)
class EarningsCase(Grounds):
    """The question with all its inputs, and where each came from."""

    gpu: Gpu
    question: ClaimQuestion
    rates: tuple[RateSeen, ...]
    notes: tuple[str, ...]  # what a reader must know before she believes the figures

    def rate_table(self) -> pd.DataFrame:
        """Return one row a rate that is known."""
        return pd.DataFrame([asdict(each) for each in self.rates])


def build(run: Run) -> EarningsCase:
    """Put the claim together with all that is known of the card.

    Raises
    ------
    InfeasibleError : if no price or no rate of the card is known, and none is given
    UsageError : if the lower amount of the claim is not the lower one
    """
    known = catalogue.load()
    inputs, gpu = Inputs(_of_one_card(run), known), known.gpus[run.gpu]
    rig = find_rig(inputs, gpu)
    stored = find_stored_rate(inputs, gpu)
    rates = find_rates(inputs, gpu)
    rate, venue_fee = choose_rate(inputs, gpu, stored, rates, run.rate_usd_per_hour)
    failures = inputs.assumption("failure_rate_per_year")
    repaired = inputs.assumption("repair_probability")
    charge = capital_charge(
        rig,
        n_months=run.horizon_months,
        discount_rate_per_year=inputs.assumption("discount_rate"),
        resale_drift_per_year=inputs.assumption("resale_drift"),
        replacements_per_year=failures * (1 - repaired),
    )
    seen = [bound for each in rates if each.what != EARNED for bound in each.bounds]
    question = ClaimQuestion(
        gpu=gpu.name,
        low_usd_per_day=run.claim_low_usd_per_day,
        high_usd_per_day=run.claim_high_usd_per_day,
        rate_usd_per_hour=rate,
        rate_low_usd_per_hour=min([rate, *seen]),
        rate_high_usd_per_hour=max([rate, *seen]),
        utilization=inputs.given("Utilization", "fraction", run.utilization)
        if run.utilization is not None
        else inputs.assumption("utilization_mean"),
        terms=Terms(
            rig=rig,
            platform_fee=inputs.given("Platform fee", "fraction", run.platform_fee)
            if run.platform_fee is not None
            else venue_fee,
            repairs_per_year=failures * repaired,
            capital_usd_per_day=charge,
        ),
        n_months=run.horizon_months,
        venues=tuple(
            VenueRate(
                venue=each.venue,
                rate_usd_per_hour=each.rate_usd_per_hour,
                platform_fee=each.platform_fee,
                is_after_fee=each.what == EARNED,
            )
            for each in rates
        ),
        tariffs=_tariffs(inputs, rig.tariff_usd_per_kwh),
    )
    return EarningsCase(
        gpu=gpu,
        question=question,
        rates=rates,
        provenance=tuple(inputs.provenance),
        doubts=tuple(inputs.doubts),
        assumptions=tuple(inputs.assumed),
        notes=tuple(inputs.notes),
    )


def _of_one_card(run: Run) -> Any:
    """Return the parameters as those of a rental, whose rig is one card."""
    return SimpleNamespace(
        gpu=run.gpu,
        gpu_count=1,
        gpu_usd=run.gpu_usd,
        owned=run.owned,
        power_cap=run.power_cap,
        tariff=run.tariff,
        tariff_usd_per_kwh=run.tariff_usd_per_kwh,
        until=run.until,
        as_of=run.as_of,
        store=run.store,
    )


def _tariffs(inputs: Inputs, chosen_usd_per_kwh: float) -> dict[str, float]:
    """Return the tariff of the run, and the cheapest and the dearest of its kind of customer."""
    run, chosen = inputs.run, inputs.known.tariffs[inputs.run.tariff]
    alike = [each for each in inputs.known.tariffs.values() if each.sector == chosen.sector]
    found = {"Given": chosen_usd_per_kwh}
    if run.tariff_usd_per_kwh is None:
        found = {chosen.name: chosen_usd_per_kwh}
    for pick in (min, max):
        tariff = pick(alike, key=lambda each: each.usd_per_kwh.value)
        if tariff.name not in found:
            value = inputs.figure(f"Tariff: {tariff.name}", "USD/kWh", tariff.usd_per_kwh)
            found[tariff.name] = value
    return dict(sorted(found.items(), key=lambda each: each[1]))
