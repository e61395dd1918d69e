"""Numbers with what they count, as a reader would say them."""

from __future__ import annotations


def counted(number: float, noun: str, plural: str | None = None) -> str:
    """Return how many there are of what: 1 month, 24 months, 2,500 days.

    Parameters
    ----------
    plural : where it is not `noun` with an s
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
