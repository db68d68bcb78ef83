"""Explaining: against the published numbers, the gradient, conservation and every symmetry."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import lrp_core
from lrp_core import explainer
from lrp_core.errors import JetError, PropagationError, RuleError, SettingsError, TargetError
from lrp_core.explainer import PRESETS, choose, explain, explain_batch, predict
from lrp_core.explanation import Explanation
from lrp_core.jets import Jet
from lrp_core.model import Model
from lrp_core.rules import AlphaBeta, Composite, Epsilon, Flat, Gamma, Rule, WSquare, Zero, ZPlus
from tests.lrp_core import examples as toys

TARGETS = ("margin", "hbb", "qcd")

# Against the published numbers.


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-4), ("float64", 1e-9)])
def test_logits_are_those_published(cms_data: Path, dtype: str, tolerance: float) -> None:
    model, jets = toys.real_model(cms_data), toys.real_jets(cms_data)
    published = np.load(cms_data / "hin_logits.npz")["logits"]
    assert len(published) == len(jets)
    numbers = range(0, len(jets), 11)
    some = [jets[number] for number in numbers]
    found = predict(model, some, dtype=dtype)
    assert found.shape == (len(some), 2)
    np.testing.assert_allclose(found, published[::11], rtol=0, atol=tolerance)
    for explanation, logits in zip(
        explain_batch(model, some[:5], dtype=dtype), published[::11], strict=False
    ):
        np.testing.assert_allclose(explanation.logits, logits, rtol=0, atol=tolerance)
        odds = np.exp(logits - logits.max())
        np.testing.assert_allclose(explanation.probabilities, odds / odds.sum(), atol=tolerance)


@pytest.mark.parametrize("number", [57, 12, 48])
@pytest.mark.parametrize(("key", "rule"), [("lrp0", Zero()), ("eps", Epsilon(0.01))])
def test_relevance_is_that_published(cms_data: Path, number: int, key: str, rule: Rule) -> None:
    model, jet = toys.real_model(cms_data), toys.real_jets(cms_data)[number]
    explanation = explain(model, jet, target="hbb", rule=rule, dtype="float64")
    published = np.load(cms_data / "reference_relevance.npz")

    def expected(what: str) -> Any:
        return published[f"jet{number}_{key}_{what}"]

    np.testing.assert_array_equal(explanation.edge_index, published[f"jet{number}_edge_index"])
    for found, theirs in (
        (explanation.edge_relevance, expected("edge")),
        (explanation.track_relevance, expected("node")),
        (explanation.edge_significance, expected("significance")),
    ):
        assert found.shape == theirs.shape
        assert found.dtype == np.float64
        # Relative to the largest number: the smallest ones are what is left of large ones.
        np.testing.assert_allclose(found, theirs, rtol=1e-8, atol=1e-8 * np.abs(theirs).max())
        worst = np.abs(found - theirs).max() / np.abs(theirs).max()
        assert worst < 1e-8
        norm = np.linalg.norm(found - theirs) / np.linalg.norm(theirs)
        assert norm < 1e-8


# LRP-0 is input times gradient.


def input_times_gradient(model: Model, jet: Jet, target: str) -> np.ndarray:
    """h · ∂y/∂h through the plain network, h what its input BatchNorm gives."""
    network = copy.deepcopy(model.network).double()
    seen: list[Tensor] = []
    network.bn.register_forward_hook(lambda *given: seen.append(given[-1]))
    y = network(
        torch.tensor(jet.select(model.columns).astype(np.float64)), torch.tensor(jet.edge_index)
    )
    output = y[0] @ torch.tensor(model.target(target).weights, dtype=torch.float64)
    (gradient,) = torch.autograd.grad(output, seen[0])
    return (seen[0] * gradient).detach().numpy()


@pytest.mark.parametrize("target", [*TARGETS, "margin:qcd"])
def test_lrp_0_is_input_times_gradient(cms_data: Path, target: str) -> None:
    model = toys.real_model(cms_data)
    for jet in toys.hundred_jets(cms_data)[3:80:25]:
        expected = input_times_gradient(model, jet, target)
        explanation = explain(model, jet, target=target, rule=Zero(), dtype="float64")
        size = np.abs(expected).max()
        np.testing.assert_allclose(
            explanation.track_relevance, expected, rtol=1e-8, atol=1e-10 * size
        )
        rough = explain(model, jet, target=target, rule=Zero())
        np.testing.assert_allclose(rough.track_relevance, expected, rtol=0, atol=1e-3 * size)


def test_lrp_0_is_input_times_gradient_on_toys() -> None:
    for seed, classes in ((0, ("qcd", "hbb")), (1, ("qcd", "top", "hbb")), (2, ("a", "b"))):
        model = toys.toy_model(seed, classes)
        for n_tracks, edges in ((1, None), (2, None), (6, None), (4, [[0, 1, 1, 3], [1, 0, 0, 3]])):
            jet = toys.toy_jet(n_tracks, seed, edges)
            for target in model.targets:
                explanation = explain(model, jet, target=target, rule=Zero(), dtype="float64")
                np.testing.assert_allclose(
                    explanation.track_relevance,
                    input_times_gradient(model, jet, target),
                    rtol=1e-10,
                    atol=1e-12,
                )


# Conservation.


def unlike(rules: tuple[Rule, ...], dtype: str) -> list[Rule]:
    """The rules that differ in what is computed: spread or not is the same without bias terms."""
    return [
        rule
        for rule in rules
        if not (isinstance(rule, Flat | WSquare) and rule.bias == "spread")
        and not (dtype == "float32" and rule.bias == "spread")
    ]


def on_a_hundred_jets(folder: Path, rule: Rule, dtype: str) -> list[Explanation]:
    """Every target of each of them."""
    model, jets = toys.real_model(folder), toys.hundred_jets(folder)
    assert len(jets) == 100
    return [
        explanation
        for target in TARGETS
        for explanation in explain_batch(model, jets, target=target, rule=rule, dtype=dtype)
    ]


@pytest.mark.parametrize("rule", unlike(toys.RULES, "float64"), ids=str)
def test_every_rule_conserves_on_a_hundred_real_jets(cms_data: Path, rule: Rule) -> None:
    for explanation in on_a_hundred_jets(cms_data, rule, "float64"):
        assert explanation.conservation_error < 1e-10
        tracks, bias, epsilon = explanation.totals
        size = max(abs(explanation.value), explanation.ledger.largest_account)
        assert abs(tracks + bias + epsilon - explanation.value) < 1e-10 * size


@pytest.mark.parametrize("rule", unlike(toys.RULES, "float32"), ids=str)
def test_every_rule_conserves_in_float32(cms_data: Path, rule: Rule) -> None:
    bound = 1e-3 if isinstance(rule, Flat) else 1e-4
    for explanation in on_a_hundred_jets(cms_data, rule, "float32"):
        assert explanation.conservation_error < bound


@pytest.mark.parametrize("rule", [Flat(bias="spread"), WSquare(bias="spread")], ids=str)
def test_rules_without_bias_terms_have_one_policy(cms_data: Path, rule: Rule) -> None:
    model, jet = toys.real_model(cms_data), toys.hundred_jets(cms_data)[0]
    spread = explain(model, jet, rule=rule, dtype="float64")
    account = explain(model, jet, rule=type(rule)(), dtype="float64")
    np.testing.assert_array_equal(spread.track_relevance, account.track_relevance)
    assert spread.totals == account.totals


@pytest.mark.parametrize("rule", toys.RULES, ids=str)
def test_every_rule_conserves_on_toys(rule: Rule) -> None:
    for seed, classes in ((0, ("qcd", "hbb")), (1, ("qcd", "top", "hbb"))):
        model = toys.toy_model(seed, classes)
        jets = [toys.toy_jet(n_tracks, seed + n_tracks) for n_tracks in (1, 2, 3, 7)]
        for target in model.targets:
            for found in explain_batch(model, jets, target=target, rule=rule, dtype="float64"):
                assert found.conservation_error < 1e-10


def test_spread_gives_inputs_and_epsilon_everything_that_no_constant_earns() -> None:
    model, jet = toys.toy_model(), toys.toy_jet(5)
    for rule in toys.RULES:
        if rule.bias == "spread":
            explanation = explain(model, jet, rule=rule, dtype="float64")
            assert explanation.totals.bias == 0
            assert (explanation.totals.epsilon != 0) == isinstance(rule, Epsilon)


@pytest.mark.parametrize(
    "rule", [Zero(bias="spread"), Epsilon(0.01, bias="spread"), Epsilon(1e-9, bias="spread")]
)
def test_spread_with_zero_or_epsilon_is_computed_in_float64(rule: Rule) -> None:
    model, jet = toys.toy_model(), toys.toy_jet(5)
    for wanted in (rule, Composite({"edge_mlp.0": rule}, default=Gamma())):
        asked, exact = (explain(model, jet, rule=wanted, dtype=d) for d in ("float32", "float64"))
        assert asked.dtype == "float64"
        assert asked.track_relevance.dtype == np.float64
        np.testing.assert_array_equal(asked.track_relevance, exact.track_relevance)
        assert asked.conservation_error < 1e-10
    for plain in (Zero(), Epsilon(0.01), Gamma(bias="spread"), ZPlus()):
        assert explain(model, jet, rule=plain).track_relevance.dtype == np.float32


# Tracks, edges and the direct way.


@pytest.mark.parametrize("rule", [Gamma(1.0), Zero(), AlphaBeta(2.0, 1.0)], ids=str)
def test_tracks_have_the_direct_way_and_the_sum_over_their_edges(
    cms_data: Path, rule: Rule
) -> None:
    model, jet = toys.real_model(cms_data), toys.hundred_jets(cms_data)[60]
    explanation = explain(model, jet, rule=rule, dtype="float64")
    from_edges = np.zeros((jet.n_tracks, 48))
    np.add.at(from_edges, jet.edge_index[0], explanation.edge_relevance[:, :48])
    np.add.at(from_edges, jet.edge_index[1], explanation.edge_relevance[:, 48:])
    direct = explanation.track_relevance - from_edges
    passed = explanation.ledger["node_mlp_2.0"].passed["node_mlp_2.0:self"]
    assert direct.sum() == pytest.approx(passed, rel=1e-9)
    edges = sum(
        explanation.ledger[name.split(":")[0]].passed[name]
        for name in ("edge_mlp.0:source", "edge_mlp.0:destination", "node_mlp_1.0:source")
    )
    assert explanation.signed_edge_relevance.sum() == pytest.approx(edges, rel=1e-9)
    # Without a direct way in the network, the edges are all there is.
    network = copy.deepcopy(model.network)
    with torch.no_grad():
        network.interactionnetwork.node_model.node_mlp_2[0].weight[:, :48] = 0.0
    cut = Model(network, model.columns, model.classes)
    explanation = explain(cut, jet, rule=rule, dtype="float64")
    from_edges[:] = 0
    np.add.at(from_edges, jet.edge_index[0], explanation.edge_relevance[:, :48])
    np.add.at(from_edges, jet.edge_index[1], explanation.edge_relevance[:, 48:])
    size = np.abs(from_edges).max()
    np.testing.assert_allclose(
        explanation.track_relevance, from_edges, rtol=1e-10, atol=1e-12 * size
    )


# Symmetries.


def assert_equal(one: Explanation, two: Explanation, tolerance: float) -> None:
    """The same explanation up to rounding, in every number."""
    size = max(np.abs(one.track_relevance).max(), abs(one.value), one.ledger.largest_account)
    for name in ("track_relevance", "edge_relevance"):
        np.testing.assert_allclose(
            getattr(one, name), getattr(two, name), rtol=tolerance, atol=tolerance * size
        )
    for name in ("logits", "probabilities", "value"):
        np.testing.assert_allclose(getattr(one, name), getattr(two, name), rtol=tolerance)
    np.testing.assert_allclose(one.edge_significance, two.edge_significance, rtol=0, atol=tolerance)
    np.testing.assert_array_equal(one.edge_index, two.edge_index)
    for first, second in zip(one.ledger, two.ledger, strict=True):
        assert first.stage == second.stage
        assert first.inputs == second.inputs
        for name in ("received", "bias", "epsilon"):
            assert getattr(first, name) == pytest.approx(
                getattr(second, name), rel=tolerance, abs=tolerance * size
            )
        assert first.passed == pytest.approx(second.passed, rel=tolerance, abs=tolerance * size)
    for name in ("target", "rule", "dtype", "classes", "columns", "jet_id", "checkpoint_hash"):
        assert getattr(one, name) == getattr(two, name)


@pytest.mark.parametrize("rule", [Gamma(1.0), Epsilon(0.1, relative=True), ZPlus(bias="spread")])
def test_many_together_are_explained_like_one_by_one(cms_data: Path, rule: Rule) -> None:
    model, jets = toys.real_model(cms_data), toys.hundred_jets(cms_data)[10:90:8]
    assert len({jet.n_tracks for jet in jets}) > 3
    for dtype, tolerance in (("float64", 1e-9), ("float32", 2e-3)):
        together = explain_batch(model, jets, rule=rule, dtype=dtype)
        assert [explanation.jet_id for explanation in together] == [jet.jet_id for jet in jets]
        for jet, explanation in zip(jets, together, strict=True):
            assert_equal(explanation, explain(model, jet, rule=rule, dtype=dtype), tolerance)


@pytest.mark.parametrize("rule", toys.RULES, ids=str)
def test_toys_together_are_explained_like_one_by_one(
    rule: Rule, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Odd jets among others, all in one pack, and in packs that hold a few of them."""
    model = toys.toy_model(seed=9)
    jets = [toys.toy_jet(1 + seed % 4, seed) for seed in range(9)]
    jets.append(toys.toy_jet(3, 20, np.zeros((2, 0))))
    jets.append(toys.toy_jet(3, 21, [[0, 0, 2], [0, 1, 1]]))
    alone = [explain(model, jet, rule=rule, dtype="float64") for jet in jets]
    for rows in (10**6, 20, 1):
        monkeypatch.setattr(explainer, "ROWS_AT_ONCE", rows)
        together = explain_batch(model, jets, rule=rule, dtype="float64")
        for one, two in zip(together, alone, strict=True):
            assert_equal(one, two, 1e-9)


