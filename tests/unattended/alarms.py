"""Reports and what came of them, written for a test of alerts, without a kernel."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path
from typing import Any

from research import headline
from research.headline import Figure, Headline
from research.report import manifest
from research.report.files import TWIN, publish
from research.unattended.alerts import Good
from research.unattended.jobs import Outcome, State
from tests.unattended.runs import job, outcome

NOW = dt.datetime(2026, 11, 25, 6, 5, tzinfo=dt.UTC)
PLANNED = dt.datetime(2026, 11, 25, 6, tzinfo=dt.UTC)
NAME, CHANCE = "weekly/akash", "Renting beats T-bills"


def answer(verdict: str = "rent", percent: float = 50.0) -> Headline:
    chance = Figure(name=CHANCE, value=percent, unit="%", digits=0)
    return Headline(verdicts={"": verdict}, figures=(chance,))


def good(verdict: str = "rent", percent: float = 50.0, day: int = 23) -> Good:
    return Good(
        page="akash.html", headline=answer(verdict, percent), data_to=dt.date(2026, 11, day)
    )


def came(
    state: State = "done",
    *,
    name: str = NAME,
    page: Path | None = None,
    reason: str = "",
    flips: tuple[str, ...] = (),
) -> Outcome:
    """Return what came of a report of that name."""
    asked = job("token-or-hardware", Path("out"), name=name, period=PLANNED)
    return outcome(asked, state, page, reason, flips=flips)


def put(folder: Path, verdict: str = "rent", percent: float = 50.0, day: int = 23) -> Path:
    """Write a page whose twin tells an answer, and whose manifest names the data."""
    twin = manifest.to_bytes({"headline": headline.to_json(answer(verdict, percent))})
    series = {
        "series": "akash.price_usd",
        "source": "coingecko",
        "rows": 3,
        "first": "2026-11-01",
        "last": f"2026-11-{day:02}",
        "sha256": "",
    }
    told: dict[str, Any] = {
        "schema_version": manifest.VERSION,
        "notebook": {"name": "token-or-hardware", "sha256": ""},
        "parameters": {},
        "chosen": [],
        "as_of": None,
        "store": None,
        "series": [series],
        "packages": {},
        "code": {"version": "0.1.0", "commit": None, "sha256": ""},
        "catalogue": "",
        "started_at": "2026-11-25T06:00:00Z",
        "twin_sha256": hashlib.sha256(twin).hexdigest(),
    }
    page = folder / "akash.html"
    publish(b"<p>", page, beside={TWIN: twin, manifest.SUFFIX: manifest.to_bytes(told)})
    return page
