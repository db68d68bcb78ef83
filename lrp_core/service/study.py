"""Jets and a network that looks at them: their table, their scores, and explanations of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from lrp_core.errors import JetFileError, JetIndexError
from lrp_core.evaluation import auc
from lrp_core.explainer import predict
from lrp_core.explanation import Explanation
from lrp_core.jets import Jet
from lrp_core.model import SIGNAL, Model
from lrp_core.service.answers import Answer, make_answer
from lrp_core.service.cache import Cache
from lrp_core.service.choices import Wanted, read_wanted
from lrp_core.service.disk import Disk
from lrp_core.service.listing import JetTable
from lrp_core.service.people import NOBODY
from lrp_core.service.picks import PICKS, none_of
from lrp_core.service.problems import Problem
from lrp_core.service.schemas import JetRow, ModelInfo, PickQuery
from lrp_core.service.scores import Scores
from lrp_core.service.shared_scores import SharedScores
from lrp_core.service.workers import Busy, Workers
from lrp_core.settings import Settings
from lrp_core.watching import CACHE, EXPLANATION_SECONDS, EXPLANATIONS, WAITING


class Jets(Protocol):
    """What the service needs of the jets it shows, from several threads; ``open_jets`` gives it."""

    @property
    def name(self) -> str:
        """A short name."""

    @property
    def identity(self) -> str:
        """A text that changes when the files change."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Jet: ...

    def summary(self) -> pd.DataFrame:
        """A row per jet: index, label, pt, sdmass, n_tracks, problem."""


class Part(Sequence[Jet]):
    """Jets ``first`` … ``last`` - 1 of some jets, each read when it is needed."""

    def __init__(self, jets: Jets, first: int, last: int) -> None:
        self._jets = jets
        self._first = first
        self._n_jets = last - first

    def __len__(self) -> int:
        return self._n_jets

    def __getitem__(self, index: int) -> Jet:  # type: ignore[override]  # never sliced
        if not 0 <= index < self._n_jets:
            raise IndexError(index)
        return self._jets[self._first + index]


