"""What a folder of reports holds: each report, its earlier versions, and what is wrong with any.

Page, twin and manifest may be of any age, edited or broken: what they hold is told, not trusted.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import html
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import AfterValidator, AwareDatetime, BaseModel, ValidationError

from research import catalogue
from research.catalogue import Gpu, Network
from research.errors import UsageError
from research.report import manifest as manifests
from research.report.files import TWIN
from research.report.places import Place, head
from research.report.shelf import ARCHIVE, ARCHIVED, HEAD, PAUSE, belongs, made_at

TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
ANSWER = re.compile(r'<p class="headline">(.*?)</p>', re.DOTALL)
ON_A_SIMULATED_PAGE = re.compile(r'<body class="[^"]*\bsimulated\b')
SHOWN_APART = {"network", "gpu", "with_gpu", "store", "as_of"}  # parameters
SIMULATED, FAILED = "Simulated data", "Failed check"
DATA_TO = re.compile(r"; to (\d{4}-\d{2}-\d{2});")  # in a line that names what is shown
CHANGED = "Changed since it was written"
ARCHIVE_ONLY = "In the archive only"
GOING = ".going"  # of the mark beside a report that is being deleted, see `retention`
NO_MANIFEST = "it has no manifest, so what it was made from is not known"
YEARS = range(2000, 3000)  # a report of another is none


@dataclass(frozen=True, kw_only=True)
class Version:
    """A report as it was made once."""

    name: str  # of its files, without the day of an archived one
    question: str  # the notebook's name
    title: str
    href: str  # relative to the folder; empty if there is no page
    answer: str = ""
    networks: tuple[str, ...] = ()
    cards: tuple[str, ...] = ()
    chosen: tuple[tuple[str, str], ...] = ()  # other parameters that were, and their values
    data_to: dt.date | None = None  # day of the newest observation
    as_of: dt.datetime | None = None  # if that was chosen
    made: dt.datetime | None = None
    marks: tuple[str, ...] = ()  # what a reader must know, such as SIMULATED
    problem: str = ""  # why it could not be read, or not all of it
    sha256: str = ""  # of its twin, when it was made


@dataclass(frozen=True, kw_only=True)
class Report:
    """The latest version of a report, and those before it, the newest first."""

    latest: Version
    earlier: tuple[Version, ...]


def _utc(told: dt.datetime) -> dt.datetime:
    if told.year not in YEARS:
        raise ValueError(f"{told.year} is not the year of a report")
    return told.astimezone(dt.UTC)


Instant = Annotated[AwareDatetime, AfterValidator(_utc)]


class _Named(BaseModel):
    name: str


class _Parameter(_Named):
    value: str
    chosen: bool


class _Series(BaseModel):
    last: dt.date


class _Manifest(BaseModel):
    """What the listing needs of a manifest."""

    notebook: _Named
    parameters: dict[str, Any]
    chosen: list[str]
    series: list[_Series]
    as_of: Instant | None = None
    started_at: Instant
    twin_sha256: str


class _Block(BaseModel):
    text: str = ""
    marks: list[str] = []


class _Twin(BaseModel):
    """What the listing needs of a twin."""

    title: str
    simulated: bool
    marks: list[str] = []
    failed_checks: list[str] = []
    sources: list[str] = []
    parameters: list[_Parameter]
    blocks: list[_Block]


def read(folder: Place) -> list[Report]:
    """Return the reports of a folder and its archive, by question, the newest first."""
    reports = {version.name: [version] for version in _versions(folder)}
    for version in sorted(_versions(folder, ARCHIVE), key=_newest_first):
        if version.name not in reports:
            reports[version.name] = [_marked(version, ARCHIVE_ONLY)]
        elif not _is_copy(version, reports[version.name][0]):
            reports[version.name].append(version)
    found = [Report(latest=latest, earlier=tuple(rest)) for latest, *rest in reports.values()]
    return sorted(found, key=lambda each: (each.latest.question, _newest_first(each.latest)))


def _is_copy(version: Version, other: Version) -> bool:
    """Say whether two are one, as after a run that was killed when it had filled the archive."""
    told = (version.made, version.sha256)
    return bool(version.sha256) and told == (other.made, other.sha256)


def _newest_first(version: Version) -> tuple[float, str]:
    return (-version.made.timestamp() if version.made else 0.0, version.name)


def _versions(folder: Place, within: str = "") -> list[Version]:
    """Return what lies in a folder, or in one within it.

    What does not fit together is looked at again, as another process may be publishing.
    """
    suffixes = (".html", manifests.SUFFIX)
    paths = [path for suffix in suffixes for path in (folder / within).glob(f"[!.]*{suffix}")]
    names = [path.name.removesuffix(manifests.SUFFIX).removesuffix(".html") for path in paths]
    found = {name: _version(folder, within, name) for name in dict.fromkeys(names)}
    found = {
        name: each
        for name, each in found.items()
        if not (folder / within / f".{name}{GOING}").exists()
    }
    doubtful = [
        name for name, each in found.items() if each and (each.problem or CHANGED in each.marks)
    ]
    if doubtful:
        time.sleep(PAUSE)
        found |= {name: _version(folder, within, name) for name in doubtful}
    return [each for each in found.values() if each]


def _version(folder: Place, within: str, stem: str) -> Version | None:
    """Return the report whose files have a name; None for a page of somebody else."""
    page = folder / within / f"{stem}.html"
    path = page.with_name(stem + manifests.SUFFIX)
    begin = _head(page)
    archived = ARCHIVED.fullmatch(stem) if within else None
    name = archived["name"] if archived else stem
    href = "/".join(quote(os.fsencode(part)) for part in (within, page.name) if part)
    bare = Version(
        name=name,
        question=name.split("--")[0],
        title=_text(TITLE, begin) or name,
        href=href if begin else "",
        marks=(SIMULATED,) if ON_A_SIMULATED_PAGE.search(begin) else (),
        problem="" if begin else "its page is missing, or not readable",
    )
    if not path.is_file():
        made = made_at({}, page.read_bytes()) if begin else None
        return replace(bare, made=made, problem=NO_MANIFEST) if made else None
    try:
        manifest = _Manifest.model_validate(manifests.read(path))
    except UsageError as error:
        reason = str(error).removeprefix(f"{path}: ").partition("; give ")[0]  # one is given
        return replace(bare, problem=f"its manifest is wrong: {reason}")
    except ValidationError as error:
        return replace(bare, problem=f"its manifest is wrong: {_first(error)}")
    version = _with_twin(
        _with_manifest(bare, manifest), page.with_name(stem + TWIN), _text(ANSWER, begin)
    )
    is_torn = not belongs(begin.encode(), {"twin_sha256": manifest.twin_sha256})
    return _marked(version, CHANGED) if is_torn else version


def _with_manifest(version: Version, manifest: _Manifest) -> Version:
    """Return a version with what its manifest tells."""
    known, of = catalogue.load(), manifest.parameters
    return replace(
        version,
        question=manifest.notebook.name,
        networks=_names(known.networks, of.get("network")),
        cards=_names(known.gpus, of.get("gpu"), of.get("with_gpu")),
        data_to=max((each.last for each in manifest.series), default=None),
        as_of=manifest.as_of if "as_of" in manifest.chosen else None,
        made=manifest.started_at,
        sha256=manifest.twin_sha256,
    )


def _with_twin(version: Version, path: Place, answer: str) -> Version:
    """Return a version with what its twin tells, and with its answer, if both say the same."""
    try:
        content = path.read_bytes()
        twin = _Twin.model_validate_json(content)
    except OSError:
        return replace(version, problem=version.problem or "its twin is missing")
    except ValidationError as error:
        return replace(version, problem=version.problem or f"its twin is wrong: {_first(error)}")
    marks = [SIMULATED] * twin.simulated + [FAILED] * bool(twin.failed_checks) + [*twin.marks]
    marks += [mark for each in twin.blocks for mark in each.marks]
    is_same = hashlib.sha256(content).hexdigest() == version.sha256
    if answer:
        is_same &= any(_letters(each.text).startswith(_letters(answer)) for each in twin.blocks)
    days = [dt.date.fromisoformat(day) for one in twin.sources for day in DATA_TO.findall(one)]
    told = replace(
        version,
        title=twin.title,
        data_to=max(days, default=version.data_to),
        answer=answer,
        chosen=tuple(
            (each.name.replace("_", " "), each.value)
            for each in twin.parameters
            if each.chosen and each.name not in SHOWN_APART
        ),
    )
    return _marked(told, *marks, *[CHANGED] * (not is_same))


def _marked(version: Version, *marks: str) -> Version:
    return replace(version, marks=tuple(dict.fromkeys((*version.marks, *marks))))


def _names(entries: Mapping[str, Network] | Mapping[str, Gpu], *ids: Any) -> tuple[str, ...]:
    """Return what ids are called, as a reader knows it; an id that is not catalogued stays."""
    named = (one for one in ids if one and isinstance(one, str))
    return tuple(dict.fromkeys(entries[one].name if one in entries else one for one in named))


def _head(page: Place) -> str:
    """Return the beginning of a page, empty if there is none that can be read."""
    try:
        return head(page, HEAD).decode(errors="replace")
    except OSError:
        return ""


def _text(pattern: re.Pattern[str], head: str) -> str:
    """Return what a part of a page says."""
    found = pattern.search(head)
    text = re.sub(r"<[^>]*>", " ", found[1]) if found else ""
    return " ".join(html.unescape(text).split())


def _letters(text: str) -> str:
    """Return what two ways of writing a text have in common."""
    return "".join(filter(str.isalnum, text))


def _first(error: ValidationError) -> str:
    """Return what is wrong first, without what was found there, which may be long."""
    wrong = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, wrong["loc"]))
    return f"{place}: {wrong['msg']}" if place else wrong["msg"]
