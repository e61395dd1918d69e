"""The manifest of a report: all that is needed to render it again and to say what has changed.

No path, host or user is in it: a store is named by its last folder, a notebook by its name.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import research
from research.errors import UsageError
from research.report import guard, kept
from research.report.places import Place

VERSION = 1  # of what a manifest holds
SUFFIX = ".manifest.json"
KEYS = {  # without which a report cannot be made and compared again
    *("notebook", "parameters", "chosen", "store", "series"),
    *("packages", "code", "catalogue", "twin_sha256"),
}
DISTRIBUTION = "gpu-depin-research"
OF_CODE = {".py", ".j2", ".css", ".js"}  # the files that decide what a page says


def read(path: Place) -> dict[str, Any]:
    """Return the manifest at `path`.

    Raises
    ------
    UsageError : if it is none, or of a version that is not known here
    """
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        version = found["schema_version"]
        absent = KEYS - found.keys() if version == VERSION else {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(
            f"{path}: not a manifest that can be read; give the {SUFFIX} beside a report"
        ) from error
    if version != VERSION:
        code = found.get("code")
        wrote = code.get("version") if isinstance(code, dict) else None
        raise UsageError(
            f"{path}: a manifest of version {version}, and version {VERSION} is known here; use "
            f"the code that wrote it, {DISTRIBUTION} {wrote}"
        )
    if absent:
        raise UsageError(
            f"{path}: not a manifest that can be read; it lacks {', '.join(sorted(absent))}"
        )
    return found


def to_bytes(content: Mapping[str, Any]) -> bytes:
    """Return a manifest or a twin as it is written: keys in order, one value a line."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, indent=1, allow_nan=False)
    return f"{text}\n".encode()


def environment(store: str | None = None) -> dict[str, Any]:
    """Return what ran, apart from the notebook: `packages`, `code`, and the `catalogue`'s hash.

    The catalogue is read anew each time. It goes with it as `kept` packs it, but not if anything in
    it is nobody else's business, be it in an entry that no page shows.

    Parameters
    ----------
    store : where the observations are, which is nobody else's business either
    """
    files = kept.read()
    is_private = guard.leaks("\n".join(files.values()), guard.private(store))
    packed = None if is_private else kept.pack(files)
    return {**installed(), "catalogue": kept.digest(files), "catalogue_files": packed}


@cache
def installed() -> dict[str, Any]:
    """Return the packages and our code, which stay as they are while this process runs."""
    folder = Path(str(research.__file__)).parent
    return {
        "packages": _packages(),
        "code": {
            "version": importlib.metadata.version(DISTRIBUTION),
            "commit": _commit(folder.parent),
            "sha256": _hash(folder, (p for p in folder.rglob("*") if p.suffix in OF_CODE)),
        },
    }


def _packages() -> dict[str, str]:
    """Return the version of Python and of each package that we depend on ourselves."""
    wanted = importlib.metadata.requires(DISTRIBUTION) or []
    names = [re.split(r"[^A-Za-z0-9._-]", each)[0] for each in wanted if "extra ==" not in each]
    found = {"python": platform.python_version()}
    for name in sorted(names):
        with suppress(importlib.metadata.PackageNotFoundError):  # a notebook may do without it
            found[name] = importlib.metadata.version(name)
    return found


def _commit(folder: Path) -> str | None:
    """Return the commit of our code, None where it does not lie in a clone or git is missing."""
    git = shutil.which("git")
    if git is None or not (folder / ".git").exists():
        return None
    asked = [git, "-C", str(folder), "rev-parse", "HEAD"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603 - git
    return done.stdout.strip() or None


def _hash(folder: Path, files: Iterable[Path]) -> str:
    """Return the SHA-256 of files, by name within `folder`."""
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(f"{path.relative_to(folder).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def causes(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return in sentences what differs between two manifests and may change a number."""
    found = _changes("parameter", then["parameters"], now["parameters"])
    found += causes_of_code(then, now)
    if then["catalogue"] != now["catalogue"]:
        found.append("the catalogue was edited: assumptions or facts may differ")
    if _kind_and_seed(then["store"]) != _kind_and_seed(now["store"]):
        found.append(f"the store is another: {_named(then['store'])}, now {_named(now['store'])}")
    return found + _series(then["series"], now["series"])


def causes_of_code(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return what differs in the notebook, the packages and our code."""
    name, is_edited = then["notebook"]["name"], then["notebook"] != now["notebook"]
    return [
        *([f"the notebook {name} was edited"] if is_edited else []),
        *_changes("package", then["packages"], now["packages"]),
        *_code(then["code"], now["code"]),
    ]


def _changes(what: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return [
        f"{what} {name}: {then.get(name, 'none')}, now {now.get(name, 'none')}"
        for name in sorted({*then, *now})
        if then.get(name, "none") != now.get(name, "none")
    ]


def _code(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    if then["sha256"] == now["sha256"]:
        return []
    named = [f"{one['version']} ({(one['commit'] or 'no commit')[:12]})" for one in (then, now)]
    edited = "" if named[0] != named[1] else ", edited"
    return [f"our code: {named[0]}, now {named[1]}{edited}"]


def _kind_and_seed(store: Mapping[str, Any] | None) -> tuple[Any, ...]:
    return () if store is None else (store["kind"], store.get("seed"))


def _named(store: Mapping[str, Any] | None) -> str:
    if store is None:
        return "none"
    return f"{store['kind']} {store['name']} of version {store['version']}"


def _series(then: Iterable[Mapping[str, Any]], now: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return which series were read with other values, or only then or now."""
    before, after = _by_source(then), _by_source(now)
    found = []
    for key in sorted({*before, *after}):
        if before.get(key) == after.get(key):
            continue
        told = [
            "not read" if key not in one else " and ".join(text for text, _ in one[key])
            for one in (before, after)
        ]
        same = ", other values" if told[0] == told[1] else ""
        found.append(f"series {key[0]} of {key[1]}: {told[0]}, now {told[1]}{same}")
    return found


def _by_source(
    series: Iterable[Mapping[str, Any]],
) -> dict[tuple[str, str], list[tuple[str, str]]]:
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for one in series:
        text = f"{one['rows']} rows to {one['last']}"
        found.setdefault((one["series"], one["source"]), []).append((text, one["sha256"]))
    return {key: sorted(told) for key, told in found.items()}
