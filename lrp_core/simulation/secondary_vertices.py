"""Secondary vertices: what a vertex finder would make of decays, of the material and of chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lrp_core.kinematics import delta_r
from lrp_core.simulation.particles import pseudorapidity
from lrp_core.simulation.table import Table
from lrp_core.simulation.tracker import Tracks

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

VERTEX_EFFICIENCY = 0.78
CHANCE_EFFICIENCY = 0.25
NEIGHBOURS = 3
"""How many of the next displaced tracks of the event each is tried with for a vertex by chance."""


@dataclass(frozen=True, eq=False)
class Vertices(Table):
    """Secondary vertices [m]: event, and eta, phi of the sum of their tracks' momenta."""

    event: Integers
    eta: Array
    phi: Array


def find_vertices(tracks: Tracks, ip3d: Array, sig3d: Array, rng: np.random.Generator) -> Vertices:
    """Secondary vertices of a block; ip3d (cm) and sig3d [n] without sign.

    True ones: tracks of one decay or interaction with |dz| < 0.3 cm and pT > 0.8 GeV; at least two,
    one of them with sig3d > 1.2 and ip3d > 50 um, and one with dxy more than 2.5 sigma away; found
    with 78 %. By chance: pairs of displaced tracks that lie close together.
    """
    usable = (np.abs(tracks.dz) < 0.3) & (tracks.pt > 0.8) & (tracks.group >= 0)
    rows = np.flatnonzero(usable)
    key, member = np.unique(tracks.group[rows], return_inverse=True)
    count = np.bincount(member, minlength=len(key))
    displaced = (sig3d[rows] > 1.2) & (ip3d[rows] > 0.005)
    far = np.abs(tracks.dxy[rows]) / tracks.sigma_dxy[rows] > 2.5
    good = (
        (count >= 2)
        & (np.bincount(member, displaced, minlength=len(key)) >= 1)
        & (np.bincount(member, far, minlength=len(key)) >= 1)
        & (rng.uniform(size=len(key)) < VERTEX_EFFICIENCY)
    )
    px = tracks.pt * np.cos(tracks.phi)
    py = tracks.pt * np.sin(tracks.phi)
    pz = tracks.pt * np.sinh(tracks.eta)
    sums = [
        np.bincount(member, p[rows], minlength=len(key))[good].astype(np.float64)
        for p in (px, py, pz)
    ]
    first = np.full(len(key), -1)
    first[member[::-1]] = rows[::-1]
    true = _vertices(tracks.event[first[good]], *sums)

    loose = np.flatnonzero((sig3d > 1.5) & (np.abs(tracks.dxy) < 1.0))
    loose = loose[np.argsort(tracks.event[loose], kind="stable")]
    by_chance = []
    for step in range(1, NEIGHBOURS + 1):
        one, two = loose[:-step], loose[step:]
        near = delta_r(tracks.eta[one], tracks.phi[one], tracks.eta[two], tracks.phi[two]) < 0.3
        near &= tracks.event[one] == tracks.event[two]
        near &= rng.uniform(size=len(one)) < CHANCE_EFFICIENCY
        a, b = one[near], two[near]
        by_chance.append(_vertices(tracks.event[a], px[a] + px[b], py[a] + py[b], pz[a] + pz[b]))
    return Vertices.join([true, *by_chance])


def _vertices(event: Integers, px: Array, py: Array, pz: Array) -> Vertices:
    return Vertices(event, pseudorapidity(np.hypot(px, py), pz), np.arctan2(py, px))
