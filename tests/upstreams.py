"""One local server that answers for every upstream in its documented shape, or with a fault.

The numbers are invented. Where an upstream has many coins or cards, each has numbers of its own, by
`weight` of its key, so that one taken for another is found. Days are those up to `NOW`, of which
the last one runs and has a value that must never be stored.
"""

from __future__ import annotations

import io
import json
import re
import threading
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

import pandas as pd
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from research import catalogue, sources
from research.catalogue import Feed

NOW = pd.Timestamp("2026-08-20 06:00", tz="UTC").to_pydatetime()  # a Thursday
LAST = "2026-08-19"  # the last complete day
WEEK = "2026-08-16"  # the last day of Render's last epoch
DAYS = ("2026-08-17", "2026-08-18", LAST, "2026-08-20")
LEVELS = (1.0, 1.25, 1.5, 9.0)  # of a coin on these days
RUNNING = 777_777.0
PLANTED = "sesame-0815"  # how every key begins
OWN_FEEDS = """
[networks.theta.feeds]
fees_usd = [{ source = "dune", key = "1234:block_date:burned" }]
earnings_usd = [{ source = "depin_ninja", key = "IO.Net" }]
spend_usd = [{ source = "aethir", key = "dailyRevenue" }]
"""  # upstreams that the built-in catalogue asks last, or for nothing
AKASH = {  # theirs, in millionths and percent, and ours
    "activeGPU": (297, 297),
    "activeLeaseCount": (1131, 1131),
    "dailyLeaseCount": (847, 847),
    "dailyUUsdSpent": (11_331_500_000, 11_331.5),
    "dailyUAktSpent": (2_500_250_000, 2500.25),
    "gpuUtilization": (62.5, 0.625),
    "dailyAktBurnedForAct": (5_000_000, 5),
    "dailyAktReminted": (4_000_000, 4),
    "dailyNetAktBurned": (-3_000_000, -3),
    "provider/gpu": (743, 743),
    "provider/count": (70, 70),
}
ASKED = {"aws": 2.0, "azure": 3.0, "gcp": 4.0, "oci": 5.0, "lambdalabs": 1.0, "nebius": 1.2,
         "verda": 1.4, "cloudrift": 1.6}  # fmt: skip
CLOUD = {"aws": 2.0, "azure": 3.0, "gcp": 4.0, "cloud": 3.5, "neocloud": 1.3}  # medians of these
OFFERS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
FIXED: dict[tuple[str, str], float] = {  # by source and key, where a source has one of each
    ("akash_lcd", "uakt"): 0.13 * 0.6 * 2.5,
    ("render", "burnedRender"): 8700,
    ("render", "burnedRenderUSDCAmt"): 20_100,
    ("render", "totalRenderUsed"): 9200,
    ("render", "amountDue"): 15,
    ("render", "frames"): 70_000_000,
    ("render", "circulatingSupply"): 518_000_000.5,
    ("ionet", "total-earnings-summary"): 10_550,
    ("ionet", "total_compute_hours_served"): 1_234_567.5,
    ("ionet", "hired"): 140,
    ("ionet", "total"): 450,
    ("depin_ninja", "IO.Net"): 10_550.5,
    ("nosana", "hours"): 11_000,
    ("nosana", "jobs"): 3900,
    ("nosana", "usd"): 2150.8,
    ("golem", "online/vm"): 455,
    ("golem", "computing"): 355,
    ("golem", "gpus/vm-nvidia"): 4,
    ("livepeer", "volumeUsd"): 1700.5,
    ("aethir", "dailyRevenue"): 310_000.25,
    ("dune", "1234:block_date:burned"): 12,
    ("akash", "gpu-breakdown/all/leasedHours"): 6 * 25 * 24,
    ("akash", "dashboard/stakingAPR"): 0.17,
    **{("akash", key): ours for key, (_, ours) in AKASH.items()},
}
CARDS = ("rtx3090", "rtx4090", "rtx5090", "rtxa6000", "l40s", "h200")  # of Akash's breakdown


