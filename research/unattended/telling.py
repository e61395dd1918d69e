"""Tells people of reports, by apprise: by mail, in a chat, to a webhook. Each thing once.

What is to be told is written down, with what was known when it was decided, before anything is
sent; so nothing is decided twice. Before each letter goes out it is noted that it does. A run that
is killed just then leaves a letter of which nobody knows whether it arrived: it is not sent again,
since the same alarm twice costs trust in all of them, but the next run says so. What was refused,
or could not be delivered, is tried again by the next runs.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout
from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from research.config import settings
from research.errors import AlertError, UsageError
from research.report import earlier, guard
from research.report import manifest as manifests
from research.report.files import publish
from research.report.guard import Private
from research.report.places import Place
from research.report.surroundings import nothing
from research.unattended import alerts, post
from research.unattended.alerts import Alert, Decision, Good, Seen
from research.unattended.generations import Generations
from research.unattended.jobs import Outcome
from research.unattended.leases import Lease
from research.unattended.locks import LockedError
from research.unattended.rules import Kind, Rules

FOLDER, FILE, BROKEN = ".state", "alerts.json", "alerts.broken.json"
TRIES = 12  # of a letter; the pause after each doubles, so the last is a day and a half later
LONGEST = dt.timedelta(days=4)  # that a letter waits, however seldom it could be tried
PATIENCE = 300  # seconds in which another run has told what it had to
CONTROLS = re.compile(
    r"\x1b\[[0-9;]*m|[\x00-\x09\x0b-\x1f\x7f-\x9f]"
)  # colours too; not a line's end
FOLDERS = re.compile(r"(?<![\w:/.\]])/(?:[^\s/:'\"]+/)+")  # of a path, without the file's name


@dataclass(frozen=True, kw_only=True)
class Told:
    """Something that somebody was told."""

    kind: Kind
    report: str
    target: str


@dataclass(frozen=True, kw_only=True)
class Telling:
    """What was told, and what went wrong with it, in sentences without an address."""

    told: tuple[Told, ...] = ()
    problems: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()  # what is wrong with the rules


class Letter(BaseModel):
    """An alert on its way to one target."""

    key: str
    kind: Kind
    report: str
    target: str
    title: str
    text: str
    since: AwareDatetime | None = None
    tries: int = 0
    not_before: AwareDatetime | None = None
    is_sending: bool = False  # while it is; after that, its fate is not known

    def __str__(self) -> str:
        return f"{self.target}: {self.title}"


class Memory(BaseModel):
    """What was decided so far, and what is still to be sent."""

    version: Literal[1] = 1
    reports: dict[str, Seen] = Field(default_factory=dict)
    letters: list[Letter] = Field(default_factory=list)


@dataclass(kw_only=True)
class _Desk:
    """The memory in its file, while one run works with it."""

    path: Place
    memory: Memory
    check: Callable[[], None]  # raises if another run does this work by now
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def save(self) -> None:
        self.check()
        content = self.memory.model_dump_json(indent=1).encode()
        publish(content, self.path)


def check(rules: Mapping[str, Rules]) -> None:
    """Refuse rules that tell somebody whose address is not known.

    Raises
    ------
    UsageError : with the name of the variable that is missing or wrong, never with what it holds
    """
    known = post.targets()
    for report, wanted in rules.items():
        for target in wanted.tell:
            if target not in known:
                raise UsageError(
                    f"{report}: its alerts go to {target}, whose address is not known; set "
                    f"{post.variable(target)} in the environment, or name one of "
                    f"{', '.join(sorted(known)) or 'none'}"
                )
            if not post.is_address(known[target]):
                raise UsageError(f"{post.variable(target)}: not an address that apprise knows")


def tell(
    outcomes: Sequence[Outcome],
    rules: Mapping[str, Rules],
    *,
    out: Place,
    now: dt.datetime,
    overdue: Mapping[str, dt.datetime] | None = None,
) -> Telling:
    """Tell whom the rules name of what came of reports, each thing once.

    Parameters
    ----------
    outcomes : in the order in which they came
    rules : by report, those of the whole schedule
    out : folder of reports; what was told is kept in `.state/alerts.json` within it
    now : UTC
    overdue : every report that is, with the planned time that passed; None if nobody has looked

    Raises
    ------
    AlertError : if what was told before cannot be read or written, so that nobody is told anything
    """
    path = out / FOLDER / FILE
    if not any((rules, path.exists())):
        return Telling()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(path) as check:
            desk = _open(path, check)
            _decide(desk, outcomes, rules, overdue, now)
            told = tuple(_send(desk, now))
    except Timeout as error:
        raise AlertError(
            f"{path.name}: another run is telling; nobody was told anything"
        ) from error
    except LockedError as error:
        raise AlertError(f"{path.name}: {error}; nobody was told more") from error
    except OSError as error:
        raise AlertError(
            f"{path}: cannot be read or written ({error.strerror or error}); nobody was told more"
        ) from error
    return Telling(told=told, problems=tuple(desk.problems), remarks=tuple(desk.remarks))


def read(out: Place) -> Memory:
    """Return what was told of the reports in a folder, empty if nothing was.

    Raises
    ------
    ValueError : if it cannot be understood
    """
    path = out / FOLDER / FILE
    return Memory.model_validate_json(path.read_bytes()) if path.exists() else Memory()


@contextmanager
def _alone(path: Place) -> Iterator[Callable[[], None]]:
    """Keep all other runs from telling; gives what must be asked before anything is written."""
    if isinstance(path, Path):
        with FileLock(path.with_suffix(".lock"), timeout=PATIENCE):
            yield nothing
        return
    lease = Lease(Generations(path.with_suffix(".lock")), seconds=settings().lease_seconds)
    with lease.held(run="that tells people", seconds=PATIENCE) as fence:
        yield fence.check


def _open(path: Place, check: Callable[[], None]) -> _Desk:
    """Return the memory; one that cannot be understood is put aside, as silence would be worse."""
    try:
        desk = _Desk(path=path, memory=read(path.parent.parent), check=check)
    except ValidationError:
        _put_aside(path)
        said = f"{FILE} could not be understood and was put aside as {BROKEN}: what is still so "
        desk = _Desk(path=path, memory=Memory(), check=check, problems=[f"{said}may be told again"])
    for letter in [each for each in desk.memory.letters if each.is_sending]:
        desk.memory.letters.remove(letter)
        desk.problems.append(
            f"{letter}: the run that sent it was ended while it did, so it may not have arrived; "
            "it is not sent again"
        )
    return desk


def _put_aside(path: Place) -> None:
    """Rename a memory that cannot be understood."""
    if isinstance(path, Path):  # for the type checker: a path moves to a path
        path.replace(path.with_name(BROKEN))
    else:
        path.replace(path.with_name(BROKEN))


def _decide(
    desk: _Desk,
    outcomes: Sequence[Outcome],
    rules: Mapping[str, Rules],
    overdue: Mapping[str, dt.datetime] | None,
    now: dt.datetime,
) -> None:
    """Write down what is to be told; from then on a run that is killed loses nothing of it."""
    known = desk.memory.reports

    def note(name: str, decision: Decision, store: str | None = None) -> None:
        known[name] = decision.seen
        private = guard.private(store) if decision.alerts or decision.remarks else ()
        for alert in decision.alerts:
            desk.memory.letters.extend(_letter(alert, to, private) for to in rules[name].tell)
        desk.remarks.extend(_scrubbed(remark, private) for remark in decision.remarks)

    for name, planned in (overdue or {}).items():
        if name in rules:
            seen = known.get(name, Seen(until=now))
            note(name, alerts.overdue(name, planned, seen, rules[name], now))
    for outcome in _telling(outcomes, known):
        if (name := outcome.job.name) in rules:
            seen = known.get(name, Seen())
            decision = alerts.due(outcome, _good(outcome), seen, rules[name], now)
            note(name, decision, outcome.job.store)
    for outcome in outcomes:
        if (name := outcome.job.name) in rules and outcome.noted_at is not None:
            until = max(outcome.noted_at, known[name].until or outcome.noted_at)
            known[name] = known[name].model_copy(update={"until": until})
    if overdue is not None:  # what somebody has made by hand is not overdue any more
        for name in known.keys() - overdue.keys():
            known[name] = known[name].model_copy(update={"overdue": False})
    desk.save()


def _telling(outcomes: Sequence[Outcome], known: Mapping[str, Seen]) -> Iterator[Outcome]:
    """Yield those of which nobody has decided yet, of a report that failed its first failure alone.

    Of several times that are caught up, one that fails keeps all of the report from being well.
    """
    new: dict[str, list[Outcome]] = {}
    for each in outcomes:
        until = known.get(each.job.name, Seen()).until
        if until is None or each.noted_at is None or each.noted_at > until:
            new.setdefault(each.job.name, []).append(each)
    for of_report in new.values():
        failed = [each for each in of_report if each.state != "done"]
        yield from failed[:1] or of_report


def _letter(alert: Alert, target: str, private: Iterable[Private]) -> Letter:
    return Letter(
        key=alert.key,
        kind=alert.kind,
        report=alert.report,
        target=target,
        since=alert.at,
        title=" ".join(_scrubbed(alert.title, private).split()),
        text=_scrubbed(alert.text, private),
    )


def _good(outcome: Outcome) -> Good | None:
    """Return what a report says that was published."""
    if outcome.page is None:
        return None
    found = earlier.find(outcome.page)
    try:
        series = manifests.read(outcome.page.with_suffix(manifests.SUFFIX))["series"]
        days = [dt.date.fromisoformat(each["last"]) for each in series]
    except (UsageError, LookupError, TypeError, ValueError):  # a page of before manifests
        days = []
    return Good(
        page=outcome.page.name,
        headline=None if isinstance(found, str) else found.headline,
        data_to=max(days, default=None),
    )


def _scrubbed(text: str, private: Iterable[Private]) -> str:
    """Return a text without what is nobody else's business, and with files for paths."""
    text = CONTROLS.sub("", text)
    for thing in private:
        text = thing.pattern.sub("[...]", text)
    return FOLDERS.sub("", text)


