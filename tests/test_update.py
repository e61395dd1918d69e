"""An update asks for what the store lacks, within its budget, and says what came of it."""

import datetime as dt
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd
import pytest
from pytest_httpserver import HTTPServer
from typer.testing import CliRunner, Result
from werkzeug import Request, Response

from research import config, sources
from research.__main__ import app
from research.errors import UsageError
from research.sources import Wanted
from research.sources.web import Web
from research.store import Store
from research.update import update
from research.update.outcomes import Asked, Updated

NOW = dt.datetime(2026, 8, 20, 6, tzinfo=dt.UTC)  # a Thursday
KEY = "sesame-0815"

UPSTREAM = """
[sources.{id}]
name = "{id}"
url = "http://127.0.0.1:9"
terms = "free"
attribution = "{id}"
documented = true
switched_on = {switched_on}
key = "{key}"
requests_per_minute = 60000
revision_days = {revision_days}
snapshot = {snapshot}
kind = "vendor"
source = "me"
date = 2026-01-02
grade = "D"
"""
NETWORK = """
[networks.my-net]
name = "My Net"
symbol = "MYN"
status = "listed"
role = "reference"
chain = "Solana"
primary_use = "tests"
source = "me"
date = 2026-01-02
grade = "C"
[networks.my-net.feeds]
{feeds}
"""
PRICE = 'price_usd = [{ source = "first", key = "price" }, { source = "second", key = "price" }]'


class Tiny:
    """An upstream whose answers are the frames themselves, under the path of the key."""

    def fetch(self, wanted: Wanted, web: Web, _now: dt.datetime) -> pd.DataFrame:
        since = {"since": str(wanted.since)} if wanted.since else None
        told = pd.DataFrame(web.json(f"/{wanted.key}", params=since)["rows"])
        return told.assign(date=pd.to_datetime(told["date"]))


class Buggy:
    """An upstream whose parser has a bug."""

    def fetch(self, _wanted: Wanted, web: Web, _now: dt.datetime) -> pd.DataFrame:
        raise AttributeError(f"no 'rows' in the answer of {web.base_url}?key={web.key}")


def days(*values: float, last: str = "2026-08-19", **more: Any) -> dict[str, Any]:
    """Return an answer with one row a day, the last one of `last`."""
    dates = pd.date_range(end=last, periods=len(values)).strftime("%Y-%m-%d")
    return {"rows": [{"date": d, "value": v} | more for d, v in zip(dates, values, strict=True)]}


