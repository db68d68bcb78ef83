"""What the material of the tracker does to photons and hadrons before they leave it."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lrp_core.simulation.particles import Particles
from lrp_core.truth import Origin

Array = npt.NDArray[np.float64]

LAYERS_CM = np.array([2.2, 4.4, 7.3, 10.2, 16.0, 25.5, 33.9, 41.8, 49.8])
"""Radii of beam pipe, pixel and inner strip layers (CMS, JINST 3 (2008) S08004), in cm."""

RADIATION_LENGTHS = 0.72 * np.array([0.02, 0.04, 0.04, 0.04, 0.05, 0.05, 0.05, 0.04, 0.04])
"""Thickness of each layer at right angles in radiation lengths; scale tuned on real jets."""

CONVERSIONS_PER_LENGTH = 7.0 / 9.0
"""Probability of a pair per radiation length of thin material (high-energy limit; PDG, 34.4)."""

INTERACTIONS_PER_LENGTH = 0.27
"""Nuclear interactions of a hadron per radiation length; tuned on real jets."""

MIN_PT = 1.5
MAX_ETA = 2.5
CHARGED_SHARE = 0.65
"""Share of the momentum that the charged products of a nuclear interaction carry."""

KICK_GEV = 0.35
PION_MASS = 0.13957


class Passage(NamedTuple):
    """Particles after the material.

    particles: those that came in, converted photons taken out; stopped_at_cm [n]: radius at which
    each of them interacted, infinite if it did not; products: electrons, positrons and charged
    hadrons made in the material.
    """

    particles: Particles
    stopped_at_cm: Array
    products: Particles


def pass_material(particles: Particles, rng: np.random.Generator) -> Passage:
    """Let photons convert and hadrons interact, at most once each, in layers beyond their birth.

    Photons and hadrons with pT > 1.5 GeV and |eta| < 2.5 only. Paths between birth and layer are
    taken as straight.
    """
    layer = first_layer(particles, rng)
    hit = layer >= 0
    photon = particles.pdg == 22
    converted = particles.take(hit & photon)
    struck = particles.take(hit & ~photon)
    pairs = _pairs(converted, LAYERS_CM[layer[hit & photon]], rng)
    showers = _showers(struck, LAYERS_CM[layer[hit & ~photon]], rng)
    stays = ~(hit & photon)
    stopped = np.where(hit, LAYERS_CM[np.maximum(layer, 0)], np.inf)[stays]
    first = int(particles.group.max(initial=-1)) + 1
    pairs = replace(pairs, group=pairs.group + first)
    showers = replace(showers, group=showers.group + first + len(converted))
    return Passage(particles.take(stays), stopped, Particles.join([pairs, showers]))


def first_layer(particles: Particles, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Number of the layer in which each particle converts or interacts, -1 for none [n]."""
    photon = particles.pdg == 22
    lepton = np.isin(np.abs(particles.pdg), (11, 13))
    rate = np.where(photon, CONVERSIONS_PER_LENGTH, np.where(lepton, 0.0, INTERACTIONS_PER_LENGTH))
    rate = rate * (particles.pt > MIN_PT) * (np.abs(particles.eta) < MAX_ETA)
    slant = np.cosh(np.minimum(np.abs(particles.eta), 1.6))
    beyond = particles.radius[:, None] < LAYERS_CM[None, :]
    depth = np.cumsum((rate * slant)[:, None] * RADIATION_LENGTHS * beyond, axis=1)
    reached = depth > rng.exponential(size=len(particles))[:, None]
    return np.where(reached.any(axis=1), reached.argmax(axis=1), -1)


def _born_at(particles: Particles, radius: Array) -> tuple[Array, Array, Array]:
    """Where the straight path of each particle crosses a radius in cm: x, y, z [n]."""
    ux, uy = np.cos(particles.phi), np.sin(particles.phi)
    along = particles.x * ux + particles.y * uy
    path = -along + np.sqrt(np.maximum(along**2 + radius**2 - particles.radius**2, 0.0))
    return (
        particles.x + path * ux,
        particles.y + path * uy,
        particles.z + path * np.sinh(particles.eta),
    )


def _pairs(photons: Particles, radius: Array, rng: np.random.Generator) -> Particles:
    """Electron and positron of each photon, along its direction, energy shared evenly at random."""
    x, y, z = _born_at(photons, radius)
    share = rng.uniform(size=len(photons))
    group = np.arange(len(photons))
    legs = [
        replace(
            photons,
            pdg=np.full(len(photons), 11 if charge < 0 else -11),
            charge=np.full(len(photons), charge),
            px=photons.px * part,
            py=photons.py * part,
            pz=photons.pz * part,
            energy=photons.energy * part,
            x=x,
            y=y,
            z=z,
            origin=np.full(len(photons), int(Origin.CONVERSION)),
            group=group,
        )
        for charge, part in ((-1.0, share), (1.0, 1.0 - share))
    ]
    return Particles.join(legs)


def _showers(hadrons: Particles, radius: Array, rng: np.random.Generator) -> Particles:
    """Charged products of each nuclear interaction.

    1 + Poisson(1.2 + 0.35 ln p) of them share 65 % of the momentum p (GeV) in parts drawn from a
    gamma distribution of shape 0.9, each with a sideways kick of 0.35 GeV per axis.
    """
    momentum = np.sqrt(hadrons.px**2 + hadrons.py**2 + hadrons.pz**2)
    count = 1 + rng.poisson(1.2 + 0.35 * np.log(np.maximum(momentum, 1.0)))
    parent = np.repeat(np.arange(len(hadrons)), count)
    x, y, z = _born_at(hadrons, radius)
    out = hadrons.take(parent)
    part = rng.gamma(0.9, size=len(parent))
    part *= CHARGED_SHARE / np.bincount(parent, part, minlength=len(hadrons))[parent]
    kick = rng.normal(0.0, KICK_GEV, size=(3, len(parent)))
    direction = np.stack([out.px, out.py, out.pz]) / momentum[parent]
    kick -= direction * (kick * direction).sum(axis=0)
    px, py, pz = direction * momentum[parent] * part + kick
    charge = rng.choice([-1.0, 1.0], size=len(parent))
    return replace(
        out,
        pdg=(211 * charge).astype(np.int64),
        charge=charge,
        px=px,
        py=py,
        pz=pz,
        energy=np.sqrt(px**2 + py**2 + pz**2 + PION_MASS**2),
        x=x[parent],
        y=y[parent],
        z=z[parent],
        origin=np.full(len(parent), int(Origin.INTERACTION)),
        group=parent,
    )
