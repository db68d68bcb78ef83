"""The command: what it passes on, and the one line that it says when something is missing."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from app import cli as command
from app import serve
from lrp_core.commands import check as check_command
from lrp_core.commands import explain as explain_command
from lrp_core.commands import explain_all as explain_all_command
from lrp_core.errors import CheckpointError, JetFileError
from lrp_core.settings import PREFIX

NETWORK = ["--model", "IN.pth", "--definitions", "d.yml"]


def run(*words: str) -> Result:
    return CliRunner().invoke(command.cli, list(words))


def assert_one_line(result: Result, *parts: str) -> None:
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("jetlrp: ")
    assert result.stderr.count("\n") == 1
    for part in parts:
        assert part in result.stderr


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the serving commands were asked to serve; nothing is served."""
    asked: dict[str, Any] = {}
    for name in ("serve_all", "serve_page", "serve_service"):
        monkeypatch.setattr(
            serve, name, lambda *given, name=name: asked.update(by=name, given=given)
        )
    monkeypatch.setattr(serve, "leave", lambda status: asked.update(status=status))
    return asked


def test_help_names_the_commands() -> None:
    result = run("--help")
    assert result.exit_code == 0
    for name in ("explain", "check", "serve", "service"):
        assert name in result.stdout
    assert run("serve", "--help").exit_code == 0


def test_version() -> None:
    result = run("--version")
    assert (result.exit_code, result.stdout) == (0, "jetlrp 0.1.0\n")


@pytest.mark.parametrize("name", ["serve", "service"])
def test_what_is_not_given_comes_with_the_package(name: str, served: dict[str, Any]) -> None:
    assert run(name).exit_code == 0
    assert served["given"][0] == serve.Sources()
    assert run(name, "--jets", "a.root").exit_code == 0
    assert served["given"][0] == serve.Sources(("a.root",))
    assert run(name, *NETWORK).exit_code == 0
    assert served["given"][0] == serve.Sources(None, "IN.pth", "d.yml")


@pytest.mark.parametrize("name", ["serve", "service", "explain"])
def test_definitions_need_their_network(name: str) -> None:
    words = ["--jet", "0"] if name == "explain" else []
    assert_one_line(run(name, *words, "--definitions", "d.yml"), "--definitions", "--model")
    assert_one_line(run(name, *words, "--weights", "ema"), "--weights", "--model")


@pytest.mark.parametrize(
    "words",
    [
        ["explain", "--jet", "0", "--model", "m.pth"],
        ["explain", "--all", "--out", "r.parquet", "--model", "m.pth"],
        ["evaluate", "m.pth", "a.root"],
    ],
)
def test_commands_load_the_weights_that_are_named(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*given: Any, weights: str | None = None, **more: Any) -> Any:
        raise CheckpointError(f"loaded: {weights}")

    monkeypatch.setattr("lrp_core.checkpoint.load_model", load)
    assert_one_line(run(*words, "--weights", "ema"), "loaded: ema")


def test_export_and_the_service_load_the_weights_that_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr("app.export.command.run", lambda settings, *_: asked.append(settings) or 0)
    words = ["--jet", "0", "--format", "svg", "--out", str(tmp_path), "--model", "m.pth"]
    assert run("export", *words, "--weights", "ema").exit_code == 0
    monkeypatch.setattr("lrp_core.load_model", lambda *_, **named: asked.append(named))
    monkeypatch.setattr("lrp_core.service.api.create_api", lambda *_: None)
    serve.sources_of(asked[0]).service(asked[0])
    assert asked[1] == {"definitions": None, "weights": "ema"}


def test_serve_passes_on_what_it_is_given(served: dict[str, Any]) -> None:
    words = ["--jets", "a.root", "--jets", "b/*.root", *NETWORK, "--host", "::1", "--port", "0"]
    words += ["--tree", "t", "--column", "fj_pt=jet_pt", "--column", "track_pt = trk"]
    words += ["--padding", "-999,zeros", "--weights", "ema"]
    assert run("serve", *words).exit_code == 0
    sources, settings, _ = served["given"]
    assert served["by"] == "serve_all"
    assert (sources.jets, sources.model, sources.definitions) == (
        ("a.root", "b/*.root"),
        "IN.pth",
        "d.yml",
    )
    assert sources.tree == "t"
    assert sources.weights == "ema"
    assert sources.columns == {"fj_pt": "jet_pt", "track_pt": "trk"}
    assert sources.padding == "-999,zeros"
    assert (settings.host, settings.port) == ("::1", 0)


def test_files_of_a_pattern_that_the_shell_expanded(served: dict[str, Any]) -> None:
    assert run("serve", "--jets", "a.root", "b.root", "c.root", *NETWORK).exit_code == 0
    assert served["given"][0].jets == ("a.root", "b.root", "c.root")


def test_service_has_a_port_of_its_own(
    served: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("service", "--jets", "a.root", *NETWORK).exit_code == 0
    assert (served["by"], served["given"][1].service_port) == ("serve_service", 8051)
    monkeypatch.setenv(f"{PREFIX}SERVICE_PORT", "9009")
    assert run("service", "--jets", "a.root", *NETWORK).exit_code == 0
    assert served["given"][1].service_port == 9009


def test_serve_with_a_backend(served: dict[str, Any]) -> None:
    assert run("serve", "--backend", "http://gpu:8051").exit_code == 0
    assert (served["by"], served["given"][0]) == ("serve_page", "http://gpu:8051")
    assert_one_line(run("serve", "--backend", "http://gpu:8051", "--jets", "a.root"), "either")


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--port", "70000"], "port = 70000"),
        (["--column", "fj_pt"], "STANDARD=BRANCH"),
        (["--column", "=x"], "STANDARD=BRANCH"),
        (["--padding", "much"], "expected zeros, nan, a number"),
    ],
)
def test_what_cannot_be_served(words: list[str], part: str) -> None:
    assert_one_line(run("serve", "--jets", "a.root", *NETWORK, *words), part)


