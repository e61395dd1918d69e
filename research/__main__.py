"""The `research` command: reads arguments, calls one function each.

Progress and errors go to stderr, results to stdout. Exit codes: 0 done, 1 failed, 2 wrong usage, 3
done, but a gate of quality failed.
What a command needs is imported by the command, so that `research --help` is quick.
"""

from __future__ import annotations

import datetime as dt
import json
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from research.errors import ResearchError, StoreError, UsageError

if TYPE_CHECKING:
    import pandas as pd

WIDTH_OF_A_FILE = 160  # columns of a table that goes to a file or a pipe
REVISIONS_SHOWN = 20
FAILED_GATE = 3  # exit code
RENDERED = "reports/rendered"
SCHEDULE = Path("reports/schedule.toml")


class Explaining(typer.core.TyperGroup):
    """Commands that answer an error of ours with its text and its exit code, not a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except ResearchError as error:
            typer.echo(f"research: {error}", err=True)
            raise typer.Exit(error.exit_code) from error


class Stamp(StrEnum):
    """What the label of a day means."""

    OPEN = "open"
    CLOSE = "close"


app = typer.Typer(
    cls=Explaining,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # `--help` is quicker, and keeps paragraphs whole
    help="Measure whether to hold a GPU network's token or rent a GPU out on it.",
)

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


@app.callback()
def main() -> None:
    """Measure whether to hold a GPU network's token or rent a GPU out on it."""


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", show_default=False)],
    measure: Annotated[
        str | None,
        typer.Option(help="What the values are, such as `price_usd`; not for tidy files."),
    ] = None,
    subject: Annotated[
        str | None, typer.Option(help="Whom the file is about, if one column holds its values.")
    ] = None,
    column: Annotated[
        str | None, typer.Option(help="That column, such as `close`; only with --subject.")
    ] = None,
    stamp: Annotated[
        Stamp,
        typer.Option(
            help="What a day's label means. `close`: the value at the end of that day, 24:00 UTC. "
            "`open`: the value at 00:00 UTC of that day, as CoinGecko stamps it; that is the close "
            "of the day before, and is stored there."
        ),
    ] = Stamp.CLOSE,
    known_at: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            show_default="now",
            help="Since when the values have been known, as you can vouch for: a day (its end), "
            "an instant (UTC), or `day-end`: each when its own day was over. Forecasts are judged "
            "by it.",
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            show_default="the file's name",
            help="Who says so. Files of one source continue and revise each other; a series "
            "is never mixed from two.",
        ),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            show_default="vendor for prices, else self-reported",
            help="What the values are worth: on-chain, vendor, derived, self-reported, assumed or "
            "simulated.",
        ),
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put one's own CSV or Parquet files into the store.

    Wide files have a column `date` and then one column a token or subject (AKT, render, rtx-4090);
    say of what with --measure. Tidy files have the columns date, subject, measure, value and, if
    wanted, unit, kind, source, known_at, period_days; what a row leaves empty, the options say.
    Any other file with a column `date`: name its --subject, --measure and --column.

    Days are written 2024-12-31, numbers with a point and without separators, fractions as 0.6, not
    60. An empty cell is a gap and stays one. All files are checked before anything is stored; if
    one row is wrong, nothing is, and the rows are named.
    """
    from research import catalogue, load
    from research.sources.files import Reading, read_files
    from research.store import Store

    location = _location(store)
    if location == load.SAMPLE:
        raise UsageError("the simulated market cannot be added to; name a folder with --store")
    reading = Reading(
        measure=measure,
        subject=subject,
        column=column,
        stamp=stamp.value,
        known_at=known_at or "",
        source=source or "",
        kind=kind or "",
    )
    _progress(f"checking {len(files)} file{'s' * (len(files) > 1)}")
    now = dt.datetime.now(dt.UTC)
    checked = read_files(files, reading, catalogue=catalogue.load(), now=now)
    _progress(f"storing {len(checked.observations)} observations in {location}")
    appended = Store(location).append(checked.observations, stored_at=now)
    spans = checked.observations.groupby(["series", "source"])["date"].agg(["count", "min", "max"])
    spans = spans.set_axis(["rows", "first", "last"], axis=1).reset_index()
    spans["blank"] = spans["series"].map(checked.blanks)
    answer: dict[str, Any] = {
        "store": location,
        "new": appended.new,
        "unchanged": appended.unchanged,
        "blank": sum(checked.blanks.values()),
        "revised": appended.revised,
        "outdated": appended.outdated,
        "series": spans,
    }
    if as_json:
        _print_json(answer)
        return
    _print_table(spans, f"Imported into {location}")
    _print_table(appended.revised.head(REVISIONS_SHOWN), "Revised: known differently before")
    _print_table(
        appended.outdated.head(REVISIONS_SHOWN), "Older than what is held, which is read on"
    )
    typer.echo(
        f"{appended.new} new, {appended.unchanged} unchanged, {len(appended.revised)} revised, "
        f"{answer['blank']} blank"
    )
    for column_ in load.series(spans["series"].unique().tolist(), store=location).provenance:
        if column_.other_sources:
            _progress(
                f"{column_.series} is read from {column_.source}; also held, and not mixed in: "
                f"{', '.join(column_.other_sources)}"
            )


@app.command()
def update(
    subjects: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SUBJECT",
            show_default="all",
            help="Networks, factors or cards, such as `akash`, `AKT`, `btc` or `rtx-4090`.",
        ),
    ] = None,
    store: StoreOption = None,
    budget: Annotated[
        float, typer.Option(metavar="SECONDS", help="Wait for nothing longer than this in all.")
    ] = 300.0,
    offline: Annotated[
        bool, typer.Option("--offline", help="Open no socket; say what is wanting.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Ask the sources for what the store lacks, and store it.

    Only what is missing is asked for, and what a source may have rewritten since. A source that
    fails is named and the others go on; the next source of a series is asked in its place. Exits
    with 3 if a required series is missing from the store or older than 3 days.
    """
    from dataclasses import asdict

    import pandas as pd

    from research.update import update as run

    done = run(
        subjects or (),
        store=_location(store),
        budget_seconds=budget,
        offline=offline,
        tell=_progress,
    )
    if as_json:
        refused = done.refused.astype(object)
        _print_json(
            {
                "store": done.store,
                "seconds": round(done.seconds, 1),
                "asked": [asdict(row) for row in done.asked],
                "revised": done.revised,
                "refused": refused.where(refused.notna(), None),
                "wanting": [asdict(each) for each in done.wanting],
            }
        )
    else:
        rows = [
            {name: "" if value is None else value for name, value in asdict(row).items()}
            for row in done.asked
        ]
        table = pd.DataFrame(rows).drop(columns=["unchanged", "requests"])
        _print_table(table, f"Asked for {done.store}")
        _print_table(done.refused.head(REVISIONS_SHOWN), "Refused: cannot be true")
        _print_table(done.revised.head(REVISIONS_SHOWN), "Revised: known differently before")
        counts = [
            f"{sum(getattr(row, name) for row in done.asked)} {name}"
            for name in ("new", "revised", "unchanged", "refused", "requests")
        ]
        typer.echo(f"{', '.join(counts)} in {done.seconds:.1f} s")
    for each in done.wanting:
        _progress(f"research: {each}")
    if done.wanting:
        raise typer.Exit(FAILED_GATE)


