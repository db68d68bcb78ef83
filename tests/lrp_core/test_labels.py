"""Which jets are signal, background or neither: one rule, the same from ROOT and from Parquet."""

from __future__ import annotations

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from lrp_core.labels import KINDS, kinds_of, labels_among, labels_of
from lrp_core.reading import open_jets


def numbers(**values: list[int]) -> dict[str, np.ndarray]:
    return {name: np.array(value) for name, value in values.items()}


@pytest.mark.parametrize(
    ("given", "labels"),
    [
        ({}, [None] * 4),
        # The label says that a jet was not matched to a Higgs boson, the sample that there is none.
        ({"sample_isQCD": [1, 1, 0, 0], "label_QCD_b": [1, 0, 1, 0]}, ["qcd", None, None, None]),
        (
            {"label_QCD_b": [1, 0, 0, 0], "label_QCD_light": [0, 1, 0, 0]},
            ["qcd", "qcd", None, None],
        ),
        ({"sample_isQCD": [1, 1, 0, 0]}, ["qcd", "qcd", None, None]),
        ({"sample_isQCD": [0] * 4, "label_H_bb": [1, 0, 0, 0]}, ["hbb", None, None, None]),
        ({"label_H_bb": [1, 1, 0, 0], "label_QCD_bb": [0, 1, 1, 0]}, ["hbb", "hbb", "qcd", None]),
    ],
)
def test_the_rule(given, labels):
    assert labels_of(numbers(**given), 4).tolist() == labels


def test_what_is_not_a_number_sets_no_label():
    given = {"label_QCD_b": np.array([1.0, np.nan]), "sample_isQCD": np.array([np.nan, 1.0])}
    assert labels_of(given, 2).tolist() == [None, None]
    assert labels_of({"label_H_bb": np.array([True, False])}, 2).tolist() == ["hbb", None]


def test_kinds_are_those_of_the_label():
    given = numbers(label_H_bb=[1, 0, 0, 0], label_QCD_bb=[1, 1, 1, 0], sample_isQCD=[1, 1, 0, 1])
    labels = labels_of(given, 4)
    kinds = kinds_of(given, labels).tolist()
    assert kinds == [KINDS.index("H_bb"), KINDS.index("QCD_bb"), -1, -1]


def test_which_labels_there_can_be():
    assert labels_among(["fj_pt"]) == ()
    assert labels_among(["label_H_bb", "sample_isQCD"]) == ("hbb", "qcd")
    assert labels_among(["label_QCD_b"]) == ("qcd",)


def test_in_every_reader(tmp_path: Path, write_jets) -> None:
    """Jet by jet, in the summary, from ROOT and from Parquet, under other names as well."""
    signal = {"label_H_bb": np.array([0, 1, 0, 0, 0, 0], np.int32)}
    qcd = {"label_QCD_bb": np.array([1, 0, 1, 0, 1, 0], np.int32), "label_QCD_others": None}
    sample = np.array([1, 0, 0, 1, 1, 0], np.int32)
    expected = ["qcd", "hbb", None, None, "qcd", None]
    write_jets(tmp_path / "a.root", change={**signal, **qcd, "sample_isQCD": sample})
    with uproot.open(tmp_path / "a.root") as file:
        arrays = file["deepntuplizer/tree"].arrays()
    ak.to_parquet(arrays, tmp_path / "a.parquet")
    renamed = {("from_qcd" if n == "sample_isQCD" else n): arrays[n] for n in arrays.fields}
    ak.to_parquet(ak.Array(renamed), tmp_path / "b.parquet")
    for name, columns in (
        ("a.root", None),
        ("a.parquet", None),
        ("b.parquet", {"sample_isQCD": "from_qcd"}),
    ):
        with open_jets(tmp_path / name, columns=columns) as jets:
            assert jets.labels == ("hbb", "qcd")
            assert [jet.label for jet in jets] == expected
            assert jets.summary()["label"].tolist() == expected
