"""Where reports lie: a folder of this machine, or one on an object store."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, TypeAlias, TypeVar, cast

from research.errors import UsageError

if TYPE_CHECKING:
    from research.report.bucket import Bucket

Place: TypeAlias = "Path | Bucket"
P = TypeVar("P", bound="Path | Bucket")
CLIENTS = {  # by which fsspec reaches an object store, by the protocol of its address
    **dict.fromkeys(("s3", "s3a"), "s3fs"),
    **dict.fromkeys(("gs", "gcs"), "gcsfs"),
    **dict.fromkeys(("az", "abfs", "abfss"), "adlfs"),
}
EXTRA = "s3fs"  # the one that an extra of ours installs


def place(address: str) -> Place:
    """Return the folder or file of an address: a path, or such as `s3://bucket/reports`.

    Raises
    ------
    UsageError : if it is on no object store that we know, or its client is not installed
    """
    protocol, is_address, key = address.partition("://")
    if not is_address:
        return Path(address)
    if protocol not in CLIENTS:
        raise UsageError(
            f"{address}: not a place that several processes share; name a folder, or an address "
            f"that begins with one of {', '.join(f'{each}://' for each in CLIENTS)}"
        )
    client = CLIENTS[protocol]
    if find_spec(client) is None:
        what = "'gpu-depin-research[s3]'" if client == EXTRA else client
        raise UsageError(f"{address}: {protocol}:// needs {client}; pip install {what}")
    if not key.strip("/"):
        raise UsageError(f"{address}: names no bucket; write {protocol}://BUCKET/FOLDER")
    from research.report.bucket import Bucket

    return Bucket(protocol, PurePosixPath(key.strip("/")))


def within(folder: P, name: str) -> P:
    """Return what lies in a folder under a name, on the same kind of store."""
    return cast("P", folder / name)


def head(path: Place, count: int) -> bytes:
    """Return the first bytes of a file, at most so many."""
    if not isinstance(path, Path):
        return path.head(count)
    with path.open("rb") as file:
        return file.read(count)
