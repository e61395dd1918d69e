"""The same card at other places: what each pays, keeps, and leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from research.models.appraisal import appraise
from research.models.dynamics import Dynamics
from research.models.futures import Question, draw
from research.models.rental import SELL_ALL
from research.models.rig import HOURS_PER_MONTH, Venue
from research.models.scenarios import expected


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A place where the card can be rented out."""

    name: str
    venue: Venue
    rate_usd_per_hour: float  # what the renter pays; plays no part where tokens are owed
    token_price_usd: float | None  # of the token it pays in, today
    same_token: bool  # whether that is the token of the question


def side_by_side(question: Question, dynamics: Dynamics, offers: Sequence[Offer]) -> pd.DataFrame:
    """Return one row an offer, with the rig, the utilization and all luck as in the question.

    Tokens are sold on receipt. The chance is of ending ahead of T-bills on one block of paths; it
    is missing where a number of tokens is owed whose price is not simulated here.

    Returns
    -------
    rate, fee, gross and net USD a day in the first month, npv_usd, break_even_utilization, and
    beats_cash.
    """
    q = question
    paths = draw(q, dynamics, 0)
    cash = (1 + q.cash_yield_per_year) ** (q.n_months / 12)
    rows = {}
    for offer in offers:
        p = replace(q.processes, rate_usd_per_hour=offer.rate_usd_per_hour)
        judged = appraise(
            q.rig,
            offer.venue,
            p,
            n_months=q.n_months,
            token_price_usd=offer.token_price_usd,
            discount_rate_per_year=q.discount_rate_per_year,
        )
        there = replace(
            q, venue=offer.venue, token_price_usd=offer.token_price_usd, policy=SELL_ALL
        )
        month = there.books(q.rig, expected(p, n_months=1))
        days = HOURS_PER_MONTH / 24
        chance = np.nan
        if offer.same_token or not (offer.venue.token_amounts or offer.venue.collateral_tokens):
            usual = float(np.mean(q.processes.rate_usd_per_hour))
            ratio = offer.rate_usd_per_hour / usual if usual else 0.0
            at = replace(paths, rate_usd_per_hour=paths.rate_usd_per_hour * ratio)
            wealth = there.books(q.rig, at).wealth_usd[-1] / q.capital_usd
            chance = float((wealth > cash).mean())
        rows[offer.name] = {
            "payout": offer.venue.payout,
            "rate_usd_per_hour": np.nan
            if offer.venue.payout == "token-quoted"
            else offer.rate_usd_per_hour,
            "platform_fee": offer.venue.platform_fee,
            "gross_usd_per_day": float(month.gross_usd[0, 0]) / days,
            "net_usd_per_day": float(month.net_usd[0, 0]) / days,
            "npv_usd": judged.npv_usd,
            "break_even_utilization": judged.break_even_utilization,
            "beats_cash": chance,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("venue")
