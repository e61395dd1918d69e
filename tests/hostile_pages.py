"""A catalogue in which every free text is a string of choice, and pages made with it."""

from __future__ import annotations

import itertools
import json
import re
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from research import catalogue
from research.config import settings
from research.report import render

FREE = {  # fields of the catalogue that hold any text; the others name something or are chosen
    *("name", "symbol", "source", "summary", "place", "note", "chain", "primary_use"),
    *("terms", "attribution", "meaning", "definition"),
}
KEPT = {"symbol": {"factors"}, "source": {"feeds"}}  # where such a field names something after all
BUILT_IN = Path(str(catalogue.__file__)).parent


def write_catalogue(folder: Path, texts: Sequence[str]) -> Path:
    """Write a catalogue of one's own in which every free text is one of `texts`; return its folder.

    It has all entries of the built-in one, and of each text a risk of Akash and an event of it.
    """
    folder.mkdir(parents=True)
    turns = itertools.cycle(texts)
    names = (f"{text} {again}".strip() for again in ("", *range(2, 99)) for text in texts)
    for path in sorted(BUILT_IN.glob("*.toml")):
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        lines = []
        for section, entries in tables.items():
            for key, entry in entries.items():
                changed = _changed(entry, (section,), turns, names)
                lines += [f"[{section}.{key}]"]
                lines += [f"{_key(name)} = {_toml(value)}" for name, value in changed.items()]
        (folder / path.name).write_text("\n".join(lines), encoding="utf-8")
    (folder / "z-of-akash.toml").write_text("\n".join(_of_akash(texts)), encoding="utf-8")
    return folder


def _changed(
    entry: dict[str, Any], path: tuple[str, ...], turns: Iterator[str], names: Iterator[str]
) -> dict[str, Any]:
    """Return a table with other texts; names and symbols are used once, as they must be."""
    symbol = (
        {entry["symbol"]: next(names)} if _is_free("symbol", path) and "tokens" in entry else {}
    )

    def other(key: str, value: Any) -> Any:
        if isinstance(value, dict):
            return _changed(value, (*path, key), turns, names)
        if isinstance(value, list):
            return [other(key, each) for each in value]
        if not isinstance(value, str) or not _is_free(key, path):
            return value
        if value in symbol:
            return symbol[value]
        return next(names) if key in ("name", "symbol") else next(turns)

    return {
        key: [x | {"symbol": symbol.get(x["symbol"], x["symbol"])} for x in value]
        if key == "tokens"
        else other(key, value)
        for key, value in entry.items()
    }


def _is_free(key: str, path: tuple[str, ...]) -> bool:
    return key in FREE and not KEPT.get(key, set()) & set(path) and "identifiers" not in path


def _of_akash(texts: Sequence[str]) -> Iterator[str]:
    for at, text in enumerate(texts):
        common = [f"summary = {_toml(text)}", f"source = {_toml(text)}", 'grade = "B"']
        yield from [f"[risks.hostile-{at}]", 'subject = "akash"', 'kind = "no-sla"', *common]
        yield "date = 2025-01-01"
        yield from [f"[events.hostile-{at}]", 'subject = "akash"', 'kind = "listing"', *common]
        yield from ["regime = false", "date = 2009-01-03", "published = 2025-01-01"]


def _key(name: str) -> str:
    return name if re.fullmatch(r"[\w-]+", name) else _toml(name)


def _toml(value: Any) -> str:
    """Return a value as TOML writes it, on one line."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, dict):
        inner = ", ".join(f"{_key(name)} = {_toml(each)}" for name, each in value.items())
        return f"{{ {inner} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


@contextmanager
def settings_with(**environment: str) -> Iterator[None]:
    """Let the settings of this process, and of kernels it starts, be others for a while."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        settings.cache_clear()
        try:
            yield
        finally:
            patch.undo()
            settings.cache_clear()


def render_page(notebook: str, texts: Sequence[str], folder: Path) -> Path:
    """Return the page of a notebook of ours, made with a catalogue in which all is of `texts`."""
    quick = {"token-or-hardware": {"paths": "500", "horizon_months": "12"}}.get(notebook, {})
    own = write_catalogue(folder / "catalogue", texts)
    with settings_with(RESEARCH_CATALOGUE=str(own)):
        return render.report(notebook, quick, store="sample", out=folder / "out")
