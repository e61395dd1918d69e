from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from research.errors import DataError, InsufficientDataError
from research.models.bootstrap import (
    WEEKS_PER_YEAR,
    Resampler,
    _drift_shift,
    _normal_score,
    block_weeks,
    fit_resampler,
    latest_regime,
    shrunk_drift,
    weekly_log_returns,
)

FIRST_SUNDAY = "2024-01-07"


def generator(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


def sundays(n_weeks: int, seed: int = 0) -> pd.DataFrame:
    """Some weekly returns of a token; the first week ends on 7 January 2024."""
    index = pd.date_range(FIRST_SUNDAY, periods=n_weeks, freq="W-SUN", tz="UTC")
    returns = np.random.default_rng(seed).normal(0, 0.1, n_weeks)
    return pd.DataFrame({"token": returns}, index=index)


def daily_prices(n_days: int = 29, growth: float = 0.01) -> pd.DataFrame:
    """Closes from Sunday, 7 January 2024, that grow by `growth` a day, in logarithms."""
    index = pd.date_range(FIRST_SUNDAY, periods=n_days, freq="D", tz="UTC")
    return pd.DataFrame({"token": np.exp(growth * np.arange(n_days))}, index=index)


def week_by_week(columns: dict[str, NDArray[Any]], block: float, n_weeks: int) -> Resampler:
    """A resampler whose months are weeks, so that every drawn row can be seen."""
    return Resampler(
        weeks=columns,
        shift={name: np.zeros(n_weeks) for name in columns},
        month_ends=np.arange(1, n_weeks + 1),
        block_weeks=block,
        demand_token_correlation=0.0,
    )


def drawn_rows(n_history: int, block: float, n_weeks: int, size: int) -> NDArray[np.int64]:
    """Which rows of a history the bootstrap takes, (n_weeks, size)."""
    labels = (np.arange(n_history) + 1) * 1e-3  # a row's return tells which row it is
    growth, _ = week_by_week({"token": labels}, block, n_weeks).draw(size, generator())
    return np.rint(np.diff(np.log(growth["token"]), axis=0) * 1e3).astype(int) - 1


# weekly returns


def test_a_week_runs_from_one_sunday_close_to_the_next() -> None:
    returns = weekly_log_returns(daily_prices())
    assert returns["token"].to_list() == pytest.approx([0.07] * 4)
    assert [day.date() for day in returns.index] == [
        dt.date(2024, 1, day) for day in (14, 21, 28)
    ] + [dt.date(2024, 2, 4)]


def test_a_missing_sunday_costs_the_weeks_on_both_sides_and_is_not_bridged() -> None:
    prices = daily_prices()
    prices.iloc[14] = np.nan
    returns = weekly_log_returns(prices)
    assert [day.day for day in returns.index] == [14, 4]
    assert returns["token"].to_list() == pytest.approx([0.07] * 2)


def test_a_day_that_is_absent_counts_as_missing() -> None:
    prices = daily_prices()
    returns = weekly_log_returns(prices.drop(prices.index[14]))
    assert [day.day for day in returns.index] == [14, 4]


def test_a_gap_within_a_week_changes_nothing() -> None:
    prices = daily_prices()
    full = weekly_log_returns(prices)
    prices.iloc[8:13] = np.nan
    pd.testing.assert_frame_equal(weekly_log_returns(prices), full)


def test_a_week_counts_only_if_all_columns_have_it() -> None:
    prices = daily_prices().assign(market=daily_prices(growth=0.002)["token"])
    prices.iloc[0, 1] = np.nan
    returns = weekly_log_returns(prices)
    assert [day.day for day in returns.index] == [21, 28, 4]
    assert returns["market"].to_list() == pytest.approx([0.014] * 3)


@pytest.mark.parametrize("price", [0.0, -1.0])
def test_a_price_that_cannot_be_is_refused(price: float) -> None:
    prices = daily_prices()
    prices.iloc[3] = price
    with pytest.raises(DataError, match="zero or negative"):
        weekly_log_returns(prices)


# regimes


def test_without_a_break_all_weeks_are_used() -> None:
    history = latest_regime(sundays(60), ())
    assert (history.nobs, history.pooled) == (60, ())


def test_a_break_with_enough_weeks_after_it_leaves_the_weeks_before_it_out() -> None:
    weeks = sundays(150)
    history = latest_regime(weeks, (dt.date(2024, 6, 1), dt.date(2025, 1, 5)))
    pd.testing.assert_frame_equal(history.returns, weeks["2025-01-12":])
    assert history.pooled == ()


def test_the_week_of_the_break_belongs_to_neither_regime() -> None:
    on_sunday = latest_regime(sundays(150), (dt.date(2025, 1, 5),)).returns.index[0]
    on_monday = latest_regime(sundays(150), (dt.date(2025, 1, 6),)).returns.index[0]
    assert (on_sunday.date(), on_monday.date()) == (dt.date(2025, 1, 12), dt.date(2025, 1, 19))


def test_a_regime_that_is_too_short_is_pooled_with_the_one_before_and_named() -> None:
    weeks = sundays(150)  # to 15 November 2026
    earlier, latest = dt.date(2024, 6, 1), dt.date(2026, 3, 23)
    history = latest_regime(weeks, (latest, earlier))
    assert history.returns.index[0].date() == dt.date(2024, 6, 9)
    assert history.pooled == (latest,)


def test_all_breaks_are_named_in_order_when_even_the_first_regime_is_needed() -> None:
    first, second = dt.date(2024, 3, 1), dt.date(2024, 6, 1)
    history = latest_regime(sundays(54), (second, first))
    assert (history.nobs, history.pooled) == (54, (first, second))


def test_a_break_within_the_first_week_is_named_when_that_week_is_needed() -> None:
    history = latest_regime(sundays(52), (dt.date(2024, 1, 3),))
    assert (history.nobs, history.pooled) == (52, (dt.date(2024, 1, 3),))


def test_a_break_on_the_last_day_is_named_since_no_week_comes_after_it() -> None:
    last = sundays(60).index[-1].date()
    assert latest_regime(sundays(60), (last,)).pooled == (last,)


@pytest.mark.parametrize("outside", [dt.date(2023, 12, 1), dt.date(2030, 1, 1)])
def test_a_break_before_or_after_all_weeks_plays_no_part(outside: dt.date) -> None:
    history = latest_regime(sundays(60), (outside,))
    assert (history.nobs, history.pooled) == (60, ())


def test_no_weeks_stay_no_weeks() -> None:
    history = latest_regime(sundays(0), (dt.date(2024, 6, 1),))
    assert (history.nobs, history.pooled) == (0, ())


# block length


def test_independent_weeks_take_the_shortest_block_and_trending_weeks_the_longest() -> None:
    noise = np.random.default_rng(0).normal(size=(2, 300))
    index = sundays(300).index
    independent = pd.DataFrame({"token": noise[0]}, index=index)
    trending = pd.DataFrame({"token": np.cumsum(noise[1])}, index=index)
    assert block_weeks(independent) == 4.0
    assert block_weeks(trending) == 26.0


def test_one_persistent_column_lengthens_the_block_of_all() -> None:
    noise = np.random.default_rng(3).normal(size=(2, 20_000))
    persistent = np.empty(20_000)
    persistent[0] = noise[1, 0]
    for week in range(1, 20_000):
        persistent[week] = 0.3 * persistent[week - 1] + noise[1, week]
    frame = pd.DataFrame({"token": noise[0], "market": persistent})
    # closed form for an AR(1): (2 rho / (1 - rho^2))^(2/3) n^(1/3)
    assert block_weeks(frame) == pytest.approx((0.6 / 0.91) ** (2 / 3) * 20_000 ** (1 / 3), rel=0.1)


# the draws


def test_blocks_have_the_stated_mean_length() -> None:
    n_history, block = 200, 5.0
    rows = drawn_rows(n_history, block, n_weeks=100, size=2_000)
    continued = (rows[1:] == (rows[:-1] + 1) % n_history).mean()
    by_chance = 1 / (block * n_history)
    assert continued == pytest.approx(1 - 1 / block + by_chance, abs=4 * 0.4 / np.sqrt(rows.size))


def test_a_block_that_reaches_the_last_week_goes_on_with_the_first() -> None:
    rows = drawn_rows(60, 1e9, n_weeks=130, size=50)
    np.testing.assert_array_equal(rows, (rows[0] + np.arange(130)[:, None]) % 60)


def test_every_week_is_as_likely_as_any_other() -> None:
    rows = drawn_rows(64, 4.0, n_weeks=50, size=20_000)
    expected = 20_000 / 64
    for week in (0, 7, 49):
        counts = np.bincount(rows[week], minlength=64)
        assert ((counts - expected) ** 2 / expected).sum() < 112  # chi-square, 63 df, 1 in 10,000


def test_columns_are_drawn_from_the_same_week_so_that_a_crash_of_both_stays_one() -> None:
    crash = 17
    token, market = np.random.default_rng(0).normal(0, 0.05, (2, 80))
    token[crash], market[crash] = -0.9, -0.5
    columns = {"token": token, "market": market}
    growth, _ = week_by_week(columns, 4.0, 52).draw(500, generator())
    fallen = {name: np.diff(np.log(each), axis=0) for name, each in growth.items()}
    crashed = fallen["token"] < -0.89
    assert crashed.any()
    np.testing.assert_array_equal(crashed, fallen["market"] < -0.49)
    assert np.corrcoef(fallen["token"].ravel(), fallen["market"].ravel())[0, 1] == pytest.approx(
        np.corrcoef(token, market)[0, 1], abs=0.02
    )


def test_worlds_share_the_paths_in_order_and_each_draws_from_its_own_weeks() -> None:
    low, high = np.full(60, -0.1), np.full(60, 0.1)
    worlds = Resampler(
        weeks={"token": np.stack([low, high])},
        shift={"token": np.zeros((2, 4))},
        month_ends=np.array([4]),
        block_weeks=4.0,
        demand_token_correlation=0.0,
    )
    growth, _ = worlds.draw(6, generator())
    np.testing.assert_allclose(np.log(growth["token"][1]), [-0.4, -0.4, -0.4, 0.4, 0.4, 0.4])


def test_months_are_whole_weeks_that_keep_pace_with_the_year() -> None:
    ends = fit_resampler(
        sundays(60), n_months=120, drift="zero", risk_free_per_year=0.0
    ).month_ends.tolist()
    assert [ends[month - 1] for month in (1, 12, 36, 120)] == [4, 52, 156, 521]  # 3,650 days / 7
    assert set(np.diff([0, *ends])) == {4, 5}
    assert max(abs(end * 7 - 365 / 12 * month) for month, end in enumerate(ends, 1)) <= 3.5


def test_a_month_is_the_sum_of_its_weeks() -> None:
    weeks = sundays(60)["token"].to_numpy()
    monthly = fit_resampler(sundays(60), n_months=2, drift="historical", risk_free_per_year=0.0)
    growth, _ = replace(monthly, block_weeks=1e9).draw(20, generator())  # never restarts
    possible = {
        (round(float(first), 9), round(float(second), 9))
        for start in range(60)
        for path in [np.take(weeks, range(start, start + 9), mode="wrap")]
        for first, second in [(path[:4].sum(), path.sum())]
    }
    ends = np.log(growth["token"][1:]).T
    assert {(round(float(a), 9), round(float(b), 9)) for a, b in ends} <= possible


# drift


@pytest.mark.parametrize("block", [1.0, 2.0, 3.7])
def test_the_expected_growth_is_that_of_all_ways_to_resample(block: float) -> None:
    x, n_weeks = np.array([0.4, -0.7, 0.1]), 4
    expected = np.zeros(n_weeks)
    for restarts in itertools.product([False, True], repeat=n_weeks - 1):
        for rows in itertools.product(range(3), repeat=n_weeks):
            continues = [(a + 1) % 3 == b for a, b in itertools.pairwise(rows)]
            if any(
                not new and not goes_on for new, goes_on in zip(restarts, continues, strict=True)
            ):
                continue  # a block that is not left goes on with the next row
            chance = 1 / 3
            for new in restarts:
                chance *= 1 / block / 3 if new else 1 - 1 / block
            expected += chance * np.exp(np.cumsum(x[list(rows)]))
    shift = _drift_shift(x, n_weeks, block, "zero", 0.0)
    np.testing.assert_allclose(shift, -np.log(expected), rtol=0, atol=1e-13)


def test_zero_drift_means_that_the_expected_price_is_the_price_of_today() -> None:
    weeks = sundays(120) + 0.02  # a history that rose by 180 % a year
    resampler = fit_resampler(weeks, n_months=12, drift="zero", risk_free_per_year=0.0)
    growth, _ = resampler.draw(40_000, generator())
    for month in (1, 5, 12):
        std_error = growth["token"][month].std() / np.sqrt(40_000)
        assert growth["token"][month].mean() == pytest.approx(1, abs=4 * std_error)


def test_zero_drift_of_an_annual_volatility_of_120_percent_loses_in_73_percent_of_years() -> None:
    quantiles = ndtri((np.arange(10_000) + 0.5) / 10_000) * 1.2 / np.sqrt(WEEKS_PER_YEAR)
    weeks = pd.DataFrame({"token": np.random.default_rng(0).permutation(quantiles)})
    resampler = fit_resampler(weeks, n_months=12, drift="zero", risk_free_per_year=0.0)
    year = resampler.draw(40_000, generator())[0]["token"][12]
    # lognormal: median exp(-sigma^2 / 2) = 0.487, P(loss) = Phi(sigma / 2) = 0.726
    assert np.median(year) == pytest.approx(np.exp(-0.72), abs=0.02)
    assert (year < 1).mean() == pytest.approx(ndtr(0.6), abs=0.012)


def test_historical_drift_leaves_the_weeks_as_they_were() -> None:
    weeks = sundays(60)
    resampler = fit_resampler(weeks, n_months=12, drift="historical", risk_free_per_year=0.05)
    growth, _ = resampler.draw(20_000, generator())
    logs = np.log(growth["token"][12])
    assert logs.mean() == pytest.approx(
        52 * weeks["token"].mean(), abs=4 * logs.std() / np.sqrt(20_000)
    )


def test_the_drift_of_render_known_to_61_points_a_year_gets_a_weight_of_0_14() -> None:
    n_weeks = 300
    spread = 0.61 * np.sqrt(n_weeks) / WEEKS_PER_YEAR * np.sqrt((n_weeks - 1) / n_weeks)
    x = 0.6 / WEEKS_PER_YEAR + spread * np.tile([1.0, -1.0], n_weeks // 2)
    historical, risk_free = np.log(np.exp(x).mean()) * WEEKS_PER_YEAR, np.log(1.04)
    weight = (shrunk_drift(x, 0.04) - risk_free) / (historical - risk_free)
    assert weight == pytest.approx(0.0625 / (0.0625 + 0.61**2), rel=1e-9)
    assert round(weight, 2) == 0.14


def test_shrunk_drift_is_the_growth_of_the_expected_price() -> None:
    weeks = sundays(80)
    shift = {
        drift: fit_resampler(weeks, n_months=12, drift=drift, risk_free_per_year=0.04).shift[
            "token"
        ]
        for drift in ("zero", "shrunk")
    }
    per_year = shrunk_drift(weeks["token"].to_numpy(), 0.04)
    np.testing.assert_allclose(
        shift["shrunk"] - shift["zero"], per_year * np.arange(1, 53) / WEEKS_PER_YEAR
    )


# scores


def test_the_scores_of_all_months_of_the_history_are_standard_normal() -> None:
    x = sundays(400)["token"].to_numpy()
    circle = np.concatenate([x, x[:3]])
    windows = np.array([circle[start : start + 4].sum() for start in range(400)])
    scores = _normal_score(windows, x, 4)
    assert scores.mean() == pytest.approx(0, abs=1e-3)
    assert scores.std() == pytest.approx(1, abs=0.01)
    assert (np.diff(scores[np.argsort(windows)]) >= 0).all()


def test_a_month_worse_than_any_before_scores_like_the_worst() -> None:
    x = sundays(100)["token"].to_numpy()
    assert _normal_score(np.array([-9.0, 9.0]), x, 4) == pytest.approx([-2.5758, 2.5758], abs=1e-4)


def test_demand_that_moves_with_the_token_correlates_with_it() -> None:
    weeks = sundays(100)
    weeks["demand"] = 2 * weeks["token"]
    same = fit_resampler(weeks, n_months=1, drift="zero", risk_free_per_year=0.0)
    weeks["demand"] = -weeks["token"]
    opposite = fit_resampler(weeks, n_months=1, drift="zero", risk_free_per_year=0.0)
    assert same.demand_token_correlation == pytest.approx(1)
    assert opposite.demand_token_correlation == pytest.approx(-1)


# refusals


def test_fewer_than_52_joint_weeks_are_refused() -> None:
    with pytest.raises(InsufficientDataError, match=r"simulation of token: 51 joint weeks, 52"):
        fit_resampler(sundays(51), n_months=1, drift="zero", risk_free_per_year=0.0)


def test_a_column_that_hardly_changes_is_refused_by_name() -> None:
    weeks = sundays(60).assign(market=0.0)
    with pytest.raises(InsufficientDataError, match=r"simulation of market: 1 distinct"):
        fit_resampler(weeks, n_months=1, drift="zero", risk_free_per_year=0.0)


def test_without_columns_nothing_is_drawn() -> None:
    resampler = fit_resampler(pd.DataFrame(), n_months=3, drift="zero", risk_free_per_year=0.0)
    assert resampler.draw(5, generator()) == ({}, {})
