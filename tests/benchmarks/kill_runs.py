"""Kill runs at random instants: `python -m tests.benchmarks.kill_runs [KILLS] [SEED]`.

Each is a real `research run` of three reports over a store that is updated from upstreams on this
machine. Half of the kills hit the run's own process, half all of its processes at once, as when the
machine dies. They come at any instant of a run, or soon after something narrow was seen on disk.
After each one everything is checked, see `tests.unattended.accounts`; each tenth run is let end.
Prints where the kills hit, what they left and what was repaired; exits with 1 if anything is wrong.
"""

from __future__ import annotations

import datetime as dt
import json
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

from research.report import temporary
from tests.unattended.accounts import Account, age, is_whole, stems
from tests.unattended.aims import AIMS, Run, wait
from tests.unattended.worlds import Moving, World, kill_all, kill_alone, upstreams

WORLDS = 4  # at a time, so that something is due in each when its turn comes
KILLS_OF_A_WORLD = 25  # then another begins, whose first run is killed too
ENDS = 10  # each so manieth run of a world is let end
QUIET_SECONDS = 30.0  # in which the processes of a run that was killed are gone
DAY = dt.date(2026, 1, 1)  # the first day that an earlier report pretends to be of
PHASES = ("before", "update", "starting", "rendering", "publishing", "state", "closing", "after")
REPAIRED = {  # what a run says that it repaired, and how the table calls it
    "had published nothing": "due again",
    "had published": "found published",
    "unfinished file": "files removed",
    "state.json": "state made anew",
}


@dataclass
class Found:
    """What the kills did."""

    hits: Counter[str] = field(default_factory=Counter)  # by phase
    whole: Counter[str] = field(default_factory=Counter)  # of them, those of all processes
    left: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    repaired: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    wrong: list[str] = field(default_factory=list)
    ended: int = 0  # runs that were let end
    seconds: list[float] = field(default_factory=list)  # that these took


class Victim:
    """A world whose runs are killed."""

    def __init__(self, folder: Path, of: Moving, draw: random.Random, found: Found) -> None:
        self.world, self.draw, self.found = World(folder, of), draw, found
        self.account = Account(self.world)
        self.kills = 0
        self.ends = [*range(ENDS, KILLS_OF_A_WORLD, ENDS), KILLS_OF_A_WORLD]
        self.days = 0
        self.last = ""  # phase of the last kill

    def end(self) -> None:
        """Let a run end by itself; nothing may be left half done after it."""
        began = time.monotonic()
        run = Run(self.world)
        said, _ = run.process.communicate(timeout=120)
        self.found.seconds.append(time.monotonic() - began)
        self.found.ended += 1
        self._tell_repaired()
        wrong = self.account.check(is_complete=True)
        if run.process.returncode != 0:
            reasons = [one["reason"] for one in json.loads(said)["reports"] if one["reason"]]
            wrong.append(f"it exited with {run.process.returncode}: {reasons}")
        self._tell("ended", wrong)

    def kill(self) -> None:
        """Start a run and kill it, if it has not ended before."""
        aim = self.draw.choice([*AIMS, *["any instant"] * len(AIMS)])
        if aim == "archives" or self.draw.random() < 0.5:
            self.days += 1
            age(self.account, DAY + dt.timedelta(days=self.days))
        is_whole = self.draw.random() < 0.5
        run = Run(self.world)
        self._wait(run, aim)
        (kill_all if is_whole else kill_alone)(run.process.pid, run.known)
        run.process.communicate()
        wrong = [] if self.world.is_quiet(QUIET_SECONDS) else ["processes are left"]
        if run.process.returncode >= 0:  # it had just ended
            wrong += self.account.check(is_complete=True)
            self._tell(f"{aim}: too late", wrong)
            return
        self._tell_repaired()
        self.last = self._phase(run)
        self.found.hits[self.last] += 1
        self.found.whole[self.last] += is_whole
        wrong += self.account.check(is_complete=False)
        self.found.left[self.last] += self._left()
        self.kills += 1
        self._tell(f"{aim}{', all of it' if is_whole else ''}: killed in {self.last}", wrong)

    def _wait(self, run: Run, aim: str) -> None:
        """Wait until the instant at which a run is to be killed."""
        if aim == "any instant":
            instant = time.monotonic() + self.draw.uniform(0, max(self.found.seconds[-3:]))
            wait(run, lambda _: time.monotonic() >= instant)
        else:
            has_come, within = AIMS[aim]
            wait(run, has_come)
            time.sleep(self.draw.uniform(0, within))
        run.forks()

    def _phase(self, run: Run) -> str:
        """Say what the run was doing, by its log and what it left."""
        events = self.account.events()
        n_reports = next((one["reports"] for one in events if one["event"] == "started"), None)
        if n_reports is None:
            return "before"
        if run.told("ended"):
            return "after"
        if not run.told("updated") + run.told("update-failed"):
            return "update"
        told = {(one["report"], one.get("period")) for one in events if one["event"] == "done"}
        begun = {
            (name, one["period"])
            for name, record in self.account.state().items()
            for one in record.get("started", ())
        }
        if run.is_writing(".state") or told & begun:
            return "state"
        if run.made() == n_reports:
            return "closing"
        is_moving = run.is_between_moves() or run.published() > run.made()
        if is_moving or run.is_writing() or run.is_writing("archive"):
            return "publishing"
        return "rendering" if run.has_forked else "starting"

    def _left(self) -> Counter[str]:
        """Return what lies about, in words and numbers."""
        account, world = self.account, self.world
        out = account.out
        torn = [one for one in stems(out) if f"{one}.html" in out and not is_whole(out, one)]
        found = {
            "half written": len(world.half_written()),
            "older than its twin": len(torn),
            "begun": sum(len(one.get("started", ())) for one in account.reports.values()),
            "temporary folders": len([*world.tmp.glob(f"{temporary.PREFIX}*")]),
        }
        for folder in world.tmp.glob(f"{temporary.PREFIX}*"):
            shutil.rmtree(folder)
        world.let_an_hour_pass()  # until then it may be another run's
        return Counter(found)

    def _tell_repaired(self) -> None:
        """Note what the run after a kill repaired, under the phase of that kill."""
        for event in self.account.events():
            if event["event"] == "repaired" and self.last:
                what = next((REPAIRED[part] for part in REPAIRED if part in event["text"]), "other")
                self.found.repaired[self.last][what] += 1

    def _tell(self, what: str, wrong: list[str]) -> None:
        name, turn = self.world.folder.name, self.world.upstreams.turn
        self.found.wrong += [f"{name}, turn {turn}, {what}: {one}" for one in wrong]
        say("\n     ! ".join([f"{self.found.hits.total():4} {name} {what}", *wrong]))


