"""What is to be exported: which jets, each as a link, which views of them, in which formats."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlsplit

from lrp_core.errors import JetlrpError
from lrp_core.figures.presets import FRAMES, PRESETS, SCALE

VIEWS = ("network", "heatmap", "river")
STILLS = ("png", "svg", "pdf", "html")
FORMATS = (*STILLS, "mp4", "gif", "pptx")
PAGE = "http://127.0.0.1:8050/"  # of `jetlrp serve`
MOST_JETS = 100_000


class ExportError(JetlrpError):
    """Something is asked for that cannot be exported, or it did not work."""


@dataclass(frozen=True)
class Figure:
    """One figure, for each of its formats.

    jet     its number
    search  the view, as the page's address has it: "?jet=12&theme=dark"
    view    "network", "heatmap" or "river"
    base    where the page is that shows it, before the question mark; "" where that is not said
    """

    jet: int
    search: str
    view: str
    base: str = ""

    @property
    def link(self) -> str:
        """Opens the view, at the page it was copied from or at that of ``jetlrp serve``."""
        return (self.base or PAGE) + self.search


@dataclass(frozen=True)
class Look:
    """How all figures look.

    preset       name of a size, see lrp_core/figures/presets.py
    scale        pixels of a PNG for each CSS pixel
    transparent  no background
    frames       of one turn, in animations
    """

    preset: str = "slide"
    scale: int = SCALE
    transparent: bool = False
    frames: int = FRAMES


def figures(
    jets: Iterable[str],
    views: Sequence[str],
    *,
    link: str | None = None,
    preset: str = "slide",
    **changes: str | None,
) -> list[Figure]:
    """The figures of some jets, all views of the first one first.

    jets     numbers and ranges: "12", "1,5,9", "3-7"; none: that of the link
    views    of ``VIEWS``, or "all"
    link     copied from the page; what it says stays, but for the jets and the changes
    changes  keys of the page's address, with their values: theme, camera, target, rule

    Raises ExportError.
    """
    query = _query(link) if link else {}
    given = {key: value for key, value in changes.items() if value is not None}
    _check_camera(given.get("camera"))
    numbers = numbers_of(jets)
    if not numbers:
        if "jet" not in query:
            raise ExportError(
                "which jet? Give --jet with its number, or --link with a link that has one"
            )
        numbers = numbers_of([query["jet"]])
    base = link.strip().partition("?")[0] if link and "://" in link else ""
    names = VIEWS if "all" in views else tuple(dict.fromkeys(views))
    for name in names:
        if name not in VIEWS:
            raise ExportError(f"--view: {name!r} is none; there are {', '.join(VIEWS)} and all")
    made = []
    for jet in numbers:
        own = {**query, "jet": str(jet), **given}
        own.setdefault("theme", PRESETS[preset].theme)
        search = link_text(own)
        made += [Figure(jet, search, name, base) for name in names]
    return made


def numbers_of(texts: Iterable[str]) -> list[int]:
    """Numbers of jets from "12", "1,5,9" and "3-7", each once, in the order given."""
    found: dict[int, None] = {}
    for part in (part.strip() for text in texts for part in text.split(",")):
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
        if not match:
            raise ExportError(f"--jet: expected a number, 1,5,9 or 3-7, found {part!r}")
        first, last = int(match[1]), int(match[2] or match[1])
        if not first <= last < first + MOST_JETS:
            raise ExportError(
                f"--jet: {part!r} is not a range from the smaller to the larger number of up to "
                f"{MOST_JETS} jets"
            )
        found.update(dict.fromkeys(range(first, last + 1)))
    return list(found)


def formats_of(text: str) -> list[str]:
    """Formats from "png,svg", each once. Raises ExportError for one that there is not."""
    names = list(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))
    for name in names:
        if name not in FORMATS:
            raise ExportError(f"--format: {name!r} is none; there are {', '.join(FORMATS)}")
    if not names:
        raise ExportError(f"--format: give one or more of {', '.join(FORMATS)}")
    return names


def _check_camera(text: str | None) -> None:
    """Raise ExportError for a camera that the page would not understand."""
    try:
        fine = (
            text is None or [math.isfinite(float(part)) for part in text.split(",")] == [True] * 9
        )
    except ValueError:
        fine = False
    if not fine:
        raise ExportError(
            f"--camera: expected nine numbers as in a link, eye, centre and up, found {text!r}"
        )


def link_text(query: dict[str, str]) -> str:
    """A view as the page's address writes it."""
    parts = [
        f"{key}={quote(value, safe='(),=:~ ').replace(' ', '+')}" for key, value in query.items()
    ]
    return "?" + "&".join(parts)


def _query(link: str) -> dict[str, str]:
    """What a link says, from an address or from its part behind the question mark."""
    text = link.strip()
    query = urlsplit(text).query if "?" in text or "://" in text else text
    found = dict(parse_qsl(query, keep_blank_values=True))
    if not found:
        raise ExportError(f"--link: {link!r} says nothing; copy one from the page, with C")
    return found
