"""Whatever a logged-in user sends: an answer in words, in time, and nothing else.

Generated from the service's own description, for it and against it, and by hand: broken files of
jets, pickles posing as networks, paths that lead elsewhere, huge numbers. A third of all requests
are right, and are answered as if the others had not been.
"""

from __future__ import annotations

import base64
import json
import pickle
import re
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import httpx
import numpy as np
import pytest
import schemathesis
import torch
import uproot
from anyio.from_thread import start_blocking_portal
from argon2 import PasswordHasher
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from app.access import users
from app.access.doors import Door
from app.access.gate import Gate
from app.access.users import UserTable
from lrp_core.interaction_network import InteractionNetwork
from lrp_core.model import Model
from lrp_core.service.api import create_api
from lrp_core.settings import Settings
from tests.service.conftest import COLUMNS, InProcess, ToyJets

SECRET = "a secret of page and service"
PASSWORD = "correct horse"
SECONDS = 120.0  # for one answer, on a busy machine; most take milliseconds
EXAMPLES = 14  # of each route, for its description and against it
JET = "/api/v1/jets/0"
OF_THE_MACHINE = re.compile(r"Traceback|File \"|site-packages|\.py\b|/tmp|/home|/root|/usr")


@dataclass
class Server:
    """The service behind the gate, somebody who is logged in, and all that was asked."""

    browser: httpx.Client
    folder: Path
    asked: int = 0
    right: int = 0
    told: list[str] = field(default_factory=list)
    leaks: list[tuple[str, str]] = field(default_factory=list)

    def ask(self, method: str, path: str, **how: Any) -> httpx.Response:
        """Ask, and then something that is right: the first must not have harmed the second."""
        began = time.monotonic()
        answer = self._send(method, path, **how)
        assert time.monotonic() - began < SECONDS, (method, path[:200])
        self._check(answer, f"{method} {path[:200]} {str(how)[:200]}")
        # nothing of the machine, but for what was sent and is repeated
        sent = unquote(f"{path} {how}")
        found = set(OF_THE_MACHINE.findall(answer.text)) if answer.status_code >= 400 else set()
        self.leaks += [(one, sent[:200]) for one in found if one not in sent]
        self.asked += 1
        if self.asked % 2 == 0:
            self.ask_rightly()
        return answer

    def ask_rightly(self) -> None:
        """Two jets in turn, so that one is computed now and then, the other one kept."""
        self.right += 1
        body = {"rule": f"epsilon({self.right % 7 + 1})", "encoding": "base64"}
        answer = self._send("POST", f"/api/v1/jets/{self.right % 3}/explanation", json=body)
        assert answer.status_code == 200, answer.text[:500]
        assert answer.json()["conservation_error"] < 1e-3

    def _send(self, method: str, path: str, **how: Any) -> httpx.Response:
        return self.browser.request(method, path, timeout=SECONDS, **how)

    def _check(self, answer: httpx.Response, what: str) -> None:
        assert answer.status_code < 500, f"{what}: {answer.text[:500]}"
        assert answer.status_code != 401, what
        if answer.status_code >= 400:
            error = answer.json()
            assert set(error) == {"error"}, what
            assert set(error["error"]) == {"code", "message", "choices", "request_id"}
            assert error["error"]["request_id"] == answer.headers["x-request-id"]
            self.told.append(answer.text)
        elif answer.headers["content-type"].startswith("application/json"):
            json.loads(answer.content, parse_constant=pytest.fail)  # no NaN, no infinity


@pytest.fixture(scope="module")
def model() -> Model:
    torch.manual_seed(1)
    network = InteractionNetwork(len(COLUMNS), 2, 8)
    return Model(network, COLUMNS, ("qcd", "hbb"), name="toy.pth", checkpoint_hash="ab12")


