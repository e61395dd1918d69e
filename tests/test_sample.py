"""The simulated market: what it looks like, what is true of it, and how it is kept."""

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.api import OLS, add_constant

from research import catalogue, sample
from research import market as simulated
from research.config import settings
from research.errors import StoreError
from research.store import Store

TOKENS = [name for name in simulated.NETWORKS if name in catalogue.load().networks]
LAGS = range(-4, 5)  # weeks
BTC = [33_500.0, 33_376.2, 35_029.2]  # USD, the first days of the default seed
HOURS = [3_393.15, 3_507.84, 3_174.39]  # GPU-hours


@pytest.fixture(scope="module")
def market() -> pd.DataFrame:
    return simulated.observations()


@pytest.fixture(scope="module")
def wide(market: pd.DataFrame) -> pd.DataFrame:
    """Days down, series across, gaps as NaN."""
    return market.pivot_table(index="date", columns="series", values="value").asfreq("D")


@pytest.fixture(scope="module")
def weekly(wide: pd.DataFrame) -> pd.DataFrame:
    """Log growth from Sunday to Sunday of prices and stocks."""
    sundays = wide[pd.DatetimeIndex(wide.index).day_of_week == 6]
    return sundays.apply(np.log).diff()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("RESEARCH_CACHE", str(tmp_path / "cache"))
    settings.cache_clear()
    yield tmp_path / "cache"
    settings.cache_clear()


def regress(
    weekly: pd.DataFrame, network: str, demand: str, lag: int, *, market: bool = True
) -> tuple[float, float, float]:
    """Return the slope of the price's return on the growth of demand `lag` weeks before.

    With its 95 % interval (HC3); Bitcoin's return stands beside it where `market` is true.
    """
    table = pd.DataFrame(
        {
            "growth": weekly[f"{network}.{demand}"].shift(lag),
            "returns": weekly[f"{network}.price_usd"],
            "btc": weekly["btc.price_usd"],
        }
    ).dropna()
    regressors = table[["growth", "btc"]] if market else table[["growth"]]
    fit = OLS(table["returns"], add_constant(regressors)).fit(cov_type="HC3")
    low, high = fit.conf_int().loc["growth"]
    return float(fit.params["growth"]), float(low), float(high)


def correlation(x: pd.Series, y: pd.Series) -> float:
    both = pd.concat([x, y], axis=1).dropna()
    return float(np.corrcoef(both.to_numpy().T)[0, 1])


# What it looks like


def test_the_same_seed_gives_the_same_bytes(market: pd.DataFrame) -> None:
    again = simulated.observations()
    assert again["value"].to_numpy().tobytes() == market["value"].to_numpy().tobytes()
    pd.testing.assert_frame_equal(again, market, check_exact=True)


def test_another_seed_gives_other_prices_of_the_same_days(market: pd.DataFrame) -> None:
    other = simulated.observations(simulated.SEED + 1)
    rows = [table[table["series"] == "akash.price_usd"] for table in (market, other)]
    assert list(rows[0]["date"]) == list(rows[1]["date"])
    assert (rows[0]["value"].to_numpy()[1:-1] != rows[1]["value"].to_numpy()[1:-1]).all()


def test_the_first_numbers_are_those_of_every_machine(wide: pd.DataFrame) -> None:
    assert wide["btc.price_usd"].iloc[:3].tolist() == BTC
    assert wide["akash.gpu_hours"].iloc[:3].tolist() == HOURS


def test_every_row_says_that_it_is_simulated(market: pd.DataFrame) -> None:
    assert set(market["kind"]) == {"simulated"}
    assert set(market["source"]) == {f"simulated market, seed {simulated.SEED}"}


def test_a_network_without_public_data_has_no_series_and_every_other_has_a_price(
    wide: pd.DataFrame,
) -> None:
    networks = catalogue.load().networks.values()
    without = [x.id for x in networks if f"{x.id}.price_usd" not in wide]
    assert without == [x.id for x in networks if x.status == "no-public-data"]
    assert "kazam" in without
    assert not wide.columns.str.startswith("kazam.").any()