@pytest.mark.parametrize("address", ["gpu:8051", "ftp://gpu", "http://", "http://gpu/?a=1", ""])
def test_an_address_that_is_none(address: str) -> None:
    assert_one_line(run("serve", "--backend", address), "--backend", "http://gpu-machine:8051")


def test_a_port_in_use_is_told_in_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for name in ("serve", "service"):
            result = run(name, "--jets", "a.root", *NETWORK, "--port", port)
            assert_one_line(result, port, "in use", "--port")
        assert_one_line(run("serve", "--backend", "http://gpu:1", "--port", port), "in use")


def test_a_host_that_is_none() -> None:
    result = run("serve", "--jets", "a.root", *NETWORK, "--host", "no such host", "--port", "0")
    assert_one_line(result, "--host", "no such host")


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        (["--jets", "none.root"], "none.root"),
        (["--model", "none.pth"], "none.pth"),
        (["--model", __file__, "--definitions", "none.yml"], "none.yml"),
    ],
)
def test_files_that_are_not_there_are_told_at_once(words: list[str], missing: str) -> None:
    assert_one_line(run("serve", *words, "--port", "0"), missing, "no such file")


def test_explain_passes_on_what_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(
        explain_command, "run", lambda *given, **named: asked.extend([given, named])
    )
    words = ["a.root", "b.root", "--jet", "12", *NETWORK, "--target", "hbb", "--dtype", "float64"]
    words += ["--rule", "gamma(1.0)", "--out", "e.npz", "--tree", "t", "--column", "a=b"]
    words += ["--padding", "-999", "--weights", "ema"]
    assert run("explain", *words).exit_code == 0
    assert asked[0] == (["a.root", "b.root"], 12, "IN.pth", "d.yml")
    assert asked[1] == {
        "weights": "ema",
        "target": "hbb",
        "rule": "gamma(1.0)",
        "dtype": "float64",
        "out": "e.npz",
        "device": "cpu",
        "tree": "t",
        "columns": {"a": "b"},
        "padding": "-999",
    }
    asked.clear()
    assert run("explain", "--jet", "1").exit_code == 0
    assert asked[0] == (None, 1, None, None)


def test_explain_all_passes_on_what_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def fake(*given: Any, **named: Any) -> int:
        asked.extend([given, named])
        return 1

    monkeypatch.setattr(explain_all_command, "run", fake)
    words = ["a.root", "--all", "--out", "r.parquet", *NETWORK, "--rule", "zero", "--tree", "t"]
    words += ["--first", "3", "--last", "9", "--batch", "16", "--edges", "full"]
    assert run("explain", *words, "--device", "cuda", "--weights", "ema").exit_code == 1
    assert asked[0] == (["a.root"], "r.parquet", "IN.pth", "d.yml")
    assert asked[1] == {
        "weights": "ema",
        "target": None,
        "rule": "zero",
        "dtype": "float32",
        "edges": "full",
        "first": 3,
        "last": 9,
        "jets_at_once": 16,
        "device": "cuda",
        "tree": "t",
        "columns": None,
        "padding": None,
    }


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ([], ["--jet", "--all"]),
        (["--jet", "0", "--all", "--out", "r.parquet"], ["--jet", "--all"]),
        (["--all"], ["--out", "relevance.parquet"]),
        (["--all", "--out", "r.npz"], ["r.npz", ".parquet"]),
        (["--jet", "0", "--edges", "full"], ["--edges", "--all"]),
        (["--jet", "0", "--first", "0"], ["--first", "--all"]),
    ],
)
def test_one_jet_or_all_of_them(words: list[str], parts: list[str]) -> None:
    assert_one_line(run("explain", *words), *parts)


def test_check_ends_with_the_status_of_what_it_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_command, "run", lambda files, **named: len(files))
    assert run("check", "a.root").exit_code == 1
    assert run("check", "a.root", "b.root").exit_code == 2


def test_errors_that_are_raised_on_purpose_have_no_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*given: Any, **named: Any) -> int:
        raise JetFileError("a.root: there is no such file")

    monkeypatch.setattr(check_command, "run", fail)
    assert_one_line(run("check", "a.root"), "a.root: there is no such file")


def test_the_real_command_on_files_that_are_not_there(tmp_path: Path) -> None:
    result = run("explain", str(tmp_path / "none.root"), "--jet", "1", *NETWORK)
    assert_one_line(result, "none.root", "there is no such file")


def test_help_is_quick_and_needs_no_torch() -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from app.cli import cli; "
        "CliRunner().invoke(cli, ['serve', '--help']); "
        "CliRunner().invoke(cli, ['serve', '--definitions', 'd.yml']); "
        "print([name for name in ('torch', 'dash', 'fastapi', 'uproot', 'pandas', 'uvicorn') "
        "if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ}
    )
    assert done.stdout.strip() == "[]"


HEAVY = {"torch", "torch_geometric", "numpy", "pandas", "pyarrow", "uproot", "dash", "fastapi"}


@pytest.mark.parametrize("words", [["--help"], ["explain", "--help"], ["--version"]])
def test_help_is_quick_because_nothing_heavy_is_imported(words: list[str]) -> None:
    code = (
        "import atexit, sys; from app.cli import cli; "
        "atexit.register(lambda: print('|'.join(sys.modules), file=sys.stderr)); "
        f"sys.argv = ['jetlrp', *{words}]; cli()"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(ran.stderr.strip().split("|"))
    assert "app.cli" in loaded
    assert not HEAVY & loaded
