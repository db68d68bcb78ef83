"""What every figure has around its picture: a heading, and one small line of provenance.

Where they stand is as assets/figure.css says, so that the browser's figures look alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict
from urllib.parse import quote, urlsplit

from lrp_core.errors import FigureError
from lrp_core.figures.drawing import Drawing, Item, Text
from lrp_core.figures.headline import Headline, facts
from lrp_core.figures.presets import is_upright, zoom_of
from lrp_core.figures.provenance import Provenance
from lrp_core.figures.theme import Theme, theme_of
from lrp_core.figures.typeset import fitting, measure, wrapped

if TYPE_CHECKING:
    from lrp_core.explanation import Explanation
    from lrp_core.figures.view import View
    from lrp_core.jets import Jet

SMALL_PRINT = 9.5  # px of type, at unit 1
SIDE = 28.0  # px left free beside words
RISE = 0.97  # from the top of a line of type, as high as its letters, to the base line
TALL = 1.21  # height of such a line
LONGEST_LINK = 4_000  # letters
SMALLEST, LARGEST = 16, 16_384  # px of a side
WORDS = ("jet", "says", "share", "asked", "kept", "facts", "provenance")  # kinds of the texts


class Paper(TypedDict, total=False):
    """What a figure is drawn on.

    width, height  px, 1920 × 1080 if left out; type and lines grow with them
    theme          "dark" or "light"; if left out, that of the view, else "light"
    provenance     if left out, that of the explanation
    transparent    without a ground
    link           opens the view: http or https; the line of provenance leads there
    words          with heading and provenance; without them their room stays free, for a slide
                   that has them as text
    """

    width: float
    height: float
    theme: str | None
    provenance: Provenance | None
    transparent: bool
    link: str | None
    words: bool


@dataclass(frozen=True)
class Sheet:
    """A sheet of so many px, with room for a picture between heading and provenance.

    unit         how much larger than on the page everything is
    upright      whether a legend stands below the picture, not beside it
    top, bottom  of the room for the picture, in px
    """

    width: float
    height: float
    unit: float
    upright: bool
    theme: Theme
    provenance: Provenance
    transparent: bool
    link: str | None
    heading: tuple[Item, ...]
    footing: tuple[Item, ...]
    top: float
    bottom: float

    @property
    def margin(self) -> float:
        """px left free at either side of a picture."""
        return 22 * self.unit

    def drawing(self, title: str, items: Iterable[Item]) -> Drawing:
        """The picture with what stands around it."""
        return Drawing(
            self.width,
            self.height,
            (*items, *self.heading, *self.footing),
            background=None if self.transparent else self.theme.panel,
            title=f"{title}: {self.provenance.title()}",
            description=self.provenance.caption(),
            metadata=self.provenance.metadata() | ({"link": self.link} if self.link else {}),
        )


def sheet(
    jet: Jet,
    explanation: Explanation,
    view: View,
    shows: str,
    paper: Paper,
    *,
    minus: Explanation | None = None,
) -> Sheet:
    """The sheet for a jet.

    shows  what the picture shows, in words
    minus  what is subtracted from the explanation, where that is so

    Raises FigureError for a size, a theme or a link that is none.
    """
    width, height = paper.get("width", 1920), paper.get("height", 1080)
    for name, value in (("width", width), ("height", height)):
        if not SMALLEST <= value <= LARGEST:
            raise FigureError(
                f"{name} {value:g} px of a figure: expected {SMALLEST} to {LARGEST} px"
            )
    theme = theme_of(paper.get("theme") or view.theme or "light")
    provenance = paper.get("provenance") or Provenance.of(explanation)
    if minus is not None:
        provenance = provenance.subtracting(minus)
    unit = zoom_of(width, height)
    headline = Headline.of(jet, explanation, minus)
    heading, top = _heading(headline, facts(jet, shows), theme, unit, width)
    given = paper.get("link")
    link = None if given is None else checked_link(given)
    footing = list(_footing(provenance, theme, unit, width, height, link))
    bottom = height - (18 + 1.35 * SMALL_PRINT * len(footing)) * unit
    words = paper.get("words", True)
    return Sheet(
        width, height, unit, is_upright(width, height), theme, provenance,
        paper.get("transparent", False), link, tuple(heading if words else ()),
        tuple(footing if words else ()), top + 8 * unit, bottom,
    )  # fmt: skip


def _heading(
    says: Headline, below: str, theme: Theme, unit: float, width: float
) -> tuple[list[Item], float]:
    """The jet, what the network says of it, and what is explained; and where this ends."""
    u, left, right = unit, SIDE * unit, width - SIDE * unit
    size = max(14.0, min(21.0, 0.02 * width / u)) * u
    gap, line = 1.1 * size, 1.25 * size
    x, y = left, 20 * u + (1.25 - TALL) / 2 * size + RISE * size
    parts = [
        [("jet", says.jet, theme.text, True)],
        [("says", f"{says.says} ", theme.text, False), ("share", says.share, theme.accent, True)],
        [("asked", says.asked, theme.muted, False)],
        [("kept", says.kept, theme.muted, False)],
    ]
    items: list[Item] = []
    for part in parts:
        if len(part) == 1:
            kind, text, ink, bold = part[0]
            part = [(kind, fitting(text, size, right - left, bold=bold), ink, bold)]
        wide = sum(measure(text, size, bold=bold, plain=True) for _, text, _, bold in part)
        if x > left and x + wide > right + 1:
            x, y = left, y + line
        if part[0][0] == "kept":
            x = right - wide
        for kind, text, ink, bold in part:
            items.append(Text(x, y, text, size, ink, bold=bold, plain=True, kind=kind))
            x += measure(text, size, bold=bold, plain=True)
        x += gap
    small = max(11.5, min(13.5, 0.014 * width / u)) * u
    top = y - RISE * size + (TALL + 1.25) / 2 * size + 2 * u
    lines = wrapped(below, small, right - left)
    for at, words in enumerate(lines):
        y = top + (1.45 * at + (1.45 - TALL) / 2 + RISE) * small
        items.append(Text(left, y, words, small, theme.muted, kind="facts"))
    return items, top + 1.45 * small * len(lines)


def _footing(
    provenance: Provenance,
    theme: Theme,
    unit: float,
    width: float,
    height: float,
    link: str | None,
) -> Iterator[Text]:
    """The provenance, in as many lines as it needs."""
    size, left = SMALL_PRINT * unit, SIDE * unit
    lines = [""]
    for part in provenance.caption().split(" · "):
        longer = f"{lines[-1]} · {part}" if lines[-1] else part
        if lines[-1] and measure(longer, size, plain=True) > width - 2 * left:
            lines.append(part)
        else:
            lines[-1] = longer
    for at, line in enumerate(lines, start=1):
        y = height - 15 * unit - (len(lines) - at) * size * 1.35
        yield Text(left, y, line, size, theme.muted, plain=True, kind="provenance", link=link)


def checked_link(text: str) -> str:
    """An address of a page as it can stand in a file: ASCII. Raises FigureError for any other."""
    try:
        address = urlsplit(text.strip())
        fine = address.scheme in ("http", "https") and bool(address.hostname)
        fine = fine and address.username is None and len(text) <= LONGEST_LINK
    except ValueError:
        fine = False
    if not fine:
        raise FigureError(
            f"link={text[:80]!r}: expected the address of a view, from http:// or https:// on, "
            f"without a name or password, of at most {LONGEST_LINK} letters; copy one from the page"
        )
    return quote(address.geturl(), safe="!#$%&'()*+,/:;=?@[]~")
