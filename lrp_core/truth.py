"""What a simulation knows of its jets, and how well an explanation points at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lrp_core.errors import JetError, JetFileError

if TYPE_CHECKING:
    from lrp_core.explanation import Explanation

Array = npt.NDArray[np.float64]

TREE = "deepntuplizer/tree"


class Origin(IntEnum):
    """Where a track comes from: the code in the branch ``track_truth_origin``.

    A track of a b-hadron's decay chain counts as B_HADRON also where a c-hadron lies between;
    a track of a V0 or from the material counts as that, whatever the V0 or the photon came from
    (``track_truth_b`` still tells its b-hadron).
    """

    PROMPT = 0
    B_HADRON = 1
    C_HADRON = 2
    V0 = 3
    CONVERSION = 4
    INTERACTION = 5
    PILEUP = 6
    FAKE = 7


@dataclass(frozen=True)
class BHadron:
    """A b-hadron of a jet: pT in GeV, and where it flies, seen from the jet's axis.

    etarel: eta - eta_jet, times the sign of eta_jet, as in ``track_etarel``; phirel: phi - phi_jet.
    """

    pt: float
    etarel: float
    phirel: float


@dataclass(frozen=True, eq=False)
class Truth:
    """What is known of one simulated jet.

    origin [n_tracks] of ``Origin``; b [n_tracks]: 1 or 2 for a track that descends from that one
    of ``hadrons``, else 0; hadrons: the jet's b-hadrons, at most two, the harder first.
    """

    origin: npt.NDArray[np.int64]
    b: npt.NDArray[np.int64]
    hadrons: tuple[BHadron, ...] = ()

    @property
    def from_b(self) -> npt.NDArray[np.bool_]:
        """[n_tracks]: tracks that descend from a b-hadron, by whatever way."""
        return np.asarray((self.origin == Origin.B_HADRON) | (self.b > 0))


@dataclass(frozen=True)
class TruthMatch:
    """How an explanation goes with the truth of its jet. All shares are from 0 to 1.

    n_tracks, n_b: tracks of the jet, and those that descend from a b-hadron
    track_share, pt_share: the share of b-hadron tracks in the number of tracks, and in their pT;
        what an explanation that knows nothing would give them
    relevance_share: their share of the sum of |relevance| over tracks
    edge_share: their share of the edge significance, half of an edge for each of its ends
    average_precision: of ranking tracks by |relevance|: mean precision over the b-hadron tracks
    edge_average_precision: of ranking tracks by the significance of their edges
    chance: average precision that a random ranking has on average, about track_share
    """

    n_tracks: int
    n_b: int
    track_share: float
    pt_share: float
    relevance_share: float
    edge_share: float
    average_precision: float
    edge_average_precision: float
    chance: float


def read_truth(path: str | Path, entries: Sequence[int], *, tree: str = TREE) -> list[Truth | None]:
    """The truth of these jets of a file; None for each where the file has none.

    Raises JetFileError if the file cannot be read.
    """
    import awkward as ak
    import uproot

    wanted = ["track_truth_origin", "track_truth_b"]
    also = [f"fj_truth_b{i}_{what}" for i in (1, 2) for what in ("pt", "etarel", "phirel")]
    out: list[Truth | None] = []
    try:
        with uproot.open(path) as file:
            branches = file[tree]
            there = set(branches.keys())
            if not set(wanted) <= there:
                return [None] * len(entries)
            names = wanted + [name for name in also if name in there]
            for entry in entries:
                row = branches.arrays(names, entry_start=entry, entry_stop=entry + 1)
                if len(row) != 1:
                    raise JetFileError(
                        f"{path}: there is no jet {entry}; it has {branches.num_entries}"
                    )
                origin, b = (ak.to_numpy(row[name][0]).astype(np.int64) for name in wanted)
                hadrons = [
                    BHadron(
                        *(float(row[f"fj_truth_b{i}_{w}"][0]) for w in ("pt", "etarel", "phirel"))
                    )
                    for i in (1, 2)
                    if f"fj_truth_b{i}_pt" in there
                ]
                out.append(Truth(origin, b, tuple(h for h in hadrons if h.pt > 0)))
    except (OSError, KeyError) as error:
        raise JetFileError(f"{path}: cannot be read as jets ({error})") from error
    return out


def truth_match(explanation: Explanation, truth: Truth, pt: npt.ArrayLike) -> TruthMatch:
    """How much of an explanation lies on tracks of b-hadrons.

    pt [n_tracks] of the jet's tracks in GeV. Without a b-hadron track the shares are 0 and the
    average precisions NaN. Raises JetError if the numbers of tracks differ.
    """
    relevance = np.abs(np.asarray(explanation.track_relevance, dtype=np.float64).sum(axis=1))
    weight = np.asarray(pt, dtype=np.float64)
    n_tracks = len(relevance)
    if len(truth.origin) != n_tracks or len(weight) != n_tracks:
        raise JetError(
            f"{explanation.jet_id}: the explanation has {n_tracks} tracks, the truth "
            f"{len(truth.origin)} and pT {len(weight)}; they must be of the same jet"
        )
    from_b = truth.from_b
    significance = np.asarray(explanation.edge_significance, dtype=np.float64)
    ends = np.zeros(n_tracks)
    for row in explanation.edge_index:
        ends += np.bincount(row, significance, minlength=n_tracks) / 2
    n_b = int(from_b.sum())
    return TruthMatch(
        n_tracks=n_tracks,
        n_b=n_b,
        track_share=n_b / n_tracks,
        pt_share=_share(weight, from_b),
        relevance_share=_share(relevance, from_b),
        edge_share=_share(ends, from_b),
        average_precision=average_precision(relevance, from_b),
        edge_average_precision=average_precision(ends, from_b),
        chance=random_average_precision(n_tracks, n_b),
    )


def average_precision(score: Array, wanted: npt.NDArray[np.bool_]) -> float:
    """Mean over the wanted rows of the precision of all rows scored no lower; NaN for none.

    score [n], wanted [n] -> 0 to 1; equal scores count as one step.
    """
    if not wanted.any():
        return float("nan")
    precision = [float(wanted[score >= own].mean()) for own in score[wanted]]
    return float(np.mean(precision))


def random_average_precision(n: int, n_wanted: int) -> float:
    """Average precision that a random order of n rows with n_wanted wanted ones has on average.

    The k-th row is wanted with probability m / n, and then of the k - 1 before it a share
    (m - 1) / (n - 1) is.
    """
    if n_wanted == 0:
        return float("nan")
    if n == 1:
        return 1.0
    places = np.arange(1, n + 1)
    return float(np.mean((1 + (places - 1) * (n_wanted - 1) / (n - 1)) / places))


def _share(weight: Array, chosen: npt.NDArray[np.bool_]) -> float:
    total = float(weight.sum())
    return float(weight[chosen].sum()) / total if total > 0 else 0.0
