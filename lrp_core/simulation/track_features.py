"""The 45 features of a track in its jet, defined as in CMS's HiggsToBBNtuple.

Definitions, clips and shifts follow TrackFiller.cc and TrackInfoBuilder.cc of
github.com/cms-opendata-analyses/HiggsToBBNtupleProducerTool. Lengths in cm, momenta in GeV.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lrp_core.kinematics import delta_eta, delta_phi, delta_r
from lrp_core.simulation.association import Association
from lrp_core.simulation.fat_jets import FatJets
from lrp_core.simulation.secondary_vertices import Vertices
from lrp_core.simulation.tracker import PION_MASS, Tracks, masses

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

MIN_PT = 0.95
VERTEX_ERROR_XY_CM = 4e-4
VERTEX_ERROR_Z_CM = 10e-4
SV_RANGE = 0.8


class Vectors(NamedTuple):
    """Unit momentum of each track [n, 3], and its point nearest to the vertex in cm [n, 3]."""

    direction: Array
    point: Array


def vectors(tracks: Tracks) -> Vectors:
    """Direction at, and place of, the closest approach to the beam line, in cm."""
    sin, cos = np.sin(tracks.phi), np.cos(tracks.phi)
    cosh, tanh = np.cosh(tracks.eta), np.tanh(tracks.eta)
    return Vectors(
        np.stack([cos / cosh, sin / cosh, tanh], axis=1),
        np.stack([-tracks.dxy * sin, tracks.dxy * cos, tracks.dz], axis=1),
    )


class Impact(NamedTuple):
    """Impact parameters in space: vectors [n, 3], lengths and uncertainties in cm [n]."""

    vector: Array
    length: Array
    sigma: Array

    def take(self, rows: Integers) -> Impact:
        """Those of these tracks."""
        return Impact(self.vector[rows], self.length[rows], self.sigma[rows])


def impact_parameters(tracks: Tracks) -> Impact:
    """Impact parameters in space, the tracks taken as straight lines near the vertex.

    The uncertainty is that of dxy and dsz along the vector, with their covariance, and of the
    vertex.
    """
    line = vectors(tracks)
    along = (line.point * line.direction).sum(axis=1, keepdims=True)
    vector = line.point - along * line.direction
    length = np.sqrt((vector**2).sum(axis=1))
    unit = vector / np.maximum(length, 1e-12)[:, None]
    across = -unit[:, 0] * np.sin(tracks.phi) + unit[:, 1] * np.cos(tracks.phi)
    cosh = np.cosh(tracks.eta)
    variance = across**2 * tracks.dxydxy + (unit[:, 2] * cosh) ** 2 * tracks.dzdz
    variance += 2 * across * unit[:, 2] * cosh * tracks.dxydz
    variance = np.maximum(variance, 1e-9)
    variance += (1 - unit[:, 2] ** 2) * VERTEX_ERROR_XY_CM**2
    variance += unit[:, 2] ** 2 * VERTEX_ERROR_Z_CM**2
    return Impact(vector, length, np.sqrt(variance))


def distance_to_vertices(tracks: Tracks, jet_event: Integers, vertices: Vertices) -> Array:
    """track_drminsv [n]: distance to the event's nearest secondary vertex, up to 0.8, minus 0.8."""
    order = np.argsort(vertices.event, kind="stable")
    sorted_vertices = vertices.take(order)
    first = np.searchsorted(sorted_vertices.event, jet_event)
    last = np.searchsorted(sorted_vertices.event, jet_event, side="right")
    nearest = np.full(len(tracks), SV_RANGE)
    for step in range(int((last - first).max(initial=0))):
        there = first + step < last
        row = np.minimum(first + step, max(len(vertices) - 1, 0))
        distance = delta_r(
            tracks.eta, tracks.phi, sorted_vertices.eta[row], sorted_vertices.phi[row]
        )
        nearest = np.where(there, np.minimum(nearest, distance), nearest)
    return nearest - SV_RANGE


