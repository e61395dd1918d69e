"""What somebody should be told of a report, from what came of it and what was told before.

Everything here is pure: `telling` keeps what was told and sends.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field

from pydantic import AwareDatetime, BaseModel, ConfigDict

from research.headline import Figure, Headline, in_words
from research.unattended.jobs import Outcome
from research.unattended.rules import Kind, Rules, Threshold

TITLES = {
    "failure": "Failed",
    "recovery": "Made again",
    "overdue": "Overdue",
    "flip": "Verdict flipped",
    "threshold": "Over its threshold",
    "report": "New report",
}
NOT_MADE = {
    "failed": "It could not be made.",
    "gate": "It was not published, as a check of its data failed.",
    "timed out": "It did not end in time.",
}
LONGEST = 800  # characters of a reason
NOTHING = Headline(verdicts={}, figures=())


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One thing to tell."""

    kind: Kind
    report: str  # its name in the schedule
    at: dt.datetime
    text: str

    @property
    def title(self) -> str:
        """What stands above it."""
        return f"{TITLES[self.kind]}: {self.report}"

    @property
    def key(self) -> str:
        """What it is known by."""
        return f"{self.report}|{self.kind}|{self.at.isoformat()}"


class Seen(BaseModel):
    """What earlier runs knew of a report when they decided what to tell."""

    model_config = ConfigDict(frozen=True)

    failing: bool = False
    overdue: bool = False
    passed: frozenset[str] = frozenset()  # thresholds, those that were told and still are
    headline: Headline | None = None  # when it was last told, else when first seen; None: never
    data_to: dt.date | None = None  # of the data then
    until: AwareDatetime | None = None  # all that was noted by then is decided; None: unknown