class Canary:
    """Does harm when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def fill(library: Path, elsewhere: Path, canary: Path) -> list[str]:
    """Put files into the library that nobody wants there. -> their names"""
    good = elsewhere / "good.root"
    draw = np.random.default_rng(3)
    with uproot.recreate(good) as file:
        jets = {
            name: [draw.normal(size=n).astype(np.float32) for n in (3, 4, 5)]
            for name in ("track_pt", "track_etarel", "track_phirel", "made_up")
        }
        import awkward as ak

        columns = {
            (name if name.startswith("track_") else f"track_{name}"): ak.Array(rows)
            for name, rows in jets.items()
        }
        file["tree"] = columns
        empty = {name: ak.Array([[], [], [1.0]])[:2] for name in columns}
        odd = {**columns, "track_pt": ak.Array([[1.0], [1.0], [1.0]])}
        wrong = {name: ak.Array([[np.nan], [np.inf], [-1e38]]) for name in columns}
    for name, content in (("zero_tracks", empty), ("lengths", odd), ("nan", wrong)):
        with uproot.recreate(library / f"{name}.root") as file:
            file["tree"] = content
    data = good.read_bytes()
    for number in range(12):
        damaged = bytearray(data)
        for place in draw.integers(len(data), size=40):
            damaged[place] = draw.integers(256)
        (library / f"damaged{number}.root").write_bytes(damaged)
    (library / "short.root").write_bytes(data[: len(data) // 2])
    (library / "empty.root").write_bytes(b"")
    (library / "text.root").write_bytes(b"root, but no more than that")
    (library / "html.root").write_text("<html>not found</html>")
    (library / "parquet.parquet").write_bytes(b"PAR1" + b"\xff" * 200 + b"PAR1")
    (library / "Ünïcode ☃ '\"<script>.root").write_bytes(data)
    (library / "outside.root").symlink_to(good)
    (library / "round.root").symlink_to(library / "round.root")
    (library / "definitions.yml").write_text(
        "features: [track_pt, track_etarel, track_phirel, track_pt, track_made_up]\n"
    )
    torch.manual_seed(2)
    weights = InteractionNetwork(5, 2, 8).state_dict()
    torch.save(weights, elsewhere / "outside.pth")
    (library / "outside.pth").symlink_to(elsewhere / "outside.pth")
    torch.save({**weights, "hook": Canary(canary)}, library / "canary.pth")
    (library / "pickle.pth").write_bytes(pickle.dumps(Canary(canary)))
    torch.save({"a": torch.zeros(1).expand(10**9, 10)}, library / "wide.pth")
    torch.save({k: v[..., :1] if v.ndim else v for k, v in weights.items()}, library / "shapes.pth")
    torch.save({k: v * float("nan") for k, v in weights.items()}, library / "nan.pth")
    with zipfile.ZipFile(library / "bomb.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\0" * (300 << 20))
    (library / "noise.pth").write_bytes(b"PK\x03\x04" + draw.bytes(500))
    (library / "short.pth").write_bytes((elsewhere / "outside.pth").read_bytes()[:2000])
    return sorted(path.name for path in library.iterdir())


@contextmanager
def serving(app: FastAPI, folder: Path) -> Iterator[Server]:
    """The application behind the gate, and anna's session."""
    table = folder / "users.json"
    UserTable(table).add("anna", PASSWORD)
    settings = Settings(
        host="0.0.0.0",
        auth="users",
        users_file=str(table),
        requests_per_minute=10**6,
        body_bytes=200_000,
    )
    door: Any = Door(app, Gate(settings, SECRET), SECRET)
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(app.router.lifespan_context(app)),
        httpx.Client(transport=InProcess(door, portal), base_url="http://lab:8050") as browser,
    ):
        form = browser.get("/login").text.split('name="form" value="')[1].split('"')[0]
        fields = {"name": "anna", "password": PASSWORD, "form": form, "next": "/"}
        assert browser.post("/login", data=fields).status_code == 303
        yield Server(browser, folder)


