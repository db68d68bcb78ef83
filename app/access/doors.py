"""The gate before an application: one door for ASGI, one for Flask. Both do the same.

What a request says of itself in X-Jetlrp-* headers is taken away; who was let in is told the
applications behind the door in X-Jetlrp-User, beside the server's own secret where it has one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from flask import Flask, Response, g, request
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.addresses import is_loopback
from app.access.below import below_of_request, below_of_scope
from app.access.gate import (
    LOGIN,
    MOST_FORM,
    SECRET,
    USER,
    Answered,
    Asked,
    Gate,
)
from app.access.headers import for_answer

OURS = "x-jetlrp-"


class Door:
    """The gate before an ASGI application.

    secret  told the applications behind, so that they believe the user's name
    """

    def __init__(self, app: ASGIApp, gate: Gate, secret: str | None = None) -> None:
        self.app = app
        self.gate = gate
        self._secret = secret

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # there are no sockets of other kinds here
        asked = _asked_of_scope(scope)
        if asked.method == "POST" and asked.path == LOGIN:
            asked = Asked(**{**vars(asked), "body": await _form(receive)})
        tls = self.gate.is_tls(asked)
        near = is_loopback(asked.client)
        headers = for_answer(tls=tls, trustworthy=tls or near, frames=self.gate.frames)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                found = MutableHeaders(scope=message)
                for name, value in headers:
                    found.setdefault(name, value)
            await send(message)

        if asked.body or "authorization" in asked.headers:  # a password may have to be hashed
            decided = await asyncio.to_thread(self.gate.decide, asked)
        else:
            decided = self.gate.decide(asked)
        if isinstance(decided, Answered):
            await _answer(decided, asked, send_with_headers)
            return
        most = self.gate.most_body(asked)
        bounded = receive if most is None else _Bounded(receive, most)
        sent = dict(scope) | {"headers": _with_user(scope["headers"], decided.user, self._secret)}
        try:
            await self.app(sent, bounded, send_with_headers)
        finally:
            self.gate.end(decided)


def stand_before(server: Flask, gate: Gate) -> None:
    """The gate before a Flask application: every request goes through it, to files as well."""

    def decide() -> Response | None:
        asked = _asked_of_flask()
        g.tls = gate.is_tls(asked)
        decided = gate.decide(asked)
        if isinstance(decided, Answered):
            answer = Response("" if asked.method == "HEAD" else decided.body, decided.status)
            answer.headers.clear()
            for name, value in decided.headers:
                answer.headers.add(name, value)
            return answer
        g.user, g.can_leave, g.let_in = decided.user, gate.can_leave, decided
        request.max_content_length = gate.most_body(asked)
        return None

    # before whatever was registered until now
    server.before_request_funcs.setdefault(None, []).insert(0, decide)

    def make_safe(response: Response) -> Response:
        tls = g.get("tls", False)
        near = is_loopback(request.remote_addr or "")
        for name, value in for_answer(tls=tls, trustworthy=tls or near, frames=gate.frames):
            response.headers.setdefault(name, value)
        let_in = g.pop("let_in", None)
        if let_in is not None:
            response.call_on_close(lambda: gate.end(let_in))  # a body may come piece by piece
        return response

    # Flask goes through these backwards: the last word, after what the page says for itself
    server.after_request_funcs.setdefault(None, []).insert(0, make_safe)


def believe_door(server: Flask, *, can_leave: bool) -> None:
    """For the page in one process with the service: the door has let in, and tells whom."""

    def note() -> None:
        name = request.headers.get(USER)
        g.user = None if name is None else unquote(name)
        g.can_leave = can_leave

    server.before_request_funcs.setdefault(None, []).insert(0, note)


def _asked_of_scope(scope: Scope) -> Asked:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        joint = "; " if name == "cookie" else ", "
        headers[name] = f"{headers[name]}{joint}{value}" if name in headers else value
    return Asked(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        client=scope["client"][0] if scope.get("client") else "",
        scheme=scope.get("scheme", "http"),
        below=below_of_scope(scope),
    )


def _asked_of_flask() -> Asked:
    headers: Mapping[str, str] = {name.lower(): value for name, value in request.headers.items()}
    is_form = request.method == "POST" and request.path == LOGIN
    return Asked(
        method=request.method,
        path=request.path,
        query=request.environ.get("QUERY_STRING", ""),
        headers=headers,
        client=request.remote_addr or "",
        scheme=request.scheme,
        body=request.stream.read(MOST_FORM) if is_form else b"",
        below=below_of_request(),
    )


def _with_user(
    headers: list[tuple[bytes, bytes]], user: str | None, secret: str | None
) -> list[tuple[bytes, bytes]]:
    # for WSGI x_jetlrp_user is X-Jetlrp-User; gunicorn drops underscores for that reason, too
    kept = [(n, v) for n, v in headers if b"_" not in n and not n.lower().startswith(OURS.encode())]
    if secret is not None:
        kept.append((SECRET.encode(), secret.encode()))
    if user is not None:
        kept.append((USER.encode(), quote(user).encode()))
    return kept


async def _form(receive: Receive) -> bytes:
    """The body of the log-in form, as much of it as there can be."""
    body, more = b"", True
    while more and len(body) <= MOST_FORM:
        message = await receive()
        if message["type"] != "http.request":
            break
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body[:MOST_FORM]


async def _answer(answered: Answered, asked: Asked, send: Any) -> None:
    body = answered.body.encode()
    headers = [(n.lower().encode(), v.encode("latin-1")) for n, v in answered.headers]
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": answered.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if asked.method == "HEAD" else body})


class _TooLargeError(HTTPException):
    """A body turned out to be larger than it may be; FastAPI hands on what is of this kind."""

    def __init__(self) -> None:
        super().__init__(413)


class _Bounded:
    """Counts a body while it arrives: not every request says before how long it is."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive = receive
        self._left = most

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                raise _TooLargeError
        return message