def test_it_lasts_five_years_and_tokens_begin_when_they_were_listed(wide: pd.DataFrame) -> None:
    prices = wide.filter(like=".price_usd")
    assert prices.index[0] == pd.Timestamp("2021-07-01")
    assert prices.index[-1] == pd.Timestamp("2026-06-30")
    first = prices.apply(lambda x: x.first_valid_index().date().isoformat())
    assert first["akash.price_usd"] == "2021-07-01"
    assert first["io-net.price_usd"] == "2024-06-11"
    assert first["aethir.price_usd"] == "2024-06-13"


def test_units_and_bounds_are_those_of_the_catalogue(market: pd.DataFrame) -> None:
    measures = catalogue.load().measures
    for name, rows in market.groupby(market["series"].str.partition(".")[2]):
        measure = measures[str(name)]
        assert set(rows["unit"]) == {measure.unit}
        assert rows["value"].min() > (-math.inf if measure.low is None else measure.low)
        assert rows["value"].max() <= (math.inf if measure.high is None else measure.high)


def test_a_figure_is_known_hours_after_its_day_at_most_a_day_later(market: pd.DataFrame) -> None:
    end = (market["date"] + pd.Timedelta(days=1)).dt.tz_localize("UTC")
    lag = market["known_at"] - end
    assert lag[market["series"].str.endswith("price_usd")].unique() == pd.Timedelta(hours=1)
    assert lag.max() == pd.Timedelta(days=1)


def test_tokens_are_as_volatile_as_real_ones(wide: pd.DataFrame) -> None:
    for name in TOKENS:
        returns = np.log(wide[f"{name}.price_usd"]).diff()
        assert 1.0 < returns.std() * math.sqrt(365) < 1.55, name
        assert returns.kurt() > 1, name  # fat tails
        assert returns.abs().autocorr(1) > 0.05, name  # volatility clusters
    btc = np.log(wide["btc.price_usd"]).diff()
    assert btc.std() * math.sqrt(365) == pytest.approx(0.60, abs=0.08)


def test_tokens_fall_as_deep_as_real_ones(wide: pd.DataFrame) -> None:
    prices = wide[[f"{name}.price_usd" for name in TOKENS]]
    worst = (prices / prices.cummax() - 1).min()
    assert worst.between(-0.99, -0.80).all()
    assert worst["akash.price_usd"] < -0.90


def test_tokens_move_with_bitcoin_as_stated(weekly: pd.DataFrame) -> None:
    btc = weekly["btc.price_usd"]
    for name, stated in {"io-net": 0.79, "render": 0.44, "akash": 0.43}.items():
        found = correlation(weekly[f"{name}.price_usd"], btc)
        assert found == pytest.approx(stated, abs=0.12), name
    assert correlation(weekly["eth.price_usd"], btc) == pytest.approx(0.81, abs=0.06)


def test_volatility_is_shared(wide: pd.DataFrame) -> None:
    sessions = wide[["btc.price_usd", "sp500.price_usd"]].dropna()
    moves = sessions.apply(np.log).diff().abs().rolling(20).mean()
    assert correlation(moves["btc.price_usd"], moves["sp500.price_usd"]) > 0.3


def test_gaps_are_left_open(wide: pd.DataFrame, market: pd.DataFrame) -> None:
    render = wide["render.price_usd"]
    assert [str(day.date()) for day in render.index[render.isna()]] == [
        "2024-07-22",
        "2024-07-23",
        "2024-07-24",
    ]
    assert wide["golem.price_usd"].isna().sum() == 88
    hours = wide["akash.gpu_hours"]
    assert 1 <= hours.isna().sum() <= 20
    assert market["value"].notna().all()


def test_shares_have_no_price_on_weekends_and_bitcoin_has(wide: pd.DataFrame) -> None:
    weekend = wide[pd.DatetimeIndex(wide.index).day_of_week >= 5]
    assert weekend[["nvda.price_usd", "sp500.price_usd"]].isna().all(axis=None)
    assert wide["btc.price_usd"].notna().all()
    sessions = wide["nvda.price_usd"].notna().sum()
    assert sessions == wide["sp500.price_usd"].notna().sum() == 1294


