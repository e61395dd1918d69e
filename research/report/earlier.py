"""The report of the same name that is about to be replaced, as far as it can be relied on."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import AwareDatetime, BaseModel

from research import headline
from research.errors import UsageError
from research.headline import Headline
from research.report import manifest as manifests
from research.report.files import TWIN
from research.report.places import Place
from research.report.shelf import belongs
from research.used import Used

NONE = "No earlier report of this name to compare with."
UNREADABLE = "its twin or its manifest is missing or cannot be read"
EDITED = "its twin is not the one that was written with its manifest"
UNSEEN = "a run was killed while it published it, so nobody has seen its page"
SILENT = "its answer names no figures"


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """A report that was written before, whose twin is the one of its manifest."""

    headline: Headline
    manifest: Mapping[str, Any]
    twin_sha256: str
    written_at: dt.datetime
    as_of: dt.datetime | None
    read: tuple[Used, ...]

    @property
    def name(self) -> str:
        """What it is called in a sentence."""
        return f"the report of {self.written_at:%Y-%m-%d %H:%M}"


def find(page: Place) -> Earlier | str:
    """Return the report at `page`, or the sentence that says why there is none to compare with."""
    twin, manifest = page.with_suffix(TWIN), page.with_suffix(manifests.SUFFIX)
    if not twin.exists() and not manifest.exists():
        return NONE
    try:
        written, then = twin.read_bytes(), manifests.read(manifest)
        digest = hashlib.sha256(written).hexdigest()
        if digest != then["twin_sha256"]:
            return _refused(EDITED)
        told = headline.read(json.loads(written)["headline"])
        if page.exists() and not belongs(page.read_bytes(), then):
            return _refused(UNSEEN)
        return _refused(SILENT) if told is None else _read(then, told)
    except (OSError, UsageError, LookupError, TypeError, ValueError, RecursionError):
        return _refused(UNREADABLE)


def _refused(reason: str) -> str:
    return f"Not compared with the earlier report of this name: {reason}."


def _read(then: dict[str, Any], told: Headline) -> Earlier:
    """Return a report whose manifest has what a comparison needs, each part of its type."""
    checked = _Manifest.model_validate(then)
    return Earlier(
        headline=told,
        manifest=then,
        twin_sha256=checked.twin_sha256,
        written_at=checked.started_at,
        as_of=checked.as_of,
        read=checked.series,
    )


class _Notebook(BaseModel):
    name: str
    sha256: str


class _Code(BaseModel):
    version: str
    commit: str | None
    sha256: str


class _Store(BaseModel):
    kind: str
    name: str
    version: int | str | None


class _Manifest(BaseModel):
    notebook: _Notebook
    packages: dict[str, str]
    code: _Code
    catalogue: str
    store: _Store | None
    series: tuple[Used, ...]
    twin_sha256: str
    started_at: AwareDatetime
    as_of: AwareDatetime | None
