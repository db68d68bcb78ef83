"""The page's scripts as one file, its styles as another: they load and pack better together.

Scripts are ES modules in folders of assets; here those that one of them imports, and what these
import, become one script. The address of a file changes with what is in it, so that browsers may
keep it.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import NamedTuple

from dash import Dash
from flask import Response

YEAR_SECONDS = 31_536_000
APART = r"\.(js|css)$"  # of the assets, what Dash is not to load one by one
IMPORT = re.compile(r'^import (?:\{ \w+ \} from )?"(\.[./\w]+)";\n', re.M)
EXPORT = re.compile(r"^export const (\w+) = ", re.M)
COMMENT = re.compile(r"^ */\*.*?\*/\n", re.M | re.S)  # of a line or more; they stay behind


class PageFile(NamedTuple):
    """A file that the page loads."""

    path: str
    text: str
    mimetype: str

    @property
    def address(self) -> str:
        """Where it is, below the top of the server."""
        return f"{self.path}?v={hashlib.sha256(self.text.encode()).hexdigest()[:12]}"


def script(assets: Path) -> PageFile:
    """All scripts of the page, from its main module on."""
    return PageFile("_jetlrp/page.js", linked(assets / "page" / "main.js"), "text/javascript")


def styles(assets: Path) -> PageFile:
    """All styles of a folder; what they name lies in the folder."""
    together = "\n".join(one.read_text("utf-8") for one in sorted(assets.glob("*.css")))
    text = re.sub(r'url\("(?!data:)', 'url("../assets/', together)
    return PageFile("_jetlrp/page.css", text, "text/css")


def linked(main: Path) -> str:
    """A module and all that it imports as one script; what they export is on window.jetlrp too.

    A module runs in a function of its own, after those that it imports, and exports one constant,
    with its last statement, by which the others know it. Where two import each other, each looks
    the other up when it is used, as in a browser that loads modules.
    """
    modules = _in_order(main.resolve(), [])
    parts, names = [], []
    for path in modules:
        text = COMMENT.sub("", IMPORT.sub("", path.read_text("utf-8")))
        exported = EXPORT.findall(text)
        body = f"(() => {{\n{EXPORT.sub('return ', text)}}})();\n"
        parts.append(f"{exported[0]} = {body}" if exported else body)
        names += exported
    listed = ", ".join(names)
    head, tail = f'"use strict";\nlet {listed};\n', f"window.jetlrp = {{ {listed} }};\n"
    return f"(() => {{\n{head}{''.join(parts)}{tail}}})();\n"


def _in_order(path: Path, found: list[Path], waiting: tuple[Path, ...] = ()) -> list[Path]:
    """A module behind those that it imports, each once."""
    if path not in found and path not in waiting:
        for name in IMPORT.findall(path.read_text("utf-8")):
            _in_order((path.parent / name).resolve(), found, (*waiting, path))
        found.append(path)
    return found


def serve(app: Dash, *files: PageFile) -> None:
    """Let the server of a page give these files."""
    for file in files:

        def give(file: PageFile = file) -> Response:
            answer = Response(file.text, mimetype=file.mimetype)
            answer.cache_control.max_age = YEAR_SECONDS
            return answer

        app.server.add_url_rule(f"/{file.path}", file.path, give)
