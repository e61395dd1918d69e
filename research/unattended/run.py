"""Renders what a schedule plans and is not done: the data first, then each report, then the index.

Whatever kills a run, the next one finds the last good reports in place, a period that is done stays
done, and one that is not is done then.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from research.config import settings
from research.counting import counted
from research.errors import ResearchError
from research.report.guard import scrub
from research.report.places import Place
from research.unattended import batch, closing, planning, repair, telling
from research.unattended.jobs import Job, Outcome
from research.unattended.leases import Fence
from research.unattended.locks import LockedError
from research.unattended.log import Log, place_of
from research.unattended.planning import Work
from research.unattended.refresh import Update, refresh, update_store
from research.unattended.schedule import Schedule, Scheduled
from research.unattended.state import Failure, Ledger, Record, Started, State
from research.unattended.summary import Summary

SAMPLE = "sample"  # the simulated market, which is not updated
INSTANT = dt.timedelta(seconds=1)


class RenderAll(Protocol):
    """Renders many reports, and tells of each once it is done."""

    def __call__(
        self, jobs: Sequence[Job], *, workers: int, on_done: Callable[[Outcome], None]
    ) -> list[Outcome]:
        """Return what came of each."""


def now_utc() -> dt.datetime:
    """Return the machine's time."""
    return dt.datetime.now(dt.UTC)


def build_site(folder: Place, late: Mapping[str, dt.datetime]) -> None:
    """Write the index of a folder of reports; what a page is made with is imported by then."""
    from research.report import site

    site.build(folder, overdue=late)


def run(
    schedule: Schedule,
    *,
    out: Place,
    store: str | None = None,
    names: Sequence[str] = (),
    everything: bool = False,
    budget_seconds: float = 300.0,
    workers: int = batch.WORKERS,
    now: Callable[[], dt.datetime] = now_utc,
    update: Update | None = update_store,
    check: Callable[[Sequence[Job]], None] = lambda _: None,
    render_all: RenderAll = batch.render_all,
    build_site: closing.BuildSite = build_site,
    tell: Callable[[str], None] = lambda _: None,
) -> Summary:
    """Render what is due, each period once.

    Parameters
    ----------
    out : folder of the reports, and of the state, the locks and the log in `.state` within
    store : where the observations are; without it, the store of the settings
    names : patterns of the reports to look at, such as `weekly/*`; without them, all
    everything : render each report, be it due or not
    budget_seconds : for the update of the store, once and before the first report
    workers : reports at once
    now : tells the time
    update : fills a store within seconds and says what is wanting; None: leave it as it is
    check : refuses what `render_all` could not make, before anything is begun
    tell : told each event in a sentence

    People are told what is overdue at the start, and what came of each report at the end.
    A report that another run is making is left to it. One that fails is due again at the next run.

    Raises
    ------
    ResearchError : if the state cannot be written or `check` refuses: nothing is rendered then
    """
    ledger, reports, moment = Ledger(out), planning.choose(schedule, names), now()
    summary = Summary(run=f"{moment:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:6]}")
    log = Log(place_of(ledger.folder, summary.run), run=summary.run, now=now, tell=tell)
    one = _Run(ledger=ledger, now=now, moment=moment, log=log, summary=summary)
    telling.check(closing.rules_of(schedule))
    one.tell_repaired(repair.repair(ledger, schedule.reports, moment))
    kept: Any = {"out": out, "log": log, "summary": summary}
    state = ledger.read()
    late = closing.overdue(schedule, state, moment)
    closing.tell_people(schedule, (), late, state=state, now=moment, **kept)
    with ExitStack() as held:
        mine = one.lock(reports, held, everything=everything)
        if one.finish_what_was_killed(mine):
            closing.tell_people(schedule, (), None, state=ledger.read(), now=now(), **kept)
        work = planning.work(mine, ledger.read(), moment, everything=everything) if mine else []
        if not work:
            log("nothing-due", "nothing else is due" if summary.left else "nothing is due")
            closing.list_reports(schedule, build_site, has_worked=False, now=now(), **kept)
            return summary
        one.tell_repaired(repair.sweep(ledger))
        check([each.job(out) for each in work])
        log("started", f"{counted(len(work), 'report')} to be made", reports=len(work))
        location = store or settings().store
        if update is not None and location != SAMPLE:
            summary.trouble += refresh(location, update, budget_seconds, run=summary.run, log=log)
        one.render(work, render_all, workers)
    closing.tell_people(schedule, summary.outcomes, None, now=now(), **kept)
    if any(outcome.state == "done" for outcome in summary.outcomes):
        closing.clear_away(schedule, now=now(), **kept)
    closing.list_reports(schedule, build_site, has_worked=True, now=now(), **kept)
    _tell_end(log, summary)
    return summary


