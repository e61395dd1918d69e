"""What can be wrong between entries that are each right, and by which names one asks for them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

from research.catalogue._hardware import Gpu
from research.catalogue._toml import KeyPath
from research.catalogue._types import Factor, Network

SUBJECTS: Mapping[str, str] = {  # whom a series can be about, as measures call them
    "networks": "network",
    "factors": "factor",
    "sectors": "sector",
    "gpus": "gpu",
}
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


def across(sections: Sections) -> Iterator[Problem]:
    """Yield what is wrong between entries that are each right."""
    networks, gpus, venues = sections["networks"], sections["gpus"], sections["venues"]
    places = {**networks, **venues}
    for event in sections["events"].values():
        if event.subject not in networks:
            yield _unknown(("events", event.id, "subject"), event.subject, networks)
    for risk in sections["risks"].values():
        if risk.subject not in places:
            yield _unknown(("risks", risk.id, "subject"), risk.subject, places)
    for gpu in gpus.values():
        for place in gpu.venue_rate_usd_per_hour:
            if place not in places:
                path: KeyPath = ("gpus", gpu.id, "venue_rate_usd_per_hour", place)
                yield _unknown(path, place, places)
    for stress in sections["stresses"].values():
        for network in stress.token_change_by_network:
            if network not in networks:
                path = ("stresses", stress.id, "token_change_by_network", network)
                yield _unknown(path, network, networks)
    for venue in venues:
        if venue in networks:
            reason = f"{venue} is a network too"
            yield Problem(("venues", venue), reason, "an id of its own", ("networks", venue))
    for each in networks.values():
        yield from _of_network(each, gpus)
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
        yield Problem((*here, "symbol"), "not a token that is still valid", listed(current))
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
    return Problem(path, f"{name} is unknown{hint}", listed(known))


def listed(names: Mapping[str, object] | list[str]) -> str:
    return ", ".join(names) or "none is known"
