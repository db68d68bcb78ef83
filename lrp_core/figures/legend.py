"""What colours, widths and sizes mean, with true values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lrp_core.figures.geometry import BINS, bin_middle, size_of, ticks, width_of
from lrp_core.figures.numbers import signed, significant
from lrp_core.figures.scene import DISPLACED_ABOVE, Scales, Scene
from lrp_core.figures.view import View
from lrp_core.truth import Origin

# The shape of a track by its origin, in the order of lrp_core.truth.Origin: colour alone would not
# do for eight kinds.
SHAPES = ("circle", "circle", "circle", "diamond", "square", "cross", "circle-open", "diamond-open")
CHARGE_SHAPES = {True: "circle", False: "diamond"}  # positive, negative


def coloured_by(scene: Scene, view: View) -> str:
    """What the colour of a track shows: what is wanted, or relevance where that is not known."""
    known = {"origin": scene.origin is not None, "charge": scene.charge is not None}
    return view.color if known.get(view.color) else "relevance"


@dataclass(frozen=True)
class Titles:
    """What the scales are called, what either sign says, and of what: of a jet or a difference."""

    width: str = "Edge significance"
    edges: str = "Edge relevance"
    tracks: str = "Track relevance"
    positive: str = "+ for"
    negative: str = "− against"
    of: str = ""

    @classmethod
    def of_scene(cls, scene: Scene) -> Titles:
        """The words for a scene."""
        if scene.difference is None:
            return cls(of=scene.stands_for)
        return cls(
            "|Δ significance|", "Δ edge significance", "Δ track relevance",
            "+ more", "− less", "than pinned",
        )  # fmt: skip


@dataclass(frozen=True)
class Tick:
    """A value of a scale: ``at`` is 0 to 1, or -1 to 1 where the scale has two sides."""

    at: float
    text: str


@dataclass(frozen=True)
class Step:
    """The width in px of edges between two shares of the largest significance."""

    low: float
    high: float
    width: float


@dataclass(frozen=True)
class Count:
    """A kind of track and how many there are; ``code`` says which kind."""

    code: int
    title: str
    count: int


@dataclass(frozen=True)
class Size:
    """A value, and the diameter in px of a track that has it."""

    diameter: float
    text: str


@dataclass(frozen=True)
class Legend:
    """All of it, as data."""

    significance: tuple[Tick, ...]
    steps: tuple[Step, ...]
    signed: tuple[Tick, ...]
    relevance: tuple[Tick, ...]
    origins: tuple[Count, ...]
    charges: tuple[Count, ...]
    marks: tuple[tuple[str, str, int], ...]
    sizes: tuple[Size, ...]

    @classmethod
    def of(cls, scene: Scene, view: View, scales: Scales) -> Legend:
        """True significances from 0, symmetric relevance, origins, charges, marks and sizes."""
        most = scales.significance
        values = [0.0]
        if most > 0:
            values = [*(value for value in ticks(most, 4) if value < most * 0.9), most]
        by_size = scales.relevance if view.size == "relevance" else scales.pt
        return cls(
            significance=tuple(
                Tick(value / most if most > 0 else 0.0, significant(value, 2)) for value in values
            ),
            steps=tuple(
                Step(bin_ / BINS, (bin_ + 1) / BINS, float(width_of(bin_middle(bin_))))
                for bin_ in range(BINS)
            ),
            signed=_symmetric(scales.signed, squared=True),
            relevance=_symmetric(scales.relevance),
            origins=_origins(scene),
            charges=_charges(scene),
            marks=_marks(scene),
            sizes=tuple(
                Size(float(size_of(value, by_size)), _size_text(value, view))
                for value in (by_size, by_size / 4, by_size / 20)
                if value > 0
            ),
        )


def _symmetric(top: float, *, squared: bool = False) -> tuple[Tick, ...]:
    """Five ticks; squared, where the colour follows the square root."""
    if not top > 0:
        return ()
    places = (1.0, 0.5, 0.0, -0.5, -1.0)
    return tuple(
        Tick(at, "0" if at == 0 else signed((at * abs(at) if squared else at) * top, 2))
        for at in places
    )


def _size_text(value: float, view: View) -> str:
    text = significant(value, 2)
    return f"± {text}" if view.size == "relevance" else f"{text} GeV"


def _origins(scene: Scene) -> tuple[Count, ...]:
    if scene.origin is None:
        return ()
    counts = [Count(int(o), o.title, int((scene.origin == int(o)).sum())) for o in Origin]
    return tuple(one for one in counts if one.count)


def _charges(scene: Scene) -> tuple[Count, ...]:
    if scene.charge is None:
        return ()
    return (
        Count(1, "positive", int((scene.charge > 0).sum())),
        Count(-1, "negative", int((scene.charge < 0).sum())),
    )


def _marks(scene: Scene) -> tuple[tuple[str, str, int], ...]:
    marks = (
        ("μ", "muon", np.count_nonzero(scene.muon)),
        ("e", "electron", np.count_nonzero(scene.electron)),
        ("◯", f"displaced: Sip3D sig. > {DISPLACED_ABOVE:g}", np.count_nonzero(scene.displaced)),
    )
    return tuple((sign, title, int(count)) for sign, title, count in marks if count)
