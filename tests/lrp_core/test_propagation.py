"""The walk backwards: against slow algebra, ledger by ledger, on odd graphs and other networks."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor, nn

from lrp_core.errors import NetworkError, PropagationError, RuleError
from lrp_core.explainer import explain, explain_batch
from lrp_core.explanation import Explanation
from lrp_core.jets import Jet
from lrp_core.model import Model
from lrp_core.propagation import propagate, run
from lrp_core.rules import (
    AlphaBeta,
    Composite,
    Epsilon,
    Flat,
    Gamma,
    Layer,
    Rule,
    Shares,
    WSquare,
    Zero,
    ZPlus,
)
from lrp_core.steps import Graph, Steps
from tests.lrp_core import by_hand
from tests.lrp_core import examples as toys

STAGES = (
    "global_mlp.3",
    "global_mlp.0",
    "pool",
    "node_mlp_2.3",
    "node_mlp_2.0",
    "mean",
    "node_mlp_1.3",
    "node_mlp_1.0",
    "edge_mlp.3",
    "edge_mlp.0",
    "input_norm",
)
# Joined in a row and once more, a loop, and a track with no incoming edge, on its own.
ODD_EDGES = [[0, 1, 2, 0, 3, 3], [1, 2, 0, 1, 3, 1]]
BY_INPUT = Composite({"edge_mlp.0": Flat(), "node_mlp_?.0": WSquare()}, default=Gamma(0.5))


def slowly(model: Model, jet: Jet, target: str, rule: Any) -> by_hand.ByHand:
    return by_hand.explain_network(
        {name: value.double().tolist() for name, value in model.network.state_dict().items()},
        jet.select(model.columns).astype(np.float64).tolist(),
        [(int(source), int(destination)) for source, destination in jet.edge_index.T],
        model.target(target).weights,
        lambda stage: rule.for_stage(stage).to_dict(),
    )


@pytest.mark.parametrize("edges", [None, ODD_EDGES], ids=["complete", "odd"])
@pytest.mark.parametrize("rule", [*toys.RULES, Gamma(0.3), AlphaBeta(1.5, 0.5), BY_INPUT], ids=str)
def test_the_whole_network_is_the_plain_algebra(rule: Any, edges: Any) -> None:
    model, jet = toys.toy_model(seed=4, hidden=6), toys.toy_jet(5, 7, edges)
    for target in ("margin", "qcd"):
        fast, slow = explain(model, jet, target=target, rule=rule, dtype="float64"), None
        slow = slowly(model, jet, target, rule)
        near = {"rtol": 1e-9, "atol": 1e-11 * toys.whole(fast)}
        np.testing.assert_allclose(fast.logits, slow.logits, rtol=1e-12)
        np.testing.assert_allclose(fast.track_relevance, slow.tracks, **near)
        np.testing.assert_allclose(fast.edge_relevance, slow.edges, **near)
        assert [row.stage for row in fast.ledger] == list(slow.ledger) == list(STAGES)
        for row, stage in zip(fast.ledger, slow.ledger.values(), strict=True):
            found = [row.received, row.bias, row.epsilon, *row.passed.values()]
            expected = [stage.received, stage.bias, stage.epsilon, *stage.passed.values()]
            np.testing.assert_allclose(found, expected, **near)
            assert [name.split(":") for name in row.passed] == [
                [row.stage, port] for port in stage.passed
            ]


# The ledger.


def test_stages_and_their_inputs() -> None:
    explanation = explain(toys.toy_model(), toys.toy_jet())
    assert tuple(row.stage for row in explanation.ledger) == STAGES
    assert {row.stage: row.inputs for row in explanation.ledger} == {
        "global_mlp.3": {"global_mlp.3:input": "global_mlp.0"},
        "global_mlp.0": {"global_mlp.0:input": "pool"},
        "pool": {"pool:input": "node_mlp_2.3"},
        "node_mlp_2.3": {"node_mlp_2.3:input": "node_mlp_2.0"},
        "node_mlp_2.0": {"node_mlp_2.0:self": "input_norm", "node_mlp_2.0:mean": "mean"},
        "mean": {"mean:input": "node_mlp_1.3"},
        "node_mlp_1.3": {"node_mlp_1.3:input": "node_mlp_1.0"},
        "node_mlp_1.0": {"node_mlp_1.0:source": "input_norm", "node_mlp_1.0:edge": "edge_mlp.3"},
        "edge_mlp.3": {"edge_mlp.3:input": "edge_mlp.0"},
        "edge_mlp.0": {
            "edge_mlp.0:source": "input_norm",
            "edge_mlp.0:destination": "input_norm",
        },
        "input_norm": {"input_norm:input": "tracks"},
    }
    for row in explanation.ledger:
        assert set(row.inputs) == set(row.passed)


def check_ledger(explanation: Explanation, tolerance: float = 1e-12) -> None:
    """Every row adds up, and every stage receives what the others pass on to it."""
    rows = explanation.ledger
    scale = max(max(abs(row.received), abs(row.bias), abs(row.epsilon), 1e-300) for row in rows)
    arrived = dict.fromkeys([row.stage for row in rows], 0.0)
    arrived[rows[0].stage] = explanation.value
    arrived["tracks"] = 0.0
    for row in rows:
        gone = sum(row.passed.values()) + row.bias + row.epsilon
        assert abs(row.received - gone) <= tolerance * scale, row
        assert row.error == pytest.approx(row.received - gone, abs=1e-12 * scale)
        for name, value in row.passed.items():
            arrived[row.inputs[name]] += value
    for row in rows:
        assert abs(row.received - arrived[row.stage]) <= tolerance * scale, row
    tracks = explanation.track_relevance.sum(dtype=np.float64)
    assert abs(arrived["tracks"] - tracks) <= tolerance * scale


@pytest.mark.parametrize("target", ["margin", "hbb", "qcd"])
@pytest.mark.parametrize("rule", toys.RULES, ids=str)
def test_every_row_adds_up(rule: Rule, target: str) -> None:
    model = toys.toy_model(seed=2)
    for jet in (toys.toy_jet(6, 1), toys.toy_jet(5, 2, ODD_EDGES), toys.toy_jet(1, 3)):
        explanation = explain(model, jet, target=target, rule=rule, dtype="float64")
        # A jet with a hundred times its value on the way loses as many digits under spread.
        check_ledger(explanation, 1e-11)
        assert explanation.conservation_error < 1e-10


def test_the_input_norm_receives_what_its_four_readers_pass_on(cms_data: Any) -> None:
    model, jet = toys.real_model(cms_data), toys.hundred_jets(cms_data)[50]
    for rule in (Gamma(1.0), Zero(), AlphaBeta(2.0, 1.0, bias="spread")):
        explanation = explain(model, jet, rule=rule, dtype="float64")
        ledger = explanation.ledger
        assert tuple(row.stage for row in ledger) == STAGES
        four = [
            ledger[name.split(":")[0]].passed[name]
            for name in (
                "edge_mlp.0:source",
                "edge_mlp.0:destination",
                "node_mlp_1.0:source",
                "node_mlp_2.0:self",
            )
        ]
        assert all(four)
        size = max(abs(part) for part in four)
        assert ledger["input_norm"].received == pytest.approx(sum(four), abs=1e-12 * size)
        assert ledger["input_norm"].bias == ledger["input_norm"].epsilon == 0.0
        check_ledger(explanation)


@pytest.mark.parametrize("stage", ["global_mlp.3", "global_mlp.0", "node_mlp_2.3"])
def test_the_bias_account_of_a_stage_by_hand(stage: str) -> None:
    """From the network's own activations, seen by hooks, and the relevance known to be there."""
    model, jet = toys.toy_model(seed=8), toys.toy_jet(3, 4)
    network = model.network.double()
    seen: dict[str, Tensor] = {}
    blocks = network.interactionnetwork
    hooks = [
        layer.register_forward_hook(
            lambda _, given, out, name=name: seen.__setitem__(name, (given[0], out))
        )
        for name, layer in (
            ("global_mlp.3", blocks.global_model.global_mlp[3]),
            ("global_mlp.1", blocks.global_model.global_mlp[1]),
            ("node_mlp_2.3", blocks.node_model.node_mlp_2[3]),
        )
    ]
    x = torch.tensor(jet.select(model.columns), dtype=torch.float64)
    with torch.no_grad():
        y = network(x, torch.tensor(jet.edge_index))[0]
        for hook in hooks:
            hook.remove()
        last = blocks.global_model.global_mlp
        a, z = (part[0] for part in seen["global_mlp.3"])
        bias_earned = y[1] * last[3].bias[1] / z[1]
        if stage != "global_mlp.3":
            relevance = y[1] * last[3].weight[1] * a / z[1]
            # The folded bias of the first Linear is its output at zero input.
            z = seen["global_mlp.1"][1][0]
            pool = seen["node_mlp_2.3"][1].mean(dim=0)
            folded = last[1](last[0](torch.zeros(1, 8, dtype=torch.float64)))[0]
            alive = relevance != 0
            bias_earned = (relevance[alive] * folded[alive] / z[alive]).sum()
        if stage == "node_mlp_2.3":
            weight = (last[1](last[0](torch.eye(8, dtype=torch.float64))) - folded).T
            on_pool = (weight * pool * (relevance / z)[:, None])[alive].sum(dim=0)
            v = seen["node_mlp_2.3"][1]
            on_v = on_pool * v / v.sum(dim=0)
            bias_earned = (on_v * blocks.node_model.node_mlp_2[3].bias / v).sum()
    explanation = explain(model, jet, target="hbb", rule=Zero(), dtype="float64")
    assert explanation.ledger[stage].bias == pytest.approx(float(bias_earned), rel=1e-11)


