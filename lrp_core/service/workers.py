"""The few threads that run the network for requests, however many requests there are."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Condition
from typing import Any, TypeVar

Result = TypeVar("Result")


class Busy(Exception):
    """So much work is waiting that more is not taken on."""


class Workers:
    """Runs jobs first come, first served, ``at_once`` of them at a time.

    at_once  threads; torch spreads one explanation over the cores by itself
    waiting  jobs that may wait beyond those that run
    """

    def __init__(self, at_once: int, waiting: int) -> None:
        self._most = at_once + waiting
        self._pool = ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="explain")
        self._jobs = 0
        self._changed = Condition()

    def submit(self, job: Callable[[], Result]) -> Future[Result]:
        """Take a job on. Raises Busy if too many are waiting already."""
        with self._changed:
            if self._jobs >= self._most:
                raise Busy
            self._jobs += 1
        try:
            future = self._pool.submit(job)
        except RuntimeError as error:  # closed
            self._ended(None)
            raise Busy from error
        future.add_done_callback(self._ended)
        return future

    def wait_until_idle(self, seconds: float) -> bool:
        """Wait until there is no job, ``seconds`` at most. -> whether there is none."""
        with self._changed:
            return self._changed.wait_for(lambda: self._jobs == 0, timeout=seconds)

    def close(self) -> None:
        """Drop what is waiting and let what is running end by itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _ended(self, _: Future[Any] | None) -> None:
        with self._changed:
            self._jobs -= 1
            self._changed.notify_all()
