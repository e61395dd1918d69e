"""What must hold of a world whatever was killed, found out from its files alone.

Nothing of the code that runs reports is asked what is right, but in one place: a page that is older
than what lies beside it must be known as such by the index and by the next run.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from deltalake import DeltaTable

from research.report.listing import CHANGED
from research.report.listing import read as read_shelf
from research.unattended.repair import published_at
from tests.unattended.worlds import N_DAYS, World, turn_of

TWIN, MANIFEST, PAGE = ".json", ".manifest.json", ".html"
HEADLINE = re.compile(rb'<p class="headline">(.*?)</p>')
OURS = {"index", "feed"}  # files of the site
KEPT = 3  # archived reports that the schedule keeps
N_SERIES = {"bybit": 12, "golem": 3, "livepeer": 1, "nosana": 3}
KEY = ["series", "source", "date", "known_at"]

Files = dict[str, bytes]  # of one folder, by name


def files_of(folder: Path) -> Files:
    """Return what everybody can see in a folder of reports."""
    return {path.name: path.read_bytes() for path in folder.glob("[!.]*") if path.is_file()}


def stems(files: Mapping[str, bytes]) -> list[str]:
    """Return the names of the reports that have a page, a twin or a manifest."""
    names = (re.sub(r"(\.manifest)?\.(json|html|xml)$", "", name) for name in files)
    return [*dict.fromkeys(name for name in names if name not in OURS)]


def parts(files: Files, stem: str) -> tuple[bytes | None, bytes | None, bytes | None]:
    """Return twin, manifest and page of a report, in the order in which they are published."""
    twin, manifest, page = (files.get(stem + suffix) for suffix in (TWIN, MANIFEST, PAGE))
    return twin, manifest, page


def is_whole(files: Files, stem: str) -> bool:
    """Say whether page, twin and manifest are all there, complete, and of one report."""
    twin, manifest, page = parts(files, stem)
    if twin is None or manifest is None or page is None or not page.endswith(b"</html>"):
        return False
    said, digest = HEADLINE.findall(page), hashlib.sha256(twin).hexdigest()
    fits: bool = json.loads(manifest)["twin_sha256"] == digest and digest.encode() in page
    return fits and len(said) == 1 and said[0] in twin


def instant(text: str) -> dt.datetime:
    """Return an instant as the state and the log write it."""
    return dt.datetime.fromisoformat(text).astimezone(dt.UTC)


Made = tuple[str, dt.datetime]  # a report and one of its periods


@dataclass
class Account:
    """What is known of a world so far; `check` compares with it, and learns."""

    world: World
    out: Files = field(default_factory=dict)
    archive: Files = field(default_factory=dict)
    rows: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=[*KEY, "value"]))
    reports: dict[str, Any] = field(default_factory=dict)  # of the state
    n_events: int = 0
    done: set[Made] = field(default_factory=set)  # published, and not to be made again
    pages_then: dict[tuple[str, str, str], bytes | None] = field(default_factory=dict)

    def events(self) -> list[dict[str, Any]]:
        """Return what the log got since the last check."""
        path = self.world.out / ".state" / "log.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [json.loads(line) for line in lines[self.n_events :]]

    def check(self, *, is_complete: bool) -> list[str]:
        """Return what is wrong, one sentence each.

        Parameters
        ----------
        is_complete : the run ended by itself, so nothing may be left half done
        """
        out, archive = files_of(self.world.out), files_of(self.world.out / "archive")
        events, reports = self.events(), self.state()
        wrong = [
            *self._store(),
            *self._shelf(out),
            *self._archive(out, archive),
            *self._periods(out, reports, events),
        ]
        if is_complete:
            wrong += _half_done(self.world, out, archive, reports)
        self.out, self.archive, self.reports = out, archive, reports
        self.n_events += len(events)
        return wrong

    def state(self) -> dict[str, Any]:
        """Return what the state tells, by report."""
        path = self.world.out / ".state" / "state.json"
        if not path.exists():
            return {}
        reports: dict[str, Any] = json.loads(path.read_bytes())["reports"]
        return reports

    def _store(self) -> Iterator[str]:
        """Yield what is wrong with the store: each commit whole, nothing twice, nothing lost."""
        location = self.world.store
        if not (location / "_delta_log").exists() or not DeltaTable.is_deltatable(str(location)):
            if len(self.rows):
                yield "store: gone"
            return
        rows = DeltaTable(str(location)).to_pandas()
        if rows.duplicated(KEY).any():
            yield f"store: {rows.duplicated(KEY).sum()} rows stand there twice"
        for _, commit in rows.groupby("fetch_id"):
            source = commit["source"].iloc[0]
            turns = {turn_of(source, value) for value in commit["value"]}
            if len(commit) != N_SERIES[source] * N_DAYS or len(turns) > 1:
                yield f"store: {len(commit)} rows of turns {turns} in a commit of {source}"
            if not turns <= {*range(1, self.world.upstreams.turn + 1)}:
                yield f"store: {source} never told {turns}"
        both = self.rows.merge(rows, on=[*KEY, "value"], how="inner")
        if len(both) != len(self.rows):
            yield f"store: {len(self.rows) - len(both)} rows are lost"
        self.rows = rows[[*KEY, "value"]]

    def _shelf(self, out: Files) -> Iterator[str]:
        """Yield what is wrong with the reports that are seen."""
        for name in self.out.keys() - out.keys():
            yield f"{name}: gone"
        for name in (each for each in out if each.endswith(PAGE)):
            if not out[name].rstrip().endswith(b"</html>"):
                yield f"{name}: half a page is seen"
        torn = []
        for stem in stems(out):
            twin, manifest, page = parts(out, stem)
            if twin is not None:
                json.loads(twin)
            if manifest is not None and json.loads(manifest)["report"] != stem:
                yield f"{stem}: a manifest of another report"
            if page is not None and not is_whole(out, stem):
                if page != self.out.get(stem + PAGE):
                    yield f"{stem}: a new page that does not belong to what lies beside it"
                torn.append(stem)
        yield from self._known_as_torn(torn)

    def _known_as_torn(self, torn: list[str]) -> Iterator[str]:
        """Yield pages that are older than what lies beside them and pass for what they are not."""
        marks = {one.latest.name: one.latest for one in read_shelf(self.world.out)} if torn else {}
        for stem in torn:
            latest = marks[stem]
            if not latest.problem and CHANGED not in latest.marks:
                yield f"{stem}: older than its twin, and the index does not say so"
            made = published_at(self.world.out / f"{stem}{PAGE}")
            if any(made and made >= at for at in self.begun(stem)):
                yield f"{stem}: older than its manifest, and the next run takes it for published"

    def begun(self, stem: str) -> Iterator[dt.datetime]:
        """Yield when runs began it that were killed."""
        for record in self.state().values():
            for one in record.get("started", ()):
                if one["file"] == f"{stem}{PAGE}":
                    yield instant(one["at"]).replace(microsecond=0)

    def _archive(self, out: Files, archive: Files) -> Iterator[str]:
        """Yield what is wrong with the reports of earlier days."""
        for stem in stems(archive):
            is_going = (self.world.out / "archive" / f".{stem}.going").exists()
            if stem + PAGE in archive and not is_whole(archive, stem) and not is_going:
                yield f"archive/{stem}: not whole"
        lost = {*stems(self.archive)} - {*stems(archive)}
        for stem in lost:
            of = stem.rpartition("--")[0]
            known = [one for one in (*stems(archive), *lost) if one.rpartition("--")[0] == of]
            if stem in sorted({*known})[-KEPT:]:
                yield f"archive/{stem}: gone, and it was among the {KEPT} newest"
        for stem in stems(self.out):
            _, manifest, page = parts(self.out, stem)
            if manifest is None or page is None or page == out.get(stem + PAGE):
                continue
            made = json.loads(manifest)["started_at"][:10]
            is_old = made < f"{dt.datetime.now(dt.UTC):%Y-%m-%d}" and is_whole(self.out, stem)
            if is_old and archive.get(f"{stem}--{made}{PAGE}") != page:
                yield f"{stem}: the report of {made} was replaced and is not in the archive"

    def _periods(
        self, out: Files, reports: dict[str, Any], events: list[dict[str, Any]]
    ) -> Iterator[str]:
        """Yield periods that were made twice, noted without a page, or forgotten."""
        told = [
            (event["report"], instant(event["period"]))
            for event in events
            if event["event"] == "done" and event["period"]
        ]
        for made in told:
            if made in self.done or told.count(made) > 1:
                yield f"{made[0]}: made twice for {made[1]:%H:%M}"
        self.done |= {*told, *self._found_published(out, reports)}
        for name, record in reports.items():
            noted = [instant(each) for each in record.get("done", ())]
            if len({*noted}) != len(noted):
                yield f"{name}: a period is noted twice"
            for period in {*noted} - {period for of, period in self.done if of == name}:
                yield f"{name}: {period:%H:%M} counts as done, and no page was published for it"
            before = {instant(each) for each in self.reports.get(name, {}).get("done", ())[-20:]}
            for period in before - {*noted}:
                yield f"{name}: it is forgotten that {period:%H:%M} is done"

    def _found_published(self, out: Files, reports: dict[str, Any]) -> Iterator[Made]:
        """Yield what was begun by a run that was killed, and is published all the same."""
        known = dict[tuple[str, str, str], bytes | None]()
        for name, record in reports.items():
            for one in record.get("started", ()):
                key = (name, one["period"], one["at"])
                known[key] = self.pages_then.get(key, self.out.get(one["file"]))
                page = out.get(one["file"])
                if page != known[key] and is_whole(out, one["file"].removesuffix(PAGE)):
                    yield name, instant(one["period"])
        self.pages_then = known


def age(account: Account, day: dt.date) -> None:
    """Let each good report have been made on an earlier day, but those that a killed run began."""
    for name, content in account.out.items():
        stem, is_manifest, _ = name.partition(MANIFEST)
        if is_manifest and is_whole(account.out, stem) and not [*account.begun(stem)]:
            told = json.loads(content) | {"started_at": f"{day}T06:00:00Z"}
            account.out[name] = json.dumps(told).encode()
            (account.world.out / name).write_bytes(account.out[name])


def _half_done(world: World, out: Files, archive: Files, reports: dict[str, Any]) -> Iterator[str]:
    """Yield what a run that ended by itself has left half done."""
    for of, files in (("", out), ("archive/", archive)):
        yield from (f"{of}{stem}: still torn" for stem in stems(files) if not is_whole(files, stem))
    yield from (f"{name}: still begun" for name, one in reports.items() if one.get("started"))
    yield from (f"{path.name}: still there" for path in world.half_written())
    yield from (f"{path.name}: still there" for path in world.out.rglob(".*.going"))
