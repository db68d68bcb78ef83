"""Sizes of figures: what a slide, a paper or a poster needs, the one place they are written.

A figure is laid out in CSS pixels and enlarged as a whole, so that type, lines and balls keep their
proportions whatever the number of pixels: never by asking for more pixels at the same type size.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

ZOOM = 1.5  # how much larger than on the page everything is, at scale 1
SCALES = (1, 2, 3, 4)
SCALE = 2  # of a PNG, where none is asked for
FRAMES = 96  # of one turn, likewise


@dataclass(frozen=True)
class Preset:
    """A size with a name.

    width, height  in CSS pixels; a PNG at scale s has s times as many each way
    title          what it is for
    theme          the theme where none is asked for
    """

    name: str
    title: str
    width: int
    height: int
    theme: str


PRESETS = {
    preset.name: preset
    for preset in (
        Preset("slide", "Slide 16:9", 1920, 1080, "dark"),
        Preset("square", "Square", 1440, 1440, "dark"),
        Preset("portrait", "Portrait 4:5", 1080, 1350, "dark"),
        Preset("paper", "Paper 4:3", 1200, 900, "light"),
        Preset("poster", "Poster 4:3", 2400, 1800, "light"),
    )
}


def as_data() -> dict[str, object]:
    """The same for the page's scripts."""
    return {
        "zoom": ZOOM,
        "scales": list(SCALES),
        "scale": SCALE,
        "presets": {name: asdict(preset) for name, preset in PRESETS.items()},
    }
