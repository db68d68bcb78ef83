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
from app.plotly_js import plotly_js
from lrp_core.figures.numbers import with_labels
from lrp_core.service.schemas import Choices, FigureProvenance, PictureAnswer

SCRIPTS = (  # in the order in which they need each other
    "numbers", "colours", "view", "jet", "edges", "axes", "link", "compare",
    "dock", "camera", "highlight", "pointing", "pick", "plane", "scene", "controls", "talk",
    "pictures", "river", "heat", "figure", "standalone",
)  # fmt: skip
STYLES = ("style", "scene", "heat", "pictures", "river", "figure")
PANELS = {"heatmap": "heat", "river": "river"}
PICTURES = {"river": {"width": 1200, "height": 640, "font": 14}}  # in the file, and how large

PAGE = """<!DOCTYPE html>
<html lang="en" data-theme="{theme}" data-view="{search}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
{metas}
<style id="jetlrp-colours">{colours}</style>
<style>{styles}</style>
<script id="jetlrp-themes" type="application/json">{themes}</script>
</head>
<body>
<div class="figure standalone">
<header><p class="figure-title">{title}</p><p class="figure-subtitle">…</p></header>
<div class="figure-middle">{middle}</div>
{controls}
<footer>{caption}</footer>
</div>
<div id="scene-tooltip" class="tooltip" role="status" hidden></div>
<div class="compare-tools" data-targets="{targets}" data-rules="{rules}" hidden></div>
{packed}
<script id="jetlrp-standalone" type="application/json">{data}</script>
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
    provenance: FigureProvenance,
    choices: Choices,
    assets: Path,
    picture: PictureAnswer | None = None,
) -> str:
    """The file as text, the same for the same input.

    jets     {"a", "b"}: scene data of the jet, and of the one that is pinned or None
    view     "network", "heatmap" or "river"
    search   the view as the page's address has it
    choices  what targets and rules are called
    assets   folder of the page's scripts and styles
    picture  what the panel shows, of views in ``PICTURES``
    """
    panel = PANELS.get(view)
    pictures = {} if picture is None else {view: picture.model_dump()}
    shown = re.sub(r"[?&](full|talk|rotate)=[^&]*", "", search)
    if not shown.startswith("?"):
        shown = f"?{shown.lstrip('&')}"
    if panel:
        shown = f"{shown}&full={panel}"
    facts = {"description": provenance.caption, **provenance.metadata, "link": search}
    metas = "\n".join(
        f'<meta name="{_text(key)}" content="{_text(value)}">' for key, value in facts.items()
    )
    return PAGE.format(
        theme=theme_in(search),
        search=_text(shown),
        title=_text(provenance.title),
        metas=metas,
        colours=theme.css_variables(),
        styles=_styles(assets),
        themes=_json(json.loads(theme.as_json())),
        middle=PANEL.format(name=panel) if panel else NETWORK,
        controls="" if panel else SLIDER,
        caption=_text(provenance.caption),
        targets=_text(json.dumps({e.name: with_labels(e.title) for e in choices.targets})),
        rules=_text(json.dumps({e.name: e.title for e in choices.rules})),
        packed=""
        if panel
        else f'<script id="jetlrp-packed" type="text/plain">{_plotly(assets)}</script>',
        data=_json({**jets, "name": view, "pictures": pictures}),
        scripts=_scripts(assets),
    )


def theme_in(search: str) -> str:
    """The theme of a view, or that of the page where it has none."""
    name = re.search(r"[?&]theme=(light|dark)", search)
    return name[1] if name else "dark"


def _text(text: str) -> str:
    return html.escape(text, quote=True)


def _json(data: object) -> str:
    """JSON that can stand within a script."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


@cache
def _plotly(assets: Path) -> str:
    """The part of Plotly that the page draws with, compressed, as base64."""
    script = plotly_js(assets).read_bytes()
    return base64.b64encode(gzip.compress(script, 9, mtime=0)).decode("ascii")


@cache
def _scripts(assets: Path) -> str:
    return "\n".join((assets / f"{name}.js").read_text("utf-8") for name in SCRIPTS)


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
