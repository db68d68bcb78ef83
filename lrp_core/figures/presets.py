"""Sizes of figures: what a slide, a paper or a poster needs, the one place they are written.

A figure is laid out in CSS pixels and enlarged as a whole, so that type, lines and balls keep their
proportions whatever the number of pixels: never by asking for more pixels at the same type size.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

# CSS pixels that a figure has room for at the page's type sizes: wide with its legend beside the
# picture, else with it below.
WIDE, UPRIGHT = (900, 720), (720, 960)
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


def is_upright(width: float, height: float) -> bool:
    """Whether the legend stands below the picture."""
    return width <= 1.15 * height


def zoom_of(width: float, height: float) -> float:
    """How much larger than on the page everything is, at scale 1."""
    across, down = UPRIGHT if is_upright(width, height) else WIDE
    return min(width / across, height / down)


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
        "scales": list(SCALES),
        "scale": SCALE,
        "presets": {
            name: {
                **asdict(preset),
                "zoom": zoom_of(preset.width, preset.height),
                "upright": is_upright(preset.width, preset.height),
            }
            for name, preset in PRESETS.items()
        },
    }
