"""Makes the page's fonts smaller: the weights that its styles ask for, and of Greek the letters.

    python docs/page_fonts.py inter-latin-wght-normal.woff2 inter-greek-wght-normal.woff2

The two files are those of Fontsource's package of Inter (npm: @fontsource-variable/inter, SIL Open
Font License 1.1). It needs fonttools and brotli. The same files give the same fonts.
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

FOLDER = Path(__file__).resolve().parents[1] / "assets" / "fonts"
WEIGHTS = (400, 700)
GREEK = range(0x370, 0x400)
LETTERS = range(0x391, 0x3CA)  # of Greek: without accents, and what is older or Coptic


def make(source: Path) -> Path:
    """The file of the page, of the same name."""
    whole = TTFont(source, recalcTimestamp=False)
    options = Options()
    options.layout_features = ["*"]
    subsetter = Subsetter(options)
    subsetter.populate(
        unicodes=[one for one in whole.getBestCmap() if one not in GREEK or one in LETTERS]
    )
    subsetter.subset(whole)
    between = BytesIO()
    whole.flavor = None
    whole.save(between)
    font = instantiateVariableFont(TTFont(between, recalcTimestamp=False), {"wght": WEIGHTS})
    font.flavor = "woff2"
    path = FOLDER / source.name
    font.save(path)
    return path


if __name__ == "__main__":
    for given in sys.argv[1:]:
        made = make(Path(given))
        print(f"{made}: {made.stat().st_size / 1e3:.1f} kB")
