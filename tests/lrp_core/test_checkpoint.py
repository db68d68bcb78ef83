"""Checkpoints as people have them, and definitions that do or do not describe them."""

from __future__ import annotations

import argparse
import datetime as dt
import decimal
import enum
import functools
import hashlib
import io
import logging
import pickle
import re
import types
import uuid
import zipfile
from collections import OrderedDict, defaultdict, deque
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from lrp_core.checkpoint import load_model, read_definitions
from lrp_core.errors import CheckpointError, DefinitionsError, JetlrpError, SettingsError
from lrp_core.explainer import explain, predict
from lrp_core.interaction_network import InteractionNetwork
from tests.lrp_core import examples as toys

Weights = dict[str, Tensor]


@pytest.fixture
def weights() -> Weights:
    return dict(toys.toy_network().state_dict())


@pytest.fixture
def definitions(tmp_path: Path) -> Path:
    path = tmp_path / "columns.yml"
    path.write_text("features:\n" + "".join(f"- {name}\n" for name in toys.COLUMNS))
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "weights.pth"


def assert_loads(path: Path, definitions: Path, *, like: InteractionNetwork | None = None) -> None:
    model = load_model(path, definitions)
    expected = (like or toys.toy_network()).state_dict()
    found = model.network.state_dict()
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=0)
    assert model.checkpoint_hash == hashlib.sha256(path.read_bytes()).hexdigest()
    assert model.name == path.name
    assert not model.network.training


def test_the_published_checkpoint(cms_data: Path) -> None:
    model = load_model(str(cms_data / "IN.pth"), str(cms_data / "definitions.yml"))
    assert model.classes == ("qcd", "hbb")
    assert len(model.columns) == 48
    assert len(model.features) == 45
    assert model.columns[:2] == ("track_pt", "track_ptrel")
    assert model.name == "IN.pth"
    assert model.targets == ("margin", "qcd", "hbb", "margin:qcd")
    # The definitions beside the checkpoint are found by themselves.
    assert load_model(cms_data / "IN.pth").columns == model.columns


def wrapped(weights: Weights) -> dict[str, Any]:
    """What people save: state dicts alone, prefixed, inside training dicts, with more beside."""
    prefixed = {f"module.{name}": value for name, value in weights.items()}
    lightning = {f"model.net.{name}": value for name, value in weights.items()}
    optimizer = {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 1e-3}]}
    no_counters = {k: v for k, v in weights.items() if "num_batches" not in k}
    return {
        "state dict": OrderedDict(weights),
        "module.": prefixed,
        "compiled": {f"_orig_mod.module.{name}": value for name, value in weights.items()},
        "training dict": {"epoch": 7, "state_dict": weights, "optimizer": optimizer, "best": 0.9},
        "numpy's": {"model": weights, "auc": np.float64(0.9), "losses": np.ones(3, np.float32)},
        "deeper": {"config": {"lr": 1.0}, "best": {"model": {"weights": prefixed}}},
        "lightning": {"state_dict": {**lightning, "loss.weight": torch.ones(2)}, "epoch": 3},
        "without counters": no_counters,
        "parameters": {
            name: torch.nn.Parameter(value) if value.is_floating_point() else value
            for name, value in weights.items()
        },
        "float64": {k: v.double() if v.is_floating_point() else v for k, v in weights.items()},
    }


