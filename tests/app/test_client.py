"""The client: typed answers, and every way of failing told in words."""

from __future__ import annotations

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


def test_nobody_there_is_a_clear_state(service):
    service.away = True
    with service.client() as client, pytest.raises(ServiceError) as caught:
        client.health()
    assert caught.value.away
    assert "http://service.test does not answer" in caught.value.message


def test_too_slow_is_told_apart(service):
    def slow(request):
        raise httpx.ReadTimeout("slow", request=request)

    client = ServiceClient("http://service.test", transport=httpx.MockTransport(slow))
    with client, pytest.raises(ServiceError) as caught:
        client.health()
    assert caught.value.code == "timeout"
    assert caught.value.away


@pytest.mark.parametrize("content", [b"<html>hello</html>", b"[]", b'{"status": "ok"}'])
def test_another_server_at_the_address_is_recognised(content):
    with answering(200, content=content) as client, pytest.raises(ServiceError) as caught:
        client.health()
    assert caught.value.code == "not_understood"
    assert "other than Health" in caught.value.message


def test_an_error_without_words_still_says_what_was_asked():
    with (
        answering(502, content=b"Bad gateway", headers={"x-request-id": "abc"}) as client,
        pytest.raises(ServiceError) as caught,
    ):
        client.health()
    assert "GET /api/v1/health with status 502" in caught.value.message
    assert caught.value.request_id == "abc"
