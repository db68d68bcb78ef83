"""Whole files of jets explained: the same numbers, every jet accounted for, whatever happens."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import torch
from rich.console import Console

from lrp_core import embedded, streaming
from lrp_core.checkpoint import load_model
from lrp_core.commands import explain_all
from lrp_core.errors import (
    JetError,
    JetIndexError,
    PropagationError,
    RelevanceFileError,
    RuleError,
    SettingsError,
    TargetError,
)
from lrp_core.explainer import explain, explain_batch
from lrp_core.explanation import Explanation
from lrp_core.model import Model
from lrp_core.reading import JetFiles, open_jets
from lrp_core.relevance_file import JetRelevance, open_relevance
from lrp_core.streaming import explain_files
from tests.lrp_core import examples as toys

REPOSITORY = Path(__file__).resolve().parents[2]
COLUMNS = ("track_pt", "track_etarel", "trackBTag_Eta", "track_pt")
COUNTS = (3, 5, 1, 8, 2, 4, 6, 7, 3, 2)

Files = tuple[JetFiles, Model]


@pytest.fixture
def files(tmp_path: Path, write_jets: Callable[..., Any]) -> Files:
    """Ten small jets and a network that reads them."""
    write_jets(tmp_path / "toy.root", COUNTS)
    torch.save(toys.toy_network(4).state_dict(), tmp_path / "toy.pth")
    (tmp_path / "definitions.yml").write_text(f"features: {list(COLUMNS)}\n")
    return open_jets(tmp_path / "toy.root"), load_model(tmp_path / "toy.pth")


def bad_files(tmp_path: Path, write_jets: Callable[..., Any]) -> JetFiles:
    """The same jets, of which 1 has a NaN, and 4 so large a value that logits overflow."""
    values = ak.to_list(write_jets(tmp_path / "good.root", COUNTS)["track_pt"])
    values[1][2], values[4][0] = float("nan"), 3e38
    change = {"track_pt": ak.values_astype(ak.Array(values), "float32")}
    write_jets(tmp_path / "bad.root", COUNTS, change=change)
    return open_jets(tmp_path / "bad.root")


def assert_same(row: JetRelevance, found: Explanation, rtol: float = 0.0) -> None:
    scale = float(np.abs(found.feature_relevance).max())
    np.testing.assert_allclose(row.value, found.value, rtol=rtol)
    np.testing.assert_allclose(row.logits, found.logits, rtol=rtol)
    for name in ("feature_relevance", "signed_edge_relevance", "edge_significance"):
        values, expected = getattr(row, name), getattr(found, name)
        np.testing.assert_allclose(values, expected, rtol=rtol, atol=rtol * max(scale, 1))
    np.testing.assert_array_equal(row.edge_index, found.edge_index)


@pytest.mark.parametrize("rule", [None, "zero", "hin-lrp"])
def test_numbers_are_those_of_explain(files: Files, rule: str | None, tmp_path: Path) -> None:
    jets, model = files
    found = explain_files(model, jets, tmp_path / "r.parquet", rule=rule, jets_at_once=4)
    assert (found.n_jets, found.n_before, found.problems) == (len(COUNTS), 0, ())
    relevance = open_relevance(found.path)
    for number, row in enumerate(relevance):
        expected = explain(model, jets[number], rule=rule, edges="summary")
        assert_same(row, expected, rtol=1e-5)
        assert (row.target, row.rule) == (expected.target, str(expected.rule))
        assert (row.jet_id, row.label, row.pt) == (
            expected.jet_id,
            jets[number].label,
            jets[number].pt,
        )
    assert relevance.run["checkpoint_hash"] == model.checkpoint_hash
    assert relevance.run["jets"][0]["name"] == "toy.root"
    assert relevance.run["jets"][0]["n_jets"] == len(COUNTS)
    assert relevance.run["feature_units"] == ["GeV", "", ""]
    way = [relevance.run[name] for name in ("tree", "column_map", "padding")]
    assert way == [None, {}, None]


def test_a_part_of_the_jets_in_float64_with_full_edges(files: Files, tmp_path: Path) -> None:
    jets, model = files
    told: list[tuple[int, int]] = []
    explain_files(
        model,
        jets,
        tmp_path / "r.parquet",
        dtype="float64",
        edges="full",
        first=2,
        last=7,
        jets_at_once=4,
        progress=lambda *done: told.append(done),
    )
    assert told == [(0, 6), (4, 6), (6, 6)]
    relevance = open_relevance(tmp_path / "r.parquet")
    assert [row.index for row in relevance] == [2, 3, 4, 5, 6, 7]
    for row in relevance:
        expected = explain(model, jets[row.index], dtype="float64")
        assert_same(row, expected, rtol=1e-10)
        assert row.edge_relevance is not None
        assert row.edge_relevance.dtype == np.float64
        np.testing.assert_allclose(row.edge_relevance, expected.edge_relevance, atol=1e-12)


def same_numbers(jets: JetFiles, model: Model, out: Path) -> None:
    """Forty jets: to the last digit those of ``explain_batch``, within rounding of ``explain``."""
    explain_files(model, jets, out, rule="zero", first=100, last=139, jets_at_once=16)
    together = explain_batch(model, jets.read(100, 116), rule="zero", edges="summary")
    relevance = open_relevance(out)
    assert len(relevance) == 40
    for row, found in zip(relevance, together, strict=False):
        assert_same(row, found)
    for row in relevance[16:]:
        assert_same(row, explain(model, jets[row.index], rule="zero"), rtol=1e-4)
        assert row.conservation_error is not None
        assert row.conservation_error < 1e-5


def test_simulated_jets(tmp_path: Path) -> None:
    same_numbers(open_jets(), load_model(), tmp_path / "r.parquet")


def test_real_jets(cms_data: Path, tmp_path: Path) -> None:
    model = load_model(cms_data / "IN.pth", cms_data / "definitions.yml")
    same_numbers(open_jets(cms_data / "hbb_jets.root"), model, tmp_path / "r.parquet")


def test_bad_jets_are_listed_and_nothing_is_dropped(
    tmp_path: Path, write_jets: Callable[..., Any], files: Files
) -> None:
    good, model = files
    jets = bad_files(tmp_path, write_jets)
    found = explain_files(model, jets, tmp_path / "r.parquet", jets_at_once=4)
    assert [problem.index for problem in found.problems] == [1, 4]
    assert "not finite" in found.problems[0].problem
    assert found.problems[1].jet_id == "bad.root:4"
    relevance = open_relevance(tmp_path / "r.parquet")
    assert relevance.problems() == list(found.problems)
    assert [row.index for row in relevance] == list(range(len(COUNTS)))
    for row in relevance:
        if row.problem is None:
            assert_same(row, explain(model, good[row.index]), rtol=1e-5)
    assert relevance[4].n_tracks == COUNTS[4]


def test_an_error_of_the_rule_is_a_problem_of_its_jets(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jets, model = files

    def strict(model: Model, some: list[Any], **how: Any) -> list[Explanation]:
        if any(jet.index == 3 for jet in some):
            raise PropagationError("toy.root:3: stage x: relevance on zero")
        return explain_batch(model, some, **how)

    monkeypatch.setattr(streaming, "explain_batch", strict)
    found = explain_files(model, jets, tmp_path / "r.parquet")
    assert [(problem.index, problem.jet_id) for problem in found.problems] == [(3, "toy.root:3")]
    assert len(open_relevance(tmp_path / "r.parquet")) == len(COUNTS)


def test_batches_are_bounded_by_what_they_hold(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    jets, _ = files
    monkeypatch.setattr(streaming, "READ_AT_ONCE", 3)

    def sizes(first: int, rows_at_once: int = 60) -> list[list[int]]:
        batches = streaming._batches(jets, first, len(jets), 4, rows_at_once)
        return [[number for number, _ in batch] for batch in batches]

    assert sizes(0) == [[0, 1, 2], [3], [4, 5, 6], [7, 8], [9]]
    assert sizes(3) == sizes(0)[1:]
    assert sizes(7) == sizes(0)[3:]
    assert sizes(0, 1) == [[number] for number in range(len(COUNTS))]
    assert sizes(0, 10**6) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_a_complete_file_is_no_work(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jets, model = files
    explain_files(model, jets, tmp_path / "r.parquet")
    monkeypatch.setattr(streaming, "_rows", None)
    found = explain_files(model, jets, tmp_path / "r.parquet")
    assert found.n_before == found.n_jets == len(COUNTS)
    for other in ({"rule": "zero"}, {"target": "qcd"}, {"dtype": "float64"}, {"last": 3}):
        with pytest.raises(RelevanceFileError, match=f"another run: {next(iter(other))} was"):
            explain_files(model, jets, tmp_path / "r.parquet", **other)
    other_model = load_model(tmp_path / "toy.pth")
    other_model.checkpoint_hash = "other"
    with pytest.raises(RelevanceFileError, match="another run: checkpoint_hash was"):
        explain_files(other_model, jets, tmp_path / "r.parquet")


def test_other_jets_are_refused_but_not_a_copy_of_them(
    files: Files, tmp_path: Path, write_jets: Callable[..., Any]
) -> None:
    jets, model = files
    explain_files(model, jets, tmp_path / "r.parquet")
    (tmp_path / "copy").mkdir()
    copy = tmp_path / "copy" / "toy.root"
    copy.write_bytes((tmp_path / "toy.root").read_bytes())
    assert explain_files(model, open_jets(copy), tmp_path / "r.parquet").n_before == len(COUNTS)
    write_jets(copy, COUNTS, seed=1)
    with pytest.raises(RelevanceFileError, match="another run: jets was"):
        explain_files(model, open_jets(copy), tmp_path / "r.parquet")


@pytest.mark.parametrize(
    ("wanted", "error", "words"),
    [
        ({"rule": "delta"}, RuleError, "gamma"),
        ({"target": "hcc"}, TargetError, "margin, qcd, hbb"),
        ({"dtype": "float16"}, SettingsError, "float32, float64"),
        ({"edges": "some"}, SettingsError, "none, summary, full"),
        ({"jets_at_once": 0}, SettingsError, "at least one jet"),
        ({"first": 10}, JetIndexError, "no jets 10 to 9 in toy.root; it has 10 jets"),
        ({"first": -1}, JetIndexError, "no jets -1 to 9"),
        ({"first": 5, "last": 4}, JetIndexError, "no jets 5 to 4"),
        ({"last": 10}, JetIndexError, "numbered 0 to 9"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_written(
    wanted: dict[str, Any], error: type[Exception], words: str, files: Files, tmp_path: Path
) -> None:
    jets, model = files
    with pytest.raises(error, match=words):
        explain_files(model, jets, tmp_path / "out" / "r.parquet", **wanted)
    assert not (tmp_path / "out").exists()


def test_jets_without_the_columns_of_the_network(files: Files, tmp_path: Path) -> None:
    """One error, not one for each jet."""
    jets, _ = files
    with pytest.raises(JetError, match=r"toy\.root: the network needs track_phirel, track_dz"):
        explain_files(toys.toy_model(), jets, tmp_path / "r.parquet")
    assert not list(tmp_path.glob("r.parquet*"))


def test_a_failing_reader_or_writer_ends_the_run(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jets, model = files
    real = JetFiles.read

    def stops(self: JetFiles, start: int = 0, stop: int | None = None, **how: Any) -> Any:
        if start >= 6:
            raise RelevanceFileError("the file has changed")
        return real(self, start, stop, **how)

    monkeypatch.setattr(streaming, "READ_AT_ONCE", 2)
    with monkeypatch.context() as patch:
        patch.setattr(JetFiles, "read", stops)
        with pytest.raises(RelevanceFileError, match="has changed"):
            explain_files(model, jets, tmp_path / "r.parquet", jets_at_once=2)
    assert explain_files(model, jets, tmp_path / "r.parquet", jets_at_once=2).n_before == 4
    monkeypatch.setattr("lrp_core.relevance_file._sync", _full)
    with pytest.raises(RelevanceFileError, match="cannot be written"):
        explain_files(model, jets, tmp_path / "s.parquet", jets_at_once=2)


def _full(folder: Path) -> None:
    raise OSError(28, "No space left on device")


KILLED = """
    import os, signal, sys
    import lrp_core

    def progress(done, n_jets):
        if done >= 4:
            os.kill(os.getpid(), signal.SIGKILL)

    lrp_core.explain_files(
        lrp_core.load_model(sys.argv[2]), lrp_core.open_jets(sys.argv[1]), sys.argv[3],
        jets_at_once=2, progress=progress,
    )
