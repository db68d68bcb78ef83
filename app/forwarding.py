"""Hands requests on to a service that runs elsewhere, so that one address answers for all."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from lrp_core.errors import SettingsError
from lrp_core.service.schemas import ErrorAnswer, ErrorBody

CONNECT_SECONDS = 3.0

# Headers that concern one connection only (RFC 9110, section 7.6.1), and never travel further.
HOP_BY_HOP = {
    b"connection",
    b"keep-alive",
    b"proxy-authenticate",
    b"proxy-authorization",
    b"proxy-connection",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
}
Headers = list[tuple[bytes, bytes]]


def read_address(address: str) -> str:
    """The address of a service, without a slash at its end. Raises SettingsError if it is none."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise SettingsError(
            f"--backend: {address!r} is not the address of a service; "
            "expected one such as http://gpu-machine:8051"
        )
    return address.rstrip("/")


class Forwarding:
    """An ASGI application that answers with what the service at ``address`` answers.

    Bodies pass through piece by piece, both ways, as they are. ``seconds`` is the longest time
    without any answer. ``transport`` takes the place of the network in tests.
    """

    def __init__(
        self, address: str, seconds: float, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.address = read_address(address)
        self._timeout = httpx.Timeout(seconds, connect=CONNECT_SECONDS)
        self._transport = transport

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            if self._transport is not None:
                await self._transport.aclose()
            await send({"type": "lifespan.shutdown.complete"})
            return
        await (await self._answer(Request(scope, receive)))(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if self._transport is None:
            self._transport = httpx.AsyncHTTPTransport(
                limits=httpx.Limits(max_connections=100, keepalive_expiry=5.0)
            )
        try:
            answer = await self._transport.handle_async_request(self._onward(request))
        except httpx.TimeoutException:
            return self._away(request, 504, "backend_timeout", "took too long to answer")
        except httpx.TransportError:
            return self._away(request, 502, "backend_unreachable", "does not answer")
        assert isinstance(answer.stream, httpx.AsyncByteStream)
        onward = StreamingResponse(_pieces(answer.stream), answer.status_code)
        onward.raw_headers = _end_to_end(answer.headers.raw)
        return onward

    def _onward(self, request: Request) -> httpx.Request:
        """The same request, for the service."""
        path = request.scope.get("raw_path") or request.url.path.encode()
        query = request.scope["query_string"]
        base = httpx.URL(self.address)
        target = base.raw_path.rstrip(b"/") + path + (b"?" + query if query else b"")
        headers = [
            (name, value)
            for name, value in _end_to_end(request.headers.raw)
            if name not in (b"host", b"x-forwarded-for", b"x-forwarded-proto")
        ]
        if request.client:
            headers.append((b"x-forwarded-for", request.client.host.encode()))
        headers.append((b"x-forwarded-proto", request.url.scheme.encode()))
        has_body = "content-length" in request.headers or "transfer-encoding" in request.headers
        return httpx.Request(
            request.method,
            base.copy_with(raw_path=target),
            headers=headers,
            content=request.stream() if has_body else None,
            extensions={"timeout": self._timeout.as_dict()},
        )

    def _away(self, request: Request, status: int, code: str, what: str) -> Response:
        message = f"The service at {self.address} {what}; check that it is running."
        return refusal(request.scope, status, code, message)


def refusal(scope: Scope, status: int, code: str, message: str) -> Response:
    """An answer in the service's one shape of errors, where the service itself cannot give it."""
    request_id = Request(scope).headers.get("x-request-id") or secrets.token_hex(6)
    body = ErrorBody(code=code, message=message, choices=None, request_id=request_id)
    return Response(
        ErrorAnswer(error=body).model_dump_json(),
        status_code=status,
        media_type="application/json",
        headers={"X-Request-ID": request_id, "Retry-After": "2"},
    )


async def _pieces(stream: httpx.AsyncByteStream) -> AsyncIterator[bytes]:
    """The body as it arrives; the connection is given back at its end, or when nobody listens."""
    try:
        async for piece in stream:
            yield piece
    finally:
        await stream.aclose()


def _end_to_end(headers: Headers) -> Headers:
    """The headers without those that concern one connection only."""
    named = b",".join(value for name, value in headers if name.lower() == b"connection")
    dropped = HOP_BY_HOP | {name.strip().lower() for name in named.split(b",")}
    return [(name.lower(), value) for name, value in headers if name.lower() not in dropped]
