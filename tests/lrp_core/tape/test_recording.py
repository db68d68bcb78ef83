"""What a tape sees, what it refuses, and that it leaves nothing behind."""

from __future__ import annotations

import sys
import types
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import lrp_core
from lrp_core import Columns, Constant, Inputs, JetIndex
from lrp_core.errors import DefinitionsError, JetError, NetworkError, SettingsError
from lrp_core.jets import Jet
from lrp_core.tape.network import TapeModel
from tests.zoo.zoo import COLUMNS, ZOO, at_random, given_to, jet, model_of


class Simple(nn.Module):
    """One layer, the mean, and whatever ``change`` does in between."""

    def __init__(self, change: Any = None) -> None:
        super().__init__()
        self.first, self.fc, self.change = nn.Linear(5, 4), nn.Linear(4, 2), change

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        x = x if self.change is None else self.change(x)
        return self.fc(x.mean(0, keepdim=True))


def loaded(network: nn.Module, **more: Any) -> TapeModel:
    model = lrp_core.load_model(at_random(network), example=jet(), **more)
    assert isinstance(model, TapeModel)
    return model


def hooks_of(network: nn.Module) -> list[Any]:
    return [
        (path, dict(module.__dict__), len(module._forward_hooks), len(module._forward_pre_hooks))
        for path, module in network.named_modules()
    ]


@pytest.mark.parametrize("name", ["ParticleTransformer", "TorchEncoder", "InPlace"])
def test_nothing_is_left_behind(name: str) -> None:
    model = model_of(name)
    network, given = model.network, given_to(name)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    hooks, tracks = hooks_of(network), given.tracks.copy()  # type: ignore[union-attr]
    switches = (
        torch.backends.mha.get_fastpath_enabled(),
        torch.backends.mkldnn.enabled,
        torch.backends.cuda.flash_sdp_enabled(),
        torch.is_grad_enabled(),
        torch.overrides._is_torch_function_mode_enabled(),
        len(nn.modules.module._global_forward_hooks),
        len(nn.modules.module._global_forward_pre_hooks),
    )
    lrp_core.explain(model, given, attention="attnlrp")
    assert hooks_of(network) == hooks
    assert switches == (
        torch.backends.mha.get_fastpath_enabled(),
        torch.backends.mkldnn.enabled,
        torch.backends.cuda.flash_sdp_enabled(),
        torch.is_grad_enabled(),
        torch.overrides._is_torch_function_mode_enabled(),
        len(nn.modules.module._global_forward_hooks),
        len(nn.modules.module._global_forward_pre_hooks),
    )
    after = network.state_dict()
    assert all(torch.equal(after[key], value) for key, value in before.items())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert np.array_equal(given.tracks, tracks)  # type: ignore[union-attr]


def test_nothing_is_left_behind_by_a_network_that_fails() -> None:
    def fail(x: Tensor) -> Tensor:
        raise ValueError("a bug of its own")

    with pytest.raises(NetworkError, match=r"does not run on x.*a bug of its own"):
        loaded(Simple(fail))
    assert not torch.overrides._is_torch_function_mode_enabled()


# ----------------------------------------------------------------------- what is not seen whole


def test_a_way_around_torch_is_a_warning() -> None:
    model = loaded(Simple(lambda x: x * float(x.detach().abs().sum())))
    assert model.report().hidden > 0.1
    found = lrp_core.explain(model, jet(), dtype="float64")
    assert any("ways that the tape does not see" in warning for warning in found.warnings)
    assert found.conservation_error < 1e-12
    honest = loaded(Simple())
    assert honest.report().hidden == 0.0
    assert lrp_core.explain(honest, jet()).warnings == ()


def test_a_network_that_goes_around_torch_all_the_way_is_refused() -> None:
    with pytest.raises(NetworkError, match="lost the way"):
        loaded(Simple(lambda x: torch.from_numpy(x.numpy().copy())))


