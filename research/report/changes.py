"""What changed since the report of the same name that this one replaces, in words and numbers.

Everything that the page shows of it is text in the twin, beside the unrounded numbers, so that
`research rebuild` can show it again: the earlier report is not among what a manifest names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from research import headline
from research.headline import Figure, moved
from research.report import manifest as manifests
from research.report.counterfactual import STEPS, Course, Now, UnsplitError, split
from research.report.earlier import NONE, Earlier

TITLE = "What changed since"
CAUSES = {
    "market": "new market data",
    "history": "revised history",
    "assumptions": "changed assumptions",
    "code": "changed code",
}
COLUMNS = {
    "market": "From the market",
    "history": "From revised history",
    "assumptions": "From assumptions",
    "code": "From code",
}
MISSING = "–"
NAMED = 5  # series that a note names before it only counts
NO_FIGURES = "Not compared with {}: the answer names no figures now."
NOTHING = "Nothing changed: verdict and figures of the answer are those of {}."
HOW = (
    "Each part is the difference that one step makes when the report is rendered again: first with "
    "today's code, then with today's assumptions, then with what is known today of the days that "
    "the earlier report had, then with the days since, and whatever moves with the date alone. In "
    "another order the parts could differ where the steps work together. Each number is rounded by "
    "itself."
)
ALL_NEW = (
    "Code, assumptions and the days that the earlier report had are as they were: all of it comes "
    "from the days since, and from what moves with the date alone. Each number is rounded by "
    "itself."
)
DRAWN = (
    "± is the error that the number of simulated futures leaves (95 %). The same seed gives the "
    "same draws, yet a change can still contain some of it."
)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What the twin and the page tell of a comparison, and what the manifest tells."""

    told: dict[str, Any] | None
    record: dict[str, Any] | None


def since(
    then: Earlier | str,
    now: Callable[[], Now | None],
    tell: Callable[[str], None],
) -> Compared:
    """Compare a report with the one it replaces.

    Parameters
    ----------
    then : the earlier report, or the sentence that says why there is none
    now : gives the report that is being made, None if its answer names no figures
    tell : told what is being done, in a few words
    """
    if isinstance(then, str):
        return Compared(told=_note(then), record=None)
    made = now()
    if made is None:
        return Compared(told=_note(NO_FIGURES.format(then.name)), record=None)
    if (then.headline.verdicts, _values(then)) == (made.headline.verdicts, _values(made)):
        course, reason = None, ""
    else:
        try:
            course, reason = split(then, made, tell), ""
        except UnsplitError as error:
            course, reason = None, str(error)
    return Compared(
        told=_told(then, made, course, reason),
        record={
            "twin_sha256": then.twin_sha256,
            "written_at": f"{then.written_at:%Y-%m-%dT%H:%M:%SZ}",
            "seconds": {} if course is None else dict(course.seconds),
        },
    )


@dataclass(frozen=True, kw_only=True)
class Move:
    """A figure then and now."""

    name: str
    then: Figure | None  # None: not told then
    now: Figure | None
    parts: Mapping[str, float]  # by step; none where it cannot be told

    @property
    def change(self) -> float | None:
        """By how much it is more now."""
        if self.then is None or self.now is None:
            return None
        return self.now.value - self.then.value


def _unrounded(move: Move) -> dict[str, Any]:
    """Return a move as the twin tells it, with null for what is not known."""
    return {
        "name": move.name,
        "then": None if move.then is None else move.then.value,
        "now": None if move.now is None else move.now.value,
        "change": move.change,
        "parts": {step: move.parts.get(step) for step in STEPS},
    }


def _values(report: Earlier | Now) -> list[tuple[str, str, float]]:
    return [(each.name, each.unit, each.value) for each in report.headline.figures]


def _note(sentence: str) -> dict[str, Any]:
    return {
        "note": sentence,
        "title": "",
        "lead": "",
        "flips": [],
        "figures": [],
        "table": None,
        "notes": [],
    }


def _told(then: Earlier, now: Now, course: Course | None, reason: str) -> dict[str, Any]:
    moves = list(_moves(then, now, course))
    flips = [_in_words(flip, then) for flip in _flips(then, now, course)]
    is_moved = then.headline.verdicts != now.headline.verdicts
    is_moved |= any(move.change != 0 for move in moves)
    return {
        "note": "",
        "title": f"{TITLE} {then.name}",
        "lead": _lead(then, now) if is_moved else NOTHING.format(then.name),
        "flips": flips,
        "figures": [_unrounded(move) for move in moves],
        "table": _table(moves, is_split=course is not None) if is_moved else None,
        "notes": list(_notes(then, now, course, reason)) if is_moved else [],
    }


def _moves(then: Earlier, now: Now, course: Course | None) -> Iterator[Move]:
    """Yield each figure then and now, and what each step did to it."""
    before, after = _by_name(then), _by_name(now)
    for key in {**after, **before}:
        was, is_now = before.get(key), after.get(key)
        parts = {} if was is None or is_now is None else _parts(key, course)
        yield Move(name=key[0], then=was, now=is_now, parts=parts)


def _by_name(report: Earlier | Now) -> dict[tuple[str, str], Figure]:
    """Return figures by name and unit: in another unit it is another figure."""
    return {(each.name, each.unit): each for each in report.headline.figures}


