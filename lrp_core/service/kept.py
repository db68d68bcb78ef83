"""What is open at the moment: a bounded number of things by key, each made once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock
from typing import Generic, TypeVar

Key = TypeVar("Key")
Thing = TypeVar("Thing")


class Kept(Generic[Key, Thing]):
    """At most ``most`` things; the one not used for longest goes first. For many threads.

    let_go  called with a thing that goes
    """

    def __init__(self, most: int, let_go: Callable[[Thing], None] = lambda _: None) -> None:
        self.most = most
        self._let_go = let_go
        self._things: OrderedDict[Key, Future[Thing]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Key, make: Callable[[], Thing]) -> Thing:
        """The thing of a key, made if it is not here; whoever asks meanwhile waits for it.

        What cannot be made is not kept: the next one to ask tries again.
        """
        with self._lock:
            future = self._things.get(key)
            mine = future is None
            if future is None:
                future = self._things[key] = Future()
            self._things.move_to_end(key)
        if not mine:
            return future.result()
        try:
            thing = make()
        except BaseException as error:
            with self._lock:
                self._things.pop(key, None)
            future.set_exception(error)
            raise
        future.set_result(thing)
        self._make_room()
        return thing

    def all(self) -> list[Thing]:
        """What is here, the one used last at the end."""
        with self._lock:
            return [future.result() for future in self._things.values() if future.done()]

    def drop(self, gone: Callable[[Key, Thing], bool]) -> None:
        """Let go of the things that are ``gone``, as their key and they themselves tell."""
        with self._lock:
            done = [(key, one) for key, one in self._things.items() if one.done()]
            keys = [key for key, one in done if gone(key, one.result())]
            dropped = [self._things.pop(key).result() for key in keys]
        for thing in dropped:
            self._let_go(thing)

    def _make_room(self) -> None:
        dropped = []
        with self._lock:
            for key, future in list(self._things.items()):
                if len(self._things) <= self.most:
                    break
                if future.done():
                    del self._things[key]
                    dropped.append(future.result())
        for thing in dropped:
            self._let_go(thing)
