"""A small stand-in for the service (seeded jets, no network, no torch), and the browser."""

from __future__ import annotations

import base64
import json
import math
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest

from app.client import ServiceClient

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FEATURES = ("track_pt", "track_etarel", "track_phirel", "track_charge", "trackBTag_Sip3dSig")
STAGES = (
    "global_mlp.3",
    "global_mlp.0",
    "pool",
    "node_mlp_2.3",
    "node_mlp_2.0",
    "mean",
    "node_mlp_1.3",
    "node_mlp_1.0",
    "edge_mlp.3",
    "edge_mlp.0",
    "input_norm",
)
MODEL = {
    "name": "toy.pth",
    "checkpoint_hash": "0" * 64,
    "classes": ["qcd", "hbb"],
    "n_columns": 48,
}
N_TRACKS = (26, 118, 1, 2, 0, 7)
BAD_JET = 4
ORIGINS = (
    "prompt",
    "b-hadron decay",
    "c-hadron decay",
    "V0",
    "photon conversion",
    "nuclear interaction",
    "pileup",
    "fake",
)
TRUTH = {  # of the jets that are simulated: codes of the origins, b-hadrons of the tracks
    5: ([0, 1, 3, 1, 6, 0, 7], [0, 1, 1, 2, 0, 0, 0]),
    1: ([0] * 118, [0] * 118),
}
CHOICES: dict[str, Any] = {
    "targets": [
        {
            "name": "margin",
            "title": "margin of hbb",
            "summary": "Why hbb rather than qcd.",
        },
        {"name": "qcd", "title": "qcd", "summary": "The logit of qcd alone."},
        {"name": "hbb", "title": "hbb", "summary": "The logit of hbb alone."},
    ],
    "rules": [
        {
            "name": "epsilon",
            "title": "LRP-ε",
            "summary": "LRP-0 with ε added to each denominator.",
            "parameters": [
                {
                    "name": "epsilon",
                    "type": "number",
                    "default": 0.01,
                    "minimum": 0,
                    "summary": "ε",
                },
                {"name": "relative", "type": "boolean", "default": False, "summary": "in RMS of z"},
                {
                    "name": "bias",
                    "type": "choice",
                    "default": "account",
                    "choices": ["account", "spread"],
                    "summary": "where the share of the biases goes",
                },
            ],
        },
        {
            "name": "gamma",
            "title": "LRP-γ",
            "summary": "Favours the terms that have the sign of the output.",
            "parameters": [
                {"name": "gamma", "type": "number", "default": 1.0, "minimum": 0, "summary": "γ"},
                {
                    "name": "bias",
                    "type": "choice",
                    "default": "account",
                    "choices": ["account", "spread"],
                    "summary": "where the share of the biases goes",
                },
            ],
        },
    ],
    "presets": [
        {
            "name": "default",
            "rule": {"name": "gamma", "gamma": 1.0, "bias": "account"},
            "rule_text": "gamma(gamma=1.0, bias=account)",
            "target": "margin",
            "summary": "LRP-γ on the margin.",
        },
        {
            "name": "hin-lrp",
            "rule": {"name": "epsilon", "epsilon": 1e-9, "relative": False, "bias": "account"},
            "rule_text": "epsilon(epsilon=1e-09, relative=False, bias=account)",
            "target": "hbb",
            "summary": "LRP-ε on the hbb logit.",
        },
    ],
    "defaults": {
        "target": "margin",
        "rule": {"name": "gamma", "gamma": 1.0, "bias": "account"},
        "rule_text": "gamma(gamma=1.0, bias=account)",
        "dtype": "float32",
    },
    "dtypes": ["float32", "float64"],
    "stages": list(STAGES),
}


def packed(values: Any, dtype: str = "float32") -> dict[str, Any]:
    """An array as the service sends it: {"dtype", "shape", "data"}."""
    array = np.ascontiguousarray(values, dtype=np.dtype(dtype).newbyteorder("<"))
    return {
        "dtype": dtype,
        "shape": list(array.shape),
        "data": base64.b64encode(array.tobytes()).decode(),
    }


