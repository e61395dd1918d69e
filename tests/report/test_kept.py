"""A manifest keeps the catalogue of then, and nobody can make it write anything else."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from research import catalogue
from research.config import settings
from research.report import guard, kept, manifest
from tests.hostile_pages import settings_with

TRICKY = '''# a secret remark
[tariffs."a # b"]  # another
text = "no # comment \\" # here"  # a third
raw = 'C:\\# x' # a fourth
long = """
# kept, as it is text # too
"""
# the last
'''


def test_what_is_kept_says_the_same_without_a_remark(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(TRICKY, encoding="utf-8")

    with settings_with(RESEARCH_CATALOGUE=str(tmp_path)):
        files = kept.read()

    mine = files["own/mine.toml"]
    assert tomllib.loads(mine) == tomllib.loads(TRICKY)
    assert not [word for word in ("secret", "another", "third", "fourth", "last") if word in mine]
    for path in catalogue.built_in_files():
        held = files[f"built-in/{path.name}"]
        assert tomllib.loads(held) == tomllib.loads(path.read_text(encoding="utf-8"))


def test_what_is_packed_comes_back_and_is_small() -> None:
    files = kept.read()

    packed = kept.pack(files)

    assert kept.unpack(packed) == files
    assert kept.pack(files) == packed
    assert len(packed) < 50_000


def test_a_catalogue_with_a_private_word_is_not_kept(tmp_path: Path) -> None:
    entry = f'figure = {{ value = 0.02, source = "{Path.home()}/bill.pdf", grade = "A" }}'
    with settings_with(RESEARCH_CATALOGUE=str(tmp_path)):
        before = manifest.environment()
        (tmp_path / "mine.toml").write_text(f"[assumptions.pue]\n{entry}", encoding="utf-8")
        after = manifest.environment()

    assert before["catalogue"] != after["catalogue"]
    assert kept.digest(kept.unpack(before["catalogue_files"])) == before["catalogue"]
    assert after["catalogue_files"] is None


def test_a_private_word_that_is_packed_is_found_before_it_is_published() -> None:
    packed = kept.pack({"own/mine.toml": f'note = "in {Path.home()}/papers"'})

    found = guard.leaks(f'"catalogue_files": "{packed}"', guard.private())

    assert [leak.kind for leak in found] == ["the home folder"]


@pytest.mark.parametrize(
    "name", ["../own/x.toml", "own/../../x.toml", "own/x.py", "/own/x.toml", "else/x.toml", "own/"]
)
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(kept.UnreadableError, match="has no name of one"):
        kept.unpack(kept.pack({name: ""}))


@pytest.mark.parametrize("packed", ["", "x", "H4sIAAAA", kept.pack({"own/a.toml": "x"})[:24]])
def test_what_is_no_pack_is_refused(packed: str) -> None:
    with pytest.raises(kept.UnreadableError, match="no catalogue is packed in it"):
        kept.unpack(packed)


def test_the_catalogue_of_then_is_read_in_place_of_ours(tmp_path: Path) -> None:
    files = kept.read()
    del files["built-in/stresses.toml"]  # which an earlier version may not have had
    files["built-in/assumptions.toml"] = files["built-in/assumptions.toml"].replace(
        "value = 0.039", "value = 0.031"
    )
    now = catalogue.load()

    with settings_with(**kept.write(files, tmp_path)):
        then = catalogue.load()
        assert settings().cache == tmp_path / "cache"

    assert now.assumptions["t_bill_yield"].figure.value == 0.039
    assert then.assumptions["t_bill_yield"].figure.value == 0.031
    assert (len(now.stresses) > 0, len(then.stresses)) == (True, 0)
    assert catalogue.load() is now
