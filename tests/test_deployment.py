"""Files that deploy the server name settings, commands and paths that there are."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from app.cli import cli
from lrp_core.settings import Settings, read_settings, variable_of

REPOSITORY = Path(__file__).parents[1]
DOCKERFILE = REPOSITORY / "Dockerfile"
COMPOSE = REPOSITORY / "compose.yaml"
DEPLOYMENT = REPOSITORY / "docs" / "deployment.md"

pytestmark = pytest.mark.skipif(not DOCKERFILE.exists(), reason="not a checkout")


def compose() -> Any:
    return yaml.safe_load(COMPOSE.read_text("utf-8"))


@pytest.mark.parametrize("file", [DOCKERFILE, COMPOSE, DEPLOYMENT], ids=lambda path: path.name)
def test_every_setting_that_is_named_exists(file: Path) -> None:
    named = set(re.findall(r"JETLRP_[A-Z_]+", file.read_text("utf-8")))
    known = {variable_of(name) for name in Settings.model_fields}
    assert named - known <= {"JETLRP_SITE"}  # of the compose file itself


def test_the_settings_of_the_documentation_can_be_read(tmp_path: Path) -> None:
    text = DEPLOYMENT.read_text("utf-8")
    (block,) = re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL)
    file = tmp_path / "jetlrp.toml"
    file.write_text(block)
    assert read_settings(file=file).auth == "users"


def test_the_settings_of_the_compose_file_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    service = compose()["services"]["jetlrp"]
    for name, value in service["environment"].items():
        monkeypatch.setenv(name, value)
    settings = read_settings()
    volumes = {volume.split(":")[1] for volume in service["volumes"]}
    assert settings.library in volumes
    assert str(Path(settings.users_file or "").parent) in volumes
    (network,) = compose()["networks"]["inside"]["ipam"]["config"]
    assert settings.trusted_proxies == (network["subnet"],)
    assert service["read_only"] is True
    grace = int(service["stop_grace_period"].removesuffix("s"))
    assert grace > 2 * (settings.stop_seconds + 5)  # the page first, then the service


def test_the_image_starts_a_command_that_there_is() -> None:
    text = DOCKERFILE.read_text("utf-8")
    words = re.findall(r'"([^"]+)"', text.rsplit("CMD ", 1)[1])
    command = get_command(cli).commands[words[0]]  # type: ignore[attr-defined]
    options = {name for option in command.params for name in option.opts}
    assert set(words[1:]) <= options
    assert f"EXPOSE {Settings.model_fields['port'].default}" in text
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", text, re.MULTILINE)
    for source in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE):
        for name in source.split():
            assert (REPOSITORY / name).exists()
            assert f"!{name}\n" in (REPOSITORY / ".dockerignore").read_text("utf-8")


def test_the_citation_is_of_this_version() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text("utf-8"))
    assert str(citation["version"]) == project["version"]
    assert citation["license"] == project["license"]
