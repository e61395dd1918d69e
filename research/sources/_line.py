"""The sockets: an adapter for requests that nothing holds longer than the time that is left."""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from http import client
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError

from research.sources._secrets import Secrets

Persist = Callable[[Callable[[], requests.Response]], requests.Response]

CHUNK_BYTES = 65_536
MAX_REDIRECTS = 5


class NoTimeLeftError(requests.Timeout):
    """The budget ended before the question could be asked."""


class ElsewhereError(requests.RequestException):
    """The answer is a redirect to another host; the text names that host."""


class TooLargeError(requests.RequestException):
    """The answer has more bytes than are read."""


class KeyInAddressError(requests.RequestException):
    """A key was about to travel in a URL, which proxies and servers write into their logs."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long, and how much, one request may take."""

    connect_seconds: float
    read_seconds: float  # without a single byte
    answer_seconds: float  # from the first byte that is awaited to the last
    max_bytes: int  # of an answer, unpacked
    time_left: Callable[[], float]  # seconds of the budget


class _Reads(io.RawIOBase):
    """What a socket receives, each wait cut to the time that is left."""

    def __init__(self, sock: socket.socket, time_left: Callable[[], float]) -> None:
        self._socket, self._time_left = sock, time_left
        self._patience = sock.gettimeout()  # None: for ever
        self._raw = sock.makefile("rb", buffering=0)  # keeps the socket open until it is closed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._time_left()
        if left <= 0:
            raise TimeoutError("timed out")
        self._socket.settimeout(left if self._patience is None else min(left, self._patience))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answer(client.HTTPResponse):
    """An answer of which the last byte, not only the next, has a time limit."""

    def __init__(self, sock: socket.socket, time_left: Callable[[], float], **rest: Any) -> None:
        self._reads = _Reads(sock, time_left)
        super().__init__(self, **rest)  # type: ignore[arg-type]  # it only asks for `makefile`

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self._reads, CHUNK_BYTES)


class _Connection(HTTPConnection):
    """A connection that neither a name server nor a list of dead addresses can hold."""

    limits: Limits

    def _new_conn(self) -> socket.socket:
        made: Future[socket.socket] = Future()

        def connect() -> None:
            try:
                made.set_result(HTTPConnection._new_conn(self))  # noqa: SLF001 - the base class's
            except Exception as refused:  # noqa: BLE001 - is raised again by `result`
                made.set_exception(refused)

        threading.Thread(target=connect, name="connect", daemon=True).start()
        try:
            return made.result(self.timeout)
        except TimeoutError:
            made.add_done_callback(_close)
            raise ConnectTimeoutError(self, "timed out") from None

    def response_class(  # type: ignore[override]  # http.client has a class here and calls it
        self, sock: socket.socket, debuglevel: int = 0, method: str | None = None
    ) -> client.HTTPResponse:
        ends = time.monotonic() + self.limits.answer_seconds

        def time_left() -> float:
            return min(self.limits.time_left(), ends - time.monotonic())

        return _Answer(sock, time_left, debuglevel=debuglevel, method=method)


def _close(late: Future[socket.socket]) -> None:
    with suppress(Exception):  # it failed after all: there is nothing to close
        late.result().close()


def _pools(limits_: Limits) -> Mapping[str, type[HTTPConnectionPool]]:
    class Plain(_Connection):
        limits = limits_

    class Secure(_Connection, HTTPSConnection):
        limits = limits_

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


class Line(HTTPAdapter):
    """Sends one request: in its turn, within the limits, read to its end, tried once."""

    def __init__(self, limits: Limits, *, turn: Callable[[], None], secrets: Secrets) -> None:
        self._limits, self._turn, self._secrets = limits, turn, secrets
        super().__init__()

    def init_poolmanager(self, *args: Any, **rest: Any) -> None:
        super().init_poolmanager(*args, **rest)
        self.poolmanager.pool_classes_by_scheme = _pools(self._limits)

    def proxy_manager_for(self, proxy: str, **rest: Any) -> PoolManager:
        manager: PoolManager = super().proxy_manager_for(proxy, **rest)
        if not proxy.lower().startswith("socks"):  # its connections are of their own kind
            manager.pool_classes_by_scheme = _pools(self._limits)  # type: ignore[assignment]
        return manager

    def send(  # type: ignore[override]  # what we decide ourselves is not looked at
        self, request: requests.PreparedRequest, **rest: Any
    ) -> requests.Response:
        if self._secrets.are_in(request.url or ""):
            raise KeyInAddressError("a key was put into the address; it belongs into a header")
        self._turn()
        if (left := self._limits.time_left()) <= 0:
            raise NoTimeLeftError("no time left")
        waits = (min(self._limits.connect_seconds, left), min(self._limits.read_seconds, left))
        answer = super().send(request, **{**rest, "stream": True, "timeout": waits})
        try:
            answer._content = self._read(answer)  # noqa: SLF001 - requests would read without end
        finally:
            answer.close()
        return answer

    def _read(self, answer: requests.Response) -> bytes:
        content = bytearray()
        for chunk in answer.iter_content(CHUNK_BYTES):
            content += chunk
            if len(content) > self._limits.max_bytes:
                raise TooLargeError(f"more than {self._limits.max_bytes / 1e6:g} MB")
        return bytes(content)


class _NoAuth(AuthBase):
    """Keeps requests from looking for a password in ~/.netrc."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class Session(requests.Session):
    """A session that uses the machine's proxies and certificates, but none of its passwords.

    It follows redirects within the host only, so that no key is carried to another one.
    """

    def __init__(self, line: Line, user_agent: str, persist: Persist) -> None:
        super().__init__()
        self._persist = persist
        self.headers["User-Agent"] = user_agent
        self.headers["Accept"] = "application/json, text/*;q=0.9, */*;q=0.8"
        self.auth = _NoAuth()
        self.max_redirects = MAX_REDIRECTS
        self.mount("https://", line)
        self.mount("http://", line)

    def request(self, *args: Any, **rest: Any) -> requests.Response:
        """Ask, with the tries that are ours to make."""
        return self._persist(lambda: super(Session, self).request(*args, **rest))

    def rebuild_auth(self, prepared_request: Any, response: requests.Response) -> None:
        """Leave the headers as they are: the host is the same."""

    def is_elsewhere(self, url: str, there: str) -> bool:
        """Say whether an address is of another host, port or, unless it is safer, scheme."""
        return bool(self.should_strip_auth(url, there))  # type: ignore[no-untyped-call]

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        target: str | None = super().get_redirect_target(resp)
        if target is not None:
            there = urljoin(resp.url, target)
            if self.is_elsewhere(resp.url, there):
                raise ElsewhereError(urlsplit(there).hostname or "nowhere")
        return target
