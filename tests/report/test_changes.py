"""A report says what changed since the one it replaces, and how much came from what.

The answer of these reports is last close x assumption x a constant of the notebook.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from research.report import changes, counterfactual, earlier, manifest, render
from research.report.earlier import NONE
from research.report.rebuild import rebuild
from research.store import Store
from tests.hostile_pages import settings_with

Write = Callable[..., Path]
PARAMETERS = (
    "from research.parameters import Instant, Seed, StoreLocation\n\n"
    "seed: Seed = 5  # of the draws\n"
    "as_of: Instant | None = None  # what was known by then\n"
    'store: StoreLocation = "sample"  # where\n'
)
ANSWER = """
from research import catalogue, load, parameters
from research.figures import theme
from research.headline import Figure, Headline
from research.origin import Origin
asked = parameters.check(globals())
closes = load.prices(["akash"], store=asked.store, as_of=asked.as_of).frame["akash"]
yields = catalogue.load().assumptions["t_bill_yield"].figure.value
worth = closes.iloc[-1] * yields * CONSTANT
theme.answer(
    f"It is worth {worth:g} USD.",
    origin=Origin.said("by hand"),
    told=Headline(
        verdicts={"": "buy" if worth > 50 else "wait"},
        figures=(Figure(name="Worth", value=worth, unit="USD", digits=2), OTHER),
    ),
)
"""
FIRST = 'Figure(name="Days held", value=len(closes))'
TITLE = "# What is it worth?\n\nA price, an assumption and a constant."
ENTRY = """
[assumptions.t_bill_yield]  # what mine pays, says my bank
figure = {{ value = {}, source = "test", date = 2026-11-22, grade = "D" }}
"""
STEPS = ("code", "assumptions", "history", "market")


def closes(*values: float, first: str = "2026-01-01", known: str = "2026-01-04") -> pd.DataFrame:
    """Return closes of one token from `first` on, known from `known` on."""
    instant = pd.Timestamp.now("UTC") if known == "now" else pd.Timestamp(known, tz="UTC")
    return pd.DataFrame(
        {
            "series": "akash.price_usd",
            "date": pd.date_range(first, periods=len(values)),
            "value": values,
            "unit": "USD",
            "kind": "vendor",
            "source": "a file of mine",
            "known_at": instant.as_unit("us"),
            "period_days": 1,
        }
    )


def code(folder: Path, write: Write, constant: str, other: str = FIRST) -> None:
    """Write the notebook with a constant of its own."""
    cell = ANSWER.replace("CONSTANT", constant).replace("OTHER", other)
    write(folder / "question.ipynb", TITLE, PARAMETERS, cell)


def assume(folder: Path, figure: float) -> None:
    (folder / "own").mkdir(exist_ok=True)
    (folder / "own" / "mine.toml").write_text(ENTRY.format(figure), encoding="utf-8")


def report(folder: Path, *, told: list[str] | None = None) -> Path:
    """Render the report of a folder from its store and with its catalogue."""
    said: list[str] = [] if told is None else told
    with of(folder):
        notebook = str(folder / "question.ipynb")
        return render.report(notebook, {}, out=folder / "out", tell=said.append)


def of(folder: Path, store: str = "store") -> AbstractContextManager[None]:
    """Let store and catalogue be those of a folder, without their names in a report's."""
    return settings_with(RESEARCH_STORE=str(folder / store), RESEARCH_CATALOGUE=str(folder / "own"))


