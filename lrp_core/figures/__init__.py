"""Figures to take away: the page's pictures as vectors, of the same geometry, with no browser.

    view, jet, explanation --geometry, legend--> Drawing --svg, pdf, png--> a file

Names are loaded when they are first used. Nothing here knows the web, and nothing needs torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lrp_core.figures.drawing import Drawing
    from lrp_core.figures.heatmap import draw_heatmap
    from lrp_core.figures.network import draw_network
    from lrp_core.figures.pdf import to_pdf
    from lrp_core.figures.plane import draw_plane
    from lrp_core.figures.png import to_png
    from lrp_core.figures.provenance import Provenance
    from lrp_core.figures.river import draw_river
    from lrp_core.figures.svg import to_svg
    from lrp_core.figures.theme import Theme
    from lrp_core.figures.view import Camera, View

_HOME = {
    "Camera": "view",
    "Drawing": "drawing",
    "Provenance": "provenance",
    "Theme": "theme",
    "View": "view",
    "draw_heatmap": "heatmap",
    "draw_network": "network",
    "draw_plane": "plane",
    "draw_river": "river",
    "to_pdf": "pdf",
    "to_png": "png",
    "to_svg": "svg",
}

__all__ = [
    "Camera",
    "Drawing",
    "Provenance",
    "Theme",
    "View",
    "draw_heatmap",
    "draw_network",
    "draw_plane",
    "draw_river",
    "to_pdf",
    "to_png",
    "to_svg",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(f"lrp_core.figures.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'lrp_core.figures' has no attribute {name!r}")
