"""A picture for a panel of the page: what is drawn, and what is said of its parts.

Python computes it once, and the page only shows it: an SVG that says which of its elements belong
together, and for everything that can be pointed at its words, what lights with it, and where arrow
keys lead. A panel's picture is a function ``(jet, explanation, view, panel) -> Picture``, named in
lrp_core/service/pictures.py; docs/server.md describes how it leaves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lrp_core.figures.drawing import Group, Item
from lrp_core.figures.svg import inline_svg
from lrp_core.figures.theme import Theme

Line = tuple[str, str | None, int]  # what, how much (None: a heading), its sign or 0


@dataclass(frozen=True)
class Panel:
    """The room for a picture on the page.

    width, height  CSS px
    font           px of the page's type there
    """

    width: float
    height: float
    font: float
    theme: Theme


@dataclass(frozen=True)
class Part:
    """Something in a picture that can be pointed at.

    title, note, code  its name; what that means; what it is called in code
    lines   what else there is to say of it
    lit     ids of all that lights with it
    next    ids that arrow keys lead to, by the key's name
    at      (x, y) in px where its words stand while the keyboard is there; None: at its middle
    """

    title: str
    lines: tuple[Line, ...] = ()
    note: str = ""
    code: str = ""
    lit: tuple[str, ...] = ()
    next: Mapping[str, str] = field(default_factory=dict)
    at: tuple[float, float] | None = None


@dataclass(frozen=True)
class Picture:
    """A picture without heading and provenance, which the page has around it.

    name   its class on the page, and the start of its ids
    items  what is drawn; an element with the datum "id" is one of ``parts``
    label  what a screen reader says of it
    first  the part that the Tab key leads to; None where the keyboard has nothing to do
    facts  what else the page says beside it, by name
    """

    name: str
    width: float
    height: float
    items: tuple[Item | Group, ...]
    label: str
    parts: Mapping[str, Part] = field(default_factory=dict)
    first: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)

    def svg(self) -> str:
        """It as SVG within a page."""
        return inline_svg(self.items, self.width, self.height, name=self.name, label=self.label)
