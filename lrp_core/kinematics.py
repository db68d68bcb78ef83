"""Angles and distances between directions, each in one place; φ is wrapped where it is computed.

All take numbers or arrays that broadcast, and give float64. η is dimensionless, φ is in rad.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

TWO_PI = 2.0 * np.pi


def wrap_phi(phi: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The same direction with φ in [-π, π), in rad.

    What lies there already is returned as it is, to the last bit. Not-finite angles give NaN.
    """
    angle = np.asarray(phi, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        turned = np.remainder(angle, TWO_PI)
    turned = np.where(turned >= np.pi, turned - TWO_PI, turned)
    inside = (angle >= -np.pi) & (angle < np.pi)
    wrapped: npt.NDArray[np.float64] = np.where(inside, angle, turned)[()]
    return wrapped


def delta_phi(phi_1: npt.ArrayLike, phi_2: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """φ₁ - φ₂ the shorter way round, in [-π, π) rad; positive = ``phi_1`` lies anticlockwise."""
    difference = np.asarray(phi_1, dtype=np.float64) - np.asarray(phi_2, dtype=np.float64)
    return wrap_phi(difference)


def delta_eta(eta_1: npt.ArrayLike, eta_2: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """η₁ - η₂; positive = ``eta_1`` lies further along the beam's +z."""
    difference: npt.NDArray[np.float64] = np.asarray(eta_1, dtype=np.float64) - np.asarray(
        eta_2, dtype=np.float64
    )
    return difference


def delta_r(
    eta_1: npt.ArrayLike, phi_1: npt.ArrayLike, eta_2: npt.ArrayLike, phi_2: npt.ArrayLike
) -> npt.NDArray[np.float64]:
    """Distance √(Δη² + Δφ²) in the η-φ plane, never negative."""
    distance: npt.NDArray[np.float64] = np.hypot(delta_eta(eta_1, eta_2), delta_phi(phi_1, phi_2))
    return distance
