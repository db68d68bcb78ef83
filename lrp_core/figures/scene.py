"""One explained jet as every figure reads it.

Numbers are rounded to float32 as they are on their way to the browser, so that a figure shows the
same vertices, ranks and ticks as the page.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lrp_core.errors import FigureError
from lrp_core.features import Feature, feature
from lrp_core.figures.numbers import stands_for, value_words
from lrp_core.subjets import nearest_subjet, subjet_axes

if TYPE_CHECKING:
    from lrp_core.explanation import Explanation
    from lrp_core.jets import Jet

Array = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

DISPLACED_FEATURE = "trackBTag_Sip3dSig"
DISPLACED_ABOVE = 3.0  # a track that is called displaced


@dataclass(frozen=True)
class Direction:
    """A direction known beside the tracks: of a subjet, or of a simulated b-hadron.

    n_tracks  how many tracks are nearest to the subjet, or descend from the b-hadron
    pt        transverse momentum in GeV, of a b-hadron; NaN where it is not known
    """

    number: int
    etarel: float
    phirel: float
    n_tracks: int = 0
    pt: float = math.nan


@dataclass(frozen=True, eq=False)
class Scene:
    """A jet and its explanation as arrays.

    values         name of a feature -> its value for every track [n_tracks]
    relevance      [n_tracks]; by_feature [n_tracks, n_features], in the order of ``features``
    significance, signed, source, destination   of the edges [n_edges]
    order          edges, the most significant first; ties keep their order
    origin, b      [n_tracks], a code of ``Origin``, and which b-hadron a track descends from, 0 for
                   none; None where it is not known
    stands_for, value_words         what positive relevance speaks for, and what is explained
    difference     where this is one minus another: the two; see difference.py
    """

    jet_id: str
    values: Mapping[str, Array]
    relevance: Array
    features: tuple[str, ...]
    by_feature: Array
    significance: Array
    signed: Array
    source: Whole
    destination: Whole
    origin: Whole | None
    b: Whole | None
    b_hadrons: tuple[Direction, ...]
    subjets: tuple[Direction, ...]
    stands_for: str
    value_words: str
    explanation: Explanation
    difference: tuple[Scene, Scene] | None = None

    @classmethod
    def of(cls, jet: Jet, explanation: Explanation) -> Scene:
        """Raises FigureError if the explanation is of another jet."""
        if explanation.jet_id != jet.jet_id or len(explanation.track_relevance) != jet.n_tracks:
            raise FigureError(
                f"the explanation is of {explanation.jet_id} with "
                f"{len(explanation.track_relevance)} tracks, the jet is {jet.jet_id} with "
                f"{jet.n_tracks}; give the jet that was explained"
            )
        names = dict.fromkeys(jet.columns)
        relevance = _single(explanation.track_relevance.sum(axis=1))
        significance = _single(explanation.edge_significance)
        signed = _single(explanation.signed_edge_relevance)
        bad = [
            name
            for name, array in (("relevance", relevance), ("significance", significance))
            if not np.isfinite(array).all()
        ]
        if bad:
            raise FigureError(
                f"{jet.jet_id}: {' and '.join(bad)} not finite, so there is nothing to draw; "
                "another rule or float64 may help"
            )
        truth = jet.truth
        b = None if truth is None else np.asarray(truth.b, dtype=np.int64)
        hadrons = () if truth is None else truth.b_hadrons
        return cls(
            jet_id=jet.jet_id,
            values={name: _single(jet.column(name)) for name in names},
            relevance=relevance,
            features=explanation.features,
            by_feature=_single(explanation.feature_relevance),
            significance=significance,
            signed=signed,
            source=explanation.edge_index[0].astype(np.int64),
            destination=explanation.edge_index[1].astype(np.int64),
            origin=None if truth is None else np.asarray(truth.origin, dtype=np.int64),
            b=b,
            b_hadrons=tuple(
                Direction(one.b, one.etarel, one.phirel, int(np.count_nonzero(b == one.b)), one.pt)
                for one in hadrons
                if np.isfinite([one.etarel, one.phirel]).all()
            ),
            subjets=_subjets(jet),
            stands_for=stands_for(explanation.target, explanation.classes),
            value_words=value_words(explanation.target, explanation.classes),
            explanation=explanation,
        )

    @property
    def n_tracks(self) -> int:
        """Number of tracks."""
        return len(self.relevance)

    @property
    def n_edges(self) -> int:
        """Number of edges."""
        return len(self.significance)

    @cached_property
    def order(self) -> Whole:
        """Edges, the most significant first; ties keep their order."""
        return np.argsort(-self.significance, kind="stable").astype(np.int64)

    @cached_property
    def rank(self) -> Whole:
        """The place of each edge in ``order``, from 0."""
        return np.argsort(self.order).astype(np.int64)

    @cached_property
    def tracks_order(self) -> Whole:
        """Tracks, that with the largest |relevance| first; ties keep their order."""
        return np.argsort(-np.abs(self.relevance), kind="stable").astype(np.int64)

    @cached_property
    def tracks_rank(self) -> Whole:
        """The place of each track in ``tracks_order``, from 0."""
        return np.argsort(self.tracks_order).astype(np.int64)

    def given(self, name: str) -> Array:
        """Values of a feature; zeros where the jet has not got it."""
        return self.values.get(name, np.zeros(self.n_tracks))

    @cached_property
    def pt(self) -> Array:
        """Transverse momenta in GeV."""
        return self.given("track_pt")

    @property
    def charge(self) -> Array | None:
        """Charges of the tracks, or None."""
        return self.values.get("track_charge")

    @cached_property
    def muon(self) -> npt.NDArray[np.bool_]:
        """Which tracks are muons."""
        return self.given("track_isMu") > 0.5

    @cached_property
    def electron(self) -> npt.NDArray[np.bool_]:
        """Which tracks are electrons."""
        return self.given("track_isEl") > 0.5

    @cached_property
    def displaced(self) -> npt.NDArray[np.bool_]:
        """Which tracks are displaced: their Sip3D significance is above 3."""
        values = self.values.get(DISPLACED_FEATURE)
        return np.zeros(self.n_tracks, bool) if values is None else values > DISPLACED_ABOVE

    @property
    def directions(self) -> tuple[Direction, ...]:
        """All directions that are known beside the tracks."""
        return (*self.subjets, *self.b_hadrons)

    def feature(self, name: str) -> Feature:
        """What a feature is."""
        return feature(name)


@dataclass(frozen=True)
class Scales:
    """The largest values, which colours, widths and sizes refer to."""

    significance: float
    signed: float
    relevance: float
    pt: float

    @classmethod
    def of(cls, *scenes: Scene) -> Scales:
        """Those of all jets that are shown together."""

        def most(arrays: list[Array]) -> float:
            return max((float(np.abs(array).max(initial=0.0)) for array in arrays), default=0.0)

        return cls(
            significance=most([scene.significance for scene in scenes]),
            signed=most([scene.signed for scene in scenes]),
            relevance=most([scene.relevance for scene in scenes]),
            pt=most([scene.pt for scene in scenes]),
        )


def _single(values: npt.ArrayLike) -> Array:
    """Rounded to float32."""
    return np.asarray(values).astype(np.float32).astype(np.float64)


def _subjets(jet: Jet) -> tuple[Direction, ...]:
    nearest = nearest_subjet(jet)
    if nearest is None:
        return ()
    return tuple(
        Direction(axis.number, axis.etarel, axis.phirel, int((nearest == axis.number).sum()))
        for axis in subjet_axes(jet)
    )
