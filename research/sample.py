"""The simulated market as a store: `--store sample`, made once and kept in the cache."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from research import catalogue, frames, market
from research import store as stores
from research.config import settings
from research.errors import StoreError
from research.market import SEED, observations, truth

DAYS_KEPT = 1  # of a market that another version made; a process may still be reading it


def make(folder: str | Path, seed: int = SEED) -> Path:
    """Write the market into `folder`: `store`, and `truth.json` beside it; return the store.

    The folder appears when it is whole. Two processes may make the same one at once.

    Raises
    ------
    StoreError
        The folder cannot be made, or there is something else.
    """
    folder = Path(folder)
    facts = json.dumps(asdict(truth(seed)) | {"version": _version(seed)}, indent=1, default=str)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f"{folder.name}.", dir=folder.parent) as beside:
            made = Path(beside) / "market"
            stores.Store(str(made / "store")).append(observations(seed))
            (made / "truth.json").write_text(facts, encoding="utf-8")
            is_published = _is_published(made, folder)
    except (OSError, StoreError) as refused:
        raise StoreError(
            f"{folder}: the simulated market cannot be written there ({refused}); name a folder "
            "that you may write to; for `--store sample` set RESEARCH_CACHE to one"
        ) from refused
    if not is_published:
        raise StoreError(f"{folder}: holds something else; name a new folder")
    return folder / "store"


def _is_published(made: Path, folder: Path) -> bool:
    """Return whether `folder` now is what was made; another process may have been quicker."""
    try:
        made.rename(folder)
    except OSError:
        facts = [path / "truth.json" for path in (made, folder)]
        return facts[1].is_file() and facts[0].read_bytes() == facts[1].read_bytes()
    return True


def store() -> str:
    """Return the store of the simulated market; it is made once, and again after a change."""
    folder = settings().cache / f"sample-{_version(SEED)}"
    if not (folder / "truth.json").is_file():
        make(folder, SEED)
        _remove_old(folder)
    return str(folder / "store")


def _version(seed: int) -> str:
    """Return a name for all that the market is made from: seed, code and catalogue."""
    known = catalogue.load()
    parts = (__file__, market.__file__, frames.__file__, stores.__file__)
    code = [Path(str(file)).read_bytes() for file in parts]
    facts = repr((seed, known.networks, known.factors, known.gpus, known.measures)).encode()
    return hashlib.sha256(b"".join([*code, facts])).hexdigest()[:16]


def _remove_old(folder: Path) -> None:
    for other in folder.parent.glob("sample-*"):
        with suppress(FileNotFoundError):  # another process may be removing it too
            if other != folder and time.time() - other.stat().st_mtime > DAYS_KEPT * 86_400:
                shutil.rmtree(other)
