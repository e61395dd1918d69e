"""Many reports: one after another, each on its own, so that one that fails stops no other."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from research.errors import QualityError, ResearchError
from research.report import render
from research.report.jobs import Job, Outcome, State
from research.report.retries import tries


def render_all(
    jobs: Sequence[Job],
    *,
    workers: int,  # noqa: ARG001 - one
    on_done: Callable[[Outcome], None],
) -> list[Outcome]:
    """Render all jobs and return what came of each; `on_done` is told of each once it is done."""
    outcomes = []
    for job in jobs:
        outcome = _render(job)
        on_done(outcome)
        outcomes.append(outcome)
    return outcomes


def _render(job: Job) -> Outcome:
    """Render one; what can pass is tried again."""
    page, state, reason, attempts, began = None, "done", "", 0, time.perf_counter()
    try:
        for attempt in tries():
            with attempt:
                attempts, began = attempt.num, time.perf_counter()
                page = render.report(
                    job.notebook,
                    job.parameters,
                    store=job.store,
                    as_of=job.as_of,
                    strict=job.strict,
                    out=job.out,
                )
    except QualityError as error:
        state, reason = "gate", str(error)
    except (ResearchError, OSError) as error:
        state, reason = "failed", str(error)
    told: State = state  # type: ignore[assignment]
    return Outcome(
        job=job,
        state=told,
        page=page,
        reason=reason,
        attempts=attempts,
        seconds=time.perf_counter() - began,
        peak_megabytes=0.0,
    )