def track_features(
    tracks: Tracks,
    association: Association,
    impact: Impact,
    jets: FatJets,
    vertices: Vertices,
) -> dict[str, Array]:
    """All features of tracks [n], each with the jet it lies in: ``jets`` has one row per track.

    Returns branch name -> [n]. association and impact are those of the same tracks.
    """
    line = vectors(tracks)
    jet_axis = np.stack(
        [
            np.cos(jets.phi) / np.cosh(jets.eta),
            np.sin(jets.phi) / np.cosh(jets.eta),
            np.tanh(jets.eta),
        ],
        axis=1,
    )
    momentum = tracks.pt * np.cosh(tracks.eta)
    cosine = (line.direction * jet_axis).sum(axis=1)
    parallel = momentum * cosine
    sine = np.sqrt((np.cross(line.direction, jet_axis) ** 2).sum(axis=1))
    pion_energy = np.sqrt(momentum**2 + PION_MASS**2)
    eta_rel = 0.5 * np.log((pion_energy + parallel) / np.maximum(pion_energy - parallel, 1e-12))
    eta_from_jet = delta_eta(tracks.eta, jets.eta)
    from_jet = delta_r(tracks.eta, tracks.phi, jets.eta, jets.phi)

    normal = np.cross(line.direction, jet_axis)
    jet_distance = -np.abs((line.point * normal).sum(axis=1)) / np.maximum(sine, 1e-12)
    transverse = (line.point[:, :2] * jet_axis[:, :2]).sum(axis=1)
    sip2d = np.where(transverse >= 0, 1.0, -1.0) * np.abs(tracks.dxy)
    sip2d_sigma = np.sqrt(tracks.dxydxy + VERTEX_ERROR_XY_CM**2)
    sip3d = np.where((impact.vector * jet_axis).sum(axis=1) >= 0, 1.0, -1.0) * impact.length

    has_dz = tracks.dzdz > 0
    dz_error = np.sqrt(np.where(has_dz, tracks.dzdz, 1.0))
    subjet1 = delta_r(tracks.eta, tracks.phi, jets.subjet1_eta, jets.subjet1_phi)
    subjet2 = delta_r(tracks.eta, tracks.phi, jets.subjet2_eta, jets.subjet2_phi)
    return {
        "track_pt": tracks.pt,
        "track_ptrel": tracks.pt / jets.pt,
        "track_erel": tracks.energy / jets.energy,
        "track_etarel": np.where(jets.eta > 0, 1.0, -1.0) * eta_from_jet,
        "track_phirel": delta_phi(tracks.phi, jets.phi),
        "track_deltaR": from_jet,
        "track_mass": masses(tracks.pdg),
        "track_charge": tracks.charge,
        "track_isChargedHad": (tracks.pdg == 211).astype(np.float64),
        "track_isMu": (tracks.pdg == 13).astype(np.float64),
        "track_isEl": (tracks.pdg == 11).astype(np.float64),
        "track_drsubjet1": np.where(jets.n_subjets >= 1, subjet1, -1.0),
        "track_drsubjet2": np.where(jets.n_subjets >= 2, subjet2, -1.0),
        "track_drminsv": distance_to_vertices(tracks, jets.event, vertices),
        "track_VTX_ass": association.quality.astype(np.float64),
        "track_fromPV": association.from_pv.astype(np.float64),
        "track_puppiw": association.puppi,
        "track_lostInnerHits": tracks.lost.astype(np.float64),
        "track_normchi2": tracks.chi2,
        "track_quality": tracks.quality.astype(np.float64),
        "track_dxy": tracks.dxy,
        "track_dz": tracks.dz,
        "track_dxysig": np.clip(tracks.dxy / tracks.sigma_dxy, -2000.0, 2000.0),
        "track_dzsig": np.where(has_dz, np.clip(tracks.dz / dz_error, -2000.0, 2000.0), 0.0),
        "track_dptdpt": tracks.dptdpt,
        "track_detadeta": tracks.detadeta,
        "track_dphidphi": tracks.dphidphi,
        "track_dxydxy": tracks.dxydxy,
        "track_dzdz": tracks.dzdz,
        "track_dxydz": tracks.dxydz,
        "track_dphidxy": tracks.dphidxy,
        "track_dlambdadz": tracks.dlambdadz,
        "trackBTag_Momentum": np.clip(momentum, 0.0, 1000.0),
        "trackBTag_Eta": np.clip(tracks.eta, -5.0, 5.0),
        "trackBTag_EtaRel": np.clip(eta_rel, -5.0, 15.0),
        "trackBTag_PtRel": np.clip(momentum * sine, -1.0, 4.0),
        "trackBTag_PPar": parallel,
        "trackBTag_DeltaR": np.clip(from_jet, -5.0, 5.0),
        "trackBTag_PtRatio": sine,
        "trackBTag_PParRatio": cosine,
        "trackBTag_Sip2dVal": np.clip(sip2d, -1.0, 70.0),
        "trackBTag_Sip2dSig": np.clip(sip2d / sip2d_sigma, -1.0, 4e4),
        "trackBTag_Sip3dVal": np.clip(sip3d, -1.0, 1e5),
        "trackBTag_Sip3dSig": np.clip(sip3d / impact.sigma, -1.0, 4e4),
        "trackBTag_JetDistVal": np.clip(jet_distance, -20.0, 1.0),
    }
