"""What is read from a store: one source a series, gaps as gaps, and where it came from."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from research import load
from research.errors import NoDataError, StoreError, UsageError
from research.store import Store

JUNE = pd.Timestamp("2025-06-01", tz="UTC")
JULY = pd.Timestamp("2025-07-01", tz="UTC")


@pytest.fixture
def store(tmp_path: Path) -> str:
    return str(tmp_path / "store")


def put(store: str, series: str, values: dict[str, float], **others: Any) -> None:
    columns: dict[str, Any] = {
        "series": series,
        "unit": "USD",
        "kind": "vendor",
        "source": "exchange",
        "known_at": JUNE,
        "period_days": 1,
    } | others
    rows = pd.DataFrame({"date": pd.to_datetime(list(values)), "value": list(values.values())})
    for name, value in columns.items():
        rows[name] = value
    Store(store).append(rows)


def test_prices_are_closes_by_day_with_a_column_a_subject(store: str) -> None:
    put(store, "akash.price_usd", {"2025-01-01": 2.5, "2025-01-02": 2.6, "2025-01-04": 2.7})
    put(store, "btc.price_usd", {"2025-01-02": 9.0, "2025-01-03": 9.5})
    frame = load.prices(["BTC", "akash"], store=store).frame
    assert list(frame.columns) == ["btc", "akash"]
    assert frame.index.tolist() == pd.date_range("2025-01-01", "2025-01-04").tolist()
    np.testing.assert_array_equal(frame["akash"], [2.5, 2.6, np.nan, 2.7])
    np.testing.assert_array_equal(frame["btc"], [np.nan, 9.0, 9.5, np.nan])


def test_a_gap_stays_a_gap_and_is_counted(store: str) -> None:
    put(store, "akash.price_usd", {"2025-01-01": 2.5, "2025-01-02": 2.6, "2025-01-05": 2.7})
    [akash] = load.prices(["akash"], store=store).provenance
    assert akash == load.Provenance(
        series="akash.price_usd",
        unit="USD",
        source="exchange",
        kind="vendor",
        first=dt.date(2025, 1, 1),
        last=dt.date(2025, 1, 5),
        nobs=3,
        missing_days=2,
        known_at=JUNE.to_pydatetime(),
        other_sources=(),
    )


def test_any_series_can_stand_side_by_side(store: str) -> None:
    put(store, "akash.gpus_active", {"2025-01-01": 100.0}, unit="GPUs", kind="on-chain")
    put(store, "rtx-4090.rate_usd_per_hour", {"2025-01-01": 0.4}, kind="assumed")
    loaded = load.series(["AKT.gpus_active", "rtx-4090.rate_usd_per_hour"], store=store)
    assert loaded.frame.iloc[0].to_dict() == {
        "akash.gpus_active": 100.0,
        "rtx-4090.rate_usd_per_hour": 0.4,
    }
    assert [column.unit for column in loaded.provenance] == ["GPUs", "USD"]
    assert loaded.kind == "assumed"


def test_of_several_sources_the_most_recent_is_read_and_the_others_are_named(store: str) -> None:
    put(store, "akash.price_usd", {"2025-01-01": 1.0, "2025-01-02": 1.0, "2025-01-03": 1.0})
    put(store, "akash.price_usd", {"2025-01-03": 2.0, "2025-01-04": 2.0}, source="index")
    loaded = load.prices(["akash"], store=store)
    assert loaded.frame["akash"].tolist() == [2.0, 2.0]
    assert loaded.provenance[0].source == "index"
    assert loaded.provenance[0].other_sources == ("exchange",)
    until = load.prices(["akash"], store=store, until=dt.date(2025, 1, 3))
    assert until.provenance[0].source == "exchange"


def test_of_equally_recent_sources_the_longer_is_read_then_the_first_by_name(store: str) -> None:
    for source, days in (("b", 1), ("a", 1), ("c", 2)):
        values = {"2025-01-02": 2.0, "2025-01-01": 1.0}
        put(store, "akash.price_usd", dict(list(values.items())[:days]), source=source)
    assert load.prices(["akash"], store=store).provenance[0].other_sources == ("a", "b")
    put(store, "akash.price_usd", {"2025-01-01": 1.0}, source="b")
    put(store, "akash.price_usd", {"2025-01-01": 1.0}, source="a")
    [akash] = load.prices(["akash"], store=store).provenance
    assert (akash.source, akash.other_sources) == ("a", ("b", "c"))


def test_a_simulated_source_is_read_only_where_nothing_was_observed(store: str) -> None:
    put(store, "akash.price_usd", {"2025-01-01": 2.5})
    put(store, "akash.price_usd", {"2025-01-09": 9.9}, kind="simulated", source="simulation")
    put(store, "btc.price_usd", {"2025-01-09": 9.9}, kind="simulated", source="simulation")
    loaded = load.prices(["akash", "btc"], store=store)
    assert [column.source for column in loaded.provenance] == ["exchange", "simulation"]
    assert loaded.kind == "simulated"


def test_as_of_and_until_limit_what_is_read(store: str) -> None:
    put(store, "akash.price_usd", {"2025-01-01": 2.5, "2025-01-02": 2.6})
    put(store, "akash.price_usd", {"2025-01-02": 3.6, "2025-01-03": 3.7}, known_at=JULY)
    as_of_june = load.prices(["akash"], store=store, as_of=JUNE.to_pydatetime())
    assert as_of_june.frame["akash"].tolist() == [2.5, 2.6]
    until = load.prices(["akash"], store=store, until=dt.date(2025, 1, 2))
    assert until.frame["akash"].tolist() == [2.5, 3.6]
    assert until.provenance[0].known_at == JULY.to_pydatetime()


def test_a_series_that_is_not_held_says_what_is_and_what_to_do(store: str) -> None:
    put(store, "akash.price_usd", {"2025-01-01": 2.5})
    with pytest.raises(NoDataError) as absent:
        load.prices(["akash", "golem"], store=store)
    assert str(absent.value) == (
        f"golem.price_usd: the store {store} has nothing of it; it has akash.price_usd; "
        f"`research import FILE --measure price_usd --store {store}` adds it"
    )


def test_a_network_without_public_data_says_so_with_a_date(store: str) -> None:
    put(store, "akash.price_usd", {"2025-01-01": 2.5})
    with pytest.raises(NoDataError, match=r"no public data found as of 20\d\d-\d\d-\d\d for Kazam"):
        load.prices(["kazam"], store=store)
    put(store, "kazam.price_usd", {"2025-01-01": 2.5})
    assert load.prices(["KZM"], store=store).frame["kazam"].tolist() == [2.5]


def test_data_outside_the_limits_are_told_from_no_data(store: str) -> None:
    put(store, "akash.price_usd", {"2025-01-02": 2.5})
    with pytest.raises(NoDataError, match="nothing of it until 2025-01-01; it has days from 2025"):
        load.prices(["akash"], store=store, until=dt.date(2025, 1, 1))
    with pytest.raises(NoDataError, match="known from 2025-06-01"):
        load.prices(["akash"], store=store, as_of=dt.datetime(2025, 5, 1, tzinfo=dt.UTC))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("akash.price", r"did you mean akash\.price_usd\?"),
        ("akash", r"a series is subject\.measure"),
        ("acash.price_usd", "unknown subject 'acash'"),
    ],
)
def test_an_unknown_name_is_wrong_usage(store: str, name: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        load.series([name], store=store)


def test_no_names_are_wrong_usage(store: str) -> None:
    with pytest.raises(UsageError, match="at least one"):
        load.series([], store=store)


def test_a_store_that_is_not_there_is_an_error(store: str) -> None:
    with pytest.raises(StoreError, match="no store there"):
        load.prices(["akash"], store=store)
    with pytest.raises(StoreError, match="no store there"):
        load.status(store)


def test_status_has_one_row_for_each_series_and_source(store: str) -> None:
    put(store, "akash.price_usd", {"2025-01-01": 1.0, "2025-01-04": 1.0})
    put(store, "akash.price_usd", {"2025-01-04": 2.0}, source="index")
    put(store, "btc.price_usd", {"2025-01-02": 9.0}, known_at=JULY, kind="derived")
    now = dt.datetime(2025, 7, 2, 5, tzinfo=dt.UTC)
    table = load.status(store, as_of=now)
    columns = ["series", "source", "kind", "nobs", "missing_days", "age_days"]
    assert table[columns].to_numpy().tolist() == [
        ["akash.price_usd", "exchange", "vendor", 2, 2, 179],
        ["akash.price_usd", "index", "vendor", 1, 0, 179],
        ["btc.price_usd", "exchange", "derived", 1, 0, 181],
    ]
    assert table["first"].tolist() == [
        dt.date(2025, 1, 1),
        dt.date(2025, 1, 4),
        dt.date(2025, 1, 2),
    ]
    before = load.status(store, as_of=now - dt.timedelta(days=7))
    assert before["series"].tolist() == ["akash.price_usd", "akash.price_usd"]


def test_status_of_what_was_not_known_yet_is_empty(store: str) -> None:
    put(store, "akash.price_usd", {"2025-01-01": 1.0})
    assert load.status(store, as_of=dt.datetime(2025, 1, 2, tzinfo=dt.UTC)).empty


def test_a_market_that_closes_misses_no_weekend(store: str) -> None:
    days = {f"2025-01-{day:02d}": 1.0 for day in (2, 3, 6, 8, 13)}  # Thu Fri Mon Wed, then Mon
    put(store, "sp500.price_usd", days)
    put(store, "btc.price_usd", days)
    table = load.status(store).set_index("series")["missing_days"]
    assert table["sp500.price_usd"] == 3  # Tue 7, Thu 9, Fri 10
    assert table["btc.price_usd"] == 7


def test_a_weekly_figure_covers_the_week_before_it(store: str) -> None:
    weeks = {"2025-01-05": 1.0, "2025-01-12": 1.0, "2025-01-26": 1.0}
    put(store, "akash.spend_usd", weeks, period_days=7)
    assert load.status(store)["missing_days"].tolist() == [7]


def test_the_word_sample_is_the_simulated_market(
    monkeypatch: pytest.MonkeyPatch, store: str
) -> None:
    from research import sample

    monkeypatch.setattr(sample, "store", lambda: store)
    assert load.locate("sample") == store
    assert load.locate("/data/store") == "/data/store"


def test_what_is_loaded_has_an_origin_to_be_named_below_a_figure(store: str) -> None:
    put(store, "akash.price_usd", {"2025-05-01": 2.0, "2025-05-31": 2.1})

    loaded = load.prices(["akash"], store=store, as_of=dt.datetime(2025, 6, 2, tzinfo=dt.UTC))

    assert loaded.origin.text.startswith("akash.price_usd (exchange); to 2025-05-31; retrieved by ")
    assert loaded.origin.marks == ("Partial data",)
