"""A report is one file that needs nothing else, and it is published whole or not at all."""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from research.errors import ParameterError, RenderError, UsageError
from research.report import kernel, naming, render
from research.report.files import publish

Write = Callable[..., Path]

PARAMETERS = (
    "from research.parameters import Count, StoreLocation\n\n"
    "count: Count = 1  # how many <b>cards</b>\n"
    'store: StoreLocation = "own"  # where\n'
    'label: str = "plain"  # any text\n'
)
VARIABLE = "name_of_a_variable_in_a_cell"
SCRIPT = "<script>alert('ran')</script>"
SHOWN = f"""
import sys, warnings, logging
import pandas as pd, plotly.graph_objects as go
from research import parameters
from research.figures import theme
from research.origin import Origin
{VARIABLE} = parameters.check(globals())
warnings.warn("a warning of a cell")
logging.error("a log line of a cell")
print("an error line of a cell", file=sys.stderr)
theme.answer("Rent it out.", "It pays $5 more.", origin=Origin.said("by hand"))
"""
FIGURES = """
for height in (300, 400):
    figure = go.Figure(go.Scatter(x=[1, 2], y=[3, 4], name="</script><b>"))
    figure.update_layout(title="Wealth <b>by</b> month", height=height)
    alt = "It rises from 3 to 4."
    theme.finish(figure, origin=Origin.said("akash.price_usd"), alt=alt).show()
figure
"""
TABLE = """
frame = pd.DataFrame({"Token": [label], "Value": [1234.5]})
theme.table(frame, caption="A table", origin=Origin.said("by hand"))
"""


