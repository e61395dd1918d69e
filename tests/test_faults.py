"""An update of the whole catalogue, with every upstream in order, at fault, or out of reach."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import logging
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd
import pytest
import yfinance
from pytest_httpserver import HTTPServer
from typer.testing import CliRunner
from werkzeug import Request, Response

from research import catalogue, config, sources
from research.__main__ import app
from research.sources import web, yahoo
from research.store import Store
from research.update import update
from research.update.outcomes import Asked, Updated
from tests.upstreams import LAST, NOW, OWN_FEEDS, PLANTED, RUNNING, Upstreams, expected

SUBJECTS = {  # what an upstream at fault is asked for, along with others
    **dict.fromkeys(("coingecko", "yahoo", "defillama", "nosana"), "nosana"),
    **dict.fromkeys(("binance", "bybit", "golem"), "golem"),
    **dict.fromkeys(("dune", "depin_ninja", "aethir"), "theta"),
    **dict.fromkeys(
        ("akash", "gpuhunt", "vast", "runpod", "salad", "ornn", "getflops"), "rtx-5090"
    ),
    "akash_lcd": "akash",
    "render": "render",
    "ionet": "io-net",
    "livepeer": "livepeer",
}
IN_TABLE_EVERY = 7  # cell of the table, unless all are asked for
BUDGET_SECONDS = {"silence": 3.0, "429, 1 s": 3.0}
ROOMY_SECONDS = 30.0
CELLS: dict[tuple[str, str], str] = {}  # the table
USUAL: dict[str, dict[tuple[str, str | None], tuple[str, int]]] = {}  # by subject, without a fault


def _echo(request: Request) -> str:
    """Return the key that was sent, which a careless upstream repeats."""
    return next((value for value in request.headers.values() if PLANTED in value), "no key")


def _status(status: int, **headers: str) -> Callable[[Request, Response], Response]:
    def answer(request: Request, _: Response) -> Response:
        said = json.dumps({"error": f"HTTP {status} for {_echo(request)}"})
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return Response(said, status=status, headers=names, content_type="application/json")

    return answer


def _page(request: Request, _: Response) -> Response:
    return Response(
        f"<!DOCTYPE html><html><body>Just a moment, {_echo(request)}</body></html>",
        content_type="text/html",
    )


def _cut(_: Request, right: Response) -> Response:
    whole = right.get_data()
    return Response(whole[: len(whole) // 2], content_type=right.content_type)


class _Promising(Response):
    """An answer that says that it is longer than it is."""

    automatically_set_content_length = False


def _drop(_: Request, right: Response) -> Response:
    whole = right.get_data()
    length = {"Content-Length": str(len(whole))}
    return _Promising(whole[: len(whole) // 2], headers=length, content_type=right.content_type)


def _empty(*_: object) -> Response:
    return Response("[]", content_type="application/json")


FAULTS: dict[str, tuple[Callable[[Request, Response], Response] | None, set[str]]] = {
    "401": (_status(401), {"needs key", "unavailable"}),
    "404": (_status(404), {"unavailable", "empty"}),
    "429": (_status(429), {"rate limited"}),
    "429, 1 s": (_status(429, Retry_After="1"), {"rate limited"}),
    "429, 1 day": (_status(429, Retry_After="86400"), {"rate limited"}),
    "500": (_status(500), {"unavailable"}),
    "502": (_status(502), {"unavailable"}),
    "page": (_page, {"schema changed", "unavailable"}),
    "cut off": (_cut, {"schema changed", "unavailable"}),
    "dropped": (_drop, {"unavailable"}),
    "empty list": (_empty, {"empty", "schema changed"}),
    "silence": (None, {"unavailable"}),
}
NUMBERS = itertools.count()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make the cells of the table: all, or so many that each row and column has some."""
    if {"source", "fault"} <= {*metafunc.fixturenames}:
        cells = [
            (source, fault)
            for row, source in enumerate(sources.SOURCES)
            for column, fault in enumerate(FAULTS)
            if metafunc.config.getoption("--all-faults") or (row + column) % IN_TABLE_EVERY == 0
        ]
        metafunc.parametrize(("source", "fault"), cells)


@pytest.fixture(scope="module")
def server() -> Iterator[HTTPServer]:
    with HTTPServer(threaded=True) as server:
        yield server


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Set up a machine of our own, on which nothing was asked before."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("RESEARCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("RESEARCH_CATALOGUE", str(tmp_path / "catalogue"))
    monkeypatch.setattr(yfinance.base, "_tz_info_fetch_ctr", 0)
    monkeypatch.setattr(yfinance.cache._TzCacheManager, "_tz_cache", None)
    monkeypatch.setattr(yfinance.cache._CookieCacheManager, "_Cookie_cache", None)
    yahoo.prepare.cache_clear()
    config.settings.cache_clear()
    yield monkeypatch
    config.settings.cache_clear()


