"""Time until a page is ready: every figure drawn, the what-if's sliders there, the browser idle.

Run as a script. Each report is made from the simulated market and opened in Chromium from its
file, without a network, at a desk's and a phone's width; the middle of several visits counts.
Exits with 1 beyond the limit.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from research.report import render

MAX_SECONDS = 2.0
WIDTHS = (1280, 390)
VISITS = 5
READY = """(limit) => new Promise((resolve, reject) => {
  const look = () => {
    const each = (name, part) =>
      [...document.querySelectorAll(name)].every((found) => found.querySelector(part));
    if (performance.now() > limit) reject(new Error("not ready"));
    else if (each(".canvas", "svg.main-svg") && each(".what-if", "input"))
      requestIdleCallback(() => resolve(performance.now() / 1000));
    else setTimeout(look, 10);
  };
  look();
})"""
GIVE_UP = 60_000  # milliseconds


def visit(browser: Browser, page: Path, width: int) -> float:
    """Return the seconds from the start of loading until the page is ready."""
    context = browser.new_context(viewport={"width": width, "height": 800}, offline=True)
    opened = context.new_page()
    opened.goto(page.as_uri())
    seconds = float(opened.evaluate(READY, GIVE_UP))
    context.close()
    return seconds


def main() -> int:
    """Measure each report at each width."""
    kept = True
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for notebook in sorted(render.find("token-or-hardware").parent.glob("*.ipynb")):
            page = render.report(notebook.stem, {}, store="sample", out=Path(folder))
            for width in WIDTHS:
                middle = statistics.median(visit(browser, page, width) for _ in range(VISITS))
                kept &= middle < MAX_SECONDS
                sys.stdout.write(
                    f"{notebook.stem} at {width} pixels: ready after {middle:.2f} s (limit "
                    f"{MAX_SECONDS:g}): {'kept' if middle < MAX_SECONDS else 'NOT KEPT'}\n"
                )
        browser.close()
    return 0 if kept else 1


if __name__ == "__main__":
    raise SystemExit(main())
