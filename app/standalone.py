"""A figure as one HTML file that needs no network: it turns, tells numbers, has the slider.

It holds the page's own scripts and styles, the numbers of one jet and, for the network plot,
Plotly, compressed. Nothing in it asks any address.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from app import theme
from app.page_files import linked
from app.plotly_js import plotly_js
from lrp_core.figures.plot import first_cameras
from lrp_core.figures.typeset import runs
from lrp_core.service.schemas import FigureParts, FigureText, PictureAnswer

STYLES = ("style", "scene", "plane", "heat", "pictures", "river", "figure")
PANELS = {"heatmap": "heat", "river": "river"}
TOLD = {  # of a picture that the reader changes
    "network": "drag to turn, scroll to zoom, point for numbers",
    "heatmap": None,
    "river": None,
}
PICTURES = {  # in the file of a view, and how large
    "network": {
        "network": {"width": 1100, "height": 560, "font": 14},
        "legend": {"width": 132, "height": 560, "font": 11},
        "plane": {"width": 1100, "height": 560, "font": 13},  # for a browser without WebGL
    },
    "river": {"river": {"width": 1200, "height": 640, "font": 14}},
    "heatmap": {"heatmap": {"width": 1200, "height": 640, "font": 13}},
}
CAMERAS = [  # where they stand at first in windows of all shapes, in px of the plot
    {"width": width, "height": height, "first": first_cameras(width, height)}
    for width, height in ((420, 720), (560, 560), (840, 560), (1100, 560), (1600, 560))
]

PAGE = """<!DOCTYPE html>
<html lang="en" data-theme="{theme}" data-view="{search}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
{metas}
<style id="jetlrp-colours">{colours}</style>
<style>{styles}</style>
</head>
<body>
<div class="figure standalone">
<header><p class="figure-title">{heading}</p><p class="figure-subtitle">{facts}</p></header>
<div class="figure-middle">{middle}</div>
{controls}
<footer>{caption}</footer>
</div>
<div id="scene-tooltip" class="tooltip" role="status" hidden></div>
{packed}
<script id="jetlrp-standalone" type="text/plain">{data}</script>
<script>{scripts}</script>
</body>
</html>
"""
NETWORK = """<div class="figure-picture"><div id="network" class="scene"></div></div>
<div id="network-legend" class="legend"></div>"""
SLIDER = """<div class="control edges-control standalone-edges">
<label for="edges-slider">Edges</label><div id="edges-words" class="edges-words"></div>
<div data-range="edges"></div></div>"""
PANEL = """<div class="figure-picture dock-panel full" id="dock-{name}">
<div id="{name}-body" class="dock-body"></div></div>"""


def document(
    jets: dict[str, Any],
    view: str,
    search: str,
    provenance: FigureParts,
    assets: Path,
    pictures: dict[str, PictureAnswer],
) -> str:
    """The file as text, the same for the same input.

    jets     {"a", "b"}: scene data of the jet, and of the one that is pinned or None
    view     "network", "heatmap" or "river"
    search   the view as the page's address has it
    assets   folder of the page's scripts and styles
    pictures those that ``PICTURES`` has for the view
    """
    panel = PANELS.get(view)
    shown = re.sub(r"[?&](full|talk|rotate)=[^&]*", "", search)
    if not shown.startswith("?"):
        shown = f"?{shown.lstrip('&')}"
    if panel:
        shown = f"{shown}&full={panel}"
    told = {name: one.model_dump() for name, one in pictures.items()}
    facts = {"description": provenance.caption, **provenance.metadata, "link": search}
    metas = "\n".join(
        f'<meta name="{_text(key)}" content="{_text(value)}">' for key, value in facts.items()
    )
    return PAGE.format(
        theme=theme_in(search),
        search=_text(shown),
        title=_text(provenance.title),
        heading=_heading(provenance.words),
        facts=_facts(provenance.words, TOLD[view]),
        metas=metas,
        colours=theme.css_variables(),
        styles=_styles(assets),
        middle=PANEL.format(name=panel) if panel else NETWORK,
        controls="" if panel else SLIDER,
        caption=_text(provenance.caption),
        packed=""
        if panel
        else f'<script id="jetlrp-packed" type="text/plain">{_plotly(assets)}</script>',
        data=_packed(
            _json({**jets, "name": view, "pictures": told, "cameras": CAMERAS}).encode("utf-8")
        ),
        scripts=_scripts(assets),
    )


def _heading(words: list[FigureText]) -> str:
    """The jet, what the network says of it, and what is explained."""
    told = {one.kind: _text(one.text) for one in words}
    parts = {**told, "says": f"{told['says']}<b>{told['share']}</b>"}
    return "".join(
        f'<span class="{kind}">{parts[kind]}</span>' for kind in ("jet", "says", "asked", "kept")
    )


def _facts(words: list[FigureText], told: str | None) -> str:
    """The line below it; told: what is said of the picture in place of what the sheet says."""
    line = " ".join(one.text for one in words if one.kind == "facts")
    if told is not None:
        line = f"{line.rpartition(' · ')[0]} · {told}"
    return "".join(f"<sub>{_text(part)}</sub>" if low else _text(part) for part, low in runs(line))


def theme_in(search: str) -> str:
    """The theme of a view, or that of the page where it has none."""
    name = re.search(r"[?&]theme=(light|dark)", search)
    return name[1] if name else "dark"


def _text(text: str) -> str:
    return html.escape(text, quote=True)


def _json(data: object) -> str:
    """JSON that can stand within a script."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _packed(content: bytes) -> str:
    """Compressed, as base64."""
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode("ascii")


@cache
def _plotly(assets: Path) -> str:
    """The part of Plotly that the page draws with, packed."""
    return _packed(plotly_js(assets).read_bytes())


@cache
def _scripts(assets: Path) -> str:
    return linked(assets / "page" / "standalone.js")


@cache
def _styles(assets: Path) -> str:
    """The styles with their fonts inside, and without what other files they name."""

    def inside(found: re.Match[str]) -> str:
        if not found[1].endswith(".woff2"):
            return 'url("data:,")'
        font = base64.b64encode((assets / found[1]).read_bytes()).decode("ascii")
        return f'url("data:font/woff2;base64,{font}")'

    text = "\n".join((assets / f"{name}.css").read_text("utf-8") for name in STYLES)
    return re.sub(r'url\("(?!data:)([^"]+)"\)', inside, text)
