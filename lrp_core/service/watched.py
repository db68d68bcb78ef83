"""Counts the service's requests, answers /metrics, and writes a line per request."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from fastapi.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lrp_core.service.problems import request_id_of
from lrp_core.watching import (
    CONTENT_TYPE,
    REQUEST_ID,
    REQUEST_SECONDS,
    REQUESTS,
    exposition,
    may_read,
)

logger = logging.getLogger("jetlrp.access.service")

METRICS = "/metrics"
QUIET = ("/health", "/ready", METRICS)  # asked by machines all the time
OTHER = "other"  # what has no route of its own, so that nobody can make up labels


class Watched:
    """An application whose requests are counted.

    allowed  addresses and networks that may read /metrics, beside this machine
    """

    def __init__(self, app: ASGIApp, allowed: Sequence[str]) -> None:
        self.app = app
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        REQUEST_ID.set(request_id_of(scope))
        began, status = time.perf_counter(), 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._count(scope, status, time.perf_counter() - began)
            await send(message)

        if scope["path"] == METRICS:
            await self._metrics(scope)(scope, receive, noted)
        else:
            await self.app(scope, receive, noted)

    def _metrics(self, scope: Scope) -> Response:
        client = scope["client"][0] if scope.get("client") else ""
        names = [name.decode("latin-1") for name, _ in scope["headers"]]
        if may_read(client, names, self._allowed):
            return Response(exposition(), media_type=CONTENT_TYPE)
        return PlainTextResponse("These numbers are for other addresses (metrics_from).\n", 403)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", None)
        if route is None:
            route = scope["path"] if scope["path"] in QUIET else OTHER
        REQUESTS.labels("service", scope["method"], route, str(status)).inc()
        REQUEST_SECONDS.labels("service", route).observe(seconds)
        if scope["path"] not in QUIET:
            logger.info(
                "%s %s %d %.1f ms",
                scope["method"],
                scope["path"],
                status,
                1000 * seconds,
                extra={"user": scope.get("state", {}).get("user")},
            )
