"""The archive stays bounded, and nothing goes that a kept report needs."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from research.errors import RenderError
from research.report import listing, manifest
from research.report.files import TWIN, publish
from research.report.shelf import ARCHIVE
from research.unattended import retention
from research.unattended.retention import Keep, chosen, plan, prune
from tests.report.shelves import put as put_whole

FIRST = dt.date(2026, 1, 1)  # a Thursday
NOW = dt.datetime(2026, 11, 25, tzinfo=dt.UTC)
AKASH = "question--network=akash"
LITTLE = {name: Keep(latest=2) for name in ("question", AKASH, "notes")}


def day(number: int) -> dt.date:
    return FIRST + dt.timedelta(days=number)


def put(out: Path, of: dt.date, *, name: str = "question", compared: str | None = None) -> str:
    """Write an archived report of a day; return the hash of its twin."""
    said = manifest.to_bytes(
        {"title": f"{of}", "simulated": False, "parameters": [], "blocks": [], "headline": None}
    )
    digest = hashlib.sha256(said).hexdigest()
    told: dict[str, Any] = dict.fromkeys(manifest.KEYS) | {
        "schema_version": manifest.VERSION,
        "notebook": {"name": "question"},
        "parameters": {},
        "chosen": [],
        "series": [],
        "started_at": f"{of}T06:00:00Z",
        "compared": None if compared is None else {"twin_sha256": compared},
        "twin_sha256": digest,
    }
    beside = {TWIN: said, manifest.SUFFIX: manifest.to_bytes(told)}
    publish(b"<title>It</title>", out / ARCHIVE / f"{name}--{of}.html", beside=beside)
    return digest


def files(out: Path) -> set[str]:
    return {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}


def days(out: Path, name: str = "question") -> list[dt.date]:
    """Return the days of the reports that are whole, and fail if any is not."""
    stems = {each.split(".")[0] for each in files(out / ARCHIVE)}
    for stem in stems:
        assert {f"{stem}{each}" for each in retention.SUFFIXES} <= files(out / ARCHIVE)
    return sorted(dt.date.fromisoformat(stem[-10:]) for stem in stems if stem[:-12] == name)


def pruned(out: Path, keep: dict[str, Keep]) -> list[dt.date]:
    prune(out, keep, now=NOW)
    return days(out)


def test_of_a_year_of_days_the_last_ones_and_the_last_of_weeks_and_months_are_kept() -> None:
    year = [day(number) for number in range(365)]
    kept = chosen(year, Keep(latest=3, weekly=2, monthly=3))
    assert sorted(f"{each:%m-%d}" for each in kept) == [
        "10-31",
        "11-30",
        "12-27",  # a Sunday
        "12-29",
        "12-30",
        "12-31",
    ]


def test_weeks_without_a_report_do_not_count() -> None:
    once_in_a_while = [dt.date(2026, 1, 5), dt.date(2026, 3, 2), dt.date(2026, 9, 7)]
    assert chosen(once_in_a_while, Keep(latest=1, weekly=2, monthly=0)) == {*once_in_a_while[1:]}


def test_a_week_across_new_year_is_one_week() -> None:
    across = [dt.date(2026, 12, 31), dt.date(2027, 1, 1)]
    assert chosen([*across, dt.date(2027, 6, 1)], Keep(latest=1, weekly=5, monthly=0)) == {
        dt.date(2027, 1, 1),
        dt.date(2027, 6, 1),
    }


@given(
    st.lists(st.dates(FIRST, day(900)), min_size=1, max_size=60),
    st.integers(1, 5),
    st.integers(0, 5),
    st.integers(0, 5),
)
def test_the_choice_is_bounded_has_the_latest_and_stays_when_made_again(
    there: list[dt.date], latest: int, weekly: int, monthly: int
) -> None:
    keep = Keep(latest=latest, weekly=weekly, monthly=monthly)
    kept = chosen(there, keep)
    assert max(there) in kept <= set(there)
    assert len(kept) <= latest + weekly + monthly
    assert chosen(kept, keep) == kept


def test_only_the_last_reports_stay_with_all_that_belongs_to_them(tmp_path: Path) -> None:
    for number in range(5):
        put(tmp_path, day(number))
    assert pruned(tmp_path, LITTLE) == [day(3), day(4)]


def test_each_report_is_counted_for_itself(tmp_path: Path) -> None:
    for number in range(3):
        put(tmp_path, day(number))
        put(tmp_path, day(number), name=AKASH)
    prune(tmp_path, LITTLE, now=NOW)
    assert days(tmp_path) == days(tmp_path, AKASH) == [day(1), day(2)]


def test_what_a_kept_report_was_compared_with_stays(tmp_path: Path) -> None:
    first = put(tmp_path, day(0))
    put(tmp_path, day(1))
    put(tmp_path, day(2))
    put(tmp_path, day(3), compared=first)
    assert pruned(tmp_path, LITTLE) == [day(0), day(2), day(3)]


def test_what_the_report_on_the_shelf_was_compared_with_stays(tmp_path: Path) -> None:
    first = put(tmp_path, day(0))
    put(tmp_path, day(9), compared=first)
    for suffix in retention.SUFFIXES:
        (tmp_path / ARCHIVE / f"question--{day(9)}{suffix}").rename(tmp_path / f"question{suffix}")
    for number in (1, 2, 3):
        put(tmp_path, day(number))
    assert pruned(tmp_path, LITTLE) == [day(0), day(2), day(3)]
    assert {f"question{suffix}" for suffix in retention.SUFFIXES} <= files(tmp_path)


def test_a_chain_of_comparisons_does_not_keep_everything(tmp_path: Path) -> None:
    before = None
    for number in range(9):
        before = put(tmp_path, day(number), compared=before)
    assert pruned(tmp_path, LITTLE) == [day(6), day(7), day(8)]


def test_the_newest_whole_report_stays_where_those_after_it_are_broken(tmp_path: Path) -> None:
    for number in range(5):
        put(tmp_path, day(number))
    for number in (3, 4):
        (tmp_path / ARCHIVE / f"question--{day(number)}{TWIN}").write_text("{}")
    assert pruned(tmp_path, LITTLE) == [day(2), day(3), day(4)]


def test_files_of_somebody_else_stay(tmp_path: Path) -> None:
    for number in range(4):
        put(tmp_path, day(number))
    theirs = {"notes--2020-01-01.html", "question--2020-13-45.html", "mine--2020-01-01.json"}
    theirs |= {f"notes--2020-01-0{each}.html" for each in (2, 3, 4)}
    for name in theirs:
        (tmp_path / ARCHIVE / name).write_text("<p>mine")

    prune(tmp_path, LITTLE, now=NOW)

    assert theirs <= files(tmp_path / ARCHIVE)
    assert f"question--{day(0)}.html" not in files(tmp_path / ARCHIVE)


def test_a_page_of_before_manifests_goes_in_its_turn(tmp_path: Path) -> None:
    for number in range(3):
        when = dt.datetime.combine(day(number), dt.time(6), dt.UTC)
        put_whole(tmp_path / ARCHIVE, f"question--{day(number)}", made=when)
        if number == 0:
            for suffix in (TWIN, manifest.SUFFIX):
                (tmp_path / ARCHIVE / f"question--{day(number)}{suffix}").unlink()
    assert pruned(tmp_path, LITTLE) == [day(1), day(2)]


def test_half_written_files_go_after_an_hour_and_failed_notebooks_beyond_a_number(
    tmp_path: Path,
) -> None:
    names = [f".{'0' * 31}{each}.part" for each in range(2)] + [".mine.part"]
    failed = [f"failed/{each}.ipynb" for each in range(4)]
    for age, name in enumerate(["archive/" + names[0], names[1], names[2], *failed]):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        at = NOW.timestamp() - (3599 if age == 0 else 3600 + age)
        os.utime(path, (at, at))

    planned = prune(tmp_path, {}, now=NOW, most_failed=2)

    gone = {str(path).removeprefix(f"{tmp_path}/") for path in planned.files}
    assert gone == {names[1], failed[2], failed[3]}
    assert files(tmp_path) == {"archive/" + names[0], names[2], *failed[:2]}


def test_the_plan_is_what_goes_and_touches_nothing(tmp_path: Path) -> None:
    for number in range(4):
        put(tmp_path, day(number))
    before = files(tmp_path)

    planned = plan(tmp_path, LITTLE, now=NOW)

    assert planned.stems == (f"question--{day(0)}", f"question--{day(1)}")
    assert files(tmp_path) == before
    assert prune(tmp_path, LITTLE, now=NOW) == planned
    assert not plan(tmp_path, LITTLE, now=NOW)


def test_a_folder_without_an_archive_has_nothing_to_go(tmp_path: Path) -> None:
    assert not prune(tmp_path / "none", LITTLE, now=NOW)


class KilledError(BaseException):
    """A run that is ended at this very moment."""


def counted(steps: int, real: Callable[..., None]) -> Callable[..., None]:
    """Return a call that is made so often, and then the run is killed."""
    left = [steps]

    def call(*args: Any, **kwargs: Any) -> None:
        if left[0] == 0:
            raise KilledError
        left[0] -= 1
        real(*args, **kwargs)

    return call


@pytest.mark.parametrize("steps", range(8))
def test_a_run_killed_at_any_step_leaves_a_shelf_without_a_broken_report(
    steps: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        put(tmp_path, day(number))
    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", counted(steps, Path.unlink))
        with pytest.raises(KilledError):
            prune(tmp_path, LITTLE, now=NOW)

    found = listing.read(tmp_path)

    versions = [each for report in found for each in (report.latest, *report.earlier)]
    assert [each.problem for each in versions] == [""] * len(versions)
    assert {each.made.date() for each in versions if each.made} >= {day(2), day(3)}
    assert pruned(tmp_path, LITTLE) == [day(2), day(3)]
    assert not list((tmp_path / ARCHIVE).glob(".*"))


def test_what_cannot_be_deleted_is_an_error_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        put(tmp_path, day(number))

    def refuse(path: Path, **_: bool) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(RenderError, match=rf"question--{day(0)}.html: could not be deleted"):
        prune(tmp_path, LITTLE, now=NOW)


def test_of_a_report_without_a_rule_everything_is_kept(tmp_path: Path) -> None:
    for number in range(3):
        put(tmp_path, day(number))
    assert pruned(tmp_path, {AKASH: Keep(latest=0)}) == [day(0), day(1), day(2)]


def test_a_rule_may_be_a_number_and_the_newest_whole_report_stays_even_for_none(
    tmp_path: Path,
) -> None:
    for number in range(3):
        put(tmp_path, day(number))
    assert Keep.model_validate(30) == Keep(latest=30, weekly=0, monthly=0)
    assert pruned(tmp_path, {"question": Keep.model_validate(0)}) == [day(2)]


@settings(max_examples=30, deadline=None)
@given(
    st.sets(st.integers(0, 400), min_size=1, max_size=15),
    st.integers(1, 3),
    st.integers(0, 2),
    st.integers(0, 2),
    st.data(),
)
def test_no_archive_loses_its_latest_or_what_is_needed_and_none_grows_without_bound(
    numbers: Iterable[int], latest: int, weekly: int, monthly: int, data: st.DataObject
) -> None:
    keep = Keep(latest=latest, weekly=weekly, monthly=monthly)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        digests: dict[int, str] = {}
        needs: dict[int, int | None] = {}
        for number in sorted(numbers):
            then = data.draw(st.sampled_from([None, *digests]))
            compared = None if then is None else digests[then]
            needs[number] = then
            digests[number] = put(out, day(number), compared=compared)

        kept = pruned(out, {"question": keep})

        by_rule = chosen([day(number) for number in digests], keep)
        needed = {
            day(of) for number, of in needs.items() if of is not None and day(number) in by_rule
        }
        assert set(kept) == by_rule | needed
        assert day(max(digests)) in kept
        assert len(kept) <= 2 * (latest + weekly + monthly)
        assert pruned(out, {"question": keep}) == kept


@pytest.mark.parametrize(
    "wrong", [-1, {}, {"latest": 1, "weekly": -1}, {"latest": 1, "dayly": 3}, "all"]
)
def test_a_rule_that_cannot_be_meant_is_refused(wrong: object) -> None:
    with pytest.raises(ValidationError):
        Keep.model_validate(wrong)
