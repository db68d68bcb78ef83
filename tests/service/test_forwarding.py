"""Handing requests on to a service elsewhere: everything passes as it is, both ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from flask import g

from app.client import ServiceClient, read_address
from app.forwarding import KEPT
from app.main import create_app
from app.visit import headers_of_visit
from lrp_core.errors import SettingsError

Handler = Callable[[httpx.Request], httpx.Response]
ADDRESS = "http://gpu:8051/lrp/"


def ask(
    handler: Handler | httpx.BaseTransport,
    method: str,
    path: str,
    *,
    secret: str | None = None,
    user: str | None = None,
    **how: Any,
) -> httpx.Response:
    """Ask a page whose service is what ``handler`` says; -> the answer."""
    elsewhere = (
        handler if isinstance(handler, httpx.BaseTransport) else httpx.MockTransport(handler)
    )
    client = ServiceClient(ADDRESS, transport=elsewhere, headers=headers_of_visit(secret))
    server = create_app(client).server
    if user is not None:
        server.before_request(lambda: setattr(g, "user", user))
    transport = httpx.WSGITransport(server, remote_addr="10.0.0.9")
    with httpx.Client(transport=transport, base_url="http://laptop") as browser:
        return browser.request(method, path, **how)


def test_a_request_arrives_as_it_was_sent() -> None:
    seen: list[httpx.Request] = []

    def service(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"body": request.content.decode()})

    answer = ask(
        service,
        "POST",
        "/api/v1/jets/%20x/explanation?a=1&b=%26",
        content=b'{"rule": 1}',
        headers={
            "X-Request-ID": "mine",
            "Authorization": "Bearer x",
            "Connection": "close, X-Private",
            "X-Private": "no",
            "Accept-Encoding": "gzip",
            "Cookie": "session=1",
            "X-Forwarded-For": "6.6.6.6",
        },
    )
    assert answer.json() == {"body": '{"rule": 1}'}
    assert answer.headers["x-request-id"] == "mine"
    (request,) = seen
    assert str(request.url) == "http://gpu:8051/lrp/api/v1/jets/%20x/explanation?a=1&b=%26"
    headers = request.headers
    assert (headers["host"], headers["content-length"]) == ("gpu:8051", "11")
    assert (headers["x-request-id"], headers["authorization"]) == ("mine", "Bearer x")
    assert headers["accept-encoding"] == "gzip"
    assert headers["x-forwarded-for"] == "10.0.0.9"
    assert not {"connection", "x-private", "transfer-encoding", "cookie"} & set(headers)


def test_the_page_alone_says_who_asks() -> None:
    seen: list[httpx.Request] = []

    def service(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    forged = {"X-Jetlrp-User": "root", "X-Jetlrp-Secret": "guessed"}
    ask(service, "GET", "/api/v1/jets", headers=forged)
    ask(service, "GET", "/api/v1/jets", headers=forged, secret="s3cret", user="Zoë Müller")
    without, with_secret = (request.headers for request in seen)
    assert not {"x-jetlrp-user", "x-jetlrp-secret"} & set(without)
    assert with_secret.get_list("x-jetlrp-secret") == ["s3cret"]
    assert with_secret.get_list("x-jetlrp-user") == ["Zo%C3%AB%20M%C3%BCller"]


def test_an_answer_arrives_as_it_was_given() -> None:
    packed = b"\x1f\x8b not really gzip"

    class Service(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            headers = [
                ("Content-Encoding", "x-unknown"),
                ("Content-Length", str(len(packed))),
                ("Set-Cookie", "a=1"),
                ("Set-Cookie", "b=2"),
                ("Keep-Alive", "timeout=5"),
                ("X-Request-ID", "theirs"),
            ]
            return httpx.Response(422, headers=headers, stream=httpx.ByteStream(packed))

    answer = ask(Service(), "GET", "/docs/files/a.js")
    assert answer.status_code == 422
    assert answer.content == packed  # httpx does not know it and hands it out as it is
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert answer.headers["x-request-id"] == "theirs"
    assert "keep-alive" not in answer.headers


def test_bodies_pass_piece_by_piece() -> None:
    closed: list[bool] = []

    class Stream(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            for number in range(1000):
                yield bytes([number % 256]) * 1000

        def close(self) -> None:
            closed.append(True)

    class Service(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, stream=Stream())

    answer = ask(Service(), "GET", "/api/v1/jets")
    assert len(answer.content) == 1_000_000
    assert closed[-1:] == [True]


@pytest.mark.parametrize(
    ("error", "status", "code", "times"),
    [
        (httpx.ConnectError("no"), 502, "backend_unreachable", 2),
        (httpx.RemoteProtocolError("gone"), 502, "backend_unreachable", 2),
        (httpx.ConnectTimeout("slow"), 504, "backend_timeout", 1),
        (httpx.ReadTimeout("slow"), 504, "backend_timeout", 1),
    ],
)
def test_a_service_that_is_away_is_told_in_the_one_shape(
    error: Exception, status: int, code: str, times: int
) -> None:
    asked: list[str] = []

    def service(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        raise error

    answer = ask(service, "GET", "/api/v1/health", headers={"X-Request-ID": "mine"})
    assert answer.status_code == status
    told = answer.json()["error"]
    assert (told["code"], told["request_id"], told["choices"]) == (code, "mine", None)
    assert "gpu" not in told["message"]
    assert len(asked) == times


@pytest.mark.parametrize(
    ("method", "path", "error", "answered"),
    [
        ("GET", "/api/v1/jets", httpx.ReadError("gone"), True),
        ("POST", "/api/v1/jets/1/explanation", httpx.RemoteProtocolError("gone"), True),
        ("POST", "/api/v1/jets/1/explanation/edge", httpx.ReadError("gone"), True),
        ("POST", "/api/v1/uploads", httpx.ConnectError("refused"), True),  # it never arrived
        ("POST", "/api/v1/uploads", httpx.ReadError("gone"), False),  # it may have arrived
        ("DELETE", "/api/v1/uploads/1", httpx.RemoteProtocolError("gone"), False),
    ],
)
def test_only_what_does_no_harm_is_sent_again(
    method: str, path: str, error: Exception, answered: bool
) -> None:
    bodies: list[bytes] = []

    def service(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        if len(bodies) == 1:
            raise error
        return httpx.Response(200)

    body = {} if method == "GET" else {"content": b"{}"}
    assert ask(service, method, path, **body).status_code == (200 if answered else 502)
    assert len(bodies) == (2 if answered else 1)
    assert len(set(bodies)) == 1


@pytest.mark.parametrize("length", [10, KEPT + 10])
def test_a_body_that_breaks_off_is_not_handed_on(length: int) -> None:
    came: list[bytes] = []

    def service(request: httpx.Request) -> httpx.Response:
        came.append(request.read())
        return httpx.Response(200)

    client = ServiceClient(ADDRESS, transport=httpx.MockTransport(service))
    server = create_app(client).server
    said = {"CONTENT_LENGTH": str(length), "wsgi.input_terminated": True}  # as gunicorn has it
    answer = server.test_client().post("/api/v1/x", data=b"half", environ_overrides=said)
    assert answer.status_code == 400
    assert answer.json["error"]["code"] == "cut_off"
    assert came == []


@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("DELETE", 502)])
def test_an_answer_that_breaks_off_is_asked_for_once_more(method: str, status: int) -> None:
    """The head has come, and then the process was killed."""
    asked: list[str] = []

    class Broken(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield b"hal"
            raise httpx.RemoteProtocolError("gone")

    class Service(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            asked.append(request.method)
            stream = Broken() if len(asked) == 1 else httpx.ByteStream(b"whole")
            return httpx.Response(200, headers={"Content-Length": "5"}, stream=stream)

    answer = ask(Service(), method, "/api/v1/jets")
    assert answer.status_code == status
    assert (answer.content == b"whole") == (status == 200)
    assert len(asked) == (2 if status == 200 else 1)


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/v1/jets", "/docs", "/docs/files/x", "/openapi.json"]
)
def test_the_services_addresses(path: str) -> None:
    assert ask(lambda request: httpx.Response(200, text="service"), "GET", path).text == "service"


@pytest.mark.parametrize(
    ("path", "status"),
    [("/", 200), ("/assets/picture/scene.js", 200), ("/_dash-layout", 200), ("/apix", 404),
     ("/documents", 404), ("/jetlrp/", 404)],
)  # fmt: skip
def test_the_pages_addresses(path: str, status: int) -> None:
    answer = ask(lambda request: httpx.Response(200, text="service"), "GET", path)
    assert answer.status_code == status
    assert answer.text != "service"
    if status == 404:  # a proxy may have kept the path below which it serves the page
        error = answer.json()["error"]
        assert error["code"] == "not_found"
        assert "JETLRP_ROOT_PATH" in error["message"]


def test_health_of_the_page_and_readiness_of_the_service() -> None:
    def service(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/lrp/ready"
        return httpx.Response(503, json={"status": "not ready"})

    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    assert ask(service, "GET", "/ready").json() == {"status": "not ready"}
    assert ask(service, "GET", "/ready").status_code == 503
    assert ask(away, "GET", "/ready").status_code == 503
    assert ask(away, "GET", "/health").json() == {"status": "ok"}


def test_addresses() -> None:
    assert read_address("http://gpu:8051/") == "http://gpu:8051"
    for wrong in ("gpu:8051", "", "file:///etc/passwd", "http:///x"):
        with pytest.raises(SettingsError, match="--backend"):
            read_address(wrong)
