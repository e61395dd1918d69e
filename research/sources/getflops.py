"""getflops, which has watched the offers of GPU markets since 2024.

`GET /api/history/{card}?provider=`, without a key. The key of a feed is the card as getflops
writes it, `RTX 4090`, or the card at one provider, `RTX 4090/vast.ai`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pandas as pd

from research.sources import Wanted
from research.sources._answers import Question
from research.sources._rates import check_complaint, known, last_of_days, named

if TYPE_CHECKING:
    from research.sources.web import Web

# by statistic: the field it is in, and what several providers' make together
FIELDS = {
    "median": ("median", "median"),
    "min": ("min", "min"),
    "max": ("max", "max"),
    "count": ("num_offers", "sum"),
}


class GetFlops:
    """Asking prices on demand, USD per GPU-hour: the last look of each day at each provider.

    Without a provider in the key it is the median of the providers' medians.
    """

    def fetch(self, wanted: Wanted, web: Web, now: dt.datetime) -> pd.DataFrame:
        """Return median, minimum, maximum and count of the offers of each complete day."""
        card, _, provider = wanted.key.partition("/")
        params = {"provider": provider} if provider else None
        answer = web.json(f"/history/{quote(card, safe='')}", params=params)
        return known(parse_history(answer, wanted=wanted, now=now))


def parse_history(answer: Any, *, wanted: Wanted, now: dt.datetime) -> pd.DataFrame:
    """Read the last look of each complete day; one without a median is no look."""
    card, _, provider = wanted.key.partition("/")
    question = Question("getflops", f"history {wanted.key}")
    check_complaint(question, answer, "history")
    answer = question.record(answer, "gpu_name", "history")
    if answer["gpu_name"] != card:
        raise question.changed(f"the answer is of {str(answer['gpu_name'])[:40]!r}")
    fields = [name for name, _ in FIELDS.values()]
    looks: dict[str, list[tuple[dt.datetime, dict[str, float]]]] = {}
    for nr, row in enumerate(question.records(answer["history"], "fetched_at", *fields), 1):
        at = question.instant(row["fetched_at"], f"fetched_at of row {nr}")
        look = {name: question.number(row[name], f"{name} of row {nr}") for name in fields}
        by = str(row.get("provider") or provider)
        if look["median"] > 0 and by == (provider or by) and _is_on_demand(row):
            looks.setdefault(by, []).append((at, look))
    days = [
        {"at": day, **look} for each in looks.values() for day, look in last_of_days(each).items()
    ]
    if not days:
        raise question.empty("no offers on demand")
    together = pd.DataFrame(days).groupby("at").agg(dict(FIELDS.values()))
    values: list[dict[str, Hashable]] = [
        {"at": at, "value": float(value), "series": named(wanted.series, statistic)}
        for statistic, (field, _) in FIELDS.items()
        for at, value in together[field].items()
        if value > 0
    ]
    return question.days(values, now)


def _is_on_demand(row: Mapping[str, Any]) -> bool:
    """Return whether a row is not of interruptible offers; one that does not say is not."""
    kind = str(row.get("pricing_type") or "on-demand").casefold()
    return kind.translate(str.maketrans("", "", "-_ ")) == "ondemand"
