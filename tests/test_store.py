"""What the store promises: nothing lost, nothing overwritten, and what was known when."""

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.errors import DataError, StoreError, UsageError
from research.store import Store

JUNE = pd.Timestamp("2025-06-01", tz="UTC")
JULY = pd.Timestamp("2025-07-01", tz="UTC")
AUGUST = pd.Timestamp("2025-08-01", tz="UTC")


def observations(
    values: dict[str, float], *, known_at: pd.Timestamp = JUNE, **others: Any
) -> pd.DataFrame:
    """Akash's closes by day."""
    rows = pd.DataFrame({"date": pd.to_datetime(list(values)), "value": list(values.values())})
    rows = rows.assign(series="akash.price_usd", unit="usd", kind="vendor", source="exchange")
    return put(rows.assign(known_at=known_at, period_days=1), others)


def put(rows: pd.DataFrame, columns: Mapping[str, Any]) -> pd.DataFrame:
    rows = rows.copy()
    for name, value in columns.items():
        rows[name] = value
    return rows


def closes(store: Store, **how: Any) -> dict[str, float]:
    rows = store.read(**how)
    return dict(zip(rows["date"].dt.strftime("%Y-%m-%d"), rows["value"], strict=True))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


def test_what_was_appended_is_read_back(store: Store) -> None:
    store.append(observations({"2025-01-01": 2.5, "2025-01-02": 2.75}))
    rows = store.read()
    assert rows.drop(columns="fetch_id").to_dict("records") == [
        {
            "series": "akash.price_usd",
            "date": pd.Timestamp(day),
            "value": value,
            "unit": "usd",
            "kind": "vendor",
            "source": "exchange",
            "known_at": JUNE,
            "period_days": 1,
        }
        for day, value in (("2025-01-01", 2.5), ("2025-01-02", 2.75))
    ]
    assert len(set(rows["fetch_id"])) == 1


def test_appending_the_same_again_adds_nothing(store: Store) -> None:
    store.append(observations({"2025-01-01": 2.5}))
    before = store.version()
    again = store.append(observations({"2025-01-01": 2.5}, known_at=JULY))
    assert (again.new, again.unchanged, len(again.revised)) == (0, 1, 0)
    assert store.version() == before


def test_each_append_is_one_commit(store: Store) -> None:
    store.append(observations({"2025-01-01": 2.5, "2025-01-02": 2.75}))
    store.append(observations({"2025-01-02": 2.8, "2025-01-03": 3.0}, known_at=JULY))
    assert store.version() == 1


def test_a_changed_value_is_a_new_row_and_is_reported(store: Store) -> None:
    store.append(observations({"2025-01-01": 2.5, "2025-01-02": 2.75}))
    appended = store.append(observations({"2025-01-01": 2.5, "2025-01-02": 2.8}, known_at=JULY))
    assert (appended.new, appended.unchanged) == (0, 1)
    assert appended.revised.to_dict("records") == [
        {
            "series": "akash.price_usd",
            "source": "exchange",
            "date": pd.Timestamp("2025-01-02"),
            "was": 2.75,
            "now": 2.8,
            "kind_was": "vendor",
            "kind_now": "vendor",
        }
    ]


def test_a_read_as_of_a_time_knows_only_what_was_known_then(store: Store) -> None:
    store.append(observations({"2025-01-01": 2.5}))
    store.append(observations({"2025-01-01": 2.6, "2025-01-02": 2.7}, known_at=JULY))
    a_moment = dt.timedelta(microseconds=1)
    assert closes(store) == {"2025-01-01": 2.6, "2025-01-02": 2.7}
    assert closes(store, as_of=JULY - a_moment) == {"2025-01-01": 2.5}
    assert closes(store, as_of=JULY) == {"2025-01-01": 2.6, "2025-01-02": 2.7}
    assert closes(store, as_of=JUNE - a_moment) == {}


def test_the_history_at_a_version_leaves_out_what_was_appended_later(store: Store) -> None:
    store.append(observations({"2025-01-01": 2.5}, known_at=JULY))
    version = store.version()
    store.append(observations({"2025-01-02": 2.7}, known_at=JUNE))  # it says to be older

    assert store.history(version=version)["value"].tolist() == [2.5]
    assert store.history(version=version, as_of=JUNE).empty
    assert store.history()["value"].tolist() == [2.5, 2.7]


def test_as_of_is_an_instant_whatever_zone_it_is_written_in(store: Store) -> None:
    store.append(observations({"2025-01-01": 2.5}))
    in_berlin = JUNE.tz_convert("Europe/Berlin").to_pydatetime()
    assert closes(store, as_of=in_berlin) == {"2025-01-01": 2.5}
    assert closes(store, as_of=in_berlin - dt.timedelta(seconds=1)) == {}


