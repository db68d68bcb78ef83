"""The scorer: in chunks, stoppable, out of the way of people who wait."""

from __future__ import annotations

import threading
import time

import numpy as np
import numpy.typing as npt
import pytest

from lrp_core.errors import JetFileError, SourceError
from lrp_core.service.scores import Scores

Values = npt.NDArray[np.float64]
SECONDS = 60  # at most, on a busy machine


def test_every_jet_gets_its_own_score_chunk_by_chunk() -> None:
    chunks: list[tuple[int, int]] = []

    def score(first: int, last: int) -> Values:
        chunks.append((first, last))
        return np.arange(first, last) / 10

    scores = Scores(score, 25, chunk=10)
    assert np.isnan(scores.values()).all()
    scores.start()
    assert scores.wait(SECONDS)
    assert chunks == [(0, 10), (10, 20), (20, 25)]
    np.testing.assert_allclose(scores.values(), np.arange(25) / 10)
    assert (scores.done, scores.total, scores.problem) == (25, 25, None)


def test_it_stops_after_the_chunk_under_way() -> None:
    begun = threading.Event()

    def score(first: int, last: int) -> Values:
        begun.set()
        assert scores._stopped.wait(SECONDS)  # the chunk lasts until it is told to stop
        return np.zeros(last - first)

    scores = Scores(score, 1_000_000, chunk=1)
    scores.start()
    assert begun.wait(SECONDS)
    scores.stop(SECONDS)
    assert scores.wait(0)
    assert scores.done == 1


def test_it_waits_for_its_turn() -> None:
    turn = threading.Event()
    scores = Scores(lambda first, last: np.ones(last - first), 3, may_score=turn.wait)
    scores.start()
    time.sleep(0.05)
    assert scores.done == 0
    turn.set()
    assert scores.wait(SECONDS)
    assert scores.done == 3


def test_a_damaged_file_stops_it_and_says_why() -> None:
    def score(first: int, last: int) -> Values:
        if first:
            raise JetFileError("jets.root is damaged")
        return np.ones(last - first)

    scores = Scores(score, 8, chunk=4)
    scores.start()
    assert scores.wait(SECONDS)
    assert scores.done == 4
    assert scores.problem == "scoring stopped at jet 4: jets.root is damaged"


def test_a_source_that_fails_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    failing = [True, False, True, True, False]
    said = []

    def score(first: int, last: int) -> Values:
        said.append(scores.problem)
        if failing.pop(0):
            raise SourceError("the disk fails")
        return np.ones(last - first)

    monkeypatch.setattr("lrp_core.service.scores.AGAIN_SECONDS", 0.0)
    scores = Scores(score, 8, chunk=4)
    scores.start()
    assert scores.wait(SECONDS)
    assert (scores.done, scores.problem) == (8, None)
    waits = [f"scoring waits at jet {first}: the disk fails" for first in (0, 4)]
    assert said == [None, waits[0], None, waits[1], waits[1]]


def test_what_nobody_expected_is_in_the_log_and_not_in_the_answer() -> None:
    def score(first: int, last: int) -> Values:
        raise ZeroDivisionError("secret detail")

    scores = Scores(score, 8)
    scores.start()
    assert scores.wait(SECONDS)
    assert scores.problem is not None
    assert "secret" not in scores.problem


def test_no_jets_is_nothing_to_do() -> None:
    scores = Scores(lambda first, last: np.ones(1), 0)
    scores.start()
    assert scores.wait(SECONDS)
    assert scores.values().shape == (0,)
