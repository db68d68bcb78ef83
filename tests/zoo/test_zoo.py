"""Every network of the zoo: nothing is lost, and what is found is what is there."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import lrp_core
from lrp_core import Columns, Inputs
from lrp_core.explanation import Explanation
from lrp_core.jets import Jet
from lrp_core.tape.network import TapeModel
from tests.zoo.zoo import COLUMNS, ZOO, at_random, given_to, jet, load, model_of

RULES = (
    *("zero", "epsilon(0.01)", "epsilon(0.1, relative=true)", "gamma(0.25)", "gamma(1.0)"),
    *("alpha_beta", "z_plus"),
)
SPREAD = ("zero(bias=spread)", "gamma(0.25, bias=spread)", "flat", "w_square")
each = pytest.mark.parametrize("name", ZOO)


def explained(name: str, rule: str = "gamma(0.25)", **more: Any) -> Explanation:
    return lrp_core.explain(model_of(name), given_to(name), rule=rule, dtype="float64", **more)


@each
@pytest.mark.parametrize("attention", ["constant", "attnlrp"])
def test_nothing_is_lost(name: str, attention: str) -> None:
    for rule in (*RULES, *SPREAD):
        found = explained(name, rule, attention=attention)
        assert found.conservation_error < (1e-12 if rule in RULES else 1e-9), rule
        scale = max(abs(found.value), found.ledger.largest_account)
        for row in found.ledger:
            assert abs(row.error) < 1e-9 * max(scale, abs(row.received)), (rule, row.stage)
        assert found.warnings == ()
    single = lrp_core.explain(model_of(name), given_to(name), attention=attention)
    assert single.dtype == "float32"
    assert single.conservation_error < 1e-4


@each
def test_the_ledger_is_one_way_to_the_input(name: str) -> None:
    found = explained(name)
    stages = [row.stage for row in found.ledger]
    assert len(set(stages)) == len(stages)
    arrived: dict[str, float] = {}
    for row in found.ledger:
        for port, part in row.passed.items():
            arrived[row.inputs[port]] = arrived.get(row.inputs[port], 0.0) + part
    inputs = {"tracks"} | ({"sv"} if name == "TwoKinds" else set())
    assert set(arrived) - set(stages) == inputs
    for row in found.ledger[1:]:
        assert arrived[row.stage] == pytest.approx(row.received, rel=1e-9, abs=1e-12)
    total = sum(rows.sum() for rows in found.relevance.values())
    assert sum(arrived[one] for one in inputs) == pytest.approx(total, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", [name for name, one in ZOO.items() if one.linear])
def test_lrp_0_is_gradient_times_input(name: str) -> None:
    model = model_of(name)
    network = copy.deepcopy(model.network).double()
    exact = TapeModel(network, model.inputs, given_to(name))
    arguments = dict(exact.given([exact.example]).arguments)
    leaves = {key: arguments[key].requires_grad_() for key in exact.inputs.leaves}
    kept: list[Tensor] = []
    norm = getattr(network, "bn", None)
    if norm is not None:  # a norm at the input keeps relevance whole: it is that of its output
        norm.register_forward_hook(lambda _m, _a, out: kept.append(out))
    # a network may write into what it is given
    made = network(**{k: v * 1 if k in leaves else v for k, v in arguments.items()})
    values = kept or list(leaves.values())
    gradients = torch.autograd.grad(made.reshape(-1)[1], values)
    parts = [value * slope for value, slope in zip(values, gradients, strict=True)]
    found = explained(name, "zero", target="hbb")
    for group, part in zip(found.relevance, parts, strict=True):
        relevance = found.relevance[group]
        rows = part[0].T if part.dim() == 3 and part.shape[1] == relevance.shape[1] else part
        rows = rows[0] if rows.dim() == 3 else rows
        rows = rows[: len(relevance)].detach()
        assert np.abs(relevance - rows.numpy()).max() < 1e-10 * max(1.0, float(rows.abs().max()))


@pytest.mark.parametrize("name", [name for name in ZOO if name != "InPlace"])  # row 0 is special
def test_tracks_have_no_order(name: str) -> None:
    order = np.array([3, 0, 4, 1, 2])
    given = given_to(name)
    main = given["pf"] if isinstance(given, dict) else given
    turned = Jet.from_arrays(main.tracks[order], main.columns)
    other = {**given, "pf": turned} if isinstance(given, dict) else turned
    first = explained(name)
    second = lrp_core.explain(model_of(name), other, rule="gamma(0.25)", dtype="float64")
    assert np.abs(first.track_relevance[order] - second.track_relevance).max() < 1e-7
    for path, edges in first.edges.items():
        pairs = _by_pair(edges.edge_index, edges.sums)
        receivers = order
        senders = order if edges.groups[0] == edges.groups[1] else np.arange(99)
        there = second.edges[path].edge_index
        same = np.stack([senders[there[0]], receivers[there[1]]])
        again = _by_pair(same, second.edges[path].sums)
        assert pairs.keys() == again.keys()
        assert all(abs(pairs[key] - again[key]) < 1e-7 for key in pairs)


def _by_pair(edge_index: Any, sums: Any) -> dict[tuple[int, int], float]:
    return {(int(i), int(j)): float(v) for i, j, v in zip(*edge_index, sums, strict=True)}


@pytest.mark.parametrize("name", [name for name, one in ZOO.items() if one.padded])
def test_padding_gets_nothing_and_changes_nothing(name: str) -> None:
    inputs = ZOO[name].inputs
    assert inputs is not None
    longer = Inputs(
        **{
            key: replace(spec, pad_to=9) if isinstance(spec, Columns) else spec
            for key, spec in inputs.arguments.items()
        }
    )
    model = TapeModel(model_of(name).network, longer, given_to(name))
    for rule in ("zero", "gamma(0.25)", "gamma(0.25, bias=spread)"):
        for attention in ("constant", "attnlrp"):
            asked: dict[str, Any] = {"rule": rule, "attention": attention, "dtype": "float64"}
            short = lrp_core.explain(model_of(name), given_to(name), **asked)
            long = lrp_core.explain(model, given_to(name), **asked)
            assert long.warnings == ()
            assert "padding" not in [row.stage for row in long.ledger]
            assert np.abs(long.track_relevance - short.track_relevance).max() < 1e-6
            for path, edges in short.edges.items():
                assert np.array_equal(long.edges[path].edge_index, edges.edge_index)
                assert np.abs(long.edges[path].sums - edges.sums).max() < 1e-6


def test_a_network_that_sees_its_padding_is_said() -> None:
    class Sees(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.fc = nn.BatchNorm1d(5), nn.Linear(5, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.fc(self.norm(x).sum(-1))

    inputs = Inputs(x=Columns("tracks", COLUMNS, layout="jet column track", pad_to=8))
    model = lrp_core.load_model(at_random(Sees()), example=jet(), inputs=inputs)
    found = lrp_core.explain(model, jet(), dtype="float64")
    assert found.warnings[0].startswith("padding received relevance")
    assert found.ledger["padding"].bias != 0
    assert found.conservation_error < 1e-12


# -------------------------------------------------------------------------------------- edges


@each
def test_edges_are_found_by_module(name: str) -> None:
    report = model_of(name).report()
    assert tuple(dict.fromkeys(path.split(":")[0] for path in ZOO[name].edges)) == tuple(
        one.path for one in report.edges
    )
    found = explained(name)
    assert tuple(found.edges) == ZOO[name].edges
    for edges in found.edges.values():
        assert edges.n_edges > 0
        assert edges.significance.sum() == pytest.approx(1.0)
        assert (edges.significance >= 0).all()
    if not ZOO[name].edges:
        assert found.edge_index.shape == (2, 0)
        assert "none; only tracks" in str(report)


@pytest.mark.parametrize("name", [name for name, one in ZOO.items() if one.edges])
@pytest.mark.parametrize("attention", ["constant", "attnlrp"])
def test_edges_are_what_the_aggregation_received(name: str, attention: str) -> None:
    found = explained(name, attention=attention, edges="rows")
    summary = explained(name, attention=attention)
    for path, edges in found.edges.items():
        module = path.split(":")[0].partition("@")[0]
        kinds = {
            "attention": ("bmm", "mm"),
            "edge list": ("scatter_add", "scatter_reduce", "index_add"),
            "neighbours": ("mean",),
        }[edges.kind]
        prefixes = (
            ("", "aggr_module.")
            if module == "network"
            else (f"{module}.", f"{module}.aggr_module.")
        )
        rows = [
            row
            for row in found.ledger
            if any(
                row.stage.split("@")[0] == prefix + kind for prefix in prefixes for kind in kinds
            )
        ]
        received = [row.received - row.bias for row in rows]
        if name == "InPlace":  # what was there before takes its part as well
            received = [row.passed["index_add:2"] for row in rows if row.stage == "index_add"]
        total = float(edges.sums.sum())
        scale = max(map(abs, received))
        assert min(abs(total - one) for one in received) < 1e-9 * max(1.0, scale), path
        assert edges.rows is not None
        assert np.abs(edges.rows.sum(1) - edges.sums).max() < 1e-10
        norms = np.linalg.norm(edges.rows, axis=1)
        assert np.abs(edges.significance - norms / norms.sum()).max() < 1e-10
        assert summary.edges[path].rows is None
        assert np.abs(summary.edges[path].significance - edges.significance).max() < 1e-10


def test_neighbours_are_the_nearest() -> None:
    found = explained("ParticleNet").edges["blocks.0"]
    points = jet().select(("eta", "phi")).astype(np.float64)
    distance = ((points[:, None] - points[None]) ** 2).sum(-1)
    for track in range(5):
        near = set(np.argsort(distance[track])[1:4])
        assert set(found.edge_index[0][found.edge_index[1] == track]) == near


def test_attention_joins_every_track_with_every_track() -> None:
    edges = explained("ParticleTransformer").edges["blocks.0.attn"]
    assert edges.kind == "attention"
    assert edges.n_edges == 25
    drawn = explained("ParticleTransformer")
    assert drawn.edge_index.shape == (2, 20)  # without those to itself
    assert drawn.edge_significance.sum() == pytest.approx(1.0)


def test_a_hint_chooses_the_edges() -> None:
    deep = explained("ParticleNet", edges="blocks.1")
    assert np.array_equal(deep.edge_index, deep.edges["blocks.1"].edge_index)
    network = model_of("ParticleNet").network
    hinted = TapeModel(network, model_of("ParticleNet").inputs, jet(), edges="blocks.1")
    assert np.array_equal(lrp_core.explain(hinted, jet()).edge_index, deep.edge_index)
    with pytest.raises(lrp_core.JetlrpError, match=r"there are blocks\.0, blocks\.1"):
        explained("ParticleNet", edges="fc")
    with pytest.raises(lrp_core.JetlrpError, match=r"those that do are blocks\.0, blocks\.1"):
        TapeModel(network, model_of("ParticleNet").inputs, jet(), edges="fc")


# ------------------------------------------------------------------------------------ batches


@each
def test_a_batch_is_the_same_as_one_by_one(name: str) -> None:
    model = model_of(name)
    assert model.batched == (name not in ("DeepSets", "InPlace", "Adjacency"))
    jets = [given_to(name, n, seed) for n, seed in ((5, 0), (4, 1), (5, 2), (6, 3), (4, 4))]
    together = lrp_core.explain_batch(model, jets, rule="gamma(0.25)", dtype="float64")
    for one, found in zip(jets, together, strict=True):
        alone = lrp_core.explain(model, one, rule="gamma(0.25)", dtype="float64")
        assert found.jet_id == alone.jet_id
        assert np.abs(found.track_relevance - alone.track_relevance).max() < 1e-6
        assert found.value == pytest.approx(alone.value, abs=1e-6)
        assert found.conservation_error < 1e-12
        assert [row.stage for row in found.ledger] == [row.stage for row in alone.ledger]
        for mine, theirs in zip(found.ledger, alone.ledger, strict=True):
            assert mine.received == pytest.approx(theirs.received, abs=1e-5)
            assert mine.bias == pytest.approx(theirs.bias, abs=1e-5)
        for path, edges in alone.edges.items():
            assert np.array_equal(found.edges[path].edge_index, edges.edge_index)
            assert np.abs(found.edges[path].sums - edges.sums).max() < 1e-6


@each
def test_predictions_are_the_networks_own(name: str) -> None:
    model = model_of(name)
    found = lrp_core.predict(model, [given_to(name)])  # type: ignore[list-item]
    made = _run(model.network, model.given([model.example]).arguments).reshape(1, -1)
    assert np.allclose(found, made.detach().numpy(), atol=1e-5)


# ------------------------------------------------------------------------------------ meaning


@cache
def planted(name: str) -> TapeModel:
    """A network that has learned a label that only ``sip`` of the tracks knows of."""
    torch.manual_seed(0)
    network = ZOO[name].make().eval()
    model = load(name, network)
    draw = np.random.default_rng(1)
    groups, labels = [], []
    for number in range(40 if model.batched else 16):
        given = given_to(name, 6, number)
        main = given["pf"] if isinstance(given, dict) else given
        label = number % 2
        tracks = main.tracks.copy()
        tracks[:, COLUMNS.index("sip")] = draw.normal(size=6) * 0.5 + (1.5 if label else -1.5)
        main = Jet.from_arrays(tracks, COLUMNS)
        groups.append({**given, "pf": main} if isinstance(given, dict) else {"tracks": main})
        labels.append(label)
    wanted = torch.tensor(labels)
    packs = [groups] if model.batched else [[one] for one in groups]
    arguments = [model.given(pack).arguments for pack in packs]
    optimiser = torch.optim.Adam(network.parameters(), lr=0.02, weight_decay=0.01)
    for _ in range(60):
        made = torch.cat([_run(network, one) for one in arguments])
        loss = nn.functional.cross_entropy(made.reshape(len(labels), -1), wanted)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    right = (made.argmax(1) == wanted).float().mean()
    assert float(right) > 0.9
    return model


def _run(network: nn.Module, arguments: dict[str, Any]) -> Tensor:
    copies = {k: v.clone() if isinstance(v, Tensor) else v for k, v in arguments.items()}
    made: Tensor = network(**copies)
    return made


@each
def test_a_planted_feature_ranks_first(name: str) -> None:
    model = planted(name)
    total = np.zeros(len(COLUMNS))
    for seed in range(200, 210):
        given = given_to(name, 6, seed)
        found = lrp_core.explain(model, given, rule="gamma(0.25)", dtype="float64")
        total += np.abs(found.track_relevance).sum(0)
    assert COLUMNS[int(total.argmax())] == "sip", dict(zip(COLUMNS, total, strict=True))