@pytest.mark.parametrize("kind", wrapped({}))
@pytest.mark.parametrize("zipped", [True, False])
def test_checkpoints_as_people_have_them(
    kind: str, zipped: bool, weights: Weights, path: Path, definitions: Path
) -> None:
    torch.save(wrapped(weights)[kind], path, _use_new_zipfile_serialization=zipped)
    assert_loads(path, definitions)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_checkpoint_saved_on_cuda(
    zipped: bool, weights: Weights, path: Path, definitions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its storages say cuda:0; without a GPU, torch refuses them unless told otherwise."""
    with monkeypatch.context() as patched:
        patched.setattr(torch.serialization, "location_tag", lambda storage: "cuda:0")
        torch.save(weights, path, _use_new_zipfile_serialization=zipped)
    assert b"cuda:0" in path.read_bytes()
    if not torch.cuda.is_available():
        with pytest.raises(RuntimeError, match="CUDA"):
            torch.load(path, weights_only=True)
    assert_loads(path, definitions)


def test_other_widths_and_class_numbers(tmp_path: Path, path: Path) -> None:
    for n_columns, n_classes, hidden in ((3, 4, 6), (1, 2, 5), (48, 1, 16)):
        network = toys.toy_network(n_columns, n_classes, hidden)
        torch.save(network.state_dict(), path)
        names = [f"column_{number}" for number in range(n_columns)]
        classes = [f"class_{number}" for number in range(n_classes)]
        described = tmp_path / "definitions.yml"
        described.write_text(f"features: {names}\nclasses: {classes}\n")
        assert_loads(path, described, like=network)
        model = load_model(path)
        assert model.classes == tuple(classes)
        jet = toys.toy_jet(3, columns=tuple(names))
        np.testing.assert_allclose(
            explain(model, jet, target=classes[-1]).logits, predict(model, [jet])[0], rtol=1e-4
        )


# What is no checkpoint.


class Canary:
    """Leaves a file behind when somebody unpickles it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickled_module_is_refused_with_the_line_that_converts_it(
    zipped: bool, path: Path, tmp_path: Path, definitions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, canary = toys.toy_network(), tmp_path / "canary"
    network.canary = Canary(canary)  # type: ignore[assignment]
    torch.save(network, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match="InteractionNetwork") as raised:
        load_model(path, definitions)
    assert not canary.exists()
    # The line in the message does convert it.
    message = str(raised.value)
    start = message.index("torch.save(")
    line = message[start : message.index("'weights.pth')") + len("'weights.pth')")]
    assert "\n" not in line
    monkeypatch.chdir(tmp_path)
    exec(line, {"torch": torch})
    assert canary.exists()
    assert_loads(tmp_path / "weights.pth", definitions)


def test_foreign_objects_are_never_unpickled(
    weights: Weights, path: Path, tmp_path: Path, definitions: Path
) -> None:
    canary = tmp_path / "canary"
    for content in (Canary(canary), {"state_dict": weights, "callback": Canary(canary)}):
        torch.save(content, path)
        with pytest.raises(CheckpointError, match="foreign code"):
            load_model(path, definitions)
        path.write_bytes(pickle.dumps(content))
        with pytest.raises(CheckpointError):
            load_model(path, definitions)
    assert not canary.exists()


class Meter:
    """What trainings keep of their losses."""

    def __init__(self) -> None:
        self.sum = torch.ones(1)
        self.log = logging.getLogger("meter")


class Phase(enum.Enum):
    FIT = "fit"


class Options(dict):  # type: ignore[type-arg]
    pass


def beside() -> dict[str, Any]:
    """Data that training dicts hold beside the weights, none of it harmful."""
    adam = torch.optim.Adam([torch.nn.Parameter(torch.ones(2))])
    return {
        "Namespace": argparse.Namespace(lr=1, out=Path("/data")),
        "SimpleNamespace": types.SimpleNamespace(lr=1),
        "Path": {"hyper_parameters": {"data": PurePosixPath("/data"), Path("a"): 1}},
        "date": dt.datetime(2026, 1, 2, tzinfo=dt.UTC),
        "timedelta": dt.timedelta(1),
        "Decimal": decimal.Decimal("1.5"),
        "UUID": uuid.UUID(int=3),
        "defaultdict": defaultdict(list, loss=[1.0]),
        "nested defaultdict": defaultdict(dict, a={"b": defaultdict(int, c=1)}),
        "deque": deque([1.0, 2.0], 5),
        "frozenset": frozenset([1, 2]),
        "builtins": [range(3), slice(1, 2), ..., b"bytes", 1j, 10**30],
        "partial": functools.partial(torch.optim.Adam, lr=1.0),
        "class": [torch.optim.Adam, torch.nn.functional.relu, int],
        "numpy scalar": [np.float32(1), np.bool_(True), np.datetime64("2026-01-02")],
        "numpy text": np.str_("adam"),
        "numpy texts": np.array(["pt", "eta"]),
        "numpy objects": np.array([1, None], dtype=object),
        "numpy records": np.zeros(2, dtype=[("a", "f4")]),
        "numpy generator": np.random.default_rng(0),
        "pandas": pd.DataFrame({"epoch": [1, 2], "loss": [0.5, 0.4]}),
        "meter": Meter(),
        "enum": {"phase": Phase.FIT},
        "dict of a kind": Options(lr=1, more=Options(a=[1])),
        "exception": ValueError("x"),
        "optimizer": adam,
        "scheduler": torch.optim.lr_scheduler.StepLR(adam, 1),
        "regular expression": re.compile("a+"),
    }


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("kind", beside())
def test_harmless_data_beside_the_weights(
    kind: str, zipped: bool, weights: Weights, path: Path, definitions: Path
) -> None:
    content = {"state_dict": weights, "more": beside()[kind]}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    assert_loads(path, definitions)


def test_weights_in_a_dict_of_a_kind(weights: Weights, path: Path, definitions: Path) -> None:
    for content in (Options(weights), {"model": Options(weights)}, defaultdict(dict, net=weights)):
        torch.save(content, path)
        assert_loads(path, definitions)


@pytest.mark.parametrize("way", ["['model']", "['runs']['best']"])
def test_a_training_dict_with_a_call_in_it_is_refused_with_the_line_that_converts_it(
    way: str,
    weights: Weights,
    path: Path,
    tmp_path: Path,
    definitions: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    canary = tmp_path / "canary"
    content: Any = weights
    for part in reversed(way.strip("[]'").split("']['")):
        content = {part: content, "callback": Canary(canary)}
    torch.save(content, path)
    with pytest.raises(CheckpointError, match=r"builtins\.getattr") as raised:
        load_model(path, definitions)
    assert not canary.exists()
    message = str(raised.value)
    line = message[message.index("torch.save(") :]
    assert f"weights_only=False){way}, 'weights.pth')" in line
    monkeypatch.chdir(tmp_path)
    exec(line, {"torch": torch})
    assert_loads(tmp_path / "weights.pth", definitions)


def test_a_pickled_module_beside_a_state_dict_is_no_silent_choice(
    weights: Weights, path: Path, definitions: Path
) -> None:
    torch.save({"state_dict": weights, "ema": toys.toy_network(seed=1)}, path)
    with pytest.raises(CheckpointError, match=r"several.*state_dict.*ema \(a pickled module"):
        load_model(path, definitions)
    model = load_model(path, definitions, weights="state_dict")
    assert model.weights == "state_dict"
    with pytest.raises(CheckpointError, match="InteractionNetwork"):
        load_model(path, definitions, weights="ema")
    torch.save({"state_dict": weights, "loss": torch.nn.BCEWithLogitsLoss()}, path)
    assert_loads(path, definitions)


@pytest.mark.parametrize("ending", [".safetensors", ".pth", ".ckpt", ""])
def test_safetensors_are_told_by_their_content(
    ending: str, weights: Weights, tmp_path: Path, definitions: Path
) -> None:
    path = tmp_path / f"net{ending}"
    save_file(weights, path, metadata={"format": "pt"})
    assert_loads(path, definitions)
    save_file({f"model.{name}": value for name, value in weights.items()}, path)
    assert_loads(path, definitions)
    data = path.read_bytes()
    for damaged in (data[:-8], data[:3000], data + bytes(8)):
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError, match="damaged safetensors file"):
            load_model(path, definitions)


def test_what_is_given_instead_of_a_checkpoint_is_named(
    weights: Weights, tmp_path: Path, path: Path, definitions: Path
) -> None:
    arrays, newer = tmp_path / "arrays.npz", io.BytesIO()
    np.savez(arrays, a=np.ones(3))
    torch.save({"model": weights}, newer, pickle_protocol=4)
    script = io.BytesIO()
    with zipfile.ZipFile(script, "w") as archive:
        archive.writestr("net/constants.pkl", b"\x80\x02).")
        archive.writestr("net/data.pkl", b"\x80\x02).")
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    for content, words in (
        (pointer, "Git LFS pointer.*git lfs pull"),
        (b"\n<!DOCTYPE html><html><body>404", "web page"),
        (b"\x89HDF\r\n\x1a\n" + bytes(500), "HDF5"),
        (b"\x08\x08\x12\x07pytorch\x1a\x052.0.0" + bytes(90), "ONNX"),
        (b"root\x00\x00\xf7\xf4" + bytes(90), "ROOT file.*no network"),
        (b"PAR1" + bytes(90), "Parquet"),
        (b"\x1f\x8b\x08" + bytes(90), "gzip.*gunzip"),
        (arrays.read_bytes(), "NumPy archive"),
        (script.getvalue(), r"TorchScript.*torch\.jit\.load"),
        (newer.getvalue(), r"protocol 4.*weights_only=False\)\['model'\]"),
        (pickle.dumps({"a": 1}), "pickle that torch.save did not write"),
    ):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match=words) as raised:
            load_model(path, definitions)
        assert str(path) in str(raised.value)
    torch.save(weights, path)
    definitions.write_bytes(pointer)
    with pytest.raises(DefinitionsError, match=r"Git LFS pointer.*git lfs pull"):
        load_model(path, definitions)
    with pytest.raises(DefinitionsError, match="ZIP archive"):
        load_model(path, path)


@pytest.mark.parametrize(
    "content", [b"", b"P", b"PK\x03\x04", b"\x80\x02", b"hello", b"\x80\x02}q\x00.", b"\0" * 100]
)
def test_garbage(content: bytes, path: Path, definitions: Path) -> None:
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"weights\.pth: .*torch\.save"):
        load_model(path, definitions)