# A broken rule is seen.


class WithoutBias(Gamma):
    """LRP-γ that forgets what the bias earns."""

    def divide(self, a: Tensor, layer: Layer, z: Tensor, relevance: Tensor) -> Shares:
        shares = super().divide(a, layer, z, relevance)
        return shares._replace(bias=torch.zeros_like(shares.bias))


class InEqualParts(Gamma):
    """Bias handed out by somebody who does not take it from the inputs."""

    def divide(self, a: Tensor, layer: Layer, z: Tensor, relevance: Tensor) -> Shares:
        unbiased = dataclasses.replace(layer, bias=torch.zeros_like(layer.bias))
        shares = super().divide(a, unbiased, z, relevance)
        return shares._replace(bias=super().divide(a, layer, z, relevance).bias)


@pytest.mark.parametrize("broken", [WithoutBias(1.0), InEqualParts(1.0)], ids=["lost", "twice"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_rule_broken_on_purpose_shows(broken: Rule, dtype: str, cms_data: Any) -> None:
    model, jets = toys.real_model(cms_data), toys.hundred_jets(cms_data)[::20]
    for explanation in explain_batch(model, jets, rule=broken, dtype=dtype):
        assert explanation.conservation_error > 1e-3
        assert any(abs(row.error) > 1e-3 for row in explanation.ledger)
    toy = explain(toys.toy_model(), toys.toy_jet(), rule=broken, dtype=dtype)
    assert toy.conservation_error > 1e-3
    # A single stage is enough.
    one = Composite({"edge_mlp.0": broken}, default=Gamma(1.0))
    worst = max(e.conservation_error for e in explain_batch(model, jets, rule=one, dtype=dtype))
    assert worst > 1e-3


# Odd graphs.


@st.composite
def graphs(draw: st.DrawFn) -> Jet:
    """Any graph: edges missing, repeated, to oneself; tracks that stand alone."""
    n_tracks = draw(st.integers(1, 5))
    track = st.integers(0, n_tracks - 1)
    edges = draw(st.lists(st.tuples(track, track), max_size=12))
    index = np.array(edges, dtype=np.int64).reshape(-1, 2).T
    return toys.toy_jet(n_tracks, draw(st.integers(0, 1000)), index)


MODEL = toys.toy_model(seed=11)


@given(jet=graphs(), rule=st.sampled_from(toys.RULES), target=st.sampled_from(["margin", "qcd"]))
def test_any_graph(jet: Jet, rule: Rule, target: str) -> None:
    explanation = explain(MODEL, jet, target=target, rule=rule, dtype="float64")
    n, e = jet.n_tracks, jet.n_edges
    assert explanation.track_relevance.shape == (n, 5)
    assert explanation.edge_relevance.shape == (e, 10)
    assert explanation.edge_significance.shape == (e,)
    for array in (
        explanation.track_relevance,
        explanation.edge_relevance,
        explanation.edge_significance,
    ):
        assert np.isfinite(array).all()
    assert (explanation.edge_significance >= 0).all()
    total = explanation.edge_significance.sum()
    assert total == pytest.approx(1.0, abs=1e-12) or not explanation.edge_significance.any()
    if e == 0:
        assert total == 0
    row = explanation.ledger
    # The accounts may be many times the value; the method measures the error against the largest.
    assert explanation.conservation_error < 1e-10
    assert row["input_norm"].received == pytest.approx(explanation.totals.tracks, abs=1e-9)


@given(jet=graphs(), order=st.randoms(use_true_random=False))
def test_the_order_of_the_edges_is_the_order_of_the_answer(jet: Jet, order: Any) -> None:
    places = list(range(jet.n_edges))
    order.shuffle(places)
    assume(places)
    shuffled = Jet.from_arrays(jet.tracks, jet.columns, jet.edge_index[:, places])
    one, two = (explain(MODEL, some, dtype="float64") for some in (jet, shuffled))
    near = {"rtol": 1e-10, "atol": 1e-12 * toys.whole(one)}
    np.testing.assert_allclose(two.track_relevance, one.track_relevance, **near)
    np.testing.assert_allclose(two.edge_relevance, one.edge_relevance[places], **near)
    np.testing.assert_allclose(two.edge_significance, one.edge_significance[places], rtol=1e-9)


def test_a_repeated_edge_shares_what_one_would_get() -> None:
    """Twice the same messages have the same mean, and each copy half of its relevance."""
    edges = np.array([[0, 1, 2, 1, 2], [1, 0, 0, 2, 1]])
    once = explain(MODEL, toys.toy_jet(3, 5, edges), dtype="float64")
    twice = explain(MODEL, toys.toy_jet(3, 5, np.tile(edges, 2)), dtype="float64")
    np.testing.assert_allclose(twice.logits, once.logits, rtol=1e-12)
    np.testing.assert_allclose(twice.track_relevance, once.track_relevance, rtol=1e-9, atol=1e-13)
    halves = np.tile(once.edge_relevance / 2, (2, 1))
    np.testing.assert_allclose(twice.edge_relevance, halves, rtol=1e-9, atol=1e-13)


# Another network, by its steps and nothing else.

OTHER = toys.two_blocks(seed=3)
OTHER_COLUMNS = toys.COLUMNS[:3]


def other_jet(n_tracks: int = 5, seed: int = 0, edges: Any = None) -> Jet:
    return toys.toy_jet(n_tracks, seed, edges, OTHER_COLUMNS)


@pytest.mark.parametrize("target", ["margin", "qcd"])
@pytest.mark.parametrize("rule", toys.RULES, ids=str)
def test_two_blocks_in_a_row_conserve(rule: Rule, target: str) -> None:
    jets = [other_jet(5, 1), other_jet(4, 2, [[0, 1, 1, 3], [1, 0, 0, 3]]), other_jet(2, 3)]
    together = explain_batch(OTHER, jets, target=target, rule=rule, dtype="float64")
    for jet, explanation in zip(jets, together, strict=True):
        assert explanation.conservation_error < 1e-10
        check_ledger(explanation, 1e-11)
        assert explanation.edge_relevance.shape == (jet.n_edges, 6)
        deeper = explanation.deeper_edge_relevance
        # Edges of the second block read the normalised tracks and what the jet has in common.
        assert {stage: part.shape for stage, part in deeper.items()} == {
            "node_1.3": (jet.n_edges, 14),
            "whole": (jet.n_edges, 14),
        }
        assert not deeper["whole"][:, 7:].any()  # destinations are not read beside their jet
        alone = explain(OTHER, jet, target=target, rule=rule, dtype="float64")
        near = {"rtol": 1e-8, "atol": 1e-11 * toys.whole(alone)}
        np.testing.assert_allclose(explanation.track_relevance, alone.track_relevance, **near)
        np.testing.assert_allclose(deeper["whole"], alone.deeper_edge_relevance["whole"], **near)


def test_ports_behind_nested_concatenations_say_where_they_come_from() -> None:
    explanation = explain(OTHER, other_jet(), dtype="float64")
    ledger = explanation.ledger
    assert ledger["edge_2.0"].inputs == {
        "edge_2.0:source.track": "between",
        "edge_2.0:source.jet": "whole",
        "edge_2.0:destination": "between",
    }
    assert ledger["node_2.0"].inputs == {
        "node_2.0:self": "between",
        "node_2.0:arriving": "arriving",
        "node_2.0:leaving": "leaving",
    }
    # What reached the second block's edges is what its first layer passed on.
    deeper = explanation.deeper_edge_relevance
    passed = ledger["edge_2.0"].passed
    assert deeper["node_1.3"][:, :7].sum() == pytest.approx(passed["edge_2.0:source.track"])
    assert deeper["node_1.3"][:, 7:].sum() == pytest.approx(passed["edge_2.0:destination"])
    assert deeper["whole"].sum() == pytest.approx(passed["edge_2.0:source.jet"])


@pytest.mark.parametrize("target", ["margin", "margin:top", "w", "qcd"])
def test_lrp_0_of_another_network_is_input_times_gradient(target: str) -> None:
    model = toys.two_blocks(seed=5, classes=("qcd", "top", "w", "hbb"))
    jet = other_jet(4, 9)
    explanation = explain(model, jet, target=target, rule=Zero(), dtype="float64")
    seen: list[Tensor] = []
    network = model.network.double()
    x = torch.tensor(jet.tracks, dtype=torch.float64, requires_grad=True)
    source, destination = torch.tensor(jet.edge_index)
    between = network.between.register_forward_hook(lambda *given: seen.append(given[-1]))
    y = network(x, torch.tensor(jet.edge_index), torch.zeros(4, dtype=torch.int64))[0]
    between.remove()
    output = y @ torch.tensor(model.target(target).weights, dtype=torch.float64)
    assert explanation.value == pytest.approx(output.item(), rel=1e-12)
    # From the lone BatchNorm on: the gradient at its output, times its output.
    (gradient,) = torch.autograd.grad(output, seen[0], retain_graph=True)
    received = explanation.ledger["between"].received
    assert received == pytest.approx((gradient * seen[0]).sum().item(), rel=1e-10)
    # Through it, relevance goes to the columns whole, and on to the tracks in proportion: the
    # gradient of a network in which the BatchNorm only multiplies, by what it did to this input.
    messages = network.edge_1(torch.cat([x[source], x[destination]], dim=1))
    arriving = torch.zeros(4, 6, dtype=torch.float64).index_add(0, destination, messages)
    before = network.node_1(torch.cat([x, arriving], dim=1))
    scale = (gradient * seen[0] / before).detach()
    (by_autograd,) = torch.autograd.grad((before * scale).sum(), x)
    expected = (by_autograd * x).detach().numpy()
    np.testing.assert_allclose(
        explanation.track_relevance, expected, rtol=1e-9, atol=1e-12 * toys.whole(explanation)
    )


class Small(nn.Module):
    """Pools tracks and reads them out; ``wanted`` writes its steps down."""

    def __init__(self, wanted: Any) -> None:
        super().__init__()
        self.read_out, self.wanted = nn.Linear(5, 2), wanted
        toys.at_random(self)

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor) -> Tensor:
        pool = x.new_zeros(int(batch.max()) + 1, 5).index_add(0, batch, x)
        out: Tensor = self.read_out(pool)
        return out

    def steps(self) -> Steps:
        steps = Steps()
        self.wanted(self, steps)
        return steps


def honest(net: Any, s: Steps) -> None:
    s.returns(s.affine("read_out", net.read_out, s.sum("pool", s.tracks, over="jet")))


def mean_instead(net: Any, s: Steps) -> None:
    s.returns(s.affine("read_out", net.read_out, s.mean("pool", s.tracks, over="jet")))


def with_a_relu(net: Any, s: Steps) -> None:
    s.returns(s.affine("read_out", net.read_out, s.sum("pool", s.relu(s.tracks), over="jet")))


def without_an_end(net: Any, s: Steps) -> None:
    s.affine("read_out", net.read_out, s.sum("pool", s.tracks, over="jet"))


def with_a_dead_end(net: Any, s: Steps) -> None:
    s.mean("nobody", s.tracks, over="jet")
    honest(net, s)


def without_tracks(net: Any, s: Steps) -> None:
    other = Steps()
    other.relu(other.tracks)
    s.returns(
        s.affine("read_out", net.read_out, s.sum("pool", other.relu(other.tracks), over="jet"))
    )


def test_a_network_without_edges_is_explained() -> None:
    model = Model(Small(honest), toys.COLUMNS)
    explanation = explain(model, toys.toy_jet(3), rule=Zero(), dtype="float64")
    assert explanation.conservation_error < 1e-14
    assert explanation.edge_relevance.shape == (6, 10)
    assert not explanation.edge_significance.any()


@pytest.mark.parametrize("lie", [mean_instead, with_a_relu])
def test_a_network_whose_steps_lie_is_refused(lie: Any) -> None:
    with pytest.raises(NetworkError, match="own logits"):
        Model(Small(lie), toys.COLUMNS)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [(without_an_end, r"returns\(\)"), (with_a_dead_end, "nobody"), (without_tracks, "tracks")],
)
def test_steps_that_lead_nowhere_are_refused(wrong: Any, words: str) -> None:
    with pytest.raises(NetworkError, match=words):
        Model(Small(wrong), toys.COLUMNS)


