"""Particles of a block of generated events, and where each of them comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lrp_core.simulation.table import Table
from lrp_core.truth import Origin

Integers = npt.NDArray[np.int64]
Array = npt.NDArray[np.float64]


STRANGE = (310, 3122, 3112, 3222, 3312, 3322, 3334)
"""PDG codes of what decays in the tracker by weak decay of strangeness: K_S, Lambda, hyperons."""

CHARGED = (11, 13, 211, 321, 2212)
"""PDG codes of the charged particles that reach the tracker."""

NEUTRINOS = (12, 14, 16)


@dataclass(frozen=True, eq=False)
class Particles(Table):
    """Final particles of a block of events; momenta in GeV, birth places in cm.

    event [n] number in the block; pdg [n]; charge [n] in e; px, py, pz, energy [n];
    x, y, z [n] from the collision; origin [n] of ``Origin``; b [n] row of the b-hadron in the
    block's ``Hadrons`` it descends from, or -1; group [n] number of the decay or interaction that
    it left (unique in the block), or -1 for a prompt particle.
    """

    event: Integers
    pdg: Integers
    charge: Array
    px: Array
    py: Array
    pz: Array
    energy: Array
    x: Array
    y: Array
    z: Array
    origin: Integers
    b: Integers
    group: Integers

    @property
    def pt(self) -> Array:
        """Transverse momentum in GeV [n]."""
        return np.hypot(self.px, self.py)

    @property
    def eta(self) -> Array:
        """Pseudorapidity [n]; 15 at most, for what flies along the beam."""
        return pseudorapidity(self.pt, self.pz)

    @property
    def phi(self) -> Array:
        """Azimuth in radian [n]."""
        return np.arctan2(self.py, self.px)

    @property
    def radius(self) -> Array:
        """Distance of the birth place from the beam line in cm [n]."""
        return np.hypot(self.x, self.y)


@dataclass(frozen=True, eq=False)
class Hadrons(Table):
    """Heavy things a label needs: weakly decaying b- and c-hadrons, and the b-quarks of a Higgs.

    event [n]; pdg [n]; kind [n]: 5 b-hadron, 4 c-hadron, 25 b-quark of a Higgs; parent [n]: which
    Higgs of the event (for kind 25), else -1; pt (GeV), eta, phi [n].
    """

    event: Integers
    pdg: Integers
    kind: Integers
    parent: Integers
    pt: Array
    eta: Array
    phi: Array


class Record(NamedTuple):
    """The whole event record of a block, every particle of every event in one row [n].

    event; pdg; status (positive: final); mother (row of the first mother, its own row at the top);
    px, py, pz, energy in GeV; x, y, z of the birth place in cm.
    """

    event: Integers
    pdg: Integers
    status: Integers
    mother: Integers
    px: Array
    py: Array
    pz: Array
    energy: Array
    x: Array
    y: Array
    z: Array


def pseudorapidity(pt: Array, pz: Array) -> Array:
    """eta = asinh(pz / pT) [n], kept within 15."""
    return np.clip(np.arcsinh(pz / np.maximum(pt, 1e-12)), -15.0, 15.0)


def holds_quark(pdg: Integers, quark: int) -> npt.NDArray[np.bool_]:
    """Whether a PDG code [n] is a hadron with open flavour of this heavy quark (4 or 5) [n].

    Source: numbering scheme of the Particle Data Group (Review of Particle Physics, section 45).
    """
    code = np.abs(pdg) % 10000
    meson = (code >= 100) & (code < 1000) & (code // 100 % 10 == quark) & (code // 10 % 10 != quark)
    baryon = (code >= 1000) & (code // 1000 == quark) & (code // 10 % 10 != 0)
    return np.asarray((meson | baryon) & (np.abs(pdg) < 10_000_000))


def weak(flavoured: npt.NDArray[np.bool_], mother: Integers) -> npt.NDArray[np.bool_]:
    """Of the hadrons of a flavour [n], those without a child of the same flavour [n]."""
    again = np.zeros(len(flavoured), dtype=bool)
    again[mother[flavoured]] = True
    return flavoured & ~again


def nearest_ancestor(among: npt.NDArray[np.bool_], mother: Integers) -> Integers:
    """Row of the nearest ancestor (or itself) among the marked rows; -1 where there is none [n].

    among [n], mother [n]. Follows first mothers, doubling its stride until nothing moves.
    """
    rows = np.arange(len(mother))
    pointer = np.where(among, rows, mother)
    while True:
        further = pointer[pointer]
        if np.array_equal(further, pointer):
            break
        pointer = further
    return np.where(among[pointer], pointer, -1)


def read_record(record: Record) -> tuple[Particles, Hadrons]:
    """Final particles with their origin, and the heavy hadrons, of a block of events."""
    is_b = weak(holds_quark(record.pdg, 5), record.mother)
    is_c = weak(holds_quark(record.pdg, 4), record.mother)
    strange = np.isin(np.abs(record.pdg), STRANGE)
    final = np.flatnonzero(record.status > 0)
    final = final[~np.isin(np.abs(record.pdg[final]), NEUTRINOS)]
    b = nearest_ancestor(is_b, record.mother)
    c = nearest_ancestor(is_c, record.mother)
    v0 = nearest_ancestor(strange, record.mother)

    pt = np.hypot(record.px, record.py)
    from_higgs = (np.abs(record.pdg) == 5) & (record.pdg[record.mother] == 25)
    kept = np.flatnonzero(is_b | is_c | from_higgs)
    hadrons = Hadrons(
        event=record.event[kept],
        pdg=record.pdg[kept],
        kind=np.where(is_b[kept], 5, np.where(is_c[kept], 4, 25)),
        parent=np.where(from_higgs[kept], record.mother[kept], -1),
        pt=pt[kept],
        eta=pseudorapidity(pt[kept], record.pz[kept]),
        phi=np.arctan2(record.py[kept], record.px[kept]),
    )
    row_of = np.full(len(record.pdg) + 1, -1, dtype=np.int64)
    row_of[kept] = np.arange(len(kept))

    code = np.abs(record.pdg[final])
    lepton = (code == 11) | (code == 13)
    charge = np.where(np.isin(code, CHARGED), np.sign(record.pdg[final]), 0) * np.where(
        lepton, -1, 1
    )
    group = np.where(v0[final] >= 0, v0[final], np.where(b[final] >= 0, b[final], c[final]))
    origin = np.select(
        [v0[final] >= 0, b[final] >= 0, c[final] >= 0],
        [Origin.V0, Origin.B_HADRON, Origin.C_HADRON],
        Origin.PROMPT,
    )
    particles = Particles(
        event=record.event[final],
        pdg=record.pdg[final],
        charge=charge.astype(np.float64),
        px=record.px[final],
        py=record.py[final],
        pz=record.pz[final],
        energy=record.energy[final],
        x=record.x[final],
        y=record.y[final],
        z=record.z[final],
        origin=origin.astype(np.int64),
        b=row_of[b[final]],
        group=group,
    )
    return particles, hadrons