@pytest.mark.parametrize("zipped", [True, False])
def test_damaged_files_are_one_clear_error(
    zipped: bool, weights: Weights, path: Path, definitions: Path
) -> None:
    torch.save(weights, path, _use_new_zipfile_serialization=zipped)
    good = path.read_bytes()
    draw = np.random.default_rng(1)
    said: list[str] = []
    for number in range(100):
        damaged = bytearray(good)
        if number % 2:
            damaged = damaged[: draw.integers(len(good))]
        else:
            for place in draw.integers(min(len(good), 2000), size=5):
                damaged[place] = draw.integers(256)
        path.write_bytes(damaged)
        try:
            load_model(path, definitions)
        except JetlrpError as error:
            said.append(str(error))
    assert len(said) > 60
    for message in said:
        assert path.name in message
        assert "weights_only=False" not in message or "holds more than tensors" in message
    path.write_bytes(good[: len(good) // 2])
    with pytest.raises(CheckpointError, match="not a readable checkpoint"):
        load_model(path, definitions)


def test_a_file_that_is_not_there(tmp_path: Path, definitions: Path) -> None:
    for wrong in (tmp_path / "nothing.pth", tmp_path):
        for named in (definitions, None):
            with pytest.raises(CheckpointError, match="no such file"):
                load_model(wrong, named)


FIRST = "interactionnetwork.edge_model.edge_mlp.0.weight"
LAST = "interactionnetwork.global_model.global_mlp.3.weight"


def without(name: str) -> Any:
    return lambda weights: {k: v for k, v in weights.items() if k != name}


def with_one(name: str, value: Tensor) -> Any:
    return lambda weights: {**weights, name: value}


def with_entry(name: str, value: float) -> Any:
    def change(weights: Weights) -> Weights:
        changed = weights[name].clone()
        changed.view(-1)[0] = value
        return {**weights, name: changed}

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda weights: {}, "no interaction network"),
        (lambda weights: {"a": torch.ones(1)}, "no interaction network.*found a"),
        (lambda weights: [1, 2], "no interaction network.*list"),
        (lambda weights: weights[FIRST], "no interaction network.*Tensor"),
        (without(FIRST), "no interaction network"),
        (without(LAST), "global_mlp"),
        (without("bn.running_var"), r"missing bn\.running_var"),
        (with_one("extra.weight", torch.ones(1)), r"extra\.weight"),
        (with_one("bn.bias", torch.ones(4)), r"bn\.bias has shape \(4,\), expected \(5,\)"),
        (with_one(FIRST, torch.ones(8, 9)), r"edge_mlp\.0\.weight.*\(8, 9\)"),
        (with_one(FIRST, torch.ones(8)), r"edge_mlp\.0\.weight.*\(8,\)"),
        (with_one(LAST, torch.ones(2, 8, 1)), "global_mlp"),
        (with_one(FIRST, torch.ones(7, 10)), "shape"),
        (with_entry("bn.weight", float("nan")), r"bn\.weight.*not finite"),
        (with_entry(FIRST, float("inf")), r"edge_mlp\.0\.weight.*not finite"),
        (with_entry("bn.running_var", -1.0), r"bn\.running_var.*negative"),
    ],
)
def test_what_is_not_this_network(
    change: Any, words: str, weights: Weights, path: Path, definitions: Path
) -> None:
    torch.save(change(weights), path)
    with pytest.raises(CheckpointError, match=words) as raised:
        load_model(path, definitions)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize("device", ["abacus", "cuda:99"])
