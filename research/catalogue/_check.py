"""From the tree of TOML tables to checked dataclasses, each refusal with its file and line."""

from __future__ import annotations

import datetime as dt
import re
import types
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from pydantic import AfterValidator, TypeAdapter, ValidationError

from research.catalogue._feeds import Upstream
from research.catalogue._toml import KeyPath, Tree
from research.catalogue._types import (
    Assumption,
    Event,
    Factor,
    Figure,
    Gpu,
    Measure,
    Network,
    Sector,
    Tariff,
    Within,
)
from research.errors import CatalogueError

SECTIONS: Mapping[str, type] = {
    "networks": Network,
    "factors": Factor,
    "sectors": Sector,
    "gpus": Gpu,
    "sources": Upstream,
    "tariffs": Tariff,
    "events": Event,
    "measures": Measure,
    "assumptions": Assumption,
}
SUBJECTS: Mapping[str, str] = {  # whom a series can be about, as measures call them
    "networks": "network",
    "factors": "factor",
    "sectors": "sector",
    "gpus": "gpu",
}
_MAX_SHOWN = 10
_ID = "small letters, digits, - and _, beginning with a letter or digit"
Sections = dict[str, dict[str, Any]]


class Problem(NamedTuple):
    """One reason to refuse a catalogue."""

    path: KeyPath
    reason: str
    accepted: str
    other: KeyPath = ()  # the other side of a contradiction: the later file is to blame


class Label(NamedTuple):
    """A name by which one may ask for a subject, and when it is right."""

    text: str
    subject: str
    first: dt.date
    last: dt.date
    path: KeyPath


def check(tree: Tree) -> Sections:
    """Return the checked entries of each section, or raise CatalogueError naming every line."""
    problems: list[Problem] = []
    sections: Sections = {section: {} for section in SECTIONS}
    for section, blocks in tree.data.items():
        if section not in SECTIONS:
            problems.append(Problem((section,), "unknown table", _listed(SECTIONS)))
        elif not isinstance(blocks, dict):
            problems.append(Problem((section,), "not a table", f"[{section}.<id>] tables"))
        else:
            for key, block in blocks.items():
                entry = _entry(section, key, block, problems)
                if entry is not None:
                    sections[section][key] = entry
    if not problems:
        problems.extend(_across(sections))
    if problems:
        raise CatalogueError(_report(tree, problems))
    return sections


