"""A service behind dashboards: only who knows their secret is answered, and may say for whom."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send

from lrp_core.service.problems import Problem, problem_answer, request_id_of
from lrp_core.service.schemas import SECRET_HEADER, USER_HEADER

OPEN = ("/health", "/ready", "/metrics")  # say nothing of jets or people, or guard themselves


class Trust:
    """Refuses requests without the dashboard's secret; notes the user's name of the others.

    secret  what the dashboard sends along; None if anybody may ask, who then has no name

    The name is in the request's state as ``user``, None where it is not known.
    """

    def __init__(self, app: ASGIApp, secret: str | None) -> None:
        self.app = app
        self._secret = None if secret is None else secret.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers: Mapping[bytes, bytes] = dict(scope["headers"])
            state = scope.setdefault("state", {})
            state["user"] = None
            if self._secret is not None and scope["path"] not in OPEN:
                given = headers.get(SECRET_HEADER.lower().encode(), b"")
                if not hmac.compare_digest(given, self._secret):
                    problem = Problem(
                        403,
                        "not_through_dashboard",
                        "This service answers its dashboards only: open the dashboard's address.",
                    )
                    await problem_answer(problem, request_id_of(scope))(scope, receive, send)
                    return
                user = headers.get(USER_HEADER.lower().encode())
                state["user"] = None if user is None else unquote(user.decode("latin-1"))
        await self.app(scope, receive, send)
