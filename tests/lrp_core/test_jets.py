"""The jet record: what it refuses, what it keeps, and how columns are chosen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrp_core.errors import JetError
from lrp_core.jets import Jet, complete_graph

TRACKS = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])
COLUMNS = ("a", "b")


@given(st.integers(0, 30))
def test_complete_graph_joins_every_track_to_every_other(n_tracks):
    edges = complete_graph(n_tracks)
    assert edges.dtype == np.int64
    assert edges.shape == (2, n_tracks * (n_tracks - 1))
    pairs = [tuple(edge) for edge in edges.T.tolist()]
    assert pairs == [(i, j) for i in range(n_tracks) for j in range(n_tracks) if i != j]


def test_from_arrays():
    jet = Jet.from_arrays(TRACKS.tolist(), ["a", "b"], label="hbb", pt=400.0, sdmass=120.0, index=7)
    assert (jet.n_tracks, jet.n_edges) == (3, 6)
    assert jet.columns == COLUMNS
    assert jet.tracks.dtype == np.float64
    assert np.array_equal(jet.edge_index, complete_graph(3))
    assert (jet.label, jet.pt, jet.sdmass, jet.jet_id, jet.index) == ("hbb", 400.0, 120.0, "jet", 7)


@pytest.mark.parametrize(
    ("given_dtype", "kept"),
    [("float32", "float32"), ("float64", "float64"), ("int32", "float64"), ("float16", "float64")],
)
def test_precision_is_kept(given_dtype, kept):
    assert Jet.from_arrays(TRACKS.astype(given_dtype), COLUMNS).tracks.dtype == kept


def test_one_track_has_no_edges():
    assert Jet.from_arrays(TRACKS[:1], COLUMNS).n_edges == 0
    assert Jet.from_arrays(TRACKS, COLUMNS, []).edge_index.shape == (2, 0)


def test_edges_may_be_missing_or_repeated():
    edges = [[0, 0, 2], [1, 1, 2]]
    assert Jet.from_arrays(TRACKS, COLUMNS, edges).edge_index.tolist() == edges


def test_a_jet_does_not_change():
    tracks, edges = TRACKS.copy(), complete_graph(3)
    jet = Jet.from_arrays(tracks, COLUMNS, edges)
    tracks[0, 0], edges[0, 0] = 99, 2
    assert jet.tracks[0, 0] == 1
    assert jet.edge_index[0, 0] == 0
    with pytest.raises(ValueError, match="read-only"):
        jet.tracks[0, 0] = 5
    with pytest.raises(AttributeError):
        jet.label = "qcd"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"tracks": np.zeros((0, 2))}, "jet: the jet has no tracks"),
        ({"tracks": []}, r"tracks must be an array \[n_tracks, n_columns\], found shape \(0,\)"),
        ({"tracks": [1.0, 2.0]}, r"found shape \(2,\)"),
        ({"tracks": [["x", "y"]]}, "tracks must be numbers, found"),
        ({"columns": ("a",)}, "2 columns of values but 1 column names"),
        (
            {"tracks": [[1, np.nan]]},
            r"1 value\(s\) are not finite, the first is nan for b of track 0",
        ),
        ({"tracks": [[1, 2], [np.inf, np.nan]]}, r"2 value\(s\) .* inf for a of track 1"),
        ({"edge_index": [0, 1]}, r"edge_index must be an array \[2, n_edges\], found shape \(2,\)"),
        ({"edge_index": [[0], [3]]}, "goes from 0 to 3, but the tracks are numbered 0 to 2"),
        ({"edge_index": [[-1], [0]]}, "goes from -1 to 0"),
        ({"edge_index": [[0.0], [1.0]]}, "edge_index must be integers, found float64"),
        ({"label": "top"}, "label 'top' is not one of hbb, qcd or None"),
    ],
)
def test_what_is_refused(change, words):
    with pytest.raises(JetError, match=words):
        Jet.from_arrays(**({"tracks": TRACKS, "columns": COLUMNS} | change))


def test_errors_name_the_jet():
    with pytest.raises(JetError, match=r"^my.root:3: the jet has no tracks"):
        Jet.from_arrays(np.zeros((0, 2)), COLUMNS, jet_id="my.root:3")


def test_column():
    jet = Jet.from_arrays(TRACKS, COLUMNS)
    assert jet.column("b").tolist() == [10, 20, 30]
    with pytest.raises(JetError, match="there is no column 'c'; the columns are a, b"):
        jet.column("c")


def test_select():
    jet = Jet.from_arrays(TRACKS, COLUMNS)
    assert jet.select(COLUMNS) is jet.tracks
    assert jet.select(["b", "a", "b"]).tolist() == [[10, 1, 10], [20, 2, 20], [30, 3, 30]]
    with pytest.raises(JetError, match="the network needs c, d, which the jet does not have"):
        jet.select(["a", "c", "d", "c"])


def test_select_keeps_columns_of_one_name_apart():
    values = np.arange(6.0).reshape(2, 3)
    jet = Jet.from_arrays(values, ("a", "b", "a"))
    assert jet.select(["b", "a", "a"]).tolist() == [[1, 0, 2], [4, 3, 5]]
    with pytest.raises(JetError, match="a stands 2 times in the jet and 1 times"):
        jet.select(["a", "b"])