class FakeService:
    """Answers /api/v1 for six jets of 26, 118, 1, 2, 0 (a bad one) and 7 tracks."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, Any]]] = []
        self.away = False
        self.scores_done = len(N_TRACKS)
        self.conservation_error = 1.2e-7
        self.may_answer = threading.Event()
        self.may_answer.set()

    def client(self) -> ServiceClient:
        return ServiceClient(
            "http://service.test", transport=httpx.MockTransport(self.answer), timeout=5
        )

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.may_answer.wait(20)
        if self.away:
            raise httpx.ConnectError("connection refused", request=request)
        path = request.url.path.removeprefix("/api/v1")
        body = json.loads(request.content) if request.content else {}
        self.requests.append((request.method, path, body or dict(request.url.params)))
        if path == "/health":
            return httpx.Response(200, json=self.health())
        if path == "/choices":
            return httpx.Response(200, json=CHOICES)
        if path == "/jets":
            return httpx.Response(200, json=self.page(dict(request.url.params)))
        found = re.fullmatch(r"/jets/(\d+)(/explanation)?", path)
        if not found:
            return self.refusal(404, "not_found", f"There is nothing at {path}.")
        index = int(found[1])
        if index >= len(N_TRACKS):
            return self.refusal(
                404,
                "unknown_jet",
                f"There is no jet {index}; the jets are numbered 0 to {len(N_TRACKS) - 1}.",
            )
        if index == BAD_JET:
            return self.refusal(
                422, "bad_jet", f"toy.root:{index}: the jet has no tracks; it needs at least one"
            )
        if found[2]:
            return httpx.Response(200, json=self.explanation(index, body))
        return httpx.Response(200, json=self.jet(index))

    def refusal(self, status: int, code: str, message: str) -> httpx.Response:
        error = {"code": code, "message": message, "choices": None, "request_id": "req-7f3a"}
        return httpx.Response(status, json={"error": error})

    def health(self) -> dict[str, Any]:
        return {
            "status": "ok",
            "version": "0.0.0",
            "jets": {"name": "toy.root", "n_jets": len(N_TRACKS)},
            "model": MODEL,
            "scores": {"done": self.scores_done, "total": len(N_TRACKS)},
        }

    def rows(self) -> list[dict[str, Any]]:
        return [
            {
                "index": index,
                "label": ("hbb", "qcd", None)[index % 3],
                "score": None if index == BAD_JET else 1 / (1 + math.exp(index - 2.5)),
                "pt": 300.0 + 120 * index,
                "sdmass": 118.0 - 9 * index,
                "n_tracks": n_tracks,
                "problem": "the jet has no tracks" if index == BAD_JET else None,
            }
            for index, n_tracks in enumerate(N_TRACKS)
        ]

    def page(self, query: dict[str, str]) -> dict[str, Any]:
        rows = self.rows()
        if query.get("label"):
            rows = [row for row in rows if row["label"] == query["label"]]
        sort = query.get("sort", "index")
        key = sort.lstrip("-")
        rows.sort(key=lambda row: (row[key] is None, row[key]), reverse=sort.startswith("-"))
        offset, limit = int(query.get("offset", 0)), int(query.get("limit", 100))
        return {
            "total": len(N_TRACKS),
            "matching": len(rows),
            "scores_done": self.scores_done,
            "jets": rows[offset : offset + limit],
        }

    def tracks(self, index: int) -> np.ndarray:
        random = np.random.default_rng(index)
        n_tracks = N_TRACKS[index]
        prong = random.integers(0, 2, n_tracks)
        centre = np.array([[-0.14, 0.1], [0.2, -0.12]])[prong]
        angles = centre + random.normal(0, 0.1, (n_tracks, 2))
        pt = np.sort(10 ** random.normal(0.75, 0.5, n_tracks))[::-1]
        charge = random.choice([-1.0, 1.0], n_tracks)
        return np.column_stack([pt, angles, charge, random.normal(2, 4, n_tracks)])

    def jet(self, index: int) -> dict[str, Any]:
        row = self.rows()[index]
        n_tracks = N_TRACKS[index]
        return {
            "index": index,
            "jet_id": f"toy.root:{index}",
            **{key: row[key] for key in ("label", "pt", "sdmass", "n_tracks")},
            "n_edges": n_tracks * (n_tracks - 1),
            "features": list(FEATURES),
            "tracks": self.tracks(index).tolist(),
            "feature_info": [
                {"name": name, "title": name, "unit": "", "group": "", "meaning": ""}
                for name in FEATURES
            ],
            "truth": self.truth(index),
        }

    def truth(self, index: int) -> dict[str, Any] | None:
        if index not in TRUTH:
            return None
        origin, b = TRUTH[index]
        b_hadrons = [
            {"b": 1, "pt": 231.0, "etarel": -0.14, "phirel": 0.61},
            {"b": 2, "pt": 87.5, "etarel": 0.2, "phirel": -0.12},
        ]
        return {
            "origins": list(ORIGINS),
            "origin": origin,
            "b": b,
            "b_hadrons": b_hadrons if any(b) else [],
        }

    def truth_match(self, index: int) -> dict[str, Any] | None:
        if index not in TRUTH:
            return None
        b = TRUTH[index][1]
        n_b = sum(each > 0 for each in b)
        found = n_b > 0
        return {
            "n_tracks": len(b),
            "n_b_tracks": n_b,
            "relevance": 1.2,
            "relevance_all": 1.9,
            "positive_share": 0.612 if found else 0.0,
            "absolute_share": 0.5 if found else 0.0,
            "track_share": n_b / len(b),
            "pt_share": 0.704 if found else 0.0,
            "significance_both": 0.25 if found else 0.0,
            "significance_any": 0.7 if found else 0.0,
            "edge_share_both": n_b * (n_b - 1) / (len(b) * (len(b) - 1)),
            "edge_share_any": 0.7 if found else 0.0,
            "average_precision": 0.83 if found else None,
            "average_precision_by_chance": 0.55 if found else None,
        }

    def explanation(self, index: int, body: dict[str, Any]) -> dict[str, Any]:
        random = np.random.default_rng(100 + index)
        n_tracks = N_TRACKS[index]
        n_edges = n_tracks * (n_tracks - 1)
        significance = random.pareto(1.6, n_edges)
        if n_edges:
            significance /= significance.sum()
        signed = significance * random.choice([-1, 1, 1], n_edges) * 4
        relevance = random.normal(0.05, 0.25, n_tracks)
        total = float(relevance.sum())
        bias, epsilon = -0.4, 0.01
        ledger = [
            {
                "stage": stage,
                "received": total + bias,
                "passed": {"h": total},
                "inputs": {"h": "tracks"},
                "bias": bias if place == 0 else 0.0,
                "epsilon": epsilon if place == 0 else 0.0,
            }
            for place, stage in enumerate(STAGES)
        ]
        return {
            "jet_id": f"toy.root:{index}",
            "index": index,
            "target": body["target"],
            "rule": body["rule"],
            "rule_text": str(body["rule"]),
            "dtype": body["dtype"],
            "classes": ["qcd", "hbb"],
            "logits": packed([-1.1, 2.3], "float64"),
            "probabilities": packed([0.032, 0.968], "float64"),
            "value": total + bias + epsilon,
            "conservation_error": self.conservation_error,
            "columns": list(FEATURES),
            "features": list(FEATURES),
            "n_tracks": n_tracks,
            "n_edges": n_edges,
            "complete_graph": True,
            "edge_index": None,
            "track_relevance_sum": packed(relevance),
            "feature_relevance": packed(np.outer(relevance, np.full(5, 0.2))),
            "edge_significance": packed(significance),
            "signed_edge_relevance": packed(signed),
            "ledger": ledger,
            "totals": {
                "tracks": total,
                "bias": bias,
                "epsilon": epsilon,
                "value": total + bias + epsilon,
            },
            "truth_match": self.truth_match(index),
            "seconds": 0.012,
            "cached": False,
            "model": MODEL,
            "version": "0.0.0",
        }


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


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """One headless Chromium for a file of tests, drawing WebGL in software.

    Playwright keeps an event loop running in this thread, so it must end before tests elsewhere
    start one of their own.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=list(SOFTWARE_WEBGL))
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
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
    assert complaints == []
    assert hosts <= {"127.0.0.1", ""}


@pytest.fixture
def toy_site(service: FakeService) -> Iterator[Site]:
    """The real page over the stand-in service."""
    from werkzeug.serving import make_server

    from app.main import create_app

    with service.client() as client:
        app = create_app(client)
        server = make_server("127.0.0.1", 0, app.server, threaded=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield Site(f"http://127.0.0.1:{server.server_port}", service)
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


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
