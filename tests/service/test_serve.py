"""The command as a person runs it: on real jets, over real sockets, until Ctrl-C."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from unittest.mock import ANY

import httpx
import pytest

from app.client import ServiceClient
from app.main import create_app
from app.serve import address_of, listen

SECONDS = 90.0  # at most, on a busy machine; nothing here says how fast something is


class Running:
    """A command that serves: what it said so far, and where."""

    def __init__(self, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self.said = ""
        self._lines: Queue[str] = Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put("")

    def wait_for(self, text: str) -> str:
        """The line that holds ``text``."""
        until = time.monotonic() + SECONDS
        while True:
            line = self._lines.get(timeout=max(0.1, until - time.monotonic()))
            self.said += line
            assert line, f"the command ended:\n{self.said}"
            if text in line:
                return line

    @property
    def maps(self) -> str:
        """The libraries that are in the process."""
        return Path(f"/proc/{self.process.pid}/maps").read_text("utf-8")

    def stop(self, with_signal: int = signal.SIGINT) -> int:
        """End it -> exit status. What never ends raises TimeoutExpired."""
        self.process.send_signal(with_signal)
        status = self.process.wait(SECONDS)
        while line := self._lines.get(timeout=SECONDS):
            self.said += line
        return status

    def end(self) -> None:
        """Make sure that nothing is left of it."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(SECONDS)
        assert self.process.stdout is not None
        self.process.stdout.close()


@contextmanager
def running(*words: str) -> Iterator[tuple[Running, httpx.Client]]:
    command = Running(*words)
    try:
        address = next(
            word for word in command.wait_for("http://").split() if word.startswith("http://")
        )
        address = address.rstrip(",").removesuffix("/api/v1")
        with httpx.Client(base_url=address, timeout=SECONDS, trust_env=False) as client:
            yield command, client
    finally:
        command.end()


@pytest.fixture
def sources(cms_data: Path) -> list[str]:
    return ["--jets", str(cms_data / "hbb_jets.root"), "--model", str(cms_data / "IN.pth")]


def assert_serves_all(client: httpx.Client) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert client.get("/api/v1/health").json()["jets"]["n_jets"] == 917
    assert "swagger-ui-bundle.js" in client.get("/docs").text
    assert client.get("/docs/files/swagger-ui-bundle.js").status_code == 200
    assert "/api/v1/health" in client.get("/openapi.json").json()["paths"]
    told = client.post("/api/v1/jets/12/explanation", json={"encoding": "base64"})
    assert told.status_code == 200
    assert told.json()["conservation_error"] < 1e-4
    for method, path, status in (("GET", "/api/nothing", 404), ("PUT", "/api/v1/jets", 405)):
        answer = client.request(method, path)
        assert answer.status_code == status
        assert set(answer.json()) == {"error"}
    layout = client.get("/_dash-layout")
    assert layout.status_code == 200
    assert "hbb_jets.root" in layout.text
    assert client.get("/assets/picture/scene.js").status_code == 200


def test_one_command_serves_page_service_and_docs_until_ctrl_c(sources: list[str]) -> None:
    with running("serve", *sources, "--port", "0") as (command, client):
        assert_serves_all(client)
        assert "917 jets of hbb_jets.root" in command.wait_for("ready")
        # many at once: everything else is answered as well
        with ThreadPoolExecutor(20) as people:
            asked = [
                people.submit(client.post, f"/api/v1/jets/{n}/explanation", json={})
                for n in range(280, 300)
            ]
            assert client.get("/api/v1/health").status_code == 200
            assert {one.result(SECONDS).status_code for one in asked} == {200}
        assert command.stop() == 0
    assert "Traceback" not in command.said
    assert "ERROR" not in command.said


def test_one_process_behind_a_proxy_that_tells_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JETLRP_AUTH", "proxy")
    monkeypatch.setenv("JETLRP_TRUSTED_PROXIES", "127.0.0.1")
    told = {"X-Forwarded-For": "10.1.1.1", "X-Forwarded-Proto": "https"}
    with running("serve", "--port", "0") as (command, client):
        anna = client.get("/_dash-layout", headers={**told, "X-Forwarded-User": "anna"})
        assert anna.status_code == 200
        assert "Logged in as anna" in anna.text
        assert "Strict-Transport-Security" in anna.headers
        assert client.get("/_dash-layout", headers=told).status_code == 401
        command.stop()


