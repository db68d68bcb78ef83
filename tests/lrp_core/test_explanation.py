"""The record of an explanation: what it derives, and that files keep every digit of it."""

from __future__ import annotations

import dataclasses
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrp_core.errors import ExplanationFileError
from lrp_core.explainer import explain
from lrp_core.explanation import (
    Explanation,
    Ledger,
    LedgerRow,
    Totals,
    load_explanation,
    significance,
)
from lrp_core.rules import Composite, Epsilon, Flat, Gamma, Zero
from tests.lrp_core import examples as toys


def row(stage: str, received: float, bias: float = 0.0, epsilon: float = 0.0) -> LedgerRow:
    passed = {f"{stage}:input": received - bias - epsilon}
    return LedgerRow(stage, received, passed, bias, epsilon, {f"{stage}:input": "tracks"})


def record(value: float, tracks: Any, *rows: LedgerRow, **changes: Any) -> Explanation:
    """An explanation put together by hand."""
    relevance = np.asarray(tracks, dtype=np.float64)
    fields: dict[str, Any] = {
        "logits": np.array([0.0, value]),
        "probabilities": np.array([0.5, 0.5]),
        "classes": ("qcd", "hbb"),
        "target": "hbb",
        "rule": Gamma(1.0),
        "dtype": "float64",
        "value": value,
        "track_relevance": relevance,
        "edge_index": np.zeros((2, 0), np.int64),
        "edge_relevance": np.zeros((0, 2 * relevance.shape[1])),
        "edge_significance": np.zeros(0),
        "ledger": Ledger(rows),
        "columns": tuple(f"column_{number}" for number in range(relevance.shape[1])),
        "jet_id": "jet",
        "model_name": "network",
        "checkpoint_hash": "",
        "version": "0",
    }
    return Explanation(**{**fields, **changes})


@pytest.mark.parametrize("suffix", [".npz", ".json"])
def test_a_summary_of_the_edges_is_kept_in_files(tmp_path: Path, suffix: str) -> None:
    explanation = explain(toys.toy_model(), toys.toy_jet(), edges="summary")
    read = load_explanation(explanation.save(tmp_path / f"summary{suffix}"))
    assert read.edge_sums is not None
    assert read.edge_relevance.shape == explanation.edge_relevance.shape
    assert np.array_equal(read.signed_edge_relevance, explanation.signed_edge_relevance)


# The conservation error, as the method defines it.


@pytest.mark.parametrize(
    ("value", "tracks", "accounts", "expected"),
    [
        (4.0, [[1.0, 2.0]], [(1.0, 0.0)], 0.0),
        (4.0, [[1.0, 2.0]], [(0.5, 0.0)], 0.5 / 4),
        (-4.0, [[-1.0, -2.0]], [(-0.5, 0.0)], 0.5 / 4),
        (1.0, [[3.0, -1.0]], [(-5.0, 0.0), (4.5, 0.0)], 0.5 / 5),  # the largest bias of one row
        (1.0, [[3.0, -1.0]], [(0.0, -5.0), (0.0, 4.5)], 0.5 / 5),  # the largest ε of one row
        (1.0, [[1.0, -1.0]], [(2.0, -3.0), (1.0, 1.5)], 0.5 / 3),  # not their sum
        (0.0, [[0.0, 0.0]], [(0.0, 0.0)], 0.0),
        (0.0, [[2.0, -1.0]], [(-2.0, 1.0)], 0.0),
        (0.0, [[2.0, -1.0]], [(-2.0, 1.5)], 0.5 / 2),
        (0.0, [[2.0, -1.0]], [(0.0, 0.0)], np.inf),
        (0.0, [[2.0, -1.0]], [], np.inf),
    ],
)
def test_conservation_error(
    value: float, tracks: Any, accounts: list[tuple[float, float]], expected: float
) -> None:
    rows = [row(f"stage_{i}", 1.0, *account) for i, account in enumerate(accounts)]
    explanation = record(value, tracks, *rows)
    assert explanation.conservation_error == pytest.approx(expected, rel=1e-14)
    assert isinstance(explanation.conservation_error, float)


def test_conservation_error_is_summed_in_float64() -> None:
    """A million equal terms: their sum in float32 would be off by more than the bound."""
    tracks = np.full((1000, 1000), 0.1, np.float32)
    exact = float(np.float32(0.1)) * 1e6
    explanation = record(exact, tracks, track_relevance=tracks)
    assert explanation.conservation_error < 1e-12
    assert explanation.totals.tracks == pytest.approx(exact, rel=1e-12)


