"""A jet of a kind: what each kind means, and what is said where there is none."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lrp_core.service.picks import PICKS
from lrp_core.service.schemas import Choices, JetRow

API = "/api/v1"

KINDS = {
    "confident_signal": "label == 'hbb' and score >= 0.95",
    "confident_background": "label == 'qcd' and score <= 0.05",
    "background_as_signal": "label == 'qcd' and score >= 0.5",
    "signal_as_background": "label == 'hbb' and score <= 0.5",
    "undecided": "score >= 0.4 and score <= 0.6",
}


@pytest.fixture
def picking(serve: Any, toy_jets: Any) -> Any:
    """The service, with scores that are spread over 0 to 1."""
    client = serve(toy_jets)
    assert client.service.scores.wait(120)
    spread = (np.arange(40) * 7 % 40) / 39
    spread[7] = np.nan
    client.service.scores._values[:] = spread
    return client


def pick(client: Any, kind: str, **query: Any) -> JetRow:
    answer = client.get(f"{API}/jets/pick", params={"kind": kind, **query})
    assert answer.status_code == 200, answer.text
    return JetRow.model_validate(answer.json())


def refusal(client: Any, kind: str, **query: Any) -> str:
    answer = client.get(f"{API}/jets/pick", params={"kind": kind, **query})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (404, "no_such_jet")
    return str(error["message"])


def test_the_kinds_are_told(toy: Any) -> None:
    choices = Choices.model_validate(toy.get(f"{API}/choices").json())
    assert [choice.name for choice in choices.picks] == list(KINDS)
    assert all(choice.title and choice.summary for choice in choices.picks)
    assert list(PICKS) == list(KINDS)
    assert "0.95" in choices.picks[0].summary
    assert "0.05" in choices.picks[1].summary


@pytest.mark.parametrize("kind", KINDS)
def test_every_jet_of_a_kind_and_no_other_is_picked(picking: Any, kind: str) -> None:
    rows = pd.DataFrame(picking.get(f"{API}/jets?limit=1000").json()["jets"])
    wanted = set(rows.query(KINDS[kind])["index"])
    assert wanted
    found = {pick(picking, kind, seed=seed).index for seed in range(80)}
    assert found == wanted
    one = pick(picking, kind, seed=3)
    assert one == pick(picking, kind, seed=3)
    assert (
        one.model_dump() == rows.astype(object).where(rows.notna(), None).loc[one.index].to_dict()
    )
    if len(wanted) > 1:
        others = {pick(picking, kind, exclude=one.index, seed=seed).index for seed in range(80)}
        assert others == wanted - {one.index}
    assert pick(picking, kind, exclude=-5).index in wanted
    assert pick(picking, kind, exclude=10**30, seed=10**30).index in wanted
    assert pick(picking, kind).index in wanted


def test_there_is_only_the_one_that_is_not_wanted(picking: Any) -> None:
    picking.service.scores._values[:] = 0.0
    picking.service.scores._values[4] = 0.5
    assert pick(picking, "undecided").index == 4
    assert "Jet 4 is the only one." in refusal(picking, "undecided", exclude=4)


def test_none_of_all(toy: Any) -> None:
    words = refusal(toy, "confident_signal")
    assert "None of the 40 jets is one." in words
    assert "score at least 0.95" in words


def test_files_without_labels(serve: Any, toy_jets: Any) -> None:
    summary = toy_jets.summary()
    summary["label"] = None
    toy_jets.summary = lambda: summary
    client = serve(toy_jets)
    assert client.service.scores.wait(120)
    assert "No jet of these files is labelled hbb." in refusal(client, "confident_signal")
    assert "No jet of these files is labelled qcd." in refusal(client, "background_as_signal")
    assert pick(client, "undecided").label is None


def test_scores_that_are_not_there_yet(serve: Any, toy_jets: Any) -> None:
    client = serve(toy_jets, score_chunk=8)
    scores = client.service.scores
    scores.stop(60)
    scores._values[:] = np.nan
    scores._done = 0
    assert "no score is there, of 40 jets. Scores are being computed" in refusal(
        client, "undecided"
    )
    scores._values[:8] = 0.0
    scores._done = 8
    assert "none of the 8 jets scored so far is one, of 40 jets" in refusal(client, "undecided")
    scores._values[2] = 0.5
    assert pick(client, "undecided").index == 2
    assert "Jet 2 is the only one so far." in refusal(client, "undecided", exclude=2)
    scores._problem = "scoring stopped at jet 8: the disk is gone"
    words = refusal(client, "background_as_signal")
    assert "And scoring stopped at jet 8: the disk is gone." in words


def test_many_at_once(picking: Any) -> None:
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(pick(picking, "undecided").index))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(found) == 8
