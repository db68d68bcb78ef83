"""Below a path of a proxy: kept or taken away, told or not, every address stays below it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin, urlsplit

import flask
import httpx
import pytest
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from app.access.below import Below, Stripped, below_of_request, below_of_scope, strip_paths
from app.access.doors import Door, stand_before
from app.access.gate import Gate
from app.client import ServiceClient
from app.main import create_app
from lrp_core.errors import SettingsError
from lrp_core.settings import Settings, read_settings

TOKEN = "0123456789abcdef-token"
RIGHT = {"Authorization": f"Bearer {TOKEN}"}
Answer = Callable[..., httpx.Response]


def settings_of(**more: Any) -> Settings:
    return read_settings(host="0.0.0.0", auth="token", token=TOKEN, **more)


def split(path: str, client: str = "10.1.2.3", headers: Any = None, **settings: Any) -> Any:
    below = Below(settings_of(trusted_proxies=("10.1.0.0/16",), **settings))
    return below.split(path, (headers or {}).get, client)


@pytest.mark.parametrize("root_path", ["/jetlrp/", "/jetlrp", "jetlrp"])
@pytest.mark.parametrize(
    ("path", "rest"),
    [
        ("/jetlrp/", "/"), ("/", "/"), ("/jetlrp", ""), ("/jetlrp/api/v1/jets", "/api/v1/jets"),
        ("/api/v1/jets", "/api/v1/jets"), ("/jetlrpx", "/jetlrpx"), ("/jetlrp//x", "//x"),
    ],
)  # fmt: skip
def test_a_path_that_is_kept_or_taken_away(root_path: str, path: str, rest: str) -> None:
    assert split(path, root_path=root_path) == ("/jetlrp", rest)


def test_a_path_with_letters_of_other_languages() -> None:
    assert split("/jéts/docs", root_path="/jéts") == ("/j%C3%A9ts", "/docs")


@pytest.mark.parametrize("name", ["x-forwarded-prefix", "x-script-name"])
def test_a_proxy_that_is_believed_tells_the_path(name: str) -> None:
    told = {name: "/user/anna/proxy/8050"}
    assert split("/docs", headers=told) == ("/user/anna/proxy/8050", "/docs")
    assert split("/user/anna/proxy/8050/docs", headers=told) == ("/user/anna/proxy/8050", "/docs")
    assert split("/docs", headers={name: "/evil, /jets/"}) == ("/jets", "/docs")
    assert split("/docs", client="10.2.0.1", headers=told) == ("", "/docs")
    # the administrator of the server knows better
    assert split("/docs", headers=told, root_path="/jets") == ("/jets", "/docs")


@pytest.mark.parametrize("told", ["//evil.example", "/a/../b", "https://x/", '/"', "/api", "x y"])
def test_what_is_no_path_is_logged_and_not_used(
    told: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert split("/docs", headers={"x-forwarded-prefix": told}) == ("", "/docs")
    assert repr(told) in caplog.text


@pytest.mark.parametrize("path", ["/api", "/docs/", "/assets", "/login", "/_dash-x", "/api/v1"])
def test_a_path_that_is_the_server_s_own_does_not_start(path: str) -> None:
    with pytest.raises(SettingsError, match=r"JETLRP_ROOT_PATH.*address of the server itself"):
        Below(settings_of(root_path=path))


def test_impossible_settings_are_named() -> None:
    with pytest.raises(SettingsError, match=r"root_path = 'https://lab/x'.*such as /jetlrp/"):
        read_settings(root_path="https://lab/x")
    with pytest.raises(SettingsError, match=r"frame_ancestors = .*sites that are not named"):
        read_settings(frame_ancestors="https://lab, *")


# ------------------------------------------------------------------------------ before applications


def through_asgi(**settings: Any) -> Answer:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await JSONResponse([below_of_scope(scope), scope["path"]])(scope, receive, send)

    said = settings_of(**settings)
    site = Stripped(Door(app, Gate(said)), Below(said))

    def ask(method: str, path: str, client: str = "10.1.0.1", **how: Any) -> httpx.Response:
        async def go() -> httpx.Response:
            transport = httpx.ASGITransport(site, client=(client, 5))
            async with httpx.AsyncClient(transport=transport, base_url="http://lab") as browser:
                return await browser.request(method, path, **how)

        return asyncio.run(go())

    return ask


def through_flask(**settings: Any) -> Answer:
    server = flask.Flask("behind", static_folder=None)
    server.add_url_rule("/<path:path>", "all", lambda path: [below_of_request(), f"/{path}"])
    server.add_url_rule("/", "top", lambda: [below_of_request(), "/"])
    said = settings_of(**settings)
    stand_before(server, Gate(said))
    strip_paths(server, Below(said))

    def ask(method: str, path: str, client: str = "10.1.0.1", **how: Any) -> httpx.Response:
        transport = httpx.WSGITransport(server, remote_addr=client)
        with httpx.Client(transport=transport, base_url="http://lab") as browser:
            return browser.request(method, path, **how)

    return ask


both = pytest.mark.parametrize("door", [through_asgi, through_flask], ids=["asgi", "flask"])
KEPT, TAKEN = "/jetlrp", ""


@both
@pytest.mark.parametrize("sent", [KEPT, TAKEN], ids=["kept", "taken away"])
def test_the_application_is_asked_from_its_top(door: Any, sent: str) -> None:
    ask = door(root_path="/jetlrp/")
    for path in ("/", "/docs", "/a%20b", "/jetlrp/x" if sent else "/x"):
        told = ask("GET", f"{sent}{path}", headers=RIGHT).json()
        assert told == ["/jetlrp", path.replace("%20", " ")]


def test_a_path_of_other_letters_for_wsgi() -> None:
    server = flask.Flask("behind", static_folder=None)
    server.add_url_rule("/<path:path>", "all", lambda path: [below_of_request(), path])
    strip_paths(server, Below(settings_of(root_path="/jéts/")))
    with server.test_client() as browser:
        for path in ("/j%C3%A9ts/%C3%A4", "/%C3%A4"):
            assert browser.get(path).json == ["/j%C3%A9ts", "ä"]


@both
def test_the_path_without_its_slash_leads_to_the_one_with_it(door: Any) -> None:
    answer = door(root_path="/jetlrp")("GET", "/jetlrp?jet=1")
    assert (answer.status_code, answer.headers["location"]) == (308, "/jetlrp/?jet=1")


WAYS = {
    "kept": ("/jetlrp", {"root_path": "/jetlrp/"}, {}),
    "taken away": ("", {"root_path": "/jetlrp/"}, {}),
    "told": ("", {"trusted_proxies": ("10.1.0.1",)}, {"X-Forwarded-Prefix": "/jetlrp"}),
    "told and kept": (
        "/jetlrp", {"trusted_proxies": ("10.1.0.1",)}, {"X-Forwarded-Prefix": "/jetlrp/"}
    ),
    "unknown": ("", {}, {}),
    "not believed": ("", {}, {"X-Forwarded-Prefix": "/elsewhere"}),
}  # fmt: skip


@both
@pytest.mark.parametrize("way", WAYS)
def test_a_person_logs_in_and_out_below_it(door: Any, way: str) -> None:
    sent, settings, headers = WAYS[way]
    ask = door(**settings)
    known = "not" not in way and "unknown" not in way

    def go(method: str, path: str, **how: Any) -> tuple[httpx.Response, str]:
        how["headers"] = {**headers, "Accept": "text/html", **how.get("headers", {})}
        answer = ask(method, f"{sent}{path}", **how)
        where = urljoin(f"http://lab/jetlrp{path}", answer.headers.get("location", ""))
        return answer, where.removeprefix("http://lab")

    answer, where = go("GET", "/?jet=5")
    assert (answer.status_code, where) == (303, "/jetlrp/login?next=%2F%3Fjet%3D5")
    assert go("GET", "/some/where")[1].startswith("/jetlrp/login?")
    form, _ = go("GET", where.removeprefix("/jetlrp"))
    addresses = re.findall(r'(?:action|href|src)="([^"]+)"|url\("([^"]+)"\)', form.text)
    found = [urljoin("http://lab/jetlrp/login", one or other) for one, other in addresses]
    assert len(found) == 4
    assert all(urlsplit(one).path.startswith("/jetlrp/") for one in found)
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form.text))
    cookies = form.headers.get_list("set-cookie")
    data = {**fields, "password": TOKEN}
    sent_back = {"Cookie": cookies[0].split(";")[0]}
    answer, where = go("POST", "/login", data=data, headers=sent_back)
    assert (answer.status_code, where) == (303, "/jetlrp/?jet=5")
    cookies += answer.headers.get_list("set-cookie")
    session = {"Cookie": cookies[1].split(";")[0]}
    assert go("GET", "/", headers=session)[0].status_code == 200
    assert go("GET", "/login?next=/x", headers=session)[1] == "/jetlrp/x"
    answer, where = go("POST", "/logout", headers=session)
    assert where == "/jetlrp/login"
    cookies += answer.headers.get_list("set-cookie")
    paths = {re.search(r"Path=([^;]+)", cookie)[1] for cookie in cookies}  # type: ignore[index]
    assert paths == {"/jetlrp/" if known else "/"}


def test_cookies_behind_tls_say_where_they_are_from() -> None:
    from tests.access.test_gate import asked

    gate = Gate(settings_of())
    for below, begins, path in (
        ("", "__Host-", "/"),
        ("/jetlrp", "__Secure-", "/jetlrp/"),
        ("/user/anna@cern.ch", "__Host-", "/"),  # which a browser may write as %40
    ):
        form = gate.decide(asked("/login", scheme="https", below=below))
        cookie = dict(form.headers)["Set-Cookie"]
        assert cookie.startswith(begins)
        assert f"Path={path};" in cookie


# ------------------------------------------------------------------------------------- in a frame


@both
def test_named_origins_may_show_it_in_a_frame(door: Any) -> None:
    ask = door(frame_ancestors="https://wiki.example.org 'self'")
    for path, headers in (("/", RIGHT), ("/login", {}), ("/api/v1/jets", {})):
        said = ask("GET", path, headers=headers).headers
        rules = said["content-security-policy"].split("; ")
        assert "frame-ancestors https://wiki.example.org 'self'" in rules
        assert "x-frame-options" not in said
    for path, headers in (("/", RIGHT), ("/login", {}), ("/api/v1/jets", {})):
        said = door()("GET", path, headers=headers).headers
        assert "frame-ancestors 'none'" in said["content-security-policy"]
        assert said["x-frame-options"] == "DENY"


def test_the_page_itself_names_them_too() -> None:
    frames = ("https://wiki.example.org",)
    client = ServiceClient("http://127.0.0.1:9")
    with create_app(client, frames=frames).server.test_client() as browser:
        said = browser.get("/").headers["Content-Security-Policy"]
    assert "frame-ancestors https://wiki.example.org;" in said


@both
def test_a_session_in_a_frame_needs_tls(door: Any) -> None:
    frames = {"frame_ancestors": ("https://wiki.example.org",), "trusted_proxies": ("10.1.0.1",)}
    tls = {"X-Forwarded-Proto": "https"}
    cookie = door(**frames)("GET", "/login", headers=tls).headers["set-cookie"]
    assert {"SameSite=None", "Secure", "Partitioned", "HttpOnly"} <= set(cookie.split("; "))
    cookie = door(**frames)("GET", "/login").headers["set-cookie"]
    assert "SameSite=Strict" in cookie
    cookie = door(trusted_proxies=("10.1.0.1",))("GET", "/login", headers=tls).headers["set-cookie"]
    assert "SameSite=Strict" in cookie


@both
def test_other_sites_load_nothing_with_a_session_that_holds_in_frames(door: Any) -> None:
    ask = door(frame_ancestors=("https://wiki.example.org",))

    def status(path: str, site: str, mode: str) -> int:
        said = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode}
        return int(ask("GET", path, headers={**RIGHT, **said}).status_code)

    assert status("/", "cross-site", "navigate") == 200  # into the frame
    for site in ("cross-site", "same-site"):
        assert status("/api/v1/jets", site, "no-cors") == 403
    assert status("/api/v1/jets", "same-origin", "cors") == 200


# ---------------------------------------------------------------------------------- the whole page


@pytest.mark.parametrize("way", WAYS)
def test_no_address_of_the_page_leaves_the_path(way: str) -> None:
    sent, settings, headers = WAYS[way]
    server = create_app(ServiceClient("http://127.0.0.1:9")).server
    strip_paths(server, Below(settings_of(**settings)))
    transport = httpx.WSGITransport(server, remote_addr="10.1.0.1")
    with httpx.Client(transport=transport, base_url="http://lab", headers=headers) as browser:
        page = browser.get(f"{sent}/").text.replace(r"\u002f", "/")
        layout = browser.get(f"{sent}/_dash-layout").text.replace(r"\u002f", "/")
        found = re.findall(r'(?:src|href)="(?!data:)([^"]+)"', page)
        found += re.findall(r'"requests_pathname_prefix":"([^"]+)"', page)
        found += re.findall(r'"href":"([^"]+)"', layout)
        assert len(found) > 8
        assert {urljoin("/jetlrp/", one) for one in found} >= {"/jetlrp/", "/jetlrp/docs"}
        for one in found:
            path = urlsplit(urljoin("http://lab/jetlrp/", one)).path
            assert path.startswith("/jetlrp/"), one
            if "/docs" not in path:
                asked = sent + path.removeprefix("/jetlrp")
                assert browser.get(asked).status_code == 200, one
