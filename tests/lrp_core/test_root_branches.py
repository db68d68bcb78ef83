"""What ROOT writes beyond lists of floats; ``root_files/make.cxx`` says how its files were made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from lrp_core.commands import check
from lrp_core.errors import ColumnsError, JetFileError, TreeError
from lrp_core.reading import open_jets
from lrp_core.root_branches import branches_of, describe, listing

FILES = Path(__file__).parent / "root_files"
PT = [[10 * jet + track for track in range(jet + 1)] for jet in range(4)]


def column(path: Path, name: str, **how: Any) -> list[list[float]]:
    # a file counts its tracks from 0, so that the values of the first are 0 without being padding
    with open_jets(path, padding="keep", **how) as jets:
        assert jets.problems() == []
        assert jets.summary()["n_tracks"].tolist() == [1, 2, 3, 4]
        assert jets.summary()["pt"].tolist() == [300, 301, 302, 303]
        return [jet.column(name).tolist() for jet in jets]


def refusal(path: Path, **how: Any) -> str:
    with pytest.raises(JetFileError) as error:
        open_jets(path, **how)
    return str(error.value)


# RNTuple


def test_an_rntuple_of_root() -> None:
    assert column(FILES / "rntuple.root", "track_pt") == PT
    assert open_jets(FILES / "rntuple.root").features == ("track_pt", "track_etarel")


def test_what_is_in_a_record_has_its_full_name() -> None:
    path = FILES / "rntuple.root"
    names = {"track_pt": "tracks.pt", "track_dz": "tracks.dz", "track_other": "others.pt"}
    assert column(path, "track_pt", columns=names) == PT
    assert column(path, "track_dz", columns=names)[3] == [0, 0.5, 1, 1.5]
    assert column(path, "track_other", columns=names)[1] == [7, 7]
    said = refusal(path, columns={"track_pt": "tracks.hits"})
    assert "tracks.hits, which is std::vector<std::int32_t> in std::vector<Track>" in said
    said = refusal(path, columns={"track_pt": "pt"})
    assert "it has the lists of numbers track_pt, track_etarel, tracks.pt, tracks.dz" in said


def test_names_of_the_importer() -> None:
    path = FILES / "imported.root"
    assert open_jets(path).features == ("track_pt",)  # not once more as _collection0.track_pt
    assert column(path, "track_pt") == PT
    assert column(path, "track_pt", columns={"track_pt": "_collection0.track_pt"}) == PT


def test_records_that_uproot_writes(tmp_path: Path) -> None:
    tracks = ak.Array([[(1.0, 2)], [(3.0, 4), (5.0, 6)]])
    with uproot.recreate(tmp_path / "a.root") as file:
        file["counter"] = np.histogram(np.arange(9.0))
        file["tree"] = {
            "track": ak.zip({"pt": tracks["0"], "dz": tracks["1"]}),
            "jet": ak.Array([{"pt": 300.0, "track_pt": [1.0]}, {"pt": 301.0, "track_pt": [2.0]}]),
            "pair": tracks,
        }
    names = {"a": "track.pt", "b": "track.dz", "c": "pair.1", "d": "pair.0", "fj_pt": "jet.pt"}
    with open_jets(tmp_path / "a.root", columns=names) as jets:
        assert jets[1].select(("a", "b", "c", "d")).tolist() == [[3, 4, 4, 3], [5, 6, 6, 5]]
        assert jets[1].pt == 301
    with open_jets(tmp_path / "a.root", columns={"track_pt": "jet.track_pt"}) as jets:
        assert jets[1].column("track_pt").tolist() == [2]


# What is no list of numbers


def test_branches_that_cannot_be_read_spoil_no_file(capsys: pytest.CaptureFixture[str]) -> None:
    path = FILES / "tree.root"
    assert column(path, "track_pt") == PT
    with open_jets(path) as jets:
        assert jets.features == ("track_pt", "track_etarel", "track_plain")
        assert jets.why_not(["track_pt", "track_half", "nothing"]) == (
            " (track_half is Float16_t[ntrack])"
        )
        assert jets.why_not(["track_pt"]) == ""
    assert check.run([str(path)], padding="keep") == check.ALL_GOOD
    assert column(path, "x", columns={"x": "Constituents.fX"})[2] == [0, 1, 2]


@pytest.mark.parametrize(
    ("branch", "words"),
    [
        ("track_fixed", "float[6], an array of fixed length that is padded; expected a list"),
        ("track_half", "Float16_t[ntrack]; expected"),
        ("track_packed", "Double32_t[ntrack]/d[0,10,12]; expected"),  # uproot gives other numbers
        ("track_deep", "std::vector<std::vector<float>>; expected"),
        ("track_hits", "a list of leaves (n/I:x[n]/F); expected"),
        ("track_clones", "TClonesArray; expected"),
        ("fj_pt", "float; expected"),
    ],
)
def test_a_branch_that_is_asked_for_is_refused_by_its_type(branch: str, words: str) -> None:
    said = refusal(FILES / "tree.root", columns={"track_pt": branch})
    assert f"track_pt is mapped to {branch}, which is {words}" in said


def test_a_wrong_name_is_told_with_the_lists_there_are() -> None:
    with pytest.raises(ColumnsError, match="the lists of numbers track_pt, track_etarel") as error:
        open_jets(FILES / "tree.root", columns={"track_dz": "trak_pt"})
    assert "track_half" not in error.value.lists
    assert "Constituents.fX" in error.value.lists


def test_fixed_arrays_alone_are_named_as_what_they_are(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mktree("tree", {"track_pt": ("f4", (60,)), "fj_pt": "f4"}).extend(
            {"track_pt": np.zeros((2, 60), "f4"), "fj_pt": np.ones(2, "f4")}
        )
    said = refusal(tmp_path / "a.root")
    assert "track_pt (float[60]) cannot be used: arrays of fixed length are padded" in said
    assert "it has no lists of numbers, only track_pt (float[60]), fj_pt (float)" in said


def test_a_file_that_lacks_a_branch_says_what_it_has_instead(tmp_path: Path) -> None:
    first, second = tmp_path / "a.root", tmp_path / "b.root"
    lists = ak.Array([[1.0], [2.0, 3.0]])
    with uproot.recreate(first) as file:
        file.mkrntuple("tree", {"track_pt": lists, "track_dz": lists})
    with uproot.recreate(second) as file:
        file.mkrntuple("tree", {"track_pt": lists, "track_dz": np.zeros((2, 3))})
    with open_jets([first, second]) as jets, pytest.raises(JetFileError) as error:
        jets[2]
    assert "track_dz are missing" in str(error.value)
    assert "track_dz (std::array<double,3>) cannot be used" in str(error.value)


def test_of_many_branches_those_that_could_be_tracks_are_listed(tmp_path: Path) -> None:
    numbers = {f"number{n}": np.zeros(1, np.float32) for n in range(40)}
    lists = {f"l{n}": ak.Array([[1.0]]) for n in range(30)} | {"trk_ptrel": ak.Array([[1.0]])}
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mkrntuple("tree", numbers | lists)
    said = refusal(tmp_path / "a.root", columns={"track_ptrel": "trk_pt_rel"})
    assert "it has the lists of numbers trk_ptrel, l0, l1" in said
    assert "and 19 more" in said
    assert "number" not in said.split("lists of numbers")[1]


def test_a_list_of_names() -> None:
    assert listing([]) == "nothing"
    assert listing("abc", most=2) == "a, b and 1 more"


def test_any_error_of_uproot_is_a_branch_that_cannot_be_read() -> None:
    class Odd:
        name, path, typename, top_level = "odd", "odd", "odd<things>", True

        def to_akform(self) -> Any:
            raise RecursionError

        def __len__(self) -> int:
            return 0

    found = describe("odd", Odd())
    assert (found.typename, found.dtype, found.is_list) == ("odd<things>", None, False)


def test_branches_of_the_same_name_are_told_apart() -> None:
    class Part:
        interpretation = None

        def __init__(self, name: str) -> None:
            self.name = name

    class Tree:
        def iteritems(self, **_: Any) -> Any:
            paths = ("jets", "jets/pt", "sv", "sv/pt", "eta")
            return ((path, Part(path.split("/")[-1])) for path in paths)

    assert sorted(branches_of(Tree())) == ["eta", "jets", "pt", "sv", "sv.pt"]


# What is no tree of jets


def test_ntuples_of_numbers_are_no_trees(tmp_path: Path) -> None:
    path = FILES / "ntuples.root"
    for said in (refusal(path), refusal(path, tree="first")):
        assert "first is a TNtuple, which holds one number per row and branch" in said
    assert "second is a TNtupleD, which" in refusal(path, tree="second")
    with pytest.raises(TreeError, match="no tree 'third'"):
        open_jets(FILES / "tree.root", tree="third")


def test_a_file_that_was_never_closed() -> None:
    said = refusal(FILES / "unclosed.root")
    assert "it was never closed" in said
    assert "open it once in ROOT for update" in said


# Endings


def test_a_file_is_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes((FILES / "tree.root").read_bytes())
    (tmp_path / "b").write_bytes((FILES / "tree.root").read_bytes())
    assert column(tmp_path / "a.parquet", "track_pt") == column(tmp_path / "b", "track_pt") == PT


def test_a_folder_is_told_with_the_files_in_it(tmp_path: Path) -> None:
    assert "such as" in refusal(tmp_path)
    (tmp_path / "year=1").mkdir()
    (tmp_path / "year=1" / "part.parquet").touch()
    assert refusal(tmp_path).endswith(f"such as {tmp_path}/**/*.parquet")
    (tmp_path / "a.pq").touch()
    (tmp_path / "a.root").touch()
    assert refusal(tmp_path).endswith(f"such as {tmp_path}/*.root or {tmp_path}/*.pq")