def test_the_page_with_a_service_elsewhere_needs_no_torch(sources: list[str]) -> None:
    with running("service", *sources, "--port", "0") as (service, backend):
        address = str(backend.base_url)
        with running("serve", "--backend", address, "--port", "0") as (page, client):
            assert client.base_url != backend.base_url
            assert_serves_all(client)
            assert "libtorch" not in page.maps
            assert "libtorch" in service.maps
            assert backend.get("/").status_code == 404  # no page there

            service.stop(signal.SIGTERM)
            away = client.get("/api/v1/health")
            assert (away.status_code, away.json()["error"]["code"]) == (502, "backend_unreachable")
            assert client.get("/").status_code == 200  # the page says that it is away
            assert page.stop() == 0
    assert "Traceback" not in page.said + service.said


def test_ctrl_c_while_the_network_is_still_loading(sources: list[str]) -> None:
    with running("serve", *sources, "--port", "0") as (command, client):
        # a connection that is known to be open, and a request that is sent before the signal
        where = client.base_url
        asking = http.client.HTTPConnection(where.host, where.port or 80, timeout=SECONDS)
        asking.request("GET", "/health")
        answer = asking.getresponse()
        assert (answer.status, answer.read(), answer.will_close) == (200, ANY, False)
        asking.request("GET", "/api/v1/health")
        assert command.stop() == 0
        assert asking.getresponse().status in (200, 503)
        asking.close()
    assert "Traceback" not in command.said


def test_a_network_that_cannot_be_loaded_ends_it_with_one_line(
    cms_data: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken.pth").write_bytes(b"nothing that torch knows")
    command = Running(
        *("serve", "--jets", str(cms_data / "hbb_jets.root"), "--port", "0"),
        *("--model", str(tmp_path / "broken.pth")),
        *("--definitions", str(cms_data / "definitions.yml")),
    )
    try:
        assert "broken.pth" in command.wait_for("jetlrp: /")
        assert command.process.wait(SECONDS) == 2
    finally:
        command.end()
    assert "Traceback" not in command.said


def test_the_page_alone_imports_no_torch() -> None:
    code = (
        "import sys; from app.serve import _page; from lrp_core.settings import read_settings; "
        "import app.forwarding; _page('http://127.0.0.1:9', read_settings()); "
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(("given", "used"), [(None, "10000"), ("77", "77")])
def test_idle_threads_leave_their_core_to_others(given: str | None, used: str) -> None:
    code = (
        "import os, sys, lrp_core.settings\n"
        "def read(**_):\n"
        "    sys.exit(f\"{os.environ['GOMP_SPINCOUNT']} {'torch' in sys.modules}\")\n"
        "lrp_core.settings.read_settings = read\n"
        "from app.cli import main\n"
        "sys.argv = ['jetlrp', 'serve']\n"
        "main()\n"
    )
    known = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=known | ({} if given is None else {"GOMP_SPINCOUNT": given}),
    )
    assert done.stderr.strip() == f"{used} False"


def test_the_page_does_not_wait_for_the_service() -> None:
    asked: list[str] = []

    def service(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(503, json={})

    page = create_app(ServiceClient("http://service", transport=httpx.MockTransport(service)))
    browser = page.server.test_client()
    for path in ("/", "/assets/picture/scene.js"):
        with browser.get(path) as answer:
            assert answer.status_code == 200
    assert asked == []
    with browser.get("/_dash-layout") as answer:
        assert answer.status_code == 200
    assert asked == ["/api/v1/health"]


@pytest.mark.parametrize(
    ("host", "reached"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("localhost", None)]
)
def test_where_a_browser_on_this_machine_finds_it(host: str, reached: str | None) -> None:
    with listen(host, 0) as listener:
        port = listener.getsockname()[1]
        assert address_of(listener, host) == f"http://{reached or host}:{port}"
