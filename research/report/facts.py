"""What a running notebook alone can tell of itself: what it read, from which store, how doubtful.

A cell that asks is put at the end of a copy of the notebook, and taken out before the page is made.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from research.errors import RenderError

SIMULATED = "simulated"  # the kind of a store that is made, not observed
KIND = "application/vnd.gpu-depin-research.facts+json"
QUESTION = "from research.report import facts\nfacts.show"
WITH_IDS = (4, 5)  # the version of the notebook format from which cells have ids


def asking(notebook: bytes, store: str | None) -> str:
    """Return the text of `notebook` with the cell that asks at its end.

    Parameters
    ----------
    store : that the notebook reads, None if it has no such parameter
    """
    content = json.loads(notebook)
    cell: dict[str, Any] = {
        "cell_type": "code",
        "metadata": {},
        "execution_count": None,
        "outputs": [],
        "source": f"{QUESTION}({store!r})",
    }
    if (content.get("nbformat", 4), content.get("nbformat_minor", 0)) >= WITH_IDS:
        cell["id"] = "what-was-read"
    content["cells"].append(cell)
    return json.dumps(content)


def told(cell: Any) -> dict[str, Any]:
    """Return what the cell that asks was answered, see `gather`."""
    for output in cell.outputs:
        if KIND in output.get("data", {}):
            found: dict[str, Any] = json.loads(json.dumps(output.data[KIND]))
            return found
    raise RenderError(
        "the notebook did not tell what it read, so its report could not be checked later; "
        "does a cell replace `display` or end the kernel? nothing was published"
    )


def show(store: str | None) -> None:
    """Display, in the notebook's kernel, what it read."""
    from IPython.display import display

    display({KIND: gather(store)}, raw=True)  # type: ignore[no-untyped-call]  # IPython's


def gather(store: str | None) -> dict[str, Any]:
    """Return what this process read, as JSON knows it.

    `series` is a list of `used.Used`; `failed_checks` says in what of it results cannot be trusted;
    `store` says which, without its path: its kind, name, version (null if nothing was read) and, if
    it is simulated, seed.
    """
    from research import used

    series = [asdict(one) | {"first": f"{one.first}", "last": f"{one.last}"} for one in used.used()]
    return {
        "series": series,
        "failed_checks": [asdict(one) for one in used.failed()],
        "store": store and _store(store, was_read=bool(series)),
    }


def _store(location: str, *, was_read: bool) -> dict[str, Any]:
    kind = SIMULATED if location == "sample" else "delta"
    named = {"kind": kind, "name": last_folder(location), "version": None}
    if not was_read:
        return named
    if kind == SIMULATED:
        from research import market, sample

        made = Path(sample.store()).parent.name  # after all that the market is made from
        return named | {"seed": market.SEED, "version": made}
    from research.store import Store

    return named | {"version": Store(location).version()}


def last_folder(location: str) -> str:
    """Return the name of a store without the folders above it, which are the user's own affair."""
    return Path(location).name
