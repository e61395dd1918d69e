"""Each doubt is found where it was put, and nowhere else; a day off stops a load."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research import catalogue, load, quality
from research.errors import DataError, NoDataError
from research.quality import Finding
from research.store import Store

FIRST = pd.Timestamp("2025-01-01")
PRICE, SPEND = "akash.price_usd", "akash.spend_usd"


def walk(n_days: int, seed: int = 1, volatility: float = 0.05) -> Any:
    """Closes of a token that moves by about 5 % a day."""
    return 3 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, volatility, n_days)))


def rows(
    values: Sequence[float] | Any,
    series: str = PRICE,
    source: str = "exchange",
    *,
    first: pd.Timestamp = FIRST,
    **others: Any,
) -> pd.DataFrame:
    """Return a value a day from `first` on; NaN is a day without one."""
    days = pd.date_range(first, periods=len(values))
    columns: dict[str, Any] = {
        "series": series,
        "date": days,
        "value": np.asarray(values, dtype=float),
        "unit": catalogue.load().measures[series.partition(".")[2]].unit,
        "kind": "vendor",
        "source": source,
        "known_at": pd.Timestamp("2026-10-01", tz="UTC").as_unit("us"),
        "period_days": 1,
    }
    return pd.DataFrame(columns | others).dropna(subset="value")


def check(*parts: pd.DataFrame, today: dt.date | None = None) -> list[Finding]:
    table = pd.concat(parts, ignore_index=True)
    today = today or (table["date"].max() + pd.Timedelta(days=1)).date()
    return quality.check(table, catalogue.load(), today)


def only(found: list[Finding], name: str) -> Finding:
    assert [finding.check for finding in found] == [name], found
    return found[0]


def day(n: int) -> dt.date:
    return (FIRST + pd.Timedelta(days=n)).date()


# One source.


def test_a_clean_series_gives_no_finding() -> None:
    assert check(rows(walk(400))) == []
    assert check(rows(walk(400)), rows(walk(400) * 1.001, source="index")) == []


@pytest.mark.parametrize(("age", "level"), [(1, None), (3, None), (4, "warn"), (31, "fail")])
def test_a_series_is_stale_after_three_days_and_old_after_thirty(
    age: int, level: str | None
) -> None:
    found = check(rows(walk(50)), today=day(49 + age))
    assert [finding.level for finding in found] == [level] * (level is not None)


def test_a_weekend_does_not_make_a_stock_market_stale() -> None:
    friday = pd.Timestamp("2025-01-03")
    weekdays = pd.bdate_range(end=friday, periods=60)
    table = rows(walk(60), "sp500.price_usd").assign(date=weekdays)
    assert check(table, today=dt.date(2025, 1, 8)) == []
    assert only(check(table, today=dt.date(2025, 1, 9)), "stale").level == "warn"


def test_a_source_that_is_not_read_may_be_stale_without_harm() -> None:
    values = walk(100)
    found = check(rows(values), rows(values[:50], source="old"))
    assert (only(found, "stale").level, found[0].source) == ("note", "old")


def test_the_time_of_the_simulated_market_stands_still() -> None:
    assert check(rows(walk(50), kind="simulated"), today=day(500)) == []


@pytest.mark.parametrize(("missing", "level"), [(1, "note"), (8, "warn")])
def test_a_gap_is_found_with_its_days(missing: int, level: str) -> None:
    values = walk(400)
    values[200 : 200 + missing] = np.nan
    gap = only(check(rows(values)), "gap")
    assert (gap.level, gap.first, gap.last) == (level, day(200), day(199 + missing))


def test_a_weekly_figure_has_no_gap_within_its_week() -> None:
    weeks = rows(np.arange(100.0, 120.0), SPEND, period_days=7)
    weeks["date"] = pd.date_range(FIRST, periods=20, freq="7D")
    assert check(weeks) == []


def test_two_values_of_one_day_fail() -> None:
    table = rows(walk(60))
    found = check(table, table.iloc[[30]])
    double = only([one for one in found if one.level == "fail"], "duplicate label")
    assert (double.first, double.last) == (day(30), day(30))


def test_weeks_that_overlap_would_be_summed_twice() -> None:
    weeks = rows(np.arange(100.0, 120.0), SPEND, period_days=7)
    weeks["date"] = pd.date_range(FIRST, periods=20, freq="6D")
    assert only(check(weeks), "duplicate label").level == "fail"


def test_a_price_ten_times_its_neighbour_fails_unless_another_source_has_it_too() -> None:
    values = walk(100)
    values[60:] *= 20
    assert (only(check(rows(values)), "jump").level, only(check(rows(values)), "jump").last) == (
        "fail",
        day(60),
    )
    both = check(rows(values), rows(values * 1.001, source="index"))
    assert {(finding.level, finding.check) for finding in both} == {("note", "jump")}


def test_a_move_far_out_of_the_usual_is_noted_with_its_size() -> None:
    values = walk(300, volatility=0.02)
    values[200:] *= 2.19 / (values[200] / values[199])
    jump = only(check(rows(values)), "jump")
    assert jump.level == "note"
    assert "+119%" in jump.text
    assert "1 of them in no other source" in jump.text


def test_zeros_within_a_series_are_a_run_and_before_it_are_its_beginning() -> None:
    values = np.random.default_rng(1).uniform(90, 110, 60)
    values[:10] = 0
    assert check(rows(values, SPEND)) == []
    values[40:44] = 0
    zeros = only(check(rows(values, SPEND)), "zero run")
    assert (zeros.level, zeros.first, zeros.last) == ("warn", day(40), day(43))


def test_a_price_that_does_not_move_for_five_days_is_frozen() -> None:
    values = walk(60)
    values[30:34] = values[30]
    assert check(rows(values)) == []
    values[34] = values[30]
    frozen = only(check(rows(values)), "frozen value")
    assert (frozen.level, frozen.first, frozen.last) == ("warn", day(30), day(34))
    assert frozen.text.endswith("5 times in a row; 1 such run")


@pytest.mark.parametrize("times", [1e6, 1e3, 100, 1e-6, 1e-3, 0.01])
@pytest.mark.parametrize("rows_after", [1, 3, 40])
def test_a_change_of_unit_is_told_from_a_jump(times: float, rows_after: int) -> None:
    values = np.random.default_rng(2).uniform(80, 120, 100)
    values[-rows_after:] *= times
    slip = only(check(rows(values, SPEND)), "unit slip")
    assert (slip.level, slip.first, slip.last) == ("fail", day(100 - rows_after), day(99))


def test_a_spike_that_goes_back_is_no_change_of_unit() -> None:
    values = np.random.default_rng(2).uniform(80, 120, 100)
    values[50] *= 1000
    assert {finding.check for finding in check(rows(values, SPEND))} == {"jump"}


def test_a_source_that_counts_in_micro_units_fails() -> None:
    values = np.random.default_rng(2).uniform(80, 120, 100)
    slip = only(check(rows(values, SPEND), rows(values * 1e6, SPEND, "micro")), "unit slip")
    assert (slip.level, slip.source) == ("fail", "micro")


def test_units_kinds_and_periods_that_change_on_the_way_are_schema_drift() -> None:
    unit = rows(walk(50), unit="EUR")
    kinds = rows(walk(50)).assign(kind=["vendor"] * 25 + ["self-reported"] * 25)
    assert only(check(unit), "schema drift").level == "fail"
    assert only(check(kinds), "schema drift").level == "warn"
    periods = rows(np.arange(100.0, 150.0), SPEND)
    periods.loc[0, "period_days"] = 7
    assert "values of 1, 7 days" in only(check(periods), "schema drift").text


# Several series of a subject.


def test_parts_that_do_not_make_up_their_total_are_a_mismatch() -> None:
    noise = np.random.default_rng(3)
    burned, minted = noise.uniform(90, 110, 60), noise.uniform(40, 60, 60)
    parts = [rows(burned, "akash.tokens_burned"), rows(minted, "akash.tokens_minted")]
    assert check(*parts, rows(burned - minted, "akash.net_burn")) == []
    mismatch = only(check(*parts, rows(burned + minted, "akash.net_burn")), "sum mismatch")
    assert (mismatch.level, mismatch.series) == ("fail", "akash.net_burn")


def test_parts_are_compared_as_one_source_tells_them() -> None:
    active, total = np.linspace(50, 60, 60), np.linspace(100, 130, 60)
    parts = [rows(active, "akash.gpus_active"), rows(total, "akash.gpus_total")]
    other_definition = np.linspace(0.7, 0.8, 60)
    assert check(*parts, rows(other_definition, "akash.utilization", "other")) == []
    found = check(*parts, rows(other_definition, "akash.utilization"))
    assert only(found, "sum mismatch").level == "fail"


def test_no_more_cards_are_rented_than_there_are() -> None:
    active, total = np.linspace(50, 60, 60), np.linspace(100, 130, 60)
    total[20:23] = 40
    table = [rows(active, "akash.gpus_active"), rows(total, "akash.gpus_total")]
    [above] = [finding for finding in check(*table) if finding.level == "warn"]
    assert above.text == "gpus_active is above gpus_total on 3 of 60 days"
    assert (above.level, above.first, above.last) == ("warn", day(20), day(22))


def test_one_flow_under_two_names_would_be_counted_twice() -> None:
    values = np.random.default_rng(4).uniform(80, 120, 100)
    found = check(rows(values, SPEND), rows(values, "akash.earnings_usd"))
    double = only(found, "double count")
    assert (double.level, double.series) == ("warn", "akash.earnings_usd")
    assert "equal to akash.spend_usd on 100.0% of 100 days" in double.text
    assert check(rows(values, SPEND), rows(values * 0.9, "akash.earnings_usd")) == []


# Two sources.


@pytest.mark.parametrize(
    ("times", "level"), [(1.002, None), (1.02, "warn"), (0.98, "warn"), (1.07, "fail")]
)
def test_sources_disagree_beyond_one_percent_and_fail_beyond_five(
    times: float, level: str | None
) -> None:
    values = walk(100)
    found = check(rows(values), rows(values * times, source="index"))
    assert [finding.level for finding in found] == [level] * (level is not None)


def test_a_contaminated_month_is_found_though_the_median_is_right() -> None:
    values, others = walk(300), walk(300) * 1.001
    others[100:130] *= np.tile([2.0, 0.5], 15)
    found = check(rows(values), rows(others, source="index"))
    [disagreement] = [one for one in found if one.check == "disagreement"]
    assert (disagreement.level, disagreement.first, disagreement.last) == (
        "warn",
        day(100),
        day(129),
    )


def test_what_each_market_asks_for_a_card_need_not_agree() -> None:
    rate = "rtx-4090.rate_usd_per_hour"
    values = walk(100, volatility=0.01)
    found = check(rows(values, rate), rows(values * 1.3, rate, "other market"))
    assert only(found, "disagreement").level == "note"


def test_what_nobody_observed_need_not_agree() -> None:
    assert check(rows(walk(100)), rows(walk(100, 2), source="a model", kind="simulated")) == []


def shifted(values: Any, days: int, source: str = "stamped 00:00") -> pd.DataFrame:
    return rows(values * 1.001, source=source, first=FIRST + pd.Timedelta(days=days))


@pytest.mark.parametrize("days", [1, -1])
def test_a_source_that_is_a_day_off_fails_and_is_named(days: int) -> None:
    values = walk(200)
    found = check(rows(values), shifted(values, days))
    [shift] = [one for one in found if one.check == "shifted day"]
    assert shift.level == "fail"
    late = "stamped 00:00" if days == 1 else "exchange"
    assert f"1.000 with those of {late} a day later" in shift.text


def test_a_month_that_is_a_day_off_is_found_in_years_that_are_not() -> None:
    values = walk(900)
    others = values.copy()
    others[450:510] = values[449:509]
    [shift] = [
        one
        for one in check(rows(values), rows(others * 1.001, source="index"))
        if one.check == "shifted day"
    ]
    assert shift.level == "fail"
    assert shift.first is not None
    assert shift.last is not None
    assert day(440) <= shift.first <= day(460)
    assert day(500) <= shift.last <= day(520)


def test_a_single_jump_told_a_day_later_is_no_shift() -> None:
    values, others = walk(90, volatility=0.01), walk(90, volatility=0.01)
    values[45:] *= 2.2
    others[46:] *= 2.2
    found = check(rows(values), rows(others, source="index"))
    assert "shifted day" not in {finding.check for finding in found}


def test_too_few_common_days_say_nothing_about_labels() -> None:
    values = walk(15)
    found = check(rows(values), shifted(values, 1))
    assert "shifted day" not in {finding.check for finding in found}


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n_days=st.integers(60, 500),
    noise=st.floats(0, 0.004),
    share_missing=st.floats(0, 0.1),
    days=st.sampled_from([-1, 0, 1]),
)
def test_a_shift_is_found_whenever_there_is_one_and_never_otherwise(
    seed: int, n_days: int, noise: float, share_missing: float, days: int
) -> None:
    random = np.random.default_rng(seed)
    values = 3 * np.exp(np.cumsum(0.04 * random.standard_t(4, n_days)))
    others = values * np.exp(noise * random.standard_normal(n_days))
    others[random.random(n_days) < share_missing] = np.nan
    found = check(rows(values), shifted(others, days))
    failed = {finding.check for finding in found if finding.level == "fail"}
    assert ("shifted day" in failed) == (days != 0)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([PRICE, SPEND, "akash.net_burn", "sp500.price_usd"]),
            st.sampled_from(["a", "b"]),
            st.integers(0, 60),
            st.floats(-1e12, 1e12),
            st.sampled_from([1, 7]),
        ),
        max_size=80,
        unique_by=lambda row: row[:3],
    )
)
def test_any_rows_are_checked_without_an_error(
    table: list[tuple[str, str, int, float, int]],
) -> None:
    frame = pd.DataFrame(table, columns=["series", "source", "day", "value", "period_days"])
    frame = frame.assign(date=FIRST + pd.to_timedelta(frame.pop("day").astype(int), unit="D"))
    frame = frame.assign(unit="USD", kind="vendor")
    for finding in quality.check(frame, catalogue.load(), day(70)):
        assert finding.text
        assert finding.first is not None
        assert finding.last is not None
        assert finding.first <= finding.last


def test_the_gravest_finding_of_a_series_comes_first() -> None:
    values = walk(200)
    values[20] = np.nan
    levels = [finding.level for finding in check(rows(values), shifted(values, 1))]
    assert levels == sorted(levels, key=["fail", "warn", "note"].index)
    assert levels[0] == "fail"


# Tables.


def test_sources_are_reconciled_in_one_row_each() -> None:
    values = walk(200)
    table = quality.reconcile(
        pd.concat(
            [
                rows(values),
                rows(values[:190] * 1.02, source="index"),
                shifted(values[:150], 1),
                rows(values, source="a model", kind="simulated"),
            ]
        ),
        PRICE,
        catalogue.load(),
    )
    assert dict(zip(table["source"], table["is_chosen"], strict=True)) == {
        "exchange": True,
        "index": False,
        "stamped 00:00": False,
        "a model": False,
    }
    by_name = {row["source"]: row for row in table.to_dict("records")}
    index, late = by_name["index"], by_name["stamped 00:00"]
    assert (index["nobs"], index["first"], index["last"]) == (190, day(0), day(189))
    assert index["median_difference"] == pytest.approx(0.02)
    assert index["correlation_same_day"] == pytest.approx(1)
    assert index["why"] == "not read: ends 10 days earlier"
    assert late["correlation_day_later"] == pytest.approx(1)
    assert abs(late["correlation_same_day"]) < 0.3
    assert by_name["a model"]["why"] == "not read: nobody observed it"


def test_a_series_that_nobody_tells_cannot_be_reconciled() -> None:
    with pytest.raises(NoDataError, match=r"golem\.price_usd: nothing to reconcile"):
        quality.reconcile(rows(walk(50)), "golem.price_usd", catalogue.load())


def test_rewritten_history_is_listed_with_what_it_was(tmp_path: Path) -> None:
    store = str(tmp_path / "store")
    table = rows([100.0, 110.0, 120.0], SPEND)
    Store(store).append(table)
    later = pd.Timestamp("2026-10-05", tz="UTC").as_unit("us")
    Store(store).append(table.assign(value=[100.0, 99.0, 120.0], known_at=later))
    [rewritten] = load.revisions(store).to_dict("records")
    assert (rewritten["date"], rewritten["was"], rewritten["now"]) == (
        pd.Timestamp("2025-01-02"),
        110.0,
        99.0,
    )
    assert rewritten["change"] == pytest.approx(-0.1)
    assert (rewritten["known_at"], rewritten["was_known_at"]) == (later, table["known_at"].iloc[0])
    assert load.revisions(store, as_of=dt.datetime(2026, 10, 2, tzinfo=dt.UTC)).empty


# Through the store.


@pytest.fixture
def store(tmp_path: Path) -> str:
    return str(tmp_path / "store")


def test_a_load_fails_when_one_of_two_sources_is_a_day_off(store: str) -> None:
    values = walk(200)
    Store(store).append(pd.concat([rows(values), shifted(values, 1)]))
    with pytest.raises(DataError, match=r"akash\.price_usd, shifted day: .* --stamp open"):
        load.prices(["akash"], store=store)
    with pytest.raises(DataError, match="shifted day"):
        load.series([PRICE], store=store)
    assert "shifted day" in {finding.check for finding in load.findings(store)}


def test_the_same_source_with_the_right_labels_loads(store: str) -> None:
    values = walk(200)
    Store(store).append(pd.concat([rows(values), shifted(values, 0)]))
    loaded = load.prices(["akash"], store=store, until=day(199))
    assert loaded.findings == ()
    table = load.reconcile("AKT.price_usd", store=store)
    assert table["source"].tolist() == ["exchange", "stamped 00:00"]
    assert table["correlation_same_day"].min() > 0.99
    assert table["median_difference"].max() < 0.01


def test_a_load_tells_of_doubts_and_a_strict_one_refuses_them(store: str) -> None:
    values = walk(200)
    Store(store).append(pd.concat([rows(values), rows(values * 1.07, source="index")]))
    loaded = load.prices(["akash"], store=store, until=day(199))
    assert [(one.level, one.check) for one in loaded.findings] == [("fail", "disagreement")]
    with pytest.raises(DataError, match=r"disagreement: differs from exchange by 7\.00%"):
        load.prices(["akash"], store=store, until=day(199), strict=True)


def test_only_what_is_loaded_is_doubted(store: str) -> None:
    values = walk(200)
    Store(store).append(
        pd.concat([rows(values), shifted(values, 1), rows(walk(200, 2), "btc.price_usd")])
    )
    assert load.prices(["btc"], store=store, until=day(199)).findings == ()


def test_age_is_counted_from_the_time_of_the_question(store: str) -> None:
    Store(store).append(rows(walk(200), known_at=pd.Timestamp("2025-08-01", tz="UTC")))
    asked = dt.datetime(2025, 8, 3, tzinfo=dt.UTC)
    [stale] = load.prices(["akash"], store=store, as_of=asked).findings
    assert stale.text == "ends on 2025-07-19, 15 days ago"