"""


def test_a_killed_run_goes_on_as_if_nothing_had_been(files: Files, tmp_path: Path) -> None:
    jets, model = files
    words = [str(tmp_path / name) for name in ("toy.root", "toy.pth", "r.parquet")]
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), *words], check=False, cwd=REPOSITORY
    )
    assert ran.returncode == -signal.SIGKILL
    assert not (tmp_path / "r.parquet").exists()
    found = explain_files(model, jets, tmp_path / "r.parquet", jets_at_once=2)
    assert 4 <= found.n_before < len(COUNTS)
    explain_files(model, jets, tmp_path / "at_once.parquet", jets_at_once=2)
    assert (tmp_path / "r.parquet").read_bytes() == (tmp_path / "at_once.parquet").read_bytes()
    assert not (tmp_path / "r.parquet.parts").exists()


def test_ctrl_c_leaves_a_run_that_goes_on(tmp_path: Path) -> None:
    out = tmp_path / "r.parquet"
    words = ["explain", "--all", "--out", str(out), "--batch", "4", "--edges", "none"]
    process = subprocess.Popen(
        [sys.executable, "-m", "app", *words],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    parts = tmp_path / "r.parquet.parts"
    end = time.monotonic() + 240
    while len(list(parts.glob("part-*"))) < 3:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    last = errors.splitlines()[-1]
    assert last.startswith("jetlrp: stopped; ")
    assert f"of 2000 jets are kept in {out}.parts" in last
    assert "Traceback" not in errors
    kept = int(last.split()[2])
    assert 12 <= kept == 4 * len(list(parts.glob("part-*")))
    assert not out.exists()


@pytest.fixture
def printed(files: Files, tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """The command on the toy jets: exit status and what it prints."""

    def run(jets: Path = tmp_path / "toy.root", **wanted: Any) -> tuple[int, str]:
        screen = io.StringIO()
        status = explain_all.run(
            [str(jets)],
            str(tmp_path / "r.parquet"),
            str(tmp_path / "toy.pth"),
            console=Console(file=screen, width=160, highlight=False, soft_wrap=True),
            **wanted,
        )
        return status, screen.getvalue()

    return run


def test_the_command_says_what_it_did(
    printed: Callable[..., tuple[int, str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, text = printed(jets_at_once=5)
    assert status == 0
    assert text == f"10 of 10 jets explained\nwritten: {tmp_path}/r.parquet\n"
    lines = capsys.readouterr().err.splitlines()  # no terminal: lines, not a bar
    assert lines == [f"toy.root: {done} of 10 jets" for done in (0, 5, 10)]
    status, text = printed(jets_at_once=5)
    assert status == 0
    assert "complete already, nothing to do" in text


def test_the_command_lists_bad_jets(
    printed: Callable[..., tuple[int, str]],
    tmp_path: Path,
    write_jets: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bad_files(tmp_path, write_jets)
    status, text = printed(tmp_path / "bad.root")
    assert status == 1
    assert "jet 1: bad.root:1: 1 value(s) are not finite" in text
    assert "jet 4: bad.root:4" in text
    assert "8 of 10 jets explained, 2 not: 1, 4\n" in text
    monkeypatch.setattr(explain_all, "PROBLEMS_SHOWN", 1)
    assert "and 1 more, see the column problem" in printed(tmp_path / "bad.root")[1]


def test_a_bar_on_a_terminal(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    words = [str(tmp_path / "toy.root")], str(tmp_path / "r.parquet"), str(tmp_path / "toy.pth")
    explain_all.run(*words, console=Console(file=io.StringIO()))
    shown = capsys.readouterr().err
    assert "toy.root" in shown
    assert "10/10" in shown
    assert "jets/s" in shown


def test_a_device_that_is_not_there(printed: Callable[..., tuple[int, str]]) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(SettingsError, match="device 'cuda' cannot be used here"):
        printed(device="cuda")


def test_sources_say_what_the_files_are(files: Files) -> None:
    jets, _ = files
    (source,) = jets.sources
    assert (source.name, source.n_jets) == ("toy.root", len(COUNTS))
    assert source.n_bytes == Path(jets.paths[0]).stat().st_size
    assert source.uuid
    assert replace(source) == jets.sources[0]
    assert open_jets(embedded.JETS).sources[0] != source


def test_padding_is_told_with_the_option_and_is_part_of_the_run(
    printed: Callable[..., tuple[int, str]], tmp_path: Path, write_jets: Callable[..., Any]
) -> None:
    rows = [[1.0, 2.0, 0.0], [3.0, 0.0, 0.0]]
    change = {name: ak.Array(rows) for name in ("track_pt", "track_etarel", "trackBTag_Eta")}
    write_jets(tmp_path / "toy.root", (3, 3), change=change)
    status, text = printed()
    assert status == 1
    assert "jet 0: toy.root:0: track 2 of 3 is 0 in every column" in text
    assert "leave such rows out with --padding zeros" in text
    with pytest.raises(RelevanceFileError, match="padding was null, is now zeros"):
        printed(padding="zeros")
    (tmp_path / "r.parquet").unlink()
    assert printed(padding="zeros")[0] == 0
    relevance = open_relevance(tmp_path / "r.parquet")
    assert relevance.run["padding"] == "zeros"
    assert [jet.n_tracks for jet in relevance] == [2, 1]
