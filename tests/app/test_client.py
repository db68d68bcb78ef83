"""The client: typed answers, and every way of failing told in words."""

from __future__ import annotations

import json

import httpx
import pytest

from app.client import ServiceClient, ServiceError


def answering(status: int = 200, **how):
    return ServiceClient(
        "http://service.test",
        transport=httpx.MockTransport(lambda request: httpx.Response(status, **how)),
    )


def test_answers_are_the_models_of_the_service(service):
    with service.client() as client:
        assert client.health().jets.n_jets == 6
        assert client.choices().defaults.target == "margin"
        assert [row.n_tracks for row in client.jets(sort="-n_tracks", limit=2).jets] == [118, 26]
        assert client.jet(0).n_tracks == 26
        explanation = client.explain(0, target="margin", rule={"name": "gamma", "gamma": 1.0})
        assert explanation.edge_significance.numpy().shape == (650,)
    assert [path for _, path, _ in service.requests] == [
        "/health",
        "/choices",
        "/jets",
        "/jets/0",
        "/jets/0/explanation",
    ]


class Asked:
    """Answers everything with one JSON, and notes what was asked."""

    def __init__(self, answer):
        self.answer = answer
        self.requests = []

    def client(self):
        def respond(request):
            body = json.loads(request.content) if request.content else None
            self.requests.append((request.method, request.url.path, dict(request.url.params), body))
            return httpx.Response(200, json=self.answer)

        return ServiceClient("http://service.test", transport=httpx.MockTransport(respond))


ROW = {
    "index": 3,
    "label": "hbb",
    "score": 0.97,
    "pt": 412.5,
    "sdmass": None,
    "n_tracks": 21,
    "problem": None,
}
EDGE = {
    "index": 3,
    "edge": 7,
    "source": 0,
    "destination": 2,
    "significance": 0.25,
    "rank": 1,
    "n_edges": 20,
    "signed_relevance": -0.5,
    "features": ["track_pt"],
    "source_relevance": [-0.75],
    "destination_relevance": [0.25],
    "feature_info": [],
    "speaks": "against H→bb̄",
    "ends": [
        {
            "track": track,
            "kind": "",
            "pt": 2.5,
            "displaced": False,
            "origin": "",
            "relevance": 0.5,
        }
        for track in (0, 2)
    ],
}


def test_one_edge_is_asked_for_by_its_number():
    asked = Asked(EDGE)
    rule = {"name": "gamma", "gamma": 1.0}
    with asked.client() as client:
        told = client.edge(3, 7, target="hbb", rule=rule)
    assert (told.rank, told.source_relevance) == (1, [-0.75])
    wanted = {"target": "hbb", "rule": rule, "dtype": "float32", "edge": 7}
    assert asked.requests == [("POST", "/api/v1/jets/3/explanation/edge", {}, wanted)]


def test_a_jet_of_a_kind():
    asked = Asked(ROW)
    with asked.client() as client:
        assert client.pick("confident_signal").index == 3
        client.pick("undecided", exclude=0, seed=5)
    assert [query for _, _, query, _ in asked.requests] == [
        {"kind": "confident_signal"},
        {"kind": "undecided", "exclude": "0", "seed": "5"},
    ]
    assert {path for _, path, _, _ in asked.requests} == {"/api/v1/jets/pick"}


def test_the_edges_are_limited_only_if_asked(service):
    with service.client() as client:
        client.explain(0, target="margin", rule="default")
        client.explain(0, target="margin", rule="default", top_edges=50)
    first, second = (body for _, _, body in service.requests)
    assert "top_edges" not in first
    assert second == first | {"top_edges": 50}


def test_filters_that_are_none_are_not_sent(service):
    with service.client() as client:
        client.jets(label="hbb", min_pt=None, max_score=0.5)
    assert service.requests == [
        ("GET", "/jets", {"offset": "0", "limit": "100", "label": "hbb", "max_score": "0.5"})
    ]


def test_a_refusal_keeps_the_words_and_the_request_id(service):
    with service.client() as client, pytest.raises(ServiceError) as caught:
        client.jet(4)
    assert "has no tracks" in caught.value.message
    assert (caught.value.code, caught.value.request_id, caught.value.status) == (
        "bad_jet",
        "req-7f3a",
        422,
    )
    assert not caught.value.away


def test_nobody_there_is_a_clear_state(service, caplog):
    service.away = True
    with service.client() as client, pytest.raises(ServiceError) as caught:
        client.health()
    assert caught.value.away
    assert "The explaining service does not answer" in caught.value.message
    assert_only_the_log_tells_where(caught.value, caplog)


def assert_only_the_log_tells_where(error, caplog):
    assert "service.test" not in error.message
    assert "http://service.test" in caplog.text


def test_too_slow_is_told_apart(service, caplog):
    def slow(request):
        raise httpx.ReadTimeout("slow", request=request)

    client = ServiceClient("http://service.test", transport=httpx.MockTransport(slow))
    with client, pytest.raises(ServiceError) as caught:
        client.health()
    assert caught.value.code == "timeout"
    assert caught.value.away
    assert_only_the_log_tells_where(caught.value, caplog)


@pytest.mark.parametrize("content", [b"<html>hello</html>", b"[]", b'{"status": "ok"}'])
def test_another_server_at_the_address_is_recognised(content, caplog):
    with answering(200, content=content) as client, pytest.raises(ServiceError) as caught:
        client.health()
    assert caught.value.code == "not_understood"
    assert "other than Health" in caught.value.message
    assert_only_the_log_tells_where(caught.value, caplog)


def test_an_error_without_words_still_says_what_was_asked():
    with (
        answering(502, content=b"Bad gateway", headers={"x-request-id": "abc"}) as client,
        pytest.raises(ServiceError) as caught,
    ):
        client.health()
    assert "GET /api/v1/health with status 502" in caught.value.message
    assert caught.value.request_id == "abc"
