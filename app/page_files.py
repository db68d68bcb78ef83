"""The page's scripts as one file, its styles as another: they load and pack better together.

They are read when the page is made, in the order of their names; assets/standalone.js is of figures
in files of their own. Their addresses change with what is in them, so that browsers may keep them.
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
NOT_OF_THE_PAGE = ("standalone.js",)


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
    """All scripts of a folder."""
    return PageFile("_jetlrp/page.js", _together(assets, "js"), "text/javascript")


def styles(assets: Path) -> PageFile:
    """All styles of a folder; what they name lies in the folder."""
    text = re.sub(r'url\("(?!data:)', 'url("../assets/', _together(assets, "css"))
    return PageFile("_jetlrp/page.css", text, "text/css")


def _together(assets: Path, ending: str) -> str:
    files = sorted(assets.glob(f"*.{ending}"))
    return "\n".join(one.read_text("utf-8") for one in files if one.name not in NOT_OF_THE_PAGE)


def serve(app: Dash, *files: PageFile) -> None:
    """Let the server of a page give these files."""
    for file in files:

        def give(file: PageFile = file) -> Response:
            answer = Response(file.text, mimetype=file.mimetype)
            answer.cache_control.max_age = YEAR_SECONDS
            return answer

        app.server.add_url_rule(f"/{file.path}", file.path, give)
