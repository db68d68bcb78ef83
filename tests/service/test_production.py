"""The server for many: one address, processes that are replaced, and requests that survive it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from app import processes
from app.asgi import resident_bytes
from app.processes import cores, threads_of_worker
from app.production import Part
from lrp_core.settings import read_settings

SECONDS = 120.0
SETTINGS = "settings.toml"
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="gunicorn runs on Unix only")


class Server:
    """A running `jetlrp ... --production`; its log is read from a file."""

    def __init__(self, folder: Path, *words: str, **environment: str) -> None:
        self.log = folder / "server.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app", *words, "--production"],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={
                    **os.environ,
                    "PYTHONUNBUFFERED": "1",
                    "JETLRP_CACHE_FOLDER": str(folder / "cache"),
                    **environment,
                },
            )
        self.parent = psutil.Process(self.process.pid)

    @property
    def said(self) -> str:
        return self.log.read_text("utf-8")

    def wait_for(self, text: str, times: int = 1) -> None:
        until = time.monotonic() + SECONDS
        while self.said.count(text) < times:
            assert self.process.poll() is None, f"it ended:\n{self.said}"
            assert time.monotonic() < until, f"no {text!r} in:\n{self.said}"
            time.sleep(0.05)

    def master(self, part: str) -> psutil.Process:
        """The gunicorn of the page, or of the service."""
        (found,) = [
            child
            for child in self.parent.children()
            if f"gunicorn_{part}.py" in str(child.cmdline())
        ]
        return found

    def workers(self, part: str) -> list[psutil.Process]:
        return self.master(part).children()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(SECONDS)


@contextmanager
def serving(folder: Path, *words: str, **environment: str) -> Iterator[tuple[Server, httpx.Client]]:
    server = Server(folder, *words, "--port", "0", **environment)
    try:
        server.wait_for("ready after")
        found = re.search(r"is at (http://127\.0\.0\.1:\d+)", server.said)
        assert found, server.said
        with httpx.Client(base_url=found[1], timeout=SECONDS, trust_env=False) as client:
            yield server, client
    finally:
        server.end()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, httpx.Client]]:
    """One server for the tests that leave it as it was, with a settings file, SETTINGS."""
    folder = tmp_path_factory.mktemp("production")
    (folder / SETTINGS).write_text("page_workers = 2\n")
    file = {"JETLRP_SETTINGS": str(folder / SETTINGS), "JETLRP_SERVICE_PORT": "0"}
    with serving(folder, "serve", **file) as both:
        yield both


def explain(client: httpx.Client, index: int, name: str = "") -> httpx.Response:
    headers = {"X-Request-ID": name} if name else {}
    body = {"encoding": "base64"}
    return client.post(f"/api/v1/jets/{index}/explanation", json=body, headers=headers)


class Asking:
    """Explanations asked for by several threads, one after another, until it is left."""

    def __init__(self, client: httpx.Client, threads: int = 4) -> None:
        self.statuses: list[int] = []
        self.cut_off: list[str] = []  # names of those that had no answer
        self._client = client
        self._enough = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(first,)) for first in range(threads)
        ]

    def _ask(self, first: int) -> None:
        index = first
        while not self._enough.is_set():
            name = f"asked-{index}"
            try:
                self.statuses.append(explain(self._client, index % 2000, name).status_code)
            except httpx.TransportError:
                self.cut_off.append(name)
                return
            index += len(self._threads)

    def __enter__(self) -> Asking:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        for thread in self._threads:
            thread.join(SECONDS)

    def wait_for(self, more: int) -> None:
        """Until so many more are answered."""
        wanted, until = len(self.statuses) + more, time.monotonic() + SECONDS
        while len(self.statuses) < wanted:
            assert time.monotonic() < until, self.statuses
            time.sleep(0.02)


def test_one_address_for_all(running: tuple[Server, httpx.Client]) -> None:
    server, client = running
    assert client.get("/").headers["content-type"].startswith("text/html")
    assert "simulated_jets.root" in client.get("/_dash-layout").text
    assert client.get("/api/v1/health").json()["status"] == "ok"
    assert "swagger-ui-bundle.js" in client.get("/docs").text
    assert client.get("/docs/files/swagger-ui-bundle.js").status_code == 200
    assert explain(client, 12).json()["conservation_error"] < 1e-4
    with client.stream("GET", "/api/v1/jets/12/explanation.npz") as file:
        assert file.read()[:2] == b"PK"
    for method, path, status in (("GET", "/api/nothing", 404), ("PUT", "/api/v1/jets", 405)):
        answer = client.request(method, path)
        assert answer.status_code == status
        assert answer.json()["error"]["request_id"] == answer.headers["x-request-id"]
    assert {"libtorch" in str(worker.memory_maps()) for worker in server.workers("page")} == {False}
    assert len(server.workers("page")) == len(server.workers("service")) == 2


def test_all_processes_count_together(running: tuple[Server, httpx.Client]) -> None:
    server, client = running
    name = 'jetlrp_explanations_total{dtype="float32",rule="gamma"}'

    def counted() -> float:
        text = client.get("/metrics").text
        assert 'part="page"' in text
        lines = [line for line in text.splitlines() if line.startswith(name)]
        return float(lines[0].split()[-1]) if lines else 0.0

    before = counted()
    for index in range(1980, 2000):  # nobody else asks for these
        assert explain(client, index).status_code == 200
    assert counted() == before + 20
    number = client.get("/api/v1/jets/9999999", headers={"X-Request-ID": "of-this-test"})
    assert number.json()["error"]["request_id"] == "of-this-test"
    server.wait_for("of-this-test: GET /api/v1/jets/9999999 404", times=2)  # page and service


def test_the_service_answers_the_page_alone(running: tuple[Server, httpx.Client]) -> None:
    server, _ = running
    (listening,) = {
        connection.laddr
        for connection in server.master("service").net_connections()
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening.ip == "127.0.0.1"
    direct = f"http://127.0.0.1:{listening.port}"
    refused = httpx.get(f"{direct}/api/v1/health", timeout=SECONDS, trust_env=False)
    assert refused.status_code == 403
    ready = httpx.get(f"{direct}/ready", timeout=SECONDS, trust_env=False)
    assert ready.status_code == 200


def test_a_worker_that_is_killed_in_mid_request_costs_nobody_an_answer(
    running: tuple[Server, httpx.Client],
) -> None:
    server, client = running
    with Asking(client) as asking:
        asking.wait_for(10)
        for worker in server.workers("service")[:1]:
            worker.kill()
        asking.wait_for(60)
    assert set(asking.statuses) == {200}
    assert asking.cut_off == []


def test_a_reload_reads_the_settings_and_costs_nobody_an_answer(
    running: tuple[Server, httpx.Client],
) -> None:
    server, client = running
    file = server.log.with_name(SETTINGS)

    def send_much() -> httpx.Response:
        how = {"content": "{" + " " * 3000 + "}", "headers": {"content-type": "application/json"}}
        return client.post("/api/v1/jets/0/explanation", **how)

    def reload(content: str) -> list[psutil.Process]:
        """Reload, and wait until the processes of before have ended."""
        before = [one for part in ("page", "service") for one in server.workers(part)]
        times = server.said.count("reloading")
        file.write_text(content)
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("reloading", times + 1)
        _, left = psutil.wait_procs(before, SECONDS)
        return left

    assert send_much().status_code == 200
    with Asking(client) as asking:
        asking.wait_for(10)
        assert not reload('page_workers = 1\nbody_bytes = 2000\nhost = "127.0.0.2"\n')
        asking.wait_for(20)
    assert set(asking.statuses) == {200}
    assert asking.cut_off == []
    assert "host: as before until the server is started again" in server.said
    assert len(server.workers("page")) == 1
    answer = send_much()
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
    # what cannot be used changes nothing
    workers = server.workers("page")
    file.write_text("page_wrkers = 3\n")
    server.process.send_signal(signal.SIGHUP)
    server.wait_for("not reloaded, all stays as it is")
    assert "did you mean page_workers" in server.said
    assert server.workers("page") == workers
    assert explain(client, 3).status_code == 200
    assert not reload("page_workers = 2\n")
    assert len(server.workers("page")) == 2


def test_a_part_that_is_killed_is_begun_again(running: tuple[Server, httpx.Client]) -> None:
    server, client = running
    for part in ("service", "page"):
        master = server.master(part)
        workers = master.children()
        master.kill()
        server.wait_for(f"the {part} died")
        psutil.wait_procs(workers, SECONDS)  # they end by themselves
        assert explain(client, 5).status_code == 200
        assert server.master(part).pid != master.pid


def test_stopping_answers_what_is_under_way(tmp_path: Path) -> None:
    with serving(tmp_path, "serve", JETLRP_SERVICE_PORT="0") as (server, client):
        family = server.parent.children(recursive=True)
        with Asking(client, threads=12) as asking:
            asking.wait_for(30)
            server.process.terminate()
            assert server.process.wait(SECONDS) == 0
        assert set(asking.statuses) == {200}
        # who came too late has no answer; what a process has begun to answer arrived
        assert [name for name in asking.cut_off if f"{name}: POST" in server.said] == []
        assert psutil.wait_procs(family, SECONDS)[1] == []
    assert "Traceback" not in server.said


def test_replacing_processes_costs_nobody_an_answer(tmp_path: Path) -> None:
    few = {"JETLRP_SERVICE_PORT": "0", "JETLRP_RECYCLE_REQUESTS": "60"}
    with serving(tmp_path, "serve", **few) as (server, client):
        with Asking(client) as asking:
            while server.said.count("Booting worker") < 6:  # four are there from the beginning
                asking.wait_for(10)
        assert set(asking.statuses) == {200}
        assert asking.cut_off == []


def test_a_process_that_grows_too_large_asks_to_be_replaced() -> None:
    code = (
        "import time; import app.asgi as asgi; from lrp_core.settings import read_settings; "
        "asgi.LOOK_SECONDS = 0.01; asgi._watch_memory(read_settings(worker_bytes=1)); "
        "time.sleep(60)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == -signal.SIGTERM
    assert "more than worker_bytes allows" in done.stderr
    assert 10 * 2**20 < resident_bytes() < psutil.virtual_memory().total


def test_what_cannot_be_loaded_ends_it_with_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pth"
    broken.write_bytes(b"nothing that torch knows")
    server = Server(
        tmp_path, "serve", "--port", "0", "--model", str(broken), JETLRP_SERVICE_PORT="0"
    )
    try:
        assert server.process.wait(SECONDS) == 2
    finally:
        server.end()
    assert f"jetlrp: {broken}" in server.said
    assert "Traceback" not in server.said


def test_the_gunicorn_lines_of_the_documentation(tmp_path: Path) -> None:
    with serving(tmp_path, "service", JETLRP_SECRET="a secret of the tests") as (_, client):
        assert client.get("/api/v1/health").status_code == 403
        with_secret = {"X-Jetlrp-Secret": "a secret of the tests"}
        assert client.get("/api/v1/health", headers=with_secret).status_code == 200
        command = [
            *(sys.executable, "-m", "gunicorn", "-c", "python:app.gunicorn_page"),
            *("--bind", "127.0.0.1:0", "app.wsgi:create_server()"),
        ]
        environment = {
            "JETLRP_BACKEND": str(client.base_url),
            "JETLRP_SECRET": "a secret of the tests",
        }
        page = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
        )
        try:
            assert page.stderr is not None
            line = next(line for line in page.stderr if "Listening at" in line)
            address = line.split("Listening at: ")[1].split(" ")[0]
            answer = httpx.get(f"{address}/api/v1/health", timeout=SECONDS, trust_env=False)
            assert answer.status_code == 200
            # no header says where the page is, or that it was asked by TLS
            claims = {"SCRIPT_NAME": "/elsewhere", "X-Forwarded-Proto": "https"}
            answer = httpx.get(
                f"{address}/health", headers=claims, timeout=SECONDS, trust_env=False
            )
            assert answer.status_code == 200
            assert "Strict-Transport-Security" not in answer.headers
        finally:
            page.terminate()
            page.communicate(timeout=SECONDS)


def test_cores_are_shared_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quota = tmp_path / "cpu.max"
    quota.write_text("100000 100000\n")
    assert cores(quota) == 1
    quota.write_text("max 100000\n")
    assert cores(quota) == cores(tmp_path / "none") >= 1
    monkeypatch.setattr(processes, "cores", lambda: 9)
    assert threads_of_worker(read_settings(service_workers=64)) == 1
    assert threads_of_worker(read_settings(service_workers=4)) == 2
    assert threads_of_worker(read_settings(torch_threads=5)) == 5


def test_a_part_that_will_not_end_is_killed() -> None:
    with socket.socket() as listener:
        part = Part("page", "", listener, {})
        code = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1); time.sleep(60)"
        part.process = subprocess.Popen(
            [sys.executable, "-uc", code], stdout=subprocess.PIPE, process_group=0
        )
        with part.process:
            assert part.process.stdout is not None
            part.process.stdout.readline()
            assert not part.end(0.2)
            assert part.process.returncode == -signal.SIGKILL
