"""When a report is due: the times that a cron expression plans, and which of them are not done.

Pure functions of the time they are given. A period is known by the instant, UTC, that it is planned
for. Clocks that are changed neither skip nor double one:

- a local time that does not exist, as clocks are put forward, is the first instant after the change
- a local time that exists twice, as clocks are put back, is its first instant
- an expression that names no hour goes by real hours: there are 23 or 25 of them that day
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import dropwhile, takewhile
from typing import Literal
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

CatchUp = Literal["latest", "each"]
LOOKED_BACK = [dt.timedelta(days=days) for days in (0.1, 2, 40, 800, 20_000)]  # Feb 29: 8 years
MINUTE = dt.timedelta(minutes=1)
LAST = dt.datetime.max.replace(tzinfo=dt.UTC)
KEPT = 32  # done periods that are remembered, should the clock be put back


@dataclass(frozen=True)
class Plan:
    """The times at which a report is planned."""

    cron: str  # five fields: minute, hour, day of the month, month, day of the week
    timezone: str  # IANA's name of it

    def __post_init__(self) -> None:
        """Refuse what plans nothing."""
        if len(self.cron.split()) != 5:
            raise ValueError(
                "write five fields, minute, hour, day of the month, month, day of the week, such "
                "as `0 6 * * 1` for Mondays at 6:00"
            )
        try:
            planned = next(CronSim(self.cron, dt.datetime(2000, 1, 1)), None)  # noqa: DTZ001 - local
        except CronSimError as error:
            raise ValueError(f"{error}; a cron expression is, say, `0 6 * * 1`") from error
        if planned is None:
            raise ValueError("no day is like that")

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @cached_property
    def _is_hourly(self) -> bool:
        """Whether the expression names no hour."""
        return len(CronSim(self.cron, dt.datetime(2000, 1, 1)).hours) == 24  # noqa: DTZ001 - local

    def after(self, instant: dt.datetime) -> Iterator[dt.datetime]:
        """Yield the periods after an instant, UTC, in order."""
        last = instant
        for local in self._local_times(instant.astimezone(self._zone)):
            period = _instant(local, self._zone)
            if period > last:
                yield period
                last = period

    def _local_times(self, start: dt.datetime) -> Iterator[dt.datetime]:
        if self._is_hourly:
            minute, _, *day = self.cron.split()
            return CronSim(" ".join([minute, "*", *day]), start)
        return CronSim(self.cron, start.replace(tzinfo=None))

    def between(self, instant: dt.datetime, now: dt.datetime) -> Iterator[dt.datetime]:
        """Yield the periods after an instant, up to now and now itself."""
        return takewhile(lambda period: period <= now, self.after(instant))

    def latest(self, now: dt.datetime) -> dt.datetime | None:
        """Return the last period up to now and now itself; None if there was none in 50 years."""
        for back in LOOKED_BACK:
            *_, last = None, *self.between(now - back, now)
            if last is not None:
                return last
        return None

    def following(self, now: dt.datetime) -> dt.datetime | None:
        """Return the first period after now."""
        return next(self.after(now), None)


def _instant(local: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """Return the instant, UTC, of a local time, be it one that does not exist."""
    if local.tzinfo is not None:
        return local.astimezone(dt.UTC)
    while True:
        instant = local.replace(tzinfo=zone).astimezone(dt.UTC)
        if instant.astimezone(zone).replace(tzinfo=None) == local:
            return instant
        local += MINUTE


def due(
    plan: Plan,
    *,
    settled: dt.datetime | None,
    done: Collection[dt.datetime],
    now: dt.datetime,
    catch_up: CatchUp,
) -> list[dt.datetime]:
    """Return the periods that are to be done now, in order.

    Parameters
    ----------
    settled : nothing up to this instant is owed any more; None if nothing was ever planned
    done : periods that are done, the last ones
    catch_up : of several that were missed, `latest` wants one, `each` all

    A period in `done` is never returned, wherever the clock is put. If the clock is behind all that
    was done, nothing is due.
    """
    missed: Iterable[dt.datetime | None]
    if settled is None:
        missed = [plan.latest(now)]
    elif (start := _start(settled, done, now)) is None or next(plan.after(start), LAST) > now:
        missed = []
    else:
        missed = [plan.latest(now)] if catch_up == "latest" else plan.between(start, now)
    return [period for period in missed if period is not None and period not in done]


def _start(
    settled: dt.datetime, done: Collection[dt.datetime], now: dt.datetime
) -> dt.datetime | None:
    """Return from when on periods may be owed; None if the clock is behind all that was done.

    What was settled while the clock was ahead says nothing about the time from now to then.
    """
    if settled <= now:
        return settled
    return max((period for period in done if period <= now), default=None)


def settle(
    plan: Plan,
    period: dt.datetime,
    *,
    settled: dt.datetime | None,
    done: Collection[dt.datetime],
    now: dt.datetime,
    catch_up: CatchUp,
) -> tuple[dt.datetime, list[dt.datetime]]:
    """Return `settled` and `done` once a period is done as well.

    With `each`, one that is still owed keeps all later ones from being settled.
    """
    known = sorted({*done, period})
    reached = period if settled is None else _start(settled, known, now) or period
    if catch_up == "latest":
        reached = period
    else:
        for planned in takewhile(known.__contains__, plan.between(reached, now)):
            reached = planned
    later = [*dropwhile(lambda one: one <= reached, known)]
    return reached, known[: len(known) - len(later)][-KEPT:] + later
