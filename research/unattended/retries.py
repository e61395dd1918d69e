"""What is worth another try: a network or a store that may answer soon, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import stamina

from research.errors import RateLimitedError, StoreError, UnavailableError

PASSING = (StoreError, UnavailableError, RateLimitedError, ConnectionError, TimeoutError)
TRIES = 3


def tries() -> Iterator[stamina.Attempt]:
    """Yield up to three attempts, a second and more apart; what cannot pass is raised at once."""
    yield from stamina.retry_context(
        on=PASSING, attempts=TRIES, timeout=None, wait_initial=1.0, wait_max=10.0
    )
