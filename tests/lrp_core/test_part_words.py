"""What is said of tracks, edges and directions."""

from __future__ import annotations

import numpy as np
import pytest

from lrp_core.checkpoint import load_model
from lrp_core.explainer import explain
from lrp_core.figures.part_words import (
    EDGE_WORDS,
    direction_part,
    edge_lines,
    in_unit,
    origin_words,
    track_part,
)
from lrp_core.figures.scene import Scene
from lrp_core.reading import open_jets


@pytest.fixture(scope="module")
def scene():
    jet = open_jets()[96]
    return Scene.of(jet, explain(load_model(), jet))


def test_a_track_has_its_numbers_with_units_and_its_rank(scene):
    parts = [track_part(scene, track) for track in range(scene.n_tracks)]
    ranks = []
    for track, part in enumerate(parts):
        says = {what: (text, sign) for what, text, sign in part.lines}
        assert part.title.startswith(f"Track {track}")
        assert says["pT"][0].endswith(" GeV")
        assert says["Δφ"][0].endswith(" rad")
        assert says["dxy"][0].endswith(" cm")
        assert says["origin"][0] == origin_words(scene, track)
        assert says["relevance"][1] == np.sign(scene.relevance[track])
        assert says["speaks"][0] in ("for H→bb̄", "against H→bb̄", "neither for nor against")
        ranks.append(int(says["rank"][0].split()[0]))
    assert sorted(ranks) == list(range(1, scene.n_tracks + 1))
    strongest = ranks.index(1)
    assert abs(scene.relevance[strongest]) == np.abs(scene.relevance).max()


def test_edges_have_a_text_for_each_word(scene):
    best = scene.order[:3]
    says = edge_lines(scene, best)
    assert tuple(says) == EDGE_WORDS
    assert all(len(texts) == 3 for texts in says.values())
    assert says["rank"][0].startswith("1 of ")
    assert says["significance"][0].endswith(" %)")
    assert " → " in says["pT"][0]


def test_directions_say_which_tracks_are_theirs(scene):
    assert scene.b_hadrons
    assert scene.subjets
    for one in scene.directions:
        part = direction_part(scene, one)
        (count,) = [text for what, text, _ in part.lines if what.startswith("tracks ")]
        assert count == f"{one.n_tracks} of {scene.n_tracks}"
    assert direction_part(scene, scene.b_hadrons[0]).title == "b-hadron 1"
    assert direction_part(scene, scene.subjets[0]).title == "Soft-drop subjet 1"


def test_values_of_features_are_whole_where_they_are_and_have_units():
    assert in_unit(-1.0, "") == "−1"
    assert in_unit(0.02134, "cm") == "0.0213 cm"
    assert in_unit(float("nan"), "cm") == "– cm"
