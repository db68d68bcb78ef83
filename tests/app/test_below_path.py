"""The real server in a browser: behind proxies that keep its path or take it away; in a frame."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from werkzeug.wrappers import Request, Response

from tests.app.conftest import Site, serving

if TYPE_CHECKING:
    from pathlib import Path

    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = pytest.mark.browser

TOKEN = "0123456789abcdef-token"
DRAWN = "#network[data-drawn]"
# Headers of one connection, and of how a body is packed on it.
LEFT_OUT = ("accept-encoding", "connection", "content-encoding", "content-length",
            "transfer-encoding")  # fmt: skip


class Proxy:
    """A reverse proxy that serves one server below a path, and nothing else; a WSGI application.

    keeps    hands the path on with the request, else takes it away
    headers  says so of its own
    outside  whatever was asked for beside the path: an address that left it
    """

    def __init__(
        self, backend: str, path: str, *, keeps: bool = False, headers: dict[str, str] | None = None
    ) -> None:
        self.path = path
        self.outside: list[str] = []
        self._keeps = keeps
        self._headers = headers or {}
        self._backend = backend
        self._wire = httpx.HTTPTransport()  # a client would keep cookies of its own

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        asked, address = Request(environ), environ["REQUEST_URI"]
        if not address.startswith(self.path):
            self.outside.append(address)
            return Response("another site", 404)(environ, start)
        target = address if self._keeps else address.removeprefix(self.path.rstrip("/"))
        left_out = {*LEFT_OUT, *map(str.lower, self._headers)}
        headers = [(n, v) for n, v in asked.headers.items() if n.lower() not in left_out]
        sent = httpx.Request(
            asked.method,
            f"{self._backend}{target}",
            content=asked.get_data() or None,
            headers=[*headers, *self._headers.items()],
        )
        answer = self._wire.handle_request(sent)
        content = answer.read()
        told = Response(content, answer.status_code)
        told.headers.clear()
        for name, value in answer.headers.multi_items():
            if name not in LEFT_OUT:
                told.headers.add(name, value)
        told.headers["Content-Length"] = str(len(content))
        return told(environ, start)

    def close(self) -> None:
        self._wire.close()


@contextmanager
def behind(backend: str, path: str, **how: Any) -> Iterator[tuple[str, Proxy]]:
    """A server behind such a proxy -> its address there, and the proxy."""
    proxy = Proxy(backend, path, **how)
    try:
        with serving(proxy) as address:
            yield f"{address}{path}", proxy
    finally:
        proxy.close()


class Framing:
    """Another site, whose one page shows ``shown`` in a frame; a WSGI application."""

    shown = ""

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        page = f'<iframe src="{self.shown}" width="1200" height="680"></iframe>'
        return Response(page, mimetype="text/html")(environ, start)


@pytest.fixture(scope="module")
def wiki() -> Iterator[tuple[str, Framing]]:
    """Another site -> its origin, and what it shows. Its host is not that of the server."""
    site = Framing()
    with serving(site) as address:
        yield address.replace("127.0.0.1", "localhost"), site


@pytest.fixture(scope="module")
def server(
    repository: Path, tmp_path_factory: pytest.TempPathFactory, wiki: tuple[str, Framing]
) -> Iterator[str]:
    """`jetlrp serve --root-path` with a token, uploads and a named frame -> its own address."""
    command = [sys.executable, "-m", "app", "serve", "--port", "0",
               "--root-path", "jetlrp", "--frame-ancestors", wiki[0]]  # fmt: skip
    environment = {
        **os.environ,
        "PYTHONPATH": str(repository),
        "PYTHONUNBUFFERED": "1",
        "JETLRP_AUTH": "token",
        "JETLRP_TOKEN": TOKEN,
        "JETLRP_UPLOADS": str(tmp_path_factory.mktemp("uploads")),
        "JETLRP_TRUSTED_PROXIES": "127.0.0.1",
    }
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as running:
        assert running.stdout is not None
        said = []
        for line in running.stdout:
            said.append(line)
            if "are ready" in line:
                break
        try:
            text = "".join(said)
            found = re.search(r"the page is at (http://127\.0\.0\.1:\d+)/jetlrp/ ", text)
            assert found, text
            yield found[1]
        finally:
            running.send_signal(signal.SIGINT)
            running.stdout.read()


@pytest.fixture
def watched(browser: Browser) -> Iterator[tuple[BrowserContext, list[str], list[str]]]:
    """A fresh window -> its context, the addresses that it asked for, and what went wrong."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 720}, color_scheme="dark", reduced_motion="reduce"
    )
    context.set_default_timeout(60_000)
    asked: list[str] = []
    wrong: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    context.on(
        "response",
        lambda answer: wrong.append(f"{answer.status} {answer.url}") if answer.status > 399 else 0,
    )
    context.on("requestfailed", lambda one: wrong.append(f"{one.failure} {one.url}"))
    context.on("console", lambda said: wrong.append(said.text) if said.type == "error" else 0)
    context.on("weberror", lambda error: wrong.append(str(error.error)))
    yield context, asked, wrong
    context.close()


def log_in(page: Any) -> None:
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Log in").click()


def save(page: Page, view: str, form: str) -> str:
    """Save the figure as the page's own menu does -> the name of the file."""
    if not page.locator("#figure-save").is_visible():
        page.locator("#save > summary").click()
    page.select_option("#figure-view", view)
    page.select_option("#figure-format", form)
    with page.expect_download() as kept:
        page.locator("#figure-save").click()
    return kept.value.suggested_filename