def test_packs_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """In tracks as well as in edges: jets of one track have no edges to count."""
    monkeypatch.setattr(explainer, "ROWS_AT_ONCE", 20)
    model = toys.toy_model()
    sizes: list[int] = []
    plain = explainer._tensors

    def counting(model: Model, jets: Any, dtype: torch.dtype) -> Any:
        x, graph = plain(model, jets, dtype)
        sizes.append(len(x) + len(graph.source))
        return x, graph

    monkeypatch.setattr(explainer, "_tensors", counting)
    jets = [toys.toy_jet(1, seed) for seed in range(30)] + [toys.toy_jet(6), toys.toy_jet(2)] * 2
    logits = predict(model, jets)
    explained = explain_batch(model, jets, rule=Gamma(1.0, bias="spread"))  # the general engine
    assert sizes == [20, 10, 36, 4, 36, 4] * 2
    np.testing.assert_allclose(logits, [one.logits for one in explained], rtol=1e-4, atol=1e-5)


def test_jets_may_come_one_by_one() -> None:
    model, jets = toys.toy_model(), [toys.toy_jet(4), toys.toy_jet(2)]
    np.testing.assert_array_equal(predict(model, iter(jets)), predict(model, jets))
    assert len(explain_batch(model, iter(jets))) == 2