def test_a_network_without_steps_is_refused() -> None:
    with pytest.raises(NetworkError, match=r"no method steps\(\)"):
        Model(nn.Linear(5, 2), toys.COLUMNS)
    network = Small(honest)
    network.steps = None  # type: ignore[assignment, method-assign]
    with pytest.raises(NetworkError, match=r"no method steps\(\)"):
        Model(network, toys.COLUMNS)
    of_another = toys.at_random(Small(honest), seed=1).steps()  # type: ignore[operator]
    with pytest.raises(NetworkError, match="own logits"):
        Model(network, toys.COLUMNS, steps=of_another)


def test_an_unsupported_layer_is_refused() -> None:
    def with_sigmoid(net: Any, s: Steps) -> None:
        pool = s.sum("pool", s.tracks, over="jet")
        s.returns(s.mlp("read_out", nn.Sequential(net.read_out, nn.Sigmoid()), pool))

    with pytest.raises(NetworkError, match="Sigmoid"):
        Model(Small(with_sigmoid), toys.COLUMNS)


def test_edges_may_read_the_same_columns_in_several_ways() -> None:
    """Raw, through a ReLU and through a BatchNorm: all of it is relevance of those columns."""

    class ManyReaders(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.out = nn.BatchNorm1d(3), nn.Linear(12, 2)
            toys.at_random(self)

        def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor) -> Tensor:
            h = self.norm(x)
            source, destination = edge_index
            e = torch.cat([x[source], h[source], h.relu()[source], x[destination]], dim=1)
            total = e.new_zeros(len(x), 12).index_add(0, destination, e)
            pool = e.new_zeros(int(batch.max()) + 1, 12).index_add(0, batch, total)
            out: Tensor = self.out(pool)
            return out

        def steps(self) -> Steps:
            s = Steps()
            h = s.norm("norm", self.norm, s.tracks)
            e = s.concatenate(
                raw=s.gather(s.tracks, "source"),
                normed=s.gather(h, "source"),
                rectified=s.gather(s.relu(h), "source"),
                other=s.gather(s.tracks, "destination"),
            )
            pool = s.sum("pool", s.sum("sum", e, over="destination"), over="jet")
            return s.returns(s.affine("out", self.out, pool))

    model = Model(ManyReaders(), OTHER_COLUMNS)
    jet = other_jet(4, 6)
    explanation = explain(model, jet, dtype="float64")
    assert explanation.edge_relevance.shape == (12, 6)
    assert dict(explanation.deeper_edge_relevance) == {}
    # Nothing but edges reads the tracks, so the tracks have what the edges have.
    by_track = np.zeros((4, 3))
    np.add.at(by_track, jet.edge_index[0], explanation.edge_relevance[:, :3])
    np.add.at(by_track, jet.edge_index[1], explanation.edge_relevance[:, 3:])
    np.testing.assert_allclose(explanation.track_relevance, by_track, rtol=1e-12, atol=1e-14)
    check_ledger(explanation)


