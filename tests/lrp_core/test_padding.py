"""Rows that stand for no track never become tracks: from arrays, from ROOT and from Parquet."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
from rich.console import Console

from lrp_core.commands.check import BAD_JETS, run
from lrp_core.errors import JetError, JetlrpError, SettingsError
from lrp_core.explainer import explain, predict
from lrp_core.jets import Jet
from lrp_core.model import Model
from lrp_core.padding import PADDED, Padding, padding_text, placeholders, read_padding
from lrp_core.reading import open_jets
from lrp_core.truth import Truth
from tests.lrp_core import examples as toys

COLUMNS = ("track_pt", "track_etarel", "trackBTag_Eta", "track_dz")
TRACKS = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
COUNTS = (3, 5, 1, 8, 2, 4)
LONGEST = 9
VALUES = [0.0, -999.0, -99.0, -1.0, np.nan, 1e20, 999999.0]


def with_rows(value: float, n_rows: int = 3, *, before: bool = False) -> np.ndarray:
    rows = np.full((n_rows, TRACKS.shape[1]), value, np.float32)
    return np.concatenate([rows, TRACKS] if before else [TRACKS, rows])


# What people give


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (None, None), ("zeros", "zeros"), ("0", "zeros"), (0, "zeros"), ("ZERO", "zeros"),
        (-999, "-999"), ("-999.0", "-999"), (np.nan, "nan"), ("keep", "keep"),
        ("zeros, -999,0", "zeros,-999"),
    ],
)  # fmt: skip
def test_what_padding_may_be(given: Any, text: str | None) -> None:
    assert padding_text(given) == text
    assert read_padding(read_padding(given)) == read_padding(given)


@pytest.mark.parametrize("given", ["", "much", "inf", "zeros,keep", True])
def test_what_padding_may_not_be(given: Any) -> None:
    with pytest.raises(SettingsError, match="padding: expected zeros, nan, a number") as told:
        read_padding(given)
    assert told.value.command.startswith("--padding: expected zeros")
    with pytest.raises(SettingsError):
        Jet.from_arrays(TRACKS, COLUMNS, padding=given)


# From arrays


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("before", [False, True])
def test_rows_of_padding_are_refused_or_left_out(value: float, before: bool) -> None:
    rows = with_rows(value, before=before)
    with pytest.raises(JetError, match="in every column") as told:
        Jet.from_arrays(rows, COLUMNS)
    asked = told.value.command.partition("--padding ")[2].partition(",")[0].split()[0]
    for given in (value, asked):
        jet = Jet.from_arrays(rows, COLUMNS, padding=given)
        np.testing.assert_array_equal(jet.tracks, TRACKS)
        assert jet.tracks.dtype == np.float32
        assert jet.n_edges == 20


def test_the_refusal_says_what_to_do() -> None:
    with pytest.raises(JetError) as told:
        Jet.from_arrays(with_rows(0), COLUMNS, jet_id="mine:3")
    begin = "mine:3: tracks 5 to 7 of 8 are 0 in every column, which is padding and no track; "
    assert str(told.value).startswith(f"{begin}leave such rows out with padding='zeros', or ")
    assert told.value.command.startswith(f"{begin}leave such rows out with --padding zeros, or ")


def test_each_column_may_have_its_own_value() -> None:
    rows = np.concatenate([TRACKS, [[0, -999, 0, -99]]])
    with pytest.raises(JetError, match="padding='-999,-99,zeros'"):
        Jet.from_arrays(rows, COLUMNS)
    with pytest.raises(JetError, match="in every column"):
        Jet.from_arrays(rows, COLUMNS, padding="zeros")
    assert Jet.from_arrays(rows, COLUMNS, padding="zeros,-999,-99").n_tracks == 5


def test_any_other_value_can_be_named() -> None:
    rows = with_rows(-5.5)
    assert Jet.from_arrays(rows, COLUMNS).n_tracks == 8  # may be what it says
    assert Jet.from_arrays(rows, COLUMNS, padding=-5.5).n_tracks == 5
    small = with_rows(np.float32(-999.9)).astype(np.float64)
    assert Jet.from_arrays(small, COLUMNS, padding=-999.9).n_tracks == 5


@pytest.mark.parametrize("value", [0.0, -999.0, np.nan])
def test_a_row_between_tracks_is_never_left_out(value: float) -> None:
    rows = with_rows(0)
    rows[2] = value
    with pytest.raises(JetError, match=r"track 2 is .*in every column"):
        Jet.from_arrays(rows, COLUMNS, padding=f"zeros,{value}")


def test_zeros_in_some_columns_are_a_track() -> None:
    tracks = TRACKS.copy()
    tracks[-1, :3] = 0
    tracks[0, 1:] = -1
    for padding in (None, "zeros", -1):
        assert Jet.from_arrays(tracks, COLUMNS, padding=padding).n_tracks == 5


def test_kept_rows_are_tracks() -> None:
    jet = Jet.from_arrays(with_rows(0), COLUMNS, padding="keep")
    assert jet.n_tracks == 8
    assert jet.select(COLUMNS[:3]).shape == (8, 3)


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_one_or_two_columns_may_be_so(value: float) -> None:
    """A charge, or a flag; but not a momentum."""
    charges = np.array([[1.0, 1.0], [value, value], [value, value]])
    assert Jet.from_arrays(charges, ["track_charge", "flag"]).n_tracks == 3
    assert Jet.from_arrays(charges, ["a", "b"], padding=value).n_tracks == 1
    for columns in (["track_pt", "track_dz"], ["track_dz", "trackBTag_Momentum"]):
        with pytest.raises(JetError, match="in every column"):
            Jet.from_arrays(charges, columns)
    with pytest.raises(JetError, match="are -999 in every column"):
        Jet.from_arrays(np.array([[1.0], [-999.0], [-999.0]]), ["track_charge"])


def test_only_padding_is_a_jet_without_tracks() -> None:
    with pytest.raises(JetError, match="the jet has no tracks"):
        Jet.from_arrays(np.zeros((4, 4)), COLUMNS, padding="zeros")


def test_edges_and_truth_follow() -> None:
    rows = with_rows(0, 2, before=True)
    truth = Truth(np.array([6, 6, 1, 1, 0, 0, 0]), np.array([0, 0, 1, 2, 0, 0, 0]))
    jet = Jet.from_arrays(rows, COLUMNS, [[2, 3], [3, 6]], truth=truth, padding="zeros")
    assert jet.edge_index.tolist() == [[0, 1], [1, 4]]
    assert jet.truth is not None
    assert jet.truth.b.tolist() == [1, 2, 0, 0, 0]
    with pytest.raises(JetError, match="edge_index joins row 1 of the tracks, which is masked or"):
        Jet.from_arrays(rows, COLUMNS, [[2, 1], [3, 2]], padding="zeros")


def test_padding_in_the_columns_that_a_network_reads() -> None:
    """A column more, such as a number of the track, does not make a track of it."""
    rows = np.column_stack([with_rows(0), np.arange(8)])
    jet = Jet.from_arrays(rows, (*COLUMNS, "track_number"))
    with pytest.raises(JetError, match="tracks 5 to 7 of 8 are 0 in every column"):
        jet.select(COLUMNS)
    assert len(jet.select(COLUMNS[:2])) == 8  # too few columns to tell


# Masks

MASK = np.repeat([[False]] * 5 + [[True]] * 3, 4, axis=1)


def masked_arrays() -> dict[str, Any]:
    rows = with_rows(7.0)
    masked = np.ma.array(rows, mask=MASK)
    listed = [*TRACKS.tolist(), *[[None] * 4] * 3]
    return {
        "numpy": masked,
        "a list of masked rows": list(masked),
        "None for values": listed,
        "None for rows": [*TRACKS.tolist(), None, None],
        "awkward, values": ak.mask(ak.Array(rows), ak.Array(~MASK)),
        "awkward, rows": ak.pad_none(ak.Array(TRACKS), 8, axis=0),
        "awkward, of lists": ak.Array([*TRACKS.tolist(), None]),
    }


@pytest.mark.parametrize("name", masked_arrays())
def test_masked_rows_are_no_tracks(name: str) -> None:
    jet = Jet.from_arrays(masked_arrays()[name], COLUMNS)
    np.testing.assert_array_equal(jet.tracks, TRACKS)


def test_a_masked_row_between_tracks_says_what_it_is() -> None:
    mask = np.zeros((5, 4), bool)
    mask[2] = True
    jet = Jet.from_arrays(np.ma.array(TRACKS, mask=mask), COLUMNS)
    np.testing.assert_array_equal(jet.tracks, np.delete(TRACKS, 2, axis=0))
    whole = np.ma.array(np.arange(12).reshape(3, 4), mask=False)
    assert Jet.from_arrays(whole, COLUMNS).tracks.tolist() == whole.tolist()


@pytest.mark.parametrize("kind", ["numpy", "list", "awkward"])
def test_a_row_masked_in_part_is_named(kind: str) -> None:
    mask = MASK.copy()
    mask[1, 2] = True
    given: Any = np.ma.array(with_rows(0), mask=mask)
    given = {"numpy": given, "list": given.tolist(), "awkward": ak.from_numpy(given)}[kind]
    words = r"mine: track 1 has no value of trackBTag_Eta \(masked or null\), but of other columns"
    with pytest.raises(JetError, match=words):
        Jet.from_arrays(given, COLUMNS, jet_id="mine")


def test_masks_are_not_forgotten_without_from_arrays() -> None:
    with pytest.raises(JetError, match=r"masked.*Jet\.from_arrays"):
        Jet(np.ma.array(with_rows(7.0), mask=MASK), COLUMNS, np.zeros((2, 0), np.int64))


def test_lists_of_different_lengths_are_told() -> None:
    with pytest.raises(JetError, match=r"tracks must be an array of numbers \[n_tracks, n_column"):
        Jet.from_arrays([[1.0, 2.0], [3.0]], ["a", "b"])


# From files


def padded(array: ak.Array, value: float | None) -> ak.Array:
    """Lists filled up with a value, or with None."""
    filled = ak.from_regular(ak.pad_none(array, LONGEST, clip=True), axis=1)
    return filled if value is None else ak.fill_none(filled, np.float32(value))


def write_padded(path: Path, write_jets: Any, value: float | None) -> list[np.ndarray]:
    """Jets filled up to one length -> their true tracks."""
    plain = write_jets(path.with_name("plain.root"))
    names = [name for name in plain if name.startswith("track")]
    filled = {name: padded(plain[name], value) for name in names}
    if path.suffix == ".root":
        write_jets(path, (LONGEST,) * len(COUNTS), change=filled)
    else:
        ak.to_parquet(ak.Array(plain | filled), path, row_group_size=2)
    return [np.stack([np.asarray(plain[name][at]) for name in names], 1) for at in range(6)]


@pytest.mark.parametrize("name", ["jets.root", "jets.parquet"])
@pytest.mark.parametrize("value", [0.0, -999.0, -99.0, np.nan])
def test_padded_files(tmp_path: Path, write_jets: Any, name: str, value: float) -> None:
    tracks = write_padded(tmp_path / name, write_jets, value)
    with open_jets(tmp_path / name) as jets:
        found = jets.read(on_error="keep")
        assert all("in every column" in str(jet) for jet in found if not isinstance(jet, Jet))
        assert not any(isinstance(jet, Jet) for jet in found)
        assert {bad.reason for bad in jets.problems()} == {PADDED}
    with open_jets(tmp_path / name, padding=value) as jets:
        for jet, there in zip(jets, tracks, strict=True):
            np.testing.assert_array_equal(jet.tracks, there)
        assert jets.problems() == []
        assert jets.summary()["n_tracks"].tolist() == list(COUNTS)
        assert jets.summary()["problem"].tolist() == [None] * 6
        assert jets.rows_left_out() == LONGEST * 6 - sum(COUNTS)
        assert jets[3].n_tracks == 8
    with open_jets(tmp_path / name, padding="-5") as jets:
        assert len(jets.problems()) == 6


def test_nulls_of_parquet_are_no_tracks(tmp_path: Path, write_jets: Any) -> None:
    tracks = write_padded(tmp_path / "jets.parquet", write_jets, None)
    with open_jets(tmp_path / "jets.parquet") as jets:
        for jet, there in zip(jets, tracks, strict=True):
            np.testing.assert_array_equal(jet.tracks, there)
        assert jets.summary()["n_tracks"].tolist() == list(COUNTS)


def test_truth_is_left_out_with_its_rows(tmp_path: Path, write_jets: Any) -> None:
    truth = ak.unflatten(np.ones(sum(COUNTS), np.float32), COUNTS)
    fields = ("track_truth_origin", "track_truth_b")
    filled = {name: padded(truth, -999.0) for name in fields}
    plain = write_jets(tmp_path / "plain.root")
    features = {name: padded(plain[name], -999.0) for name in plain if name.startswith("track")}
    write_jets(tmp_path / "a.root", (LONGEST,) * 6, change=features | filled)
    with open_jets(tmp_path / "a.root", padding="-999") as jets:
        assert [jet.truth.n_tracks for jet in jets if jet.truth] == list(COUNTS)


def test_a_jet_of_padding_alone_and_one_with_a_gap(tmp_path: Path, write_jets: Any) -> None:
    rows = [[0.0] * 3, [1.0, 0.0, 2.0], [3.0, 0.0, 0.0]]
    change = {name: ak.Array(rows) for name in ("track_pt", "track_etarel", "trackBTag_Eta")}
    write_jets(tmp_path / "a.root", (3,) * 3, change=change)
    with open_jets(tmp_path / "a.root", padding="zeros") as jets:
        none, gap, good = jets.read(on_error="keep")
        assert "a.root:0: the jet has no tracks, all its 3 rows are padding" in str(none)
        assert "a.root:1: track 1 is 0 in every column, between others" in str(gap)
        assert isinstance(good, Jet)
        assert jets.summary()["n_tracks"].tolist() == [0, 3, 1]
        assert [text is None for text in jets.summary()["problem"]] == [False, False, True]
    with open_jets(tmp_path / "a.root", padding="keep") as jets:
        assert [jet.n_tracks for jet in jets] == [3, 3, 3]


def test_it_is_part_of_what_jets_are_known_by(tmp_path: Path, write_jets: Any) -> None:
    path = tmp_path / "a.root"
    write_jets(path)
    ways = [open_jets(path, padding=padding) for padding in (None, "zeros", -999, "keep")]
    assert len({jets.identity for jets in ways}) == 4
    assert len({jets.fingerprint(0) for jets in ways}) == 4
    assert open_jets(path, padding=0).identity == ways[1].identity
    assert ways[2].padding == Padding((-999.0,))


def test_check_tells_it(tmp_path: Path, write_jets: Any) -> None:
    write_padded(tmp_path / "jets.root", write_jets, 0.0)

    def checked(**way: str) -> tuple[int, str]:
        out = io.StringIO()
        status = run([str(tmp_path / "jets.root")], console=Console(file=out, width=400), **way)
        return status, out.getvalue()

    status, text = checked()
    assert status == BAD_JETS
    assert "rows of padding, which are no tracks" in text
    assert "leave such rows out with --padding zeros" in text
    status, text = checked(padding="zeros")
    assert status == 0
    assert "6 good" in text
    assert "1 to 8 tracks per jet" in text
    assert "31 rows of padding or null left out" in text


def test_the_same_logits_as_without(tmp_path: Path, write_jets: Any) -> None:
    write_padded(tmp_path / "jets.root", write_jets, 0.0)
    names = ("track_pt", "track_etarel", "trackBTag_Eta")
    model = Model(toys.toy_network(3), names)
    plain = predict(model, open_jets(tmp_path / "plain.root"))
    with pytest.raises(JetlrpError, match="padding"):
        predict(model, open_jets(tmp_path / "jets.root"))
    unusable = predict(model, open_jets(tmp_path / "jets.root"), on_error="nan")
    assert np.isnan(unusable).all()
    jets = open_jets(tmp_path / "jets.root", padding="zeros")
    np.testing.assert_allclose(predict(model, jets), plain, rtol=1e-6)
    np.testing.assert_allclose(explain(model, jets[3]).logits, plain[3], rtol=1e-5)


def test_real_jets_have_none(cms_data: Path) -> None:
    with open_jets(cms_data / "hbb_jets.root") as jets:
        found = jets.read()
        assert len(found) == 917
        assert not any(len(placeholders(jet.tracks, jet.columns)) for jet in found)
        assert jets.rows_left_out() == 0
