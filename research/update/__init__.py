"""Ask the upstreams for what the store lacks: side by side, within a budget of time.

Each upstream has a thread of its own. The sources of a series are asked in the order of the
catalogue, the next one only if the one before failed; a referee always. What an upstream told is
stored in one commit, as soon as there is nothing left to ask it.
"""

from __future__ import annotations

import datetime as dt
import queue
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from research import catalogue
from research.catalogue import Catalogue, Feed, Upstream
from research.errors import UnavailableError, UsageError
from research.revisions import NO_REVISION
from research.store import Store
from research.update.arrivals import REFUSED
from research.update.desks import Desk, Question, Reply
from research.update.outcomes import (
    ANSWERED,
    CURRENT,
    NO_SOURCE,
    Asked,
    Updated,
    Wanting,
    has,
    progress,
)

MAX_AGE_DAYS = 3  # of the newest day of a required series
TO_STORE_SECONDS = 5.0  # of the budget, at most a tenth of it, are kept for the last commits
UNOBSERVED = ("assumed", "simulated")


def update(
    subjects: Sequence[str] = (),
    *,
    store: str,
    budget_seconds: float = 300.0,
    offline: bool = False,
    now: dt.datetime | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Updated:
    """Ask for what the store lacks, and store it.

    Parameters
    ----------
    subjects : ids or symbols; without them, all of the catalogue
    store : a folder or an address; made if it does not exist
    budget_seconds : after which nothing is waited for, whatever was not asked by then
    offline : open no socket, and say what is wanting
    now : the time; without one, the machine's clock
    tell : told a line of progress a source
    """
    started = time.monotonic()
    if store == "sample":
        raise UsageError("the simulated market is not updated; name a folder with --store")
    if not 0 < budget_seconds < np.inf:
        raise UsageError(f"a budget of {budget_seconds:g} s; accepted: a number above 0")
    known = catalogue.load()
    names = list(dict.fromkeys(known.subject(name) for name in subjects)) or [*known.subjects]
    run = _Run(
        known=known,
        store=Store(store),
        now=(now or dt.datetime.now(dt.UTC)).astimezone(dt.UTC),
        budget_seconds=budget_seconds,
        deadline=started + budget_seconds - min(TO_STORE_SECONDS, budget_seconds / 10),
        offline=offline,
        tell=tell,
    )
    run.go(names)
    none_refused = pd.DataFrame(columns=REFUSED)
    return Updated(
        store=store,
        asked=tuple(row for name in names for row in run.table(name)),
        revised=pd.concat(run.revised, ignore_index=True) if run.revised else NO_REVISION,
        refused=pd.concat(run.refused, ignore_index=True) if run.refused else none_refused,
        wanting=tuple(run.wanting(names)),
        seconds=time.monotonic() - started,
    )


@dataclass(frozen=True)
class _Held:
    """The newest row of a series from a source."""

    last: dt.date
    period_days: int


@dataclass(kw_only=True)
class _Run:
    """One update, from the plan to the last commit."""

    known: Catalogue
    store: Store
    now: dt.datetime
    budget_seconds: float
    deadline: float
    offline: bool
    tell: Callable[[str], None]
    revised: list[pd.DataFrame] = field(default_factory=list)
    refused: list[pd.DataFrame] = field(default_factory=list)
    _held: dict[tuple[str, str], _Held] = field(default_factory=dict)  # by series and source
    _rows: dict[tuple[str, str], Asked] = field(default_factory=dict)
    _line: dict[str, list[Feed]] = field(default_factory=dict)  # of a series: one asked, then later
    _open: set[tuple[str, str]] = field(default_factory=set)  # asked, and no reply yet
    _desks: dict[str, Desk] = field(default_factory=dict)  # the ones not closed
    _told: dict[str, list[pd.DataFrame]] = field(default_factory=dict)  # by source, not stored yet
    _replies: queue.SimpleQueue[Reply] = field(default_factory=queue.SimpleQueue)

    def go(self, names: Sequence[str]) -> None:
        """Ask, listen, store."""
        feeds = {
            f"{name}.{measure}": of_measure
            for name in names
            for measure, of_measure in self.known.subjects[name].feeds.items()
        }
        self._recall([*feeds])
        self._line = {name: [x for x in line if not x.referee] for name, line in feeds.items()}
        self._ask(
            [
                (name, feed)
                for name, line in feeds.items()
                for feed in line
                if feed.referee or feed is self._line[name][0]
            ]
        )
        self._close()
        while self._open:
            try:
                left = self.deadline - time.monotonic()
                self._note(self._replies.get(timeout=max(left, 0.0)))
            except queue.Empty:
                break
            self._close()
        for name, source in self._open:
            reason = f"no answer within the budget of {self.budget_seconds:g} s"
            self._put(
                Asked(series=name, source=source, outcome=UnavailableError.outcome, reason=reason)
            )
        self._open.clear()
        self._line.clear()
        self._close()

    def table(self, name: str) -> Iterator[Asked]:
        """Yield the rows of a subject, in the order of its feeds."""
        feeds = self.known.subjects[name].feeds
        if not feeds:
            yield Asked(series=name, source=None, outcome=NO_SOURCE, reason=self._why_none(name))
        places = [(m, feed.source) for m, of_measure in feeds.items() for feed in of_measure]
        rows = [row for (series, _), row in self._rows.items() if series.startswith(f"{name}.")]

        def place(row: Asked) -> int:
            at = (row.series.partition(".")[2], row.source)
            return places.index(at) if at in places else len(places)

        for row in sorted(rows, key=place):
            held = self._held.get((row.series, str(row.source)))
            yield replace(
                row,
                age_days=None if held is None else self._age(held.last),
                next_source=None if has(row) else self._whohas(row.series, places),
            )

    def wanting(self, names: Sequence[str]) -> Iterator[Wanting]:
        """Yield the required series that are missing or too old, as the store is now."""
        required = [
            f"{name}.{measure}"
            for name in names
            for measure in getattr(self.known.subjects[name], "required", ())
        ]
        is_held = bool(required) and self.store.exists()
        rows = self.store.read(required) if is_held else pd.DataFrame({"series": [], "kind": []})
        rows = rows[~rows["kind"].isin(UNOBSERVED)]
        for name in required:
            of_series = rows[rows["series"] == name]
            if of_series.empty:
                yield Wanting(series=name, last=None, age_days=None)
                continue
            newest = of_series.sort_values("date").iloc[-1]
            last, today = newest["date"].date(), self.now.date()
            days = int(np.busday_count(last, today)) if self._closes(name) else self._age(last)
            if days > MAX_AGE_DAYS + int(newest["period_days"]) - 1:
                yield Wanting(series=name, last=last, age_days=self._age(last))

    def _recall(self, names: list[str]) -> None:
        """Note the newest day that is held of each series from each source."""
        if self.store.exists():
            self._remember(self.store.read(names))

    def _remember(self, rows: pd.DataFrame) -> None:
        newest = rows.sort_values("date").drop_duplicates(["series", "source"], keep="last")
        for row in newest.to_dict("records"):
            at, last = (row["series"], row["source"]), row["date"].date()
            if at not in self._held or self._held[at].last <= last:
                self._held[at] = _Held(last, int(row["period_days"]))

    def _ask(self, wanted: Iterable[tuple[str, Feed]]) -> None:
        """Put the questions: one for all that a source has of a subject under one key."""
        questions: dict[tuple[str, str, str], list[str]] = {}
        for name, feed in wanted:
            self._desks.setdefault(feed.source, self._desk(feed.source))
            if self._is_current(name, self.known.sources[feed.source]):
                self._put(Asked(series=name, source=feed.source, outcome=CURRENT))
                self._settle(name, feed.source)
                continue
            self._open.add((name, feed.source))
            of_subject = (feed.source, feed.key, name.partition(".")[0])
            questions.setdefault(of_subject, []).append(name)
        for (source, key, _), of_key in questions.items():
            days = [self._since(name, self.known.sources[source]) for name in of_key]
            since = None if None in days else min(day for day in days if day is not None)
            self._desks[source].put(Question(key=key, series=tuple(of_key), since=since))

    def _desk(self, source: str) -> Desk:
        return Desk(
            upstream=self.known.sources[source],
            known=self.known,
            now=self.now,
            deadline=self.deadline,
            offline=self.offline,
            replies=self._replies,
        )

    def _is_current(self, name: str, upstream: Upstream) -> bool:
        """Return whether nothing can exist that is not held."""
        held = self._held.get((name, upstream.id))
        if held is None or (upstream.revision_days > 0 and not upstream.snapshot):
            return False
        newest = self.now.date() - dt.timedelta(days=1)
        if self._closes(name):
            newest = np.busday_offset(newest, 0, roll="backward").astype(object)
        return held.last + dt.timedelta(days=held.period_days) > newest

    def _since(self, name: str, upstream: Upstream) -> dt.date | None:
        held = self._held.get((name, upstream.id))
        return None if held is None else held.last - dt.timedelta(days=upstream.revision_days)

    def _note(self, reply: Reply) -> None:
        """Take in a reply: keep what was told, or ask the next source."""
        self._open.discard((reply.series, reply.source))
        before = self._rows.get((reply.series, reply.source))
        if before is not None and has(before):  # told along with another series
            return
        refused = 0
        if reply.told is not None:
            refused = len(reply.told.refused)
            self.refused += [reply.told.refused] * (refused > 0)
            self._told.setdefault(reply.source, []).append(reply.told.rows)
        self._put(
            Asked(
                series=reply.series,
                source=reply.source,
                outcome=reply.outcome,
                reason=reply.reason,
                refused=refused,
                requests=reply.requests,
            )
        )
        line = self._line.get(reply.series, [])
        if reply.outcome == ANSWERED:
            self._settle(reply.series, reply.source)
        elif line and line[0].source == reply.source:
            del line[0]
            self._ask([(reply.series, feed) for feed in line[:1]])

    def _settle(self, name: str, source: str) -> None:
        """Ask no later source for a series that this one has; a referee settles nothing."""
        line = self._line.get(name, [])
        if line and line[0].source == source:
            line.clear()

    def _put(self, row: Asked) -> None:
        self._rows[row.series, str(row.source)] = row

    def _close(self) -> None:
        """Store what came from the sources that have nothing left to be asked."""
        awaited = {source for _, source in self._open}
        awaited |= {feed.source for line in self._line.values() for feed in line}
        for source in [name for name in self._desks if name not in awaited]:
            self._desks.pop(source).close()
            self._store(source, self._told.pop(source, []))
            self.tell(
                progress(source, [row for (_, name), row in self._rows.items() if name == source])
            )

    def _store(self, source: str, told: list[pd.DataFrame]) -> None:
        """Append what a source told, and count it by series."""
        told = [rows for rows in told if not rows.empty]
        if not told:
            return
        rows = pd.concat(told, ignore_index=True)
        before = self._dates_held(source, [*rows["series"].unique()])
        appended = self.store.append(rows, stored_at=self.now)
        self.revised += [appended.revised] * (len(appended.revised) > 0)
        self._remember(rows)
        revised = Counter(appended.revised["series"])
        for name, of_series in rows.groupby("series"):
            at = (str(name), source)
            new = sum((name, day) not in before for day in of_series["date"])
            self._rows[at] = replace(
                self._rows[at],
                new=new,
                revised=revised[name],
                unchanged=len(of_series) - new - revised[name],
            )

    def _dates_held(self, source: str, names: list[str]) -> set[tuple[str, pd.Timestamp]]:
        if not self.store.exists():
            return set()
        rows = self.store.read(names)
        rows = rows[rows["source"] == source]
        return set(zip(rows["series"], rows["date"], strict=True))

    def _why_none(self, name: str) -> str:
        network = self.known.networks.get(name)
        import_it = f"`research import FILE --store {self.store.location}` takes your own"
        if network is not None and network.status == "no-public-data":
            return f"no public data found as of {network.date}; {import_it}"
        return f"the catalogue names no source; {import_it}"

    def _whohas(self, name: str, places: list[tuple[str, str]]) -> str | None:
        measure = name.partition(".")[2]
        of_series = (self._rows.get((name, source)) for m, source in places if m == measure)
        return next((row.source for row in of_series if row is not None and has(row)), None)

    def _closes(self, name: str) -> bool:
        """Return whether a series is of a market that closes at weekends."""
        factor = self.known.factors.get(name.partition(".")[0])
        return factor is not None and factor.calendar == "exchange-sessions"

    def _age(self, day: dt.date) -> int:
        return (self.now.date() - day).days
