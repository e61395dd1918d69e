"""What if: the rig rented more or less, the token growing or falling, power dearer or cheaper.

The answers are computed once over a grid, so that a page can look them up without computing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from research.errors import DataError
from research.models.decision import Choice, choose
from research.models.dynamics import Dynamics
from research.models.futures import Question, draw, grown, hold_wealth
from research.models.scenarios import Paths

Array = NDArray[Any]

UTILIZATIONS = np.arange(1, 10) / 10
GROWTHS = np.array([-0.5, -0.25, 0.0, 0.25, 0.5, 1.0])  # a year; more would not fit a page
N_TARIFFS = 7


@dataclass(frozen=True, kw_only=True)
class Surface:
    """What renting and holding come to over a grid of three inputs; all else as assumed.

    Raises
    ------
    DataError : if a table does not fit the grid, or what is assumed is not a value of the grid
    """

    utilizations: Array  # (n_u,) fractions, ascending
    token_growths: Array  # (n_g,) expected change of the token's price a year; one if no token
    tariffs_usd_per_kwh: Array  # (n_t,) ascending
    beats_hold: Array | None  # (n_u, n_g, n_t) share of futures where renting beats holding
    beats_cash: Array  # (n_u, n_g, n_t) share of futures in which renting beats T-bills
    rent_median: Array  # (n_u, n_g, n_t) wealth at the horizon per dollar, middle future
    hold_median: Array | None  # (n_g,) the same by holding
    hold_beats_cash: Array | None  # (n_g,) share of futures in which holding beats T-bills
    cash: float  # wealth of a dollar in T-bills at the horizon
    assumed: tuple[float, float, float]  # utilization, growth, tariff of the report
    n_paths: int
    n_months: int

    def __post_init__(self) -> None:
        n_growths = (len(self.token_growths),)
        for name, shape in [
            ("beats_hold", self.shape),
            ("beats_cash", self.shape),
            ("rent_median", self.shape),
            ("hold_median", n_growths),
            ("hold_beats_cash", n_growths),
        ]:
            table = getattr(self, name)
            if table is not None and table.shape != shape:
                raise DataError(f"what-if: {name} has shape {table.shape}, its grid has {shape}")
        holding = [self.beats_hold, self.hold_median, self.hold_beats_cash]
        if len({table is None for table in holding}) > 1:
            raise DataError(
                "what-if: beats_hold, hold_median and hold_beats_cash are all given, or none is"
            )
        for name in ("utilizations", "token_growths", "tariffs_usd_per_kwh"):
            if not (np.diff(getattr(self, name)) > 0).all():
                raise DataError(f"what-if: {name} are not in ascending order; sort the grid")
        _ = self.assumed_at

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return how many utilizations, growths and tariffs the grid has."""
        return len(self.utilizations), len(self.token_growths), len(self.tariffs_usd_per_kwh)

    @property
    def assumed_at(self) -> tuple[int, int, int]:
        """Return where in the grid the report's own assumptions are."""
        utilization, growth, tariff = self.assumed
        return (
            _place("utilization", utilization, self.utilizations),
            _place("token growth", growth, self.token_growths),
            _place("tariff", tariff, self.tariffs_usd_per_kwh),
        )

    def verdict(self, u: int, g: int, t: int) -> Choice:
        """Return the answer at a place in the grid, by the rule of `Decision.choice`."""
        return choose(
            rent_beats_cash=float(self.beats_cash[u, g, t]),
            hold_beats_cash=0.0 if self.hold_beats_cash is None else self.hold_beats_cash[g],
            rent_beats_hold=1.0 if self.beats_hold is None else self.beats_hold[u, g, t],
        )


def _place(name: str, value: float, grid: Array) -> int:
    """Return the index of `value` in `grid`."""
    found = np.flatnonzero(np.isclose(grid, value, rtol=1e-9, atol=1e-12))
    if not len(found):
        raise DataError(f"what-if: the assumed {name}, {value:g}, is not in its grid; add it")
    return int(found[0])


def surface(
    question: Question, dynamics: Dynamics, *, tariff_range: tuple[float, float]
) -> Surface:
    """Live renting and holding through one block of paths at every point of the grid.

    On every path the tariff enters in a straight line, so the grid's tariffs cost nothing more
    than one; growth of the token is laid over the same paths.

    Parameters
    ----------
    tariff_range : lowest and highest tariff, USD per kWh
    """
    q = question
    n_months, growths = q.n_months, np.array([0.0])
    if q.token is not None:
        growths = _with(GROWTHS, q.token_growth_per_year)
    assumed = float(np.mean(q.processes.utilization_mean)), q.token_growth_per_year
    utilizations = _with(UTILIZATIONS, assumed[0])
    tariffs = _with(np.round(np.linspace(*tariff_range, N_TARIFFS), 3), q.rig.tariff_usd_per_kwh)
    cash = float((1 + q.cash_yield_per_year) ** (n_months / 12))
    shape = len(utilizations), len(growths), len(tariffs)
    beats_hold, beats_cash, median = (np.empty(shape) for _ in range(3))
    held: list[Array] = []
    base = replace(q, token_growth_per_year=0.0)
    for row, mean in enumerate(utilizations):
        processes = replace(q.processes, utilization_mean=float(mean))
        paths = draw(replace(base, processes=processes), dynamics, 0)
        for column, growth in enumerate(growths):
            there = grown(paths, float(growth))
            if not row and there.token is not None:
                held.append(hold_wealth(q, there)[-1])
            wealth = _by_tariff(q, there, tariffs)
            median[row, column] = np.median(wealth, axis=1)
            beats_cash[row, column] = (wealth > cash).mean(axis=1)
            if held:
                beats_hold[row, column] = (wealth > held[column]).mean(axis=1)
    return Surface(
        utilizations=utilizations,
        token_growths=growths,
        tariffs_usd_per_kwh=tariffs,
        beats_hold=beats_hold if held else None,
        beats_cash=beats_cash,
        rent_median=median,
        hold_median=np.array([np.median(each) for each in held]) if held else None,
        hold_beats_cash=np.array([(each > cash).mean() for each in held]) if held else None,
        cash=cash,
        assumed=(assumed[0], assumed[1] if held else 0.0, q.rig.tariff_usd_per_kwh),
        n_paths=paths.n_paths,
        n_months=n_months,
    )


def _with(values: Array, assumed: float) -> Array:
    """Return the grid with the assumed value, in place of a neighbour as good as it."""
    step = float(np.diff(values).min()) / 4
    return np.sort(np.append(values[np.abs(values - assumed) > step], assumed))


def _by_tariff(q: Question, paths: Paths, tariffs: Array) -> Array:
    """Return wealth at the horizon per dollar, (n_tariffs, n_paths)."""
    ledger = q.books(q.rig, paths)
    n_months = q.n_months
    months = np.arange(n_months)[:, None] / 12
    later = (1 + q.cash_yield_per_year) ** ((n_months - 1) / 12 - months)
    per_usd = (ledger.energy_kwh * (1 + q.rig.tariff_escalation_per_year) ** months * later).sum(
        axis=0
    )
    dearer = (tariffs - q.rig.tariff_usd_per_kwh)[:, None]
    return np.asarray((ledger.wealth_usd[-1] - dearer * per_usd) / q.capital_usd)
