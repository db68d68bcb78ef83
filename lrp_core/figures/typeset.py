"""Type in figures: Inter, in two weights; how wide a text is, and its indices set low."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

FONTS = Path(__file__).resolve().parent / "fonts"
FILES = {False: FONTS / "Inter-Regular.ttf", True: FONTS / "Inter-SemiBold.ttf"}
FAMILY = "Inter"

INDEX_SIZE = 0.74  # of an index, as a share of the size of the type
INDEX_DROP = 0.2  # how low it stands
MIDDLE = 0.352  # from the middle of figures and capitals down to the base line


class Run(NamedTuple):
    """Part of a text: low if it is an index."""

    text: str
    low: bool


def runs(text: str, *, plain: bool = False) -> list[Run]:
    """A text and its indices: "track p_T (GeV)" -> "track p", low "T", " (GeV)".

    plain: it has none, whatever stands in it.
    """
    if plain:
        return [Run(text, False)]
    parts = re.split(r"_(?:\{([^}]*)\}|(\w+))", text)
    found = []
    for at, part in enumerate(parts):
        if part:
            found.append(Run(part, at % 3 != 0))
    return found


class Face:
    """One weight of the type: glyphs and how far each goes, in units of the type's size."""

    def __init__(self, file: Path) -> None:
        from fontTools.ttLib import TTFont

        font = TTFont(file, lazy=False)
        units = font["head"].unitsPerEm
        self.file = file
        self.glyph_of: dict[int, int] = {
            code: font.getGlyphID(name) for code, name in font.getBestCmap().items()
        }
        order = font.getGlyphOrder()
        self.advances: list[float] = [font["hmtx"][name][0] / units for name in order]
        self.box = [font["head"].xMin, font["head"].yMin, font["head"].xMax, font["head"].yMax]
        self.box = [round(1000 * value / units) for value in self.box]

    def glyphs(self, text: str) -> list[int]:
        """The numbers of its glyphs; 0 for what the type lacks."""
        return [self.glyph_of.get(ord(letter), 0) for letter in text]

    def width(self, text: str) -> float:
        """How far a text goes at size 1."""
        return sum(self.advances[glyph] for glyph in self.glyphs(text))


@cache
def face(bold: bool) -> Face:
    """The type, regular or bold."""
    return Face(FILES[bold])


def measure(text: str, size: float, *, bold: bool = False, plain: bool = False) -> float:
    """Width in px."""
    type_ = face(bold)
    parts = runs(text, plain=plain)
    return size * sum((INDEX_SIZE if low else 1.0) * type_.width(part) for part, low in parts)


def wrapped(text: str, size: float, most: float) -> list[str]:
    """The text in lines that are at most so wide, broken between words."""
    lines: list[str] = []
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and measure(longer, size) <= most:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def fitting(text: str, size: float, most: float, *, bold: bool = False) -> str:
    """The text, cut with an ellipsis where it must be to be at most so wide."""
    if measure(text, size, bold=bold) <= most:
        return text
    cut = len(text)
    while cut > 1 and measure(f"{text[:cut].rstrip()}…", size, bold=bold) > most:
        cut -= 1
    return f"{text[:cut].rstrip()}…"
