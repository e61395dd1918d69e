"""What a run of a schedule does besides rendering: tells people, clears the archive, lists reports.

None of it may hide what was rendered: what goes wrong here is trouble of the run, not its end.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from research.counting import counted
from research.errors import ResearchError
from research.report.files import INDEX
from research.report.guard import scrub
from research.report.places import Place
from research.unattended import retention, telling
from research.unattended.jobs import Outcome
from research.unattended.log import Log
from research.unattended.planning import Work
from research.unattended.rules import Rules
from research.unattended.schedule import Schedule, Scheduled
from research.unattended.standing import standing
from research.unattended.state import Ledger, Record, State
from research.unattended.summary import Summary

AS_OF = re.compile(r"--as-of-(\d{4}-\d{2}-\d{2}T\d{6}Z)")  # in the name of a page
BuildSite = Callable[[Place, Mapping[str, dt.datetime]], Any]


def rules_of(schedule: Schedule) -> dict[str, Rules]:
    """Return who is told of each report, those of whom nobody is left out."""
    alerts = {report.name: report.entry.alerts for report in schedule.reports}
    return {name: rules for name, rules in alerts.items() if rules is not None}


def overdue(schedule: Schedule, state: State, now: dt.datetime) -> dict[str, dt.datetime]:
    """Return the reports that are overdue, and the planned time that passed.

    One that no run has known before is new, and not late.
    """
    records = ((report, state.reports.get(report.name, Record())) for report in schedule.reports)
    found = (standing(report, each, now) for report, each in records if each.settled is not None)
    return {one.name: one.owed_since for one in found if one.is_overdue and one.owed_since}


def untold(schedule: Schedule, state: State, out: Place) -> Iterator[Outcome]:
    """Yield what runs have written down of reports and were killed before they told it."""
    try:
        known = telling.read(out).reports
    except ValueError:  # whoever tells next puts it aside, and says so
        return
    for report in schedule.reports:
        record, seen = state.reports.get(report.name), known.get(report.name)
        if record is None or seen is None or seen.until is None or report.entry.alerts is None:
            continue
        if record.page and record.finished_at and record.finished_at > seen.until:
            yield _outcome(report, record.period, out / record.page, at=record.finished_at)
        if (failure := record.failure) is not None and failure.at > seen.until:
            yield replace(
                _outcome(report, failure.period, None, at=failure.at),
                state=cast("Any", failure.state),
                reason=failure.reason,
                attempts=failure.attempts,
            )


def _outcome(
    report: Scheduled, period: dt.datetime | None, page: Place | None, *, at: dt.datetime
) -> Outcome:
    """Return what came of a report as far as the state tells it."""
    job = Work(report=report, period=period, as_of=None).job(page.parent if page else Path())
    return Outcome(
        job=job,
        state="done",
        page=page,
        reason="",
        attempts=1,
        seconds=0.0,
        peak_megabytes=0.0,
        noted_at=at,
    )


def tell_people(
    schedule: Schedule,
    outcomes: Sequence[Outcome],
    late: dict[str, dt.datetime] | None,
    *,
    state: State | None = None,
    out: Place,
    now: dt.datetime,
    log: Log,
    summary: Summary,
) -> None:
    """Tell whom it concerns what came of reports, and which are overdue; see `telling.tell`.

    Parameters
    ----------
    state : from which is told what runs that were killed have not; None: what is given alone
    """
    rules = rules_of(schedule)
    try:
        left = [*untold(schedule, state, out)] if state is not None and rules else []
        told = telling.tell([*left, *outcomes], rules, out=out, now=now, overdue=late)
    except (ResearchError, OSError) as error:
        _trouble(f"nobody was told: {error}", "alert-failed", log, summary)
        return
    for remark in told.remarks:
        log("alert-remark", remark)
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
        past = [
            (report.entry.keep, _of_missed_times(report, out))
            for report in schedule.reports
            if report.entry.keep is not None and report.entry.catch_up == "each"
        ]
        gone = retention.prune(out, keep, past=past, now=now)
    except (ResearchError, OSError) as error:
        _trouble(f"the archive was not cleared: {error}", "clearing-failed", log, summary)
        return
    if gone:
        reports = counted(len(gone.stems), "archived report")
        log("cleared", f"{reports} and {counted(len(gone.files), 'file')} deleted")


def _of_missed_times(report: Scheduled, out: Place) -> dict[dt.datetime, str]:
    """Return the pages of a report that were made as of a missed time, by that time.

    One as of any other time was made by hand, and is left alone.
    """
    found = {}
    for page in out.glob("*--as-of-*.html"):
        if (stamp := AS_OF.search(page.name)) is None:
            continue
        with suppress(ValueError):
            time = dt.datetime.strptime(stamp[1], "%Y-%m-%dT%H%M%SZ").replace(tzinfo=dt.UTC)
            if report.plan.latest(time) == time and report.file_as_of(time) == page.name:
                found[time] = page.stem
    return found


def list_reports(
    schedule: Schedule,
    build_site: BuildSite,
    *,
    has_worked: bool,
    out: Place,
    now: dt.datetime,
    log: Log,
    summary: Summary,
) -> None:
    """Write the index anew, with a mark on what is overdue; if nothing may have changed, do not.

    Parameters
    ----------
    has_worked : whether this run was to make a report; if not, a run before may have been killed
    """
    try:
        state = Ledger(out).read()
        if _is_listed(state, out) and not (has_worked and (out / INDEX).exists()):
            return
        late = overdue(schedule, state, now)
        pages = {state.reports[name].page: since for name, since in late.items()}
        build_site(out, {page: since for page, since in pages.items() if page is not None})
    except (ResearchError, OSError) as error:
        _trouble(f"the index was not written: {error}", "site-failed", log, summary)


def _is_listed(state: State, out: Place) -> bool:
    """Say whether the index is newer than all that runs have made."""
    made = [one.finished_at for one in state.reports.values() if one.finished_at is not None]
    if not made:
        return True
    index = out / INDEX
    return index.exists() and index.stat().st_mtime >= max(made).timestamp()


def _trouble(sentence: str, event: str, log: Log, summary: Summary) -> None:
    summary.trouble.append(scrub(sentence))
    log(event, sentence)