def test_no_jets() -> None:
    assert explain_batch(toys.toy_model(), []) == []
    assert predict(toys.toy_model(), []).shape == (0, 2)


@pytest.mark.parametrize("rule", [Gamma(1.0), Zero(), Epsilon(0.05, bias="spread")], ids=str)
def test_relabelling_the_tracks_relabels_the_answer(cms_data: Path, rule: Rule) -> None:
    model, jet = toys.real_model(cms_data), toys.hundred_jets(cms_data)[40]
    order = np.random.default_rng(0).permutation(jet.n_tracks)
    back = np.argsort(order)
    # The same edges, their ends by the new numbers, in the same order.
    relabelled = Jet.from_arrays(
        jet.tracks[order], jet.columns, back[jet.edge_index], jet_id=jet.jet_id
    )
    one = explain(model, jet, rule=rule, dtype="float64")
    two = explain(model, relabelled, rule=rule, dtype="float64")
    size = np.abs(one.track_relevance).max()
    near = {"rtol": 1e-7, "atol": 1e-9 * size}
    np.testing.assert_allclose(two.track_relevance, one.track_relevance[order], **near)
    np.testing.assert_allclose(two.edge_relevance, one.edge_relevance, **near)
    np.testing.assert_allclose(two.edge_significance, one.edge_significance, rtol=1e-7)
    np.testing.assert_allclose(two.value, one.value, rtol=1e-10)
    # And the complete graph of the relabelled tracks has the same edges in another order.
    three = explain(
        model, Jet.from_arrays(jet.tracks[order], jet.columns), rule=rule, dtype="float64"
    )
    matrix = np.zeros((2, jet.n_tracks, jet.n_tracks))
    matrix[0][tuple(one.edge_index)] = one.edge_significance
    matrix[1][tuple(order[three.edge_index])] = three.edge_significance
    np.testing.assert_allclose(matrix[1], matrix[0], rtol=1e-7)


