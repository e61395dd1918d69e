"""What a run has to make: the reports of a schedule, and the periods of each that are not done."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from research.errors import UsageError
from research.report.places import Place
from research.unattended.jobs import Job
from research.unattended.leases import Fence
from research.unattended.periods import due
from research.unattended.schedule import Schedule, Scheduled
from research.unattended.state import Record, State


@dataclass(frozen=True, kw_only=True)
class Work:
    """One report to be made for one period."""

    report: Scheduled
    period: dt.datetime | None  # None: asked for by hand
    as_of: dt.datetime | None  # None: what is known as it is made

    @property
    def file(self) -> str:
        """The name of its page."""
        return self.report.file_as_of(self.as_of)

    def job(self, out: Place, fence: Fence | None = None) -> Job:
        """Return what is asked for."""
        entry = self.report.entry
        return Job(
            name=self.report.name,
            notebook=self.report.notebook,
            parameters=self.report.parameters,
            store=self.report.store,
            as_of=None if self.as_of is None else self.as_of.isoformat(),
            out=out,
            strict=entry.strict,
            seconds=entry.time_limit_minutes * 60,
            cell_seconds=entry.cell_time_limit_minutes * 60,
            fence=fence,
            period=self.period,
        )


def choose(schedule: Schedule, names: Sequence[str]) -> list[Scheduled]:
    """Return the reports that have a name like one of `names`, or whose entry has; all without."""
    chosen: dict[str, Scheduled] = {}
    for pattern in names:
        found = {
            report.name: report
            for report in schedule.reports
            if fnmatchcase(report.name, pattern) or fnmatchcase(report.entry.name, pattern)
        }
        if not found:
            known = ", ".join(dict.fromkeys(report.entry.name for report in schedule.reports))
            raise UsageError(
                f"--name {pattern}: no report of {schedule.path} is called so; there are {known}"
            )
        chosen |= found
    return [r for r in schedule.reports if not names or r.name in chosen]


def work(
    reports: Iterable[Scheduled], state: State, now: dt.datetime, *, everything: bool
) -> list[Work]:
    """Return what is to be made now, the periods of a report in order.

    Parameters
    ----------
    everything : make each report once, be it due or not
    """
    found = []
    for report in reports:
        of_report = [*_due(report, state.reports.get(report.name, Record()), now)]
        if everything and not of_report:
            of_report = [Work(report=report, period=None, as_of=None)]
        found += of_report
    return found


def _is_another(report: Scheduled, record: Record) -> bool:
    """Say whether what was made under the name of a report is another one."""
    if record.page is None or record.page == report.file:
        return False
    return record.period is None or record.page != report.file_as_of(record.period)


def _due(report: Scheduled, record: Record, now: dt.datetime) -> Iterator[Work]:
    """Yield the periods that are due: the latest as of now, each earlier one as of then.

    One whose page is of other parameters, or of another notebook, was never made: its latest period
    is due once more.
    """
    if _is_another(report, record):
        if (latest := report.plan.latest(now)) is not None and latest >= (record.settled or latest):
            yield Work(report=report, period=latest, as_of=None)
        return
    periods = due(
        report.plan,
        settled=record.settled,
        done=record.done,
        now=now,
        catch_up=report.entry.catch_up,
    )
    latest = report.plan.latest(now) if periods else None
    for period in periods:
        yield Work(report=report, period=period, as_of=None if period == latest else period)
