from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from research.models.bootstrap import fit_resampler
from research.models.comparison import probability_of_beating
from research.models.flips import Books, Flip, flips, rental_lines
from research.models.holding import hold, hold_cash
from research.models.rental import Ledger, rent
from research.models.rig import PayoutKind, Policy, Rig, Venue
from research.models.scenarios import Paths, Processes, simulate

CAPITAL, PRICE = 2_500.0, 2.0
N_MONTHS, N_PATHS = 24, 2_000
Floats = NDArray[np.float64]


@pytest.fixture(scope="module")
def paths(processes: Processes, weeks: pd.DataFrame) -> Paths:
    return drawn(processes, weeks)


def drawn(processes: Processes, weeks: pd.DataFrame, n_paths: int = N_PATHS) -> Paths:
    dynamics = fit_resampler(weeks, n_months=N_MONTHS, drift="zero", risk_free_per_year=0.04)
    return simulate(dynamics, processes, n_months=N_MONTHS, n_paths=n_paths, seed=1)


def books_of(venue: Venue, sell_share: float = 1.0) -> Books:
    def books(rig: Rig, paths: Paths) -> Ledger:
        return rent(
            rig,
            venue,
            paths,
            capital_usd=CAPITAL,
            token_price_usd=PRICE,
            policy=Policy(sell_share=sell_share),
            cash_yield_per_year=0.04,
        )

    return books


def ends(paths: Paths) -> dict[str, Floats]:
    """What a dollar becomes in the token and in T-bills."""
    assert paths.token is not None
    cash = hold_cash(paths.n_months, yield_per_year=0.04)[-1]
    return {
        "hold": hold(paths.token, trade_cost=0.0025)[-1],
        "t-bill": np.repeat(cash, paths.n_paths),
    }


def found(
    books: Books, rig: Rig, paths: Paths, processes: Processes
) -> dict[tuple[str, str], Flip]:
    all_flips = flips_of(
        books,
        rig,
        paths,
        ends(paths),
        utilization=float(np.mean(processes.utilization_mean)),
        rate_usd_per_hour=float(np.mean(processes.rate_usd_per_hour)),
    )
    return {(flip.input, flip.against): flip for flip in all_flips}


def flips_of(
    books: Books,
    rig: Rig,
    paths: Paths,
    against: dict[str, Floats],
    *,
    utilization: float = 0.6,
    rate_usd_per_hour: float = 0.4,
) -> list[Flip]:
    """Every flip but the token's own where it is not asked for."""
    lines = rental_lines(
        books,
        rig,
        paths,
        capital_usd=CAPITAL,
        utilization=utilization,
        rate_usd_per_hour=rate_usd_per_hour,
    )
    return flips(lines, against)


def chance_ahead(books: Books, rig: Rig, paths: Paths, against: str) -> float:
    wealth = books(rig, paths).wealth_usd[-1] / CAPITAL
    return probability_of_beating(wealth, ends(paths)[against]).value


VENUES = [
    (Venue(payout="usd", platform_fee=0.1), 1.0),
    (Venue(payout="usd-quoted", platform_fee=0.1, token_trade_cost=0.0025), 0.3),
    (Venue(payout="usd-quoted", collateral_tokens=50, slash_fraction=0.25), 1.0),
    (Venue(payout="token-quoted", tokens_per_week=40, availability_tokens_per_week=2), 0.5),
]


@pytest.mark.parametrize("against", ["hold", "t-bill"])
@pytest.mark.parametrize(("venue", "sell_share"), VENUES)
@pytest.mark.parametrize("n_paths", [N_PATHS, 501])
def test_a_flip_put_back_puts_renting_ahead_in_half_of_the_paths(
    rig: Rig,
    processes: Processes,
    weeks: pd.DataFrame,
    venue: Venue,
    sell_share: float,
    against: str,
    n_paths: int,
) -> None:
    paths = drawn(processes, weeks, n_paths)
    books = books_of(venue, sell_share)
    checked = 0
    for (name, other), flip in found(books, rig, paths, processes).items():
        if other != against or flip.value is None or name == "token":
            continue
        rig_there, paths_there = rig, paths
        if name == "utilization":
            ratio = flip.value / processes.utilization_mean
            paths_there = replace(paths, utilization=paths.utilization * ratio)
        elif name == "rate_usd_per_hour":
            ratio = flip.value / processes.rate_usd_per_hour
            paths_there = replace(paths, rate_usd_per_hour=paths.rate_usd_per_hour * ratio)
        else:
            rig_there = replace(rig, tariff_usd_per_kwh=flip.value)
        chance = chance_ahead(books, rig_there, paths_there, against)
        assert chance == pytest.approx(0.5, abs=1 / n_paths), name
        checked += 1
    assert checked > 0


@pytest.mark.parametrize(("venue", "sell_share"), VENUES)
def test_the_token_s_flip_put_back_puts_renting_ahead_in_half_of_the_paths(
    rig: Rig, processes: Processes, paths: Paths, venue: Venue, sell_share: float
) -> None:
    books = books_of(venue, sell_share)
    flip = found(books, rig, paths, processes)["token", "hold"]
    assert paths.token is not None
    assert flip.value is not None
    scaled = np.concatenate([paths.token[:1], flip.value * paths.token[1:]])
    assert chance_ahead(books, rig, replace(paths, token=scaled), "hold") == pytest.approx(
        0.5, abs=1 / N_PATHS
    )


