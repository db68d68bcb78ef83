"""The jets and the network that come with the package: unharmed, whole, and good at their task."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest

import lrp_core
from lrp_core import embedded
from lrp_core.features import FEATURES
from lrp_core.truth import Origin


@pytest.fixture(scope="module")
def jets():
    return lrp_core.open_jets()


@pytest.fixture(scope="module")
def model():
    return lrp_core.load_model()


def area_under_curve(signal: np.ndarray, background: np.ndarray) -> float:
    """How often a signal jet scores above a background jet."""
    return float((signal[:, None] > background[None, :]).mean())


def test_the_files_are_those_of_the_model_card() -> None:
    card = embedded.MODEL_CARD.read_text("utf-8")
    for file in (embedded.JETS, embedded.CHECKPOINT, embedded.DEFINITIONS):
        assert hashlib.sha256(file.read_bytes()).hexdigest() in card, file.name


def test_the_jets_are_whole(jets) -> None:
    table = jets.summary()
    assert len(table) == 2000
    assert dict(table.label.value_counts()) == {"hbb": 1000, "qcd": 1000}
    assert table.problem.isna().all()
    assert table.pt.min() > 200
    assert jets.problems() == []
    assert set(jets.features) == set(FEATURES)


def test_every_jet_has_its_truth(jets) -> None:
    some = jets.read(0, 400)
    assert all(jet.truth is not None and jet.eta is not None for jet in some)
    origins = np.concatenate([jet.truth.origin for jet in some])
    assert set(origins.tolist()) == {int(origin) for origin in Origin}
    from_b = {
        label: np.concatenate([jet.truth.from_b for jet in some if jet.label == label]).mean()
        for label in ("hbb", "qcd")
    }
    assert from_b["hbb"] > 0.2
    assert from_b["qcd"] < 0.1


def test_the_network_knows_its_jets(jets, model) -> None:
    assert model.features == model.columns
    assert set(model.columns) <= set(jets.features)
    some = [*range(0, 2000, 5)]
    logits = lrp_core.predict(model, [jets[index] for index in some])
    margin = logits @ np.array(model.target("margin").weights)
    signal = (jets.summary().label[some] == "hbb").to_numpy()
    assert area_under_curve(margin[signal], margin[~signal]) > 0.97


def test_an_explanation_of_them_is_conserved_and_matched(jets, model) -> None:
    jet = jets[0]
    explanation = lrp_core.explain(model, jet, dtype="float64")
    assert explanation.conservation_error < 1e-10
    match = lrp_core.truth_match(explanation, jet)
    assert match.n_tracks == jet.n_tracks


def test_the_training_is_written_down() -> None:
    training = json.loads(embedded.CHECKPOINT.with_suffix(".pth.json").read_text("utf-8"))
    assert training["n_jets"]["training"] > 20_000
    assert {"torch", "numpy"} <= set(training["versions"])


def test_the_command_explains_them_from_anywhere(tmp_path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app", "explain", "--jet", "0"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(embedded.FOLDER.parents[1]), "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "simulated_jets.root:0" in done.stdout
    assert "Truth of the simulation" in done.stdout
