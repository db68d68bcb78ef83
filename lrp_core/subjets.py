"""The soft-drop subjets of a jet: which one each track is nearest to, and where they fly.

HiggsToBBNtuple does not say where the subjets are, but how far every track is from each of them:
``track_drsubjet1`` and ``track_drsubjet2``, √(Δη² + Δφ²), -1 where there is none. With three tracks
that are not on one line that fixes the point (multilateration).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lrp_core.kinematics import wrap_phi

if TYPE_CHECKING:
    from lrp_core.jets import Jet

Array = npt.NDArray[np.float64]

NUMBERS = (1, 2)
FEWEST_TRACKS = 3
# Distances stored in float32 fit to 1e-7; ones that are off by more than this belong to no point.
LARGEST_RESIDUAL = 1e-3
# Tracks that stray from a line by less than this cannot tell its two sides apart.
SMALLEST_WIDTH = 1e-3
REFINEMENTS = 5


@dataclass(frozen=True)
class SubjetAxis:
    """Where one soft-drop subjet of a jet flies.

    number    1 for the leading one, 2 for the other
    etarel    sign(η_jet)·(η - η_jet), as ``track_etarel``
    phirel    φ - φ_jet in rad, as ``track_phirel``
    residual  by how much the distance of the track that fits worst is off, in η-φ; a good file has
              no more than the rounding of its numbers
    """

    number: int
    etarel: float
    phirel: float
    residual: float


def subjet_axes(jet: Jet) -> tuple[SubjetAxis, ...]:
    """The axes of the jet's soft-drop subjets, as far as its tracks fix them; () where none does.

    A subjet is left out, never guessed, if the jet lacks the columns, if fewer than three tracks
    are at a known distance from it or all of them are on one line, or if no point has the distances
    (``LARGEST_RESIDUAL``).
    """
    if not {"track_etarel", "track_phirel"} <= set(jet.columns):
        return ()
    # The sign that track_etarel has is the same for all tracks, so that no distance changes.
    tracks = np.stack([jet.column("track_etarel"), jet.column("track_phirel")], axis=1)
    axes = (_axis(number, tracks.astype(np.float64), _distances(jet, number)) for number in NUMBERS)
    return tuple(axis for axis in axes if axis is not None)


def nearest_subjet(jet: Jet) -> npt.NDArray[np.int64] | None:
    """[n_tracks]: 1 or 2, the subjet that each track is nearest to, or 0 where it has none.

    Two equal distances give 1. None if the jet has not both columns.
    """
    one, two = (_distances(jet, number) for number in NUMBERS)
    if one is None or two is None:
        return None
    one, two = (np.where(distance < 0, np.inf, distance) for distance in (one, two))
    nearest = np.where(two < one, 2, 1)
    return np.where(np.isinf(np.minimum(one, two)), 0, nearest).astype(np.int64)


def _distances(jet: Jet, number: int) -> Array | None:
    """[n_tracks]: how far each track is from a subjet, negative where there is none."""
    name = f"track_drsubjet{number}"
    return jet.column(name).astype(np.float64) if name in jet.columns else None


def _axis(number: int, tracks: Array, distances: Array | None) -> SubjetAxis | None:
    """The point at ``distances`` [n_tracks] from ``tracks`` [n_tracks, 2], if there is one."""
    if distances is None:
        return None
    known = distances >= 0
    tracks, distances = tracks[known], distances[known]
    # Beyond half a turn a distance does not tell which way round it was measured.
    if len(tracks) < FEWEST_TRACKS or distances.max() > np.pi:
        return None
    turned = tracks.copy()
    turned[:, 1] = wrap_phi(tracks[:, 1] - tracks[0, 1])
    centre = turned.mean(axis=0)
    around = turned - centre
    width = np.linalg.svd(around, compute_uv=False)[1] / np.sqrt(len(around))
    if width < SMALLEST_WIDTH:
        return None
    point = _refined(_linear(around, distances), around, distances)
    residual = float(np.abs(np.linalg.norm(point - around, axis=1) - distances).max())
    if not residual <= LARGEST_RESIDUAL:
        return None
    etarel, phirel = point + centre
    return SubjetAxis(number, float(etarel), float(wrap_phi(phirel + tracks[0, 1])), residual)


def _linear(tracks: Array, distances: Array) -> Array:
    """The point by the equations |point - track|² = distance², less their mean: linear in it.

    tracks [n, 2], around their mean. Least squares; exact where the distances are.
    """
    right = (tracks**2).sum(axis=1) - distances**2
    point: Array = np.linalg.lstsq(2 * tracks, right - right.mean(), rcond=None)[0]
    return point


def _refined(point: Array, tracks: Array, distances: Array) -> Array:
    """The point whose distances themselves, not their squares, fit best: a few steps of Gauss."""
    for _ in range(REFINEMENTS):
        away = point - tracks
        found = np.linalg.norm(away, axis=1)
        slopes = away / np.maximum(found, 1e-12)[:, None]  # a subjet may lie on a track
        point = point + np.linalg.lstsq(slopes, distances - found, rcond=None)[0]
    return point
