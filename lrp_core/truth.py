"""The truth of simulated jets: where every track comes from, and whether an explanation finds it.

Only whoever makes the jets knows it. Real jets have none, and no network is ever shown it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lrp_core.errors import TruthError

if TYPE_CHECKING:
    from lrp_core.explanation import Explanation
    from lrp_core.jets import Jet

B_NUMBERS = (0, 1, 2)


class Origin(IntEnum):
    """Where a track comes from: the codes of the branch ``track_truth_origin``.

    A track of a b-hadron's decay chain is B_HADRON also where a c-hadron lies between. A track of a
    V0 (K_S, Λ, hyperons), of a photon's conversion or of a nuclear interaction is that, whatever
    the V0 or the particle came from: ``Truth.b`` still tells its b-hadron.
    """

    PROMPT = 0
    B_HADRON = 1
    C_HADRON = 2
    V0 = 3
    CONVERSION = 4
    INTERACTION = 5
    PILEUP = 6
    FAKE = 7

    @property
    def title(self) -> str:
        """As people say it: "b-hadron decay"."""
        return _TITLES[self]


_TITLES = (
    "prompt",
    "b-hadron decay",
    "c-hadron decay",
    "V0",
    "photon conversion",
    "nuclear interaction",
    "pileup",
    "fake",
)


@dataclass(frozen=True)
class BHadron:
    """A b-hadron of a jet and where it flies.

    b       its number, as in ``Truth.b``
    pt      transverse momentum in GeV
    etarel  sign(η_jet)·(η - η_jet), as ``track_etarel``
    phirel  φ - φ_jet in rad, as ``track_phirel``
    """

    b: int
    pt: float
    etarel: float
    phirel: float


@dataclass(frozen=True, eq=False)
class Truth:
    """Where the tracks of a simulated jet come from.

    origin     [n_tracks] int64, codes of ``Origin``
    b          [n_tracks] int64: 1 or 2 for a track that descends from that b-hadron of the jet,
               0 for any other
    b_hadrons  the jet's b-hadrons, by number; () where it has none or nobody knows where

    Raises TruthError for other values or for arrays that do not fit each other.
    """

    origin: npt.NDArray[np.int64]
    b: npt.NDArray[np.int64]
    b_hadrons: tuple[BHadron, ...] = ()

    def __post_init__(self) -> None:
        origin = _codes("origin", self.origin, tuple(Origin))
        b = _codes("b", self.b, B_NUMBERS)
        if len(origin) != len(b):
            raise TruthError(
                f"truth: origin is of {len(origin)} tracks and b of {len(b)}; "
                "give one value per track in each"
            )
        object.__setattr__(self, "origin", origin)
        object.__setattr__(self, "b", b)
        object.__setattr__(self, "b_hadrons", tuple(self.b_hadrons))

    @property
    def n_tracks(self) -> int:
        """Number of tracks."""
        return len(self.origin)

    @property
    def from_b(self) -> npt.NDArray[np.bool_]:
        """[n_tracks]: whether a track is a b-hadron track, which is ``b`` > 0.

        That is all that descends from one of the jet's two b-hadrons: what comes of its c-hadron,
        of a V0, a conversion or an interaction in its chain counts as well. Tracks of a third
        b-hadron, or of one outside the jet, do not.
        """
        return np.asarray(self.b > 0)


def _codes(name: str, given: npt.ArrayLike, allowed: Sequence[int]) -> npt.NDArray[np.int64]:
    """A copy of ``given`` that does not change. Raises TruthError if a value is not allowed."""
    values = np.array(given)
    if values.ndim != 1:
        raise TruthError(f"truth: {name} must be an array [n_tracks], found shape {values.shape}")
    wrong = np.flatnonzero(~np.isin(values, allowed))
    if len(wrong):
        raise TruthError(
            f"truth: {name} of track {wrong[0]} is {values[wrong[0]]}; "
            f"expected a whole number from {min(allowed)} to {max(allowed)}"
        )
    codes = values.astype(np.int64)
    codes.setflags(write=False)
    return codes


@dataclass(frozen=True)
class TruthMatch:
    """How much of an explanation lies on b-hadron tracks (``Truth.from_b``), against by chance.

    The relevance of a track is the signed sum over its columns. A share is between 0 and 1, and
    None where there is nothing to share; NaN where the relevance is not finite.

    n_tracks, n_b_tracks    tracks of the jet, and b-hadron tracks among them
    relevance               sum of the relevance of the b-hadron tracks, in units of the logit,
                            positive for the target
    relevance_all           the same of all tracks; ``relevance`` may be more than that, or have
                            another sign, so their ratio is no share
    positive_share          of the relevance of the tracks that speak for the target, how much lies
                            on b-hadron tracks
    absolute_share          of the absolute relevance of all tracks, how much lies on them
    track_share, pt_share   what to compare these two with: their share of the tracks and of the
                            tracks' pT (None without the column ``track_pt``)
    significance_both       share of the edge significance on edges between two b-hadron tracks
    significance_any        share of it on edges that touch at least one
    edge_share_both,        what to compare these two with: the share of the edges that are such
    edge_share_any
    average_precision       of ranking b-hadron tracks by relevance, the largest first; None where
                            there is none
    average_precision_by_chance
                            its mean over all orders of the tracks
    """

    n_tracks: int
    n_b_tracks: int
    relevance: float
    relevance_all: float
    positive_share: float | None
    absolute_share: float | None
    track_share: float
    pt_share: float | None
    significance_both: float | None
    significance_any: float | None
    edge_share_both: float | None
    edge_share_any: float | None
    average_precision: float | None
    average_precision_by_chance: float | None


def truth_match(explanation: Explanation, jet: Jet) -> TruthMatch:
    """How much of an explanation lies on the tracks that truly come from the jet's b-hadrons.

    The tracks' relevance is taken for the explanation's own target: for "margin" or "hbb",
    b-hadron tracks are expected to have much of it, for "qcd" to have little or less than nothing.
    Raises TruthError if the jet has no truth or the explanation is of another jet.
    """
    if jet.truth is None:
        raise TruthError(
            f"{jet.jet_id}: nobody knows where its tracks come from; only simulated jets have a "
            "truth, from the branches track_truth_origin and track_truth_b"
        )
    if explanation.jet_id != jet.jet_id or not (
        len(explanation.track_relevance) == jet.n_tracks
        and np.array_equal(explanation.edge_index, jet.edge_index)
    ):
        raise TruthError(
            f"the explanation is of {explanation.jet_id} with {len(explanation.track_relevance)} "
            f"tracks and {explanation.edge_index.shape[1]} edges, not of {jet.jet_id} with "
            f"{jet.n_tracks} and {jet.n_edges}; give the jet that was explained"
        )
    from_b = jet.truth.from_b
    relevance = explanation.track_relevance.sum(axis=1, dtype=np.float64)
    significance = explanation.edge_significance.astype(np.float64)
    source, destination = jet.edge_index
    both, any_end = from_b[source] & from_b[destination], from_b[source] | from_b[destination]
    edges = np.ones(jet.n_edges)
    return TruthMatch(
        n_tracks=jet.n_tracks,
        n_b_tracks=int(from_b.sum()),
        relevance=float(relevance[from_b].sum()),
        relevance_all=float(relevance.sum()),
        positive_share=_share(np.maximum(relevance, 0.0), from_b),
        absolute_share=_share(np.abs(relevance), from_b),
        track_share=float(from_b.mean()),
        pt_share=_share(jet.column("track_pt"), from_b) if "track_pt" in jet.columns else None,
        significance_both=_share(significance, both),
        significance_any=_share(significance, any_end),
        edge_share_both=_share(edges, both),
        edge_share_any=_share(edges, any_end),
        average_precision=average_precision(relevance, from_b),
        average_precision_by_chance=average_precision_by_chance(jet.n_tracks, int(from_b.sum())),
    )


def _share(amounts: npt.NDArray[np.floating], chosen: npt.NDArray[np.bool_]) -> float | None:
    """Which part of the sum of ``amounts`` [n] lies on the chosen; None if the sum is zero."""
    total = float(amounts.sum(dtype=np.float64))
    return float(amounts[chosen].sum(dtype=np.float64)) / total if total != 0.0 else None


def average_precision(
    scores: npt.NDArray[np.floating], positive: npt.NDArray[np.bool_]
) -> float | None:
    """Average precision of finding the positive ones by their scores, the largest first.

    scores [n], positive [n]. Σ (recall_k - recall_k-1) · precision_k over the distinct scores,
    so that equal scores count together and the order given does not matter. 1 if all positive ones
    come first; None if there is none; NaN if a score is not finite.
    """
    n_positive = int(positive.sum())
    if n_positive == 0:
        return None
    if not np.isfinite(scores).all():
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    found = np.cumsum(positive[order])
    last = np.flatnonzero(np.diff(scores[order], append=-np.inf))  # of each run of equal scores
    gained = np.diff(found[last], prepend=0)
    return float((gained * found[last] / (last + 1)).sum() / n_positive)


def average_precision_by_chance(n: int, n_positive: int) -> float | None:
    """Mean average precision over all orders of ``n``, of which some are positive; None if none.

    (H + (n - H)(n_positive - 1)/(n - 1)) / n with H = 1 + 1/2 + … + 1/n: the k-th place is positive
    with probability n_positive/n, and then each place before it with (n_positive - 1)/(n - 1). It
    is larger than the share of the positive ones, and comes near it for many tracks.
    """
    if n_positive == 0:
        return None
    harmonic = float((1.0 / np.arange(1, n + 1)).sum())
    others = (n_positive - 1) / (n - 1) if n > 1 else 0.0
    return (harmonic + (n - harmonic) * others) / n