@pytest.fixture(scope="module")
def server(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    library = folder / "library"
    library.mkdir()
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    canary = folder / "canary"
    names = fill(library, elsewhere, canary)
    settings = Settings(
        secret=SECRET, library=str(library), explanations_per_minute=10**6, cache_bytes=2**20
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(users, "PasswordHasher", lambda: PasswordHasher(1, 8, 1))
        app = create_api(ToyJets(), model, settings)
        before = {path: path.stat().st_mtime_ns for path in everything(tmp_path_factory)}
        with serving(app, folder) as running:
            yield running
            assert sorted(path.name for path in library.iterdir()) == names
        assert not canary.exists()
        written = {
            path
            for path in everything(tmp_path_factory)
            if before.get(path) != path.stat().st_mtime_ns
        }
        assert {path.name for path in written} <= {"users.json", "users.json.lock"}
    assert running.asked > 1000
    assert running.right * 2 >= running.asked - 1, "a third of all is to be right"
    assert running.leaks == []
    for text in running.told:
        assert str(folder) not in text
        assert str(elsewhere) not in text


def everything(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    found = tmp_path_factory.getbasetemp().rglob("*")
    return [path for path in found if path.is_file() and not path.is_symlink()]


def test_generated_from_the_description(server: Server, model: Model) -> None:
    described = create_api(ToyJets(), model, Settings()).openapi()
    cases: list[Any] = []
    for found in schemathesis.openapi.from_dict(described).get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            if mode is GenerationMode.NEGATIVE and not list(operation.iter_parameters()):
                continue  # whatever is asked of it is right

            @examples(
                max_examples=EXAMPLES,
                database=None,
                deadline=None,
                derandomize=True,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(operation.as_strategy(generation_mode=mode))
            def collect(case: Any) -> None:
                cases.append(case)

            try:
                collect()
            except Unsatisfiable:  # nor can anything wrong be asked of this one
                assert mode is GenerationMode.NEGATIVE, operation.label
    assert len(cases) > 200
    statuses = set()
    for number, case in enumerate(cases):
        if number % 2 and str((case.path_parameters or {}).get("index", "")).isdecimal():
            case.path_parameters["index"] = int(case.path_parameters["index"]) % 8
        how: dict[str, Any] = {}
        if case.query:
            how["params"] = {key: plain(value) for key, value in case.query.items()}
        if isinstance(case.body, bytes):
            how["content"] = case.body
        elif type(case.body).__name__ != "NotSet":
            how["json"] = case.body
        answer = server.ask(case.method, case.formatted_path, **how)
        statuses.add(answer.status_code)
    assert {200, 404, 422} <= statuses


def plain(value: Any) -> Any:
    """A value as it stands in an address."""
    if isinstance(value, list):
        return [plain(item) if not isinstance(item, list) else str(item) for item in value]
    text = str(value) if not isinstance(value, dict) else json.dumps(value)
    return text.encode("utf-8", "replace").decode()[:2000]


HUGE = ("9" * 30, "1e400", "-1", "0x10", "1_000", "٣", "NaN", "Infinity", "-0", "1.5", "null", "")
PATHS = ("../users.json", "..%2Fusers.json", "%2e%2e/users.json", "/etc/passwd", "....//x", "\\..",
         "library/../../users.json", "a\0b", "C:\\x", "file:///etc/passwd", "http://127.0.0.1:1/x",
         "outside.root", "round.root", "\ufeff", "a" * 3000, "☃", "%", "%00", "*",
         "~root")  # fmt: skip
RULES: tuple[Any, ...] = (
    *("gamma(1e999)", "gamma(nan)", "gamma(-1)", "epsilon(1e-400)", "gamma(", "gamma(1)" * 50),
    *("__import__('os')", "epsilon(0)", "alpha_beta(1e308, -1e308)", "{", "[]", "\0", "γ(1)"),
    *(
        "{" * 5000,
        "epsilon(" + "9" * 5000 + ")",
        '{"name": "composite"}',
        "gamma(gamma=1, gamma=2)",
    ),
    *({"name": "gamma", "gamma": value} for value in ("1", None, True, [], {}, 1e308, -5, 10**30)),
    *({"name": name} for name in ("", None, 3, [], "composite", "__class__")),
    {"name": "composite", "rules": {"a": {"name": "composite", "rules": {}}}},
    {"name": "epsilon", "epsilon": 0.1, "bias": "nowhere"},
    {"name": "gamma", "__init__": 1},
)


@pytest.mark.parametrize("number", HUGE)
def test_numbers(server: Server, number: str) -> None:
    for path in ("", "/explanation.json", "/explanation/edges.csv"):
        server.ask("GET", f"/api/v1/jets/{quote(number) or '%20'}{path}")
    for name in ("offset", "limit", "min_pt", "max_n_tracks", "min_index", "max_index"):
        server.ask("GET", "/api/v1/jets", params={name: number})
    server.ask("GET", "/api/v1/jets/pick", params={"kind": "undecided", "seed": number})
    server.ask("GET", "/api/v1/jets/pick", params={"kind": "undecided", "exclude": number})
    for key in ("edge", "top_edges"):
        where = f"{JET}/explanation{'/edge' if key == 'edge' else ''}"
        raw = f'{{"{key}": {number or "[]"}}}'
        server.ask("POST", where, content=raw, headers={"Content-Type": "application/json"})
        server.ask("POST", where, json={key: number})


@pytest.mark.parametrize("path", PATHS)
def test_paths(server: Server, path: str) -> None:
    sent = quote(path.encode("utf-8", "replace").decode(), safe="%/")
    for name in ("file", "model"):
        answer = server.ask("GET", f"/api/v1/jets?{name}={sent}")
        assert answer.status_code in (403, 404, 414, 422), answer.text
        answer = server.ask("POST", f"{JET}/explanation?{name}={sent}", json={})
        assert answer.status_code in (403, 404, 414, 422), answer.text
    for top in ("/docs/files/", "/api/v1/", "/docs/", "/assets/fonts/"):
        server.ask("GET", f"{top}{sent.replace(chr(0), '%00')}")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule)[:40])
def test_rules(server: Server, rule: Any) -> None:
    answer = server.ask("POST", f"{JET}/explanation", json={"rule": rule})
    assert answer.status_code in (200, 422)
    if isinstance(rule, str):
        server.ask("GET", f"{JET}/explanation.json", params={"rule": rule.encode().decode()[:3000]})


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"null", b"[]", b"1", b'"x"', b"\xff\xfe\x00", b"{" * 10_000, b"[" * 100_000,
        b'{"a":' * 5000, b'{"target": NaN}', b'{"rule": Infinity}', b"\0" * 100, b"{}" * 100,
        b'{"target": "' + b"a" * 100_000 + b'"}', b'{"target": "\\ud800"}', b'{"edge": 1e999}',
        b'{"rule": {"name": "\\u0000"}}', b'{"dtype": "object"}', b'{"encoding": "pickle"}',
        b'{"target": "margin:' + "é☃".encode() * 1000 + b'"}', b'{"top_edges": 0}',
        b'{"__proto__": {}, "target": "hbb"}', base64.b64encode(bytes(3000)),
        b'{"rule": {"name": "gamma", "gamma": ' + b"9" * 5000 + b"}}",
    ],
    ids=lambda body: repr(body[:24]),
)  # fmt: skip
@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data", ""])
def test_bodies(server: Server, body: bytes, kind: str) -> None:
    for where in ("explanation", "explanation/edge"):
        server.ask("POST", f"{JET}/{where}", content=body, headers={"Content-Type": kind})


