"""Alerts reach a mail server and a webhook: each kind once, none twice, none without cause."""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from research import config
from research.errors import AlertError, UsageError
from research.report import guard
from research.unattended import telling
from research.unattended.alerts import Seen
from research.unattended.jobs import Outcome
from research.unattended.rules import Rules
from research.unattended.telling import FILE, FOLDER, TRIES, tell
from tests.unattended.alarms import CHANCE, NAME, NOW, PLANNED, came, put

SECRET = "s3cr3t-0123456789abcdef"  # noqa: S105 - planted
FAILING = """
import datetime as dt, sys
from pathlib import Path
from research.unattended.jobs import Job, Outcome
from research.unattended.rules import Rules
from research.unattended.telling import tell

job = Job(name="weekly/akash", notebook="n", parameters={}, store=None, as_of=None, out=Path("."),
          strict=False, seconds=1, cell_seconds=1, period=None)
failed = Outcome(job=job, state="failed", page=None, reason="", attempts=1, seconds=1,
                 peak_megabytes=0)
now = dt.datetime(2026, 11, 25, 6, 5, tzinfo=dt.UTC)
tell([failed], {"weekly/akash": Rules(tell=("chat",))}, out=Path(sys.argv[1]), now=now)
"""


class Inbox:
    """What a mail server has received."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, str]] = []  # subject, text
        self.markup: list[str] = []  # the same text as HTML

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's
        mail = message_from_bytes(envelope.content, policy=policy.default)
        body, markup = mail.get_body(("plain",)), mail.get_body(("html",))
        self.markup.append("" if markup is None else markup.get_content())
        self.mails.append((mail["subject"], "" if body is None else body.get_content().strip()))
        return "250 OK"


@pytest.fixture
def mail(monkeypatch: pytest.MonkeyPatch) -> Iterator[Inbox]:
    """A mail server, whose address is that of the target `desk`."""
    inbox = Inbox()
    server = Controller(inbox, hostname="127.0.0.1", port=free_port())
    server.start()
    address = f"mailto://127.0.0.1:{server.port}?from=a@example.org&to=b@example.org"
    monkeypatch.setenv("RESEARCH_ALERTS__DESK", address)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    config.settings.cache_clear()
    yield inbox
    server.stop()
    config.settings.cache_clear()


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer) -> Iterator[HTTPServer]:
    """A webhook, whose address is that of the target `chat` and holds a secret."""
    monkeypatch.setenv(
        "RESEARCH_ALERTS__CHAT", f"json://127.0.0.1:{httpserver.port}/hooks/{SECRET}"
    )
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    config.settings.cache_clear()
    yield httpserver
    config.settings.cache_clear()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def accept(hook: HTTPServer) -> None:
    hook.expect_request(f"/hooks/{SECRET}").respond_with_data("ok")


def received(hook: HTTPServer) -> list[dict[str, Any]]:
    return [json.loads(request.data) for request, _ in hook.log]


def to(*targets: str, **chosen: Any) -> dict[str, Rules]:
    return {NAME: Rules.model_validate({"tell": targets, **chosen})}


def run(
    outcomes: Sequence[Outcome],
    rules: dict[str, Rules],
    out: Path,
    *,
    now: dt.datetime = NOW,
    overdue: dict[str, dt.datetime] | None = None,
) -> telling.Telling:
    return tell(outcomes, rules, out=out, now=now, overdue=overdue)


def test_each_kind_reaches_mail_and_webhook_once_and_none_without_cause(
    mail: Inbox, hook: HTTPServer, tmp_path: Path
) -> None:
    accept(hook)
    rules = to("desk", "chat", thresholds=[{"figure": CHANCE, "above": 60}])

    def made(verdict: str, percent: float, *flips: str) -> Outcome:
        return came(page=put(tmp_path, verdict, percent), flips=flips)

    course: list[tuple[list[Outcome], dict[str, dt.datetime] | None]] = [
        ([made("rent", 50)], {}),
        ([came("failed", reason="no data")], None),
        ([came("failed", reason="no data")], None),
        ([], {NAME: PLANNED}),  # its failure was told
        ([made("rent", 50)], None),
        ([], {NAME: PLANNED}),
        ([], {NAME: PLANNED}),
        ([made("rent", 50)], {}),
    ]
    for outcomes, overdue in course:
        assert run(outcomes, rules, tmp_path, overdue=overdue).problems == ()
    run([made("hold", 50, "It flipped.")], rules, tmp_path)
    run([made("hold", 61)], rules, tmp_path)
    run([made("hold", 62)], rules, tmp_path)

    titles = [
        f"{title}: weekly/akash"
        for title in (
            "Failed",
            "Made again",
            "Overdue",
            "Made again",
            "Verdict flipped",
            "Over its threshold",
        )
    ]
    assert [subject for subject, _ in mail.mails] == titles
    assert [each["title"] for each in received(hook)] == titles
    assert "Renting beats T-bills: 61 %, above 60." in mail.mails[-1][1]
    assert received(hook)[-1]["message"] == (
        "Renting beats T-bills: 61 %, above 60.\n\nPage: akash.html"
    )
    assert [each["type"] for each in received(hook)][:3] == ["failure", "success", "warning"]


def test_what_was_told_is_told_with_its_target(hook: HTTPServer, tmp_path: Path) -> None:
    accept(hook)
    told = run([came("failed")], to("chat"), tmp_path).told
    assert told == (telling.Told(kind="failure", report=NAME, target="chat"),)


def test_a_report_without_rules_is_not_told_and_nothing_is_written(tmp_path: Path) -> None:
    assert run([came("failed")], {}, tmp_path) == telling.Telling()
    assert list(tmp_path.iterdir()) == []


def test_a_target_that_refuses_is_tried_again_and_the_other_is_told_once(
    mail: Inbox, hook: HTTPServer, tmp_path: Path
) -> None:
    hook.expect_ordered_request(f"/hooks/{SECRET}").respond_with_data("no", status=503)
    hook.expect_ordered_request(f"/hooks/{SECRET}").respond_with_data("ok")
    rules = to("desk", "chat")

    first = run([came("failed")], rules, tmp_path)
    again = run([], rules, tmp_path)
    after = run([], rules, tmp_path)

    assert [each.target for each in first.told] == ["desk"]
    assert first.problems == (
        "chat: Failed: weekly/akash: it could not be reached, or did not take it; try 1 of 12, "
        "it is tried again by a later run",
    )
    assert ([each.target for each in again.told], again.problems) == (["chat"], ())
    assert after == telling.Telling()
    assert len(mail.mails) == 1


def test_a_target_that_is_down_is_asked_once_a_run_and_given_up_in_the_end(
    monkeypatch: pytest.MonkeyPatch, hook: HTTPServer, tmp_path: Path
) -> None:
    hook.expect_request(f"/hooks/{SECRET}").respond_with_data("no", status=500)
    rules = {name: to("chat")[NAME] for name in (NAME, "other")}
    run([came("failed"), came("failed", name="other")], rules, tmp_path)
    assert len(hook.log) == 1

    problems = [
        problem
        for hour in range(1, 90)
        for problem in run([], rules, tmp_path, now=NOW + dt.timedelta(hours=hour)).problems
    ]

    assert len(hook.log) == 2 * TRIES
    assert [each for each in problems if "given up" in each] == [
        f"chat: Failed: {name}: it could not be reached, or did not take it; try 12 of 12, it is "
        "given up"
        for name in (NAME, "other")
    ]


def test_letters_to_a_target_that_is_down_are_all_given_up_after_days(
    hook: HTTPServer, tmp_path: Path
) -> None:
    hook.expect_request(f"/hooks/{SECRET}").respond_with_data("no", status=503)
    reports = [f"weekly/{number}" for number in range(20)]
    rules = {name: to("chat")[NAME] for name in reports}
    run([came("failed", name=name) for name in reports], rules, tmp_path)
    for hour in range(6, 114, 6):
        run([], rules, tmp_path, now=NOW + dt.timedelta(hours=hour))
    assert telling.read(tmp_path).letters == []
    assert len(hook.log) <= 19  # one a run: the target is silent


def test_the_pause_before_the_next_try_doubles(hook: HTTPServer, tmp_path: Path) -> None:
    hook.expect_request(f"/hooks/{SECRET}").respond_with_data("no", status=500)
    run([came("failed")], to("chat"), tmp_path)
    for minute in range(1, 61):
        run([], to("chat"), tmp_path, now=NOW + dt.timedelta(minutes=minute))
    assert len(hook.log) == 1 + 6  # after 1, 2, 5, 12, 27 and 58 minutes


def test_a_run_killed_while_it_sends_leaves_nothing_to_be_sent_twice(
    hook: HTTPServer, tmp_path: Path
) -> None:
    hook.expect_request(f"/hooks/{SECRET}").respond_with_handler(slowly)
    process = subprocess.Popen([sys.executable, "-c", FAILING, str(tmp_path)])
    while not is_sending(tmp_path) and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()

    after = run([came("failed")], to("chat"), tmp_path)

    assert after.told == ()
    assert after.problems == (
        "chat: Failed: weekly/akash: the run that sent it was ended while it did, so it may not "
        "have arrived; it is not sent again",
    )
    assert run([came("failed")], to("chat"), tmp_path) == telling.Telling()


def slowly(_request: Request) -> Response:
    time.sleep(3)
    return Response("ok")


def is_sending(out: Path) -> bool:
    return any(letter.is_sending for letter in telling.read(out).letters)


def test_a_run_killed_before_it_sends_loses_nothing(
    monkeypatch: pytest.MonkeyPatch, hook: HTTPServer, tmp_path: Path
) -> None:
    accept(hook)
    with monkeypatch.context() as patched:
        patched.setattr(telling, "_send", killed)
        with pytest.raises(KeyboardInterrupt):
            run([came("failed")], to("chat"), tmp_path)

    assert len(run([], to("chat"), tmp_path).told) == 1
    assert len(received(hook)) == 1


def killed(*_: object) -> Iterator[telling.Told]:
    raise KeyboardInterrupt


def test_secrets_are_in_no_letter_log_problem_or_file(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    hook: HTTPServer,
    tmp_path: Path,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("RESEARCH_ALERTS__DOWN", f"json://me:{SECRET}@127.0.0.1:{free_port()}/x")
    monkeypatch.setenv("RESEARCH_ALERTS__WRONG", f"nonsense://{SECRET}")
    monkeypatch.setenv("RESEARCH_KEYS__DUNE", SECRET.upper())
    config.settings.cache_clear()
    accept(hook)
    failed = came(
        "failed",
        reason=f"refused: {SECRET.upper()} of {os.path.expanduser('~/reports/akash.html')}, see "
        f"/srv/data/x.csv and https://example.org/a/b and {SECRET}",
    )

    result = run([failed], to("chat", "down", "wrong", "unset"), tmp_path)

    (letter,) = received(hook)
    assert letter["message"].endswith(
        "refused: [...] of [...]/reports/akash.html, see x.csv and https://example.org/a/b and "
        "[...]"
    )
    assert result.problems == tuple(
        f"{target}: Failed: weekly/akash: {reason}; try 1 of 12, it is tried again by a later run"
        for target, reason in {
            "down": "it could not be reached, or did not take it",
            "wrong": "RESEARCH_ALERTS__WRONG is not an address that apprise knows",
            "unset": "RESEARCH_ALERTS__UNSET is not set",
        }.items()
    )
    kept = (tmp_path / FOLDER / FILE).read_text()
    written = "".join(capfd.readouterr()) + caplog.text + kept + repr(config.settings())
    assert SECRET not in written
    assert SECRET.upper() not in written


def test_markup_colours_and_line_ends_in_a_text_are_nothing_but_text(
    mail: Inbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    address = os.environ["RESEARCH_ALERTS__DESK"]
    monkeypatch.setenv("RESEARCH_ALERTS__READER", f"{address}&format=html")
    config.settings.cache_clear()
    name = "weekly\r\nBcc: all@example.org"
    failed = came("failed", name=name, reason="\x1b[31m<img src='//example.org/x'>\x1b[0m\x00")

    run([failed], {name: to("desk", "reader")[NAME]}, tmp_path)

    text = mail.mails[0][1]
    assert {subject for subject, _ in mail.mails} == {"Failed: weekly Bcc: all@example.org"}
    assert text.endswith("\n<img src='//example.org/x'>")
    assert mail.markup[0] == ""  # a mail is plain unless its address says otherwise
    assert "&lt;img" in mail.markup[1]
    assert "<img" not in mail.markup[1]


def test_addresses_of_targets_are_credentials_that_no_page_may_tell(
    monkeypatch: pytest.MonkeyPatch, hook: HTTPServer
) -> None:
    monkeypatch.setenv("RESEARCH_ALERTS__DESK", "mailto://me:hunter%402x@mail.example.org")
    monkeypatch.setenv("RESEARCH_ALERTS__PHONE", "tgram://123456789:AAbb-ccDD_ee1ff/42")
    config.settings.cache_clear()

    assert {SECRET, "hunter@2x", "hunter%402x", "AAbb-ccDD_ee1ff"} - set(config.credentials()) == {
        "AAbb-ccDD_ee1ff"
    }
    for told in (SECRET, "hunter@2x", "mailto://me:hunter%402x@mail.example.org"):
        leaks = guard.leaks(f"<p>{told}</p>", guard.private())
        assert [leak.kind for leak in leaks] == ["a key or password"]
    assert guard.leaks("<p>mail.example.org hooks</p>", guard.private()) == []


def test_a_target_whose_address_is_not_known_is_refused_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch, hook: HTTPServer
) -> None:
    monkeypatch.setenv("RESEARCH_ALERTS__WRONG", f"nonsense://{SECRET}")
    monkeypatch.setenv("RESEARCH_ALERTS__DESK", "")  # as where a secret is not set
    config.settings.cache_clear()

    telling.check(to("chat"))
    with pytest.raises(UsageError, match=r"set RESEARCH_ALERTS__DESK .* name one of chat, wrong$"):
        telling.check(to("desk"))
    with pytest.raises(UsageError, match=r"^RESEARCH_ALERTS__WRONG: not an address that apprise"):
        telling.check(to("wrong"))


def test_a_memory_that_cannot_be_understood_is_put_aside_and_said(
    hook: HTTPServer, tmp_path: Path
) -> None:
    accept(hook)
    path = tmp_path / FOLDER / FILE
    path.parent.mkdir()
    path.write_text("{")

    result = run([came("failed")], to("chat"), tmp_path)

    assert len(result.told) == 1
    assert result.problems == (
        "alerts.json could not be understood and was put aside as alerts.broken.json: what is "
        "still so may be told again",
    )
    assert path.with_name("alerts.broken.json").read_text() == "{"
    assert telling.read(tmp_path).reports == {NAME: Seen(failing=True)}


def test_a_folder_that_cannot_be_written_is_an_error_that_says_so(
    hook: HTTPServer, tmp_path: Path
) -> None:
    (tmp_path / FOLDER).write_text("a file")
    with pytest.raises(AlertError, match="nobody was told more"):
        run([came("failed")], to("chat"), tmp_path)


def test_two_runs_at_once_tell_each_thing_once(hook: HTTPServer, tmp_path: Path) -> None:
    accept(hook)
    command = [sys.executable, "-c", FAILING, str(tmp_path)]
    for process in [subprocess.Popen(command) for _ in range(3)]:
        assert process.wait(60) == 0
    assert len(received(hook)) == 1
