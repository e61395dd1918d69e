"""How a report lies in a folder: a page, and beside it its twin and its manifest."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from research.report.bucket import Bucket, PlaceError
from research.report.places import Place
from research.report.surroundings import given

TWIN = ".json"  # in place of the page's suffix
INDEX = "index.html"  # of a folder of reports


def publish(page: bytes, destination: Place, *, beside: Mapping[str, bytes] | None = None) -> None:
    """Write `page` at `destination`, so that a reader sees the old page or the new one.

    Parameters
    ----------
    beside : what belongs to it, by the suffix that stands in place of the page's; everything is
        written before anything is moved, and the page is moved last

    On an object store each file is there at once and whole, so they are written in that order.
    """
    if not isinstance(destination, Path):
        _put(page, destination, beside or {})
        return
    destination.parent.mkdir(parents=True, exist_ok=True)
    contents = {destination.with_suffix(suffix): each for suffix, each in (beside or {}).items()}
    contents[destination] = page
    for path in contents:
        if path.is_dir():
            raise IsADirectoryError(f"{path}: a folder, where a file of the report should go")
    unfinished = {path: path.with_name(f".{uuid.uuid4().hex}.part") for path in contents}
    try:
        for path, part in unfinished.items():
            part.write_bytes(contents[path])
        for path, part in unfinished.items():
            part.replace(path)
    finally:
        for part in unfinished.values():
            part.unlink(missing_ok=True)


def _put(page: bytes, destination: Bucket, beside: Mapping[str, bytes]) -> None:
    """Write a report on an object store; if it is not all written, what was there is put back."""
    contents = {destination.with_suffix(suffix): content for suffix, content in beside.items()}
    before = {path: path.found() for path in contents}
    try:
        for path, content in {**contents, destination: page}.items():
            given().check()
            path.write_bytes(content)
    except PlaceError:
        with suppress(PlaceError):  # the first one says what is wrong
            for path, earlier in before.items():
                if earlier is not None:
                    path.write_bytes(earlier)
        raise
