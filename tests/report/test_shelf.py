"""A report of an earlier day is kept in the archive before another takes its name."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from research.errors import RenderError
from research.report import earlier, render, shelf
from research.report.manifest import SUFFIX
from research.report.rebuild import rebuild
from tests.report.shelves import DAY, contents, put

Write = Callable[..., Path]
LATER = DAY + dt.timedelta(days=1)
ARCHIVED = "question--2026-11-20"


def starting(day: dt.datetime) -> dict[str, str]:
    """Return what the manifest of a report that replaces another says of its time."""
    return {"started_at": f"{day:%Y-%m-%dT%H:%M:%SZ}"}


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_report_of_an_earlier_day_is_kept_under_that_day_with_all_that_belongs_to_it(
    tmp_path: Path,
) -> None:
    page = put(tmp_path)
    before = contents(tmp_path, "question")

    shelf.keep_earlier(page, starting(LATER))

    assert contents(tmp_path / "archive", ARCHIVED) == before
    assert contents(tmp_path, "question") == before  # until it is replaced


@pytest.mark.parametrize("seconds", [0, 1, 62_984])  # to 23:59:59
def test_a_report_of_the_same_day_is_simply_replaced(tmp_path: Path, seconds: int) -> None:
    page = put(tmp_path)
    shelf.keep_earlier(page, starting(DAY + dt.timedelta(seconds=seconds)))
    assert not (tmp_path / "archive").exists()


def test_the_second_after_midnight_is_another_day(tmp_path: Path) -> None:
    page = put(tmp_path)
    shelf.keep_earlier(page, starting(DAY + dt.timedelta(seconds=62_985)))
    assert len(files(tmp_path / "archive")) == 3


def test_a_clock_that_was_set_back_archives_nothing(tmp_path: Path) -> None:
    page = put(tmp_path, made=LATER)
    shelf.keep_earlier(page, starting(DAY))
    assert not (tmp_path / "archive").exists()


def test_each_day_is_kept_once_and_other_names_are_left_alone(tmp_path: Path) -> None:
    put(tmp_path, "question--network-render")
    for day in range(4):
        for hour in range(2):
            made = DAY + dt.timedelta(days=day, hours=hour)
            shelf.keep_earlier(tmp_path / "question.html", starting(made))
            put(tmp_path, made=made, answer=f"Day {day}, run {hour}.")

    kept = [contents(tmp_path / "archive", f"question--2026-11-2{day}") for day in range(4)]
    assert [len(each) for each in kept] == [3, 3, 3, 0]
    assert [b"run 1" in each[".html"] for each in kept[:3]] == [True] * 3  # the last of the day
    assert len(files(tmp_path / "archive")) == 9


def test_the_first_report_of_a_name_has_nothing_to_keep(tmp_path: Path) -> None:
    shelf.keep_earlier(tmp_path / "question.html", starting(DAY))
    assert files(tmp_path) == set()


@pytest.mark.parametrize("manifest", [None, b"", b'{"half', b"[1]", b'{"started_at": 5}'])
def test_without_a_manifest_the_page_tells_its_day(tmp_path: Path, manifest: bytes | None) -> None:
    page = put(tmp_path)
    page.with_suffix(SUFFIX).unlink()
    if manifest is not None:
        page.with_suffix(SUFFIX).write_bytes(manifest)
    before = contents(tmp_path, "question")

    shelf.keep_earlier(page, starting(LATER))

    assert contents(tmp_path / "archive", ARCHIVED) == before


def test_a_page_of_somebody_else_has_no_day_and_is_not_kept(tmp_path: Path) -> None:
    (tmp_path / "question.html").write_text("<p>Mine")
    shelf.keep_earlier(tmp_path / "question.html", starting(LATER))
    assert files(tmp_path) == {"question.html"}


def test_a_twin_that_was_edited_is_kept_as_it_is(tmp_path: Path) -> None:
    page = put(tmp_path)
    page.with_suffix(".json").write_text("{}")
    shelf.keep_earlier(page, starting(LATER))
    assert contents(tmp_path / "archive", ARCHIVED)[".json"] == b"{}"


def test_a_twin_that_another_process_is_just_moving_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = put(tmp_path)
    before = contents(tmp_path, "question")
    page.with_suffix(".json").write_text("{}")
    monkeypatch.setattr(
        time, "sleep", lambda _: page.with_suffix(".json").write_bytes(before[".json"])
    )

    shelf.keep_earlier(page, starting(LATER))

    assert contents(tmp_path / "archive", ARCHIVED) == before


def test_what_cannot_be_kept_is_not_replaced(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = write(tmp_path / "question.ipynb", "# T")
    put(tmp_path)
    before = contents(tmp_path, "question")
    (tmp_path / "archive").write_text("a file, where a folder should be")
    made = render.Made(page=b"new", twin=b"{}", manifest=starting(LATER))
    monkeypatch.setattr(render, "make", lambda *_, **__: made)

    with pytest.raises(RenderError, match=r"could not be kept in archive/ .*nothing was published"):
        render.report(str(notebook), {}, out=tmp_path)

    assert contents(tmp_path, "question") == before


def test_a_report_made_the_next_day_leaves_one_that_can_be_rebuilt_from_the_archive(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = str(write(tmp_path / "question.ipynb", "# Does it pay?", "1 + 1"))
    out = tmp_path / "out"
    clock = {"now": DAY}
    make = render.make

    def made_then(*arguments: Any, **options: Any) -> render.Made:
        made = make(*arguments, **options)
        return replace(made, manifest=made.manifest | starting(clock["now"]))

    monkeypatch.setattr(render, "make", made_then)
    render.report(notebook, {}, out=out)
    clock["now"] = LATER
    render.report(notebook, {}, out=out)

    assert files(out / "archive") == {f"{ARCHIVED}{each}" for each in (".html", ".json", SUFFIX)}
    found = rebuild(out / "archive" / f"{ARCHIVED}{SUFFIX}", notebook=notebook, out=tmp_path / "x")
    assert (found.report, found.equal, found.causes) == (ARCHIVED, True, ())
    assert files(tmp_path / "x") == files(out / "archive")


KILLED = """
import json, os, sys
from pathlib import Path
from research.report import shelf
from research.report.files import publish