@pytest.mark.parametrize("keeps", [True, False], ids=["kept", "taken away"])
def test_everything_stays_below_the_path(
    server: str,
    watched: tuple[BrowserContext, list[str], list[str]],
    repository: Path,
    tmp_path: Path,
    keeps: bool,
) -> None:
    context, asked, wrong = watched
    with behind(server, "/jetlrp/", keeps=keeps) as (address, proxy):
        page = context.new_page()
        page.goto(f"{address}?jet=5&dock=heat")
        log_in(page)
        page.wait_for_selector(DRAWN)
        page.wait_for_selector("#heat-body svg.heatmap")
        assert page.url.startswith(f"{address}?")
        assert "jet=5" in page.url
        assert {cookie["path"] for cookie in context.cookies()} == {"/jetlrp/"}

        for form in ("png", "svg", "html"):
            assert save(page, "heatmap", form).endswith(f".{form}")
        if not page.locator("#figure-save").is_visible():
            page.locator("#save > summary").click()
        with page.expect_download() as kept:
            page.locator('[data-file="explanation/tracks.csv"]').click()
        assert kept.value.failure() is None

        network = tmp_path / f"mine-{keeps}.pth"
        network.write_bytes((repository / "lrp_core/sample/interaction_network.pth").read_bytes())
        names = network.with_suffix(".yml")
        names.write_bytes((repository / "lrp_core/sample/definitions.yml").read_bytes())
        page.locator("#library-models-button").click()
        page.set_input_files("#library-models input[type=file]", [network, names])
        page.locator(f'[data-pick-model="upload:{network.name}"]').click()
        page.wait_for_function("location.search.includes('model=upload')")
        page.wait_for_selector(DRAWN)
        page.keyboard.press("Escape")

        with page.expect_popup() as opened:
            page.get_by_role("link", name="API").click()
        docs = opened.value
        docs.locator("#operations-default-health_api_v1_health_get button").first.click()
        docs.get_by_role("button", name="Execute").click()
        docs.locator(".request-url", has_text=f"{address}api/v1/health").wait_for()
        docs.locator("td.response-col_status", has_text="200").first.wait_for()
        docs.close()
        page.bring_to_front()

        # a user who is no longer logged in is asked to log in, and comes back; what was uploaded
        # stays with the guest who did it
        page.goto(f"{address}?jet=5&dock=heat")
        page.wait_for_selector(DRAWN)
        context.clear_cookies()
        page.keyboard.press("j")
        page.get_by_role("dialog").get_by_role("link", name="Log in").click()
        log_in(page)
        page.wait_for_selector(DRAWN)
        assert page.url.startswith(f"{address}?")
        page.get_by_role("button", name=re.compile("Log out")).click()
        page.get_by_label("Token").wait_for()
        assert page.url == f"{address}login"

        assert proxy.outside == []
        assert [one for one in asked if not one.startswith((address, "blob:", "data:"))] == []
        # leaving a page ends what it was asking, and the page waits for its turns (429)
        usual = ("401", "429", "net::ERR_ABORTED")
        assert [one for one in wrong if not any(told in one for told in usual)] == []


def test_a_path_that_was_not_told_holds_too(
    toy_site: Site, watched: tuple[BrowserContext, list[str], list[str]]
) -> None:
    """As behind jupyter-server-proxy, which takes the path away and is not among those believed."""
    context, asked, wrong = watched
    path = "/user/anna@cern.ch/proxy/8050/"
    told = {"X-Forwarded-Prefix": path.rstrip("/")}
    with behind(toy_site.address, path, headers=told) as (address, proxy):
        page = context.new_page()
        page.goto(f"{address}?jet=5&dock=heat")
        page.wait_for_selector(DRAWN)
        page.wait_for_selector("#heat-body svg.heatmap")
        page.locator(".ag-row[row-id='2']").first.click()
        page.wait_for_function("window.jetlrp.view.shown.a.jet.index === 2")
        assert page.url.startswith(f"{address}?")
        assert save(page, "heatmap", "png").endswith(".png")
        link = page.get_by_role("link", name="API").evaluate("link => link.href")
        assert link == f"{address}docs"
        assert proxy.outside == []
        assert [one for one in asked if not one.startswith((address, "blob:", "data:"))] == []
        assert wrong == []


def test_a_named_site_shows_the_page_in_a_frame_and_people_log_in_there(
    server: str, wiki: tuple[str, Framing], watched: tuple[BrowserContext, list[str], list[str]]
) -> None:
    context, _, wrong = watched
    origin, site = wiki
    tls = {"X-Forwarded-Proto": "https"}  # browsers take Secure cookies from this machine
    with behind(server, "/jetlrp/", headers=tls) as (address, _proxy):
        site.shown = f"{address}?jet=5"
        page = context.new_page()
        page.goto(origin)
        frame = page.frame_locator("iframe")
        log_in(frame)
        frame.locator(DRAWN).wait_for()
        frame.get_by_role("button", name=re.compile("Log out")).click()
        frame.get_by_label("Token").wait_for()
        assert [one for one in wrong if "Blocked autofocusing" not in one] == []

        # a site that was not named sees nothing
        other = origin.replace("localhost", "127.0.0.1")
        with context.expect_console_message(lambda said: "frame-ancestors" in said.text):
            page.goto(other)
        assert not frame.get_by_label("Token").is_visible()
