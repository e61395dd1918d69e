"""From the tree of TOML tables to checked dataclasses, each refusal with its file and line."""

from __future__ import annotations

import datetime as dt
import re
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import AfterValidator, TypeAdapter, ValidationError

from research.catalogue._across import Problem, Sections, across, listed
from research.catalogue._feeds import Upstream
from research.catalogue._hardware import Gpu, Tariff
from research.catalogue._toml import KeyPath, Tree
from research.catalogue._types import (
    Assumption,
    Event,
    Factor,
    Figure,
    Measure,
    Network,
    Sector,
    Within,
)
from research.catalogue._venues import RentalVenue, Risk, Stress
from research.errors import CatalogueError

SECTIONS: Mapping[str, type] = {
    "networks": Network,
    "factors": Factor,
    "sectors": Sector,
    "gpus": Gpu,
    "venues": RentalVenue,
    "sources": Upstream,
    "tariffs": Tariff,
    "events": Event,
    "risks": Risk,
    "stresses": Stress,
    "measures": Measure,
    "assumptions": Assumption,
}
_MAX_SHOWN = 10
_ID = "small letters, digits, - and _, beginning with a letter or digit"


def check(tree: Tree) -> Sections:
    """Return the checked entries of each section, or raise CatalogueError naming every line."""
    problems: list[Problem] = []
    sections: Sections = {section: {} for section in SECTIONS}
    for section, blocks in tree.data.items():
        if section not in SECTIONS:
            problems.append(Problem((section,), "unknown table", listed(SECTIONS)))
        elif not isinstance(blocks, dict):
            problems.append(Problem((section,), "not a table", f"[{section}.<id>] tables"))
        else:
            for key, block in blocks.items():
                entry = _entry(section, key, block, problems)
                if entry is not None:
                    sections[section][key] = entry
    if not problems:
        problems.extend(across(sections))
    if problems:
        raise CatalogueError(_report(tree, problems))
    return sections


def _entry(section: str, key: str, block: Any, problems: list[Problem]) -> Any:
    """Return one checked entry, or None after noting what is wrong with it."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", key):
        problems.append(Problem((section, key), "not an id", _ID))
        return None
    if not isinstance(block, dict):
        problems.append(Problem((section, key), "not a table", f"a [{section}.{key}] table"))
        return None
    if "id" in block:
        problems.append(Problem((section, key, "id"), "unknown key", "the id is the table's name"))
        return None
    content = {**block, "id": key}
    if section == "networks" and "symbol" in block:
        content.setdefault("tokens", [{"symbol": block["symbol"]}])
    if section == "networks" and block.get("status") == "listed":
        content.setdefault("required", ["price_usd"])
    try:
        return _adapter(section).validate_python(content)
    except ValidationError as error:
        kind = SECTIONS[section]
        for each in error.errors(include_url=False):
            location = tuple(part for part in each["loc"] if part != "[key]")
            reason, accepted = _explained(kind, location, each["type"], each["msg"], each["input"])
            problems.append(Problem((section, key, *location), reason, accepted))
        return None


@cache
def _adapter(section: str) -> TypeAdapter[Any]:
    return TypeAdapter(SECTIONS[section])


def _explained(
    kind: type, location: KeyPath, error: str, message: str, given: object
) -> tuple[str, str]:
    """Say in our words what is wrong and what would be right."""
    if error == "unexpected_keyword_argument":
        return "unknown key", _accepted(_type_at(kind, location[:-1]))
    accepted = _accepted(_type_at(kind, location))
    if error in {"missing", "missing_keyword_only_argument"}:
        return "missing", accepted
    if error == "value_error":
        return message.removeprefix("Value error, "), accepted
    shown = repr(given)
    return f"{shown if len(shown) <= 40 else shown[:37] + '...'} does not fit", accepted


def _type_at(kind: Any, location: KeyPath) -> Any:
    """Return the annotation that a value inside a dataclass has to meet."""
    for part in location:
        kind = _plain(kind)
        if is_dataclass(kind):
            kind = get_type_hints(kind, include_extras=True).get(str(part), kind)
        elif get_origin(kind) is tuple:
            kind = get_args(kind)[0]
        elif get_args(kind):
            kind = get_args(kind)[-1]  # the values of a mapping
    return kind


def _plain(kind: Any) -> Any:
    """Strip `Annotated` and `| None`."""
    while get_origin(kind) in {Annotated, Union, types.UnionType}:
        kind = get_args(kind)[0]
    return kind


def _accepted(kind: Any) -> str:
    """Describe what a type accepts, for a reader who has the TOML file open."""
    while get_origin(kind) in {Union, types.UnionType}:
        kind = get_args(kind)[0]
    bounds = [
        extra.func.accepted
        for extra in getattr(kind, "__metadata__", ())
        if isinstance(extra, AfterValidator) and isinstance(extra.func, Within)
    ]
    plain = _plain(kind)
    if get_origin(plain) is Literal:
        return ", ".join(get_args(plain))
    if get_origin(plain) is tuple:
        return f"an array of: {_accepted(get_args(plain)[0])}"
    if get_origin(plain) is not None:
        return f"a table of: {_accepted(get_args(plain)[-1])}"
    if is_dataclass(plain):
        names = [item.name for item in fields(plain) if item.name != "id"]
        what = f"{bounds[0]}, as " if bounds else ""
        return f"{what}{{ {', '.join(names)} }}" if plain is Figure else ", ".join(names)
    words = {
        str: "text",
        float: "a number",
        int: "a whole number",
        bool: "true or false",
        dt.date: "a date such as 2026-03-23",
    }
    return words.get(plain, "a value")


def _report(tree: Tree, problems: list[Problem]) -> str:
    """Return one line a problem, in the order of files and lines."""
    lines = []
    for problem in problems:
        path = problem.path
        number, line = tree.place(path)
        if problem.other and tree.place(problem.other)[0] > number:
            path = problem.other
            number, line = tree.place(path)
        where = f"{tree.files[number].name}:{line}: {'.'.join(map(str, path))}"
        text = f"{where}: {problem.reason}; accepted: {problem.accepted}"
        lines.append((number, line, text))
    texts = [text for _, _, text in sorted(lines)]
    more = len(texts) - _MAX_SHOWN
    return "\n".join(texts[:_MAX_SHOWN] + ([f"and {more} more"] if more > 0 else []))