def test_the_error_is_that_of_the_returned_tracks() -> None:
    """Not of what the engine knew: an explanation that is tampered with shows it."""
    explanation = explain(toys.toy_model(), toys.toy_jet(), dtype="float64")
    assert explanation.conservation_error < 1e-13
    explanation.track_relevance[0, 0] += 0.01
    assert explanation.conservation_error > 1e-4
    rows = tuple(dataclasses.replace(one, bias=0.0) for one in explanation.ledger)
    assert dataclasses.replace(explanation, ledger=Ledger(rows)).conservation_error > 1e-3


# The ledger.


def test_the_ledger_is_a_sequence_that_knows_its_stages() -> None:
    ledger = Ledger((row("last", 4.0, bias=1.0), row("first", 3.0, bias=-2.0, epsilon=0.5)))
    assert len(ledger) == 2
    assert [one.stage for one in ledger] == ["last", "first"]
    assert ledger[0] is ledger["last"]
    assert ledger[-1] is ledger["first"]
    assert ledger[:1] == (ledger["last"],)
    assert (ledger.bias, ledger.epsilon, ledger.largest_account) == (-1.0, 0.5, 2.0)
    assert ledger["first"].error == 0.0
    assert dataclasses.replace(ledger["first"], bias=0.0).error == -2.0
    with pytest.raises(KeyError, match="last, first"):
        ledger["middle"]
    assert Ledger(()).largest_account == 0.0
    assert Ledger(()).bias == 0.0
    assert record(3.0, [[1.0, -0.5]], *ledger).totals == Totals(0.5, -1.0, 0.5)


# What is derived.


def test_duplicate_columns_are_added_up_by_feature() -> None:
    tracks = np.array([[1.0, 2.0, 4.0, 8.0, 16.0], [-1.0, 0.5, 1.0, 0.25, 0.0]])
    explanation = record(1.0, tracks, columns=("pt", "eta", "pt", "dz", "eta"))
    assert explanation.features == ("pt", "eta", "dz")
    assert explanation.feature_relevance.tolist() == [[5, 18, 8], [0, 0.5, 0.25]]
    single = record(1.0, tracks.astype(np.float32), track_relevance=tracks.astype(np.float32))
    assert single.feature_relevance.dtype == np.float32
    assert single.features == single.columns
    np.testing.assert_array_equal(single.feature_relevance, tracks)


def test_real_columns_fill_48_and_name_45_features(cms_data: Path) -> None:
    explanation = explain(toys.real_model(cms_data), toys.hundred_jets(cms_data)[0])
    assert len(explanation.columns) == explanation.track_relevance.shape[1] == 48
    assert len(explanation.features) == explanation.feature_relevance.shape[1] == 45
    twice = [name for name in explanation.features if explanation.columns.count(name) == 2]
    assert sorted(twice) == ["track_dlambdadz", "track_pt", "track_ptrel"]
    for name in twice:
        both = [place for place, column in enumerate(explanation.columns) if column == name]
        np.testing.assert_allclose(
            explanation.feature_relevance[:, explanation.features.index(name)],
            explanation.track_relevance[:, both].sum(axis=1),
            rtol=1e-6,
        )
    assert explanation.edge_relevance.shape[1] == 96


def test_signed_edge_relevance_is_the_sum_of_the_row() -> None:
    edges = np.array([[1.0, -2.0], [0.5, 0.25]])
    explanation = record(1.0, [[0.0]], edge_relevance=edges)
    assert explanation.signed_edge_relevance.tolist() == [-1.0, 0.75]


def test_significance_is_the_share_of_the_norm() -> None:
    np.testing.assert_allclose(
        significance(np.array([[3.0, 4.0], [0.0, 0.0], [0.0, -15.0]])), [0.25, 0.0, 0.75]
    )
    assert significance(np.zeros((3, 4))).tolist() == [0, 0, 0]
    assert significance(np.zeros((0, 4))).shape == (0,)
    for dtype, tolerance in ((np.float32, 1e-6), (np.float64, 1e-14)):
        rows = np.random.default_rng(0).normal(size=(500, 96)).astype(dtype)
        share = significance(rows)
        assert share.dtype == dtype
        assert (share >= 0).all()
        assert share.sum(dtype=np.float64) == pytest.approx(1.0, abs=tolerance)
    # Numbers whose squares a float32 cannot hold.
    for size in (1e-30, 1e30):
        tiny = significance(np.array([[3 * size], [size]], np.float32))
        np.testing.assert_allclose(tiny, [0.75, 0.25], rtol=1e-6)


# Files.

COMPOSITE = Composite({"edge_mlp.*": Epsilon(1e-9), "*.0": Flat()}, default=Gamma(0.1))


