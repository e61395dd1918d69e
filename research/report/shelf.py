"""The shelf: a folder of reports, and in its archive those of earlier days that others replaced.

An archived report has the name of the report and the day it was made, such as
`archive/market-overview--2026-11-25.html`, its twin and manifest beside it as always.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import time
from collections.abc import Mapping
from typing import Any

from research.errors import RenderError
from research.report import manifest as manifests
from research.report.files import TWIN, publish
from research.report.places import Place

ARCHIVE = "archive"  # folder within a folder of reports
ARCHIVED = re.compile(r"(?P<name>.+)--(?P<day>\d{4}-\d\d-\d\d)")
FOOTER = re.compile(rb"Written (\d{4}-\d\d-\d\d \d\d:\d\d) by gpu-depin-research ")
BELONGS = re.compile(rb'<meta name="twin" content="([0-9a-f]{64})">')
HEAD = 65_536  # bytes of a page, at most, within which that stands, its title and its answer
PAUSE = 0.2  # seconds in which another process has moved all three files into place


def keep_earlier(destination: Place, manifest: Mapping[str, Any]) -> None:
    """Copy the report at `destination` into the archive, if it was made on an earlier day.

    Nothing at `destination` is touched, so whatever happens the report is still there.

    Parameters
    ----------
    destination : the page that is about to be replaced
    manifest : of the report that replaces it

    Raises
    ------
    RenderError
        if it cannot be copied; it must not be replaced then
    """
    if not destination.is_file():
        return
    try:
        page, beside = _read(destination)
        then = _parsed(beside.get(manifests.SUFFIX))
        is_torn = not belongs(page, then)  # the manifest is of a report that was not published
        made = made_at({} if is_torn else then, page)
        if made is None or f"{made:%Y-%m-%d}" >= manifest["started_at"][:10]:
            return
        kept = destination.parent / ARCHIVE / f"{destination.stem}--{made:%Y-%m-%d}.html"
        if not (is_torn and kept.is_file()) and not _is_kept(kept, page, beside):
            publish(page, kept, beside=beside)
    except OSError as error:
        raise RenderError(
            f"{destination}: this earlier report could not be kept in {ARCHIVE}/ "
            f"({error.strerror or error}); it was left in place and nothing was published"
        ) from error


def belongs(page: bytes, manifest: Mapping[str, Any]) -> bool:
    """Say whether a page and a manifest are of one report, as far as the page tells.

    The page is moved into place last, so a run that is killed in between leaves an older page
    beside a newer manifest. A page from before pages told counts as of any.
    """
    told = BELONGS.search(page[:HEAD])
    return told is None or told[1].decode() == manifest.get("twin_sha256")


def made_at(manifest: Mapping[str, Any], page: bytes) -> dt.datetime | None:
    """Return when a report was started, UTC, else what its page says; None if neither tells."""
    try:
        told = dt.datetime.fromisoformat(manifest["started_at"])
        return told.replace(tzinfo=told.tzinfo or dt.UTC).astimezone(dt.UTC)
    except (
        KeyError,
        TypeError,
        ValueError,
        OverflowError,
    ):  # a page from before there were manifests
        told_by_page = FOOTER.findall(page)
    if not told_by_page:
        return None
    return dt.datetime.strptime(f"{told_by_page[-1].decode()}Z", "%Y-%m-%d %H:%M%z")


def _read(page: Place) -> tuple[bytes, dict[str, bytes]]:
    """Return a page and what lies beside it, all of one report.

    `publish` moves the page last, so a page that is read first is never newer than the rest; and
    what does not fit together is looked at again, as another process may be publishing.
    """
    for pause in (PAUSE, 0):
        content = page.read_bytes()
        paths = {suffix: page.with_suffix(suffix) for suffix in (manifests.SUFFIX, TWIN)}
        beside = {suffix: path.read_bytes() for suffix, path in paths.items() if path.is_file()}
        manifest = _parsed(beside.get(manifests.SUFFIX))
        is_twin = manifest.get("twin_sha256") == hashlib.sha256(beside.get(TWIN, b"")).hexdigest()
        if is_twin and belongs(content, manifest):
            break
        time.sleep(pause)
    return content, beside


def _parsed(manifest: bytes | None) -> dict[str, Any]:
    """Return a manifest, empty if it is none."""
    try:
        found = json.loads(manifest or b"{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _is_kept(kept: Place, page: bytes, beside: Mapping[str, bytes]) -> bool:
    """Say whether this report is in the archive already.

    A run that was killed while it published has left a newer twin beside the page, which must not
    take the place of the right one.
    """
    manifest = kept.with_suffix(manifests.SUFFIX)
    return (
        kept.is_file()
        and manifest.is_file()
        and kept.read_bytes() == page
        and manifest.read_bytes() == beside.get(manifests.SUFFIX)
    )
