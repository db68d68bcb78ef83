"""Covariances of track parameters: log-normal fits to CMS tracks, and how CMS packs them.

The parameters of a track are q/p, lambda, phi, dxy and dsz, in that order, as CMS has them. The
tables hold fits of ln|covariance| to tracks of CERN Open Data record 12102
(DOI 10.7483/OPENDATA.CMS.JGJX.MS7Q).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lrp_core.simulation.table import Table

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

QUANTITIES = ("dptdpt", "detadeta", "dphidphi", "dxydxy", "dzdz", "dlambdadz", "dphidxy")

CLASS_A, CLASS_B, CLASS_C = 0, 1, 2
"""A: a hit in the innermost pixel layer; B: none there but in other pixels; C: no pixel hit."""

COEFFICIENTS = np.array(
    [
        [
            [-8.883, -2.324, -0.01, 0.03, -0.138, -0.009],
            [-12.284, -1.98, 0.277, 0.0, -0.304, -0.2],
            [-12.017, -1.815, -0.052, 0.033, 0.375, -0.027],
            [-9.161, -1.748, 0.096, 0.02, 0.356, -0.082],
            [-9.098, -1.735, 0.344, -0.012, 0.262, -0.21],
            [-10.79, -1.898, 0.316, -0.006, -0.011, -0.204],
            [-10.693, -1.755, -0.012, 0.032, 0.364, -0.049],
        ],
        [
            [-9.375, -1.865, -0.131, 0.039, -0.213, 0.038],
            [-12.423, -1.748, 0.316, -0.014, -0.311, -0.166],
            [-12.128, -1.648, -0.102, 0.037, 0.384, 0.011],
            [-8.181, -1.747, 0.079, 0.018, 0.383, -0.038],
            [-8.167, -1.578, 0.321, -0.017, 0.293, -0.16],
            [-10.386, -1.682, 0.315, -0.015, -0.005, -0.158],
            [-10.256, -1.675, -0.037, 0.031, 0.381, -0.008],
        ],
        [
            [-9.041, -2.142, 0.117, 0.018, -0.199, 0.053],
            [-10.046, -0.562, 0.139, -0.009, -0.533, -0.064],
            [-10.155, -1.907, 0.086, 0.019, 0.371, 0.068],
            [-3.849, -1.69, 0.041, 0.023, 0.305, 0.092],
            [-2.445, -0.145, -0.018, 0.005, -0.029, 0.004],
            [-6.42, -0.422, 0.082, -0.004, -0.253, -0.024],
            [-7.19, -1.808, 0.081, 0.019, 0.35, 0.079],
        ],
    ]
)
"""[class, quantity, term] with the terms 1, L, L^2, L^3, eta^2, eta^2 L and L = ln(pT / GeV)."""

SPREADS = np.array(
    [
        [1.23, 0.46, 0.68, 0.67, 0.60, 0.50, 0.66],
        [0.68, 0.60, 0.55, 0.78, 0.78, 0.65, 0.65],
        [0.66, 1.72, 0.89, 1.27, 2.31, 1.88, 1.03],
    ]
)
"""Standard deviation of ln|covariance| about the fit [class, quantity]."""

CORRELATIONS_BELOW = (
    (
        (0.11,),
        (0.92, 0.26),
        (0.66, 0.39, 0.85),
        (0.10, 0.87, 0.28, 0.49),
        (0.12, 0.96, 0.28, 0.45, 0.96),
        (0.82, 0.33, 0.96, 0.96, 0.39, 0.38),
    ),
    (
        (0.25,),
        (0.83, 0.43),
        (0.50, 0.43, 0.82),
        (0.23, 0.84, 0.52, 0.71),
        (0.26, 0.95, 0.50, 0.59, 0.96),
        (0.67, 0.45, 0.94, 0.96, 0.65, 0.57),
    ),
    (
        (0.44,),
        (0.83, 0.67),
        (0.60, 0.66, 0.91),
        (0.40, 0.96, 0.71, 0.76),
        (0.41, 0.97, 0.70, 0.74, 0.99),
        (0.70, 0.64, 0.95, 0.99, 0.72, 0.71),
    ),
)
"""Correlations of the residuals with the quantities before [class][quantity - 1]."""

NORMAL_SCORES = np.array(
    [-3.29, -2.576, -1.645, -0.674, 0.0, 0.674, 1.282, 1.645, 2.054, 2.326, 2.576, 3.29]
)
RESIDUALS_A = np.array(
    [
        [-1.76, -1.23, -0.87, -0.54, -0.30, 0.13, 1.41, 3.46, 5.21, 6.50, 7.52, 9.21],
        [-1.93, -1.19, -0.60, -0.22, -0.06, 0.24, 0.56, 0.90, 1.54, 2.11, 2.71, 4.08],
        [-1.52, -0.93, -0.45, -0.29, -0.16, 0.11, 0.85, 1.79, 3.07, 4.19, 5.09, 7.91],
        [-2.03, -1.24, -0.65, -0.34, -0.12, 0.24, 0.90, 1.71, 2.73, 3.42, 4.01, 6.50],
        [-2.21, -1.48, -0.80, -0.34, -0.05, 0.37, 0.77, 1.15, 1.85, 2.38, 2.86, 3.86],
        [-2.07, -1.28, -0.68, -0.27, -0.06, 0.28, 0.63, 0.99, 1.61, 2.16, 2.74, 4.00],
        [-1.87, -1.09, -0.56, -0.31, -0.15, 0.17, 0.91, 1.65, 2.77, 3.73, 4.59, 7.24],
    ]
)
"""Residuals about the fit of class A at these normal scores [quantity, score].

