"""Rigs, venues and wild months for tests of renting, and an accountant who books one by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from research.models.rental import Ledger, rent
from research.models.rig import Loan, Policy, Rig, Taxes, Venue
from research.models.scenarios import Paths

Floats = NDArray[np.float64]
HOURS = 730.5
N_MONTHS, N_PATHS = 8, 4


def one_path(
    *,
    rate: ArrayLike,
    utilization: ArrayLike = 1.0,
    token: ArrayLike | None = None,
    resale: ArrayLike = 1.0,
    repairs: ArrayLike = 0,
    deaths: ArrayLike = 0,
    slashes: ArrayLike = 0,
) -> Paths:
    """One path by hand; what is one number stays that number. `rate` has a value a month."""
    n_months = np.size(rate)

    def months(values: ArrayLike, n: int, kind: type = float) -> NDArray[Any]:
        return np.broadcast_to(np.asarray(values, dtype=kind).reshape(-1, 1), (n, 1))

    return Paths(
        token=None if token is None else months(token, n_months + 1),
        market=None,
        resale=months(resale, n_months + 1),
        rate_usd_per_hour=months(rate, n_months),
        utilization=months(utilization, n_months),
        repairs=months(repairs, n_months, np.uint16),
        deaths=months(deaths, n_months, np.uint16),
        slashes=months(slashes, n_months, np.uint16),
        block_weeks=None,
    )


def wild_paths(seed: int, *, n_months: int = N_MONTHS, n_paths: int = N_PATHS) -> Paths:
    """Months in which prices move by factors, cards fail often and some months earn nothing."""
    rng = np.random.default_rng(seed)

    def growth(volatility: float) -> Floats:
        steps = rng.normal(0, volatility, (n_months, n_paths))
        return np.exp(np.vstack([np.zeros((1, n_paths)), np.cumsum(steps, axis=0)]))

    def events(per_month: float) -> NDArray[np.uint16]:
        return rng.poisson(per_month, (n_months, n_paths)).astype(np.uint16)

    return Paths(
        token=growth(0.4),
        market=None,
        resale=growth(0.1),
        rate_usd_per_hour=rng.uniform(0, 1, (n_months, n_paths)),
        utilization=rng.uniform(0, 1, (n_months, n_paths)) * rng.integers(0, 2, (n_months, 1)),
        repairs=events(0.3),
        deaths=events(0.3),
        slashes=events(0.2),
        block_weeks=None,
    )


def amounts(low: float, high: float) -> st.SearchStrategy[float]:
    """Figures as people state them: a thousandth of the range is the smallest step."""
    return st.integers(0, 1_000).map(lambda k: low + (high - low) * k / 1_000)


rigs = st.builds(
    Rig,
    gpu_count=st.integers(1, 4),
    gpu_usd=amounts(0, 5_000),
    host_usd=amounts(0, 1_000),
    resale_usd=amounts(0, 5_000),
    selling_cost=amounts(0, 0.5),
    load_w=amounts(100, 700),
    idle_w=amounts(0, 100),
    host_load_w=amounts(60, 200),
    host_idle_w=amounts(0, 60),
    psu_efficiency=amounts(0.7, 1),
    pue=amounts(1, 1.5),
    tariff_usd_per_kwh=amounts(0, 1),
    tariff_escalation_per_year=amounts(-0.2, 0.3),
    fixed_usd_per_month=amounts(0, 300),
    availability=amounts(0, 1),
    repair_usd=amounts(0, 1_000),
    failure_downtime_days=amounts(0, 60),
    replace_dead=st.booleans(),
    speed=amounts(0.5, 1),
)
venues = st.builds(
    Venue,
    payout=st.sampled_from(["usd", "usd-quoted", "token-quoted", "emission-share"]),
    platform_fee=amounts(0, 0.5),
    token_trade_cost=amounts(0, 0.05),
    tokens_per_week=amounts(0, 100),
    availability_tokens_per_week=amounts(0, 10),
    pool_tokens_per_month=amounts(0, 1e6),
    pool_decline_per_month=amounts(0, 0.1),
    pool_share=amounts(0, 1e-3),
    network_growth_per_year=amounts(-0.5, 2),
    collateral_tokens=amounts(0, 1_000),
    slash_fraction=amounts(0, 1),
)
policies = st.builds(
    Policy,
    sell_share=amounts(0, 1),
    staking_yield_per_year=amounts(0, 0.5),
    switch_off=st.booleans(),
    sell_rig=st.booleans(),
)
taxes = st.builds(
    Taxes,
    income=amounts(0, 0.5),
    gains=amounts(0, 0.5),
    depreciation_months=st.integers(1, 2 * N_MONTHS),
)
loans = st.none() | st.builds(
    Loan,
    share_of_cost=amounts(0, 1),
    rate_per_year=amounts(0, 0.5),
    n_months=st.integers(1, 2 * N_MONTHS),
)


def books(rig: Rig, venue: Venue, paths: Paths, policy: Policy | None = None, **how: Any) -> Ledger:
    """Rent with 10,000 USD and a token at 2 USD, unless `how` says otherwise."""
    usual: dict[str, Any] = {
        "capital_usd": 10_000,
        "token_price_usd": 2.0,
        "policy": policy or Policy(),
    }
    return rent(rig, venue, paths, **(usual | how))


def wealth_by_hand(
    rig: Rig,
    venue: Venue,
    paths: Paths,
    path: int,
    *,
    capital: float,
    price: float,
    policy: Policy,
    interest: float,
    taxes: Taxes,
    loan: Loan | None,
) -> Iterator[float]:
    """An accountant's books of one path: wealth at the start and after each month."""
    assert paths.token is not None
    prices = [price * float(growth) for growth in paths.token[:, path]]
    left = 1 - venue.token_trade_cost  # of a token that is sold; one that is bought costs 1 / left
    cards, locked, kept, basis = float(rig.gpu_count), venue.collateral_tokens, 0.0, 0.0
    cost = rig.gpu_count * (rig.gpu_usd + rig.host_usd)
    debt = 0.0 if loan is None else loan.share_of_cost * cost
    instalment = 0.0 if loan is None else debt * _instalment_per_dollar(loan)
    cash = capital - cost - locked * prices[0] / left + debt
    yield cash + locked * prices[0] * left + cards * rig.resale_usd * (1 - rig.selling_cost) - debt
    owned, worthwhile = True, True
    nets: list[float] = []
    for month in range(paths.n_months):
        today = prices[month + 1]
        card_usd = rig.resale_usd * float(paths.resale[month + 1, path])
        tariff = rig.tariff_usd_per_kwh * (1 + rig.tariff_escalation_per_year) ** (month / 12)
        rented_share = float(paths.utilization[month, path])
        rate = float(paths.rate_usd_per_hour[month, path])
        cash *= (1 + interest) ** (1 / 12)
        kept *= (1 + policy.staking_yield_per_year) ** (1 / 12)
        paid, net = 0.0, 0.0
        if owned:
            repairs, deaths, slashes = (
                int(each[month, path]) for each in (paths.repairs, paths.deaths, paths.slashes)
            )
            before, failures = cards, repairs + (deaths if rig.replace_dead else 0)
            if rig.replace_dead:
                net -= deaths * card_usd
            else:
                cards = max(cards - deaths, 0.0)
            locked *= (1 - venue.slash_fraction) ** slashes
            if before > 0:
                released = locked * (before - cards) / before
                locked -= released
                cash += released * today * left
            hours_down = min(failures * rig.failure_downtime_days * 24 / rig.gpu_count / HOURS, 1)
            online = HOURS * rig.availability * (1 - hours_down)
            running = cards if worthwhile or not policy.switch_off else 0.0
            paid = running * _income(venue, rig, month, online, online * rented_share, rate, today)
            paid *= 1 - venue.platform_fee
            net += paid - running * tariff * _kwh(rig, online * rented_share)
            if cards > 0:
                net -= rig.fixed_usd_per_month + repairs * rig.repair_usd
        # whether a card that never fails would have paid for its power decides on the next month
        online = HOURS * rig.availability
        income = _income(venue, rig, month, online, online * rented_share, rate, today)
        income *= (1 - venue.platform_fee) * (1.0 if venue.payout == "usd" else left)
        worthwhile = income > tariff * _kwh(rig, online * rented_share)
        depreciation = cost / taxes.depreciation_months * (month < taxes.depreciation_months)
        cash += net - taxes.income * max(net - depreciation, 0)
        if venue.payout != "usd":
            cash -= paid * (1 - policy.sell_share * left)
            kept += paid * (1 - policy.sell_share) / today
            basis += paid * (1 - policy.sell_share)
        due = 0.0 if loan is None else debt * (1 + loan.rate_per_year) ** (1 / 12)
        paid_back = instalment if loan is not None and month < loan.n_months else 0.0
        cash, debt = cash - paid_back, due - paid_back
        last = month == paths.n_months - 1
        if last:
            cash -= taxes.gains * max(kept * today * left - basis, 0)
        nets.append(net)
        if owned and policy.sell_rig and month >= 2 and not last and sum(nets[-3:]) < 0:
            cash += cards * card_usd * (1 - rig.selling_cost) + locked * today * left
            owned, cards, locked = False, 0.0, 0.0
        hardware = cards * card_usd * (1 - rig.selling_cost)
        yield cash + (kept + locked) * today * left + hardware - debt


