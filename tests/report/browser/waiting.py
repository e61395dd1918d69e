"""Waiting for something to hold on a page that forbids eval."""

from __future__ import annotations

from playwright.sync_api import Page

LONGEST_MS = 30_000


def wait_until(page: Page, condition: str) -> None:
    """Wait until a JavaScript expression holds.

    Playwright's `wait_for_function` polls with eval, which our pages' policy forbids: it fails
    whenever its first look comes too early.
    """
    page.evaluate(
        f"""() => new Promise((done, fail) => {{
              const end = performance.now() + {LONGEST_MS};
              const look = () => {{
                if ({condition}) done();
                else if (performance.now() > end) fail(new Error("waited in vain"));
                else setTimeout(look, 50);
              }};
              look();
            }})"""
    )
