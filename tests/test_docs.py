"""The README and docs/ are true: their commands exist, their examples print what they say.

A ```python block runs; the blocks of one page run in turn and know each other's names. A ```text
block right after it is what it prints. Examples run in a folder that holds the real jets.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import itertools
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from lrp_core.explainer import PRESETS
from lrp_core.rules import RULES
from lrp_core.settings import PREFIX, Settings

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
NOTEBOOKS = sorted((REPOSITORY / "docs").rglob("*.ipynb"))
BLOCK = re.compile(r"^```(?P<language>\w*)[^\n]*\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?P<markdown>[^)\s]+)\)|(?:src|href)=\"(?P<html>[^\"]+)\"")
SHELLS = ("", "sh", "bash", "console", "shell")


def name_of(page: Path) -> str:
    return str(page.relative_to(REPOSITORY))


each_page = pytest.mark.parametrize("page", PAGES, ids=name_of)


def commands_of(page: Path) -> Iterator[list[str]]:
    """Every ``make`` and ``jetlrp`` command of a page, split into words, the program first."""
    text = page.read_text("utf-8")
    blocks = [block["code"] for block in BLOCK.finditer(text) if block["language"] in SHELLS]
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    lines += re.findall(r"`([^`\n]+)`", BLOCK.sub("", text))
    for line in lines:
        if re.match(r"(\$ )?(\S*/)?(make|jetlrp)\s", line):
            program, *words = shlex.split(line.removeprefix("$ "), comments=True)
            yield [Path(program).name, *words]


def check_make(words: list[str]) -> None:
    makefile = (REPOSITORY / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    asked = {word for word in words if "=" not in word}
    assert asked, "make without a target"
    assert asked <= targets, f"the Makefile has no {asked - targets}"
    if "run" in asked:
        for word in words:
            if word.startswith("ARGS="):
                check_jetlrp(["serve", *shlex.split(word.removeprefix("ARGS="))])


def check_jetlrp(words: list[str]) -> None:
    from app.cli import cli

    commands: Any = typer.main.get_command(cli)
    if words[0].startswith("--"):
        return
    command = commands.commands.get(words[0])
    assert command is not None, f"jetlrp has {sorted(commands.commands)}, not {words[0]}"
    if hasattr(command, "commands") and len(words) > 1:
        assert words[1] in command.commands, f"jetlrp {words[0]} has {sorted(command.commands)}"
        command = command.commands[words[1]]
    options = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
    for word in words[1:]:
        option = word.strip("[]").split("=")[0]
        if option.startswith("--"):
            assert option in options | {"--help"}, f"jetlrp {words[0]} has {options}, not {option}"


@each_page
def test_commands_exist(page: Path) -> None:
    for program, *words in commands_of(page):
        (check_make if program == "make" else check_jetlrp)(words)


def test_the_readme_starts_the_server_and_the_tests() -> None:
    commands = [words[:2] for words in commands_of(REPOSITORY / "README.md")]
    assert ["make", "run"] in commands
    assert ["make", "test"] in commands


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.finditer(BLOCK.sub("", page.read_text("utf-8"))):
        target = (link["markdown"] or link["html"]).split("#")[0]
        if target and not re.match(r"[a-z]+:", target):
            assert (page.parent / target).exists(), f"{name_of(page)} links to {target}"


@each_page
def test_examples_print_what_they_say(
    page: Path, cms_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in cms_data.iterdir():
        (tmp_path / file.name).symlink_to(file)
    monkeypatch.chdir(tmp_path)
    text = page.read_text("utf-8")
    blocks = list(BLOCK.finditer(text))
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, block in enumerate(blocks):
        if block["language"] != "python":
            continue
        line = text.count("\n", 0, block.start("code")) + 1
        code = compile("\n" * (line - 1) + block["code"], str(page), "exec")
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, names)
        following = blocks[number + 1] if number + 1 < len(blocks) else None
        if (
            following is not None
            and following["language"] == "text"
            and not text[block.end() : following.start()].strip()
        ):
            assert printed.getvalue().rstrip() == following["code"].rstrip()


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=name_of)
def test_notebooks_run(notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(json.loads(notebook.read_text("utf-8"))["cells"]):
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [], "a notebook is kept without outputs"
            exec(compile("".join(cell["source"]), f"{notebook.name}, cell {number}", "exec"), names)


def test_the_readme_has_an_example_with_its_numbers() -> None:
    languages = [block["language"] for block in BLOCK.finditer(PAGES[0].read_text("utf-8"))]
    assert ("python", "text") in itertools.pairwise(languages)


def test_every_choice_has_its_documentation() -> None:
    text = "\n".join(page.read_text("utf-8") for page in PAGES)
    choices = [
        *(f"`{name}" for name in ("margin", "qcd", "hbb")),
        *(f"`{name}" for name in PRESETS),
        *(f"`{rule.__name__}(" for rule in RULES.values()),
        *(f"`{field.name}" for rule in RULES.values() for field in dataclasses.fields(rule)),
        *(f"{PREFIX}{name}".upper() for name in Settings.model_fields),
    ]
    missing = sorted({choice for choice in choices if choice not in text})
    assert not missing, f"in neither README.md nor docs/: {missing}"
