"""How often somebody may do something: so many times a minute, a minute's worth at once."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable
from threading import Lock

MOST_KEYS = 10_000  # people or addresses remembered; those who waited longest are forgotten first


class Limits:
    """Counts by key. Safe to use from many threads.

    per_minute  how often each may; what is not used in a minute is not saved up
    clock       seconds that never go back
    """

    def __init__(self, per_minute: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_minute = per_minute
        self._clock = clock
        self._left: dict[Hashable, tuple[float, float]] = {}  # what is left, and when it was so
        self._lock = Lock()

    def take(self, key: Hashable) -> int:
        """Take one. -> 0, or the seconds to wait, rounded up, if there is none left."""
        with self._lock:
            now = self._clock()
            left = self._now(key, now)
            if left < 1:
                return max(1, math.ceil((1 - left) * 60 / self.per_minute))
            self._set(key, left - 1, now)
            return 0

    def give_back(self, key: Hashable) -> None:
        """Undo a ``take``."""
        with self._lock:
            now = self._clock()
            self._set(key, min(self.per_minute, self._now(key, now) + 1), now)

    def _now(self, key: Hashable, now: float) -> float:
        left, since = self._left.get(key, (self.per_minute, now))
        return min(self.per_minute, left + (now - since) * self.per_minute / 60)

    def _set(self, key: Hashable, left: float, now: float) -> None:
        self._left.pop(key, None)
        self._left[key] = (left, now)  # the newest last
        while len(self._left) > MOST_KEYS:
            self._left.pop(next(iter(self._left)))
