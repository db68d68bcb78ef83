"""The settings: where they come from, what is said of impossible ones, and their documentation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from app.cli import cli
from app.serve import sources_of
from lrp_core import settings as module
from lrp_core.errors import SettingsError
from lrp_core.settings import (
    FILE_VARIABLE,
    PREFIX,
    Settings,
    environment_of,
    read_settings,
    settings_in_force,
    settings_table,
    unknown_variables,
)

DOCS = Path(__file__).parents[2] / "docs" / "server.md"
ROW = re.compile(rf"^\| `{PREFIX}([A-Z_]+)` \| (.*?) \| (.+) \|$", re.MULTILINE)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "jetlrp.toml"


def test_defaults_are_those_of_a_laptop() -> None:
    settings = read_settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8050)
    assert settings.service_port != settings.port


def test_given_before_environment_before_file_before_default(
    monkeypatch: pytest.MonkeyPatch, file: Path
) -> None:
    file.write_text("port = 1\ncache_bytes = 2\nscore_chunk = 3\n")
    monkeypatch.setenv(f"{PREFIX}PORT", "9000")
    monkeypatch.setenv(f"{PREFIX}CACHE_BYTES", "1000")
    monkeypatch.setenv(f"{PREFIX}BACKEND_SECONDS", "")  # as if it were not there
    settings, origins, path = settings_in_force(file=file, port=9001, host=None)
    assert (settings.port, settings.cache_bytes, settings.score_chunk) == (9001, 1000, 3)
    assert (settings.host, settings.backend_seconds) == ("127.0.0.1", 90)
    assert path == file
    assert origins["port"] == "command line"
    assert origins["cache_bytes"] == "JETLRP_CACHE_BYTES"
    assert origins["score_chunk"] == str(file)
    assert {origins["host"], origins["backend_seconds"]} == {"default"}


def test_which_weights_may_be_set(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    file.write_text('model = "m.pth"\nweights = "ema"\n')
    assert read_settings(file=file).weights == "ema"
    monkeypatch.setenv(f"{PREFIX}WEIGHTS", "last")
    settings = read_settings(file=file)
    assert settings.weights == "last"
    assert sources_of(settings).weights == "last"
    with pytest.raises(SettingsError, match=r"--weights.*give it with --model"):
        sources_of(read_settings())


def test_the_environment_names_the_file(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    file.write_text("port = 1\n")
    monkeypatch.setenv(FILE_VARIABLE, str(file))
    assert read_settings().port == 1


def test_several_texts(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    file.write_text('jets = ["a.root", "b,c.root"]\n')
    assert read_settings(file=file).jets == ("a.root", "b,c.root")
    monkeypatch.setenv(f"{PREFIX}JETS", "a.root, b.root")
    assert read_settings().jets == ("a.root", "b.root")
    monkeypatch.setenv(f"{PREFIX}JETS", '["a,b.root"]')
    assert read_settings().jets == ("a,b.root",)
    monkeypatch.setenv(f"{PREFIX}JETS", "[")
    with pytest.raises(SettingsError, match=r"jets = '\[' \(JETLRP_JETS\)"):
        read_settings()


def test_what_is_impossible_is_named(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    file.write_text("score_chunk = 0\n")
    monkeypatch.setenv(f"{PREFIX}CACHE_BYTES", "much")
    with pytest.raises(SettingsError, match=r"port = 70000.*cache_bytes = 'much'.*JETLRP_") as told:
        read_settings(file=file, port=70000)
    assert "port = 70000 (command line)" in str(told.value)
    assert f"score_chunk = 0 ({file})" in str(told.value)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (None, ("cannot be read", "No such file")),
        ("port 8050", ("not TOML", "port = 8050")),
        ("prot = 8050\nzzz = 1\n", ("prot (did you mean port", "zzz;", "jetlrp settings")),
    ],
)
def test_a_file_that_cannot_be_used(file: Path, text: str | None, parts: tuple[str, ...]) -> None:
    if text is not None:
        file.write_text(text)
    with pytest.raises(SettingsError) as told:
        read_settings(file=file)
    for part in (str(file), *parts):
        assert part in str(told.value)


def test_a_process_that_is_begun_gets_the_same_settings(
    monkeypatch: pytest.MonkeyPatch, file: Path
) -> None:
    monkeypatch.setenv(f"{PREFIX}CACHE_BYTES", "9")
    settings = read_settings(
        cache_bytes=256 * 2**20,
        port=0,
        jets=["a.root", 'b,"c" \\ ü.root'],
        secret="sixteen letters \u2207",
        production=True,
        explanation_seconds=1e17,
    )
    assert [line.split()[0] for line in settings.toml.splitlines()] == [
        "port", "secret", "jets", "explanation_seconds", "production"
    ]  # fmt: skip
    file.write_text(settings.toml, "utf-8")
    for name, value in environment_of(file).items():
        monkeypatch.setenv(name, value)
    assert read_settings() == settings


class WithSecret(Settings):
    """Settings with a secret among them."""

    password: SecretStr | None = None


def test_a_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "Settings", WithSecret)
    in_force = settings_in_force(password="abc")
    assert ("password", "********", "command line") in settings_table(in_force)
    assert in_force.settings.toml == 'password = "abc"\n'
    with pytest.raises(SettingsError) as told:
        settings_in_force(password=["abc"])
    assert "password" in str(told.value)
    assert "abc" not in str(told.value)


def test_the_command_prints_what_is_in_force(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    file.write_text("port = 8060\n")
    monkeypatch.setenv(f"{PREFIX}HOST", "::1")
    monkeypatch.setenv(f"{PREFIX}PROT", "1")
    result = CliRunner().invoke(cli, ["settings", "--settings", str(file)])
    assert result.exit_code == 0
    rows = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines()}
    assert set(rows) == set(Settings.model_fields)
    assert rows["port"] == ["8060", str(file)]
    assert rows["host"] == ["::1", "JETLRP_HOST"]
    assert rows["service_port"] == ["8051", "default"]
    assert "JETLRP_PROT (did you mean JETLRP_PORT" in result.stderr
    assert unknown_variables({"JETLRP_REQUIRE_BROWSER": "1", "HOME": ""}) == []


def test_the_documentation_has_every_setting_with_its_default() -> None:
    rows = {
        name.lower(): (default, meaning)
        for name, default, meaning in ROW.findall(DOCS.read_text("utf-8"))
    }
    assert set(rows) == set(Settings.model_fields)
    for name, field in Settings.model_fields.items():
        default, meaning = rows[name]
        assert meaning.strip()
        assert field.description, name
        if field.default in (None, ()):
            assert default == "–", name
        elif isinstance(field.default, float):
            assert float(default) == field.default, name
        else:
            assert default == str(field.default).lower(), name