@cache
def some() -> dict[str, Explanation]:
    model, other = toys.toy_model(), toys.two_blocks()
    jet = toys.toy_jet(4, 3)
    no_edges = toys.toy_jet(3, 1, np.zeros((2, 0)))
    short = toys.toy_jet(4, 1, columns=toys.COLUMNS[:3])
    return {
        "float32": explain(model, jet),
        "float64": explain(model, jet, target="qcd", rule=Zero(), dtype="float64"),
        "composite": explain(model, jet, rule=COMPOSITE),
        "one track": explain(model, toys.toy_jet(1)),
        "no edges": explain(model, no_edges, dtype="float64"),
        "two blocks": explain(other, short, rule=Epsilon(0.1, relative=True), dtype="float64"),
        "odd names": dataclasses.replace(
            explain(model, jet), jet_id='päth/"with: [quotes]\n', model_name="", columns=("ß",) * 5
        ),
    }


def assert_identical(one: Any, two: Any) -> None:
    for field in dataclasses.fields(Explanation):
        if field.name == "jet":  # no part of the files
            continue
        first, second = getattr(one, field.name), getattr(two, field.name)
        assert type(first) is type(second), field.name
        if isinstance(first, np.ndarray):
            assert first.dtype == second.dtype
            assert first.shape == second.shape
            assert first.tobytes() == second.tobytes(), field.name
        elif field.name == "deeper_edge_relevance":
            assert list(first) == list(second)
            for stage in first:
                assert first[stage].dtype == second[stage].dtype
                np.testing.assert_array_equal(first[stage], second[stage])
        else:
            assert first == second, field.name
    for name in ("conservation_error", "features", "totals"):
        assert getattr(one, name) == getattr(two, name)
    np.testing.assert_array_equal(one.feature_relevance, two.feature_relevance)


@pytest.mark.parametrize("ending", [".npz", ".json"])
@pytest.mark.parametrize("kind", some())
def test_files_lose_nothing(kind: str, ending: str, tmp_path: Path) -> None:
    explanation = some()[kind]
    path = tmp_path / f"explanation{ending}"
    assert explanation.save(path) == path
    assert_identical(load_explanation(path), explanation)
    again = load_explanation(str(path))
    assert again.save(str(tmp_path / f"again{ending}")) == tmp_path / f"again{ending}"
    assert_identical(load_explanation(tmp_path / f"again{ending}"), explanation)


def test_awkward_numbers_are_kept(tmp_path: Path) -> None:
    numbers = np.array([[-0.0, 5e-324, 1.7976931348623157e308, 0.1, 1 / 3]])
    for dtype in (np.float64, np.float32):
        with np.errstate(over="ignore"):
            tracks = np.nan_to_num(numbers.astype(dtype))
        explanation = record(0.1 + 0.2, tracks, row("stage", 1 / 3, 5e-324, -0.0))
        explanation = dataclasses.replace(explanation, track_relevance=tracks)
        for ending in (".npz", ".json"):
            assert_identical(
                load_explanation(explanation.save(tmp_path / f"a{ending}")), explanation
            )


def test_json_is_json(tmp_path: Path) -> None:
    path = some()["two blocks"].save(tmp_path / "a.json")
    content = json.loads(path.read_text("utf-8"), parse_constant=pytest.fail)
    assert content["format"] == "jetlrp explanation 1"
    assert content["rule"]["name"] == "epsilon"
    assert content["ledger"][0]["stage"] == "read_out.2"
    assert content["arrays"]["track_relevance"]["shape"] == [4, 3]


def test_pieces_are_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for kind, explanation in some().items():
        whole = explanation.save(tmp_path / "a.json").read_bytes()
        assert b"".join(explanation.pieces(".json")) == whole
        with monkeypatch.context() as small:
            small.setattr("lrp_core.explanation.JSON_NUMBERS", 7)
            pieces = list(explanation.pieces(".json"))
        assert len(pieces) >= explanation.track_relevance.shape[0] + len(explanation.edge_relevance)
        assert json.loads(b"".join(pieces)) == json.loads(whole), kind
        (tmp_path / "a.npz").write_bytes(b"".join(explanation.pieces(".npz")))
        assert_identical(load_explanation(tmp_path / "a.npz"), explanation)


@pytest.mark.parametrize("where", ["track_relevance", "edge_relevance", "value"])
def test_json_cannot_hold_what_is_not_finite(where: str, tmp_path: Path) -> None:
    good = some()["float32"]
    bad = np.nan if where == "value" else np.full_like(getattr(good, where), np.inf)
    explanation = dataclasses.replace(good, **{where: bad})
    with pytest.raises(ExplanationFileError, match=rf"a\.json: not finite: {where}.*\.npz"):
        explanation.save(tmp_path / "a.json")
    assert not list(tmp_path.iterdir())
    with pytest.raises(ExplanationFileError, match="not finite"):  # before the first piece
        explanation.pieces(".json")
    found = load_explanation(explanation.save(tmp_path / "a.npz"))
    np.testing.assert_array_equal(getattr(found, where), bad)


