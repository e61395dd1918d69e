"""A report that is rendered again as of then is the same, or what differs and why is said."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from research.__main__ import app
from research.errors import RenderError, UsageError
from research.report import kernel, render
from research.report.manifest import SUFFIX
from research.report.rebuild import ABSENT, Difference, Rebuilt, compare, in_words, rebuild
from research.store import Store

pytestmark = pytest.mark.usefixtures("restored_handler")
Write = Callable[..., Path]
PARAMETERS = (
    "from research.parameters import Instant, Seed, StoreLocation\n\n"
    "seed: Seed = 5  # of the draws\n"
    "as_of: Instant | None = None  # what was known by then\n"
    'store: StoreLocation = "sample"  # where\n'
)
READING = """
from research import load, parameters
from research.figures import theme
asked = parameters.check(globals())
closes = load.prices(["akash"], store=asked.store, as_of=asked.as_of)
theme.table(closes.frame, caption="Closes, USD", origin=closes.origin)
"""
SENTENCE = "# What did it cost?\n\nA token cost less than 2 USD."


def closes(*values: float, known: str = "2026-01-04", first: str = "2026-01-01") -> pd.DataFrame:
    """Return closes of one token from `first` on, known from `known` on."""
    return pd.DataFrame(
        {
            "series": "akash.price_usd",
            "date": pd.date_range(first, periods=len(values)),
            "value": values,
            "unit": "USD",
            "kind": "vendor",
            "source": "a file of mine",
            "known_at": pd.Timestamp(known, tz="UTC").as_unit("us"),
            "period_days": 1,
        }
    )


@pytest.fixture(scope="module")
def made(write: Write, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store, a notebook and its report, to which nobody has learnt anything yet."""
    folder = tmp_path_factory.mktemp("then")
    Store(str(folder / "store")).append(closes(0.5, 0.6, 0.55))
    write(folder / "question.ipynb", SENTENCE, PARAMETERS, READING)
    notebook, store = str(folder / "question.ipynb"), str(folder / "store")
    render.report(notebook, {}, store=store, out=folder / "out")
    return folder


@pytest.fixture
def then(made: Path, tmp_path: Path) -> Path:
    """The same folder for one test alone, elsewhere."""
    return shutil.copytree(made, tmp_path / "moved")


def manifest(folder: Path) -> Path:
    """Return the one manifest in a folder's reports."""
    (path,) = (folder / "out").glob(f"*{SUFFIX}")
    return path


def again(folder: Path, *, out: Path | None = None) -> Rebuilt:
    """Render the report in `folder` again."""
    notebook, store = str(folder / "question.ipynb"), str(folder / "store")
    return rebuild(manifest(folder), store=store, notebook=notebook, out=out)


def learn(folder: Path) -> None:
    """Tell the store of two newer days, and that an older one was not as it was said."""
    tomorrow = f"{pd.Timestamp.now('UTC') + pd.Timedelta(days=1):%Y-%m-%d}"
    Store(str(folder / "store")).append(closes(0.7, 0.8, first="2026-01-04", known=tomorrow))
    Store(str(folder / "store")).append(closes(0.5, 0.9, known=tomorrow))


def test_a_store_that_learnt_more_since_gives_the_same_bytes(then: Path) -> None:
    learn(then)
    out = then / "again"

    found = again(then, out=out)

    assert found.equal
    assert (found.differences, found.causes) == ((), ())
    old, new = (manifest(then).with_name(f"{found.report}.json"), out / f"{found.report}.json")
    assert old.read_bytes() == new.read_bytes()
    assert {path.suffix for path in out.iterdir()} == {".html", ".json"}
    assert found.page == out / f"{found.report}.html"


def test_a_real_notebook_of_a_store_that_learnt_more_gives_the_same_bytes(then: Path) -> None:
    store, out = str(then / "store"), then / "real"
    page = render.report("data-quality", {}, store=store, out=out)
    learn(then)

    found = rebuild(page.with_suffix(SUFFIX), store=store)

    assert found.equal
    assert found.causes == ()


def test_a_store_under_another_name_gives_the_same_bytes(then: Path) -> None:
    store, notebook = then / "restored", str(then / "question.ipynb")
    (then / "store").rename(store)

    assert rebuild(manifest(then), store=str(store), notebook=notebook).equal


def test_an_edited_notebook_is_named_with_what_it_says_now(then: Path, write: Write) -> None:
    edited = SENTENCE.replace("2 USD", "3 USD")
    write(then / "question.ipynb", edited, PARAMETERS, READING)

    found = again(then)

    assert not found.equal
    (difference,) = found.differences
    assert difference.path == "blocks[0].text"
    assert difference.then == "What did it cost? A token cost less than 2 USD."
    assert found.causes == ("the notebook question was edited",)


