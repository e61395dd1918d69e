"""A lease is held by one process at a time, and by nobody who cannot renew it any more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from research.report.bucket import Bucket, PlaceError
from research.report.places import place
from research.unattended.generations import Generations
from research.unattended.leases import Lease, LeaseLostError
from research.unattended.locks import LockedError
from tests.buckets import ObjectStore, Request, fine

HOLD = """
import sys, time
from research.report.places import place
from research.unattended.generations import Generations
from research.unattended.leases import Lease
with Lease(Generations(place(sys.argv[1])), seconds=3.0).held(run="theirs"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def folder(objects: ObjectStore) -> Bucket:
    found = place(objects.address("reports/.state/locks/daily"))
    assert isinstance(found, Bucket)
    return found


def lease(folder: Bucket, seconds: float = 60.0) -> Lease:
    return Lease(Generations(folder), seconds=seconds)


def until(is_so: Callable[[], bool], seconds: float = 10.0) -> None:
    ends = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < ends
        time.sleep(0.02)


def test_one_that_is_held_is_refused_with_its_holder_and_free_at_once_after(
    folder: Bucket,
) -> None:
    with lease(folder).held(run="mine") as fence:
        fence.check()
        with pytest.raises(
            LockedError, match=rf"held by process {os.getpid()}, run mine, since 20.*, until 20"
        ):
            lease(folder).held(run="another").__enter__()
    with lease(folder).held(run="another"):
        pass
    assert len([*folder.iterdir()]) == 1  # what was before is cleared away


def test_one_that_is_renewed_lasts_for_longer_than_its_seconds(folder: Bucket) -> None:
    with lease(folder, 3.0).held(run="mine") as fence:
        for _ in range(10):
            time.sleep(0.4)
            fence.check()
            with pytest.raises(LockedError):
                lease(folder, 3.0).held(run="another").__enter__()


def test_one_of_a_killed_process_is_free_once_it_has_run_out_and_not_before(
    folder: Bucket,
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        other.kill()
        other.wait()
    with pytest.raises(LockedError, match=f"held by process {other.pid}, run theirs"):
        lease(folder, 2.0).held(run="mine").__enter__()
    with lease(folder, 2.0).held(run="mine", seconds=10.0) as fence:
        fence.check()
        told = json.loads(fence.generations.place(fence.number).read_bytes())
    assert (fence.number, told["run"], told["pid"]) == (2, "mine", os.getpid())


def test_of_many_at_once_each_has_it_alone(folder: Bucket) -> None:
    inside, most, at_once = 0, [], threading.Barrier(4)

    def one() -> None:
        nonlocal inside
        at_once.wait()
        with lease(folder).held(run="mine", seconds=30.0):
            inside += 1
            most.append(inside)
            time.sleep(0.05)
            inside -= 1

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1, 1]


def test_who_is_late_by_more_than_one_turn_has_nothing(folder: Bucket) -> None:
    held = {"until": time.time() + 60, "key": "its", "run": "third", "pid": 1, "since": "now"}
    generations = Generations(folder)
    generations.create(3, json.dumps(held).encode())  # 1 and 2 are cleared away by now

    class Late(Generations):
        def last(self) -> int:
            seen.append(1)
            return 1 if len(seen) == 1 else super().last()  # as it was when it began to ask

    seen: list[int] = []
    with pytest.raises(LockedError, match="run third"):
        Lease(Late(folder), seconds=60.0).held(run="late").__enter__()
    assert generations.numbers() == [3]


def test_one_that_cannot_be_renewed_is_lost_before_another_can_have_it(
    folder: Bucket, objects: ObjectStore
) -> None:
    def no_renewal(asked: Request) -> int | None:
        return 503 if is_renewal(asked) else None

    with lease(folder, 4.0).held(run="mine") as fence:
        objects.fault = no_renewal
        time.sleep(3.1)
        with pytest.raises(LeaseLostError, match="it could not be renewed in time"):
            fence.check()
        with pytest.raises(LockedError):  # not yet
            lease(folder, 4.0).held(run="another").__enter__()
        objects.fault = fine
        with lease(folder, 4.0).held(run="another", seconds=20.0):
            with pytest.raises(LeaseLostError, match=r"lost, it is now held by process .* another"):
                fence.check()
            time.sleep(1.1)  # in which the first one does not renew its own again
            assert fence.generations.last() == fence.number + 1


def test_one_whose_renewal_arrives_after_it_was_lost_is_not_renewed_again(
    folder: Bucket, objects: ObjectStore
) -> None:
    renewals: list[Request] = []
    arrives = threading.Event()

    def one_fails_and_the_next_is_late(asked: Request) -> int | None:
        if not (is_renewal(asked) and asked.path.endswith("/000000000001.json")):
            return None
        renewals.append(asked)
        if len(renewals) == 1:
            return 403  # which is not asked again
        arrives.wait(10.0)
        return None

    with lease(folder, 2.0).held(run="mine") as fence:
        objects.fault = one_fails_and_the_next_is_late
        time.sleep(1.6)
        with pytest.raises(LeaseLostError, match="it could not be renewed in time"):
            fence.check()
        arrives.set()
        with lease(folder, 2.0).held(run="another", seconds=20.0) as others:
            others.check()
    assert len(renewals) <= 2


def is_renewal(asked: Request) -> bool:
    return asked.method == "PUT" and "locks/daily/" in asked.path


def test_one_that_is_not_given_back_runs_out_and_the_run_goes_on(
    folder: Bucket, objects: ObjectStore, caplog: pytest.LogCaptureFixture
) -> None:
    with lease(folder, 2.0).held(run="mine"):
        objects.fault = lambda _: 503
    assert "the lease is left to run out" in caplog.text


def test_a_store_that_lets_two_create_the_same_object_is_refused(
    folder: Bucket, objects: ObjectStore
) -> None:
    objects.is_old = True
    with pytest.raises(PlaceError, match="does not know If-None-Match"):
        lease(folder).held(run="mine").__enter__()
    assert objects.names() == []


def test_a_lost_answer_is_asked_again_and_the_object_known_as_ones_own(
    folder: Bucket, objects: ObjectStore, tmp_path: Path
) -> None:
    assert (folder / "a").create(b"mine")
    assert (folder / "a").create(b"mine")  # what a repeated request finds
    assert not (folder / "a").create(b"theirs")