def test_an_operation_without_a_rule_is_linearised_and_said() -> None:
    model = loaded(Simple(lambda x: torch.logaddexp(x, torch.zeros(()))))
    (operation,) = model.report().linearised
    assert operation.name == "logaddexp"
    found = lrp_core.explain(model, jet(), rule="zero", dtype="float64")
    assert found.warnings == (
        "logaddexp (logaddexp) has no rule of its own and is linearised at this jet",
    )
    assert found.conservation_error < 1e-12


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv1d(4, 4, 1, groups=2),
        nn.Conv1d(4, 4, 3, padding=1, groups=4),
        nn.ConvTranspose1d(4, 4, 1),
        nn.GroupNorm(2, 4),
        nn.InstanceNorm1d(4),
        nn.Bilinear(4, 4, 4),
        nn.LogSigmoid(),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_what_has_no_rule_conserves_and_is_said(layer: nn.Module) -> None:
    def change(x: Tensor) -> Tensor:
        if isinstance(layer, nn.Bilinear):
            return layer(x, x)
        return layer(x.t().unsqueeze(0)).squeeze(0).t()

    network = Simple(change)
    network.layer = layer
    model = loaded(network)
    for rule in ("zero", "gamma(0.25)"):
        found = lrp_core.explain(model, jet(), rule=rule, dtype="float64")
        assert found.conservation_error < 1e-12
    assert found.warnings


@pytest.mark.parametrize(
    "change",
    [
        lambda x: nn.functional.conv1d(x.t()[None], torch.ones(4, 4, 3), padding=1)[0].t(),
        lambda x: nn.functional.conv2d(x[None, None], torch.ones(1, 1, 3, 3), padding=1)[0, 0],
        lambda x: torch.cat([x[:1], x[1:].clamp(-0.5, 0.5)]),
        lambda x: torch.where(x > 0, x, 0.3),
        lambda x: nn.functional.pad(x, (0, 0, 1, 1), value=0.2),
        lambda x: x.masked_fill(x < -1, -0.5).sigmoid() - x.exp().cumsum(0),
        lambda x: torch.stack([x, torch.ones_like(x)]).amax(0),
        lambda x: torch.baddbmm(x[None], x[None], torch.eye(4)[None])[0],
        lambda x: x.index_put((torch.tensor([0, 0]),), torch.ones(4), accumulate=True),
        lambda x: torch.einsum("ic,jc->ij", x, x).softmax(-1) @ x,
        lambda x: 1.0 - x / x.norm(dim=-1, keepdim=True),
        lambda x: nn.functional.softplus(x) + torch.tanh(x) * nn.functional.gelu(x),
        lambda x: x.sort(dim=0)[0] + x.topk(2, dim=0)[0].sum(0) + x.min(dim=0)[0],
        lambda x: torch.maximum(x, x.flip(0)) + x.roll(1, 0) + x.repeat(1, 1).tril(),
        lambda x: nn.functional.avg_pool1d(x.t()[None], 2, 1)[0].t(),
        lambda x: nn.functional.layer_norm(x, (4,)) + nn.functional.rms_norm(x, (4,)),
    ],
)
def test_operations_conserve_in_any_mixture(change: Any) -> None:
    model = loaded(Simple(change))
    for rule in ("zero", "epsilon(0.01)", "gamma(0.25)"):
        for attention in ("constant", "attnlrp"):
            found = lrp_core.explain(model, jet(), rule=rule, dtype="float64", attention=attention)
            assert found.conservation_error < 1e-12


def test_lrp_0_through_moves_is_gradient_times_input() -> None:
    def change(x: Tensor) -> Tensor:
        left, right = x.relu().chunk(2, dim=1)
        out = torch.zeros(len(x), 4)
        out[:, ::2] = left
        out.narrow(1, 1, 1).add_(right[:, :1])
        out[1:] -= 0.5 * out[:-1].clone()
        return torch.cat([out.unfold(0, 2, 1).sum(-1), out.amax(0, keepdim=True)])

    model = loaded(Simple(change))
    found = lrp_core.explain(model, jet(), rule="zero", target="hbb", dtype="float64")
    x = torch.tensor(jet().tracks, requires_grad=True)
    torch.set_default_dtype(torch.float64)
    try:
        made = model.network.double()(x)
    finally:
        torch.set_default_dtype(torch.float32)
        model.network.float()
    (slope,) = torch.autograd.grad(made[0, 1], x)
    assert np.abs(found.track_relevance - (x * slope).detach().numpy()).max() < 1e-12


