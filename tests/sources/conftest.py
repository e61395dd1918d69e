"""A line to the local server for the tests of every upstream: `web("akash", key="k")`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from research.sources.web import Web

MakeWeb = Callable[..., Web]


class Hurried:
    """A clock that waits in no time: what was slept is added to the hour instead."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return time.monotonic() + sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@pytest.fixture(autouse=True)
def _direct(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a proxy of this machine out of the way of the local server."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


@pytest.fixture
def clock() -> Hurried:
    """The clock of every `web` of the test; `clock.slept` are the waits, in seconds."""
    return Hurried()


@pytest.fixture
def web(httpserver: HTTPServer, clock: Hurried) -> Iterator[MakeWeb]:
    """Return a maker of lines to `httpserver`: `web(source_id, **fields of Web)`.

    Unless a field says otherwise: no key, thousands of requests a minute, a budget of five minutes,
    waits that take no time. `web("coingecko", base_path="/api/v3")` if the upstream has one.
    """
    made: list[Web] = []

    def make(source_id: str = "akash", *, base_path: str = "", **fields: Any) -> Web:
        usual: dict[str, Any] = {
            "base_url": httpserver.url_for(base_path),
            "requests_per_minute": 1e6,
            "takes_key": "optional" if fields.get("key") else "none",
            "deadline": clock.monotonic() + 300,
            "clock": clock.monotonic,
            "sleep": clock.sleep,
        }
        made.append(Web(source=source_id, **(usual | fields)))
        return made[-1]

    yield make
    for each in made:
        each.close()
