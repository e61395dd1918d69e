"""The index of a folder of reports, and its feed: both open from the folder, without a server."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from research.errors import RenderError, UsageError
from research.report import guard
from research.report.files import INDEX, publish
from research.report.harmless import readable
from research.report.html import TEMPLATE
from research.report.listing import Report, Version, read
from research.report.places import P, Place, head, within

FEED = "feed.xml"
GENERATOR = "gpu-depin-research site"  # in both files: they are ours, and may be replaced
LOOKED_AT = 4096  # bytes of a file, at most, within which that stands
IN_FEED = 50  # entries, the newest
OURS = uuid.uuid5(uuid.NAMESPACE_DNS, "gpu-depin-research")  # of the ids of all that is ours


def build(
    folder: P,
    *,
    url: str | None = None,
    overdue: Mapping[str, dt.datetime] = MappingProxyType({}),
) -> P:
    """Write the index and the feed of the reports in `folder`; return the path of the index.

    Parameters
    ----------
    url : where the folder is published, for the links of the feed; without one they are relative
    overdue : pages by name which a schedule wants made anew since then, UTC

    Raises
    ------
    UsageError
        if the folder does not exist or holds no report, if a file that is not ours would be
        replaced, or if `url` is no address
    RenderError
        if the index would tell a secret or cannot be written; the last one is still there
    """
    base = _base(url)
    has_index = _check(folder)
    reports = [_late(one, overdue) for one in read(folder)]
    if not reports and not has_index:
        raise UsageError(
            f"{folder}: no report in it; make one with `research report market-overview`, or name "
            "the folder of your reports"
        )
    now = dt.datetime.now(dt.UTC)
    files = {FEED: feed(reports, base=base, now=now), INDEX: index(reports, now=now)}
    for name, content in files.items():
        guard.check(content, name)
    try:
        for name, content in files.items():
            publish(content, folder / name)
    except OSError as error:
        raise RenderError(
            f"{folder}: the index could not be written ({error.strerror or error}); the last one "
            "is as it was"
        ) from error
    return within(folder, INDEX)


def _late(report: Report, overdue: Mapping[str, dt.datetime]) -> Report:
    """Return a report with a mark on its latest version if it is overdue."""
    since = overdue.get(f"{report.latest.name}.html")
    if since is None:
        return report
    mark = f"Overdue since {since:%Y-%m-%d %H:%M}"
    return replace(report, latest=replace(report.latest, marks=(mark, *report.latest.marks)))


def index(reports: Sequence[Report], *, now: dt.datetime) -> bytes:
    """Return the page that lists `reports`, which come by question."""
    script = (TEMPLATE / "site.js").read_text(encoding="utf-8")
    styles = [(TEMPLATE / name).read_text(encoding="utf-8") for name in ("page.css", "site.css")]
    groups = groupby(reports, lambda each: each.latest.question)
    return _rendered(
        "site.html.j2",
        groups={question: list(group) for question, group in groups},
        n_reports=len(reports),
        n_earlier=sum(len(each.earlier) for each in reports),
        now=now,
        style=Markup("".join(styles)),  # noqa: S704 - ours
        script=Markup(script),  # noqa: S704 - ours
        may_run=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def feed(reports: Sequence[Report], *, base: str, now: dt.datetime) -> bytes:
    """Return the newest versions of `reports`, those that can be read, as an Atom feed (RFC 4287).

    Parameters
    ----------
    base : what is put before each link, which is relative to the folder
    now : when the feed was last changed, if it has no entry
    """
    versions = [each for one in reports for each in (one.latest, *one.earlier)]
    told = [(each.made, each) for each in versions if each.made and not each.problem]
    newest = sorted(told, key=lambda each: (each[0], each[1].name), reverse=True)[:IN_FEED]
    return _rendered(
        "feed.xml.j2",
        id=uuid.uuid5(OURS, base),
        base=base,
        updated=newest[0][0] if newest else now,
        entries=[(_id(version), version) for _, version in newest],
    )


def _id(version: Version) -> uuid.UUID:
    """Return what a version is known by, in the folder and later in the archive."""
    named = (readable(version.name), f"{version.made:%Y-%m-%dT%H:%M:%SZ}", version.sha256)
    return uuid.uuid5(OURS, "\n".join(named))


def _rendered(template: str, **values: object) -> bytes:
    """Return a template of ours, filled in: every text that it is given is escaped."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATE), autoescape=True, undefined=StrictUndefined
    )
    environment.filters["in_words"] = lambda name: name.replace("-", " ").replace("_", " ")
    text = environment.get_template(template).render(generator=GENERATOR, **values)
    return readable(text).encode()


def _check(folder: Place) -> bool:
    """Refuse a folder in which nothing may be written; say whether it has an index of ours."""
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; make a report with `research report` first")
    if isinstance(folder, Path) and not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise UsageError(f"{folder}: cannot be read and written to")
    for path in (folder / INDEX, folder / FEED):
        if path.exists() and not _is_ours(path):
            raise UsageError(
                f"{path}: was not written by `research site`, so it is left as it is; move it away "
                "or name another folder"
            )
    return (folder / INDEX).exists()


def _is_ours(path: Place) -> bool:
    if not path.is_file():
        return False
    return GENERATOR.encode() in head(path, LOOKED_AT)


def _base(url: str | None) -> str:
    """Return what is put before each link: an address that ends with a slash, or nothing."""
    if url is None:
        return ""
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_address = False
    if not is_address or "@" in parts.netloc or parts.query or parts.fragment:
        raise UsageError(
            "--url: write the address of the folder, such as https://example.org/reports/, without "
            "a user, a query or a fragment"
        )
    return url.rstrip("/") + "/"
