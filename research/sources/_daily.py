"""Tables with a row a day, as network services keep them: asked once, and how they are dated."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from research.sources._answers import Question

if TYPE_CHECKING:
    from research.sources.web import Web

ZONE = re.compile(r"(?:\.\d+)? ?(?:UTC|Z|\+00(?::?00)?)$", re.ASCII)  # as Postgres and Trino write
EARLIEST = dt.datetime(2009, 1, 3, tzinfo=dt.UTC)  # no token is older than Bitcoin
LATEST = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)  # milliseconds taken for seconds are beyond it

Row = dict[str, Any]  # `at`, an instant, and `value`


@dataclass
class Tables:
    """An upstream with several series in an answer; what it said at one `now` is asked once."""

    held: dict[object, Any] = field(default_factory=dict)

    def ask(
        self, web: Web, now: dt.datetime, path: str, params: Mapping[str, str | int] | None = None
    ) -> Any:
        """Return the answer of a route."""
        asked = (web.base_url, now, path, *(params or {}).items())
        if asked not in self.held:
            self.held[asked] = web.json(path, params=params)
        return self.held[asked]


def from_seconds(value: Any, of: str, question: Question) -> dt.datetime:
    """Return the instant of a count of seconds since 1970, which may be written as a text."""
    seconds = question.known(value, of)
    if not EARLIEST.timestamp() <= seconds < LATEST.timestamp():
        raise question.changed(f"{of} is {seconds:g}, which is not in seconds since 1970")
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def from_text(value: Any, of: str, question: Question) -> dt.datetime:
    """Return the instant of a text: 2026-08-20, or 2026-08-20 00:00:00.000 UTC."""
    has_time = isinstance(value, str) and len(value) > len("2026-08-20")
    return question.instant(ZONE.sub("Z", value) if has_time else value, of)


def day_of(instant: dt.datetime, of: str, question: Question) -> dt.datetime:
    """Return the midnight, UTC, with which a day begins; any other instant is an error."""
    if instant.time() != dt.time.min:
        raise question.changed(f"{of} is {instant:%Y-%m-%d %H:%M} UTC, not the beginning of a day")
    return instant


def without_last(rows: Sequence[Row]) -> list[Row]:
    """Leave out the last day, for an answer that does not say when it was made.

    It may have lain in a cache since a time at which that day still ran.
    """
    last = max(row["at"] for row in rows)
    return [row for row in rows if row["at"] < last]