def weight(key: str) -> float:
    """Return by how much the numbers of one coin or card differ from another's."""
    return 1 + sum(map(ord, key)) % 97


def expected(measure: str, feed: Feed) -> tuple[str, float]:
    """Return the newest complete day of a feed, and its value."""
    source, key = feed.source, feed.key
    if source == "render" and key not in ("frames", "circulatingSupply"):
        return WEEK, FIXED[source, key]
    if (source, key) in FIXED:
        return LAST, FIXED[source, key]
    return LAST, _by_weight(measure, source, key)


def _by_weight(measure: str, source: str, key: str) -> float:
    if key == "category:depin":
        return {"market_cap_usd": 2e10, "volume_usd": 1e9}[measure]
    last, market = LEVELS[-2], measure.removeprefix("rate_").removesuffix("_usd_per_hour")
    if key.startswith("gpu-breakdown/"):
        return 25 / 40
    if source == "vast":
        card = weight(key.partition(":")[0])
        quantiles = {"rate_usd_per_hour": 0.5, "rate_q25_usd_per_hour": 0.3}
        quantiles["rate_q75_usd_per_hour"] = 0.7
        return 9 if measure == "offers_count" else quantiles[measure] * card
    if source == "getflops" and measure == "offers_count":
        return 38
    of_one = {
        "coingecko": {"price_usd": last, "market_cap_usd": last * 1e6, "volume_usd": last * 1e3}
        | {"supply_circulating": 1e6},
        "salad": {"earning_usd_per_hour": 0.15, "utilization": 0.625 / weight(key)},
        "gpuhunt": {measure: CLOUD.get(market, 0.0)},
        "runpod": {measure: 0.5 if key.endswith("/secure") else 0.3},
        "akash": {measure: 0.39},
        "getflops": {measure: 0.35},
        "ornn": {measure: 1.9},
    }.get(source, {measure: last})
    return of_one[measure] * weight(key.removesuffix("/secure"))


def stamp(day: str, unit: int = 1000) -> int:
    """Return a UTC instant as milliseconds since 1970, or as seconds for 1."""
    return int(pd.Timestamp(day, tz="UTC").timestamp() * unit)