# The model is left as it was, and nothing is kept.


def state_of(network: nn.Module) -> dict[str, Any]:
    modules = dict(network.named_modules())
    return {
        "weights": {name: value.clone() for name, value in network.state_dict().items()},
        "places": {name: value.data_ptr() for name, value in network.state_dict().items()},
        "gradients": {name: (p.requires_grad, p.grad) for name, p in network.named_parameters()},
        "training": {name: module.training for name, module in modules.items()},
        "hooks": {
            name: [
                list(getattr(module, kind))
                for kind in (
                    "_forward_hooks",
                    "_forward_pre_hooks",
                    "_backward_hooks",
                    "_backward_pre_hooks",
                )
            ]
            for name, module in modules.items()
        },
        "attributes": {name: sorted(vars(module)) for name, module in modules.items()},
        "grad mode": torch.is_grad_enabled(),
        "dtype": torch.get_default_dtype(),
    }


@pytest.mark.parametrize("training", [False, True])
def test_the_network_is_left_as_it_was(training: bool) -> None:
    model, jet = toys.toy_model(), toys.toy_jet()
    expected = predict(model, [jet])
    calls: list[str] = []
    model.network.bn.register_forward_hook(lambda *_: calls.append("called"))
    next(model.network.parameters()).requires_grad_(False)
    model.network.train(training)
    before = state_of(model.network)
    for rule in toys.RULES:
        for dtype in ("float32", "float64"):
            explanation = explain(model, jet, rule=rule, dtype=dtype)
            np.testing.assert_allclose(explanation.logits, expected[0], rtol=1e-4, atol=1e-6)
    with pytest.raises(RuleError):
        explain(model, jet, rule=Composite({"nothing": Zero()}))
    np.testing.assert_allclose(predict(model, [jet], dtype="float64"), expected, atol=1e-5)
    np.testing.assert_array_equal(predict(model, [jet]), expected)
    after = state_of(model.network)
    for name, value in before["weights"].items():
        assert torch.equal(value, after["weights"][name]), name
    for key in before.keys() - {"weights"}:
        assert before[key] == after[key], key


