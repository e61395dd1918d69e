"""Commands about reports: render one or what is due, render again, list."""

from __future__ import annotations

import datetime as dt
import signal
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from research.commands.options import (
    RENDERED,
    SCHEDULE,
    AsOfOption,
    JsonOption,
    OutOption,
    StoreOption,
    pairs_of,
)
from research.commands.output import print_json, print_rows, progress, working
from research.errors import UsageError


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
    from research.unattended import batch, closing, planning, refresh, standing, state, telling
    from research.unattended import run as running
    from research.unattended import schedule as schedules

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if dask is not None and workers is not None:
        raise UsageError("--workers: with --dask the cluster's workers decide; leave one of both")
    read = schedules.read(schedule, store=store)
    if dry_run:
        now = dt.datetime.now(dt.UTC)
        reports, known = planning.choose(read, names or ()), state.Ledger(place(out)).read()
        telling.check(closing.rules_of(read))  # as the run itself does
        work = planning.work(reports, known, now, everything=everything)
        rows = standing.work_to_dict(work)
        if as_json:
            print_json({"due": rows})
        elif rows:
            print_rows([standing.work_in_words(row) for row in rows], "Due, times in UTC")
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
            workers=workers or batch.WORKERS,
            update=None if no_update else refresh.update_store,
            tell=progress,
            **elsewhere,
        )
    if as_json:
        print_json(done.to_dict())
    else:
        for outcome in done.outcomes:
            if outcome.page is not None:
                typer.echo(outcome.page)
    if done.exit_code:
        raise typer.Exit(done.exit_code)


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
    with working(notebook) as tell:
        path = render.report(
            notebook,
            pairs_of(parameters or []),
            store=store,
            as_of=as_of,
            strict=strict,
            out=place(out),
            tell=tell,
        )
    typer.echo(path)


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
    with working(path.name) as tell:
        found = rebuilding.rebuild(path, store=store, notebook=notebook, out=folder, tell=tell)
    print_json(rebuilding.to_dict(found)) if as_json else typer.echo(rebuilding.in_words(found))
    if not found.equal:
        raise typer.Exit(1)


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
