"""Training: the fused forward pass, the split by event, learning, and going on after a stop."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from lrp_core.checkpoint import load_model
from lrp_core.errors import TrainingError
from lrp_core.fused_forward import fused_forward
from lrp_core.interaction_network import InteractionNetwork
from lrp_core.jet_arrays import JetArrays
from lrp_core.training import (
    TrainingSettings,
    make_graphs,
    predict_logits,
    split_by_event,
    take_jets,
    train,
)

SMALL = TrainingSettings(epochs=3, batch_jets=16, hidden=16, validation_share=0.25, seed=3)


@pytest.fixture(scope="module")
def jets() -> JetArrays:
    """Easy jets: signal has a larger first column. Two jets of each event."""
    rng = np.random.default_rng(0)
    n = 240
    counts = rng.integers(2, 9, n)
    signal = rng.uniform(size=n) < 0.5
    tracks = rng.normal(size=(counts.sum(), 4))
    tracks[:, 0] += 0.8 * np.repeat(signal, counts)
    return JetArrays(
        tracks.astype(np.float32),
        counts,
        ("a", "b", "c", "d"),
        signal,
        np.where(signal, 5, 4),
        np.arange(n) // 2,
        rng.uniform(200, 2000, n),
        rng.uniform(0, 200, n),
    )


def test_graphs_are_complete(jets: JetArrays) -> None:
    graphs = make_graphs(jets, np.array([3, 0]), 5)
    counts = np.minimum(jets.counts[[3, 0]], 5)
    assert len(graphs.x) == counts.sum()
    assert graphs.edge_index.shape[1] == (counts * (counts - 1)).sum()
    source, destination = graphs.edge_index
    assert (source != destination).all()
    assert (graphs.batch[source] == graphs.batch[destination]).all()
    assert len({(int(s), int(d)) for s, d in graphs.edge_index.T}) == graphs.edge_index.shape[1]
    start = jets.starts()[3]
    np.testing.assert_array_equal(graphs.x[: counts[0]], jets.tracks[start : start + counts[0]])


@pytest.mark.parametrize("training", [True, False])
def test_the_fused_forward_is_the_plain_one(jets: JetArrays, training: bool) -> None:
    torch.manual_seed(1)
    plain = InteractionNetwork(4, 2, 16).double().train(training)
    fused = copy.deepcopy(plain)
    graphs = make_graphs(jets, np.arange(12), 60)
    x = graphs.x.double()
    expected = plain(x, graphs.edge_index, graphs.batch)
    found = fused_forward(fused, x, graphs.edge_index, graphs.batch, 12)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    (expected**2).sum().backward()
    (found**2).sum().backward()
    for one, two in zip(plain.parameters(), fused.parameters(), strict=True):
        torch.testing.assert_close(one.grad, two.grad, rtol=0, atol=1e-11)
    for one, two in zip(plain.buffers(), fused.buffers(), strict=True):
        torch.testing.assert_close(one, two, rtol=0, atol=1e-12)


def test_no_event_is_in_both_parts(jets: JetArrays) -> None:
    train_rows, validation_rows = split_by_event(jets, 0.25, seed=4)
    assert not set(jets.event[train_rows]) & set(jets.event[validation_rows])
    assert sorted([*train_rows, *validation_rows]) == list(range(len(jets)))
    assert len(validation_rows) == pytest.approx(60, abs=2)


def test_too_few_jets_are_refused(jets: JetArrays) -> None:
    with pytest.raises(TrainingError, match="too few"):
        split_by_event(take_jets(jets, np.arange(2)), 0.5, seed=0)


def test_it_learns_and_writes_what_can_be_loaded(jets: JetArrays, tmp_path: Path) -> None:
    out = tmp_path / "net.pth"
    history = train(jets, out, SMALL, sources=["toy"])
    assert history[-1].validation_auc > 0.85
    assert not (tmp_path / "net.pth.resume").exists()
    model = load_model(out)
    assert model.columns == jets.columns
    assert model.classes == ("qcd", "hbb")
    card = json.loads((tmp_path / "net.pth.json").read_text("utf-8"))
    assert card["settings"]["seed"] == 3
    assert len(card["epochs"]) == len(history)
    logits = predict_logits(model.network, jets)
    assert logits.shape == (len(jets), 2)
    graphs = make_graphs(jets, np.arange(20), 60)
    with torch.no_grad():
        plain = model.network(graphs.x, graphs.edge_index, graphs.batch)
    np.testing.assert_allclose(logits[:20], plain, atol=1e-4)


def test_a_stopped_training_goes_on_where_it_was(jets: JetArrays, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole.pth", tmp_path / "parts.pth"
    train(jets, whole, SMALL)

    def stop(epoch) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(jets, parts, SMALL, stop)
    assert not parts.exists()
    again = train(jets, parts, SMALL)
    assert [epoch.number for epoch in again] == [1, 2, 3]
    first, second = (torch.load(path, weights_only=True) for path in (whole, parts))
    for name, tensor in first.items():
        torch.testing.assert_close(tensor, second[name], msg=name)


def test_what_was_left_by_another_training_is_refused(jets: JetArrays, tmp_path: Path) -> None:
    def stop(epoch) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(jets, tmp_path / "net.pth", SMALL, stop)
    other = TrainingSettings(**{**SMALL.__dict__, "seed": 9})
    with pytest.raises(TrainingError, match="other settings"):
        train(jets, tmp_path / "net.pth", other)
