"""Reference logits in a definitions file, held against the network when it is loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from torch import nn

from lrp_core import write_reference
from lrp_core.checkpoint import load_model
from lrp_core.errors import DefinitionsError
from lrp_core.explainer import predict
from lrp_core.interaction_network import InteractionNetwork
from lrp_core.jets import complete_graph
from lrp_core.reading import open_jets
from tests.lrp_core import examples as toys

TRACKS = [
    np.random.default_rng(seed).normal(size=(n, 5)).astype("f4") for seed, n in ((1, 4), (2, 1))
]
COLUMNS = ("track_pt", "track_etarel", "trackBTag_Eta", "track_pt")  # those of write_jets


def logits_of(network: nn.Module) -> np.ndarray[Any, Any]:
    """What a network gives where it was trained."""
    with torch.no_grad():
        return np.concatenate(
            [
                network(torch.from_numpy(tracks), torch.from_numpy(complete_graph(len(tracks))))
                for tracks in TRACKS
            ]
        )


def described(folder: Path, more: dict[str, Any] | None = None, n_columns: int = 5) -> Path:
    names = list(toys.COLUMNS if n_columns == 5 else COLUMNS)
    path = folder / "definitions.yml"
    path.write_text(yaml.safe_dump({"features": names, **(more or {})}))
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    torch.save(toys.toy_network().state_dict(), tmp_path / "net.pth")
    return tmp_path / "net.pth"


def leaky(network: InteractionNetwork) -> None:
    for part in network.modules():
        if isinstance(part, nn.Sequential):
            part[2] = nn.LeakyReLU(0.2)


def other_eps(network: InteractionNetwork) -> None:
    for part in network.modules():
        if isinstance(part, nn.BatchNorm1d):
            part.eps = 1e-2


def test_the_networks_own_logits_are_taken(path: Path) -> None:
    definitions = described(path.parent)
    text = definitions.read_text()
    write_reference(definitions, TRACKS, logits_of(toys.toy_network()))
    assert definitions.read_text().startswith(text)
    assert len(yaml.safe_load(definitions.read_text())["reference"]["jets"]) == 2
    load_model(path)
    with pytest.raises(DefinitionsError, match="has reference logits already"):
        write_reference(definitions, TRACKS, logits_of(toys.toy_network()))


@pytest.mark.parametrize("change", [leaky, other_eps])
def test_another_network_of_the_same_names_is_noticed(
    change: Callable[[InteractionNetwork], None], path: Path
) -> None:
    trained = toys.toy_network()
    change(trained)
    torch.save(trained.state_dict(), path)
    definitions = described(path.parent)
    load_model(path)  # nothing tells
    write_reference(definitions, TRACKS, logits_of(trained))
    with pytest.raises(DefinitionsError, match="reference jet 1: found") as raised:
        load_model(path)
    message = str(raised.value)
    for words in (str(definitions), "net.pth", "expected", "activation", "aggregation", "eps"):
        assert words in message
    expected = logits_of(trained)[0]
    assert f"[{expected[0]:.6g}, {expected[1]:.6g}] (qcd, hbb)" in message
    # within the tolerance that is given
    found = definitions.read_text().replace("tolerance: 0.0001", "tolerance: 1.0")
    definitions.write_text(found.replace("tolerance: 1.0e-04", "tolerance: 1.0"))
    off = np.abs(logits_of(toys.toy_network()) - logits_of(trained)).max()
    if off < 1:
        load_model(path)


def test_classes_in_another_order_are_told(path: Path) -> None:
    definitions = described(path.parent)
    write_reference(definitions, TRACKS, logits_of(toys.toy_network())[:, ::-1])
    with pytest.raises(DefinitionsError, match=r"same in another order.*'classes:'"):
        load_model(path)


def test_jets_of_a_file(tmp_path: Path, write_jets: Callable[..., Any]) -> None:
    write_jets(tmp_path / "toy.root")
    torch.save(toys.toy_network(4).state_dict(), tmp_path / "net.pth")
    described(tmp_path, n_columns=4)
    logits = predict(load_model(tmp_path / "net.pth"), [open_jets(tmp_path / "toy.root")[3]])[0]

    def load(file: str, jet: Any, values: Any) -> None:
        one = {"file": file, "jet": jet, "logits": values}
        described(tmp_path, {"reference": {"jets": [one]}}, n_columns=4)
        load_model(tmp_path / "net.pth")

    load("toy.root", 3, logits.tolist())
    with pytest.raises(DefinitionsError, match=r"jet 1 \('toy\.root', jet 2\): found"):
        load("toy.root", 2, logits.tolist())
    with pytest.raises(DefinitionsError, match=r"jet 1 .*no jet 99"):
        load("toy.root", 99, logits.tolist())
    with pytest.raises(DefinitionsError, match=r"no file of jets 'gone\.root' beside"):
        load("gone.root", 3, logits.tolist())
    with pytest.raises(DefinitionsError, match=r"reference jet 1 .*net\.pth"):
        load("net.pth", 3, logits.tolist())
    outside = tmp_path.parent / "outside.root"
    (tmp_path / "toy.root").rename(outside)
    (tmp_path / "link.root").symlink_to(outside)
    for name in (str(outside), "../outside.root", "link.root", "root://host//toy.root"):
        with pytest.raises(DefinitionsError, match="lie beside the definitions file"):
            load(name, 3, logits.tolist())


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ([], "reference"),
        ({"jets": []}, r"reference\.jets"),
        ({"jets": [{"logits": [1, 2]}]}, "either 'tracks:'"),
        ({"jets": [{"logits": [1, 2], "file": "a.root"}]}, "either 'tracks:'"),
        ({"jets": [{"logits": [1, 2], "tracks": [[1]] , "file": "a", "jet": 1}]}, "either"),
        ({"jets": [{"logits": [1, 2], "tracks": [[1, 2, 3, 4, float("nan")]]}]}, "finite"),
        ({"jets": [{"logits": ["a", 2], "tracks": [[1]]}]}, r"logits\.0"),
        ({"jets": [{"logits": [1, 2], "tracks": []}]}, "at least 1"),
        ({"jets": [{"logits": [1, 2], "tracks": [[1]] * 201}]}, "at most 200"),
        ({"jets": [{"logits": [1, 2], "tracks": [[1]]}] * 21}, "at most 20"),
        ({"jets": [{"logits": [1, 2], "tracks": [[1]]}], "tolerance": 0}, "tolerance"),
        ({"jets": [{"logits": [1, 2], "tracks": [[1]]}], "tolerances": 1}, "tolerances"),
        ({"jets": [{"logits": [1, 2], "tracks": [[1, 2]]}]}, "have 2 values.*5 columns"),
        ({"jets": [{"logits": [1, 2], "tracks": [[1] * 5, [1]]}]}, "have 1 or 5 values"),
        ({"jets": [{"logits": [1, 2, 3], "tracks": [[1] * 5]}]}, "3 logits.*network has 2"),
    ],
)  # fmt: skip
def test_a_reference_that_is_none(reference: Any, words: str, path: Path) -> None:
    described(path.parent, {"reference": reference})
    with pytest.raises(DefinitionsError, match=words) as raised:
        load_model(path)
    assert "definitions.yml" in str(raised.value)


def test_a_reference_of_references_is_refused_before_it_is_spelled_out(path: Path) -> None:
    text = (
        "features: [a, b, c, d, e]\n"
        f"row: &r [{', '.join(['1'] * 900)}]\n"
        f"rows: &t [{', '.join(['*r'] * 20_000)}]\n"
        "reference: {jets: [" + ", ".join(["{tracks: *t, logits: [1, 2]}"] * 2_000) + "]}\n"
    )
    (path.parent / "definitions.yml").write_text(text)
    with pytest.raises(DefinitionsError, match="at most"):  # spelled out, it is 10¹² numbers
        load_model(path)


@pytest.mark.parametrize(
    ("tracks", "logits", "words"),
    [
        (TRACKS, [[1.0, 2.0]], r"\[2 jets, n_classes\]"),
        ([TRACKS[0][:, :3]], [[1.0, 2.0]], r"\[n_tracks, 5\], found shape \(4, 3\)"),
        ([np.zeros((300, 5))], [[1.0, 2.0]], "at most 200"),
        ([np.full((1, 5), np.nan)], [[1.0, 2.0]], "finite"),
    ],
)
def test_jets_that_cannot_be_written(tracks: Any, logits: Any, words: str, tmp_path: Path) -> None:
    definitions = described(tmp_path)
    before = definitions.read_bytes()
    with pytest.raises(DefinitionsError, match=words):
        write_reference(definitions, tracks, logits)
    assert definitions.read_bytes() == before
    with pytest.raises(DefinitionsError, match="cannot be read"):
        write_reference(tmp_path / "gone.yml", tracks, logits)
