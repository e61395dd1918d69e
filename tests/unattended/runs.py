"""A schedule of tiny notebooks, and reports that are made without running them."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from research.report.manifest import KEYS, VERSION
from research.report.places import Place
from research.unattended import batch
from research.unattended.jobs import Job, Outcome, State
from research.unattended.run import run
from research.unattended.schedule import Schedule
from research.unattended.summary import Summary


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def job(notebook: Path | str, out: Place, **changed: object) -> Job:
    plain = Job(
        name=Path(notebook).stem,
        notebook=str(notebook),
        parameters={},
        store=None,
        as_of=None,
        out=out,
        strict=False,
        seconds=60,
        cell_seconds=30,
        period=None,
    )
    return replace(plain, **changed)  # type: ignore[arg-type]


def outcome(
    job: Job, state: State = "done", page: Place | None = None, reason: str = "", **more: Any
) -> Outcome:
    return Outcome(
        job=job,
        state=state,
        page=page,
        reason=reason,
        attempts=1,
        seconds=1.0,
        peak_megabytes=0.0,
        **more,
    )


def publish(page: Place, at: dt.datetime, *, is_cut: bool = False) -> Place:
    """Write what tells of a report that was made at a time; cut: killed before the page."""
    twin_sha256 = hashlib.sha256(at.isoformat().encode()).hexdigest()
    manifest = dict.fromkeys(KEYS) | {
        "schema_version": VERSION,
        "started_at": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "twin_sha256": twin_sha256,
    }
    page.with_suffix(".manifest.json").write_bytes(json.dumps(manifest).encode())
    if not is_cut:
        tag = f'<meta name="twin" content="{twin_sha256}">'
        written = f"Written {at:%Y-%m-%d %H:%M} by gpu-depin-research 0.1"
        page.write_bytes(f"{tag} {written}".encode())
    return page


@dataclass
class Desk:
    """Runs a schedule at times of its own, and remembers what was asked for."""

    schedule: Schedule
    out: Any  # a folder, or one on an object store
    now: dt.datetime = field(default_factory=lambda: utc("2026-06-10T06:05"))
    jobs: list[Job] = field(default_factory=list)
    updates: list[tuple[str, float]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    states: dict[str, State] = field(default_factory=dict)  # of reports that are not done
    reason: str = "a cell failed"

    def render_all(
        self, jobs: Sequence[Job], *, workers: int, on_done: Callable[[Outcome], None]
    ) -> list[Outcome]:
        assert workers == batch.WORKERS
        self.jobs += jobs
        files = {report.name: report.file for report in self.schedule.reports}
        outcomes = []
        for job in jobs:
            state = self.states.get(job.name, "done")
            if state == "done":
                page = publish(job.out / files[job.name], self.now)
                outcomes.append(outcome(job, page=page))
            else:
                outcomes.append(outcome(job, state, reason=self.reason))
            on_done(outcomes[-1])
        return outcomes

    def update(self, store: str, budget_seconds: float) -> list[str]:
        self.updates.append((store, budget_seconds))
        return []

    def run(self, at: str | None = None, **options: Any) -> Summary:
        """Run once; what is asked for is in `jobs`, this time's alone."""
        self.now = self.now if at is None else utc(at)
        self.jobs.clear()
        given: dict[str, Any] = {
            "store": str(self.out / "store"),
            "now": lambda: self.now,
            "update": self.update,
            "render_all": self.render_all,
            "build_site": lambda *_: None,
            "tell": self.told.append,
        }
        return run(self.schedule, out=self.out, **given | options)

    def made(self) -> list[str]:
        """Return the names of the last run's reports."""
        return [job.name for job in self.jobs]

    def log(self) -> list[dict[str, Any]]:
        lines = (self.out / ".state" / "log.jsonl").read_text("utf-8").splitlines()
        return [json.loads(line) for line in lines]