def test_nothing_is_kept_between_explanations() -> None:
    model, jet = toys.toy_model(), toys.toy_jet()
    one, again = explain(model, jet, dtype="float64"), explain(model, jet, dtype="float64")
    np.testing.assert_array_equal(one.track_relevance, again.track_relevance)
    assert not np.shares_memory(one.track_relevance, again.track_relevance)
    block = model.network.interactionnetwork.edge_model.edge_mlp
    for change in (block[0].weight, block[1].running_var, model.network.bn.bias):
        before = explain(model, jet, dtype="float64")
        with torch.no_grad():
            change.add_(0.5)
        after = explain(model, jet, dtype="float64")
        assert np.abs(after.track_relevance - before.track_relevance).max() > 1e-4
        assert after.conservation_error < 1e-12
        np.testing.assert_allclose(
            after.logits, predict(model, [jet], dtype="float64")[0], rtol=1e-10
        )


def test_changing_an_explanation_changes_neither_jet_nor_the_next() -> None:
    model, jet = toys.toy_model(), toys.toy_jet()
    tracks = jet.tracks.copy()
    explanation = explain(model, jet)
    explanation.track_relevance[:] = 7.0
    explanation.edge_relevance[:] = 7.0
    np.testing.assert_array_equal(jet.tracks, tracks)
    assert not (explain(model, jet).track_relevance == 7.0).any()


