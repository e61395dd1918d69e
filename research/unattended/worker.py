"""Renders one of many reports, and tells in a word and a sentence what came of it."""

from __future__ import annotations

import json
import logging
import pickle
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from research.errors import QualityError, ResearchError, TimedOutError
from research.report import render
from research.report.bucket import PlaceError
from research.report.files import TWIN
from research.report.places import Place
from research.report.progress import Halted
from research.report.surroundings import Limits, Start, Surroundings, nothing, within
from research.unattended import failed
from research.unattended.jobs import Job, State
from research.unattended.retries import tries


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of a job, as far as the process that did it can tell."""

    state: State
    page: Place | None = None
    reason: str = ""
    flips: tuple[str, ...] = ()
    executed: Place | None = None
    attempts: int = 1


@dataclass(frozen=True, kw_only=True)
class Minded:
    """What came of a job, with what only the process above it can tell."""

    answer: Answer
    seconds: float
    peak_megabytes: float


def work(job: Job, folder: Path, *, start: Start | None = None) -> Answer:
    """Render a report; what can pass, such as a store that cannot be reached, is tried again.

    Parameters
    ----------
    folder : for temporary files
    start : starts the kernel; None: as a new interpreter
    """
    attempts = 1
    check = nothing if job.fence is None else job.fence.check
    limits = Limits(cell_seconds=job.cell_seconds, seconds=job.seconds, began=time.monotonic())
    try:
        with within(Surroundings(folder=folder, start=start, limits=limits, check=check)):
            for attempt in tries():
                with attempt:
                    attempts = attempt.num
                    page = render.report(
                        job.notebook,
                        job.parameters,
                        store=job.store,
                        as_of=job.as_of,
                        strict=job.strict,
                        out=job.out,
                    )
    except KeyboardInterrupt:  # sent to a report that does not end in time
        return Answer(state="timed out", reason=too_long(job))
    except QualityError as error:
        return _kept(job, "gate", error)
    except TimedOutError as error:
        return _kept(job, "timed out", error)
    except ResearchError as error:
        return replace(_kept(job, "failed", error), attempts=attempts)
    except Exception as error:  # whatever it is, the other reports go on
        logging.exception("%s", job.name)
        return Answer(state="failed", reason=f"{type(error).__name__}: {error}")
    _forget(page)
    return Answer(state="done", page=page, flips=_flips(page), attempts=attempts)


def too_long(job: Job) -> str:
    """Say that all of it took too long, wherever it was."""
    return f"the report took longer than {job.seconds:g} s in all; nothing was published"


def _kept(job: Job, state: State, error: ResearchError) -> Answer:
    """Return why a report is not there, and keep how far its notebook came."""
    reason, halted = str(error), error.__cause__
    if not isinstance(halted, Halted) or halted.notebook is None:
        return Answer(state=state, reason=reason)
    asked = render.order(job.notebook, job.parameters, store=job.store, as_of=job.as_of)
    page = job.out / asked.file
    try:
        executed = failed.keep(halted, page, reason, store=asked.values.get("store"))
    except (OSError, ResearchError) as refused:
        _forget(page)
        return Answer(state=state, reason=f"{reason}; {refused}")
    return Answer(state=state, reason=reason, executed=executed)


def _forget(page: Place) -> None:
    """Remove what was kept of an earlier failure; a report is none the worse if that fails."""
    try:
        failed.forget(page)
    except (OSError, PlaceError) as error:
        logging.warning("%s: an older notebook that failed is still there: %s", page.name, error)


def _flips(page: Place) -> tuple[str, ...]:
    """Return the sentences of a report about verdicts that are not what they were."""
    try:
        changes = json.loads(page.with_suffix(TWIN).read_bytes())["changes"]
    except (OSError, PlaceError) as error:  # it is published all the same
        logging.warning("%s: what turned in it is not told: %s", page.name, error)
        return ()
    return tuple(flip["text"] for flip in changes["flips"]) if changes else ()


def main() -> None:
    """Render the report that stdin asks for; tell stdout what came of it and the memory it took.

    For a new interpreter, where none can be forked.
    """
    job, folder = pickle.load(sys.stdin.buffer)  # noqa: S301 - of the process that started us
    answer = work(job, folder)
    sys.stdout.buffer.write(pickle.dumps((answer, _peak_megabytes())))


def _peak_megabytes() -> float:
    """Return the memory of the largest process that this one started, 0 where it is not told."""
    if sys.platform == "win32":
        return 0.0
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit / 1e6
