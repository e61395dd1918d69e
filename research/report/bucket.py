"""A folder or a file on an object store, used as a `pathlib.Path` is.

fsspec speaks to the store. What it answers is never guessed at: there is an object, there is none,
or it is an error of ours; several methods of fsspec take any failure for "there is none".
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import PurePosixPath
from typing import Any

from research.errors import ResearchError
from research.report.guard import scrub

S3 = ("s3", "s3a")
S3_OPTIONS = {
    "config_kwargs": {"connect_timeout": 5, "read_timeout": 10},  # seconds; botocore tries 5 times
    "max_concurrency": 1,  # a file is read by one request, so nobody replaces it in between
}
NO_BUCKET, EMPTY = "NoSuchBucket", "InvalidRange"  # as S3 calls it


class PlaceError(ResearchError):
    """An object store does not answer, or refuses; the text says which address."""


@dataclass(frozen=True)
class Stat:
    """What is known of a file beside its content."""

    st_mtime: float  # when it was written, by the store's clock


@dataclass(frozen=True, order=True)
class Bucket:
    """A folder or a file; a folder is there as long as something lies in it."""

    protocol: str
    key: PurePosixPath  # with the bucket before it

    def __str__(self) -> str:
        return f"{self.protocol}://{self.key}"

    def __truediv__(self, name: str) -> Bucket:
        return replace(self, key=self.key / name)

    @property
    def name(self) -> str:
        """The last part."""
        return self.key.name

    @property
    def stem(self) -> str:
        """The last part without its suffix."""
        return self.key.stem

    @property
    def parent(self) -> Bucket:
        """The folder that it lies in."""
        return replace(self, key=self.key.parent)

    def with_name(self, name: str) -> Bucket:
        """Return what lies beside it under a name."""
        return replace(self, key=self.key.with_name(name))

    def with_suffix(self, suffix: str) -> Bucket:
        """Return what lies beside it under the same name with another suffix."""
        return replace(self, key=self.key.with_suffix(suffix))

    def resolve(self) -> Bucket:
        """Return itself: there are no links."""
        return self

    def exists(self) -> bool:
        """Say whether there is such a file or folder."""
        return bool(self._type())

    def is_file(self) -> bool:
        """Say whether there is such a file."""
        return self._type() == "file"

    def is_dir(self) -> bool:
        """Say whether something lies in such a folder."""
        return self._type() == "directory"

    def stat(self) -> Stat:
        """Return what is known of a file beside its content."""
        with self._asking() as store:
            return Stat(store.modified(str(self.key)).timestamp())

    def read_bytes(self) -> bytes:
        """Return the content of a file."""
        with self._asking() as store:
            content: bytes = store.cat_file(str(self.key))
            return content

    def read_text(self, encoding: str) -> str:
        """Return the content of a text file."""
        return self.read_bytes().decode(encoding)

    def head(self, count: int) -> bytes:
        """Return the first bytes of a file, at most so many."""
        try:
            with self._asking() as store:
                content: bytes = store.cat_file(str(self.key), start=0, end=count)
                return content
        except PlaceError as error:
            if EMPTY in _codes(error.__cause__):
                return b""
            raise

    def write_bytes(self, content: bytes) -> None:
        """Write a file, whole: a reader finds what was there or what is new."""
        with self._asking() as store:
            store.pipe_file(str(self.key), content)

    def create(self, content: bytes) -> bool:
        """Write a file if there is none, and say whether this is what is there now.

        No other process can have written the same, so give it something of its own: an answer may
        be lost, and the request that repeats it then finds what it wrote itself.
        """
        try:
            with self._asking() as store:
                store.pipe_file(str(self.key), content, mode="create")
        except FileExistsError:
            return self.found() == content
        except PlaceError:
            if (found := self.found()) is None:
                raise
            return found == content
        return True

    def unlink(self, missing_ok: bool = False) -> None:
        """Delete a file."""
        try:
            with self._asking() as store:
                store.rm_file(str(self.key))
        except FileNotFoundError:
            if not missing_ok:
                raise

    def replace(self, target: Bucket) -> None:
        """Give a file another name; if that is interrupted, it has both."""
        target.write_bytes(self.read_bytes())
        self.unlink()

    def touch(self) -> None:
        """Write an empty file."""
        self.write_bytes(b"")

    def iterdir(self) -> Iterator[Bucket]:
        """Yield what lies in a folder, by name."""
        try:
            with self._asking() as store:
                found = store.ls(str(self.key), detail=False)
        except FileNotFoundError:
            return
        within = f"{self.key}/"
        names = {each.removeprefix(within).strip("/") for each in found if each.startswith(within)}
        yield from (self / name for name in sorted(names - {""}))

    def glob(self, pattern: str) -> Iterator[Bucket]:
        """Yield what lies in a folder and has a name like `pattern`."""
        return (each for each in self.iterdir() if fnmatchcase(each.name, pattern))

    def mkdir(self, mode: int = 0, *, parents: bool = False, exist_ok: bool = False) -> None:
        """Do nothing: a folder is there once something lies in it."""

    def rmdir(self) -> None:
        """Do nothing, as with `mkdir`."""

    def check_writable(self) -> None:
        """Refuse a folder into which nothing can be written, with what the store says."""
        probe = self / f".{uuid.uuid4().hex}.part"
        probe.touch()
        probe.unlink()

    def _type(self) -> str:
        """Return `file` or `directory`, empty if there is neither."""
        try:
            with self._asking() as store:
                return str(store.info(str(self.key))["type"])
        except FileNotFoundError:
            return ""

    def found(self) -> bytes | None:
        """Return the content of a file, None if there is none."""
        try:
            return self.read_bytes()
        except FileNotFoundError:
            return None

    @contextmanager
    def _asking(self) -> Iterator[Any]:
        """Give the store's client, and turn what is neither yes nor no into an error of ours."""
        try:
            yield _client(self.protocol)
        except (FileNotFoundError, FileExistsError) as error:
            if NO_BUCKET not in _codes(error):
                raise
            raise PlaceError(
                f"{self}: there is no such bucket; make it, or name another"
            ) from error
        except PermissionError as error:
            raise PlaceError(
                f"{self}: the object store refuses ({_reason(error)}); check the keys in the "
                "environment and what they may do"
            ) from error
        except Exception as error:
            raise PlaceError(
                f"{self}: the object store does not answer ({_reason(error)}); it may later, so "
                "run it again, and check its address, region and keys in the environment"
            ) from error


