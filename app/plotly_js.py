"""The part of plotly.js that the page draws with: 3D scenes, a third of the whole.

It lies in assets/plotly, as npm's package plotly.js-gl3d-dist-min has it, with its licence.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

FILE = "plotly/plotly-gl3d.min.js"  # below the assets


def plotly_js(assets: Path) -> Path:
    """Where it lies."""
    return assets / FILE


@cache
def fingerprint(assets: Path) -> str:
    """Tells it from every other plotly.js, so that browsers may keep it for long."""
    return hashlib.sha256(plotly_js(assets).read_bytes()).hexdigest()[:12]
