"""The one policy of asking an upstream: address, key, rate, tries, time limits, and its errors."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, Self, TypeVar
from urllib.parse import urlsplit

import stamina
from requests import HTTPError, Response

from research import config
from research.catalogue import Upstream
from research.errors import (
    NeedsKeyError,
    RateLimitedError,
    ResearchError,
    SourceError,
    UnavailableError,
    UsageError,
)
from research.sources import _faults
from research.sources._faults import Fault
from research.sources._line import Limits, Line, Session, TooLargeError
from research.sources._secrets import Secrets, is_sendable
from research.sources._turns import Turns

BACK_OFF_SECONDS = 1.0  # before the second try, then twice that, and so on
A_REQUEST = "a request"  # what is asked for, where only the caller knows

logging.getLogger("stamina").addHandler(logging.NullHandler())  # else a retry prints on stderr

T = TypeVar("T")


def user_agent() -> str:
    """Return the name we give everywhere."""
    return f"{config.APP}/{importlib.metadata.version(config.APP)}"


class _Trying(threading.local):
    """Whether this thread is within a try, so that no try is tried again within."""

    on = False


class _TryError(Exception):
    """One try failed: what stamina sees, and may log."""

    def __init__(self, fault: Fault, number: int) -> None:
        super().__init__(str(fault))
        self.fault, self.number = fault, number


@dataclass(kw_only=True, eq=False)
class Web:
    """One upstream's line out; may be used by several threads at once.

    Whatever is raised is a `SourceError`, and neither it nor what it was raised from holds a key.
    """

    source: str  # the upstream, as the catalogue calls it
    base_url: str = field(repr=False)  # may hold a password
    key: str | None = field(default=None, repr=False)
    takes_key: Literal["none", "optional", "required"] = "none"
    requests_per_minute: float = 60.0
    deadline: float = math.inf  # of `clock`; nothing outlives it
    offline: bool = False  # no socket is opened
    tries: int = 3
    connect_seconds: float = 10.0
    read_seconds: float = 30.0  # without a single byte
    answer_seconds: float = 90.0  # from the first byte that is awaited to the last
    max_wait_seconds: float = 120.0  # the longest `Retry-After` that is obeyed
    max_bytes: int = 100_000_000
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    now: Callable[[], dt.datetime] = field(default=lambda: dt.datetime.now(dt.UTC), repr=False)
    session: Session = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.key = (self.key or "").strip() or None
        if self.key and not is_sendable(self.key):
            raise UsageError(f"the key of {self.source} holds signs that no key has")
        self._turns = Turns(
            interval_seconds=60.0 / self.requests_per_minute,
            max_wait_seconds=self.max_wait_seconds,
            time_left=self.left,
            clock=self.clock,
            sleep=self.sleep,
        )
        self._trying = _Trying()
        self._answered = False
        self._down: Fault | None = None
        self._secrets = Secrets(self.key, urlsplit(self.base_url).password)
        limits = Limits(
            connect_seconds=self.connect_seconds,
            read_seconds=self.read_seconds,
            answer_seconds=self.answer_seconds,
            max_bytes=self.max_bytes,
            time_left=self.left,
        )
        line = Line(limits, turn=self.turn, secrets=Secrets(self.key))
        self.session = Session(line, user_agent(), self._persist)

    @classmethod
    def to(cls, upstream: Upstream, *, deadline: float = math.inf, **fields: Any) -> Self:
        """Return the line to an upstream of the catalogue, by the settings of this machine."""
        settings = config.settings()
        secret = settings.keys.get(upstream.id) if upstream.key != "none" else None
        key = secret.get_secret_value().strip() if secret else ""
        rate = upstream.requests_per_minute
        usual: dict[str, Any] = {
            "source": upstream.id,
            "base_url": settings.urls.get(upstream.id, upstream.url),
            "key": key,
            "takes_key": upstream.key,
            "requests_per_minute": (upstream.requests_per_minute_with_key or rate) if key else rate,
            "deadline": deadline,
        }
        return cls(**(usual | fields))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the sockets."""
        self.session.close()

    def left(self) -> float:
        """Return how many seconds of the budget are left."""
        return self.deadline - self.clock()

    def scrub(self, text: str) -> str:
        """Return a text without the key."""
        return self._secrets.scrub(text)

    def json(self, path: str, **question: Any) -> Any:
        """Ask and read the answer as JSON; arguments as of `content`."""
        return self._ask(path, lambda answer: _faults.read_json(self._unpacked(answer)), **question)

    def text(self, path: str, **question: Any) -> str:
        """Ask and read the answer as text; arguments as of `content`."""
        return self._ask(
            path,
            lambda answer: _faults.read_text(self._unpacked(answer), _charset(answer)),
            **question,
        )

    def content(
        self,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        method: str | None = None,
        what: str | None = None,
    ) -> bytes:
        """Ask and return the answer as it came.

        Parameters
        ----------
        path : below the base URL; or an absolute URL of the same host, such as of the next page
        params : the query
        json : the body, if there is one
        headers : where a key travels; one in the address is refused
        method : GET, or POST with a body, unless it is given
        what : what is asked for, as an error calls it; the path, unless it is given
        """
        return self._ask(
            path,
            lambda answer: bytes(answer.content),
            params=params,
            json=json,
            headers=headers,
            method=method,
            what=what,
        )

    def call(self, what: str, function: Callable[[], T]) -> T:
        """Return what a function of a client library returns, tried again if that may help.

        A client with its own line out, not with `session`, calls `turn` before each request, within
        the function, and keeps to `left` seconds.
        """
        self._may_ask(what)
        try:
            for attempt in stamina.retry_context(
                on=self._is_worth_another_try, attempts=self.tries, timeout=None
            ):
                with attempt:
                    return self._try(function, attempt.num)
        except _TryError as last:
            error = self._error(what, last.fault, last.number)
        except SourceError as ours:
            error = self._named(what, ours)
        raise error  # out here it drags no other along

    @contextmanager
    def asking(self, what: str) -> Iterator[None]:
        """Turn a client library's errors into ours.

        What it sends by `session` is tried again; one with its own line out needs `call` for that.
        """
        self._may_ask(what)
        try:
            yield
        except SourceError as ours:
            raise self._named(what, ours) from None
        except Exception as exc:
            fault = self._understand(exc)
            if fault is None:
                raise
            self._secrets.forget(exc)
            raise self._error(what, fault, 1) from None

    def turn(self) -> None:
        """Wait until the upstream may be asked again, and count the request."""
        if self.offline:
            raise UnavailableError(self.source, A_REQUEST, "offline")
        if (reason := self._turns.take()) is not None:
            raise RateLimitedError(self.source, A_REQUEST, reason)

    @property
    def requests(self) -> int:
        """Return how many were sent, redirects and further tries included."""
        return self._turns.count

    def _ask(
        self,
        path: str,
        read: Callable[[Response], T],
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        method: str | None = None,
        what: str | None = None,
    ) -> T:
        is_whole = path.startswith(("http://", "https://"))
        url = path if is_whole else f"{self.base_url.rstrip('/')}/{path.lstrip('/')}"
        what = what or (urlsplit(url).path if is_whole else path.split("?")[0]).strip("/")
        if self.session.is_elsewhere(self.base_url, url):
            host = urlsplit(url).hostname
            raise UnavailableError(self.source, self.scrub(what), f"{host} is another host")

        def ask() -> T:
            answer = self.session.request(
                method or ("GET" if json is None else "POST"),
                url,
                params=params,
                json=json,
                headers=headers,
            )
            if not answer.ok or answer.status_code >= 300:
                raise HTTPError(f"HTTP {answer.status_code}", response=answer)
            return read(answer)

        return self.call(what, ask)

    def _may_ask(self, what: str) -> None:
        what = self.scrub(what)
        if self.offline:
            raise UnavailableError(self.source, what, "offline")
        if self.takes_key == "required" and self.key is None:
            raise NeedsKeyError(self.source, what, f"set {self._variable()}")
        if self._down is not None:
            raise self._error(what, self._down, 0)

    def _variable(self) -> str:
        return f"RESEARCH_KEYS__{self.source.upper()}"

    def _try(self, function: Callable[[], T], number: int) -> T:
        was, self._trying.on = self._trying.on, True
        try:
            result = function()
        except Exception as exc:
            fault = self._understand(exc)
            if fault is None:
                raise
        else:
            self._answered = True
            return result
        finally:
            self._trying.on = was
        raise _TryError(fault, number)  # out here it drags no other along

    def _persist(self, send: Callable[[], Response]) -> Response:
        """Send what a client library sends by our session; what is final it may read itself."""
        if self._trying.on:
            return send()

        def ask() -> Response:
            answer = send()
            if answer.status_code in _faults.PASSING:
                raise HTTPError(f"HTTP {answer.status_code}", response=answer)
            return answer

        return self.call(A_REQUEST, ask)

    def _is_worth_another_try(self, exc: Exception) -> bool | float:
        """Decide for stamina; the wait itself is in `turn`, where it holds for every thread."""
        if not isinstance(exc, _TryError) or not exc.fault.is_passing:
            return False
        asked = exc.fault.wait_seconds
        wait = BACK_OFF_SECONDS * 2 ** (exc.number - 1) if asked is None else asked
        return 0.0 if self._turns.hold(wait) else False

    def _understand(self, exc: Exception) -> Fault | None:
        if isinstance(exc, ResearchError):
            return None  # is ours already
        return _faults.understand(exc, takes_key=self.takes_key != "none", now=self.now())

    def _error(self, what: str, fault: Fault, tries: int) -> SourceError:
        reason = fault.reason
        if fault.wait_seconds is not None:
            reason += f", asks to wait {fault.wait_seconds:.0f} s"
        if fault.kind is NeedsKeyError:
            reason += "; the key is not accepted" if self.key else f"; set {self._variable()}"
        if tries == 0:
            reason += ", not asked again"
        elif fault.is_passing and tries > 1:
            reason += f" after {tries} tries"
        if not fault.is_silence:
            self._answered = True
        elif not self._answered:
            self._down = fault  # each further question would wait as long for nothing
        return fault.kind(self.source, self.scrub(what), self.scrub(reason))

    def _named(self, what: str, error: SourceError) -> SourceError:
        self._secrets.forget(error)
        if error.what != A_REQUEST:
            return error
        return type(error)(self.source, self.scrub(what), error.reason)

    def _unpacked(self, answer: Response) -> bytes:
        content = _faults.unpack(answer.content, self.max_bytes)
        if content is None:
            raise TooLargeError(f"more than {self.max_bytes / 1e6:g} MB")
        return content


def _charset(answer: Response) -> str | None:
    is_declared = "charset" in answer.headers.get("Content-Type", "").lower()
    return answer.encoding if is_declared else None
