"""The catalogue as a manifest keeps it, so that what was assumed then can be assumed again.

The files are kept as text without comments, which change no number and are their author's own
affair. Some 130 kB of them pack into 30 kB of base64.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Mapping
from pathlib import Path

from research import catalogue

LARGEST = 20_000_000  # bytes, unpacked; a manifest may be anybody's
NAME = re.compile(r"(?:built-in|own)/[^/\\\0]+\.toml")
COMMENT = re.compile(  # or a string, which may hold the sign of a comment
    r'("""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*')"
    r"|\s*\#[^\n]*",
    re.DOTALL,
)


class UnreadableError(ValueError):
    """What a manifest keeps is no catalogue."""


def read() -> dict[str, str]:
    """Return the files of the catalogue in force, by name."""
    folders = {"built-in": catalogue.built_in_files(), "own": catalogue.own_files()}
    return {
        f"{folder}/{path.name}": _bare(path.read_text(encoding="utf-8", errors="replace"))
        for folder, paths in folders.items()
        for path in paths
    }


def _bare(text: str) -> str:
    return COMMENT.sub(lambda found: found[1] or "", text).strip()


def digest(files: Mapping[str, str]) -> str:
    """Return the SHA-256 of files and their names."""
    return hashlib.sha256(_joined(files)).hexdigest()


def pack(files: Mapping[str, str]) -> str:
    """Return files as base64, the same text for the same files."""
    return base64.b64encode(gzip.compress(_joined(files), mtime=0)).decode()


def _joined(files: Mapping[str, str]) -> bytes:
    return json.dumps(files, sort_keys=True, ensure_ascii=False).encode()


def unpack(packed: str) -> dict[str, str]:
    """Return the files that `pack` packed.

    Raises
    ------
    UnreadableError : if it is anything else
    """
    try:
        unzip = zlib.decompressobj(wbits=31)  # gzip's format
        text = unzip.decompress(base64.b64decode(packed, validate=True), LARGEST)
        files = json.loads(text)
        named = {name: content.encode() for name, content in files.items()}
    except (AttributeError, TypeError, ValueError, RecursionError, zlib.error) as error:
        raise UnreadableError("no catalogue is packed in it") from error
    if not all(NAME.fullmatch(name) for name in named):
        raise UnreadableError("a file of the catalogue has no name of one")
    return dict(files)


def write(files: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Write files into a new folder; return the settings under which a process reads them."""
    for name in ("built-in", "own", "cache"):
        (folder / name).mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    return {
        "RESEARCH_BUILT_IN": str(folder / "built-in"),
        "RESEARCH_CATALOGUE": str(folder / "own"),
        "RESEARCH_CACHE": str(folder / "cache"),  # the simulated market follows the catalogue
    }