@dataclass(kw_only=True)
class _Run:
    """One run, and what it has locked."""

    ledger: Ledger
    now: Callable[[], dt.datetime]
    moment: dt.datetime  # for which it is decided what is due
    log: Log
    summary: Summary
    fences: dict[str, Fence] = field(default_factory=dict)  # by entry; none where files are locked

    def tell_repaired(self, sentences: Iterable[str], report: str | None = None) -> None:
        """Do what is left to be done, and say what it was."""
        for sentence in sentences:
            self.summary.repaired.append(sentence)
            self.log("repaired", sentence, **({} if report is None else {"report": report}))

    def lock(
        self, reports: Sequence[Scheduled], held: ExitStack, *, everything: bool
    ) -> list[Scheduled]:
        """Lock the entries for which there may be something to do; return their reports.

        Those that another run has are left to it.
        """
        state = self.ledger.read()
        self._tell_of_clock(reports, state)
        work = planning.work(reports, state, self.moment, everything=everything)
        begun = [report for report in reports if _known(state, report).started]
        locked = set[str]()
        for entry in dict.fromkeys(r.entry.name for r in [*begun, *(w.report for w in work)]):
            try:
                fence = held.enter_context(self.ledger.lock(entry).held(run=self.summary.run))
                locked.add(entry)
                if fence is not None:
                    self.fences[entry] = fence
            except LockedError as error:
                self.summary.left[entry] = str(error)
                self.log("left", f"{entry}: left to another run, {error}", report=entry)
        return [report for report in reports if report.entry.name in locked]

    def _tell_of_clock(self, reports: Sequence[Scheduled], state: State) -> None:
        """Say that the clock is behind what is done, as then nothing is done again."""
        for report in reports:
            last = max(_known(state, report).done, default=self.moment)
            if last > self.moment:
                self.log(
                    "clock-behind",
                    f"{report.name}: done for {last:%Y-%m-%d %H:%M} UTC, and the clock says "
                    f"{self.moment:%Y-%m-%d %H:%M}; what is done is not done again",
                    report=report.name,
                    period=last,
                )

    def finish_what_was_killed(self, reports: Sequence[Scheduled]) -> bool:
        """Note what a killed run had published, so that it is not made again; say if there was."""
        state, anew = self.ledger.read() if reports else State(), dict[str, Record]()
        for report in reports:
            before = _known(state, report)
            if not before.started:
                continue
            record, published = repair.unfinished(self.ledger, report, before, self.moment)
            anew[report.name] = record
            what = f"published {len(published)} of {len(before.started)}, which count as done"
            what = what if published else "published nothing of it"
            sentence = f"{report.name}: a run was killed while it made this; it had {what}"
            self.tell_repaired([sentence], report.name)
        if anew:
            self.ledger.change_all({name: _becomes(record) for name, record in anew.items()})
        return bool(anew)

    def render(self, work: Sequence[Work], render_all: RenderAll, workers: int) -> None:
        """Make reports, and write down what came of each as soon as it is known."""
        for fence in self.fences.values():
            fence.check()
        self._begin(work)
        jobs = [each.job(self.ledger.out, self.fences.get(each.report.entry.name)) for each in work]
        reports = {each.report.name: each.report for each in work}
        try:
            render_all(
                jobs,
                workers=workers,
                on_done=lambda outcome: self._note(outcome, reports[outcome.job.name]),
            )
        except KeyboardInterrupt:
            self.log("interrupted", "ended from outside; what is not done is due again")
            raise
        told = [outcome.job for outcome in self.summary.outcomes]
        for job in (each for each in jobs if each not in told):
            nothing = Outcome(
                job=job,
                state="failed",
                page=None,
                reason=f"{job.name}: nothing is known of what came of it",
                attempts=0,
                seconds=0.0,
                peak_megabytes=0.0,
            )
            self._note(nothing, reports[job.name])

    def _begin(self, work: Sequence[Work]) -> None:
        """Write down what is about to be made, for the next run if this one is killed."""
        at = self.now()
        begun: dict[str, list[Started]] = {}
        for each in work:
            if each.period is not None:
                one = Started(period=each.period, at=at, file=each.file)
                begun.setdefault(each.report.name, []).append(one)
        self.ledger.change_all({name: _begins(started) for name, started in begun.items()})

    def _note(self, outcome: Outcome, report: Scheduled) -> None:
        """Write down what came of a job."""
        job, at = outcome.job, self.now()
        outcome = replace(outcome, reason=scrub(outcome.reason), noted_at=at)
        self.summary.outcomes.append(outcome)
        is_done = outcome.state == "done"
        self.log(
            "done" if is_done else "failed",
            f"{job.name}: {outcome.page if is_done else outcome.reason}",
            report=job.name,
            period=job.period,
            state=outcome.state,
            attempts=outcome.attempts,
            seconds=round(outcome.seconds, 1),
        )

        def changed(record: Record) -> Record:
            if is_done:
                page = outcome.page.name if outcome.page else report.file
                return repair.finished(
                    record, report, job.period, page=page, at=at, now=self.moment
                )
            failure = Failure(
                period=job.period,
                at=at,
                state=outcome.state,
                reason=outcome.reason,
                attempts=outcome.attempts,
            )
            left = tuple(one for one in record.started if one.period != job.period)
            return record.model_copy(update={"failure": failure, "started": left})

        try:
            if (fence := self.fences.get(report.entry.name)) is not None:
                fence.check()
            self.ledger.change(job.name, changed)
        except ResearchError as error:
            self.summary.trouble.append(f"{job.name}: {error}")
            self.log("state-failed", f"{job.name}: {error}", report=job.name)


def _known(state: State, report: Scheduled) -> Record:
    return state.reports.get(report.name, Record())


def _becomes(record: Record) -> Callable[[Record], Record]:
    return lambda _: record


def _begins(started: Sequence[Started]) -> Callable[[Record], Record]:
    """Return what notes the beginning; from its first period on, a report owes all of them."""

    def begin(record: Record) -> Record:
        settled = record.settled or started[0].period - INSTANT
        return record.model_copy(update={"started": tuple(started), "settled": settled})

    return begin


def _tell_end(log: Log, summary: Summary) -> None:
    done = sum(outcome.state == "done" for outcome in summary.outcomes)
    failed = len(summary.outcomes) - done
    log("ended", f"{done} done, {failed} failed", done=done, failed=failed)