def test_a_softmax_at_the_end_is_left_out() -> None:
    class Ends(Simple):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x).softmax(-1)

    network = at_random(Ends())
    model = loaded(network)
    assert model.report().before_softmax
    found = lrp_core.explain(model, jet(), target="hbb", dtype="float64")
    with torch.no_grad():
        probabilities = network(torch.tensor(jet().tracks, dtype=torch.float32))[0]
    assert np.allclose(found.probabilities, probabilities.numpy(), atol=1e-6)
    assert found.value == pytest.approx(found.logits[1])


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_recurrent_layers_are_taken_apart(kind: Any) -> None:
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cells, self.fc = kind(5, 4, num_layers=2, bidirectional=True), nn.Linear(8, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.fc(self.cells(x.unsqueeze(1))[0].mean(0))

    model = loaded(Recurrent())
    assert model.report().linearised == ()
    found = lrp_core.explain(model, jet(), dtype="float64")
    assert found.conservation_error < 1e-12
    assert np.allclose(found.logits, lrp_core.predict(model, [jet()])[0], atol=1e-5)


# ----------------------------------------------------------------------------------- refusals


def test_networks_that_no_tape_can_follow_are_refused() -> None:
    with pytest.warns(DeprecationWarning, match="deprecated"):
        scripted = torch.jit.trace(at_random(Simple()), torch.zeros(5, 5), check_trace=False)
    with pytest.raises(NetworkError, match=r"TorchScript.*give the Python module"):
        lrp_core.load_model(scripted, example=jet())
    inside = nn.Sequential(scripted, nn.ReLU())
    with pytest.raises(NetworkError, match=r"Sequential\.0 is TorchScript"):
        lrp_core.load_model(inside, example=jet())


def test_dgl_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("dgl.nn")
    monkeypatch.setitem(sys.modules, "dgl.nn", module)
    kind = type("GraphConv", (nn.Module,), {"__module__": "dgl.nn"})
    network = Simple()
    network.conv = kind()
    with pytest.raises(NetworkError, match=r"Simple\.conv is a module of DGL"):
        loaded(network)


def test_training_is_refused() -> None:
    norm = nn.Sequential(nn.Linear(5, 3), nn.BatchNorm1d(3), nn.Linear(3, 2))
    with pytest.raises(NetworkError, match=r"\.1 \(BatchNorm1d\) is in training mode.*eval\(\)"):
        lrp_core.load_model(norm.train(), example=jet())
    drop = nn.Sequential(nn.Linear(5, 2), nn.Dropout(0.5))
    with pytest.raises(NetworkError, match=r"\.1 \(Dropout\) is in training mode"):
        lrp_core.load_model(drop.train(), example=jet())
    bare = nn.Sequential(nn.Linear(5, 2), nn.BatchNorm1d(2, track_running_stats=False))
    with pytest.raises(NetworkError, match="no running statistics"):
        lrp_core.load_model(bare.eval(), example=jet())
    by_hand = Simple(lambda x: nn.functional.batch_norm(x, None, None, training=True))
    with pytest.raises(NetworkError, match="statistics of the batch"):
        loaded(by_hand)
    with pytest.raises(NetworkError, match="draws random numbers"):
        loaded(Simple(lambda x: nn.functional.dropout(x, 0.5, training=True)))


def test_arguments_that_are_missing_are_named() -> None:
    network = model_of("ParticleNet").network
    with pytest.raises(NetworkError, match="points, features, mask, of which it is not known"):
        lrp_core.load_model(network, example=jet())
    inputs = Inputs(features=Columns("tracks", COLUMNS, layout="jet column track"))
    with pytest.raises(NetworkError, match="needs points, mask, which inputs does not give"):
        lrp_core.load_model(network, example=jet(), inputs=inputs)
    with pytest.raises(NetworkError, match="has no argument tracks; it has x"):
        loaded(Simple(), inputs=Inputs(tracks=Columns("tracks", COLUMNS)))
    with pytest.raises(NetworkError, match="give example="):
        lrp_core.load_model(Simple().eval())
    with pytest.raises(NetworkError, match="nothing to explain"):
        Inputs(batch=JetIndex())
    with pytest.raises(NetworkError, match="must be Columns, Edges"):
        Inputs(x=("pt", "eta"))  # type: ignore[arg-type]
    with pytest.raises(NetworkError, match="expected one of track column"):
        Columns("tracks", COLUMNS, layout="column")


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(NetworkError, match=r"does not run on x \[5, 3\]"):
        loaded(Simple(), columns=COLUMNS[:3])
    with pytest.raises(DefinitionsError, match=r"gives \(1, 2\) for 1 jet\(s\), but 3 classes"):
        loaded(Simple(), classes=("a", "b", "c"))
    with pytest.raises(DefinitionsError, match="class names must differ"):
        loaded(Simple(), classes=("a", "a"))
    with pytest.raises(JetError, match="the network needs dz"):
        lrp_core.explain(loaded(Simple()), jet(4, 0, COLUMNS[:4]))
    with pytest.raises(SettingsError, match="attention is one of constant, attnlrp"):
        lrp_core.explain(loaded(Simple()), jet(), attention="gradient")
    with pytest.raises(SettingsError, match="describe a module"):
        lrp_core.load_model("IN.pth", classes=("a", "b"))
    with pytest.raises(SettingsError, match="a module gets columns="):
        lrp_core.load_model(Simple().eval(), "definitions.yml", example=jet())


def test_groups_of_rows_must_all_be_there() -> None:
    model = model_of("TwoKinds")
    with pytest.raises(JetError, match="the network reads pf, sv; give a jet for each"):
        lrp_core.explain(model, jet())
    with pytest.raises(JetError, match="sv is missing among pf"):
        lrp_core.explain(model, {"pf": jet()})
    found = lrp_core.explain(model, given_to("TwoKinds"), dtype="float64")
    assert {group: rows.shape for group, rows in found.relevance.items()} == {
        "pf": (5, 5),
        "sv": (3, 3),
    }
    assert found.edges["network:sv→pf"].edge_index.shape == (2, 15)


def test_a_constant_is_handed_over_as_it_is() -> None:
    class Scaled(Simple):
        def forward(self, x: Tensor, by: float, also: str = "mean") -> Tensor:
            assert also == "sum"
            return super().forward(x * by)

    inputs = Inputs(x=Columns("tracks", COLUMNS), by=Constant(2.0), also=Constant("sum"))
    found = lrp_core.explain(loaded(Scaled(), inputs=inputs), jet(), dtype="float64")
    assert found.conservation_error < 1e-12


# ---------------------------------------------------------------------------- the explanation


@pytest.mark.parametrize("ending", ["npz", "json"])
@pytest.mark.parametrize("name", ["TwoKinds", "ParticleNet"])
def test_an_explanation_is_written_and_read_back(name: str, ending: str, tmp_path: Any) -> None:
    found = lrp_core.explain(model_of(name), given_to(name), edges="rows")
    again = lrp_core.load_explanation(found.save(tmp_path / f"one.{ending}"))
    assert again.conservation_error == found.conservation_error
    assert again.warnings == found.warnings
    assert again.attention == "constant"
    assert again.relevance.keys() == found.relevance.keys()
    for path, edges in found.edges.items():
        other = again.edges[path]
        assert np.array_equal(other.edge_index, edges.edge_index)
        assert np.array_equal(other.sums, edges.sums)
        assert np.array_equal(other.rows, edges.rows)
        assert (other.kind, other.groups) == (edges.kind, edges.groups)


@pytest.mark.parametrize("name", ["ParticleTransformer", "ParticleFlow", "Sage"])
def test_figures_are_drawn_of_it(name: str) -> None:
    columns = ("track_pt", "track_etarel", "track_phirel", "sip", "dz")
    tracks = Jet.from_arrays(jet().tracks, columns)
    inputs = ZOO[name].inputs
    renamed = dict(zip(COLUMNS, columns, strict=True))
    if inputs is not None:
        inputs = Inputs(
            **{
                key: Columns(
                    spec.group,
                    tuple(renamed[one] for one in spec.columns),
                    spec.layout,
                    spec.relevance,
                    spec.pad_to,
                )
                if isinstance(spec, Columns)
                else spec
                for key, spec in inputs.arguments.items()
            }
        )
    model = lrp_core.load_model(model_of(name).network, example=tracks, inputs=inputs)
    found = lrp_core.explain(model, tracks)
    assert found.plot3d().data
    assert found.plot_heatmap().data
    assert found.plot_river().data
    assert len(found.to_pandas().edges) == found.edge_index.shape[1]


def test_the_report_is_a_text_and_data() -> None:
    report = model_of("ParticleTransformer").report()
    text = str(report)
    assert "messages between tracks: blocks.0.attn (bmm), blocks.1.attn (bmm)" in text
    assert "ways the tape does not see: none found" in text
    plain = report.to_dict()
    assert {one["name"] for one in plain["operations"]} > {"softmax", "native_layer_norm", "gelu"}
    assert all(one["rule"] and one["source"] for one in plain["operations"])
    assert plain["warnings"] == []