# What may be asked for.


def test_targets() -> None:
    model, jet = toys.toy_model(1, ("qcd", "top", "hbb")), toys.toy_jet()
    logits = explain(model, jet, dtype="float64").logits
    for target, value in {
        "margin": logits[2] - (logits[0] + logits[1]) / 2,
        "margin:qcd": logits[0] - (logits[1] + logits[2]) / 2,
        "margin:top": logits[1] - (logits[0] + logits[2]) / 2,
        "qcd": logits[0],
        "top": logits[1],
        "hbb": logits[2],
    }.items():
        explanation = explain(model, jet, target=target, dtype="float64")
        assert explanation.target == target
        assert explanation.value == pytest.approx(value, rel=1e-12)
        assert explanation.ledger[0].received == pytest.approx(value, rel=1e-12)
    for unknown in ("hcc", "margin:hcc", "logit", "HBB", ""):
        with pytest.raises(TargetError, match="margin, qcd, top, hbb, margin:qcd, margin:top"):
            model.target(unknown)
    with pytest.raises(TargetError, match="hcc"):
        explain(model, jet, target="hcc")


def test_a_margin_is_the_difference_of_two_explanations_of_two_classes() -> None:
    """One backward pass: what is not shared out by the values themselves is linear in its start."""
    model, jet = toys.toy_model(3), toys.toy_jet(4)
    for rule in (Gamma(1.0), AlphaBeta(2.0, 1.0), Epsilon(0.1, bias="spread")):
        hbb, qcd, margin = (
            explain(model, jet, target=target, rule=rule, dtype="float64")
            for target in ("hbb", "qcd", "margin")
        )
        np.testing.assert_allclose(
            margin.track_relevance,
            hbb.track_relevance - qcd.track_relevance,
            rtol=1e-9,
            atol=1e-11 * toys.whole(hbb),
        )


def test_the_defaults_are_gamma_on_the_margin() -> None:
    model, jet = toys.toy_model(), toys.toy_jet()
    explanation = explain(model, jet)
    assert (explanation.rule, explanation.target) == (Gamma(1.0), "margin")
    assert explanation.dtype == "float32"
    assert explanation.track_relevance.dtype == np.float32
    assert explanation.logits.dtype == explanation.probabilities.dtype == np.float64
    assert explanation.version == lrp_core.explain(model, jet).version != ""


