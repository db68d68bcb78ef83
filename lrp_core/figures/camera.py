"""Plotly's camera: where a point of the 3D scene lies on the picture.

plotly.js draws its 3D scenes with gl-plot3d. Read there, and measured in the browser
(tests/app/test_figures_js.py): the box, whose longest sides are as long as its aspect ratio says,
stands around the origin; the view is gluLookAt(eye, center, up); with perspective the picture is
45° high, without it 2 units high; both end 0.01 before the eye and 1000 behind it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lrp_core.errors import FigureError
from lrp_core.figures.view import Camera

Array = npt.NDArray[np.float64]

HEIGHT_ANGLE = math.pi / 4  # of the picture, with perspective
NEAR, FAR = 0.01, 1000.0


@dataclass(frozen=True, eq=False)
class Projector:
    """From the units of the axes to px.

    low, high    ends of the axes, [3]; aspect: lengths of the box, [3]
    left, top, width, height  where the picture is, in px
    matrix       [4, 4]: from the units of the axes to clip space
    """

    low: Array
    high: Array
    aspect: Array
    left: float
    top: float
    width: float
    height: float
    matrix: Array
    perspective: bool

    @classmethod
    def of(
        cls,
        camera: Camera,
        low: Array,
        high: Array,
        aspect: Array,
        stage: tuple[float, float, float, float],
        *,
        perspective: bool = True,
    ) -> Projector:
        """stage: left, top, width and height of the picture."""
        left, top, width, height = stage
        model = np.diag([*(aspect / (high - low)), 1.0])
        model[:3, 3] = -0.5 * aspect * (high + low) / (high - low)
        lens = _perspective(width / height) if perspective else _orthographic(width / height)
        matrix = lens @ _look_at(camera) @ model
        return cls(low, high, aspect, left, top, width, height, matrix, perspective)

    def project(self, points: npt.ArrayLike) -> tuple[Array, Array]:
        """Points [..., 3] -> px [..., 2], and how far each is from the eye [...].

        Raises FigureError for a point behind the eye.
        """
        given = np.asarray(points, dtype=np.float64)
        clip = given @ self.matrix[:, :3].T + self.matrix[:, 3]
        w = clip[..., 3]
        if self.perspective and (w <= 0).any():
            raise FigureError(
                "the camera stands inside of the scene, with part of it behind its back; "
                "move the camera further away"
            )
        x = self.left + (0.5 + clip[..., 0] / w / 2) * self.width
        y = self.top + (0.5 - clip[..., 1] / w / 2) * self.height
        far = w if self.perspective else clip[..., 2]
        return np.stack([x, y], axis=-1), far


def _look_at(camera: Camera) -> Array:
    """From the box to the eye: x to the right, y up, z towards the viewer."""
    eye, center, up = (np.array(part, dtype=np.float64) for part in _parts(camera))
    back = eye - center
    back /= np.linalg.norm(back)
    right = np.cross(up, back)
    length = np.linalg.norm(right)
    if length < 1e-9:
        raise FigureError(f"the camera looks along its own upright, {camera.up}; turn one of them")
    right /= length
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([right, np.cross(back, right), back])
    matrix[:3, 3] = -matrix[:3, :3] @ eye
    return matrix


def _parts(camera: Camera) -> tuple[tuple[float, float, float], ...]:
    return camera.eye, camera.center, camera.up


def _perspective(ratio: float) -> Array:
    f = 1 / math.tan(HEIGHT_ANGLE / 2)
    matrix = np.zeros((4, 4))
    matrix[0, 0], matrix[1, 1], matrix[3, 2] = f / ratio, f, -1.0
    matrix[2, 2] = (FAR + NEAR) / (NEAR - FAR)
    matrix[2, 3] = 2 * FAR * NEAR / (NEAR - FAR)
    return matrix


def _orthographic(ratio: float) -> Array:
    matrix = np.diag([1 / ratio, 1.0, 2 / (NEAR - FAR), 1.0])
    matrix[2, 3] = (FAR + NEAR) / (NEAR - FAR)
    return matrix


@dataclass(frozen=True)
class Cube:
    """What of the box's outline the axes use, corners numbered by their high sides: 1, 2, 4.

    far     for each axis, whether the face behind everything is that at its high end
    edges   for each axis, the corner that its labelled edge starts from
    """

    far: tuple[bool, bool, bool]
    edges: tuple[int, int, int]


def cube(projector: Projector) -> Cube:
    """Which edges carry the labels: those at the lower rim of the outline, as gl-axes3d chooses."""
    corners = np.array([[(n >> side) & 1 for side in range(3)] for n in range(8)], dtype=bool)
    points = np.where(corners, projector.high, projector.low)
    places, away = projector.project(points)
    nearest = int(np.argmin(away))
    farthest = nearest ^ 7
    rim = [corner for corner in range(8) if corner not in (nearest, farthest)]
    bottom = max(rim, key=lambda corner: places[corner, 1])
    beside = [bottom ^ (1 << side) for side in range(3)]
    beside = [corner for corner in beside if corner in rim]
    left = min(beside, key=lambda corner: places[corner, 0])
    right = max((c for c in beside if c != left), key=lambda c: places[c, 0], default=left)
    edges = [0, 0, 0]
    edges[(left ^ bottom).bit_length() - 1] = bottom & left
    edges[(bottom ^ right).bit_length() - 1] = bottom & right
    top = right ^ 7
    if top in (nearest, farthest):
        top = left ^ 7
        edges[(right ^ top).bit_length() - 1] = top & right
    else:
        edges[(left ^ top).bit_length() - 1] = top & left
    far = tuple(bool((farthest >> side) & 1) for side in range(3))
    return Cube((far[0], far[1], far[2]), (edges[0], edges[1], edges[2]))