class Upstreams:
    """All upstreams, each under a path of its own; `faults` says who answers how instead."""

    def __init__(self, server: HTTPServer, name: str) -> None:
        self.server, self.name = server, name
        self.faults: dict[str, Callable[[Request, Response], Response]] = {}
        self.asked: Counter[str] = Counter()
        self.urls: list[str] = []
        self.over = threading.Event()  # ends what is silent
        server.expect_request(re.compile(f"^/{name}/")).respond_with_handler(self._answer)

    def feeds(self) -> Iterator[tuple[str, str, Feed]]:
        """Yield every feed of the catalogue: subject, measure, feed."""
        for subject, entry in catalogue.load().subjects.items():
            for measure, feeds in entry.feeds.items():
                yield from ((subject, measure, feed) for feed in feeds)

    def environment(self) -> dict[str, str]:
        """Return the settings with which the upstreams are asked here, with a key each."""
        ends = {"dune": "/api/v1"}
        found: dict[str, str] = {}
        for source in sources.SOURCES:
            url = self.server.url_for(f"/{self.name}/{source}{ends.get(source, '')}")
            found[f"RESEARCH_URLS__{source.upper()}"] = (
                f"{url} {url}" if source == "render" else url
            )
            found[f"RESEARCH_KEYS__{source.upper()}"] = f"{PLANTED}-{source}"
            found[f"RESEARCH_SWITCHED_ON__{source.upper()}"] = "1"
        return found

    def silence(self, _: Request, right: Response) -> Response:
        """Answer when the test is over."""
        self.over.wait(30)
        return right

    def _keys(self, source: str) -> list[str]:
        return [*dict.fromkeys(feed.key for _, _, feed in self.feeds() if feed.source == source)]

    def _answer(self, request: Request) -> Response:
        _, _, source, path = request.path.split("/", 3)
        self.asked[source] += 1
        self.urls.append(request.url)
        told = getattr(self, f"_{source}")(unquote(path), request)
        right = told if isinstance(told, Response) else Response(json.dumps(told))
        if told is None:
            right = Response('{"error": "not here"}', status=404)
        right.headers.setdefault("Content-Type", "application/json")
        return self.faults[source](request, right) if source in self.faults else right

    def _coingecko(self, path: str, request: Request) -> Any:
        if path == "coins/markets":
            coin = request.args["ids"]
            updated = {"total_supply": None, "last_updated": "2026-08-20T05:58:00.123Z"}
            return [{"id": coin, "circulating_supply": 1e6 * weight(coin)} | updated]
        if path == "coins/categories":
            sector = {"id": "depin", "name": "DePIN", "updated_at": "2026-08-20T05:50:00.000Z"}
            return [sector | {"market_cap": 2e10, "volume_24h": 1e9}]
        coin = path.split("/")[1]
        stamps = [stamp(day) for day in DAYS[1:]] + [stamp("2026-08-20 05:59:12")]
        parts = {"prices": 1.0, "market_caps": 1e6, "total_volumes": 1e3}
        return {
            part: [[at, x * much * weight(coin)] for at, x in zip(stamps, LEVELS, strict=True)]
            for part, much in parts.items()
        }

    def _yahoo(self, path: str, _: Request) -> Any:
        symbol = path.rpartition("/")[2]
        subject = next(name for name, _, feed in self.feeds() if feed.key == symbol)
        is_coin = symbol.endswith("-USD")
        name = catalogue.load().subjects[subject].name
        meta = {"currency": "USD", "symbol": symbol, "longName": name, "shortName": name}
        meta |= {"exchangeTimezoneName": "UTC" if is_coin else "America/New_York"}
        meta |= {"instrumentType": "CRYPTOCURRENCY" if is_coin else "EQUITY"}
        closes = [level * weight(symbol) for level in LEVELS]
        result = {
            "meta": meta | {"validRanges": ["1d", "1y", "max"]},
            "timestamp": [stamp(f"{day} {'00:00' if is_coin else '13:30'}", 1) for day in DAYS],
            "indicators": {
                "quote": [dict.fromkeys(("open", "high", "low", "close"), closes)
                          | {"volume": [1] * len(DAYS)}],
                "adjclose": [{"adjclose": [close / 2 for close in closes]}],
            },
        }  # fmt: skip
        return {"chart": {"result": [result], "error": None}}

    def _defillama(self, path: str, request: Request) -> Any:
        if path.startswith("summary/fees/"):
            key = "fees/" + path.rpartition("/")[2]
            rows = zip(DAYS, LEVELS, strict=True)
            return {"totalDataChart": [[stamp(day, 1), x * weight(key)] for day, x in rows]}
        coin = path.removeprefix("chart/")
        start = int(request.args["start"])
        end = start + int(request.args["span"]) * 86_400
        points = [(stamp(day, 1) + 86_398, x) for day, x in zip(DAYS, LEVELS, strict=True)][:-1]
        prices = [
            {"timestamp": at, "price": x * weight(coin)}
            for at, x in points
            if start - 9 <= at < end
        ]
        told = {coin: {"symbol": "X", "confidence": 0.99, "prices": prices}}
        return {"coins": told if prices else {}}

    def _binance(self, _: str, request: Request) -> Any:
        return self._candles(request, "startTime", "endTime")

    def _bybit(self, _: str, request: Request) -> Any:
        rows = [[str(row[0]), *row[1:6], row[7]] for row in self._candles(request, "start", "end")]
        result = {"category": "linear", "list": rows[::-1]}
        return {"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}}

    def _candles(self, request: Request, first: str, last: str) -> list[list[Any]]:
        factor = weight(request.args["symbol"])
        return [
            [stamp(day), "1", "9", "0.5", str(level * factor), "100", stamp(day) + 86_399_999,
             "150.25", 42, "50", "60", "0"]
            for day, level in zip(DAYS, LEVELS, strict=True)
            if int(request.args[first]) <= stamp(day) <= int(request.args[last])
        ]  # fmt: skip

    def _akash(self, path: str, request: Request) -> Any:
        route, _, name = path.removeprefix("v1/").partition("/")
        if route == "gpu-breakdown":
            return [
                {"date": day, "vendor": "nvidia", "model": model, "providerCount": 5,
                 "nodeCount": 9, "totalGpus": 40, "leasedGpus": 25, "gpuUtilization": 62.5}
                for day in DAYS[:-1]
                for model in CARDS
                if request.args.get("model", model) == model
            ]  # fmt: skip
        if route == "gpu-prices":
            keys = [key for key in self._keys("akash") if key.startswith(route)]
            return {"availability": {"total": 392, "available": 92}, "models": [*map(_bids, keys)]}
        if route == "dashboard-data":
            return {
                "chainStats": {"height": 1000, "bondedTokens": 119_000_000_000,
                               "totalSupply": 260_000_000_000, "inflation": 0.13,
                               "stakingAPR": 0.17},
                "now": {"date": "2026-08-20T05:59:00.000Z", "height": 1000, "activeGPU": 639,
                        "activeLeaseCount": 1131, "totalLeaseCount": 270_205,
                        "totalUAktSpent": 1e9, "totalUUsdcSpent": 1e9, "totalUUsdSpent": 1e9},
                "networkCapacity": {"activeProviderCount": 70},
            }  # fmt: skip
        value = AKASH[name if route == "graph-data" else f"provider/{name}"][0]
        rows = [{"date": f"{day}T00:00:00.000Z", "value": value} for day in DAYS[:-1]]
        rows += [{"date": "2026-08-20T05:48:00.000Z", "value": RUNNING}]
        return {"currentValue": value, "compareValue": value, "snapshots": rows}

    def _akash_lcd(self, path: str, _: Request) -> Any:
        return {
            "inflation": {"inflation": "0.130000000000000000"},
            "pool": {"pool": {"bonded_tokens": "100000000", "not_bonded_tokens": "1"}},
            "by_denom": {"amount": {"denom": "uakt", "amount": "250000000"}},
            "params": {"params": {"community_tax": "0.400000000000000000"}},
        }[path.rpartition("/")[2]]

    def _render(self, path: str, _: Request) -> Any:
        names = ("burnedRender", "burnedRenderUSDCAmt", "totalRenderUsed")
        rows = [
            {"id": nr, "startDate": f"{first}T00:00:00.000Z", "endDate": f"{end}T00:00:00.000Z"}
            | dict(zip(names, values, strict=True))
            for nr, first, end, values in (
                (138, "2026-08-03", "2026-08-10", (9000.5, 21_000.0, 9500.1)),
                (139, "2026-08-10", "2026-08-17", ("8700.0", "20100", "9200.0")),
                (140, "2026-08-17", "2026-08-24", (RUNNING, RUNNING, RUNNING)),
            )
        ]
        due = [("a", "node_operator", 10.5), ("b", "node_operator", "4.5"), ("c", "artist", 99)]
        keys = ("walletAddress", "channel", "amountDue")
        return {
            "epoch-burn-stats-data.json": {"data": rows},
            "liability-epochs-data.json": {
                "data": [{"epochId": 139} | dict(zip(keys, one, strict=True)) for one in due]
            },
            "api/nodes_and_frames": {"frames": 70_000_000, "nodes": 9000},
            "api/v1/supplyInfo": {"circulatingSupply": "518000000.5", "maxSupply": 644245094},
        }.get(path)

    def _ionet(self, path: str, _: Request) -> Any:
        names = ("date", "daily_earnings", "total_earnings")
        rows = [("2026-08-18", 10_400.0, 27_110_000.0), (LAST, 10_550.0, 27_120_550.0)]
        cards = [("RTX 4090", 0.25, 400, 100), ("H100 PCIe", "1.9", "50", "40")]
        keys = ("hardware_name", "price", "total", "hired")
        data = {
            "total-earnings-summary": [dict(zip(names, row, strict=True)) for row in rows],
            "market-snapshot": [dict(zip(keys, card, strict=True)) for card in cards],
            "clusters": {"running_clusters": 9, "total_compute_hours_served": "1234567.5"},
        }
        return {"status": "succeeded", "data": data[path.rpartition("/")[2]]}

    def _depin_ninja(self, *_: object) -> Any:
        rows = [("2026-08-18", 10_400.0), (LAST, "10550.5"), (DAYS[-1], RUNNING)]
        days = [{"date": day, "revenue": value} for day, value in rows]
        data = [{"name": "Other", "revenueData": []}, {"name": "IO.Net", "revenueData": days}]
        return {"page": 1, "totalPages": 1, "limit": 100, "data": data}

    def _nosana(self, *_: object) -> Any:
        keys = ("time", "completed", "duration", "price", "usdReward")
        rows = [
            ("2026-08-18T00:00:00.000Z", 3800, 36_000_000, 9000.5, 2100.2),
            (f"{LAST}T00:00:00.000Z", "3900", "39600000", "9100.1", "2150.8"),
            ("2026-08-20T00:00:00.000Z", 90, RUNNING, 1.0, RUNNING),
        ]
        return {"retrieved": 1, "series": [dict(zip(keys, row, strict=True)) for row in rows]}

    def _golem(self, path: str, _: Request) -> Any:
        if path.endswith("computing"):
            told = zip(DAYS, (340, 361, 355, RUNNING), strict=True)
            return {"All": [{"truncated_date": f"{d}T00:00:00Z", "total": x} for d, x in told]}
        stamps = [*DAYS, "2026-08-20 05:59:59.5"]
        rows = zip(stamps, (450, 452, 455, RUNNING, RUNNING), (3, 3, 4, 9, 9), strict=True)
        points = [{"date": float(stamp(at, 1)), "online": x, "gpus": g} for at, x, g in rows]
        return {runtime: {"1d": [], "All": points} for runtime in ("vm", "vm-nvidia")}

    def _livepeer(self, *_: object) -> Any:
        rows = zip(DAYS, (1500.25, 0, 1700.5, RUNNING), strict=True)
        return {"dayData": [{"dateS": stamp(d, 1), "volumeUsd": x} for d, x in rows]}

    def _aethir(self, *_: object) -> Any:
        rows = [("2026-08-18", 300_000.5), (LAST, "310000.25"), (DAYS[-1], RUNNING)]
        return {"dailyRevenue": [{"date": day, "usdValue": value} for day, value in rows]}

    def _dune(self, *_: object) -> Any:
        rows = [{"block_date": f"{d} 00:00:00.000 UTC", "burned": x}
                for d, x in zip(DAYS, (10.5, 11, "12", RUNNING), strict=True)]  # fmt: skip
        columns = {
            "column_names": ["block_date", "burned"],
            "column_types": ["timestamp", "double"],
        }
        counts = ["row_count", "total_row_count", "result_set_bytes", "total_result_set_bytes"]
        counts += ["datapoint_count", "pending_time_millis", "execution_time_millis"]
        return {
            "execution_id": "01HK",
            "query_id": 1234,
            "is_execution_finished": True,
            "state": "QUERY_STATE_COMPLETED",
            "submitted_at": "2026-08-20T04:59:58.724658237Z",
            "expires_at": "2026-11-19T09:00:10.724658237Z",
            "execution_started_at": "2026-08-20T05:00:00.724658237Z",
            "execution_ended_at": "2026-08-20T05:00:10.724658237Z",
            "result": {"rows": rows, "metadata": columns | dict.fromkeys(counts, len(rows))},
        }

    def _gpuhunt(self, path: str, _: Request) -> Any:
        provider = path.split("/")[1]
        if path.endswith("version"):
            return Response("20260820-7", content_type="text/plain")
        header = "instance_name,location,price,cpu,memory,gpu_count,gpu_name,gpu_memory,spot"
        header += ",disk_size,gpu_vendor,flags,cpu_arch,provider_data"
        rows = [
            f"big,here,{8 * ASKED[provider] * weight(key)},96,1152.0,8,{card},{memory}.0,False"
            ",,nvidia,,x86,{}"
            for key in self._keys("gpuhunt")
            for card, _, memory in [key.partition(":")]
        ]
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{provider}.csv", "\n".join([header, *rows]) + "\n")
        return Response(buffer.getvalue(), content_type="application/zip")

    def _vast(self, _: str, request: Request) -> Any:
        query = request.get_json()
        card, memory = query["gpu_name"]["eq"], query.get("gpu_ram", {"gte": 24_000})
        usual = {"gpu_name": card, "num_gpus": 1, "gpu_ram": memory["gte"] + 1}
        usual |= {"reliability2": 0.99, "verification": "verified", "rented": False}
        return {"offers": [usual | {"dph_total": x * weight(card)} for x in OFFERS]}

    def _runpod(self, *_: object) -> Any:
        stock = {"minimumBidPrice": 1, "uninterruptablePrice": 1, "stockStatus": "High"}
        cards = [key.removesuffix("/secure") for key in self._keys("runpod")]
        types = [
            {"id": card, "displayName": card[7:], "memoryInGb": 1, "lowestPrice": stock}
            | {"securePrice": 0.5 * weight(card), "communityPrice": 0.3 * weight(card)}
            for card in cards
        ]
        return {"data": {"gpuTypes": types}}

    def _salad(self, *_: object) -> Any:
        return [
            {"name": f"NVIDIA GeForce {key}", "displayName": key, "variantNames": []}
            | {"utilizationPct": 62.5, "earningRates": {"avgEarningRate": 0.15 * weight(key)}}
            for key in self._keys("salad")
        ]

    def _ornn(self, path: str, _: Request) -> Any:
        card = path.split("/")[1]
        rows = [("2026-08-18", 1.8), (LAST, 1.9), (DAYS[-1], 9.9)]
        data = [
            {"timestamp": f"{day}T05:00:00.000Z", "index_value": x * weight(card)}
            for day, x in rows
        ]
        return {"success": True, "gpu_type": card, "data": data}

    def _getflops(self, path: str, _: Request) -> Any:
        card = path.rpartition("/")[2]
        usual = {"num_offers": 38, "min": 0.1, "mean": 0.2, "max": 900.0, "provider": "vast.ai"}
        usual |= {"pricing_type": "on-demand"}
        rows = [(f"{LAST}T06:00:00", 0.3), (f"{LAST}T18:00:00", 0.35), (f"{DAYS[-1]}T05:00:00", 9)]
        history = [usual | {"fetched_at": at, "median": x * weight(card)} for at, x in rows]
        return {"gpu_name": card, "history": history}


def _bids(key: str) -> dict[str, Any]:
    """Return what providers of Akash ask for one card."""
    _, model, memory, interface = [*key.split("/"), "48Gi", "PCIe"][:4]
    price = {"currency": "USD", "min": 0.1, "max": 90, "avg": 1, "med": 0.39 * weight(key)}
    there = {"total": 5, "available": 3}
    return {"vendor": "nvidia", "model": model, "ram": memory, "interface": interface,
            "availability": there, "providerAvailability": there, "price": price}  # fmt: skip
