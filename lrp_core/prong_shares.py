"""The two prongs of a jet: how much edge significance stays within a subjet, how much joins two.

Of a Higgs boson that decays to two quarks one expects two prongs, so this is what to ask first of
the edges that matter. Source: arXiv:2211.09912, which compares edges within and between subjets;
here each share stands beside what it would be if all edges mattered alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lrp_core.errors import JetError
from lrp_core.subjets import nearest_subjet

if TYPE_CHECKING:
    from lrp_core.explanation import Explanation
    from lrp_core.jets import Jet


@dataclass(frozen=True)
class Prongs:
    """How an explanation lies on the two soft-drop subjets of a jet.

    A track belongs to the subjet it is nearest to. A share is between 0 and 1, and None where there
    is nothing to share; NaN where the significance is not finite. Relevance is in units of the
    logit, positive for the target.

    n_tracks            tracks of the jet
    n_1, n_2, n_none    those of subjet 1, of subjet 2, and of neither
    within_1, within_2  share of the edge significance on edges that join tracks of that subjet
    within              the two together
    between             share of it on edges that join a track of one to a track of the other
    none                share of it on edges that touch a track of neither
    even_…              what to compare each of these with: the share of the edges that are such,
                        which is what it would be with significance spread evenly over all edges
    relevance_within    sum of the signed relevance of the edges within a subjet
    relevance_between   the same of the edges between the two
    relevance_1,        sum of the relevance of the tracks of each subjet, which includes what
    relevance_2         reached them over edges
    """

    n_tracks: int
    n_1: int
    n_2: int
    n_none: int
    within_1: float | None
    within_2: float | None
    within: float | None
    between: float | None
    none: float | None
    even_within_1: float | None
    even_within_2: float | None
    even_within: float | None
    even_between: float | None
    even_none: float | None
    relevance_within: float
    relevance_between: float
    relevance_1: float
    relevance_2: float


def prongs(explanation: Explanation, jet: Jet) -> Prongs | None:
    """How much significance joins tracks of the same subjet, and how much those of different ones.

    None if nobody knows: the jet lacks ``track_drsubjet1`` or ``track_drsubjet2``, or it has not
    two subjets. Raises JetError if the explanation is of another jet.
    """
    if explanation.jet_id != jet.jet_id or not (
        len(explanation.track_relevance) == jet.n_tracks
        and np.array_equal(explanation.edge_index, jet.edge_index)
    ):
        raise JetError(
            f"the explanation is of {explanation.jet_id} with {len(explanation.track_relevance)} "
            f"tracks and {explanation.edge_index.shape[1]} edges, not of {jet.jet_id} with "
            f"{jet.n_tracks} and {jet.n_edges}; give the jet that was explained"
        )
    subjet = nearest_subjet(jet)
    if subjet is None or not all((jet.column(f"track_drsubjet{n}") >= 0).any() for n in (1, 2)):
        return None
    source, destination = subjet[jet.edge_index]
    same, neither = source == destination, (source == 0) | (destination == 0)
    kinds = {
        "within_1": same & (source == 1),
        "within_2": same & (source == 2),
        "within": same & ~neither,
        "between": ~same & ~neither,
        "none": neither,
    }
    significance = explanation.edge_significance.astype(np.float64)
    even = np.ones(jet.n_edges)
    signed = explanation.signed_edge_relevance.astype(np.float64)
    tracks = explanation.track_relevance.sum(axis=1, dtype=np.float64)
    return Prongs(
        n_tracks=jet.n_tracks,
        n_1=int((subjet == 1).sum()),
        n_2=int((subjet == 2).sum()),
        n_none=int((subjet == 0).sum()),
        **{kind: _share(significance, chosen) for kind, chosen in kinds.items()},
        **{f"even_{kind}": _share(even, chosen) for kind, chosen in kinds.items()},
        relevance_within=float(signed[kinds["within"]].sum()),
        relevance_between=float(signed[kinds["between"]].sum()),
        relevance_1=float(tracks[subjet == 1].sum()),
        relevance_2=float(tracks[subjet == 2].sum()),
    )


def _share(amounts: npt.NDArray[np.float64], chosen: npt.NDArray[np.bool_]) -> float | None:
    """Which part of the sum of ``amounts`` [n_edges] lies on the chosen; None if the sum is 0."""
    total = float(amounts.sum())
    return float(amounts[chosen].sum()) / total if total != 0.0 else None
