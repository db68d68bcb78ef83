"""The request of a browser that is being answered: its id, and the name of who sent it."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Callable, Sequence
from urllib.parse import quote

from flask import Flask, Response, g, has_request_context, request

from lrp_core.service.schemas import SECRET_HEADER, USER_HEADER
from lrp_core.watching import (
    CONTENT_TYPE,
    REQUEST_ID,
    REQUEST_SECONDS,
    REQUESTS,
    exposition,
    may_read,
)

logger = logging.getLogger("jetlrp.access.page")

REQUEST_ID_HEADER = "X-Request-ID"
QUIET = ("/health", "/ready", "/metrics")  # asked by machines all the time
OTHER = "other"
ID_GIVEN = re.compile(r"[A-Za-z0-9._-]{1,64}")


def request_id() -> str | None:
    """The id of the request that is being answered, None outside of one."""
    if not has_request_context():
        return None
    if "request_id" not in g:
        given = request.headers.get(REQUEST_ID_HEADER, "")
        g.request_id = given if ID_GIVEN.fullmatch(given) else secrets.token_hex(6)
    return str(g.request_id)


def user() -> str | None:
    """The name of who sent the request (``flask.g.user``), None where it is not known."""
    return g.get("user") if has_request_context() else None


def headers_of_visit(secret: str | None) -> Callable[[], dict[str, str]]:
    """What goes along with a request to the service; ``secret`` is the one that it expects."""

    def headers() -> dict[str, str]:
        given = {REQUEST_ID_HEADER: request_id()}
        if secret is not None:
            name = user()
            given |= {SECRET_HEADER: secret, USER_HEADER: quote(name) if name else None}
        return {name: value for name, value in given.items() if value is not None}

    return headers


def watch_requests(server: Flask, allowed: Sequence[str]) -> None:
    """Give every request an id, count it, and log it; answer /metrics.

    allowed  addresses and networks that may read /metrics, beside this machine
    """

    def begin() -> None:
        g.began = time.perf_counter()
        REQUEST_ID.set(request_id())

    # before whatever was registered until now, such as what decides who is let in
    server.before_request_funcs.setdefault(None, []).insert(0, begin)

    @server.after_request
    def _end(response: Response) -> Response:
        REQUEST_ID.set(request_id())  # of those too that were not let in
        response.headers.setdefault(REQUEST_ID_HEADER, request_id() or "")
        route = request.url_rule.rule if request.url_rule else OTHER
        seconds = time.perf_counter() - g.get("began", time.perf_counter())
        REQUESTS.labels("page", request.method, route, str(response.status_code)).inc()
        REQUEST_SECONDS.labels("page", route).observe(seconds)
        if request.path not in QUIET:
            logger.info(
                "%s %s %d %.1f ms",
                request.method,
                request.path,
                response.status_code,
                1000 * seconds,
                extra={"user": user()},
            )
        return response

    @server.teardown_request
    def _done(_: BaseException | None) -> None:
        REQUEST_ID.set(None)

    @server.route("/metrics")
    def _metrics() -> Response:
        if may_read(request.remote_addr or "", request.headers.keys(), allowed):
            return Response(exposition(), mimetype=CONTENT_TYPE)
        words = "These numbers are for other addresses (metrics_from).\n"
        return Response(words, 403, mimetype="text/plain")