class World:
    """A catalogue, upstreams on a local server, and a store."""

    def __init__(self, folder: Path, server: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.server, self.monkeypatch = folder, server, monkeypatch
        self.store = str(folder / "store")
        (folder / "catalogue").mkdir()
        monkeypatch.setenv("RESEARCH_CATALOGUE", str(folder / "catalogue"))
        monkeypatch.setenv("RESEARCH_KEYS__FIRST", KEY)
        for name in ("first", "second", "third"):
            self.upstream(name)
        self.feeds(PRICE)

    def upstream(
        self,
        name: str,
        cls: type = Tiny,
        *,
        switched_on: bool = True,
        key: str = "none",
        revision_days: int = 0,
        snapshot: bool = False,
    ) -> None:
        text = UPSTREAM.format(
            id=name,
            switched_on=str(switched_on).lower(),
            key=key,
            revision_days=revision_days,
            snapshot=str(snapshot).lower(),
        )
        (self.folder / "catalogue" / f"{name}.toml").write_text(text)
        self.monkeypatch.setenv(f"RESEARCH_URLS__{name.upper()}", self.server.url_for(f"/{name}"))
        self.monkeypatch.setitem(sources.SOURCES, name, f"{__name__}:{cls.__name__}")
        config.settings.cache_clear()

    def feeds(self, text: str) -> None:
        (self.folder / "catalogue" / "my-net.toml").write_text(NETWORK.format(feeds=text))

    def says(self, path: str, answer: Any, status: int = 200) -> None:
        self.server.expect_request(path).respond_with_json(answer, status=status)

    def lacks(self, *paths: str) -> None:
        for path in paths:
            self.says(path, {"error": "not here"}, status=404)

    def update(self, *, now: dt.datetime = NOW, budget: float = 30, **how: Any) -> Updated:
        subjects = how.pop("subjects", ["my-net"])
        return update(subjects, store=self.store, now=now, budget_seconds=budget, **how)

    def read(self, series: str = "my-net.price_usd") -> pd.DataFrame:
        return Store(self.store).read([series])

    def asked(self) -> list[str]:
        """Return the paths and queries that the server was asked for, and forget them."""
        seen = [request.full_path.rstrip("?") for request, _ in self.server.log]
        self.server.clear_log()
        return sorted(seen)


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer(threaded=True) as server:  # several upstreams are asked at the same time
        yield server


@pytest.fixture
def world(tmp_path: Path, server: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    yield World(tmp_path, server, monkeypatch)
    config.settings.cache_clear()


def row(done: Updated, source: str, series: str = "my-net.price_usd") -> Asked:
    [found] = [each for each in done.asked if (each.series, each.source) == (series, source)]
    return found


def test_what_was_told_is_stored_with_its_unit_kind_source_and_time(world: World) -> None:
    world.says("/first/price", days(1.5, 2.5))
    done = world.update()
    held = world.read()
    assert held["value"].tolist() == [1.5, 2.5]
    assert held["date"].dt.strftime("%Y-%m-%d").tolist() == ["2026-08-18", "2026-08-19"]
    assert set(held["unit"]) == {"USD"}
    assert set(held["kind"]) == {"vendor"}
    assert set(held["known_at"]) == {pd.Timestamp(NOW)}
    assert row(done, "first") == Asked(
        series="my-net.price_usd",
        source="first",
        outcome="answered",
        new=2,
        requests=1,
        age_days=1,
    )
    assert done.wanting == ()


def test_the_next_source_is_asked_only_if_the_one_before_failed(world: World) -> None:
    world.says("/first/price", days(1.5))
    done = world.update()
    assert [each.source for each in done.asked] == ["first"]
    assert world.asked() == ["/first/price"]


def test_the_fallback_is_used_and_recorded(world: World) -> None:
    world.lacks("/first/price")
    world.says("/second/price", days(1.5))
    done = world.update()
    assert (row(done, "first").outcome, row(done, "first").reason) == ("unavailable", "HTTP 404")
    assert row(done, "first").next_source == "second"
    assert row(done, "second").outcome == "answered"
    assert set(world.read()["source"]) == {"second"}
    assert done.wanting == ()


def test_a_referee_is_asked_although_the_first_answered(world: World) -> None:
    world.feeds(PRICE.replace(" }]", ' }, { source = "third", key = "price", referee = true }]'))
    world.says("/first/price", days(1.5))
    world.says("/third/price", days(1.6))
    done = world.update()
    assert {each.source: each.outcome for each in done.asked} == {
        "first": "answered",
        "third": "answered",
    }
    assert world.asked() == ["/first/price", "/third/price"]


def test_a_referee_stands_in_where_all_others_failed(world: World) -> None:
    world.feeds(PRICE.replace(" }]", ' }, { source = "third", key = "price", referee = true }]'))
    world.says("/third/price", days(1.6))
    world.lacks("/first/price", "/second/price")
    done = world.update()
    assert row(done, "first").next_source == row(done, "second").next_source == "third"


def test_a_second_update_right_after_asks_for_nothing_that_cannot_be_new(world: World) -> None:
    world.says("/first/price", days(1.5, 2.5))
    world.update()
    world.asked()
    done = world.update(now=NOW + dt.timedelta(minutes=5))
    assert world.asked() == []
    assert (row(done, "first").outcome, row(done, "first").age_days) == ("current", 1)
    assert Store(world.store).version() == 0


def test_on_the_next_day_the_days_since_the_last_one_are_asked_for(world: World) -> None:
    world.says("/first/price", days(1.5, 2.5))
    world.update()
    world.update(now=NOW + dt.timedelta(days=1))
    assert world.asked() == ["/first/price", "/first/price?since=2026-08-19"]


def test_a_source_that_rewrites_its_history_is_asked_for_that_much_again(world: World) -> None:
    world.upstream("first", revision_days=7)
    world.says("/first/price", days(1.5, 2.5))
    world.update()
    world.asked()
    done = world.update(now=NOW + dt.timedelta(minutes=5))
    assert world.asked() == ["/first/price?since=2026-08-12"]
    assert (row(done, "first").new, row(done, "first").unchanged) == (0, 2)


def test_a_snapshot_is_taken_once_a_day(world: World) -> None:
    world.upstream("first", snapshot=True, revision_days=3)
    world.says("/first/price", days(1.5))
    world.update()
    world.update(now=NOW + dt.timedelta(hours=9))
    assert world.asked() == ["/first/price"]


def test_a_week_that_is_not_over_is_not_asked_for(world: World) -> None:
    world.says("/first/price", days(1.5, last="2026-08-16", period_days=7))
    world.update()
    world.asked()
    assert row(world.update(), "first").outcome == "current"
    assert row(world.update(now=NOW + dt.timedelta(days=4)), "first").outcome == "answered"


def test_a_restatement_is_reported_with_what_was_said_before(world: World) -> None:
    world.upstream("first", revision_days=7)
    world.server.expect_ordered_request("/first/price").respond_with_json(days(1.5, 2.5))
    world.server.expect_ordered_request("/first/price").respond_with_json(days(1.5, 2.75))
    world.update()
    done = world.update(now=NOW + dt.timedelta(hours=1))
    assert row(done, "first").revised == 1
    [revised] = done.revised.to_dict("records")
    assert (revised["series"], revised["was"], revised["now"]) == ("my-net.price_usd", 2.5, 2.75)
    assert world.read()["value"].tolist() == [1.5, 2.75]


def test_series_of_one_key_are_asked_for_together_and_stored_in_one_commit(world: World) -> None:
    feeds = [
        f'{name} = [{{ source = "first", key = "all" }}]' for name in ("price_usd", "volume_usd")
    ]
    world.feeds("\n".join(feeds))
    both = [days(1.5, series="my-net.price_usd"), days(7.0, series="my-net.volume_usd")]
    world.says("/first/all", {"rows": [each for one in both for each in one["rows"]]})
    done = world.update()
    assert [(each.series, each.outcome, each.requests) for each in done.asked] == [
        ("my-net.price_usd", "answered", 1),
        ("my-net.volume_usd", "answered", 0),
    ]
    assert Store(world.store).version() == 0
    assert world.read("my-net.volume_usd")["value"].tolist() == [7.0]


def test_a_source_waits_with_its_one_commit_until_no_fallback_can_come_to_it(
    world: World,
) -> None:
    world.feeds(PRICE + '\nvolume_usd = [{ source = "second", key = "volume" }]')

    def refuse_late(_: Request) -> Response:
        time.sleep(0.5)
        return Response("{}", status=404)

    world.server.expect_request("/first/price").respond_with_handler(refuse_late)
    world.says("/second/price", days(1.5))
    world.says("/second/volume", days(7.0))
    lines: list[str] = []
    world.update(tell=lines.append)
    assert Store(world.store).version() == 0
    assert [line.partition(",")[0] for line in lines] == [
        "first: 0 of 1 series answered",
        "second: 2 of 2 series answered",
    ]


def test_a_series_that_its_key_does_not_tell_is_empty(world: World) -> None:
    feeds = [
        f'{name} = [{{ source = "first", key = "all" }}]' for name in ("price_usd", "volume_usd")
    ]
    world.feeds("\n".join(feeds))
    world.says("/first/all", days(1.5, series="my-net.price_usd"))
    done = world.update()
    volume = row(done, "first", "my-net.volume_usd")
    assert (volume.outcome, volume.reason) == ("empty", "the answer has none of it")


def test_what_cannot_be_true_is_refused_and_named_and_the_rest_is_stored(world: World) -> None:
    world.says("/first/price", days(1.5, -2.0, 0.0, 2.5))
    done = world.update()
    assert world.read()["value"].tolist() == [1.5, 2.5]
    assert (row(done, "first").new, row(done, "first").refused) == (2, 2)
    assert done.refused["value"].tolist() == [-2.0, 0.0]
    assert set(done.refused["reason"]) == {"out of bounds, above 0 USD"}


def test_a_source_whose_every_row_is_refused_has_failed(world: World) -> None:
    world.says("/first/price", days(0.0, 0.0))
    world.says("/second/price", days(1.5))
    done = world.update()
    first = row(done, "first")
    assert (first.outcome, first.refused, first.next_source) == ("refused", 2, "second")


def test_the_running_day_is_never_stored(world: World) -> None:
    world.says("/first/price", days(1.5, 2.5, last="2026-08-20"))
    done = world.update()
    assert world.read()["value"].tolist() == [1.5]
    assert done.refused["reason"].tolist() == ["its day is not over"]


def test_a_series_that_the_catalogue_does_not_know_is_refused(world: World) -> None:
    world.says("/first/price", days(1.5, series="my-net.happiness"))
    world.says("/second/price", days(1.5))
    done = world.update()
    assert row(done, "first").outcome == "empty"
    assert row(done, "first", "my-net.happiness").reason.endswith("no such series in the catalogue")
    assert row(done, "second").outcome == "answered"


def test_two_different_values_of_one_day_are_refused_whole(world: World) -> None:
    twice = {"rows": days(1.5)["rows"] + days(2.5)["rows"]}
    world.says("/first/price", twice)
    world.says("/second/price", days(1.5))
    done = world.update()
    assert row(done, "first").outcome == "refused"
    assert set(world.read()["source"]) == {"second"}


def test_a_bug_in_a_parser_is_reported_and_stops_nobody_else(world: World) -> None:
    world.upstream("first", Buggy, key="optional")
    world.says("/second/price", days(1.5))
    lines: list[str] = []
    done = world.update(tell=lines.append)
    first = row(done, "first")
    assert first.outcome == "fault of ours"
    assert first.reason.startswith("AttributeError in test_update.py:")
    assert "no 'rows' in the answer" in first.reason
    assert KEY not in repr(done) + " ".join(lines)
    assert [line for line in lines if line.startswith("first: ") and "fault of ours" in line]
    assert row(done, "second").outcome == "answered"


def test_an_upstream_without_a_file_of_its_own_is_a_fault_of_ours(world: World) -> None:
    world.monkeypatch.setitem(sources.SOURCES, "first", "research.sources.nowhere:Nobody")
    world.says("/second/price", days(1.5))
    done = world.update()
    assert row(done, "first").outcome == "fault of ours"
    assert row(done, "second").outcome == "answered"


def test_what_its_owner_does_not_document_is_asked_only_if_switched_on(world: World) -> None:
    world.upstream("first", switched_on=False)
    world.says("/first/price", days(1.5))
    world.says("/second/price", days(1.6))
    first = row(world.update(), "first")
    assert first.outcome == "switched off"
    assert "RESEARCH_SWITCHED_ON__FIRST=1" in first.reason
    assert world.asked() == ["/second/price"]
    world.monkeypatch.setenv("RESEARCH_SWITCHED_ON__FIRST", "1")
    config.settings.cache_clear()
    assert row(world.update(), "first").outcome == "answered"


def test_a_key_that_is_missing_is_named_and_nothing_is_asked(world: World) -> None:
    world.upstream("second", key="required")
    world.lacks("/first/price")
    second = row(world.update(), "second")
    assert (second.outcome, second.reason) == ("needs key", "set RESEARCH_KEYS__SECOND")
    assert world.asked() == ["/first/price"]


def test_no_key_is_in_what_is_said_of_a_refusal(world: World) -> None:
    world.upstream("first", key="optional")
    world.says("/first/price", {"error": f"bad key {KEY}"}, status=401)
    world.lacks("/second/price")
    lines: list[str] = []
    done = world.update(tell=lines.append)
    assert row(done, "first").outcome == "needs key"
    assert KEY not in repr(done) + " ".join(lines)


def silent(ends: threading.Event) -> Callable[[Request], Response]:
    def answer(_: Request) -> Response:
        ends.wait(20)
        return Response("{}")

    return answer


def test_a_server_that_never_answers_does_not_outlive_the_budget(world: World) -> None:
    ends = threading.Event()
    world.lacks("/second/price")
    world.server.expect_request("/first/price").respond_with_handler(silent(ends))
    world.feeds(PRICE + '\nvolume_usd = [{ source = "third", key = "volume" }]')
    world.says("/third/volume", days(7.0))
    started = time.monotonic()
    done = world.update(budget=3)
    elapsed = time.monotonic() - started
    ends.set()
    assert elapsed < 3
    assert row(done, "first").outcome == "unavailable"
    assert world.read("my-net.volume_usd")["value"].tolist() == [7.0]
    assert [str(each) for each in done.wanting] == [
        "my-net.price_usd is required, and the store has nothing of it"
    ]


class Stuck:
    """An upstream whose client has a socket and patience of its own."""

    def fetch(self, _wanted: Wanted, _web: Web, _now: dt.datetime) -> pd.DataFrame:
        time.sleep(8)
        raise AssertionError("too late to matter")


def test_a_client_that_hangs_is_left_behind_when_the_budget_ends(world: World) -> None:
    world.upstream("first", Stuck)
    started = time.monotonic()
    done = world.update(budget=2)
    assert time.monotonic() - started < 2
    assert row(done, "first").reason == "no answer within the budget of 2 s"


def test_upstreams_are_asked_side_by_side(world: World) -> None:
    both = threading.Barrier(2, timeout=10)

    def meet(_: Request) -> Response:
        both.wait()
        return Response(json.dumps(days(1.5)))

    world.feeds(PRICE.replace(' }, { source = "second"', ' }, { referee = true, source = "second"'))
    world.server.expect_request("/first/price").respond_with_handler(meet)
    world.server.expect_request("/second/price").respond_with_handler(meet)
    assert {each.outcome for each in world.update().asked} == {"answered"}


def test_two_updates_at_once_store_every_day_once_for_a_reader(world: World) -> None:
    world.upstream("first", revision_days=7)
    world.says("/first/price", days(*range(1, 101)))
    done: list[Updated] = []
    threads = [threading.Thread(target=lambda: done.append(world.update())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 2
    assert {row(each, "first").outcome for each in done} == {"answered"}
    held = world.read()
    assert held["value"].tolist() == [float(value) for value in range(1, 101)]
    assert not held.duplicated(["series", "source", "date"]).any()


def test_offline_opens_no_socket(world: World) -> None:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise AssertionError("a socket")

    world.monkeypatch.setattr(socket, "socket", refuse)
    world.monkeypatch.setattr(socket, "getaddrinfo", refuse)
    lines: list[str] = []
    done = world.update(offline=True, subjects=(), tell=lines.append)
    assert {each.outcome for each in done.asked} == {"unavailable", "no source"}
    assert {each.reason for each in done.asked if each.source} == {"offline"}
    assert len(lines) == len({each.source for each in done.asked if each.source})
    assert "akash.price_usd" in [each.series for each in done.wanting]
    assert not Path(world.store).exists()


def test_a_network_without_public_data_keeps_its_row(world: World) -> None:
    [kazam] = world.update(subjects=["KZM"]).asked
    assert (kazam.series, kazam.source, kazam.outcome) == ("kazam", None, "no source")
    assert kazam.reason.startswith("no public data found as of 2026-11-22; `research import FILE")


def test_a_required_series_that_is_four_days_old_is_wanting(world: World) -> None:
    world.says("/first/price", days(1.5, last="2026-08-17"))
    assert world.update().wanting == ()
    [old] = world.update(now=NOW + dt.timedelta(days=1)).wanting
    assert str(old) == ("my-net.price_usd is required, and its last day, 2026-08-17, is 4 days old")


def test_a_required_series_may_come_from_a_file_of_ones_own(world: World) -> None:
    file = world.folder / "mine.csv"
    file.write_text("date,MYN\n2026-08-19,1.5\n")
    run("import", file, "--measure", "price_usd", "--store", world.store)
    assert world.update(offline=True).wanting == ()


FACTOR = """
[factors.my-share]
name = "My share"
symbol = "MYS"
calendar = "exchange-sessions"
identifiers = {}
source = "me"
date = 2026-01-02
grade = "D"
feeds.price_usd = [{ source = "first", key = "share" }]
"""


def test_a_share_has_nothing_new_on_a_weekend_and_is_not_old_after_it(world: World) -> None:
    (world.folder / "catalogue" / "share.toml").write_text(FACTOR)
    friday, sunday, wednesday = (
        dt.datetime(2026, 8, day, 6, tzinfo=dt.UTC) for day in (15, 16, 19)
    )
    world.says("/first/share", days(1.5, last="2026-08-14"))
    world.update(subjects=["MYS"], now=friday)
    world.asked()
    done = world.update(subjects=["MYS"], now=sunday)
    assert [each.outcome for each in done.asked] == ["current"]
    assert world.asked() == []
    assert world.update(subjects=["MYS"], now=wednesday).wanting == ()  # 5 days, 3 of them open


@pytest.mark.parametrize("budget", [0, -1, float("nan"), float("inf")])
def test_a_budget_that_is_none_is_refused(world: World, budget: float) -> None:
    with pytest.raises(UsageError, match="a number above 0"):
        world.update(budget=budget)


def test_the_simulated_market_and_unknown_subjects_are_refused(world: World) -> None:
    with pytest.raises(UsageError, match="simulated market"):
        update(store="sample")
    with pytest.raises(UsageError, match="unknown subject"):
        world.update(subjects=["nobody"])


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def yesterday() -> str:
    return str(dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1))


def test_the_command_prints_progress_and_a_table_and_exits_0(world: World) -> None:
    world.says("/first/price", days(1.5, 2.5, last=yesterday()))
    result = run("update", "MYN", "--store", world.store)
    assert result.exit_code == 0
    assert result.stderr == (
        "first: 1 of 1 series answered, 2 new, 0 revised, 0 refused, 1 request\n"
    )
    assert "my-net.price_usd" in result.stdout
    assert "2 new, 0 revised, 0 unchanged, 0 refused, 1 requests in" in result.stdout


def test_the_command_exits_3_if_a_required_series_is_missing(world: World) -> None:
    result = run("update", "MYN", "--store", world.store, "--offline")
    assert result.exit_code == 3
    assert "research: my-net.price_usd is required, and the store has nothing of it" in (
        result.stderr
    )
    assert "Traceback" not in result.output


def test_the_command_can_be_read_by_a_machine(world: World) -> None:
    world.says("/first/price", days(1.5, -1.0, last=yesterday()))
    result = run("update", "my-net", "--store", world.store, "--json", "--budget", 20)
    answer = json.loads(result.stdout)
    assert answer["asked"] == [
        {
            "series": "my-net.price_usd",
            "source": "first",
            "outcome": "answered",
            "reason": "",
            "new": 1,
            "revised": 0,
            "unchanged": 0,
            "refused": 1,
            "requests": 1,
            "age_days": 2,
            "next_source": None,
        }
    ]
    assert answer["refused"][0]["value"] == -1.0
    assert answer["wanting"] == []


@pytest.mark.parametrize("arguments", [["nobody"], ["--budget", "0"], ["--store", "sample"]])
def test_wrong_usage_of_the_command_exits_2(world: World, arguments: list[str]) -> None:
    result = run("update", *arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.output
