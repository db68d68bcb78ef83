"""The stand-in for the service, the page over it or over the real one, and the browser."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.app.toy_service import FakeService

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from playwright.sync_api import Browser, Page


@pytest.fixture
def service() -> FakeService:
    """A service that is not there, with every request it was asked."""
    return FakeService()


SOFTWARE_WEBGL = (
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
)


class Site:
    """A page being served: its address, and what stands behind it."""

    def __init__(self, address: str, service: FakeService | None = None) -> None:
        self.address = address
        self.service = service


def _wait_for_function(
    page: Page, expression: str, *, arg: Any = None, timeout: float | None = None
) -> Any:
    """As Playwright's own, which evaluates a text in the page: the page's policy forbids that.

    Here the browser is asked from outside, again and again.
    """
    from playwright.sync_api import Error
    from playwright.sync_api import TimeoutError as TookTooLong

    until = time.monotonic() + (60_000 if timeout is None else timeout) / 1000
    while True:
        try:
            found = page.evaluate(expression, arg)
        except Error as error:
            if "context was destroyed" not in str(error):  # the page is being loaded anew
                raise
            found = None
        if found:
            return found
        if time.monotonic() > until:
            raise TookTooLong(f"it never came true: {expression}")
        page.wait_for_timeout(50)


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """One headless Chromium for a file of tests, drawing WebGL in software.

    Playwright keeps an event loop running in this thread, so it must end before tests elsewhere
    start one of their own.
    """
    from playwright.sync_api import Page, sync_playwright

    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setattr(Page, "wait_for_function", _wait_for_function)
        opened = playwright.chromium.launch(executable_path=chromium, args=list(SOFTWARE_WEBGL))
        yield opened
        opened.close()


@pytest.fixture
def expected() -> list[str]:
    """What the console may say in this test: the browser tells of every refusal by itself."""
    return []


@pytest.fixture
def page(browser: Browser, expected: list[str]) -> Iterator[Page]:
    """A fresh tab, dark; at the end its console must be empty and no other host been asked."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 720}, color_scheme="dark", reduced_motion="reduce"
    )
    tab = context.new_page()
    tab.set_default_timeout(60_000)  # WebGL in software, on a busy machine
    complaints: list[str] = []
    hosts: set[str] = set()
    tab.on(
        "console",
        lambda message: complaints.append(message.text) if message.type == "error" else None,
    )
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("request", lambda request: hosts.add(urlsplit(request.url).hostname or ""))
    yield tab
    context.close()
    assert [text for text in complaints if not any(e in text for e in expected)] == []
    assert hosts <= {"127.0.0.1", ""}


@contextmanager
def serving(application: WSGIApplication) -> Iterator[str]:
    """An application served from this process, at the address that is given.

    Requests are not logged: a thread that outlives its test would write to a stream that pytest
    has closed.
    """
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Silent(WSGIRequestHandler):
        def log(self, kind: str, message: str, *args: object) -> None:
            """Say nothing."""

    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Silent)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def toy_site(service: FakeService) -> Iterator[Site]:
    """The real page over the stand-in service."""
    from app.main import create_app

    with service.client() as client, serving(create_app(client).server) as address:
        yield Site(address, service)


@pytest.fixture(scope="module")
def real_site(cms_data: Path, repository: Path) -> Iterator[Site]:
    """`jetlrp serve` on the real jets and their network, as a user starts it."""
    command = [
        sys.executable, "-m", "app", "serve", "--port", "0",
        "--jets", str(cms_data / "hbb_jets.root"),
        "--model", str(cms_data / "IN.pth"),
        "--definitions", str(cms_data / "definitions.yml"),
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(repository), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as server:
        assert server.stdout is not None
        said = []
        address = None
        for line in server.stdout:
            said.append(line)
            found = re.search(r"the page is at (http://\S+)", line)
            address = found[1] if found else address
            if "are ready" in line:
                break
        try:
            assert address, f"the server did not start: {''.join(said)}"
            yield Site(address)
        finally:
            server.send_signal(signal.SIGINT)
            server.stdout.read()
