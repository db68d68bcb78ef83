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
    assert data["tracks"]["features"] == jet.features
    np.testing.assert_array_equal(
        unpacked(data["tracks"]["values"]), np.array(jet.tracks, dtype=np.float32)
    )
    significance = unpacked(data["edges"]["significance"])
    np.testing.assert_array_equal(significance, explanation.edge_significance.numpy())
    np.testing.assert_array_equal(
        unpacked(data["tracks"]["relevance"]), explanation.track_relevance_sum.numpy()
    )
    assert data["edges"]["index"] is None  # the complete graph needs no index
    assert data["edges"]["numbers"] is None  # all of them came
    assert data["words"]["stands_for"] == "H→bb̄"
    charge = next(each for each in data["features"] if each["name"] == "track_charge")
    assert (charge["title"], charge["unit"], charge["group"]) == (
        "charge",
        "e",
        "particle identity",
    )


def test_relevance_by_feature_adds_up_to_that_of_the_track(answers):
    data = drawing.scene_data(*answers)["tracks"]
    table = unpacked(data["feature_relevance"])
    assert table.shape == (26, len(data["relevance_features"]))
    np.testing.assert_allclose(table.sum(axis=1), unpacked(data["relevance"]), rtol=1e-5)


def test_the_account_goes_along(answers):
    jet, explanation = answers
    data = drawing.scene_data(jet, explanation)
    assert data["account"]["value"] == explanation.value
    assert data["account"]["error"] == explanation.conservation_error
    assert data["account"]["tracks"] == explanation.totals.tracks


def test_subjets_and_prongs_go_along_where_there_are_any(service):
    with service.client() as client:
        two = [client.explain(n, target="margin", rule={"name": "gamma"}) for n in (0, 2)]
        large, single = (drawing.scene_data(client.jet(n), two[n // 2]) for n in (0, 2))
    assert [subjet["number"] for subjet in large["subjets"]] == [1, 2]
    shares = [large["prongs"][name] for name in ("within_1", "within_2", "between")]
    assert sum(shares) == pytest.approx(1)
    assert (single["subjets"], single["prongs"]) == ([], None)


def test_the_numbers_of_the_edges_go_along_where_only_the_top_ones_came(service):
    with service.client() as client:
        jet = client.jet(0)
        whole = client.explain(0, target="margin", rule={"name": "gamma"})
        top = client.explain(0, target="margin", rule={"name": "gamma"}, top_edges=20)
    data = drawing.scene_data(jet, top)
    numbers = unpacked(data["edges"]["numbers"])
    significance = whole.edge_significance.numpy()
    assert numbers.tolist() == np.argsort(-significance, kind="stable")[:20].tolist()
    np.testing.assert_array_equal(unpacked(data["edges"]["significance"]), significance[numbers])
    assert data["jet"]["n_edges"] == 650


def test_a_value_that_is_not_known_stays_unknown(answers):
    jet, explanation = answers
    rows = [list(row) for row in jet.tracks]
    rows[3][5] = None
    data = drawing.scene_data(jet.model_copy(update={"tracks": rows}), explanation)
    values = unpacked(data["tracks"]["values"])
    assert np.isnan(values[3, 5])
    assert np.isnan(values).sum() == 1


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
