"""A shelf on an object store is as one in a folder, and no answer is never taken for nothing."""

from __future__ import annotations

import datetime as dt
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from research.errors import UsageError
from research.report import listing, shelf, site
from research.report.bucket import Bucket, PlaceError
from research.report.places import head, place
from research.unattended import retention
from research.unattended.retention import Keep
from tests.buckets import SECRET, ObjectStore
from tests.report.shelves import DAY, put


@pytest.fixture
def out(objects: ObjectStore) -> Bucket:
    found = place(objects.address("reports"))
    assert isinstance(found, Bucket)
    return found


def names(paths: list[Path] | list[Bucket]) -> list[str]:
    return [path.name for path in paths]


def test_a_shelf_is_archived_cleared_and_listed_as_in_a_folder(
    tmp_path: Path, out: Bucket, objects: ObjectStore
) -> None:
    later = DAY + dt.timedelta(days=9)
    for number in range(4):
        page = put(tmp_path, made=DAY + dt.timedelta(days=number))
        shelf.keep_earlier(page, {"started_at": f"{later - dt.timedelta(days=1):%Y-%m-%d}"})
    put(tmp_path, made=DAY + dt.timedelta(days=5))
    for path in (each for each in tmp_path.rglob("*") if each.is_file()):
        objects.put(f"reports/{path.relative_to(tmp_path).as_posix()}", path.read_bytes())

    gone = []
    for folder in (tmp_path, out):
        shelf.keep_earlier(folder / "question.html", {"started_at": f"{later:%Y-%m-%d}"})
        gone.append(retention.prune(folder, {"question": Keep(latest=2)}, now=later).stems)
    assert len(gone[0]) == 3
    assert gone[0] == gone[1]
    assert listing.read(tmp_path) == listing.read(out)
    assert str(site.build(out)) == f"{out}/index.html"
    site.build(tmp_path)
    here = {each.relative_to(tmp_path).as_posix() for each in tmp_path.rglob("*") if each.is_file()}
    assert {key.removeprefix("reports/") for key in objects.names()} == here


def test_paths_and_contents_are_as_of_pathlib(out: Bucket) -> None:
    page = out / "a.html"
    page.write_bytes(b"content")
    (out / "archive" / ".b").touch()
    assert (page.name, page.stem, page.parent) == ("a.html", "a", out)
    assert str(page.with_suffix(".json")) == f"{out}/a.json"
    assert pickle.loads(pickle.dumps(page)) == page  # noqa: S301 - ours
    assert (page.is_file(), page.is_dir(), page.exists()) == (True, False, True)
    assert (out.is_file(), out.is_dir(), (out / "none").exists()) == (False, True, False)
    assert names([*out.iterdir()]) == ["a.html", "archive"]
    assert names([*out.glob("[!.]*.html")]) == ["a.html"]
    assert [*(out / "none").iterdir()] == []
    assert (head(page, 3), head(page, 99), head(out / "archive" / ".b", 9)) == (
        b"con",
        b"content",
        b"",
    )
    assert abs(page.stat().st_mtime - dt.datetime.now(dt.UTC).timestamp()) < 60
    page.unlink()
    page.unlink(missing_ok=True)
    with pytest.raises(FileNotFoundError):
        page.read_bytes()


ASKED: dict[str, Callable[[Bucket], object]] = {
    "exists": Bucket.exists,
    "is_file": Bucket.is_file,
    "is_dir": Bucket.is_dir,
    "stat": Bucket.stat,
    "read": Bucket.read_bytes,
    "head": lambda page: page.head(10),
    "write": lambda page: page.write_bytes(b"new"),
    "create": lambda page: page.create(b"new"),
    "unlink": lambda page: page.unlink(missing_ok=True),
    "list": lambda page: [*page.parent.iterdir()],
    "glob": lambda page: [*page.parent.glob("*")],
}


@pytest.mark.parametrize("asked", ASKED)
def test_a_refusal_is_an_error_and_never_taken_for_nothing(
    out: Bucket, objects: ObjectStore, asked: str
) -> None:
    objects.fault = lambda _: 403
    with pytest.raises(PlaceError, match=r"refuses \(.*\); check the keys") as error:
        ASKED[asked](out / "a.html")
    assert SECRET not in str(error.value)


@pytest.mark.parametrize("asked", ["exists", "is_file", "list"])
def test_no_answer_is_an_error_and_never_taken_for_nothing(
    out: Bucket, objects: ObjectStore, asked: str
) -> None:
    objects.fault = lambda _: 503
    with pytest.raises(PlaceError, match=r"does not answer .*; it may later, so run it again"):
        ASKED[asked](out / "a.html")


def test_a_bucket_that_does_not_exist_is_said_to_be_none(objects: ObjectStore) -> None:
    with pytest.raises(PlaceError, match="there is no such bucket; make it, or name another"):
        (place("s3://never-made/reports") / "a.html").write_bytes(b"")


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("memory://reports", "not a place that several processes share"),
        ("https://example.org/reports", "begins with one of s3://"),
        ("s3:///", "names no bucket"),
        ("gs://mine/reports", "gs:// needs gcsfs; pip install gcsfs"),
    ],
)
def test_what_cannot_be_a_place_is_refused(address: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        place(address)
