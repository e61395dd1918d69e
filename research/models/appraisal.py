"""Is the rig worth its price? Net present value on the expected path, and what would make it zero.

Everything here follows from one line of cash flows: what is paid on day 0, what each month leaves,
and what the hardware and the collateral fetch at the end.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research.models.rental import Ledger, rent
from research.models.rig import Rig, Venue
from research.models.scenarios import Processes, expected

Array = NDArray[Any]

PROFILE_RATES = (0.0, 0.05, 0.10, 0.20, 0.30)  # a year
NOT_LABELLED = ("flows_usd", "npv_profile_usd", "notes")
NO_PART = "plays no part in what this venue pays"


@dataclass(frozen=True, kw_only=True)
class Appraisal:
    """A rig judged on its expected path, undisturbed by luck; token and resale as stated.

    A break-even is the value of one input, all others as they are, at which the net present value
    is zero. A break-even utilization above 1 or tariff below 0 cannot be had. None means that the
    input plays no part, or that no value of it would do; `notes` says which.
    """

    discount_rate_per_year: float
    flows_usd: Array  # (n_months + 1,)
    npv_usd: float
    npv_profile_usd: dict[
        float, float
    ]  # by discount rate a year: where it crosses zero, if it does
    irr_per_year: float | None  # only where it exists and is the only one
    mirr_per_year: float | None  # financed and reinvested at the discount rate
    payback_month: int | None  # undiscounted; hardware counts when it is sold
    cost_usd_per_rented_hour: float | None  # levelized: PV of cost less resale / PV of hours
    utilization: float
    rate_usd_per_hour: float
    tariff_usd_per_kwh: float
    token_price_usd: float | None
    break_even_utilization: float | None
    break_even_rate_usd_per_hour: float | None
    break_even_tariff_usd_per_kwh: float | None
    break_even_token_price_usd: float | None
    notes: dict[str, str]

    def summary(self) -> pd.Series[Any]:
        """Return one labelled value a line."""
        values = asdict(self)
        return pd.Series(
            {name: values[name] for name in values if name not in NOT_LABELLED},
            name="Appraisal",
            dtype=object,
        )


def npv(flows: Array, discount_rate_per_year: float) -> float:
    """Return the present value of monthly `flows`, (n_months + 1,), the first one undiscounted."""
    return float(flows @ _discount_factors(len(flows), discount_rate_per_year))


def irr(flows: Array) -> tuple[float | None, str]:
    """Return the internal rate of return a year, or None with the reason why there is none.

    Two libraries give two roots for flows that change sign twice, so only flows that change sign
    once are given a rate.
    """
    import pyxirr

    if not (flows < 0).any() or not (flows > 0).any():
        return None, "the flows never change sign"
    if not pyxirr.is_conventional_cash_flow(flows):
        return None, "the flows change sign more than once, so the rate is not unique"
    monthly = pyxirr.irr(flows)
    if monthly is None:
        return None, "nearly everything is lost, and no rate so low can be found"
    return float((1 + monthly) ** 12 - 1), ""


def payback_month(flows: Array) -> int | None:
    """Return the first month after which more has come back than was paid, or None."""
    ahead = np.flatnonzero(np.cumsum(flows) > 0)
    return int(ahead[0]) if len(ahead) else None


def appraise(
    rig: Rig,
    venue: Venue,
    processes: Processes,
    *,
    n_months: int,
    token_price_usd: float | None,
    discount_rate_per_year: float,
) -> Appraisal:
    """Judge the rig on the path where everything goes as expected and the token stands still."""

    def books(rig: Rig, processes: Processes, price: float | None) -> Ledger:
        paths = expected(processes, n_months=n_months)
        return rent(rig, venue, paths, capital_usd=0.0, token_price_usd=price)

    def value(
        rig: Rig = rig, processes: Processes = processes, price: float | None = token_price_usd
    ) -> float:
        return npv(cash_flows(books(rig, processes, price)), discount_rate_per_year)

    ledger = books(rig, processes, token_price_usd)
    flows = cash_flows(ledger)
    rate_of_return, no_rate = irr(flows)
    notes = {"irr_per_year": no_rate} if no_rate else {}

    def level(name: str, *, at_zero: float, at_one: float) -> float | None:
        slope = at_one - at_zero  # NPV is linear in each input, so two points tell all
        if slope < 1e-9 and name == "break_even_utilization":
            notes[name] = (
                "never pays, even when rented: an hour brings no more than its power costs"
            )
            return None
        if abs(slope) < 1e-9:
            notes[name] = NO_PART
            return None
        return float(-at_zero / slope)

    if venue.payout != "token-quoted":
        notes["break_even_token_price_usd"] = NO_PART
    return Appraisal(
        discount_rate_per_year=discount_rate_per_year,
        flows_usd=flows,
        npv_usd=npv(flows, discount_rate_per_year),
        npv_profile_usd={rate: npv(flows, rate) for rate in PROFILE_RATES},
        irr_per_year=rate_of_return,
        mirr_per_year=_mirr(flows, discount_rate_per_year),
        payback_month=payback_month(flows),
        cost_usd_per_rented_hour=_cost_per_rented_hour(ledger, flows, discount_rate_per_year),
        utilization=float(np.mean(processes.utilization_mean)),
        rate_usd_per_hour=float(np.mean(processes.rate_usd_per_hour)),
        tariff_usd_per_kwh=rig.tariff_usd_per_kwh,
        token_price_usd=token_price_usd,
        break_even_utilization=level(
            "break_even_utilization",
            at_zero=value(processes=replace(processes, utilization_mean=0.0)),
            at_one=value(processes=replace(processes, utilization_mean=1.0)),
        ),
        break_even_rate_usd_per_hour=level(
            "break_even_rate_usd_per_hour",
            at_zero=value(processes=replace(processes, rate_usd_per_hour=0.0)),
            at_one=value(processes=replace(processes, rate_usd_per_hour=1.0)),
        ),
        break_even_tariff_usd_per_kwh=level(
            "break_even_tariff_usd_per_kwh",
            at_zero=value(rig=replace(rig, tariff_usd_per_kwh=0.0)),
            at_one=value(rig=replace(rig, tariff_usd_per_kwh=1.0)),
        ),
        break_even_token_price_usd=None
        if token_price_usd is None or venue.payout != "token-quoted"
        else level(
            "break_even_token_price_usd",
            at_zero=value(price=0.0),
            at_one=value(price=1.0),
        ),
        notes=notes,
    )


def cash_flows(ledger: Ledger) -> Array:
    """Return what is paid and received, (n_months + 1,), of a ledger with one path and no capital.

    The last month includes the sale of the hardware and the return of the collateral.
    """
    cash = ledger.cash_usd[:, 0]
    flows = np.diff(cash, prepend=0.0)
    flows[-1] += ledger.hardware_usd[-1, 0] + ledger.collateral_usd[-1, 0]
    return flows


def _discount_factors(n: int, rate_per_year: float) -> Array:
    return np.asarray((1 + rate_per_year) ** (-np.arange(n) / 12))


def _mirr(flows: Array, rate_per_year: float) -> float | None:
    """Return the modified internal rate of return a year, None where nothing was paid or earned."""
    import pyxirr

    if not (flows < 0).any() or not (flows > 0).any():
        return None
    monthly_rate = (1 + rate_per_year) ** (1 / 12) - 1
    monthly = pyxirr.mirr(flows, monthly_rate, monthly_rate)
    return None if monthly is None else float((1 + monthly) ** 12 - 1)


def _cost_per_rented_hour(ledger: Ledger, flows: Array, rate_per_year: float) -> float | None:
    """Return the levelized cost of a rented GPU-hour, fees and trading cost left out."""
    factors = _discount_factors(len(flows), rate_per_year)
    hours = float(ledger.rented_hours[:, 0] @ factors[1:])
    if hours == 0:
        return None
    monthly = (ledger.electricity_usd + ledger.fixed_usd + ledger.repairs_usd)[:, 0]
    owned = (ledger.hardware_usd + ledger.collateral_usd)[-1, 0] * factors[-1]
    returned = float(ledger.released_usd[:, 0] @ factors[1:])
    return float((-flows[0] + monthly @ factors[1:] - owned - returned) / hours)
