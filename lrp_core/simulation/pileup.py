"""Pileup: other collisions of the same bunch crossing, laid over the hard one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lrp_core.kinematics import wrap_phi
from lrp_core.simulation.association import FIT_LOOSE_CHI2, fit_probability
from lrp_core.simulation.generator import Generator
from lrp_core.simulation.particles import read_record
from lrp_core.simulation.samples import PILEUP, SLICES
from lrp_core.simulation.table import ranges
from lrp_core.simulation.tracker import Tracks, measure
from lrp_core.truth import Origin

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

POOL_EVENTS = 1500
MEAN_COLLISIONS = 25.0
"""Mean number of other collisions per crossing (LHC in 2016)."""

LENGTH_CM = 4.2
"""Standard deviation of the collisions' z (LHC in 2016)."""

TRACKS_TO_FIND = 2.0
"""A collision with n tracks that fit its vertex is found with probability 1 - exp(-n / this)."""

CHARGED_SUBTRACTION = 0.97
"""Probability that charged-hadron subtraction takes out a track of another found vertex."""


@dataclass(frozen=True, eq=False)
class Pool:
    """Measured minimum-bias events to draw pileup from: their tracks, event by event."""

    tracks: Tracks
    starts: Integers
    counts: Integers


@dataclass(frozen=True, eq=False)
class Overlay:
    """Pileup laid over a block of events.

    tracks: those that charged-hadron subtraction leaves; vertex_event [m] and vertex_z_cm [m]:
    reconstructed pileup vertices, z from the hard collision, in order of event and z.
    """

    tracks: Tracks
    vertex_event: Integers
    vertex_z_cm: Array


def make_pool(n_events: int, seed: np.random.SeedSequence) -> Pool:
    """Generate and measure ``n_events`` minimum-bias events."""
    rng = np.random.default_rng(seed)
    generator = Generator(SLICES[PILEUP][0])
    particles, _ = read_record(generator.generate(n_events, int(rng.integers(1, 900_000_000))))
    tracks = measure(particles, rng).tracks
    tracks = tracks.take(np.argsort(tracks.event, kind="stable"))
    counts = np.bincount(tracks.event, minlength=n_events)
    return Pool(tracks, np.cumsum(counts) - counts, counts)


def overlay(pool: Pool, n_events: int, rng: np.random.Generator) -> Overlay:
    """Lay a Poisson number of collisions over each of ``n_events`` events.

    Each comes from the pool, turned by a random angle and moved along the beam. A track that its
    own reconstructed vertex would be fitted with is subtracted.
    """
    collisions = rng.poisson(MEAN_COLLISIONS, size=n_events)
    event = np.repeat(np.arange(n_events), collisions)
    hard_z = rng.normal(0.0, LENGTH_CM, size=n_events)
    z = rng.normal(0.0, LENGTH_CM, size=len(event)) - hard_z[event]
    turn = rng.uniform(-np.pi, np.pi, size=len(event))
    chosen = rng.integers(0, len(pool.counts), size=len(event))

    counts = pool.counts[chosen]
    collision = np.repeat(np.arange(len(event)), counts)
    tracks = pool.tracks.take(ranges(pool.starts[chosen], counts))
    chi2 = (tracks.dxy / tracks.sigma_dxy) ** 2 + (tracks.dz / tracks.sigma_dz) ** 2
    fitted = (chi2 < FIT_LOOSE_CHI2) & (rng.uniform(size=len(tracks)) < fit_probability(tracks))
    n_fitted = np.bincount(collision[fitted], minlength=len(event))
    found = rng.uniform(size=len(event)) < 1.0 - np.exp(-n_fitted / TRACKS_TO_FIND)
    fitted &= found[collision]
    gone = fitted & (rng.uniform(size=len(tracks)) < CHARGED_SUBTRACTION)
    moved = replace(
        tracks,
        event=event[collision],
        phi=wrap_phi(tracks.phi + turn[collision]),
        dz=tracks.dz + z[collision],
        origin=np.full(len(tracks), int(Origin.PILEUP)),
        b=np.full(len(tracks), -1),
        group=np.full(len(tracks), -1),
    )
    seen = np.flatnonzero(found)
    seen = seen[np.lexsort((z[seen], event[seen]))]
    return Overlay(moved.take(~gone), event[seen], z[seen])
