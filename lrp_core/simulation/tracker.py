"""A parametrised CMS-like tracker: which charged particles become tracks, and how well measured.

Numbers without a source were tuned so that simulated jets look like the real ones of CERN Open
Data record 12102 (DOI 10.7483/OPENDATA.CMS.JGJX.MS7Q).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lrp_core.kinematics import wrap_phi
from lrp_core.simulation.covariance import (
    CLASS_A,
    CLASS_B,
    CLASS_C,
    Covariance,
    draw_covariance,
    momentum_excess,
    pack_covariance,
)
from lrp_core.simulation.helix import closest_approach
from lrp_core.simulation.material import CHARGED_SHARE, pass_material
from lrp_core.simulation.particles import Particles
from lrp_core.simulation.table import Table
from lrp_core.truth import Origin

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

MIN_PT = 0.7
MAX_ETA = 2.5
MAX_Z_CM = 270.0

PION_MASS = 0.1395263671875
"""Mass of a charged hadron in GeV as CMS's 16 bits keep it."""

MASSES = {211: PION_MASS, 13: 0.10565185546875, 11: 0.0005109999}

RADII_CM = np.array([0.0, 4.0, 7.0, 10.0, 20.0, 30.0, 45.0, 60.0])
FOUND_FROM_RADIUS = np.array([1.0, 0.97, 0.9, 0.75, 0.6, 0.5, 0.25, 0.0])
"""Efficiency for a particle born at these radii."""

CELL = 0.03
"""Size in eta and phi of the cells that tracks are counted in, 3 by 3 of them."""

FAKE_RATE = 0.033
FAKE_LOST = (0.02, 0.18, 0.36, 0.44)
"""Shares of the codes of lost inner hits among tracks that belong to no particle."""

CROWD_LOSS = 0.13
CROWD_FREE = 14


@dataclass(frozen=True, eq=False)
class Tracks(Table):
    """Reconstructed tracks [n], measured at the closest approach to the primary vertex.

    event; pt (GeV), eta, phi; charge; dxy, dz (cm) from the vertex; covariance values as packed
    (units in ``Covariance``); lost: code of lost inner hits; pixel_class; pdg: 211, 13 or 11 as
    identified; chi2: chi2/ndf rounded down; quality: bit mask; origin, b, group as in
    ``Particles``.
    """

    event: Integers
    pt: Array
    eta: Array
    phi: Array
    charge: Array
    dxy: Array
    dz: Array
    dptdpt: Array
    detadeta: Array
    dphidphi: Array
    dxydxy: Array
    dzdz: Array
    dxydz: Array
    dlambdadz: Array
    dphidxy: Array
    lost: Integers
    pixel_class: Integers
    pdg: Integers
    chi2: Array
    quality: Integers
    origin: Integers
    b: Integers
    group: Integers

    @property
    def sigma_dxy(self) -> Array:
        """Uncertainty of dxy in cm [n]."""
        return np.sqrt(self.dxydxy)

    @property
    def sigma_dz(self) -> Array:
        """Uncertainty of dz in cm [n]: dzdz is the variance of dsz = dz cos(lambda)."""
        return np.sqrt(np.where(self.dzdz > 0, self.dzdz, 6.55)) * np.cosh(self.eta)

    @property
    def energy(self) -> Array:
        """Energy in GeV with the mass that the identity stands for [n]."""
        return np.sqrt((self.pt * np.cosh(self.eta)) ** 2 + masses(self.pdg) ** 2)


@dataclass(frozen=True, eq=False)
class Deposits(Table):
    """What calorimeters see of neutral and lost particles [n]: event, px, py, pz, energy (GeV)."""

    event: Integers
    px: Array
    py: Array
    pz: Array
    energy: Array


class Measurement(NamedTuple):
    """Tracks and deposits of a block of events."""

    tracks: Tracks
    deposits: Deposits


def masses(pdg: Integers) -> Array:
    """Mass in GeV of each identity (211, 13 or 11) [n]."""
    return np.select(
        [pdg == code for code in MASSES], [np.full(len(pdg), mass) for mass in MASSES.values()]
    )