def test_every_card_with_a_known_rate_has_one_from_its_announcement_at_that_level(
    wide: pd.DataFrame,
) -> None:
    for gpu in catalogue.load().gpus.values():
        assert (figure := gpu.rate_usd_per_hour) is not None
        rate = wide[f"{gpu.id}.rate_usd_per_hour"]
        assert rate[: pd.Timestamp(figure.date)].iloc[-1] == pytest.approx(figure.value, rel=1e-5)
        before = rate.index < pd.Timestamp(gpu.announced)
        assert rate[before].isna().all()
        assert rate[~before].notna().mean() > 0.98


def test_use_adds_up(wide: pd.DataFrame) -> None:
    active, total = wide["akash.gpus_active"], wide["akash.gpus_total"]
    assert (total >= active)[active.notna()].all()
    assert (active / total - wide["akash.utilization"]).abs().max() < 1e-6
    assert (wide["akash.gpu_hours"] <= 24 * active)[active.notna()].all()


def test_each_series_is_drawn_apart_so_that_a_network_more_changes_no_other(
    market: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.toml").write_text(
        '[networks.another]\nname = "Another"\nsymbol = "ANO"\nstatus = "listed"\n'
        'role = "reference"\nchain = "its own"\nprimary_use = "none"\nsource = "a test"\n'
        'date = 2026-01-01\ngrade = "D"\n',
        encoding="utf-8",
    )
    monkeypatch.setenv("RESEARCH_CATALOGUE", str(tmp_path))
    settings.cache_clear()
    try:
        more = simulated.observations()
        assert simulated.truth().links["another"] == "no measure of use"
    finally:
        monkeypatch.undo()
        settings.cache_clear()
    is_new = more["series"].str.startswith("another.")
    assert set(more["series"][is_new]) == {"another.price_usd"}
    pd.testing.assert_frame_equal(more[~is_new].reset_index(drop=True), market, check_exact=True)


# What is true of it


def test_the_truth_names_each_link() -> None:
    truth = simulated.truth()
    assert truth.unlisted == ("kazam",)
    assert truth.links["akash"] == "use leads price"
    assert (truth.prices["akash"].elasticity, truth.prices["akash"].lag_weeks) == (0.9, 2)
    assert truth.links["render"] == "both follow the market"
    assert truth.links["io-net"] == "moved by the price itself"
    assert truth.links["golem"] == "unrelated"
    assert truth.links["bittensor"] == "no measure of use"


@pytest.mark.parametrize("demand", ["gpu_hours", "gpus_active"])
def test_in_akash_use_leads_the_price_by_two_weeks_with_the_stated_elasticity(
    wide: pd.DataFrame, weekly: pd.DataFrame, demand: str
) -> None:
    growth = weekly.copy()
    if demand == "gpu_hours":  # a flow: the week's sum, none where a day is missing
        hours = wide["akash.gpu_hours"].rolling(7).sum()
        growth["akash.gpu_hours"] = np.log(hours.reindex(weekly.index)).diff()
    assert growth[f"akash.{demand}"].count() > 200
    slope, low, high = regress(growth, "akash", demand, lag=2)
    assert low < 0.9 < high
    assert slope == pytest.approx(0.9, abs=0.25)
    assert low > 0.5
    for lag in set(LAGS) - {2}:
        slope, low, high = regress(growth, "akash", demand, lag)
        assert abs(slope) < 0.35, lag
        assert low < 0.1, lag
        assert high > -0.1, lag


def test_in_render_use_and_price_share_bitcoin_and_nothing_else(weekly: pd.DataFrame) -> None:
    _, low, _ = regress(weekly, "render", "gpus_active", lag=0, market=False)
    assert low > 0  # it looks like a link
    _, low, high = regress(weekly, "render", "gpus_active", lag=0)
    assert low < 0 < high
    assert correlation(weekly["render.gpus_active"], weekly["btc.price_usd"]) > 0.6