def test_the_features_of_an_edge() -> None:
    rows = np.arange(1.0, 13.0).reshape(2, 6)
    explanation = record(
        0.0,
        np.zeros((2, 3)),
        edge_relevance=rows,
        edge_index=np.array([[0, 1], [1, 0]]),
        columns=("pt", "eta", "pt"),
    )
    assert explanation.edge_columns == ("pt", "eta", "pt")
    assert explanation.edge_feature_relevance(0).tolist() == [[4, 2], [10, 5]]
    assert explanation.edge_feature_relevance(1).tolist() == [[16, 8], [22, 11]]
    np.testing.assert_array_equal(
        [explanation.edge_feature_relevance(edge).sum() for edge in (0, 1)],
        explanation.signed_edge_relevance,
    )
    encoded = dataclasses.replace(explanation, edge_relevance=rows[:, :4])
    assert encoded.edge_columns == ("encoder column 0", "encoder column 1")
    assert encoded.edge_feature_relevance(0).tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("name", ["a.txt", "a", "a.npy", "a.json.gz"])
def test_other_endings_are_refused_and_nothing_is_written(name: str, tmp_path: Path) -> None:
    with pytest.raises(ExplanationFileError, match=r"\.npz or \.json"):
        some()["float32"].save(tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", [".npz", ".json"])
def test_files_that_cannot_be_written(ending: str, tmp_path: Path) -> None:
    with pytest.raises(ExplanationFileError, match="cannot be written"):
        some()["float32"].save(tmp_path / "nowhere" / f"a{ending}")


@pytest.mark.parametrize("name", ["a.npz", "a.json", "b"])
def test_a_file_that_is_not_there(name: str, tmp_path: Path) -> None:
    with pytest.raises(ExplanationFileError, match=f"{name}: there is no such file"):
        load_explanation(tmp_path / name)


@cache
def bad_contents() -> dict[str, bytes]:
    good = json.loads(_json_of(some()["float32"]))

    def changed(**changes: Any) -> bytes:
        return json.dumps({**good, **changes}).encode()

    return {
        "empty": b"",
        "garbage": b"\x93\x00garbage\xff",
        "a number": b"5",
        "null": b"null",
        "a list": b"[]",
        "an empty object": b"{}",
        "another format": changed(format="jetlrp explanation 2"),
        "no arrays": changed(arrays=5),
        "an unknown rule": changed(rule={"name": "delta"}),
        "no rule": changed(rule=None),
        "a field too many": changed(extra=1),
        "a ledger of something else": changed(ledger=[{"stage": "a"}]),
        "a missing field": json.dumps({k: v for k, v in good.items() if k != "value"}).encode(),
        "cut short": _json_of(some()["float32"]).encode()[:500],
        "a shape that does not fit": changed(
            arrays={**good["arrays"], "logits": {"dtype": "float64", "shape": [3], "data": [1.0]}}
        ),
    }


def _json_of(explanation: Explanation) -> str:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return explanation.save(Path(folder) / "a.json").read_text("utf-8")


@pytest.mark.parametrize("ending", [".npz", ".json"])
@pytest.mark.parametrize("what", bad_contents())
def test_bad_files_are_one_clear_error(what: str, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"bad{ending}"
    path.write_bytes(bad_contents()[what])
    with pytest.raises(ExplanationFileError, match=f"bad\\{ending}: is not an explanation"):
        load_explanation(path)


def test_damaged_npz_files_are_one_clear_error(tmp_path: Path) -> None:
    """Cut and overwritten at many places: an error of ours, or what was saved."""
    good, path = some()["float32"].save(tmp_path / "good.npz").read_bytes(), tmp_path / "bad.npz"
    draw = np.random.default_rng(0)
    n_refused = 0
    for _ in range(150):
        damaged = bytearray(good)
        for place in draw.integers(len(good), size=draw.integers(1, 4)):
            damaged[place] = draw.integers(256)
        path.write_bytes(damaged[: draw.integers(len(good))] if draw.random() < 0.3 else damaged)
        try:
            load_explanation(path)
        except ExplanationFileError:
            n_refused += 1
    assert n_refused > 100


def test_files_hold_no_code(tmp_path: Path) -> None:
    """An array of pickled objects is refused, never unpickled."""
    canary = tmp_path / "canary"

    class Evil:
        def __reduce__(self) -> Any:
            return (Path.touch, (canary,))

    with (tmp_path / "a.npz").open("wb") as file:
        np.savez(file, meta=np.array([Evil()], dtype=object))
    with pytest.raises(ExplanationFileError):
        load_explanation(tmp_path / "a.npz")
    assert not canary.exists()
