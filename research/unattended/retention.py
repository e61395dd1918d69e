"""Keeps the archive of a folder of reports bounded, and says beforehand what would go.

Of each report the archive keeps the last ones and, if asked to, the last one of each of some weeks
and months. That does not hang on today's date, so nothing goes because nobody has made a report for
long. Kept besides are the newest that is whole, whatever the manifest of a kept report says that it
was compared with, and every file whose name is not one of ours.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from research.errors import RenderError, UsageError
from research.report import manifest as manifests
from research.report.files import TWIN
from research.report.listing import CHANGED, GOING, _version
from research.report.places import Place
from research.report.shelf import ARCHIVE, ARCHIVED
from research.unattended.log import RUNS
from research.unattended.telling import FOLDER as STATE

SUFFIXES = (".html", manifests.SUFFIX, TWIN)  # the order in which they go
PART = re.compile(r"\.[0-9a-f]{32}\.part")
UNFINISHED = dt.timedelta(hours=1)  # what lies about for longer, nobody is writing any more
FAILED = "failed"  # folder of notebooks that failed, in a folder of reports
MOST_FAILED = 200  # of them, the newest, that are kept
MOST_LOGS = 1000  # of runs, the newest, where each has a file of its own

Past = tuple["Keep", Mapping[dt.datetime, str]]  # pages, without suffix, by the time they are of
Count = Annotated[int, Field(ge=0, strict=True)]  # True is no count


class Keep(BaseModel):
    """How much of a report's past the archive keeps: `keep = 30` of a schedule, or a table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    latest: Count  # the last ones
    weekly: Count = 0  # weeks, counting those that have a report, of which the last one stays
    monthly: Count = 0  # months, likewise

    @model_validator(mode="before")
    @classmethod
    def _count(cls, told: Any) -> Any:
        is_count = isinstance(told, int) and not isinstance(told, bool)
        is_table = isinstance(told, Mapping | Keep)
        if not (is_count or is_table):
            raise ValueError("accepted is a whole number, such as 30, or a table with latest")
        return {"latest": told} if is_count else told


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to go."""

    stems: tuple[str, ...]  # archived reports, the oldest first
    files: tuple[Place, ...]  # others

    def __bool__(self) -> bool:
        return bool(self.stems or self.files)


def chosen(days: Iterable[dt.date], keep: Keep) -> set[dt.date]:
    """Return the days whose reports are kept, out of those that there are."""
    newest_first = sorted(set(days), reverse=True)
    weeks: dict[tuple[int, int], dt.date] = {}
    months: dict[tuple[int, int], dt.date] = {}
    for day in newest_first:
        weeks.setdefault(day.isocalendar()[:2], day)
        months.setdefault((day.year, day.month), day)
    weekly, monthly = [*weeks.values()][: keep.weekly], [*months.values()][: keep.monthly]
    return {*newest_first[: keep.latest], *weekly, *monthly}


def plan(
    out: Place,
    keep: Mapping[str, Keep],
    *,
    past: Sequence[Past] = (),
    now: dt.datetime,
    most_failed: int = MOST_FAILED,
) -> Plan:
    """Return what would go, and touch nothing.

    Parameters
    ----------
    out : folder of reports; of those in it none is touched but what `past` names
    keep : by the name of the page without its suffix; of a report without an entry all is kept
    past : pages in `out` itself that were made as of a missed time
    now : UTC
    most_failed : notebooks of reports that failed, the newest, that are kept
    """
    archive = out / ARCHIVE
    names: dict[str, dict[dt.date, str]] = {}
    for stem in _stems(archive):
        if (found := ARCHIVED.fullmatch(stem)) and (day := _day(found["day"])):
            names.setdefault(found["name"], {})[day] = stem
    going = [
        stem
        for name, by_day in names.items()
        if name in keep
        for stem in _going(out, name, by_day, keep[name])
    ]
    logs: list[Place] = [*(out / STATE / RUNS).glob("*.jsonl")]  # their names begin with the time
    old_logs = sorted(logs, key=lambda path: path.name)[:-MOST_LOGS]
    files = [*_unfinished(out, now), *_surplus(out / FAILED, most_failed), *old_logs]
    old = [stem for how_many, of_then in past for stem in _old(of_then, how_many)]
    files += [out / f"{stem}{suffix}" for stem in old for suffix in SUFFIXES]
    marked = [path.name[1:].removesuffix(GOING) for path in archive.glob(f".*{GOING}")]
    begun = [stem for stem in marked if ARCHIVED.fullmatch(stem)]
    return Plan(stems=tuple(dict.fromkeys((*sorted(begun), *going))), files=tuple(files))


def prune(
    out: Place,
    keep: Mapping[str, Keep],
    *,
    past: Sequence[Past] = (),
    now: dt.datetime,
    most_failed: int = MOST_FAILED,
) -> Plan:
    """Delete what `plan` says, and return it.

    A report that goes is marked first, so that the index passes over it from then on; if the run is
    killed before all its files are gone, the next one takes the rest.

    Raises
    ------
    RenderError : if something cannot be deleted; what is left is still a shelf
    """
    planned = plan(out, keep, past=past, now=now, most_failed=most_failed)
    archive = out / ARCHIVE
    try:
        for stem in planned.stems:
            mark = archive / f".{stem}{GOING}"
            mark.touch()
            for suffix in SUFFIXES:
                (archive / f"{stem}{suffix}").unlink(missing_ok=True)
            mark.unlink()
        for path in planned.files:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise RenderError(
            f"{error.filename or out}: could not be deleted ({error.strerror or error})"
        ) from error
    return planned


def _stems(archive: Place) -> Iterator[str]:
    """Yield the names of what lies in an archive with a page or a manifest."""
    found = (path for suffix in SUFFIXES[:2] for path in archive.glob(f"[!.]*{suffix}"))
    yield from {path.name.removesuffix(manifests.SUFFIX).removesuffix(".html") for path in found}


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def _going(out: Place, name: str, by_day: dict[dt.date, str], keep: Keep) -> Iterator[str]:
    """Yield what goes of one report, the oldest first."""
    kept = {by_day[day] for day in chosen(by_day, keep)}
    if len(kept) == len(by_day):
        return
    kept.update(_newest_whole(out, by_day))
    wanted = {_compared(out / f"{name}{manifests.SUFFIX}")}
    wanted |= {_compared(_manifest(out, stem)) for stem in kept}
    for stem in (by_day[day] for day in sorted(by_day)):
        is_needed = stem in kept or _parsed(_manifest(out, stem)).get("twin_sha256", "") in wanted
        if not is_needed and _version(out, ARCHIVE, stem) is not None:  # None: not ours
            yield stem


def _old(of_then: Mapping[dt.datetime, str], keep: Keep) -> Iterator[str]:
    """Yield the pages of missed times that are not kept."""
    kept = chosen(of_then, keep)
    yield from (of_then[time] for time in sorted(of_then) if time not in kept)


def _newest_whole(out: Place, by_day: dict[dt.date, str]) -> Iterator[str]:
    """Yield the newest archived report with which nothing is wrong, if there is one."""
    for day in sorted(by_day, reverse=True):
        version = _version(out, ARCHIVE, by_day[day])
        if version is not None and not version.problem and CHANGED not in version.marks:
            yield by_day[day]
            return


def _manifest(out: Place, stem: str) -> Place:
    return out / ARCHIVE / f"{stem}{manifests.SUFFIX}"


def _parsed(path: Place) -> dict[str, Any]:
    """Return a manifest, empty if there is none that can be read."""
    try:
        return manifests.read(path)
    except UsageError:
        return {}


def _compared(path: Place) -> str | None:
    """Return the hash of the twin that a report was compared with; None: with none."""
    record = _parsed(path).get("compared")
    told = record.get("twin_sha256") if isinstance(record, dict) else None
    return told if isinstance(told, str) else None


def _unfinished(out: Place, now: dt.datetime) -> Iterator[Place]:
    """Yield what a killed run has left half written."""
    for folder in (out, out / ARCHIVE, out / FAILED, out / STATE):
        parts: list[Place] = [*folder.glob(".*.part")]
        for path in sorted(parts, key=str):
            if PART.fullmatch(path.name) and _written(path) < now - UNFINISHED:
                yield path


def _surplus(folder: Place, count: int) -> list[Place]:
    """Return the notebooks of a folder but for the newest."""
    kept: list[Place] = [*folder.glob("[!.]*.ipynb")]
    return sorted(kept, key=_written, reverse=True)[count:]


def _written(path: Place) -> dt.datetime:
    return dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
