"""The fast path gives what the general engine gives, and stands aside where it does not apply."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import lrp_core
from lrp_core import explainer, fast_path, pair_table
from lrp_core.errors import ExplanationError, PropagationError, SettingsError
from lrp_core.explainer import explain, explain_batch
from lrp_core.explanation import Explanation
from lrp_core.interaction_network import InteractionNetwork
from lrp_core.jets import Jet
from lrp_core.model import Model
from lrp_core.rules import AlphaBeta, AnyRule, Composite, Epsilon, Flat, Gamma, Zero, ZPlus
from tests.lrp_core import examples as toys

MIXED = Composite(
    {
        "edge_mlp.0": Zero(),
        "edge_mlp.3": Epsilon(0.1),
        "node_mlp_1.0": Gamma(0.5),
        "node_mlp_1.3": Epsilon(0.1, relative=True),
        "node_mlp_2.*": AlphaBeta(),
    },
    default=ZPlus(),
)
ABOVE = Composite({"global_mlp.*": Gamma(1.0, bias="spread")}, default=Zero())
# Near z = 0 what ε lets through follows z / ε, so that z's last digits weigh more the smaller ε is.
SERVED: tuple[tuple[AnyRule, float], ...] = (
    (Zero(), 1e-5),
    (Epsilon(0.01), 5e-5),
    (Epsilon(0.05, relative=True), 1e-5),
    (Gamma(1.0), 1e-5),
    (Gamma(0.0), 1e-5),
    (Gamma(1e30), 1e-5),
    (ZPlus(), 1e-5),
    (MIXED, 1e-5),
    (ABOVE, 1e-2),  # a spread bias explodes in a mean near zero, here in float32 too
)
NOT_SERVED: tuple[AnyRule, ...] = (
    AlphaBeta(),
    Flat(),
    Gamma(1.0, bias="spread"),
    Zero(bias="spread"),
    Composite({"edge_mlp.0": Flat()}, default=Gamma(1.0)),
)


def names(value: Any) -> str:
    return str(value) if not isinstance(value, tuple) else str(value[0])


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The shapes of the tables that the fast path was given."""
    seen: list[tuple[int, ...]] = []
    plain = fast_path.explain_equals

    def counting(network: Any, tracks: Any, weights: Any, **more: Any) -> Any:
        seen.append(tuple(tracks.shape[:2]))
        return plain(network, tracks, weights, **more)

    monkeypatch.setattr(fast_path, "explain_equals", counting)
    return seen