def measure(particles: Particles, rng: np.random.Generator) -> Measurement:
    """What the detector makes of the particles of a block, with the vertex at the origin."""
    passage = pass_material(particles, rng)
    stays, products = passage.particles, passage.products
    everything = Particles.join([stays, products])
    stopped = np.concatenate([passage.stopped_at_cm, np.full(len(products), np.inf)])
    candidates = (
        (everything.charge != 0)
        & (everything.pt > 0.3)
        & (np.abs(everything.eta) < MAX_ETA + 0.1)
        & (np.abs(everything.z) < MAX_Z_CM)
    )
    rows = np.flatnonzero(candidates)
    charged = everything.take(rows)
    crowd = crowding(charged)
    found = rng.uniform(size=len(charged)) < efficiency(charged, crowd, stopped[rows])
    tracks = reconstruct(charged.take(found), crowd[found], rng)
    kept = (tracks.pt > MIN_PT) & (np.abs(tracks.eta) < MAX_ETA)
    seen = np.zeros(len(everything), dtype=bool)
    seen[rows[np.flatnonzero(found)[kept]]] = True
    fakes = draw_fakes(tracks.take(kept), crowd[found][kept], rng)
    return Measurement(
        Tracks.join([tracks.take(kept), fakes]), deposit(everything, stopped, seen, rng)
    )


def crowding(charged: Particles) -> Array:
    """Number of charged particles with pT > 1 GeV in the 3 by 3 cells around each particle [n]."""
    if len(charged) == 0:
        return np.zeros(0)
    columns = int(np.ceil(2 * np.pi / CELL))
    eta_cell = np.floor((charged.eta + 4.0) / CELL).astype(np.int64) + 1
    phi_cell = np.floor((charged.phi + np.pi) / CELL).astype(np.int64) % columns

    def key(d_eta: int, d_phi: int) -> Integers:
        cell = (eta_cell + d_eta) * columns + (phi_cell + d_phi) % columns
        return charged.event * 1_000_000 + cell

    occupied, counts = np.unique(key(0, 0)[charged.pt > 1.0], return_counts=True)
    total = np.zeros(len(charged))
    if len(occupied) == 0:
        return total
    for d_eta in (-1, 0, 1):
        for d_phi in (-1, 0, 1):
            wanted = key(d_eta, d_phi)
            place = np.minimum(np.searchsorted(occupied, wanted), len(occupied) - 1)
            total += np.where(occupied[place] == wanted, counts[place], 0)
    return total


def efficiency(charged: Particles, crowd: Array, stopped_at_cm: Array) -> Array:
    """Probability that a charged particle becomes a track [n].

    By kind, by birth radius, by the crowd around it, and lower for a hadron stopped in the tracker.
    """
    code = np.abs(charged.pdg)
    kind = np.select([code == 13, code == 11], [0.99, 0.90], 0.955)
    kind = np.where(charged.origin == Origin.CONVERSION, kind * 0.6, kind)
    radius = np.interp(charged.radius, RADII_CM, FOUND_FROM_RADIUS)
    crowded = np.exp(-CROWD_LOSS * np.maximum(0.0, crowd - CROWD_FREE))
    stopped = np.select([stopped_at_cm < 35.0, stopped_at_cm < 60.0], [0.25, 0.85], 1.0)
    return np.asarray(kind * radius * crowded * stopped)


def lost_hits(radius: Array, crowd: Array, rng: np.random.Generator) -> Integers:
    """Code of lost inner hits [n]: -1 innermost layer hit, 0 no hit expected there, 1 or 2 lost."""
    loss = np.minimum(0.06 + 0.007 * crowd, 0.4)
    n = len(radius)
    prompt = np.stack([1 - loss, loss * 0.22, loss * 0.70, loss * 0.08], axis=1)
    second = np.broadcast_to([0.0, 0.08, 0.84, 0.08], (n, 4))
    outer = np.broadcast_to([0.015, 0.125, 0.13, 0.73], (n, 4))
    chance = np.where(
        (radius <= 4.2)[:, None], prompt, np.where((radius <= 7.1)[:, None], second, outer)
    )
    draw = rng.uniform(size=n)
    return np.asarray(np.minimum((draw[:, None] > np.cumsum(chance, axis=1)).sum(axis=1), 3) - 1)


def pixel_classes(lost: Integers, radius: Array, rng: np.random.Generator) -> Integers:
    """Class of each track's covariance [n]: A, B or C (see ``covariance``)."""
    draw = rng.uniform(size=len(lost))
    no_pixel = (radius > 8.5) | ((lost == 2) & (draw < 0.5)) | ((lost >= 0) & (draw < 0.08))
    return np.where(no_pixel, CLASS_C, np.where(lost == -1, CLASS_A, CLASS_B))


