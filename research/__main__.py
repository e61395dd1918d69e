"""The `research` command: reads arguments, calls one function each.

Progress and errors go to stderr, results to stdout. Exit codes: 0 done, 1 failed, 2 wrong usage, 3
done, but a gate of quality failed.
What a command needs is imported by the command, so that `research --help` is quick.
"""

from __future__ import annotations

from typing import Any

import typer

from research.commands import data, reports
from research.errors import ResearchError


class Explaining(typer.core.TyperGroup):
    """Commands that answer an error of ours with its text and its exit code, not a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except ResearchError as error:
            typer.echo(f"research: {error}", err=True)
            raise typer.Exit(error.exit_code) from error


app = typer.Typer(
    cls=Explaining,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # `--help` is quicker, and keeps paragraphs whole
    help="Measure whether to hold a GPU network's token or rent a GPU out on it.",
)


@app.callback()
def main() -> None:
    """Measure whether to hold a GPU network's token or rent a GPU out on it."""


app.command("import")(data.import_)
app.command()(data.update)
app.command()(data.status)
app.command()(reports.run)
app.command()(reports.report)
app.command()(reports.rebuild)
app.command()(reports.site)


if __name__ == "__main__":
    app()