def far(found: Any, expected: Any) -> float:
    """The largest difference, relative to the largest value expected."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    if not expected.size:
        return 0.0
    largest = np.abs(expected).max()
    difference = np.abs(found.astype(float) - expected).max()
    return float(difference / largest if largest else difference)


def assert_same(found: Explanation, expected: Explanation, tolerance: float) -> None:
    """Every array, every row of the ledger, and conservation."""
    for name in ("logits", "probabilities", "value", "track_relevance", "edge_relevance"):
        assert far(getattr(found, name), getattr(expected, name)) <= tolerance, name
    assert far(found.edge_significance, expected.edge_significance) <= tolerance
    assert np.array_equal(found.edge_index, expected.edge_index)
    assert not found.deeper_edge_relevance
    for name in ("classes", "target", "rule", "dtype", "columns", "jet_id", "version"):
        assert getattr(found, name) == getattr(expected, name)
    flows = [value for row in expected.ledger for value in (row.received, row.bias, row.epsilon)]
    largest = max(abs(value) for value in flows)
    for one, two in zip(found.ledger, expected.ledger, strict=True):
        assert (one.stage, one.inputs) == (two.stage, two.inputs)
        assert list(one.passed) == list(two.passed)
        for name in ("received", "bias", "epsilon"):
            assert abs(getattr(one, name) - getattr(two, name)) <= tolerance * largest
        for port, value in two.passed.items():
            assert abs(one.passed[port] - value) <= tolerance * largest
        assert abs(one.error) <= max(tolerance, 1e-10) * largest
    assert found.conservation_error <= (1e-10 if found.dtype == "float64" else 1e-4)


def both(model: Model, jet: Jet, **asked: Any) -> tuple[Explanation, Explanation]:
    return explain(model, jet, **asked), explain(model, jet, engine="general", **asked)


@pytest.mark.parametrize("rule", SERVED, ids=names)
@pytest.mark.parametrize("n_tracks", [1, 2, 3, 9])
def test_toys_are_explained_as_by_the_general_engine(
    rule: tuple[AnyRule, float], n_tracks: int, calls: list[tuple[int, ...]]
) -> None:
    for seed, classes in ((0, ("qcd", "hbb")), (1, ("qcd", "top", "hbb"))):
        model = toys.toy_model(seed, classes)
        jet = toys.toy_jet(n_tracks, seed)
        for target in model.targets:
            found, expected = both(model, jet, rule=rule[0], target=target, dtype="float64")
            assert_same(found, expected, 1e-10)
    several = len(toys.toy_model(1, ("qcd", "top", "hbb")).targets) + 4
    assert len(calls) == (several if n_tracks > 1 else 0)


@pytest.mark.parametrize("rule", SERVED, ids=names)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_simulated_jets_are_explained_as_by_the_general_engine(
    rule: tuple[AnyRule, float], dtype: str, calls: list[tuple[int, ...]]
) -> None:
    model, jets = lrp_core.load_model(), lrp_core.open_jets()
    for number, target in ((0, "margin"), (7, "qcd"), (1500, "hbb")):
        found, expected = both(model, jets[number], rule=rule[0], target=target, dtype=dtype)
        assert_same(found, expected, 1e-10 if dtype == "float64" else rule[1])
    assert len(calls) == 3


@pytest.mark.parametrize("rule", SERVED, ids=names)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_real_jets_are_explained_as_by_the_general_engine(
    cms_data: Path, rule: tuple[AnyRule, float], dtype: str, calls: list[tuple[int, ...]]
) -> None:
    model, jets = toys.real_model(cms_data), toys.hundred_jets(cms_data)
    for number, target in ((2, "margin"), (40, "hbb"), (98, "qcd"), (99, "margin:qcd")):
        found, expected = both(model, jets[number], rule=rule[0], target=target, dtype=dtype)
        assert_same(found, expected, 1e-10 if dtype == "float64" else rule[1])
    assert len(calls) == 4


def test_the_largest_real_jet(cms_data: Path) -> None:
    model, jets = toys.real_model(cms_data), toys.real_jets(cms_data)
    jet = jets[int(jets.summary().n_tracks.argmax())]
    assert jet.n_edges > pair_table.BLOCK
    for rule in (Zero(), Gamma(1.0)):
        found, expected = both(model, jet, rule=rule)
        assert_same(found, expected, 1e-5)


@pytest.mark.parametrize("rule", SERVED, ids=names)
def test_blocks_and_values_computed_again_change_nothing(
    rule: tuple[AnyRule, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks of one source or of several, their values kept or computed again."""
    model = toys.toy_model(3)
    jets = [toys.toy_jet(1 + seed % 6, seed) for seed in range(14)]
    expected = explain_batch(model, jets, rule=rule[0], dtype="float64", engine="general")
    for block in (1, 7, 12, 30):
        for kept in (0, 10**6):
            monkeypatch.setattr(pair_table, "BLOCK", block)
            monkeypatch.setattr(fast_path, "BLOCK", block)
            monkeypatch.setattr(pair_table, "KEPT", kept)
            found = explain_batch(model, jets, rule=rule[0], dtype="float64")
            for one, two in zip(found, expected, strict=True):
                assert_same(one, two, 1e-10)


def test_jets_of_the_same_size_share_a_table(calls: list[tuple[int, ...]]) -> None:
    model = toys.toy_model()
    jets = [toys.toy_jet(2 + seed % 3, seed) for seed in range(9)]
    jets.insert(4, toys.toy_jet(3, 20, [[0, 1], [1, 2]]))
    found = explain_batch(model, jets)
    assert sorted(calls) == [(3, 2), (3, 3), (3, 4)]
    assert [one.jet_id for one in found] == [jet.jet_id for jet in jets]
    for one, jet in zip(found, jets, strict=True):
        assert_same(one, explain(model, jet, engine="general"), 1e-5)


@pytest.mark.parametrize(
    "edges",
    [
        [[0, 1, 2], [1, 2, 0]],
        np.zeros((2, 0)),
        [[0, 0, 1, 1, 2, 2], [1, 2, 0, 2, 1, 0]],  # all of them, in another order
        [[0, 0, 1, 1, 2, 2], [1, 1, 0, 2, 0, 1]],  # as many, one of them twice
    ],
)
def test_other_graphs_fall_back(edges: Any, calls: list[tuple[int, ...]]) -> None:
    jet = toys.toy_jet(3, 1, edges)
    assert not jet.complete
    found, expected = both(toys.toy_model(), jet, dtype="float64")
    assert not calls
    assert_same(found, expected, 0.0)


@pytest.mark.parametrize("n_tracks", [1, 2, 3, 8])
def test_complete_graphs_are_recognised(n_tracks: int) -> None:
    assert toys.toy_jet(n_tracks).complete


@pytest.mark.parametrize("rule", NOT_SERVED, ids=str)
def test_other_rules_fall_back(rule: AnyRule, calls: list[tuple[int, ...]]) -> None:
    found, expected = both(toys.toy_model(), toys.toy_jet(), rule=rule, dtype="float64")
    assert not calls
    assert_same(found, expected, 0.0)


class Doubled(InteractionNetwork):
    """The same modules, another network."""

    def forward(self, x: Any, edge_index: Any, batch: Any = None) -> Any:
        return super().forward(x, edge_index, batch)

    def steps(self) -> Any:
        s = super().steps()
        return s.returns(s.affine("again", self.again, s.output))


