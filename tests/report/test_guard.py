"""No key, no name of the machine and no folder of it reaches a page; the guard finds them there."""

from __future__ import annotations

import base64
import gzip
import html
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import pytest

from research.config import credentials, identity, settings
from research.errors import RenderError
from research.report import guard, naming, render
from research.report.files import publish

Write = Callable[..., Path]

KEY = 'cg-7Yx&"planted/Key+1=='  # as awkward to escape as a key can be
CLOUD_KEY = "AKplantedCLOUDsecret99"
PASSWORD = "planted-pass-4711"  # noqa: S105 - of nothing
HOST = "planted-atelier"
USER = "plantedjane"
QUICK = {"token-or-hardware": {"paths": "500", "horizon_months": "12"}}
NOTEBOOKS = sorted(path.stem for path in (Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
KINDS = [
    "a key or password",
    "the address of the store",
    "the home folder",
    "a temporary folder",
    "the host name",
    "the user name",
]

TYPED = "from research.parameters import StoreLocation\n\nstore: StoreLocation = 'own'  # where\n"
TELLING = """
import os, base64
from pathlib import Path
import pandas as pd
from research.figures import theme
from research.origin import Origin

key, home = os.environ["RESEARCH_KEYS__COINGECKO"], str(Path.home())
print(os.environ["AWS_SECRET_ACCESS_KEY"])
print(f"no such file: {store}/part-0.parquet")
theme.table(pd.DataFrame({"Key": [key], "File": [f"{home}/x.csv"]}), caption="Keys",
            origin=Origin.said(f"{os.environ['USER']}@{os.environ['HOSTNAME']}"))
"""


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mapping[str, str]]:
    """Plant secrets in the environment, and give them by the kind of thing that they are."""
    cache, home = settings().cache, tmp_path / "home" / USER
    home.mkdir(parents=True)
    environment = {
        "RESEARCH_CACHE": str(cache),  # where the simulated market is already
        "RESEARCH_KEYS__COINGECKO": KEY,
        "RESEARCH_URLS__AKASH": f"https://me:{PASSWORD}@proxy.example/akash",
        "AWS_SECRET_ACCESS_KEY": CLOUD_KEY,
        "HOME": str(home),
        "HOSTNAME": HOST,
        "USER": USER,
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    yield {
        "key": KEY,
        "cloud key": CLOUD_KEY,
        "password": PASSWORD,
        "home": str(home),
        "host": HOST,
        "user": USER,
        "folder": str(Path(__file__).parents[2]),
        "temporary folder": tempfile.gettempdir() + os.sep,
    }
    monkeypatch.undo()
    settings.cache_clear()


def kinds(text: str, store: str | None = None) -> list[str]:
    return [leak.kind for leak in guard.leaks(text, guard.private(store))]


def telling(write: Write, tmp_path: Path) -> tuple[Path, Path]:
    """Return a notebook whose cells tell everything, and a store of its own."""
    return write(tmp_path / "telling.ipynb", "# What is told\n", TYPED, TELLING), tmp_path / "mine"


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_a_notebooks_page_tells_nothing_of_the_machine_that_made_it(
    notebook: str, planted: Mapping[str, str], tmp_path: Path
) -> None:
    asked = QUICK.get(notebook, {})
    page = render.report(notebook, asked, store="sample", out=tmp_path / "out").read_text()

    read = page + html.unescape(page)
    assert len(NOTEBOOKS) == 6
    assert [kind for kind, secret in planted.items() if secret in read] == []
    assert "papermill" not in read.replace("papermill 2", "")


def test_a_page_whose_cells_tell_secrets_is_refused_and_the_old_one_stays(
    write: Write, planted: Mapping[str, str], tmp_path: Path
) -> None:
    notebook, store = telling(write, tmp_path)
    out = tmp_path / "out"
    asked = {"store": str(store)}
    old = out / naming.file_name("telling", {"store": str(store)})
    publish(b"the last good one", old)

    with pytest.raises(RenderError) as refused:
        render.report(str(notebook), asked, out=out)

    said = str(refused.value)
    assert [kind for kind in KINDS if kind not in said] == []
    assert 'after the heading "What is told"' in said
    assert "nothing was published" in said
    assert [kind for kind, secret in planted.items() if secret in said] == []
    assert [path.read_bytes() for path in out.iterdir()] == [b"the last good one"]


def test_without_the_guard_the_same_page_would_be_published_with_them(
    write: Write, planted: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook, store = telling(write, tmp_path)
    monkeypatch.setattr(guard, "check", lambda *_, **__: None)

    page = render.report(str(notebook), {"store": str(store)}, out=tmp_path / "out").read_text()

    read = html.unescape(page)
    for kind in ("key", "cloud key", "home", "host", "user", "temporary folder"):
        assert planted[kind] in read, kind
    assert [kind for kind in KINDS if kind not in kinds(page, str(store))] == []


@pytest.mark.parametrize(
    "write_down",
    [
        str,
        html.escape,
        quote,
        lambda key: quote(key, ""),
        lambda key: json.dumps({"X-Key": key}),
        lambda key: html.escape(json.dumps([key])),
        lambda key: base64.b64encode(f"user:{key}".encode()).decode(),
        lambda key: base64.b64encode(f"a user:{key}, and more".encode()).decode(),
        lambda key: base64.b64encode(key.encode()).decode(),
        lambda key: (
            "data:image/svg+xml;base64,"
            + base64.b64encode(f"<svg><!-- a comment: {key} --></svg>".encode()).decode()
        ),
        lambda key: base64.b64encode(gzip.compress(f"a figure's data {key}".encode())).decode(),
    ],
    ids=[
        "plain",
        "html",
        "url",
        "query",
        "json",
        "attribute",
        "header",
        "within",
        "base64",
        "image",
        "gzip",
    ],
)
def test_a_key_is_found_however_it_is_written(
    write_down: Callable[[str], str], planted: Mapping[str, str]
) -> None:
    assert kinds(f"<p>It says {write_down(KEY)}.</p>") == ["a key or password"]


@pytest.mark.usefixtures("planted")
def test_a_password_within_an_address_is_a_secret_and_so_is_what_is_called_one() -> None:
    assert {KEY, PASSWORD, CLOUD_KEY} <= set(credentials())
    assert kinds(f"<p>{PASSWORD}</p>") == ["a key or password"]


def test_a_variable_called_a_token_that_holds_an_ordinary_word_blocks_no_report(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOME_TOKEN", "disabled")
    monkeypatch.setenv("OTHER_KEY", "1")

    assert kinds("<p>1 series was disabled, as its rate is unknown.</p>") == []


def test_names_are_searched_as_whole_words(planted: Mapping[str, str]) -> None:
    assert kinds(f"<p>made on {HOST}.local</p>") == ["the host name"]
    assert kinds(f"<p>made by {USER}</p>") == ["the user name"]
    assert kinds(f"<p>{HOST}s, un{USER}</p>") == []


@pytest.mark.parametrize("name", ["root", "vm", "jo", "ubuntu", "akash", "render", "Summary"])
def test_names_that_are_short_common_or_words_of_ours_are_not_searched(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("HOSTNAME", "USER"):
        monkeypatch.setenv(variable, name)
    hosts, users = identity()
    assert name in hosts
    assert name in users

    assert kinds(f"<p>{name} and {name.upper()}</p>") == []


def test_folders_are_searched_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: "/scratch")

    for told in ("/scratch", "'/scratch/x.csv'", "file:///scratch/x", "<pre>/scratch/x</pre>"):
        assert kinds(f"<p>open {told}</p>") == ["a temporary folder"]
    for other in ("/scratches", "example.org/scratch", "/scratch-pad", "x</scratch>"):
        assert kinds(f"<p>open {other}</p>") == []


def test_a_store_on_an_object_store_is_told_by_neither_address_nor_password() -> None:
    store = "s3://bucket-of-mine/observations/"

    assert kinds("<p>read from s3://bucket-of-mine/observations/_log</p>", store) == [
        "the address of the store"
    ]
    assert kinds("<p>read from observations</p>", store) == []
    assert kinds("<p>read from sample</p>", "sample") == []


@pytest.mark.parametrize(
    "told",
    [
        '<pre>{"papermill": {"duration": 3.1}}</pre>',
        "<pre>{&#39;papermill&#39;: {&#39;exception&#39;: None}}</pre>",
        "<p data-tags='injected-parameters'></p>",
        '{"input_path": "notebook.ipynb"}',
    ],
)
def test_papermills_own_notes_are_found(told: str) -> None:
    assert kinds(told) == ["papermill's metadata"]


def test_that_papermill_was_used_may_be_said() -> None:
    assert kinds('<p>Run by papermill.</p> {"packages": {"papermill": "2.7.0"}}') == []


def test_a_leak_is_placed_by_line_and_heading_and_never_repeated(
    planted: Mapping[str, str],
) -> None:
    page = f"<h1>T</h1>\n<h2>What <b>it</b> costs</h2>\n\n<p>{HOST}</p>"

    found = guard.leaks(page, guard.private())

    assert [str(leak) for leak in found] == [
        'the host name in line 4, after the heading "What it costs"'
    ]
    told = guard.leaks(f"<h2>On {HOST}</h2>\n<p>{USER} {HOST}</p>", guard.private())
    assert [str(leak) for leak in told if leak.kind == "the user name"] == [
        "the user name in line 2"
    ]
