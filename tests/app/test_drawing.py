"""What the scene is given: the service's numbers, nothing drawn."""

from __future__ import annotations

import json

import numpy as np
import pytest

from app import drawing


@pytest.fixture
def answers(service):
    with service.client() as client:
        jet = client.jet(0)
        explanation = client.explain(0, target="margin", rule={"name": "gamma"})
    return jet, explanation


def test_the_features_that_an_axis_can_have_and_which_of_them_as_logarithm(answers):
    jet, explanation = answers
    axes = json.loads(json.dumps(drawing.scene_data(jet, explanation)))["axes"]
    assert [axis["name"] for axis in axes] == jet.features
    positive = (np.array(jet.tracks) > 0).all(axis=0)
    assert [axis["log"] for axis in axes] == positive.tolist()
    charge = next(axis for axis in axes if axis["name"] == "track_charge")
    assert (charge["title"], charge["group"], charge["log"]) == (
        "charge",
        "particle identity",
        False,
    )
    rows = [list(row) for row in jet.tracks]
    rows[3][0] = None  # what is not known is not positive
    changed = drawing.scene_data(jet.model_copy(update={"tracks": rows}), explanation)
    assert not changed["axes"][0]["log"]


def test_what_tracks_can_be_coloured_by(service):
    with service.client() as client:
        explanation = client.explain(5, target="margin", rule={"name": "gamma"})
        known = drawing.scene_data(client.jet(5), explanation)["colours"]
        unknown = drawing.scene_data(client.jet(0), explanation)["colours"]
    assert known == ["relevance", "charge", "origin"]
    assert unknown == ["relevance", "charge"]


def test_the_same_tracks_are_known_again(answers, service):
    jet, explanation = answers
    own = drawing.scene_data(jet, explanation)["jet"]["tracks_id"]
    copied = jet.model_copy(update={"jet_id": "copy.root:0"})
    assert drawing.scene_data(copied, explanation)["jet"]["tracks_id"] == own
    with service.client() as client:
        other = drawing.scene_data(client.jet(3), explanation)
    assert other["jet"]["tracks_id"] != own


def test_the_account_goes_along(answers):
    jet, explanation = answers
    data = drawing.scene_data(jet, explanation)
    assert data["account"]["value"] == explanation.value
    assert data["account"]["error"] == explanation.conservation_error
    assert data["account"]["tracks"] == explanation.totals.tracks


def test_a_large_jet_is_small_on_the_wire(service):
    with service.client() as client:
        explanation = client.explain(1, target="margin", rule={"name": "gamma"})
        data = drawing.scene_data(client.jet(1), explanation)
    assert len(json.dumps(data)) < 6_000  # 118 tracks, 13 806 edges: pictures bring them
