"""A cache bounded by bytes: the least recently used goes first, and nothing is computed twice.

Behind it there can be another one, such as a disk's: what is not here is looked for there.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock
from typing import Any, Generic, Protocol, TypeVar


class Sized(Protocol):
    """Something that knows how much memory it takes."""

    @property
    def nbytes(self) -> int:
        """Bytes."""


Value = TypeVar("Value", bound=Sized)


class Behind(Protocol[Value]):
    """Where values are kept that may be gone from here; neither call raises."""

    def read(self, key: Any) -> Value | None:
        """The value of a key, None where there is none."""

    def write(self, key: Any, value: Value) -> None:
        """Keep a value."""


@dataclass(frozen=True)
class CacheUse:
    """How full a cache is and how often it helped."""

    entries: int
    nbytes: int
    hits: int
    misses: int


class Cache(Generic[Value]):
    """Values by key, together never more than ``max_bytes``. Safe to use from many threads.

    A value that is larger than the whole cache is handed out and not kept; so is every value if
    ``max_bytes`` is 0. What failed is not kept: the next request tries again.

    behind  where else values are looked for and kept
    """

    def __init__(self, max_bytes: int, behind: Behind[Value] | None = None) -> None:
        self.max_bytes = max_bytes
        self._behind = behind
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self._running: dict[Hashable, Future[Value]] = {}
        self._nbytes = self._hits = self._misses = 0
        self._lock = Lock()

    def get(self, key: Hashable) -> Value | None:
        """The value of a key if it is here or behind, else None."""
        with self._lock:
            value = self._values.get(key)
            if value is not None:
                self._values.move_to_end(key)
                self._hits += 1
                return value
        value = None if self._behind is None else self._behind.read(key)
        if value is not None:
            with self._lock:
                self._keep(key, value)
        return value

    def join(self, key: Hashable, start: Callable[[], Future[Value]]) -> Future[Value]:
        """The computation of a value: the one under way for this key, else what ``start`` begins.

        ``start`` is called under the cache's lock, so it has to return at once. The value is kept
        when the computation ends, whether or not anybody still waits for it; whoever waits is told
        then, so that what was handed out once is here.
        """
        with self._lock:
            running = self._running.get(key)
            if running is not None:
                return running
            value = self._values.get(key)
            told: Future[Value] = Future()
            if value is not None:
                told.set_result(value)
                return told
            future = start()
            self._running[key] = told
            self._misses += 1
        future.add_done_callback(lambda ended: self._end(key, ended, told))
        return told

    def use(self) -> CacheUse:
        """How full the cache is and how often it helped."""
        with self._lock:
            return CacheUse(len(self._values), self._nbytes, self._hits, self._misses)

    def _end(self, key: Hashable, future: Future[Value], told: Future[Value]) -> None:
        """Keep the value of a computation that ended well, make room for it, and then tell it."""
        try:
            value = future.result()
        except BaseException as error:
            with self._lock:
                self._running.pop(key, None)
            told.set_exception(error)
            return
        with self._lock:
            self._running.pop(key, None)
            self._keep(key, value)
        told.set_result(value)
        if self._behind is not None:
            self._behind.write(key, value)

    def _keep(self, key: Hashable, value: Value) -> None:
        if value.nbytes > self.max_bytes:
            return
        before = self._values.pop(key, None)
        self._nbytes += value.nbytes - (0 if before is None else before.nbytes)
        self._values[key] = value
        while self._nbytes > self.max_bytes:
            self._nbytes -= self._values.popitem(last=False)[1].nbytes
