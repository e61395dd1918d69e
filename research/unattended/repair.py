"""What a run finds broken before it begins, and what it does about it, each in a sentence."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterable, Iterator, Sequence

from research.counting import counted
from research.errors import UsageError
from research.report import manifest as manifests
from research.report import temporary
from research.report.places import Place
from research.report.shelf import ARCHIVE, belongs, made_at
from research.unattended import failed
from research.unattended.periods import settle
from research.unattended.schedule import Scheduled
from research.unattended.state import BrokenStateError, Ledger, Record, Started, State

UNFINISHED_SECONDS = 3600.0  # after which a file that was not moved into place belongs to nobody


def sweep(ledger: Ledger) -> Iterator[str]:
    """Remove what killed runs left half written, in the folder of the reports too."""
    if n_folders := temporary.sweep():
        folders = counted(n_folders, "temporary folder")
        yield f"removed {folders} of reports that were killed days ago"
    beside = (ledger.out / ARCHIVE, ledger.out / failed.FOLDER)
    within = (ledger.out, *beside, ledger.folder, ledger.locks)
    found = [path for folder in within for path in _unfinished(folder)]
    for path in found:
        path.unlink(missing_ok=True)
    if found:
        yield f"removed {counted(len(found), 'unfinished file')} of a run that was killed"


def repair(ledger: Ledger, reports: Sequence[Scheduled], now: dt.datetime) -> Iterator[str]:
    """Make a broken or lost state anew from what is published; yield what was done."""
    has_run = ledger.folder.exists()
    ledger.prepare()
    if _is_sound(ledger, has_run=has_run):
        return
    with ledger.alone() as kept:
        if _is_sound(ledger, has_run=has_run):
            return  # another run was quicker
        records = dict(_from_pages(ledger.out, reports, now))
        what = f"{ledger.path}: lost"
        if kept.read() is not None:
            aside = f"broken-{now:%Y%m%dT%H%M%SZ}.json"
            kept.put_aside(aside)
            what = f"{ledger.path}: could not be read, and was moved to {aside}"
        elif not records:
            return  # a first run was ended before it began a report
        if not ledger.write(State(reports=records), kept):
            return
    yield f"{what}; made anew from the {len(records)} reports that are there"


def _is_sound(ledger: Ledger, *, has_run: bool) -> bool:
    """Say whether the state can be read, or there is none as nothing has run yet."""
    try:
        ledger.read()
    except BrokenStateError:
        return False
    return ledger.kept.exists() or not has_run


def _from_pages(
    out: Place, reports: Iterable[Scheduled], now: dt.datetime
) -> Iterator[tuple[str, Record]]:
    for report in reports:
        made = published_at(out / report.file)
        if made is None:
            continue
        period = report.plan.latest(min(made, now))
        yield (
            report.name,
            Record(
                settled=period,
                done=() if period is None else (period,),
                period=period,
                finished_at=made,
                page=report.file,
            ),
        )


def published_at(page: Place) -> dt.datetime | None:
    """Return when a report was started, UTC, if its page and its manifest are of one report.

    The page is moved into place last, so a newer manifest beside an older page is of a run that was
    killed in between.
    """
    try:
        manifest = manifests.read(page.with_suffix(manifests.SUFFIX))
        content = page.read_bytes()
    except (UsageError, OSError):
        return None
    started, written = made_at(manifest, b""), made_at({}, content)
    if started is None or written is None or not belongs(content, manifest):
        return None
    is_older = written < started.replace(second=0, microsecond=0)  # of before pages told the twin
    return None if is_older else started


def unfinished(
    ledger: Ledger, report: Scheduled, record: Record, now: dt.datetime
) -> tuple[Record, list[Started]]:
    """Return what is known of a report once it is known what a killed run has published of it.

    The second value are the periods that it had published, without having told so.
    """
    published = []
    for one in record.started:
        made = published_at(ledger.out / one.file)
        if made is not None and made >= one.at.replace(microsecond=0):
            record = finished(record, report, one.period, page=one.file, at=made, now=now)
            published.append(one)
    return record.model_copy(update={"started": ()}), published


def finished(
    record: Record,
    report: Scheduled,
    period: dt.datetime | None,
    *,
    page: str,
    at: dt.datetime,
    now: dt.datetime,
) -> Record:
    """Return what is known of a report once one of its periods is done; None: asked for by hand."""
    told = {"page": page, "finished_at": at, "failure": None}
    if period is None:
        return record.model_copy(update=told)
    settled, done = settle(
        report.plan,
        period,
        settled=record.settled,
        done=record.done,
        now=now,
        catch_up=report.entry.catch_up,
    )
    left = tuple(one for one in record.started if one.period != period)
    told |= {"settled": settled, "done": tuple(done), "period": period, "started": left}
    return record.model_copy(update=told)


def _unfinished(folder: Place) -> list[Place]:
    """Return files that were being written and have been left alone for long."""
    before = time.time() - UNFINISHED_SECONDS
    return [path for path in folder.glob(".*.part") if _changed(path) < before]


def _changed(path: Place) -> float:
    """Return when a file was changed; one that has just been moved into place is new."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return time.time()