def test_presets() -> None:
    assert PRESETS["default"].rule == Gamma(1.0)
    assert (PRESETS["hin-lrp"].rule, PRESETS["hin-lrp"].target) == (Epsilon(1e-9), "hbb")
    assert choose("hin-lrp") == (Epsilon(1e-9), "hbb")
    assert choose("hin-lrp", "qcd") == (Epsilon(1e-9), "qcd")
    assert choose() == choose("default") == (Gamma(1.0), "margin")
    assert choose("gamma(2)", "hbb") == (Gamma(2.0), "hbb")
    assert choose(ZPlus()) == (ZPlus(), "margin")
    model, jet = toys.toy_model(), toys.toy_jet()
    by_name = explain(model, jet, rule="hin-lrp", dtype="float64")
    plain = explain(model, jet, rule=Epsilon(1e-9), target="hbb", dtype="float64")
    assert_equal(by_name, plain, 1e-12)
    with pytest.raises(RuleError, match=r"hin-lrp"):
        choose("hin-lpr")


def test_what_is_no_rule_and_no_dtype_is_refused() -> None:
    model, jet = toys.toy_model(), toys.toy_jet()
    for wrong in (Gamma, 5, {"name": "gamma"}):
        with pytest.raises(RuleError, match=r"Gamma\(1\.0\)"):
            explain(model, jet, rule=wrong)  # type: ignore[arg-type]
    for rule in (Gamma(), Flat()):
        with pytest.raises(SettingsError, match=r"float32, float64.*float16"):
            explain(model, jet, rule=rule, dtype="float16")
    with pytest.raises(SettingsError):
        predict(model, [jet], dtype="double")
    with pytest.raises(SettingsError, match="'raise' or 'nan'"):
        predict(model, [jet], on_error="ignore")


def test_a_jet_without_the_networks_columns_is_refused() -> None:
    model = toys.toy_model()
    jet = Jet.from_arrays(np.ones((3, 2)), ["track_pt", "track_dz"], jet_id="mine")
    for ask in (explain, lambda model, jet: predict(model, [jet])):
        with pytest.raises(JetError, match=r"mine: .*track_etarel, track_phirel"):
            ask(model, jet)


# Predicting.


class SomeBad:
    """Jets of which number 2 cannot be read and number 4 lacks a column."""

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> Jet:
        if index == 2:
            raise JetError("bad:2: no tracks")
        if index == 4:
            return Jet.from_arrays(np.ones((2, 1)), ["track_pt"], jet_id="bad:4")
        return toys.toy_jet(1 + index, index)


@pytest.mark.parametrize("rows", [10**6, 5])
def test_bad_jets_are_named_or_nan(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explainer, "ROWS_AT_ONCE", rows)
    model, jets = toys.toy_model(), SomeBad()
    with pytest.raises(JetError, match="bad:2"):
        predict(model, jets)  # type: ignore[arg-type]
    found = predict(model, jets, on_error="nan", dtype="float64")  # type: ignore[arg-type]
    assert found.shape == (6, 2)
    assert found.dtype == np.float64
    assert np.isnan(found).all(axis=1).tolist() == [False, False, True, False, True, False]
    for index in (0, 1, 3, 5):
        np.testing.assert_allclose(
            found[index], explain(model, jets[index], dtype="float64").logits, rtol=1e-10
        )


def test_outputs_that_are_not_finite_are_never_returned() -> None:
    """Finite columns, of a size at which float32 overflows inside the network."""
    model = toys.toy_model()
    beyond = Jet.from_arrays(np.full((3, 5), 1e38), toys.COLUMNS, jet_id="huge")
    jets = [toys.toy_jet(), beyond, toys.toy_jet(2)]
    with pytest.raises(JetError, match=r"huge: .*not finite in float32"):
        predict(model, jets)
    found = predict(model, jets, on_error="nan")
    assert np.isnan(found).all(axis=1).tolist() == [False, True, False]
    with pytest.raises(PropagationError, match=r"huge: .*not finite in float32"):
        explain_batch(model, jets)
    assert np.isfinite(predict(model, jets, dtype="float64")).all()
