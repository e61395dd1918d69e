"""Whenever a real run is killed, nothing half done is seen and the next one goes on.

`tests/benchmarks/kill_runs.py` does this two hundred times at random instants.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unattended.accounts import Account, is_whole, stems
from tests.unattended.aims import AIMS, Run, wait
from tests.unattended.worlds import World, kill_all, kill_alone, upstreams

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

KILLS = (  # when, and whether all of its processes die at once
    ("stores", True),
    ("forks", False),
    ("between moves", True),
    ("done", True),
    ("lists", False),
)
QUIET_SECONDS = 30.0
TRIES = 8  # some instants last less than a busy machine looks away for


@pytest.fixture
def world() -> Iterator[World]:
    folder = Path(tempfile.mkdtemp(prefix="k-", dir="/tmp"))  # short, as the kernels' sockets need
    with upstreams() as of:
        world = World(folder / "w", of("kills"))
        world.asked = ("bybit",)  # quicker
        yield world
    shutil.rmtree(folder)


def test_runs_that_are_killed_leave_nothing_half_done_and_the_next_one_does_the_rest(
    world: World,
) -> None:
    account, wrong = Account(world), list[str]()
    for at, (aim, is_of_all) in enumerate(KILLS):
        run = seen_at(account, aim, *["--no-update"] * (at > 1))
        (kill_all if is_of_all else kill_alone)(run.process.pid, run.known)
        run.process.communicate()
        assert world.is_quiet(QUIET_SECONDS), aim
        wrong += [f"{aim}: {one}" for one in account.check(is_complete=False)]
    world.let_an_hour_pass()
    last = world.start("--no-update")
    last.communicate()
    assert last.returncode == 0, world.said()
    assert [*wrong, *account.check(is_complete=True)] == []
    assert len(stems(account.out)) >= 3
    assert all(is_whole(account.out, stem) for stem in stems(account.out))


def seen_at(account: Account, aim: str, *more: str) -> Run:
    """Return a run that was seen at an instant and goes on there."""
    for _ in range(TRIES):
        run = Run(account.world, *more)
        if wait(run, AIMS[aim][0]):
            return run
        run.process.communicate()
        assert run.process.returncode == 0, account.world.said()
        assert account.check(is_complete=False) == []
    raise AssertionError(f"{TRIES} runs were never seen when one {aim}: {account.world.said()}")
