"""How some upstreams are asked: once for many feeds, and the next host where one fails."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from research.errors import SourceError
from research.sources.web import Web

T = TypeVar("T")


@dataclass
class Answers:
    """What was said at one `now`: an answer, or a failure, serves every feed that is in it."""

    held: dict[tuple[object, ...], Any] = field(default_factory=dict)

    def get(self, web: Web, now: dt.datetime, what: object, ask: Callable[[], Any]) -> Any:
        """Return what `ask` returns, which is called once for each `what`, or raise as it did."""
        asked = (web.base_url, now, what)
        if asked not in self.held:
            try:
                self.held[asked] = ask()
            except SourceError as failed:
                self.held[asked] = failed
        if isinstance(said := self.held[asked], SourceError):
            raise type(said)(said.source, said.what, said.reason) from said
        return said


@dataclass(kw_only=True, eq=False)
class _Host(Web):
    """A line to one of several hosts, whose requests count as those of the upstream."""

    upstream: Web

    def turn(self) -> None:
        """Wait until this host and the upstream as a whole may be asked again."""
        super().turn()
        self.upstream.turn()


def hosts(web: Web) -> list[str]:
    """Return the hosts of a base URL, which are separated by spaces, in order of preference."""
    return web.base_url.split() or [web.base_url]


def at(web: Web, host: str, ask: Callable[[Web], T]) -> T:
    """Return what `ask` gets from one host, within the budget of `web` and without its key."""
    if host == web.base_url:
        return ask(web)
    given = {one.name: getattr(web, one.name) for one in fields(Web) if one.init}
    with _Host(**given | {"upstream": web, "base_url": host, "key": None}) as line:
        return ask(line)


def ask_in_turn(web: Web, *asks: Callable[[Web], T]) -> T:
    """Return what the first host that answers says.

    Parameters
    ----------
    asks : how to ask each host; one for all, if there is one

    Raises
    ------
    SourceError
        None did; the reasons of all are given.
    """
    asks = asks * len(hosts(web)) if len(asks) == 1 else asks
    failed: list[SourceError] = []
    for host, ask in zip(hosts(web), asks, strict=False):
        try:
            return at(web, host, ask)
        except SourceError as error:
            failed.append(error)
    reasons = "; ".join(dict.fromkeys(error.reason for error in failed))
    raise type(failed[0])(failed[0].source, failed[0].what, reasons)
