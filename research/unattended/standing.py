"""How the reports of a schedule stand, and what is due, as rows for people and for machines."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from research.report.places import Place
from research.unattended.periods import due
from research.unattended.planning import Work
from research.unattended.schedule import DEFAULT, Scheduled, read
from research.unattended.state import Failure, Ledger, Record


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How a report stands."""

    name: str
    finished_at: dt.datetime | None  # last success
    period: dt.datetime | None  # that it was for
    page: str | None
    owed_since: dt.datetime | None  # the first period that is not done
    next_due: dt.datetime | None
    is_overdue: bool
    failure: Failure | None


def standing(report: Scheduled, record: Record, now: dt.datetime) -> Standing:
    """Return how a report stands: overdue if a period is owed for longer than its entry allows."""
    owed = due(report.plan, settled=record.settled, done=record.done, now=now, catch_up="each")
    since = owed[0] if owed else None
    allowed = dt.timedelta(minutes=report.entry.overdue_minutes)
    return Standing(
        name=report.name,
        finished_at=record.finished_at,
        period=record.period,
        page=record.page,
        owed_since=since,
        next_due=report.plan.following(now),
        is_overdue=since is not None and now - since > allowed,
        failure=record.failure,
    )


def standings(
    schedule: Path | None, out: Place, now: dt.datetime | None = None
) -> list[Standing] | None:
    """Return how each report stands; None if no schedule was named, and the usual one never run."""
    ledger = Ledger(out)
    if schedule is None and not (DEFAULT.is_file() and ledger.folder.is_dir()):
        return None
    known, now = ledger.read().reports, now or dt.datetime.now(dt.UTC)
    return [
        standing(report, known.get(report.name, Record()), now)
        for report in read(schedule or DEFAULT).reports
    ]


def to_dict(one: Standing) -> dict[str, Any]:
    """Return a standing as `--json` prints it."""
    failure = None if one.failure is None else one.failure.model_dump()
    return asdict(one) | {"failure": failure}


def in_words(one: Standing) -> dict[str, object]:
    """Return a standing as a row of a table."""
    failure = one.failure
    return {
        "report": one.name,
        "last_success": one.finished_at or "never",
        "next_due": one.next_due or "never",
        "overdue": f"since {one.owed_since:%Y-%m-%d %H:%M}" if one.is_overdue else "",
        "last_failure": "" if failure is None else f"{failure.at:%Y-%m-%d %H:%M}: {failure.reason}",
    }


def work_to_dict(work: Iterable[Work]) -> list[dict[str, Any]]:
    """Return what is due as `--json` prints it."""
    return [
        {
            "report": each.report.name,
            "period": each.period,
            "as_of": each.as_of,
            "notebook": each.report.notebook,
            "parameters": dict(each.report.parameters),
            "page": each.file,
        }
        for each in work
    ]


def work_in_words(row: Mapping[str, Any]) -> dict[str, object]:
    """Return what `work_to_dict` returned as a row of a table."""
    typed = " ".join(f"{name}={value}" for name, value in row["parameters"].items())
    return {
        **row,
        "period": row["period"] or "by hand",
        "as_of": row["as_of"] or "now",
        "parameters": typed,
    }
