"""What would flip the answer: the value of one input at which renting ties with an alternative.

Level means: renting ends ahead in half of the simulated paths. A rig's wealth is linear in its
rate, utilization and tariff on every path, so no path is drawn again: two ledgers give the line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from research.models.rental import Ledger, Rig
from research.models.scenarios import Paths

Array = NDArray[Any]
Books = Callable[[Rig, Paths], Ledger]

HIGHEST_RATE = 20.0  # times today's rate: beyond that no flip is looked for
HIGHEST_TARIFF_USD_PER_KWH = 5.0
TOKEN_FACTORS = (1e-4, 1e6)  # of every future price


@dataclass(frozen=True, kw_only=True)
class Flip:
    """One input against one alternative: its value where renting is ahead in half of the paths."""

    input: Literal["utilization", "rate_usd_per_hour", "tariff_usd_per_kwh", "token"]
    against: str
    value: float | None  # unit of the input; token: a factor on every future price
    otherwise: Literal["ahead", "behind"] | None  # renting, in most paths, whatever the value


def flips(
    books: Books,
    rig: Rig,
    paths: Paths,
    against: Mapping[str, Array],
    *,
    capital_usd: float,
    utilization: float,
    rate_usd_per_hour: float,
) -> list[Flip]:
    """Return what utilization, rate and tariff would have to be, against each alternative.

    Parameters
    ----------
    books : keeps the ledger of a rig along paths, all else being as in the comparison
    against : wealth at the horizon per dollar, (n_paths,) or (1,), by name
    utilization, rate_usd_per_hour : the averages that `paths` were drawn around
    """

    def wealth(rig: Rig, paths: Paths) -> Array:
        return np.asarray(books(rig, paths).wealth_usd[-1] / capital_usd)

    as_is = wealth(rig, paths)
    never_rented = wealth(rig, replace(paths, utilization=0.0 * paths.utilization))
    unpaid = wealth(rig, replace(paths, rate_usd_per_hour=0.0 * paths.rate_usd_per_hour))
    dearer = wealth(replace(rig, tariff_usd_per_kwh=rig.tariff_usd_per_kwh + 1), paths)
    tariff_slope = dearer - as_is
    lines: list[tuple[Any, Array, Array, float]] = [
        ("tariff_usd_per_kwh", as_is - tariff_slope * rig.tariff_usd_per_kwh, tariff_slope,
         HIGHEST_TARIFF_USD_PER_KWH),
    ]  # fmt: skip
    if utilization > 0:
        lines.insert(0, ("utilization", never_rented, (as_is - never_rented) / utilization, 1.0))
    if not np.array_equal(unpaid, as_is):  # a venue that pays by the hour
        slope = (as_is - unpaid) / rate_usd_per_hour
        highest = HIGHEST_RATE * rate_usd_per_hour
        lines.insert(1, ("rate_usd_per_hour", unpaid, slope, highest))
    return [
        _flip(name, other, partial(_line, at_zero - target, slope), 0.0, highest)
        for name, at_zero, slope, highest in lines
        for other, target in against.items()
    ]


def flip_token(books: Books, rig: Rig, paths: Paths, hold: Array, *, capital_usd: float) -> Flip:
    """Return the factor on every future token price at which holding is level with renting.

    Parameters
    ----------
    hold : (n_paths,), wealth at the horizon per dollar put into the token
    """
    if paths.token is None:
        raise ValueError("flip_token: the paths have no token")
    doubled = np.concatenate([paths.token[:1], 2 * paths.token[1:]])
    once = books(rig, paths).wealth_usd[-1] / capital_usd
    slope = books(rig, replace(paths, token=doubled)).wealth_usd[-1] / capital_usd - once
    return _flip(
        "token",
        "hold",
        lambda log_factor: _line(once - slope, slope - hold, np.exp(log_factor)),
        float(np.log(TOKEN_FACTORS[0])),
        float(np.log(TOKEN_FACTORS[1])),
        transform=np.exp,
    )


def _line(at_zero: Array, slope: Array, x: float) -> Array:
    return np.asarray(at_zero + slope * x)


def _flip(
    name: Any,
    against: str,
    lead: Callable[[float], Array],
    low: float,
    high: float,
    transform: Callable[[float], float] = float,
) -> Flip:
    """Return where the median lead over paths is zero, between `low` and `high`."""

    def median_lead(x: float) -> float:
        return float(np.median(lead(x)))

    at_low, at_high = median_lead(low), median_lead(high)
    if at_low * at_high > 0:
        return Flip(
            input=name, against=against, value=None, otherwise="ahead" if at_low > 0 else "behind"
        )
    root = float(brentq(median_lead, low, high, xtol=1e-10))
    return Flip(input=name, against=against, value=float(transform(root)), otherwise=None)