@app.command()
def status(
    store: StoreOption = None,
    as_of: AsOfOption = None,
    schedule: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Show how its reports stand too, and exit with 1 if one is overdue.",
            show_default=f"{SCHEDULE}, once it was run",
        ),
    ] = None,
    out: OutOption = RENDERED,
    as_json: JsonOption = False,
) -> None:
    """Show what the store holds: series, spans, gaps, sources, ages; and how the reports stand.

    Missing days are calendar days between the first and the last without a value; of markets that
    close, weekdays only, so their holidays count as missing. The age is that of the last day.
    A report is overdue if the time at which it was due is past for longer than its entry allows.
    """
    from research import load
    from research.report.places import place
    from research.unattended import standing

    location, reports = _location(store), standing.standings(schedule, place(out))
    lacking = ""
    try:
        table = load.status(location, as_of=_instant(as_of))
    except StoreError as error:
        if reports is None:
            raise
        table, lacking = None, str(error)  # how the reports stand is told all the same
    if as_json:
        answer: dict[str, Any] = {"store": location, "as_of": as_of, "series": table}
        if reports is not None:
            answer["reports"] = [standing.to_dict(each) for each in reports]
        _print_json(answer)
    else:
        if table is not None and not table.empty:
            _print_table(table, f"{location}{' as of ' + as_of if as_of else ''}")
        elif table is not None:
            typer.echo(f"{location}: nothing was known{' by ' + as_of if as_of else ' yet'}")
        _print_rows([standing.in_words(each) for each in reports or ()], "Reports, times in UTC")
    if lacking:
        _progress(f"research: {lacking}")
    if lacking or any(each.is_overdue for each in reports or ()):
        raise typer.Exit(1)