def _send(desk: _Desk, now: dt.datetime) -> Iterator[Told]:
    """Send what is to be sent; a target that does not take one is not asked again in this run."""
    silent: set[str] = set()
    for letter in list(desk.memory.letters):
        if _is_too_old(letter, now) and (letter.tries or letter.target in silent):
            desk.memory.letters.remove(letter)
            desk.problems.append(
                f"{letter}: not delivered within {LONGEST.days} days, so it is given up"
            )
            desk.save()
            continue
        is_early = letter.not_before is not None and now < letter.not_before
        if is_early or letter.target in silent:
            continue
        letter.is_sending, letter.tries = True, letter.tries + 1
        desk.save()
        reason = post.send(letter.target, title=letter.title, text=letter.text, kind=letter.kind)
        letter.is_sending = False
        if not reason or letter.tries >= TRIES:
            desk.memory.letters.remove(letter)
        else:
            pause = dt.timedelta(minutes=2 ** (letter.tries - 1) - 1)  # 0, 1, 3, 7, ...
            letter.not_before = now + pause
        desk.save()
        if not reason:
            yield Told(kind=letter.kind, report=letter.report, target=letter.target)
            continue
        silent.add(letter.target)
        again = "it is tried again by a later run" if letter.tries < TRIES else "it is given up"
        desk.problems.append(f"{letter}: {reason}; try {letter.tries} of {TRIES}, {again}")


def _is_too_old(letter: Letter, now: dt.datetime) -> bool:
    return letter.since is not None and now - letter.since > LONGEST
