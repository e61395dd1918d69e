"""What a report's file is called: its notebook, and what of its parameters is not as usual."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from research.parameters import NO_VALUE

NAME_LIMIT = 140  # characters; file systems allow 255 bytes


def file_name(notebook: str, changed: Mapping[str, Any]) -> str:
    """Return the name of a report's file, which says what differs from what is usual.

    A value that cannot be spelled in a file name, or a name too long, is told apart by a hash.
    """
    texts = {name: written(value) for name, value in changed.items()}
    spelled = {  # of a store only the last folder, as the rest is the user's own affair
        name: _spelled(Path(text).name if name == "store" else text) for name, text in texts.items()
    }
    parts = [f"{name.replace('_', '-')}-{text}" for name, text in spelled.items()]
    full = "--".join([notebook, *parts])
    if spelled == texts and len(full) <= NAME_LIMIT:
        return f"{full}.html"
    digest = hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:10]
    return f"{full[: NAME_LIMIT - len(digest) - 2]}--{digest}.html"


def written(value: object) -> str:
    """Return a parameter's value as one would type it."""
    if value is None:
        return NO_VALUE
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%dT%H%M%SZ}"
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _spelled(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-.")
