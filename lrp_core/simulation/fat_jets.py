"""Fat jets: anti-kT with R = 0.8, groomed by soft drop, with FastJet (GPL, extra ``simulate``)."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lrp_core.simulation.generator import import_extra
from lrp_core.simulation.particles import pseudorapidity
from lrp_core.simulation.table import Table, ranges
from lrp_core.simulation.tracker import Deposits, Tracks

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

RADIUS = 0.8
MIN_PT = 200.0
MAX_PT = 5000.0
MAX_ETA = 2.4
SOFT_DROP_Z = 0.1
"""Soft drop with beta = 0 (Larkoski, Marzani, Soyez, Thaler, JHEP 05 (2014) 146)."""

ALL_IN_ONE = 100.0
"""A radius of Cambridge/Aachen large enough to leave one jet."""


@dataclass(frozen=True, eq=False)
class FatJets(Table):
    """Jets of a block [n].

    event; pt, energy (GeV), eta, phi; sdmass: mass after soft drop in GeV; subjet eta and phi of
    the two subjets of the groomed jet, the harder one first; n_subjets: how many there are.
    """

    event: Integers
    pt: Array
    eta: Array
    phi: Array
    energy: Array
    sdmass: Array
    n_subjets: Integers
    subjet1_eta: Array
    subjet1_phi: Array
    subjet2_eta: Array
    subjet2_phi: Array


class Clustering(NamedTuple):
    """Jets, and which track lies in which: rows of jets and of tracks, [m] each."""

    jets: FatJets
    jet_of: Integers
    track_of: Integers


class Groomed(NamedTuple):
    """A jet after soft drop: mass in GeV, and (pT, eta, phi) of its subjets, harder first."""

    mass: float
    subjets: tuple[tuple[float, float, float], ...]


@contextmanager
def silent_banner() -> Iterator[None]:
    """Keep FastJet's banner, which it prints at its first clustering, off the screen."""
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
            os.dup2(nowhere.fileno(), 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def cluster(tracks: Tracks, deposits: Deposits) -> Clustering:
    """Anti-kT jets of tracks and deposits with 200 GeV < pT < 5 TeV and |eta| < 2.4."""
    import awkward as ak

    fastjet = import_extra("fastjet")
    px = np.concatenate([tracks.pt * np.cos(tracks.phi), deposits.px])
    py = np.concatenate([tracks.pt * np.sin(tracks.phi), deposits.py])
    pz = np.concatenate([tracks.pt * np.sinh(tracks.eta), deposits.pz])
    energy = np.concatenate([tracks.energy, deposits.energy])
    event = np.concatenate([tracks.event, deposits.event])
    order = np.argsort(event, kind="stable")
    numbers, counts = np.unique(event, return_counts=True)
    if len(numbers) == 0:
        raise ValueError("there is nothing to cluster")
    flat = {"px": px[order], "py": py[order], "pz": pz[order], "E": energy[order]}
    particles = ak.unflatten(ak.zip(flat, with_name="Momentum4D"), counts)
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, RADIUS)
    sequence = fastjet.ClusterSequence(particles, definition)
    jets = sequence.inclusive_jets(min_pt=MIN_PT)
    inside = sequence.constituent_index(min_pt=MIN_PT)

    per_event = ak.to_numpy(ak.num(jets, axis=1))
    jet_event = np.repeat(numbers, per_event)
    jet_px, jet_py, jet_pz, jet_e = (
        ak.to_numpy(ak.flatten(jets[name])) for name in ("px", "py", "pz", "E")
    )
    start = np.repeat(np.cumsum(counts) - counts, per_event)
    members = ak.flatten(inside, axis=1)
    sizes = ak.to_numpy(ak.num(members, axis=1)).astype(np.int64)
    rows = order[ak.to_numpy(ak.flatten(members)) + np.repeat(start, sizes)]
    first = np.cumsum(sizes) - sizes

    pt = np.hypot(jet_px, jet_py)
    eta = pseudorapidity(pt, jet_pz)
    kept = np.flatnonzero((pt < MAX_PT) & (np.abs(eta) < MAX_ETA))
    groomed = [
        groom(fastjet, px[r], py[r], pz[r], energy[r])
        for r in (rows[first[j] : first[j] + sizes[j]] for j in kept)
    ]
    subjets = np.array([[*g.subjets, *[(0.0, 0.0, 0.0)] * (2 - len(g.subjets))] for g in groomed])
    subjets = subjets.reshape(-1, 2, 3)
    fat = FatJets(
        event=jet_event[kept],
        pt=pt[kept],
        eta=eta[kept],
        phi=np.arctan2(jet_py, jet_px)[kept],
        energy=jet_e[kept],
        sdmass=np.array([g.mass for g in groomed]),
        n_subjets=np.array([len(g.subjets) for g in groomed], dtype=np.int64),
        subjet1_eta=subjets[:, 0, 1],
        subjet1_phi=subjets[:, 0, 2],
        subjet2_eta=subjets[:, 1, 1],
        subjet2_phi=subjets[:, 1, 2],
    )
    jet_of = np.repeat(np.arange(len(kept)), sizes[kept])
    row = rows[ranges(first[kept], sizes[kept])]
    is_track = row < len(tracks)
    return Clustering(fat, jet_of[is_track], row[is_track])


def groom(fastjet: Any, px: Array, py: Array, pz: Array, energy: Array) -> Groomed:
    """Soft drop with z = 0.1 and beta = 0 of one jet's constituents [n] (GeV).

    The Cambridge/Aachen tree is opened from its root; the softer branch is dropped while it holds
    less than a tenth of the pT of both. The two branches where that ends are the subjets: the same
    as two exclusive Cambridge/Aachen jets of the groomed constituents. One constituent alone is
    its own only subjet.
    """
    particles = [
        fastjet.PseudoJet(*values)
        for values in zip(px.tolist(), py.tolist(), pz.tolist(), energy.tolist(), strict=True)
    ]
    definition = fastjet.JetDefinition(fastjet.cambridge_algorithm, ALL_IN_ONE)
    sequence = fastjet.ClusterSequence(particles, definition)
    jet = max(sequence.inclusive_jets(0.0), key=lambda one: one.pt())
    while True:
        harder, softer = fastjet.PseudoJet(), fastjet.PseudoJet()
        if not jet.has_parents(harder, softer):
            return Groomed(max(jet.m(), 0.0), (_direction(jet),))
        if softer.pt() > harder.pt():
            harder, softer = softer, harder
        if softer.pt() > SOFT_DROP_Z * (softer.pt() + harder.pt()):
            return Groomed(max(jet.m(), 0.0), (_direction(harder), _direction(softer)))
        jet = harder


def _direction(jet: Any) -> tuple[float, float, float]:
    return (jet.pt(), jet.eta(), jet.phi_std())