def reconstruct(charged: Particles, crowd: Array, rng: np.random.Generator) -> Tracks:
    """Tracks of the particles that were found, smeared by their own uncertainties.

    Pulls have a core of 1.06 and a tail (8 % and more in a crowd) of 1 + Exp(3.5) times that. The
    draws are correlated: phi with dxy by -0.9, q/p with dxy by 0.6, lambda with dz by -0.8.
    """
    n = len(charged)
    nearest = closest_approach(
        charged.x, charged.y, charged.z, charged.phi, charged.eta, charged.pt, charged.charge
    )
    lost = lost_hits(charged.radius, crowd, rng)
    pixel_class = pixel_classes(lost, charged.radius, rng)
    true = draw_covariance(charged.pt, charged.eta, pixel_class, rng)

    disturbed = momentum_excess(true.dptdpt, charged.pt, charged.eta) > 2.0
    chance = (0.07 + 0.004 * crowd) * np.where(disturbed, 2.5, 1.0)
    in_tail = rng.uniform(size=n) < np.minimum(chance, 0.5)
    tail = np.where(in_tail, 1.0 + rng.exponential(3.5, size=n), 1.0)
    u = rng.normal(size=(5, n))
    across, along = u[0], u[1]
    turn = -0.9 * across + np.sqrt(1 - 0.9**2) * u[2]
    bend = 0.6 * across + 0.8 * u[3]
    dip = -0.8 * along + 0.6 * u[4]
    scale = 1.06 * tail
    momentum = charged.pt * np.cosh(charged.eta)
    stretch = 1.0 + np.clip(1.06 * bend * np.sqrt(true.dptdpt) * momentum, -0.5, 2.0)
    slope = np.arctan(np.sinh(charged.eta)) + np.clip(
        1.06 * dip * np.sqrt(true.detadeta), -0.05, 0.05
    )
    eta = np.arcsinh(np.tan(slope))
    dxy = nearest.dxy_cm + scale * across * np.sqrt(true.dxydxy)
    dz = nearest.dz_cm + scale * along * np.sqrt(true.dzdz) * np.cosh(charged.eta)
    phi = nearest.phi + np.clip(1.06 * turn * np.sqrt(true.dphidphi), -0.1, 0.1)
    return _tracks(
        charged,
        pt=charged.pt / stretch,
        eta=eta,
        phi=wrap_phi(phi),
        dxy=dxy,
        dz=dz,
        covariance=true,
        lost=lost,
        pixel_class=pixel_class,
        tail=tail,
        rng=rng,
    )


def identify(charged: Particles, rng: np.random.Generator) -> Integers:
    """What particle flow takes each for [n]: 13 a muon, 11 an electron, 211 anything else."""
    code = np.abs(charged.pdg)
    momentum = charged.pt * np.cosh(charged.eta)
    rise = 0.5 * (1.0 + np.tanh((momentum - 3.5) / 1.0))
    muon = np.where(code == 13, 0.93 * rise, 0.004)
    electron = np.where(code == 11, 0.45 * np.clip((charged.pt - 1.0) / 2.0, 0.0, 1.0), 0.0015)
    electron = np.where(charged.origin == Origin.CONVERSION, 0.02, electron)
    draw = rng.uniform(size=len(charged))
    return np.select([draw < muon, draw < muon + electron], [13, 11], 211)


def _tracks(
    charged: Particles,
    *,
    pt: Array,
    eta: Array,
    phi: Array,
    dxy: Array,
    dz: Array,
    covariance: Covariance,
    lost: Integers,
    pixel_class: Integers,
    tail: Array,
    rng: np.random.Generator,
) -> Tracks:
    """The table of tracks, values as CMS's packed candidates keep them."""
    n = len(charged)
    pt = np.minimum(pt, 6e4).astype(np.float16).astype(np.float64)
    packed = pack_covariance(covariance, np.maximum(pt, 0.1))
    chi2 = rng.gamma(4.5, 0.22, size=n) * np.where(lost == -1, 0.96, 0.92)
    shared = np.where(lost == -1, 0.017, 0.007)
    chi2 *= np.where(rng.uniform(size=n) < 0.05, 1.0 + rng.exponential(3.0, size=n), 1.0)
    chi2 *= np.where(rng.uniform(size=n) < shared, 1.0 + rng.exponential(22.0, size=n), 1.0)
    chi2 *= np.where(tail > 2.0, 1.5, 1.0)
    return Tracks(
        event=charged.event,
        pt=pt,
        eta=eta,
        phi=phi,
        charge=charged.charge,
        dxy=(dxy * 100.0).astype(np.float16).astype(np.float64) / 100.0,
        dz=dz,
        dptdpt=packed.dptdpt,
        detadeta=packed.detadeta,
        dphidphi=packed.dphidphi,
        dxydxy=packed.dxydxy,
        dzdz=packed.dzdz,
        dxydz=packed.dxydz,
        dlambdadz=packed.dlambdadz,
        dphidxy=packed.dphidxy,
        lost=lost,
        pixel_class=pixel_class,
        pdg=identify(charged, rng),
        chi2=np.floor(chi2),
        quality=np.where(rng.uniform(size=n) < 0.002, 1, 5),
        origin=charged.origin,
        b=charged.b,
        group=charged.group,
    )


