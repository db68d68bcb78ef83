"""Each kind of step: what it computes, and how it shares relevance out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lrp_core.errors import NetworkError, PropagationError
from lrp_core.explainer import explain
from lrp_core.rules import Epsilon, Flat, Gamma, Rule, WSquare, Zero, ZPlus
from lrp_core.steps import Affine, Aggregate, Graph, Norm, Step, Steps, scales_and_shifts
from tests.lrp_core import examples as toys

# Tracks 0, 1, 2 are a jet and 3 is another; edges 0→1, 2→1, 1→0, and 0→1 once more.
GRAPH = Graph(torch.tensor([0, 2, 1, 0]), torch.tensor([1, 1, 0, 1]), torch.tensor([0, 0, 0, 1]), 2)


def tensor(*rows: Any) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def the_step(steps: Steps) -> Step:
    (step,) = [step for step in steps.bind(torch.float64) if step.stage]
    return step


def aggregate(over: str, *, mean: bool) -> Step:
    steps = Steps()
    value = steps.tracks if over == "jet" else steps.gather(steps.tracks, "source")
    (steps.mean if mean else steps.sum)("total", value, over=over)  # type: ignore[arg-type]
    return the_step(steps)


# Means and sums.


@pytest.mark.parametrize("mean", [True, False], ids=["mean", "sum"])
@pytest.mark.parametrize("rule", toys.RULES, ids=str)
def test_relevance_is_split_in_proportion_to_the_terms(rule: Rule, mean: bool) -> None:
    step = aggregate("destination", mean=mean)
    messages = tensor([1.0, 2.0], [3.0, -1.0], [5.0, 4.0], [4.0, 1.0])
    output = step.run([messages], GRAPH)
    n = 3.0 if mean else 1.0
    assert output.tolist() == [[5, 4], [8 / n, 2 / n], [0, 0], [0, 0]]
    relevance = tensor([1.0, 2.0], [16.0, 6.0], [0.25, 0.5], [0.0, -1.0])
    (shared,), bias, epsilon = step.share([messages], output, relevance, GRAPH, rule)
    # 16 by 1 : 3 : 4 and 6 by 2 : -1 : 1, never a third each
    assert shared.tolist() == [[2, 6], [6, -3], [1, 2], [8, 3]]
    # Tracks 2 and 3 have no incoming edge: their mean is the constant 0.
    assert bias is not None
    assert bias.tolist() == [0, 0, 0.75, -1]
    assert epsilon is None


@pytest.mark.parametrize("mean", [True, False], ids=["mean", "sum"])
def test_over_the_tracks_of_a_jet(mean: bool) -> None:
    step = aggregate("jet", mean=mean)
    tracks = tensor([1.0], [-2.0], [3.0], [7.0])
    output = step.run([tracks], GRAPH)
    assert output.tolist() == [[2 / (3 if mean else 1)], [7]]
    (shared,), bias, _ = step.share([tracks], output, tensor([1.0], [2.0]), GRAPH, Zero())
    assert shared.tolist() == [[0.5], [-1.0], [1.5], [2.0]]
    assert bias is None or not bias.any()


def test_over_outgoing_edges() -> None:
    step = aggregate("source", mean=True)
    output = step.run([tensor([1.0], [2.0], [3.0], [5.0])], GRAPH)
    assert output.tolist() == [[3], [3], [2], [0]]


@pytest.mark.parametrize("rule", [Zero(), Epsilon(1.0), Gamma(1.0), ZPlus()], ids=str)
def test_terms_that_cancel_exactly_cannot_take_relevance(rule: Rule) -> None:
    step = aggregate("jet", mean=True)
    tracks = tensor([1.0], [-2.0], [1.0], [7.0])
    output = step.run([tracks], GRAPH)
    with pytest.raises(PropagationError, match="stage total"):
        step.share([tracks], output, tensor([1.0], [2.0]), GRAPH, rule)
    (shared,), *_ = step.share([tracks], output, tensor([0.0], [2.0]), GRAPH, rule)
    assert shared.tolist() == [[0], [0], [0], [2]]


@pytest.mark.parametrize("rule", toys.RULES, ids=str)
def test_the_mean_over_nothing_earns_for_the_bias_under_every_policy(rule: Rule) -> None:
    """A jet of one track in the whole network: no message, and node_mlp_2 reads a constant 0."""
    model = toys.toy_model(seed=1)
    explanation = explain(model, toys.toy_jet(1), rule=rule, dtype="float64")
    row = explanation.ledger["mean"]
    assert row.bias == pytest.approx(row.received, rel=1e-12, abs=1e-15)
    assert row.passed == {"mean:input": 0.0}
    earns = rule.bias == "spread" or isinstance(rule, Flat | WSquare)
    assert (row.bias != 0.0) == earns
    assert explanation.conservation_error < 1e-10
    assert explanation.edge_relevance.shape == (0, 10)
    assert not any(explanation.ledger[f"{name}.0"].received for name in ("edge_mlp", "node_mlp_1"))


def test_stages_that_read_the_input_only_are_known() -> None:
    steps = toys.toy_network().steps()
    assert steps.input_stages == ("edge_mlp.0",)  # others also read what edges or means computed
    assert steps.rule_stages == tuple(s for s in steps.stages if "mlp" in s)
    own = Steps()
    tracks = own.affine("encoder", nn.Linear(3, 4), own.tracks)
    both = own.concatenate(raw=own.norm("norm", nn.BatchNorm1d(3), own.tracks), encoded=tracks)
    deeper = own.affine("mixed", nn.Linear(7, 4), both)
    raw = own.affine("raw mean", nn.Linear(3, 4), own.mean("pool", own.tracks, over="jet"))
    jets = own.concatenate(a=own.mean("mean", deeper, over="jet"), b=raw)
    own.returns(own.affine("head", nn.Linear(8, 2), jets))
    assert own.input_stages == ("encoder",)
    assert own.rule_stages == ("head", "raw mean", "mixed", "encoder")


# Layers.


def batch_norm(width: int, seed: int = 0, *, affine: bool = True) -> nn.BatchNorm1d:
    norm = toys.at_random(nn.BatchNorm1d(width, affine=affine), seed)
    assert isinstance(norm, nn.BatchNorm1d)
    return norm.double()


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("affine", [True, False])
def test_a_batchnorm_behind_a_linear_is_folded_into_it(bias: bool, affine: bool) -> None:
    linear = toys.at_random(nn.Linear(3, 4, bias=bias)).double()
    norm = batch_norm(4, affine=affine)
    steps = Steps()
    steps.affine("layer", linear, steps.tracks, norm)  # type: ignore[arg-type]
    step = the_step(steps)
    assert isinstance(step, Affine)
    x = torch.randn(5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    theirs = norm(linear(x)).detach()
    torch.testing.assert_close(step.run([x], GRAPH), theirs, rtol=1e-13, atol=1e-13)
    # The rule sees one layer, whose bias holds what the normalisation shifts.
    relevance = theirs.clone()
    (shared,), earned, _ = step.share([x], theirs, relevance, GRAPH, Zero())
    shift = norm(linear(torch.zeros(1, 3, dtype=torch.float64))).sum().item()
    assert earned is not None
    assert earned.numpy() == pytest.approx([shift] * 5, rel=1e-12)
    assert (shared.sum(dim=1) + earned).numpy() == pytest.approx(relevance.sum(dim=1).numpy())


def test_a_batchnorm_on_its_own_keeps_the_relevance_of_every_column() -> None:
    norm = batch_norm(2)
    steps = Steps()
    steps.norm("norm", norm, steps.tracks)
    step = the_step(steps)
    assert isinstance(step, Norm)
    x = tensor([1.0, 2.0], [3.0, -1.0])
    torch.testing.assert_close(step.run([x], GRAPH), norm(x).detach(), rtol=1e-14, atol=1e-14)
    relevance = tensor([0.5, 7.0], [0.0, -2.0])
    (shared,), bias, epsilon = step.share([x], norm(x), relevance, GRAPH, Gamma())
    assert shared.tolist() == relevance.tolist()
    assert bias is None or not bias.any()
    assert epsilon is None or not epsilon.any()


def test_a_batchnorm_that_depends_on_the_batch_is_refused() -> None:
    with pytest.raises(NetworkError, match="running statistics"):
        scales_and_shifts([nn.BatchNorm1d(3, track_running_stats=False)], torch.float64)


def test_a_relu_passes_relevance_unchanged() -> None:
    steps = Steps()
    steps.relu(steps.tracks)
    (step,) = steps
    x = tensor([1.0, -2.0])
    assert step.run([x], GRAPH).tolist() == [[1, 0]]
    (shared,), *accounts = step.share([x], x, tensor([3.0, 4.0]), GRAPH, Gamma())
    assert shared.tolist() == [[3, 4]]
    assert accounts == [None, None]


# Gathering and putting side by side.


def test_gathering_copies_rows_and_adds_up_what_comes_back() -> None:
    steps = Steps()
    steps.gather(steps.tracks, "source")
    (step,) = steps
    x = tensor([1.0], [2.0], [3.0], [4.0])
    assert step.run([x], GRAPH).flatten().tolist() == [1, 3, 2, 1]
    (shared,), *_ = step.share([x], x, tensor([0.5], [0.25], [2.0], [8.0]), GRAPH, Gamma())
    assert shared.flatten().tolist() == [8.5, 2.0, 0.25, 0.0]


def test_gathering_what_a_jet_has_in_common() -> None:
    steps = Steps()
    steps.gather(steps.sum("sum", steps.tracks, over="jet"), "jet")
    _, step = steps
    jets = tensor([1.0], [2.0])
    assert step.run([jets], GRAPH).flatten().tolist() == [1, 1, 1, 2]
    back = tensor([1.0], [2.0], [4.0], [-1.0])
    (shared,), *_ = step.share([jets], back, back, GRAPH, Gamma())
    assert shared.flatten().tolist() == [7, -1]


def test_concatenating_gives_each_part_its_own_columns_back() -> None:
    steps = Steps()
    steps.concatenate(self=steps.tracks, again=steps.tracks)
    (step,) = steps
    assert step.ports == ("self", "again")
    parts = [tensor([1.0, 2.0]), tensor([3.0])]
    assert step.run(parts, GRAPH).tolist() == [[1, 2, 3]]
    shared, *_ = step.share(parts, parts[0], tensor([5.0, 6.0, 7.0]), GRAPH, Gamma())
    assert [part.tolist() for part in shared] == [[[5, 6]], [[7]]]


# Writing steps down.


def test_the_stages_of_an_mlp_are_numbered_as_in_the_sequential() -> None:
    layers = nn.Sequential(
        nn.BatchNorm1d(3),
        nn.Linear(3, 4),
        nn.Dropout(0.3),
        nn.BatchNorm1d(4),
        nn.ReLU(),
        nn.Identity(),
        nn.Linear(4, 4),
        nn.BatchNorm1d(4),
        nn.BatchNorm1d(4),
        nn.Linear(4, 2),
    )
    steps = Steps()
    out = steps.mlp("mlp", toys.at_random(layers), steps.tracks)  # type: ignore[arg-type]
    assert steps.stages == ("mlp.9", "mlp.8", "mlp.6", "mlp.1", "mlp.0")
    # The BatchNorm behind the Dropout, which does nothing in evaluation, is folded as well.
    assert [step.norm is not None for step in steps if isinstance(step, Affine)] == [
        True,
        True,
        False,
    ]
    x = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    value = {steps.tracks: x}
    for step in steps.bind(torch.float32):
        value[step.output] = step.run([value[one] for one in step.inputs], GRAPH)
    torch.testing.assert_close(value[out], layers(x).detach(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "layer",
    [nn.Sigmoid(), nn.LeakyReLU(), nn.LayerNorm(3), nn.ReLU6(), nn.Sequential(nn.ReLU())],
    ids=lambda layer: type(layer).__name__,
)
def test_a_layer_without_a_rule_is_refused(layer: nn.Module) -> None:
    steps = Steps()
    with pytest.raises(NetworkError, match=f"mlp.1 is a {type(layer).__name__}.*Dropout"):
        steps.mlp("mlp", nn.Sequential(nn.Linear(3, 3), layer), steps.tracks)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda s: s.gather(s.gather(s.tracks, "source"), "destination"),
        lambda s: s.gather(s.tracks, "jet"),
        lambda s: s.gather(s.sum("sum", s.tracks, over="jet"), "source"),
        lambda s: s.sum("sum", s.tracks, over="destination"),
        lambda s: s.mean("mean", s.gather(s.tracks, "source"), over="jet"),
        lambda s: s.concatenate(track=s.tracks, edge=s.gather(s.tracks, "source")),
        lambda s: s.concatenate(),
        lambda s: s.returns(s.tracks),
        lambda s: s.sum("", s.tracks, over="jet"),
        lambda s: s.sum("tracks", s.tracks, over="jet"),
        lambda s: [s.sum("pool", s.tracks, over="jet") for _ in range(2)],
        lambda s: [s.mlp("mlp", nn.Sequential(nn.Linear(3, 3)), s.tracks) for _ in range(2)],
    ],
)
def test_steps_that_do_not_fit_are_refused(wrong: Callable[[Steps], Any]) -> None:
    with pytest.raises(NetworkError):
        wrong(Steps())


def test_binding_takes_the_weights_as_they_are_now() -> None:
    linear = nn.Linear(2, 1)
    steps = Steps()
    steps.affine("layer", linear, steps.tracks)
    x = tensor([1.0, 1.0])
    before = the_step(steps).run([x], GRAPH)
    with torch.no_grad():
        linear.bias.add_(1.0)
    after = the_step(steps).run([x], GRAPH)
    assert np.isclose(float(after - before), 1.0)


def test_a_graph_knows_where_its_rows_belong() -> None:
    assert GRAPH.jet_of("tracks").tolist() == [0, 0, 0, 1]
    assert GRAPH.jet_of("edges").tolist() == [0, 0, 0, 0]
    assert GRAPH.jet_of("jets").tolist() == [0, 1]
    assert isinstance(aggregate("jet", mean=True), Aggregate)