def test_as_of_without_a_zone_is_refused(store: Store) -> None:
    with pytest.raises(UsageError, match="zone"):
        store.read(as_of=dt.datetime(2025, 6, 1))  # noqa: DTZ001 - the lack of a zone is the test


def test_until_leaves_out_later_days(store: Store) -> None:
    store.append(observations({"2025-01-01": 2.5, "2025-01-02": 2.75, "2025-01-03": 3.0}))
    assert list(closes(store, until=dt.date(2025, 1, 2))) == ["2025-01-01", "2025-01-02"]


def test_only_the_series_asked_for_are_read(store: Store) -> None:
    store.append(observations({"2025-01-01": 2.5}))
    store.append(observations({"2025-01-01": 7.0}, series="render.price_usd"))
    assert closes(store, series=["render.price_usd"]) == {"2025-01-01": 7.0}
    assert closes(store, series=["golem.price_usd"]) == {}
    assert closes(store, series=[]) == {}
    assert closes(store, series=["o'hara' or '1'='1"]) == {}


def test_two_sources_of_one_series_stay_two(store: Store) -> None:
    store.append(observations({"2025-01-01": 2.5}))
    appended = store.append(observations({"2025-01-01": 2.6}, source="index", known_at=JULY))
    assert (appended.new, len(appended.revised)) == (1, 0)
    assert store.read()[["source", "value"]].to_numpy().tolist() == [
        ["exchange", 2.5],
        ["index", 2.6],
    ]


def test_an_older_vintage_takes_its_place_in_the_past(store: Store) -> None:
    store.append(observations({"2025-01-01": 2.6}, known_at=JULY))
    appended = store.append(observations({"2025-01-01": 2.5}))
    assert closes(store) == {"2025-01-01": 2.6}
    assert closes(store, as_of=JUNE) == {"2025-01-01": 2.5}
    assert appended.outdated[["stated", "held"]].to_numpy().tolist() == [[2.5, 2.6]]


def test_the_same_value_known_earlier_is_news(store: Store) -> None:
    store.append(observations({"2025-01-01": 2.5}, known_at=JULY))
    appended = store.append(observations({"2025-01-01": 2.5}))
    assert (appended.new, len(appended.outdated)) == (1, 0)
    assert closes(store, as_of=JUNE) == {"2025-01-01": 2.5}


def test_a_contradiction_cannot_have_been_known_at_the_same_time(store: Store) -> None:
    store.append(observations({"2025-01-01": 2.5}))
    appended = store.append(observations({"2025-01-01": 2.6}), stored_at=AUGUST)
    assert appended.revised[["was", "now"]].to_numpy().tolist() == [[2.5, 2.6]]
    assert closes(store, as_of=JULY) == {"2025-01-01": 2.5}
    assert closes(store, as_of=AUGUST) == {"2025-01-01": 2.6}
    again = store.append(observations({"2025-01-01": 2.6}), stored_at=AUGUST)
    assert (again.new, again.unchanged, len(again.revised)) == (0, 1, 0)


def test_several_contradictions_in_one_append_keep_their_order(store: Store) -> None:
    store.append(observations({"2025-01-01": 2.5}))
    store.append(observations({"2025-01-01": 2.6}, known_at=JULY))
    both = [observations({"2025-01-01": 3.5}), observations({"2025-01-01": 3.6}, known_at=JULY)]
    store.append(pd.concat(both), stored_at=AUGUST)
    assert closes(store) == {"2025-01-01": 3.6}
    assert closes(store, as_of=JULY) == {"2025-01-01": 2.6}


def test_a_change_of_kind_alone_is_a_revision(store: Store) -> None:
    store.append(observations({"2025-01-01": 2.5}))
    appended = store.append(observations({"2025-01-01": 2.5}, kind="derived", known_at=JULY))
    assert appended.revised[["kind_was", "kind_now"]].to_numpy().tolist() == [["vendor", "derived"]]
    assert store.read()["kind"].tolist() == ["derived"]


def test_appending_nothing_makes_no_store(store: Store) -> None:
    appended = store.append(observations({}))
    assert (appended.new, appended.unchanged) == (0, 0)
    assert not store.exists()


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"value": float("inf")}, "value"),
        ({"value": float("nan")}, "value"),
        ({"kind": "hearsay"}, "hearsay"),
        ({"series": "Akash price"}, "Akash price"),
        ({"period_days": 0}, "period_days"),
        ({"known_at": pd.Timestamp("2025-01-01", tz="UTC")}, "before its day was over"),
        ({"date": pd.Timestamp("2025-01-01 09:30")}, "midnight"),
        ({"mood": "good"}, "mood"),
    ],
)
def test_an_impossible_observation_is_refused_and_nothing_is_stored(
    store: Store, wrong: dict[str, object], reason: str
) -> None:
    rows = put(observations({"2025-01-01": 2.5, "2025-01-02": 2.75}), wrong)
    with pytest.raises(DataError, match=reason):
        store.append(rows)
    assert not store.exists()


