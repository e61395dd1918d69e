"""Searches a page for what is nobody else's business, before anyone can read it.

Keys, the names of the machine and its user, and folders of this machine may reach a page through
an error's text, a table of one's own or an image's metadata. They are looked for in the page as
written, with its entities resolved, and inside what it packs as base64.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import html
import json
import re
import sys
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import quote, quote_plus

import research
from research.config import credentials, identity, settings
from research.errors import RenderError

SHORTEST_NAME = 4  # letters; shorter ones are parts of ordinary text
SHORTEST_KEY = 6  # characters; a shorter one is no secret, and found everywhere
COMMON = re.compile(  # names of machines and users that tell nothing
    "admin|administrator|builder|container|debian|default|desktop|docker|fedora|guest|jovyan|"
    "jupyter|laptop|localdomain|localhost|node|nobody|owner|public|root|runner|server|service|"
    "ubuntu|users?|vagrant|worker|workspace",
    re.IGNORECASE,
)
WRITTEN_BY_US = (".py", ".toml", ".css", ".js", ".j2")
PAPERMILL = re.compile(
    r"\b(?:injected-parameters|environment_variables|(?:in|out)put_path|papermill_[a-z_]+)\b"
    r"""|["']papermill["']\s*:\s*\{"""
)
PASSWORD = re.compile(r"://[^\s/@:]*:[^\s/@]+@")  # in an address
PACKED = re.compile(r"(?:;base64,|H4sI)[A-Za-z0-9+/]{24,}={0,2}")  # an image, or gzip


@dataclass(frozen=True)
class Private:
    """One thing that no page may tell."""

    kind: str  # as an error calls it
    pattern: re.Pattern[str]


@dataclass(frozen=True)
class Leak:
    """Where a page tells one; what it tells is not repeated."""

    kind: str
    line: int  # from 1
    heading: str  # the last one before it; empty if there is none, or if it leaks itself

    def __str__(self) -> str:
        after = f', after the heading "{self.heading}"' if self.heading else ""
        return f"{self.kind} in line {self.line}{after}"


def check(page: bytes, name: str, *, store: str | None = None) -> None:
    """Refuse a page, twin or manifest that tells what must stay on this machine.

    Parameters
    ----------
    page : what is to be published, UTF-8
    name : of the report, for the error
    store : where the observations are that it was made from, if not those of the settings

    Raises
    ------
    RenderError
        if anything private is found: its kind and place, never the thing itself
    """
    text = _without_our_script(page.decode())
    found = leaks(text, private(store))
    if found:
        raise RenderError(
            f"{name}: the page tells {'; '.join(map(str, found))}; nothing was published. Take it "
            "out of the notebook, the catalogue or the file it comes from"
        )


def leaks(text: str, things: Iterable[Private]) -> list[Leak]:
    """Return where `text` tells any of `things`, each kind once."""
    things = tuple(things)
    found: dict[str, Leak] = {}
    for read, packed_at in _readings(text):
        for thing in things:
            if thing.kind not in found and (match := thing.pattern.search(read)):
                at = match.start() if packed_at is None else packed_at
                whole = read if packed_at is None else text
                found[thing.kind] = Leak(
                    thing.kind, whole.count("\n", 0, at) + 1, _heading(whole[:at], things)
                )
    return list(found.values())


def private(store: str | None = None) -> tuple[Private, ...]:
    """Return what no page may tell on this machine, read anew each time."""
    hosts, users = identity()
    hosts = tuple(dict.fromkeys(part for host in hosts for part in (host, host.split(".")[0])))
    keys = [re.escape(form) for key in credentials() for form in _forms(key)]
    listed = [
        ("a key or password", keys, 0),
        ("the address of the store", _folders(settings().store, store), 0),
        ("the folder of the project", _folders(Path(str(research.__file__)).parents[1]), 0),
        ("a folder of the settings", _folders(settings().catalogue, settings().cache), 0),
        ("the home folder", _folders(Path.home()), 0),
        ("the folder of the Python environment", _environment(), 0),
        ("a temporary folder", _folders(tempfile.gettempdir()), 0),
        ("the host name", _names(hosts), re.IGNORECASE),
        ("the user name", _names(users), 0),
    ]
    made = [
        Private(kind, re.compile("|".join(patterns), flags))
        for kind, patterns, flags in listed
        if patterns
    ]
    return (*made, Private("papermill's metadata", PAPERMILL))


def secrets() -> tuple[str, ...]:
    """Return every key and password as a text may write it, the longest first."""
    return tuple(sorted({form for key in credentials() for form in _forms(key)}, key=len))[::-1]


