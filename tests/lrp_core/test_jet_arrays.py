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
from lrp_core.errors import JetError, JetFileError, TrainingError
from lrp_core.features import FEATURES
from lrp_core.jet_arrays import JetArrays, read_jet_arrays
from lrp_core.labels import KINDS
from lrp_core.reading import open_jets
from lrp_core.root_file import TREE


def write(
    path: Path, n: int = 80, *, events: bool = True, seed: int = 0, sample: np.ndarray | None = None
) -> Path:
    """Toy jets with all features; the first feature tells signal. Jet 3 has a NaN.

    sample  values of the branch sample_isQCD, if there is one
    """
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
    if sample is not None:
        scalars["sample_isQCD"] = sample.astype(np.int32)
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


def as_parquet(path: Path, renamed: dict[str, str] | None = None) -> Path:
    """The same jets in Parquet, some branches under other names."""
    with uproot.open(path) as file:
        arrays = file[TREE].arrays()
    new = path.with_suffix(".parquet")
    names = renamed or {}
    ak.to_parquet(ak.Array({names.get(name, name): arrays[name] for name in arrays.fields}), new)
    return new


def arrays_of(*paths: Path, columns: tuple[str, ...] = tuple(FEATURES), **way) -> JetArrays:
    with open_jets(list(paths), **way) as jets:
        return read_jet_arrays(jets, columns)


def test_what_is_read(tmp_path: Path) -> None:
    jets = arrays_of(write(tmp_path / "a.root"))
    assert len(jets) == 79  # without the one that is not finite
    assert jets.left_out == {"values that are not finite": 1}
    assert jets.left_out_line() == "left out: 1 values that are not finite"
    assert jets.tracks.shape == (jets.counts.sum(), 45)
    assert (jets.signal == (jets.kind == 5)).all()
    assert set(jets.event) == set(range(40))


def test_the_same_from_parquet_under_other_names(tmp_path: Path) -> None:
    path = write(tmp_path / "a.root")
    there = arrays_of(path)
    names = {"track_pt": "pt", "label_H_bb": "is_higgs", "event": "evt", "fj_pt": "jet_pt"}
    with open_jets(as_parquet(path, names), columns=names) as opened:
        here = read_jet_arrays(opened, tuple(FEATURES))
    for name in ("tracks", "counts", "signal", "kind", "event", "pt", "sdmass"):
        np.testing.assert_array_equal(getattr(here, name), getattr(there, name))


def test_events_of_several_files_differ(tmp_path: Path) -> None:
    paths = [write(tmp_path / "a.root"), write(tmp_path / "b.root", seed=1)]
    jets = arrays_of(*paths, columns=("track_pt", "track_pt"))
    assert len(np.unique(jets.event)) == 80
    assert (jets.tracks[:, 0] == jets.tracks[:, 1]).all()


def test_without_event_numbers_each_jet_is_an_event(tmp_path: Path) -> None:
    jets = arrays_of(write(tmp_path / "a.root", events=False), columns=("track_pt",))
    assert len(np.unique(jets.event)) == len(jets)


def test_the_missing_branch_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.root")
    with pytest.raises(JetFileError, match=r"a\.root: has no track branch track_colour") as told:
        arrays_of(path, columns=("track_pt", "track_colour"))
    assert told.value.command.endswith("--column track_pt=trk_pt")
    assert str(told.value).endswith("columns={'track_pt': 'trk_pt'}")


def test_a_jet_without_a_label_is_of_neither_class(tmp_path: Path) -> None:
    """In a sample of signal, label_QCD_* says that a jet was not matched, and no more."""
    path = write(tmp_path / "a.root", 81, sample=np.arange(81) % 4 == 1)
    jets = arrays_of(path)
    assert int(jets.signal.sum()) == 41
    assert int((~jets.signal).sum()) == 20
    assert jets.left_out == {"values that are not finite": 1, "without a label": 19}
    assert (jets.kind[~jets.signal] < 5).all()
    with open_jets(path) as opened:
        assert opened.summary()["label"].value_counts().to_dict() == {"hbb": 41, "qcd": 20}
    np.testing.assert_array_equal(arrays_of(as_parquet(path)).signal, jets.signal)


def test_files_without_any_label_are_refused(tmp_path: Path, write_jets) -> None:
    write_jets(tmp_path / "a.root", labels=False)
    words = r"a.root: there is no jet to train or measure with \(6 without a label\); .*label_H_bb"
    with pytest.raises(JetFileError, match=words):
        arrays_of(tmp_path / "a.root", columns=("track_pt",))


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_padded_jets_are_refused_and_not_left_out(tmp_path: Path, value: float) -> None:
    """Else only the longest jets would be measured."""
    with uproot.open(write(tmp_path / "a.root")) as file:
        arrays = file[TREE].arrays()
    path = tmp_path / "padded.parquet"
    padded = {
        name: ak.fill_none(ak.pad_none(arrays[name], 6), value)
        if name.startswith("track")
        else arrays[name]
        for name in arrays.fields
    }
    ak.to_parquet(ak.Array(padded), path)
    with pytest.raises(JetError, match="in every column"):
        arrays_of(path)
    there, here = arrays_of(tmp_path / "a.root"), arrays_of(path, padding=value)
    np.testing.assert_array_equal(here.counts, there.counts)
    np.testing.assert_array_equal(here.tracks, there.tracks)


def test_real_jets(cms_data: Path) -> None:
    jets = arrays_of(cms_data / "hbb_jets.root")
    assert (len(jets), int(jets.signal.sum())) == (917, 122)
    assert (jets.kind >= 0).all()
    assert jets.left_out == {}


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
    # The same of the same jets, in Parquet under another name.
    columns = {"track_pt": "trk_pt"}
    other = as_parquet(second, columns)
    again = evaluate_command.run(str(network), [str(other)], columns=columns, console=console)
    assert again == evaluation
    out.truncate(0)
    same = compare_command.run(str(first), str(other), columns=columns, console=console)
    assert same.distances == comparison.distances
    assert "a.root: read without --tree and --column, which do not fit it" in out.getvalue()
    with pytest.raises(JetFileError, match="column map names nothing"):
        evaluate_command.run(
            str(network), [str(first)], columns={"track_pt": "nothing"}, console=console
        )
    with pytest.raises(TrainingError, match="no folder"):
        train_command.run([str(first)], str(tmp_path / "no" / "net.pth"))