def test_other_networks_fall_back(calls: list[tuple[int, ...]]) -> None:
    two_blocks = toys.at_random(toys.TwoBlocks())
    model = Model(two_blocks, ("a", "b", "c"))
    assert model.interaction_network is None
    explain(model, Jet.from_arrays(np.ones((3, 3)), ("a", "b", "c")))
    network = Doubled(2, 2, 4).eval()
    network.again = nn.Linear(2, 2)
    assert fast_path.recognise(network.steps()) is None
    assert not calls


def test_weights_are_read_at_every_call() -> None:
    model, jet = toys.toy_model(), toys.toy_jet()
    before = explain(model, jet)
    with torch.no_grad():
        for parameter in model.network.parameters():
            parameter.mul_(1.1)
    found, expected = both(model, jet)
    assert not np.allclose(found.track_relevance, before.track_relevance)
    assert_same(found, expected, 1e-5)


def test_nothing_of_the_network_changes() -> None:
    model, jet = toys.toy_model(), toys.toy_jet(5)
    state = copy.deepcopy(model.network.state_dict())
    for rule, _ in SERVED:
        explain(model, jet, rule=rule)
    for name, value in model.network.state_dict().items():
        assert torch.equal(value, state[name])
    assert all(parameter.grad is None for parameter in model.network.parameters())


def test_one_dead_network_carries_no_nan() -> None:
    """Nothing but zeros behind the first layer: 0/0 is 0, as in the general engine."""
    network = toys.toy_network()
    with torch.no_grad():
        network.interactionnetwork.edge_model.edge_mlp[1].bias.fill_(-1e3)
        network.interactionnetwork.edge_model.edge_mlp[3].bias.zero_()
    model = Model(network, toys.COLUMNS)
    for rule, _ in SERVED:
        found, expected = both(model, toys.toy_jet(), rule=rule, dtype="float64")
        assert_same(found, expected, 1e-10)


def test_what_cannot_be_shared_is_told_by_the_general_engine() -> None:
    model = toys.toy_model()
    beyond = Jet.from_arrays(np.full((3, 5), 1e38), toys.COLUMNS, jet_id="huge")
    with pytest.raises(PropagationError, match=r"huge: .*not finite in float32"):
        explain_batch(model, [toys.toy_jet(3), beyond])


def test_engine_is_one_of_two() -> None:
    with pytest.raises(SettingsError, match="auto, general"):
        explain(toys.toy_model(), toys.toy_jet(), engine="fast")


def test_sums_without_rows_are_those_of_the_rows() -> None:
    model = toys.toy_model()
    tracks = np.stack([toys.toy_jet(5, seed).tracks for seed in range(3)])
    for rule in (Zero(), Gamma(1.0)):
        assert model.interaction_network is not None
        network = fast_path.prepare(model.interaction_network, rule.for_stage, torch.float64)
        assert network is not None
        x, weights = torch.from_numpy(tracks), torch.tensor([-1.0, 1.0], dtype=torch.float64)
        with torch.inference_mode():
            full = fast_path.explain_equals(network, x, weights)
            short = fast_path.explain_equals(network, x, weights, rows=False)
        assert short.edges is None
        assert full.edges is not None
        assert full.sums is None
        assert short.sums is not None
        torch.testing.assert_close(short.sums, full.edges.sum(dim=2))
        torch.testing.assert_close(short.significance, full.significance)
        torch.testing.assert_close(short.tracks, full.tracks)


@pytest.mark.parametrize("engine", ["auto", "general"])
@pytest.mark.parametrize("rule", [Zero(), Gamma(1.0), AlphaBeta()], ids=str)
def test_a_summary_of_the_edges_is_that_of_their_rows(rule: AnyRule, engine: str) -> None:
    model = toys.toy_model()
    jets = [toys.toy_jet(n_tracks, n_tracks) for n_tracks in (1, 4, 4, 6)]
    asked: dict[str, Any] = {"rule": rule, "dtype": "float64", "engine": engine}
    full = explain_batch(model, jets, **asked)
    for one, whole in zip(explain_batch(model, jets, **asked, edges="summary"), full, strict=True):
        assert one.edge_sums is not None
        assert whole.edge_sums is None
        assert one.edge_relevance.shape == (0, whole.edge_relevance.shape[1])
        for name in ("signed_edge_relevance", "edge_significance", "track_relevance"):
            assert far(getattr(one, name), getattr(whole, name)) <= 1e-13
        assert one.ledger == whole.ledger
        assert one.edge_columns == whole.edge_columns
        with pytest.raises(ExplanationError, match="edges='full'"):
            one.edge_feature_relevance(0)


def test_edges_are_full_or_a_summary() -> None:
    with pytest.raises(SettingsError, match="full, summary"):
        explain(toys.toy_model(), toys.toy_jet(), edges="none")


def test_memory_is_bounded_by_blocks() -> None:
    """A jet of 150 tracks in blocks: no block is larger than it may be."""
    model = toys.toy_model()
    jet = toys.toy_jet(150)
    assert jet.n_tracks**2 > 10 * pair_table.BLOCK
    found = explain(model, jet)
    assert found.conservation_error < 1e-4
    assert explainer.LOOK_AHEAD > explainer.ROWS_AT_ONCE
