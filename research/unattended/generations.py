"""Objects with numbers, each written once and by one process: what an object store has for locks.

Whoever wants to write the next one has read the last one. Of two that do at once, one creates it,
and the other is told.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from research.report.bucket import Bucket, check_exclusive

NAME = re.compile(r"\d{12}\.json")


@dataclass(frozen=True)
class Generations:
    """The objects in a folder."""

    folder: Bucket

    def numbers(self) -> list[int]:
        """Return the numbers that there are, in order."""
        return [int(one.name[:12]) for one in self.folder.iterdir() if NAME.fullmatch(one.name)]

    def last(self) -> int:
        """Return the number of the last one, 0 if there is none."""
        return max(self.numbers(), default=0)

    def place(self, number: int) -> Bucket:
        """Return where one is, be it there or not."""
        return self.folder / f"{number:012d}.json"

    def create(self, number: int, content: bytes) -> bool:
        """Write one, and say whether this process did.

        Raises
        ------
        PlaceError : also if the store would let another process do so too
        """
        check_exclusive(self.folder.parent)
        return self.place(number).create(content)

    def forget(self, before: int) -> None:
        """Delete those before a number, the first one first."""
        for number in self.numbers():
            if number < before:
                self.place(number).unlink(missing_ok=True)
