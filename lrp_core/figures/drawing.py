"""A drawing: a flat list of shapes and texts in px, which every writer reads in the same way.

y grows downwards. Colours are "#rrggbb". What comes later lies over what comes before. On the page
some items are one thing to the pointer, a Group; ``flat`` takes what a file needs of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

Anchor = Literal["start", "middle", "end"]
Command = tuple[str, tuple[float, ...]]
Data = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Gradient:
    """Colours along a straight line from ``start`` to ``end``: [(share of the way, colour)]."""

    start: tuple[float, float]
    end: tuple[float, float]
    stops: tuple[tuple[float, str], ...]


Paint = str | Gradient | None


@dataclass(frozen=True)
class Path:
    """A path, stroked or filled or both.

    commands   ("M", (x, y)), ("L", (x, y)), ("C", (x1, y1, x2, y2, x, y)) and ("Z", ())
    dash       lengths of dashes and gaps; () for none
    kind       what it is, such as "edge": a class in SVG
    data       (name, value) for the page, as ("id", "pool"): data-id="pool" of a picture there
    title      what the browser says where the pointer rests on it, on the page
    live       of the page alone: "transparent" where the pointer meets it, or shown by a style
    """

    commands: tuple[Command, ...]
    fill: Paint = None
    stroke: Paint = None
    width: float = 1.0
    opacity: float = 1.0
    dash: tuple[float, ...] = ()
    round: bool = False
    kind: str = ""
    data: Data = ()
    title: str = ""
    live: bool = False


@dataclass(frozen=True)
class Text:
    """A text in Inter.

    It may have indices: "p_T" is set as p with a low T; plain: it has none, as a file's name.
    y is the middle of the line of type where ``centred``, else the base line. Degrees turn it
    clockwise around (x, y). halo: a rim in that colour, so that it is read over lines. link: the
    address that it leads to. data: as of a Path.
    """

    x: float
    y: float
    text: str
    size: float
    colour: str
    anchor: Anchor = "start"
    bold: bool = False
    degrees: float = 0.0
    centred: bool = False
    opacity: float = 1.0
    halo: str | None = None
    plain: bool = False
    kind: str = ""
    link: str | None = None
    data: Data = ()


Item = Path | Text


@dataclass(frozen=True)
class Group:
    """Items that are one thing on the page, and nothing of their own in a file.

    kind    classes
    data    as of a Path; an element with ("id", …) is pointed at, one with ("of", …) lights with it
    label   what a screen reader says of it
    stop    whether the keyboard can go there
    hidden  from screen readers: what it says is said elsewhere
    """

    items: tuple[Item | Group, ...]
    kind: str = ""
    data: Data = ()
    label: str = ""
    stop: bool = False
    hidden: bool = False


@dataclass(frozen=True)
class Drawing:
    """A figure of ``width`` × ``height`` px; background None is transparent.

    description  where it comes from, in one line
    """

    width: float
    height: float
    items: tuple[Item, ...]
    background: str | None = None
    title: str = ""
    description: str = ""
    metadata: dict[str, str] = field(default_factory=dict)


def flat(items: Iterable[Item | Group]) -> Iterator[Item]:
    """The items of all groups in their order, without those that live on the page alone."""
    for item in items:
        if isinstance(item, Group):
            yield from flat(item.items)
        elif isinstance(item, Text) or not item.live:
            yield item


def polyline(points: Iterable[Any], *, closed: bool = False) -> tuple[Command, ...]:
    """Straight lines from point to point: pairs of numbers, or an array [n, 2]."""
    commands: list[Command] = [
        ("L" if at else "M", (float(point[0]), float(point[1]))) for at, point in enumerate(points)
    ]
    return (*commands, ("Z", ())) if closed else tuple(commands)


ROUNDNESS = 0.5522847498  # of a Bézier curve that is nearest to a quarter of a circle


def circle(x: float, y: float, radius: float) -> tuple[Command, ...]:
    """A circle as four curves."""
    r, k = radius, radius * ROUNDNESS
    return (
        ("M", (x + r, y)),
        ("C", (x + r, y + k, x + k, y + r, x, y + r)),
        ("C", (x - k, y + r, x - r, y + k, x - r, y)),
        ("C", (x - r, y - k, x - k, y - r, x, y - r)),
        ("C", (x + k, y - r, x + r, y - k, x + r, y)),
        ("Z", ()),
    )


def rectangle(
    x: float, y: float, width: float, height: float, radius: float = 0.0
) -> tuple[Command, ...]:
    """A rectangle, its corners rounded if wanted."""
    r = min(radius, width / 2, height / 2)
    if r <= 0:
        corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
        return polyline(corners, closed=True)
    k = r * (1 - ROUNDNESS)
    right, below = x + width, y + height
    return (
        ("M", (x + r, y)),
        ("L", (right - r, y)),
        ("C", (right - k, y, right, y + k, right, y + r)),
        ("L", (right, below - r)),
        ("C", (right, below - k, right - k, below, right - r, below)),
        ("L", (x + r, below)),
        ("C", (x + k, below, x, below - k, x, below - r)),
        ("L", (x, y + r)),
        ("C", (x, y + k, x + k, y, x + r, y)),
        ("Z", ()),
    )
