"""Makes what a notebook shows harmless: nothing of it runs, loads, submits or misleads the eye."""

from __future__ import annotations

import re
from typing import Any

from bs4 import BeautifulSoup

# Elements that load, run or submit something; a notebook's page has no use for any of them.
ACTIVE = ["script", "style", "link", "meta", "base", "iframe", "object", "embed", "form"]
ACTIVE += ["animate", "set"]  # of SVG: they can put an address into a link later
LOADING = {"src", "srcset", "poster", "background", "data", "action", "formaction", "ping"}
LINK = re.compile(r"(?:https?:|mailto:|#)", re.IGNORECASE)  # what a link may lead to

# Characters that no text needs: controls, halves of a pair (broken UTF-16), and the marks that
# turn the direction of all that follows, such as the rest of a sentence of ours.
UNREADABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
TAG = re.compile(r"<(?!br>|/?extra>)")  # Plotly reads the rest, such as links, as tags, too


def passive(source: str) -> BeautifulSoup:
    """Return HTML, well formed, without what would run, load or submit something."""
    soup = BeautifulSoup(source, "html.parser")
    for element in soup(ACTIVE):
        element.decompose()
    for element in soup(True):
        for name in list(element.attrs):
            value = str(element[name])
            loads = name in LOADING or (name.endswith("href") and element.name != "a")
            if (
                (loads and not value.startswith(("data:", "#")))
                or (name.endswith("href") and element.name == "a" and not LINK.match(value.strip()))
                or (name == "style" and "url(" in value)
                or name.startswith("on")
            ):
                del element[name]
    return soup


def readable(text: str) -> str:
    """Return a text with a sign (U+FFFD) in place of each character that is no text."""
    return UNREADABLE.sub("\ufffd", text)


def as_text(value: Any) -> Any:
    """Return a part of a figure whose strings Plotly will show as they are, but for line breaks."""
    if isinstance(value, str):
        return TAG.sub("&lt;", readable(value))
    if isinstance(value, dict):
        return {name: as_text(each) for name, each in value.items()}
    return [as_text(each) for each in value] if isinstance(value, list) else value
