"""One upstream at a time: a thread that asks it one question after another."""

from __future__ import annotations

import datetime as dt
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from research import sources
from research.catalogue import Catalogue, Upstream
from research.config import settings
from research.errors import (
    EmptyError,
    NeedsKeyError,
    RateLimitedError,
    ResearchError,
    SourceError,
    SwitchedOffError,
    UnavailableError,
)
from research.sources.web import Web
from research.update.arrivals import Arrived, arrive
from research.update.outcomes import ANSWERED, OUR_FAULT, REFUSED

OF_THE_UPSTREAM = (UnavailableError, NeedsKeyError, RateLimitedError, SwitchedOffError)
SHOWN = 200  # characters of what an error that is not ours says


@dataclass(frozen=True, kw_only=True)
class Question:
    """The series that an upstream has under one key of its own."""

    key: str
    series: tuple[str, ...]
    since: dt.date | None  # the first day that is needed of any of them; None: all there is


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What came of one series."""

    source: str
    series: str
    outcome: str  # answered, or why not
    reason: str = ""
    told: Arrived | None = None
    requests: int = 0


@dataclass(kw_only=True)
class Desk:
    """The questions for an upstream, and the thread that asks them."""

    upstream: Upstream
    known: Catalogue
    now: dt.datetime
    deadline: float  # of time.monotonic
    offline: bool
    replies: queue.SimpleQueue[Reply]  # one a series asked for, and more if it tells of others
    _questions: queue.SimpleQueue[Question | None] = field(default_factory=queue.SimpleQueue)
    _thread: threading.Thread | None = None
    _source: sources.Source | None = None
    _web: Web | None = None

    def put(self, question: Question) -> None:
        """Have a question asked after those before it."""
        self._questions.put(question)
        if self._thread is None:  # a daemon: what hangs in a client does not keep the process
            self._thread = threading.Thread(target=self._serve, name=self.upstream.id, daemon=True)
            self._thread.start()

    def close(self) -> None:
        """End the thread after the questions that are left."""
        self._questions.put(None)

    def _serve(self) -> None:
        while (question := self._questions.get()) is not None:
            for reply in self._answer(question):
                self.replies.put(reply)
        if self._web is not None:
            self._web.close()

    def _answer(self, question: Question) -> Iterator[Reply]:
        """Yield a reply for each series; one answer may tell of several."""
        waiting, seen = [*question.series], set[str]()
        while waiting:
            series, before = waiting[0], self._requests
            wanted = sources.Wanted(series=series, key=question.key, since=question.since)
            done = [series]
            try:
                told = self._fetch(wanted)
                arrived = arrive(
                    told, series=series, upstream=self.upstream, known=self.known, now=self.now
                )
                replies = [*self._sort(arrived)]
                of = {reply.series for reply in replies}
                if of <= seen:  # the same answer again: it has no more under this key
                    done = waiting
                seen |= of
                done = [name for name in waiting if name in {*done, *of}]
                missing = {*done} - of
                nothing = EmptyError(self.upstream.id, question.key, "the answer has none of it")
                replies += [self._failure(name, nothing) for name in done if name in missing]
            except ResearchError as error:
                done = waiting if isinstance(error, OF_THE_UPSTREAM) else done
                replies = [self._failure(name, error) for name in done]
            except Exception as fault:  # noqa: BLE001 - the edge: reported, others go on
                replies = [
                    Reply(
                        source=self.upstream.id,
                        series=series,
                        outcome=OUR_FAULT,
                        reason=self._describe(fault),
                    )
                ]
            spent, waiting = self._requests - before, [x for x in waiting if x not in done]
            for reply in replies:
                is_first = reply.series == series
                yield Reply(**(vars(reply) | {"requests": spent if is_first else 0}))

    def _fetch(self, wanted: sources.Wanted) -> pd.DataFrame:
        name = self.upstream.id
        if self.offline:
            raise UnavailableError(name, wanted.key, "offline")
        if not settings().switched_on.get(name, self.upstream.switched_on):
            switch = f"RESEARCH_SWITCHED_ON__{name.upper()}=1 switches it on"
            raise SwitchedOffError(name, wanted.key, f"its owner does not document it; {switch}")
        if self._source is None or self._web is None:
            self._source = sources.source(name)
            self._web = Web.to(self.upstream, deadline=self.deadline)
        told = self._source.fetch(wanted, self._web, self.now)
        if told.empty:
            raise EmptyError(name, wanted.key, "no rows")
        return told

    def _sort(self, arrived: Arrived) -> Iterator[Reply]:
        """Yield what was told, series by series."""
        rows, refused = arrived.rows, arrived.refused
        for name in dict.fromkeys([*rows["series"], *refused["series"]]):
            told = Arrived(
                rows=rows[rows["series"] == name], refused=refused[refused["series"] == name]
            )
            outcome, reason = ANSWERED, ""
            if told.rows.empty:
                outcome, reason = REFUSED, f"every row: {told.refused['reason'].iloc[0]}"
            yield Reply(
                source=self.upstream.id, series=name, outcome=outcome, reason=reason, told=told
            )

    def _failure(self, series: str, error: ResearchError) -> Reply:
        outcome, reason = REFUSED, str(error)
        if isinstance(error, SourceError):
            outcome, reason = error.outcome, error.reason
        return Reply(
            source=self.upstream.id, series=series, outcome=outcome, reason=self._scrub(reason)
        )

    @property
    def _requests(self) -> int:
        return 0 if self._web is None else self._web.requests

    def _describe(self, fault: Exception) -> str:
        """Say what broke and where, without keys and addresses."""
        trace = fault.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = "" if trace is None else Path(trace.tb_frame.f_code.co_filename).name
        line = "" if trace is None else f":{trace.tb_lineno}"
        return self._scrub(f"{type(fault).__name__} in {where}{line}: {fault}")

    def _scrub(self, text: str) -> str:
        if self._web is not None:
            text = self._web.scrub(text).replace(self._web.base_url, self.upstream.name)
        line = " ".join(text.split())
        return line if len(line) <= SHOWN else line[: SHOWN - 1] + "…"
