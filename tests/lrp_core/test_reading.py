"""Reading jets: both kinds of branches, several files, column maps, and every way to be damaged."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pandas as pd
import pytest
import uproot

from lrp_core import reading, root_file
from lrp_core.errors import JetError, JetFileError, JetIndexError
from lrp_core.jets import Jet, complete_graph
from lrp_core.reading import open_jets
from lrp_core.root_file import RootFile
from lrp_core.root_source import FileAtPlaces, RemoteSource

FEATURES = ("track_pt", "track_etarel", "trackBTag_Eta")
COUNTS = (3, 5, 1, 8, 2, 4)
TREE = "deepntuplizer/tree"


def expected(columns: dict[str, Any], number: int) -> np.ndarray:
    return np.stack([np.asarray(columns[name][number]) for name in FEATURES], axis=1)


def damage(path: Path, branch: str, basket: int, tree: str = TREE) -> None:
    """Overwrite one basket of a branch, header and all."""
    with uproot.open(path) as file:
        there = file[tree][branch]
        seek, size = there.member("fBasketSeek")[basket], there.member("fBasketBytes")[basket]
    with path.open("r+b") as raw:
        raw.seek(int(seek))
        raw.write(b"\xff" * int(size))


# One file


def test_jets_are_what_was_written(tmp_path, write_jets):
    columns = write_jets(tmp_path / "a.root")
    with open_jets(tmp_path / "a.root") as jets:
        assert len(jets) == 6
        assert jets.features == FEATURES
        assert jets.name == "a.root"
        assert jets.paths == (str(tmp_path / "a.root"),)
        for number, jet in enumerate(jets):
            assert jet.columns == FEATURES
            assert jet.tracks.dtype == np.float32
            assert np.array_equal(jet.tracks, expected(columns, number))
            assert np.array_equal(jet.edge_index, complete_graph(COUNTS[number]))
            assert jet.index == number
            assert jet.jet_id == f"a.root:{number}"
            assert jet.label == ("qcd", "hbb", None)[number % 3]
            assert jet.pt == columns["fj_pt"][number]
            assert jet.sdmass == columns["fj_sdmass"][number]


def test_it_is_a_sequence(tmp_path, write_jets):
    columns = write_jets(tmp_path / "a.root")
    with open_jets(tmp_path / "a.root") as jets:
        assert jets[-1].index == 5
        assert jets[np.int64(2)].index == 2
        assert [jet.index for jet in jets[1:4]] == [1, 2, 3]
        assert [jet.index for jet in jets[::-2]] == [5, 3, 1]
        assert [jet.index for jet in jets[4:100]] == [4, 5]
        assert jets[3:3] == []
        assert [jet.index for jet in reversed(jets)] == [5, 4, 3, 2, 1, 0]
        assert np.array_equal(jets[5].tracks, expected(columns, 5))
        with pytest.raises(TypeError):
            jets["2"]


@pytest.mark.parametrize("number", [6, -7, 1000])
def test_beyond_the_end(tmp_path, write_jets, number):
    write_jets(tmp_path / "a.root")
    with open_jets(tmp_path / "a.root") as jets:
        with pytest.raises(JetIndexError, match=rf"no jet {number} in a.root; it has 6 .* 0 to 5"):
            jets[number]
        with pytest.raises(IndexError):
            jets[number]


def test_doubles_keep_their_precision(tmp_path, write_jets):
    columns = write_jets(tmp_path / "a.root", dtype="float64")
    with open_jets(tmp_path / "a.root") as jets:
        assert jets[3].tracks.dtype == np.float64
        assert np.array_equal(jets[3].tracks, expected(columns, 3))


def test_real_vectors_are_read():
    """A file whose branches are vector<float>, as ROOT writes them, with a plain number beside."""
    path = Path(__file__).parent / "vector_float.root"
    with uproot.open(path) as file:
        assert file[TREE]["track_pt"].typename == "std::vector<float>"
        pt = file[TREE]["track_pt"].array().tolist()
    with open_jets(path) as jets:
        assert jets.features == ("track_pt", "track_etarel", "trackBTag_Sip3dSig")
        assert [jet.tracks[:, 0].tolist() for jet in jets] == pt
        assert jets[4].tracks.dtype == np.float32
        summary = jets.summary()
        assert summary["n_tracks"].tolist() == [3, 5, 1, 8, 2, 4]
        assert summary["label"].tolist() == ["qcd", "hbb", "qcd", "qcd", "hbb", None]
        assert [jet.label for jet in jets] == summary["label"].tolist()
        assert jets.problems() == []


def test_an_ntuple_is_read(tmp_path, write_jets):
    columns = write_jets(tmp_path / "a.root", as_ntuple=True)
    with open_jets(tmp_path / "a.root") as jets:
        assert set(jets.features) == set(FEATURES)
        assert [jet.n_tracks for jet in jets] == list(COUNTS)
        assert np.array_equal(jets[3].select(FEATURES), expected(columns, 3))
        assert jets.summary()["n_tracks"].tolist() == list(COUNTS)


def test_a_file_without_jets(tmp_path, write_jets):
    write_jets(tmp_path / "none.root", counts=())
    with open_jets(tmp_path / "none.root") as jets:
        assert len(jets) == 0
        assert list(jets) == []
        assert len(jets.summary()) == 0
        with pytest.raises(JetIndexError, match="it has 0 jets"):
            jets[0]


# What is not there


def test_missing_labels_and_jet_branches_are_none(tmp_path, write_jets):
    write_jets(tmp_path / "a.root", labels=False, jet_branches=False)
    with open_jets(tmp_path / "a.root") as jets:
        jet = jets[0]
        assert (jet.label, jet.pt, jet.sdmass) == (None, None, None)
        summary = jets.summary()
        for name in ("label", "pt", "sdmass", "problem"):
            assert summary[name].tolist() == [None] * 6
        assert summary["n_tracks"].tolist() == list(COUNTS)


def test_label_follows_any_qcd_label(tmp_path, write_jets):
    no = np.zeros(6, np.int32)
    change = {
        "sample_isQCD": None,
        "label_H_bb": np.array([0, 0, 0, 0, 1, 1], np.int32),
        "label_QCD_others": no,
        "label_QCD_bb": np.array([0, 1, 0, 0, 0, 1], np.int32),
        "label_QCD_b": np.array([0.0, 0.0, 1.0, np.nan, 0.0, 0.0], np.float32),
    }
    write_jets(tmp_path / "a.root", change=change)
    with open_jets(tmp_path / "a.root") as jets:
        assert [jet.label for jet in jets] == [None, "qcd", "qcd", None, "hbb", "hbb"]
        assert jets.summary()["label"].tolist() == [jet.label for jet in jets]


def test_only_lists_of_numbers_become_columns(tmp_path, write_jets):
    change = {
        "track_count": np.arange(6, dtype=np.int32),  # a number per jet
        "tracks_energy": ak.Array([[1.0]] * 6),  # another prefix
        "track_charge": ak.unflatten(np.ones(sum(COUNTS), np.int8), COUNTS),
    }
    write_jets(tmp_path / "a.root", change=change)
    with open_jets(tmp_path / "a.root") as jets:
        assert set(jets.features) == {*FEATURES, "track_charge"}
        assert jets[0].tracks.dtype == np.float32
        assert jets[0].column("track_charge").tolist() == [1, 1, 1]


# Other names


def test_column_map(tmp_path, write_jets):
    original = write_jets(tmp_path / "a.root")
    renamed = {
        "track_pt": None,
        "trk_pt": original["track_pt"],
        "fj_pt": None,
        "jet_pt": original["fj_pt"],
        "label_H_bb": None,
        "is_signal": original["label_H_bb"],
    }
    write_jets(tmp_path / "b.root", change=renamed)
    columns = {"track_pt": "trk_pt", "fj_pt": "jet_pt", "label_H_bb": "is_signal"}
    with open_jets(tmp_path / "b.root", columns=columns) as jets:
        assert set(jets.features) == set(FEATURES)
        for number, jet in enumerate(jets):
            assert np.array_equal(jet.select(FEATURES), expected(original, number))
        assert jets[1].pt == original["fj_pt"][1]
        assert jets[1].label == "hbb"
        assert jets.problems() == []


def test_column_map_may_replace_a_feature_and_add_one_of_any_name(tmp_path, write_jets):
    better = ak.unflatten(np.arange(sum(COUNTS), dtype=np.float32), COUNTS)
    write_jets(tmp_path / "a.root", change={"track_pt_corrected": better, "momentum": better})
    columns = {"track_pt": "track_pt_corrected", "p": "momentum"}
    with open_jets(tmp_path / "a.root", columns=columns) as jets:
        assert set(jets.features) == {*FEATURES, "p"}
        assert jets[0].column("track_pt").tolist() == [0, 1, 2]
        assert jets[0].column("p").tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"track_pt": "trk_pt"}, "column map names trk_pt, which the tree does not have; it has"),
        ({"track_pt": "fj_pt"}, "track_pt is mapped to fj_pt, which is float; expected a list"),
        ({"fj_pt": "track_pt"}, r"fj_pt is mapped to track_pt, which is float\[\]; expected one"),
    ],
)
def test_column_maps_that_do_not_fit(tmp_path, write_jets, columns, words):
    write_jets(tmp_path / "a.root")
    with pytest.raises(JetFileError, match=words):
        open_jets(tmp_path / "a.root", columns=columns)


def test_the_tree_is_found(tmp_path, write_jets):
    path = tmp_path / "a.root"
    write_jets(path, tree="my/jets")
    assert len(open_jets(path)) == 6
    assert len(open_jets(path, tree="my/jets")) == 6
    with pytest.raises(JetFileError, match=r"a.root: there is no tree 'jets'; it has my/jets"):
        open_jets(path, tree="jets")
    with uproot.update(path) as file:
        file.mktree("other", {"x": "float32"}).extend({"x": np.zeros(2, np.float32)})
    with pytest.raises(
        JetFileError, match=r"no tree 'deepntuplizer/tree'; it has .*other.*as tree"
    ):
        open_jets(path)
    assert len(open_jets(path, tree="my/jets")) == 6
    with pytest.raises(
        JetFileError, match=r"tree 'other'; .* no lists of numbers, only x \(float\)"
    ):
        open_jets(path, tree="other")


# Several files


def test_several_files_are_one_sequence(tmp_path, write_jets):
    written = [
        write_jets(tmp_path / f"part_{name}.root", counts, seed=seed)
        for seed, (name, counts) in enumerate({"a": (2, 3), "b": (), "c": (4, 1, 5)}.items())
    ]
    with open_jets(str(tmp_path / "part_*.root")) as jets:
        assert len(jets) == 5
        assert [jet.n_tracks for jet in jets] == [2, 3, 4, 1, 5]
        ids = ["part_a.root:0", "part_a.root:1", *(f"part_c.root:{i}" for i in range(3))]
        assert [jet.jet_id for jet in jets] == ids
        assert [jets[number].index for number in range(5)] == [0, 1, 2, 3, 4]
        assert np.array_equal(jets[2].tracks, expected(written[2], 0))
        assert jets.name == "part_a.root and 2 more"
        assert [jet.jet_id for jet in jets[1:3]] == ids[1:3]
        summary = jets.summary()
        assert summary["index"].tolist() == [0, 1, 2, 3, 4]
        assert summary["n_tracks"].tolist() == [2, 3, 4, 1, 5]
    backwards = [tmp_path / "part_c.root", tmp_path / "part_a.root"]
    with open_jets(backwards) as jets:
        assert [jet.n_tracks for jet in jets] == [4, 1, 5, 2, 3]


def test_files_may_have_their_branches_in_another_order_and_more_of_them(tmp_path, write_jets):
    write_jets(tmp_path / "a.root", (2, 3))
    first = ak.Array([[1.0, 2.0], [3.0]])
    change = {"track_pt": None, "track_etarel": None, "label_H_bb": None, "fj_pt": None}
    write_jets(
        tmp_path / "b.root",
        (2, 1),
        change=change | {"track_extra": first, "track_etarel": first, "track_pt": first},
        dtype="float64",
    )
    with open_jets([tmp_path / "a.root", tmp_path / "b.root"]) as jets:
        assert jets.features == FEATURES
        assert jets[2].columns == FEATURES
        assert jets[2].column("track_pt").tolist() == [1, 2]
        summary = jets.summary()
        assert summary["pt"].tolist() == [300, 800, None, None]
        assert summary["label"].tolist() == ["qcd", "hbb", "qcd", None]


def test_a_later_file_without_a_branch_says_so_when_it_is_read(tmp_path, write_jets):
    write_jets(tmp_path / "a.root")
    write_jets(tmp_path / "b.root", change={"track_etarel": None})
    with open_jets([tmp_path / "a.root", tmp_path / "b.root"]) as jets:
        assert jets[5].index == 5
        with pytest.raises(JetFileError, match=r"b.root: the branches track_etarel are missing"):
            jets[6]


def test_many_files_do_not_stay_open(tmp_path, write_jets, monkeypatch):
    monkeypatch.setattr(reading, "OPEN_FILES", 2)
    monkeypatch.setattr(reading, "CACHE_BLOCKS", 1)
    write_jets(tmp_path / "0.root", (2, 3))
    for number in range(1, 5):
        shutil.copy(tmp_path / "0.root", tmp_path / f"{number}.root")
    with open_jets(tmp_path / "*.root") as jets:
        for _ in range(2):
            assert [jets[number].n_tracks for number in range(10)] == [2, 3] * 5
        assert sum(file.file is not None for file in jets._files) == 2


def test_names_with_odd_characters(tmp_path, write_jets):
    for name in ("a:b.root", "a[1].root", "a b.root", "jets", "hbb*.root"):
        write_jets(tmp_path / name)
        with open_jets(tmp_path / name) as jets:
            assert jets[1].jet_id == f"{name}:1"


def test_a_name_relative_to_the_folder(tmp_path, write_jets, monkeypatch):
    write_jets(tmp_path / "a.root")
    monkeypatch.chdir(tmp_path)
    assert len(open_jets("a.root")) == len(open_jets("*.root")) == len(open_jets(["./a.root"])) == 6
    assert len(open_jets(f"file://{tmp_path}/a.root")) == 6


# Bad jets


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite(tmp_path, write_jets, value):
    pt = [[1.0] * count for count in COUNTS]
    pt[3][5] = value
    pt[3][7] = value
    write_jets(tmp_path / "a.root", change={"track_pt": ak.Array(pt)})
    with open_jets(tmp_path / "a.root") as jets:
        words = rf"a.root:3: 2 value\(s\) .* first is {value} for track_pt of track 5; .* finite"
        with pytest.raises(JetError, match=words):
            jets[3]
        assert jets[2].n_tracks == 1
        assert jets[4].n_tracks == 2
        assert jets.summary()["problem"].tolist() == [None] * 6
        (bad,) = jets.problems()
        assert (bad.index, bad.jet_id, bad.reason) == (3, "a.root:3", root_file.NOT_FINITE)
        with pytest.raises(JetError, match=words):
            list(jets)
        with pytest.raises(JetError, match=words):
            jets[2:5]


def test_jets_without_tracks(tmp_path, write_jets):
    columns = write_jets(tmp_path / "a.root", (0, 3, 0, 0, 2))
    with open_jets(tmp_path / "a.root") as jets:
        with pytest.raises(JetError, match=r"a.root:2: the jet has no tracks; a jet needs"):
            jets[2]
        assert np.array_equal(jets[4].tracks, expected(columns, 4))
        summary = jets.summary()
        assert summary["n_tracks"].tolist() == [0, 3, 0, 0, 2]
        assert summary["problem"].tolist() == ["no tracks", None, "no tracks", "no tracks", None]
        found = jets.read(on_error="keep")
        assert [isinstance(item, Jet) for item in found] == [False, True, False, False, True]
        assert all(isinstance(item, JetError) for item in found if not isinstance(item, Jet))
        assert [bad.index for bad in jets.problems()] == [0, 2, 3]
        assert [bad.index for bad in jets.problems(1, 3)] == [2]


def test_track_branches_of_different_lengths(tmp_path, write_jets):
    eta = ak.Array([[1.0] * count for count in (3, 5, 2, 8, 0, 4)])
    columns = write_jets(tmp_path / "a.root", change={"trackBTag_Eta": eta})
    with open_jets(tmp_path / "a.root") as jets:
        words = r"a.root:2: .* track_pt and 1 more have 1, but trackBTag_Eta 2; expected one value"
        with pytest.raises(JetError, match=words):
            jets[2]
        with pytest.raises(JetError, match=r"a.root:4: .*trackBTag_Eta 0"):
            jets[4]
        for number in (0, 1, 3, 5):
            assert np.array_equal(jets[number].tracks, expected(columns, number))
        problem = jets.summary()["problem"].tolist()
        assert problem[2] == "track branches of different lengths: ntrack 1, ntrackBTag 2"
        assert [text is None for text in problem] == [True, True, False, True, False, True]
        assert [bad.reason for bad in jets.problems()] == [root_file.LENGTHS] * 2


def test_jet_branches_that_are_not_finite(tmp_path, write_jets):
    pt = np.array([1, np.nan, 3, 4, 5, 6], np.float32)
    mass = np.array([1, 2, 3, np.inf, 5, 6], np.float32)
    write_jets(tmp_path / "a.root", change={"fj_pt": pt, "fj_sdmass": mass})
    with open_jets(tmp_path / "a.root") as jets:
        summary = jets.summary()
        assert summary["problem"].tolist() == [
            None,
            "fj_pt is nan",
            None,
            "fj_sdmass is inf",
            None,
            None,
        ]
        assert np.isnan(summary["pt"][1])
        with pytest.raises(JetError, match=r"a.root:1: fj_pt is nan; expected a finite number"):
            jets[1]


# Damaged files


def test_a_damaged_basket_spoils_its_own_jets_only(tmp_path, write_jets):
    path = tmp_path / "a.root"
    columns = write_jets(path)
    damage(path, "track_etarel", 1)
    with open_jets(path) as jets:
        words = r"a.root:2: track_etarel cannot be read for the jets 2 to 3 of .*a.root: .*damaged"
        with pytest.raises(JetFileError, match=words):
            jets[2]
        with pytest.raises(JetError, match=words):
            jets[2]
        for number in (0, 1, 4, 5):
            assert np.array_equal(jets[number].tracks, expected(columns, number))
    with open_jets(path) as jets:
        found = jets.read(on_error="keep")
        assert [isinstance(item, Jet) for item in found] == [True, True, False, False, True, True]
        assert [bad.reason for bad in jets.problems()] == [root_file.UNREADABLE] * 2
        assert jets.summary()["n_tracks"].tolist() == list(COUNTS)


def test_summary_of_damaged_baskets(tmp_path, write_jets):
    path = tmp_path / "a.root"
    write_jets(path)
    damage(path, "ntrack", 0)
    damage(path, "fj_pt", 2)
    with open_jets(path) as jets:
        summary = jets.summary()
    assert len(summary) == 6
    assert summary["n_tracks"].isna().tolist() == [True, True, False, False, False, False]
    assert summary["n_tracks"].tolist()[2:] == list(COUNTS[2:])
    assert summary["pt"].isna().tolist() == [False] * 4 + [True] * 2
    assert [bool(text) for text in summary["problem"]] == [True, True, False, False, True, True]
    assert "ntrack cannot be read for the jets 0 to 1" in summary["problem"][0]


def test_every_truncation_is_told(tmp_path, write_jets):
    """Cut a file anywhere: it is refused, or its jets are right, or their error says why."""
    columns = write_jets(tmp_path / "whole.root")
    whole = (tmp_path / "whole.root").read_bytes()
    outcomes = set()
    for size in [0, 2, 10, 30, 200, *range(500, len(whole), 500), len(whole) - 1]:
        path = tmp_path / "cut.root"
        path.write_bytes(whole[:size])
        try:
            jets = open_jets(path)
        except JetFileError as error:
            told = "copy or download" in str(error) or "not a ROOT file" in str(error)
            outcomes.add("refused" if "cut.root" in str(error) and told else str(error))
            continue
        with jets:
            for number, item in enumerate(jets.read(on_error="keep")):
                if isinstance(item, Jet):
                    assert np.array_equal(item.tracks, expected(columns, number))
                    outcomes.add("right")
                else:
                    assert isinstance(item, JetFileError)
                    assert f"truncated, {size} of {len(whole)} bytes" in str(item)
                    outcomes.add("told")
            assert len(jets.summary()) == 6
    assert outcomes == {"refused", "right", "told"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", r"x.root is empty \(0 bytes\); expected a ROOT file"),
        (b"PK\x03\x04 a zip file", r"x.root is not a ROOT file: it begins with b'PK.*ZIP archive"),
        (b"what?", r"x.root is not a ROOT file: it begins with b'what'; expected a ROOT or"),
        (b"\x89HDF\r\n\x1a\n" + bytes(90), r"x.root is not a ROOT file: .* an HDF5 file: convert"),
        (b"<!DOCTYPE html><title>Log in", r"x.root is not a ROOT file: .* a web page .*download"),
        (b"root", r"x.root cannot be opened as a ROOT file: it is truncated, 4 bytes"),
        (
            b"root" + b"\x00" * 400,
            r"x.root: there is no tree in the file, only nothing: it was never closed",
        ),
        (b"root" + b"\xff" * 400, r"x.root cannot be opened as a ROOT file"),
    ],
)
def test_what_is_no_root_file(tmp_path, content, words):
    (tmp_path / "x.root").write_bytes(content)
    with pytest.raises(JetFileError, match=words):
        open_jets(tmp_path / "x.root")


def test_a_root_file_without_a_tree(tmp_path):
    with uproot.recreate(tmp_path / "x.root") as file:
        file["note"] = "no jets here"
    with pytest.raises(
        JetFileError, match=r"x.root: there is no tree in the file, only note; expected"
    ):
        open_jets(tmp_path / "x.root")


def test_paths_that_lead_nowhere(tmp_path):
    with pytest.raises(JetFileError, match=r"nope.root: there is no such file"):
        open_jets(tmp_path / "nope.root")
    with pytest.raises(JetFileError, match=r"no file matches .*\*.root"):
        open_jets(tmp_path / "*.root")
    with pytest.raises(JetFileError, match=r"is a folder; give the files in it"):
        open_jets(tmp_path)
    with pytest.raises(JetFileError, match="no file of jets was given"):
        open_jets([])


def test_a_file_that_may_not_be_read(tmp_path, write_jets, monkeypatch):
    def refuse(*_: Any, **__: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    write_jets(tmp_path / "a.root")
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(JetFileError, match=r"a.root cannot be opened: Permission denied"):
        open_jets(tmp_path / "a.root")


def test_a_root_address_without_its_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec_xrootd", None)
    with pytest.raises(JetFileError, match=r"root://host//x.root: a package .* fsspec-xrootd"):
        open_jets("root://host//x.root")


def test_addresses_go_to_uproot_as_they_are(tmp_path, write_jets, monkeypatch):
    columns = write_jets(tmp_path / "a.root")
    asked = []

    def uproot_open(source: Any, **options: Any) -> Any:
        asked.append(source)
        assert issubclass(options.pop("handler"), RemoteSource)
        return real_open({str(tmp_path / "a.root"): None}, **options)

    real_open = uproot.open
    monkeypatch.setattr(uproot, "open", uproot_open)
    with open_jets("root://host//store/a.root") as jets:
        assert jets.name == "a.root"
        assert np.array_equal(jets[1].tracks, expected(columns, 1))
    assert set(asked) == {"root://host//store/a.root"}


def test_a_file_that_changes_while_it_is_open(tmp_path, write_jets):
    write_jets(tmp_path / "a.root")
    with open_jets(tmp_path / "a.root") as jets:
        assert jets[0].index == 0
        write_jets(tmp_path / "a.root", (2, 2), seed=1)
        with pytest.raises(JetFileError, match=r"a.root has changed since it was opened"):
            jets[5]


# What is read, and kept


@pytest.fixture
def decoded(monkeypatch) -> list[tuple[int, int]]:
    """The ranges of jets that were decoded."""
    ranges = []
    real = RootFile._decode

    def decode(self: RootFile, start: int, stop: int) -> Any:
        ranges.append((start, stop))
        return real(self, start, stop)

    monkeypatch.setattr(RootFile, "_decode", decode)
    return ranges


def test_opening_reads_no_jet_and_a_jet_reads_its_own_baskets(tmp_path, write_jets, decoded):
    write_jets(tmp_path / "a.root")
    with open_jets(tmp_path / "a.root") as jets:
        assert len(jets) == 6
        assert decoded == []
        assert jets[3].index == 3
        assert decoded == [(2, 4)]
        assert jets[2].index == 2
        assert jets[3].index == 3
        assert decoded == [(2, 4)]
        assert jets[5].index == 5
        assert decoded == [(2, 4), (4, 6)]
        jets.summary()
        assert len(decoded) == 2


def test_a_jet_is_fine_where_other_baskets_are_damaged(tmp_path, write_jets):
    """The proof that nothing else is read: all other baskets of all branches are damaged."""
    path = tmp_path / "a.root"
    columns = write_jets(path)
    for branch in (*FEATURES, "fj_pt", "fj_sdmass", "label_H_bb", "label_QCD_others"):
        damage(path, branch, 0)
        damage(path, branch, 2)
    with open_jets(path) as jets:
        assert np.array_equal(jets[2].tracks, expected(columns, 2))


def test_all_jets_are_read_in_one_piece(tmp_path, write_jets, decoded):
    write_jets(tmp_path / "a.root")
    with open_jets(tmp_path / "a.root") as jets:
        jets.read()
        assert decoded == [(0, 6)]
        jets.read(2, 5)
        assert decoded == [(0, 6)]


def test_what_is_kept_is_bounded(tmp_path, write_jets, decoded, monkeypatch):
    monkeypatch.setattr(reading, "CACHE_BYTES", 200)
    write_jets(tmp_path / "a.root", (8,) * 20)
    with open_jets(tmp_path / "a.root") as jets:
        for number in range(0, 20, 2):
            assert jets[number].n_tracks == 8
        assert len(jets._blocks) == 1
        assert len(decoded) == 10


@pytest.mark.parametrize("most", [1, 100, 300, 5000])
def test_large_baskets_are_cut(tmp_path, write_jets, monkeypatch, most):
    """Whatever the size of a piece, the jets are the same, one by one and all together."""
    monkeypatch.setattr(root_file, "BLOCK_BYTES", most)
    counts = tuple(np.random.default_rng(1).integers(0, 9, 23))
    columns = write_jets(tmp_path / "a.root", counts, basket=7)
    with open_jets(tmp_path / "a.root") as jets:
        together = jets.read(on_error="keep")
        summary = jets.summary()
    with open_jets(tmp_path / "a.root") as jets:
        for number in np.random.default_rng(2).permutation(23):
            if counts[number]:
                tracks = expected(columns, number)
                assert np.array_equal(jets[number].tracks, tracks)
                assert np.array_equal(together[number].tracks, tracks)
    assert summary["n_tracks"].tolist() == list(counts)


def test_baskets_that_end_at_different_jets(tmp_path, write_jets, monkeypatch):
    """ROOT ends a basket where its bytes are full, so each branch at other jets."""
    columns = write_jets(tmp_path / "a.root", (2,) * 12, basket=12)
    ends = {"track_pt": [0, 5, 12], "track_etarel": [0, 3, 8, 12], "fj_pt": [0, 12]}
    real = root_file.describe

    def describe(name: str, source: Any) -> Any:
        branch = real(name, source)
        object.__setattr__(branch, "edges", np.array(ends.get(branch.name, [0, 6, 12])))
        return branch

    monkeypatch.setattr(root_file, "describe", describe)
    with open_jets(tmp_path / "a.root") as jets:
        assert jets._files[0].span(4, 5) == (3, 5)
        assert jets._files[0].span(5, 6) == (5, 6)
        assert jets._files[0].span(4, 9) == (3, 12)
        for number in (4, 0, 11, 7, 5):
            assert np.array_equal(jets[number].tracks, expected(columns, number))


def test_jets_one_after_the_other_are_read_ahead(tmp_path, write_jets, decoded):
    columns = write_jets(tmp_path / "a.root", (2,) * 40, basket=1)
    with open_jets(tmp_path / "a.root") as jets:
        for number in range(40):
            assert np.array_equal(jets[number].tracks, expected(columns, number))
        assert len(decoded) < 15
        assert decoded[:3] == [(0, 1), (1, 2), (2, 3)]


def test_many_threads_at_once(tmp_path, write_jets, monkeypatch):
    monkeypatch.setattr(reading, "CACHE_BLOCKS", 2)
    counts = tuple(np.random.default_rng(3).integers(1, 9, 40))
    columns = write_jets(tmp_path / "a.root", counts, basket=4)
    write_jets(tmp_path / "b.root", counts, basket=4)
    numbers = np.random.default_rng(4).integers(0, 80, 400)

    def same(number: int) -> bool:
        jet = jets[number]
        jets.summary()
        return jet.index == number and np.array_equal(jet.tracks, expected(columns, number % 40))

    with (
        open_jets([tmp_path / "a.root", tmp_path / "b.root"]) as jets,
        ThreadPoolExecutor(12) as pool,
    ):
        assert all(pool.map(same, numbers.tolist()))


FORKED = """
import os, sys
from lrp_core.reading import open_jets

