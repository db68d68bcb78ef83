"""A recording is run again for jets of its size, and never where a jet goes another way."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import lrp_core
from lrp_core.tape import network as network_module
from lrp_core.tape.network import TapeModel
from tests.zoo.zoo import ZOO, at_random, given_to, jet, load, model_of


class Changed(nn.Module):
    """One layer, the mean, and whatever ``change`` does in between."""

    def __init__(self, change: Callable[[nn.Module, Tensor], Tensor]) -> None:
        super().__init__()
        self.first, self.fc, self.change = nn.Linear(5, 4), nn.Linear(4, 2), change
        self.factor, self.calls = 1.0, 0

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.change(self, self.first(x)).mean(0, keepdim=True))


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The recordings that were made since."""
    made: list[str] = []

    def record(network: nn.Module, *rest: object) -> object:
        made.append(type(network).__name__)
        return plain(network, *rest)  # type: ignore[arg-type]

    plain = network_module.record
    monkeypatch.setattr(network_module, "record", record)
    return made


def changed(change: Callable[[nn.Module, Tensor], Tensor]) -> TapeModel:
    model = lrp_core.load_model(at_random(Changed(change)), example=jet())
    assert isinstance(model, TapeModel)
    return model


def check(model: TapeModel, one: lrp_core.Jet) -> None:
    """What is explained is what the network says of this jet."""
    found = lrp_core.explain(model, one)
    arguments = model.given([{"tracks": one}]).arguments
    with torch.no_grad():
        own = model.network(**arguments)[0].numpy()
    assert np.allclose(found.logits, own, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ZOO)
def test_the_answer_is_that_of_a_new_recording(name: str, recorded: list[str]) -> None:
    model = model_of(name)
    lrp_core.explain(model, given_to(name, 6, 5))
    for seed in (6, 7):
        given, before = given_to(name, 6, seed), len(recorded)
        again = lrp_core.explain(model, given, rule="gamma(0.25)", dtype="float64")
        assert len(recorded) == before, "a recording of this size was there"
        fresh = TapeModel(model.network, model.inputs, given_to(name, 6, seed))
        anew = lrp_core.explain(fresh, given, rule="gamma(0.25)", dtype="float64")
        assert np.abs(again.track_relevance - anew.track_relevance).max() < 1e-6
        for path, edges in anew.edges.items():
            assert np.array_equal(again.edges[path].edge_index, edges.edge_index)
            assert np.abs(again.edges[path].sums - edges.sums).max() < 1e-6


def _branch(_: nn.Module, x: Tensor) -> Tensor:
    return x.relu() if x.sum() > 0 else -x


def _chosen(_: nn.Module, x: Tensor) -> Tensor:
    return x[x[:, 0] > 0] if bool((x[:, 0] > 0).any()) else x


def _counted(_: nn.Module, x: Tensor) -> Tensor:
    return x * len((x[:, 0] > 0).nonzero())


def _by_numpy(_: nn.Module, x: Tensor) -> Tensor:
    return x[torch.from_numpy(np.argsort(x[:, 0].numpy())[:2].copy())]


def _by_list(_: nn.Module, x: Tensor) -> Tensor:
    return x[[row for row, value in enumerate(x[:, 0].tolist()) if value > -0.2] or [0]]


def _by_data(_: nn.Module, x: Tensor) -> Tensor:
    return x * x.detach().data.sum().sign() + x[x.data[:, 0].argsort()]


def _in_place(_: nn.Module, x: Tensor) -> Tensor:
    chosen = torch.zeros(len(x), dtype=torch.bool)
    chosen[x[:, 0].argmax()] = True
    order = torch.arange(len(x))
    order[:2] = x[:, 1].topk(2)[1]
    return x.masked_fill(chosen[:, None], 0.0) + x[order]


def _mask(_: nn.Module, x: Tensor) -> Tensor:
    mask = torch.ones(len(x), 1)
    view = mask[1:]
    view[x[1:, :1] < 0] = 0.0
    return x * mask


def _by_state(network: nn.Module, x: Tensor) -> Tensor:
    network.calls += 1
    return x * network.calls


@pytest.mark.parametrize(
    "change", [_branch, _chosen, _counted, _by_numpy, _by_list, _by_data, _in_place, _mask]
)
def test_what_hangs_on_numbers_is_seen(change: Callable[[nn.Module, Tensor], Tensor]) -> None:
    model = changed(change)
    for seed in range(12):
        check(model, jet(5, seed))


def test_a_network_that_changes_itself_runs_itself(recorded: list[str]) -> None:
    model = changed(_by_state)
    before = len(recorded)
    for number in (1, 2):
        lrp_core.explain(model, jet())
        assert len(recorded) == before + number


def test_weights_and_attributes_may_change() -> None:
    model = changed(lambda network, x: x * network.factor * (1 + network.first.bias))
    network = model.network
    check(model, jet())
    with torch.no_grad():
        network.first.bias.mul_(2.0)
    check(model, jet())
    network.first.bias.data.add_(1.0)
    check(model, jet())
    network.factor = 3.0
    check(model, jet())
    network.fc = at_random(nn.Linear(4, 2), 7)
    check(model, jet())
    network.first.weight = nn.Parameter(torch.ones(4, 5))
    check(model, jet())


def test_neighbours_are_chosen_anew() -> None:
    model = load("ParticleNet", at_random(ZOO["ParticleNet"].make()))
    first = lrp_core.explain(model, jet(8, 1)).edges["blocks.0"].edge_index
    second = lrp_core.explain(model, jet(8, 2)).edges["blocks.0"].edge_index
    points = jet(8, 2).select(("eta", "phi"))
    distance = ((points[:, None] - points[None]) ** 2).sum(-1)
    assert not np.array_equal(first, second)
    for track in range(8):
        assert set(second[0][second[1] == track]) == set(np.argsort(distance[track])[1:4])
