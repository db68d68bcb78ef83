"""What the scene is given: the service's numbers, nothing drawn."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest

from app import drawing
from lrp_core.service.schemas import Base64Array
from lrp_core.truth import Origin


def unpacked(field):
    return np.frombuffer(base64.b64decode(field["data"]), dtype=field["dtype"]).reshape(
        field["shape"]
    )


@pytest.fixture
def answers(service):
    with service.client() as client:
        jet = client.jet(0)
        explanation = client.explain(0, target="margin", rule={"name": "gamma"})
    return jet, explanation


def test_numbers_arrive_as_they_were_sent(answers):
    jet, explanation = answers
    data = json.loads(json.dumps(drawing.scene_data(jet, explanation)))
    tracks = np.array(jet.tracks)
    np.testing.assert_array_equal(data["tracks"]["pt"], tracks[:, 0])
    np.testing.assert_array_equal(data["tracks"]["delta_eta"], tracks[:, 1])
    np.testing.assert_array_equal(data["tracks"]["delta_phi"], tracks[:, 2])
    significance = unpacked(data["edges"]["significance"])
    np.testing.assert_array_equal(significance, explanation.edge_significance.numpy())
    np.testing.assert_array_equal(
        unpacked(data["tracks"]["relevance"]), explanation.track_relevance_sum.numpy()
    )
    assert data["edges"]["index"] is None  # the complete graph needs no index
    assert data["words"]["stands_for"] == "H→bb̄"
    assert data["tracks"]["more"][0] == {
        "title": "charge",
        "unit": "",
        "values": tracks[:, 3].tolist(),
    }


def test_a_truth_is_sent_along_where_there_is_one(service):
    with service.client() as client:
        explanation = client.explain(5, target="margin", rule={"name": "gamma"})
        truth = drawing.scene_data(client.jet(5), explanation)["truth"]
        assert drawing.scene_data(client.jet(0), explanation)["truth"] is None
    assert truth == service.truth(5)
    assert [each.title for each in Origin] == truth["origins"]


def test_a_graph_of_its_own_is_sent_along(answers):
    jet, explanation = answers
    index = np.array([[0, 1, 5], [1, 0, 2]], dtype=np.int64)
    packed = drawing.pack(index, "int64")
    own = explanation.model_copy(
        update={
            "edge_index": Base64Array.model_validate(packed),
            "edge_significance": [0.5, 0.25, 0.25],
            "signed_edge_relevance": [0.1, None, -0.1],
        }
    )
    data = drawing.scene_data(jet, own)
    np.testing.assert_array_equal(unpacked(data["edges"]["index"]), index)
    np.testing.assert_array_equal(unpacked(data["edges"]["significance"]), [0.5, 0.25, 0.25])
    assert np.isnan(unpacked(data["edges"]["signed"])[1])


@pytest.mark.parametrize(
    ("target", "text"),
    [("margin", "H→bb̄"), ("margin:qcd", "QCD"), ("hbb", "H→bb̄"), ("qcd", "QCD")],
)
def test_what_positive_relevance_speaks_for(target, text):
    assert drawing.stands_for(target, ["qcd", "hbb"]) == text


def test_a_large_jet_is_small_on_the_wire(service):
    with service.client() as client:
        explanation = client.explain(1, target="margin", rule={"name": "gamma"})
        data = drawing.scene_data(client.jet(1), explanation)
    assert len(json.dumps(data)) < 170_000  # 118 tracks, 13 806 edges, two numbers each
