"""The page under gunicorn, as docs/server.md says."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import httpx
import pytest

from app.access.headers import NOTHING
from app.wsgi import create_server

SECONDS = 120.0  # at most, on a busy machine


def test_without_its_service_the_page_says_so() -> None:
    server = create_server("http://127.0.0.1:9")
    with server.test_client() as browser:
        assert browser.get("/").status_code == 200
        layout = browser.get("/_dash-layout").get_data(as_text=True)
    assert "service" in layout


def test_browsers_may_load_what_the_page_needs() -> None:
    with create_server("http://127.0.0.1:9").test_client() as browser:
        allowed = browser.get("/").headers.get_all("Content-Security-Policy")
        nothing = browser.get("/health").headers["Content-Security-Policy"]
    assert len(allowed) == 1
    assert "script-src 'self'" in allowed[0]
    assert browser.get("/").headers["X-Content-Type-Options"] == "nosniff"
    assert nothing == NOTHING


@pytest.mark.skipif(sys.platform == "win32", reason="gunicorn runs on Unix only")
def test_gunicorn_serves_the_page() -> None:
    assert importlib.util.find_spec("gunicorn") is not None
    command = [
        *(sys.executable, "-m", "gunicorn", "app.wsgi:create_server('http://127.0.0.1:9')"),
        *("--worker-class", "gthread", "--threads", "8", "--no-control-socket"),
        *("--bind", "127.0.0.1:0", "--log-level", "info"),
    ]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert running.stderr is not None
        for line in running.stderr:
            if "Listening at" in line:
                address = line.split("Listening at: ")[1].split(" ")[0]
                break
        else:
            pytest.fail("gunicorn did not start")
        answer = httpx.get(address, timeout=SECONDS, trust_env=False)
        assert answer.status_code == 200
        assert "jetlrp" in answer.text
    finally:
        running.terminate()
        running.communicate(timeout=SECONDS)
    assert running.returncode == 0
