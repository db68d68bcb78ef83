"""A picture for a panel of the page: what is drawn, and what is said of its parts.

Python computes it once, and the page only shows it: an SVG that says which of its elements belong
together, and for everything that can be pointed at its words, what lights with it, and where arrow
keys lead. A panel's picture is a function ``(shown, view, panel, pinned) -> Picture``, named in
lrp_core/service/pictures.py; docs/server.md describes how it leaves.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lrp_core.figures.drawing import Group, Item
from lrp_core.figures.svg import inline_svg
from lrp_core.figures.theme import Theme

if TYPE_CHECKING:
    from lrp_core.explanation import Explanation
    from lrp_core.jets import Jet

Line = tuple[str, str | None, int]  # what, how much (None: a heading), its sign or 0


class Shown(NamedTuple):
    """A jet and what is explained of it."""

    jet: Jet
    explanation: Explanation


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
    data   what the page selects from, by name: plain values, and arrays as ``packed`` makes them
    """

    name: str
    width: float
    height: float
    items: tuple[Item | Group, ...]
    label: str
    parts: Mapping[str, Part] = field(default_factory=dict)
    first: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)

    def svg(self) -> str:
        """It as SVG within a page."""
        return inline_svg(self.items, self.width, self.height, name=self.name, label=self.label)


def packed(values: npt.ArrayLike, dtype: str) -> dict[str, Any]:
    """An array as JSON: {"dtype", "shape", "data"}, its little-endian bytes as base64.

    dtype  "uint8", "uint16", "uint32", "float32" or "float64", as the script's typed arrays
    """
    array = np.ascontiguousarray(values, dtype=np.dtype(dtype).newbyteorder("<"))
    text = base64.b64encode(array.tobytes()).decode("ascii")
    return {"dtype": dtype, "shape": list(array.shape), "data": text}
