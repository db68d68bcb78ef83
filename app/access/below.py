"""The path below which browsers find this server, such as /jetlrp/ of a reverse proxy.

    browser ── /jetlrp/docs ──> proxy ── /jetlrp/docs or /docs ──> Below ── /docs ──> all the rest

Some proxies take the path away before they hand a request on, others keep it. Both are put right
here, before anything else looks at a request: behind this, paths begin at the top of the server.
Where the path is known, addresses of answers begin with it; where it is not, they are relative, and
so hold below any path that a proxy takes away.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from flask import Flask, has_request_context, request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from app.access.addresses import is_among, proxies_of
from lrp_core.errors import SettingsError
from lrp_core.settings import Settings, variable_of
from lrp_core.web_address import path_below, written

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

logger = logging.getLogger("jetlrp.access")

KEY = "jetlrp.below"  # of an ASGI scope
HEADERS = ("x-forwarded-prefix", "x-script-name")  # in which proxies tell what they took away
# First parts of the server's own paths: below one of these it is not clear what was taken away.
OWN = ("api", "assets", "docs", "health", "login", "logout", "metrics", "openapi.json", "ready")


class Below:
    """Divides a path into the one below which the server is, and the rest.

    settings  root_path, which counts before what proxies tell; trusted_proxies, who may tell it

    Raises SettingsError if root_path is one of the server's own paths.
    """

    def __init__(self, settings: Settings) -> None:
        self.path = settings.root_path or ""
        self._proxies = proxies_of(settings)
        if _is_own(self.path):
            raise SettingsError(
                f"{variable_of('root_path')}: {self.path}/ is an address of the server itself; "
                "give another path, such as /jetlrp/"
            )

    def split(self, path: str, header: Callable[[str], str | None], client: str) -> tuple[str, str]:
        """A request's path -> the path below which the server is, and the rest.

        The former is percent-encoded, and "" where it is not known. The rest is decoded, as the
        request's path is, and "" where no slash follows.

        header  looks up a header of the request
        client  address of the other end of the connection
        """
        below = self.path or self._told(header, client)
        top = unquote(below)
        if top and (path == top or path.startswith(f"{top}/")):
            return below, path[len(top) :]
        return below, path

    def _told(self, header: Callable[[str], str | None], client: str) -> str:
        """What a proxy that is believed says it took away."""
        told = next((value for name in HEADERS if (value := header(name))), "")
        return _read(told) if told and is_among(client, self._proxies) else ""


def address_below(below: str, path: str, target: str) -> str:
    """Where a browser at ``path`` finds ``target``; both begin at the top of the server.

    below  the path below which the server is; where it is "", the address is relative
    """
    up = "../" * (path.count("/") - 1) or "./"
    return below + target if below else up + target.removeprefix("/")


def top_of_request() -> str:
    """The top of the server for the page that is being answered, with a slash at its end."""
    return address_below(below_of_request(), "/", "/")


def below_of_request() -> str:
    """The path below which the server is for the request that Flask answers; "" if not known."""
    return written(request.script_root) if has_request_context() else ""


class Stripped:
    """An ASGI application, asked for paths that begin at its top.

    ``below_of_scope`` tells it the path below which it is.
    """

    def __init__(self, app: ASGIApp, below: Below) -> None:
        self.app = app
        self._below = below

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            client = scope["client"][0] if scope.get("client") else ""
            below, rest = self._below.split(scope["path"], Headers(scope=scope).get, client)
            if not rest:
                where = _with_query(f"{below}/", scope["query_string"].decode("latin-1"))
                headers = [(b"location", where.encode()), (b"content-length", b"0")]
                await send({"type": "http.response.start", "status": 308, "headers": headers})
                await send({"type": "http.response.body", "body": b""})
                return
            scope = {**scope, "path": rest, KEY: below}
        await self.app(scope, receive, send)


def strip_paths(server: Flask, below: Below) -> None:
    """The same for a Flask application, which knows SCRIPT_NAME for that."""
    inner = server.wsgi_app

    def application(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        def header(name: str) -> str | None:
            return environ.get(f"HTTP_{name.upper().replace('-', '_')}")

        path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace")
        found, rest = below.split(path, header, environ.get("REMOTE_ADDR", ""))
        if found and not rest:
            where = _with_query(f"{found}/", environ.get("QUERY_STRING", ""))
            start("308 Permanent Redirect", [("Location", where), ("Content-Length", "0")])
            return []
        if found:
            name = unquote(found).encode().decode("latin-1")
            environ["SCRIPT_NAME"] = name
            if rest != path:
                environ["PATH_INFO"] = environ["PATH_INFO"][len(name) :]
        return inner(environ, start)

    server.wsgi_app = application  # type: ignore[method-assign,assignment]


def below_of_scope(scope: Scope) -> str:
    """The path below which the server is, as ``Stripped`` found it; "" if not known."""
    found: Any = scope.get(KEY, "")
    return str(found)


def _with_query(path: str, query: str) -> str:
    return f"{path}?{query}" if query else path


def _is_own(path: str) -> bool:
    first = path.strip("/").split("/")[0]
    return first in OWN or first.startswith(("_dash", "_jetlrp", "_favicon"))


@lru_cache(maxsize=64)  # so that each is told once
def _read(told: str) -> str:
    try:
        below = path_below(told.rpartition(",")[2])
    except ValueError as error:
        logger.warning("a proxy says that it serves this below %r: %s", told, error)
        return ""
    if _is_own(below):
        logger.warning("a proxy says that it serves this below %r, an address of its own", told)
        return ""
    return below
