"""A block: a fixed number of events of one slice, from the generator to finished jets."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lrp_core.kinematics import delta_phi
from lrp_core.simulation.association import associate
from lrp_core.simulation.fat_jets import FatJets, cluster
from lrp_core.simulation.flavour import LABELS, Flavours, find_flavours
from lrp_core.simulation.generator import Generator
from lrp_core.simulation.helix import move_vertex
from lrp_core.simulation.particles import Hadrons, read_record
from lrp_core.simulation.pileup import Pool, overlay
from lrp_core.simulation.samples import SIGNAL, SLICES
from lrp_core.simulation.secondary_vertices import find_vertices
from lrp_core.simulation.table import ranges
from lrp_core.simulation.track_features import MIN_PT, impact_parameters, track_features
from lrp_core.simulation.tracker import MAX_ETA, Tracks, measure

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

BLOCK_EVENTS = 100
MIN_TRACKS = 3
VERTEX_SMEAR_CM = (6e-4, 6e-4, 12e-4)
"""How far the reconstructed vertex lies from the true one: standard deviations of x, y and z."""


@dataclass(frozen=True)
class Task:
    """What names a block: its number in the whole sample, its process, slice and the seed."""

    number: int
    process: str
    slice: int
    seed: int


@dataclass(frozen=True, eq=False)
class Jets:
    """Finished jets: branch name -> [n_jets] in ``per_jet``, -> [n_tracks] in ``per_track``.

    counts [n_jets]: tracks of each jet, which follow one another in ``per_track``.
    """

    per_jet: dict[str, npt.NDArray[np.generic]]
    per_track: dict[str, npt.NDArray[np.generic]]
    counts: Integers

    def __len__(self) -> int:
        return len(self.counts)

    def take(self, rows: Integers) -> Jets:
        """The jets of these row numbers, in this order."""
        starts = np.cumsum(self.counts) - self.counts
        tracks = ranges(starts[rows], self.counts[rows])
        return Jets(
            {name: values[rows] for name, values in self.per_jet.items()},
            {name: values[tracks] for name, values in self.per_track.items()},
            self.counts[rows],
        )

    @classmethod
    def join(cls, parts: list[Jets]) -> Jets:
        """All jets of the parts, one part after the other."""
        return cls(
            {k: np.concatenate([p.per_jet[k] for p in parts]) for k in parts[0].per_jet},
            {k: np.concatenate([p.per_track[k] for p in parts]) for k in parts[0].per_track},
            np.concatenate([p.counts for p in parts]),
        )


def make_block(task: Task, generator: Generator, pool: Pool) -> Jets:
    """The jets of one block; the same for the same task and pool, whatever was made before."""
    seed = np.random.SeedSequence(task.seed, spawn_key=(task.number,))
    rng = np.random.default_rng(seed)
    record = generator.generate(BLOCK_EVENTS, int(rng.integers(1, 900_000_000)))
    particles, hadrons = read_record(record)
    measurement = measure(particles, rng)
    pileup = overlay(pool, BLOCK_EVENTS, rng)
    tracks = Tracks.join([measurement.tracks, pileup.tracks])
    shift = rng.normal(size=(3, BLOCK_EVENTS)) * np.array(VERTEX_SMEAR_CM)[:, None]
    dxy, dz = move_vertex(tracks.dxy, tracks.dz, tracks.phi, tracks.eta, *shift[:, tracks.event])
    tracks = replace(tracks, dxy=dxy, dz=dz)
    association = associate(tracks, pileup.vertex_event, pileup.vertex_z_cm, rng)
    impact = impact_parameters(tracks)
    vertices = find_vertices(tracks, impact.length, impact.length / impact.sigma, rng)

    jets, jet_of, track_of = cluster(tracks, measurement.deposits)
    flavours = find_flavours(jets, hadrons, signal=task.process == SIGNAL)
    usable = (tracks.pt[track_of] > MIN_PT) & (np.abs(tracks.eta[track_of]) < MAX_ETA)
    counts = np.bincount(jet_of[usable], minlength=len(jets))
    kept = (counts >= MIN_TRACKS) & (flavours.label >= 0)
    usable &= kept[jet_of]
    jet_of, track_of = jet_of[usable], track_of[usable]

    inside = tracks.take(track_of)
    features = track_features(
        inside,
        association.take(track_of),
        impact.take(track_of),
        jets.take(jet_of),
        vertices,
    )
    features |= truth_of_tracks(inside, flavours.take(jet_of))
    order = np.lexsort((-features["trackBTag_Sip2dSig"], jet_of))
    rows = np.flatnonzero(kept)
    per_jet = describe_jets(jets.take(rows), flavours.take(rows), hadrons, task)
    return Jets(
        per_jet,
        {name: _small(values)[order] for name, values in features.items()},
        counts[rows],
    )


def truth_of_tracks(tracks: Tracks, flavours: Flavours) -> dict[str, Array]:
    """Origin of each track, and which of the jet's b-hadrons it descends from (1, 2 or 0)."""
    which = np.where(tracks.b == flavours.b1, 1, np.where(tracks.b == flavours.b2, 2, 0))
    return {
        "track_truth_origin": tracks.origin,
        "track_truth_b": np.where(tracks.b >= 0, which, 0),
    }


def describe_jets(
    jets: FatJets, flavours: Flavours, hadrons: Hadrons, task: Task
) -> dict[str, npt.NDArray[np.generic]]:
    """Branches of each jet [n]: kinematics, labels, number of its event, and its b-hadrons.

    ``fj_truth_b1_pt`` is -1, and its directions 0, where there is no such b-hadron.
    """
    per_jet: dict[str, npt.NDArray[np.generic]] = {
        "fj_pt": jets.pt.astype(np.float32),
        "fj_sdmass": jets.sdmass.astype(np.float32),
        "fj_eta": jets.eta.astype(np.float32),
        "fj_phi": jets.phi.astype(np.float32),
        "sample_isQCD": np.full(len(jets), int(task.process != SIGNAL), dtype=np.int32),
    }
    for number, name in enumerate(LABELS):
        per_jet[f"label_{name}"] = (flavours.label == number).astype(np.int32)
    per_jet["event"] = (task.number * BLOCK_EVENTS + jets.event).astype(np.int64)
    per_jet["fj_truth_n_b"] = flavours.n_b.astype(np.int32)
    per_jet["fj_truth_n_c"] = flavours.n_c.astype(np.int32)
    sign = np.where(jets.eta > 0, 1.0, -1.0)
    for name, row in (("b1", flavours.b1), ("b2", flavours.b2)):
        there = row >= 0
        hadron = hadrons.take(np.where(there, row, 0)) if len(hadrons) else None
        if hadron is None:
            nothing = np.zeros(len(jets), dtype=np.float32)
            pt, eta, phi = nothing - 1, nothing, nothing
        else:
            pt = np.where(there, hadron.pt, -1.0)
            eta = np.where(there, sign * (hadron.eta - jets.eta), 0.0)
            phi = np.where(there, delta_phi(hadron.phi, jets.phi), 0.0)
        per_jet[f"fj_truth_{name}_pt"] = pt.astype(np.float32)
        per_jet[f"fj_truth_{name}_etarel"] = eta.astype(np.float32)
        per_jet[f"fj_truth_{name}_phirel"] = phi.astype(np.float32)
    return per_jet


def _small(values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    return values.astype(np.int32 if values.dtype.kind in "iu" else np.float32)


def slice_of(task: Task) -> Generator:
    """A generator for a task's slice."""
    return Generator(SLICES[task.process][task.slice])
