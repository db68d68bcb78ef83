"""The request of a browser that is being answered: its id, and the name of who sent it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from urllib.parse import quote

from flask import Flask, Response, g, has_request_context, request

from lrp_core.service.schemas import SECRET_HEADER, USER_HEADER

REQUEST_ID = "X-Request-ID"
ID_GIVEN = re.compile(r"[A-Za-z0-9._-]{1,64}")


def request_id() -> str | None:
    """The id of the request that is being answered, None outside of one."""
    if not has_request_context():
        return None
    if "request_id" not in g:
        given = request.headers.get(REQUEST_ID, "")
        g.request_id = given if ID_GIVEN.fullmatch(given) else secrets.token_hex(6)
    return str(g.request_id)


def user() -> str | None:
    """The name of who sent the request (``flask.g.user``), None where it is not known."""
    return g.get("user") if has_request_context() else None


def headers_of_visit(secret: str | None) -> Callable[[], dict[str, str]]:
    """What goes along with a request to the service; ``secret`` is the one that it expects."""

    def headers() -> dict[str, str]:
        given = {REQUEST_ID: request_id()}
        if secret is not None:
            name = user()
            given |= {SECRET_HEADER: secret, USER_HEADER: quote(name) if name else None}
        return {name: value for name, value in given.items() if value is not None}

    return headers


def number_requests(server: Flask) -> None:
    """Give every answer the id of its request."""

    @server.after_request
    def _number(response: Response) -> Response:
        response.headers.setdefault(REQUEST_ID, request_id() or "")
        return response
