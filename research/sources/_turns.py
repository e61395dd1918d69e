"""When an upstream may be asked again: its rate, and what it asked us to wait."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(kw_only=True, eq=False)
class Turns:
    """The turns of all threads that ask one upstream."""

    interval_seconds: float  # between two requests, at least
    max_wait_seconds: float  # the longest that it may hold us
    time_left: Callable[[], float]
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    count: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._free_at = self._held_until = -math.inf

    def hold(self, seconds: float) -> bool:
        """Let nobody ask for so long; return whether anybody may wait for that."""
        with self._lock:
            self._held_until = max(self._held_until, self.clock() + seconds)
        return seconds <= self.max_wait_seconds and seconds < self.time_left()

    def take(self) -> str | None:
        """Wait for a turn and count it, or return at once and say why there is none."""
        with self._lock:
            time_is, left = self.clock(), self.time_left()
            held = self._held_until - time_is
            if held > min(self.max_wait_seconds, left):
                return f"not to be asked for {held:.0f} s"
            wait = max(held, self._free_at - time_is, 0.0)
            if wait > max(left, 0.0):
                return f"its turn is {wait:.0f} s away"
            self._free_at = time_is + wait + self.interval_seconds
            self.count += 1
        if wait > 0:
            self.sleep(wait)
        return None
