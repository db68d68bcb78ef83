"""All jets of files as arrays: what is read, what is left out, and the commands that use them."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot
from rich.console import Console

from lrp_core.commands import compare as compare_command
from lrp_core.commands import evaluate as evaluate_command
from lrp_core.commands import train as train_command
from lrp_core.errors import JetFileError, TrainingError
from lrp_core.features import FEATURES
from lrp_core.jet_arrays import KINDS, TREE, read_jet_arrays


def write(path: Path, n: int = 80, *, events: bool = True, seed: int = 0) -> Path:
    """Toy jets with all features; the first feature tells signal. Jet 3 has a NaN."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(2, 6, n)
    kind = np.where(np.arange(n) % 2 == 0, 5, rng.integers(0, 5, n))
    arrays: dict[str, dict[str, ak.Array]] = {"track": {}, "trackBTag": {}}
    for number, name in enumerate(FEATURES):
        values = rng.normal(size=counts.sum()).astype(np.float32)
        if number == 0:
            values += 2 * np.repeat(kind == 5, counts)
            values[counts[:3].sum()] = np.nan
        prefix, short = name.split("_", 1)
        arrays[prefix][short] = ak.unflatten(values, counts)
    scalars = {f"label_{name}": (kind == i).astype(np.int32) for i, name in enumerate(KINDS)}
    scalars |= {
        "fj_pt": rng.uniform(200, 2000, n).astype(np.float32),
        "fj_sdmass": rng.uniform(0, 200, n).astype(np.float32),
    }
    if events:
        scalars["event"] = np.arange(n) // 2
    chunk = {group: ak.zip(fields) for group, fields in arrays.items()} | scalars
    with uproot.recreate(path) as file:
        types = {
            k: v.dtype if isinstance(v, np.ndarray) else ak.type(v).content
            for k, v in chunk.items()
        }
        file.mktree(TREE, types)
        file[TREE].extend(chunk)
    return path


def test_what_is_read(tmp_path: Path) -> None:
    jets = read_jet_arrays([write(tmp_path / "a.root")], tuple(FEATURES))
    assert len(jets) == 79  # without the one that is not finite
    assert jets.tracks.shape == (jets.counts.sum(), 45)
    assert (jets.signal == (jets.kind == 5)).all()
    assert set(jets.event) == set(range(40))


def test_events_of_several_files_differ(tmp_path: Path) -> None:
    paths = [write(tmp_path / "a.root"), write(tmp_path / "b.root", seed=1)]
    jets = read_jet_arrays(paths, ("track_pt", "track_pt"))
    assert len(np.unique(jets.event)) == 80
    assert (jets.tracks[:, 0] == jets.tracks[:, 1]).all()


def test_without_event_numbers_each_jet_is_an_event(tmp_path: Path) -> None:
    jets = read_jet_arrays([write(tmp_path / "a.root", events=False)], ("track_pt",))
    assert len(np.unique(jets.event)) == len(jets)


def test_the_missing_branch_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.root")
    with pytest.raises(JetFileError, match=r"a\.root: has no branch track_colour"):
        read_jet_arrays([path], ("track_pt", "track_colour"))
    with pytest.raises(JetFileError, match="cannot be read"):
        read_jet_arrays([tmp_path / "none.root"], ("track_pt",))
    with pytest.raises(JetFileError, match="at least one"):
        read_jet_arrays([], ("track_pt",))


def test_real_jets(cms_data: Path) -> None:
    jets = read_jet_arrays([cms_data / "hbb_jets.root"], tuple(FEATURES))
    assert (len(jets), int(jets.signal.sum())) == (917, 122)
    assert (jets.kind >= 0).all()


def test_train_evaluate_and_compare_as_commands(tmp_path: Path) -> None:
    first, second = write(tmp_path / "a.root", 160), write(tmp_path / "b.root", 120, seed=1)
    out = StringIO()
    console = Console(file=out, width=200)
    network = tmp_path / "net.pth"
    status = train_command.run(
        [str(first)], str(network), epochs=2, batch_jets=16, threads=1, progress=False,
        console=console,
    )  # fmt: skip
    assert status == 0
    assert "epoch 2: loss" in out.getvalue()
    drawn = []
    evaluation = evaluate_command.run(
        str(network), [str(second)], plot="roc.html", draw=lambda *given: drawn.append(given),
        console=console,
    )  # fmt: skip
    assert evaluation.overall.auc > 0.7
    assert drawn[0][3] == "roc.html"
    comparison = compare_command.run(str(first), str(second), console=console)
    assert len(comparison.distances) == 2 * (45 + 3)
    with pytest.raises(TrainingError, match="no folder"):
        train_command.run([str(first)], str(tmp_path / "no" / "net.pth"))