def _income(
    venue: Venue, rig: Rig, month: int, online: float, rented: float, rate: float, price: float
) -> float:
    """What a venue owes for a card's month, before its fee."""
    if venue.payout == "token-quoted":
        tokens = rented * venue.tokens_per_week * rig.speed
        return (tokens + online * venue.availability_tokens_per_week) / 168 * price
    income = rented * rate * rig.speed
    if venue.payout == "emission-share":
        issued = venue.pool_tokens_per_month * (1 - venue.pool_decline_per_month) ** month
        share = venue.pool_share / (1 + venue.network_growth_per_year) ** (month / 12)
        income += issued * share * online / HOURS * rig.speed * price
    return income


def _kwh(rig: Rig, rented: float) -> float:
    """What the meter counts for a card's month, rented for so many hours and idle otherwise."""
    watt_hours = rented * (rig.load_w + rig.host_load_w)
    watt_hours += (HOURS - rented) * (rig.idle_w + rig.host_idle_w)
    return watt_hours / 1_000 / rig.psu_efficiency * rig.pue


def _instalment_per_dollar(loan: Loan) -> float:
    rate = (1 + loan.rate_per_year) ** (1 / 12) - 1
    return rate / (1 - (1 + rate) ** -loan.n_months) if rate else 1 / loan.n_months
