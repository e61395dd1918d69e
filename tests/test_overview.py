"""Networks side by side: known levels, changes and multiples, and a dash where nothing is held."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from research import doubts, holdings, overview, profile
from research.errors import NoDataError
from research.holdings import level_and_change
from research.store import Store

LAST = pd.Timestamp("2026-03-01")
SOON = pd.Timestamp("2026-03-02", tz="UTC").as_unit("us")
NOW = dt.datetime(2026, 3, 11, tzinfo=dt.UTC)


def rows(series: str, values: Any, unit: str, source: str = "a test", **other: Any) -> pd.DataFrame:
    """Return daily rows that end on the last day, or every `period_days`."""
    period = other.get("period_days", 1)
    dates = pd.date_range(end=LAST, periods=len(values), freq=f"{period}D")
    return pd.DataFrame(
        {
            "series": series,
            "date": dates,
            "value": values,
            "unit": unit,
            "kind": "vendor",
            "source": source,
            "known_at": SOON,
            "period_days": 1,
        }
        | other
    )


def market(folder: Path, *tables: pd.DataFrame, **run: Any) -> holdings.Market:
    return holdings.read(asked(folder, *tables, **run))


def asked(folder: Path, *tables: pd.DataFrame, **run: Any) -> Any:
    Store(str(folder / "store")).append(pd.concat(tables))
    return SimpleNamespace(**({"until": None, "as_of": NOW, "store": str(folder / "store")} | run))


def daily(values: Any) -> pd.Series[float]:
    return pd.Series(
        np.asarray(values, dtype=float), index=pd.date_range(end=LAST, periods=len(values))
    )


def _absent(cell: Any) -> bool:
    return bool(pd.isna(cell))


def test_a_level_is_the_mean_of_30_days_and_its_change_is_from_the_30_before() -> None:
    level, change = level_and_change(daily([99.0] * 5 + [10.0] * 30 + [12.0] * 30))

    assert level == pytest.approx(12)
    assert change == pytest.approx(0.2)


def test_a_month_without_most_of_its_days_has_no_level() -> None:
    values = daily([10.0] * 60)
    missing = values.drop(values.index[31:55])

    assert level_and_change(missing) == (None, None)
    level, change = level_and_change(values.tail(45))
    assert level == pytest.approx(10)
    assert change is None


def test_weeks_are_enough_for_what_speaks_once_a_week() -> None:
    weeks = pd.Series([7.0] * 4 + [14.0] * 4, pd.date_range(end=LAST, periods=8, freq="7D"))

    level, change = level_and_change(weeks)

    assert level == pytest.approx((7 + 4 * 14) / 5)  # five weeks end within 30 days
    assert change is not None


def test_nothing_is_known_of_an_empty_series() -> None:
    assert level_and_change(daily([])) == (None, None)


def test_price_fall_and_change_of_a_token_are_those_of_its_closes(tmp_path: Path) -> None:
    closes = [2.0, *[4.0] * 10, *[2.0] * 31, 1.0]
    found = overview.networks(market(tmp_path, rows("akash.price_usd", closes, "USD")))

    akash = found.loc["akash"]
    assert akash["price_usd"] == 1.0
    assert akash["drawdown"] == pytest.approx(-0.75)
    assert akash["price_change"] == pytest.approx(-0.5)
    assert akash["price_last"] == LAST.date()
    assert _absent(akash["volatility"])  # too few returns


def test_volatility_is_that_of_daily_returns_over_a_year(tmp_path: Path) -> None:
    closes = np.resize([1.0, 1.1], 401)  # up 10 %, down 9.09 %, and so on
    found = overview.networks(market(tmp_path, rows("akash.price_usd", closes, "USD")))

    returns = np.resize([1.1 - 1, 1 / 1.1 - 1], 364)
    expected = returns.std(ddof=1) * np.sqrt(365)
    assert found.loc["akash", "volatility"] == pytest.approx(expected)


def test_the_fees_multiple_is_capitalisation_by_a_year_of_spending(tmp_path: Path) -> None:
    found = overview.networks(
        market(
            tmp_path,
            rows("akash.market_cap_usd", [365e6], "USD"),
            rows("akash.spend_usd", [10_000.0] * 30, "USD"),
            rows("render.market_cap_usd", [365e6], "USD"),
            rows("render.spend_usd", [70_000.0] * 5, "USD", period_days=7),
            rows("golem.market_cap_usd", [1e6], "USD"),
        )
    )

    assert found.loc["akash", "multiple"] == pytest.approx(100)
    assert found.loc["render", "multiple"] == pytest.approx(100)  # 70,000 a week
    assert _absent(found.loc["golem", "multiple"])


def test_use_is_told_by_a_physical_measure_and_never_by_tokens(tmp_path: Path) -> None:
    found = overview.networks(
        market(
            tmp_path,
            rows("akash.gpus_active", [100.0] * 30 + [150.0] * 30, "GPUs"),
            rows("io-net.spend_token", [5.0] * 60, "tokens"),
            rows("livepeer.compute_hours_cumulative", np.arange(61.0) * 24, "hours"),
        )
    )

    assert found.loc["akash", "demand_measure"] == "gpus_active"
    assert found.loc["akash", "demand_change"] == pytest.approx(0.5)
    assert _absent(found.loc["io-net", "demand"])
    assert found.loc["livepeer", "demand"] == pytest.approx(24)  # added a day
    assert found.loc["livepeer", "demand_unit"] == "hours a day"


def test_the_discount_compares_the_same_card_on_the_network_and_in_the_cloud(
    tmp_path: Path,
) -> None:
    rate = "rtx-4090.rate_usd_per_hour"
    held = market(
        tmp_path,
        rows(rate, [0.40] * 3, "USD per GPU-hour", "vast"),
        rows(rate, [0.30], "USD per GPU-hour", "akash"),
        rows("rtx-4090.rate_cloud_usd_per_hour", [0.60], "USD per GPU-hour"),
    )

    found = overview.networks(held)

    assert found.loc["akash", "discount"] == pytest.approx(0.5)
    assert found.loc["akash", "discount_cards"] == 1
    assert _absent(found.loc["render", "discount"])
    [open_market] = holdings.cards(held).to_dict("records")
    assert open_market["rate"] == 0.40
    assert open_market["discount"] == pytest.approx(1 / 3)


def test_a_rate_that_is_typed_in_rests_on_no_series_and_one_that_was_told_on_its_own(
    tmp_path: Path,
) -> None:
    rate, cloud = "rtx-4090.rate_usd_per_hour", "rtx-4090.rate_cloud_usd_per_hour"
    held = market(
        tmp_path,
        rows(rate, [0.30], "USD per GPU-hour", "akash"),
        rows(cloud, [0.60], "USD per GPU-hour"),
        as_of=dt.datetime(2026, 11, 1, tzinfo=dt.UTC),
    )

    found = holdings.cards(held, "akash").set_index("card")

    assert found.loc["GeForce RTX 4090", "series"] == [rate, cloud]
    typed_in = found[found["source"].str.startswith("catalogue: ")]
    assert len(typed_in) >= 1
    assert holdings.shown(typed_in) == []
    assert holdings.shown(found) == [rate, cloud]


def test_a_network_of_which_nothing_is_held_keeps_its_row(tmp_path: Path) -> None:
    held = market(tmp_path, rows("btc.price_usd", [9.0], "USD"))

    found = overview.networks(held)

    assert overview.sector(held).empty
    assert "(KZM) as of" in (profile.build(held, "kazam").no_data or "")
    assert found.loc["kazam", "status"] == "no-public-data"
    assert found["price_usd"].isna().all()


def test_imported_prices_make_an_unlisted_network_one_like_the_others(tmp_path: Path) -> None:
    held = market(tmp_path, rows("kazam.price_usd", [0.2, 0.1], "USD"))

    assert overview.networks(held).loc["kazam", "price_usd"] == 0.1
    assert profile.build(held, "kazam").no_data is None


def test_the_sector_has_a_column_a_measure_held(tmp_path: Path) -> None:
    held = market(tmp_path, rows("depin.market_cap_usd", [4e9, 5e9], "USD"))

    assert overview.sector(held)["DePIN", "market_cap_usd"].tolist() == [4e9, 5e9]


def test_a_profile_says_the_class_of_each_measure_and_what_is_missing(tmp_path: Path) -> None:
    held = market(
        tmp_path,
        rows("akash.price_usd", [1.0] * 3, "USD"),
        rows("akash.gpu_hours", [24.0] * 30, "GPU-hours"),
        rows("akash.spend_usd", [10.0] * 30, "USD"),
        rows("akash.spend_token", [9.0] * 30, "tokens"),
        rows("akash.gpus_total", [70.0] * 30, "GPUs"),
    )

    found = profile.build(held, "akash")

    classes = dict(zip(found.measures["measure"], found.measures["demand_class"], strict=True))
    named = [classes[name] for name in ("gpu_hours", "spend_usd", "spend_token")]
    assert named == ["physical", "in USD", "moved by the token's price"]
    assert found.group("demand")["measure"].tolist() == ["gpu_hours", "spend_usd", "spend_token"]
    assert found.group("supply")["measure"].tolist() == ["gpus_total"]
    assert "utilization" not in found.held["measure"].tolist()
    assert found.held.set_index("measure").loc["gpu_hours", "age_days"] == 10


def test_an_event_is_not_told_before_it_was_published(tmp_path: Path) -> None:
    held = market(tmp_path, rows("akash.price_usd", [1.0], "USD"))
    later = market(tmp_path, rows("akash.price_usd", [1.0], "USD"), as_of=NOW.replace(month=4))

    assert profile.build(held, "akash").events["kind"].tolist() == ["migration"]
    assert profile.build(later, "akash").events["kind"].tolist() == ["burn-mint", "migration"]


def test_a_source_is_named_with_the_age_of_what_is_shown(tmp_path: Path) -> None:
    held = market(tmp_path, rows("akash.price_usd", [1.0], "USD"))

    origin = held.origin("akash.price_usd")

    assert origin.text == (
        "akash.price_usd (a test); to 2026-03-01; retrieved by 2026-03-02 00:00; kind: vendor; "
        "the newest 10 days before this report of 2026-03-11"
    )
    assert origin.marks == ("Stale data",)
    assert "nothing of it held" in held.origin("render.price_usd").text


def test_only_the_series_that_are_asked_for_are_named(tmp_path: Path) -> None:
    held = market(
        tmp_path,
        rows("akash.price_usd", [1.0], "USD"),
        rows("akash.gpus_active", [1.0], "GPUs"),
        rows("render.price_usd", [1.0], "USD"),
    )

    def named(*measures: str) -> list[str]:
        return [each.name for each in held.origin(*measures).series]

    assert named("price_usd") == ["akash.price_usd", "render.price_usd"]
    assert named("akash") == ["akash.gpus_active", "akash.price_usd"]
    assert named("akash.gpus_active") == ["akash.gpus_active"]
    assert named(*held.told) == ["akash.gpus_active", "akash.price_usd", "render.price_usd"]
    assert named() == []  # a measure that is not held must not seem to rest on all others


def test_a_series_that_is_a_day_off_is_left_out_and_said_so(tmp_path: Path) -> None:
    walk = np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.05, 200)))
    held = market(
        tmp_path,
        rows("akash.price_usd", walk, "USD", "exchange"),
        rows("akash.price_usd", np.r_[walk[1:], walk[-1]], "USD", "shifted"),
        rows("render.price_usd", walk, "USD", "exchange"),
    )

    assert [one.check for one in held.refused] == ["shifted day"]
    assert held.get("akash.price_usd") is None
    assert held.get("render.price_usd") is not None
    assert held.origin("price_usd").left_out == ("akash.price_usd",)
    assert "Partial data" in held.origin("akash").marks
    assert "Partial data" not in held.origin("render").marks


def test_a_store_with_nothing_by_then_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoDataError, match="nothing that could be shown"):
        market(tmp_path, rows("btc.price_usd", [9.0], "USD"), until=dt.date(2020, 1, 1))


def test_sources_are_reconciled_and_rewritten_days_listed(tmp_path: Path) -> None:
    first = rows("akash.price_usd", [1.0] * 30, "USD", "one")
    run = asked(tmp_path, first, rows("akash.price_usd", [1.1] * 30, "USD", "two"))
    again = first.tail(1).assign(value=2.0, known_at=SOON + pd.Timedelta(days=3))
    Store(run.store).append(again)

    held = holdings.read(run)
    compared = doubts.reconciliation(held).set_index("source")
    [rewritten] = doubts.revisions(run).to_dict("records")

    assert compared.loc["two", "median_difference"] == pytest.approx(0.1)
    assert (rewritten["was"], rewritten["now"]) == (1.0, 2.0)
    assert doubts.held(held).set_index("series").loc["akash.price_usd", "age_days"] == 10
    assert doubts.findings(held)["level"].iloc[0] == "fail"  # a tenth apart


def test_one_source_alone_has_nothing_to_be_compared_with(tmp_path: Path) -> None:
    run = asked(tmp_path, rows("akash.price_usd", [1.0, 1.2], "USD"))

    assert doubts.reconciliation(holdings.read(run)).empty
    assert doubts.revisions(run).empty
