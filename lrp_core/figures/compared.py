"""Two explanations beside each other in numbers: sums, features, and what changed most."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from lrp_core.features import feature
from lrp_core.figures.difference import can_subtract, difference, same_jet
from lrp_core.figures.numbers import label_text
from lrp_core.figures.picture import Shown
from lrp_core.figures.scene import Scene
from lrp_core.prong_shares import prongs

TOP = 10  # edges whose share of the significance is compared
ROWS = 8  # features, tracks and edges that are listed

Kind = Literal["share", "output", "error", "count"]


@dataclass(frozen=True)
class Value:
    """A number of each of the two.

    kind          "share" of 1, in units of the network's "output", relative "error", or "count"
    here, pinned  None where the jet has no such number
    """

    name: str
    kind: Kind
    meaning: str
    here: float | None
    pinned: float | None


@dataclass(frozen=True)
class FeatureSum:
    """Relevance of a feature, added up over the tracks; None where a network has not got it."""

    name: str
    title: str
    here: float | None
    pinned: float | None


@dataclass(frozen=True)
class Change:
    """How a track or an edge changed: here minus pinned.

    number                  of the track, or of the edge in the explanation
    difference              of relevance for a track, of significance for an edge
    rank_here, rank_pinned  1 for the largest
    ends                    tracks that an edge goes from and to; of a track, None
    """

    number: int
    difference: float
    rank_here: int
    rank_pinned: int
    ends: tuple[int, int] | None = None


@dataclass(frozen=True)
class Compared:
    """What two explanations have in common, and what not.

    same_jet       whether both are of one jet
    values         numbers of both, in the order in which they are told
    features       those that count most in either, the largest first
    tracks, edges  those that changed most, the largest change first; None where the two cannot be
                   subtracted: of two jets, or of networks with other edges
    """

    same_jet: bool
    values: tuple[Value, ...]
    features: tuple[FeatureSum, ...]
    tracks: tuple[Change, ...] | None
    edges: tuple[Change, ...] | None

    @classmethod
    def of(cls, here: Shown, pinned: Shown) -> Compared:
        """Raises FigureError if an explanation is not of its jet, or its relevance not finite."""
        scenes = Scene.of(*here), Scene.of(*pinned)
        tracks = edges = None
        if can_subtract(*scenes):
            tracks, edges = tuple(_tracks(*scenes)), tuple(_edges(*scenes))
        values = tuple(_values((here, scenes[0]), (pinned, scenes[1])))
        return cls(same_jet(*scenes), values, _features(*scenes), tracks, edges)


def _values(here: tuple[Shown, Scene], pinned: tuple[Shown, Scene]) -> Iterator[Value]:
    classes = here[0].explanation.classes
    signal = "hbb" if "hbb" in classes else classes[0]

    def numbers(shown: Shown, scene: Scene) -> list[float | None]:
        jet, explanation = shown
        totals, shares = explanation.totals, prongs(explanation, jet)
        probabilities = dict(zip(explanation.classes, explanation.probabilities, strict=True))
        strongest = scene.significance[scene.order[:TOP]]
        found = [
            probabilities.get(signal), explanation.value, totals.tracks, totals.bias,
            totals.epsilon, explanation.conservation_error, jet.n_tracks, jet.n_edges,
            strongest.sum(), shares and shares.between, shares and shares.within,
        ]  # fmt: skip
        return [None if value is None else float(value) for value in found]

    what: list[tuple[str, Kind, str]] = [
        (f"P({label_text(signal)})", "share", "According to the network"),
        ("explained value", "output", "The output that is explained"),
        ("on tracks", "output", "Relevance that reached the tracks"),
        ("on biases", "output", "Relevance that the biases took"),
        ("on ε", "output", "Relevance that ε took"),
        ("missing", "error", "How far the sum is from the explained value"),
        ("tracks", "count", "Tracks of the jet"),
        ("edges", "count", "Edges between them"),
        (f"top {TOP} edges hold", "share",
         "Share of the significance on the most significant edges"),
        ("between prongs", "share",
         "Share of the significance on edges from one subjet to the other"),
        ("within prongs", "share", "Share of the significance on edges within a subjet"),
    ]  # fmt: skip
    for (name, kind, meaning), one, other in zip(
        what, numbers(*here), numbers(*pinned), strict=True
    ):
        yield Value(name, kind, meaning, one, other)


def _features(scene: Scene, pinned: Scene) -> tuple[FeatureSum, ...]:
    one, other = (
        dict(zip(each.features, each.by_feature.sum(axis=0).tolist(), strict=True))
        for each in (scene, pinned)
    )
    size = {
        name: max(abs(one.get(name, 0.0)), abs(other.get(name, 0.0))) for name in {**one, **other}
    }
    largest = sorted(size, key=lambda name: -size[name])[:ROWS]
    return tuple(
        FeatureSum(name, feature(name).title, one.get(name), other.get(name)) for name in largest
    )


def _tracks(scene: Scene, pinned: Scene) -> Iterator[Change]:
    changed = difference(scene, pinned)
    for track in changed.tracks_order[:ROWS].tolist():
        if change := float(changed.relevance[track]):
            here, there = (1 + int(each.tracks_rank[track]) for each in (scene, pinned))
            yield Change(track, change, here, there)


def _edges(scene: Scene, pinned: Scene) -> Iterator[Change]:
    changed = difference(scene, pinned)
    for edge in changed.order[:ROWS].tolist():
        if change := float(changed.signed[edge]):
            here, there = (1 + int(each.rank[edge]) for each in (scene, pinned))
            ends = int(changed.source[edge]), int(changed.destination[edge])
            yield Change(edge, change, here, there, ends)
