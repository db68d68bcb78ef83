"""A service with a secret answers its dashboards only, and believes their word on who asks."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from lrp_core.service.trust import Trust

SECRET = "a long shared secret"


def test_without_a_secret_anybody_may_ask_and_nobody_has_a_name(serve: Any) -> None:
    client = serve()
    assert client.get("/api/v1/jets", headers={"X-Jetlrp-User": "root"}).status_code == 200


@pytest.mark.parametrize("given", [None, "", "a long shared secre", "wrong", "é"])
@pytest.mark.parametrize("path", ["/api/v1/health", "/docs", "/openapi.json", "/docs/files/a.js"])
def test_without_the_secret_nothing_is_told(serve: Any, path: str, given: str | None) -> None:
    client = serve(secret=SECRET)
    headers = {} if given is None else {"X-Jetlrp-Secret": given.encode()}
    answer = client.get(path, headers=headers)
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "not_through_dashboard"
    assert answer.json()["error"]["request_id"] == answer.headers["x-request-id"]
    assert client.get(path, headers={"X-Jetlrp-Secret": SECRET}).status_code != 403


@pytest.mark.parametrize(("secret", "user"), [(SECRET, "Zoë"), (None, None)])
def test_the_name_is_taken_with_the_secret_only(secret: str | None, user: str | None) -> None:
    seen: list[Any] = []

    async def look(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["state"]["user"])

    headers = [(b"x-jetlrp-secret", SECRET.encode()), (b"x-jetlrp-user", b"Zo%C3%AB")]
    scope = {"type": "http", "path": "/api/v1/jets", "headers": headers}
    asyncio.run(Trust(look, secret)(scope, None, None))  # type: ignore[arg-type]
    assert seen == [user]


def test_health_and_readiness_need_no_secret(serve: Any) -> None:
    client = serve(secret=SECRET)
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/ready").json() == {"status": "ready"}


def test_not_ready_while_the_jets_cannot_be_read(serve: Any, toy_jets: Any) -> None:
    class Gone(type(toy_jets)):  # type: ignore[misc]
        def __getitem__(self, index: int) -> Any:
            raise FileNotFoundError(2, "No such file", "toy.root")

    client = serve(Gone())
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert "toy.root" in answer.json()["problem"]
    assert client.get("/health").status_code == 200
