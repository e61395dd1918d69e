"""What a run of many reports is asked for, and what came of each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from research.report.places import Place
from research.unattended.leases import Fence

State = Literal["done", "failed", "gate", "timed out"]  # gate: a strict report's checks failed


@dataclass(frozen=True, kw_only=True)
class Job:
    """One report to be rendered."""

    name: str  # in the schedule, such as `weekly/akash/rtx-4090`
    notebook: str
    parameters: Mapping[str, str]  # as typed on a command line
    store: str | None
    as_of: str | None  # what was known then; None: at the start
    out: Place
    strict: bool
    seconds: float  # limit for all of it
    cell_seconds: float  # limit for each cell
    fence: Fence | None = None  # to be asked before anything is written; None: a lock is enough
    period: dt.datetime | None  # the planned time that it is done for, UTC; None: asked for by hand


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a job."""

    job: Job
    state: State
    page: Place | None  # None unless done
    reason: str  # why it is not done; empty
    attempts: int
    seconds: float  # of the last attempt
    peak_megabytes: float  # of the process that ran the notebook; 0 if not known
    flips: tuple[str, ...] = ()  # sentences about verdicts that turned since the report before
    executed: Place | None = None  # the notebook of a failed one, for the analyst
    noted_at: dt.datetime | None = None  # when it was written into the state, UTC; None: not yet
