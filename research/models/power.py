"""A power cap: how much speed a card keeps with less power, and what that is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from research.errors import InfeasibleError
from research.models.futures import Question
from research.models.rig import HOURS_PER_MONTH, Rig
from research.models.scenarios import expected

CAPS = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)  # shares of the board power that are looked at


def speed_at(cap: float, speeds: Mapping[float, float]) -> float:
    """Return the share of full speed that is left under a cap, between the points known.

    Parameters
    ----------
    cap : limit as a share of the board power
    speeds : share of full speed by cap; without a cap it is 1

    Raises
    ------
    InfeasibleError : if the cap is below the lowest point known
    """
    points = dict(sorted({**speeds, 1.0: 1.0}.items()))
    if not min(points) <= cap <= 1:
        raise InfeasibleError(
            f"a power cap of {cap:.0%}: the speed is known from {min(points):.0%} of the board "
            "power up; take a cap between that and 1"
        )
    return float(np.interp(cap, list(points), list(points.values())))


def power_curve(
    rig: Rig,
    *,
    board_w: float,
    speeds: Mapping[float, float],
    caps: Sequence[float],
    utilization: float,
    income_usd_per_hour: float,
) -> pd.DataFrame:
    """Return what a card earns above its power at each cap, in the first month.

    Parameters
    ----------
    rig : without a cap
    board_w : board power of a card, of which a cap is a share
    income_usd_per_hour : of a rented hour at full speed, after all fees

    Returns
    -------
    One row a cap: speed, load_w, income_usd, electricity_usd and margin_usd a month, a card.
    """
    rows = {}
    for cap in caps:
        load = min(rig.load_w, cap * board_w)
        speed = 1.0 if cap * board_w >= rig.load_w else speed_at(cap, speeds)  # what does not bind
        hours = HOURS_PER_MONTH * rig.availability * utilization
        capped = replace(rig, load_w=load)
        idle = HOURS_PER_MONTH * (rig.idle_w + rig.host_idle_w) * rig.usd_per_watt_hour
        electricity = hours * capped.marginal_energy_usd_per_hour + idle
        income = hours * income_usd_per_hour * speed
        rows[cap] = {
            "speed": speed,
            "load_w": load,
            "income_usd": income,
            "electricity_usd": electricity,
            "margin_usd": income - electricity,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("cap")


def caps_of(
    question: Question, *, board_w: float, load_w: float, speeds: Mapping[float, float]
) -> pd.DataFrame:
    """Return the power curve of a question's card, from no cap to the lowest that is known.

    Parameters
    ----------
    board_w, load_w : board power of a card, and what it draws under rent without a cap
    speeds : share of full speed by cap
    """
    q = question
    month = q.books(replace(q.rig, speed=1.0), expected(q.processes, n_months=1))
    hours = float(month.rented_hours[0, 0])
    income = float(month.gross_usd[0, 0]) * (1 - q.venue.platform_fee)
    lowest = min([*speeds, 1.0])
    return power_curve(
        replace(q.rig, load_w=load_w, speed=1.0),
        board_w=board_w,
        speeds=speeds,
        caps=[cap for cap in CAPS if cap >= lowest],
        utilization=float(np.mean(q.processes.utilization_mean)),
        income_usd_per_hour=0.0 if hours == 0 else income / hours,
    )