# Errors on the way.


def test_stranded_relevance_names_jet_and_stage() -> None:
    """Every message equal and opposite: their mean is exactly zero, and Flat sends relevance in."""
    model = toys.toy_model(seed=6)
    network = model.network
    with torch.no_grad():
        last = network.interactionnetwork.node_model.node_mlp_1[3]
        last.weight.zero_()
        last.bias.zero_()
    jet = toys.toy_jet(3, 1)
    assert explain(model, jet, rule=Gamma()).conservation_error < 1e-5
    with pytest.raises(PropagationError, match=r"toy:1: stage mean: .*exactly zero"):
        explain(model, jet, rule=Flat())
    with pytest.raises(PropagationError, match="toy:1: stage mean"):
        explain_batch(model, [toys.toy_jet(1, 0), jet], rule=Composite({"node*": Flat()}))


def test_numbers_beyond_float32_are_an_error_and_fine_in_float64() -> None:
    model, jet = toys.toy_model(), toys.toy_jet()
    with pytest.raises(PropagationError, match="float64"):
        explain(model, jet, rule=Epsilon(1e39))
    explanation = explain(model, jet, rule=Epsilon(1e39), dtype="float64")
    assert explanation.conservation_error < 1e-12
    assert explanation.totals.epsilon == pytest.approx(explanation.value)
    for dtype in ("float32", "float64"):
        huge, plus = (
            explain(model, jet, rule=rule, dtype=dtype) for rule in (Gamma(1e39), ZPlus())
        )
        np.testing.assert_allclose(huge.track_relevance, plus.track_relevance, rtol=1e-4, atol=1e-6)


