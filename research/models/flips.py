"""What would flip the answer: the value of one input at which renting ties with an alternative.

Level means: renting ends ahead in half of the simulated paths. A rig's wealth is linear in its
rate, utilization and tariff on every path, so no path is drawn again: two ledgers give the line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from research.models.rental import Ledger
from research.models.rig import Rig
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
    otherwise: Literal["ahead", "behind"] | None  # renting, in most paths, at every value tried
    tried: tuple[float, float]  # lowest and highest value; unit as of `value`


@dataclass(frozen=True, kw_only=True)
class Line:
    """A rig's wealth at the horizon against one input, path by path: a straight line."""

    at_zero: Array  # (n_paths,), per dollar
    slope: Array  # (n_paths,), per dollar and unit of the input
    highest: float  # value of the input up to which a flip is looked for

    def joined(self, lines: Sequence[Line]) -> Line:
        """Return the lines of several blocks of paths as one."""
        return replace(
            self,
            at_zero=np.concatenate([line.at_zero for line in lines]),
            slope=np.concatenate([line.slope for line in lines]),
        )


def rental_lines(
    books: Books,
    rig: Rig,
    paths: Paths,
    *,
    capital_usd: float,
    utilization: float,
    rate_usd_per_hour: float,
) -> dict[str, Line]:
    """Return the rig's wealth against utilization, rate, tariff and the token's price.

    Parameters
    ----------
    books : keeps the ledger of a rig along paths, all else being as in the comparison
    utilization, rate_usd_per_hour : the averages that `paths` were drawn around
    """

    def wealth(rig: Rig, paths: Paths) -> Array:
        last = books(rig, paths).wealth_usd[-1] / capital_usd
        return np.array(np.broadcast_to(last, paths.n_paths))

    as_is = wealth(rig, paths)
    dearer = wealth(replace(rig, tariff_usd_per_kwh=rig.tariff_usd_per_kwh + 1), paths)
    lines = {}
    if utilization > 0:
        never_rented = wealth(rig, replace(paths, utilization=0.0 * paths.utilization))
        slope = (as_is - never_rented) / utilization
        lines["utilization"] = Line(at_zero=never_rented, slope=slope, highest=1.0)
    unpaid = wealth(rig, replace(paths, rate_usd_per_hour=0.0 * paths.rate_usd_per_hour))
    if not np.array_equal(unpaid, as_is):  # a venue that pays by the hour
        slope, highest = (as_is - unpaid) / rate_usd_per_hour, HIGHEST_RATE * rate_usd_per_hour
        lines["rate_usd_per_hour"] = Line(at_zero=unpaid, slope=slope, highest=highest)
    lines["tariff_usd_per_kwh"] = Line(
        at_zero=as_is - (dearer - as_is) * rig.tariff_usd_per_kwh,
        slope=dearer - as_is,
        highest=HIGHEST_TARIFF_USD_PER_KWH,
    )
    if paths.token is not None:  # today's price is known, only those to come are in doubt
        doubled = np.concatenate([paths.token[:1], 2 * paths.token[1:]])
        slope = wealth(rig, replace(paths, token=doubled)) - as_is
        lines["token"] = Line(at_zero=as_is - slope, slope=slope, highest=TOKEN_FACTORS[1])
    return lines


def flips(lines: Mapping[str, Line], against: Mapping[str, Array]) -> list[Flip]:
    """Return what each input would have to be for renting to tie with each alternative.

    Parameters
    ----------
    lines : of the rig's wealth, as `rental_lines` gives them
    against : wealth at the horizon per dollar, (n_paths,) or (1,), by name; the token's price is
        asked against `hold` alone, whose wealth it moves too
    """
    found = [
        _flip(name, other, partial(_line, line.at_zero - target, line.slope), 0.0, line.highest)
        for name, line in lines.items()
        if name != "token"
        for other, target in against.items()
    ]
    if "token" in lines and "hold" in against:
        line, hold = lines["token"], against["hold"]
        found.append(
            _flip(
                "token",
                "hold",
                lambda log_factor: _line(line.at_zero, line.slope - hold, np.exp(log_factor)),
                float(np.log(TOKEN_FACTORS[0])),
                float(np.log(TOKEN_FACTORS[1])),
                transform=np.exp,
            )
        )
    return found


def bent_flips(
    books: Books,
    rig: Rig,
    paths: Paths,
    against: Mapping[str, Array],
    *,
    capital_usd: float,
    utilization: float,
    rate_usd_per_hour: float,
) -> list[Flip]:
    """Return the same where wealth is no straight line, by keeping the books anew at each value.

    A rig that may stop when it loses money and a tax that spares losses bend the line.

    Parameters
    ----------
    as of `rental_lines` and `flips`
    """

    def wealth(rig: Rig = rig, paths: Paths = paths) -> Array:
        return np.asarray(books(rig, paths).wealth_usd[-1] / capital_usd)

    def rented(x: float) -> Array:
        return wealth(paths=replace(paths, utilization=paths.utilization * (x / utilization)))

    def paid(x: float) -> Array:
        rate = paths.rate_usd_per_hour * (x / rate_usd_per_hour)
        return wealth(paths=replace(paths, rate_usd_per_hour=rate))

    def powered(x: float) -> Array:
        return wealth(rig=replace(rig, tariff_usd_per_kwh=x))

    curves: dict[str, tuple[Callable[[float], Array], float]] = {}
    if utilization > 0:
        curves["utilization"] = rented, 1.0
    if not np.array_equal(paid(0.0), wealth()):
        curves["rate_usd_per_hour"] = paid, HIGHEST_RATE * rate_usd_per_hour
    curves["tariff_usd_per_kwh"] = powered, HIGHEST_TARIFF_USD_PER_KWH
    found = [
        _flip(name, other, partial(_above, curve, target), 0.0, highest)
        for name, (curve, highest) in curves.items()
        for other, target in against.items()
    ]
    token = paths.token
    if token is not None and "hold" in against:

        def priced(log_factor: float) -> Array:
            factor = float(np.exp(log_factor))
            scaled = np.concatenate([token[:1], factor * token[1:]])
            return wealth(paths=replace(paths, token=scaled)) - factor * against["hold"]

        low, high = (float(np.log(factor)) for factor in TOKEN_FACTORS)
        found.append(_flip("token", "hold", priced, low, high, transform=np.exp))
    return found


def _above(curve: Callable[[float], Array], target: Array, x: float) -> Array:
    return np.asarray(curve(x) - target)


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
    made = partial(
        Flip, input=name, against=against, tried=(float(transform(low)), float(transform(high)))
    )
    if at_low * at_high > 0:
        return made(value=None, otherwise="ahead" if at_low > 0 else "behind")
    root = float(brentq(median_lead, low, high, xtol=1e-10))
    return made(value=float(transform(root)), otherwise=None)
