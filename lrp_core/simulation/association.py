"""Which vertex a track belongs to, by rules like those of CMS's primary-vertex assignment."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lrp_core.simulation.covariance import CLASS_C, momentum_excess
from lrp_core.simulation.tracker import Tracks

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

FIT_TIGHT_CHI2 = 9.0
"""chi2 to its vertex below which a fitted track has most of its weight (read off real jets)."""

FIT_LOOSE_CHI2 = 20.0
"""chi2 above which a track has no weight in the vertex fit (read off real jets)."""


EXCESS = np.array([0.0, 0.5, 1.25, 1.75, 2.25, 2.75, 4.0, 6.0])
FITTED_AT_EXCESS = np.array([0.997, 0.94, 0.76, 0.69, 0.57, 0.45, 0.08, 0.01])
"""Probability that a track is used in the fit of its vertex, by ``momentum_excess``."""

PREFERENCE = 0.3
"""Probability that the primary vertex is preferred to a nearer one within 3 sigma."""


class Association(NamedTuple):
    """How each track [n] goes with the primary vertex.

    quality: 7 fitted with most of its weight, 6 with less, 5 close in z, 4 maybe of a b-hadron,
    0 perhaps of a vertex that was not found, 1 none of these. from_pv: 3 used in the fit of the
    primary vertex, 2 nearest to it, 1 nearest to another. puppi: weight of PUPPI, 0 or 1.
    """

    quality: Integers
    from_pv: Integers
    puppi: Array

    def take(self, rows: Integers) -> Association:
        """Those of these tracks."""
        return Association(self.quality[rows], self.from_pv[rows], self.puppi[rows])


def fit_probability(tracks: Tracks) -> Array:
    """Probability that a track compatible with a vertex is used in its fit [n].

    By its inner hits, and by how much larger than usual the error of its momentum is (read off
    real jets).
    """
    chance = np.select(
        [tracks.lost == -1, tracks.lost == 0, tracks.lost == 1], [1.0, 0.91, 0.91], 0
    )
    excess = momentum_excess(tracks.dptdpt, tracks.pt, tracks.eta)
    chance = chance * np.interp(excess, EXCESS, FITTED_AT_EXCESS)
    return np.where(tracks.pixel_class == CLASS_C, 0.0, chance)


def nearest_vertex(event: Integers, z: Array, vertex_event: Integers, vertex_z: Array) -> Array:
    """|distance| in cm from z to the nearest vertex of the same event, infinite if it has none [n].

    vertex_event, vertex_z [m] in order of event and z.
    """
    key = vertex_event * 1e4 + np.clip(vertex_z, -4e3, 4e3)
    right = np.searchsorted(key, event * 1e4 + np.clip(z, -4e3, 4e3))
    distance = np.full(len(z), np.inf)
    for place in (right - 1, right):
        inside = (place >= 0) & (place < len(key))
        safe = np.clip(place, 0, max(len(key) - 1, 0))
        if len(key):
            same = inside & (vertex_event[safe] == event)
            distance = np.where(same, np.minimum(distance, np.abs(vertex_z[safe] - z)), distance)
    return distance


def associate(
    tracks: Tracks, vertex_event: Integers, vertex_z: Array, rng: np.random.Generator
) -> Association:
    """Associate tracks to the primary vertex (at z = 0) or to the pileup vertices [m] in cm.

    chi2 = (dxy / sigma)^2 + (dz / sigma)^2. A track compatible with the primary vertex is used in
    its fit; any other goes to the nearest vertex in z, the primary vertex preferred when close.
    """
    n = len(tracks)
    significance = np.abs(tracks.dz) / tracks.sigma_dz
    dxy_significance = np.abs(tracks.dxy) / tracks.sigma_dxy
    chi2 = dxy_significance**2 + significance**2 + rng.normal(0.0, 0.3, size=n)
    fitted = rng.uniform(size=n) < fit_probability(tracks)
    fitted &= chi2 < FIT_LOOSE_CHI2
    tight = fitted & (chi2 < FIT_TIGHT_CHI2)

    distance = np.abs(tracks.dz)
    other = nearest_vertex(tracks.event, tracks.dz, vertex_event, vertex_z)
    preferred = (distance < 0.03) | ((distance < 0.1) & (significance < 5.0))
    preferred |= (significance < 3.0) & (rng.uniform(size=n) < PREFERENCE)
    primary = preferred | (distance <= other)
    to_vertex = np.where(primary, distance, other)
    close = to_vertex < np.where(primary, 0.03, 0.1)
    close |= to_vertex / tracks.sigma_dz < 5.0
    b_like = (np.abs(tracks.dxy) < 0.1) & (distance < 0.1)
    lonely = (np.abs(tracks.dxy) < 0.01) & (dxy_significance < 2.0)
    quality = np.select([tight, fitted, close, b_like, lonely], [7, 6, 5, 4, 0], 1)
    lepton = tracks.pdg != 211
    from_pv = np.where(tight, 3, np.where(fitted | primary | lepton, 2, 1))
    puppi = ((from_pv == 3) | (distance < 0.3)).astype(np.float64)
    return Association(quality, from_pv, puppi)