@pytest.fixture(scope="module")
def notebook(write: Write, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("notebooks") / "question.ipynb"
    return write(path, "# Does it pay?\n\nIt cost $5, or $6.", PARAMETERS, SHOWN, FIGURES, TABLE)


@pytest.fixture(scope="module")
def rendered(
    notebook: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:  # the report, and what its making wrote to our stderr
    out = tmp_path_factory.mktemp("out")
    done = run(notebook, out, {"label": SCRIPT, "count": "2"})
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip()), done.stderr


@pytest.fixture(scope="module")
def page(rendered: tuple[Path, str]) -> str:
    return rendered[0].read_text(encoding="utf-8")


def command(notebook: Path, out: Path, parameters: dict[str, str]) -> list[str]:
    source = (
        "import sys, json; from pathlib import Path; from research.report import render\n"
        "print(render.report(sys.argv[1], json.loads(sys.argv[2]), out=Path(sys.argv[3])))"
    )
    return [sys.executable, "-c", source, str(notebook), json.dumps(parameters), str(out)]


def run(notebook: Path, out: Path, parameters: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(notebook, out, parameters), capture_output=True, text=True, check=False, timeout=60
    )


def test_the_page_asks_for_nothing_outside_itself(page: str) -> None:
    soup = BeautifulSoup(page, "html.parser")
    policy = soup.select_one("meta[http-equiv=Content-Security-Policy]")
    assert policy is not None
    assert "default-src 'none'" in str(policy["content"])
    assert "unsafe-eval" not in str(policy["content"])
    assert not soup.select("script[src], link, iframe, object, embed, base")
    assert not [tag for tag in soup(True) if str(tag.get("src", "data:"))[:5] != "data:"]
    style = "".join(tag.text for tag in soup("style"))
    assert "url(" not in style
    assert "@import" not in style


def test_only_the_pages_own_scripts_may_run(page: str) -> None:
    soup = BeautifulSoup(page, "html.parser")
    own = soup.select("script:not([type])")
    packed = soup.select_one("#plotly-js")
    assert packed is not None
    unpacked = gzip.decompress(base64.b64decode(packed.text))
    policy = soup.select_one("meta[http-equiv=Content-Security-Policy]")
    assert policy is not None
    allowed = re.findall("'sha256-([^']+)'", str(policy["content"]))
    assert [
        base64.b64encode(hashlib.sha256(x).digest()).decode()
        for x in (own[0].text.encode(), unpacked)
    ] == allowed
    assert len(own) == 1
    assert b"plotly.js v" in unpacked[:200]


def test_the_page_is_at_most_three_megabytes(rendered: tuple[Path, str]) -> None:
    assert rendered[0].stat().st_size < render.SIZE_LIMIT


def test_no_code_no_warning_and_no_error_output_is_on_the_page(page: str) -> None:
    for text in (
        VARIABLE,
        "a warning of a cell",
        "a log line of a cell",
        "an error line of a cell",
    ):
        assert text not in page


def test_what_a_cell_wrote_to_stderr_goes_to_ours(rendered: tuple[Path, str]) -> None:
    for text in ("a warning of a cell", "a log line of a cell", "an error line of a cell"):
        assert text in rendered[1]
    assert "transport" not in rendered[1]  # nor does the kernel itself have anything to say


def test_the_first_heading_is_the_title_and_a_dollar_is_money(page: str) -> None:
    soup = BeautifulSoup(page, "html.parser")
    assert soup.title is not None
    assert soup.title.text == "Does it pay?"
    assert soup.html is not None
    assert soup.html["lang"] == "en"
    assert "<p>It cost $5, or $6.</p>" in page


def test_a_figure_brings_its_title_source_and_meaning_as_text(page: str) -> None:
    figures = BeautifulSoup(page, "html.parser").select("figure.plot")
    assert len(figures) == 3
    assert figures[0].figcaption is not None
    assert " ".join(figures[0].figcaption.text.split()) == "Wealth by month"
    assert "Source: akash.price_usd" in figures[0].text
    canvas = figures[0].select_one("[role=img]")
    assert canvas is not None
    assert canvas["aria-label"] == "It rises from 3 to 4."
    assert canvas["style"] == "--height: 300px"


def test_a_figures_data_cannot_end_their_script(page: str) -> None:
    tags = BeautifulSoup(page, "html.parser").select("script[type='application/json']")
    specs = [json.loads(tag.text) for tag in tags]
    assert [spec["data"][0]["name"] for spec in specs] == [
        "&lt;/script>&lt;b>"
    ] * 3  # what Plotly shows as text
    assert specs[0]["data"][0]["y"] == [3, 4]
    assert "title" not in specs[0]["layout"]


def test_a_script_in_a_table_or_a_parameter_is_text(page: str) -> None:
    soup = BeautifulSoup(page, "html.parser")
    cells = [cell.text for cell in soup.select("td")]
    assert cells.count(SCRIPT) == 1  # in the table of the notebook
    assert f"{SCRIPT} chosen" in cells  # in the table of parameters
    assert "how many <b>cards</b>" in cells
    assert SCRIPT not in page


def test_an_answer_is_a_box_of_its_own(page: str) -> None:
    box = BeautifulSoup(page, "html.parser").select_one("main .answer")
    assert box is not None
    assert box.text.startswith("Rent it out.It pays $5 more.")


def test_times_are_said_to_be_utc_once_with_the_version(page: str) -> None:
    footer = BeautifulSoup(page, "html.parser").footer
    assert footer is not None
    assert "All days and times are UTC." in footer.text
    assert re.search(r"Written \d{4}-\d\d-\d\d \d\d:\d\d by gpu-depin-research \d", footer.text)


def test_nothing_says_where_our_folders_are(page: str, notebook: Path) -> None:
    assert str(notebook.parent) not in page
    assert str(Path.cwd()) not in page


def test_the_page_of_own_data_has_no_simulated_banner(page: str) -> None:
    assert "Nothing on this page describes" not in page


def test_a_report_of_the_simulated_market_never_takes_the_name_of_one_of_own_data(
    notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = render.Made(page=b"page", twin=b"{}", manifest={})
    monkeypatch.setattr(render, "make", lambda *_, **__: made)
    own = render.report(str(notebook), {}, out=tmp_path)
    simulated = render.report(str(notebook), {}, store="sample", out=tmp_path)
    assert (own.name, simulated.name) == ("question.html", "question--store-sample.html")


def test_a_failing_cell_leaves_the_last_good_report_and_nothing_else(
    write: Write, tmp_path: Path
) -> None:
    path = write(tmp_path / "half.ipynb", "# T", PARAMETERS, "1", "1 / (count - 2)")
    out = tmp_path / "out"
    old = out / "half--count-2.html"
    publish(b"the last good report", old)
    with pytest.raises(RenderError) as failure:
        render.report(str(path), {"count": "2"}, out=out)
    assert str(failure.value) == (
        "half, cell 4: ZeroDivisionError: division by zero; nothing was published"
    )
    assert [file.name for file in out.iterdir()] == [old.name]
    assert old.read_bytes() == b"the last good report"


def test_an_error_of_ours_is_said_in_its_own_words(write: Write, tmp_path: Path) -> None:
    cell = (
        "from research.errors import NoDataError\nraise NoDataError('no price of akash;\\nimport')"
    )
    path = write(tmp_path / "bare.ipynb", cell)
    with pytest.raises(RenderError, match=r"^bare, cell 1: no price of akash; import; nothing"):
        render.report(str(path), {}, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_kernel_that_dies_is_a_failure_that_is_said(write: Write, tmp_path: Path) -> None:
    path = write(tmp_path / "dead.ipynb", "import os; os._exit(9)")
    with pytest.raises(RenderError, match="dead: the kernel died"):
        render.report(str(path), {}, out=tmp_path / "out")


def test_two_runs_at_once_on_a_hostile_machine_both_publish(write: Write, tmp_path: Path) -> None:
    # No home, somebody's kernel called python3, a start-up file of theirs and another renderer.
    spec = tmp_path / "jupyter" / "kernels" / "python3" / "kernel.json"
    spec.parent.mkdir(parents=True)
    spec.write_text(json.dumps({"argv": ["false"], "display_name": "x", "language": "python"}))
    startup = tmp_path / "ipython" / "profile_default" / "startup" / "first.py"
    startup.parent.mkdir(parents=True)
    startup.write_text("raise SystemExit('their own start-up file ran')")
    hostile = os.environ | {
        "HOME": "/nonexistent",
        "JUPYTER_PATH": str(tmp_path / "jupyter"),
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "PLOTLY_RENDERER": "browser",
    }
    source = "import plotly.graph_objects as go, os\nprint('Went well.')\ngo.Figure()"
    path = write(tmp_path / "a {brace}" / "both.ipynb", "# T", source)
    out = tmp_path / "out"
    runs = [
        subprocess.Popen(
            command(path, out, {}), env=hostile, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    outcomes = [run.communicate(timeout=60) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], outcomes
    assert [stdout.decode() for stdout, _ in outcomes] == [f"{out / 'both.html'}\n"] * 2
    names = {"both.html", "both.json", "both.manifest.json"}
    assert {file.name for file in out.iterdir()} == names
    page = (out / "both.html").read_text(encoding="utf-8")
    assert "Went well." in page
    assert '<figure class="plot">' in page


@pytest.mark.parametrize("parameters", [{"count": "0"}, {"cuont": "1"}, {"count": "many"}])
def test_a_refused_parameter_starts_no_kernel(
    notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parameters: dict[str, str]
) -> None:
    monkeypatch.delattr(kernel, "started")
    with pytest.raises(ParameterError, match="question: "):
        render.report(str(notebook), parameters, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_store_for_a_notebook_that_takes_none_is_refused(write: Write, tmp_path: Path) -> None:
    path = write(tmp_path / "bare.ipynb", "1")
    with pytest.raises(ParameterError, match="no parameter store"):
        render.report(str(path), {}, store="sample", out=tmp_path)


def test_a_folder_that_cannot_be_written_is_refused_before_the_run(
    notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(kernel, "started")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError, match="cannot be written to"):
        render.report(str(notebook), {}, out=tmp_path / "file" / "out")


def test_an_unknown_notebook_is_refused_with_those_there_are(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "notebooks" / "market-overview.ipynb")
    monkeypatch.chdir(tmp_path)
    assert render.find("market-overview").is_file()
    with pytest.raises(UsageError, match=r"did you mean market-overview\? available are .*market-"):
        render.find("market-overveiw")
    with pytest.raises(UsageError, match="no such notebook"):
        render.find("elsewhere/market-overview.ipynb")


def test_a_time_that_has_not_come_is_refused_as_more_may_be_known_by_then(tmp_path: Path) -> None:
    ahead = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    with pytest.raises(UsageError, match=r"as_of .* UTC: that time has not come"):
        render.report("market-overview", {}, store="sample", as_of=ahead.isoformat(), out=tmp_path)
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({}, "token-or-hardware.html"),
        (
            {"network": "akash", "gpu": "rtx-4090"},
            "token-or-hardware--network-akash--gpu-rtx-4090.html",
        ),
        (
            {"capital_usd": 2000.0, "utilization": 0.6, "strict": True, "rate": None},
            "token-or-hardware--capital-usd-2000--utilization-0.6--strict-True--rate-none.html",
        ),
        ({"until": dt.date(2026, 3, 19)}, "token-or-hardware--until-2026-03-19.html"),
        (
            {"as_of": dt.datetime(2026, 3, 19, 12, tzinfo=dt.UTC)},
            "token-or-hardware--as-of-2026-03-19T120000Z.html",
        ),
        ({"store": "sample"}, "token-or-hardware--store-sample.html"),
    ],
)
def test_the_files_name_says_what_differs_from_the_notebooks_own_values(
    changed: dict[str, object], name: str
) -> None:
    assert naming.file_name("token-or-hardware", changed) == name


def test_what_a_name_cannot_spell_is_told_apart_by_a_hash() -> None:
    names = [
        naming.file_name("q", {"label": label})
        for label in ("a/b", "a b", "../../etc", "", "x" * 500, "x" * 501, "<script>", "a\n\0b")
    ]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"q--label-[A-Za-z0-9.-]*\.html", name) for name in names)
    assert max(map(len, names)) <= naming.NAME_LIMIT + len(".html")


def test_a_store_is_named_by_its_last_folder_only() -> None:
    one, other = (naming.file_name("q", {"store": f"/home/{who}/store"}) for who in ("ann", "bob"))
    assert one.startswith("q--store-store--")
    assert one != other


def test_a_page_that_cannot_be_moved_into_place_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken.html").mkdir()
    with pytest.raises(OSError, match="taken"):
        publish(b"page", tmp_path / "taken.html")
    assert [file.name for file in tmp_path.iterdir()] == ["taken.html"]


@pytest.mark.parametrize("taken", [".json", ".manifest.json", ".html"])
def test_neither_page_nor_twin_is_replaced_if_one_of_them_cannot_be(
    tmp_path: Path, taken: str
) -> None:
    page = tmp_path / "page.html"
    beside = {".json": b"twin", ".manifest.json": b"manifest"}
    publish(b"page", page, beside=beside)
    page.with_suffix(taken).unlink()
    page.with_suffix(taken).mkdir()
    with pytest.raises(OSError, match="page"):
        publish(b"new", page, beside=dict.fromkeys(beside, b"new"))
    left = [file for file in tmp_path.iterdir() if file.is_file()]
    assert len(left) == 2
    assert not [file for file in left if file.read_bytes() == b"new"]
