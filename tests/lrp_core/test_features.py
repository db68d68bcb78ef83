"""The table of features: complete, unique, and true of the real jets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from lrp_core.features import FEATURES, GROUPS, OTHER, feature

UNITS = {"", "GeV", "GeV⁻²", "cm", "cm²", "rad", "rad²", "rad·cm", "e"}


def test_there_are_45_features() -> None:
    assert len(FEATURES) == 45
    assert all(name == known.name for name, known in FEATURES.items())


def test_titles_and_meanings_are_unique() -> None:
    for what in ("title", "meaning"):
        values = [getattr(known, what) for known in FEATURES.values()]
        assert len(set(values)) == len(values), what


@pytest.mark.parametrize("name", FEATURES)
def test_every_feature_is_fully_described(name: str) -> None:
    known = FEATURES[name]
    assert known.title
    assert len(known.title) < 30
    assert known.unit in UNITS
    assert known.group in GROUPS
    assert known.group != OTHER
    assert known.meaning[0].isupper()
    assert known.meaning.endswith(".")
    assert ". " not in known.meaning, "one sentence"
    assert known.source


def test_label_is_title_and_unit() -> None:
    assert feature("track_pt").label == "p_T [GeV]"
    assert feature("track_deltaR").label == "ΔR to the jet axis"
    assert feature("track_etarel").label == "sign(η_jet)·Δη"


def test_an_unknown_feature_is_neutral() -> None:
    mine = feature("track_of_my_own")
    assert (mine.name, mine.title, mine.unit, mine.group) == (
        "track_of_my_own",
        "track_of_my_own",
        "",
        OTHER,
    )
    assert "track_of_my_own" not in FEATURES


def test_the_real_network_uses_exactly_these(cms_data: Path) -> None:
    columns = yaml.safe_load((cms_data / "definitions.yml").read_text("utf-8"))["features"]
    assert set(columns) == set(FEATURES)


def test_what_the_table_says_is_true_of_real_tracks(cms_data: Path) -> None:
    from lrp_core.reading import open_jets

    with open_jets(cms_data / "hbb_jets.root") as jets:
        everything = np.concatenate([jet.tracks for jet in jets]).astype(np.float64)
        column = dict(zip(jets.features, everything.T, strict=True))
    for name in ("Sip2dVal", "Sip2dSig", "Sip3dVal", "Sip3dSig"):
        assert column[f"trackBTag_{name}"].min() == -1
    assert column["trackBTag_PtRel"].max() == 4
    assert column["trackBTag_Momentum"].max() == 1000
    assert column["trackBTag_PPar"].max() > 1000
    assert column["trackBTag_JetDistVal"].min() == -20
    assert column["trackBTag_JetDistVal"].max() < 0
    assert -0.8 <= column["track_drminsv"].min() < column["track_drminsv"].max() == 0
    assert set(column["track_quality"]) == {1, 5}
    assert set(column["track_fromPV"]) == {1, 2, 3}
    assert set(column["track_VTX_ass"]) <= {0, 1, 4, 5, 6, 7}
    assert set(column["track_lostInnerHits"]) == {-1, 0, 1, 2}
    assert set(column["track_charge"]) == {-1, 1}
    assert np.array_equal(column["track_normchi2"], np.floor(column["track_normchi2"]))
    assert abs(column["track_dzsig"]).max() == 2000
    assert column["track_pt"].min() >= 0.95
    # relations between features
    direction = column["trackBTag_PtRatio"] ** 2 + column["trackBTag_PParRatio"] ** 2
    assert direction == pytest.approx(1, abs=1e-5)
    spread = np.sqrt(column["track_dxydxy"])
    small = abs(column["track_dxysig"]) < 2000
    assert column["track_dxysig"][small] == pytest.approx(
        (column["track_dxy"] / spread)[small], rel=1e-3, abs=1e-6
    )
    assert np.median(abs(column["track_deltaR"] - column["trackBTag_DeltaR"])) < 1e-3
    distance = np.hypot(column["track_etarel"], column["track_phirel"])
    assert column["track_deltaR"] == pytest.approx(distance, abs=1e-5)
