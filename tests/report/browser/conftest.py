"""A real browser without a network, which keeps what a page asks for and complains of."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from research.report import render

ARGUMENTS = [
    "--no-sandbox",  # tests may run as root, in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


QUICK = {"token-or-hardware": {"paths": "500", "horizon_months": "12"}}  # few futures


@dataclass(frozen=True)
class Visit:
    """A page that is open, and what happened on it."""

    page: Page
    requests: list[str] = field(default_factory=list)  # addresses, the page's own left out
    complaints: list[str] = field(default_factory=list)  # errors and console messages


Open = Callable[..., Visit]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Start the system's Chromium once; a browser that is missing is a failure, not a skip."""
    program = shutil.which("chromium")
    if program is None:
        pytest.fail("no chromium on the PATH; install it: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, headless=True, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Open]:
    """Open a file as a reader would, with a window of `width` pixels and networking off."""
    contexts = []

    def opened(path: Path, *, width: int = 1280, **options: Any) -> Visit:
        context = chromium.new_context(
            viewport={"width": width, "height": 800}, offline=True, **options
        )
        contexts.append(context)
        made = Visit(context.new_page())
        address = path.as_uri()
        made.page.on(
            "request",
            lambda request: made.requests.append(request.url) if request.url != address else None,
        )
        made.page.on("console", lambda message: made.complaints.append(message.text))
        made.page.on("pageerror", lambda error: made.complaints.append(str(error)))
        made.page.goto(address)
        return made

    yield opened
    for context in contexts:
        context.close()


class Pages(dict[str, Path]):
    """The page of each notebook, made of the simulated market when first asked for."""

    def __init__(self, out: Path) -> None:
        super().__init__()
        self.out = out

    def __missing__(self, notebook: str) -> Path:
        asked = QUICK.get(notebook, {})
        self[notebook] = render.report(notebook, asked, store="sample", out=self.out)
        return self[notebook]


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The page of each notebook by its name."""
    return Pages(tmp_path_factory.mktemp("pages"))