def scrub(text: str, hidden: Iterable[str] | None = None) -> str:
    """Return `text` without any key or password, and without those of addresses.

    Parameters
    ----------
    hidden : what `secrets` returned, for many texts
    """
    for form in secrets() if hidden is None else hidden:
        text = text.replace(form, "***")
    return PASSWORD.sub("://***@", text)


def _forms(key: str) -> set[str]:
    """Return a key as a page may write it: plain, in an address, in JSON or within base64."""
    if len(key) < SHORTEST_KEY or key.casefold() in our_words():  # TOKEN=disabled
        return set()
    plain = {key, quote(key), quote(key, ""), quote_plus(key), json.dumps(key)[1:-1]}
    return plain | {_in_base64(key.encode(), before) for before in range(3)}


def _in_base64(key: bytes, before: int) -> str:
    """Return what every base64 text has in which `before` bytes, modulo 3, precede a key."""
    encoded = base64.b64encode(bytes(before) + key).decode().rstrip("=")
    shared = (before + len(key)) % 3 != 0  # its last letter depends on what comes next
    return encoded[(0, 2, 3)[before] : len(encoded) - shared]


def _folders(*folders: str | Path | None) -> list[str]:
    """Return patterns of absolute folders and addresses, whole: /tmp, and not /tmpl or a.com/tmp.

    A folder that is the root, or the word `sample`, has no pattern.
    """
    written: set[str] = set()
    for folder in (each for each in folders if each):
        if "://" in str(folder):
            written.add(str(folder).rstrip("/"))
        elif str(folder) != "sample":
            absolute = Path(folder).expanduser().absolute()
            places = {absolute, absolute.resolve()} - {Path(absolute.anchor)}
            written |= {text for place in places for text in (str(place), place.as_posix())}
    forms = (
        re.escape(form)
        for text in sorted(written)
        for form in sorted({text, json.dumps(text)[1:-1], quote(text)})
    )
    # what may not stand before it comes after it, as a search for plain text is ten times as fast
    return [rf"{form}(?<![\w.<-]{form})(?![\w-])" for form in forms]


def _environment() -> list[str]:
    """Return the pattern of a virtual environment; a system's own Python is everybody's."""
    return _folders(sys.prefix) if sys.prefix != sys.base_prefix else []


def _names(names: Iterable[str]) -> list[str]:
    """Return patterns of the names that would tell something, as whole words."""
    telling = [
        name
        for name in names
        if len(name) >= SHORTEST_NAME
        and not COMMON.fullmatch(name)
        and name.casefold() not in our_words()
    ]
    return [rf"(?<!\w){re.escape(name)}(?!\w)" for name in telling]


@cache
def our_words() -> frozenset[str]:
    """Return the words of our own files: a page that has one of them tells nothing by it.

    A user called Render or Akash would otherwise get no report at all.
    """
    folder = Path(str(research.__file__)).parent
    files = [path for path in folder.rglob("*") if path.suffix in WRITTEN_BY_US]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    return frozenset(re.findall(r"\w+", text.casefold()))


def _without_our_script(text: str) -> str:
    """Return a page without plotly.js, which is the same on every machine."""
    if 'id="plotly-js"' not in text:
        return text
    from research.report.html import plotly_js  # its imports are slow, and made by now

    return text.replace(plotly_js()[0], "")


def _readings(text: str) -> Iterator[tuple[str, int | None]]:
    """Yield what a reader can get out of a text, and where it is packed if it is."""
    yield text, None
    if "&" in text:
        yield html.unescape(text), None
    for match in PACKED.finditer(text):
        yield _unpacked(match[0].removeprefix(";base64,")), match.start()


def _unpacked(encoded: str) -> str:
    """Return what base64 holds, gunzipped if need be, one character a byte."""
    try:
        content = base64.b64decode(encoded + "=" * (-len(encoded) % 4))
        content = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    except (binascii.Error, OSError, EOFError, zlib.error):  # no base64, or cut short
        return ""
    return content.decode(errors="replace")


def _heading(before: str, things: tuple[Private, ...]) -> str:
    """Return the last heading of a text, unless it is private itself."""
    headings = re.findall(r"<h[1-6][^>]*>(.*?)</h[1-6]>", before, re.DOTALL)
    if not headings:
        return ""
    heading = " ".join(html.unescape(re.sub(r"<[^>]*>", "", headings[-1])).split())
    return "" if any(thing.pattern.search(heading) for thing in things) else heading[:80]
