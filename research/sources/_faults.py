"""What went wrong, in our words: the errors and answers of every client as one of `SourceError`."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Any

from research.errors import (
    EmptyError,
    NeedsKeyError,
    RateLimitedError,
    ResearchError,
    SchemaChangedError,
    SourceError,
    UnavailableError,
)

PASSING = frozenset({408, 429, 500, 502, 503, 504})  # status that the next try may not meet
SHORT = 160  # characters of what an upstream says that are worth repeating
GZIP = b"\x1f\x8b"


class NotUnderstoodError(ValueError):
    """An answer that is something else; the text names what."""


class CutOffError(ValueError):
    """An answer that ends too early."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What one try met."""

    kind: type[SourceError]
    reason: str
    is_passing: bool = False  # the next try may not meet it
    is_silence: bool = False  # the upstream itself has said nothing
    wait_seconds: float | None = None  # the upstream asks to wait so long

    def __str__(self) -> str:
        return f"{self.kind.outcome} ({self.reason})"


# By name of class, of requests, urllib3, http.client, curl_cffi and yfinance alike: none of them
# need be imported for that. {} is what the error says.
FINAL: Mapping[str, Fault] = {  # whatever else hangs at it
    name: Fault(kind=kind, reason=reason)
    for name, kind, reason in (
        ("NoTimeLeftError", UnavailableError, "no time left"),
        ("ElsewhereError", UnavailableError, "a redirect to another host, {}"),
        ("TooLargeError", UnavailableError, "an answer of {}"),
        ("KeyInAddressError", UnavailableError, "{}"),
        ("TooManyRedirects", UnavailableError, "redirected without end"),
        ("YFRateLimitError", RateLimitedError, "HTTP 429"),
        ("YFTickerMissingError", EmptyError, "no such symbol, or no prices"),
        ("YFException", UnavailableError, "{}"),
        ("NotUnderstoodError", SchemaChangedError, "{}"),
    )
} | {"CutOffError": Fault(kind=UnavailableError, reason="{}", is_passing=True)}
TRANSPORT: Mapping[str, Fault] = {  # the first that is found, however deep, says it best
    name: Fault(kind=UnavailableError, reason=reason, is_passing=is_passing, is_silence=is_silence)
    for name, reason, is_passing, is_silence in (
        ("SSLError", "no secure connection", False, True),
        ("NameResolutionError", "host not found", True, True),
        ("DNSError", "host not found", True, True),
        ("gaierror", "host not found", True, True),
        ("ProxyError", "the proxy cannot be reached", True, True),
        ("ConnectionRefusedError", "connection refused", True, True),
        ("NewConnectionError", "no connection", True, True),
        ("ConnectTimeout", "no connection in time", True, True),
        ("ConnectTimeoutError", "no connection in time", True, True),
        ("ReadTimeoutError", "no answer in time", True, True),
        ("Timeout", "no answer in time", True, True),
        ("TimeoutError", "no answer in time", True, True),
        ("ContentDecodingError", "an answer that cannot be unpacked", True, False),
        ("ChunkedEncodingError", "an answer that is cut off", True, False),
        ("IncompleteRead", "an answer that is cut off", True, False),
        ("ConnectionError", "connection broken", True, True),
        ("HTTPException", "connection broken", True, True),
        ("RequestException", "{}", False, False),
        ("CurlError", "{}", True, True),
        ("OSError", "{}", True, True),
    )
}
NOT_UNDERSTOOD = (ValueError, LookupError, TypeError, AttributeError)  # a client's, of its answer


def understand(exc: Exception, *, takes_key: bool, now: dt.datetime) -> Fault | None:
    """Say what an error of a client means; None if it is none of theirs."""
    if isinstance(exc, json.JSONDecodeError):
        exc = not_json(exc.doc, exc.pos)
    elif isinstance(exc, UnicodeDecodeError):
        exc = NotUnderstoodError("a text that is not UTF-8")
    for name in _names(exc):
        if name in FINAL:
            return _saying(FINAL[name], exc)
    if (response := response_of(exc)) is not None:
        return read_status(response, takes_key=takes_key, now=now)
    names = {name for each in _inside(exc) for name in _names(each)}
    for name, fault in TRANSPORT.items():
        if name in names:
            return _saying(fault, exc)
    if isinstance(exc, NOT_UNDERSTOOD):
        said = shorten(told(exc.args[0]) if exc.args else "") or "no words"
        return Fault(kind=SchemaChangedError, reason=f"{type(exc).__name__}: {said}")
    return None


def _names(exc: BaseException) -> list[str]:
    return [cls.__name__ for cls in type(exc).__mro__]


def _saying(fault: Fault, exc: BaseException) -> Fault:
    return replace(fault, reason=fault.reason.format(shorten(str(exc)) or type(exc).__name__))


def _inside(exc: BaseException) -> Iterator[BaseException]:
    """Go through an error and those it wraps: requests wraps three deep, in `args` and `reason`."""
    todo, seen = [exc], set[int]()
    while todo and len(seen) < 20:
        each = todo.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        if not isinstance(each, ResearchError):  # what that was about is told, and over
            inner = (*each.args, getattr(each, "reason", None), each.__cause__, each.__context__)
            todo += [error for error in inner if isinstance(error, BaseException)]


