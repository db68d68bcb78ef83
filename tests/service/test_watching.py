"""What is counted and logged: by whom it may be read, over all processes, with ids of requests."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.client import ServiceClient
from app.logs import JsonLines, TextLines
from app.main import create_app
from app.visit import headers_of_visit
from lrp_core.errors import SettingsError
from lrp_core.settings import read_settings
from lrp_core.watching import REQUEST_ID, may_read


def numbers(text: str) -> dict[str, float]:
    """Prometheus' lines by name and labels."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


@pytest.mark.parametrize(
    ("client", "names", "allowed", "may"),
    [
        ("127.0.0.1", [], [], True),
        ("::1", [], [], True),
        ("::ffff:127.0.0.1", [], [], True),
        ("10.1.2.3", [], [], False),
        ("10.1.2.3", [], ["10.0.0.0/8"], True),
        ("10.1.2.3", [], ["10.1.2.4", "192.168.0.0/16"], False),
        ("127.0.0.1", ["X-Forwarded-For"], ["127.0.0.1"], False),
        ("127.0.0.1", ["forwarded"], [], False),
        ("", [], ["0.0.0.0/0"], False),
        ("unix:", [], [], False),
    ],
)
def test_who_may_read_the_numbers(
    client: str, names: list[str], allowed: list[str], may: bool
) -> None:
    assert may_read(client, names, allowed) is may


def test_addresses_that_are_none_are_told() -> None:
    with pytest.raises(SettingsError, match="metrics_from"):
        read_settings(metrics_from=["everywhere"])


def test_what_the_service_counts(serve: Any) -> None:
    client = serve(metrics_from=("10.0.0.0/8",))
    before = numbers(client.get("/metrics").text)
    client.explain(1, rule="epsilon(0.01)", dtype="float64")
    client.explain(1, rule="epsilon(0.01)", dtype="float64")
    assert client.post("/api/v1/jets/1/explanation", json={"target": "no"}).status_code == 422
    assert client.get("/api/v1/made-up/4711").status_code == 404
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    after = numbers(answer.text)
    more = {name: value - before.get(name, 0) for name, value in after.items()}
    route = 'method="POST",part="service",route="/api/v1/jets/{index}/explanation"'
    assert more[f'jetlrp_requests_total{{{route},status="200"}}'] == 2
    assert more[f'jetlrp_requests_total{{{route},status="422"}}'] == 1
    assert more['jetlrp_explanations_total{dtype="float64",rule="epsilon"}'] == 1
    assert more["jetlrp_explanation_seconds_count"] == 1
    assert more['jetlrp_cache_total{result="hit"}'] == 1
    assert more['jetlrp_cache_total{result="miss"}'] == 1
    assert more['jetlrp_errors_total{code="unknown_target"}'] == 1
    assert after["jetlrp_explanations_waiting"] == 0
    assert "made-up" not in answer.text  # nobody makes up labels
    assert client.get("/metrics", headers={"X-Forwarded-For": "10.1.1.1"}).status_code == 403


def test_what_the_page_counts_and_who_may_read_it() -> None:
    client = ServiceClient("http://x", transport=httpx.MockTransport(lambda _: httpx.Response(200)))
    server = create_app(client, metrics_from=["10.0.0.0/8"]).server
    for address, status in (("127.0.0.1", 200), ("10.9.9.9", 200), ("11.0.0.1", 403)):
        transport = httpx.WSGITransport(server, remote_addr=address)
        with httpx.Client(transport=transport, base_url="http://page") as browser:
            assert browser.get("/").status_code == 200
            answer = browser.get("/metrics")
            assert answer.status_code == status
            assert ('jetlrp_requests_total{method="GET",part="page"' in answer.text) is (
                status == 200
            )


COUNT = """
import os, sys
from lrp_core.watching import EXPLANATIONS, WAITING, forget_process
EXPLANATIONS.labels("gamma", "float32").inc(3)
WAITING.inc()
print(os.getpid())
"""


def test_processes_count_together_and_what_ended_ones_counted_stays(
    tmp_path: Path,
) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}

    def run(code: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    ended = [run(COUNT).strip() for _ in range(3)]
    show = "from lrp_core.watching import exposition; print(exposition().decode())"
    name = 'jetlrp_explanations_total{dtype="float32",rule="gamma"}'
    assert numbers(run(show))[name] == 9
    for number in ended[:2]:
        run(f"from lrp_core.watching import forget_process; forget_process({number})")
    found = numbers(run(show))
    assert found[name] == 9
    assert found["jetlrp_explanations_waiting"] == 1
    left = {path.name for path in tmp_path.glob("counter_*.db")}
    assert {f"counter_{number}.db" for number in ended} & left == {f"counter_{ended[2]}.db"}


def test_a_line_of_the_log_says_which_request_it_is_about() -> None:
    token = REQUEST_ID.set("abc123")
    try:
        raise ValueError("no")
    except ValueError:
        record = logging.LogRecord(
            "jetlrp.x", logging.ERROR, "f.py", 1, "bad %s", ("thing",), sys.exc_info()
        )
        record.user = "Zoë"
        told = json.loads(JsonLines().format(record))
        text = TextLines().format(record)
    finally:
        REQUEST_ID.reset(token)
    assert told["message"] == "bad thing"
    assert (told["level"], told["logger"], told["request_id"]) == ("error", "jetlrp.x", "abc123")
    assert told["user"] == "Zoë"
    assert "ValueError: no" in told["error"]
    assert told["time"].endswith("+00:00")
    assert "abc123: bad thing" in text
    plain = json.loads(
        JsonLines().format(logging.LogRecord("a", logging.INFO, "f", 1, "x", (), None))
    )
    assert set(plain) == {"time", "level", "logger", "message", "process"}


def test_the_id_of_a_request_travels_from_the_page_to_the_service() -> None:
    seen: list[str] = []

    def service(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["x-request-id"])
        error = {"code": "busy", "message": "Too much.", "request_id": seen[-1]}
        return httpx.Response(503, json={"error": error})

    client = ServiceClient(
        "http://x", transport=httpx.MockTransport(service), headers=headers_of_visit(None)
    )
    browser = create_app(client).server.test_client()
    answer = browser.get("/_dash-layout")
    number = answer.headers["X-Request-ID"]
    assert set(seen) == {number}
    assert number in answer.get_data(as_text=True)  # and the visitor sees it