Skew, with a long tail of short or disturbed tracks; quantiles of tracks of record 12102.
"""

DXYDZ_SPREAD = np.array([0.0042, 0.035, 0.16])
"""Scale per class of the correlation of dxy and dz, which follows a Student t with 1.5 degrees
(class A: at pT = 1 GeV, growing as pT^0.68)."""

FLOAT16_SCALE = 1e4
"""dxydxy, dzdz and dxydz are kept as 16-bit floats of 1e4 times their value."""


@dataclass(frozen=True, eq=False)
class Covariance(Table):
    """Covariances of the tracks' parameters [n] each, before packing.

    dptdpt (q/p), GeV^-2; detadeta (lambda); dphidphi, rad^2; dxydxy, dzdz (dsz), dxydz, cm^2;
    dlambdadz, dphidxy, rad cm (both negative).
    """

    dptdpt: Array
    detadeta: Array
    dphidphi: Array
    dxydxy: Array
    dzdz: Array
    dxydz: Array
    dlambdadz: Array
    dphidxy: Array


def correlation_roots() -> Array:
    """[class, 7, 7]: matrices that turn independent unit normals into correlated ones.

    The rounded correlations of the tables are moved to the nearest matrix without a negative
    eigenvalue first.
    """
    roots = []
    for below in CORRELATIONS_BELOW:
        matrix = np.eye(len(QUANTITIES))
        for row, values in enumerate(below, start=1):
            matrix[row, :row] = matrix[:row, row] = values
        strengths, vectors = np.linalg.eigh(matrix)
        root = vectors * np.sqrt(np.maximum(strengths, 0.0))
        roots.append(root / np.linalg.norm(root, axis=1, keepdims=True))
    return np.array(roots)


def draw_covariance(
    pt: Array, eta: Array, pixel_class: Integers, rng: np.random.Generator
) -> Covariance:
    """Covariances for tracks of pT (GeV) and eta [n] in their classes [n]."""
    size = np.log(np.clip(pt, 0.9, 400.0))
    terms = np.stack([np.ones_like(size), size, size**2, size**3, eta**2, eta**2 * size])
    mean = np.einsum("nqt,tn->nq", COEFFICIENTS[pixel_class], terms)
    normal = rng.normal(size=(len(pt), len(QUANTITIES)))
    spread = np.einsum("nqr,nr->nq", correlation_roots()[pixel_class], normal)
    residual = SPREADS[pixel_class] * spread
    skew = [np.interp(spread[:, i], NORMAL_SCORES, RESIDUALS_A[i]) for i in range(len(QUANTITIES))]
    residual = np.where((pixel_class == CLASS_A)[:, None], np.stack(skew, axis=1), residual)
    log = mean + residual
    log[:, 0] = np.minimum(log[:, 0], -5.0)
    log[:, 2] = np.minimum(log[:, 2], -8.0)
    log[:, 3] = np.clip(log[:, 3], -14.5, np.log(6.5))
    log[:, 4] = np.clip(log[:, 4], -13.5, 3.0)
    value = {name: np.exp(log[:, i]) for i, name in enumerate(QUANTITIES)}
    mixing = DXYDZ_SPREAD[pixel_class] * (0.2 + rng.standard_t(1.5, size=len(pt)))
    mixing *= np.where(pixel_class == CLASS_A, np.clip(pt, 0.9, 100.0) ** 0.68, 1.0)
    mixing = np.clip(mixing, -0.99, 0.99)
    return Covariance(
        dptdpt=value["dptdpt"],
        detadeta=value["detadeta"],
        dphidphi=value["dphidphi"],
        dxydxy=value["dxydxy"],
        dzdz=value["dzdz"],
        dxydz=mixing * np.sqrt(value["dxydxy"] * value["dzdz"]),
        dlambdadz=-value["dlambdadz"],
        dphidxy=-value["dphidxy"],
    )


def momentum_excess(dptdpt: Array, pt: Array, eta: Array) -> Array:
    """ln of var(q/p) [n] in GeV^-2 over what a good track of this pT (GeV) and eta has [n].

    Above 2 the track is short or disturbed.
    """
    size = np.log(np.clip(pt, 0.9, 400.0))
    terms = np.stack([np.ones_like(size), size, size**2, size**3, eta**2, eta**2 * size])
    return np.asarray(np.log(dptdpt) - COEFFICIENTS[CLASS_A, 0] @ terms)


def pack_log(value: Array, low: float, high: float) -> Array:
    """The value as eight bits keep it: its sign, and ln|value| on 128 steps from low to high."""
    step = (high - low) / 128.0
    log = np.log(np.maximum(np.abs(value), 1e-300))
    level = np.clip(np.round((log - low) / step), 0, 127)
    return np.asarray(np.sign(value) * np.exp(low + level * step))


def pack_float16(value: Array) -> Array:
    """The value as a 16-bit float of 1e4 times it keeps it; 0 where that overflows (above 6.55)."""
    with np.errstate(over="ignore"):
        packed = np.float16(value * FLOAT16_SCALE).astype(np.float64) / FLOAT16_SCALE
    return np.where(np.isfinite(packed), packed, 0.0)


def pack_covariance(covariance: Covariance, pt: Array) -> Covariance:
    """Covariances as the packed candidates of CMS keep them; pT in GeV [n].

    var(q/p) and var(phi) are packed multiplied by pT^2. The steps were read off real jets, whose
    values lie on them exactly.
    """
    return Covariance(
        dptdpt=pack_log(covariance.dptdpt * pt**2, -15.0, 0.0) / pt**2,
        detadeta=pack_log(covariance.detadeta, -20.0, -5.0),
        dphidphi=pack_log(covariance.dphidphi * pt**2, -15.0, 0.0) / pt**2,
        dxydxy=pack_float16(covariance.dxydxy),
        dzdz=pack_float16(covariance.dzdz),
        dxydz=pack_float16(covariance.dxydz),
        dlambdadz=pack_log(covariance.dlambdadz, -17.0, -4.0),
        dphidxy=pack_log(covariance.dphidxy, -17.0, -4.0),
    )
