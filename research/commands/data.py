"""Commands about the store: put in, update, show."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from research.commands.options import (
    FAILED_GATE,
    RENDERED,
    SCHEDULE,
    AsOfOption,
    JsonOption,
    OutOption,
    StoreOption,
    instant_of,
    location_of,
)
from research.commands.output import print_json, print_rows, print_table, progress
from research.errors import StoreError, UsageError

REVISIONS_SHOWN = 20


class Stamp(StrEnum):
    """What the label of a day means."""

    OPEN = "open"
    CLOSE = "close"


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

    location = location_of(store)
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
    progress(f"checking {len(files)} file{'s' * (len(files) > 1)}")
    now = dt.datetime.now(dt.UTC)
    checked = read_files(files, reading, catalogue=catalogue.load(), now=now)
    progress(f"storing {len(checked.observations)} observations in {location}")
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
        print_json(answer)
        return
    print_table(spans, f"Imported into {location}")
    print_table(appended.revised.head(REVISIONS_SHOWN), "Revised: known differently before")
    print_table(
        appended.outdated.head(REVISIONS_SHOWN), "Older than what is held, which is read on"
    )
    typer.echo(
        f"{appended.new} new, {appended.unchanged} unchanged, {len(appended.revised)} revised, "
        f"{answer['blank']} blank"
    )
    for column_ in load.series(spans["series"].unique().tolist(), store=location).provenance:
        if column_.other_sources:
            progress(
                f"{column_.series} is read from {column_.source}; also held, and not mixed in: "
                f"{', '.join(column_.other_sources)}"
            )


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
        store=location_of(store),
        budget_seconds=budget,
        offline=offline,
        tell=progress,
    )
    if as_json:
        refused = done.refused.astype(object)
        print_json(
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
        print_table(table, f"Asked for {done.store}")
        print_table(done.refused.head(REVISIONS_SHOWN), "Refused: cannot be true")
        print_table(done.revised.head(REVISIONS_SHOWN), "Revised: known differently before")
        counts = [
            f"{sum(getattr(row, name) for row in done.asked)} {name}"
            for name in ("new", "revised", "unchanged", "refused", "requests")
        ]
        typer.echo(f"{', '.join(counts)} in {done.seconds:.1f} s")
    for each in done.wanting:
        progress(f"research: {each}")
    if done.wanting:
        raise typer.Exit(FAILED_GATE)


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

    location, reports = location_of(store), standing.standings(schedule, place(out))
    lacking = ""
    try:
        table = load.status(location, as_of=instant_of(as_of))
    except StoreError as error:
        if reports is None:
            raise
        table, lacking = None, str(error)  # how the reports stand is told all the same
    if as_json:
        answer: dict[str, Any] = {"store": location, "as_of": as_of, "series": table}
        if reports is not None:
            answer["reports"] = [standing.to_dict(each) for each in reports]
        print_json(answer)
    else:
        if table is not None and not table.empty:
            print_table(table, f"{location}{' as of ' + as_of if as_of else ''}")
        elif table is not None:
            typer.echo(f"{location}: nothing was known{' by ' + as_of if as_of else ' yet'}")
        print_rows([standing.in_words(each) for each in reports or ()], "Reports, times in UTC")
    if lacking:
        progress(f"research: {lacking}")
    if lacking or any(each.is_overdue for each in reports or ()):
        raise typer.Exit(1)