def test_rules_go_by_the_names_of_the_stages() -> None:
    model, jet = toys.toy_model(), toys.toy_jet()
    only = Composite({"edge_mlp.*": Epsilon(0.5), "global_mlp.3": Flat()}, default=Gamma(1.0))
    ledger = explain(model, jet, rule=only, dtype="float64").ledger
    absorbing = {row.stage for row in ledger if row.epsilon != 0}
    assert absorbing == {"edge_mlp.0", "edge_mlp.3"}
    assert ledger["global_mlp.3"].bias == 0
    for pattern in model.stages:
        explain(model, jet, rule=Composite({pattern: Gamma()}, default=Gamma()))
    for pattern in ("edge", "edge_mlp", "Edge_mlp.*"):
        with pytest.raises(RuleError, match=re.escape(", ".join(model.stages))):
            explain(model, jet, rule=Composite({pattern: Zero()}, default=Gamma()))


def test_the_engine_alone() -> None:
    """``run`` and ``propagate`` as the docs describe them, without a model around them."""
    network = toys.toy_network()
    steps = network.steps().bind(torch.float64)
    graph = Graph(torch.tensor([0, 1]), torch.tensor([1, 0]), torch.tensor([0, 0]), 1)
    values = run(steps, torch.ones(2, 5, dtype=torch.float64) * torch.tensor([[1.0], [2.0]]), graph)
    assert steps.output is not None
    start = values[steps.output]
    flow = propagate(steps, values, graph, start, lambda stage: Gamma(1.0))
    accounts = sum(float(row.bias + row.epsilon) for row in flow.ledger)
    assert float(flow.tracks.sum()) + accounts == pytest.approx(float(start.sum()), rel=1e-12)
    assert list(flow.edges) == ["tracks"]