def test_bodies_that_are_too_large(server: Server) -> None:
    answer = server.ask("POST", f"{JET}/explanation", content=b"x" * 300_000)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
    answer = server.ask("GET", "/api/v1/jets?label=" + "x" * 20_000)
    assert answer.status_code == 414
    answer = server.ask("GET", "/api/v1/jets", headers={"X-Long": "x" * 40_000})
    assert answer.status_code == 431


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "X"])
def test_methods(server: Server, method: str) -> None:
    for path in ("/api/v1/jets", "/api/v1/health", f"{JET}/explanation", "/docs", "/openapi.json"):
        assert server.ask(method, path).status_code in (404, 405)


@pytest.mark.parametrize(
    "header",
    [
        ("X-Request-ID", "../../etc/passwd"), ("X-Request-ID", "a" * 5000),
        ("Accept-Encoding", "gzip;q=nan"), ("Range", "bytes=0-99999999999999"),
        ("Content-Length", "5"), ("Cookie", "a=b; =; ;;"), ("Authorization", "Basic Og=="),
        ("X-Jetlrp-User", "root"), ("X-Forwarded-For", "1.2.3.4, " * 100),
        ("If-None-Match", '"' * 100), ("Accept", "x/" * 1000), ("Expect", "100-continue"),
    ],
)  # fmt: skip
def test_headers(server: Server, header: tuple[str, str]) -> None:
    name, value = header
    if name == "Cookie":
        header = (
            name,
            f"{value}; " + "; ".join(f"{c.name}={c.value}" for c in server.browser.cookies.jar),
        )
    server.ask("GET", "/api/v1/health", headers=dict([header]))
    server.ask("GET", "/docs/files/swagger-ui.css", headers=dict([header]))


def test_files_that_nobody_wants(server: Server) -> None:
    listed = server.ask("GET", "/api/v1/library").json()
    names = [path.name for path in (server.folder / "library").iterdir()]
    assert len(names) > 30
    for name in sorted(names):
        kind = "model" if name.endswith(".pth") else "file"
        for path in ("/api/v1/health", "/api/v1/jets", JET, f"{JET}/explanation.json"):
            server.ask("GET", path, params={kind: name})
        server.ask("POST", f"{JET}/explanation", params={kind: name}, json={})
    for name in (
        "outside.root",
        "round.root",
        "outside.pth",
        "canary.pth",
        "pickle.pth",
        "bomb.pth",
    ):
        kind = "model" if name.endswith(".pth") else "file"
        answer = server.ask("GET", "/api/v1/jets", params={kind: name})
        assert answer.status_code in (404, 422), (name, answer.text)
    assert listed
    assert not (server.folder / "canary").exists()