@pytest.fixture
def upstreams(
    tmp_path: Path, server: HTTPServer, settings: pytest.MonkeyPatch
) -> Iterator[Upstreams]:
    """All upstreams on the local server, to be asked without a pause."""
    (tmp_path / "catalogue").mkdir()
    rate = "requests_per_minute = 60000\nrequests_per_minute_with_key = 60000\n"
    own = [OWN_FEEDS, *(f"[sources.{name}]\n{rate}" for name in sources.SOURCES)]
    (tmp_path / "catalogue" / "own.toml").write_text("\n".join(own))
    settings.setattr(web, "BACK_OFF_SECONDS", 0.02)
    made = Upstreams(server, f"run-{next(NUMBERS)}")
    for name, value in made.environment().items():
        settings.setenv(name, value)
    config.settings.cache_clear()
    yield made
    made.over.set()


def of(rows: tuple[Asked, ...]) -> dict[tuple[str, str | None], tuple[str, int]]:
    return {(row.series, row.source): (row.outcome, row.new) for row in rows}


def check_no_key(folder: Path, store: Path, done: Updated, *outputs: str) -> None:
    """Fail if a key is in a file, in what was stored, or in what was said."""
    for path in folder.rglob("*"):
        if path.is_file():
            assert PLANTED.encode() not in path.read_bytes(), path
    said = [repr(done), done.revised.to_csv(), done.refused.to_csv(), *outputs]
    if Store(str(store)).exists():
        said.append(Store(str(store)).read().to_csv())
    assert not [text for text in said if PLANTED in text]


def all_at_once() -> str:
    """Return the catalogue's feeds in TOML, with what stands in for another asked along with it."""
    known = catalogue.load()
    tables: dict[str, Mapping[str, Any]] = {
        "networks": known.networks,
        "factors": known.factors,
        "gpus": known.gpus,
    }
    lines: list[str] = []
    for table, entries in tables.items():
        for name, entry in entries.items():
            later = {of: feeds for of, feeds in entry.feeds.items() if len(feeds) > 1}
            lines += [f"[{table}.{name}.feeds]"] * bool(later)
            for of_measure, (first, *rest) in later.items():
                marks = [(first, ""), *((feed, ", referee = true") for feed in rest)]
                told = [
                    f'{{ source = "{feed.source}", key = {json.dumps(feed.key)}{mark} }}'
                    for feed, mark in marks
                ]
                lines.append(f"{of_measure} = [{', '.join(told)}]")
    return "\n".join(lines)