def test_another_package_is_named_even_if_it_changed_nothing(then: Path) -> None:
    path = manifest(then)
    content = json.loads(path.read_text(encoding="utf-8"))
    content["packages"]["pandas"] = "1.0"
    path.write_text(json.dumps(content), encoding="utf-8")

    result = command(then)

    assert result.exit_code == 0
    assert "the same, byte by byte" in result.stdout
    assert "not as it was then, but without effect:\n  package pandas: 1.0, now " in result.stdout


def test_a_series_that_says_something_else_is_named_with_each_number(then: Path) -> None:
    shutil.rmtree(then / "store")
    Store(str(then / "store")).append(closes(0.5, 0.625, 0.55))

    result = command(then)

    assert result.exit_code == 1
    assert "1 value differs" in result.stdout
    assert '  blocks[1].rows[1][1]: "0.6", now "0.625"' in result.stdout
    assert "  series akash.price_usd of a file of mine: 3 rows to 2026-01-03, now" in result.stdout


def test_machines_are_told_the_same(then: Path) -> None:
    shutil.rmtree(then / "store")
    Store(str(then / "store")).append(closes(0.5, 0.625, 0.55))

    result = command(then, "--json")

    told = json.loads(result.stdout)
    assert result.exit_code == 1
    assert told["equal"] is False
    assert told["differences"] == [{"path": "blocks[1].rows[1][1]", "then": "0.6", "now": "0.625"}]
    assert len(told["causes"]) == 1


def test_a_twin_that_somebody_edited_is_said(then: Path) -> None:
    twin = manifest(then).with_name(manifest(then).name.replace(SUFFIX, ".json"))
    twin.write_text(twin.read_text(encoding="utf-8").replace('"0.6"', '"0.9"'), encoding="utf-8")

    found = again(then)

    assert [str(each) for each in found.differences] == [
        """blocks[1].rows[1][1]: "0.9", now "0.6\""""
    ]
    assert found.causes == ("the twin is not the one that was written with this manifest",)


def test_a_notebook_that_takes_other_parameters_is_a_failure_that_is_said(
    then: Path, write: Write
) -> None:
    write(then / "question.ipynb", SENTENCE, PARAMETERS.replace("seed", "start"), READING)
    with pytest.raises(RenderError, match=r"was it edited since\? question: no parameter seed"):
        again(then)


def test_what_cannot_be_compared_is_refused_before_a_kernel_starts(
    then: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(kernel, "started")
    with pytest.raises(UsageError, match="holds the report to compare with; name another"):
        again(then, out=then / "out")
    with pytest.raises(UsageError, match=r"question: none of the .* by --notebook PATH"):
        rebuild(manifest(then), store=str(then / "store"))
    manifest(then).with_name(manifest(then).name.replace(SUFFIX, ".json")).unlink()
    with pytest.raises(UsageError, match="no twin beside the manifest"):
        again(then)


def test_a_manifest_of_somebody_else_cannot_name_a_file_to_run_or_to_write(
    then: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(kernel, "started")
    content = json.loads(manifest(then).read_text(encoding="utf-8"))
    content["notebook"]["name"] = str(then / "question.ipynb")
    manifest(then).write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(UsageError, match="names a notebook without its folder"):
        rebuild(manifest(then), store=str(then / "store"))


def test_what_would_command_a_terminal_is_not_printed() -> None:
    hostile = Difference(path="title", then="\x1b[2J", now="\x9b2J")
    found = Rebuilt(report="r", equal=False, differences=(hostile,), causes=("\x07",), page=None)
    assert all(line.isprintable() for line in in_words(found).splitlines())


def test_a_block_put_between_two_others_does_not_move_them() -> None:
    then, now = [{"a": 1}, {"b": 2}], [{"a": 1}, {"c": 9}, {"b": 2}]

    assert list(compare(then, now, "blocks")) == [
        Difference(path="blocks[1]", then=ABSENT, now={"c": 9})
    ]
    assert list(compare(now, then, "blocks")) == [
        Difference(path="blocks[1]", then={"c": 9}, now=ABSENT)
    ]


def test_a_number_and_the_same_number_as_text_are_not_the_same() -> None:
    assert [each.path for each in compare({"x": [1, "1"]}, {"x": ["1", "1"]})] == ["x[0]"]


def command(folder: Path, *options: str) -> Any:
    """Run `research rebuild` on the report in `folder`."""
    where = ["--store", str(folder / "store"), "--notebook", str(folder / "question.ipynb")]
    return CliRunner().invoke(app, ["rebuild", str(manifest(folder)), *where, *options])
