"""What a figure is to show: the view in the page's address, read and written as the page does.

The keys, their values and what they are by default are those of ``KEYS`` in assets/page/view.js.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from lrp_core.errors import FigureError

# Keys of the page that no figure depends on: what is open, listed, turning or enlarged.
PAGE_ONLY = ("rotate", "dock", "full", "label", "limits", "order", "list", "talk")
EXAMPLE = "?jet=12&target=margin&edges=80"

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Camera:
    """Where the camera of the network plot stands, in Plotly's units: the box is about 1 long."""

    eye: Point
    center: Point = (0.0, 0.0, 0.0)
    up: Point = (0.0, 0.0, 1.0)

    def __post_init__(self) -> None:
        if all(abs(a - b) < 1e-9 for a, b in zip(self.eye, self.center, strict=True)):
            raise FigureError(f"the camera stands at what it looks at: {self.eye}")

    def __str__(self) -> str:
        return ",".join(
            _short(value) for part in (self.eye, self.center, self.up) for value in part
        )


@dataclass(frozen=True)
class View:
    """A view, each key as the page's address has it; None: as is usual.

    file, model         of which file of jets and which network
    jet, target, rule   the question; ``pin`` is one that stands beside it, as JET~TARGET~RULE or
                        JET~TARGET~RULE~FILE~MODEL
    edges, least        how many edges are curves, or from which significance on
    x, y, z             features of the axes, "log:" in front for a logarithm
    size, color         what the size and the colour of a track show
    edgecolor, marks    what the colour of an edge shows; leptons and displaced tracks marked
    track, ways, edge   the track whose edges alone are considered, which of them; the chosen edge
    camera, projection  where the camera stands, and "perspective" or "orthographic"
    sort, rows          the order of the heat map's rows, and "top" or "all"
    theme               "dark" or "light"

    Raises FigureError for a value that a key cannot have.
    """

    file: str | None = None
    model: str | None = None
    jet: int | None = None
    target: str | None = None
    rule: str | None = None
    pin: str | None = None
    difference: bool = False
    edges: int | None = None
    least: float | None = None
    x: str = "track_etarel"
    y: str = "track_phirel"
    z: str = "log:track_pt"
    size: str = "pt"
    color: str = "relevance"
    edgecolor: str = "significance"
    marks: bool = True
    track: int | None = None
    ways: str = "both"
    edge: int | None = None
    camera: Camera | None = None
    projection: str = "perspective"
    sort: str = "relevance"
    rows: str = "top"
    theme: str | None = None

    def __post_init__(self) -> None:
        for key, choices in CHOICES.items():
            value = getattr(self, key)
            if value not in choices and value is not None:
                raise FigureError(_wrong(key, value, " or ".join(c for c in choices)))
        for key in ("jet", "edges", "track", "edge"):
            value = getattr(self, key)
            if value is not None and (isinstance(value, bool) or not value >= 0):
                raise FigureError(_wrong(key, value, "a whole number, 0 or more"))
        if self.least is not None and not (math.isfinite(self.least) and self.least >= 0):
            raise FigureError(_wrong("least", self.least, "a number, 0 or more"))

    @classmethod
    def from_link(cls, text: str) -> View:
        """Read a link copied from the page, or only its query: "?jet=12&edges=80".

        Raises FigureError for a key that the page does not have, or a value that is none.
        """
        address = urlsplit(text.strip())
        query = address.query
        if not query and not address.scheme and not text.strip().startswith("/"):
            query = text.strip().lstrip("?")
        found: dict[str, Any] = {}
        for key, value in parse_qsl(query, keep_blank_values=True):
            if key in PAGE_ONLY or key in found:
                continue
            if key not in KINDS:
                raise FigureError(
                    f"{key!r} is no key of a view; the keys are {', '.join(KINDS)}, as in {EXAMPLE}"
                )
            found[key] = KINDS[key].read(key, value)
        return cls(**found)

    @property
    def pinned(self) -> View | None:
        """The question that is pinned, as a view of its own; None without one."""
        if self.pin is None:
            return None
        jet, target, *hidden = self.pin.split("~")
        rule, file, model = [unquote(text) or None for text in (*hidden, "", "")][:3]
        return View(jet=int(jet), target=target, rule=rule, file=file, model=model)

    def to_query(self) -> str:
        """The view as the page's address has it, "?jet=12&…"; "" where all is as usual."""
        parts = []
        for item in fields(self):
            value = getattr(self, item.name)
            if value is not None and value != item.default:
                text = KINDS[item.name].write(value)
                parts.append(f"{item.name}={quote(text, safe='(),=:~*!')}".replace("%20", "+"))
        return f"?{'&'.join(parts)}" if parts else ""


@dataclass(frozen=True)
class Kind:
    """How a value stands in an address: its text must match, and is read and written so."""

    expected: str
    convert: Callable[[str], Any]
    pattern: str = r"(?s).*"
    write: Callable[[Any], str] = str

    def read(self, key: str, text: str) -> Any:
        """The value of a text. Raises FigureError if it has none."""
        if re.fullmatch(self.pattern, text):
            try:
                return self.convert(text)
            except ValueError:
                pass
        raise FigureError(_wrong(key, text, self.expected))


def _wrong(key: str, value: object, expected: str) -> str:
    return f"{key}={value} in the view: expected {expected}"


def _short(value: float) -> str:
    """At most four decimals, as the page writes a camera."""
    text = f"{value:.4f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _camera(text: str) -> Camera:
    values = [float(part) for part in text.split(",")]
    if len(values) != 9 or not all(map(math.isfinite, values)):
        raise ValueError(text)
    a, b, c, d, e, f, g, h, i = values
    return Camera((a, b, c), (d, e, f), (g, h, i))


CHOICES: dict[str, tuple[str, ...]] = {
    "size": ("pt", "relevance"),
    "color": ("relevance", "charge", "origin"),
    "edgecolor": ("significance", "relevance"),
    "ways": ("both", "in", "out"),
    "projection": ("perspective", "orthographic"),
    "rows": ("top", "all"),
    "theme": ("dark", "light"),
}
_WHOLE = Kind("a whole number, 0 or more", int, r"\d+")
_FLAG = Kind("0 or 1", lambda text: text == "1", r"[01]", lambda value: "1" if value else "0")
_WORDS = Kind("a word", str, r"(?s).+")
KINDS: dict[str, Kind] = {
    **dict.fromkeys(("jet", "edges", "track", "edge"), _WHOLE),
    **dict.fromkeys(("difference", "marks"), _FLAG),
    **dict.fromkeys(("file", "model", "target", "rule", "x", "y", "z", "sort"), _WORDS),
    **{key: Kind(" or ".join(choices), str, "|".join(choices)) for key, choices in CHOICES.items()},
    "pin": Kind("JET~TARGET~RULE or …~FILE~MODEL", str, r"\d+~[^~]+~[^~]+(~[^~]*~[^~]*)?"),
    "least": Kind("a number, 0 or more", float, r"[^-]+(-\d+)?", lambda v: f"{v:.4g}"),
    "camera": Kind("nine numbers: eye, center, up", _camera),
}