@pytest.fixture(scope="module")
def made(write: Write, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with store, notebook, catalogue and the first report: 0.55 x 0.2 x 100 = 11."""
    folder = tmp_path_factory.mktemp("then")
    Store(str(folder / "store")).append(closes(0.5, 0.6, 0.55))
    code(folder, write, "100")
    assume(folder, 0.2)
    report(folder)
    return folder


@pytest.fixture
def then(made: Path, tmp_path: Path) -> Path:
    """The same folder for one test alone."""
    return shutil.copytree(made, tmp_path / "moved")


def told(page: Path) -> dict[str, Any]:
    """Return what the twin tells of the comparison."""
    found: dict[str, Any] = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
    told: dict[str, Any] = found["changes"]
    return told


def worth(page: Path) -> tuple[float, dict[str, float]]:
    """Return by how much the worth changed, and the parts of it that are not exactly 0."""
    move = told(page)["figures"][0]
    assert move["name"] == "Worth"
    parts = {step: pytest.approx(part, abs=1e-9) for step, part in move["parts"].items() if part}
    return pytest.approx(move["change"], abs=1e-9), parts  # type: ignore[return-value]


def soup(page: Path) -> BeautifulSoup:
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


def only_twin(folder: Path) -> Path:
    (path,) = (each for each in (folder / "out").glob("*.json") if "manifest" not in each.name)
    return path


def test_the_first_report_of_a_name_says_so_in_a_note(made: Path) -> None:
    page = only_twin(made).with_suffix(".html")

    assert told(page)["note"] == NONE == soup(page).select("main > p.note")[-1].get_text()
    assert not soup(page).select(".changes, .flips")
    assert manifest.read(page.with_suffix(manifest.SUFFIX))["compared"] is None


def test_a_new_day_is_the_market_and_needs_no_other_rendering(
    then: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store(str(then / "store")).append(closes(0.75, first="2026-01-04", known="now"))
    monkeypatch.delattr(counterfactual, "execute")

    assert worth(report(then)) == (4, {"market": 4})  # 0.75 x 0.2 x 100 - 11


def test_a_restated_day_is_revised_history(then: Path) -> None:
    Store(str(then / "store")).append(closes(0.5, 0.6, 0.75, known="now"))

    page = report(then)

    assert worth(page) == (4, {"history": 4})
    assert "Revised history: 1 day of akash.price_usd." in told(page)["notes"]


def test_a_day_that_is_filled_in_later_is_revised_history(then: Path, write: Write) -> None:
    Store(str(then / "store")).append(closes(0.4, first="2025-12-31", known="now"))

    page = report(then)

    days = told(page)["figures"][1]
    assert (days["name"], days["change"]) == ("Days held", 1)
    assert days["parts"] == {"code": 0, "assumptions": 0, "history": 1, "market": 0}


def test_an_edited_catalogue_is_an_assumption(then: Path) -> None:
    assume(then, 0.25)

    page = report(then)

    assert worth(page) == (2.75, {"assumptions": 2.75})
    record = manifest.read(page.with_suffix(manifest.SUFFIX))["compared"]
    assert record["seconds"].keys() == {"assumptions"}


def test_a_comment_in_the_catalogue_is_no_change(then: Path) -> None:
    path = then / "own" / "mine.toml"
    path.write_text("# a new line\n" + path.read_text(encoding="utf-8").replace("mine", "yours"))
    before = manifest.read(only_twin(then).with_suffix(manifest.SUFFIX))

    after = manifest.read(report(then).with_suffix(manifest.SUFFIX))

    assert before["catalogue"] == after["catalogue"]
    assert "my bank" not in json.dumps(before)


def test_an_edited_notebook_is_code(then: Path, write: Write) -> None:
    code(then, write, "200")

    page = report(then)

    assert worth(page) == (11, {"code": 11})
    assert "Not as it was then: the notebook question was edited." in told(page)["notes"]


@pytest.fixture(scope="module")
def all_at_once(made: Path, write: Write, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything changed: the notebook, the catalogue, an old day and a new one."""
    folder = shutil.copytree(made, tmp_path_factory.mktemp("all") / "moved")
    (folder / "first").mkdir()
    shutil.copy(only_twin(folder), folder / "first" / "twin.json")
    code(folder, write, "200")
    assume(folder, 0.5)
    Store(str(folder / "store")).append(closes(0.5, 0.6, 0.75, 0.9, known="now"))
    said: list[str] = []
    report(folder, told=said)
    (folder / "said").write_text("\n".join(said), encoding="utf-8")
    return folder


def test_four_changes_at_once_are_told_apart_to_the_digit(all_at_once: Path) -> None:
    page = only_twin(all_at_once).with_suffix(".html")

    assert worth(page) == (
        79,  # 90 - 11
        {
            "code": 11,  # 0.55 x 0.2 x 200 - 11
            "assumptions": 33,  # 0.55 x 0.5 x 200 - 22
            "history": 20,  # 0.75 x 0.5 x 200 - 55
            "market": 15,  # 0.9 x 0.5 x 200 - 75
        },
    )
    values, days = told(page)["table"]["rows"]
    assert values[:4] == ["Worth", "11.00 USD", "90.00 USD", "+79.00 USD"]
    assert values[4:] == ["+15.00 USD", "+20.00 USD", "+33.00 USD", "+11.00 USD"]
    assert days == ["Days held", "3", "4", "+1", "+1", "0", "0", "0"]


def test_what_was_compared_and_how_long_it_took_is_in_the_manifest(all_at_once: Path) -> None:
    first = (all_at_once / "first" / "twin.json").read_bytes()

    record = manifest.read(only_twin(all_at_once).with_suffix(manifest.SUFFIX))["compared"]

    assert record["twin_sha256"] == hashlib.sha256(first).hexdigest()
    assert dt.datetime.fromisoformat(record["written_at"]).tzinfo is not None
    assert record["seconds"].keys() == {"code", "assumptions", "history"}


def test_what_is_being_done_is_told_and_no_file_is_left(all_at_once: Path) -> None:
    said = (all_at_once / "said").read_text(encoding="utf-8")

    assert "comparing with the report of 20" in said
    assert len([*(all_at_once / "out").iterdir()]) == 3


def test_a_verdict_that_flipped_stands_above_the_answer_with_what_turned_it(
    all_at_once: Path,
) -> None:
    page = only_twin(all_at_once).with_suffix(".html")
    text = page.read_text(encoding="utf-8")

    flip = soup(page).select_one("aside.flips p")
    assert flip is not None
    assert flip.get_text().startswith("The answer changed: from “wait” (the report of 20")
    assert flip.get_text().endswith("to “buy”. It turned with changed assumptions.")
    assert told(page)["flips"][0]["because"] == ["changed assumptions"]
    assert text.index("<h1") < text.index('class="flips"') < text.index('class="answer')


def test_each_number_of_the_section_is_in_the_twin(all_at_once: Path) -> None:
    page = only_twin(all_at_once).with_suffix(".html")
    held = {cell for line in told(page)["table"]["rows"] for cell in line}
    held |= {*told(page)["table"]["columns"], *told(page)["notes"], told(page)["title"]}
    held |= {flip["text"] for flip in told(page)["flips"]}

    shown = soup(page).select(".changes :is(h2, p, th, td)")

    assert len(shown) > 20
    assert {element.get_text() for element in shown} <= held


def test_a_rebuilt_report_shows_the_same_changes_byte_by_byte(all_at_once: Path) -> None:
    path = only_twin(all_at_once).with_suffix(manifest.SUFFIX)
    notebook = str(all_at_once / "question.ipynb")

    with of(all_at_once):
        found = rebuild(path, notebook=notebook, out=all_at_once / "again")

    assert found.equal
    assert isinstance(found.page, Path)
    sections = [
        str(soup(page).select(".changes, .flips"))
        for page in (found.page, only_twin(all_at_once).with_suffix(".html"))
    ]
    assert sections[0] == sections[1]
    assert len(sections[0]) > 100


def test_the_same_again_is_said_in_a_sentence(then: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = report(then)

    section = soup(page).select_one(".changes")
    assert section is not None
    (sentence,) = (each.get_text() for each in section("p"))
    assert sentence.startswith("Nothing changed: verdict and figures of the answer are those of ")
    assert not section("table")


@pytest.mark.parametrize(
    "break_it", ["no twin", "no manifest", "no JSON", "a list", "too deep", "of a type", "no key"]
)
def test_an_earlier_report_that_cannot_be_read_is_not_compared_with(
    then: Path, break_it: str
) -> None:
    twin = only_twin(then)
    path = twin.with_suffix(manifest.SUFFIX)
    content = json.loads(path.read_text(encoding="utf-8"))
    if break_it == "no twin":
        twin.unlink()
    elif break_it == "no manifest":
        path.unlink()
    elif break_it == "no JSON":
        path.write_text("{", encoding="utf-8")
    elif break_it == "a list":
        twin.write_text("[]", encoding="utf-8")
        told_hash = hashlib.sha256(b"[]").hexdigest()
        path.write_text(json.dumps(content | {"twin_sha256": told_hash}), encoding="utf-8")
    elif break_it == "too deep":
        path.write_text("[" * 100_000, encoding="utf-8")
    elif break_it == "of a type":
        path.write_text(json.dumps(content | {"packages": ["pandas"]}), encoding="utf-8")
    else:
        del content["started_at"]
        path.write_text(json.dumps(content), encoding="utf-8")

    assert earlier.find(twin.with_suffix(".html")) == (
        "Not compared with the earlier report of this name: its twin or its manifest is missing or "
        "cannot be read."
    )


def test_an_earlier_report_that_somebody_edited_is_not_compared_with(then: Path) -> None:
    twin = only_twin(then)
    twin.write_text(twin.read_text(encoding="utf-8").replace("11", "12"), encoding="utf-8")

    assert told(report(then))["note"] == (
        "Not compared with the earlier report of this name: its twin is not the one that was "
        "written with its manifest."
    )


def test_a_step_that_cannot_be_rendered_leaves_the_change_whole(
    then: Path, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    code(then, write, '{0.5: 200}[catalogue.load().assumptions["t_bill_yield"].figure.value]')
    assume(then, 0.5)

    page = report(then)

    change, parts = worth(page)
    assert (change, parts) == (44, {})  # 0.55 x 0.5 x 200 - 11
    assert set(told(page)["figures"][0]["parts"].values()) == {None}
    assert told(page)["table"]["columns"] == ["Figure", "Then", "Now", "Change"]
    assert told(page)["notes"][0] == (
        "How much came from what cannot be told: the notebook of now could not be rendered from "
        "the data and assumptions of then."
    )
    assert "KeyError" in capsys.readouterr().err


def test_a_notebook_that_cannot_look_back_tells_the_change_whole(
    write: Write, tmp_path: Path
) -> None:
    cell = (
        "from research.figures import theme\nfrom research.headline import Figure, Headline\n"
        "from research.origin import Origin\n"
        'figures = (Figure(name="Worth", value={}),)\n'
        'theme.answer("So.", origin=Origin.said(""), told=Headline(verdicts={{}}, figures=figures))'
    )
    notebook = tmp_path / "own.ipynb"
    for value in (1, 3):
        write(notebook, "# T", cell.format(value))
        page = render.report(str(notebook), {}, out=tmp_path)

    assert told(page)["figures"][0]["change"] == 2
    assert "no parameters as_of and store" in told(page)["notes"][0]


def test_without_the_data_of_then_only_a_change_of_code_or_assumptions_cannot_be_split(
    then: Path, write: Write
) -> None:
    shutil.rmtree(then / "store")
    Store(str(then / "store")).append(closes(0.5, 0.6, 0.75, 0.9, known="now"))
    other = shutil.copytree(then, then.with_name("other"))
    assume(other, 0.5)

    assert worth(report(then)) == (7, {"history": 4, "market": 3})
    page = report(other)
    assert worth(page)[1] == {}
    assert "the store does not say any more of then what it said then" in told(page)["notes"][0]


def test_what_is_said_to_have_been_known_by_then_is_news_all_the_same(then: Path) -> None:
    Store(str(then / "store")).append(closes(0.75, first="2026-01-04", known="2026-01-05"))
    assume(then, 0.5)

    assert worth(report(then)) == (
        26.5,  # 0.75 x 0.5 x 100 - 11
        {"assumptions": 16.5, "market": 10},  # 0.55 x 0.5 x 100 - 11, and the rest
    )


def test_another_store_is_not_taken_for_new_data(then: Path) -> None:
    (then / "store").rename(then / "elsewhere")
    Store(str(then / "elsewhere")).append(closes(0.9, first="2026-01-04", known="now"))

    with of(then, "elsewhere"):
        page = render.report(str(then / "question.ipynb"), {}, out=then / "out")

    assert told(page)["figures"][0]["change"] == pytest.approx(7)
    assert "it was made from another store" in told(page)["notes"][0]


def test_a_figure_that_is_new_or_gone_has_no_change(then: Path, write: Write) -> None:
    code(then, write, "100", 'Figure(name="Weeks held", value=1)')

    rows = told(report(then))["table"]["rows"]

    assert rows[1:] == [["Weeks held", "–", "1", *["–"] * 5], ["Days held", "3", "–", *["–"] * 5]]


def test_hostile_words_are_shown_as_text(then: Path, write: Write) -> None:
    bad = "<script>alert(1)</script>\" onload='x' {{ 7 * 7 }} \x00\u202e&amp;"
    for value in (7, 8):
        cell = ANSWER.replace("CONSTANT", "100").replace('"wait"', repr(f"{bad}{value}"))
        cell = cell.replace("OTHER", f"Figure(name={bad!r}, value={value}, unit='<b>')")
        write(then / "question.ipynb", TITLE, PARAMETERS, cell)
        page = report(then)

    name = told(page)["table"]["rows"][1][0]
    assert name == "<script>alert(1)</script>\" onload='x' {{ 7 * 7 }} ��&amp;"
    assert not soup(page).select(".changes script, .flips script, .answer script, [onload]")
    assert name in {cell.get_text() for cell in soup(page).select(".changes th")}


def test_what_a_twin_was_made_to_tell_is_shown_only_if_a_page_can(made: Path) -> None:
    whole = told(only_twin(made))

    assert changes.carried({"changes": whole}) == whole
    assert changes.carried([]) is None
    broken: list[Any] = [{}, [], None, "x", 3, {**whole, "notes": [1]}, {**whole, "flips": [{}]}]
    broken.append({**whole, "table": {"columns": ["a"], "rows": [[{}]]}})
    for part in broken:
        assert changes.carried({"changes": part}) is None