def test_a_device_that_is_not_there(
    device: str, weights: Weights, path: Path, definitions: Path
) -> None:
    torch.save(weights, path)
    with pytest.raises(SettingsError, match=f"device '{device}' cannot be used"):
        load_model(path, definitions, device=device)
    assert load_model(path, definitions, device="cpu").device == torch.device("cpu")


# Definitions.


def test_columns_must_be_as_many_as_the_checkpoint_has(
    weights: Weights, path: Path, tmp_path: Path
) -> None:
    torch.save(weights, path)
    described = tmp_path / "definitions.yml"
    for names in (["a"] * 4, ["a"] * 6, []):
        described.write_text(f"features: {names}\n")
        with pytest.raises(DefinitionsError, match=rf"{len(names)} columns.*weights\.pth has 5"):
            load_model(path)


def test_other_numbers_of_classes_need_names(tmp_path: Path, path: Path) -> None:
    torch.save(toys.toy_network(2, 3, 4).state_dict(), path)
    described = tmp_path / "definitions.yml"
    described.write_text("features: [a, b]\n")
    with pytest.raises(DefinitionsError, match=r"3 logits.*classes"):
        load_model(path)
    described.write_text("features: [a, b]\nclasses: [x, y]\n")
    with pytest.raises(DefinitionsError, match=r"2 classes.*3 logits"):
        load_model(path)
    described.write_text("features: [a, b]\nclasses: [x, y, x]\n")
    with pytest.raises(DefinitionsError, match="class names must differ"):
        load_model(path)
    described.write_text("features: [a, b]\nclasses: [x, y, hbb]\n")
    assert load_model(path).targets[0] == "margin"


