"""``jetlrp check``: what it prints and returns, and that no bad file hides another."""

from __future__ import annotations

import io
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
from rich.console import Console

from lrp_core.commands.check import ALL_GOOD, BAD_FILES, BAD_JETS, ranges, run


@pytest.fixture
def check():
    """Run the check -> exit status, what was printed."""

    def checked(*files: Path | str, **options) -> tuple[int, str]:
        out = io.StringIO()
        status = run(list(map(str, files)), console=Console(file=out, width=400), **options)
        return status, out.getvalue()

    return checked


def test_good_jets(tmp_path, write_jets, check):
    write_jets(tmp_path / "a.root")
    status, text = check(tmp_path / "a.root")
    assert status == ALL_GOOD
    assert "✓" in text
    assert "6 jets, 6 good · 3 track features · 1 to 8 tracks per jet" in text
    assert "hbb 2 · no label 2 · qcd 2" in text
    assert "1 file read, 6 jets, 0 bad" in text


def test_bad_jets_are_listed_by_reason(tmp_path, write_jets, check):
    counts = (3, 0, 0, 0, 4, 2, 0, 5)
    pt = [[1.0] * count for count in counts]
    pt[4][1] = np.nan
    mass = np.ones(8, np.float32)
    mass[5] = np.inf
    write_jets(tmp_path / "a.root", counts, change={"track_pt": ak.Array(pt), "fj_sdmass": mass})
    status, text = check(tmp_path / "a.root")
    assert status == BAD_JETS
    lines = [line.split() for line in text.splitlines()]
    assert ["no", "tracks", "4", "1-3,", "6"] in [line[:5] for line in lines]
    assert ["values", "that", "are", "not", "finite", "2", "4-5"] in [line[:7] for line in lines]
    assert "8 jets, 2 good" in text
    assert "1 file read, 8 jets, 6 bad" in text


def test_a_file_that_cannot_be_read_does_not_stop_the_check(tmp_path, write_jets, check):
    (tmp_path / "1.root").write_bytes(b"no root file")
    write_jets(tmp_path / "2.root", (2, 0))
    write_jets(tmp_path / "3.root", tree="elsewhere/tree", change={"x": np.zeros(6, np.float32)})
    status, text = check(tmp_path / "*.root", tmp_path / "nope.root", tmp_path / "none*.root")
    assert status == BAD_FILES
    assert "1.root is not a ROOT file" in text
    assert "nope.root: there is no such file" in text
    assert "no file matches" in text
    assert "no tracks" in text
    assert "2 files read, 8 jets, 1 bad; 3 files could not be read" in text


def test_tree_and_columns_are_passed_on(tmp_path, write_jets, check):
    columns = write_jets(tmp_path / "a.root", tree="my/jets")
    write_jets(tmp_path / "b.root", change={"track_pt": None, "trk_pt": columns["track_pt"]})
    status, text = check(tmp_path / "a.root", tree="my/jets")
    assert status == ALL_GOOD
    assert check(tmp_path / "a.root", tree="other")[0] == BAD_FILES
    status, text = check(tmp_path / "b.root", columns={"track_pt": "trk_pt"})
    assert status == ALL_GOOD
    assert "3 track features" in text


def test_damaged_baskets(tmp_path, write_jets, check):
    write_jets(tmp_path / "whole.root")
    whole = (tmp_path / "whole.root").read_bytes()
    (tmp_path / "cut.root").write_bytes(whole[:-1000])
    status, text = check(tmp_path / "cut.root")
    assert status == BAD_JETS
    assert "cannot be read" in text
    assert f"truncated, {len(whole) - 1000} of {len(whole)} bytes" in text


def test_no_jets_and_no_files(tmp_path, write_jets, check):
    write_jets(tmp_path / "a.root", ())
    assert check(tmp_path / "a.root")[0] == ALL_GOOD
    status, text = check()
    assert status == BAD_FILES
    assert "no file of jets was given" in text


def test_names_are_printed_as_they_are(tmp_path, write_jets, check):
    write_jets(tmp_path / "a[bold]b.root", (0, 2))
    status, text = check(tmp_path / "a[bold]b.root")
    assert status == BAD_JETS
    assert text.count("a[bold]b.root") == 2


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ([], ""),
        ([4], "4"),
        ([1, 2, 3, 7, 9, 10], "1-3, 7, 9-10"),
        ([1, 3, 5, 7, 8], "1, 3, 5 and 2 more"),
    ],
)
def test_ranges(numbers, text):
    assert ranges(numbers, most=3) == text


def test_real_jets_are_good(cms_data, check):
    status, text = check(cms_data / "hbb_jets.root")
    assert status == ALL_GOOD
    assert (
        "917 jets, 917 good · 45 track features · 6 to 118 tracks per jet · hbb 122 · qcd 795"
        in text
    )
