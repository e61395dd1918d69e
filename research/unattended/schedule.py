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
from typing import Annotated, Any, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)

from research.config import settings
from research.errors import ParameterError, UsageError
from research.report.render import order
from research.unattended.periods import CatchUp, Plan
from research.unattended.retention import Keep
from research.unattended.rules import Rules

DEFAULT = Path("reports/schedule.toml")
GIVEN_BY_THE_RUN = ("store", "as_of")  # parameters that no entry may name
MINUTES_OF_A_DAY, MINUTES_OF_A_YEAR = 1440, 365 * 1440
Value = bool | int | float | str | dt.date
Name = Annotated[
    str,
    Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=80),
]


def _refuse_several(value: object) -> object:
    """Refuse in one sentence what would be refused once for each type of a value."""
    if type(value) not in get_args(Value):
        raise ValueError("accepted is one text, number or day, or true or false")
    return value


One = Annotated[Value, BeforeValidator(_refuse_several)]


class Entry(BaseModel):
    """One `[[report]]` of a schedule."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: Name
    notebook: str  # a name, or a path from the schedule's folder
    cron: str
    timezone: str = "UTC"
    parameters: Mapping[str, One] = {}
    grid: Mapping[str, Annotated[list[One], Field(min_length=1)]] = {}  # a report each
    strict: bool = False
    catch_up: CatchUp = "latest"
    keep: Keep | None = None  # of earlier versions in the archive; None: all
    time_limit_minutes: Annotated[float, Field(gt=0, le=MINUTES_OF_A_DAY)] = 60
    cell_time_limit_minutes: Annotated[float, Field(gt=0, le=MINUTES_OF_A_DAY)] = 20
    overdue_minutes: Annotated[float, Field(gt=0, le=MINUTES_OF_A_YEAR)] = 120  # after its time
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
        raise UsageError("\n".join(_told(f"{path}", error, _File))) from error
    settings()  # so that what is wrong with them is not said of an entry
    wrong, reports = list[str](), list[Scheduled]()
    for number, table in enumerate(tables, start=1):
        where = f"{path}, report {table.get('name', number)!r}"
        try:
            reports += _expand(Entry.model_validate(table), path.parent, store)
        except ValidationError as error:
            wrong += _told(where, error, Entry)
        except (ParameterError, UsageError) as error:
            wrong += [f"{where}, {line}" for line in str(error).splitlines()]
    wrong += [f"{path}: {text}" for text in _twice(reports)]
    if wrong:
        raise UsageError("\n".join(dict.fromkeys(wrong)))
    return Schedule(path=path, reports=tuple(reports))


def _told(where: str, error: ValidationError, model: type[BaseModel]) -> Iterator[str]:
    """Say what is wrong, and with which field."""
    errors = error.errors(include_url=False)
    for each in errors:
        place = each["loc"]
        if each["type"] == "too_short" and any(place == one["loc"][:-1] for one in errors):
            continue  # only because what is in it is refused
        field = f"{where}, {'.'.join(map(str, place))}"
        if each["type"] == "extra_forbidden":
            known = ", ".join(_table(model, place).model_fields)
            yield f"{field}: no such field; accepted are {known}"
        else:
            yield f"{field}: {each['msg'].removeprefix('Value error, ')}"


def _table(model: type[BaseModel], place: Sequence[int | str]) -> type[BaseModel]:
    """Return the table that a field lies in, which may lie in another."""
    for part in place[:-1]:
        if isinstance(part, str):
            kinds = get_args(model.model_fields[part].annotation)
            model = next(kind for kind in kinds if hasattr(kind, "model_fields"))
    return model


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
