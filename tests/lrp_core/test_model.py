"""A network with names: targets, stages, and names that do not fit it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from lrp_core.errors import DefinitionsError, NetworkError, TargetError
from lrp_core.explainer import explain
from lrp_core.model import Model
from tests.lrp_core import examples as toys


def test_columns_and_features() -> None:
    model = toys.toy_model()
    assert model.columns == toys.COLUMNS
    assert model.features == ("track_pt", "track_etarel", "track_phirel", "track_dz")
    assert model.classes == ("qcd", "hbb")
    assert model.stages[0] == "global_mlp.3"
    assert model.stages[-1] == "input_norm"
    assert model.name == "toy"
    assert model.checkpoint_hash == ""
    assert model.device == torch.device("cpu")
    assert not model.network.training


@pytest.mark.parametrize(
    ("classes", "targets"),
    [
        (("qcd", "hbb"), ("margin", "qcd", "hbb", "margin:qcd")),
        (("hbb", "qcd"), ("margin", "hbb", "qcd", "margin:qcd")),
        (("a", "b", "hbb"), ("margin", "a", "b", "hbb", "margin:a", "margin:b")),
        (("top", "w"), ("top", "w", "margin:top", "margin:w")),
        (("hbb",), ("hbb",)),
        (("score",), ("score",)),
    ],
)
def test_targets_are_those_that_can_be_explained(
    classes: tuple[str, ...], targets: tuple[str, ...]
) -> None:
    model = toys.toy_model(classes=classes)
    assert model.targets == targets
    for name in targets:
        target = model.target(name)
        assert target.name == name
        assert len(target.weights) == len(classes)
        explanation = explain(model, toys.toy_jet(), target=name, dtype="float64")
        assert explanation.conservation_error < 1e-12
        dot = sum(w * y for w, y in zip(target.weights, explanation.logits, strict=True))
        assert explanation.value == pytest.approx(dot, rel=1e-12)
    with pytest.raises(TargetError, match=", ".join(targets)):
        model.target("nothing")


def test_the_weights_of_a_margin() -> None:
    model = toys.toy_model(classes=("qcd", "top", "hbb"))
    assert model.target("margin").weights == (-0.5, -0.5, 1.0)
    assert model.target("margin:hbb") == model.target("margin")
    assert model.target("margin:top").weights == (-0.5, 1.0, -0.5)
    assert model.target("top").weights == (0.0, 1.0, 0.0)
    assert toys.toy_model().target("margin").weights == (-1.0, 1.0)
    assert toys.toy_model().target("margin:qcd").weights == (1.0, -1.0)


def test_a_network_without_hbb_has_no_plain_margin() -> None:
    model = toys.toy_model(classes=("top", "w"))
    for name in ("margin", "margin:", "hbb", "margin:hbb"):
        with pytest.raises(TargetError, match="top, w, margin:top, margin:w"):
            model.target(name)
    with pytest.raises(TargetError, match="margin:top"):
        explain(model, toys.toy_jet())  # margin is the default
    for model in (toys.toy_model(classes=("hbb",)), toys.toy_model(classes=("score",))):
        with pytest.raises(TargetError):
            model.target("margin")  # there is nothing to be over


def test_a_network_has_as_many_classes_as_it_has_logits() -> None:
    network = toys.toy_network()
    for classes in (("qcd",), ("qcd", "hbb", "top"), ()):
        with pytest.raises(DefinitionsError, match="classes"):
            Model(network, toys.COLUMNS, classes)
    for classes in (("qcd", "qcd"), ("margin", "hbb")):
        with pytest.raises(DefinitionsError, match="class names"):
            Model(network, toys.COLUMNS, classes)


@pytest.mark.parametrize("n_columns", [4, 6, 0])
def test_a_network_has_as_many_columns_as_it_reads(n_columns: int) -> None:
    with pytest.raises(DefinitionsError, match=f"{n_columns} columns"):
        Model(toys.toy_network(), ["column"] * n_columns)


def test_networks_in_float64_keep_their_weights() -> None:
    network = toys.toy_network().double()
    model = Model(network, toys.COLUMNS)
    explanation = explain(model, toys.toy_jet(), dtype="float64")
    assert explanation.conservation_error < 1e-13
    assert explain(model, toys.toy_jet()).track_relevance.dtype.name == "float32"
    assert all(p.dtype == torch.float64 for p in network.parameters())


def test_a_batchnorm_that_depends_on_the_batch_is_refused() -> None:
    network = toys.toy_network()
    network.bn = nn.BatchNorm1d(5, track_running_stats=False)
    with pytest.raises(NetworkError, match="running statistics"):
        Model(network, toys.COLUMNS)


def test_steps_that_are_none_are_refused_in_words() -> None:
    network = toys.toy_network()
    network.steps = lambda: None  # type: ignore[assignment, return-value]  # a forgotten return
    with pytest.raises(NetworkError, match=r"found None; end steps\(\) with return"):
        Model(network, toys.COLUMNS)
