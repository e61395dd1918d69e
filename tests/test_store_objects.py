"""A store on an object store: the same promises, and what it says when that does not answer."""

import time
from itertools import count

import pandas as pd
import pytest

from research.errors import StoreError
from research.store import Store
from tests.buckets import SECRET, Fault, ObjectStore, Request, fine
from tests.test_store_processes import ROWS, run_at_once


def rows(source: str = "me") -> pd.DataFrame:
    days = pd.date_range("2020-01-01", periods=10)
    known_at = pd.Timestamp("2025-01-01", tz="UTC")
    return pd.DataFrame(
        {"series": "akash.price_usd", "date": days, "value": 1.0, "unit": "USD", "kind": "vendor"}
        | {"source": source, "period_days": 1, "known_at": known_at}
    )


def always(status: int) -> Fault:
    return lambda _: status


def test_what_is_appended_is_read_and_there_was_no_store_before(objects: ObjectStore) -> None:
    store = Store(objects.address("store"))
    assert not store.exists()
    assert store.append(rows()).new == 10
    assert store.append(rows()).unchanged == 10
    assert (store.version(), len(store.read())) == (0, 10)


def test_two_processes_append_four_batches_each_and_none_is_lost(objects: ObjectStore) -> None:
    store = Store(objects.address("store"))
    run_at_once(store.location, ["a", "b"], 4)
    assert store.version() == 7
    assert len(store.read()) == 8 * ROWS


@pytest.mark.parametrize("status", [500, 503])
def test_a_server_that_fails_three_times_is_asked_again(objects: ObjectStore, status: int) -> None:
    store = Store(objects.address("store"))
    store.append(rows())
    times = count()
    objects.fault = lambda _: status if next(times) < 3 else None
    assert store.append(rows("you")).new == 10
    objects.fault = fine
    assert len(store.read()) == 20


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (
            503,
            r"does not answer \(503 Service Unavailable, SlowDown\); it may later, so run it again",
        ),
        (403, r"refuses these keys \(403 Forbidden, InvalidAccessKeyId\)"),
    ],
)
def test_a_server_that_goes_on_failing_is_told_of_without_a_key(
    objects: ObjectStore, status: int, told: str
) -> None:
    store, began = Store(objects.address("store")), time.monotonic()
    store.append(rows())
    objects.fault = always(status)
    with pytest.raises(StoreError, match=told) as error:
        store.append(rows("you"))
    assert SECRET not in str(error.value)
    assert time.monotonic() - began < 40


def test_a_commit_that_is_refused_stores_nothing(objects: ObjectStore) -> None:
    store = Store(objects.address("store"))
    store.append(rows())
    objects.fault = lambda asked: (
        503 if asked.method == "PUT" and "_delta_log" in asked.path else None
    )
    with pytest.raises(StoreError, match="does not answer"):
        store.append(rows("you"))
    objects.fault = fine
    assert set(store.read()["source"]) == {"me"}
    assert store.append(rows("you")).new == 10


def test_a_bucket_that_does_not_exist_is_said_to_be_none(objects: ObjectStore) -> None:
    with pytest.raises(StoreError, match=r"no such bucket .*; make it, or name another"):
        Store("s3://never-made/store").append(rows())


def test_a_commit_whose_answer_is_lost_is_there_once(objects: ObjectStore) -> None:
    store = Store(objects.address("store"))
    store.append(rows())
    times = count()

    def once(asked: Request) -> int | None:
        is_commit = asked.method == "PUT" and "_delta_log" in asked.path
        return 500 if is_commit and next(times) == 0 else None

    objects.lost = once
    store.append(rows("you"))
    assert next(times) > 0
    assert len(store.history()) == 20