def response_of(exc: BaseException) -> Any | None:
    """Return the answer an error carries: pycoingecko's hangs at the error it was raised from.

    An answer of 4xx or 5xx is false, hence the comparison with None.
    """
    for each in (exc, exc.__cause__, exc.__context__):
        response = getattr(each, "response", None)
        status = getattr(response, "status_code", None)
        if isinstance(status, int) and status >= 300:
            return response
    return None


def read_status(response: Any, *, takes_key: bool, now: dt.datetime) -> Fault:
    """Say what an answer that is none means, of requests or curl_cffi."""
    status: int = response.status_code
    reason = f"HTTP {status}"
    said = said_by(response.content, SHORT)
    wait = retry_after_seconds(response.headers.get("Retry-After"), now)
    if status in (401, 402, 403) and takes_key:
        return Fault(kind=NeedsKeyError, reason=_join(reason, said))
    if status in (418, 429):  # 418 is what Binance says to whom it has banned
        is_passing = status in PASSING
        return Fault(kind=RateLimitedError, reason=reason, is_passing=is_passing, wait_seconds=wait)
    if status in PASSING:
        return Fault(kind=UnavailableError, reason=reason, is_passing=True, wait_seconds=wait)
    if status in (404, 410):
        return Fault(kind=UnavailableError, reason=reason)
    return Fault(kind=UnavailableError, reason=_join(reason, said))


def _join(reason: str, said: str) -> str:
    return f"{reason}: {said}" if said else reason


def retry_after_seconds(header: str | None, now: dt.datetime) -> float | None:
    """Read a `Retry-After`, seconds or an HTTP date; None if it is neither."""
    text = (header or "").strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            until = parsedate_to_datetime(text)
        except (ValueError, TypeError, OverflowError):
            return None
        if until.tzinfo is None:
            until = until.replace(tzinfo=dt.UTC)
        return max((until - now).total_seconds(), 0.0)
    return None if math.isnan(seconds) or seconds < 0 else seconds


def said_by(content: bytes, length: int) -> str:
    """Return the message in the body of a refusal, if there is one for people to read."""
    text = content[:100_000].decode("utf-8", "replace").strip()
    if text.startswith("<"):
        return ""
    try:
        return shorten(told(json.loads(text)), length)
    except (ValueError, RecursionError):
        return shorten(text, length)


def told(answer: object) -> str:
    """Find the message in an error object, whatever its shape."""
    for _ in range(5):
        if isinstance(answer, Mapping):
            names = ("error_message", "message", "detail", "msg", "error", "errors", "status")
            answer = next((answer[name] for name in names if answer.get(name)), "")
        elif isinstance(answer, list | tuple):
            answer = answer[0] if answer else ""
        else:
            break
    return str(answer)


def shorten(text: str, length: int = SHORT) -> str:
    """Make one line of printable signs of what a stranger wrote."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def read_json(content: bytes) -> Any:
    """Read an answer as JSON, whatever it calls itself.

    Raises
    ------
    CutOffError
        It is empty or ends too early.
    NotUnderstoodError
        It is something else.
    """
    try:
        return json.loads(content)  # finds out by itself whether it is UTF-8, -16 or -32
    except json.JSONDecodeError as refused:
        error: ValueError = not_json(refused.doc, refused.pos)
    except UnicodeDecodeError:
        error = NotUnderstoodError("a text that is not UTF-8")
    except (ValueError, RecursionError) as refused:
        error = NotUnderstoodError(f"JSON that cannot be read: {shorten(str(refused), 60)}")
    raise error


def read_text(content: bytes, charset: str | None) -> str:
    """Read an answer as text, in UTF-8 unless it says otherwise."""
    try:
        return content.decode(charset or "utf-8").removeprefix("\ufeff")
    except (LookupError, UnicodeDecodeError):
        raise NotUnderstoodError(f"a text that is not {shorten(charset or 'UTF-8', 20)}") from None


def not_json(document: str, position: int) -> ValueError:
    """Name what came instead of JSON, where it stopped being that at `position`."""
    text = document.strip("\ufeff \t\r\n\0")
    if not text:
        return CutOffError("an empty answer")
    if text.startswith("<"):
        title = re.search(r"<title[^>]*>(.*?)</title", text[:10_000], re.IGNORECASE | re.DOTALL)
        named = f" {shorten(title[1], 60)!r}" if title else ""
        is_xml = text.startswith("<?xml") and "<html" not in text[:1000].lower()
        return NotUnderstoodError("XML, not JSON" if is_xml else f"HTML page{named}, not JSON")
    closing = {"{": "}", "[": "]"}.get(text[0])
    if closing and (text[-1] != closing or position >= len(document.rstrip())):
        return CutOffError("JSON that is cut off")
    return NotUnderstoodError(f"{shorten(text, 40)!r}, not JSON")


def unpack(content: bytes, max_bytes: int) -> bytes | None:
    """Undo gzip that was sent without being called so; None if that is more than `max_bytes`."""
    if not content.startswith(GZIP):
        return content
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        unpacked = unpacker.decompress(content, max_bytes + 1)
    except zlib.error:
        raise NotUnderstoodError("gzip that cannot be unpacked") from None
    if len(unpacked) > max_bytes:
        return None
    if not unpacker.eof:
        raise CutOffError("gzip that is cut off")
    return unpacked
