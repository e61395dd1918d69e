"""The index lists every report of a folder as it is, and the feed tells of new ones."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from bs4 import BeautifulSoup, Tag
from typer.testing import CliRunner, Result

from research.__main__ import app
from research.errors import RenderError, UsageError
from research.report import guard, listing, site
from research.report.harmless import readable
from research.report.manifest import SUFFIX
from tests.hostile import harmless, strings
from tests.report.shelves import DAY, put

pytestmark = pytest.mark.usefixtures("restored_handler")
ATOM = {"a": "http://www.w3.org/2005/Atom"}
EARLIER = DAY - dt.timedelta(days=3)


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PAUSE", 0)


def archive(folder: Path, name: str, made: dt.datetime, **told: Any) -> Path:
    return put(folder / "archive", f"{name}--{made:%Y-%m-%d}", made=made, **told)


def page(folder: Path) -> BeautifulSoup:
    """Return the index of a folder, built anew."""
    return BeautifulSoup(site.build(folder).read_text(encoding="utf-8"), "html.parser")


def entry(folder: Path) -> str:
    """Return the words of the only report in the index of a folder."""
    (found,) = page(folder).select(".report")
    return " ".join(found.get_text(" ").split())


def feed(folder: Path, url: str | None = None) -> ElementTree.Element:
    site.build(folder, url=url)
    return ElementTree.fromstring((folder / "feed.xml").read_bytes())  # noqa: S314 - ours


def texts(element: ElementTree.Element, path: str) -> list[str]:
    return [each.text or "" for each in element.findall(path, ATOM)]


def command(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["site", *map(str, arguments)])


def test_a_report_is_told_with_its_answer_what_was_chosen_its_days_and_its_state(
    tmp_path: Path,
) -> None:
    put(
        tmp_path,
        "token-or-hardware--a",
        answer="Neither: both end behind T-bills.",
        simulated=True,
        network="render",
        gpu="rtx-3090",
        with_gpu="l40s",
        capital_usd=5000,
        seed=9,
        as_of="2026-11-19T12:00:00+00:00",
        chosen=["network", "capital_usd", "as_of"],
    )

    soup = page(tmp_path)

    (report,) = soup.select(".report")
    assert [head.text for head in soup("h2")] == ["Token or hardware"]
    assert report.select_one("h3 a[href='token-or-hardware--a.html']") is not None
    assert [line.get_text(" ", strip=True) for line in report.select(".told, .facts li")] == [
        "Neither: both end behind T-bills.",
        "Simulated data",
        "Render Network",
        "GeForce RTX 3090",
        "L40S",
        "capital usd 5000",
        "data to 2026-11-18",
        "as known by 2026-11-19 12:00 UTC",
        "written 2026-11-20 06:30 UTC",
    ]
    time_ = report.find("time")
    assert isinstance(time_, Tag)
    assert time_["datetime"] == "2026-11-20T06:30:15Z"
    assert "ago" not in str(soup.main)  # only a script knows when the page is read


def test_a_report_that_is_overdue_is_marked_on_its_latest_version(tmp_path: Path) -> None:
    put(tmp_path, "a-question")
    archive(tmp_path, "a-question", DAY - dt.timedelta(days=3))
    put(tmp_path, "b-question")
    late = {"a-question.html": dt.datetime(2026, 11, 20, 8, tzinfo=dt.UTC)}
    soup = BeautifulSoup(site.build(tmp_path, overdue=late).read_bytes(), "html.parser")
    assert [each.text for each in soup.select(".badge")] == ["Overdue since 2026-11-20 08:00"]


def test_the_days_of_a_report_end_with_those_of_what_it_shows(tmp_path: Path) -> None:
    days = ("2026-11-17", "2026-11-16")
    sources = [f"akash.price_usd (a file); to {day}; kind: vendor" for day in days]
    path = put(tmp_path, sources=sources)
    assert '"last": "2026-11-18"' in path.with_suffix(SUFFIX).read_text()  # read, and not shown
    assert "data to 2026-11-17" in entry(tmp_path)


def test_reports_stand_by_question_the_newest_first_with_their_earlier_versions(
    tmp_path: Path,
) -> None:
    put(tmp_path, "b-question--network-akash", title="Old", made=EARLIER)
    put(tmp_path, "b-question", title="New")
    put(tmp_path, "a-question")
    for days in (9, 5, 7):
        archive(tmp_path, "b-question", DAY - dt.timedelta(days=days))

    soup = page(tmp_path)

    assert [head.text for head in soup.select("h2, h3")] == [
        *("A question", "Does it pay?"),
        *("B question", "New", "Old"),
    ]
    assert [link["href"] for link in soup.select(".earlier a")] == [
        f"archive/b-question--2026-11-{day}.html" for day in (15, 13, 11)
    ]
    assert "3 reports and 3 earlier versions" in soup.text


def test_a_network_or_card_that_is_not_catalogued_keeps_its_id(tmp_path: Path) -> None:
    put(tmp_path, network="nowhere", gpu="<script>", with_gpu=["no id"])
    assert "nowhere <script> data to" in entry(tmp_path)


def test_marks_of_a_twin_and_its_blocks_are_told_once_each(tmp_path: Path) -> None:
    path = put(tmp_path, simulated=True)
    twin = json.loads(path.with_suffix(".json").read_bytes()) | {"marks": ["Simulated data"]}
    twin["blocks"][0]["marks"] = ["Stale data", "Simulated data"]
    twin["blocks"][1]["marks"] = ["Failed check", "Stale data"]
    path.with_suffix(".json").write_text(json.dumps(twin))

    badges = [each.text for each in page(tmp_path).select(".badge")]

    expected = ["Simulated data", "Stale data", "Failed check", "Changed since it was written"]
    assert badges == expected


def test_a_lenient_report_is_marked_even_where_no_figure_of_it_is(tmp_path: Path) -> None:
    path = put(tmp_path)
    twin = json.loads(path.with_suffix(".json").read_bytes())
    path.with_suffix(".json").write_text(json.dumps(twin | {"failed_checks": ["akash is old"]}))

    badges = [each.text for each in page(tmp_path).select(".badge")]

    assert badges == ["Failed check", "Changed since it was written"]


@pytest.mark.parametrize("body", ["simulated", "simulated stale-data", "stale-data simulated"])
def test_a_page_marked_as_simulated_is_told_so_whatever_its_twin(tmp_path: Path, body: str) -> None:
    path = put(tmp_path)
    path.write_text(path.read_text().replace("<body>", f'<body class="{body}">'))
    path.with_suffix(".json").unlink()
    assert [each.text for each in page(tmp_path).select(".badge")] == ["Simulated data"]


def test_a_twin_or_an_answer_that_was_edited_is_said(tmp_path: Path) -> None:
    path = put(tmp_path)
    assert "Changed since" not in entry(tmp_path)

    path.with_suffix(".json").write_bytes(path.with_suffix(".json").read_bytes() + b" ")
    assert "Changed since it was written" in entry(tmp_path)

    put(tmp_path)
    path.write_text(path.read_text().replace("Rent it out.", "Hold it."))
    assert "Changed since it was written" in entry(tmp_path)


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        ("", "its manifest is wrong: not a manifest that can be read"),
        ('{"half', "its manifest is wrong: not a manifest that can be read"),
        ("[" * 100_000, "its manifest is wrong: not a manifest that can be read"),
        ('{"schema_version": 1}', "it lacks catalogue, chosen, code, notebook, packages"),
        ('{"schema_version": 9, "code": 1}', "a manifest of version 9, and version 1 is known"),
    ],
)
def test_a_broken_manifest_is_said_and_stops_nothing_else(
    tmp_path: Path, manifest: str, reason: str
) -> None:
    put(tmp_path, "good")
    put(tmp_path, "broken").with_suffix(SUFFIX).write_text(manifest)

    soup = page(tmp_path)

    assert len(soup.select(".report")) == 2
    assert len(soup.select(".problem")) == 1
    assert reason in soup.select(".problem")[0].text
    assert str(tmp_path) not in str(soup)
    assert soup.select_one("h3 a[href='broken.html']") is not None
    assert len(feed(tmp_path).findall("a:entry", ATOM)) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("started_at", "yesterday"),
        ("started_at", "9999-12-31T23:59:59-23:00"),
        ("started_at", "2026-11-20T06:30:15"),
        ("parameters", []),
        ("series", [{"last": "never"}]),
        ("notebook", {"name": None}),
        ("chosen", "network"),
    ],
)
def test_a_manifest_with_a_wrong_field_is_said_with_its_name(
    tmp_path: Path, field: str, value: object
) -> None:
    path = put(tmp_path).with_suffix(SUFFIX)
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {field: value}))
    assert f"Cannot be read: its manifest is wrong: {field}" in entry(tmp_path)


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    path = put(tmp_path)
    path.with_suffix(".json").unlink()
    assert "Cannot be read: its twin is missing" in entry(tmp_path)

    put(tmp_path).unlink()
    assert "Cannot be read: its page is missing" in entry(tmp_path)
    assert page(tmp_path).select(".report a") == []

    put(tmp_path).with_suffix(".json").write_text("{}")
    assert "Cannot be read: its twin is wrong: title: Field required" in entry(tmp_path)


def test_a_page_of_before_there_were_manifests_is_told_with_its_time(tmp_path: Path) -> None:
    path = put(tmp_path, simulated=True)
    path.with_suffix(SUFFIX).unlink()
    path.with_suffix(".json").unlink()
    assert entry(tmp_path) == (
        "Does it pay? Simulated data written 2026-11-20 06:30 UTC "
        "Cannot be read: it has no manifest, so what it was made from is not known"
    )


def test_a_report_of_which_only_the_archive_holds_one_is_listed(tmp_path: Path) -> None:
    archive(tmp_path, "question", EARLIER)
    archive(tmp_path, "question", DAY, answer="Hold it.")
    assert "Hold it. In the archive only" in entry(tmp_path)
    assert len(page(tmp_path).select(".earlier li")) == 1


def test_a_copy_that_a_killed_run_left_in_the_archive_is_not_told_twice(tmp_path: Path) -> None:
    put(tmp_path)
    archive(tmp_path, "question", DAY)
    assert page(tmp_path).select(".earlier") == []
    assert len(feed(tmp_path).findall("a:entry", ATOM)) == 1


def test_two_broken_reports_are_not_taken_for_one(tmp_path: Path) -> None:
    put(tmp_path).with_suffix(SUFFIX).write_text("")
    archive(tmp_path, "question", DAY).with_suffix(SUFFIX).write_text("")
    assert len(page(tmp_path).select(".problem")) == 2


def test_a_page_that_is_older_than_what_lies_beside_it_is_marked_though_both_say_the_same(
    tmp_path: Path,
) -> None:
    old = put(tmp_path).read_bytes()
    put(tmp_path, title="Does it pay now?").write_bytes(old)  # as a run that was killed leaves it
    assert "Changed since it was written" in entry(tmp_path)


def test_a_report_without_an_answer_or_any_text_is_listed_as_it_is(tmp_path: Path) -> None:
    path = put(tmp_path)
    path.write_text(
        re.sub('<p class="headline">.*?</p>|<meta name="twin".*?>', "", path.read_text())
    )
    twin = json.loads(path.with_suffix(".json").read_bytes()) | {"blocks": []}
    path.with_suffix(".json").write_text(json.dumps(twin))
    manifest = json.loads(path.with_suffix(SUFFIX).read_bytes())
    sha256 = hashlib.sha256(path.with_suffix(".json").read_bytes()).hexdigest()
    path.with_suffix(SUFFIX).write_text(json.dumps(manifest | {"twin_sha256": sha256}))

    soup = page(tmp_path)

    assert soup.select(".badge, .problem, .told") == []
    assert texts(feed(tmp_path), "a:entry/a:summary") == ["Does it pay?"]


def test_what_another_process_is_just_publishing_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path).with_suffix(".json").unlink()
    monkeypatch.setattr(time, "sleep", lambda _: put(tmp_path))
    assert "Rent it out." in entry(tmp_path)
    assert page(tmp_path).select(".problem, .badge") == []


def test_other_files_are_neither_listed_nor_touched(tmp_path: Path) -> None:
    put(tmp_path)
    others = {"notes.html": "<p>Mine", "data.json": "{}", ".hidden.manifest.json": "", "a.txt": ""}
    for name, text in others.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "folder.html").mkdir()

    site.build(tmp_path)

    assert len(page(tmp_path).select(".report")) == 1
    assert {name: (tmp_path / name).read_text() for name in others} == others


@pytest.mark.parametrize("name", ["index.html", "feed.xml"])
def test_a_file_that_is_not_ours_is_not_replaced(tmp_path: Path, name: str) -> None:
    put(tmp_path)
    (tmp_path / name).write_text("my own")
    result = command(tmp_path)
    assert result.exit_code == 2
    assert f"{name}: was not written by `research site`" in result.stderr
    assert (tmp_path / name).read_text() == "my own"
    assert (
        len([path for path in tmp_path.iterdir() if path.name in ("index.html", "feed.xml")]) == 1
    )


def test_a_folder_that_cannot_hold_reports_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder, reason in (
        (tmp_path / "nowhere", "no such folder"),
        (tmp_path / "file", "no such folder"),
        (tmp_path, "no report in it; make one with `research report market-overview`"),
    ):
        result = command(folder)
        assert (result.exit_code, result.stdout) == (2, "")
        assert reason in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_when_the_last_report_is_gone_the_index_says_so(tmp_path: Path) -> None:
    put(tmp_path)
    site.build(tmp_path)
    for path in tmp_path.glob("question.*"):
        path.unlink()
    assert "There is no report here." in page(tmp_path).text
    assert feed(tmp_path).findall("a:entry", ATOM) == []


def test_the_command_prints_the_path_of_the_index_and_nothing_else(tmp_path: Path) -> None:
    put(tmp_path)
    result = command(tmp_path, "--url", "https://example.org/r")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"{tmp_path / 'index.html'}\n"


def test_a_secret_in_the_index_is_refused_and_the_last_index_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path)
    before = site.build(tmp_path).read_bytes()
    put(tmp_path, "leaking", answer="My key is hunter2-hunter2.")
    monkeypatch.setattr(guard, "credentials", lambda: ("hunter2-hunter2",))

    with pytest.raises(RenderError, match=r"tells a key or password .*nothing was published"):
        site.build(tmp_path)

    assert (tmp_path / "index.html").read_bytes() == before


def test_a_disk_that_is_full_is_said_and_the_last_index_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path)
    before = site.build(tmp_path).read_bytes()

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(RenderError, match=r"could not be written \(No space left on device\)"):
        site.build(tmp_path)
    assert (tmp_path / "index.html").read_bytes() == before


def test_two_at_once_both_succeed(tmp_path: Path) -> None:
    put(tmp_path)
    arguments = [sys.executable, "-m", "research", "site", str(tmp_path)]
    runs = [subprocess.Popen(arguments, stdout=subprocess.PIPE) for _ in range(2)]
    told = [run.communicate(timeout=60)[0].decode() for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert told == [f"{tmp_path / 'index.html'}\n"] * 2
    assert "</html>" in (tmp_path / "index.html").read_text()
    assert not list(tmp_path.glob("*.part"))


def test_hostile_strings_change_no_element_of_the_index_nor_of_the_feed(tmp_path: Path) -> None:
    def built(texts: list[str], folder: Path) -> tuple[list[tuple[str, ...]], list[str], str]:
        for at in range(0, 200, 5):
            title, answer, network, card, value = texts[at : at + 5]
            put(
                folder,
                f"question--{at}",
                title=title,
                answer=answer,
                network=network,
                gpu=card,
                label=value,
                chosen=["label"],
            )
        soup = page(folder)
        structure = [(each.name, *sorted(each.attrs)) for each in soup(True)]
        told = [" ".join(each.text.split()) for each in soup.select("h3, .told, .facts li")]
        return structure, told, (folder / "feed.xml").read_text(encoding="utf-8")

    hostile, told, written = built(strings(), tmp_path / "hostile")
    plain, _, other = built(harmless(strings()), tmp_path / "plain")

    assert hostile == plain
    shown = " ".join(told)
    missing = [text for text in strings() if " ".join(readable(text).split()) not in shown]
    assert missing == []
    one, two = (ElementTree.fromstring(each) for each in (written, other))  # noqa: S314 - ours
    assert [each.tag for each in one.iter()] == [each.tag for each in two.iter()]


def test_a_file_name_is_a_link_and_nothing_else(tmp_path: Path) -> None:
    for name in ("javascript:alert(1)", "a b#c?d", '"><script>', "a%2Fb", "ä"):
        put(tmp_path, name)
    links = [str(each["href"]) for each in page(tmp_path).select("h3 a")]
    assert sorted(links) == [
        "%22%3E%3Cscript%3E.html",
        "%C3%A4.html",
        "a%20b%23c%3Fd.html",
        "a%252Fb.html",
        "javascript%3Aalert%281%29.html",
    ]


def test_the_feed_has_what_rfc_4287_asks_for(tmp_path: Path) -> None:
    put(tmp_path, "token-or-hardware", answer="Neither <b>& both.", simulated=True)
    archive(tmp_path, "token-or-hardware", EARLIER)

    root = feed(tmp_path)

    assert root.tag == f"{{{ATOM['a']}}}feed"
    for path in ("a:id", "a:title", "a:updated", "a:author/a:name"):
        assert len(texts(root, path)) == 1
    assert texts(root, "a:updated") == ["2026-11-20T06:30:15Z"]  # of the newest
    assert texts(root, "a:entry/a:updated") == ["2026-11-20T06:30:15Z", "2026-11-17T06:30:15Z"]
    assert texts(root, "a:entry/a:title") == ["Does it pay?"] * 2
    assert texts(root, "a:entry/a:summary") == [
        "Neither <b>& both. (Simulated data)",
        "Rent it out.",
    ]
    links = [each.get("href") for each in root.findall("a:entry/a:link[@rel='alternate']", ATOM)]
    assert links == ["token-or-hardware.html", "archive/token-or-hardware--2026-11-17.html"]
    assert [each.get("term") for each in root.findall("a:entry[1]/a:category", ATOM)] == [
        *("token-or-hardware", "Akash Network", "GeForce RTX 4090")
    ]
    ids = [*texts(root, "a:id"), *texts(root, "a:entry/a:id")]
    assert len({uuid.UUID(each.removeprefix("urn:uuid:")) for each in ids}) == 3


def test_an_entry_keeps_its_id_in_the_archive_and_a_new_version_has_another(
    tmp_path: Path,
) -> None:
    put(tmp_path, made=EARLIER)
    (before,) = texts(feed(tmp_path), "a:entry/a:id")
    archive(tmp_path, "question", EARLIER)
    put(tmp_path)
    after = texts(feed(tmp_path), "a:entry/a:id")
    assert len(set(after)) == 2
    assert after[1] == before


@pytest.mark.parametrize("url", ["https://example.org/r", "https://example.org/r/"])
def test_with_an_address_each_link_of_the_feed_is_absolute(tmp_path: Path, url: str) -> None:
    put(tmp_path)
    links = {
        (each.get("rel"), each.get("href"))
        for each in feed(tmp_path, url).iter()
        if each.get("href")
    }
    assert links == {
        ("self", "https://example.org/r/feed.xml"),
        ("alternate", "https://example.org/r/index.html"),
        ("alternate", "https://example.org/r/question.html"),
    }


@pytest.mark.parametrize(
    "url",
    [
        "example.org",
        "ftp://a/",
        "javascript:x",
        "https://",
        "http://me:pw@a/",
        "http://a/?q",
        "http://[a",
    ],
)
def test_an_address_that_is_none_is_refused(tmp_path: Path, url: str) -> None:
    put(tmp_path)
    with pytest.raises(UsageError, match="--url: write the address of the folder"):
        site.build(tmp_path, url=url)
    assert not (tmp_path / "index.html").exists()


def test_the_feed_has_the_fifty_newest(tmp_path: Path) -> None:
    for at in range(52):
        put(tmp_path, f"question--{at}", title=f"T{at}", made=DAY + dt.timedelta(minutes=at))
    assert texts(feed(tmp_path), "a:entry/a:title") == [f"T{at}" for at in range(51, 1, -1)]
    assert len(page(tmp_path).select(".report")) == 52


def test_the_page_may_load_nothing_and_runs_one_script_of_ours(tmp_path: Path) -> None:
    put(tmp_path)
    soup = page(tmp_path)
    policy = soup.select_one("meta[http-equiv=Content-Security-Policy]")
    assert policy is not None
    assert re.fullmatch(
        r"default-src 'none'; script-src 'sha256-[^ ]{44}'; style-src 'unsafe-inline'; "
        r"base-uri 'none'; form-action 'none'",
        str(policy["content"]),
    )
    assert [each["href"] for each in soup("link")] == ["feed.xml"]
    assert not soup.select("[src], iframe, object, embed, base, form, img")
    assert "url(" not in "".join(each.text for each in soup("style"))


def test_six_hundred_reports_are_listed_in_two_seconds(tmp_path: Path) -> None:
    first = put(tmp_path, "question--0")
    twin = json.loads(first.with_suffix(".json").read_bytes())
    twin["blocks"] += [{"kind": "table", "rows": [["0.12345"] * 10] * 2_000}]  # 0.3 MB, as usual
    first.with_suffix(".json").write_text(json.dumps(twin, indent=1))
    manifest = first.with_suffix(SUFFIX).read_text()
    (tmp_path / "archive").mkdir()
    for at in range(200):
        for day in ("2026-11-20", "2026-10-01", "2026-10-02"):
            stem = f"question--{at}" if day > "2026-11" else f"archive/question--{at}--{day}"
            (tmp_path / f"{stem}{SUFFIX}").write_text(manifest.replace("2026-11-20T", f"{day}T"))
            for suffix in (".html", ".json"):
                if not (tmp_path / f"{stem}{suffix}").exists():
                    os.link(first.with_suffix(suffix), tmp_path / f"{stem}{suffix}")
    began = time.process_time()  # our own, whatever else the machine does

    path = site.build(tmp_path)

    assert time.process_time() - began < 2.0
    soup = BeautifulSoup(path.read_text(), "html.parser")
    assert len(soup.select(".report")) == 200
    assert len(soup.select(".earlier li")) == 400
