"""Reads `reports/schedule.toml`: which reports there are, when, with which parameters.

Everything is checked before anything runs: what an entry says, its cron expression, and the
parameters of each of its reports against the schema of the notebook.
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from research.config import settings
from research.errors import ParameterError, UsageError
from research.report.render import order
from research.unattended.periods import CatchUp, Plan
from research.unattended.retention import Keep
from research.unattended.rules import Rules

DEFAULT = Path("reports/schedule.toml")
GIVEN_BY_THE_RUN = ("store", "as_of")  # parameters that no entry may name
Value = bool | int | float | str | dt.date
Name = Annotated[
    str,
    Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=80),
]


class Entry(BaseModel):
    """One `[[report]]` of a schedule."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: Name
    notebook: str  # a name, or a path from the schedule's folder
    cron: str
    timezone: str = "UTC"
    parameters: Mapping[str, Value] = {}
    grid: Mapping[str, Annotated[list[Value], Field(min_length=1)]] = {}  # a report each
    strict: bool = False
    catch_up: CatchUp = "latest"
    keep: Keep | None = None  # of earlier versions in the archive; None: all
    time_limit_minutes: Annotated[float, Field(gt=0, le=1440)] = 60
    cell_time_limit_minutes: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 20
    overdue_minutes: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 120  # after its time
    alerts: Rules | None = None  # who is told of it; None: nobody

    @field_validator("timezone")
    @classmethod
    def _exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("no such time zone; one is, say, Europe/Berlin") from error
        return value

    @field_validator("cron")
    @classmethod
    def _plans(cls, value: str) -> str:
        Plan(value, "UTC")
        return value

    @property
    def plan(self) -> Plan:
        """When it is planned."""
        return Plan(self.cron, self.timezone)


@dataclass(frozen=True, kw_only=True)
class Scheduled:
    """One report of a schedule: an entry, or one combination of its grid."""

    name: str  # such as `token-or-hardware/akash/rtx-4090`
    entry: Entry
    plan: Plan
    notebook: str
    parameters: Mapping[str, str]  # as typed on a command line
    store: str | None  # as given, None for a notebook without that parameter
    file: str  # name of its page, as of now

    def file_as_of(self, period: dt.datetime | None) -> str:
        """Return the name of its page as of then."""
        if period is None:
            return self.file
        as_of = period.isoformat()
        return order(self.notebook, self.parameters, store=self.store, as_of=as_of).file


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """What a schedule plans."""

    path: Path
    reports: tuple[Scheduled, ...]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    report: Annotated[list[dict[str, Any]], Field(min_length=1)]


def read(path: Path, *, store: str | None = None) -> Schedule:
    """Return the schedule at `path`, checked.

    Parameters
    ----------
    store : where the observations are; without it, the store of the settings

    Raises
    ------
    UsageError : that names the file, the entry and the field of everything that is wrong
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); name a schedule") from error
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from error
    try:
        tables = _File.model_validate(content).report
    except ValidationError as error:
        raise UsageError("\n".join(_told(f"{path}", error))) from error
    settings()  # so that what is wrong with them is not said of an entry
    wrong, reports = list[str](), list[Scheduled]()
    for number, table in enumerate(tables, start=1):
        where = f"{path}, report {table.get('name', number)!r}"
        try:
            reports += _expand(Entry.model_validate(table), path.parent, store)
        except ValidationError as error:
            wrong += _told(where, error)
        except (ParameterError, UsageError) as error:
            wrong += [f"{where}, {line}" for line in str(error).splitlines()]
    wrong += [f"{path}: {text}" for text in _twice(reports)]
    if wrong:
        raise UsageError("\n".join(dict.fromkeys(wrong)))
    return Schedule(path=path, reports=tuple(reports))


def _told(where: str, error: ValidationError) -> Iterator[str]:
    """Say what is wrong, and with which field."""
    for each in error.errors(include_url=False):
        place = ".".join(str(part) for part in each["loc"] if not _is_of_a_type(part))
        if each["type"] == "extra_forbidden":
            known = ", ".join(Entry.model_fields if where.endswith("'") else _File.model_fields)
            yield f"{where}, {place}: no such field; accepted are {known}"
        else:
            yield f"{where}, {place}: {each['msg'].removeprefix('Value error, ')}"


def _is_of_a_type(part: int | str) -> bool:
    """Say whether part of a place is only pydantic's name of a type of several."""
    return part in ("bool", "int", "float", "str", "date")


def _expand(entry: Entry, folder: Path, store: str | None) -> Iterator[Scheduled]:
    """Yield the reports of an entry, one a combination of its grid."""
    _refuse_parameters(entry)
    notebook = entry.notebook
    if notebook.endswith(".ipynb") or os.sep in notebook:
        notebook = str((folder / notebook).absolute())
    accepted = order(notebook, {}).accepted
    takes = {each.name for each in accepted.parameters}
    store = store if "store" in takes else None
    if entry.catch_up == "each" and "as_of" not in takes:
        raise UsageError(
            f"catch_up: `each` makes the report of an earlier period as of then, and "
            f"{accepted.notebook.stem} has no parameter as_of"
        )
    for values in itertools.product(*entry.grid.values()):
        chosen = dict(entry.parameters) | dict(zip(entry.grid, values, strict=True))
        parameters = {name: _typed(value) for name, value in chosen.items()}
        yield Scheduled(
            name="/".join([entry.name, *map(_typed, values)]),
            entry=entry,
            plan=entry.plan,
            notebook=notebook,
            parameters=parameters,
            store=store,
            file=order(notebook, parameters, store=store).file,
        )


def _refuse_parameters(entry: Entry) -> None:
    for name in (*entry.parameters, *entry.grid):
        if name in GIVEN_BY_THE_RUN:
            raise UsageError(f"parameters: {name} is given by the run, not by the schedule")
        if name in entry.parameters and name in entry.grid:
            raise UsageError(f"grid: {name} stands in parameters too")


def _typed(value: Value) -> str:
    """Return a value as one types it on a command line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and math.isfinite(value):
        return repr(value).removesuffix(".0")
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def _twice(reports: Sequence[Scheduled]) -> Iterator[str]:
    """Say which reports could not be told apart."""
    entries: dict[str, int] = {}
    names: dict[str, Scheduled] = {}
    pages: dict[str, Scheduled] = {}
    for report in reports:
        if entries.setdefault(report.entry.name, id(report.entry)) != id(report.entry):
            yield f"two entries are called {report.entry.name!r}"
        elif report.name in names:
            yield f"report {report.entry.name!r}, grid: {report.name} stands there twice"
        elif (other := pages.setdefault(report.file, report)) is not report:
            yield f"{report.name} and {other.name} would write the same page, {report.file}"
        names[report.name] = report
