"""Akash: leases, spend, GPUs and their price, https://console-api.akash.network/v1/swagger.

A feed's key is the name of a daily graph, such as `activeGPU`, or a route and what is wanted of it:
`provider/gpu`, `gpu-breakdown/rtx4090` (its utilization), `gpu-breakdown/all/leasedHours`,
`gpu-prices/a100/80Gi/SXM4`, `bme/vaultAkt`, `network-capacity/totalGPU`, `dashboard/activeGPU`.

Three utilizations differ and need not agree. The graph `gpuUtilization` and the capacity's are
(active + pending) / (active + pending + available) as the providers report, pending counted as
used. That of `gpu-breakdown` is leased / total, leases split in proportion between the models of a
node, at most 1. `activeGPU` over `provider/gpu` sets the chain's leases against what the providers
report, and can pass 1. Stocks are read at the last block of a day.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from research.errors import SourceError
from research.sources import Wanted
from research.sources._akash_now import (
    BME_NOW,
    CAPACITY_NOW,
    DASHBOARD_NOW,
    MICRO,
    NAME,
    parse_bme,
    parse_capacity,
    parse_dashboard,
)
from research.sources._answers import Question
from research.sources._asks import Answers
from research.sources._rates import known, named

if TYPE_CHECKING:
    from research.sources.web import Web

HOURS = 24

BME = ("AktBurnedForAct", "ActMinted", "ActBurnedForAkt", "AktReminted")
GRAPHS: Mapping[str, float] = {  # how many of theirs are one of ours
    **{
        f"{span}U{coin}Spent": MICRO
        for span in ("daily", "total")
        for coin in ("Akt", "Usdc", "Usd")
    },
    **dict.fromkeys(("dailyLeaseCount", "totalLeaseCount", "activeLeaseCount", "activeGPU"), 1.0),
    **{f"{span}{name}": MICRO for span in ("daily", "total") for name in BME},
    **dict.fromkeys(("netAktBurned", "dailyNetAktBurned", "outstandingAct", "vaultAkt"), MICRO),
    "collateralRatio": 1.0,
    "activeCPU": 1e3,  # thousandths of a vCPU
    "activeMemory": 1.0,  # bytes
    "activeStorage": 1.0,
    "gpuUtilization": 100.0,  # percent
}
CAPACITY: Mapping[str, float] = {
    "count": 1.0,
    "gpu": 1.0,
    "cpu": 1e3,
    "memory": 1.0,
    "storage": 1.0,
}
ALL = "all"
LEASED = ("gpuUtilization", "totalGpus", "leasedGpus", "leasedHours", "providerCount")
BIDS: Mapping[str, str] = {"median": "med", "min": "min", "max": "max"}  # for one GPU, by statistic


@dataclass
class Akash:
    """The Console API; what it said at one `now` is asked once, for many keys share an answer."""

    answers: Answers = field(default_factory=Answers)

    def fetch(self, wanted: Wanted, web: Web, now: dt.datetime) -> pd.DataFrame:
        """Ask for a series; see `Source`. The history is rewritten, so all of it is returned."""
        key = wanted.key
        route, _, rest = key.partition("/")

        def ask(path: str, **params: str) -> Any:
            what = (path, *params.items())
            return self.answers.get(web, now, what, lambda: web.json(path, params=params))

        if key in GRAPHS:
            return parse_graph(ask(f"/v1/graph-data/{key}"), name=key, now=now)
        if key == "activeGPU/hours":
            return parse_gpu_hours(ask("/v1/graph-data/activeGPU"), now=now)
        if route == "provider" and rest in CAPACITY:
            answer = ask(f"/v1/provider-graph-data/{rest}")
            return parse_provider_graph(answer, name=rest, now=now)
        model, _, figure = rest.partition("/")
        if route == "gpu-breakdown" and model and (figure := figure or LEASED[0]) in LEASED:
            answer = ask("/v1/gpu-breakdown", **({} if model == ALL else {"model": model}))
            return parse_breakdown(answer, model=model, figure=figure, now=now)
        if route == "gpu-prices" and rest:
            answer = ask("/v1/gpu-prices")
            return known(parse_prices(answer, card=rest, series=wanted.series, now=now))
        if route == "bme" and rest in BME_NOW:
            return parse_bme(ask("/v1/bme/dashboard-data"), name=rest, now=now)
        if route == "network-capacity" and rest in CAPACITY_NOW:
            return parse_capacity(ask("/v1/network-capacity"), name=rest, now=now)
        if route == "dashboard" and rest in DASHBOARD_NOW:
            return parse_dashboard(ask("/v1/dashboard-data"), name=rest, now=now)
        raise SourceError(NAME, key, _why_unknown(key))


def _why_unknown(key: str) -> str:
    if "UAct" in key:
        instead = key.replace("UAct", "UUsdc")
        return (
            "since 2026-03-23 it is the same series as that of USDC, USDC and ACT together, and "
            f"the two must never be added; ask for {instead}"
        )
    if key.startswith(("bme/daily", "dashboard/daily")):
        graph = key.partition("/")[2]
        return f"it is the sum of the last 24 hours and of no UTC day; ask for {graph}"
    return f"no such feed; see {__name__}"


def parse_graph(
    answer: Any, *, name: str, now: dt.datetime, scale: float | None = None
) -> pd.DataFrame:
    """Read a daily series.

    The first point of a difference is the sum of all before, so it is left out, as is the running
    day, which is stamped with the time of its last reading. Days without a last block are gaps;
    some series begin later than others, so only the dates tell what belongs together.
    """
    asked = Question(NAME, name)
    rows = asked.records(
        asked.record(answer, "snapshots")["snapshots"], "date", "value", of="snapshots"
    )
    scale = GRAPHS[name] if scale is None else scale
    points = [
        (asked.instant(row["date"], "date"), asked.number(row["value"], "value") / scale)
        for row in rows
    ]
    if name.startswith("daily"):
        first = min(at for at, _ in points)
        points = [(at, value) for at, value in points if at > first]
    return asked.days(({"at": at, "value": value} for at, value in points), now)


def parse_gpu_hours(answer: Any, *, now: dt.datetime) -> pd.DataFrame:
    """Estimate the hours rented in a day from the GPUs active at its beginning and its end."""
    active = parse_graph(answer, name="activeGPU", now=now).set_index("date")["value"].asfreq("D")
    hours = HOURS * (active + active.shift()) / 2
    return Question(NAME, "activeGPU/hours").days(
        ({"at": at, "value": value, "kind": "derived"} for at, value in hours.items()), now
    )


def parse_provider_graph(answer: Any, *, name: str, now: dt.datetime) -> pd.DataFrame:
    """Read what providers offer, a day a row; with fewer than two days the answer is all empty."""
    asked = Question(NAME, f"provider/{name}")
    if answer == {}:
        raise asked.empty("fewer than two days")
    return parse_graph(answer, name=asked.what, now=now, scale=CAPACITY[name])


def parse_breakdown(answer: Any, *, model: str, figure: str, now: dt.datetime) -> pd.DataFrame:
    """Read GPUs leased or offered, a day a row, of one model or of all of them.

    Parameters
    ----------
    model : `rtx4090`, of all its memories and interfaces, or `all`, Unknown included
    figure : totalGpus, leasedGpus, gpuUtilization (leased / total), leasedHours (24 x leased, an
        estimate), providerCount (of one model, for a provider may offer several)
    """
    asked = Question(NAME, f"gpu-breakdown/{model}/{figure}")
    keys = ("totalGpus", "leasedGpus", "providerCount")
    rows = asked.records(answer, "date", "vendor", "model", *keys)
    if model != ALL:
        rows = [row for row in rows if str(row["model"]).casefold() == model.casefold()]
    if not rows:
        raise asked.empty("the model is not among the answer's")
    cells = [
        [
            asked.instant(row["date"], "date"),
            str(row["vendor"]),
            str(row["model"]),
            *(asked.number(row[key], key) for key in keys),
        ]
        for row in rows
    ]
    of_models = pd.DataFrame(cells, columns=["at", "vendor", "model", *keys]).drop_duplicates()
    if of_models.duplicated(["at", "vendor", "model"]).any():
        raise asked.changed("a model has two rows on a day")
    with np.errstate(over="ignore"):  # an infinite sum is refused as any other number of no size
        days = of_models.groupby("at")[[*keys]].sum(skipna=False)
    total, leased = days["totalGpus"], days["leasedGpus"]
    values = {
        "totalGpus": total,
        "leasedGpus": leased,
        "gpuUtilization": (leased / total.where(total > 0)).clip(upper=1),
        "leasedHours": HOURS * leased,
        "providerCount": days["providerCount"] if model != ALL else total * math.nan,
    }[figure]
    kind: dict[str, Hashable] = {"kind": "derived"} if figure == "leasedHours" else {}
    return asked.days(({"at": at, "value": value} | kind for at, value in values.items()), now)


def parse_prices(answer: Any, *, card: str, series: str, now: dt.datetime) -> pd.DataFrame:
    """Read what a card is offered at: median, least and highest bid, and who has one free.

    The best recent bid of each provider for one GPU: asking prices. They are quoted per block and
    converted with 6 s a block, when blocks take about 6.5 s, so they are slightly too high. The
    count is of providers with a free card, for how many of them bid is not told.

    Parameters
    ----------
    card : model, and where that is not enough memory and interface: `a100/80Gi/SXM4`
    series : the median's
    """
    asked = Question(NAME, f"gpu-prices/{card}")
    keys = ("model", "ram", "interface")
    needed = (*keys, "price", "providerAvailability")
    rows = asked.records(asked.record(answer, "models")["models"], *needed, of="models")
    spelled = [_plain(part) for part in card.split("/")]
    named_so = [
        row for row in rows if [_plain(row[key]) for key in keys[: len(spelled)]] == spelled
    ]
    if not named_so:
        raise asked.empty("the card is not among the answer's")
    priced = [row for row in named_so if row["price"] is not None]
    if not priced:
        raise asked.empty("no bids")
    if len(priced) > 1:
        kinds = ", ".join("/".join(str(row[key])[:20] for key in keys) for row in priced[:5])
        raise asked.changed(f"there are several: {kinds}; the catalogue must name one")
    price = asked.record(priced[0]["price"], "currency", *BIDS.values(), of="price")
    if price["currency"] != "USD":
        raise asked.changed("the price is not in USD")
    free = asked.record(priced[0]["providerAvailability"], "available", of="providerAvailability")
    bids = {name: asked.number(price[field], field) for name, field in BIDS.items()}
    if not bids["median"] > 0:
        raise asked.empty("no median")
    values = {name: bid if bid > 0 else math.nan for name, bid in bids.items()}
    values["count"] = asked.number(free["available"], "available")
    if values["count"] < 0:
        raise asked.changed(f"{values['count']:g} providers with a free card")
    return asked.reading({named(series, name): value for name, value in values.items()}, now)


def _plain(name: Any) -> str:
    """Return a name in small letters; which SXM it is, the model tells."""
    plain = str(name).casefold()
    return "sxm" if plain.startswith("sxm") else plain
