"""Handing requests on to a service elsewhere: everything passes as it is, both ways."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from app.forwarding import Forwarding, read_address
from app.serve import Site
from lrp_core.errors import SettingsError

Handler = Callable[[httpx.Request], httpx.Response]


def ask(handler: Handler | httpx.AsyncBaseTransport, method: str, path: str, **how: Any) -> Any:
    """Ask a page whose service is what ``handler`` says; -> the answer."""
    elsewhere = (
        handler if isinstance(handler, httpx.AsyncBaseTransport) else httpx.MockTransport(handler)
    )

    async def page(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"the page"})

    async def go() -> httpx.Response:
        site = Site(page, Forwarding("http://gpu:8051/lrp/", 5.0, transport=elsewhere))
        transport = httpx.ASGITransport(site, client=("10.0.0.9", 5))
        async with httpx.AsyncClient(transport=transport, base_url="http://laptop") as client:
            return await client.request(method, path, **how)

    return asyncio.run(go())


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
            "X-Forwarded-For": "6.6.6.6",
        },
    )
    assert answer.json() == {"body": '{"rule": 1}'}
    (request,) = seen
    assert str(request.url) == "http://gpu:8051/lrp/api/v1/jets/%20x/explanation?a=1&b=%26"
    headers = request.headers
    assert (headers["host"], headers["content-length"]) == ("gpu:8051", "11")
    assert (headers["x-request-id"], headers["authorization"]) == ("mine", "Bearer x")
    assert headers["accept-encoding"] == "gzip"
    assert headers["x-forwarded-for"] == "10.0.0.9"
    assert not {"connection", "x-private", "transfer-encoding"} & set(headers)


def test_an_answer_arrives_as_it_was_given() -> None:
    packed = b"\x1f\x8b not really gzip"

    class Service(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            headers = [
                ("Content-Encoding", "br"),
                ("Content-Length", str(len(packed))),
                ("Set-Cookie", "a=1"),
                ("Set-Cookie", "b=2"),
                ("Keep-Alive", "timeout=5"),
                ("X-Request-ID", "theirs"),
            ]
            return httpx.Response(422, headers=headers, stream=httpx.ByteStream(packed))

    answer = ask(Service(), "GET", "/docs/files/a.js")
    assert answer.status_code == 422
    assert answer.content == packed  # httpx knows no "br" here and hands it out as it is
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert answer.headers["x-request-id"] == "theirs"
    assert "keep-alive" not in answer.headers


def test_bodies_pass_piece_by_piece() -> None:
    closed: list[bool] = []

    class Stream(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            for number in range(1000):
                yield bytes([number % 256]) * 1000

        async def aclose(self) -> None:
            closed.append(True)

    class Service(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, stream=Stream())

    answer = ask(Service(), "GET", "/api/v1/jets")
    assert len(answer.content) == 1_000_000
    assert closed == [True]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (httpx.ConnectError("no"), 502, "backend_unreachable"),
        (httpx.RemoteProtocolError("gone"), 502, "backend_unreachable"),
        (httpx.ConnectTimeout("slow"), 504, "backend_timeout"),
        (httpx.ReadTimeout("slow"), 504, "backend_timeout"),
    ],
)
def test_a_service_that_is_away_is_told_in_the_one_shape(
    error: Exception, status: int, code: str
) -> None:
    def service(request: httpx.Request) -> httpx.Response:
        raise error

    answer = ask(service, "GET", "/api/v1/health", headers={"X-Request-ID": "mine"})
    assert answer.status_code == status
    told = answer.json()["error"]
    assert (told["code"], told["request_id"], told["choices"]) == (code, "mine", None)
    assert "http://gpu:8051/lrp" in told["message"]


@pytest.mark.parametrize(
    "path", ["/api", "/api/v1/jets", "/docs", "/docs/files/x", "/openapi.json"]
)
def test_the_services_addresses(path: str) -> None:
    assert ask(lambda request: httpx.Response(200, text="service"), "GET", path).text == "service"


@pytest.mark.parametrize("path", ["/", "/apix", "/assets/scene.js", "/_dash-layout", "/documents"])
def test_the_pages_addresses(path: str) -> None:
    assert ask(lambda request: httpx.Response(200, text="service"), "GET", path).text == "the page"


def test_addresses() -> None:
    assert read_address("http://gpu:8051/") == "http://gpu:8051"
    for wrong in ("gpu:8051", "", "file:///etc/passwd", "http:///x"):
        with pytest.raises(SettingsError, match="--backend"):
            read_address(wrong)
