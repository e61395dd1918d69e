"""How the simulated market moves: five years with a known truth, the same for the same seed.

For the first run, for tests and for teaching. Every row is of kind `simulated`. A model can be
judged by whether it finds the `truth`: in Akash, use of the network leads the price; in Render,
both follow Bitcoin and share nothing else; in io.net, the only figure of demand is moved by the
price itself. Kazam Chain is not listed and has no series.

A token's log return is beta x Bitcoin's + a part that compute tokens share + elasticity x the
growth of use `lag_weeks` before + a part of its own. All volatilities, those of use too, rise and
fall together, which is what misleads textbook tests. Use grows on Mondays, when contracts begin,
so that a week's flow and its last stock grow alike; its market part follows Bitcoin day by day.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research import catalogue, frames
from research.catalogue import Catalogue, Figure, Gpu

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]  # which of all days
Day = dt.date

Link = Literal[
    "use leads price",
    "both follow the market",
    "moved by the price itself",  # the only measure of demand
    "unrelated",
    "no measure of use",
]

SEED = 2026
FIRST, LAST = Day(2021, 7, 1), Day(2026, 6, 30)


@dataclass(frozen=True)
class Price:
    """How a price moves. It ends where it is stated to end, whatever the seed."""

    listed: Day
    first_usd: float
    last_usd: float
    volatility: float  # standard deviation of log returns a year
    market: str | None  # the factor it follows
    beta: float = 0.0  # % per 1 % of that factor on the same day
    sector_volatility: float = 0.0  # a year: what compute tokens share beside the market
    elasticity: float = 0.0  # % per 1 % of use that owes nothing to the market
    lag_weeks: int = 0  # by which use leads the price


@dataclass(frozen=True)
class Use:
    """How much of a network is rented, and what is published of it."""

    gpus_first: int  # rented
    gpus_last: int
    volatility_per_week: float  # standard deviation of log growth, without the market's part
    market_elasticity: float  # % per 1 % of Bitcoin, same day
    usd_per_gpu_hour: float
    tokens_per_gpu_hour: float  # in `spend_token_valued_usd`; it owes nothing to the price
    published: str  # measures, with spaces between


@dataclass(frozen=True, kw_only=True)
class Dispersion:
    """What is the same for all series."""

    degrees_of_freedom: float = 6.0  # of the t distribution of shocks
    shared_log_volatility: float = 0.30  # standard deviation of the log of the shared volatility
    shared_persistence: float = 0.97  # a day
    own_log_volatility: float = 0.20
    own_persistence: float = 0.95
    stock_noise: float = 0.01  # standard deviation of a day's log, gone the day after
    flow_noise: float = 0.02
    hours_worked: float = 22.8  # by a rented GPU on a working day
    weekend_hours: float = 0.93  # relative to a working day
    utilization: float = 0.55  # to which supply brings it back
    supply_days: float = 90.0  # that this takes
    days_missed: float = 0.004  # share of days without a figure, network by network, card by card
    rate_volatility: float = 0.25  # a year
    rate_drift: float = -0.15  # a year, of the log
    rate_correlation: float = 0.36  # of the rates of two cards
    token_share: float = 0.2  # of spending paid in tokens, `spend_token`
    burned_share: float = 0.95  # of spending, `tokens_burned`


# Tables, to be read in columns.
# fmt: off
FACTORS = {
    "btc":       Price(FIRST, 33_500, 71_000, 0.60, None),
    "eth":       Price(FIRST, 2_110, 2_200, 0.80, "btc", 1.08),
    "sol":       Price(FIRST, 33, 92, 1.05, "btc", 1.20),
    "nvda":      Price(FIRST, 20, 195, 0.52, "sp500", 1.90),
    "sp500":     Price(FIRST, 4_320, 6_900, 0.17, "btc", 0.09),
}
NETWORKS = {
    "io-net":    Price(Day(2024, 6, 11), 4.2, 0.3, 1.30, "btc", 1.71, 0.45),
    "render":    Price(FIRST, 0.47, 1.7, 1.40, "btc", 1.03, 0.70),
    "akash":     Price(FIRST, 3.4, 0.7, 1.15, "btc", 0.92, 0.60, elasticity=0.9, lag_weeks=2),
    "nosana":    Price(Day(2022, 1, 19), 1.6, 0.3, 1.40, "btc", 1.10, 0.60, 0.2, 1),  # too weak
    "aethir":    Price(Day(2024, 6, 13), 0.074, 0.012, 1.10, "btc", 0.97, 0.55),
    "golem":     Price(FIRST, 0.3, 0.13, 1.05, "btc", 1.05, 0.45),
    "livepeer":  Price(FIRST, 18, 3, 1.35, "btc", 1.10, 0.50),
    "bittensor": Price(Day(2023, 3, 5), 93, 260, 1.14, "btc", 1.03, 0.45),
    "theta":     Price(FIRST, 6.3, 0.5, 1.05, "btc", 1.15, 0.40),
    "flux":      Price(Day(2021, 11, 10), 1.7, 0.12, 1.20, "btc", 1.22, 0.45),
}
ANY_OTHER =      Price(FIRST, 1, 0.5, 1.20, "btc", 1.00, 0.45)  # in one's own catalogue
PHYSICAL = "gpu_hours gpus_active gpus_total utilization "
USES = {
    "io-net":    Use(1_600, 3_200, 0.07, 0, 0.5, 0.2, "gpus_total spend_token_valued_usd"),
    "render":    Use(700, 2_600, 0.05, 1, 0.35, 0,
                     PHYSICAL + "frames_rendered spend_usd tokens_burned"),
    "akash":     Use(150, 420, 0.11, 0, 1.2, 0, PHYSICAL + "leases_active spend_usd spend_token"),
    "nosana":    Use(120, 900, 0.09, 0, 0.3, 0, PHYSICAL + "jobs_completed spend_usd"),
    "aethir":    Use(9_000, 16_000, 0.05, 0, 0.5, 25, PHYSICAL + "spend_token_valued_usd"),
    "golem":     Use(200, 240, 0.08, 0, 0.1, 0, PHYSICAL),
    "livepeer":  Use(80, 190, 0.08, 0, 0.5, 0, PHYSICAL + "spend_usd"),
}
GAPS = {  # first and last day without a figure; others are missed by chance
    "golem.price_usd":      (Day(2022, 2, 14), Day(2022, 5, 12)),
    "render.price_usd":     (Day(2024, 7, 22), Day(2024, 7, 24)),
    "render.tokens_burned": (FIRST, Day(2023, 12, 19)),  # nothing was burned before
}
# fmt: on

DAYS = pd.date_range(FIRST, LAST)
WEEK = (np.arange(len(DAYS)) + DAYS[0].day_of_week) // 7  # Monday to Sunday
IS_MONDAY = np.asarray(DAYS.day_of_week == 0)
IS_SESSION = np.asarray(DAYS.day_of_week < 5) & ~DAYS.strftime("%m-%d").isin(
    ["01-01", "07-04", "12-25"]
)
SESSIONS_PER_YEAR = 252
HOURS_TO_KNOW = {"price_usd": 1, "rate_usd_per_hour": 12}  # after the day ended
HOURS_TO_KNOW_USE = 24


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What a model that reads the simulated market should find."""

    seed: int
    first: Day
    last: Day
    links: Mapping[str, Link]  # between use and price, by listed network
    prices: Mapping[str, Price]  # by factor and listed network
    uses: Mapping[str, Use]  # by network; the others publish nothing
    unlisted: tuple[str, ...]  # networks without any series
    dispersion: Dispersion


