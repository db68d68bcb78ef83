"""The gate before real applications: nothing gets past it, and those behind learn who it is."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import flask
import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import Receive, Scope, Send

from app.access.doors import Door, believe_door, stand_before
from app.access.gate import Gate
from app.access.headers import ALWAYS, NOTHING
from lrp_core.settings import read_settings

TOKEN = "0123456789abcdef-token"
RIGHT = {"Authorization": f"Bearer {TOKEN}"}
SECRET = "a secret of this server alone"
PATHS = ("/", "/_dash-layout", "/_dash-component-suites/x.js", "/assets/picture/scene.js", "/docs",
         "/api/v1/jets", "/openapi.json", "/anything", "/static/x")  # fmt: skip
Answer = Callable[..., httpx.Response]


def gate(**more: Any) -> Gate:
    settings = {"host": "0.0.0.0", "auth": "token", "token": TOKEN, "body_bytes": 2000, **more}
    return Gate(read_settings(**settings), SECRET)


def through_asgi(client: str = "10.0.0.9", **more: Any) -> Answer:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        told = {
            "user": request.headers.get("x-jetlrp-user"),
            "secret": request.headers.get("x-jetlrp-secret"),
            "role": request.headers.get("x-jetlrp-role"),
            "body": len(body),
        }
        await JSONResponse(told)(scope, receive, send)

    door = Door(app, gate(**more), SECRET)

    def ask(method: str, path: str, **how: Any) -> httpx.Response:
        async def go() -> httpx.Response:
            transport = httpx.ASGITransport(door, client=(client, 5))
            async with httpx.AsyncClient(transport=transport, base_url="http://lab") as browser:
                return await browser.request(method, path, **how)

        return asyncio.run(go())

    return ask


def through_flask(client: str = "10.0.0.9", **more: Any) -> Answer:
    server = flask.Flask("behind", static_folder=None)

    @server.route("/", defaults={"path": ""}, methods=["GET", "POST"])
    @server.route("/<path:path>", methods=["GET", "POST"])
    def _all(path: str) -> dict[str, Any]:
        body = flask.request.get_data()
        return {"user": flask.g.user, "body": len(body), "leave": flask.g.can_leave}

    stand_before(server, gate(**more))

    def ask(method: str, path: str, **how: Any) -> httpx.Response:
        transport = httpx.WSGITransport(server, remote_addr=client)
        with httpx.Client(transport=transport, base_url="http://lab") as browser:
            return browser.request(method, path, **how)

    return ask


both = pytest.mark.parametrize("door", [through_asgi, through_flask], ids=["asgi", "flask"])


@both
@pytest.mark.parametrize("path", PATHS)
def test_everything_is_behind_the_door(door: Any, path: str) -> None:
    ask = door()
    for method in ("GET", "POST", "HEAD"):
        answer = ask(method, path)
        assert answer.status_code == 401, (method, path)
    assert ask("GET", path, headers={**RIGHT, "X-Jetlrp-User": "root"}).json()["user"] == (
        "guest-10.0.0.9"
    )


@both
def test_who_says_himself_who_he_is_is_not_believed(door: Any) -> None:
    told = door()("GET", "/", headers={**RIGHT, "X-Jetlrp-User": "root", "X-Jetlrp-Role": "all"})
    assert told.json()["user"] == "guest-10.0.0.9"
    assert told.json().get("role") is None


def test_the_service_behind_is_told_the_secret() -> None:
    assert through_asgi()("GET", "/", headers=RIGHT).json()["secret"] == SECRET
    # and the page's own requests come in by it
    own = {"X-Jetlrp-Secret": SECRET, "X-Jetlrp-User": "anna"}
    assert through_asgi()("GET", "/", headers=own).json()["user"] == "anna"
    answer = through_asgi()("GET", "/", headers={**own, "X-Jetlrp-Secret": "x"})
    assert answer.status_code == 403


@both
def test_every_answer_has_its_headers(door: Any) -> None:
    ask = door()
    for answer in (ask("GET", "/", headers=RIGHT), ask("GET", "/"), ask("GET", "/login")):
        for name, value in ALWAYS:
            assert answer.headers[name] == value or name == "Content-Security-Policy"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert "strict-transport-security" not in answer.headers
        assert (
            "cross-origin-opener-policy" not in answer.headers
        )  # not by plain HTTP from elsewhere
    assert ask("GET", "/", headers=RIGHT).headers["Content-Security-Policy"] == NOTHING
    near = door(client="127.0.0.1")("GET", "/", headers=RIGHT)
    assert near.headers["cross-origin-opener-policy"] == "same-origin"
    behind = door(client="10.1.0.1", trusted_proxies=("10.1.0.1",))
    tls = behind("GET", "/", headers={**RIGHT, "X-Forwarded-Proto": "https"})
    assert tls.headers["strict-transport-security"] == "max-age=31536000"


@both
def test_a_person_logs_in_and_out(door: Any) -> None:
    ask = door()
    shown = ask("GET", "/", headers={"Accept": "text/html"})
    assert (shown.status_code, shown.headers["location"]) == (303, "./login")
    form = ask("GET", "/login")
    assert form.headers["content-type"].startswith("text/html")
    field = form.text.split('name="form" value="')[1].split('"')[0]
    cookie = form.headers["set-cookie"].split(";")[0]
    data = {"form": field, "password": TOKEN, "next": "/?jet=1"}
    answer = ask("POST", "/login", data=data, headers={"Cookie": cookie})
    assert (answer.status_code, answer.headers["location"]) == (303, "./?jet=1")
    session = answer.headers.get_list("set-cookie")[0].split(";")[0]
    told = ask("GET", "/", headers={"Cookie": f"{session}; {cookie}"})
    assert told.json()["user"].startswith("guest-")
    left = ask("POST", "/logout", headers={"Cookie": session})
    assert left.headers["location"] == "./login"
    assert ask("POST", "/login", content=b"x" * 1500).status_code in (400, 403)


@both
def test_bodies_are_bounded(door: Any) -> None:
    ask = door()
    assert ask("POST", "/", content=b"x" * 2000, headers=RIGHT).json()["body"] == 2000
    answer = ask("POST", "/", content=b"x" * 2001, headers=RIGHT)
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "too_large"


def test_bodies_that_do_not_say_how_long_they_are() -> None:
    """Behind the door is the service, which answers in its own shape."""
    from fastapi import FastAPI

    from lrp_core.service.problems import tell_problems

    app = FastAPI()

    @app.post("/")
    def take(found: dict[str, str]) -> str:
        return str(len(found))

    tell_problems(app)

    async def body() -> AsyncIterator[bytes]:
        yield b'{"a": "'
        for _ in range(50):
            yield b"x" * 100
        yield b'"}'

    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(Door(app, gate(), SECRET), client=("10.0.0.9", 5))
        async with httpx.AsyncClient(transport=transport, base_url="http://lab") as browser:
            return await browser.post("/", content=body(), headers=RIGHT)

    answer = asyncio.run(go())
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "too_large"


def test_the_page_in_one_process_believes_the_door() -> None:
    server = flask.Flask("page")
    server.add_url_rule("/", view_func=lambda: {"user": flask.g.user, "leave": flask.g.can_leave})
    believe_door(server, can_leave=True)
    with server.test_client() as browser:
        told = browser.get("/", headers={"X-Jetlrp-User": "anna%20b"}).get_json()
        assert told == {"user": "anna b", "leave": True}
        assert browser.get("/").get_json()["user"] is None


def test_a_name_with_underscores_does_not_pass_for_one_with_dashes() -> None:
    told: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        told.extend(scope["headers"])
        await PlainTextResponse("in")(scope, receive, send)

    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(Door(app, gate(), SECRET), client=("10.0.0.9", 5))
        async with httpx.AsyncClient(transport=transport, base_url="http://lab") as browser:
            return await browser.get("/", headers={**RIGHT, "X_Jetlrp_User": "anna"})

    assert asyncio.run(go()).status_code == 200
    users = [value for name, value in told if name.lower().replace(b"_", b"-") == b"x-jetlrp-user"]
    assert users == [b"guest-10.0.0.9"]


def test_there_are_no_other_sockets() -> None:
    sent: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        sent.append(scope)
        await PlainTextResponse("in")(scope, receive, send)

    async def nothing(*_: Any) -> Any:
        return {"type": "websocket.connect"}

    door = Door(app, gate(), SECRET)
    asyncio.run(door({"type": "websocket", "path": "/_dash-ws-callback"}, nothing, nothing))
    assert sent == []


@both
def test_answers_to_strangers_say_nothing_of_the_machine(door: Any) -> None:
    for path in PATHS:
        error = json.loads(door()("GET", path).text)["error"]
        assert set(error) == {"code", "message", "choices", "request_id"}


def test_the_page_says_itself_what_it_loads() -> None:
    from app.client import ServiceClient
    from app.main import create_app

    page = create_app(ServiceClient("http://127.0.0.1:9")).server
    stand_before(page, Gate(read_settings()))
    with page.test_client() as browser:
        said = browser.get("/").headers
        assert said["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self' ")
        assert "unsafe-eval" not in said["Content-Security-Policy"]
        assert "script-src 'self' 'unsafe" not in said["Content-Security-Policy"]
        assert said["X-Content-Type-Options"] == "nosniff"


def test_one_user_leaves_threads_of_the_page_to_the_others() -> None:
    """Three quarters of them; a request counts until the last byte of its answer has gone."""
    server = flask.Flask("behind", static_folder=None)
    under_way, go_on = threading.Semaphore(0), threading.Event()

    @server.route("/<path:path>")
    def _all(path: str) -> flask.Response:
        def pieces() -> Iterator[bytes]:
            yield b"slow"
            under_way.release()
            assert go_on.wait(60)

        return flask.Response(pieces() if "slow" in path else b"quick")

    stand_before(server, gate(page_threads=4))

    def ask(path: str, client: str = "10.0.0.9") -> httpx.Response:
        transport = httpx.WSGITransport(server, remote_addr=client)
        with httpx.Client(transport=transport, base_url="http://lab", headers=RIGHT) as browser:
            return browser.get(path)

    with ThreadPoolExecutor(3) as threads:
        slow = [threads.submit(ask, "/api/v1/slow") for _ in range(3)]
        try:
            for _ in slow:
                assert under_way.acquire(timeout=60)
            refused = ask("/api/v1/jets")
            assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
            assert refused.json()["error"]["code"] == "too_many_at_once"
            assert ask("/assets/picture/scene.js").text == "quick"  # files of the page do not count
            assert ask("/api/v1/jets", client="10.0.0.8").text == "quick"
        finally:
            go_on.set()
        assert [one.result().status_code for one in slow] == [200] * 3
    assert [ask("/api/v1/jets").text for _ in range(5)] == ["quick"] * 5


def test_one_user_leaves_room_in_one_process_as_well() -> None:
    async def many() -> None:
        under_way, go_on = asyncio.Semaphore(0), asyncio.Event()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if "slow" in scope["path"]:
                under_way.release()
                await go_on.wait()
            if "broken" in scope["path"]:
                raise RuntimeError("a mistake")
            await PlainTextResponse("here")(scope, receive, send)

        transport = httpx.ASGITransport(
            Door(app, gate(page_threads=4)), client=("10.0.0.9", 5), raise_app_exceptions=False
        )
        async with httpx.AsyncClient(
            transport=transport, base_url="http://lab", headers=RIGHT
        ) as browser:
            slow = [asyncio.create_task(browser.get("/api/v1/slow")) for _ in range(3)]
            for _ in slow:
                await under_way.acquire()
            assert (await browser.get("/api/v1/jets")).status_code == 429
            go_on.set()
            assert [(await one).status_code for one in slow] == [200] * 3
            for path in ["/api/v1/broken"] * 4:
                assert (await browser.get(path)).status_code == 500
            assert (await browser.get("/api/v1/jets")).status_code == 200

    asyncio.run(many())
