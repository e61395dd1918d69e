"""Fills the store before a run of reports: once for all of them, within a time limit."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from research.errors import ResearchError
from research.report.guard import scrub
from research.unattended.locks import of_store
from research.unattended.log import Log
from research.unattended.retries import tries

Update = Callable[[str, float], Sequence[str]]
LEAST_SECONDS = 1.0  # of an update that had to wait


def refresh(store: str, update: Update, budget_seconds: float, *, run: str, log: Log) -> list[str]:
    """Fill a store, alone; return in a sentence why that failed, or nothing.

    Parameters
    ----------
    update : fills a store within seconds, and says in sentences what is wanting
    budget_seconds : for all of it, with the wait for another run and with another try
    run : who asks
    """
    ends = time.monotonic() + budget_seconds
    wanting: Sequence[str] = ()
    try:
        with of_store(store).held(run=run, seconds=budget_seconds):
            for attempt in tries():
                with attempt:
                    wanting = update(store, max(LEAST_SECONDS, ends - time.monotonic()))
    except (ResearchError, OSError) as error:
        sentence = scrub(f"the store was not updated: {error}")
        log("update-failed", sentence)
        return [sentence]
    log("updated", f"the sources were asked; {len(wanting)} series are wanting")
    for each in wanting:
        log("wanting", each)
    return []


def update_store(store: str, budget_seconds: float) -> list[str]:
    """Ask the sources for what the store lacks; return in sentences what is still wanting."""
    from research.update import update

    return [str(each) for each in update(store=store, budget_seconds=budget_seconds).wanting]