def truth(seed: int = SEED) -> Truth:
    """Return what is true of the market of `seed`; two seeds differ in their chance alone."""
    known = catalogue.load()
    listed = [network.id for network in known.networks.values() if network.status == "listed"]
    stated = FACTORS | NETWORKS
    return Truth(
        seed=seed,
        first=FIRST,
        last=LAST,
        links={name: _link(name) for name in listed},
        prices={name: stated.get(name, ANY_OTHER) for name in (*known.factors, *listed)},
        uses={name: USES[name] for name in listed if name in USES},
        unlisted=tuple(name for name in known.networks if name not in listed),
        dispersion=Dispersion(),
    )


def _link(network: str) -> Link:
    use = USES.get(network)
    if use is None:
        return "no measure of use"
    if NETWORKS[network].elasticity:
        return "use leads price"
    if "gpu_hours" not in use.published:
        return "moved by the price itself"
    return "both follow the market" if use.market_elasticity else "unrelated"


def observations(seed: int = SEED) -> pd.DataFrame:
    """Return the whole market as `frames.Observations`; the same bytes for the same seed."""
    known = catalogue.load()
    series = dict(_Market(seed, known, truth(seed)).series())
    names = list(series)
    measures = [name.rpartition(".")[2] for name in names]
    values = np.stack([_cut(values, name) for name, values in series.items()])
    row, day = np.nonzero(np.isfinite(values))  # a gap has no row
    hours = np.array([HOURS_TO_KNOW.get(measure, HOURS_TO_KNOW_USE) for measure in measures])
    known_at = DAYS[day] + frames.ONE_DAY + pd.to_timedelta(hours[row], unit="h")
    table = pd.DataFrame(
        {
            "series": np.array(names, dtype=object)[row],
            "date": DAYS[day],
            "value": values[row, day],
            "unit": np.array([known.measures[m].unit for m in measures], dtype=object)[row],
            "kind": "simulated",
            "source": f"simulated market, seed {seed}",
            "known_at": known_at.tz_localize("UTC").as_unit("us"),
            "period_days": 1,
        }
    )
    return frames.conform(table, frames.Observations)


