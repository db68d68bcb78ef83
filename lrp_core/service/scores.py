"""The score of every jet, computed in the background while people look at the first ones."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Lock, Thread

import numpy as np
import numpy.typing as npt

from lrp_core.errors import JetlrpError, SourceError
from lrp_core.service.shared_scores import SharedScores

logger = logging.getLogger("jetlrp.scores")

AGAIN_SECONDS = 10.0  # after what holds the jets has failed to give them


def _nothing(first: int, last: int) -> npt.NDArray[np.float64]:
    """What scores jets while nobody looks at them."""
    raise RuntimeError(f"nothing scores the jets {first} to {last - 1}")


class Scores:
    """A thread that scores jets chunk by chunk.

    score      (first, last) -> scores [last - first] of jets first … last - 1, NaN for a bad one
    n_jets     how many jets there are
    chunk      how many are scored at a time
    may_score  called between chunks with seconds to wait at most; True at the scorer's turn
    shared     where several processes score the same jets, what they know of each other
    """

    def __init__(
        self,
        score: Callable[[int, int], npt.NDArray[np.float64]],
        n_jets: int,
        *,
        chunk: int = 32,
        may_score: Callable[[float], bool] = lambda _: True,
        shared: SharedScores | None = None,
    ) -> None:
        self._shared = shared
        self.total = n_jets
        self._score = score
        self._chunk = chunk
        self._may_score = may_score
        self._values = np.full(n_jets, np.nan)
        self._done = 0
        self._problem: str | None = None
        self._lock = Lock()
        self._stopped = Event()
        self._thread: Thread | None = None

    @property
    def done(self) -> int:
        """Jets that have been looked at, from the first one on; bad ones count."""
        return self._done

    @property
    def problem(self) -> str | None:
        """Why scoring stopped before the last jet, or None."""
        return self._problem

    def values(self) -> npt.NDArray[np.float64]:
        """The scores [n_jets] so far; NaN where there is none."""
        with self._lock:
            return self._values.copy()

    @property
    def complete(self) -> bool:
        """Whether every jet has been looked at."""
        return self._done >= self.total

    def start(self, score: Callable[[int, int], npt.NDArray[np.float64]] | None = None) -> None:
        """Begin, or after ``stop`` go on where it stopped; nothing where it runs already.

        score  takes the place of the one given at first
        """
        with self._lock:
            if self._thread is not None and not self._stopped.is_set():
                return
            before = self._thread
            self._stopped = Event()
            run = score or self._score
            self._thread = Thread(
                target=self._run, args=(run, self._stopped, before), name="scores", daemon=True
            )
            self._thread.start()

    def stop(self, seconds: float = 1.0) -> None:
        """End after the chunk under way, and wait for that ``seconds`` at most."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(seconds)

    def rest(self) -> None:
        """End soon, and hold on to the scores alone, no longer to what they are of.

        ``start`` then needs what scores again.
        """
        self.stop(0)
        self._score = _nothing

    def wait(self, seconds: float) -> bool:
        """Wait until the scorer has ended, ``seconds`` at most. -> whether it has."""
        if self._thread is not None:
            self._thread.join(seconds)
        return self._thread is None or not self._thread.is_alive()

    def _run(
        self,
        score: Callable[[int, int], npt.NDArray[np.float64]],
        stopped: Event,
        before: Thread | None,
    ) -> None:
        if before is not None:
            before.join()
        try:
            self._score_all(score, stopped)
        finally:
            if self._shared is not None:
                self._shared.leave()

    def _score_all(
        self, score: Callable[[int, int], npt.NDArray[np.float64]], stopped: Event
    ) -> None:
        shared, mine = self._shared, self._shared is None
        self._take_over(now=True)
        while (first := self._done) < self.total and not stopped.is_set():
            if shared is not None and not mine:
                mine = shared.take()
                self._take_over(now=mine)  # with what another process has left
                if not mine:
                    stopped.wait(0.25)  # it scores these jets
                continue
            if not self._may_score(0.25):
                continue
            last = min(first + self._chunk, self.total)
            try:
                values = score(first, last)
            except SourceError as error:
                self._problem = f"scoring waits at jet {first}: {error}"
                logger.warning("scoring waits at jet %d: %s", first, error)
                stopped.wait(AGAIN_SECONDS)
                continue
            except Exception as error:  # the page then says why there are no more scores
                why = error if isinstance(error, JetlrpError) else "the service's log says why"
                self._problem = f"scoring stopped at jet {first}: {why}"
                logger.exception("scoring stopped at jet %d", first)
                return
            self._problem = None
            with self._lock:
                self._values[first:last] = values
                self._done = last
            if shared is not None:
                shared.write(self._values[:last], last=last >= self.total or stopped.is_set())

    def _take_over(self, *, now: bool = False) -> None:
        """Take the scores that another process has computed, where it is further."""
        known = None if self._shared is None else self._shared.read(now=now)
        if known is None or not self._done < len(known) <= self.total:
            return
        with self._lock:
            self._values[: len(known)] = known
            self._done = len(known)
