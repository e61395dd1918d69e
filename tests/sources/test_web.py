"""The policy of asking, against a server on this machine that misbehaves in every way we know."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import logging
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from research import catalogue, config
from research.errors import (
    NeedsKeyError,
    RateLimitedError,
    SchemaChangedError,
    SourceError,
    UnavailableError,
    UsageError,
)
from research.sources.web import Web, user_agent
from tests.sources.conftest import Hurried, MakeWeb

KEY = "CG-secret/key+1"
NOW = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)
PAGE = b"<!doctype html><html><head><title>Just a moment...</title></head></html>"
HOUR_SECONDS = 3600.0


def refused(ask: Callable[[], object]) -> SourceError:
    with pytest.raises(SourceError) as caught:
        ask()
    return caught.value


def everything_of(error: BaseException) -> str:
    """All that a traceback, a log or a debugger's eye could show of an error."""
    shown, todo = [], [error]
    while todo:
        each = todo.pop()
        shown += [str(each), repr(each), *traceback.format_exception(each)]
        todo += [e for e in (each.__cause__, each.__context__) if e is not None]
    return "\n".join(shown)


# ---------------------------------------------------------------- what is asked


def test_an_answer_is_returned_as_it_is_and_counted(httpserver: HTTPServer, web: MakeWeb) -> None:
    httpserver.expect_request("/v1/points", query_string="days=2").respond_with_json({"a": [1, 2]})
    line = web(base_path="/v1")
    assert line.json("points", params={"days": 2}) == {"a": [1, 2]}
    assert line.json("/points", params={"days": 2}) == {"a": [1, 2]}
    assert line.requests == 2


def test_a_name_with_a_colon_is_no_other_address(httpserver: HTTPServer, web: MakeWeb) -> None:
    httpserver.expect_request("/v1/coingecko:io").respond_with_json(1)
    assert web(base_path="/v1").json("coingecko:io?span=2") == 1


def test_an_empty_list_is_an_answer(httpserver: HTTPServer, web: MakeWeb) -> None:
    httpserver.expect_request("/").respond_with_json([])
    assert web().json("") == []


def test_we_say_who_we_are(httpserver: HTTPServer, web: MakeWeb) -> None:
    httpserver.expect_request("/a").respond_with_json(1)
    web().json("a")
    asked = httpserver.log[0][0]
    assert asked.headers["User-Agent"] == user_agent() == "gpu-depin-research/0.1.0"


def test_a_body_makes_it_a_post(httpserver: HTTPServer, web: MakeWeb) -> None:
    httpserver.expect_request("/q", method="POST", json={"x": 1}).respond_with_json(2)
    assert web().json("q", json={"x": 1}) == 2


def test_text_and_bytes_are_had_too(httpserver: HTTPServer, web: MakeWeb) -> None:
    httpserver.expect_request("/csv").respond_with_data("\ufeffday,é\n".encode(), 200)
    assert web().text("csv") == "day,é\n"
    assert web().content("csv") == "\ufeffday,é\n".encode()


