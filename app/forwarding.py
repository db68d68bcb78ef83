"""Hands requests on to the service, so that the page's address answers for all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

import httpx
from flask import Flask, Response, request

from app.client import ServiceClient, ServiceError
from app.visit import request_id
from lrp_core.service.schemas import ErrorAnswer, ErrorBody

PATHS = ("/api", "/docs", "/openapi.json")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
PIECE = 64 * 1024  # bytes
KEPT = 1024 * 1024  # bytes of a body that is held, so that it can be sent once more

# Headers that concern one connection only (RFC 9110, section 7.6.1), and never travel further.
HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
# What the page itself says to the service, its own cookies, and where a proxy serves the page.
OWN = ("host", "cookie", "x-request-id", "x-forwarded-for", "x-forwarded-proto",
       "x-forwarded-prefix", "x-script-name")  # fmt: skip
Headers = list[tuple[str, str]]


class _CutOffError(Exception):
    """Less of a body has come than was said: whoever sent it has gone."""


def forward_requests(server: Flask, client: ServiceClient) -> None:
    """Answer the service's own addresses with what it answers; bodies pass piece by piece."""

    def forward(**_: str) -> Response:
        try:
            answer = client.forward(request.method, _target(), _headers(), _body())
        except _CutOffError:
            return refusal(400, ServiceError("The body did not come to its end.", code="cut_off"))
        except ServiceError as error:
            return refusal(504 if error.code == "timeout" else 502, error)
        onward = Response(_pieces(answer), answer.status_code)
        onward.headers.clear()
        for name, value in _end_to_end(answer.headers.multi_items()):
            onward.headers.add(name, value)
        return onward

    for path in PATHS:
        for rule in (path, f"{path}/<path:_>"):
            server.add_url_rule(
                rule,
                f"service {rule}",
                forward,
                methods=METHODS,
                provide_automatic_options=False,
                strict_slashes=False,
                merge_slashes=False,
            )


def refusal(status: int, error: ServiceError) -> Response:
    """An answer in the service's one shape of errors, where the service itself cannot give it."""
    number = error.request_id or request_id() or ""
    body = ErrorBody(
        code={"unreachable": "backend_unreachable", "timeout": "backend_timeout"}.get(
            error.code, error.code
        ),
        message=error.message,
        choices=error.choices,
        request_id=number,
    )
    headers = {"X-Request-ID": number, "Retry-After": "2"}
    answer = ErrorAnswer(error=body).model_dump_json()
    return Response(answer, status, headers, mimetype="application/json")


def _target() -> str:
    """Path and query as they were sent."""
    path = quote(request.environ["PATH_INFO"].encode("latin-1"), safe="/:@!$&'()*+,;=~-._")
    query = request.environ.get("QUERY_STRING", "")
    return f"{path}?{query}" if query else path


def _headers() -> Headers:
    """What the browser said, without what the page says for itself."""
    given = [
        (name, value)
        for name, value in _end_to_end(request.headers.items())
        if name not in OWN and not name.startswith("x-jetlrp-")
    ]
    if request.remote_addr:
        given.append(("x-forwarded-for", request.remote_addr))
    return [*given, ("x-forwarded-proto", request.scheme)]


def _body() -> bytes | Iterator[bytes] | None:
    """The body: held if it is small, else piece by piece; None where there is none.

    Raises _CutOffError, now or while it is read, where less of it comes than was said.
    """
    length = request.content_length
    if length is not None and length <= KEPT:
        return b"".join(_parts(length))
    if length is None and "Transfer-Encoding" not in request.headers:
        return None
    return _parts(length or 0)


def _parts(length: int) -> Iterator[bytes]:
    """The pieces of a body that has so many bytes at least."""
    while part := request.stream.read(PIECE):
        length -= len(part)
        yield part
    if length > 0:
        raise _CutOffError


def _pieces(answer: httpx.Response) -> Iterator[bytes]:
    """The body as it arrives; the connection is given back at its end, or when nobody listens."""
    try:
        assert isinstance(answer.stream, httpx.SyncByteStream)
        yield from answer.stream  # as it is: not unpacked
    finally:
        answer.close()


def _end_to_end(headers: Iterable[tuple[str, Any]]) -> Headers:
    """The headers without those that concern one connection only."""
    given = [(name.lower(), str(value)) for name, value in headers]
    named = ",".join(value for name, value in given if name == "connection")
    dropped = HOP_BY_HOP | {name.strip().lower() for name in named.split(",")}
    return [(name, value) for name, value in given if name not in dropped]