def test_every_feed_of_the_catalogue_is_stored_with_its_right_value(
    upstreams: Upstreams, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    feeds = [*upstreams.feeds()]
    (tmp_path / "catalogue" / "with-own-at-once.toml").write_text(all_at_once())
    caplog.set_level(logging.DEBUG)
    store, lines = tmp_path / "store", list[str]()
    done = update(store=str(store), now=NOW, budget_seconds=120, tell=lines.append)
    assert [row.series for row in done.asked if row.outcome != "answered"] == ["kazam"]
    assert (done.wanting, len(done.refused)) == ((), 0)
    assert {*upstreams.asked} == {*sources.SOURCES}
    held = Store(str(store)).read().sort_values("date")
    newest = held.drop_duplicates(["series", "source"], keep="last")
    found = {
        (row["series"], row["source"]): (row["date"].date().isoformat(), row["value"])
        for row in newest.to_dict("records")
    }
    for subject, measure, feed in feeds:
        day, value = expected(measure, feed)
        at = (f"{subject}.{measure}", feed.source)
        assert (at, found[at]) == (at, (day, pytest.approx(value)))
    assert held["date"].max() == pd.Timestamp(LAST)
    assert RUNNING not in {*held["value"]}
    check_no_key(tmp_path, store, done, *lines, caplog.text, *upstreams.urls)


def test_a_second_update_asks_only_for_what_can_be_new(
    upstreams: Upstreams, tmp_path: Path
) -> None:
    store = str(tmp_path / "store")
    first = update(store=store, now=NOW, budget_seconds=120)
    before = upstreams.asked.total()
    upstreams.asked.clear()
    later = NOW + dt.timedelta(minutes=5)
    second = update(store=store, now=later, budget_seconds=120)
    known = catalogue.load().sources
    rewriting = {name for name in known if known[name].revision_days and not known[name].snapshot}
    assert {*upstreams.asked} == rewriting
    assert upstreams.asked.total() < 0.4 * before
    assert {row.outcome for row in second.asked} == {"answered", "current", "no source"}
    assert sum(row.requests for row in first.asked) == before
    assert sum(row.requests for row in second.asked) == upstreams.asked.total()
    assert not sum(row.new + row.revised for row in second.asked)
    sys.stdout.write(f"\n{before} requests, and {upstreams.asked.total()} right after\n")


def test_a_cell_of_the_table_has_a_named_outcome_and_others_are_unharmed(
    source: str,
    fault: str,
    upstreams: Upstreams,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    subject = SUBJECTS[source]
    if subject not in USUAL:
        usual = update([subject], store=str(tmp_path / "usual"), now=NOW)
        assert {row.outcome for row in usual.asked} == {"answered"}
        USUAL[subject] = of(usual.asked)
        upstreams.urls.clear()
    answer, accepted = FAULTS[fault]
    upstreams.faults[source] = answer or upstreams.silence
    caplog.set_level(logging.DEBUG)
    budget, lines = BUDGET_SECONDS.get(fault, ROOMY_SECONDS), list[str]()
    store, started = tmp_path / "store", time.monotonic()
    done = update([subject], store=str(store), now=NOW, budget_seconds=budget, tell=lines.append)
    assert time.monotonic() - started <= budget
    mine = [row for row in done.asked if row.source == source]
    CELLS[source, fault] = " or ".join(sorted({row.outcome for row in mine}))
    assert mine
    assert {row.outcome for row in mine} <= accepted, mine
    assert all(row.reason for row in mine)
    found = of(done.asked)
    others = {at: told for at, told in USUAL[subject].items() if at[1] != source}
    assert others
    assert {at: found[at] for at in others} == others
    check_no_key(tmp_path, store, done, *lines, caplog.text, *capfd.readouterr(), *upstreams.urls)


def test_the_table_of_sources_and_faults(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert CELLS, "the cells of the table are tests of their own, which come before"
    width = max(map(len, sources.SOURCES))
    columns = {fault: max(len(fault), 14) for fault in FAULTS}
    columns["empty list"] = len("empty or schema changed")
    lines = [" " * width + "".join(f"  {fault:{n}}" for fault, n in columns.items()).rstrip()]
    for source in sources.SOURCES:
        cells = "".join(f"  {CELLS.get((source, fault), ''):{n}}" for fault, n in columns.items())
        lines.append(f"{source:{width}}{cells}".rstrip())
    table = tmp_path / "faults.txt"
    table.write_text("\n".join(lines) + "\n")
    with capsys.disabled():
        sys.stdout.write(f"\n{table.read_text()}in {table}\n")


@pytest.fixture
def nowhere(settings: pytest.MonkeyPatch) -> None:
    """Have every upstream at a port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    for name in sources.SOURCES:
        settings.setenv(f"RESEARCH_URLS__{name.upper()}", f"http://127.0.0.1:{port}")
        settings.setenv(f"RESEARCH_KEYS__{name.upper()}", f"{PLANTED}-{name}")
        settings.setenv(f"RESEARCH_SWITCHED_ON__{name.upper()}", "1")
    config.settings.cache_clear()


def outcomes(answer: str) -> dict[str, set[str]]:
    """Return the outcomes by source that `update --json` tells."""
    found: dict[str, set[str]] = {}
    for row in json.loads(answer)["asked"]:
        if row["source"] is not None:
            found.setdefault(row["source"], set()).add(row["outcome"])
    return found


@pytest.mark.usefixtures("nowhere")
def test_without_a_network_an_update_ends_soon_and_says_so_of_each_source(tmp_path: Path) -> None:
    started = time.monotonic()
    done = CliRunner().invoke(app, ["update", "--store", str(tmp_path / "store"), "--json"])
    seconds = time.monotonic() - started
    assert done.exit_code == 3
    assert seconds < 60
    found = outcomes(done.stdout)
    assert {*found} >= {*sources.SOURCES} - {"dune"}  # of which the catalogue has no feed
    assert {outcome for told in found.values() for outcome in told} == {"unavailable"}
    assert [name for name in found if f"{name}: 0 of " not in done.stderr] == []
    assert PLANTED not in done.output
    sys.stdout.write(f"\nwithout a network: {seconds:.1f} s\n")


@pytest.mark.usefixtures("nowhere")
def test_offline_opens_no_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = list[Any]()

    def refuse(*args: Any, **_: Any) -> NoReturn:
        tried.append(args)
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    arguments = ["update", "--offline", "--store", str(tmp_path / "store"), "--json"]
    done = CliRunner().invoke(app, arguments)
    assert (done.exit_code, tried) == (3, [])
    assert {outcome for told in outcomes(done.stdout).values() for outcome in told} == {
        "unavailable"
    }
