"""The line of a key is found in any valid TOML document."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from research import catalogue
from research.catalogue._toml import KeyPath, lines_of


def paths(value: Any, path: KeyPath = ()) -> list[KeyPath]:
    if isinstance(value, dict):
        return [path, *(p for key, each in value.items() for p in paths(each, (*path, key)))]
    if isinstance(value, list):
        return [path, *(p for i, each in enumerate(value) for p in paths(each, (*path, i)))]
    return [path]


def test_the_line_of_every_kind_of_toml_is_found() -> None:
    text = """\
top = 1
[a."quoted.key"] # a comment with ] and = in it
plain = "text with # and ] and }"
'literal' = 'c:\\dir' # comment
many = [
  1, # first
  { x = 2, y.z = 3 },

  [4,
   5],
]
long = \"\"\"
[not.a.table]
key = \\"no\\" \"\"\"\"
after = 1979-05-27 07:32:00
[[list]]
n = '''
]'''
[[list]]
  [list.sub]
  m = { }
[[list.deep]]
[b.c]
[b]
"""
    lines = lines_of(text)
    expected: dict[KeyPath, int] = {
        ("top",): 1, ("a", "quoted.key"): 2, ("a", "quoted.key", "plain"): 3,
        ("a", "quoted.key", "literal"): 4, ("a", "quoted.key", "many"): 5,
        ("a", "quoted.key", "many", 0): 6, ("a", "quoted.key", "many", 1): 7,
        ("a", "quoted.key", "many", 1, "y", "z"): 7, ("a", "quoted.key", "many", 2): 9,
        ("a", "quoted.key", "many", 2, 1): 10, ("a", "quoted.key", "long"): 12,
        ("a", "quoted.key", "after"): 15, ("list", 0): 16, ("list", 0, "n"): 17, ("list", 1): 19,
        ("list", 1, "sub"): 20, ("list", 1, "sub", "m"): 21, ("list", 1, "deep", 0): 22,
        ("b", "c"): 23, ("b",): 24,
    }  # fmt: skip
    assert {path: lines[path] for path in expected} == expected


@pytest.mark.parametrize("name", catalogue.BUILT_IN)
def test_every_key_of_the_built_in_files_is_found_on_a_line_that_names_it(name: str) -> None:
    text = (Path(catalogue.__file__).parent / name).read_text(encoding="utf-8")
    lines, rows = lines_of(text), text.splitlines()
    found = paths(tomllib.loads(text))[1:]
    assert len(found) > 20
    for path in found:
        if isinstance(path[-1], str):
            assert path[-1] in rows[lines[path] - 1], path