def _entry(section: str, key: str, block: Any, problems: list[Problem]) -> Any:
    """Return one checked entry, or None after noting what is wrong with it."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", key):
        problems.append(Problem((section, key), "not an id", _ID))
        return None
    if not isinstance(block, dict):
        problems.append(Problem((section, key), "not a table", f"a [{section}.{key}] table"))
        return None
    if "id" in block:
        problems.append(Problem((section, key, "id"), "unknown key", "the id is the table's name"))
        return None
    content = {**block, "id": key}
    if section == "networks" and "symbol" in block:
        content.setdefault("tokens", [{"symbol": block["symbol"]}])
    if section == "networks" and block.get("status") == "listed":
        content.setdefault("required", ["price_usd"])
    try:
        return _adapter(section).validate_python(content)
    except ValidationError as error:
        kind = SECTIONS[section]
        for each in error.errors(include_url=False):
            location = tuple(part for part in each["loc"] if part != "[key]")
            reason, accepted = _explained(kind, location, each["type"], each["msg"], each["input"])
            problems.append(Problem((section, key, *location), reason, accepted))
        return None


@cache
def _adapter(section: str) -> TypeAdapter[Any]:
    return TypeAdapter(SECTIONS[section])


def _explained(
    kind: type, location: KeyPath, error: str, message: str, given: object
) -> tuple[str, str]:
    """Say in our words what is wrong and what would be right."""
    if error == "unexpected_keyword_argument":
        return "unknown key", _accepted(_type_at(kind, location[:-1]))
    accepted = _accepted(_type_at(kind, location))
    if error in {"missing", "missing_keyword_only_argument"}:
        return "missing", accepted
    if error == "value_error":
        return message.removeprefix("Value error, "), accepted
    shown = repr(given)
    return f"{shown if len(shown) <= 40 else shown[:37] + '...'} does not fit", accepted


def _type_at(kind: Any, location: KeyPath) -> Any:
    """Return the annotation that a value inside a dataclass has to meet."""
    for part in location:
        kind = _plain(kind)
        if is_dataclass(kind):
            kind = get_type_hints(kind, include_extras=True).get(str(part), kind)
        elif get_origin(kind) is tuple:
            kind = get_args(kind)[0]
        elif get_args(kind):
            kind = get_args(kind)[-1]  # the values of a mapping
    return kind


def _plain(kind: Any) -> Any:
    """Strip `Annotated` and `| None`."""
    while get_origin(kind) in {Annotated, Union, types.UnionType}:
        kind = get_args(kind)[0]
    return kind


def _accepted(kind: Any) -> str:
    """Describe what a type accepts, for a reader who has the TOML file open."""
    while get_origin(kind) in {Union, types.UnionType}:
        kind = get_args(kind)[0]
    bounds = [
        extra.func.accepted
        for extra in getattr(kind, "__metadata__", ())
        if isinstance(extra, AfterValidator) and isinstance(extra.func, Within)
    ]
    plain = _plain(kind)
    if get_origin(plain) is Literal:
        return ", ".join(get_args(plain))
    if get_origin(plain) is tuple:
        return f"an array of: {_accepted(get_args(plain)[0])}"
    if get_origin(plain) is not None:
        return f"a table of: {_accepted(get_args(plain)[-1])}"
    if is_dataclass(plain):
        names = [item.name for item in fields(plain) if item.name != "id"]
        what = f"{bounds[0]}, as " if bounds else ""
        return f"{what}{{ {', '.join(names)} }}" if plain is Figure else ", ".join(names)
    words = {
        str: "text",
        float: "a number",
        bool: "true or false",
        dt.date: "a date such as 2026-03-23",
    }
    return words.get(plain, "a value")


def _across(sections: Sections) -> Iterator[Problem]:
    """Yield what is wrong between entries that are each right."""
    networks, gpus = sections["networks"], sections["gpus"]
    for event in sections["events"].values():
        if event.subject not in networks:
            yield _unknown(("events", event.id, "subject"), event.subject, networks)
    for gpu in gpus.values():
        for venue in gpu.venue_rate_usd_per_hour:
            if venue not in networks:
                path: KeyPath = ("gpus", gpu.id, "venue_rate_usd_per_hour", venue)
                yield _unknown(path, venue, networks)
    for network in networks.values():
        yield from _of_network(network, gpus)
    for section, kind in SUBJECTS.items():
        for subject in sections[section].values():
            yield from _of_feeds((section, subject.id), subject, kind, sections)
    yield from _of_labels(labels(sections))


def _of_feeds(here: KeyPath, subject: Any, kind: str, sections: Sections) -> Iterator[Problem]:
    """Yield what is wrong with whom a subject's series are asked from."""
    measures, sources = sections["measures"], sections["sources"]
    fitting = {name: x for name, x in measures.items() if kind in x.applies_to}
    for measure, feeds in subject.feeds.items():
        path = (*here, "feeds", measure)
        if measure not in fitting:
            yield _unknown(path, measure, fitting)
        for number, feed in enumerate(feeds):
            if feed.source not in sources:
                yield _unknown((*path, number, "source"), feed.source, sources)
            if feed.source in [before.source for before in feeds[:number]]:
                reason = f"{feed.source} is named twice"
                yield Problem((*path, number, "source"), reason, "a source once for each measure")
        if all(feed.referee for feed in feeds):
            yield Problem(path, "no feed but referees", "at least one that is none")
    for number, measure in enumerate(getattr(subject, "required", ())):
        if measure not in fitting:
            yield _unknown((*here, "required", number), measure, fitting)


