"""Options that several commands take, and what their texts mean."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from research.errors import UsageError

RENDERED = "reports/rendered"
SCHEDULE = Path("reports/schedule.toml")
FAILED_GATE = 3  # exit code

StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="FOLDER",
        show_default="RESEARCH_STORE, or a folder of yours",
        help="The store: a folder, an object store's address, or `sample`, the simulated market.",
    ),
]
OutOption = Annotated[
    str,
    typer.Option(
        "--out",
        metavar="FOLDER",
        help="Where the reports go: a folder, or an address such as s3://bucket/reports.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
AsOfOption = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        show_default="now",
        help="Leave out what was not known by then, such as 2026-03-19T12:00; UTC, and a day "
        "alone means its 00:00.",
    ),
]


def pairs_of(texts: list[str]) -> dict[str, str]:
    """Return the values of texts such as `name=value`, by name."""
    pairs: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or name in pairs:
            reason = "given twice" if equals else "write NAME=VALUE"
            raise UsageError(f"-p {text}: {reason}")
        pairs[name] = value
    return pairs


def location_of(store: str | None) -> str:
    """Return where the store is: as given, else as the settings say."""
    if store is not None:
        return store
    from research.config import settings

    return settings().store


def instant_of(text: str | None) -> dt.datetime | None:
    """Return the instant that a text names, UTC if it names no zone; None for now."""
    if text is None:
        return None
    try:
        instant = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"--as-of {text!r}: write a UTC time such as 2026-03-19T12:00; a day alone is its 00:00"
        ) from error
    return instant.replace(tzinfo=instant.tzinfo or dt.UTC)
