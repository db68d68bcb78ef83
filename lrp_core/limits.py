"""How often somebody may do something, and how much at the same time.

So many times a minute, a minute's worth at once. The processes of a server for many count together,
in a small database of the folder that they share; else each counts for itself.
"""

from __future__ import annotations

import logging
import math
import os
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Hashable
from pathlib import Path
from threading import Lock

logger = logging.getLogger("jetlrp.limits")

STATE = "JETLRP_STATE"  # names the folder that the processes of a server share
DATABASE = "limits.sqlite"
MOST_KEYS = 10_000  # people or addresses remembered; those who waited longest are forgotten first
FORGET_AFTER = 1_000  # changes, before those who may have a minute's worth again are forgotten
PATIENCE = 2.0  # seconds for which one process waits for another


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

    def take(self, key: Hashable, much: float = 1.0) -> int:
        """Take one, or a part of one. -> 0, or the seconds to wait, rounded up, if none is left."""
        left = self._change(key, -much)
        return 0 if left >= much else max(1, math.ceil((much - left) * 60 / self.per_minute))

    def give_back(self, key: Hashable) -> None:
        """Undo a ``take``."""
        self._change(key, 1)

    def _change(self, key: Hashable, by: float) -> float:
        """Take or give something, if there is so much to take. -> what was left before."""
        with self._lock:
            now = self._clock()
            left = self._now(self._left.get(key), now)
            if left >= -by:
                self._left.pop(key, None)
                self._left[key] = (min(self.per_minute, left + by), now)  # the newest last
                while len(self._left) > MOST_KEYS:
                    self._left.pop(next(iter(self._left)))
            return left

    def _now(self, known: tuple[float, float] | None, now: float) -> float:
        left, since = known or (self.per_minute, now)
        return min(self.per_minute, left + max(0.0, now - since) * self.per_minute / 60)


class SharedLimits(Limits):
    """The same for several processes together. Where the database fails, each counts for itself.

    folder  that they share
    name    what is counted
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        per_minute: float,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(per_minute, clock=clock)
        self._path = folder / DATABASE
        self._name = name
        self._database: sqlite3.Connection | None = None
        self._using = Lock()
        self._changes = 0
        self._warned = False

    def _change(self, key: Hashable, by: float) -> float:
        try:
            with self._using:
                return self._change_together(str(key), by)
        except sqlite3.Error as error:
            if not self._warned:
                self._warned = True
                logger.warning("limits are counted by each process for itself (%s)", error)
            return super()._change(key, by)

    def _change_together(self, key: str, by: float) -> float:
        database = self._open()
        database.execute("BEGIN IMMEDIATE")
        try:
            now = self._clock()
            which = (self._name, key)
            found = database.execute(
                "SELECT left, since FROM limits WHERE name = ? AND key = ?", which
            ).fetchone()
            left = self._now(found, now)
            if left >= -by:
                row = (*which, min(self.per_minute, left + by), now)
                database.execute("INSERT OR REPLACE INTO limits VALUES (?, ?, ?, ?)", row)
                self._changes += 1
                if self._changes % FORGET_AFTER == 0:
                    database.execute("DELETE FROM limits WHERE since < ?", (now - 60,))
        except BaseException:
            database.execute("ROLLBACK")
            raise
        database.execute("COMMIT")
        return left

    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            database = sqlite3.connect(
                self._path, timeout=PATIENCE, isolation_level=None, check_same_thread=False
            )
            # a process that is killed leaves it whole; a machine that loses power takes it along
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = OFF")
            database.execute(
                "CREATE TABLE IF NOT EXISTS limits (name TEXT, key TEXT, left REAL, since REAL, "
                "PRIMARY KEY (name, key)) WITHOUT ROWID"
            )
            self._database = database
        return self._database


def limits_of_server(name: str, per_minute: float) -> Limits:
    """Limits that all processes of this server keep together, where it has several."""
    folder = os.environ.get(STATE)
    return SharedLimits(Path(folder), name, per_minute) if folder else Limits(per_minute)


class AtOnce:
    """How much of something somebody may do at the same time, in this process."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._under_way: Counter[Hashable] = Counter()
        self._lock = Lock()

    def begin(self, key: Hashable) -> bool:
        """Begin one more, which ``end`` ends. -> whether that is possible."""
        with self._lock:
            if self._under_way[key] >= self.most:
                return False
            self._under_way[key] += 1
            return True

    def end(self, key: Hashable) -> None:
        """End one that was begun."""
        with self._lock:
            self._under_way[key] -= 1
            if self._under_way[key] <= 0:
                del self._under_way[key]