@dataclass(frozen=True, kw_only=True)
class Good:
    """The report that a run has published."""

    page: str  # name of its file
    headline: Headline | None  # None: its answer names no figures, or they cannot be relied on
    data_to: dt.date | None  # the newest day of its data


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What is to be told, and what is known from now on."""

    seen: Seen
    alerts: tuple[Alert, ...] = ()
    remarks: tuple[str, ...] = field(default=())  # what is wrong with the rules, in sentences


def overdue(
    report: str, planned: dt.datetime, seen: Seen, rules: Rules, now: dt.datetime
) -> Decision:
    """Decide what to tell of a report that has not been made at its time.

    It is told once until the report is made; never of one whose failure was told, which says it.
    """
    is_told = seen.overdue or (seen.failing and "failure" in rules.on)
    if is_told or "overdue" not in rules.on:
        return Decision(seen=seen)
    known = seen.model_copy(update={"overdue": True})
    text = f"It was planned for {_minute(planned)} and has not been made since."
    return Decision(seen=known, alerts=(Alert(kind="overdue", report=report, at=now, text=text),))


def due(
    outcome: Outcome, good: Good | None, seen: Seen, rules: Rules, now: dt.datetime
) -> Decision:
    """Decide what to tell of what came of a report.

    Parameters
    ----------
    good : the report that was published, None if none was
    seen : what is known from the runs before
    now : UTC
    """
    name = outcome.job.name
    if outcome.state != "done" or good is None:
        failed = Alert(kind="failure", report=name, at=now, text=_failure(outcome))
        is_new = not seen.failing and "failure" in rules.on
        return Decision(
            seen=seen.model_copy(update={"failing": True}), alerts=(failed,) if is_new else ()
        )
    page = f"\n\nPage: {good.page}"
    alerts = []
    if (seen.failing or seen.overdue) and "recovery" in rules.on:
        text = f"It is made again.{page}"
        alerts.append(Alert(kind="recovery", report=name, at=now, text=text))
    passed, remarks = _passed(good, seen, rules)
    told = _news(outcome, good, seen, rules, passed) if _is_open(good, seen, rules) else {}
    alerts += [Alert(kind=kind, report=name, at=now, text=told[kind] + page) for kind in told]
    known = {"failing": False, "overdue": False, "passed": seen.passed & passed}
    if told or seen.headline is None:
        known |= {"headline": good.headline or NOTHING, "data_to": good.data_to}
    if "threshold" in told:
        known["passed"] = passed
    return Decision(
        seen=seen.model_copy(update=known),
        alerts=tuple(alerts),
        remarks=tuple(f"{name}: {remark}" for remark in remarks),
    )


def _failure(outcome: Outcome) -> str:
    told = [NOT_MADE.get(outcome.state, NOT_MADE["failed"])]
    if outcome.job.period is not None:
        told.append(f"It was planned for {_minute(outcome.job.period)}.")
    if outcome.attempts > 1:
        told.append(f"It was tried {outcome.attempts} times.")
    told.append("An earlier report, if there is one, was left in place.")
    reason = outcome.reason.strip()
    cut = reason if len(reason) <= LONGEST else f"{reason[:LONGEST].rstrip()} ..."
    return " ".join(told) + (f"\n\n{cut}" if cut else "")


def _news(
    outcome: Outcome, good: Good, seen: Seen, rules: Rules, passed: frozenset[str]
) -> dict[Kind, str]:
    """Return what a good report has to tell, by kind."""
    found: dict[Kind, str] = {}
    if flips := tuple(_flips(outcome, good, seen)):
        found["flip"] = "\n".join(flips)
    if passed - seen.passed:
        found["threshold"] = "\n".join(sorted(_over(good, rules, passed - seen.passed)))
    found["report"] = "\n".join(_answer(good.headline)) or "Its answer names no figures."
    return {kind: text for kind, text in found.items() if kind in rules.on}


def _flips(outcome: Outcome, good: Good, seen: Seen) -> Iterator[str]:
    """Yield what turned since the last telling; nothing if it has turned back meanwhile."""
    now = (good.headline or NOTHING).verdicts
    then = (seen.headline or NOTHING).verdicts
    turned = [each for each in now if each in then and now[each] != then[each]]
    if outcome.flips and (turned or not then):
        yield from outcome.flips
        return
    for question in turned:
        of = f" on {question}" if question else ""
        yield f"The verdict{of} is {now[question]}; it was {then[question]} when last looked at."


def _figures(headline: Headline | None) -> dict[str, Figure]:
    return {each.name: each for each in (headline or NOTHING).figures}


def _passed(good: Good, seen: Seen, rules: Rules) -> tuple[frozenset[str], list[str]]:
    """Return the thresholds that are passed now, and what is wrong with the rules.

    One whose figure is not told today counts as it did before.
    """
    figures, found = _figures(good.headline), set()
    for each in rules.thresholds:
        figure = figures.get(each.figure)
        is_passed = each.is_passed(figure.value) if figure else _key(each) in seen.passed
        found.update({_key(each)} if is_passed else set())
    wanted = [each.figure for each in rules.thresholds]
    wanted += [each.figure for each in rules.only_if_moved]
    there = ", ".join(figures) or "none"
    remarks = [
        f"its answer has no figure {name!r} for its alerts; it has {there}"
        for name in dict.fromkeys(wanted)
        if name not in figures
    ]
    return frozenset(found), remarks


def _key(threshold: Threshold) -> str:
    return f"{threshold.figure} {threshold.side}"


def _over(good: Good, rules: Rules, passed: frozenset[str]) -> Iterator[str]:
    figures = _figures(good.headline)
    for each in rules.thresholds:
        if _key(each) in passed and each.figure in figures:
            yield f"{each.figure}: {in_words(figures[each.figure])}, {each.side}."


def _is_open(good: Good, seen: Seen, rules: Rules) -> bool:
    """Say whether the gates are open; to the first report that is seen they are."""
    if seen.headline is None:
        return True
    if rules.only_if_new and not _is_newer(good.data_to, seen.data_to):
        return False
    then, now = _figures(seen.headline), _figures(good.headline)
    return not rules.only_if_moved or any(
        each.figure in now and _has_moved(then.get(each.figure), now[each.figure], each.by)
        for each in rules.only_if_moved
    )


def _is_newer(day: dt.date | None, told: dt.date | None) -> bool:
    return day is not None and (told is None or day > told)


def _has_moved(then: Figure | None, now: Figure, by: float) -> bool:
    """Say whether a figure has moved enough; one that is new, or in another unit, has."""
    if then is None or then.unit != now.unit:
        return True
    return abs(now.value - then.value) >= by * (1 - 1e-9)  # 0.7 - 0.6 is less than 0.1


def _answer(headline: Headline | None) -> Iterator[str]:
    told = headline or NOTHING
    for question, verdict in told.verdicts.items():
        yield f"{question or 'Verdict'}: {verdict}"
    for figure in told.figures:
        yield f"{figure.name}: {in_words(figure)}"


def _minute(time: dt.datetime) -> str:
    return f"{time.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"
