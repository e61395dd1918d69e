"""What the answer would have been: a report rendered again with one thing after another as now.

From the earlier report to this one in four steps: our code and the notebook, the catalogue's
assumptions, what is known of old days, and the new days. An effect is the difference that one step
makes, so that the effects add up to the whole change. A step that changed nothing is not rendered.
"""

from __future__ import annotations

import datetime as dt
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from research import headline
from research.errors import ResearchError
from research.headline import Headline
from research.report import facts, kept
from research.report.earlier import Earlier
from research.report.execute import execute
from research.report.surroundings import temporary_folder

if TYPE_CHECKING:
    from research.report.hindsight import View
    from research.report.render import Order

UNPUBLISHED = "; nothing was published"  # what `execute` says, and what is not so here
STEPS = ("code", "assumptions", "history", "market")  # in which they are taken
NO_TIME = "the notebook has no parameters as_of and store, so its data of then cannot be had again"
OTHER_STORE = "it was made from another store"
NOT_HELD = "the store does not say any more of then what it said then"
NOT_KEPT = "the catalogue of then was not kept with it"
NOT_RENDERED = {
    "code": "the notebook of now could not be rendered from the data and assumptions of then",
    "assumptions": "it could not be rendered from the data of then with the assumptions of now",
    "history": "it could not be rendered from what is known now of the days of then",
}


class UnsplitError(Exception):
    """A change whose parts cannot be told; its text is the end of a sentence."""


@dataclass(frozen=True, kw_only=True)
class Now:
    """The report that is being made."""

    asked: Order
    source: bytes  # of the notebook
    manifest: Mapping[str, Any]
    headline: Headline


@dataclass(frozen=True, kw_only=True)
class Course:
    """The answer of then, after each step, and now."""

    stages: tuple[Headline, ...]  # one more than `STEPS`
    revised: Mapping[str, int]  # old days that were restated or filled in since, by series
    seconds: Mapping[str, float] = field(default_factory=dict)  # of each step that was rendered


def split(then: Earlier, now: Now, tell: Callable[[str], None]) -> Course:
    """Return the answer after each step from then to now.

    Raises
    ------
    UnsplitError : if a step cannot be rendered, or the data of then cannot be had
    """
    try:
        with temporary_folder() as folder:
            return _split(then, now, tell, folder)
    except (OSError, ResearchError) as error:
        raise _unsplit(NOT_HELD, error) from error


def _split(then: Earlier, now: Now, tell: Callable[[str], None], folder: Path) -> Course:
    from research.report import hindsight  # pandas with it, which no command line waits for

    was, values = then.manifest, now.asked.values
    is_recoded = any(was[part] != now.manifest[part] for part in ("notebook", "packages"))
    is_recoded |= was["code"]["sha256"] != now.manifest["code"]["sha256"]
    is_assumed_anew = was["catalogue"] != now.manifest["catalogue"]
    view, known = _view(then, now), hindsight.NOTHING_LEARNT
    if view is not None:
        series = {one["series"] for one in now.manifest["series"]}
        known = hindsight.look_back(view, series | {one.series for one in then.read})
    if known.lost and (is_recoded or is_assumed_anew):
        raise UnsplitError(NOT_HELD)
    seconds: dict[str, float] = {}

    def rendered(step: str, store: str, settings: Mapping[str, str]) -> Headline:
        began = time.perf_counter()
        asked = values | {"as_of": then.as_of, "store": store}
        told = f"comparing with {then.name}"
        found = _render(now, asked, settings, step, lambda what: tell(f"{told}, {what}"))
        seconds[step] = round(time.perf_counter() - began, 3)
        return found

    code = assumptions = then.headline
    store = values["store"]
    if view is not None and known.backdated and (is_recoded or is_assumed_anew):
        store = str(folder / "then")
        hindsight.write_then(view, store)
    if is_recoded:
        restored = _restored(then, folder / "catalogue") if is_assumed_anew else {}
        code = assumptions = rendered("code", store, restored)
    if is_assumed_anew:
        assumptions = rendered("assumptions", store, {})
    history = assumptions
    if view is not None and (known.lost or known.revised):
        hindsight.write_known_now(view, str(folder / "now"))
        history = rendered("history", str(folder / "now"), {})
    return Course(
        stages=(then.headline, code, assumptions, history, now.headline),
        revised=known.revised,
        seconds=seconds,
    )


def _view(then: Earlier, now: Now) -> View | None:
    """Return how to look back at the store; None for the simulated market.

    That one is made anew by each code and from each catalogue, and never restated.
    """
    from research.report.hindsight import View

    was, store, values = then.manifest["store"], now.manifest["store"], now.asked.values
    until, as_of = values.get("until"), values.get("as_of")
    if then.as_of is None or as_of is None or was is None or store is None:
        raise UnsplitError(NO_TIME)
    if (was["kind"], was["name"]) != (store["kind"], store["name"]):
        raise UnsplitError(OTHER_STORE)
    if store["kind"] == facts.SIMULATED:
        return None
    return View(
        store=values["store"],
        until=until if isinstance(until, dt.date) else None,
        then=then.as_of,
        now=as_of,
        version=was["version"],
        read=then.read,
    )


def _restored(then: Earlier, folder: Path) -> Mapping[str, str]:
    """Write the catalogue of then; return the settings under which it is read."""
    packed = then.manifest.get("catalogue_files")
    try:
        files = kept.unpack(packed) if isinstance(packed, str) else {}
    except kept.UnreadableError as error:
        raise UnsplitError(NOT_KEPT) from error
    if kept.digest(files) != then.manifest["catalogue"]:
        raise UnsplitError(NOT_KEPT)
    return kept.write(files, folder)


def _render(
    now: Now,
    values: Mapping[str, Any],
    settings: Mapping[str, str],
    step: str,
    tell: Callable[[str], None],
) -> Headline:
    """Return the answer of the notebook of now with other parameters; nothing is published."""
    from research.report import twin

    accepted = now.asked.accepted
    changed = {
        name: value.isoformat() if isinstance(value, dt.date) else value
        for name, value in accepted.changed(values).items()
    }
    try:
        run = execute(
            now.source,
            accepted,
            changed,
            store=values["store"],
            beside=lambda: None,
            tell=tell,
            settings=settings,
        )
        found = headline.read(twin.headline_of(run.notebook))
    except ResearchError as error:
        raise _unsplit(NOT_RENDERED[step], error) from error
    if found is None:
        raise UnsplitError(NOT_RENDERED[step])
    return found


def _unsplit(reason: str, error: Exception) -> UnsplitError:
    """Return why a change stays whole; the error is not for the page: it may tell a folder."""
    sys.stderr.write(f"{reason}: {str(error).removesuffix(UNPUBLISHED)}\n")
    return UnsplitError(reason)
