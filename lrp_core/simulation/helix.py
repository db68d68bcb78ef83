"""The helix of a charged particle in the solenoid, and its closest approach to the beam line."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lrp_core.kinematics import delta_phi

Array = npt.NDArray[np.float64]

FIELD_TESLA = 3.8
"""Field of the CMS solenoid (CMS, JINST 3 (2008) S08004)."""

CURVATURE_PER_TESLA = 0.0029979
"""1/cm for one unit of charge and pT = 1 GeV in 1 T: the speed of light, 0.299792458 per metre."""


class ClosestApproach(NamedTuple):
    """Where a helix passes closest to the beam line, seen from the origin.

    dxy_cm [n]  transverse distance, signed: -x sin(phi) + y cos(phi) at that point, as CMS does
    dz_cm  [n]  z at that point
    phi    [n]  direction of the transverse momentum at that point, radian
    """

    dxy_cm: Array
    dz_cm: Array
    phi: Array


def curvature(charge: Array, pt: Array) -> Array:
    """omega = -q 0.0029979 B / pT in 1/cm [n]: change of phi per cm of transverse path.

    charge in units of e, pT in GeV. Negative for a positive charge: it turns clockwise.
    """
    return np.asarray(-charge * CURVATURE_PER_TESLA * FIELD_TESLA / pt)


def closest_approach(
    x: Array, y: Array, z: Array, phi: Array, eta: Array, pt: Array, charge: Array
) -> ClosestApproach:
    """Follow the helix from where the particle was born to its point nearest to the beam line.

    x, y, z [n] in cm from the vertex that distances refer to; phi, eta, pT (GeV) there; charge in
    e.
    Exact in the transverse plane: the helix is a circle, and the nearest point lies on the line
    from the origin through its centre. z follows from the arc between the two points.
    """
    omega = curvature(charge, pt)
    side = np.sign(omega)
    radius = 1.0 / np.abs(omega)
    centre_x = x - np.sin(phi) / omega
    centre_y = y + np.cos(phi) / omega
    distance = np.hypot(centre_x, centre_y)
    dxy = side * (distance - radius)
    phi_there = np.arctan2(-side * centre_x / distance, side * centre_y / distance)
    turned = delta_phi(phi, phi_there)
    dz = z - turned / omega * np.sinh(eta)
    return ClosestApproach(dxy, dz, phi_there)


def move_vertex(
    dxy: Array, dz: Array, phi: Array, eta: Array, x: Array, y: Array, z: Array
) -> tuple[Array, Array]:
    """(dxy, dz) in cm seen from a vertex at (x, y, z) cm instead of the origin; all [n].

    For steps of micrometres, over which the helix is straight.
    """
    along = x * np.cos(phi) + y * np.sin(phi)
    across = -x * np.sin(phi) + y * np.cos(phi)
    return dxy - across, dz - z + along * np.sinh(eta)
