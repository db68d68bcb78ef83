"""The few threads that run the network for requests, however many requests there are, and fairly.

    anna  ▪▪▪▪▪▪▪▪ ─┐
    ben   ▪        ─┼──> one of each in turn ──> threads
    cleo  ▪▪       ─┘

Whoever asks for much waits for it, and nobody else does.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Condition
from typing import Any, TypeVar

from lrp_core.limits import Limits
from lrp_core.service.people import NOBODY

Result = TypeVar("Result")


class Busy(Exception):
    """So much work is waiting that more is not taken on.

    own   whether it is the user's own work
    wait  after how many seconds to try again
    """

    def __init__(self, *, own: bool = False, wait: int = 1) -> None:
        super().__init__()
        self.own = own
        self.wait = wait


class Workers:
    """Runs jobs, ``at_once`` of them at a time: one of each user in turn, of a user in their order.

    at_once  threads; torch spreads one explanation over the cores by itself
    waiting  jobs that may wait beyond those that run
    each     how many of them may be one user's
    often    how often a user may submit one

    When as many wait as may, the user with the most waiting gives the last one up for another one
    who has less. The last two do not concern jobs of nobody in particular.
    """

    def __init__(
        self, at_once: int, waiting: int, each: int | None = None, often: Limits | None = None
    ) -> None:
        self._most = at_once + waiting
        self._often = often
        self._each = each
        self._pool = ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="explain")
        # user -> what waits; whose turn it is comes first
        self._waiting: OrderedDict[str, deque[tuple[Future[Any], Callable[[], Any]]]] = (
            OrderedDict()
        )
        self._jobs = 0
        self._closed = False
        self._changed = Condition()

    def submit(self, job: Callable[[], Result], user: str = NOBODY) -> Future[Result]:
        """Take a job on; returns at once. Raises Busy if too many are waiting already."""
        future: Future[Result] = Future()
        with self._changed:
            own = len(self._waiting.get(user, ()))
            if self._closed:
                raise Busy
            if self._each is not None and user != NOBODY and own >= self._each:
                raise Busy(own=True, wait=2)
            if self._often is not None and user != NOBODY and (wait := self._often.take(user)):
                raise Busy(own=True, wait=wait)
            if self._jobs >= self._most and not self._make_room(own):
                raise Busy
            self._jobs += 1
            self._waiting.setdefault(user, deque()).append((future, job))
        self._pool.submit(self._run_next)
        return future

    def wait_until_idle(self, seconds: float) -> bool:
        """Wait until there is no job, ``seconds`` at most. -> whether there is none."""
        with self._changed:
            return self._changed.wait_for(lambda: self._jobs == 0, timeout=seconds)

    def close(self) -> None:
        """Drop what is waiting and let what is running end by itself."""
        with self._changed:
            self._closed = True
            dropped = [future for jobs in self._waiting.values() for future, _ in jobs]
            self._waiting.clear()
            self._jobs -= len(dropped)
            self._changed.notify_all()
        for future in dropped:
            future.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _make_room(self, own: int) -> bool:
        """Give up a job of whoever has the most waiting, if that is more than ``own`` and one."""
        jobs = max(self._waiting.values(), key=len, default=None)
        if jobs is None or len(jobs) <= own + 1:
            return False
        given_up, _ = jobs.pop()
        self._jobs -= 1
        # What waits for it may need a lock that is held here, so it is told from elsewhere.
        threading.Thread(target=_give_up, args=(given_up,), daemon=True).start()
        return True

    def _run_next(self) -> None:
        """Run the job whose turn it is."""
        with self._changed:
            if not self._waiting:
                return  # given up or dropped
            user, jobs = next(iter(self._waiting.items()))
            future, job = jobs.popleft()
            if jobs:
                self._waiting.move_to_end(user)
            else:
                del self._waiting[user]
        try:
            if future.set_running_or_notify_cancel():
                _run(future, job)
        finally:
            with self._changed:
                self._jobs -= 1
                self._changed.notify_all()


def _run(future: Future[Any], job: Callable[[], Any]) -> None:
    try:
        result = job()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)


def _give_up(future: Future[Any]) -> None:
    if future.set_running_or_notify_cancel():
        future.set_exception(Busy(own=True, wait=2))