def _of_network(network: Network, gpus: Mapping[str, Gpu]) -> Iterator[Problem]:
    here: KeyPath = ("networks", network.id)
    current = [token.symbol for token in network.tokens if token.valid_to is None]
    if network.symbol not in current:
        yield Problem((*here, "symbol"), "not a token that is still valid", _listed(current))
    if network.status == "listed" and (network.chain is None or network.primary_use is None):
        yield Problem((*here, "status"), "listed, but chain or primary_use is missing", "both")
    for number, payout in enumerate(network.payouts):
        path = (*here, "payouts", number)
        if number and payout.since <= network.payouts[number - 1].since:
            yield Problem((*path, "since"), "not after the payout before it", "the oldest first")
        for key in ("tokens_per_week", "collateral_tokens"):
            for gpu in getattr(payout, key):
                if gpu not in gpus:
                    yield _unknown((*path, key, gpu), gpu, gpus)
        in_tokens = bool(payout.tokens_per_week)
        if in_tokens != (payout.kind == "token-quoted"):
            reason = f"a {payout.kind} payout {'with' if in_tokens else 'without'} tokens_per_week"
            yield Problem((*path, "kind"), reason, "tokens_per_week with token-quoted alone")


def labels(sections: Sections) -> list[Label]:
    """Return every name of every subject: ids, names, symbols and aliases."""
    always = (dt.date.min, dt.date.max)
    found = []
    for section in SUBJECTS:
        for entry in sections[section].values():
            here: KeyPath = (section, entry.id)
            found.append(Label(entry.id, entry.id, *always, here))
            found.append(Label(entry.name, entry.id, *always, (*here, "name")))
            if isinstance(entry, Network):
                for number, token in enumerate(entry.tokens):
                    span = token.valid_from or always[0], token.valid_to or always[1]
                    of_today = token.symbol == entry.symbol
                    path = ("symbol",) if of_today else ("tokens", number, "symbol")
                    found.append(Label(token.symbol, entry.id, *span, (*here, *path)))
            elif isinstance(entry, Factor):
                found.append(Label(entry.symbol, entry.id, *always, (*here, "symbol")))
                found.extend(Label(a, entry.id, *always, (*here, "aliases")) for a in entry.aliases)
    return found


def _of_labels(names: list[Label]) -> Iterator[Problem]:
    seen: dict[str, list[Label]] = {}
    for label in names:
        others = seen.setdefault(label.text.casefold(), [])
        for other in others:
            together = label.first <= other.last and other.first <= label.last
            if together and label.path[:2] != other.path[:2]:
                both = " and ".join(".".join(map(str, x.path[:2])) for x in (other, label))
                reason = f"{label.text} means {both} at the same time"
                yield Problem(label.path, reason, "a name of its own", other.path)
        others.append(label)


def _unknown(path: KeyPath, name: str, known: Mapping[str, object]) -> Problem:
    near = get_close_matches(name, known, n=1)
    hint = f", did you mean {near[0]}?" if near else ""
    return Problem(path, f"{name} is unknown{hint}", _listed(known))


def _listed(names: Mapping[str, object] | list[str]) -> str:
    return ", ".join(names) or "none is known"


def _report(tree: Tree, problems: list[Problem]) -> str:
    """Return one line a problem, in the order of files and lines."""
    lines = []
    for problem in problems:
        path = problem.path
        number, line = tree.place(path)
        if problem.other and tree.place(problem.other)[0] > number:
            path = problem.other
            number, line = tree.place(path)
        where = f"{tree.files[number].name}:{line}: {'.'.join(map(str, path))}"
        text = f"{where}: {problem.reason}; accepted: {problem.accepted}"
        lines.append((number, line, text))
    texts = [text for _, _, text in sorted(lines)]
    more = len(texts) - _MAX_SHOWN
    return "\n".join(texts[:_MAX_SHOWN] + ([f"and {more} more"] if more > 0 else []))