jets = open_jets(sys.argv[1])
child = os.fork()
os.write(1, f"{jets[3].tracks.tolist()}\\n".encode())  # in one piece, for both write here
if not child:
    os._exit(0)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(jets[5].tracks.tolist(), status)
"""


AT_ONCE = """
import os, sys
import lrp_core.reading, lrp_core.root_file

lrp_core.root_file.BLOCK_BYTES = lrp_core.reading.CACHE_BYTES = 1  # every jet is read anew
jets = lrp_core.reading.open_jets(sys.argv[1])
known = [jet.tracks.tobytes() for jet in jets]
child = os.fork()
wrong = sum(jets[n % len(jets)].tracks.tobytes() != known[n % len(jets)] for n in range(200))
if not child:
    os._exit(min(wrong, 100))
print(wrong, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_two_processes_of_a_fork_read_at_once(tmp_path, write_jets):
    write_jets(tmp_path / "a.root", tuple(range(1, 40)))
    ran = subprocess.run(
        [sys.executable, "-c", AT_ONCE, str(tmp_path / "a.root")],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (ran.stdout, ran.stderr) == ("0 0\n", "")


def test_a_file_is_read_at_places_that_no_other_reader_moves(tmp_path):
    (tmp_path / "a").write_bytes(bytes(range(100)))
    with FileAtPlaces(str(tmp_path / "a")) as file:
        assert file.get(10, 20) == bytes(range(10, 20))
        assert file.get(95, 120) == bytes(range(95, 100))  # as many as there are
        assert os.lseek(file.file.fileno(), 0, os.SEEK_CUR) == 0


def test_after_a_fork(tmp_path, write_jets):
    """In a process of its own: whatever else runs in this one stands still in a child."""
    columns = write_jets(tmp_path / "a.root")
    ran = subprocess.run(
        [sys.executable, "-c", FORKED, str(tmp_path / "a.root")],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    third, fifth = (expected(columns, number).tolist() for number in (3, 5))
    assert ran.stdout.splitlines() == [str(third), str(third), f"{fifth} 0"]


def test_after_closing(tmp_path, write_jets):
    columns = write_jets(tmp_path / "a.root")
    jets = open_jets(tmp_path / "a.root")
    assert np.array_equal(jets[5].tracks, expected(columns, 5))
    jets.close()
    assert np.array_equal(jets[5].tracks, expected(columns, 5))
    jets.close()


def test_a_file_is_told_from_others_of_its_name_wherever_it_lies(tmp_path, write_jets):
    for folder in ("a", "b", "c"):
        (tmp_path / folder).mkdir()
    write_jets(tmp_path / "a" / "jets.root")
    write_jets(tmp_path / "b" / "jets.root")
    shutil.copy(tmp_path / "a" / "jets.root", tmp_path / "c" / "jets.root")
    jets = open_jets([tmp_path / folder / "jets.root" for folder in ("a", "b", "c")])
    n = len(jets) // 3
    a, b, c = jets.fingerprint(0), jets.fingerprint(n), jets.fingerprint(2 * n)
    assert a == c != b
    assert (jets.fingerprint(n - 1), jets.fingerprint(-1)) == (a, c)
    assert open_jets(tmp_path / "a" / "jets.root").fingerprint(0) == a
    otherwise = open_jets(tmp_path / "a" / "jets.root", columns={"p": "track_pt"})
    assert otherwise.fingerprint(0) != a
    with pytest.raises(JetIndexError, match="no jet 999"):
        jets.fingerprint(999)


def test_identity_changes_with_the_file_and_the_way_to_read_it(tmp_path, write_jets):
    path = tmp_path / "a.root"
    write_jets(path)
    shutil.copy(path, tmp_path / "b.root")
    first = open_jets(path).identity
    assert open_jets(path).identity == first
    assert open_jets(str(path)).identity == first
    others = {
        open_jets(tmp_path / "b.root").identity,
        open_jets([path, path]).identity,
        open_jets(path, columns={"p": "track_pt"}).identity,
    }
    write_jets(path, seed=1)
    others.add(open_jets(path).identity)
    assert len(others) == 4
    assert first not in others


# The summary


def test_summary(tmp_path, write_jets):
    columns = write_jets(tmp_path / "a.root")
    with open_jets(tmp_path / "a.root") as jets:
        summary = jets.summary()
        assert list(summary) == ["index", "label", "pt", "sdmass", "n_tracks", "problem"]
        assert summary["index"].tolist() == list(range(6))
        assert summary["label"].tolist() == ["qcd", "hbb", None] * 2
        assert summary["pt"].dtype == np.float64
        assert summary["pt"].tolist() == columns["fj_pt"].tolist()
        assert summary["sdmass"].tolist() == columns["fj_sdmass"].tolist()
        assert summary["n_tracks"].dtype == np.int64
        assert summary["problem"].tolist() == [None] * 6
        summary.loc[0, "pt"] = -1.0
        assert jets.summary()["pt"][0] == columns["fj_pt"][0], "one's own copy"
        pd.testing.assert_frame_equal(jets.summary(), jets.summary())


def test_importing_is_light():
    heavy = "{'uproot', 'awkward', 'pandas', 'torch'}"
    code = f"import sys, lrp_core.reading; print(sorted({heavy} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_on_error_has_two_values(tmp_path, write_jets):
    write_jets(tmp_path / "a.root")
    with pytest.raises(ValueError, match="'raise' or 'keep', found 'nan'"):
        open_jets(tmp_path / "a.root").read(on_error="nan")


# Real jets


def test_real_jets(cms_data):
    with open_jets(cms_data / "hbb_jets.root") as jets:
        assert len(jets) == 917
        assert len(jets.features) == 45
        summary = jets.summary()
        assert summary["label"].value_counts().to_dict() == {"qcd": 795, "hbb": 122}
        assert summary["n_tracks"].min() == 6
        assert summary["n_tracks"].max() == 118
        assert summary["problem"].isna().all()
        assert jets.problems() == []
        for jet in jets:
            row = summary.iloc[jet.index]
            assert (jet.label, jet.pt, jet.sdmass) == (row["label"], row["pt"], row["sdmass"])
            assert jet.n_tracks == row["n_tracks"]
            assert jet.tracks.dtype == np.float32


def test_real_tracks_equal_a_plain_read(cms_data):
    with uproot.open(cms_data / "hbb_jets.root") as file:
        arrays = file[TREE].arrays(
            ["track_pt", "trackBTag_Sip3dSig"], entry_start=500, entry_stop=510
        )
    with open_jets(cms_data / "hbb_jets.root") as jets:
        for jet, row in zip(jets[500:510], arrays, strict=True):
            assert jet.column("track_pt").tolist() == row["track_pt"].tolist()
            assert jet.column("trackBTag_Sip3dSig").tolist() == row["trackBTag_Sip3dSig"].tolist()
