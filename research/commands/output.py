"""How commands say what they do and found: progress on stderr, results on stdout."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import typer

if TYPE_CHECKING:
    import pandas as pd

WIDTH_OF_A_FILE = 160  # columns of a table that goes to a file or a pipe


@contextmanager
def working(title: str) -> Iterator[Callable[[str], None]]:
    """Show on a terminal what is being done; a file or a pipe is left alone."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.markup import escape

    with Console(stderr=True).status(escape(title)) as status:
        yield lambda text: status.update(escape(f"{title}: {text}"))


def progress(text: str) -> None:
    """Say on stderr what is being done or went wrong."""
    typer.echo(text, err=True)


def print_json(answer: dict[str, Any]) -> None:
    """Print results for machines."""

    def plain(value: Any) -> Any:
        if hasattr(value, "to_dict"):
            return value.to_dict("records")
        is_day = isinstance(value, dt.datetime) and value.tzinfo is None
        return (value.date() if is_day else value).isoformat()

    typer.echo(json.dumps(answer, default=plain, indent=2))


def print_table(frame: pd.DataFrame, title: str) -> None:
    """Print a table, if it has rows."""
    if frame.empty:
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for name in frame.columns:
        is_number = frame[name].dtype.kind in "if"
        justify: Literal["left", "right"] = "right" if is_number else "left"
        table.add_column(str(name).replace("_", " "), justify=justify, overflow="fold")
    for row in frame.itertuples(index=False):
        table.add_row(*(escape(_cell(value)) for value in row))
    Console(width=None if sys.stdout.isatty() else WIDTH_OF_A_FILE).print(table)


def print_rows(rows: Sequence[dict[str, object]], title: str) -> None:
    """Print rows, if there are any, as a table."""
    import pandas as pd

    print_table(pd.DataFrame(rows).astype(object), title)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%d}" if value.tzinfo is None else f"{value:%Y-%m-%d %H:%M}"
    return str(value)
