"""Several networks in one checkpoint, and names of tensors as wrappers and trainings leave them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from lrp_core.checkpoint import load_model
from lrp_core.errors import CheckpointError, DefinitionsError
from lrp_core.model import Model
from lrp_core.weights import find_weights
from tests.lrp_core import examples as toys

Weights = dict[str, Tensor]


def network(seed: int = 0) -> Weights:
    return dict(toys.toy_network(seed=seed).state_dict())


def prefixed(prefix: str, weights: Weights) -> Weights:
    return {f"{prefix}{name}": tensor for name, tensor in weights.items()}


def wrapped(at: str, wrapper: str, weights: Weights) -> Weights:
    return {name.replace(at, f"{at}{wrapper}."): tensor for name, tensor in weights.items()}


def is_network(model: Model, seed: int) -> bool:
    found, expected = model.network.state_dict(), network(seed)
    return all(torch.equal(found[name], expected[name]) for name in expected)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "definitions.yml").write_text(f"features: {list(toys.COLUMNS)}\n")
    return tmp_path / "weights.pth"


def shadow() -> Weights:
    """An average of the parameters alone, as some write it."""
    return {name: value for name, value in network(1).items() if "running" not in name}


# What is saved, the names that choose each of the two networks, and what the refusal names.
SEVERAL: dict[str, tuple[Any, tuple[str, ...], tuple[str, ...]]] = {
    "ema beside": (
        {"state_dict": network(0), "ema_state_dict": network(1), "epoch": 3},
        ("state_dict", " state_dict. "),
        ("ema_state_dict", "ema", "EMA"),
    ),
    "averaged model": (
        {
            "model": network(0),
            "swa": {"n_averaged": torch.tensor(5), **prefixed("module.", network(1))},
        },
        ("model",),
        ("swa", "swa.module"),
    ),
    "ema within": (
        {"model": prefixed("module.", network(0)), "ema": {"model": {"weights": network(1)}}},
        ("model", "model.module"),
        ("ema", "ema.model.weights", "weights"),
    ),
    "best beside last": (
        {"last": {"model": network(0)}, "best": {"model": network(1)}},
        ("last", "last.model"),
        ("best", "best.model"),
    ),
    "teacher and student": (
        {**prefixed("student.", network(0)), **prefixed("teacher.module.", network(1))},
        ("student", "student."),
        ("teacher", "teacher.module"),
    ),
    "prefixes in a state dict": (
        {"state_dict": {**prefixed("net.", network(0)), **prefixed("ema_net.", network(1))}},
        ("state_dict.net", "net"),
        ("state_dict.ema_net", "ema_net", "ema"),
    ),
    "one without a prefix": (
        {**network(0), **prefixed("ema.", network(1)), "ema.decay": torch.tensor(0.9)},
        (".",),
        ("ema",),
    ),
    "module beside plain": (
        {**network(0), **prefixed("module.", network(1))},
        (".",),
        ("module",),
    ),
    "a list": ({"models": [network(0), network(1)]}, ("models.0",), ("models.1", "1")),
}  # fmt: skip


@pytest.mark.parametrize("kind", SEVERAL)
def test_of_several_networks_the_user_chooses(kind: str, path: Path) -> None:
    content, first, second = SEVERAL[kind]
    torch.save(content, path)
    with pytest.raises(CheckpointError, match="holds several networks") as raised:
        load_model(path)
    message = str(raised.value)
    assert "--weights" in message
    assert "41 tensors" in message
    for one in find_weights(path, content):
        assert one.label in message
        assert is_network(load_model(path, weights=one.label), int(one.label not in first))
    identities = set()
    for names, seed in ((first, 0), (second, 1)):
        for name in names:
            model = load_model(path, weights=name)
            assert is_network(model, seed), name
            identities.add((seed, model.checkpoint_hash, model.name, model.weights))
    # each network is one, however it was named, and no cache takes one for the other
    assert len(identities) == 2
    assert len({checkpoint_hash for _, checkpoint_hash, _, _ in identities}) == 2
    assert hashlib.sha256(path.read_bytes()).hexdigest() not in {one[1] for one in identities}
    with pytest.raises(CheckpointError, match="holds no network 'nonsense'; there is") as raised:
        load_model(path, weights="nonsense")
    assert "41 tensors" in str(raised.value)


def test_the_same_twice_needs_no_choice(path: Path) -> None:
    no_counters = {k: v for k, v in network(0).items() if "num_batches" not in k}
    for other in (network(0), no_counters, prefixed("module.", network(0))):
        torch.save({"state_dict": network(0), "best_state_dict": other}, path)
        model = load_model(path)
        assert is_network(model, 0)
        assert model.weights == ""
        assert model.checkpoint_hash == hashlib.sha256(path.read_bytes()).hexdigest()
        chosen = load_model(path, weights="best")
        assert chosen.checkpoint_hash == model.checkpoint_hash
    # one dict under two names
    same = network(0)
    torch.save({"model": same, "state_dict": same}, path)
    assert is_network(load_model(path), 0)
    assert is_network(load_model(path, weights="state_dict"), 0)
    torch.save({"a": network(0), "b": network(0), "c": network(1)}, path)
    with pytest.raises(
        CheckpointError, match=r"b \(41 tensors, the same as a\); c \(.*other values"
    ):
        load_model(path)


def test_a_name_that_fits_several_is_no_choice(path: Path) -> None:
    torch.save({"last": {"model": network(0)}, "best": {"model": network(1)}}, path)
    with pytest.raises(CheckpointError, match=r"'model' may be each of several.*last.*best"):
        load_model(path, weights="model")


def test_a_name_for_the_only_network_must_fit_it(path: Path) -> None:
    torch.save({"model": network(0)}, path)
    assert load_model(path, weights="model").weights == ""
    with pytest.raises(CheckpointError, match=r"holds no network 'ema'; there is model"):
        load_model(path, weights="ema")


def test_parameters_without_statistics_are_told_and_not_completed(path: Path) -> None:
    torch.save({"state_dict": network(0), "ema": {"decay": 0.9, "shadow": shadow()}}, path)
    with pytest.raises(CheckpointError, match=r"ema\.shadow \(only \d+ of 41 tensors"):
        load_model(path)
    assert is_network(load_model(path, weights="state_dict"), 0)
    with pytest.raises(CheckpointError, match=r"missing interactionnetwork.*running_mean"):
        load_model(path, weights="ema")


def test_averages_stored_without_dots_are_a_network_of_their_own(path: Path) -> None:
    dotless = {f"model_ema.{k.replace('.', '')}": v for k, v in network(1).items()}
    counters = {"model_ema.decay": torch.tensor(0.9), "model_ema.num_updates": torch.tensor(3)}
    torch.save({"state_dict": {**prefixed("model.", network(0)), **dotless, **counters}}, path)
    with pytest.raises(CheckpointError, match=r"state_dict\.model .*state_dict\.model_ema "):
        load_model(path)
    assert is_network(load_model(path, weights="model_ema"), 1)


def test_the_definitions_may_choose(path: Path) -> None:
    torch.save({"state_dict": network(0), "ema": network(1)}, path)
    described = path.with_suffix(".yml")
    described.write_text(f"features: {list(toys.COLUMNS)}\nweights: ema\n")
    assert is_network(load_model(path), 1)
    assert is_network(load_model(path, weights="state_dict"), 0)
    described.write_text(f"features: {list(toys.COLUMNS)}\nweights: [ema]\n")
    with pytest.raises(DefinitionsError, match=r"weights: .*name of a network"):
        load_model(path)


@pytest.mark.parametrize(
    "wrapper",
    ["module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "model", "net",
     "_fsdp_wrapped_module._checkpoint_wrapped_module"],
)  # fmt: skip
def test_wrappers_anywhere_in_the_names(wrapper: str, path: Path) -> None:
    for weights in (
        wrapped("interactionnetwork.", wrapper, network()),
        wrapped("edge_mlp.", wrapper, network()),
        wrapped("bn.", wrapper, network()),
        wrapped("global_model.", wrapper, wrapped("bn.", wrapper, network())),
        prefixed(f"{wrapper}.", wrapped("node_model.", wrapper, network())),
        prefixed("model.net.", wrapped("interactionnetwork.", wrapper, network())),
    ):
        torch.save({"state_dict": weights, "epoch": 1}, path)
        assert is_network(load_model(path), 0)


def test_a_wrapped_tensor_beside_the_same_one_plain(path: Path) -> None:
    name = "interactionnetwork.edge_model.edge_mlp.3.bias"
    inside = name.replace("edge_mlp", "edge_mlp.module")
    torch.save({**network(), inside: network(1)[name]}, path)
    with pytest.raises(CheckpointError, match=r"two tensors .*edge_mlp\.module\.3\.bias"):
        load_model(path)


@pytest.mark.parametrize("prefix", ["", "model.", "module."])
@pytest.mark.parametrize(
    "name",
    ["loss.weight", "criterion.weight", "loss_fn.pos_weight", "criterion.0.class_weights",
     "n_averaged", "num_updates", "ema.decay", "train_metrics.auroc.thresholds", "pos_weight",
     "optimizer.step"],
)  # fmt: skip
def test_what_trainings_leave_beside_a_network_does_not_spoil_it(
    name: str, prefix: str, path: Path
) -> None:
    for beside in (name, prefix + name):
        torch.save({**prefixed(prefix, network()), beside: torch.tensor([2.0])}, path)
        assert is_network(load_model(path), 0)


@pytest.mark.parametrize(
    "name",
    ["extra.weight", "temperature", "head.0.weight", "interactionnetwork.loss.weight",
     "interactionnetwork.edge_model.edge_mlp.4.weight", "bn.step", "ema.weight",
     "interactionnetwork.edge_model.edge_mlp.0.parametrizations.weight.original"],
)  # fmt: skip
def test_what_may_be_part_of_the_network_is_refused_by_name(name: str, path: Path) -> None:
    torch.save({**network(), name: torch.ones(3)}, path)
    with pytest.raises(CheckpointError, match=f"not known {name}"):
        load_model(path)


def test_there_may_be_only_so_many_networks(path: Path) -> None:
    one = network()
    first = "interactionnetwork.edge_model.edge_mlp.0.weight"
    torch.save({f"{number}.{first}": one[first] for number in range(101)}, path)
    with pytest.raises(CheckpointError, match="more than 100 networks"):
        load_model(path)
    deep: Any = network()
    for _ in range(200):
        deep = {"a": deep}
    torch.save(deep, path)
    with pytest.raises(CheckpointError, match="no interaction network"):
        load_model(path)


@pytest.mark.parametrize("kind", ["list", "tuple with statistics", "rootless"])
def test_an_average_without_the_network_s_names_is_not_ignored(kind: str, path: Path) -> None:
    average = {k: v for k, v in network(1).items() if not k.endswith("num_batches_tracked")}
    if kind == "list":
        kept: Any = {
            "decay": 0.99,
            "shadow_params": [v for k, v in average.items() if "run" not in k],
        }
    elif kind == "rootless":
        kept = {k.removeprefix("interactionnetwork."): v for k, v in average.items()}
    else:
        kept = tuple(average.values())
    torch.save({"state_dict": network(), "ema": kept}, path)
    with pytest.raises(CheckpointError, match=r"ema\S* \(tensors without the network's names"):
        load_model(path)
    with pytest.raises(CheckpointError, match="expected a state dict with names such as"):
        load_model(path, weights="ema.shadow_params" if kind == "list" else "ema")
    assert is_network(load_model(path, weights="state_dict"), 0)