@app.command()
def run(
    schedule: Annotated[
        Path, typer.Argument(metavar="SCHEDULE", help="Which reports, when.")
    ] = SCHEDULE,
    everything: Annotated[
        bool, typer.Option("--all", help="Render each report, be it due or not.")
    ] = False,
    names: Annotated[
        list[str] | None,
        typer.Option(
            "--name",
            metavar="NAME",
            show_default="all",
            help="Only the reports of this name or entry, such as `weekly/*`; may be repeated.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be rendered, and do nothing.")
    ] = False,
    store: StoreOption = None,
    out: OutOption = RENDERED,
    no_update: Annotated[
        bool, typer.Option("--no-update", help="Leave the store as it is.")
    ] = False,
    budget: Annotated[
        float,
        typer.Option(min=1.0, metavar="SECONDS", help="Update the store for no longer than this."),
    ] = 300.0,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="NUMBER", show_default="2", help="Render so many reports at once."
        ),
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Render them on the workers of the Dask cluster whose scheduler is there, such as "
            "`tcp://10.0.0.1:8786`, as many at once as they have threads.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Render what is due: what a schedule plans since each report's last success.

    Call it every hour or so, from cron or by hand; what is done is not done again. The store is
    updated first, if anything is due. A report that fails leaves its last good page in place, is
    due again at the next run, and keeps no other from being rendered. Exits with 1 if something
    failed, and with 3 if nothing did but the checks of a strict report.
    """
    from research.report.places import place
    from research.unattended import planning, refresh, standing, state
    from research.unattended import run as running
    from research.unattended import schedule as schedules

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if dask is not None and workers is not None:
        raise UsageError("--workers: with --dask the cluster's workers decide; leave one of both")
    read = schedules.read(schedule, store=store)
    if dry_run:
        now = dt.datetime.now(dt.UTC)
        reports, known = planning.choose(read, names or ()), state.Ledger(place(out)).read()
        work = planning.work(reports, known, now, everything=everything)
        rows = standing.work_to_dict(work)
        if as_json:
            _print_json({"due": rows})
        elif rows:
            _print_rows([standing.work_in_words(row) for row in rows], "Due, times in UTC")
        else:
            typer.echo("nothing is due")
        return
    folder = place(out)
    with ExitStack() as held:
        elsewhere: dict[str, Any] = {}
        if dask is not None:
            from research.unattended import cluster

            there = held.enter_context(cluster.at(dask, out=folder, store=store))
            elsewhere = {"check": there.check, "render_all": there.render_all}
        done = running.run(
            read,
            out=folder,
            store=store,
            names=names or (),
            everything=everything,
            budget_seconds=budget,
            workers=workers or 2,
            update=None if no_update else refresh.update_store,
            tell=_progress,
            **elsewhere,
        )
    if as_json:
        _print_json(done.to_dict())
    else:
        for outcome in done.outcomes:
            if outcome.page is not None:
                typer.echo(outcome.page)
    if done.exit_code:
        raise typer.Exit(done.exit_code)


@app.command()
def report(
    notebook: Annotated[
        str,
        typer.Argument(
            help="The name of a notebook, such as `token-or-hardware`, or the path of one's own.",
            show_default=False,
        ),
    ],
    parameters: Annotated[
        list[str] | None,
        typer.Option(
            "-p",
            metavar="NAME=VALUE",
            help="A parameter of the notebook, such as `network=render`; may be repeated. A name "
            "or value that it does not accept is answered with those that it does.",
        ),
    ] = None,
    out: OutOption = RENDERED,
    store: StoreOption = None,
    as_of: AsOfOption = None,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Publish nothing, and exit with 3, if a check of quality fails on what a result "
            "rests on; without it, the page names what failed.",
        ),
    ] = False,
) -> None:
    """Render a notebook as one HTML file that needs no network, and print its path.

    The file is named after the notebook and what was chosen; the same choice replaces it. If a
    cell fails, the last good report stays.
    """
    from research.report import render
    from research.report.places import place

    # What ends a job from outside (cron, docker stop) is cleaned up after as Ctrl-C is.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with _working(notebook) as tell:
        path = render.report(
            notebook,
            _pairs(parameters or []),
            store=store,
            as_of=as_of,
            strict=strict,
            out=place(out),
            tell=tell,
        )
    typer.echo(path)


@app.command()
def rebuild(
    manifest: Annotated[
        str,
        typer.Argument(
            metavar="MANIFEST", help="The .manifest.json beside a report.", show_default=False
        ),
    ],
    notebook: Annotated[
        str | None,
        typer.Option(metavar="PATH", help="Where the notebook is, if it is not the project's."),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER", help="Keep the new report there.", show_default="it is not kept"
        ),
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Render a report again as of then, and say which numbers differ and why they may.

    Exit code 0 if every number is the same, 1 if one is not. A store that has learnt more since
    makes no difference: only what was known then is read.
    """
    from research.report import rebuild as rebuilding
    from research.report.places import place

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    path, folder = place(manifest), None if out is None else place(out)
    with _working(path.name) as tell:
        found = rebuilding.rebuild(path, store=store, notebook=notebook, out=folder, tell=tell)
    _print_json(rebuilding.to_dict(found)) if as_json else typer.echo(rebuilding.in_words(found))
    if not found.equal:
        raise typer.Exit(1)


