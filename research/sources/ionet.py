"""io.net: what its suppliers earn and what is hired, as its explorer shows it.

Undocumented, and asked only if the user switches it on. Earnings are what suppliers earn for hire:
neither what customers paid nor block rewards. The counters of `network/info` are not used, for
they count every device that ever registered.

Keys: `total-earnings-summary` (USD a day); of the market now, over all cards, `hired` and `total`;
`market-snapshot/CARD` of one card, such as `market-snapshot/RTX 4090`;
`total_compute_hours_served`, since the beginning.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from research.errors import SourceError
from research.frames import ONE_DAY
from research.sources import Wanted
from research.sources._answers import Question, midnight, to_instant
from research.sources._asks import Answers

if TYPE_CHECKING:
    import pandas as pd

    from research.sources.web import Web

NAME = "ionet"
BASE = "v1/io-explorer/network"
EARNINGS = f"{BASE}/info/cluster/total-earnings-summary"
CLUSTERS = f"{BASE}/info/clusters"
MARKET = f"{BASE}/market-snapshot"
COMPUTE_HOURS = "total_compute_hours_served"
COUNTS = ("hired", "total")
TOLERANCE = 0.01  # of a day's earnings, by which the difference of the totals may miss them
CENT = 0.01  # USD


@dataclass
class IoNet:
    """The explorer's back end; the market of one `now` is asked for once."""

    answers: Answers = field(default_factory=Answers)

    def fetch(self, wanted: Wanted, web: Web, now: dt.datetime) -> pd.DataFrame:
        """Ask for a series; see `Source`."""
        route, _, card = wanted.key.partition("/")
        if wanted.key == "total-earnings-summary":
            return parse_earnings(web.json(EARNINGS), now=now)
        if wanted.key == COMPUTE_HOURS:
            return parse_clusters(web.json(CLUSTERS), now=now)
        if wanted.key in COUNTS:
            return parse_market(self._market(web, now), count=wanted.key, now=now)
        if route == "market-snapshot" and card:
            return parse_card(self._market(web, now), card=card, series=wanted.series, now=now)
        known = ("total-earnings-summary", COMPUTE_HOURS, *COUNTS, "market-snapshot/CARD")
        raise SourceError(NAME, wanted.key, f"no such feed; it has {', '.join(known)}")

    def _market(self, web: Web, now: dt.datetime) -> Any:
        return self.answers.get(web, now, MARKET, lambda: web.json(MARKET))


def parse_earnings(answer: Any, *, now: dt.datetime) -> pd.DataFrame:
    """Read the earnings of each day, in ascending order.

    Where the rows have no date, the last one is taken for yesterday's, and each is `derived`. The
    differences of `total_earnings` must be the `daily_earnings`; where they are not, they count
    instead, on days whose day before is known, and are `derived`.
    """
    asked = Question(NAME, "total-earnings-summary")
    data = asked.record(answer, "data")["data"]
    rows = asked.records(data, "daily_earnings", "total_earnings", of="data")
    dates, is_dated = _dates(rows, now)
    ended = midnight(now).tz_localize("UTC").to_pydatetime() - ONE_DAY
    table = sorted(
        (
            at,
            asked.number(row["daily_earnings"], "daily_earnings"),
            asked.number(row["total_earnings"], "total_earnings"),
        )
        for at, row in zip(dates, rows, strict=True)
        if at <= ended
    )
    steps = [
        (at, daily, total - before if at - day_before == ONE_DAY else math.nan)
        for (day_before, _, before), (at, daily, total) in pairwise(table)
    ]
    is_same = all(
        math.isnan(daily - step) or abs(daily - step) <= max(TOLERANCE * abs(daily), CENT)
        for _, daily, step in steps
    )
    values = (
        [(at, daily) for at, daily, _ in table]
        if is_same
        else [(at, step) for at, _, step in steps]
    )
    kind: dict[str, Hashable] = {} if is_dated and is_same else {"kind": "derived"}
    return asked.days(
        ({"at": at, "value": math.nan if value < 0 else value} | kind for at, value in values), now
    )


def parse_clusters(answer: Any, *, now: dt.datetime) -> pd.DataFrame:
    """Read the hours of compute served since the beginning."""
    asked = Question(NAME, COMPUTE_HOURS)
    data = asked.record(asked.record(answer, "data")["data"], COMPUTE_HOURS, of="data")
    if (hours := asked.known(data[COMPUTE_HOURS], COMPUTE_HOURS)) <= 0:
        raise asked.empty(f"{hours:g} hours")
    return asked.reading({None: hours}, now)


def parse_market(answer: Any, *, count: str, now: dt.datetime) -> pd.DataFrame:
    """Read how many cards of all kinds are hired or there (`total`)."""
    asked = Question(NAME, count)
    rows = asked.records(asked.record(answer, "data")["data"], *COUNTS, of="data")
    return asked.reading({None: sum(asked.known(row[count], count) for row in rows)}, now)


def parse_card(answer: Any, *, card: str, series: str, now: dt.datetime) -> pd.DataFrame:
    """Read the price of a card, USD per hour, and the share of such cards that is hired.

    Parameters
    ----------
    series : any of the card's; its subject is that of all that is returned
    """
    asked = Question(NAME, f"market-snapshot/{card}")
    keys = ("hardware_name", "price", *COUNTS)
    rows = asked.records(asked.record(answer, "data")["data"], *keys, of="data")
    rows = [row for row in rows if str(row["hardware_name"]).casefold() == card.casefold()]
    if not rows:
        raise asked.empty("the card is not among the answer's")
    if len(rows) > 1:
        raise asked.changed(f"{len(rows)} rows of this card")
    price, hired, total = (asked.number(rows[0][key], key) for key in keys[1:])
    subject = series.partition(".")[0]
    return asked.reading(
        {
            f"{subject}.rate_usd_per_hour": price if price > 0 else math.nan,
            f"{subject}.utilization": hired / total if total > 0 else math.nan,
        },
        now,
    )


def _dates(rows: Sequence[dict[str, Any]], now: dt.datetime) -> tuple[list[dt.datetime], bool]:
    """Return the days of the rows, and whether they say them themselves."""
    for key in rows[0]:
        dates = [to_instant(row.get(key)) for row in rows]
        said = [date for date in dates if date is not None]
        if len({*said}) == len(rows):
            return said, True
    yesterday = (midnight(now) - ONE_DAY).tz_localize("UTC").to_pydatetime()
    back = range(len(rows) - 1, -1, -1)
    return [yesterday - dt.timedelta(days=days) for days in back], False