def say(text: str) -> None:
    """Print at once."""
    print(text, flush=True)  # noqa: T201 - it reports by this


def main(kills: int, seed: int) -> int:
    """Kill so many runs; return the exit code."""
    draw, found = random.Random(seed), Found()
    say(f"{kills} kills, seed {seed}")
    room = Path(tempfile.mkdtemp(prefix="kr-", dir="/tmp"))  # short, as the kernels' sockets need
    with upstreams() as of:
        made = 0

        def another() -> Victim:
            nonlocal made
            made += 1
            return Victim(room / f"w{made}", of(f"w{made}"), draw, found)

        victims = [another() for _ in range(WORLDS)]
        victims[0].end()  # how long a run takes
        for at in cycle(range(WORLDS)):
            if found.hits.total() == kills:
                break
            victim = victims[at]
            if victim.kills == victim.ends[0]:
                victim.ends.pop(0)
                victim.end()
            if victim.kills == KILLS_OF_A_WORLD:
                victims[at] = another()
            victims[at].kill()
        for victim in victims:
            victim.end()
    tell(found)
    if found.wrong:
        say(f"all of it is kept in {room}")
        return 1
    shutil.rmtree(room)
    return 0


def tell(found: Found) -> None:
    """Print the table."""
    say(f"\n{'hit in':12}{'kills':>6}{'all':>5}  left; what the next run repaired")
    for phase in PHASES:
        left, repaired = (_words(one[phase]) for one in (found.left, found.repaired))
        say(f"{phase:12}{found.hits[phase]:6}{found.whole[phase]:5}  {left}; {repaired}")
    say(f"{'in all':12}{found.hits.total():6}{found.whole.total():5}")
    say(
        f"{found.ended} runs were let end, the median took {statistics.median(found.seconds):.1f} s"
    )
    say("\n  ".join([f"violations: {len(found.wrong)}", *found.wrong]))


def _words(counted: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in counted.items() if count) or "nothing"


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:]]
    raise SystemExit(main(*given, *(200, random.randrange(10_000))[len(given) :]))
