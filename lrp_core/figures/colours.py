"""Colour scales as functions of a share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Channels = npt.NDArray[np.float64]


def channels(hexadecimal: str) -> Channels:
    """Red, green and blue of "#rrggbb", [3], 0 to 255."""
    return np.array([int(hexadecimal[at : at + 2], 16) for at in (1, 3, 5)], dtype=np.float64)


def mix(a: Any, b: Any, t: Any) -> Channels:
    """A colour between two: ``a`` at t = 0, ``b`` at t = 1."""
    first: Channels = np.asarray(a) + (np.asarray(b) - np.asarray(a)) * t
    return first


def scale(colours: Sequence[str]) -> Callable[[npt.ArrayLike], Channels]:
    """A colour scale, evenly spaced from 0 to 1, as a function of t [...] -> [..., 3]."""
    stops = np.stack([channels(colour) for colour in colours])

    def of(t: npt.ArrayLike) -> Channels:
        place = np.clip(np.asarray(t, dtype=np.float64), 0, 1) * (len(stops) - 1)
        low = np.minimum(len(stops) - 2, np.floor(place)).astype(np.int64)
        return mix(stops[low], stops[low + 1], (place - low)[..., None])

    return of


def css(rgb: npt.ArrayLike) -> str:
    """A colour as "#rrggbb", each channel rounded as browsers round."""
    whole = np.floor(np.asarray(rgb, dtype=np.float64) + 0.5).astype(int)
    return "#" + "".join(f"{value:02x}" for value in whole.tolist())


def hexes(rgb: npt.ArrayLike) -> list[str]:
    """Colours [n, 3] as "#rrggbb" each, as ``css`` writes one."""
    whole = np.floor(np.asarray(rgb, dtype=np.float64) + 0.5).astype(np.uint8)
    return [f"#{row.tobytes().hex()}" for row in whole]


def rgba(colour: str, opacity: float) -> str:
    """A colour "#rrggbb" that can be seen through, as CSS and Plotly read it."""
    return f"rgba({','.join(f'{value:g}' for value in channels(colour))},{opacity:g})"
