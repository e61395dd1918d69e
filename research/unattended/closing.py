"""What a run of a schedule does besides rendering: tells people, clears the archive, lists reports.

None of it may hide what was rendered: what goes wrong here is trouble of the run, not its end.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from research.errors import ResearchError
from research.report.guard import scrub
from research.report.places import Place
from research.unattended import retention, telling
from research.unattended.jobs import Outcome
from research.unattended.log import Log
from research.unattended.rules import Rules
from research.unattended.schedule import Schedule
from research.unattended.standing import standing
from research.unattended.state import Record, State
from research.unattended.summary import Summary


def rules_of(schedule: Schedule) -> dict[str, Rules]:
    """Return who is told of each report, those of whom nobody is left out."""
    alerts = {report.name: report.entry.alerts for report in schedule.reports}
    return {name: rules for name, rules in alerts.items() if rules is not None}


def overdue(schedule: Schedule, state: State, now: dt.datetime) -> dict[str, dt.datetime]:
    """Return the reports that are overdue, and the planned time that passed."""
    found = (
        standing(report, state.reports.get(report.name, Record()), now)
        for report in schedule.reports
    )
    return {one.name: one.owed_since for one in found if one.is_overdue and one.owed_since}


def tell_people(
    schedule: Schedule,
    outcomes: Sequence[Outcome],
    late: dict[str, dt.datetime] | None,
    *,
    out: Place,
    now: dt.datetime,
    log: Log,
    summary: Summary,
) -> None:
    """Tell whom it concerns what came of reports, and which are overdue; see `telling.tell`."""
    try:
        told = telling.tell(outcomes, rules_of(schedule), out=out, now=now, overdue=late)
    except ResearchError as error:
        _trouble(f"nobody was told: {error}", "alert-failed", log, summary)
        return
    for each in told.told:
        log("told", f"{each.report}: {each.target} was told of {each.kind}", report=each.report)
    for problem in told.problems:
        _trouble(problem, "alert-failed", log, summary)


def clear_away(
    schedule: Schedule, *, out: Place, now: dt.datetime, log: Log, summary: Summary
) -> None:
    """Delete what the schedule does not keep of the past."""
    keep = {
        Path(report.file).stem: report.entry.keep
        for report in schedule.reports
        if report.entry.keep is not None
    }
    try:
        gone = retention.prune(out, keep, now=now)
    except (ResearchError, OSError) as error:
        _trouble(f"the archive was not cleared: {error}", "clearing-failed", log, summary)
        return
    if gone:
        log("cleared", f"{len(gone.stems)} archived reports and {len(gone.files)} files deleted")


def list_reports(
    build_site: Callable[[Place], Any], *, out: Place, log: Log, summary: Summary
) -> None:
    """Write the index anew."""
    try:
        build_site(out)
    except (ResearchError, OSError) as error:
        _trouble(f"the index was not written: {error}", "site-failed", log, summary)


def _trouble(sentence: str, event: str, log: Log, summary: Summary) -> None:
    summary.trouble.append(scrub(sentence))
    log(event, sentence)