def test_a_day_stated_twice_in_one_append_is_refused(store: Store) -> None:
    with pytest.raises(DataError, match="unique"):
        store.append(pd.concat([observations({"2025-01-01": 2.5})] * 2))


def test_a_missing_store_says_what_to_do(store: Store) -> None:
    assert not store.exists()
    with pytest.raises(StoreError, match="research import FILE"):
        store.read()
    with pytest.raises(StoreError, match="no store there"):
        store.version()


def test_a_store_is_not_made_among_other_files(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("mine")
    with pytest.raises(StoreError, match=r"thesis\.docx"):
        Store(str(tmp_path)).append(observations({"2025-01-01": 2.5}))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.docx"]


def test_a_file_is_not_a_store(tmp_path: Path) -> None:
    file = tmp_path / "prices.csv"
    file.write_text("date,AKT\n")
    with pytest.raises(StoreError, match="no store there"):
        Store(str(file)).read()
    with pytest.raises(StoreError, match="a store is a folder"):
        Store(str(file)).append(observations({"2025-01-01": 2.5}))


def test_another_table_is_not_a_store(tmp_path: Path) -> None:
    import pyarrow as pa
    from deltalake import write_deltalake

    write_deltalake(str(tmp_path / "table"), pa.table({"a": [1]}))
    with pytest.raises(StoreError, match="its columns are a"):
        Store(str(tmp_path / "table")).read()


def break_log(folder: Path) -> None:
    (folder / "_delta_log" / f"{0:020d}.json").write_text('{"metaData":{"id"')


def lose_log_entry(folder: Path) -> None:
    (folder / "_delta_log" / f"{1:020d}.json").unlink()


def lose_data(folder: Path) -> None:
    next(folder.glob("*.parquet")).unlink()


def cut_data(folder: Path) -> None:
    file = next(folder.glob("*.parquet"))
    file.write_bytes(file.read_bytes()[:100])


@pytest.mark.parametrize("damage", [break_log, lose_log_entry, lose_data, cut_data])
def test_a_damaged_store_is_an_error_of_ours(store: Store, damage: Callable[[Path], None]) -> None:
    for day in ("2025-01-01", "2025-01-02", "2025-01-03"):
        store.append(observations({day: 2.5}))
    damage(Path(store.location))
    with pytest.raises(StoreError, match="cannot be used"):
        store.read()


def test_a_path_with_spaces_and_accents_is_a_fine_place(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "été #1 prices"))
    store.append(observations({"2025-01-01": 2.5}))
    assert closes(store) == {"2025-01-01": 2.5}


def test_a_path_with_a_percent_sign_is_refused_rather_than_misread(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="%"):
        Store(str(tmp_path / "50%20off")).append(observations({"2025-01-01": 2.5}))


DAYS = st.integers(0, 6).map(lambda n: f"2025-01-{n + 1:02d}")
BATCHES = st.lists(
    st.dictionaries(DAYS, st.integers(1, 3).map(float), min_size=1), min_size=1, max_size=4
)


@given(batches=BATCHES)
@settings(max_examples=12, deadline=None)
def test_every_vintage_is_read_back_as_it_was_known(
    batches: list[dict[str, float]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = Store(str(tmp_path_factory.mktemp("property") / "store"))
    known: dict[str, float] = {}
    vintages = []
    for month, batch in enumerate(batches):
        known_at = JUNE + pd.DateOffset(months=month)
        store.append(observations(batch, known_at=known_at))
        known = known | batch
        vintages.append((known_at, dict(sorted(known.items()))))
    for known_at, expected in vintages:
        assert closes(store, as_of=known_at) == expected
    assert closes(store) == vintages[-1][1]


@given(values=st.dictionaries(DAYS, st.floats(0.1, 1e6), min_size=1), data=st.data())
@settings(max_examples=12, deadline=None)
def test_batches_of_different_days_may_come_in_any_order(
    values: dict[str, float], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = Store(str(tmp_path_factory.mktemp("property") / "store"))
    for day in data.draw(st.permutations(sorted(values))):
        store.append(observations({day: values[day]}))
    assert closes(store) == dict(sorted(values.items()))