def draw_fakes(tracks: Tracks, crowd: Array, rng: np.random.Generator) -> Tracks:
    """Tracks that belong to no particle: 3.3 % as many as true ones, more of them in a crowd.

    Around a true track (0.06 away), pT from a Pareto distribution of index 1.4 up to 200 GeV,
    dxy from a Cauchy distribution of 3 cm up to 40 cm, dz normal with 17 cm; no pixel hits.
    """
    per_event = np.bincount(tracks.event, minlength=1)
    crowd_mean = np.bincount(tracks.event, crowd + 1.0) / np.maximum(per_event, 1)
    chance = FAKE_RATE * (crowd + 1.0) / crowd_mean[tracks.event]
    seeds = tracks.take(rng.uniform(size=len(tracks)) < chance)
    n = len(seeds)
    pt = np.minimum(MIN_PT * (1.0 + rng.pareto(1.4, size=n)), 200.0)
    eta = np.clip(seeds.eta + rng.normal(0.0, 0.042, size=n), -2.49, 2.49)
    phi = seeds.phi + rng.normal(0.0, 0.042, size=n)
    charge = rng.choice([-1.0, 1.0], size=n)
    pixel_class = np.full(n, CLASS_C)
    ghost = Particles(
        event=seeds.event,
        pdg=(211 * charge).astype(np.int64),
        charge=charge,
        px=pt * np.cos(phi),
        py=pt * np.sin(phi),
        pz=pt * np.sinh(eta),
        energy=pt * np.cosh(eta),
        x=np.zeros(n),
        y=np.zeros(n),
        z=np.zeros(n),
        origin=np.full(n, int(Origin.FAKE)),
        b=np.full(n, -1),
        group=np.full(n, -1),
    )
    return _tracks(
        ghost,
        pt=pt,
        eta=eta,
        phi=wrap_phi(phi),
        dxy=np.clip(3.0 * rng.standard_cauchy(size=n), -40.0, 40.0),
        dz=rng.normal(0.0, 17.0, size=n),
        covariance=draw_covariance(pt, eta, pixel_class, rng),
        lost=rng.choice([-1, 0, 1, 2], size=n, p=FAKE_LOST),
        pixel_class=pixel_class,
        tail=np.ones(n),
        rng=rng,
    )


def deposit(
    particles: Particles,
    stopped_at_cm: Array,
    seen: npt.NDArray[np.bool_],
    rng: np.random.Generator,
) -> Deposits:
    """Energy of particles that left no track, smeared, within |eta| < 4.7.

    Photons and electrons 3 %/sqrt(E) + 0.7 % with response 0.98; hadrons 100 %/sqrt(E) + 5 % with
    response 0.84 (the jets' energy is not corrected). Muons leave nothing. Of a hadron that
    interacted and left no track of its own only what its charged products do not carry.
    """
    share = np.where(np.isfinite(stopped_at_cm), 1.0 - CHARGED_SHARE, 1.0)
    code = np.abs(particles.pdg)
    light = (code == 22) | (code == 11)
    wanted = ~seen & (code != 13) & (np.abs(particles.eta) < 4.7) & (particles.energy > 0.1)
    energy = (particles.energy * share)[wanted]
    bright = light[wanted]
    spread = np.where(
        bright, np.hypot(0.03 / np.sqrt(energy), 0.007), np.hypot(1.0 / np.sqrt(energy), 0.05)
    )
    factor = np.where(bright, 0.98, 0.84) * (1.0 + spread * rng.normal(size=len(energy)))
    factor = np.maximum(factor, 0.0) * share[wanted]
    hit = particles.take(wanted)
    out = Deposits(
        event=hit.event,
        px=hit.px * factor,
        py=hit.py * factor,
        pz=hit.pz * factor,
        energy=hit.energy * factor,
    )
    return out.take(out.energy > 0.2)
