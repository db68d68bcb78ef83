"""Files of relevance: what is written is read back, here and by others, and nothing is mixed up."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lrp_core.errors import RelevanceFileError
from lrp_core.explainer import explain_batch
from lrp_core.explanation import Explanation
from lrp_core.jets import Jet
from lrp_core.reading import BadJet
from lrp_core.relevance_file import JetRelevance, Problem, RelevanceWriter, open_relevance
from tests.lrp_core import examples as toys

SIZES = (3, 1, 6, 4, 2)
BAD = 4  # the jet behind the others cannot be read
ARRAYS = ("feature_relevance", "edge_index", "edge_significance", "signed_edge_relevance")


def run_of(**other: Any) -> dict[str, Any]:
    features = list(dict.fromkeys(toys.COLUMNS))
    return {
        "first": 0,
        "last": len(SIZES) - 1,
        "classes": ["qcd", "hbb"],
        "columns": list(toys.COLUMNS),
        "features": features,
        "rule": {"name": "gamma"},
        "dtype": "float32",
        "edges": "summary",
        **other,
    }


def examples(
    edges: str = "summary", dtype: str = "float32"
) -> tuple[list[Explanation], list[JetRelevance]]:
    """Four jets explained, and the rows of five."""
    jets = [toys.toy_jet(size, seed) for seed, size in enumerate(SIZES[:BAD])]
    found = explain_batch(toys.toy_model(), jets, dtype=dtype)
    rows = [
        JetRelevance.of(number, jet, explanation, edges)
        for number, (jet, explanation) in enumerate(zip(jets, found, strict=True))
    ]
    bad = BadJet(BAD, "toy.root:4", "no tracks", "toy.root:4: the jet has no tracks")
    rows.append(JetRelevance.failed(BAD, bad, bad.message, found[0].target, str(found[0].rule)))
    return found, rows


def written(path: Path, edges: str = "summary", dtype: str = "float32") -> list[Explanation]:
    found, rows = examples(edges, dtype)
    with RelevanceWriter(path, run_of(edges=edges, dtype=dtype)) as writer:
        writer.write(rows[:2])
        writer.write(rows[2:])
        writer.finish()
    return found


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("edges", ["none", "summary", "full"])
def test_rows_come_back_as_they_were(edges: str, dtype: str, tmp_path: Path) -> None:
    path = tmp_path / "relevance.parquet"
    found = written(path, edges, dtype)
    assert [one.name for one in tmp_path.iterdir()] == ["relevance.parquet"]
    relevance = open_relevance(path)
    assert len(relevance) == len(list(relevance)) == len(SIZES)
    assert relevance.features == found[0].features
    assert relevance.run["edges"] == edges
    for explanation, row, again in zip(found, relevance, relevance[:BAD], strict=False):
        assert row.problem is None
        for name in ("jet_id", "target", "value", "totals", "conservation_error"):
            assert getattr(row, name) == getattr(again, name) == getattr(explanation, name)
        assert row.rule == str(explanation.rule)
        assert row.n_tracks == len(explanation.track_relevance)
        np.testing.assert_array_equal(row.logits, explanation.logits)
        np.testing.assert_array_equal(row.probabilities, explanation.probabilities)
        for name in (*ARRAYS, "edge_relevance"):
            values, expected = getattr(row, name), getattr(explanation, name)
            if name.startswith("feature") or edges == "full":
                held = True
            else:
                held = edges == "summary" and name != "edge_relevance"
            if held:
                assert values.dtype == expected.dtype
                np.testing.assert_array_equal(values, expected)
            else:
                assert values is None


def test_a_jet_without_an_explanation_has_a_row_that_says_why(tmp_path: Path) -> None:
    path = tmp_path / "relevance.parquet"
    written(path)
    relevance = open_relevance(path)
    message = "toy.root:4: the jet has no tracks"
    assert relevance.problems() == [Problem(BAD, "toy.root:4", message)]
    row = relevance[-1]
    assert (row.index, row.jet_id, row.problem) == (BAD, "toy.root:4", message)
    assert row.value is None
    assert row.n_tracks is None
    assert row.feature_relevance is None
    assert row.edge_index is None


def test_all_jets_fail(tmp_path: Path) -> None:
    rows = [
        JetRelevance.failed(number, toys.toy_jet(2), "why", "margin", "zero") for number in (0, 1)
    ]
    for edges in ("none", "summary", "full"):
        with RelevanceWriter(tmp_path / f"{edges}.parquet", run_of(last=1, edges=edges)) as writer:
            writer.write(rows)
            writer.finish()
        relevance = open_relevance(tmp_path / f"{edges}.parquet")
        assert [row.problem for row in relevance] == ["why", "why"]
        assert relevance[1].n_tracks == 2  # the jet itself could be read


def test_pandas_reads_it(tmp_path: Path) -> None:
    found = written(tmp_path / "r.parquet", "full")
    table = pd.read_parquet(tmp_path / "r.parquet")
    assert table["index"].tolist() == list(range(len(SIZES)))
    assert table["n_tracks"].tolist()[:BAD] == list(SIZES[:BAD])
    assert table["problem"].notna().tolist() == [False] * BAD + [True]
    np.testing.assert_array_equal(
        table["logit_hbb"][:BAD], [explanation.logits[1] for explanation in found]
    )
    for number, explanation in enumerate(found):
        values = np.stack(table["feature_relevance"][number])
        np.testing.assert_array_equal(values, explanation.feature_relevance)
        np.testing.assert_array_equal(
            table["edge_significance"][number], explanation.edge_significance
        )
    np.testing.assert_array_equal(np.stack(table["edge_relevance"][0]), found[0].edge_relevance)


def test_awkward_reads_it(tmp_path: Path) -> None:
    found = written(tmp_path / "r.parquet", "full")
    jets = ak.from_parquet(tmp_path / "r.parquet")
    good = jets[ak.is_none(jets.problem)]
    assert len(good) == BAD
    for number, explanation in enumerate(found):
        for name in ("feature_relevance", "edge_significance", "signed_edge_relevance"):
            values = ak.to_numpy(good[name][number])
            np.testing.assert_array_equal(values, getattr(explanation, name))
    np.testing.assert_array_equal(ak.to_numpy(good.edge_source[2]), found[2].edge_index[0])
    total = ak.sum(ak.sum(good.feature_relevance, axis=2), axis=1)
    np.testing.assert_allclose(total, [one.totals.tracks for one in found], rtol=1e-5)


def test_polars_reads_it(tmp_path: Path) -> None:
    found = written(tmp_path / "r.parquet")
    table = pl.read_parquet(tmp_path / "r.parquet")
    assert table.filter(pl.col("problem").is_not_null())["index"].to_list() == [BAD]
    for number, explanation in enumerate(found):
        values = table["feature_relevance"][number].to_numpy()
        np.testing.assert_array_equal(values, explanation.feature_relevance)
        np.testing.assert_array_equal(
            table["signed_edge_relevance"][number], explanation.signed_edge_relevance
        )
    only = pl.scan_parquet(tmp_path / "r.parquet").select("value").collect()
    assert only["value"].to_list()[:BAD] == [explanation.value for explanation in found]


def test_a_later_writer_goes_on(tmp_path: Path) -> None:
    path, (_, rows) = tmp_path / "r.parquet", examples()
    with RelevanceWriter(path, run_of()) as writer:
        writer.write(rows[:2])
    with pytest.raises(RelevanceFileError, match=r"is not complete.*goes on.*r\.parquet\.parts"):
        open_relevance(path)
    (tmp_path / "r.parquet.parts" / "unfinished").write_bytes(b"half a pa")
    with RelevanceWriter(path, run_of()) as writer:
        assert not writer.complete
        assert writer.next == 2
        with pytest.raises(ValueError, match="from 2 on"):
            writer.write(rows[:1])
        with pytest.raises(ValueError, match="before 2 of 5"):
            writer.finish()
        writer.write(rows[2:])
        assert [problem.index for problem in writer.problems()] == [BAD]
        writer.finish()
    written(tmp_path / "at_once.parquet")
    assert path.read_bytes() == (tmp_path / "at_once.parquet").read_bytes()


def test_a_complete_file_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "r.parquet"
    written(path)
    before = path.stat()
    (tmp_path / "r.parquet.parts").mkdir()  # as where it was stopped while it removed the parts
    (tmp_path / "r.parquet.parts" / "part-000000000000-000000000005.parquet").touch()
    with RelevanceWriter(path, run_of()) as writer:
        assert writer.complete
        assert writer.next == len(SIZES)
        assert len(writer.problems()) == 1
    assert [one.name for one in tmp_path.iterdir()] == ["r.parquet"]
    assert path.stat().st_mtime_ns == before.st_mtime_ns


@pytest.mark.parametrize("complete", [False, True])
def test_another_run_is_refused_and_told_apart(complete: bool, tmp_path: Path) -> None:
    path, (_, rows) = tmp_path / "r.parquet", examples()
    with RelevanceWriter(path, run_of()) as writer:
        writer.write(rows)
        if complete:
            writer.finish()
    other = run_of(rule={"name": "zero"}, checkpoint_hash="12")
    wanted = r"another run: rule was \{.*gamma.*\}, is now \{.*zero.*\}; checkpoint_hash was null"
    with pytest.raises(RelevanceFileError, match=wanted) as told:
        RelevanceWriter(path, other)
    assert "target" not in str(told.value)
    with RelevanceWriter(path, run_of()) as writer:  # and nothing is lost
        assert writer.next == len(SIZES)


def test_a_part_is_missing(tmp_path: Path) -> None:
    path, (_, rows) = tmp_path / "r.parquet", examples()
    with RelevanceWriter(path, run_of()) as writer:
        writer.write(rows[:2])
        writer.write(rows[2:3])
    next((tmp_path / "r.parquet.parts").glob("part-000000000000-*")).unlink()
    with pytest.raises(RelevanceFileError, match="begins with jet 0 is missing"):
        RelevanceWriter(path, run_of())


def test_a_damaged_part_is_named(tmp_path: Path) -> None:
    path, (_, rows) = tmp_path / "r.parquet", examples()
    with RelevanceWriter(path, run_of()) as writer:
        writer.write(rows)
        part = next((tmp_path / "r.parquet.parts").glob("part-*"))
        part.write_bytes(part.read_bytes()[:100])
        with pytest.raises(RelevanceFileError, match=f"{part.name}: cannot be read"):
            writer.finish()
        with pytest.raises(RelevanceFileError, match=f"{part.name}: cannot be read"):
            writer.problems()
    assert not path.exists()


def test_two_writers_at_the_same_time(tmp_path: Path) -> None:
    path = tmp_path / "r.parquet"
    with (
        RelevanceWriter(path, run_of()),
        pytest.raises(RelevanceFileError, match="another process is writing it"),
    ):
        RelevanceWriter(path, run_of())
    RelevanceWriter(path, run_of()).close()


def test_no_room_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, (_, rows) = tmp_path / "r.parquet", examples()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with RelevanceWriter(path, run_of()) as writer:
        writer.write(rows[:2])
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            wanted = (
                r"r\.parquet: cannot be written \(No space left on device\); 2 of 5 jets are kept"
            )
            with pytest.raises(RelevanceFileError, match=wanted):
                writer.write(rows[2:])
        writer.write(rows[2:])
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(RelevanceFileError, match=r"No space.*5 of 5 jets are kept"):
                writer.finish()
        assert not path.exists()
        writer.finish()
    assert len(open_relevance(path)) == len(SIZES)


@pytest.mark.parametrize("folder", ["nowhere", "file"])
def test_a_folder_that_cannot_be_written(folder: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RelevanceFileError, match=r"cannot be written \((No such|Not a dir)"):
        RelevanceWriter(tmp_path / folder / "r.parquet", run_of())


def test_files_of_others_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RelevanceFileError, match=r"none\.parquet: there is no such file"):
        open_relevance(tmp_path / "none.parquet")
    (tmp_path / "text.parquet").write_text("no Parquet")
    pq.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    later = pa.schema([pa.field("a", pa.int64())], {"jetlrp": json.dumps({"format": "later"})})
    pq.write_table(pa.table({"a": [1]}, later), tmp_path / "later.parquet")
    for name in ("text", "other", "later"):
        path = tmp_path / f"{name}.parquet"
        before = path.read_bytes()
        for use in (open_relevance, lambda path: RelevanceWriter(path, run_of())):
            with pytest.raises(RelevanceFileError, match=f"{name}.parquet: is no relevance"):
                use(path)
        assert path.read_bytes() == before


def test_rows_are_grouped_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many small parts become few row groups, and each jet is found in its own."""
    monkeypatch.setattr("lrp_core.relevance_file.GROUP_JETS", 2)
    _, rows = examples()
    with RelevanceWriter(tmp_path / "r.parquet", run_of()) as writer:
        for row in rows:
            writer.write([row])
        writer.finish()
    assert pq.read_metadata(tmp_path / "r.parquet").num_row_groups == 3
    relevance = open_relevance(tmp_path / "r.parquet")
    for order in (range(len(SIZES)), reversed(range(len(SIZES)))):
        for number in order:
            assert relevance[number].index == number
    with pytest.raises(IndexError):
        relevance[len(SIZES)]


def test_jets_that_are_no_complete_graphs(tmp_path: Path) -> None:
    jet = Jet.from_arrays(
        np.ones((3, len(toys.COLUMNS))), toys.COLUMNS, [[0, 2, 1], [1, 1, 0]], jet_id="own"
    )
    found = explain_batch(toys.toy_model(), [jet])[0]
    with RelevanceWriter(tmp_path / "r.parquet", run_of(last=0)) as writer:
        writer.write([JetRelevance.of(0, jet, found)])
        writer.finish()
    np.testing.assert_array_equal(
        open_relevance(tmp_path / "r.parquet")[0].edge_index, [[0, 2, 1], [1, 1, 0]]
    )