@app.command()
def site(
    folder: Annotated[
        str,
        typer.Argument(metavar="FOLDER", help="Where the reports are."),
    ] = RENDERED,
    url: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Where the folder is published, such as https://example.org/reports/, for the "
            "links of the feed.",
            show_default="they are relative",
        ),
    ] = None,
) -> None:
    """List all reports of a folder and its archive, and print the path of the index.

    Writes index.html, which opens without a server and can be searched, and feed.xml, which tells
    a feed reader of new reports. Nothing else in the folder is touched.
    """
    from research.report import site as building
    from research.report.places import place

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    typer.echo(building.build(place(folder), url=url))


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or name in pairs:
            reason = "given twice" if equals else "write NAME=VALUE"
            raise UsageError(f"-p {text}: {reason}")
        pairs[name] = value
    return pairs


@contextmanager
def _working(title: str) -> Iterator[Callable[[str], None]]:
    """Show on a terminal what is being done; a file or a pipe is left alone."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.markup import escape

    with Console(stderr=True).status(escape(title)) as status:
        yield lambda text: status.update(escape(f"{title}: {text}"))


def _location(store: str | None) -> str:
    if store is not None:
        return store
    from research.config import settings

    return settings().store


def _instant(text: str | None) -> dt.datetime | None:
    if text is None:
        return None
    try:
        instant = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"--as-of {text!r}: write a UTC time such as 2026-03-19T12:00; a day alone is its 00:00"
        ) from error
    return instant.replace(tzinfo=instant.tzinfo or dt.UTC)


def _progress(text: str) -> None:
    typer.echo(text, err=True)


def _print_json(answer: dict[str, Any]) -> None:
    def plain(value: Any) -> Any:
        if hasattr(value, "to_dict"):
            return value.to_dict("records")
        is_day = isinstance(value, dt.datetime) and value.tzinfo is None
        return (value.date() if is_day else value).isoformat()

    typer.echo(json.dumps(answer, default=plain, indent=2))


def _print_table(frame: pd.DataFrame, title: str) -> None:
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


def _print_rows(rows: Sequence[dict[str, object]], title: str) -> None:
    import pandas as pd

    _print_table(pd.DataFrame(rows).astype(object), title)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%d}" if value.tzinfo is None else f"{value:%Y-%m-%d %H:%M}"
    return str(value)


if __name__ == "__main__":
    app()
