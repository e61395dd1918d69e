"""A year of hourly `research run`, lived by a clock of the test: each period exactly once.

There are outages of hours and days, both changes of the clocks in two zones, runs that are killed
before, while and after a page is published, reports that fail, and a state that each run reads
anew.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest

from research.report.places import Place
from research.unattended import batch
from research.unattended.jobs import Job, Outcome
from research.unattended.run import run
from research.unattended.schedule import Schedule, read
from tests.unattended import runs

Write = Callable[..., Path]
HOUR = dt.timedelta(hours=1)
START = dt.datetime(2026, 1, 1, 0, 10, tzinfo=dt.UTC)
PARAMETERS = (
    "from research.parameters import Instant, NetworkId\n\n"
    'network: NetworkId = "akash"  # whose\n'
    "as_of: Instant | None = None  # what was known by then\n"
)
SCHEDULE = """
[[report]]
name = "berlin-night"
notebook = "question.ipynb"
cron = "30 2 * * *"
timezone = "Europe/Berlin"
catch_up = "each"

[[report]]
name = "new-york-night"
notebook = "another.ipynb"
cron = "0,30 2 * * *"
timezone = "America/New_York"
catch_up = "each"

[[report]]
name = "weekly"
notebook = "third.ipynb"
cron = "0 7 * * 1"
timezone = "Europe/Berlin"
grid = { network = ["akash", "render"] }

[[report]]
name = "latest"
notebook = "fourth.ipynb"
cron = "0 18 * * *"
timezone = "America/New_York"
"""


class KilledError(BaseException):
    """The process is gone."""


@dataclass
class World:
    """A clock, and reports that are made without a notebook."""

    chance: random.Random
    now: dt.datetime = START
    published: list[tuple[str, dt.datetime, dt.datetime]] = field(default_factory=list)
    failed: set[tuple[str, dt.datetime | None]] = field(default_factory=set)
    survived: list[dt.datetime] = field(default_factory=list)  # when a run came to its end
    counts: Counter[str] = field(default_factory=Counter)
    pages: dict[str, str] = field(default_factory=dict)

    def render_all(
        self, jobs: Sequence[Job], *, workers: int, on_done: Callable[[Outcome], None]
    ) -> list[Outcome]:
        outcomes = list[Outcome]()
        assert workers == batch.WORKERS
        for job in jobs:
            fate = self.chance.random()
            if fate < 0.02:
                self.die("killed before a page")
            if fate < 0.06:
                self.counts["failed"] += 1
                self.failed.add((job.name, job.period))
                outcome = runs.outcome(job, "failed", reason="a cell failed")
            else:
                page = self.publish(job, is_killed=fate > 0.98)
                if fate > 0.94:
                    self.die("killed after a page, before the state")
                outcome = runs.outcome(job, page=page)
            on_done(outcome)
            outcomes.append(outcome)
            if 0.06 < fate < 0.08:
                self.die("killed after the state")
        return outcomes

    def die(self, how: str) -> None:
        self.counts[how] += 1
        raise KilledError

    def publish(self, job: Job, *, is_killed: bool) -> Place:
        """Write what the next run looks at, in the order in which it is moved into place."""
        stem = Path(self.pages[job.name]).stem
        if job.as_of is not None:
            stem += f"--as-of-{dt.datetime.fromisoformat(job.as_of):%Y-%m-%dT%H%M%SZ}"
        page = runs.publish(job.out / f"{stem}.html", self.now, is_cut=is_killed)
        if is_killed:
            self.die("killed while it published")
        assert job.period is not None
        self.published.append((job.name, job.period, self.now))
        return page

    def hours(self) -> Iterator[None]:
        """Go through a year, in which the machine is off now and then."""
        while self.now < START + dt.timedelta(days=365):
            yield
            self.now += HOUR
            if self.chance.random() < 0.01:
                self.counts["outages of hours"] += 1
                self.now += self.chance.randint(2, 20) * HOUR
            if self.chance.random() < 0.001:
                self.counts["outages of days"] += 1
                self.now += self.chance.randint(2, 12) * 24 * HOUR


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory, where there is one: a year is some 50,000 files."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own is made there
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory) as name:
        yield Path(name)


@pytest.fixture
def schedule(write: Write, folder: Path) -> Schedule:
    for name in ("question", "another", "third", "fourth"):
        write(folder / f"{name}.ipynb", "# T", PARAMETERS)
    path = folder / "schedule.toml"
    path.write_text(SCHEDULE)
    return read(path)


def test_a_year_of_hourly_runs_does_each_period_once_and_loses_none(
    schedule: Schedule, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)  # no power is lost here
    world = World(random.Random(7), pages={r.name: r.file for r in schedule.reports})
    out, updated = folder / "out", list[dt.datetime]()
    repaired = Counter[str]()

    def update(store: str, budget_seconds: float) -> list[str]:
        updated.append(world.now)
        return []

    def once() -> bool:
        """Run; say whether it came to its end with nothing left to do."""
        try:
            summary = run(
                schedule,
                out=out,
                store=str(folder / "store"),
                now=lambda: world.now,
                update=update,
                render_all=world.render_all,
                build_site=lambda *_: None,
            )
        except KilledError:
            world.counts["killed"] += 1
            return False
        repaired["told"] += len(summary.repaired)
        world.survived.append(world.now)
        return not summary.outcomes

    for _ in world.hours():
        world.counts["runs"] += 1
        once()
    while not once():
        pass  # until the last one that failed, or was killed, is made

    made: dict[str, list[dt.datetime]] = defaultdict(list)
    for name, period, at in world.published:
        assert period <= at
        made[name].append(period)
    table = []
    for report in schedule.reports:
        first = report.plan.latest(START)
        assert first is not None
        planned = [first, *report.plan.between(first, world.now)]
        periods = made[report.name]
        assert len(set(periods)) == len(periods), f"{report.name}: a period was done twice"
        assert set(periods) <= set(planned)
        assert planned[-1] in periods
        if report.entry.catch_up == "each":
            assert sorted(periods) == planned, f"{report.name}: a period was lost"
        for period, following in pairwise(planned):  # missed only if no run could make it
            if period not in periods and (report.name, period) not in world.failed:
                assert not any(period <= at < following for at in world.survived)
        table.append((report.name, len(planned), len(periods), len(set(periods))))
    assert len(updated) == len(set(updated)) or world.counts["killed"]
    assert repaired["told"] >= world.counts["killed after a page, before the state"] > 0
    print("\nreport, planned, done, different")  # noqa: T201 - the table of what ran
    for row in table:
        print(*row)  # noqa: T201
    print(dict(world.counts), "updates", len(updated), "repaired", repaired["told"])  # noqa: T201