def test_without_definitions(weights: Weights, path: Path) -> None:
    torch.save(weights, path)
    with pytest.raises(DefinitionsError, match=r"no definitions file.*definitions\.yml"):
        load_model(path)
    with pytest.raises(DefinitionsError, match=r"other\.yml: cannot be read"):
        load_model(path, path.parent / "other.yml")
    with pytest.raises(DefinitionsError, match="cannot be read"):
        load_model(path, path.parent)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "just words",
        "- a\n- b\n",
        "columns: [a]\n",
        "features: a\n",
        "features: [[a]]\n",
        "features: {a: 1}\n",
        "features: [1, 2]\n",
        "features: [a]\nclasses: hbb\n",
        "features: [a\n",
        "features: [a]\n: :\n  -",
        "\x00",
    ],
)
def test_definitions_that_are_none(text: str, tmp_path: Path) -> None:
    described = tmp_path / "wrong.yml"
    described.write_text(text)
    with pytest.raises(DefinitionsError, match=r"wrong\.yml: "):
        read_definitions(described)


def test_definitions_may_say_more(tmp_path: Path) -> None:
    described = tmp_path / "a.yml"
    described.write_text("features: [a, b, a]\nauthor: somebody\nspectators: [fj_pt]\n")
    found = read_definitions(described)
    assert found.features == ("a", "b", "a")
    assert found.classes is None
    described.write_bytes(b"features: [\xff\xfe]")
    with pytest.raises(DefinitionsError, match="not a YAML file"):
        read_definitions(described)