def test_a_password_in_netrc_is_not_sent(
    httpserver: HTTPServer, web: MakeWeb, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine {httpserver.host} login me password of-mine\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    httpserver.expect_request("/a").respond_with_json(1)
    web().json("a")
    assert "Authorization" not in httpserver.log[0][0].headers


def test_a_proxy_of_the_machine_is_used(
    httpserver: HTTPServer, web: MakeWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", httpserver.url_for("/"))
    httpserver.expect_request("/a").respond_with_json("by proxy")
    assert web(base_url="http://upstream.invalid").json("a") == "by proxy"


# ---------------------------------------------------------------- what goes wrong, by name

FAULTS: dict[str, tuple[Response, type[SourceError], str, int]] = {
    "401": (Response("no", 401), UnavailableError, "HTTP 401: no", 1),
    "403": (Response(PAGE, 403), UnavailableError, "HTTP 403", 1),
    "404": (Response(PAGE, 404), UnavailableError, "HTTP 404", 1),
    "400": (
        Response(json.dumps({"error": {"message": "bad\x1b[31m\ndays " + "x" * 500}}), 400),
        UnavailableError,
        "HTTP 400: bad [31m days xxx",
        1,
    ),
    "429": (Response("slow down", 429), RateLimitedError, "HTTP 429 after 3 tries", 3),
    "429, 2 s": (
        Response("", 429, {"Retry-After": "2"}),
        RateLimitedError,
        "HTTP 429, asks to wait 2 s after 3 tries",
        3,
    ),
    "429, a day": (
        Response("", 429, {"Retry-After": "86400"}),
        RateLimitedError,
        "HTTP 429, asks to wait 86400 s",
        1,
    ),
    "429, no number": (
        Response("", 429, {"Retry-After": "soon"}),
        RateLimitedError,
        "HTTP 429 after 3 tries",
        3,
    ),
    "418": (Response("", 418), RateLimitedError, "HTTP 418", 1),
    "500": (Response("", 500), UnavailableError, "HTTP 500 after 3 tries", 3),
    "502": (Response(PAGE, 502), UnavailableError, "HTTP 502 after 3 tries", 3),
    "503, an hour": (
        Response("", 503, {"Retry-After": "3600"}),
        UnavailableError,
        "HTTP 503, asks to wait 3600 s",
        1,
    ),
    "HTML": (
        Response(PAGE, 200, content_type="application/json"),
        SchemaChangedError,
        "HTML page 'Just a moment...', not JSON",
        1,
    ),
    "words": (Response("gone fishing"), SchemaChangedError, "'gone fishing', not JSON", 1),
    "not UTF-8": (Response(b'{"a": "\xff"}'), SchemaChangedError, "not UTF-8", 1),
    "cut off": (
        Response('{"prices": [[1, 2.5], [2,'),
        UnavailableError,
        "JSON that is cut off after 3 tries",
        3,
    ),
    "cut off in a text": (
        Response('[{"name": "Aka'),
        UnavailableError,
        "JSON that is cut off after 3 tries",
        3,
    ),
    "no body": (Response(""), UnavailableError, "an empty answer after 3 tries", 3),
    "too deep": (Response("[" * 100_000 + "]" * 100_000), SchemaChangedError, "cannot be read", 1),
    "round and round": (
        Response("", 302, {"Location": "/fault"}),
        UnavailableError,
        "redirected without end",
        6,
    ),
    "elsewhere": (
        Response("", 301, {"Location": "https://elsewhere.example/x?key=1"}),
        UnavailableError,
        "a redirect to another host, elsewhere.example",
        1,
    ),
    "304": (Response("", 304), UnavailableError, "HTTP 304", 1),
    "bad gzip": (
        Response(b"not gzip", headers={"Content-Encoding": "gzip"}),
        UnavailableError,
        "an answer that cannot be unpacked after 3 tries",
        3,
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_has_a_name_and_a_bounded_number_of_tries(
    name: str, httpserver: HTTPServer, web: MakeWeb, clock: Hurried
) -> None:
    answer, expected, reason, asked = FAULTS[name]
    httpserver.expect_request("/fault").respond_with_response(answer)
    line = web("akash")
    error = refused(lambda: line.json("fault"))
    assert type(error) is expected
    assert reason in error.reason
    assert len(error.reason) < 200
    assert error.reason.isprintable()
    assert str(error).startswith(f"akash, fault: {expected.outcome} (")
    assert line.requests == len(httpserver.log) == asked
    assert sum(clock.slept) <= 5


@pytest.mark.parametrize("status", [401, 402, 403])
@pytest.mark.parametrize(
    ("key", "hint"), [(None, "set RESEARCH_KEYS__COINGECKO"), (KEY, "the key is not accepted")]
)
def test_a_refusal_by_an_upstream_with_keys_says_what_to_do(
    status: int, key: str | None, hint: str, httpserver: HTTPServer, web: MakeWeb
) -> None:
    httpserver.expect_request("/a").respond_with_json({"status": {"error_message": "x"}}, status)
    error = refused(lambda: web("coingecko", key=key, takes_key="optional").json("a"))
    assert type(error) is NeedsKeyError
    assert error.reason == f"HTTP {status}: x; {hint}"


def test_where_a_key_is_required_and_missing_nothing_is_asked(web: MakeWeb) -> None:
    line = web("dune", takes_key="required")
    error = refused(lambda: line.json("query"))
    assert str(error) == "dune, query: needs key (set RESEARCH_KEYS__DUNE)"
    assert line.requests == 0


def test_a_fault_that_passes_is_no_fault(
    httpserver: HTTPServer, web: MakeWeb, clock: Hurried
) -> None:
    for answer in (Response("", 503), Response('{"a":'), Response('{"a": 1}')):
        httpserver.expect_ordered_request("/a").respond_with_response(answer)
    assert web().json("a") == {"a": 1}
    assert sum(clock.slept) == pytest.approx(1 + 2, abs=0.1)


def test_gzip_that_nobody_announced_is_unpacked(httpserver: HTTPServer, web: MakeWeb) -> None:
    httpserver.expect_request("/a").respond_with_data(gzip.compress(b"[1]"))
    httpserver.expect_request("/b").respond_with_data(gzip.compress(b"[1]" * 1000)[:-9])
    httpserver.expect_request("/c").respond_with_data(gzip.compress(b" " * 2_000_000))
    assert web().json("a") == [1]
    assert "gzip that is cut off" in refused(lambda: web().json("b")).reason
    error = refused(lambda: web(max_bytes=1_000_000).json("c"))
    assert error.reason == "an answer of more than 1 MB"


def test_an_answer_without_end_is_not_read_to_its_end(httpserver: HTTPServer, web: MakeWeb) -> None:
    sent = []

    def endless() -> Iterator[bytes]:
        while True:
            sent.append(1)
            yield b" " * 100_000

    httpserver.expect_request("/a").respond_with_handler(lambda _: Response(endless()))
    error = refused(lambda: web(max_bytes=1_000_000).json("a"))
    assert error.reason == "an answer of more than 1 MB"
    assert len(sent) < 200


def test_a_body_shorter_than_announced_is_cut_off(web: MakeWeb) -> None:
    with Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n[1, 2]") as raw:
        line = web(base_url=raw.url)
        error = refused(lambda: line.json("a"))
    assert str(error) == "akash, a: unavailable (an answer that is cut off after 3 tries)"
    assert line.requests == 3


def test_what_is_no_http_is_a_broken_connection(web: MakeWeb) -> None:
    with Raw(b"220 mail.example ESMTP\r\n") as raw:
        error = refused(lambda: web(base_url=raw.url).json("a"))
    assert error.reason == "connection broken after 3 tries"


# ---------------------------------------------------------------- how long it waits


def test_a_wait_is_obeyed_in_seconds_and_as_a_date(
    httpserver: HTTPServer, web: MakeWeb, clock: Hurried
) -> None:
    for header in ("7", "Sun, 22 Nov 2026 12:00:40 GMT", "Sun, 22 Nov 2026 11:00:00 GMT"):
        answer = Response("", 429, {"Retry-After": header})
        httpserver.expect_ordered_request("/a").respond_with_response(answer)
    httpserver.expect_ordered_request("/a").respond_with_json("at last")
    assert web(tries=4, now=lambda: NOW).json("a") == "at last"
    assert clock.slept == [pytest.approx(7, abs=0.1), pytest.approx(40, abs=0.1)]


@pytest.mark.parametrize("header", ["inf", "9" * 400, "121", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_wait_beyond_the_bound_is_not_begun(
    header: str, httpserver: HTTPServer, web: MakeWeb, clock: Hurried
) -> None:
    httpserver.expect_request("/a").respond_with_data("", 429, {"Retry-After": header})
    assert type(refused(lambda: web().json("a"))) is RateLimitedError
    assert clock.slept == []


@pytest.mark.parametrize("header", ["nan", "-5", "", "tomorrow", "99 Foo 10000"])
def test_a_wait_that_makes_no_sense_is_as_none(
    header: str, httpserver: HTTPServer, web: MakeWeb, clock: Hurried
) -> None:
    httpserver.expect_request("/a").respond_with_data("", 429, {"Retry-After": header})
    assert "after 3 tries" in refused(lambda: web().json("a")).reason
    assert sum(clock.slept) < 5


def test_a_wait_beyond_the_budget_is_not_begun(
    httpserver: HTTPServer, web: MakeWeb, clock: Hurried
) -> None:
    httpserver.expect_request("/a").respond_with_data("", 429, {"Retry-After": "60"})
    error = refused(lambda: web(deadline=clock.monotonic() + 30).json("a"))
    assert error.reason == "HTTP 429, asks to wait 60 s"
    assert clock.slept == []


def test_who_is_told_to_wait_asks_nothing_else_meanwhile(
    httpserver: HTTPServer, web: MakeWeb
) -> None:
    httpserver.expect_request("/a").respond_with_data("", 429, {"Retry-After": "86400"})
    line = web()
    refused(lambda: line.json("a"))
    error = refused(lambda: line.json("b"))
    assert str(error) == "akash, b: rate limited (not to be asked for 86400 s)"
    assert line.requests == 1


def test_requests_keep_their_distance_whoever_sends_them(
    httpserver: HTTPServer, web: MakeWeb
) -> None:
    httpserver.expect_request("/a").respond_with_json(1)
    line = web(requests_per_minute=60 / 0.05, clock=time.monotonic, sleep=time.sleep)
    line.deadline = time.monotonic() + 30
    began = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: line.json("a"), range(8))) == [1] * 8
    assert 7 * 0.05 <= time.monotonic() - began < 5
    assert line.requests == 8


def test_a_turn_that_comes_too_late_is_not_awaited(
    httpserver: HTTPServer, web: MakeWeb, clock: Hurried
) -> None:
    httpserver.expect_request("/a").respond_with_json(1)
    line = web(requests_per_minute=1, deadline=clock.monotonic() + 30)
    assert line.json("a") == 1
    error = refused(lambda: line.json("a"))
    assert str(error) == "akash, a: rate limited (its turn is 60 s away)"
    assert clock.slept == []


def test_after_the_deadline_nothing_is_asked(web: MakeWeb, clock: Hurried) -> None:
    line = web(deadline=clock.monotonic() - 1)
    assert refused(lambda: line.json("a")).reason == "no time left"


@pytest.mark.parametrize(
    ("first", "drip"),
    [
        (b"", b""),
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\n", b"a"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b" "),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b" "),
    ],
    ids=["silent", "status line", "headers", "body", "chunks", "until closed"],
)
def test_a_server_that_drips_does_not_outlive_the_deadline(
    first: bytes, drip: bytes, web: MakeWeb
) -> None:
    with Raw(first, drip=drip) as raw:
        began = time.monotonic()
        line = web(base_url=raw.url, clock=time.monotonic, deadline=began + 0.6)
        error = refused(lambda: line.json("a"))
        assert 0.5 < time.monotonic() - began < 1.5
    assert type(error) is UnavailableError
    assert "no answer in time" in error.reason


def test_one_dripping_answer_does_not_eat_the_whole_budget(web: MakeWeb) -> None:
    with Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", drip=b" ") as raw:
        began = time.monotonic()
        line = web(base_url=raw.url, answer_seconds=0.3)
        error = refused(lambda: line.json("a"))
        assert time.monotonic() - began < 3
    assert error.reason == "no answer in time after 3 tries"


def test_a_name_server_that_hangs_does_not_outlive_the_time_limit(
    web: MakeWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = threading.Event()

    def hang(*_: object, **__: object) -> list[Any]:
        free.wait(10)
        raise socket.gaierror("no such host")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    began = time.monotonic()
    line = web(base_url="http://upstream.invalid", connect_seconds=0.2)
    error = refused(lambda: line.json("a"))
    free.set()
    assert time.monotonic() - began < 3
    assert error.reason == "no connection in time after 3 tries"


def test_an_upstream_that_never_answered_is_given_up(web: MakeWeb) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    line = web(base_url=f"http://127.0.0.1:{port}")
    first, second = (refused(lambda: line.json("a")) for _ in range(2))
    assert str(first) == "akash, a: unavailable (connection refused after 3 tries)"
    assert str(second) == "akash, a: unavailable (connection refused, not asked again)"
    assert line.requests == 3


def test_an_upstream_that_has_answered_is_asked_on(web: MakeWeb) -> None:
    def slow(_: Request) -> Response:
        time.sleep(0.4)
        return Response()

    with HTTPServer(threaded=True) as server:
        server.expect_request("/a").respond_with_json(1)
        server.expect_request("/slow").respond_with_handler(slow)
        line = web(base_url=server.url_for(""), read_seconds=0.2)
        assert line.json("a") == 1
        assert refused(lambda: line.json("slow")).reason == "no answer in time after 3 tries"
        assert line.json("a") == 1


def test_offline_opens_no_socket(web: MakeWeb, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", never)
    monkeypatch.setattr(socket, "getaddrinfo", never)
    line = web(offline=True)

    def by_session() -> None:
        with line.asking("a"):
            line.session.get(line.base_url)

    for ask in (lambda: line.json("a"), lambda: line.call("a", line.turn), by_session):
        error = refused(ask)
        assert str(error) == "akash, a: unavailable (offline)"
    assert line.requests == 0


# ---------------------------------------------------------------- keys and hosts


def echo(request: Request) -> Response:
    """Refuse and repeat what was sent: some upstreams do."""
    said = f"the key {request.headers.get('x-key')} of {request.url} is bad"
    return Response(said, int(request.args["status"]))


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 200])
def test_the_key_is_in_nothing_that_we_say(
    status: int, httpserver: HTTPServer, web: MakeWeb, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    httpserver.expect_request("/a").respond_with_handler(echo)
    line = web("coingecko", key=KEY)

    def by_client() -> None:
        with line.asking(f"coins?key={KEY}"):
            url = f"{line.base_url}a"
            line.session.headers["x-key"] = KEY
            line.session.get(url, params={"status": status}).raise_for_status()
            raise ValueError({"error": f"bad key {KEY}"})

    def by_us() -> None:
        line.json("a", params={"status": status}, headers={"x-key": KEY}, what=f"a {KEY}")

    for ask in (by_us, by_client):
        error = refused(ask)
        assert KEY not in everything_of(error)
        assert "***" in str(error)
    assert httpserver.log[0][0].headers["x-key"] == KEY
    logged = [str(vars(record)) for record in caplog.records if record.name != "werkzeug"]
    assert not [line for line in logged if KEY in line]
    assert KEY not in repr(line)


@pytest.mark.parametrize("key", [KEY, "CG-plain"])
def test_a_key_is_not_put_into_an_address(key: str, web: MakeWeb) -> None:
    line = web("coingecko", key=key)
    error = refused(lambda: line.json("a", params={"x_cg_demo_api_key": key}))
    assert error.reason == "a key was put into the address; it belongs into a header"
    assert key not in everything_of(error)
    assert line.requests == 0


@pytest.mark.parametrize("key", ["a\nb", "schlüssel", "two words"])
def test_a_key_that_no_header_can_hold_is_refused_unnamed(key: str, web: MakeWeb) -> None:
    with pytest.raises(UsageError, match="the key of coingecko") as caught:
        web("coingecko", key=key)
    assert key not in str(caught.value)


def test_the_space_around_a_key_is_not_part_of_it(web: MakeWeb) -> None:
    assert web(key=" k1\n").key == "k1"
    assert web(key=" ").key is None


def test_text_is_scrubbed_in_every_form_of_the_key(web: MakeWeb) -> None:
    line = web(key=KEY, base_url="http://me:pass-word@127.0.0.1:1")
    text = f"{KEY} CG-secret%2Fkey%2B1 CG-secret/key%2B1 pass-word"
    assert line.scrub(text) == "*** *** *** ***"


def test_a_redirect_within_the_host_is_followed_with_the_key(
    httpserver: HTTPServer, web: MakeWeb
) -> None:
    httpserver.expect_request("/old").respond_with_data("", 301, {"Location": "/new"})
    httpserver.expect_request("/new", headers={"x-key": "k"}).respond_with_json(1)
    line = web(key="k")
    assert line.json("old", headers={"x-key": "k"}) == 1
    assert line.requests == 2


def test_a_redirect_elsewhere_takes_the_key_nowhere(httpserver: HTTPServer, web: MakeWeb) -> None:
    with HTTPServer() as other:
        httpserver.expect_request("/a").respond_with_data(
            "", 307, {"Location": other.url_for("/b")}
        )
        refused(lambda: web(key="k").json("a", headers={"x-key": "k"}))
        assert other.log == []


def test_the_next_page_may_be_named_whole_if_it_is_of_the_same_host(
    httpserver: HTTPServer, web: MakeWeb
) -> None:
    httpserver.expect_request("/a", query_string="page=2").respond_with_json(2)
    assert web().json(httpserver.url_for("/a?page=2")) == 2
    error = refused(lambda: web().json("https://elsewhere.example/a"))
    assert error.reason == "elsewhere.example is another host"


def test_the_settings_of_the_machine_decide_address_and_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    upstream = catalogue.load().sources["coingecko"]
    monkeypatch.setenv("RESEARCH_URLS__COINGECKO", "http://127.0.0.1:1/api")
    monkeypatch.setenv("RESEARCH_KEYS__COINGECKO", "k")
    config.settings.cache_clear()
    try:
        with Web.to(upstream, deadline=5.0, offline=True) as line:
            assert (line.base_url, line.key) == ("http://127.0.0.1:1/api", "k")
            assert line.requests_per_minute == upstream.requests_per_minute_with_key
            assert (line.deadline, line.offline, line.takes_key) == (5.0, True, upstream.key)
        monkeypatch.delenv("RESEARCH_URLS__COINGECKO")
        monkeypatch.delenv("RESEARCH_KEYS__COINGECKO")
        config.settings.cache_clear()
        with Web.to(upstream) as line:
            assert (line.base_url, line.key) == (upstream.url, None)
            assert line.requests_per_minute == upstream.requests_per_minute
    finally:
        config.settings.cache_clear()


class Raw:
    """A server that sends `first`, then `drip` ten times a second, whatever it is asked."""

    def __init__(self, first: bytes, drip: bytes | None = None) -> None:
        self.first, self.drip = first, drip
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.over = threading.Event()

    def __enter__(self) -> Raw:
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()

    def serve(self) -> None:
        while not self.over.is_set():
            try:
                caller, _ = self.socket.accept()
            except OSError:
                return
            with caller:
                self.answer(caller)

    def answer(self, caller: socket.socket) -> None:
        try:
            caller.recv(65_536)
            caller.sendall(self.first)
            while self.drip is not None and not self.over.wait(0.1):
                caller.sendall(self.drip)
        except OSError:  # it has hung up
            return