class _Market:
    """Draws series by series, each from a stream of its own name: one more changes no other."""

    def __init__(self, seed: int, known: Catalogue, truth: Truth) -> None:
        self.seed, self.known, self.truth, self.law = seed, known, truth, truth.dispersion
        self.shared = self._volatility(
            "shared", self.law.shared_log_volatility, self.law.shared_persistence
        )
        self.sector = self._shocks("sector")
        self.rates = self._shocks("rates")

    def series(self) -> Iterator[tuple[str, Array]]:
        """Yield every series, one value a day, NaN where there is none."""
        for name, price in self.truth.prices.items():
            closes = _path(self._returns(name), self._days(name), price.first_usd, price.last_usd)
            yield f"{name}.price_usd", closes
            if (use := self.truth.uses.get(name)) is not None:
                yield from self._published(name, use, closes)
        for gpu in self.known.gpus.values():
            if gpu.rate_usd_per_hour is not None and gpu.announced < LAST:
                yield f"{gpu.id}.rate_usd_per_hour", self._rate(gpu, gpu.rate_usd_per_hour)

    def _stream(self, name: str) -> np.random.Generator:
        seeds = np.random.SeedSequence(self.seed, spawn_key=tuple(name.encode()))
        return np.random.Generator(np.random.SFC64(seeds))

    def _volatility(self, name: str, log_sd: float, persistence: float) -> Array:
        """Return a volatility that comes and goes, of mean square 1."""
        shocks = self._stream(f"{name} volatility").standard_normal(len(DAYS))
        shocks[1:] *= math.sqrt(1 - persistence**2)
        return np.exp(log_sd * _carried(shocks, persistence) - log_sd**2)

    def _shocks(self, name: str) -> Array:
        """Return shocks of variance 1, with fat tails, when everything is volatile or calm."""
        law, degrees = self.law, self.law.degrees_of_freedom
        shocks = self._stream(name).standard_t(degrees, len(DAYS))
        own = self._volatility(name, law.own_log_volatility, law.own_persistence)
        return np.asarray(shocks * math.sqrt(1 - 2 / degrees) * own * self.shared)

    def _days(self, name: str) -> Mask:
        """Return on which days there is a price."""
        listed = np.asarray(pd.Timestamp(self.truth.prices[name].listed) <= DAYS)
        return listed & IS_SESSION if self._has_sessions(name) else listed

    def _has_sessions(self, name: str) -> bool:
        factor = self.known.factors.get(name)
        return factor is not None and factor.calendar == "exchange-sessions"

    def _variance(self, name: str) -> float:
        """Return the variance of one log return."""
        year = SESSIONS_PER_YEAR if self._has_sessions(name) else 365
        return self.truth.prices[name].volatility ** 2 / year

    def _returns(self, name: str) -> Array:
        """Return log returns: all their parts, the own one with the variance the others leave."""
        price = self.truth.prices[name]
        total = price.sector_volatility / math.sqrt(365) * self.sector
        own = self._variance(name) - price.sector_volatility**2 / 365
        if price.market is not None:
            total += price.beta * self._returns(price.market)
            own -= price.beta**2 * self._variance(price.market)
        if price.elasticity:
            use = self.truth.uses[name]
            by_week = np.bincount(WEEK, self._contracts(name, use))  # none in the first, cut week
            total += price.elasticity / 7 * by_week[np.maximum(WEEK - price.lag_weeks, 0)]
            own -= (price.elasticity / 7 * use.volatility_per_week) ** 2
        return np.where(self._days(name), total + math.sqrt(own) * self._shocks(name), 0)

    def _contracts(self, name: str, use: Use) -> Array:
        """Return the growth of use that owes nothing to the market."""
        return np.where(IS_MONDAY, use.volatility_per_week * self._shocks(f"{name} use"), 0)

    def _published(self, name: str, use: Use, closes: Array) -> Iterator[tuple[str, Array]]:
        """Yield the measures of use that a network publishes, without the days missed."""
        law, contracts = self.law, self._contracts(name, use)

        def noisy(level: Array, measure: str, size: float = law.flow_noise) -> Array:
            noise = self._stream(f"{name}.{measure}").standard_normal(len(DAYS))
            return np.asarray(level * np.exp(size * noise))

        growth = contracts + use.market_elasticity * self._returns("btc")
        rented = _path(growth, self._days(name), use.gpus_first, use.gpus_last)
        ahead = np.nan_to_num(np.diff(np.log(rented), prepend=np.nan))
        ahead = _carried(ahead, math.exp(-1 / law.supply_days))  # of supply, in logs
        odds = law.utilization / (1 - law.utilization) * np.exp(ahead / (1 - law.utilization))
        active = np.rint(noisy(rented, "gpus_active", law.stock_noise))
        total = np.maximum(np.rint(rented * (1 + odds) / odds), active)
        hours_a_day = np.where(DAYS.day_of_week < 5, 1, law.weekend_hours) * law.hours_worked
        hours = np.minimum(noisy(active * hours_a_day, "gpu_hours"), 24 * active)
        spend = noisy(hours * use.usd_per_gpu_hour, "spend_usd")
        tokens = noisy(hours * use.tokens_per_gpu_hour, "spend_token")
        measures = {
            "gpus_active": active,
            "gpus_total": total,
            "utilization": active / total,
            "gpu_hours": hours,
            "leases_active": np.rint(noisy(2 * active, "leases_active", law.stock_noise)),
            "jobs_completed": np.rint(noisy(hours / 4, "jobs_completed")),
            "frames_rendered": np.rint(noisy(hours, "frames_rendered")),
            "spend_usd": spend,
            "spend_token": law.token_share * spend / closes,
            "tokens_burned": law.burned_share * spend / closes,
            "spend_token_valued_usd": tokens * closes,
        }
        missed = self._missed(name)
        for measure in use.published.split():
            yield f"{name}.{measure}", np.where(missed, np.nan, measures[measure])

    def _missed(self, name: str) -> Mask:
        return np.asarray(self._stream(f"{name} missed").random(len(DAYS)) < self.law.days_missed)

    def _rate(self, gpu: Gpu, level: Figure) -> Array:
        """Return a card's rental rate from its announcement on, through `level` on its day."""
        law = self.law
        shocks = math.sqrt(law.rate_correlation) * self.rates + math.sqrt(
            1 - law.rate_correlation
        ) * self._shocks(f"{gpu.id} rate")
        log_rate = np.cumsum(law.rate_drift / 365 + law.rate_volatility / math.sqrt(365) * shocks)
        anchor = int(np.clip((level.date - FIRST).days, 0, len(DAYS) - 1))
        absent = self._missed(gpu.id) | np.asarray(pd.Timestamp(gpu.announced) > DAYS)
        return np.where(absent, np.nan, level.value * np.exp(log_rate - log_rate[anchor]))


def _carried(shocks: Array, persistence: float) -> Array:
    """Return the sum of past shocks, each fading by `persistence` a day."""
    return np.convolve(shocks, persistence ** np.arange(len(DAYS)))[: len(DAYS)]


def _path(growth: Array, days: Mask, first: float, last: float) -> Array:
    """Return the level that grows so over `days`, bent to begin and end as stated."""
    steps = growth[days][1:]
    steps = steps + (math.log(last / first) - steps.sum()) / len(steps)
    level = np.full(len(DAYS), np.nan)
    level[days] = first * np.exp(np.concatenate([[0.0], np.cumsum(steps)]))
    return level


def _cut(values: Array, series: str) -> Array:
    """Return a series without its stated gap, with six digits, which all machines agree on."""
    first, last = (pd.Timestamp(day) for day in GAPS.get(series, (LAST, FIRST)))
    digits = 6 - math.ceil(math.log10(float(np.nanmin(values))))
    return np.where((first <= DAYS) & (last >= DAYS), np.nan, np.round(values, max(digits, 0)))