def test_a_rate_that_was_found_by_scaling_is_the_rate_to_simulate_with(
    rig: Rig, processes: Processes, weeks: pd.DataFrame, paths: Paths
) -> None:
    books = books_of(VENUES[0][0])
    flip = found(books, rig, paths, processes)["rate_usd_per_hour", "t-bill"]
    assert flip.value is not None
    there = drawn(replace(processes, rate_usd_per_hour=flip.value), weeks)
    assert chance_ahead(books, rig, there, "t-bill") == pytest.approx(0.5, abs=1 / N_PATHS)


def test_a_utilization_that_was_found_by_scaling_is_nearly_the_one_to_simulate_with(
    rig: Rig, processes: Processes, weeks: pd.DataFrame, paths: Paths
) -> None:
    books = books_of(VENUES[0][0])
    flip = found(books, rig, paths, processes)["utilization", "t-bill"]
    assert flip.value is not None
    there = drawn(replace(processes, utilization_mean=flip.value), weeks)
    assert chance_ahead(books, rig, there, "t-bill") == pytest.approx(0.5, abs=0.03)


def test_without_any_luck_the_flip_against_t_bills_is_the_break_even(rig: Rig) -> None:
    # one month, no path differs: 2,000 USD must come back with interest
    flat = Paths(
        token=np.ones((2, 1)),
        market=None,
        resale=np.ones((2, 1)),
        rate_usd_per_hour=np.full((1, 1), 0.4),
        utilization=np.full((1, 1), 0.6),
        repairs=np.zeros((1, 1)),
        deaths=np.zeros((1, 1)),
        slashes=np.zeros((1, 1)),
        block_weeks=None,
    )
    all_flips = flips_of(
        books_of(Venue(payout="usd")),
        rig,
        flat,
        {"t-bill": hold_cash(1, yield_per_year=0.04)[-1]},
    )
    by_name = {flip.input: flip.value for flip in all_flips}
    needed = 2_000 * 1.04 ** (1 / 12) - 1_260  # a month's net income
    kwh = 730.5 * (0.082 + 0.6 * 0.468) / 0.9
    assert by_name["rate_usd_per_hour"] == pytest.approx((needed + 12 + kwh * 0.15) / 438.3)
    assert by_name["tariff_usd_per_kwh"] is None  # 151 USD do not come in even with free power
    assert by_name["utilization"] is None


def test_the_same_alternatives_are_level_as_they_are(rig: Rig, paths: Paths) -> None:
    books = books_of(Venue(payout="usd"))
    itself = books(rig, paths).wealth_usd[-1] / CAPITAL
    all_flips = flips_of(books, rig, paths, {"itself": itself})
    by_name = {flip.input: flip.value for flip in all_flips}
    assert by_name == {
        "utilization": pytest.approx(0.6),
        "rate_usd_per_hour": pytest.approx(0.4),
        "tariff_usd_per_kwh": pytest.approx(0.15),
    }


@pytest.mark.parametrize(("level", "otherwise"), [(-50.0, "ahead"), (50.0, "behind")])
def test_where_no_value_would_do_the_flip_says_on_which_side_renting_stays(
    rig: Rig, paths: Paths, level: float, otherwise: str
) -> None:
    all_flips = flips_of(
        books_of(Venue(payout="usd")), rig, paths, {"other": np.full(N_PATHS, level)}
    )
    assert {(flip.value, flip.otherwise) for flip in all_flips} == {(None, otherwise)}
    assert {flip.input: flip.tried for flip in all_flips} == {
        "utilization": (0.0, 1.0),
        "rate_usd_per_hour": (0.0, pytest.approx(20 * 0.4)),
        "tariff_usd_per_kwh": (0.0, 5.0),
    }


@pytest.mark.parametrize(
    ("payout", "inputs"),
    [
        ("usd", ["utilization", "rate_usd_per_hour", "tariff_usd_per_kwh"]),
        ("token-quoted", ["utilization", "tariff_usd_per_kwh"]),
    ],
)
def test_a_rate_is_flipped_only_where_it_is_paid(
    rig: Rig, processes: Processes, paths: Paths, payout: PayoutKind, inputs: list[str]
) -> None:
    books = books_of(Venue(payout=payout, tokens_per_week=25))
    names = [name for name, _ in found(books, rig, paths, processes)]
    assert list(dict.fromkeys(names)) == [*inputs, "token"]


def test_a_rig_that_is_never_rented_has_no_utilization_to_scale(
    rig: Rig, processes: Processes, weeks: pd.DataFrame
) -> None:
    never = replace(processes, utilization_mean=0.0)
    names = found(books_of(Venue(payout="usd")), rig, drawn(never, weeks, 50), never)
    assert {name for name, _ in names} == {"tariff_usd_per_kwh", "token"}


def test_a_free_tariff_is_a_fine_place_to_start_from(
    rig: Rig, processes: Processes, paths: Paths
) -> None:
    books = books_of(Venue(payout="usd"))
    free = found(books, replace(rig, tariff_usd_per_kwh=0.0), paths, processes)
    usual = found(books, rig, paths, processes)
    key = "tariff_usd_per_kwh", "hold"
    assert free[key].value == pytest.approx(usual[key].value)


def test_a_token_that_is_not_simulated_is_not_flipped(
    rig: Rig, processes: Processes, paths: Paths
) -> None:
    alone = flips_of(
        books_of(Venue(payout="usd")), rig, replace(paths, token=None), {"t-bill": np.ones(1)}
    )
    assert "token" not in {flip.input for flip in alone}
