"""Jets in Parquet are the same jets as in ROOT; what is damaged or null is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot

from lrp_core import embedded
from lrp_core.errors import JetError, JetFileError
from lrp_core.jets import Jet
from lrp_core.padding import MASKED
from lrp_core.reading import open_jets


def write(path: Path, n_jets: int = 7, row_group_size: int = 3, **change: Any) -> Path:
    """A small file; ``change`` replaces columns, None takes one away."""
    draw = np.random.default_rng(0)
    counts = draw.integers(1, 5, n_jets)
    lists = {
        name: ak.unflatten(draw.normal(size=counts.sum()).astype(np.float32), counts).to_list()
        for name in ("track_pt", "track_dz")
    }
    columns = {
        **{name: pa.array(values, pa.list_(pa.float32())) for name, values in lists.items()},
        "label_H_bb": pa.array(np.arange(n_jets) % 2, pa.int32()),
        "label_QCD_b": pa.array(1 - np.arange(n_jets) % 2, pa.int32()),
        "fj_pt": pa.array(np.full(n_jets, 300.0)),
        **change,
    }
    table = pa.table({name: values for name, values in columns.items() if values is not None})
    pq.write_table(table, path, row_group_size=row_group_size)
    return path


def test_the_same_jets_as_in_root(tmp_path: Path) -> None:
    with uproot.open(embedded.JETS) as file:
        arrays = file["deepntuplizer/tree"].arrays(entry_stop=200)
    path = tmp_path / "sample.parquet"
    ak.to_parquet(arrays, path, row_group_size=64)
    root, parquet = open_jets(embedded.JETS), open_jets(path)
    assert len(parquet) == 200
    assert set(parquet.features) == set(root.features)
    assert parquet.labels == root.labels == ("hbb", "qcd")
    order = [parquet.features.index(name) for name in root.features]
    for number in (0, 63, 64, 199):
        there, here = root[number], parquet[number]
        np.testing.assert_array_equal(here.tracks[:, order], there.tracks)
        assert (here.label, here.pt, here.sdmass, here.eta) == (
            there.label, there.pt, there.sdmass, there.eta
        )  # fmt: skip
        assert here.truth is not None
        np.testing.assert_array_equal(here.truth.origin, there.truth.origin)
        assert here.truth.b_hadrons == there.truth.b_hadrons
    assert parquet[3].jet_id == "sample.parquet:3"
    there, here = root.summary()[:200], parquet.summary()
    for name in ("label", "n_tracks", "pt", "sdmass", "problem"):
        assert here[name].tolist() == there[name].tolist()


def test_rows_are_read_by_their_group(tmp_path: Path) -> None:
    jets = open_jets(write(tmp_path / "x.parquet"))
    whole = jets.read()
    assert [jet.index for jet in whole] == list(range(7))
    again = open_jets(tmp_path / "x.parquet")
    for number in (5, 0, 6, 3):
        np.testing.assert_array_equal(again[number].tracks, whole[number].tracks)
    assert again.identity == jets.identity
    assert again.sources[0].uuid
    other = open_jets(write(tmp_path / "y.parquet", 8))
    assert other.sources[0].uuid != jets.sources[0].uuid


def test_other_types_of_lists_and_names(tmp_path: Path) -> None:
    values = [[1.0, 2.0], [3.0], [4.0]]
    write(
        tmp_path / "x.parquet", 3, trk_pt=pa.array(values, pa.large_list(pa.float64())),
        track_pt=None, track_dz=pa.array([[1, 2], [3], [4]], pa.list_(pa.int32())),
        track_name=pa.array([["a", "b"], ["c"], ["d"]]), deep=pa.array([[[1.0]], [[2.0]], []]),
    )  # fmt: skip
    jets = open_jets(tmp_path / "x.parquet", columns={"track_pt": "trk_pt"})
    assert set(jets.features) == {"track_pt", "track_dz"}
    assert jets[0].column("track_pt").tolist() == [1.0, 2.0]
    assert jets[2].column("track_dz").tolist() == [4.0]


def test_null_is_no_number(tmp_path: Path) -> None:
    kind = pa.list_(pa.float32())
    write(
        tmp_path / "x.parquet", 4, track_dz=None,
        track_pt=pa.array([[1.0], None, [2.0, None, 4.0], [3.0]], kind),
        fj_pt=pa.array([1.0, 2.0, 3.0, None]),
    )  # fmt: skip
    jets = open_jets(tmp_path / "x.parquet")
    found = jets.read(on_error="keep")
    assert isinstance(found[0], Jet)
    assert "no tracks" in str(found[1])
    assert isinstance(found[2], Jet)
    assert found[2].tracks[:, 0].tolist() == [2.0, 4.0]  # a track of which all is null is none
    assert "fj_pt is nan" in str(found[3])
    assert jets.summary()["n_tracks"].tolist() == [1, 0, 2, 1]
    assert jets.rows_left_out() == 1


def test_a_track_that_is_null_in_part_is_named(tmp_path: Path) -> None:
    kind = pa.list_(pa.float32())
    write(
        tmp_path / "x.parquet", 2,
        track_pt=pa.array([[1.0, None, None], [2.0, None]], kind),
        track_dz=pa.array([[1.0, 2.0, None], [2.0, None]], kind),
    )  # fmt: skip
    jets = open_jets(tmp_path / "x.parquet")
    words = (
        r"x.parquet:0: track 1 has no value of track_pt \(masked or null\), but of other columns"
    )
    with pytest.raises(JetError, match=words):
        jets[0]
    assert jets[1].n_tracks == 1
    assert [bad.reason for bad in jets.problems()] == [MASKED]


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(b"")
    with pytest.raises(JetFileError, match="is empty"):
        open_jets(path)
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1")
    with pytest.raises(
        JetFileError, match=r"not a Parquet file: .* Git LFS pointer.* git lfs pull"
    ):
        open_jets(path)
    path.write_bytes(b"no table")
    with pytest.raises(JetFileError, match="not a Parquet file: it begins with b'no t'; expected"):
        open_jets(path)
    whole = write(path).read_bytes()
    with pytest.raises(JetFileError, match="has no tree 'tree'"):
        open_jets(path, tree="tree")
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(JetFileError, match="cannot be opened as a Parquet file"):
        open_jets(path)
    write(path, track_pt=None, track_dz=None)
    with pytest.raises(JetFileError, match="no track branches"):
        open_jets(path)


def test_a_damaged_row_group_is_told_by_its_jets(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    write(path)
    meta = pq.read_metadata(path)
    place = meta.schema.names.index("element")
    at = meta.row_group(1).column(place).data_page_offset
    data = bytearray(path.read_bytes())
    data[at : at + 24] = bytes(255 for _ in range(24))
    path.write_bytes(data)
    found = open_jets(path).read(on_error="keep")
    assert [isinstance(jet, Jet) for jet in found] == [True] * 3 + [False] * 3 + [True]
    with pytest.raises(JetError, match="cannot be read for the jets 3 to 5"):
        raise found[4]


def test_what_is_in_structures_has_its_full_name(tmp_path: Path) -> None:
    track = [[{"pt": 1.0, "dz": 5}], None, [{"pt": 2.0, "dz": 6}, {"pt": 3.0, "dz": None}]]
    jet = [{"pt": 300.0, "of": [1.0]}, {"pt": 301.0, "of": []}, {"pt": 302.0, "of": [2.0, 3.0]}]
    odd = pa.array([[("a", 1.0)], [], []], pa.map_(pa.string(), pa.float64()))
    write(
        tmp_path / "x.pq", 3, 2, track_pt=None, track_dz=None, track=track, jet=jet, odd=odd,
        sv=[[{"pt": 7.0}], [], [{"pt": 8.0}, {"pt": 9.0}]], fj_pt=None,
        **{"a.b": [[4.0], [], [5.0, 6.0]]}, deep=[[{"of": [1.0]}], [], []],
    )  # fmt: skip
    names = {"track_pt": "track.pt", "s": "sv.pt", "a": "a.b", "b": "jet.of", "fj_pt": "jet.pt"}
    with open_jets(tmp_path / "x.pq", columns=names) as jets:
        found = jets.read(on_error="keep")
        assert "no tracks" in str(found[1])
        assert isinstance(found[2], Jet)
        assert found[2].select(("track_pt", "s", "a", "b")).tolist() == [[2, 8, 5, 2], [3, 9, 6, 3]]
        assert found[2].pt == 302
    with open_jets(tmp_path / "x.pq", columns={"track_dz": "track.dz"}) as jets:
        assert jets[0].column("track_dz").tolist() == [5]
        assert [bad.index for bad in jets.problems()] == [1]  # a track of nulls alone is none
        assert jets[2].column("track_dz").tolist() == [6]
    for name, words in (
        ("track", "list<element: struct<pt: double, dz: int64>>; expected a list of numbers"),
        ("deep.of", "list<element: double> in a list; expected"),
        ("odd", "map<string, double"),
    ):
        with pytest.raises(JetFileError) as error:
            open_jets(tmp_path / "x.pq", columns={"track_pt": name})
        assert f"track_pt is mapped to {name}, which is {words}" in str(error.value)
    with pytest.raises(
        JetFileError, match=r"lists of numbers track.pt, track.dz, jet.of, sv.pt, a.b"
    ):
        open_jets(tmp_path / "x.pq", columns={"track_pt": "pt"})


def test_lists_of_fixed_length_and_half_precision(tmp_path: Path) -> None:
    write(
        tmp_path / "x.parquet", 2, track_dz=pa.array([[1, 2], [3, 4]], pa.list_(pa.int8(), 2)),
        track_pt=pa.array([[1.5, 2], [3, 4]], pa.list_(pa.float16())),
    )  # fmt: skip
    with open_jets(tmp_path / "x.parquet") as jets:
        assert jets[0].select(("track_pt", "track_dz")).tolist() == [[1.5, 1], [2, 2]]