def test_the_only_demand_of_io_net_is_moved_by_the_price_itself(
    wide: pd.DataFrame, weekly: pd.DataFrame
) -> None:
    measures = catalogue.load().measures
    of_demand = {
        name
        for name in wide.filter(regex=r"^io-net\.").columns.str.partition(".").get_level_values(2)
        if measures[name].demand_class is not None
    }
    assert {measures[name].demand_class for name in of_demand} == {"C"}
    valued, price = "io-net.spend_token_valued_usd", "io-net.price_usd"
    assert correlation(weekly[valued], weekly[price]) > 0.5
    tokens = weekly[valued] - weekly[price]  # in tokens, the link is gone
    assert abs(correlation(tokens, weekly[price])) < 0.2


def test_burned_tokens_are_what_was_spent_over_the_price(wide: pd.DataFrame) -> None:
    spend = wide["render.tokens_burned"] * wide["render.price_usd"] / 0.95
    both = pd.concat([spend, wide["render.spend_usd"]], axis=1).dropna()
    assert str(both.index[0].date()) >= "2023-12-20"
    assert np.allclose(both.iloc[:, 0], both.iloc[:, 1], rtol=1e-5)


def test_every_price_has_a_part_of_its_own(wide: pd.DataFrame) -> None:
    names = [f"{name}.price_usd" for name in simulated.truth().prices]
    together = wide[names].apply(np.log).diff().corr().to_numpy()
    assert together[~np.eye(len(names), dtype=bool)].max() < 0.9


# How it is kept


def test_a_store_and_the_truth_beside_it_are_made(market: pd.DataFrame, tmp_path: Path) -> None:
    folder = sample.make(tmp_path / "market")
    assert folder == tmp_path / "market" / "store"
    rows = Store(str(folder)).read()
    assert len(rows) == len(market)
    assert set(rows["kind"]) == {"simulated"}
    written = json.loads((folder.parent / "truth.json").read_text(encoding="utf-8"))
    assert written["seed"] == simulated.SEED
    assert written["prices"]["akash"]["elasticity"] == 0.9
    assert written["prices"]["akash"]["lag_weeks"] == 2
    assert written["links"]["render"] == "both follow the market"
    assert [path.name for path in tmp_path.iterdir()] == ["market"]


def test_a_market_is_not_written_over_something_else(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("keep", encoding="utf-8")
    with pytest.raises(StoreError, match="holds something else; name a new folder"):
        sample.make(tmp_path / "notes")
    assert [path.name for path in (tmp_path / "notes").iterdir()] == ["mine.txt"]
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]


def test_the_default_store_is_made_once_and_found_again_at_once(cache: Path) -> None:
    made = sample.store()
    written = Path(made).stat().st_mtime_ns
    start = time.perf_counter()
    assert sample.store() == made
    assert time.perf_counter() - start < 0.25  # milliseconds, with room for a busy machine
    assert Path(made).stat().st_mtime_ns == written
    assert Path(made).parent.parent == cache
    assert Store(made).version() == 0


def test_a_change_makes_a_new_market_and_what_nobody_reads_any_more_is_removed(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    yesterday, just_now = cache / "sample-0000000000000000", cache / "sample-1111111111111111"
    for folder in (yesterday, just_now):
        (folder / "store").mkdir(parents=True)
    long_ago = time.time() - 2 * 86_400
    os.utime(yesterday, (long_ago, long_ago))
    first = sample.store()
    assert not yesterday.exists()
    assert just_now.exists()  # another process may still be reading it
    monkeypatch.setattr(sample, "SEED", 7)
    assert sample.store() != first


def test_two_processes_at_once_make_one_market(cache: Path) -> None:
    command = [sys.executable, "-c", "from research import sample; print(sample.store())"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=120)[0].strip() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert said[0] == said[1]
    assert Store(said[0]).version() == 0
    assert [path.name for path in cache.iterdir()] == [Path(said[0]).parent.name]


def test_a_cache_that_cannot_be_written_is_refused_with_what_to_do(cache: Path) -> None:
    cache.write_text("not a folder", encoding="utf-8")
    with pytest.raises(StoreError, match="set RESEARCH_CACHE to one"):
        sample.store()
