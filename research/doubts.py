"""How far what is held can be trusted: its age, the doubts, the disagreements, the rewritings."""

from __future__ import annotations

from dataclasses import asdict, replace

import pandas as pd

import research.load as load
from research import catalogue, quality
from research.counting import counted
from research.holdings import Market, Run
from research.origin import Origin
from research.quality.checks import LEVEL_NOUNS
from research.store import Store
from research.used import noted

SERIES_COLUMNS = [
    *("series", "source", "unit", "kind", "first", "last", "age_days", "nobs", "missing_days"),
    "doubts",
]
FINDING_COLUMNS = ["level", "check", "series", "source", "first", "last", "text"]
GRAVEST_FIRST = list(LEVEL_NOUNS)


def origin(market: Market) -> Origin:
    """Return where the doubts come from; they are what is shown, so nothing is marked by them."""
    return replace(market.rests_on(*market.told), doubts=(), left_out=())


def held(market: Market) -> pd.DataFrame:
    """Return one row a series that is read: whence, how long, how old, with how many doubts."""
    levels = findings(market).groupby("series")["level"].agg(list)
    lines = []
    for name, (said, *_) in market.told.items():
        missing = quality.days_missing(said.days, said.periods, weekdays_only=said.is_session)
        found = levels.get(name, [])
        counts = [
            counted(found.count(level), noun)
            for level, noun in LEVEL_NOUNS.items()
            if level in found
        ]
        lines.append(
            {
                "series": name,
                "source": said.source,
                "unit": said.units[-1],
                "kind": "/".join(said.kinds),
                "first": said.first,
                "last": said.last,
                "age_days": market.age_days(name),
                "nobs": len(said.days),
                "missing_days": int(missing.sum()),
                "doubts": ", ".join(counts) or "none",
            }
        )
    return pd.DataFrame(lines, columns=SERIES_COLUMNS)


def findings(market: Market) -> pd.DataFrame:
    """Return every doubt, the gravest first."""
    table = pd.DataFrame([asdict(one) for one in market.findings], columns=FINDING_COLUMNS)
    order = table["level"].map(GRAVEST_FIRST.index)
    return table.iloc[order.argsort(kind="stable")].reset_index(drop=True)


def reconciliation(market: Market) -> pd.DataFrame:
    """Return what each source says of every series that more than one speaks of."""
    known = catalogue.load()
    tables = [
        quality.reconcile(market.rows, name, known).assign(series=name)
        for name, sources in market.told.items()
        if len(sources) > 1
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def revisions(run: Run) -> pd.DataFrame:
    """Return which days were told otherwise later, the latest rewriting first."""
    store = Store(load.locate(run.store))
    return quality.revisions(noted(store.history(as_of=run.as_of, until=run.until)))
