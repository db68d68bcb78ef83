"""What tells a figure from the others of the same explanation, as words for its file's name.

The page and the command ask the service for names, so that one figure has one name, and no figure
takes the place of another that was saved before it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import fields

from lrp_core.figures.presets import FRAMES, PRESETS, SCALE
from lrp_core.figures.view import KINDS, View

USUAL = PRESETS["slide"]  # has the short name, and so has its theme
HASH = 6  # letters of one, for what is too long to be said
LONGEST_VIEW = 48  # letters of a view

# Keys of a view that stand elsewhere in the name, or that a figure does not depend on.
ELSEWHERE = ("file", "model", "jet", "target", "rule", "theme")
OF_NETWORK = (
    *("edges", "least", "x", "y", "z", "size", "color", "edgecolor", "ways", "edge"),
    *("camera", "projection"),
)
OF_HEATMAP = ("sort", "rows")
NOT_OF = {
    "network": OF_HEATMAP,
    "heatmap": OF_NETWORK,
    "plane": (*OF_HEATMAP, "z", "camera", "projection"),
    "river": (*OF_NETWORK, *OF_HEATMAP, "track", "marks"),
}


def short(text: str, longest: int) -> str:
    """The text, or where it is longer its beginning and a hash of it all."""
    return text if len(text) <= longest else f"{text[:longest]}-{_hash(text)}"


def told_apart(
    name: str,
    view: View,
    *,
    width: int,
    height: int,
    theme: str,
    scale: float | None = None,
    transparent: bool = False,
    frames: int | None = None,
) -> list[str]:
    """Words for what is not as usual: size, theme, pixels, ground, frames, and what is seen.

    name    "network", "heatmap" or "river"
    scale   pixels of a PNG for each px, or None for what has no pixels; frames likewise

    A slide in dark has none: ["paper", "light", "edges-40", "camera-1a2b3c"].
    """
    sizes = {(preset.width, preset.height): preset.name for preset in PRESETS.values()}
    size = sizes.get((width, height), f"{width}x{height}")
    found = [
        "" if size == USUAL.name else size,
        "" if theme == USUAL.theme else theme,
        "" if scale in (None, SCALE) else f"{scale:g}x",
        "transparent" if transparent else "",
        "" if frames in (None, FRAMES) else f"{frames}frames",
        *_seen(name, view),
    ]
    return [word for word in found if word]


def _seen(name: str, view: View) -> list[str]:
    """The keys of the view that are not as usual: "edges-40"; a hash of them where that is long."""
    left_out = {*ELSEWHERE, *NOT_OF[name]}
    words = []
    for item in fields(view):
        value = getattr(view, item.name)
        if item.name in left_out or value is None or value == item.default:
            continue
        text = KINDS[item.name].write(value).replace("log:", "log-")
        plain = re.fullmatch(r"[A-Za-z0-9._+-]+", text)
        words.append(f"{item.name}-{text if plain else _hash(text)}")
    together = "_".join(words)
    return words if len(together) <= LONGEST_VIEW else [f"view-{_hash(together)}"]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:HASH]