class Study:
    """Jets and a network, by the names they are asked for, and what answers questions about them.

    path  the one file that the jets are in, where it can vanish while it is in use
    turn  held while a chunk of jets is scored, so that several studies do not fight for the cores
    disk  what the processes of a server share, such as scores
    """

    def __init__(
        self,
        jets: Jets,
        model: Model,
        *,
        file: str,
        model_name: str,
        cache: Cache[Answer],
        workers: Workers,
        settings: Settings,
        path: Path | None = None,
        turn: Lock | None = None,
        disk: Disk | None = None,
    ) -> None:
        self.jets = jets
        self.model = model
        self.file = file
        self.model_name = model_name
        self._cache = cache
        self._workers = workers
        self._settings = settings
        self._path = path
        self._turn = turn or Lock()
        self._signal = model.classes.index(SIGNAL) if SIGNAL in model.classes else -1
        self.scores = Scores(
            self.score,
            len(jets),
            chunk=settings.score_chunk,
            may_score=workers.wait_until_idle,
            shared=None
            if disk is None
            else SharedScores(disk, (jets.identity, self.network_key, len(jets))),
        )

    @cached_property
    def table(self) -> JetTable:
        """What is known of all jets."""
        return JetTable(self.jets.summary())

    @cached_property
    def model_info(self) -> ModelInfo:
        """The network, in short."""
        return ModelInfo(
            name=self.model_name,
            checkpoint_hash=self.model.checkpoint_hash,
            classes=list(self.model.classes),
            n_columns=len(self.model.columns),
        )

    @cached_property
    def network_key(self) -> str:
        """The weights, and what the columns and the classes are called."""
        names = json.dumps([self.model.checkpoint_hash, self.model.columns, self.model.classes])
        return hashlib.sha256(names.encode()).hexdigest()

    @property
    def auc(self) -> float | None:
        """Area under the ROC curve of the labelled jets; None before all are scored."""
        if not self.scores.complete or self._signal < 0:
            return None
        values, labels = self.scores.values(), self.table.labels()
        known = np.isfinite(values) & (labels != None)  # noqa: E711  (element by element)
        signal = labels[known] == SIGNAL
        if not signal.any() or signal.all():
            return None
        return auc(values[known], signal)

    def jet(self, index: int) -> Jet:
        """One jet. Raises JetIndexError if there is none, JetError if it cannot be used.

        Raises Problem where the file has gone meanwhile.
        """
        if not 0 <= index < len(self.jets):
            raise JetIndexError(
                f"There is no jet {index}: {self.file} has {len(self.jets)} "
                f"jet{'' if len(self.jets) == 1 else 's'}, numbered from 0."
            )
        try:
            return self.jets[index]
        except JetFileError as error:
            if self._path is not None and not self._path.exists():
                raise file_gone(self.file) from error
            raise

    def fingerprint(self, index: int) -> str:
        """Text that tells the file of a jet from all others; "" where that is not known."""
        of: Callable[[int], str] | None = getattr(self.jets, "fingerprint", None)
        return "" if of is None else of(index)

    def answer(
        self,
        index: int,
        target: str | None,
        rule: str | Mapping[str, Any] | None,
        dtype: str,
        *,
        with_edges: bool,
        person: str = NOBODY,
    ) -> tuple[Answer, bool]:
        """The explanation of a jet, and whether it was in the cache.

        with_edges  with the relevance of every edge for every column; what is kept with it also
                    answers whoever asks without
        person      whose turn it takes, where it has to be computed

        Whoever asks for the same while it is computed waits for the same computation.
        """
        wanted = read_wanted(self.model, target, rule)
        if not 0 <= index < len(self.jets):
            self.jet(index)
        key = self._key(index, wanted, dtype)
        found = self._cache.get((*key, "full"))
        if found is None and not with_edges:
            found = self._cache.get((*key, "summary"))
        CACHE.labels("miss" if found is None else "hit").inc()
        if found is not None:
            return found, True

        def compute() -> Answer:
            jet = self.jet(index)
            with EXPLANATION_SECONDS.time():
                answer = make_answer(self.model, jet, wanted, dtype, with_edges=with_edges)
            EXPLANATIONS.labels(wanted.rule.name, dtype).inc()
            return answer

        def start() -> Future[Answer]:
            future = self._workers.submit(compute, person)
            WAITING.inc()
            future.add_done_callback(lambda _: WAITING.dec())
            return future

        try:
            future = self._cache.join((*key, "full" if with_edges else "summary"), start)
            return future.result(timeout=self._settings.explanation_seconds), False
        except (Busy, CancelledError) as error:
            if isinstance(error, Busy) and error.own:
                raise Problem(
                    429,
                    "too_many_explanations",
                    "You asked for many explanations within a short time; others have their turn "
                    "now.",
                    headers={"Retry-After": str(error.wait)},
                ) from error
            raise Problem(
                503,
                "busy",
                "The service has too many explanations to compute just now; try again in a moment.",
                headers={"Retry-After": "1"},
            ) from error
        except TimeoutError as error:
            raise Problem(
                504,
                "timeout",
                f"The explanation took longer than {self._settings.explanation_seconds:g} s and "
                "still goes on; ask again for it in a moment.",
                headers={"Retry-After": "5"},
            ) from error

    def explanation(
        self,
        index: int,
        target: str | None,
        rule: str | Mapping[str, Any] | None,
        dtype: str,
        person: str = NOBODY,
    ) -> Explanation:
        """The whole explanation of a jet, kept as the answers are."""
        answer, _ = self.answer(index, target, rule, dtype, with_edges=True, person=person)
        assert answer.explanation is not None
        return answer.explanation

    def summary(
        self,
        index: int,
        target: str | None,
        rule: str | Mapping[str, Any] | None,
        dtype: str,
        person: str = NOBODY,
    ) -> Explanation:
        """The explanation of a jet with no more than the sums of its edges: what pictures need.

        It is the one that is kept of what the page asked for, also by another process.
        """
        answer, _ = self.answer(index, target, rule, dtype, with_edges=False, person=person)
        return answer.explained(self.model, self.jet(index))

    def pick(self, query: PickQuery) -> JetRow:
        """A random jet of a kind, of those that are scored. Raises Problem where there is none."""
        wanted, scores, table = PICKS[query.kind].wanted, self.scores, self.table
        done, values = scores.done, scores.values()
        found = table.chosen(wanted, values)
        others = found[found != query.exclude]
        if len(others):
            row = np.random.default_rng(query.seed).choice(others)
            return table.rows([int(row)], values)[0]
        raise none_of(
            query.kind,
            labelled=wanted.label is None or table.has_label(wanted.label),
            only=int(found[0]) if len(found) else None,
            scored=done,
            total=scores.total,
            stopped=scores.problem,
        )

    def score(self, first: int, last: int) -> npt.NDArray[np.float64]:
        """The probability of the signal class of jets ``first`` … ``last`` - 1."""
        with self._turn:
            logits = predict(self.model, Part(self.jets, first, last), on_error="nan")
        with np.errstate(invalid="ignore"):
            shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        scores: npt.NDArray[np.float64] = (shifted / shifted.sum(axis=1, keepdims=True))[
            :, self._signal
        ]
        return scores

    def _key(self, index: int, wanted: Wanted, dtype: str) -> tuple[str | int, ...]:
        """Everything that an explanation depends on; str(rule) holds every parameter and policy."""
        return (
            self.jets.identity,
            index,
            self.network_key,
            wanted.target,
            str(wanted.rule),
            dtype,
        )


def file_gone(name: str) -> Problem:
    """What to say of a file that was there and is not any more."""
    return Problem(
        410,
        "file_gone",
        f"{name} was here and is not any more: somebody took it away or gave it another name. "
        "Choose another file.",
    )