left = [int(sys.argv[2])]

def counted(method):
    def run(*arguments):
        left[0] -= 1
        if left[0] == 0:
            os._exit(9)
        return method(*arguments)
    return run

Path.write_bytes, Path.replace = counted(Path.write_bytes), counted(Path.replace)
page = Path(sys.argv[1])
shelf.keep_earlier(page, {"started_at": "2026-11-21T00:00:00Z"})
new = json.dumps({"started_at": "2026-11-21T00:00:00Z", "twin_sha256": ""}).encode()
publish(b"new page", page, beside={".json": b"new twin", ".manifest.json": new})
"""


@pytest.mark.parametrize(("hours", "day"), [(-24, "2026-11-20"), (-1, "2026-11-21")])
def test_a_page_that_a_killed_run_left_beside_a_newer_manifest_is_kept_under_its_own_day(
    tmp_path: Path, hours: int, day: str
) -> None:
    old = put(tmp_path, made=LATER + dt.timedelta(hours=hours)).read_bytes()
    shelf.keep_earlier(tmp_path / "question.html", starting(LATER))
    archived = contents(tmp_path / "archive", ARCHIVED)
    put(tmp_path, made=LATER, title="Now?").write_bytes(old)

    shelf.keep_earlier(tmp_path / "question.html", starting(LATER + dt.timedelta(days=1)))

    kept = contents(tmp_path / "archive", f"question--{day}")
    assert kept[".html"] == old
    assert not archived or kept == archived  # the one that fits together is there, and stays
    assert len(files(tmp_path / "archive")) == 3


def test_what_a_killed_run_has_not_published_is_not_compared_with(tmp_path: Path) -> None:
    page = put(tmp_path)
    old = page.read_bytes()
    put(tmp_path, made=LATER, title="Now?").write_bytes(old)
    assert earlier.find(page) == (
        "Not compared with the earlier report of this name: a run was killed while it published "
        "it, so nobody has seen its page."
    )


def run_killed(page: Path, at: int) -> int:
    done = subprocess.run([sys.executable, "-c", KILLED, str(page), str(at)], check=False)
    return done.returncode


@pytest.mark.parametrize("at", range(1, 13))  # three writes and three moves, twice
def test_a_run_that_is_killed_at_any_file_loses_nothing(tmp_path: Path, at: int) -> None:
    page = put(tmp_path)
    old = contents(tmp_path, "question")

    assert run_killed(page, at) == 9

    kept = contents(tmp_path / "archive", ARCHIVED)
    assert page.read_bytes() == old[".html"]  # a page is moved last
    assert at > 6 or contents(tmp_path, "question") == old
    assert at <= 6 or kept == old
    assert ".html" not in kept or kept == old

    assert run_killed(page, 0) == 0  # the next run puts everything right
    assert page.read_bytes() == b"new page"
    assert contents(tmp_path / "archive", ARCHIVED) == old


def test_two_runs_at_once_keep_the_same(tmp_path: Path) -> None:
    page = put(tmp_path)
    old = contents(tmp_path, "question")
    runs = [subprocess.Popen([sys.executable, "-c", KILLED, str(page), "0"]) for _ in range(3)]
    assert [run.wait(timeout=60) for run in runs] == [0, 0, 0]
    assert contents(tmp_path / "archive", ARCHIVED) == old
    assert page.read_bytes() == b"new page"
    assert not list(tmp_path.rglob("*.part"))


def test_what_is_kept_already_is_not_written_again(tmp_path: Path) -> None:
    page = put(tmp_path)
    shelf.keep_earlier(page, starting(LATER))
    kept = tmp_path / "archive" / f"{ARCHIVED}.html"
    stamp = kept.stat().st_mtime_ns

    page.with_suffix(".json").write_text("{}")  # as a run that was killed may leave it
    shelf.keep_earlier(page, starting(LATER))

    assert kept.stat().st_mtime_ns == stamp
    assert json.loads(kept.with_suffix(".json").read_bytes())["title"] == "Does it pay?"
