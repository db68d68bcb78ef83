"""Makes the fonts of the vector figures out of Inter: two weights, and only the signs they need.

    python docs/figure_fonts.py InterVariable.woff2

InterVariable.woff2 is a file of Inter 4.1 (https://rsms.me/inter, SIL Open Font License 1.1). It
needs fonttools and brotli. The same file gives the same fonts, byte for byte.

Kerning and the placing of marks are left out, so that a text is as wide in SVG as in PDF, whose
writer knows advance widths alone; the macron of b̄ therefore stands where it belongs above a b.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from fontTools.pens.transformPen import TransformPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

FOLDER = Path(__file__).resolve().parents[1] / "lrp_core" / "figures" / "fonts"
WEIGHTS = {"Regular": 400, "SemiBold": 600}
MACRON = 0x304
SIGNS = [
    *range(0x20, 0x7F),  # Latin
    *range(0xA0, 0x100),
    *range(0x391, 0x3CA),  # Greek
    *(0x2009, 0x200B, 0x2013, 0x2014, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2026, 0x202F),
    *(0x2070, 0x2071, *range(0x2074, 0x208F)),  # raised and lowered figures
    *range(0x2190, 0x2195),  # arrows
    *(0x2202, 0x2206, 0x2211, 0x2212, 0x221A, 0x221E, 0x2248, 0x2260, 0x2264, 0x2265),
    *(0x25CB, 0x25CF, 0x2713, MACRON),
]


def make(source: Path, name: str, weight: int) -> Path:
    """One weight as a TrueType file."""
    font = TTFont(source, recalcTimestamp=False)
    instantiateVariableFont(font, {"wght": weight, "opsz": 14}, inplace=True)
    options = Options()
    options.layout_features = []
    options.drop_tables += ["GPOS", "GSUB", "GDEF", "STAT"]
    options.hinting = False
    options.glyph_names = False
    options.notdef_outline = True
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=SIGNS)
    subsetter.subset(font)
    _over_the_letter_before(font)
    _name(font, name, weight)
    font.flavor = None
    path = FOLDER / f"Inter-{name}.ttf"
    font.save(path)
    return path


def _over_the_letter_before(font: TTFont) -> None:
    """Shift the macron so that it stands above a b that was written just before it."""
    glyphs: Any = font["glyf"]
    names = font.getBestCmap()
    if MACRON not in names:
        return
    mark, letter = names[MACRON], names[ord("b")]
    pen = TTGlyphPen(None)
    glyph, under = glyphs[mark], glyphs[letter]
    advance, _ = font["hmtx"][letter]
    middle = (under.xMin + under.xMax) / 2 - advance
    high = under.yMax + 90 - glyph.yMin
    moved = TransformPen(pen, (1, 0, 0, 1, middle - (glyph.xMin + glyph.xMax) / 2, high))
    font.getGlyphSet()[mark].draw(moved)
    glyphs[mark] = drawn = pen.glyph()
    drawn.recalcBounds(glyphs)
    font["hmtx"][mark] = (0, drawn.xMin)


def _name(font: TTFont, name: str, weight: int) -> None:
    table: Any = font["name"]
    table.names = [record for record in table.names if record.nameID in (0, 13, 14)]
    for number, text in {
        1: "Inter",
        2: "Regular" if weight == 400 else "SemiBold",
        4: f"Inter {name}",
        6: f"Inter-{name}",
    }.items():
        table.setName(text, number, 3, 1, 0x409)
    font["OS/2"].usWeightClass = weight


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for each, value in WEIGHTS.items():
        made = make(Path(sys.argv[1]), each, value)
        print(made, made.stat().st_size)