@cache
def check_exclusive(folder: Bucket) -> None:
    """Refuse a folder in which two processes could both create the same file.

    Raises
    ------
    PlaceError : that says so
    """
    probe = folder / f".{uuid.uuid4().hex}.part"
    try:
        is_exclusive = probe.create(b"one") and not probe.create(b"another")
    finally:
        probe.unlink(missing_ok=True)
    if not is_exclusive:
        raise PlaceError(
            f"{folder}: this object store lets two processes create the same object "
            "(it does not know If-None-Match), so runs could not keep out of each other's way; "
            "use another store, or a folder"
        )


def _client(protocol: str) -> Any:
    """Return fsspec's client, which it keeps; it remembers nothing of what it has seen."""
    import fsspec

    if protocol not in S3:
        return fsspec.filesystem(protocol, use_listings_cache=False)
    client = fsspec.filesystem(protocol, use_listings_cache=False, **S3_OPTIONS)
    client.retries = 1  # botocore has tried again already
    return client


def _codes(error: BaseException | None) -> set[str]:
    """Return what an S3 server calls what went wrong."""
    answer = getattr(getattr(error, "__cause__", None), "response", {})
    return {str(answer.get("Error", {}).get("Code"))}


def _reason(error: Exception) -> str:
    told = getattr(error, "strerror", None) or str(error) or type(error).__name__
    code = next((each for each in _codes(error) if each != "None" and each not in told), "")
    return scrub(", ".join(filter(None, (" ".join(told.split())[:300], code))))
