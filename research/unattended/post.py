"""Sends one text to one target by apprise, and lets nobody read where that is."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pydantic import SecretStr

from research.config import settings
from research.unattended.rules import Kind

SENDER = "GPU DePIN research"
TYPES: Mapping[Kind, str] = {"failure": "failure", "recovery": "success", "overdue": "warning"}


def variable(target: str) -> str:
    """Return the name of the variable of the environment that holds a target's address."""
    return f"RESEARCH_ALERTS__{target.upper()}"


def targets() -> dict[str, SecretStr]:
    """Return the address of each target; an empty one is none, as where a secret is not set."""
    return {name: it for name, it in settings().alerts.items() if it.get_secret_value().strip()}


def send(target: str, *, title: str, text: str, kind: Kind) -> str:
    """Send a text; return why it did not arrive, empty if it did."""
    address = targets().get(target)
    if address is None:
        return f"{variable(target)} is not set"
    with _muted():
        import apprise  # slow, and most runs have nothing to tell

        asset = apprise.AppriseAsset(app_id=SENDER, app_desc=SENDER, async_mode=False)
        service = apprise.Apprise.instantiate(address.get_secret_value(), asset=asset)
        if service is None:
            return f"{variable(target)} is not an address that apprise knows"
        box = apprise.Apprise(asset=asset)
        box.add(service)
        has_arrived = box.notify(
            title=title,
            body=text,
            body_format=apprise.NotifyFormat.TEXT,
            notify_type=apprise.NotifyType(TYPES.get(kind, "info")),
        )
    return "" if has_arrived else "it could not be reached, or did not take it"


def is_address(address: SecretStr) -> bool:
    """Say whether apprise knows how to send to an address."""
    with _muted():
        import apprise

        return apprise.Apprise.instantiate(address.get_secret_value()) is not None


@contextmanager
def _muted() -> Iterator[None]:
    """Let no library write a line or warn: theirs have addresses in them."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