def _parts(key: tuple[str, str], course: Course | None) -> dict[str, float]:
    """Return what each step did to a figure; nothing where a stage does not tell it."""
    if course is None:
        return {}
    stages = [
        {(each.name, each.unit): each.value for each in stage.figures} for stage in course.stages
    ]
    if not all(key in stage for stage in stages):
        return {}
    values = [stage[key] for stage in stages]
    return {step: values[at + 1] - values[at] for at, step in enumerate(STEPS)}


def _table(moves: Sequence[Move], *, is_split: bool) -> dict[str, Any]:
    """Return the table as it is shown."""
    steps = [*COLUMNS] if is_split else []
    rows = []
    for move in moves:
        was, now = move.then, move.now
        ends = [MISSING if each is None else headline.in_words(each) for each in (was, now)]
        sizes = [move.change, *(move.parts.get(step) for step in steps)]
        shown = [
            MISSING if size is None or was is None or now is None else moved(size, was, now)
            for size in sizes
        ]
        rows.append([move.name, *ends, *shown])
    heads = ["Figure", "Then", "Now", "Change", *(COLUMNS[step] for step in steps)]
    return {"columns": heads, "rows": rows}


@dataclass(frozen=True, kw_only=True)
class Flip:
    """A verdict that is not what it was."""

    question: str  # "" is the report's own
    then: str
    now: str
    steps: tuple[tuple[str, str], ...] | None  # cause and verdict after it; None: cannot be told


def _flips(then: Earlier, now: Now, course: Course | None) -> Iterator[Flip]:
    before, after = then.headline.verdicts, now.headline.verdicts
    for question in (each for each in after if each in before and before[each] != after[each]):
        yield Flip(
            question=question,
            then=before[question],
            now=after[question],
            steps=None if course is None else _steps(question, course),
        )


def _steps(question: str, course: Course) -> tuple[tuple[str, str], ...] | None:
    words = [stage.verdicts.get(question) for stage in course.stages]
    told = [word for word in words if word is not None]
    if len(told) < len(words):
        return None
    return tuple(
        (CAUSES[step], told[at + 1]) for at, step in enumerate(STEPS) if told[at] != told[at + 1]
    )


def _in_words(flip: Flip, then: Earlier) -> dict[str, Any]:
    """Return a flip as a sentence, and what it is made from."""
    asked = f" to “{flip.question}”" if flip.question else ""
    text = (
        f"The answer{asked} changed: from “{flip.then}” ({then.name}) to “{flip.now}”. "
        + _because(flip)
    )
    return {
        "question": flip.question,
        "then": flip.then,
        "now": flip.now,
        "because": None if flip.steps is None else [cause for cause, _ in flip.steps],
        "text": text,
    }


def _because(flip: Flip) -> str:
    if flip.steps is None:
        return "What turned it cannot be told."
    if len(flip.steps) == 1:
        return f"It turned with {flip.steps[0][0]}."
    return "It turned more than once: " + ", then ".join(
        f"to “{word}” with {cause}" for cause, word in flip.steps
    ) + "."  # fmt: skip


def _lead(then: Earlier, now: Now) -> str:
    """Return that no verdict flipped, if there are any."""
    verdicts = now.headline.verdicts
    if not verdicts or verdicts != then.headline.verdicts:
        return ""
    told = " and ".join(f"“{word}”" for word in dict.fromkeys(verdicts.values()))
    return f"{'The verdict is' if len(verdicts) == 1 else 'Verdicts are'} as before: {told}."


def _notes(then: Earlier, now: Now, course: Course | None, reason: str) -> Iterator[str]:
    """Yield what a reader must know before she believes the parts."""
    if course is None:
        yield f"How much came from what cannot be told: {reason}."
    else:
        yield HOW if course.seconds else ALL_NEW
    figures = (*then.headline.figures, *now.headline.figures)
    if any(each.error for each in figures):
        yield DRAWN
    causes = manifests.causes_of_code(then.manifest, now.manifest)
    if causes:
        yield f"Not as it was then: {'; '.join(causes)}."
    if course is not None and course.revised:
        yield f"Revised history: {_counted(course.revised)}."


def _counted(revised: Mapping[str, int]) -> str:
    told = [
        f"{count:,} {'day' if count == 1 else 'days'} of {name}"
        for name, count in [*revised.items()][:NAMED]
    ]
    told += [f"{len(revised) - NAMED} more series"] * (len(revised) > NAMED)
    return ", ".join(told)


def carried(twin: Any) -> dict[str, Any] | None:
    """Return what a twin tells of a comparison, None if it is nothing that a page can show."""
    try:
        told: dict[str, Any] = twin["changes"]
        table = told["table"]
        lines = [] if table is None else [table["columns"], *table["rows"]]
        texts = [cell for line in lines for cell in line]
        texts += [told["note"], told["title"], told["lead"], *told["notes"]]
        texts += [flip["text"] for flip in told["flips"]]
        is_whole = isinstance(told["figures"], list) and told.keys() == _note(NONE).keys()
    except (AttributeError, KeyError, TypeError):
        return None
    return told if is_whole and all(isinstance(text, str) for text in texts) else None
